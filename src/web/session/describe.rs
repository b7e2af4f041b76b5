//! Describes the configuration and the data of a run to the page: everything that training does not change.

use super::{Run, Session};
use crate::choices::Loss;
use crate::config::to_query;
use crate::dataset::Role;
use crate::message::{Code, Message, Result, short};
use crate::model;
use crate::protocol::{Answer, Configured, DatasetInfo, Exact, InputInfo};
use crate::trainer::{self, Task, Trainer};

/// The maximum number of points that are drawn individually.
const MAX_DRAWN_POINTS: u32 = 20_000;
/// The maximum number of rows whose predictions are drawn.
const MAX_SHOWN_PREDICTIONS: usize = 2_000;
/// The number of blocks from which the rows whose predictions are drawn are read, if rows are in storage.
const SHOWN_BLOCKS: usize = 20;
/// Number of points of a drawn curve.
const CURVE_POINTS: usize = 201;

/// Which parts of a run an answer describes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Detail {
    /// Only the configuration of the run.
    Config,
    /// The configuration of the run, and its optimum, which has changed.
    Optimum,
    /// Everything, because a new run began.
    Everything,
}

impl Session {
    pub(super) fn configured(&self, detail: Detail) -> Result<Answer> {
        let run = self.run()?;
        let config = run.trainer.plan().config().clone();
        Ok(Answer::Configured(Box::new(Configured {
            run: run.id,
            query: to_query(&config),
            restarted: detail == Detail::Everything,
            dataset: (detail == Detail::Everything).then(|| dataset_info(run)),
            exact: (detail == Detail::Optimum).then(|| exact(&run.trainer)).flatten(),
            config,
            notices: run.notices.clone(),
        })))
    }
}

/// The codes of all messages that [`notices`] can return.
pub(super) const OPTIMUM_NOTICES: [Code; 5] = [
    Code::NoticeNoOptimum,
    Code::NoticeNotFinite,
    Code::NoticeZeroCounts,
    Code::NoticeNotUnique,
    Code::NoticeStoryFloor,
];

/// Messages that explain what is unusual about the optimum, so that it does not surprise the user.
pub(super) fn notices(trainer: &Trainer) -> Vec<Message> {
    let (task, config) = (trainer.task(), trainer.plan().config());
    let mut notices = Vec::new();
    let Some(trainer::Exact { solution, loss_with_bias, .. }) = &task.exact else { return notices };
    if solution.loss.is_nan() {
        notices.push(Code::NoticeNoOptimum.into());
    } else if !solution.finite {
        let is_count = config.loss == Loss::Poisson;
        notices.push(if is_count { Code::NoticeZeroCounts } else { Code::NoticeNotFinite }.into());
    } else if !solution.unique {
        notices.push(Code::NoticeNotUnique.into());
    }
    // A loss that may be negative cannot be compared with twice another.
    if !config.model.bias && *loss_with_bias >= 0.0 && solution.loss > 2.0 * loss_with_bias {
        notices.push(Message::new(Code::NoticeStoryFloor).with("loss", short(solution.loss)));
    }
    notices
}

/// With several inputs, the rows whose predictions are drawn: evenly spread, without the test rows.
#[derive(Default)]
pub(super) struct Sample {
    /// Inputs of the sampled rows, row-major.
    x: Vec<f64>,
    /// Targets of the sampled rows.
    y: Vec<f64>,
}

impl Sample {
    pub(super) fn of(task: &Task) -> Self {
        let (n_inputs, n_samples) = (task.map.n_inputs(), task.dataset.n_samples() as usize);
        if n_inputs == 1 {
            return Self::default();
        }
        let n = n_samples.min(MAX_SHOWN_PREDICTIONS);
        // Reading a row from storage reads its whole block, so the rows come from a few blocks.
        let n_together = if task.problem.stored().is_some() { n.div_ceil(SHOWN_BLOCKS) } else { 1 };
        let (mut x, mut y) = (vec![0.0; n * n_inputs], vec![0.0; n]);
        let rows = x.chunks_mut(n_together * n_inputs).zip(y.chunks_mut(n_together));
        for (i, (x, y)) in rows.enumerate() {
            task.dataset.read(i * n_together * n_samples / n, x, y);
        }
        if task.test.is_some() {
            let row = |i: usize| i / n_together * n_together * n_samples / n + i % n_together;
            let shown: Vec<usize> = (0..n).filter(|i| task.roles.role(row(*i)) != Role::Test).collect();
            x = shown.iter().flat_map(|i| x[i * n_inputs..(i + 1) * n_inputs].to_vec()).collect();
            y = shown.iter().map(|i| y[*i]).collect();
        }
        Self { x, y }
    }

