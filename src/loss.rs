//! Losses: pointwise functions of prediction and target, averaged over the rows.

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
