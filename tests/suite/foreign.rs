//! Models of other tools on the current rows.

use std::rc::Rc;

use downhill::choices::{Loss, Scaling};
use downhill::config::{ModelConfig, RunConfig};
use downhill::dataset::{Dataset, FeatureMap, Input, InputMap};
use downhill::foreign::{Comparison, Model};
use downhill::message::{Code, Result};
use downhill::model::Response;
use downhill::trainer::{Task, Trainer};
use serde_json::{Value, json};

use crate::support::{On, assert_close, block_on, trainer_of};

fn category(name: &str, levels: &[&str]) -> Input {
    Input { name: name.to_owned(), levels: levels.iter().map(|level| (*level).to_owned()).collect() }
}

/// Years, heights and colours with an arbitrary target.
fn rows() -> Dataset {
    let n = 60;
    let column = |of: fn(usize) -> f64| (0..n).map(of).collect::<Vec<f64>>();
    let columns = vec![
        column(|i| 1851.0 + i as f64),
        column(|i| ((i * 7) % 13) as f64 - 6.0),
        column(|i| (i % 3) as f64),
        column(|i| ((i * i) % 17) as f64),
    ];
    let inputs =
        vec![Input::number("year"), Input::number("height"), category("colour", &["blue", "green", "red"])];
    Dataset::of_table(columns, inputs, "price")
}

/// Height squared, year, a colour with levels in another order, and products; unscaled, or scaled
/// by `scaled`.
fn foreign() -> Model {
    let inputs = vec![
        category("colour", &["red", "blue", "grey", "green"]),
        Input::number("height"),
        Input::number("year"),
    ];
    let maps = vec![InputMap::category(4), InputMap::number(2), InputMap::number(1)];
    let map = FeatureMap::new(maps, vec![[1, 2], [0, 1]]);
    let weights: Vec<Vec<f64>> = (0..map.n_features()).map(|k| vec![0.25 * k as f64 - 0.6]).collect();
    Model {
        inputs,
        target: "cost".to_owned(),
        target_levels: Vec::new(),
        map,
        weights,
        bias: Some(vec![3.5]),
        activation: Response::Linear,
    }
}

/// The model's prediction for a row of the data, by its own map and with levels matched by name.
fn said(model: &Model, x: &[f64]) -> f64 {
    let colour = [1.0, 3.0, 0.0][x[2] as usize];
    let mut features = vec![0.0; model.map.n_features()];
    model.map.features(&[colour, x[1], x[0]], &mut features);
    let bias = model.bias.as_ref().map_or(0.0, |bias| bias[0]);
    bias + features.iter().zip(&model.weights).map(|(f, w)| f * w[0]).sum::<f64>()
}

/// As the session does it.
fn adopted(model: &Model, dataset: Dataset, before: &RunConfig) -> Result<Trainer> {
    let matching = model.matched(&dataset.inputs)?;
    let mut config = before.clone();
    config.model = model.config(&dataset.inputs, &matching, &before.model);
    config.loss = model.loss(before.loss);
    let task = Task::new(&config.check()?, Rc::new(dataset))?;
    let inputs = task.dataset.inputs.clone();
    let outputs = (task.layout.n_outputs() as usize, &task.dataset.target_levels[..]);
    let parameters = model.parameters((&task.map, config.model.bias), (&inputs, &matching), outputs)?;
    let mut run = trainer_of(On::Cpu, &config, task);
    block_on(run.begin_at(&parameters))?;
    Ok(run)
}

#[test]
fn a_model_becomes_a_run_that_says_the_same_and_goes_on() {
    for standardize in [Scaling::None, Scaling::Standardize, Scaling::MinMax] {
        let model = foreign();
        let mut before = RunConfig { learning_rate: 1e-9, ..RunConfig::default() };
        before.model.standardize = Some(standardize);
        before.loss = Loss::Huber { delta: 2.0 };
        let mut run = adopted(&model, rows(), &before).unwrap();
        let config = run.plan().config().clone();
        // A loss whose outputs have the same meaning is kept.
        assert_eq!(config.loss, before.loss);
        assert_eq!((config.model.degree, config.model.bias), (1, true));
        assert_eq!(config.model.degrees, [("height".to_owned(), 2)]);
        let pair = |a: &str, b: &str| [a.to_owned(), b.to_owned()];
        assert_eq!(config.model.interactions, [pair("year", "height"), pair("height", "colour")]);
        assert_eq!((run.step(), run.place().epoch, run.history().len()), (0, 0, 1));
        let (x, _) = run.task().dataset.columns();
        let largest = x.chunks_exact(3).map(|x| said(&model, x).abs()).fold(0.0, f64::max);
        for x in x.chunks_exact(3) {
            // Parameters are f32.
            assert_close(run.predict_row(x), said(&model, x), 1e-5 * largest, &format!("{standardize:?}"));
        }
        let checkpoint = run.checkpoint();
        assert!(checkpoint.state.slot(0, 1).iter().chain(checkpoint.state.slot(0, 2)).all(|m| *m == 0.0));
        assert_eq!(checkpoint.first_loss, run.measured().loss);
        block_on(run.advance(3)).unwrap();
        assert_eq!(run.step(), 3);
    }
}

