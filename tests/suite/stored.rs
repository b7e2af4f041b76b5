//! Rows that do not fit in memory are read block by block and train to the same bits as rows in
//! memory.

use std::cell::Cell;
use std::rc::Rc;

use downhill::choices::{Loss, Method, Optimizer, Penalty, Scaling, Split};
use downhill::config::{RunConfig, Stop};
use downhill::dataset::{Dataset, Extra, Input, Problem, Role, Roles, RowSource};
use downhill::message::{Code, Message, Result};
use downhill::model::gradient::Objective;
use downhill::rng::{Permutation, Rng, Stream};
use downhill::trainer::{Preparation, Status, Task, Trainer};

use crate::support::{On, assert_close, block_on, exact, trainer_of};

/// Maximum bytes of rows in memory: none of these tables fits.
const MAX_BYTES: u64 = 1 << 11;

const ADAM: Optimizer = Optimizer::Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };

/// Rows of a table stored elsewhere, with a record of how it was read.
#[derive(Debug)]
struct Elsewhere {
    width: usize,
    rows: Vec<f64>,
    n_read: Cell<usize>,
    gone: Cell<bool>,
}

impl RowSource for Elsewhere {
    fn n_rows(&self) -> usize {
        self.rows.len() / self.width
    }

    fn read(&self, first: usize, rows: &mut [f64]) -> Result<()> {
        if self.gone.get() {
            return Err(Message::new(Code::TableUnavailable).with("detail", "it ends early"));
        }
        rows.copy_from_slice(&self.rows[first * self.width..][..rows.len()]);
        self.n_read.set(self.n_read.get() + rows.len() / self.width);
        Ok(())
    }
}

const EXTRAS: [Extra; 3] = [Extra::Weight, Extra::Group, Extra::Order];

/// Rows of `n_inputs` numbers and a target, followed by the requested extras.
fn elsewhere(
    n_rows: usize,
    n_inputs: usize,
    extras: &[Extra],
    target: impl Fn(f64) -> f64,
) -> (Rc<Elsewhere>, Dataset) {
    let mut rng = Rng::new(n_rows as u32, Stream::Noise);
    let mut rows = Vec::new();
    for row in 0..n_rows {
        let x: Vec<f64> = (0..n_inputs).map(|j| rng.normal() + j as f64).collect();
        let y = x.iter().enumerate().map(|(j, x)| x / (1.0 + j as f64)).sum::<f64>() + rng.normal();
        rows.extend(x);
        rows.push(target(y));
        rows.extend(extras.iter().map(|extra| match extra {
            Extra::Weight => 0.5 + (row % 3) as f64,
            Extra::Group => (row % 29) as f64,
            Extra::Order => -(row as f64),
        }));
    }
    let width = n_inputs + 1 + extras.len();
    let source = Rc::new(Elsewhere { width, rows, n_read: Cell::new(0), gone: Cell::new(false) });
    let inputs = (0..n_inputs).map(|j| Input::number(&format!("x{j}"))).collect();
    let dataset = Dataset::of_source(Rc::clone(&source) as Rc<dyn RowSource>, inputs, "y");
    (source, dataset.with_extras(extras.to_vec()))
}

fn config() -> RunConfig {
    let mut config = RunConfig {
        method: Method::MiniBatch,
        learning_rate: 0.02,
        stop: Stop { converged: false, ..Stop::default() },
        ..RunConfig::default()
    };
    config.model.standardize = Some(Scaling::Standardize);
    config
}

/// The task of rows that stay in storage.
fn stored(config: &RunConfig, dataset: &Dataset) -> Task {
    let plan = config.check().unwrap();
    Preparation::within(&plan, Rc::new(dataset.clone()), None, MAX_BYTES).unwrap().run().unwrap()
}

/// The same task in memory, with its rows shuffled in the same blocks.
fn in_memory(config: &RunConfig, dataset: &Dataset, block_rows: u32) -> Task {
    let mut task = Task::new(&config.check().unwrap(), Rc::new(dataset.clone())).unwrap();
    let blocks = |problem: &mut Rc<Problem>| Rc::make_mut(problem).block_rows = block_rows;
    blocks(&mut task.problem);
    [&mut task.validation, &mut task.test].into_iter().flatten().for_each(|(problem, _)| blocks(problem));
    task
}

