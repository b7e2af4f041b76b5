//! Exports a web page that predicts: one file that makes no network requests.
//!
//! Script and style are the same for every model and are allowed by their hashes; the model is
//! embedded as data. The script computes in the same order as the model. The comment at the end
//! carries the run file with a checksum of everything before it, as in [`crate::code`].

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use downhill::dataset::{Input, InputMap};
use downhill::message::{Code, Message, Result};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::code::{self, checksum, in_comment};
use crate::format::{Content, FormatSpec, Group, Plain};
use crate::provenance;
use crate::run::Run;
use downhill::foreign::Model;

pub(crate) const SPEC: FormatSpec = FormatSpec {
    name: "page",
    group: Group::Models,
    file_name: "downhill-step-{step}.html",
    recognizes,
    write,
    read: Some(read),
    holds: code::holds,
    how_to_load: |_, file_name| ("", format!("Open {file_name} in a browser; it works from disk.\n")),
};

const PAGE: &str = include_str!("page/page.html");
const STYLE: &str = include_str!("page/page.css");
const SCRIPT: &str = include_str!("page/page.js");

const NAME: &str = "page";
const GENERATOR: &str = "<meta name=\"generator\" content=\"Downhill";
/// The number of bytes at the beginning of a file within which the page's mark must occur.
const HEAD_BYTES: usize = 200;
const OPEN: &str = "<!-- downhill-run ";
const CLOSE: &str = " -->";

fn write(run: &Run) -> Result<Vec<u8>> {
    let model = run.model();
    let title = format!("{} · Downhill", model.target);
    let data = serde_json::to_string(&data(run, &model))
        .map_err(|error| Message::new(Code::Internal).with("detail", error))?;
    let lines = provenance::lines(run).into_iter();
    let lines: String = lines
        .map(|(what, said)| format!("<dt data-say=\"{what}\">{what}</dt><dd>{}</dd>", escaped(&said)))
        .collect();
    let values = [
        ("{generator}", format!("Downhill {}", escaped(&run.file.downhill))),
        ("{script-hash}", hash(SCRIPT)),
        ("{style-hash}", hash(STYLE)),
        ("{title}", escaped(&title)),
        ("{style}", STYLE.to_owned()),
        ("{target}", escaped(&model.target)),
        ("{provenance}", lines),
        ("{model}", in_comment(&data)),
        ("{script}", SCRIPT.to_owned()),
    ];
    // Placeholders are replaced in order, each once and only in the rest of the page, because a
    // value may look like another placeholder.
    let (mut page, mut rest) = (String::new(), PAGE);
    for (place, value) in values {
        let (before, after) =
            rest.split_once(place).ok_or_else(|| Message::new(Code::Internal).with("detail", place))?;
        page += before;
        page += &value;
        rest = after;
    }
    page += rest;
    let note = in_comment(&run.text);
    let sum = checksum(&page, &note);
    Ok(format!("{page}{OPEN}{sum:08x} {note}{CLOSE}\n").into_bytes())
}

/// The data of the model that the page's script works with.
fn data(run: &Run, model: &Model) -> Value {
    let folded = model.folded();
    let checks = &run.file.check_predictions;
    let input = |(j, (input, map)): (usize, (&Input, &InputMap))| {
        let seen = checks.iter().filter_map(|row| row.get(j)).copied();
        let (low, high) =
            (seen.clone().fold(f64::INFINITY, f64::min), seen.fold(f64::NEG_INFINITY, f64::max));
        let (low, high) = if low <= high { (low, high) } else { (0.0, 1.0) };
        json!({
            "name": input.name, "levels": input.levels, "degree": map.degree, "center": map.center, "scale": map.scale,
            "low": low, "high": high,
        })
    };
    json!({
        "inputs": model.inputs.iter().zip(&model.map.inputs).enumerate().map(input).collect::<Vec<Value>>(),
        "interactions": model.map.interactions,
        "center": model.map.center,
        "scale": model.map.scale,
        "weights": model.weights,
        "bias": model.bias,
        "activation": model.activation,
        "target": model.target,
        "classes": model.target_levels,
        "terms": model.term_names(),
        "folded": { "weights": folded.weights, "bias": folded.bias },
    })
}

/// Returns the hash of a script or style for the content security policy.
fn hash(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text.as_bytes())))
}

/// Escapes a text for HTML.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\0' => escaped.push('\u{FFFD}'),
            _ => escaped.push(letter),
        }
    }
    escaped
}

/// Whether a text is a page that Downhill wrote.
fn recognizes(content: &Content<'_>) -> bool {
    let text = content.text();
    let head = &text[..text.len().min(HEAD_BYTES)];
    head.starts_with(b"<!doctype html>") && head.windows(GENERATOR.len()).any(|at| at == GENERATOR.as_bytes())
}

fn read(bytes: &[u8]) -> Result<Plain> {
    let edited = || {
        let detail = "it was edited after Downhill wrote it; to bring back edited weights, use a run file, safetensors or NumPy";
        Message::new(Code::ModelDamaged).with("format", NAME).with("detail", detail)
    };
    let text = std::str::from_utf8(bytes).map_err(|_| edited())?.trim_start_matches('\u{FEFF}');
    let (before, note) = text.rsplit_once(OPEN).ok_or_else(edited)?;
    let note = note.trim_end().strip_suffix(CLOSE).ok_or_else(edited)?;
    let (sum, note) = note.split_once(' ').ok_or_else(edited)?;
    if sum != format!("{:08x}", checksum(before, note)) {
        return Err(edited());
    }
    Run::read(note.as_bytes()).map(Plain::of_run)
}
