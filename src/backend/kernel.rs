//! Everything that both sides of the mirror share: the parameters of the kernels, byte for byte,
//! and their sources.

use bytemuck::{Pod, Zeroable};

use crate::choices::loss::kind;
use crate::choices::optimizer::Rule;
use crate::choices::{self, Choice as _, Loss, Penalty, Schedule};
use crate::dataset::Problem;
use crate::model::Linear;

mod constants;

pub use constants::*;

/// Invocations per workgroup. With 64, short batches do not idle through a wide reduction.
pub const WORKGROUP_SIZE: u32 = 64;
/// Maximum number of tiles per batch; the update kernel sums this many partial gradients.
pub const MAX_TILES: u32 = 512;
/// Number of rows that justify another tile: on a software adapter, starting one costs as much as a
/// thousand rows.
const ROWS_PER_TILE: u32 = 8192;
/// Maximum number of features for which one lane handles a whole row.
const MAX_NARROW_FEATURES: u32 = 16;
/// Maximum number of sums that every lane keeps for itself. Together with what else descent needs,
/// they fit a workgroup's memory.
const MAX_NARROW_SUMS: u32 = 48;
/// Maximum number of products of rows and outputs in a workgroup of the wide kernel.
const MAX_WIDE_DOTS: u32 = 56;
/// Maximum number of iterations of an unrolled loop.
const MAX_UNROLLED: u32 = MAX_NARROW_FEATURES + 2;
/// Floats of a batch that one workgroup reads faster than many workgroups start.
const DESCEND_FLOATS: u64 = 4096;
/// Maximum number of rows on which half a workgroup descends.
const FEW_ROWS: u32 = 512;
/// Workgroup memory guaranteed by WebGPU's defaults.
const WORKGROUP_BYTES: u64 = 16_384;
/// Number of totals that the update keeps in workgroup memory.
const MAX_RESIDENT_TOTALS: u32 = 2048;
/// Number of tiles of a wide problem, limited by the floats of their sums.
const MAX_PARTIAL_FLOATS: u32 = 1 << 18;
const MIN_WIDE_TILES: u32 = 64;
const MAX_WIDE_TILES: u32 = 128;
const MAX_LOOP_ITERATIONS: u32 = 50_000;

/// One step as planned by the host. Schedules, corrections and row order depend only on the step,
/// so kernels never compute them.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Pod, Zeroable)]
pub struct StepParams {
    /// The schedule's rate, before the run's own scale.
    pub learning_rate: f32,
    /// `1 - b1^t`, see [`crate::choices::Optimizer::corrections`].
    pub correction1: f32,
    /// `1 - b2^t`.
    pub correction2: f32,
    /// The epoch (modulo 2^32), which determines the row order.
    pub epoch: u32,
    /// Position of the batch's first row in the row order.
    pub batch_start: u32,
    /// Rows of the batch.
    pub batch_len: u32,
    /// [`SHUFFLED`], [`EPOCH_START`], [`EPOCH_END`], [`FULL`], [`EVALUATE`], [`VALIDATE`].
    pub flags: u32,
    /// Workgroups that share the batch.
    pub n_tiles: u32,
}

/// Parameters that are the same for every step of a call.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Pod, Zeroable)]
pub struct RunParams {
    /// Number of training rows.
    pub n_samples: u32,
    /// Number of features.
    pub n_features: u32,
    /// Number of features, plus one if there is a bias.
    pub n_parameters: u32,
    /// Number of parallel runs over the same rows.
    pub n_runs: u32,
    /// Capacity of a run's trace row, in steps.
    pub trace_capacity: u32,
    /// Seed of the row order.
    pub seed: u32,
    /// Rows per block of the row order.
    pub block_rows: u32,
    /// Tiles per run in the buffer of partial sums.
    pub max_tiles: u32,
    /// [`Rule::kind`].
    pub rule: u32,
    /// [`Rule::beta1`].
    pub beta1: f32,
    /// [`Rule::beta2`].
    pub beta2: f32,
    /// [`Rule::epsilon`].
    pub epsilon: f32,
    /// [`Rule::weight_decay`].
    pub weight_decay: f32,
    /// What the schedule makes of epochs: one of [`crate::choices::schedule::kind`], or 0.
    pub reaction: u32,
    /// Factor of the rate after a good epoch (bold driver).
    pub increase: f32,
    /// Factor of the rate after a bad epoch, or on a plateau.
    pub decrease: f32,
    /// Relative fall that counts as an improvement.
    pub threshold: f32,
    /// Epochs without improvement that are tolerated.
    pub patience: u32,
    /// Epochs after a reduction that are not counted.
    pub cooldown: u32,
    /// Lower limit of the scale.
    pub minimum_scale: f32,
    /// A loss above this value halts the run.
    pub divergence_limit: f32,
    /// A full-batch loss at or below this value halts the run; negative for none.
    pub target_loss: f32,
    /// A full-batch gradient norm at or below this value halts the run; negative for none.
    pub target_gradient_norm: f32,
    /// Maximum number of steps per dispatch of the descend kernel, set by the engine.
    pub steps_per_dispatch: u32,
    /// [`Loss::kind`].
    pub loss: u32,
    /// [`Loss::parameter`].
    pub loss_parameter: f32,
}

