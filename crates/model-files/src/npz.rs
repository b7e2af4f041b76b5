//! NumPy's archive of arrays: `dense.kernel`, indexed `[input][output]`, and `dense.bias`, as in Keras.
//!
//! Source: numpy.lib.format. Scaling is folded into the weights; the user of the file has to
//! compute powers, levels and products, so `features` names them.

use std::io::{Cursor, Read, Write};

use downhill::message::{Code, Message, Result};
use downhill_tables::npy::Header;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use crate::features;
use crate::format::{Content, FormatSpec, Group, Plain};
use crate::run::Run;
use crate::tensors::{self, Layout, Named, Role, cut};
use downhill::foreign::Model;

pub(crate) const SPEC: FormatSpec = FormatSpec {
    name: "npz",
    group: Group::Arrays,
    file_name: "downhill-step-{step}.npz",
    recognizes,
    write,
    read: Some(read),
    holds: features::held_by_arrays,
    how_to_load,
};

const NAME: &str = "NumPy";
/// The maximum number of arrays; a model of one layer has two.
const MAX_ARRAYS: usize = 1_000;
/// The maximum total size of unpacked arrays in bytes. The largest layer has 8 MB, and a run file needs some
/// more.
const MAX_BYTES: u64 = 64 << 20;

const LAYOUT: &str = "downhill.model";
const RUN: &str = "downhill.run";
const FEATURES: &str = "features";
/// Arrays in which scikit-learn's estimators and users store feature names.
const FEATURE_NAMES: [&str; 4] = [FEATURES, "feature_names", "feature_names_in_", "columns"];
const PASSED_OVER: [&str; 5] = ["classes_", "n_features_in_", "n_iter_", "rank_", "singular_"];

fn write(run: &Run) -> Result<Vec<u8>> {
    let model = run.model();
    let (weights, bias, is_single) = tensors::coefficients(&model);
    let (kind, bytes): (_, fn(&f64) -> Vec<u8>) = if is_single {
        ("<f4", |value| (*value as f32).to_le_bytes().to_vec())
    } else {
        ("<f8", |value| value.to_le_bytes().to_vec())
    };
    let n_outputs = model.n_outputs();
    let kernel: Vec<u8> = weights.iter().flatten().flat_map(bytes).collect();
    let layout = Layout::of(&model, format!("Downhill {}", run.file.downhill)).text();
    let mut arrays = vec![("dense.kernel", array(kind, &[weights.len(), n_outputs], &kernel))];
    if let Some(bias) = bias {
        arrays.push((
            "dense.bias",
            array(kind, &[n_outputs], &bias.iter().flat_map(bytes).collect::<Vec<u8>>()),
        ));
    }
    arrays.push((FEATURES, words(&model.term_names())));
    arrays.push((LAYOUT, array("|u1", &[layout.len()], layout.as_bytes())));
    arrays.push((RUN, array("|u1", &[run.text.len()], run.text.as_bytes())));
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, array) in arrays {
        archive.start_file(format!("{name}.npy"), options).map_err(internal)?;
        archive.write_all(&array).map_err(internal)?;
    }
    Ok(archive.finish().map_err(internal)?.into_inner())
}

/// Encodes an array as an `.npy` file.
fn array(kind: &str, shape: &[usize], values: &[u8]) -> Vec<u8> {
    let sizes: Vec<String> = shape.iter().map(|n| format!("{n},")).collect();
    let mut header =
        format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({}), }}", sizes.join(" "));
    // The values begin at a multiple of 64, after ten bytes, the header and a line feed.
    let length = (10 + header.len() + 1).next_multiple_of(64) - 10;
    header.extend(std::iter::repeat_n(' ', length - 1 - header.len()));
    header.push('\n');
    [b"\x93NUMPY\x01\x00", &(length as u16).to_le_bytes()[..], header.as_bytes(), values].concat()
}

/// Encodes an array of strings, padded to the longest, as an `.npy` file.
fn words(words: &[String]) -> Vec<u8> {
    let longest = words.iter().map(|word| word.chars().count()).max().unwrap_or(0).max(1);
    let letters = words.iter().flat_map(|word| {
        let letters = word.chars().map(|letter| letter as u32);
        letters.chain(std::iter::repeat(0)).take(longest)
    });
    let values: Vec<u8> = letters.flat_map(u32::to_le_bytes).collect();
    array(&format!("<U{longest}"), &[words.len()], &values)
}

/// Returns the names of an archive's arrays; `None` if it contains anything else.
fn names(bytes: &[u8]) -> Option<Vec<String>> {
    let archive = ZipArchive::new(Cursor::new(bytes)).ok()?;
    archive.file_names().map(|name| Some(name.ok()?.strip_suffix(".npy")?.to_owned())).collect()
}

/// Whether an archive contains arrays with names of weights; an archive with a table contains other
/// names.
fn recognizes(content: &Content<'_>) -> bool {
    let bytes = content.bytes;
    let weights = |name: &String| matches!(Role::of(name), Role::ByOutput | Role::ByFeature);
    bytes.starts_with(b"PK") && names(bytes).is_some_and(|names| names.iter().any(weights))
}

