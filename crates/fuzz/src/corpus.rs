//! Valid inputs: files that other tools wrote (`crates/tables/tests/files`), and files that
//! Downhill writes.

use std::path::Path;
use std::rc::Rc;
use std::{fs, io};

use anyhow::{Context, Result};
use downhill::backend::{self, InUse};
use downhill::choices::Method;
use downhill::config::{RunConfig, choose_method, choose_optimizer, choose_schedule, to_query};
use downhill::dataset::Dataset;
use downhill::message::Code;
use downhill::run_file;
use downhill::trainer::{Task, Trainer};
use downhill_model_files::format::FormatSpec;
use downhill_model_files::run::Run;

use crate::target::Target;

/// Returns valid inputs for a target, with their names.
///
/// # Errors
/// Returned if a file is missing or a run cannot be created.
pub fn of(target: Target) -> Result<Vec<(String, Vec<u8>)>> {
    let files = |ends: &[&str]| files(Path::new("../tables/tests/files"), ends);
    Ok(match target {
        Target::Text => {
            let mut found = self::files(Path::new("../../www/data"), &[".csv"])?;
            let corpus = Path::new("../tables/tests/corpus");
            if absolute(corpus).is_dir() {
                found.extend(self::files(corpus, &[""])?);
            }
            // A few rows are as good as a thousand and faster to read.
            for (_, text) in &mut found {
                text.truncate(4096);
            }
            let texts = [
                "a;b;c\n1,5;x;2024-01-31\n-2,25;\"y;\"\"z\";\n1.234,5;;31.12.2024\n",
                "\u{FEFF}größe\tpreis\tort\r\n1.5\t2,000.5\tKöln\r\n\t50%\tNA\r\n",
                "1 2   3\n4 5 6\n 7 8 9\n",
                "x,y\n1e-3,2\n\"3\n\",4\nn/a,-\n",
            ];
            found.extend(texts.map(|text| ("text".to_owned(), text.as_bytes().to_vec())));
            let wide: Vec<u8> = texts[1].encode_utf16().flat_map(u16::to_le_bytes).collect();
            found.push(("utf16".to_owned(), wide));
            found
        }
        Target::Objects => files(&[".json", ".jsonl"])?
            .into_iter()
            .filter(|(name, _)| name != "expected.json")
            .map(|(name, mut text)| {
                text.truncate(4096);
                (name, text)
            })
            .collect(),
        Target::Array => files(&[".npy"])?,
        Target::Archive => files(&[".npz"])?,
        Target::Parquet => files(&[".parquet"])?,
        Target::Workbook => files(&[".xlsx", ".ods"])?,
        Target::Weights => {
            weights()?.into_iter().map(|text| ("weights".to_owned(), text.into_bytes())).collect()
        }
        // An extension that no other format has.
        Target::Model(format) if format.name == "pmml" => {
            let mut found = models(format)?;
            found.extend(self::files(Path::new("../model-files/tests/fixtures/pmml"), &[".pmml"])?);
            found
        }
        Target::Model(format) => models(format)?,
        Target::Link => {
            configs()?.iter().map(|config| ("link".to_owned(), to_query(config).into_bytes())).collect()
        }
    })
}

/// Returns every sample in a format, plus files that Keras and TensorFlow.js wrote. The tests of
/// each format read the files of other tools.
fn models(format: &FormatSpec) -> Result<Vec<(String, Vec<u8>)>> {
    let mut found = Vec::new();
    for (name, text) in files(Path::new("../model-files/samples"), &[".json"])? {
        let run = Run::read(&text).with_context(|| name.clone())?;
        // Not every format can express every model.
        if let Ok(bytes) = format.write(&run) {
            found.push((format!("{} {format:?}", name.trim_end_matches(".json")), bytes));
        }
    }
    if !["keras_h5", "keras", "tfjs"].contains(&format.name) {
        return Ok(found);
    }
    let end = &format!(".{}", format.extension())[..];
    let refused = ["odd", "deep", "convolved"];
    let theirs = files(Path::new("../model-files/tests/fixtures/keras"), &[end])?;
    found.extend(theirs.into_iter().filter(|(name, _)| !refused.iter().any(|word| name.contains(word))));
    Ok(found)
}

fn absolute(folder: &Path) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)
}

fn files(folder: &Path, ends: &[&str]) -> Result<Vec<(String, Vec<u8>)>> {
    let folder = absolute(folder);
    let entries = fs::read_dir(&folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    let mut names: Vec<String> = entries
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<io::Result<_>>()?;
    names.retain(|name| ends.iter().any(|end| name.ends_with(end)));
    // Directory order differs between machines, but inputs must not.
    names.sort();
    names.into_iter().map(|name| Ok((name.clone(), fs::read(folder.join(name))?))).collect()
}

/// Returns configurations that together use everything that links and files can express.
fn configs() -> Result<Vec<RunConfig>> {
    let plain = RunConfig::default();
    let mut polynomial = choose_optimizer(&choose_method(&plain, Method::MiniBatch), "adam")?;
    polynomial.model.degree = 4;
    polynomial.model.standardize = Some(downhill::choices::Scaling::Standardize);
    let mut configs = vec![polynomial, choose_method(&plain, Method::Stochastic)];
    for optimizer in ["momentum", "nesterov", "rmsprop", "adagrad"] {
        configs.extend(choose_optimizer(&plain, optimizer));
    }
    for schedule in ["time_decay", "step_decay", "exponential", "cosine", "plateau"] {
        configs.extend(choose_schedule(&plain, schedule));
    }
    configs.push(plain);
    Ok(configs)
}

fn weights() -> Result<Vec<String>> {
    configs()?
        .iter()
        .map(|config| {
            let plan = config.check()?;
            let dataset = Dataset::build(&config.data, None)?;
            let task = Task::new(&plan, Rc::new(dataset))?;
            let engine = backend::cpu(Rc::clone(&task.problem), &task.layout);
            let in_use = InUse::new(&engine, Code::CpuForced.into());
            let mut trainer = pollster::block_on(Trainer::new(plan, task, engine, in_use))?;
            pollster::block_on(trainer.advance(20))?;
            Ok(run_file::write(&trainer)?)
        })
        .collect()
}
