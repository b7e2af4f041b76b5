//! Small tables with one nasty thing each, in `corpus/`, and beside them, in `expected.json`, what each says to a person
//! who reads it: how it is written, its columns, their first cells; or why it is no table. `tests/browser/corpus.test.js` holds
//! the wasm to the same. Days are differences of Python 3.13's `datetime.date`.
#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use downhill_tables::table::Table;
use serde_json::{Value, json};

/// Columns, and cells of each, that are compared.
const SHOWN: usize = 6;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus")
}

fn outcome(bytes: &[u8]) -> Value {
    let table = match Table::read(bytes) {
        Ok(table) => table,
        Err(message) => return json!({ "code": message.code.name() }),
    };
    let preview = table.preview().unwrap();
    let columns = preview.columns.iter().enumerate().take(SHOWN).map(|(j, column)| {
        let n_cells = SHOWN.min(preview.n_rows as usize);
        let cell = |row| match table.columns()[j].value(row).unwrap() {
            Some(value) => json!(value),
            None => json!(preview.rows[row][j].chars().take(20).collect::<String>()),
        };
        json!({
            "name": column.name,
            "kind": column.kind,
            "n_missing": column.n_missing,
            "n_bad": column.n_bad,
            "cells": (0..n_cells).map(cell).collect::<Vec<Value>>(),
        })
    });
    json!({
        "dialect": preview.dialect,
        "n_rows": preview.n_rows,
        "n_columns": preview.columns.len(),
        "n_long": preview.n_long,
        "n_short": preview.n_short,
        "columns": columns.collect::<Vec<Value>>(),
    })
}

#[test]
fn nasty_tables_say_what_a_person_reads_in_them() {
    let expected: BTreeMap<String, Value> =
        serde_json::from_slice(&fs::read(folder().join("expected.json")).unwrap()).unwrap();
    let mut names: Vec<String> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "expected.json")
        .collect();
    names.sort();
    assert_eq!(names, expected.keys().cloned().collect::<Vec<_>>());
    for name in names {
        let found = outcome(&fs::read(folder().join(&name)).unwrap());
        assert_eq!(found, expected[&name], "{name}: {found}");
    }
}
