//! What is said of a format before anything is saved, and of a model before anything is made of it.

use downhill::message::Result;
use serde::Serialize;

use crate::code::{self, Language};
use crate::format::{Description, Format, Found, Held, Part};
use crate::model::Model;
use crate::run::Run;
use crate::{coefficients, history, keras, npz, onnx, page, pmml, recipe, safetensors, tfjs};

/// What a person sees of a file that was read: what it is, and its model in the units of the data.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Seen {
    /// What the file holds.
    #[serde(flatten)]
    pub found: Found,
    /// What each row of `coefficients` belongs to.
    pub terms: Vec<String>,
    /// `[term][output]`, over inputs as they are.
    pub coefficients: Vec<Vec<f64>>,
    /// One an output; none where the model has none.
    pub constants: Option<Vec<f64>>,
}

impl Seen {
    /// Of what was found.
    pub fn of(found: Found) -> Self {
        let folded = found.model.folded();
        // Scaling leaves a constant where there was no bias, too.
        let has_constant = found.model.bias.is_some() || folded.bias.iter().any(|bias| *bias != 0.0);
        Self {
            terms: found.model.term_names(),
            coefficients: folded.weights,
            constants: has_constant.then_some(folded.bias),
            found,
        }
    }
}

impl Format {
    /// As data name it: `keras_h5`.
    pub fn name(self) -> String {
        let named = serde_json::to_value(self).ok();
        named.as_ref().and_then(|value| value.as_str()).unwrap_or_default().to_owned()
    }

    /// What the file holds of this run, and how it is loaded.
    ///
    /// # Errors
    /// Those of [`Format::write`].
    pub fn describe(self, run: &Run) -> Result<Description> {
        let size = self.write(run)?.len();
        let model = run.model();
        let file_name = self.file_name(run);
        let (language, how_to_load) = self.how_to_load(&model, &file_name);
        Ok(Description { holds: self.holds(&model), how_to_load, language: language.into(), size, file_name })
    }

    /// A name to save a run under: one that a module of Python may have, where it is to be imported.
    pub fn file_name(self, run: &Run) -> String {
        let steps = run.file.steps;
        match self {
            Self::RunFile => format!("downhill-weights-step-{steps}.json"),
            Self::Python | Self::Javascript | Self::Rust | Self::C | Self::Sql => {
                format!("downhill_step_{steps}.{}", self.extension())
            }
            _ => format!("downhill-step-{steps}{}.{}", self.suffix(), self.extension()),
        }
    }

    /// What tells it from another of the same ending.
    fn suffix(self) -> &'static str {
        match self {
            Self::Tfjs => "-tfjs",
            Self::Coefficients => "-coefficients",
            Self::History => "-history",
            Self::RecipeKeras => "-keras",
            Self::RecipePytorch => "-pytorch",
            Self::RecipeSklearn => "-sklearn",
            Self::RecipeSpark => "-spark",
            _ => "",
        }
    }

    fn extension(self) -> &'static str {
        match self {
            Self::RunFile => "json",
            Self::KerasH5 => "h5",
            Self::Keras => "keras",
            Self::Onnx => "onnx",
            Self::Safetensors => "safetensors",
            Self::Npz => "npz",
            Self::Tfjs => "zip",
            Self::Pmml => "pmml",
            Self::Coefficients | Self::History => "csv",
            Self::Javascript => "mjs",
            Self::Rust => "rs",
            Self::C => "c",
            Self::Sql => "sql",
            Self::Page => "html",
            Self::Python
            | Self::RecipeKeras
            | Self::RecipePytorch
            | Self::RecipeSklearn
            | Self::RecipeSpark => "py",
        }
    }

    /// Parts that the model does not have are left out.
    fn holds(self, model: &Model) -> Vec<(Part, Held)> {
        match self {
            Self::RunFile => parts(model).into_iter().map(|part| (part, Held::Inside)).collect(),
            Self::KerasH5 | Self::Keras => keras::holds(model),
            Self::Tfjs => tfjs::holds(model),
            Self::Onnx => onnx::holds(model),
            Self::Safetensors => safetensors::holds(model),
            Self::Npz => npz::holds(model),
            Self::Pmml => pmml::holds(model),
            Self::Coefficients => coefficients::holds(model),
            Self::Python | Self::Javascript | Self::Rust | Self::C | Self::Sql => code::holds(model),
            Self::RecipeKeras | Self::RecipePytorch | Self::RecipeSklearn | Self::RecipeSpark => {
                recipe::holds(model)
            }
            Self::Page => page::holds(model),
            Self::History => history::holds(),
        }
    }

    fn how_to_load(self, model: &Model, file_name: &str) -> (&'static str, String) {
        match self {
            Self::KerasH5 | Self::Keras => keras::how_to_load(model, file_name),
            Self::Tfjs => tfjs::how_to_load(model, file_name),
            Self::Onnx => onnx::how_to_load(model, file_name),
            Self::Safetensors => safetensors::how_to_load(model, file_name),
            Self::Npz => npz::how_to_load(model, file_name),
            Self::Pmml => pmml::how_to_load(model, file_name),
            Self::Coefficients => coefficients::how_to_load(model, file_name),
            Self::Python => code::how_to_load(model, file_name, Language::Python),
            Self::Javascript => code::how_to_load(model, file_name, Language::Javascript),
            Self::Rust => code::how_to_load(model, file_name, Language::Rust),
            Self::C => code::how_to_load(model, file_name, Language::C),
            Self::Sql => code::how_to_load(model, file_name, Language::Sql),
            Self::Page => page::how_to_load(file_name),
            Self::History => history::how_to_load(file_name),
            Self::RecipeKeras => recipe::how_to_load(&recipe::keras::TOOL, file_name),
            Self::RecipePytorch => recipe::how_to_load(&recipe::pytorch::TOOL, file_name),
            Self::RecipeSklearn => recipe::how_to_load(&recipe::sklearn::TOOL, file_name),
            Self::RecipeSpark => recipe::how_to_load(&recipe::spark::TOOL, file_name),
            _ => ("", String::new()),
        }
    }
}

