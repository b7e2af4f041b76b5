//! What the worker sees: a table that grows a chunk at a time, and rows out of it. Plain data cross as JSON text.

use std::rc::Rc;

use downhill::analysis::inference::Inference;
use downhill::config::{ColumnsConfig, RunConfig};
use downhill::dataset::{Dataset, Roles, RowSource, Scaling};
use downhill::message::{Code, Message};
use downhill::model;
use js_sys::{Error, Float64Array, JSON, Reflect};
use serde::Serialize;
use wasm_bindgen::prelude::*;

use crate::diagnose::{Diagnosed, Question};
use crate::dialect::{Dialect, HEAD_BYTES};
use crate::selection::Selection;

#[wasm_bindgen(start)]
fn start() {
    console_error_panic_hook::set_once();
}

/// A table, in the making or made.
#[wasm_bindgen]
pub struct Table {
    table: Rc<crate::table::Table>,
    selection: Option<Rc<Selection>>,
}

#[wasm_bindgen]
impl Table {
    /// The table that begins with `head`, and is that whole where `whole` says so. `dialect` (JSON) says how it is
    /// written; without it that is found out.
    #[wasm_bindgen(constructor)]
    pub fn new(head: &[u8], whole: bool, dialect: Option<String>) -> Result<Table, Error> {
        let dialect = match dialect {
            Some(text) => serde_json::from_str(&text).map_err(unreadable)?,
            None => Dialect::detect(head, whole && head.len() <= HEAD_BYTES),
        };
        Ok(Self { table: Rc::new(crate::table::Table::new(dialect)), selection: None })
    }

    /// The next bytes of the table, from its first on.
    pub fn push(&mut self, chunk: &[u8]) -> Result<(), Error> {
        let table = Rc::get_mut(&mut self.table).ok_or_else(|| Error::new("the table is being read"))?;
        table.push(chunk).map_err(|message| to_error(&message))
    }

    /// There are no more.
    pub fn finish(&mut self) -> Result<(), Error> {
        let table = Rc::get_mut(&mut self.table).ok_or_else(|| Error::new("the table is being read"))?;
        table.finish().map_err(|message| to_error(&message))
    }

    /// Rows so far.
    pub fn n_rows(&self) -> u32 {
        self.table.n_rows()
    }

    /// A hash of every cell.
    pub fn fingerprint(&self) -> String {
        self.table.fingerprint()
    }

    /// What a person sees before choosing.
    pub fn preview(&self) -> Result<JsValue, Error> {
        to_js(&self.table.preview())
    }

    /// Chooses columns (JSON of `Columns`); says what the rows are then.
    pub fn select(&mut self, columns: &str) -> Result<JsValue, Error> {
        let columns: ColumnsConfig = serde_json::from_str(columns).map_err(unreadable)?;
        let selection = Selection::new(&self.table, &columns).map_err(|message| to_error(&message))?;
        let selected = to_js(&Selected {
            n_rows: selection.n_rows(),
            inputs: selection.inputs.clone(),
            target: selection.target.clone(),
            n_dropped: selection.n_dropped,
            n_bad: selection.n_bad,
            n_filled: selection.n_filled,
        });
        self.selection = Some(Rc::new(selection));
        selected
    }

    /// Fills whole rows of what was chosen, from `first` on.
    pub fn read(&self, first: f64, rows: &Float64Array) {
        let mut read = vec![0.0; rows.length() as usize];
        if let Some(selection) = &self.selection {
            selection.read(&self.table, first as usize, &mut read);
        }
        rows.copy_from(&read);
    }
}

#[wasm_bindgen]
impl Table {
    /// What can be inferred of a linear model of the rows that were chosen, under a configuration (JSON of `RunConfig`):
    /// names of its terms, and [`Inference`].
    pub fn infer(&self, config: &str) -> Result<JsValue, Error> {
        let config: RunConfig = serde_json::from_str(config).map_err(unreadable)?;
        let Some(dataset) = self.dataset() else { return Ok(JsValue::UNDEFINED) };
        let plain =
            model::feature_map(&config.model, &dataset.inputs).map_err(|message| to_error(&message))?;
        let terms = model::term_names(&plain, &dataset.inputs);
        let bias = config.model.bias;
        // Scaled whatever the model is, since it changes no answer and keeps all digits.
        let map = plain.scaled(&dataset, bias, Scaling::Standardize);
        let roles = Roles::new(&config.validation, dataset.n_samples());
        to_js(&Inferred { terms, inference: Inference::of(&dataset, &roles, &map, bias) })
    }

    /// How weights do on a part of the rows that were chosen (JSON of [`Question`]): [`Diagnosed`].
    pub fn diagnose(&self, question: &str) -> Result<JsValue, Error> {
        let question: Question = serde_json::from_str(question).map_err(unreadable)?;
        let Some((dataset, selection)) = self.dataset().zip(self.selection.as_ref()) else {
            return Ok(JsValue::UNDEFINED);
        };
        let classes = selection.target_levels();
        to_js(&Diagnosed::of(&dataset, classes, &question).map_err(|message| to_error(&message))?)
    }
}

impl Table {
    /// The rows that were chosen.
    fn dataset(&self) -> Option<Dataset> {
        let selection = self.selection.as_ref()?;
        let rows = Rows { table: Rc::clone(&self.table), selection: Rc::clone(selection) };
        Some(Dataset::of_source(Rc::new(rows), selection.inputs.clone(), &selection.target))
    }
}

#[derive(Serialize)]
struct Inferred {
    terms: Vec<String>,
    inference: Inference,
}

/// Rows as they were chosen.
#[derive(Debug)]
struct Rows {
    table: Rc<crate::table::Table>,
    selection: Rc<Selection>,
}

impl RowSource for Rows {
    fn n_rows(&self) -> usize {
        self.selection.n_rows()
    }

    fn read(&self, first: usize, rows: &mut [f64]) -> downhill::message::Result<()> {
        self.selection.read(&self.table, first, rows);
        Ok(())
    }
}

#[derive(Serialize)]
struct Selected {
    n_rows: usize,
    inputs: Vec<downhill::dataset::Input>,
    target: String,
    n_dropped: usize,
    n_bad: usize,
    n_filled: usize,
}

fn unreadable(error: serde_json::Error) -> Error {
    to_error(&Message::new(Code::ConfigUnreadable).with("detail", error))
}

fn to_js<T: Serialize>(value: &T) -> Result<JsValue, Error> {
    let text = serde_json::to_string(value).map_err(unreadable)?;
    JSON::parse(&text).map_err(|_| Error::new("JSON"))
}

/// A message as an `Error` with `code` and `params` beside its text.
fn to_error(message: &Message) -> Error {
    let error = Error::new(&message.to_string());
    let _ = Reflect::set(&error, &"code".into(), &message.code.name().into());
    if let Ok(params) = to_js(&message.params) {
        let _ = Reflect::set(&error, &"params".into(), &params);
    }
    error
}
