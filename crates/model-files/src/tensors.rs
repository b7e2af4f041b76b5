//! Interprets named arrays as one linear layer, for all formats that are archives of tensors.

use downhill::config::MAX_FEATURES;
use downhill::dataset::{FeatureMap, Input, InputMap};
use downhill::message::{Code, Message, Result};
use downhill::model::Response;
use serde::{Deserialize, Serialize};

use downhill::foreign::Model;

/// The maximum number of outputs, which is the maximum number of classes of a table.
const MAX_OUTPUTS: usize = 1_000;
/// The number of names that a message lists.
const MAX_LISTED: usize = 6;

/// The weights, indexed `[feature][output]`, and the bias of each output.
pub(crate) type Parameters = (Vec<Vec<f64>>, Option<Vec<f64>>);

/// The name and dimensions of an array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
}

/// The indices of the arrays that form the layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chosen {
    /// The index of the array of weights.
    pub(crate) weights: usize,
    /// The index of the array of biases, if there is one.
    pub(crate) bias: Option<usize>,
    pub(crate) n_features: usize,
    pub(crate) n_outputs: usize,
    /// Whether the weights are indexed `[output][input]`, as in PyTorch and scikit-learn.
    by_output: bool,
}

/// The role of an array, as its name implies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Weights indexed `[output][input]`.
    ByOutput,
    /// Weights indexed `[input][output]`.
    ByFeature,
    /// The bias of each output.
    Bias,
    /// Any other role.
    Other,
}

impl Role {
    /// Determines the role from the last part of the name, as in `0.weight` or `dense/kernel:0`.
    pub(crate) fn of(name: &str) -> Self {
        let name = name.strip_suffix(":0").unwrap_or(name);
        match name.rsplit(['.', '/']).next().unwrap_or(name) {
            "weight" | "coef_" | "coef" => Self::ByOutput,
            "kernel" | "W" | "w" | "weights" => Self::ByFeature,
            "bias" | "b" | "intercept_" | "intercept" => Self::Bias,
            _ => Self::Other,
        }
    }

    /// Whether the name does not determine the orientation of the weights.
    fn is_loose(name: &str) -> bool {
        matches!(name.rsplit(['.', '/']).next(), Some("W" | "w" | "weights"))
    }
}

/// Chooses the arrays that form the layer.
///
/// # Errors
/// [`Code::ModelTooDeep`] if there are others, [`Code::ModelShape`] if their shapes do not match,
/// [`Code::ModelTooLarge`].
pub(crate) fn choose(format: &str, arrays: &[Named]) -> Result<Chosen> {
    let with = |wanted: &[Role]| {
        let fits = |(_, array): &(usize, &Named)| wanted.contains(&Role::of(&array.name));
        arrays.iter().enumerate().filter(fits).map(|(index, _)| index).collect::<Vec<usize>>()
    };
    let [weights] = with(&[Role::ByOutput, Role::ByFeature])[..] else {
        return Err(too_deep(format, arrays));
    };
    let bias = match with(&[Role::Bias])[..] {
        [] => None,
        [bias] => Some(bias),
        _ => return Err(too_deep(format, arrays)),
    };
    if !with(&[Role::Other]).is_empty() {
        return Err(too_deep(format, arrays));
    }
    let Named { name, shape } = &arrays[weights];
    let n_biases = match bias.map(|bias| &arrays[bias]) {
        None => None,
        Some(Named { shape, .. }) if shape.iter().filter(|n| **n != 1).count() <= 1 => {
            Some(shape.iter().product::<usize>())
        }
        Some(bias) => return Err(misshapen(bias, "[outputs]")),
    };
    let by_output = match (Role::of(name), &shape[..]) {
        // There is no convention for these names, so the length of the bias decides.
        (_, [a, b]) if Role::is_loose(name) && n_biases.is_some_and(|n| n == *a && n != *b) => true,
        (role, _) => role == Role::ByOutput,
    };
    let (n_features, n_outputs) = match (shape[..].as_ref(), by_output) {
        ([], _) => (1, 1),
        ([n], _) => (*n, 1),
        ([a, b], true) => (*b, *a),
        ([a, b], false) => (*a, *b),
        (_, true) => return Err(misshapen(&arrays[weights], "[outputs, features]")),
        (_, false) => return Err(misshapen(&arrays[weights], "[features, outputs]")),
    };
    if n_features > MAX_FEATURES || n_outputs > MAX_OUTPUTS {
        return Err(Message::new(Code::ModelTooLarge)
            .with("format", format)
            .with("detail", format!("\"{}\" is {}", cut(name), shape_text(shape)))
            .with("limit", format!("{MAX_FEATURES} features and {MAX_OUTPUTS} classes")));
    }
    if n_features == 0 || n_outputs == 0 {
        return Err(misshapen(&arrays[weights], "at least one feature and one output"));
    }
    match (bias, n_biases) {
        (Some(bias), Some(n)) if n != n_outputs => Err(misshapen(&arrays[bias], &format!("[{n_outputs}]"))),
        _ => Ok(Chosen { weights, bias, n_features, n_outputs, by_output }),
    }
}

