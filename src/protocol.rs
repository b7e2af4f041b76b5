//! What passes between page and worker: plain data, declared for TypeScript in `src/web/types.d.ts`.
//!
//! Long columns of numbers are left out of serialization; `web` attaches them as typed arrays, and the configuration.
//!
//! How a model leaves and comes back:
//!
//! - [`Request::Export`] answers with the text of a run file, of the weights as they are or of the best that were seen. Whatever
//!   other format is wanted, the exchange wasm writes it from that text, in a worker of its own.
//! - A file that comes is read there, too. Where it is a run, or carries one, [`Request::Import`] takes the run file's bytes
//!   and goes on where it stood, its history included.
//! - Where it is a model alone, [`Request::Compare`] holds it beside the run and changes nothing, and [`Request::Adopt`] begins
//!   a new run on the same rows with its terms and coefficients. Both take `model` as the exchange wasm gives it (the
//!   `model` of what its `read` finds). Either is refused with [`Code::ModelInputs`](crate::message::Code::ModelInputs) where the
//!   rows do not have what the model takes.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::choices::Scaling;
use crate::config::RunConfig;
use crate::foreign::Comparison;
use crate::history::HistoryDelta;
use crate::message::Message;
use crate::run_file::Which;
use crate::trainer::{Mark, Path};

/// What the page asks.
///
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
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
        which: Option<Which>,
        /// When, in the page's words: nothing below it has a clock.
        saved: Option<String>,
    },
    /// Continue the run of a run file, its history included.
    Import {
        /// Its content, which crosses as a typed array.
        #[serde(skip)]
        bytes: Vec<u8>,
    },
    /// Start a new run on the current rows from a model of another tool.
    Adopt {
        /// A [`ForeignModel`](crate::foreign::ForeignModel) as JSON.
        model: Value,
    },
    /// Compare a model of another tool with the current weights on the current rows.
    Compare {
        /// As for [`Request::Adopt`].
        model: Value,
    },
    /// Count rows on a grid.
    Density {
        /// Left and right edge.
        x: [f64; 2],
        /// Lower and upper edge.
        y: [f64; 2],
        /// Cells across.
        columns: u32,
        /// Cells up.
        rows: u32,
    },
}

/// What the page displays besides the essentials: the parts of a snapshot that are long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shown {
    /// The weights.
    pub weights: bool,
    /// The coefficient path.
    pub path: bool,
}

/// What the worker answers.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Answer {
    /// To everything that changes the configuration, `import` and `adopt` included.
    Configured(Box<Configured>),
    /// To `predict`.
    Predicted {
        /// The x.
        inputs: Vec<f64>,
        /// What the model says there.
        outputs: Vec<f64>,
    },
    /// To `predict_row`.
    Explained {
        /// What the model says before any link: of the most probable class, where there are several.
        output: f64,
        /// What it says of a row whose features are all at their means.
        baseline: f64,
        /// What each input's features add to that, the products of two inputs shared between both.
        contributions: Vec<f64>,
        /// What the outputs mean: a number, or a probability for each class.
        response: Vec<f64>,
    },
    /// To `export`.
    Exported {
        /// A name to save it under.
        file_name: String,
        /// Its content.
        text: String,
    },
    /// To `compare`.
    Compared(Box<Comparison>),
    /// To `density`.
    Density {
        /// Cells across.
        columns: u32,
        /// Cells up.
        rows: u32,
        /// Edges.
        x: [f64; 2],
        /// Edges.
        y: [f64; 2],
        /// Row-major from the bottom.
        #[serde(skip)]
        counts: Vec<u32>,
    },
    /// To everything else.
    Done,
}

/// The configuration as it now is.
#[derive(Clone, Debug, Serialize)]
pub struct Configured {
    /// Which run; counted from 1.
    pub run: u32,
    /// All of it.
    pub config: RunConfig,
    /// It as a link.
    pub query: String,
    /// Whether a new run began.
    pub restarted: bool,
    /// The data, where a new run began.
    pub dataset: Option<DatasetInfo>,
    /// What descent is heading for now, where only that has changed.
    pub exact: Option<Exact>,
    /// What is worth knowing.
    pub notices: Vec<Message>,
}

/// The data of a run, and what can be known of it without training.
#[derive(Clone, Debug, Serialize)]
pub struct DatasetInfo {
    /// Rows.
    pub n_samples: u32,
    /// Rows of them that are held out and looked at.
    pub n_validation: u32,
    /// Rows of them that are kept for the end.
    pub n_test: u32,
    /// Features a row.
    pub n_features: u32,
    /// Parameters.
    pub n_parameters: u32,
    /// What a row gives the model.
    pub inputs: Vec<InputInfo>,
    /// Name of the target.
    pub target: String,
    /// Names of its classes; none where it is learned as a number.
    pub classes: Vec<String>,
    /// What each weight belongs to, the bias left out.
    pub terms: Vec<String>,
    /// How numbers are scaled inside the model.
    pub scaling: Scaling,
    /// Bytes that the rows take, in every shape that they are kept in.
    pub bytes: f64,
    /// Every x where they are few enough to draw; none where there are several inputs.
    #[serde(skip)]
    pub points_x: Vec<f32>,
    /// Every y where they are few enough to draw; where there are several inputs, those of the rows whose predictions
    /// come with each snapshot.
    #[serde(skip)]
    pub points_y: Vec<f32>,
    /// Least and greatest x; of the target, where there are several inputs.
    pub x_range: [f64; 2],
    /// Least and greatest y.
    pub y_range: [f64; 2],
    /// Least squares.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exact: Option<Exact>,
}

