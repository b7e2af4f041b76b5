//! The CPU engine compared with the plain reference in f64, at sizes that are no multiples of
//! vectors, groups or folds.

use std::cell::Cell;
use std::rc::Rc;

use downhill::backend::kernel::{
    EPOCH_END, EPOCH_START, EVALUATE, FULL, HALT_LOSS, RunParams, SHUFFLED, StepParams, slot,
};
use downhill::backend::{self, Backend, State};
use downhill::choices::{Method, Optimizer};
use downhill::config::{RunConfig, choose_method};
use downhill::dataset::Problem;
use downhill::model::gradient::loss_and_gradient;
use downhill::rng::{IN_MEMORY_BLOCK_ROWS, Permutation, Rng, Stream, TabledPermutation};
use downhill::trainer::Trainer;
use proptest::prelude::*;

use crate::support::{Rows, block_on, distance, task};

/// Rounding of f32 sums, relative to the sum of the magnitudes of their terms: a few hundred
/// additions per lane lose up to half a unit in the last place each (6e-8), mostly cancelling.
const SUM: f64 = 2e-6;

/// Widths that select different kernels: one, two, three, whole vectors, overlapping vectors, the
/// last that fits the registers, the first that does not, and a row longer than a cache page.
const WIDTHS: [u32; 13] = [1, 2, 3, 4, 5, 8, 10, 12, 13, 16, 17, 100, 4097];
const LENGTHS: [u32; 7] = [1, 7, 32, 255, 257, 4099, 65_537];

pub(crate) fn problem(n_samples: u32, n_features: u32, bias: bool) -> Rows {
    let mut rng = Rng::new(n_samples ^ n_features.rotate_left(16), Stream::Noise);
    let weights: Vec<f64> = (0..n_features).map(|_| rng.normal()).collect();
    let scale = 1.0 / f64::from(n_features).sqrt();
    let mut features = Vec::new();
    let mut targets = Vec::new();
    for _ in 0..n_samples {
        let row: Vec<f64> = weights.iter().map(|_| rng.uniform(-1.0, 1.0) * scale).collect();
        let dot: f64 = row.iter().zip(&weights).map(|(x, w)| x * w).sum();
        targets.push((dot + 0.5 + rng.uniform(-0.1, 0.1)) as f32);
        features.extend(row.iter().map(|x| *x as f32));
    }
    Rows::new(Problem { n_samples, n_features, features, targets, ..Problem::default() }, 1, bias)
}

pub(crate) fn weights(problem: &Rows) -> Vec<f32> {
    let mut rng = Rng::new(9, Stream::InitialWeights);
    (0..problem.n_parameters()).map(|_| rng.uniform(-1.0, 1.0) as f32).collect()
}

/// An engine and its run, without a trainer.
pub(crate) struct Bare {
    pub(crate) backend: Backend,
    pub(crate) state: State,
    pub(crate) params: RunParams,
    pub(crate) place: (u32, u32),
}

impl Bare {
    pub(crate) fn new(backend: Backend, problem: &Rows, optimizer: &Optimizer) -> Self {
        let mut params = RunParams {
            n_samples: problem.n_samples,
            n_features: problem.n_features,
            n_parameters: problem.n_parameters(),
            n_runs: 1,
            seed: 5,
            block_rows: IN_MEMORY_BLOCK_ROWS,
            divergence_limit: 1e30,
            target_loss: -1.0,
            target_gradient_norm: -1.0,
            ..RunParams::default()
        };
        params.set_rule(&optimizer.rule());
        Self { backend, state: State::new(&weights(problem)), params, place: (0, 0) }
    }

