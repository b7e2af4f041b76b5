//! How weights do on a part of the rows, as numbers to draw: what the tab "Diagnostics" asks for.

use downhill::analysis::Portion;
use downhill::analysis::diagnostics::Diagnostics;
use downhill::analysis::fit::{Fit, Inferred};
use downhill::choices::{Loss, Scaling};
use downhill::config::{RunConfig, RunPlan};
use downhill::dataset::{BLOCK_ROWS, Dataset, FeatureMap, Role, Roles, Scaler, blocks};
use downhill::message::Result;
use downhill::metrics::{Classification, Regression, Roc};
use downhill::model;
use serde::{Deserialize, Serialize};

/// The most rows that a picture has dots for, and places of a curve.
const MOST_ROWS: usize = 4_000;
/// Parts of `[0, 1]` of a calibration curve, and of a histogram of probabilities.
const N_BINS: usize = 10;
const N_BARS: usize = 20;
/// Places along an input at which its effect is taken.
const N_GRID: usize = 61;
/// Cook's distances that curves are drawn at, from which on a row is looked at (Cook and Weisberg 1982).
const COOKS_DISTANCES: [f64; 2] = [0.5, 1.0];

/// What is asked (`diagnose` of `Request` in TypeScript).
#[derive(Clone, Debug, Deserialize)]
pub struct Question {
    /// The run.
    pub config: RunConfig,
    /// In the units of the inputs, the bias last; of several outputs those of each, one after the other: as snapshots have
    /// them.
    pub weights: Vec<f64>,
    /// Which rows.
    pub part: Part,
    /// Which input's effect; that of the first without it.
    #[serde(default)]
    pub effect: Option<EffectOf>,
    /// Whether to tell of the exact fit, too: it is worked out anew.
    #[serde(default)]
    pub exact: bool,
}

/// Which of a run's rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Those that it is trained on.
    Training,
    /// Those that it is watched on.
    Validation,
    /// Those that are kept for the end.
    Test,
}

/// An input, and what the others are held at.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct EffectOf {
    /// Its index.
    pub input: usize,
    /// A number, or the index of a level, for each input; `None` is the mean or the most frequent level.
    pub at: Vec<Option<f64>>,
}

/// What a model is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// A number.
    Regression,
    /// One of two classes.
    Binary,
    /// One of several.
    Classes,
    /// A count.
    Counts,
}

impl Task {
    /// That of a loss.
    #[must_use]
    pub fn of(loss: Loss) -> Self {
        match loss {
            Loss::Logistic => Self::Binary,
            Loss::Softmax => Self::Classes,
            Loss::Poisson => Self::Counts,
            _ => Self::Regression,
        }
    }

    /// From outputs to what is predicted: itself, a rate, the probability of the second class or of each.
    fn link(self, outputs: &mut [f64]) {
        match self {
            Self::Regression => {}
            Self::Binary => outputs.iter_mut().for_each(|z| *z = 1.0 / (1.0 + (-*z).exp())),
            Self::Counts => outputs.iter_mut().for_each(|z| *z = z.exp()),
            Self::Classes => {
                let most = outputs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                outputs.iter_mut().for_each(|z| *z = (*z - most).exp());
                let sum: f64 = outputs.iter().sum();
                outputs.iter_mut().for_each(|p| *p /= sum);
            }
        }
    }
}

/// The answer (`Diagnosed` in TypeScript).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Diagnosed {
    /// Which rows.
    pub part: Part,
    /// Parts that have rows.
    pub parts: Vec<Part>,
    /// What the model is for.
    pub task: Task,
    /// Rows of the part.
    pub n_samples: usize,
    /// Names and values of scores; `None` where one is not defined.
    pub scores: Vec<(&'static str, Option<f64>)>,
    /// Some rows or all; none of classes.
    pub rows: Option<Shown>,
    /// Along one input.
    pub effect: Option<Effect>,
    /// Of the rows that are trained on, where it was asked for.
    pub exact: Option<Exact>,
    /// Of two classes.
    pub roc: Option<Curve>,
    /// Of two classes.
    pub calibration: Option<Calibration>,
    /// Of classes.
    pub confusion: Option<Confusion>,
    /// Of two classes.
    pub histogram: Option<Histogram>,
}

