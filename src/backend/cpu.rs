//! The CPU engine. A function that does the same as a WGSL entry point has its name.

use std::rc::Rc;

use super::State;
use super::kernel::{
    EVALUATE, FULL, Reaction, RunParams, RunSettings, SHUFFLED, SlotSet, StepParams, VALIDATE, slot,
};
use crate::choices::loss::kind;
use crate::choices::optimizer::{Parameter, Rule};
use crate::dataset::Problem;
use crate::model::{Layout, Linear};

mod full;
mod fused;
mod general;
mod lanes;
pub mod pair;
mod statistics;
mod stochastic;
mod stored;
mod update;
mod window;

use general::General;
use statistics::Statistics;
use stored::Stored;
use update::{Sparsity, update};
use window::Window;

/// The name of the CPU's instruction set, as it is shown to the user.
pub const NAME: &str = if cfg!(target_feature = "simd128") { "WebAssembly SIMD" } else { "native" };

/// The CPU engine, which runs the kernels on the calling thread.
#[derive(Debug)]
pub struct CpuEngine {
    problem: Rc<Problem>,
    layout: Layout,
    /// The layout if the model is linear, as most kernels require; else `None`.
    linear: Option<Linear>,
    /// For each parameter, whether it is a weight (not a bias); penalties apply to weights only.
    is_weight: Vec<bool>,
    /// Sufficient statistics, which full batches use instead of the rows.
    statistics: Option<Statistics>,
    window: Window,
    /// Sums over a batch: half of the gradient for each parameter, then the loss.
    sums: Vec<f64>,
    /// Whether `sums` already has the sums for the next step, as computed by [`pair`].
    summed: bool,
    /// The mean gradient of the batch, one number per parameter.
    gradient: Vec<f32>,
    /// Scratch memory of the kernels, one number per feature.
    partial: Vec<f32>,
    /// The kernels for every case but the plain squared loss: other losses, sample weights, folds.
    general: General,
    scratch: Scratch,
    /// State for rows that are in storage; `None` if all rows are in memory.
    stored: Option<Box<Stored>>,
}

impl CpuEngine {
    /// Creates an engine for a model over these rows.
    pub fn new(problem: Rc<Problem>, layout: &Layout) -> Self {
        let n_parameters = layout.n_parameters() as usize;
        let mut is_weight = vec![false; n_parameters];
        layout.places().for_each(|place| is_weight[place.weights].fill(true));
        let empty = Parameter { weight: 0.0, first_moment: 0.0, second_moment: 0.0 };
        Self {
            layout: layout.clone(),
            linear: layout.as_linear(),
            is_weight,
            statistics: None,
            window: Window::default(),
            sums: vec![0.0; n_parameters + 1],
            summed: false,
            gradient: vec![0.0; n_parameters],
            partial: vec![0.0; problem.n_features as usize],
            general: General::default(),
            scratch: Scratch {
                next: vec![0.0; n_parameters],
                updated: vec![empty; n_parameters],
                kept: vec![0.0; 2 * n_parameters],
            },
            stored: problem.stored().map(|stored| Box::new(Stored::new(stored, layout))),
            problem,
        }
    }

    /// Creates an engine whose full batches use sufficient statistics if the model is linear. This makes one
    /// pass over the rows; afterwards the cost of full batches does not depend on the number of rows.
    pub fn by_statistics(problem: Rc<Problem>, layout: &Layout) -> Self {
        let statistics = layout.as_linear().map(|linear| Statistics::of(&problem, linear));
        Self { statistics, ..Self::new(problem, layout) }
    }

    /// Whether full batches use sufficient statistics.
    pub fn has_statistics(&self) -> bool {
        self.statistics.is_some()
    }

    /// Drops all rows that were read from storage.
    pub fn renew(&mut self) {
        *self = Self::new(Rc::clone(&self.problem), &self.layout);
    }

    /// See [`super::Backend::advance`].
    pub fn advance(
        &mut self,
        state: &mut State,
        params: &RunParams,
        steps: &[StepParams],
        trace: &mut Vec<[f32; 2]>,
    ) {
        if self.stored.is_some() {
            return self.advance_stored(state, params, steps, trace);
        }
        self.advance_here(state, params, steps, trace);
    }

