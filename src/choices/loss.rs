//! Losses: pointwise functions of an output and its target, averaged over the rows.
//!
//! In every formula `z` is the model's output `w x + b` before any link, `y` the target and `r = z - y`. Losses with a
//! link of their own (logistic, softmax, Poisson) take `z` as the logit or the log of the rate, so that one family of
//! generalized linear models needs one kernel: only the value and its derivative by `z` differ.

use serde::{Deserialize, Serialize};

use super::table::{Choice as _, Setting, choice};

choice! {
    /// What a run minimizes, for a row.
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub enum Loss = "loss" at "loss", tagged, needs Needs {
        /// `r^2`: its mean is the mean squared error, without a half.
        Squared = "squared", kernel SQUARED = 0, needs Needs { curvature: Some(2.0), ..Needs::NUMBER };

        /// `|r|`.
        Absolute = "absolute", kernel ABSOLUTE = 1, needs Needs::NUMBER;

        /// `r^2 / 2` where `|r| <= d`, else `d (|r| - d / 2)` (Huber 1964; PyTorch's `HuberLoss`), `d` being `delta`.
        Huber = "huber", kernel HUBER = 2, needs Needs { curvature: Some(1.0), ..Needs::NUMBER }, {
            /// Where it turns from a parabola into lines, in the units of the target.
            delta: f64 = 1.0, in 1e-6..=1e6;
        };

        /// `ln cosh r`.
        LogCosh = "log_cosh", kernel LOG_COSH = 3, needs Needs { curvature: Some(1.0), ..Needs::NUMBER };

        /// `max(t (y - z), (t - 1) (y - z))` (Koenker and Bassett 1978), `t` being `tau`.
        Quantile = "quantile", kernel QUANTILE = 4, needs Needs::NUMBER, {
            /// Fraction of the targets that are to lie below the prediction.
            tau: f64 = 0.5, in 0.001..=0.999;
        };

        /// `ln(1 + e^z) - y z`: binary cross-entropy of the logit, `y` being 0 or 1.
        Logistic = "logistic", kernel LOGISTIC = 5, needs Needs {
            targets: Targets::TwoClasses, response: Response::Sigmoid, curvature: Some(0.25),
        };

        /// `ln(sum_k e^z_k) - z_y`: cross-entropy of one logit a class, `y` being the index of the class.
        Softmax = "softmax", kernel SOFTMAX = 6, needs Needs {
            targets: Targets::Classes, response: Response::Softmax, curvature: Some(0.5),
        };

        /// `e^z - y z`: negative log-likelihood of a count but for what does not depend on the model (PyTorch's
        /// `PoissonNLLLoss` of the log of the rate).
        Poisson = "poisson", kernel POISSON = 7, needs Needs {
            targets: Targets::Counts, response: Response::Exponential, curvature: None,
        };

        /// `max(1 - t z, 0)^2`, `t` being -1 for class 0 and 1 for class 1 (Lee and Mangasarian 2001; scikit-learn's and
        /// Keras' `squared_hinge`). Class 1 is predicted where `z > 0`; there are no probabilities.
        SquaredHinge = "squared_hinge", kernel SQUARED_HINGE = 8, needs Needs {
            targets: Targets::TwoClasses, response: Response::Linear, curvature: Some(2.0),
        };
    }
}

/// What a loss asks of the targets, and what it means for the outputs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Needs {
    /// What the targets are.
    pub targets: Targets,
    /// The inverse of its link: what turns outputs into predictions.
    pub response: Response,
    /// The most that its second derivative by an output can be, of softmax the largest eigenvalue of that by all of them
    /// (Boehning 1992); `None` where there is no such bound or it says nothing (lines have none, `e^z` has no end).
    pub curvature: Option<f64>,
}

impl Needs {
    const NUMBER: Self = Self { targets: Targets::Numbers, response: Response::Linear, curvature: None };
}

/// What the targets of a loss are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Targets {
    /// Any number.
    Numbers,
    /// 0 or 1.
    TwoClasses,
    /// The index of a class.
    Classes,
    /// Counts from 0.
    Counts,
}

/// What is applied to the outputs of a model to get its predictions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Response {
    /// The identity.
    Linear,
    /// `1 / (1 + e^-z)`.
    Sigmoid,
    /// `e^z_k / sum_j e^z_j`.
    Softmax,
    /// `e^z`.
    Exponential,
}

