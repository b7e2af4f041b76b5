//! The best weights of a run so far, which can be exported instead of the last ones.

use super::{Checkpoint, Place, Trainer};
use crate::backend::State;
use crate::backend::kernel::{Reaction, slot};

/// The weights with the least loss of a run so far.
#[derive(Clone, Debug, PartialEq)]
pub struct Best {
    /// Number of updates that the run had made when it had these weights.
    pub step: u64,
    /// The position in the epochs at `step`.
    pub place: Place,
    /// The loss of these weights: over the validation rows if there are any, else over all training rows.
    pub loss: f64,
    /// The parameters, for the scaled features.
    pub parameters: Vec<f32>,
}

impl Best {
    /// Sets the parameters in `state` to these. The optimizer's moments restart at 0, since they belong to
    /// other weights.
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
    /// The best weights so far: by validation loss if there are validation rows, as [`Trainer::best`]; else
    /// by training loss, among the weights that were measured on every row.
    pub fn best_seen(&self) -> Option<&Best> {
        self.best.as_ref()
    }

    /// A [`Trainer::checkpoint`] of the best weights so far, with moments and reactions reset. If the run has
    /// those weights now, or nothing was measured yet, it is the checkpoint of the current state.
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

    /// Remembers the current weights as the best if their training loss, measured on every row, is the least
    /// so far.
    pub(super) fn note_best_training(&mut self) {
        let loss = self.measured().loss;
        let least = self.best.as_ref().map_or(f64::INFINITY, |best| best.loss);
        if self.measured_all() && !self.validates() && loss < least {
            let (step, place, parameters) = (self.step(), self.place(), self.parameters().to_vec());
            self.best = Some(Best { step, place, loss, parameters });
        }
    }
}
