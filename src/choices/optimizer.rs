//! Update rules: how a gradient changes the weights. PyTorch's conventions and defaults unless a rule says otherwise.
//!
//! In every formula `w` is a parameter, `g` its gradient, `r` the learning rate, `t` the number of updates since the
//! optimizer was chosen, counted from 1; `m` and `v` are the moments that live beside each parameter and start at zero.

use super::table::{Choice as _, choice};

choice! {
    /// An update rule with its parameters.
    #[derive(Clone, Debug, PartialEq)]
    pub enum Optimizer = "optimizer" at "optimizer", tagged, needs Needs {
        /// `w <- w - r g` (Robbins and Monro 1951).
        Sgd = "sgd", kernel SGD = 0, needs Needs::NOTHING;

        /// `m <- b m + g; w <- w - r m` (Polyak 1964), `b` being `momentum`.
        Momentum = "momentum", kernel MOMENTUM = 1, needs Needs { first_moment: true, ..Needs::NOTHING }, {
            /// Fraction of the velocity that a step keeps.
            momentum: f64 = 0.9, in 0.0..=0.9999;
        };

        /// `m <- b m + g; w <- w - r (g + b m)` (Nesterov 1983 in the form of Sutskever et al. 2013).
        Nesterov = "nesterov", kernel NESTEROV = 2, needs Needs { first_moment: true, ..Needs::NOTHING }, {
            /// Fraction of the velocity that a step keeps.
            momentum: f64 = 0.9, in 0.0..=0.9999;
        };

        /// `v <- v + g^2; w <- w - r g / (sqrt(v) + e)` (Duchi, Hazan and Singer 2011).
        AdaGrad = "ada_grad", kernel ADA_GRAD = 3, needs Needs::SECOND_MOMENT, {
            /// `e`, against division by zero.
            epsilon: f64 = 1e-10, in 1e-15..=1.0;
        };

        /// `v <- a v + (1 - a) g^2; w <- w - r g / (sqrt(v) + e)` (Tieleman and Hinton 2012).
        RmsProp = "rms_prop", kernel RMS_PROP = 4, needs Needs::SECOND_MOMENT, {
            /// `a`, the fraction of the mean square that a step keeps.
            alpha: f64 = 0.99, in 0.0..=0.999_999;
            /// `e`, against division by zero.
            epsilon: f64 = 1e-8, in 1e-15..=1.0;
        };

        /// `m <- b1 m + (1 - b1) g; v <- b2 v + (1 - b2) g^2;`
        /// `w <- w - r (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + e)` (Kingma and Ba 2015).
        Adam = "adam", kernel ADAM = 5, needs Needs::BOTH_CORRECTED, {
            /// `b1`, of the mean.
            beta1: f64 = 0.9, in 0.0..=0.9999;
            /// `b2`, of the mean square.
            beta2: f64 = 0.999, in 0.0..=0.999_999;
            /// `e`, against division by zero.
            epsilon: f64 = 1e-8, in 1e-15..=1.0;
        };

        /// `w <- w - r d w`, then as Adam (Loshchilov and Hutter 2019), `d` being `weight_decay`. As in PyTorch's
        /// default parameter group the bias decays too.
        AdamW = "adam_w", kernel ADAM_W = 6, needs Needs::BOTH_CORRECTED, {
            /// `b1`, of the mean.
            beta1: f64 = 0.9, in 0.0..=0.9999;
            /// `b2`, of the mean square.
            beta2: f64 = 0.999, in 0.0..=0.999_999;
            /// `e`, against division by zero.
            epsilon: f64 = 1e-8, in 1e-15..=1.0;
            /// `d`, decoupled from the gradient.
            weight_decay: f64 = 0.01, in 0.0..=10.0;
        };

        /// `c = b1 m + (1 - b1) g; w <- w - r (sign(c) + d w); m <- b2 m + (1 - b2) g` (Chen et al. 2023), `sign(0)` being
        /// 0 and `d` `weight_decay`, by which the bias decays too.
        Lion = "lion", kernel LION = 7, needs Needs { first_moment: true, is_adaptive: true, ..Needs::NOTHING }, {
            /// `b1`, of the mean that gives the step its sign.
            beta1: f64 = 0.9, in 0.0..=0.9999;
            /// `b2`, of the mean that is kept.
            beta2: f64 = 0.99, in 0.0..=0.999_999;
            /// `d`, decoupled from the gradient.
            weight_decay: f64 = 0.0, in 0.0..=10.0;
        };
    }
}

