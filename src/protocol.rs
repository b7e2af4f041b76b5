//! What passes between page and worker: plain data, declared for TypeScript in `src/web/types.d.ts`.
//!
//! Long columns of numbers are serialized as null; `web` attaches them as typed arrays.
//!
//! How a model leaves and comes back:
//!
//! - [`Request::Export`] answers with the text of a run file, of the current weights or of the best. The wasm of model
//!   files turns that text into any other format, in a worker of its own.
//! - That worker also reads files. If one holds a run, [`Request::Import`] takes the bytes of the run file and
//!   continues where it stood, its history included.
//! - If one holds only a model, [`Request::Compare`] compares it with the run and changes nothing, and
//!   [`Request::Adopt`] starts a new run on the same rows with its terms and coefficients. Both take the `model` that
//!   the wasm of model files has read, and refuse it with
//!   [`Code::ModelInputs`](crate::message::Code::ModelInputs) if the rows lack what the model takes.

use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::choices::Scaling;
use crate::config::RunConfig;
use crate::fields::{Fields, FromFields, read_fields};
use crate::foreign::Comparison;
use crate::history::HistoryDelta;
use crate::message::Message;
use crate::run_file::Which;
use crate::trainer::{Mark, Path};

/// A request from the page to the worker.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "SessionRequest", tag = "kind", rename_all = "snake_case"))]
pub enum Request {
    /// Make `config` the configuration. If only settings changed that may change during a run, the run
    /// continues; otherwise a new run starts.
    Configure {
        /// The complete new configuration.
        config: Box<RunConfig>,
    },
    /// Start or continue training.
    Train,
    /// Pause training.
    Pause,
    /// Make one parameter update.
    Step,
    /// Train until the current epoch ends.
    Epoch,
    /// Return to the initial weights and pause.
    Reset,
    /// Choose the long parts of a snapshot that every snapshot from now on includes.
    Show {
        /// The parts that the page displays.
        shown: Shown,
    },
    /// Add a data point to the rows that the user edits.
    AddPoint {
        /// x coordinate of the point, in the units of the data.
        x: f64,
        /// y coordinate (target) of the point, in the units of the data.
        y: f64,
    },
    /// Remove a data row.
    RemovePoint {
        /// Index of the row to remove, among the current rows.
        index: u32,
    },
    /// Predict with a model that has a single input.
    Predict {
        /// The x values to predict at, as text: numbers separated by spaces or commas.
        inputs: String,
    },
    /// Predict one row and attribute the prediction to its inputs.
    PredictRow {
        /// One value for each input of the model: a number, or the name of a category's level.
        values: Vec<String>,
    },
    /// Export the weights as a run file.
    Export {
        /// Which weights; by default the current ones.
        #[cfg_attr(test, ts(optional))]
        which: Option<Which>,
        /// The date and time of saving, formatted by the page, since the engine has no clock.
        #[cfg_attr(test, ts(optional))]
        saved: Option<String>,
    },
    /// Continue the run that a run file holds, its history included.
    Import {
        /// The bytes of the run file; the page passes them as a typed array.
        #[cfg_attr(test, ts(type = "Uint8Array"))]
        bytes: Vec<u8>,
    },
    /// Start a new run on the current rows from a model that another tool trained.
    Adopt {
        /// The foreign model as JSON, as the wasm of model files has read it.
        #[cfg_attr(test, ts(as = "crate::foreign::Model"))]
        model: Value,
    },
    /// Compare a model that another tool trained with the current weights, on the current rows.
    Compare {
        /// The foreign model as JSON, as the wasm of model files has read it.
        #[cfg_attr(test, ts(as = "crate::foreign::Model"))]
        model: Value,
    },
    /// Count the rows in each cell of a grid over the x-y plane.
    Density {
        /// Left and right edge of the grid.
        x: [f64; 2],
        /// Lower and upper edge of the grid.
        y: [f64; 2],
        /// Number of grid cells from left to right.
        columns: u32,
        /// Number of grid cells from bottom to top.
        rows: u32,
    },
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields) -> Result<Self, String> {
        let kind: String = fields.need("kind")?;
        let request = match kind.as_str() {
            "configure" => Self::Configure { config: fields.need("config")? },
            "train" => Self::Train,
            "pause" => Self::Pause,
            "step" => Self::Step,
            "epoch" => Self::Epoch,
            "reset" => Self::Reset,
            "show" => Self::Show { shown: fields.need("shown")? },
            "add_point" => Self::AddPoint { x: fields.need("x")?, y: fields.need("y")? },
            "remove_point" => Self::RemovePoint { index: fields.need("index")? },
            "predict" => Self::Predict { inputs: fields.need("inputs")? },
            "predict_row" => Self::PredictRow { values: fields.need("values")? },
            "export" => Self::Export { which: fields.need("which")?, saved: fields.need("saved")? },
            // `web` puts the bytes in.
            "import" => Self::Import { bytes: Vec::new() },
            "adopt" => Self::Adopt { model: fields.need("model")? },
            "compare" => Self::Compare { model: fields.need("model")? },
            "density" => Self::Density {
                x: fields.need("x")?,
                y: fields.need("y")?,
                columns: fields.need("columns")?,
                rows: fields.need("rows")?,
            },
            _ => return Err(format!("there is no request \"{kind}\"")),
        };
        Ok(request)
    }
}

