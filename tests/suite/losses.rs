//! Every loss and penalty on every engine, compared with autograd, finite differences and the
//! reference in f64.

use downhill::backend::gpu::Options;
use downhill::backend::kernel::{
    EVALUATE, FULL, RunParams, RunSettings, SHUFFLED, StepParams, VALIDATE, slot,
};
use downhill::backend::{self, Backend, State};
use downhill::choices::loss::{kind, loss_derivative, loss_value, softmax};
use downhill::choices::{Loss, Optimizer, Penalty};
use downhill::config::RunConfig;
use downhill::dataset::Problem;
use downhill::model::gradient::Objective;
use downhill::monitor::suggested_rate;
use downhill::rng::{Permutation, Rng, Stream};

use crate::support::{EVERYWHERE, On, Rows, assert_close, block_on, exact, numbers, reference, task};

/// Relative to the largest slope and to the loss: f32 products, folded often, and `exp` up to a few
/// units in its last place.
const RELATIVE: f64 = 1e-5;

pub(crate) const LOSSES: [Loss; 9] = [
    Loss::Squared,
    Loss::Absolute,
    Loss::Huber { delta: 0.5 },
    Loss::LogCosh,
    Loss::Quantile { tau: 0.8 },
    Loss::Logistic,
    Loss::Softmax,
    Loss::Poisson,
    Loss::SquaredHinge,
];

/// Rows with targets that suit the loss; optionally with weights of mean 1 and three folds.
pub(crate) fn problem(loss: &Loss, (n, d): (u32, u32), bias: bool, weighted: bool, folds: bool) -> Rows {
    let mut random = Rng::new(n ^ d << 20, Stream::Noise);
    let n_outputs = if *loss == Loss::Softmax { 3 } else { 1 };
    let features = (0..n * d).map(|_| random.uniform(-1.0, 1.0) as f32).collect();
    let target = |value: f64| match loss {
        Loss::Logistic | Loss::SquaredHinge => f64::from(value > 0.0),
        Loss::Softmax => ((value + 1.0) * 1.5).min(2.0).floor(),
        Loss::Poisson => ((value + 1.0) * 2.0).floor(),
        _ => 3.0 * value + 1.0,
    };
    let targets = (0..n).map(|_| target(random.uniform(-1.0, 1.0)) as f32).collect();
    let weight = |i: u32| if i + 1 == n && n % 2 == 1 { 1.0 } else { [0.25, 1.75][i as usize % 2] };
    let problem = Problem {
        n_samples: n,
        n_features: d,
        features,
        targets,
        weights: if weighted { (0..n).map(weight).collect() } else { Vec::new() },
        folds: if folds { (0..n).map(|i| (i * 7 % 3) as u8).collect() } else { Vec::new() },
        ..Problem::default()
    };
    Rows::new(problem, n_outputs, bias)
}

pub(crate) fn engine(on: On, problem: &Rows, options: Options) -> Backend {
    match on {
        On::Cpu => problem.cpu(),
        On::Gpu => problem.gpu(options),
    }
}

pub(crate) fn params(problem: &Rows, loss: &Loss) -> RunParams {
    let mut params = RunParams {
        n_samples: problem.n_samples,
        n_features: problem.n_features,
        n_parameters: problem.n_parameters(),
        n_runs: 1,
        seed: 7,
        block_rows: 100,
        divergence_limit: f32::MAX,
        target_loss: f32::MIN,
        target_gradient_norm: -1.0,
        ..RunParams::default()
    };
    params.set_loss(loss);
    params
}

/// Parameters that give outputs of order 1.
pub(crate) fn parameters(problem: &Rows) -> Vec<f32> {
    let scale = 2.0 / f64::from(problem.n_features).sqrt();
    (0..problem.n_parameters()).map(|j| (scale * (f64::from(j) * 0.7 + 0.3).sin()) as f32).collect()
}

fn step(problem: &Rows, start: u32, batch_len: u32, flags: u32) -> StepParams {
    StepParams {
        learning_rate: 0.05,
        correction1: 1.0,
        correction2: 1.0,
        epoch: 3,
        batch_start: start,
        batch_len,
        flags: flags | if batch_len == problem.n_samples { FULL } else { 0 },
        n_tiles: backend::kernel::tiles(batch_len),
    }
}

