//! Converts messages to JavaScript errors, for every wasm module of Downhill.

use js_sys::{Error, Object, Reflect};
use wasm_bindgen::JsValue;

use crate::message::Message;

/// Converts a message to an `Error` with `code` and `params` in addition to its text.
pub fn to_error(message: &Message) -> Error {
    let params = Object::new();
    for (name, value) in &message.params {
        set(&params, name, &JsValue::from_str(value));
    }
    let error = Error::new(&message.to_string());
    set(&error, "code", &message.code.name().into());
    set(&error, "params", &params);
    error
}

impl From<Message> for Error {
    fn from(message: Message) -> Self {
        to_error(&message)
    }
}

impl From<Message> for JsValue {
    fn from(message: Message) -> Self {
        to_error(&message).into()
    }
}

fn set(object: &JsValue, name: &str, value: &JsValue) {
    // Setting a plain property of an object of our own cannot fail.
    let _ = Reflect::set(object, &name.into(), value);
}
