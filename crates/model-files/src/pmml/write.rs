//! Writes a run as a document.

use std::collections::HashSet;

use downhill::dataset::Term;
use downhill::message::{Code, Message, Result};
use downhill::model::Response;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

use super::{EXTENDER, MAX_RUN_BYTES, NAME, RUN};
use crate::provenance;
use crate::run::Run;
use downhill::foreign::Model;

const NAMESPACE: &str = "http://www.dmg.org/PMML-4_4";
const VERSION: &str = "4.4";
/// The attributes of a numeric field.
const NUMBER: [(&str, &str); 2] = [("optype", "continuous"), ("dataType", "double")];

pub(super) fn write(run: &Run) -> Result<Vec<u8>> {
    let model = run.model();
    check(&model)?;
    let mut xml = Xml(Writer::new_with_indent(Vec::new(), b' ', 2));
    xml.put(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    xml.within("PMML", &[("xmlns", NAMESPACE), ("version", VERSION)], |xml| {
        header(xml, run, &model)?;
        dictionary(xml, &model)?;
        regression(xml, &model)
    })?;
    let mut bytes = xml.0.into_inner();
    bytes.push(b'\n');
    Ok(bytes)
}

/// Returns an error if a name cannot be a field name, because XML cannot contain every character.
fn check(model: &Model) -> Result<()> {
    let cannot =
        |part: &str| Err(Message::new(Code::ModelCannotHold).with("format", NAME).with("part", part));
    let mut names = HashSet::from([model.target.as_str()]);
    if !model.inputs.iter().all(|input| names.insert(&input.name)) {
        return cannot("two columns with the same name");
    }
    let levels = model.inputs.iter().flat_map(|input| &input.levels).chain(&model.target_levels);
    if !names.into_iter().chain(levels.map(String::as_str)).all(|name| name.chars().all(is_xml)) {
        return cannot("names with control characters");
    }
    Ok(())
}

/// Whether XML can contain this character: <https://www.w3.org/TR/xml/#charsets>
fn is_xml(letter: char) -> bool {
    matches!(letter, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..)
}

struct Xml(Writer<Vec<u8>>);

impl Xml {
    fn put(&mut self, event: Event<'_>) -> Result<()> {
        self.0.write_event(event).map_err(|error| Message::new(Code::Internal).with("detail", error))
    }

    fn empty(&mut self, name: &str, attributes: &[(&str, &str)]) -> Result<()> {
        self.put(Event::Empty(start(name, attributes)))
    }

    fn within(
        &mut self,
        name: &str,
        attributes: &[(&str, &str)],
        inner: impl FnOnce(&mut Self) -> Result<()>,
    ) -> Result<()> {
        self.put(Event::Start(start(name, attributes)))?;
        inner(self)?;
        self.put(Event::End(BytesEnd::new(name)))
    }

    fn text(&mut self, name: &str, attributes: &[(&str, &str)], text: &str) -> Result<()> {
        self.within(name, attributes, |xml| xml.put(Event::Text(BytesText::new(text))))
    }
}

fn start<'a>(name: &'a str, attributes: &[(&str, &str)]) -> BytesStart<'a> {
    BytesStart::new(name).with_attributes(attributes.iter().copied())
}

fn header(xml: &mut Xml, run: &Run, model: &Model) -> Result<()> {
    let inputs: Vec<&str> = model.inputs.iter().map(|input| input.name.as_str()).collect();
    let description = format!("{} by {}", model.target, inputs.join(", "));
    xml.within("Header", &[("description", &description)], |xml| {
        if run.text.len() <= MAX_RUN_BYTES && run.text.chars().all(is_xml) {
            xml.text("Extension", &[("extender", EXTENDER), ("name", RUN)], &run.text)?;
        }
        xml.empty("Application", &[("name", EXTENDER), ("version", &run.file.downhill)])?;
        for (what, said) in provenance::lines(run) {
            let line = format!("{what}: {said}");
            if line.chars().all(is_xml) {
                xml.text("Annotation", &[], &line)?;
            }
        }
        match run.file.saved.as_deref().filter(|saved| saved.chars().all(is_xml)) {
            Some(saved) => xml.text("Timestamp", &[], saved),
            None => Ok(()),
        }
    })
}

/// Returns the class names and the target's `optype`; there are no names if the target is a number.
fn classes(model: &Model) -> (Vec<String>, &'static str) {
    let n = match model.activation {
        Response::Linear | Response::Exponential => 0,
        Response::Sigmoid => 2,
        Response::Softmax => model.n_outputs(),
    };
    if model.target_levels.len() == n {
        return (model.target_levels.clone(), "string");
    }
    ((0..n).map(|class| class.to_string()).collect(), "integer")
}

