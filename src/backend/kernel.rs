//! What both sides of the mirror share: the parameters that kernels take, byte for byte, and their sources.

use bytemuck::{Pod, Zeroable};

use crate::choices::loss::kind;
use crate::choices::optimizer::Rule;
use crate::choices::{self, Choice as _, Loss, Penalty, Schedule};
use crate::dataset::Problem;

mod constants;

pub use constants::*;

/// Invocations of a workgroup. 64 keeps short batches from idling through a wide reduction.
pub const WORKGROUP_SIZE: u32 = 64;
/// The most tiles that a batch is cut into; the update kernel sums as many partial gradients.
pub const MAX_TILES: u32 = 512;
/// Rows that make another tile worth its start: on a software adapter that costs as much as a thousand rows.
const ROWS_PER_TILE: u32 = 8192;
/// The most features of which one lane takes a whole row.
const MAX_NARROW_FEATURES: u32 = 16;
/// The most sums of which one lane keeps all: as many a lane, and what else it takes to descend, fit a workgroup's memory.
const MAX_NARROW_SUMS: u32 = 48;
/// The most products of rows and outputs that a workgroup of the wide kernel keeps.
const MAX_WIDE_DOTS: u32 = 56;
/// The most rounds of a loop that are written out.
const MAX_UNROLLED: u32 = MAX_NARROW_FEATURES + 2;
/// Floats of a batch that one workgroup reads sooner than many are started.
const DESCEND_FLOATS: u64 = 4096;
/// Rows at most that half a workgroup descends on.
const FEW_ROWS: u32 = 512;
/// Memory that every workgroup has, by WebGPU's defaults.
const WORKGROUP_BYTES: u64 = 16_384;
/// Totals that the update keeps in it.
const MAX_RESIDENT_TOTALS: u32 = 2048;
/// Tiles of a wide problem, by how many floats of sums they leave.
const MAX_PARTIAL_FLOATS: u32 = 1 << 18;
const MIN_WIDE_TILES: u32 = 64;
const MAX_WIDE_TILES: u32 = 128;
const MAX_LOOP_ITERATIONS: u32 = 50_000;

/// One step, as planned by the host: schedules, corrections and the order of rows are pure in the step, so kernels
/// never compute them.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Pod, Zeroable)]
pub struct StepParams {
    /// The schedule's rate, before the run's own scale.
    pub learning_rate: f32,
    /// `1 - b1^t`, see [`crate::choices::Optimizer::corrections`].
    pub correction1: f32,
    /// `1 - b2^t`.
    pub correction2: f32,
    /// Which epoch's order (modulo 2^32).
    pub epoch: u32,
    /// Position of the batch's first row in that order.
    pub batch_start: u32,
    /// Rows of the batch.
    pub batch_len: u32,
    /// [`SHUFFLED`], [`EPOCH_START`], [`EPOCH_END`], [`FULL`], [`EVALUATE`], [`VALIDATE`].
    pub flags: u32,
    /// Workgroups that share the batch.
    pub n_tiles: u32,
}

/// What is the same for every step of one call.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Pod, Zeroable)]
pub struct RunParams {
    /// Rows of the training set.
    pub n_samples: u32,
    /// Features a row.
    pub n_features: u32,
    /// Features, and one more where there is a bias.
    pub n_parameters: u32,
    /// Runs beside each other over the same rows.
    pub n_runs: u32,
    /// Steps that a run's row of the trace holds.
    pub trace_capacity: u32,
    /// Seed of the row order.
    pub seed: u32,
    /// Rows of a block of the row order.
    pub block_rows: u32,
    /// Tiles that the buffer of partial sums holds a run.
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
    /// Multiplies the rate after a good epoch (bold driver).
    pub increase: f32,
    /// Multiplies the rate after a bad epoch, or on a plateau.
    pub decrease: f32,
    /// Relative fall that counts as improvement.
    pub threshold: f32,
    /// Epochs without improvement that are let pass.
    pub patience: u32,
    /// Epochs after a reduction in which nothing is counted.
    pub cooldown: u32,
    /// The scale goes no lower.
    pub minimum_scale: f32,
    /// A loss above it halts the run.
    pub divergence_limit: f32,
    /// A full batch's loss at or below it halts the run; negative for none.
    pub target_loss: f32,
    /// A full batch's gradient norm at or below it halts the run; negative for none.
    pub target_gradient_norm: f32,
    /// Steps that a dispatch of many takes at most; the engine's own.
    pub steps_per_dispatch: u32,
    /// [`Loss::kind`].
    pub loss: u32,
    /// [`Loss::parameter`].
    pub loss_parameter: f32,
}

