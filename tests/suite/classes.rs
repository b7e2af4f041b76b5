//! Classes and counts: runs through the whole trainer to scikit-learn's optima, and through files
//! and back.

use std::rc::Rc;

use downhill::choices::{Loss, Method, Optimizer, Penalty, Source};
use downhill::config::{RunConfig, Stop, ValidationConfig, choose_method};
use downhill::dataset::{Dataset, Extra, Input};
use downhill::message::{Code, Message};
use downhill::run_file;
use downhill::trainer::{Status, Task, Trainer};
use serde_json::Value;

use crate::support::{
    EVERYWHERE, On, assert_close, block_on, exact, numbers, reference, shipped, trainer_of,
};

fn advance(run: &mut Trainer, n_steps: u64) {
    block_on(run.advance(n_steps)).unwrap();
}

fn config(loss: Loss) -> RunConfig {
    let mut config = RunConfig {
        loss,
        learning_rate: 0.5,
        optimizer: Optimizer::Momentum { momentum: 0.9 },
        stop: Stop { converged: false, ..Stop::default() },
        ..RunConfig::default()
    };
    config.data.source = Source::Table { name: "t".to_owned(), fingerprint: String::new() };
    config
}

fn prepared(config: &RunConfig, data: Dataset) -> Result<Task, Message> {
    Task::new(&config.check().unwrap(), Rc::new(data))
}

/// A shipped table. If rows are weighted, their weights are 1, 2 and 3 in turn.
fn table(id: &str, weighted: bool) -> Dataset {
    let (mut columns, levels) = shipped(id);
    let inputs: Vec<Input> = (1..columns.len()).map(|j| Input::number(&format!("x{j}"))).collect();
    let mut extras = Vec::new();
    if weighted {
        columns.push((0..columns[0].len()).map(|i| 1.0 + (i % 3) as f64).collect());
        extras.push(Extra::Weight);
    }
    Dataset::of_table(columns, inputs, "target").with_target_levels(levels).with_extras(extras)
}

fn case_config(case: &Value) -> RunConfig {
    let penalty = Penalty { strength: case["strength"].as_f64().unwrap(), l1_ratio: 0.0 };
    RunConfig { penalty, ..config(serde_json::from_value(case["loss"].clone()).unwrap()) }
}

#[test]
fn descent_reaches_the_optima_of_scikit_learn() {
    for case in reference("runs")["models"].as_array().unwrap() {
        let config = case_config(case);
        let data = table(case["table"].as_str().unwrap(), case["weighted"].as_bool().unwrap());
        let mut first = vec![0.0; data.n_inputs()];
        data.read_x(0, &mut first);
        let task = prepared(&config, data).unwrap();
        let coefficients: Vec<Vec<f64>> = serde_json::from_value(case["coefficients"].clone()).unwrap();
        let n_outputs = coefficients.len();
        // In the layout of parameters: one row per feature.
        let by_feature = (0..first.len()).flat_map(|j| coefficients.iter().map(move |of| of[j]));
        let expected: Vec<f64> = by_feature.chain(numbers(&case["biases"])).collect();
        let length = expected.iter().map(|w| w * w).sum::<f64>().sqrt();
        for on in EVERYWHERE {
            let what = format!("{on:?} {} {}", case["table"], case["weighted"]);
            let mut run = trainer_of(on, &config, task.clone());
            advance(&mut run, 300);
            let objective = case["objective"].as_f64().unwrap();
            assert_close(exact(&task).loss, objective, 1e-7 * objective, &what);
            assert_close(run.measured().loss, objective, 1e-4 * objective, &what);
            for (found, expected) in run.parameters().iter().zip(&expected) {
                assert_close(f64::from(*found), *expected, 2e-3 * length, &what);
            }
            assert!(exact(&task).unique, "{what}");
            assert!(run.distance().unwrap() < 5e-3, "{what}: {:?}", run.distance());
            // What a mean squared error would measure.
            assert_eq!((run.r2(), exact(&task).r2), (None, None));
            assert_response(&run, &first, &numbers(&case["first"]), &what);
            assert_eq!(task.layout.n_outputs() as usize, n_outputs);
        }
    }
}

