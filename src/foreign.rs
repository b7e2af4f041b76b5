//! Models that other tools have trained, converted to the rows and features of a run.
//!
//! The inputs of a model are matched to those of the data by name, or else by number and order. Its
//! coefficients are converted to the units of the data, and from there to the features of a run. In
//! between, levels of categories may be reordered, because a model is defined by its terms and not
//! by its notation.

use crate::choices::Loss;
use crate::config::ModelConfig;
use crate::dataset::{FeatureMap, Input, Term};
use crate::message::{Code, Message, Result};
use crate::model::Response;

mod comparison;
mod model;
mod terms;

use comparison::Coefficients;
pub use comparison::{ComparedCoefficient, ComparedPart, ComparedScore, Comparison};
pub use model::{Folded, Model, unscaled};
use terms::{Factor, Key};

/// How a foreign model's inputs correspond to those of the data.
#[derive(Clone, Debug, PartialEq)]
pub struct Matching {
    /// For each input of the model, the index of the matching input of the data.
    places: Vec<usize>,
    /// For each input of the model and each level of the matching input in the data, the index of the model's
    /// level; empty for a numeric input.
    levels: Vec<Vec<usize>>,
    /// A message for the user about the matching, if inputs were not matched by name.
    pub notice: Option<Message>,
}

impl Matching {
    /// Converts a row of the data to a row of the model's inputs.
    fn row(&self, x: &[f64], row: &mut [f64]) {
        for ((out, place), levels) in row.iter_mut().zip(&self.places).zip(&self.levels) {
            *out = match levels.get(x[*place] as usize) {
                Some(level) => *level as f64,
                None => x[*place],
            };
        }
    }

    /// Indices of the data's inputs that the model uses, in ascending order.
    pub fn used(&self) -> Vec<usize> {
        let end = self.places.iter().max().map_or(0, |last| last + 1);
        (0..end).filter(|place| self.places.contains(place)).collect()
    }
}

impl Model {
    /// The loss to continue training with: `current` if its outputs have the same meaning as the model's,
    /// else one whose outputs have.
    pub fn loss(&self, current: Loss) -> Loss {
        match self.activation {
            activation if activation == current.response() => current,
            // Logits, as Keras has them where the loss makes probabilities of them.
            Response::Linear if self.n_outputs() > 1 => Loss::Softmax,
            activation => activation.loss(),
        }
    }

    /// Matches the model's inputs to the `inputs` of the data.
    ///
    /// # Errors
    /// [`Code::ModelInputs`] if they match neither by name nor by number and order, or if a
    /// category has a level that the model does not know.
    pub fn matched(&self, inputs: &[Input]) -> Result<Matching> {
        let is_alike = |own: &Input, other: &Input| own.levels.is_empty() == other.levels.is_empty();
        let place =
            |own: &Input| inputs.iter().position(|other| other.name == own.name && is_alike(own, other));
        let by_name: Option<Vec<usize>> = self.inputs.iter().map(place).collect();
        let by_name = by_name.filter(|places| (1..places.len()).all(|i| !places[..i].contains(&places[i])));
        let in_order = self.inputs.len() == inputs.len()
            && self.inputs.iter().zip(inputs).all(|(own, other)| is_alike(own, other));
        let (places, notice) = match by_name {
            Some(places) => (places, None),
            None if in_order => {
                let notice = Message::new(Code::NoticeByOrder)
                    .with("found", names(&self.inputs))
                    .with("expected", names(inputs));
                ((0..inputs.len()).collect(), Some(notice))
            }
            None => return Err(self.refused(described(inputs))),
        };
        let levels = self.inputs.iter().zip(&places).map(|(own, place)| {
            let input = &inputs[*place];
            let known = |level: &String| own.levels.iter().position(|known| known == level);
            let levels: Option<Vec<usize>> = input.levels.iter().map(known).collect();
            levels.ok_or_else(|| self.refused(described(std::slice::from_ref(input))))
        });
        Ok(Matching { levels: levels.collect::<Result<_>>()?, places, notice })
    }

    /// The error that states which inputs the model expects (`expected`) and which the data have.
    fn refused(&self, expected: String) -> Message {
        Message::new(Code::ModelInputs).with("found", described(&self.inputs)).with("expected", expected)
    }

