//! Where the kernels run.

use super::table::choice;

choice! {
    /// Where the kernels run.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum BackendChoice = "backend" at "backend", named {
        /// On whichever is measured to be fastest.
        Auto = "auto";
        /// On the GPU, or on the CPU with the reason where there is none.
        Gpu = "gpu";
        /// On the CPU, every batch by a pass over its rows.
        Cpu = "cpu";
        /// On the CPU, full batches by sufficient statistics.
        Statistics = "statistics";
    }
}
