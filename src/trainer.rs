//! Steps a backend through a plan, and says at any moment what the run is.

use std::rc::Rc;

use serde::{Deserialize, Serialize};

use crate::backend::kernel::{
    self, EPOCH_END, EPOCH_START, EVALUATE, FULL, HALT_LOSS, HALT_NOT_FINITE, RunParams, SHUFFLED,
    StepParams, VALIDATE, slot,
};
use crate::backend::pipeline::Pipeline;
use crate::backend::{self, Backend, InUse, MAX_STEPS_PER_CALL, State};
use crate::config::{RunConfig, RunPlan};
use crate::history::{Curve, History};
use crate::loss::{Loss, Penalty};
use crate::message::{Code, Message, Result, count, short};
use crate::model;
use crate::monitor::{self, Monitor, Observation};

mod auto;
mod beside;
mod best;
mod changes;
mod task;
mod validation;

pub use auto::{Fastest, Shared, worth_sharing};
use beside::Beside;
pub use best::Best;
pub use changes::Mark;
pub use task::{Preparation, Task};
use validation::Held;

/// The epoch whose order picks the rows of a sampled loss: the same rows at every measurement of a run.
const SAMPLE_EPOCH: u32 = u32::MAX;

/// Steps of one call on the CPU: their plan and trace stay in its nearest caches.
const CPU_STEPS_PER_CALL: usize = 1 << 11;

/// Where in its epochs a run stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// Whole passes done.
    pub epoch: u64,
    /// Rows of the current pass done.
    pub position: u32,
}

/// Loss and gradient of exactly the weights that a run has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// Mean squared error.
    pub loss: f64,
    /// Euclidean norm of its gradient by the scaled parameters.
    pub gradient_norm: f64,
    /// Rows that it was taken over.
    pub rows: u32,
}

/// A prediction and what adds up to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// Which output is taken apart: that of the most probable class, where there are several.
    pub output: usize,
    /// That output before its link.
    pub sum: f64,
    /// What it is where every feature is at its mean.
    pub baseline: f64,
    /// What each input adds to it.
    pub contributions: Vec<f64>,
    /// What all outputs mean: see [`Loss::respond`].
    pub response: Vec<f64>,
}

fn most_probable(response: &[f64]) -> usize {
    let places = 0..response.len();
    places.max_by(|a, b| response[*a].total_cmp(&response[*b])).unwrap_or(0)
}

/// What a model comes to under many strengths of the penalty.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Path {
    /// From the greatest to the least.
    pub strengths: Vec<f32>,
    /// `[strength][feature][output]`, of the scaled features.
    pub coefficients: Vec<f32>,
    /// Mean loss of each without the penalty, over the rows that are trained on.
    pub loss: Vec<f32>,
    /// The same over the rows held out; nothing where there are none.
    pub validation: Vec<f32>,
}

/// How a run stands.
#[derive(Clone, Debug, PartialEq)]
pub enum Status {
    /// It can go on.
    Ready,
    /// A stop condition was met.
    Finished(Message),
    /// It stopped on its last finite state.
    Diverged {
        /// Why.
        reason: Message,
        /// A rate that would not have.
        suggested_rate: f64,
    },
}

/// Everything needed to go on elsewhere.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// Weights, moments, reactions, steps.
    pub state: State,
    /// Place in the epochs.
    pub place: Place,
    /// Step at which the optimizer was chosen.
    pub optimizer_start: u64,
    /// Step at which the schedule was chosen.
    pub schedule_start: u64,
    /// Loss at the very beginning, which divergence is measured by.
    pub first_loss: f64,
}

/// A run.
#[derive(Debug)]
pub struct Trainer {
    plan: RunPlan,
    task: Task,
    backend: Backend,
    in_use: InUse,
    state: State,
    place: Place,
    optimizer_start: u64,
    schedule_start: u64,
    first_loss: f64,
    measured: Measured,
    batch_loss: Option<f32>,
    status: Status,
    monitor: Monitor,
    history: History,
    marks: Vec<Mark>,
    /// Rows that the shown loss is taken over; fewer than all only where all would cost too much.
    evaluation_rows: u32,
    // Kept between calls so that stepping allocates nothing.
    steps: Vec<StepParams>,
    /// What every one of `steps` is, where they are all the same: full batches at a constant rate.
    uniform: Option<StepParams>,
    trace: Vec<[f32; 2]>,
    losses: Vec<f32>,
    held: Option<Held>,
    /// Of the least loss that was measured over every row, where none is held out.
    least: Option<Best>,
    /// Of the weights that `measured` is of.
    validation_loss: f64,
    beside: Beside,
    /// At the last measurement: of each fold, its loss under the run that leaves it out.
    fold_losses: Vec<f32>,
    /// The penalty's share of the loss as last measured.
    measured_penalty: f64,
    /// Of each strength of the path, the mean loss without the penalty, and that of the rows held out.
    path_losses: Vec<[f32; 2]>,
    /// The largest gradient norm of the runs beside the shown one.
    norm_beside: f64,
    /// Batch loss of every update since it was last taken, where somebody wants to have them.
    kept_losses: Option<Vec<f32>>,
}

