//! The trainer: it steps an engine through a plan and knows the state of the run at any moment.
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

/// Whether a run can go on.
#[derive(Clone, Debug, PartialEq)]
pub enum Status {
    /// It can go on.
    Ready,
    /// A stop condition was met.
    Finished(Message),
    /// It diverged and stopped on its last finite state.
    Diverged {
        /// Why.
        reason: Message,
        /// A learning rate that would not have diverged.
        suggested_rate: f64,
    },
}

/// A run.
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
    /// By validation loss if there are validation rows, else by the training loss over all rows.
    best: Option<Best>,
    log: Log,
    /// The shown run and the parallel ones, in the order of `state`.
    runs: Vec<RunSpec>,
}

impl Trainer {
    /// Starts a run at its initial weights and measures them.
    ///
    /// # Errors
    /// Those of the backend.
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

    /// How the run stands.
    pub fn status(&self) -> &Status {
        &self.status
    }

    /// The checked configuration.
    pub fn plan(&self) -> &RunPlan {
        &self.plan
    }

    /// The data, and what is known of it without training.
    pub fn task(&self) -> &Task {
        &self.task
    }

    /// The engine in use and why.
    pub fn in_use(&self) -> &InUse {
        &self.engine.in_use
    }

    /// The engine, to tune it.
    pub fn backend_mut(&mut self) -> &mut Backend {
        &mut self.engine.backend
    }

    /// The loss and learning rate of every step so far, decimated.
    pub fn history(&self) -> &History {
        &self.log.history
    }

    /// The history, to take its latest changes.
    pub fn history_mut(&mut self) -> &mut History {
        &mut self.log.history
    }

    /// The changes that were made during the run.
    pub fn marks(&self) -> &[Mark] {
        &self.log.marks
    }

    /// The loss of the last update's batch, before that update.
    pub fn batch_loss(&self) -> Option<f32> {
        self.log.batch_loss
    }

    /// Keeps the batch loss of every update from now on, for [`Trainer::take_losses`].
    pub fn keep_losses(&mut self) {
        self.log.kept_losses = Some(Vec::new());
    }

    /// Takes the batch losses kept so far, in the order of the updates; each is of the weights before its update.
    pub fn take_losses(&mut self) -> Vec<f32> {
        self.log.kept_losses.replace(Vec::new()).unwrap_or_default()
    }

    /// Updates done.
    pub fn step(&self) -> u64 {
        self.state.steps[0]
    }

    /// Epochs done, and rows of the current one.
    pub fn place(&self) -> Place {
        self.planner.place
    }

    /// The parameters for the scaled features: weights, then the bias.
    pub fn parameters(&self) -> &[f32] {
        self.state.parameters(0)
    }

    /// The parameters in the units of inputs and target, one output after the other; `None` if the model is not linear.
    pub fn original_parameters(&self) -> Option<Vec<f64>> {
        self.task.original(&self.parameters_f64())
    }

    fn parameters_f64(&self) -> Vec<f64> {
        self.parameters().iter().map(|w| f64::from(*w)).collect()
    }
}
