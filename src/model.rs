//! The model: how parameters are laid out, and what they predict.
//!
//! A model is a list of layers, each a kernel `[in, out]` and a bias; linear regression is the list of one with one
//! output. Only this module, [`crate::gradient`] and the kernels look inside.

use serde::{Deserialize, Serialize};

pub use crate::choices::Response as Activation;
use crate::choices::{InitialWeights, Loss};
use crate::config::{MAX_FEATURES, ModelConfig};
use crate::dataset::{FeatureMap, Input, InputMap, Term};
use crate::message::{Code, Message, Result};
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

/// Flat parameters as the weights, `w_jk` of feature `j` and output `k` at `j * n_outputs + k`, and the biases, one an
/// output or none.
pub fn split<T>(parameters: &[T], n_features: u32, n_outputs: u32) -> (&[T], &[T]) {
    parameters.split_at(n_features as usize * n_outputs as usize)
}

/// The flat parameters, a row of weights a feature and then the biases, as layers.
pub fn layers(parameters: &[f32], n_features: u32, n_outputs: u32, loss: &Loss) -> Vec<Layer> {
    let (weights, bias) = parameters.split_at((n_features * n_outputs) as usize);
    let wide = |values: &[f32]| values.iter().map(|w| f64::from(*w)).collect::<Vec<f64>>();
    let kernel = weights.chunks_exact(n_outputs as usize).map(wide).collect();
    let bias = (!bias.is_empty()).then(|| wide(bias));
    vec![Layer { kernel, bias, activation: loss.response() }]
}

/// Layers as the flat parameters, and how many outputs they have; `None` where they are not one layer of `n_features` to
/// as many outputs everywhere.
pub fn parameters(layers: &[Layer], n_features: u32, bias: bool) -> Option<(Vec<f32>, u32)> {
    let [layer] = layers else { return None };
    let n_outputs = layer.kernel.first()?.len();
    let has_bias = layer.bias.as_ref().is_some_and(|bias| bias.len() == n_outputs);
    let shaped =
        layer.kernel.len() == n_features as usize && layer.kernel.iter().all(|row| row.len() == n_outputs);
    if n_outputs == 0 || !shaped || has_bias != bias || (layer.bias.is_some() && !has_bias) {
        return None;
    }
    let flat = layer.kernel.iter().flatten().chain(layer.bias.iter().flatten());
    Some((flat.map(|w| *w as f32).collect(), n_outputs as u32))
}

/// Where a run starts from: the same for the same seed. Glorot's bound is `sqrt(6 / (n_features + n_outputs))` (Glorot
/// and Bengio 2010); biases are 0.
pub fn initial_parameters(
    initial: InitialWeights,
    (n_features, n_outputs): (u32, u32),
    bias: bool,
    seed: u32,
) -> Vec<f32> {
    let mut rng = Rng::new(seed, Stream::InitialWeights);
    let glorot = libm::sqrt(6.0 / f64::from(n_features + n_outputs));
    let weights = (0..n_features * n_outputs).map(|_| match initial {
        InitialWeights::Zero => 0.0,
        InitialWeights::Uniform => rng.uniform(-0.05, 0.05),
        InitialWeights::Normal => 0.05 * rng.normal(),
        InitialWeights::GlorotUniform => rng.uniform(-glorot, glorot),
    });
    let mut parameters: Vec<f32> = weights.map(|w| w as f32).collect();
    if bias {
        parameters.resize(parameters.len() + n_outputs as usize, 0.0);
    }
    parameters
}

