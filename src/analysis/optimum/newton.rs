//! Newton's method with a line search for losses that have a curvature; proximal for an L1 penalty
//! (Lee, Sun and Saunders 2014).

use super::{Objective, Optimum, Root, Stack, pointwise};
use crate::choices::Loss;
use crate::choices::loss::Response;

/// Maximum number of steps; classes that separate perfectly, and so have no optimum, take about
/// forty.
const MAX_ITERATIONS: u32 = 200;

/// Relative decrease of the objective below which only rounding error is left.
const TOLERANCE: f64 = 1e-15;

/// If the last step moves no output by more than this, the optimum is finite. On the way to
/// infinity, every step moves some output by about 1, however small the gain.
const FINITE_MOVE: f64 = 0.1;

/// Minimum that is added to the curvature in every direction, as a fraction of the largest
/// curvature: a direction with less is flat and is left alone.
const LEAST_DAMPING: f64 = 1e-14;

/// Maximum number of rounds of coordinate descent per step.
const MAX_ROUNDS: u32 = 500;

pub(super) fn solve(objective: &Objective<'_>) -> Optimum {
    let mut parameters = objective.start();
    let mut iterations = 0;
    let width = match objective.loss {
        Loss::Huber { delta } => Some(delta),
        _ => has_lines(objective.loss).then_some(1.0),
    };
    if objective.loss == Loss::Squared || width.is_some() {
        parameters = objective.least_squares().0;
    }
    if let Some(width) = width {
        // Widths of the parabola to try, from the size of the residuals down to that of the loss.
        // Beyond its parabola, no row has a curvature.
        let mut reach = 0.0_f64;
        objective.for_each_row(&parameters, |_, y, _, z| reach = reach.max((z[0] - y).abs()));
        while reach > 4.0 * width {
            reach /= 4.0;
            let end = descend(&objective.with(Loss::Huber { delta: reach }), parameters, 1e-3);
            (parameters, iterations) = (end.parameters, iterations + end.iterations);
        }
    }
    let mut end = descend(objective, parameters, TOLERANCE);
    let falls_on = objective.loss.response() != Response::Linear;
    let finite = !falls_on || end.largest_move <= FINITE_MOVE;
    let (gradient, root) = curvature(objective, &end.parameters, 0.0);
    let unique = finite && is_unique(objective, &end.parameters, &gradient, &root);
    center_classes(objective, &mut end.parameters);
    Optimum {
        objective: objective.value(&end.parameters),
        parameters: end.parameters,
        iterations: iterations + end.iterations,
        gap: end.gain,
        unique,
        finite,
        curvature: Some(root.largest_eigenvalue()),
    }
}

/// Whether the loss is curved near its minimum but nearly straight far from it (Huber, log-cosh).
fn has_lines(loss: Loss) -> bool {
    matches!(loss, Loss::Huber { .. } | Loss::LogCosh)
}

/// The point at which a descent ended.
struct End {
    parameters: Vec<f64>,
    iterations: u32,
    /// Decrease of the objective that is predicted for one more step.
    gain: f64,
    /// Largest change of any output in the last step.
    largest_move: f64,
}

fn descend(objective: &Objective<'_>, mut parameters: Vec<f64>, tolerance: f64) -> End {
    let mut value = objective.value(&parameters);
    // These objectives may approach 0, and every gain with them.
    let begun = if objective.loss.bends() { value.abs() } else { 0.0 };
    let mut damping = LEAST_DAMPING;
    let mut end = End { parameters: Vec::new(), iterations: 0, gain: 0.0, largest_move: 0.0 };
    while end.iterations < MAX_ITERATIONS {
        end.iterations += 1;
        let (gradient, root) = curvature(objective, &parameters, damping);
        let step = if objective.l1() > 0.0 {
            proximal_step(objective, &parameters, &gradient, &root)
        } else {
            root.solve(&gradient).iter().map(|d| -d).collect()
        };
        let slope = slope_along(objective, &parameters, &gradient, &step);
        // The parabola turns on the way, so half of the linear prediction is expected.
        end.gain = (-0.5 * slope).max(0.0);
        end.largest_move = largest_move(objective, &step);
        let last = end.gain <= tolerance * (value.abs() + begun);
        let mut length = 1.0;
        let found = loop {
            let next: Vec<f64> = parameters.iter().zip(&step).map(|(w, d)| w + length * d).collect();
            let reached = objective.value(&next);
            // A smaller gain is lost in the rounding of the sum.
            let rounding = 1e-14 * value.abs();
            if reached <= value + 1e-4 * length * slope + if last { rounding } else { 0.0 } {
                break Some((next, reached));
            }
            length *= 0.5;
            if length < 1e-18 {
                break None;
            }
        };
        let Some((next, reached)) = found else { break };
        (parameters, value) = (next, reached);
        if last {
            break;
        }
        damping = if length < 0.125 {
            (100.0 * damping).clamp(1e-8, 1.0)
        } else {
            (damping / 100.0).max(LEAST_DAMPING)
        };
    }
    end.parameters = parameters;
    end
}

