//! Interprets a network of layers as a linear model, if it is one.
//!
//! If the first layers scale numbers, the model keeps this scaling, so that powers of large numbers
//! such as years keep their digits; [`Graph`] folds everything else.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use downhill::dataset::Input;
use downhill::message::{Code, Message, Result};
use downhill::model::Response;

use crate::graph::{Graph, Polynomial, Value};
use crate::network::{Dense, Function, Layer, Network, Node};
use downhill::foreign::Model;

/// The maximum number of inputs, far beyond what can be trained.
const MAX_INPUTS: usize = 100_000;

impl Network {
    /// Interprets the network.
    ///
    /// # Errors
    /// [`Code::ModelTooDeep`] if a hidden layer is nonlinear, [`Code::ModelUnsupported`],
    /// [`Code::ModelShape`], [`Code::ModelTooLarge`], [`Code::ModelNotFinite`].
    pub(crate) fn model(&self, format: &'static str) -> Result<Model> {
        Interpreter::new(self, format)?.model()
    }

    /// Describes the layers for error messages: `Dense(16, relu), Dense(1, linear)`.
    fn layers(&self) -> String {
        let name = |node: &Node| match &node.layer {
            Layer::Dense(dense) => Some(format!("Dense({}, {})", dense.units, dense.function.name())),
            Layer::Activation(function) => Some(function.name().to_owned()),
            _ => None,
        };
        let names: Vec<String> = self.nodes.iter().filter_map(name).collect();
        listed(&names)
    }
}

/// Joins names for error messages; if there are many, lists only the first few.
pub(crate) fn listed(names: &[String]) -> String {
    const SHOWN: usize = 8;
    let mut text = names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN {
        text += &format!(", and {} more", names.len() - SHOWN);
    }
    text
}

/// The range of row columns that an input layer reads.
struct Source {
    /// The index of the first column.
    first: usize,
    /// The number of columns.
    n: usize,
}

/// One side of a hat function around a level: `max(0, x - level)` or `max(0, level - x)`.
#[derive(Clone, Copy, PartialEq)]
struct Side {
    input: usize,
    level: usize,
    is_above: bool,
}

struct Interpreter<'a> {
    network: &'a Network,
    format: &'static str,
    /// For each input layer (by index), the columns of the row that it reads.
    sources: BTreeMap<usize, Source>,
    inputs: Vec<Input>,
    /// For each input that a layer scales as `x = center + scale u`, its center and scale.
    scaling: BTreeMap<usize, (f64, f64)>,
    /// For each scaled input, the index of the layer that computes `u`.
    scaled_by: BTreeMap<usize, usize>,
    /// The indices of all layers that scale inputs.
    scaling_layers: BTreeSet<usize>,
    /// For each layer that computes sides of hat functions, the side that each column is.
    sides: BTreeMap<usize, Vec<Side>>,
    /// For each layer that adds sides to hat functions, the input and the level of each column.
    hats: BTreeMap<usize, Vec<(usize, usize)>>,
    values: Vec<Option<Value>>,
}

impl<'a> Interpreter<'a> {
    fn new(network: &'a Network, format: &'static str) -> Result<Self> {
        let (mut inputs, mut sources) = (Vec::new(), BTreeMap::new());
        for place in &network.inputs {
            let node = &network.nodes[*place];
            let first = inputs.len();
            let base = input_name(&node.name);
            match &node.layer {
                Layer::Word => inputs.push(Input { name: base, levels: network.levels(*place) }),
                Layer::Numbers { .. } => {
                    let width = network.width(*place).filter(|width| (1..=MAX_INPUTS).contains(width));
                    let Some(width) = width else {
                        return Err(Message::new(Code::ModelShape)
                            .with("name", &node.name)
                            .with("found", "a different number of columns")
                            .with("expected", format!("1 to {MAX_INPUTS}")));
                    };
                    match width {
                        1 => inputs.push(Input::number(&base)),
                        _ => inputs.extend((1..=width).map(|k| Input::number(&format!("x{k}")))),
                    }
                }
                _ => {
                    return Err(Message::new(Code::ModelUnsupported)
                        .with("format", format)
                        .with("found", &node.name));
                }
            }
            if inputs.len() > MAX_INPUTS {
                return Err(Message::new(Code::ModelTooLarge)
                    .with("format", format)
                    .with("detail", format!("{} inputs", inputs.len()))
                    .with("limit", format!("{MAX_INPUTS} inputs")));
            }
            sources.insert(*place, Source { first, n: inputs.len() - first });
        }
        let mut made = Self {
            network,
            format,
            sources,
            inputs,
            scaling: BTreeMap::new(),
            scaled_by: BTreeMap::new(),
            scaling_layers: BTreeSet::new(),
            sides: BTreeMap::new(),
            hats: BTreeMap::new(),
            values: vec![None; network.nodes.len()],
        };
        made.look_ahead();
        Ok(made)
    }

