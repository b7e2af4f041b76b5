//! Reads JSON objects as rows. The objects may be one per line, or separated in any other way, inside an
//! array or not.
//!
//! Each key is a column, in the order of first appearance. A key in a nested object becomes
//! `outer.inner`; lists and deeper objects are text. `null` and absent keys are missing cells, and
//! `true` and `false` are words. Keys are collected from the first megabyte before rows are read.
//! If a new key appears later, the rest of the file is searched for keys and reading starts over.

use std::collections::HashMap;
use std::fmt;

use downhill::message::{Code, Message, Result};
use serde::de::{DeserializeSeed, Deserializer as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::batch::{BATCH_VALUES, Batch, Cells, Reader, Step};
use crate::source::Source;
use crate::table::MAX_COLUMNS;

/// The number of bytes that are read at once.
const CHUNK_BYTES: usize = 1 << 20;
/// The maximum size of an object in bytes.
const MAX_OBJECT_BYTES: usize = 1 << 24;

/// Reads JSON objects one after another as rows.
#[derive(Debug)]
pub struct Objects<S> {
    source: S,
    /// The number of bytes of the file that have been read.
    position: u64,
    text: Vec<u8>,
    /// The offset in `text` at which the next object is expected.
    at: usize,
    line: u64,
    names: Names,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    /// The keys of the first chunk are being collected.
    Beginning,
    /// The keys of the rest of the file are being collected.
    Searching,
    Reading,
}

/// The columns known so far, by the key of their cells.
#[derive(Debug, Default)]
struct Names {
    all: Vec<String>,
    places: HashMap<String, usize>,
}

impl<S: Source> Objects<S> {
    /// Creates a reader at the beginning of a file.
    pub fn new(source: S) -> Self {
        Self {
            source,
            position: 0,
            text: Vec::new(),
            at: 0,
            line: 1,
            names: Names::default(),
            phase: Phase::Beginning,
        }
    }

    fn begin_reading(&mut self) -> Step {
        (self.position, self.at, self.line) = (0, 0, 1);
        self.text.clear();
        self.phase = Phase::Reading;
        Step::Columns(self.names.all.clone())
    }

    /// Reads another chunk of the file into `text`; returns whether there was one.
    fn read_on(&mut self) -> Result<bool> {
        let left = self.source.size() - self.position;
        if left == 0 {
            return Ok(false);
        }
        self.text.drain(..self.at);
        self.at = 0;
        let before = self.text.len();
        let length = left.min(CHUNK_BYTES as u64) as usize;
        self.text.resize(before + length, 0);
        self.source.read_at(self.position, &mut self.text[before..]).map_err(damaged)?;
        if self.position == 0 && self.text.starts_with(b"\xEF\xBB\xBF") {
            self.at = 3;
        }
        self.position += length as u64;
        Ok(true)
    }

    /// Returns the line of the next complete object, and its range in `text`.
    fn next_object(&mut self) -> Result<Option<(u64, std::ops::Range<usize>)>> {
        let Self { text, at, line, .. } = self;
        while let Some(byte) = text.get(*at) {
            match byte {
                b'\n' => *line += 1,
                b'{' => break,
                b' ' | b'\t' | b'\r' | b',' | b'[' | b']' => {}
                _ => {
                    let word: Vec<u8> = text[*at..].iter().copied().take(20).collect();
                    let word = String::from_utf8_lossy(&word);
                    let word = word.lines().next().unwrap_or_default();
                    return Err(unreadable(*line, format!("it starts with \"{word}\"")));
                }
            }
            *at += 1;
        }
        let Some(length) = length_of_object(&text[*at..]) else {
            if text.len() - *at > MAX_OBJECT_BYTES {
                return Err(unreadable(*line, "it does not end within 16 MB"));
            }
            return Ok(None);
        };
        let range = *at..*at + length;
        let begins = *line;
        *line += text[range.clone()].iter().filter(|byte| **byte == b'\n').count() as u64;
        *at = range.end;
        Ok(Some((begins, range)))
    }

    fn gather_keys(&mut self) -> Result<()> {
        while let Some((line, range)) = self.next_object()? {
            take(&self.text[range], line, &mut Row { names: &mut self.names, cells: None, row: 0, hint: 0 })?;
            if self.names.all.len() > MAX_COLUMNS {
                return Err(Message::new(Code::TooManyColumns)
                    .with("found", self.names.all.len())
                    .with("limit", MAX_COLUMNS));
            }
        }
        Ok(())
    }

    fn ends_here(&self) -> Result<()> {
        if self.at < self.text.len() {
            return Err(unreadable(self.line, "it has no end"));
        }
        Ok(())
    }
}

impl<S: Source> Reader for Objects<S> {
    fn next(&mut self) -> Result<Step> {
        if self.phase != Phase::Reading {
            let more = self.read_on()?;
            self.gather_keys()?;
            if more && self.phase == Phase::Searching {
                return Ok(Step::Working);
            }
            // If the first object is longer than a chunk, reading continues to its end.
            if more && self.names.all.is_empty() {
                return Ok(Step::Working);
            }
            if !more {
                self.ends_here()?;
            }
            return Ok(self.begin_reading());
        }
        let n_columns = self.names.all.len();
        let n_most = (BATCH_VALUES / n_columns.max(1)).max(1);
        let mut batch = Batch::new(n_columns);
        while batch.n_rows() < n_most {
            let Some((line, range)) = self.next_object()? else {
                if self.read_on()? {
                    if batch.n_rows() > 0 {
                        break;
                    }
                    continue;
                }
                self.ends_here()?;
                break;
            };
            let row = batch.n_rows();
            let cells = Some(&mut batch.columns);
            take(&self.text[range], line, &mut Row { names: &mut self.names, cells, row, hint: 0 })?;
            if self.names.all.len() > n_columns {
                self.phase = Phase::Searching;
                return Ok(Step::Working);
            }
            for cells in &mut batch.columns {
                cells.resize(row + 1);
            }
            batch.lines.push(line);
        }
        Ok(if batch.n_rows() == 0 { Step::End } else { Step::Rows(batch) })
    }

    fn fraction(&self) -> f64 {
        self.position as f64 / self.source.size().max(1) as f64
    }
}

/// The length in bytes of the object at the beginning of `text`; `None` if its end is missing.
fn length_of_object(text: &[u8]) -> Option<usize> {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for (i, byte) in text.iter().enumerate() {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' => depth += 1,
            b'}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Some(i + 1);
                }
            }
            _ => {}
        }
    }
    None
}

