//! Tables of choices: every entry survives a round trip through every form.

use std::collections::BTreeSet;

use downhill::choices::{
    Activation, BackendChoice, Choice, InitialWeights, Loss, Method, Missing, Optimizer, SPECS, Scaling,
    Schedule, Source, Spec, Split,
};
use downhill::config::{RunConfig, from_query, json, to_query};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json as object};

/// The JSON of every entry of every choice.
fn written() -> Vec<(&'static Spec, Value)> {
    fn of<T: Choice + Serialize>() -> impl Iterator<Item = (&'static Spec, Value)> {
        T::all().map(|choice| (T::SPEC, serde_json::to_value(choice).unwrap()))
    }
    of::<Optimizer>()
        .chain(of::<Schedule>())
        .chain(of::<Loss>())
        .chain(of::<InitialWeights>())
        .chain(of::<Scaling>())
        .chain(of::<Method>())
        .chain(of::<Split>())
        .chain(of::<BackendChoice>())
        .chain(of::<Missing>())
        .chain(of::<Source>())
        .collect()
}

#[test]
fn every_entry_comes_back_from_json_and_from_its_name() {
    fn check<T: Choice + Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>() {
        assert_eq!(T::all().count(), T::SPEC.entries.len());
        for choice in T::all() {
            let value = serde_json::to_value(&choice).unwrap();
            assert_eq!(serde_json::from_value::<T>(value.clone()).unwrap(), choice, "{value}");
            assert_eq!(T::named(choice.name()), Some(choice), "{value}");
        }
        assert_eq!(T::named("nothing"), None);
    }
    check::<Optimizer>();
    check::<Schedule>();
    check::<Loss>();
    check::<Activation>();
    check::<InitialWeights>();
    check::<Scaling>();
    check::<Method>();
    check::<Split>();
    check::<BackendChoice>();
    check::<Missing>();
    check::<Source>();
}

#[test]
fn every_entry_comes_back_from_an_address() {
    for (spec, value) in written() {
        // As in a file, which knows nothing of the other choices.
        let mut config = serde_json::to_value(RunConfig::default()).unwrap();
        *config.pointer_mut(&format!("/{}", spec.path.replace('.', "/"))).unwrap() = value.clone();
        let config: RunConfig = serde_json::from_value(config).unwrap();
        let query = to_query(&config);
        let (back, problems) = from_query(&query, json);
        assert_eq!(problems, [], "{query}");
        assert_eq!(back, config, "{value}: {query}");
    }
}

#[test]
fn parameters_left_out_have_defaults_within_their_ranges() {
    fn check<T: Choice + DeserializeOwned + PartialEq + std::fmt::Debug>() {
        for choice in T::all() {
            let bare = object!({ "kind": choice.name() });
            assert_eq!(serde_json::from_value::<T>(bare).unwrap(), choice);
            choice.check_ranges().unwrap();
        }
    }
    check::<Optimizer>();
    check::<Schedule>();
    check::<Loss>();
}

#[test]
fn a_parameter_outside_its_range_is_named() {
    for (spec, value) in written() {
        let entry = spec.entry(value["kind"].as_str().unwrap_or_default());
        for parameter in entry.into_iter().flat_map(|entry| entry.parameters) {
            let Some((least, most)) = parameter.range else { continue };
            for outside in [least - 1.0, most + 1.0] {
                let mut value = value.clone();
                // Counts cannot be negative.
                if outside < 0.0 && value[parameter.name].is_u64() {
                    continue;
                }
                value[parameter.name] = outside.into();
                let mut config = serde_json::to_value(RunConfig::default()).unwrap();
                *config.pointer_mut(&format!("/{}", spec.path.replace('.', "/"))).unwrap() = value;
                let config: RunConfig = serde_json::from_value(config).unwrap();
                let problem = config.check().unwrap_err();
                assert_eq!(problem.params["field"], format!("{}.{}", spec.path, parameter.name));
            }
        }
    }
}

#[test]
fn what_cannot_be_read_is_said() {
    let wrong = |value: Value| serde_json::from_value::<Optimizer>(value).unwrap_err().to_string();
    assert_eq!(wrong(object!({})), "missing field `kind`");
    assert_eq!(wrong(object!({ "kind": "newton" })), "there is no kind \"newton\"");
    assert_eq!(wrong(object!({ "kind": "adam", "beta3": 1 })), "unknown field `beta3`");
    assert_eq!(wrong(object!({ "kind": "adam", "beta1": "x" })), "beta1: \"x\" cannot be read");
    let wrong = serde_json::from_value::<Scaling>(object!("maximum")).unwrap_err().to_string();
    assert_eq!(wrong, "there is no scaling \"maximum\", only false, true, \"min_max\"");
    // JavaScript has only one kind of number.
    let step = object!({ "kind": "step", "step_size": 1e3 });
    assert_eq!(
        serde_json::from_value::<Schedule>(step).unwrap(),
        Schedule::Step { step_size: 1000, gamma: 0.5 }
    );
}

#[test]
fn names_and_numbers_are_unique() {
    let choices: BTreeSet<&str> = SPECS.iter().map(|spec| spec.name).collect();
    assert_eq!(choices.len(), SPECS.len());
    for spec in SPECS {
        let names: BTreeSet<&str> = spec.entries.iter().map(|entry| entry.name).collect();
        assert_eq!(names.len(), spec.entries.len(), "{}", spec.name);
        let numbered: Vec<_> = spec.entries.iter().filter_map(|entry| entry.kernel).collect();
        let numbers: BTreeSet<u32> = numbered.iter().map(|(_, number)| *number).collect();
        assert_eq!(numbers.len(), numbered.len(), "{}", spec.name);
        for entry in spec.entries {
            let names: BTreeSet<&str> = entry.parameters.iter().map(|parameter| parameter.name).collect();
            assert_eq!(names.len(), entry.parameters.len(), "{}", entry.name);
        }
    }
}

/// Choices whose entries get their words from the table form, or have no words yet.
const WORDED_ELSEWHERE: [&str; 4] = ["activation", "missing", "source", "table"];

#[test]
fn every_entry_and_parameter_has_words() {
    let text = include_str!("../../www/words/choices.js");
    // The file's indentation shows the nesting: `choice`, then `entries` and `parameters`, then
    // their names.
    for spec in SPECS.iter().filter(|spec| !WORDED_ELSEWHERE.contains(&spec.name)) {
        let (_, words) = text.split_once(&format!("\n  {}: {{\n", spec.name)).expect(spec.name);
        let (words, _) = words.split_once("\n  },\n").unwrap();
        let (entries, parameters) = words.split_once("\n    parameters: {").unwrap();
        for entry in spec.entries {
            assert!(entries.contains(&format!("\n      {}: {{", entry.name)), "{} {}", spec.name, entry.name);
            for parameter in entry.parameters {
                let line = format!("\n      {}: {{ en: '", parameter.name);
                assert!(parameters.contains(&line), "{} {}", spec.name, parameter.name);
            }
        }
    }
}
