//! The run file: trained weights with everything that made them, written and read.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::ser::{SerializeMap as _, Serializer};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::backend::State;
use crate::backend::kernel::{Reaction, slot};
use crate::choices::Loss;
use crate::config::{RunConfig, RunPlan};
use crate::dataset::{FeatureMap, Input};
use crate::fields::Fields;
use crate::history::Curve;
use crate::message::{Code, Message, Result};
use crate::model::{self, Layer};
use crate::trainer::{Checkpoint, Place, Trainer};

mod facts;

pub use facts::{DataFacts, MetricValues};

/// The `format` field of every run file.
pub const FORMAT: &str = "downhill-weights";
/// The version that is written, and the only one that is read.
pub const VERSION: u64 = 1;
/// Points of a run's history that are kept at most.
pub const MAX_HISTORY_POINTS: usize = 1_000;

/// What is to be in a file, beside what is always.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Saving {
    /// Which weights.
    pub which: Which,
    /// When, in words of whoever has a clock.
    pub saved: Option<String>,
}

/// Which weights leave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Which {
    /// Those that the run has.
    #[default]
    Current,
    /// Those of [`Trainer::best_seen`].
    Best,
}

/// A run file: the model, what made it, and what is needed to go on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunFile {
    /// [`FORMAT`].
    pub format: String,
    /// [`VERSION`].
    pub version: u64,
    /// Version of Downhill that wrote it.
    pub downhill: String,
    /// When it was saved, in the words of whoever did.
    pub saved: Option<String>,
    /// What feature and target are called.
    pub columns: Columns,
    /// The model: kernels `[in, out]`, biases. Inputs are features after `feature_map`.
    pub layers: Vec<Layer>,
    /// From x to the layers' inputs.
    pub feature_map: FeatureMap,
    /// The same model as coefficients of x, x^2, ..., in the units of x and y.
    pub original_units: OriginalUnits,
    /// Loss of these weights, the penalty included.
    pub loss: f64,
    /// Rows that it was taken over.
    pub loss_rows: u32,
    /// Updates done.
    pub steps: u64,
    /// Whole passes done.
    pub epochs: u64,
    /// The whole configuration, seed included.
    pub config: RunConfig,
    /// Where it was trained at the time of writing, and why there, with the figures where that was measured.
    pub backend: Option<String>,
    /// Inputs (a category's as the index of its level), then what the model says there, for whoever reads the file to check itself by.
    pub check_predictions: Vec<Vec<f64>>,
    /// What training needs to go on to the bit.
    pub training_state: TrainingState,
    /// Metrics of these weights over the rows that they were trained on (`training`), and over those held out (`validation`,
    /// `test`) where there are any. Files had neither these nor what follows before models were taken to other tools.
    pub metrics: Option<BTreeMap<String, MetricValues>>,
    /// What the data were.
    pub data: Option<DataFacts>,
    /// How the run went until then.
    pub history: Option<Curve>,
}

impl<'de> Deserialize<'de> for RunFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let mut from = Fields::read(deserializer)?;
        let read = Self {
            format: from.need("format")?,
            version: from.need("version")?,
            downhill: from.need("downhill")?,
            saved: lenient(from.may("saved")?),
            columns: from.need("columns")?,
            layers: from.need("layers")?,
            feature_map: from.need("feature_map")?,
            original_units: from.need("original_units")?,
            loss: from.need("loss")?,
            loss_rows: from.need("loss_rows")?,
            steps: from.need("steps")?,
            epochs: from.need("epochs")?,
            config: from.need("config")?,
            backend: from.may("backend")?,
            check_predictions: from.need("check_predictions")?,
            training_state: from.need("training_state")?,
            metrics: lenient(from.may("metrics")?),
            data: lenient(from.may("data")?),
            history: lenient(from.may("history")?),
        };
        from.finish(read)
    }
}