/// The prediction for a row, in every way in which it can be requested.
fn assert_response(run: &Trainer, row: &[f64], expected: &[f64], what: &str) {
    let mut response = Vec::new();
    run.for_each_response(row, |_, all| response = all.to_vec());
    // scikit-learn has the probabilities of both classes, and ours is that of the second.
    let two = run.plan().config().loss == Loss::Logistic;
    let expected = if two { &expected[1..] } else { expected };
    assert_eq!(response.len(), expected.len());
    for (found, expected) in response.iter().zip(expected) {
        assert_close(*found, *expected, 3e-3 * expected.max(0.1), what);
    }
    let most = (0..response.len()).max_by(|a, b| response[*a].total_cmp(&response[*b])).unwrap();
    let several = response.len() > 1;
    let predicted = if several { most as f64 } else { response[0] };
    assert_eq!(run.predict_row(row).to_bits(), predicted.to_bits());
    let explanation = run.explain_row(row).unwrap();
    assert_eq!((explanation.output, explanation.response.as_slice()), (most, response.as_slice()));
    let sum = explanation.baseline + explanation.contributions.iter().sum::<f64>();
    assert_close(sum, explanation.sum, 1e-9, "what adds up to the output");
    if !several {
        let mut outputs = [explanation.sum];
        run.plan().config().loss.respond(&mut outputs);
        assert_close(outputs[0], response[0], 1e-12, "the output through its link");
    }
    let mut beside = [0.0];
    let class = if several { (most + 1) % response.len() } else { 0 };
    run.predict_known(row, &[class as f64], &mut beside);
    assert_eq!(beside[0].to_bits(), response[class].to_bits());
}

#[test]
fn a_file_of_classes_and_counts_brings_the_run_back_to_the_bit() {
    for (id, loss) in [
        ("iris", Loss::Softmax),
        ("challenger", Loss::Logistic),
        ("coal_disasters", Loss::Poisson),
        ("challenger", Loss::SquaredHinge),
    ] {
        let mut config = choose_method(&RunConfig { batch_size: 16, ..config(loss) }, Method::MiniBatch);
        config.learning_rate = 0.02;
        let task = prepared(&config, table(id, true)).unwrap();
        for on in EVERYWHERE {
            let mut run = trainer_of(on, &config, task.clone());
            advance(&mut run, 33);
            let text = run_file::write(&run).unwrap();
            let imported = run_file::read(text.as_bytes()).unwrap();
            assert_eq!((imported.plan.config(), &imported.map), (&config, &task.map));
            let mut back = trainer_of(on, imported.plan.config(), task.clone());
            block_on(back.restore(imported.checkpoint)).unwrap();
            for n_steps in [0, 20] {
                advance(&mut run, n_steps);
                advance(&mut back, n_steps);
                assert_eq!(back.checkpoint().state.values, run.checkpoint().state.values, "{id}");
                assert_eq!(back.measured(), run.measured(), "{id}");
            }
            assert_eq!((back.step(), back.place()), (53, run.place()));
        }
        let mut run = trainer_of(On::Cpu, &config, task.clone());
        advance(&mut run, 33);
        assert_file(&serde_json::from_str(&run_file::write(&run).unwrap()).unwrap(), &run, id);
    }
}

