//! Writes every sample in every format, and what each has to predict, for the scripts of `interop/`.
//!
//! `cargo run -p downhill-exchange --example exported -- FOLDER`. The layout is in `interop/README.md`.

use std::path::{Path, PathBuf};
use std::{env, error, fs};

use downhill::dataset::{Input, Term};
use downhill::rng::{Rng, Stream};
use downhill_exchange::format::Format;
use downhill_exchange::model::Model;
use downhill_exchange::run::Run;
use serde::Serialize;
use serde_json::{Map, Value, json};

type Result<T> = std::result::Result<T, Box<dyn error::Error>>;

/// Rows beside those that the run file holds itself.
const N_RANDOM_ROWS: usize = 20;

/// What a sample has to predict.
#[derive(Serialize)]
struct Expected {
    /// Names and levels, in the order of a row.
    inputs: Vec<Input>,
    target: String,
    /// Names of the classes; none where the target is a number.
    classes: Vec<String>,
    activation: Value,
    /// Names of the features.
    terms: Vec<String>,
    /// Folded coefficients, `[feature][output]`, and constants: see `Model::folded`.
    weights: Vec<Vec<f64>>,
    bias: Vec<f64>,
    /// A number as it is, a category as its word.
    rows: Vec<Vec<Value>>,
    /// What the model says, `[row][output]`.
    outputs: Vec<Vec<f64>>,
    /// The same before the activation.
    linear: Vec<Vec<f64>>,
    /// `|b| + sum |w_k t_k|`, of folded coefficients and raw terms: what differences are measured by.
    bound: Vec<Vec<f64>>,
}

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
        for format in Format::ALL {
            let name = serde_json::to_value(format)?;
            let name = name.as_str().ok_or("a format without a name")?;
            match format.write(&run) {
                Ok(bytes) => {
                    let file = folder.join(name).join(format!("{sample}.{}", extension(format)));
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

/// What files of a format are called by here. Their content says what they are, so that this binds nobody.
fn extension(format: Format) -> &'static str {
    match format {
        Format::RunFile => "json",
        Format::KerasH5 => "h5",
        Format::Keras => "keras",
        Format::Onnx => "onnx",
        Format::Safetensors => "safetensors",
        Format::Npz => "npz",
        Format::Tfjs => "zip",
        Format::Pmml => "pmml",
        Format::Coefficients | Format::History => "csv",
        Format::Javascript => "mjs",
        Format::Rust => "rs",
        Format::C => "c",
        Format::Sql => "sql",
        Format::Page => "html",
        Format::Python
        | Format::RecipeKeras
        | Format::RecipePytorch
        | Format::RecipeSklearn
        | Format::RecipeSpark => "py",
    }
}

fn expectation(run: &Run) -> Expected {
    let model = run.model();
    let folded = model.folded();
    let rows = rows(run, &model);
    let mut features = vec![0.0; model.map.n_features()];
    let bound = |row: &Vec<f64>| {
        let terms = terms(&model, row);
        let of = |output: usize| {
            let sum: f64 = terms.iter().zip(&folded.weights).map(|(t, w)| (t * w[output]).abs()).sum();
            folded.bias[output].abs() + sum
        };
        (0..model.n_outputs()).map(of).collect()
    };
    Expected {
        inputs: model.inputs.clone(),
        target: model.target.clone(),
        classes: model.target_levels.clone(),
        activation: json!(model.activation),
        terms: model.term_names(),
        outputs: rows.iter().map(|row| model.predict(row, &mut features)).collect(),
        linear: rows.iter().map(|row| model.outputs(row, &mut features)).collect(),
        bound: rows.iter().map(bound).collect(),
        rows: rows.iter().map(|row| words(&model, row)).collect(),
        weights: folded.weights,
        bias: folded.bias,
    }
}

/// The rows that the file holds, which stand at the ends and the middle of each range, and others within.
fn rows(run: &Run, model: &Model) -> Vec<Vec<f64>> {
    let n_inputs = model.inputs.len();
    let mut rows: Vec<Vec<f64>> =
        run.file.check_predictions.iter().map(|row| row[..n_inputs].to_vec()).collect();
    let (low, high) = (rows[0].clone(), rows[rows.len() - 1].clone());
    let mut rng = Rng::new(1, Stream::InitialWeights);
    for _ in 0..N_RANDOM_ROWS {
        let of = |j: usize| match model.inputs[j].levels.len() {
            // What f32 holds, so that who reads f32 reads the same row.
            0 => f64::from(rng.uniform(low[j], high[j]) as f32),
            n_levels => rng.uniform(0.0, n_levels as f64).floor(),
        };
        rows.push((0..n_inputs).map(of).collect());
    }
    rows
}

/// Powers, levels and products of a row, as they are.
fn terms(model: &Model, row: &[f64]) -> Vec<f64> {
    let mut values: Vec<f64> = Vec::with_capacity(model.map.n_features());
    for term in model.map.terms() {
        values.push(match term {
            Term::Power { input, power } => row[input].powi(power as i32),
            Term::Level { input, level } => f64::from(u8::from(row[input] == level as f64)),
            Term::Product { of: [a, b] } => values[a] * values[b],
        });
    }
    values
}

fn words(model: &Model, row: &[f64]) -> Vec<Value> {
    let of = |(input, x): (&Input, &f64)| match input.levels.get(*x as usize) {
        Some(word) => json!(word),
        None => json!(x),
    };
    model.inputs.iter().zip(row).map(of).collect()
}
