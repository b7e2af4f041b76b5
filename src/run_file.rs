//! The run file: trained weights with everything that made them, written and read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::config::RunConfig;
use crate::dataset::{FeatureMap, Input};
use crate::fields::read_fields;
use crate::history::Curve;
use crate::message::{Code, Message, Result};
use crate::model::LayerWeights;
use crate::trainer::{Place, Trainer};

mod facts;
mod read;
mod write;

pub use facts::{DataFacts, MetricValues};
pub use read::{Imported, read, read_value};

/// The `format` field of every run file.
pub const FORMAT: &str = "downhill-weights";
/// The version that is written, and the only one that is read.
pub const VERSION: u64 = 1;
/// The most points of a run's history that a file keeps.
pub const MAX_HISTORY_POINTS: usize = 1_000;

/// What the user decides about a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Saving {
    /// Which weights.
    pub which: Which,
    /// When it is saved, as the caller words it.
    pub saved: Option<String>,
}

/// Which weights of a run are saved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Which {
    /// Those that the run has now.
    #[default]
    Current,
    /// Those of [`Trainer::best_seen`].
    Best,
}

/// A run file: the model, what made it, and what is needed to continue training.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct RunFile {
    /// [`FORMAT`].
    pub format: String,
    /// [`VERSION`].
    pub version: u64,
    /// The version of Downhill that wrote it.
    pub downhill: String,
    /// When it was saved, as whoever saved it words that.
    pub saved: Option<String>,
    /// Names of the inputs and the target.
    #[cfg_attr(test, ts(as = "WrittenColumns"))]
    pub columns: Columns,
    /// The model: kernels `[in, out]` and biases. Its inputs are the features that `feature_map` makes.
    pub layers: Vec<LayerWeights>,
    /// From x to the inputs of the first layer.
    #[cfg_attr(test, ts(type = "unknown"))]
    pub feature_map: FeatureMap,
    /// The same model as coefficients of x, x^2, ..., in the units of x and y.
    pub original_units: OriginalUnits,
    /// The loss of these weights, penalty included.
    pub loss: f64,
    /// The number of rows that the loss was measured on.
    pub loss_rows: u32,
    /// Updates done.
    pub steps: u64,
    /// Epochs done.
    pub epochs: u64,
    /// The whole configuration, seed included.
    pub config: RunConfig,
    /// The engine at the time of writing, and why that one, with the speeds if they were measured.
    pub backend: Option<String>,
    /// Inputs (the index of a category's level) and the prediction for them, so that a reader can check itself.
    pub check_predictions: Vec<Vec<f64>>,
    /// What training needs to continue to the bit.
    pub training_state: TrainingState,
    /// Metrics of these weights on the `training`, `validation` and `test` rows, as far as there are any. Older files
    /// have neither these nor the fields below.
    pub metrics: Option<BTreeMap<String, MetricValues>>,
    /// Facts about the data.
    pub data: Option<DataFacts>,
    /// The history of the run.
    pub history: Option<Curve>,
}

read_fields!(RunFile {
    format,
    version,
    downhill,
    saved: lenient,
    columns,
    layers,
    feature_map,
    original_units,
    loss,
    loss_rows,
    steps,
    epochs,
    config,
    backend,
    check_predictions,
    training_state,
    metrics: lenient,
    data: lenient,
    history: lenient,
});

/// Names of the columns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "WrittenColumns", into = "WrittenColumns")]
pub struct Columns {
    /// The inputs of the model.
    pub inputs: Vec<Input>,
    /// The target.
    pub target: String,
    /// The names of the target's classes, if it is one.
    pub target_levels: Vec<String>,
}

/// [`Columns`] as files write them: a single number is a `feature`, as before there were several inputs.
#[derive(Serialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "RunFileColumns"))]
pub(crate) struct WrittenColumns {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional = nullable))]
    feature: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional = nullable))]
    inputs: Option<Vec<Input>>,
    target: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional = nullable))]
    target_levels: Option<Vec<String>>,
}

read_fields!(WrittenColumns { feature, inputs, target, target_levels });

impl From<Columns> for WrittenColumns {
    fn from(Columns { inputs, target, target_levels }: Columns) -> Self {
        let (feature, inputs) = match &inputs[..] {
            [input] if input.levels.is_empty() => (Some(input.name.clone()), None),
            _ => (None, Some(inputs)),
        };
        let target_levels = Some(target_levels).filter(|levels| !levels.is_empty());
        Self { feature, inputs, target, target_levels }
    }
}

impl TryFrom<WrittenColumns> for Columns {
    type Error = &'static str;

    fn try_from(written: WrittenColumns) -> std::result::Result<Self, Self::Error> {
        let inputs = match written.feature {
            Some(_) if written.inputs.is_some() => return Err("unknown field `inputs`"),
            Some(name) => vec![Input::number(&name)],
            None => written.inputs.ok_or("missing field `inputs`")?,
        };
        Ok(Self { inputs, target: written.target, target_levels: written.target_levels.unwrap_or_default() })
    }
}

/// Coefficients in the units of x and y.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct OriginalUnits {
    /// The coefficients of x, x^2, ...; for several outputs those of each, one after the other.
    pub weights: Vec<f64>,
    /// The constant; absent if the model has no bias or several outputs.
    pub bias: Option<f64>,
    /// The constants of several outputs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub biases: Option<Vec<f64>>,
}

read_fields!(OriginalUnits { weights, bias, biases });

/// What a checkpoint holds besides weights and steps. Vectors that a run does not need are empty; older files have all.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct TrainingState {
    place: Place,
    optimizer_start: u64,
    schedule_start: u64,
    first_loss: f64,
    first_moments: Vec<f32>,
    second_moments: Vec<f32>,
    previous: Vec<f32>,
    epoch_start: Vec<f32>,
    anchor: Vec<f32>,
    rate_scale: f32,
    best_loss: f32,
    anchor_loss: f32,
    epoch_loss: f32,
    epoch_loss_tail: f32,
    epoch_rows: u32,
    n_tail: u32,
    n_bad: u32,
    cooldown_left: u32,
    last_epoch_loss: f32,
}

read_fields!(TrainingState {
    place,
    optimizer_start,
    schedule_start,
    first_loss,
    first_moments,
    second_moments,
    previous,
    epoch_start,
    anchor,
    rate_scale,
    best_loss,
    anchor_loss,
    epoch_loss,
    epoch_loss_tail,
    epoch_rows,
    n_tail,
    n_bad,
    cooldown_left,
    last_epoch_loss,
});

impl RunFile {
    /// The file as text.
    ///
    /// # Errors
    /// [`Code::WeightsNotFinite`]: JSON cannot write a number that is not finite.
    pub fn to_text(&self) -> Result<String> {
        let numbers =
            |layer: &LayerWeights| layer.kernel.iter().chain(&layer.bias).flatten().all(|w| w.is_finite());
        if !self.layers.iter().all(numbers) {
            return Err(Code::WeightsNotFinite.into());
        }
        serde_json::to_string_pretty(self).map_err(|error| Message::new(Code::Internal).with("detail", error))
    }
}

/// Writes the current weights of a run.
///
/// # Errors
/// Those of [`RunFile::to_text`].
pub fn write(trainer: &Trainer) -> Result<String> {
    RunFile::of(trainer, &Saving::default()).to_text()
}
