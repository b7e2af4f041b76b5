//! A primal-dual interior point method for the absolute and the quantile loss, which are linear
//! programs (quadratic with an L2 penalty): Portnoy and Koenker 1997, with the predictor and
//! corrector of Mehrotra 1992.
//!
//! Each residual `x w + b - y` is written as `u - v` with two positive numbers that cost `over u +
//! under v`; its multiplier `d` lies between `-under` and `over`. An L1 penalty adds residuals of
//! the same form: rows with a single 1 and the target 0.

use super::{Objective, Optimum, Root, Stack};
use crate::choices::Loss;

/// Maximum number of steps; a program with a hundred thousand rows takes twenty or thirty.
const MAX_ITERATIONS: u32 = 100;

/// Relative duality gap at which to stop.
const TOLERANCE: f64 = 1e-10;

/// Fraction of the distance to the nearest bound that a step covers.
const STEP_SHARE: f64 = 0.9995;

pub(super) fn solve(objective: &Objective<'_>) -> Optimum {
    let mut point = Point::new(objective);
    let mut best = Best { parameters: point.parameters.clone(), value: f64::INFINITY, gap: f64::INFINITY };
    let mut iterations = 0;
    while iterations < MAX_ITERATIONS {
        iterations += 1;
        let value = objective.value(&point.parameters);
        if value < best.value {
            (best.parameters, best.value) = (point.parameters.clone(), value);
        }
        // The multipliers with the best lower bound so far. The last ones are closest to the
        // bounds, where rounding disturbs them.
        let gap = (best.value - point.dual_value(objective)).abs();
        // No objective is below 0.
        best.gap = best.gap.min(gap).min(best.value);
        // If every target is met, the objective is 0 and no gap is small relative to it.
        let enough = TOLERANCE * (value.abs() + 1e-3 * point.size);
        // The gap by complementarity; when it is far below the tolerance, nothing is left to gain.
        let left = point.complementarity([0.0; 2], 0.0);
        if left <= enough && (point.is_dual_feasible() || left <= 1e-3 * enough) || !point.step(objective) {
            break;
        }
    }
    let unique = point.is_unique(objective);
    point.zero_weights(objective, &mut best);
    Optimum {
        parameters: best.parameters,
        objective: best.value,
        iterations,
        gap: best.gap,
        unique,
        finite: true,
        curvature: None,
    }
}

struct Best {
    parameters: Vec<f64>,
    value: f64,
    gap: f64,
}

/// A residual and its multiplier, strictly between their bounds.
#[derive(Clone, Copy)]
struct Row {
    /// Cost per unit of the residual above the target; the next field is the cost below it.
    over: f64,
    under: f64,
    /// The positive part `u` of the residual.
    above: f64,
    /// The negative part `v` of the residual.
    below: f64,
    multiplier: f64,
    /// The residual, equal to `u - v` up to rounding.
    residual: f64,
    /// Change of the residual by the current step.
    move_residual: f64,
    /// Second-order terms that the corrector adds to `u (over - d)` and `v (d + under)`.
    corrections: [f64; 2],
}

impl Row {
    /// Distances of the multiplier `d` from its upper and its lower bound.
    fn slacks(&self) -> [f64; 2] {
        [self.over - self.multiplier, self.multiplier + self.under]
    }

    /// Derivative of the residual by its multiplier, which is the inverse of the row's weight in the linear
    /// system.
    fn softness(&self) -> f64 {
        let [a, b] = self.slacks();
        self.above / a + self.below / b
    }

    /// Change of the residual that a barrier of strength `centering` requires.
    fn pull(&self, centering: f64) -> f64 {
        let [a, b] = self.slacks();
        self.residual - (centering + self.corrections[0]) / a + (centering + self.corrections[1]) / b
    }