    fn advance_here(
        &mut self,
        state: &mut State,
        params: &RunParams,
        steps: &[StepParams],
        trace: &mut Vec<[f32; 2]>,
    ) {
        trace.clear();
        trace.reserve(steps.len() * state.n_runs());
        let n_parameters = state.n_parameters;
        let general = self.is_general(params);
        let State { values, reactions, settings, slots, .. } = state;
        let runs = values.chunks_exact_mut(slots.count() * n_parameters);
        for (run, (values, reaction)) in runs.zip(reactions).enumerate() {
            let run = (settings_of(settings, run), general);
            self.advance_run(
                run,
                params,
                steps,
                reaction,
                &mut Slots::of(values, n_parameters, *slots),
                trace,
            );
        }
    }

    fn advance_run(
        &mut self,
        run: (RunSettings, bool),
        params: &RunParams,
        steps: &[StepParams],
        reaction: &mut Reaction,
        slots: &mut Slots<'_>,
        trace: &mut Vec<[f32; 2]>,
    ) {
        let (settings, general) = run;
        // Every run is measured on the same rows.
        let own = RunParams { seed: params.seed.wrapping_add(settings.seed_offset), ..*params };
        let plain = !general && !settings.penalizes();
        let rule = params.rule();
        let mut left = steps;
        while let Some((step, rest)) = left.split_first() {
            let params = if step.flags & EVALUATE != 0 { params } else { &own };
            if reaction.halt != 0 && step.flags & EVALUATE == 0 {
                reaction.cursor += 1;
                trace.push([f32::NAN; 2]);
                left = rest;
                continue;
            }
            let paced = (params, settings.rate_factor);
            let taken = if step.batch_len == 1 && plain {
                let (rows, kept) = ((&*self.problem, &mut self.window), &mut self.scratch.kept);
                stochastic::descend(rows, paced, left, reaction, slots, kept, trace)
            } else if plain && self.is_full(params, step) {
                self.full(paced, left, reaction, slots, trace)
            } else {
                0
            };
            if taken > 0 {
                left = &left[taken..];
                continue;
            }
            trace.push(self.step((params, &rule), run, step, reaction, slots));
            left = rest;
        }
    }

    /// Takes one step of any kind. Returns the batch loss and the learning rate.
    #[inline(always)]
    fn step(
        &mut self,
        (params, rule): (&RunParams, &Rule),
        (settings, general): (RunSettings, bool),
        step: &StepParams,
        reaction: &mut Reaction,
        slots: &mut Slots<'_>,
    ) -> [f32; 2] {
        let mut scale = 1.0 / f64::from(step.batch_len);
        // The kernels leave out the derivative's factor of 2.
        let mut factor = 2.0;
        if general {
            self.general_gradient(params, &settings, step, slots.weight);
            let validates = step.flags & VALIDATE != 0;
            let part = if validates { settings.validation_scale } else { settings.training_scale };
            scale *= f64::from(part);
            factor = 1.0;
        } else {
            self.gradient(params, step, slots.weight);
        }
        for (gradient, sum) in self.gradient.iter_mut().zip(&self.sums) {
            *gradient = (sum * (factor * scale)) as f32;
        }
        let mut loss = (self.sums[self.gradient.len()] * scale) as f32;
        let mut sparsity = Sparsity { l1: 0.0, is_weight: &self.is_weight };
        if settings.penalizes() && step.flags & VALIDATE == 0 {
            sparsity.l1 = settings.l1;
            loss += general::penalize(&settings, &self.is_weight, slots.weight, &mut self.gradient);
        }
        let rate = step.learning_rate * (reaction.rate_scale * settings.rate_factor);
        let means = (self.gradient.as_slice(), loss, rate, sparsity);
        update(params, rule, step, reaction, slots, means, &mut self.scratch)
    }

    /// Whether [`full::descend`] can take this step.
    #[inline(always)]
    fn is_full(&self, params: &RunParams, step: &StepParams) -> bool {
        let problem = &*self.problem;
        let plain = params.rule == 0 && params.reaction == 0 && params.target_gradient_norm < 0.0;
        plain
            && problem.n_features == 1
            && step.flags & (FULL | EVALUATE) == FULL
            && !(self.summed || problem.has_blocks() || problem.stored().is_some())
    }

    /// Calls [`full::descend`]. This is a separate function because V8 optimizes the loop less inside a large
    /// one.
    #[inline(never)]
    fn full(
        &self,
        (params, rate_factor): (&RunParams, f32),
        steps: &[StepParams],
        reaction: &mut Reaction,
        slots: &mut Slots<'_>,
        trace: &mut Vec<[f32; 2]>,
    ) -> usize {
        if let Some(sums_at) = self.statistics.as_ref().and_then(Statistics::line) {
            return full::descend((params, rate_factor), steps, reaction, slots, trace, sums_at);
        }
        let (features, targets) = (&*self.problem.features, &*self.problem.targets);
        let sums_at = |w, b| fused::line_sums(features, targets, w, b);
        full::descend((params, rate_factor), steps, reaction, slots, trace, sums_at)
    }