    /// The model configuration whose features of the data's `inputs` are those of this model.
    pub fn config(&self, inputs: &[Input], matching: &Matching, before: &ModelConfig) -> ModelConfig {
        let name = |own: usize| inputs[matching.places[own]].name.clone();
        let is_number = |own: &usize| self.inputs[*own].levels.is_empty();
        let numbers: Vec<usize> = (0..self.inputs.len()).filter(is_number).collect();
        let degree_of = |own: &usize| self.map.inputs[*own].degree;
        let degree = numbers.first().map_or(1, degree_of);
        let same = numbers.iter().all(|own| degree_of(own) == degree);
        let degree = if same { degree } else { 1 };
        let other = numbers.iter().filter(|own| degree_of(own) != degree);
        // With the data's own names and order, as a user would have chosen them.
        let own_of = |pair: &[u32; 2]| {
            let [one, other] = pair.map(|own| matching.places[own as usize]);
            [one.min(other), one.max(other)].map(|place| inputs[place].name.clone())
        };
        ModelConfig {
            degree,
            degrees: other.map(|own| (name(*own), degree_of(own))).collect(),
            interactions: self.map.interactions.iter().map(own_of).collect(),
            bias: self.bias.is_some() || self.has_constant(inputs, matching),
            ..before.clone()
        }
    }

    /// Whether the model has a constant without a bias: if its features are centered, or if a
    /// category has another reference level.
    fn has_constant(&self, inputs: &[Input], matching: &Matching) -> bool {
        let of_outputs = self.in_units_of(inputs, matching, None);
        of_outputs
            .iter()
            .any(|of_output| of_output.get(&Key::Constant).is_some_and(|constant| *constant != 0.0))
    }

    /// For each class of the data, the index of the model's output. With one output, there is a single entry:
    /// 1 if it is the output of the second class, 0 if of the first. `None` if the correspondence is unknown.
    fn classes(&self, target_levels: &[String], n_outputs: usize) -> Option<Vec<usize>> {
        let n_own = self.n_outputs();
        let known = |level: &String| self.target_levels.iter().position(|known| known == level);
        let by_name: Option<Vec<usize>> = target_levels.iter().map(known).collect();
        let by_name =
            by_name.filter(|_| self.target_levels.len() == target_levels.len() && !target_levels.is_empty());
        // Two classes have one output or two.
        let of_two = n_outputs <= 2 && matches!(self.activation, Response::Sigmoid | Response::Softmax);
        if n_own == 1 {
            let second = by_name.and_then(|places| places.get(1).copied()).unwrap_or(1);
            // A number that stands for one class says nothing of the other.
            let is_known = second == 1 || self.activation == Response::Sigmoid;
            return (is_known && (n_outputs == 1 || of_two)).then(|| vec![second]);
        }
        match by_name {
            Some(places) if places.len() == n_own => Some(places),
            // Names that are there on one side alone, or numbers of classes.
            None if (n_own == n_outputs || (of_two && n_own == 2))
                && (self.target_levels.is_empty() || target_levels.is_empty()) =>
            {
                Some((0..n_own).collect())
            }
            _ => None,
        }
    }

    /// Returns for each output of the data the model's weights, then its bias.
    fn by_output(&self, classes: Option<&[usize]>) -> Vec<Vec<f64>> {
        let n_own = self.n_outputs();
        let of = |output: usize, sign: f64| -> Vec<f64> {
            let weights = self.weights.iter().map(|row| row[output]);
            weights.chain(self.bias.iter().map(|bias| bias[output])).map(|value| sign * value).collect()
        };
        match classes {
            // The log of the odds of the other class.
            Some([0]) if n_own == 1 && self.activation == Response::Sigmoid => vec![of(0, -1.0)],
            Some(classes) if n_own > 1 => classes.iter().map(|class| of(*class, 1.0)).collect(),
            _ => (0..n_own).map(|output| of(output, 1.0)).collect(),
        }
    }

