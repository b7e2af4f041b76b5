//! The wasm that takes over when a run needs more than a first visit does: every loss, penalty, split and table.
//!
//! All of it is in the crate `downhill`; a wasm of its own has a name of its own, so that builds with other features do not
//! write over each other.

#[cfg(target_arch = "wasm32")]
pub use downhill::web::*;