/// What each run has for itself beside its weights; a state without any has runs of the default.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
pub struct RunSettings {
    /// `a q` of [`Penalty`].
    pub l1: f32,
    /// `a (1 - q)`.
    pub l2: f32,
    /// The part of the rows that the run is not trained on; [`NO_FOLD`] where it is trained on all.
    pub fold: u32,
    /// Makes up for the rows that are left out, `n / sum s_i` over those that are not: a batch's sum is divided by all of
    /// its rows.
    pub training_scale: f32,
    /// The same of the fold itself, for [`VALIDATE`].
    pub validation_scale: f32,
}

/// [`RunSettings::fold`] of a run that is trained on every row.
pub const NO_FOLD: u32 = u32::MAX;

impl Default for RunSettings {
    fn default() -> Self {
        Self { l1: 0.0, l2: 0.0, fold: NO_FOLD, training_scale: 1.0, validation_scale: 1.0 }
    }
}

impl RunSettings {
    /// Of a run on `problem` with this penalty, which leaves `fold` out, if any.
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
        Self { l1, l2, fold: fold.into(), training_scale, validation_scale }
    }

    /// Whether anything is added for large weights.
    pub fn penalizes(&self) -> bool {
        self.l1 > 0.0 || self.l2 > 0.0
    }
}

/// The rows that one buffer holds, where they are too many for one.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Pod, Zeroable)]
pub struct Block {
    /// Its first.
    pub first_row: u32,
    /// One past its last.
    pub end_row: u32,
    /// Which block it is.
    pub index: u32,
    /// How many there are; each gets as many of a step's tiles.
    pub n_blocks: u32,
}

impl RunParams {
    /// Takes over an update rule.
    pub fn set_rule(&mut self, rule: &Rule) {
        self.rule = rule.kind;
        self.beta1 = rule.beta1;
        self.beta2 = rule.beta2;
        self.epsilon = rule.epsilon;
        self.weight_decay = rule.weight_decay;
    }

    /// Takes over a loss.
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

    /// Takes over what a schedule makes of the run; `base_rate` turns its least rate into a least scale.
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

/// What reacts to the run, beside each run's weights.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
pub struct Reaction {
    /// Multiplies the schedule's rate.
    pub rate_scale: f32,
    /// Least epoch loss so far, of reduce on plateau; `f32::MAX` (kernels may not count on infinities) before any.
    pub best_loss: f32,
    /// Loss of the epoch that the anchor began (bold driver); `f32::MAX` before there is one.
    pub anchor_loss: f32,
    /// Sum of loss times rows of the epoch's batches, folded.
    pub epoch_loss: f32,
    /// The same of the last batches, not yet folded: two short sums lose less than a long one.
    pub epoch_loss_tail: f32,
    /// Rows of the epoch so far.
    pub epoch_rows: u32,
    /// Batches in `epoch_loss_tail`.
    pub n_tail: u32,
    /// Epochs without improvement.
    pub n_bad: u32,
    /// Epochs of cool-down left.
    pub cooldown_left: u32,
    /// Why the run halted: 0 running, or one of the `HALT_` codes.
    pub halt: u32,
    /// Steps of this call that the weights have taken; may be -1, where the loss of the first one condemned the last
    /// update of the call before.
    pub taken: i32,
    /// Steps of this call that have been looked at.
    pub cursor: u32,
    /// Loss of the last [`EVALUATE`] step.
    pub evaluated_loss: f32,
    /// Gradient norm of the last [`EVALUATE`] step.
    pub evaluated_gradient_norm: f32,
    /// Mean of the batch losses of the last whole epoch.
    pub last_epoch_loss: f32,
    /// Keeps the size a multiple of 16 bytes.
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

/// Workgroups that share a batch of `rows` rows.
pub fn tiles(rows: u32) -> u32 {
    rows.div_ceil(ROWS_PER_TILE).clamp(1, MAX_TILES)
}

/// What a kernel is made for: constants of its source, so that loops unroll and sums stay in registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Rows.
    pub n_samples: u32,
    /// Features a row.
    pub n_features: u32,
    /// Outputs of the model.
    pub n_outputs: u32,
    /// Whether a bias follows the weights, one an output.
    pub bias: bool,
    /// [`Loss::kind`].
    pub loss: u32,
    /// Whether rows count by their weights and folds.
    pub weighted: bool,
    /// Whether anything is added for large weights.
    pub penalized: bool,
}

impl Shape {
    /// That of a problem, under a loss of this kind and without a penalty.
    pub fn of(problem: &Problem, loss: u32) -> Self {
        Self {
            n_samples: problem.n_samples,
            n_features: problem.n_features,
            n_outputs: problem.n_outputs,
            bias: problem.bias,
            loss,
            weighted: !(problem.weights.is_empty() && problem.folds.is_empty()),
            penalized: false,
        }
    }