    /// Updates with batches of `batch_rows`; returns their losses.
    pub(crate) fn advance(
        &mut self,
        n_steps: usize,
        batch_rows: u32,
        shuffle: bool,
        learning_rate: f32,
    ) -> Vec<f32> {
        let n_samples = self.params.n_samples;
        let mut losses = Vec::new();
        let mut steps = Vec::new();
        for _ in 0..n_steps {
            let (epoch, position) = self.place;
            let batch_len = batch_rows.min(n_samples - position);
            let end = position + batch_len;
            let flag = |set: bool, flag: u32| if set { flag } else { 0 };
            steps.push(StepParams {
                learning_rate,
                correction1: 1.0,
                correction2: 1.0,
                epoch,
                batch_start: position,
                batch_len,
                flags: flag(shuffle && batch_len < n_samples, SHUFFLED)
                    | flag(position == 0, EPOCH_START)
                    | flag(end == n_samples, EPOCH_END)
                    | flag(batch_len == n_samples, FULL),
                n_tiles: 1,
            });
            self.place = if end == n_samples { (epoch + 1, 0) } else { (epoch, end) };
        }
        let mut trace = Vec::new();
        for steps in steps.chunks(backend::MAX_STEPS_PER_CALL) {
            block_on(self.backend.advance(&mut self.state, &self.params, steps, &mut trace)).unwrap();
            losses.extend(trace.iter().map(|[loss, _]| loss));
        }
        losses
    }

    pub(crate) fn evaluate(&mut self, n_rows: u32) -> (f64, f64) {
        let step = StepParams { batch_len: n_rows, flags: EVALUATE, n_tiles: 1, ..StepParams::default() };
        let mut trace = Vec::new();
        block_on(self.backend.advance(&mut self.state, &self.params, &[step], &mut trace)).unwrap();
        let reaction = self.state.reactions[0];
        (f64::from(reaction.evaluated_loss), f64::from(reaction.evaluated_gradient_norm))
    }
}

/// Sum of the magnitudes of the terms of each slope, over the rows.
fn magnitudes(problem: &Rows, parameters: &[f64]) -> Vec<f64> {
    let d = problem.n_features as usize;
    let mut sums = vec![0.0; parameters.len()];
    for (x, y) in problem.features.chunks_exact(d).zip(&problem.targets) {
        let fitted: f64 = x.iter().zip(parameters).map(|(x, w)| f64::from(*x) * w).sum();
        let size: f64 = x.iter().zip(parameters).map(|(x, w)| (f64::from(*x) * w).abs()).sum();
        let bias = parameters.get(d).copied().unwrap_or(0.0);
        // The rounding of a residual counts as much as its size.
        let residual = (fitted + bias - f64::from(*y)).abs() + size + bias.abs() + f64::from(y.abs());
        for (sum, x) in sums.iter_mut().zip(x) {
            *sum += 2.0 * residual * f64::from(x.abs());
        }
        if let Some(sum) = sums.get_mut(d) {
            *sum += 2.0 * residual;
        }
    }
    sums.iter().map(|sum| sum / f64::from(problem.n_samples)).collect()
}

fn check_one_step(backend: Backend, problem: &Rows, what: &str) {
    let start: Vec<f64> = weights(problem).iter().map(|w| f64::from(*w)).collect();
    let (loss, gradient) = loss_and_gradient(problem, &problem.layout, &start, 0..problem.n_samples);
    let allowed = magnitudes(problem, &start);
    let mut run = Bare::new(backend, problem, &Optimizer::Sgd);
    let (measured, norm) = run.evaluate(problem.n_samples);
    assert!((measured - loss).abs() <= 1e-5 * loss + 1e-9, "{what}: loss {measured}, {loss}");
    let length = gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
    let slack = SUM * allowed.iter().map(|a| a * a).sum::<f64>().sqrt();
    assert!((norm - length).abs() <= slack + 1e-5 * length, "{what}: norm {norm}, {length}");

    let rate = 0.5_f32;
    let traced = run.advance(1, problem.n_samples, false, rate);
    assert!((f64::from(traced[0]) - loss).abs() <= 1e-5 * loss + 1e-9, "{what}: {traced:?}, {loss}");
    for (j, (after, slope)) in run.state.parameters(0).iter().zip(&gradient).enumerate() {
        let expected = start[j] - f64::from(rate) * slope;
        let apart = (f64::from(*after) - expected).abs();
        // The update itself adds one rounding.
        let tolerance = f64::from(rate) * SUM * allowed[j] + 2e-7 * expected.abs();
        assert!(apart <= tolerance, "{what}, parameter {j}: {apart:e} of {tolerance:e}");
    }
}

