//! What a run is about, and how it is made ready: a block of rows at a time, so that whoever asks can show how far it
//! is, do something else in between, or leave it.

use std::rc::Rc;

use crate::analysis::{self, Block, LeastSquares, Triangle, optimum};
use crate::choices::{Loss, Penalty, Scaling};
use crate::config::RunPlan;
use crate::dataset::{
    BLOCK_ROWS, Dataset, Extra, FeatureMap, Grid, Problem, Role, Roles, Scaler, Squaring, Stored, Summing,
    blocks,
};
use crate::message::{Code, Message, Result, count, short};
use crate::{model, monitor};

/// What a run is about: fixed from its first step to its last.
#[derive(Clone, Debug)]
pub struct Task {
    /// The rows.
    pub dataset: Rc<Dataset>,
    /// What each row is for.
    pub roles: Rc<Roles>,
    /// From inputs to features.
    pub map: FeatureMap,
    /// What kernels read: the rows that are trained on.
    pub problem: Rc<Problem>,
    /// The rows that are held out, and the variance (with 1/n) of their targets; none where there are none.
    pub validation: Option<(Rc<Problem>, f64)>,
    /// The same of the rows that are kept for the end.
    pub test: Option<(Rc<Problem>, f64)>,
    /// What descent is heading for.
    pub exact: LeastSquares,
    /// The least loss that these features and a bias allow, whether the model has one or not.
    pub loss_with_bias: f64,
    /// See [`monitor::steepest_row`]; a row that counts more is that much steeper.
    pub steepest_row: f64,
    /// Largest eigenvalue of the objective's Hessian at what descent is heading for; `None` where that is plain least
    /// squares, where it is not known, or where there is none.
    pub curvature: Option<f64>,
}

impl Task {
    /// Prepares rows for a plan.
    ///
    /// # Errors
    /// Those of [`Preparation`].
    pub fn new(plan: &RunPlan, dataset: Rc<Dataset>) -> Result<Self> {
        Preparation::new(plan, dataset, None)?.run()
    }

    /// The same with a feature map that was made elsewhere, as an imported one.
    ///
    /// # Errors
    /// Those of [`Preparation`].
    pub fn with_map(plan: &RunPlan, dataset: Rc<Dataset>, map: FeatureMap) -> Result<Self> {
        Preparation::new(plan, dataset, Some(map))?.run()
    }

    /// Row counts on a grid over a rectangle, row-major from the bottom. Generated rows are not made again: they are
    /// taken as the kernels see them, so that a row within f32's rounding of a cell's edge may count beside it.
    pub fn density(&self, x: [f64; 2], y: [f64; 2], columns: u32, rows: u32) -> Vec<u32> {
        if !self.dataset.is_generated() || self.problem.stored().is_some() {
            return self.dataset.density(x, y, columns, rows);
        }
        let mut grid = Grid::new(x, y, columns, rows);
        let features = self.problem.features.iter().step_by(self.problem.n_features as usize);
        for (feature, target) in features.zip(&self.problem.targets) {
            grid.count(self.map.x_of(f64::from(*feature)), f64::from(*target));
        }
        grid.counts
    }

    /// Parameters of the scaled features in the units of inputs and target: those of each output, one output after the other.
    pub fn original(&self, parameters: &[f64]) -> Vec<f64> {
        original(&self.map, parameters, self.problem.n_outputs as usize)
    }

    /// Finds anew what descent is heading for, under another penalty.
    pub(super) fn head_for(&mut self, loss: Loss, penalty: Penalty) {
        self.curvature = put_optimum(&self.problem, &self.map, (loss, penalty), &mut self.exact);
    }

    /// Bytes of memory that the rows take, in every shape that they are kept in.
    pub fn bytes(&self) -> u64 {
        let held_out = [&self.validation, &self.test].into_iter().flatten();
        let problems = std::iter::once(&self.problem).chain(held_out.map(|(problem, _)| problem));
        self.dataset.bytes() + problems.map(|problem| problem.own_bytes()).sum::<u64>()
    }
}

