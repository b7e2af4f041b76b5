//! Rows of a table that another wasm module in the worker stores.

use std::rc::Rc;

use js_sys::{Float64Array, Function, Reflect};
use wasm_bindgen::prelude::*;

use crate::dataset::{Dataset, Extra, Input, RowSource, Table};
use crate::message::{Code, Message, Result, count};
use crate::web::{from_js, internal, reason_of};

/// A table in another wasm module; `TableRows` of `types.d.ts`.
#[derive(Debug)]
pub(super) struct OutsideRows {
    n_rows: usize,
    read: Function,
}

impl OutsideRows {
    /// Makes a table from its JavaScript description, and messages about the rows that it leaves out.
    pub(super) fn table(rows: &JsValue) -> Result<(Table, Vec<Message>)> {
        let get = |name: &str| Reflect::get(rows, &name.into()).unwrap_or_default();
        let text = |name: &str| get(name).as_string().unwrap_or_default();
        let inputs: Vec<Input> = from_js(get("inputs"))?;
        let n_rows = get("n_rows").as_f64().unwrap_or(0.0) as usize;
        let read = get("read").dyn_into::<Function>().map_err(|error| thrown(&error))?;
        let source = Rc::new(Self { n_rows, read });
        let counts = get("counts");
        let n = |name: &str| {
            Reflect::get(&counts, &name.into()).ok().and_then(|n| n.as_f64()).unwrap_or(0.0) as u64
        };
        let [taken, read] = ["n_taken", "n_read"].map(n);
        let sampled = (taken < read).then(|| {
            Message::new(Code::NoticeSample).with("n_taken", count(taken)).with("n_read", count(read))
        });
        let [dropped, bad, filled] = ["n_dropped", "n_bad", "n_filled"].map(n);
        let used = n_rows as u64;
        let left_out = (dropped + bad > 0).then(|| {
            Message::new(Code::NoticeRowsLeftOut)
                .with("used", count(used))
                .with("total", count(used + dropped + bad))
                .with("dropped", count(dropped))
                .with("bad", count(bad))
        });
        let filled =
            (filled > 0).then(|| Message::new(Code::NoticeCellsFilled).with("filled", count(filled)));
        let counted = sampled.into_iter().chain(left_out).chain(filled).collect();
        let target_levels: Vec<String> = from_js(get("target_levels"))?;
        let extras: Vec<Extra> = from_js(get("extras"))?;
        let dataset = Dataset::of_source(source, inputs, &text("target"))
            .with_target_levels(target_levels)
            .with_extras(extras);
        Ok((Table::kept_elsewhere(dataset, text("fingerprint")), counted))
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

/// Converts an error that another wasm module threw to a message: its own, if it has one.
pub(super) fn thrown(error: &JsValue) -> Message {
    let Some(code) = code_of(error) else {
        return internal(reason_of(error));
    };
    let params = Reflect::get(error, &"params".into()).unwrap_or_default();
    Message { params: from_js(params).unwrap_or_default(), ..Message::new(code) }
}

/// The code of a message that another wasm module threw; `None` for other errors.
pub(super) fn code_of(error: &JsValue) -> Option<Code> {
    let code = Reflect::get(error, &"code".into()).ok()?.as_string()?;
    Code::ALL.iter().copied().find(|known| known.name() == code)
}
