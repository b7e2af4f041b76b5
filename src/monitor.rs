//! Detects from measurements when a run ends (convergence, stalling, divergence), and suggests a stable
//! learning rate.

use crate::choices::Optimizer;
use crate::message::{Code, Message, count, short};
use crate::number;

/// A run counts as converged when the gradient norm is this fraction of its first value, which is well above
/// the error of f32 sums.
const CONVERGED_GRADIENT: f64 = 1e-5;
/// Number of consecutive observations that must agree, so that noise does not end a run.
const CONVERGED_OBSERVATIONS: u32 = 3;
/// Relative fall of the loss that counts as progress.
const FALL: f64 = 1e-4;
/// A run has stalled if its loss has made no progress for this many epochs; the next constants are for steps
/// and observations.
const HOVER_EPOCHS: u64 = 200;
const HOVER_STEPS: u64 = 2_000;
const HOVER_OBSERVATIONS: u64 = 150;

/// A run has diverged when its loss is this multiple of the first loss or of the target's variance, whichever
/// is larger.
pub const DIVERGENCE_FACTOR: f64 = 1e6;

/// A measurement of a run, as the monitor sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Observation {
    /// Updates done so far.
    pub step: u64,
    /// Number of complete epochs.
    pub epoch: u64,
    /// Training loss of the current weights.
    pub loss: f64,
    /// Euclidean norm of the gradient at the current weights.
    pub gradient_norm: f64,
    /// The learning rate of the next update.
    pub learning_rate: f64,
    /// Whether every update uses all rows.
    pub full_batch: bool,
}

/// Detects the end of a run from a series of observations.
#[derive(Clone, Debug, Default)]
pub struct Monitor {
    first_gradient_norm: Option<f64>,
    n_still: u32,
    best: Option<Best>,
}

#[derive(Clone, Copy, Debug)]
struct Best {
    loss: f64,
    step: u64,
    epoch: u64,
    n_since: u64,
}

impl Monitor {
    /// Forgets all measurements except the first gradient norm, as when the user continues a run.
    pub fn forgive(&mut self) {
        *self = Self { first_gradient_norm: self.first_gradient_norm, ..Self::default() };
    }

    /// Adds a measurement. If the run should end, returns the reason.
    pub fn observe(&mut self, seen: &Observation) -> Option<Message> {
        let first = *self.first_gradient_norm.get_or_insert(seen.gradient_norm);
        if seen.step > 0 && seen.learning_rate == 0.0 {
            return Some(Code::RateIsZero.into());
        }
        let still = seen.step > 0 && seen.gradient_norm <= CONVERGED_GRADIENT * first;
        self.n_still = if still { self.n_still + 1 } else { 0 };
        if self.n_still >= CONVERGED_OBSERVATIONS || (still && seen.gradient_norm == 0.0) {
            return Some(Code::Converged.into());
        }
        let fresh = Best { loss: seen.loss, step: seen.step, epoch: seen.epoch, n_since: 0 };
        let best = self.best.get_or_insert(fresh);
        // The loss of counts may be negative.
        if seen.loss < best.loss - FALL * best.loss.abs() {
            *best = fresh;
            return None;
        }
        best.n_since += 1;
        let epochs = seen.epoch.saturating_sub(best.epoch);
        let steps = seen.step.saturating_sub(best.step);
        if epochs >= HOVER_EPOCHS && steps >= HOVER_STEPS && best.n_since >= HOVER_OBSERVATIONS {
            // Without noise the loss cannot hover: descent creeps along a valley or a plateau.
            let code = if seen.full_batch { Code::Stalled } else { Code::Hovering };
            return Some(Message::new(code).with("epochs", count(epochs)));
        }
        None
    }
}

/// The loss above which a run counts as diverged, given its loss at step 0 and the variance of the target.
pub fn divergence_limit(first_loss: f64, target_variance: f64) -> f32 {
    (DIVERGENCE_FACTOR * first_loss.max(target_variance)).clamp(f64::from(f32::MIN_POSITIVE), 1e37) as f32
}

/// Twice the largest squared norm of a row (including the 1 for the bias): the largest curvature that a
/// single row can present to stochastic descent. `features` are row-major.
pub fn steepest_row(features: &[f32], n_features: usize, bias: bool) -> f64 {
    let bias = if bias { 1.0 } else { 0.0 };
    let rows = features.chunks_exact(n_features);
    let norms = rows.map(|row| bias + row.iter().map(|f| f64::from(*f) * f64::from(*f)).sum::<f64>());
    2.0 * norms.fold(0.0, f64::max)
}

/// Suggests a learning rate that would not have diverged, for batches of `batch_rows` rows. `of_all` is the
/// curvature of the loss over all rows, and `of_steepest` that over the steepest row; NaN if unknown.
///
/// Plain descent is stable below `2 / curvature`. The curvature over a batch lies between that over all rows
/// and that over the steepest row; half of the bound leaves a margin, and momentum `b` multiplies the
/// effective rate by `1 / (1 - b)`. If there is no bound, or the optimizer adapts its rates, the suggestion
/// is based only on the rate that diverged.
pub fn suggested_rate(
    diverged_rate: f64,
    optimizer: &Optimizer,
    [of_all, of_steepest]: [f64; 2],
    batch_rows: u32,
    n_samples: u32,
) -> f64 {
    let share = if batch_rows >= n_samples { 0.0 } else { 1.0 / f64::from(batch_rows) };
    let curvature = of_all + share * (of_steepest - of_all).max(0.0);
    let bound = (1.0 - optimizer.momentum().unwrap_or(0.0)) / curvature;
    let rate =
        if optimizer.needs().is_adaptive { diverged_rate / 10.0 } else { bound.min(diverged_rate / 2.0) };
    round_down(rate)
}

/// Rounds down to one significant digit.
fn round_down(rate: f64) -> f64 {
    let unit = libm::pow(10.0, libm::floor(libm::log10(rate)));
    number::rounded(libm::floor(rate / unit) * unit, 0)
}

/// The message for a run that a kernel halted at `step`; `halt` is one of the `HALT_` codes, or 0.
pub fn halted(halt: u32, step: u64, target_loss: f64, target_gradient_norm: f64) -> Option<Message> {
    use crate::backend::kernel::{HALT_LOSS, HALT_NOT_FINITE, HALT_TARGET_GRADIENT, HALT_TARGET_LOSS};
    Some(match halt {
        HALT_NOT_FINITE => Message::new(Code::DivergedNotFinite).with("step", step),
        HALT_LOSS => Message::new(Code::DivergedLoss).with("step", step + 1),
        HALT_TARGET_LOSS => Message::new(Code::ReachedLoss).with("target", short(target_loss)),
        HALT_TARGET_GRADIENT => {
            Message::new(Code::ReachedGradientNorm).with("target", short(target_gradient_norm))
        }
        _ => return None,
    })
}