/// What a person gives to predict by.
#[derive(Clone, Debug, Serialize)]
pub struct InputInfo {
    /// The column.
    pub name: String,
    /// Of a category.
    pub levels: Vec<String>,
    /// Least and greatest value; indices of a category.
    pub range: [f64; 2],
    /// A value to begin with: in the middle of a number's range, the first level of a category.
    pub start: String,
}

/// The least-squares solution.
#[derive(Clone, Debug, Serialize)]
pub struct Exact {
    /// In the units of x and y.
    pub weights: Vec<f64>,
    /// Whether it is the only one.
    pub unique: bool,
    /// Least mean squared error.
    pub loss: f64,
    /// Share of variance explained.
    pub r2: Option<f64>,
    /// Plain batch descent diverges above it.
    pub stable_rate: f64,
    /// Of the Hessian.
    pub condition: f64,
    /// Where the curve is taken.
    #[serde(skip)]
    pub curve_x: Vec<f32>,
    /// The curve.
    #[serde(skip)]
    pub curve_y: Vec<f32>,
}

/// One instant of a run; all of it belongs together.
#[derive(Clone, Debug, Serialize)]
pub struct Snapshot {
    /// Always `snapshot`.
    pub kind: &'static str,
    /// Which run.
    pub run: u32,
    /// How it stands.
    pub status: RunStatus,
    /// Updates done.
    pub step: f64,
    /// Whole passes done.
    pub epoch: f64,
    /// Of these weights.
    pub loss: f64,
    /// Rows that it was taken over.
    pub loss_rows: u32,
    /// Whether those are not all.
    pub loss_is_sample: bool,
    /// Of the last update's batch.
    pub batch_loss: Option<f32>,
    /// Share of variance explained.
    pub r2: Option<f64>,
    /// Of these weights over the rows held out.
    pub validation_loss: Option<f64>,
    /// Share of the variance of their targets.
    pub validation_r2: Option<f64>,
    /// The least validation loss, and the step of the weights that have it.
    pub best: Option<[f64; 2]>,
    /// Of these weights.
    pub gradient_norm: f64,
    /// Of the next update.
    pub learning_rate: f64,
    /// In the units of x and y, if they are [`Shown`].
    #[serde(skip)]
    pub weights: Option<Vec<f64>>,
    /// From the exact ones, relative.
    pub distance: Option<f64>,
    /// Measured over the last half second.
    pub steps_per_second: f64,
    /// The engine.
    pub backend: BackendInfo,
    /// What the worker's module holds of the browser's memory.
    pub memory_bytes: f64,
    /// Where the curve is taken.
    #[serde(skip)]
    pub curve_x: Vec<f32>,
    /// The fitted curve.
    #[serde(skip)]
    pub curve_y: Vec<f32>,
    /// Where there are several inputs: what the weights say of the rows that `points_y` are of.
    #[serde(skip)]
    pub predicted: Vec<f32>,
    /// What the penalty adds to the loss.
    pub penalty: f64,
    /// Of each part of a cross-validation, its loss under the run that leaves it out.
    #[serde(skip)]
    pub folds: Vec<f32>,
    /// The models of the coefficient path, if they are [`Shown`].
    #[serde(skip)]
    pub path: Option<Path>,
    /// What was recorded since the last snapshot.
    #[serde(skip)]
    pub history: HistoryDelta,
    /// Changes made in mid-run.
    pub marks: Vec<Mark>,
}

/// How far long work is, while a request waits for it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Progress {
    /// Always `progress`.
    pub kind: &'static str,
    /// What is being done.
    pub message: Message,
    /// Of all of it, from 0 to 1.
    pub fraction: f64,
}

/// How a run stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum RunStatus {
    /// It holds.
    Paused,
    /// It goes on.
    Training,
    /// It met a stop condition.
    Finished {
        /// Which.
        reason: Message,
    },
    /// It stopped on its last finite state.
    Diverged {
        /// Why.
        reason: Message,
        /// A rate that would not have.
        suggested_rate: f64,
    },
}

/// The engine in use.
#[derive(Clone, Debug, Serialize)]
pub struct BackendInfo {
    /// `gpu` or `cpu`.
    pub kind: &'static str,
    /// Adapter, or instruction set.
    pub name: String,
    /// Why this one.
    pub reason: Message,
    /// How a full batch is computed, where there is a choice.
    pub how: Option<Message>,
    /// Whether it stands in for another.
    pub fallback: bool,
}
