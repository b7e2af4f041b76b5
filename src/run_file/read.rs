//! Reads run files and checks that the parts of each file are consistent.

use serde_json::Value;

use super::{FORMAT, RunFile, TrainingState, VERSION};
use crate::backend::State;
use crate::backend::kernel::{Reaction, SlotSet, slot};
use crate::choices::Loss;
use crate::config::RunPlan;
use crate::dataset::FeatureMap;
use crate::history::Curve;
use crate::message::{Code, Message, Result};
use crate::model::{self, LayerWeights};
use crate::trainer::Checkpoint;

/// A run file that was read and checked: the plan of its run and the state to continue from.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// The checked configuration.
    pub plan: RunPlan,
    /// The feature map with the scales that the weights were trained with.
    pub map: FeatureMap,
    /// The state of the run to continue from.
    pub checkpoint: Checkpoint,
    /// The history of the run, for [`Trainer::retrace`](crate::trainer::Trainer::retrace); empty if the file has none.
    pub history: Curve,
}

/// Reads a run file.
///
/// A message for what is wrong: `weights_not_json`, `weights_truncated`, `weights_other_kind`,
/// `weights_version`, `weights_shape`, `weights_not_finite`, or an error of the configuration.
/// [`Trainer::restore`](crate::trainer::Trainer::restore) checks the position in the epoch against the data.
pub fn read(bytes: &[u8]) -> Result<Imported> {
    read_value(serde_json::from_slice(bytes).map_err(|error| unreadable(bytes, error))?)
}

/// The error for text that is not JSON: either the text is cut short, or it contains something else.
fn unreadable(text: &[u8], detail: impl std::fmt::Display) -> Message {
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

/// Reads a run file from JSON.
///
/// # Errors
/// As [`read`], except for text that is not JSON.
pub fn read_value(value: Value) -> Result<Imported> {
    let missing = || "missing".to_owned();
    match value.get("format").and_then(Value::as_str) {
        Some(FORMAT) => {}
        found => {
            let found = found.map_or_else(missing, |found| format!("\"{found}\""));
            return Err(Message::new(Code::WeightsOtherKind).with("found", found));
        }
    }
    match value.get("version").and_then(Value::as_u64) {
        Some(VERSION) => {}
        found => {
            let found = found.map_or_else(missing, |found| found.to_string());
            return Err(Message::new(Code::WeightsVersion).with("found", found).with("expected", VERSION));
        }
    }
    let file: RunFile = serde_json::from_value(value)
        .map_err(|error| Message::new(Code::WeightsNotJson).with("detail", error))?;
    check(file)
}

fn check(file: RunFile) -> Result<Imported> {
    let plan = file.config.check()?;
    let map = &file.feature_map;
    if !map.fits() {
        return Err(shape(map.n_features(), map.center.len().min(map.scale.len())));
    }
    let parameters = parameters(&file)?;
    let training = &file.training_state;
    let mut state = state(&parameters, training)?;
    let finite = state.values.iter().all(|value| value.is_finite());
    if !map.is_finite() || !finite || !training.first_loss.is_finite() || !training.rate_scale.is_finite() {
        return Err(Code::WeightsNotFinite.into());
    }
    state.steps[0] = file.steps;
    state.reactions[0] = reaction(training);
    let checkpoint = Checkpoint {
        state,
        place: training.place,
        optimizer_start: training.optimizer_start.min(file.steps),
        schedule_start: training.schedule_start.min(file.steps),
        first_loss: training.first_loss,
    };
    Ok(Imported { plan, map: file.feature_map, checkpoint, history: file.history.unwrap_or_default() })
}

fn shape(expected: usize, found: usize) -> Message {
    Message::new(Code::WeightsShape).with("found", found).with("expected", expected)
}

/// The file's layers as one flat parameter vector, if their shapes are those of the configured model.
fn parameters(file: &RunFile) -> Result<Vec<f32>> {
    let (model, map) = (&file.config.model, &file.feature_map);
    let bias = usize::from(model.bias);
    let per_output = map.n_features() + bias;
    let n_numbers = |layer: &LayerWeights| {
        layer.kernel.iter().map(Vec::len).sum::<usize>() + layer.bias.iter().flatten().count()
    };
    let (parameters, _) = model::parameters(&file.layers, map.n_features() as u32, model.bias)
        .filter(|(_, linear)| linear.n_outputs == 1 || file.config.loss == Loss::Softmax)
        .ok_or_else(|| shape(per_output, file.layers.iter().map(n_numbers).sum()))?;
    let configured = model::feature_map(model, &file.columns.inputs)?;
    if map.n_features() != configured.n_features() || map.n_inputs() != configured.n_inputs() {
        return Err(shape(configured.n_features() + bias, per_output));
    }
    Ok(parameters)
}

fn state(parameters: &[f32], training: &TrainingState) -> Result<State> {
    let has = |values: &[f32]| parameters.is_empty() || !values.is_empty();
    let slots = SlotSet {
        first_moment: has(&training.first_moments),
        second_moment: has(&training.second_moments),
        anchors: has(&training.epoch_start) || has(&training.anchor),
    };
    let mut state = State::of_runs(&[parameters.to_vec()], slots, Vec::new());
    let slots = [
        (slot::FIRST_MOMENT, &training.first_moments),
        (slot::SECOND_MOMENT, &training.second_moments),
        (slot::PREVIOUS, &training.previous),
        (slot::EPOCH_START, &training.epoch_start),
        (slot::ANCHOR, &training.anchor),
    ];
    for (slot, values) in slots {
        let own = state.slot_mut(0, slot);
        if values.len() != own.len() {
            return Err(shape(own.len(), values.len()));
        }
        own.copy_from_slice(values);
    }
    Ok(state)
}

fn reaction(training: &TrainingState) -> Reaction {
    Reaction {
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
    }
}
