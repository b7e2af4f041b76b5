//! The runs that train together in one call, and the settings in which they differ.

use crate::backend::State;
use crate::backend::kernel::{RunSettings, SlotSet};
use crate::choices::Penalty;
use crate::config::RunPlan;
use crate::dataset::Problem;
use crate::model::{self, Layout};

/// The purpose of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The run that is shown and exported, and to which the stop conditions apply.
    Shown,
    /// A run of a cross-validation, trained without one fold.
    Fold,
    /// A run of a coefficient path, with one of its penalty strengths.
    PathStrength,
    /// One of many runs that are compared.
    Candidate,
}

/// The settings of a single run. All other settings come from the plan and are the same for every run of a
/// call.
#[derive(Clone, Debug, PartialEq)]
pub struct RunSpec {
    /// The purpose of the run.
    pub role: Role,
    /// Factor by which the planned learning rate is multiplied.
    pub rate_factor: f32,
    /// Seed of the initial weights.
    pub weight_seed: u32,
    /// Seed of the shuffled row order.
    pub order_seed: u32,
    /// Number of rows in a batch. Runs with different numbers take separate calls: see [`by_batch_rows`].
    pub batch_rows: u32,
    /// The penalty of the weights.
    pub penalty: Penalty,
    /// The fold that is left out of training, if any.
    pub fold: Option<u8>,
    /// The initial parameters; `None` if they are drawn at random from `weight_seed`.
    pub initial: Option<Vec<f32>>,
    /// Whether the run keeps a history of its losses.
    pub keeps_history: bool,
}

impl RunSpec {
    /// The run that a plan describes, on `n_samples` training rows.
    pub fn of(plan: &RunPlan, n_samples: u32) -> Self {
        let config = plan.config();
        Self {
            role: Role::Shown,
            rate_factor: 1.0,
            weight_seed: config.seed,
            order_seed: config.seed,
            batch_rows: plan.batch_rows(n_samples),
            penalty: config.penalty,
            fold: None,
            initial: None,
            keeps_history: true,
        }
    }

    /// The run's settings as kernels read them. The row order of the call has the plan's seed.
    fn settings(&self, plan: &RunPlan, problem: &Problem) -> RunSettings {
        RunSettings {
            rate_factor: self.rate_factor,
            seed_offset: self.order_seed.wrapping_sub(plan.config().seed),
            ..RunSettings::of(problem, &self.penalty, self.fold)
        }
    }

    fn initial_parameters(&self, plan: &RunPlan, layout: &Layout) -> Vec<f32> {
        let draw =
            || model::initial_parameters(plan.config().model.initial_weights, layout, self.weight_seed);
        self.initial.clone().unwrap_or_else(draw)
    }
}

/// The settings of all runs as kernels read them; empty if all are the default, so that kernels need not read
/// any.
pub fn settings(runs: &[RunSpec], plan: &RunPlan, problem: &Problem) -> Vec<RunSettings> {
    let settings: Vec<RunSettings> = runs.iter().map(|run| run.settings(plan, problem)).collect();
    if settings.iter().all(|own| *own == RunSettings::default()) { Vec::new() } else { settings }
}

/// The state of all runs at their initial parameters.
pub fn initial_state(runs: &[RunSpec], plan: &RunPlan, problem: &Problem, layout: &Layout) -> State {
    let parameters: Vec<Vec<f32>> = runs.iter().map(|run| run.initial_parameters(plan, layout)).collect();
    State::of_runs(&parameters, slots(plan), settings(runs, plan, problem))
}

/// The slots that the runs of a plan need in their state.
pub fn slots(plan: &RunPlan) -> SlotSet {
    let config = plan.config();
    SlotSet::of(&config.optimizer, &config.schedule)
}

/// Groups runs that can share a call, which are those with the same number of rows in a batch. Returns that
/// number and the indices of the runs for each group, in order.
///
/// Runs with different batch sizes cannot share a call: all steps of a call have the same batches, and a
/// kernel that reads one batch for all runs is faster than one that reads a batch for each.
pub fn by_batch_rows(runs: &[RunSpec]) -> Vec<(u32, Vec<usize>)> {
    let mut groups: Vec<(u32, Vec<usize>)> = Vec::new();
    for (index, run) in runs.iter().enumerate() {
        match groups.iter_mut().find(|(batch_rows, _)| *batch_rows == run.batch_rows) {
            Some((_, group)) => group.push(index),
            None => groups.push((run.batch_rows, vec![index])),
        }
    }
    groups
}