/// Bytes that the rows may take in memory: where they would take more, their features stay where they are. A table of as
/// much is kept beside them, so that both take less than a gigabyte.
const MAX_BYTES: u64 = 512 << 20;
/// Rows times squared parameters up to which an optimum is found beside the run: about half a second.
const MAX_OPTIMUM_WORK: u64 = 50_000_000;
/// The most classes of a target.
const MAX_CLASSES: f64 = 100.0;

/// A task in the making: reads every row as often as it must, a block a call, and holds no row twice.
///
/// 1. Where features are scaled, every row's inputs, for their scale ([`Scaler`]).
/// 2. Every row, made once: its target is held in f64 within the problem ([`Problem::hold`]), and ranges and the sum are
///    taken.
/// 3. Every row once more, from there: features and target in f32, the triangle of the exact solution, the target's
///    variance about its mean.
#[derive(Debug)]
pub struct Preparation {
    dataset: Rc<Dataset>,
    bias: bool,
    loss: Loss,
    penalty: Penalty,
    /// The greatest target so far: classes are counted by it.
    highest: f64,
    roles: Rc<Roles>,
    /// Rows by their role: those that are trained on, looked at, kept for the end.
    problems: [Problem; 3],
    stage: Stage,
    /// The first row of the next block, and which row of each problem its first is.
    next_row: usize,
    problem_rows: [usize; 3],
    n_samples: usize,
    /// One block: x, y, features row by row.
    x: Vec<f64>,
    y: Vec<f64>,
    features: Vec<f64>,
    /// What is made of its features, where the problem does not keep them.
    single: Vec<f32>,
    /// Of work, in rows made.
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
    /// Beside it the one with a bias, where the model has none.
    with_bias: Option<Triangle>,
    steepest_row: f64,
}

/// Brings rows with their targets and weights in the order of their roles, each in their order. Returns how many there are
/// of each. `x` is row-major; the others may be left out.
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

/// With 1/n, about the mean.
fn variance(targets: &[f32]) -> f64 {
    let n = targets.len() as f64;
    let mean = targets.iter().map(|y| f64::from(*y)).sum::<f64>() / n;
    targets.iter().map(|y| (f64::from(*y) - mean) * (f64::from(*y) - mean)).sum::<f64>() / n
}

fn original(map: &FeatureMap, parameters: &[f64], n_outputs: usize) -> Vec<f64> {
    let of = |output: usize| model::to_original(map, &model::of_output(parameters, n_outputs, output));
    (0..n_outputs).flat_map(of).collect()
}

/// What descent is heading for where that is not plain least squares, and how curved the objective is there.
fn put_optimum(
    problem: &Problem,
    map: &FeatureMap,
    (loss, penalty): (Loss, Penalty),
    exact: &mut LeastSquares,
) -> Option<f64> {
    exact.r2 = None;
    let (p, n_outputs) = (problem.n_parameters() as usize, problem.n_outputs as usize);
    if !is_solvable(problem) {
        // It is not known, and nothing is told of how far it is.
        exact.original = vec![f64::NAN; problem.n_parameters() as usize];
        exact.unique = false;
        exact.loss = f64::NAN;
        exact.parameters = vec![f64::NAN; p];
        exact.original = vec![f64::NAN; p];
        return None;
    }
    let optimum = optimum::solve(&Rows(problem), n_outputs, problem.bias, loss, penalty);
    // Weights that grow without end have no place to be shown.
    exact.original = original(map, &optimum.parameters, n_outputs);
    if !optimum.finite {
        exact.original.fill(f64::NAN);
    }
    exact.unique = optimum.unique && optimum.finite;
    exact.finite = optimum.finite;
    exact.loss = optimum.objective;
    exact.parameters = optimum.parameters;
    optimum.curvature.filter(|_| optimum.finite)
}

/// Whether an optimum over these rows is found in the time that preparing them may take.
fn is_solvable(problem: &Problem) -> bool {
    let p = u64::from(problem.n_parameters());
    u64::from(problem.n_samples) * p * p <= MAX_OPTIMUM_WORK && problem.stored().is_none()
}

/// The rows of a problem as an optimum is found over them.
struct Rows<'a>(&'a Problem);