#[test]
fn a_pass_has_the_references_loss_and_gradient_at_awkward_sizes() {
    for n_features in WIDTHS {
        for n_samples in LENGTHS {
            if u64::from(n_samples) * u64::from(n_features) > 2_000_000 {
                continue;
            }
            for bias in [true, false] {
                let problem = problem(n_samples, n_features, bias);
                let what = format!("{n_samples} x {n_features}, bias {bias}");
                check_one_step(problem.cpu(), &problem, &what);
            }
        }
    }
}

#[test]
fn statistics_have_the_references_loss_and_gradient_at_awkward_sizes() {
    for n_features in [1, 2, 3, 5, 15, 16, 17, 100] {
        for n_samples in [1, 7, 255, 257, 4099] {
            let problem = problem(n_samples, n_features, n_features != 5);
            let what = format!("{n_samples} x {n_features}");
            check_one_step(problem.by_statistics(), &problem, &what);
        }
    }
}

#[test]
fn statistics_take_the_same_path_as_passes() {
    for (n_samples, n_features, optimizer) in [
        (257, 1, Optimizer::Sgd),
        (4099, 10, Optimizer::Momentum { momentum: 0.9 }),
        (4099, 40, Optimizer::Sgd),
        (257, 100, Optimizer::Nesterov { momentum: 0.5 }),
    ] {
        let problem = problem(n_samples, n_features, true);
        let mut passes = Bare::new(problem.cpu(), &problem, &optimizer);
        let mut statistics = Bare::new(problem.by_statistics(), &problem, &optimizer);
        for _ in 0..20 {
            let losses = [&mut passes, &mut statistics].map(|run| run.advance(100, n_samples, false, 0.05));
            let apart = distance(passes.state.parameters(0), statistics.state.parameters(0));
            assert!(apart <= 1e-5, "{n_samples} x {n_features}: {apart:e}");
            for (pass, statistic) in losses[0].iter().zip(&losses[1]) {
                assert!((pass - statistic).abs() <= 1e-5 * pass + 1e-9, "{pass}, {statistic}");
            }
        }
    }
}

#[test]
fn statistics_of_collinear_features_still_descend() {
    // The second column is twice the first: there is no unique solution, but all solutions have the
    // same loss.
    let mut twin = problem(257, 2, true);
    for row in twin.features.chunks_exact_mut(2) {
        row[1] = 2.0 * row[0];
    }
    let twin = Rc::new(twin);
    check_one_step(twin.by_statistics(), &twin, "collinear");
}

/// Plain descent in f64 over the same batches.
fn reference(problem: &Rows, n_steps: usize, batch_rows: u32, shuffle: bool, rate: f64) -> Vec<f64> {
    let n = problem.n_samples;
    let mut parameters: Vec<f64> = weights(problem).iter().map(|w| f64::from(*w)).collect();
    let (mut epoch, mut position) = (0, 0);
    for _ in 0..n_steps {
        let order = Permutation::new(n, IN_MEMORY_BLOCK_ROWS, 5, epoch);
        let end = n.min(position + batch_rows);
        let rows = (position..end).map(|at| if shuffle && end - position < n { order.row(at) } else { at });
        let (_, gradient) = loss_and_gradient(problem, &problem.layout, &parameters, rows);
        for (parameter, slope) in parameters.iter_mut().zip(gradient) {
            *parameter -= rate * slope;
        }
        (epoch, position) = if end == n { (epoch + 1, 0) } else { (epoch, end) };
    }
    parameters
}

