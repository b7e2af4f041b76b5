//! The wasm of the benchmark: the bare engine.
//!
//! All of it is in the crate `downhill`; a wasm of its own has a name of its own, so that builds with other features do not
//! write over each other.

#[cfg(target_arch = "wasm32")]
pub use downhill::web::*;
