//! Roles of rows by class, group and order: as many of each as in scikit-learn, and held-out rows
//! do not influence training.

use std::rc::Rc;

use downhill::choices::{Scaling, Source, Split};
use downhill::config::{RunConfig, ValidationConfig};
use downhill::dataset::{Dataset, Extra, Input, Role, Roles};
use downhill::message::Code;
use downhill::trainer::Task;
use serde_json::Value;

use crate::support::{EVERYWHERE, block_on, exact, numbers, reference, trainer_of};

/// Rows that have only a key: the class as their target, or a group or an order.
fn keyed(keys: &[f64], extra: Option<Extra>) -> Dataset {
    let x: Vec<f64> = (0..keys.len()).map(|i| i as f64).collect();
    let inputs = vec![Input::number("x")];
    match extra {
        None => Dataset::of_table(vec![x, keys.to_vec()], inputs, "class"),
        Some(extra) => {
            let y: Vec<f64> = x.iter().map(|x| (7.0 * x).sin()).collect();
            Dataset::of_table(vec![x, y, keys.to_vec()], inputs, "y").with_extras(vec![extra])
        }
    }
}

fn by(split: Split, fraction: f64, test_fraction: f64, folds: u32) -> ValidationConfig {
    ValidationConfig { fraction, test_fraction, folds, split, seed: 4 }
}

/// Training, validation and test rows of each key.
fn counts(roles: &Roles, keys: &[f64]) -> Vec<Vec<u64>> {
    let n_keys = keys.iter().fold(0.0_f64, |most, key| most.max(*key)) as usize + 1;
    let mut counts = vec![vec![0; n_keys]; 3];
    for (row, key) in keys.iter().enumerate() {
        counts[roles.role(row) as usize][*key as usize] += 1;
    }
    counts
}

/// Rows of each key in each fold.
fn counts_of_folds(roles: &Roles, keys: &[f64], n_folds: usize) -> Vec<Vec<u64>> {
    let n_keys = keys.iter().fold(0.0_f64, |most, key| most.max(*key)) as usize + 1;
    let mut counts = vec![vec![0; n_keys]; n_folds];
    let training = keys.iter().enumerate().filter(|(row, _)| roles.role(*row) == Role::Training);
    for ((_, key), fold) in training.zip(roles.folds()) {
        counts[usize::from(*fold)][*key as usize] += 1;
    }
    counts
}

fn expected(counts: &Value) -> Vec<Vec<u64>> {
    serde_json::from_value(counts.clone()).unwrap()
}

#[test]
fn every_part_has_as_many_of_each_class_as_scikit_learn_gives_it() {
    for case in reference("runs")["splits"]["stratified"].as_array().unwrap() {
        let keys = numbers(&case["of"]);
        let [fraction, test_fraction] =
            ["fraction", "test_fraction"].map(|name| case[name].as_f64().unwrap());
        let validation = by(Split::Stratified, fraction, test_fraction, 0);
        let roles = Roles::of(&validation, &keyed(&keys, None)).unwrap();
        assert_eq!(counts(&roles, &keys), expected(&case["counts"]), "{fraction} {test_fraction}");
        let other = ValidationConfig { seed: 5, ..validation };
        let other = Roles::of(&other, &keyed(&keys, None)).unwrap();
        assert_ne!(roles, other, "another seed, other rows");
        assert_eq!(counts(&other, &keys), expected(&case["counts"]));
    }
}

