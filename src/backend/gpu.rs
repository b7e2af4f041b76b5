//! The GPU engine, the only module that uses wgpu.

use std::collections::VecDeque;
use std::mem::offset_of;
use std::ops::Range;
use std::rc::Rc;

use futures_channel::oneshot;

use super::kernel::{
    Block, DESCEND, EVALUATE, Kernel, Reaction, RunParams, RunSettings, SHUFFLED, Shape, SlotSet, StepParams,
    UPDATE,
};
use super::submit_pace::SubmitPace;
use super::{DeviceLost, MAX_STEPS_PER_CALL, State};
use crate::dataset::Problem;
use crate::message::{Code, Message, Result};
use crate::model::Layout;

mod device;

pub use device::Gpu;
use device::{buffer, close, guards};

/// Options for creating a GPU engine.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The maximum number of runs that share a call.
    pub n_runs: usize,
    /// A monotonic clock in milliseconds, by which the engine decides how many steps to submit at once.
    /// Without a clock, the decision is based on an estimate of their work.
    pub now_ms: Option<fn() -> f64>,
    /// Maximum size in bytes of one buffer of rows, at most the device's limit. Rows beyond it go to further
    /// buffers.
    pub max_binding_bytes: u64,
    /// [`crate::choices::Loss::kind`] of the loss for which kernels are compiled at creation. Kernels for
    /// other losses are compiled when a call needs them.
    pub loss: u32,
    /// The slots of the state for which kernels are compiled at creation.
    pub slots: SlotSet,
}

impl Default for Options {
    fn default() -> Self {
        Self { n_runs: 1, now_ms: None, max_binding_bytes: u64::MAX, loss: 0, slots: SlotSet::ALL }
    }
}

/// First binding number of the buffers that only general kernels have: sample weights and settings.
const FIRST_GENERAL_BINDING: usize = 8;
/// Usage flags of buffers that kernels read or write, and that the host writes or copies.
const STORAGE: wgpu::BufferUsages =
    wgpu::BufferUsages::STORAGE.union(wgpu::BufferUsages::COPY_DST).union(wgpu::BufferUsages::COPY_SRC);

/// The GPU engine, which runs the kernels through WebGPU.
///
/// State, reactions and trace stay on the device. Each call is queued behind the calls before it
/// and reads back into its own buffer, so the device does not wait for the host; see
/// [`super::pipeline`].
#[derive(Debug)]
pub struct GpuEngine {
    gpu: Gpu,
    shape: Shape,
    /// Number of runs in the state that the engine began with; the next field is the maximum.
    n_runs: usize,
    max_runs: usize,
    run_params: wgpu::Buffer,
    steps: wgpu::Buffer,
    state: wgpu::Buffer,
    reactions: wgpu::Buffer,
    /// The settings of all runs.
    settings: wgpu::Buffer,
    trace: wgpu::Buffer,
    partials: wgpu::Buffer,
    blocks: Vec<BlockBuffers>,
    /// Compiled pipelines, indexed by [`Pass`] and compiled on first use: one per block of rows, or one for
    /// all blocks.
    passes: [Option<Vec<Bound>>; 5],
    max_tiles: u32,
    in_flight: VecDeque<InFlight>,
    read_backs: Vec<wgpu::Buffer>,
    pace: SubmitPace,
    /// Buffer for planned steps, reused between calls so that stepping allocates little.
    planned: Vec<StepParams>,
}

/// A kind of kernel dispatch; each takes rows either in order or shuffled.
#[derive(Clone, Copy, Debug)]
enum Pass {
    Gradient { shuffled: bool },
    Descend { shuffled: bool },
    Update,
}

impl Pass {
    fn index(self) -> usize {
        match self {
            Self::Gradient { shuffled } => usize::from(shuffled),
            Self::Descend { shuffled } => 2 + usize::from(shuffled),
            Self::Update => 4,
        }
    }
}

#[derive(Debug)]
struct Bound {
    pipeline: wgpu::ComputePipeline,
    bindings: wgpu::BindGroup,
}

