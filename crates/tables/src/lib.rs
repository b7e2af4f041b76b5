//! Reads users' tables: text of any dialect, JSON and NumPy's files into typed columns, and the rows that a model asks for
//! out of them. Formats that take more code to read are those of `downhill-parquet-and-workbooks`, which gives its rows to a table here.
//!
//! Nothing here knows a browser but `web`. The trainer's wasm never sees a table: it asks for blocks of rows.

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
