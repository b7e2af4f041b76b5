//! How a run does on the rows that it is not trained on, and when that ends it.
//!
//! The validation loss is taken where an epoch ends, of the first epochs each, later ever more seldom: at steps that
//! depend on nothing but the plan, so that every backend stops at the same one.

use std::rc::Rc;

use crate::backend::State;
use crate::backend::cpu::CpuEngine;
use crate::backend::kernel::{self, EVALUATE, RunParams, SHUFFLED, StepParams};
use crate::config::RunPlan;
use crate::dataset::Problem;
use crate::loss::Loss;
use crate::message::{Code, Message};

use super::{Best, SAMPLE_EPOCH, Status, Trainer};

/// Steps below this may each be looked at; every octave from here on has half as many looks.
const N_SINGLE: u64 = 256;

/// The rows that are held out, and the best that was seen on them.
#[derive(Debug)]
pub(super) struct Held {
    engine: CpuEngine,
    /// What evaluating it takes.
    params: RunParams,
    loss: Loss,
    variance: f64,
    /// Rows that are in memory: where there are more, looks are at a sample.
    n_in_memory: u32,
    /// The last step that was looked at.
    looked: Option<u64>,
    best: Option<Best>,
    /// The epoch from which patience counts.
    since: u64,
}

impl Held {
    pub(super) fn new(problem: &Rc<Problem>, variance: f64, plan: &RunPlan) -> Self {
        let loss = plan.config().loss;
        let mut params = RunParams {
            n_samples: problem.n_samples,
            n_features: problem.n_features,
            n_parameters: problem.n_parameters(),
            n_runs: 1,
            block_rows: problem.block_rows,
            divergence_limit: f32::MAX,
            target_loss: f32::MIN,
            target_gradient_norm: -1.0,
            ..RunParams::default()
        };
        params.set_loss(&loss);
        Self {
            engine: CpuEngine::new(Rc::clone(problem)),
            params,
            loss,
            // The variance of rows that count differently is another.
            variance: if problem.weights.is_empty() { variance } else { f64::NAN },
            n_in_memory: problem.in_memory().n_samples,
            looked: None,
            best: None,
            since: 0,
        }
    }

    /// Goes on with an engine that has read nothing yet.
    pub(super) fn renew(&mut self) {
        self.engine.renew();
    }

    /// Rows.
    pub(super) fn n_samples(&self) -> u32 {
        self.params.n_samples
    }

    /// See [`CpuEngine::read_ahead`].
    pub(super) fn read_ahead(&mut self, parameters: &[f32]) -> u32 {
        self.engine.read_ahead(&State::new(parameters), &self.params)
    }

    /// Nothing was seen yet.
    pub(super) fn forget(&mut self) {
        (self.looked, self.best, self.since) = (None, None, 0);
    }

    /// What was best is so no more, as under another penalty; patience counts from this epoch.
    pub(super) fn forget_best(&mut self, epoch: u64) {
        (self.best, self.since) = (None, epoch);
    }

    /// Mean loss of these parameters over the rows held out, or over a fixed sample of as many.
    fn loss(&mut self, parameters: &[f32], rows: u32) -> f64 {
        let n_samples = self.params.n_samples;
        let rows = rows.clamp(1, n_samples);
        let step = StepParams {
            epoch: SAMPLE_EPOCH,
            batch_len: rows,
            flags: EVALUATE | if rows < n_samples { SHUFFLED } else { 0 },
            n_tiles: kernel::tiles(rows),
            ..StepParams::default()
        };
        let mut state = State::new(parameters);
        self.engine.advance(&mut state, &self.params, &[step], &mut Vec::new());
        f64::from(state.reactions[0].evaluated_loss)
    }
}

impl Trainer {
    /// Whether rows are held out.
    pub fn validates(&self) -> bool {
        self.held.is_some()
    }

    /// Objective of the weights that are shown over the rows that are held out, or over a sample where
    /// [`Trainer::measured`] is of one; `None` where there are none.
    pub fn validation_loss(&self) -> Option<f64> {
        self.held.as_ref().map(|_| self.validation_loss)
    }

