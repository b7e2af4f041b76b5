//! The CPU engine. A function that mirrors a WGSL entry point bears its name.

use std::rc::Rc;

use super::State;
use super::kernel::{
    BOLD_DRIVER, EPOCH_END, EPOCH_START, EVALUATE, FULL, HALT_LOSS, HALT_NOT_FINITE, HALT_TARGET_GRADIENT,
    HALT_TARGET_LOSS, REDUCE_ON_PLATEAU, Reaction, RunParams, SHUFFLED, StepParams, slot,
};
use crate::dataset::Problem;
use crate::loss::{squared_error, squared_error_derivative};
use crate::optimizer::{Parameter, optimize};
use crate::rng::Permutation;

/// What the engine runs on.
pub const NAME: &str = if cfg!(target_feature = "simd128") { "WebAssembly SIMD" } else { "native" };

/// Rows whose f32 sums are folded into f64 at a time: beyond a few thousand terms plain f32 sums drift.
const FOLD_ROWS: usize = 4096;
/// Independent sums, so that additions need not wait for each other.
const LANES: usize = 16;
/// Batches whose losses are summed before they join the epoch's; the twin of `N_TAIL` in `shaders/update.wgsl`.
const N_TAIL: u32 = 1024;

/// Relative rise of the loss that the bold driver takes for rounding; the twin of `RISE` there.
const RISE: f32 = 1e-6;

/// Runs the kernels on the thread that calls it.
#[derive(Debug)]
pub struct CpuEngine {
    problem: Rc<Problem>,
    /// Sums of the gradient, then of the loss.
    sums: Vec<f64>,
    /// Means of the same.
    total: Vec<f32>,
    updated: Vec<Parameter>,
}

impl CpuEngine {
    /// An engine over these rows.
    pub fn new(problem: Rc<Problem>) -> Self {
        let n_parameters = problem.n_parameters() as usize;
        let empty = Parameter { weight: 0.0, first_moment: 0.0, second_moment: 0.0 };
        Self {
            problem,
            sums: vec![0.0; n_parameters + 1],
            total: vec![0.0; n_parameters + 1],
            updated: vec![empty; n_parameters],
        }
    }

    /// See [`super::Backend::advance`].
    pub fn advance(
        &mut self,
        state: &mut State,
        params: &RunParams,
        steps: &[StepParams],
        trace: &mut Vec<[f32; 2]>,
    ) {
        trace.clear();
        for run in 0..state.n_runs() {
            let mut order: Option<(u32, Permutation)> = None;
            for step in steps {
                if state.reactions[run].halt != 0 && step.flags & EVALUATE == 0 {
                    state.reactions[run].cursor += 1;
                    trace.push([f32::NAN; 2]);
                    continue;
                }
                let shuffled = if step.flags & SHUFFLED != 0 {
                    if order.is_none_or(|(epoch, _)| epoch != step.epoch) {
                        let permutation =
                            Permutation::new(params.n_samples, params.block_rows, params.seed, step.epoch);
                        order = Some((step.epoch, permutation));
                    }
                    order.as_ref().map(|(_, permutation)| permutation)
                } else {
                    None
                };
                gradient(step, shuffled, &self.problem, state.parameters(run), &mut self.sums);
                self.update(params, step, state, run, trace);
            }
        }
    }

