//! Downhill trains models by gradient descent while you watch.
//!
//! Modules in reading order: first the mathematics, which is independent of any platform; then the engines,
//! which share one interface; then the trainer that drives them; then the interface to the page. Modules
//! depend only on earlier ones.

pub mod message;

pub mod fields;
pub mod number;
pub mod order;

pub mod choices;

pub mod rng;

pub mod dataset;

pub mod model;

pub mod config;

pub mod history;

pub mod metrics;

pub mod analysis;

pub mod backend;
pub mod runs;

pub mod monitor;

pub mod trainer;

pub mod run_file;

pub mod foreign;

pub mod protocol;

#[cfg(feature = "chart")]
pub mod chart;

#[cfg(target_arch = "wasm32")]
pub mod web_error;

#[cfg(test)]
mod web_types;

#[cfg(all(target_arch = "wasm32", feature = "web"))]
pub mod web;
