//! The JavaScript interface: the worker's session, the embeddable trainer, the charts, and helpers of the
//! form.
//!
//! Exported functions return `Result<T, Message>`: a [`Message`](crate::message::Message) is thrown as an `Error` with
//! `code` and `params`.

use wasm_bindgen::prelude::*;

#[cfg(feature = "chart")]
mod canvas;
#[cfg(feature = "chart")]
pub mod charts;
mod convert;
mod engines;
pub mod form;
pub mod module;
pub mod pair;
#[cfg(feature = "chart")]
pub mod plots;
pub mod session;

pub use convert::now_ms;
use convert::{attach, from_js, internal, reason_of, set, to_js};

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &'static str = include_str!("web/types.d.ts");

#[wasm_bindgen(typescript_custom_section)]
const JAVASCRIPT_TYPES: &'static str = include_str!("web/javascript.d.ts");

/// Initializes the module; runs once when it is instantiated.
#[wasm_bindgen(start)]
fn start() {
    console_error_panic_hook::set_once();
}
