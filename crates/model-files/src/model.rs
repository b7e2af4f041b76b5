//! What every format holds: a linear model over features of raw inputs, and what its outputs mean.

use downhill::dataset::{FeatureMap, Input, InputMap};
use downhill::model::{self, Response};
use serde::Serialize;

/// A model that takes a row in the user's units: numbers as they are, categories as words.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Model {
    /// What a row gives, in its order.
    pub inputs: Vec<Input>,
    /// What the target is called.
    pub target: String,
    /// Names of its classes; none where it is a number.
    pub target_levels: Vec<String>,
    /// From a row to the features, scaling included.
    pub map: FeatureMap,
    /// `[feature][output]`, of the scaled features.
    pub weights: Vec<Vec<f64>>,
    /// One an output; none where the model has none.
    pub bias: Option<Vec<f64>>,
    /// What is made of the outputs.
    pub activation: Response,
}

/// The same model over features that are not scaled: powers, levels and products of the raw inputs.
#[derive(Clone, Debug, PartialEq)]
pub struct Folded {
    /// `[feature][output]`.
    pub weights: Vec<Vec<f64>>,
    /// One an output; zeros where the model has none.
    pub bias: Vec<f64>,
}

impl Model {
    /// A model of features that are not scaled.
    pub fn of_folded(
        (inputs, target): (Vec<Input>, String),
        degrees: &[u32],
        interactions: Vec<[u32; 2]>,
        (weights, bias): (Vec<Vec<f64>>, Option<Vec<f64>>),
        activation: Response,
    ) -> Self {
        let maps = inputs.iter().zip(degrees).map(|(input, degree)| map_of(input, *degree));
        let map = FeatureMap::new(maps.collect(), interactions);
        Self { inputs, target, target_levels: Vec::new(), map, weights, bias, activation }
    }

    /// Outputs: one, or one a class.
    pub fn n_outputs(&self) -> usize {
        self.weights.first().map_or(0, Vec::len)
    }

    /// What each feature is called: `x`, `x^2`, `colour = red`, `width * height`.
    pub fn term_names(&self) -> Vec<String> {
        model::term_names(&self.map, &self.inputs)
    }

    /// Scaling taken into the weights. Beside it, what is scaled keeps more digits where inputs lie far from 0.
    pub fn folded(&self) -> Folded {
        let mut folded = Folded { weights: vec![Vec::new(); self.weights.len()], bias: Vec::new() };
        for output in 0..self.n_outputs() {
            let own: Vec<f64> = self.weights.iter().map(|row| row[output]).collect();
            let bias = self.bias.as_ref().map_or(0.0, |bias| bias[output]);
            let (weights, constant) = self.map.to_original(&own, Some(bias));
            for (row, weight) in folded.weights.iter_mut().zip(weights) {
                row.push(weight);
            }
            folded.bias.push(constant);
        }
        folded
    }

    /// What the model says of a row (a category as the index of its level), before anything is made of it: one number an
    /// output. `features` is scratch, as long as the map has features.
    pub fn outputs(&self, x: &[f64], features: &mut [f64]) -> Vec<f64> {
        self.map.features(x, features);
        let mut outputs = self.bias.clone().unwrap_or_else(|| vec![0.0; self.n_outputs()]);
        for (feature, weights) in features.iter().zip(&self.weights) {
            for (output, weight) in outputs.iter_mut().zip(weights) {
                *output += feature * weight;
            }
        }
        outputs
    }

    /// What they mean: a number, a probability or a rate, or one probability a class.
    pub fn predict(&self, x: &[f64], features: &mut [f64]) -> Vec<f64> {
        let mut outputs = self.outputs(x, features);
        match self.activation {
            Response::Linear => {}
            Response::Sigmoid => outputs.iter_mut().for_each(|z| *z = 1.0 / (1.0 + (-*z).exp())),
            Response::Exponential => outputs.iter_mut().for_each(|z| *z = z.exp()),
            Response::Softmax => {
                let largest = outputs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                outputs.iter_mut().for_each(|z| *z = (*z - largest).exp());
                let sum: f64 = outputs.iter().sum();
                outputs.iter_mut().for_each(|z| *z /= sum);
            }
        }
        outputs
    }

    /// Whether a number is scaled anywhere.
    pub fn is_scaled(&self) -> bool {
        let inputs = self.map.inputs.iter().any(|input| input.center != 0.0 || input.scale != 1.0);
        inputs || self.map.center.iter().any(|c| *c != 0.0) || self.map.scale.iter().any(|s| *s != 1.0)
    }

    /// Whether every feature is an input as it is: no power, no level, no product.
    pub fn is_plain(&self) -> bool {
        self.map.interactions.is_empty()
            && self.map.inputs.iter().all(|input| input.n_levels == 0 && input.degree == 1)
    }
}

/// What becomes of an input where nothing is scaled.
pub(crate) fn map_of(input: &Input, degree: u32) -> InputMap {
    match input.levels.len() {
        0 => InputMap::number(degree),
        n_levels => InputMap::category(n_levels as u32),
    }
}
