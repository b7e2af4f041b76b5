//! The Keras example, step by step, compared with NumPy and Keras.

use downhill::backend::kernel::{EPOCH_END, EPOCH_START, RunParams, StepParams, tiles};
use downhill::backend::{self, State};
use downhill::choices::Method;
use downhill::config::{RunConfig, Stop, choose_method};

use crate::support::{
    EVERYWHERE, assert_close, backend_on, block_on, exact, numbers, reference, task_of, trainer_of,
};

/// Relative to each step's batch loss: f32 against NumPy's f64 stays well inside; Keras' f32 is
/// 7.7e-6 away from NumPy.
const RELATIVE: f64 = 1e-4;

#[test]
fn every_step_has_the_loss_that_numpy_and_keras_have() {
    let story = reference("story");
    let (x, y) = (numbers(&story["x"]), numbers(&story["y"]));
    let cases = story["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 4);
    for case in cases {
        let bias = case["bias"].as_bool().unwrap();
        let mut config = RunConfig {
            learning_rate: 0.01,
            shuffle: false,
            stop: Stop { converged: false, ..Stop::default() },
            ..choose_method(&RunConfig::default(), Method::MiniBatch)
        };
        config.model.bias = bias;
        let losses = numbers(&case["losses"]);
        let keras = numbers(&case["keras_losses"]);
        let orders = case["orders"].as_array().map(|orders| orders.iter().map(numbers).collect::<Vec<_>>());
        for on in EVERYWHERE {
            let initial: Vec<f32> =
                numbers(&case["initial"]).iter().take(1 + usize::from(bias)).map(|w| *w as f32).collect();
            let (found, parameters) = match &orders {
                None => in_order(on, &config, &x, &y, &initial),
                Some(orders) => reordered(on, &config, &x, &y, &initial, orders),
            };
            assert_eq!(found.len(), 400);
            for (step, found) in found.iter().enumerate() {
                for (tool, expected) in [("NumPy", losses[step]), ("Keras", keras[step])] {
                    assert_close(
                        f64::from(*found),
                        expected,
                        RELATIVE * expected,
                        &format!("{tool}, step {step}"),
                    );
                }
            }
            for (weight, expected) in parameters.iter().zip(numbers(&case["final"])) {
                assert_close(f64::from(*weight), expected, RELATIVE * expected.abs(), "final weight");
            }
        }
    }
}

/// As a user runs it: the trainer, in row order.
fn in_order(
    on: crate::support::On,
    config: &RunConfig,
    x: &[f64],
    y: &[f64],
    initial: &[f32],
) -> (Vec<f32>, Vec<f32>) {
    let mut run = trainer_of(on, config, task_of(config, x.to_vec(), y.to_vec()));
    let mut checkpoint = run.checkpoint();
    checkpoint.state = State::new(initial);
    block_on(run.restore(checkpoint)).unwrap();
    run.keep_losses();
    block_on(run.advance(400)).unwrap();
    assert_eq!(run.place().epoch, 100);
    (run.take_losses(), run.parameters().to_vec())
}

/// In a given order: before each epoch the rows are arranged in that order, and the engine goes
/// through them.
fn reordered(
    on: crate::support::On,
    config: &RunConfig,
    x: &[f64],
    y: &[f64],
    initial: &[f32],
    orders: &[Vec<f64>],
) -> (Vec<f32>, Vec<f32>) {
    let mut state = State::new(initial);
    let mut losses = Vec::new();
    let mut engines: Vec<backend::Backend> = orders
        .iter()
        .map(|order| {
            let pick = |column: &[f64]| order.iter().map(|row| column[*row as usize]).collect();
            backend_on(on, &task_of(config, pick(x), pick(y)))
        })
        .collect();
    let n_parameters = initial.len() as u32;
    let params = RunParams {
        n_samples: 100,
        n_features: 1,
        n_parameters,
        n_runs: 1,
        block_rows: 1 << 24,
        divergence_limit: f32::MAX,
        target_loss: -1.0,
        target_gradient_norm: -1.0,
        ..RunParams::default()
    };
    let steps: Vec<StepParams> = [(0, 32), (32, 32), (64, 32), (96, 4)]
        .map(|(batch_start, batch_len)| StepParams {
            learning_rate: 0.01,
            correction1: 1.0,
            correction2: 1.0,
            batch_start,
            batch_len,
            flags: if batch_start == 0 { EPOCH_START } else { 0 }
                | if batch_start == 96 { EPOCH_END } else { 0 },
            n_tiles: tiles(batch_len),
            ..StepParams::default()
        })
        .to_vec();
    for epoch in 0..100 {
        let mut trace = Vec::new();
        let engine = &mut engines[epoch % orders.len()];
        block_on(engine.advance(&mut state, &params, &steps, &mut trace)).unwrap();
        losses.extend(trace.iter().map(|[loss, _]| *loss));
    }
    (losses, state.parameters(0).to_vec())
}

#[test]
fn without_a_bias_the_loss_cannot_fall_below_one() {
    // y = 2 x + 1 at symmetric x: the best line through (0, 0) misses the 1, so every row has its
    // square as loss.
    let presets = crate::support::presets();
    for on in EVERYWHERE {
        let mut run = crate::support::trainer(on, &presets["story_as_written"]);
        block_on(run.advance(400)).unwrap();
        assert!(run.measured().loss > 0.95 && exact(run.task()).loss > 0.95, "{}", run.measured().loss);
        let mut run = crate::support::trainer(on, &presets["story_with_bias"]);
        block_on(run.advance(400)).unwrap();
        assert!(run.measured().loss < 0.1, "{}", run.measured().loss);
    }
}
