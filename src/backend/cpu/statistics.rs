//! Loss and gradient of the squared error over all rows, computed from `X'X` and `X'y` instead of the rows.
//!
//! Let `G = X'X` (with a column of ones in `X` for the bias), `w*` a solution of `G w* = X'y`, and `S*` its
//! sum of squared residuals. With `v = w - w*`, half of the gradient's sum at `w` is `G v`, and the loss's
//! sum is `S* + v' G v`. Unlike `G w - X'y` and `w' G w - 2 w' X'y + y'y`, these do not cancel near the
//! solution.

use super::fused::dot;
use super::lanes::{F32x4, N};
use crate::dataset::Problem;
use crate::model::Linear;

/// Number of rows that are multiplied into the matrix `G` at a time.
const BLOCK_ROWS: usize = 64;
/// Maximum number of parameters up to which the matrix `G` is kept in f64: it is small then, so the precision
/// costs nothing.
const F64_PARAMETERS: usize = 16;
/// A pivot below this fraction of its diagonal entry is rounding error: its column depends on the columns
/// before it.
const NO_PIVOT: f64 = 1e-12;

/// The sufficient statistics of the squared error over all rows.
#[derive(Debug)]
pub(super) struct Statistics {
    n_parameters: usize,
    gram: Gram,
    /// The least-squares solution `w*`.
    solution: Vec<f64>,
    /// The sum of squared residuals `S*` at the solution.
    least: f64,
    /// The offset from the solution, `v = w - w*`, padded with zeros to whole vectors.
    offset: Vec<f32>,
    product: Vec<f32>,
}

/// The matrix `G = X'X`, row-major.
#[derive(Debug)]
enum Gram {
    /// The matrix in f64, with `n_parameters` numbers per row.
    Double(Vec<f64>),
    /// The matrix in f32, with rows padded with zeros to `width`, and zero rows added up to whole groups of
    /// rows.
    Single { matrix: Vec<f32>, width: usize },
}

impl Statistics {
    /// Computes the statistics from the rows in f64: `O(n_samples n_parameters^2)`.
    pub(super) fn of(problem: &Problem, linear: Linear) -> Self {
        let p = linear.n_parameters() as usize;
        let (matrix, moments) = moments(problem, p);
        let factor = Factor::of(&matrix, p);
        let mut solution = factor.solve(&moments);
        // One step of refinement: the normal equations square the condition number, but their
        // residual does not.
        let (left, _) = residuals(problem, &solution);
        for (weight, step) in solution.iter_mut().zip(factor.solve(&left)) {
            *weight += step;
        }
        let (_, least) = residuals(problem, &solution);
        let gram = if p <= F64_PARAMETERS { Gram::Double(matrix) } else { Gram::single(&matrix, p) };
        let width = p.next_multiple_of(N);
        Self {
            n_parameters: p,
            gram,
            solution,
            least,
            offset: vec![0.0; width],
            product: vec![0.0; width.next_multiple_of(GROUP)],
        }
    }

    /// Writes sums over all rows into `sums`: half of the gradient for each parameter, then the loss.
    #[inline(always)]
    pub(super) fn sums(&mut self, parameters: &[f32], sums: &mut [f64]) {
        let p = self.n_parameters;
        let mut square = 0.0;
        match &self.gram {
            Gram::Double(matrix) => {
                let mut offset = [0.0; F64_PARAMETERS];
                for ((offset, w), solution) in offset.iter_mut().zip(parameters).zip(&self.solution) {
                    *offset = f64::from(*w) - solution;
                }
                for ((row, sum), own) in matrix.chunks_exact(p).zip(sums.iter_mut()).zip(&offset) {
                    let mut product = 0.0;
                    for (g, v) in row.iter().zip(&offset) {
                        product += g * v;
                    }
                    *sum = product;
                    square += own * product;
                }
            }
            Gram::Single { matrix, width } => {
                for ((offset, w), solution) in self.offset.iter_mut().zip(parameters).zip(&self.solution) {
                    *offset = (f64::from(*w) - solution) as f32;
                }
                multiply(matrix, *width, &self.offset, &mut self.product);
                for (sum, product) in sums[..p].iter_mut().zip(&self.product) {
                    *sum = f64::from(*product);
                }
                square = f64::from(dot(&self.product[..*width], &self.offset));
            }
        }
        sums[p] = self.least + positive(square);
    }
}

impl Statistics {
    /// A function that returns the sums for one feature given weight and bias, so that a loop can keep these
    /// in registers; `None` for models with more features.
    pub(super) fn line(&self) -> Option<impl Fn(f32, f32) -> [f64; 3] + use<>> {
        let Gram::Double(matrix) = &self.gram else { return None };
        let (g, solution) = match (matrix.as_slice(), self.solution.as_slice()) {
            (&[a], &[w]) => ([a, 0.0, 0.0], [w, 0.0]),
            (&[a, b, _, c], &[w, bias]) => ([a, b, c], [w, bias]),
            _ => return None,
        };
        let least = self.least;
        Some(move |w: f32, b: f32| {
            let (v, u) = (f64::from(w) - solution[0], f64::from(b) - solution[1]);
            let (by_w, by_b) = (g[0] * v + g[1] * u, g[1] * v + g[2] * u);
            [by_w, by_b, least + positive(v * by_w + u * by_b)]
        })
    }
}

impl Gram {
    fn single(matrix: &[f64], p: usize) -> Self {
        let width = p.next_multiple_of(N);
        let mut single = vec![0.0; width.next_multiple_of(GROUP) * width];
        for (row, out) in matrix.chunks_exact(p).zip(single.chunks_exact_mut(width)) {
            for (out, value) in out.iter_mut().zip(row) {
                *out = *value as f32;
            }
        }
        Self::Single { matrix: single, width }
    }
}

