//! Parallel runs: the folds of a cross-validation and the strengths of a path, compared with single
//! runs and scikit-learn.

use std::rc::Rc;

use downhill::choices::{Loss, Method, Optimizer, Penalty, Scaling, Source, Split};
use downhill::config::{RunConfig, Stop, ValidationConfig, choose_method};
use downhill::dataset::{Dataset, Extra, Input, Problem};
use downhill::message::Code;
use downhill::model::gradient::Objective;
use downhill::run_file;
use downhill::trainer::{Status, Task, Trainer};
use serde_json::Value;

use crate::support::{
    EVERYWHERE, On, assert_close, block_on, distance, exact, numbers, reference, shipped, trainer_of,
};

/// Two runs of the same steps in f32 whose sums have different orders.
const PARITY: f64 = 2e-5;

fn advance(run: &mut Trainer, n_steps: u64) {
    block_on(run.advance(n_steps)).unwrap();
}

/// The first rows of some columns of a table, with the target divided.
fn columns(table: &str, features: &[usize], n_rows: usize, divisor: f64) -> Vec<Vec<f64>> {
    let (columns, _) = shipped(table);
    let target = columns.len() - 1;
    let mut taken: Vec<Vec<f64>> =
        features.iter().chain([&target]).map(|j| columns[*j][..n_rows].to_vec()).collect();
    taken[features.len()].iter_mut().for_each(|y| *y /= divisor);
    taken
}

fn data(columns: Vec<Vec<f64>>, extras: Vec<Extra>) -> Dataset {
    let inputs = (0..columns.len() - 1 - extras.len()).map(|j| Input::number(&format!("x{j}"))).collect();
    Dataset::of_table(columns, inputs, "y").with_extras(extras)
}

fn config(loss: Loss) -> RunConfig {
    let mut config = RunConfig {
        loss,
        learning_rate: 0.1,
        optimizer: Optimizer::Momentum { momentum: 0.9 },
        stop: Stop { converged: false, ..Stop::default() },
        ..RunConfig::default()
    };
    config.data.source = Source::Table { name: "t".to_owned(), fingerprint: String::new() };
    config.model.standardize = Some(Scaling::Standardize);
    config
}

fn task(config: &RunConfig, data: Dataset) -> Task {
    Task::new(&config.check().unwrap(), Rc::new(data)).unwrap()
}

/// Six columns of diabetes that are not collinear.
const FEATURES: [usize; 6] = [0, 1, 2, 3, 8, 9];

fn diabetes(config: &RunConfig) -> Task {
    task(config, data(columns("diabetes", &FEATURES, 150, 77.0), Vec::new()))
}

/// The rows of a problem that `kept` selects, in order, as a problem of their own.
fn part(problem: &Problem, kept: impl Fn(usize) -> bool) -> Problem {
    let d = problem.n_features as usize;
    let rows: Vec<usize> = (0..problem.n_samples as usize).filter(|row| kept(*row)).collect();
    let of = |values: &[f32]| rows.iter().filter_map(|row| values.get(*row).copied()).collect::<Vec<f32>>();
    let mut weights = of(&problem.weights);
    let sum: f32 = weights.iter().sum();
    let scale = weights.len() as f32 / sum;
    weights.iter_mut().for_each(|weight| *weight *= scale);
    Problem {
        n_samples: rows.len() as u32,
        features: rows.iter().flat_map(|row| problem.features[row * d..][..d].to_vec()).collect(),
        targets: of(&problem.targets),
        weights,
        folds: Vec::new(),
        ..problem.clone()
    }
}

