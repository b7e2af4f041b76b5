//! How many rows an update sees.

use super::table::choice;

choice! {
    /// How many rows each update uses.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Method = "method" at "method", named {
        /// All rows.
        Batch = "batch";
        /// `batch_size` rows.
        MiniBatch = "mini_batch";
        /// One row.
        Stochastic = "stochastic";
        /// One row, at a decaying rate: chosen together with [`super::Schedule::TimeDecay`].
        DecayingRate = "decaying_rate";
    }
}
