//! Held-out rows: which they are, that they do not influence training, and that they stop a run in
//! time.

use std::rc::Rc;

use downhill::choices::Split;
use downhill::config::{RunConfig, Stop, ValidationConfig};
use downhill::dataset::{Dataset, Role, Roles};
use downhill::message::Code;
use downhill::model::gradient::loss_and_gradient;
use downhill::trainer::{Status, Task, Trainer};

use crate::support::{EVERYWHERE, On, assert_close, block_on, exact, task, task_of, trainer};

fn share(fraction: f64, split: Split, seed: u32) -> ValidationConfig {
    ValidationConfig { fraction, split, seed, ..ValidationConfig::default() }
}

fn held_out(roles: &Roles, n: usize) -> Vec<usize> {
    (0..n).filter(|row| roles.role(*row) == Role::Validation).collect()
}

/// scikit-learn 1.7: `train_test_split(range(n), test_size=f)` holds out `ceil(f n)` rows.
#[test]
fn as_many_rows_are_held_out_as_scikit_learn_holds_out() {
    for (n, fraction, expected) in
        [(10, 0.25, 3), (100, 0.2, 20), (101, 0.2, 21), (7, 0.5, 4), (1000, 0.001, 1)]
    {
        for split in [Split::Random, Split::Last] {
            let roles = Roles::new(&share(fraction, split, 3), n);
            assert_eq!((roles.n_validation(), roles.n_training()), (expected, n - expected));
            assert_eq!(held_out(&roles, n as usize).len(), expected as usize);
        }
    }
    // Two rows always remain for training, and none is held out unless requested.
    assert_eq!(Roles::new(&share(0.9, Split::Random, 1), 3).n_training(), 2);
    assert_eq!(Roles::new(&share(0.0, Split::Random, 1), 3).n_validation(), 0);
}

#[test]
fn a_seed_gives_one_split_and_another_seed_another() {
    let rows = |seed: u32| held_out(&Roles::new(&share(0.3, Split::Random, seed), 200), 200);
    assert_eq!(rows(5), rows(5));
    assert_ne!(rows(5), rows(6));
    // Not all on one side: of 60 among 200, each half has 30 on average, and five standard
    // deviations are 18.
    let first_half = rows(5).iter().filter(|row| **row < 100).count();
    assert!((12..=48).contains(&first_half), "{first_half}");
    let last = Roles::new(&share(0.3, Split::Last, 5), 200);
    assert_eq!(held_out(&last, 200), (140..200).collect::<Vec<_>>());
}

fn config(split: Split) -> RunConfig {
    let mut config = RunConfig { validation: share(0.3, split, 2), ..RunConfig::default() };
    config.model.degree = 3;
    config.model.standardize = Some(downhill::choices::Scaling::Standardize);
    config
}

/// Scale, problem, least squares and everything else are the same as without the held-out rows.
#[test]
fn nothing_of_the_rows_held_out_is_trained_on() {
    for split in [Split::Random, Split::Last] {
        let config = config(split);
        let whole = task(&RunConfig { validation: ValidationConfig::default(), ..config.clone() });
        let (x, y) = whole.dataset.columns();
        // More than one block of rows, so that blocks meet in the middle.
        let (x, y): (Vec<f64>, Vec<f64>) =
            (0..13).flat_map(|k| x.iter().zip(&y).map(move |(x, y)| (x + 0.01 * f64::from(k), *y))).unzip();
        let made = task_of(&config, x.clone(), y.clone());
        let roles = Roles::new(&config.validation, x.len() as u32);
        let of = |kept: bool| -> (Vec<f64>, Vec<f64>) {
            let rows = (0..x.len()).filter(|row| (roles.role(*row) == Role::Training) == kept);
            rows.map(|row| (x[row], y[row])).unzip()
        };
        let (train_x, train_y) = of(true);
        let alone = task_of(
            &RunConfig { validation: ValidationConfig::default(), ..config.clone() },
            train_x,
            train_y,
        );
        assert_eq!(made.map, alone.map);
        assert_eq!(made.problem, alone.problem);
        // Other blocks are folded, so the last digits differ.
        for (found, expected) in exact(&made).original.iter().zip(&exact(&alone).original) {
            assert_close(*found, *expected, 1e-11, "a coefficient of least squares");
        }
        assert_close(exact(&made).loss, exact(&alone).loss, 1e-12, "the least loss");
        assert_eq!(made.exact.as_ref().unwrap().steepest_row, alone.exact.as_ref().unwrap().steepest_row);
        assert_eq!(made.dataset.target_variance(), alone.dataset.target_variance());
        let (out_x, out_y) = of(false);
        let plan = config.check().unwrap();
        let out = Dataset::of_columns(out_x, out_y, "x", "y");
        let expected = Task::with_map(
            &RunConfig { validation: ValidationConfig::default(), ..plan.config().clone() }.check().unwrap(),
            Rc::new(out),
            made.map.clone(),
        );
        let expected = expected.unwrap();
        let (problem, variance) = made.validation.unwrap();
        assert_eq!(problem, expected.problem);
        let expected = expected.dataset.target_variance();
        assert_close(variance, expected, 1e-6 * expected, "the variance of the targets held out");
    }
}