#[derive(Debug)]
struct BlockBuffers {
    block: wgpu::Buffer,
    features: wgpu::Buffer,
    targets: wgpu::Buffer,
    /// Weight and fold of each row, interleaved; if rows have neither, a second reference to the targets.
    shares: wgpu::Buffer,
}

/// A submitted call whose answer has not arrived.
#[derive(Debug)]
struct InFlight {
    read_back: wgpu::Buffer,
    mapped: oneshot::Receiver<std::result::Result<(), wgpu::BufferAsyncError>>,
    #[cfg(not(target_arch = "wasm32"))]
    submission: wgpu::SubmissionIndex,
    n_steps: usize,
    /// Number of floats read per step, and the time at which the call was submitted; `None` if it was not a
    /// descent.
    timed: Option<(f64, f64)>,
}

impl GpuEngine {
    /// Creates an engine for a model over these rows.
    ///
    /// # Errors
    /// [`Code::GpuTooSmall`] if not even one row fits into a binding; [`Code::GpuKernel`] if the model has
    /// hidden layers, or if the device refuses a pipeline or memory.
    pub async fn new(gpu: Gpu, problem: &Rc<Problem>, layout: &Layout, options: Options) -> Result<Self> {
        let linear = layout.as_linear().ok_or_else(|| {
            Message::new(Code::GpuKernel).with("detail", "there are no kernels for hidden layers")
        })?;
        let shape = Shape { slots: options.slots, ..Shape::of(problem, linear, options.loss) };
        let limits = gpu.device.limits();
        let limit =
            limits.max_storage_buffer_binding_size.min(limits.max_buffer_size).min(options.max_binding_bytes);
        let too_small =
            |bytes: u64| Message::new(Code::GpuTooSmall).with("bytes", bytes).with("limit", limit);
        let row_bytes = u64::from(shape.row_floats()) * 4;
        let most_rows = (limit / row_bytes).min(u64::from(problem.n_samples)) as u32;
        if most_rows == 0 || !shape.fits() {
            return Err(too_small(row_bytes));
        }
        let n_blocks = problem.n_samples.div_ceil(most_rows);
        let max_tiles = shape.tiles(problem.n_samples, n_blocks);
        let n_sums = shape.n_sums() as usize;
        let n_runs = options.n_runs;
        // The sums of the tiles, and one row of totals per run.
        let partial_bytes = n_runs * (max_tiles as usize + 1) * n_sums * 4;
        if partial_bytes as u64 > limits.max_storage_buffer_binding_size {
            return Err(too_small(partial_bytes as u64));
        }
        let guards = guards(&gpu.device);

        let uniform = wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST;
        let buffer = |label, bytes, usage| buffer(&gpu.device, label, bytes, usage);
        let run_params = buffer("run_params", size_of::<RunParams>(), uniform);
        let steps = buffer("steps", MAX_STEPS_PER_CALL * size_of::<StepParams>(), STORAGE);
        let partials = buffer("partials", partial_bytes, STORAGE);
        let state_floats = shape.slots.count() * shape.n_parameters() as usize;
        let state = buffer("state", n_runs * state_floats * 4, STORAGE);
        let reactions = buffer("reactions", n_runs * size_of::<Reaction>(), STORAGE);
        let settings = buffer("settings", n_runs * size_of::<RunSettings>(), STORAGE);
        let trace = buffer("trace", n_runs * MAX_STEPS_PER_CALL * 8, STORAGE);

        let blocks = (0..n_blocks).map(|index| gpu.block(problem, &shape, index, n_blocks)).collect();
        let mut engine = Self {
            gpu,
            shape,
            n_runs,
            max_runs: n_runs,
            run_params,
            steps,
            state,
            reactions,
            settings,
            trace,
            partials,
            blocks,
            passes: Default::default(),
            max_tiles,
            in_flight: VecDeque::new(),
            read_backs: Vec::new(),
            pace: SubmitPace::new(options.now_ms),
            planned: Vec::new(),
        };
        close(guards).await?;
        // Compiles what the first measurement needs; further kernels are compiled on demand.
        engine.prepare(&[StepParams { batch_len: problem.n_samples, ..StepParams::default() }]).await?;
        Ok(engine)
    }

