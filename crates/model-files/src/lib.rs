//! Writes trained models as files of other tools, and reads theirs: ONNX, Keras, PMML, safetensors, NumPy, TensorFlow.js,
//! tables of coefficients, code, scripts.
//!
//! Each format has a module of its own with one [`format::FormatSpec`] in it: [`mod@formats`] lists them, and finds out the
//! format of a file. `onnx` writes and reads ONNX, `keras*` and `tfjs` the layers of Keras and TensorFlow.js, `pmml` PMML,
//! `npz` and `safetensors` arrays, `code` functions in five languages, `recipe` training scripts. [`predict`] predicts
//! tables with a model, wherever that came from.
//!
//! Nothing here knows a clock, entropy or I/O. What is read may be hostile: a reader allocates no more than it has bytes
//! for, follows no offset twice, and answers whatever it cannot read with a [`Message`](downhill::message::Message).

pub mod run;

pub mod format;

pub mod formats;

mod recipe;

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
