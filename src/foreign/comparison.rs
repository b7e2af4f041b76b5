//! Comparison of a run with a model that another tool trained.

use std::collections::BTreeMap;

use serde::Serialize;

use super::terms::{self, Key};
use super::{Matching, Model};
use crate::dataset::{BLOCK_ROWS, Extra, FeatureMap, Role, blocks};
use crate::message::{Message, Result};
use crate::metrics::NamedMetrics;
use crate::model::{self, Response};
use crate::trainer::Trainer;

/// Scores and coefficients of a foreign model and of a run, on the same rows.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Comparison {
    /// Scores on the rows of each role that has rows.
    pub parts: Vec<ComparedPart>,
    /// The coefficients, output by output, with the bias last; empty if the run's model is not linear.
    pub coefficients: Vec<ComparedCoefficient>,
    /// Messages about how columns were matched, if not by name.
    pub notices: Vec<Message>,
}

/// Scores of both models on the rows of one role.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct ComparedPart {
    /// The role of the rows: `training`, `validation` or `test`.
    #[cfg_attr(test, ts(type = "\"training\" | \"validation\" | \"test\""))]
    pub part: &'static str,
    /// Number of rows with this role.
    pub n_samples: u64,
    /// The scores of both models; the loss comes first.
    pub scores: Vec<ComparedScore>,
}

/// One score of both models; a value is `None` if it is undefined.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct ComparedScore {
    /// Name of the score: `loss`, or the key of the page's label without the prefix `score_`.
    pub name: &'static str,
    /// The score of the run's current weights.
    pub current: Option<f64>,
    /// The score of the foreign model.
    pub model: Option<f64>,
}

/// One coefficient of both models in the units of the data; a value is `None` if that model has no such term.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct ComparedCoefficient {
    /// Name of the class that the output is for; `None` if there is only one output.
    pub output: Option<String>,
    /// Name of the term; `None` for the bias.
    pub term: Option<String>,
    /// The coefficient of the run's current weights.
    pub current: Option<f64>,
    /// The coefficient of the foreign model.
    pub model: Option<f64>,
}

impl Comparison {
    /// Compares a foreign model with the current weights of a run.
    ///
    /// # Errors
    /// The errors of [`Model::matched`].
    pub fn of(model: &Model, trainer: &Trainer) -> Result<Self> {
        let dataset = &trainer.task().dataset;
        let matching = model.matched(&dataset.inputs)?;
        let classes = model.classes(&dataset.target_levels, trainer.task().layout.n_outputs() as usize);
        Ok(Self {
            parts: parts(model, &matching, classes.as_deref(), trainer),
            coefficients: coefficients(model, &matching, classes.as_deref(), trainer),
            notices: matching.notice.into_iter().collect(),
        })
    }
}

/// A function that computes a model's outputs for one row of features.
type Outputs<'a> = Box<dyn Fn(&[f64], &mut Vec<f64>) + 'a>;

/// One of the two models, with the sums for its scores.
struct Predicting<'a> {
    map: &'a FeatureMap,
    of_features: Outputs<'a>,
    link: Response,
    features: Vec<f64>,
    outputs: Vec<f64>,
    response: Vec<f64>,
    figures: [NamedMetrics; 3],
}

impl<'a> Predicting<'a> {
    fn new(map: &'a FeatureMap, of_features: Outputs<'a>, link: Response, figures: NamedMetrics) -> Self {
        Self {
            map,
            of_features,
            link,
            features: vec![0.0; map.n_features()],
            outputs: Vec::new(),
            response: Vec::new(),
            figures: [figures.clone(), figures.clone(), figures],
        }
    }

    fn feed(&mut self, role: Role, x: &[f64], y: f64, weight: f64) {
        self.map.features(x, &mut self.features);
        (self.of_features)(&self.features, &mut self.outputs);
        self.response.clone_from(&self.outputs);
        self.link.respond(&mut self.response);
        self.figures[role as usize].feed(&self.outputs, &self.response, y, weight);
    }
}

