//! What a linear regression says beyond its coefficients: how sure it is of each, in the units of the inputs.
//!
//! Everything comes from R of a QR factorization (see [`Triangle`]) of the scaled features, and from residuals that are
//! taken row by row; normal equations are never formed.

use serde::Serialize;

use super::{Triangle, back_substitute, spectrum};
use crate::dataset::{BLOCK_ROWS, Dataset, FeatureMap, Role, Roles, blocks};
use crate::model;

/// How often the coefficients are corrected by the residuals that they leave.
const N_REFINEMENTS: usize = 2;

/// A fitted linear model and what can be inferred from it, where residuals are independent and of one variance.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Inference {
    /// Of each feature, and of the bias last, where there is one.
    pub coefficients: Vec<Coefficient>,
    /// Rows.
    pub n_samples: u64,
    /// Rows less coefficients that were found.
    pub degrees_of_freedom: u64,
    /// Residual standard deviation, `sqrt(RSS / degrees of freedom)`; `None` where no degree of freedom is left.
    pub residual_deviation: Option<f64>,
    /// Share of the target's variance that is explained (of its mean square, without a bias).
    pub r2: Option<f64>,
    /// `1 - (1 - R^2) (n - 1) / (n - p - 1)`.
    pub adjusted_r2: Option<f64>,
    /// Explained mean square over residual mean square, and the probability of as large a one by chance.
    pub f: Option<[f64; 2]>,
    /// Ratio of largest to smallest singular value of the scaled features with their ones.
    pub condition: f64,
}

/// One coefficient, in the units of the target by those of its term.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Coefficient {
    /// Least squares.
    pub estimate: f64,
    /// The same for the scaled feature.
    pub scaled: f64,
    /// Standard deviation of the estimate; `None` where it cannot be told.
    pub standard_error: Option<f64>,
    /// Estimate by standard error.
    pub t: Option<f64>,
    /// Probability of as large a `|t|` where the coefficient is 0 (two-sided, Student's t).
    pub p: Option<f64>,
    /// Ends of the 95% confidence interval.
    pub interval: Option<[f64; 2]>,
    /// Variance inflation factor, `1 / (1 - R_j^2)`: how much less sure the estimate is for what the other features share
    /// with this one. `None` for the bias, and without one.
    pub inflation: Option<f64>,
    /// Whether the feature is constant, or can be made of those before it: then it was left out.
    pub dropped: bool,
}

impl Inference {
    /// Of the rows that are trained on, through a map that scales them.
    pub fn of(dataset: &Dataset, roles: &Roles, map: &FeatureMap, bias: bool) -> Self {
        let n_features = map.n_features();
        let rows = Training { dataset, roles, map };
        // First all features, to find those that say nothing of their own.
        let mut triangle = Triangle::new(n_features, bias);
        rows.for_each_block(|features, y| triangle.fold(features, y));
        let kept = independent(&triangle, n_features, bias);
        let p = kept.len();
        if p < triangle.width - 1 {
            // The columns that are left, on their own; the ones, if there are any, are among them.
            triangle = Triangle::new(p, false);
            let mut narrow = Vec::new();
            rows.for_each_block(|features, y| {
                narrow.clear();
                for row in features.chunks_exact(n_features) {
                    narrow.extend(kept.iter().map(|column| row.get(*column).copied().unwrap_or(1.0)));
                }
                triangle.fold(&narrow, y);
            });
        }
        let mut solution = back_substitute(&triangle.stack[..triangle.width * triangle.width], p).0;
        let factor = Factor { triangle: &triangle, p };
        let mut sums = Sums::default();
        for _ in 0..=N_REFINEMENTS {
            sums = rows.residuals(&kept, &solution);
            // Corrected semi-normal equations: R'R d = X'r (Bjorck 1987).
            let correction = factor.solve(factor.solve_transposed(sums.slopes.clone()));
            for (value, correction) in solution.iter_mut().zip(correction) {
                *value += correction;
            }
        }
        let n = sums.n;
        let df = n - p as f64;
        let variance = (df > 0.0).then(|| sums.square / df);
        let inverse = factor.inverse();
        let mut scaled = vec![0.0; n_features + usize::from(bias)];
        for (column, value) in kept.iter().zip(&solution) {
            scaled[*column] = *value;
        }
        let mut coefficients = Vec::with_capacity(scaled.len());
        let estimates = model::to_original(map, &scaled);
        for (k, estimate) in estimates.iter().enumerate() {
            // What the estimate is made of: a row of the map from scaled coefficients to those in units of the inputs.
            let weights = rows_of_map(map, &kept, scaled.len(), k);
            let dropped = !kept.contains(&k);
            let standard_error =
                variance.filter(|_| !dropped).map(|variance| (variance * inverse.quadratic(&weights)).sqrt());
            let t = standard_error.filter(|error| *error > 0.0).map(|error| estimate / error);
            let reach = standard_error.map(|error| error * student_quantile(0.975, df));
            let inflation = (bias && k < n_features && !dropped).then(|| {
                let place = kept.iter().position(|column| *column == k).unwrap_or(0);
                inverse.diagonal(place) * sums.spread[place]
            });
            coefficients.push(Coefficient {
                estimate: *estimate,
                scaled: scaled[k],
                standard_error,
                t,
                p: t.map(|t| student_two_sided(t, df)),
                interval: reach.map(|reach| [estimate - reach, estimate + reach]),
                inflation,
                dropped,
            });
        }
        let total = if bias { sums.target_square } else { sums.target_raw_square };
        let r2 = (total > 0.0).then(|| 1.0 - sums.square / total);
        let n_slopes = p as f64 - f64::from(u8::from(bias));
        let f = r2.filter(|_| df > 0.0 && n_slopes > 0.0 && sums.square > 0.0).map(|_| {
            let f = (total - sums.square) / n_slopes / (sums.square / df);
            [f, fisher_above(f, n_slopes, df)]
        });
        let (largest, smallest) = spectrum(&triangle.stack[..triangle.width * triangle.width], p);
        Self {
            coefficients,
            n_samples: n as u64,
            degrees_of_freedom: df.max(0.0) as u64,
            residual_deviation: variance.map(f64::sqrt),
            r2,
            adjusted_r2: r2
                .filter(|_| df > 0.0)
                .map(|r2| 1.0 - (1.0 - r2) * (n - f64::from(u8::from(bias))) / df),
            f,
            condition: (largest / smallest).sqrt(),
        }
    }
}

