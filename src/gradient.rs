//! The analytic gradient in f64, written for reading: the reference that every engine is held to.

use crate::dataset::Problem;

/// Mean squared error over `rows` and its gradient by every parameter (`w1..wd`, then `b` where there is one):
///
/// `L = 1/m sum (w x_i + b - y_i)^2`, `dL/dw_j = 2/m sum (w x_i + b - y_i) x_ij`, `dL/db = 2/m sum (w x_i + b - y_i)`.
pub fn loss_and_gradient(
    problem: &Problem,
    parameters: &[f64],
    rows: impl IntoIterator<Item = u32>,
) -> (f64, Vec<f64>) {
    let d = problem.n_features as usize;
    let mut loss = 0.0;
    let mut gradient = vec![0.0; parameters.len()];
    let mut n_rows = 0.0;
    for row in rows {
        let start = row as usize * d;
        let features = &problem.features[start..start + d];
        let mut prediction = parameters.get(d).copied().unwrap_or(0.0);
        for (feature, weight) in features.iter().zip(parameters) {
            prediction += f64::from(*feature) * weight;
        }
        let residual = prediction - f64::from(problem.targets[row as usize]);
        loss += residual * residual;
        for (slope, feature) in gradient.iter_mut().zip(features) {
            *slope += 2.0 * residual * f64::from(*feature);
        }
        if let Some(slope) = gradient.get_mut(d) {
            *slope += 2.0 * residual;
        }
        n_rows += 1.0;
    }
    for slope in &mut gradient {
        *slope /= n_rows;
    }
    (loss / n_rows, gradient)
}