/// Whether the file alone gives the same predictions, by its layers and by its original units.
fn assert_file(file: &Value, run: &Trainer, id: &str) {
    let layer = &file["layers"][0];
    let (kernel, bias) = (layer["kernel"].as_array().unwrap(), numbers(&layer["bias"]));
    let map = &run.task().map;
    let units = &file["original_units"];
    let (original, n_outputs) = (numbers(&units["weights"]), bias.len());
    let constants =
        if n_outputs > 1 { numbers(&units["biases"]) } else { vec![units["bias"].as_f64().unwrap()] };
    assert_eq!((original.len(), constants.len()), (n_outputs * map.n_features(), n_outputs));
    assert_eq!(units["biases"].is_null(), n_outputs == 1);
    let [activation, n_levels] = match run.plan().config().loss {
        Loss::Softmax => ["softmax", "3"],
        Loss::Logistic => ["sigmoid", "0"],
        Loss::SquaredHinge => ["linear", "0"],
        _ => ["exponential", "0"],
    };
    assert_eq!(layer["activation"], activation);
    let levels = file["columns"]["target_levels"].as_array().map_or(0, Vec::len);
    assert_eq!(levels.to_string(), n_levels);
    for check in file["check_predictions"].as_array().unwrap() {
        let check = numbers(check);
        let (row, expected) = check.split_at(map.n_inputs());
        let mut features = vec![0.0; map.n_features()];
        map.features(row, &mut features);
        let mut outputs = bias.clone();
        for (feature, weights) in features.iter().zip(kernel) {
            for (output, weight) in outputs.iter_mut().zip(numbers(weights)) {
                *output += feature * weight;
            }
        }
        for (k, output) in outputs.iter().enumerate() {
            let own = &original[k * row.len()..][..row.len()];
            let by_units = constants[k] + own.iter().zip(row).map(|(w, x)| w * x).sum::<f64>();
            assert_close(by_units, *output, 1e-9 * output.abs().max(1.0), id);
        }
        let predicted = match run.plan().config().loss {
            Loss::Softmax => {
                let classes = 0..outputs.len();
                classes.max_by(|a, b| outputs[*a].total_cmp(&outputs[*b])).unwrap() as f64
            }
            Loss::Logistic => 1.0 / (1.0 + (-outputs[0]).exp()),
            Loss::SquaredHinge => f64::from(outputs[0] > 0.0),
            _ => outputs[0].exp(),
        };
        assert_close(predicted, expected[0], 1e-12 * expected[0].abs(), id);
    }
}

#[test]
fn a_squared_hinge_predicts_classes_without_probabilities() {
    let task = prepared(&config(Loss::SquaredHinge), table("challenger", false)).unwrap();
    for on in EVERYWHERE {
        let config = RunConfig { learning_rate: 0.1, ..config(Loss::SquaredHinge) };
        let mut run = trainer_of(on, &config, task.clone());
        advance(&mut run, 2000);
        let best = exact(&task);
        assert_close(run.measured().loss, best.loss, 1e-4 * best.loss, &format!("{on:?}"));
        let data = &task.dataset;
        let (mut x, mut y) = (vec![0.0; data.n_samples() as usize], vec![0.0; data.n_samples() as usize]);
        data.read(0, &mut x, &mut y);
        // The class changes where `w x + b = 0`.
        let [slope, bias] = best.original[..] else { panic!("{best:?}") };
        let mut n_right = 0.0;
        for (x, y) in x.iter().zip(&y) {
            let predicted = run.predict(*x);
            assert_eq!(predicted, f64::from(slope * x + bias > 0.0), "{on:?} at {x}");
            n_right += f64::from(predicted == *y);
        }
        let explained = run.explain_row(&x[..1]).unwrap();
        assert_eq!(explained.response, [run.predict(x[0])]);
        assert!((explained.sum > 0.0) == (explained.response == [1.0]));
        let file: Value = serde_json::from_str(&run_file::write(&run).unwrap()).unwrap();
        let accuracy = serde_json::json!({ "accuracy": n_right / y.len() as f64 });
        assert_eq!(file["metrics"]["training"], accuracy, "{on:?}");
    }
}