    fn too_deep(&self) -> Message {
        Message::new(Code::ModelTooDeep).with("found", self.network.layers())
    }

    /// Returns the input that each column is a copy of, if the layer only passes inputs on.
    fn columns(&self, place: usize) -> Option<Vec<usize>> {
        let node = &self.network.nodes[place];
        match node.layer {
            Layer::Numbers { .. } => {
                let source = self.sources.get(&place)?;
                Some((source.first..source.first + source.n).collect())
            }
            Layer::Identity => self.columns(*node.from.first()?),
            // Only inputs themselves are allowed here; otherwise nested concatenations would be
            // walked many times.
            Layer::Concatenate => {
                let is_input =
                    |place: &usize| matches!(self.network.nodes[*place].layer, Layer::Numbers { .. });
                let mut columns = Vec::new();
                for part in &node.from {
                    columns.extend(is_input(part).then(|| self.columns(*part)).flatten()?);
                    if columns.len() > MAX_INPUTS {
                        return None;
                    }
                }
                Some(columns)
            }
            _ => None,
        }
    }

    /// Finds numeric inputs that are scaled first, and categories that are given as level indices.
    fn look_ahead(&mut self) {
        for (place, node) in self.network.nodes.iter().enumerate() {
            let Some(from) = node.from.first() else { continue };
            let scaling = match &node.layer {
                Layer::Normalization { mean, variance } => self.columns(*from).map(|columns| {
                    let of = |k: usize| (nth(mean, k), root(nth(variance, k)));
                    columns.iter().enumerate().map(|(k, input)| (*input, of(k))).collect()
                }),
                Layer::Affine { by, plus } => self.columns(*from).map(|columns| {
                    let of = |k: usize| (-nth(plus, k) / nth(by, k), 1.0 / nth(by, k));
                    columns.iter().enumerate().map(|(k, input)| (*input, of(k))).collect()
                }),
                Layer::Dense(dense) if place != self.network.output => match dense.function {
                    Function::Of(Response::Linear) if !dense.trainable => {
                        self.columns(*from).and_then(|columns| diagonal(dense, &columns))
                    }
                    Function::Relu => {
                        if let Some(columns) = self.columns(*from) {
                            if let Some(sides) = sides(dense, &columns) {
                                self.sides.insert(place, sides);
                            }
                        } else if let Some(hats) = self.sides.get(from).and_then(|sides| hats(dense, sides)) {
                            self.hats.insert(place, hats);
                        }
                        None
                    }
                    _ => None,
                },
                _ => None,
            };
            let scaling: Vec<(usize, (f64, f64))> = scaling.unwrap_or_default();
            let is_scale = |s: f64| s.is_finite() && s > 0.0 && (1.0 / s).is_finite();
            let valid = scaling.iter().all(|(_, (center, scale))| center.is_finite() && is_scale(*scale));
            if valid && scaling.iter().all(|(input, _)| !self.scaling.contains_key(input)) {
                self.scaled_by.extend(scaling.iter().map(|(input, _)| (*input, place)));
                self.scaling.extend(scaling);
                self.scaling_layers.insert(place);
            }
        }
        for (input, n_levels) in n_levels(self.hats.values().flatten()) {
            self.inputs[input].levels = (0..n_levels).map(|level| level.to_string()).collect();
        }
    }

    fn model(mut self) -> Result<Model> {
        let mut graph = Graph::new(self.format, self.inputs.clone());
        let mut activation = None;
        for place in 0..self.network.nodes.len() {
            let is_output = place == self.network.output;
            let value = self.value(&mut graph, place, is_output.then_some(&mut activation))?;
            self.values[place] = Some(value);
            if is_output {
                break;
            }
        }
        let outputs = self.values[self.network.output].take().unwrap_or_default();
        let mut model = graph.model("y", &outputs, activation.unwrap_or(Response::Linear))?;
        for (input, (center, scale)) in &self.scaling {
            if self.inputs[*input].levels.is_empty() {
                (model.map.inputs[*input].center, model.map.inputs[*input].scale) = (*center, *scale);
            }
        }
        Ok(model)
    }

