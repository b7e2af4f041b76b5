//! Reads a `RegressionModel` by evaluating its derived fields and tables symbolically.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use downhill::config::{MAX_DEGREE, MAX_FEATURES};
use downhill::dataset::Input;
use downhill::message::{Code, Message, Result};
use downhill::model::Response;

use super::tree::{self, Element, number};
use super::{MAX_BYTES, NAME, damaged, too_large, unsupported};
use crate::format::Plain;
use crate::graph::{Graph, Polynomial, Value};
use crate::tensors::cut;

/// The maximum number of classes, as in training.
const MAX_CLASSES: usize = 100;
/// The maximum nesting of derived fields and of functions.
const MAX_DEPTH: usize = 64;

pub(super) fn read(bytes: &[u8]) -> Result<Plain> {
    if bytes.len() > MAX_BYTES {
        return Err(too_large(format!("{} MB", bytes.len() >> 20), format!("{} MB", MAX_BYTES >> 20)));
    }
    let text = text(bytes)?;
    let root = tree::parse(&text)?;
    let header = root.child("Header");
    let producer = match header.and_then(|header| header.child("Application")) {
        Some(application) => {
            let version = application.get("version")?.unwrap_or_default();
            Some(format!("{} {version}", application.need("name")?).trim().chars().take(100).collect())
        }
        None => None,
    };
    // The parser has dropped all other extensions.
    let carried = header.and_then(|header| header.child("Extension")).map(|run| run.text.clone());
    Ok(Plain { producer, model: Reader::new(&root)?.model()?, carried })
}

/// Decodes UTF-8, or ISO 8859-1 if the document declares it.
fn text(bytes: &[u8]) -> Result<Cow<'_, str>> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Ok(Cow::Borrowed(text));
    }
    let first = bytes[..bytes.len().min(200)].to_ascii_lowercase();
    let declaration = first.split(|byte| *byte == b'>').next().unwrap_or_default();
    if declaration.windows(11).any(|window| window == b"iso-8859-1\"" || window == b"iso-8859-1'") {
        return Ok(Cow::Owned(bytes.iter().map(|byte| char::from(*byte)).collect()));
    }
    Err(damaged("its text is not UTF-8"))
}

/// What a field name refers to.
#[derive(Clone, Debug)]
enum Field {
    /// A numeric field: a single column.
    Number(Rc<Value>),
    /// A category input, by its index.
    Category(usize),
}

struct Reader<'t> {
    model: &'t Element<'t>,
    target: String,
    inputs: Vec<Input>,
    /// For each category input, the index of each word.
    levels: Vec<HashMap<String, usize>>,
    /// The values of the target.
    target_values: Vec<String>,
    /// Whether the values of the target are numbers.
    target_is_number: bool,
    derived: HashMap<String, &'t Element<'t>>,
    /// The fields evaluated so far; `None` during evaluation, which detects cycles.
    fields: HashMap<String, Option<Field>>,
    /// For each category input that was used, the indicators of its levels.
    hot: HashMap<usize, Value>,
    /// The products of fields evaluated so far, by the names of their factors.
    products: HashMap<Vec<String>, Rc<Value>>,
    graph: Graph,
}