fn check_batches(problem: &Rows, n_steps: usize, batch_rows: u32, shuffle: bool, optimizer: &Optimizer) {
    let expected: Vec<f32> =
        reference(problem, n_steps, batch_rows, shuffle, 0.1).iter().map(|w| *w as f32).collect();
    let mut run = Bare::new(problem.cpu(), problem, optimizer);
    let losses = run.advance(n_steps, batch_rows, shuffle, 0.1);
    assert_eq!(losses.len(), n_steps);
    let length = |weights: &[f32]| weights.iter().map(|w| f64::from(*w).powi(2)).sum::<f64>().sqrt();
    // Each step rounds every weight once, relative to its size then: a run may end near weights of 0.
    let size = length(&weights(problem)).max(length(&expected));
    let apart = distance(run.state.parameters(0), &expected) * length(&expected) / size;
    let (n, d) = (problem.n_samples, problem.n_features);
    assert!(apart <= 1e-5, "{n} x {d}, batch {batch_rows}, shuffle {shuffle}: {apart:e}");
    assert_eq!(run.state.steps[0], n_steps as u64);
}

#[test]
fn batches_take_the_references_steps_in_order_and_shuffled() {
    // Momentum of 0 is plain descent through the general code, which batches of one row otherwise
    // do not use.
    let general = Optimizer::Momentum { momentum: 0.0 };
    for n_features in [1, 2, 3, 4, 7, 10, 12, 13, 100] {
        let problem = problem(257, n_features, n_features != 7);
        for shuffle in [false, true] {
            for batch_rows in [1, 3, 32, 200, 256] {
                let n_steps = 2 * 257_usize.div_ceil(batch_rows as usize) + 1;
                for optimizer in [&Optimizer::Sgd, &general] {
                    check_batches(&problem, n_steps, batch_rows, shuffle, optimizer);
                }
            }
        }
    }
    // Batches longer than a window, and windows that hold many batches.
    let long = problem(20_011, 3, true);
    check_batches(&long, 5, 9_000, true, &Optimizer::Sgd);
    check_batches(&long, 8_000, 1, true, &Optimizer::Sgd);
}

#[test]
fn a_run_that_ends_near_weights_of_zero_takes_the_references_steps() {
    check_batches(&problem(372, 1, false), 12, 84, false, &Optimizer::Sgd);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_problem_takes_the_references_steps(
        n_samples in 1_u32..600,
        n_features in 1_u32..40,
        bias: bool,
        batch_rows in 1_u32..600,
        shuffle: bool,
    ) {
        let problem = problem(n_samples, n_features, bias);
        check_batches(&problem, 12, batch_rows.min(n_samples), shuffle, &Optimizer::Sgd);
    }
}

#[test]
fn nothing_outside_the_batch_is_read() {
    for n_features in [1, 2, 3, 4, 5, 10, 13, 100] {
        let d = n_features as usize;
        let mut poisoned = problem(300, n_features, true);
        for row in (0..10).chain(267..300) {
            poisoned.features[row * d..(row + 1) * d].fill(f32::NAN);
            poisoned.targets[row] = f32::NAN;
        }
        let poisoned = Rc::new(poisoned);
        for batch_rows in [1, 257] {
            let mut run = Bare::new(poisoned.cpu(), &poisoned, &Optimizer::Sgd);
            run.place = (0, 10);
            let losses = run.advance(1, batch_rows, false, 0.1);
            assert!(losses[0].is_finite(), "{n_features}, {batch_rows}");
            assert!(run.state.parameters(0).iter().all(|w| w.is_finite()));
            assert_eq!(run.state.steps[0], 1);
        }
    }
}

#[test]
fn sums_of_ten_million_rows_keep_their_digits() {
    // Two rows repeated, whose sums are known: loss and slope of ten million rows equal those of
    // two.
    let n_samples = 10_000_000_u32;
    let features = [0.3_f32, -0.7].repeat(n_samples as usize / 2);
    let targets = [0.1_f32, 0.9].repeat(n_samples as usize / 2);
    let (pair_features, pair_targets) = (features[..2].to_vec(), targets[..2].to_vec());
    let pair = Problem {
        n_samples: 2,
        n_features: 1,
        features: pair_features,
        targets: pair_targets,
        ..Problem::default()
    };
    let many = Problem { n_samples, features, targets, ..pair.clone() };
    let [pair, many] = [pair, many].map(|problem| Rows::new(problem, 1, true));
    let start: Vec<f64> = weights(&pair).iter().map(|w| f64::from(*w)).collect();
    let (loss, gradient) = loss_and_gradient(&pair, &pair.layout, &start, 0..2);
    let norm = gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
    let mut run = Bare::new(many.cpu(), &many, &Optimizer::Sgd);
    let (measured, measured_norm) = run.evaluate(n_samples);
    assert!((measured - loss).abs() <= 1e-6 * loss, "{measured}, {loss}");
    assert!((measured_norm - norm).abs() <= 1e-6 * norm, "{measured_norm}, {norm}");
}

