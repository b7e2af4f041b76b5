//! Inference for linear regression: standard errors, tests and intervals of the coefficients, in
//! the units of the inputs.
//!
//! Everything is computed from R of a QR factorization of the scaled features, and from residuals
//! with twice the digits of f64. Normal equations are never formed.

use serde::Serialize;

use super::distributions::{fisher_above, student_quantile, student_two_sided};
use super::double::Double;
use super::factor::Factor;
use super::rows::{ExactMap, Inputs, Portion, Rows};
use crate::dataset::{Dataset, FeatureMap, Role, Roles};

/// Maximum number of iterative refinement steps. NIST's reference problems take one or two.
const MAX_REFINEMENTS: usize = 10;

/// Refinement stops after a relative correction this small: the remaining error is below the precision of
/// f64.
const SMALL: f64 = 1e-11;

/// A relative correction this small is below the last digit of f64.
const NEGLIGIBLE: f64 = 1e-18;

/// A linear model fitted by least squares, and its inference, which is valid if residuals are independent
/// with equal variance.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Inference {
    /// The coefficient of each feature, then of the bias if there is one.
    pub coefficients: Vec<Coefficient>,
    /// Number of rows.
    pub n_samples: u64,
    /// Number of rows minus number of estimated coefficients.
    pub degrees_of_freedom: u64,
    /// Residual standard deviation, `sqrt(RSS / degrees of freedom)`; `None` without degrees of
    /// freedom.
    pub residual_deviation: Option<f64>,
    /// R²: fraction of the target's variance that is explained (without a bias: of its mean square).
    pub r2: Option<f64>,
    /// R² adjusted for the number `p` of features: `1 - (1 - R^2) (n - 1) / (n - p - 1)`.
    pub adjusted_r2: Option<f64>,
    /// F test of all features: explained mean square divided by residual mean square, and the probability of
    /// a larger value by chance.
    pub f: Option<[f64; 2]>,
    /// Ratio of the largest to the smallest singular value of the scaled features with their column
    /// of ones.
    pub condition: f64,
}

/// One estimated coefficient, in units of the target per unit of its term.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Coefficient {
    /// The estimate in the units of inputs and target.
    pub estimate: f64,
    /// The estimate for the scaled feature, in units of the target.
    pub scaled: f64,
    /// Standard error of the estimate; `None` if it is undefined.
    pub standard_error: Option<f64>,
    /// Estimate divided by standard error.
    pub t: Option<f64>,
    /// Two-sided probability of `|t|` this large if the coefficient is 0 (Student's t).
    pub p: Option<f64>,
    /// Lower and upper end of the 95% confidence interval.
    pub interval: Option<[f64; 2]>,
    /// Variance inflation factor, `1 / (1 - R_j^2)`: how much collinearity with the other features
    /// inflates the variance of the estimate. `None` for the bias, and without a bias.
    pub inflation: Option<f64>,
    /// Whether the feature was excluded because it is constant or a linear combination of the features before
    /// it.
    pub dropped: bool,
}

impl Inference {
    /// Fits the training rows by least squares, with the features of a map that scales them.
    pub fn of(dataset: &Dataset, roles: &Roles, map: &FeatureMap, bias: bool) -> Self {
        Self::of_rows(&Portion::new(dataset, roles, Role::Training, map), bias)
    }

    /// Fits these rows by least squares. Row weights are taken as proportional to `1 / variance` of each
    /// target (weighted least squares): all sums are weighted, but each row counts as one.
    pub fn of_rows(rows: &Portion<'_>, bias: bool) -> Self {
        LeastSquaresFit::of(rows, bias).inference(rows, bias)
    }
}

/// A least-squares fit refined to the last digit of f64, and the sums that inference needs.
pub(crate) struct LeastSquaresFit {
    pub(crate) factor: Factor,
    /// The coefficients of the independent columns of the scaled features.
    pub(crate) solution: Vec<Double>,
    /// Sum of squared residuals `r`, weighted by the row weights `s`: `sum s r^2`.
    residual: Double,
    moments: Moments,
}