    /// The name of the GPU adapter.
    pub fn name(&self) -> &str {
        &self.gpu.name
    }

    /// Number of buffers over which the rows are distributed.
    pub fn n_blocks(&self) -> usize {
        self.blocks.len()
    }

    /// Number of steps that are currently submitted at once.
    pub fn steps_per_submit(&self) -> usize {
        self.pace.steps
    }

    /// Destroys the GPU device, with the same effect as a crash; for tests.
    pub fn destroy_device(&self) {
        self.gpu.destroy();
    }

    /// Compiles the kernels that these steps need, unless they are compiled already.
    async fn prepare(&mut self, steps: &[StepParams]) -> Result<()> {
        for pass in self.passes_of(steps).into_iter().flatten() {
            if self.passes[pass.index()].is_none() {
                let guards = guards(&self.gpu.device);
                let bound = self.bind(pass);
                close(guards).await?;
                self.passes[pass.index()] = Some(bound);
            }
        }
        Ok(())
    }

    /// The kernel dispatches of which these steps consist, in order.
    fn passes_of(&self, steps: &[StepParams]) -> [Option<Pass>; 3] {
        let [ordered, shuffled] =
            [0, SHUFFLED].map(|order| steps.iter().any(|step| step.flags & SHUFFLED == order));
        let small = steps.iter().all(|step| self.shape.descends(step.batch_len));
        if small && self.blocks.len() == 1 && ordered != shuffled {
            return [Some(Pass::Descend { shuffled }), None, None];
        }
        let gradient = |wanted: bool, shuffled| wanted.then_some(Pass::Gradient { shuffled });
        [gradient(ordered, false), gradient(shuffled, true), Some(Pass::Update)]
    }

    fn bind(&self, pass: Pass) -> Vec<Bound> {
        let kernel = match pass {
            Pass::Gradient { shuffled } => &self.shape.gradient()[usize::from(shuffled)],
            Pass::Descend { shuffled } => &DESCEND[usize::from(shuffled)],
            Pass::Update => &UPDATE,
        };
        let device = &self.gpu.device;
        let pipeline = pipeline(device, kernel, &self.shape);
        let bind = |buffers: &[&wgpu::Buffer], general: [Option<&wgpu::Buffer>; 2]| Bound {
            pipeline: pipeline.clone(),
            bindings: bindings(device, &pipeline, buffers, general),
        };
        let Self { run_params, steps, state, reactions, settings, trace, partials, .. } = self;
        let settings = Some(settings).filter(|_| self.shape.general());
        if let Pass::Update = pass {
            let buffers = [run_params, steps, partials, state, reactions, trace];
            return vec![bind(&buffers, [None, settings])];
        }
        let has_own_order = self.shape.own_orders && matches!(pass, Pass::Gradient { shuffled: true });
        let reads_settings = self.shape.weighted || has_own_order;
        let bind = |BlockBuffers { block, features, targets, shares }: &BlockBuffers| {
            let buffers = [run_params, steps, features, targets, state, reactions, partials, block];
            let shares = Some(shares).filter(|_| self.shape.weighted);
            match pass {
                Pass::Descend { .. } => bind(&[&buffers[..6], &[trace]].concat(), [shares, settings]),
                _ => bind(&buffers, [shares, settings.filter(|_| reads_settings)]),
            }
        };
        self.blocks.iter().map(bind).collect()
    }

    /// Uploads a state, from which the next call continues.
    pub(super) fn begin(&mut self, state: &State) {
        // Calls in flight belong to an earlier state; they are dropped with their buffers.
        self.in_flight.clear();
        self.reshape(Shape { slots: state.slots, ..self.shape });
        self.gpu.queue.write_buffer(&self.state, 0, bytemuck::cast_slice(&state.values));
        self.gpu.queue.write_buffer(&self.reactions, 0, bytemuck::cast_slice(&state.reactions));
        debug_assert!(state.n_runs() <= self.max_runs);
        self.n_runs = state.n_runs();
        let settings: Vec<RunSettings> = (0..self.n_runs).map(|run| state.settings_of(run)).collect();
        self.gpu.queue.write_buffer(&self.settings, 0, bytemuck::cast_slice(&settings));
        let own = |own: fn(&RunSettings) -> bool| settings.iter().any(own);
        self.reshape(Shape {
            settings: own(|settings| *settings != RunSettings::default()),
            own_orders: own(|settings| settings.seed_offset != 0),
            ..self.shape
        });
    }