impl<'t> Reader<'t> {
    fn new(root: &'t Element<'t>) -> Result<Self> {
        let models: Vec<&Element<'_>> = root.children_called("RegressionModel").collect();
        let model = match models[..] {
            [model] => model,
            [] => return Err(damaged("it contains no model")),
            _ => {
                let found = format!("{} models (RegressionModel)", models.len());
                return Err(Message::new(Code::ModelTooDeep).with("found", found));
            }
        };
        let dictionary = root.child("DataDictionary").ok_or_else(|| damaged("no DataDictionary"))?;
        let schema = model.child("MiningSchema").ok_or_else(|| damaged("no MiningSchema"))?;
        let (mut active, target) = mining_schema(schema)?;
        refuse_rescaling(model)?;
        let target = match target {
            Some(name) => name,
            None => model.get("targetFieldName")?.map_or_else(|| "y".to_owned(), Cow::into_owned),
        };
        let mut reader = Self {
            model,
            target,
            inputs: Vec::new(),
            levels: Vec::new(),
            target_values: Vec::new(),
            target_is_number: false,
            derived: HashMap::new(),
            fields: HashMap::new(),
            hot: HashMap::new(),
            products: HashMap::new(),
            graph: Graph::new(NAME, Vec::new()),
        };
        for field in dictionary.children_called("DataField") {
            let name = field.need("name")?.into_owned();
            if name == reader.target {
                reader.target_values = values(field)?;
                reader.target_is_number = field.get("dataType")?.as_deref() != Some("string");
            } else if active.remove(&name) {
                reader.add_input(name, field)?;
            }
        }
        if reader.inputs.is_empty() {
            return Err(unsupported("no input"));
        }
        reader.graph = Graph::new(NAME, reader.inputs.clone());
        for (index, input) in reader.inputs.iter().enumerate() {
            let field = match input.levels.len() {
                0 => Field::Number(Rc::new(reader.graph.numbers(index..index + 1)?)),
                _ => Field::Category(index),
            };
            if reader.fields.insert(input.name.clone(), Some(field)).is_some() {
                return Err(damaged(format!("the field \"{}\" appears twice", cut(&input.name))));
            }
        }
        let transformations = [root.child("TransformationDictionary"), model.child("LocalTransformations")];
        for field in transformations.into_iter().flatten().flat_map(|of| of.children_called("DerivedField")) {
            let name = field.need("name")?.into_owned();
            if reader.fields.contains_key(&name) || reader.derived.insert(name.clone(), field).is_some() {
                return Err(damaged(format!("the field \"{}\" appears twice", cut(&name))));
            }
        }
        Ok(reader)
    }

    fn add_input(&mut self, name: String, field: &Element<'_>) -> Result<()> {
        let kind = field.need("dataType")?;
        let is_number = match field.need("optype")?.as_ref() {
            "continuous" => true,
            "categorical" | "ordinal" => false,
            other => return Err(damaged(format!("the optype \"{}\"", cut(other)))),
        };
        let mut input = Input::number(&name);
        if is_number && !matches!(&*kind, "double" | "float" | "integer") {
            return Err(unsupported(format!("\"{}\", an input of the kind \"{}\"", cut(&name), cut(&kind))));
        }
        if !is_number {
            input.levels = values(field)?;
            if input.levels.is_empty() && &*kind == "boolean" {
                input.levels = ["false", "true"].map(str::to_owned).to_vec();
            }
            if input.levels.len() < 2 {
                return Err(unsupported(format!("the category \"{}\" without its values", cut(&name))));
            }
        }
        let n_levels: usize = self.inputs.iter().map(|input| input.levels.len()).sum();
        if self.inputs.len() >= MAX_FEATURES || n_levels + input.levels.len() > 2 * MAX_FEATURES {
            return Err(too_large(
                format!("more than {MAX_FEATURES} inputs and values"),
                format!("{MAX_FEATURES} features"),
            ));
        }
        let places = input.levels.iter().enumerate().map(|(place, level)| (level.clone(), place)).collect();
        self.inputs.push(input);
        self.levels.push(places);
        Ok(())
    }

    fn model(mut self) -> Result<downhill::foreign::Model> {
        let tables: Vec<&Element<'_>> = self.model.children_called("RegressionTable").collect();
        if tables.is_empty() || tables.len() > MAX_CLASSES {
            return Err(unsupported(format!("{} regression tables", tables.len())));
        }
        let method = self.model.get("normalizationMethod")?.unwrap_or(Cow::Borrowed("none")).into_owned();
        let mut outputs = Value::new();
        let mut categories = Vec::new();
        for table in &tables {
            outputs.push(self.table(table)?);
            categories.push(table.get("targetCategory")?.map(Cow::into_owned));
        }
        let other =
            || unsupported(format!("the normalization \"{}\" of {} tables", cut(&method), tables.len()));
        let (activation, classes) = match self.model.need("functionName")?.as_ref() {
            "regression" if outputs.len() > 1 => {
                return Err(unsupported(format!("{} regression tables", outputs.len())));
            }
            "regression" => match method.as_str() {
                "none" => (Response::Linear, Vec::new()),
                "exp" => (Response::Exponential, Vec::new()),
                // By the specification, both mean the same for a single number.
                "logit" | "softmax" => (Response::Sigmoid, Vec::new()),
                _ => return Err(other()),
            },
            "classification" => {
                let classes = self.classes(categories)?;
                // The table of the reference class may be empty.
                let silent = |output: &Polynomial| output.as_constant() == Some(0.0);
                match (method.as_str(), &outputs[..], &classes[..]) {
                    ("logit", [_] | [_, _], [first, second]) => {
                        let classes = vec![second.clone(), first.clone()];
                        outputs.truncate(1);
                        (Response::Sigmoid, classes)
                    }
                    ("softmax", [_, last], [first, second]) if silent(last) => {
                        let classes = vec![second.clone(), first.clone()];
                        outputs.truncate(1);
                        (Response::Sigmoid, classes)
                    }
                    ("softmax", [first_of, _], [first, second]) if silent(first_of) => {
                        let classes = vec![first.clone(), second.clone()];
                        outputs.remove(0);
                        (Response::Sigmoid, classes)
                    }
                    ("softmax", [_, _, ..], _) if classes.len() == outputs.len() => {
                        (Response::Softmax, classes)
                    }
                    _ => return Err(other()),
                }
            }
            function => return Err(unsupported(format!("the function \"{}\"", cut(function)))),
        };
        let mut model = self.graph.model(&self.target, &outputs, activation)?;
        // A 0/1 target is a number whose prediction is its probability.
        let is_number = self.target_is_number && activation == Response::Sigmoid && classes == ["0", "1"];
        model.target_levels = if is_number { Vec::new() } else { classes };
        Ok(model)
    }