/// What the least of the loss, and no descent on its way there, makes of the rows that are trained on.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Exact {
    /// Row by row; nothing of several classes.
    pub rows: Diagnostics,
    /// Curves of equal Cook's distance, `r = +-sqrt(D p (1 - h) / h)`.
    pub contours: Vec<Contour>,
    /// What it predicts along the input, at the places of [`Effect::grid`].
    pub effect: Vec<f64>,
    /// Ends of the 95% interval of that mean, where there are errors to tell.
    pub band: Option<[Vec<f64>; 2]>,
}

/// Leverages and standardized residuals of one Cook's distance.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Contour {
    /// The distance.
    pub distance: f64,
    /// Along.
    pub leverage: Vec<f64>,
    /// Up, or down.
    pub standardized: Vec<f64>,
}

/// Shares of false and of true positives, as the threshold falls.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Curve {
    /// Along.
    pub false_positive: Vec<f64>,
    /// Up.
    pub true_positive: Vec<f64>,
    /// Area under it.
    pub auc: f64,
}

/// How often the second class came, by how probable the model found it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Calibration {
    /// Mean probability of a bin.
    pub predicted: Vec<f64>,
    /// Share of its rows that are of the class.
    pub observed: Vec<f64>,
    /// Rows of it.
    pub count: Vec<f64>,
}

/// Rows by actual class, then by predicted class.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Confusion {
    /// What the classes are called.
    pub labels: Vec<String>,
    /// A row an actual class, a column a predicted one.
    pub counts: Vec<Vec<f64>>,
}

/// Rows of each of two classes, by the probability of the second.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Histogram {
    /// Ends of the bins, one more than there are bins.
    pub edges: Vec<f64>,
    /// What the classes are called.
    pub labels: Vec<String>,
    /// A row a class.
    pub counts: Vec<Vec<u32>>,
}

/// Rows to draw, column by column: all of them, or every so many and the one that is missed by most.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Shown {
    /// Their places, from 1.
    pub row: Vec<usize>,
    /// Targets.
    pub actual: Vec<f64>,
    /// What the model predicts of them.
    pub fitted: Vec<f64>,
    /// `actual - fitted`; of counts the deviance residual, `sign(y - m) sqrt(2 (y ln(y / m) - y + m))`.
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

/// What the model predicts along an input, the others held.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Effect {
    /// Which input.
    pub input: usize,
    /// What each input is held at.
    pub at: Vec<f64>,
    /// Places along it; indices of its levels.
    pub grid: Vec<f64>,
    /// Predictions there; of several classes the probability of the first.
    pub effect: Vec<f64>,
    /// Of several classes, the probabilities of each.
    pub classes: Vec<Vec<f64>>,
    /// The input, of the rows that are shown.
    pub x: Vec<f64>,
    /// The prediction there and the row's own residual.
    pub partial: Vec<f64>,
}

/// A model and the rows that it is asked about.
struct Model<'a> {
    dataset: &'a Dataset,
    map: FeatureMap,
    /// Those of each output with its bias, one output after the other.
    weights: &'a [f64],
    n_outputs: usize,
    task: Task,
}

