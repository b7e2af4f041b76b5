//! The types that a parameter of a choice can have.

use serde_json::Value;

use super::{Kind, Setting};
use crate::fields::Fields;

/// A type that a parameter of a choice can have.
pub trait Parameter: Sized {
    /// The kind of the parameter, as tables describe it.
    const KIND: Kind;

    /// Converts a JSON value, if it has the right type.
    ///
    /// # Errors
    /// A specific message if there is one; else `None`.
    fn read(value: &Value) -> Result<Self, Option<String>>;

    /// Converts the value to a [`Setting`].
    fn setting(&self) -> Setting;
}

impl Parameter for f64 {
    const KIND: Kind = Kind::Number;

    fn read(value: &Value) -> Result<Self, Option<String>> {
        value.as_f64().ok_or(None)
    }

    fn setting(&self) -> Setting {
        Setting::Number(*self)
    }
}

impl Parameter for u64 {
    const KIND: Kind = Kind::Count;

    fn read(value: &Value) -> Result<Self, Option<String>> {
        // JavaScript has only one kind of number.
        let whole = || {
            let number = value.as_f64().filter(|v| (0.0..=9.007_199_254_740_992e15).contains(v))?;
            (libm::floor(number) == number).then_some(number as Self)
        };
        value.as_u64().or_else(whole).ok_or(None)
    }

    fn setting(&self) -> Setting {
        Setting::Count(*self)
    }
}

impl Parameter for u32 {
    const KIND: Kind = Kind::Count;

    fn read(value: &Value) -> Result<Self, Option<String>> {
        u64::read(value)?.try_into().map_err(|_| None)
    }

    fn setting(&self) -> Setting {
        Setting::Count(u64::from(*self))
    }
}

impl Parameter for bool {
    const KIND: Kind = Kind::Flag;

    fn read(value: &Value) -> Result<Self, Option<String>> {
        value.as_bool().ok_or(None)
    }

    fn setting(&self) -> Setting {
        Setting::Flag(*self)
    }
}

impl Parameter for String {
    const KIND: Kind = Kind::Text;

    fn read(value: &Value) -> Result<Self, Option<String>> {
        value.as_str().map(str::to_owned).ok_or(None)
    }

    fn setting(&self) -> Setting {
        Setting::Text(self.clone())
    }
}

/// Reads a parameter from the fields of an object. If it is absent, `value` stays unchanged, which is an
/// error for a required parameter.
///
/// # Errors
/// The parameter is required but missing, or unreadable.
pub fn take<T: Parameter>(
    fields: &mut Fields,
    name: &'static str,
    value: &mut T,
    is_required: bool,
) -> Result<(), String> {
    match fields.take(name) {
        Some(found) => {
            let error =
                |error: Option<String>| error.unwrap_or_else(|| format!("{name}: {found} cannot be read"));
            *value = T::read(&found).map_err(error)?;
            Ok(())
        }
        None if is_required => Err(format!("missing field `{name}`")),
        None => Ok(()),
    }
}