/// Settings in which runs differ, apart from their weights. A state without settings uses the
/// defaults.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
pub struct RunSettings {
    /// Strength of the L1 part, `a q` of [`Penalty`].
    pub l1: f32,
    /// Strength of the L2 part, `a (1 - q)`.
    pub l2: f32,
    /// The fold that the run is not trained on, or [`NO_FOLD`] if it is trained on all rows.
    pub fold: u32,
    /// Compensates for the rows left out: `n / sum s_i` over the other rows, because a batch's sum
    /// is divided by all of its rows.
    pub training_scale: f32,
    /// The same factor for the fold itself, for [`VALIDATE`].
    pub validation_scale: f32,
    /// Multiplies the rate of every step.
    pub rate_factor: f32,
    /// Added to [`RunParams::seed`], modulo 2^32, for the row order; but [`EVALUATE`] measures every run on the same rows.
    pub seed_offset: u32,
}

/// [`RunSettings::fold`] of a run that is trained on every row.
pub const NO_FOLD: u32 = u32::MAX;

impl Default for RunSettings {
    fn default() -> Self {
        Self {
            l1: 0.0,
            l2: 0.0,
            fold: NO_FOLD,
            training_scale: 1.0,
            validation_scale: 1.0,
            rate_factor: 1.0,
            seed_offset: 0,
        }
    }
}

impl RunSettings {
    /// Settings of a run on `problem` with this penalty that leaves out `fold`, if any.
    pub fn of(problem: &Problem, penalty: &Penalty, fold: Option<u8>) -> Self {
        let Penalty { strength, l1_ratio } = *penalty;
        let (l1, l2) = ((strength * l1_ratio) as f32, (strength * (1.0 - l1_ratio)) as f32);
        let Some(fold) = fold else { return Self { l1, l2, ..Self::default() } };
        let mut sums = [0.0; 2];
        for (row, own) in problem.folds.iter().enumerate() {
            sums[usize::from(*own == fold)] += problem.weights.get(row).map_or(1.0, |s| f64::from(*s));
        }
        let scale = |sum: f64| if sum > 0.0 { (f64::from(problem.n_samples) / sum) as f32 } else { 0.0 };
        let [training_scale, validation_scale] = sums.map(scale);
        Self { l1, l2, fold: fold.into(), training_scale, validation_scale, ..Self::default() }
    }

    /// Whether there is a penalty.
    pub fn penalizes(&self) -> bool {
        self.l1 > 0.0 || self.l2 > 0.0
    }
}

/// One buffer's part of the rows, if they exceed one buffer.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Pod, Zeroable)]
pub struct Block {
    /// Index of the first row.
    pub first_row: u32,
    /// Index after the last row.
    pub end_row: u32,
    /// Index of the block.
    pub index: u32,
    /// Number of blocks; each gets the same number of a step's tiles.
    pub n_blocks: u32,
}

impl RunParams {
    /// Sets the update rule.
    pub fn set_rule(&mut self, rule: &Rule) {
        self.rule = rule.kind;
        self.beta1 = rule.beta1;
        self.beta2 = rule.beta2;
        self.epsilon = rule.epsilon;
        self.weight_decay = rule.weight_decay;
    }

    /// Sets the loss.
    pub fn set_loss(&mut self, loss: &Loss) {
        self.loss = loss.kind();
        self.loss_parameter = loss.parameter() as f32;
    }

