//! What a linear regression says beyond its coefficients: how sure it is of each, in the units of the inputs.
//!
//! Everything comes from R of a QR factorization of the scaled features, and from residuals that are taken row by row
//! in twice the digits of f64; normal equations are never formed.

use serde::Serialize;

use super::distributions::{fisher_above, student_quantile, student_two_sided};
use super::double::Double;
use super::factor::Factor;
use super::rows::{ExactMap, Inputs, Portion, Rows};
use crate::dataset::{Dataset, FeatureMap, Role, Roles};

/// The most often that coefficients are corrected by the residuals that they leave: NIST's problems take one or two.
const MAX_REFINEMENTS: usize = 10;

/// A correction that is this small beside its coefficient leaves none behind that f64 could tell.
const SMALL: f64 = 1e-11;

/// A correction that is this small beside its coefficient is below the last digit of f64.
const NEGLIGIBLE: f64 = 1e-18;

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
    /// Variance inflation factor, `1 / (1 - R_j^2)`: how much less sure the estimate is for what the other features
    /// share with this one. `None` for the bias, and without one.
    pub inflation: Option<f64>,
    /// Whether the feature is constant, or can be made of those before it: then it was left out.
    pub dropped: bool,
}

impl Inference {
    /// Of the rows that are trained on, through a map that scales them.
    pub fn of(dataset: &Dataset, roles: &Roles, map: &FeatureMap, bias: bool) -> Self {
        Self::of_rows(&Portion::new(dataset, roles, Role::Training, map), bias)
    }

    /// Of some rows. Their weights are those of `1 / variance` of each target, up to a factor (weighted least
    /// squares): all sums are weighted, and the rows counted as they are.
    pub fn of_rows(rows: &Portion<'_>, bias: bool) -> Self {
        LeastSquaresFit::of(rows, bias).inference(rows, bias)
    }
}

/// Least squares to the last digit, and the sums that say how sure it is.
pub(crate) struct LeastSquaresFit {
    pub(crate) factor: Factor,
    /// Of the columns that were kept.
    pub(crate) solution: Vec<Double>,
    /// `sum s r^2`.
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
            // Of a weight that is 0 no correction is small beside it; what no longer shrinks is rounding.
            let size = correction.iter().fold(0.0, |size: f64, d| size.max(d.abs()));
            if share <= NEGLIGIBLE || size >= 0.5 * last || size.is_nan() {
                break;
            }
            last = size;
            // By so much the squares fall: `d'X'r`, since `X'X d = X'r`.
            let gain: Double = correction.iter().zip(&left.slopes).map(|(d, g)| Double::from(*d) * *g).sum();
            for (value, correction) in solution.iter_mut().zip(correction) {
                *value += Double::from(correction);
            }
            if share <= SMALL && gain.value() <= SMALL * left.square.value() {
                // What a next correction would change is smaller by as much again: no need to look.
                left.square = left.square - gain;
                break;
            }
            left = Left::of(rows, &map, &factor, &solution);
        }
        let moments = Moments::of(rows, &factor);
        Self { factor, solution, residual: left.square, moments }
    }

    /// Rows less coefficients that were found.
    pub(crate) fn degrees_of_freedom(&self) -> f64 {
        self.moments.n - self.factor.p() as f64
    }

    /// That of the residuals; `None` where no degree of freedom is left.
    pub(crate) fn variance(&self) -> Option<f64> {
        let df = self.degrees_of_freedom();
        (df > 0.0).then(|| self.residual.value() / df)
    }

    /// Standard errors in half a 95% interval.
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

/// Sums over the rows that no coefficient changes.
struct Moments {
    /// Rows.
    n: f64,
    /// `sum s (x - mean)^2` of each column that was kept.
    spread: Vec<f64>,
    /// `sum s (y - mean)^2`.
    target_square: Double,
    /// `sum s y^2`.
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

/// What coefficients leave of the targets.
struct Left {
    /// `sum s r^2`.
    square: Double,
    /// `X' S r` of the columns that were kept.
    slopes: Vec<Double>,
}

impl Left {
    fn of(rows: &Portion<'_>, map: &ExactMap<'_>, factor: &Factor, solution: &[Double]) -> Self {
        let (n_inputs, n_features) = (rows.map().n_inputs(), rows.n_features());
        // The ones, where there are any, stand last.
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

/// Coefficients of the scaled features, and what makes those in the units of the inputs of them.
pub(crate) struct Estimates<'a> {
    /// Whose `(X'X)^-1` their covariance is, times `variance`.
    pub(crate) factor: &'a Factor,
    pub(crate) map: &'a ExactMap<'a>,
    /// Of the columns that were kept.
    pub(crate) solution: &'a [Double],
    /// `sum s (x - mean)^2` of each of them, where variance inflation is asked for.
    pub(crate) spread: Option<&'a [f64]>,
    /// `None` where it cannot be told.
    pub(crate) variance: Option<f64>,
    /// Standard errors in half an interval.
    pub(crate) reach: f64,
    /// Probability of as large a ratio of estimate to standard error.
    pub(crate) two_sided: &'a dyn Fn(f64) -> f64,
}

impl Estimates<'_> {
    /// One a feature, and one for the bias.
    pub(crate) fn coefficients(&self, n_features: usize, bias: bool) -> Vec<Coefficient> {
        let n = n_features + usize::from(bias);
        let kept = &self.factor.kept;
        let mut scaled = vec![Double::default(); n];
        for (column, value) in kept.iter().zip(self.solution) {
            scaled[*column] = *value;
        }
        // What a unit of each scaled coefficient is in the units of the inputs.
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
