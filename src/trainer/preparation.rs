//! Prepares the rows of a run, a block at a time, so that the caller can report progress, do other work in between, or
//! cancel.

use std::rc::Rc;

use super::task::{Prepared, Task};
use crate::analysis::Triangle;
use crate::choices::loss::Targets;
use crate::choices::{Loss, Penalty, Scaling};
use crate::config::RunPlan;
use crate::dataset::{
    BLOCK_ROWS, Dataset, Extra, FeatureMap, Problem, Role, Roles, Scaler, Squaring, Stored, Summing,
};
use crate::message::{Code, Message, Result, count, short};
use crate::model::{self, Layout};
use crate::monitor;

/// Maximum number of bytes that the rows may take in memory. The features of larger tables stay in storage.
/// The table itself may take as much again, so that both together take less than a gigabyte.
const MAX_BYTES: u64 = 512 << 20;
/// Maximum number of classes of a target.
const MAX_CLASSES: f64 = 100.0;

/// A task in preparation. It reads every row as often as it needs to, one block per call, and stores no row
/// twice.
///
/// 1. Where features are scaled, it reads every row's inputs for the scales ([`Scaler`]).
/// 2. It reads every row once; the problem holds its target in f64 ([`Problem::hold_targets`]), and ranges and the sum
///    are taken.
/// 3. It goes through every row once more: features and target in f32, the triangle of the exact solution, and the
///    target's variance about its mean.
#[derive(Debug)]
pub struct Preparation {
    rows: BlockReader,
    penalty: Penalty,
    stage: Stage,
    /// Index of the first row of the next block.
    next_row: usize,
    n_samples: usize,
    /// Work done so far and work in total. The unit is the work that one row takes in the second stage.
    done: f64,
    all: f64,
}

#[derive(Debug)]
enum Stage {
    Scaling(Scaler),
    Making { map: FeatureMap, summing: Summing },
    Solving(Box<Solving>),
    Done(Box<Task>),
}

#[derive(Debug)]
struct Solving {
    map: FeatureMap,
    squaring: Squaring,
    triangle: Triangle,
    /// The triangular factor of the model with a bias added, if the model has none.
    with_bias: Option<Triangle>,
    steepest_row: f64,
}

impl Preparation {
    /// Begins to prepare rows for a plan. If a feature `map` is given, as from an imported file, its scales
    /// are used.
    ///
    /// # Errors
    /// [`Code::OutOfMemory`]; later calls may fail with [`Code::PowerTooLarge`].
    pub fn new(plan: &RunPlan, dataset: Rc<Dataset>, map: Option<FeatureMap>) -> Result<Self> {
        Self::within(plan, dataset, map, MAX_BYTES)
    }

