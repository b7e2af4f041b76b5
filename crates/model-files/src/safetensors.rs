//! The safetensors format: PyTorch's `weight`, indexed `[output][input]`, and `bias`.
//!
//! Source: the format's own documentation. A file consists of eight bytes of length, a JSON header,
//! and the values. Scaling is folded into the weights; the user of the file has to compute powers,
//! levels and products, so `__metadata__` names them.

use std::collections::{BTreeMap, HashMap};

use downhill::message::{Code, Message, Result};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use crate::features;
use crate::format::{Content, FormatSpec, Group, Plain};
use crate::run::Run;
use crate::tensors::{self, Layout, Named, cut};
use downhill::foreign::Model;

pub(crate) const SPEC: FormatSpec = FormatSpec {
    name: "safetensors",
    group: Group::Arrays,
    file_name: "downhill-step-{step}.safetensors",
    recognizes,
    write,
    read: Some(read),
    holds: features::held_by_arrays,
    how_to_load,
};

const NAME: &str = "safetensors";
/// The maximum size of a header in bytes. The headers of the largest language models have less than one
/// million.
const MAX_HEADER_BYTES: u64 = 4 << 20;

/// The key in `__metadata__` that describes the model; the next constants are further keys.
const LAYOUT: &str = "downhill.model";
const RUN: &str = "downhill.run";
const FEATURES: &str = "features";

fn write(run: &Run) -> Result<Vec<u8>> {
    let model = run.model();
    let (weights, bias, is_single) = tensors::coefficients(&model);
    let (dtype, bytes): (_, fn(f64) -> Vec<u8>) = if is_single {
        (Dtype::F32, |value| (value as f32).to_le_bytes().to_vec())
    } else {
        (Dtype::F64, |value| value.to_le_bytes().to_vec())
    };
    let n_outputs = model.n_outputs();
    let by_output = (0..n_outputs).flat_map(|output| weights.iter().map(move |row| row[output]));
    let weight: Vec<u8> = by_output.flat_map(bytes).collect();
    let bias: Option<Vec<u8>> = bias.map(|bias| bias.into_iter().flat_map(bytes).collect());
    let view = |shape, data| TensorView::new(dtype, shape, data).map_err(internal);
    let mut views = vec![("weight", view(vec![n_outputs, weights.len()], &weight)?)];
    if let Some(bias) = &bias {
        views.push(("bias", view(vec![n_outputs], bias)?));
    }
    let features = serde_json::to_string(&model.term_names()).map_err(internal)?;
    let layout = Layout::of(&model, format!("Downhill {}", run.file.downhill));
    let mut metadata = HashMap::new();
    // Some of PyTorch's readers refuse the file without it.
    metadata.insert("format".to_owned(), "pt".to_owned());
    metadata.insert(FEATURES.to_owned(), features);
    metadata.insert(LAYOUT.to_owned(), layout.text());
    metadata.insert(RUN.to_owned(), run.text.clone());
    in_order(&safetensors::serialize(views, Some(metadata)).map_err(internal)?)
}

/// Sorts the keys of the header. The library's map has a random order, but writing a run must always give the
/// same bytes.
fn in_order(bytes: &[u8]) -> Result<Vec<u8>> {
    let (header, values) = split(bytes).ok_or_else(|| internal("no header"))?;
    let header: BTreeMap<String, BTreeMap<String, serde_json::Value>> =
        serde_json::from_slice(header).map_err(internal)?;
    let mut header = serde_json::to_vec(&header).map_err(internal)?;
    header.resize(header.len().next_multiple_of(8), b' ');
    let length = header.len() as u64;
    Ok([&length.to_le_bytes()[..], &header, values].concat())
}

/// Splits a file into header and values.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<8>()?;
    rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)
}

/// Whether a file begins like a safetensors file.
fn recognizes(content: &Content<'_>) -> bool {
    let bytes = content.bytes;
    bytes.len() > 9
        && bytes[8] == b'{'
        && u64::from_le_bytes(bytes[..8].try_into().unwrap_or_default()) < 1 << 32
}