impl Response {
    /// Turns a row's outputs into what they mean, in their place: a probability of each class (of [`Loss::Logistic`] of
    /// the second of two), the expected count of [`Loss::Poisson`]; else the outputs themselves. All but softmax act on
    /// each output by itself.
    pub fn respond(self, outputs: &mut [f64]) {
        match self {
            Self::Linear => {}
            Self::Sigmoid => outputs.iter_mut().for_each(|z| *z = 1.0 / (1.0 + libm::exp(-*z))),
            Self::Exponential => outputs.iter_mut().for_each(|z| *z = libm::exp(*z)),
            Self::Softmax => {
                let largest = outputs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                outputs.iter_mut().for_each(|z| *z = libm::exp(*z - largest));
                let sum: f64 = outputs.iter().sum();
                outputs.iter_mut().for_each(|z| *z /= sum);
            }
        }
    }

    /// A loss whose predictions come about in this way.
    pub const fn loss(self) -> Loss {
        match self {
            Self::Linear => Loss::Squared,
            Self::Sigmoid => Loss::Logistic,
            Self::Softmax => Loss::Softmax,
            Self::Exponential => Loss::Poisson,
        }
    }
}

impl Loss {
    /// What turns outputs into predictions.
    pub const fn response(&self) -> Response {
        self.needs().response
    }

    /// Turns a row's outputs into its predictions: see [`Response::respond`]. Where the loss [decides](Self::decides), a
    /// prediction is the class itself, 0 or 1.
    pub fn respond(&self, outputs: &mut [f64]) {
        if self.decides() {
            outputs.iter_mut().for_each(|z| *z = f64::from(*z > 0.0));
        } else {
            self.response().respond(outputs);
        }
    }

    /// Whether predictions are something other than outputs.
    pub fn bends(&self) -> bool {
        self.decides() || self.response() != Response::Linear
    }

    /// Whether its output is a score of the second of two classes, which is predicted above 0: there are no probabilities.
    pub fn decides(&self) -> bool {
        self.classifies() && self.response() == Response::Linear
    }

    /// Whether targets are classes.
    pub fn classifies(&self) -> bool {
        matches!(self.needs().targets, Targets::TwoClasses | Targets::Classes)
    }

    /// The best output of a model without features, given the mean of the targets: of two classes the fraction of the
    /// second, and neither that nor a count below `least`. `None` where it takes more than the mean.
    pub fn constant(&self, mean: f64, least: f64) -> Option<f64> {
        match self {
            Self::Squared | Self::Huber { .. } | Self::LogCosh => Some(mean),
            Self::Logistic => {
                let fraction = mean.clamp(least, 1.0 - least);
                Some(libm::log(fraction / (1.0 - fraction)))
            }
            Self::Poisson => Some(libm::log(mean.max(least))),
            Self::SquaredHinge => Some(2.0 * mean - 1.0),
            Self::Absolute | Self::Quantile { .. } | Self::Softmax => None,
        }
    }

    /// The number that kernels know it by.
    pub fn kind(&self) -> u32 {
        self.number()
    }

    /// `d` of Huber's, `t` of the quantile's, 0 of the others.
    pub fn parameter(&self) -> f64 {
        match self.settings().first() {
            Some(Setting::Number(value)) => *value,
            _ => 0.0,
        }
    }

    /// The loss of a row with these `outputs`, and into `slopes` its derivative by each: 0 where a kink leaves a choice.
    pub fn value_and_slopes(&self, outputs: &[f64], target: f64, slopes: &mut [f64]) -> f64 {
        if *self != Self::Softmax {
            let [value, slope, _] = self.value_and_derivatives(outputs[0], target);
            slopes[0] = slope;
            return value;
        }
        let largest = outputs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = outputs.iter().map(|z| libm::exp(z - largest)).sum();
        for (k, (slope, z)) in slopes.iter_mut().zip(outputs).enumerate() {
            let of_class = if k == target as usize { 1.0 } else { 0.0 };
            *slope = libm::exp(z - largest) / sum - of_class;
        }
        libm::log(sum) + largest - outputs[target as usize]
    }

