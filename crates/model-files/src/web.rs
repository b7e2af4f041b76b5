//! What the page's worker sees. Plain data cross as JSON text, files as bytes.

use js_sys::Error;
use serde::Serialize;
use wasm_bindgen::prelude::*;

use crate::describe::Seen;
use crate::format::FormatSpec;
use crate::formats;
use crate::run::Run;

/// Predictions of many rows; see [`crate::predict`] and the types below for what crosses as JSON.
#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** A code, its parameters and the English wording, as everywhere in Downhill. */
interface PredictorMessage { code: string; params: Record<string, string>; text: string }

/** What `Predictor.describe()` says, as JSON. */
interface PredictorDescription {
  /** What a row gives; a category's levels are words. */
  inputs: { name: string; levels: string[] }[];
  target: string;
  /** Names of the columns that predictions are put in, behind those of the table. */
  outputs: string[];
}

/** What `Predictor.counts()` says, as JSON. */
interface PredictorCounts {
  /** Rows so far, and those of them that have a prediction. */
  n_rows: number;
  n_predicted: number;
  n_bad: number;
  /** Of the first bad rows, what is wrong: the codes `cell_not_a_number`, `predict_missing`, `predict_level`, `row_width`. */
  problems: PredictorMessage[];
  /** `notice_by_order` where columns have no names, or none of the model's. */
  notices: PredictorMessage[];
  /** The table's column that each input is read from; null before the first row. */
  columns: string[] | null;
  /** The first rows as they were written: the row of names, then cells. */
  preview: string[][];
}

/** What `Predictor.rows()` says, as JSON: of each row its outputs (numbers as JSON, a class as a word), or what is wrong. */
interface PredictorRows {
  outputs: string[];
  rows: ({ values: (number | string)[]; problem: null } | { values: null; problem: PredictorMessage })[];
}
"#;

#[wasm_bindgen(start)]
fn start() {
    console_error_panic_hook::set_once();
}

/// Writes the run of a run file in a format.
#[wasm_bindgen]
pub fn write(run: &[u8], format: &str) -> Result<Vec<u8>, Error> {
    let format = format_named(format)?;
    Ok(format.write(&Run::read(run)?)?)
}

/// What a format holds of the run of a run file, and how it is loaded: a `Description`, as JSON.
#[wasm_bindgen]
pub fn describe(run: &[u8], format: &str) -> Result<String, Error> {
    let format = format_named(format)?;
    json(&format.describe(&Run::read(run)?)?)
}

/// The name of a file's format, by its content; nothing where it is no model.
#[wasm_bindgen]
pub fn format_of(bytes: &[u8]) -> Option<String> {
    formats::recognize(bytes).map(|format| format.name.to_owned())
}

/// Reads a model: a `Seen`, as JSON.
#[wasm_bindgen]
pub fn read(bytes: &[u8]) -> Result<String, Error> {
    json(&Seen::of(formats::read(bytes)?))
}

fn format_named(name: &str) -> Result<&'static FormatSpec, Error> {
    formats::named(name).ok_or_else(|| Error::new(&format!("no format is called {name}")))
}

/// Predictions of many rows: see [`predict`](crate::predict).
#[wasm_bindgen]
#[derive(Debug)]
pub struct Predictor(crate::predict::Predictor);

#[wasm_bindgen]
impl Predictor {
    /// Of a run file's text, or of the `model` of what [`read`] finds, as JSON.
    #[wasm_bindgen(constructor)]
    pub fn new(model: &str) -> Result<Self, Error> {
        Ok(Self(crate::predict::Predictor::read(model)?))
    }

    /// What it takes and gives: JSON of `PredictorDescription`.
    pub fn describe(&self) -> Result<String, Error> {
        json(&self.0.describe())
    }

    /// The next bytes of a table; returns the next of the one that goes out.
    pub fn push(&mut self, chunk: &[u8]) -> Result<Vec<u8>, Error> {
        Ok(self.0.push(chunk)?)
    }

    /// There are no more; returns the last of what goes out.
    pub fn finish(&mut self) -> Result<Vec<u8>, Error> {
        Ok(self.0.finish()?)
    }

    /// How far it is: JSON of `PredictorCounts`.
    pub fn counts(&self) -> Result<String, Error> {
        json(self.0.counts())
    }

    /// What the model says of typed values, `string[][]` as JSON: JSON of `PredictorRows`.
    pub fn rows(&self, values: &str) -> Result<String, Error> {
        let values: Vec<Vec<String>> =
            serde_json::from_str(values).map_err(|error| Error::new(&error.to_string()))?;
        json(&self.0.rows(&values))
    }

    /// What the model says of columns of numbers (a category as the index of its level), all inputs one after the other: a
    /// column an output, likewise.
    pub fn columns(&self, x: &[f64]) -> Vec<f64> {
        self.0.columns(x)
    }
}

fn json(value: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|error| Error::new(&error.to_string()))
}