/// Trains both for some epochs and compares every loss and every weight.
fn train_both(config: &RunConfig, dataset: &Dataset, n_steps: u64, what: &str) -> [Trainer; 2] {
    let stays = stored(config, dataset);
    assert!(stays.problem.stored().is_some() && stays.problem.features.is_empty(), "{what}");
    assert!(stays.problem.has_blocks(), "{what}: one block shows nothing");
    let kept = in_memory(config, dataset, stays.problem.block_rows);
    let mut runs = [stays, kept].map(|task| {
        let mut run = trainer_of(On::Cpu, config, task);
        run.keep_losses();
        for _ in 0..4 {
            block_on(run.advance(n_steps / 4)).unwrap();
        }
        assert_eq!(run.step(), n_steps, "{what}: {:?}", run.status());
        run
    });
    let [stays, kept] = &mut runs;
    let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<u32>>();
    // Printing thousands of numbers would say no more than that they differ.
    assert!(bits(&stays.take_losses()) == bits(&kept.take_losses()), "{what}: losses");
    assert!(stays.checkpoint().state.values == kept.checkpoint().state.values, "{what}: weights");
    assert_eq!(stays.place(), kept.place(), "{what}");
    runs
}

#[test]
fn rows_in_storage_train_to_the_bit_as_in_memory() {
    // Every kernel's width; the last block is short, and no batch size divides anything evenly.
    for (n_inputs, n_rows) in [(1, 531), (2, 300), (5, 1031), (13, 400), (40, 200)] {
        let (_, plain) = elsewhere(n_rows, n_inputs, &[], |y| y);
        let (_, weighted) = elsewhere(n_rows, n_inputs, &EXTRAS, |y| y);
        for (method, batch_size, shuffle) in [
            (Method::Batch, 1, true),
            (Method::MiniBatch, 32, true),
            (Method::MiniBatch, 90, true),
            (Method::MiniBatch, 90, false),
            (Method::Stochastic, 1, true),
            (Method::Stochastic, 1, false),
        ] {
            let config = RunConfig { method, batch_size, shuffle, ..config() };
            let what = format!("{n_rows} x {n_inputs}, {method:?} {batch_size} {shuffle}");
            let n_steps = if method == Method::Stochastic { 2 * n_rows as u64 } else { 40 };
            train_both(&config, &plain, n_steps / 4 * 4, &what);
            if batch_size != 32 {
                train_both(&config, &weighted, n_steps / 4 * 4, &format!("{what}, weighted"));
            }
        }
    }
}

#[test]
fn losses_weights_roles_and_runs_beside_are_those_of_the_rows_in_storage() {
    let of_loss = |loss: Loss, y: f64| match loss {
        Loss::Logistic => f64::from(y > 0.0),
        Loss::Softmax => y.clamp(0.0, 2.0).floor(),
        _ => y,
    };
    let cases = [
        (Split::Random, Loss::Logistic),
        (Split::Last, Loss::Softmax),
        (Split::Group, Loss::Huber { delta: 1.0 }),
    ];
    for (split, loss) in cases {
        let (_, dataset) = elsewhere(901, 3, &EXTRAS, |y| of_loss(loss, y));
        let mut config = RunConfig { loss, optimizer: ADAM, ..config() };
        config.penalty = Penalty { strength: 0.01, l1_ratio: 0.5 };
        config.validation.fraction = 0.3;
        config.validation.split = split;
        config.validation.folds = 3;
        config.penalty_path = 2;
        let what = format!("{split:?}, {loss:?}");
        let [mut stays, mut kept] = train_both(&config, &dataset, 48, &what);
        let [ours, theirs] = [&stays, &kept].map(|run| run.task());
        assert_eq!(ours.map, theirs.map);
        assert_eq!(ours.problem.weights, theirs.problem.weights);
        assert_eq!(ours.problem.folds, theirs.problem.folds);
        assert_eq!(ours.problem.targets, theirs.problem.targets);
        assert_eq!(
            ours.exact.as_ref().unwrap().steepest_row.to_bits(),
            theirs.exact.as_ref().unwrap().steepest_row.to_bits()
        );
        assert_eq!(exact(ours).condition.to_bits(), exact(theirs).condition.to_bits());
        // If every row is requested, the measurement is the same.
        for run in [&mut stays, &mut kept] {
            run.set_evaluation_rows(u32::MAX);
            block_on(run.measure()).unwrap();
        }
        assert_eq!(stays.measured(), kept.measured(), "{what}");
        assert_eq!(stays.validation_loss(), kept.validation_loss(), "{what}");
        assert_eq!(stays.fold_losses(), kept.fold_losses(), "{what}");
    }
}