fn read(bytes: &[u8]) -> Result<Plain> {
    let Some((header, _)) = split(bytes) else { return Err(damaged(&"it ends inside its header")) };
    if header.len() as u64 > MAX_HEADER_BYTES {
        return Err(Message::new(Code::ModelTooLarge)
            .with("format", NAME)
            .with("detail", format!("the list of its tensors alone has {} bytes", header.len()))
            .with("limit", "one layer"));
    }
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|error| damaged(&error))?;
    let file = SafeTensors::deserialize(bytes).map_err(|error| damaged(&error))?;
    let mut views = file.tensors();
    views.sort_by(|(a, _), (b, _)| a.cmp(b));
    let arrays: Vec<Named> =
        views.iter().map(|(name, view)| Named { name: name.clone(), shape: view.shape().to_vec() }).collect();
    let chosen = tensors::choose(NAME, &arrays)?;
    let numbers = |index: usize| numbers(&views[index].0, &views[index].1);
    let bias = chosen.bias.map(numbers).transpose()?;
    let layer = chosen.layer(&arrays, &numbers(chosen.weights)?, bias)?;
    let notes = metadata.metadata().as_ref();
    let note = |key: &str| notes.and_then(|notes| notes.get(key));
    let layout = note(LAYOUT).and_then(|text| Layout::read(text));
    let features = note(FEATURES).and_then(|text| serde_json::from_str(text).ok());
    Ok(Plain {
        producer: layout.as_ref().map(|layout| layout.producer.clone()),
        model: tensors::model(layout.as_ref(), features, layer),
        carried: note(RUN).cloned(),
    })
}

fn numbers(name: &str, view: &TensorView<'_>) -> Result<Vec<f64>> {
    let data = view.data();
    let pairs = || data.as_chunks::<2>().0.iter();
    Ok(match view.dtype() {
        Dtype::F64 => data.as_chunks().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect(),
        Dtype::F32 => data.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes).into()).collect(),
        Dtype::F16 => pairs().map(|bytes| half::f16::from_le_bytes(*bytes).to_f64()).collect(),
        Dtype::BF16 => pairs().map(|bytes| half::bf16::from_le_bytes(*bytes).to_f64()).collect(),
        other => {
            let found = format!("\"{}\" as {other:?}", cut(name));
            return Err(Message::new(Code::ModelUnsupported).with("format", NAME).with("found", found));
        }
    })
}

fn damaged(detail: &dyn std::fmt::Display) -> Message {
    let detail: String = detail.to_string().chars().take(200).collect();
    Message::new(Code::ModelDamaged).with("format", NAME).with("detail", detail)
}

fn internal(detail: impl std::fmt::Display) -> Message {
    Message::new(Code::Internal).with("detail", detail)
}

fn how_to_load(model: &Model, file_name: &str) -> (&'static str, String) {
    let (n_features, n_outputs) = (model.weights.len(), model.n_outputs());
    let mut options = String::new();
    if model.bias.is_none() {
        options.push_str(", bias=False");
    }
    let dtype = if model.is_scaled() { "torch.float64" } else { "torch.float32" };
    if model.is_scaled() {
        options.push_str(", dtype=torch.float64");
    }
    let rows = features::numpy_rows(model);
    let after = features::after(
        "model(X)",
        model.activation,
        ["torch.sigmoid({})", "torch.softmax({}, -1)", "torch.exp({})"],
    );
    let name = features::python_text(file_name);
    let lines = format!(
        "import torch\nfrom safetensors.torch import load_file\n\nmodel = torch.nn.Linear({n_features}, \
         {n_outputs}{options})\nmodel.load_state_dict(load_file({name}))\n{}X = torch.tensor(X, dtype={dtype})\n{after}",
        rows
    );
    ("python", lines)
}
