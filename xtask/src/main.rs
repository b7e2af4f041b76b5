//! Builds, serves and tests Downhill.
fn main() {}
