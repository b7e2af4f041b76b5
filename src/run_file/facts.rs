//! What a run file says of its weights beside them: how good they are, and of which data.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::choices::{Loss, Penalty, Source};
use crate::dataset::Problem;
use crate::fields::Fields;
use crate::history::Curve;
use crate::metrics::NamedMetrics;
use crate::trainer::Trainer;

/// NamedMetrics by their names: `mse`, `rmse`, `mae`, `r2` of a number (`deviance`, `d2` of counts), `log_loss`, `accuracy` of a
/// class. One that is not defined, as that of a constant target, is `None`.
pub type MetricValues = BTreeMap<String, Option<f64>>;

/// What the data were.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DataFacts {
    /// Rows, those held out too.
    pub n_samples: u32,
    /// Rows of them that are held out and looked at.
    pub n_validation: u32,
    /// Rows of them that are kept for the end.
    pub n_test: u32,
    /// A hash of the table, where a person has loaded one.
    pub fingerprint: Option<String>,
}

impl<'de> Deserialize<'de> for DataFacts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut from = Fields::read(deserializer)?;
        let read = Self {
            n_samples: from.need("n_samples")?,
            n_validation: from.need("n_validation")?,
            n_test: from.need("n_test")?,
            fingerprint: from.may("fingerprint")?,
        };
        from.finish(read)
    }
}

/// [`DataFacts`] as JSON: by hand, since a first visit has no room for the writer of every type.
pub(super) fn data(trainer: &Trainer) -> Value {
    let task = trainer.task();
    let n_of = |part: &Option<(Rc<Problem>, f64)>| part.as_ref().map_or(0, |(problem, _)| problem.n_samples);
    let fingerprint = match &trainer.plan().config().data.source {
        Source::Table { fingerprint, .. } => Value::from(fingerprint.as_str()),
        _ => Value::Null,
    };
    object(vec![
        ("n_samples", task.dataset.n_samples().into()),
        ("n_validation", n_of(&task.validation).into()),
        ("n_test", n_of(&task.test).into()),
        ("fingerprint", fingerprint),
    ])
}

/// A curve as JSON, likewise.
pub(super) fn history(curve: Curve) -> Value {
    let Curve { step, loss, batch_loss, learning_rate, validation_loss } = curve;
    object(vec![
        ("step", step.into()),
        ("loss", loss.into()),
        ("batch_loss", batch_loss.into()),
        ("learning_rate", learning_rate.into()),
        ("validation_loss", validation_loss.into()),
    ])
}

/// One by one: collecting them would sort them, and sorting takes a twentieth of what a first visit may load more.
fn object(fields: Vec<(&str, Value)>) -> Value {
    let mut object = Map::new();
    for (name, value) in fields {
        object.insert(name.to_owned(), value);
    }
    Value::Object(object)
}

/// [`MetricValues`] of the parts that have rows, as JSON, and the loss over those that are trained on, without the penalty. Where
/// rows are read from storage, of the sample of them that is in memory.
pub(super) fn metrics(trainer: &Trainer, parameters: &[f32]) -> (Value, f64) {
    let (task, loss) = (trainer.task(), trainer.plan().config().loss);
    let (training, mean_loss) =
        measure(task.problem.in_memory(), task.dataset.target_variance(), parameters, loss);
    let mut parts = Map::new();
    parts.insert("training".to_owned(), training);
    for (name, part) in [("validation", &task.validation), ("test", &task.test)] {
        if let Some((problem, variance)) = part {
            parts.insert(name.to_owned(), measure(problem.in_memory(), *variance, parameters, loss).0);
        }
    }
    (parts.into(), mean_loss)
}

/// Metrics of all rows, and their mean loss. `variance` is that of their targets.
fn measure(problem: &Problem, variance: f64, parameters: &[f32], loss: Loss) -> (Value, f64) {
    if !(loss == Loss::Squared && problem.weights.is_empty()) {
        return named(problem, parameters, loss);
    }
    let d = problem.n_features as usize;
    let (mut square, mut absolute) = (0.0, 0.0);
    for (features, y) in problem.features.chunks_exact(d).zip(&problem.targets) {
        let bias = parameters.get(d).map_or(0.0, wide);
        let products = features.iter().zip(parameters).map(|(feature, weight)| wide(feature) * wide(weight));
        let r = products.sum::<f64>() + bias - wide(y);
        square += r * r;
        absolute += r.abs();
    }
    let n = f64::from(problem.n_samples);
    let mse = square / n;
    let r2 = if variance > 0.0 { (1.0 - mse / variance).into() } else { Value::Null };
    let names =
        vec![("mse", mse.into()), ("rmse", mse.sqrt().into()), ("mae", (absolute / n).into()), ("r2", r2)];
    (object(names), mse)
}

fn wide(w: &f32) -> f64 {
    f64::from(*w)
}

/// The same under any loss, and where rows count differently.
fn named(problem: &Problem, parameters: &[f32], loss: Loss) -> (Value, f64) {
    let (d, n_outputs) = (problem.n_features as usize, problem.n_outputs as usize);
    let (weights, bias) = parameters.split_at(d * n_outputs);
    let mut metrics = NamedMetrics::new(loss, n_outputs);
    let (mut outputs, mut response) = (vec![0.0; n_outputs], vec![0.0; n_outputs]);
    for (row, (features, y)) in problem.features.chunks_exact(d).zip(&problem.targets).enumerate() {
        for (k, output) in outputs.iter_mut().enumerate() {
            *output = bias.get(k).map_or(0.0, wide);
        }
        for (feature, weights) in features.iter().zip(weights.chunks_exact(n_outputs)) {
            for (output, weight) in outputs.iter_mut().zip(weights) {
                *output += wide(feature) * wide(weight);
            }
        }
        response.copy_from_slice(&outputs);
        loss.respond(&mut response);
        metrics.feed(&outputs, &response, wide(y), problem.weights.get(row).map_or(1.0, wide));
    }
    let named = metrics.metrics(d).into_iter().map(|(name, value)| (name.to_owned(), value.into()));
    (Value::Object(named.collect()), metrics.mean_loss().unwrap_or(f64::NAN))
}

/// What the penalty adds to the loss of these parameters.
pub(super) fn penalty(trainer: &Trainer, parameters: &[f32]) -> f64 {
    let problem = &trainer.task().problem;
    let penalty: Penalty = trainer.plan().config().penalty;
    if penalty.strength == 0.0 {
        return 0.0;
    }
    let n_weights = (problem.n_features * problem.n_outputs) as usize;
    penalty.of(parameters[..n_weights].iter().map(|w| f64::from(*w)))
}