fn read(bytes: &[u8]) -> Result<Plain> {
    let mut archive = Archive {
        files: ZipArchive::new(Cursor::new(bytes)).map_err(|error| damaged(&error))?,
        left: MAX_BYTES,
    };
    if archive.files.len() > MAX_ARRAYS {
        return Err(Message::new(Code::ModelTooLarge)
            .with("format", NAME)
            .with("detail", format!("{} arrays", archive.files.len()))
            .with("limit", format!("{MAX_ARRAYS} arrays")));
    }
    let (mut arrays, mut indices) = (Vec::new(), Vec::new());
    let (mut layout, mut carried, mut features) = (None, None, None);
    for index in 0..archive.files.len() {
        let (name, header) = archive.header(index)?;
        match &name[..] {
            RUN => carried = String::from_utf8(archive.values(index)?.1).ok(),
            LAYOUT => layout = std::str::from_utf8(&archive.values(index)?.1).ok().and_then(Layout::read),
            names if FEATURE_NAMES.contains(&names) => {
                let (header, values) = archive.values(index)?;
                features = header.words(&values);
            }
            other if PASSED_OVER.contains(&other) => {}
            _ => {
                let shape =
                    header.shape.iter().map(|n| usize::try_from(*n).ok()).collect::<Option<Vec<usize>>>();
                let shape = shape.ok_or_else(|| damaged(&format_args!("\"{}\" has no end", cut(&name))))?;
                arrays.push(Named { name, shape });
                indices.push(index);
            }
        }
    }
    let chosen = tensors::choose(NAME, &arrays)?;
    let weights = archive.numbers(indices[chosen.weights])?;
    let bias = chosen.bias.map(|bias| archive.numbers(indices[bias])).transpose()?;
    let layer = chosen.layer(&arrays, &weights, bias)?;
    Ok(Plain {
        producer: layout.as_ref().map(|layout| layout.producer.clone()),
        model: tensors::model(layout.as_ref(), features, layer),
        carried,
    })
}

/// An archive with a limit on the bytes that are read.
struct Archive<'a> {
    files: ZipArchive<Cursor<&'a [u8]>>,
    left: u64,
}

impl Archive<'_> {
    fn header(&mut self, index: usize) -> Result<(String, Header)> {
        let mut file = self.files.by_index(index).map_err(|error| damaged(&error))?;
        let name = file.name().map_err(|error| damaged(&error))?.into_owned();
        let name = name.strip_suffix(".npy").unwrap_or(&name).to_owned();
        let (header, _) = Header::read(&mut file, &name).map_err(of_array)?;
        Ok((name, header))
    }

    /// Reads the header of the array number `index` and the bytes of its values.
    fn values(&mut self, index: usize) -> Result<(Header, Vec<u8>)> {
        let mut file = self.files.by_index(index).map_err(|error| damaged(&error))?;
        let (header, _) = Header::read(&mut file, "").map_err(of_array)?;
        let n_bytes = header.n_bytes().filter(|n_bytes| *n_bytes <= self.left).ok_or_else(|| {
            Message::new(Code::ModelTooLarge)
                .with("format", NAME)
                .with("detail", format!("an array of {:?}", header.shape))
                .with("limit", format!("{} MB", MAX_BYTES >> 20))
        })?;
        // The buffer grows as bytes arrive, so the header cannot cause a large allocation.
        let mut values = Vec::new();
        file.by_ref().take(n_bytes).read_to_end(&mut values).map_err(|error| damaged(&error))?;
        if values.len() as u64 != n_bytes {
            return Err(damaged(&"an array is shorter than its header says"));
        }
        self.left -= n_bytes;
        Ok((header, values))
    }

    fn numbers(&mut self, index: usize) -> Result<Vec<f64>> {
        let (header, values) = self.values(index)?;
        header.numbers(&values).ok_or_else(|| {
            let found = "an array without numbers";
            Message::new(Code::ModelUnsupported).with("format", NAME).with("found", found)
        })
    }
}

/// Converts an error of the array reader to one about models.
fn of_array(message: Message) -> Message {
    damaged(&message)
}

fn damaged(detail: &dyn std::fmt::Display) -> Message {
    let detail: String = detail.to_string().chars().take(200).collect();
    Message::new(Code::ModelDamaged).with("format", NAME).with("detail", detail)
}

fn internal(detail: impl std::fmt::Display) -> Message {
    Message::new(Code::Internal).with("detail", detail)
}

fn how_to_load(model: &Model, file_name: &str) -> (&'static str, String) {
    let bias = if model.bias.is_some() { " + model[\"dense.bias\"]" } else { "" };
    let rows = features::numpy_rows(model);
    let after = features::after(
        "z",
        model.activation,
        ["1 / (1 + np.exp(-{}))", "np.exp({}) / np.exp({}).sum(-1, keepdims=True)", "np.exp({})"],
    );
    let name = features::python_text(file_name);
    let lines = format!(
        "import numpy as np\n\nmodel = np.load({name})\n{rows}z = np.array(X) @ model[\"dense.kernel\"]{bias}\n{after}"
    );
    ("python", lines)
}
