//! Symbolic evaluation of a small graph of layers or nodes, as polynomials of the model's inputs.
//!
//! A linear model over powers, levels and products can be written in many ways: scaling may be a
//! layer or a node, columns may be selected by a product with a matrix of zeros and ones, and
//! powers may be multiplied together. To read all of them, the graph is evaluated with symbols
//! instead of numbers: a [`Value`] is a row of polynomials, and the output polynomials are the
//! model, over unscaled features. All coefficients are f64.
//!
//! Graphs may be hostile, so a [`Graph`] counts the terms that it creates and stops at a limit.

use std::collections::BTreeMap;
use std::ops::Range;

use downhill::config::MAX_FEATURES;
use downhill::dataset::{FeatureMap, Input, InputMap, Term};
use downhill::message::{Code, Message, Result};
use downhill::model::Response;

use downhill::foreign::{Model, unscaled};

/// The maximum number of terms: twice as many as a model with a thousand features and a thousand
/// classes needs.
const MAX_TERMS: usize = 2_000_000;

/// The highest power of an input that a model may have.
const MAX_POWER: u32 = downhill::config::MAX_DEGREE;

/// One factor of a monomial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Factor {
    /// A power of a numeric input, at least 1.
    Power { input: usize, power: u32 },
    /// The indicator of a level: 1 if the category has this level, else 0.
    Level { input: usize, level: usize },
}

impl Factor {
    fn input(self) -> usize {
        match self {
            Self::Power { input, .. } | Self::Level { input, .. } => input,
        }
    }
}

/// Factors of distinct inputs in ascending order; empty for the constant.
type Monomial = Vec<Factor>;

/// A sum of monomials with coefficients.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Polynomial(BTreeMap<Monomial, f64>);

/// A row of symbolic values: one polynomial for each column.
pub(crate) type Value = Vec<Polynomial>;

/// The inputs of a graph, and the number of terms created so far.
#[derive(Debug)]
pub(crate) struct Graph {
    format: &'static str,
    inputs: Vec<Input>,
    n_terms: usize,
}

impl Polynomial {
    /// Creates a constant polynomial.
    pub(crate) fn constant(value: f64) -> Self {
        Self(BTreeMap::from([(Vec::new(), value)]))
    }

    /// Returns the value of a constant polynomial; `None` if it depends on an input.
    pub(crate) fn as_constant(&self) -> Option<f64> {
        match self.0.len() {
            0 => Some(0.0),
            1 => self.0.get(&Vec::new()).copied(),
            _ => None,
        }
    }

    /// Whether all coefficients are mere rounding errors compared with those of `other`.
    pub(crate) fn is_near_zero_beside(&self, other: &Self) -> bool {
        let largest = |of: &Self| of.0.values().fold(0.0_f64, |largest, w| largest.max(w.abs()));
        largest(self) <= 1e-5 * largest(other)
    }

    fn add_scaled(&mut self, other: &Self, by: f64) {
        for (monomial, coefficient) in &other.0 {
            // Most monomials exist already and need no new key.
            match self.0.get_mut(monomial) {
                Some(own) => *own += coefficient * by,
                None => drop(self.0.insert(monomial.clone(), coefficient * by)),
            }
        }
    }
}

impl Graph {
    /// Creates a graph with these inputs. `format` is the format's name in error messages.
    pub(crate) fn new(format: &'static str, inputs: Vec<Input>) -> Self {
        Self { format, inputs, n_terms: 0 }
    }

    /// Returns the numeric inputs with these indices, one column each.
    pub(crate) fn numbers(&mut self, which: Range<usize>) -> Result<Value> {
        self.count(which.len())?;
        Ok(which
            .map(|input| Polynomial(BTreeMap::from([(vec![Factor::Power { input, power: 1 }], 1.0)])))
            .collect())
    }

