//! Parses the elements of a document that a model needs.
//!
//! Nothing is expanded: entity definitions are ignored, and a reference to any entity other than
//! XML's five predefined ones is an error.

use std::borrow::Cow;
use std::collections::BTreeMap;

use downhill::message::{Code, Message, Result};
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::{EXTENDER, MAX_RUN_BYTES, RUN, damaged, too_large};
use crate::tensors::cut;

/// The maximum number of elements, enough for a hundred classes with a thousand products each.
const MAX_ELEMENTS: usize = 400_000;
const MAX_DEPTH: usize = 100;
/// The maximum length in bytes of the text between two tags.
const MAX_TEXT_BYTES: usize = 1000;
/// The elements that may occur in a document next to a model. Any other element counts as a model.
const BESIDE: [&str; 5] =
    ["Header", "MiningBuildTask", "DataDictionary", "TransformationDictionary", "Extension"];
/// Elements that do not affect predictions and may be long.
const PASSED_OVER: [&str; 6] = [
    "Extension",
    "MiningBuildTask",
    "ModelStats",
    "ModelExplanation",
    "ModelVerification",
    "ResidualMetrics",
];

/// An element with its content.
#[derive(Debug)]
pub(super) struct Element<'a> {
    start: BytesStart<'a>,
    /// The text content of the element.
    pub(super) text: String,
    /// The child elements.
    pub(super) children: Vec<Element<'a>>,
}

impl Element<'_> {
    /// The name without its namespace prefix.
    pub(super) fn name(&self) -> &str {
        self.start.local_name().into_inner()
    }

    /// Returns an attribute, if the element has it.
    pub(super) fn get(&self, name: &str) -> Result<Option<Cow<'_, str>>> {
        attribute(&self.start, name)
    }

    /// Returns a required attribute.
    pub(super) fn need(&self, name: &str) -> Result<Cow<'_, str>> {
        self.get(name)?.ok_or_else(|| damaged(format!("a {} without its {name}", cut(self.name()))))
    }

    /// Returns a required numeric attribute.
    pub(super) fn number(&self, name: &str) -> Result<f64> {
        number(&self.need(name)?, || format!("{} of {}", name, cut(self.name())))
    }

    /// Returns the first child with this name.
    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        self.children_called(name).next()
    }

    /// Iterates over the children with this name.
    pub(super) fn children_called(&self, name: &str) -> impl Iterator<Item = &Self> {
        self.children.iter().filter(move |child| child.name() == name)
    }
}

/// Parses a finite number; `name` is its name in error messages.
pub(super) fn number(text: &str, name: impl FnOnce() -> String) -> Result<f64> {
    match text.trim().parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        Ok(_) => Err(Message::new(Code::ModelNotFinite).with("name", name())),
        Err(_) => Err(damaged(format!("{}: \"{}\" is not a number", name(), cut(text)))),
    }
}

// quick-xml's own function includes the namespace in names, and its check for duplicate attributes
// is quadratic.
fn attribute<'e>(start: &'e BytesStart<'_>, name: &str) -> Result<Option<Cow<'e, str>>> {
    for attribute in start.attributes().with_checks(false) {
        let attribute = attribute.map_err(damaged)?;
        if attribute.key.local_name().into_inner() == name {
            return attribute.normalized_value(XmlVersion::Implicit1_0).map(Some).map_err(damaged);
        }
    }
    Ok(None)
}

