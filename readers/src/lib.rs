//! Reads users' tables: text of any dialect into typed columns, and the rows that a model asks for out of them.
//!
//! Nothing here knows a browser but `web`. The trainer's wasm never sees a table: it asks for blocks of rows.

pub mod dialect;

pub mod cell;

pub mod column;

pub mod table;

pub mod selection;

pub mod diagnose;

#[cfg(target_arch = "wasm32")]
mod web;