/// Gradient of everything except the L1 penalty, and R of the Hessian. `damping` is added to the Hessian's
/// diagonal, as a fraction of its largest entry.
fn curvature(objective: &Objective<'_>, parameters: &[f64], damping: f64) -> (Vec<f64>, Root) {
    let (n, n_outputs) = (parameters.len(), objective.linear.n_outputs as usize);
    let mut gradient = vec![0.0; n];
    let mut squares = vec![0.0; n];
    let mut stack = Stack::new(n);
    let mut probabilities = vec![0.0; n_outputs];
    let mut factors = vec![0.0; n_outputs];
    let mut row = vec![0.0; n];
    objective.for_each_row(parameters, |features, y, share, z| {
        if objective.loss == Loss::Softmax {
            pointwise::softmax(z, &mut probabilities);
            for (k, (factor, p)) in factors.iter_mut().zip(&probabilities).enumerate() {
                *factor = share * (p - f64::from(k == y as usize));
            }
            objective.add_row(features, &factors, &mut gradient);
            // `diag(p) - p p' = sum_k p_k (e_k - p) (e_k - p)'`.
            for (k, p) in probabilities.iter().enumerate() {
                let root = (share * p).sqrt();
                for (l, (factor, q)) in factors.iter_mut().zip(&probabilities).enumerate() {
                    *factor = root * (f64::from(k == l) - q);
                }
                row.fill(0.0);
                objective.add_row(features, &factors, &mut row);
                squares.iter_mut().zip(&row).for_each(|(sum, x)| *sum += x * x);
                stack.push(row.iter().copied());
            }
        } else {
            let [slope, curvature] = pointwise::derivatives(objective.loss, z[0], y);
            objective.add_row(features, &[share * slope], &mut gradient);
            // The reference for damping. Losses that end in straight lines use their largest
            // possible curvature, because they may have none here.
            let most = if has_lines(objective.loss) { 1.0 } else { curvature };
            row.fill(0.0);
            objective.add_row(features, &[(share * most).sqrt()], &mut row);
            squares.iter_mut().zip(&row).for_each(|(sum, x)| *sum += x * x);
            if curvature > 0.0 {
                let part = (curvature / most).sqrt();
                stack.push(row.iter().map(|x| part * x));
            }
        }
    });
    let (n_weights, l2) = (objective.n_weights(), objective.l2());
    for (slope, w) in gradient[..n_weights].iter_mut().zip(parameters) {
        *slope += l2 * w;
    }
    let largest = squares.iter().copied().fold(l2, f64::max);
    let least = if damping > 0.0 { (damping * largest).max(f64::MIN_POSITIVE) } else { 0.0 };
    stack.push_diagonal((0..n).map(|k| (if k < n_weights { l2 + least } else { least }).sqrt()));
    (gradient, stack.triangle())
}

/// Directional derivative of the objective along a step; the L1 penalty enters as the difference between the
/// step's two ends.
fn slope_along(objective: &Objective<'_>, parameters: &[f64], gradient: &[f64], step: &[f64]) -> f64 {
    let smooth: f64 = gradient.iter().zip(step).map(|(g, d)| g * d).sum();
    let weights = parameters.iter().zip(step).take(objective.n_weights());
    smooth + objective.l1() * weights.map(|(w, d)| (w + d).abs() - w.abs()).sum::<f64>()
}

