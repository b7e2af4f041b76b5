//! The mirror: CPU and GPU engines take the same steps.

use downhill::backend::MAX_STEPS_PER_CALL;
use downhill::choices::Method;
use downhill::config::{RunConfig, Stop, choose_method, choose_optimizer, choose_schedule};

use crate::support::{
    EVERYWHERE, On, backend_on, block_on, distance, engine_on, fresh_gpu, split_engine, task, trainer,
    trainer_with,
};

/// After a thousand steps both have rounded differently a thousand times: descent contracts the
/// difference far below this fraction of the weights' norm.
pub(crate) const AFTER_1000_STEPS: f64 = 1e-4;
/// One step from the same state differs only by the order of f32 sums.
const AFTER_ONE_STEP: f64 = 1e-5;

const METHODS: [Method; 4] = [Method::Batch, Method::MiniBatch, Method::Stochastic, Method::DecayingRate];

/// 257 rows, not a multiple of any workgroup; three powers of x, standardized.
fn problem() -> RunConfig {
    let mut config = RunConfig { stop: Stop { converged: false, ..Stop::default() }, ..RunConfig::default() };
    if let downhill::choices::Source::Linspace { n_samples, .. } = &mut config.data.source {
        *n_samples = 257;
    }
    config.model.degree = 3;
    config.model.standardize = Some(downhill::choices::Scaling::Standardize);
    config
}

#[test]
fn a_thousand_steps_agree_for_every_contracting_rule_and_method() {
    for kind in ["sgd", "momentum", "nesterov", "adam", "adam_w"] {
        for method in METHODS {
            // Below the stability limit of every rule: the steepest row's curvature here is about
            // 50.
            let config = choose_optimizer(&choose_method(&problem(), method), kind).unwrap();
            let config = RunConfig { learning_rate: 0.002, ..config };
            let task = task(&config);
            let [cpu, gpu, split] =
                [backend_on(On::Cpu, &task), backend_on(On::Gpu, &task), split_engine(&task)].map(
                    |backend| {
                        let mut trainer = trainer_with(backend, &config, task.clone());
                        block_on(trainer.advance(1000)).unwrap();
                        assert_eq!(trainer.step(), 1000);
                        trainer
                    },
                );
            for gpu in [gpu, split] {
                let apart = distance(cpu.parameters(), gpu.parameters());
                assert!(apart <= AFTER_1000_STEPS, "{kind}, {method:?}: {apart:e}");
                let losses = [cpu.measured().loss, gpu.measured().loss];
                assert!((losses[0] - losses[1]).abs() <= 1e-4 * losses[0], "{kind}, {method:?}: {losses:?}");
            }
        }
    }
}

#[test]
fn every_step_agrees_for_rules_that_amplify_rounding() {
    let rules = ["rms_prop", "ada_grad", "lion"].map(|kind| choose_optimizer(&problem(), kind));
    let schedules =
        [choose_schedule(&problem(), "reduce_on_plateau"), choose_schedule(&problem(), "bold_driver")];
    for config in rules.into_iter().chain(schedules) {
        let config = RunConfig { learning_rate: 0.01, ..choose_method(&config.unwrap(), Method::MiniBatch) };
        let mut cpu = trainer(On::Cpu, &config);
        let task = task(&config);
        let mut descending = trainer(On::Gpu, &config);
        let mut tiled = trainer_with(split_engine(&task), &config, task);
        for step in 0..1000 {
            let gpu = if step % 2 == 0 { &mut descending } else { &mut tiled };
            block_on(gpu.restore(cpu.checkpoint())).unwrap();
            block_on(cpu.advance_unmeasured(1)).unwrap();
            block_on(gpu.advance_unmeasured(1)).unwrap();
            let apart = distance(gpu.parameters(), cpu.parameters());
            assert!(
                apart <= AFTER_ONE_STEP,
                "{:?}, {:?}, step {step}: {apart:e}",
                config.optimizer,
                config.schedule
            );
            assert_eq!(gpu.step(), cpu.step());
            assert_eq!(gpu.place(), cpu.place());
        }
    }
}

#[test]
fn batch_losses_agree_at_every_step_in_shuffled_order() {
    // One row per step: a single row out of order would change the loss.
    let config = RunConfig { learning_rate: 0.002, ..choose_method(&problem(), Method::Stochastic) };
    let [cpu, gpu] = EVERYWHERE.map(|on| {
        let mut trainer = trainer(on, &config);
        trainer.keep_losses();
        block_on(trainer.advance(3 * 257)).unwrap();
        assert_eq!(trainer.place().epoch, 3);
        trainer.take_losses()
    });
    assert_eq!(cpu.len(), 3 * 257);
    for (step, (cpu, gpu)) in cpu.iter().zip(&gpu).enumerate() {
        assert!(
            (cpu - gpu).abs() <= 1e-5 * cpu.abs() + 1e-6,
            "step {step}: {cpu} on the CPU, {gpu} on the GPU"
        );
    }
}

