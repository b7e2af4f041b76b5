//! Resets, saves and restores runs.

use super::{Place, Planner, Status, Task, Trainer, parallel};
use crate::backend::State;
use crate::config::RunPlan;
use crate::history::Curve;
use crate::message::{Code, Message, Result};
use crate::monitor::Monitor;
use crate::runs;

/// A saved state of a run, complete enough to continue it elsewhere.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// Parameters, optimizer moments, reactions and step counts.
    pub state: State,
    /// The position in the epochs.
    pub place: Place,
    /// The step at which the optimizer was chosen; its bias corrections count from there.
    pub optimizer_start: u64,
    /// The step at which the schedule was chosen; it counts from there.
    pub schedule_start: u64,
    /// The training loss at step 0; a loss far above it counts as divergence.
    pub first_loss: f64,
}

impl Checkpoint {
    /// The checkpoint at step 0 of a run that starts in this state.
    fn at_step_0(state: State) -> Self {
        Self { state, place: Place::default(), optimizer_start: 0, schedule_start: 0, first_loss: f64::NAN }
    }
}

/// The number of runs that train together under a plan (shown run, folds, path); an engine must have room for
/// all of them.
pub fn n_runs(plan: &RunPlan, task: &Task) -> usize {
    parallel::runs(plan, task).len()
}

impl Trainer {
    /// Lets a run that has ended continue, if its stop conditions allow that.
    pub fn resume(&mut self) {
        self.monitor.forgive();
        self.status = Status::Ready;
        self.state.reactions.iter_mut().for_each(|reaction| reaction.halt = 0);
    }

    /// Returns the run to its initial weights and step 0.
    ///
    /// # Errors
    /// As [`Trainer::advance`].
    pub async fn reset(&mut self) -> Result<()> {
        // The largest L2 strength of the path depends on the learning rate, which may have changed.
        self.runs = parallel::runs(&self.plan, &self.task);
        let Task { problem, layout, .. } = &self.task;
        let state = runs::initial_state(&self.runs, &self.plan, problem, layout);
        self.begin(Checkpoint::at_step_0(state));
        self.measure_first().await
    }

    /// A copy of the state from which the run can continue elsewhere.
    pub fn checkpoint(&self) -> Checkpoint {
        let Planner { place, optimizer_start, schedule_start, .. } = self.planner;
        let first_loss = self.measurements.first_loss;
        Checkpoint { state: self.state.clone(), place, optimizer_start, schedule_start, first_loss }
    }

    /// Continues from a checkpoint of a run with the same model and data.
    ///
    /// # Errors
    /// [`Code::WeightsPlace`] if the data has too few rows for the checkpoint's position,
    /// [`Code::WeightsShape`] if the model has another number of parameters; in both cases the run is
    /// unchanged. Otherwise as [`Trainer::advance`].
    pub async fn restore(&mut self, checkpoint: Checkpoint) -> Result<()> {
        self.fits(&checkpoint)?;
        let settings = runs::settings(&self.runs, &self.plan, &self.task.problem);
        let n_runs = self.runs.len();
        let mut state = State { settings, ..checkpoint.state };
        if state.n_runs() != n_runs {
            // A file contains only the first run, so the others start from its weights.
            let State { n_parameters, slots, values, reactions, steps, .. } = &mut state;
            *values = values[..slots.count() * *n_parameters].repeat(n_runs);
            *reactions = reactions[..1].repeat(n_runs);
            *steps = steps[..1].repeat(n_runs);
        }
        self.begin(Checkpoint { state, ..checkpoint });
        self.measure().await
    }

    /// Restarts at step 0 with these parameters of the scaled features instead of the initial ones, and
    /// without a history.
    ///
    /// # Errors
    /// As [`Trainer::restore`].
    pub async fn begin_at(&mut self, parameters: &[f32]) -> Result<()> {
        self.restore(Checkpoint::at_step_0(State::new(parameters))).await?;
        self.start();
        Ok(())
    }

    /// Adopts the history that the run had before it was saved; what was recorded since stays.
    pub fn retrace(&mut self, curve: &Curve) {
        let step = self.step();
        self.log.history.retrace(curve, step);
        self.log.history.record_loss(step, self.measured().loss as f32);
    }

    fn fits(&self, checkpoint: &Checkpoint) -> Result<()> {
        let n_samples = self.task.problem.n_samples;
        if checkpoint.place.position >= n_samples {
            return Err(Message::new(Code::WeightsPlace)
                .with("position", checkpoint.place.position)
                .with("n_samples", n_samples));
        }
        let (found, expected) = (checkpoint.state.n_parameters, self.task.layout.n_parameters() as usize);
        if found != expected {
            return Err(Message::new(Code::WeightsShape).with("found", found).with("expected", expected));
        }
        Ok(())
    }

    /// Sets the run to the state of a checkpoint and clears everything recorded.
    fn begin(&mut self, checkpoint: Checkpoint) {
        let Checkpoint { state, place, optimizer_start, schedule_start, first_loss } = checkpoint;
        self.state = state;
        self.state.keep(runs::slots(&self.plan));
        self.planner.place = place;
        self.planner.optimizer_start = optimizer_start;
        self.planner.schedule_start = schedule_start;
        self.status = Status::Ready;
        self.monitor = Monitor::default();
        self.measurements.first_loss = first_loss;
        self.log.clear();
        self.best = None;
        if let Some(validation) = &mut self.validation {
            validation.forget();
        }
    }

    /// Measures the weights that the run starts with.
    pub(super) async fn measure_first(&mut self) -> Result<()> {
        self.measure().await?;
        self.start();
        Ok(())
    }

    /// Records the loss just measured as the first of the run.
    fn start(&mut self) {
        self.measurements.first_loss = self.measured().loss;
        self.validate();
    }
}
