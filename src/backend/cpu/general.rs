//! Loss and gradient for any loss, any number of outputs, and rows with sample weights.
//!
//! Rows are taken in groups that stay in the nearest cache: first their outputs, then loss and
//! slopes pointwise, then the gradient. Sums are f32 within a fold of rows and f64 beyond it, as in
//! [`super::fused`].

use super::fused::{add_scaled, dot};
use crate::backend::kernel::{RunParams, RunSettings, StepParams, VALIDATE};
use crate::choices::loss::{kind, losses_and_slopes, softmax};
use crate::dataset::Problem;
use crate::model::Layout;

/// Number of rows whose sums are kept in f32 (a fold).
const FOLD_ROWS: usize = 512;
/// Target for the number of feature values in a group of rows.
const GROUP_NUMBERS: usize = 4096;
/// Minimum and maximum number of rows per group.
const GROUP_ROWS: [usize; 2] = [4, 64];
/// Number of rows whose contributions to a gradient entry are added at once, so that the entry is read and
/// written less often.
const ROWS_AT_ONCE: usize = 4;

/// The settings of the current step, and scratch memory that is kept so that steps allocate nothing.
#[derive(Debug, Default)]
pub(super) struct General {
    loss: u32,
    loss_parameter: f32,
    n_features: usize,
    n_outputs: usize,
    /// The fold that the run is not trained on; the next field states whether only this fold's rows count.
    fold: u32,
    validates: bool,
    /// A copy of the weights, indexed `[output][feature]`.
    weights: Vec<f32>,
    bias: Vec<f32>,
    /// Sums of a fold by weight, indexed `[output][feature]`.
    by_weight: Vec<f32>,
    /// For each row of a group, its outputs, which are later replaced by slopes (derivatives of the loss);
    /// then its weight.
    outputs: Vec<f32>,
    shares: Vec<f32>,
    /// The model, if it has hidden layers; else `None`.
    network: Option<Network>,
}

/// A model with hidden layers.
#[derive(Debug)]
struct Network {
    layout: Layout,
    parameters: Vec<f64>,
}

impl General {
    /// Sets what the next step uses: model, loss, settings and parameters.
    pub(super) fn begin(
        &mut self,
        layout: &Layout,
        params: &RunParams,
        settings: &RunSettings,
        step: &StepParams,
        parameters: &[f32],
    ) {
        (self.loss, self.loss_parameter) = (params.loss, params.loss_parameter);
        (self.n_features, self.n_outputs) = (layout.n_features() as usize, layout.n_outputs() as usize);
        (self.fold, self.validates) = (settings.fold, step.flags & VALIDATE != 0);
        let Some(linear) = layout.as_linear() else {
            let parameters = parameters.iter().map(|parameter| f64::from(*parameter)).collect();
            self.network = Some(Network { layout: layout.clone(), parameters });
            return;
        };
        let (weights, bias) = linear.split(parameters);
        let n_outputs = self.n_outputs;
        self.weights.clear();
        for k in 0..n_outputs {
            self.weights.extend(weights[k..].iter().step_by(n_outputs));
        }
        self.bias.clear();
        self.bias.extend_from_slice(bias);
        self.bias.resize(n_outputs, 0.0);
        self.by_weight.clear();
        self.by_weight.resize(weights.len(), 0.0);
    }

    /// Adds the rows' gradient, in the order of the parameters, and their loss (last) to `sums`. `indices`
    /// has the index of each row in the problem; `features` and `targets` have the rows themselves,
    /// consecutively.
    pub(super) fn accumulate(
        &mut self,
        problem: &Problem,
        mut indices: impl Iterator<Item = u32>,
        features: &[f32],
        targets: &[f32],
        sums: &mut [f64],
    ) {
        if let Some(network) = self.network.take() {
            self.accumulate_network(&network, problem, indices, (features, targets), sums);
            self.network = Some(network);
            return;
        }
        let (d, n_outputs) = (self.n_features, self.n_outputs);
        let [least, most] = GROUP_ROWS;
        let group_rows = (GROUP_NUMBERS / d).clamp(least, most);
        let (by_weight, rest) = sums.split_at_mut(d * n_outputs);
        for (xs, ys) in features.chunks(FOLD_ROWS * d).zip(targets.chunks(FOLD_ROWS)) {
            self.by_weight.fill(0.0);
            for (xs, ys) in xs.chunks(group_rows * d).zip(ys.chunks(group_rows)) {
                self.share(problem, ys.len(), &mut indices);
                self.predict(xs);
                let loss = self.slopes(ys);
                if let Some((total, by_bias)) = rest.split_last_mut() {
                    *total += loss;
                    for slopes in self.outputs.chunks_exact(n_outputs) {
                        for (by_bias, slope) in by_bias.iter_mut().zip(slopes) {
                            *by_bias += f64::from(*slope);
                        }
                    }
                }
                self.collect(xs);
            }
            for (k, own) in self.by_weight.chunks_exact(d).enumerate() {
                for (sum, partial) in by_weight[k..].iter_mut().step_by(n_outputs).zip(own) {
                    *sum += f64::from(*partial);
                }
            }
        }
    }

