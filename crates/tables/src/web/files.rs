//! Reads files other than text: directly, or batch by batch from the wasm module for other formats.

use std::rc::Rc;

use downhill::message::{Code, Message};
use js_sys::{Array, Error, Float64Array, Function, Reflect, Uint32Array};
use wasm_bindgen::prelude::*;

use super::{File, Table};
use crate::arrays::Arrays;
use crate::batch::{Batch, Cells, Filling, Reader, Step};
use crate::blob::Blob;
use crate::format::Format;
use crate::objects::Objects;
use crate::source::Source;

/// Builds a table from a file other than text.
#[wasm_bindgen]
pub struct TableFiller {
    filling: Filling,
    reader: Option<Box<dyn Reader>>,
}

#[wasm_bindgen]
impl TableFiller {
    /// Creates a filler for a file of `size` bytes; `read(start, end)` returns bytes synchronously. Rows of a
    /// format that this module cannot read are added with [`TableFiller::take`].
    #[wasm_bindgen(constructor)]
    pub fn new(format: &str, read: Function, size: f64) -> Result<TableFiller, Error> {
        let file: Rc<dyn Source> = Rc::new(Blob::new(read, size));
        let reader: Option<Box<dyn Reader>> = match format {
            "objects" => Some(Box::new(Objects::new(file))),
            "array" => Some(Box::new(Arrays::of_array(file)?)),
            "old_workbook" => return Err(Message::from(Code::WorkbookKind).into()),
            _ => None,
        };
        Ok(Self { filling: Filling::default(), reader })
    }

    /// Detects the format of a file that begins with `head`: `text`, `objects`, `array`, `archive`,
    /// `parquet`, `workbook` or `old_workbook`.
    pub fn format_of(head: &[u8]) -> String {
        Format::of(head).name().to_owned()
    }

    /// Reads the next part of the file; returns whether there is more.
    pub fn step(&mut self) -> Result<bool, Error> {
        let Some(reader) = &mut self.reader else { return Ok(false) };
        let ended = self.filling.take(&reader.next()?)?;
        Ok(!ended)
    }

    /// Adds a step of the reader in the other wasm module: column names or cells.
    pub fn take(&mut self, step: &JsValue) -> Result<(), Error> {
        let field = |name: &str| Reflect::get(step, &name.into()).ok().filter(|value| !value.is_undefined());
        let step = if let Some(names) = field("columns") {
            Step::Columns(words(&names))
        } else if let Some(cells) = field("cells") {
            let lines = field("lines").map(|lines| Float64Array::new(&lines).to_vec()).unwrap_or_default();
            let columns = Array::from(&cells).iter().map(|cells| cells_of(&cells)).collect();
            Step::Rows(Batch { columns, lines: lines.into_iter().map(|line| line as u64).collect() })
        } else {
            Step::Working
        };
        self.filling.take(&step)?;
        Ok(())
    }

    /// See [`Table::wants_storage`].
    pub fn wants_storage(&self) -> bool {
        self.filling.table.wants_storage()
    }

    /// See [`Table::store`].
    pub fn store(&mut self, write: Function, read: Function) {
        self.filling.table.store(File { write, read });
    }

    /// See [`Table::do_without_storage`].
    pub fn do_without_storage(&mut self) {
        self.filling.table.do_without_storage();
    }

    /// See [`Table::sample`].
    pub fn sample(&mut self, share: f64, seed: u32) {
        self.filling.table.sample(share, seed);
    }

    /// The fraction of a file's rows that fits into memory, if the table now contains `fraction` of them.
    pub fn share_that_fits(&self, fraction: f64) -> f64 {
        self.filling.table.share_that_fits(fraction, 1.0)
    }

    /// The number of rows so far.
    pub fn n_rows(&self) -> u32 {
        self.filling.table.n_rows()
    }

    /// The fraction of the file that has been read, from 0 to 1.
    pub fn fraction(&self) -> f64 {
        self.reader.as_ref().map_or(0.0, |reader| reader.fraction())
    }

    /// Returns the finished table.
    pub fn finish(&mut self) -> Result<Table, Error> {
        let table = std::mem::take(&mut self.filling).finish()?;
        Ok(Table { table: Rc::new(table), selection: None })
    }
}

fn cells_of(cells: &JsValue) -> Cells {
    let field = |name: &str| Reflect::get(cells, &name.into()).unwrap_or_default();
    Cells::from_parts(
        Float64Array::new(&field("values")).to_vec(),
        Uint32Array::new(&field("marks")).to_vec(),
        words(&field("words")),
    )
}

fn words(list: &JsValue) -> Vec<String> {
    Array::from(list).iter().map(|word| word.as_string().unwrap_or_default()).collect()
}