    /// Turns sums into means, decides, and makes one update. The decisions, in order:
    ///
    /// 1. Measuring changes nothing but what was measured; a halted run stays as it is.
    /// 2. A loss beyond the limit condemns the update that led to it: the weights before it come back.
    /// 3. A full batch's loss or gradient that has reached its target halts the run on these very weights.
    /// 4. At an epoch's end the schedule may react. The scale it sets is that of the next update; the bold driver may
    ///    bring its anchor back instead of updating.
    /// 5. An update with anything infinite or undefined in it is never written.
    fn update(
        &mut self,
        params: &RunParams,
        step: &StepParams,
        state: &mut State,
        run: usize,
        trace: &mut Vec<[f32; 2]>,
    ) {
        let n_parameters = state.n_parameters;
        let rows = f64::from(step.batch_len);
        for (total, sum) in self.total.iter_mut().zip(&self.sums) {
            *total = (sum / rows) as f32;
        }
        let loss = self.total[n_parameters];
        let square: f32 = self.total[..n_parameters].iter().map(|slope| slope * slope).sum();
        let rate = step.learning_rate * state.reactions[run].rate_scale;
        let reaction = &mut state.reactions[run];
        reaction.cursor += 1;
        let action = decide(params, step, reaction, loss, square.sqrt());
        if step.flags & EVALUATE != 0 {
            trace.push([f32::NAN; 2]);
            return;
        }
        trace.push([loss, rate]);

        let bold = params.reaction == BOLD_DRIVER;
        match action {
            Action::Skip => {}
            Action::Update => {
                if bold && step.flags & EPOCH_START != 0 {
                    copy(state, run, slot::WEIGHT, slot::EPOCH_START);
                }
                let rule = params.rule();
                let mut finite = true;
                for (j, updated) in self.updated.iter_mut().enumerate() {
                    let before = Parameter {
                        weight: state.slot(run, slot::WEIGHT)[j],
                        first_moment: state.slot(run, slot::FIRST_MOMENT)[j],
                        second_moment: state.slot(run, slot::SECOND_MOMENT)[j],
                    };
                    *updated =
                        optimize(&rule, before, self.total[j], rate, step.correction1, step.correction2);
                    finite &= updated.weight.is_finite()
                        && updated.first_moment.is_finite()
                        && updated.second_moment.is_finite();
                }
                if !finite {
                    state.reactions[run].halt = HALT_NOT_FINITE;
                    return;
                }
                if bold && step.flags & EPOCH_END != 0 {
                    copy(state, run, slot::EPOCH_START, slot::ANCHOR);
                }
                copy(state, run, slot::WEIGHT, slot::PREVIOUS);
                for (j, updated) in self.updated.iter().enumerate() {
                    state.slot_mut(run, slot::WEIGHT)[j] = updated.weight;
                    state.slot_mut(run, slot::FIRST_MOMENT)[j] = updated.first_moment;
                    state.slot_mut(run, slot::SECOND_MOMENT)[j] = updated.second_moment;
                }
            }
            Action::RestorePrevious => {
                copy(state, run, slot::PREVIOUS, slot::WEIGHT);
                clear_moments(state, run);
            }
            Action::RestoreAnchor => {
                copy(state, run, slot::ANCHOR, slot::WEIGHT);
                copy(state, run, slot::ANCHOR, slot::PREVIOUS);
                clear_moments(state, run);
            }
        }
        let reaction = &mut state.reactions[run];
        if reaction.halt == 0 {
            reaction.taken += 1;
        }
    }
}

/// What a step does to the weights.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Action {
    Skip,
    Update,
    RestorePrevious,
    RestoreAnchor,
}

