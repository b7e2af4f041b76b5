//! The layers model of TensorFlow.js: `model.json`, and all arrays concatenated in `weights.bin`,
//! in one archive.
//!
//! TensorFlow.js has no layer that looks up text, so a category is given as the index of its level.

use downhill::message::{Code, Message, Result};
use serde_json::{Value, json};

use crate::archive::{self, Archive, damaged};
use crate::format::{Content, FormatSpec, Group, Held, Part, Plain};
use crate::hdf5::Tensor;
use crate::keras::{self, Dialect, RUN};
use crate::keras_config::{self, Of};
use crate::network::{Manner, Network};
use crate::run::Run;
use downhill::foreign::Model;

pub(crate) const SPEC: FormatSpec = FormatSpec {
    name: "tfjs",
    group: Group::Models,
    file_name: "downhill-step-{step}-tfjs.zip",
    recognizes,
    write,
    read: Some(read),
    holds,
    how_to_load,
};

const NAME: &str = "TensorFlow.js";
const MODEL: &str = "model.json";
const WEIGHTS: &str = "weights.bin";
/// The maximum number of arrays; the next constant is the maximum total number of values.
const MAX_ARRAYS: usize = 10_000;
const MAX_NUMBERS: usize = 8 << 20;

/// Whether a file is an archive with a `model.json`, or a `model.json` without its arrays.
fn recognizes(content: &Content<'_>) -> bool {
    const KEY: &[u8] = b"\"modelTopology\"";
    let is_model = |name: &String| name == MODEL || name.ends_with("/model.json");
    // The key may follow other keys, but not a large topology.
    let head = &content.bytes[..content.bytes.len().min(1 << 20)];
    match &content.files {
        Some(names) => names.iter().any(is_model),
        None => content.is_json() && head.windows(KEY.len()).any(|found| found == KEY),
    }
}

fn write(run: &Run) -> Result<Vec<u8>> {
    let model = run.model();
    keras::tfjs_holds(&model)?;
    let network = Network::of(&model, Manner::Tfjs);
    let (mut specs, mut bytes) = (Vec::new(), Vec::new());
    for (place, weights) in keras::weights(&network) {
        for weight in weights {
            let name = format!("{}/{}", network.nodes[place].name, weight.name);
            specs.push(json!({ "name": name, "shape": weight.shape, "dtype": "float32" }));
            bytes.extend(weight.values.iter().flat_map(|value| value.to_le_bytes()));
        }
    }
    let mut file = json!({
        "format": "layers-model",
        "generatedBy": format!("Downhill {}", run.file.downhill),
        "convertedBy": null,
        "modelTopology": {
            "keras_version": "2.15.0",
            "backend": "tensor_flow.js",
            "model_config": keras::model_config(&network, Dialect::Tfjs),
        },
        "weightsManifest": [{ "paths": [WEIGHTS], "weights": specs }],
        "userDefinedMetadata": { RUN: run.text },
    });
    if let Some(training) = keras::training(run, Dialect::Tfjs) {
        file["trainingConfig"] = training;
    }
    archive::packed(&[(MODEL, file.to_string().as_bytes()), (WEIGHTS, &bytes)])
}

fn read(bytes: &[u8]) -> Result<Plain> {
    if bytes.trim_ascii_start().starts_with(b"{") {
        let file: Value = serde_json::from_slice(bytes).map_err(|error| damaged(NAME, error))?;
        let path = file["weightsManifest"][0]["paths"][0].as_str().unwrap_or(WEIGHTS).to_owned();
        return Err(damaged(
            NAME,
            format_args!("{path} is missing: put {MODEL} and {path} into one zip archive"),
        ));
    }
    let mut archive = Archive::open(bytes, NAME)?;
    let folder = archive.folder_of(MODEL);
    let file: Value = serde_json::from_slice(&archive.need(&format!("{folder}{MODEL}"))?)
        .map_err(|error| damaged(NAME, error))?;
    if file["format"].as_str().is_some_and(|format| format != "layers-model") {
        let found = format!("a {}", file["format"].as_str().unwrap_or_default());
        return Err(Message::new(Code::ModelUnsupported).with("format", NAME).with("found", found));
    }
    let tensors = tensors(&file["weightsManifest"], &mut archive, &folder)?;
    let topology = &file["modelTopology"];
    let topology = if topology["model_config"].is_object() { &topology["model_config"] } else { topology };
    let mut weights = |of: &Of<'_>| {
        let own = |tensor: &&Tensor| tensor.name.rsplit_once('/').is_some_and(|(layer, _)| layer == of.name);
        // No supported layer has more arrays.
        Ok(tensors.iter().filter(own).take(8).cloned().collect())
    };
    let network = keras_config::network(topology, NAME, &mut weights)?;
    let carried = file["userDefinedMetadata"][RUN].as_str().map(str::to_owned);
    let model = keras::with_names(network.model(NAME)?, carried.as_deref());
    let producer = file["generatedBy"].as_str().map(str::to_owned);
    Ok(Plain { producer, model, carried })
}