/// Largest change of any row's outputs that a step makes (for softmax, relative to the mean of the row's
/// outputs).
fn largest_move(objective: &Objective<'_>, step: &[f64]) -> f64 {
    let mut largest = 0.0_f64;
    objective.for_each_row(step, |_, _, _, moved| {
        let mean = if moved.len() > 1 { moved.iter().sum::<f64>() / moved.len() as f64 } else { 0.0 };
        largest = moved.iter().fold(largest, |largest, moved| largest.max((moved - mean).abs()));
    });
    largest
}

/// The step that minimizes `g'd + d'R'R d / 2 + l1 |w + d|_1`, by coordinate descent. Once the zero
/// weights and the signs of the others are known, a linear solve gives it exactly.
fn proximal_step(objective: &Objective<'_>, parameters: &[f64], gradient: &[f64], root: &Root) -> Vec<f64> {
    let n = parameters.len();
    let n_weights = objective.n_weights();
    let product = root.product();
    let mut step = vec![0.0; n];
    // `g + R'R d`, kept up to date.
    let mut slopes = gradient.to_vec();
    let threshold = |k: usize| if k < n_weights { objective.l1() } else { 0.0 };
    let mut gained = 0.0;
    for _ in 0..MAX_ROUNDS {
        let mut round = 0.0;
        for k in 0..n {
            let square = product[k * n + k];
            let at = parameters[k] + step[k];
            let free = at - slopes[k] / square;
            let best = free.signum() * (free.abs() - threshold(k) / square).max(0.0);
            let change = best - at;
            if change != 0.0 {
                step[k] = best - parameters[k];
                for (slope, entry) in slopes.iter_mut().zip(&product[k * n..(k + 1) * n]) {
                    *slope += change * entry;
                }
                round += square * change * change;
            }
        }
        gained += round;
        if round <= 1e-14 * gained {
            break;
        }
    }
    let reached: Vec<f64> = parameters.iter().zip(&step).map(|(w, d)| w + d).collect();
    let kept: Vec<usize> = (0..n).filter(|k| reached[*k] != 0.0 || *k >= n_weights).collect();
    let pull: Vec<f64> = kept
        .iter()
        .map(|k| {
            let own: f64 = product[k * n..(k + 1) * n].iter().zip(parameters).map(|(h, w)| h * w).sum();
            let sign = if *k < n_weights { reached[*k].signum() } else { 0.0 };
            own - gradient[*k] - threshold(*k) * sign
        })
        .collect();
    let exact = root.columns(&kept).solve(&pull);
    let agrees = kept.iter().zip(&exact).all(|(k, w)| *k >= n_weights || w * reached[*k] > 0.0);
    if agrees {
        for (k, w) in kept.iter().zip(exact) {
            step[*k] = w - parameters[*k];
        }
    }
    step
}

/// Whether the Hessian at an optimum is positive definite in the directions that the penalty leaves free.
fn is_unique(objective: &Objective<'_>, parameters: &[f64], gradient: &[f64], root: &Root) -> bool {
    let (n_weights, l1) = (objective.n_weights(), objective.l1());
    // Apart from the penalty, softmax does not change if all classes gain the same amount.
    let is_given = |k: usize| {
        let penalized = k < n_weights && objective.penalty.strength > 0.0;
        objective.loss == Loss::Softmax && k.is_multiple_of(objective.linear.n_outputs as usize) && !penalized
    };
    let free: Vec<usize> = (0..parameters.len())
        .filter(|k| {
            let held_at_zero =
                *k < n_weights && parameters[*k] == 0.0 && gradient[*k].abs() < (1.0 - 1e-6) * l1;
            !held_at_zero && !is_given(*k)
        })
        .collect();
    root.columns(&free).is_full()
}

/// Subtracts the mean over the classes from the parameters whose common shift does not affect softmax:
/// biases, and weights without a penalty.
fn center_classes(objective: &Objective<'_>, parameters: &mut [f64]) {
    if objective.loss != Loss::Softmax {
        return;
    }
    let first = if objective.penalty.strength > 0.0 { objective.n_weights() } else { 0 };
    for classes in objective.linear.by_feature_mut(&mut parameters[first..]) {
        let mean = classes.iter().sum::<f64>() / classes.len() as f64;
        classes.iter_mut().for_each(|w| *w -= mean);
    }
}
