//! Constants that Rust and the shaders share. They are defined only here and are written in front of every
//! kernel's source.

macro_rules! constants {
    ($($(#[$doc:meta])* $NAME:ident = $value:literal;)+) => {
        $( $(#[$doc])* pub const $NAME: u32 = $value; )+

        /// Names and values of the integer constants of every kernel.
        pub const SHARED_CONSTANTS: &[(&str, u32)] = &[
            $( (stringify!($NAME), $NAME), )+
        ];
    };
}

constants! {
    /// A step's flag: the rows are visited in the epoch's shuffled order.
    SHUFFLED = 1;
    /// A step's flag: this is the first update of an epoch.
    EPOCH_START = 2;
    /// A step's flag: this is the last update of an epoch.
    EPOCH_END = 4;
    /// A step's flag: the batch is the whole training set, so its loss is the loss of the weights.
    FULL = 8;
    /// A step's flag: it measures loss and gradient and updates nothing.
    EVALUATE = 16;
    /// A step's flag, together with [`EVALUATE`]: measures the rows of the run's fold instead of
    /// the others, without the penalty.
    VALIDATE = 32;

    /// Why a run halted: an update would have been infinite or NaN.
    HALT_NOT_FINITE = 1;
    /// Why a run halted: the loss exceeded the divergence limit.
    HALT_LOSS = 2;
    /// Why a run halted: the target loss was reached.
    HALT_TARGET_LOSS = 3;
    /// Why a run halted: the target gradient norm was reached.
    HALT_TARGET_GRADIENT = 4;

    /// Number of batches whose losses are summed before the sum is added to the epoch's: two short sums lose
    /// less precision than a long one.
    N_TAIL = 1024;
}

/// Relative rise of the epoch loss up to which the bold driver attributes it to rounding.
pub const RISE: f32 = 1e-6;

/// Names and values of the floating-point constants of every kernel.
pub const SHARED_FLOATS: [(&str, f32); 2] =
    [("RISE", RISE), ("SMALL_RESIDUAL", crate::choices::loss::SMALL_RESIDUAL)];

/// Indices of the slots, which are the rows of `[slot][parameter]` that a run may keep; see
/// [`super::SlotSet`].
pub mod slot {
    /// The weights, then the biases.
    pub const WEIGHT: usize = 0;
    /// The optimizer's first moment `m`.
    pub const FIRST_MOMENT: usize = 1;
    /// The optimizer's second moment `v`.
    pub const SECOND_MOMENT: usize = 2;
    /// The weights before the last update.
    pub const PREVIOUS: usize = 3;
    /// The weights at the start of the current epoch.
    pub const EPOCH_START: usize = 4;
    /// The weights at the start of the last epoch that the bold driver accepted.
    pub const ANCHOR: usize = 5;
    /// Number of different slots.
    pub const COUNT: usize = 6;
}
