//! The reference gradient compared with autograd and finite differences, and every engine compared
//! with the reference.

use downhill::analysis::LeastSquares;
use downhill::choices::{Method, Scaling};
use downhill::config::{RunConfig, Stop};
use downhill::dataset::{FeatureMap, Problem};
use downhill::model::gradient::loss_and_gradient;

use crate::support::{EVERYWHERE, Rows, assert_close, block_on, numbers, reference, task, trainer};

#[test]
fn it_is_what_autograd_finds() {
    // tests/reference/gradient.json: PyTorch autograd in f64.
    let cases = reference("gradient");
    let cases = cases["cases"].as_array().unwrap();
    assert!(cases.len() >= 6);
    for case in cases {
        let rows: Vec<Vec<f64>> = case["x"].as_array().unwrap().iter().map(numbers).collect();
        let bias = case["bias"].as_f64();
        let problem = Problem {
            n_samples: rows.len() as u32,
            n_features: rows[0].len() as u32,
            features: rows.iter().flatten().map(|v| *v as f32).collect(),
            targets: numbers(&case["y"]).iter().map(|v| *v as f32).collect(),
            ..Problem::default()
        };
        let problem = Rows::new(problem, 1, bias.is_some());
        let mut parameters = numbers(&case["weights"]);
        parameters.extend(bias);
        let (loss, gradient) =
            loss_and_gradient(&problem, &problem.layout, &parameters, 0..problem.n_samples);
        let expected = case["loss"].as_f64().unwrap();
        assert_close(loss, expected, 1e-12 * expected, "loss");
        for (found, expected) in gradient.iter().zip(numbers(&case["gradient"])) {
            assert_close(*found, expected, 1e-12 * (1.0 + expected.abs()), "slope");
        }
    }
}

#[test]
fn it_is_what_finite_differences_find() {
    let mut config = RunConfig::default();
    config.model.degree = 4;
    config.model.standardize = Some(Scaling::Standardize);
    let task = task(&config);
    let at = [0.3, -1.2, 0.8, 2.0, -0.5];
    let rows = || (0..task.problem.n_samples).filter(|row| row % 3 == 1);
    let (_, gradient) = loss_and_gradient(&task.problem, &task.layout, &at, rows());
    for (j, slope) in gradient.iter().enumerate() {
        let h = 1e-6;
        let shifted = |by: f64| {
            let mut at = at;
            at[j] += by;
            loss_and_gradient(&task.problem, &task.layout, &at, rows()).0
        };
        // Central differences of a quadratic are exact up to rounding, about 1e-16 * loss / h.
        assert_close((shifted(h) - shifted(-h)) / (2.0 * h), *slope, 1e-8, "slope");
    }
}

#[test]
fn engines_take_the_reference_step_at_awkward_sizes() {
    for n in [2, 7, 255, 257, 65_537] {
        for (degree, bias) in [(1, true), (1, false), (2, true), (5, true), (12, true)] {
            let mut config =
                RunConfig { stop: Stop { converged: false, ..Stop::default() }, ..RunConfig::default() };
            if let downhill::choices::Source::Linspace { n_samples, .. } = &mut config.data.source {
                *n_samples = n;
            }
            config.model.degree = degree;
            config.model.bias = bias;
            config.method = Method::Batch;
            for on in EVERYWHERE {
                let mut run = trainer(on, &config);
                let zeros = vec![0.0; (degree + u32::from(bias)) as usize];
                let (loss, gradient) =
                    loss_and_gradient(&run.task().problem, &run.task().layout, &zeros, 0..n);
                assert_close(run.measured().loss, loss, 1e-5 * loss, "loss");
                block_on(run.advance_unmeasured(1)).unwrap();
                let scale = gradient.iter().map(|slope| slope.abs()).fold(0.0, f64::max);
                for (weight, slope) in run.parameters().iter().zip(&gradient) {
                    // f32 sums of n terms, folded: a few units in the last place of the largest slope.
                    assert_close(
                        f64::from(*weight),
                        -0.03 * slope,
                        0.03 * 2e-6 * scale,
                        &format!("n = {n}, {degree}"),
                    );
                }
            }
        }
    }
}

#[test]
fn it_vanishes_at_the_least_squares_solution() {
    let mut config = RunConfig::default();
    config.model.degree = 6;
    let dataset = downhill::dataset::Dataset::build(&config.data, None).unwrap();
    let map = FeatureMap::standardized(6, &dataset, true);
    let exact = LeastSquares::solve(&dataset, &map, true);
    let problem = Rows::new(Problem::build(&dataset, &map).unwrap(), 1, true);
    let (_, gradient) = loss_and_gradient(&problem, &problem.layout, &exact.parameters, 0..problem.n_samples);
    for slope in gradient {
        // Only the rounding of features and targets to f32 remains.
        assert!(slope.abs() < 1e-6, "{slope:e}");
    }
}