impl Trainer {
    /// A run at its initial weights, measured.
    ///
    /// # Errors
    /// Those of the backend.
    pub async fn new(plan: RunPlan, task: Task, backend: Backend, in_use: InUse) -> Result<Self> {
        let beside = Beside::of(&plan, &task.problem);
        let state = first_state(&plan, &task, &beside);
        let n_measured = task.problem.in_memory().n_samples;
        let held = task.validation.as_ref().map(|(problem, variance)| Held::new(problem, *variance, &plan));
        let mut trainer = Self {
            plan,
            task,
            backend,
            in_use,
            state,
            place: Place::default(),
            optimizer_start: 0,
            schedule_start: 0,
            first_loss: f64::NAN,
            measured: Measured { loss: f64::NAN, gradient_norm: f64::NAN, rows: n_measured },
            batch_loss: None,
            status: Status::Ready,
            monitor: Monitor::default(),
            history: History::default(),
            marks: Vec::new(),
            evaluation_rows: n_measured,
            steps: Vec::with_capacity(MAX_STEPS_PER_CALL),
            uniform: None,
            trace: Vec::with_capacity(MAX_STEPS_PER_CALL),
            losses: Vec::with_capacity(MAX_STEPS_PER_CALL),
            held,
            least: None,
            validation_loss: f64::NAN,
            beside,
            fold_losses: Vec::new(),
            measured_penalty: 0.0,
            path_losses: Vec::new(),
            norm_beside: 0.0,
            kept_losses: None,
        };
        trainer.measure().await?;
        trainer.first_loss = trainer.measured.loss;
        trainer.look();
        Ok(trainer)
    }

    /// Makes up to `n_steps` updates, fewer where the run ends, and measures the weights after the last.
    ///
    /// # Errors
    /// None that leave the run unusable: a lost GPU is replaced by the CPU and shows in [`Trainer::in_use`].
    pub async fn advance(&mut self, n_steps: u64) -> Result<()> {
        self.advance_unmeasured(n_steps).await?;
        self.measure().await
    }

    /// Makes up to `n_steps` updates and measures nothing: [`Trainer::measured`] is of older weights until
    /// [`Trainer::measure`].
    ///
    /// # Errors
    /// As [`Trainer::advance`].
    pub async fn advance_unmeasured(&mut self, n_steps: u64) -> Result<()> {
        let last = self.step().saturating_add(n_steps);
        while self.step() < last && self.status == Status::Ready {
            let before = self.step();
            self.advance_to(self.next_look(last)).await;
            self.look();
            if self.step() == before {
                break;
            }
        }
        Ok(())
    }

    async fn advance_to(&mut self, last: u64) {
        if self.backend.is_gpu() {
            self.call_ahead(last).await;
        }
        // The CPU's steps, or what a GPU that was lost has left.
        while self.step() < last && self.status == Status::Ready && !self.backend.is_gpu() {
            let left = last - self.step();
            let planned = self.plan_steps(left.min(self.steps_per_call() as u64) as usize);
            if planned == 0 {
                break;
            }
            let steps = std::mem::take(&mut self.steps);
            self.call(&steps[..planned]).await;
            self.steps = steps;
        }
    }

    /// Steps of one call: where rows are shuffled in blocks, which may be in storage, as many as a block holds.
    fn steps_per_call(&self) -> usize {
        let problem = &self.task.problem;
        if !problem.has_blocks() {
            return CPU_STEPS_PER_CALL;
        }
        let batch_rows = self.plan.batch_rows(problem.n_samples);
        CPU_STEPS_PER_CALL.min((problem.block_rows / batch_rows).max(1) as usize)
    }

    /// Takes steps up to `last` on a GPU, each call put in before those before it have answered. Where the GPU is lost,
    /// the CPU takes its place at the last step that was answered.
    async fn call_ahead(&mut self, last: u64) {
        let mut pipeline = Pipeline::default();
        let params = self.run_params();
        let (mut next, mut place) = (self.step(), self.place);
        loop {
            while next < last && self.status == Status::Ready && pipeline.has_room(&self.backend) {
                let n = (last - next).min(MAX_STEPS_PER_CALL as u64) as usize;
                let planned = self.plan_steps_from(next, place, n);
                if planned == 0 {
                    next = last;
                    break;
                }
                let steps = &self.steps[..planned];
                next += planned as u64;
                place = steps.iter().fold(place, |place, step| {
                    next_place(place, step.batch_len, self.task.problem.n_samples)
                });
                let put = pipeline.enqueue(&mut self.backend, &self.state, &params, steps).await;
                if let Err(lost) = put {
                    return self.replace_lost(lost);
                }
            }
            let first = self.step();
            match pipeline.collect(&mut self.backend, &mut self.state, &mut self.trace).await {
                Ok(Some(steps)) => self.record(first, steps),
                Ok(None) => return,
                Err(lost) => return self.replace_lost(lost),
            }
        }
    }

