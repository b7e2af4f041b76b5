//! Engines that run the kernels. An engine answers one kind of call: it takes a state and a list of planned
//! steps, and advances the state by these steps.

use std::ops::Range;
use std::rc::Rc;

use crate::dataset::Problem;
use crate::message::Message;
use crate::model::Layout;

pub mod cpu;
#[cfg(feature = "gpu")]
pub mod gpu;
pub mod kernel;
pub mod pipeline;
#[cfg(feature = "gpu")]
mod submit_pace;

use kernel::{Reaction, RunParams, RunSettings, SlotSet, StepParams, slot};

/// Maximum number of steps per call; the buffers for planned steps and trace have this capacity.
pub const MAX_STEPS_PER_CALL: usize = 1 << 14;

/// The complete state of the runs that share a call, apart from the data. Another engine can continue from it
/// with bit-identical results.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// Number of parameters per run.
    pub n_parameters: usize,
    /// The slots that each run has: rows of numbers such as weights and moments.
    pub slots: SlotSet,
    /// All slots of all runs, indexed `[run][slot][parameter]`.
    pub values: Vec<f32>,
    /// The reaction of each run.
    pub reactions: Vec<Reaction>,
    /// Number of updates done by each run.
    pub steps: Vec<u64>,
    /// Settings of each run; empty if every run has the defaults.
    pub settings: Vec<RunSettings>,
}

impl State {
    /// The initial state of a single run with these parameters and every slot.
    pub fn new(parameters: &[f32]) -> Self {
        Self::of_runs(&[parameters.to_vec()], SlotSet::ALL, Vec::new())
    }

    /// The initial state of several runs, given the parameters of each. `settings` is empty if every run has
    /// the defaults.
    pub fn of_runs(parameters: &[Vec<f32>], slots: SlotSet, settings: Vec<RunSettings>) -> Self {
        let mut state = Self {
            n_parameters: parameters.first().map_or(0, Vec::len),
            slots: SlotSet::LEAST,
            values: parameters.iter().flat_map(|own| own.iter().chain(own)).copied().collect(),
            reactions: vec![Reaction::default(); parameters.len()],
            steps: vec![0; parameters.len()],
            settings,
        };
        state.keep(slots);
        state
    }

    /// The initial state of one run for each of the settings, all with the same parameters and every slot.
    pub fn with_settings(parameters: &[f32], settings: Vec<RunSettings>) -> Self {
        Self::of_runs(&vec![parameters.to_vec(); settings.len()], SlotSet::ALL, settings)
    }

    /// Keeps exactly these slots: adds missing ones and removes others. New moments are 0, new copies of the
    /// weights have their current values.
    pub fn keep(&mut self, slots: SlotSet) {
        if slots == self.slots {
            return;
        }
        let mut values = Vec::with_capacity(self.n_runs() * slots.count() * self.n_parameters);
        for run in 0..self.n_runs() {
            for slot in (0..slot::COUNT).filter(|slot| slots.place(*slot).is_some()) {
                match (self.slots.place(slot), slot) {
                    (None, slot::FIRST_MOMENT | slot::SECOND_MOMENT) => {
                        values.resize(values.len() + self.n_parameters, 0.0);
                    }
                    (None, _) => values.extend(self.parameters(run)),
                    (Some(_), _) => values.extend(self.slot(run, slot)),
                }
            }
        }
        (self.slots, self.values) = (slots, values);
    }

    /// Number of parallel runs.
    pub fn n_runs(&self) -> usize {
        self.reactions.len()
    }

    /// The values of slot number `slot` (see [`kernel::slot`]) of one run; empty if the run lacks that slot.
    pub fn slot(&self, run: usize, slot: usize) -> &[f32] {
        &self.values[self.range(run, slot)]
    }

    /// Mutable access to the values of slot number `slot` of one run; empty if the run lacks that slot.
    pub fn slot_mut(&mut self, run: usize, slot: usize) -> &mut [f32] {
        let range = self.range(run, slot);
        &mut self.values[range]
    }

    fn range(&self, run: usize, slot: usize) -> Range<usize> {
        self.slots.place(slot).map_or(0..0, |place| {
            let start = (run * self.slots.count() + place) * self.n_parameters;
            start..start + self.n_parameters
        })
    }

    /// The settings of a run, which are the defaults if the state has none.
    pub fn settings_of(&self, run: usize) -> RunSettings {
        self.settings.get(run).copied().unwrap_or_default()
    }

    /// The parameters of a run: weights, then biases.
    pub fn parameters(&self, run: usize) -> &[f32] {
        self.slot(run, slot::WEIGHT)
    }

    /// Resets the counters that count the steps of one call.
    fn begin_call(&mut self) {
        for reaction in &mut self.reactions {
            reaction.taken = 0;
            reaction.cursor = 0;
        }
    }

