//! Measures a run on its validation rows, and stops it early when their loss no longer falls.
//!
//! The validation loss is measured at the ends of epochs: at first of every epoch, later less and less often.
//! The steps depend on the plan alone, so that every backend stops at the same one.

use std::rc::Rc;

use super::measure::evaluation;
use super::{Best, Status, Trainer, parallel};
use crate::backend::State;
use crate::backend::cpu::CpuEngine;
use crate::backend::kernel::{RunParams, SlotSet};
use crate::choices::Loss;
use crate::config::RunPlan;
use crate::dataset::Problem;
use crate::message::{Code, Message};
use crate::model::Layout;
use crate::runs::Role;

/// Below this step, validation takes place at the end of every epoch; from here on, half as often per octave
/// of steps.
const N_SINGLE: u64 = 256;

/// The validation rows of a run, and the state of early stopping.
#[derive(Debug)]
pub(super) struct Validation {
    engine: CpuEngine,
    /// The call parameters for evaluating the validation rows.
    params: RunParams,
    loss: Loss,
    variance: f64,
    /// Number of validation rows in memory; if there are more in storage, this sample is evaluated.
    n_in_memory: u32,
    /// The last step at which the validation loss was measured.
    last_step: Option<u64>,
    /// The epoch from which the patience of early stopping counts.
    patience_start: u64,
}

impl Validation {
    pub(super) fn new(problem: &Rc<Problem>, variance: f64, layout: &Layout, plan: &RunPlan) -> Self {
        let loss = plan.config().loss;
        let mut params = RunParams {
            n_samples: problem.n_samples,
            n_features: problem.n_features,
            n_parameters: layout.n_parameters(),
            n_runs: 1,
            block_rows: problem.block_rows,
            divergence_limit: f32::MAX,
            target_loss: f32::MIN,
            target_gradient_norm: -1.0,
            ..RunParams::default()
        };
        params.set_loss(&loss);
        Self {
            engine: CpuEngine::new(Rc::clone(problem), layout),
            params,
            loss,
            // The variance is that of unweighted rows.
            variance: if problem.weights.is_empty() { variance } else { f64::NAN },
            n_in_memory: problem.in_memory().n_samples,
            last_step: None,
            patience_start: 0,
        }
    }

    /// Drops the rows that the engine has read ahead.
    pub(super) fn renew(&mut self) {
        self.engine.renew();
    }

    pub(super) fn n_samples(&self) -> u32 {
        self.params.n_samples
    }

    /// See [`CpuEngine::read_ahead`].
    pub(super) fn read_ahead(&mut self, parameters: &[f32]) -> u32 {
        self.engine.read_ahead(&measured(parameters), &self.params)
    }

    /// Returns to the state at step 0.
    pub(super) fn forget(&mut self) {
        (self.last_step, self.patience_start) = (None, 0);
    }

    /// Makes the patience of early stopping count from this epoch.
    pub(super) fn restart_patience(&mut self, epoch: u64) {
        self.patience_start = epoch;
    }

    /// The earliest step at which validation may take place again.
    fn next_step(&self) -> u64 {
        self.last_step.map_or(0, step_after)
    }

    /// Mean loss of these parameters over the validation rows, or over a fixed sample of `rows` of them.
    fn loss(&mut self, parameters: &[f32], rows: u32) -> f64 {
        let n_samples = self.params.n_samples;
        let call = evaluation(rows.clamp(1, n_samples), n_samples);
        let mut state = measured(parameters);
        self.engine.advance(&mut state, &self.params, &[call], &mut Vec::new());
        f64::from(state.reactions[0].evaluated_loss)
    }
}

/// An engine state with these parameters for measuring only, without optimizer slots.
fn measured(parameters: &[f32]) -> State {
    State::of_runs(&[parameters.to_vec()], SlotSet::LEAST, Vec::new())
}

impl Trainer {
    /// Whether the run has validation rows.
    pub fn validates(&self) -> bool {
        self.validation.is_some()
    }

    /// The validation loss of the measured weights, penalty included, over all validation rows, or over a
    /// sample if [`Trainer::measured`] used one; `None` without validation rows.
    pub fn validation_loss(&self) -> Option<f64> {
        self.validation.as_ref().map(|_| self.measurements.validation_loss)
    }

