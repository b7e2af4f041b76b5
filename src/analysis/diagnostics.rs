//! Diagnostics of a model on some rows of a dataset: the numbers behind the page's diagnostics tab.

use serde::{Deserialize, Serialize};

use super::fit::{Fit, Inferred};
use super::rows::{Inputs, Portion};
use crate::choices::loss::Targets;
use crate::choices::{Loss, Scaling};
use crate::config::{RunConfig, RunPlan};
use crate::dataset::{BLOCK_ROWS, Dataset, FeatureMap, Role, Roles, Scaler, blocks};
use crate::message::Result;
use crate::metrics::{Regression, RegressionMetrics};
use crate::model::{self, Linear};

mod classes;
mod effect;
mod influence;

use classes::Scored;
pub use classes::{Calibration, Confusion, Curve, Histogram};
use effect::Predictor;
pub use effect::{Effect, EffectOf};
pub use influence::Influence;

/// The maximum number of rows that are drawn as dots, and of points of a curve.
const MOST_ROWS: usize = 4_000;
/// The number of values of an input at which its effect is computed.
const N_GRID: usize = 61;
/// The values of Cook's distance that get contour lines; rows beyond them deserve a look (Cook and
/// Weisberg 1982).
const COOKS_DISTANCES: [f64; 2] = [0.5, 1.0];

/// A request for diagnostics from the page (`diagnose` of `Request` in TypeScript).
#[derive(Clone, Debug, Deserialize)]
pub struct Query {
    /// The configuration of the run.
    pub config: RunConfig,
    /// The weights in the units of the inputs: for each output its weights, then its bias, as in snapshots.
    pub weights: Vec<f64>,
    /// The role (training, validation or test) of the rows to evaluate.
    pub part: Role,
    /// The input whose effect is requested; the first one by default.
    #[serde(default)]
    pub effect: Option<EffectOf>,
    /// Whether to analyze the exact fit as well, which must be solved for this.
    #[serde(default)]
    pub exact: bool,
}

/// What kind of target the model predicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// The target is a number.
    Regression,
    /// The target is one of two classes.
    Binary,
    /// The target is one of three or more classes.
    Classes,
    /// The target is a count.
    Counts,
}

impl Task {
    /// The task that a loss is made for.
    #[must_use]
    pub fn of(loss: Loss) -> Self {
        match loss.needs().targets {
            Targets::TwoClasses => Self::Binary,
            Targets::Classes => Self::Classes,
            Targets::Counts => Self::Counts,
            Targets::Numbers => Self::Regression,
        }
    }
}

/// The diagnostics that answer a [`Query`] (`Diagnosed` in TypeScript).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Diagnostics {
    /// The role of the rows that were evaluated.
    pub part: Role,
    /// All roles that have rows.
    pub parts: Vec<Role>,
    /// What kind of target the model predicts.
    pub task: Task,
    /// Number of rows with the evaluated role.
    pub n_samples: usize,
    /// Names and values of metrics; an undefined value is `None`.
    pub scores: Vec<(&'static str, Option<f64>)>,
    /// The rows to draw; `None` if the target is a class.
    pub rows: Option<Shown>,
    /// The effect of one input.
    pub effect: Option<Effect>,
    /// The exact fit to the training rows, if the query asked for it.
    pub exact: Option<Exact>,
    /// The ROC curve; only for two classes.
    pub roc: Option<Curve>,
    /// The calibration curve; only for two classes with predicted probabilities.
    pub calibration: Option<Calibration>,
    /// The confusion matrix; only for classes.
    pub confusion: Option<Confusion>,
    /// The histogram of predicted probabilities; only for two classes with predicted probabilities.
    pub histogram: Option<Histogram>,
}

/// The optimum of the loss on the training rows, which descent approaches.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Exact {
    /// Leverage, residual and influence of each row; empty for three or more classes.
    pub rows: Influence,
    /// Curves of equal Cook's distance `D` in the plane of leverage `h` and standardized residual `r`: `r =
    /// +-sqrt(D p (1 - h) / h)` with `p` coefficients.
    pub contours: Vec<Contour>,
    /// The predictions along one input, at the values of [`Effect::grid`].
    pub effect: Vec<f64>,
    /// Lower and upper ends of the 95% interval of `effect`; `None` if coefficients have no standard errors.
    pub band: Option<[Vec<f64>; 2]>,
}

/// A curve of points that all have the same Cook's distance, as two columns of equal length.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Contour {
    /// Cook's distance on the curve.
    pub distance: f64,
    /// Leverage of each point (horizontal axis).
    pub leverage: Vec<f64>,
    /// Standardized residual of each point (vertical axis).
    pub standardized: Vec<f64>,
}

/// The rows to draw, one column per field: all rows, or an even sample that includes the row with the largest
/// residual.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Shown {
    /// Row numbers in the dataset, from 1.
    pub row: Vec<usize>,
    /// Target of each row.
    pub actual: Vec<f64>,
    /// Prediction for each row.
    pub fitted: Vec<f64>,
    /// Residual of each row: `actual - fitted`; for counts, the deviance residual `sign(y - m) sqrt(2 (y ln(y
    /// / m) - y + m))` of target `y` and prediction `m`.
    pub residual: Vec<f64>,
}