    /// Does the same as [`Preparation::new`], but features that would take more than `max_bytes` of memory stay in
    /// storage: [`Problem::stored`].
    ///
    /// # Errors
    /// As [`Preparation::new`].
    pub fn within(
        plan: &RunPlan,
        dataset: Rc<Dataset>,
        map: Option<FeatureMap>,
        max_bytes: u64,
    ) -> Result<Self> {
        let model = &plan.config().model;
        let (bias, n_samples) = (model.bias, dataset.n_samples());
        let plain = model::feature_map(model, &dataset.inputs)?;
        let (n_inputs, n_features) = (plain.n_inputs(), plain.n_features() as u32);
        let roles = Rc::new(Roles::of(&plan.config().validation, &dataset)?);
        let is_stored = Problem::bytes(n_samples, n_features) > max_bytes;
        let reserve = |n_rows: u32, role: Role| {
            if is_stored && n_rows > 0 {
                let stored = Stored::new(&dataset, &plain, (&roles, role), max_bytes)?;
                return Problem::of_stored(stored);
            }
            Problem::reserve(n_rows, n_features).map_err(|refused| {
                // Where the number of rows is a field of the form, the error is shown at that field.
                if dataset.is_generated() { refused.with("field", "data.source.n_samples") } else { refused }
            })
        };
        let problems = [
            reserve(roles.n_training(), Role::Training)?,
            reserve(roles.n_validation(), Role::Validation)?,
            reserve(roles.n_test(), Role::Test)?,
        ];
        let scaling = if map.is_some() { Scaling::None } else { plan.scaling() };
        let scaler = Scaler::new(map.unwrap_or(plain), roles.n_training() as usize, bias, scaling);
        let [scale, make, solve] = costs(n_features, bias);
        let readings = f64::from(scaler.n_readings());
        let all = (readings * scale + make + solve) * f64::from(n_samples);
        let stage = if scaler.is_done() { making(scaler.map()) } else { Stage::Scaling(scaler) };
        let rows = BlockReader {
            dataset,
            roles,
            loss: plan.config().loss,
            bias,
            highest_target: 0.0,
            problems,
            problem_rows: [0; 3],
            x: vec![0.0; BLOCK_ROWS * n_inputs],
            y: vec![0.0; BLOCK_ROWS],
            features: vec![0.0; BLOCK_ROWS * n_features as usize],
            single: Vec::new(),
        };
        Ok(Self {
            rows,
            penalty: plan.config().penalty,
            stage,
            next_row: 0,
            n_samples: n_samples as usize,
            done: 0.0,
            all,
        })
    }

    /// Does all remaining work.
    ///
    /// # Errors
    /// [`Code::PowerTooLarge`].
    pub fn run(mut self) -> Result<Task> {
        loop {
            self.advance()?;
            if let Stage::Done(task) = self.stage {
                return Ok(*task);
            }
        }
    }

    /// Processes one block of at most [`BLOCK_ROWS`] rows; does nothing once it is done.
    ///
    /// # Errors
    /// [`Code::PowerTooLarge`].
    pub fn advance(&mut self) -> Result<()> {
        let n_rows = BLOCK_ROWS.min(self.n_samples - self.next_row);
        let [scale, make, solve] = costs(self.rows.problems[0].n_features, self.rows.bias);
        let cost = match &mut self.stage {
            Stage::Scaling(scaler) => {
                self.rows.scale_block(self.next_row, n_rows, scaler);
                scale
            }
            Stage::Making { summing, .. } => {
                self.rows.hold_block(self.next_row, n_rows, summing)?;
                make
            }
            Stage::Solving(solving) => {
                self.rows.finish_block(self.next_row, n_rows, solving)?;
                solve
            }
            Stage::Done(_) => return Ok(()),
        };
        self.rows.dataset.readable()?;
        self.done += cost * n_rows as f64;
        self.next_row += n_rows;
        if self.next_row == self.n_samples {
            self.next_row = 0;
            self.rows.problem_rows = [0; 3];
            self.end_reading();
        }
        Ok(())
    }

    /// Finishes a pass over all rows and begins the next stage.
    fn end_reading(&mut self) {
        let n_features = self.rows.problems[0].n_features as usize;
        let bias = self.rows.bias;
        let ended = std::mem::replace(&mut self.stage, making(FeatureMap::plain(1)));
        self.stage = match ended {
            Stage::Scaling(mut scaler) => {
                scaler.end_reading();
                if scaler.is_done() { making(scaler.map()) } else { Stage::Scaling(scaler) }
            }
            Stage::Making { map, summing } => {
                self.rows.end_targets(&map);
                Stage::Solving(Box::new(Solving {
                    map,
                    squaring: summing.mean(),
                    triangle: Triangle::new(n_features, bias),
                    with_bias: (!bias).then(|| Triangle::new(n_features, true)),
                    steepest_row: 0.0,
                }))
            }
            Stage::Solving(solving) => Stage::Done(Box::new(self.task(*solving))),
            Stage::Done(task) => Stage::Done(task),
        };
    }

