//! History of a run.
