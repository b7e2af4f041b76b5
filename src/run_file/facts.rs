//! Facts that a run file states about its weights: their metrics, and the size of the data they were trained
//! on.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde::Serialize;

use crate::choices::{Loss, Penalty, Source};
use crate::dataset::Problem;
use crate::fields::read_fields;
use crate::metrics::NamedMetrics;
use crate::model::Layout;
use crate::trainer::Trainer;

/// Metrics by name: `mse`, `rmse`, `mae` and `r2` for a number (`deviance` and `d2` for counts), `log_loss`
/// and `accuracy` for classes. An undefined metric, such as the R² of a constant target, is `None`.
pub type MetricValues = BTreeMap<String, Option<f64>>;

/// Size and fingerprint of the data of a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct DataFacts {
    /// Total number of rows of the data.
    pub n_samples: u32,
    /// Number of validation rows.
    pub n_validation: u32,
    /// Number of test rows.
    pub n_test: u32,
    /// A hash of the table, if the user loaded one.
    pub fingerprint: Option<String>,
}

read_fields!(DataFacts { n_samples, n_validation, n_test, fingerprint });

pub(super) fn data(trainer: &Trainer) -> DataFacts {
    let task = trainer.task();
    let n_of = |part: &Option<(Rc<Problem>, f64)>| part.as_ref().map_or(0, |(problem, _)| problem.n_samples);
    DataFacts {
        n_samples: task.dataset.n_samples(),
        n_validation: n_of(&task.validation),
        n_test: n_of(&task.test),
        fingerprint: match &trainer.plan().config().data.source {
            Source::Table { fingerprint, .. } => Some(fingerprint.clone()),
            _ => None,
        },
    }
}

/// Metrics by group of rows (`training`, `validation`, `test`; empty groups are left out), and the training
/// loss without the penalty. If rows are in storage, only the sample in memory counts.
pub(super) fn metrics(trainer: &Trainer, parameters: &[f32]) -> (BTreeMap<String, MetricValues>, f64) {
    let (task, loss) = (trainer.task(), trainer.plan().config().loss);
    let parameters: Vec<f64> = parameters.iter().map(wide).collect();
    let model = (&task.layout, &parameters[..]);
    let (training, mean_loss) =
        measure(task.problem.in_memory(), task.dataset.target_variance(), model, loss);
    let mut parts = BTreeMap::from([("training".to_owned(), training)]);
    for (name, part) in [("validation", &task.validation), ("test", &task.test)] {
        if let Some((problem, variance)) = part {
            let (metrics, _) = measure(problem.in_memory(), *variance, model, loss);
            parts.insert(name.to_owned(), metrics);
        }
    }
    (parts, mean_loss)
}

/// Metrics of all rows of `problem` and their mean loss. `variance` is the variance of their targets.
fn measure(problem: &Problem, variance: f64, model: (&Layout, &[f64]), loss: Loss) -> (MetricValues, f64) {
    if !(loss == Loss::Squared && problem.weights.is_empty()) {
        return measure_any(problem, model, loss);
    }
    let (layout, parameters) = model;
    let (mut square, mut absolute, mut outputs) = (0.0, 0.0, Vec::new());
    for (features, y) in rows(problem) {
        layout.outputs(parameters, &features, &mut outputs);
        let r = outputs.first().copied().unwrap_or(f64::NAN) - y;
        square += r * r;
        absolute += r.abs();
    }
    let n = f64::from(problem.n_samples);
    let mse = square / n;
    let r2 = if variance > 0.0 { 1.0 - mse / variance } else { f64::NAN };
    let named = [("mse", mse), ("rmse", mse.sqrt()), ("mae", absolute / n), ("r2", r2)];
    let named = named.map(|(name, value)| (name.to_owned(), Some(value).filter(|value| value.is_finite())));
    (named.into(), mse)
}

/// As `measure`, but for any loss and for weighted rows.
fn measure_any(
    problem: &Problem,
    (layout, parameters): (&Layout, &[f64]),
    loss: Loss,
) -> (MetricValues, f64) {
    let n_outputs = layout.n_outputs() as usize;
    let mut metrics = NamedMetrics::new(loss, n_outputs);
    let mut response = vec![0.0; n_outputs];
    for (row, (features, y)) in rows(problem).enumerate() {
        let outputs = layout.forward(parameters, &features).pop().unwrap_or_default();
        response.copy_from_slice(&outputs);
        loss.respond(&mut response);
        metrics.feed(&outputs, &response, y, problem.weights.get(row).map_or(1.0, wide));
    }
    let named = metrics.metrics(problem.n_features as usize).into_iter();
    let named = named.map(|(name, value)| (name.to_owned(), value));
    (named.collect(), metrics.mean_loss().unwrap_or(f64::NAN))
}

/// Iterates over the rows of `problem` as pairs of features and target.
fn rows(problem: &Problem) -> impl Iterator<Item = (Vec<f64>, f64)> + '_ {
    let features = problem.features.chunks_exact(problem.n_features as usize);
    features.zip(&problem.targets).map(|(features, y)| (features.iter().map(wide).collect(), wide(y)))
}

fn wide(w: &f32) -> f64 {
    f64::from(*w)
}

/// The value of the plan's penalty at these parameters.
pub(super) fn penalty(trainer: &Trainer, parameters: &[f32]) -> f64 {
    let penalty: Penalty = trainer.plan().config().penalty;
    if penalty.strength == 0.0 {
        return 0.0;
    }
    penalty.of(trainer.task().layout.weights(parameters).map(wide))
}
