//! Converts plain data to and from JavaScript values.

use js_sys::{Array, Error, Float32Array, Reflect};
use serde::Serialize;
use serde::de::DeserializeOwned;
use wasm_bindgen::prelude::*;

use crate::message::{Code, Message, Result};

/// Time in milliseconds from a monotonic clock.
pub fn now_ms() -> f64 {
    thread_local! {
        static PERFORMANCE: Option<web_sys::Performance> =
            Reflect::get(&js_sys::global(), &"performance".into()).ok().and_then(|p| p.dyn_into().ok());
    }
    PERFORMANCE
        .with(|performance| performance.as_ref().map_or_else(js_sys::Date::now, web_sys::Performance::now))
}

/// Converts plain data to a JavaScript value: `None` becomes null, maps become objects.
///
/// This function and [`from_js`] go through [`serde_json::Value`], as links and files do, so that the wasm
/// contains one writer and one reader per type; this saves a third of its size. Infinite numbers and NaN
/// become null.
pub(super) fn to_js<T: Serialize + ?Sized>(value: &T) -> Result<JsValue> {
    let value = serde_json::to_value(value).map_err(internal)?;
    value.serialize(&serde_wasm_bindgen::Serializer::json_compatible()).map_err(internal)
}

/// Converts a JavaScript value to plain data.
pub(super) fn from_js<T: DeserializeOwned>(value: JsValue) -> Result<T> {
    let unreadable =
        |detail: &dyn std::fmt::Display| Message::new(Code::ConfigUnreadable).with("detail", detail);
    let value: serde_json::Value =
        serde_wasm_bindgen::from_value(value).map_err(|error| unreadable(&error))?;
    serde_json::from_value(value).map_err(|error| unreadable(&error))
}

pub(super) fn set(object: &JsValue, name: &str, value: &JsValue) {
    // Setting a property of a plain object cannot fail.
    let _ = Reflect::set(object, &name.into(), value);
}

/// Sets property `name` of `object` to a typed array of these numbers, whose memory is transferred with the
/// message.
pub(super) fn attach(object: &JsValue, name: &str, values: &[f32], transfer: &Array) {
    let array = Float32Array::from(values);
    transfer.push(&array.buffer());
    set(object, name, &array);
}

pub(super) fn internal(detail: impl std::fmt::Display) -> Message {
    Message::new(Code::Internal).with("detail", detail)
}

/// The text of a JavaScript value that was thrown.
pub(super) fn reason_of(error: &JsValue) -> String {
    error.dyn_ref::<Error>().map_or_else(|| format!("{error:?}"), |error| error.message().into())
}
