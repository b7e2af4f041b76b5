//! The best weights that a run has come by, to be taken away instead of the last.

use crate::backend::State;
use crate::backend::kernel::{Reaction, slot};

use super::{Checkpoint, Place, Trainer};

/// The weights that did best.
#[derive(Clone, Debug, PartialEq)]
pub struct Best {
    /// Updates before them.
    pub step: u64,
    /// Where in its epochs the run stood with them.
    pub place: Place,
    /// Their loss: over the rows held out, or over all that are trained on.
    pub loss: f64,
    /// Parameters of the scaled features.
    pub parameters: Vec<f32>,
}

impl Best {
    /// Brings the weights back. Moments are those of other weights, and begin anew.
    pub(super) fn put_into(&self, state: &mut State) {
        for place in [slot::WEIGHT, slot::PREVIOUS, slot::EPOCH_START, slot::ANCHOR] {
            state.slot_mut(0, place).copy_from_slice(&self.parameters);
        }
        for moment in [slot::FIRST_MOMENT, slot::SECOND_MOMENT] {
            state.slot_mut(0, moment).fill(0.0);
        }
    }
}

impl Trainer {
    /// The best weights that were seen: by the loss of the rows held out, where there are any, as [`Trainer::best`]; else
    /// of the least loss that was measured over every row.
    pub fn best_seen(&self) -> Option<&Best> {
        if self.validates() { self.best() } else { self.least.as_ref() }
    }

    /// [`Trainer::checkpoint`] of the best weights that were seen: where they stood, with moments and reactions that begin
    /// anew. It is the run's own where the weights are the best, or where nothing was seen.
    pub fn best_checkpoint(&self) -> Checkpoint {
        let mut checkpoint = self.checkpoint();
        let Some(best) = self.best_seen().filter(|best| best.parameters != self.parameters()) else {
            return checkpoint;
        };
        best.put_into(&mut checkpoint.state);
        checkpoint.state.steps[0] = best.step;
        let rate_scale = checkpoint.state.reactions[0].rate_scale;
        checkpoint.state.reactions[0] = Reaction { rate_scale, ..Reaction::default() };
        Checkpoint {
            place: best.place,
            optimizer_start: best.step,
            schedule_start: checkpoint.schedule_start.min(best.step),
            ..checkpoint
        }
    }

    /// Looks whether the weights as they are have the least loss that was measured over every row.
    pub(super) fn note_least(&mut self) {
        let loss = self.measured.loss;
        let whole = self.measured.rows == self.task.problem.n_samples;
        if whole && !self.validates() && loss < self.least.as_ref().map_or(f64::INFINITY, |least| least.loss)
        {
            let parameters = self.parameters().to_vec();
            self.least = Some(Best { step: self.step(), place: self.place, loss, parameters });
        }
    }
}