    fn value(
        &self,
        graph: &mut Graph,
        place: usize,
        activation: Option<&mut Option<Response>>,
    ) -> Result<Value> {
        let node = &self.network.nodes[place];
        let mut from = Vec::new();
        for part in &node.from {
            match &self.values[*part] {
                Some(value) => from.push(value),
                None => return Err(self.unsupported("layers connected in a cycle")),
            }
        }
        let first = || from.first().copied().ok_or_else(|| self.unsupported("a layer without an input"));
        if let Some(hats) = self.hats.get(&place) {
            let mut levels = BTreeMap::new();
            for input in hats.iter().map(|(input, _)| *input) {
                if let Entry::Vacant(vacant) = levels.entry(input) {
                    vacant.insert(graph.one_hot(input)?);
                }
            }
            return Ok(hats.iter().map(|(input, level)| levels[input][*level].clone()).collect());
        }
        if self.sides.contains_key(&place) {
            // Sides are meaningful only as parts of hat functions, so any other use yields NaN.
            return Ok(vec![Polynomial::constant(f64::NAN); self.sides[&place].len()]);
        }
        match &node.layer {
            Layer::Numbers { .. } => {
                let source = self.sources.get(&place).ok_or_else(|| self.unsupported("a second input"))?;
                (source.first..source.first + source.n).map(|input| self.number(graph, input, None)).collect()
            }
            Layer::Word => Ok(Vec::new()),
            Layer::Lookup { levels } => {
                let input = node.from.first().and_then(|from| self.sources.get(from));
                let input = input.filter(|source| self.inputs[source.first].levels == *levels);
                graph.one_hot(input.ok_or_else(|| self.unsupported("text that is looked up twice"))?.first)
            }
            Layer::Normalization { mean, variance } => {
                let x = first()?;
                let root: Vec<f64> = variance.iter().map(|variance| root(*variance)).collect();
                let moved = graph.add(x, &self.constants(node, mean, x.len())?, -1.0)?;
                let scaled = graph.divide(&moved, &self.constants(node, &root, x.len())?)?;
                self.already_scaled(graph, place, scaled)
            }
            Layer::Affine { by, plus } => {
                let x = first()?;
                let scaled = graph.multiply(x, &self.constants(node, by, x.len())?)?;
                let moved = graph.add(&scaled, &self.constants(node, plus, x.len())?, 1.0)?;
                self.already_scaled(graph, place, moved)
            }
            Layer::Dense(dense) => {
                self.apply(&dense.function, activation)?;
                let y = self.dense(graph, &node.name, dense, first()?)?;
                self.already_scaled(graph, place, y)
            }
            Layer::Concatenate => {
                let parts = from.into_iter().map(|part| copied(graph, part));
                Ok(parts.collect::<Result<Vec<_>>>()?.concat())
            }
            Layer::Multiply | Layer::Add => {
                let mut result = copied(graph, first()?)?;
                for other in &from[1..] {
                    result = match node.layer {
                        Layer::Add => graph.add(&result, other, 1.0)?,
                        _ => graph.multiply(&result, other)?,
                    };
                }
                Ok(result)
            }
            Layer::Identity => copied(graph, first()?),
            Layer::Activation(function) => {
                self.apply(function, activation)?;
                copied(graph, first()?)
            }
        }
    }

    /// Records the activation of the last layer; for other layers, returns an error unless it is linear.
    fn apply(&self, function: &Function, activation: Option<&mut Option<Response>>) -> Result<()> {
        match (function, activation) {
            (Function::Of(found), Some(activation)) => {
                activation.get_or_insert(*found);
                Ok(())
            }
            (Function::Of(Response::Linear), None) => Ok(()),
            _ => Err(self.too_deep()),
        }
    }

    fn dense(&self, graph: &mut Graph, name: &str, dense: &Dense, x: &Value) -> Result<Value> {
        let kernel: Vec<f64> = dense.kernel.iter().map(|w| f64::from(*w)).collect();
        let bias: Vec<f64> = dense.bias.iter().flatten().map(|w| f64::from(*w)).collect();
        if dense.units == 0 || kernel.len() != x.len().saturating_mul(dense.units) {
            return Err(Message::new(Code::ModelShape)
                .with("name", format!("{name}/kernel"))
                .with("found", format!("{} numbers", kernel.len()))
                .with("expected", format!("{} x {}", x.len(), dense.units)));
        }
        graph.dense(x, &kernel, dense.units, &bias)
    }

