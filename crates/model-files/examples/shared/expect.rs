//! The expected predictions of a run, in the form that the scripts of `tests/interop/` read: see
//! `tests/interop/README.md`.

use downhill::dataset::{Input, Term};
use downhill::foreign::Model;
use downhill::rng::{Rng, Stream};
use downhill_model_files::run::Run;
use serde::Serialize;
use serde_json::{Value, json};

/// The number of random rows, in addition to the rows in the run file.
const N_RANDOM_ROWS: usize = 20;

/// The expected predictions of a sample.
#[derive(Serialize)]
pub(crate) struct Expected {
    /// The names and levels of the inputs, in the order of a row.
    inputs: Vec<Input>,
    target: String,
    /// The names of the classes; empty if the target is a number.
    classes: Vec<String>,
    activation: Value,
    /// The names of the features.
    terms: Vec<String>,
    /// The folded coefficients, `[feature][output]`, and the constants: see `Model::folded`.
    weights: Vec<Vec<f64>>,
    bias: Vec<f64>,
    /// The rows: numbers as they are, categories as words.
    rows: Vec<Vec<Value>>,
    /// The values of the terms, `[row][feature]`.
    values: Vec<Vec<f64>>,
    /// The predictions, `[row][output]`.
    outputs: Vec<Vec<f64>>,
    /// The predictions before the activation.
    linear: Vec<Vec<f64>>,
    /// `|b| + sum |w_k t_k|` of folded coefficients and raw terms, the scale for tolerances.
    bound: Vec<Vec<f64>>,
}

/// Computes the expected predictions of a run.
pub(crate) fn expectation(run: &Run) -> Expected {
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
        values: rows.iter().map(|row| terms(&model, row)).collect(),
        rows: rows.iter().map(|row| words(&model, row)).collect(),
        weights: folded.weights,
        bias: folded.bias,
    }
}

/// Returns the rows in the run file, which cover the ends and the middle of each range, and random
/// rows in between.
fn rows(run: &Run, model: &Model) -> Vec<Vec<f64>> {
    let n_inputs = model.inputs.len();
    let mut rows: Vec<Vec<f64>> =
        run.file.check_predictions.iter().map(|row| row[..n_inputs].to_vec()).collect();
    let (low, high) = (rows[0].clone(), rows[rows.len() - 1].clone());
    let mut rng = Rng::new(1, Stream::InitialWeights);
    for _ in 0..N_RANDOM_ROWS {
        let of = |j: usize| match model.inputs[j].levels.len() {
            // A value that f32 represents exactly, so that tools that read f32 see the same row.
            0 => f64::from(rng.uniform(low[j], high[j]) as f32),
            n_levels => rng.uniform(0.0, n_levels as f64).floor(),
        };
        rows.push((0..n_inputs).map(of).collect());
    }
    rows
}

/// Returns the powers, levels and products of a row, without scaling.
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
