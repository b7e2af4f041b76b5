//! Plain gradient descent on one row per step. Steps are so short that the loop contains only the step.

use super::Slots;
use super::fused::{add_scaled, dot};
use super::lanes::{F32x4, N};
use super::update::account;
use super::window::Window;
use crate::backend::kernel::{EVALUATE, FULL, Reaction, RunParams, SHUFFLED, StepParams};
use crate::dataset::Problem;

/// Takes one-row steps from the beginning of `steps` as long as their values stay finite, and returns their
/// number; if it is 0, the general code must take the first step and handle infinite and NaN values. `kept`
/// is scratch memory, two numbers per parameter.
pub(super) fn descend(
    (problem, window): (&Problem, &mut Window),
    (params, rate_factor): (&RunParams, f32),
    steps: &[StepParams],
    reaction: &mut Reaction,
    slots: &mut Slots<'_>,
    kept: &mut [f32],
    trace: &mut Vec<[f32; 2]>,
) -> usize {
    let Some(first) = steps.first() else { return 0 };
    let plain = |step: &StepParams| {
        step.batch_len == 1 && step.flags & (EVALUATE | FULL) == 0 && step.epoch == first.epoch
    };
    if params.rule != 0 || params.reaction != 0 || !plain(first) {
        return 0;
    }
    let d = problem.n_features as usize;
    let n = steps.iter().take_while(|step| plain(step)).count();
    let start = first.batch_start as usize;
    let (features, targets) = if first.flags & SHUFFLED != 0 {
        window.rows(problem, (params.seed, first.epoch, params.block_rows), start, n, 1)
    } else {
        window.in_order(problem, start, n)
    };
    let steps = &steps[..targets.len()];
    let rate_scale = reaction.rate_scale * rate_factor;
    let rows = Rows { features, targets, d, rate_scale, limit: params.divergence_limit };
    let before = *reaction;
    let traced = trace.len();
    let done = match d {
        4..=12 => rows.narrow(steps, reaction, slots, trace),
        _ => rows.any(steps, reaction, slots, kept, trace),
    };
    if done {
        return steps.len();
    }
    // Something was infinite or too large; the general code finds the step.
    *reaction = before;
    trace.truncate(traced);
    0
}

/// Consecutive rows in memory, each used by one step.
struct Rows<'a> {
    features: &'a [f32],
    targets: &'a [f32],
    d: usize,
    /// Factor by which the learning rate of every step is multiplied.
    rate_scale: f32,
    /// A loss above this value ends the run.
    limit: f32,
}

/// Number of vectors that hold a row of up to twelve features.
const V: usize = 3;