#[test]
fn stochastic_steps_that_diverge_halt_where_the_general_way_does() {
    for n_features in [1, 3, 5, 10, 30] {
        let problem = problem(257, n_features, true);
        let [fast, general] = [Optimizer::Sgd, Optimizer::Momentum { momentum: 0.0 }].map(|optimizer| {
            let mut run = Bare::new(problem.cpu(), &problem, &optimizer);
            run.params.divergence_limit = 1e6;
            run.advance(2000, 1, true, 3.5);
            run
        });
        assert_eq!(fast.state.reactions[0].halt, HALT_LOSS, "{n_features}");
        assert_eq!(general.state.reactions[0].halt, HALT_LOSS);
        // A growing run multiplies its rounding errors, so the halt may come a step earlier or
        // later.
        let steps = [&fast, &general].map(|run| run.state.steps[0]);
        assert!(steps[0].abs_diff(steps[1]) <= 1, "{n_features}: {steps:?}");
        assert!(fast.state.parameters(0).iter().all(|w| w.is_finite()));
        assert_eq!(fast.state.slot(0, slot::WEIGHT), fast.state.slot(0, slot::PREVIOUS));
    }
}

#[test]
fn rows_of_an_order_are_found_at_once_as_one_by_one() {
    for n_samples in [1, 2, 3, 63, 64, 65, 100, 128, 129, 1000, 65_537] {
        for block_rows in [IN_MEMORY_BLOCK_ROWS, 50] {
            let order = Permutation::new(n_samples, block_rows, 3, 7);
            for start in [0, 1, n_samples / 2] {
                let length = (n_samples - start.min(n_samples)).min(200);
                let mut rows = vec![u32::MAX; length as usize];
                TabledPermutation::new(order).rows(start, &mut rows);
                let expected: Vec<u32> = (start..start + length).map(|at| order.row(at)).collect();
                assert_eq!(rows, expected, "{n_samples} in blocks of {block_rows} from {start}");
            }
        }
    }
}

#[test]
fn auto_takes_what_its_clock_finds_fastest() {
    let config = choose_method(&RunConfig::default(), Method::Batch);
    let task = task(&config);
    let plan = config.check().unwrap();
    // Every read of the clock takes one engine a millisecond and the other three: four reads and
    // two, after a warm-up.
    let (fast, slow) = (vec![1.0; 4], vec![3.0; 2]);
    for (costs, expected) in [([&fast, &slow], 0), ([&slow, &fast], 1)] {
        let costs: Vec<f64> = costs.iter().chain(&costs).flat_map(|costs| costs.iter().copied()).collect();
        let (now, looks) = (Cell::new(0.0), Cell::new(0));
        let clock = || {
            now.set(now.get() + costs[looks.get()]);
            looks.set(looks.get() + 1);
            now.get()
        };
        let candidates = vec![
            backend::cpu(Rc::clone(&task.problem), &task.layout),
            backend::cpu_by_statistics(Rc::clone(&task.problem), &task.layout),
        ];
        let fastest = block_on(Trainer::fastest(&plan, &task, candidates, &clock)).unwrap();
        assert_eq!(fastest.index, expected);
        // One, two and four steps in three milliseconds; then one step in three.
        let mut speeds = vec![7000.0 / 3.0, 1000.0 / 3.0];
        if expected == 1 {
            speeds.reverse();
        }
        assert_eq!(fastest.steps_per_second, speeds);
        assert_eq!(looks.get(), costs.len());
    }
}
