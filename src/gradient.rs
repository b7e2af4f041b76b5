//! The analytic gradient in f64, written for reading: the reference that every engine is held to.

use crate::choices::{Loss, Penalty};
use crate::dataset::Problem;
use crate::model;

/// What a run minimizes: `L = c/m sum s_i l(z_i, y_i) + penalty(w)` over the `m` rows of a batch, `z = W'x + b`.
///
/// `s_i` is the row's weight, or 0 where it lies in the `fold` that is left out, and `c` makes up for what is left out:
/// `n / sum s_i` over every row of the problem where there is such a fold, else 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Objective {
    /// `l`.
    pub loss: Loss,
    /// Of the weights; the bias is never penalized.
    pub penalty: Penalty,
    /// The part of the rows that is not trained on.
    pub fold: Option<u8>,
}

impl Objective {
    /// `L` over `rows`, and of its subgradients the one of least norm, by every parameter: `dL/dW_jk`, a row a feature,
    /// then `dL/db_k`, both laid out as in [`crate::model`].
    ///
    /// `dL/dW_jk = c/m sum s_i dl/dz_k x_ij + a (1 - q) w + a q sign(w)`. Where `w` is 0 the last term is whatever
    /// within `a q` brings the slope nearest to 0 (0 in the minimum, which the lasso's zeros are).
    pub fn loss_and_gradient(
        &self,
        problem: &Problem,
        parameters: &[f64],
        rows: impl IntoIterator<Item = u32>,
    ) -> (f64, Vec<f64>) {
        let (d, n_outputs) = (problem.n_features as usize, problem.n_outputs as usize);
        let (weights, bias) = model::split(parameters, problem.n_features, problem.n_outputs);
        let mut loss = 0.0;
        let mut gradient = vec![0.0; parameters.len()];
        let (mut outputs, mut slopes) = (vec![0.0; n_outputs], vec![0.0; n_outputs]);
        let mut n_rows = 0.0;
        for row in rows {
            n_rows += 1.0;
            let i = row as usize;
            let share = self.share(problem, i);
            if share == 0.0 {
                continue;
            }
            let features = &problem.features[i * d..][..d];
            for (k, output) in outputs.iter_mut().enumerate() {
                *output = bias.get(k).copied().unwrap_or(0.0);
                for (j, feature) in features.iter().enumerate() {
                    *output += f64::from(*feature) * weights[j * n_outputs + k];
                }
            }
            let target = f64::from(problem.targets[i]);
            loss += share * self.loss.value_and_slopes(&outputs, target, &mut slopes);
            for (k, slope) in slopes.iter().enumerate() {
                for (j, feature) in features.iter().enumerate() {
                    gradient[j * n_outputs + k] += share * slope * f64::from(*feature);
                }
                if let Some(by_bias) = gradient.get_mut(d * n_outputs + k) {
                    *by_bias += share * slope;
                }
            }
        }
        let scale = self.scale(problem) / n_rows;
        for slope in &mut gradient {
            *slope *= scale;
        }
        let Penalty { strength, l1_ratio } = self.penalty;
        for (slope, weight) in gradient.iter_mut().zip(weights) {
            *slope += strength * (1.0 - l1_ratio) * weight;
            *slope = minimal_slope(*slope, *weight, strength * l1_ratio);
        }
        (loss * scale + self.penalty.of(weights.iter().copied()), gradient)
    }

    /// `s_i`.
    fn share(&self, problem: &Problem, row: usize) -> f64 {
        if self.fold.is_some() && problem.folds.get(row).copied() == self.fold {
            return 0.0;
        }
        problem.weights.get(row).map_or(1.0, |weight| f64::from(*weight))
    }

    /// `c`.
    fn scale(&self, problem: &Problem) -> f64 {
        if self.fold.is_none() {
            return 1.0;
        }
        let sum: f64 = (0..problem.n_samples as usize).map(|row| self.share(problem, row)).sum();
        f64::from(problem.n_samples) / sum
    }
}

/// The slope nearest to 0 that `slope` and `l1 |w|` have together at `weight`.
fn minimal_slope(slope: f64, weight: f64, l1: f64) -> f64 {
    if weight != 0.0 {
        slope + l1 * libm::copysign(1.0, weight)
    } else {
        libm::copysign((slope.abs() - l1).max(0.0), slope)
    }
}

/// Mean squared error over `rows` and its gradient: [`Objective::loss_and_gradient`] of the default.
pub fn loss_and_gradient(
    problem: &Problem,
    parameters: &[f64],
    rows: impl IntoIterator<Item = u32>,
) -> (f64, Vec<f64>) {
    Objective::default().loss_and_gradient(problem, parameters, rows)
}
