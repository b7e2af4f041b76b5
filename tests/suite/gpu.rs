//! The GPU's kernels at every shape of problem, compared with the plain reference in f64 and with
//! each other.

use std::cell::Cell;

use downhill::backend::gpu::Options;
use downhill::backend::kernel::{EVALUATE, FULL, HALT_LOSS, RunParams, SHUFFLED, StepParams, slot};
use downhill::backend::pipeline::Pipeline;
use downhill::backend::{self, Backend, MAX_STEPS_PER_CALL, State};
use downhill::dataset::Problem;
use downhill::model::gradient::loss_and_gradient;
use downhill::rng::{Permutation, Rng, Stream};

use crate::support::{Rows, assert_close, block_on, distance};

/// Relative to the largest slope: sums of f32 products are folded often, so they lose only a few
/// units in the last place (6e-8 each), whatever n is.
const SLOPE: f64 = 2e-6;
/// Relative to the loss, whose terms all have one sign.
const LOSS: f64 = 2e-6;
/// Relative to the weights' norm, after a few steps with the same rounding.
const WEIGHTS: f64 = 1e-5;

/// Rows of noise around a plane, the same for equal sizes.
fn problem(n_samples: u32, n_features: u32, bias: bool) -> Rows {
    let mut random = Rng::new(n_samples ^ n_features << 20, Stream::Noise);
    let mut value = || random.uniform(-1.0, 1.0) as f32;
    let features = (0..n_samples as usize * n_features as usize).map(|_| value()).collect();
    let targets = (0..n_samples).map(|_| 3.0 * value() + 1.0).collect();
    Rows::new(Problem { n_samples, n_features, features, targets, ..Problem::default() }, 1, bias)
}

/// Weights that differ between runs, small enough that many of them give a loss of order 1.
fn initial(problem: &Rows, run: usize) -> Vec<f32> {
    let n = problem.n_parameters();
    (0..n).map(|j| ((j + 3 * run as u32) as f32 * 0.7).sin() / (n as f32).sqrt()).collect()
}

fn n_blocks(backend: &Backend) -> usize {
    let Backend::Gpu(engine) = backend else { panic!("on the GPU") };
    engine.n_blocks()
}

/// Momentum, whose first moment after one step is the gradient.
fn params(problem: &Rows) -> RunParams {
    RunParams {
        n_samples: problem.n_samples,
        n_features: problem.n_features,
        n_parameters: problem.n_parameters(),
        seed: 7,
        block_rows: 100,
        rule: 1,
        beta1: 0.5,
        divergence_limit: f32::MAX,
        target_loss: -1.0,
        target_gradient_norm: -1.0,
        ..RunParams::default()
    }
}

/// Steps of `batch` rows over consecutive epochs.
fn steps(problem: &Rows, n: usize, batch: u32, flags: u32) -> Vec<StepParams> {
    let (mut epoch, mut position) = (0, 0);
    (0..n)
        .map(|_| {
            let batch_len = batch.min(problem.n_samples - position);
            let step = StepParams {
                learning_rate: 0.05,
                correction1: 1.0,
                correction2: 1.0,
                epoch,
                batch_start: position,
                batch_len,
                flags: flags | if batch_len == problem.n_samples { FULL } else { 0 },
                n_tiles: backend::kernel::tiles(batch_len),
            };
            position += batch_len;
            if position == problem.n_samples {
                (epoch, position) = (epoch + 1, 0);
            }
            step
        })
        .collect()
}

fn advance(
    backend: &mut Backend,
    state: &mut State,
    params: &RunParams,
    steps: &[StepParams],
) -> Vec<[f32; 2]> {
    let mut trace = Vec::new();
    block_on(backend.advance(state, params, steps, &mut trace)).unwrap();
    trace
}

fn rows_of(problem: &Rows, params: &RunParams, step: &StepParams) -> Vec<u32> {
    let positions = step.batch_start..step.batch_start + step.batch_len;
    if step.flags & SHUFFLED == 0 {
        return positions.collect();
    }
    let order = Permutation::new(problem.n_samples, params.block_rows, params.seed, step.epoch);
    positions.map(|position| order.row(position)).collect()
}

