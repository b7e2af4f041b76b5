//! Penalties: steps that keep zeros at zero, and optima that agree with scikit-learn.

use std::collections::BTreeSet;

use downhill::backend::State;
use downhill::backend::gpu::Options;
use downhill::backend::kernel::{EPOCH_END, EPOCH_START, FULL, RunSettings, StepParams};
use downhill::choices::optimizer::{Optimizer, Parameter, optimize, optimize_sparsely};
use downhill::choices::{Loss, Penalty};
use downhill::dataset::Problem;
use downhill::model::gradient::Objective;
use proptest::prelude::*;

use crate::losses::{engine, params};
use crate::support::{EVERYWHERE, On, Rows, assert_close, block_on, numbers, reference};

#[test]
fn every_rule_takes_the_penalized_steps_of_its_definition() {
    // tests/reference/losses.json: gradients by JAX and proximal steps by their definition, in f64.
    let reference = reference("losses");
    let rows: Vec<Vec<f64>> = reference["x"].as_array().unwrap().iter().map(numbers).collect();
    let problem = Problem {
        n_samples: rows.len() as u32,
        n_features: 3,
        features: rows.iter().flatten().map(|v| *v as f32).collect(),
        targets: numbers(&reference["targets"]["number"]).iter().map(|v| *v as f32).collect(),
        ..Problem::default()
    };
    let problem = Rows::new(problem, 1, true);
    let initial: Vec<f32> = numbers(&reference["initial"]).iter().map(|v| *v as f32).collect();
    let cases = reference["steps"].as_array().unwrap();
    assert_eq!(cases.len(), 24);
    for on in EVERYWHERE {
        let mut n_zeros = 0;
        let mut backend = engine(on, &problem, Options::default());
        for case in cases {
            let optimizer: Optimizer = serde_json::from_value(case["optimizer"].clone()).unwrap();
            let penalty = Penalty {
                strength: case["strength"].as_f64().unwrap(),
                l1_ratio: case["l1_ratio"].as_f64().unwrap(),
            };
            let mut params = params(&problem, &Loss::Squared);
            params.set_rule(&optimizer.rule());
            let settings = vec![RunSettings::of(&problem, &penalty, None)];
            let mut state = State { settings, ..State::new(&initial) };
            for (t, expected) in case["parameters"].as_array().unwrap().iter().enumerate() {
                let (c1, c2) = optimizer.corrections(t as u64 + 1);
                let planned = StepParams {
                    learning_rate: case["learning_rate"].as_f64().unwrap() as f32,
                    correction1: c1 as f32,
                    correction2: c2 as f32,
                    batch_len: problem.n_samples,
                    flags: FULL,
                    n_tiles: 1,
                    ..StepParams::default()
                };
                let mut trace = Vec::new();
                block_on(backend.advance(&mut state, &params, &[planned], &mut trace)).unwrap();
                for (found, expected) in state.parameters(0).iter().zip(numbers(expected)) {
                    let what = format!("{on:?}, {optimizer:?}, {penalty:?}, step {t}");
                    // Two dozen steps in f32 with parameters of order 1.
                    assert_close(f64::from(*found), expected, 5e-6, &what);
                    // Nesterov looks ahead to another point than the weights: only the weights
                    // themselves are 0.
                    if expected == 0.0 {
                        assert_eq!(*found, 0.0, "{what}");
                        n_zeros += 1;
                    }
                }
            }
        }
        assert!(n_zeros > 100, "{on:?}: {n_zeros}");
    }
}

proptest! {
    #[test]
    fn without_a_penalty_it_is_the_plain_rule_to_the_bit(
        kind in 0_u32..8, w in -2.0_f32..2.0, m in -1.0_f32..1.0, v in 0.0_f32..1.0, g in -3.0_f32..3.0, rate in 0.0_f32..1.0,
    ) {
        let rule = downhill::choices::optimizer::Rule { kind, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weight_decay: 0.01 };
        let before = Parameter { weight: w, first_moment: m, second_moment: v };
        let plain = optimize(&rule, before, g, rate, 0.5, 0.3);
        prop_assert_eq!(optimize_sparsely(&rule, before, g, rate, 0.5, 0.3, 0.0), plain);
        let still = optimize_sparsely(&rule, before, g, 0.0, 0.5, 0.3, 0.7);
        prop_assert_eq!(still, optimize(&rule, before, g, 0.0, 0.5, 0.3));
    }
}

/// Allowed difference of an objective from the lowest one.
const OPTIMUM: f64 = 1e-3;

