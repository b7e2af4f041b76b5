//! A model that another tool has trained, on rows that are here.

use serde::{Deserialize, Serialize};

use crate::dataset::{FeatureMap, Input};
use crate::message::Message;
use crate::model::Activation;

/// A model of another tool: linear over features of raw inputs. The exchange crate reads it out of a file.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct ForeignModel {
    /// What a row gives, in its order.
    pub inputs: Vec<Input>,
    /// What the target is called.
    pub target: String,
    /// Names of its classes; none where they are not known, or the target is a number.
    pub target_levels: Vec<String>,
    /// From a row to the features, scaling included.
    pub map: FeatureMap,
    /// `[feature][output]`, of the scaled features.
    pub weights: Vec<Vec<f64>>,
    /// One an output; none where the model has none.
    pub bias: Option<Vec<f64>>,
    /// What is made of the outputs.
    pub activation: Activation,
}

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
