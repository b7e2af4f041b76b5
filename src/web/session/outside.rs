//! Rows of a table that another module of the worker keeps.

use std::rc::Rc;

use js_sys::{Error, Float64Array, Function, Reflect};
use wasm_bindgen::prelude::*;

use crate::dataset::{Dataset, Input, RowSource, Table};
use crate::message::{Code, Message, Result};
use crate::web::from_js;

/// `TableRows` of `types.d.ts`.
#[derive(Debug)]
pub(super) struct OutsideRows {
    n_rows: usize,
    read: Function,
}

impl OutsideRows {
    /// The table that JavaScript describes.
    pub(super) fn table(rows: &JsValue) -> Result<Table> {
        let get = |name: &str| Reflect::get(rows, &name.into()).unwrap_or_default();
        let text = |name: &str| get(name).as_string().unwrap_or_default();
        let inputs: Vec<Input> = from_js(get("inputs")).map_err(|error| thrown(&error))?;
        let n_rows = get("n_rows").as_f64().unwrap_or(0.0) as usize;
        let read = get("read").dyn_into::<Function>().map_err(|error| thrown(&error))?;
        let source = Rc::new(Self { n_rows, read });
        Ok(Table::kept_elsewhere(Dataset::of_source(source, inputs, &text("target")), text("fingerprint")))
    }
}

impl RowSource for OutsideRows {
    fn n_rows(&self) -> usize {
        self.n_rows
    }

    fn read(&self, first: usize, rows: &mut [f64]) -> Result<()> {
        let array = Float64Array::new_with_length(rows.len() as u32);
        self.read.call2(&JsValue::NULL, &(first as f64).into(), &array).map_err(|error| thrown(&error))?;
        array.copy_to(rows);
        Ok(())
    }
}

/// What another module has thrown: its own message, as it was worded there.
pub(super) fn thrown(error: &JsValue) -> Message {
    let get = |name: &str| Reflect::get(error, &name.into()).unwrap_or_default();
    let code = get("code").as_string().and_then(|code| Code::ALL.iter().find(|known| known.name() == code));
    let Some(code) = code else {
        let detail =
            error.dyn_ref::<Error>().map_or_else(|| format!("{error:?}"), |error| error.message().into());
        return Message::new(Code::Internal).with("detail", detail);
    };
    Message { params: from_js(get("params")).unwrap_or_default(), ..Message::new(*code) }
}