impl Shown {
    fn push(&mut self, task: Task, place: usize, actual: f64, fitted: f64) {
        let plain = actual - fitted;
        let entropy = if actual > 0.0 { actual * (actual / fitted).ln() } else { 0.0 };
        let deviance = plain.signum() * (2.0 * (entropy - plain)).max(0.0).sqrt();
        self.row.push(place + 1);
        self.actual.push(actual);
        self.fitted.push(fitted);
        self.residual.push(if task == Task::Counts { deviance } else { plain });
    }
}

/// Everything that one pass over the rows collects.
struct Pass {
    rows: Shown,
    /// Inputs of the drawn rows, row-major.
    inputs: Vec<f64>,
    centre: effect::Centre,
    measured: Measured,
}

/// Sums over the evaluated rows, for each kind of target.
enum Measured {
    Numbers(Regression),
    Classes(Scored),
}

impl Diagnostics {
    /// Computes the diagnostics that a query asks for.
    ///
    /// # Errors
    /// Those of [`model::feature_map`] and [`Roles::of`].
    pub fn of(dataset: &Dataset, query: &Query) -> Result<Self> {
        let config = &query.config;
        let task = Task::of(config.loss);
        let map = model::feature_map(&config.model, &dataset.inputs)?;
        let mut linear = linear(&map, 1, config);
        if task == Task::Classes {
            linear.n_outputs = query.weights.len() as u32 / linear.n_parameters().max(1);
        }
        let predictor = Predictor::new(&map, &query.weights, linear, config.loss);
        let roles = Roles::of(&config.validation, dataset)?;
        let sizes = [
            (Role::Training, roles.n_training()),
            (Role::Validation, roles.n_validation()),
            (Role::Test, roles.n_test()),
        ];
        let parts: Vec<Role> = sizes.iter().filter(|(_, n)| *n > 0).map(|(part, _)| *part).collect();
        let asked = sizes.into_iter().find(|(part, n)| *part == query.part && *n > 0);
        let (part, n_samples) = asked.unwrap_or(sizes[0]);
        let portion = Portion::new(dataset, &roles, part, &map);
        let Pass { rows, inputs, centre, measured } =
            Pass::over(&portion, &predictor, task, n_samples as usize, dataset);
        let of = query.effect.clone().unwrap_or_default();
        let effect = (of.input < dataset.n_inputs())
            .then(|| predictor.effect(dataset, &of, &centre.middle(), (&inputs, &rows), task));
        let exact = (query.exact && task != Task::Classes)
            .then(|| Exact::of(dataset, config, &roles, &map, effect.as_ref()));
        let bare = Self {
            part,
            parts,
            task,
            n_samples: n_samples as usize,
            scores: Vec::new(),
            rows: None,
            effect,
            exact,
            roc: None,
            calibration: None,
            confusion: None,
            histogram: None,
        };
        Ok(match measured {
            Measured::Numbers(sums) => {
                let scores = regression_scores(&sums.metrics(map.n_features()), task);
                Self { scores, rows: Some(rows), ..bare }
            }
            Measured::Classes(scored) => scored.into_diagnostics(bare, dataset, predictor.n_outputs().max(2)),
        })
    }
}

impl Pass {
    fn over(
        portion: &Portion<'_>,
        predictor: &Predictor<'_>,
        task: Task,
        n_samples: usize,
        dataset: &Dataset,
    ) -> Self {
        let mut pass = Self {
            rows: Shown::default(),
            inputs: Vec::new(),
            centre: effect::Centre::new(dataset),
            measured: match task {
                Task::Regression | Task::Counts => Measured::Numbers(Regression::default()),
                Task::Binary | Task::Classes => {
                    Measured::Classes(Scored::new(predictor.n_outputs().max(2), predictor.decides()))
                }
            },
        };
        let stride = n_samples.div_ceil(MOST_ROWS).max(1);
        let mut n_seen = 0;
        let mut worst: Option<(f64, usize, f64, f64, Vec<f64>)> = None;
        portion.for_each_input(&mut |Inputs { places, x, targets, weights }| {
            let rows = x.chunks_exact(dataset.n_inputs()).zip(places).zip(targets.iter().zip(weights));
            for ((x, place), (actual, weight)) in rows {
                pass.centre.add(x);
                let outputs = predictor.outputs(x);
                let predicted = predictor.respond(&outputs);
                match &mut pass.measured {
                    Measured::Numbers(sums) => sums.feed(&predicted, &[*actual], &[*weight]),
                    Measured::Classes(scored) => scored.feed(&outputs, &predicted, *actual, *weight),
                }
                let miss = (actual - predicted[0]).abs();
                if n_seen % stride == 0 {
                    pass.rows.push(task, *place, *actual, predicted[0]);
                    pass.inputs.extend_from_slice(x);
                } else if worst.as_ref().is_none_or(|worst| miss > worst.0) {
                    worst = Some((miss, *place, *actual, predicted[0], x.to_vec()));
                }
                n_seen += 1;
            }
        });
        if let Some((_, place, actual, fitted, x)) = worst {
            pass.rows.push(task, place, actual, fitted);
            pass.inputs.extend(x);
        }
        pass
    }
}

