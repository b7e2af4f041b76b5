//! Samples, rows to predict and error measures that the tests of several formats share.
#![allow(dead_code, clippy::unwrap_used, missing_docs)]

use std::fs;
use std::path::{Path, PathBuf};

use downhill::foreign::Model;
use downhill::rng::{Rng, Stream};
use downhill_model_files::format::FormatSpec;
use downhill_model_files::formats;
use downhill_model_files::run::Run;

pub(crate) const SAMPLES: [&str; 7] = ["story", "unbiased", "powers", "mixed", "ten", "yes", "classes"];

pub(crate) fn spec(name: &str) -> &'static FormatSpec {
    formats::named(name).unwrap()
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

pub(crate) fn sample(name: &str) -> Run {
    Run::read(&fs::read(root().join(format!("samples/{name}.json"))).unwrap()).unwrap()
}

pub(crate) fn fixture(path: &str) -> Vec<u8> {
    fs::read(root().join("tests/fixtures").join(path)).unwrap()
}

/// Returns the rows in the run file and random rows in between.
pub(crate) fn rows(run: &Run, n_random: usize) -> Vec<Vec<f64>> {
    let model = run.model();
    let n = model.inputs.len();
    let mut rows: Vec<Vec<f64>> = run.file.check_predictions.iter().map(|row| row[..n].to_vec()).collect();
    let (low, high) = (rows[0].clone(), rows[rows.len() - 1].clone());
    let mut rng = Rng::new(7, Stream::InitialWeights);
    for _ in 0..n_random {
        let of = |j: usize| match model.inputs[j].levels.len() {
            0 => rng.uniform(low[j], high[j]),
            n_levels => rng.uniform(0.0, n_levels as f64).floor(),
        };
        rows.push((0..n).map(of).collect());
    }
    rows
}

/// The largest difference between the outputs of two models, relative to `|b| + sum |w_k t_k|`.
pub(crate) fn difference(a: &Model, b: &Model, rows: &[Vec<f64>]) -> f64 {
    let folded = a.folded();
    let plain = Model {
        map: downhill::dataset::FeatureMap::new(unscaled(a), a.map.interactions.clone()),
        ..a.clone()
    };
    let (mut features, mut terms) = (vec![0.0; a.map.n_features()], vec![0.0; a.map.n_features()]);
    let mut of_b = vec![0.0; b.map.n_features()];
    let mut worst: f64 = 0.0;
    for row in rows {
        plain.map.features(row, &mut terms);
        let (x, y) = (a.outputs(row, &mut features), b.outputs(row, &mut of_b));
        assert_eq!(x.len(), y.len());
        for output in 0..x.len() {
            let sum: f64 = terms.iter().zip(&folded.weights).map(|(t, w)| (t * w[output]).abs()).sum();
            let bound = folded.bias[output].abs() + sum;
            let off = (x[output] - y[output]).abs();
            worst = worst.max(if bound > 0.0 { off / bound } else { off });
        }
    }
    worst
}

fn unscaled(model: &Model) -> Vec<downhill::dataset::InputMap> {
    model
        .map
        .inputs
        .iter()
        .map(|input| downhill::dataset::InputMap { center: 0.0, scale: 1.0, ..*input })
        .collect()
}

