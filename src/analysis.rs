//! The exact solution of least squares in f64, and what the Hessian's eigenvalues imply for the learning
//! rate.

use crate::choices::Loss;
use crate::dataset::{BLOCK_ROWS, Dataset, FeatureMap};
use crate::model;

pub mod diagnostics;
pub mod distributions;
mod double;
pub mod effects;
mod factor;
pub mod fit;
pub mod inference;
pub mod likelihood;
pub mod optimum;
mod rows;

pub use rows::{Block, Portion, Rows};

/// The least-squares solution and the spectrum of the loss's Hessian.
#[derive(Clone, Debug, PartialEq)]
pub struct LeastSquares {
    /// Parameters of the scaled features: the weights `w1..wd`, then the bias `b` if there is one.
    pub parameters: Vec<f64>,
    /// The parameters in the units of inputs and target, in the same order as `parameters`.
    pub original: Vec<f64>,
    /// Whether no other parameters reach the lowest loss.
    pub unique: bool,
    /// Whether a best solution exists at finite weights. If classes can be separated perfectly, weights grow
    /// forever.
    pub finite: bool,
    /// The lowest mean squared error, or the lowest objective of another loss; NaN if it was not
    /// computed.
    pub loss: f64,
    /// R²: the fraction of the target's variance that the solution explains; `None` for a constant target.
    pub r2: Option<f64>,
    /// Largest eigenvalue of the Hessian `2/n A'A`, where `A` holds the scaled features and a
    /// column of ones.
    pub largest_eigenvalue: f64,
    /// Condition number of the Hessian: the ratio of its largest to its smallest eigenvalue; infinite if the
    /// solution is not unique.
    pub condition: f64,
}

impl LeastSquares {
    /// Solves least squares on `dataset` through `map`; see [`Triangle`].
    pub fn solve(dataset: &Dataset, map: &FeatureMap, bias: bool) -> Self {
        let n_features = map.n_features();
        let mut triangle = Triangle::new(n_features, bias);
        let mut features = vec![0.0; BLOCK_ROWS * n_features];
        dataset.for_each_block(|x, y| {
            let features = &mut features[..y.len() * n_features];
            map.rows(x, features);
            triangle.fold(features, y);
        });
        triangle.solve(map, dataset.target_variance())
    }

    /// An upper bound of the largest eigenvalue of the Hessian of the mean loss, for all parameters: the
    /// largest eigenvalue of `1/n A'A` times the largest second derivative of the loss by its outputs. `None`
    /// if there is no such bound: see [`crate::choices::loss::Needs::curvature`]. An L2 penalty adds its
    /// strength to the bound.
    pub fn curvature(&self, loss: Loss) -> Option<f64> {
        loss.needs().curvature.map(|steepest| 0.5 * steepest * self.largest_eigenvalue)
    }

    /// The learning rate above which plain batch descent diverges: `2 / largest eigenvalue`.
    pub fn stable_rate(&self) -> f64 {
        2.0 / self.largest_eigenvalue
    }
}

/// R of the QR factorization of `[A y]`, upper triangular, where `A` holds the scaled features and
/// a column of ones. Householder reflections are folded over blocks of rows (TSQR: Demmel et al.
/// 2012); normal equations are never formed.
#[derive(Clone, Debug)]
pub struct Triangle {
    n_features: usize,
    bias: bool,
    /// Number of columns of the matrix `[A y]`.
    width: usize,
    n_samples: f64,
    /// The triangle, row-major, with the rows that are not yet folded in below it. Each fold turns the whole
    /// into a triangle again.
    stack: Vec<f64>,
    reflector: Vec<f64>,
    factors: Vec<f64>,
}

impl Triangle {
    /// An empty triangle, before any rows are folded in.
    pub fn new(n_features: usize, bias: bool) -> Self {
        let width = n_features + usize::from(bias) + 1;
        let n_rows = width + BLOCK_ROWS;
        Self {
            n_features,
            bias,
            width,
            n_samples: 0.0,
            stack: vec![0.0; n_rows * width],
            reflector: vec![0.0; n_rows],
            factors: vec![0.0; width],
        }
    }

    /// Adds up to [`BLOCK_ROWS`] rows to the triangle. `features` are row-major.
    pub fn fold(&mut self, features: &[f64], y: &[f64]) {
        let rows = self.stack[self.width * self.width..].chunks_exact_mut(self.width);
        for ((row, features), y) in rows.zip(features.chunks_exact(self.n_features)).zip(y) {
            row[..self.n_features].copy_from_slice(features);
            if self.bias {
                row[self.n_features] = 1.0;
            }
            row[self.width - 1] = *y;
        }
        self.n_samples += y.len() as f64;
        let n_rows = self.width + y.len();
        let stack = &mut self.stack[..n_rows * self.width];
        householder(stack, self.width, &mut self.reflector, &mut self.factors);
    }

