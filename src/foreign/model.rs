use serde::Serialize;

use serde_json::Value;

use crate::dataset::{FeatureMap, Input, InputMap};
use crate::fields::read_fields;
use crate::message::{Code, Message, Result};
use crate::model::{self, Response};

/// A model that another tool trained, linear over features of raw inputs. `downhill-model-files` reads it
/// from a file.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "ForeignModel"))]
pub struct Model {
    /// The model's inputs, in the order of a row.
    pub inputs: Vec<Input>,
    /// Name of the target.
    pub target: String,
    /// Names of the target's classes; empty if they are unknown or the target is a number.
    pub target_levels: Vec<String>,
    /// The map from a row of inputs to features, scaling included.
    #[cfg_attr(test, ts(type = "unknown"))]
    pub map: FeatureMap,
    /// Weights of the scaled features, indexed `[feature][output]`.
    pub weights: Vec<Vec<f64>>,
    /// The bias of each output; `None` if the model has no bias.
    pub bias: Option<Vec<f64>>,
    /// The function that is applied to the outputs.
    pub activation: Response,
}

read_fields!(Model { inputs, target, target_levels, map, weights, bias, activation });

/// The weights of a model over unscaled features: powers, levels and products of raw inputs.
#[derive(Clone, Debug, PartialEq)]
pub struct Folded {
    /// Weights of the unscaled features, indexed `[feature][output]`.
    pub weights: Vec<Vec<f64>>,
    /// The bias of each output; 0 if the model has none.
    pub bias: Vec<f64>,
}

impl Model {
    /// Creates a model over unscaled features.
    pub fn of_folded(
        (inputs, target): (Vec<Input>, String),
        degrees: &[u32],
        interactions: Vec<[u32; 2]>,
        (weights, bias): (Vec<Vec<f64>>, Option<Vec<f64>>),
        activation: Response,
    ) -> Self {
        let maps = inputs.iter().zip(degrees).map(|(input, degree)| unscaled(input, *degree));
        let map = FeatureMap::new(maps.collect(), interactions);
        Self { inputs, target, target_levels: Vec::new(), map, weights, bias, activation }
    }

    /// Reads a model from JSON.
    ///
    /// # Errors
    /// [`Code::Internal`] if its parts are inconsistent; [`Code::WeightsNotFinite`].
    pub fn read(value: Value) -> Result<Self> {
        let wrong =
            |detail: &str| Message::new(Code::Internal).with("detail", format!("the model: {detail}"));
        let model: Self = serde_json::from_value(value).map_err(|error| wrong(&error.to_string()))?;
        let n_outputs = model.n_outputs();
        let levels = |(input, map): (&Input, &InputMap)| input.levels.len() == map.n_levels as usize;
        let fits = model.map.fits()
            && model.inputs.len() == model.map.n_inputs()
            && model.inputs.iter().zip(&model.map.inputs).all(levels)
            && n_outputs > 0
            && model.weights.len() == model.map.n_features()
            && model.weights.iter().all(|row| row.len() == n_outputs)
            && model.bias.as_ref().is_none_or(|bias| bias.len() == n_outputs);
        if !fits {
            return Err(wrong("its parts do not match"));
        }
        let mut numbers = model.weights.iter().chain(&model.bias).flatten();
        if !model.map.is_finite() || !numbers.all(|number| number.is_finite()) {
            return Err(Code::WeightsNotFinite.into());
        }
        Ok(model)
    }

    /// The number of outputs: one, or one for each class.
    pub fn n_outputs(&self) -> usize {
        self.weights.first().map_or(0, Vec::len)
    }

    /// The name of each feature: `x`, `x^2`, `colour = red`, `width * height`.
    pub fn term_names(&self) -> Vec<String> {
        model::term_names(&self.map, &self.inputs)
    }

    /// Returns the weights of the unscaled features. (The scaled weights are more precise if inputs are far
    /// from 0.)
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

    /// Computes the outputs for a row of inputs (a category as the index of its level), before the
    /// activation. `features` is scratch memory, as long as the number of features.
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

    /// Predicts a row: a number, a probability or a rate, or one probability for each class. `features` is
    /// scratch memory.
    pub fn predict(&self, x: &[f64], features: &mut [f64]) -> Vec<f64> {
        let mut outputs = self.outputs(x, features);
        self.activation.respond(&mut outputs);
        outputs
    }

    /// Whether any input or feature is scaled.
    pub fn is_scaled(&self) -> bool {
        let inputs = self.map.inputs.iter().any(|input| input.center != 0.0 || input.scale != 1.0);
        inputs || self.map.center.iter().any(|c| *c != 0.0) || self.map.scale.iter().any(|s| *s != 1.0)
    }

    /// Whether there are features that are powers above the first, or products.
    pub fn has_terms(&self) -> bool {
        !self.map.interactions.is_empty() || self.map.inputs.iter().any(|input| input.degree > 1)
    }

    /// Whether any input is a category.
    pub fn has_levels(&self) -> bool {
        self.inputs.iter().any(|input| !input.levels.is_empty())
    }

    /// Whether every feature is an unchanged input, without powers, levels and products.
    pub fn is_plain(&self) -> bool {
        !self.has_levels() && !self.has_terms()
    }
}

/// The map of an input to unscaled features: powers up to `degree`, or the levels of a category.
pub fn unscaled(input: &Input, degree: u32) -> InputMap {
    match input.levels.len() {
        0 => InputMap::number(degree),
        n_levels => InputMap::category(n_levels as u32),
    }
}
