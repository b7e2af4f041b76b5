//! One suite for every backend. Expected numbers come from outside and say from where.
#![allow(clippy::unwrap_used, missing_docs)]

mod analysis;
mod config;
mod cpu;
mod dataset;
mod export;
mod features;
mod folds;
mod gpu;
mod gradient;
mod inference;
mod losses;
mod optimizer;
mod pair;
mod parity;
mod penalty;
mod rng;
mod schedule;
mod shaders;
mod story;
mod support;
mod tidy;
mod trainer;
mod validation;
