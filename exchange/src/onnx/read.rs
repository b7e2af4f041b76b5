//! A graph as a model: walked with polynomials of its inputs in the place of numbers.

use std::collections::HashMap;

use downhill::dataset::Input;
use downhill::message::{Code, Message, Result};
use downhill::model::Activation;
use prost::Message as _;

use super::proto::{
    AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto, count, data_type,
};
use super::{INPUTS, MAX_BYTES, NAME, RUN, TARGET, damaged};
use crate::format::Plain;
use crate::graph::{Graph, Polynomial, Value};

/// Nodes, attributes, words and constants of a file, together.
const MAX_PARTS: usize = 100_000;
/// Columns of an input.
const MAX_COLUMNS: usize = 4096;

pub(super) fn read(bytes: &[u8]) -> Result<Plain> {
    if bytes.len() > MAX_BYTES {
        return Err(too_large(format!("{} MB", bytes.len() / 1_000_000)));
    }
    if count(bytes, MAX_PARTS).is_none() {
        // Which of both it is, the reader below says; what is well-formed has too many parts.
        if count(bytes, usize::MAX).is_some() {
            return Err(too_large(format!("more than {MAX_PARTS} nodes, words and constants")));
        }
        return Err(damaged("its parts do not fit into it"));
    }
    let file = ModelProto::decode(bytes).map_err(damaged)?;
    let graph = file.graph.as_ref().ok_or_else(|| damaged("it holds no graph"))?;
    let note =
        |key: &str| file.metadata_props.iter().find(|note| note.key == key).map(|note| note.value.clone());
    let names: Option<Vec<String>> = note(INPUTS).and_then(|names| serde_json::from_str(&names).ok());
    let model = Walk::new(graph, names)?.model(note(TARGET))?;
    let producer = match (file.producer_name.as_str(), file.producer_version.as_str()) {
        ("", _) => None,
        (name, "") => Some(name.to_owned()),
        (name, version) => Some(format!("{name} {version}")),
    };
    Ok(Plain { producer, model, carried: note(RUN) })
}

/// What a name stands for.
#[derive(Clone, Debug)]
enum Symbol {
    /// Columns of a row.
    Columns(Value),
    /// The same behind an activation.
    Activated(Value, Activation),
    /// A category, by its place among the inputs.
    Words(usize),
    /// A constant.
    Constant(Constant),
    /// Classes, or what a map makes of them: nothing that is computed with.
    Label,
}

/// Numbers of a shape.
#[derive(Clone, Debug)]
struct Constant {
    dims: Vec<usize>,
    values: Vec<f64>,
}

impl Constant {
    /// One number a column, or one for all.
    fn row(&self) -> Value {
        self.values.iter().map(|value| Polynomial::constant(*value)).collect()
    }

    /// Rows and columns, of a matrix.
    fn shape(&self) -> Option<(usize, usize)> {
        match self.dims[..] {
            [rows, columns] => Some((rows, columns)),
            [n] => Some((n, 1)),
            _ => None,
        }
    }

    fn transposed(&self) -> Option<Self> {
        let (rows, columns) = self.shape()?;
        let values =
            (0..columns).flat_map(|j| (0..rows).map(move |i| self.values[i * columns + j])).collect();
        Some(Self { dims: vec![columns, rows], values })
    }
}

struct Walk<'a> {
    of: &'a GraphProto,
    graph: Graph,
    symbols: HashMap<&'a str, Symbol>,
}

