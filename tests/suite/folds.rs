//! Many runs in one call: the folds of a cross-validation, and the strengths of a penalty.

use std::rc::Rc;

use downhill::backend::State;
use downhill::backend::gpu::Options;
use downhill::backend::kernel::{FULL, RunSettings, SHUFFLED, StepParams, slot};
use downhill::choices::{Loss, Penalty};
use downhill::dataset::Problem;

use crate::losses::{engine, parameters, params, problem};
use crate::support::{EVERYWHERE, Rows, block_on, distance};

/// Relative to the weights' norm: leaving out rows changes only the order of f32 sums.
const WEIGHTS: f64 = 1e-5;

fn steps(n: u32, batch: u32, flags: u32, learning_rate: f32) -> Vec<StepParams> {
    let step = |t: u32| StepParams {
        learning_rate,
        correction1: 1.0,
        correction2: 1.0,
        epoch: t,
        batch_len: batch,
        flags: flags | if batch == n { FULL } else { 0 },
        n_tiles: 1,
        ..StepParams::default()
    };
    (0..30).map(step).collect()
}

/// The rows outside a fold, as a problem of their own, with weights of mean 1.
fn without(problem: &Rows, fold: u8) -> Rows {
    let d = problem.n_features as usize;
    let rows: Vec<usize> = (0..problem.targets.len()).filter(|i| problem.folds[*i] != fold).collect();
    let sum: f32 = rows.iter().map(|i| problem.weights[*i]).sum();
    let own = Problem {
        n_samples: rows.len() as u32,
        features: rows.iter().flat_map(|i| problem.features[i * d..][..d].to_vec()).collect(),
        targets: rows.iter().map(|i| problem.targets[*i]).collect(),
        weights: rows.iter().map(|i| problem.weights[*i] * rows.len() as f32 / sum).collect(),
        folds: Vec::new(),
        ..Problem::clone(problem)
    };
    Rows { problem: Rc::new(own), layout: problem.layout.clone() }
}

#[test]
fn a_run_that_leaves_a_fold_out_is_one_on_the_other_rows() {
    for on in EVERYWHERE {
        for loss in [Loss::Squared, Loss::Logistic, Loss::Softmax] {
            let problem = problem(&loss, (90, 3), true, true, true);
            let initial = parameters(&problem);
            let penalty = Penalty { strength: 0.05, l1_ratio: 0.5 };
            let settings = (0..3).map(|fold| RunSettings::of(&problem, &penalty, Some(fold))).collect();
            let mut together = State::with_settings(&initial, settings);
            let options = Options { n_runs: 3, loss: loss.kind(), ..Options::default() };
            let mut backend = engine(on, &problem, options);
            let mut trace = Vec::new();
            let planned = steps(90, 90, 0, 0.05);
            block_on(backend.advance(&mut together, &params(&problem, &loss), &planned, &mut trace)).unwrap();
            for fold in 0..3 {
                let own = without(&problem, fold);
                let settings = vec![RunSettings::of(&own, &penalty, None)];
                let mut alone = State::with_settings(&initial, settings);
                let mut backend = engine(on, &own, Options { loss: loss.kind(), ..Options::default() });
                let planned = steps(own.n_samples, own.n_samples, 0, 0.05);
                let mut lone = Vec::new();
                block_on(backend.advance(&mut alone, &params(&own, &loss), &planned, &mut lone)).unwrap();
                let run = usize::from(fold);
                let apart = distance(together.parameters(run), alone.parameters(0));
                assert!(apart <= WEIGHTS, "{on:?}, {loss:?}, fold {fold}: {apart:e}");
                let losses = trace[run * 30..][..30].iter().zip(&lone);
                for ([found, _], [expected, _]) in losses {
                    assert!((found - expected).abs() <= 1e-5 * expected.abs(), "{found}, {expected}");
                }
            }
        }
    }
}

#[test]
fn strengths_beside_each_other_are_the_strengths_alone() {
    for on in EVERYWHERE {
        // Descends, with one workgroup per tile.
        for (n, batch, flags) in [(90, 40, SHUFFLED), (1500, 1500, 0)] {
            let loss = Loss::Huber { delta: 0.5 };
            let problem = problem(&loss, (n, 5), true, false, false);
            let initial = parameters(&problem);
            let settings: Vec<RunSettings> = [0.0, 0.03, 0.3, 3.0]
                .map(|strength| RunSettings::of(&problem, &Penalty { strength, l1_ratio: 1.0 }, None))
                .to_vec();
            let planned = steps(n, batch, flags, 0.1);
            let advance = |settings: Vec<RunSettings>| {
                let options = Options { n_runs: settings.len(), loss: loss.kind(), ..Options::default() };
                let mut backend = engine(on, &problem, options);
                let mut state = State::with_settings(&initial, settings);
                let params = params(&problem, &loss);
                block_on(backend.advance(&mut state, &params, &planned, &mut Vec::new())).unwrap();
                state
            };
            let together = advance(settings.clone());
            for (run, settings) in settings.into_iter().enumerate() {
                let penalized = settings.penalizes();
                let alone = advance(vec![settings]);
                for slot in 0..slot::COUNT {
                    assert_eq!(together.slot(run, slot), alone.slot(0, slot), "{on:?}, {n}, run {run}");
                }
                let n_zeros = together.parameters(run).iter().filter(|w| **w == 0.0).count();
                assert!(penalized || n_zeros == 0, "{on:?}: {n_zeros}");
            }
            // The strongest penalty leaves only the bias.
            assert_eq!(together.parameters(3)[..5], [0.0; 5], "{on:?}");
        }
    }
}