    /// Returns the indicators of a category's levels, one column each.
    pub(crate) fn one_hot(&mut self, input: usize) -> Result<Value> {
        let n_levels = self.inputs[input].levels.len();
        self.count(n_levels)?;
        Ok((0..n_levels)
            .map(|level| Polynomial(BTreeMap::from([(vec![Factor::Level { input, level }], 1.0)])))
            .collect())
    }

    /// Returns the names of a category's levels.
    pub(crate) fn levels(&self, input: usize) -> &[String] {
        &self.inputs[input].levels
    }

    /// Copies columns; copies count towards the limit because they take memory.
    pub(crate) fn copied(&mut self, columns: &[Polynomial]) -> Result<Value> {
        self.count(columns.iter().map(|column| 1 + column.0.len()).sum())?;
        Ok(columns.to_vec())
    }

    /// Computes `a + by * b` for each column; an operand with a single column is applied to all.
    pub(crate) fn add(&mut self, a: &Value, b: &Value, by: f64) -> Result<Value> {
        self.each(a, b, |_, a, b| {
            let mut sum = a.clone();
            sum.add_scaled(b, by);
            Ok(sum)
        })
    }

    /// Computes `a * b` for each column; an operand with a single column is applied to all.
    pub(crate) fn multiply(&mut self, a: &Value, b: &Value) -> Result<Value> {
        self.each(a, b, Self::product)
    }

    /// Computes `a / b` for each column; `b` must not depend on the inputs.
    pub(crate) fn divide(&mut self, a: &Value, b: &Value) -> Result<Value> {
        let inverse = |column: &Polynomial| {
            let value = column.as_constant().ok_or_else(|| self.unsupported("a division by an input"))?;
            if value == 0.0 {
                return Err(self.unsupported("a division by zero"));
            }
            Ok(Polynomial::constant(1.0 / value))
        };
        let inverse = b.iter().map(inverse).collect::<Result<Value>>()?;
        self.multiply(a, &inverse)
    }

    /// Computes `x W + b`. The kernel `W` is row-major, `[input][output]`; the bias `b` has one number per
    /// output, or is empty.
    pub(crate) fn dense(
        &mut self,
        x: &Value,
        kernel: &[f64],
        n_outputs: usize,
        bias: &[f64],
    ) -> Result<Value> {
        // Catches an empty input with a huge claimed number of outputs.
        let shaped =
            (1..=MAX_FEATURES).contains(&n_outputs) && kernel.len() == x.len().saturating_mul(n_outputs);
        if !shaped || !(bias.is_empty() || bias.len() == n_outputs) {
            return Err(Message::new(Code::ModelShape)
                .with("name", "kernel")
                .with("found", format!("{} numbers and {} biases", kernel.len(), bias.len()))
                .with("expected", format!("{} inputs to {n_outputs} outputs", x.len())));
        }
        let mut outputs = vec![Polynomial::default(); n_outputs];
        for (output, bias) in outputs.iter_mut().zip(bias) {
            output.add_scaled(&Polynomial::constant(1.0), *bias);
        }
        for (column, weights) in x.iter().zip(kernel.chunks_exact(n_outputs)) {
            for (output, weight) in outputs.iter_mut().zip(weights).filter(|(_, weight)| **weight != 0.0) {
                self.count(column.0.len())?;
                output.add_scaled(column, *weight);
            }
        }
        Ok(outputs)
    }

    /// Computes `constant + sum of weight * column`.
    pub(crate) fn sum<'p>(
        &mut self,
        constant: f64,
        parts: impl IntoIterator<Item = (&'p Polynomial, f64)>,
    ) -> Result<Polynomial> {
        let mut sum = Polynomial::constant(constant);
        for (column, weight) in parts.into_iter().filter(|(_, weight)| *weight != 0.0) {
            self.count(column.0.len())?;
            sum.add_scaled(column, weight);
        }
        Ok(sum)
    }