    /// Changes the shape that kernels are compiled for, which drops them. A different set of slots needs new
    /// buffers as well.
    fn reshape(&mut self, shape: Shape) {
        if shape.slots != self.shape.slots {
            let bytes = self.max_runs * shape.slots.count() * shape.n_parameters() as usize * 4;
            self.state = buffer(&self.gpu.device, "state", bytes, STORAGE);
            self.read_backs.clear();
        }
        if shape != self.shape {
            self.shape = shape;
            self.passes = Default::default();
        }
    }

    /// Queues a call behind those in flight. It waits only for kernels that must be compiled first.
    pub(super) async fn enqueue(
        &mut self,
        params: &RunParams,
        steps: &[StepParams],
    ) -> std::result::Result<(), DeviceLost> {
        self.check_lost()?;
        self.reshape(Shape { loss: params.loss, ..self.shape });
        self.prepare(steps).await.map_err(|message| DeviceLost(message.to_string()))?;
        let n_runs = self.n_runs as u32;
        let n_blocks = self.blocks.len() as u32;
        let longest = steps.iter().map(|step| step.batch_len).max().unwrap_or(0);
        let floats = f64::from(longest) * f64::from(self.shape.n_features + 1) * self.n_runs as f64;
        let steps_per_submit = self.pace.begin(floats);
        let descend = match self.passes_of(steps)[0] {
            Some(pass @ Pass::Descend { .. }) => Some(pass),
            _ => None,
        };
        let steps_per_dispatch = (steps_per_submit as u32).min(self.shape.steps_per_dispatch(longest));
        // A trace row has the length of this call, so no more than that is read back.
        let params = RunParams {
            max_tiles: self.max_tiles,
            trace_capacity: steps.len() as u32,
            n_runs,
            steps_per_dispatch,
            ..*params
        };
        self.planned.clear();
        self.planned.extend(
            steps
                .iter()
                .map(|step| StepParams { n_tiles: self.shape.tiles(step.batch_len, n_blocks), ..*step }),
        );
        // The queue keeps the order of writes and submits, so calls can share these buffers.
        let queue = &self.gpu.queue;
        queue.write_buffer(&self.run_params, 0, bytemuck::bytes_of(&params));
        queue.write_buffer(&self.steps, 0, bytemuck::cast_slice(&self.planned));
        for run in 0..u64::from(n_runs) {
            // Resets the counters of the call: `taken` and `cursor`, which are adjacent.
            let taken = run * size_of::<Reaction>() as u64 + offset_of!(Reaction, taken) as u64;
            queue.write_buffer(&self.reactions, taken, &[0; 8]);
        }
        for chunk in self.planned.chunks(steps_per_submit) {
            self.submit(chunk, descend, steps_per_dispatch);
        }

        let descent = steps.first().is_some_and(|step| step.flags & EVALUATE == 0);
        let timed = self.pace.now().filter(|_| descent).map(|now| (floats, now));
        self.read_back(steps.len(), timed);
        Ok(())
    }

    /// Submits part of a call's steps to the device queue.
    fn submit(&self, steps: &[StepParams], descend: Option<Pass>, steps_per_dispatch: u32) {
        let (n_runs, n_blocks) = (self.n_runs as u32, self.blocks.len() as u32);
        let mut encoder = self.gpu.device.create_command_encoder(&Default::default());
        {
            let mut recorded = encoder.begin_compute_pass(&Default::default());
            let mut dispatch = |pass: Pass, x, y| {
                for bound in self.passes[pass.index()].iter().flatten() {
                    recorded.set_pipeline(&bound.pipeline);
                    recorded.set_bind_group(0, &bound.bindings, &[]);
                    recorded.dispatch_workgroups(x, y, 1);
                }
            };
            if let Some(descend) = descend {
                for _ in 0..(steps.len() as u32).div_ceil(steps_per_dispatch) {
                    dispatch(descend, n_runs, 1);
                }
            } else {
                for step in steps {
                    let shuffled = step.flags & SHUFFLED != 0;
                    dispatch(Pass::Gradient { shuffled }, step.n_tiles / n_blocks, n_runs);
                    dispatch(Pass::Update, n_runs, 1);
                }
            }
        }
        self.gpu.queue.submit([encoder.finish()]);
    }