    /// The update rule.
    pub fn rule(&self) -> Rule {
        Rule {
            kind: self.rule,
            beta1: self.beta1,
            beta2: self.beta2,
            epsilon: self.epsilon,
            weight_decay: self.weight_decay,
        }
    }

    /// Sets the reaction of a schedule; `base_rate` converts its minimum rate to a minimum scale.
    pub fn set_reaction(&mut self, schedule: &Schedule, base_rate: f64) {
        self.reaction = schedule.number();
        match *schedule {
            Schedule::ReduceOnPlateau { factor, patience, threshold, cooldown, minimum_rate } => {
                self.decrease = factor as f32;
                self.patience = patience;
                self.threshold = threshold as f32;
                self.cooldown = cooldown;
                self.minimum_scale = (minimum_rate / base_rate).min(1.0) as f32;
            }
            Schedule::BoldDriver { increase, decrease } => {
                self.increase = increase as f32;
                self.decrease = decrease as f32;
                self.minimum_scale = 0.0;
            }
            _ => {}
        }
    }
}

/// The part of a run's state that reacts to its losses.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
pub struct Reaction {
    /// Factor of the schedule's rate.
    pub rate_scale: f32,
    /// Lowest epoch loss so far, for reduce on plateau; `f32::MAX` before the first (kernels may
    /// not rely on infinities).
    pub best_loss: f32,
    /// Loss of the epoch that started at the anchor (bold driver); `f32::MAX` before there is one.
    pub anchor_loss: f32,
    /// Sum of loss times rows over the epoch's batches, folded.
    pub epoch_loss: f32,
    /// The same sum over the most recent batches, not yet folded: two short sums lose less
    /// precision than a long one.
    pub epoch_loss_tail: f32,
    /// Rows of the epoch so far.
    pub epoch_rows: u32,
    /// Number of batches in `epoch_loss_tail`.
    pub n_tail: u32,
    /// Epochs without improvement.
    pub n_bad: u32,
    /// Remaining epochs of the cooldown.
    pub cooldown_left: u32,
    /// Why the run halted: 0 while it runs, otherwise a `HALT_` code.
    pub halt: u32,
    /// Steps of this call contained in the weights; -1 if the loss of the first step revealed that
    /// the previous call's last update was bad.
    pub taken: i32,
    /// Steps of this call that have been processed.
    pub cursor: u32,
    /// Loss of the last [`EVALUATE`] step.
    pub evaluated_loss: f32,
    /// Gradient norm of the last [`EVALUATE`] step.
    pub evaluated_gradient_norm: f32,
    /// Mean batch loss of the last complete epoch.
    pub last_epoch_loss: f32,
    /// Pads the size to a multiple of 16 bytes.
    pub padding: u32,
}

impl Default for Reaction {
    fn default() -> Self {
        Self {
            rate_scale: 1.0,
            best_loss: f32::MAX,
            anchor_loss: f32::MAX,
            epoch_loss: 0.0,
            epoch_loss_tail: 0.0,
            epoch_rows: 0,
            n_tail: 0,
            n_bad: 0,
            cooldown_left: 0,
            halt: 0,
            taken: 0,
            cursor: 0,
            evaluated_loss: f32::NAN,
            evaluated_gradient_norm: f32::NAN,
            last_epoch_loss: f32::MAX,
            padding: 0,
        }
    }
}

/// Number of workgroups that share a batch of `rows` rows.
pub fn tiles(rows: u32) -> u32 {
    rows.div_ceil(ROWS_PER_TILE).clamp(1, MAX_TILES)
}

/// The constants a kernel is compiled for, so that loops unroll and sums stay in registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Number of rows.
    pub n_samples: u32,
    /// Number of features.
    pub n_features: u32,
    /// Number of outputs of the model.
    pub n_outputs: u32,
    /// Whether there is a bias after the weights, one per output.
    pub bias: bool,
    /// [`Loss::kind`].
    pub loss: u32,
    /// Whether rows have sample weights or folds.
    pub weighted: bool,
    /// Whether kernels read [`RunSettings`].
    pub settings: bool,
    /// Whether runs have row orders of their own.
    pub own_orders: bool,
}

