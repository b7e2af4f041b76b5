//! Tests of parallel runs, each with its own rate, seeds, penalty and batch size, compared with
//! single runs.

use std::collections::BTreeSet;

use downhill::backend::Backend;
use downhill::backend::gpu::{GpuEngine, Options};
use downhill::backend::kernel::{HALT_LOSS, HALT_NOT_FINITE};
use downhill::choices::{Choice as _, InitialWeights, Loss, Method, Optimizer, Penalty, Schedule};
use downhill::config::{RunConfig, Stop};
use downhill::runs::{Role, RunSpec, by_batch_rows};
use downhill::trainer::{Standing, Sweep, Task};

use crate::support::{On, backend_on, block_on, distance, exact, gpu, task, trainer};

/// Relative to the weights' norm: kernels that read settings sum in a different order than others.
const STABLE: f64 = 1e-5;

fn engine(on: On, task: &Task, n_runs: usize) -> Backend {
    match on {
        On::Cpu => backend_on(on, task),
        On::Gpu => {
            let options = Options { n_runs, ..Options::default() };
            let engine = GpuEngine::new(gpu(), &task.problem, &task.layout, options);
            Backend::Gpu(Box::new(block_on(engine).unwrap()))
        }
    }
}

/// The default data with a configuration that never stops by itself.
fn default_run(method: Method, learning_rate: f64) -> RunConfig {
    let stop = Stop { converged: false, ..Stop::default() };
    RunConfig { method, learning_rate, stop, ..RunConfig::default() }
}

fn n_samples(task: &Task) -> u32 {
    task.problem.n_samples
}

/// Rates from far too low to far too high: full batches of these rows are stable up to about 1.
fn rates() -> Vec<f32> {
    (0..256).map(|i| (0.001 * 4000.0_f64.powf(f64::from(i) / 255.0)) as f32).collect()
}

/// Trains with all rates in one call; the plan's own rate is 1.
fn together(on: On, task: &Task, method: Method, n_steps: u64, factors: &[f32]) -> Sweep {
    let plan = default_run(method, 1.0).check().unwrap();
    let spec = RunSpec { role: Role::Candidate, ..RunSpec::of(&plan, n_samples(task)) };
    let specs: Vec<RunSpec> =
        factors.iter().map(|factor| RunSpec { rate_factor: *factor, ..spec.clone() }).collect();
    let mut sweep = Sweep::new(&plan, task, &specs);
    assert_eq!(sweep.n_runs_of_call(), factors.len());
    block_on(sweep.advance(&mut engine(on, task, factors.len()), n_steps)).unwrap();
    sweep
}

/// Trains a single run at the plan's rate.
fn alone(backend: &mut Backend, task: &Task, method: Method, n_steps: u64, rate: f32) -> Sweep {
    let plan = default_run(method, f64::from(rate)).check().unwrap();
    let mut sweep = Sweep::new(&plan, task, &[RunSpec::of(&plan, n_samples(task))]);
    block_on(sweep.advance(backend, n_steps)).unwrap();
    sweep
}

fn check_rates(on: On, method: Method, n_steps: u64) {
    let task = task(&default_run(method, 1.0));
    let rates = rates();
    let sweep = together(on, &task, method, n_steps, &rates);
    let mut backend = engine(on, &task, 1);
    // A batch of a few rows may be steeper than all of them.
    let stable = if method == Method::Batch { 1.0 } else { 0.5 } * exact(&task).stable_rate();
    let mut ends = BTreeSet::new();
    for (run, rate) in rates.iter().enumerate() {
        let single = alone(&mut backend, &task, method, n_steps, *rate);
        let (found, expected) = (sweep.run(run), single.run(0));
        let what = format!("{on:?}, {method:?}, run {run}, rate {rate}");
        let end = |standing: &Standing<'_>| (standing.reaction.halt, standing.steps);
        assert_eq!(end(&found), end(&expected), "{what}");
        ends.insert(found.reaction.halt);
        if on == On::Cpu {
            assert_eq!(found.parameters, expected.parameters, "{what}");
            assert_eq!(found.reaction.last_epoch_loss, expected.reaction.last_epoch_loss, "{what}");
        } else if found.reaction.halt == 0 && f64::from(*rate) <= stable {
            let apart = distance(found.parameters, expected.parameters);
            assert!(apart <= STABLE, "{what}: {apart:e}");
        }
    }
    assert!(ends.contains(&0) && ends.len() > 1, "some are stable and some diverge: {ends:?}");
    assert!(ends.iter().all(|halt| [0, HALT_LOSS, HALT_NOT_FINITE].contains(halt)), "{ends:?}");
}

#[test]
fn learning_rates_in_one_call_are_single_runs_to_the_bit_on_the_cpu() {
    for method in [Method::Batch, Method::MiniBatch, Method::Stochastic] {
        check_rates(On::Cpu, method, 300);
    }
}

#[test]
fn learning_rates_in_one_call_are_single_runs_on_the_gpu() {
    for method in [Method::Batch, Method::MiniBatch] {
        check_rates(On::Gpu, method, 300);
    }
}

