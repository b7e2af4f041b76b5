//! Two workers on one problem give the run of one, whatever happens to the second. Here the second
//! worker is a thread.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use downhill::backend::cpu::pair::{Ask, Half, Heard, Link};
use downhill::backend::kernel::{HALT_LOSS, HALT_TARGET_LOSS, slot};
use downhill::backend::{self, Backend, InUse};
use downhill::choices::{Method, Optimizer};
use downhill::config::{RunConfig, choose_method};
use downhill::message::Code;
use downhill::trainer::{Trainer, worth_pairing};
use futures_channel::oneshot;

use crate::cpu::{Bare, problem};
use crate::support::{Rows, block_on, distance, task};

/// The sum of two halves rounds differently from the sum of the whole if the halves cut a fold of
/// f32 sums.
const ROUNDING: f64 = 2e-6;

enum Asked {
    Room([u32; 3]),
    Rows(Vec<f32>, Vec<f32>),
    Sums(Vec<f32>),
}

/// A worker that stops instead of giving answer number `n_answers`, and how often it was asked for
/// sums.
pub(crate) fn partner(n_answers: usize) -> (Link, Arc<AtomicUsize>) {
    let (sender, asked) = mpsc::channel::<(Asked, oneshot::Sender<Heard>)>();
    let n_sums = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&n_sums);
    thread::spawn(move || {
        let mut half = Half::new(0, 1, 1).unwrap();
        for (asked, answer) in asked.iter().take(n_answers) {
            let said = match asked {
                Asked::Room([n_rows, n_features, n_parameters]) => {
                    half = Half::new(n_rows, n_features, n_parameters).unwrap();
                    Vec::new()
                }
                Asked::Rows(from_features, from_targets) => {
                    let (features, targets) = half.more(from_targets.len());
                    features.copy_from_slice(&from_features);
                    targets.copy_from_slice(&from_targets);
                    Vec::new()
                }
                Asked::Sums(parameters) => {
                    counted.fetch_add(1, Ordering::SeqCst);
                    half.sums(&parameters).to_vec()
                }
            };
            answer.send(Ok(said)).unwrap();
        }
    });
    let link = Link::new(move |ask| {
        let (answer, receiver) = oneshot::channel();
        let asked = match ask {
            Ask::Room { n_rows, n_features, n_parameters } => Asked::Room([n_rows, n_features, n_parameters]),
            Ask::Rows { features, targets } => Asked::Rows(features.to_vec(), targets.to_vec()),
            Ask::Sums { parameters } => Asked::Sums(parameters.to_vec()),
        };
        // A worker that has stopped receives nothing.
        let _ = sender.send((asked, answer));
        receiver
    });
    (link, n_sums)
}

pub(crate) const FOREVER: usize = usize::MAX;

fn runs(problem: &Rows, optimizer: &Optimizer, n_answers: usize) -> ([Bare; 2], Arc<AtomicUsize>) {
    let (link, n_sums) = partner(n_answers);
    let pair = block_on(backend::pair(Rc::clone(&problem.problem), &problem.layout, link)).unwrap();
    ([problem.cpu(), pair].map(|backend| Bare::new(backend, problem, optimizer)), n_sums)
}

/// Complete states with all slots, and losses.
fn assert_same([one, two]: &[Bare; 2], losses: [Vec<f32>; 2], what: &str) {
    assert_eq!(one.state.steps, two.state.steps, "{what}");
    assert_eq!(losses[0].len(), losses[1].len(), "{what}");
    for (one, two) in losses[0].iter().zip(&losses[1]) {
        let apart = f64::from((one - two).abs());
        assert!(apart <= ROUNDING * f64::from(*one) + 1e-9, "{what}: loss {one}, {two}");
    }
    for slot in 0..slot::COUNT {
        let [one, two] = [one, two].map(|run| run.state.slot(0, slot));
        if one.iter().any(|value| *value != 0.0) {
            let apart = distance(two, one);
            assert!(apart <= ROUNDING, "{what}: slot {slot} {apart:e}");
        }
    }
}

