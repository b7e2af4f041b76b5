//! The engine on which the kernels run.

use super::table::choice;

choice! {
    /// The engine on which the kernels run.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum BackendChoice = "backend" at "backend", named {
        /// The engine that a measurement finds to be fastest.
        Auto = "auto";
        /// The GPU, or the CPU if there is no usable GPU.
        Gpu = "gpu";
        /// The CPU, with a pass over the rows for every batch.
        Cpu = "cpu";
        /// The CPU, with sufficient statistics instead of rows for full batches.
        Statistics = "statistics";
    }
}
