//! Reads the JSON description of Keras and TensorFlow.js models, with their weights, as a network.

use downhill::message::{Code, Message, Result};
use serde_json::Value;

use crate::archive::damaged;
use crate::hdf5::Tensor;
use crate::interpret::listed;
use crate::network::{Dense, Function, Layer, Network, Node};

/// The maximum number of layers, and of connections between them.
const MAX_LAYERS: usize = 1_000;
const MAX_LINKS: usize = 10_000;

/// Identifies a layer whose weights are requested.
pub(crate) struct Of<'a> {
    /// The name of the layer.
    pub(crate) name: &'a str,
    /// The Keras class of the layer.
    pub(crate) class: &'a str,
    /// The number of layers of the same class before it.
    pub(crate) nth: usize,
}

/// Reads a model description as a network. `weights` returns the arrays of a layer in Keras's order.
///
/// # Errors
/// [`Code::ModelTooDeep`], [`Code::ModelDamaged`], [`Code::ModelUnsupported`], and those of
/// `weights`.
pub(crate) fn network(
    model: &Value,
    format: &'static str,
    weights: &mut dyn FnMut(&Of<'_>) -> Result<Vec<Tensor>>,
) -> Result<Network> {
    let reader = Reader { format };
    let class = model["class_name"].as_str().unwrap_or_default();
    let config = &model["config"];
    // Early versions stored a sequential model as a plain list of layers.
    let layers = if config.is_array() { config } else { &config["layers"] };
    let layers = layers.as_array().ok_or_else(|| damaged(format, "no layers"))?;
    if layers.len() > MAX_LAYERS {
        return Err(Message::new(Code::ModelTooDeep).with("found", format!("{} layers", layers.len())));
    }
    let strange: Vec<&Value> = layers.iter().filter(|layer| !is_known(class_of(layer))).collect();
    if !strange.is_empty() {
        return Err(Message::new(Code::ModelTooDeep).with("found", described(layers)));
    }
    match class {
        "Sequential" => reader.chain(layers, weights),
        "Functional" | "Model" => reader.graph(config, layers, weights),
        other => Err(reader.unsupported(format!("a model of the class {other:?}"))),
    }
}

/// Describes layers for error messages, such as `Dense(16, relu), Dense(1, linear)`.
fn described(layers: &[Value]) -> String {
    let describe = |layer: &Value| {
        let (class, config) = (class_of(layer), &layer["config"]);
        match (class, config["units"].as_u64(), config["activation"].as_str()) {
            ("InputLayer", ..) => None,
            (_, Some(units), Some(activation)) => Some(format!("{class}({units}, {activation})")),
            (_, Some(units), None) => Some(format!("{class}({units})")),
            _ => Some(class.to_owned()),
        }
    };
    listed(&layers.iter().filter_map(describe).collect::<Vec<_>>())
}

fn class_of(layer: &Value) -> &str {
    layer["class_name"].as_str().unwrap_or_default()
}

fn is_known(class: &str) -> bool {
    const KNOWN: [&str; 19] = [
        "Activation",
        "ActivityRegularization",
        "AlphaDropout",
        "BatchNormalization",
        "Concatenate",
        "Add",
        "Dense",
        "Dropout",
        "Flatten",
        "GaussianDropout",
        "GaussianNoise",
        "Identity",
        "InputLayer",
        "Multiply",
        "Normalization",
        "Rescaling",
        "Softmax",
        "StringLookup",
        "Reshape",
    ];
    KNOWN.contains(&class)
}

struct Reader {
    format: &'static str,
}

type Weights<'a> = &'a mut dyn FnMut(&Of<'_>) -> Result<Vec<Tensor>>;

impl Reader {
    fn unsupported(&self, found: String) -> Message {
        Message::new(Code::ModelUnsupported).with("format", self.format).with("found", found)
    }

    fn chain(&self, layers: &[Value], weights: Weights<'_>) -> Result<Network> {
        let mut nodes: Vec<Node> = Vec::new();
        if layers.first().is_none_or(|first| class_of(first) != "InputLayer") {
            let width = layers.first().and_then(|first| width(&first["config"]));
            let name = "input_1".to_owned();
            nodes.push(Node { name, layer: Layer::Numbers { width }, from: Vec::new() });
        }
        for (place, value) in layers.iter().enumerate() {
            let from: Vec<usize> = nodes.len().checked_sub(1).into_iter().collect();
            let (name, layer) = self.layer(layers, place, value, weights)?;
            if !from.is_empty() && matches!(layer, Layer::Numbers { .. } | Layer::Word) {
                return Err(self.unsupported("an input after a layer".to_owned()));
            }
            nodes.push(Node { name, layer, from });
        }
        Ok(Network { inputs: vec![0], output: nodes.len() - 1, nodes })
    }

    fn graph(&self, config: &Value, layers: &[Value], weights: Weights<'_>) -> Result<Network> {
        let names: Vec<&str> = layers.iter().map(name_of).collect();
        let place_of = |name: &str| {
            let place = names.iter().position(|own| *own == name);
            place.ok_or_else(|| damaged(self.format, format_args!("no layer is called {name:?}")))
        };
        let (mut nodes, mut n_links) = (Vec::new(), 0);
        for (place, value) in layers.iter().enumerate() {
            let (name, layer) = self.layer(layers, place, value, weights)?;
            let calls = value["inbound_nodes"].as_array().map_or(&[][..], Vec::as_slice);
            if calls.len() > 1 {
                return Err(self.unsupported(format!("the layer {name} used {} times", calls.len())));
            }
            let mut feeding = Vec::new();
            for call in calls {
                feeders(call, &mut feeding);
            }
            n_links += feeding.len();
            if n_links > MAX_LINKS {
                return Err(
                    Message::new(Code::ModelTooDeep).with("found", format!("more than {MAX_LINKS} links"))
                );
            }
            let from = feeding.into_iter().map(place_of).collect::<Result<Vec<_>>>()?;
            nodes.push(Node { name, layer, from });
        }
        let places = |key: &str| -> Result<Vec<usize>> {
            let mut names = Vec::new();
            ends(&config[key], &mut names);
            names.truncate(MAX_LINKS);
            names.into_iter().map(place_of).collect()
        };
        let (inputs, outputs) = (places("input_layers")?, places("output_layers")?);
        let [output] = outputs[..] else {
            return Err(self.unsupported(format!("{} separate outputs", outputs.len())));
        };
        if inputs.is_empty() {
            return Err(damaged(self.format, "no inputs"));
        }
        self.sorted(Network { nodes, inputs, output })
    }

    /// Sorts the layers topologically and drops those that do not contribute to the output.
    fn sorted(&self, network: Network) -> Result<Network> {
        let Network { nodes, inputs, output } = network;
        // 0: not visited, 1: its inputs are being placed, 2: placed.
        let (mut states, mut order) = (vec![0_u8; nodes.len()], Vec::new());
        let mut open: Vec<usize> = inputs.iter().rev().copied().collect();
        open.insert(0, output);
        while let Some(place) = open.pop() {
            match states[place] {
                0 => {
                    states[place] = 1;
                    open.push(place);
                    open.extend(nodes[place].from.iter().rev().filter(|from| states[**from] == 0));
                    if nodes[place].from.iter().any(|from| states[*from] == 1) {
                        return Err(damaged(self.format, "its layers are connected in a cycle"));
                    }
                }
                1 => {
                    states[place] = 2;
                    order.push(place);
                }
                _ => {}
            }
        }
        let mut new_places = vec![0; nodes.len()];
        for (new, old) in order.iter().enumerate() {
            new_places[*old] = new;
        }
        let mut old_nodes: Vec<Option<Node>> = nodes.into_iter().map(Some).collect();
        let mut sorted = Vec::with_capacity(order.len());
        for old in order {
            let Some(mut node) = old_nodes[old].take() else { continue };
            node.from.iter_mut().for_each(|from| *from = new_places[*from]);
            sorted.push(node);
        }
        let inputs = inputs.into_iter().map(|place| new_places[place]).collect();
        Ok(Network { nodes: sorted, inputs, output: new_places[output] })
    }

    /// Reads one layer, given by its index, with its weights.
    fn layer(
        &self,
        layers: &[Value],
        place: usize,
        value: &Value,
        weights: Weights<'_>,
    ) -> Result<(String, Layer)> {
        let (class, config, name) = (class_of(value), &value["config"], name_of(value));
        let nth = layers[..place].iter().filter(|layer| class_of(layer) == class).count();
        let mut tensors = || weights(&Of { name, class, nth });
        let layer = match class {
            "InputLayer" if config["dtype"] == "string" => Layer::Word,
            "InputLayer" => Layer::Numbers { width: width(config) },
            "Dense" => Layer::Dense(self.dense(name, config, tensors()?)?),
            "Normalization" => {
                if config["invert"] == true {
                    return Err(self.unsupported("an inverting Normalization".to_owned()));
                }
                let (mut mean, mut variance) = (numbers(&config["mean"]), numbers(&config["variance"]));
                if mean.is_empty() || variance.is_empty() {
                    let tensors = tensors()?;
                    let [of_mean, of_variance, ..] = &tensors[..] else {
                        return Err(damaged(self.format, format_args!("{name} has no mean and variance")));
                    };
                    (mean, variance) = (wide(of_mean), wide(of_variance));
                }
                finite(name, mean.iter().chain(&variance))?;
                Layer::Normalization { mean, variance }
            }
            "BatchNormalization" => self.batch_normalization(name, config, tensors()?)?,
            "Rescaling" => {
                let or = |values: Vec<f64>, default| if values.is_empty() { vec![default] } else { values };
                let (by, plus) = (or(numbers(&config["scale"]), 1.0), or(numbers(&config["offset"]), 0.0));
                finite(name, by.iter().chain(&plus))?;
                Layer::Affine { by, plus }
            }
            "StringLookup" => self.lookup(config)?,
            "Concatenate" => match config["axis"].as_i64() {
                None | Some(-1 | 1) => Layer::Concatenate,
                Some(axis) => return Err(self.unsupported(format!("a Concatenate along axis {axis}"))),
            },
            "Multiply" => Layer::Multiply,
            "Add" => Layer::Add,
            "Activation" => Layer::Activation(self.function(&config["activation"])),
            "Softmax" => Layer::Activation(Function::named("softmax")),
            // For rows of numbers, these layers do nothing at prediction time.
            _ => Layer::Identity,
        };
        Ok((name.to_owned(), layer))
    }

    fn function(&self, value: &Value) -> Function {
        match value {
            Value::Null => Function::named("linear"),
            Value::String(name) => Function::named(name),
            // Keras 3 may qualify a function with its module.
            object => {
                let name = object["config"].as_str().or_else(|| object["class_name"].as_str());
                Function::named(name.unwrap_or("a custom activation"))
            }
        }
    }

    fn dense(&self, name: &str, config: &Value, tensors: Vec<Tensor>) -> Result<Dense> {
        let units = config["units"].as_u64().and_then(|units| usize::try_from(units).ok()).unwrap_or(0);
        let use_bias = config["use_bias"].as_bool().unwrap_or(true);
        let mut tensors = tensors.into_iter();
        let Some(kernel) = tensors.next() else {
            return Err(damaged(self.format, format_args!("{name} has no weights")));
        };
        let shape = |tensor: &Tensor, expected: String| {
            let found = format!("{:?}", tensor.shape);
            Message::new(Code::ModelShape)
                .with("name", &tensor.name)
                .with("found", found)
                .with("expected", expected)
        };
        let shaped = kernel.shape.len() == 2 && kernel.shape[1] == units && units > 0;
        if !shaped || kernel.values.len() != kernel.shape[0].saturating_mul(units) {
            return Err(shape(&kernel, format!("[inputs, {units}]")));
        }
        finite_tensor(&kernel)?;
        let bias = if use_bias {
            let Some(bias) = tensors.next() else {
                return Err(damaged(self.format, format_args!("{name} has no bias")));
            };
            if bias.shape != [units] || bias.values.len() != units {
                return Err(shape(&bias, format!("[{units}]")));
            }
            finite_tensor(&bias)?;
            Some(bias.values)
        } else {
            None
        };
        let trainable = config["trainable"].as_bool().unwrap_or(true);
        Ok(Dense {
            kernel: kernel.values,
            units,
            bias,
            function: self.function(&config["activation"]),
            trainable,
        })
    }

    /// Reads batch normalization as in inference: `gamma (x - mean) / sqrt(variance + epsilon) + beta`.
    fn batch_normalization(&self, name: &str, config: &Value, tensors: Vec<Tensor>) -> Result<Layer> {
        let flag = |key: &str| config[key].as_bool().unwrap_or(true);
        let wanted = 2 + usize::from(flag("scale")) + usize::from(flag("center"));
        let n = tensors.first().map_or(0, |tensor| tensor.values.len());
        if tensors.len() < wanted || tensors.iter().any(|tensor| tensor.values.len() != n) {
            return Err(damaged(
                self.format,
                format_args!("{name} does not have {wanted} arrays of equal size"),
            ));
        }
        let mut tensors = tensors.iter().map(wide);
        let mut next = |is_there: bool, or: f64| match is_there {
            true => tensors.next().unwrap_or_default(),
            false => vec![or; n],
        };
        let (gamma, beta) = (next(flag("scale"), 1.0), next(flag("center"), 0.0));
        let (mean, variance) = (next(true, 0.0), next(true, 1.0));
        let epsilon = config["epsilon"].as_f64().unwrap_or(1e-3);
        let by: Vec<f64> = gamma.iter().zip(&variance).map(|(g, v)| g / (v + epsilon).sqrt()).collect();
        let plus: Vec<f64> = by.iter().zip(&mean).zip(&beta).map(|((by, m), b)| b - by * m).collect();
        finite(name, by.iter().chain(&plus))?;
        Ok(Layer::Affine { by, plus })
    }

    fn lookup(&self, config: &Value) -> Result<Layer> {
        let words = config["vocabulary"].as_array().filter(|words| !words.is_empty());
        let words =
            words.ok_or_else(|| self.unsupported("a StringLookup without a vocabulary".to_owned()))?;
        let word = |word: &Value| word.as_str().map(str::to_owned);
        let mut levels = words.iter().map(word).collect::<Option<Vec<_>>>().unwrap_or_default();
        let unknown = config["num_oov_indices"].as_u64().unwrap_or(1);
        let mode = config["output_mode"].as_str().unwrap_or("int");
        if mode != "one_hot" || unknown > 1 || !config["mask_token"].is_null() || levels.len() != words.len()
        {
            return Err(self.unsupported(format!("a StringLookup of the mode {mode:?}")));
        }
        if unknown == 1 {
            let token = config["oov_token"].as_str().unwrap_or("[UNK]").to_owned();
            levels.retain(|level| *level != token);
            levels.insert(0, token);
        }
        Ok(Layer::Lookup { levels })
    }
}

fn name_of(layer: &Value) -> &str {
    layer["config"]["name"].as_str().or_else(|| layer["name"].as_str()).unwrap_or_default()
}

/// The number of columns that an input layer declares.
fn width(config: &Value) -> Option<usize> {
    let shape = ["batch_shape", "batch_input_shape"].iter().find_map(|key| config[*key].as_array());
    let [_, width] = &shape?[..] else { return None };
    usize::try_from(width.as_u64()?).ok()
}

/// Collects into `found` the names of the layers whose outputs a layer call takes: `["dense", 0, 0, {}]` in
/// Keras 2, `keras_history` in Keras 3.
fn feeders<'a>(call: &'a Value, found: &mut Vec<&'a str>) {
    match call {
        Value::Array(values) => match (values.first().and_then(Value::as_str), values.len()) {
            (Some(name), 3 | 4) => found.push(name),
            _ => values.iter().for_each(|value| feeders(value, found)),
        },
        Value::Object(fields) => match fields.get("config").and_then(|config| config.get("keras_history")) {
            Some(history) => found.extend(history.get(0).and_then(Value::as_str)),
            None => fields.values().for_each(|value| feeders(value, found)),
        },
        _ => {}
    }
}

/// Collects into `found` the names of a model's input or output layers: a single `["dense", 0, 0]`, a list,
/// or a dictionary.
fn ends<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Array(values) => match values.first().and_then(Value::as_str) {
            Some(name) => found.push(name),
            None => values.iter().for_each(|value| ends(value, found)),
        },
        Value::Object(fields) => fields.values().for_each(|value| ends(value, found)),
        _ => {}
    }
}

/// Flattens a number or nested lists of numbers.
fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(values) => values.iter().flat_map(numbers).collect(),
        Value::Number(number) => number.as_f64().into_iter().collect(),
        _ => Vec::new(),
    }
}

fn wide(tensor: &Tensor) -> Vec<f64> {
    tensor.values.iter().map(|value| f64::from(*value)).collect()
}

fn finite_tensor(tensor: &Tensor) -> Result<()> {
    if tensor.values.iter().all(|value| value.is_finite()) {
        return Ok(());
    }
    Err(Message::new(Code::ModelNotFinite).with("name", &tensor.name))
}

fn finite<'a>(name: &str, mut values: impl Iterator<Item = &'a f64>) -> Result<()> {
    if values.all(|value| value.is_finite()) {
        return Ok(());
    }
    Err(Message::new(Code::ModelNotFinite).with("name", name))
}
