//! What a run is about, and how it is made ready: a block of rows at a time, so that whoever asks can show how far it
//! is, do something else in between, or leave it.

use std::rc::Rc;

use crate::analysis::{LeastSquares, Triangle};
use crate::config::RunPlan;
use crate::dataset::{
    BLOCK_ROWS, Dataset, FeatureMap, Grid, Problem, Roles, Scaler, Scaling, Squaring, Summing,
};
use crate::message::{Code, Message, Result, count};
use crate::{model, monitor};

/// What a run is about: fixed from its first step to its last.
#[derive(Clone, Debug)]
pub struct Task {
    /// The rows.
    pub dataset: Rc<Dataset>,
    /// From inputs to features.
    pub map: FeatureMap,
    /// What kernels read: the rows that are trained on.
    pub problem: Rc<Problem>,
    /// The rows that are held out, and the variance (with 1/n) of their targets; none where there are none.
    pub validation: Option<(Rc<Problem>, f64)>,
    /// What descent is heading for.
    pub exact: LeastSquares,
    /// The least loss that these features and a bias allow, whether the model has one or not.
    pub loss_with_bias: f64,
    /// See [`monitor::steepest_row`].
    pub steepest_row: f64,
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
        if !self.dataset.is_generated() {
            return self.dataset.density(x, y, columns, rows);
        }
        let mut grid = Grid::new(x, y, columns, rows);
        let features = self.problem.features.iter().step_by(self.problem.n_features as usize);
        for (feature, target) in features.zip(&self.problem.targets) {
            grid.count(self.map.x_of(f64::from(*feature)), f64::from(*target));
        }
        grid.counts
    }

    /// Bytes that the rows take, in every shape that they are kept in.
    pub fn bytes(&self) -> u64 {
        let held_out = self.validation.as_ref().map_or(0, |(problem, _)| problem.n_samples);
        self.dataset.bytes() + Problem::bytes(self.problem.n_samples + held_out, self.problem.n_features)
    }
}

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
    problem: Problem,
    roles: Roles,
    held_out: Problem,
    stage: Stage,
    /// The first row of the next block, and which row of the problem its first is.
    next_row: usize,
    problem_rows: usize,
    n_samples: usize,
    /// One block: x, y, features row by row.
    x: Vec<f64>,
    y: Vec<f64>,
    features: Vec<f64>,
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

/// Brings the rows that are trained on before those that are held out, each in their order. Returns how many there are
/// of either. `x` is row-major; `y` may be left out.
fn keep(roles: &Roles, first: usize, n_inputs: usize, x: &mut [f64], y: &mut [f64]) -> (usize, usize) {
    let n_rows = x.len() / n_inputs;
    if roles.n_validation() == 0 {
        return (n_rows, 0);
    }
    let mut out: Vec<f64> = Vec::new();
    let mut y_out: Vec<f64> = Vec::new();
    let mut n_kept = 0;
    for row in 0..n_rows {
        let own = row * n_inputs..(row + 1) * n_inputs;
        if roles.is_validation(first + row) {
            out.extend_from_slice(&x[own]);
            y_out.extend(y.get(row));
        } else {
            x.copy_within(own, n_kept * n_inputs);
            if row < y.len() {
                y[n_kept] = y[row];
            }
            n_kept += 1;
        }
    }
    x[n_kept * n_inputs..].copy_from_slice(&out);
    if !y.is_empty() {
        y[n_kept..].copy_from_slice(&y_out);
    }
    (n_kept, n_rows - n_kept)
}

