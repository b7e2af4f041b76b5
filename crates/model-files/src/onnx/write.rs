//! Writes a run as a graph.

use std::collections::BTreeSet;

use downhill::dataset::InputMap;
use downhill::message::Result;
use downhill::model::Response;
use prost::Message as _;

use super::proto::{
    AttributeProto, AttributeType, Dimension, GraphProto, ModelProto, NodeProto, OperatorSetIdProto,
    StringStringEntryProto, TensorProto, TensorShapeProto, TensorTypeProto, TypeProto, ValueInfoProto,
    data_type,
};
use super::{CLASSES, INPUTS, MAX_RUN_BYTES, ML_DOMAIN, RUN, TARGET, operator};
use crate::run::Run;
use downhill::foreign::Model;

const IR_VERSION: i64 = 7;
const OPSET: i64 = 13;
/// The name of the only input of a purely numeric model.
const ALL: &str = "input";

pub(super) fn write(run: &Run) -> Result<Vec<u8>> {
    let model = run.model();
    let graph = Writer::new(&model).graph(&model);
    let uses_ml = graph.node.iter().any(|node| node.domain == ML_DOMAIN);
    let mut opset_import = vec![OperatorSetIdProto { domain: String::new(), version: OPSET }];
    if uses_ml {
        opset_import.push(OperatorSetIdProto { domain: ML_DOMAIN.into(), version: 1 });
    }
    let names: Vec<&str> = model.inputs.iter().map(|input| input.name.as_str()).collect();
    let mut metadata_props =
        vec![note(INPUTS, &serde_json::to_string(&names).unwrap_or_default()), note(TARGET, &model.target)];
    if !model.target_levels.is_empty() {
        metadata_props.push(note(CLASSES, &serde_json::to_string(&model.target_levels).unwrap_or_default()));
    }
    if run.text.len() <= MAX_RUN_BYTES {
        metadata_props.push(note(RUN, &run.text));
    }
    let file = ModelProto {
        ir_version: IR_VERSION,
        producer_name: "Downhill".into(),
        producer_version: run.file.downhill.clone(),
        doc_string: format!("{} by {}", model.target, names.join(", ")),
        graph: Some(graph),
        opset_import,
        metadata_props,
    };
    Ok(file.encode_to_vec())
}

/// Returns the names of the graph's inputs: one for all numbers, or one per column.
pub(super) fn input_names(model: &Model) -> Vec<String> {
    match &model.inputs[..] {
        [input] => distinct([input.name.as_str()]),
        inputs if inputs.iter().all(|input| input.levels.is_empty()) => vec![ALL.to_owned()],
        inputs => distinct(inputs.iter().map(|input| input.name.as_str())),
    }
}

/// Makes names non-empty and distinct.
fn distinct<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut taken = BTreeSet::new();
    let of = |(k, name): (usize, &str)| {
        let mut own = if name.is_empty() { format!("{ALL} {}", k + 1) } else { name.to_owned() };
        while !taken.insert(own.clone()) {
            own.push('_');
        }
        own
    };
    names.into_iter().enumerate().map(of).collect()
}

/// A graph under construction.
struct Writer {
    inputs: Vec<String>,
    taken: BTreeSet<String>,
    node: Vec<NodeProto>,
    initializer: Vec<TensorProto>,
}

impl Writer {
    fn new(model: &Model) -> Self {
        let inputs = input_names(model);
        let taken = inputs.iter().cloned().collect();
        Self { inputs, taken, node: Vec::new(), initializer: Vec::new() }
    }

    fn graph(mut self, model: &Model) -> GraphProto {
        let factors = self.factors(model);
        let (features, order) = self.features(model, &factors);
        let features = self.scaled(
            &features,
            "feature",
            order.iter().map(|k| (model.map.center[*k], model.map.scale[*k])).collect(),
        );
        let n_outputs = model.n_outputs();
        let weights: Vec<f64> = order.iter().flat_map(|k| model.weights[*k].iter().copied()).collect();
        let mut operands = vec![features, self.floats("weights", &[order.len(), n_outputs], &weights)];
        if let Some(bias) = &model.bias {
            operands.push(self.floats("bias", &[n_outputs], bias));
        }
        let target = self.fresh(&model.target);
        let operator = operator(model.activation);
        let outputs = if operator.is_some() { self.fresh("outputs") } else { target.clone() };
        self.put("Gemm", operands, outputs.clone(), Vec::new());
        if let Some(operator) = operator {
            let axis = (model.activation == Response::Softmax).then(|| integer("axis", 1));
            self.put(operator, vec![outputs], target.clone(), axis.into_iter().collect());
        }
        let infos = match &self.inputs[..] {
            [name] if model.inputs[0].levels.is_empty() => {
                vec![info(name, data_type::FLOAT, model.inputs.len())]
            }
            names => names
                .iter()
                .zip(&model.inputs)
                .map(|(name, input)| {
                    info(name, if input.levels.is_empty() { data_type::FLOAT } else { data_type::STRING }, 1)
                })
                .collect(),
        };
        GraphProto {
            node: self.node,
            name: "downhill".into(),
            initializer: self.initializer,
            input: infos,
            output: vec![info(&target, data_type::FLOAT, n_outputs)],
        }
    }