    fn task(&mut self, solving: Solving) -> Task {
        let Solving { map, squaring, triangle, with_bias, steepest_row } = solving;
        let layout = self.rows.layout();
        let BlockReader { dataset, roles, loss, problems, .. } = &mut self.rows;
        let summary = squaring.summary();
        dataset.set_summary(summary.clone());
        let variance = summary.target_variance;
        let least_squares = triangle.solve(&map, variance);
        let loss_with_bias = with_bias.map(|triangle| triangle.solve(&map, variance).loss);
        Task::of(Prepared {
            dataset: Rc::clone(dataset),
            roles: Rc::clone(roles),
            map,
            problems: std::mem::take(problems),
            layout,
            objective: (*loss, self.penalty),
            least_squares,
            loss_with_bias,
            steepest_row,
        })
    }

    /// Cancels the preparation and returns the memory that was reserved for the rows.
    pub fn leave(self) -> Problem {
        let [problem, ..] = self.rows.problems;
        problem
    }

    /// Whether the preparation is complete, so that [`Preparation::run`] has no work left.
    pub fn is_done(&self) -> bool {
        matches!(self.stage, Stage::Done(_))
    }

    /// A message that names the current stage, and the fraction of all work that is done.
    pub fn progress(&self) -> (Message, f64) {
        let message = match &self.stage {
            Stage::Scaling(_) => Code::Scaling.into(),
            Stage::Making { .. } => {
                Message::new(Code::MakingRows).with("n_samples", count(self.n_samples as u64))
            }
            Stage::Solving(_) | Stage::Done(_) => Code::Solving.into(),
        };
        let fraction = if self.is_done() { 1.0 } else { (self.done / self.all).min(1.0) };
        (message, fraction)
    }
}

/// The second stage, with a feature map whose scales are known.
fn making(map: FeatureMap) -> Stage {
    let summing = Summing::new(map.n_inputs());
    Stage::Making { map, summing }
}

/// The work that one row takes in each of the three stages, relative to the second; from rough measurements
/// in wasm.
fn costs(n_features: u32, bias: bool) -> [f64; 3] {
    let width = f64::from(n_features + 2);
    let triangles = if bias { 1.0 } else { 2.0 };
    [0.03 + 0.1 * f64::from(n_features - 1), 1.0, triangles * (0.15 + 0.03 * width * width)]
}

/// Reads blocks of rows and distributes them to the problems of training, validation and test rows.
#[derive(Debug)]
struct BlockReader {
    dataset: Rc<Dataset>,
    roles: Rc<Roles>,
    loss: Loss,
    bias: bool,
    /// The largest target so far, from which the number of classes is derived.
    highest_target: f64,
    /// The problem (rows as kernels read them) of each role: training, validation, test.
    problems: [Problem; 3],
    /// For each role, the index in its problem at which the next block's rows begin.
    problem_rows: [usize; 3],
    /// Inputs of the current block, row-major; targets and features follow in the next fields.
    x: Vec<f64>,
    y: Vec<f64>,
    features: Vec<f64>,
    /// Features of the current block in f32, if the problem does not keep them.
    single: Vec<f32>,
}

impl BlockReader {
    fn scale_block(&mut self, first: usize, n_rows: usize, scaler: &mut Scaler) {
        let n_inputs = self.dataset.n_inputs();
        let x = &mut self.x[..n_rows * n_inputs];
        self.dataset.read_x(first, x);
        let [n_training, ..] = arrange(&self.roles, first, n_inputs, x, [&mut [], &mut []]);
        scaler.add(&x[..n_training * n_inputs]);
    }

