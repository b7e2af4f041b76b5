//! The model: how parameters are laid out, and what they predict.
//!
//! A model is a list of layers, each a kernel `[in, out]` and a bias; linear regression is the list of one with one
//! output. Only this module, [`crate::gradient`] and the kernels look inside.

use serde::{Deserialize, Serialize};

use crate::config::InitialWeights;
use crate::dataset::FeatureMap;
use crate::rng::{Rng, Stream};

/// One layer's parameters. They are f32, written as the f64 that equals them, so that whoever reads the digits as f64
/// predicts the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    /// `[in, out]`: a row an input.
    pub kernel: Vec<Vec<f64>>,
    /// One an output; absent where the layer has none.
    pub bias: Option<Vec<f64>>,
    /// What is applied to the outputs; `linear` is the identity.
    pub activation: Activation,
}

/// What is applied to a layer's outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// The identity.
    Linear,
}

/// The flat parameters `w1..wd, b` as layers.
pub fn layers(parameters: &[f32], n_features: u32) -> Vec<Layer> {
    let (weights, bias) = parameters.split_at(n_features as usize);
    let bias = if bias.is_empty() { None } else { Some(bias.iter().map(|b| f64::from(*b)).collect()) };
    let kernel = weights.iter().map(|w| vec![f64::from(*w)]).collect();
    vec![Layer { kernel, bias, activation: Activation::Linear }]
}

/// Layers as the flat parameters `w1..wd, b`; `None` where they are not one layer of `n_features` to one.
pub fn parameters(layers: &[Layer], n_features: u32, bias: bool) -> Option<Vec<f32>> {
    let [layer] = layers else { return None };
    let has_bias = layer.bias.as_ref().is_some_and(|bias| bias.len() == 1);
    let shaped = layer.kernel.len() == n_features as usize && layer.kernel.iter().all(|row| row.len() == 1);
    if !shaped || has_bias != bias || (layer.bias.is_some() && !has_bias) {
        return None;
    }
    Some(layer.kernel.iter().flatten().chain(layer.bias.iter().flatten()).map(|w| *w as f32).collect())
}

/// Where a run starts from: the same for the same seed.
pub fn initial_parameters(initial: InitialWeights, n_features: u32, bias: bool, seed: u32) -> Vec<f32> {
    let mut rng = Rng::new(seed, Stream::InitialWeights);
    let glorot = libm::sqrt(6.0 / f64::from(n_features + 1));
    let weights = (0..n_features).map(|_| match initial {
        InitialWeights::Zero => 0.0,
        InitialWeights::Uniform => rng.uniform(-0.05, 0.05),
        InitialWeights::Normal => 0.05 * rng.normal(),
        InitialWeights::GlorotUniform => rng.uniform(-glorot, glorot),
    });
    let mut parameters: Vec<f32> = weights.map(|w| w as f32).collect();
    if bias {
        parameters.push(0.0);
    }
    parameters
}

/// What the model says at `x`, in f64 through the feature map, so that nothing cancels that need not.
pub fn predict(map: &FeatureMap, parameters: &[f64], x: f64) -> f64 {
    let degree = map.degree as usize;
    let mut features = [0.0; crate::config::MAX_DEGREE as usize];
    map.features(x, &mut features[..degree]);
    let dot: f64 = features[..degree].iter().zip(parameters).map(|(f, w)| f * w).sum();
    dot + parameters.get(degree).copied().unwrap_or(0.0)
}

/// Parameters of the scaled features in the units of x and y: coefficients of x, x^2, ..., then the bias if there is
/// one.
pub fn to_original(map: &FeatureMap, parameters: &[f64]) -> Vec<f64> {
    let (weights, bias) = parameters.split_at(map.degree as usize);
    let (mut original, constant) = map.to_original(weights, bias.first().copied());
    if !bias.is_empty() {
        original.push(constant);
    }
    original
}