    /// Adds the factors of features: the scaled numbers, then the levels of each category except the first.
    /// Returns the name of the tensor and the column at which each input begins.
    fn factors(&mut self, model: &Model) -> Factors {
        let is_number = |input: &InputMap| input.n_levels == 0;
        let numbers: Vec<usize> =
            (0..model.inputs.len()).filter(|k| is_number(&model.map.inputs[*k])).collect();
        let mut parts = Vec::new();
        let mut first = vec![0; model.inputs.len()];
        let mut width = 0;
        if !numbers.is_empty() {
            let names = if self.inputs.len() == 1 {
                self.inputs.clone()
            } else {
                numbers.iter().map(|k| self.inputs[*k].clone()).collect()
            };
            let raw = self.side_by_side(names, "numbers");
            let scales =
                numbers.iter().map(|k| (model.map.inputs[*k].center, model.map.inputs[*k].scale)).collect();
            parts.push(self.scaled(&raw, "number", scales));
            for k in &numbers {
                first[*k] = width;
                width += 1;
            }
        }
        for (k, input) in model.inputs.iter().enumerate().filter(|(_, input)| !input.levels.is_empty()) {
            // An unknown word must be an error, because all zeros would mean the first level.
            let words = input.levels.iter().map(|level| level.clone().into_bytes()).collect();
            let levels = AttributeProto {
                name: "cats_strings".into(),
                strings: words,
                kind: AttributeType::Strings.into(),
                ..AttributeProto::default()
            };
            let hot = self.fresh("one hot");
            self.put_ml(
                "OneHotEncoder",
                vec![self.inputs[k].clone()],
                hot.clone(),
                vec![levels, integer("zeros", 0)],
            );
            let n_levels = input.levels.len();
            let shape = self.integers("levels", &[-1, n_levels as i64]);
            let flat = self.fresh("levels of the row");
            self.put("Reshape", vec![hot, shape], flat.clone(), Vec::new());
            let others: Vec<i64> = (1..n_levels as i64).collect();
            parts.push(self.columns(&flat, &others, "levels"));
            first[k] = width;
            width += n_levels - 1;
        }
        Factors { name: self.side_by_side(parts, "factors"), first, width, numbers }
    }

    /// Adds all features before they are scaled, grouped in blocks. Returns the name of the tensor and the
    /// order of the features in it.
    fn features(&mut self, model: &Model, factors: &Factors) -> (String, Vec<usize>) {
        let map = &model.map;
        let mut starts = Vec::with_capacity(map.inputs.len());
        let mut n = 0;
        for input in &map.inputs {
            starts.push(n);
            n += input.n_features();
        }
        let mut parts = vec![factors.name.clone()];
        let mut order: Vec<usize> = factors.numbers.iter().map(|k| starts[*k]).collect();
        for (start, input) in starts.iter().zip(&map.inputs).filter(|(_, input)| input.n_levels > 0) {
            order.extend(*start..start + input.n_features());
        }
        // Each power is computed from the previous one, for the inputs that have it.
        let mut before: (String, Vec<usize>) = (factors.name.clone(), factors.numbers.clone());
        let highest = factors.numbers.iter().map(|k| map.inputs[*k].degree).max().unwrap_or(1);
        for power in 2..=highest {
            let with: Vec<usize> =
                factors.numbers.iter().copied().filter(|k| map.inputs[*k].degree >= power).collect();
            let places = |of: &[usize]| -> Vec<i64> {
                with.iter()
                    .filter_map(|k| of.iter().position(|own| own == k))
                    .map(|place| place as i64)
                    .collect()
            };
            let lower = self.columns_unless_all(
                &before.0,
                &places(&before.1),
                factors_width(&before, factors),
                "lower",
            );
            let first =
                self.columns_unless_all(&factors.name, &places(&factors.numbers), factors.width, "first");
            let product = self.fresh(&format!("power {power}"));
            self.put("Mul", vec![lower, first], product.clone(), Vec::new());
            order.extend(with.iter().map(|k| starts[*k] + power as usize - 1));
            parts.push(product.clone());
            before = (product, with);
        }
        let [mut left, mut right] = [Vec::new(), Vec::new()];
        for pair in &map.interactions {
            let [a, b] = pair.map(|input| {
                let (input, map) = (input as usize, &map.inputs[input as usize]);
                let width = if map.n_levels > 0 { map.n_features() } else { 1 };
                factors.first[input]..factors.first[input] + width
            });
            for a in a {
                for b in b.clone() {
                    left.push(a as i64);
                    right.push(b as i64);
                }
            }
        }
        if !left.is_empty() {
            order.extend(n..n + left.len());
            let [left, right] = [left, right].map(|which| self.columns(&factors.name, &which, "factor"));
            let product = self.fresh("products");
            self.put("Mul", vec![left, right], product.clone(), Vec::new());
            parts.push(product);
        }
        (self.side_by_side(parts, "features"), order)
    }