    /// The step of the multiplier, of `u` and of `v`, for a barrier of strength `centering`.
    fn moves(&self, centering: f64) -> [f64; 3] {
        let [a, b] = self.slacks();
        let multiplier = (self.move_residual + self.pull(centering)) / self.softness();
        let above = (centering + self.corrections[0]) / a - self.above + self.above / a * multiplier;
        let below = (centering + self.corrections[1]) / b - self.below - self.below / b * multiplier;
        [multiplier, above, below]
    }
}

struct Point {
    parameters: Vec<f64>,
    /// One entry per row of positive weight, then one per weight with an L1 penalty.
    rows: Vec<Row>,
    /// The dual residual of each parameter, `X'd + l2 w`, which is 0 at the optimum.
    dual_residual: Vec<f64>,
    /// Upper bound of each entry of `X'd`.
    scales: Vec<f64>,
    /// Mean absolute value of the residuals at the start.
    size: f64,
}

impl Point {
    fn new(objective: &Objective<'_>) -> Self {
        let parameters = objective.least_squares().0;
        let (over, under) = match objective.loss {
            Loss::Quantile { tau } => (1.0 - tau, tau),
            _ => (1.0, 1.0),
        };
        let mut rows = Vec::with_capacity(objective.n_samples);
        let mut add = |residual: f64, over: f64, under: f64| {
            rows.push(Row {
                over,
                under,
                above: residual.max(0.0),
                below: (-residual).max(0.0),
                multiplier: 0.5 * (over - under),
                residual,
                move_residual: 0.0,
                corrections: [0.0; 2],
            });
        };
        let (mut size, mut largest) = (0.0, 0.0_f64);
        objective.for_each_row(&parameters, |_, y, share, z| {
            add(z[0] - y, over * share, under * share);
            size += share * (z[0] - y).abs();
            largest = largest.max(y.abs());
        });
        let l1 = objective.l1();
        if l1 > 0.0 {
            parameters[..objective.n_weights()].iter().for_each(|w| add(*w, l1, l1));
        }
        // The start is as far from the bounds as residuals are large, either those of least squares
        // or those a penalty will leave.
        let away = size.max(if largest > 0.0 { 1e-2 * largest } else { 1.0 });
        for row in &mut rows {
            row.above += away;
            row.below += away;
        }
        let mut point = Self { parameters, rows, dual_residual: Vec::new(), scales: Vec::new(), size: away };
        let mut scales = vec![0.0; point.parameters.len()];
        point.for_each_row(objective, |place, features| {
            let ones = objective.linear.bias.then_some(&1.0);
            for (scale, x) in scales.iter_mut().zip(features.iter().chain(ones)) {
                *scale += x.abs() * point.rows[place].over.max(point.rows[place].under);
            }
        });
        point.scales = scales;
        point.look(objective);
        point
    }

    /// Calls `each` with the index and the features of each row of positive weight; rows of the penalty are
    /// left out.
    fn for_each_row(&self, objective: &Objective<'_>, mut each: impl FnMut(usize, &[f64])) {
        let mut place = 0;
        objective.for_each_row(&self.parameters, |features, _, _, _| {
            each(place, features);
            place += 1;
        });
    }

    /// Sums the features of all rows, each row multiplied by `factor`. The result has one entry per
    /// parameter.
    fn sum(&self, objective: &Objective<'_>, factor: impl Fn(&Row) -> f64) -> Vec<f64> {
        let mut sums = vec![0.0; self.parameters.len()];
        self.for_each_row(objective, |place, features| {
            objective.add_row(features, &[factor(&self.rows[place])], &mut sums);
        });
        for (sum, row) in sums.iter_mut().zip(&self.rows[objective.n_samples..]) {
            *sum += factor(row);
        }
        sums
    }

    /// The product of every row with `parameters`, which may also be a step.
    fn outputs(&self, objective: &Objective<'_>, parameters: &[f64]) -> Vec<f64> {
        let mut outputs = Vec::with_capacity(self.rows.len());
        objective.for_each_row(parameters, |_, _, _, z| outputs.push(z[0]));
        outputs.extend(parameters.iter().take(self.rows.len() - outputs.len()));
        outputs
    }

