//! What Keras and TensorFlow.js say of a model in JSON, as it is written; read by [`crate::keras_config`].
//!
//! There are three ways of saying it: that of Keras 2, which Keras 3 reads as well where it lies in an `.h5` file; that of Keras 3,
//! which names the module of everything; and that of TensorFlow.js, which is the first with fewer layers.

use downhill::choices::Loss;
use downhill::dataset::Input;
use downhill::message::{Code, Message, Result};
use downhill::model::Response;
use serde_json::{Value, json};

use crate::format::{Held, Part};
use crate::network::{Dense, Layer, Network, Node};
use crate::recipe::optimizers::{self, Written};
use crate::run::Run;
use downhill::foreign::Model;

/// Which way of saying it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Keras 2's.
    Keras2,
    /// Keras 3's.
    Keras3,
    /// TensorFlow.js'.
    Tfjs,
}

/// Where the run file stands in each of the formats.
pub(crate) const RUN: &str = "downhill";

/// The model's class and configuration.
pub(crate) fn model_config(network: &Network, dialect: Dialect) -> Value {
    let widths = widths(network);
    let layer = |place: usize| layer_config(network, place, &widths, dialect);
    let places = 0..network.nodes.len();
    if network.is_chain() {
        let mut layers: Vec<Value> = places.map(layer).collect();
        if dialect == Dialect::Tfjs {
            // Its reader takes the shape from the first layer that does something.
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
        // A list of one would make it answer with a list of one.
        config["output_layers"] = json!([network.nodes[network.output].name, 0, 0]);
    }
    let class = if dialect == Dialect::Tfjs { "Model" } else { "Functional" };
    object("keras.src.models.functional", class, config, dialect)
}

/// What layers that have weights have, in the order of the layers: their place, names and arrays.
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

/// An array of a layer.
pub(crate) struct Weight<'a> {
    /// `kernel` or `bias`.
    pub(crate) name: &'static str,
    /// Its sizes.
    pub(crate) shape: Vec<usize>,
    /// Row-major.
    pub(crate) values: &'a [f32],
}

/// How whoever loads the model may train it further; `None` where the tool lacks the loss or the optimizer.
pub(crate) fn training(run: &Run, dialect: Dialect) -> Option<Value> {
    let loss = loss(&run.file.config.loss, dialect)?;
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

/// How an `.h5` or `.keras` file holds a part of a model.
pub(crate) fn holds(model: &Model, part: Part) -> Option<Held> {
    Some(match part {
        Part::Weights | Part::Scaling | Part::Terms | Part::Levels => Held::Inside,
        // Where there are categories, each column is an input of its own name.
        Part::Columns if model.has_levels() => Held::Inside,
        Part::Columns | Part::Training | Part::History | Part::Provenance => Held::Note,
    })
}

/// Lines of Python that load a file and predict.
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
            // As the story has it.
            [_] if !model.is_scaled() => "[0.5], [-0.5]".to_owned(),
            _ => format!("[{}]", row.join(", ")),
        };
        lines += &format!("print(model.predict(np.array([{rows}], \"float32\")))\n");
    }
    ("python", lines)
}

/// A number that a column may have: about its middle, where that is known.
pub(crate) fn example(model: &Model, name: &str) -> String {
    let place = model.inputs.iter().position(|input| input.name == name);
    let center = place.map_or(0.0, |place| model.map.inputs[place].center);
    match center {
        0.0 => "0.5".to_owned(),
        center if center.abs() >= 100.0 => format!("{:.1}", center.round()),
        center => format!("{center:.2}"),
    }
}

/// Names of columns and classes as the note has them, where it speaks of a model of the same shape.
///
/// Layers carry no names for the columns of one input; names change nothing of what the model predicts.
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

/// A class of Keras with its configuration.
fn object(module: &str, class: &str, config: Value, dialect: Dialect) -> Value {
    match dialect {
        Dialect::Keras3 => {
            // Whatever is no name of Keras' public modules has to be registered.
            let registered = module.starts_with("keras.src").then_some(class);
            json!({ "module": module, "class_name": class, "config": config, "registered_name": registered })
        }
        _ => json!({ "class_name": class, "config": config }),
    }
}

/// Columns that each layer gives.
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
            // A word that is no level is an error, and no level in silence.
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
        // No model of Downhill is written with these.
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

fn loss(loss: &Loss, dialect: Dialect) -> Option<Value> {
    Some(match loss {
        // Keras 3 does not know "mse" in a file of Keras 2.
        Loss::Squared => json!("mean_squared_error"),
        Loss::Absolute => json!("mean_absolute_error"),
        Loss::Huber { delta } if dialect != Dialect::Tfjs => object(
            "keras.losses",
            "Huber",
            json!({ "name": "huber", "reduction": "sum_over_batch_size", "delta": delta }),
            Dialect::Keras3,
        ),
        Loss::LogCosh => json!(if dialect == Dialect::Tfjs { "logcosh" } else { "log_cosh" }),
        Loss::Logistic => json!("binary_crossentropy"),
        Loss::Softmax => json!("sparse_categorical_crossentropy"),
        Loss::Poisson => json!("poisson"),
        Loss::Huber { .. } | Loss::Quantile { .. } => return None,
    })
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

/// Refuses an activation that TensorFlow.js has not.
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