impl<'a> Walk<'a> {
    fn new(of: &'a GraphProto, names: Option<Vec<String>>) -> Result<Self> {
        let mut symbols = HashMap::new();
        for tensor in &of.initializer {
            // Words are of no use but to nodes that Downhill has not.
            if tensor.data_type != data_type::STRING {
                symbols.insert(tensor.name.as_str(), Symbol::Constant(constant(tensor)?));
            }
        }
        let given: Vec<&ValueInfoProto> =
            of.input.iter().filter(|input| !symbols.contains_key(input.name.as_str())).collect();
        let mut inputs = Vec::new();
        let mut places = Vec::new();
        for info in &given {
            let levels = levels_of(of, &info.name)?;
            let first = inputs.len();
            if is_words(info) && width_of(info).is_some_and(|width| width > 1) {
                return Err(unsupported("several columns of words in one input"));
            }
            if is_words(info) || levels.is_some() {
                let levels = levels.ok_or_else(|| {
                    unsupported(&format!(
                        "the words \"{}\", which no OneHotEncoder takes apart",
                        cut(&info.name)
                    ))
                })?;
                inputs.push(Input { name: info.name.clone(), levels });
                places.push((info, first, None));
                continue;
            }
            let width = match width_of(info) {
                Some(width) => width,
                None => width_used(of, &info.name, &symbols).unwrap_or(1),
            };
            if width == 0 || inputs.len() + width > MAX_COLUMNS {
                return Err(too_large(format!("{width} columns in \"{}\"", cut(&info.name))));
            }
            let of_column = |k: usize| if width == 1 { info.name.clone() } else { format!("x{}", k + 1) };
            inputs.extend((0..width).map(|k| Input::number(&of_column(k))));
            places.push((info, first, Some(width)));
        }
        if let Some(names) = names.filter(|names| names.len() == inputs.len()) {
            for (input, name) in inputs.iter_mut().zip(names) {
                input.name = name;
            }
        }
        let mut graph = Graph::new(NAME, inputs);
        for (info, first, width) in places {
            let symbol = match width {
                Some(width) => Symbol::Columns(graph.numbers(first..first + width)?),
                None => Symbol::Words(first),
            };
            symbols.insert(info.name.as_str(), symbol);
        }
        Ok(Self { of, graph, symbols })
    }

    fn model(mut self, target: Option<String>) -> Result<crate::model::Model> {
        for node in &self.of.node {
            let outputs = self.node(node)?;
            for (name, symbol) in node.output.iter().zip(outputs) {
                self.symbols.insert(name, symbol);
            }
        }
        // A classifier gives its classes too; what they were chosen by is the model.
        let found = |output: &&ValueInfoProto| {
            matches!(self.symbols.get(output.name.as_str()), Some(Symbol::Columns(_) | Symbol::Activated(..)))
        };
        let output =
            self.of.output.iter().find(found).ok_or_else(|| damaged("no output of it is computed"))?;
        let (outputs, activation) = match self.symbols.remove(output.name.as_str()) {
            Some(Symbol::Columns(outputs)) => (outputs, Activation::Linear),
            Some(Symbol::Activated(outputs, activation)) => (outputs, activation),
            _ => return Err(damaged("no output of it is computed")),
        };
        self.graph.model(target.as_deref().unwrap_or(&output.name), &outputs, activation)
    }