impl LeastSquaresFit {
    pub(crate) fn of(rows: &Portion<'_>, bias: bool) -> Self {
        let factor = Factor::of(rows, bias);
        let map = ExactMap::new(rows.map());
        let mut solution: Vec<Double> = factor.least_squares().into_iter().map(Double::from).collect();
        let mut left = Left::of(rows, &map, &factor, &solution);
        let mut last = f64::INFINITY;
        for _ in 0..MAX_REFINEMENTS {
            // Corrected semi-normal equations: R'R d = X'r (Bjorck 1987).
            let slopes = left.slopes.iter().map(|slope| slope.value()).collect();
            let correction = factor.solve(factor.solve_transposed(slopes));
            let shares = correction.iter().zip(&solution);
            let share =
                shares.map(|(d, w)| d.abs() / w.value().abs().max(f64::MIN_POSITIVE)).fold(0.0, f64::max);
            // For a weight of 0 no correction is relatively small, so the loop also stops when
            // corrections no longer shrink.
            let size = correction.iter().fold(0.0, |size: f64, d| size.max(d.abs()));
            if share <= NEGLIGIBLE || size >= 0.5 * last || size.is_nan() {
                break;
            }
            last = size;
            // The squares fall by `d'X'r`, since `X'X d = X'r`.
            let gain: Double = correction.iter().zip(&left.slopes).map(|(d, g)| Double::from(*d) * *g).sum();
            for (value, correction) in solution.iter_mut().zip(correction) {
                *value += Double::from(correction);
            }
            if share <= SMALL && gain.value() <= SMALL * left.square.value() {
                // The next correction would be smaller by the same ratio, so it is not needed.
                left.square = left.square - gain;
                break;
            }
            left = Left::of(rows, &map, &factor, &solution);
        }
        let moments = Moments::of(rows, &factor);
        Self { factor, solution, residual: left.square, moments }
    }

    /// Number of rows minus number of estimated coefficients.
    pub(crate) fn degrees_of_freedom(&self) -> f64 {
        self.moments.n - self.factor.p() as f64
    }

    /// Variance of the residuals; `None` if there are no degrees of freedom.
    pub(crate) fn variance(&self) -> Option<f64> {
        let df = self.degrees_of_freedom();
        (df > 0.0).then(|| self.residual.value() / df)
    }

    /// Half the width of a 95% interval, in standard errors.
    pub(crate) fn reach(&self) -> f64 {
        let df = self.degrees_of_freedom();
        if df > 0.0 { student_quantile(0.975, df) } else { f64::NAN }
    }

    pub(crate) fn inference(&self, rows: &Portion<'_>, bias: bool) -> Inference {
        let (n, df, residual) = (self.moments.n, self.degrees_of_freedom(), self.residual);
        let total = if bias { self.moments.target_square } else { self.moments.target_raw_square };
        let explained = total - residual;
        let r2 = (total.value() > 0.0).then(|| (explained / total).value());
        let n_slopes = self.factor.p() as f64 - f64::from(u8::from(bias));
        let f = r2.filter(|_| df > 0.0 && n_slopes > 0.0 && residual.value() > 0.0).map(|_| {
            let f = explained.value() / n_slopes / (residual.value() / df);
            [f, fisher_above(f, n_slopes, df)]
        });
        let estimates = Estimates {
            factor: &self.factor,
            map: &ExactMap::new(rows.map()),
            solution: &self.solution,
            spread: Some(&self.moments.spread),
            variance: self.variance(),
            reach: self.reach(),
            two_sided: &|t| student_two_sided(t, df),
        };
        Inference {
            coefficients: estimates.coefficients(rows.n_features(), bias),
            n_samples: n as u64,
            degrees_of_freedom: df.max(0.0) as u64,
            residual_deviation: self.variance().map(f64::sqrt),
            r2,
            adjusted_r2: r2
                .filter(|_| df > 0.0)
                .map(|r2| 1.0 - (1.0 - r2) * (n - f64::from(u8::from(bias))) / df),
            f,
            condition: self.factor.condition(),
        }
    }
}

/// Sums over the rows with weights `s` that do not depend on coefficients.
struct Moments {
    /// Number of rows.
    n: f64,
    /// For each independent column, its squares about the mean: `sum s (x - mean)^2`.
    spread: Vec<f64>,
    /// Squares of the target about its mean: `sum s (y - mean)^2`.
    target_square: Double,
    /// Squares of the target: `sum s y^2`.
    target_raw_square: Double,
}

impl Moments {
    fn of(rows: &dyn Rows, factor: &Factor) -> Self {
        let n_features = rows.n_features();
        let mut means = vec![0.0; factor.p()];
        let (mut n, mut weight, mut target) = (0.0, 0.0, Double::default());
        rows.for_each_block(&mut |block| {
            for ((row, y), s) in block.features.chunks_exact(n_features).zip(block.targets).zip(block.weights)
            {
                for (mean, x) in means.iter_mut().zip(factor.narrow(row)) {
                    *mean += s * x;
                }
                target += Double::product(*s, *y);
                n += 1.0;
                weight += s;
            }
        });
        means.iter_mut().for_each(|mean| *mean /= weight);
        let target = target / Double::from(weight);
        let (mut spread, mut square, mut raw) =
            (vec![0.0; means.len()], Double::default(), Double::default());
        rows.for_each_block(&mut |block| {
            for ((row, y), s) in block.features.chunks_exact(n_features).zip(block.targets).zip(block.weights)
            {
                for ((spread, x), mean) in spread.iter_mut().zip(factor.narrow(row)).zip(&means) {
                    *spread += s * (x - mean) * (x - mean);
                }
                let (s, y) = (Double::from(*s), Double::from(*y));
                square += s * (y - target) * (y - target);
                raw += s * y * y;
            }
        });
        Self { n, spread, target_square: square, target_raw_square: raw }
    }
}

