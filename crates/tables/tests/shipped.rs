//! The tables of `www/data`, read as the page reads them, and the least squares of what it makes of them.
#![allow(clippy::unwrap_used, missing_docs)]

use std::path::Path;

use downhill::analysis::inference::Inference;
use downhill::choices::{Choice as _, Scaling, ShippedTable};
use downhill::config::{ColumnsConfig, ModelConfig, ValidationConfig};
use downhill::dataset::{Dataset, Roles};
use downhill::model;
use downhill_tables::selection::Selection;
use downhill_tables::table::Table;
use serde_json::Value;

fn repository(path: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)).unwrap()
}

fn json(path: &str) -> Vec<Value> {
    let document: Value = serde_json::from_slice(&repository(path)).unwrap();
    document.get("cases").unwrap_or(&document).as_array().unwrap().clone()
}

/// The table that the page makes of this file when nothing else is chosen.
fn dataset(file: &str) -> Dataset {
    let table = Table::read(&repository(&format!("www/data/{file}"))).unwrap();
    let selection = Selection::new(&table, &ColumnsConfig::default()).unwrap();
    assert_eq!((selection.n_dropped, selection.n_bad), (0, 0), "{file}");
    let mut rows = vec![0.0; selection.n_rows() * (selection.inputs.len() + 1)];
    selection.read(&table, 0, &mut rows).unwrap();
    let width = selection.inputs.len() + 1;
    let columns = (0..width).map(|j| rows.iter().skip(j).step_by(width).copied().collect()).collect();
    Dataset::of_table(columns, selection.inputs.clone(), &selection.target)
}

#[test]
fn the_index_names_every_table_and_its_columns() {
    let index = json("www/data/index.json");
    for entry in &index {
        let text = |name: &str| entry[name].as_str().unwrap();
        let id = ShippedTable::named(text("id")).unwrap();
        assert_eq!(id.name(), text("id"));
        // What the page's worker asks for.
        assert_eq!(text("file"), format!("{}.csv", id.name().replace('_', "-")));
        let table = Table::read(&repository(&format!("www/data/{}", text("file")))).unwrap();
        assert_eq!(u64::from(table.n_rows()), entry["rows"].as_u64().unwrap(), "{}", id.name());
        let features = entry["features"].as_array().unwrap().iter().map(|name| name.as_str().unwrap());
        let names: Vec<&str> = features.chain([text("target")]).collect();
        let found: Vec<&str> = table.columns().iter().map(|column| column.name.as_str()).collect();
        assert_eq!(found, names, "{}", id.name());
    }
    let files = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../www/data")).unwrap();
    let tables = files
        .filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|extension| extension == "csv"));
    assert_eq!(tables.count(), index.len());
}

#[test]
fn least_squares_of_every_table_is_as_statsmodels_has_it() {
    // tests/reference/shipped.json: statsmodels 0.15.0, OLS(y, X).fit(): params, bse and rsquared; Longley's are certified
    // by NIST.
    let cases = json("tests/reference/shipped.json");
    assert_eq!(cases.len(), json("www/data/index.json").len());
    for case in cases {
        let id = case["id"].as_str().unwrap();
        let data = dataset(&format!("{}.csv", id.replace('_', "-")));
        assert_eq!(u64::from(data.n_samples()), case["n_samples"].as_u64().unwrap(), "{id}");
        assert_eq!(data.target, case["target"].as_str().unwrap(), "{id}");
        let plain = model::feature_map(&ModelConfig::default(), &data.inputs).unwrap();
        let mut terms = model::term_names(&plain, &data.inputs);
        terms.push("bias".into());
        assert_eq!(
            terms.iter().map(|term| Value::from(term.as_str())).collect::<Vec<_>>(),
            *case["terms"].as_array().unwrap()
        );
        let map = plain.scaled(&data, true, Scaling::Standardize);
        let roles = Roles::new(&ValidationConfig::default(), data.n_samples());
        let found = Inference::of(&data, &roles, &map, true);
        let expected = case["coefficients"].as_array().unwrap();
        assert_eq!(found.coefficients.len(), expected.len(), "{id}");
        for ((term, coefficient), expected) in terms.iter().zip(&found.coefficients).zip(expected) {
            let [estimate, error] = [0, 1].map(|k| expected[k].as_f64().unwrap());
            let apart = (coefficient.estimate - estimate).abs() / error;
            assert!(
                apart < 1e-9,
                "{id}, {term}: {} is {apart:e} errors from {estimate}",
                coefficient.estimate
            );
            let apart = coefficient.standard_error.unwrap() / error - 1.0;
            assert!(apart.abs() < 1e-8, "{id}, error of {term}: {apart:e} from {error}");
        }
        let r2 = case["r2"].as_f64().unwrap();
        assert!((found.r2.unwrap() - r2).abs() < 1e-11, "{id}: {:?} beside {r2}", found.r2);
    }
}
