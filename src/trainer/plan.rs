//! Plans the next steps: their learning rates, bias corrections, epochs and batches.

use serde::Serialize;

use super::{Task, Trainer};
use crate::backend::kernel::{self, EPOCH_END, EPOCH_START, FULL, RunParams, SHUFFLED, StepParams};
use crate::config::{RunConfig, RunPlan};
use crate::fields::read_fields;

/// The position of a run in its epochs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Place {
    /// Number of completed epochs.
    pub epoch: u64,
    /// Number of rows done in the current epoch.
    pub position: u32,
}

read_fields!(Place { epoch, position });

impl Place {
    /// The position after a batch of `batch_len` rows.
    pub(super) fn after(self, batch_len: u32, n_samples: u32) -> Self {
        let position = self.position + batch_len;
        if position >= n_samples {
            Self { epoch: self.epoch.saturating_add(1), position: 0 }
        } else {
            Self { position, ..self }
        }
    }

    /// The position before a batch of at most `batch_rows` rows that ended here.
    fn before(self, batch_rows: u32, n_samples: u32) -> Self {
        if self.position == 0 {
            let position = (n_samples - 1) / batch_rows * batch_rows;
            Self { epoch: self.epoch.saturating_sub(1), position }
        } else {
            Self { position: self.position.saturating_sub(batch_rows), ..self }
        }
    }
}

/// Plans steps from the current position of the run.
#[derive(Debug, Default)]
pub(super) struct Planner {
    pub(super) place: Place,
    /// The step at which the optimizer was chosen; its bias corrections count from there.
    pub(super) optimizer_start: u64,
    /// The step at which the schedule was chosen; it counts from there.
    pub(super) schedule_start: u64,
    /// The planned steps; a buffer that is reused so that stepping allocates nothing.
    steps: Vec<StepParams>,
    /// The common value of all `steps` if they are equal, as for full batches at a constant rate; else
    /// `None`.
    uniform: Option<StepParams>,
}

impl Planner {
    /// The scheduled learning rate of a step.
    pub(super) fn learning_rate(&self, plan: &RunPlan, step: u64) -> f64 {
        plan.learning_rate(step.saturating_sub(self.schedule_start))
    }

    /// Plans up to `n` updates from step `first` at position `place`, but not past the stop conditions.
    /// Returns the number of planned steps.
    pub(super) fn plan(
        &mut self,
        plan: &RunPlan,
        n_samples: u32,
        first: u64,
        mut place: Place,
        n: usize,
    ) -> usize {
        let config = plan.config();
        let batch_rows = plan.batch_rows(n_samples);
        let constant_rate =
            config.schedule.is_constant() && first >= self.schedule_start + config.warmup.steps;
        let rate_now = self.learning_rate(plan, first) as f32;
        if constant_rate
            && batch_rows == n_samples
            && place.position == 0
            && !config.optimizer.needs().corrections
        {
            let n = n_before_stop(config, first, place).min(n as u64) as usize;
            return self.plan_uniform(n_samples, rate_now, n);
        }
        self.uniform = None;
        self.steps.clear();
        for i in 0..n as u64 {
            let step = first + i;
            if n_before_stop(config, step, place) == 0 {
                break;
            }
            let learning_rate = if constant_rate { rate_now } else { self.learning_rate(plan, step) as f32 };
            let (correction1, correction2) = config.optimizer.corrections(step - self.optimizer_start + 1);
            let batch_len = batch_rows.min(n_samples - place.position);
            let full = batch_len == n_samples;
            let ends = place.position + batch_len == n_samples;
            let flag = |set: bool, flag: u32| if set { flag } else { 0 };
            self.steps.push(StepParams {
                learning_rate,
                correction1: correction1 as f32,
                correction2: correction2 as f32,
                epoch: place.epoch as u32,
                batch_start: place.position,
                batch_len,
                flags: flag(config.shuffle && !full, SHUFFLED)
                    | flag(place.position == 0, EPOCH_START)
                    | flag(ends, EPOCH_END)
                    | flag(full, FULL),
                n_tiles: kernel::tiles(batch_len),
            });
            place = place.after(batch_len, n_samples);
        }
        self.steps.len()
    }

