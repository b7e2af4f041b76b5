//! Fuzzes everything that reads users' files and links, with randomly mutated valid inputs.
//!
//! Cargo's fuzzers need a nightly compiler. Here an input is a function of (target, seed,
//! iteration), so that these three words reproduce any failure. [`corpus`] has valid inputs,
//! [`mutation`] changes them, and [`target`] reads them.

pub mod corpus;

pub mod mutation;

pub mod random;

pub mod target;
