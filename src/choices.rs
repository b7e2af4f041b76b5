//! The choices that a configuration consists of, such as loss and optimizer: one table per choice, one row
//! per entry.
//!
//! Each row defines the enum variant, its JSON and its part of a link, its range checks, its field in the
//! form and its constant in the shaders. See [`table`].

pub mod activation;
pub mod backend;
pub mod initializer;
pub mod loss;
pub mod method;
pub mod optimizer;
pub mod penalty;
pub mod scaling;
pub mod schedule;
pub mod source;
pub mod split;
pub mod table;

pub use activation::Activation;
pub use backend::BackendChoice;
pub use initializer::InitialWeights;
pub use loss::{Loss, Response, Targets};
pub use method::Method;
pub use optimizer::Optimizer;
pub use penalty::Penalty;
pub use scaling::Scaling;
pub use schedule::{Schedule, Warmup};
pub use source::{Missing, ShippedTable, Source};
pub use split::Split;
pub use table::{Choice, Entry, ParameterSpec, Spec};

/// The tables of all choices.
pub const SPECS: [&Spec; 12] = [
    Optimizer::SPEC,
    Schedule::SPEC,
    Loss::SPEC,
    Activation::SPEC,
    InitialWeights::SPEC,
    Scaling::SPEC,
    Method::SPEC,
    Split::SPEC,
    BackendChoice::SPEC,
    Missing::SPEC,
    Source::SPEC,
    ShippedTable::SPEC,
];

/// Names and values of the constants by which shaders refer to entries, such as `LOSS_HUBER`.
pub fn kernel_constants() -> Vec<(String, u32)> {
    SPECS.iter().flat_map(|spec| spec.kernel_constants()).collect()
}

/// Whether `value` is the name of an entry of the choice at `path` in a configuration (not a number or a
/// flag).
pub fn is_name(path: &str, value: &str) -> bool {
    SPECS.iter().any(|spec| spec.is_name(path, value))
}
