//! The interface for the page's worker. Plain data are passed as JSON text, files as bytes.

use js_sys::Error;
use serde::Serialize;
use wasm_bindgen::prelude::*;

use crate::describe::Seen;
use crate::format::FormatSpec;
use crate::formats;
use crate::run::Run;

/// The TypeScript types of the JSON that [`Predictor`] exchanges.
#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** A code, its parameters and the English wording, as everywhere in Downhill. */
interface PredictorMessage { code: string; params: Record<string, string>; text: string }

/** The JSON that `Predictor.describe()` returns. */
interface PredictorDescription {
  /** The inputs of a row; the levels of a category are words. */
  inputs: { name: string; levels: string[] }[];
  target: string;
  /** The names of the prediction columns, which follow those of the table. */
  outputs: string[];
}

/** The JSON that `Predictor.counts()` returns. */
interface PredictorCounts {
  /** The number of rows so far, and the number of them that have a prediction. */
  n_rows: number;
  n_predicted: number;
  n_bad: number;
  /** The faults of the first bad rows: the codes `cell_not_a_number`, `predict_missing`, `predict_level`, `row_width`. */
  problems: PredictorMessage[];
  /** `notice_by_order` if columns have no names, or none of the model's. */
  notices: PredictorMessage[];
  /** The table column that each input is read from; null before the first row. */
  columns: string[] | null;
  /** The first rows as text: the header, then cells. */
  preview: string[][];
}

/** The JSON that `Predictor.rows()` returns: for each row its outputs (numbers as JSON numbers, a class as a word), or its fault. */
interface PredictorRows {
  outputs: string[];
  rows: ({ values: (number | string)[]; problem: null } | { values: null; problem: PredictorMessage })[];
}
"#;

#[wasm_bindgen(start)]
fn start() {
    console_error_panic_hook::set_once();
}

/// Writes a run file's run in another format.
#[wasm_bindgen]
pub fn write(run: &[u8], format: &str) -> Result<Vec<u8>, Error> {
    let format = format_named(format)?;
    Ok(format.write(&Run::read(run)?)?)
}

/// Describes how a format contains the parts of a run, and how to load the file; returns JSON of
/// `Description`.
#[wasm_bindgen]
pub fn describe(run: &[u8], format: &str) -> Result<String, Error> {
    let format = format_named(format)?;
    json(&format.describe(&Run::read(run)?)?)
}

/// Detects the format of a file by its content; `None` if it is not a model.
#[wasm_bindgen]
pub fn format_of(bytes: &[u8]) -> Option<String> {
    formats::recognize(bytes).map(|format| format.name.to_owned())
}

/// Reads a model from a file of any format; returns JSON of `Seen`.
#[wasm_bindgen]
pub fn read(bytes: &[u8]) -> Result<String, Error> {
    json(&Seen::of(formats::read(bytes)?))
}

fn format_named(name: &str) -> Result<&'static FormatSpec, Error> {
    formats::named(name).ok_or_else(|| Error::new(&format!("no format is called {name}")))
}

/// Predicts many rows: see [`predict`](crate::predict).
#[wasm_bindgen]
#[derive(Debug)]
pub struct Predictor(crate::predict::Predictor);

#[wasm_bindgen]
impl Predictor {
    /// Creates a predictor from the text of a run file, or from the `model` that [`read`] returns
    /// (JSON).
    #[wasm_bindgen(constructor)]
    pub fn new(model: &str) -> Result<Self, Error> {
        Ok(Self(crate::predict::Predictor::read(model)?))
    }

    /// Describes the model's inputs and outputs; returns JSON of `PredictorDescription`.
    pub fn describe(&self) -> Result<String, Error> {
        json(&self.0.describe())
    }

    /// Adds the next bytes of a table; returns the next bytes of the table with predictions.
    pub fn push(&mut self, chunk: &[u8]) -> Result<Vec<u8>, Error> {
        Ok(self.0.push(chunk)?)
    }

    /// Ends the table; returns the last bytes of the table with predictions.
    pub fn finish(&mut self) -> Result<Vec<u8>, Error> {
        Ok(self.0.finish()?)
    }

    /// Returns the progress as JSON of `PredictorCounts`.
    pub fn counts(&self) -> Result<String, Error> {
        json(self.0.counts())
    }

    /// Predicts rows that the user typed (`string[][]` as JSON); returns JSON of `PredictorRows`.
    pub fn rows(&self, values: &str) -> Result<String, Error> {
        let values: Vec<Vec<String>> =
            serde_json::from_str(values).map_err(|error| Error::new(&error.to_string()))?;
        json(&self.0.rows(&values))
    }

    /// Predicts columns of numbers (a category as the index of its level). `x` has all rows of the first
    /// input, then of the second, and so on; the result has the outputs in the same way.
    pub fn columns(&self, x: &[f64]) -> Vec<f64> {
        self.0.columns(x)
    }
}

fn json(value: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|error| Error::new(&error.to_string()))
}
