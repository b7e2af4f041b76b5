//! Reads structs from JSON objects, field by field.
//!
//! Serde's derived code reads each struct from objects and arrays, with its own parser of field names; that
//! made up an eighth of the wasm's size. `read_fields!` reads the same objects with one call per field.

use serde::Deserialize as _;
use serde::de::{DeserializeOwned, Deserializer, Error as _};
use serde_json::{Map, Value, from_value};

/// The fields of a JSON object that have not been read yet.
#[derive(Debug)]
pub struct Fields(Map<String, Value>);

/// A type that is read from the fields of an object.
pub trait FromFields: Sized {
    /// Reads the value from the fields, which removes them from `fields`.
    ///
    /// # Errors
    /// Names the field that is missing, unknown or unreadable.
    fn from_fields(fields: &mut Fields) -> Result<Self, String>;
}

/// Reads a type from a JSON object, for serde.
///
/// # Errors
/// The value is not an object, or an error of [`FromFields::from_fields`].
pub fn read<'de, T: FromFields, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    T::from_fields(&mut Fields(Map::deserialize(deserializer)?)).map_err(D::Error::custom)
}

impl Fields {
    /// Removes and returns the value of a field, if it is present.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name)
    }

    /// Reads a required field. A field whose type allows null may be absent.
    ///
    /// # Errors
    /// The field is missing or unreadable.
    pub fn need<T: DeserializeOwned>(&mut self, name: &str) -> Result<T, String> {
        let found = self.take(name);
        let is_missing = found.is_none();
        from_value(found.unwrap_or_default()).map_err(|error| unreadable(name, is_missing, &error))
    }

    /// Reads a field into `place`, which stays unchanged if the field is absent.
    ///
    /// # Errors
    /// The field is unreadable.
    pub fn set<T: DeserializeOwned>(&mut self, name: &str, place: &mut T) -> Result<(), String> {
        if self.0.contains_key(name) {
            *place = self.need(name)?;
        }
        Ok(())
    }

    /// Reads an optional field; if it is unreadable, it counts as absent.
    ///
    /// # Errors
    /// Never fails.
    pub fn lenient<T: DeserializeOwned>(&mut self, name: &str) -> Result<Option<T>, String> {
        Ok(self.need(name).unwrap_or_default())
    }

    /// Reads an array of numbers, in which null means NaN. If the field is absent, the result is empty.
    ///
    /// # Errors
    /// The field is unreadable.
    pub fn numbers(&mut self, name: &str) -> Result<Vec<f64>, String> {
        let values: Option<Vec<Option<f64>>> = self.need(name)?;
        Ok(values.unwrap_or_default().into_iter().map(|value| value.unwrap_or(f64::NAN)).collect())
    }

    /// Returns an error if any field was not read.
    ///
    /// # Errors
    /// Names the first field that was not read.
    pub fn finish(&self) -> Result<(), String> {
        self.0.keys().next().map_or(Ok(()), |name| Err(format!("unknown field `{name}`")))
    }
}

fn unreadable(name: &str, is_missing: bool, error: &serde_json::Error) -> String {
    if is_missing { format!("missing field `{name}`") } else { format!("{name}: {error}") }
}

/// Implements `Deserialize` for a struct with the listed fields; any other field is an error. With `default`,
/// absent fields have their default. `field: method` reads the field with another method than
/// [`Fields::need`]; `field = "name"` reads it under another name.
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
