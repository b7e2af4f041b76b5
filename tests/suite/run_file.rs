//! Run files: writing and reading weights.

use downhill::choices::{Loss, Method, Penalty};
use downhill::config::{RunConfig, choose_method, choose_optimizer, choose_schedule};
use downhill::history::History;
use downhill::message::Code;
use downhill::run_file::{self, RunFile, Saving, Which};
use downhill::trainer::{Checkpoint, Trainer};
use serde_json::Value;

use crate::support::{EVERYWHERE, On, assert_close, block_on, reference, trainer, trainer_of};

fn config() -> RunConfig {
    let mut config =
        choose_optimizer(&choose_method(&RunConfig::default(), Method::MiniBatch), "momentum").unwrap();
    config.model.degree = 3;
    config.model.standardize = Some(downhill::choices::Scaling::Standardize);
    config
}

fn exported() -> String {
    let mut run = trainer(On::Cpu, &config());
    block_on(run.advance(50)).unwrap();
    run_file::write(&run).unwrap()
}

#[test]
fn a_file_brings_the_run_back_to_the_bit() {
    let decaying = choose_schedule(&choose_optimizer(&config(), "adam").unwrap(), "time_decay").unwrap();
    for (on, later) in EVERYWHERE.into_iter().flat_map(|on| [(on, config()), (on, decaying.clone())]) {
        let mut run = trainer(on, &config());
        block_on(run.advance(20)).unwrap();
        // Optimizer and schedule count from the step at which they were chosen.
        run.change(later.check().unwrap());
        block_on(run.advance(30)).unwrap();
        let imported = run_file::read(run_file::write(&run).unwrap().as_bytes()).unwrap();
        assert_eq!(imported.plan.config(), run.plan().config());
        assert_eq!(&imported.map, &run.task().map);
        let mut back = trainer_of(on, imported.plan.config(), run.task().clone());
        block_on(back.restore(imported.checkpoint)).unwrap();
        assert_eq!(back.parameters(), run.parameters());
        assert_eq!((back.step(), back.place()), (run.step(), run.place()));
        block_on(run.advance(101)).unwrap();
        block_on(back.advance(101)).unwrap();
        assert_eq!(back.parameters(), run.parameters());
    }
}

#[test]
fn a_file_says_all_that_the_next_tool_needs() {
    let file: Value = serde_json::from_str(&exported()).unwrap();
    assert_eq!(file["format"], "downhill-weights");
    assert_eq!(file["version"], 1);
    assert_eq!(file["backend"], "CPU (native): chosen by you");
    let layer = &file["layers"][0];
    let kernel: Vec<f64> =
        layer["kernel"].as_array().unwrap().iter().map(|row| row[0].as_f64().unwrap()).collect();
    assert_eq!(kernel.len(), 3);
    let map = &file["feature_map"];
    let number = |value: &Value| value.as_f64().unwrap();
    // From the file alone, as a reader in another language would compute it: features, kernel,
    // bias.
    for check in file["check_predictions"].as_array().unwrap() {
        let z = (number(&check[0]) - number(&map["x_center"])) / number(&map["x_scale"]);
        let mut prediction = number(&layer["bias"][0]);
        for (k, weight) in kernel.iter().enumerate() {
            let power = z.powi(k as i32 + 1);
            prediction += weight * (power - number(&map["center"][k])) / number(&map["scale"][k]);
        }
        assert!((prediction - number(&check[1])).abs() < 1e-12);
    }
    assert_eq!(file["steps"], 50);
    assert_eq!(file["config"]["seed"], 1);
    assert_eq!(file["columns"]["feature"], "x");
    assert!(file["loss"].is_number());
}

fn refused(text: &str) -> Code {
    run_file::read(text.as_bytes()).unwrap_err().code
}

#[test]
fn anything_else_is_refused_with_the_reason() {
    let text = exported();
    assert_eq!(refused(""), Code::WeightsNotJson);
    assert_eq!(refused("x,y\n1,2\n"), Code::WeightsNotJson);
    assert_eq!(refused("{\"a\": 1}"), Code::WeightsOtherKind);
    assert_eq!(refused("[1, 2]"), Code::WeightsOtherKind);
    assert_eq!(refused(&text.replace("\"version\": 1,", "\"version\": 9,")), Code::WeightsVersion);
    let edit = |change: fn(&mut Value)| {
        let mut value: Value = serde_json::from_str(&text).unwrap();
        change(&mut value);
        refused(&value.to_string())
    };
    assert_eq!(
        edit(|file| drop(file["layers"][0]["kernel"].as_array_mut().unwrap().pop())),
        Code::WeightsShape
    );
    assert_eq!(edit(|file| file["layers"][0]["bias"] = Value::Null), Code::WeightsShape);
    assert_eq!(edit(|file| file["layers"] = Value::Array(vec![])), Code::WeightsShape);
    assert_eq!(edit(|file| file["feature_map"]["scale"][1] = 0.into()), Code::WeightsNotFinite);
    assert_eq!(edit(|file| file["layers"][0]["kernel"][0][0] = Value::from(1e300)), Code::WeightsNotFinite);
    assert_eq!(edit(|file| file["config"]["model"]["degree"] = 99.into()), Code::FieldOutOfRange);
    assert_eq!(edit(|file| file["config"]["learning_rate"] = 0.into()), Code::FieldNotPositive);
}

