//! The exact optimum of every objective, in f64.
//!
//! The objective is that of a run: the weighted mean of a [`Loss`] plus a [`Penalty`] of the
//! weights of the scaled features, without the bias. Losses with a curvature are minimized by
//! Newton's method (`optimum/newton.rs`). The absolute and the quantile loss are linear programs
//! and are solved by an interior point method (`optimum/interior.rs`). Both use R of a QR
//! factorization of weighted rows and a gradient summed row by row; no Hessian is formed from
//! products of rows.

mod interior;
mod newton;
pub(crate) mod pointwise;

use serde::Serialize;

use super::Triangle;
use super::factor::Factor;
use super::rows::Rows;
use crate::choices::{Loss, Penalty};
use crate::dataset::BLOCK_ROWS;
use crate::model::Linear;

/// Maximum number of power iterations for the largest eigenvalue.
const MAX_POWERS: u32 = 1000;

/// The lowest value of an objective, and the parameters that reach it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Optimum {
    /// Parameters of the scaled features, indexed `[feature][output]`, then the biases if there are any.
    pub parameters: Vec<f64>,
    /// The objective at these parameters.
    pub objective: f64,
    /// Number of iterations of the solver.
    pub iterations: u32,
    /// Upper bound of how far `objective` lies above the minimum. For the absolute and quantile losses, the
    /// duality gap (the true difference is often smaller). For losses with a curvature, the decrease that the
    /// quadratic model predicts for one more step.
    pub gap: f64,
    /// Whether no other parameters reach the same objective. Softmax parameters are unique only up to a
    /// constant added to all classes.
    pub unique: bool,
    /// Whether the optimum is finite. If classes separate perfectly, or the counts of some rows are
    /// all 0, weights grow forever while the objective keeps falling more slowly; `parameters` are
    /// then far along that path.
    pub finite: bool,
    /// Largest eigenvalue of the Hessian at the optimum, including the L2 penalty: plain batch descent does
    /// not converge at a learning rate of 2 divided by this or more. `None` for the absolute and quantile
    /// losses, which have kinks.
    pub curvature: Option<f64>,
}

/// Minimizes the objective of a linear model over the rows.
pub fn solve(rows: &dyn Rows, linear: Linear, loss: Loss, penalty: Penalty) -> Optimum {
    let objective = Objective::new(rows, linear, loss, penalty);
    match loss {
        Loss::Absolute | Loss::Quantile { .. } => interior::solve(&objective),
        _ => newton::solve(&objective),
    }
}

/// The objective as a function of the parameters, over rows that are read again for every evaluation.
pub(crate) struct Objective<'a> {
    rows: &'a dyn Rows,
    linear: Linear,
    loss: Loss,
    penalty: Penalty,
    /// Number of rows with a positive weight.
    n_samples: usize,
    /// Sum of all row weights.
    total_weight: f64,
    /// Weighted mean of the target; for classes, the weighted fraction of each class.
    target_means: Vec<f64>,
}

impl<'a> Objective<'a> {
    fn new(rows: &'a dyn Rows, linear: Linear, loss: Loss, penalty: Penalty) -> Self {
        let (mut n_samples, mut total_weight) = (0, 0.0);
        let mut target_means = vec![0.0; linear.n_outputs as usize];
        rows.for_each_block(&mut |block| {
            for (y, s) in block.targets.iter().zip(block.weights) {
                n_samples += usize::from(*s > 0.0);
                total_weight += s;
                match target_means.get_mut(*y as usize).filter(|_| loss == Loss::Softmax) {
                    Some(share) => *share += s,
                    None => target_means[0] += s * y,
                }
            }
        });
        target_means.iter_mut().for_each(|mean| *mean /= total_weight);
        Self { rows, linear, loss, penalty, n_samples, total_weight, target_means }
    }

    /// The objective over the same rows, with another loss.
    fn with(&self, loss: Loss) -> Self {
        Self { loss, target_means: self.target_means.clone(), ..*self }
    }

    /// Number of parameters.
    fn n_parameters(&self) -> usize {
        self.linear.n_parameters() as usize
    }

    /// Number of penalized parameters: all except the biases, which come last.
    fn n_weights(&self) -> usize {
        self.linear.n_weights()
    }

