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

    /// Which one, as kernels take it.
    pub fn kind(&self) -> u32 {
        match self {
            Self::Squared => kind::SQUARED,
            Self::Absolute => kind::ABSOLUTE,
            Self::Huber { .. } => kind::HUBER,
            Self::LogCosh => kind::LOG_COSH,
            Self::Quantile { .. } => kind::QUANTILE,
            Self::Logistic => kind::LOGISTIC,
            Self::Softmax => kind::SOFTMAX,
            Self::Poisson => kind::POISSON,
        }
    }

    /// `d` of Huber's, `t` of the quantile's, 0 of the others.
    pub fn parameter(&self) -> f64 {
        match *self {
            Self::Huber { delta } => delta,
            Self::Quantile { tau } => tau,
            _ => 0.0,
        }
    }

    /// The most that its second derivative by an output can be, of softmax the largest eigenvalue of that by all of them
    /// (Boehning 1992); `None` where there is no such bound or it says nothing (lines have none, `e^z` has no end).
    pub fn curvature(&self) -> Option<f64> {
        match self {
            Self::Squared => Some(2.0),
            Self::Huber { .. } | Self::LogCosh => Some(1.0),
            Self::Logistic => Some(0.25),
            Self::Softmax => Some(0.5),
            Self::Absolute | Self::Quantile { .. } | Self::Poisson => None,
        }
    }

    /// The loss of a row with these `outputs`, and into `slopes` its derivative by each: 0 where a kink leaves a choice.
    ///
    /// In f64 and as the formulas stand, but for `ln(1 + e^z)` and its like, which may not overflow.
    pub fn value_and_slopes(&self, outputs: &[f64], target: f64, slopes: &mut [f64]) -> f64 {
        let z = outputs[0];
        let r = z - target;
        let sign = if r == 0.0 { 0.0 } else { libm::copysign(1.0, r) };
        let (value, slope) = match *self {
            Self::Squared => (r * r, 2.0 * r),
            Self::Absolute => (r.abs(), sign),
            Self::Huber { delta } if r.abs() <= delta => (r * r / 2.0, r),
            Self::Huber { delta } => (delta * (r.abs() - delta / 2.0), delta * sign),
            Self::LogCosh => {
                let value = r.abs() + libm::log1p(libm::exp(-2.0 * r.abs())) - std::f64::consts::LN_2;
                (value, libm::tanh(r))
            }
            Self::Quantile { tau } => {
                let slope = if r > 0.0 { 1.0 - tau } else { -tau };
                (slope * r, if r == 0.0 { 0.0 } else { slope })
            }
            Self::Logistic => {
                let value = (z.max(0.0) - target * z) + libm::log1p(libm::exp(-z.abs()));
                (value, 1.0 / (1.0 + libm::exp(-z)) - target)
            }
            Self::Poisson => (libm::exp(z) - target * z, libm::exp(z) - target),
            Self::Softmax => {
                let largest = outputs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let sum: f64 = outputs.iter().map(|z| libm::exp(z - largest)).sum();
                for (k, (slope, z)) in slopes.iter_mut().zip(outputs).enumerate() {
                    let of_class = if k == target as usize { 1.0 } else { 0.0 };
                    *slope = libm::exp(z - largest) / sum - of_class;
                }
                return libm::log(sum) + largest - outputs[target as usize];
            }
        };
        slopes[0] = slope;
        value
    }
}

