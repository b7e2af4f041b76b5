//! Exact fits in f64 to the training rows for any loss and penalty, with the standard errors that follow.

use serde::Serialize;

use super::double::Double;
use super::factor::Factor;
use super::inference::{Coefficient, Inference, LeastSquaresFit};
use super::likelihood::{self, Likelihood, LikelihoodFit};
use super::optimum::{self, Optimum};
use super::rows::{ExactMap, Portion, Rows};
use crate::choices::{Loss, Penalty};
use crate::model::Linear;

/// The optimum of an objective over some rows, with the uncertainty of its coefficients.
pub struct Fit<'a> {
    pub(super) rows: Portion<'a>,
    pub(super) linear: Linear,
    pub(super) loss: Loss,
    /// Parameters of the scaled features, indexed `[feature][output]`, then the biases.
    pub(super) parameters: Vec<f64>,
    pub(super) covariance: Option<Covariance>,
    inferred: Inferred,
}

/// The covariance matrix of the independent columns' coefficients, `variance (X'X)^-1`.
pub(super) struct Covariance {
    pub(super) factor: Factor,
    pub(super) variance: f64,
    /// Half the width of a 95% interval, in standard errors.
    pub(super) reach: f64,
    /// Number of rows minus number of independent columns.
    pub(super) degrees_of_freedom: f64,
}

/// Coefficients of a fit, with standard errors and tests if they are defined.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Inferred {
    /// The loss is the squared one, without a penalty.
    LeastSquares(Inference),
    /// The loss is logistic or Poisson, without a penalty, and its optimum is finite.
    Likelihood(Likelihood),
    /// In all other cases: coefficients without standard errors.
    Optimum(PointEstimates),
}

/// Coefficients without standard errors.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PointEstimates {
    /// Why there are no standard errors.
    pub reason: Reason,
    /// Indexed `[output][coefficient]`: coefficients of the features, then of the bias if there is one.
    pub coefficients: Vec<Vec<Coefficient>>,
    /// The optimum that the coefficients come from.
    pub optimum: Optimum,
}

/// Why coefficients have no standard errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// A penalty biases the coefficients.
    Penalized,
    /// The loss is not a likelihood, so its curvature gives no standard errors.
    Robust,
    /// With several classes, coefficients have a meaning only relative to each other.
    ManyClasses,
    /// The coefficients grow forever; see [`Optimum::finite`].
    Infinite,
}

impl<'a> Fit<'a> {
    /// Fits a linear model to these rows.
    pub fn new(rows: Portion<'a>, linear: Linear, loss: Loss, penalty: Penalty) -> Self {
        let penalized = penalty.strength > 0.0;
        match loss {
            Loss::Squared if !penalized => Self::least_squares(rows, linear),
            Loss::Logistic | Loss::Poisson if !penalized => Self::likelihood(rows, linear, loss),
            _ => {
                let optimum = optimum::solve(&rows, linear, loss, penalty);
                let reason = match loss {
                    _ if penalized => Reason::Penalized,
                    Loss::Softmax => Reason::ManyClasses,
                    _ => Reason::Robust,
                };
                Self::point(rows, linear, loss, optimum, reason)
            }
        }
    }

    /// The coefficients, with standard errors and tests if they are defined.
    pub fn inferred(&self) -> &Inferred {
        &self.inferred
    }

    /// Parameters of the scaled features, indexed `[feature][output]`, then the biases.
    pub fn parameters(&self) -> &[f64] {
        &self.parameters
    }

    fn least_squares(rows: Portion<'a>, linear: Linear) -> Self {
        let bias = linear.bias;
        let fit = LeastSquaresFit::of(&rows, bias);
        let inferred = Inferred::LeastSquares(fit.inference(&rows, bias));
        let parameters = widen(&rows, bias, &fit.factor, &fit.solution);
        let covariance = fit.variance().map(|variance| Covariance {
            variance,
            reach: fit.reach(),
            degrees_of_freedom: fit.degrees_of_freedom(),
            factor: fit.factor,
        });
        Self { rows, linear, loss: Loss::Squared, parameters, covariance, inferred }
    }

    fn likelihood(rows: Portion<'a>, linear: Linear, loss: Loss) -> Self {
        let bias = linear.bias;
        let fit = LikelihoodFit::of(&rows, bias, loss);
        let parameters = widen(&rows, bias, &fit.factor, &fit.solution);
        if !fit.optimum.finite {
            let optimum = Optimum { parameters, ..fit.optimum };
            return Self::point(rows, linear, loss, optimum, Reason::Infinite);
        }
        let likelihood = fit.likelihood(&rows, bias);
        let covariance = Covariance {
            variance: 1.0,
            reach: likelihood::reach(),
            degrees_of_freedom: likelihood.degrees_of_freedom as f64,
            factor: fit.factor,
        };
        let inferred = Inferred::Likelihood(likelihood);
        Self { rows, linear, loss, parameters, covariance: Some(covariance), inferred }
    }

    fn point(rows: Portion<'a>, linear: Linear, loss: Loss, optimum: Optimum, reason: Reason) -> Self {
        let map = ExactMap::new(rows.map());
        let of_output = |scaled: Vec<f64>| {
            let exact: Vec<Double> = scaled.iter().copied().map(Double::from).collect();
            let original = map.to_original(&exact);
            let coefficient = |(scaled, estimate): (f64, Double)| Coefficient {
                estimate: estimate.value(),
                scaled,
                standard_error: None,
                t: None,
                p: None,
                interval: None,
                inflation: None,
                dropped: false,
            };
            scaled.into_iter().zip(original).map(coefficient).collect()
        };
        let coefficients = linear.by_output(&optimum.parameters).into_iter().map(of_output).collect();
        let parameters = optimum.parameters.clone();
        let inferred = Inferred::Optimum(PointEstimates { reason, coefficients, optimum });
        Self { rows, linear, loss, parameters, covariance: None, inferred }
    }
}

/// Extends the parameters of the independent columns to all columns; those of the others are 0.
fn widen(rows: &Portion<'_>, bias: bool, factor: &Factor, solution: &[Double]) -> Vec<f64> {
    let mut parameters = vec![0.0; rows.n_features() + usize::from(bias)];
    for (column, value) in factor.kept.iter().zip(solution) {
        parameters[*column] = value.value();
    }
    parameters
}