#[test]
fn the_first_strength_of_a_path_under_the_squared_hinge_leaves_no_weight() {
    let penalty = Penalty { strength: 0.1, l1_ratio: 1.0 };
    let config = RunConfig { penalty, penalty_path: 5, learning_rate: 0.1, ..config(Loss::SquaredHinge) };
    let task = prepared(&config, table("breast_cancer", false)).unwrap();
    let n_features = task.map.n_features();
    let mut run = trainer_of(On::Cpu, &config, task);
    advance(&mut run, 1000);
    let path = run.path().unwrap();
    let weights: Vec<&[f32]> = path.coefficients.chunks(n_features).collect();
    assert!(weights[0].iter().all(|weight| *weight == 0.0), "{path:?}");
    assert!(weights[1].iter().any(|weight| *weight != 0.0), "{path:?}");
}

fn small(target: &[f64]) -> Dataset {
    let x = (0..target.len()).map(|i| i as f64).collect();
    Dataset::of_table(vec![x, target.to_vec()], vec![Input::number("x")], "outcome")
}

#[test]
fn targets_that_a_loss_means_nothing_for_are_refused() {
    let refused = |loss: Loss, data: Dataset| prepared(&config(loss), data).unwrap_err();
    let error = refused(Loss::Logistic, small(&[0.0, 1.0, 2.0, 1.0]));
    let [column, found] = ["column", "found"].map(|name| error.params[name].as_str());
    assert_eq!((error.code, column, found), (Code::TargetNotBinary, "outcome", "2"));
    let names = ["no", "yes", "maybe"].map(str::to_owned).to_vec();
    let error = refused(Loss::Logistic, small(&[0.0, 1.0, 2.0, 1.0]).with_target_levels(names.clone()));
    assert_eq!((error.code, error.params["found"].as_str()), (Code::TargetNotBinary, "maybe"));
    for target in [[0.0, 1.0, 0.5, 1.0], [0.0, -1.0, 1.0, 1.0]] {
        assert_eq!(refused(Loss::Logistic, small(&target)).code, Code::TargetNotBinary);
        assert_eq!(refused(Loss::Softmax, small(&target)).code, Code::TargetNotClasses);
    }
    assert_eq!(refused(Loss::SquaredHinge, small(&[0.0, 1.0, 2.0])).code, Code::TargetNotBinary);
    assert_eq!(refused(Loss::Softmax, small(&[0.0, 1.0, 100.0])).code, Code::TargetNotClasses);
    let error = refused(Loss::Poisson, small(&[3.0, 0.0, -0.5]));
    assert_eq!((error.code, error.params["found"].as_str()), (Code::TargetNotCounts, "-0.5"));
    assert!(prepared(&config(Loss::Poisson), small(&[3.0, 0.0, 0.5])).is_ok());
    for loss in [Loss::Squared, Loss::Absolute, Loss::Huber { delta: 1.0 }] {
        let error = refused(loss, small(&[0.0, 1.0, 2.0]).with_target_levels(names.clone()));
        assert_eq!((error.code, error.params["n_levels"].as_str()), (Code::TargetIsClass, "3"));
    }
    // Held-out rows come from the same table.
    let validation = ValidationConfig { fraction: 0.3, ..ValidationConfig::default() };
    for seed in 0..4 {
        let config =
            RunConfig { validation: ValidationConfig { seed, ..validation }, ..config(Loss::Logistic) };
        let error = prepared(&config, small(&[0.0, 1.0, 1.0, 3.0, 0.0])).unwrap_err();
        assert_eq!(error.code, Code::TargetNotBinary);
    }
}

fn weighted(weights: &[f64]) -> Dataset {
    let x: Vec<f64> = (0..weights.len()).map(|i| (i as f64).sin()).collect();
    let y = x.iter().enumerate().map(|(i, x)| x + (i % 2) as f64).collect();
    Dataset::of_table(vec![x, y, weights.to_vec()], vec![Input::number("x")], "y")
        .with_extras(vec![Extra::Weight])
}

