//! The formats: what they are called, what they hold, and how a file is told from another.

use downhill::message::{Code, Message, Result};
use serde::{Deserialize, Serialize};

use crate::code::Language;
use crate::model::Model;
use crate::onnx;
use crate::recipe::{self, Tool};
use crate::run::Run;
use crate::{archive, code, coefficients, history, keras_h5, keras_zip, npz, page, pmml, safetensors, tfjs};

/// A format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Downhill's own.
    RunFile,
    /// Keras' HDF5 file, which Keras 2 and 3 read.
    KerasH5,
    /// Keras 3's own archive.
    Keras,
    /// ONNX.
    Onnx,
    /// safetensors, its weights `[out, in]` as PyTorch has them.
    Safetensors,
    /// NumPy's archive of arrays.
    Npz,
    /// TensorFlow.js' layers model, `model.json` and its weights in one archive.
    Tfjs,
    /// PMML 4.4.
    Pmml,
    /// A table of coefficients.
    Coefficients,
    /// How the loss went, as a table. Not a model.
    History,
    /// A function of Python and NumPy.
    Python,
    /// A function of JavaScript.
    Javascript,
    /// A function of Rust.
    Rust,
    /// A function of C.
    C,
    /// A query, as SQLite and DuckDB take it.
    Sql,
    /// A page that predicts.
    Page,
    /// A script that trains the same model in Keras.
    RecipeKeras,
    /// The same in PyTorch.
    RecipePytorch,
    /// The same in scikit-learn.
    RecipeSklearn,
    /// The same in PySpark's MLlib.
    RecipeSpark,
}

/// A part of a run that a format may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The weights and the bias.
    Weights,
    /// How numbers are scaled.
    Scaling,
    /// Powers and products.
    Terms,
    /// Levels of categories, as words.
    Levels,
    /// Names of columns.
    Columns,
    /// Whatever makes the run go on to the bit: configuration, seed, moments.
    Training,
    /// How the loss went.
    History,
    /// Where it came from: date, seed, data, metrics.
    Provenance,
}

/// How a part is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Held {
    /// As it is.
    Inside,
    /// Taken into the weights.
    Folded,
    /// Beside the model, as text that its readers pass over and Downhill reads.
    Note,
    /// Not at all: whoever loads the file has to do it.
    Outside,
}

/// What is said of a format before anything is saved.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Description {
    /// A name to save it under.
    pub file_name: String,
    /// What it holds of this model, and how; parts that the model does not have are left out.
    pub holds: Vec<(Part, Held)>,
    /// Lines that load the file and predict with it.
    pub how_to_load: String,
    /// What the lines are written in: `python`, `javascript`, ... ; empty where there is nothing to run.
    pub language: String,
    /// Bytes.
    pub size: usize,
}

/// What a file holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Found {
    /// What it is.
    pub format: Format,
    /// What wrote it, where it says so.
    pub producer: Option<String>,
    /// The model, read from what the format's own readers read.
    pub model: Model,
    /// The run file that it carries, where that says the same.
    pub run: Option<String>,
}

/// A file as its format's module reads it.
#[derive(Clone, Debug, PartialEq)]
pub struct Plain {
    /// What wrote it, where it says so.
    pub producer: Option<String>,
    /// The model.
    pub model: Model,
    /// The run file that it carries, as it stands there.
    pub carried: Option<String>,
}

impl Format {
    /// All of them, in the order in which a person sees them.
    pub const ALL: [Self; 20] = [
        Self::RunFile,
        Self::KerasH5,
        Self::Keras,
        Self::Onnx,
        Self::Safetensors,
        Self::Npz,
        Self::Tfjs,
        Self::Pmml,
        Self::Coefficients,
        Self::History,
        Self::Python,
        Self::Javascript,
        Self::Rust,
        Self::C,
        Self::Sql,
        Self::Page,
        Self::RecipeKeras,
        Self::RecipePytorch,
        Self::RecipeSklearn,
        Self::RecipeSpark,
    ];

