//! The bare engine as a wasm, for `cargo xtask bench`. It holds nothing where it is built for anything but a browser.

#[cfg(target_arch = "wasm32")]
pub mod engine;