/// The rows that are trained on.
struct Training<'a> {
    dataset: &'a Dataset,
    roles: &'a Roles,
    map: &'a FeatureMap,
}

impl Training<'_> {
    fn for_each_block(&self, mut each: impl FnMut(&[f64], &[f64])) {
        let (n_inputs, n_features) = (self.map.n_inputs(), self.map.n_features());
        let (mut x, mut y) = (vec![0.0; n_inputs * BLOCK_ROWS], vec![0.0; BLOCK_ROWS]);
        let mut features = vec![0.0; n_features * BLOCK_ROWS];
        for block in blocks(self.dataset.n_samples() as usize) {
            let (x, y) = (&mut x[..n_inputs * block.len()], &mut y[..block.len()]);
            self.dataset.read(block.start, x, y);
            let mut n = 0;
            for row in 0..block.len() {
                if self.roles.role(block.start + row) == Role::Training {
                    let features = &mut features[n * n_features..(n + 1) * n_features];
                    self.map.features(&x[row * n_inputs..(row + 1) * n_inputs], features);
                    y[n] = y[row];
                    n += 1;
                }
            }
            each(&features[..n * n_features], &y[..n]);
        }
    }

    /// What these coefficients leave of the targets.
    fn residuals(&self, kept: &[usize], solution: &[f64]) -> Sums {
        let n_features = self.map.n_features();
        let p = kept.len();
        let mut means = vec![0.0; p];
        let (mut n, mut target) = (0.0, 0.0);
        self.for_each_block(|features, y| {
            for (row, y) in features.chunks_exact(n_features).zip(y) {
                for (mean, column) in means.iter_mut().zip(kept) {
                    *mean += row.get(*column).copied().unwrap_or(1.0);
                }
                target += y;
                n += 1.0;
            }
        });
        means.iter_mut().for_each(|mean| *mean /= n);
        target /= n;
        let mut sums = Sums { n, slopes: vec![0.0; p], spread: vec![0.0; p], ..Sums::default() };
        self.for_each_block(|features, y| {
            for (row, y) in features.chunks_exact(n_features).zip(y) {
                let value = |column: usize| row.get(column).copied().unwrap_or(1.0);
                let fitted: f64 = kept.iter().zip(solution).map(|(column, w)| value(*column) * w).sum();
                let residual = y - fitted;
                sums.square += residual * residual;
                sums.target_square += (y - target) * (y - target);
                sums.target_raw_square += y * y;
                for (k, column) in kept.iter().enumerate() {
                    let x = value(*column);
                    sums.slopes[k] += x * residual;
                    sums.spread[k] += (x - means[k]) * (x - means[k]);
                }
            }
        });
        sums
    }
}

#[derive(Clone, Debug, Default)]
struct Sums {
    n: f64,
    /// `sum r^2`.
    square: f64,
    /// `X'r`.
    slopes: Vec<f64>,
    /// `sum (x - mean)^2` of each column.
    spread: Vec<f64>,
    target_square: f64,
    target_raw_square: f64,
}

/// Columns (the ones are the last) that are not made of those before them.
fn independent(triangle: &Triangle, n_features: usize, bias: bool) -> Vec<usize> {
    let width = triangle.width;
    let p = n_features + usize::from(bias);
    let norm = |j: usize| (0..=j).map(|i| triangle.stack[i * width + j].powi(2)).sum::<f64>().sqrt();
    // The ones first: what is constant repeats them, and not the other way round.
    let mut constant = vec![false; n_features];
    if bias {
        let ones = &triangle.stack;
        for (j, constant) in constant.iter_mut().enumerate() {
            // The part of column j that is not along the ones, by their product in R.
            let (mut along, mut own, mut length) = (0.0, 0.0, 0.0);
            for i in 0..=p.min(width - 1) {
                let (a, b) = (ones[i * width + j], ones[i * width + n_features]);
                along += a * b;
                own += a * a;
                length += b * b;
            }
            *constant = own - along * along / length <= 1e-22 * own;
        }
    }
    (0..p)
        .filter(|j| {
            let pivot = triangle.stack[j * width + j].abs();
            let independent = pivot > 1e-11 * norm(*j) && pivot > 0.0;
            (independent || *j == n_features) && !constant.get(*j).copied().unwrap_or(false)
        })
        .collect()
}

