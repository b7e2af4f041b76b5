//! Reads users' tables: text of any dialect into typed columns, and the rows that a model asks for out of them.
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

#[cfg(target_arch = "wasm32")]
mod web;
