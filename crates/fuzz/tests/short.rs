//! Fuzzes each target for some seconds in every test run, always with the same inputs.
#![allow(clippy::unwrap_used, missing_docs)]

use std::time::{Duration, Instant};

use downhill_fuzz::target::Target;
use downhill_fuzz::{corpus, mutation};

/// The maximum number of inputs per target. Slow machines stop earlier because of the time limit.
const N_INPUTS: u64 = 3_000;
const MOST: Duration = Duration::from_secs(4);

fn read(target: Target) {
    let corpus = corpus::of(target).unwrap();
    for (name, valid) in &corpus {
        let whole = !name.starts_with("refused") && !name.contains("json") && !name.ends_with(".csv");
        assert!(target.run(valid) || !whole, "{name} cannot be read");
    }
    let begun = Instant::now();
    let mut n_readable = 0;
    let mut n_inputs = 0;
    while n_inputs < N_INPUTS && begun.elapsed() < MOST {
        let input = mutation::input(target, &corpus, 0, n_inputs);
        assert_eq!(input, mutation::input(target, &corpus, 0, n_inputs), "an input can be had again");
        n_readable += u64::from(target.run(&input));
        n_inputs += 1;
    }
    if !target.bears_changes() {
        return;
    }
    // Some inputs must be valid and some invalid; otherwise mutations are too strong or too weak.
    assert!(n_readable > 0 && n_readable < n_inputs, "{n_readable} of {n_inputs}");
}

#[test]
fn text() {
    read(Target::Text);
}

#[test]
fn objects() {
    read(Target::Objects);
}

#[test]
fn array() {
    read(Target::Array);
}

#[test]
fn archive() {
    read(Target::Archive);
}

#[test]
fn parquet() {
    read(Target::Parquet);
}

#[test]
fn workbook() {
    read(Target::Workbook);
}

#[test]
fn weights() {
    read(Target::Weights);
}

#[test]
fn link() {
    read(Target::Link);
}

#[test]
fn models() {
    for target in Target::all() {
        if matches!(target, Target::Model(_)) {
            read(target);
        }
    }
}
