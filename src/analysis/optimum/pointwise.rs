//! The loss of a single row, and its derivatives by the model's outputs, in f64.

use crate::choices::Loss;

/// The loss of a row with outputs `z` and target `y`.
pub(crate) fn value(loss: Loss, z: &[f64], y: f64) -> f64 {
    match loss {
        Loss::Softmax => log_sum_exp(z) - z[y as usize],
        _ => loss.value_and_derivatives(z[0], y)[0],
    }
}

/// First and second derivative by `z` of a loss with a single output `z` and target `y`.
pub(crate) fn derivatives(loss: Loss, z: f64, y: f64) -> [f64; 2] {
    let [_, slope, curvature] = loss.value_and_derivatives(z, y);
    [slope, curvature]
}

/// Computes `ln sum_k e^z_k` of the outputs `z` without overflow.
pub(crate) fn log_sum_exp(z: &[f64]) -> f64 {
    let largest = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    largest + libm::log(z.iter().map(|z| libm::exp(z - largest)).sum())
}

/// `e^z_k / sum_l e^z_l` for each class.
pub(crate) fn softmax(z: &[f64], probabilities: &mut [f64]) {
    let whole = log_sum_exp(z);
    for (p, z) in probabilities.iter_mut().zip(z) {
        *p = libm::exp(z - whole);
    }
}
