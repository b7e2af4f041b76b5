//! The answer that descent is heading for: least squares in f64, and what its shape says about the learning rate.

use crate::dataset::{Dataset, FeatureMap};
use crate::model;

/// Rows folded into the triangle at a time.
const BLOCK_ROWS: usize = 512;

/// The least-squares solution and the spectrum of the loss's Hessian.
#[derive(Clone, Debug, PartialEq)]
pub struct LeastSquares {
    /// Parameters of the scaled features, `w1..wd` then `b`.
    pub parameters: Vec<f64>,
    /// The same in the units of x and y.
    pub original: Vec<f64>,
    /// Whether they are the only ones that give the least loss.
    pub unique: bool,
    /// The least mean squared error.
    pub loss: f64,
    /// Share of the target's variance that is explained; `None` for a constant target.
    pub r2: Option<f64>,
    /// Largest eigenvalue of the Hessian `2/n A'A`, `A` being the scaled features and the ones.
    pub largest_eigenvalue: f64,
    /// Ratio of its largest to its smallest eigenvalue; infinite where the solution is not unique.
    pub condition: f64,
}

impl LeastSquares {
    /// Solves by Householder QR, folded over blocks of rows (TSQR: Demmel et al. 2012), never by normal equations.
    /// Returns what `shape` (degree, bias) gives on `dataset` through `map`.
    pub fn solve(dataset: &Dataset, map: &FeatureMap, bias: bool) -> Self {
        let triangle = triangle(dataset, map, bias);
        let n = dataset.x.len() as f64;
        let p = map.degree as usize + usize::from(bias);
        let (parameters, unique) = back_substitute(&triangle, p);
        // What the last column keeps below row p is the residual, and a dropped pivot's share of it.
        let loss = residual_square(&triangle, &parameters, p) / n;
        let variance = dataset.target_variance();
        let r2 = if variance > 0.0 { Some(1.0 - loss / variance) } else { None };
        let (largest, smallest) = spectrum(&triangle, p);
        let hessian = 2.0 / n;
        Self {
            original: model::to_original(map, &parameters),
            parameters,
            unique,
            loss,
            r2,
            largest_eigenvalue: hessian * largest,
            condition: if unique { largest / smallest } else { f64::INFINITY },
        }
    }

    /// The rate above which plain batch descent diverges: `2 / largest eigenvalue`.
    pub fn stable_rate(&self) -> f64 {
        2.0 / self.largest_eigenvalue
    }
}

/// R of the QR factorization of `[A y]`, upper triangular, row-major, `(p + 1) x (p + 1)`.
fn triangle(dataset: &Dataset, map: &FeatureMap, bias: bool) -> Vec<f64> {
    let degree = map.degree as usize;
    let width = degree + usize::from(bias) + 1;
    // The triangle so far sits on top, new rows below; each fold leaves a triangle again.
    let mut stack = vec![0.0; (width + BLOCK_ROWS) * width];
    for (xs, ys) in dataset.x.chunks(BLOCK_ROWS).zip(dataset.y.chunks(BLOCK_ROWS)) {
        for (i, (x, y)) in xs.iter().zip(ys).enumerate() {
            let row = &mut stack[(width + i) * width..][..width];
            map.features(*x, &mut row[..degree]);
            if bias {
                row[degree] = 1.0;
            }
            row[width - 1] = *y;
        }
        householder(&mut stack, width + xs.len(), width);
    }
    stack.truncate(width * width);
    stack
}

/// Turns the first `rows` rows of a row-major matrix into a triangle and zeros, in place.
fn householder(matrix: &mut [f64], rows: usize, width: usize) {
    let mut reflector = vec![0.0; rows];
    for k in 0..width.min(rows) {
        let norm = (k..rows).map(|i| matrix[i * width + k] * matrix[i * width + k]).sum::<f64>().sqrt();
        if norm == 0.0 {
            continue;
        }
        let head = matrix[k * width + k];
        // Away from the head, so that the reflector's first entry does not cancel.
        let new_head = if head > 0.0 { -norm } else { norm };
        for i in k..rows {
            reflector[i] = matrix[i * width + k];
        }
        reflector[k] -= new_head;
        let square = reflector[k..rows].iter().map(|v| v * v).sum::<f64>();
        if square > 0.0 {
            for j in k + 1..width {
                let dot: f64 = (k..rows).map(|i| reflector[i] * matrix[i * width + j]).sum();
                let factor = 2.0 * dot / square;
                for i in k..rows {
                    matrix[i * width + j] -= factor * reflector[i];
                }
            }
        }
        matrix[k * width + k] = new_head;
        for i in k + 1..rows {
            matrix[i * width + k] = 0.0;
        }
    }
}

/// Solves `R w = q`; a pivot that is nothing but rounding leaves its weight at 0, and the solution not unique.
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

/// `||A w - y||^2` from the triangle.
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

/// Largest and smallest eigenvalue of `R'R`: squares of R's singular values, by one-sided Jacobi (Hestenes 1958),
/// which finds the small ones to full relative accuracy.
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
