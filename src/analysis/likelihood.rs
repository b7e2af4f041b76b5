//! Inference for logistic and Poisson regression: generalized linear models with the canonical
//! link, whose standard errors come from R of the rows weighted by their curvature at the optimum.

use serde::Serialize;

use super::distributions::{chi_square_above, normal_quantile, normal_two_sided};
use super::double::Double;
use super::factor::Factor;
use super::inference::{Coefficient, Estimates};
use super::optimum::{Optimum, pointwise, solve};
use super::rows::{Block, ExactMap, Portion, Rows};
use crate::choices::{Loss, Penalty};
use crate::model::Linear;

/// A model fitted by maximum likelihood, and its inference.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Likelihood {
    /// The coefficient of each feature, then of the bias if there is one. Their `t` is Wald's z, and `p`
    /// comes from the normal distribution.
    pub coefficients: Vec<Coefficient>,
    /// Number of rows.
    pub n_samples: u64,
    /// Number of rows minus number of estimated coefficients.
    pub degrees_of_freedom: u64,
    /// Log-likelihood of the model, with the weight of a row as its count.
    pub log_likelihood: f64,
    /// Log-likelihood of the model that predicts a constant.
    pub null_log_likelihood: f64,
    /// Deviance: twice the difference between the log-likelihood of a model with one parameter per row and
    /// that of this model.
    pub deviance: f64,
    /// Deviance of the model that predicts a constant.
    pub null_deviance: f64,
    /// `1 - log-likelihood / log-likelihood of a constant` (McFadden 1974); `None` if the latter is
    /// 0.
    pub pseudo_r2: Option<f64>,
    /// Likelihood ratio: twice the log-likelihood that the features add, and the probability of a
    /// larger value by chance; `None` without a bias.
    pub likelihood_ratio: Option<[f64; 2]>,
    /// Ratio of the largest to the smallest singular value of the weighted features with their
    /// column of ones.
    pub condition: f64,
}

/// The maximum-likelihood solution and the curvature there.
pub(crate) struct LikelihoodFit {
    /// R of the rows, each multiplied by the root of its weight times the curvature of its loss.
    pub(crate) factor: Factor,
    /// The coefficients of the independent columns of the scaled features.
    pub(crate) solution: Vec<Double>,
    /// The optimum over the independent columns alone.
    pub(crate) optimum: Optimum,
    sums: Sums,
}

/// Half the width of a 95% interval of the normal distribution, in standard errors.
pub(crate) fn reach() -> f64 {
    normal_quantile(0.975)
}

impl LikelihoodFit {
    pub(crate) fn of(rows: &Portion<'_>, bias: bool, loss: Loss) -> Self {
        let columns = Factor::of(rows, bias);
        let n_features = rows.n_features();
        let features: Vec<usize> =
            columns.kept.iter().copied().filter(|column| *column < n_features).collect();
        let linear = Linear { n_features: features.len() as u32, n_outputs: 1, bias };
        let optimum = solve(&Narrow { rows, features: &features }, linear, loss, Penalty::default());
        // An optimum has its bias last, but here the column of ones comes first.
        let of =
            |column: &usize| optimum.parameters[features.binary_search(column).unwrap_or(features.len())];
        let solution: Vec<f64> = columns.kept.iter().map(of).collect();
        let output = |row: &[f64]| -> f64 { columns.narrow(row).zip(&solution).map(|(x, w)| x * w).sum() };
        let factor = columns.again(rows, &mut |row, y, weight| {
            ((weight * pointwise::derivatives(loss, output(row), y)[1]).sqrt(), 0.0)
        });
        let sums = Sums::of(rows, loss, &output);
        let solution = solution.iter().copied().map(Double::from).collect();
        Self { factor, solution, optimum, sums }
    }

    pub(crate) fn likelihood(&self, rows: &Portion<'_>, bias: bool) -> Likelihood {
        let estimates = Estimates {
            factor: &self.factor,
            map: &ExactMap::new(rows.map()),
            solution: &self.solution,
            spread: None,
            // If the optimum is at infinity, the curvature there vanishes.
            variance: self.optimum.finite.then_some(1.0),
            reach: reach(),
            two_sided: &normal_two_sided,
        };
        let (p, Sums { n, model, null, saturated }) = (self.factor.p(), &self.sums);
        let n_slopes = p - usize::from(bias);
        let gained = 2.0 * (model - null);
        Likelihood {
            coefficients: estimates.coefficients(rows.n_features(), bias),
            n_samples: *n,
            degrees_of_freedom: n.saturating_sub(p as u64),
            log_likelihood: *model,
            null_log_likelihood: *null,
            deviance: 2.0 * (saturated - model),
            null_deviance: 2.0 * (saturated - null),
            pseudo_r2: (*null != 0.0).then(|| 1.0 - model / null),
            likelihood_ratio: (bias && n_slopes > 0)
                .then(|| [gained, chi_square_above(gained, n_slopes as f64)]),
            condition: self.factor.condition(),
        }
    }
}

/// Log-likelihoods, summed over the rows: of the model, of a constant, and of the targets as their own
/// predictions.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    n: u64,
    model: f64,
    null: f64,
    saturated: f64,
}

impl Sums {
    fn of(rows: &dyn Rows, loss: Loss, output: &dyn Fn(&[f64]) -> f64) -> Self {
        let n_features = rows.n_features();
        let (mut weight, mut target) = (0.0, 0.0);
        rows.for_each_block(&mut |block| {
            weight += block.weights.iter().sum::<f64>();
            target += block.targets.iter().zip(block.weights).map(|(y, s)| s * y).sum::<f64>();
        });
        let mean = target / weight;
        let constant = if loss == Loss::Poisson { libm::log(mean) } else { libm::log(mean / (1.0 - mean)) };
        let mut sums = Self::default();
        rows.for_each_block(&mut |block| {
            for ((row, y), s) in block.features.chunks_exact(n_features).zip(block.targets).zip(block.weights)
            {
                // The part of a count's log-probability that no model changes.
                let count = if loss == Loss::Poisson { libm::lgamma(y + 1.0) } else { 0.0 };
                sums.n += 1;
                // A zero weight times an infinite loss would be NaN.
                if *s <= 0.0 {
                    continue;
                }
                sums.model -= s * (pointwise::value(loss, &[output(row)], *y) + count);
                // If all targets are equal, a constant predicts them with certainty.
                if constant.is_finite() {
                    sums.null -= s * (pointwise::value(loss, &[constant], *y) + count);
                }
                let own = if *y > 0.0 { y - y * libm::log(*y) } else { 0.0 };
                sums.saturated -= s * if loss == Loss::Poisson { own + count } else { 0.0 };
            }
        });
        sums
    }
}

/// Rows reduced to some of their features.
struct Narrow<'a> {
    rows: &'a dyn Rows,
    features: &'a [usize],
}

impl Rows for Narrow<'_> {
    fn n_features(&self) -> usize {
        self.features.len()
    }

    fn for_each_block(&self, each: &mut dyn FnMut(Block<'_>)) {
        let mut narrow = Vec::new();
        self.rows.for_each_block(&mut |block| {
            narrow.clear();
            for row in block.features.chunks_exact(self.rows.n_features()) {
                narrow.extend(self.features.iter().map(|column| row[*column]));
            }
            each(Block { features: &narrow, ..block });
        });
    }
}