/// The scores of both models on the rows of each role.
fn parts(
    foreign: &Model,
    matching: &Matching,
    classes: Option<&[usize]>,
    trainer: &Trainer,
) -> Vec<ComparedPart> {
    let (task, loss) = (trainer.task(), trainer.plan().config().loss);
    let (dataset, n_outputs) = (&task.dataset, task.layout.n_outputs() as usize);
    let parameters: Vec<f64> = trainer.parameters().iter().map(|w| f64::from(*w)).collect();
    let own = |features: &[f64], outputs: &mut Vec<f64>| task.layout.outputs(&parameters, features, outputs);
    let mut current =
        Predicting::new(&task.map, Box::new(own), loss.response(), NamedMetrics::new(loss, n_outputs));
    let activation = match classes {
        // Which output stands for which class is unknown, so there are no scores of classes.
        None if loss.classifies() => None,
        _ => Some(foreign.activation),
    };
    let n_foreign = foreign.n_outputs();
    let figures = NamedMetrics::of_foreign(loss, n_outputs, (activation, n_foreign));
    let by_output = foreign.by_output(classes);
    let theirs = |features: &[f64], outputs: &mut Vec<f64>| {
        outputs.clear();
        outputs.extend(by_output.iter().map(|parameters| model::output(parameters, features)));
    };
    let mut other = Predicting::new(&foreign.map, Box::new(theirs), foreign.activation, figures);

    let n_inputs = dataset.n_inputs();
    let (mut x, mut y) = (vec![0.0; n_inputs * BLOCK_ROWS], vec![0.0; BLOCK_ROWS]);
    let (mut weights, mut row) = (vec![1.0; BLOCK_ROWS], vec![0.0; foreign.inputs.len()]);
    for block in blocks(dataset.n_samples() as usize) {
        let (x, y) = (&mut x[..n_inputs * block.len()], &mut y[..block.len()]);
        dataset.read(block.start, x, y);
        // Without such a column the weights stay 1.
        let _ = dataset.read_extra(Extra::Weight, block.start, &mut weights[..block.len()]);
        for (((x, y), weight), place) in x.chunks_exact(n_inputs).zip(&*y).zip(&weights).zip(block) {
            let role = task.roles.role(place);
            current.feed(role, x, *y, *weight);
            matching.row(x, &mut row);
            other.feed(role, &row, *y, *weight);
        }
    }
    let n_features = [task.map.n_features(), foreign.map.n_features()];
    let names = [(Role::Training, "training"), (Role::Validation, "validation"), (Role::Test, "test")];
    let part = |(role, part): (Role, &'static str)| {
        let figures = [&current.figures[role as usize], &other.figures[role as usize]];
        let [current, model] = [0, 1].map(|k| figures[k].metrics(n_features[k]));
        let loss =
            ComparedScore { name: "loss", current: figures[0].mean_loss(), model: figures[1].mean_loss() };
        let scores = current.into_iter().zip(model).map(|((name, current), (_, model))| ComparedScore {
            name,
            current,
            model,
        });
        ComparedPart {
            part,
            n_samples: figures[0].n_samples(),
            scores: std::iter::once(loss).chain(scores).collect(),
        }
    };
    names.into_iter().map(part).filter(|part| part.n_samples > 0).collect()
}

/// The coefficients of both models in the units of the data: first those of the run's terms, in its order,
/// then those of terms that only the foreign model has.
fn coefficients(
    foreign: &Model,
    matching: &Matching,
    classes: Option<&[usize]>,
    trainer: &Trainer,
) -> Vec<ComparedCoefficient> {
    let task = trainer.task();
    let inputs = &task.dataset.inputs;
    let (Some(original), Some(linear)) = (trainer.original_parameters(), task.layout.as_linear()) else {
        return Vec::new();
    };
    let n_outputs = linear.n_outputs as usize;
    let own_keys = terms::keys(&task.map);
    let theirs = foreign.in_units_of(inputs, matching, classes);
    let named = |k: usize| task.dataset.target_levels.get(k).cloned().unwrap_or_else(|| k.to_string());
    let label = |of: usize, output: usize| (of > 1).then(|| named(output));
    let has_bias = |coefficients: &Coefficients| {
        foreign.bias.is_some() || coefficients.get(&Key::Constant).is_some_and(|bias| *bias != 0.0)
    };
    let mut found = Vec::new();
    let mut push = |label: &Option<String>, key: Option<&Key>, current: Option<f64>, model: Option<f64>| {
        let known = |value: Option<f64>| value.filter(|value| value.is_finite());
        found.push(ComparedCoefficient {
            output: label.clone(),
            term: key.map(|key| key.name(inputs)),
            current: known(current),
            model: known(model),
        });
    };
    let mut theirs = theirs.into_iter();
    // A single output and one of two outputs mean different things: they are listed one after the other.
    let paired = theirs.len() == n_outputs;
    for (output, own) in linear.each_output(&original).enumerate() {
        let label = label(n_outputs, output);
        let their = if paired { theirs.next() } else { None };
        let their_bias = their
            .as_ref()
            .filter(|their| has_bias(their))
            .and_then(|their| their.get(&Key::Constant).copied());
        let mut their = their.unwrap_or_default();
        for (key, value) in own_keys.iter().zip(own) {
            push(&label, Some(key), Some(*value), their.remove(key));
        }
        their.remove(&Key::Constant);
        for (key, value) in &their {
            push(&label, Some(key), None, Some(*value));
        }
        let bias = own.get(own_keys.len()).copied();
        if bias.is_some() || their_bias.is_some() {
            push(&label, None, bias, their_bias);
        }
    }
    let n_left = theirs.len();
    for (output, mut their) in theirs.enumerate() {
        let label = label(n_left, output);
        let bias = has_bias(&their);
        let constant = their.remove(&Key::Constant);
        for (key, value) in &their {
            push(&label, Some(key), None, Some(*value));
        }
        if bias {
            push(&label, None, None, constant);
        }
    }
    found
}

/// The coefficient of each term of one output.
pub(super) type Coefficients = BTreeMap<Key, f64>;
