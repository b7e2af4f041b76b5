//! The GPU engine: the only file that knows wgpu.

use std::rc::Rc;
use std::sync::{Arc, Mutex};

use futures_channel::oneshot;
use wgpu::util::DeviceExt as _;

use super::kernel::{GRADIENT, Kernel, Reaction, RunParams, StepParams, UPDATE};
use super::{DeviceLost, MAX_STEPS_PER_CALL, State};
use crate::dataset::Problem;
use crate::message::{Code, Message, Result};

/// An open GPU. Engines share it; it ends with a crash of the driver or the browser's GPU process.
#[derive(Clone, Debug)]
pub struct Gpu {
    device: wgpu::Device,
    queue: wgpu::Queue,
    name: String,
    lost: Arc<Mutex<Option<String>>>,
}

impl Gpu {
    /// Opens the fastest adapter there is.
    ///
    /// # Errors
    /// [`Code::GpuNoAdapter`], [`Code::GpuNoDevice`]: reasons to go on on the CPU.
    pub async fn open() -> Result<Self> {
        let instance = wgpu::Instance::default();
        let adapter = instance
            .request_adapter(&wgpu::RequestAdapterOptions {
                power_preference: wgpu::PowerPreference::HighPerformance,
                ..Default::default()
            })
            .await
            .map_err(|_| Message::new(Code::GpuNoAdapter))?;
        let offered = adapter.limits();
        let required_limits = wgpu::Limits {
            max_storage_buffer_binding_size: offered.max_storage_buffer_binding_size,
            max_buffer_size: offered.max_buffer_size,
            ..wgpu::Limits::default()
        };
        let descriptor = wgpu::DeviceDescriptor { required_limits, ..Default::default() };
        let (device, queue) = adapter
            .request_device(&descriptor)
            .await
            .map_err(|error| Message::new(Code::GpuNoDevice).with("detail", error))?;
        let lost = Arc::new(Mutex::new(None));
        let noted = Arc::clone(&lost);
        device.set_device_lost_callback(move |reason, detail| {
            if let Ok(mut lost) = noted.lock() {
                *lost = Some(if detail.is_empty() { format!("{reason:?}") } else { detail });
            }
        });
        let info = adapter.get_info();
        let name = [info.name.as_str(), info.driver.as_str()].into_iter().find(|text| !text.is_empty());
        let name = name.unwrap_or("WebGPU").to_owned();
        Ok(Self { device, queue, name, lost })
    }

    /// Whether it is gone, and why.
    pub fn lost(&self) -> Option<String> {
        self.lost.lock().ok().and_then(|lost| lost.clone())
    }

    /// Gives it up, as a crash would: what tests and the page's memory limits use.
    pub fn destroy(&self) {
        self.device.destroy();
    }
}

/// Runs the kernels on a GPU.
#[derive(Debug)]
pub struct GpuEngine {
    gpu: Gpu,
    run_params: wgpu::Buffer,
    steps: wgpu::Buffer,
    state: wgpu::Buffer,
    reactions: wgpu::Buffer,
    trace: wgpu::Buffer,
    read_back: wgpu::Buffer,
    gradient: Pass,
    update: Pass,
    max_tiles: u32,
    /// Steps recorded into one submit: sized by whoever measures, so that no submit takes long.
    pub steps_per_submit: usize,
}

#[derive(Debug)]
struct Pass {
    pipeline: wgpu::ComputePipeline,
    bindings: wgpu::BindGroup,
}

