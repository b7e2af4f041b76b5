//! Finds the fastest engine by trying each on the task.

use super::{Task, Trainer};
use std::rc::Rc;

use crate::backend::{self, Backend, InUse};
use crate::config::{RunConfig, RunPlan, Stop};
use crate::message::{Code, Message, Result, short};

/// Milliseconds for which the CPU engine is timed. A GPU needs longer, because its answers lag behind its
/// work.
const CPU_BUDGET_MS: f64 = 3.0;
const GPU_BUDGET_MS: f64 = 12.0;
/// Milliseconds for which one worker and two workers are timed, twice each: their steps are long.
const PAIR_BUDGET_MS: f64 = 12.0;
/// The speed of two workers must be at least this multiple of one worker's; a smaller gain is not worth a
/// copy of half the rows.
const PAIR_GAIN: f64 = 1.3;
/// The speed of two workers cannot exceed this multiple of one worker's.
const PAIR_LIMIT: f64 = 2.0;
/// A pass over the rows is split between two workers only if there are at most this many passes per second;
/// in faster passes, messages between workers would take too much of the time.
const PAIR_STEPS_PER_SECOND: f64 = 1000.0;
/// Maximum number of steps per call while timing.
const MAX_STEPS: u64 = 1 << 14;

/// The fastest engine, and the speed of every candidate.
#[derive(Debug)]
pub struct Fastest {
    /// The fastest engine.
    pub backend: Backend,
    /// The index of the fastest engine among the candidates.
    pub index: usize,
    /// Updates per second of each candidate, in the order of the candidates.
    pub steps_per_second: Vec<f64>,
}

/// The result of trying a second worker.
#[derive(Debug)]
pub struct PairTrial {
    /// The engine of two workers, if it was fast enough to be chosen.
    pub backend: Option<Backend>,
    /// Updates per second of two workers.
    pub steps_per_second: f64,
    /// Whether one worker or two were chosen, with both speeds, for the user.
    pub how: Message,
}

impl PairTrial {
    /// The result when the second worker could not start, because of `detail`.
    pub fn failed(detail: &str) -> Self {
        let how = Message::new(Code::PairFailed).with("detail", detail);
        Self { backend: None, steps_per_second: 0.0, how }
    }
}

/// Whether a second worker is worth a trial, although it copies half the rows: there are few `passes` over
/// the rows per second, and two workers could make more than `fastest`, the updates per second of the fastest
/// engine so far.
pub fn worth_pairing(passes: f64, fastest: f64) -> bool {
    passes <= PAIR_STEPS_PER_SECOND && fastest < PAIR_LIMIT * passes
}

impl Trainer {
    /// Times one worker and the two workers of `pair`, twice each, for a few milliseconds of the clock
    /// `now_ms`.
    ///
    /// # Errors
    /// Those of the backends.
    pub async fn try_pair(
        plan: &RunPlan,
        task: &Task,
        mut pair: Backend,
        now_ms: &dyn Fn() -> f64,
    ) -> Result<PairTrial> {
        let mut alone = backend::cpu(Rc::clone(&task.problem), &task.layout);
        let (mut one, mut two) = (0.0_f64, 0.0_f64);
        // The better of two runs each, because other work on the machine can only slow them down.
        for _ in 0..2 {
            let speed;
            (speed, alone) = Self::speed(plan, task, alone, PAIR_BUDGET_MS, now_ms).await?;
            one = one.max(speed);
            let speed;
            (speed, pair) = Self::speed(plan, task, pair, PAIR_BUDGET_MS, now_ms).await?;
            two = two.max(speed);
        }
        if !matches!(pair, Backend::Pair(_)) {
            return Ok(PairTrial::failed("it stopped while it was being measured"));
        }
        let gains = two >= PAIR_GAIN * one;
        let how = Message::new(if gains { Code::ByPair } else { Code::ByOne });
        let how = how.with("one", short(one)).with("two", short(two));
        Ok(PairTrial { backend: gains.then_some(pair), steps_per_second: two, how })
    }

    /// Times every candidate on the task for a few milliseconds of the clock `now_ms` and returns the
    /// fastest, the first among equals. There must be at least one candidate.
    ///
    /// # Errors
    /// [`Code::Internal`] without a candidate; those of the backends.
    pub async fn fastest(
        plan: &RunPlan,
        task: &Task,
        candidates: Vec<Backend>,
        now_ms: &dyn Fn() -> f64,
    ) -> Result<Fastest> {
        // A browser optimizes code that has run for a while, so the first candidate would look slow.
        let mut warm = Vec::new();
        for candidate in candidates {
            warm.push(if candidate.is_gpu() {
                candidate
            } else {
                Self::speed(plan, task, candidate, CPU_BUDGET_MS, now_ms).await?.1
            });
        }
        let mut best: Option<(usize, Backend)> = None;
        let mut steps_per_second: Vec<f64> = Vec::new();
        for (index, candidate) in warm.into_iter().enumerate() {
            let budget_ms = if candidate.is_gpu() { GPU_BUDGET_MS } else { CPU_BUDGET_MS };
            let wanted = candidate.is_gpu();
            let (speed, backend) = Self::speed(plan, task, candidate, budget_ms, now_ms).await?;
            // A GPU that was lost meanwhile was replaced by the CPU.
            let speed = if backend.is_gpu() == wanted { speed } else { 0.0 };
            if best.as_ref().is_none_or(|(best, _)| speed > steps_per_second[*best]) {
                best = Some((index, backend));
            }
            steps_per_second.push(speed);
        }
        let (index, backend) = best.ok_or(Code::Internal)?;
        Ok(Fastest { backend, index, steps_per_second })
    }

    /// Times `backend` on this task for about `budget_ms` of the clock `now_ms`. Returns updates per second,
    /// and the engine.
    ///
    /// # Errors
    /// Those of the backend.
    pub async fn speed(
        plan: &RunPlan,
        task: &Task,
        backend: Backend,
        budget_ms: f64,
        now_ms: &dyn Fn() -> f64,
    ) -> Result<(f64, Backend)> {
        // A tiny rate and no stop condition, so that neither an end nor divergence cuts the timing short.
        let config = RunConfig { learning_rate: 1e-12, stop: Stop::default(), ..plan.config().clone() };
        let in_use = InUse::new(&backend, Code::CpuForced.into());
        let mut trainer = Self::new(config.check()?, task.clone(), backend, in_use).await?;
        trainer.advance_unmeasured(1).await?;
        let start = now_ms();
        let (mut n, mut done) = (1_u64, 0_u64);
        loop {
            trainer.advance_unmeasured(n).await?;
            done += n;
            let elapsed_ms = now_ms() - start;
            if elapsed_ms >= budget_ms {
                return Ok((1000.0 * done as f64 / elapsed_ms, trainer.engine.backend));
            }
            n = (2 * n).min(MAX_STEPS);
        }
    }
}