    /// The strength of the L1 penalty: the factor of `|w|_1`.
    fn l1(&self) -> f64 {
        self.penalty.strength * self.penalty.l1_ratio
    }

    /// The strength of the L2 penalty: the factor of `|w|_2^2 / 2`.
    fn l2(&self) -> f64 {
        self.penalty.strength * (1.0 - self.penalty.l1_ratio)
    }

    fn penalty_of(&self, parameters: &[f64]) -> f64 {
        self.penalty.of(parameters[..self.n_weights()].iter().copied())
    }

    /// Calls `each` for every row of positive weight, with its features, its target, its fraction of the
    /// total weight, and its outputs.
    fn for_each_row(&self, parameters: &[f64], mut each: impl FnMut(&[f64], f64, f64, &[f64])) {
        let mut outputs = vec![0.0; self.linear.n_outputs as usize];
        let width = self.linear.n_features as usize;
        self.rows.for_each_block(&mut |block| {
            // Indexed, because there may be no features at all.
            for (row, (y, s)) in block.targets.iter().zip(block.weights).enumerate() {
                if *s > 0.0 {
                    let features = &block.features[row * width..][..width];
                    self.outputs(parameters, features, &mut outputs);
                    each(features, *y, s / self.total_weight, &outputs);
                }
            }
        });
    }

    /// Writes the model's outputs `x w + b` for one row of features `x`.
    fn outputs(&self, parameters: &[f64], features: &[f64], outputs: &mut [f64]) {
        let (weights, biases) = self.linear.split(parameters);
        outputs.fill(0.0);
        for (x, weights) in features.iter().zip(self.linear.by_feature(weights)) {
            for (output, w) in outputs.iter_mut().zip(weights) {
                *output += x * w;
            }
        }
        for (output, b) in outputs.iter_mut().zip(biases) {
            *output += b;
        }
    }

    /// The value of the objective at these parameters.
    fn value(&self, parameters: &[f64]) -> f64 {
        let mut sum = 0.0;
        self.for_each_row(parameters, |_, y, share, z| sum += share * pointwise::value(self.loss, z, y));
        sum + self.penalty_of(parameters)
    }

    /// Adds `factors[k]` times the row's features (and 1 for the bias) to the entries of output `k` in
    /// `sums`, for each `k`.
    fn add_row(&self, features: &[f64], factors: &[f64], sums: &mut [f64]) {
        let ones = self.linear.bias.then_some(&1.0);
        for (x, sums) in features.iter().chain(ones).zip(self.linear.by_feature_mut(sums)) {
            for (sum, factor) in sums.iter_mut().zip(factors) {
                *sum += x * factor;
            }
        }
    }

    /// The starting point of the search: zero weights, with the best biases for them.
    fn start(&self) -> Vec<f64> {
        let mut parameters = vec![0.0; self.n_parameters()];
        let (_, biases) = self.linear.split_mut(&mut parameters);
        for (bias, mean) in biases.iter_mut().zip(&self.target_means) {
            *bias = match self.loss {
                Loss::Poisson | Loss::Softmax => libm::log(mean.max(1e-3)),
                Loss::Logistic => 0.0,
                _ => *mean,
            };
        }
        parameters
    }

    /// The least-squares parameters of one output without a penalty, and whether they are unique.
    fn least_squares(&self) -> (Vec<f64>, bool) {
        let factor = Factor::of(self.rows, self.linear.bias);
        let mut parameters = vec![0.0; self.n_parameters()];
        for (column, value) in factor.kept.iter().zip(factor.least_squares()) {
            parameters[*column] = value;
        }
        (parameters, factor.p() == self.n_parameters())
    }
}

/// Computes R of a QR factorization from rows that arrive one by one.
struct Stack {
    width: usize,
    triangle: Triangle,
    rows: Vec<f64>,
}

impl Stack {
    fn new(width: usize) -> Self {
        Self { width, triangle: Triangle::new(width, false), rows: Vec::with_capacity(width * BLOCK_ROWS) }
    }

    fn push(&mut self, row: impl IntoIterator<Item = f64>) {
        if self.width == 0 {
            return;
        }
        self.rows.extend(row);
        if self.rows.len() == self.width * BLOCK_ROWS {
            self.fold();
        }
    }

