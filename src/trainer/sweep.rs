//! Trains many runs of one plan in as few calls as possible.

use std::rc::Rc;

use super::Task;
use super::plan::{Planner, run_params};
use crate::backend::kernel::{EVALUATE, FULL, Reaction, RunParams, StepParams, tiles};
use crate::backend::{Backend, DeviceLost, MAX_STEPS_PER_CALL, State};
use crate::config::RunPlan;
use crate::dataset::Problem;
use crate::history::History;
use crate::monitor;
use crate::runs::{self, RunSpec};

/// Parallel runs that differ in their [`RunSpec`]. Runs with the same number of rows in a batch
/// share every call.
///
/// Unlike a [`super::Trainer`], it measures nothing on the way: a run ends where a kernel halts it.
#[derive(Debug)]
pub struct Sweep {
    problem: Rc<Problem>,
    target_variance: f64,
    groups: Vec<Group>,
    /// For each run, the index of its group, and its index in that group.
    places: Vec<[usize; 2]>,
}

/// Runs that are computed in the same calls.
#[derive(Debug)]
struct Group {
    plan: RunPlan,
    planner: Planner,
    params: RunParams,
    state: State,
    /// Steps planned so far; runs that have halted took fewer.
    step: u64,
    /// For each run, its history if it keeps one.
    histories: Vec<Option<History>>,
    trace: Vec<[f32; 2]>,
}

/// The current state of one run of a sweep.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    /// The parameters of the run.
    pub parameters: &'a [f32],
    /// Number of updates done by the run.
    pub steps: u64,
    /// The reaction of the run; its `halt` states why the run ended.
    pub reaction: &'a Reaction,
    /// The history of the run, if it keeps one.
    pub history: Option<&'a History>,
}

impl Sweep {
    /// Creates the runs at their initial parameters.
    pub fn new(plan: &RunPlan, task: &Task, specs: &[RunSpec]) -> Self {
        let mut places = vec![[0, 0]; specs.len()];
        let grouped = runs::by_batch_rows(specs);
        let groups = grouped.into_iter().enumerate().map(|(group, (batch_rows, members))| {
            members.iter().enumerate().for_each(|(place, run)| places[*run] = [group, place]);
            let specs: Vec<RunSpec> = members.iter().map(|run| specs[*run].clone()).collect();
            Group::new(plan.with_batch_rows(batch_rows, task.problem.n_samples), task, &specs)
        });
        let groups = groups.collect();
        let (problem, target_variance) = (Rc::clone(&task.problem), task.dataset.target_variance());
        Self { problem, target_variance, groups, places }
    }

    /// The maximum number of runs that share a call; an engine must have room for that many.
    pub fn n_runs_of_call(&self) -> usize {
        self.groups.iter().map(|group| group.state.n_runs()).max().unwrap_or(0)
    }

    /// Takes up to `n_steps` steps with every run that has not ended.
    ///
    /// # Errors
    /// [`DeviceLost`]; the runs are in the state after the last answered call.
    pub async fn advance(&mut self, backend: &mut Backend, n_steps: u64) -> Result<(), DeviceLost> {
        for group in &mut self.groups {
            group.advance(backend, &self.problem, self.target_variance, n_steps).await?;
        }
        Ok(())
    }

    /// The state of a run, by its index in the `specs` that the sweep was created with.
    pub fn run(&self, run: usize) -> Standing<'_> {
        let [group, place] = self.places[run];
        let Group { state, histories, .. } = &self.groups[group];
        Standing {
            parameters: state.parameters(place),
            steps: state.steps[place],
            reaction: &state.reactions[place],
            history: histories[place].as_ref(),
        }
    }
}

impl Group {
    fn new(plan: RunPlan, task: &Task, specs: &[RunSpec]) -> Self {
        let state = runs::initial_state(specs, &plan, &task.problem, &task.layout);
        let params = run_params(&plan, task, state.n_runs());
        Self {
            plan,
            planner: Planner::default(),
            params,
            state,
            step: 0,
            histories: specs.iter().map(|spec| spec.keeps_history.then(History::default)).collect(),
            trace: Vec::new(),
        }
    }

    async fn advance(
        &mut self,
        backend: &mut Backend,
        problem: &Problem,
        target_variance: f64,
        n_steps: u64,
    ) -> Result<(), DeviceLost> {
        if self.step == 0 {
            self.measure_first(backend, problem, target_variance).await?;
        }
        let last = self.step.saturating_add(n_steps);
        while self.step < last && self.state.reactions.iter().any(|reaction| reaction.halt == 0) {
            let n = (last - self.step).min(MAX_STEPS_PER_CALL as u64) as usize;
            let place = self.planner.place;
            let planned = self.planner.plan(&self.plan, problem.n_samples, self.step, place, n);
            if planned == 0 {
                break;
            }
            let steps = self.planner.take_steps();
            let called =
                backend.advance(&mut self.state, &self.params, &steps[..planned], &mut self.trace).await;
            if called.is_ok() {
                self.record(planned);
                self.planner.pass(&steps[..planned], problem.n_samples);
                self.step += planned as u64;
            }
            self.planner.put_steps_back(steps);
            called?;
        }
        Ok(())
    }

    /// Measures the initial parameters of all runs. A loss far above the largest of these losses counts as
    /// divergence.
    async fn measure_first(
        &mut self,
        backend: &mut Backend,
        problem: &Problem,
        target_variance: f64,
    ) -> Result<(), DeviceLost> {
        let step = StepParams {
            batch_len: problem.in_memory().n_samples,
            flags: EVALUATE | FULL,
            n_tiles: tiles(problem.n_samples),
            ..StepParams::default()
        };
        backend.advance(&mut self.state, &self.params, &[step], &mut self.trace).await?;
        let losses = self.state.reactions.iter().map(|reaction| f64::from(reaction.evaluated_loss));
        let first_loss = losses.fold(f64::MIN, f64::max);
        self.params.divergence_limit = monitor::divergence_limit(first_loss, target_variance);
        Ok(())
    }

    /// Records the losses of a call of `n_steps` steps in the histories.
    fn record(&mut self, n_steps: usize) {
        let traces = self.trace.chunks_exact(n_steps);
        for ((history, trace), reaction) in self.histories.iter_mut().zip(traces).zip(&self.state.reactions) {
            let taken = &trace[..reaction.taken.max(0) as usize];
            if let Some(history) = history {
                let losses: Vec<f32> = taken.iter().map(|[loss, _]| *loss).collect();
                history.record_steps_with(self.step, &losses, |i| taken[i][1]);
            }
        }
    }
}
