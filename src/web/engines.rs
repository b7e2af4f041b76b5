//! Chooses the engine of a run, and explains the choice.

use std::rc::Rc;

use js_sys::Function;

use super::{now_ms, pair};
#[cfg(feature = "gpu")]
use crate::backend::gpu::{Gpu, GpuEngine, Options};
use crate::backend::{self, Backend, InUse};
use crate::choices::{BackendChoice, Loss};
use crate::config::RunPlan;
use crate::message::{Code, Message, Result, bytes, count, short};
#[cfg(feature = "gpu")]
use crate::runs;
use crate::trainer::{Fastest, PairTrial, Task, Trainer, n_runs, worth_pairing};

/// A pass over the rows with fewer numbers than this is short on any machine and is not timed.
const SHORT_PASS: usize = 1 << 19;
/// Milliseconds for which a longer pass over the rows is timed.
const PASS_BUDGET_MS: f64 = 3.0;

/// Chooses the engine of a run. The GPU is opened once, and again only if it was lost.
#[derive(Debug, Default)]
pub(super) struct Engines {
    /// The JavaScript function that starts the helper worker; `None` if there must not be one.
    spawn: Option<Function>,
    #[cfg(feature = "gpu")]
    gpu: Option<Gpu>,
}

impl Engines {
    /// Sets the JavaScript function that starts the helper worker.
    pub(super) fn with_second(mut self, spawn: Function) -> Self {
        self.spawn = Some(spawn);
        self
    }

    /// Chooses the engine for a task under a plan. The description states the reason for the user.
    pub(super) async fn choose(&mut self, plan: &RunPlan, task: &Task) -> Result<(Backend, InUse)> {
        let choice = plan.config().backend;
        if let Some(stored) = task.problem.stored() {
            let reason = Message::new(Code::RowsStored).with("size", bytes(stored.bytes()));
            let (backend, in_use) = on_cpu(task, reason);
            let fallback = matches!(choice, BackendChoice::Gpu | BackendChoice::Statistics);
            return Ok((backend, InUse { fallback, ..in_use }));
        }
        match choice {
            BackendChoice::Auto => self.fastest(plan, task).await,
            BackendChoice::Cpu => self.cpu(plan, task).await,
            BackendChoice::Statistics => Ok(statistics(plan, task)),
            BackendChoice::Gpu => Ok(match self.open(plan, task).await {
                Ok(backend) => {
                    let in_use = InUse::new(&backend, Code::GpuForced.into());
                    (backend, in_use)
                }
                Err(reason) => {
                    let (backend, in_use) = on_cpu(task, reason);
                    (backend, InUse { fallback: true, ..in_use })
                }
            }),
        }
    }

    /// The CPU engine, with a helper worker if that is faster.
    async fn cpu(&self, plan: &RunPlan, task: &Task) -> Result<(Backend, InUse)> {
        let (mut backend, mut in_use) = on_cpu(task, Code::CpuForced.into());
        let long_pass = task.problem.features.len() >= SHORT_PASS;
        if is_plain_full_batch(plan, task) && self.spawn.is_some() && long_pass {
            let passes;
            (passes, backend) = Trainer::speed(plan, task, backend, PASS_BUDGET_MS, &now_ms).await?;
            if let Some(trial) = self.try_pair(plan, task, passes, passes).await? {
                in_use.how = Some(trial.how);
                backend = trial.backend.unwrap_or(backend);
            }
        }
        Ok((backend, in_use))
    }

    /// Measures the possible engines on the task and returns the fastest.
    async fn fastest(&mut self, plan: &RunPlan, task: &Task) -> Result<(Backend, InUse)> {
        let full_batch = is_plain_full_batch(plan, task);
        let mut candidates = vec![backend::cpu(Rc::clone(&task.problem), &task.layout)];
        if full_batch {
            candidates.push(backend::cpu_by_statistics(Rc::clone(&task.problem), &task.layout));
        }
        let n_cpu = candidates.len();
        let missing = match self.open(plan, task).await {
            Ok(gpu) => {
                candidates.push(gpu);
                None
            }
            Err(reason) => Some(reason),
        };
        let fallback = missing.is_some();
        if let (1, Some(reason)) = (candidates.len(), &missing) {
            let (backend, in_use) = on_cpu(task, reason.clone());
            return Ok((backend, InUse { fallback, ..in_use }));
        }
        let Fastest { mut backend, index, steps_per_second } =
            Trainer::fastest(plan, task, candidates, &now_ms).await?;
        let speed = |index: usize| steps_per_second.get(index).copied().unwrap_or(0.0);
        let mut how = (full_batch && index < n_cpu).then(|| {
            let code = if index == 0 { Code::ByPasses } else { Code::ByStatistics };
            Message::new(code).with("passes", short(speed(0))).with("statistics", short(speed(1)))
        });
        let mut cpu = steps_per_second[..n_cpu].iter().copied().fold(0.0, f64::max);
        let trial = if full_batch { self.try_pair(plan, task, speed(0), speed(index)).await? } else { None };
        if let Some(PairTrial { backend: Some(pair), steps_per_second: of_pair, how: by_pair }) = trial
            && of_pair > speed(index)
        {
            (backend, how, cpu) = (pair, Some(by_pair), of_pair);
        }
        let reason = missing.unwrap_or_else(|| {
            let gpu = speed(n_cpu);
            let (code, times) = match backend.is_gpu() {
                true => (Code::GpuMeasured, gpu / cpu),
                false => (Code::CpuMeasured, cpu / gpu),
            };
            Message::new(code).with("times", about(times))
        });
        let in_use = InUse { how, fallback, ..InUse::new(&backend, reason) };
        Ok((backend, in_use))
    }

