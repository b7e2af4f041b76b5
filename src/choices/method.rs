//! How many rows each update uses.

use super::table::choice;

choice! {
    /// How many rows each update uses.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Method = "method" at "method", named {
        /// Every update uses all rows.
        Batch = "batch";
        /// Every update uses `batch_size` rows.
        MiniBatch = "mini_batch";
        /// Every update uses one row.
        Stochastic = "stochastic";
        /// Every update uses one row, at a decaying rate: chosen together with
        /// [`super::Schedule::TimeDecay`].
        DecayingRate = "decaying_rate";
    }
}