impl GpuEngine {
    /// An engine over these rows, for `n_runs` runs beside each other.
    ///
    /// # Errors
    /// [`Code::GpuTooSmall`] where the rows do not fit a binding, [`Code::GpuKernel`] where a pipeline is refused.
    pub async fn new(gpu: Gpu, problem: &Rc<Problem>, n_runs: usize) -> Result<Self> {
        let n_parameters = problem.n_parameters() as usize;
        let bytes = (problem.features.len() * 4) as u64;
        let limit = gpu.device.limits().max_storage_buffer_binding_size;
        if bytes > limit {
            return Err(Message::new(Code::GpuTooSmall).with("bytes", bytes).with("limit", limit));
        }
        let guards = [wgpu::ErrorFilter::Validation, wgpu::ErrorFilter::OutOfMemory]
            .map(|filter| gpu.device.push_error_scope(filter));

        let max_tiles = super::kernel::tiles(problem.n_samples);
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::COPY_SRC;
        let buffer = |label, bytes: usize, usage| {
            gpu.device.create_buffer(&wgpu::BufferDescriptor {
                label: Some(label),
                size: bytes.max(16) as u64,
                usage,
                mapped_at_creation: false,
            })
        };
        let column = |label, values: &[f32]| {
            gpu.device.create_buffer_init(&wgpu::util::BufferInitDescriptor {
                label: Some(label),
                contents: bytemuck::cast_slice(values),
                usage: wgpu::BufferUsages::STORAGE,
            })
        };
        let run_params = buffer(
            "run_params",
            size_of::<RunParams>(),
            wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
        );
        let steps = buffer("steps", MAX_STEPS_PER_CALL * size_of::<StepParams>(), usage);
        let features = column("features", &problem.features);
        let targets = column("targets", &problem.targets);
        let partials = buffer("partials", n_runs * max_tiles as usize * (n_parameters + 1) * 4, usage);
        let state = buffer("state", n_runs * super::slot::COUNT * n_parameters * 4, usage);
        let reactions = buffer("reactions", n_runs * size_of::<Reaction>(), usage);
        let trace = buffer("trace", n_runs * MAX_STEPS_PER_CALL * 8, usage);
        let read_back = buffer(
            "read_back",
            (state.size() + reactions.size() + trace.size()) as usize,
            wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
        );

        let gradient = pass(
            &gpu.device,
            &GRADIENT,
            problem,
            &[&run_params, &steps, &features, &targets, &state, &reactions, &partials],
        );
        let update = pass(
            &gpu.device,
            &UPDATE,
            problem,
            &[&run_params, &steps, &partials, &state, &reactions, &trace],
        );
        // Scopes close in the reverse of the order in which they opened.
        for guard in guards.into_iter().rev() {
            if let Some(error) = guard.pop().await {
                return Err(Message::new(Code::GpuKernel).with("detail", error));
            }
        }
        Ok(Self {
            gpu,
            run_params,
            steps,
            state,
            reactions,
            trace,
            read_back,
            gradient,
            update,
            max_tiles,
            steps_per_submit: 64,
        })
    }

    /// The adapter's name.
    pub fn name(&self) -> &str {
        &self.gpu.name
    }

    /// Gives the GPU up, as a crash would.
    pub fn destroy_device(&self) {
        self.gpu.destroy();
    }

