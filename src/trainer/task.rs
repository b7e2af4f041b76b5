//! The data and model of a run, and the solution that training approaches.

use std::rc::Rc;

use super::Preparation;
use crate::analysis::{self, Block, LeastSquares, optimum};
use crate::choices::{Loss, Penalty};
use crate::config::RunPlan;
use crate::dataset::{Dataset, FeatureMap, Grid, Problem, Roles, blocks};
use crate::message::Result;
use crate::model::{self, Layout, Linear};

/// Limit of (rows times squared number of parameters) up to which a minimum is computed before the run: about
/// half a second.
const MAX_OPTIMUM_WORK: u64 = 50_000_000;

/// The data and model that a run trains on. They are fixed from its first step to its last; only the solution
/// changes, with the penalty.
#[derive(Clone, Debug)]
pub struct Task {
    /// The table that the rows come from.
    pub dataset: Rc<Dataset>,
    /// The role of each row: training, validation or test.
    pub roles: Rc<Roles>,
    /// The feature map, from inputs to features.
    pub map: FeatureMap,
    /// The training rows, in the form that kernels read.
    pub problem: Rc<Problem>,
    /// The validation rows and the variance (with 1/n) of their targets; `None` if there are none.
    pub validation: Option<(Rc<Problem>, f64)>,
    /// The test rows and the variance (with 1/n) of their targets; `None` if there are none.
    pub test: Option<(Rc<Problem>, f64)>,
    /// The layers of the model.
    pub layout: Layout,
    /// The solution that training approaches; `None` if the model is not linear.
    pub exact: Option<Exact>,
}

/// The solution of a linear model, and what follows from it for the learning rate.
#[derive(Clone, Debug, PartialEq)]
pub struct Exact {
    /// The solution: of least squares, or of another objective if the run minimizes one.
    pub solution: LeastSquares,
    /// The minimum loss over these features if the model had a bias (which it may have).
    pub loss_with_bias: f64,
    /// See [`crate::monitor::steepest_row`]; each row is multiplied by its sample weight.
    pub steepest_row: f64,
    /// Largest eigenvalue of the objective's Hessian at the solution. `None` for plain least squares, and if
    /// it is unknown or does not exist.
    pub curvature: Option<f64>,
}

/// The results of [`Preparation`], from which a task is made.
pub(super) struct Prepared {
    pub(super) dataset: Rc<Dataset>,
    pub(super) roles: Rc<Roles>,
    pub(super) map: FeatureMap,
    /// The problem (rows as kernels read them) of each role: training, validation, test.
    pub(super) problems: [Problem; 3],
    pub(super) layout: Layout,
    pub(super) objective: (Loss, Penalty),
    pub(super) least_squares: LeastSquares,
    /// The least-squares loss with a bias added, if the model has none.
    pub(super) loss_with_bias: Option<f64>,
    pub(super) steepest_row: f64,
}

impl Task {
    /// Prepares the rows of a dataset for a plan.
    ///
    /// # Errors
    /// Those of [`Preparation`].
    pub fn new(plan: &RunPlan, dataset: Rc<Dataset>) -> Result<Self> {
        Preparation::new(plan, dataset, None)?.run()
    }

    /// Prepares the rows of a dataset for a plan, with the scales of a given feature map, such as that of an
    /// imported file.
    ///
    /// # Errors
    /// Those of [`Preparation`].
    pub fn with_map(plan: &RunPlan, dataset: Rc<Dataset>, map: FeatureMap) -> Result<Self> {
        Preparation::new(plan, dataset, Some(map))?.run()
    }

    pub(super) fn of(prepared: Prepared) -> Self {
        let Prepared { dataset, roles, map, problems, layout, .. } = prepared;
        let Prepared { objective, least_squares, loss_with_bias, steepest_row, .. } = prepared;
        let [problem, validation, test] = problems;
        let held_out = |problem: Problem| {
            (problem.n_samples > 0).then(|| {
                let variance = variance(&problem.targets);
                (Rc::new(problem), variance)
            })
        };
        let exact = layout.as_linear().map(|linear| {
            let loss_with_bias = loss_with_bias.unwrap_or(least_squares.loss);
            let mut exact = Exact { solution: least_squares, loss_with_bias, steepest_row, curvature: None };
            exact.refine(&problem, &map, linear, objective);
            exact
        });
        Self {
            dataset,
            roles,
            map,
            problem: Rc::new(problem),
            validation: held_out(validation),
            test: held_out(test),
            layout,
            exact,
        }
    }