fn rows_of(problem: &Rows, params: &RunParams, step: &StepParams) -> Vec<u32> {
    let positions = step.batch_start..step.batch_start + step.batch_len;
    if step.flags & SHUFFLED == 0 {
        return positions.collect();
    }
    let order = Permutation::new(problem.n_samples, params.block_rows, params.seed, step.epoch);
    positions.map(|position| order.row(position)).collect()
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

/// Measures, then takes a step whose first moment is the gradient of everything but the L1 part.
fn check(backend: &mut Backend, problem: &Rows, objective: &Objective, planned: &StepParams, what: &str) {
    let mut params = params(problem, &objective.loss);
    // Momentum, which stores the gradient it receives.
    (params.rule, params.beta1) = (1, 0.5);
    let at = parameters(problem);
    let exact: Vec<f64> = at.iter().map(|w| f64::from(*w)).collect();
    let rows = || rows_of(problem, &params, planned);
    let (loss, gradient) = objective.loss_and_gradient(problem, &problem.layout, &exact, rows());
    let length = |g: &[f64]| g.iter().map(|g| g * g).sum::<f64>().sqrt();

    let settings = RunSettings::of(problem, &objective.penalty, objective.fold);
    let mut state = State { settings: vec![settings], ..State::new(&at) };
    advance(backend, &mut state, &params, &[StepParams { flags: planned.flags | EVALUATE, ..*planned }]);
    let measured = state.reactions[0];
    let size = loss.abs().max(1e-3);
    assert_close(f64::from(measured.evaluated_loss), loss, RELATIVE * size, &format!("{what}: loss"));
    let norm = length(&gradient);
    // The terms of a few rows may nearly cancel: the error is then relative to the size of the
    // terms, of order 1.
    let slack = RELATIVE * norm.max(0.03);
    assert_close(f64::from(measured.evaluated_gradient_norm), norm, slack, &format!("{what}: norm"));

    let trace = advance(backend, &mut state, &params, &[*planned]);
    assert_close(f64::from(trace[0][0]), loss, RELATIVE * size, &format!("{what}: traced"));
    let Penalty { strength, l1_ratio } = objective.penalty;
    if strength * l1_ratio == 0.0 {
        for (found, slope) in state.slot(0, slot::FIRST_MOMENT).iter().zip(&gradient) {
            assert_close(f64::from(*found), *slope, slack, &format!("{what}: slope"));
        }
    }
    assert_eq!(state.steps, [1], "{what}");
}

#[test]
fn the_reference_is_what_autograd_finds() {
    // tests/reference/losses.json: JAX's autograd in f64 for every loss and penalty, weighted rows,
    // with and without a fold.
    let reference = reference("losses");
    let rows: Vec<Vec<f64>> = reference["x"].as_array().unwrap().iter().map(numbers).collect();
    let f32s = |values: &serde_json::Value| numbers(values).iter().map(|v| *v as f32).collect::<Vec<f32>>();
    let cases = reference["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 72);
    for case in cases {
        let objective = objective(case);
        let problem = Problem {
            n_samples: rows.len() as u32,
            n_features: rows[0].len() as u32,
            features: rows.iter().flatten().map(|v| *v as f32).collect(),
            targets: f32s(&reference["targets"][case["targets"].as_str().unwrap()]),
            weights: f32s(&reference["weights"]),
            folds: numbers(&reference["folds"]).iter().map(|fold| *fold as u8).collect(),
            ..Problem::default()
        };
        let problem = Rows::new(problem, if objective.loss == Loss::Softmax { 3 } else { 1 }, true);
        let at = numbers(&case["parameters"]);
        let (loss, gradient) =
            objective.loss_and_gradient(&problem, &problem.layout, &at, 0..problem.n_samples);
        let expected = case["objective"].as_f64().unwrap();
        assert_close(loss, expected, 1e-12 * (1.0 + expected.abs()), &format!("{objective:?}"));
        for (found, expected) in gradient.iter().zip(numbers(&case["gradient"])) {
            assert_close(*found, expected, 1e-12 * (1.0 + expected.abs()), &format!("{objective:?}"));
        }
        // And the results of the engines on the same rows.
        for on in EVERYWHERE {
            // One case per loss suffices for its kernels.
            if on == On::Gpu && (objective.fold.is_none() || objective.penalty.l1_ratio != 0.25) {
                continue;
            }
            let options = Options { loss: objective.loss.kind(), ..Options::default() };
            let mut backend = engine(on, &problem, options);
            let params = params(&problem, &objective.loss);
            let settings = RunSettings::of(&problem, &objective.penalty, objective.fold);
            let at: Vec<f32> = at.iter().map(|w| *w as f32).collect();
            let mut state = State { settings: vec![settings], ..State::new(&at) };
            let planned = step(&problem, 0, problem.n_samples, EVALUATE);
            advance(&mut backend, &mut state, &params, &[planned]);
            let found = f64::from(state.reactions[0].evaluated_loss);
            assert_close(found, expected, RELATIVE * expected.abs(), &format!("{on:?}, {objective:?}"));
        }
    }
}

fn objective(case: &serde_json::Value) -> Objective {
    Objective {
        loss: serde_json::from_value(case["loss"].clone()).unwrap(),
        penalty: Penalty {
            strength: case["strength"].as_f64().unwrap(),
            l1_ratio: case["l1_ratio"].as_f64().unwrap(),
        },
        fold: case["fold"].as_u64().map(|fold| fold as u8),
    }
}

#[test]
fn the_reference_is_what_finite_differences_find() {
    for loss in LOSSES {
        for fold in [None, Some(2)] {
            let problem = problem(&loss, (50, 3), true, true, true);
            let penalty = Penalty { strength: 0.3, l1_ratio: 0.4 };
            let objective = Objective { loss, penalty, fold };
            let at: Vec<f64> = parameters(&problem).iter().map(|w| f64::from(*w)).collect();
            let value = |at: &[f64]| {
                objective.loss_and_gradient(&problem, &problem.layout, at, 0..problem.n_samples).0
            };
            let (_, gradient) =
                objective.loss_and_gradient(&problem, &problem.layout, &at, 0..problem.n_samples);
            for (j, slope) in gradient.iter().enumerate() {
                let h = 1e-6;
                let shifted = |by: f64| {
                    let mut at = at.clone();
                    at[j] += by;
                    value(&at)
                };
                // No row's residual is so small that the step crosses a kink.
                let found = (shifted(h) - shifted(-h)) / (2.0 * h);
                assert_close(found, *slope, 1e-8, &format!("{objective:?}, {j}"));
            }
        }
    }
}

#[test]
fn kernels_functions_are_the_formulas_however_large_or_small_the_output() {
    for loss in LOSSES.into_iter().filter(|loss| *loss != Loss::Softmax) {
        for z in [-80.0, -20.0, -3.0, -0.3, -0.1, -1e-3, 0.0, 1e-4, 0.19, 0.21, 1.0, 7.0, 30.0, 80.0_f32] {
            for y in [0.0, 1.0_f32] {
                let mut slope = [0.0];
                let value = loss.value_and_slopes(&[f64::from(z)], f64::from(y), &mut slope);
                let (kind, parameter) = (loss.kind(), loss.parameter() as f32);
                let found = f64::from(loss_value(kind, parameter, z, y));
                // The rounding of a residual, and a few units in the last place of the remainder.
                let allowed = |size: f64, r: f64| 2e-6 * size + 1e-7 * r * slope[0].abs();
                let r = f64::from(z.abs().max(y));
                let what = format!("{loss:?} at {z}, {y}");
                // For tiny values, `ln cosh` cancels in the reference itself.
                assert_close(found, value, allowed(value.abs(), r) + 1e-15, &what);
                let found = f64::from(loss_derivative(kind, parameter, z, y));
                assert_close(found, slope[0], allowed(slope[0].abs(), r) + 1e-7 * r.min(1.0), &what);
            }
        }
    }
    for outputs in [[0.1, -0.4, 0.3_f32], [90.0, -90.0, 0.0], [1e-3, 2e-3, 20.0], [-300.0, -310.0, -305.0]] {
        for class in 0..3 {
            let mut slopes = [0.0; 3];
            let exact: Vec<f64> = outputs.iter().map(|z| f64::from(*z)).collect();
            let value = Loss::Softmax.value_and_slopes(&exact, f64::from(class), &mut slopes);
            let mut found = outputs;
            let loss = softmax(&mut found, class as f32);
            assert_close(f64::from(loss), value, 2e-6 * value + 1e-37, &format!("{outputs:?}, {class}"));
            for (found, slope) in found.iter().zip(slopes) {
                assert_close(f64::from(*found), slope, 2e-6 * slope.abs() + 1e-16, &format!("{outputs:?}"));
            }
        }
    }
    assert!(loss_value(kind::SQUARED_HINGE, 0.0, f32::NAN, 1.0).is_nan());
    assert!(loss_derivative(kind::SQUARED_HINGE, 0.0, f32::NAN, 1.0).is_nan());
    // Overflow gives infinity, which halts the run.
    assert_eq!(loss_value(kind::POISSON, 0.0, 100.0, 1.0), f32::INFINITY);
}

/// Rows, features, and whether there are a bias, sample weights and folds.
type Size = (u32, u32, bool, bool, bool);

fn check_sizes(on: On, sizes: &[Size]) {
    for loss in LOSSES {
        for &(n, d, bias, weighted, folds) in sizes {
            let problem = problem(&loss, (n, d), bias, weighted, folds);
            let mut backend = engine(on, &problem, Options { loss: loss.kind(), ..Options::default() });
            let penalty = Penalty { strength: 0.1, l1_ratio: if weighted { 0.5 } else { 0.0 } };
            let objective = Objective { loss, penalty, fold: folds.then_some(1) };
            let what = format!("{on:?}, {n} x {d}, {objective:?}");
            check(&mut backend, &problem, &objective, &step(&problem, 0, n, 0), &what);
            if n > 7 && folds {
                let batch = step(&problem, 8, 50, SHUFFLED);
                check(&mut backend, &problem, &objective, &batch, &format!("{what}, shuffled"));
            }
        }
    }
}

#[test]
fn the_cpu_has_the_references_loss_and_gradient_at_awkward_sizes() {
    let mut sizes: Vec<Size> = Vec::new();
    for (n, d, bias) in
        [(1, 1, true), (7, 2, false), (257, 3, true), (255, 16, true), (65, 17, true), (1031, 100, false)]
    {
        sizes.extend([(n, d, bias, false, false), (n, d, bias, true, false), (n, d, bias, true, n > 1)]);
    }
    check_sizes(On::Cpu, &sizes);
}

#[test]
fn the_gpu_has_the_references_loss_and_gradient_at_awkward_sizes() {
    // Descending, tiled, wide: a software adapter takes longer to compile kernels than to run them.
    check_sizes(
        On::Gpu,
        &[(257, 3, true, true, true), (1031, 5, false, false, false), (65, 17, true, true, true)],
    );
}

#[test]
fn a_rate_that_would_not_diverge_is_as_much_higher_as_the_loss_is_flatter() {
    let task = task(&RunConfig::default());
    let rate = |loss: Loss| {
        let flatter = loss.needs().curvature.map_or(f64::NAN, |curvature| curvature / 2.0);
        let curvatures = [exact(&task).largest_eigenvalue, task.exact.as_ref().unwrap().steepest_row]
            .map(|of| flatter * of);
        suggested_rate(1e3, &Optimizer::Sgd, curvatures, 100, 100)
    };
    // `1 / curvature`, rounded down to one digit; curvatures are 2, 1, 1/2 and 1/4 times those of
    // the features.
    let exact = 1.0 / exact(&task).largest_eigenvalue;
    for (loss, flatter) in
        [(Loss::Squared, 1.0), (Loss::LogCosh, 2.0), (Loss::Softmax, 4.0), (Loss::Logistic, 8.0)]
    {
        let found = rate(loss) / (flatter * exact);
        assert!((0.5..=1.0).contains(&found), "{loss:?}: {found}");
    }
    for loss in [Loss::Absolute, Loss::Quantile { tau: 0.3 }, Loss::Poisson] {
        assert_eq!(rate(loss), 500.0, "{loss:?}");
    }
}

#[test]
fn validating_is_the_loss_of_the_fold_alone_without_the_penalty() {
    for on in EVERYWHERE {
        for loss in LOSSES {
            for d in [3, 40] {
                if on == On::Gpu && loss != Loss::Softmax {
                    continue;
                }
                let problem = problem(&loss, (300, d), true, true, true);
                let mut backend = engine(on, &problem, Options::default());
                let params = params(&problem, &loss);
                let penalty = Penalty { strength: 0.3, l1_ratio: 0.5 };
                let at = parameters(&problem);
                let exact: Vec<f64> = at.iter().map(|w| f64::from(*w)).collect();
                let settings = RunSettings::of(&problem, &penalty, Some(2));
                let mut state = State { settings: vec![settings], ..State::new(&at) };
                let planned = step(&problem, 0, 300, EVALUATE | VALIDATE);
                advance(&mut backend, &mut state, &params, &[planned]);
                let rows: Vec<u32> = (0..300).filter(|i| problem.folds[*i as usize] == 2).collect();
                let objective = Objective { loss, ..Objective::default() };
                let sum: f64 = rows.iter().map(|i| f64::from(problem.weights[*i as usize])).sum();
                let n = rows.len() as f64;
                let (mean, _) = objective.loss_and_gradient(&problem, &problem.layout, &exact, rows);
                let expected = mean * n / sum;
                let found = f64::from(state.reactions[0].evaluated_loss);
                assert_close(found, expected, RELATIVE * expected.abs(), &format!("{on:?}, {loss:?}, {d}"));
            }
        }
    }
}

#[test]
fn what_a_run_leaves_out_may_be_infinite() {
    for on in EVERYWHERE {
        let loss = Loss::Poisson;
        let mut problem = problem(&loss, (100, 3), true, false, true);
        let held_out = (0..100).find(|i| problem.folds[*i] == 1).unwrap();
        problem.features[held_out * 3..][..3].fill(1e30);
        let settings = RunSettings::of(&problem, &Penalty::default(), Some(1));
        let mut state = State { settings: vec![settings], ..State::new(&[1.0; 4]) };
        let mut backend = engine(on, &problem, Options::default());
        let planned = step(&problem, 0, 100, 0);
        let trace = advance(&mut backend, &mut state, &params(&problem, &loss), &[planned; 3]);
        assert_eq!(state.steps, [3], "{on:?}");
        assert!(trace.iter().flatten().all(|value| value.is_finite()), "{on:?}: {trace:?}");
    }
}