/// The same steps in plain f64; returns loss and largest slope of each batch along with the
/// weights.
fn reference(
    problem: &Rows,
    params: &RunParams,
    steps: &[StepParams],
    weights: &[f32],
) -> (Vec<f64>, Vec<f64>) {
    let mut weights: Vec<f64> = weights.iter().map(|weight| f64::from(*weight)).collect();
    let mut moment = vec![0.0; weights.len()];
    let mut losses = Vec::new();
    for step in steps {
        let (loss, gradient) =
            loss_and_gradient(problem, &problem.layout, &weights, rows_of(problem, params, step));
        losses.push(loss);
        for ((weight, moment), slope) in weights.iter_mut().zip(&mut moment).zip(&gradient) {
            *moment = f64::from(params.beta1) * *moment + slope;
            *weight -= f64::from(step.learning_rate) * *moment;
        }
    }
    (weights, losses)
}

fn check(problem: &Rows, backend: &mut Backend, batch: u32, flags: u32) {
    let what = format!("n = {}, d = {}, batch {batch}, {flags}", problem.n_samples, problem.n_features);
    let params = params(problem);
    let initial = initial(problem, 0);
    let exact: Vec<f64> = initial.iter().map(|weight| f64::from(*weight)).collect();

    let mut state = State::new(&initial);
    let evaluate = StepParams { flags: EVALUATE | flags, ..steps(problem, 1, batch, 0)[0] };
    advance(backend, &mut state, &params, &[evaluate]);
    let (loss, gradient) =
        loss_and_gradient(problem, &problem.layout, &exact, rows_of(problem, &params, &evaluate));
    let norm = gradient.iter().map(|slope| slope * slope).sum::<f64>().sqrt();
    assert_close(f64::from(state.reactions[0].evaluated_loss), loss, LOSS * loss, &what);
    assert_close(f64::from(state.reactions[0].evaluated_gradient_norm), norm, SLOPE * norm, &what);

    let planned = steps(problem, 4, batch, flags);
    advance(backend, &mut state, &params, &planned[..1]);
    let scale = gradient.iter().fold(0.0, |most: f64, slope| most.max(slope.abs()));
    for (found, slope) in state.slot(0, slot::FIRST_MOMENT).iter().zip(&gradient) {
        assert_close(f64::from(*found), *slope, SLOPE * scale, &what);
    }

    let mut state = State::new(&initial);
    let trace = advance(backend, &mut state, &params, &planned);
    let (weights, losses) = reference(problem, &params, &planned, &initial);
    let weights: Vec<f32> = weights.iter().map(|weight| *weight as f32).collect();
    assert_eq!(state.steps, [4], "{what}");
    assert!(distance(state.parameters(0), &weights) <= WEIGHTS, "{what}");
    for ([found, _], loss) in trace.iter().zip(losses) {
        assert_close(f64::from(*found), loss, 1e-5 * loss + 1e-9, &what);
    }
}

#[test]
fn loss_gradient_and_steps_are_the_references_at_awkward_sizes() {
    for n in [1, 7, 255, 257, 65_537] {
        for (d, bias) in
            [(1, true), (1, false), (2, true), (3, false), (5, true), (16, true), (17, false), (100, true)]
        {
            let problem = problem(n, d, bias);
            check(&problem, &mut problem.gpu(Options::default()), n, 0);
        }
    }
    // At this size, plain f32 sums have lost their last digits.
    let problem_of_ten_million = problem(10_000_000, 1, true);
    check(&problem_of_ten_million, &mut problem_of_ten_million.gpu(Options::default()), 10_000_000, 0);
    // 65,537 such rows would take a gigabyte.
    for n in [1, 7, 255, 257] {
        let problem = problem(n, 4097, true);
        check(&problem, &mut problem.gpu(Options::default()), n, 0);
    }
}

#[test]
fn batches_in_order_and_shuffled_are_the_references() {
    for (n, d, batch) in
        [(257, 1, 32), (257, 3, 1), (257, 17, 32), (7, 100, 5), (5000, 2, 2100), (5000, 18, 1900)]
    {
        let problem = problem(n, d, true);
        let mut backend = problem.gpu(Options::default());
        for flags in [0, SHUFFLED] {
            check(&problem, &mut backend, batch, flags);
        }
    }
}