    /// Adds the steps that the call has taken to the step count of each run.
    fn end_call(&mut self) {
        for (step, reaction) in self.steps.iter_mut().zip(&self.reactions) {
            *step = step.saturating_add_signed(i64::from(reaction.taken));
        }
    }
}

/// The engine of a run.
#[derive(Debug)]
pub enum Backend {
    /// The CPU engine, on one thread.
    Cpu(Box<cpu::CpuEngine>),
    /// The CPU engine, sharing full passes over the rows with a helper worker.
    Pair(Box<cpu::pair::PairEngine>),
    /// The GPU engine, through WebGPU.
    #[cfg(feature = "gpu")]
    Gpu(Box<gpu::GpuEngine>),
}

/// The error that the GPU was lost, with the reason. The state passed in is unchanged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceLost(pub String);

impl Backend {
    /// Advances every run of `state` by `steps`, at most [`MAX_STEPS_PER_CALL`]. `trace` receives `[batch
    /// loss, rate]` of each step, indexed `[run][step]`; if a run stopped early, entries after its `taken`
    /// steps are undefined.
    ///
    /// # Errors
    /// [`DeviceLost`], with `state` and `trace` unchanged.
    pub async fn advance(
        &mut self,
        state: &mut State,
        params: &RunParams,
        steps: &[StepParams],
        trace: &mut Vec<[f32; 2]>,
    ) -> Result<(), DeviceLost> {
        debug_assert!(steps.len() <= MAX_STEPS_PER_CALL);
        match self {
            Self::Cpu(engine) => {
                state.begin_call();
                engine.advance(state, params, steps, trace);
            }
            Self::Pair(engine) => {
                state.begin_call();
                engine.advance(state, params, steps, trace).await;
            }
            #[cfg(feature = "gpu")]
            Self::Gpu(engine) => {
                engine.begin(state);
                engine.enqueue(params, steps).await?;
                engine.collect(state, trace).await?;
            }
        }
        state.end_call();
        Ok(())
    }

    /// Whether this is the GPU engine.
    pub fn is_gpu(&self) -> bool {
        !matches!(self, Self::Cpu(_) | Self::Pair(_))
    }

    /// Why the helper worker was lost, if it was.
    pub fn lost_partner(&self) -> Option<&str> {
        if let Self::Pair(engine) = self { engine.lost() } else { None }
    }

    /// The name shown to the user: the GPU adapter, or the CPU's instruction set.
    pub fn name(&self) -> String {
        match self {
            Self::Cpu(_) | Self::Pair(_) => cpu::NAME.to_owned(),
            #[cfg(feature = "gpu")]
            Self::Gpu(engine) => engine.name().to_owned(),
        }
    }
}

/// A description, for the user, of the engine in use and why it was chosen.
#[derive(Clone, Debug, PartialEq)]
pub struct InUse {
    /// Whether the engine in use is the GPU.
    pub gpu: bool,
    /// The engine's name, from [`Backend::name`].
    pub name: String,
    /// Why this engine was chosen.
    pub reason: Message,
    /// Whether one worker or two compute full batches, and why; `None` if there is no choice.
    pub how: Option<Message>,
    /// Whether this engine replaces one that was requested or was lost.
    pub fallback: bool,
}

impl InUse {
    /// Describes `backend`, which was chosen for this reason.
    pub fn new(backend: &Backend, reason: Message) -> Self {
        Self { gpu: backend.is_gpu(), name: backend.name(), reason, how: None, fallback: false }
    }
}

impl std::fmt::Display for InUse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({}): {}", if self.gpu { "GPU" } else { "CPU" }, self.name, self.reason)?;
        self.how.iter().try_for_each(|how| write!(f, "; {how}"))
    }
}

/// Makes a CPU engine for a model over these rows.
pub fn cpu(problem: Rc<Problem>, layout: &Layout) -> Backend {
    Backend::Cpu(Box::new(cpu::CpuEngine::new(problem, layout)))
}

/// Makes a CPU engine whose full batches use sufficient statistics if the model is linear:
/// `O(n_parameters^2)` per step, for any number of rows.
pub fn cpu_by_statistics(problem: Rc<Problem>, layout: &Layout) -> Backend {
    Backend::Cpu(Box::new(cpu::CpuEngine::by_statistics(problem, layout)))
}

/// Makes a CPU engine with a helper worker, which receives half of the rows through `link`.
///
/// # Errors
/// Why the helper worker could not be used.
pub async fn pair(problem: Rc<Problem>, layout: &Layout, link: cpu::pair::Link) -> Result<Backend, String> {
    Ok(Backend::Pair(Box::new(cpu::pair::PairEngine::new(problem, layout, link).await?)))
}