impl Shape {
    /// The shape of a problem and a model, under a loss of this kind and without settings.
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
        }
    }

    /// Weights and bias of every output.
    pub fn n_parameters(&self) -> u32 {
        (self.n_features + u32::from(self.bias)) * self.n_outputs
    }

    /// Whether the general kernels are needed: any case but the squared loss of one output over
    /// equally weighted rows.
    pub fn general(&self) -> bool {
        self.loss != kind::SQUARED || self.n_outputs != 1 || self.weighted || self.settings
    }

    /// One entry per slope, then the loss.
    pub fn n_sums(&self) -> u32 {
        self.n_parameters() + 1
    }

    /// Whether several lanes share a row. With more features, one lane's sums no longer fit its
    /// registers.
    pub fn wide(&self) -> bool {
        self.n_features > MAX_NARROW_FEATURES || (self.n_sums() > MAX_NARROW_SUMS)
    }

    /// The kernels that sum tiles, for ordered and for shuffled rows.
    pub fn gradient(&self) -> &'static [Kernel; 2] {
        if self.wide() { &GRADIENT_WIDE } else { &GRADIENT }
    }

    /// Floats per row on the device; wide rows are read in groups of four.
    pub fn row_floats(&self) -> u32 {
        if self.wide() { self.n_features.next_multiple_of(4) } else { self.n_features }
    }

    /// Whether a lane's part of a row fits its memory; otherwise not even the wide kernel works.
    pub fn fits(&self) -> bool {
        let (_, quads, rows_at_once) = self.row_lanes();
        // Weights, sums and row data in groups of 16 bytes, out of the 8,192 bytes that WGSL
        // guarantees a function.
        let own = (2 * self.n_outputs + rows_at_once) * quads;
        own <= 512 && (!self.wide() || self.n_outputs * rows_at_once <= MAX_WIDE_DOTS)
    }

    /// Number of tiles per batch over all blocks: the same number in each block, and more for more
    /// rows.
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

    /// Whether a batch is so small that one workgroup makes many steps faster than many workgroups
    /// make one.
    pub fn descends(&self, batch_len: u32) -> bool {
        !self.wide() && u64::from(batch_len) * u64::from(self.n_features + 1) <= DESCEND_FLOATS
    }

    /// Rows that a workgroup keeps in its memory while it descends: all or none.
    fn resident_rows(&self) -> u32 {
        let parameters = u64::from(self.n_parameters());
        let sums = u64::from(self.n_sums() * WORKGROUP_SIZE);
        let rows = u64::from(self.n_samples) * u64::from(self.n_features + 1);
        // The rest holds a reaction, one square per lane, and some single values.
        let arrays = if self.general() { 3 } else { 2 };
        let others = slot::COUNT as u64 * parameters + sums + arrays * u64::from(WORKGROUP_SIZE);
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

    /// Lanes that share a wide row, groups of four columns per lane, and rows that a lane holds at
    /// once.
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

    /// Additional constants of the general kernels.
    fn general_constants(&self) -> [(&'static str, u32); 5] {
        let (_, quads, rows_at_once) = self.row_lanes();
        [
            ("N_OUTPUTS", self.n_outputs),
            ("N_WEIGHTS", self.n_features * self.n_outputs),
            ("N_QUADS", quads * self.n_outputs),
            ("N_DOTS", rows_at_once * self.n_outputs),
            ("LOSS", self.loss),
        ]
    }

    fn constants(&self, workgroup_size: u32) -> [(&'static str, u32); 14] {
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

/// A kernel: its name on both sides, and its WGSL source.
#[derive(Debug)]
pub struct Kernel {
    /// Name of the entry point, and of the CPU version in [`mod@super::cpu`].
    pub name: &'static str,
    /// The parts of its source, in order.
    parts: &'static [&'static str],
    /// The parts for the general kernels.
    general: &'static [&'static str],
}

macro_rules! parts {
    ($($stem:ident)*) => {
        &[$(include_str!(concat!(env!("OUT_DIR"), "/", stringify!($stem), ".wgsl"))),*]
    };
}

macro_rules! kernel {
    ($name:literal: $($part:ident)*; $($general:ident)*) => {
        Kernel {
            name: $name,
            parts: parts!(types $($part)*),
            general: parts!(types settings $($general)*),
        }
    };
}

/// How rows are weighted: all the same, or by weights and folds.
const SHARES: [&[&str]; 2] = [parts!(unweighted), parts!(weighted)];

/// The seed of a run's row order: shared by all runs, or its own.
const ORDERS: [&[&str]; 2] = [parts!(shared_order), parts!(own_order)];

/// Partial sums of loss and gradient, one workgroup per tile of the batch. In each pair, the second
/// kernel takes rows in shuffled order.
pub const GRADIENT: [Kernel; 2] = [
    kernel!("gradient": ordered loss narrow fold gradient; ordered losses narrow_general fold gradient),
    kernel!("gradient": permutation shuffled loss narrow fold gradient;
        permutation shuffled losses narrow_general fold gradient),
];

/// Partial sums for many features.
pub const GRADIENT_WIDE: [Kernel; 2] = [
    kernel!("gradient": ordered loss gradient_wide; ordered losses gradient_wide_general),
    kernel!("gradient": permutation shuffled loss gradient_wide;
        permutation shuffled losses gradient_wide_general),
];

/// Many steps on small batches, one workgroup per run.
pub const DESCEND: [Kernel; 2] = [
    kernel!("descend": ordered loss narrow fold optimizer plain apply descend;
        ordered losses narrow_general fold optimizer penalized apply descend),
    kernel!("descend": permutation shuffled loss narrow fold optimizer plain apply descend;
        permutation shuffled losses narrow_general fold optimizer penalized apply descend),
];

/// Adds up the partial sums and makes one update, one workgroup per run.
pub const UPDATE: Kernel = kernel!("update": optimizer plain apply update; optimizer penalized apply update);

impl Kernel {
    /// Invocations per workgroup. If few rows are visited again and again, half as many synchronize
    /// faster.
    pub fn workgroup_size(&self, shape: &Shape) -> u32 {
        if self.name == DESCEND[0].name && shape.n_samples <= FEW_ROWS {
            WORKGROUP_SIZE / 2
        } else {
            WORKGROUP_SIZE
        }
    }

    /// The WGSL source for a problem of this shape.
    pub fn source(&self, shape: &Shape) -> String {
        let constants = shape.constants(self.workgroup_size(shape));
        if shape.general() {
            let constants = [&constants[..], &shape.general_constants()].concat();
            let (shares, order) = (usize::from(shape.weighted), usize::from(shape.own_orders));
            return write(&[self.general, SHARES[shares], ORDERS[order]].concat(), &constants);
        }
        write(&[self.parts, ORDERS[0]].concat(), &constants)
    }
}

fn write(parts: &[&str], constants: &[(&str, u32)]) -> String {
    let mut source = String::new();
    let shared = SHARED_CONSTANTS.iter().map(|(name, value)| ((*name).to_owned(), *value));
    let own = constants.iter().map(|(name, value)| ((*name).to_owned(), *value));
    for (name, value) in own.chain(shared).chain(choices::kernel_constants()) {
        source += &format!("const {name}: u32 = {value}u;\n");
    }
    for (name, value) in SHARED_FLOATS {
        source += &format!("const {name}: f32 = {value:?}f;\n");
    }
    for part in parts {
        unroll(part, 0, constants, &mut source);
    }
    source
}

/// Unrolls the loops that a shader marks as `// unrolled`, so that values with constant indices
/// stay in registers. Drivers unroll where they can, but software adapters gather and scatter
/// instead.
///
/// `build.rs` has turned them into `\x01i N`, their body and `\x02`, and nested ones into `\x03`
/// and `\x04`.
fn unroll(text: &str, level: u8, constants: &[(&str, u32)], out: &mut String) {
    let [open, close] = [1, 2].map(|mark| char::from(2 * level + mark));
    let mut rest = text;
    while let Some((before, marked)) = rest.split_once(open) {
        let (body, after) = marked.split_once(close).unwrap_or_default();
        let (header, body) = body.split_once('\n').unwrap_or_default();
        let (i, n) = header.split_once(' ').unwrap_or_default();
        let rounds = constants.iter().find(|constant| constant.0 == n).map_or(0, |constant| constant.1);
        let looped = rounds > MAX_UNROLLED;
        out.push_str(before);
        for round in 0..if looped { 1 } else { rounds } {
            out.push_str(&if looped {
                format!("for(var {i}=0u;{i}<{n};{i}++){{")
            } else {
                format!("{{const {i}={round}u;")
            });
            unroll(body, level + 1, constants, out);
            out.push('}');
        }
        rest = after;
    }
    out.push_str(rest);
}
