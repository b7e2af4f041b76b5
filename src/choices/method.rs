//! How many rows an update sees.

use super::table::choice;

choice! {
    /// How many rows an update sees.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Method = "method" at "method", named {
        /// All of them.
        Batch = "batch";
        /// `batch_size` of them.
        MiniBatch = "mini_batch";
        /// One.
        Stochastic = "stochastic";
        /// One, at a rate that decays: chosen together with [`super::Schedule::TimeDecay`].
        DecayingRate = "decaying_rate";
    }
}