/// What a run goes on without: where it cannot be read, it is not there.
fn lenient<T: DeserializeOwned>(value: Option<Value>) -> Option<T> {
    value.and_then(|value| serde_json::from_value(value).ok())
}

/// Names of the columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    /// What the model sees.
    pub inputs: Vec<Input>,
    /// The target.
    pub target: String,
    /// What its numbers stand for, where it is a class.
    pub target_levels: Vec<String>,
}

impl Serialize for Columns {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_map(None)?;
        match &self.inputs[..] {
            // As files had it before there were several inputs.
            [input] if input.levels.is_empty() => fields.serialize_entry("feature", &input.name)?,
            inputs => fields.serialize_entry("inputs", inputs)?,
        }
        fields.serialize_entry("target", &self.target)?;
        if !self.target_levels.is_empty() {
            fields.serialize_entry("target_levels", &self.target_levels)?;
        }
        fields.end()
    }
}

impl<'de> Deserialize<'de> for Columns {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let mut from = Fields::read(deserializer)?;
        let feature: Option<String> = from.may("feature")?;
        let inputs = match feature {
            Some(name) => vec![Input::number(&name)],
            None => from.need("inputs")?,
        };
        let target_levels = from.may("target_levels")?.unwrap_or_default();
        let read = Self { inputs, target: from.need("target")?, target_levels };
        from.finish(read)
    }
}

/// Coefficients in the units of x and y.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OriginalUnits {
    /// Of x, x^2, ...; of several outputs those of each, one after the other.
    pub weights: Vec<f64>,
    /// The constant; absent where the model has no bias, or several outputs.
    pub bias: Option<f64>,
    /// The constant of each of several outputs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub biases: Option<Vec<f64>>,
}

impl<'de> Deserialize<'de> for OriginalUnits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let mut from = Fields::read(deserializer)?;
        let read =
            Self { weights: from.need("weights")?, bias: from.may("bias")?, biases: from.may("biases")? };
        from.finish(read)
    }
}

/// See [`Checkpoint`].
#[derive(Clone, Debug, PartialEq, Serialize)]
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

impl<'de> Deserialize<'de> for TrainingState {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let mut from = Fields::read(deserializer)?;
        let read = Self {
            place: from.need("place")?,
            optimizer_start: from.need("optimizer_start")?,
            schedule_start: from.need("schedule_start")?,
            first_loss: from.need("first_loss")?,
            first_moments: from.need("first_moments")?,
            second_moments: from.need("second_moments")?,
            previous: from.need("previous")?,
            epoch_start: from.need("epoch_start")?,
            anchor: from.need("anchor")?,
            rate_scale: from.need("rate_scale")?,
            best_loss: from.need("best_loss")?,
            anchor_loss: from.need("anchor_loss")?,
            epoch_loss: from.need("epoch_loss")?,
            epoch_loss_tail: from.need("epoch_loss_tail")?,
            epoch_rows: from.need("epoch_rows")?,
            n_tail: from.need("n_tail")?,
            n_bad: from.need("n_bad")?,
            cooldown_left: from.need("cooldown_left")?,
            last_epoch_loss: from.need("last_epoch_loss")?,
        };
        from.finish(read)
    }
}

impl RunFile {
    /// The file of a run.
    pub fn of(trainer: &Trainer, saving: &Saving) -> Self {
        let (file, facts) = parts(trainer, saving);
        let [metrics, data, history] = facts;
        Self {
            metrics: lenient(Some(metrics)),
            data: lenient(Some(data)),
            history: lenient(Some(history)),
            ..file
        }
    }
}