    /// Share of the variance of the targets held out that the weights explain (scikit-learn's `r2_score`).
    pub fn validation_r2(&self) -> Option<f64> {
        let held = self.held.as_ref().filter(|held| held.loss == Loss::Squared && held.variance > 0.0)?;
        Some(1.0 - (self.validation_loss - self.measured_penalty) / held.variance)
    }

    /// The weights that have done best on the rows held out.
    pub fn best(&self) -> Option<&Best> {
        self.held.as_ref()?.best.as_ref()
    }

    /// Takes the validation loss of the weights as they are shown.
    pub(super) fn measure_validation(&mut self) {
        let whole = self.measured.rows == self.task.problem.n_samples;
        let rows = if whole { u32::MAX } else { self.measured.rows };
        if let Some(held) = &mut self.held {
            self.validation_loss = held.loss(self.state.parameters(0), rows) + self.measured_penalty;
        }
        if self.ends_unread() {
            self.validation_loss = f64::NAN;
        }
    }

    /// Mean loss of every strength of the path over the rows held out, without the penalty.
    pub(super) fn measure_path_validation(&mut self) -> Vec<f32> {
        let whole = self.measured.rows == self.task.problem.n_samples;
        let rows = if whole { u32::MAX } else { self.measured.rows };
        let (beside, state) = (&self.beside, &self.state);
        let held = &mut self.held;
        let mut of =
            |run: usize| held.as_mut().map_or(f32::NAN, |held| held.loss(state.parameters(run), rows) as f32);
        beside.path().map(|(run, _)| of(run)).collect()
    }

    /// The next step that is looked at, `last` at most; `last` where no row is held out.
    pub(super) fn next_look(&self, last: u64) -> u64 {
        let Some(held) = &self.held else { return last };
        let due = held.looked.map_or(0, next_due);
        let end = self.step() + self.steps_to_epoch_end();
        let n_samples = self.task.problem.n_samples;
        let an_epoch = u64::from(n_samples.div_ceil(self.plan.batch_rows(n_samples)));
        let more = due.saturating_sub(end).div_ceil(an_epoch);
        last.min(end.saturating_add(more.saturating_mul(an_epoch)))
    }

    /// Looks, where it is due, and ends the run where patience is at its end: the best weights come back.
    pub(super) fn look(&mut self) {
        let (step, place, penalty) = (self.step(), self.place, self.penalty());
        let Some(held) = &mut self.held else { return };
        let due = held.looked.map_or(0, next_due);
        if place.position != 0 || step < due || self.status != Status::Ready {
            return;
        }
        held.looked = Some(step);
        // The penalty belongs to both losses, so that what lies between them is what was learnt by heart (as Keras has it).
        let loss = held.loss(self.state.parameters(0), held.n_in_memory) + penalty;
        self.history.record_validation(step, loss as f32);
        if held.best.as_ref().is_none_or(|best| loss < best.loss) {
            held.best = Some(Best { step, place, loss, parameters: self.state.parameters(0).to_vec() });
            held.since = place.epoch;
            return;
        }
        let patience = self.plan.config().stop.patience;
        if let (Some(patience), Some(best)) = (patience, &held.best)
            && place.epoch - held.since >= patience
        {
            let reason = Message::new(Code::StoppedEarly).with("patience", patience).with("step", best.step);
            held.since = place.epoch;
            best.put_into(&mut self.state);
            self.status = Status::Finished(reason);
        }
    }
}

/// The first step after this one that may be looked at.
fn next_due(step: u64) -> u64 {
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
    fn looks_grow_rarer_by_octaves() {
        let mut steps = vec![0];
        while let Some(step) = steps.last().filter(|step| **step < 4096) {
            steps.push(next_due(*step));
        }
        assert_eq!(steps[..258], (0..=256).chain([258]).collect::<Vec<_>>());
        for octave in [256, 512, 1024, 2048] {
            let n = steps.iter().filter(|step| (octave..2 * octave).contains(*step)).count();
            assert_eq!(n, 128, "in the octave from {octave}");
        }
    }
}