    /// R² on the validation rows: the fraction of their targets' variance that the weights explain
    /// (scikit-learn's `r2_score`).
    pub fn validation_r2(&self) -> Option<f64> {
        let rows =
            self.validation.as_ref().filter(|rows| rows.loss == Loss::Squared && rows.variance > 0.0)?;
        let loss = self.measurements.validation_loss - self.measurements.penalty;
        Some(1.0 - loss / rows.variance)
    }

    /// The weights with the least validation loss so far.
    pub fn best(&self) -> Option<&Best> {
        self.best.as_ref().filter(|_| self.validates())
    }

    /// Number of validation rows to measure: as many as the latest measurement of the training loss used, at
    /// most all.
    fn validation_rows(&self) -> u32 {
        if self.measured_all() { u32::MAX } else { self.measured().rows }
    }

    /// Measures the validation loss of the current weights.
    pub(super) fn measure_validation(&mut self) {
        let n_rows = self.validation_rows();
        if let Some(validation) = &mut self.validation {
            let loss = validation.loss(self.state.parameters(0), n_rows);
            self.measurements.validation_loss = loss + self.measurements.penalty;
        }
        if self.ends_unreadable() {
            self.measurements.validation_loss = f64::NAN;
        }
    }

    /// Mean validation loss for each strength of the coefficient path, without the penalty.
    pub(super) fn path_validation_losses(&mut self) -> Vec<f32> {
        let n_rows = self.validation_rows();
        let (runs, state, validation) = (&self.runs, &self.state, &mut self.validation);
        let mut loss = |run: usize| {
            validation.as_mut().map_or(f32::NAN, |rows| rows.loss(state.parameters(run), n_rows) as f32)
        };
        parallel::with_role(runs, Role::PathStrength).map(|(run, _)| loss(run)).collect()
    }

    /// The next step at which validation is due, at most `last`.
    pub(super) fn next_validation(&self, last: u64) -> u64 {
        let Some(validation) = &self.validation else { return last };
        let end = self.step() + self.steps_to_epoch_end();
        let n_samples = self.task.problem.n_samples;
        let an_epoch = u64::from(n_samples.div_ceil(self.plan.batch_rows(n_samples)));
        let more = validation.next_step().saturating_sub(end).div_ceil(an_epoch);
        last.min(end.saturating_add(more.saturating_mul(an_epoch)))
    }

    /// Measures the validation loss if that is due. If patience has run out, the run ends with its best
    /// weights.
    pub(super) fn validate(&mut self) {
        let (step, place, penalty) = (self.step(), self.planner.place, self.penalty());
        let Some(validation) = &mut self.validation else { return };
        if place.position != 0 || step < validation.next_step() || self.status != Status::Ready {
            return;
        }
        validation.last_step = Some(step);
        // Both losses include the penalty, so that the gap between them is what overfitting adds (as in Keras).
        let loss = validation.loss(self.state.parameters(0), validation.n_in_memory) + penalty;
        self.log.history.record_validation(step, loss as f32);
        if self.best.as_ref().is_none_or(|best| loss < best.loss) {
            self.best = Some(Best { step, place, loss, parameters: self.state.parameters(0).to_vec() });
            validation.patience_start = place.epoch;
            return;
        }
        let patience = self.plan.config().stop.patience;
        if let (Some(patience), Some(best)) = (patience, &self.best)
            && place.epoch - validation.patience_start >= patience
        {
            let reason = Message::new(Code::StoppedEarly).with("patience", patience).with("step", best.step);
            validation.patience_start = place.epoch;
            best.put_into(&mut self.state);
            self.status = Status::Finished(reason);
        }
    }
}

/// The earliest step after `step` at which validation may take place.
fn step_after(step: u64) -> u64 {
    if step < N_SINGLE {
        return step + 1;
    }
    let width = 1 << (step.ilog2() + 1 - N_SINGLE.ilog2());
    (step / width + 1) * width
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn validations_grow_rarer_by_octaves() {
        let mut steps = vec![0];
        while let Some(step) = steps.last().filter(|step| **step < 4096) {
            steps.push(step_after(*step));
        }
        assert_eq!(steps[..258], (0..=256).chain([258]).collect::<Vec<_>>());
        for octave in [256, 512, 1024, 2048] {
            let n = steps.iter().filter(|step| (octave..2 * octave).contains(*step)).count();
            assert_eq!(n, 128, "in the octave from {octave}");
        }
    }
}
