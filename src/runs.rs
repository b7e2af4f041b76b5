//! The runs of one call, and what differs between them.

use crate::backend::State;
use crate::backend::kernel::{RunSettings, SlotSet};
use crate::choices::Penalty;
use crate::config::RunPlan;
use crate::dataset::Problem;
use crate::model::{self, Layout};

/// What a run is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It is shown and exported, and the stop conditions apply to it.
    Shown,
    /// It leaves out one fold of a cross-validation.
    Fold,
    /// It has one strength of a penalty path.
    PathStrength,
    /// It is one of many that are compared.
    Candidate,
}

/// What is a run's own; everything else is the plan's, the same for every run of a call.
#[derive(Clone, Debug, PartialEq)]
pub struct RunSpec {
    /// What the run is for.
    pub role: Role,
    /// Multiplies the planned learning rate.
    pub rate_factor: f32,
    /// Seed of the initial weights.
    pub weight_seed: u32,
    /// Seed of the row order.
    pub order_seed: u32,
    /// Rows of a batch. Runs with different numbers of rows take separate calls: [`by_batch_rows`].
    pub batch_rows: u32,
    /// The penalty of the weights.
    pub penalty: Penalty,
    /// The fold that is left out of training.
    pub fold: Option<u8>,
    /// The parameters that the run begins with; `None` draws them.
    pub initial: Option<Vec<f32>>,
    /// Whether a decimated history of the run is kept.
    pub keeps_history: bool,
}

impl RunSpec {
    /// The run that a plan describes.
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

    /// The settings that kernels read, in a call whose row order has the plan's seed.
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

/// The settings of every run; empty where all of them have the default, so that kernels need not read any.
pub fn settings(runs: &[RunSpec], plan: &RunPlan, problem: &Problem) -> Vec<RunSettings> {
    let settings: Vec<RunSettings> = runs.iter().map(|run| run.settings(plan, problem)).collect();
    if settings.iter().all(|own| *own == RunSettings::default()) { Vec::new() } else { settings }
}

/// The state of every run at its initial parameters.
pub fn initial_state(runs: &[RunSpec], plan: &RunPlan, problem: &Problem, layout: &Layout) -> State {
    let parameters: Vec<Vec<f32>> = runs.iter().map(|run| run.initial_parameters(plan, layout)).collect();
    State::of_runs(&parameters, slots(plan), settings(runs, plan, problem))
}

/// The slots that the state of a plan's runs needs.
pub fn slots(plan: &RunPlan) -> SlotSet {
    let config = plan.config();
    SlotSet::of(&config.optimizer, &config.schedule)
}

/// Groups runs that may share a call: those with the same number of rows in a batch. Returns indices, in order.
///
/// Runs of different batches do not share a call: all steps of a call have the same batches, and a kernel that reads one
/// batch for every run is faster than one that reads a batch for each.
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