#[test]
fn the_validation_loss_is_that_of_the_weights_shown() {
    for on in EVERYWHERE {
        let mut run = trainer(on, &config(Split::Random));
        for _ in 0..5 {
            block_on(run.advance(7)).unwrap();
            let (problem, variance) = run.task().validation.clone().unwrap();
            let parameters: Vec<f64> = run.parameters().iter().map(|w| f64::from(*w)).collect();
            let (expected, _) =
                loss_and_gradient(&problem, &run.task().layout, &parameters, 0..problem.n_samples);
            let found = run.validation_loss().unwrap();
            assert_close(found, expected, 1e-5 * expected, "the validation loss");
            let r2 = run.validation_r2().unwrap();
            assert_close(r2, 1.0 - expected / variance, 1e-5, "R2 of the rows held out");
        }
    }
    let mut plain = trainer(On::Cpu, &RunConfig::default());
    block_on(plain.advance(3)).unwrap();
    assert_eq!((plain.validation_loss(), plain.validates()), (None, false));
}

/// Few rows, much noise, a high degree: eventually descent fits the noise.
fn overfitting(patience: Option<u64>) -> RunConfig {
    let mut config = config(Split::Random);
    config.data.source = downhill::choices::Source::Linspace {
        start: -1.0,
        stop: 1.0,
        n_samples: 24,
        slope: 2.0,
        intercept: 1.0,
        noise: 1.0,
        seed: 4,
    };
    config.model.degree = 12;
    config.learning_rate = 0.1;
    config.optimizer = downhill::choices::Optimizer::Momentum { momentum: 0.9 };
    config.stop = Stop { patience, converged: false, ..Stop::default() };
    config
}

#[test]
fn a_run_ends_where_patience_does_and_the_best_weights_come_back() {
    let mut ends = Vec::new();
    for on in EVERYWHERE {
        let mut run = trainer(on, &overfitting(Some(150)));
        block_on(run.advance(100_000)).unwrap();
        let Status::Finished(reason) = run.status().clone() else {
            panic!("{:?} at {}", run.status(), run.step())
        };
        assert_eq!(reason.code, Code::StoppedEarly, "{reason}");
        let best = run.best().unwrap().clone();
        assert_eq!(reason.params["step"], best.step.to_string());
        assert_close(
            run.validation_loss().unwrap(),
            best.loss,
            1e-6 * best.loss,
            "the loss of the weights shown",
        );
        // No weights at a measurement before or after are better, and the patience was respected.
        let late = run.step() - best.step;
        assert!((150..160).contains(&late), "{late} epochs after the best");
        ends.push((run.step(), best.step));

        let mut again = trainer(on, &overfitting(None));
        let advance = |run: &mut Trainer, n: u64| block_on(run.advance(n)).unwrap();
        advance(&mut again, best.step);
        assert_eq!(again.parameters(), run.parameters(), "the weights of step {}", best.step);
        for _ in 0..late / 10 {
            advance(&mut again, 10);
            assert!(again.validation_loss().unwrap() > best.loss, "better at {}", again.step());
        }
        // Continuing gives the same patience again.
        run.resume();
        let before = run.step();
        block_on(run.advance(100)).unwrap();
        assert_eq!((run.step(), run.status()), (before + 100, &Status::Ready));
    }
    assert_eq!(ends[0], ends[1], "on every backend at the same step");
}

#[test]
fn where_it_is_looked_does_not_depend_on_how_often_is_asked() {
    let mut at_once = trainer(On::Cpu, &overfitting(Some(150)));
    block_on(at_once.advance(100_000)).unwrap();
    let mut bit_by_bit = trainer(On::Cpu, &overfitting(Some(150)));
    while *bit_by_bit.status() == Status::Ready {
        block_on(bit_by_bit.advance_unmeasured(13)).unwrap();
    }
    assert_eq!(at_once.step(), bit_by_bit.step());
    assert_eq!(at_once.best(), bit_by_bit.best());
    assert_eq!(at_once.parameters(), bit_by_bit.parameters());
}

#[test]
fn patience_without_rows_to_look_at_is_refused() {
    let config = RunConfig { stop: Stop { patience: Some(5), ..Stop::default() }, ..RunConfig::default() };
    let error = config.check().unwrap_err();
    assert_eq!((error.code, error.params["field"].as_str()), (Code::PatienceAlone, "stop.patience"));
    let much = RunConfig { validation: share(0.95, Split::Random, 1), ..RunConfig::default() };
    assert_eq!(much.check().unwrap_err().params["field"], "validation.fraction");
}