/// With 1/n, about the mean.
fn variance(targets: &[f32]) -> f64 {
    let n = targets.len() as f64;
    let mean = targets.iter().map(|y| f64::from(*y)).sum::<f64>() / n;
    targets.iter().map(|y| (f64::from(*y) - mean) * (f64::from(*y) - mean)).sum::<f64>() / n
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
        let model = &plan.config().model;
        let (bias, n_samples) = (model.bias, dataset.n_samples());
        let plain = model::feature_map(model, &dataset.inputs)?;
        let (n_inputs, n_features) = (plain.n_inputs(), plain.n_features() as u32);
        let roles = Roles::new(&plan.config().validation, n_samples);
        let reserve = |n_rows: u32| Problem::reserve(n_rows, n_features, bias);
        let problem =
            reserve(roles.n_training()).and_then(|problem| Ok((problem, reserve(roles.n_validation())?)));
        let (problem, held_out) = problem.map_err(|refused| {
            // Where the count is a field of the form, the refusal belongs beside it.
            if dataset.is_generated() { refused.with("field", "data.source.n_samples") } else { refused }
        })?;
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
            problem,
            roles,
            held_out,
            stage,
            next_row: 0,
            problem_rows: 0,
            n_samples: n_samples as usize,
            x: vec![0.0; BLOCK_ROWS * n_inputs],
            y: vec![0.0; BLOCK_ROWS],
            features: vec![0.0; BLOCK_ROWS * n_features as usize],
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
        let x = &mut self.x[..n_rows * self.dataset.n_inputs()];
        let y = &mut self.y[..n_rows];
        let [scale, make, solve] = costs(self.problem.n_features, self.bias);
        let d = self.problem.n_features as usize;
        let n_inputs = self.dataset.n_inputs();
        let cost = match &mut self.stage {
            Stage::Scaling(scaler) => {
                self.dataset.read_x(first, x);
                let n_kept = keep(&self.roles, first, n_inputs, x, &mut []).0;
                scaler.add(&x[..n_kept * n_inputs]);
                scale
            }
            Stage::Making { summing, .. } => {
                self.dataset.read(first, x, y);
                let (n_kept, n_out) = keep(&self.roles, first, n_inputs, x, y);
                summing.add(&x[..n_kept * n_inputs], &y[..n_kept]);
                self.problem.hold(&y[..n_kept]);
                self.held_out.hold(&y[n_kept..n_kept + n_out]);
                make
            }
            Stage::Solving(solving) => {
                self.dataset.read_x(first, x);
                let (n_kept, n_out) = keep(&self.roles, first, n_inputs, x, &mut []);
                let features = &mut self.features[..n_rows * d];
                solving.map.rows(x, features);
                let (kept, out) = features.split_at(n_kept * d);
                let at = self.problem_rows;
                let (y, y_out) = y.split_at_mut(n_kept);
                self.problem.held(at, y);
                solving.squaring.add(y);
                self.problem.put(at, kept, y)?;
                solving.triangle.fold(kept, y);
                if let Some(triangle) = &mut solving.with_bias {
                    triangle.fold(kept, y);
                }
                let put = &self.problem.features[at * d..(at + n_kept) * d];
                let steepest_row = monitor::steepest_row(put, d, self.bias);
                solving.steepest_row = solving.steepest_row.max(steepest_row);
                let out_at = first - at;
                self.held_out.held(out_at, y_out);
                self.held_out.put(out_at, out, y_out)?;
                debug_assert_eq!(y_out.len(), n_out);
                self.problem_rows += n_kept;
                solve
            }
            Stage::Done(_) => return Ok(()),
        };
        self.dataset.readable()?;
        self.done += cost * n_rows as f64;
        self.next_row += n_rows;
        if self.next_row == self.n_samples {
            self.next_row = 0;
            self.problem_rows = 0;
            self.end_reading();
        }
        Ok(())
    }

    /// Every row has been read once more.
    fn end_reading(&mut self) {
        let n_features = self.problem.n_features;
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

    fn task(&mut self, solving: Solving) -> Task {
        let Solving { map, squaring, triangle, with_bias, steepest_row } = solving;
        let summary = squaring.summary();
        self.dataset.set_summary(summary.clone());
        let nothing = || Problem {
            n_samples: 0,
            n_features: self.problem.n_features,
            n_outputs: self.problem.n_outputs,
            bias: self.bias,
            features: Vec::new(),
            targets: Vec::new(),
            weights: Vec::new(),
            folds: Vec::new(),
        };
        let (in_its_place, out_of_its_place) = (nothing(), nothing());
        let held_out = std::mem::replace(&mut self.held_out, out_of_its_place);
        let validation = (held_out.n_samples > 0).then(|| {
            let variance = variance(&held_out.targets);
            (Rc::new(held_out), variance)
        });
        let exact = triangle.solve(&map, summary.target_variance);
        let loss_with_bias =
            with_bias.map_or(exact.loss, |triangle| triangle.solve(&map, summary.target_variance).loss);
        Task {
            dataset: Rc::clone(&self.dataset),
            map,
            problem: Rc::new(std::mem::replace(&mut self.problem, in_its_place)),
            validation,
            exact,
            loss_with_bias,
            steepest_row,
        }
    }

    /// Leaves it: what was reserved for the rows.
    pub fn leave(self) -> Problem {
        self.problem
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