    /// Counts rows on a grid of `columns` by `rows` cells over the rectangle `x` by `y`; row-major from the
    /// bottom. Generated rows are not computed again but counted in f32, so that a row within f32's rounding
    /// of a cell's edge may fall into the neighboring cell.
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

    /// Converts parameters of the scaled features to the units of inputs and target, output by output; `None`
    /// if the model is not linear.
    pub fn original(&self, parameters: &[f64]) -> Option<Vec<f64>> {
        self.layout.as_linear().map(|linear| original(&self.map, linear, parameters))
    }

    /// Computes the solution again, for this loss and penalty.
    pub(super) fn head_for(&mut self, loss: Loss, penalty: Penalty) {
        if let (Some(linear), Some(exact)) = (self.layout.as_linear(), &mut self.exact) {
            exact.minimize(&self.problem, &self.map, linear, (loss, penalty));
        }
    }

    /// Bytes of memory that the rows take, all copies included.
    pub fn bytes(&self) -> u64 {
        let held_out = [&self.validation, &self.test].into_iter().flatten();
        let problems = std::iter::once(&self.problem).chain(held_out.map(|(problem, _)| problem));
        self.dataset.bytes() + problems.map(|problem| problem.own_bytes()).sum::<u64>()
    }
}

/// Variance with 1/n of the targets.
fn variance(targets: &[f32]) -> f64 {
    let n = targets.len() as f64;
    let mean = targets.iter().map(|y| f64::from(*y)).sum::<f64>() / n;
    targets.iter().map(|y| (f64::from(*y) - mean) * (f64::from(*y) - mean)).sum::<f64>() / n
}

fn original(map: &FeatureMap, linear: Linear, parameters: &[f64]) -> Vec<f64> {
    let by_output = linear.by_output(parameters);
    by_output.iter().flat_map(|parameters| model::to_original(map, parameters)).collect()
}

impl Exact {
    /// Replaces the least-squares solution if the run minimizes another `objective`.
    fn refine(&mut self, problem: &Problem, map: &FeatureMap, linear: Linear, objective: (Loss, Penalty)) {
        let (loss, penalty) = objective;
        if loss == Loss::Squared && penalty.strength == 0.0 && problem.weights.is_empty() {
            return;
        }
        let solvable = is_solvable(problem, linear);
        if !problem.weights.is_empty() && solvable {
            // Least squares with sample weights.
            let squares = optimum::solve(&Rows(problem), linear, Loss::Squared, Penalty::default());
            let largest = &mut self.solution.largest_eigenvalue;
            *largest = squares.curvature.unwrap_or(*largest);
        }
        self.minimize(problem, map, linear, objective);
        self.loss_with_bias = self.solution.loss;
        if !linear.bias && solvable {
            let with_bias = optimum::solve(&Rows(problem), Linear { bias: true, ..linear }, loss, penalty);
            self.loss_with_bias = with_bias.objective;
        }
    }

    /// Replaces solution and curvature by those of the objective with this loss and penalty.
    fn minimize(
        &mut self,
        problem: &Problem,
        map: &FeatureMap,
        linear: Linear,
        (loss, penalty): (Loss, Penalty),
    ) {
        let solution = &mut self.solution;
        solution.r2 = None;
        if !is_solvable(problem, linear) {
            // It stays unknown, and no distance to it is shown.
            let unknown = vec![f64::NAN; linear.n_parameters() as usize];
            (solution.unique, solution.loss, self.curvature) = (false, f64::NAN, None);
            (solution.parameters, solution.original) = (unknown.clone(), unknown);
            return;
        }
        let optimum = optimum::solve(&Rows(problem), linear, loss, penalty);
        solution.original = original(map, linear, &optimum.parameters);
        if !optimum.finite {
            // Weights that grow without bound cannot be shown.
            solution.original.fill(f64::NAN);
        }
        solution.unique = optimum.unique && optimum.finite;
        solution.finite = optimum.finite;
        solution.loss = optimum.objective;
        solution.parameters = optimum.parameters;
        self.curvature = optimum.curvature.filter(|_| optimum.finite);
    }
}

/// Whether the minimum over these rows can be computed in the time that is reasonable before a run.
fn is_solvable(problem: &Problem, linear: Linear) -> bool {
    let p = u64::from(linear.n_parameters());
    u64::from(problem.n_samples) * p * p <= MAX_OPTIMUM_WORK && problem.stored().is_none()
}

/// Gives the rows of a problem to the search for a minimum.
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