    /// The loss of a row with the one output `z`, and its first two derivatives by it: 0 where a kink leaves a choice.
    ///
    /// In f64 and as the formulas stand, but for `ln(1 + e^z)` and its like, which may not overflow.
    pub fn value_and_derivatives(&self, z: f64, y: f64) -> [f64; 3] {
        let r = z - y;
        let sign = if r == 0.0 { 0.0 } else { libm::copysign(1.0, r) };
        match *self {
            Self::Squared => [r * r, 2.0 * r, 2.0],
            Self::Absolute => [r.abs(), sign, 0.0],
            Self::Huber { delta } if r.abs() <= delta => [r * r / 2.0, r, 1.0],
            Self::Huber { delta } => [delta * (r.abs() - delta / 2.0), delta * sign, 0.0],
            Self::LogCosh => {
                let tail = libm::exp(-2.0 * r.abs());
                let value = r.abs() + libm::log1p(tail) - std::f64::consts::LN_2;
                // `1 - tanh^2` without cancelling.
                [value, libm::tanh(r), 4.0 * tail / ((1.0 + tail) * (1.0 + tail))]
            }
            Self::Quantile { tau } => {
                let slope = if r > 0.0 { 1.0 - tau } else { -tau };
                [slope * r, if r == 0.0 { 0.0 } else { slope }, 0.0]
            }
            Self::Logistic => {
                let value = (z.max(0.0) - y * z) + libm::log1p(libm::exp(-z.abs()));
                [value, 1.0 / (1.0 + libm::exp(-z)) - y, sigmoid(z) * sigmoid(-z)]
            }
            Self::Poisson => [libm::exp(z) - y * z, libm::exp(z) - y, libm::exp(z)],
            Self::SquaredHinge => {
                let t = 2.0 * y - 1.0;
                let gap = (1.0 - t * z).max(0.0);
                [gap * gap, -2.0 * t * gap, if gap > 0.0 { 2.0 } else { 0.0 }]
            }
            // The only one of one class has no loss.
            Self::Softmax => [0.0; 3],
        }
    }
}

/// `1 / (1 + e^-z)`, of a negative exponent, so that neither side overflows.
pub(crate) fn sigmoid(z: f64) -> f64 {
    if z >= 0.0 { 1.0 / (1.0 + libm::exp(-z)) } else { libm::exp(z) / (1.0 + libm::exp(z)) }
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
pub const SMALL_RESIDUAL: f32 = 0.3;

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
        kind::SQUARED_HINGE => {
            let gap = 1.0 - (2.0 * y - 1.0) * z;
            // Unlike with `max`, a NaN stays one.
            if gap < 0.0 { 0.0 } else { gap * gap }
        }
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
        kind::SQUARED_HINGE => {
            let t = 2.0 * y - 1.0;
            let gap = 1.0 - t * z;
            if gap < 0.0 { 0.0 } else { -2.0 * t * gap }
        }
        _ => squared_error_derivative(r),
    }
}

/// The losses of rows of one output, each times what the row counts; outputs become slopes. `parameter` is
/// [`Loss::parameter`].
pub fn losses_and_slopes(kind: u32, parameter: f32, outputs: &mut [f32], ys: &[f32], shares: &[f32]) -> f64 {
    // A loop for each, so that the cheap ones run on vectors.
    let each = match kind {
        kind::ABSOLUTE => rows_of::<{ kind::ABSOLUTE }>,
        kind::HUBER => rows_of::<{ kind::HUBER }>,
        kind::LOG_COSH => rows_of::<{ kind::LOG_COSH }>,
        kind::QUANTILE => rows_of::<{ kind::QUANTILE }>,
        kind::LOGISTIC => rows_of::<{ kind::LOGISTIC }>,
        kind::POISSON => rows_of::<{ kind::POISSON }>,
        kind::SQUARED_HINGE => rows_of::<{ kind::SQUARED_HINGE }>,
        _ => rows_of::<{ kind::SQUARED }>,
    };
    each(parameter, outputs, ys, shares)
}

fn rows_of<const KIND: u32>(parameter: f32, outputs: &mut [f32], ys: &[f32], shares: &[f32]) -> f64 {
    let mut loss = 0.0;
    for ((output, y), share) in outputs.iter_mut().zip(ys).zip(shares) {
        let z = *output;
        // What does not count may be infinite.
        let counts = *share != 0.0;
        *output = if counts { share * loss_derivative(KIND, parameter, z, *y) } else { 0.0 };
        loss += f64::from(if counts { share * loss_value(KIND, parameter, z, *y) } else { 0.0 });
    }
    loss
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