read_fields!(@deserialize Request);

/// The long parts of a snapshot, each of which is included only while the page displays it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Shown {
    /// Whether snapshots include the weights.
    pub weights: bool,
    /// Whether snapshots include the coefficient path.
    pub path: bool,
}

read_fields!(Shown { weights, path });

/// Serializes a long column as null, because `web` attaches it afterwards as a typed array.
fn attached<T, S: Serializer>(_: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_unit()
}

/// An answer of the worker to a request.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "SessionAnswer"))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Answer {
    /// The answer to every request that changes the configuration, `import` and `adopt` included.
    Configured(Box<Configured>),
    /// The answer to `predict`.
    Predicted {
        /// The x values that were predicted at.
        inputs: Vec<f64>,
        /// The prediction at each of `inputs`.
        outputs: Vec<f64>,
    },
    /// The answer to `predict_row`.
    Explained {
        /// The output before its link function: of the most probable class, if there are several.
        output: f64,
        /// The output of a row whose features are all at their means.
        baseline: f64,
        /// How much each input adds to `baseline`, in the order of the inputs. The part of a product of two
        /// inputs is split evenly between them.
        contributions: Vec<f64>,
        /// The response: the predicted number, one probability for each class (only that of the second class
        /// if there are two), or the class index if the loss has no probabilities.
        response: Vec<f64>,
    },
    /// The answer to `export`.
    Exported {
        /// A suggested name for the run file.
        file_name: String,
        /// The content of the run file.
        text: String,
    },
    /// The answer to `compare`.
    Compared(Box<Comparison>),
    /// The answer to `density`.
    Density {
        /// Number of grid cells from left to right.
        columns: u32,
        /// Number of grid cells from bottom to top.
        rows: u32,
        /// Left and right edge of the grid.
        x: [f64; 2],
        /// Lower and upper edge of the grid.
        y: [f64; 2],
        /// Rows in each cell, row-major from the bottom.
        #[serde(serialize_with = "attached")]
        #[cfg_attr(test, ts(type = "Uint32Array"))]
        counts: Vec<u32>,
    },
    /// The answer to every request that has no answer of its own.
    Done,
}

/// The configuration after a request, and what the request changed.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "RunDescription"))]
pub struct Configured {
    /// The number of the run, which counts from 1.
    pub run: u32,
    /// The complete configuration in effect.
    pub config: RunConfig,
    /// The part after `#` of a link to this configuration; empty for the default configuration.
    pub query: String,
    /// Whether the request started a new run.
    pub restarted: bool,
    /// The data of the new run; null if no new run began.
    pub dataset: Option<DatasetInfo>,
    /// The new optimum, if it changed without a new run, as it does with the penalty.
    pub exact: Option<Exact>,
    /// Messages about data and model that the user should know.
    pub notices: Vec<Message>,
}

