//! Makes snapshots for the page: the state of a run at one instant.

use js_sys::{Array, Float64Array, Object};
use wasm_bindgen::prelude::*;

use super::describe::curve;
use super::{Run, Session};
use crate::history::HistoryDelta;
use crate::message::Result;
use crate::protocol::{BackendInfo, RunStatus, Shown, Snapshot};
use crate::trainer::{Path, Status, Trainer};
use crate::web::{attach, internal, reason_of, set, to_js};

impl Session {
    /// Sets the optional parts that every snapshot includes from now on.
    pub(super) fn set_shown(&mut self, shown: Shown) {
        self.changed |= shown != self.shown;
        self.shown = shown;
    }

    /// Posts a snapshot of the run to the page.
    pub(super) fn show(&mut self) -> Result<()> {
        self.changed = false;
        let Some(run) = &mut self.run else { return Ok(()) };
        let steps_per_second =
            if self.training { self.pace.steps_per_second(run.trainer.step()) } else { 0.0 };
        let snapshot = snapshot(run, self.training, self.shown, steps_per_second);
        let (event, transfer) = event(&snapshot)?;
        let posted = self.page.post.call2(&JsValue::NULL, &event, &transfer);
        posted.map(drop).map_err(|error| internal(reason_of(&error)))
    }
}

fn snapshot(run: &mut Run, training: bool, shown: Shown, steps_per_second: f64) -> Snapshot {
    let Run { id, trainer, sample, .. } = run;
    let measured = trainer.measured();
    let (curve_x, curve_y) = curve(trainer, |x| trainer.predict(x));
    Snapshot {
        kind: "snapshot",
        run: *id,
        status: status(trainer, training),
        step: trainer.step() as f64,
        epoch: trainer.place().epoch as f64,
        loss: measured.loss,
        loss_rows: measured.rows,
        loss_is_sample: measured.rows < trainer.task().problem.n_samples,
        batch_loss: trainer.batch_loss(),
        r2: trainer.r2(),
        validation_loss: trainer.validation_loss(),
        validation_r2: trainer.validation_r2(),
        best: trainer.best().map(|best| [best.loss, best.step as f64]),
        gradient_norm: measured.gradient_norm,
        learning_rate: trainer.learning_rate(),
        distance: trainer.distance(),
        steps_per_second,
        backend: backend(trainer),
        memory_bytes: memory_bytes(),
        penalty: trainer.penalty(),
        marks: trainer.marks().to_vec(),
        weights: shown.weights.then(|| trainer.original_parameters()).flatten(),
        curve_x,
        curve_y,
        predicted: sample.predicted(trainer),
        folds: trainer.fold_losses().to_vec(),
        path: if shown.path { trainer.path() } else { None },
        history: trainer.history_mut().delta(),
    }
}

fn status(trainer: &Trainer, training: bool) -> RunStatus {
    match trainer.status() {
        Status::Ready if training => RunStatus::Training,
        Status::Ready => RunStatus::Paused,
        Status::Finished(reason) => RunStatus::Finished { reason: reason.clone() },
        Status::Diverged { reason, suggested_rate } => {
            RunStatus::Diverged { reason: reason.clone(), suggested_rate: *suggested_rate }
        }
    }
}

fn backend(trainer: &Trainer) -> BackendInfo {
    let in_use = trainer.in_use();
    BackendInfo {
        kind: if in_use.gpu { "gpu" } else { "cpu" },
        name: in_use.name.clone(),
        reason: in_use.reason.clone(),
        how: in_use.how.clone(),
        fallback: in_use.fallback,
    }
}

/// Bytes of memory that this wasm module has allocated from the browser.
fn memory_bytes() -> f64 {
    const PAGE_BYTES: f64 = 65_536.0;
    core::arch::wasm32::memory_size::<0>() as f64 * PAGE_BYTES
}

/// Encodes a snapshot for JavaScript. Also returns the buffers of its arrays, which are transferred with it.
fn event(snapshot: &Snapshot) -> Result<(JsValue, Array)> {
    let event = to_js(snapshot)?;
    let transfer = Array::new();
    let columns = [
        ("curve_x", &snapshot.curve_x),
        ("curve_y", &snapshot.curve_y),
        ("predicted", &snapshot.predicted),
        ("folds", &snapshot.folds),
    ];
    for (name, values) in columns {
        attach(&event, name, values, &transfer);
    }
    let weights = snapshot.weights.as_ref().map(|weights| {
        let weights = Float64Array::from(weights.as_slice());
        transfer.push(&weights.buffer());
        weights
    });
    set(&event, "weights", &weights.map_or(JsValue::NULL, JsValue::from));
    let path = snapshot.path.as_ref().map(|path| path_to_js(path, &transfer));
    set(&event, "path", &path.map_or(JsValue::NULL, JsValue::from));
    set(&event, "history", &history_to_js(&snapshot.history, &transfer));
    Ok((event, transfer))
}

fn path_to_js(path: &Path, transfer: &Array) -> Object {
    let object = Object::new();
    attach(&object, "strengths", &path.strengths, transfer);
    attach(&object, "coefficients", &path.coefficients, transfer);
    attach(&object, "loss", &path.loss, transfer);
    attach(&object, "validation", &path.validation, transfer);
    object
}

fn history_to_js(delta: &HistoryDelta, transfer: &Array) -> Object {
    let object = Object::new();
    set(&object, "first", &delta.first.into());
    attach(&object, "batch_loss_min", &delta.batch_loss_min, transfer);
    attach(&object, "batch_loss_max", &delta.batch_loss_max, transfer);
    attach(&object, "batch_loss_mean", &delta.batch_loss_mean, transfer);
    attach(&object, "loss", &delta.loss, transfer);
    attach(&object, "rate", &delta.rate, transfer);
    attach(&object, "validation", &delta.validation, transfer);
    object
}
