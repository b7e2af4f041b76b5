//! Reads table formats that need much code: Apache Parquet, workbooks of Excel and OpenDocument,
//! and archives of NumPy arrays.
//!
//! Rows go batch by batch to a table of `downhill-tables` in another wasm. This wasm is loaded, and
//! built during development, only once such a file is opened.

pub mod archive;

mod delta;

mod pages;

pub mod parquet;

pub mod workbook;

#[cfg(target_arch = "wasm32")]
mod web;
