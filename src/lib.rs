//! Downhill.
pub mod metrics;

#[cfg(feature = "chart")]
pub mod chart;

#[cfg(target_arch = "wasm32")]
pub mod web;