/// What an update rule keeps for each parameter, and what it is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs {
    /// Whether it keeps `m`.
    pub first_moment: bool,
    /// Whether it keeps `v`.
    pub second_moment: bool,
    /// Whether [`Optimizer::corrections`] are ever other than 1.
    pub corrections: bool,
    /// Whether the length of a step follows something other than the size of the gradient, so that curvature says
    /// nothing of the rate.
    pub is_adaptive: bool,
}

impl Needs {
    const NOTHING: Self =
        Self { first_moment: false, second_moment: false, corrections: false, is_adaptive: false };
    const SECOND_MOMENT: Self = Self { second_moment: true, is_adaptive: true, ..Self::NOTHING };
    const BOTH_CORRECTED: Self = Self { first_moment: true, corrections: true, ..Self::SECOND_MOMENT };
}

impl Optimizer {
    /// The rule as the flat parameters that kernels take.
    pub fn rule(&self) -> Rule {
        let base = Rule { kind: self.number(), beta1: 0.0, beta2: 0.0, epsilon: 0.0, weight_decay: 0.0 };
        match *self {
            Self::Sgd => base,
            Self::Momentum { momentum } | Self::Nesterov { momentum } => {
                Rule { beta1: momentum as f32, ..base }
            }
            Self::AdaGrad { epsilon } => Rule { epsilon: epsilon as f32, ..base },
            Self::RmsProp { alpha, epsilon } => Rule { beta2: alpha as f32, epsilon: epsilon as f32, ..base },
            Self::Adam { beta1, beta2, epsilon } => {
                Rule { beta1: beta1 as f32, beta2: beta2 as f32, epsilon: epsilon as f32, ..base }
            }
            Self::AdamW { beta1, beta2, epsilon, weight_decay } => Rule {
                beta1: beta1 as f32,
                beta2: beta2 as f32,
                epsilon: epsilon as f32,
                weight_decay: weight_decay as f32,
                ..base
            },
            Self::Lion { beta1, beta2, weight_decay } => {
                Rule { beta1: beta1 as f32, beta2: beta2 as f32, weight_decay: weight_decay as f32, ..base }
            }
        }
    }

    /// `1 - b1^t` and `1 - b2^t` of update `t` (from 1), in f64 because they cancel for small `t`; 1 where a rule has
    /// no such correction.
    pub fn corrections(&self, t: u64) -> (f64, f64) {
        match *self {
            Self::Adam { beta1, beta2, .. } | Self::AdamW { beta1, beta2, .. } => {
                (1.0 - libm::pow(beta1, t as f64), 1.0 - libm::pow(beta2, t as f64))
            }
            _ => (1.0, 1.0),
        }
    }

    /// The fraction of the velocity kept by momentum and Nesterov.
    pub fn momentum(&self) -> Option<f64> {
        match *self {
            Self::Momentum { momentum } | Self::Nesterov { momentum } => Some(momentum),
            _ => None,
        }
    }
}

/// An update rule as kernels take it: which formula, and its numbers in f32.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rule {
    /// One of [`kind`].
    pub kind: u32,
    /// Momentum, or Adam's `b1`.
    pub beta1: f32,
    /// RMSProp's `a`, or Adam's `b2`.
    pub beta2: f32,
    /// `e`.
    pub epsilon: f32,
    /// `d`.
    pub weight_decay: f32,
}

/// One parameter and its moments.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parameter {
    /// `w`.
    pub weight: f32,
    /// `m`.
    pub first_moment: f32,
    /// `v`.
    pub second_moment: f32,
}