#[test]
fn a_scaled_model_says_the_same_as_the_one_that_it_was_scaled_from() {
    // As in Keras' Normalization layer: centred, with a model behind it that has no bias.
    let mut model = foreign();
    for (input, (center, scale)) in model.map.inputs[1..].iter_mut().zip([(0.5, 4.0), (1880.0, 17.0)]) {
        (input.center, input.scale) = (center, scale);
    }
    model.bias = None;
    let run = adopted(&model, rows(), &RunConfig::default()).unwrap();
    assert!(run.plan().config().model.bias, "its constant needs one");
    let (x, _) = run.task().dataset.columns();
    for x in x.chunks_exact(3) {
        assert_close(run.predict_row(x), said(&model, x), 1e-4, "a row");
    }
    // If nothing is centred and the reference level is the same, there is no constant.
    let plain = Model {
        inputs: vec![Input::number("height"), Input::number("year")],
        map: FeatureMap::new(vec![InputMap::number(1); 2], vec![]),
        weights: vec![vec![2.0], vec![-0.5]],
        bias: None,
        ..foreign()
    };
    let two = Dataset::of_table(
        vec![vec![1.0, 2.0, 3.0], vec![5.0, 6.0, 8.0], vec![0.0, 1.0, 0.5]],
        vec![Input::number("year"), Input::number("height")],
        "y",
    );
    for scaling in [Scaling::None, Scaling::Standardize, Scaling::MinMax] {
        let mut before = RunConfig::default();
        before.model.standardize = Some(scaling);
        let run = adopted(&plain, two.clone(), &before).unwrap();
        assert!(!run.plan().config().model.bias);
        assert_close(run.predict_row(&[3.0, 8.0]), 2.0 * 8.0 - 0.5 * 3.0, 1e-5, &format!("{scaling:?}"));
    }
}

#[test]
fn inputs_are_matched_by_name_then_by_order_and_else_refused() {
    let model = foreign();
    let data = rows().inputs;
    let matching = model.matched(&data).unwrap();
    assert_eq!((matching.used(), matching.notice), (vec![0, 1, 2], None));
    let renamed = [category("Farbe", &["blue", "green", "red"]), Input::number("h"), Input::number("y")];
    let notice = model.matched(&renamed).unwrap().notice.unwrap();
    assert_eq!(notice.code, Code::NoticeByOrder);
    assert_eq!(
        (&*notice.params["found"], &*notice.params["expected"]),
        ("colour, height, year", "Farbe, h, y")
    );
    for other in [
        // Too few inputs, another kind, and an unknown level.
        vec![Input::number("h"), Input::number("y")],
        vec![Input::number("Farbe"), Input::number("h"), Input::number("y")],
        vec![category("colour", &["blue", "pink"]), Input::number("height"), Input::number("year")],
    ] {
        let refused = model.matched(&other).unwrap_err();
        assert_eq!(refused.code, Code::ModelInputs);
        assert_eq!(refused.params["found"], "colour (red, blue, grey, green), height, year");
    }
}

#[test]
fn the_loss_follows_the_activation() {
    let of = |activation: Response, n_outputs: usize| Model {
        activation,
        weights: vec![vec![0.0; n_outputs]; 7],
        ..foreign()
    };
    let cases = [
        (Response::Linear, 1, Loss::LogCosh, Loss::LogCosh),
        (Response::Linear, 1, Loss::Logistic, Loss::Squared),
        (Response::Linear, 3, Loss::Squared, Loss::Squared),
        (Response::Sigmoid, 1, Loss::Squared, Loss::Logistic),
        (Response::Softmax, 3, Loss::Squared, Loss::Softmax),
        (Response::Exponential, 1, Loss::Squared, Loss::Poisson),
        (Response::Softmax, 3, Loss::Softmax, Loss::Softmax),
    ];
    for (activation, n_outputs, before, expected) in cases {
        assert_eq!(of(activation, n_outputs).loss(before), expected, "{activation:?}");
    }
}

fn flowers(levels: &[&str]) -> Dataset {
    let columns = vec![vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0], vec![0.0, 0.0, 1.0, 1.0, 2.0, 2.0]];
    let levels = levels.iter().map(|level| (*level).to_owned()).collect();
    Dataset::of_table(columns, vec![Input::number("width")], "kind").with_target_levels(levels)
}