#[test]
fn descent_reaches_the_optimum_of_every_loss_and_penalty() {
    // tests/reference/optima.json: scikit-learn's estimators and scipy.optimize, in f64; condition numbers up to 1e4.
    let reference = reference("descent");
    let mut kinds = BTreeSet::new();
    for case in reference["cases"].as_array().unwrap() {
        let loss: Loss = serde_json::from_value(case["loss"].clone()).unwrap();
        kinds.insert(loss.kind());
        let rows = &reference["rows"][case["rows"].as_str().unwrap()];
        let x = reference["features"][rows["features"].as_str().unwrap()].as_array().unwrap();
        let n_features = x[0].as_array().unwrap().len() as u32;
        let problem = Problem {
            n_samples: x.len() as u32,
            n_features,
            features: x.iter().flat_map(numbers).map(|v| v as f32).collect(),
            targets: numbers(&rows["y"]).iter().map(|v| *v as f32).collect(),
            ..Problem::default()
        };
        let problem = Rows::new(problem, if loss == Loss::Softmax { 3 } else { 1 }, true);
        let penalty = Penalty {
            strength: case["strength"].as_f64().unwrap(),
            l1_ratio: case["l1_ratio"].as_f64().unwrap(),
        };
        let weights = numbers(&case["weights"]);
        let exact_zeros: Vec<bool> = weights.iter().map(|w| *w == 0.0).collect();
        for on in EVERYWHERE {
            let what = format!("{on:?}, {loss:?} on {}, {penalty:?}", case["rows"]);
            let state = descend(on, &problem, &loss, &penalty);
            let found: Vec<f64> = state.parameters(0).iter().map(|w| f64::from(*w)).collect();
            let objective = Objective { loss, penalty, fold: None };
            let (value, _) =
                objective.loss_and_gradient(&problem, &problem.layout, &found, 0..problem.n_samples);
            let least = case["objective"].as_f64().unwrap();
            assert_close(value, least, OPTIMUM * least, &what);
            // Only where the loss is smooth; otherwise zeros depend on which of many optima is
            // found.
            if loss.needs().curvature.is_some() {
                let zeros: Vec<bool> = found[..weights.len()].iter().map(|w| *w == 0.0).collect();
                assert_eq!(zeros, exact_zeros, "{what}");
            }
        }
    }
    assert_eq!(kinds.len(), 9);
}

/// Full batches: momentum with a matching rate if a curvature is known, otherwise Adam with a rate
/// that falls to 0 along half a cosine.
fn descend(on: On, problem: &Rows, loss: &Loss, penalty: &Penalty) -> State {
    let curvature = loss.needs().curvature.filter(|_| penalty.l1_ratio < 1.0 || *loss != Loss::Logistic);
    let optimizer = match curvature {
        Some(_) => Optimizer::Nesterov { momentum: 0.97 },
        None => Optimizer::Adam { beta1: 0.9, beta2: 0.99, epsilon: 1e-8 },
    };
    let n_steps = if curvature.is_some() { 2000 } else { 4000 };
    let mut params = params(problem, loss);
    params.set_rule(&optimizer.rule());
    let rate = |t: u64| match curvature {
        // Features are standardized, so no eigenvalue exceeds the trace: 1 for each feature and for
        // the bias.
        Some(curvature) => {
            let trace = f64::from(problem.n_features + 1);
            1.0 / (curvature * trace + penalty.strength * (1.0 - penalty.l1_ratio))
        }
        None => 0.03 * 0.5 * (1.0 + (std::f64::consts::PI * t as f64 / n_steps as f64).cos()),
    };
    let steps: Vec<StepParams> = (0..n_steps)
        .map(|t| {
            let (correction1, correction2) = optimizer.corrections(t + 1);
            StepParams {
                learning_rate: rate(t) as f32,
                correction1: correction1 as f32,
                correction2: correction2 as f32,
                epoch: t as u32,
                batch_len: problem.n_samples,
                flags: FULL | EPOCH_START | EPOCH_END,
                n_tiles: 1,
                ..StepParams::default()
            }
        })
        .collect();
    let settings = vec![RunSettings::of(problem, penalty, None)];
    let mut state = State::with_settings(&vec![0.0; problem.n_parameters() as usize], settings);
    let mut backend = engine(on, problem, Options { loss: loss.kind(), ..Options::default() });
    block_on(backend.advance(&mut state, &params, &steps, &mut Vec::new())).unwrap();
    assert_eq!(state.steps, [n_steps], "{on:?}, {loss:?}");
    state
}
