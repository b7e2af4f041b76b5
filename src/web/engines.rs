//! Which engine a run gets, and why.

use std::rc::Rc;

use super::now_ms;
#[cfg(feature = "gpu")]
use crate::backend::gpu::{Gpu, GpuEngine, Options};
use crate::backend::{self, Backend, InUse};
use crate::config::{BackendChoice, RunPlan};
use crate::message::{Code, Message, Result, short};
use crate::trainer::{Fastest, Task, Trainer};

/// The GPU, opened once and again only after it was lost.
#[derive(Debug, Default)]
pub(super) struct Engines {
    #[cfg(feature = "gpu")]
    gpu: Option<Gpu>,
}

impl Engines {
    /// The engine for a task under a plan, with the reason in words that the user sees.
    pub(super) async fn choose(&mut self, plan: &RunPlan, task: &Task) -> Result<(Backend, InUse)> {
        let cpu = || backend::cpu(Rc::clone(&task.problem));
        let by_statistics = || backend::cpu_by_statistics(Rc::clone(&task.problem));
        let choice = plan.config().backend;
        let chosen = |backend: Backend, code: Code| {
            let in_use = InUse::new(&backend, code.into());
            (backend, in_use)
        };
        match choice {
            BackendChoice::Cpu => return Ok(chosen(cpu(), Code::CpuForced)),
            BackendChoice::Statistics => {
                let (backend, in_use) = chosen(by_statistics(), Code::CpuForced);
                return Ok((backend, InUse { how: Some(Code::StatisticsForced.into()), ..in_use }));
            }
            BackendChoice::Auto | BackendChoice::Gpu => {}
        }
        let (gpu, missing) = match self.open(task).await {
            Ok(engine) if choice == BackendChoice::Gpu => return Ok(chosen(engine, Code::GpuForced)),
            Ok(engine) => (Some(engine), None),
            Err(reason) => (None, Some(reason)),
        };
        let full_batch = plan.batch_rows(task.problem.n_samples) == task.problem.n_samples;
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
        let Fastest { backend, index, steps_per_second } =
            Trainer::fastest(plan, task, candidates, &now_ms).await?;
        let figure = |index: usize| short(steps_per_second.get(index).copied().unwrap_or(0.0));
        let how = (full_batch && index < n_cpu).then(|| {
            let code = if index == 0 { Code::ByPasses } else { Code::ByStatistics };
            Message::new(code).with("passes", figure(0)).with("statistics", figure(1))
        });
        let fallback = missing.is_some();
        let reason = missing.unwrap_or_else(|| {
            let cpu = steps_per_second[..n_cpu].iter().copied().fold(0.0, f64::max);
            let code = if backend.is_gpu() { Code::GpuMeasured } else { Code::CpuMeasured };
            Message::new(code).with("gpu", figure(n_cpu)).with("cpu", short(cpu))
        });
        let in_use = InUse { how, fallback, ..InUse::new(&backend, reason) };
        Ok((backend, in_use))
    }

    #[cfg(feature = "gpu")]
    async fn open(&mut self, task: &Task) -> Result<Backend> {
        if self.gpu.as_ref().is_some_and(|gpu| gpu.lost().is_some()) {
            self.gpu = None;
        }
        let gpu = match &self.gpu {
            Some(gpu) => gpu.clone(),
            None if !has_webgpu() => return Err(Code::GpuMissing.into()),
            None => self.gpu.insert(Gpu::open().await?).clone(),
        };
        Ok(Backend::Gpu(Box::new(
            GpuEngine::new(gpu, &task.problem, Options { now_ms: Some(now_ms), ..Options::default() })
                .await?,
        )))
    }

    #[cfg(not(feature = "gpu"))]
    async fn open(&mut self, _: &Task) -> Result<Backend> {
        Err(Code::GpuNotBuilt.into())
    }
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