/// What the model makes of a row's inputs.
///
/// # Errors
/// [`Code::NoSuchColumn`] where an interaction names a column that is no input; [`Code::TooManyFeatures`].
pub fn feature_map(model: &ModelConfig, inputs: &[Input]) -> Result<FeatureMap> {
    let of = |input: &Input| {
        let own = model.degrees.iter().find(|(name, _)| *name == input.name);
        match input.levels.len() {
            0 => InputMap::number(own.map_or(model.degree, |(_, degree)| *degree)),
            n_levels => InputMap::category(n_levels as u32),
        }
    };
    let place = |name: &String| {
        let found = inputs.iter().position(|input| input.name == *name);
        found.map(|place| place as u32).ok_or_else(|| Message::new(Code::NoSuchColumn).with("column", name))
    };
    let pair = |[a, b]: &[String; 2]| Ok([place(a)?, place(b)?]);
    let interactions = model.interactions.iter();
    let pairs = interactions.map(pair).collect::<Result<Vec<[u32; 2]>>>()?;
    let maps: Vec<InputMap> = inputs.iter().map(of).collect();
    match FeatureMap::count(&maps, &pairs) {
        Some(n) if n <= MAX_FEATURES => Ok(FeatureMap::new(maps, pairs)),
        _ => Err(Message::new(Code::TooManyFeatures).with("limit", MAX_FEATURES)),
    }
}

/// The parameters of one output as those of a model of its own: its weights, then its bias if there is one.
pub fn of_output(parameters: &[f64], n_outputs: usize, output: usize) -> Vec<f64> {
    parameters.iter().skip(output).step_by(n_outputs).copied().collect()
}

/// What the model says of a row's inputs, in f64 through the feature map, so that nothing cancels that need not.
/// `features` is scratch, as long as the map has features.
pub fn predict(map: &FeatureMap, parameters: &[f64], x: &[f64], features: &mut [f64]) -> f64 {
    map.features(x, features);
    let dot: f64 = features.iter().zip(parameters).map(|(f, w)| f * w).sum();
    dot + parameters.get(features.len()).copied().unwrap_or(0.0)
}

/// Parameters of the scaled features in the units of inputs and target: see [`FeatureMap::to_original`]; the bias is
/// the last, if there is one.
pub fn to_original(map: &FeatureMap, parameters: &[f64]) -> Vec<f64> {
    let (weights, bias) = parameters.split_at(map.n_features());
    let (mut original, constant) = map.to_original(weights, bias.first().copied());
    if !bias.is_empty() {
        original.push(constant);
    }
    original
}

/// What each feature is called: `x`, `x^2`, `colour = red`, `width * height`.
pub fn term_names(map: &FeatureMap, inputs: &[Input]) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(map.n_features());
    for term in map.terms() {
        names.push(match term {
            Term::Power { input, power: 1 } => inputs[input].name.clone(),
            Term::Power { input, power } => format!("{}^{power}", inputs[input].name),
            Term::Level { input, level } => {
                format!(
                    "{} = {}",
                    inputs[input].name,
                    inputs[input].levels.get(level).map_or("", String::as_str)
                )
            }
            Term::Product { of: [a, b] } => format!("{} * {}", names[a], names[b]),
        });
    }
    names
}

/// What the model says of a row, from a baseline and what each input adds: `w_k f_k` of its features, `f_k` being 0 at
/// the rows' mean where the features are standardized; a product's share goes to both of its inputs in halves. All of it
/// adds up to the prediction.
pub fn explain(map: &FeatureMap, parameters: &[f64], x: &[f64]) -> (f64, f64, Vec<f64>) {
    let mut features = vec![0.0; map.n_features()];
    let output = predict(map, parameters, x, &mut features);
    let baseline = parameters.get(features.len()).copied().unwrap_or(0.0);
    let mut contributions = vec![0.0; map.n_inputs()];
    let terms = map.terms();
    for (k, term) in terms.iter().enumerate() {
        let share = parameters[k] * features[k];
        match *term {
            Term::Power { input, .. } | Term::Level { input, .. } => contributions[input] += share,
            Term::Product { of } => {
                for feature in of {
                    if let Term::Power { input, .. } | Term::Level { input, .. } = terms[feature] {
                        contributions[input] += 0.5 * share;
                    }
                }
            }
        }
    }
    (output, baseline, contributions)
}
