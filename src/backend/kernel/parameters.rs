//! Parameters of the kernels, laid out byte for byte as the shaders read them.

use bytemuck::{Pod, Zeroable};

use crate::choices::optimizer::Rule;
use crate::choices::{Choice as _, Loss, Penalty, Schedule};
use crate::dataset::Problem;

/// One step as planned by the host. Learning rate, bias corrections and row order depend only on the step
/// number, so kernels need not compute them.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Pod, Zeroable)]
pub struct StepParams {
    /// The scheduled learning rate, before it is multiplied by the run's own scale.
    pub learning_rate: f32,
    /// Bias correction of the first moment, `1 - b1^t`; see [`crate::choices::Optimizer::corrections`].
    pub correction1: f32,
    /// Bias correction of the second moment, `1 - b2^t`.
    pub correction2: f32,
    /// The epoch (modulo 2^32), which determines the row order.
    pub epoch: u32,
    /// Position of the batch's first row in the row order.
    pub batch_start: u32,
    /// Number of rows in the batch.
    pub batch_len: u32,
    /// A combination of the flags `SHUFFLED`, `EPOCH_START`, `EPOCH_END`, `FULL`, `EVALUATE` and
    /// `VALIDATE`.
    pub flags: u32,
    /// Number of workgroups that share the batch.
    pub n_tiles: u32,
}

/// Parameters of the kernels that are the same for every step of a call.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Pod, Zeroable)]
pub struct RunParams {
    /// Number of training rows.
    pub n_samples: u32,
    /// Number of features.
    pub n_features: u32,
    /// Number of parameters: features, plus one if there is a bias.
    pub n_parameters: u32,
    /// Number of parallel runs over the same rows.
    pub n_runs: u32,
    /// Number of steps that fit into one run's part of the trace.
    pub trace_capacity: u32,
    /// Seed of the shuffled row order.
    pub seed: u32,
    /// Number of rows per block of the row order: blocks are shuffled, and the rows within each block.
    pub block_rows: u32,
    /// Maximum number of tiles per run in the buffer of partial sums.
    pub max_tiles: u32,
    /// The kind of update rule, [`Rule::kind`].
    pub rule: u32,
    /// Decay rate of the first moment, [`Rule::beta1`].
    pub beta1: f32,
    /// Decay rate of the second moment, [`Rule::beta2`].
    pub beta2: f32,
    /// The constant that avoids division by zero, [`Rule::epsilon`].
    pub epsilon: f32,
    /// The decoupled weight decay, [`Rule::weight_decay`].
    pub weight_decay: f32,
    /// How the schedule reacts to epoch losses: one of [`crate::choices::schedule::kind`], or 0 for not at
    /// all.
    pub reaction: u32,
    /// Bold driver: factor of the learning rate after an epoch whose loss fell.
    pub increase: f32,
    /// Factor of the learning rate after an epoch whose loss rose (bold driver), or on a plateau.
    pub decrease: f32,
    /// Reduce on plateau: relative fall of the epoch loss that counts as an improvement.
    pub threshold: f32,
    /// Reduce on plateau: number of epochs without improvement that are tolerated.
    pub patience: u32,
    /// Reduce on plateau: number of epochs after a reduction that are not counted.
    pub cooldown: u32,
    /// Lower limit of [`Reaction::rate_scale`].
    pub minimum_scale: f32,
    /// A loss above this value halts the run.
    pub divergence_limit: f32,
    /// A full-batch loss at or below this value halts the run; a negative value disables this.
    pub target_loss: f32,
    /// A full-batch gradient norm at or below this value halts the run; a negative value disables this.
    pub target_gradient_norm: f32,
    /// Maximum number of steps per dispatch of the descend kernel; set by the engine.
    pub steps_per_dispatch: u32,
    /// The kind of loss, [`Loss::kind`].
    pub loss: u32,
    /// The parameter of the loss, [`Loss::parameter`].
    pub loss_parameter: f32,
}

