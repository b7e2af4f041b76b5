//! Reads a graph as a model by evaluating it with polynomials of its inputs instead of numbers.

use std::collections::HashMap;
use std::rc::Rc;

use downhill::message::{Code, Message, Result};
use downhill::model::Response;
use prost::Message as _;

use super::inputs::inputs;
use super::proto::{AttributeProto, GraphProto, ModelProto, NodeProto, ValueInfoProto, count, data_type};
use super::tensor::Constant;
use super::{CLASSES, INPUTS, MAX_BYTES, NAME, RUN, TARGET, cut, damaged, too_large, unsupported};
use crate::format::Plain;
use crate::graph::{Graph, Polynomial, Value};

/// The maximum number of nodes, attributes, strings and constants in a file, together.
const MAX_PARTS: usize = 100_000;
/// The maximum number of columns anywhere in a graph.
pub(super) const MAX_COLUMNS: usize = 4096;
/// The maximum number of constants that all nodes together may use; a graph may pass the same
/// constant to every node.
const MAX_WORK: usize = 50_000_000;
/// Domains with known operators.
const DOMAINS: [&str; 3] = ["", "ai.onnx", super::ML_DOMAIN];

pub(super) fn read(bytes: &[u8]) -> Result<Plain> {
    if bytes.len() > MAX_BYTES {
        return Err(too_large(format!("{} MB", bytes.len() / 1_000_000)));
    }
    if count(bytes, MAX_PARTS).is_none() {
        // A well-formed file has too many parts; for a malformed one the decoder below reports the
        // error.
        if count(bytes, usize::MAX).is_some() {
            return Err(too_large(format!("more than {MAX_PARTS} nodes, words and constants")));
        }
        return Err(damaged("its parts are larger than the file"));
    }
    let file = ModelProto::decode(bytes).map_err(damaged)?;
    let graph = file.graph.as_ref().ok_or_else(|| damaged("it contains no graph"))?;
    let note =
        |key: &str| file.metadata_props.iter().find(|note| note.key == key).map(|note| note.value.clone());
    let list = |key: &str| -> Option<Vec<String>> { serde_json::from_str(&note(key)?).ok() };
    let mut model = Walk::new(graph, list(INPUTS))?.model(note(TARGET))?;
    if let Some(classes) = list(CLASSES).filter(|_| model.target_levels.is_empty()) {
        model.target_levels = classes;
    }
    // Class names are kept only if there is one per class; a sigmoid is one output for two classes.
    let n_outputs = model.n_outputs();
    let is_one_of_two = n_outputs == 1 && model.activation == Response::Sigmoid;
    if model.target_levels.len() != if is_one_of_two { 2 } else { n_outputs } {
        model.target_levels.clear();
    }
    let producer = match (file.producer_name.as_str(), file.producer_version.as_str()) {
        ("", _) => None,
        (name, "") => Some(name.to_owned()),
        (name, version) => Some(format!("{name} {version}")),
    };
    Ok(Plain { producer, model, carried: note(RUN) })
}

/// The meaning of a name in the graph.
#[derive(Clone, Debug)]
pub(super) enum Symbol {
    /// Columns of a row of numbers.
    Columns(Rc<Value>),
    /// The indicators of categories' levels as an encoder outputs them, with shape `[rows, 1, levels]`.
    Hot(Rc<Value>),
    /// Columns after an activation.
    Activated(Rc<Value>, Response),
    /// `1 - p` followed by the probability `p` of these columns.
    Complement(Rc<Value>),
    /// Text columns of categories, by the indices of their inputs.
    Words(Rc<[usize]>),
    /// An array of constants.
    Constant(Rc<Constant>),
    /// The shape of a tensor with this many columns.
    Shape(usize),
    /// Class labels or maps of them, which take no part in computations.
    Label,
}

/// A graph during evaluation.
pub(super) struct Walk<'a> {
    of: &'a GraphProto,
    pub(super) graph: Graph,
    symbols: HashMap<&'a str, Symbol>,
    /// The class names, if the graph has a classifier with names.
    pub(super) classes: Vec<String>,
    work: usize,
}