/// The file but for what is said of the run beside it, and that as JSON: metrics, data, history.
fn parts(trainer: &Trainer, saving: &Saving) -> (RunFile, [Value; 3]) {
    let task = trainer.task();
    let checkpoint = match saving.which {
        Which::Current => trainer.checkpoint(),
        Which::Best => trainer.best_checkpoint(),
    };
    let step = checkpoint.state.steps[0];
    let parameters = checkpoint.state.parameters(0).to_vec();
    let (metrics, mean_loss) = facts::metrics(trainer, &parameters);
    let (loss, loss_rows) = if parameters == trainer.parameters() {
        (trainer.measured().loss, trainer.measured().rows)
    } else {
        (mean_loss + facts::penalty(trainer, &parameters), task.problem.in_memory().n_samples)
    };
    let reaction = checkpoint.state.reactions[0];
    let slot_of = |slot: usize| checkpoint.state.slot(0, slot).to_vec();
    let n_features = task.map.n_features();
    let wide: Vec<f64> = parameters.iter().map(|w| f64::from(*w)).collect();
    let original = task.original(&wide);
    let per_output = n_features + usize::from(trainer.plan().config().model.bias);
    let (mut weights, mut biases) = (Vec::new(), Vec::new());
    for of_output in original.chunks_exact(per_output) {
        let (own, bias) = of_output.split_at(n_features);
        weights.extend_from_slice(own);
        biases.extend_from_slice(bias);
    }
    let [bias, biases] = match biases[..] {
        [] => [None, None].map(|none: Option<f64>| none.map(|b| vec![b])),
        [_] => [Some(biases), None],
        _ => [None, Some(biases)],
    };
    let bias = bias.and_then(|bias| bias.first().copied());
    let file = RunFile {
        format: FORMAT.to_owned(),
        version: VERSION,
        downhill: env!("CARGO_PKG_VERSION").to_owned(),
        saved: saving.saved.clone(),
        columns: Columns {
            inputs: task.dataset.inputs.clone(),
            target: task.dataset.target.clone(),
            target_levels: task.dataset.target_levels.clone(),
        },
        layers: model::layers(
            &parameters,
            n_features as u32,
            task.problem.n_outputs,
            &trainer.plan().config().loss,
        ),
        feature_map: task.map.clone(),
        original_units: OriginalUnits { weights, bias, biases },
        loss,
        loss_rows,
        steps: step,
        epochs: checkpoint.place.epoch,
        config: trainer.plan().config().clone(),
        backend: Some(trainer.in_use().to_string()),
        check_predictions: check_predictions(trainer, &wide),
        training_state: TrainingState {
            place: checkpoint.place,
            optimizer_start: checkpoint.optimizer_start,
            schedule_start: checkpoint.schedule_start,
            first_loss: checkpoint.first_loss,
            first_moments: slot_of(slot::FIRST_MOMENT),
            second_moments: slot_of(slot::SECOND_MOMENT),
            previous: slot_of(slot::PREVIOUS),
            epoch_start: slot_of(slot::EPOCH_START),
            anchor: slot_of(slot::ANCHOR),
            rate_scale: reaction.rate_scale,
            best_loss: reaction.best_loss,
            anchor_loss: reaction.anchor_loss,
            epoch_loss: reaction.epoch_loss,
            epoch_loss_tail: reaction.epoch_loss_tail,
            epoch_rows: reaction.epoch_rows,
            n_tail: reaction.n_tail,
            n_bad: reaction.n_bad,
            cooldown_left: reaction.cooldown_left,
            last_epoch_loss: reaction.last_epoch_loss,
        },
        metrics: None,
        data: None,
        history: None,
    };
    let history = trainer.history().curve(MAX_HISTORY_POINTS, step);
    (file, [metrics, facts::data(trainer), facts::history(history)])
}

/// At the least, the middle and the greatest of every input, and at the first levels of categories.
fn check_predictions(trainer: &Trainer, parameters: &[f64]) -> Vec<Vec<f64>> {
    let ranges = &trainer.task().dataset.summary().x_ranges;
    [0.0, 0.5, 1.0]
        .map(|place| {
            let input = |([low, high], n_levels): (&[f64; 2], u32)| match (place, n_levels) {
                // Not `low + place * (high - low)`, which misses the ends by a rounding.
                (_, 1..) => place * 2.0 % f64::from(n_levels),
                (0.0, _) => *low,
                (0.5, _) => (low + high) / 2.0,
                _ => *high,
            };
            let levels = trainer.task().map.inputs.iter().map(|input| input.n_levels);
            let mut row: Vec<f64> = ranges.iter().zip(levels).map(input).collect();
            row.push(trainer.predict_row_by(parameters, &row));
            row
        })
        .to_vec()
}

