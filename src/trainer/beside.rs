//! Runs beside the shown one, over the same rows in the same calls: one for each part of a cross-validation, which leaves
//! that part out, and one for each strength of a coefficient path.

use crate::backend::kernel::RunSettings;
use crate::choices::{Loss, Penalty};
use crate::config::{RunConfig, RunPlan};
use crate::dataset::Problem;
use crate::model::Linear;
use crate::model::gradient::Objective;

use super::Task;

/// The least strength of a path, as a share of the greatest (as in glmnet: Friedman, Hastie and Tibshirani 2010).
const LEAST_SHARE: f64 = 1e-4;
/// The least L1 ratio by which the greatest strength is found: pure ridge never makes all weights zero.
const LEAST_L1_RATIO: f64 = 0.01;
/// Rows at most by which it is found.
const MAX_ROWS: u32 = 100_000;
/// By how much more it is taken, so that what sums in f32 are off by leaves no weight beside 0.
const MARGIN: f64 = 1e-4;

/// What runs there are beside the shown one, which is run 0: folds first, then strengths.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Beside {
    n_folds: usize,
    strengths: Vec<f64>,
}

impl Beside {
    pub(super) fn of(plan: &RunPlan, task: &Task) -> Self {
        let problem = &task.problem;
        let config = plan.config();
        if problem.folds.is_empty() && config.penalty_path == 0 {
            return Self::default();
        }
        let n_folds = problem.folds.iter().max().map_or(0, |last| usize::from(*last) + 1);
        let strengths = match config.penalty_path {
            0 => Vec::new(),
            n => {
                let greatest = task
                    .layout
                    .as_linear()
                    .map_or(0.0, |linear| greatest_strength(problem.in_memory(), linear, config));
                let share = |i: u32| f64::from(i) / f64::from(n.max(2) - 1);
                (0..n).map(|i| greatest * libm::pow(LEAST_SHARE, share(i))).collect()
            }
        };
        Self { n_folds, strengths }
    }

    /// All runs, the shown one too.
    pub(super) fn n_runs(&self) -> usize {
        1 + self.n_folds + self.strengths.len()
    }

    /// The runs that leave a part out.
    pub(super) fn folds(&self) -> std::ops::Range<usize> {
        1..1 + self.n_folds
    }

    /// Of the runs of the path: which it is, and its strength.
    pub(super) fn path(&self) -> impl Iterator<Item = (usize, f64)> + '_ {
        (1 + self.n_folds..).zip(self.strengths.iter().copied())
    }

    pub(super) fn strengths(&self) -> &[f64] {
        &self.strengths
    }

    /// What each run has for itself; none where the shown one is plain and alone.
    pub(super) fn settings(&self, plan: &RunPlan, problem: &Problem) -> Vec<RunSettings> {
        let penalty = plan.config().penalty;
        if self.n_runs() == 1 && penalty.strength == 0.0 {
            return Vec::new();
        }
        let folds = (0..self.n_folds).map(|fold| RunSettings::of(problem, &penalty, Some(fold as u8)));
        let path = self
            .strengths
            .iter()
            .map(|strength| RunSettings::of(problem, &Penalty { strength: *strength, ..penalty }, None));
        std::iter::once(RunSettings::of(problem, &penalty, None)).chain(folds).chain(path).collect()
    }
}

/// The strength from which on the lasso's weights are all zero: the steepest slope at zero weights and the best bias, by
/// the L1 ratio. Where there is an L2 part it goes no further than plain descent is stable.
fn greatest_strength(problem: &Problem, linear: Linear, config: &RunConfig) -> f64 {
    let RunConfig { loss, penalty, learning_rate: rate, .. } = *config;
    let n_weights = linear.n_weights();
    let mut parameters = vec![0.0; linear.n_parameters() as usize];
    if linear.bias {
        parameters[n_weights..].copy_from_slice(&constant(problem, linear.n_outputs, loss));
    }
    let step = problem.n_samples.div_ceil(MAX_ROWS) as usize;
    let objective = Objective { loss, ..Objective::default() };
    let rows = (0..problem.n_samples).step_by(step);
    let (_, gradient) = objective.loss_and_gradient(problem, &linear.layout(), &parameters, rows);
    let steepest = gradient[..n_weights].iter().fold(0.0_f64, |steepest, slope| steepest.max(slope.abs()));
    let strength = (1.0 + MARGIN) * steepest.max(f64::MIN_POSITIVE) / penalty.l1_ratio.max(LEAST_L1_RATIO);
    let l2_ratio = 1.0 - penalty.l1_ratio;
    if l2_ratio > 0.0 { strength.min(0.5 / (rate * l2_ratio)) } else { strength }
}

/// What the best model without features says, in the units of its outputs.
fn constant(problem: &Problem, n_outputs: u32, loss: Loss) -> Vec<f64> {
    let weight = |row: usize| problem.weights.get(row).map_or(1.0, |weight| f64::from(*weight));
    let targets = || problem.targets.iter().enumerate().map(|(row, y)| (weight(row), f64::from(*y)));
    let total: f64 = targets().map(|(weight, _)| weight).sum();
    let mean = targets().map(|(weight, y)| weight * y).sum::<f64>() / total;
    let quantile = |share: f64| {
        let mut sorted: Vec<f64> = problem.targets.iter().map(|y| f64::from(*y)).collect();
        sorted.sort_by(f64::total_cmp);
        sorted[((share * sorted.len() as f64) as usize).min(sorted.len() - 1)]
    };
    // Where a class or a count never stands, its log would be infinite.
    let least = 0.5 / f64::from(problem.n_samples);
    match loss {
        Loss::Softmax => (0..n_outputs)
            .map(|class| {
                let own = targets().filter(|(_, y)| *y == f64::from(class)).map(|(weight, _)| weight);
                libm::log((own.sum::<f64>() / total).max(least))
            })
            .collect(),
        Loss::Logistic => {
            let share = mean.clamp(least, 1.0 - least);
            vec![libm::log(share / (1.0 - share))]
        }
        Loss::Poisson => vec![libm::log(mean.max(least))],
        Loss::Absolute => vec![quantile(0.5)],
        Loss::Quantile { tau } => vec![quantile(tau)],
        Loss::Squared | Loss::Huber { .. } | Loss::LogCosh => vec![mean],
    }
}