    /// What a node gives.
    fn node(&mut self, node: &'a NodeProto) -> Result<Vec<Symbol>> {
        let one = |symbol| Ok(vec![symbol]);
        match node.op_type.as_str() {
            "Identity" | "Cast" | "Reshape" | "Flatten" | "Squeeze" | "Unsqueeze" | "Dropout" => {
                one(self.same(node)?)
            }
            "Normalizer" | "ZipMap" | "ArgMax" | "LabelEncoder" => one(self.behind_classes(node)?),
            "Constant" => {
                let tensor = attribute(node, "value").and_then(|value| value.t.as_ref());
                one(Symbol::Constant(constant(
                    tensor.ok_or_else(|| unsupported("a Constant that is no tensor"))?,
                )?))
            }
            "Add" | "Sub" | "Mul" | "Div" | "Sum" => one(self.arithmetic(node)?),
            "Neg" => {
                let columns = self.columns(node, 0)?;
                let minus = vec![Polynomial::constant(-1.0)];
                one(Symbol::Columns(self.graph.multiply(&columns, &minus)?))
            }
            "Pow" => one(self.power(node)?),
            "Concat" | "FeatureVectorizer" => one(self.side_by_side(node)?),
            "Gather" | "ArrayFeatureExtractor" => one(self.chosen(node)?),
            "Transpose" => {
                let matrix = self.constant(node, 0)?.transposed();
                one(Symbol::Constant(matrix.ok_or_else(|| unsupported("a Transpose of more than a matrix"))?))
            }
            "MatMul" => {
                let kernel = self.constant(node, 1)?;
                one(self.dense(node, &kernel, &[])?)
            }
            "Gemm" => one(self.gemm(node)?),
            "OneHotEncoder" => one(self.one_hot(node)?),
            "Scaler" => {
                let floats = |name| -> Value {
                    attribute(node, name)
                        .iter()
                        .flat_map(|own| &own.floats)
                        .map(|f| Polynomial::constant(f64::from(*f)))
                        .collect()
                };
                let (columns, offset, scale) = (self.columns(node, 0)?, floats("offset"), floats("scale"));
                let moved =
                    if offset.is_empty() { columns } else { self.graph.add(&columns, &offset, -1.0)? };
                one(Symbol::Columns(if scale.is_empty() {
                    moved
                } else {
                    self.graph.multiply(&moved, &scale)?
                }))
            }
            "BatchNormalization" => one(self.normalized(node)?),
            "LinearRegressor" => one(self.regressor(node)?),
            "LinearClassifier" => Ok(vec![Symbol::Label, self.classifier(node)?]),
            "Sigmoid" => one(self.activated(node, Activation::Sigmoid)?),
            "Softmax" => one(self.activated(node, Activation::Softmax)?),
            "Exp" => one(self.activated(node, Activation::Exponential)?),
            _ => Err(self.too_deep()),
        }
    }

    fn symbol(&self, node: &NodeProto, place: usize) -> Result<&Symbol> {
        let name = node.input.get(place).map_or("", String::as_str);
        self.symbols.get(name).ok_or_else(|| {
            damaged(format!("{} takes \"{}\", which is not there", cut(&node.op_type), cut(name)))
        })
    }

    fn columns(&self, node: &NodeProto, place: usize) -> Result<Value> {
        match self.symbol(node, place)? {
            Symbol::Columns(value) => Ok(value.clone()),
            Symbol::Constant(constant) => Ok(constant.row()),
            // A second layer.
            Symbol::Activated(..) => Err(self.too_deep()),
            Symbol::Words(_) | Symbol::Label => {
                Err(unsupported(&format!("words that {} computes with", cut(&node.op_type))))
            }
        }
    }

    fn constant(&self, node: &NodeProto, place: usize) -> Result<Constant> {
        match self.symbol(node, place)? {
            Symbol::Constant(constant) => Ok(constant.clone()),
            _ => Err(unsupported(&format!("a {} by what is computed", cut(&node.op_type)))),
        }
    }

    /// What changes nothing in a row.
    fn same(&self, node: &NodeProto) -> Result<Symbol> {
        let symbol = self.symbol(node, 0)?.clone();
        if let (Symbol::Columns(columns), "Reshape") = (&symbol, node.op_type.as_str()) {
            let shape = self.constant(node, 1)?.values;
            let kept = shape.last().is_some_and(|n| *n == -1.0 || *n == columns.len() as f64);
            if !kept {
                return Err(unsupported("a Reshape of a row's columns"));
            }
        }
        if let (Symbol::Constant(constant), "Reshape") = (&symbol, node.op_type.as_str()) {
            let shape: Vec<usize> = self.constant(node, 1)?.values.iter().map(|n| *n as usize).collect();
            let whole =
                shape.iter().try_fold(1_usize, |n, dim| n.checked_mul(*dim)) == Some(constant.values.len());
            let dims = if whole { shape } else { constant.dims.clone() };
            return Ok(Symbol::Constant(Constant { dims, values: constant.values.clone() }));
        }
        Ok(symbol)
    }

