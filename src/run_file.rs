//! The run file: trained weights with the data description, configuration and state that produced them;
//! writing and reading.

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

/// The value of the `format` field in every run file.
pub const FORMAT: &str = "downhill-weights";
/// The run file version that is written, and the only one that can be read.
pub const VERSION: u64 = 1;
/// The most points of a run's history that a file keeps.
pub const MAX_HISTORY_POINTS: usize = 1_000;

/// The user's choices when saving a run file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Saving {
    /// Which weights of the run to save.
    pub which: Which,
    /// The date and time of saving, as text that the caller formatted.
    pub saved: Option<String>,
}

/// Which weights of a run are saved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Which {
    /// The weights that the run has now.
    #[default]
    Current,
    /// The weights of [`Trainer::best_seen`].
    Best,
}

/// A run file: the model, its configuration, and the state that is needed to continue training.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct RunFile {
    /// The file's format name, always [`FORMAT`].
    pub format: String,
    /// The file's format version, always [`VERSION`].
    pub version: u64,
    /// The version of Downhill that wrote the file.
    pub downhill: String,
    /// The date and time of saving, as text that the caller formatted.
    pub saved: Option<String>,
    /// Names of the inputs and the target.
    #[cfg_attr(test, ts(as = "WrittenColumns"))]
    pub columns: Columns,
    /// The layers of the model, with kernels `[in][out]` and biases. The first layer takes the features that
    /// `feature_map` makes.
    pub layers: Vec<LayerWeights>,
    /// The map from x to the inputs of the first layer.
    #[cfg_attr(test, ts(type = "unknown"))]
    pub feature_map: FeatureMap,
    /// The same model as coefficients of x, x^2, ..., in the units of x and y.
    pub original_units: OriginalUnits,
    /// The training loss of these weights, penalty included.
    pub loss: f64,
    /// The number of training rows that `loss` was measured on.
    pub loss_rows: u32,
    /// Updates done when the file was written.
    pub steps: u64,
    /// Epochs done when the file was written.
    pub epochs: u64,
    /// The whole configuration, seed included.
    pub config: RunConfig,
    /// The engine at the time of writing and why it was used, with the measured speeds if there are any.
    pub backend: Option<String>,
    /// Sample rows with their prediction, so that a reader of the file can check itself. Each row has the
    /// inputs (a category as its level's index), then the prediction.
    pub check_predictions: Vec<Vec<f64>>,
    /// The state that training needs to continue with bit-identical results.
    pub training_state: TrainingState,
    /// Metrics of these weights by group of rows: `training`, `validation` and `test`, if there are such
    /// rows. Files of older versions lack this field and those below.
    pub metrics: Option<BTreeMap<String, MetricValues>>,
    /// Size and fingerprint of the data.
    pub data: Option<DataFacts>,
    /// The history of the run up to these weights.
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

/// Names of the columns that the model uses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "WrittenColumns", into = "WrittenColumns")]
pub struct Columns {
    /// The inputs of the model.
    pub inputs: Vec<Input>,
    /// Name of the target column.
    pub target: String,
    /// Names of the target's classes; empty if the target is a number.
    pub target_levels: Vec<String>,
}

/// [`Columns`] as they are written to a file. A single numeric input is written as `feature`, as in files
/// from before there were several inputs.
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

/// A linear model's coefficients in the units of x and y.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct OriginalUnits {
    /// The coefficients of x, x^2, ...; with several outputs, all coefficients of the first output, then of
    /// the second, and so on.
    pub weights: Vec<f64>,
    /// The constant term; absent if the model has no bias or several outputs.
    pub bias: Option<f64>,
    /// The constant term of each output, if there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub biases: Option<Vec<f64>>,
}

read_fields!(OriginalUnits { weights, bias, biases });

/// What a checkpoint contains besides weights and steps. Vectors that a run does not need are empty; files of
/// older versions contain all of them.
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
    /// Serializes the run file as JSON text.
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
