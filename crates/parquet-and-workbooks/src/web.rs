//! The interface for the worker: reads a file batch by batch. The table that collects the rows is
//! in the wasm of `downhill-tables`.

use std::rc::Rc;

use downhill::message::{Code, Message};
use downhill_tables::batch::{Batch, Reader, Step};
use downhill_tables::blob::Blob;
use js_sys::{Array, Error, Float64Array, Function, Object, Reflect, Uint32Array};
use wasm_bindgen::prelude::*;

use crate::archive;
use crate::parquet::Parquet;
use crate::workbook::Workbook;

#[wasm_bindgen(start)]
fn start() {
    console_error_panic_hook::set_once();
}

/// A file during reading.
#[wasm_bindgen]
pub struct FormatReader {
    reader: Box<dyn Reader>,
    sheets: Vec<String>,
    sheet: String,
}

#[wasm_bindgen]
impl FormatReader {
    /// Opens a file of `size` bytes; `read(start, end)` returns bytes synchronously. `format` is
    /// what `downhill-tables` has detected from the first bytes: `parquet`, `workbook`, or
    /// `archive` for a ZIP archive of NumPy arrays (`.npz`). For a workbook, `sheet` selects a
    /// sheet by name; the default is the first.
    #[wasm_bindgen(constructor)]
    pub fn new(
        format: &str,
        read: Function,
        size: f64,
        sheet: Option<String>,
    ) -> Result<FormatReader, Error> {
        let file = Blob::new(read, size);
        let reader: Box<dyn Reader> = match format {
            "parquet" => Box::new(Parquet::new(file)?),
            "archive" => Box::new(archive::open(Rc::new(file))?),
            "workbook" => {
                let workbook = Workbook::new(Rc::new(file), sheet.as_deref())?;
                let (sheets, sheet) = (workbook.sheets().to_vec(), workbook.sheet().to_owned());
                return Ok(Self { reader: Box::new(workbook), sheets, sheet });
            }
            _ => return Err(Message::from(Code::WorkbookKind).into()),
        };
        Ok(Self { reader, sheets: Vec::new(), sheet: String::new() })
    }

    /// The names of a workbook's sheets.
    pub fn sheets(&self) -> Vec<String> {
        self.sheets.clone()
    }

    /// The name of the sheet that is read.
    pub fn sheet(&self) -> String {
        self.sheet.clone()
    }

    /// Returns the next step for the table: `{ columns }`, `{ lines, cells }`, `{}`, or undefined
    /// at the end.
    #[wasm_bindgen(js_name = "next")]
    pub fn next_step(&mut self) -> Result<JsValue, Error> {
        Ok(match self.reader.next()? {
            Step::Columns(names) => object(&[("columns", words(&names).into())]),
            Step::Rows(batch) => object(&rows(&batch)),
            Step::Working => Object::new().into(),
            Step::End => JsValue::UNDEFINED,
        })
    }

    /// The fraction of the file that has been read, from 0 to 1.
    pub fn fraction(&self) -> f64 {
        self.reader.fraction()
    }
}

fn rows(batch: &Batch) -> [(&'static str, JsValue); 2] {
    let lines: Vec<f64> = batch.lines.iter().map(|line| *line as f64).collect();
    let cells = batch.columns.iter().map(|cells| {
        object(&[
            ("values", Float64Array::from(cells.values.as_slice()).into()),
            ("marks", Uint32Array::from(cells.marks.as_slice()).into()),
            ("words", words(&cells.words).into()),
        ])
    });
    [("lines", Float64Array::from(lines.as_slice()).into()), ("cells", cells.collect::<Array>().into())]
}

fn words(words: &[String]) -> Array {
    words.iter().map(|word| JsValue::from_str(word)).collect()
}

fn object(entries: &[(&str, JsValue)]) -> JsValue {
    let object = Object::new();
    for (name, value) in entries {
        // Setting a property of a plain object never fails.
        let _ = Reflect::set(&object, &JsValue::from_str(name), value);
    }
    object.into()
}
