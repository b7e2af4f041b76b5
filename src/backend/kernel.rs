//! What both sides of the mirror share: the parameters that kernels take, byte for byte, and their sources.

use bytemuck::{Pod, Zeroable};

use crate::optimizer::Rule;
use crate::schedule::Schedule;

/// Invocations of a workgroup. 64 keeps short batches from idling through a wide reduction.
pub const WORKGROUP_SIZE: u32 = 64;
/// The most tiles that a batch is cut into; the update kernel sums as many partial gradients.
pub const MAX_TILES: u32 = 512;
/// Rows that make another tile worth its reduction.
const ROWS_PER_TILE: u32 = 512;

/// The rows are visited in the epoch's shuffled order.
pub const SHUFFLED: u32 = 1;
/// The first update of an epoch.
pub const EPOCH_START: u32 = 2;
/// The last update of an epoch.
pub const EPOCH_END: u32 = 4;
/// The batch is the whole training set, so its loss is the loss of the weights.
pub const FULL: u32 = 8;
/// Measures loss and gradient and updates nothing.
pub const EVALUATE: u32 = 16;

/// One step, as planned by the host: schedules, corrections and the order of rows are pure in the step, so kernels
/// never compute them.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Pod, Zeroable)]
pub struct StepParams {
    /// The schedule's rate, before the run's own scale.
    pub learning_rate: f32,
    /// `1 - b1^t`, see [`crate::optimizer::Optimizer::corrections`].
    pub correction1: f32,
    /// `1 - b2^t`.
    pub correction2: f32,
    /// Which epoch's order (modulo 2^32).
    pub epoch: u32,
    /// Position of the batch's first row in that order.
    pub batch_start: u32,
    /// Rows of the batch.
    pub batch_len: u32,
    /// [`SHUFFLED`], [`EPOCH_START`], [`EPOCH_END`], [`FULL`], [`EVALUATE`].
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
    /// 0 none, 1 reduce on plateau, 2 bold driver.
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
    /// Keeps the size a multiple of 16 bytes.
    pub padding: u32,
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
        match *schedule {
            Schedule::ReduceOnPlateau { factor, patience, threshold, cooldown, minimum_rate } => {
                self.reaction = REDUCE_ON_PLATEAU;
                self.decrease = factor as f32;
                self.patience = patience;
                self.threshold = threshold as f32;
                self.cooldown = cooldown;
                self.minimum_scale = (minimum_rate / base_rate).min(1.0) as f32;
            }
            Schedule::BoldDriver { increase, decrease } => {
                self.reaction = BOLD_DRIVER;
                self.increase = increase as f32;
                self.decrease = decrease as f32;
                self.minimum_scale = 0.0;
            }
            _ => self.reaction = 0,
        }
    }
}

/// [`RunParams::reaction`] of [`Schedule::ReduceOnPlateau`].
pub const REDUCE_ON_PLATEAU: u32 = 1;
/// [`RunParams::reaction`] of [`Schedule::BoldDriver`].
pub const BOLD_DRIVER: u32 = 2;

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

/// An update would have been infinite or undefined.
pub const HALT_NOT_FINITE: u32 = 1;
/// The loss passed the divergence limit.
pub const HALT_LOSS: u32 = 2;
/// The target loss was reached.
pub const HALT_TARGET_LOSS: u32 = 3;
/// The target gradient norm was reached.
pub const HALT_TARGET_GRADIENT: u32 = 4;

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

/// Rows of `[slot][parameter]` that each run keeps.
pub mod slot {
    /// The weights, then the bias.
    pub const WEIGHT: usize = 0;
    /// `m`.
    pub const FIRST_MOMENT: usize = 1;
    /// `v`.
    pub const SECOND_MOMENT: usize = 2;
    /// Weights before the last update.
    pub const PREVIOUS: usize = 3;
    /// Weights that the current epoch began with.
    pub const EPOCH_START: usize = 4;
    /// Weights that the last good epoch began with.
    pub const ANCHOR: usize = 5;
    /// How many there are.
    pub const COUNT: usize = 6;
}

/// Workgroups that share a batch of `rows` rows.
pub fn tiles(rows: u32) -> u32 {
    rows.div_ceil(ROWS_PER_TILE).clamp(1, MAX_TILES)
}

/// A kernel: its name on both sides, and its WGSL.
pub struct Kernel {
    /// The entry point, and the twin in [`mod@super::cpu`].
    pub name: &'static str,
    /// The parts of its source, in order.
    parts: &'static [&'static str],
}

/// Partial sums of loss and gradient, a workgroup a tile of the batch.
pub const GRADIENT: Kernel = Kernel {
    name: "gradient",
    parts: &[
        include_str!("../../shaders/types.wgsl"),
        include_str!("../../shaders/permutation.wgsl"),
        include_str!("../../shaders/loss.wgsl"),
        include_str!("../../shaders/gradient.wgsl"),
    ],
};

/// The sums brought together, then one update, a workgroup a run.
pub const UPDATE: Kernel = Kernel {
    name: "update",
    parts: &[
        include_str!("../../shaders/types.wgsl"),
        include_str!("../../shaders/optimizer.wgsl"),
        include_str!("../../shaders/update.wgsl"),
    ],
};

/// Every kernel.
pub const KERNELS: [Kernel; 2] = [GRADIENT, UPDATE];

impl Kernel {
    /// The WGSL for a model of this shape: its sizes are constants, so loops unroll and sums stay in registers.
    pub fn source(&self, n_features: u32, bias: bool) -> String {
        let n_parameters = n_features + u32::from(bias);
        let mut source = format!(
            "const N_FEATURES: u32 = {n_features}u;\nconst N_PARAMETERS: u32 = {n_parameters}u;\n\
             const N_SUMS: u32 = {}u;\nconst WORKGROUP_SIZE: u32 = {WORKGROUP_SIZE}u;\n",
            n_parameters + 1
        );
        for part in self.parts {
            source.push_str(part);
            source.push('\n');
        }
        source
    }
}