#[test]
fn groups_stay_together_and_as_many_are_held_out_as_scikit_learn_holds_out() {
    for case in reference("runs")["splits"]["group"].as_array().unwrap() {
        let keys = numbers(&case["of"]);
        let validation = by(Split::Group, case["fraction"].as_f64().unwrap(), 0.2, 0);
        let alone = ValidationConfig { test_fraction: 0.0, ..validation };
        let roles = Roles::of(&alone, &keyed(&keys, Some(Extra::Group))).unwrap();
        let n_groups = |roles: &Roles| -> Vec<u64> {
            let counts = counts(roles, &keys);
            counts.iter().map(|of| of.iter().filter(|n| **n > 0).count() as u64).collect()
        };
        let expected: Vec<u64> = serde_json::from_value(case["n_groups"].clone()).unwrap();
        assert_eq!(n_groups(&roles)[..2], expected);
        // No group is split between validation, test and training.
        for seed in 0..20 {
            let validation = ValidationConfig { seed, folds: 3, ..validation };
            let roles = Roles::of(&validation, &keyed(&keys, Some(Extra::Group))).unwrap();
            let all = n_groups(&roles);
            assert_eq!(all.iter().sum::<u64>(), expected.iter().sum::<u64>(), "{all:?}");
            let folds = counts_of_folds(&roles, &keys, 3);
            for group in 0..folds[0].len() {
                assert!(folds.iter().filter(|fold| fold[group] > 0).count() <= 1, "group {group}");
            }
            assert_eq!(counts(&roles, &keys)[0].iter().sum::<u64>(), u64::from(roles.n_training()));
        }
    }
}

#[test]
fn parts_of_a_cross_validation_are_as_large_as_those_of_scikit_learn() {
    let splits = reference("runs")["splits"].clone();
    for case in splits["k_fold"].as_array().unwrap() {
        let [n, n_folds] = ["n", "n_folds"].map(|name| case[name].as_u64().unwrap());
        for split in [Split::Random, Split::Last] {
            let roles = Roles::new(&by(split, 0.0, 0.0, n_folds as u32), n as u32);
            let sizes: Vec<u64> = counts_of_folds(&roles, &vec![0.0; n as usize], n_folds as usize)
                .into_iter()
                .map(|of| of[0])
                .collect();
            assert_eq!(sizes, serde_json::from_value::<Vec<u64>>(case["sizes"].clone()).unwrap());
            assert_eq!(roles.folds().is_sorted(), split == Split::Last);
        }
    }
    for (name, split, extra) in
        [("stratified_k_fold", Split::Stratified, None), ("group_k_fold", Split::Group, Some(Extra::Group))]
    {
        for case in splits[name].as_array().unwrap() {
            let (keys, n_folds) = (numbers(&case["of"]), case["n_folds"].as_u64().unwrap());
            let validation = by(split, 0.0, 0.0, n_folds as u32);
            let roles = Roles::of(&validation, &keyed(&keys, extra)).unwrap();
            let (mut found, mut expected) =
                (counts_of_folds(&roles, &keys, n_folds as usize), expected(&case["counts"]));
            if split == Split::Group {
                // Either of two groups of equal size may come first, so only the rows of each fold
                // are compared.
                for counts in [&mut found, &mut expected] {
                    counts.iter_mut().for_each(|of| *of = vec![of.iter().sum()]);
                }
            }
            assert_eq!(found, expected, "{name}");
        }
    }
}

#[test]
fn in_the_order_of_a_column_the_future_is_held_out() {
    // Every row once, each moved: 37 and 101 have no common divisor.
    let order: Vec<f64> = (0..101).map(|i| f64::from(i * 37 % 101)).collect();
    let roles = Roles::of(&by(Split::Last, 0.2, 0.1, 4), &keyed(&order, Some(Extra::Order))).unwrap();
    let role = |time: f64| match time as u32 {
        ..69 => Role::Training,
        69..90 => Role::Validation,
        _ => Role::Test,
    };
    for (row, time) in order.iter().enumerate() {
        assert_eq!(roles.role(row), role(*time), "at {time}");
    }
    // Folds are stretches of time: 18, 17, 17 and 17 rows.
    let training = order.iter().filter(|time| role(**time) == Role::Training);
    for (time, fold) in training.zip(roles.folds()) {
        assert_eq!(usize::from(*fold), [18.0, 35.0, 52.0].iter().filter(|end| time >= *end).count());
    }
    // Rows with the same time stay in table order.
    let still = Roles::of(&by(Split::Last, 0.3, 0.0, 0), &keyed(&[1.0; 10], Some(Extra::Order))).unwrap();
    assert!((0..10).all(|row| (still.role(row) == Role::Validation) == (row >= 7)));
}

