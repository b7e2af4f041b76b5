//! Types that the parameter of a choice can have.

use serde_json::Value;

use super::{Kind, Setting};
use crate::fields::Fields;

/// What the type of a parameter can do.
pub trait Parameter: Sized {
    /// What it can be.
    const KIND: Kind;

    /// The value, if JSON has one of this kind.
    ///
    /// # Errors
    /// What is wrong with it, if it has a wording of its own.
    fn read(value: &Value) -> Result<Self, Option<String>>;

    /// Its value.
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

/// Takes a parameter from the fields of an object; without one `value` stays, which is an error where it must be given.
///
/// # Errors
/// A parameter that is missing or unreadable.
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
