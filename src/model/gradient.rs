//! The analytic gradient in f64, written for readability. Engines are tested against this reference.

use super::Layout;
use crate::choices::{Loss, Penalty};
use crate::dataset::Problem;

/// The function that a run minimizes: `L = c/m sum s_i l(z_i, y_i) + penalty(w)` over the `m` rows of a
/// batch, where `z_i` are the outputs of the model ([`Layout::forward`]) and `y_i` is the target.
///
/// `s_i` is the sample weight of a row, or 0 if the row is in the left-out `fold`. `c` compensates for rows
/// left out: `n / sum s_i` over all rows of the problem if a fold is left out, else 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Objective {
    /// The loss of a row, `l` in the formula.
    pub loss: Loss,
    /// The penalty of the weights; biases are not penalized.
    pub penalty: Penalty,
    /// The fold that is left out of training, if any.
    pub fold: Option<u8>,
}

impl Objective {
    /// Returns `L` over `rows`, and its subgradient of smallest magnitude by every parameter, in the order of
    /// `layout`.
    ///
    /// The gradient by a weight `w` is `c/m sum s_i dl/dw + a (1 - q) w + a q sign(w)`, where `a` is the
    /// strength of the penalty and `q` its L1 ratio. Where `w` is 0, the last term is the value between
    /// `-a q` and `a q` that brings the sum closest to 0.
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

    /// The factor `s_i` of a row: its sample weight, or 0 if its fold is left out.
    fn share(&self, problem: &Problem, row: usize) -> f64 {
        if self.fold.is_some() && problem.folds.get(row).copied() == self.fold {
            return 0.0;
        }
        problem.weights.get(row).map_or(1.0, |weight| f64::from(*weight))
    }

    /// The factor `c` that compensates for the rows of a left-out fold.
    fn scale(&self, problem: &Problem) -> f64 {
        if self.fold.is_none() {
            return 1.0;
        }
        let sum: f64 = (0..problem.n_samples as usize).map(|row| self.share(problem, row)).sum();
        f64::from(problem.n_samples) / sum
    }
}

/// The subgradient with the smallest magnitude of a function with slope `slope` plus `l1 |w|`, at `weight`.
fn minimal_slope(slope: f64, weight: f64, l1: f64) -> f64 {
    if weight != 0.0 {
        slope + l1 * libm::copysign(1.0, weight)
    } else {
        libm::copysign((slope.abs() - l1).max(0.0), slope)
    }
}

/// Mean squared error over `rows` and its gradient: [`Objective::loss_and_gradient`] of the default
/// objective.
pub fn loss_and_gradient(
    problem: &Problem,
    layout: &Layout,
    parameters: &[f64],
    rows: impl IntoIterator<Item = u32>,
) -> (f64, Vec<f64>) {
    Objective::default().loss_and_gradient(problem, layout, parameters, rows)
}
