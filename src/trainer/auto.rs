//! Which engine is fastest, found out by trying.

use super::{Task, Trainer};
use crate::backend::{Backend, InUse};
use crate::config::{RunConfig, RunPlan, Stop};
use crate::message::{Code, Result};

/// How long an engine is watched, in milliseconds: a GPU answers later than it works.
const CPU_BUDGET_MS: f64 = 3.0;
const GPU_BUDGET_MS: f64 = 12.0;
/// Steps of one call at most while measuring.
const MAX_STEPS: u64 = 1 << 14;

/// The engine that was fastest, and what each made.
#[derive(Debug)]
pub struct Fastest {
    /// The engine.
    pub backend: Backend,
    /// Its place among the candidates.
    pub index: usize,
    /// Updates a second of every candidate, in their order.
    pub steps_per_second: Vec<f64>,
}

impl Trainer {
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
                return Ok((1000.0 * done as f64 / elapsed_ms, trainer.backend));
            }
            n = (2 * n).min(MAX_STEPS);
        }
    }
}