/// [`Loss::kind`]; the twins of `LOSS_` constants in `shaders/losses.wgsl`.
pub mod kind {
    /// [`super::Loss::Squared`].
    pub const SQUARED: u32 = 0;
    /// [`super::Loss::Absolute`].
    pub const ABSOLUTE: u32 = 1;
    /// [`super::Loss::Huber`].
    pub const HUBER: u32 = 2;
    /// [`super::Loss::LogCosh`].
    pub const LOG_COSH: u32 = 3;
    /// [`super::Loss::Quantile`].
    pub const QUANTILE: u32 = 4;
    /// [`super::Loss::Logistic`].
    pub const LOGISTIC: u32 = 5;
    /// [`super::Loss::Softmax`].
    pub const SOFTMAX: u32 = 6;
    /// [`super::Loss::Poisson`].
    pub const POISSON: u32 = 7;
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

/// Residuals below which `log_cosh` goes by its series: above, what cancels is little.
const SMALL_RESIDUAL: f32 = 0.3;

/// The loss of one output; the twin of `loss_value` in `shaders/losses.wgsl`. `parameter` is [`Loss::parameter`].
#[inline(always)]
pub fn loss_value(kind: u32, parameter: f32, z: f32, y: f32) -> f32 {
    let r = z - y;
    let size = r.abs();
    match kind {
        kind::ABSOLUTE => size,
        kind::HUBER => {
            if size <= parameter {
                0.5 * r * r
            } else {
                parameter * (size - 0.5 * parameter)
            }
        }
        kind::LOG_COSH => {
            let q = r * r;
            if size < SMALL_RESIDUAL {
                q * (0.5 - q * (1.0 / 12.0 - q * (1.0 / 45.0 - q * (17.0 / 2520.0))))
            } else {
                size + log_1p((-2.0 * size).exp()) - std::f32::consts::LN_2
            }
        }
        kind::QUANTILE => {
            if r > 0.0 {
                (1.0 - parameter) * r
            } else {
                -parameter * r
            }
        }
        // First what may cancel, so that what is left of a sure answer keeps its digits.
        kind::LOGISTIC => (z.max(0.0) - y * z) + log_1p((-z.abs()).exp()),
        kind::POISSON => z.exp() - y * z,
        _ => squared_error(r),
    }
}

/// Derivative of [`loss_value`] by the output; the twin of `loss_derivative` in `shaders/losses.wgsl`.
#[inline(always)]
pub fn loss_derivative(kind: u32, parameter: f32, z: f32, y: f32) -> f32 {
    let r = z - y;
    let size = r.abs();
    match kind {
        kind::ABSOLUTE => sign(r),
        kind::HUBER => r.min(parameter).max(-parameter),
        kind::LOG_COSH => {
            let q = r * r;
            if size < SMALL_RESIDUAL {
                r * (1.0 - q * (1.0 / 3.0 - q * (2.0 / 15.0 - q * (17.0 / 315.0 - q * (62.0 / 2835.0)))))
            } else {
                let e = (-2.0 * size).exp();
                sign(r) * (1.0 - e) / (1.0 + e)
            }
        }
        kind::QUANTILE => {
            if r > 0.0 {
                1.0 - parameter
            } else if r < 0.0 {
                -parameter
            } else {
                0.0
            }
        }
        kind::LOGISTIC => {
            // The smaller of the two probabilities: the other one is 1 but for it.
            let e = (-z.abs()).exp();
            let rare = e / (1.0 + e);
            if z > 0.0 { (1.0 - y) - rare } else { rare - y }
        }
        kind::POISSON => z.exp() - y,
        _ => squared_error_derivative(r),
    }
}

/// The cross-entropy of one logit a class, `y` being the right one's index. `outputs` become its derivatives; the
/// twin of `softmax` in `shaders/losses.wgsl`.
#[inline]
pub fn softmax(outputs: &mut [f32], y: f32) -> f32 {
    let class = y as usize;
    let largest = outputs.iter().copied().fold(outputs[0], f32::max);
    let behind = largest - outputs[class];
    // Of the wrong classes: a sure answer's loss is about this, and 1 less the right one's share would have lost it.
    let mut others = 0.0;
    for (k, output) in outputs.iter_mut().enumerate() {
        *output = (*output - largest).exp();
        others += if k == class { 0.0 } else { *output };
    }
    let own = outputs[class];
    let scale = 1.0 / (others + own);
    for output in outputs.iter_mut() {
        *output *= scale;
    }
    outputs[class] = -others * scale;
    behind + log_1p(others + (own - 1.0))
}

/// -1, 0 or 1.
#[inline(always)]
fn sign(x: f32) -> f32 {
    if x > 0.0 {
        1.0
    } else if x < 0.0 {
        -1.0
    } else {
        0.0
    }
}

/// `ln(1 + x)` for `x >= 0`; the twin of `log_1p` in `shaders/losses.wgsl`, which has no such function of its own.
#[inline(always)]
fn log_1p(x: f32) -> f32 {
    if x < 0.1 {
        x * (1.0 - x * (0.5 - x * (1.0 / 3.0 - x * (0.25 - x * (0.2 - x * (1.0 / 6.0))))))
    } else {
        (1.0 + x).ln()
    }
}
