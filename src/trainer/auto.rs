//! Which engine is fastest, found out by trying.

use super::{Task, Trainer};
use std::rc::Rc;

use crate::backend::{self, Backend, InUse};
use crate::config::{RunConfig, RunPlan, Stop};
use crate::message::{Code, Message, Result, short};

/// How long an engine is watched, in milliseconds: a GPU answers later than it works.
const CPU_BUDGET_MS: f64 = 3.0;
const GPU_BUDGET_MS: f64 = 12.0;
/// How long one worker and two are watched, twice each: their steps are long.
const PAIR_BUDGET_MS: f64 = 12.0;
/// Two workers are taken where they make so many times the steps of one: less is not worth half the rows once more.
const PAIR_GAIN: f64 = 1.3;
/// And never more than this, with half the rows each.
const PAIR_LIMIT: f64 = 2.0;
/// The most passes a second that are shared: of a millisecond's work a message is a small part.
const PAIR_STEPS_PER_SECOND: f64 = 1000.0;
/// Steps of one call at most while measuring.
const MAX_STEPS: u64 = 1 << 14;

/// The fastest engine, and the speed of each candidate.
#[derive(Debug)]
pub struct Fastest {
    /// The engine.
    pub backend: Backend,
    /// Its place among the candidates.
    pub index: usize,
    /// Updates a second of every candidate, in their order.
    pub steps_per_second: Vec<f64>,
}

/// What came of trying a second worker.
#[derive(Debug)]
pub struct Shared {
    /// The engine of both, where it gained enough.
    pub backend: Option<Backend>,
    /// Updates a second that both made.
    pub steps_per_second: f64,
    /// One or two, with the figures of both.
    pub how: Message,
}

impl Shared {
    /// There is no second worker.
    pub fn failed(detail: &str) -> Self {
        let how = Message::new(Code::PairFailed).with("detail", detail);
        Self { backend: None, steps_per_second: 0.0, how }
    }
}

/// Whether a second worker is worth trying, which makes a copy of half the rows: where `passes` over the rows a second
/// are few, and the fastest engine so far makes fewer steps than two workers might.
pub fn worth_sharing(passes: f64, fastest: f64) -> bool {
    passes <= PAIR_STEPS_PER_SECOND && fastest < PAIR_LIMIT * passes
}

impl Trainer {
    /// Tries one worker and then the two of `pair`, and once more, for a few milliseconds of the clock `now_ms` each.
    ///
    /// # Errors
    /// Those of the backends.
    pub async fn share(
        plan: &RunPlan,
        task: &Task,
        mut pair: Backend,
        now_ms: &dyn Fn() -> f64,
    ) -> Result<Shared> {
        let mut alone = backend::cpu(Rc::clone(&task.problem));
        let (mut one, mut two) = (0.0_f64, 0.0_f64);
        // The better of two tries each: what else the machine does only ever slows them.
        for _ in 0..2 {
            let speed;
            (speed, alone) = Self::speed(plan, task, alone, PAIR_BUDGET_MS, now_ms).await?;
            one = one.max(speed);
            let speed;
            (speed, pair) = Self::speed(plan, task, pair, PAIR_BUDGET_MS, now_ms).await?;
            two = two.max(speed);
        }
        if !matches!(pair, Backend::Pair(_)) {
            return Ok(Shared::failed("it stopped while it was being measured"));
        }
        let gains = two >= PAIR_GAIN * one;
        let how = Message::new(if gains { Code::ByPair } else { Code::ByOne });
        let how = how.with("one", short(one)).with("two", short(two));
        Ok(Shared { backend: gains.then_some(pair), steps_per_second: two, how })
    }

    /// Tries every candidate on the very task for a few milliseconds of the clock `now_ms`, and keeps the fastest; the
    /// first of equals. There must be one.
    ///
    /// # Errors
    /// [`Code::Internal`] without a candidate; those of the backends.
    pub async fn fastest(
        plan: &RunPlan,
        task: &Task,
        candidates: Vec<Backend>,
        now_ms: &dyn Fn() -> f64,
    ) -> Result<Fastest> {
        // A browser compiles what has run for a while once more, and better: whoever came first would look slow.
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
            // One that was lost while it was tried has come back as another.
            let speed = if backend.is_gpu() == wanted { speed } else { 0.0 };
            if best.as_ref().is_none_or(|(best, _)| speed > steps_per_second[*best]) {
                best = Some((index, backend));
            }
            steps_per_second.push(speed);
        }
        let (index, backend) = best.ok_or(Code::Internal)?;
        Ok(Fastest { backend, index, steps_per_second })
    }

    /// Updates a second that `backend` makes on this task, over about `budget_ms` of the clock; and the engine back.
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
        // At next to no rate, with no stop, so that neither an end nor a divergence cuts the measurement short.
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