    /// See [`super::Backend::advance`].
    pub(super) async fn advance(
        &mut self,
        state: &mut State,
        params: &RunParams,
        steps: &[StepParams],
        trace: &mut Vec<[f32; 2]>,
    ) -> std::result::Result<(), DeviceLost> {
        self.check_lost()?;
        let n_runs = state.n_runs();
        // A trace row is as long as this call, so what is read back is no longer than it.
        let params = RunParams {
            max_tiles: self.max_tiles,
            trace_capacity: steps.len() as u32,
            n_runs: n_runs as u32,
            ..*params
        };
        let queue = &self.gpu.queue;
        queue.write_buffer(&self.run_params, 0, bytemuck::bytes_of(&params));
        queue.write_buffer(&self.steps, 0, bytemuck::cast_slice(steps));
        queue.write_buffer(&self.state, 0, bytemuck::cast_slice(&state.values));
        queue.write_buffer(&self.reactions, 0, bytemuck::cast_slice(&state.reactions));
        for chunk in steps.chunks(self.steps_per_submit.max(1)) {
            let mut encoder = self.gpu.device.create_command_encoder(&Default::default());
            {
                let mut recorded = encoder.begin_compute_pass(&Default::default());
                for step in chunk {
                    recorded.set_pipeline(&self.gradient.pipeline);
                    recorded.set_bind_group(0, &self.gradient.bindings, &[]);
                    recorded.dispatch_workgroups(step.n_tiles, n_runs as u32, 1);
                    recorded.set_pipeline(&self.update.pipeline);
                    recorded.set_bind_group(0, &self.update.bindings, &[]);
                    recorded.dispatch_workgroups(n_runs as u32, 1, 1);
                }
            }
            queue.submit([encoder.finish()]);
        }
        let state_bytes = (state.values.len() * 4) as u64;
        let reaction_bytes = (n_runs * size_of::<Reaction>()) as u64;
        let trace_bytes = (n_runs * steps.len() * 8) as u64;
        let mut encoder = self.gpu.device.create_command_encoder(&Default::default());
        let to = &self.read_back;
        encoder.copy_buffer_to_buffer(&self.state, 0, to, 0, state_bytes);
        encoder.copy_buffer_to_buffer(&self.reactions, 0, to, state_bytes, reaction_bytes);
        encoder.copy_buffer_to_buffer(&self.trace, 0, to, state_bytes + reaction_bytes, trace_bytes);
        queue.submit([encoder.finish()]);

        let total = state_bytes + reaction_bytes + trace_bytes;
        let bytes = self.read(total).await?;
        let (values, rest) = bytes.split_at(state_bytes as usize);
        let (reactions, losses) = rest.split_at(reaction_bytes as usize);
        state.values.copy_from_slice(&floats(values));
        for (reaction, bytes) in state.reactions.iter_mut().zip(reactions.chunks_exact(size_of::<Reaction>()))
        {
            *reaction = bytemuck::pod_read_unaligned(bytes);
        }
        trace.clear();
        trace.extend(losses.chunks_exact(8).map(bytemuck::pod_read_unaligned::<[f32; 2]>));
        Ok(())
    }

    async fn read(&self, bytes: u64) -> std::result::Result<Vec<u8>, DeviceLost> {
        let (done, mapped) = oneshot::channel();
        self.read_back.map_async(wgpu::MapMode::Read, 0..bytes, move |result| {
            // The receiver is gone only if this call was dropped.
            let _ = done.send(result);
        });
        #[cfg(not(target_arch = "wasm32"))]
        let _ = self.gpu.device.poll(wgpu::PollType::wait_indefinitely());
        let lost = || {
            let detail = self.gpu.lost().unwrap_or_else(|| "its memory could not be read".to_owned());
            DeviceLost(detail)
        };
        match mapped.await {
            Ok(Ok(())) => {}
            _ => return Err(lost()),
        }
        let view = self.read_back.get_mapped_range(0..bytes).map_err(|_| lost())?;
        let copy = view.to_vec();
        drop(view);
        self.read_back.unmap();
        self.check_lost()?;
        Ok(copy)
    }

    fn check_lost(&self) -> std::result::Result<(), DeviceLost> {
        match self.gpu.lost() {
            Some(detail) => Err(DeviceLost(detail)),
            None => Ok(()),
        }
    }
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.chunks_exact(4).map(bytemuck::pod_read_unaligned).collect()
}

fn pass(device: &wgpu::Device, kernel: &Kernel, problem: &Problem, buffers: &[&wgpu::Buffer]) -> Pass {
    let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
        label: Some(kernel.name),
        source: wgpu::ShaderSource::Wgsl(kernel.source(problem.n_features, problem.bias).into()),
    });
    let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: Some(kernel.name),
        layout: None,
        module: &module,
        entry_point: Some(kernel.name),
        compilation_options: Default::default(),
        cache: None,
    });
    let entries: Vec<wgpu::BindGroupEntry<'_>> = buffers
        .iter()
        .enumerate()
        .map(|(binding, buffer)| wgpu::BindGroupEntry {
            binding: binding as u32,
            resource: buffer.as_entire_binding(),
        })
        .collect();
    let bindings = device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: Some(kernel.name),
        layout: &pipeline.get_bind_group_layout(0),
        entries: &entries,
    });
    Pass { pipeline, bindings }
}