/// The part of the map from scaled coefficients to coefficient `k` in the units of the inputs.
fn rows_of_map(map: &FeatureMap, kept: &[usize], n: usize, k: usize) -> Vec<f64> {
    kept.iter()
        .map(|column| {
            let mut unit = vec![0.0; n];
            unit[*column] = 1.0;
            model::to_original(map, &unit)[k]
        })
        .collect()
}

/// R.
struct Factor<'a> {
    triangle: &'a Triangle,
    p: usize,
}

impl Factor<'_> {
    fn at(&self, i: usize, j: usize) -> f64 {
        self.triangle.stack[i * self.triangle.width + j]
    }

    /// `R w = b`.
    fn solve(&self, mut b: Vec<f64>) -> Vec<f64> {
        for i in (0..self.p).rev() {
            let known: f64 = (i + 1..self.p).map(|j| self.at(i, j) * b[j]).sum();
            b[i] = (b[i] - known) / self.at(i, i);
        }
        b
    }

    /// `R' w = b`.
    fn solve_transposed(&self, mut b: Vec<f64>) -> Vec<f64> {
        for i in 0..self.p {
            let known: f64 = (0..i).map(|j| self.at(j, i) * b[j]).sum();
            b[i] = (b[i] - known) / self.at(i, i);
        }
        b
    }

    /// `R^-1`, whose rows make `(X'X)^-1 = R^-1 R^-T`.
    fn inverse(&self) -> Inverse {
        let columns = (0..self.p).map(|j| {
            let mut unit = vec![0.0; self.p];
            unit[j] = 1.0;
            self.solve(unit)
        });
        Inverse { columns: columns.collect() }
    }
}

struct Inverse {
    columns: Vec<Vec<f64>>,
}

impl Inverse {
    /// `a' (X'X)^-1 a`.
    fn quadratic(&self, a: &[f64]) -> f64 {
        let dot = |column: &Vec<f64>| column.iter().zip(a).map(|(v, a)| v * a).sum::<f64>();
        self.columns.iter().map(|column| dot(column).powi(2)).sum()
    }

    fn diagonal(&self, k: usize) -> f64 {
        self.columns.iter().map(|column| column[k].powi(2)).sum()
    }
}

/// Probability that `|T| > |t|`, T having Student's distribution: `I_x(df/2, 1/2)` at `x = df / (df + t^2)`
/// (Abramowitz and Stegun 26.7.1).
pub fn student_two_sided(t: f64, df: f64) -> f64 {
    incomplete_beta(df / (df + t * t), df / 2.0, 0.5)
}

/// The t below which a share of Student's distribution lies.
pub fn student_quantile(share: f64, df: f64) -> f64 {
    let above = |t: f64| 0.5 * student_two_sided(t, df);
    let tail = (1.0 - share).min(share);
    let (mut low, mut high) = (0.0, 1.0);
    while above(high) > tail && high < 1e300 {
        high *= 2.0;
    }
    // Every halving is a bit.
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        if above(middle) > tail { low = middle } else { high = middle }
    }
    let t = 0.5 * (low + high);
    if share < 0.5 { -t } else { t }
}

/// Probability of a larger value of Fisher's F (Abramowitz and Stegun 26.6.2).
pub fn fisher_above(f: f64, df1: f64, df2: f64) -> f64 {
    incomplete_beta(df2 / (df2 + df1 * f), df2 / 2.0, df1 / 2.0)
}

/// The regularized incomplete beta function `I_x(a, b)`, by its continued fraction (DLMF 8.17.22) with Lentz's method.
fn incomplete_beta(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    // The fraction converges fast below the mean.
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - incomplete_beta(1.0 - x, b, a);
    }
    let log_beta = libm::lgamma(a) + libm::lgamma(b) - libm::lgamma(a + b);
    let front = libm::exp(a * libm::log(x) + b * libm::log1p(-x) - log_beta) / a;
    const TINY: f64 = 1e-300;
    let away = |value: f64| if value.abs() < TINY { TINY } else { value };
    let (mut c, mut d) = (1.0, 1.0 / away(1.0 - (a + b) * x / (a + 1.0)));
    let mut fraction = d;
    for m in 1..500 {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut step = 1.0;
        for term in [even, odd] {
            d = 1.0 / away(1.0 + term * d);
            c = away(1.0 + term / c);
            step = c * d;
            fraction *= step;
        }
        if (step - 1.0).abs() < 1e-16 {
            break;
        }
    }
    front * fraction
}