/// One update of one parameter; the twin of `optimize` in `shaders/optimizer.wgsl`.
///
/// `correction1` and `correction2` are [`Optimizer::corrections`] of this update.
#[inline]
pub fn optimize(
    rule: &Rule,
    p: Parameter,
    gradient: f32,
    rate: f32,
    correction1: f32,
    correction2: f32,
) -> Parameter {
    let Parameter { weight, first_moment: m, second_moment: v } = p;
    match rule.kind {
        kind::MOMENTUM => {
            let m = rule.beta1 * m + gradient;
            Parameter { weight: weight - rate * m, first_moment: m, second_moment: v }
        }
        kind::NESTEROV => {
            let m = rule.beta1 * m + gradient;
            Parameter {
                weight: weight - rate * (gradient + rule.beta1 * m),
                first_moment: m,
                second_moment: v,
            }
        }
        kind::ADA_GRAD => {
            let v = v + gradient * gradient;
            let weight = weight - rate * gradient / (v.sqrt() + rule.epsilon);
            Parameter { weight, first_moment: m, second_moment: v }
        }
        kind::RMS_PROP => {
            let v = rule.beta2 * v + (1.0 - rule.beta2) * gradient * gradient;
            let weight = weight - rate * gradient / (v.sqrt() + rule.epsilon);
            Parameter { weight, first_moment: m, second_moment: v }
        }
        kind::ADAM | kind::ADAM_W => {
            let m = rule.beta1 * m + (1.0 - rule.beta1) * gradient;
            let v = rule.beta2 * v + (1.0 - rule.beta2) * gradient * gradient;
            let decayed = weight - rate * rule.weight_decay * weight;
            let denominator = v.sqrt() / correction2.sqrt() + rule.epsilon;
            let weight = decayed - rate / correction1 * m / denominator;
            Parameter { weight, first_moment: m, second_moment: v }
        }
        kind::LION => {
            let mean = rule.beta1 * m + (1.0 - rule.beta1) * gradient;
            let m = rule.beta2 * m + (1.0 - rule.beta2) * gradient;
            let weight = weight - rate * rule.weight_decay * weight - rate * sign(mean);
            Parameter { weight, first_moment: m, second_moment: v }
        }
        _ => Parameter { weight: weight - rate * gradient, first_moment: m, second_moment: v },
    }
}

/// [`optimize`] with a proximal step for an L1 penalty of slope `l1` after it (Parikh and Boyd 2014): weights shrink by
/// `l1` times the rate that they moved at, and those that it would carry past 0 are 0. The twin of `optimize_sparsely`
/// in `shaders/optimizer.wgsl`.
///
/// That rate is `r` of SGD and momentum, `r / (sqrt(v) + e)` where a rule has its own for each parameter. Momentum is a
/// heavy ball: `w' = shrink(w - r (b m + g), r l1); m <- (w - w') / r`. Nesterov's weights are those it looks ahead to:
/// `x = shrink(w - r g, r l1); m' = (w + r b m - x) / r; w' = x - r b m'`. Both forget the velocity of what stays 0.
/// Lion takes the sign of the smallest subgradient of `c w + l1 |w|`, so that it still moves by `r`, and stops at 0.
#[inline]
pub fn optimize_sparsely(
    rule: &Rule,
    p: Parameter,
    gradient: f32,
    rate: f32,
    correction1: f32,
    correction2: f32,
    l1: f32,
) -> Parameter {
    let plain = optimize(rule, p, gradient, rate, correction1, correction2);
    if l1 == 0.0 || rate == 0.0 {
        return plain;
    }
    let scale = match rule.kind {
        // Beyond the kink the penalty is a slope like any other, which saves a division by the rate.
        kind::MOMENTUM if plain.weight.abs() > rate * l1 => {
            return optimize(rule, p, gradient + l1.copysign(plain.weight), rate, correction1, correction2);
        }
        kind::MOMENTUM => return Parameter { weight: 0.0, first_moment: p.weight / rate, ..p },
        kind::NESTEROV => {
            let reached = p.weight - rate * gradient;
            if reached.abs() > rate * l1 {
                return optimize(rule, p, gradient + l1.copysign(reached), rate, correction1, correction2);
            }
            let ahead = rate * rule.beta1;
            let m = (p.weight + ahead * p.first_moment) / rate;
            return Parameter { weight: -ahead * m, first_moment: m, ..p };
        }
        kind::ADA_GRAD | kind::RMS_PROP => 1.0 / (plain.second_moment.sqrt() + rule.epsilon),
        kind::ADAM | kind::ADAM_W => 1.0 / (plain.second_moment.sqrt() / correction2.sqrt() + rule.epsilon),
        kind::LION => {
            let mean = rule.beta1 * p.first_moment + (1.0 - rule.beta1) * gradient;
            let slope = if p.weight == 0.0 { shrink(mean, l1) } else { mean + l1.copysign(p.weight) };
            let weight = p.weight - rate * rule.weight_decay * p.weight - rate * sign(slope);
            let crosses = sign(weight) * sign(p.weight) < 0.0;
            return Parameter { weight: if crosses { 0.0 } else { weight }, ..plain };
        }
        _ => 1.0,
    };
    Parameter { weight: shrink(plain.weight, rate * scale * l1), ..plain }
}

/// Nearer to 0 by `threshold`, and 0 within it.
#[inline]
fn shrink(weight: f32, threshold: f32) -> f32 {
    if weight.abs() <= threshold { 0.0 } else { weight - threshold.copysign(weight) }
}

/// -1, 0 or 1.
#[inline]
fn sign(x: f32) -> f32 {
    if x == 0.0 { 0.0 } else { 1_f32.copysign(x) }
}