    fn replace_lost(&mut self, backend::DeviceLost(detail): backend::DeviceLost) {
        let reason = Message::new(Code::GpuLost).with("step", self.step()).with("detail", detail);
        let backend = backend::cpu(Rc::clone(&self.task.problem));
        let in_use = InUse { fallback: true, ..InUse::new(&backend, reason) };
        self.set_backend(backend, in_use);
    }

    /// Measures loss and gradient of the weights as they are, and lets the monitor see them if they are of every row.
    ///
    /// # Errors
    /// As [`Trainer::advance`].
    pub async fn measure(&mut self) -> Result<()> {
        self.evaluate().await?;
        if self.judge() {
            // What was measured was taken back: what is shown is the loss of the weights shown.
            self.evaluate().await?;
        }
        Ok(())
    }

    async fn evaluate(&mut self) -> Result<()> {
        let rows = self.evaluation_rows;
        let sample = rows < self.task.problem.n_samples;
        let step = StepParams {
            epoch: SAMPLE_EPOCH,
            batch_len: rows,
            flags: EVALUATE | if sample { SHUFFLED } else { 0 },
            n_tiles: kernel::tiles(rows),
            ..StepParams::default()
        };
        self.call(&[step]).await;
        let reaction = self.state.reactions[0];
        self.measured = Measured {
            loss: f64::from(reaction.evaluated_loss),
            gradient_norm: f64::from(reaction.evaluated_gradient_norm),
            rows,
        };
        self.measured_penalty = self.penalty();
        self.note_least();
        self.history.record_loss(self.step(), reaction.evaluated_loss);
        self.measure_validation();
        if self.state.n_runs() > 1 {
            self.measure_beside(step).await;
        }
        Ok(())
    }

    /// What the runs beside the shown one have come to, over the rows that it was measured over.
    async fn measure_beside(&mut self, step: StepParams) {
        let live = self.state.reactions[1..].iter().filter(|reaction| reaction.halt == 0);
        self.norm_beside =
            live.map(|reaction| f64::from(reaction.evaluated_gradient_norm)).fold(0.0, f64::max);
        let penalty = self.plan.config().penalty;
        let losses: Vec<f32> = (self.beside.path())
            .map(|(run, strength)| {
                let added = Penalty { strength, ..penalty }.of(self.weights_of(run));
                (f64::from(self.state.reactions[run].evaluated_loss) - added) as f32
            })
            .collect();
        let held_out = self.measure_path_validation();
        self.path_losses =
            losses.into_iter().zip(held_out).map(|(loss, held_out)| [loss, held_out]).collect();
        if !self.beside.folds().is_empty() {
            self.call(&[StepParams { flags: step.flags | VALIDATE, ..step }]).await;
            let fold = |run: usize| self.state.reactions[run].evaluated_loss;
            self.fold_losses = self.beside.folds().map(fold).collect();
        }
    }

