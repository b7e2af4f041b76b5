//! Determines the inputs of a model from a graph: numbers from the shapes of the inputs, categories
//! from their encoders.

use std::collections::{HashMap, HashSet};

use downhill::dataset::Input;
use downhill::message::Result;

use super::proto::{GraphProto, NodeProto, ValueInfoProto, data_type};
use super::read::{MAX_COLUMNS, Symbol, attribute};
use super::tensor::Constant;
use super::{cut, damaged, too_large, unsupported};

/// The maximum total number of text columns that are traced to their encoders.
const MAX_TRACED: usize = 200_000;

/// An input of a graph, with the columns of the row that it provides.
pub(super) struct Place<'a> {
    pub(super) name: &'a str,
    /// The first column of the input in the row.
    pub(super) first: usize,
    pub(super) width: usize,
    pub(super) is_words: bool,
}

/// Returns the inputs of the model and the graph inputs that they come from.
pub(super) fn inputs<'a>(
    graph: &'a GraphProto,
    constants: &HashMap<&'a str, Symbol>,
) -> Result<(Vec<Input>, Vec<Place<'a>>)> {
    let given: Vec<&ValueInfoProto> =
        graph.input.iter().filter(|input| !constants.contains_key(input.name.as_str())).collect();
    let levels = levels(graph, &given, constants)?;
    let mut inputs = Vec::new();
    let mut places = Vec::new();
    for info in given {
        let name = info.name.as_str();
        let is_words = is_words(info) || levels.contains_key(&(name, 0));
        let width = match width_of(info) {
            Some(width) => width,
            None if is_words => 1,
            None => width_used(graph, name, constants).unwrap_or(1),
        };
        if width == 0 || inputs.len() + width > MAX_COLUMNS {
            return Err(too_large(format!("{width} columns in \"{}\"", cut(name))));
        }
        places.push(Place { name, first: inputs.len(), width, is_words });
        for k in 0..width {
            let own = if width == 1 { name.to_owned() } else { format!("x{}", k + 1) };
            if !is_words {
                inputs.push(Input::number(&own));
                continue;
            }
            let levels = levels.get(&(name, k)).ok_or_else(|| {
                unsupported(&format!("the text column \"{}\" without a OneHotEncoder", cut(&own)))
            })?;
            inputs.push(Input { name: own, levels: levels.clone() });
        }
    }
    Ok((inputs, places))
}

/// Returns the levels that an encoder encodes, in order.
pub(super) fn levels_of(encoder: &NodeProto) -> Result<Vec<String>> {
    let strings = attribute(encoder, "cats_strings").map_or(&[][..], |own| &own.strings);
    let ints = attribute(encoder, "cats_int64s").map_or(&[][..], |own| &own.ints);
    let words = strings.iter().map(|word| String::from_utf8(word.clone()).map_err(damaged));
    let levels: Vec<String> = words.chain(ints.iter().map(|n| Ok(n.to_string()))).collect::<Result<_>>()?;
    if levels.len() < 2 || levels.len() > MAX_COLUMNS {
        return Err(unsupported(&format!("a category with {} levels", levels.len())));
    }
    let mut met = HashSet::new();
    match levels.iter().find(|level| !met.insert(level.as_str())) {
        Some(level) => Err(damaged(format!("the level \"{}\" appears twice", cut(level)))),
        None => Ok(levels),
    }
}

/// Returns the levels of each text column, by graph input and column. A converter may concatenate and select
/// columns between inputs and encoders.
fn levels<'a>(
    graph: &'a GraphProto,
    given: &[&'a ValueInfoProto],
    constants: &HashMap<&'a str, Symbol>,
) -> Result<HashMap<(&'a str, usize), Vec<String>>> {
    let mut traces: HashMap<&str, Vec<(&str, usize)>> = HashMap::new();
    for info in given {
        let width = width_of(info).unwrap_or(1);
        // A single numeric column may be a category that is given by numbers.
        if width == 1 || (is_words(info) && width <= MAX_COLUMNS) {
            traces.insert(&info.name, (0..width).map(|k| (info.name.as_str(), k)).collect());
        }
    }
    let mut levels = HashMap::new();
    let mut n_traced = 0;
    for node in &graph.node {
        let Some(trace) = node.input.first().and_then(|name| traces.get(name.as_str())) else { continue };
        let trace = match node.op_type.as_str() {
            "OneHotEncoder" => {
                if let [column] = trace[..]
                    && !levels.contains_key(&column)
                {
                    levels.insert(column, levels_of(node)?);
                }
                continue;
            }
            "Identity" | "Cast" => trace.clone(),
            "Concat" => {
                let all: Option<Vec<_>> =
                    node.input.iter().map(|name| traces.get(name.as_str()).cloned()).collect();
                let Some(all) = all.filter(|all| all.iter().map(Vec::len).sum::<usize>() <= MAX_COLUMNS)
                else {
                    continue;
                };
                all.concat()
            }
            "Gather" | "ArrayFeatureExtractor" => {
                let which = node.input.get(1).and_then(|name| constants.get(name.as_str()));
                let Some(Symbol::Constant(which)) = which else { continue };
                let which = which.values.iter().take(MAX_COLUMNS);
                let chosen: Option<Vec<_>> = which.map(|k| trace.get(*k as usize).copied()).collect();
                let Some(chosen) = chosen else { continue };
                chosen
            }
            _ => continue,
        };
        n_traced += trace.len();
        if n_traced > MAX_TRACED {
            return Err(too_large(format!("more than {MAX_TRACED} intermediate text columns")));
        }
        if let Some(output) = node.output.first() {
            traces.insert(output, trace);
        }
    }
    Ok(levels)
}

fn is_words(info: &ValueInfoProto) -> bool {
    let tensor = info.kind.as_ref().and_then(|kind| kind.tensor_type.as_ref());
    tensor.is_some_and(|tensor| tensor.elem_type == data_type::STRING)
}

/// The number of columns of an input, if its shape declares it.
fn width_of(info: &ValueInfoProto) -> Option<usize> {
    let shape = info.kind.as_ref()?.tensor_type.as_ref()?.shape.as_ref()?;
    let dim = shape.dim.get(1)?.dim_value?;
    usize::try_from(dim).ok().filter(|width| *width > 0)
}

/// The number of columns of an input, inferred from the first node that uses it.
fn width_used(graph: &GraphProto, name: &str, constants: &HashMap<&str, Symbol>) -> Option<usize> {
    let node = graph.node.iter().find(|node| node.input.first().is_some_and(|own| own == name))?;
    let Some(Symbol::Constant(constant)) = constants.get(node.input.get(1)?.as_str()) else { return None };
    let Constant { dims, .. } = &**constant;
    let transposed = attribute(node, "transB").and_then(|own| own.i) == Some(1);
    match (node.op_type.as_str(), &dims[..]) {
        ("Gemm", [_, columns]) if transposed => Some(*columns),
        ("Gemm" | "MatMul", [rows, _]) => Some(*rows),
        ("Add" | "Sub" | "Mul" | "Div", [.., n]) => Some(*n),
        _ => None,
    }
}
