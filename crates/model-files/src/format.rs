//! The specification of a file format, the row type of the table in [`crate::formats`].

use std::fmt;

use downhill::foreign::Model;
use downhill::message::Result;
use serde::Serialize;

use crate::archive;
use crate::run::Run;

/// A file format of models: its names, and functions that recognize, write, read and explain it. Each format's module
/// has one, as a constant.
pub struct FormatSpec {
    /// The format's name in data, options and the tests' file names, such as `keras_h5`. The page's labels
    /// have the keys `format_keras_h5` and `about_keras_h5`.
    pub name: &'static str,
    /// The group in which the page lists the format.
    pub group: Group,
    /// The name of a saved file; `{step}` is replaced by the step of its run.
    pub file_name: &'static str,
    /// Whether a file of unknown format has this format.
    pub recognizes: fn(&Content<'_>) -> bool,
    /// Writes a run as a file. Fails if the format cannot express what the model does.
    pub write: fn(&Run) -> Result<Vec<u8>>,
    /// Reads a model from a file; `None` if the format contains no model.
    pub read: Option<Reader>,
    /// How the format contains a part of a run; `None` if the part does not apply to this model.
    pub holds: fn(&Model, Part) -> Option<Held>,
    /// The language (`python`, `javascript`, ...) and lines of code that load a file with this name
    /// and predict with it; both empty if only Downhill reads the format.
    pub how_to_load: fn(&Model, &str) -> (&'static str, String),
}

/// A function that reads the model from a file.
pub type Reader = fn(&[u8]) -> Result<Plain>;

/// A group of formats, as the page lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// Downhill's own format, the run file.
    Run,
    /// Model formats of other tools.
    Models,
    /// Arrays and tables of coefficients.
    Arrays,
    /// Source code that predicts.
    Code,
    /// Scripts that train the same model elsewhere.
    Recipes,
}

/// A part of a run that a format may contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The weights and the bias.
    Weights,
    /// The scaling of numeric inputs and of features.
    Scaling,
    /// Features that are powers or products of inputs.
    Terms,
    /// The names of categories' levels.
    Levels,
    /// The names of input and target columns.
    Columns,
    /// Everything that is needed to continue training with bit-identical results: configuration, seed,
    /// moments.
    Training,
    /// The loss history of the run.
    History,
    /// Where the model came from: date, seed, data, metrics.
    Provenance,
}

/// How a file contains a part of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Held {
    /// The part is in the file, unchanged.
    Inside,
    /// The part is folded into the weights.
    Folded,
    /// The part is in a note that other tools ignore and Downhill reads.
    Note,
    /// The part is not in the file: code that loads the file must supply it.
    Outside,
}

/// The description of a file that the page shows before it is saved.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Description {
    /// A suggested file name.
    pub file_name: String,
    /// How the file contains each part of the run; parts that the model lacks are absent.
    pub holds: Vec<(Part, Held)>,
    /// Lines of code that load the file and predict with it.
    pub how_to_load: String,
    /// The programming language of `how_to_load`: `python`, `javascript`, ...; empty if there are no lines.
    pub language: String,
    /// The size of the file in bytes.
    pub size: usize,
}

/// The result of a format's reader.
#[derive(Clone, Debug, PartialEq)]
pub struct Plain {
    /// The tool that wrote the file, if the file names one.
    pub producer: Option<String>,
    /// The model in the file.
    pub model: Model,
    /// The text of the run file that the file includes as a note.
    pub carried: Option<String>,
}

impl Plain {
    /// Creates the result for a Downhill file from which only its run file can be read.
    pub(crate) fn of_run(run: Run) -> Self {
        let producer = Some(format!("Downhill {}", run.file.downhill));
        Self { producer, model: run.model(), carried: Some(run.text) }
    }
}

/// The content of a file of unknown format.
pub struct Content<'a> {
    /// All bytes of the file.
    pub bytes: &'a [u8],
    /// The names of the files in the archive; `None` if the file is not an archive.
    pub files: Option<Vec<String>>,
}

impl<'a> Content<'a> {
    /// Inspects the bytes of a file.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, files: archive::names(bytes) }
    }

    /// The bytes of the file without a UTF-8 byte order mark.
    pub(crate) fn text(&self) -> &'a [u8] {
        without_mark(self.bytes)
    }

    /// The first line of the text, without its line end.
    pub(crate) fn first_line(&self) -> &'a [u8] {
        self.text().split(|byte| *byte == b'\n').next().unwrap_or_default()
    }

    /// Whether the file begins like a JSON object.
    pub(crate) fn is_json(&self) -> bool {
        self.bytes.trim_ascii_start().starts_with(b"{")
    }
}

/// Removes a UTF-8 byte order mark.
pub(crate) fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes)
}

impl FormatSpec {
    /// Writes a run as a file.
    ///
    /// # Errors
    /// [`Code::ModelCannotHold`](downhill::message::Code::ModelCannotHold) if the format cannot
    /// express what the model does.
    pub fn write(&self, run: &Run) -> Result<Vec<u8>> {
        (self.write)(run)
    }

    /// Describes how the file contains the parts of this run, and how to load it.
    ///
    /// # Errors
    /// Those of [`FormatSpec::write`].
    pub fn describe(&self, run: &Run) -> Result<Description> {
        let size = self.write(run)?.len();
        let model = run.model();
        let file_name = self.file_name(run);
        let (language, how_to_load) = (self.how_to_load)(&model, &file_name);
        let holds = parts(&model).into_iter().filter_map(|part| Some((part, (self.holds)(&model, part)?)));
        Ok(Description { holds: holds.collect(), how_to_load, language: language.into(), size, file_name })
    }

    /// Returns a file name for saving a run.
    pub fn file_name(&self, run: &Run) -> String {
        self.file_name.replace("{step}", &run.file.steps.to_string())
    }

    /// Returns the extension of file names, without the dot.
    pub fn extension(&self) -> &'static str {
        self.file_name.rsplit('.').next().unwrap_or_default()
    }
}

impl fmt::Debug for FormatSpec {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name)
    }
}

/// Formats are equal if their names are, because names are unique: see the test in [`crate::formats`].
impl PartialEq for FormatSpec {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for FormatSpec {}

/// The parts of a run: those that every run has, and those that this model has.
fn parts(model: &Model) -> Vec<Part> {
    let has = [
        (Part::Weights, true),
        (Part::Scaling, model.is_scaled()),
        (Part::Terms, model.has_terms()),
        (Part::Levels, model.has_levels()),
        (Part::Columns, true),
        (Part::Training, true),
        (Part::History, true),
        (Part::Provenance, true),
    ];
    has.into_iter().filter(|(_, has)| *has).map(|(part, _)| part).collect()
}