    /// Returns the names of the classes in the order of the tables; if there is only one table, the class
    /// without a table comes last.
    fn classes(&self, categories: Vec<Option<String>>) -> Result<Vec<String>> {
        let mut classes = Vec::new();
        for category in categories {
            let class = category.ok_or_else(|| damaged("a RegressionTable without its targetCategory"))?;
            if classes.contains(&class) {
                return Err(damaged(format!("two tables for the class \"{}\"", cut(&class))));
            }
            classes.push(class);
        }
        if let [only] = &classes[..] {
            let other = self.target_values.iter().find(|value| *value != only);
            classes.extend(other.filter(|_| self.target_values.len() == 2).cloned());
        }
        Ok(classes)
    }

    /// Evaluates one output: the intercept plus the contribution of each predictor.
    fn table(&mut self, table: &Element<'_>) -> Result<Polynomial> {
        let mut columns: Vec<(Rc<Value>, usize, f64)> = Vec::new();
        let mut hot: Vec<(usize, usize, f64)> = Vec::new();
        for predictor in &table.children {
            match predictor.name() {
                "NumericPredictor" => {
                    let name = predictor.need("name")?;
                    let weight = coefficient(predictor, &name)?;
                    let power = match predictor.get("exponent")? {
                        Some(text) => exponent(&text)?,
                        None => 1,
                    };
                    let factors = vec![name.into_owned(); power as usize];
                    columns.push((self.product(factors)?, 0, weight));
                }
                "CategoricalPredictor" => {
                    let name = predictor.need("name")?;
                    let weight = coefficient(predictor, &name)?;
                    let Field::Category(input) = self.field(&name, 0)? else {
                        return Err(unsupported(format!("values of \"{}\", which is a number", cut(&name))));
                    };
                    hot.push((input, self.level(input, &predictor.need("value")?)?, weight));
                    self.columns_of(input)?;
                }
                "PredictorTerm" => {
                    let names = predictor.children_called("FieldRef").map(|of| of.need("field"));
                    let mut factors =
                        names.map(|name| name.map(Cow::into_owned)).collect::<Result<Vec<String>>>()?;
                    let weight = coefficient(predictor, &factors.join(" * "))?;
                    if factors.is_empty() || factors.len() > MAX_DEGREE as usize {
                        return Err(unsupported(format!("a product of {} fields", factors.len())));
                    }
                    factors.sort();
                    columns.push((self.product(factors)?, 0, weight));
                }
                other => return Err(unsupported(format!("a {} in a RegressionTable", cut(other)))),
            }
        }
        let intercept = table.number("intercept")?;
        let numbers = columns.iter().filter_map(|(value, at, weight)| Some((value.get(*at)?, *weight)));
        let levels =
            hot.iter().filter_map(|(input, at, weight)| Some((self.hot.get(input)?.get(*at)?, *weight)));
        self.graph.sum(intercept, numbers.chain(levels))
    }