/// Returns `x`, or 0 if it is negative or NaN. (`f64::max` would be a call of the C library in wasm.)
#[inline(always)]
fn positive(x: f64) -> f64 {
    if x > 0.0 { x } else { 0.0 }
}

/// Number of matrix rows whose products with the vector are summed in parallel.
const GROUP: usize = 8;

/// The product `M v` of matrix and vector, where `M` has whole groups of rows and whole vectors per row.
fn multiply(matrix: &[f32], width: usize, v: &[f32], out: &mut [f32]) {
    let (vectors, _) = v.as_chunks::<N>();
    for (rows, out) in matrix.chunks_exact(GROUP * width).zip(out.as_chunks_mut::<GROUP>().0) {
        let rows: [&[[f32; N]]; GROUP] =
            std::array::from_fn(|k| &rows[k * width..][..width].as_chunks::<N>().0[..vectors.len()]);
        let mut sums = [F32x4::zero(); GROUP];
        for (j, v) in vectors.iter().enumerate() {
            let v = F32x4::load(v);
            for k in 0..GROUP {
                sums[k] += F32x4::load(&rows[k][j]) * v;
            }
        }
        let [s0, s1, s2, s3, s4, s5, s6, s7] = sums;
        let (near, far) = out.split_at_mut(N);
        near.copy_from_slice(&F32x4::sum_each([s0, s1, s2, s3]).array());
        far.copy_from_slice(&F32x4::sum_each([s4, s5, s6, s7]).array());
    }
}

/// Computes `X'X` and `X'y`, with `p` columns in `X`.
fn moments(problem: &Problem, p: usize) -> (Vec<f64>, Vec<f64>) {
    let d = problem.n_features as usize;
    let mut matrix = vec![0.0; p * p];
    let mut moments = vec![0.0; p];
    let mut block = vec![1.0; BLOCK_ROWS * p];
    for (features, targets) in problem.features.chunks(BLOCK_ROWS * d).zip(problem.targets.chunks(BLOCK_ROWS))
    {
        let n = targets.len();
        for (row, x) in block.chunks_exact_mut(p).zip(features.chunks_exact(d)) {
            for (out, x) in row.iter_mut().zip(x) {
                *out = f64::from(*x);
            }
        }
        for (j, sums) in matrix.chunks_exact_mut(p).enumerate() {
            // Only the upper triangle. The block stays in the cache while its columns are
            // multiplied.
            for row in block[..n * p].chunks_exact(p) {
                let own = row[j];
                for (sum, x) in sums[j..].iter_mut().zip(&row[j..]) {
                    *sum += own * x;
                }
            }
        }
        for (row, y) in block.chunks_exact(p).zip(targets) {
            for (sum, x) in moments.iter_mut().zip(row) {
                *sum += x * f64::from(*y);
            }
        }
    }
    for j in 0..p {
        for k in 0..j {
            matrix[j * p + k] = matrix[k * p + j];
        }
    }
    (matrix, moments)
}

/// Computes `X' (y - X w)` and the sum of squares of the residuals `y - X w`.
fn residuals(problem: &Problem, parameters: &[f64]) -> (Vec<f64>, f64) {
    let d = problem.n_features as usize;
    let (weights, bias) = parameters.split_at(d);
    let b = bias.first().copied().unwrap_or(0.0);
    let mut left = vec![0.0; parameters.len()];
    let mut square = 0.0;
    for (x, y) in problem.features.chunks_exact(d).zip(&problem.targets) {
        let fitted: f64 = x.iter().zip(weights).map(|(x, w)| f64::from(*x) * w).sum();
        let residual = f64::from(*y) - fitted - b;
        square += residual * residual;
        for (left, x) in left.iter_mut().zip(x) {
            *left += residual * f64::from(*x);
        }
        if let Some(left) = left.get_mut(d) {
            *left += residual;
        }
    }
    (left, square)
}

/// The Cholesky factor `L` of `G = L L'`. Columns that depend on columns before them are left out.
struct Factor {
    p: usize,
    lower: Vec<f64>,
}

impl Factor {
    fn of(matrix: &[f64], p: usize) -> Self {
        let mut lower = vec![0.0; p * p];
        for j in 0..p {
            let (above, own) = lower.split_at_mut(j * p);
            let row = &mut own[..p];
            for k in 0..j {
                let earlier = &above[k * p..][..p];
                let known: f64 = row[..k].iter().zip(earlier).map(|(a, b)| a * b).sum();
                row[k] = if earlier[k] > 0.0 { (matrix[j * p + k] - known) / earlier[k] } else { 0.0 };
            }
            let diagonal = matrix[j * p + j];
            let pivot = diagonal - row[..j].iter().map(|v| v * v).sum::<f64>();
            row[j] = if pivot > NO_PIVOT * diagonal { pivot.sqrt() } else { 0.0 };
        }
        Self { p, lower }
    }

    fn solve(&self, right: &[f64]) -> Vec<f64> {
        let (p, lower) = (self.p, &self.lower);
        let mut x = right.to_vec();
        for j in 0..p {
            let known: f64 = (0..j).map(|k| lower[j * p + k] * x[k]).sum();
            let pivot = lower[j * p + j];
            x[j] = if pivot > 0.0 { (x[j] - known) / pivot } else { 0.0 };
        }
        for j in (0..p).rev() {
            let known: f64 = (j + 1..p).map(|k| lower[k * p + j] * x[k]).sum();
            let pivot = lower[j * p + j];
            x[j] = if pivot > 0.0 { (x[j] - known) / pivot } else { 0.0 };
        }
        x
    }
}