    /// Returns an input as `center + scale u`, or as `u` itself inside the layer `by` that computes it.
    fn number(&self, graph: &mut Graph, input: usize, by: Option<usize>) -> Result<Polynomial> {
        if !self.inputs[input].levels.is_empty() {
            // Arithmetic on a level index is not supported.
            return Ok(Polynomial::constant(f64::NAN));
        }
        let u = graph.numbers(input..input + 1)?;
        let x = match self.scaling.get(&input) {
            Some((center, scale)) if by.is_none() => graph.dense(&u, &[*scale], 1, &[*center])?,
            _ => u,
        };
        x.into_iter().next().ok_or_else(|| self.unsupported("no input"))
    }

    /// Replaces scaled columns by the exact `u`, because folding center and scale leaves rounding errors.
    fn already_scaled(&self, graph: &mut Graph, place: usize, mut value: Value) -> Result<Value> {
        let Some(from) = self.network.nodes[place].from.first() else { return Ok(value) };
        if !self.scaling_layers.contains(&place) {
            return Ok(value);
        }
        let columns = self.columns(*from).unwrap_or_default();
        let inputs = match &self.network.nodes[place].layer {
            Layer::Dense(dense) => diagonal_inputs(dense, &columns).unwrap_or_default(),
            _ => columns,
        };
        for (column, input) in value.iter_mut().zip(inputs) {
            if self.scaled_by.get(&input) == Some(&place) {
                *column = self.number(graph, input, Some(place))?;
            }
        }
        Ok(value)
    }

    fn constants(&self, node: &Node, values: &[f64], n: usize) -> Result<Value> {
        if values.len() != 1 && values.len() != n {
            return Err(Message::new(Code::ModelShape)
                .with("name", &node.name)
                .with("found", values.len())
                .with("expected", n));
        }
        Ok(values.iter().map(|value| Polynomial::constant(*value)).collect())
    }

    fn unsupported(&self, found: &str) -> Message {
        Message::new(Code::ModelUnsupported).with("format", self.format).with("found", found)
    }
}

impl Network {
    /// The number of columns of an input layer: as it declares, or as required by the layer that it feeds.
    fn width(&self, place: usize) -> Option<usize> {
        let Layer::Numbers { width } = self.nodes[place].layer else { return None };
        width.or_else(|| {
            let mut place = place;
            // The loop ends because no layer feeds an earlier one.
            loop {
                let (next, node) = self
                    .nodes
                    .iter()
                    .enumerate()
                    .skip(place + 1)
                    .find(|(_, node)| node.from.contains(&place))?;
                match &node.layer {
                    Layer::Dense(dense) if dense.units > 0 => return Some(dense.kernel.len() / dense.units),
                    Layer::Normalization { mean, .. } if mean.len() > 1 => return Some(mean.len()),
                    Layer::Affine { by, .. } if by.len() > 1 => return Some(by.len()),
                    Layer::Normalization { .. } | Layer::Affine { .. } | Layer::Identity => place = next,
                    _ => return None,
                }
            }
        })
    }

    /// Returns the vocabulary of a text input.
    fn levels(&self, place: usize) -> Vec<String> {
        let found = self.nodes.iter().find_map(|node| match &node.layer {
            Layer::Lookup { levels } if node.from == [place] => Some(levels.clone()),
            _ => None,
        });
        found.unwrap_or_default()
    }
}

/// Copies a value, counting its terms, because a small file may ask for any number of copies.
fn copied(graph: &mut Graph, value: &Value) -> Result<Value> {
    if value.is_empty() { Ok(Vec::new()) } else { graph.multiply(value, &vec![Polynomial::constant(1.0)]) }
}

fn nth(values: &[f64], k: usize) -> f64 {
    values.get(if values.len() == 1 { 0 } else { k }).copied().unwrap_or(f64::NAN)
}

/// The standard deviation of a variance. As in Keras's `Normalization`, which divides by it, it is at least 1e-7.
fn root(variance: f64) -> f64 {
    variance.sqrt().max(1e-7)
}

/// If each column of a layer is a multiple of a different input, returns these inputs.
fn diagonal_inputs(dense: &Dense, columns: &[usize]) -> Option<Vec<usize>> {
    if dense.kernel.len() != columns.len().checked_mul(dense.units)? || dense.units > columns.len() {
        return None;
    }
    let mut inputs = vec![None; dense.units];
    for (weights, input) in dense.kernel.chunks_exact(dense.units.max(1)).zip(columns) {
        let mut own = weights.iter().enumerate().filter(|(_, weight)| **weight != 0.0).map(|(k, _)| k);
        match (own.next(), own.next()) {
            (None, _) => {}
            (Some(k), None) if inputs[k].is_none() => inputs[k] = Some(*input),
            _ => return None,
        }
    }
    inputs.into_iter().collect()
}

