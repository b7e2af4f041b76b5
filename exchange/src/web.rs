//! What the page's worker sees. Plain data cross as JSON text, files as bytes.

use downhill::message::Message;
use js_sys::{Error, JSON, Reflect};
use serde::Serialize;
use wasm_bindgen::prelude::*;

use crate::format::{self, Format};
use crate::run::Run;

#[wasm_bindgen(start)]
fn start() {
    console_error_panic_hook::set_once();
}

/// Writes the run of a run file in a format.
#[wasm_bindgen]
pub fn write(run: &[u8], format: &str) -> Result<Vec<u8>, Error> {
    let format: Format =
        serde_json::from_value(format.into()).map_err(|error| Error::new(&error.to_string()))?;
    Run::read(run).and_then(|run| format.write(&run)).map_err(|message| to_error(&message))
}

/// Reads a model: `{ format, producer, model, run }`, as JSON.
#[wasm_bindgen]
pub fn read(bytes: &[u8]) -> Result<String, Error> {
    format::read(bytes).map_err(|message| to_error(&message)).and_then(|found| json(&found))
}

fn json(value: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|error| Error::new(&error.to_string()))
}

/// A message as an `Error` with `code` and `params` beside its text.
fn to_error(message: &Message) -> Error {
    let error = Error::new(&message.to_string());
    let params = serde_json::to_string(&message.params).unwrap_or_default();
    let _ = Reflect::set(&error, &"code".into(), &message.code.name().into());
    let _ = Reflect::set(&error, &"params".into(), &JSON::parse(&params).unwrap_or(JsValue::NULL));
    error
}