    /// Queues the read-back of state, reactions and trace after a call of `n_steps` steps.
    fn read_back(&mut self, n_steps: usize, timed: Option<(f64, f64)>) {
        let [state_bytes, reaction_bytes, trace_bytes] = self.answer_bytes(self.n_runs, n_steps);
        let total = state_bytes + reaction_bytes + trace_bytes;
        let read_back = self.read_backs.pop().unwrap_or_else(|| {
            let [state_bytes, reaction_bytes, trace_bytes] =
                self.answer_bytes(self.max_runs, MAX_STEPS_PER_CALL);
            buffer(
                &self.gpu.device,
                "read_back",
                (state_bytes + reaction_bytes + trace_bytes) as usize,
                wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
            )
        });
        let mut encoder = self.gpu.device.create_command_encoder(&Default::default());
        encoder.copy_buffer_to_buffer(&self.state, 0, &read_back, 0, state_bytes);
        encoder.copy_buffer_to_buffer(&self.reactions, 0, &read_back, state_bytes, reaction_bytes);
        encoder.copy_buffer_to_buffer(&self.trace, 0, &read_back, state_bytes + reaction_bytes, trace_bytes);
        let submission = self.gpu.queue.submit([encoder.finish()]);
        #[cfg(target_arch = "wasm32")]
        let _ = submission;
        let (done, mapped) = oneshot::channel();
        read_back.map_async(wgpu::MapMode::Read, 0..total, move |result| {
            // The receiver is gone only if nobody waits for the answer any more.
            let _ = done.send(result);
        });
        self.in_flight.push_back(InFlight {
            read_back,
            mapped,
            #[cfg(not(target_arch = "wasm32"))]
            submission,
            n_steps,
            timed,
        });
    }

    /// Waits for the answer of the oldest call in flight, and writes it to `state` and `trace`.
    pub(super) async fn collect(
        &mut self,
        state: &mut State,
        trace: &mut Vec<[f32; 2]>,
    ) -> std::result::Result<(), DeviceLost> {
        let lost =
            |gpu: &Gpu| DeviceLost(gpu.lost().unwrap_or_else(|| "its memory could not be read".to_owned()));
        let Some(call) = self.in_flight.pop_front() else { return Err(lost(&self.gpu)) };
        #[cfg(not(target_arch = "wasm32"))]
        let _ = self
            .gpu
            .device
            .poll(wgpu::PollType::Wait { submission_index: Some(call.submission), timeout: None });
        let mapped = matches!(call.mapped.await, Ok(Ok(())));
        let sizes = self.answer_bytes(self.n_runs, call.n_steps);
        let view = call.read_back.get_mapped_range(0..sizes.iter().sum::<u64>());
        let (true, None, Ok(view)) = (mapped, self.gpu.lost(), view) else {
            self.in_flight.clear();
            return Err(lost(&self.gpu));
        };
        let (values, rest) = view.split_at(sizes[0] as usize);
        let (reactions, losses) = rest.split_at(sizes[1] as usize);
        bytemuck::cast_slice_mut(&mut state.values).copy_from_slice(values);
        bytemuck::cast_slice_mut(&mut state.reactions).copy_from_slice(reactions);
        trace.clear();
        trace.resize(losses.len() / 8, [0.0; 2]);
        bytemuck::cast_slice_mut(trace).copy_from_slice(losses);
        drop(view);
        call.read_back.unmap();
        self.read_backs.push(call.read_back);
        // The steps of a halted run cost nothing and say nothing about speed.
        if let Some((floats, since)) = call.timed
            && state.reactions.iter().all(|reaction| reaction.halt == 0)
        {
            self.pace.end(call.n_steps, floats, since);
        }
        Ok(())
    }