    /// Weights of an output and its bias, if there is one, of every output.
    pub fn n_parameters(&self) -> u32 {
        (self.n_features + u32::from(self.bias)) * self.n_outputs
    }

    /// Whether it takes more than the squared loss of one output over rows that all count the same.
    pub fn general(&self) -> bool {
        self.loss != kind::SQUARED || self.n_outputs != 1 || self.weighted || self.penalized
    }

    /// A slope each, then the loss.
    pub fn n_sums(&self) -> u32 {
        self.n_parameters() + 1
    }

    /// Whether lanes share a row: with more features than that, one lane's sums no longer stay in its registers.
    pub fn wide(&self) -> bool {
        self.n_features > MAX_NARROW_FEATURES || (self.n_sums() > MAX_NARROW_SUMS)
    }

    /// The kernels that sum tiles, in order and shuffled.
    pub fn gradient(&self) -> &'static [Kernel; 2] {
        if self.wide() { &GRADIENT_WIDE } else { &GRADIENT }
    }

    /// Floats that a row takes on the device: wide rows are read by quads.
    pub fn row_floats(&self) -> u32 {
        if self.wide() { self.n_features.next_multiple_of(4) } else { self.n_features }
    }

    /// Whether a lane's share of a row stays within its memory: beyond it, not even the wide kernel runs.
    pub fn fits(&self) -> bool {
        let (_, quads, rows_at_once) = self.row_lanes();
        // Weights, sums and what was read, in quads of 16 of the 8,192 bytes that WGSL promises a function.
        let own = (2 * self.n_outputs + rows_at_once) * quads;
        own <= 512 && (!self.wide() || self.n_outputs * rows_at_once <= MAX_WIDE_DOTS)
    }

    /// Tiles that a batch is cut into over all blocks: as many in each, and more of them for more rows.
    pub fn tiles(&self, batch_len: u32, n_blocks: u32) -> u32 {
        let tiles = if self.wide() {
            let (lanes, _, rows_at_once) = self.row_lanes();
            let rows_a_round = WORKGROUP_SIZE / lanes * rows_at_once;
            // What the update reads stays small beside what the tiles do.
            let most = (MAX_PARTIAL_FLOATS / self.n_sums()).clamp(MIN_WIDE_TILES, MAX_WIDE_TILES);
            batch_len.div_ceil(2 * rows_a_round).clamp(1, most)
        } else {
            tiles(batch_len)
        };
        tiles.next_multiple_of(n_blocks)
    }

    /// Whether a batch is so small that one workgroup makes many steps sooner than many make one.
    pub fn descends(&self, batch_len: u32) -> bool {
        !self.wide() && u64::from(batch_len) * u64::from(self.n_features + 1) <= DESCEND_FLOATS
    }

    /// Rows that a workgroup keeps in its memory while it descends: all or none.
    fn resident_rows(&self) -> u32 {
        let parameters = u64::from(self.n_parameters());
        let sums = u64::from(self.n_sums() * WORKGROUP_SIZE);
        let rows = u64::from(self.n_samples) * u64::from(self.n_features + 1);
        // The rest holds a reaction, a square a lane, and some single words.
        let arrays = if self.general() { 3 } else { 2 };
        let others = slot::COUNT as u64 * parameters + sums + arrays * u64::from(WORKGROUP_SIZE);
        if 4 * (rows + others) <= WORKGROUP_BYTES { self.n_samples } else { 0 }
    }

    /// Steps that one dispatch may take: drivers end a loop without a word near 65,536 iterations of an invocation.
    pub fn steps_per_dispatch(&self, batch_len: u32) -> u32 {
        let rows = batch_len.div_ceil(DESCEND[0].workgroup_size(self));
        // A permuted row walks its cycle, four rounds on average at most, and makes its block's keys.
        let outputs = self.n_outputs;
        let per_row = 2 * self.n_features * outputs + 8 * (outputs - 1) + 32;
        let per_step = rows * per_row + 8 * self.n_sums() + 32;
        (MAX_LOOP_ITERATIONS / per_step).max(1)
    }

