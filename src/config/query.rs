//! The configuration as a link: `path=value` pairs, joined by `&`, of every field that differs from its
//! default.

use serde_json::{Map, Value};

use super::RunConfig;
use crate::choices::is_name;
use crate::message::{Code, Message};

/// The fields of `config` that differ from their defaults, such as `model.degree=3&method=stochastic`.
pub fn to_query(config: &RunConfig) -> String {
    let (Ok(value), Ok(default)) = (serde_json::to_value(config), serde_json::to_value(RunConfig::default()))
    else {
        return String::new();
    };
    let mut pairs = Vec::new();
    collect(&value, Some(&default), "", &mut pairs);
    pairs.join("&")
}

/// A function that parses JSON: [`json`], or one that uses the browser's parser.
pub type ReadJson = fn(&str) -> Option<Value>;

/// Parses JSON text; `None` if it is invalid.
pub fn json(text: &str) -> Option<Value> {
    serde_json::from_slice(text.as_bytes()).ok()
}

/// Parses the configuration in a link. A part that cannot be read keeps its default and adds a message.
pub fn from_query(query: &str, json: ReadJson) -> (RunConfig, Vec<Message>) {
    let mut kept: Vec<(String, Value)> = Vec::new();
    let mut problems = Vec::new();
    let parts: Vec<&str> =
        query.trim_start_matches(['#', '?']).split('&').filter(|part| !part.is_empty()).collect();
    // Kinds first: the parameters of a choice make sense only once it is made.
    let is_kind = |part: &&str| part.split('=').next().is_some_and(|path| path.ends_with("kind"));
    let (kinds, others): (Vec<&str>, Vec<&str>) = parts.into_iter().partition(is_kind);
    // A choice is read with all of its parameters at once, since some have no default.
    let mut groups: Vec<Vec<(String, Value)>> = Vec::new();
    let mut rest = others;
    for kind in kinds {
        match parse(kind, json) {
            Ok(pair) => {
                let prefix = pair.0.trim_end_matches("kind").to_owned();
                let (own, other): (Vec<&str>, Vec<&str>) = rest
                    .into_iter()
                    .partition(|part| decode(part).is_some_and(|text| text.starts_with(&prefix)));
                rest = other;
                let mut group = vec![pair];
                let mut alone = Vec::new();
                for part in own {
                    match parse(part, json) {
                        Ok(pair) => group.push(pair),
                        Err(problem) => problems.push(problem),
                    }
                }
                let mut whole = kept.clone();
                whole.extend(group.iter().cloned());
                if build(&whole).is_err() {
                    // One bad parameter must not take its choice down with it.
                    alone = group.split_off(1);
                }
                groups.push(group);
                groups.extend(alone.into_iter().map(|pair| vec![pair]));
            }
            Err(problem) => problems.push(problem),
        }
        for group in groups.drain(..) {
            try_group(&mut kept, group, &mut problems);
        }
    }
    // Patience is valid only if there are validation rows, which may come later in the link.
    for is_late in [false, true] {
        for part in rest.iter().filter(|part| part.starts_with("stop.patience") == is_late) {
            match parse(part, json) {
                Ok(pair) => try_group(&mut kept, vec![pair], &mut problems),
                Err(problem) => problems.push(problem),
            }
        }
    }
    (build(&kept).unwrap_or_default(), problems)
}

/// Adds a group of pairs to `kept` if the configuration is still valid with it, else a message to `problems`.
fn try_group(kept: &mut Vec<(String, Value)>, group: Vec<(String, Value)>, problems: &mut Vec<Message>) {
    let mut whole = kept.clone();
    whole.extend(group.iter().cloned());
    match build(&whole) {
        Ok(_) => *kept = whole,
        Err(detail) => {
            let part: Vec<String> =
                group.iter().map(|(path, value)| format!("{path}={}", plain(value))).collect();
            problems.push(
                Message::new(Code::QueryUnreadable).with("part", part.join("&")).with("detail", detail),
            );
        }
    }
}

fn build(pairs: &[(String, Value)]) -> Result<RunConfig, String> {
    let mut root = Value::Object(Map::new());
    for (path, value) in pairs {
        let mut place = &mut root;
        for key in path.split('.') {
            place = place
                .as_object_mut()
                .ok_or_else(|| format!("{path} has no parts"))?
                .entry(key)
                .or_insert_with(|| Value::Object(Map::new()));
        }
        *place = value.clone();
    }
    // Parameters given without their choice belong to the default's choice.
    if let (Some(object), Ok(default)) = (root.as_object_mut(), serde_json::to_value(RunConfig::default())) {
        give_kinds(object, &default);
    }
    let config: RunConfig = serde_json::from_value(root).map_err(|error| error.to_string())?;
    config.check().map_err(|message| message.to_string())?;
    Ok(config)
}

fn give_kinds(object: &mut Map<String, Value>, default: &Value) {
    for (key, value) in object.iter_mut() {
        if let (Some(inner), Some(default)) = (value.as_object_mut(), default.get(key)) {
            if let (None, Some(kind)) = (inner.get("kind"), default.get("kind")) {
                inner.insert("kind".to_owned(), kind.clone());
            }
            give_kinds(inner, default);
        }
    }
}

fn collect(value: &Value, default: Option<&Value>, path: &str, pairs: &mut Vec<String>) {
    if default == Some(value) {
        return;
    }
    match value {
        Value::Object(fields) => {
            // Once the choice differs, the default's parameters say nothing about this one's.
            let same_kind = fields.get("kind") == default.and_then(|default| default.get("kind"));
            for (key, field) in fields {
                let inner = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                let default = if same_kind { default.and_then(|default| default.get(key)) } else { None };
                collect(field, default, &inner, pairs);
            }
        }
        _ => pairs.push(format!("{path}={}", encode(&plain(value)))),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Names of the fields of `data.columns` that are text chosen by the user.
const TEXTS: [&str; 4] = ["target", "weight", "group", "order"];

fn parse(part: &str, json: ReadJson) -> Result<(String, Value), Message> {
    let problem =
        |detail: &str| Message::new(Code::QueryUnreadable).with("part", part).with("detail", detail);
    let text = decode(part).ok_or_else(|| problem("a % sign is not followed by two hexadecimal digits"))?;
    let (path, value) = text.split_once('=').ok_or_else(|| problem("it has no ="))?;
    let is_text =
        path.starts_with("data.columns.") && TEXTS.contains(&path.rsplit('.').next().unwrap_or(path));
    let value = if is_text || is_name(path, value) {
        Value::String(value.to_owned())
    } else {
        json(value).ok_or_else(|| problem("the value is not a number, true, false or null"))?
    };
    Ok((path.to_owned(), value))
}

/// Percent-encodes the characters of a value that a link cannot contain after `#`.
fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z'
            | b'a'..=b'z'
            | b'0'..=b'9'
            | b'-'
            | b'.'
            | b'_'
            | b'~'
            | b'['
            | b']'
            | b','
            | b':' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            let digits = std::str::from_utf8(&digits).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}