#[test]
fn weights_are_shares_and_none_is_negative() {
    for (bad, shown) in [(-1.0, "-1"), (f64::NAN, "NaN"), (f64::INFINITY, "inf")] {
        let mut weights = vec![1.0; 600];
        weights[520] = bad;
        let error = prepared(&config(Loss::Squared), weighted(&weights)).unwrap_err();
        let [row, value] = ["row", "value"].map(|name| error.params[name].as_str());
        assert_eq!((error.code, row, value), (Code::WeightNegative, "521", shown));
    }
    // A row with weight 2 counts as two rows, a row with weight 0 as none, and the unit of weights
    // does not matter.
    let thrice: Vec<f64> = (0..40).map(|i| 6.0 * f64::from(i % 3)).collect();
    let config = config(Loss::Squared);
    let counted = prepared(&config, weighted(&thrice)).unwrap();
    let mean = counted.problem.weights.iter().map(|s| f64::from(*s)).sum::<f64>() / 40.0;
    assert_close(mean, 1.0, 1e-6, "the mean weight");
    // Standardized, one feature and a bias: 2 s (1 + x^2).
    let rows = counted.problem.features.iter().zip(&counted.problem.weights);
    let steepness = rows.map(|(x, weight)| 2.0 * f64::from(*weight) * (1.0 + f64::from(*x) * f64::from(*x)));
    assert_close(
        counted.exact.as_ref().unwrap().steepest_row,
        steepness.fold(0.0, f64::max),
        1e-12,
        "the steepest row",
    );
    let mut run = trainer_of(On::Cpu, &config, counted);
    advance(&mut run, 200);
    let (mut x, mut y) = (Vec::new(), Vec::new());
    for (i, weight) in thrice.iter().enumerate() {
        let value = (i as f64).sin();
        for _ in 0..(*weight / 6.0) as usize {
            x.push(value);
            y.push(value + (i % 2) as f64);
        }
    }
    let repeated = Dataset::of_table(vec![x, y], vec![Input::number("x")], "y");
    let mut again = trainer_of(On::Cpu, &config, prepared(&config, repeated).unwrap());
    advance(&mut again, 200);
    for (found, expected) in
        run.original_parameters().unwrap().iter().zip(again.original_parameters().unwrap())
    {
        assert_close(*found, expected, 1e-5, "a coefficient");
    }
    assert_close(run.measured().loss, again.measured().loss, 1e-6, "the loss");
    assert_eq!(run.r2(), None, "whose variance?");
    // If all weights are 0, the classes do not differ.
    let none = prepared(&config, weighted(&[0.0; 20])).unwrap();
    assert_eq!(
        none.problem,
        prepared(&config, weighted(&[1.0; 20]).with_extras(Vec::new())).unwrap().problem
    );
}

fn counts(scale: f64) -> Dataset {
    let x: Vec<f64> = (0..60).map(|i| f64::from(i) / 30.0 - 1.0).collect();
    let y = x.iter().enumerate().map(|(i, x)| (scale * (x + 0.3 * (i as f64).sin()).exp()).floor()).collect();
    Dataset::of_table(vec![x, y], vec![Input::number("x")], "count")
}

/// A mean loss of large counts is far below 0: it reaches no target that was not set, and descent
/// ends at its own end.
#[test]
fn a_loss_below_zero_is_like_any_other() {
    let validation = ValidationConfig { fraction: 0.2, ..ValidationConfig::default() };
    let stop = Stop { converged: true, patience: Some(500), ..Stop::default() };
    let config = RunConfig { learning_rate: 0.002, validation, stop, ..config(Loss::Poisson) };
    let task = prepared(&config, counts(40.0)).unwrap();
    for on in EVERYWHERE {
        let mut run = trainer_of(on, &config, task.clone());
        while *run.status() == Status::Ready && run.step() < 2000 {
            advance(&mut run, 50);
        }
        let Status::Finished(reason) = run.status() else {
            panic!("{:?} {:?}", run.status(), run.measured())
        };
        assert_eq!(reason.code, Code::Converged, "{reason}");
        assert!(run.measured().loss < -50.0);
        assert!(run.distance().unwrap() < 1e-3, "{:?}", run.distance());
        assert!(run.validation_loss().unwrap() < -50.0 && run.validation_r2().is_none());
        // A target that was set is reached.
        let stop = Stop { loss: Some(-50.0), ..config.stop.clone() };
        let mut short = trainer_of(on, &RunConfig { stop, ..config.clone() }, task.clone());
        advance(&mut short, 2000);
        let Status::Finished(reason) = short.status() else { panic!("{:?}", short.status()) };
        assert_eq!((reason.code, reason.params["target"].as_str()), (Code::ReachedLoss, "-50"));
        assert!(short.measured().loss <= -50.0 && short.step() < run.step());
    }
}