impl Diagnosed {
    /// Of a question about a dataset.
    ///
    /// # Errors
    /// What [`model::feature_map`] and [`Roles::of`] refuse.
    pub fn of(dataset: &Dataset, question: &Question) -> Result<Self> {
        let config = &question.config;
        let task = Task::of(config.loss);
        let map = model::feature_map(&config.model, &dataset.inputs)?;
        let n_features = map.n_features();
        let n_outputs = match task {
            Task::Classes => question.weights.len() / (n_features + usize::from(config.model.bias)).max(1),
            _ => 1,
        };
        let model = Model { dataset, map, weights: &question.weights, n_outputs, task };
        let roles = Roles::of(&config.validation, dataset)?;
        let part_of = |place: usize| match roles.role(place) {
            Role::Training => Part::Training,
            Role::Validation => Part::Validation,
            Role::Test => Part::Test,
        };
        let all = [
            (Part::Training, roles.n_training()),
            (Part::Validation, roles.n_validation()),
            (Part::Test, roles.n_test()),
        ];
        let parts: Vec<Part> = all.iter().filter(|(_, n)| *n > 0).map(|(part, _)| *part).collect();
        let found = all.into_iter().find(|(part, n)| *part == question.part && *n > 0);
        let (part, n_samples) = found.unwrap_or(all[0]);
        let n_samples = n_samples as usize;

        let stride = n_samples.div_ceil(MOST_ROWS).max(1);
        let (mut rows, mut inputs, mut seen) = (Shown::default(), Vec::new(), 0);
        let mut worst: Option<(f64, usize, f64, f64, Vec<f64>)> = None;
        let mut centre = Centre::new(dataset);
        let mut measured = Measured::new(task, n_outputs);
        model.for_each_row(|place, x, actual, weight| {
            if part_of(place) != part {
                return;
            }
            centre.add(x);
            let predicted = model.predict(x);
            measured.add(&predicted, actual, weight);
            let miss = (actual - predicted[0]).abs();
            if seen % stride == 0 {
                rows.push(task, place, actual, predicted[0]);
                inputs.extend_from_slice(x);
            } else if worst.as_ref().is_none_or(|worst| miss > worst.0) {
                worst = Some((miss, place, actual, predicted[0], x.to_vec()));
            }
            seen += 1;
        });
        if let Some((_, place, actual, fitted, x)) = worst {
            rows.push(task, place, actual, fitted);
            inputs.extend(x);
        }
        let of = question.effect.clone().unwrap_or_default();
        let effect =
            (of.input < dataset.n_inputs()).then(|| model.effect(&of, &centre.middle(), &inputs, &rows));
        let exact =
            (question.exact && task != Task::Classes).then(|| model.exact(config, &roles, effect.as_ref()));
        let named = |k: usize| dataset.target_levels.get(k).cloned().unwrap_or_else(|| k.to_string());
        let labels: Vec<String> = (0..n_outputs.max(2)).map(named).collect();
        let bare = Self {
            part,
            parts,
            task,
            n_samples,
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
                Self { scores: numbers(&sums, task, n_features), rows: Some(rows), ..bare }
            }
            Measured::Classes { counts, scored } => bare.with_classes(&counts, labels, &scored),
        })
    }

    fn with_classes(mut self, counts: &Classification, labels: Vec<String>, scored: &Scored) -> Self {
        let found = counts.metrics();
        self.scores = vec![("log_loss", Some(found.log_loss)), ("accuracy", Some(found.accuracy))];
        if self.task == Task::Binary {
            let Scored { probabilities, targets, weights } = scored;
            let roc = Roc::new(probabilities, targets, weights);
            let second = found.classes[1];
            self.scores.extend([
                ("auc", roc.as_ref().map(|roc| roc.area)),
                ("precision", second.precision),
                ("recall", second.recall),
                ("f1", second.f1),
            ]);
            self.roc = roc.map(|Roc { points, area }| {
                let stride = points.len().div_ceil(MOST_ROWS).max(1);
                let last = points.len() - 1;
                let kept = (0..points.len()).filter(|i| i % stride == 0 || *i == last).map(|i| points[i]);
                let (false_positive, true_positive) = kept.map(|[x, y]| (x, y)).unzip();
                Curve { false_positive, true_positive, auc: area }
            });
            let bins = &found.calibration;
            self.calibration = Some(Calibration {
                predicted: bins.iter().map(|bin| bin.predicted).collect(),
                observed: bins.iter().map(|bin| bin.observed).collect(),
                count: bins.iter().map(|bin| bin.weight).collect(),
            });
            let mut bars = vec![vec![0; N_BARS]; 2];
            for (p, y) in probabilities.iter().zip(targets) {
                bars[usize::from(*y > 0.5)][((p * N_BARS as f64) as usize).min(N_BARS - 1)] += 1;
            }
            let edges = (0..=N_BARS).map(|i| i as f64 / N_BARS as f64).collect();
            self.histogram = Some(Histogram { edges, labels: labels.clone(), counts: bars });
        }
        self.scores.push(("brier", Some(found.brier)));
        self.confusion = Some(Confusion { labels, counts: found.confusion });
        self
    }
}

/// Scores of predicted numbers, by the names that the page words.
fn numbers(sums: &Regression, task: Task, n_features: usize) -> Vec<(&'static str, Option<f64>)> {
    let found = sums.metrics(n_features);
    let errors = [
        ("rmse", Some(found.root_mean_squared_error)),
        ("mae", Some(found.mean_absolute_error)),
        ("r2", found.r2),
    ];
    let others: &[_] = match task {
        Task::Counts => &[("deviance", found.mean_poisson_deviance), ("d2", found.d2_poisson)],
        _ => &[("adjusted_r2", found.adjusted_r2)],
    };
    errors.iter().chain(others).copied().collect()
}