    /// Measures the CPU engine with a helper worker, if that could be faster; else returns `None`. `passes`
    /// is passes over the rows per second, `fastest` the updates per second of the fastest engine so far.
    async fn try_pair(
        &self,
        plan: &RunPlan,
        task: &Task,
        passes: f64,
        fastest: f64,
    ) -> Result<Option<PairTrial>> {
        let Some(spawn) = self.spawn.as_ref().filter(|_| worth_pairing(passes, fastest)) else {
            return Ok(None);
        };
        match pair::open(spawn, &task.problem, &task.layout).await {
            Ok(pair) => Trainer::try_pair(plan, task, pair, &now_ms).await.map(Some),
            Err(detail) => Ok(Some(PairTrial::failed(&detail))),
        }
    }

    #[cfg(feature = "gpu")]
    async fn open(&mut self, plan: &RunPlan, task: &Task) -> Result<Backend> {
        if self.gpu.as_ref().is_some_and(|gpu| gpu.lost().is_some()) {
            self.gpu = None;
        }
        let gpu = match &self.gpu {
            Some(gpu) => gpu.clone(),
            None if !has_webgpu() => return Err(Code::GpuMissing.into()),
            None => self.gpu.insert(Gpu::open().await?).clone(),
        };
        Ok(Backend::Gpu(Box::new(
            GpuEngine::new(
                gpu,
                &task.problem,
                &task.layout,
                Options {
                    n_runs: n_runs(plan, task),
                    loss: plan.config().loss.kind(),
                    slots: runs::slots(plan),
                    now_ms: Some(now_ms),
                    ..Options::default()
                },
            )
            .await?,
        )))
    }

    #[cfg(not(feature = "gpu"))]
    async fn open(&mut self, _: &RunPlan, _: &Task) -> Result<Backend> {
        Err(Code::GpuNotBuilt.into())
    }
}

/// The CPU engine with one worker, chosen for this reason.
fn on_cpu(task: &Task, reason: Message) -> (Backend, InUse) {
    let backend = backend::cpu(Rc::clone(&task.problem), &task.layout);
    let in_use = InUse::new(&backend, reason);
    (backend, in_use)
}

/// The CPU engine with sufficient statistics, if these can replace the rows; else the plain CPU engine.
fn statistics(plan: &RunPlan, task: &Task) -> (Backend, InUse) {
    if !is_plain(plan, task) {
        let (backend, in_use) = on_cpu(task, Code::CpuForced.into());
        return (backend, InUse { how: Some(Code::StatisticsNeedSquares.into()), fallback: true, ..in_use });
    }
    let backend = backend::cpu_by_statistics(Rc::clone(&task.problem), &task.layout);
    let in_use = InUse::new(&backend, Code::CpuForced.into());
    (backend, InUse { how: Some(Code::StatisticsForced.into()), ..in_use })
}

/// Whether every update uses all rows, of a problem for which [`is_plain`] is true: then rows can be reduced
/// to sufficient statistics, or split between two workers.
fn is_plain_full_batch(plan: &RunPlan, task: &Task) -> bool {
    let n_samples = task.problem.n_samples;
    plan.batch_rows(n_samples) == n_samples && is_plain(plan, task)
}

/// Whether there is a single run that minimizes the squared loss over unweighted rows. A penalty makes no
/// difference, because the update adds it to the gradient afterwards.
fn is_plain(plan: &RunPlan, task: &Task) -> bool {
    let alone = n_runs(plan, task) == 1;
    plan.config().loss == Loss::Squared && task.problem.weights.is_empty() && alone
}

/// Formats a ratio of speeds with two significant digits and grouped thousands.
fn about(times: f64) -> String {
    if times < 10.0 {
        return format!("{times:.1}");
    }
    let unit = libm::pow(10.0, libm::floor(libm::log10(times)) - 1.0);
    count((libm::round(times / unit) * unit) as u64)
}

/// Whether the browser supports WebGPU.
#[cfg(feature = "gpu")]
fn has_webgpu() -> bool {
    let get = |object: &wasm_bindgen::JsValue, name: &str| js_sys::Reflect::get(object, &name.into()).ok();
    get(&js_sys::global(), "navigator")
        .filter(|navigator| navigator.is_object())
        .and_then(|navigator| get(&navigator, "gpu"))
        .is_some_and(|gpu| gpu.is_object())
}