    /// Recomputes the primal and dual residuals at the current point.
    fn look(&mut self, objective: &Objective<'_>) {
        let mut residuals = Vec::with_capacity(self.rows.len());
        objective.for_each_row(&self.parameters, |_, y, _, z| residuals.push(z[0] - y));
        residuals.extend(self.parameters.iter().take(self.rows.len() - residuals.len()));
        for (row, residual) in self.rows.iter_mut().zip(residuals) {
            row.residual = residual;
        }
        self.dual_residual = self.sum(objective, |row| row.multiplier);
        let l2 = objective.l2();
        for (residual, w) in self.dual_residual.iter_mut().zip(&self.parameters[..objective.n_weights()]) {
            *residual += l2 * w;
        }
    }

    /// The lower bound of the objective that the multipliers prove, exact if their dual residual is 0.
    fn dual_value(&self, objective: &Objective<'_>) -> f64 {
        let mut value = 0.0;
        let mut place = 0;
        objective.for_each_row(&self.parameters, |_, y, _, _| {
            value -= y * self.rows[place].multiplier;
            place += 1;
        });
        // The minimum of `l2 / 2 w^2 + w X'd` over w.
        let l2 = objective.l2();
        if l2 > 0.0 {
            let weights = self.dual_residual.iter().zip(&self.parameters).take(objective.n_weights());
            value -= weights.map(|(residual, w)| (residual - l2 * w).powi(2)).sum::<f64>() / (2.0 * l2);
        }
        value
    }

    fn is_dual_feasible(&self) -> bool {
        self.dual_residual.iter().zip(&self.scales).all(|(residual, scale)| residual.abs() <= 1e-9 * scale)
    }

    /// Takes one predictor-corrector step. Returns false if no step is possible.
    fn step(&mut self, objective: &Objective<'_>) -> bool {
        let root = self.root(objective);
        let mean = |sum: f64, n: usize| sum / (2 * n) as f64;
        let n = self.rows.len();
        let complementarity = mean(self.complementarity([0.0; 2], 0.0), n);
        self.rows.iter_mut().for_each(|row| row.corrections = [0.0; 2]);
        self.aim(objective, &root, 0.0);
        let lengths = self.lengths(0.0);
        let predicted = mean(self.complementarity(lengths, 0.0), n);
        // The less the bounds stop the predictor, the less centering the corrector needs.
        let centering = complementarity * (predicted / complementarity).powi(3);
        for row in &mut self.rows {
            let [multiplier, above, below] = row.moves(0.0);
            row.corrections = [above * multiplier, -below * multiplier];
        }
        let step = self.aim(objective, &root, centering);
        let lengths = self.lengths(centering).map(|length| (STEP_SHARE * length).min(1.0));
        if !step.iter().all(|d| d.is_finite()) || lengths[0].max(lengths[1]) < 1e-10 {
            return false;
        }
        for row in &mut self.rows {
            let [multiplier, above, below] = row.moves(centering);
            row.multiplier += lengths[1] * multiplier;
            row.above += lengths[0] * above;
            row.below += lengths[0] * below;
        }
        for (w, d) in self.parameters.iter_mut().zip(step) {
            *w += lengths[0] * d;
        }
        self.look(objective);
        true
    }

    /// R of the rows, each weighted by the inverse of [`Row::softness`].
    fn root(&self, objective: &Objective<'_>) -> Root {
        let mut stack = Stack::new(self.parameters.len());
        let mut scaled = vec![0.0; self.parameters.len()];
        self.for_each_row(objective, |place, features| {
            scaled.fill(0.0);
            objective.add_row(features, &[self.rows[place].softness().recip().sqrt()], &mut scaled);
            stack.push(scaled.iter().copied());
        });
        let mut diagonal = vec![objective.l2(); objective.n_weights()];
        for (entry, row) in diagonal.iter_mut().zip(&self.rows[objective.n_samples..]) {
            *entry += row.softness().recip();
        }
        stack.push_diagonal(diagonal.iter().map(|entry| entry.sqrt()));
        stack.triangle()
    }

