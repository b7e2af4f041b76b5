//! The trainer: it steps an engine through a plan and keeps the state of the run.
//!
//! `plan` decides the next steps, `advance` hands them to the engine, `measure` evaluates the weights, `validation`
//! watches the validation rows, `restart` resets and restores, `change` applies a new configuration to a run.

use crate::backend::{Backend, InUse, State};
use crate::config::RunPlan;
use crate::history::History;
use crate::message::{Message, Result};
use crate::monitor::Monitor;
use crate::runs::{self, RunSpec};

mod advance;
mod auto;
mod best;
mod change;
mod log;
mod measure;
mod parallel;
mod plan;
mod predict;
mod preparation;
mod restart;
mod sweep;
mod task;
mod validation;

use advance::Engine;
pub use auto::{Fastest, PairTrial, worth_pairing};
pub use best::Best;
use log::Log;
pub use log::Mark;
use measure::Measurements;
pub use measure::{Measured, Path};
pub use plan::Place;
use plan::Planner;
pub use predict::Explanation;
pub use preparation::Preparation;
pub use restart::{Checkpoint, n_runs};
pub use sweep::{Standing, Sweep};
pub use task::{Exact, Task};
use validation::Validation;

/// Whether a run can continue, and if not, why it ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Status {
    /// The run can continue.
    Ready,
    /// A stop condition, stated by the message, was met.
    Finished(Message),
    /// The run diverged and stopped in its last finite state.
    Diverged {
        /// Why the run counts as diverged.
        reason: Message,
        /// A learning rate at which the run would not have diverged.
        suggested_rate: f64,
    },
}

/// A training run: its plan, data, engine, state and history.
#[derive(Debug)]
pub struct Trainer {
    plan: RunPlan,
    task: Task,
    engine: Engine,
    state: State,
    planner: Planner,
    status: Status,
    monitor: Monitor,
    measurements: Measurements,
    validation: Option<Validation>,
    /// The best weights so far: by validation loss if there are validation rows, else by training loss over
    /// all rows.
    best: Option<Best>,
    log: Log,
    /// One specification for each run that trains in the same calls: the shown run, then the parallel ones.
    /// `state` has the same order.
    runs: Vec<RunSpec>,
}

impl Trainer {
    /// Starts a run at its initial weights and measures them.
    ///
    /// # Errors
    /// The errors of the backend.
    pub async fn new(plan: RunPlan, task: Task, backend: Backend, in_use: InUse) -> Result<Self> {
        let runs = parallel::runs(&plan, &task);
        let state = runs::initial_state(&runs, &plan, &task.problem, &task.layout);
        let measurements = Measurements::new(task.problem.in_memory().n_samples);
        let validation = (task.validation.as_ref())
            .map(|(problem, variance)| Validation::new(problem, *variance, &task.layout, &plan));
        let mut trainer = Self {
            plan,
            task,
            engine: Engine::new(backend, in_use),
            state,
            planner: Planner::default(),
            status: Status::Ready,
            monitor: Monitor::default(),
            measurements,
            validation,
            best: None,
            log: Log::default(),
            runs,
        };
        trainer.measure_first().await?;
        Ok(trainer)
    }

    /// Whether the run can continue, has finished or has diverged.
    pub fn status(&self) -> &Status {
        &self.status
    }

    /// The checked configuration of the run.
    pub fn plan(&self) -> &RunPlan {
        &self.plan
    }

    /// The data and model of the run, with what is known of them without training.
    pub fn task(&self) -> &Task {
        &self.task
    }

    /// The engine that computes the run, and why it was chosen.
    pub fn in_use(&self) -> &InUse {
        &self.engine.in_use
    }

    /// Mutable access to the engine, to tune it.
    pub fn backend_mut(&mut self) -> &mut Backend {
        &mut self.engine.backend
    }

    /// Loss and learning rate of all steps so far, combined into buckets.
    pub fn history(&self) -> &History {
        &self.log.history
    }

    /// Mutable access to the history, which is needed to take its latest changes.
    pub fn history_mut(&mut self) -> &mut History {
        &mut self.log.history
    }

    /// Changes that were made to the configuration during the run.
    pub fn marks(&self) -> &[Mark] {
        &self.log.marks
    }

    /// The loss of the last update's batch, as it was before that update.
    pub fn batch_loss(&self) -> Option<f32> {
        self.log.batch_loss
    }

    /// Records the batch loss of every update from now on, for [`Trainer::take_losses`].
    pub fn keep_losses(&mut self) {
        self.log.kept_losses = Some(Vec::new());
    }

    /// Takes out the batch losses recorded since [`Trainer::keep_losses`] or the last call, in the order of
    /// the updates; each is the loss before its update.
    pub fn take_losses(&mut self) -> Vec<f32> {
        self.log.kept_losses.replace(Vec::new()).unwrap_or_default()
    }

    /// Number of updates done.
    pub fn step(&self) -> u64 {
        self.state.steps[0]
    }

    /// The number of epochs done, and of rows done in the current epoch.
    pub fn place(&self) -> Place {
        self.planner.place
    }

    /// The parameters for the scaled features: weights, then biases.
    pub fn parameters(&self) -> &[f32] {
        self.state.parameters(0)
    }

    /// A linear model's parameters in the units of inputs and target, output by output; `None` if the model
    /// is not linear.
    pub fn original_parameters(&self) -> Option<Vec<f64>> {
        self.task.original(&self.parameters_f64())
    }

    fn parameters_f64(&self) -> Vec<f64> {
        self.parameters().iter().map(|w| f64::from(*w)).collect()
    }
}