    /// Probabilities that are brought to a sum of one are it already.
    fn behind_classes(&self, node: &NodeProto) -> Result<Symbol> {
        match (self.symbol(node, 0)?, node.op_type.as_str()) {
            (activated @ Symbol::Activated(..), "Normalizer" | "ZipMap") => Ok(activated.clone()),
            (Symbol::Columns(_), "Normalizer") => Err(unsupported("a Normalizer of rows")),
            _ => Ok(Symbol::Label),
        }
    }

    fn arithmetic(&mut self, node: &NodeProto) -> Result<Symbol> {
        let mut result = self.columns(node, 0)?;
        let both_constant =
            (0..node.input.len()).all(|place| matches!(self.symbol(node, place), Ok(Symbol::Constant(_))));
        if both_constant {
            return Err(unsupported("arithmetic of constants alone"));
        }
        for place in 1..node.input.len() {
            let other = self.columns(node, place)?;
            result = match node.op_type.as_str() {
                "Sub" => self.graph.add(&result, &other, -1.0)?,
                "Mul" => self.graph.multiply(&result, &other)?,
                "Div" => self.graph.divide(&result, &other)?,
                _ => self.graph.add(&result, &other, 1.0)?,
            };
        }
        Ok(Symbol::Columns(result))
    }

    fn power(&mut self, node: &NodeProto) -> Result<Symbol> {
        let (columns, exponent) = (self.columns(node, 0)?, self.constant(node, 1)?);
        let [exponent] = exponent.values[..] else { return Err(unsupported("several exponents in one Pow")) };
        if !(1.0..=f64::from(downhill::config::MAX_DEGREE)).contains(&exponent) || exponent.fract() != 0.0 {
            return Err(unsupported(&format!("a power of {exponent}")));
        }
        let mut result = columns.clone();
        for _ in 1..exponent as u32 {
            result = self.graph.multiply(&result, &columns)?;
        }
        Ok(Symbol::Columns(result))
    }

    fn side_by_side(&mut self, node: &NodeProto) -> Result<Symbol> {
        if let ([_], Symbol::Words(input)) = (&node.input[..], self.symbol(node, 0)?) {
            return Ok(Symbol::Words(*input));
        }
        if node.op_type == "Concat"
            && !matches!(attribute(node, "axis").and_then(|axis| axis.i), Some(1 | -1))
        {
            return Err(unsupported("a Concat of rows"));
        }
        let mut columns = Vec::new();
        for place in 0..node.input.len() {
            columns.extend(self.columns(node, place)?);
            if columns.len() > MAX_COLUMNS {
                return Err(too_large(format!("more than {MAX_COLUMNS} columns")));
            }
        }
        Ok(Symbol::Columns(columns))
    }

    fn chosen(&mut self, node: &NodeProto) -> Result<Symbol> {
        let axis = attribute(node, "axis").and_then(|axis| axis.i).unwrap_or(0);
        if node.op_type == "Gather" && ![1, -1].contains(&axis) {
            return Err(unsupported("a Gather of rows"));
        }
        let which = self.constant(node, 1)?;
        if let (Symbol::Activated(outputs, Activation::Sigmoid), 2) =
            (self.symbol(node, 0)?, which.values.len())
        {
            return Ok(Symbol::Activated(outputs.clone(), Activation::Sigmoid));
        }
        if let (Symbol::Words(input), [0.0]) = (self.symbol(node, 0)?, &which.values[..]) {
            return Ok(Symbol::Words(*input));
        }
        let columns = self.columns(node, 0)?;
        if which.values.len() > MAX_COLUMNS {
            return Err(too_large(format!("more than {MAX_COLUMNS} columns")));
        }
        let one = |place: &f64| {
            let place = if *place < 0.0 { *place + columns.len() as f64 } else { *place };
            columns.get(place as usize).filter(|_| place >= 0.0).cloned()
        };
        let chosen: Option<Value> = which.values.iter().map(one).collect();
        chosen.map(Symbol::Columns).ok_or_else(|| damaged("a column is chosen that is not there"))
    }