#[test]
fn each_fold_is_trained_as_if_alone_and_judged_by_what_it_leaves_out() {
    let penalty = Penalty { strength: 0.1, l1_ratio: 0.5 };
    for (loss, weighted) in
        [(Loss::Squared, false), (Loss::Squared, true), (Loss::Huber { delta: 0.5 }, true)]
    {
        let validation = ValidationConfig { folds: 3, ..ValidationConfig::default() };
        let config = RunConfig { validation, penalty, ..config(loss) };
        let mut columns = columns("diabetes", &FEATURES, 100, 77.0);
        let mut extras = Vec::new();
        if weighted {
            columns.push((0..100).map(|i| f64::from(i % 4)).collect());
            extras.push(Extra::Weight);
        }
        let whole = task(&config, data(columns, extras));
        for on in EVERYWHERE {
            let mut run = trainer_of(on, &config, whole.clone());
            advance(&mut run, 40);
            let checkpoint = run.checkpoint();
            assert_eq!(checkpoint.state.n_runs(), 4);
            for fold in 0..3 {
                let of_fold = |row: usize| usize::from(whole.problem.folds[row]) == fold;
                let trained = part(&whole.problem, |row| !of_fold(row));
                let alone_config = RunConfig { validation: ValidationConfig::default(), ..config.clone() };
                let alone = Task { problem: Rc::new(trained), ..whole.clone() };
                let mut alone = trainer_of(On::Cpu, &alone_config, alone);
                advance(&mut alone, 40);
                let found = checkpoint.state.parameters(1 + fold);
                let apart = distance(found, alone.parameters());
                assert!(apart < PARITY, "{on:?} {loss:?} {weighted} fold {fold}: {apart:e}");
                // By the formula in f64, without the penalty.
                let held_out = part(&whole.problem, of_fold);
                let at: Vec<f64> = found.iter().map(|w| f64::from(*w)).collect();
                let objective = Objective { loss, ..Objective::default() };
                let (expected, _) =
                    objective.loss_and_gradient(&held_out, &whole.layout, &at, 0..held_out.n_samples);
                let loss_of_fold = f64::from(run.fold_losses()[fold]);
                assert_close(loss_of_fold, expected, 1e-5 * expected, "the loss of what is left out");
            }
            // The shown run is trained on every row.
            let alone_config = RunConfig { validation: ValidationConfig::default(), ..config.clone() };
            let problem = Rc::new(Problem { folds: Vec::new(), ..(*whole.problem).clone() });
            let mut alone = trainer_of(on, &alone_config, Task { problem, ..whole.clone() });
            advance(&mut alone, 40);
            assert!(distance(run.parameters(), alone.parameters()) < PARITY);
        }
    }
}

#[test]
fn a_cross_validation_comes_to_what_scikit_learn_has() {
    for (table, loss, name) in
        [("diabetes", Loss::Squared, "squared"), ("breast_cancer", Loss::Logistic, "logistic")]
    {
        let expected = reference("runs")["folds"][name].clone();
        let folds = expected["n_folds"].as_u64().unwrap() as u32;
        let features: Vec<usize> = serde_json::from_value(expected["features"].clone()).unwrap();
        let divisor = expected["divisor"].as_f64().unwrap();
        // KFold assigns folds in row order.
        let validation = ValidationConfig { folds, split: Split::Last, ..ValidationConfig::default() };
        let penalty = Penalty { strength: expected["strength"].as_f64().unwrap(), l1_ratio: 0.0 };
        let config = RunConfig { validation, penalty, ..config(loss) };
        let rows = columns(table, &features, 150, divisor);
        let task = task(&config, data(rows, Vec::new()));
        for on in EVERYWHERE {
            let mut run = trainer_of(on, &config, task.clone());
            advance(&mut run, 300);
            let losses = numbers(&expected["losses"]);
            assert_eq!(run.fold_losses().len(), losses.len());
            for (found, expected) in run.fold_losses().iter().zip(&losses) {
                assert_close(f64::from(*found), *expected, 1e-4 * expected, &format!("{on:?} {name}"));
            }
        }
    }
}

fn path_config(case: &Value) -> RunConfig {
    // The run's own strength is different from those of the path.
    let penalty = Penalty { strength: 0.3, l1_ratio: case["l1_ratio"].as_f64().unwrap() };
    RunConfig { penalty, penalty_path: numbers(&case["strengths"]).len() as u32, ..config(Loss::Squared) }
}

/// Whether this run's path matches scikit-learn's.
fn assert_path(run: &Trainer, case: &Value, what: &str) {
    let path = run.path().unwrap();
    let n_features = FEATURES.len();
    for (i, strength) in numbers(&case["strengths"]).iter().enumerate() {
        // One ten-thousandth more, so that the largest strength is large enough in f32, too.
        assert_close(f64::from(path.strengths[i]), *strength, 1.01e-4 * strength, "a strength");
        let expected = numbers(&case["coefficients"][i]);
        let length = expected.iter().map(|w| w * w).sum::<f64>().sqrt();
        let found = &path.coefficients[i * n_features..][..n_features];
        for (found, expected) in found.iter().zip(&expected) {
            let what = format!("{what}, strength {strength}: {found} for {expected}");
            assert_close(f64::from(*found), *expected, 1e-3 * length, &what);
            assert_eq!(*found == 0.0, *expected == 0.0, "{what}");
        }
        let expected = case["losses"][i].as_f64().unwrap();
        assert_close(f64::from(path.loss[i]), expected, 1e-4 * expected, "a loss without the penalty");
    }
    assert!(path.validation.is_empty());
}

