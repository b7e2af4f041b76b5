//! Passes planned steps to the engine and records their results in the run.

use std::rc::Rc;

use super::plan::run_params;
use super::validation::Validation;
use super::{Status, Trainer};
use crate::backend::kernel::{EVALUATE, HALT_LOSS, HALT_NOT_FINITE, RunParams, StepParams};
use crate::backend::pipeline::Pipeline;
use crate::backend::{self, Backend, InUse, MAX_STEPS_PER_CALL};
use crate::message::{Code, Message, Result, count};
use crate::monitor;

/// Maximum number of steps per call on the CPU, so that their plan and trace stay in its nearest caches.
const CPU_STEPS_PER_CALL: usize = 1 << 11;

/// The backend of a run, together with its description for the user.
#[derive(Debug)]
pub(super) struct Engine {
    pub(super) backend: Backend,
    pub(super) in_use: InUse,
    /// `[batch loss, learning rate]` of each step of the last call.
    trace: Vec<[f32; 2]>,
}

impl Engine {
    pub(super) fn new(backend: Backend, in_use: InUse) -> Self {
        Self { backend, in_use, trace: Vec::with_capacity(MAX_STEPS_PER_CALL) }
    }
}

impl Trainer {
    /// Makes up to `n_steps` updates, fewer if the run ends, and measures the weights after the last one.
    ///
    /// # Errors
    /// None that leave the run unusable: a lost GPU is replaced by the CPU and shows in [`Trainer::in_use`].
    pub async fn advance(&mut self, n_steps: u64) -> Result<()> {
        self.advance_unmeasured(n_steps).await?;
        self.measure().await
    }

    /// Makes up to `n_steps` updates without measuring. [`Trainer::measured`] then still describes older
    /// weights, until [`Trainer::measure`] is called.
    ///
    /// # Errors
    /// As [`Trainer::advance`].
    pub async fn advance_unmeasured(&mut self, n_steps: u64) -> Result<()> {
        let last = self.step().saturating_add(n_steps);
        while self.step() < last && self.status == Status::Ready {
            let before = self.step();
            self.advance_to(self.next_validation(last)).await;
            self.validate();
            if self.step() == before {
                break;
            }
        }
        Ok(())
    }

    async fn advance_to(&mut self, last: u64) {
        if self.engine.backend.is_gpu() {
            self.pipeline_to(last).await;
        }
        // The CPU's steps, or those that a lost GPU has not made.
        while self.step() < last && self.status == Status::Ready && !self.engine.backend.is_gpu() {
            let remaining = last - self.step();
            let planned = self.plan_steps(remaining.min(self.steps_per_call() as u64) as usize);
            if planned == 0 {
                break;
            }
            let steps = self.planner.take_steps();
            self.call(&steps[..planned]).await;
            self.planner.put_steps_back(steps);
        }
    }

    /// The maximum number of steps per call. If rows are shuffled in blocks, which may be in storage, the
    /// steps that fit into one block.
    fn steps_per_call(&self) -> usize {
        let problem = &self.task.problem;
        if !problem.has_blocks() {
            return CPU_STEPS_PER_CALL;
        }
        let batch_rows = self.plan.batch_rows(problem.n_samples);
        CPU_STEPS_PER_CALL.min((problem.block_rows / batch_rows).max(1) as usize)
    }

    /// Takes steps up to step number `last` on a GPU, submitting calls before earlier ones have answered. If
    /// the GPU is lost, the CPU takes over from the last answered step.
    async fn pipeline_to(&mut self, last: u64) {
        let mut pipeline = Pipeline::default();
        let params = self.run_params();
        let n_samples = self.task.problem.n_samples;
        let (mut next, mut place) = (self.step(), self.planner.place);
        loop {
            while next < last && self.status == Status::Ready && pipeline.has_room(&self.engine.backend) {
                let n = (last - next).min(MAX_STEPS_PER_CALL as u64) as usize;
                let planned = self.planner.plan(&self.plan, n_samples, next, place, n);
                if planned == 0 {
                    next = last;
                    break;
                }
                let steps = &self.planner.steps()[..planned];
                next += planned as u64;
                place = steps.iter().fold(place, |place, step| place.after(step.batch_len, n_samples));
                let sent = pipeline.enqueue(&mut self.engine.backend, &self.state, &params, steps).await;
                if let Err(lost) = sent {
                    return self.replace_lost(lost);
                }
            }
            let first = self.step();
            let Engine { backend, trace, .. } = &mut self.engine;
            match pipeline.collect(backend, &mut self.state, trace).await {
                Ok(Some(steps)) => self.record(first, steps),
                Ok(None) => return,
                Err(lost) => return self.replace_lost(lost),
            }
        }
    }

    fn replace_lost(&mut self, backend::DeviceLost(detail): backend::DeviceLost) {
        let reason = Message::new(Code::GpuLost).with("step", self.step()).with("detail", detail);
        let backend = backend::cpu(Rc::clone(&self.task.problem), &self.task.layout);
        let in_use = InUse { fallback: true, ..InUse::new(&backend, reason) };
        self.set_backend(backend, in_use);
    }

    /// Switches to another engine, which continues from the same state.
    pub fn set_backend(&mut self, backend: Backend, in_use: InUse) {
        let name = |in_use: &InUse| if in_use.gpu { "GPU" } else { "CPU" };
        let (from, to) = (name(&self.engine.in_use), name(&in_use));
        let step = self.step();
        if from != to && step > 0 {
            self.log.mark(step, Message::new(Code::MarkBackend).with("from", from).with("to", to));
        }
        self.engine.backend = backend;
        self.engine.in_use = in_use;
    }

