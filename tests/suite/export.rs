//! Weights out and back in.

use downhill::config::{Method, RunConfig, choose_method, choose_optimizer, choose_schedule};
use downhill::export;
use downhill::loss::{Loss, Penalty};
use downhill::message::Code;
use serde_json::Value;

use crate::support::{EVERYWHERE, On, block_on, reference, trainer, trainer_of};

fn config() -> RunConfig {
    let mut config =
        choose_optimizer(&choose_method(&RunConfig::default(), Method::MiniBatch), "momentum").unwrap();
    config.model.degree = 3;
    config.model.standardize = Some(downhill::dataset::Scaling::Standardize);
    config
}

fn exported() -> String {
    let mut run = trainer(On::Cpu, &config());
    block_on(run.advance(50)).unwrap();
    export::write(&run).unwrap()
}

#[test]
fn a_file_brings_the_run_back_to_the_bit() {
    let decaying = choose_schedule(&choose_optimizer(&config(), "adam").unwrap(), "time_decay").unwrap();
    for (on, later) in EVERYWHERE.into_iter().flat_map(|on| [(on, config()), (on, decaying.clone())]) {
        let mut run = trainer(on, &config());
        block_on(run.advance(20)).unwrap();
        // Optimizer and schedule count from where they were chosen.
        run.change(later.check().unwrap());
        block_on(run.advance(30)).unwrap();
        let imported = export::read(export::write(&run).unwrap().as_bytes()).unwrap();
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
    // By the file alone, as a reader in another language would: features, kernel, bias.
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
    export::read(text.as_bytes()).unwrap_err().code
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
    assert!(export::read(file.to_string().as_bytes()).is_ok());
}

#[test]
fn a_place_that_the_data_does_not_have_is_refused() {
    let mut file: Value = serde_json::from_str(&exported()).unwrap();
    for position in [100_u32, u32::MAX] {
        file["training_state"]["place"]["position"] = position.into();
        let imported = export::read(file.to_string().as_bytes()).unwrap();
        let mut run = trainer(On::Cpu, imported.plan.config());
        let before = run.checkpoint();
        let refused = block_on(run.restore(imported.checkpoint)).unwrap_err();
        assert_eq!(refused.code, Code::WeightsPlace);
        assert_eq!(run.checkpoint(), before);
    }
}

#[test]
fn field_by_field_it_is_the_same_file() {
    let mut run = trainer(On::Cpu, &config());
    block_on(run.advance(50)).unwrap();
    let fields: serde_json::Map<String, Value> =
        export::fields(&run).unwrap().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let written: Value = serde_json::from_str(&export::write(&run).unwrap()).unwrap();
    assert!(fields.keys().eq(written.as_object().unwrap().keys()));
    let [read, expected] = [Value::Object(fields), written].map(|value| export::read_value(value).unwrap());
    assert_eq!((read.plan, read.map), (expected.plan, expected.map));
    assert_eq!(read.checkpoint.state.values, expected.checkpoint.state.values);
    assert_eq!(read.checkpoint.place, expected.checkpoint.place);
}

#[test]
fn a_file_from_before_losses_and_penalties_goes_on_as_it_did_then() {
    // tests/reference/weights.json: what the version named there wrote after 50 updates, and after 25 more.
    let files = reference("weights");
    let [before, after] = ["before", "after"].map(|name| export::read_value(files[name].clone()).unwrap());
    let config = before.plan.config();
    assert_eq!((config.loss, config.penalty), (Loss::Squared, Penalty::default()));
    assert_eq!((config.validation.test_fraction, config.validation.folds, config.penalty_path), (0.0, 0, 0));
    let mut run = trainer(On::Cpu, config);
    assert_eq!((&run.task().map, run.validates()), (&before.map, true));
    block_on(run.restore(before.checkpoint)).unwrap();
    block_on(run.advance(25)).unwrap();
    let expected = after.checkpoint;
    assert_eq!((run.step(), run.place()), (75, expected.place));
    assert_eq!(run.checkpoint().state.values, expected.state.values);
    // Nor does what is written of such a run differ, but for what was added to configurations since.
    let mut written: Value = serde_json::from_str(&export::write(&run).unwrap()).unwrap();
    let mut expected = files["after"].clone();
    for file in [&mut written, &mut expected] {
        file.as_object_mut().unwrap().remove("config");
    }
    assert_eq!(written, expected);
}