    /// For each column `k`, adds a row with the `k`th entry in that column and zeros elsewhere.
    fn push_diagonal(&mut self, entries: impl IntoIterator<Item = f64>) {
        for (place, entry) in entries.into_iter().enumerate() {
            if entry > 0.0 {
                self.push((0..self.width).map(|k| if k == place { entry } else { 0.0 }));
            }
        }
    }

    fn fold(&mut self) {
        if self.rows.is_empty() {
            return;
        }
        let zeros = [0.0; BLOCK_ROWS];
        self.triangle.fold(&self.rows, &zeros[..self.rows.len() / self.width]);
        self.rows.clear();
    }

    fn triangle(mut self) -> Root {
        self.fold();
        let stride = self.width + 1;
        let rows = self.triangle.stack.chunks_exact(stride).take(self.width);
        let upper = rows.flat_map(|row| row[..self.width].iter().copied()).collect();
        Root { width: self.width, upper }
    }
}

/// An upper triangle R such that `R'R` is the Hessian of an objective.
struct Root {
    width: usize,
    /// The triangle R, row-major.
    upper: Vec<f64>,
}

impl Root {
    fn at(&self, i: usize, j: usize) -> f64 {
        self.upper[i * self.width + j]
    }

    /// Solves `R'R d = b` for `d`. Where R is singular (a pivot is only rounding error), the entry of `d` is
    /// 0.
    fn solve(&self, b: &[f64]) -> Vec<f64> {
        let n = self.width;
        let held: Vec<bool> = (0..n).map(|k| self.holds(k)).collect();
        let mut d = b.to_vec();
        for i in 0..n {
            let known: f64 = (0..i).map(|j| self.at(j, i) * d[j]).sum();
            d[i] = if held[i] { (d[i] - known) / self.at(i, i) } else { 0.0 };
        }
        for i in (0..n).rev() {
            let known: f64 = (i + 1..n).map(|j| self.at(i, j) * d[j]).sum();
            d[i] = if held[i] { (d[i] - known) / self.at(i, i) } else { 0.0 };
        }
        d
    }

    /// Whether column `k` is linearly independent of the columns before it.
    fn holds(&self, k: usize) -> bool {
        let norm = (0..=k).map(|i| self.at(i, k).powi(2)).sum::<f64>().sqrt();
        self.at(k, k).abs() > 1e-11 * norm
    }

    /// The product `R'R`, row-major.
    fn product(&self) -> Vec<f64> {
        let n = self.width;
        let mut product = vec![0.0; n * n];
        for row in self.upper.chunks_exact(n) {
            for (a, out) in row.iter().zip(product.chunks_exact_mut(n)) {
                if *a != 0.0 {
                    for (b, out) in row.iter().zip(out) {
                        *out += a * b;
                    }
                }
            }
        }
        product
    }

    /// Largest eigenvalue of `R'R`, by power iteration.
    fn largest_eigenvalue(&self) -> f64 {
        // The start has no symmetry that could make it orthogonal to the wanted direction.
        let mut direction: Vec<f64> = (0..self.width).map(|k| libm::cos(k as f64) + 1.5).collect();
        let mut largest = 0.0;
        for _ in 0..MAX_POWERS {
            let length = direction.iter().map(|v| v * v).sum::<f64>().sqrt();
            direction.iter_mut().for_each(|v| *v /= length);
            let mut next = vec![0.0; self.width];
            for row in self.upper.chunks_exact(self.width.max(1)) {
                let along: f64 = row.iter().zip(&direction).map(|(r, v)| r * v).sum();
                next.iter_mut().zip(row).for_each(|(next, r)| *next += along * r);
            }
            let before = largest;
            largest = next.iter().zip(&direction).map(|(next, v)| next * v).sum();
            direction = next;
            if largest <= before * (1.0 + 1e-12) {
                break;
            }
        }
        largest
    }

    /// The triangle of a subset of the columns.
    fn columns(&self, columns: &[usize]) -> Self {
        let mut stack = Stack::new(columns.len());
        for row in self.upper.chunks_exact(self.width.max(1)) {
            stack.push(columns.iter().map(|column| row[*column]));
        }
        stack.triangle()
    }

    /// Whether all columns are linearly independent.
    fn is_full(&self) -> bool {
        (0..self.width).all(|k| self.holds(k))
    }
}