#[test]
fn awkward_sizes_agree() {
    for n_samples in [2, 3, 63, 64, 65, 511, 513, 4097, 65_537] {
        let mut config = problem();
        if let downhill::choices::Source::Linspace { n_samples: n, .. } = &mut config.data.source {
            *n = n_samples;
        }
        config.model.degree = 2;
        config.learning_rate = 0.01;
        for method in [Method::Batch, Method::MiniBatch] {
            let config = choose_method(&config, method);
            let [cpu, gpu] = EVERYWHERE.map(|on| {
                let mut trainer = trainer(on, &config);
                block_on(trainer.advance(20)).unwrap();
                trainer
            });
            let apart = distance(cpu.parameters(), gpu.parameters());
            assert!(apart <= 1e-5, "n = {n_samples}, {method:?}: {apart:e}");
        }
    }
}

#[test]
fn divergence_stops_both_on_the_same_finite_state() {
    let config = RunConfig { learning_rate: 3.0, ..problem() };
    let [cpu, gpu] = EVERYWHERE.map(|on| {
        let mut trainer = trainer(on, &config);
        block_on(trainer.advance(5000)).unwrap();
        trainer
    });
    assert_eq!(cpu.step(), gpu.step());
    assert!(cpu.step() < 100, "{}", cpu.step());
    assert_eq!(cpu.status(), gpu.status());
    for trainer in [&cpu, &gpu] {
        assert!(trainer.parameters().iter().all(|w| w.is_finite()));
        assert!(trainer.measured().loss.is_finite());
    }
    // Growing errors increase the differences, which stay small relative to the weights.
    assert!(distance(cpu.parameters(), gpu.parameters()) < 1e-3);
}

#[test]
fn calls_put_in_ahead_take_the_same_steps_and_end_where_the_run_ends() {
    // Four calls; the loss of the second or the third reaches its target.
    let n_steps = 3 * MAX_STEPS_PER_CALL as u64 + 100;
    let slow = RunConfig { learning_rate: 1e-4, ..problem() };
    for method in [Method::Batch, Method::MiniBatch] {
        let config = choose_method(&slow, method);
        let [cpu, gpu] = EVERYWHERE.map(|on| {
            let mut trainer = trainer(on, &config);
            block_on(trainer.advance(n_steps)).unwrap();
            assert_eq!(trainer.step(), n_steps);
            trainer
        });
        assert_eq!(cpu.place(), gpu.place());
        let apart = distance(cpu.parameters(), gpu.parameters());
        assert!(apart <= AFTER_1000_STEPS, "{method:?}: {apart:e}");
    }
    let mut whole = trainer(On::Cpu, &slow);
    block_on(whole.advance(3 * MAX_STEPS_PER_CALL as u64 / 2)).unwrap();
    let target = Some(whole.measured().loss);
    let stopping = RunConfig { stop: Stop { loss: target, converged: false, ..Stop::default() }, ..slow };
    let [cpu, gpu] = EVERYWHERE.map(|on| {
        let mut trainer = trainer(on, &stopping);
        block_on(trainer.advance_unmeasured(n_steps)).unwrap();
        trainer
    });
    assert_eq!(cpu.status(), gpu.status());
    // The loss falls by less than its rounding error per step there.
    let steps = [cpu.step(), gpu.step()];
    assert!(steps[0].abs_diff(steps[1]) <= 200 && steps[0] > MAX_STEPS_PER_CALL as u64, "{steps:?}");
}

#[test]
fn a_lost_device_goes_on_on_the_cpu_from_the_last_state() {
    let config = RunConfig { learning_rate: 0.002, ..choose_method(&problem(), Method::MiniBatch) };
    let mut whole = trainer(On::Cpu, &config);
    block_on(whole.advance(400)).unwrap();

    let task = task(&config);
    let mut lost = trainer_with(engine_on(fresh_gpu(), &task), &config, task);
    block_on(lost.advance(200)).unwrap();
    assert!(lost.in_use().gpu);
    if let downhill::backend::Backend::Gpu(engine) = lost.backend_mut() {
        engine.destroy_device();
    }
    block_on(lost.advance(200)).unwrap();
    assert!(!lost.in_use().gpu);
    assert!(lost.in_use().fallback);
    assert_eq!(lost.in_use().reason.code, downhill::message::Code::GpuLost);
    assert_eq!(lost.in_use().reason.params["step"], "200");
    assert_eq!(lost.step(), 400);
    let apart = distance(lost.parameters(), whole.parameters());
    assert!(apart <= AFTER_1000_STEPS, "{apart:e}");
}