fn table(n: usize) -> Dataset {
    let x: Vec<f64> = (0..n).map(|i| (i as f64 * 0.7).sin() * 3.0 + 5.0).collect();
    let y: Vec<f64> = x.iter().enumerate().map(|(i, x)| 2.0 * x + (i as f64 * 1.3).cos()).collect();
    let weight = (0..n).map(|i| 1.0 + (i % 3) as f64).collect();
    let group = (0..n).map(|i| (i % 9) as f64).collect();
    let order = (0..n).map(|i| (i * 389 % n) as f64).collect();
    Dataset::of_table(vec![x, y, weight, group, order], vec![Input::number("x")], "y").with_extras(vec![
        Extra::Weight,
        Extra::Group,
        Extra::Order,
    ])
}

/// The same rows without those that `kept` leaves out, or with a ruinous target and input there.
fn spoilt(dataset: &Dataset, roles: &Roles, role: Role) -> Dataset {
    let n = dataset.n_samples() as usize;
    let (mut x, mut y) = (vec![0.0; n], vec![0.0; n]);
    dataset.read(0, &mut x, &mut y);
    let extra = |extra: Extra| {
        let mut values = vec![0.0; n];
        dataset.read_extra(extra, 0, &mut values).unwrap();
        values
    };
    let mut weight = extra(Extra::Weight);
    for row in (0..n).filter(|row| roles.role(*row) == role) {
        (x[row], y[row], weight[row]) = (1e6, -1e7, 50.0);
    }
    let columns = vec![x, y, weight, extra(Extra::Group), extra(Extra::Order)];
    Dataset::of_table(columns, vec![Input::number("x")], "y").with_extras(dataset.extras.clone())
}

fn config(validation: ValidationConfig) -> RunConfig {
    let mut config = RunConfig { validation, learning_rate: 0.1, ..RunConfig::default() };
    config.data.source = Source::Table { name: "t".to_owned(), fingerprint: String::new() };
    config.model.degree = 2;
    config.model.standardize = Some(Scaling::Standardize);
    config
}

/// The content of held-out rows does not matter: scale, rows, weights, optimum and run are the
/// same. Test rows do not change any displayed value either.
#[test]
fn nothing_of_the_rows_held_out_reaches_the_run() {
    // More than one block of rows.
    let data = table(1100);
    for split in [Split::Random, Split::Last, Split::Group] {
        let config = config(by(split, 0.3, 0.2, 3));
        let plan = config.check().unwrap();
        let roles = Roles::of(&config.validation, &data).unwrap();
        let made = |data: Dataset| Task::new(&plan, Rc::new(data)).unwrap();
        let clean = made(data.clone());
        assert!(roles.n_validation() > 200 && roles.n_test() > 150, "{split:?}");
        for role in [Role::Validation, Role::Test] {
            let other = made(spoilt(&data, &roles, role));
            assert_eq!(other.map, clean.map, "{split:?}");
            assert_eq!(other.problem, clean.problem, "{split:?}");
            assert_eq!(exact(&other).original, exact(&clean).original, "{split:?}");
            assert_eq!(other.dataset.summary(), clean.dataset.summary(), "{split:?}");
            assert_eq!(
                other.exact.as_ref().unwrap().steepest_row,
                clean.exact.as_ref().unwrap().steepest_row,
                "{split:?}"
            );
            let (same, changed) = match role {
                Role::Test => ((&other.validation, &clean.validation), (&other.test, &clean.test)),
                _ => ((&other.test, &clean.test), (&other.validation, &clean.validation)),
            };
            assert_eq!(same.0, same.1, "{split:?}");
            assert_ne!(changed.0, changed.1, "{split:?}");
            // The data passed to an engine was the same, so one split suffices to show that this is
            // everything.
            for on in EVERYWHERE.into_iter().take(if split == Split::Random { 2 } else { 1 }) {
                let [mut run, mut spoilt] =
                    [&clean, &other].map(|task| trainer_of(on, &config, task.clone()));
                for run in [&mut run, &mut spoilt] {
                    block_on(run.advance(5)).unwrap();
                }
                assert_eq!(run.parameters(), spoilt.parameters());
                assert_eq!(run.measured(), spoilt.measured());
                assert_eq!(run.fold_losses(), spoilt.fold_losses());
                assert_eq!(run.validation_loss() == spoilt.validation_loss(), role == Role::Test);
            }
        }
        let rows =
            |problem: &Option<(Rc<downhill::dataset::Problem>, f64)>| problem.as_ref().unwrap().0.n_samples;
        assert_eq!(
            (clean.problem.n_samples, rows(&clean.validation), rows(&clean.test)),
            (roles.n_training(), roles.n_validation(), roles.n_test())
        );
    }
}