/// The data of a run, and what is known about it without training.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct DatasetInfo {
    /// Total number of rows of the data.
    pub n_samples: u32,
    /// Number of validation rows.
    pub n_validation: u32,
    /// Number of test rows.
    pub n_test: u32,
    /// Number of features, as the feature map makes them from the inputs.
    pub n_features: u32,
    /// Number of parameters, biases included.
    pub n_parameters: u32,
    /// The inputs of the model.
    pub inputs: Vec<InputInfo>,
    /// Name of the target column.
    pub target: String,
    /// Names of the target's classes; empty if the target is a number.
    pub classes: Vec<String>,
    /// Whether the model predicts class probabilities.
    pub has_probabilities: bool,
    /// Name of the term (such as `x^2`) that each weight multiplies; the bias is left out.
    pub terms: Vec<String>,
    /// How numbers are scaled inside the model.
    pub scaling: Scaling,
    /// Bytes of memory that the rows take, in every form in which they are kept.
    pub bytes: f64,
    /// x of every row; empty if there are too many rows to draw or several inputs.
    #[serde(serialize_with = "attached")]
    #[cfg_attr(test, ts(type = "Float32Array"))]
    pub points_x: Vec<f32>,
    /// y of every row; empty if there are too many rows to draw. With several inputs, only of the rows whose
    /// predictions each snapshot contains.
    #[serde(serialize_with = "attached")]
    #[cfg_attr(test, ts(type = "Float32Array"))]
    pub points_y: Vec<f32>,
    /// Least and greatest x; with several inputs, of the target instead.
    pub x_range: [f64; 2],
    /// Least and greatest y (target).
    pub y_range: [f64; 2],
    /// The optimum, for a model of one layer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub exact: Option<Exact>,
}

/// An input for which the user gives a value to predict.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct InputInfo {
    /// Name of the input's column.
    pub name: String,
    /// Names of a category's levels; empty for a numeric input.
    pub levels: Vec<String>,
    /// Least and greatest value of the input; for a category, of its level indices.
    pub range: [f64; 2],
    /// The initial value of the input field: the middle of a number's range, or the first level of a
    /// category.
    pub start: String,
}

/// The optimum of the objective, which descent approaches.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Exact {
    /// Weights in the units of x and y: for each output its weights, then its bias if there is one. Null if
    /// unknown or infinite.
    #[cfg_attr(test, ts(type = "(number | null)[]"))]
    pub weights: Vec<f64>,
    /// Whether the optimum is unique: no other weights reach the same loss.
    pub unique: bool,
    /// The loss at the optimum.
    pub loss: f64,
    /// R² at the optimum: the fraction of the target's variance that it explains.
    pub r2: Option<f64>,
    /// The learning rate above which plain batch descent diverges.
    pub stable_rate: f64,
    /// Condition number of the Hessian; null if infinite.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub condition: f64,
    /// x values at which the curve of the optimal model is drawn.
    #[serde(serialize_with = "attached")]
    #[cfg_attr(test, ts(type = "Float32Array"))]
    pub curve_x: Vec<f32>,
    /// Prediction of the optimal model at each of `curve_x`.
    #[serde(serialize_with = "attached")]
    #[cfg_attr(test, ts(type = "Float32Array"))]
    pub curve_y: Vec<f32>,
}