/// The file's text, of the weights as they are.
///
/// # Errors
/// [`Code::WeightsNotFinite`]: JSON has no way to write what is not a number.
pub fn write(trainer: &Trainer) -> Result<String> {
    write_as(trainer, &Saving::default())
}

/// The file's text.
///
/// # Errors
/// As [`write()`].
pub fn write_as(trainer: &Trainer, saving: &Saving) -> Result<String> {
    finite(trainer)?;
    serde_json::to_string_pretty(&RunFile::of(trainer, saving))
        .map_err(|error| Message::new(Code::Internal).with("detail", error))
}

/// The same for whoever has a writer of JSON already, as browsers do: field by field, in the order of the text.
///
/// # Errors
/// As [`write()`].
pub fn fields(trainer: &Trainer, saving: &Saving) -> Result<Vec<(&'static str, Value)>> {
    finite(trainer)?;
    let (file, facts) = parts(trainer, saving);
    let mut value =
        serde_json::to_value(file).map_err(|error| Message::new(Code::Internal).with("detail", error))?;
    let fields = FIELDS.iter().map(|name| (*name, value[*name].take()));
    Ok(fields.chain(FACTS.into_iter().zip(facts)).collect())
}

/// What a run file holds, in the order of [`RunFile`].
const FIELDS: [&str; 16] = [
    "format",
    "version",
    "downhill",
    "saved",
    "columns",
    "layers",
    "feature_map",
    "original_units",
    "loss",
    "loss_rows",
    "steps",
    "epochs",
    "config",
    "backend",
    "check_predictions",
    "training_state",
];
/// And what it says of the run behind them.
const FACTS: [&str; 3] = ["metrics", "data", "history"];

fn finite(trainer: &Trainer) -> Result<()> {
    let finite = trainer.parameters().iter().all(|w| w.is_finite());
    if finite { Ok(()) } else { Err(Code::WeightsNotFinite.into()) }
}

/// A file read and checked: what to train on, from where.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// The checked configuration.
    pub plan: RunPlan,
    /// The feature map, as it was when the weights were trained.
    pub map: FeatureMap,
    /// Where to go on.
    pub checkpoint: Checkpoint,
    /// How the run went until then: for [`Trainer::retrace`]. Empty where the file does not say.
    pub history: Curve,
}

/// Reads a run file.
///
/// # Errors
/// Says what is wrong with anything else: `weights_not_json`, `weights_truncated`, `weights_other_kind`,
/// `weights_version`, `weights_shape`, `weights_not_finite`, or what its configuration breaks. Its place in the epoch is
/// checked against the data, by [`Trainer::restore`].
pub fn read(bytes: &[u8]) -> Result<Imported> {
    read_value(serde_json::from_slice(bytes).map_err(|error| unreadable(bytes, error))?)
}

/// Why a text is no JSON: it ends in the middle, or has something in it that JSON has not.
pub fn unreadable(text: &[u8], detail: impl std::fmt::Display) -> Message {
    let (mut depth, mut quoted, mut escaped) = (0_i64, false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => depth += 1,
            b'}' | b']' if !quoted => depth -= 1,
            _ => {}
        }
    }
    if (depth > 0 || quoted) && text.trim_ascii_start().starts_with(b"{") {
        let line = 1 + text.iter().filter(|byte| **byte == b'\n').count();
        return Message::new(Code::WeightsTruncated).with("line", line);
    }
    Message::new(Code::WeightsNotJson).with("detail", detail)
}