    /// Plans `n` full batches at one learning rate. Returns `n`.
    fn plan_uniform(&mut self, n_samples: u32, learning_rate: f32, n: usize) -> usize {
        let step = StepParams {
            learning_rate,
            correction1: 1.0,
            correction2: 1.0,
            batch_len: n_samples,
            flags: EPOCH_START | EPOCH_END | FULL,
            n_tiles: kernel::tiles(n_samples),
            ..StepParams::default()
        };
        if self.uniform != Some(step) {
            self.steps.clear();
            self.uniform = Some(step);
        }
        if self.steps.len() < n {
            self.steps.resize(n, step);
        }
        n
    }

    /// The steps that were planned last; there may be more of them than the plan needs.
    pub(super) fn steps(&self) -> &[StepParams] {
        &self.steps
    }

    /// Moves the planned steps out, until they are returned by [`Planner::put_steps_back`].
    pub(super) fn take_steps(&mut self) -> Vec<StepParams> {
        std::mem::take(&mut self.steps)
    }

    pub(super) fn put_steps_back(&mut self, steps: Vec<StepParams>) {
        self.steps = steps;
    }

    /// Advances the position past these steps, which were taken.
    pub(super) fn pass(&mut self, steps: &[StepParams], n_samples: u32) {
        // If one step sees every row, all of the call do.
        if steps.first().is_some_and(|step| step.batch_len == n_samples) {
            // Saturating: a file may claim any epoch.
            self.place.epoch = self.place.epoch.saturating_add(steps.len() as u64);
        } else {
            for step in steps {
                self.place = self.place.after(step.batch_len, n_samples);
            }
        }
    }

    /// Moves the position back to before the last update.
    pub(super) fn step_back(&mut self, batch_rows: u32, n_samples: u32) {
        self.place = self.place.before(batch_rows, n_samples);
    }
}

/// The parameters that all steps of a call share. They set no limit yet above which a loss counts as
/// divergence.
pub(super) fn run_params(plan: &RunPlan, task: &Task, n_runs: usize) -> RunParams {
    let (config, problem) = (plan.config(), &task.problem);
    let mut params = RunParams {
        n_samples: problem.n_samples,
        n_features: problem.n_features,
        n_parameters: task.layout.n_parameters(),
        n_runs: n_runs as u32,
        seed: config.seed,
        block_rows: problem.block_rows,
        divergence_limit: f32::MAX,
        // The mean loss of counts may be far below 0.
        target_loss: config.stop.loss.map_or(f32::MIN, |target| target as f32),
        target_gradient_norm: config.stop.gradient_norm.map_or(-1.0, |target| target as f32),
        ..RunParams::default()
    };
    params.set_rule(&config.optimizer.rule());
    params.set_loss(&config.loss);
    params.set_reaction(&config.schedule, config.learning_rate);
    params
}

/// Number of full-batch updates until the first stop condition on steps or epochs is met; 0 if one is already
/// met.
fn n_before_stop(config: &RunConfig, step: u64, place: Place) -> u64 {
    let remaining = |last: Option<u64>, now: u64| last.map_or(u64::MAX, |last| last.saturating_sub(now));
    remaining(config.stop.steps, step).min(remaining(config.stop.epochs, place.epoch))
}

impl Trainer {
    /// Number of updates until the current epoch ends.
    pub fn steps_to_epoch_end(&self) -> u64 {
        let n_samples = self.task.problem.n_samples;
        let remaining = n_samples - self.planner.place.position;
        u64::from(remaining.div_ceil(self.plan.batch_rows(n_samples)))
    }

    /// The learning rate of the next update.
    pub fn learning_rate(&self) -> f64 {
        let planned = self.planner.learning_rate(&self.plan, self.step());
        planned * f64::from(self.state.reactions[0].rate_scale)
    }

    /// Whether every batch contains all rows.
    pub fn full_batch(&self) -> bool {
        let n_samples = self.task.problem.n_samples;
        self.plan.batch_rows(n_samples) == n_samples
    }

    /// Plans up to `n` updates from the current state of the run. Returns the number of planned steps.
    pub(super) fn plan_steps(&mut self, n: usize) -> usize {
        let (first, place) = (self.step(), self.planner.place);
        self.planner.plan(&self.plan, self.task.problem.n_samples, first, place, n)
    }
}