    fn gemm(&mut self, node: &NodeProto) -> Result<Symbol> {
        let number = |name: &str| attribute(node, name).and_then(|own| own.f).map_or(1.0, f64::from);
        let flag = |name: &str| attribute(node, name).and_then(|own| own.i).unwrap_or(0) != 0;
        if flag("transA") {
            return Err(unsupported("a Gemm of rows laid on their side"));
        }
        let mut kernel = self.constant(node, 1)?;
        if flag("transB") {
            kernel =
                kernel.transposed().ok_or_else(|| unsupported("a kernel of more than two dimensions"))?;
        }
        let (alpha, beta) = (number("alpha"), number("beta"));
        kernel.values.iter_mut().for_each(|weight| *weight *= alpha);
        let mut bias = match node.input.get(2).map(String::as_str) {
            None | Some("") => Vec::new(),
            Some(_) => self.constant(node, 2)?.values,
        };
        bias.iter_mut().for_each(|bias| *bias *= beta);
        let n_outputs = kernel.shape().map_or(0, |(_, columns)| columns);
        if bias.len() == 1 && n_outputs > 1 && n_outputs <= MAX_COLUMNS {
            bias = vec![bias[0]; n_outputs];
        }
        self.dense(node, &kernel, &bias)
    }

    fn dense(&mut self, node: &NodeProto, kernel: &Constant, bias: &[f64]) -> Result<Symbol> {
        let columns = self.columns(node, 0)?;
        let (_, n_outputs) =
            kernel.shape().ok_or_else(|| unsupported("a kernel of more than two dimensions"))?;
        Ok(Symbol::Columns(self.graph.dense(&columns, &kernel.values, n_outputs, bias)?))
    }

    fn one_hot(&mut self, node: &NodeProto) -> Result<Symbol> {
        match self.symbol(node, 0)? {
            Symbol::Words(input) => {
                let input = *input;
                Ok(Symbol::Columns(self.graph.one_hot(input)?))
            }
            _ => Err(unsupported("a OneHotEncoder of what is computed")),
        }
    }

    /// `(x - mean) / sqrt(variance + epsilon) * scale + B`, as it is when the model is used.
    fn normalized(&mut self, node: &NodeProto) -> Result<Symbol> {
        let columns = self.columns(node, 0)?;
        let [scale, shift, mean, variance] = [1, 2, 3, 4].map(|place| self.constant(node, place));
        let epsilon = f64::from(attribute(node, "epsilon").and_then(|own| own.f).unwrap_or(1e-5));
        let (scale, shift, mean, variance) = (scale?, shift?, mean?.row(), variance?);
        if scale.values.len() != variance.values.len() {
            return Err(damaged("a BatchNormalization whose numbers are not as many as its columns"));
        }
        let factors = scale.values.iter().zip(&variance.values);
        let factors: Value =
            factors.map(|(scale, v)| Polynomial::constant(scale / (v + epsilon).sqrt())).collect();
        let centered = self.graph.add(&columns, &mean, -1.0)?;
        let scaled = self.graph.multiply(&centered, &factors)?;
        Ok(Symbol::Columns(self.graph.add(&scaled, &shift.row(), 1.0)?))
    }

    /// scikit-learn's: coefficients `[out, in]`.
    fn regressor(&mut self, node: &NodeProto) -> Result<Symbol> {
        let n_outputs = attribute(node, "targets").and_then(|own| own.i).unwrap_or(1);
        let post = post_transform(node);
        if !matches!(post, "" | "NONE") {
            return Err(unsupported(&format!("a LinearRegressor with {}", cut(post))));
        }
        self.by_outputs(node, usize::try_from(n_outputs).unwrap_or(0)).map(Symbol::Columns)
    }