    fn check_lost(&self) -> std::result::Result<(), DeviceLost> {
        match self.gpu.lost() {
            Some(detail) => Err(DeviceLost(detail)),
            None => Ok(()),
        }
    }

    /// Sizes in bytes of the three parts of a call's answer: state, reactions and trace.
    fn answer_bytes(&self, n_runs: usize, n_steps: usize) -> [u64; 3] {
        let state = self.shape.slots.count() * self.shape.n_parameters() as usize * 4;
        [state, size_of::<Reaction>(), n_steps * 8].map(|bytes| (n_runs * bytes) as u64)
    }
}

impl Gpu {
    /// Creates and fills the buffers of block number `index` of the rows.
    fn block(&self, problem: &Problem, shape: &Shape, index: u32, n_blocks: u32) -> BlockBuffers {
        let buffer = |label, bytes, usage| buffer(&self.device, label, bytes, usage);
        // Blocks are as equal as possible, since each gets the same number of tiles.
        let edge =
            |index: u32| (u64::from(problem.n_samples) * u64::from(index) / u64::from(n_blocks)) as u32;
        let (first_row, end_row) = (edge(index), edge(index + 1));
        let rows = first_row as usize..end_row as usize;
        let block =
            buffer("block", size_of::<Block>(), wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST);
        let block_params = Block { first_row, end_row, index, n_blocks };
        self.queue.write_buffer(&block, 0, bytemuck::bytes_of(&block_params));
        let features = buffer("features", rows.len() * shape.row_floats() as usize * 4, STORAGE);
        let width = shape.n_features as usize;
        let values = &problem.features[rows.start * width..rows.end * width];
        self.upload(&features, values, shape.n_features, shape.row_floats());
        let targets = buffer("targets", rows.len() * 4, STORAGE);
        self.upload(&targets, &problem.targets[rows.clone()], 1, 1);
        let shares = if shape.weighted {
            let shares = buffer("shares", rows.len() * 8, STORAGE);
            self.upload(&shares, &shares_of(problem, rows), 2, 2);
            shares
        } else {
            targets.clone()
        };
        BlockBuffers { block, features, targets, shares }
    }
}

/// Weight and fold of each of these rows, interleaved. A row without a fold gets a fold number that no run
/// leaves out.
fn shares_of(problem: &Problem, rows: Range<usize>) -> Vec<f32> {
    let no_fold = f32::from(u8::MAX) + 1.0;
    let share = |row: usize| {
        let weight = problem.weights.get(row).copied().unwrap_or(1.0);
        [weight, problem.folds.get(row).map_or(no_fold, |fold| f32::from(*fold))]
    };
    rows.flat_map(share).collect()
}

fn pipeline(device: &wgpu::Device, kernel: &Kernel, shape: &Shape) -> wgpu::ComputePipeline {
    let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
        label: Some(kernel.name),
        source: wgpu::ShaderSource::Wgsl(kernel.source(shape).into()),
    });
    device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: Some(kernel.name),
        layout: None,
        module: &module,
        entry_point: Some(kernel.name),
        compilation_options: Default::default(),
        cache: None,
    })
}

fn bindings<'a>(
    device: &wgpu::Device,
    pipeline: &wgpu::ComputePipeline,
    buffers: &[&'a wgpu::Buffer],
    general: [Option<&'a wgpu::Buffer>; 2],
) -> wgpu::BindGroup {
    let mut entries: Vec<wgpu::BindGroupEntry<'_>> = Vec::new();
    let mut enter = |binding: usize, buffer: &'a wgpu::Buffer| {
        entries.push(wgpu::BindGroupEntry { binding: binding as u32, resource: buffer.as_entire_binding() });
    };
    for (binding, buffer) in buffers.iter().enumerate() {
        enter(binding, buffer);
    }
    for (buffer, binding) in general.into_iter().zip(FIRST_GENERAL_BINDING..) {
        buffer.into_iter().for_each(|buffer| enter(binding, buffer));
    }
    device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: None,
        layout: &pipeline.get_bind_group_layout(0),
        entries: &entries,
    })
}
