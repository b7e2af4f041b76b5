//! One suite for every backend. Expected numbers come from outside and say from where.
#![allow(clippy::unwrap_used, missing_docs)]

mod analysis;
mod config;
mod cpu;
mod dataset;
mod export;
mod features;
mod gpu;
mod gradient;
mod inference;
mod likelihood;
mod optimizer;
mod optimum;
mod pair;
mod parity;
mod rng;
mod schedule;
mod scores;
mod shaders;
mod story;
mod strd;
mod support;
mod tidy;
mod trainer;
mod validation;