#[test]
fn a_file_cut_at_any_byte_is_refused() {
    let text = exported();
    for end in 0..text.trim_end().len() {
        let code = refused(&text[..end]);
        let expected = if end == 0 { Code::WeightsNotJson } else { Code::WeightsTruncated };
        assert_eq!(code, expected, "cut after {end} bytes");
    }
}

#[test]
fn a_file_from_before_backends_were_recorded_is_read() {
    let mut file: Value = serde_json::from_str(&exported()).unwrap();
    file.as_object_mut().unwrap().remove("backend");
    assert!(run_file::read(file.to_string().as_bytes()).is_ok());
}

#[test]
fn a_place_that_the_data_does_not_have_is_refused() {
    let mut file: Value = serde_json::from_str(&exported()).unwrap();
    for position in [100_u32, u32::MAX] {
        file["training_state"]["place"]["position"] = position.into();
        let imported = run_file::read(file.to_string().as_bytes()).unwrap();
        let mut run = trainer(On::Cpu, imported.plan.config());
        let before = run.checkpoint();
        let refused = block_on(run.restore(imported.checkpoint)).unwrap_err();
        assert_eq!(refused.code, Code::WeightsPlace);
        assert_eq!(run.checkpoint(), before);
    }
}

#[test]
fn a_file_from_before_losses_and_penalties_goes_on_as_it_did_then() {
    // tests/reference/weights.json: written by the version named there after 50 updates, and after
    // 25 more.
    let files = reference("weights");
    let [before, after] = ["before", "after"].map(|name| run_file::read_value(files[name].clone()).unwrap());
    let config = before.plan.config();
    assert_eq!((config.loss, config.penalty), (Loss::Squared, Penalty::default()));
    assert_eq!((config.validation.test_fraction, config.validation.folds, config.penalty_path), (0.0, 0, 0));
    let mut run = trainer(On::Cpu, config);
    assert_eq!((&run.task().map, run.validates()), (&before.map, true));
    block_on(run.restore(before.checkpoint)).unwrap();
    block_on(run.advance(25)).unwrap();
    let mut expected = after.checkpoint;
    // States then had every slot, whatever the run needed.
    expected.state.keep(run.checkpoint().state.slots);
    assert_eq!((run.step(), run.place()), (75, expected.place));
    assert_eq!(run.checkpoint().state.values, expected.state.values);
    // A file written from such a run is also the same, except for fields added to configurations
    // and files since.
    let mut written: Value = serde_json::from_str(&run_file::write(&run).unwrap()).unwrap();
    let mut expected = files["after"].clone();
    for file in [&mut written, &mut expected] {
        for name in ["config", "saved", "metrics", "data", "history"] {
            file.as_object_mut().unwrap().remove(name);
        }
        for slot in ["epoch_start", "anchor"] {
            file["training_state"].as_object_mut().unwrap().remove(slot);
        }
    }
    assert_eq!(written, expected);
}

fn saved_as(run: &Trainer, which: Which) -> RunFile {
    let saving = Saving { which, saved: Some("2026-11-26 10:00".to_owned()) };
    serde_json::from_str(&RunFile::of(run, &saving).to_text().unwrap()).unwrap()
}