/// The same of what was read as JSON elsewhere.
///
/// # Errors
/// As [`read`], but for what is no JSON.
pub fn read_value(value: Value) -> Result<Imported> {
    match value.get("format").and_then(Value::as_str) {
        Some(FORMAT) => {}
        found => {
            let found = found.map_or_else(|| "missing".to_owned(), |found| format!("\"{found}\""));
            return Err(Message::new(Code::WeightsOtherKind).with("found", found));
        }
    }
    match value.get("version").and_then(Value::as_u64) {
        Some(VERSION) => {}
        found => {
            let found = found.map_or_else(|| "missing".to_owned(), |found| found.to_string());
            return Err(Message::new(Code::WeightsVersion).with("found", found).with("expected", VERSION));
        }
    }
    let file: RunFile = serde_json::from_value(value)
        .map_err(|error| Message::new(Code::WeightsNotJson).with("detail", error))?;
    check(file)
}

fn check(file: RunFile) -> Result<Imported> {
    let plan = file.config.check()?;
    let model = &file.config.model;
    let map = &file.feature_map;
    if !map.fits() {
        let found = map.center.len().min(map.scale.len());
        return Err(Message::new(Code::WeightsShape).with("found", found).with("expected", map.n_features()));
    }
    let per_output = map.n_features() + usize::from(model.bias);
    let shape = |expected: usize, found: usize| {
        Message::new(Code::WeightsShape).with("found", found).with("expected", expected)
    };
    let n_held = |layer: &Layer| {
        layer.kernel.iter().map(Vec::len).sum::<usize>() + layer.bias.iter().flatten().count()
    };
    let (parameters, n_outputs) = model::parameters(&file.layers, map.n_features() as u32, model.bias)
        .filter(|(_, n_outputs)| *n_outputs == 1 || file.config.loss == Loss::Softmax)
        .ok_or_else(|| shape(per_output, file.layers.iter().map(n_held).sum()))?;
    let expected = per_output * n_outputs as usize;
    let wanted = model::feature_map(model, &file.columns.inputs)?;
    if map.n_features() != wanted.n_features() || map.n_inputs() != wanted.n_inputs() {
        return Err(shape(wanted.n_features() + usize::from(model.bias), per_output));
    }
    let training = file.training_state;
    let mut state = State::new(&parameters);
    let slots = [
        (slot::FIRST_MOMENT, &training.first_moments),
        (slot::SECOND_MOMENT, &training.second_moments),
        (slot::PREVIOUS, &training.previous),
        (slot::EPOCH_START, &training.epoch_start),
        (slot::ANCHOR, &training.anchor),
    ];
    for (slot, values) in slots {
        if values.len() != expected {
            return Err(shape(expected, values.len()));
        }
        state.slot_mut(0, slot).copy_from_slice(values);
    }
    let finite = state.values.iter().all(|value| value.is_finite());
    if !map.is_finite() || !finite || !training.first_loss.is_finite() || !training.rate_scale.is_finite() {
        return Err(Code::WeightsNotFinite.into());
    }
    state.steps[0] = file.steps;
    state.reactions[0] = Reaction {
        rate_scale: training.rate_scale,
        best_loss: training.best_loss,
        anchor_loss: training.anchor_loss,
        epoch_loss: training.epoch_loss,
        epoch_loss_tail: training.epoch_loss_tail,
        epoch_rows: training.epoch_rows,
        n_tail: training.n_tail,
        n_bad: training.n_bad,
        cooldown_left: training.cooldown_left,
        last_epoch_loss: training.last_epoch_loss,
        ..Reaction::default()
    };
    let checkpoint = Checkpoint {
        state,
        place: training.place,
        optimizer_start: training.optimizer_start.min(file.steps),
        schedule_start: training.schedule_start.min(file.steps),
        first_loss: training.first_loss,
    };
    let history = file.history.unwrap_or_default();
    Ok(Imported { plan, map: file.feature_map, checkpoint, history })
}