#[test]
fn rows_split_over_several_buffers_are_the_same_rows() {
    for (n, d, batch) in [(257, 1, 257), (257, 3, 32), (1031, 17, 100), (10_007, 2, 10_007), (300, 100, 300)]
    {
        let problem = problem(n, d, true);
        let row_bytes = 4 * u64::from(if d > 16 { d.next_multiple_of(4) } else { d });
        for wanted in [2, 3, 7] {
            let max_binding_bytes = u64::from(n.div_ceil(wanted)) * row_bytes;
            let mut backend = problem.gpu(Options { max_binding_bytes, ..Options::default() });
            assert_eq!(n_blocks(&backend), wanted as usize);
            for flags in [0, SHUFFLED] {
                check(&problem, &mut backend, batch, flags);
            }
        }
    }
}

#[test]
fn runs_beside_each_other_are_the_runs_alone() {
    // Descending, tiled, wide.
    for (n, d, batch, flags) in [(100, 1, 32, SHUFFLED), (65_537, 3, 65_537, 0), (300, 100, 300, 0)] {
        let problem = problem(n, d, true);
        let mut params = params(&problem);
        let planned = steps(&problem, 20, batch, flags);
        let states: Vec<State> = (0..3)
            .map(|run| {
                // The loss of the second run exceeds the limit: it halts, and the others continue.
                let size = if run == 1 { 1e4 } else { 1.0 };
                State::new(&initial(&problem, run).iter().map(|weight| weight * size).collect::<Vec<_>>())
            })
            .collect();
        params.divergence_limit = 1e4;
        let mut together = State {
            n_parameters: states[0].n_parameters,
            slots: states[0].slots,
            values: states.iter().flat_map(|state| state.values.clone()).collect(),
            reactions: states.iter().flat_map(|state| state.reactions.clone()).collect(),
            steps: vec![0; 3],
            settings: Vec::new(),
        };
        let mut backend = problem.gpu(Options { n_runs: 3, ..Options::default() });
        let trace = advance(&mut backend, &mut together, &params, &planned);
        let mut alone = problem.gpu(Options::default());
        for (run, mut state) in states.into_iter().enumerate() {
            let lone = advance(&mut alone, &mut state, &params, &planned);
            for slot in 0..slot::COUNT {
                assert_eq!(together.slot(run, slot), state.slot(0, slot), "d = {d}, run {run}, slot {slot}");
            }
            let (beside, alone) = (together.reactions[run], state.reactions[0]);
            assert_eq!((beside.halt, beside.taken, beside.cursor), (alone.halt, alone.taken, alone.cursor));
            assert_eq!(alone.halt, if run == 1 { HALT_LOSS } else { 0 });
            let taken = alone.taken.max(0) as usize;
            assert_eq!(&trace[run * planned.len()..][..taken], &lone[..taken], "d = {d}, run {run}");
        }
    }
}

#[test]
fn a_whole_call_of_small_steps_takes_every_one() {
    // More steps than one dispatch may loop over: a driver's early end would show here.
    let problem = problem(100, 1, true);
    let params = params(&problem);
    for (batch, flags) in [(100, 0), (32, SHUFFLED)] {
        let mut planned = steps(&problem, MAX_STEPS_PER_CALL, batch, flags);
        for step in &mut planned {
            step.learning_rate = 1e-4;
        }
        let mut on_cpu = State::new(&initial(&problem, 0));
        let mut state = on_cpu.clone();
        // A clock that stands still: after the first call, any number of steps seems to fit a
        // submit.
        let mut backend = problem.gpu(Options { now_ms: Some(|| 0.0), ..Options::default() });
        advance(&mut backend, &mut state.clone(), &params, &planned);
        let trace = advance(&mut backend, &mut state, &params, &planned);
        let expected = advance(&mut problem.cpu(), &mut on_cpu, &params, &planned);
        assert_eq!(state.reactions[0].cursor as usize, MAX_STEPS_PER_CALL);
        assert_eq!(state.steps, on_cpu.steps);
        assert!(distance(state.parameters(0), on_cpu.parameters(0)) <= 1e-4);
        for (found, expected) in trace.iter().zip(expected) {
            assert_close(
                f64::from(found[0]),
                f64::from(expected[0]),
                1e-4 * f64::from(expected[0]) + 1e-6,
                "loss",
            );
            assert_eq!(found[1], expected[1]);
        }
    }
}