fn dictionary(xml: &mut Xml, model: &Model) -> Result<()> {
    let n_fields = (model.inputs.len() + 1).to_string();
    xml.within("DataDictionary", &[("numberOfFields", &n_fields)], |xml| {
        for input in &model.inputs {
            field(xml, &input.name, &input.levels, "string")?;
        }
        let (classes, kind) = classes(model);
        field(xml, &model.target, &classes, kind)
    })
}

fn field(xml: &mut Xml, name: &str, values: &[String], kind: &str) -> Result<()> {
    if values.is_empty() {
        return xml.empty("DataField", &[("name", name), NUMBER[0], NUMBER[1]]);
    }
    let attributes = [("name", name), ("optype", "categorical"), ("dataType", kind)];
    xml.within("DataField", &attributes, |xml| {
        values.iter().try_for_each(|value| xml.empty("Value", &[("value", value)]))
    })
}

fn regression(xml: &mut Xml, model: &Model) -> Result<()> {
    let (function, normalization) = match model.activation {
        Response::Linear => ("regression", "none"),
        Response::Exponential => ("regression", "exp"),
        Response::Sigmoid => ("classification", "logit"),
        Response::Softmax => ("classification", "softmax"),
    };
    let attributes = [("functionName", function), ("normalizationMethod", normalization)];
    xml.within("RegressionModel", &attributes, |xml| {
        let mut names: HashSet<String> = model.inputs.iter().map(|input| input.name.clone()).collect();
        names.insert(model.target.clone());
        let (classes, _) = classes(model);
        xml.within("MiningSchema", &[], |xml| {
            for input in &model.inputs {
                xml.empty("MiningField", &[("name", &input.name), ("usageType", "active")])?;
            }
            xml.empty("MiningField", &[("name", &model.target), ("usageType", "target")])
        })?;
        if !classes.is_empty() {
            xml.within("Output", &[], |xml| {
                for class in &classes {
                    let name = distinct(&mut names, format!("probability({class})"));
                    let of_class = [("feature", "probability"), ("value", class)];
                    xml.empty(
                        "OutputField",
                        &[("name", &name), NUMBER[0], NUMBER[1], of_class[0], of_class[1]],
                    )?;
                }
                Ok(())
            })?;
        }
        if model.has_terms() {
            of_terms(xml, model, &classes, names)
        } else {
            of_inputs(xml, model, &classes)
        }
    })
}

/// Returns `name`, changed if necessary so that no other field has it, and adds it to `names`.
fn distinct(names: &mut HashSet<String>, mut name: String) -> String {
    while !names.insert(name.clone()) {
        name.push('\'');
    }
    name
}

/// Writes regression tables over the inputs themselves, with scaling folded into the coefficients.
fn of_inputs(xml: &mut Xml, model: &Model, classes: &[String]) -> Result<()> {
    let folded = model.folded();
    let terms = model.map.terms();
    tables(xml, classes, &folded.bias, |xml, output| {
        for (term, weights) in terms.iter().zip(&folded.weights) {
            predictor(xml, model, *term, None, weights[output])?;
        }
        Ok(())
    })
}

