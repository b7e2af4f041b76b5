//! The effect of one input on the predictions of a model with given weights.

use serde::{Deserialize, Serialize};

use super::{Shown, Task, even_grid};
use crate::choices::Loss;
use crate::dataset::{Dataset, FeatureMap};
use crate::model::{self, Linear};

/// The input whose effect is requested, and the values at which the other inputs are fixed.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct EffectOf {
    /// The index of the input whose effect is requested.
    pub input: usize,
    /// The value of each input: a number, or the index of a level. `None` means the mean, or the most
    /// frequent level.
    pub at: Vec<Option<f64>>,
}

/// Predictions along one input while the others stay fixed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Effect {
    /// The index of the input that varies.
    pub input: usize,
    /// The value at which each input is fixed while another one varies.
    pub at: Vec<f64>,
    /// Values of the input at which predictions are computed; level indices for a category.
    pub grid: Vec<f64>,
    /// The prediction at each value of `grid`; with three or more classes, the probability of the first
    /// class.
    pub effect: Vec<f64>,
    /// With three or more classes, the probabilities indexed `[class][grid value]`; else empty.
    pub classes: Vec<Vec<f64>>,
    /// The value of the input in each row that is drawn.
    pub x: Vec<f64>,
    /// The partial residual of each drawn row: the prediction at its `x`, plus the row's residual.
    pub partial: Vec<f64>,
}

/// A model that predicts rows, with weights in the units of the inputs.
pub(super) struct Predictor<'a> {
    map: &'a FeatureMap,
    /// The weights of the first output, then its bias, then those of the next output, and so on.
    weights: &'a [f64],
    linear: Linear,
    loss: Loss,
}

impl<'a> Predictor<'a> {
    pub(super) fn new(map: &'a FeatureMap, weights: &'a [f64], linear: Linear, loss: Loss) -> Self {
        Self { map, weights, linear, loss }
    }

    pub(super) fn n_outputs(&self) -> usize {
        self.linear.n_outputs as usize
    }

    /// Whether the loss predicts classes without probabilities.
    pub(super) fn decides(&self) -> bool {
        self.loss.decides()
    }

    /// The prediction for a row of inputs: a number, a rate, the probability of the second class or of each
    /// class, or the class index.
    pub(super) fn predict(&self, x: &[f64]) -> Vec<f64> {
        self.respond(&self.outputs(x))
    }

    /// Converts the model's outputs to a prediction.
    pub(super) fn respond(&self, outputs: &[f64]) -> Vec<f64> {
        let mut response = outputs.to_vec();
        self.loss.respond(&mut response);
        response
    }

    /// The model's outputs for a row of inputs, before any link function.
    pub(super) fn outputs(&self, x: &[f64]) -> Vec<f64> {
        let mut features = vec![0.0; self.map.n_features()];
        self.map.features(x, &mut features);
        let of_output = |weights: &[f64]| model::output(weights, &features);
        self.linear.each_output(self.weights).map(of_output).collect()
    }

    /// Computes the effect of one input. `middle` has the value of each input that the page does not fix.
    /// `inputs` are those of the drawn `rows`, row-major.
    pub(super) fn effect(
        &self,
        dataset: &Dataset,
        of: &EffectOf,
        middle: &[f64],
        (inputs, rows): (&[f64], &Shown),
        task: Task,
    ) -> Effect {
        let n_inputs = dataset.n_inputs();
        let chosen = |j: usize| of.at.get(j).copied().flatten().filter(|value| value.is_finite());
        let at: Vec<f64> = (0..n_inputs).map(|j| chosen(j).unwrap_or(middle[j])).collect();
        let mut row = at.clone();
        let mut along = |value: f64| {
            row[of.input] = value;
            self.predict(&row)
        };
        let grid: Vec<f64> = match dataset.inputs[of.input].levels.len() {
            0 => even_grid(dataset.summary().x_ranges[of.input]),
            n_levels => (0..n_levels).map(|level| level as f64).collect(),
        };
        let predicted: Vec<Vec<f64>> = grid.iter().map(|value| along(*value)).collect();
        let of_output = |k: usize| predicted.iter().map(|outputs| outputs[k]).collect();
        let effect = of_output(0);
        let n_classes = if task == Task::Classes { self.n_outputs() } else { 0 };
        let classes = (0..n_classes).map(of_output).collect();
        // A row of one class or the other has no residual to add to a probability.
        let has_partial = !matches!(task, Task::Binary | Task::Classes);
        let x: Vec<f64> =
            inputs.iter().skip(of.input).step_by(n_inputs).copied().filter(|_| has_partial).collect();
        let residuals = rows.actual.iter().zip(&rows.fitted).map(|(actual, fitted)| actual - fitted);
        let partial = x.iter().zip(residuals).map(|(x, residual)| along(*x)[0] + residual).collect();
        Effect { input: of.input, at, grid, effect, classes, x, partial }
    }
}

/// Collects the mean of each numeric input and the level counts of each category.
pub(super) struct Centre {
    n: f64,
    sums: Vec<f64>,
    counts: Vec<Vec<u32>>,
}

impl Centre {
    pub(super) fn new(dataset: &Dataset) -> Self {
        let counts = dataset.inputs.iter().map(|input| vec![0; input.levels.len()]).collect();
        Self { n: 0.0, sums: vec![0.0; dataset.n_inputs()], counts }
    }

    pub(super) fn add(&mut self, x: &[f64]) {
        self.n += 1.0;
        for ((sum, counts), x) in self.sums.iter_mut().zip(&mut self.counts).zip(x) {
            match counts.get_mut(*x as usize) {
                Some(count) => *count += 1,
                None => *sum += x,
            }
        }
    }

    /// For each input, its mean or its most frequent level.
    pub(super) fn middle(&self) -> Vec<f64> {
        let most = |counts: &Vec<u32>| (0..counts.len()).rev().max_by_key(|level| counts[*level]);
        let of = |(sum, counts): (&f64, &Vec<u32>)| match most(counts) {
            Some(level) => level as f64,
            None => sum / self.n.max(1.0),
        };
        self.sums.iter().zip(&self.counts).map(of).collect()
    }
}
