//! What reads a person's files and links is given what nobody would write: valid ones, mutated by chance.
//!
//! Cargo's own fuzzers need a nightly compiler. Here an input is a function of (target, seed, iteration), so that whatever goes
//! wrong can be had again from three words: [`corpus`] has what is valid, [`mutation`] changes it, [`target`] reads it.

pub mod corpus;

pub mod mutation;

pub mod random;

pub mod target;
