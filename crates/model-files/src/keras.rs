//! Writes the JSON description of a model for Keras and TensorFlow.js; [`crate::keras_config`]
//! reads it.
//!
//! There are three dialects: that of Keras 2, which Keras 3 also reads in `.h5` files; that of
//! Keras 3, which names the module of every object; and that of TensorFlow.js, which is like the
//! first but has fewer layers.

use downhill::dataset::Input;
use downhill::message::{Code, Message, Result};
use downhill::model::Response;
use serde_json::{Value, json};

use crate::format::{Held, Part};
use crate::network::{Dense, Layer, Network, Node};
use crate::recipe::losses;
use crate::recipe::optimizers::{self, Written};
use crate::run::Run;
use downhill::foreign::Model;

/// A dialect of the model description.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// The dialect of Keras 2.
    Keras2,
    /// The dialect of Keras 3.
    Keras3,
    /// The dialect of TensorFlow.js.
    Tfjs,
}

/// The key or file name under which Keras and TensorFlow.js files contain the run file.
pub(crate) const RUN: &str = "downhill";

/// Returns the description of a model: its class and its layers.
pub(crate) fn model_config(network: &Network, dialect: Dialect) -> Value {
    let widths = widths(network);
    let layer = |place: usize| layer_config(network, place, &widths, dialect);
    let places = 0..network.nodes.len();
    if network.is_chain() {
        let mut layers: Vec<Value> = places.map(layer).collect();
        if dialect == Dialect::Tfjs {
            // Keras 2 takes the shape from the first real layer.
            layers.remove(0);
            layers[0]["config"]["batch_input_shape"] = json!([null, widths[0]]);
        }
        let mut config = json!({ "name": "downhill", "trainable": true, "layers": layers });
        if dialect == Dialect::Keras3 {
            config["build_input_shape"] = json!([null, widths[0]]);
        }
        return object("keras", "Sequential", config, dialect);
    }
    let layers: Vec<Value> = places
        .map(|place| {
            let mut layer = layer(place);
            let node = &network.nodes[place];
            layer["name"] = json!(node.name);
            layer["inbound_nodes"] = inbound(network, node, &widths, dialect);
            layer
        })
        .collect();
    let ends = |places: &[usize]| -> Vec<Value> {
        places.iter().map(|place| json!([network.nodes[*place].name, 0, 0])).collect()
    };
    let mut config = json!({
        "name": "downhill",
        "trainable": true,
        "layers": layers,
        "input_layers": ends(&network.inputs),
        "output_layers": ends(&[network.output]),
    });
    if dialect == Dialect::Keras3 {
        // With a list, a model of one output would return a list of one.
        config["output_layers"] = json!([network.nodes[network.output].name, 0, 0]);
    }
    let class = if dialect == Dialect::Tfjs { "Model" } else { "Functional" };
    object("keras.src.models.functional", class, config, dialect)
}

/// Returns the layers that have weights, in order: their index, name and arrays.
pub(crate) fn weights(network: &Network) -> Vec<(usize, Vec<Weight<'_>>)> {
    let mut found = Vec::new();
    for (place, node) in network.nodes.iter().enumerate() {
        let Layer::Dense(dense) = &node.layer else { continue };
        let (n_inputs, units) = (dense.kernel.len() / dense.units.max(1), dense.units);
        let kernel = Weight { name: "kernel", shape: vec![n_inputs, units], values: &dense.kernel };
        let bias = dense.bias.as_ref();
        let bias = bias.map(|bias| Weight { name: "bias", shape: vec![units], values: bias });
        found.push((place, std::iter::once(kernel).chain(bias).collect()));
    }
    found
}

/// A weight array of a layer.
pub(crate) struct Weight<'a> {
    /// The name of the array: `kernel` or `bias`.
    pub(crate) name: &'static str,
    /// The sizes of the array's dimensions.
    pub(crate) shape: Vec<usize>,
    /// The values of the array, row-major.
    pub(crate) values: &'a [f32],
}

/// Returns the compile configuration for further training; `None` if the tool lacks the loss or the
/// optimizer.
pub(crate) fn training(run: &Run, dialect: Dialect) -> Option<Value> {
    let loss = losses::keras_file(&run.file.config.loss, dialect)?;
    let optimizer = optimizer(run, dialect)?;
    Some(match dialect {
        Dialect::Keras3 => json!({
            "optimizer": optimizer,
            "loss": loss,
            "loss_weights": null,
            "metrics": null,
            "weighted_metrics": null,
            "run_eagerly": false,
            "steps_per_execution": 1,
            "jit_compile": false,
        }),
        Dialect::Keras2 => json!({
            "loss": loss,
            "metrics": null,
            "weighted_metrics": null,
            "loss_weights": null,
            "optimizer_config": optimizer,
        }),
        Dialect::Tfjs => json!({ "loss": loss, "metrics": [], "optimizer_config": optimizer }),
    })
}

