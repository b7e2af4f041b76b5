//! PMML 4.4: the model as a `RegressionModel`, with one `RegressionTable` per output.
//!
//! If all features are plain inputs, scaling is folded into the coefficients (which are f64),
//! because the simplest PMML readers understand no more. If there are powers or products, derived
//! fields scale the numbers first, because high powers of numbers far from 0 (years) would cancel
//! and lose all their digits. Specification: <https://dmg.org/pmml/v4-4/Regression.html>.

mod read;
mod tree;
mod write;

use downhill::message::{Code, Message};
use downhill::model::Response;

use crate::features::{comment, example, python_text};
use crate::format::{Content, FormatSpec, Group, Held, Part};
use downhill::foreign::Model;

pub(crate) const SPEC: FormatSpec = FormatSpec {
    name: "pmml",
    group: Group::Models,
    file_name: "downhill-step-{step}.pmml",
    recognizes,
    write: write::write,
    read: Some(read::read),
    holds,
    how_to_load,
};

const NAME: &str = "PMML";
/// The name that identifies the extension with the run.
const EXTENDER: &str = "Downhill";
const RUN: &str = "run";
/// The maximum size in bytes of a file, and of a run file that it includes.
const MAX_BYTES: usize = 64 << 20;
const MAX_RUN_BYTES: usize = 4 << 20;

/// Whether the first element of a text is `PMML`, after anything that XML allows before it.
fn recognizes(content: &Content<'_>) -> bool {
    let mut rest = content.text();
    loop {
        rest = rest.trim_ascii_start();
        let ended: &[u8] = match rest {
            [b'<', b'?', ..] => b"?>",
            [b'<', b'!', b'-', b'-', ..] => b"-->",
            // Old files name their DTD, which is ignored; it may define entities inline.
            [b'<', b'!', b'D' | b'd', ..] => match rest.iter().find(|byte| matches!(byte, b'[' | b'>')) {
                Some(b'[') => b"]>",
                _ => b">",
            },
            [b'<', name @ ..] => {
                let is_end = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'>' | b'/');
                let name = &name[..name.iter().take(80).position(is_end).unwrap_or(0)];
                return name.rsplit(|byte| *byte == b':').next() == Some(&b"PMML"[..]);
            }
            _ => return false,
        };
        match rest.windows(ended.len()).position(|window| window == ended) {
            Some(place) => rest = &rest[place + ended.len()..],
            None => return false,
        }
    }
}

fn holds(model: &Model, part: Part) -> Option<Held> {
    Some(match part {
        Part::Scaling if !model.has_terms() => Held::Folded,
        Part::Weights | Part::Scaling | Part::Terms | Part::Levels | Part::Columns => Held::Inside,
        Part::Training | Part::History | Part::Provenance => Held::Note,
    })
}

/// Returns code that loads the file with the simplest tool that reads it correctly: scikit-learn's for linear
/// and logistic models, else one in Java.
fn how_to_load(model: &Model, file_name: &str) -> (&'static str, String) {
    let file = python_text(file_name);
    let cells = model.inputs.iter().zip(&model.map.inputs).map(|(input, map)| {
        let value = match input.levels.last() {
            Some(level) => python_text(level),
            None => example(map.center, map.scale),
        };
        format!("    {}: {value},\n", python_text(&input.name))
    });
    let cells: String = cells.collect();
    // The scikit-learn reader ignores exponents and links, cannot handle an apostrophe in a column
    // name, and needs at least one numeric column.
    let has_numbers = model.inputs.iter().any(|input| input.levels.is_empty());
    let class = match model.activation {
        Response::Linear => Some(("PMMLLinearRegression", "predict")),
        Response::Sigmoid | Response::Softmax if has_numbers => {
            Some(("PMMLLogisticRegression", "predict_proba"))
        }
        _ => None,
    };
    let quoted = model.inputs.iter().any(|input| input.name.contains('\''));
    let lines = match class.filter(|_| !model.has_terms() && !quoted) {
        Some((class, predict)) => format!(
            "# pip install sklearn-pmml-model\nimport pandas as pd\nfrom sklearn_pmml_model.linear_model import {class}\n\n\
             model = {class}(pmml={file})\nX = pd.DataFrame([{{\n{cells}}}])\nprint(model.{predict}(X))\n"
        ),
        None => format!(
            "# pip install pypmml (Java is needed)\nfrom pypmml import Model\n\n\
             model = Model.load({file})\nprint(model.predict({{\n{cells}}}))  # {}\n",
            comment(&model.target)
        ),
    };
    ("python", lines)
}

fn damaged(detail: impl std::fmt::Display) -> Message {
    let detail: String = detail.to_string().chars().take(200).collect();
    Message::new(Code::ModelDamaged).with("format", NAME).with("detail", detail)
}

fn unsupported(found: impl std::fmt::Display) -> Message {
    Message::new(Code::ModelUnsupported).with("format", NAME).with("found", found)
}

fn too_large(detail: impl std::fmt::Display, limit: impl std::fmt::Display) -> Message {
    Message::new(Code::ModelTooLarge).with("format", NAME).with("detail", detail).with("limit", limit)
}
