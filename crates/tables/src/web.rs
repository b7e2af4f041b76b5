//! The interface for the worker: a table that grows a chunk at a time, and rows selected from it.
//! Plain data cross as JSON text.

mod files;

use std::rc::Rc;

use downhill::analysis::diagnostics::{self, Diagnostics, Query};
use downhill::analysis::fit::Inferred;
use downhill::config::{ColumnsConfig, RunConfig};
use downhill::dataset::{Dataset, Extra, Roles, RowSource};
use downhill::message::{Code, Message};
use downhill::model;
use js_sys::{Error, Float64Array, Function, JSON, Uint8Array};
use serde::Serialize;
use wasm_bindgen::prelude::*;

use crate::block::Storage;
use crate::dialect::{Dialect, HEAD_BYTES};
use crate::selection::Selection;

#[wasm_bindgen(start)]
fn start() {
    console_error_panic_hook::set_once();
}

/// A table, during or after reading.
#[wasm_bindgen]
pub struct Table {
    table: Rc<crate::table::Table>,
    selection: Option<Rc<Selection>>,
}

#[wasm_bindgen]
impl Table {
    /// Creates a table from the beginning of its file. `whole` states whether `head` is the whole file.
    /// `dialect` (JSON) is the dialect, which is detected if it is absent.
    #[wasm_bindgen(constructor)]
    pub fn new(head: &[u8], whole: bool, dialect: Option<String>) -> Result<Table, Error> {
        let dialect = match dialect {
            Some(text) => serde_json::from_str(&text).map_err(unreadable)?,
            None => Dialect::detect(head, whole && head.len() <= HEAD_BYTES),
        };
        Ok(Self { table: Rc::new(crate::table::Table::new(dialect)), selection: None })
    }

    /// Adds the next bytes of the file.
    pub fn push(&mut self, chunk: &[u8]) -> Result<(), Error> {
        Ok(self.table()?.push(chunk)?)
    }

    /// Declares the end of the file.
    pub fn finish(&mut self) -> Result<(), Error> {
        Ok(self.table()?.finish()?)
    }

    /// Whether the table has become too large for memory and needs `store` or `do_without_storage`.
    pub fn wants_storage(&self) -> bool {
        self.table.wants_storage()
    }

    /// Gives the table a file for data that do not fit into memory: `write` and `read` take an offset in the
    /// file, and bytes to write or to fill.
    pub fn store(&mut self, write: Function, read: Function) -> Result<(), Error> {
        self.table()?.store(File { write, read });
        Ok(())
    }

    /// Tells the table that there is no storage: data that do not fit into memory then cause an error.
    pub fn do_without_storage(&mut self) -> Result<(), Error> {
        self.table()?.do_without_storage();
        Ok(())
    }

    /// The fraction of a file's rows that fits into memory, if the table now contains `n_read` of the file's
    /// `n_bytes` bytes.
    pub fn share_that_fits(&self, n_read: f64, n_bytes: f64) -> f64 {
        self.table.share_that_fits(n_read, n_bytes)
    }

    /// Reads only a sample of the rows: each with probability `share`, drawn with `seed`. Call it
    /// before the first bytes.
    pub fn sample(&mut self, share: f64, seed: u32) -> Result<(), Error> {
        self.table()?.sample(share, seed);
        Ok(())
    }

    /// The number of rows so far.
    pub fn n_rows(&self) -> u32 {
        self.table.n_rows()
    }

    /// A hash of all cells, which identifies the table.
    pub fn fingerprint(&mut self) -> Result<String, Error> {
        Ok(self.table()?.fingerprint())
    }

    /// Returns the preview that the page shows before columns are chosen.
    pub fn preview(&self) -> Result<JsValue, Error> {
        to_js(&self.table.preview()?)
    }

    /// Selects columns (JSON of `Columns`) and returns a description of the resulting rows.
    pub fn select(&mut self, columns: &str) -> Result<JsValue, Error> {
        let columns: ColumnsConfig = serde_json::from_str(columns).map_err(unreadable)?;
        let selection = Selection::new(&self.table, &columns)?;
        let selected = to_js(&Selected {
            n_rows: selection.n_rows(),
            inputs: selection.inputs.clone(),
            target: selection.target.clone(),
            target_levels: selection.target_levels.clone(),
            extras: selection.extras.clone(),
            n_taken: self.table.n_rows(),
            n_read: self.table.n_read(),
            n_dropped: selection.n_dropped,
            n_bad: selection.n_bad,
            n_filled: selection.n_filled,
        });
        self.selection = Some(Rc::new(selection));
        selected
    }

