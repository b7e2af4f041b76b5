//! Schedules compared with PyTorch and Keras.

use downhill::backend::kernel::{EPOCH_END, EPOCH_START, FULL, RunParams, StepParams, tiles};
use downhill::backend::{self, State};
use downhill::choices::{Schedule, Warmup};
use downhill::config::{RunConfig, Stop};

use crate::support::{EVERYWHERE, assert_close, backend_on, block_on, numbers, reference, task_of, trainer};

#[test]
fn rates_are_pytorchs_and_keras() {
    // tests/reference/schedules.json: torch.optim.lr_scheduler, and Keras' formula for time decay.
    let reference = reference("schedules");
    let base = reference["base_rate"].as_f64().unwrap();
    let cases = reference["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 11);
    for case in cases {
        let schedule: Schedule = serde_json::from_value(case["schedule"].clone()).unwrap();
        let warmup: Warmup = serde_json::from_value(case["warmup"].clone()).unwrap();
        let rates = numbers(&case["rates"]);
        assert!(rates.len() > 200);
        for (step, expected) in rates.iter().enumerate() {
            let found = warmup.learning_rate(&schedule, base, step as u64);
            // PyTorch multiplies step by step; the closed form differs by the rounding of that many
            // products.
            assert_close(found, *expected, 1e-12 * base, &format!("{schedule:?} at step {step}"));
        }
    }
}

#[test]
fn one_cycle_has_a_rate_at_every_step() {
    // By its formula, at the ends of its ranges and beyond its last step.
    let rates = |total_steps, rising_fraction| {
        let schedule =
            Schedule::OneCycle { total_steps, rising_fraction, div_factor: 10.0, final_div_factor: 5.0 };
        [0, 1, total_steps - 1, total_steps, 10 * total_steps].map(|step| schedule.learning_rate(1.0, step))
    };
    for (total_steps, rising_fraction, expected) in [
        (2, 0.5, [1.0, 0.02, 0.02, 0.02, 0.02]),
        (2, 1.0, [0.1, 1.0, 1.0, 1.0, 1.0]),
        (3, 0.0, [0.755, 0.265, 0.02, 0.02, 0.02]),
        (101, 1.0, [0.1, 0.100_222, 1.0, 1.0, 1.0]),
    ] {
        for (found, expected) in rates(total_steps, rising_fraction).into_iter().zip(expected) {
            assert_close(
                found,
                expected,
                1e-6,
                &format!("{total_steps} steps, {rising_fraction} of them rising"),
            );
        }
    }
}

/// Gives an engine one full-batch step per epoch whose loss is the reference's number: one row at x
/// = 1 whose target is its square root, with the weight held at 0 by a tiny rate.
#[test]
fn reduce_on_plateau_reduces_when_pytorch_does() {
    let reference = reference("schedules");
    for case in reference["plateau"].as_array().unwrap() {
        let mut fields = case["parameters"].clone();
        fields["kind"] = "reduce_on_plateau".into();
        let schedule: Schedule = serde_json::from_value(fields).unwrap();
        let losses = numbers(&case["losses"]);
        let rates = numbers(&case["rates"]);
        let base = 0.1;
        for on in EVERYWHERE {
            let config = RunConfig { schedule: schedule.clone(), ..RunConfig::default() };
            let mut state = State::new(&[0.0]);
            for (epoch, (loss, expected)) in losses.iter().zip(&rates).enumerate() {
                let mut model = config.clone();
                model.model.bias = false;
                let target = loss.sqrt();
                // Two rows, as a table needs, both with the same square.
                let task = task_of(&model, vec![1.0, -1.0], vec![target, -target]);
                let mut engine: backend::Backend = backend_on(on, &task);
                let mut params = RunParams {
                    n_samples: 2,
                    n_features: 1,
                    n_parameters: 1,
                    n_runs: 1,
                    block_rows: 1 << 24,
                    divergence_limit: f32::MAX,
                    target_loss: -1.0,
                    target_gradient_norm: -1.0,
                    ..RunParams::default()
                };
                params.set_reaction(&schedule, base);
                let step = StepParams {
                    learning_rate: 0.0,
                    correction1: 1.0,
                    correction2: 1.0,
                    batch_len: 2,
                    flags: EPOCH_START | EPOCH_END | FULL,
                    n_tiles: tiles(2),
                    ..StepParams::default()
                };
                block_on(engine.advance(&mut state, &params, &[step], &mut Vec::new())).unwrap();
                let found = base * f64::from(state.reactions[0].rate_scale);
                assert_close(found, *expected, 1e-6 * expected, &format!("{on:?}, after epoch {epoch}"));
            }
        }
    }
}

#[test]
fn the_rate_in_effect_follows_its_schedule_in_a_run() {
    for on in EVERYWHERE {
        let schedule = Schedule::Step { step_size: 10, gamma: 0.5 };
        let config = RunConfig {
            schedule,
            learning_rate: 0.1,
            warmup: Warmup { steps: 4, start_factor: 0.5 },
            stop: Stop { converged: false, ..Stop::default() },
            ..RunConfig::default()
        };
        let mut run = trainer(on, &config);
        let mut rates = Vec::new();
        for _ in 0..30 {
            rates.push(run.learning_rate());
            block_on(run.advance(1)).unwrap();
        }
        // By the formula: from half to full over four steps, then halved every ten.
        assert_close(rates[0], 0.05, 1e-12, "first");
        assert_close(rates[2], 0.075, 1e-12, "half way up");
        assert_close(rates[4], 0.1, 1e-12, "warm");
        assert_close(rates[13], 0.1, 1e-12, "before the first drop");
        assert_close(rates[14], 0.05, 1e-12, "first drop");
        assert_close(rates[24], 0.025, 1e-12, "second drop");
    }
}
