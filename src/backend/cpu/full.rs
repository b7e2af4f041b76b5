//! Plain gradient descent on all rows with one feature. With few rows, or with sufficient statistics, a step
//! is so short that weights stay in registers and the loop contains only the step.

use super::Slots;
use super::update::account;
use crate::backend::kernel::{EVALUATE, FULL, Reaction, RunParams, StepParams};

/// Takes steps from the beginning of `steps` until one needs the general code, and returns their number.
/// `sums_at(w, b)` returns the half sums of the gradient by `w` and by `b`, and the sum of the loss.
#[inline(always)]
pub(super) fn descend(
    (params, rate_factor): (&RunParams, f32),
    steps: &[StepParams],
    reaction: &mut Reaction,
    slots: &mut Slots<'_>,
    trace: &mut Vec<[f32; 2]>,
    sums_at: impl Fn(f32, f32) -> [f64; 3],
) -> usize {
    let learns_bias = slots.weight.len() > 1;
    let mut w = slots.weight[0];
    let mut b = slots.weight.get(1).copied().unwrap_or(0.0);
    let mut previous = (w, b);
    let scale = 1.0 / f64::from(params.n_samples);
    // Nothing here reacts to the run.
    let rate_scale = reaction.rate_scale * rate_factor;
    let mut taken = 0;
    for step in steps {
        if step.flags & (FULL | EVALUATE) != FULL {
            break;
        }
        let [by_w, by_b, square] = sums_at(w, b);
        let loss = (square * scale) as f32;
        let rate = step.learning_rate * rate_scale;
        let next_w = w - rate * (by_w * (2.0 * scale)) as f32;
        let next_b = if learns_bias { b - rate * (by_b * (2.0 * scale)) as f32 } else { 0.0 };
        // Written so that NaN does not pass the check.
        let sound = loss <= params.divergence_limit && loss > params.target_loss;
        if !(sound && loss.is_finite() && next_w.is_finite() && next_b.is_finite()) {
            break;
        }
        account(step, reaction, loss);
        trace.push([loss, rate]);
        previous = (w, b);
        (w, b) = (next_w, next_b);
        taken += 1;
    }
    if taken > 0 {
        reaction.cursor += taken as u32;
        reaction.taken += taken as i32;
        (slots.previous[0], slots.weight[0]) = (previous.0, w);
        if learns_bias {
            (slots.previous[1], slots.weight[1]) = (previous.1, b);
        }
    }
    taken
}