    /// Returns the product of numeric fields; the empty product is 1.
    fn product(&mut self, factors: Vec<String>) -> Result<Rc<Value>> {
        if let Some(known) = self.products.get(&factors) {
            return Ok(Rc::clone(known));
        }
        let mut product: Option<Rc<Value>> = None;
        for factor in &factors {
            let value = self.number(factor, 0)?;
            product = Some(match product {
                Some(product) => Rc::new(self.graph.multiply(&product, &value)?),
                None => value,
            });
        }
        let product = product.unwrap_or_else(|| constant(1.0));
        self.products.insert(factors, Rc::clone(&product));
        Ok(product)
    }

    fn number(&mut self, name: &str, depth: usize) -> Result<Rc<Value>> {
        match self.field(name, depth)? {
            Field::Number(value) => Ok(value),
            Field::Category(_) => {
                Err(unsupported(format!("the category \"{}\" in place of a number", cut(name))))
            }
        }
    }

    /// Returns what a field name refers to. Derived fields are evaluated only on demand, because unused ones
    /// may be unsupported.
    fn field(&mut self, name: &str, depth: usize) -> Result<Field> {
        if depth > MAX_DEPTH {
            return Err(too_large("deeply nested fields", format!("{MAX_DEPTH} levels")));
        }
        match self.fields.get(name) {
            Some(Some(field)) => return Ok(field.clone()),
            Some(None) => {
                return Err(damaged(format!("the field \"{}\" depends on itself", cut(name))));
            }
            None => {}
        }
        let Some(derived) = self.derived.get(name).copied() else {
            return Err(damaged(format!("the field \"{}\" is not among its active fields", cut(name))));
        };
        let Some(expression) = derived.children.iter().find(|child| child.name() != "Value") else {
            return Err(damaged(format!("the field \"{}\" has no source", cut(name))));
        };
        self.fields.insert(name.to_owned(), None);
        let field = self.expression(expression, depth + 1)?;
        self.fields.insert(name.to_owned(), Some(field.clone()));
        Ok(field)
    }

    fn expression(&mut self, of: &Element<'_>, depth: usize) -> Result<Field> {
        if depth > MAX_DEPTH {
            return Err(too_large("deeply nested functions", format!("{MAX_DEPTH} levels")));
        }
        let value = match of.name() {
            "FieldRef" => return self.field(&of.need("field")?, depth + 1),
            "Constant" => constant(number(&of.text, || "Constant".to_owned())?),
            "NormDiscrete" => {
                let name = of.need("field")?;
                let Field::Category(input) = self.field(&name, depth + 1)? else {
                    return Err(unsupported(format!("values of \"{}\", which is a number", cut(&name))));
                };
                let level = self.level(input, &of.need("value")?)?;
                Rc::new(self.columns_of(input)?[level..=level].to_vec())
            }
            "NormContinuous" => self.line(of, depth)?,
            "Apply" => self.apply(of, depth)?,
            other => return Err(unsupported(format!("a field derived by {}", cut(other)))),
        };
        Ok(Field::Number(value))
    }

    /// Evaluates a `NormContinuous` element, a line through two points: `norm_0 + (x - orig_0) (norm_1 -
    /// norm_0) / (orig_1 - orig_0)`.
    fn line(&mut self, of: &Element<'_>, depth: usize) -> Result<Rc<Value>> {
        if of.get("outliers")?.is_some_and(|outliers| outliers != "asIs") {
            return Err(unsupported("a NormContinuous that clips outliers"));
        }
        let mut points = Vec::new();
        for point in of.children_called("LinearNorm").take(3) {
            points.push((point.number("orig")?, point.number("norm")?));
        }
        let [(x0, y0), (x1, y1)] = points[..] else {
            return Err(unsupported("a NormContinuous that does not have two points"));
        };
        let x = self.number(&of.need("field")?, depth + 1)?;
        let moved = self.graph.add(&x, &constant(x0), -1.0)?;
        let rise = self.graph.multiply(&moved, &constant(y1 - y0))?;
        let scaled = self.graph.divide(&rise, &constant(x1 - x0))?;
        Ok(Rc::new(self.graph.add(&scaled, &constant(y0), 1.0)?))
    }

