//! Writes trained models in the formats of other tools and reads theirs: ONNX, Keras, PMML,
//! safetensors, NumPy, TensorFlow.js, coefficient tables, source code, and training scripts.
//!
//! Each format has a module with one [`format::FormatSpec`]; [`mod@formats`] lists them and detects
//! the format of a file. `onnx` writes and reads ONNX, `keras*` and `tfjs` the layers of Keras and
//! TensorFlow.js, `pmml` PMML, `npz` and `safetensors` arrays, `code` functions in five languages,
//! `recipe` training scripts. [`predict`] predicts tables with any model.
//!
//! Nothing here uses a clock, entropy or I/O. Input may be hostile: a reader never allocates more
//! memory than the input justifies, follows no offset twice, and answers whatever it cannot read
//! with a [`Message`](downhill::message::Message).

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