impl analysis::Rows for Rows<'_> {
    fn n_features(&self) -> usize {
        self.0.n_features as usize
    }

    fn for_each_block(&self, each: &mut dyn FnMut(Block<'_>)) {
        let d = self.n_features();
        let wide = |values: &[f32]| values.iter().map(|value| f64::from(*value)).collect::<Vec<f64>>();
        for rows in blocks(self.0.n_samples as usize) {
            let weights = match self.0.weights.get(rows.clone()) {
                Some(weights) if !weights.is_empty() => wide(weights),
                _ => vec![1.0; rows.len()],
            };
            each(Block {
                features: &wide(&self.0.features[rows.start * d..rows.end * d]),
                targets: &wide(&self.0.targets[rows.clone()]),
                weights: &weights,
            });
        }
    }
}

/// Refuses targets that the loss means nothing for.
fn judge_targets(loss: &Loss, dataset: &Dataset, y: &[f64]) -> Result<()> {
    let n_levels = dataset.target_levels.len();
    let refused = |code: Code, value: &f64| {
        let found = dataset.target_levels.get(*value as usize).cloned().unwrap_or_else(|| short(*value));
        Err(Message::new(code).with("field", "loss").with("column", &dataset.target).with("found", found))
    };
    let whole = |value: f64, most: f64| value >= 0.0 && value <= most && libm::floor(value) == value;
    match loss {
        Loss::Logistic => match y.iter().find(|value| !whole(**value, 1.0)) {
            Some(value) => refused(Code::TargetNotBinary, value),
            None => Ok(()),
        },
        Loss::Softmax => match y.iter().find(|value| !whole(**value, MAX_CLASSES - 1.0)) {
            Some(value) => refused(Code::TargetNotClasses, value),
            None => Ok(()),
        },
        Loss::Poisson => match y.iter().find(|value| **value < 0.0) {
            Some(value) => refused(Code::TargetNotCounts, value),
            None => Ok(()),
        },
        _ if n_levels > 2 => {
            let refused = Message::new(Code::TargetIsClass).with("field", "loss");
            Err(refused.with("column", &dataset.target).with("n_levels", n_levels))
        }
        _ => Ok(()),
    }
}

fn judge_weights(first: usize, weights: &[f64]) -> Result<()> {
    match weights.iter().position(|weight| !weight.is_finite() || *weight < 0.0) {
        Some(row) => Err(Message::new(Code::WeightNegative)
            .with("row", count((first + row + 1) as u64))
            .with("value", short(weights[row]))),
        None => Ok(()),
    }
}

/// Work that a row is in each stage, in rows made: measured in wasm, roughly.
fn costs(degree: u32, bias: bool) -> [f64; 3] {
    let width = f64::from(degree + 2);
    let triangles = if bias { 1.0 } else { 2.0 };
    [0.03 + 0.1 * f64::from(degree - 1), 1.0, triangles * (0.15 + 0.03 * width * width)]
}

impl Preparation {
    /// Begins. A `map` that was made elsewhere is taken as it is.
    ///
    /// # Errors
    /// [`Code::OutOfMemory`]; and [`Code::PowerTooLarge`] later on.
    pub fn new(plan: &RunPlan, dataset: Rc<Dataset>, map: Option<FeatureMap>) -> Result<Self> {
        Self::within(plan, dataset, map, MAX_BYTES)
    }

