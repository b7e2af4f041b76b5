//! A table of coefficients: one row per term and output, in the units of the data, at full
//! precision.
//!
//! The columns are `term,estimate,output,link`; the first two are named as in R's broom. Terms are
//! `(intercept)`, `x`, `x^2`, `colour = red`, `width * height`. The reference level of a category
//! has a row with 0, so that all levels are listed. `link` is the link function: `identity`,
//! `logit`, `log` or `softmax`. The reader also accepts other tables that begin with a term and an
//! estimate.

use std::collections::{HashMap, HashSet};

use downhill::config::{MAX_DEGREE, MAX_FEATURES};
use downhill::dataset::{FeatureMap, Input, InputMap, Term};
use downhill::message::{Code, Message, Result};
use downhill::model::Response;

use crate::format::{Content, FormatSpec, Group, Held, Part, Plain, without_mark};
use crate::run::Run;
use crate::tensors::cut;
use downhill::foreign::Model;

pub(crate) const SPEC: FormatSpec = FormatSpec {
    name: "coefficients",
    group: Group::Arrays,
    file_name: "downhill-step-{step}-coefficients.csv",
    recognizes,
    write,
    read: Some(read),
    holds,
    how_to_load,
};

const NAME: &str = "table of coefficients";
/// The header of the table, by which the format is recognized.
const HEADER: [&str; 4] = ["term", "estimate", "output", "link"];
const INTERCEPT: &str = "(intercept)";
/// Names of the intercept that the reader accepts.
const INTERCEPTS: [&str; 5] = ["(intercept)", "intercept", "const", "bias", "_cons"];
/// The maximum number of rows per output: terms, reference levels of categories, and the constant.
const MAX_ROWS: usize = 2 * MAX_FEATURES + 1;
/// The maximum number of ways to split a product's name that are tried.
const MAX_HALVES: usize = 16;

fn write(run: &Run) -> Result<Vec<u8>> {
    let model = run.model();
    let bytes = table(&model).map_err(|error| Message::new(Code::Internal).with("detail", error))?;
    // A column may have the same name as a term of others.
    let same = read(&bytes).is_ok_and(|again| {
        let again = again.model;
        again.inputs == model.inputs
            && again.term_names() == model.term_names()
            && again.map.interactions == model.map.interactions
    });
    if same {
        return Ok(bytes);
    }
    Err(Message::new(Code::ModelCannotHold)
        .with("format", "A table of coefficients")
        .with("part", "columns whose names repeat, or read like a term of other columns"))
}

fn table(model: &Model) -> csv::Result<Vec<u8>> {
    let folded = model.folded();
    let link = link(model.activation);
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(HEADER)?;
    for output in 0..model.n_outputs() {
        let name = model.target_levels.get(output).filter(|_| model.activation == Response::Softmax);
        let name = name.unwrap_or(&model.target);
        let mut row =
            |term: &str, estimate: f64| writer.write_record([term, &format!("{estimate:?}"), name, link]);
        if model.bias.is_some() {
            row(INTERCEPT, folded.bias[output])?;
        }
        let names = model.term_names();
        for ((term, name), weights) in model.map.terms().iter().zip(names).zip(&folded.weights) {
            if let Term::Level { input, level: 1 } = *term {
                let Input { name, levels } = &model.inputs[input];
                row(&format!("{name} = {}", levels.first().map_or("", String::as_str)), 0.0)?;
            }
            row(&name, weights[output])?;
        }
    }
    writer.into_inner().map_err(|error| error.into_error().into())
}

fn link(activation: Response) -> &'static str {
    match activation {
        Response::Linear => "identity",
        Response::Sigmoid => "logit",
        Response::Exponential => "log",
        Response::Softmax => "softmax",
    }
}

/// Whether a text is a table of coefficients.
fn recognizes(content: &Content<'_>) -> bool {
    let line = content.first_line();
    let line = &line[..line.len().min(200)];
    let mut cells = line
        .split(|byte| *byte == b',')
        .map(|cell| String::from_utf8_lossy(cell).trim().trim_matches('"').to_ascii_lowercase());
    cells.next().as_deref() == Some(HEADER[0]) && cells.next().as_deref() == Some(HEADER[1])
}

/// The term names and coefficients of one output, in the order of the table.
type Terms = Vec<(String, f64)>;