    fn hold_block(&mut self, first: usize, n_rows: usize, summing: &mut Summing) -> Result<()> {
        let n_inputs = self.dataset.n_inputs();
        let (x, y) = (&mut self.x[..n_rows * n_inputs], &mut self.y[..n_rows]);
        self.dataset.read(first, x, y);
        let mut weights = Vec::new();
        check_targets(&self.loss, &self.dataset, y)?;
        self.highest_target = y.iter().copied().fold(self.highest_target, f64::max);
        if self.dataset.extras.contains(&Extra::Weight) {
            weights.resize(n_rows, 1.0);
            self.dataset.read_extra(Extra::Weight, first, &mut weights);
            check_weights(first, &weights)?;
        }
        let n_of = arrange(&self.roles, first, n_inputs, x, [&mut y[..], &mut weights[..]]);
        summing.add(&x[..n_of[0] * n_inputs], &y[..n_of[0]]);
        let mut from = 0;
        for (problem, n) in self.problems.iter_mut().zip(n_of) {
            problem.hold_targets(&y[from..from + n]);
            problem.weights.extend(weights.iter().skip(from).take(n).map(|weight| *weight as f32));
            from += n;
        }
        Ok(())
    }

    /// Finishes the work that needs all targets and sample weights.
    fn end_targets(&mut self, map: &FeatureMap) {
        for problem in &mut self.problems {
            let sum: f64 = problem.weights.iter().map(|weight| f64::from(*weight)).sum();
            let scale = problem.weights.len() as f64 / sum;
            if !scale.is_finite() {
                // All sample weights are 0: then all rows count the same.
                problem.weights.clear();
            }
            for weight in &mut problem.weights {
                *weight = (f64::from(*weight) * scale) as f32;
            }
        }
        self.problems[0].folds = self.roles.folds().to_vec();
        self.problems.iter_mut().for_each(|problem| problem.begin_stored(map));
    }

    /// The layout of the model: softmax has an output for each class, other losses have one output.
    fn layout(&self) -> Layout {
        let n_seen = self.highest_target.max(1.0) as usize + 1;
        let n_outputs = match self.loss {
            Loss::Softmax => self.dataset.target_levels.len().max(n_seen) as u32,
            _ => 1,
        };
        Layout::linear(self.problems[0].n_features, n_outputs, self.bias)
    }

    fn finish_block(&mut self, first: usize, n_rows: usize, solving: &mut Solving) -> Result<()> {
        let n_inputs = self.dataset.n_inputs();
        let d = self.problems[0].n_features as usize;
        let (x, y) = (&mut self.x[..n_rows * n_inputs], &mut self.y[..n_rows]);
        let is_stored = self.problems[0].stored().is_some();
        let n_of = if is_stored {
            self.dataset.read(first, x, y);
            arrange(&self.roles, first, n_inputs, x, [&mut y[..], &mut []])
        } else {
            self.dataset.read_x(first, x);
            arrange(&self.roles, first, n_inputs, x, [&mut [], &mut []])
        };
        let features = &mut self.features[..n_rows * d];
        solving.map.rows(x, features);
        let mut from = 0;
        for ((problem, n), at) in self.problems.iter_mut().zip(n_of).zip(self.problem_rows) {
            let y = &mut y[from..from + n];
            if !is_stored {
                problem.held_targets(at, y);
            }
            problem.put(at, &features[from * d..(from + n) * d], y)?;
            from += n;
        }
        let [n_training, ..] = n_of;
        let (training, y) = (&features[..n_training * d], &y[..n_training]);
        solving.squaring.add(y);
        solving.triangle.fold(training, y);
        if let Some(triangle) = &mut solving.with_bias {
            triangle.fold(training, y);
        }
        if is_stored {
            self.single.clear();
            self.single.extend(training.iter().map(|value| *value as f32));
        }
        solving.steepest_row = solving.steepest_row.max(self.steepest_row(n_training));
        for (at, n) in self.problem_rows.iter_mut().zip(n_of) {
            *at += n;
        }
        Ok(())
    }