impl<'a> Walk<'a> {
    fn new(of: &'a GraphProto, names: Option<Vec<String>>) -> Result<Self> {
        let mut symbols = HashMap::new();
        for tensor in &of.initializer {
            // Strings are needed only as names of classes.
            let symbol = match tensor.data_type {
                data_type::STRING => Symbol::Label,
                _ => Symbol::Constant(Rc::new(Constant::of(tensor)?)),
            };
            symbols.insert(tensor.name.as_str(), symbol);
        }
        let (mut inputs, places) = inputs(of, &symbols)?;
        if let Some(names) = names.filter(|names| names.len() == inputs.len()) {
            for (input, name) in inputs.iter_mut().zip(names) {
                input.name = name;
            }
        }
        let mut graph = Graph::new(NAME, inputs);
        for place in places {
            let columns = place.first..place.first + place.width;
            let symbol = match place.is_words {
                true => Symbol::Words(columns.collect()),
                false => Symbol::Columns(Rc::new(graph.numbers(columns)?)),
            };
            symbols.insert(place.name, symbol);
        }
        Ok(Self { of, graph, symbols, classes: Vec::new(), work: 0 })
    }

    fn model(mut self, target: Option<String>) -> Result<downhill::foreign::Model> {
        for node in &self.of.node {
            let outputs = self.node(node)?;
            for (name, symbol) in node.output.iter().zip(outputs) {
                if !name.is_empty() && self.symbols.insert(name, symbol).is_some() {
                    return Err(damaged(format!("\"{}\" is computed twice", cut(name))));
                }
            }
        }
        // A classifier also outputs class labels; the output with the scores is the model.
        let found = |output: &&ValueInfoProto| {
            matches!(self.symbols.get(output.name.as_str()), Some(Symbol::Columns(_) | Symbol::Activated(..)))
        };
        let output =
            self.of.output.iter().find(found).ok_or_else(|| damaged("none of its outputs is computed"))?;
        let (outputs, activation) = match self.symbols.remove(output.name.as_str()) {
            Some(Symbol::Columns(outputs)) => (outputs, Response::Linear),
            Some(Symbol::Activated(outputs, activation)) => (outputs, activation),
            _ => return Err(damaged("none of its outputs is computed")),
        };
        let mut model = self.graph.model(target.as_deref().unwrap_or(&output.name), &outputs, activation)?;
        model.target_levels = self.classes;
        Ok(model)
    }

    /// Evaluates a node and returns its outputs.
    fn node(&mut self, node: &'a NodeProto) -> Result<Vec<Symbol>> {
        if !DOMAINS.contains(&node.domain.as_str()) {
            return Err(unsupported(&format!("{} of {}", cut(&node.op_type), cut(&node.domain))));
        }
        let symbol = match node.op_type.as_str() {
            "Identity" | "Cast" | "Reshape" | "Flatten" | "Squeeze" | "Unsqueeze" | "Dropout" => {
                self.same(node)?
            }
            "Normalizer" | "ZipMap" | "ArgMax" | "LabelEncoder" => self.behind_classes(node)?,
            "Constant" => self.given(node)?,
            "Shape" => match self.symbol(node, 0)? {
                Symbol::Columns(columns) => Symbol::Shape(columns.len()),
                _ => Symbol::Label,
            },
            "ConstantOfShape" => self.filled(node)?,
            "Add" | "Sub" | "Mul" | "Div" | "Sum" => self.arithmetic(node)?,
            "Neg" => {
                let columns = self.columns(node, 0)?;
                let minus = vec![Polynomial::constant(-1.0)];
                Symbol::Columns(Rc::new(self.graph.multiply(&columns, &minus)?))
            }
            "Pow" => self.power(node)?,
            "ReduceProd" => self.product(node)?,
            "Concat" | "FeatureVectorizer" => self.side_by_side(node)?,
            "Gather" | "ArrayFeatureExtractor" => self.chosen(node)?,
            "Slice" => self.slice(node)?,
            "Transpose" => {
                let matrix = self.constant(node, 0)?.transposed();
                let matrix =
                    matrix.ok_or_else(|| unsupported("a Transpose with more than two dimensions"))?;
                Symbol::Constant(Rc::new(matrix))
            }
            "MatMul" => {
                let kernel = self.constant(node, 1)?;
                self.dense(node, &kernel, &[])?
            }
            "Gemm" => self.gemm(node)?,
            "OneHotEncoder" => self.one_hot(node)?,
            "Scaler" => self.scaler(node)?,
            "BatchNormalization" => self.normalized(node)?,
            "LinearRegressor" => self.regressor(node)?,
            "LinearClassifier" => return Ok(vec![Symbol::Label, self.classifier(node)?]),
            "Sigmoid" => Symbol::Activated(self.columns(node, 0)?, Response::Sigmoid),
            "Softmax" => {
                if !matches!(integer(node, "axis"), None | Some(1 | -1)) {
                    return Err(unsupported("a Softmax across rows"));
                }
                Symbol::Activated(self.columns(node, 0)?, Response::Softmax)
            }
            "Exp" => Symbol::Activated(self.columns(node, 0)?, Response::Exponential),
            _ => return Err(self.too_deep()),
        };
        Ok(vec![symbol])
    }