fn of_classes(levels: &[&str], weights: &[f64], bias: &[f64], activation: Response) -> Model {
    Model {
        inputs: vec![Input::number("width")],
        target: "kind".to_owned(),
        target_levels: levels.iter().map(|level| (*level).to_owned()).collect(),
        map: FeatureMap::plain(1),
        weights: vec![weights.to_vec()],
        bias: Some(bias.to_vec()),
        activation,
    }
}

#[test]
fn classes_are_matched_by_name() {
    let softmax = |z: [f64; 3]| {
        let e = z.map(f64::exp);
        e.map(|e_k| e_k / e.iter().sum::<f64>())
    };
    let model = of_classes(&["c", "a", "b"], &[1.0, 2.0, -1.0], &[0.1, 0.2, 0.3], Response::Softmax);
    let run = adopted(&model, flowers(&["a", "b", "c"]), &RunConfig::default()).unwrap();
    let mut found = Vec::new();
    run.for_each_response(&[0.5], |_, response| found = response.to_vec());
    for (found, expected) in found.iter().zip(softmax([1.2, -0.2, 0.6])) {
        assert_close(*found, expected, 1e-6, "a class");
    }
    // Inputs without names are matched in order; other names are rejected.
    let bare = of_classes(&[], &[1.0, 2.0, -1.0], &[0.1, 0.2, 0.3], Response::Softmax);
    adopted(&bare, flowers(&["a", "b", "c"]), &RunConfig::default()).unwrap();
    let refused = adopted(&model, flowers(&["x", "y", "z"]), &RunConfig::default()).unwrap_err();
    assert_eq!((refused.code, &*refused.params["expected"]), (Code::ModelInputs, "x, y, z"));
    // With two classes, the other probability is 1 minus this one.
    let two = of_classes(&["b", "a"], &[2.0], &[-1.0], Response::Sigmoid);
    let columns = vec![vec![0.0, 1.0, 2.0, 3.0], vec![0.0, 1.0, 0.0, 1.0]];
    let data = Dataset::of_table(columns, vec![Input::number("width")], "kind")
        .with_target_levels(vec!["a".to_owned(), "b".to_owned()]);
    let run = adopted(&two, data.clone(), &RunConfig::default()).unwrap();
    assert_close(run.predict_row(&[1.5]), 1.0 - 1.0 / (1.0 + (-2.0_f64).exp()), 1e-6, "the second class");
    // A plain number for one class says nothing of the other.
    let number = Model { activation: Response::Linear, ..two };
    assert_eq!(adopted(&number, data, &RunConfig::default()).unwrap_err().code, Code::ModelInputs);
}

#[test]
fn a_comparison_says_what_each_is_worth_and_changes_nothing() {
    let mut config = RunConfig::default();
    config.validation.fraction = 0.25;
    config.validation.test_fraction = 0.25;
    config.model = ModelConfig { standardize: Some(Scaling::Standardize), ..ModelConfig::default() };
    config.learning_rate = 0.05;
    let task = Task::new(&config.check().unwrap(), Rc::new(rows())).unwrap();
    let mut run = trainer_of(On::Cpu, &config, task);
    block_on(run.advance(100)).unwrap();
    let (before, model) = (run.checkpoint(), foreign());
    let comparison = Comparison::of(&model, &run).unwrap();
    assert_eq!(run.checkpoint(), before);
    assert_eq!(comparison.notices, []);
    assert_eq!(
        comparison.parts.iter().map(|part| (part.part, part.n_samples)).collect::<Vec<_>>(),
        [("training", 30), ("validation", 15), ("test", 15)]
    );
    let (x, y) = run.task().dataset.columns();
    for (role, part) in comparison.parts.iter().enumerate() {
        let rows = || (0..60).filter(|row| run.task().roles.role(*row) as usize == role);
        let n = rows().count() as f64;
        let mean = rows().map(|row| y[row]).sum::<f64>() / n;
        let variance = rows().map(|row| (y[row] - mean).powi(2)).sum::<f64>() / n;
        let of = |said: &dyn Fn(&[f64]) -> f64| {
            let residual = |row: usize| said(&x[3 * row..][..3]) - y[row];
            let mse = rows().map(|row| residual(row).powi(2)).sum::<f64>() / n;
            let mae = rows().map(|row| residual(row).abs()).sum::<f64>() / n;
            [mse, mse, mse.sqrt(), mae, 1.0 - mse / variance]
        };
        let (current, theirs) = (of(&|x| run.predict_row(x)), of(&|x| said(&model, x)));
        let names: Vec<&str> = part.scores.iter().map(|score| score.name).collect();
        assert_eq!(names, ["loss", "mse", "rmse", "mae", "r2"]);
        for ((score, current), theirs) in part.scores.iter().zip(current).zip(theirs) {
            assert_close(score.current.unwrap(), current, 1e-9 * current.abs().max(1.0), score.name);
            assert_close(score.model.unwrap(), theirs, 1e-9 * theirs.abs().max(1.0), score.name);
        }
    }
    // Term by term in the units of the data, from which both models can be computed by hand.
    let terms: Vec<&str> =
        comparison.coefficients.iter().map(|row| row.term.as_deref().unwrap_or("bias")).collect();
    assert_eq!(
        terms,
        [
            "year",
            "height",
            "colour = green",
            "colour = red",
            "height^2",
            "year * height",
            "height * colour = green",
            "height * colour = red",
            "bias"
        ]
    );
    let value = |term: usize, own: bool| {
        let row = &comparison.coefficients[term];
        if own { row.current } else { row.model }
    };
    assert_eq!((4..8).filter_map(|term| value(term, true)).count(), 0);
    for x in x.chunks_exact(3) {
        let (green, red) = (f64::from(x[2] == 1.0), f64::from(x[2] == 2.0));
        let raw = [x[0], x[1], green, red, x[1] * x[1], x[0] * x[1], x[1] * green, x[1] * red, 1.0];
        let by_hand = |own: bool| -> f64 {
            raw.iter().enumerate().map(|(k, t)| t * value(k, own).unwrap_or(0.0)).sum()
        };
        assert_close(by_hand(false), said(&model, x), 1e-9 * said(&model, x).abs().max(1.0), "the model");
        assert_close(by_hand(true), run.predict_row(x), 1e-6, "the run");
    }
}