/// Writes regression tables over scaled numbers, which are derived fields. The scaling of the features
/// themselves is folded into the coefficients.
fn of_terms(xml: &mut Xml, model: &Model, classes: &[String], mut names: HashSet<String>) -> Result<()> {
    let (terms, map) = (model.map.terms(), &model.map);
    let is_factor =
        |term: usize| terms.iter().any(|other| matches!(other, Term::Product { of } if of.contains(&term)));
    // The field of each term, or of the base of its power; `None` for products.
    let mut fields: Vec<Option<String>> = Vec::new();
    let mut derived: Vec<(String, usize, Option<usize>)> = Vec::new();
    for (k, term) in terms.iter().enumerate() {
        fields.push(match *term {
            Term::Power { input, power: 1 } => {
                let name = &model.inputs[input].name;
                let of = &map.inputs[input];
                if (of.center, of.scale) == (0.0, 1.0) {
                    Some(name.clone())
                } else {
                    let name = distinct(&mut names, format!("scaled({name})"));
                    derived.push((name.clone(), input, None));
                    Some(name)
                }
            }
            // The powers of an input follow each other.
            Term::Power { .. } => fields.last().cloned().flatten(),
            Term::Level { input, level } if is_factor(k) => {
                let word = model.inputs[input].levels.get(level).map_or("", String::as_str);
                let name = distinct(&mut names, format!("{} = {word}", model.inputs[input].name));
                derived.push((name.clone(), input, Some(level)));
                Some(name)
            }
            Term::Level { .. } | Term::Product { .. } => None,
        });
    }
    if !derived.is_empty() {
        xml.within("LocalTransformations", &[], |xml| {
            for (name, input, level) in &derived {
                let of = &model.inputs[*input];
                xml.within("DerivedField", &[("name", name), NUMBER[0], NUMBER[1]], |xml| {
                    match level.and_then(|level| of.levels.get(level)) {
                        Some(word) => xml.empty("NormDiscrete", &[("field", &of.name), ("value", word)]),
                        None => scaled(xml, &of.name, map.inputs[*input].center, map.inputs[*input].scale),
                    }
                })?;
            }
            Ok(())
        })?;
    }
    let coefficient = |k: usize, output: usize| model.weights[k][output] / map.scale[k];
    let bias = |output: usize| {
        let own = model.bias.as_ref().map_or(0.0, |bias| bias[output]);
        (0..terms.len()).fold(own, |bias, k| bias - coefficient(k, output) * map.center[k])
    };
    let bias: Vec<f64> = (0..model.n_outputs()).map(bias).collect();
    tables(xml, classes, &bias, |xml, output| {
        for (k, term) in terms.iter().enumerate() {
            let weight = coefficient(k, output);
            match *term {
                Term::Product { of } => {
                    xml.within("PredictorTerm", &[("coefficient", &digits(weight))], |xml| {
                        for name in of.iter().filter_map(|place| fields[*place].as_deref()) {
                            xml.empty("FieldRef", &[("field", name)])?;
                        }
                        Ok(())
                    })?;
                }
                term => predictor(xml, model, term, fields[k].as_deref(), weight)?,
            }
        }
        Ok(())
    })
}

/// Writes a derived field `(x - center) / scale`.
fn scaled(xml: &mut Xml, name: &str, center: f64, scale: f64) -> Result<()> {
    let double = [("dataType", "double")];
    xml.within("Apply", &[("function", "/")], |xml| {
        xml.within("Apply", &[("function", "-")], |xml| {
            xml.empty("FieldRef", &[("field", name)])?;
            xml.text("Constant", &double, &digits(center))
        })?;
        xml.text("Constant", &double, &digits(scale))
    })
}

/// Writes the predictor of a power or a level.
fn predictor(xml: &mut Xml, model: &Model, term: Term, field: Option<&str>, weight: f64) -> Result<()> {
    let coefficient = ("coefficient", &*digits(weight));
    match term {
        Term::Power { input, power } => {
            let name = ("name", field.unwrap_or(&model.inputs[input].name));
            match power {
                1 => xml.empty("NumericPredictor", &[name, coefficient]),
                _ => xml.empty("NumericPredictor", &[name, ("exponent", &power.to_string()), coefficient]),
            }
        }
        Term::Level { input, level } => {
            let of = &model.inputs[input];
            let word = of.levels.get(level).map_or("", String::as_str);
            xml.empty("CategoricalPredictor", &[("name", &of.name), ("value", word), coefficient])
        }
        Term::Product { .. } => Ok(()),
    }
}

/// Writes one regression table per output. After the table of a single probability, an empty one follows for
/// the other class.
fn tables(
    xml: &mut Xml,
    classes: &[String],
    bias: &[f64],
    mut predictors: impl FnMut(&mut Xml, usize) -> Result<()>,
) -> Result<()> {
    // With two classes, the probability is that of the second class.
    let is_binary = bias.len() == 1 && classes.len() == 2;
    for (output, bias) in bias.iter().enumerate() {
        let intercept = digits(*bias);
        let mut attributes = vec![("intercept", &*intercept)];
        let class = classes.get(if is_binary { 1 } else { output });
        attributes.extend(class.map(|class| ("targetCategory", class.as_str())));
        xml.within("RegressionTable", &attributes, |xml| predictors(xml, output))?;
    }
    match classes {
        [other, _] if is_binary => {
            xml.empty("RegressionTable", &[("intercept", "0.0"), ("targetCategory", other)])
        }
        _ => Ok(()),
    }
}

/// Writes a number with all its digits.
fn digits(value: f64) -> String {
    format!("{value:?}")
}
