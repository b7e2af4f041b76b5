//! Files that other tools wrote, and what those tools read back: see tests/reference/formats.py.

use std::path::PathBuf;
use std::rc::Rc;

use downhill_tables::source::Source;
use downhill_tables::table::Table;
use serde_json::Value;

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../tables/tests/files"))
}

/// The bytes of a file.
pub(crate) fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(name)).unwrap()
}

/// The same, to be read anywhere.
pub(crate) fn source(name: &str) -> Rc<dyn Source> {
    Rc::new(bytes(name))
}

/// Names of the files with such an end that hold a table.
pub(crate) fn files(end: &str) -> Vec<String> {
    let document: Value = serde_json::from_slice(&bytes("expected.json")).unwrap();
    let names = document["files"].as_object().unwrap().keys();
    let found: Vec<String> = names.filter(|name| name.ends_with(end)).cloned().collect();
    assert!(!found.is_empty(), "no file ends with {end}");
    found
}

/// Fails where a table is not what was expected of a file, column for column and cell for cell.
pub(crate) fn check(table: &Table, name: &str) {
    let document: Value = serde_json::from_slice(&bytes("expected.json")).unwrap();
    let mut expected = &document["files"][name];
    while let Value::String(same) = expected {
        expected = &document["files"][same.as_str()];
    }
    let expected = expected.as_object().unwrap();
    let names: Vec<&str> = table.columns().iter().map(|column| column.name.as_str()).collect();
    let mut wanted: Vec<&str> = expected.keys().map(String::as_str).collect();
    // serde_json sorts keys.
    let mut sorted = names.clone();
    sorted.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(sorted, wanted, "{name}");
    for column in table.columns() {
        let cells = expected[&column.name].as_array().unwrap();
        assert_eq!(table.n_rows() as usize, cells.len(), "{name}, {}", column.name);
        let levels = column.levels().unwrap().unwrap();
        let (mut n_dates, mut n_numbers, mut n_missing) = (0, 0, 0);
        for (row, cell) in cells.iter().enumerate() {
            let place = format!("{name}, {}, row {row}: {cell}", column.name);
            let word = column.level(&levels, row).unwrap().map(|level| levels.names[level as usize].as_str());
            match cell {
                Value::Null => {
                    n_missing += 1;
                    assert!(column.is_missing(row).unwrap(), "{place}");
                }
                Value::String(expected) => assert_eq!(word, Some(expected.as_str()), "{place}"),
                Value::Number(number) => {
                    n_numbers += 1;
                    assert_eq!(column.value(row).unwrap(), number.as_f64(), "{place}");
                }
                date => {
                    n_dates += 1;
                    let (days, found) = (date["days"].as_f64().unwrap(), column.value(row).unwrap().unwrap());
                    // A microsecond, which is what an f64 of days since 1970 can tell apart.
                    assert!((days - found).abs() < 1e-11 * days.abs().max(1.0), "{place}: {found}");
                }
            }
        }
        let found = (column.n_dates, column.n_numbers(), column.n_missing);
        assert_eq!(found, (n_dates, n_numbers, n_missing), "{name}, {}", column.name);
    }
}