#[test]
fn the_rate_is_reduced_where_a_loss_below_zero_no_longer_falls() {
    let schedule = downhill::choices::Schedule::ReduceOnPlateau {
        factor: 0.5,
        patience: 5,
        threshold: 1e-4,
        cooldown: 0,
        minimum_rate: 0.0,
    };
    let config =
        RunConfig { learning_rate: 0.004, schedule, optimizer: Optimizer::Sgd, ..config(Loss::Poisson) };
    let task = prepared(&config, counts(40.0)).unwrap();
    let mut rates = Vec::new();
    for on in EVERYWHERE {
        let mut run = trainer_of(on, &config, task.clone());
        advance(&mut run, 10);
        assert_close(run.learning_rate(), 0.004, 1e-9, "the rate while it falls");
        advance(&mut run, 290);
        assert!(run.measured().loss < -50.0 && run.distance().unwrap() < 5e-2, "{:?}", run.distance());
        assert!(run.learning_rate() < 1e-4, "{on:?}: {}", run.learning_rate());
        rates.push(run.learning_rate());
    }
    assert_close(rates[0], rates[1], 1e-12, "on every backend at the same steps");
}

#[test]
fn counts_that_overflow_stop_at_the_last_finite_state() {
    for (scale, learning_rate) in [(40.0, 0.5), (400.0, 0.05), (4.0, 30.0)] {
        for optimizer in [Optimizer::Sgd, Optimizer::Momentum { momentum: 0.9 }] {
            let config = RunConfig { learning_rate, optimizer, ..config(Loss::Poisson) };
            let task = prepared(&config, counts(scale)).unwrap();
            for on in EVERYWHERE {
                let mut run = trainer_of(on, &config, task.clone());
                advance(&mut run, 200);
                let Status::Diverged { reason, suggested_rate } = run.status().clone() else {
                    panic!("{:?} at {scale} {learning_rate}", run.status())
                };
                assert!(matches!(reason.code, Code::DivergedLoss | Code::DivergedNotFinite), "{reason}");
                assert!(run.parameters().iter().all(|w| w.is_finite()));
                assert!(run.measured().loss.is_finite(), "{:?} at {scale} {learning_rate}", run.measured());
                if on == On::Cpu {
                    let safe = RunConfig { learning_rate: suggested_rate, ..config.clone() };
                    let mut safe = trainer_of(on, &safe, task.clone());
                    advance(&mut safe, 400);
                    assert_eq!(*safe.status(), Status::Ready, "at {suggested_rate}");
                    let (first, now) = (1.0, safe.measured().loss);
                    assert!(now < first, "{now} at {suggested_rate} for {scale}");
                }
            }
        }
    }
}

/// Plain descent from near the optimum: returns whether it gets closer in 200 steps.
fn settles(config: &RunConfig, task: &Task, rate: f64) -> bool {
    let plain = RunConfig { optimizer: Optimizer::Sgd, learning_rate: rate, ..config.clone() };
    let mut run = trainer_of(On::Cpu, &plain, task.clone());
    let mut checkpoint = run.checkpoint();
    for (place, exact) in checkpoint.state.values.iter_mut().zip(&exact(task).parameters) {
        *place = (*exact + 1e-2) as f32;
    }
    block_on(run.restore(checkpoint)).unwrap();
    let before = run.measured().loss;
    advance(&mut run, 200);
    *run.status() == Status::Ready && run.measured().loss <= before
}