#[test]
fn what_cannot_be_split_is_refused_with_the_mend() {
    let refused = |validation: ValidationConfig, data: &Dataset| Roles::of(&validation, data).unwrap_err();
    let numbers: Vec<f64> = (0..40).map(|i| f64::from(i) * 1.5).collect();
    let error = refused(by(Split::Stratified, 0.2, 0.0, 0), &keyed(&numbers, None));
    assert_eq!((error.code, error.params["column"].as_str()), (Code::StratifyNeedsClasses, "class"));
    for validation in [by(Split::Group, 0.2, 0.0, 0), by(Split::Group, 0.0, 0.0, 3)] {
        let error = refused(validation, &keyed(&numbers, None));
        assert_eq!(error.code, Code::SplitNeedsGroup, "{error}");
    }
    for (keys, validation) in [
        (vec![0.0; 40], by(Split::Group, 0.2, 0.0, 0)),
        (keys(&[20, 20]), by(Split::Group, 0.6, 0.0, 0)),
        (keys(&[10, 10, 10]), by(Split::Group, 0.4, 0.4, 0)),
        // With two remaining rows, one goes to each part; with one remaining row, nothing is held
        // out.
        (keys(&[10, 10, 10]), by(Split::Group, 0.4, 0.0, 2)),
        (vec![0.0; 40], by(Split::Group, 0.0, 0.0, 2)),
    ] {
        let error = refused(validation, &keyed(&keys, Some(Extra::Group)));
        assert_eq!(error.code, Code::TooFewGroups, "{error}");
        assert!(error.to_string().contains("Hold out fewer rows"), "{error}");
    }
}

/// This many rows of each key, consecutively.
fn keys(counts: &[usize]) -> Vec<f64> {
    counts.iter().enumerate().flat_map(|(key, n)| vec![key as f64; *n]).collect()
}

#[test]
fn the_smallest_tables_are_split_too() {
    // Two rows always remain for training.
    for n in 2..6 {
        for split in [Split::Random, Split::Last] {
            let roles = Roles::new(&by(split, 0.9, 0.9, 20), n);
            assert_eq!((roles.n_training(), roles.n_validation(), roles.n_test()), (2, n - 2, 0));
            let mut folds = roles.folds().to_vec();
            folds.sort_unstable();
            assert_eq!(folds, [0, 1], "a part a row, where there are more parts than rows");
        }
    }
    // There are never more folds than groups.
    let groups = keys(&[20, 20]);
    let roles = Roles::of(&by(Split::Group, 0.0, 0.0, 3), &keyed(&groups, Some(Extra::Group))).unwrap();
    assert_eq!(counts_of_folds(&roles, &groups, 2), [[20, 0], [0, 20]]);
    // A class with one member goes somewhere, and no row is lost.
    let classes = keys(&[9, 1, 10]);
    let data = keyed(&classes, None);
    for seed in 0..10 {
        let validation = ValidationConfig { seed, ..by(Split::Stratified, 0.3, 0.2, 3) };
        let roles = Roles::of(&validation, &data).unwrap();
        assert_eq!((roles.n_training(), roles.n_validation(), roles.n_test()), (10, 6, 4));
        assert_eq!(counts(&roles, &classes).iter().map(|part| part[1]).sum::<u64>(), 1);
        let folds = counts_of_folds(&roles, &classes, 3);
        let sizes: Vec<u64> = folds.iter().map(|part| part.iter().sum()).collect();
        assert_eq!(sizes.iter().sum::<u64>(), 10);
        assert!(sizes.iter().all(|n| (3..=4).contains(n)), "{sizes:?}");
    }
    // No rows are held out unless requested, whatever the split.
    for split in [Split::Random, Split::Last, Split::Stratified, Split::Group] {
        let roles = Roles::of(&by(split, 0.0, 0.0, 0), &keyed(&[0.0, 1.5, 2.5], None)).unwrap();
        assert_eq!((roles.n_training(), roles.folds().len()), (3, 0));
    }
}