    /// The step of the parameters for a barrier of strength `centering`; sets every row's change of residual
    /// to match.
    fn aim(&mut self, objective: &Objective<'_>, root: &Root, centering: f64) -> Vec<f64> {
        let mut pull = self.sum(objective, |row| row.pull(centering) / row.softness());
        for (pull, residual) in pull.iter_mut().zip(&self.dual_residual) {
            *pull = -*pull - residual;
        }
        let step = root.solve(&pull);
        let moves = self.outputs(objective, &step);
        for (row, moved) in self.rows.iter_mut().zip(moves) {
            row.move_residual = moved;
        }
        step
    }

    /// The largest primal and dual step lengths at which no residual part or multiplier crosses its bound.
    fn lengths(&self, centering: f64) -> [f64; 2] {
        let mut lengths = [f64::INFINITY; 2];
        let mut bound = |which: usize, distance: f64, speed: f64| {
            if speed < 0.0 {
                lengths[which] = lengths[which].min(-distance / speed);
            }
        };
        for row in &self.rows {
            let [multiplier, above, below] = row.moves(centering);
            let [over, under] = row.slacks();
            bound(0, row.above, above);
            bound(0, row.below, below);
            bound(1, over, -multiplier);
            bound(1, under, multiplier);
        }
        lengths.map(|length| length.min(1.0 / STEP_SHARE))
    }

    /// The complementarity `sum u (over - d) + v (d + under)` after steps of these lengths.
    fn complementarity(&self, [primal, dual]: [f64; 2], centering: f64) -> f64 {
        let of = |row: &Row| {
            let [over, under] = row.slacks();
            if primal == 0.0 && dual == 0.0 {
                return row.above * over + row.below * under;
            }
            let [multiplier, above, below] = row.moves(centering);
            (row.above + primal * above) * (over - dual * multiplier)
                + (row.below + primal * below) * (under + dual * multiplier)
        };
        self.rows.iter().map(of).sum()
    }

    /// Whether a row's residual is 0 at every optimum: its multiplier stays away from both bounds, while the
    /// residual approaches 0.
    fn is_held(&self, row: &Row) -> bool {
        let [over, under] = row.slacks();
        over.min(under) / (row.over + row.under) > (row.above + row.below) / self.size
    }

    /// Whether the optimum is unique: the residuals that are 0 at every optimum, and an L2 penalty,
    /// leave no free direction.
    fn is_unique(&self, objective: &Objective<'_>) -> bool {
        let mut stack = Stack::new(self.parameters.len());
        let mut held = vec![0.0; self.parameters.len()];
        self.for_each_row(objective, |place, features| {
            if self.is_held(&self.rows[place]) {
                held.fill(0.0);
                objective.add_row(features, &[1.0], &mut held);
                stack.push(held.iter().copied());
            }
        });
        let squares = f64::from(objective.l2() > 0.0);
        let mut diagonal = vec![squares; objective.n_weights()];
        for (entry, row) in diagonal.iter_mut().zip(&self.rows[objective.n_samples..]) {
            *entry = if self.is_held(row) { 1.0 } else { *entry };
        }
        stack.push_diagonal(diagonal);
        stack.triangle().is_full()
    }

    /// Sets weights to exactly 0 where the L1 penalty makes them 0 at the optimum, which an interior point
    /// only approaches.
    fn zero_weights(&self, objective: &Objective<'_>, best: &mut Best) {
        let mut parameters = best.parameters.clone();
        for (w, row) in parameters.iter_mut().zip(&self.rows[objective.n_samples..]) {
            if self.is_held(row) {
                *w = 0.0;
            }
        }
        let value = objective.value(&parameters);
        if value <= best.value * (1.0 + 1e-9) {
            best.gap += (value - best.value).max(0.0);
            (best.parameters, best.value) = (parameters, value);
        }
    }
}