#[test]
fn no_rate_is_called_stable_that_is_not() {
    let ridge = Penalty { strength: 2.0, l1_ratio: 0.0 };
    let none = Penalty::default();
    // Rows far out have larger weights: the squared loss has more curvature on them than on equally
    // weighted rows.
    let weights: Vec<f64> = (0..60).map(|i| if f64::from(i).sin().abs() > 0.9 { 9.0 } else { 1.0 }).collect();
    let plain = || weighted(&weights).with_extras(Vec::new());
    // Whether the bound is exact: descent does not converge at a slightly larger rate.
    for (loss, penalty, data, exact) in [
        (Loss::Squared, none, plain(), true),
        (Loss::Squared, none, weighted(&weights), true),
        (Loss::Squared, ridge, weighted(&weights), true),
        (Loss::Squared, ridge, plain(), true),
        (Loss::Huber { delta: 0.3 }, ridge, weighted(&weights), false),
        (Loss::LogCosh, none, weighted(&weights), false),
        (Loss::Logistic, ridge, table("challenger", true), false),
        (Loss::Softmax, ridge, table("iris", true), false),
        (Loss::SquaredHinge, ridge, table("challenger", true), false),
        (Loss::Poisson, none, counts(40.0), true),
        (Loss::Poisson, ridge, table("coal_disasters", true), true),
    ] {
        let config = RunConfig { penalty, ..config(loss) };
        let task = prepared(&config, data).unwrap();
        let rate = trainer_of(On::Cpu, &config, task.clone()).stable_rate();
        assert!(settles(&config, &task, 0.97 * rate), "{loss:?} {penalty:?} below {rate}");
        assert!(!exact || !settles(&config, &task, 1.03 * rate), "{loss:?} {penalty:?} above {rate}");
    }
    for loss in [Loss::Absolute, Loss::Quantile { tau: 0.3 }] {
        let config = config(loss);
        let run = trainer_of(On::Cpu, &config, prepared(&config, plain()).unwrap());
        assert!(run.stable_rate().is_nan());
    }
}

/// The displayed loss of held-out rows includes the penalty, as the training loss does, and so does
/// the loss for early stopping.
#[test]
fn both_losses_have_the_penalty() {
    let validation = ValidationConfig { fraction: 0.3, ..ValidationConfig::default() };
    let penalty = Penalty { strength: 0.5, l1_ratio: 0.3 };
    let stop = Stop { patience: Some(1000), converged: false, ..Stop::default() };
    let config = RunConfig { penalty, validation, stop, ..config(Loss::Logistic) };
    let task = prepared(&config, table("challenger", true)).unwrap();
    for on in EVERYWHERE {
        let mut run = trainer_of(on, &config, task.clone());
        advance(&mut run, 20);
        let at: Vec<f64> = run.parameters().iter().map(|w| f64::from(*w)).collect();
        let objective = downhill::model::gradient::Objective { loss: Loss::Logistic, penalty, fold: None };
        let (held_out, _) = task.validation.clone().unwrap();
        for (problem, found) in
            [(&task.problem, run.measured().loss), (&held_out, run.validation_loss().unwrap())]
        {
            let (expected, _) = objective.loss_and_gradient(problem, &task.layout, &at, 0..problem.n_samples);
            assert_close(found, expected, 1e-5, &format!("{on:?}"));
        }
        assert!(run.best().unwrap().loss <= run.validation_loss().unwrap() + 1e-9);
        // Under another penalty, earlier best weights no longer count.
        let before = run.best().unwrap().clone();
        let none = RunConfig { penalty: Penalty { strength: 5.0, ..penalty }, ..config.clone() };
        run.change(none.check().unwrap());
        assert_eq!(run.best(), None);
        advance(&mut run, 5);
        assert!(run.best().unwrap().step > before.step);
    }
}