/// Sums over the rows of the residuals `r = y - x'b` at coefficients `b`, with row weights `s`.
struct Left {
    /// Sum of squared residuals: `sum s r^2`.
    square: Double,
    /// For each independent column, the sum of its products with the residuals: `X' S r`.
    slopes: Vec<Double>,
}

impl Left {
    fn of(rows: &Portion<'_>, map: &ExactMap<'_>, factor: &Factor, solution: &[Double]) -> Self {
        let (n_inputs, n_features) = (rows.map().n_inputs(), rows.n_features());
        // If there is a column of ones, it comes last.
        let mut features = vec![Double::from(1.0); n_features + 1];
        let mut left = Self { square: Double::default(), slopes: vec![Double::default(); factor.p()] };
        rows.for_each_input(&mut |Inputs { x, targets, weights, .. }| {
            for ((x, y), s) in x.chunks_exact(n_inputs).zip(targets).zip(weights) {
                map.features(x, &mut features[..n_features]);
                let fitted: Double =
                    factor.kept.iter().zip(solution).map(|(column, w)| features[*column] * *w).sum();
                let residual = Double::from(*y) - fitted;
                let pull = residual * Double::from(*s);
                left.square += residual * pull;
                for (slope, column) in left.slopes.iter_mut().zip(&factor.kept) {
                    *slope += features[*column] * pull;
                }
            }
        });
        left
    }
}

/// Coefficients of the scaled features, and the factors that convert them to the units of the
/// inputs.
pub(crate) struct Estimates<'a> {
    /// The factorization of the design matrix; `(X'X)^-1`, times `variance`, is the coefficients' covariance.
    pub(crate) factor: &'a Factor,
    pub(crate) map: &'a ExactMap<'a>,
    /// The coefficients of the independent columns of the scaled features.
    pub(crate) solution: &'a [Double],
    /// For each independent column `sum s (x - mean)^2`, if variance inflation factors are needed.
    pub(crate) spread: Option<&'a [f64]>,
    /// Variance of the residuals; `None` if it is undefined.
    pub(crate) variance: Option<f64>,
    /// Half the width of a confidence interval, in standard errors.
    pub(crate) reach: f64,
    /// Returns the two-sided probability, by chance, of a larger ratio of estimate to standard error.
    pub(crate) two_sided: &'a dyn Fn(f64) -> f64,
}

impl Estimates<'_> {
    /// The coefficient of each feature, then of the bias if there is one, in the units of the inputs.
    pub(crate) fn coefficients(&self, n_features: usize, bias: bool) -> Vec<Coefficient> {
        let n = n_features + usize::from(bias);
        let kept = &self.factor.kept;
        let mut scaled = vec![Double::default(); n];
        for (column, value) in kept.iter().zip(self.solution) {
            scaled[*column] = *value;
        }
        // Value of one unit of each scaled coefficient in the units of the inputs.
        let units: Vec<Vec<Double>> = kept
            .iter()
            .map(|column| {
                let mut unit = vec![Double::default(); n];
                unit[*column] = Double::from(1.0);
                self.map.to_original(&unit)
            })
            .collect();
        let original = self.map.to_original(&scaled);
        let coefficient = |k: usize| {
            let place = kept.iter().position(|column| *column == k);
            let estimate = original[k].value();
            let share: Vec<f64> = units.iter().map(|unit| unit[k].value()).collect();
            let variance = self.variance.filter(|_| place.is_some());
            let standard_error = variance.map(|variance| (variance * self.factor.quadratic(&share)).sqrt());
            let t = standard_error.filter(|error| *error > 0.0).map(|error| estimate / error);
            let reach = standard_error.map(|error| error * self.reach);
            let inflation =
                place.filter(|_| bias && k < n_features).zip(self.spread).map(|(place, spread)| {
                    let mut unit = vec![0.0; kept.len()];
                    unit[place] = 1.0;
                    self.factor.quadratic(&unit) * spread[place]
                });
            Coefficient {
                estimate,
                scaled: scaled[k].value(),
                standard_error,
                t,
                p: t.map(self.two_sided),
                interval: reach.map(|reach| [estimate - reach, estimate + reach]),
                inflation,
                dropped: place.is_none(),
            }
        };
        (0..n).map(coefficient).collect()
    }
}