#[test]
fn a_file_says_when_how_well_and_of_what() {
    let mut config = config();
    config.validation.fraction = 0.25;
    config.validation.test_fraction = 0.1;
    let mut run = trainer(On::Cpu, &config);
    block_on(run.advance(50)).unwrap();
    let file = saved_as(&run, Which::Current);
    assert_eq!(file.saved.as_deref(), Some("2026-11-26 10:00"));
    let data = file.data.unwrap();
    assert_eq!((data.n_samples, data.n_validation, data.n_test, data.fingerprint), (100, 25, 10, None));
    let metrics = file.metrics.unwrap();
    assert_eq!(metrics.keys().collect::<Vec<_>>(), ["test", "training", "validation"]);
    // From the rows themselves, by scikit-learn's definitions.
    let (x, y) = run.task().dataset.columns();
    for (role, part) in [(0, "training"), (1, "validation"), (2, "test")] {
        let rows: Vec<usize> = (0..100).filter(|row| run.task().roles.role(*row) as usize == role).collect();
        let n = rows.len() as f64;
        let residual = |row: &usize| y[*row] - run.predict(x[*row]);
        let mse = rows.iter().map(|row| residual(row).powi(2)).sum::<f64>() / n;
        let mae = rows.iter().map(|row| residual(row).abs()).sum::<f64>() / n;
        let mean = rows.iter().map(|row| y[*row]).sum::<f64>() / n;
        let variance = rows.iter().map(|row| (y[*row] - mean).powi(2)).sum::<f64>() / n;
        let expected = [("mse", mse), ("rmse", mse.sqrt()), ("mae", mae), ("r2", 1.0 - mse / variance)];
        assert_eq!(metrics[part].len(), 4);
        for (name, value) in expected {
            assert_close(metrics[part][name].unwrap(), value, 1e-5 * value.abs(), &format!("{part} {name}"));
        }
    }
    assert_close(metrics["training"]["mse"].unwrap(), file.loss, 1e-6 * file.loss, "the loss");
}

#[test]
fn the_best_weights_leave_with_their_loss_and_go_on() {
    // At such a rate the loss of single rows varies so much that the last weights are not the best.
    let mut config = choose_method(&RunConfig::default(), Method::Stochastic);
    config.learning_rate = 0.3;
    config.shuffle = true;
    for fraction in [0.0, 0.25] {
        config.validation.fraction = fraction;
        let mut run = trainer(On::Cpu, &config);
        let mut least = (0, run.measured().loss, run.parameters().to_vec());
        for _ in 0..40 {
            block_on(run.advance(7)).unwrap();
            if run.measured().loss < least.1 {
                least = (run.step(), run.measured().loss, run.parameters().to_vec());
            }
        }
        let best = run.best_seen().unwrap().clone();
        assert_ne!(best.parameters, run.parameters(), "the last are the best");
        let file = saved_as(&run, Which::Best);
        assert_eq!(file.steps, best.step);
        if fraction == 0.0 {
            assert_eq!((best.step, best.loss, &best.parameters), (least.0, least.1, &least.2));
            assert_close(file.loss, best.loss, 1e-6 * best.loss, "the loss");
        } else {
            assert_eq!(Some(&best), run.best());
            let mse = file.metrics.as_ref().unwrap()["validation"]["mse"].unwrap();
            assert_close(mse, best.loss, 1e-6 * best.loss, "the validation loss");
        }
        assert!(file.history.as_ref().unwrap().step.iter().all(|step| *step <= best.step));
        // It is the run of that step: measurements of the restored run equal the original ones.
        let imported = run_file::read(serde_json::to_string(&file).unwrap().as_bytes()).unwrap();
        let mut back = trainer_of(On::Cpu, imported.plan.config(), run.task().clone());
        block_on(back.restore(imported.checkpoint)).unwrap();
        assert_eq!((back.step(), back.parameters()), (best.step, &best.parameters[..]));
        assert_close(back.measured().loss, file.loss, 1e-6 * file.loss, "the loss on the way back");
        assert_eq!(back.place(), best.place);
        let Checkpoint { state, optimizer_start, .. } = back.checkpoint();
        assert!(state.slot(0, 1).iter().chain(state.slot(0, 2)).all(|moment| *moment == 0.0));
        assert_eq!(optimizer_start, best.step);
        block_on(back.advance(50)).unwrap();
        assert_eq!(back.step(), best.step + 50);
        // The file of the current weights has another step.
        assert_eq!(saved_as(&run, Which::Current).steps, 280);
    }
}

#[test]
fn best_weights_are_forgotten_where_losses_mean_something_else() {
    let mut run = trainer(On::Cpu, &RunConfig::default());
    block_on(run.advance(50)).unwrap();
    assert_eq!(run.best_seen().unwrap().step, 50);
    let mut penalized = RunConfig::default();
    penalized.penalty.strength = 1.0;
    run.change(penalized.check().unwrap());
    assert_eq!(run.best_seen(), None);
    // There is nothing better than the current weights.
    assert_eq!(run.best_checkpoint(), run.checkpoint());
    block_on(run.reset()).unwrap();
    assert_eq!(run.best_seen().unwrap().step, 0);
}

