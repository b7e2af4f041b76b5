//! The shape of a problem: the numbers that are constant while kernels run.

use super::SlotSet;
use super::{DESCEND, GRADIENT, GRADIENT_WIDE, Kernel, WORKGROUP_SIZE};
use crate::choices::loss::kind;
use crate::dataset::Problem;
use crate::model::Linear;

/// Maximum number of tiles per batch; the update kernel adds up this many partial gradients.
pub const MAX_TILES: u32 = 512;
/// Number of rows per tile, at least: on a software adapter, starting another tile costs as much as a
/// thousand rows.
const ROWS_PER_TILE: u32 = 8192;
/// Maximum number of features for which one lane (invocation) handles a whole row.
const MAX_NARROW_FEATURES: u32 = 16;
/// Maximum number of sums for which every lane keeps its own. With the other needs of the descend kernel,
/// they fit into a workgroup's memory.
const MAX_NARROW_SUMS: u32 = 48;
/// Maximum number of dot products (rows times outputs) that a workgroup of the wide kernel computes at once.
const MAX_WIDE_DOTS: u32 = 56;
/// Maximum number of iterations of an unrolled loop.
pub(super) const MAX_UNROLLED: u32 = MAX_NARROW_FEATURES + 2;
/// Size of a batch in floats up to which one workgroup reads it faster than several could be started.
const DESCEND_FLOATS: u64 = 4096;
/// Maximum number of rows for which the descend kernel uses half a workgroup.
pub(super) const FEW_ROWS: u32 = 512;
/// Bytes of workgroup memory that WebGPU's default limits guarantee.
const WORKGROUP_BYTES: u64 = 16_384;
/// Maximum number of gradient sums that the update kernel keeps in workgroup memory.
const MAX_RESIDENT_TOTALS: u32 = 2048;
/// Maximum number of floats in the partial sums of all tiles, which limits the number of tiles of a wide
/// problem.
const MAX_PARTIAL_FLOATS: u32 = 1 << 18;
const MIN_WIDE_TILES: u32 = 64;
const MAX_WIDE_TILES: u32 = 128;
const MAX_LOOP_ITERATIONS: u32 = 50_000;

/// Number of workgroups that share a batch of `rows` rows.
pub fn tiles(rows: u32) -> u32 {
    rows.div_ceil(ROWS_PER_TILE).clamp(1, MAX_TILES)
}

/// The constants that a kernel is compiled with, so that loops unroll and sums stay in registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Number of training rows.
    pub n_samples: u32,
    /// Number of features.
    pub n_features: u32,
    /// Number of outputs of the model.
    pub n_outputs: u32,
    /// Whether there are biases, one per output, after the weights.
    pub bias: bool,
    /// The kind of loss, [`crate::choices::Loss::kind`].
    pub loss: u32,
    /// Whether rows have sample weights or folds.
    pub weighted: bool,
    /// Whether kernels read [`super::RunSettings`].
    pub settings: bool,
    /// Whether each run has its own row order.
    pub own_orders: bool,
    /// The slots that the state has.
    pub slots: SlotSet,
}

impl Shape {
    /// The shape of a problem and a model, under a loss of this kind, without settings and with every slot.
    pub fn of(problem: &Problem, linear: Linear, loss: u32) -> Self {
        let Linear { n_features, n_outputs, bias } = linear;
        Self {
            n_samples: problem.n_samples,
            n_features,
            n_outputs,
            bias,
            loss,
            weighted: !(problem.weights.is_empty() && problem.folds.is_empty()),
            settings: false,
            own_orders: false,
            slots: SlotSet::ALL,
        }
    }

    /// Number of parameters: weights and biases of all outputs.
    pub fn n_parameters(&self) -> u32 {
        (self.n_features + u32::from(self.bias)) * self.n_outputs
    }

    /// Whether the general kernels are needed, as in every case except the squared loss of one output over
    /// equally weighted rows.
    pub fn general(&self) -> bool {
        self.loss != kind::SQUARED || self.n_outputs != 1 || self.weighted || self.settings
    }

    /// Number of sums over the rows: one per parameter, then the loss.
    pub fn n_sums(&self) -> u32 {
        self.n_parameters() + 1
    }

    /// Whether several lanes share a row, because with so many features one lane's sums would not fit into
    /// registers.
    pub fn wide(&self) -> bool {
        self.n_features > MAX_NARROW_FEATURES || (self.n_sums() > MAX_NARROW_SUMS)
    }