    pub(super) fn symbol(&self, node: &NodeProto, place: usize) -> Result<&Symbol> {
        let name = node.input.get(place).map_or("", String::as_str);
        self.symbols.get(name).ok_or_else(|| {
            damaged(format!("{} needs \"{}\", which is missing", cut(&node.op_type), cut(name)))
        })
    }

    pub(super) fn columns(&self, node: &NodeProto, place: usize) -> Result<Rc<Value>> {
        match self.symbol(node, place)? {
            Symbol::Columns(value) | Symbol::Hot(value) => Ok(Rc::clone(value)),
            Symbol::Constant(constant) if constant.is_row() && constant.values.len() <= MAX_COLUMNS => {
                Ok(Rc::new(constant.values.iter().map(|value| Polynomial::constant(*value)).collect()))
            }
            Symbol::Constant(_) => {
                Err(unsupported(&format!("a {} with one number per row", cut(&node.op_type))))
            }
            // This would be a second layer.
            Symbol::Activated(..) | Symbol::Complement(_) => Err(self.too_deep()),
            Symbol::Words(_) | Symbol::Label | Symbol::Shape(_) => {
                Err(unsupported(&format!("text as an input of {}", cut(&node.op_type))))
            }
        }
    }

    pub(super) fn constant(&mut self, node: &NodeProto, place: usize) -> Result<Rc<Constant>> {
        let constant = match self.symbol(node, place)? {
            Symbol::Constant(constant) => Rc::clone(constant),
            _ => return Err(unsupported(&format!("a {} with a computed operand", cut(&node.op_type)))),
        };
        self.work += constant.values.len();
        if self.work > MAX_WORK {
            return Err(too_large(format!("more than {MAX_WORK} numbers to process")));
        }
        Ok(constant)
    }

    /// Evaluates a node that leaves every row unchanged.
    fn same(&mut self, node: &NodeProto) -> Result<Symbol> {
        let symbol = self.symbol(node, 0)?.clone();
        let width = match &symbol {
            Symbol::Columns(columns) | Symbol::Hot(columns) | Symbol::Activated(columns, _) => columns.len(),
            Symbol::Constant(constant) if node.op_type == "Reshape" => {
                let constant = Rc::clone(constant);
                return self.reshaped(node, &constant);
            }
            _ => return Ok(symbol),
        };
        match node.op_type.as_str() {
            "Reshape" => {
                let shape = &self.constant(node, 1)?.values;
                let is_all = |n: f64| n == -1.0 || n == width as f64;
                let kept = match shape[..] {
                    [_] => width == 1,
                    [.., n] => is_all(n),
                    [] => false,
                };
                if !kept {
                    return Err(unsupported("a Reshape of columns"));
                }
            }
            "Flatten" if !matches!(integer(node, "axis"), None | Some(1)) => {
                return Err(unsupported("a Flatten of rows"));
            }
            // A cast to anything but a floating-point type would drop decimals.
            "Cast" if !matches!(integer(node, "to"), Some(1 | 10 | 11 | 16)) => {
                return Err(unsupported("a Cast to integers"));
            }
            _ => {}
        }
        match symbol {
            Symbol::Hot(columns) if matches!(node.op_type.as_str(), "Reshape" | "Flatten" | "Squeeze") => {
                Ok(Symbol::Columns(columns))
            }
            other => Ok(other),
        }
    }

    fn reshaped(&mut self, node: &NodeProto, constant: &Constant) -> Result<Symbol> {
        let shape: Vec<usize> = self.constant(node, 1)?.values.iter().map(|n| *n as usize).collect();
        let n = shape.iter().try_fold(1_usize, |n, dim| n.checked_mul(*dim));
        let dims = if n == Some(constant.values.len()) { shape } else { constant.dims.clone() };
        self.constant(node, 0)?;
        Ok(Symbol::Constant(Rc::new(Constant { dims, values: constant.values.clone() })))
    }

