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

/// What the page asks.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "SessionRequest", tag = "kind", rename_all = "snake_case"))]
pub enum Request {
    /// Make this the configuration. What may change during a run changes then; everything else starts a new run.
    Configure {
        /// All of it.
        config: Box<RunConfig>,
    },
    /// Start training, or continue.
    Train,
    /// Pause.
    Pause,
    /// Make one update.
    Step,
    /// Train to the end of the epoch.
    Epoch,
    /// Go back to the initial weights; paused.
    Reset,
    /// Include in every snapshot from now on what the page displays.
    Show {
        /// What that is.
        shown: Shown,
    },
    /// Add a point.
    AddPoint {
        /// In the units of the data.
        x: f64,
        /// In the units of the data.
        y: f64,
    },
    /// Remove a row.
    RemovePoint {
        /// Index into the rows as they are now.
        index: u32,
    },
    /// Predict with the model of one input.
    Predict {
        /// Numbers separated by spaces or commas.
        inputs: String,
    },
    /// Predict one row, and split the prediction by input.
    PredictRow {
        /// A number or a level for each input.
        values: Vec<String>,
    },
    /// Export the weights as a run file.
    Export {
        /// Which weights; by default the current ones.
        #[cfg_attr(test, ts(optional))]
        which: Option<Which>,
        /// When, in the page's words: nothing below it has a clock.
        #[cfg_attr(test, ts(optional))]
        saved: Option<String>,
    },
    /// Continue the run of a run file, its history included.
    Import {
        /// Its content, which crosses as a typed array.
        #[cfg_attr(test, ts(type = "Uint8Array"))]
        bytes: Vec<u8>,
    },
    /// Start a new run on the current rows from a model of another tool.
    Adopt {
        /// What the wasm of model files has read.
        #[cfg_attr(test, ts(as = "crate::foreign::Model"))]
        model: Value,
    },
    /// Compare a model of another tool with the current weights on the current rows.
    Compare {
        /// What the wasm of model files has read.
        #[cfg_attr(test, ts(as = "crate::foreign::Model"))]
        model: Value,
    },
    /// Count rows on a grid.
    Density {
        /// Left and right edge.
        x: [f64; 2],
        /// Lower and upper edge.
        y: [f64; 2],
        /// Number of cells horizontally.
        columns: u32,
        /// Number of cells vertically.
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

/// What the page displays besides the essentials: the parts of a snapshot that are long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Shown {
    /// The weights.
    pub weights: bool,
    /// The coefficient path.
    pub path: bool,
}

read_fields!(Shown { weights, path });

/// Leaves a value to `web`, which attaches it as a typed array.
fn attached<T, S: Serializer>(_: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_unit()
}

/// What the worker answers.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "SessionAnswer"))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Answer {
    /// The answer to every request that changes the configuration, `import` and `adopt` included.
    Configured(Box<Configured>),
    /// The answer to `predict`.
    Predicted {
        /// The x.
        inputs: Vec<f64>,
        /// The prediction at each.
        outputs: Vec<f64>,
    },
    /// The answer to `predict_row`.
    Explained {
        /// The output before its link function: of the most probable class, if there are several.
        output: f64,
        /// The output of a row whose features are all at their means.
        baseline: f64,
        /// How much each input's features add to that; products of two inputs are split between both.
        contributions: Vec<f64>,
        /// The response: a number, a probability for each class (of two, for the second), or the class if the loss has no
        /// probabilities.
        response: Vec<f64>,
    },
    /// The answer to `export`.
    Exported {
        /// A name to save it under.
        file_name: String,
        /// A run file.
        text: String,
    },
    /// The answer to `compare`.
    Compared(Box<Comparison>),
    /// The answer to `density`.
    Density {
        /// Number of cells horizontally.
        columns: u32,
        /// Number of cells vertically.
        rows: u32,
        /// Left and right edge.
        x: [f64; 2],
        /// Lower and upper edge.
        y: [f64; 2],
        /// Rows in each cell, row-major from the bottom.
        #[serde(serialize_with = "attached")]
        #[cfg_attr(test, ts(type = "Uint32Array"))]
        counts: Vec<u32>,
    },
    /// The answer to everything else.
    Done,
}