    /// Computes the sums of half the gradient and of the loss over the step's batch.
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
        self.add(params, step, weights);
    }

    /// Adds the sums over the rows of the step's batch.
    #[inline(always)]
    fn add(&mut self, params: &RunParams, step: &StepParams, weights: &[f32]) {
        let problem = &*self.problem;
        let d = problem.n_features as usize;
        let (mut start, batch_rows) = (step.batch_start as usize, step.batch_len as usize);
        let end = start + batch_rows;
        if step.flags & SHUFFLED == 0 {
            while start < end {
                let (rows, targets) = self.window.in_order(problem, start, end - start);
                fused::accumulate(rows, targets, d, weights, &mut self.partial, &mut self.sums);
                start += targets.len();
            }
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

impl CpuEngine {
    /// Whether rows need [`General`], the kernels for every case other than the squared loss of one linear
    /// output over rows without sample weights and folds.
    #[inline(always)]
    fn is_general(&self, params: &RunParams) -> bool {
        let plain = params.loss == kind::SQUARED && self.linear.is_some_and(|linear| linear.n_outputs == 1);
        !(plain && self.problem.weights.is_empty() && self.problem.folds.is_empty())
    }

    /// Computes the sums of the gradient and of the loss over the step's batch, for any model and loss, with
    /// sample weights and folds.
    fn general_gradient(
        &mut self,
        params: &RunParams,
        settings: &RunSettings,
        step: &StepParams,
        parameters: &[f32],
    ) {
        if self.summed {
            return;
        }
        self.sums.fill(0.0);
        self.add_general(params, settings, step, parameters);
    }

    /// Adds the sums over the rows of the step's batch, for any model and loss.
    fn add_general(
        &mut self,
        params: &RunParams,
        settings: &RunSettings,
        step: &StepParams,
        parameters: &[f32],
    ) {
        let Self { problem, layout, window, general, sums, .. } = self;
        general.begin(layout, params, settings, step, parameters);
        let (mut start, batch_rows) = (step.batch_start as usize, step.batch_len as usize);
        let end = start + batch_rows;
        if step.flags & SHUFFLED == 0 {
            while start < end {
                let (rows, targets) = window.in_order(problem, start, end - start);
                let next = start + targets.len();
                general.accumulate(problem, start as u32..next as u32, rows, targets, sums);
                start = next;
            }
            return;
        }
        let order = (params.seed, step.epoch, params.block_rows);
        while start < end {
            let (indices, rows, targets) =
                window.indexed_rows(problem, order, start, end - start, batch_rows);
            let n = indices.len();
            general.accumulate(problem, indices.iter().copied(), rows, targets, sums);
            start += n;
        }
    }
}

#[inline(always)]
fn settings_of(settings: &[RunSettings], run: usize) -> RunSettings {
    settings.get(run).copied().unwrap_or_default()
}

/// Buffers for updates, kept between steps so that these allocate nothing.
#[derive(Debug)]
struct Scratch {
    /// The weights after a plain update, before they are accepted.
    next: Vec<f32>,
    /// The parameters after an update with moments or penalty, before they are accepted.
    updated: Vec<Parameter>,
    /// Copies of the values that stochastic steps restore on failure, two per parameter.
    kept: Vec<f32>,
}

/// The slots of one run, one number per parameter each; a slot that the run lacks is empty. See [`slot`].
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
    /// Splits `values`, which has the slots in the order of the constants of [`slot`], into slots.
    fn of(mut values: &'a mut [f32], n_parameters: usize, slots: SlotSet) -> Self {
        let mut take = |slot: usize| {
            let n = if slots.place(slot).is_some() { n_parameters } else { 0 };
            values.split_off_mut(..n).unwrap_or_default()
        };
        let [weight, first_moment, second_moment] =
            [slot::WEIGHT, slot::FIRST_MOMENT, slot::SECOND_MOMENT].map(&mut take);
        let [previous, epoch_start, anchor] = [slot::PREVIOUS, slot::EPOCH_START, slot::ANCHOR].map(take);
        Self { weight, first_moment, second_moment, previous, epoch_start, anchor }
    }

    fn clear_moments(&mut self) {
        self.first_moment.fill(0.0);
        self.second_moment.fill(0.0);
    }
}