    /// The block's largest [`monitor::steepest_row`] over its `n_training` training rows, each multiplied by
    /// its sample weight.
    fn steepest_row(&self, n_training: usize) -> f64 {
        let problem = &self.problems[0];
        let d = problem.n_features as usize;
        let features = match problem.stored() {
            Some(_) => &self.single[..],
            None => &problem.features[self.problem_rows[0] * d..][..n_training * d],
        };
        let weights = problem.weights.get(self.problem_rows[0]..).unwrap_or_default();
        if weights.is_empty() {
            return monitor::steepest_row(features, d, self.bias);
        }
        let rows = features.chunks_exact(d).map(|row| monitor::steepest_row(row, d, self.bias));
        rows.zip(weights).fold(0.0_f64, |most, (row, weight)| most.max(f64::from(*weight) * row))
    }
}

/// Sorts a block of rows by role, keeping the order within each role, together with the targets and sample
/// weights in `others`. Returns the number of rows of each role. `x` is row-major, `first` is the dataset
/// index of the block's first row; the slices in `others` may be empty.
fn arrange(
    roles: &Roles,
    first: usize,
    n_inputs: usize,
    x: &mut [f64],
    others: [&mut [f64]; 2],
) -> [usize; 3] {
    let n_rows = x.len() / n_inputs;
    if roles.n_held_out() == 0 {
        return [n_rows, 0, 0];
    }
    let order: Vec<usize> = {
        let of = |role: Role| (0..n_rows).filter(move |row| roles.role(first + row) == role);
        of(Role::Training).chain(of(Role::Validation)).chain(of(Role::Test)).collect()
    };
    let arranged = |values: &mut [f64], width: usize| {
        let before = values.to_vec();
        for (values, row) in values.chunks_exact_mut(width).zip(&order) {
            values.copy_from_slice(&before[row * width..][..width]);
        }
    };
    arranged(x, n_inputs);
    others.into_iter().for_each(|values| arranged(values, 1));
    let mut n_of = [0; 3];
    (0..n_rows).for_each(|row| n_of[roles.role(first + row) as usize] += 1);
    n_of
}

/// Returns an error if the loss is not defined for one of the targets `y`.
fn check_targets(loss: &Loss, dataset: &Dataset, y: &[f64]) -> Result<()> {
    let n_levels = dataset.target_levels.len();
    let refused = |code: Code, value: &f64| {
        let found = dataset.target_levels.get(*value as usize).cloned().unwrap_or_else(|| short(*value));
        Err(Message::new(code).with("field", "loss").with("column", &dataset.target).with("found", found))
    };
    let whole = |value: f64, most: f64| value >= 0.0 && value <= most && libm::floor(value) == value;
    match loss.needs().targets {
        Targets::TwoClasses => match y.iter().find(|value| !whole(**value, 1.0)) {
            Some(value) => refused(Code::TargetNotBinary, value),
            None => Ok(()),
        },
        Targets::Classes => match y.iter().find(|value| !whole(**value, MAX_CLASSES - 1.0)) {
            Some(value) => refused(Code::TargetNotClasses, value),
            None => Ok(()),
        },
        Targets::Counts => match y.iter().find(|value| **value < 0.0) {
            Some(value) => refused(Code::TargetNotCounts, value),
            None => Ok(()),
        },
        Targets::Numbers if n_levels > 2 => {
            let refused = Message::new(Code::TargetIsClass).with("field", "loss");
            Err(refused.with("column", &dataset.target).with("n_levels", n_levels))
        }
        Targets::Numbers => Ok(()),
    }
}

/// Returns an error if a sample weight is negative or not finite. `first` is the row of the first weight.
fn check_weights(first: usize, weights: &[f64]) -> Result<()> {
    match weights.iter().position(|weight| !weight.is_finite() || *weight < 0.0) {
        Some(row) => Err(Message::new(Code::WeightNegative)
            .with("row", count((first + row + 1) as u64))
            .with("value", short(weights[row]))),
        None => Ok(()),
    }
}
