//! Reads structs from JSON objects, field by field.
//!
//! What serde derives reads each struct from an object and from an array, with a parser of field names of its own. That
//! was an eighth of the first load. [`read_fields!`] reads the same objects with a call for each field.

use serde::Deserialize as _;
use serde::de::{DeserializeOwned, Deserializer, Error as _};
use serde_json::{Map, Value, from_value};

/// The fields of a JSON object that have not been read yet.
#[derive(Debug)]
pub struct Fields(Map<String, Value>);

/// A type that is read from the fields of an object.
pub trait FromFields: Sized {
    /// Takes its fields.
    ///
    /// # Errors
    /// A field that is missing, unknown or unreadable, by its name.
    fn from_fields(fields: &mut Fields) -> Result<Self, String>;
}

/// Reads an object.
///
/// # Errors
/// Anything that is not an object, and those of [`FromFields::from_fields`].
pub fn read<'de, T: FromFields, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    T::from_fields(&mut Fields(Map::deserialize(deserializer)?)).map_err(D::Error::custom)
}

impl Fields {
    /// Takes a field, if it is there.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name)
    }

    /// Reads a field. One that may be null may also be missing.
    ///
    /// # Errors
    /// A field that is missing or unreadable.
    pub fn need<T: DeserializeOwned>(&mut self, name: &str) -> Result<T, String> {
        let found = self.take(name);
        let is_missing = found.is_none();
        from_value(found.unwrap_or_default()).map_err(|error| unreadable(name, is_missing, &error))
    }

    /// Reads a field into its place; a missing one leaves what is there.
    ///
    /// # Errors
    /// A field that is unreadable.
    pub fn set<T: DeserializeOwned>(&mut self, name: &str, place: &mut T) -> Result<(), String> {
        if self.0.contains_key(name) {
            *place = self.need(name)?;
        }
        Ok(())
    }

    /// Reads a field that a run can do without: an unreadable one counts as missing.
    ///
    /// # Errors
    /// None.
    pub fn lenient<T: DeserializeOwned>(&mut self, name: &str) -> Result<Option<T>, String> {
        Ok(self.need(name).unwrap_or_default())
    }

    /// Reads an array of numbers, of which null is NaN; a missing one is empty.
    ///
    /// # Errors
    /// A field that is unreadable.
    pub fn numbers(&mut self, name: &str) -> Result<Vec<f64>, String> {
        let values: Option<Vec<Option<f64>>> = self.need(name)?;
        Ok(values.unwrap_or_default().into_iter().map(|value| value.unwrap_or(f64::NAN)).collect())
    }

    /// Refuses fields that were not read.
    ///
    /// # Errors
    /// The first of them.
    pub fn finish(&self) -> Result<(), String> {
        self.0.keys().next().map_or(Ok(()), |name| Err(format!("unknown field `{name}`")))
    }
}

fn unreadable(name: &str, is_missing: bool, error: &serde_json::Error) -> String {
    if is_missing { format!("missing field `{name}`") } else { format!("{name}: {error}") }
}

/// Implements `Deserialize` for a struct, whose fields are listed, and refuses any other field. `default` fills in those
/// that are missing. `field: method` reads by another method than [`Fields::need`], `field = "name"` under another name.
macro_rules! read_fields {
    (default $Type:ident { $($field:ident),+ $(,)? }) => {
        impl $crate::fields::FromFields for $Type {
            fn from_fields(fields: &mut $crate::fields::Fields) -> std::result::Result<Self, String> {
                // Names every field, so that none can be forgotten.
                let Self { $(mut $field),+ } = Self::default();
                $( fields.set(stringify!($field), &mut $field)?; )+
                fields.finish()?;
                Ok(Self { $($field),+ })
            }
        }
        $crate::fields::read_fields!(@deserialize $Type);
    };
    ($Type:ident { $($field:ident $(: $method:ident)? $(= $name:literal)?),+ $(,)? }) => {
        impl $crate::fields::FromFields for $Type {
            fn from_fields(fields: &mut $crate::fields::Fields) -> std::result::Result<Self, String> {
                let read = Self {
                    $( $field: $crate::fields::read_fields!(@read fields $field $($method)? $($name)?)?, )+
                };
                fields.finish()?;
                Ok(read)
            }
        }
        $crate::fields::read_fields!(@deserialize $Type);
    };
    (@read $fields:ident $field:ident) => { $fields.need(stringify!($field)) };
    (@read $fields:ident $field:ident $name:literal) => { $fields.need($name) };
    (@read $fields:ident $field:ident $method:ident) => { $fields.$method(stringify!($field)) };
    (@deserialize $Type:ident) => {
        impl<'de> serde::Deserialize<'de> for $Type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
                $crate::fields::read(deserializer)
            }
        }
    };
}

pub(crate) use read_fields;