    /// Predictions for these rows; with several classes, the predicted probability of the true class.
    pub(super) fn predicted(&self, trainer: &Trainer) -> Vec<f32> {
        let mut predicted = vec![0.0; self.y.len()];
        trainer.predict_known(&self.x, &self.y, &mut predicted);
        singles(&predicted)
    }
}

fn singles(values: &[f64]) -> Vec<f32> {
    values.iter().map(|value| *value as f32).collect()
}

fn dataset_info(run: &Run) -> DatasetInfo {
    let trainer = &run.trainer;
    let task = trainer.task();
    let (dataset, loss) = (&task.dataset, trainer.plan().config().loss);
    let several = dataset.n_inputs() > 1;
    let drawn = dataset.n_samples() <= MAX_DRAWN_POINTS;
    let (x, y) = match (several, drawn) {
        (true, _) => (Vec::new(), run.sample.y.clone()),
        (false, true) => dataset.columns(),
        (false, false) => Default::default(),
    };
    let (x_range, y_range) = dataset.ranges();
    let x_range = match several {
        true if task.layout.n_outputs() > 1 => [0.0, 1.0],
        true => y_range,
        false => x_range,
    };
    let ranges = &dataset.summary().x_ranges;
    let inputs = dataset.inputs.iter().zip(ranges).map(|(input, range)| InputInfo {
        name: input.name.clone(),
        start: input.levels.first().cloned().unwrap_or_else(|| short((range[0] + range[1]) / 2.0)),
        levels: input.levels.clone(),
        range: *range,
    });
    DatasetInfo {
        n_samples: dataset.n_samples(),
        n_validation: task.validation.as_ref().map_or(0, |(problem, _)| problem.n_samples),
        n_test: task.test.as_ref().map_or(0, |(problem, _)| problem.n_samples),
        n_features: task.problem.n_features,
        n_parameters: task.layout.n_parameters(),
        inputs: inputs.collect(),
        target: dataset.target.clone(),
        classes: classes(trainer),
        has_probabilities: loss.classifies() && !loss.decides(),
        terms: model::term_names(&task.map, &dataset.inputs),
        scaling: trainer.plan().scaling(),
        bytes: task.bytes() as f64,
        points_x: singles(&x),
        points_y: singles(&y),
        x_range,
        y_range,
        exact: exact(trainer),
    }
}

/// Names of the target's classes; empty if the target is a number.
fn classes(trainer: &Trainer) -> Vec<String> {
    let task = trainer.task();
    if !trainer.plan().config().loss.classifies() {
        return Vec::new();
    }
    let levels = &task.dataset.target_levels;
    let n = task.layout.n_outputs().max(2) as usize;
    (0..n).map(|class| levels.get(class).cloned().unwrap_or_else(|| class.to_string())).collect()
}

/// The optimum of a linear model; `None` for others.
fn exact(trainer: &Trainer) -> Option<Exact> {
    let task = trainer.task();
    let solution = &task.exact.as_ref()?.solution;
    let (curve_x, curve_y) = if task.map.n_inputs() > 1 {
        // An exact prediction equals its target; for many classes, the true class has probability 1.
        let (_, [low, high]) = task.dataset.ranges();
        let ends = singles(&[low - 10.0 * (high - low), high + 10.0 * (high - low)]);
        if task.layout.n_outputs() > 1 { (vec![1.0; 2], ends) } else { (ends.clone(), ends) }
    } else if solution.loss.is_nan() {
        Default::default()
    } else {
        curve(trainer, |x| trainer.predict_exactly(x).unwrap_or(f64::NAN))
    };
    Some(Exact {
        weights: solution.original.clone(),
        unique: solution.unique,
        loss: solution.loss,
        r2: solution.r2,
        stable_rate: trainer.stable_rate(),
        condition: solution.condition,
        curve_x,
        curve_y,
    })
}

/// Points of the curve of a model with one input: a straight line extends as far as the chart can be panned,
/// higher powers only a little beyond the data.
pub(super) fn curve(trainer: &Trainer, predict: impl Fn(f64) -> f64) -> (Vec<f32>, Vec<f32>) {
    let task = trainer.task();
    if task.map.n_inputs() > 1 {
        return Default::default();
    }
    let ([low, high], _) = task.dataset.ranges();
    let bent = trainer.plan().config().loss.bends();
    let straight = task.map.n_features() == 1 && !bent;
    let (beyond, n) = if straight { (10.0, 2) } else { (0.25, CURVE_POINTS) };
    let (start, span) = (low - beyond * (high - low), (1.0 + 2.0 * beyond) * (high - low));
    let at = |i: usize| start + span * i as f64 / (n - 1) as f64;
    ((0..n).map(|i| at(i) as f32).collect(), (0..n).map(|i| predict(at(i)) as f32).collect())
}