/// What is summed over the rows.
enum Measured {
    Numbers(Regression),
    /// Every row is kept of two classes alone.
    Classes {
        counts: Classification,
        scored: Scored,
    },
}

/// Rows of one of two classes each.
#[derive(Default)]
struct Scored {
    probabilities: Vec<f64>,
    targets: Vec<f64>,
    weights: Vec<f64>,
}

impl Measured {
    fn new(task: Task, n_outputs: usize) -> Self {
        match task {
            Task::Regression | Task::Counts => Self::Numbers(Regression::default()),
            Task::Binary | Task::Classes => Self::Classes {
                counts: Classification::new(n_outputs.max(2), N_BINS),
                scored: Scored::default(),
            },
        }
    }

    fn add(&mut self, predicted: &[f64], actual: f64, weight: f64) {
        match self {
            Self::Numbers(sums) => sums.feed(predicted, &[actual], &[weight]),
            Self::Classes { counts, scored } => {
                counts.feed(predicted, &[actual], &[weight]);
                if let [p] = predicted {
                    scored.probabilities.push(*p);
                    scored.targets.push(actual);
                    scored.weights.push(weight);
                }
            }
        }
    }
}

/// What can be inferred of a configuration's model of the rows that are trained on.
pub fn inferred(dataset: &Dataset, roles: &Roles, plain: FeatureMap, config: &RunConfig) -> Inferred {
    let map = training_map(dataset, roles, plain, config);
    let n_outputs = match config.loss {
        Loss::Softmax => dataset.target_levels.len().max(dataset.ranges().1[1] as usize + 1),
        _ => 1,
    };
    let rows = Portion::new(dataset, roles, Role::Training, &map);
    Fit::new(rows, n_outputs, config.model.bias, config.loss, config.penalty).inferred().clone()
}

/// The map whose features a fit is of, scaled by the rows that are trained on as a run's own is. A penalty is one of the
/// scaled features; without one the scale changes no answer, and keeps all digits.
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

impl Model<'_> {
    fn predict(&self, x: &[f64]) -> Vec<f64> {
        let d = self.map.n_features();
        let mut features = vec![0.0; d];
        self.map.features(x, &mut features);
        let output = |weights: &[f64]| {
            let sum: f64 = features.iter().zip(weights).map(|(feature, weight)| feature * weight).sum();
            sum + weights.get(d).copied().unwrap_or(0.0)
        };
        let per_output = self.weights.len() / self.n_outputs.max(1);
        let mut outputs: Vec<f64> = self.weights.chunks_exact(per_output.max(1)).map(output).collect();
        self.task.link(&mut outputs);
        outputs
    }

    /// Every row: where it stands, its inputs, its target, how much it counts.
    fn for_each_row(&self, mut each: impl FnMut(usize, &[f64], f64, f64)) {
        let n_inputs = self.dataset.n_inputs();
        let (mut x, mut y) = (vec![0.0; n_inputs * BLOCK_ROWS], vec![0.0; BLOCK_ROWS]);
        let mut weights = vec![1.0; BLOCK_ROWS];
        for block in blocks(self.dataset.n_samples() as usize) {
            let (x, y) = (&mut x[..n_inputs * block.len()], &mut y[..block.len()]);
            self.dataset.read(block.start, x, y);
            // Without such a column they stay as they are: each row counts once.
            let _ = self.dataset.read_extra(
                downhill::dataset::Extra::Weight,
                block.start,
                &mut weights[..block.len()],
            );
            for (((x, y), weight), place) in x.chunks_exact(n_inputs).zip(&*y).zip(&weights).zip(block) {
                each(place, x, *y, *weight);
            }
        }
    }

    fn exact(&self, config: &RunConfig, roles: &Roles, effect: Option<&Effect>) -> Exact {
        let map = training_map(self.dataset, roles, self.map.clone(), config);
        let rows = Portion::new(self.dataset, roles, Role::Training, &map);
        let fit = Fit::new(rows, self.n_outputs, config.model.bias, config.loss, config.penalty);
        let rows = fit.diagnostics(MOST_ROWS);
        let contours = contours(&rows);
        let along = effect.map(|effect| {
            let effects = fit.effects(Some(&effect.at), N_GRID, 0);
            effects.inputs.into_iter().nth(effect.input)
        });
        match along.flatten() {
            Some(along) => {
                let effect = along.effects.into_iter().next().unwrap_or_default();
                Exact { rows, contours, effect, band: along.band }
            }
            None => Exact { rows, contours, ..Exact::default() },
        }
    }

    fn effect(&self, of: &EffectOf, middle: &[f64], inputs: &[f64], rows: &Shown) -> Effect {
        let n_inputs = self.dataset.n_inputs();
        let chosen = |j: usize| of.at.get(j).copied().flatten().filter(|value| value.is_finite());
        let at: Vec<f64> = (0..n_inputs).map(|j| chosen(j).unwrap_or(middle[j])).collect();
        let mut held = at.clone();
        let mut along = |value: f64| {
            held[of.input] = value;
            self.predict(&held)
        };
        let levels = self.dataset.inputs[of.input].levels.len();
        let [low, high] = self.dataset.summary().x_ranges[of.input];
        let grid: Vec<f64> = match levels {
            0 => (0..N_GRID).map(|i| low + (high - low) * i as f64 / (N_GRID - 1) as f64).collect(),
            n => (0..n).map(|level| level as f64).collect(),
        };
        let predicted: Vec<Vec<f64>> = grid.iter().map(|value| along(*value)).collect();
        let of_output = |k: usize| predicted.iter().map(|outputs| outputs[k]).collect();
        let effect = of_output(0);
        let n_classes = if self.task == Task::Classes { self.n_outputs } else { 0 };
        let classes = (0..n_classes).map(of_output).collect();
        // Of a probability there is no such thing: a row is of one class or of the other.
        let has_partial = !matches!(self.task, Task::Binary | Task::Classes);
        let x: Vec<f64> =
            inputs.iter().skip(of.input).step_by(n_inputs).copied().filter(|_| has_partial).collect();
        let own = rows.actual.iter().zip(&rows.fitted).map(|(actual, fitted)| actual - fitted);
        let partial = x.iter().zip(own).map(|(x, residual)| along(*x)[0] + residual).collect();
        Effect { input: of.input, at, grid, effect, classes, x, partial }
    }
}

