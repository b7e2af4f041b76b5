//! The runs that train in the same calls as the shown run: one for each fold of a cross-validation, and one
//! for each strength of a coefficient path.

use super::Task;
use crate::choices::{Loss, Penalty};
use crate::config::{RunConfig, RunPlan};
use crate::dataset::Problem;
use crate::model::Linear;
use crate::model::gradient::Objective;
use crate::order::argsort;
use crate::runs::{Role, RunSpec};

/// The smallest penalty strength of a path as a fraction of its largest (as in glmnet: Friedman, Hastie and
/// Tibshirani 2010).
const SMALLEST_FRACTION: f64 = 1e-4;
/// Lower bound of the L1 ratio when computing a path's largest strength, since pure ridge never makes all
/// weights zero.
const SMALLEST_L1_RATIO: f64 = 0.01;
/// Maximum number of rows from which a path's largest strength is computed.
const MAX_ROWS: u32 = 100_000;
/// Fraction by which a path's largest strength is increased, so that despite rounding in f32 all weights are
/// 0 there.
const MARGIN: f64 = 1e-4;

/// The specifications of all runs of a plan: the shown run, one per fold, one per penalty strength in
/// descending order.
pub(super) fn runs(plan: &RunPlan, task: &Task) -> Vec<RunSpec> {
    let (config, problem) = (plan.config(), &task.problem);
    let shown = RunSpec::of(plan, problem.n_samples);
    let other = RunSpec { keeps_history: false, ..shown.clone() };
    let n_folds = problem.folds.iter().max().map_or(0, |last| last + 1);
    let folds = (0..n_folds).map(|fold| RunSpec { role: Role::Fold, fold: Some(fold), ..other.clone() });
    let path = strengths(config, task).into_iter().map(|strength| RunSpec {
        role: Role::PathStrength,
        penalty: Penalty { strength, ..config.penalty },
        ..other.clone()
    });
    std::iter::once(shown).chain(folds).chain(path).collect()
}

/// The runs that have this role: their index in `runs`, and their specification.
pub(super) fn with_role(runs: &[RunSpec], role: Role) -> impl Iterator<Item = (usize, &RunSpec)> {
    runs.iter().enumerate().filter(move |(_, run)| run.role == role)
}

/// The penalty strengths of the coefficient path; empty if the plan has no path, or the model is not linear.
fn strengths(config: &RunConfig, task: &Task) -> Vec<f64> {
    let n = config.penalty_path;
    let Some(linear) = task.layout.as_linear().filter(|_| n > 0) else { return Vec::new() };
    let largest = largest_strength(task.problem.in_memory(), linear, config);
    let fraction = |i: u32| f64::from(i) / f64::from(n.max(2) - 1);
    (0..n).map(|i| largest * libm::pow(SMALLEST_FRACTION, fraction(i))).collect()
}

/// The least strength at which all weights of the lasso are zero: the largest slope at zero weights and the
/// best bias, divided by the L1 ratio. With an L2 part it is limited to a strength for which plain descent is
/// stable.
fn largest_strength(problem: &Problem, linear: Linear, config: &RunConfig) -> f64 {
    let RunConfig { loss, penalty, learning_rate: rate, .. } = *config;
    let n_weights = linear.n_weights();
    let mut parameters = vec![0.0; n_weights];
    if linear.bias {
        parameters.extend(constant(problem, linear.n_outputs, loss));
    }
    let step = problem.n_samples.div_ceil(MAX_ROWS) as usize;
    let objective = Objective { loss, ..Objective::default() };
    let rows = (0..problem.n_samples).step_by(step);
    let (_, gradient) = objective.loss_and_gradient(problem, &linear.layout(), &parameters, rows);
    let steepest = gradient[..n_weights].iter().fold(0.0_f64, |steepest, slope| steepest.max(slope.abs()));
    let strength = (1.0 + MARGIN) * steepest.max(f64::MIN_POSITIVE) / penalty.l1_ratio.max(SMALLEST_L1_RATIO);
    let l2_ratio = 1.0 - penalty.l1_ratio;
    if l2_ratio > 0.0 { strength.min(0.5 / (rate * l2_ratio)) } else { strength }
}

/// The outputs of the best model that has only biases.
fn constant(problem: &Problem, n_outputs: u32, loss: Loss) -> Vec<f64> {
    let weight = |row: usize| problem.weights.get(row).map_or(1.0, |weight| f64::from(*weight));
    let targets = || problem.targets.iter().enumerate().map(|(row, y)| (weight(row), f64::from(*y)));
    let total: f64 = targets().map(|(weight, _)| weight).sum();
    let mean = targets().map(|(weight, y)| weight * y).sum::<f64>() / total;
    let quantile = |share: f64| {
        let values: Vec<f64> = problem.targets.iter().map(|y| f64::from(*y)).collect();
        let order = argsort(&values);
        values[order[((share * order.len() as f64) as usize).min(order.len() - 1)] as usize]
    };
    // The log of a class or a count that never occurs would be infinite.
    let least = 0.5 / f64::from(problem.n_samples);
    if let Some(constant) = loss.constant(mean, least) {
        return vec![constant];
    }
    match loss {
        Loss::Softmax => (0..n_outputs)
            .map(|class| {
                let own = targets().filter(|(_, y)| *y == f64::from(class)).map(|(weight, _)| weight);
                libm::log((own.sum::<f64>() / total).max(least))
            })
            .collect(),
        Loss::Quantile { tau } => vec![quantile(tau)],
        _ => vec![quantile(0.5)],
    }
}
