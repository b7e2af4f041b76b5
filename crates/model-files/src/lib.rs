//! Takes trained models away in the files that other tools read, and brings theirs back.
//!
//! Modules in reading order: [`model`] is what every format holds, [`run`] is a run of Downhill that carries one, [`mod@format`]
//! names the formats, writes a run in any of them and finds out what a file is; then one module a format.
//!
//! Everything is plain data in, plain data out: no clock, no entropy, no I/O. Whatever is read may be hostile: a reader
//! allocates no more than it has bytes for, follows no offset twice, and gives a [`Message`](downhill::message::Message)
//! for whatever it cannot read.

pub mod model;

pub mod run;

mod recipe;

pub mod format;

mod graph;

mod onnx;

pub mod describe;

mod features;

mod tensors;

mod safetensors;

mod npz;

mod coefficients;

mod history;

mod pmml;

mod provenance;

mod code;

mod page;

pub mod forward;

pub mod predict;

mod network;

mod interpret;

mod archive;

mod hdf5;

mod keras;

mod keras_config;

mod keras_h5;

mod keras_zip;

mod tfjs;

#[cfg(target_arch = "wasm32")]
pub mod web;