/// Reads the arrays that a manifest lists, in order.
fn tensors(manifest: &Value, archive: &mut Archive<'_>, folder: &str) -> Result<Vec<Tensor>> {
    let mut tensors = Vec::new();
    for group in manifest.as_array().ok_or_else(|| damaged(NAME, "no weightsManifest"))? {
        let mut bytes = Vec::new();
        for path in group["paths"].as_array().into_iter().flatten() {
            let path = path.as_str().ok_or_else(|| damaged(NAME, "an invalid path"))?;
            let path = path.strip_prefix("./").unwrap_or(path);
            bytes.extend(archive.need(&format!("{folder}{path}"))?);
        }
        let mut rest = &bytes[..];
        for spec in group["weights"].as_array().into_iter().flatten() {
            if tensors.len() == MAX_ARRAYS {
                return Err(Message::new(Code::ModelTooLarge)
                    .with("format", NAME)
                    .with("detail", format!("more than {MAX_ARRAYS} arrays"))
                    .with("limit", format!("{MAX_ARRAYS} arrays")));
            }
            let name = spec["name"].as_str().unwrap_or_default().to_owned();
            if spec["dtype"] != "float32" || spec.get("quantization").is_some() {
                let found = format!("{name} with a type other than float32");
                return Err(Message::new(Code::ModelUnsupported).with("format", NAME).with("found", found));
            }
            let sizes = spec["shape"].as_array().map_or(&[][..], Vec::as_slice);
            let size = |size: &Value| size.as_u64().and_then(|size| usize::try_from(size).ok());
            let shape = sizes.iter().map(size).collect::<Option<Vec<usize>>>();
            let n = shape
                .as_ref()
                .and_then(|shape| shape.iter().try_fold(1_usize, |n, size| n.checked_mul(*size)));
            let (Some(shape), Some(n)) = (shape, n.filter(|n| *n <= MAX_NUMBERS)) else {
                return Err(damaged(NAME, format_args!("{name} has no shape")));
            };
            let Some((own, behind)) = rest.split_at_checked(4 * n) else {
                return Err(damaged(NAME, format_args!("{name} extends past the end of its file")));
            };
            rest = behind;
            let value = |bytes: &[u8]| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
            tensors.push(Tensor { name, shape, values: own.chunks_exact(4).map(value).collect() });
        }
    }
    Ok(tensors)
}

/// How the archive contains a part of a model. Categories are given as level indices, whose names only the
/// note contains.
fn holds(model: &Model, part: Part) -> Option<Held> {
    match part {
        Part::Levels | Part::Columns => Some(Held::Note),
        _ => keras::holds(model, part),
    }
}

/// Returns the language and lines of JavaScript code that load the unpacked model and predict.
fn how_to_load(model: &Model, file_name: &str) -> (&'static str, String) {
    let mut lines = format!("// Unpack {file_name} next to the page.\n");
    lines += "import * as tf from \"@tensorflow/tfjs\";\n\nconst model = await tf.loadLayersModel(\"model.json\");\n";
    for input in model.inputs.iter().filter(|input| !input.levels.is_empty()) {
        let levels: Vec<String> =
            input.levels.iter().take(20).enumerate().map(|(k, level)| format!("{k} {level}")).collect();
        let levels = levels.join(", ").replace(['\n', '\r'], " ");
        lines += &format!("// {}: {levels}\n", input.name.replace(['\n', '\r'], " "));
    }
    let row = |input: &downhill::dataset::Input| match input.levels.is_empty() {
        true => keras::example(model, &input.name),
        false => "0".to_owned(),
    };
    let row: Vec<String> = model.inputs.iter().map(row).collect();
    let rows = if row.len() == 1 && !model.is_scaled() {
        "[0.5], [-0.5]".to_owned()
    } else {
        format!("[{}]", row.join(", "))
    };
    lines += &format!("model.predict(tf.tensor2d([{rows}])).print();\n");
    ("javascript", lines)
}
