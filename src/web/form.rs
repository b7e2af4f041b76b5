//! Functions for the page's form, which run on the page's own thread: defaults, links, sliders.

use std::collections::BTreeMap;

use js_sys::Float64Array;
use wasm_bindgen::prelude::*;

use super::{from_js, set, to_js};
use crate::choices::{SPECS, Spec};
use crate::config::{self, RESTARTING_FIELDS, RunConfig};
use crate::dataset::Problem;
use crate::message::{self, Code, Result};

/// The configuration that the page starts with.
#[wasm_bindgen(unchecked_return_type = "RunConfig")]
pub fn default_config() -> Result<JsValue> {
    to_js(&RunConfig::default())
}

/// The configuration in a link's part after `#`, and messages about parts that could not be read.
#[wasm_bindgen(unchecked_return_type = "{ config: RunConfig; problems: Message[] }")]
pub fn config_from_query(query: &str) -> Result<JsValue> {
    let (config, problems) = config::from_query(query, |text| serde_json::from_str(text).ok());
    to_js(&serde_json::json!({ "config": config, "problems": problems }))
}

/// Converts a configuration to the part of a link after `#`.
#[wasm_bindgen]
pub fn config_to_query(
    #[wasm_bindgen(unchecked_param_type = "RunConfig")] config: JsValue,
) -> Result<String> {
    Ok(config::to_query(&from_js::<RunConfig>(config)?))
}

/// Checks a configuration; returns the message of the first error, or null.
#[wasm_bindgen(unchecked_return_type = "Message | undefined")]
pub fn check_config(#[wasm_bindgen(unchecked_param_type = "RunConfig")] config: JsValue) -> Result<JsValue> {
    match from_js::<RunConfig>(config)?.check() {
        Ok(_) => Ok(JsValue::UNDEFINED),
        Err(message) => to_js(&message),
    }
}

/// The memory that rows will take, formatted as text. The columns of a table are kept in addition to the
/// features made of them; generated rows are computed again when needed.
#[wasm_bindgen]
pub fn memory_of(n_samples: u32, degree: u32, is_table: bool) -> String {
    let kept = if is_table { 16 * u64::from(n_samples) } else { 0 };
    message::bytes(kept + Problem::bytes(n_samples, degree))
}

/// Formats a number of bytes as text.
#[wasm_bindgen]
pub fn format_bytes(bytes: f64) -> String {
    message::bytes(bytes as u64)
}

/// The tables of all choices, by the name of the choice.
#[wasm_bindgen(unchecked_return_type = "Record<string, ChoiceSpec>")]
pub fn choices() -> Result<JsValue> {
    let tables: BTreeMap<&str, &Spec> = SPECS.iter().map(|spec| (spec.name, *spec)).collect();
    to_js(&tables)
}

/// See [`config::choose_method`].
#[wasm_bindgen(unchecked_return_type = "RunConfig")]
pub fn choose_method(
    #[wasm_bindgen(unchecked_param_type = "RunConfig")] config: JsValue,
    #[wasm_bindgen(unchecked_param_type = "Method")] method: JsValue,
) -> Result<JsValue> {
    to_js(&config::choose_method(&from_js(config)?, from_js(method)?))
}

/// See [`config::choose_optimizer`].
#[wasm_bindgen(unchecked_return_type = "RunConfig")]
pub fn choose_optimizer(
    #[wasm_bindgen(unchecked_param_type = "RunConfig")] config: JsValue,
    kind: &str,
) -> Result<JsValue> {
    to_js(&config::choose_optimizer(&from_js(config)?, kind)?)
}

/// See [`config::choose_loss`].
#[wasm_bindgen(unchecked_return_type = "RunConfig")]
pub fn choose_loss(
    #[wasm_bindgen(unchecked_param_type = "RunConfig")] config: JsValue,
    kind: &str,
) -> Result<JsValue> {
    to_js(&config::choose_loss(&from_js(config)?, kind)?)
}

/// See [`config::loss_for_target`].
#[wasm_bindgen(unchecked_return_type = "Loss")]
pub fn loss_for_target(
    #[wasm_bindgen(unchecked_param_type = "Loss")] current: JsValue,
    n_classes: u32,
) -> Result<JsValue> {
    to_js(&config::loss_for_target(from_js(current)?, n_classes))
}

/// See [`config::choose_schedule`].
#[wasm_bindgen(unchecked_return_type = "RunConfig")]
pub fn choose_schedule(
    #[wasm_bindgen(unchecked_param_type = "RunConfig")] config: JsValue,
    kind: &str,
) -> Result<JsValue> {
    to_js(&config::choose_schedule(&from_js(config)?, kind)?)
}

/// See [`config::choose_source`].
#[wasm_bindgen(unchecked_return_type = "RunConfig")]
pub fn choose_source(
    #[wasm_bindgen(unchecked_param_type = "RunConfig")] config: JsValue,
    id: &str,
) -> Result<JsValue> {
    to_js(&config::choose_source(&from_js(config)?, id)?)
}

/// Learning rates of the schedule at `n_points` steps, spread over a number of steps that shows its shape.
#[wasm_bindgen]
pub fn schedule_curve(
    #[wasm_bindgen(unchecked_param_type = "RunConfig")] config: JsValue,
    n_points: usize,
) -> Result<Float64Array> {
    Ok(Float64Array::from(config::schedule_curve(&from_js(config)?, n_points).as_slice()))
}

/// See [`config::rate_from_position`].
#[wasm_bindgen]
pub fn rate_from_position(position: f64) -> f64 {
    config::rate_from_position(position)
}

/// See [`config::position_from_rate`].
#[wasm_bindgen]
pub fn position_from_rate(rate: f64) -> f64 {
    config::position_from_rate(rate)
}

/// See [`config::neighbouring_rate`].
#[wasm_bindgen]
pub fn neighbouring_rate(rate: f64, up: bool) -> f64 {
    config::neighbouring_rate(rate, up)
}

/// See [`config::speed_from_position`].
#[wasm_bindgen]
pub fn speed_from_position(position: f64) -> Option<f64> {
    config::speed_from_position(position)
}

/// See [`config::position_from_speed`].
#[wasm_bindgen]
pub fn position_from_speed(speed: Option<f64>) -> f64 {
    config::position_from_speed(speed)
}

/// Paths of the configuration's fields whose change starts a new run.
#[wasm_bindgen]
pub fn restarting_fields() -> Vec<String> {
    RESTARTING_FIELDS.iter().map(|&path| path.to_owned()).collect()
}

/// The English wording of every message code, in which `{name}` stands for a parameter.
#[wasm_bindgen(unchecked_return_type = "Record<string, string>")]
pub fn english_messages() -> JsValue {
    let table = js_sys::Object::new();
    for code in Code::ALL {
        let template = code.template();
        if !template.is_empty() {
            set(&table, code.name(), &template.into());
        }
    }
    table.into()
}