/// How an `.h5` or `.keras` file contains a part of a model.
pub(crate) fn holds(model: &Model, part: Part) -> Option<Held> {
    Some(match part {
        Part::Weights | Part::Scaling | Part::Terms | Part::Levels => Held::Inside,
        // If there are categories, each column is a named input.
        Part::Columns if model.has_levels() => Held::Inside,
        Part::Columns | Part::Training | Part::History | Part::Provenance => Held::Note,
    })
}

/// Returns the language and lines of Python code that load a file and predict.
pub(crate) fn how_to_load(model: &Model, file_name: &str) -> (&'static str, String) {
    let mut lines = String::from("import keras\nimport numpy as np\n");
    if model.has_levels() {
        lines += "import tensorflow as tf\n";
    }
    lines += &format!("\nmodel = keras.models.load_model(\"{file_name}\")\n");
    if model.has_levels() {
        let network = Network::of(model, crate::network::Manner::Keras);
        lines += "print(model.predict({\n";
        for (place, input) in network.inputs.iter().zip(&model.inputs) {
            let name = &network.nodes[*place].name;
            match input.levels.first() {
                Some(level) => lines += &format!("    \"{name}\": tf.constant([[{}]]),\n", json!(level)),
                None => {
                    lines += &format!("    \"{name}\": tf.constant([[{}]]),\n", example(model, &input.name))
                }
            }
        }
        lines += "}))\n";
    } else {
        let row: Vec<String> = model.inputs.iter().map(|input| example(model, &input.name)).collect();
        let rows = match &row[..] {
            // As in the Keras example.
            [_] if !model.is_scaled() => "[0.5], [-0.5]".to_owned(),
            _ => format!("[{}]", row.join(", ")),
        };
        lines += &format!("print(model.predict(np.array([{rows}], \"float32\")))\n");
    }
    ("python", lines)
}

/// Returns a plausible example value of an input: near its center, if that is known.
pub(crate) fn example(model: &Model, name: &str) -> String {
    let place = model.inputs.iter().position(|input| input.name == name);
    let center = place.map_or(0.0, |place| model.map.inputs[place].center);
    match center {
        0.0 => "0.5".to_owned(),
        center if center.abs() >= 100.0 => format!("{:.1}", center.round()),
        center => format!("{center:.2}"),
    }
}

/// Adopts the names of columns and classes from the run file in the note, if it describes a model of the same
/// shape.
///
/// Layers have no names for the columns of one input, and names do not affect predictions.
pub(crate) fn with_names(mut model: Model, carried: Option<&str>) -> Model {
    let Some(run) = carried.and_then(|text| Run::read(text.as_bytes()).ok()) else { return model };
    let noted = run.model();
    let alike = |(own, noted): (&Input, &Input)| own.levels.len() == noted.levels.len();
    let same = model.inputs.len() == noted.inputs.len() && model.inputs.iter().zip(&noted.inputs).all(alike);
    if same && model.n_outputs() == noted.n_outputs() {
        (model.inputs, model.target) = (noted.inputs, noted.target);
        model.target_levels = noted.target_levels;
    }
    model
}

/// Returns a Keras object: its class with its configuration.
pub(crate) fn object(module: &str, class: &str, config: Value, dialect: Dialect) -> Value {
    match dialect {
        Dialect::Keras3 => {
            // Classes outside Keras' public modules need a registered name.
            let registered = module.starts_with("keras.src").then_some(class);
            json!({ "module": module, "class_name": class, "config": config, "registered_name": registered })
        }
        _ => json!({ "class_name": class, "config": config }),
    }
}

/// The number of columns that each layer outputs.
fn widths(network: &Network) -> Vec<usize> {
    let mut widths: Vec<usize> = Vec::with_capacity(network.nodes.len());
    for node in &network.nodes {
        let first = node.from.first().map_or(0, |from| widths[*from]);
        widths.push(match &node.layer {
            Layer::Numbers { width } => width.unwrap_or(1),
            Layer::Word => 1,
            Layer::Lookup { levels } => levels.len(),
            Layer::Dense(dense) => dense.units,
            Layer::Concatenate => node.from.iter().map(|from| widths[*from]).sum(),
            _ => first,
        });
    }
    widths
}