#[test]
fn a_model_that_means_something_else_is_not_scored() {
    let config = RunConfig { loss: Loss::Softmax, ..RunConfig::default() };
    let task = Task::new(&config.check().unwrap(), Rc::new(flowers(&["a", "b", "c"]))).unwrap();
    let run = trainer_of(On::Cpu, &config, task);
    let comparison = Comparison::of(&of_classes(&[], &[1.0], &[0.0], Response::Linear), &run).unwrap();
    let scores = &comparison.parts[0].scores;
    assert_eq!(scores.iter().map(|score| score.name).collect::<Vec<_>>(), ["loss", "log_loss", "accuracy"]);
    assert!(scores.iter().all(|score| score.current.is_some() && score.model.is_none()));
    // Its one output comes after the run's three.
    let labels: Vec<Option<&str>> = comparison.coefficients.iter().map(|row| row.output.as_deref()).collect();
    assert_eq!(labels, [Some("a"), Some("a"), Some("b"), Some("b"), Some("c"), Some("c"), None, None]);
    // The scores still work under a loss of another kind.
    let config = RunConfig { loss: Loss::Absolute, ..RunConfig::default() };
    let task = Task::new(&config.check().unwrap(), Rc::new(rows())).unwrap();
    let run = trainer_of(On::Cpu, &config, task);
    let counts = Model { activation: Response::Exponential, ..foreign() };
    let scores = Comparison::of(&counts, &run).unwrap().parts.remove(0).scores;
    assert_eq!((scores[0].name, scores[0].model), ("loss", None));
}

fn as_json() -> Value {
    json!({
        "inputs": [{ "name": "x", "levels": [] }],
        "target": "y",
        "target_levels": [],
        "map": { "degree": 1, "x_center": 0.0, "x_scale": 1.0, "center": [0.0], "scale": [1.0] },
        "weights": [[2.0]],
        "bias": [1.0],
        "activation": "linear",
    })
}

#[test]
fn json_whose_parts_do_not_fit_is_refused() {
    assert_eq!(Model::read(as_json()).unwrap().weights, [[2.0]]);
    let edits: [(&str, Value); 8] = [
        ("weights", json!([[2.0], [1.0]])),
        ("weights", json!([[]])),
        ("weights", json!([])),
        ("bias", json!([1.0, 2.0])),
        ("inputs", json!([])),
        ("inputs", json!([{ "name": "x", "levels": ["a", "b"] }])),
        ("activation", json!("relu")),
        (
            "map",
            json!({ "degree": 4_000_000_000_u32, "x_center": 0.0, "x_scale": 1.0, "center": [0.0], "scale": [1.0] }),
        ),
    ];
    for (name, value) in edits {
        let mut model = as_json();
        model[name] = value;
        assert_eq!(Model::read(model).unwrap_err().code, Code::Internal, "{name}");
    }
    for value in [1e308, -1e308] {
        let mut model = as_json();
        model["map"]["scale"] = json!([1e-300]);
        model["weights"] = json!([[value]]);
        let model = Model::read(model).unwrap();
        let line = Dataset::of_columns(vec![0.0, 1.0, 2.0], vec![0.0, 1.0, 2.0], "x", "y");
        assert_eq!(adopted(&model, line, &RunConfig::default()).unwrap_err().code, Code::WeightsNotFinite);
    }
}