    /// Has the engine take these steps. If the GPU is lost, the CPU takes the same steps instead. If rows
    /// cannot be read from storage, the run ends before these steps.
    pub(super) async fn call(&mut self, steps: &[StepParams]) {
        let params = self.run_params();
        let first = self.step();
        let before = self.task.problem.stored().map(|_| self.state.clone());
        if let Err(lost) = self.try_call(&params, steps).await {
            self.replace_lost(lost);
            // The CPU engine cannot be lost.
            let _ = self.try_call(&params, steps).await;
        }
        if let Some(detail) = self.engine.backend.lost_partner() {
            let reason = Message::new(Code::PairLost).with("step", first).with("detail", detail);
            let in_use = InUse { how: Some(reason), fallback: true, ..self.engine.in_use.clone() };
            self.set_backend(backend::cpu(Rc::clone(&self.task.problem), &self.task.layout), in_use);
        }
        if let Some(before) = before
            && self.ends_unreadable()
        {
            self.state = before;
            return;
        }
        self.record(first, steps);
    }

    async fn try_call(
        &mut self,
        params: &RunParams,
        steps: &[StepParams],
    ) -> std::result::Result<(), backend::DeviceLost> {
        let Engine { backend, trace, .. } = &mut self.engine;
        backend.advance(&mut self.state, params, steps, trace).await
    }

    fn run_params(&self) -> RunParams {
        let first_loss = self.measurements.first_loss;
        let mut params = run_params(&self.plan, &self.task, self.state.n_runs());
        if first_loss.is_finite() {
            params.divergence_limit =
                monitor::divergence_limit(first_loss, self.task.dataset.target_variance());
        }
        params
    }

    /// Whether [`Trainer::read_ahead`] has work to do: rows are read from storage, and there are no parallel
    /// runs.
    pub fn reads_ahead(&self) -> bool {
        self.task.problem.stored().is_some() && self.state.n_runs() == 1
    }

    /// Reads one more block of rows from storage for a step or measurement that needs all of them, so that
    /// such a pass can be spread over many ticks. With `validation`, also reads for one that needs the
    /// validation rows. Returns the fraction of the rows read so far; at 1 nothing remains to be read.
    pub fn read_ahead(&mut self, validation: bool) -> f64 {
        let params = self.run_params();
        let Backend::Cpu(engine) = &mut self.engine.backend else { return 1.0 };
        let n_samples = self.task.problem.n_samples;
        let validation = self.validation.as_mut().filter(|_| validation);
        let n_validation = validation.as_ref().map_or(0, |validation| validation.n_samples());
        let mut done = engine.read_ahead(&self.state, &params);
        if let (Some(validation), true) = (validation, done == n_samples) {
            done += validation.read_ahead(self.state.parameters(0));
        }
        if self.ends_unreadable() { 1.0 } else { f64::from(done) / f64::from(n_samples + n_validation) }
    }

    /// Ends the run if rows could not be read from storage, and drops the rows that the engines have read
    /// ahead. Returns whether it did.
    pub(super) fn ends_unreadable(&mut self) -> bool {
        let problem = &self.task.problem;
        if problem.stored().is_none() {
            return false;
        }
        let Err(reason) = self.task.dataset.readable() else { return false };
        self.engine.backend = backend::cpu(Rc::clone(problem), &self.task.layout);
        self.validation.iter_mut().for_each(Validation::renew);
        self.status = Status::Finished(reason);
        true
    }

    /// Updates position, log and status of the run after a call that took `steps` from step `first` on.
    fn record(&mut self, first: u64, steps: &[StepParams]) {
        if steps.first().is_some_and(|step| step.flags & EVALUATE != 0) {
            return;
        }
        let reaction = self.state.reactions[0];
        if reaction.taken < 0 {
            // The update before this call was undone.
            self.step_back();
        }
        let taken = reaction.taken.max(0) as usize;
        self.planner.pass(&steps[..taken], self.task.problem.n_samples);
        self.log.record_steps(first, &self.engine.trace[..taken]);
        let stop = &self.plan.config().stop;
        let step = self.step();
        let halted =
            monitor::halted(reaction.halt, step, stop.loss.unwrap_or(0.0), stop.gradient_norm.unwrap_or(0.0));
        if let Some(reason) = halted {
            self.status = match reaction.halt {
                HALT_NOT_FINITE | HALT_LOSS => self.diverged(reason),
                _ => Status::Finished(reason),
            };
        } else if let Some(limit) = stop.steps.filter(|limit| step >= *limit) {
            let reason = Message::new(Code::ReachedSteps).with("limit", count(limit));
            self.status = Status::Finished(reason);
        } else if let Some(limit) = stop.epochs.filter(|limit| self.planner.place.epoch >= *limit) {
            let reason = Message::new(Code::ReachedEpochs).with("limit", count(limit));
            self.status = Status::Finished(reason);
        }
    }

    /// Moves the position in the epochs back to before the last update.
    pub(super) fn step_back(&mut self) {
        let n_samples = self.task.problem.n_samples;
        self.planner.step_back(self.plan.batch_rows(n_samples), n_samples);
    }

    /// The status of a run that has diverged for this reason, with a suggested learning rate.
    pub(super) fn diverged(&self, reason: Message) -> Status {
        let n_samples = self.task.problem.n_samples;
        let config = self.plan.config();
        let suggested_rate = monitor::suggested_rate(
            config.learning_rate,
            &config.optimizer,
            self.curvatures(),
            self.plan.batch_rows(n_samples),
            n_samples,
        );
        Status::Diverged { reason, suggested_rate }
    }
}