#[test]
fn two_workers_make_the_run_of_one_at_awkward_sizes() {
    for n_features in [1, 3, 10, 100] {
        for n_samples in [1, 2, 7, 255, 65_537] {
            let problem = problem(n_samples, n_features, n_features != 3);
            let n_steps = if n_samples * n_features > 1_000_000 { 3 } else { 20 };
            let (mut runs, n_sums) = runs(&problem, &Optimizer::Sgd, FOREVER);
            let losses = runs.each_mut().map(|run| run.advance(n_steps, n_samples, false, 0.1));
            let what = format!("{n_samples} x {n_features}");
            assert_same(&runs, losses, &what);
            let [one, two] = runs.each_mut().map(|run| run.evaluate(n_samples));
            assert!((one.0 - two.0).abs() <= ROUNDING * one.0 + 1e-9, "{what}: {one:?}, {two:?}");
            // The second worker took part in every step and in the measurement; a single row cannot
            // be halved.
            let n_shared = if n_samples == 1 { 0 } else { n_steps + 1 };
            assert_eq!(n_sums.load(Ordering::SeqCst), n_shared, "{what}");
        }
    }
}

#[test]
fn two_workers_make_the_run_of_one_by_every_optimizer() {
    let problem = problem(257, 10, true);
    for optimizer in [
        Optimizer::Sgd,
        Optimizer::Momentum { momentum: 0.9 },
        Optimizer::Nesterov { momentum: 0.9 },
        Optimizer::AdaGrad { epsilon: 1e-7 },
        Optimizer::RmsProp { alpha: 0.9, epsilon: 1e-7 },
        Optimizer::Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-7 },
        Optimizer::AdamW { beta1: 0.9, beta2: 0.999, epsilon: 1e-7, weight_decay: 0.01 },
        Optimizer::Lion { beta1: 0.9, beta2: 0.99, weight_decay: 0.01 },
    ] {
        let (mut runs, _) = runs(&problem, &optimizer, FOREVER);
        let losses = runs.each_mut().map(|run| run.advance(50, 257, false, 0.01));
        assert_same(&runs, losses, &format!("{optimizer:?}"));
    }
}

#[test]
fn two_workers_halt_where_one_does() {
    let problem = problem(257, 3, true);
    for (rate, limit, target, halt) in
        [(3.5, 1e6, -1.0, HALT_LOSS), (0.3, 1e30, 0.1, HALT_TARGET_LOSS), (1e30, 1e38, -1.0, HALT_LOSS)]
    {
        let (mut runs, _) = runs(&problem, &Optimizer::Sgd, FOREVER);
        for run in &mut runs {
            run.params.divergence_limit = limit;
            run.params.target_loss = target;
            run.advance(500, 257, false, rate);
        }
        let [one, two] = &runs;
        assert_eq!(one.state.reactions[0].halt, halt, "{rate}");
        assert_eq!(two.state.reactions[0].halt, halt, "{rate}");
        assert_eq!(one.state.steps, two.state.steps, "{rate}");
        let apart = distance(two.state.parameters(0), one.state.parameters(0));
        // A growing run multiplies its rounding errors.
        assert!(apart <= 1e-4, "{rate}: {apart:e}");
    }
}

#[test]
fn batches_and_samples_are_made_alone() {
    let problem = problem(257, 3, true);
    let (mut runs, n_sums) = runs(&problem, &Optimizer::Sgd, FOREVER);
    for run in &mut runs {
        for (batch_rows, shuffle) in [(32, true), (32, false), (1, true)] {
            run.place = (0, 0);
            run.advance(30, batch_rows, shuffle, 0.05);
        }
        run.evaluate(100);
    }
    assert_eq!(n_sums.load(Ordering::SeqCst), 0);
    assert_eq!(runs[0].state, runs[1].state);
}

#[test]
fn a_partner_lost_in_mid_run_loses_nothing() {
    let problem = problem(255, 10, true);
    // Room, one block of rows, then this many steps.
    for n_steps_before in [0, 1, 17] {
        let (mut runs, n_sums) = runs(&problem, &Optimizer::Momentum { momentum: 0.9 }, 2 + n_steps_before);
        let losses = runs.each_mut().map(|run| run.advance(40, 255, false, 0.05));
        assert_eq!(n_sums.load(Ordering::SeqCst), n_steps_before);
        assert_eq!(losses[1].len(), 40);
        assert_same(&runs, losses, &format!("lost after {n_steps_before}"));
        assert_eq!(runs[1].backend.lost_partner(), Some("it ended"));
    }
}