#[test]
fn calls_put_in_ahead_do_what_calls_in_turn_do() {
    for (n, d, batch) in [(100, 1, 100), (5000, 3, 5000)] {
        let problem = problem(n, d, true);
        let params = params(&problem);
        let planned = steps(&problem, 50, batch, 0);
        for on_the_gpu in [false, true] {
            let make = || {
                if on_the_gpu { problem.gpu(Options::default()) } else { problem.cpu() }
            };
            let mut backend = make();
            let (mut state, mut trace) = (State::new(&initial(&problem, 0)), Vec::new());
            let mut pipeline = Pipeline::default();
            let mut losses = Vec::new();
            let mut waiting = planned.chunks(7).peekable();
            while waiting.peek().is_some() || pipeline.n_in_flight() > 0 {
                while let Some(chunk) = waiting.next_if(|_| pipeline.has_room(&backend)) {
                    block_on(pipeline.enqueue(&mut backend, &state, &params, chunk)).unwrap();
                }
                let answered = block_on(pipeline.collect(&mut backend, &mut state, &mut trace)).unwrap();
                assert_eq!(answered.unwrap(), &planned[losses.len()..][..trace.len()]);
                losses.append(&mut trace);
            }
            let (mut backend, mut expected) = (make(), State::new(&initial(&problem, 0)));
            let mut in_turn = Vec::new();
            for chunk in planned.chunks(7) {
                in_turn.append(&mut advance(&mut backend, &mut expected, &params, chunk));
            }
            assert_eq!(state.values, expected.values);
            assert_eq!(state.steps, [50]);
            assert_eq!(losses, in_turn);
        }
    }
}

#[test]
fn calls_behind_a_halt_do_nothing() {
    let problem = problem(100, 1, true);
    let params = RunParams { divergence_limit: 100.0, ..params(&problem) };
    let mut planned = steps(&problem, 30, 100, 0);
    for step in &mut planned {
        step.learning_rate = 10.0;
    }
    let mut backend = problem.gpu(Options::default());
    let (mut state, mut trace) = (State::new(&initial(&problem, 0)), Vec::new());
    let mut expected = state.clone();
    advance(&mut backend, &mut expected, &params, &planned[..10]);
    assert_eq!(expected.reactions[0].halt, HALT_LOSS);

    let mut pipeline = Pipeline::default();
    for chunk in planned.chunks(10) {
        block_on(pipeline.enqueue(&mut backend, &state, &params, chunk)).unwrap();
    }
    for call in 0..3 {
        block_on(pipeline.collect(&mut backend, &mut state, &mut trace)).unwrap();
        assert_eq!(state.values, expected.values, "call {call}");
        assert_eq!(state.steps, expected.steps, "call {call}");
        assert_eq!(state.reactions[0].taken, if call == 0 { expected.reactions[0].taken } else { 0 });
    }
    assert!(block_on(pipeline.collect(&mut backend, &mut state, &mut trace)).unwrap().is_none());
}

#[test]
fn submits_are_as_long_as_the_clock_lets_them() {
    thread_local! {
        static NOW_MS: Cell<f64> = const { Cell::new(0.0) };
        static TICK_MS: Cell<f64> = const { Cell::new(0.0) };
    }
    // The clock advances with every read.
    fn now_ms() -> f64 {
        NOW_MS.set(NOW_MS.get() + TICK_MS.get());
        NOW_MS.get()
    }
    let problem = problem(100, 1, true);
    let params = params(&problem);
    let mut backend = problem.gpu(Options { now_ms: Some(now_ms), ..Options::default() });
    let mut state = State::new(&initial(&problem, 0));
    let mut steps_per_submit = |tick_ms: f64| {
        TICK_MS.set(tick_ms);
        for _ in 0..20 {
            advance(&mut backend, &mut state, &params, &steps(&problem, 100, 100, 0));
        }
        let Backend::Gpu(engine) = &backend else { panic!("on the GPU") };
        engine.steps_per_submit()
    };
    // A hundred steps in 100 ms, then in 1000 ms, then in 10 ms: a submit takes 8 to 20 ms.
    for tick_ms in [100.0, 1000.0, 10.0] {
        let submit_ms = steps_per_submit(tick_ms) as f64 * tick_ms / 100.0;
        assert!((8.0..=20.0).contains(&submit_ms), "{submit_ms} at {tick_ms} ms a call");
    }
}