    /// The same where rows that would take more than `max_bytes` of memory stay where they are: [`Problem::stored`].
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
        let stays = Problem::bytes(n_samples, n_features) > max_bytes;
        let reserve = |n_rows: u32, role: Role| {
            if stays && n_rows > 0 {
                let own = Stored::new(&dataset, &plain, (&roles, role), bias, max_bytes)?;
                return Problem::of_stored(own);
            }
            Problem::reserve(n_rows, n_features, bias).map_err(|refused| {
                // Where the count is a field of the form, the refusal belongs beside it.
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
        let stage = if scaler.is_done() {
            Stage::Making { map: scaler.map(), summing: Summing::new(n_inputs) }
        } else {
            Stage::Scaling(scaler)
        };
        Ok(Self {
            dataset,
            bias,
            loss: plan.config().loss,
            penalty: plan.config().penalty,
            highest: 0.0,
            roles,
            problems,
            stage,
            next_row: 0,
            problem_rows: [0; 3],
            n_samples: n_samples as usize,
            x: vec![0.0; BLOCK_ROWS * n_inputs],
            y: vec![0.0; BLOCK_ROWS],
            features: vec![0.0; BLOCK_ROWS * n_features as usize],
            single: Vec::new(),
            done: 0.0,
            all,
        })
    }

    /// Does what is left, at once.
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

    /// Does one block, [`BLOCK_ROWS`] rows at most; nothing once it is done.
    ///
    /// # Errors
    /// [`Code::PowerTooLarge`].
    pub fn advance(&mut self) -> Result<()> {
        let first = self.next_row;
        let n_rows = BLOCK_ROWS.min(self.n_samples - first);
        let n_inputs = self.dataset.n_inputs();
        let d = self.problems[0].n_features as usize;
        let x = &mut self.x[..n_rows * n_inputs];
        let y = &mut self.y[..n_rows];
        let [scale, make, solve] = costs(self.problems[0].n_features, self.bias);
        let cost = match &mut self.stage {
            Stage::Scaling(scaler) => {
                self.dataset.read_x(first, x);
                let [n_kept, ..] = arrange(&self.roles, first, n_inputs, x, [&mut [], &mut []]);
                scaler.add(&x[..n_kept * n_inputs]);
                scale
            }
            Stage::Making { summing, .. } => {
                self.dataset.read(first, x, y);
                let mut weights = Vec::new();
                judge_targets(&self.loss, &self.dataset, y)?;
                self.highest = y.iter().copied().fold(self.highest, f64::max);
                if self.dataset.extras.contains(&Extra::Weight) {
                    weights.resize(n_rows, 1.0);
                    self.dataset.read_extra(Extra::Weight, first, &mut weights);
                    judge_weights(first, &weights)?;
                }
                let n_of = arrange(&self.roles, first, n_inputs, x, [&mut y[..], &mut weights[..]]);
                summing.add(&x[..n_of[0] * n_inputs], &y[..n_of[0]]);
                let mut from = 0;
                for (problem, n) in self.problems.iter_mut().zip(n_of) {
                    problem.hold(&y[from..from + n]);
                    problem.weights.extend(weights.iter().skip(from).take(n).map(|weight| *weight as f32));
                    from += n;
                }
                make
            }
            Stage::Solving(solving) => {
                let stays = self.problems[0].stored().is_some();
                let n_of = if stays {
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
                    if !stays {
                        problem.held(at, y);
                    }
                    problem.put(at, &features[from * d..(from + n) * d], y)?;
                    from += n;
                }
                let [n_kept, ..] = n_of;
                let (kept, y) = (&features[..n_kept * d], &y[..n_kept]);
                solving.squaring.add(y);
                solving.triangle.fold(kept, y);
                if let Some(triangle) = &mut solving.with_bias {
                    triangle.fold(kept, y);
                }
                let put = if stays {
                    self.single.clear();
                    self.single.extend(kept.iter().map(|value| *value as f32));
                    &self.single
                } else {
                    &self.problems[0].features[self.problem_rows[0] * d..][..n_kept * d]
                };
                let weights = self.problems[0].weights.get(self.problem_rows[0]..).unwrap_or_default();
                let steepest_row = if !weights.is_empty() {
                    let rows = put.chunks_exact(d).map(|row| monitor::steepest_row(row, d, self.bias));
                    rows.zip(weights).fold(0.0_f64, |most, (row, weight)| most.max(f64::from(*weight) * row))
                } else {
                    monitor::steepest_row(put, d, self.bias)
                };
                solving.steepest_row = solving.steepest_row.max(steepest_row);
                for (at, n) in self.problem_rows.iter_mut().zip(n_of) {
                    *at += n;
                }
                solve
            }
            Stage::Done(_) => return Ok(()),
        };
        self.dataset.readable()?;
        self.done += cost * n_rows as f64;
        self.next_row += n_rows;
        if self.next_row == self.n_samples {
            self.next_row = 0;
            self.problem_rows = [0; 3];
            self.end_reading();
        }
        Ok(())
    }

    /// Every row has been read once more.
    fn end_reading(&mut self) {
        let n_features = self.problems[0].n_features;
        let making = |map: FeatureMap| {
            let summing = Summing::new(map.n_inputs());
            Stage::Making { map, summing }
        };
        let ended = std::mem::replace(&mut self.stage, making(FeatureMap::plain(1)));
        self.stage = match ended {
            Stage::Scaling(mut scaler) => {
                scaler.end_reading();
                if scaler.is_done() { making(scaler.map()) } else { Stage::Scaling(scaler) }
            }
            Stage::Making { map, summing } => {
                self.end_making(&map);
                let triangle = |bias: bool| Triangle::new(n_features as usize, bias);
                Stage::Solving(Box::new(Solving {
                    map,
                    squaring: summing.mean(),
                    triangle: triangle(self.bias),
                    with_bias: (!self.bias).then(|| triangle(true)),
                    steepest_row: 0.0,
                }))
            }
            Stage::Solving(solving) => Stage::Done(Box::new(self.task(*solving))),
            Stage::Done(task) => Stage::Done(task),
        };
    }

    /// What is known once every target and weight has been seen.
    fn end_making(&mut self, map: &FeatureMap) {
        for problem in &mut self.problems {
            if self.loss == Loss::Softmax {
                let n_seen = self.highest.max(1.0) as usize + 1;
                problem.n_outputs = self.dataset.target_levels.len().max(n_seen) as u32;
            }
            let sum: f64 = problem.weights.iter().map(|weight| f64::from(*weight)).sum();
            let scale = problem.weights.len() as f64 / sum;
            if !scale.is_finite() {
                // All of them 0: none is told apart, and the mean is that of all.
                problem.weights.clear();
            }
            for weight in &mut problem.weights {
                *weight = (f64::from(*weight) * scale) as f32;
            }
        }
        self.problems[0].folds = self.roles.folds().to_vec();
        self.problems.iter_mut().for_each(|problem| problem.begin_stored(map));
    }

    fn task(&mut self, solving: Solving) -> Task {
        let Solving { map, squaring, triangle, with_bias, steepest_row } = solving;
        let summary = squaring.summary();
        self.dataset.set_summary(summary.clone());
        let [problem, validation, test] = std::mem::take(&mut self.problems);
        let held_out = |problem: Problem| {
            (problem.n_samples > 0).then(|| {
                let variance = variance(&problem.targets);
                (Rc::new(problem), variance)
            })
        };
        let mut exact = triangle.solve(&map, summary.target_variance);
        let plain = self.loss == Loss::Squared && self.penalty.strength == 0.0 && problem.weights.is_empty();
        let (mut curvature, mut loss_with_bias) = (None, exact.loss);
        if !plain {
            let (n_outputs, solvable) = (problem.n_outputs as usize, is_solvable(&problem));
            if !problem.weights.is_empty() && solvable {
                // Least squares of rows that count differently.
                let squares =
                    optimum::solve(&Rows(&problem), 1, self.bias, Loss::Squared, Penalty::default());
                exact.largest_eigenvalue = squares.curvature.unwrap_or(exact.largest_eigenvalue);
            }
            curvature = put_optimum(&problem, &map, (self.loss, self.penalty), &mut exact);
            loss_with_bias = exact.loss;
            if !self.bias && solvable {
                let with_bias = optimum::solve(&Rows(&problem), n_outputs, true, self.loss, self.penalty);
                loss_with_bias = with_bias.objective;
            }
        } else if let Some(triangle) = with_bias {
            loss_with_bias = triangle.solve(&map, summary.target_variance).loss;
        }
        Task {
            dataset: Rc::clone(&self.dataset),
            roles: Rc::clone(&self.roles),
            map,
            problem: Rc::new(problem),
            validation: held_out(validation),
            test: held_out(test),
            exact,
            loss_with_bias,
            steepest_row,
            curvature,
        }
    }

    /// Leaves it: what was reserved for the rows.
    pub fn leave(self) -> Problem {
        let [problem, ..] = self.problems;
        problem
    }

    /// Whether [`Preparation::run`] has nothing left to do.
    pub fn is_done(&self) -> bool {
        matches!(self.stage, Stage::Done(_))
    }

    /// What is being done, and the share of all of it that is.
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
