//! R of a design: which columns of it say something of their own, and what follows from `(X'X)^-1 = R^-1 R^-T`.

use super::rows::Rows;
use super::{Triangle, spectrum};

/// From a row's features, target and weight to what the row is multiplied by, and to the target beside it.
type OfRow<'a> = dyn FnMut(&[f64], f64, f64) -> (f64, f64) + 'a;

/// R of the columns that are not made of those before them, the ones being the first where there is a bias.
#[derive(Clone, Debug)]
pub(crate) struct Factor {
    /// Columns that were kept, in their order; that of the ones has the number of features.
    pub(crate) kept: Vec<usize>,
    triangle: Triangle,
}

impl Factor {
    /// Of rows that count by their weights, `y` beside them.
    pub(crate) fn of(rows: &dyn Rows, bias: bool) -> Self {
        let n_features = rows.n_features();
        // The ones first: what is constant repeats them, and not the other way round.
        let every: Vec<usize> = bias.then_some(n_features).into_iter().chain(0..n_features).collect();
        let mut of_row = |_: &[f64], y: f64, weight: f64| (weight.sqrt(), y);
        // First all columns, to find those that say nothing of their own; then those that are left.
        let triangle = fold(rows, &every, &mut of_row);
        let kept = independent(&triangle, &every);
        if kept.len() == every.len() {
            return Self { kept, triangle };
        }
        Self { triangle: fold(rows, &kept, &mut of_row), kept }
    }

    /// The same columns of rows that are each multiplied by the root that `of_row` gives for features, target and
    /// weight, beside the target that it gives (which is multiplied, too).
    pub(crate) fn again(&self, rows: &dyn Rows, of_row: &mut OfRow<'_>) -> Self {
        Self { kept: self.kept.clone(), triangle: fold(rows, &self.kept, of_row) }
    }

    /// Columns that were kept.
    pub(crate) fn p(&self) -> usize {
        self.kept.len()
    }

    /// Least squares of the target beside the columns.
    pub(crate) fn least_squares(&self) -> Vec<f64> {
        self.solve((0..self.p()).map(|i| self.at(i, self.p())).collect())
    }

    /// `R w = b`.
    pub(crate) fn solve(&self, mut b: Vec<f64>) -> Vec<f64> {
        for i in (0..self.p()).rev() {
            let known: f64 = (i + 1..self.p()).map(|j| self.at(i, j) * b[j]).sum();
            b[i] = (b[i] - known) / self.at(i, i);
        }
        b
    }

    /// `R' w = b`.
    pub(crate) fn solve_transposed(&self, mut b: Vec<f64>) -> Vec<f64> {
        for i in 0..self.p() {
            let known: f64 = (0..i).map(|j| self.at(j, i) * b[j]).sum();
            b[i] = (b[i] - known) / self.at(i, i);
        }
        b
    }

    /// `a' (X'X)^-1 a`, the squared length of `R^-T a`.
    pub(crate) fn quadratic(&self, a: &[f64]) -> f64 {
        self.solve_transposed(a.to_vec()).iter().map(|v| v * v).sum()
    }

    /// Ratio of the largest to the smallest singular value.
    pub(crate) fn condition(&self) -> f64 {
        let width = self.triangle.width;
        let (largest, smallest) = spectrum(&self.triangle.stack[..width * width], self.p());
        (largest / smallest).sqrt()
    }

    /// The columns that were kept of a row of all features, the ones among them.
    pub(crate) fn narrow<'a>(&'a self, features: &'a [f64]) -> impl Iterator<Item = f64> + 'a {
        self.kept.iter().map(|column| features.get(*column).copied().unwrap_or(1.0))
    }

    fn at(&self, i: usize, j: usize) -> f64 {
        self.triangle.stack[i * self.triangle.width + j]
    }
}

/// R of `[X y]`, `X` being some columns of the rows, each row multiplied by a root.
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

/// The columns that are not made of those before them, but for rounding.
fn independent(triangle: &Triangle, columns: &[usize]) -> Vec<usize> {
    let at = |i: usize, j: usize| triangle.stack[i * triangle.width + j];
    let independent = |k: usize| {
        let norm = (0..=k).map(|i| at(i, k).powi(2)).sum::<f64>().sqrt();
        at(k, k).abs() > 1e-11 * norm
    };
    columns.iter().enumerate().filter(|(k, _)| independent(*k)).map(|(_, column)| *column).collect()
}
