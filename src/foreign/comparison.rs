//! A model of another tool held beside a run.

use std::collections::BTreeMap;

use serde::Serialize;

use super::terms::{self, Key};
use super::{ForeignModel, Matching};
use crate::choices::Loss;
use crate::dataset::{BLOCK_ROWS, Extra, FeatureMap, Role, blocks};
use crate::message::{Message, Result};
use crate::metrics::NamedMetrics;
use crate::model::{self, Activation};
use crate::trainer::Trainer;

/// A model of another tool beside the weights of a run, on the same rows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// Those that have rows.
    pub parts: Vec<ComparedPart>,
    /// Of each output, the bias last.
    pub coefficients: Vec<ComparedCoefficient>,
    /// How columns were matched, where that was not by name.
    pub notices: Vec<Message>,
}

/// How both do on one part of the rows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ComparedPart {
    /// `training`, `validation` or `test`.
    pub part: &'static str,
    /// Rows.
    pub n_samples: u64,
    /// First the loss.
    pub scores: Vec<ComparedScore>,
}

/// One figure of both; `None` where there is none.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ComparedScore {
    /// `loss`, or as the page words it behind `score_`.
    pub name: &'static str,
    /// Of the run's weights.
    pub current: Option<f64>,
    /// Of the model.
    pub model: Option<f64>,
}

/// One coefficient of both, in the units of the data; `None` where a model has no such term.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ComparedCoefficient {
    /// The class; `None` where there is but one output.
    pub output: Option<String>,
    /// `None` of the bias.
    pub term: Option<String>,
    /// Of the run's weights.
    pub current: Option<f64>,
    /// Of the model.
    pub model: Option<f64>,
}

impl Comparison {
    /// Of a model and the weights that a run has.
    ///
    /// # Errors
    /// Those of [`ForeignModel::matched`].
    pub fn of(model: &ForeignModel, trainer: &Trainer) -> Result<Self> {
        let dataset = &trainer.task().dataset;
        let matching = model.matched(&dataset.inputs)?;
        let classes = model.classes(&dataset.target_levels, trainer.task().problem.n_outputs as usize);
        Ok(Self {
            parts: parts(model, &matching, classes.as_deref(), trainer),
            coefficients: coefficients(model, &matching, classes.as_deref(), trainer),
            notices: matching.notice.into_iter().collect(),
        })
    }
}

/// One of the two, with what it needs to predict.
struct Predicting<'a> {
    map: &'a FeatureMap,
    /// Of each output its weights, then its bias if there is one.
    by_output: Vec<Vec<f64>>,
    link: Loss,
    features: Vec<f64>,
    outputs: Vec<f64>,
    response: Vec<f64>,
    figures: [NamedMetrics; 3],
}

impl<'a> Predicting<'a> {
    fn new(map: &'a FeatureMap, by_output: Vec<Vec<f64>>, link: Loss, figures: NamedMetrics) -> Self {
        let n_outputs = by_output.len();
        Self {
            map,
            by_output,
            link,
            features: vec![0.0; map.n_features()],
            outputs: vec![0.0; n_outputs],
            response: vec![0.0; n_outputs],
            figures: [figures.clone(), figures.clone(), figures],
        }
    }

    fn feed(&mut self, role: Role, x: &[f64], y: f64, weight: f64) {
        for (output, parameters) in self.outputs.iter_mut().zip(&self.by_output) {
            *output = model::predict(self.map, parameters, x, &mut self.features);
        }
        self.response.copy_from_slice(&self.outputs);
        self.link.respond(&mut self.response);
        self.figures[role as usize].feed(&self.outputs, &self.response, y, weight);
    }
}

/// Both on every row.
fn parts(
    foreign: &ForeignModel,
    matching: &Matching,
    classes: Option<&[usize]>,
    trainer: &Trainer,
) -> Vec<ComparedPart> {
    let (task, loss) = (trainer.task(), trainer.plan().config().loss);
    let (dataset, n_outputs) = (&task.dataset, task.problem.n_outputs as usize);
    let parameters: Vec<f64> = trainer.parameters().iter().map(|w| f64::from(*w)).collect();
    let own = (0..n_outputs).map(|k| model::of_output(&parameters, n_outputs, k)).collect();
    let mut current = Predicting::new(&task.map, own, loss, NamedMetrics::new(loss, n_outputs));
    let activation = match classes {
        // Which of its outputs are which classes is not known, so nothing is said of them.
        None if loss.classifies() => Activation::Linear,
        _ => foreign.activation,
    };
    let n_foreign = foreign.n_outputs();
    let figures = NamedMetrics::of_foreign(loss, n_outputs, (activation, n_foreign));
    let theirs = foreign.by_output(classes);
    let mut other = Predicting::new(&foreign.map, theirs, foreign.link(), figures);

    let n_inputs = dataset.n_inputs();
    let (mut x, mut y) = (vec![0.0; n_inputs * BLOCK_ROWS], vec![0.0; BLOCK_ROWS]);
    let (mut weights, mut row) = (vec![1.0; BLOCK_ROWS], vec![0.0; foreign.inputs.len()]);
    for block in blocks(dataset.n_samples() as usize) {
        let (x, y) = (&mut x[..n_inputs * block.len()], &mut y[..block.len()]);
        dataset.read(block.start, x, y);
        // Without such a column they stay as they are: each row counts once.
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

/// Both in the units of the data: what the run has in its order, then what the model has beside it.
fn coefficients(
    foreign: &ForeignModel,
    matching: &Matching,
    classes: Option<&[usize]>,
    trainer: &Trainer,
) -> Vec<ComparedCoefficient> {
    let task = trainer.task();
    let inputs = &task.dataset.inputs;
    let n_outputs = task.problem.n_outputs as usize;
    let per_output = trainer.parameters().len() / n_outputs;
    let original = trainer.original_parameters();
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
    // One output says another thing than one of two: they stand one after the other.
    let paired = theirs.len() == n_outputs;
    for (output, own) in original.chunks_exact(per_output).enumerate() {
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

/// Coefficients by what they belong to.
pub(super) type Coefficients = BTreeMap<Key, f64>;
