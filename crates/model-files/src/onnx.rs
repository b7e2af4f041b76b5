//! ONNX: the model as a graph of nodes that includes scaling, powers, levels and products, so that
//! users pass rows as they are in the table.
//!
//! The files use IR version 7, opset 13 and version 1 of `ai.onnx.ml`. If every input is a number,
//! the graph has one input with that many columns, in the order of the table. If there are
//! categories, every column is an input, as in files of scikit-learn's converter, and a category is
//! given by its word.

mod columns;
mod inputs;
mod layers;
mod proto;
mod read;
mod tensor;
#[cfg(test)]
mod tests;
mod write;

use downhill::message::{Code, Message};
use downhill::model::Response;

use crate::format::{Content, FormatSpec, Group, Held, Part};
use downhill::foreign::Model;

pub(crate) const SPEC: FormatSpec = FormatSpec {
    name: "onnx",
    group: Group::Models,
    file_name: "downhill-step-{step}.onnx",
    recognizes,
    write: write::write,
    read: Some(read::read),
    holds,
    how_to_load,
};

const NAME: &str = "ONNX";
/// The keys of the metadata that Downhill adds.
const RUN: &str = "downhill.run";
const INPUTS: &str = "downhill.inputs";
const TARGET: &str = "downhill.target";
const CLASSES: &str = "classes";
/// The domain of scikit-learn's operators.
const ML_DOMAIN: &str = "ai.onnx.ml";
/// The maximum size in bytes of a file, and of a run file that it includes.
const MAX_BYTES: usize = 64 << 20;
const MAX_RUN_BYTES: usize = 4 << 20;

/// Whether a file begins like an ONNX model: the version of the format, then a field that may follow it.
fn recognizes(content: &Content<'_>) -> bool {
    const FOLLOWING: [u8; 9] = [0x12, 0x1A, 0x22, 0x28, 0x32, 0x3A, 0x42, 0x72, 0xA2];
    matches!(content.bytes, [0x08, version, next, ..] if (1..=20).contains(version) && FOLLOWING.contains(next))
}

fn holds(model: &Model, part: Part) -> Option<Held> {
    Some(match part {
        Part::Weights | Part::Scaling | Part::Terms | Part::Levels => Held::Inside,
        // The columns of a tensor have no names.
        Part::Columns if model.has_levels() || model.inputs.len() == 1 => Held::Inside,
        Part::Columns | Part::Training | Part::History | Part::Provenance => Held::Note,
    })
}

fn how_to_load(model: &Model, file_name: &str) -> (&'static str, String) {
    let quoted = |text: &str| serde_json::to_string(text).unwrap_or_default();
    let names = write::input_names(model);
    let row = |feed: String| {
        format!(
            "import numpy as np\nimport onnxruntime as ort\n\nsession = ort.InferenceSession({})\n{feed}\n",
            quoted(file_name)
        )
    };
    let feed = if let [name] = &names[..] {
        let columns: Vec<String> = model.inputs.iter().map(|input| input.name.clone()).collect();
        let example = if columns.len() == 1 { "[[0.5], [-0.5]]" } else { "rows" };
        let comment =
            if columns.len() == 1 { String::new() } else { format!("# columns: {}\n", columns.join(", ")) };
        format!(
            "{comment}X = np.array({example}, dtype=np.float32)\nprint(session.run(None, {{{}: X}})[0])",
            quoted(name)
        )
    } else {
        let columns = names.iter().zip(&model.inputs).map(|(name, input)| {
            let kind = if input.levels.is_empty() { "np.float32" } else { "object" };
            format!("    {}: table[[{}]].to_numpy({kind}),\n", quoted(name), quoted(&input.name))
        });
        format!(
            "# table: a pandas.DataFrame\nprint(session.run(None, {{\n{}}})[0])",
            columns.collect::<String>()
        )
    };
    ("python", row(feed))
}

/// Returns the node type of an activation.
fn operator(activation: Response) -> Option<&'static str> {
    match activation {
        Response::Linear => None,
        Response::Sigmoid => Some("Sigmoid"),
        Response::Softmax => Some("Softmax"),
        Response::Exponential => Some("Exp"),
    }
}

fn damaged(detail: impl std::fmt::Display) -> Message {
    Message::new(Code::ModelDamaged).with("format", NAME).with("detail", detail)
}

fn unsupported(found: &str) -> Message {
    Message::new(Code::ModelUnsupported).with("format", NAME).with("found", found)
}

fn too_large(detail: String) -> Message {
    Message::new(Code::ModelTooLarge).with("format", NAME).with("detail", detail).with("limit", "one layer")
}

/// Shortens a name from a file for display.
fn cut(name: &str) -> &str {
    name.char_indices().nth(60).map_or(name, |(end, _)| &name[..end])
}