    fn apply(&mut self, of: &Element<'_>, depth: usize) -> Result<Rc<Value>> {
        let function = of.need("function")?;
        let refused =
            || unsupported(format!("the function \"{}\" of {} values", cut(&function), of.children.len()));
        let mut values = Vec::new();
        for argument in &of.children {
            match self.expression(argument, depth + 1)? {
                Field::Number(value) => values.push(value),
                Field::Category(_) => {
                    return Err(unsupported(format!("the function \"{}\" of a category", cut(&function))));
                }
            }
        }
        let value = match (&*function, &values[..]) {
            ("+", [a, b]) => self.graph.add(a, b, 1.0)?,
            ("-", [a, b]) => self.graph.add(a, b, -1.0)?,
            ("*", [a, b]) => self.graph.multiply(a, b)?,
            ("/", [a, b]) => self.graph.divide(a, b)?,
            ("sum" | "product", [first, rest @ ..]) => {
                let mut value = (**first).clone();
                for other in rest {
                    value = match &*function {
                        "sum" => self.graph.add(&value, other, 1.0)?,
                        _ => self.graph.multiply(&value, other)?,
                    };
                }
                value
            }
            ("pow", [base, power]) => {
                let power = power.first().and_then(Polynomial::as_constant).ok_or_else(refused)?;
                let mut value = (*constant(1.0)).clone();
                for _ in 0..whole(power).ok_or_else(refused)? {
                    value = self.graph.multiply(&value, base)?;
                }
                value
            }
            _ => return Err(refused()),
        };
        Ok(Rc::new(value))
    }

    /// Returns the indicators of a category's levels, one column each.
    fn columns_of(&mut self, input: usize) -> Result<&Value> {
        if !self.hot.contains_key(&input) {
            let columns = self.graph.one_hot(input)?;
            self.hot.insert(input, columns);
        }
        self.hot.get(&input).ok_or_else(|| damaged("a category without columns"))
    }

    fn level(&self, input: usize, word: &str) -> Result<usize> {
        self.levels[input].get(word).copied().ok_or_else(|| {
            let name = cut(&self.inputs[input].name);
            damaged(format!("\"{}\" is not a value of the field \"{name}\"", cut(word)))
        })
    }
}

/// Returns the valid values of a category.
fn values(field: &Element<'_>) -> Result<Vec<String>> {
    let mut values = Vec::new();
    for value in field.children_called("Value") {
        if value.get("property")?.is_none_or(|property| property == "valid") {
            values.push(value.need("value")?.into_owned());
        }
        if values.len() > 2 * MAX_FEATURES {
            return Err(too_large(
                format!("more than {MAX_FEATURES} values of a field"),
                format!("{MAX_FEATURES} features"),
            ));
        }
    }
    let mut sorted: Vec<&String> = values.iter().collect();
    sorted.sort();
    if sorted.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(damaged("a field lists a value twice"));
    }
    Ok(values)
}

fn coefficient(predictor: &Element<'_>, name: &str) -> Result<f64> {
    number(&predictor.need("coefficient")?, || cut(name))
}

fn exponent(text: &str) -> Result<u32> {
    let refused = || unsupported(format!("the exponent {}", cut(text)));
    whole(text.trim().parse().map_err(|_| refused())?).ok_or_else(refused)
}

/// Returns an exponent as an integer, if Downhill supports it.
fn whole(power: f64) -> Option<u32> {
    let whole = power as u32;
    (f64::from(whole) == power && whole <= MAX_DEGREE).then_some(whole)
}

fn constant(value: f64) -> Rc<Value> {
    Rc::new(vec![Polynomial::constant(value)])
}

/// Returns the columns that a model uses, and its target if the schema names one.
fn mining_schema(schema: &Element<'_>) -> Result<(HashSet<String>, Option<String>)> {
    let (mut active, mut target) = (HashSet::new(), None);
    for field in schema.children_called("MiningField") {
        let name = field.need("name")?.into_owned();
        match field.get("usageType")?.as_deref() {
            None | Some("active") => {
                if let Some(outliers) = field.get("outliers")?.filter(|outliers| outliers != "asIs") {
                    return Err(unsupported(format!("outlier treatment \"{}\"", cut(&outliers))));
                }
                active.insert(name);
            }
            Some("target" | "predicted") => target = target.or(Some(name)),
            _ => {}
        }
    }
    Ok((active, target))
}

/// Returns an error if the model rescales its target after prediction.
fn refuse_rescaling(model: &Element<'_>) -> Result<()> {
    if let Some(rescaled) = model.child("Targets").and_then(|targets| targets.child("Target")) {
        for what in ["min", "max", "castInteger", "rescaleConstant", "rescaleFactor"] {
            if rescaled.get(what)?.is_some() {
                return Err(unsupported(format!("a target transformed by {what}")));
            }
        }
    }
    Ok(())
}
