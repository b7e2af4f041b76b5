//! Decides what a step does with the gradient and loss of its batch, and makes the update.

use super::{Scratch, Slots};
use crate::backend::kernel::{
    EPOCH_END, EPOCH_START, EVALUATE, FULL, HALT_LOSS, HALT_NOT_FINITE, HALT_TARGET_GRADIENT,
    HALT_TARGET_LOSS, N_TAIL, RISE, Reaction, RunParams, StepParams,
};
use crate::choices::optimizer::{self, Parameter, Rule, optimize, optimize_sparsely};
use crate::choices::schedule::kind::{BOLD_DRIVER, REDUCE_ON_PLATEAU};

/// Decides what a step does and does it, given the means of `gradient` and `loss`, the learning rate and the
/// L1 penalty. Returns the batch loss and the rate for the trace. The decisions, in order:
///
/// 1. A measurement changes only what is measured; a halted run stays unchanged.
/// 2. A loss beyond the limit undoes the update that led to it: the weights before it are restored.
/// 3. If a full batch's loss or gradient reaches its target, the run halts on the current weights.
/// 4. At the end of an epoch the schedule may react. The scale it sets applies to the next update;
///    the bold driver may restore its anchor instead of updating.
/// 5. An update with an infinite or NaN value is never written.
#[inline(always)]
pub(super) fn update(
    params: &RunParams,
    rule: &Rule,
    step: &StepParams,
    reaction: &mut Reaction,
    slots: &mut Slots<'_>,
    (gradient, loss, rate, sparsity): (&[f32], f32, f32, Sparsity<'_>),
    scratch: &mut Scratch,
) -> [f32; 2] {
    reaction.cursor += 1;
    let norm = || sparsity.gradient_norm(gradient, slots.weight);
    let action = decide(params, step, reaction, loss, norm);
    if step.flags & EVALUATE != 0 {
        return [f32::NAN; 2];
    }
    match action {
        Action::Skip => {}
        Action::Update => {
            let bold = params.reaction == BOLD_DRIVER;
            if bold && step.flags & EPOCH_START != 0 {
                slots.epoch_start.copy_from_slice(slots.weight);
            }
            let finite = if rule.kind == optimizer::kind::SGD && sparsity.is_none() {
                descend(slots, gradient, rate, &mut scratch.next)
            } else {
                apply(rule, step, slots, gradient, rate, sparsity, &mut scratch.updated)
            };
            if !finite {
                reaction.halt = HALT_NOT_FINITE;
                return [loss, rate];
            }
            if bold && step.flags & EPOCH_END != 0 {
                slots.anchor.copy_from_slice(slots.epoch_start);
            }
        }
        Action::RestorePrevious => {
            slots.weight.copy_from_slice(slots.previous);
            slots.clear_moments();
        }
        Action::RestoreAnchor => {
            slots.weight.copy_from_slice(slots.anchor);
            slots.previous.copy_from_slice(slots.anchor);
            slots.clear_moments();
        }
    }
    if reaction.halt == 0 {
        reaction.taken += 1;
    }
    [loss, rate]
}

/// Makes an update of plain gradient descent, without moments. Returns whether the update was finite;
/// otherwise nothing was written.
#[inline(always)]
fn descend(slots: &mut Slots<'_>, gradient: &[f32], rate: f32, next: &mut [f32]) -> bool {
    let n = next.len();
    let (weight, previous, gradient) = (&mut slots.weight[..n], &mut slots.previous[..n], &gradient[..n]);
    let mut strange = 0;
    for j in 0..n {
        next[j] = weight[j] - rate * gradient[j];
        // An exponent of all ones means infinite or NaN. Comparing bits lets the sum of flags be
        // vectorized.
        strange |= u32::from(next[j].to_bits() & 0x7F80_0000 == 0x7F80_0000);
    }
    if strange == 0 {
        previous.copy_from_slice(weight);
        weight.copy_from_slice(next);
    }
    strange == 0
}

/// Updates every parameter by the optimizer's rule. Returns whether the update was finite; otherwise nothing
/// was written.
fn apply(
    rule: &Rule,
    step: &StepParams,
    slots: &mut Slots<'_>,
    gradient: &[f32],
    rate: f32,
    sparsity: Sparsity<'_>,
    updated: &mut [Parameter],
) -> bool {
    let mut finite = true;
    for (j, updated) in updated.iter_mut().enumerate() {
        let before = Parameter {
            weight: slots.weight[j],
            first_moment: slots.first_moment.get(j).copied().unwrap_or(0.0),
            second_moment: slots.second_moment.get(j).copied().unwrap_or(0.0),
        };
        *updated = if sparsity.is_none() {
            optimize(rule, before, gradient[j], rate, step.correction1, step.correction2)
        } else {
            let (slope, l1) = (gradient[j], sparsity.of(j));
            optimize_sparsely(rule, before, slope, rate, step.correction1, step.correction2, l1)
        };
        finite &= updated.weight.is_finite()
            && updated.first_moment.is_finite()
            && updated.second_moment.is_finite();
    }
    if finite {
        slots.previous.copy_from_slice(slots.weight);
        for (weight, updated) in slots.weight.iter_mut().zip(&*updated) {
            *weight = updated.weight;
        }
        for (moment, updated) in slots.first_moment.iter_mut().zip(&*updated) {
            *moment = updated.first_moment;
        }
        for (moment, updated) in slots.second_moment.iter_mut().zip(&*updated) {
            *moment = updated.second_moment;
        }
    }
    finite
}

/// The L1 part of the penalty, which has no slope at 0: strength `l1` for each weight.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sparsity<'a> {
    pub(super) l1: f32,
    /// For each parameter, whether it is a weight; biases are not penalized.
    pub(super) is_weight: &'a [bool],
}