fn layer_config(network: &Network, place: usize, widths: &[usize], dialect: Dialect) -> Value {
    let node = &network.nodes[place];
    let mut config = json!({ "name": node.name });
    if !matches!(node.layer, Layer::Numbers { .. } | Layer::Word) {
        config["trainable"] = json!(!matches!(&node.layer, Layer::Dense(Dense { trainable: false, .. })));
        config["dtype"] = json!("float32");
    }
    let class = match &node.layer {
        Layer::Numbers { .. } | Layer::Word => {
            let shape = if dialect == Dialect::Keras3 { "batch_shape" } else { "batch_input_shape" };
            config[shape] = json!([null, widths[place]]);
            config["dtype"] = json!(if node.layer == Layer::Word { "string" } else { "float32" });
            config["sparse"] = json!(false);
            if dialect != Dialect::Tfjs {
                config["ragged"] = json!(false);
            }
            "InputLayer"
        }
        Layer::Normalization { mean, variance } => {
            config["axis"] = json!([-1]);
            config["invert"] = json!(false);
            config["mean"] = json!(mean);
            config["variance"] = json!(variance);
            "Normalization"
        }
        Layer::Lookup { levels } => {
            let mut unknown = "[UNK]".to_owned();
            while levels.contains(&unknown) {
                unknown.push('_');
            }
            config["max_tokens"] = json!(null);
            // An unknown word should raise an error instead of being mapped to a level.
            config["num_oov_indices"] = json!(0);
            config["oov_token"] = json!(unknown);
            config["mask_token"] = json!(null);
            config["output_mode"] = json!("one_hot");
            config["vocabulary"] = json!(levels);
            config["invert"] = json!(false);
            config["sparse"] = json!(false);
            config["pad_to_max_tokens"] = json!(false);
            config["idf_weights"] = json!(null);
            config["encoding"] = json!("utf-8");
            "StringLookup"
        }
        Layer::Dense(dense) => {
            config["units"] = json!(dense.units);
            config["activation"] = json!(dense.function.name());
            config["use_bias"] = json!(dense.bias.is_some());
            "Dense"
        }
        Layer::Concatenate => {
            config["axis"] = json!(-1);
            "Concatenate"
        }
        Layer::Multiply => "Multiply",
        // Downhill never writes this layer.
        Layer::Affine { .. } => "Rescaling",
        Layer::Add => "Add",
        Layer::Identity => "Identity",
        Layer::Activation(_) => "Activation",
    };
    let mut layer = object("keras.layers", class, config, dialect);
    if dialect == Dialect::Keras3 && !node.from.is_empty() {
        let shapes: Vec<Value> = node.from.iter().map(|from| json!([null, widths[*from]])).collect();
        layer["build_config"] = match &node.layer {
            Layer::Lookup { .. } => json!({}),
            Layer::Concatenate | Layer::Multiply => json!({ "input_shape": shapes }),
            _ => json!({ "input_shape": shapes[0] }),
        };
    }
    layer
}

fn inbound(network: &Network, node: &Node, widths: &[usize], dialect: Dialect) -> Value {
    if node.from.is_empty() {
        return json!([]);
    }
    let name = |from: &usize| &network.nodes[*from].name;
    if dialect != Dialect::Keras3 {
        let tensors: Vec<Value> = node.from.iter().map(|from| json!([name(from), 0, 0, {}])).collect();
        return json!([tensors]);
    }
    let tensor = |from: &usize| {
        let dtype = if network.nodes[*from].layer == Layer::Word { "string" } else { "float32" };
        json!({ "class_name": "__keras_tensor__", "config": {
            "shape": [null, widths[*from]], "dtype": dtype, "keras_history": [name(from), 0, 0],
        } })
    };
    let tensors: Vec<Value> = node.from.iter().map(tensor).collect();
    let args = match node.layer {
        Layer::Concatenate | Layer::Multiply => json!([tensors]),
        _ => json!(tensors),
    };
    json!([{ "args": args, "kwargs": {} }])
}

fn optimizer(run: &Run, dialect: Dialect) -> Option<Value> {
    let rate = run.file.config.learning_rate;
    let Written { keras_file: (class, mut config), tfjs_file, .. } =
        optimizers::written(&run.file.config.optimizer, rate);
    if dialect == Dialect::Tfjs {
        return tfjs_file.map(|(class, config)| json!({ "class_name": class, "config": config }));
    }
    config["name"] = json!(class);
    config["learning_rate"] = json!(rate);
    Some(object("keras.optimizers", class, config, dialect))
}

/// Returns an error if TensorFlow.js lacks the model's activation.
///
/// # Errors
/// [`Code::ModelCannotHold`].
pub(crate) fn tfjs_holds(model: &Model) -> Result<()> {
    match model.activation {
        Response::Exponential => Err(Message::new(Code::ModelCannotHold)
            .with("format", "TensorFlow.js")
            .with("part", "an exponential output (a Poisson model)")),
        _ => Ok(()),
    }
}