fn decide(
    params: &RunParams,
    step: &StepParams,
    reaction: &mut Reaction,
    loss: f32,
    gradient_norm: f32,
) -> Action {
    if step.flags & EVALUATE != 0 {
        reaction.evaluated_loss = loss;
        reaction.evaluated_gradient_norm = gradient_norm;
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
        if gradient_norm <= params.target_gradient_norm {
            reaction.halt = HALT_TARGET_GRADIENT;
            return Action::Skip;
        }
    }
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
        return Action::Update;
    }
    let epoch_loss = (reaction.epoch_loss + reaction.epoch_loss_tail) / reaction.epoch_rows as f32;
    reaction.last_epoch_loss = epoch_loss;
    match params.reaction {
        REDUCE_ON_PLATEAU => plateau(params, reaction, epoch_loss),
        BOLD_DRIVER => {
            if epoch_loss > reaction.anchor_loss * (1.0 + RISE) {
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

/// Reduces the rate where the loss has stopped falling, as PyTorch's `ReduceLROnPlateau` does.
fn plateau(params: &RunParams, reaction: &mut Reaction, epoch_loss: f32) {
    if epoch_loss < reaction.best_loss * (1.0 - params.threshold) {
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

fn copy(state: &mut State, run: usize, from: usize, to: usize) {
    let n = state.n_parameters;
    let base = run * slot::COUNT * n;
    state.values.copy_within(base + from * n..base + (from + 1) * n, base + to * n);
}

fn clear_moments(state: &mut State, run: usize) {
    state.slot_mut(run, slot::FIRST_MOMENT).fill(0.0);
    state.slot_mut(run, slot::SECOND_MOMENT).fill(0.0);
}

/// Sums of gradient and loss over a batch, into `sums` (a parameter each, then the loss).
pub fn gradient(
    step: &StepParams,
    order: Option<&Permutation>,
    problem: &Problem,
    weights: &[f32],
    sums: &mut [f64],
) {
    sums.fill(0.0);
    let start = step.batch_start as usize;
    let rows = start..start + step.batch_len as usize;
    match (order, problem.n_features) {
        (None, 1) => line(problem, rows, weights, sums),
        (None, _) => fold(problem, rows, weights, sums, |position| position),
        (Some(order), _) => {
            fold(problem, rows, weights, sums, |position| order.row(position as u32) as usize);
        }
    }
}

/// One feature, rows in order: a stream of two columns.
fn line(problem: &Problem, rows: std::ops::Range<usize>, weights: &[f32], sums: &mut [f64]) {
    let (w, b) = (weights[0], weights.get(1).copied().unwrap_or(0.0));
    let features = problem.features[rows.clone()].chunks(FOLD_ROWS);
    let targets = problem.targets[rows].chunks(FOLD_ROWS);
    let (mut by_w, mut by_b, mut loss) = (0.0_f64, 0.0_f64, 0.0_f64);
    for (features, targets) in features.zip(targets) {
        let mut lanes = [[0.0_f32; LANES]; 3];
        let (xs, x_rest) = features.as_chunks::<LANES>();
        let (ys, y_rest) = targets.as_chunks::<LANES>();
        for (x, y) in xs.iter().zip(ys) {
            for l in 0..LANES {
                let residual = w * x[l] + b - y[l];
                lanes[0][l] += residual * x[l];
                lanes[1][l] += residual;
                lanes[2][l] += residual * residual;
            }
        }
        for (l, (x, y)) in x_rest.iter().zip(y_rest).enumerate() {
            let residual = w * x + b - y;
            lanes[0][l] += residual * x;
            lanes[1][l] += residual;
            lanes[2][l] += residual * residual;
        }
        by_w += fold_lanes(&lanes[0]);
        by_b += fold_lanes(&lanes[1]);
        loss += fold_lanes(&lanes[2]);
    }
    // The derivative's 2 is taken out of the loop.
    sums[0] = 2.0 * by_w;
    if weights.len() > 1 {
        sums[1] = 2.0 * by_b;
    }
    sums[weights.len()] = loss;
}

fn fold_lanes(lanes: &[f32; LANES]) -> f64 {
    lanes.iter().map(|lane| f64::from(*lane)).sum()
}

/// Any number of features, rows in any order.
fn fold(
    problem: &Problem,
    rows: std::ops::Range<usize>,
    weights: &[f32],
    sums: &mut [f64],
    row_at: impl Fn(usize) -> usize,
) {
    let d = problem.n_features as usize;
    let bias = weights.get(d).copied();
    let mut partial = [0.0_f32; crate::config::MAX_DEGREE as usize + 2];
    let partial = &mut partial[..weights.len() + 1];
    let end = rows.end;
    for fold_start in rows.step_by(FOLD_ROWS) {
        partial.fill(0.0);
        for position in fold_start..(fold_start + FOLD_ROWS).min(end) {
            let row = row_at(position);
            let features = &problem.features[row * d..row * d + d];
            let mut residual = bias.unwrap_or(0.0) - problem.targets[row];
            for (feature, weight) in features.iter().zip(weights) {
                residual += weight * feature;
            }
            let slope = squared_error_derivative(residual);
            for (sum, feature) in partial.iter_mut().zip(features) {
                *sum += slope * feature;
            }
            if bias.is_some() {
                partial[d] += slope;
            }
            partial[weights.len()] += squared_error(residual);
        }
        for (sum, partial) in sums.iter_mut().zip(partial.iter()) {
            *sum += f64::from(*partial);
        }
    }
}