    /// The kernels that sum over tiles: `[rows in order, rows in shuffled order]`.
    pub fn gradient(&self) -> &'static [Kernel; 2] {
        if self.wide() { &GRADIENT_WIDE } else { &GRADIENT }
    }

    /// Number of floats per row on the device; wide rows are padded to groups of four.
    pub fn row_floats(&self) -> u32 {
        if self.wide() { self.n_features.next_multiple_of(4) } else { self.n_features }
    }

    /// Whether one lane's part of a row fits into its memory; otherwise not even the wide kernel works.
    pub fn fits(&self) -> bool {
        let (_, quads, rows_at_once) = self.row_lanes();
        // Weights, sums and row data in groups of 16 bytes, out of the 8,192 bytes that WGSL
        // guarantees a function.
        let own = (2 * self.n_outputs + rows_at_once) * quads;
        own <= 512 && (!self.wide() || self.n_outputs * rows_at_once <= MAX_WIDE_DOTS)
    }

    /// Number of tiles per batch over all blocks; it grows with the number of rows, and every block gets the
    /// same number.
    pub fn tiles(&self, batch_len: u32, n_blocks: u32) -> u32 {
        let tiles = if self.wide() {
            let (lanes, _, rows_at_once) = self.row_lanes();
            let rows_a_round = WORKGROUP_SIZE / lanes * rows_at_once;
            // The update must read little compared with the tiles.
            let most = (MAX_PARTIAL_FLOATS / self.n_sums()).clamp(MIN_WIDE_TILES, MAX_WIDE_TILES);
            batch_len.div_ceil(2 * rows_a_round).clamp(1, most)
        } else {
            tiles(batch_len)
        };
        tiles.next_multiple_of(n_blocks)
    }

    /// Whether a batch is so small that one workgroup takes many steps faster than many workgroups take one.
    pub fn descends(&self, batch_len: u32) -> bool {
        !self.wide() && u64::from(batch_len) * u64::from(self.n_features + 1) <= DESCEND_FLOATS
    }

    /// Number of rows that a workgroup keeps in its memory while it descends: all rows, or 0.
    fn resident_rows(&self) -> u32 {
        let parameters = u64::from(self.n_parameters());
        let sums = u64::from(self.n_sums() * WORKGROUP_SIZE);
        let rows = u64::from(self.n_samples) * u64::from(self.n_features + 1);
        // The rest holds a reaction, one square per lane, and some single values.
        let arrays = if self.general() { 3 } else { 2 };
        let others = self.slots.count() as u64 * parameters + sums + arrays * u64::from(WORKGROUP_SIZE);
        if 4 * (rows + others) <= WORKGROUP_BYTES { self.n_samples } else { 0 }
    }

    /// Maximum number of steps per dispatch: drivers silently end a loop near 65,536 iterations of
    /// an invocation.
    pub fn steps_per_dispatch(&self, batch_len: u32) -> u32 {
        let rows = batch_len.div_ceil(DESCEND[0].workgroup_size(self));
        // A permuted row takes four rounds on average at most, plus the keys of its block.
        let outputs = self.n_outputs;
        let per_row = 2 * self.n_features * outputs + 8 * (outputs - 1) + 32;
        let per_step = rows * per_row + 8 * self.n_sums() + 32;
        (MAX_LOOP_ITERATIONS / per_step).max(1)
    }

    /// For a wide row: number of lanes that share it, groups of four columns per lane, and number of rows
    /// that a lane processes at once.
    fn row_lanes(&self) -> (u32, u32, u32) {
        let quads_a_row = self.n_features.div_ceil(4);
        let mut lanes = quads_a_row.div_ceil(8).next_power_of_two().min(WORKGROUP_SIZE);
        if self.n_outputs > 1 {
            // Every output has its own weights and sums, so more lanes take fewer columns each.
            let wanted = (quads_a_row * self.n_outputs).div_ceil(8).min(quads_a_row);
            lanes = wanted.next_power_of_two().min(WORKGROUP_SIZE);
        }
        let quads = quads_a_row.div_ceil(lanes);
        let outputs = self.n_outputs;
        (lanes, quads, (16 / (quads * outputs)).clamp(1, 4))
    }

    /// Names and values of the constants that only the general kernels have.
    pub(super) fn general_constants(&self) -> [(&'static str, u32); 5] {
        let (_, quads, rows_at_once) = self.row_lanes();
        [
            ("N_OUTPUTS", self.n_outputs),
            ("N_WEIGHTS", self.n_features * self.n_outputs),
            ("N_QUADS", quads * self.n_outputs),
            ("N_DOTS", rows_at_once * self.n_outputs),
            ("LOSS", self.loss),
        ]
    }

    pub(super) fn constants(&self, workgroup_size: u32) -> [(&'static str, u32); 14] {
        let n_sums = self.n_sums();
        let (row_lanes, quads, rows_at_once) = self.row_lanes();
        [
            ("WORKGROUP_SIZE", workgroup_size),
            ("N_FEATURES", self.n_features),
            ("N_PARAMETERS", self.n_parameters()),
            ("N_SUMS", n_sums),
            ("N_TOTALS", if n_sums <= MAX_RESIDENT_TOTALS { n_sums } else { 1 }),
            ("COLUMNS", n_sums.next_power_of_two().min(workgroup_size)),
            // For a few parameters, one lane is cheaper than barriers for all.
            ("UPDATE_LANES", if n_sums <= 5 { 1 } else { workgroup_size }),
            ("RESIDENT_ROWS", self.resident_rows()),
            ("QUADS_A_ROW", self.n_features.div_ceil(4)),
            ("ROW_LANES", row_lanes),
            ("ROW_GROUPS", workgroup_size / row_lanes),
            ("QUADS", quads),
            ("ROWS_AT_ONCE", rows_at_once),
            // Lanes to which a row's residual is folded before every lane adds them up.
            ("ROW_FOLD", row_lanes.min(8)),
        ]
    }
}
