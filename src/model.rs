//! Models: their layers and parameters, what they predict, and their gradient.
//!
//! Only this module and the kernels know the positions of weights in the flat parameter vector.

use crate::choices::InitialWeights;
use crate::config::{MAX_FEATURES, ModelConfig};
use crate::dataset::{FeatureMap, Input, InputMap, Term};
use crate::message::{Code, Message, Result};
use crate::rng::{Rng, Stream};

mod forward;
pub mod gradient;
mod layers;
mod layout;

pub use crate::choices::{Activation, Response};
pub use layers::{LayerWeights, layers, parameters};
pub use layout::{Layer, Layout, Linear, Place};

/// The initial parameters of a run, which are the same for the same seed. Glorot's bound is `sqrt(6 /
/// (n_inputs + width))` for each layer (Glorot and Bengio 2010); biases are 0.
pub fn initial_parameters(initial: InitialWeights, layout: &Layout, seed: u32) -> Vec<f32> {
    let mut rng = Rng::new(seed, Stream::InitialWeights);
    let mut parameters = vec![0.0; layout.n_parameters() as usize];
    for place in layout.places() {
        let glorot = libm::sqrt(6.0 / (place.n_inputs as f64 + f64::from(place.layer.width)));
        for weight in &mut parameters[place.weights] {
            *weight = match initial {
                InitialWeights::Zero => 0.0,
                InitialWeights::Uniform => rng.uniform(-0.05, 0.05),
                InitialWeights::Normal => 0.05 * rng.normal(),
                InitialWeights::GlorotUniform => rng.uniform(-glorot, glorot),
            } as f32;
        }
    }
    parameters
}

/// The feature map of a model over these inputs.
///
/// # Errors
/// [`Code::NoSuchColumn`] if an interaction names a column that is not an input; [`Code::TooManyFeatures`].
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

/// The output of a linear model with a single output for one row of features. `parameters` are its weights,
/// then its bias if it has one.
pub fn output(parameters: &[f64], features: &[f64]) -> f64 {
    let dot: f64 = features.iter().zip(parameters).map(|(f, w)| f * w).sum();
    dot + parameters.get(features.len()).copied().unwrap_or(0.0)
}

/// Converts the parameters of one output to the units of inputs and target: see [`FeatureMap::to_original`].
/// The bias, if there is one, comes last.
pub fn to_original(map: &FeatureMap, parameters: &[f64]) -> Vec<f64> {
    let (weights, bias) = parameters.split_at(map.n_features());
    let (mut original, constant) = map.to_original(weights, bias.first().copied());
    if !bias.is_empty() {
        original.push(constant);
    }
    original
}

/// The name of each feature: `x`, `x^2`, `colour = red`, `width * height`.
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

/// Explains the prediction for a row: returns the prediction, its baseline, and the contribution of each
/// input. A contribution is the sum of `w_k f_k` over the input's features, where `f_k` is 0 at the mean of
/// the rows if features are standardized. Half of a product goes to each of its two inputs. Baseline and
/// contributions add up to the prediction.
pub fn explain(map: &FeatureMap, parameters: &[f64], x: &[f64]) -> (f64, f64, Vec<f64>) {
    let mut features = vec![0.0; map.n_features()];
    map.features(x, &mut features);
    let output = output(parameters, &features);
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
