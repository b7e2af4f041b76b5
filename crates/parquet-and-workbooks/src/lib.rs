//! Reads tables whose formats take much code to read: Apache Parquet, the workbooks of Excel and OpenDocument, and archives
//! of NumPy's arrays.
//!
//! What is read goes batch by batch into a table of `downhill-tables`, which lives in another wasm: nothing of this one is
//! loaded, or built for development, before such a file comes.

pub mod archive;

mod delta;

mod pages;

pub mod parquet;

pub mod workbook;

#[cfg(target_arch = "wasm32")]
mod web;