    /// Returns the coefficients of each output in the units of the data, with the data's terms and
    /// levels.
    fn in_units_of(
        &self,
        inputs: &[Input],
        matching: &Matching,
        classes: Option<&[usize]>,
    ) -> Vec<Coefficients> {
        let terms = self.map.terms();
        let factors = |term: &Term| self.factors(*term, inputs, matching);
        let of_output = |parameters: Vec<f64>| {
            let (weights, bias) = parameters.split_at(self.map.n_features());
            let (original, constant) = self.map.to_original(weights, bias.first().copied());
            let mut found = Coefficients::from([(Key::Constant, constant)]);
            for (term, value) in terms.iter().zip(original) {
                let [a, b] = match *term {
                    Term::Product { of: [a, b] } => [factors(&terms[a]), factors(&terms[b])],
                    _ => [factors(term), vec![(1.0, None)]],
                };
                for (share_a, a) in &a {
                    for (share_b, b) in &b {
                        let key = match (a, b) {
                            (Some(a), Some(b)) => Key::product(*a, *b),
                            (Some(single), None) | (None, Some(single)) => Key::Single(*single),
                            (None, None) => Key::Constant,
                        };
                        *found.entry(key).or_default() += value * share_a * share_b;
                    }
                }
            }
            found
        };
        self.by_output(classes).into_iter().map(of_output).collect()
    }

    /// Expresses a power or a level in terms of the data. If a level is the data's reference level,
    /// it is 1 minus all others; an unknown level is 0.
    fn factors(&self, term: Term, inputs: &[Input], matching: &Matching) -> Vec<(f64, Option<Factor>)> {
        match term {
            Term::Power { input, power } => vec![(1.0, Some(Factor::Power(matching.places[input], power)))],
            Term::Level { input, level } => {
                let place = matching.places[input];
                match matching.levels[input].iter().position(|known| *known == level) {
                    Some(0) => {
                        let others = (1..inputs[place].levels.len())
                            .map(|other| (-1.0, Some(Factor::Level(place, other))));
                        std::iter::once((1.0, None)).chain(others).collect()
                    }
                    Some(own) => vec![(1.0, Some(Factor::Level(place, own)))],
                    None => Vec::new(),
                }
            }
            Term::Product { .. } => Vec::new(),
        }
    }

    /// Converts the model to parameters of a run whose features are those of `map`, which
    /// [`Model::config`] creates from the data's `inputs`. The run has `n_outputs`, with classes
    /// named by `target_levels`.
    ///
    /// # Errors
    /// [`Code::ModelInputs`] if the number of outputs or the classes differ.
    pub fn parameters(
        &self,
        (map, bias): (&FeatureMap, bool),
        (inputs, matching): (&[Input], &Matching),
        (n_outputs, target_levels): (usize, &[String]),
    ) -> Result<Vec<f32>> {
        let classes = self.classes(target_levels, n_outputs).ok_or_else(|| {
            let own = match &self.target_levels[..] {
                [] => format!("{} outputs", self.n_outputs()),
                levels => format!("the classes {}", levels.join(", ")),
            };
            let expected = match target_levels {
                [] => format!("{n_outputs}"),
                levels => levels.join(", "),
            };
            Message::new(Code::ModelInputs).with("found", own).with("expected", expected)
        })?;
        let keys = terms::keys(map);
        let by_output = self.in_units_of(inputs, matching, Some(&classes));
        let by_output = by_output.iter().map(|of_output| {
            let original: Vec<f64> =
                keys.iter().map(|key| of_output.get(key).copied().unwrap_or(0.0)).collect();
            map.from_original(&original, of_output.get(&Key::Constant).copied().unwrap_or(0.0))
        });
        let by_output: Vec<(Vec<f64>, f64)> = by_output.collect();
        let weights =
            (0..map.n_features()).flat_map(|k| by_output.iter().map(move |(weights, _)| weights[k]));
        let biases = by_output.iter().map(|(_, bias)| *bias).filter(|_| bias);
        let parameters: Vec<f32> = weights.chain(biases).map(|w| w as f32).collect();
        match parameters.iter().all(|w| w.is_finite()) {
            true => Ok(parameters),
            false => Err(Code::WeightsNotFinite.into()),
        }
    }
}

/// Describes inputs to the user, such as `x, colour (red, green)`.
fn described(inputs: &[Input]) -> String {
    /// Maximum number of levels that are listed per category.
    const MAX_LEVELS: usize = 8;
    let one = |input: &Input| match &input.levels[..] {
        [] => input.name.clone(),
        levels => {
            let more = if levels.len() > MAX_LEVELS { ", ..." } else { "" };
            format!("{} ({}{more})", input.name, levels[..levels.len().min(MAX_LEVELS)].join(", "))
        }
    };
    inputs.iter().map(one).collect::<Vec<String>>().join(", ")
}

fn names(inputs: &[Input]) -> String {
    inputs.iter().map(|input| input.name.as_str()).collect::<Vec<&str>>().join(", ")
}
