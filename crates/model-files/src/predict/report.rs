//! Reports about a model and the rows that it predicts.

use downhill::dataset::Input;
use downhill::message::Message;
use serde::Serialize;
use serde_json::Value;

/// What a model takes and predicts.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Described<'a> {
    /// The inputs of a row.
    pub inputs: &'a [Input],
    /// Name of the target.
    pub target: &'a str,
    /// Names of the columns that hold the predictions.
    pub outputs: Vec<String>,
}

/// Progress through a table.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Counts {
    /// Number of rows so far.
    pub n_rows: u64,
    /// Number of rows with a prediction.
    pub n_predicted: u64,
    /// Number of rows without a prediction.
    pub n_bad: u64,
    /// Why the first of those have no prediction.
    pub problems: Vec<Message>,
    /// How columns were matched, unless by name.
    pub notices: Vec<Message>,
    /// The table's column for each input, once it is known.
    pub columns: Option<Vec<String>>,
    /// The header and the first rows of the output.
    pub preview: Vec<Vec<String>>,
}

/// Predictions of typed values.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rows {
    /// As [`Described::outputs`].
    pub outputs: Vec<String>,
    /// One for each row.
    pub rows: Vec<Row>,
}

/// The prediction of a row, or why there is none.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// A number, or the name of a class, for each output.
    pub values: Option<Vec<Value>>,
    /// Why there is none.
    pub problem: Option<Message>,
}