/// What there is to hold of a run.
fn parts(model: &Model) -> Vec<Part> {
    let mut parts = vec![Part::Weights];
    if model.is_scaled() {
        parts.push(Part::Scaling);
    }
    if !model.map.interactions.is_empty() || model.map.inputs.iter().any(|input| input.degree > 1) {
        parts.push(Part::Terms);
    }
    if model.inputs.iter().any(|input| !input.levels.is_empty()) {
        parts.push(Part::Levels);
    }
    parts.extend([Part::Columns, Part::Training, Part::History, Part::Provenance]);
    parts
}

#[cfg(test)]
mod tests {
    use downhill::message::Code;

    use super::*;
    use crate::format;

    fn run(name: &str) -> Run {
        let path = format!("{}/samples/{name}.json", env!("CARGO_MANIFEST_DIR"));
        Run::read(&std::fs::read(path).expect("a sample")).expect("a run")
    }

    #[test]
    fn says_of_every_format_what_it_holds_and_how_large_it_is() {
        for name in ["story", "unbiased", "powers", "mixed", "ten", "yes", "classes"] {
            let run = run(name);
            for format in Format::ALL {
                let description = match format.describe(&run) {
                    // TensorFlow.js has no e^z.
                    Err(error) if (name, format) == ("powers", Format::Tfjs) => {
                        assert_eq!(error.code, Code::ModelCannotHold);
                        continue;
                    }
                    description => description.expect("a description"),
                };
                assert_eq!(description.size, format.write(&run).expect("a file").len(), "{name} {format:?}");
                assert!(!description.holds.is_empty(), "{name} {format:?}");
                assert_eq!(
                    format == Format::RunFile,
                    description.how_to_load.is_empty(),
                    "{name} {format:?}"
                );
                let mut parts: Vec<Part> = description.holds.iter().map(|(part, _)| *part).collect();
                parts.dedup();
                assert_eq!(parts.len(), description.holds.len(), "a part once: {name} {format:?}");
            }
        }
    }

    /// y = 2 x + 1 seen through standardized x: the constant takes what the center was worth.
    #[test]
    fn shows_a_model_in_the_units_of_the_data() {
        for name in ["story", "powers", "mixed", "classes"] {
            let run = run(name);
            let seen = Seen::of(format::read(run.text.as_bytes()).expect("a model"));
            let model = &seen.found.model;
            assert_eq!(seen.terms.len(), seen.coefficients.len(), "{name}");
            let mut features = vec![0.0; model.map.n_features()];
            let row = vec![0.0; model.inputs.len()];
            // Of a row of zeros and first levels nothing is left but the constants.
            for (z, constant) in
                model.outputs(&row, &mut features).iter().zip(seen.constants.as_ref().expect("a bias"))
            {
                let size = constant.abs().max(1.0);
                assert!((z - constant).abs() < 1e-6 * size, "{name}: {z} and {constant}");
            }
        }
    }
}
