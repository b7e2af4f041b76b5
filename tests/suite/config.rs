//! Configurations, their links, and what they reject.

use downhill::choices::{Choice as _, Loss, Method, Missing, Optimizer, Schedule, ShippedTable, Source};
use downhill::config::{
    self, RunConfig, choose_method, choose_optimizer, choose_schedule, choose_source, from_query, json,
    loss_for_target, to_query,
};
use downhill::message::Code;

use crate::support::presets;

#[test]
fn the_default_is_an_empty_link() {
    assert_eq!(to_query(&RunConfig::default()), "");
    let (config, problems) = from_query("", json);
    assert_eq!(config, RunConfig::default());
    assert!(problems.is_empty());
}

#[test]
fn every_preset_is_read_whole() {
    assert_eq!(presets().len(), include_str!("../../www/presets.js").matches(": '").count());
}

#[test]
fn a_target_keeps_a_loss_that_suits_it() {
    for (current, n_classes, expected) in [
        (Loss::Absolute, 0, Loss::Absolute),
        (Loss::Logistic, 0, Loss::Logistic),
        (Loss::Softmax, 0, Loss::Squared),
        (Loss::Absolute, 2, Loss::Logistic),
        (Loss::Softmax, 2, Loss::Softmax),
        (Loss::Logistic, 3, Loss::Softmax),
        (Loss::Poisson, 3, Loss::Softmax),
    ] {
        assert_eq!(loss_for_target(current, n_classes), expected, "{current:?}, {n_classes} classes");
    }
}

#[test]
fn every_choice_survives_its_link() {
    let base = RunConfig::default();
    let mut configs: Vec<RunConfig> = presets().into_values().collect();
    for optimizer in Optimizer::SPEC.entries {
        configs.push(choose_optimizer(&base, optimizer.name).unwrap());
    }
    for schedule in Schedule::SPEC.entries {
        configs.push(choose_schedule(&base, schedule.name).unwrap());
    }
    for id in std::iter::once("linspace").chain(ShippedTable::SPEC.entries.iter().map(|entry| entry.name)) {
        configs.push(choose_source(&base, id).unwrap());
    }
    let mut edited = base.clone();
    edited.data.added = vec![[0.25, -3.5], [1e-7, 12.0]];
    edited.data.removed = vec![3, 99];
    edited.stop.loss = Some(0.01);
    edited.steps_per_second = None;
    edited.model.standardize = Some(downhill::choices::Scaling::None);
    configs.push(edited);
    let mut table = base.clone();
    table.data.source =
        Source::Table { name: "prix & coûts=1#.csv".into(), fingerprint: "00ff00ff00ff00ff".into() };
    let mut several = table.clone();
    several.data.columns = config::ColumnsConfig {
        target: "price (k€)".into(),
        features: vec!["a.b".into(), "say \"hi\" & go".into()],
        kinds: vec![["a.b".into(), "category".into()]],
        missing: Missing::Median,
        skip_bad_cells: true,
        ..config::ColumnsConfig::default()
    };
    several.model.degrees = vec![("a.b".into(), 3)];
    several.model.interactions = vec![["a.b".into(), "say \"hi\" & go".into()]];
    several.model.standardize = Some(downhill::choices::Scaling::MinMax);
    configs.extend([table, several]);
    for config in configs {
        let query = to_query(&config);
        let (back, problems) = from_query(&query, json);
        assert_eq!(problems, [], "{query}");
        assert_eq!(back, config, "{query}");
        assert!(query.is_ascii() && !query.contains([' ', '"', '#']), "{query}");
        config.check().unwrap();
    }
}

#[test]
fn a_broken_link_keeps_what_can_be_read_and_names_the_rest() {
    let (config, problems) = from_query(
        "#method=stochastic&learning_rate=-3&optimizer.kind=adam&optimizer.beta2=0.95&optimizer.beta1=7\
         &schedule.kind=sideways&nonsense&x=1&model.degree=%ZZ",
        json,
    );
    assert_eq!(config.method, Method::Stochastic);
    assert_eq!(config.learning_rate, RunConfig::default().learning_rate);
    let Optimizer::Adam { beta1, beta2, .. } = config.optimizer else { panic!() };
    assert_eq!((beta1, beta2), (0.9, 0.95));
    let parts: Vec<&str> = problems.iter().map(|problem| problem.params["part"].as_str()).collect();
    for part in [
        "learning_rate=-3",
        "optimizer.beta1=7",
        "schedule.kind=sideways",
        "nonsense",
        "x=1",
        "model.degree=%ZZ",
    ] {
        assert!(parts.contains(&part), "{part} is not among {parts:?}");
    }
    assert_eq!(parts.len(), 6);
}

#[test]
fn every_field_out_of_range_is_named() {
    let check = |change: fn(&mut RunConfig), code: Code, field: &str| {
        let mut config = RunConfig::default();
        change(&mut config);
        let message = config.check().unwrap_err();
        assert_eq!(message.code, code, "{message}");
        assert_eq!(message.params["field"], field);
    };
    use Code::{FieldNotPositive, FieldOutOfRange};
    check(|c| c.learning_rate = 0.0, FieldNotPositive, "learning_rate");
    check(|c| c.learning_rate = -0.1, FieldNotPositive, "learning_rate");
    check(|c| c.learning_rate = f64::NAN, FieldNotPositive, "learning_rate");
    check(|c| c.learning_rate = f64::INFINITY, FieldOutOfRange, "learning_rate");
    check(|c| c.model.degree = 0, FieldOutOfRange, "model.degree");
    check(|c| c.model.degree = 13, FieldOutOfRange, "model.degree");
    check(|c| c.batch_size = 0, FieldOutOfRange, "batch_size");
    check(|c| c.steps_per_second = Some(0.0), FieldOutOfRange, "steps_per_second");
    check(|c| c.data.added = vec![[f64::NAN, 1.0]], FieldOutOfRange, "data.added");
    check(
        |c| c.schedule = Schedule::Step { step_size: 0, gamma: 0.5 },
        FieldOutOfRange,
        "schedule.step_size",
    );
    let mut config = RunConfig::default();
    if let Source::Linspace { n_samples, .. } = &mut config.data.source {
        *n_samples = 1;
    }
    assert_eq!(config.check().unwrap_err().params["field"], "data.source.n_samples");
}

#[test]
fn a_decaying_rate_brings_its_schedule_and_takes_it_away() {
    let decaying = choose_method(&RunConfig::default(), Method::DecayingRate);
    assert!(matches!(decaying.schedule, Schedule::TimeDecay { .. }));
    assert_eq!(choose_method(&decaying, Method::Batch).schedule, Schedule::Constant);
    let cosine = choose_schedule(&decaying, "cosine").unwrap();
    assert_eq!(cosine.method, Method::Stochastic);
}

#[test]
fn sliders_and_their_values_agree() {
    for rate in [1e-5, 3e-4, 0.01, 0.03, 0.1, 1.0, 10.0] {
        let position = config::position_from_rate(rate);
        assert_eq!(config::rate_from_position(position), rate);
    }
    assert_eq!(config::rate_from_position(0.0), 1e-5);
    assert_eq!(config::rate_from_position(1.0), 10.0);
    assert_eq!(config::speed_from_position(0.0), Some(1.0));
    assert_eq!(config::speed_from_position(1.0), None);
    for speed in [1.0, 60.0, 1000.0, 1e6] {
        let back = config::speed_from_position(config::position_from_speed(Some(speed))).unwrap();
        assert!((back / speed - 1.0).abs() < 0.05, "{speed} came back as {back}");
    }
}