    /// Returns the model with these outputs, in terms of its inputs.
    ///
    /// # Errors
    /// [`Code::ModelUnsupported`] for a monomial that Downhill has no feature for,
    /// [`Code::ModelNotFinite`].
    pub(crate) fn model(self, target: &str, outputs: &Value, activation: Response) -> Result<Model> {
        let mut degrees = vec![1_u32; self.inputs.len()];
        let mut interactions: Vec<[u32; 2]> = Vec::new();
        for monomial in
            outputs.iter().flat_map(|output| output.0.iter()).filter(|(_, w)| **w != 0.0).map(|(m, _)| m)
        {
            match monomial[..] {
                [] | [Factor::Level { .. }] => {}
                [Factor::Power { input, power }] => degrees[input] = degrees[input].max(power),
                [a, b] if [a, b].iter().all(|factor| is_first(*factor)) => {
                    let pair = [a.input() as u32, b.input() as u32];
                    if let Err(place) = interactions.binary_search(&pair) {
                        interactions.insert(place, pair);
                    }
                }
                _ => return Err(self.unsupported(&self.name(monomial))),
            }
        }
        let maps: Vec<InputMap> =
            self.inputs.iter().zip(&degrees).map(|(input, degree)| unscaled(input, *degree)).collect();
        let n_features = FeatureMap::count(&maps, &interactions).filter(|n| *n <= MAX_FEATURES);
        if n_features.is_none() || self.inputs.iter().any(|input| input.levels.len() == 1) {
            return Err(Message::new(Code::ModelTooLarge)
                .with("format", self.format)
                .with(
                    "detail",
                    format!("{} inputs and {} products of them", self.inputs.len(), interactions.len()),
                )
                .with("limit", format!("{MAX_FEATURES} features")));
        }
        let n_outputs = outputs.len();
        let has_bias =
            outputs.iter().any(|output| output.0.iter().any(|(m, w)| *w != 0.0 && self.has_constant(m)));
        let mut model = Model::of_folded(
            (self.inputs, target.to_owned()),
            &degrees,
            interactions,
            (Vec::new(), has_bias.then(|| vec![0.0; n_outputs])),
            activation,
        );
        let terms = model.map.terms();
        model.weights = vec![vec![0.0; n_outputs]; terms.len()];
        let places: BTreeMap<Monomial, usize> =
            terms.iter().enumerate().map(|(place, term)| (monomial_of(&terms, *term), place)).collect();
        for (k, output) in outputs.iter().enumerate() {
            for (monomial, coefficient) in &output.0 {
                // The first level has no feature of its own: it is one minus the other levels.
                for (sign, monomial) in without_first_levels(monomial, &model.inputs) {
                    match (places.get(&monomial), &mut model.bias) {
                        (Some(place), _) => model.weights[*place][k] += sign * coefficient,
                        (None, Some(bias)) => bias[k] += sign * coefficient,
                        (None, None) => {}
                    }
                }
            }
        }
        let finite = model.weights.iter().flatten().chain(model.bias.iter().flatten()).all(|w| w.is_finite());
        if finite { Ok(model) } else { Err(Message::new(Code::ModelNotFinite).with("name", "kernel")) }
    }

    /// The error for a construct of this format, named by `found`, that Downhill does not support.
    pub(crate) fn unsupported(&self, found: &str) -> Message {
        Message::new(Code::ModelUnsupported).with("format", self.format).with("found", found)
    }

    fn each(
        &mut self,
        a: &Value,
        b: &Value,
        mut make: impl FnMut(&mut Self, &Polynomial, &Polynomial) -> Result<Polynomial>,
    ) -> Result<Value> {
        let n = a.len().max(b.len());
        if n == 0 || ![1, n].contains(&a.len()) || ![1, n].contains(&b.len()) {
            return Err(self.unsupported(&format!("an operation on {} and {} columns", a.len(), b.len())));
        }
        (0..n)
            .map(|k| {
                let (a, b) = (&a[k.min(a.len() - 1)], &b[k.min(b.len() - 1)]);
                self.count(a.0.len() + b.0.len())?;
                make(self, a, b)
            })
            .collect()
    }

