//! Every loss and its first two derivatives by the output, in f64.

use crate::loss::Loss;

/// The loss of a row: `z` are its outputs, `y` its target.
pub(crate) fn value(loss: Loss, z: &[f64], y: f64) -> f64 {
    let r = z[0] - y;
    match loss {
        Loss::Squared => r * r,
        Loss::Absolute => r.abs(),
        Loss::Huber { delta } if r.abs() <= delta => 0.5 * r * r,
        Loss::Huber { delta } => delta * (r.abs() - 0.5 * delta),
        // Without the overflow of cosh.
        Loss::LogCosh => r.abs() + libm::log1p(libm::exp(-2.0 * r.abs())) - std::f64::consts::LN_2,
        Loss::Quantile { tau } => (-tau * r).max((1.0 - tau) * r),
        Loss::Logistic => softplus(z[0]) - y * z[0],
        Loss::Softmax => log_sum_exp(z) - z[y as usize],
        Loss::Poisson => libm::exp(z[0]) - y * z[0],
    }
}

/// First and second derivative of a loss of one output that has them.
pub(crate) fn derivatives(loss: Loss, z: f64, y: f64) -> [f64; 2] {
    let r = z - y;
    match loss {
        Loss::Squared => [2.0 * r, 2.0],
        Loss::Huber { delta } if r.abs() <= delta => [r, 1.0],
        Loss::Huber { delta } => [delta.copysign(r), 0.0],
        Loss::LogCosh => {
            let slope = libm::tanh(r);
            // `1 - tanh^2` without cancelling.
            let tail = libm::exp(-2.0 * r.abs());
            [slope, 4.0 * tail / ((1.0 + tail) * (1.0 + tail))]
        }
        Loss::Logistic => {
            let p = sigmoid(z);
            [p - y, p * sigmoid(-z)]
        }
        Loss::Poisson => {
            let rate = libm::exp(z);
            [rate - y, rate]
        }
        // Of one output softmax is certain; the others are linear but for a kink.
        Loss::Softmax => [0.0, 0.0],
        Loss::Absolute => [1_f64.copysign(r), 0.0],
        Loss::Quantile { tau } => [if r < 0.0 { -tau } else { 1.0 - tau }, 0.0],
    }
}

/// `1 / (1 + e^-z)`.
pub(crate) fn sigmoid(z: f64) -> f64 {
    // Of a negative exponent, so that neither side overflows.
    if z >= 0.0 { 1.0 / (1.0 + libm::exp(-z)) } else { libm::exp(z) / (1.0 + libm::exp(z)) }
}

/// `ln(1 + e^z)`.
pub(crate) fn softplus(z: f64) -> f64 {
    z.max(0.0) + libm::log1p(libm::exp(-z.abs()))
}

/// `ln sum_k e^z_k`.
pub(crate) fn log_sum_exp(z: &[f64]) -> f64 {
    let largest = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    largest + libm::log(z.iter().map(|z| libm::exp(z - largest)).sum())
}

/// `e^z_k / sum_l e^z_l` of each class.
pub(crate) fn softmax(z: &[f64], probabilities: &mut [f64]) {
    let whole = log_sum_exp(z);
    for (p, z) in probabilities.iter_mut().zip(z) {
        *p = libm::exp(z - whole);
    }
}
