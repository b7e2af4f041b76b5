//! Losses: pointwise functions of an output and its target, averaged over the rows; and what is added for large weights.
//!
//! In every formula `z` is the model's output `w x + b` before any link, `y` the target and `r = z - y`. Losses with a
//! link of their own (logistic, softmax, Poisson) take `z` as the logit or the log of the rate, so that one family of
//! generalized linear models needs one kernel: only the value and its derivative by `z` differ.

use serde::{Deserialize, Deserializer, Serialize};

use crate::tagged::Tagged;

/// What a run minimizes, over a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Loss {
    /// `r^2`: its mean is the mean squared error, without a half.
    #[default]
    Squared,
    /// `|r|`.
    Absolute,
    /// `r^2 / 2` where `|r| <= d`, else `d (|r| - d / 2)` (Huber 1964; PyTorch's `HuberLoss`), `d` being `delta`.
    Huber {
        /// Where it turns from a parabola into lines, in the units of the target.
        delta: f64,
    },
    /// `ln cosh r`.
    LogCosh,
    /// `max(t (y - z), (t - 1) (y - z))` (Koenker and Bassett 1978), `t` being `tau`.
    Quantile {
        /// Share of the targets that are to lie below the prediction.
        tau: f64,
    },
    /// `ln(1 + e^z) - y z`: binary cross-entropy of the logit, `y` being 0 or 1.
    Logistic,
    /// `ln(sum_k e^z_k) - z_y`: cross-entropy of one logit a class, `y` being the index of the class.
    Softmax,
    /// `e^z - y z`: negative log-likelihood of a count but for what does not depend on the model (PyTorch's
    /// `PoissonNLLLoss` of the log of the rate).
    Poisson,
}

impl<'de> Deserialize<'de> for Loss {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut from = Tagged::read(deserializer)?;
        let loss = match from.kind().as_str() {
            "squared" => Some(Self::Squared),
            "absolute" => Some(Self::Absolute),
            "huber" => Some(Self::Huber { delta: from.or("delta", 1.0) }),
            "log_cosh" => Some(Self::LogCosh),
            "quantile" => Some(Self::Quantile { tau: from.or("tau", 0.5) }),
            "logistic" => Some(Self::Logistic),
            "softmax" => Some(Self::Softmax),
            "poisson" => Some(Self::Poisson),
            _ => None,
        };
        from.finish(loss)
    }
}

impl Loss {
    /// What a row's outputs mean, in their place: the inverse of the link. A probability for each class (of
    /// [`Loss::Logistic`] for the second of two), the expected count of [`Loss::Poisson`]; else the outputs themselves.
    pub fn respond(&self, outputs: &mut [f64]) {
        match self {
            Self::Logistic => outputs[0] = 1.0 / (1.0 + libm::exp(-outputs[0])),
            Self::Poisson => outputs[0] = libm::exp(outputs[0]),
            Self::Softmax => {
                let largest = outputs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                outputs.iter_mut().for_each(|z| *z = libm::exp(*z - largest));
                let sum: f64 = outputs.iter().sum();
                outputs.iter_mut().for_each(|z| *z /= sum);
            }
            _ => {}
        }
    }

    /// Whether outputs mean something other than themselves: see [`Loss::respond`].
    pub fn bends(&self) -> bool {
        matches!(self, Self::Logistic | Self::Softmax | Self::Poisson)
    }

    /// Whether targets are classes.
    pub fn classifies(&self) -> bool {
        matches!(self, Self::Logistic | Self::Softmax)
    }
}

/// What is added to the mean loss: `a (q |w|_1 + (1 - q) / 2 |w|_2^2)` of the weights of the scaled features, `a` being
/// `strength` and `q` `l1_ratio` (the elastic net of Zou and Hastie 2005: ridge where `q` is 0, the lasso where it is 1).
/// The bias is never penalized. For the squared loss, which has no half here, `a` is twice scikit-learn's `alpha` of
/// `ElasticNet`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Penalty {
    /// `a`; 0 is none.
    pub strength: f64,
    /// `q`, from 0 to 1.
    pub l1_ratio: f64,
}

impl Penalty {
    /// Of these weights, the bias left out.
    pub fn of(&self, weights: impl IntoIterator<Item = f64>) -> f64 {
        let (mut absolute, mut square) = (0.0, 0.0);
        for weight in weights {
            absolute += weight.abs();
            square += weight * weight;
        }
        self.strength * (self.l1_ratio * absolute + (1.0 - self.l1_ratio) / 2.0 * square)
    }
}

/// `(prediction - target)^2`: its mean over the rows is the mean squared error, without a half.
#[inline]
pub fn squared_error(residual: f32) -> f32 {
    residual * residual
}

/// Derivative of [`squared_error`] by the prediction: `2 (prediction - target)`.
#[inline]
pub fn squared_error_derivative(residual: f32) -> f32 {
    2.0 * residual
}