fn take(text: &[u8], line: u64, row: &mut Row<'_>) -> Result<()> {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let read = deserializer.deserialize_map(Object { row, prefix: "" });
    read.and_then(|()| deserializer.end()).map_err(|error| {
        // serde_json reports a position relative to the object, which a reader would take for one
        // in the file.
        let detail = error.to_string();
        unreadable(line, detail.split(" at line ").next().unwrap_or_default())
    })
}

fn unreadable(line: u64, detail: impl fmt::Display) -> Message {
    Message::new(Code::ObjectUnreadable).with("row", line).with("detail", detail)
}

fn damaged(error: std::io::Error) -> Message {
    Message::new(Code::FileDamaged).with("format", "JSON").with("detail", error)
}

/// Where the content of an object goes: the cells of a batch, or only the column names.
struct Row<'a> {
    names: &'a mut Names,
    cells: Option<&'a mut Vec<Cells>>,
    row: usize,
    /// The index of the column that is expected for the next key.
    hint: usize,
}

impl Row<'_> {
    fn find(&mut self, name: &str) -> Option<usize> {
        let hinted = self.names.all.get(self.hint).is_some_and(|hinted| hinted == name);
        let place = if hinted { self.hint } else { *self.names.places.get(name)? };
        self.hint = place + 1;
        Some(place)
    }

    fn put(&mut self, key: &Key, push: impl FnOnce(&mut Cells)) {
        let place = match key {
            Key::Known(place) => *place,
            Key::New(name) => {
                let place = self.names.all.len();
                self.names.all.push(name.clone());
                self.names.places.insert(name.clone(), place);
                place
            }
        };
        // A new column has no cells in this batch, which will be discarded.
        let Some(cells) = self.cells.as_mut().and_then(|cells| cells.get_mut(place)) else { return };
        // If a key is repeated, its last value counts, as in browsers.
        cells.resize(self.row);
        push(cells);
    }
}

