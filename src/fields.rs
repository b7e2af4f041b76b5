//! Objects of run files, field by field.

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error};
use serde_json::{Map, Value};

/// A JSON object whose fields are read one by one, for structs that files have in more than one form.
#[derive(Debug)]
pub struct Fields(Map<String, Value>);

impl Fields {
    /// Reads an object.
    ///
    /// # Errors
    /// Anything that is not an object.
    pub fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Map::deserialize(deserializer).map(Self)
    }

    /// A field that must be there.
    ///
    /// # Errors
    /// A field that is missing, or cannot be read.
    pub fn need<T: DeserializeOwned, E: Error>(&mut self, name: &'static str) -> Result<T, E> {
        need(&mut self.0, name)
    }

    /// A field that may be left out, or null.
    ///
    /// # Errors
    /// A field that cannot be read.
    pub fn may<T: DeserializeOwned, E: Error>(&mut self, name: &'static str) -> Result<Option<T>, E> {
        if self.0.get(name).is_some_and(|value| !value.is_null()) {
            return self.need(name).map(Some);
        }
        self.0.remove(name);
        Ok(None)
    }

    /// Refuses fields that were not asked for.
    ///
    /// # Errors
    /// The first of them.
    pub fn finish<T, E: Error>(self, read: T) -> Result<T, E> {
        match self.0.keys().next() {
            Some(name) => Err(E::custom(format!("unknown field `{name}`"))),
            None => Ok(read),
        }
    }
}

fn need<T: DeserializeOwned, E: Error>(fields: &mut Map<String, Value>, name: &'static str) -> Result<T, E> {
    let value = fields.remove(name).ok_or_else(|| E::missing_field(name))?;
    serde_json::from_value(value).map_err(|error| E::custom(format!("{name}: {error}")))
}
