//! Which engine a run gets, and why.

use std::rc::Rc;

use js_sys::Function;

use super::{now_ms, pair};
#[cfg(feature = "gpu")]
use crate::backend::gpu::{Gpu, GpuEngine, Options};
use crate::backend::{self, Backend, InUse};
use crate::choices::{BackendChoice, Loss};
use crate::config::RunPlan;
use crate::message::{Code, Message, Result, bytes, count, short};
use crate::trainer::{Fastest, PairTrial, Task, Trainer, n_runs, worth_pairing};

/// Numbers below which a pass over the rows is short on any machine.
const SHORT_PASS: usize = 1 << 19;
/// How long a pass is watched to see whether it is.
const PASS_BUDGET_MS: f64 = 3.0;

/// The GPU, opened once and again only after it was lost; and how a second worker is started.
#[derive(Debug, Default)]
pub(super) struct Engines {
    /// `None` where there is to be no second worker.
    spawn: Option<Function>,
    #[cfg(feature = "gpu")]
    gpu: Option<Gpu>,
}

impl Engines {
    /// With a way to start a second worker.
    pub(super) fn with_second(mut self, spawn: Function) -> Self {
        self.spawn = Some(spawn);
        self
    }

    /// The engine for a task under a plan, with the reason in words that the user sees.
    pub(super) async fn choose(&mut self, plan: &RunPlan, task: &Task) -> Result<(Backend, InUse)> {
        let cpu = || backend::cpu(Rc::clone(&task.problem), &task.layout);
        if let Some(stored) = task.problem.stored() {
            let backend = cpu();
            let reason = Message::new(Code::RowsStored).with("size", bytes(stored.bytes()));
            let fallback = matches!(plan.config().backend, BackendChoice::Gpu | BackendChoice::Statistics);
            let in_use = InUse { fallback, ..InUse::new(&backend, reason) };
            return Ok((backend, in_use));
        }
        let by_statistics = || backend::cpu_by_statistics(Rc::clone(&task.problem), &task.layout);
        let choice = plan.config().backend;
        // Sums that stand for rows, and rows that are shared, are those of plain least squares.
        let full_batch =
            plan.batch_rows(task.problem.n_samples) == task.problem.n_samples && is_plain(plan, task);
        let chosen = |backend: Backend, code: Code| {
            let in_use = InUse::new(&backend, code.into());
            (backend, in_use)
        };
        match choice {
            BackendChoice::Cpu => {
                let (mut backend, mut in_use) = chosen(cpu(), Code::CpuForced);
                if full_batch && self.spawn.is_some() && task.problem.features.len() >= SHORT_PASS {
                    let passes;
                    (passes, backend) = Trainer::speed(plan, task, backend, PASS_BUDGET_MS, &now_ms).await?;
                    if let Some(trial) = self.try_pair(plan, task, passes, passes).await? {
                        in_use.how = Some(trial.how);
                        backend = trial.backend.unwrap_or(backend);
                    }
                }
                return Ok((backend, in_use));
            }
            BackendChoice::Statistics if !is_plain(plan, task) => {
                let (backend, in_use) = chosen(cpu(), Code::CpuForced);
                let how = Some(Code::StatisticsNeedSquares.into());
                return Ok((backend, InUse { how, fallback: true, ..in_use }));
            }
            BackendChoice::Statistics => {
                let (backend, in_use) = chosen(by_statistics(), Code::CpuForced);
                return Ok((backend, InUse { how: Some(Code::StatisticsForced.into()), ..in_use }));
            }
            BackendChoice::Auto | BackendChoice::Gpu => {}
        }
        let (gpu, missing) = match self.open(plan, task).await {
            Ok(engine) if choice == BackendChoice::Gpu => return Ok(chosen(engine, Code::GpuForced)),
            Ok(engine) => (Some(engine), None),
            Err(reason) => (None, Some(reason)),
        };
        let mut candidates = vec![cpu()];
        if full_batch && choice == BackendChoice::Auto {
            candidates.push(by_statistics());
        }
        let n_cpu = candidates.len();
        candidates.extend(gpu);
        if candidates.len() == 1 {
            let backend = candidates.remove(0);
            let reason = missing.unwrap_or_else(|| Code::CpuForced.into());
            let in_use = InUse { fallback: true, ..InUse::new(&backend, reason) };
            return Ok((backend, in_use));
        }
        let Fastest { mut backend, index, steps_per_second } =
            Trainer::fastest(plan, task, candidates, &now_ms).await?;
        let fastest = steps_per_second[index];
        let trial = match full_batch && choice == BackendChoice::Auto {
            true => self.try_pair(plan, task, steps_per_second[0], fastest).await?,
            false => None,
        };
        let figure = |index: usize| short(steps_per_second.get(index).copied().unwrap_or(0.0));
        let mut how = (full_batch && index < n_cpu).then(|| {
            let code = if index == 0 { Code::ByPasses } else { Code::ByStatistics };
            Message::new(code).with("passes", figure(0)).with("statistics", figure(1))
        });
        let mut cpu = steps_per_second[..n_cpu].iter().copied().fold(0.0, f64::max);
        if let Some(PairTrial { backend: Some(pair), steps_per_second: speed, how: by_pair }) = trial
            && speed > fastest
        {
            (backend, how, cpu) = (pair, Some(by_pair), speed);
        }
        let fallback = missing.is_some();
        let reason = missing.unwrap_or_else(|| {
            let gpu = steps_per_second.get(n_cpu).copied().unwrap_or(0.0);
            let (code, times) = match backend.is_gpu() {
                true => (Code::GpuMeasured, gpu / cpu),
                false => (Code::CpuMeasured, cpu / gpu),
            };
            Message::new(code).with("times", about(times))
        });
        let in_use = InUse { how, fallback, ..InUse::new(&backend, reason) };
        Ok((backend, in_use))
    }

    /// Tries a second worker where it may gain.
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

/// Whether a run is alone and minimizes squares of rows that all count the same. A penalty is added in the update, whatever
/// gives the sums.
fn is_plain(plan: &RunPlan, task: &Task) -> bool {
    let alone = n_runs(plan, task) == 1;
    plan.config().loss == Loss::Squared && task.problem.weights.is_empty() && alone
}

/// Rounds a ratio of speeds to two significant digits, thousands separated.
fn about(times: f64) -> String {
    if times < 10.0 {
        return format!("{times:.1}");
    }
    let unit = libm::pow(10.0, libm::floor(libm::log10(times)) - 1.0);
    count((libm::round(times / unit) * unit) as u64)
}

/// Whether the browser knows WebGPU at all.
#[cfg(feature = "gpu")]
fn has_webgpu() -> bool {
    let get = |object: &wasm_bindgen::JsValue, name: &str| js_sys::Reflect::get(object, &name.into()).ok();
    get(&js_sys::global(), "navigator")
        .filter(|navigator| navigator.is_object())
        .and_then(|navigator| get(&navigator, "gpu"))
        .is_some_and(|gpu| gpu.is_object())
}