    /// A run's weights of the scaled features, the biases left out.
    fn weights_of(&self, run: usize) -> impl Iterator<Item = f64> + '_ {
        let problem = &self.task.problem;
        let n_weights = (problem.n_features * problem.n_outputs) as usize;
        self.state.parameters(run)[..n_weights].iter().map(|w| f64::from(*w))
    }

    /// What the penalty adds to the loss of the weights as they are.
    pub fn penalty(&self) -> f64 {
        let penalty = self.plan.config().penalty;
        if penalty.strength == 0.0 { 0.0 } else { penalty.of(self.weights_of(0)) }
    }

    /// Of each part of a cross-validation, the mean loss of its rows under the run that leaves it out, as last measured.
    pub fn fold_losses(&self) -> &[f32] {
        &self.fold_losses
    }

    /// The coefficient path as last measured; `None` where there is none.
    pub fn path(&self) -> Option<Path> {
        if self.beside.strengths().is_empty() {
            return None;
        }
        let weights = |run: usize| self.weights_of(run).map(|w| w as f32);
        Some(Path {
            strengths: self.beside.strengths().iter().map(|strength| *strength as f32).collect(),
            coefficients: self.beside.path().flat_map(|(run, _)| weights(run)).collect(),
            loss: self.path_losses.iter().map(|[loss, _]| *loss).collect(),
            validation: match self.held {
                Some(_) => self.path_losses.iter().map(|[_, held_out]| *held_out).collect(),
                None => Vec::new(),
            },
        })
    }

    /// Updates done.
    pub fn step(&self) -> u64 {
        self.state.steps[0]
    }

    /// Whole passes done, and rows of the current one.
    pub fn place(&self) -> Place {
        self.place
    }

    /// Updates until the current pass is over.
    pub fn steps_to_epoch_end(&self) -> u64 {
        let n_samples = self.task.problem.n_samples;
        u64::from((n_samples - self.place.position).div_ceil(self.plan.batch_rows(n_samples)))
    }

    /// What was last measured.
    pub fn measured(&self) -> Measured {
        self.measured
    }

    /// Loss of the last update's own batch, before it.
    pub fn batch_loss(&self) -> Option<f32> {
        self.batch_loss
    }

    /// How the run stands.
    pub fn status(&self) -> &Status {
        &self.status
    }

    /// Keeps the batch loss of every update from now on, until [`Trainer::take_losses`].
    pub fn keep_losses(&mut self) {
        self.kept_losses = Some(Vec::new());
    }

    /// The batch losses kept so far, in the order of the updates; each of the weights before its update.
    pub fn take_losses(&mut self) -> Vec<f32> {
        self.kept_losses.replace(Vec::new()).unwrap_or_default()
    }

    /// The checked configuration.
    pub fn plan(&self) -> &RunPlan {
        &self.plan
    }

    /// What the run is about.
    pub fn task(&self) -> &Task {
        &self.task
    }

    /// The engine in use and why.
    pub fn in_use(&self) -> &InUse {
        &self.in_use
    }

    /// The engine, to tune it.
    pub fn backend_mut(&mut self) -> &mut Backend {
        &mut self.backend
    }

    /// What was recorded.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// The same, to take what is new in it.
    pub fn history_mut(&mut self) -> &mut History {
        &mut self.history
    }

    /// Changes that were made in mid-run.
    pub fn marks(&self) -> &[Mark] {
        &self.marks
    }

    /// Parameters of the scaled features: weights, then the bias.
    pub fn parameters(&self) -> &[f32] {
        self.state.parameters(0)
    }

    /// The parameters in the units of inputs and target: those of each output, one output after the other.
    pub fn original_parameters(&self) -> Vec<f64> {
        self.task.original(&self.parameters_f64())
    }

    /// `||w - w*|| / ||w*||` in the units of x and y; `None` where there is no single `w*`, or it is 0.
    pub fn distance(&self) -> Option<f64> {
        if !self.task.exact.unique {
            return None;
        }
        let exact = &self.task.exact.original;
        let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
        let length = norm(&mut exact.iter().copied());
        let apart = norm(&mut self.original_parameters().iter().zip(exact).map(|(w, e)| w - e));
        if length > 0.0 { Some(apart / length) } else { None }
    }

    /// Share of the target's variance that the weights explain; `None` for a constant target, and where the loss is none
    /// of squares or rows count differently.
    pub fn r2(&self) -> Option<f64> {
        let variance = self.task.dataset.target_variance();
        let squares = self.plan.config().loss == Loss::Squared && self.task.problem.weights.is_empty();
        (squares && variance > 0.0).then(|| 1.0 - (self.measured.loss - self.measured_penalty) / variance)
    }

    /// What the model of one input says at `x`, both in the units they came in.
    pub fn predict(&self, x: f64) -> f64 {
        self.predict_row(&[x])
    }

    /// What the model says of a row's inputs, all in the units they came in; categories as the index of their level. Of
    /// several classes, the index of the most probable one; of two, the probability of the second.
    pub fn predict_row(&self, x: &[f64]) -> f64 {
        self.predict_row_by(&self.parameters_f64(), x)
    }

    /// The same by other parameters of the scaled features.
    pub fn predict_row_by(&self, parameters: &[f64], x: &[f64]) -> f64 {
        let mut predicted = f64::NAN;
        self.respond(parameters, x, |_, response| {
            predicted = if response.len() == 1 { response[0] } else { most_probable(response) as f64 };
        });
        predicted
    }

    /// The same of many rows, row-major.
    pub fn predict_rows(&self, x: &[f64], predicted: &mut [f64]) {
        let mut predicted = predicted.iter_mut();
        self.for_each_response(x, |_, response| {
            if let Some(predicted) = predicted.next() {
                *predicted = if response.len() == 1 { response[0] } else { most_probable(response) as f64 };
            }
        });
    }

    /// What the model says of rows with these targets, to be shown beside them: of several classes, the probability that it
    /// gives to the right one.
    pub fn predict_beside(&self, x: &[f64], y: &[f64], predicted: &mut [f64]) {
        self.for_each_response(x, |row, response| {
            predicted[row] = if response.len() == 1 { response[0] } else { response[y[row] as usize] };
        });
    }

    /// What each of many rows' outputs mean: see [`Loss::respond`].
    pub fn for_each_response(&self, x: &[f64], each: impl FnMut(usize, &[f64])) {
        self.respond(&self.parameters_f64(), x, each);
    }

    /// What the model of one input would say at `x` with the parameters that descent is heading for.
    pub fn predict_exactly(&self, x: f64) -> f64 {
        self.predict_row_by(&self.task.exact.parameters, &[x])
    }

    fn respond(&self, parameters: &[f64], x: &[f64], mut each: impl FnMut(usize, &[f64])) {
        let map = &self.task.map;
        let loss = self.plan.config().loss;
        let n_outputs = self.task.problem.n_outputs as usize;
        let by_output: Vec<Vec<f64>> =
            (0..n_outputs).map(|output| model::of_output(parameters, n_outputs, output)).collect();
        let mut features = vec![0.0; map.n_features()];
        let mut outputs = vec![0.0; by_output.len()];
        for (row, x) in x.chunks_exact(map.n_inputs()).enumerate() {
            for (output, parameters) in outputs.iter_mut().zip(&by_output) {
                *output = model::predict(map, parameters, x, &mut features);
            }
            loss.respond(&mut outputs);
            each(row, &outputs);
        }
    }

    /// What the model says of a row, and what each input adds to it.
    pub fn explain_row(&self, x: &[f64]) -> Explanation {
        let mut response = Vec::new();
        self.for_each_response(x, |_, all| response = all.to_vec());
        let n_outputs = self.task.problem.n_outputs as usize;
        let output = most_probable(&response);
        let parameters = model::of_output(&self.parameters_f64(), n_outputs, output);
        let (sum, baseline, contributions) = model::explain(&self.task.map, &parameters, x);
        Explanation { output, sum, baseline, contributions, response }
    }

    /// The rate above which plain batch descent diverges: `2 / curvature`, of the squared loss exactly, of others that have
    /// such a bound at the most that they can be curved. Of Poisson's loss, which has none, the rate above which descent
    /// comes no nearer to where it is heading. `NaN` where the loss has kinks, or that place is not known.
    pub fn stable_rate(&self) -> f64 {
        2.0 / self.curvatures()[0]
    }

    /// How curved the objective is over all rows, and over the steepest of them alone.
    fn curvatures(&self) -> [f64; 2] {
        let (exact, steepest_row) = (&self.task.exact, self.task.steepest_row);
        let config = self.plan.config();
        let l2 = config.penalty.strength * (1.0 - config.penalty.l1_ratio);
        let of_loss = match config.loss.curvature() {
            // The largest eigenvalue is that of the squared loss, whose second derivative is 2.
            Some(curvature) => curvature / 2.0 * exact.largest_eigenvalue,
            None => self.task.curvature.map_or(f64::NAN, |curvature| curvature - l2),
        };
        [of_loss + l2, of_loss / exact.largest_eigenvalue * steepest_row + l2]
    }

    /// The rate that the next update will take.
    pub fn learning_rate(&self) -> f64 {
        self.planned_rate(self.step()) * f64::from(self.state.reactions[0].rate_scale)
    }

    /// Whether every update sees every row.
    pub fn full_batch(&self) -> bool {
        let n_samples = self.task.problem.n_samples;
        self.plan.batch_rows(n_samples) == n_samples
    }

    /// Takes the shown loss over this many rows from now on: all of them, or a fixed sample, which is no larger than what
    /// is in memory.
    pub fn set_evaluation_rows(&mut self, rows: u32) {
        let problem = &self.task.problem;
        let rows = if rows < problem.n_samples { rows.min(problem.in_memory().n_samples) } else { rows };
        self.evaluation_rows = rows.clamp(1, problem.n_samples);
    }

    /// Rows that the shown loss is taken over.
    pub fn evaluation_rows(&self) -> u32 {
        self.evaluation_rows
    }

    /// Lets a run that has ended go on from where it stands, as far as its stop conditions allow.
    pub fn resume(&mut self) {
        self.monitor.forgive();
        self.status = Status::Ready;
        self.state.reactions.iter_mut().for_each(|reaction| reaction.halt = 0);
    }

    /// Back to the initial weights: the very same.
    ///
    /// # Errors
    /// As [`Trainer::advance`].
    pub async fn reset(&mut self) -> Result<()> {
        // How strong a square penalty may be depends on the rate, which may have changed.
        self.beside = Beside::of(&self.plan, &self.task.problem);
        self.state = first_state(&self.plan, &self.task, &self.beside);
        self.place = Place::default();
        (self.optimizer_start, self.schedule_start) = (0, 0);
        self.batch_loss = None;
        self.status = Status::Ready;
        self.monitor = Monitor::default();
        self.history.clear();
        self.marks.clear();
        self.first_loss = f64::NAN;
        self.least = None;
        if let Some(held) = &mut self.held {
            held.forget();
        }
        self.measure().await?;
        self.first_loss = self.measured.loss;
        self.look();
        Ok(())
    }

    /// Everything needed to go on elsewhere.
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            state: self.state.clone(),
            place: self.place,
            optimizer_start: self.optimizer_start,
            schedule_start: self.schedule_start,
            first_loss: self.first_loss,
        }
    }

    /// Goes on from a checkpoint of the same model and data.
    ///
    /// # Errors
    /// [`Code::WeightsPlace`] where the data has no such row, and then the run is as it was; else as
    /// [`Trainer::advance`].
    pub async fn restore(&mut self, checkpoint: Checkpoint) -> Result<()> {
        let n_samples = self.task.problem.n_samples;
        if checkpoint.place.position >= n_samples {
            return Err(Message::new(Code::WeightsPlace)
                .with("position", checkpoint.place.position)
                .with("n_samples", n_samples));
        }
        let expected = self.task.problem.n_parameters() as usize;
        if checkpoint.state.n_parameters != expected {
            return Err(Message::new(Code::WeightsShape)
                .with("found", checkpoint.state.n_parameters)
                .with("expected", expected));
        }
        let settings = self.beside.settings(&self.plan, &self.task.problem);
        let n_runs = self.beside.n_runs();
        self.state = State { settings, ..checkpoint.state };
        if self.state.n_runs() != n_runs {
            // A file keeps the shown run alone: those beside it begin where it stands.
            let State { n_parameters, values, reactions, steps, .. } = &mut self.state;
            *values = values[..slot::COUNT * *n_parameters].repeat(n_runs);
            *reactions = reactions[..1].repeat(n_runs);
            *steps = steps[..1].repeat(n_runs);
        }
        self.place = checkpoint.place;
        self.optimizer_start = checkpoint.optimizer_start;
        self.schedule_start = checkpoint.schedule_start;
        self.first_loss = checkpoint.first_loss;
        self.batch_loss = None;
        self.status = Status::Ready;
        self.monitor = Monitor::default();
        self.history.clear();
        self.marks.clear();
        self.least = None;
        if let Some(held) = &mut self.held {
            held.forget();
        }
        self.measure().await
    }

    /// Begins at these parameters of the scaled features instead of the initial ones: at step 0, nothing seen yet.
    ///
    /// # Errors
    /// As [`Trainer::restore`].
    pub async fn begin_at(&mut self, parameters: &[f32]) -> Result<()> {
        self.restore(Checkpoint {
            state: State::new(parameters),
            place: Place::default(),
            optimizer_start: 0,
            schedule_start: 0,
            first_loss: f64::NAN,
        })
        .await?;
        self.first_loss = self.measured.loss;
        self.look();
        Ok(())
    }

    /// Takes over how a run went before it was restored: what was seen since stays.
    pub fn retrace(&mut self, curve: &Curve) {
        let step = self.step();
        self.history.retrace(curve, step);
        self.history.record_loss(step, self.measured.loss as f32);
    }

    /// Goes on on another engine, from the state as it is.
    pub fn set_backend(&mut self, backend: Backend, in_use: InUse) {
        let name = |in_use: &InUse| if in_use.gpu { "GPU" } else { "CPU" };
        let (from, to) = (name(&self.in_use), name(&in_use));
        if from != to && self.step() > 0 {
            self.mark(Message::new(Code::MarkBackend).with("from", from).with("to", to));
        }
        self.backend = backend;
        self.in_use = in_use;
    }

    fn parameters_f64(&self) -> Vec<f64> {
        self.parameters().iter().map(|w| f64::from(*w)).collect()
    }

    fn planned_rate(&self, step: u64) -> f64 {
        self.plan.learning_rate(step.saturating_sub(self.schedule_start))
    }

    /// Plans up to `n` updates from where the run stands, no further than its stop conditions. Returns how many.
    fn plan_steps(&mut self, n: usize) -> usize {
        self.plan_steps_from(self.step(), self.place, n)
    }

    /// The same from a step and a place that the run is expected to reach.
    fn plan_steps_from(&mut self, first: u64, mut place: Place, n: usize) -> usize {
        let config = self.plan.config();
        let n_samples = self.task.problem.n_samples;
        let batch_rows = self.plan.batch_rows(n_samples);
        let constant_rate =
            config.schedule.is_constant() && first >= self.schedule_start + config.warmup.steps;
        let rate_now = self.planned_rate(first) as f32;
        if constant_rate && batch_rows == n_samples && place.position == 0 && !config.optimizer.corrects() {
            let left = |last: Option<u64>, now: u64| last.map_or(u64::MAX, |last| last.saturating_sub(now));
            let n = left(config.stop.steps, first).min(left(config.stop.epochs, place.epoch)).min(n as u64)
                as usize;
            let step = StepParams {
                learning_rate: rate_now,
                correction1: 1.0,
                correction2: 1.0,
                batch_len: n_samples,
                flags: EPOCH_START | EPOCH_END | FULL,
                n_tiles: kernel::tiles(n_samples),
                ..StepParams::default()
            };
            if self.uniform != Some(step) {
                self.steps.clear();
                self.uniform = Some(step);
            }
            if self.steps.len() < n {
                self.steps.resize(n, step);
            }
            return n;
        }
        self.uniform = None;
        self.steps.clear();
        for i in 0..n as u64 {
            let step = first + i;
            if config.stop.steps.is_some_and(|last| step >= last) {
                break;
            }
            if config.stop.epochs.is_some_and(|last| place.epoch >= last) {
                break;
            }
            let learning_rate = if constant_rate { rate_now } else { self.planned_rate(step) as f32 };
            let (correction1, correction2) = config.optimizer.corrections(step - self.optimizer_start + 1);
            let batch_len = batch_rows.min(n_samples - place.position);
            let full = batch_len == n_samples;
            let ends = place.position + batch_len == n_samples;
            let flag = |set: bool, flag: u32| if set { flag } else { 0 };
            self.steps.push(StepParams {
                learning_rate,
                correction1: correction1 as f32,
                correction2: correction2 as f32,
                epoch: place.epoch as u32,
                batch_start: place.position,
                batch_len,
                flags: flag(config.shuffle && !full, SHUFFLED)
                    | flag(place.position == 0, EPOCH_START)
                    | flag(ends, EPOCH_END)
                    | flag(full, FULL),
                n_tiles: kernel::tiles(batch_len),
            });
            place = next_place(place, batch_len, n_samples);
        }
        self.steps.len()
    }

    fn run_params(&self) -> RunParams {
        let config = self.plan.config();
        let problem = &self.task.problem;
        let limit = if self.first_loss.is_finite() {
            monitor::divergence_limit(self.first_loss, self.task.dataset.target_variance())
        } else {
            f32::MAX
        };
        let mut params = RunParams {
            n_samples: problem.n_samples,
            n_features: problem.n_features,
            n_parameters: problem.n_parameters(),
            n_runs: self.state.n_runs() as u32,
            seed: config.seed,
            block_rows: problem.block_rows,
            divergence_limit: limit,
            // A mean loss of counts may lie far below 0.
            target_loss: config.stop.loss.map_or(f32::MIN, |target| target as f32),
            target_gradient_norm: config.stop.gradient_norm.map_or(-1.0, |target| target as f32),
            ..RunParams::default()
        };
        params.set_rule(&config.optimizer.rule());
        params.set_loss(&config.loss);
        params.set_reaction(&config.schedule, config.learning_rate);
        params
    }

    /// Sends steps through the engine; a lost GPU is replaced and the same steps taken on the CPU. Where rows are read from
    /// storage and cannot be, the run ends before these steps.
    async fn call(&mut self, steps: &[StepParams]) {
        let params = self.run_params();
        let first = self.step();
        let before = self.task.problem.stored().map(|_| self.state.clone());
        let lost = self.backend.advance(&mut self.state, &params, steps, &mut self.trace).await;
        if let Err(lost) = lost {
            self.replace_lost(lost);
            // The CPU engine cannot be lost.
            let _ = self.backend.advance(&mut self.state, &params, steps, &mut self.trace).await;
        }
        if let Some(detail) = self.backend.lost_partner() {
            let reason = Message::new(Code::PairLost).with("step", first).with("detail", detail);
            let in_use = InUse { how: Some(reason), fallback: true, ..self.in_use.clone() };
            self.set_backend(backend::cpu(Rc::clone(&self.task.problem)), in_use);
        }
        if let Some(before) = before
            && self.ends_unread()
        {
            self.state = before;
            return;
        }
        self.record(first, steps);
    }

    /// Whether [`Trainer::read_ahead`] has anything to do: rows are read from storage, and a single run is made of them.
    pub fn reads_ahead(&self) -> bool {
        self.task.problem.stored().is_some() && self.state.n_runs() == 1
    }

    /// Reads one more block of rows from storage for a step, or a measurement, that sees all of them, so that such a pass can
    /// be made a little at a time; `held_out` for one that sees the rows held out as well. Returns the share of the rows that
    /// is done: at 1 the pass has nothing left to read.
    pub fn read_ahead(&mut self, held_out: bool) -> f64 {
        let params = self.run_params();
        let Backend::Cpu(engine) = &mut self.backend else { return 1.0 };
        let n_samples = self.task.problem.n_samples;
        let held = self.held.as_mut().filter(|_| held_out);
        let n_held = held.as_ref().map_or(0, |held| held.n_samples());
        let mut done = engine.read_ahead(&self.state, &params);
        if let (Some(held), true) = (held, done == n_samples) {
            done += held.read_ahead(self.state.parameters(0));
        }
        if self.ends_unread() { 1.0 } else { f64::from(done) / f64::from(n_samples + n_held) }
    }

    /// Ends the run where rows could not be read from storage. What the engines hold in their place goes with them.
    fn ends_unread(&mut self) -> bool {
        let problem = &self.task.problem;
        if problem.stored().is_none() {
            return false;
        }
        let Err(reason) = self.task.dataset.readable() else { return false };
        self.backend = backend::cpu(Rc::clone(problem));
        self.held.iter_mut().for_each(Held::renew);
        self.status = Status::Finished(reason);
        true
    }

    /// Takes what a call did into place, history and status.
    fn record(&mut self, first: u64, steps: &[StepParams]) {
        let reaction = self.state.reactions[0];
        let n_samples = self.task.problem.n_samples;
        if steps.first().is_some_and(|step| step.flags & EVALUATE != 0) {
            return;
        }
        if reaction.taken < 0 {
            // The update before this call was taken back.
            self.step_back();
        }
        let taken = reaction.taken.max(0) as usize;
        // Where one step sees every row, all of the call do.
        if steps.first().is_some_and(|step| step.batch_len == n_samples) {
            // A file may say that it stands anywhere.
            self.place.epoch = self.place.epoch.saturating_add(taken as u64);
        } else {
            for step in &steps[..taken] {
                self.place = next_place(self.place, step.batch_len, n_samples);
            }
        }
        let trace = &self.trace[..taken];
        self.losses.clear();
        self.losses.extend(trace.iter().map(|[loss, _]| *loss));
        self.history.record_steps_with(first, &self.losses, |i| trace[i][1]);
        if let Some(loss) = self.losses.last() {
            self.batch_loss = Some(*loss);
        }
        if let Some(kept) = &mut self.kept_losses {
            kept.extend_from_slice(&self.losses);
        }
        let stop = &self.plan.config().stop;
        let halted = monitor::halted(
            reaction.halt,
            self.state.steps[0],
            stop.loss.unwrap_or(0.0),
            stop.gradient_norm.unwrap_or(0.0),
        );
        if let Some(reason) = halted {
            self.status = match reaction.halt {
                HALT_NOT_FINITE | HALT_LOSS => self.diverged(reason),
                _ => Status::Finished(reason),
            };
            return;
        }
        if let Some(limit) = stop.steps.filter(|limit| self.state.steps[0] >= *limit) {
            let reason = Message::new(Code::ReachedSteps).with("limit", count(limit));
            self.status = Status::Finished(reason);
        } else if let Some(limit) = stop.epochs.filter(|limit| self.place.epoch >= *limit) {
            let reason = Message::new(Code::ReachedEpochs).with("limit", count(limit));
            self.status = Status::Finished(reason);
        }
    }

    /// What the measurement says of the run's end. Returns whether it took the last update back.
    fn judge(&mut self) -> bool {
        if self.status != Status::Ready {
            return false;
        }
        let whole = self.measured.rows == self.task.problem.n_samples;
        let stop = &self.plan.config().stop;
        let seen = Observation {
            step: self.step(),
            epoch: self.place.epoch,
            loss: self.measured.loss,
            gradient_norm: self.measured.gradient_norm.max(self.norm_beside),
            learning_rate: self.learning_rate(),
            full_batch: self.full_batch(),
        };
        let limit = monitor::divergence_limit(self.first_loss, self.task.dataset.target_variance());
        if self.step() > 0 && (!seen.loss.is_finite() || seen.loss > f64::from(limit)) {
            let reason = Message::new(Code::DivergedLoss).with("step", seen.step);
            let previous = self.state.slot(0, slot::PREVIOUS).to_vec();
            self.state.slot_mut(0, slot::WEIGHT).copy_from_slice(&previous);
            self.state.steps[0] -= 1;
            self.step_back();
            self.status = self.diverged(reason);
            return true;
        }
        // A sample has a minimum of its own: where the run ends is for every row to say.
        if !whole {
            return false;
        }
        if stop.loss.is_some_and(|target| seen.step > 0 && seen.loss <= target) {
            let target = short(stop.loss.unwrap_or(0.0));
            self.status = Status::Finished(Message::new(Code::ReachedLoss).with("target", target));
        } else if stop.gradient_norm.is_some_and(|target| seen.step > 0 && seen.gradient_norm <= target) {
            let target = short(stop.gradient_norm.unwrap_or(0.0));
            self.status = Status::Finished(Message::new(Code::ReachedGradientNorm).with("target", target));
        } else if stop.converged
            && let Some(reason) = self.monitor.observe(&seen)
        {
            self.status = Status::Finished(reason);
        }
        false
    }

    /// The place before the last update.
    fn step_back(&mut self) {
        let n_samples = self.task.problem.n_samples;
        let batch_len = self.plan.batch_rows(n_samples);
        if self.place.position == 0 {
            let position = (n_samples - 1) / batch_len * batch_len;
            self.place = Place { epoch: self.place.epoch.saturating_sub(1), position };
        } else {
            self.place.position = self.place.position.saturating_sub(batch_len);
        }
    }

    fn diverged(&self, reason: Message) -> Status {
        let n_samples = self.task.problem.n_samples;
        let config: &RunConfig = self.plan.config();
        let suggested_rate = monitor::suggested_rate(
            config.learning_rate,
            &config.optimizer,
            self.curvatures(),
            self.plan.batch_rows(n_samples),
            n_samples,
        );
        Status::Diverged { reason, suggested_rate }
    }
}

/// Every run at its initial parameters.
fn first_state(plan: &RunPlan, task: &Task, beside: &Beside) -> State {
    let config = plan.config();
    let problem = &task.problem;
    let initial = model::initial_parameters(
        config.model.initial_weights,
        (problem.n_features, problem.n_outputs),
        config.model.bias,
        config.seed,
    );
    let settings = beside.settings(plan, problem);
    if settings.is_empty() { State::new(&initial) } else { State::beside(&initial, settings) }
}

/// Runs that a plan makes of a task, the shown one and those beside it: an engine has to have room for them.
pub fn n_runs(plan: &RunPlan, task: &Task) -> usize {
    Beside::of(plan, &task.problem).n_runs()
}

fn next_place(place: Place, batch_len: u32, n_samples: u32) -> Place {
    let position = place.position + batch_len;
    if position >= n_samples {
        Place { epoch: place.epoch.saturating_add(1), position: 0 }
    } else {
        Place { position, ..place }
    }
}
