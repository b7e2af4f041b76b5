//! Describes an imported model for the page.

use serde::Serialize;

use crate::formats::Found;

/// An imported file as the page displays it, with the model's coefficients in the units of the data.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Seen {
    /// The model that was read, with its format and producer.
    #[serde(flatten)]
    pub found: Found,
    /// The names of the terms, in the order of `coefficients`.
    pub terms: Vec<String>,
    /// The coefficients of unscaled terms, indexed `[term][output]`.
    pub coefficients: Vec<Vec<f64>>,
    /// The constant of each output; `None` if the model has no constants.
    pub constants: Option<Vec<f64>>,
}

impl Seen {
    /// Describes an imported model.
    pub fn of(found: Found) -> Self {
        let folded = found.model.folded();
        // Folding the scaling creates a constant even if there was no bias.
        let has_constant = found.model.bias.is_some() || folded.bias.iter().any(|bias| *bias != 0.0);
        Self {
            terms: found.model.term_names(),
            coefficients: folded.weights,
            constants: has_constant.then_some(folded.bias),
            found,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats;
    use crate::run::Run;

    fn run(name: &str) -> Run {
        let path = format!("{}/samples/{name}.json", env!("CARGO_MANIFEST_DIR"));
        Run::read(&std::fs::read(path).expect("a sample")).expect("a run")
    }

    /// Reads y = 2 x + 1 with standardized x: the constant must absorb the center.
    #[test]
    fn shows_a_model_in_the_units_of_the_data() {
        for name in ["story", "powers", "mixed", "classes"] {
            let run = run(name);
            let seen = Seen::of(formats::read(run.text.as_bytes()).expect("a model"));
            let model = &seen.found.model;
            assert_eq!(seen.terms.len(), seen.coefficients.len(), "{name}");
            let mut features = vec![0.0; model.map.n_features()];
            let row = vec![0.0; model.inputs.len()];
            // For a row of zeros and reference levels, only the constants remain.
            for (z, constant) in
                model.outputs(&row, &mut features).iter().zip(seen.constants.as_ref().expect("a bias"))
            {
                let size = constant.abs().max(1.0);
                assert!((z - constant).abs() < 1e-6 * size, "{name}: {z} and {constant}");
            }
        }
    }
}
