//! The records that a run keeps during training: its history and marks.

use serde::Serialize;

use crate::history::History;
use crate::message::Message;

/// A repeated change of the same setting within this number of steps updates its mark instead of adding one.
const SAME_KNOB_STEPS: u64 = 30;

/// A change of the configuration during a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Mark {
    /// Updates done before the change.
    pub step: u64,
    /// The setting that changed, with its old (`from`) and new (`to`) value.
    pub message: Message,
}

/// The history of a run and the changes made during it.
#[derive(Debug, Default)]
pub(super) struct Log {
    pub(super) history: History,
    pub(super) marks: Vec<Mark>,
    pub(super) batch_loss: Option<f32>,
    /// The batch loss of every update since they were last taken; `None` unless
    /// [`Trainer::keep_losses`](super::Trainer::keep_losses) was called.
    pub(super) kept_losses: Option<Vec<f32>>,
    /// The batch losses of the last call; a buffer that is reused so that stepping allocates nothing.
    losses: Vec<f32>,
}

impl Log {
    /// Clears history, marks and batch losses.
    pub(super) fn clear(&mut self) {
        self.history.clear();
        self.marks.clear();
        self.batch_loss = None;
    }

    /// Records consecutive steps from step `first` on; `trace` has `[batch loss, learning rate]` of each.
    pub(super) fn record_steps(&mut self, first: u64, trace: &[[f32; 2]]) {
        self.losses.clear();
        self.losses.extend(trace.iter().map(|[loss, _]| *loss));
        self.history.record_steps_with(first, &self.losses, |i| trace[i][1]);
        self.batch_loss = self.losses.last().copied().or(self.batch_loss);
        if let Some(kept) = &mut self.kept_losses {
            kept.extend_from_slice(&self.losses);
        }
    }

    /// Adds a mark at `step`; if the last mark is recent and of the same setting, it is updated instead.
    pub(super) fn mark(&mut self, step: u64, message: Message) {
        if let Some(last) = self.marks.last_mut()
            && last.message.code == message.code
            && step - last.step <= SAME_KNOB_STEPS
        {
            if let Some(to) = message.params.get("to") {
                last.message.params.insert("to".to_owned(), to.clone());
            }
            last.step = step;
            return;
        }
        self.marks.push(Mark { step, message });
    }
}
