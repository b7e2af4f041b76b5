//! R of the QR factorization of a design matrix `X`: which columns are linearly independent, and what follows
//! from `(X'X)^-1 = R^-1 R^-T`.

use super::rows::Rows;
use super::{Triangle, spectrum};

/// Maps a row's features, target and weight to the number that the row is multiplied by, and to its working
/// target.
type OfRow<'a> = dyn FnMut(&[f64], f64, f64) -> (f64, f64) + 'a;

/// R of the linearly independent columns of a design matrix. If there is a bias, the column of ones comes
/// first.
#[derive(Clone, Debug)]
pub(crate) struct Factor {
    /// Indices of the independent columns, in the order of R. The column of ones has the index `n_features`.
    pub(crate) kept: Vec<usize>,
    triangle: Triangle,
}

impl Factor {
    /// Factors the weighted rows together with their targets.
    pub(crate) fn of(rows: &dyn Rows, bias: bool) -> Self {
        let n_features = rows.n_features();
        // The ones come first, so that a constant column repeats them and not the other way round.
        let every: Vec<usize> = bias.then_some(n_features).into_iter().chain(0..n_features).collect();
        let mut of_row = |_: &[f64], y: f64, weight: f64| (weight.sqrt(), y);
        // The first pass over all columns finds the dependent ones; the second factors the rest.
        let triangle = fold(rows, &every, &mut of_row);
        let kept = independent(&triangle, &every);
        if kept.len() == every.len() {
            return Self { kept, triangle };
        }
        Self { triangle: fold(rows, &kept, &mut of_row), kept }
    }

    /// Factors the same columns again; `of_row` returns for each row the number that it is multiplied by, and
    /// a target, which is multiplied as well.
    pub(crate) fn again(&self, rows: &dyn Rows, of_row: &mut OfRow<'_>) -> Self {
        Self { kept: self.kept.clone(), triangle: fold(rows, &self.kept, of_row) }
    }

    /// Number of independent columns.
    pub(crate) fn p(&self) -> usize {
        self.kept.len()
    }

    /// The least-squares coefficients of the independent columns for the target.
    pub(crate) fn least_squares(&self) -> Vec<f64> {
        self.solve((0..self.p()).map(|i| self.at(i, self.p())).collect())
    }

    /// Solves `R w = b` for `w`.
    pub(crate) fn solve(&self, mut b: Vec<f64>) -> Vec<f64> {
        for i in (0..self.p()).rev() {
            let known: f64 = (i + 1..self.p()).map(|j| self.at(i, j) * b[j]).sum();
            b[i] = (b[i] - known) / self.at(i, i);
        }
        b
    }

    /// Solves `R' w = b` for `w`.
    pub(crate) fn solve_transposed(&self, mut b: Vec<f64>) -> Vec<f64> {
        for i in 0..self.p() {
            let known: f64 = (0..i).map(|j| self.at(j, i) * b[j]).sum();
            b[i] = (b[i] - known) / self.at(i, i);
        }
        b
    }

    /// Computes `a' (X'X)^-1 a`, the squared length of `R^-T a`.
    pub(crate) fn quadratic(&self, a: &[f64]) -> f64 {
        self.solve_transposed(a.to_vec()).iter().map(|v| v * v).sum()
    }

    /// Condition number: the ratio of R's largest to its smallest singular value.
    pub(crate) fn condition(&self) -> f64 {
        let width = self.triangle.width;
        let (largest, smallest) = spectrum(&self.triangle.stack[..width * width], self.p());
        (largest / smallest).sqrt()
    }

    /// The values of the independent columns, selected from all features of a row; for the bias, a 1.
    pub(crate) fn narrow<'a>(&'a self, features: &'a [f64]) -> impl Iterator<Item = f64> + 'a {
        self.kept.iter().map(|column| features.get(*column).copied().unwrap_or(1.0))
    }

    fn at(&self, i: usize, j: usize) -> f64 {
        self.triangle.stack[i * self.triangle.width + j]
    }
}

/// The triangle of `[X y]`, where `X` holds the given columns of the rows, and `of_row` returns each row's
/// multiplier and target.
fn fold(rows: &dyn Rows, columns: &[usize], of_row: &mut OfRow<'_>) -> Triangle {
    let n_features = rows.n_features();
    let mut triangle = Triangle::new(columns.len(), false);
    let (mut narrow, mut targets) = (Vec::new(), Vec::new());
    rows.for_each_block(&mut |block| {
        narrow.clear();
        targets.clear();
        let rows = block.features.chunks_exact(n_features).zip(block.targets).zip(block.weights);
        for ((row, y), weight) in rows {
            let (root, target) = of_row(row, *y, *weight);
            narrow.extend(columns.iter().map(|column| root * row.get(*column).copied().unwrap_or(1.0)));
            targets.push(root * target);
        }
        if !columns.is_empty() {
            triangle.fold(&narrow, &targets);
        }
    });
    triangle
}

/// The columns that are not, up to rounding, a linear combination of those before them.
fn independent(triangle: &Triangle, columns: &[usize]) -> Vec<usize> {
    let at = |i: usize, j: usize| triangle.stack[i * triangle.width + j];
    let independent = |k: usize| {
        let norm = (0..=k).map(|i| at(i, k).powi(2)).sum::<f64>().sqrt();
        at(k, k).abs() > 1e-11 * norm
    };
    columns.iter().enumerate().filter(|(k, _)| independent(*k)).map(|(_, column)| *column).collect()
}
