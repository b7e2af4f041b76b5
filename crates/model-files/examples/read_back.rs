//! Reads the results of recipes the way Downhill imports them: `coefficients.csv` and
//! `weights.npz`.
//!
//! Usage: `cargo run -p downhill-model-files --example read_back -- FOLDER`, after
//! `tests/interop/recipes.py` has written these files and the expected predictions to
//! `FOLDER/<name>/<recipe>/`. Prints JSON lines, like the scripts of `tests/interop/`.

use std::path::{Path, PathBuf};
use std::{env, error, fs};

use downhill::foreign::Model;
use downhill::message::Message;
use downhill_model_files::formats;
use serde::Serialize;
use serde_json::Value;

type Result<T> = std::result::Result<T, Box<dyn error::Error>>;

/// A printed line, with its fields in the order that the caller expects.
#[derive(Serialize)]
struct Said {
    format: String,
    consumer: String,
    version: &'static str,
    sample: String,
    loaded: bool,
    allowed: f64,
    difference: Option<f64>,
    why: Option<String>,
}

fn main() -> Result<()> {
    let folder = PathBuf::from(env::args_os().nth(1).ok_or("which folder?")?);
    for recipe in folders(&folder)? {
        for tool in folders(&recipe)? {
            for file in ["coefficients.csv", "weights.npz"] {
                let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let (difference, why) = match difference(&recipe, &tool, file) {
                    Ok(difference) => (Some(difference), None),
                    Err(why) => (None, Some(why.to_string())),
                };
                let said = Said {
                    format: name(&tool),
                    consumer: format!("Downhill, {file}"),
                    version: env!("CARGO_PKG_VERSION"),
                    sample: name(&recipe),
                    loaded: why.is_none(),
                    allowed: 1e-9,
                    difference,
                    why,
                };
                println!("{}", serde_json::to_string(&said)?);
            }
        }
    }
    Ok(())
}

fn folders(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)?.collect::<std::io::Result<Vec<_>>>()?;
    let mut folders: Vec<PathBuf> =
        entries.into_iter().map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    Ok(folders)
}

/// The largest difference between the outputs of the model in a file and those of the script, as a
/// fraction of the range of the outputs.
fn difference(recipe: &Path, tool: &Path, file: &str) -> Result<f64> {
    let json = |path: PathBuf| -> Result<Value> { Ok(serde_json::from_slice(&fs::read(path)?)?) };
    let rows = &json(recipe.join("expected.json"))?["trained"];
    let wanted: Vec<Vec<f64>> = serde_json::from_value(json(tool.join("linear.json"))?)?;
    let found = formats::read(&fs::read(tool.join(file))?).map_err(|message: Message| message.to_string())?;
    let names: Vec<&str> =
        rows["inputs"].as_array().into_iter().flatten().filter_map(|input| input["name"].as_str()).collect();
    let mut features = vec![0.0; found.model.map.n_features()];
    let (mut off, mut low, mut high) = (0.0_f64, f64::INFINITY, f64::NEG_INFINITY);
    for (row, wanted) in rows["rows"].as_array().ok_or("no rows")?.iter().zip(&wanted) {
        let x = inputs(&found.model, &names, row)?;
        for (output, wanted) in found.model.outputs(&x, &mut features).iter().zip(wanted) {
            off = off.max((output - wanted).abs());
            (low, high) = (low.min(*wanted), high.max(*wanted));
        }
    }
    Ok(off / (high - low))
}

/// Reorders a row to the inputs of the model.
fn inputs(model: &Model, names: &[&str], row: &Value) -> Result<Vec<f64>> {
    let mut x = Vec::new();
    for input in &model.inputs {
        let place = names.iter().position(|name| *name == input.name);
        let cell = &row[place.ok_or_else(|| format!("an input \"{}\"", input.name))?];
        let level = || input.levels.iter().position(|level| cell.as_str() == Some(level));
        x.push(match cell.as_f64() {
            Some(number) => number,
            None => level().ok_or_else(|| format!("no level {cell} of \"{}\"", input.name))? as f64,
        });
    }
    Ok(x)
}