#[test]
fn a_partner_lost_while_it_gets_its_rows_is_no_partner() {
    let problem = problem(255, 10, true);
    for n_answers in [0, 1] {
        let opened =
            block_on(backend::pair(Rc::clone(&problem.problem), &problem.layout, partner(n_answers).0));
        assert_eq!(opened.unwrap_err(), "it ended");
    }
}

#[test]
fn a_trainer_goes_on_alone_and_says_so() {
    let config = choose_method(&RunConfig::default(), Method::Batch);
    let task = task(&config);
    let (link, _) = partner(12);
    let pair = block_on(backend::pair(Rc::clone(&task.problem), &task.layout, link)).unwrap();
    let [mut one, mut two] = [backend::cpu(Rc::clone(&task.problem), &task.layout), pair].map(|backend| {
        let in_use = InUse::new(&backend, Code::CpuForced.into());
        block_on(Trainer::new(config.check().unwrap(), task.clone(), backend, in_use)).unwrap()
    });
    for trainer in [&mut one, &mut two] {
        // Room, rows, the first measurement and four steps; the sixth request of the next call gets
        // no answer.
        block_on(trainer.advance_unmeasured(4)).unwrap();
        assert!(trainer.in_use().how.is_none());
        block_on(trainer.advance(20)).unwrap();
    }
    assert_eq!((one.step(), two.step()), (24, 24));
    let apart = distance(two.parameters(), one.parameters());
    assert!(apart <= ROUNDING, "{apart:e}");
    let in_use = two.in_use();
    let how = in_use.how.as_ref().unwrap();
    assert_eq!(how.code, Code::PairLost);
    assert_eq!(how.to_string(), "the second worker stopped at step 4 (it ended); training continues in one");
    assert!(in_use.fallback && !in_use.gpu);
    assert!(matches!(two.backend_mut(), Backend::Cpu(_)));
    // The backend is still the CPU, so the curve gets no mark.
    assert_eq!(two.marks(), []);
}

#[test]
fn two_workers_are_taken_where_they_gain_enough() {
    let config = choose_method(&RunConfig::default(), Method::Batch);
    let task = task(&config);
    let plan = config.check().unwrap();
    // One worker's read of the clock takes 13 ms, a step of two workers the given time.
    for (two_ms, taken) in [(13.0, false), (10.5, false), (9.5, true), (6.5, true)] {
        let (link, n_sums) = partner(FOREVER);
        let pair = block_on(backend::pair(Rc::clone(&task.problem), &task.layout, link)).unwrap();
        let (now, seen) = (Cell::new(0.0), Cell::new(0));
        let clock = || {
            let asked = n_sums.load(Ordering::SeqCst);
            let n_shared = asked - seen.replace(asked);
            now.set(now.get() + if n_shared > 0 { n_shared as f64 * two_ms } else { 13.0 });
            now.get()
        };
        let trial = block_on(Trainer::try_pair(&plan, &task, pair, &clock)).unwrap();
        assert_eq!(trial.backend.is_some(), taken, "{two_ms}");
        let code = if taken { Code::ByPair } else { Code::ByOne };
        assert_eq!(trial.how.code, code, "{two_ms}: {}", trial.how);
        assert_eq!(trial.how.params["one"], "76.92");
        assert!(trial.how.params.contains_key("two"));
    }
    // A worker lost in the meantime is not used, and the reason is reported.
    let pair = block_on(backend::pair(Rc::clone(&task.problem), &task.layout, partner(4).0)).unwrap();
    let now = Cell::new(0.0);
    let clock = || now.replace(now.get() + 13.0);
    let trial = block_on(Trainer::try_pair(&plan, &task, pair, &clock)).unwrap();
    assert!(trial.backend.is_none());
    assert_eq!(trial.how.code, Code::PairFailed);
}

#[test]
fn short_passes_and_faster_engines_leave_a_second_worker_out() {
    // Passes per second, and steps per second of the fastest engine.
    for (passes, fastest, worth) in
        [(500.0, 500.0, true), (1000.0, 1500.0, true), (1001.0, 1001.0, false), (500.0, 1000.0, false)]
    {
        assert_eq!(worth_pairing(passes, fastest), worth, "{passes}, {fastest}");
    }
}