/// Parses a document and returns its root element; refuses models other than regressions.
pub(super) fn parse(text: &str) -> Result<Element<'_>> {
    let mut reader = Reader::from_str(text);
    let mut open: Vec<Element<'_>> = Vec::new();
    let mut n_elements = 0;
    loop {
        let event = reader.read_event().map_err(damaged)?;
        let (start, is_empty) = match event {
            Event::Start(start) => (start, false),
            Event::Empty(start) => (start, true),
            Event::End(_) => {
                if let Some(whole) = close(&mut open) {
                    return Ok(whole);
                }
                continue;
            }
            Event::Eof => return Err(damaged("it ends in the middle of an element")),
            event => {
                if let Some(element) = open.last_mut() {
                    add_text(element, &event)?;
                }
                continue;
            }
        };
        n_elements += 1;
        if n_elements > MAX_ELEMENTS {
            return Err(too_large(
                format!("more than {MAX_ELEMENTS} elements"),
                format!("{MAX_ELEMENTS} elements"),
            ));
        }
        if open.len() >= MAX_DEPTH {
            return Err(too_large(
                format!("elements nested {MAX_DEPTH} deep"),
                format!("{MAX_DEPTH} levels"),
            ));
        }
        let name = start.local_name().into_inner();
        if open.len() == 1 && !BESIDE.contains(&name) && name != "RegressionModel" {
            return Err(other_model(&mut reader, start, is_empty)?);
        }
        let is_run = name == "Extension"
            && attribute(&start, "extender")?.as_deref() == Some(EXTENDER)
            && attribute(&start, "name")?.as_deref() == Some(RUN);
        if PASSED_OVER.contains(&name) && !is_run {
            if !is_empty {
                reader.read_to_end(start.name()).map_err(damaged)?;
            }
            continue;
        }
        open.push(Element { start, text: String::new(), children: Vec::new() });
        if is_empty && let Some(whole) = close(&mut open) {
            return Ok(whole);
        }
    }
}

/// Closes the innermost open element; returns it if it is the root element.
fn close<'a>(open: &mut Vec<Element<'a>>) -> Option<Element<'a>> {
    let ended = open.pop()?;
    match open.last_mut() {
        Some(parent) => parent.children.push(ended),
        None => return Some(ended),
    }
    None
}

fn add_text(element: &mut Element<'_>, event: &Event<'_>) -> Result<()> {
    match event {
        // Whitespace between elements is ignored.
        Event::Text(text) if element.text.is_empty() && text.trim().is_empty() => {}
        Event::Text(text) => element.text.push_str(&text.xml10_content()),
        Event::CData(text) => element.text.push_str(&text.xml10_content()),
        Event::GeneralRef(reference) => match reference.resolve_char_ref().map_err(damaged)? {
            Some(letter) => element.text.push(letter),
            None => match quick_xml::escape::resolve_predefined_entity(reference) {
                Some(text) => element.text.push_str(text),
                None => return Err(damaged(format!("the entity \"{}\" is not known", cut(reference)))),
            },
        },
        _ => {}
    }
    let most = if element.name() == "Extension" { MAX_RUN_BYTES } else { MAX_TEXT_BYTES };
    if element.text.len() > most {
        return Err(too_large(
            format!("{} bytes of text in one {}", element.text.len(), cut(element.name())),
            format!("{most} bytes"),
        ));
    }
    Ok(())
}

/// The error for a model that is not a regression, with its function if it has one.
fn other_model(reader: &mut Reader<&[u8]>, start: BytesStart<'_>, is_empty: bool) -> Result<Message> {
    let name = cut(start.local_name().into_inner());
    let mut parts: BTreeMap<String, usize> = BTreeMap::new();
    let mut depth = usize::from(!is_empty);
    while depth > 0 {
        let (inner, opens) = match reader.read_event().map_err(damaged)? {
            Event::Start(inner) => (inner, true),
            Event::Empty(inner) => (inner, false),
            Event::End(_) => {
                depth -= 1;
                continue;
            }
            Event::Eof => return Err(damaged("it ends in the middle of an element")),
            _ => continue,
        };
        depth += usize::from(opens);
        let inner = inner.local_name().into_inner();
        let says_something = matches!(inner, "NeuralLayer" | "Scorecard" | "NeuralNetwork" | "TreeModel")
            || inner.ends_with("Model");
        if says_something && (parts.len() < 8 || parts.contains_key(inner)) {
            *parts.entry(cut(inner)).or_insert(0) += 1;
        }
    }
    let parts: Vec<String> = parts
        .iter()
        .map(|(part, n)| if *n == 1 { part.clone() } else { format!("{part} ({n} times)") })
        .collect();
    let found = if parts.is_empty() { name } else { format!("{name} of {}", parts.join(", ")) };
    Ok(Message::new(Code::ModelTooDeep).with("found", found))
}