#[test]
fn a_path_comes_to_the_coefficients_of_scikit_learn() {
    for case in reference("runs")["paths"].as_array().unwrap() {
        let config = path_config(case);
        let task = diabetes(&config);
        for on in EVERYWHERE {
            let mut run = trainer_of(on, &config, task.clone());
            advance(&mut run, 400);
            assert_path(&run, case, &format!("{on:?}"));
        }
    }
}

#[test]
fn another_penalty_in_mid_run_moves_what_is_headed_for_and_begins_nothing_anew() {
    let reference = reference("runs");
    let [lasso, .., ridge] = &reference["paths"].as_array().unwrap()[..] else { panic!("two paths") };
    let config = path_config(ridge);
    let task = diabetes(&config);
    for on in EVERYWHERE {
        let mut run = trainer_of(on, &config, task.clone());
        advance(&mut run, 100);
        let (parameters, before) = (run.parameters().to_vec(), exact(run.task()).clone());
        let next = path_config(lasso);
        assert!(!run.restarts(&next));
        run.change(next.check().unwrap());
        assert_eq!((run.step(), run.parameters()), (100, parameters.as_slice()));
        assert_eq!(run.marks(), [], "the strength is the same");
        assert_ne!(exact(run.task()).original, before.original);
        advance(&mut run, 400);
        assert!(run.distance().unwrap() < 1e-4, "{:?}", run.distance());
        assert_close(run.measured().loss, exact(run.task()).loss, 1e-5, "the objective");
        // The strengths are now those of the lasso.
        assert_path(&run, lasso, &format!("{on:?}"));
        let none = RunConfig { penalty: Penalty::default(), ..next };
        run.change(none.check().unwrap());
        advance(&mut run, 400);
        assert_eq!(run.marks()[0].message.code, Code::MarkPenalty);
        assert!(run.distance().unwrap() < 1e-4, "{:?}", run.distance());
    }
}

/// A penalty is added to a single plain run and removed again.
#[test]
fn a_penalty_comes_and_goes_in_mid_run() {
    let plain = config(Loss::Squared);
    let task = diabetes(&plain);
    for on in EVERYWHERE {
        let stop = Stop { converged: true, ..Stop::default() };
        let mut run = trainer_of(on, &RunConfig { stop: stop.clone(), ..plain.clone() }, task.clone());
        // A slightly larger penalty works as well, and a penalty that removes all weights at once
        // is no divergence.
        for strength in [0.0, 0.3, 0.31, 1e6, 0.0] {
            let penalty = Penalty { strength, l1_ratio: 1.0 };
            let next = RunConfig { penalty, stop: stop.clone(), ..plain.clone() };
            run.change(next.check().unwrap());
            assert_eq!(*run.status(), Status::Ready, "what has converged goes on under another penalty");
            for _ in 0..60 {
                advance(&mut run, 20);
            }
            let Status::Finished(reason) = run.status() else { panic!("{:?}", run.status()) };
            assert_eq!(reason.code, Code::Converged, "{on:?} {strength}");
            assert!(run.distance().unwrap() < 1e-4, "{on:?} {strength}: {:?}", run.distance());
            let zeros = run.parameters().iter().filter(|w| **w == 0.0).count();
            let expected = exact(run.task()).parameters.iter().filter(|w| **w == 0.0).count();
            assert_eq!((zeros, expected > 0), (expected, strength > 0.0));
        }
    }
}

/// The displayed values stay as measured until the next measurement.
#[test]
fn the_share_explained_does_not_depend_on_a_penalty_that_was_not_measured_yet() {
    let validation = ValidationConfig { fraction: 0.3, ..ValidationConfig::default() };
    let config = RunConfig { validation, ..config(Loss::Squared) };
    let mut run = trainer_of(On::Cpu, &config, diabetes(&config));
    advance(&mut run, 50);
    let before = (run.r2(), run.validation_r2());
    let penalty = Penalty { strength: 0.5, l1_ratio: 0.0 };
    run.change(RunConfig { penalty, ..config }.check().unwrap());
    assert_eq!((run.r2(), run.validation_r2()), before);
    block_on(run.measure()).unwrap();
    // For the same weights the penalty changes only the objective, whose sum is rounded to f32.
    assert_close(run.r2().unwrap(), before.0.unwrap(), 1e-6, "R2");
    assert_close(run.validation_r2().unwrap(), before.1.unwrap(), 1e-6, "R2 of the rows held out");
}

