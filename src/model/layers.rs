//! A model's layers in the form in which files store them.

use serde::Serialize;

use super::Linear;
use crate::choices::{Loss, Response};
use crate::fields::read_fields;

/// The parameters of one layer as files store them. They are f32 values written as f64, so that a reader that
/// parses them as f64 makes the same predictions.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct LayerWeights {
    /// Weights of the layer, indexed `[input][output]`.
    pub kernel: Vec<Vec<f64>>,
    /// Bias of each output; absent if the layer has none.
    pub bias: Option<Vec<f64>>,
    /// The response function that turns outputs into predictions; files call it an activation.
    #[serde(rename = "activation")]
    pub response: Response,
}

read_fields!(LayerWeights { kernel, bias, response = "activation" });

/// Converts the flat parameters of a linear model to a list with its one layer.
pub fn layers(parameters: &[f32], linear: Linear, loss: &Loss) -> Vec<LayerWeights> {
    let (weights, bias) = linear.split(parameters);
    let wide = |values: &[f32]| values.iter().map(|w| f64::from(*w)).collect::<Vec<f64>>();
    let kernel = weights.chunks_exact(linear.n_outputs as usize).map(wide).collect();
    let bias = (!bias.is_empty()).then(|| wide(bias));
    vec![LayerWeights { kernel, bias, response: loss.response() }]
}

/// Converts layers to the flat parameters of a linear model; `None` unless they are a single layer with
/// `n_features` inputs and equally many outputs for each.
pub fn parameters(layers: &[LayerWeights], n_features: u32, bias: bool) -> Option<(Vec<f32>, Linear)> {
    let [layer] = layers else { return None };
    let n_outputs = layer.kernel.first()?.len();
    let has_bias = layer.bias.as_ref().is_some_and(|bias| bias.len() == n_outputs);
    let shaped =
        layer.kernel.len() == n_features as usize && layer.kernel.iter().all(|row| row.len() == n_outputs);
    if n_outputs == 0 || !shaped || has_bias != bias || (layer.bias.is_some() && !has_bias) {
        return None;
    }
    let flat = layer.kernel.iter().flatten().chain(layer.bias.iter().flatten());
    let linear = Linear { n_features, n_outputs: n_outputs as u32, bias };
    Some((flat.map(|w| *w as f32).collect(), linear))
}