    fn product(&mut self, a: &Polynomial, b: &Polynomial) -> Result<Polynomial> {
        self.count(a.0.len().saturating_mul(b.0.len()))?;
        let mut product = Polynomial::default();
        for (left, x) in &a.0 {
            for (right, y) in &b.0 {
                if let Some(monomial) = self.joined(left, right)? {
                    *product.0.entry(monomial).or_insert(0.0) += x * y;
                }
            }
        }
        Ok(product)
    }

    /// Returns the product of two monomials; `None` if it is 0, as for two levels of one category.
    fn joined(&self, left: &Monomial, right: &Monomial) -> Result<Option<Monomial>> {
        let mut factors = left.clone();
        for factor in right {
            match factors.binary_search_by_key(&factor.input(), |own| own.input()) {
                Err(place) => factors.insert(place, *factor),
                Ok(place) => match (&mut factors[place], factor) {
                    (Factor::Power { power, .. }, Factor::Power { power: more, .. }) => *power += more,
                    (own, factor) if own == factor => {}
                    _ => return Ok(None),
                },
            }
        }
        let too_high = |factor: &Factor| matches!(factor, Factor::Power { power, .. } if *power > MAX_POWER);
        if factors.len() > 2 || factors.iter().any(too_high) {
            return Err(self.unsupported(&self.name(&factors)));
        }
        Ok(Some(factors))
    }

    fn name(&self, monomial: &Monomial) -> String {
        let name = |factor: &Factor| match *factor {
            Factor::Power { input, power: 1 } => self.inputs[input].name.clone(),
            Factor::Power { input, power } => format!("{}^{power}", self.inputs[input].name),
            Factor::Level { input, level } => {
                format!("{} = {}", self.inputs[input].name, self.inputs[input].levels[level])
            }
        };
        monomial.iter().map(name).collect::<Vec<_>>().join(" * ")
    }

    /// Whether a monomial adds a constant once first levels are expressed by the other levels.
    fn has_constant(&self, monomial: &Monomial) -> bool {
        without_first_levels(monomial, &self.inputs).iter().any(|(_, monomial)| monomial.is_empty())
    }

    fn count(&mut self, n_terms: usize) -> Result<()> {
        self.n_terms = self.n_terms.saturating_add(n_terms);
        if self.n_terms > MAX_TERMS {
            return Err(Message::new(Code::ModelTooLarge)
                .with("format", self.format)
                .with("detail", format!("more than {MAX_TERMS} terms"))
                .with("limit", format!("{MAX_TERMS} terms")));
        }
        Ok(())
    }
}

/// Whether a factor can be part of a product of features: a first power or a level.
fn is_first(factor: Factor) -> bool {
    matches!(factor, Factor::Power { power: 1, .. } | Factor::Level { .. })
}

fn monomial_of(terms: &[Term], term: Term) -> Monomial {
    match term {
        Term::Power { input, power } => vec![Factor::Power { input, power }],
        Term::Level { input, level } => vec![Factor::Level { input, level }],
        Term::Product { of } => {
            let mut factors: Monomial =
                of.iter().flat_map(|place| monomial_of(terms, terms[*place])).collect();
            factors.sort_by_key(|factor| factor.input());
            factors
        }
    }
}