/// Runs of one sweep may differ in rate, both seeds, penalty, fold and batch size, even with an
/// optimizer that has moments.
#[test]
fn everything_of_a_spec_may_differ_between_runs() {
    let mut config = default_run(Method::MiniBatch, 1.0);
    config.optimizer = Optimizer::Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };
    config.loss = Loss::Huber { delta: 0.5 };
    config.model.initial_weights = InitialWeights::GlorotUniform;
    config.validation.folds = 3;
    let task = task(&config);
    let plan = config.check().unwrap();
    let spec = RunSpec { rate_factor: 0.02, ..RunSpec::of(&plan, n_samples(&task)) };
    let specs = [
        spec.clone(),
        RunSpec { rate_factor: 0.05, keeps_history: false, ..spec.clone() },
        RunSpec { weight_seed: 7, ..spec.clone() },
        RunSpec { order_seed: 7, ..spec.clone() },
        RunSpec { penalty: Penalty { strength: 0.3, l1_ratio: 0.5 }, ..spec.clone() },
        RunSpec { fold: Some(1), ..spec.clone() },
        RunSpec { batch_rows: 10, ..spec.clone() },
        RunSpec { batch_rows: 100, order_seed: 9, ..spec.clone() },
        RunSpec { initial: Some(vec![1.0, -1.0]), ..spec.clone() },
    ];
    let groups: Vec<_> = by_batch_rows(&specs).into_iter().map(|(_, group)| group).collect();
    assert_eq!(groups, [vec![0, 1, 2, 3, 4, 5, 8], vec![6], vec![7]]);
    for on in [On::Cpu, On::Gpu] {
        let mut sweep = Sweep::new(&plan, &task, &specs);
        let mut backend = engine(on, &task, sweep.n_runs_of_call());
        // In two parts: the second continues where the first ended.
        block_on(sweep.advance(&mut backend, 30)).unwrap();
        block_on(sweep.advance(&mut backend, 20)).unwrap();
        let mut seen: Vec<Vec<f32>> = Vec::new();
        for (run, spec) in specs.iter().enumerate() {
            let mut single = Sweep::new(&plan, &task, std::slice::from_ref(spec));
            block_on(single.advance(&mut backend, 50)).unwrap();
            let (found, expected) = (sweep.run(run), single.run(0));
            assert_eq!((found.steps, found.reaction.halt), (50, 0), "{on:?}, run {run}");
            if on == On::Cpu {
                assert_eq!(found.parameters, expected.parameters, "run {run}");
            }
            let apart = distance(found.parameters, expected.parameters);
            assert!(apart <= STABLE, "{on:?}, run {run}: {apart:e}");
            assert!(!seen.iter().any(|other| other == found.parameters), "run {run} is like another");
            seen.push(found.parameters.to_vec());
            // Only the requested histories are kept.
            assert_eq!(found.history.map(|history| history.n_steps()), spec.keeps_history.then_some(50));
        }
    }
}

/// If a setting differs between runs, it must have the same effect on both engines.
#[test]
fn the_gpu_reads_the_settings_that_the_cpu_reads() {
    let mut config = default_run(Method::MiniBatch, 1.0);
    config.batch_size = 7;
    let task = task(&config);
    let plan = config.check().unwrap();
    let spec = RunSpec::of(&plan, n_samples(&task));
    let specs: Vec<RunSpec> = (0..6)
        .map(|i| RunSpec { rate_factor: 0.01 * (i + 1) as f32, order_seed: i, ..spec.clone() })
        .collect();
    let [cpu, gpu] = [On::Cpu, On::Gpu].map(|on| {
        let mut sweep = Sweep::new(&plan, &task, &specs);
        block_on(sweep.advance(&mut engine(on, &task, specs.len()), 100)).unwrap();
        sweep
    });
    for run in 0..specs.len() {
        let apart = distance(gpu.run(run).parameters, cpu.run(run).parameters);
        assert!(apart <= STABLE, "run {run}: {apart:e}");
    }
}

#[test]
fn a_state_has_only_the_slots_that_its_run_needs() {
    // Weights, weights before the last step, one vector a moment, and two copies for the bold driver.
    let n_moments = |optimizer: &Optimizer| match optimizer.name() {
        "sgd" => 0,
        "momentum" | "nesterov" | "ada_grad" | "rms_prop" | "lion" => 1,
        "adam" | "adam_w" => 2,
        name => panic!("{name}: how many moments?"),
    };
    for on in [On::Cpu, On::Gpu] {
        let mut run = trainer(on, &RunConfig::default());
        let n_parameters = run.parameters().len();
        for optimizer in Optimizer::all() {
            for (schedule, n_copies) in
                [(Schedule::Constant, 0), (Schedule::BoldDriver { increase: 1.05, decrease: 0.5 }, 2)]
            {
                let before = run.parameters().to_vec();
                let config = RunConfig { optimizer: optimizer.clone(), schedule, ..RunConfig::default() };
                run.change(config.check().unwrap());
                assert_eq!(run.parameters(), before);
                let state = run.checkpoint().state;
                assert_eq!(
                    state.values.len(),
                    (2 + n_moments(&optimizer) + n_copies) * n_parameters,
                    "{config:?}"
                );
                block_on(run.advance(3)).unwrap();
                assert_ne!(run.parameters(), before, "{config:?}");
            }
        }
    }
}