/// Metrics of predicted numbers, each with the name by which the page looks up its label.
fn regression_scores(metrics: &RegressionMetrics, task: Task) -> Vec<(&'static str, Option<f64>)> {
    let errors = [
        ("rmse", Some(metrics.root_mean_squared_error)),
        ("mae", Some(metrics.mean_absolute_error)),
        ("r2", metrics.r2),
    ];
    let others: &[_] = match task {
        Task::Counts => &[("deviance", metrics.mean_poisson_deviance), ("d2", metrics.d2_poisson)],
        _ => &[("adjusted_r2", metrics.adjusted_r2)],
    };
    errors.iter().chain(others).copied().collect()
}

/// Computes standard errors and tests, where possible, for the configured model fitted to the training rows.
/// `plain` is its unscaled feature map.
pub fn inferred(dataset: &Dataset, roles: &Roles, plain: FeatureMap, config: &RunConfig) -> Inferred {
    let map = training_map(dataset, roles, plain, config);
    let n_outputs = match config.loss {
        Loss::Softmax => dataset.target_levels.len().max(dataset.ranges().1[1] as usize + 1),
        _ => 1,
    };
    let rows = Portion::new(dataset, roles, Role::Training, &map);
    Fit::new(rows, linear(&map, n_outputs, config), config.loss, config.penalty).inferred().clone()
}

/// The linear model of a configuration, on the features of `map`.
fn linear(map: &FeatureMap, n_outputs: usize, config: &RunConfig) -> Linear {
    Linear { n_features: map.n_features() as u32, n_outputs: n_outputs as u32, bias: config.model.bias }
}

/// The feature map of an exact fit, scaled by the training rows like the map of a run, because a
/// penalty applies to the scaled features. Without a penalty the scale does not change the result,
/// and standardizing preserves precision.
fn training_map(dataset: &Dataset, roles: &Roles, plain: FeatureMap, config: &RunConfig) -> FeatureMap {
    let own = RunPlan::scaling_of(config);
    let scaling = if config.penalty.strength > 0.0 { own } else { Scaling::Standardize };
    let mut scaler = Scaler::new(plain, roles.n_training() as usize, config.model.bias, scaling);
    let n_inputs = dataset.n_inputs();
    let mut x = vec![0.0; n_inputs * BLOCK_ROWS];
    while !scaler.is_done() {
        for block in blocks(dataset.n_samples() as usize) {
            let x = &mut x[..n_inputs * block.len()];
            dataset.read_x(block.start, x);
            let mut n = 0;
            for (i, place) in block.enumerate() {
                if roles.role(place) == Role::Training {
                    x.copy_within(i * n_inputs..(i + 1) * n_inputs, n * n_inputs);
                    n += 1;
                }
            }
            scaler.add(&x[..n * n_inputs]);
        }
        scaler.end_reading();
    }
    scaler.map()
}

impl Exact {
    fn of(
        dataset: &Dataset,
        config: &RunConfig,
        roles: &Roles,
        plain: &FeatureMap,
        effect: Option<&Effect>,
    ) -> Self {
        let map = training_map(dataset, roles, plain.clone(), config);
        let rows = Portion::new(dataset, roles, Role::Training, &map);
        let linear = linear(&map, 1, config);
        let fit = Fit::new(rows, linear, config.loss, config.penalty);
        let rows = fit.influence(MOST_ROWS);
        let contours = contours(&rows);
        let along = effect.and_then(|effect| {
            let effects = fit.effects(Some(&effect.at), N_GRID, 0);
            effects.inputs.into_iter().nth(effect.input)
        });
        match along {
            Some(along) => {
                let effect = along.effects.into_iter().next().unwrap_or_default();
                Self { rows, contours, effect, band: along.band }
            }
            None => Self { rows, contours, ..Self::default() },
        }
    }
}

/// Contours of Cook's distance over the range of the rows' leverages, for positive and for negative
/// residuals.
fn contours(rows: &Influence) -> Vec<Contour> {
    let known = || rows.leverages.iter().copied().filter(|leverage| *leverage > 0.0 && *leverage < 1.0);
    let (low, high) = (known().fold(f64::INFINITY, f64::min), known().fold(0.0, f64::max));
    if low >= high {
        return Vec::new();
    }
    let leverage: Vec<f64> = even_grid([low, high]);
    let p = rows.n_coefficients as f64;
    let curve = |distance: f64, sign: f64| Contour {
        distance,
        leverage: leverage.clone(),
        standardized: leverage.iter().map(|h| sign * (distance * p * (1.0 - h) / h).sqrt()).collect(),
    };
    COOKS_DISTANCES.into_iter().flat_map(|distance| [curve(distance, 1.0), curve(distance, -1.0)]).collect()
}

/// [`N_GRID`] values at even distances from `low` to `high`, both included.
fn even_grid([low, high]: [f64; 2]) -> Vec<f64> {
    (0..N_GRID).map(|i| low + (high - low) * i as f64 / (N_GRID - 1) as f64).collect()
}
