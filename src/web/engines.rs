//! Which engine a run gets, and why.

use std::rc::Rc;

use super::now_ms;
#[cfg(feature = "gpu")]
use crate::backend::gpu::{Gpu, GpuEngine, Options};
use crate::backend::{self, Backend, InUse};
use crate::config::{BackendChoice, RunPlan};
use crate::message::{Code, Message, Result, short};
use crate::trainer::{Task, Trainer};

/// How long each engine is watched before one is chosen, in milliseconds.
const CPU_BUDGET_MS: f64 = 3.0;
const GPU_BUDGET_MS: f64 = 12.0;

/// The GPU, opened once and again only after it was lost.
#[derive(Debug, Default)]
pub(super) struct Engines {
    #[cfg(feature = "gpu")]
    gpu: Option<Gpu>,
}

impl Engines {
    /// The engine for a task under a plan, with the reason in words that the user sees.
    pub(super) async fn choose(&mut self, plan: &RunPlan, task: &Task) -> Result<(Backend, InUse)> {
        let cpu = backend::cpu(Rc::clone(&task.problem));
        let on_cpu = |reason: Message, fallback: bool, cpu: Backend| {
            let in_use = InUse { gpu: false, name: cpu.name(), reason, fallback };
            (cpu, in_use)
        };
        let choice = plan.config().backend;
        if choice == BackendChoice::Cpu {
            return Ok(on_cpu(Code::CpuForced.into(), false, cpu));
        }
        let gpu = match self.open(task).await {
            Ok(engine) => engine,
            Err(reason) => return Ok(on_cpu(reason, true, cpu)),
        };
        let name = gpu.name();
        if choice == BackendChoice::Gpu {
            return Ok((gpu, InUse { gpu: true, name, reason: Code::GpuForced.into(), fallback: false }));
        }
        let (cpu_speed, cpu) = Trainer::speed(plan, task, cpu, CPU_BUDGET_MS, &now_ms).await?;
        let (gpu_speed, gpu) = Trainer::speed(plan, task, gpu, GPU_BUDGET_MS, &now_ms).await?;
        let figures =
            |code: Code| Message::new(code).with("gpu", short(gpu_speed)).with("cpu", short(cpu_speed));
        if gpu_speed > cpu_speed && gpu.is_gpu() {
            let reason = figures(Code::GpuMeasured);
            return Ok((gpu, InUse { gpu: true, name, reason, fallback: false }));
        }
        Ok(on_cpu(figures(Code::CpuMeasured), false, cpu))
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
