//! Engines that run the kernels. Each answers one call: take a state and a plan of steps, and
//! advance.

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

/// Maximum number of steps per call, which fits the buffers of plan and trace.
pub const MAX_STEPS_PER_CALL: usize = 1 << 14;

/// The whole state of a call's runs apart from the data, enough to continue elsewhere to the same
/// bits.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// Number of parameters per run.
    pub n_parameters: usize,
    /// The slots of each run.
    pub slots: SlotSet,
    /// `[run][slot][parameter]`.
    pub values: Vec<f32>,
    /// The reaction of each run.
    pub reactions: Vec<Reaction>,
    /// Number of updates done by each run.
    pub steps: Vec<u64>,
    /// Settings of each run; empty if every run has the defaults.
    pub settings: Vec<RunSettings>,
}

impl State {
    /// Starts one run at its initial parameters, with every slot.
    pub fn new(parameters: &[f32]) -> Self {
        Self::of_runs(&[parameters.to_vec()], SlotSet::ALL, Vec::new())
    }

    /// Runs at their initial parameters. `settings` is empty where every run has the default.
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

    /// Creates a run for each of the settings, all at the same initial parameters, with every slot.
    pub fn with_settings(parameters: &[f32], settings: Vec<RunSettings>) -> Self {
        Self::of_runs(&vec![parameters.to_vec(); settings.len()], SlotSet::ALL, settings)
    }

    /// Keeps these slots. New moments are 0, new copies of the weights are the weights as they are.
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

    /// One slot of one run; empty if there is none.
    pub fn slot(&self, run: usize, slot: usize) -> &[f32] {
        &self.values[self.range(run, slot)]
    }

    /// One slot of one run, mutable; empty if there is none.
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

    /// The settings of a run.
    pub fn settings_of(&self, run: usize) -> RunSettings {
        self.settings.get(run).copied().unwrap_or_default()
    }

    /// A run's parameters: weights, then the bias.
    pub fn parameters(&self, run: usize) -> &[f32] {
        self.slot(run, slot::WEIGHT)
    }

    /// Resets the counters of a call.
    fn begin_call(&mut self) {
        for reaction in &mut self.reactions {
            reaction.taken = 0;
            reaction.cursor = 0;
        }
    }

    /// Adds the call's steps to those of the runs.
    fn end_call(&mut self) {
        for (step, reaction) in self.steps.iter_mut().zip(&self.reactions) {
            *step = step.saturating_add_signed(i64::from(reaction.taken));
        }
    }
}

/// The engine of a run.
#[derive(Debug)]
pub enum Backend {
    /// The CPU engine.
    Cpu(Box<cpu::CpuEngine>),
    /// The CPU engine with a second worker.
    Pair(Box<cpu::pair::PairEngine>),
    /// The GPU engine.
    #[cfg(feature = "gpu")]
    Gpu(Box<gpu::GpuEngine>),
}

/// The GPU is lost, for this reason. The state passed in is unchanged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceLost(pub String);

impl Backend {
    /// Advances every run of `state` by `steps`, up to [`MAX_STEPS_PER_CALL`]. `trace` receives
    /// `[batch loss, rate]` for each step of each run, `[run][step]`; entries after the steps a run
    /// has `taken` are undefined.
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

    /// Whether this is the GPU.
    pub fn is_gpu(&self) -> bool {
        !matches!(self, Self::Cpu(_) | Self::Pair(_))
    }

    /// Why the second worker was lost, if there was one.
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

/// The engine in use and why.
#[derive(Clone, Debug, PartialEq)]
pub struct InUse {
    /// Whether it is the GPU.
    pub gpu: bool,
    /// [`Backend::name`].
    pub name: String,
    /// Why this backend was chosen.
    pub reason: Message,
    /// How full batches are computed if there is a choice, and why.
    pub how: Option<Message>,
    /// Whether it replaces a backend that was requested or lost.
    pub fallback: bool,
}

impl InUse {
    /// Describes a backend that was chosen for a reason.
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

/// A CPU engine for a model over these rows.
pub fn cpu(problem: Rc<Problem>, layout: &Layout) -> Backend {
    Backend::Cpu(Box::new(cpu::CpuEngine::new(problem, layout)))
}

/// A CPU engine whose full batches use sufficient statistics, if the model is linear: `O(n_parameters^2)` a step,
/// whatever the number of rows.
pub fn cpu_by_statistics(problem: Rc<Problem>, layout: &Layout) -> Backend {
    Backend::Cpu(Box::new(cpu::CpuEngine::by_statistics(problem, layout)))
}

/// A CPU engine with a helper worker, which gets half of the rows.
///
/// # Errors
/// Why the helper worker could not be used.
pub async fn pair(problem: Rc<Problem>, layout: &Layout, link: cpu::pair::Link) -> Result<Backend, String> {
    Ok(Backend::Pair(Box::new(cpu::pair::PairEngine::new(problem, layout, link).await?)))
}
