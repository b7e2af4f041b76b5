//! The CPU engine. A function that mirrors a WGSL entry point bears its name.

use std::rc::Rc;

use super::State;
use super::kernel::{EVALUATE, Reaction, RunParams, SHUFFLED, StepParams, slot};
use crate::dataset::Problem;
use crate::optimizer::Parameter;

mod full;
mod fused;
mod lanes;
pub mod pair;
mod statistics;
mod stochastic;
mod update;
mod window;

use statistics::Statistics;
use update::update;
use window::Window;

/// What the engine runs on.
pub const NAME: &str = if cfg!(target_feature = "simd128") { "WebAssembly SIMD" } else { "native" };

/// Runs the kernels on the thread that calls it.
#[derive(Debug)]
pub struct CpuEngine {
    problem: Rc<Problem>,
    /// What takes the place of the rows where a step sees all of them.
    statistics: Option<Statistics>,
    window: Window,
    /// Sums of half the gradient, then of the loss.
    sums: Vec<f64>,
    /// Whether they are there already, of the one step that is asked for; see [`pair`].
    summed: bool,
    /// The gradient: means.
    gradient: Vec<f32>,
    /// Scratch of the kernels, a number a feature.
    partial: Vec<f32>,
    scratch: Scratch,
}

impl CpuEngine {
    /// An engine over these rows.
    pub fn new(problem: Rc<Problem>) -> Self {
        let n_parameters = problem.n_parameters() as usize;
        let empty = Parameter { weight: 0.0, first_moment: 0.0, second_moment: 0.0 };
        Self {
            statistics: None,
            window: Window::default(),
            sums: vec![0.0; n_parameters + 1],
            summed: false,
            gradient: vec![0.0; n_parameters],
            partial: vec![0.0; problem.n_features as usize],
            scratch: Scratch {
                next: vec![0.0; n_parameters],
                updated: vec![empty; n_parameters],
                kept: vec![0.0; 2 * n_parameters],
            },
            problem,
        }
    }

    /// The same, with full batches by sufficient statistics, which are taken here: one pass over the rows, and no step
    /// depends on their number after that.
    pub fn by_statistics(problem: Rc<Problem>) -> Self {
        Self { statistics: Some(Statistics::of(&problem)), ..Self::new(problem) }
    }

    /// Whether full batches go by sufficient statistics.
    pub fn has_statistics(&self) -> bool {
        self.statistics.is_some()
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
        trace.reserve(steps.len() * state.n_runs());
        let n_parameters = state.n_parameters;
        let runs = state.values.chunks_exact_mut(slot::COUNT * n_parameters);
        for (values, reaction) in runs.zip(&mut state.reactions) {
            let mut slots = Slots::of(values, n_parameters);
            let rule = params.rule();
            let mut left = steps;
            while let Some((step, rest)) = left.split_first() {
                if reaction.halt != 0 && step.flags & EVALUATE == 0 {
                    reaction.cursor += 1;
                    trace.push([f32::NAN; 2]);
                    left = rest;
                    continue;
                }
                if step.batch_len == 1 {
                    let taken = stochastic::descend(
                        (&self.problem, &mut self.window),
                        params,
                        left,
                        reaction,
                        &mut slots,
                        &mut self.scratch.kept,
                        trace,
                    );
                    if taken > 0 {
                        left = &left[taken..];
                        continue;
                    }
                }
                let taken = self.full(params, left, reaction, &mut slots, trace);
                if taken > 0 {
                    left = &left[taken..];
                    continue;
                }
                self.gradient(params, step, slots.weight);
                let scale = 1.0 / f64::from(step.batch_len);
                for (gradient, sum) in self.gradient.iter_mut().zip(&self.sums) {
                    // The derivative's 2 is taken out of the kernels' loops.
                    *gradient = (sum * (2.0 * scale)) as f32;
                }
                let loss = (self.sums[n_parameters] * scale) as f32;
                let means = (self.gradient.as_slice(), loss);
                trace.push(update(params, &rule, step, reaction, &mut slots, means, &mut self.scratch));
                left = rest;
            }
        }
    }

    /// See [`full::descend`].
    fn full(
        &self,
        params: &RunParams,
        steps: &[StepParams],
        reaction: &mut Reaction,
        slots: &mut Slots<'_>,
        trace: &mut Vec<[f32; 2]>,
    ) -> usize {
        let problem = &*self.problem;
        let plain = params.rule == 0 && params.reaction == 0 && params.target_gradient_norm < 0.0;
        if problem.n_features != 1 || !plain || self.summed {
            return 0;
        }
        if let Some(sums_at) = self.statistics.as_ref().and_then(Statistics::line) {
            return full::descend(params, steps, reaction, slots, trace, sums_at);
        }
        let (features, targets) = (&*problem.features, &*problem.targets);
        full::descend(params, steps, reaction, slots, trace, |w, b| fused::line_sums(features, targets, w, b))
    }

    /// Sums of half the gradient and of the loss over a batch.
    #[inline(always)]
    fn gradient(&mut self, params: &RunParams, step: &StepParams, weights: &[f32]) {
        if self.summed {
            return;
        }
        let problem = &*self.problem;
        if let Some(statistics) = &mut self.statistics
            && step.batch_len == problem.n_samples
        {
            statistics.sums(weights, &mut self.sums);
            return;
        }
        self.sums.fill(0.0);
        let d = problem.n_features as usize;
        let (mut start, batch_rows) = (step.batch_start as usize, step.batch_len as usize);
        let end = start + batch_rows;
        if step.flags & SHUFFLED == 0 {
            let rows = &problem.features[start * d..end * d];
            let targets = &problem.targets[start..end];
            fused::accumulate(rows, targets, d, weights, &mut self.partial, &mut self.sums);
            return;
        }
        let order = (params.seed, step.epoch, params.block_rows);
        while start < end {
            let (rows, targets) = self.window.rows(problem, order, start, end - start, batch_rows);
            fused::accumulate(rows, targets, d, weights, &mut self.partial, &mut self.sums);
            start += targets.len();
        }
    }
}

/// What updates work with, kept so that stepping allocates nothing.
#[derive(Debug)]
struct Scratch {
    /// Weights after a plain update.
    next: Vec<f32>,
    /// Parameters after any other.
    updated: Vec<Parameter>,
    /// What stochastic steps go back to, two numbers a parameter.
    kept: Vec<f32>,
}

/// What a run keeps a number a parameter of; see [`slot`].
#[derive(Debug)]
struct Slots<'a> {
    weight: &'a mut [f32],
    first_moment: &'a mut [f32],
    second_moment: &'a mut [f32],
    previous: &'a mut [f32],
    epoch_start: &'a mut [f32],
    anchor: &'a mut [f32],
}

impl<'a> Slots<'a> {
    /// In the order of [`slot`]'s constants.
    fn of(values: &'a mut [f32], n_parameters: usize) -> Self {
        let (weight, rest) = values.split_at_mut(n_parameters);
        let (first_moment, rest) = rest.split_at_mut(n_parameters);
        let (second_moment, rest) = rest.split_at_mut(n_parameters);
        let (previous, rest) = rest.split_at_mut(n_parameters);
        let (epoch_start, anchor) = rest.split_at_mut(n_parameters);
        Self { weight, first_moment, second_moment, previous, epoch_start, anchor }
    }

    fn clear_moments(&mut self) {
        self.first_moment.fill(0.0);
        self.second_moment.fill(0.0);
    }
}