#[test]
fn a_run_that_comes_back_brings_its_history() {
    let mut config = config();
    config.validation.fraction = 0.25;
    for steps in [0_u64, 1, 50, 5_000] {
        let mut run = trainer(On::Cpu, &config);
        for _ in 0..10 {
            block_on(run.advance(steps / 10)).unwrap();
        }
        block_on(run.advance(steps % 10)).unwrap();
        let text = run_file::write(&run).unwrap();
        let imported = run_file::read(text.as_bytes()).unwrap();
        let mut back = trainer_of(On::Cpu, imported.plan.config(), run.task().clone());
        block_on(back.restore(imported.checkpoint)).unwrap();
        assert_eq!(back.history().whole().loss.iter().filter(|loss| !loss.is_nan()).count(), 1);
        back.retrace(&imported.history);
        // A page that shows the first run's curve gets all of it.
        let [expected, found] = [&mut run, &mut back].map(|run| {
            let history = run.history_mut();
            history.delta();
            history.whole()
        });
        let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<u32>>();
        if steps <= 50 {
            for (found, expected) in [
                (&found.loss, &expected.loss),
                (&found.batch_loss_mean, &expected.batch_loss_mean),
                (&found.rate, &expected.rate),
                (&found.validation, &expected.validation),
            ] {
                assert_eq!(bits(found), bits(expected), "after {steps} steps");
            }
        } else {
            // Every bucket still has a batch loss, so that the chart's band has no gaps; ends and
            // size are unchanged.
            assert_eq!(found.loss.len(), expected.loss.len());
            let n_known = |values: &[f32]| values.iter().filter(|value| !value.is_nan()).count();
            assert_eq!(n_known(&found.batch_loss_mean), n_known(&expected.batch_loss_mean));
            assert_eq!(found.loss[0].to_bits(), expected.loss[0].to_bits());
            assert_eq!(found.loss.last().map(|l| l.to_bits()), expected.loss.last().map(|l| l.to_bits()));
            assert_eq!(n_known(&found.loss), n_known(&expected.loss));
            assert!(n_known(&found.validation) > 300);
        }
        // The run continues from there.
        block_on(back.advance(3)).unwrap();
        assert_eq!(back.history().n_steps(), steps + 3);
    }
}

#[test]
fn a_history_has_no_more_points_than_are_kept() {
    let mut history = History::new();
    history.record_loss(0, 1.0);
    for first in (0..1_000_000).step_by(1_000) {
        history.record_steps_at_rate(first, &[0.5; 1_000], 0.1);
        history.record_loss(first + 1_000, 1.0 / (first + 1_000) as f32);
    }
    for most in [2, 3, 10, 1_000, 100_000] {
        let curve = history.curve(most, 1_000_000);
        assert!(curve.len() <= most, "{} of {most}", curve.len());
        assert_eq!((curve.step[0], curve.loss[0]), (0, 1.0));
        assert_eq!((curve.step.last(), curve.loss.last()), (Some(&1_000_000), Some(&1e-6)));
        assert!(curve.step.is_sorted_by(|a, b| a < b));
        assert!(curve.batch_loss[1..].iter().all(|loss| *loss == 0.5));
    }
    // As a person would write them, not as an f32 converts to f64.
    assert_eq!(history.curve(10, 1_000_000).learning_rate[0], 0.1);
    // A history without steps is invalid.
    assert!(History::new().curve(10, 5).is_empty());
}

#[test]
fn whatever_a_file_says_of_its_history_the_run_goes_on() {
    let text = exported();
    let edit = |change: fn(&mut Value)| {
        let mut value: Value = serde_json::from_str(&text).unwrap();
        change(&mut value);
        run_file::read(value.to_string().as_bytes()).unwrap()
    };
    for name in ["saved", "metrics", "data", "history"] {
        let mut value: Value = serde_json::from_str(&text).unwrap();
        value.as_object_mut().unwrap().remove(name);
        assert!(run_file::read(value.to_string().as_bytes()).is_ok(), "without {name}");
        value[name] = serde_json::json!([{ "what": 1 }]);
        assert!(run_file::read(value.to_string().as_bytes()).is_ok(), "with another {name}");
    }
    assert!(edit(|file| file["history"]["loss"] = "none".into()).history.is_empty());
    let hostile = edit(|file| {
        file["history"]["step"] = serde_json::json!([5, 3, 4, u64::MAX, 7, 50, 51]);
        file["history"]["loss"] = serde_json::json!([1.0, 2.0, null, 1e300, -1.0]);
    });
    let mut run = trainer(On::Cpu, hostile.plan.config());
    block_on(run.restore(hostile.checkpoint)).unwrap();
    run.retrace(&hostile.history);
    let history = run.history().whole();
    assert_eq!(history.loss.len(), 51);
    let known: Vec<usize> = (0..51).filter(|step| !history.loss[*step].is_nan()).collect();
    assert_eq!(known, [5, 7, 50]);
    block_on(run.advance(5)).unwrap();
}
