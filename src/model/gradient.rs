//! The analytic gradient in f64, written for reading: the reference that every engine is held to.

use super::Layout;
use crate::choices::{Loss, Penalty};
use crate::dataset::Problem;

/// What a run minimizes: `L = c/m sum s_i l(z_i, y_i) + penalty(w)` over the `m` rows of a batch, `z` being the outputs
/// of the model ([`Layout::forward`]).
///
/// `s_i` is the sample weight of a row, or 0 where the row lies in the `fold` that is left out, and `c` compensates for
/// the rows left out: `n / sum s_i` over every row of the problem where there is such a fold, else 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Objective {
    /// `l`.
    pub loss: Loss,
    /// The penalty of the weights; biases have none.
    pub penalty: Penalty,
    /// The fold that is left out of training.
    pub fold: Option<u8>,
}

impl Objective {
    /// `L` over `rows` and its subgradient of least norm by every parameter, in the order of the `layout`.
    ///
    /// The gradient of a weight is `c/m sum s_i dl/dw + a (1 - q) w + a q sign(w)`. Where `w` is 0, the last term is the
    /// value within `a q` that brings the slope closest to 0 (which is 0 at the lasso's zeros).
    pub fn loss_and_gradient(
        &self,
        problem: &Problem,
        layout: &Layout,
        parameters: &[f64],
        rows: impl IntoIterator<Item = u32>,
    ) -> (f64, Vec<f64>) {
        let d = problem.n_features as usize;
        let mut loss = 0.0;
        let mut gradient = vec![0.0; parameters.len()];
        let mut slopes = vec![0.0; layout.n_outputs() as usize];
        let mut n_rows = 0.0;
        for row in rows {
            n_rows += 1.0;
            let i = row as usize;
            let share = self.share(problem, i);
            if share == 0.0 {
                continue;
            }
            let features: Vec<f64> = problem.features[i * d..][..d].iter().map(|x| f64::from(*x)).collect();
            let values = layout.forward(parameters, &features);
            let outputs = values.last().map_or(&features, |outputs| outputs);
            let target = f64::from(problem.targets[i]);
            loss += share * self.loss.value_and_slopes(outputs, target, &mut slopes);
            layout.backward(parameters, &features, &values, (&slopes, share), &mut gradient);
        }
        let scale = self.scale(problem) / n_rows;
        for slope in &mut gradient {
            *slope *= scale;
        }
        let Penalty { strength, l1_ratio } = self.penalty;
        for place in layout.places() {
            for j in place.weights {
                let weight = parameters[j];
                let slope = gradient[j] + strength * (1.0 - l1_ratio) * weight;
                gradient[j] = minimal_slope(slope, weight, strength * l1_ratio);
            }
        }
        (loss * scale + self.penalty.of(layout.weights(parameters).copied()), gradient)
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

/// The slope closest to 0 that `slope` plus the subgradient of `l1 |w|` can have at `weight`.
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
    layout: &Layout,
    parameters: &[f64],
    rows: impl IntoIterator<Item = u32>,
) -> (f64, Vec<f64>) {
    Objective::default().loss_and_gradient(problem, layout, parameters, rows)
}