fn read(bytes: &[u8]) -> Result<Plain> {
    let mut reader =
        csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::Headers).from_reader(without_mark(bytes));
    let header = reader.headers().map_err(|error| damaged(&error))?.clone();
    let place = |name: &str| header.iter().position(|cell| cell.eq_ignore_ascii_case(name));
    let (output_place, link_place) = (place(HEADER[2]), place(HEADER[3]));
    let mut outputs: Vec<(String, Terms)> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut activation = None;
    for (index, record) in reader.records().enumerate() {
        let record = record.map_err(|error| damaged(&error))?;
        let row = index + 2;
        let cell = |place: Option<usize>| place.and_then(|place| record.get(place)).unwrap_or_default();
        let (term, estimate) = (cell(Some(0)), cell(Some(1)).trim());
        let value: f64 = estimate
            .parse()
            .map_err(|_| damaged(&format_args!("row {row}: \"{}\" is not a number", cut(estimate))))?;
        if !value.is_finite() {
            return Err(Message::new(Code::ModelNotFinite).with("name", cut(term)));
        }
        let said = match cell(link_place) {
            "" => None,
            "identity" => Some(Response::Linear),
            "logit" => Some(Response::Sigmoid),
            "log" => Some(Response::Exponential),
            "softmax" => Some(Response::Softmax),
            other => return Err(unsupported(&format!("the link \"{}\"", cut(other)))),
        };
        activation = activation.or(said);
        let output = cell(output_place);
        let at = *places.entry(output.to_owned()).or_insert_with(|| {
            outputs.push((output.to_owned(), Terms::new()));
            outputs.len() - 1
        });
        outputs[at].1.push((term.to_owned(), value));
        if outputs[at].1.len() > MAX_ROWS || outputs.len() > MAX_FEATURES {
            return Err(too_large("rows and more", row - 1));
        }
    }
    let model = model(outputs, activation)?;
    Ok(Plain { producer: None, model, carried: None })
}

fn model(outputs: Vec<(String, Terms)>, activation: Option<Response>) -> Result<Model> {
    let Some((_, first)) = outputs.first() else { return Err(unsupported("no coefficients")) };
    let names: Vec<&str> = first.iter().map(|(name, _)| name.as_str()).collect();
    let layout = Layout::of(&names)?;
    let activation =
        activation.unwrap_or(if outputs.len() > 1 { Response::Softmax } else { Response::Linear });
    if outputs.len() > 1 && activation != Response::Softmax {
        return Err(unsupported("several outputs that are not classes"));
    }
    let (target, target_levels) = match activation {
        Response::Softmax => ("y".to_owned(), outputs.iter().map(|(name, _)| name.clone()).collect()),
        _ if outputs[0].0.is_empty() => ("y".to_owned(), Vec::new()),
        _ => (outputs[0].0.clone(), Vec::new()),
    };
    let n_terms = names.len();
    let mut model = Model {
        inputs: layout.inputs,
        target,
        target_levels,
        map: layout.map,
        weights: Vec::new(),
        bias: None,
        activation,
    };
    let terms = model.term_names();
    let mut columns = Vec::new();
    let mut bias = Vec::new();
    for (output, own) in &outputs {
        let mut found: HashMap<&str, f64> = HashMap::new();
        for (term, value) in own {
            if found.insert(term, *value).is_some() {
                return Err(unsupported(&format!("the term \"{}\" more than once", cut(term))));
            }
        }
        if own.len() != n_terms {
            return Err(Message::new(Code::ModelShape)
                .with("name", cut(output))
                .with("found", format!("{} rows", own.len()))
                .with("expected", format!("{n_terms} rows")));
        }
        bias.extend(layout.intercept.as_deref().and_then(|name| found.remove(name)));
        columns.push(terms.iter().map(|term| found.remove(&term[..]).unwrap_or(0.0)).collect::<Vec<f64>>());
        for (term, value) in found {
            if !layout.references.contains(term) || value != 0.0 {
                return Err(unsupported(&format!("the term \"{}\"", cut(term))));
            }
        }
    }
    model.weights = (0..terms.len()).map(|k| columns.iter().map(|column| column[k]).collect()).collect();
    match bias.len() {
        0 => {}
        n if n == outputs.len() => model.bias = Some(bias),
        _ => return Err(unsupported("an intercept for some classes only")),
    }
    Ok(model)
}

/// The structure of the model according to the names of its terms.
struct Layout {
    inputs: Vec<Input>,
    map: FeatureMap,
    /// The name of the intercept, if there is one.
    intercept: Option<String>,
    /// The names of rows for reference levels, whose coefficient is 0.
    references: HashSet<String>,
}

