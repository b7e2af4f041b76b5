//! Samples, rows to predict, and measures that tests of several formats share.
#![allow(dead_code, clippy::unwrap_used, missing_docs)]

use std::fs;
use std::path::{Path, PathBuf};

use downhill::rng::{Rng, Stream};
use downhill_exchange::model::Model;
use downhill_exchange::run::Run;

pub(crate) const SAMPLES: [&str; 7] = ["story", "unbiased", "powers", "mixed", "ten", "yes", "classes"];

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

pub(crate) fn sample(name: &str) -> Run {
    Run::read(&fs::read(root().join(format!("samples/{name}.json"))).unwrap()).unwrap()
}

pub(crate) fn fixture(path: &str) -> Vec<u8> {
    fs::read(root().join("tests/fixtures").join(path)).unwrap()
}

/// The rows that the run checks itself by, and some between them.
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

/// The largest difference of two models' outputs over `|b| + sum |w_k t_k|`.
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
