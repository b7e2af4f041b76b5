//! The bare engine as a wasm, for `cargo xtask bench`. On targets other than wasm this crate is
//! empty.

#[cfg(target_arch = "wasm32")]
pub mod engine;
