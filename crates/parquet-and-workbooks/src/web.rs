//! What the worker sees: a file that is read batch by batch. The table that takes them is in the readers' wasm.

use std::io;
use std::rc::Rc;

use downhill::message::{Code, Message};
use downhill_tables::batch::{Batch, Reader, Step};
use downhill_tables::source::Source;
use js_sys::{Array, Error, Float64Array, Function, Object, Reflect, Uint8Array, Uint32Array};
use send_wrapper::SendWrapper;
use wasm_bindgen::prelude::*;

use crate::archive;
use crate::parquet::Parquet;
use crate::workbook::Workbook;

#[wasm_bindgen(start)]
fn start() {
    console_error_panic_hook::set_once();
}

/// A file that is being read.
#[wasm_bindgen]
pub struct FormatReader {
    reader: Box<dyn Reader>,
    sheets: Vec<String>,
    sheet: String,
}

#[wasm_bindgen]
impl FormatReader {
    /// Of a file of so many bytes; `read(start, end)` gives some of them, at once. `format` is what the readers' wasm has
    /// found it to be: `parquet`, `archive` or `workbook`. Of a workbook the sheet with this name is read, or the first.
    #[wasm_bindgen(constructor)]
    pub fn new(
        format: &str,
        read: Function,
        size: f64,
        sheet: Option<String>,
    ) -> Result<FormatReader, Error> {
        let file = Blob { read: SendWrapper::new(read), size: size as u64 };
        let opened = match format {
            "parquet" => Parquet::new(file).map(|reader| Self {
                reader: Box::new(reader),
                sheets: Vec::new(),
                sheet: String::new(),
            }),
            "archive" => archive::open(Rc::new(file)).map(|reader| Self {
                reader: Box::new(reader),
                sheets: Vec::new(),
                sheet: String::new(),
            }),
            "workbook" => Workbook::new(Rc::new(file), sheet.as_deref()).map(|reader| Self {
                sheets: reader.sheets().to_vec(),
                sheet: reader.sheet().to_owned(),
                reader: Box::new(reader),
            }),
            _ => Err(Code::WorkbookKind.into()),
        };
        opened.map_err(|message| to_error(&message))
    }

    /// Names of a workbook's sheets.
    pub fn sheets(&self) -> Vec<String> {
        self.sheets.clone()
    }

    /// The one that is read.
    pub fn sheet(&self) -> String {
        self.sheet.clone()
    }

    /// What comes next, for the table: `{ columns }`, `{ lines, cells }`, `{}`, or nothing at the end.
    #[wasm_bindgen(js_name = "next")]
    pub fn next_step(&mut self) -> Result<JsValue, Error> {
        let step = self.reader.next().map_err(|message| to_error(&message))?;
        Ok(match step {
            Step::Columns(names) => object(&[("columns", words(&names).into())]),
            Step::Rows(batch) => object(&rows(&batch)),
            Step::Working => Object::new().into(),
            Step::End => JsValue::UNDEFINED,
        })
    }

    /// How much of the file has been read, from 0 to 1.
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
        // A plain object refuses nothing.
        let _ = Reflect::set(&object, &JsValue::from_str(name), value);
    }
    object.into()
}

/// The bytes of a `Blob`, read while the worker waits.
struct Blob {
    read: SendWrapper<Function>,
    size: u64,
}

impl Source for Blob {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, start: u64, out: &mut [u8]) -> io::Result<()> {
        let end = start as f64 + out.len() as f64;
        let bytes = self.read.call2(&JsValue::NULL, &(start as f64).into(), &end.into());
        let bytes = bytes.map_err(|error| io::Error::other(String::from(Error::from(error).message())))?;
        let bytes = Uint8Array::new(&bytes);
        if bytes.length() as usize != out.len() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        bytes.copy_to(out);
        Ok(())
    }
}

/// A message as an `Error` with `code` and `params` beside its text.
fn to_error(message: &Message) -> Error {
    let error = Error::new(&message.to_string());
    let params: Vec<(&str, JsValue)> =
        message.params.iter().map(|(name, value)| (name.as_str(), JsValue::from_str(value))).collect();
    let _ = Reflect::set(&error, &"code".into(), &message.code.name().into());
    let _ = Reflect::set(&error, &"params".into(), &object(&params));
    error
}
