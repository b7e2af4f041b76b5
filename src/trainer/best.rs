//! The best weights of a run, to export instead of the last ones.

use super::{Checkpoint, Place, Trainer};
use crate::backend::State;
use crate::backend::kernel::{Reaction, slot};

/// The weights with the least loss.
#[derive(Clone, Debug, PartialEq)]
pub struct Best {
    /// Updates before them.
    pub step: u64,
    /// The run's place in its epochs at that step.
    pub place: Place,
    /// Their loss: over the validation rows, or else over all training rows.
    pub loss: f64,
    /// Parameters for the scaled features.
    pub parameters: Vec<f32>,
}

impl Best {
    /// Brings the weights back. Moments belong to other weights, so they start anew.
    pub(super) fn put_into(&self, state: &mut State) {
        for place in [slot::WEIGHT, slot::PREVIOUS, slot::EPOCH_START, slot::ANCHOR] {
            let slot = state.slot_mut(0, place).iter_mut();
            slot.zip(&self.parameters).for_each(|(value, parameter)| *value = *parameter);
        }
        for moment in [slot::FIRST_MOMENT, slot::SECOND_MOMENT] {
            state.slot_mut(0, moment).fill(0.0);
        }
    }
}

impl Trainer {
    /// The best weights so far: by validation loss if there are validation rows, as [`Trainer::best`]; else by the
    /// training loss, whenever it was measured on every row.
    pub fn best_seen(&self) -> Option<&Best> {
        self.best.as_ref()
    }

    /// A [`Trainer::checkpoint`] of the best weights so far, with new moments and reactions. It is the run's own
    /// checkpoint if it has those weights now, or if nothing was measured.
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

    /// Keeps the weights if they have the least training loss so far, measured on every row.
    pub(super) fn note_best_training(&mut self) {
        let loss = self.measured().loss;
        let least = self.best.as_ref().map_or(f64::INFINITY, |best| best.loss);
        if self.measured_all() && !self.validates() && loss < least {
            let (step, place, parameters) = (self.step(), self.place(), self.parameters().to_vec());
            self.best = Some(Best { step, place, loss, parameters });
        }
    }
}
