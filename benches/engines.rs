//! Steps per second of each engine and of the plain reference loop in f64, on the same work in the
//! same run.
//!
//! `cargo xtask bench`. Rounds are interleaved and medians are shown. Machines are shared, so
//! compare ratios.

use std::hint::black_box;
use std::rc::Rc;
use std::time::Instant;

use downhill::backend::gpu::{Gpu, GpuEngine, Options};
use downhill::backend::{self, Backend, InUse};
use downhill::choices::{Method, Source};
use downhill::config::{RunConfig, Stop, choose_method};
use downhill::dataset::Dataset;
use downhill::message::Code;
use downhill::model::gradient::loss_and_gradient;
use downhill::rng::{IN_MEMORY_BLOCK_ROWS, Permutation};
use downhill::trainer::{Task, Trainer};
use pollster::block_on;

const ROUNDS: usize = 5;

fn main() {
    // `cargo test --benches` calls this with other arguments and needs no measurement.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    println!(
        "{:<34} {:>12} {:>12} {:>7} {:>12} {:>7}",
        "work", "reference/s", "CPU/s", "ratio", "GPU/s", "ratio"
    );
    let gpu = block_on(Gpu::open()).ok();
    let mut gpu_name = None;
    for (name, n_samples, method, n_steps) in [
        ("100 rows, full batch", 100, Method::Batch, 20_000),
        ("100 rows, batch 32, shuffled", 100, Method::MiniBatch, 20_000),
        ("100 rows, one by one, shuffled", 100, Method::Stochastic, 50_000),
        ("1,000,000 rows, full batch", 1_000_000, Method::Batch, 20),
        ("1,000,000 rows, batch 32, shuffled", 1_000_000, Method::MiniBatch, 20_000),
    ] {
        let config = config(n_samples, method);
        let dataset = Rc::new(Dataset::build(&config.data, None).expect("generated rows are sound"));
        let task = Task::new(&config.check().expect("a sound configuration"), dataset).expect("a sound task");
        let mut cpu = trainer(&config, &task, backend::cpu(Rc::clone(&task.problem), &task.layout));
        let mut on_gpu = gpu.clone().and_then(|gpu| {
            let engine =
                block_on(GpuEngine::new(gpu, &task.problem, &task.layout, Options::default())).ok()?;
            Some(trainer(&config, &task, Backend::Gpu(Box::new(engine))))
        });
        let gpu_steps = (n_steps / 20).max(2);
        let mut speeds = [Vec::new(), Vec::new(), Vec::new()];
        for _ in 0..ROUNDS {
            speeds[0].push(speed(n_steps, || reference(&config, &task, n_steps)));
            speeds[1].push(speed(n_steps, || block_on(cpu.advance_unmeasured(n_steps)).expect("a CPU step")));
            if let Some(run) = &mut on_gpu {
                gpu_name = Some(run.in_use().name.clone());
                speeds[2].push(speed(gpu_steps, || {
                    block_on(run.advance_unmeasured(gpu_steps)).expect("a GPU step")
                }));
            }
        }
        let [reference, cpu, gpu] = speeds.map(median);
        println!(
            "{name:<34} {reference:>12.0} {cpu:>12.0} {:>6.1}x {gpu:>12.0} {:>6.2}x",
            cpu / reference,
            gpu / reference
        );
    }
    println!("GPU: {}", gpu_name.as_deref().unwrap_or("no adapter"));
}

fn config(n_samples: u32, method: Method) -> RunConfig {
    let mut config = choose_method(&RunConfig::default(), method);
    if let Source::Linspace { n_samples: n, .. } = &mut config.data.source {
        *n = n_samples;
    }
    config.stop = Stop { converged: false, ..Stop::default() };
    config
}

fn trainer(config: &RunConfig, task: &Task, backend: Backend) -> Trainer {
    let in_use = InUse::new(&backend, Code::CpuForced.into());
    let plan = config.check().expect("a sound configuration");
    block_on(Trainer::new(plan, task.clone(), backend, in_use)).expect("a first measurement")
}

/// Plain descent as in a textbook: f64, one row at a time, in the same order.
fn reference(config: &RunConfig, task: &Task, n_steps: u64) {
    let n = task.problem.n_samples;
    let batch = match config.method {
        Method::Batch => n,
        Method::MiniBatch => config.batch_size.min(n),
        _ => 1,
    };
    let mut parameters = vec![0.0; task.layout.n_parameters() as usize];
    let (mut epoch, mut position) = (0, 0);
    let mut order = Permutation::new(n, IN_MEMORY_BLOCK_ROWS, config.seed, epoch);
    for _ in 0..n_steps {
        let end = (position + batch).min(n);
        let rows = (position..end).map(|at| if batch == n { at } else { order.row(at) });
        let (loss, gradient) = loss_and_gradient(&task.problem, &task.layout, &parameters, rows);
        black_box(loss);
        for (weight, slope) in parameters.iter_mut().zip(&gradient) {
            *weight -= config.learning_rate * slope;
        }
        position = end;
        if position == n {
            (epoch, position) = (epoch + 1, 0);
            order = Permutation::new(n, IN_MEMORY_BLOCK_ROWS, config.seed, epoch);
        }
    }
    black_box(parameters);
}

fn speed(n_steps: u64, work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    n_steps as f64 / start.elapsed().as_secs_f64()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
