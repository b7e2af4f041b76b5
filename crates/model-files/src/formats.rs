//! The table of formats, and the reader that detects the format of a file.

use downhill::foreign::Model;
use downhill::message::{Code, Message, Result};
use serde::Serialize;

use crate::format::{Content, FormatSpec, Plain};
use crate::run::{self, Run};
use crate::{
    code, coefficients, history, keras_h5, keras_zip, npz, onnx, page, pmml, recipe, safetensors, tfjs,
};

/// All formats, in the order in which the page lists them within a group.
pub const FORMATS: &[FormatSpec] = &[
    run::SPEC,
    keras_h5::SPEC,
    keras_zip::SPEC,
    onnx::SPEC,
    safetensors::SPEC,
    npz::SPEC,
    tfjs::SPEC,
    pmml::SPEC,
    coefficients::SPEC,
    history::SPEC,
    code::python::SPEC,
    code::javascript::SPEC,
    code::rust::SPEC,
    code::c::SPEC,
    code::sql::SPEC,
    page::SPEC,
    recipe::keras::SPEC,
    recipe::pytorch::SPEC,
    recipe::sklearn::SPEC,
    recipe::spark::SPEC,
];

/// A model that was read from a file of any format.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Found {
    /// The name of the file's format.
    pub format: &'static str,
    /// The tool that wrote the file, if the file names one.
    pub producer: Option<String>,
    /// The model, as other tools that read the format would see it.
    pub model: Model,
    /// The text of the run file that the file includes, if it describes the same model.
    pub run: Option<String>,
}

/// Returns the format with this name.
pub fn named(name: &str) -> Option<&'static FormatSpec> {
    FORMATS.iter().find(|format| format.name == name)
}

/// Detects the format of a file by its content; `None` if it is not a model.
pub fn recognize(bytes: &[u8]) -> Option<&'static FormatSpec> {
    let content = Content::new(bytes);
    // In reverse order, because the run file format (first) accepts any JSON that no other format
    // recognizes.
    FORMATS.iter().rev().find(|format| (format.recognizes)(&content))
}

/// Reads a model in any format.
///
/// A run file included in the file counts only if it describes the same model, because a user may have
/// changed the weights without the note.
///
/// # Errors
/// [`Code::ModelUnknown`] if the file is not a model, and those of its format's reader.
pub fn read(bytes: &[u8]) -> Result<Found> {
    let format = recognize(bytes).ok_or_else(|| Message::new(Code::ModelUnknown))?;
    let read = format.read.ok_or_else(|| Message::new(Code::ModelUnknown))?;
    let Plain { producer, model, carried } = read(bytes)?;
    let describes_it = |text: &String| {
        let written = Run::read(text.as_bytes()).and_then(|run| format.write(&run));
        written.and_then(|bytes| read(&bytes)).is_ok_and(|again| again.model == model)
    };
    let run = carried.filter(describes_it);
    Ok(Found { format: format.name, producer, model, run })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::format::{Description, Group};

    fn sample(name: &str) -> Run {
        let path = format!("{}/samples/{name}.json", env!("CARGO_MANIFEST_DIR"));
        Run::read(&std::fs::read(path).expect("a sample")).expect("a run")
    }

    fn described(format: &FormatSpec, name: &str) -> Option<Description> {
        match format.describe(&sample(name)) {
            // TensorFlow.js has no exponential activation.
            Err(error) if (name, format.name) == ("powers", "tfjs") => {
                assert_eq!(error.code, Code::ModelCannotHold);
                None
            }
            description => Some(description.expect("a description")),
        }
    }

    #[test]
    fn names_are_unique() {
        let names: HashSet<&str> = FORMATS.iter().map(|format| format.name).collect();
        assert_eq!(names.len(), FORMATS.len());
    }

    #[test]
    fn every_format_describes_itself() {
        for name in ["story", "unbiased", "powers", "mixed", "ten", "yes", "classes"] {
            for format in FORMATS {
                let Some(description) = described(format, name) else { continue };
                let size = format.write(&sample(name)).expect("a file").len();
                assert_eq!(description.size, size, "{name} {format:?}");
                assert!(!description.holds.is_empty(), "{name} {format:?}");
                let is_own = format.group == Group::Run;
                assert_eq!(is_own, description.how_to_load.is_empty(), "{name} {format:?}");
                assert!(!description.file_name.contains('{'), "{}", description.file_name);
            }
        }
    }

    /// The page lists formats without loading the wasm that writes them, so its list must match this table.
    #[test]
    fn the_page_lists_every_format() {
        let path = format!("{}/../../www/dialogs/formats.js", env!("CARGO_MANIFEST_DIR"));
        let listed = std::fs::read_to_string(path).expect("the page's list");
        let mut groups: Vec<(String, Vec<String>)> = Vec::new();
        for format in FORMATS {
            let group = serde_json::json!(format.group).as_str().unwrap_or_default().to_owned();
            let name = format!("'{}'", format.name);
            match groups.iter_mut().find(|(own, _)| *own == group) {
                Some((_, names)) => names.push(name),
                None => groups.push((group, vec![name])),
            }
        }
        let line = |(group, names): &(String, Vec<String>)| format!("  {group}: [{}],\n", names.join(", "));
        let lines: String = groups.iter().map(line).collect();
        let place = listed.find("export const GROUPS = {\n").expect("the list");
        assert_eq!(&listed[place..], format!("export const GROUPS = {{\n{lines}}};\n"));
    }

    /// The page must have texts for every format and every part of a description, in every language.
    #[test]
    fn every_format_has_its_words_in_every_language() {
        let path = format!("{}/../../www/words/model-files.js", env!("CARGO_MANIFEST_DIR"));
        let words = std::fs::read_to_string(path).expect("words");
        let n_languages =
            words.lines().filter(|line| line.starts_with("  ") && line.ends_with(": {")).count();
        assert_eq!(n_languages, 2, "English and Chinese");
        let name = |value: serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let mut keys = HashSet::new();
        for format in FORMATS {
            keys.extend([format!("format_{}", format.name), format!("about_{}", format.name)]);
            keys.insert(format!("group_{}", name(serde_json::json!(format.group))));
            for sample in ["story", "powers", "mixed", "classes"] {
                let Some(description) = described(format, sample) else { continue };
                keys.insert(format!("load_{}", description.language));
                for (part, held) in description.holds {
                    keys.insert(format!("holds_{}", name(serde_json::json!(part))));
                    keys.insert(format!("holds_{}", name(serde_json::json!(held))));
                }
            }
        }
        for key in keys {
            let n = words.lines().filter(|line| line.trim_start().starts_with(&format!("{key}: "))).count();
            assert_eq!(n, n_languages, "{key}");
        }
    }
}