/// Curves as far as rows have leverage, above and below.
fn contours(rows: &Diagnostics) -> Vec<Contour> {
    let known = || rows.leverages.iter().copied().filter(|leverage| *leverage > 0.0 && *leverage < 1.0);
    let (low, high) = (known().fold(f64::INFINITY, f64::min), known().fold(0.0, f64::max));
    if low >= high {
        return Vec::new();
    }
    let leverage: Vec<f64> =
        (0..N_GRID).map(|i| low + (high - low) * i as f64 / (N_GRID - 1) as f64).collect();
    let p = rows.n_coefficients as f64;
    let curve = |distance: f64, sign: f64| Contour {
        distance,
        leverage: leverage.clone(),
        standardized: leverage.iter().map(|h| sign * (distance * p * (1.0 - h) / h).sqrt()).collect(),
    };
    COOKS_DISTANCES.into_iter().flat_map(|distance| [curve(distance, 1.0), curve(distance, -1.0)]).collect()
}

/// Means of numbers and counts of levels.
struct Centre {
    n: f64,
    sums: Vec<f64>,
    counts: Vec<Vec<u32>>,
}

impl Centre {
    fn new(dataset: &Dataset) -> Self {
        let counts = dataset.inputs.iter().map(|input| vec![0; input.levels.len()]).collect();
        Self { n: 0.0, sums: vec![0.0; dataset.n_inputs()], counts }
    }

    fn add(&mut self, x: &[f64]) {
        self.n += 1.0;
        for ((sum, counts), x) in self.sums.iter_mut().zip(&mut self.counts).zip(x) {
            match counts.get_mut(*x as usize) {
                Some(count) => *count += 1,
                None => *sum += x,
            }
        }
    }

    /// Of each input its mean, or its most frequent level.
    fn middle(&self) -> Vec<f64> {
        let most = |counts: &Vec<u32>| (0..counts.len()).rev().max_by_key(|level| counts[*level]);
        let of = |(sum, counts): (&f64, &Vec<u32>)| match most(counts) {
            Some(level) => level as f64,
            None => sum / self.n.max(1.0),
        };
        self.sums.iter().zip(&self.counts).map(of).collect()
    }
}