/// A block read from storage equals what [`Problem::build`] makes of the same rows.
#[test]
fn blocks_hold_the_rows_of_their_role() {
    let (_, dataset) = elsewhere(700, 3, &[], |y| y);
    let mut config = config();
    config.validation.fraction = 0.3;
    config.validation.test_fraction = 0.1;
    let task = stored(&config, &dataset);
    let kept = in_memory(&config, &dataset, task.problem.block_rows);
    let held_out = |task: &Task| [&task.validation, &task.test].map(|own| own.as_ref().unwrap().0.clone());
    let [ours, theirs] = [&task, &kept].map(|task| {
        let [validation, test] = held_out(task);
        [task.problem.clone(), validation, test]
    });
    let roles = Roles::of(&config.validation, &dataset).unwrap();
    assert_eq!(
        theirs.each_ref().map(|problem| problem.n_samples),
        [roles.n_training(), roles.n_validation(), roles.n_test()]
    );
    assert!((0..700).any(|row| roles.role(row) == Role::Test));
    for (ours, theirs) in ours.iter().zip(&theirs) {
        let stored = ours.stored().unwrap();
        let (mut all, mut block) = (Vec::<f32>::new(), Vec::new());
        for index in 0..ours.n_samples.div_ceil(ours.block_rows) {
            stored.read(index, &mut block);
            all.extend(&block);
        }
        assert_eq!(all, theirs.features);
        assert_eq!(ours.targets, theirs.targets);
    }
}

#[test]
fn a_block_is_read_once_an_epoch() {
    let (source, dataset) = elsewhere(10_000, 3, &[], |y| y);
    let config = config();
    let task = stored(&config, &dataset);
    let block_rows = task.problem.block_rows as usize;
    let mut run = trainer_of(On::Cpu, &config, task);
    source.n_read.set(0);
    block_on(run.advance(2 * run.steps_to_epoch_end())).unwrap();
    assert_eq!(run.place().epoch, 2);
    // Blocks are read in pieces, the last of which may extend past them.
    let most = 2 * (10_000 / block_rows + 1) * block_rows.next_multiple_of(512);
    assert!(source.n_read.get() <= most, "{} rows were read", source.n_read.get());
    // A measurement reads none.
    source.n_read.set(0);
    block_on(run.measure()).unwrap();
    assert_eq!(source.n_read.get(), 0);
}

/// Intermediate values show the loss of a sample, with one row from each stretch of the rows.
#[test]
fn the_sample_lies_evenly_over_all_rows() {
    let (_, dataset) = elsewhere(10_000, 2, &EXTRAS, |y| y);
    let config = config();
    let task = stored(&config, &dataset);
    let whole = in_memory(&config, &dataset, task.problem.block_rows);
    let sample = Rc::clone(task.problem.stored().unwrap().sample());
    assert_eq!(sample.n_samples, 1024);
    assert_eq!(sample.features.len(), 2 * 1024);
    let rows: Vec<usize> = (sample.features.chunks_exact(2))
        .map(|row| whole.problem.features.chunks_exact(2).position(|other| other == row).unwrap())
        .collect();
    for (i, row) in rows.iter().enumerate() {
        let stretch = i * 10_000 / 1024..(i + 1) * 10_000 / 1024;
        assert!(stretch.contains(row), "row {row} is not in {stretch:?}");
        assert_eq!(sample.targets[i], whole.problem.targets[*row]);
        assert_eq!(sample.weights[i], whole.problem.weights[*row]);
    }
    let run = trainer_of(On::Cpu, &config, task);
    assert_eq!(run.measured().rows, 1024);
    let at: Vec<f64> = run.parameters().iter().map(|w| f64::from(*w)).collect();
    let rows = rows.iter().map(|row| *row as u32);
    let (loss, _) = Objective::default().loss_and_gradient(&whole.problem, &whole.layout, &at, rows);
    assert_close(run.measured().loss, loss, 1e-5 * loss, "the loss of the sample");
}