/// One fold has a row that only its own run tolerates.
fn unbearable(config: &RunConfig) -> Task {
    let x: Vec<f64> = (0..30).map(|i| if i == 29 { 60.0 } else { f64::from(i) / 15.0 - 1.0 }).collect();
    let y = x.iter().map(|x| 3.0 * x + 1.0).collect();
    task(config, data(vec![x, y], Vec::new()))
}

#[test]
fn a_run_beside_that_diverges_stops_nothing_but_itself() {
    // The largest strengths of a path are limited to what the rate allows; a rate raised later
    // exceeds that.
    let mut config = config(Loss::Squared);
    config.optimizer = Optimizer::Sgd;
    config.penalty = Penalty { strength: 0.0, l1_ratio: 0.0 };
    config.penalty_path = 4;
    config.learning_rate = 0.01;
    let task = diabetes(&config);
    for on in EVERYWHERE {
        let mut run = trainer_of(on, &config, task.clone());
        assert_close(f64::from(run.path().unwrap().strengths[0]), 50.0, 1e-3, "the greatest strength");
        run.change(RunConfig { learning_rate: 0.2, ..config.clone() }.check().unwrap());
        advance(&mut run, 300);
        assert_eq!(*run.status(), Status::Ready, "{on:?}");
        assert!(run.distance().unwrap() < 1e-4, "{:?}", run.distance());
        let checkpoint = run.checkpoint();
        let halted: Vec<bool> =
            checkpoint.state.reactions.iter().map(|reaction| reaction.halt != 0).collect();
        // 0.2 (5 + 50) is far more than 2, and 0.2 (5 + 2.3) is not.
        assert_eq!(halted, [false, true, false, false, false], "{on:?}");
        assert!(checkpoint.state.values.iter().all(|value| value.is_finite()));
        assert_eq!(checkpoint.state.steps[0], 300);
        // After a restart, this rate suits the whole path.
        block_on(run.reset()).unwrap();
        advance(&mut run, 50);
        assert!(run.checkpoint().state.reactions.iter().all(|reaction| reaction.halt == 0));
    }
    // The same for a cross-validation: the shown run has the row, and so do all folds but one.
    let mut config = RunConfig {
        validation: ValidationConfig { folds: 3, split: Split::Last, ..ValidationConfig::default() },
        ..config
    };
    config.penalty_path = 0;
    config.model.standardize = Some(Scaling::None);
    config.learning_rate = 0.012;
    let mut run = trainer_of(On::Cpu, &config, unbearable(&config));
    // 2 60^2 / 20 is 360, and 2 60^2 / 30 is 240; both exceed 2 over the rate, 166.
    advance(&mut run, 50);
    assert!(matches!(run.status(), Status::Diverged { .. }), "{:?}", run.status());
    run.change(RunConfig { learning_rate: 0.007, ..config }.check().unwrap());
    run.resume();
    // Now all rows are tolerated, but not by runs with a third less of them.
    advance(&mut run, 50);
    assert_eq!(*run.status(), Status::Ready);
    let checkpoint = run.checkpoint();
    let halted: Vec<bool> = checkpoint.state.reactions.iter().map(|reaction| reaction.halt != 0).collect();
    assert_eq!(halted, [false, true, true, false]);
    assert_eq!(run.fold_losses().len(), 3);
    // Continuing at a rate that every run tolerates restores every run.
    let slower = RunConfig { learning_rate: 0.003, ..run.plan().config().clone() };
    run.change(slower.check().unwrap());
    run.resume();
    advance(&mut run, 50);
    assert!(run.checkpoint().state.reactions.iter().all(|reaction| reaction.halt == 0));
}