impl Layout {
    fn of(names: &[&str]) -> Result<Self> {
        let is_intercept = |name: &&&str| INTERCEPTS.iter().any(|known| name.eq_ignore_ascii_case(known));
        let intercept =
            names.iter().find(|name| **name == INTERCEPT).or_else(|| names.iter().find(is_intercept));
        let known: HashSet<&str> = names.iter().copied().collect();
        let (mut inputs, mut maps): (Vec<Input>, Vec<InputMap>) = (Vec::new(), Vec::new());
        // Maps each factor of a product to its input: numbers by name, levels by their term.
        let mut factors: HashMap<&str, u32> = HashMap::new();
        let mut categories: HashMap<&str, usize> = HashMap::new();
        let mut products = Vec::new();
        for name in names {
            if intercept == Some(name) {
                continue;
            }
            let is_product = halves(name).any(|(a, b)| known.contains(a) && known.contains(b));
            if is_product {
                products.push(*name);
            } else if power(name).is_some_and(|(base, _)| known.contains(base)) {
                // A power is counted with its base.
            } else if let Some((column, level)) = name.split_once(" = ") {
                let at = *categories.entry(column).or_insert_with(|| {
                    inputs.push(Input { name: column.to_owned(), levels: Vec::new() });
                    maps.push(InputMap::category(0));
                    inputs.len() - 1
                });
                inputs[at].levels.push(level.to_owned());
                factors.insert(*name, at as u32);
            } else {
                factors.insert(*name, inputs.len() as u32);
                let degree =
                    (2..=MAX_DEGREE).rev().find(|power| known.contains(&format!("{name}^{power}")[..]));
                inputs.push(Input::number(name));
                maps.push(InputMap::number(degree.unwrap_or(1)));
            }
        }
        let mut references = HashSet::new();
        for (input, map) in inputs.iter().zip(&mut maps).filter(|(input, _)| !input.levels.is_empty()) {
            map.n_levels = input.levels.len() as u32;
            references.insert(format!("{} = {}", input.name, input.levels[0]));
        }
        let mut interactions: Vec<[u32; 2]> = Vec::new();
        let mut met = HashSet::new();
        for name in products {
            let pair = halves(name).find_map(|(a, b)| Some([*factors.get(a)?, *factors.get(b)?]));
            let pair = pair.filter(|[a, b]| a != b);
            let pair = pair.ok_or_else(|| unsupported(&format!("the term \"{}\"", cut(name))))?;
            if met.insert(pair) {
                interactions.push(pair);
            }
        }
        let n = FeatureMap::count(&maps, &interactions).filter(|n| *n <= MAX_FEATURES);
        let n = n.ok_or_else(|| too_large("terms", names.len()))?;
        if n == 0 {
            return Err(unsupported("no coefficients except a constant"));
        }
        if let Some(single) = maps.iter().position(|map| map.n_levels == 1) {
            return Err(unsupported(&format!("a single level of \"{}\"", cut(&inputs[single].name))));
        }
        let map = FeatureMap::new(maps, interactions);
        Ok(Self { inputs, map, intercept: intercept.map(|name| (*name).to_owned()), references })
    }
}

/// Returns every way to split a product's name `a * b` into two names.
fn halves(term: &str) -> impl Iterator<Item = (&str, &str)> {
    const BETWEEN: &str = " * ";
    term.match_indices(BETWEEN).take(MAX_HALVES).map(|(at, _)| (&term[..at], &term[at + BETWEEN.len()..]))
}

/// Splits the name of a power, such as `x^2`, into the input's name and the exponent.
fn power(term: &str) -> Option<(&str, u32)> {
    let (base, power) = term.rsplit_once('^')?;
    let power = power.parse().ok().filter(|power| (2..=MAX_DEGREE).contains(power))?;
    Some((base, power))
}

fn damaged(detail: &dyn std::fmt::Display) -> Message {
    let detail: String = detail.to_string().chars().take(200).collect();
    Message::new(Code::ModelDamaged).with("format", NAME).with("detail", detail)
}

fn unsupported(found: &str) -> Message {
    Message::new(Code::ModelUnsupported).with("format", NAME).with("found", found)
}

fn too_large(what: &str, found: usize) -> Message {
    Message::new(Code::ModelTooLarge)
        .with("format", NAME)
        .with("detail", format!("{found} {what}"))
        .with("limit", format!("{MAX_FEATURES} features"))
}

fn holds(_: &Model, part: Part) -> Option<Held> {
    match part {
        Part::Scaling => Some(Held::Folded),
        Part::Weights | Part::Terms | Part::Levels | Part::Columns => Some(Held::Inside),
        Part::Training | Part::Provenance => Some(Held::Outside),
        Part::History => None,
    }
}

fn how_to_load(model: &Model, file_name: &str) -> (&'static str, String) {
    let name = crate::features::python_text(file_name);
    let pivot = match model.activation {
        Response::Softmax => "print(table.pivot(index=\"term\", columns=\"output\", values=\"estimate\"))\n",
        _ => "print(table.set_index(\"term\")[\"estimate\"])\n",
    };
    ("python", format!("import pandas as pd\n\ntable = pd.read_csv({name}, keep_default_na=False)\n{pivot}"))
}