    /// The same for classes. Of two, the first may be said by the second: `-w`.
    fn classifier(&mut self, node: &NodeProto) -> Result<Symbol> {
        let classes = attribute(node, "classlabels_ints").map_or(0, |own| own.ints.len());
        let words = attribute(node, "classlabels_strings").map_or(0, |own| own.strings.len());
        let rows = attribute(node, "intercepts").map_or(classes.max(words), |own| own.floats.len());
        let outputs = self.by_outputs(node, rows)?;
        match (post_transform(node), &outputs[..]) {
            ("LOGISTIC", [one]) => Ok(Symbol::Activated(vec![one.clone()], Activation::Sigmoid)),
            ("LOGISTIC", [first, second]) => {
                let sum = self.graph.add(&vec![first.clone()], &vec![second.clone()], 1.0)?;
                if !sum[0].is_near_zero_beside(second) {
                    return Err(unsupported(
                        "a classifier of two classes that are not each other's opposite",
                    ));
                }
                Ok(Symbol::Activated(vec![second.clone()], Activation::Sigmoid))
            }
            ("SOFTMAX", _) => Ok(Symbol::Activated(outputs, Activation::Softmax)),
            (post, _) => {
                Err(unsupported(&format!("a LinearClassifier with {} of {rows} classes", cut(post))))
            }
        }
    }

    fn by_outputs(&mut self, node: &NodeProto, n_outputs: usize) -> Result<Value> {
        let floats = |name: &str| -> Vec<f64> {
            attribute(node, name).iter().flat_map(|own| &own.floats).map(|f| f64::from(*f)).collect()
        };
        let columns = self.columns(node, 0)?;
        let coefficients = floats("coefficients");
        if n_outputs == 0 || columns.len().checked_mul(n_outputs) != Some(coefficients.len()) {
            return Err(Message::new(Code::ModelShape)
                .with("name", "coefficients")
                .with("found", coefficients.len())
                .with("expected", format!("{n_outputs} x {}", columns.len())));
        }
        let of = Constant { dims: vec![n_outputs, columns.len()], values: coefficients };
        let kernel = of.transposed().map(|kernel| kernel.values).unwrap_or_default();
        self.graph.dense(&columns, &kernel, n_outputs, &floats("intercepts"))
    }

    fn activated(&self, node: &NodeProto, activation: Activation) -> Result<Symbol> {
        Ok(Symbol::Activated(self.columns(node, 0)?, activation))
    }

