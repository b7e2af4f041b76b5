//! Reports about a model and the rows that it predicts.

use downhill::dataset::Input;
use downhill::message::Message;
use serde::Serialize;
use serde_json::Value;

/// The inputs and outputs of a model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Described<'a> {
    /// The inputs of the model, in the order of a row.
    pub inputs: &'a [Input],
    /// Name of the target.
    pub target: &'a str,
    /// Names of the columns with the predictions.
    pub outputs: Vec<String>,
}

/// The progress of predicting a table.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Counts {
    /// Number of rows so far.
    pub n_rows: u64,
    /// Number of rows with a prediction.
    pub n_predicted: u64,
    /// Number of rows without a prediction.
    pub n_bad: u64,
    /// The messages why the first unpredictable rows have no prediction.
    pub problems: Vec<Message>,
    /// Messages about how columns were matched, if not by name.
    pub notices: Vec<Message>,
    /// For each input, the name of the table's column that is used; `None` until it is known.
    pub columns: Option<Vec<String>>,
    /// The header and the first rows of the output.
    pub preview: Vec<Vec<String>>,
}

/// Predictions of rows that the user typed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rows {
    /// Names of the predictions, as in [`Described::outputs`].
    pub outputs: Vec<String>,
    /// The prediction of each row.
    pub rows: Vec<Row>,
}

/// The prediction of a row, or the reason why there is none.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// A number, or the name of a class, for each output; `None` if the row cannot be predicted.
    pub values: Option<Vec<Value>>,
    /// The reason why there is no prediction.
    pub problem: Option<Message>,
}