/// The state of a run at one instant; all fields belong to the same step unless stated otherwise.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Snapshot {
    /// Always `snapshot`; tells the page which kind of message this is.
    #[cfg_attr(test, ts(type = "\"snapshot\""))]
    pub kind: &'static str,
    /// The number of the run, which counts from 1.
    pub run: u32,
    /// Whether the run is paused, training, finished or diverged.
    pub status: RunStatus,
    /// Updates done so far.
    pub step: f64,
    /// Epochs done so far.
    pub epoch: f64,
    /// Loss of the current weights, measured on `loss_rows` training rows.
    pub loss: f64,
    /// The number of training rows that `loss` was measured on.
    pub loss_rows: u32,
    /// Whether `loss` was measured on only a sample of the training rows.
    pub loss_is_sample: bool,
    /// Loss of the last update's batch, before that update.
    pub batch_loss: Option<f32>,
    /// R² of the current weights on the training rows: the fraction of the target's variance that they
    /// explain.
    pub r2: Option<f64>,
    /// Validation loss of the current weights.
    pub validation_loss: Option<f64>,
    /// R² of the current weights on the validation rows.
    pub validation_r2: Option<f64>,
    /// The least validation loss so far, and the step at which it was reached.
    pub best: Option<[f64; 2]>,
    /// Euclidean norm of the gradient at the current weights.
    pub gradient_norm: f64,
    /// The learning rate of the next update.
    pub learning_rate: f64,
    /// The current weights, in the order and units of [`Exact::weights`]; null unless [`Shown::weights`].
    #[serde(serialize_with = "attached")]
    #[cfg_attr(test, ts(type = "Float64Array | null"))]
    pub weights: Option<Vec<f64>>,
    /// Relative distance to the optimum `w*`: `||w - w*|| / ||w*||` in the units of x and y; null if `w*` is
    /// not unique.
    pub distance: Option<f64>,
    /// Updates per second, over the last half second.
    pub steps_per_second: f64,
    /// The engine that computes the run.
    pub backend: BackendInfo,
    /// Bytes of memory that the worker's wasm module has allocated.
    pub memory_bytes: f64,
    /// x values at which the curve of the current model is drawn.
    #[serde(serialize_with = "attached")]
    #[cfg_attr(test, ts(type = "Float32Array"))]
    pub curve_x: Vec<f32>,
    /// Prediction of the current model at each of `curve_x`.
    #[serde(serialize_with = "attached")]
    #[cfg_attr(test, ts(type = "Float32Array"))]
    pub curve_y: Vec<f32>,
    /// With several inputs: predictions for the rows of `points_y`; with classes, the predicted probability
    /// of the true class.
    #[serde(serialize_with = "attached")]
    #[cfg_attr(test, ts(type = "Float32Array"))]
    pub predicted: Vec<f32>,
    /// The part of `loss` that is the penalty.
    pub penalty: f64,
    /// Cross-validation: for each fold, the loss of its rows under the model that was trained without them.
    #[serde(serialize_with = "attached")]
    #[cfg_attr(test, ts(type = "Float32Array"))]
    pub folds: Vec<f32>,
    /// The coefficient path; null if the run has none, or unless [`Shown::path`].
    #[serde(serialize_with = "attached")]
    pub path: Option<Path>,
    /// The part of the history that changed since the last snapshot.
    #[serde(serialize_with = "attached")]
    pub history: HistoryDelta,
    /// Changes that the user made to the configuration during the run.
    pub marks: Vec<Mark>,
}

/// The progress of long work that a request waits for.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Progress {
    /// Always `progress`; tells the page which kind of message this is.
    #[cfg_attr(test, ts(type = "\"progress\""))]
    pub kind: &'static str,
    /// A description of the work for the user.
    pub message: Message,
    /// The fraction of the work that is done, from 0 to 1.
    pub fraction: f64,
}

/// Whether a run is paused, training, finished or diverged.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "Status"))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum RunStatus {
    /// The run is paused.
    Paused,
    /// The run is being trained.
    Training,
    /// The run met a stop condition.
    Finished {
        /// The stop condition that was met.
        reason: Message,
    },
    /// The run diverged and stopped in its last finite state.
    Diverged {
        /// Why the run counts as diverged.
        reason: Message,
        /// A learning rate at which the run would not have diverged.
        suggested_rate: f64,
    },
}

/// The engine that computes the run, as it is described to the user.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "BackendInUse"))]
pub struct BackendInfo {
    /// Which engine it is: `gpu` or `cpu`.
    #[cfg_attr(test, ts(type = "\"gpu\" | \"cpu\""))]
    pub kind: &'static str,
    /// Name of the GPU adapter, or of the CPU's instruction set.
    pub name: String,
    /// Why this engine is used: the user chose it, it was the fastest, or another one failed.
    pub reason: Message,
    /// How a full batch is computed (by one worker or two), if there is a choice.
    pub how: Option<Message>,
    /// Whether this engine replaces one that was wanted but failed or is missing.
    pub fallback: bool,
}