/// The configuration as it is now.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "RunDescription"))]
pub struct Configured {
    /// The number of the run, which counts from 1.
    pub run: u32,
    /// All of it.
    pub config: RunConfig,
    /// The part of its link after `#`; empty for the default.
    pub query: String,
    /// Whether a new run began.
    pub restarted: bool,
    /// The data, if a new run began.
    pub dataset: Option<DatasetInfo>,
    /// The optimum, if only that has changed.
    pub exact: Option<Exact>,
    /// What the user should know about data and model.
    pub notices: Vec<Message>,
}

/// The data of a run, and what is known about it without training.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct DatasetInfo {
    /// All rows.
    pub n_samples: u32,
    /// Validation rows.
    pub n_validation: u32,
    /// Test rows.
    pub n_test: u32,
    /// Features, after the feature map.
    pub n_features: u32,
    /// Parameters, the biases included.
    pub n_parameters: u32,
    /// The inputs of the model.
    pub inputs: Vec<InputInfo>,
    /// Name of the target.
    pub target: String,
    /// Names of its classes; empty if it is learned as a number.
    pub classes: Vec<String>,
    /// Whether predictions are probabilities of the classes.
    pub has_probabilities: bool,
    /// The term that each weight belongs to, without the bias.
    pub terms: Vec<String>,
    /// How numbers are scaled inside the model.
    pub scaling: Scaling,
    /// Bytes of memory that the rows take, in every form in which they are kept.
    pub bytes: f64,
    /// The x of every row, if they are few enough to draw; empty if there are several inputs.
    #[serde(serialize_with = "attached")]
    #[cfg_attr(test, ts(type = "Float32Array"))]
    pub points_x: Vec<f32>,
    /// The y of every row, if they are few enough to draw; if there are several inputs, of the rows whose predictions
    /// come with each snapshot.
    #[serde(serialize_with = "attached")]
    #[cfg_attr(test, ts(type = "Float32Array"))]
    pub points_y: Vec<f32>,
    /// Least and greatest x; of the target, if there are several inputs.
    pub x_range: [f64; 2],
    /// Least and greatest y.
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
    /// The column.
    pub name: String,
    /// Levels of a category; empty for a number.
    pub levels: Vec<String>,
    /// Least and greatest value; indices of a category.
    pub range: [f64; 2],
    /// A value to begin with: in the middle of a number's range, the first level of a category.
    pub start: String,
}

/// The optimum of the objective, which descent approaches.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Exact {
    /// In the units of x and y: the weights, then the bias if there is one, of each output; null if unknown or infinite.
    #[cfg_attr(test, ts(type = "(number | null)[]"))]
    pub weights: Vec<f64>,
    /// Whether no other weights are as good.
    pub unique: bool,
    /// Least loss.
    pub loss: f64,
    /// Fraction of the variance explained.
    pub r2: Option<f64>,
    /// Plain batch descent diverges above this rate.
    pub stable_rate: f64,
    /// Condition number of the Hessian; null if infinite.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub condition: f64,
    /// The x of the optimal curve.
    #[serde(serialize_with = "attached")]
    #[cfg_attr(test, ts(type = "Float32Array"))]
    pub curve_x: Vec<f32>,
    /// The prediction there.
    #[serde(serialize_with = "attached")]
    #[cfg_attr(test, ts(type = "Float32Array"))]
    pub curve_y: Vec<f32>,
}