    /// Adds a node that computes `(t - center) / scale` of tensor `of`, unless that would change nothing.
    /// Returns the name of the result.
    fn scaled(&mut self, of: &str, what: &str, scales: Vec<(f64, f64)>) -> String {
        let n = scales.len();
        let (centers, scales): (Vec<f64>, Vec<f64>) = scales.into_iter().unzip();
        let mut name = of.to_owned();
        if centers.iter().any(|center| *center != 0.0) {
            let center = self.floats(&format!("{what} center"), &[n], &centers);
            let centered = self.fresh(&format!("{what} centered"));
            self.put("Sub", vec![name, center], centered.clone(), Vec::new());
            name = centered;
        }
        if scales.iter().any(|scale| *scale != 1.0) {
            let scale = self.floats(&format!("{what} scale"), &[n], &scales);
            let scaled = self.fresh(&format!("{what} scaled"));
            self.put("Div", vec![name, scale], scaled.clone(), Vec::new());
            name = scaled;
        }
        name
    }

    fn side_by_side(&mut self, mut parts: Vec<String>, what: &str) -> String {
        if parts.len() == 1 {
            return parts.swap_remove(0);
        }
        let name = self.fresh(what);
        self.put("Concat", parts, name.clone(), vec![integer("axis", 1)]);
        name
    }

    fn columns_unless_all(&mut self, of: &str, which: &[i64], width: usize, what: &str) -> String {
        let all = which.len() == width && which.iter().enumerate().all(|(k, place)| *place == k as i64);
        if all { of.to_owned() } else { self.columns(of, which, what) }
    }

    fn columns(&mut self, of: &str, which: &[i64], what: &str) -> String {
        let places = self.integers(&format!("{what} places"), which);
        let name = self.fresh(what);
        self.put("Gather", vec![of.to_owned(), places], name.clone(), vec![integer("axis", 1)]);
        name
    }

    fn floats(&mut self, what: &str, dims: &[usize], values: &[f64]) -> String {
        let raw_data = values.iter().flat_map(|value| (*value as f32).to_le_bytes()).collect();
        self.constant(what, data_type::FLOAT, dims, raw_data)
    }

    fn integers(&mut self, what: &str, values: &[i64]) -> String {
        let raw_data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.constant(what, data_type::INT64, &[values.len()], raw_data)
    }

    fn constant(&mut self, what: &str, data_type: i32, dims: &[usize], raw_data: Vec<u8>) -> String {
        let name = self.fresh(what);
        let dims = dims.iter().map(|n| *n as i64).collect();
        self.initializer.push(TensorProto {
            dims,
            data_type,
            raw_data,
            name: name.clone(),
            ..TensorProto::default()
        });
        name
    }

    /// Returns a name that begins with `what` and is not yet used.
    fn fresh(&mut self, what: &str) -> String {
        let mut name = if what.is_empty() { "output".to_owned() } else { what.to_owned() };
        let mut k = 1;
        while !self.taken.insert(name.clone()) {
            k += 1;
            name = format!("{what} {k}");
        }
        name
    }

    fn put(&mut self, operator: &str, input: Vec<String>, output: String, attribute: Vec<AttributeProto>) {
        let name = self.fresh(&format!("{operator} to {output}"));
        self.node.push(NodeProto {
            input,
            output: vec![output],
            name,
            op_type: operator.into(),
            attribute,
            domain: String::new(),
        });
    }

    fn put_ml(&mut self, operator: &str, input: Vec<String>, output: String, attribute: Vec<AttributeProto>) {
        self.put(operator, input, output, attribute);
        if let Some(node) = self.node.last_mut() {
            node.domain = ML_DOMAIN.into();
        }
    }
}

/// The tensor of the factors of features, as [`Writer::factors`] makes it.
struct Factors {
    name: String,
    /// For each input, the column at which it begins.
    first: Vec<usize>,
    width: usize,
    /// The indices of the numeric inputs.
    numbers: Vec<usize>,
}

/// The number of columns of the previous power.
fn factors_width(before: &(String, Vec<usize>), factors: &Factors) -> usize {
    if before.0 == factors.name { factors.width } else { before.1.len() }
}

fn note(key: &str, value: &str) -> StringStringEntryProto {
    StringStringEntryProto { key: key.to_owned(), value: value.to_owned() }
}

fn integer(name: &str, value: i64) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        i: Some(value),
        kind: AttributeType::Int.into(),
        ..AttributeProto::default()
    }
}

fn info(name: &str, elem_type: i32, width: usize) -> ValueInfoProto {
    let rows = Dimension { dim_value: None, dim_param: Some("rows".into()) };
    let columns = Dimension { dim_value: Some(width as i64), dim_param: None };
    let shape = TensorShapeProto { dim: vec![rows, columns] };
    let tensor = TensorTypeProto { elem_type, shape: Some(shape) };
    ValueInfoProto { name: name.to_owned(), kind: Some(TypeProto { tensor_type: Some(tensor) }) }
}