impl Rows<'_> {
    /// Takes steps with four to twelve features, keeping weights in registers. Returns false, with weights
    /// unchanged, if a step has to be left to the general code.
    fn narrow(
        &self,
        steps: &[StepParams],
        reaction: &mut Reaction,
        slots: &mut Slots<'_>,
        trace: &mut Vec<[f32; 2]>,
    ) -> bool {
        let d = self.d;
        let start = |v: usize| (N * v).min(d - N);
        // A vector that would extend past the row overlaps the one before it, where it counts as 0.
        let overlap = |v: usize| (N * v - start(v)).min(N);
        let own = |vector: F32x4, v: usize| vector.keep_from(overlap(v));
        let mut weights: [F32x4; V] = std::array::from_fn(|v| own(F32x4::load_at(slots.weight, start(v)), v));
        let mut b = slots.weight.get(d).copied().unwrap_or(0.0);
        let learns_bias = if slots.weight.len() > d { 1.0 } else { 0.0 };
        let row = |at: usize| -> [F32x4; V] {
            let x = &self.features[at * d..][..d];
            std::array::from_fn(|v| own(F32x4::load_at(x, start(v)), v))
        };
        // Four steps at a time, except for the last ones: the weights before the last step must be
        // kept.
        let n = steps.len();
        let n_grouped = (n - 1) / N * N;
        for at in (0..n_grouped).step_by(N) {
            let group = &steps[at..at + N];
            let rows: [[F32x4; V]; N] = std::array::from_fn(|k| row(at + k));
            let residuals = F32x4::sum_each(std::array::from_fn(|k| product(&rows[k], &weights)))
                + (F32x4::splat(b) - F32x4::load_at(self.targets, at));
            let (residuals, paces) = self.four(group, &rows, residuals.array(), learns_bias);
            for (step, residual) in group.iter().zip(residuals) {
                if !self.take(step, residual * residual, reaction, trace) {
                    return false;
                }
            }
            let spread = paces.map(F32x4::splat);
            for (v, weights) in weights.iter_mut().enumerate() {
                let near = spread[0] * rows[0][v] + spread[1] * rows[1][v];
                let far = spread[2] * rows[2][v] + spread[3] * rows[3][v];
                *weights = *weights - (near + far);
            }
            let [p0, p1, p2, p3] = paces;
            b -= ((p0 + p1) + (p2 + p3)) * learns_bias;
        }
        let mut previous = (weights, b);
        for (at, step) in steps.iter().enumerate().skip(n_grouped) {
            let x = row(at);
            let [p0, p1, p2, p3] = product(&x, &weights).array();
            let residual = (p0 + p1) + (p2 + p3) + (b - self.targets[at]);
            if !self.take(step, residual * residual, reaction, trace) {
                return false;
            }
            previous = (weights, b);
            let pace = step.learning_rate * self.rate_scale * (2.0 * residual);
            for v in 0..V {
                weights[v] = weights[v] - F32x4::splat(pace) * x[v];
            }
            b -= pace * learns_bias;
        }
        let store = |slot: &mut [f32], (weights, b): ([F32x4; V], f32)| {
            for (v, weights) in weights.iter().enumerate() {
                for (lane, weight) in weights.array().iter().enumerate() {
                    if lane >= overlap(v) {
                        slot[start(v) + lane] = *weight;
                    }
                }
            }
            if let Some(bias) = slot.get_mut(d) {
                *bias = b;
            }
        };
        // Infinite and NaN values never become finite again, so a check at the end is enough.
        let finite = weights.iter().all(|w| w.array().iter().all(|w| w.is_finite())) && b.is_finite();
        if finite {
            store(slots.previous, previous);
            store(slots.weight, (weights, b));
        }
        finite
    }

    /// Residuals and step sizes of four steps, given the residuals at the weights before the first.
    ///
    /// The effect of one row's step on another row is the product of the two. With these products known, four steps need
    /// only the weights before the first, and wait for each other as little as possible.
    #[inline(always)]
    fn four(
        &self,
        group: &[StepParams],
        rows: &[[F32x4; V]; N],
        residuals: [f32; N],
        learns_bias: f32,
    ) -> ([f32; N], [f32; N]) {
        let met = |j: usize, k: usize| product(&rows[j], &rows[k]);
        let [m01, m02, m12, m03] =
            F32x4::sum_each([met(0, 1), met(0, 2), met(1, 2), met(0, 3)]).array().map(|m| m + learns_bias);
        let [m13, m23, ..] = F32x4::sum_each([met(1, 3), met(2, 3), F32x4::zero(), F32x4::zero()])
            .array()
            .map(|m| m + learns_bias);
        let pace = |k: usize, residual: f32| group[k].learning_rate * self.rate_scale * (2.0 * residual);
        let [r0, r1, r2, r3] = residuals;
        let p0 = pace(0, r0);
        let r1 = r1 - p0 * m01;
        let p1 = pace(1, r1);
        let r2 = (r2 - p0 * m02) - p1 * m12;
        let p2 = pace(2, r2);
        let r3 = ((r3 - p0 * m03) - p1 * m13) - p2 * m23;
        let p3 = pace(3, r3);
        ([r0, r1, r2, r3], [p0, p1, p2, p3])
    }

    /// Takes steps with any number of features. Returns false, with weights unchanged, if a step has to be
    /// left to the general code.
    fn any(
        &self,
        steps: &[StepParams],
        reaction: &mut Reaction,
        slots: &mut Slots<'_>,
        kept: &mut [f32],
        trace: &mut Vec<[f32; 2]>,
    ) -> bool {
        let d = self.d;
        let (kept_weight, kept_previous) = kept.split_at_mut(slots.weight.len());
        kept_weight.copy_from_slice(slots.weight);
        kept_previous.copy_from_slice(slots.previous);
        let mut finite = true;
        for ((x, y), step) in self.features.chunks_exact(d).zip(self.targets).zip(steps) {
            let (weights, bias) = slots.weight.split_at_mut(d);
            let b = bias.first().copied().unwrap_or(0.0);
            let residual = dot(x, weights) + (b - y);
            finite = self.take(step, residual * residual, reaction, trace);
            if !finite {
                break;
            }
            let pace = step.learning_rate * self.rate_scale * (2.0 * residual);
            slots.previous[..d].copy_from_slice(weights);
            add_scaled(weights, -pace, x);
            if let Some(bias) = bias.first_mut() {
                slots.previous[d] = b;
                *bias = b - pace;
            }
        }
        finite &= slots.weight.iter().all(|w| w.is_finite());
        if !finite {
            slots.weight.copy_from_slice(kept_weight);
            slots.previous.copy_from_slice(kept_previous);
        }
        finite
    }
}

/// The product of two rows, by lane: the dot product is the sum of the four lanes.
#[inline(always)]
fn product(a: &[F32x4; V], b: &[F32x4; V]) -> F32x4 {
    let mut sum = a[0] * b[0];
    for (a, b) in a.iter().zip(b).skip(1) {
        sum += *a * *b;
    }
    sum
}

impl Rows<'_> {
    /// Records the loss of a step in reaction and trace. Returns false, without recording, if the loss ends
    /// the run.
    #[inline(always)]
    fn take(&self, step: &StepParams, loss: f32, reaction: &mut Reaction, trace: &mut Vec<[f32; 2]>) -> bool {
        // NaN is not below the limit either, and infinity is below no limit.
        if loss.is_nan() || loss > self.limit || loss == f32::INFINITY {
            return false;
        }
        account(step, reaction, loss);
        reaction.cursor += 1;
        reaction.taken += 1;
        trace.push([loss, step.learning_rate * self.rate_scale]);
        true
    }
}