/// Expresses first levels by the other levels, `l_0 = 1 - l_1 - l_2 - ...`. Returns monomials with their
/// signs.
fn without_first_levels(monomial: &Monomial, inputs: &[Input]) -> Vec<(f64, Monomial)> {
    let mut sum = vec![(1.0, Monomial::new())];
    for factor in monomial {
        let parts: Vec<(f64, Option<Factor>)> = match *factor {
            Factor::Level { input, level: 0 } => {
                let others =
                    (1..inputs[input].levels.len()).map(|level| (-1.0, Some(Factor::Level { input, level })));
                std::iter::once((1.0, None)).chain(others).collect()
            }
            other => vec![(1.0, Some(other))],
        };
        let each = |(sign, made): &(f64, Monomial)| {
            let made = made.clone();
            let sign = *sign;
            parts
                .iter()
                .map(move |(by, factor)| (sign * by, made.iter().copied().chain(*factor).collect()))
                .collect::<Vec<_>>()
        };
        sum = sum.iter().flat_map(each).collect();
    }
    sum
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn graph() -> Graph {
        let colour =
            Input { name: "colour".into(), levels: ["red", "green", "blue"].map(String::from).to_vec() };
        Graph::new("test", vec![Input::number("a"), colour, Input::number("b")])
    }

    fn value(model: &Model, x: &[f64]) -> f64 {
        model.predict(x, &mut vec![0.0; model.map.n_features()])[0]
    }

    #[test]
    fn whatever_a_graph_computes_its_model_predicts() {
        let mut graph = graph();
        let (a, b, hot) =
            (graph.numbers(0..1).unwrap(), graph.numbers(2..3).unwrap(), graph.one_hot(1).unwrap());
        // z = (a - 1860) / 5, like a scaling layer.
        let constant = |x: f64| vec![Polynomial::constant(x)];
        let moved = graph.add(&a, &constant(1860.0), -1.0).unwrap();
        let z = graph.divide(&moved, &constant(5.0)).unwrap();
        let square = graph.multiply(&z, &z).unwrap();
        let product = graph.multiply(&z, &b).unwrap();
        let shaded = graph.multiply(&b, &hot).unwrap();
        let columns: Value = [z, square, product, shaded, hot].concat();
        let weights = [0.5, -0.25, 2.0, 1.0, -1.0, 3.0, 10.0, 20.0, 30.0];
        let outputs = graph.dense(&columns, &weights, 1, &[7.0]).unwrap();
        let model = graph.model("y", &outputs, Response::Linear).unwrap();
        assert_eq!(
            model.term_names(),
            [
                "a",
                "a^2",
                "colour = green",
                "colour = blue",
                "b",
                "a * b",
                "colour = green * b",
                "colour = blue * b"
            ]
        );
        for (a, level, b) in [(1860.0, 0, 2.0), (1871.0, 1, -3.0), (1849.0, 2, 0.5)] {
            let z: f64 = (a - 1860.0) / 5.0;
            let expected = 0.5 * z - 0.25 * z * z
                + 2.0 * z * b
                + b * [1.0, -1.0, 3.0][level]
                + [10.0, 20.0, 30.0][level]
                + 7.0;
            let found = value(&model, &[a, level as f64, b]);
            assert!((found - expected).abs() < 1e-8 * expected.abs().max(1.0), "{found} is not {expected}");
        }
    }

    #[test]
    fn a_model_without_a_constant_has_no_bias() {
        let mut graph = graph();
        let a = graph.numbers(0..1).unwrap();
        let outputs = graph.dense(&a, &[3.0], 1, &[]).unwrap();
        let model = graph.model("y", &outputs, Response::Linear).unwrap();
        assert_eq!(model.bias, None);
        assert_eq!(value(&model, &[2.0, 1.0, 9.0]), 6.0);
    }

    #[test]
    fn what_no_feature_is_gets_refused_by_name() {
        let mut graph = graph();
        let (a, b) = (graph.numbers(0..1).unwrap(), graph.numbers(2..3).unwrap());
        let square = graph.multiply(&a, &a).unwrap();
        let outputs = graph.multiply(&square, &b).unwrap();
        let refused = graph.model("y", &outputs, Response::Linear).unwrap_err();
        assert_eq!(refused.code, Code::ModelUnsupported);
        assert_eq!(refused.params["found"], "a^2 * b");
    }

    #[test]
    fn a_graph_that_grows_without_end_is_stopped() {
        let mut graph = Graph::new("test", (0..3000).map(|k| Input::number(&format!("x{k}"))).collect());
        let all = graph.numbers(0..3000).unwrap();
        let sum = graph.dense(&all, &[1.0; 3000], 1, &[]).unwrap();
        assert_eq!(graph.multiply(&sum, &sum).unwrap_err().code, Code::ModelTooLarge);
    }
}
