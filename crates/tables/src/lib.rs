//! Reads users' tables (text in any dialect, JSON, and NumPy files) into typed columns, and selects
//! from them the rows that a model needs. Formats that need more code are read by
//! `downhill-parquet-and-workbooks`, which passes its rows to a table here.
//!
//! Only `web` depends on a browser. The trainer's wasm never sees a table; it requests blocks of
//! rows.

pub mod splitter;

pub mod dialect;

mod number;

pub mod cell;

pub mod block;

pub mod column;

pub mod table;

pub mod selection;

pub mod format;

pub mod source;

pub mod batch;

pub mod objects;

pub mod npy;

pub mod arrays;

#[cfg(target_arch = "wasm32")]
pub mod blob;

#[cfg(all(feature = "web", target_arch = "wasm32"))]
mod web;