    /// Lanes that share a wide row, quads of columns of each, and rows that a lane holds at once.
    fn row_lanes(&self) -> (u32, u32, u32) {
        let quads_a_row = self.n_features.div_ceil(4);
        let mut lanes = quads_a_row.div_ceil(8).next_power_of_two().min(WORKGROUP_SIZE);
        if self.n_outputs > 1 {
            // Every output has weights and sums of its own, so more lanes take fewer columns each.
            let wanted = (quads_a_row * self.n_outputs).div_ceil(8).min(quads_a_row);
            lanes = wanted.next_power_of_two().min(WORKGROUP_SIZE);
        }
        let quads = quads_a_row.div_ceil(lanes);
        let outputs = self.n_outputs;
        (lanes, quads, (16 / (quads * outputs)).clamp(1, 4))
    }

    /// What the general kernels know besides.
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
            // A few parameters cost one lane less than barriers cost them all.
            ("UPDATE_LANES", if n_sums <= 5 { 1 } else { workgroup_size }),
            ("RESIDENT_ROWS", self.resident_rows()),
            ("QUADS_A_ROW", self.n_features.div_ceil(4)),
            ("ROW_LANES", row_lanes),
            ("ROW_GROUPS", workgroup_size / row_lanes),
            ("QUADS", quads),
            ("ROWS_AT_ONCE", rows_at_once),
            // Lanes that a row's residual is folded to before every lane adds them up.
            ("ROW_FOLD", row_lanes.min(8)),
        ]
    }
}

/// A kernel: its name on both sides, and its WGSL.
#[derive(Debug)]
pub struct Kernel {
    /// The entry point, and the twin in [`mod@super::cpu`].
    pub name: &'static str,
    /// The parts of its source, in order.
    parts: &'static [&'static str],
    /// Those for what is not plain.
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

/// How much a row counts: all the same, or by weights and folds.
const SHARES: [&[&str]; 2] = [parts!(unweighted), parts!(weighted)];

/// Partial sums of loss and gradient, a workgroup a tile of the batch. Of each two, the second takes rows in shuffled
/// order.
pub const GRADIENT: [Kernel; 2] = [
    kernel!("gradient": ordered loss narrow fold gradient; ordered losses narrow_general fold gradient),
    kernel!("gradient": permutation shuffled loss narrow fold gradient;
        permutation shuffled losses narrow_general fold gradient),
];

/// The same for many features.
pub const GRADIENT_WIDE: [Kernel; 2] = [
    kernel!("gradient": ordered loss gradient_wide; ordered losses gradient_wide_general),
    kernel!("gradient": permutation shuffled loss gradient_wide;
        permutation shuffled losses gradient_wide_general),
];

/// Many steps on small batches, a workgroup a run.
pub const DESCEND: [Kernel; 2] = [
    kernel!("descend": ordered loss narrow fold optimizer plain apply descend;
        ordered losses narrow_general fold optimizer penalized apply descend),
    kernel!("descend": permutation shuffled loss narrow fold optimizer plain apply descend;
        permutation shuffled losses narrow_general fold optimizer penalized apply descend),
];

/// The sums brought together, then one update, a workgroup a run.
pub const UPDATE: Kernel = kernel!("update": optimizer plain apply update; optimizer penalized apply update);

impl Kernel {
    /// Invocations of a workgroup. Where few rows are gone through again and again, half as many meet sooner.
    pub fn workgroup_size(&self, shape: &Shape) -> u32 {
        if self.name == DESCEND[0].name && shape.n_samples <= FEW_ROWS {
            WORKGROUP_SIZE / 2
        } else {
            WORKGROUP_SIZE
        }
    }

    /// The WGSL for a problem of this shape.
    pub fn source(&self, shape: &Shape) -> String {
        let constants = shape.constants(self.workgroup_size(shape));
        if shape.general() {
            let constants = [&constants[..], &shape.general_constants()].concat();
            let parts = [self.general, SHARES[usize::from(shape.weighted)]].concat();
            return write(&parts, &constants);
        }
        write(self.parts, &constants)
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

/// Writes out the loops that a shader marks as `// unrolled`: what is indexed by constants stays in registers. Drivers
/// do as much where they can; software adapters do not, and gather and scatter instead.
///
/// `build.rs` has turned them into `\x01i N`, their body and `\x02`; one inside another into `\x03` and `\x04`.
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