    /// Does the same as `accumulate` for a model with hidden layers, row by row through the reference
    /// implementation: slow, and exact except that the loss is in f32.
    fn accumulate_network(
        &mut self,
        network: &Network,
        problem: &Problem,
        mut indices: impl Iterator<Item = u32>,
        (features, targets): (&[f32], &[f32]),
        sums: &mut [f64],
    ) {
        let Network { layout, parameters } = network;
        let Some((total, gradient)) = sums.split_last_mut() else { return };
        for (x, y) in features.chunks_exact(self.n_features).zip(targets) {
            self.share(problem, 1, &mut indices);
            let x: Vec<f64> = x.iter().map(|x| f64::from(*x)).collect();
            let values = layout.forward(parameters, &x);
            self.outputs.clear();
            self.outputs.extend(values.last().into_iter().flatten().map(|output| *output as f32));
            *total += self.slopes(&[*y]);
            let slopes: Vec<f64> = self.outputs.iter().map(|slope| f64::from(*slope)).collect();
            layout.backward(parameters, &x, &values, (&slopes, 1.0), gradient);
        }
    }

    /// Computes the weights of the next `n` rows, 0 for rows that the run leaves out.
    fn share(&mut self, problem: &Problem, n: usize, indices: &mut impl Iterator<Item = u32>) {
        self.shares.clear();
        if problem.weights.is_empty() && problem.folds.is_empty() {
            self.shares.resize(n, 1.0);
            return;
        }
        let (fold, validates) = (self.fold, self.validates);
        self.shares.extend(indices.take(n).map(|row| {
            let row = row as usize;
            let held_out = problem.folds.get(row).is_some_and(|own| u32::from(*own) == fold);
            let weight = problem.weights.get(row).copied().unwrap_or(1.0);
            if held_out == validates { weight } else { 0.0 }
        }));
    }

    /// Computes the outputs `z = W'x + b` of a group of rows.
    fn predict(&mut self, xs: &[f32]) {
        let (d, n_outputs) = (self.n_features, self.n_outputs);
        self.outputs.clear();
        if let ([b], 1) = (self.bias.as_slice(), n_outputs) {
            let (weights, b) = (self.weights.as_slice(), *b);
            match weights {
                [w] => self.outputs.extend(xs.iter().map(|x| w * x + b)),
                _ => self.outputs.extend(xs.chunks_exact(d).map(|x| dot(x, weights) + b)),
            }
            return;
        }
        for x in xs.chunks_exact(d) {
            let outputs = self.weights.chunks_exact(d).zip(&self.bias);
            self.outputs.extend(outputs.map(|(weights, b)| dot(x, weights) + b));
        }
    }

    /// Returns the summed loss of a group of rows, and replaces their outputs by slopes (derivatives of the
    /// loss).
    fn slopes(&mut self, ys: &[f32]) -> f64 {
        if self.loss == kind::SOFTMAX {
            return self.slopes_of_classes(ys);
        }
        losses_and_slopes(self.loss, self.loss_parameter, &mut self.outputs, ys, &self.shares)
    }

    fn slopes_of_classes(&mut self, ys: &[f32]) -> f64 {
        let mut loss = 0.0;
        for ((outputs, y), share) in self.outputs.chunks_exact_mut(self.n_outputs).zip(ys).zip(&self.shares) {
            if *share == 0.0 {
                outputs.fill(0.0);
                continue;
            }
            loss += f64::from(share * softmax(outputs, *y));
            for slope in outputs {
                *slope *= share;
            }
        }
        loss
    }

    /// Adds the gradient of a group of rows, computed from their slopes.
    fn collect(&mut self, xs: &[f32]) {
        let (d, n_outputs) = (self.n_features, self.n_outputs);
        for (k, by_weight) in self.by_weight.chunks_exact_mut(d).enumerate() {
            let slope = |row: usize| self.outputs[row * n_outputs + k];
            let groups = xs.chunks_exact(ROWS_AT_ONCE * d);
            let rest = groups.remainder();
            let done = xs.len() / d - rest.len() / d;
            for (i, rows) in groups.enumerate() {
                let [a, b, c, e]: [f32; ROWS_AT_ONCE] =
                    std::array::from_fn(|row| slope(i * ROWS_AT_ONCE + row));
                let [xa, xb, xc, xe]: [&[f32]; ROWS_AT_ONCE] =
                    std::array::from_fn(|row| &rows[row * d..][..d]);
                for (j, sum) in by_weight.iter_mut().enumerate() {
                    *sum += (a * xa[j] + b * xb[j]) + (c * xc[j] + e * xe[j]);
                }
            }
            for (i, x) in rest.chunks_exact(d).enumerate() {
                add_scaled(by_weight, slope(done + i), x);
            }
        }
    }
}

/// Adds the slope of the L2 penalty to `gradient` and returns the value of the whole penalty, as `average` in
/// `shaders/penalized.wgsl` does.
pub(super) fn penalize(
    settings: &RunSettings,
    is_weight: &[bool],
    parameters: &[f32],
    gradient: &mut [f32],
) -> f32 {
    let (mut absolute, mut square) = (0.0, 0.0);
    let slopes = gradient.iter_mut().zip(parameters).zip(is_weight);
    for ((slope, weight), _) in slopes.filter(|(_, is_weight)| **is_weight) {
        *slope += settings.l2 * weight;
        absolute += f64::from(weight.abs());
        square += f64::from(weight * weight);
    }
    (f64::from(settings.l1) * absolute + 0.5 * f64::from(settings.l2) * square) as f32
}
