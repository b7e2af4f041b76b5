//! Writes every sample in every format, with its expected predictions, for the scripts of
//! `tests/interop/`.
//!
//! `cargo run -p downhill-model-files --example exported -- FOLDER`. The layout is in `tests/interop/README.md`.

use std::path::{Path, PathBuf};
use std::{env, error, fs};

use downhill_model_files::formats::FORMATS;
use downhill_model_files::run::Run;
use serde_json::{Map, json};

use expect::expectation;

#[path = "shared/expect.rs"]
mod expect;

type Result<T> = std::result::Result<T, Box<dyn error::Error>>;

fn main() -> Result<()> {
    let folder = PathBuf::from(env::args_os().nth(1).ok_or("which folder?")?);
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    let mut paths: Vec<PathBuf> = fs::read_dir(samples)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<std::io::Result<_>>()?;
    paths.sort();
    let mut expected = Map::new();
    let mut refused = Vec::new();
    for path in paths {
        let sample = path.file_stem().ok_or("a sample without a name")?.to_string_lossy().into_owned();
        let run = Run::read(&fs::read(&path)?)?;
        expected.insert(sample.clone(), serde_json::to_value(expectation(&run))?);
        for format in FORMATS {
            let name = format.name;
            match format.write(&run) {
                Ok(bytes) => {
                    let file = folder.join(name).join(format!("{sample}.{}", format.extension()));
                    fs::create_dir_all(file.parent().ok_or("no folder")?)?;
                    fs::write(file, bytes)?;
                }
                Err(message) => {
                    refused.push(json!({ "format": name, "sample": sample, "why": message.to_string() }));
                }
            }
        }
    }
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("expected.json"), serde_json::to_string_pretty(&expected)?)?;
    fs::write(folder.join("refused.json"), serde_json::to_string_pretty(&refused)?)?;
    Ok(())
}