    /// What the graph consists of, layer by layer.
    fn too_deep(&self) -> Message {
        let shown = |node: &NodeProto| {
            let units = node.input.iter().find_map(|name| match self.symbols.get(name.as_str()) {
                Some(Symbol::Constant(Constant { dims, .. })) if dims.len() == 2 => {
                    Some(format!("{} x {}", dims[0], dims[1]))
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

fn attribute<'a>(node: &'a NodeProto, name: &str) -> Option<&'a AttributeProto> {
    node.attribute.iter().find(|attribute| attribute.name == name)
}

fn post_transform(node: &NodeProto) -> &str {
    attribute(node, "post_transform")
        .and_then(|own| own.s.as_deref())
        .map_or("", |s| str::from_utf8(s).unwrap_or(""))
}

fn is_words(info: &ValueInfoProto) -> bool {
    let tensor = info.kind.as_ref().and_then(|kind| kind.tensor_type.as_ref());
    tensor.is_some_and(|tensor| tensor.elem_type == data_type::STRING)
}

/// Levels of a category, as the encoder has them that takes it; nothing where none does.
fn levels_of(graph: &GraphProto, name: &str) -> Result<Option<Vec<String>>> {
    // A converter may lead a column through nodes that leave it as it is.
    let mut name = name;
    let encoder = graph.node.iter().find(|node| match (node.input.first(), node.output.first()) {
        (Some(own), Some(output)) if own == name => {
            let alone = node.input.len() == 1 || node.op_type == "Gather";
            if alone && ["Concat", "Identity", "Cast", "Gather"].contains(&node.op_type.as_str()) {
                name = output;
            }
            node.op_type == "OneHotEncoder"
        }
        _ => false,
    });
    let Some(node) = encoder else { return Ok(None) };
    let strings = attribute(node, "cats_strings").map_or(&[][..], |own| &own.strings);
    let ints = attribute(node, "cats_int64s").map_or(&[][..], |own| &own.ints);
    let words = strings.iter().map(|word| String::from_utf8(word.clone()).map_err(damaged));
    let levels: Vec<String> = words.chain(ints.iter().map(|n| Ok(n.to_string()))).collect::<Result<_>>()?;
    if levels.len() < 2 || levels.len() > MAX_COLUMNS {
        return Err(unsupported(&format!("a category of {} levels", levels.len())));
    }
    Ok(Some(levels))
}

/// Columns of an input, where its shape says so.
fn width_of(info: &ValueInfoProto) -> Option<usize> {
    let shape = info.kind.as_ref()?.tensor_type.as_ref()?.shape.as_ref()?;
    let dim = shape.dim.get(1)?.dim_value?;
    usize::try_from(dim).ok().filter(|width| *width > 0)
}

/// The same by what is done to it first.
fn width_used(graph: &GraphProto, name: &str, symbols: &HashMap<&str, Symbol>) -> Option<usize> {
    let node = graph.node.iter().find(|node| node.input.first().is_some_and(|own| own == name))?;
    let Some(Symbol::Constant(constant)) = symbols.get(node.input.get(1)?.as_str()) else { return None };
    let transposed = attribute(node, "transB").and_then(|own| own.i) == Some(1);
    match (node.op_type.as_str(), &constant.dims[..]) {
        ("Gemm", [_, columns]) if transposed => Some(*columns),
        ("Gemm" | "MatMul", [rows, _]) => Some(*rows),
        (_, [.., n]) => Some(*n),
        _ => None,
    }
}

fn constant(tensor: &TensorProto) -> Result<Constant> {
    let name = cut(&tensor.name);
    if tensor.data_location != 0 || !tensor.external_data.is_empty() {
        return Err(unsupported(&format!("\"{name}\" in another file")));
    }
    let dims: Option<Vec<usize>> = tensor.dims.iter().map(|dim| usize::try_from(*dim).ok()).collect();
    let n = dims.as_ref().and_then(|dims| dims.iter().try_fold(1_usize, |n, dim| n.checked_mul(*dim)));
    let (Some(dims), Some(n)) = (dims, n) else { return Err(damaged(format!("\"{name}\" has no shape"))) };
    let raw = &tensor.raw_data[..];
    let values: Vec<f64> = match (tensor.data_type, raw.is_empty()) {
        (data_type::FLOAT, true) => tensor.float_data.iter().map(|f| f64::from(*f)).collect(),
        (data_type::FLOAT, false) => {
            raw.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b).into()).collect()
        }
        (data_type::DOUBLE, true) => tensor.double_data.clone(),
        (data_type::DOUBLE, false) => raw.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b)).collect(),
        (data_type::INT64, true) => tensor.int64_data.iter().map(|n| *n as f64).collect(),
        (data_type::INT64, false) => {
            raw.as_chunks().0.iter().map(|b| i64::from_le_bytes(*b) as f64).collect()
        }
        (data_type::INT32, true) => tensor.int32_data.iter().map(|n| f64::from(*n)).collect(),
        (data_type::INT32, false) => {
            raw.as_chunks().0.iter().map(|b| i32::from_le_bytes(*b).into()).collect()
        }
        (other, _) => return Err(unsupported(&format!("\"{name}\", whose numbers are of kind {other}"))),
    };
    if values.len() != n {
        return Err(Message::new(Code::ModelShape)
            .with("name", name)
            .with("found", format!("{} numbers", values.len()))
            .with("expected", format!("{dims:?}")));
    }
    if values.iter().any(|value| !value.is_finite()) {
        return Err(Message::new(Code::ModelNotFinite).with("name", name));
    }
    Ok(Constant { dims, values })
}

/// A name of a file's, short enough to be shown.
fn cut(name: &str) -> &str {
    name.char_indices().nth(60).map_or(name, |(end, _)| &name[..end])
}

fn unsupported(found: &str) -> Message {
    Message::new(Code::ModelUnsupported).with("format", NAME).with("found", found)
}

fn too_large(detail: String) -> Message {
    Message::new(Code::ModelTooLarge).with("format", NAME).with("detail", detail).with("limit", "one layer")
}