    /// Solves least squares for all rows that were folded in.
    pub fn solve(&self, map: &FeatureMap, target_variance: f64) -> LeastSquares {
        let p = self.width - 1;
        let triangle = &self.stack[..self.width * self.width];
        let (parameters, unique) = back_substitute(triangle, p);
        // The residual is what remains of the last column below row p, plus what it has in dropped
        // pivots.
        let loss = residual_square(triangle, &parameters, p) / self.n_samples;
        let r2 = if target_variance > 0.0 { Some(1.0 - loss / target_variance) } else { None };
        let (largest, smallest) = spectrum(triangle, p);
        let hessian = 2.0 / self.n_samples;
        LeastSquares {
            original: model::to_original(map, &parameters),
            parameters,
            unique,
            finite: true,
            loss,
            r2,
            largest_eigenvalue: hessian * largest,
            condition: if unique { largest / smallest } else { f64::INFINITY },
        }
    }
}

/// Turns a row-major matrix with `width` columns into an upper triangle, in place. `reflector` and `factors`
/// are scratch memory, with one number per row and one per column.
///
/// Each sum runs down its column row by row; the sums of all columns run in parallel, in memory
/// order.
fn householder(matrix: &mut [f64], width: usize, reflector: &mut [f64], factors: &mut [f64]) {
    let n_rows = matrix.len() / width;
    for k in 0..width.min(n_rows) {
        let below = &mut matrix[k * width..];
        let norm = below.chunks_exact(width).fold(0.0, |sum, row| sum + row[k] * row[k]).sqrt();
        if norm == 0.0 {
            continue;
        }
        let head = below[k];
        // The sign is opposite to the head's, so that the reflector's first entry does not cancel.
        let new_head = if head > 0.0 { -norm } else { norm };
        below[k] = head - new_head;
        let factors = &mut factors[..width - k];
        factors.fill(0.0);
        for (row, entry) in below.chunks_exact(width).zip(reflector.iter_mut()) {
            *entry = row[k];
            // The first of these sums is the squared length of the reflector.
            for (sum, value) in factors.iter_mut().zip(&row[k..]) {
                *sum += *entry * value;
            }
        }
        let (square, factors) = factors.split_at_mut(1);
        let square = square[0];
        if square > 0.0 {
            for factor in factors.iter_mut() {
                *factor = 2.0 * *factor / square;
            }
            for (row, entry) in below.chunks_exact_mut(width).zip(reflector.iter()) {
                for (value, factor) in row[k + 1..].iter_mut().zip(factors.iter()) {
                    *value -= factor * entry;
                }
            }
        }
        for row in below.chunks_exact_mut(width) {
            row[k] = 0.0;
        }
        below[k] = new_head;
    }
}

/// Solves `R w = q` for the `p` weights `w`, and returns whether the solution is unique. A pivot that is only
/// rounding error makes its weight 0 and the solution not unique.
fn back_substitute(triangle: &[f64], p: usize) -> (Vec<f64>, bool) {
    let width = p + 1;
    let column_norm = |j: usize| (0..=j).map(|i| triangle[i * width + j].powi(2)).sum::<f64>().sqrt();
    let mut parameters = vec![0.0; p];
    let mut unique = true;
    for k in (0..p).rev() {
        let pivot = triangle[k * width + k];
        if pivot.abs() <= 1e-11 * column_norm(k) || pivot == 0.0 {
            unique = false;
            continue;
        }
        let known: f64 = (k + 1..p).map(|j| triangle[k * width + j] * parameters[j]).sum();
        parameters[k] = (triangle[k * width + p] - known) / pivot;
    }
    (parameters, unique)
}

/// Computes the sum of squared residuals `||A w - y||^2` of the parameters `w` from the triangle.
fn residual_square(triangle: &[f64], parameters: &[f64], p: usize) -> f64 {
    let width = p + 1;
    let above: f64 = (0..p)
        .map(|i| {
            let fitted: f64 = (i..p).map(|j| triangle[i * width + j] * parameters[j]).sum();
            (fitted - triangle[i * width + p]).powi(2)
        })
        .sum();
    above + triangle[p * width + p].powi(2)
}

/// Largest and smallest eigenvalue of `R'R`, as squares of R's singular values by one-sided Jacobi
/// rotations (Hestenes 1958), which finds small ones to full relative accuracy.
fn spectrum(triangle: &[f64], p: usize) -> (f64, f64) {
    let width = p + 1;
    let mut columns: Vec<Vec<f64>> = (0..p)
        .map(|j| (0..p).map(|i| if i <= j { triangle[i * width + j] } else { 0.0 }).collect())
        .collect();
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    for _sweep in 0..60 {
        let mut rotated = false;
        for i in 0..p {
            for j in i + 1..p {
                let (left, right) = columns.split_at_mut(j);
                let (a, b) = (&mut left[i], &mut right[0]);
                let (aa, bb, ab) = (dot(a, a), dot(b, b), dot(a, b));
                if ab.abs() <= 1e-15 * (aa * bb).sqrt() || ab == 0.0 {
                    continue;
                }
                rotated = true;
                let zeta = (bb - aa) / (2.0 * ab);
                let t = zeta.signum() / (zeta.abs() + (1.0 + zeta * zeta).sqrt());
                let cosine = 1.0 / (1.0 + t * t).sqrt();
                let sine = cosine * t;
                for (a, b) in a.iter_mut().zip(b.iter_mut()) {
                    (*a, *b) = (cosine * *a - sine * *b, sine * *a + cosine * *b);
                }
            }
        }
        if !rotated {
            break;
        }
    }
    let squares = columns.iter().map(|column| dot(column, column));
    squares.fold((0.0, f64::INFINITY), |(largest, smallest), v| (largest.max(v), smallest.min(v)))
}