/// Settings in which runs differ, apart from their weights. A state without settings uses the
/// defaults.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
pub struct RunSettings {
    /// Strength of the L1 penalty, `a q` for strength `a` and L1 ratio `q` of [`Penalty`].
    pub l1: f32,
    /// Strength of the L2 penalty, `a (1 - q)` for strength `a` and L1 ratio `q` of [`Penalty`].
    pub l2: f32,
    /// The fold that the run is not trained on, or [`NO_FOLD`] if it is trained on all rows.
    pub fold: u32,
    /// Factor that compensates for the rows left out, since a batch's sum is divided by the number of all its
    /// rows: `n / sum s_i` over the sample weights `s_i` of the training rows.
    pub training_scale: f32,
    /// Factor for measuring the left-out fold by itself with `VALIDATE`: `n / sum s_i` over the fold's
    /// rows.
    pub validation_scale: f32,
    /// Factor by which the learning rate of every step is multiplied.
    pub rate_factor: f32,
    /// Added to [`RunParams::seed`] (modulo 2^32) for the row order; `EVALUATE` ignores it, so that every
    /// run is measured on the same rows.
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
    /// Settings of a run on `problem` with this penalty that leaves `fold`, if any, out of training.
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

/// The part of the rows that lies in one buffer, if the rows need several buffers.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Pod, Zeroable)]
pub struct Block {
    /// Index of the block's first row.
    pub first_row: u32,
    /// One past the index of the block's last row.
    pub end_row: u32,
    /// Index of this block among the blocks.
    pub index: u32,
    /// Number of blocks; each receives the same number of a step's tiles.
    pub n_blocks: u32,
}

impl RunParams {
    /// Sets the fields of the update rule.
    pub fn set_rule(&mut self, rule: &Rule) {
        self.rule = rule.kind;
        self.beta1 = rule.beta1;
        self.beta2 = rule.beta2;
        self.epsilon = rule.epsilon;
        self.weight_decay = rule.weight_decay;
    }

    /// Sets the fields of the loss.
    pub fn set_loss(&mut self, loss: &Loss) {
        self.loss = loss.kind();
        self.loss_parameter = loss.parameter() as f32;
    }

    /// The update rule that the fields describe.
    pub fn rule(&self) -> Rule {
        Rule {
            kind: self.rule,
            beta1: self.beta1,
            beta2: self.beta2,
            epsilon: self.epsilon,
            weight_decay: self.weight_decay,
        }
    }

    /// Sets the fields of the schedule's reaction; `base_rate` converts its minimum rate to a minimum scale.
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

/// The part of a run's state that reacts to its losses: rate scale, epoch sums, and whether the run has
/// halted.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
pub struct Reaction {
    /// Factor by which the scheduled learning rate is multiplied.
    pub rate_scale: f32,
    /// Reduce on plateau: lowest epoch loss so far, or `f32::MAX` before the first epoch ends (kernels may
    /// not rely on infinities).
    pub best_loss: f32,
    /// Bold driver: loss of the epoch that started at the anchor, or `f32::MAX` before there is one.
    pub anchor_loss: f32,
    /// Sum of (mean loss times number of rows) over the batches of this epoch, apart from the tail.
    pub epoch_loss: f32,
    /// The same sum over the most recent batches, which are not yet added to `epoch_loss`: two short sums
    /// lose less precision than a long one.
    pub epoch_loss_tail: f32,
    /// Number of rows of this epoch processed so far.
    pub epoch_rows: u32,
    /// Number of batches in `epoch_loss_tail`.
    pub n_tail: u32,
    /// Reduce on plateau: number of consecutive epochs without improvement.
    pub n_bad: u32,
    /// Reduce on plateau: remaining epochs of the cooldown.
    pub cooldown_left: u32,
    /// Why the run halted: 0 while it runs, otherwise a `HALT_` code.
    pub halt: u32,
    /// Number of this call's steps that the weights contain; -1 if the loss of the first step showed that the
    /// previous call's last update was bad.
    pub taken: i32,
    /// Number of this call's steps that have been processed.
    pub cursor: u32,
    /// Loss of the last `EVALUATE` step.
    pub evaluated_loss: f32,
    /// Gradient norm of the last `EVALUATE` step.
    pub evaluated_gradient_norm: f32,
    /// Mean batch loss of the last complete epoch.
    pub last_epoch_loss: f32,
    /// Unused; pads the struct to a multiple of 16 bytes.
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