    fn given(&self, node: &NodeProto) -> Result<Symbol> {
        let [attribute] = &node.attribute[..] else {
            return Err(unsupported("a Constant that is not a tensor"));
        };
        let row = |values: Vec<f64>| Constant { dims: vec![values.len()], values };
        let one = |value: f64| Constant { dims: Vec::new(), values: vec![value] };
        let constant = match attribute.name.as_str() {
            "value" => match &attribute.t {
                Some(tensor) if tensor.data_type == data_type::STRING => return Ok(Symbol::Label),
                Some(tensor) => Constant::of(tensor)?,
                None => return Err(damaged("a Constant without a value")),
            },
            "value_float" => one(attribute.f.unwrap_or(0.0).into()),
            "value_int" => one(attribute.i.unwrap_or(0) as f64),
            "value_floats" => row(attribute.floats.iter().map(|f| f64::from(*f)).collect()),
            "value_ints" => row(attribute.ints.iter().map(|n| *n as f64).collect()),
            _ => return Err(unsupported("a Constant that is not a tensor")),
        };
        if constant.values.iter().all(|value| value.is_finite()) {
            Ok(Symbol::Constant(Rc::new(constant)))
        } else {
            Err(Message::new(Code::ModelNotFinite).with("name", cut(&node.name)))
        }
    }

    /// Evaluates a ConstantOfShape, which scikit-learn uses for the constant among polynomial
    /// features.
    fn filled(&self, node: &NodeProto) -> Result<Symbol> {
        let Symbol::Shape(width) = self.symbol(node, 0)? else {
            return Err(unsupported("a ConstantOfShape without columns"));
        };
        let tensor = attribute(node, "value").and_then(|own| own.t.as_ref());
        let value = match tensor.map(Constant::of).transpose()? {
            None => 0.0,
            Some(Constant { values, .. }) => {
                *values.first().ok_or_else(|| damaged("a ConstantOfShape without a value"))?
            }
        };
        Ok(Symbol::Columns(Rc::new(vec![Polynomial::constant(value); *width])))
    }

    /// Evaluates nodes after a classifier. Normalizing probabilities to a sum of one changes
    /// nothing.
    fn behind_classes(&self, node: &NodeProto) -> Result<Symbol> {
        match (self.symbol(node, 0)?, node.op_type.as_str()) {
            (activated @ Symbol::Activated(..), "ZipMap") => Ok(activated.clone()),
            (activated @ Symbol::Activated(_, Response::Softmax | Response::Sigmoid), "Normalizer") => {
                match text(node, "norm") {
                    "L1" => Ok(activated.clone()),
                    _ => Err(unsupported("a Normalizer across rows")),
                }
            }
            (_, "Normalizer") => Err(unsupported("a Normalizer across rows")),
            _ => Ok(Symbol::Label),
        }
    }

    /// The error for a nonlinear graph, with a description of its layers.
    pub(super) fn too_deep(&self) -> Message {
        let shown = |node: &NodeProto| {
            let units = node.input.iter().find_map(|name| match self.symbols.get(name.as_str()) {
                Some(Symbol::Constant(constant)) if constant.dims.len() == 2 => {
                    Some(format!("{} x {}", constant.dims[0], constant.dims[1]))
                }
                _ => None,
            });
            let name = cut(&node.op_type);
            units.map_or(name.to_owned(), |units| format!("{name} ({units})"))
        };
        let mut found: Vec<String> = self.of.node.iter().take(12).map(shown).collect();
        if self.of.node.len() > found.len() {
            found.push(format!("{} more", self.of.node.len() - found.len()));
        }
        Message::new(Code::ModelTooDeep).with("found", found.join(", "))
    }
}

pub(super) fn attribute<'a>(node: &'a NodeProto, name: &str) -> Option<&'a AttributeProto> {
    node.attribute.iter().find(|attribute| attribute.name == name)
}

pub(super) fn integer(node: &NodeProto, name: &str) -> Option<i64> {
    attribute(node, name).and_then(|own| own.i)
}

pub(super) fn text<'a>(node: &'a NodeProto, name: &str) -> &'a str {
    attribute(node, name).and_then(|own| own.s.as_deref()).map_or("", |s| str::from_utf8(s).unwrap_or(""))
}