#[test]
fn it_has_converged_where_all_runs_have() {
    // The shown run starts at its optimum of 0, because the penalty removes all weights. The runs
    // of the path are still moving.
    let mut config = config(Loss::Squared);
    config.model.bias = false;
    config.penalty = Penalty { strength: 1e3, l1_ratio: 1.0 };
    config.stop = Stop::default();
    let until_finished = |config: &RunConfig| {
        let mut run = trainer_of(On::Cpu, config, diabetes(config));
        while *run.status() == Status::Ready {
            advance(&mut run, 5);
        }
        let Status::Finished(reason) = run.status() else { panic!("{:?}", run.status()) };
        assert_eq!(reason.code, Code::Converged, "{reason}");
        run
    };
    let alone = until_finished(&config);
    assert!(alone.step() <= 15, "{}", alone.step());
    config.penalty_path = 5;
    let beside = until_finished(&config);
    assert!(beside.step() > 100, "{}", beside.step());
    let path = beside.path().unwrap();
    // Least squares of these rows, which the smallest strength approximates.
    let least = exact(&diabetes(&RunConfig { penalty: Penalty::default(), ..config })).loss;
    assert_close(f64::from(path.loss[4]), least, 1e-4 * least, "the loss of the least strength");
}

fn full_house() -> RunConfig {
    let validation =
        ValidationConfig { folds: 3, fraction: 0.2, test_fraction: 0.1, ..ValidationConfig::default() };
    let penalty = Penalty { strength: 0.1, l1_ratio: 0.5 };
    let mini = RunConfig { validation, penalty, penalty_path: 3, batch_size: 16, ..config(Loss::Squared) };
    let mut config = choose_method(&mini, Method::MiniBatch);
    config.learning_rate = 0.02;
    config
}

#[test]
fn a_run_with_others_beside_goes_on_from_where_it_was_kept() {
    let config = full_house();
    let task = diabetes(&config);
    assert_eq!(task.problem.n_samples, 105);
    for on in EVERYWHERE {
        let mut run = trainer_of(on, &config, task.clone());
        assert_eq!(run.steps_to_epoch_end(), 7);
        advance(&mut run, 10);
        assert_eq!((run.place().epoch, run.place().position, run.step()), (1, 48, 10));
        assert_eq!(run.fold_losses().len(), 3);
        let path = run.path().unwrap();
        assert_eq!((path.strengths.len(), path.loss.len(), path.validation.len()), (3, 3, 3));
        // A checkpoint contains all runs, and the run that continues from it matches to the bit.
        let checkpoint = run.checkpoint();
        let mut other = trainer_of(on, &config, task.clone());
        block_on(other.restore(checkpoint.clone())).unwrap();
        assert_eq!(other.checkpoint().state.values, checkpoint.state.values);
        advance(&mut run, 13);
        advance(&mut other, 13);
        assert_eq!(run.checkpoint().state.values, other.checkpoint().state.values);
        assert_eq!(run.fold_losses(), other.fold_losses());
        // A file contains the shown run; the others start from its weights.
        let imported = run_file::read(run_file::write(&run).unwrap().as_bytes()).unwrap();
        let mut back = trainer_of(on, imported.plan.config(), task.clone());
        block_on(back.restore(imported.checkpoint)).unwrap();
        let state = back.checkpoint().state;
        for beside in 0..state.n_runs() {
            assert_eq!(state.parameters(beside), run.parameters());
        }
        advance(&mut run, 20);
        advance(&mut back, 20);
        assert_eq!(back.parameters(), run.parameters());
        let state = back.checkpoint().state;
        assert_eq!(state.n_runs(), 7);
        for beside in 1..state.n_runs() {
            assert_ne!(state.parameters(beside), run.parameters());
        }
        // After a restart it is the original run again.
        block_on(run.reset()).unwrap();
        assert_eq!((run.step(), run.checkpoint().state.n_runs()), (0, 7));
        advance(&mut run, 10);
        assert_eq!(run.checkpoint().state.values, checkpoint.state.values);
    }
}

/// Another rule does not use the moments of the rule before, in any run.
#[test]
fn another_optimizer_begins_with_no_moments_in_every_run() {
    let config = RunConfig { penalty: Penalty { strength: 0.1, l1_ratio: 0.0 }, ..full_house() };
    let mut run = trainer_of(On::Cpu, &config, diabetes(&config));
    advance(&mut run, 14);
    let before = run.checkpoint().state;
    run.change(RunConfig { optimizer: Optimizer::Sgd, ..config.clone() }.check().unwrap());
    let adam = Optimizer::Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };
    run.change(RunConfig { optimizer: adam, ..config }.check().unwrap());
    advance(&mut run, 1);
    let after = run.checkpoint().state;
    for beside in 0..after.n_runs() {
        // Adam's first update equals the rate, whatever the gradient.
        for (before, after) in before.parameters(beside).iter().zip(after.parameters(beside)) {
            assert!((before - after).abs() < 0.0201, "run {beside}: from {before} to {after}");
        }
    }
}
