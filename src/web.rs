//! What JavaScript sees: the worker's session, the embeddable trainer, the charts, and the form's small questions.

use js_sys::{Array, Error, Float32Array, Reflect};
use serde::Serialize;
use serde::de::DeserializeOwned;
use wasm_bindgen::prelude::*;

use crate::message::{Code, Message};
pub use crate::web_error::to_error;

#[cfg(feature = "chart")]
mod canvas;
#[cfg(feature = "chart")]
pub mod charts;
mod engines;
pub mod form;
pub mod module;
pub mod pair;
#[cfg(feature = "chart")]
pub mod plots;
pub mod session;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &'static str = include_str!("web/types.d.ts");

/// Runs once, when the module is instantiated.
#[wasm_bindgen(start)]
fn start() {
    console_error_panic_hook::set_once();
}

/// Milliseconds on a clock that only runs forward.
pub fn now_ms() -> f64 {
    thread_local! {
        static PERFORMANCE: Option<web_sys::Performance> =
            Reflect::get(&js_sys::global(), &"performance".into()).ok().and_then(|p| p.dyn_into().ok());
    }
    PERFORMANCE
        .with(|performance| performance.as_ref().map_or_else(js_sys::Date::now, web_sys::Performance::now))
}

/// Plain data as JavaScript would write it: absent is null, maps are objects.
///
/// Here and in [`from_js`] data go through [`serde_json::Value`], as links and files do, so that the wasm holds one
/// writer and one reader of each type: a third of its size. What is not a finite number becomes null.
fn to_js<T: Serialize + ?Sized>(value: &T) -> Result<JsValue, Error> {
    let value = serde_json::to_value(value).map_err(internal)?;
    value.serialize(&serde_wasm_bindgen::Serializer::json_compatible()).map_err(internal)
}

/// Plain data from JavaScript.
fn from_js<T: DeserializeOwned>(value: JsValue) -> Result<T, Error> {
    let unreadable = |detail: &dyn std::fmt::Display| {
        to_error(&Message::new(Code::ConfigUnreadable).with("detail", detail))
    };
    let value: serde_json::Value =
        serde_wasm_bindgen::from_value(value).map_err(|error| unreadable(&error))?;
    serde_json::from_value(value).map_err(|error| unreadable(&error))
}

/// A JSON value by the browser's own reader: serde's would be a twentieth of the download.
///
/// # Errors
/// What the browser says of it.
fn json(text: &str) -> Result<serde_json::Value, String> {
    // Browsers quote what they stumbled on, its line ends too.
    let said = |error: JsValue| {
        let words = error.dyn_ref::<Error>().map_or_else(String::new, |error| error.message().into());
        words.replace('\n', " ")
    };
    let value = js_sys::JSON::parse(text).map_err(said)?;
    serde_wasm_bindgen::from_value(value).map_err(|error| error.to_string())
}

/// Fields as a JSON text, by the browser's own writer.
fn json_text(fields: Vec<(&str, serde_json::Value)>) -> crate::message::Result<String> {
    let internal = |detail: &dyn std::fmt::Display| Message::new(Code::Internal).with("detail", detail);
    let object = js_sys::Object::new();
    for (name, value) in fields {
        let value = value
            .serialize(&serde_wasm_bindgen::Serializer::json_compatible())
            .map_err(|error| internal(&error))?;
        set(&object, name, &value);
    }
    let text = js_sys::JSON::stringify_with_replacer_and_space(&object, &JsValue::NULL, &2.into());
    text.map(String::from).map_err(|_| internal(&"the browser could not convert it to text"))
}

fn internal(detail: impl std::fmt::Display) -> Error {
    to_error(&Message::new(Code::Internal).with("detail", detail))
}

fn set(object: &JsValue, name: &str, value: &JsValue) {
    // Setting a plain property of an object of our own cannot fail.
    let _ = Reflect::set(object, &name.into(), value);
}

/// Attaches a column of numbers, and hands its memory over with the message.
fn attach(object: &JsValue, name: &str, values: &[f32], transfer: &Array) {
    let array = Float32Array::from(values);
    transfer.push(&array.buffer());
    set(object, name, &array);
}