/// A pass over all rows gives the same result if it is made one block at a time ahead of its step
/// or measurement.
#[test]
fn a_pass_made_ahead_is_the_pass() {
    for weighted in [false, true] {
        let extras = if weighted { &EXTRAS[..] } else { &[] };
        let (source, dataset) = elsewhere(1500, 3, extras, |y| y);
        let mut config = RunConfig { method: Method::Batch, ..config() };
        config.validation.fraction = 0.2;
        let run = || trainer_of(On::Cpu, &config, stored(&config, &dataset));
        let [mut ahead, mut at_once] = [run(), run()];
        for step in 0..3 {
            let mut shares = vec![ahead.read_ahead(false)];
            while shares[shares.len() - 1] < 1.0 {
                shares.push(ahead.read_ahead(false));
                // Intermediate measurements change nothing.
                block_on(ahead.measure()).unwrap();
            }
            assert!(shares.len() > 10 && shares.is_sorted(), "{shares:?}");
            source.n_read.set(0);
            [&mut ahead, &mut at_once].into_iter().for_each(|run| block_on(run.advance(1)).unwrap());
            assert_eq!(ahead.parameters(), at_once.parameters(), "step {step}");
        }
        // Sums for other weights are not used for these.
        for _ in 0..5 {
            ahead.read_ahead(true);
        }
        [&mut ahead, &mut at_once].into_iter().for_each(|run| block_on(run.advance(1)).unwrap());
        assert_eq!(ahead.parameters(), at_once.parameters());
        while ahead.read_ahead(true) < 1.0 {}
        source.n_read.set(0);
        ahead.set_evaluation_rows(u32::MAX);
        block_on(ahead.measure()).unwrap();
        assert_eq!(source.n_read.get(), 0, "it was read already");
        at_once.set_evaluation_rows(u32::MAX);
        block_on(at_once.measure()).unwrap();
        assert_eq!(ahead.measured(), at_once.measured());
        assert_eq!(ahead.validation_loss(), at_once.validation_loss());
    }
}

/// If a table's file disappears, the run ends on the weights before the steps that would have read
/// it.
#[test]
fn rows_that_cannot_be_read_end_the_run_where_it_stands() {
    // A window of rows ends within the epoch, and the next read fails.
    let (source, dataset) = elsewhere(9000, 3, &[], |y| y);
    let config = config();
    let mut run = trainer_of(On::Cpu, &config, stored(&config, &dataset));
    block_on(run.advance(10)).unwrap();
    source.gone.set(true);
    let before = run.checkpoint();
    block_on(run.advance(1000)).unwrap();
    let Status::Finished(reason) = run.status() else { panic!("{:?}", run.status()) };
    assert_eq!(reason.code, Code::TableUnavailable);
    // The blocks already read could still be trained on.
    assert!(run.step() - before.state.steps[0] < 1000);
    source.gone.set(false);
    run.resume();
    block_on(run.advance(100)).unwrap();
    assert_eq!(*run.status(), Status::Ready);
    // As if nothing had happened.
    let mut other = trainer_of(On::Cpu, &config, stored(&config, &dataset));
    block_on(other.advance(run.step())).unwrap();
    assert_eq!(run.parameters(), other.parameters());
}

/// Blocks have an order of their own, and rows another within each: every row once.
#[test]
fn an_epoch_visits_block_after_block() {
    let order = Permutation::new(1000, 64, 3, 7);
    let rows: Vec<u32> = (0..1000).map(|position| order.row(position)).collect();
    let blocks: Vec<u32> = rows.chunk_by(|a, b| a / 64 == b / 64).map(|rows| rows[0] / 64).collect();
    assert_eq!(blocks.len(), 16, "each block once: {blocks:?}");
    assert!(!blocks.is_sorted());
    let mut sorted = rows.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, (0..1000).collect::<Vec<_>>());
}