impl Sparsity<'_> {
    #[inline(always)]
    fn is_none(self) -> bool {
        self.l1 == 0.0
    }

    /// The L1 strength for parameter `j`, which is 0 for a bias.
    fn of(self, j: usize) -> f32 {
        if self.is_weight[j] { self.l1 } else { 0.0 }
    }

    /// Squared norm of the smallest subgradient of the loss with L1 penalty, given the `gradient` without it.
    #[inline(always)]
    fn gradient_norm(self, gradient: &[f32], weight: &[f32]) -> f32 {
        if self.is_none() {
            return gradient.iter().map(|slope| slope * slope).sum::<f32>().sqrt();
        }
        let slopes = gradient.iter().zip(weight).enumerate();
        let squares = slopes.map(|(j, (slope, weight))| {
            let least = minimal_slope(*slope, *weight, self.of(j));
            least * least
        });
        squares.sum::<f32>().sqrt()
    }
}

/// The subgradient of `slope * w + l1 |w|` at `weight` with the smallest magnitude; the same as
/// `minimal_slope` in `shaders/penalized.wgsl`.
fn minimal_slope(slope: f32, weight: f32, l1: f32) -> f32 {
    if weight == 0.0 { (slope.abs() - l1).max(0.0) } else { slope + l1.copysign(weight) }
}

/// What a step does to the weights.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Action {
    Skip,
    Update,
    RestorePrevious,
    RestoreAnchor,
}

#[inline(always)]
fn decide(
    params: &RunParams,
    step: &StepParams,
    reaction: &mut Reaction,
    loss: f32,
    // Only few steps need it.
    norm: impl Fn() -> f32,
) -> Action {
    if step.flags & EVALUATE != 0 {
        reaction.evaluated_loss = loss;
        reaction.evaluated_gradient_norm = norm();
        return Action::Skip;
    }
    if !loss.is_finite() || loss > params.divergence_limit {
        reaction.halt = HALT_LOSS;
        reaction.taken -= 1;
        return Action::RestorePrevious;
    }
    if step.flags & FULL != 0 {
        if loss <= params.target_loss {
            reaction.halt = HALT_TARGET_LOSS;
            return Action::Skip;
        }
        if params.target_gradient_norm >= 0.0 && norm() <= params.target_gradient_norm {
            reaction.halt = HALT_TARGET_GRADIENT;
            return Action::Skip;
        }
    }
    let Some(epoch_loss) = account(step, reaction, loss) else { return Action::Update };
    match params.reaction {
        REDUCE_ON_PLATEAU => plateau(params, reaction, epoch_loss),
        BOLD_DRIVER => {
            // A loss below 0 rises towards it.
            let rise = if reaction.anchor_loss < 0.0 { -RISE } else { RISE };
            if epoch_loss > reaction.anchor_loss * (1.0 + rise) {
                reaction.rate_scale *= params.decrease;
                return Action::RestoreAnchor;
            }
            reaction.anchor_loss = epoch_loss;
            reaction.rate_scale *= params.increase;
        }
        _ => {}
    }
    Action::Update
}

/// Adds the loss of a batch to the sums of its epoch. At the end of the epoch, returns the epoch's mean loss.
#[inline(always)]
pub(super) fn account(step: &StepParams, reaction: &mut Reaction, loss: f32) -> Option<f32> {
    if step.flags & EPOCH_START != 0 {
        reaction.epoch_loss = 0.0;
        reaction.epoch_loss_tail = 0.0;
        reaction.n_tail = 0;
        reaction.epoch_rows = 0;
    }
    reaction.epoch_loss_tail += loss * step.batch_len as f32;
    reaction.epoch_rows += step.batch_len;
    reaction.n_tail += 1;
    if reaction.n_tail == N_TAIL {
        reaction.epoch_loss += reaction.epoch_loss_tail;
        reaction.epoch_loss_tail = 0.0;
        reaction.n_tail = 0;
    }
    if step.flags & EPOCH_END == 0 {
        return None;
    }
    let epoch_loss = (reaction.epoch_loss + reaction.epoch_loss_tail) / reaction.epoch_rows as f32;
    reaction.last_epoch_loss = epoch_loss;
    Some(epoch_loss)
}

/// Reduces the learning rate if the epoch loss has stopped falling, as PyTorch's `ReduceLROnPlateau` does.
fn plateau(params: &RunParams, reaction: &mut Reaction, epoch_loss: f32) {
    // A loss below 0 falls away from it.
    let fall = if reaction.best_loss < 0.0 { -params.threshold } else { params.threshold };
    if epoch_loss < reaction.best_loss * (1.0 - fall) {
        reaction.best_loss = epoch_loss;
        reaction.n_bad = 0;
    } else {
        reaction.n_bad += 1;
    }
    if reaction.cooldown_left > 0 {
        reaction.cooldown_left -= 1;
        reaction.n_bad = 0;
    }
    if reaction.n_bad > params.patience {
        reaction.rate_scale = (reaction.rate_scale * params.decrease).max(params.minimum_scale);
        reaction.cooldown_left = params.cooldown;
        reaction.n_bad = 0;
    }
}