/// One instant of a run; all of it belongs together.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Snapshot {
    /// Always `snapshot`.
    #[cfg_attr(test, ts(type = "\"snapshot\""))]
    pub kind: &'static str,
    /// The number of the run.
    pub run: u32,
    /// How it stands.
    pub status: RunStatus,
    /// Updates done.
    pub step: f64,
    /// Epochs done.
    pub epoch: f64,
    /// Loss of these weights, over the training rows or `loss_rows` of them.
    pub loss: f64,
    /// The number of rows that it was measured on.
    pub loss_rows: u32,
    /// Whether `loss` was measured on a sample of the training rows.
    pub loss_is_sample: bool,
    /// Loss of the last update's batch, before that update.
    pub batch_loss: Option<f32>,
    /// Fraction of the variance explained.
    pub r2: Option<f64>,
    /// Validation loss of these weights.
    pub validation_loss: Option<f64>,
    /// Fraction of the variance of the validation targets explained.
    pub validation_r2: Option<f64>,
    /// The least validation loss, and the step of its weights.
    pub best: Option<[f64; 2]>,
    /// Gradient norm of these weights.
    pub gradient_norm: f64,
    /// The rate of the next update.
    pub learning_rate: f64,
    /// In the units of x and y, as [`Exact::weights`]; null unless they are [`Shown`].
    #[serde(serialize_with = "attached")]
    #[cfg_attr(test, ts(type = "Float64Array | null"))]
    pub weights: Option<Vec<f64>>,
    /// `||w - w*|| / ||w*||` in the units of x and y; null if the optimum `w*` is not unique.
    pub distance: Option<f64>,
    /// Updates per second, over the last half second.
    pub steps_per_second: f64,
    /// The engine.
    pub backend: BackendInfo,
    /// Bytes of the browser's memory that the worker's module has taken.
    pub memory_bytes: f64,
    /// The x of the fitted curve.
    #[serde(serialize_with = "attached")]
    #[cfg_attr(test, ts(type = "Float32Array"))]
    pub curve_x: Vec<f32>,
    /// The prediction there.
    #[serde(serialize_with = "attached")]
    #[cfg_attr(test, ts(type = "Float32Array"))]
    pub curve_y: Vec<f32>,
    /// If there are several inputs: predictions for the rows of `points_y`; for classes, the probability of the true one.
    #[serde(serialize_with = "attached")]
    #[cfg_attr(test, ts(type = "Float32Array"))]
    pub predicted: Vec<f32>,
    /// The part of the loss that is the penalty.
    pub penalty: f64,
    /// For each fold of a cross-validation, its loss in the run that leaves it out.
    #[serde(serialize_with = "attached")]
    #[cfg_attr(test, ts(type = "Float32Array"))]
    pub folds: Vec<f32>,
    /// The models of the coefficient path; null without one, or unless it is [`Shown`].
    #[serde(serialize_with = "attached")]
    pub path: Option<Path>,
    /// The history since the last snapshot.
    #[serde(serialize_with = "attached")]
    pub history: HistoryDelta,
    /// Changes made during the run.
    pub marks: Vec<Mark>,
}

/// How far long work is, while a request waits for it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Progress {
    /// Always `progress`.
    #[cfg_attr(test, ts(type = "\"progress\""))]
    pub kind: &'static str,
    /// What is being done.
    pub message: Message,
    /// The fraction of it that is done, from 0 to 1.
    pub fraction: f64,
}

/// How a run stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "Status"))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum RunStatus {
    /// It is paused.
    Paused,
    /// It is being trained.
    Training,
    /// It met a stop condition.
    Finished {
        /// Which.
        reason: Message,
    },
    /// It diverged and stopped on its last finite state.
    Diverged {
        /// Why.
        reason: Message,
        /// A learning rate that would not have diverged.
        suggested_rate: f64,
    },
}

/// The engine in use.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "BackendInUse"))]
pub struct BackendInfo {
    /// `gpu` or `cpu`.
    #[cfg_attr(test, ts(type = "\"gpu\" | \"cpu\""))]
    pub kind: &'static str,
    /// Name of the adapter, or the instruction set.
    pub name: String,
    /// Why this one: forced, measured, or a fallback.
    pub reason: Message,
    /// How a full batch is computed, if there is a choice.
    pub how: Option<Message>,
    /// Whether it stands in for another.
    pub fallback: bool,
}
