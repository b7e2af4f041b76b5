//! Predictions with the current weights.

use super::{Task, Trainer};
use crate::model;

/// A prediction, divided into a baseline and the contribution of each input.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The index of the output that is explained: the most probable class if there are several outputs.
    pub output: usize,
    /// The value of that output, before its link function: `baseline` plus all `contributions`.
    pub sum: f64,
    /// The value of the explained output (before its link function) if every feature is at its mean.
    pub baseline: f64,
    /// How much each input adds to the baseline, in the order of the inputs.
    pub contributions: Vec<f64>,
    /// The response computed from all outputs: see [`crate::choices::Loss::respond`].
    pub response: Vec<f64>,
}

/// The single number that a response stands for: its only value, or the index of the most probable class.
fn prediction(response: &[f64]) -> f64 {
    if response.len() == 1 { response[0] } else { most_probable(response) as f64 }
}

fn most_probable(response: &[f64]) -> usize {
    let places = 0..response.len();
    places.max_by(|a, b| response[*a].total_cmp(&response[*b])).unwrap_or(0)
}

impl Trainer {
    /// Predicts at `x` with a model that has a single input; input and result are in original units.
    pub fn predict(&self, x: f64) -> f64 {
        self.predict_row(&[x])
    }

    /// Predicts a row from its inputs in original units; a category is the index of its level. For several classes it
    /// is the index of the most probable one; for two, the probability of the second, or the class if the loss has no
    /// probabilities.
    pub fn predict_row(&self, x: &[f64]) -> f64 {
        self.predict_row_by(&self.parameters_f64(), x)
    }

    /// Does the same as [`Trainer::predict_row`] with other parameters, which are those of the scaled
    /// features.
    pub fn predict_row_by(&self, parameters: &[f64], x: &[f64]) -> f64 {
        let mut predicted = f64::NAN;
        self.respond(parameters, x, |_, response| predicted = prediction(response));
        predicted
    }

    /// Predicts many rows as [`Trainer::predict_row`] does. `x` is row-major, `predicted` receives one number
    /// per row.
    pub fn predict_rows(&self, x: &[f64], predicted: &mut [f64]) {
        let mut predicted = predicted.iter_mut();
        self.for_each_response(x, |_, response| {
            if let Some(predicted) = predicted.next() {
                *predicted = prediction(response);
            }
        });
    }

    /// Predicts many rows whose targets `y` are known. With several classes, each prediction is the
    /// probability of the true class.
    pub fn predict_known(&self, x: &[f64], y: &[f64], predicted: &mut [f64]) {
        self.for_each_response(x, |row, response| {
            predicted[row] = if response.len() == 1 { response[0] } else { response[y[row] as usize] };
        });
    }

    /// Calls `each` with the index and the response of every row of `x`: see
    /// [`crate::choices::Loss::respond`].
    pub fn for_each_response(&self, x: &[f64], each: impl FnMut(usize, &[f64])) {
        self.respond(&self.parameters_f64(), x, each);
    }

    /// Predicts at `x` with the optimal parameters of a model that has a single input; `None` if the model is
    /// not linear.
    pub fn predict_exactly(&self, x: f64) -> Option<f64> {
        let exact = self.task.exact.as_ref()?;
        Some(self.predict_row_by(&exact.solution.parameters, &[x]))
    }

    /// Predicts a row and attributes the prediction to its inputs; `None` if the model is not linear.
    pub fn explain_row(&self, x: &[f64]) -> Option<Explanation> {
        let linear = self.task.layout.as_linear()?;
        let mut response = Vec::new();
        self.for_each_response(x, |_, all| response = all.to_vec());
        let output = most_probable(&response);
        let parameters = &linear.by_output(&self.parameters_f64())[output];
        let (sum, baseline, contributions) = model::explain(&self.task.map, parameters, x);
        Some(Explanation { output, sum, baseline, contributions, response })
    }

    fn respond(&self, parameters: &[f64], x: &[f64], mut each: impl FnMut(usize, &[f64])) {
        let Task { map, layout, .. } = &self.task;
        let loss = self.plan.config().loss;
        let (mut features, mut outputs) = (vec![0.0; map.n_features()], Vec::new());
        for (row, x) in x.chunks_exact(map.n_inputs()).enumerate() {
            map.features(x, &mut features);
            layout.outputs(parameters, &features, &mut outputs);
            loss.respond(&mut outputs);
            each(row, &outputs);
        }
    }
}