    /// What a file is, by its content; nothing where it is no model.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        if bytes.trim_ascii_start().starts_with(b"{") {
            return Some(if tfjs::is_json(bytes) { Self::Tfjs } else { Self::RunFile });
        }
        if keras_h5::is(bytes) {
            return Some(Self::KerasH5);
        }
        if safetensors::is(bytes) {
            return Some(Self::Safetensors);
        }
        if onnx::is(bytes) {
            return Some(Self::Onnx);
        }
        if npz::is(bytes) {
            return Some(Self::Npz);
        }
        if pmml::is(bytes) {
            return Some(Self::Pmml);
        }
        match archive::names(bytes) {
            Some(names) if keras_zip::is(&names) => return Some(Self::Keras),
            Some(names) if tfjs::is(&names) => return Some(Self::Tfjs),
            Some(_) => return None,
            None => {}
        }
        if coefficients::is(bytes) {
            return Some(Self::Coefficients);
        }
        if page::is(bytes) {
            return Some(Self::Page);
        }
        let recipes = [Self::RecipeKeras, Self::RecipePytorch, Self::RecipeSklearn, Self::RecipeSpark];
        let recipe =
            recipes.into_iter().find(|recipe| recipe.tool().is_some_and(|tool| recipe::is(bytes, tool)));
        recipe.or_else(|| code::of(bytes).map(Language::format))
    }

    /// The file's bytes.
    ///
    /// # Errors
    /// Where the format has no way to say what the model does.
    pub fn write(self, run: &Run) -> Result<Vec<u8>> {
        match self {
            Self::RunFile => Ok(run.text.clone().into_bytes()),
            Self::KerasH5 => keras_h5::write(run),
            Self::Keras => keras_zip::write(run),
            Self::Tfjs => tfjs::write(run),
            Self::Onnx => onnx::write(run),
            Self::RecipeKeras => recipe::keras::write(run),
            Self::RecipePytorch => recipe::pytorch::write(run),
            Self::RecipeSklearn => recipe::sklearn::write(run),
            Self::RecipeSpark => recipe::spark::write(run),
            Self::Safetensors => safetensors::write(run),
            Self::Npz => npz::write(run),
            Self::Pmml => pmml::write(run),
            Self::Coefficients => coefficients::write(run),
            Self::History => history::write(run),
            Self::Python => code::write(run, Language::Python),
            Self::Javascript => code::write(run, Language::Javascript),
            Self::Rust => code::write(run, Language::Rust),
            Self::C => code::write(run, Language::C),
            Self::Sql => code::write(run, Language::Sql),
            Self::Page => page::write(run),
        }
    }

    fn read(self, bytes: &[u8]) -> Result<Plain> {
        match self {
            Self::RunFile => {
                let run = Run::read(bytes)?;
                let producer = Some(format!("Downhill {}", run.file.downhill));
                Ok(Plain { producer, model: run.model(), carried: Some(run.text) })
            }
            Self::Safetensors => safetensors::read(bytes),
            Self::Npz => npz::read(bytes),
            Self::Pmml => pmml::read(bytes),
            Self::Coefficients => coefficients::read(bytes),
            Self::Python => code::read(bytes, Language::Python),
            Self::Javascript => code::read(bytes, Language::Javascript),
            Self::Rust => code::read(bytes, Language::Rust),
            Self::C => code::read(bytes, Language::C),
            Self::Sql => code::read(bytes, Language::Sql),
            Self::Page => page::read(bytes),
            Self::KerasH5 => keras_h5::read(bytes),
            Self::Keras => keras_zip::read(bytes),
            Self::Tfjs => tfjs::read(bytes),
            Self::Onnx => onnx::read(bytes),
            other => match other.tool() {
                Some(tool) => recipe::read(bytes, tool),
                None => Err(Message::new(Code::ModelUnknown)),
            },
        }
    }

    /// What a recipe is for.
    fn tool(self) -> Option<&'static Tool> {
        match self {
            Self::RecipeKeras => Some(&recipe::keras::TOOL),
            Self::RecipePytorch => Some(&recipe::pytorch::TOOL),
            Self::RecipeSklearn => Some(&recipe::sklearn::TOOL),
            Self::RecipeSpark => Some(&recipe::spark::TOOL),
            _ => None,
        }
    }
}

/// Reads a model, whatever its format is.
///
/// A run that a file carries is believed where the file is what Downhill would write of it: somebody may have changed the
/// weights and left the note.
///
/// # Errors
/// [`Code::ModelUnknown`] where the file is no model, and those of its format's reader.
pub fn read(bytes: &[u8]) -> Result<Found> {
    let format = Format::of(bytes).ok_or_else(|| Message::new(Code::ModelUnknown))?;
    let Plain { producer, model, carried } = format.read(bytes)?;
    let run = carried.filter(|text| says_the_same(format, text, &model));
    Ok(Found { format, producer, model, run })
}

fn says_the_same(format: Format, carried: &str, model: &Model) -> bool {
    let Ok(run) = Run::read(carried.as_bytes()) else { return false };
    let again = format.write(&run).and_then(|bytes| format.read(&bytes));
    again.is_ok_and(|again| again.model == *model)
}
