// Losses, pointwise, as in src/choices/loss.rs.

fn squared_error(residual: f32) -> f32 {
    return residual * residual;
}

fn squared_error_derivative(residual: f32) -> f32 {
    return 2.0 * residual;
}