impl Chosen {
    /// Converts the values of the arrays to weights indexed `[feature][output]`, and biases.
    ///
    /// # Errors
    /// [`Code::ModelNotFinite`].
    pub(crate) fn layer(
        &self,
        arrays: &[Named],
        weights: &[f64],
        bias: Option<Vec<f64>>,
    ) -> Result<Parameters> {
        let both = [(Some(self.weights), Some(weights)), (self.bias, bias.as_deref())];
        for (index, values) in both {
            if let (Some(index), Some(values)) = (index, values)
                && !values.iter().all(|value| value.is_finite())
            {
                return Err(Message::new(Code::ModelNotFinite).with("name", cut(&arrays[index].name)));
            }
        }
        let at = |feature: usize, output: usize| {
            let index = if self.by_output {
                output * self.n_features + feature
            } else {
                feature * self.n_outputs + output
            };
            weights[index]
        };
        let row = |feature| (0..self.n_outputs).map(|output| at(feature, output)).collect();
        Ok(((0..self.n_features).map(row).collect(), bias))
    }
}

/// Formats a shape for error messages.
pub(crate) fn shape_text(shape: &[usize]) -> String {
    let sizes: Vec<String> = shape.iter().map(ToString::to_string).collect();
    format!("[{}]", sizes.join(", "))
}

/// Shortens a name for error messages.
pub(crate) fn cut(name: &str) -> String {
    name.chars().take(60).collect()
}

fn misshapen(array: &Named, expected: &str) -> Message {
    Message::new(Code::ModelShape)
        .with("name", cut(&array.name))
        .with("found", shape_text(&array.shape))
        .with("expected", expected)
}

fn too_deep(format: &str, arrays: &[Named]) -> Message {
    if arrays.is_empty() {
        return Message::new(Code::ModelUnsupported).with("format", format).with("found", "no weights");
    }
    let mut found: Vec<String> = arrays
        .iter()
        .take(MAX_LISTED)
        .map(|array| format!("\"{}\" {}", cut(&array.name), shape_text(&array.shape)))
        .collect();
    if arrays.len() > MAX_LISTED {
        found.push(format!("and {} more", arrays.len() - MAX_LISTED));
    }
    Message::new(Code::ModelTooDeep).with("found", found.join(", "))
}

/// Metadata, stored as text, that complete the arrays to a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Layout {
    /// The tool that wrote the file.
    pub(crate) producer: String,
    inputs: Vec<LayoutInput>,
    interactions: Vec<[u32; 2]>,
    target: String,
    target_levels: Vec<String>,
    activation: Response,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LayoutInput {
    name: String,
    levels: Vec<String>,
    degree: u32,
}

impl Layout {
    pub(crate) fn of(model: &Model, producer: String) -> Self {
        let input = |(input, map): (&Input, &InputMap)| LayoutInput {
            name: input.name.clone(),
            levels: input.levels.clone(),
            degree: map.degree,
        };
        Self {
            producer,
            inputs: model.inputs.iter().zip(&model.map.inputs).map(input).collect(),
            interactions: model.map.interactions.clone(),
            target: model.target.clone(),
            target_levels: model.target_levels.clone(),
            activation: model.activation,
        }
    }

    /// Parses the metadata; `None` if the text is something else.
    pub(crate) fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    pub(crate) fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Returns the model with these weights; `None` if their number does not match.
    fn model(&self, weights: &[Vec<f64>], bias: &Option<Vec<f64>>) -> Option<Model> {
        let maps = self.inputs.iter().map(|input| match input.levels.len() {
            0 => InputMap::number(input.degree),
            n_levels => InputMap::category(n_levels as u32),
        });
        let counted = FeatureMap {
            inputs: maps.collect(),
            interactions: self.interactions.clone(),
            center: vec![0.0; weights.len()],
            scale: vec![1.0; weights.len()],
        };
        let n_outputs = weights.first().map_or(0, Vec::len);
        let one = self.activation != Response::Softmax;
        if !counted.fits() || (one && n_outputs != 1) {
            return None;
        }
        let input = |input: &LayoutInput| Input { name: input.name.clone(), levels: input.levels.clone() };
        Some(Model {
            inputs: self.inputs.iter().map(input).collect(),
            target: self.target.clone(),
            target_levels: self.target_levels.clone(),
            map: counted,
            weights: weights.to_vec(),
            bias: bias.clone(),
            activation: self.activation,
        })
    }
}

/// Returns the model of a layer, with names if the file has them.
pub(crate) fn model(
    layout: Option<&Layout>,
    features: Option<Vec<String>>,
    (weights, bias): Parameters,
) -> Model {
    if let Some(model) = layout.and_then(|layout| layout.model(&weights, &bias)) {
        return model;
    }
    let n = weights.len();
    let names = features.filter(|names| names.len() == n && names.iter().all(|name| !name.is_empty()));
    let names = names.unwrap_or_else(|| match n {
        1 => vec!["x".to_owned()],
        _ => (1..=n).map(|k| format!("x{k}")).collect(),
    });
    // Several outputs are logits of classes, because Downhill has no other model with several
    // outputs.
    let several = weights.first().is_some_and(|row| row.len() > 1);
    let activation = if several { Response::Softmax } else { Response::Linear };
    let inputs: Vec<Input> = names.iter().map(|name| Input::number(name)).collect();
    let degrees = vec![1; n];
    Model::of_folded((inputs, "y".to_owned()), &degrees, Vec::new(), (weights, bias), activation)
}

/// Returns the coefficients to store, and whether f32 is precise enough. Trained weights are f32,
/// but folded coefficients are not, and their digits matter for inputs far from 0.
pub(crate) fn coefficients(model: &Model) -> (Vec<Vec<f64>>, Option<Vec<f64>>, bool) {
    if !model.is_scaled() {
        return (model.weights.clone(), model.bias.clone(), true);
    }
    let folded = model.folded();
    (folded.weights, model.bias.is_some().then_some(folded.bias), false)
}