enum Key {
    Known(usize),
    New(String),
}

/// The keys of an object or of a nested object.
struct Object<'r, 'a> {
    row: &'r mut Row<'a>,
    /// The prefix of this object's keys: `outer.` in a nested object, else empty.
    prefix: &'r str,
}

impl<'de> Visitor<'de> for Object<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<(), A::Error> {
        while let Some(key) = map.next_key_seed(OfKey { row: self.row, prefix: self.prefix })? {
            map.next_value_seed(OfValue { row: self.row, key, inside: !self.prefix.is_empty() })?;
        }
        Ok(())
    }
}

struct OfKey<'r, 'a> {
    row: &'r mut Row<'a>,
    prefix: &'r str,
}

impl<'de> DeserializeSeed<'de> for OfKey<'_, '_> {
    type Value = Key;

    fn deserialize<D: serde::Deserializer<'de>>(self, from: D) -> std::result::Result<Key, D::Error> {
        from.deserialize_str(self)
    }
}

impl Visitor<'_> for OfKey<'_, '_> {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> std::result::Result<Key, E> {
        if self.prefix.is_empty() {
            return Ok(self.row.find(name).map_or_else(|| Key::New(name.to_owned()), Key::Known));
        }
        let name = format!("{}{name}", self.prefix);
        Ok(self.row.find(&name).map_or(Key::New(name), Key::Known))
    }
}

struct OfValue<'r, 'a> {
    row: &'r mut Row<'a>,
    key: Key,
    /// Whether the value is inside a nested object.
    inside: bool,
}

impl<'de> DeserializeSeed<'de> for OfValue<'_, '_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, from: D) -> std::result::Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for OfValue<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> std::result::Result<(), E> {
        self.row.put(&self.key, |cells| cells.push_number(value));
        Ok(())
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> std::result::Result<(), E> {
        self.visit_f64(value as f64)
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> std::result::Result<(), E> {
        self.visit_f64(value as f64)
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> std::result::Result<(), E> {
        self.row.put(&self.key, |cells| cells.push_word(if value { "true" } else { "false" }));
        Ok(())
    }

    fn visit_unit<E: serde::de::Error>(self) -> std::result::Result<(), E> {
        self.row.put(&self.key, Cells::push_missing);
        Ok(())
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> std::result::Result<(), E> {
        self.row.put(&self.key, |cells| cells.push_text(text));
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> std::result::Result<(), A::Error> {
        if self.row.cells.is_none() {
            while list.next_element::<IgnoredAny>()?.is_some() {}
            self.row.put(&self.key, |_| ());
            return Ok(());
        }
        let mut values: Vec<Value> = Vec::new();
        while let Some(value) = list.next_element()? {
            values.push(value);
        }
        self.row.put(&self.key, |cells| cells.push_word(&Value::from(values).to_string()));
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<(), A::Error> {
        if !self.inside {
            let outer = match self.key {
                Key::Known(place) => self.row.names.all[place].clone(),
                Key::New(name) => name,
            };
            return Object { row: self.row, prefix: &format!("{outer}.") }.visit_map(map);
        }
        let mut values = serde_json::Map::new();
        while let Some((key, value)) = map.next_entry::<String, Value>()? {
            values.insert(key, value);
        }
        self.row.put(&self.key, |cells| cells.push_word(&Value::from(values).to_string()));
        Ok(())
    }
}