/// Returns runs with hostile names of columns and levels.
pub(crate) fn hostile() -> Vec<(String, Run)> {
    let numbers = [
        "*/ #error",
        "</script><script>alert(1)</script>",
        "'; DROP TABLE data; --",
        "\" + 1",
        "a\nb",
        "a b",
        "a_b",
        "A-b",
        "\\",
        "??/",
        "größe",
        "面积",
        "😀",
        "\u{202e}txt",
        "\u{2028}x\u{85}",
        "class",
        "np",
        "linux",
        "exp",
        "errno",
        "predict",
        "data",
        "t1",
        "1st",
        "-->",
        "{x}",
        "${x}",
        "%s",
        "\u{7}bell",
        "true",
        "probability",
        "null",
        "x^2",
        "a = b",
        "f64",
        "str",
        "self",
        "await",
        "score_1",
        "math",
        "strcmp",
        "float",
        "object",
        "string",
    ];
    let words = [
        "",
        "'",
        "\"",
        "\\",
        "a\nb",
        "*/",
        "??/",
        "${x}",
        "😀",
        "\u{202e}",
        "\u{301}",
        "面积\u{2028}",
        "%s%n",
        "{0}",
        "</script>",
    ];
    let mut classes = vec!["", "\"", "'; --", "*/\n", "面积"];
    classes.resize(5, "x");
    vec![
        (
            "of_numbers".into(),
            run_of(&numbers.map(|name| (name, &[][..])), &[], "*/ \" ' \\\n</script>", "linear"),
        ),
        ("of_words".into(), run_of(&[("c\n", &words[..]), ("x", &[])], &[], "y\u{2028}", "linear")),
        ("classes_of".into(), run_of(&[("x", &[]), ("c", &words[..4])], &classes, "z", "softmax")),
        ("of_empty".into(), run_of(&[("", &[]), (" ", &[])], &[], "", "sigmoid")),
        ("of_twice".into(), run_of(&[("x", &[]), ("X", &[])], &[], "y", "exponential")),
        ("of_zeros".into(), run_of(&[("x\0", &["a\0", "a", "\0"])], &[], "y", "linear")),
        ("of_many".into(), {
            let names: Vec<String> = (0..300).map(|k| format!("column {k}")).collect();
            let inputs: Vec<(&str, &[&str])> = names.iter().map(|name| (&name[..], &[][..])).collect();
            run_of(&inputs, &[], "y", "linear")
        }),
    ]
}

/// Returns a run with these inputs, products of numbers with the first category, and random
/// weights.
pub(crate) fn run_of(inputs: &[(&str, &[&str])], classes: &[&str], target: &str, activation: &str) -> Run {
    use serde_json::json;
    let mut file: serde_json::Value =
        serde_json::from_slice(&fs::read(root().join("samples/mixed.json")).unwrap()).unwrap();
    let n_outputs = classes.len().max(1);
    let count = |levels: &[&str]| if levels.is_empty() { 1 } else { levels.len() - 1 };
    let n: usize = inputs.iter().map(|(_, levels)| count(levels)).sum();
    let mut rng = Rng::new(3, Stream::InitialWeights);
    let mut number = |low: f64, high: f64| f64::from(rng.uniform(low, high) as f32);
    let of_input = |(name, levels): &(&str, &[&str])| json!({ "name": name, "levels": levels });
    file["columns"] = json!({ "inputs": inputs.iter().map(of_input).collect::<Vec<_>>(), "target": target });
    if !classes.is_empty() {
        file["columns"]["target_levels"] = json!(classes);
    }
    let kernel: Vec<Vec<f64>> = (0..n).map(|_| (0..n_outputs).map(|_| number(-1.0, 1.0)).collect()).collect();
    let bias: Vec<f64> = (0..n_outputs).map(|_| number(-1.0, 1.0)).collect();
    file["layers"] = json!([{ "kernel": kernel, "bias": bias, "activation": activation }]);
    let maps: Vec<serde_json::Value> = inputs
        .iter()
        .map(|(_, levels)| {
            let (center, scale) =
                if levels.is_empty() { (number(-3.0, 3.0), number(0.5, 2.0)) } else { (0.0, 1.0) };
            json!({ "degree": 1, "n_levels": levels.len(), "center": center, "scale": scale })
        })
        .collect();
    file["feature_map"] = json!({
        "inputs": maps, "interactions": [], "center": (0..n).map(|_| number(-0.5, 0.5)).collect::<Vec<f64>>(),
        "scale": (0..n).map(|_| number(0.5, 2.0)).collect::<Vec<f64>>(),
    });
    file["config"]["model"] = json!({ "degree": 1, "bias": true, "degrees": [], "interactions": [], "standardize": null, "initial_weights": "zero" });
    let loss = match activation {
        "softmax" => "softmax",
        "sigmoid" => "logistic",
        "exponential" => "poisson",
        _ => "squared",
    };
    file["config"]["loss"] = json!({ "kind": loss });
    for moments in ["first_moments", "second_moments", "previous", "epoch_start", "anchor"] {
        file["training_state"][moments] = json!(vec![0.0; (n + 1) * n_outputs]);
    }
    let row = |x: f64| {
        let values = inputs.iter().map(|(_, levels)| if levels.is_empty() { x } else { 0.0 });
        values.chain([0.0]).collect::<Vec<f64>>()
    };
    // Ends a comment line in a way that makes a C compiler join the next line.
    file["saved"] = json!("\u{85} ??/ \\ ");
    file["check_predictions"] = json!([row(-2.0), row(0.0), row(2.0)]);
    Run::read(file.to_string().as_bytes()).unwrap()
}
