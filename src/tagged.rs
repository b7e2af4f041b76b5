//! Choices with parameters as configurations write them: an object whose `kind` says which, beside its parameters.
//!
//! What serde derives for such enums is a parser a variant, a tenth of the whole download; this is one for all.

use serde::de::{DeserializeOwned, Deserializer, Error};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// An object that is being taken apart.
#[derive(Debug)]
pub struct Tagged {
    kind: String,
    fields: Map<String, Value>,
    error: Option<String>,
}

impl Tagged {
    /// Takes up an object.
    ///
    /// # Errors
    /// Where it is none, or has no `kind`.
    pub fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut fields = Map::deserialize(deserializer)?;
        match fields.remove("kind") {
            Some(Value::String(kind)) => Ok(Self { kind, fields, error: None }),
            _ => Err(D::Error::missing_field("kind")),
        }
    }

    /// Which choice it is.
    pub fn kind(&self) -> String {
        self.kind.clone()
    }

    /// A parameter, or its default where it is left out.
    pub fn or<T: Parameter>(&mut self, name: &str, default: T) -> T {
        let Some(value) = self.fields.remove(name) else { return default };
        T::of(&value).unwrap_or_else(|| {
            self.error.get_or_insert_with(|| format!("{name}: {value} cannot be read"));
            default
        })
    }

    /// A parameter that must be there.
    ///
    /// # Errors
    /// Where it is not, or cannot be read.
    pub fn need<T: DeserializeOwned, E: Error>(&mut self, name: &'static str) -> Result<T, E> {
        need(&mut self.fields, name)
    }

    /// The choice, if every parameter was known and could be read.
    ///
    /// # Errors
    /// The first that was not.
    pub fn finish<T, E: Error>(self, choice: Option<T>) -> Result<T, E> {
        let Some(choice) = choice else {
            return Err(E::custom(format!("there is no kind \"{}\"", self.kind)));
        };
        if let Some(error) = self.error {
            return Err(E::custom(error));
        }
        match self.fields.keys().next() {
            Some(name) => Err(E::custom(format!("unknown field `{name}`"))),
            None => Ok(choice),
        }
    }
}

/// An object of fields that are read one by one, for structs whose derived parser would be large.
#[derive(Debug)]
pub struct Fields(Map<String, Value>);

impl Fields {
    /// Takes up an object.
    ///
    /// # Errors
    /// Where it is none.
    pub fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Map::deserialize(deserializer).map(Self)
    }

    /// A field that must be there.
    ///
    /// # Errors
    /// Where it is not, or cannot be read.
    pub fn need<T: DeserializeOwned, E: Error>(&mut self, name: &'static str) -> Result<T, E> {
        need(&mut self.0, name)
    }

    /// A field that may be left out, or null.
    ///
    /// # Errors
    /// Where it is there and cannot be read.
    pub fn may<T: DeserializeOwned, E: Error>(&mut self, name: &'static str) -> Result<Option<T>, E> {
        if self.0.get(name).is_some_and(|value| !value.is_null()) {
            return self.need(name).map(Some);
        }
        self.0.remove(name);
        Ok(None)
    }

    /// Refuses what was not asked for.
    ///
    /// # Errors
    /// The first field that is left.
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

/// What a parameter can be.
pub trait Parameter: Copy + Serialize {
    /// The value, if it is of this kind and within its range.
    fn of(value: &Value) -> Option<Self>;
}

impl Parameter for f64 {
    fn of(value: &Value) -> Option<Self> {
        value.as_f64()
    }
}

impl Parameter for u64 {
    fn of(value: &Value) -> Option<Self> {
        // JavaScript has but one kind of number.
        value.as_u64().or_else(|| {
            let number = value.as_f64().filter(|v| (0.0..=9.007_199_254_740_992e15).contains(v))?;
            (libm::floor(number) == number).then_some(number as Self)
        })
    }
}

impl Parameter for u32 {
    fn of(value: &Value) -> Option<Self> {
        u64::of(value)?.try_into().ok()
    }
}

impl Parameter for bool {
    fn of(value: &Value) -> Option<Self> {
        value.as_bool()
    }
}
