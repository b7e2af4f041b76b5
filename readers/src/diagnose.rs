//! How weights do on a part of the rows, as numbers to draw: what the tab "Diagnostics" asks for.

use downhill::config::RunConfig;
use downhill::dataset::{BLOCK_ROWS, Dataset, FeatureMap, Roles, blocks};
use downhill::loss::Loss;
use downhill::message::Result;
use downhill::model;
use serde::{Deserialize, Serialize};

/// The most rows that a picture has dots for.
const MOST_ROWS: usize = 4_000;
/// Places along an input at which its effect is taken.
const N_GRID: usize = 61;

/// What is asked (`diagnose` of `Request` in TypeScript).
#[derive(Clone, Debug, Deserialize)]
pub struct Question {
    /// The run.
    pub config: RunConfig,
    /// In the units of the inputs, the bias last: as snapshots have them.
    pub weights: Vec<f64>,
    /// Which rows.
    pub part: Part,
    /// Which input's effect; that of the first without it.
    #[serde(default)]
    pub effect: Option<EffectOf>,
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

    /// What the model predicts where its output is `z`.
    fn mean(self, z: f64) -> f64 {
        match self {
            Self::Binary => 1.0 / (1.0 + (-z).exp()),
            Self::Counts => z.exp(),
            Self::Regression | Self::Classes => z,
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
    /// Some rows or all.
    pub rows: Shown,
    /// Along one input.
    pub effect: Option<Effect>,
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
    /// `actual - fitted`.
    pub residual: Vec<f64>,
}

impl Shown {
    fn push(&mut self, place: usize, actual: f64, fitted: f64) {
        self.row.push(place + 1);
        self.actual.push(actual);
        self.fitted.push(fitted);
        self.residual.push(actual - fitted);
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
    /// Predictions there.
    pub effect: Vec<f64>,
    /// The input, of the rows that are shown.
    pub x: Vec<f64>,
    /// The prediction there and the row's own residual.
    pub partial: Vec<f64>,
}

/// A model of one output and the rows that it is asked about.
struct Model<'a> {
    dataset: &'a Dataset,
    map: FeatureMap,
    weights: &'a [f64],
    task: Task,
}

impl Diagnosed {
    /// Of a question about a dataset.
    ///
    /// # Errors
    /// What [`model::feature_map`] refuses.
    pub fn of(dataset: &Dataset, question: &Question) -> Result<Self> {
        let config = &question.config;
        let task = Task::of(config.loss);
        let map = model::feature_map(&config.model, &dataset.inputs)?;
        let model = Model { dataset, map, weights: &question.weights, task };
        let roles = Roles::new(&config.validation, dataset.n_samples());
        let part_of =
            |place: usize| if roles.is_validation(place) { Part::Validation } else { Part::Training };
        let mut parts = vec![Part::Training];
        parts.extend((roles.n_validation() > 0).then_some(Part::Validation));
        let part = if parts.contains(&question.part) { question.part } else { Part::Training };
        let n_samples = match part {
            Part::Training => roles.n_training(),
            _ => roles.n_validation(),
        } as usize;

        let stride = n_samples.div_ceil(MOST_ROWS).max(1);
        let (mut rows, mut inputs, mut seen) = (Shown::default(), Vec::new(), 0);
        let mut worst: Option<(f64, usize, f64, f64, Vec<f64>)> = None;
        let mut centre = Centre::new(dataset);
        model.for_each_row(|place, x, actual| {
            if part_of(place) != part {
                return;
            }
            centre.add(x);
            let fitted = model.predict(x);
            if seen % stride == 0 {
                rows.push(place, actual, fitted);
                inputs.extend_from_slice(x);
            } else if worst.as_ref().is_none_or(|worst| (actual - fitted).abs() > worst.0) {
                worst = Some(((actual - fitted).abs(), place, actual, fitted, x.to_vec()));
            }
            seen += 1;
        });
        if let Some((_, place, actual, fitted, x)) = worst {
            rows.push(place, actual, fitted);
            inputs.extend(x);
        }
        let of = question.effect.clone().unwrap_or_default();
        let effect = (of.input < dataset.n_inputs() && task != Task::Classes)
            .then(|| model.effect(&of, &centre.middle(), &inputs, &rows));
        Ok(Self { part, parts, task, n_samples, rows, effect })
    }
}

impl Model<'_> {
    fn predict(&self, x: &[f64]) -> f64 {
        let mut features = vec![0.0; self.map.n_features()];
        self.task.mean(model::predict(&self.map, self.weights, x, &mut features))
    }

    fn for_each_row(&self, mut each: impl FnMut(usize, &[f64], f64)) {
        let n_inputs = self.dataset.n_inputs();
        let (mut x, mut y) = (vec![0.0; n_inputs * BLOCK_ROWS], vec![0.0; BLOCK_ROWS]);
        for block in blocks(self.dataset.n_samples() as usize) {
            let (x, y) = (&mut x[..n_inputs * block.len()], &mut y[..block.len()]);
            self.dataset.read(block.start, x, y);
            for ((x, y), place) in x.chunks_exact(n_inputs).zip(&*y).zip(block) {
                each(place, x, *y);
            }
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
        let effect = grid.iter().map(|value| along(*value)).collect();
        // Of a probability there is no such thing: a row is of one class or of the other.
        let has_partial = self.task != Task::Binary;
        let x: Vec<f64> =
            inputs.iter().skip(of.input).step_by(n_inputs).copied().filter(|_| has_partial).collect();
        let partial = x.iter().zip(&rows.residual).map(|(x, residual)| along(*x) + residual).collect();
        Effect { input: of.input, at, grid, effect, x, partial }
    }
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