    /// Fills `rows` (row-major) with selected rows from the `first`-th on.
    pub fn read(&self, first: f64, rows: &Float64Array) -> Result<(), Error> {
        let mut read = vec![0.0; rows.length() as usize];
        if let Some(selection) = &self.selection {
            selection.read(&self.table, first as usize, &mut read)?;
        }
        rows.copy_from(&read);
        Ok(())
    }
}

#[wasm_bindgen]
impl Table {
    fn table(&mut self) -> Result<&mut crate::table::Table, Error> {
        Rc::get_mut(&mut self.table).ok_or_else(|| Error::new("the table is being read"))
    }

    /// Computes standard errors and tests for the model of a configuration (JSON of `RunConfig`) on the
    /// selected rows. Returns the names of its terms and classes, and [`Inferred`].
    pub fn infer(&self, config: &str) -> Result<JsValue, Error> {
        let config: RunConfig = serde_json::from_str(config).map_err(unreadable)?;
        let Some(dataset) = self.dataset() else { return Ok(JsValue::UNDEFINED) };
        let plain = model::feature_map(&config.model, &dataset.inputs)?;
        let terms = model::term_names(&plain, &dataset.inputs);
        let roles = Roles::of(&config.validation, &dataset)?;
        to_js(&Answer { terms, inferred: diagnostics::inferred(&dataset, &roles, plain, &config) })
    }

    /// Computes diagnostics of a model on one role of the selected rows: answers a [`Query`] (JSON) with
    /// [`Diagnostics`].
    pub fn diagnose(&self, query: &str) -> Result<JsValue, Error> {
        let query: Query = serde_json::from_str(query).map_err(unreadable)?;
        let Some(dataset) = self.dataset() else { return Ok(JsValue::UNDEFINED) };
        to_js(&Diagnostics::of(&dataset, &query)?)
    }
}

impl Table {
    /// The selected rows as a dataset.
    fn dataset(&self) -> Option<Dataset> {
        let selection = self.selection.as_ref()?;
        let rows = Rows { table: Rc::clone(&self.table), selection: Rc::clone(selection) };
        let dataset = Dataset::of_source(Rc::new(rows), selection.inputs.clone(), &selection.target);
        let levels = selection.target_levels.clone();
        Some(dataset.with_target_levels(levels).with_extras(selection.extras.clone()))
    }
}

/// A file for storage that JavaScript has opened.
#[derive(Debug)]
struct File {
    write: Function,
    read: Function,
}

impl Storage for File {
    fn write(&mut self, at: u64, bytes: &[u8]) -> downhill::message::Result<()> {
        let bytes = Uint8Array::from(bytes);
        self.write
            .call2(&JsValue::NULL, &(at as f64).into(), &bytes)
            .map(drop)
            .map_err(|error| failed(Code::StorageFull, &error))
    }

    fn read(&mut self, at: u64, bytes: &mut [u8]) -> downhill::message::Result<()> {
        let array = Uint8Array::new_with_length(bytes.len() as u32);
        self.read
            .call2(&JsValue::NULL, &(at as f64).into(), &array)
            .map_err(|error| failed(Code::StorageFailed, &error))?;
        array.copy_to(bytes);
        Ok(())
    }
}

fn failed(code: Code, error: &JsValue) -> Message {
    let detail =
        error.dyn_ref::<Error>().map_or_else(|| format!("{error:?}"), |error| error.message().into());
    Message::new(code).with("detail", detail)
}

#[derive(Serialize)]
struct Answer {
    terms: Vec<String>,
    inferred: Inferred,
}

/// The selected rows of a table, as a source for a dataset.
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
        self.selection.read(&self.table, first, rows)
    }
}

#[derive(Serialize)]
struct Selected {
    n_rows: usize,
    inputs: Vec<downhill::dataset::Input>,
    target: String,
    target_levels: Vec<String>,
    extras: Vec<Extra>,
    n_taken: u32,
    n_read: u64,
    n_dropped: usize,
    n_bad: usize,
    n_filled: usize,
}

fn unreadable(error: serde_json::Error) -> Error {
    Message::new(Code::ConfigUnreadable).with("detail", error).into()
}

fn to_js<T: Serialize>(value: &T) -> Result<JsValue, Error> {
    let text = serde_json::to_string(value).map_err(unreadable)?;
    JSON::parse(&text).map_err(|_| Error::new("JSON"))
}