/// Returns input index, center and scale for each input, if the layer only scales inputs.
fn diagonal(dense: &Dense, columns: &[usize]) -> Option<Vec<(usize, (f64, f64))>> {
    let inputs = diagonal_inputs(dense, columns)?;
    let weight = |k: usize| dense.kernel.iter().skip(k).step_by(dense.units).find(|w| **w != 0.0).copied();
    let bias = |k: usize| dense.bias.as_ref().map_or(Some(0.0), |bias| bias.get(k).copied());
    let of = |(k, input): (usize, usize)| {
        let (weight, bias) = (f64::from(weight(k)?), f64::from(bias(k)?));
        Some((input, (-bias / weight, 1.0 / weight)))
    };
    inputs.into_iter().enumerate().map(of).collect()
}

/// Returns the sides of hat functions that a layer computes; `None` if it computes anything else.
fn sides(dense: &Dense, columns: &[usize]) -> Option<Vec<Side>> {
    const MAX_LEVELS: f64 = 100_000.0;
    if dense.units == 0 || dense.kernel.len() != columns.len().checked_mul(dense.units)? {
        return None;
    }
    let mut inputs = vec![None; dense.units];
    for (weights, input) in dense.kernel.chunks_exact(dense.units).zip(columns) {
        for (place, weight) in inputs.iter_mut().zip(weights).filter(|(_, weight)| **weight != 0.0) {
            if place.replace((*input, f64::from(*weight))).is_some() {
                return None;
            }
        }
    }
    let bias = dense.bias.as_ref()?;
    let side = |(of, bias): (&Option<(usize, f64)>, &f32)| {
        let (input, weight) = (*of)?;
        let level = -f64::from(*bias) * weight;
        let whole = level.fract() == 0.0 && (1.0..MAX_LEVELS).contains(&level);
        (weight.abs() == 1.0 && whole).then_some(Side {
            input,
            level: level as usize,
            is_above: weight > 0.0,
        })
    };
    (bias.len() == inputs.len()).then(|| inputs.iter().zip(bias).map(side).collect())?
}

/// Returns the input and the level of each hat function that a layer computes from sides; `None` if it
/// computes anything else.
fn hats(dense: &Dense, sides: &[Side]) -> Option<Vec<(usize, usize)>> {
    if dense.units == 0 || dense.kernel.len() != sides.len().checked_mul(dense.units)? {
        return None;
    }
    let mut pairs: Vec<Vec<Side>> = vec![Vec::new(); dense.units];
    for (weights, side) in dense.kernel.chunks_exact(dense.units).zip(sides) {
        for (pair, weight) in pairs.iter_mut().zip(weights).filter(|(_, weight)| **weight != 0.0) {
            if *weight != -1.0 || pair.len() == 2 {
                return None;
            }
            pair.push(*side);
        }
    }
    let bias = dense.bias.as_ref().filter(|bias| bias.len() == pairs.len())?;
    let hat = |(pair, bias): (&Vec<Side>, &f32)| match pair[..] {
        [a, b] if *bias == 1.0 && a.is_above != b.is_above && (a.input, a.level) == (b.input, b.level) => {
            Some((a.input, a.level))
        }
        _ => None,
    };
    let hats = pairs.iter().zip(bias).map(hat).collect::<Option<Vec<_>>>()?;
    // Every level from the second on must occur once, so that the number of levels is bounded by
    // the number of hats.
    let mut sorted = hats.clone();
    sorted.sort_unstable();
    let all = n_levels(&sorted).into_iter().flat_map(|(input, n)| (1..n).map(move |level| (input, level)));
    all.eq(sorted).then_some(hats)
}

/// The number of levels of each input, which is one more than its highest level; `levels` are pairs of input
/// and level.
fn n_levels<'a>(levels: impl IntoIterator<Item = &'a (usize, usize)>) -> BTreeMap<usize, usize> {
    let mut counts = BTreeMap::new();
    for (input, level) in levels {
        let count = counts.entry(*input).or_insert(0);
        *count = level.saturating_add(1).max(*count);
    }
    counts
}

/// Returns the name of an input, unless Keras generated the name.
fn input_name(name: &str) -> String {
    let is_counted = |prefix: &str| {
        let rest = name.strip_prefix(prefix).map(|rest| rest.trim_start_matches('_'));
        rest.is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit()))
    };
    let generic = name.is_empty() || name == "inputs" || is_counted("input_layer") || is_counted("input");
    if generic || name.ends_with("_input") { "x".to_owned() } else { name.to_owned() }
}
