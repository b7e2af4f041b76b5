//! The table that defines a choice: `choice!` turns its rows into an enum and a [`Spec`].
//!
//! In JSON, a *tagged* choice is an object whose `kind` names the entry; its other fields are the entry's
//! parameters, which may be omitted if they have defaults. A *named* choice is just the name of the entry.

use std::ops::RangeInclusive;

use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::fields::Fields;
use crate::message::{Code, Message, Result, count, short};

mod parameter;

pub use parameter::{Parameter, take};

/// A choice with all its entries, in the order in which the form offers them. The first is the default.
#[derive(Debug, PartialEq, Serialize)]
pub struct Spec {
    /// The name of the choice, by which the page looks up its labels.
    pub name: &'static str,
    /// The path of the choice in a configuration.
    pub path: &'static str,
    /// Whether the choice is an object with a `kind` in JSON (else it is a name).
    pub tagged: bool,
    /// The entries, one per row of the table.
    pub entries: &'static [Entry],
}

/// One entry of a choice: a row of its table.
#[derive(Debug, PartialEq, Serialize)]
pub struct Entry {
    /// The entry's name in configurations, links and run files.
    pub name: &'static str,
    /// How the entry is written in JSON, if not by its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub written: Option<bool>,
    /// Name and value of the constant by which shaders refer to the entry, if they do.
    #[serde(skip)]
    pub kernel: Option<(&'static str, u32)>,
    /// The parameters of the entry.
    pub parameters: &'static [ParameterSpec],
}

/// One parameter of an entry.
#[derive(Debug, PartialEq, Serialize)]
pub struct ParameterSpec {
    /// The parameter's name in configurations.
    pub name: &'static str,
    /// The type of the parameter's value.
    pub kind: Kind,
    /// Minimum and maximum of a numeric parameter.
    pub range: Option<(f64, f64)>,
    /// The unit of a numeric parameter.
    pub unit: Option<&'static str>,
}

/// The type of a parameter's value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// The value is a real number.
    Number,
    /// The value is an integer, at least 0.
    Count,
    /// The value is a boolean.
    Flag,
    /// An entry of another choice.
    Entry(&'static Spec),
    /// The value is any text.
    Text,
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            Self::Number => "number",
            Self::Count => "count",
            Self::Flag => "flag",
            Self::Entry(spec) => spec.name,
            Self::Text => "text",
        })
    }
}

/// The value of a parameter.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Setting {
    /// The value of a real-valued parameter.
    Number(f64),
    /// The value of an integer parameter.
    Count(u64),
    /// The value of a boolean parameter.
    Flag(bool),
    /// The name of an entry of another choice.
    Name(&'static str),
    /// The value of a text parameter.
    Text(String),
}

/// The common interface of all choices.
pub trait Choice: Sized + 'static {
    /// The table of the choice.
    const SPEC: &'static Spec;

    /// The entry with this name, with its parameters at their defaults.
    fn named(name: &str) -> Option<Self>;

    /// The name of the entry in configurations.
    fn name(&self) -> &'static str;

    /// The values of the entry's parameters, in the order of the table.
    fn settings(&self) -> Vec<Setting>;

    /// Sets the parameters that `fields` contains.
    fn take(&mut self, fields: &mut Fields) -> std::result::Result<(), String>;

    /// The entry's row in the table.
    fn entry(&self) -> &'static Entry {
        let found = Self::SPEC.entries.iter().find(|entry| entry.name == self.name());
        found.unwrap_or(&Self::SPEC.entries[0])
    }

    /// The number by which shaders refer to the entry; 0 if they do not.
    fn number(&self) -> u32 {
        self.entry().kernel.map_or(0, |(_, number)| number)
    }

    /// All entries, with their parameters at their defaults.
    fn all() -> impl Iterator<Item = Self> {
        Self::SPEC.entries.iter().filter_map(|entry| Self::named(entry.name))
    }

    /// Checks every parameter against its range.
    ///
    /// # Errors
    /// [`Code::FieldOutOfRange`] for the first parameter that is out of its range.
    fn check_ranges(&self) -> Result<()> {
        for (parameter, setting) in self.entry().parameters.iter().zip(self.settings()) {
            let value = match setting {
                Setting::Number(value) => value,
                Setting::Count(value) => value as f64,
                _ => continue,
            };
            if let Some((min, max)) = parameter.range {
                within(&format!("{}.{}", Self::SPEC.path, parameter.name), value, min, max)?;
            }
        }
        Ok(())
    }
}

impl Spec {
    /// Names and values of the constants by which shaders refer to the entries, such as `LOSS_HUBER`.
    pub fn kernel_constants(&self) -> impl Iterator<Item = (String, u32)> {
        let prefix = self.name.to_uppercase();
        let named = self.entries.iter().filter_map(|entry| entry.kernel);
        named.map(move |(name, number)| (format!("{prefix}_{name}"), number))
    }

    /// Whether `value` is the name of an entry of the choice at `path`, or of a choice that is a parameter
    /// there.
    pub fn is_name(&self, path: &str, value: &str) -> bool {
        let Some(rest) = path.strip_prefix(self.path) else { return false };
        if rest.is_empty() {
            let is_written = self.entries.iter().any(|entry| entry.written.is_some());
            return !self.tagged && (!is_written || self.entry(value).is_some());
        }
        let parameters = || self.entries.iter().flat_map(|entry| entry.parameters);
        let Some(field) = rest.strip_prefix('.') else { return false };
        let is_word = |kind| matches!(kind, Kind::Entry(_) | Kind::Text);
        field == "kind" || parameters().any(|parameter| parameter.name == field && is_word(parameter.kind))
    }

    /// The entry with this name.
    pub fn entry(&self, name: &str) -> Option<&'static Entry> {
        self.entries.iter().find(|entry| entry.name == name)
    }
}

/// Reads a tagged choice from the fields of a JSON object.
///
/// # Errors
/// The kind is unknown, or a parameter is missing, unknown or unreadable.
pub fn from_fields<T: Choice>(fields: &mut Fields) -> std::result::Result<T, String> {
    let Some(Value::String(kind)) = fields.take("kind") else {
        return Err("missing field `kind`".to_owned());
    };
    let mut choice = T::named(&kind).ok_or_else(|| format!("there is no kind \"{kind}\""))?;
    choice.take(fields)?;
    fields.finish()?;
    Ok(choice)
}

/// Writes a tagged choice as an object.
pub fn write_tagged<T: Choice, S: Serializer>(
    choice: &T,
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    let parameters = choice.entry().parameters;
    let mut object = serializer.serialize_struct(T::SPEC.name, 1 + parameters.len())?;
    object.serialize_field("kind", choice.name())?;
    for (parameter, setting) in parameters.iter().zip(choice.settings()) {
        object.serialize_field(parameter.name, &setting)?;
    }
    object.end()
}

/// Reads a named choice from its name.
pub fn read_named<'de, T: Choice, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<T, D::Error> {
    from_name(&Value::deserialize(deserializer)?).map_err(D::Error::custom)
}

/// Converts a JSON value to a named choice.
///
/// # Errors
/// A description of why the value is not an entry.
pub fn from_name<T: Choice>(value: &Value) -> std::result::Result<T, String> {
    let entries = T::SPEC.entries;
    let is_it = |entry: &&Entry| match entry.written {
        Some(flag) => value.as_bool() == Some(flag),
        None => value.as_str() == Some(entry.name),
    };
    entries.iter().find(is_it).and_then(|entry| T::named(entry.name)).ok_or_else(|| {
        let written = |entry: &Entry| match entry.written {
            Some(flag) => flag.to_string(),
            None => format!("\"{}\"", entry.name),
        };
        let all: Vec<String> = entries.iter().map(written).collect();
        format!("there is no {} {value}, only {}", T::SPEC.name, all.join(", "))
    })
}

/// Writes a named choice as its name.
pub fn write_named<T: Choice, S: Serializer>(
    choice: &T,
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    match choice.entry().written {
        Some(flag) => serializer.serialize_bool(flag),
        None => serializer.serialize_str(choice.name()),
    }
}

/// The minimum and maximum of a range.
pub const fn ends(range: &RangeInclusive<f64>) -> (f64, f64) {
    (*range.start(), *range.end())
}

/// Returns an error if the value of a field is out of its range.
///
/// # Errors
/// [`Code::FieldOutOfRange`].
pub fn within(field: &str, value: f64, min: f64, max: f64) -> Result<()> {
    // A NaN compares false with everything, so it is refused here too.
    if (min..=max).contains(&value) {
        return Ok(());
    }
    Err(Message::new(Code::FieldOutOfRange)
        .with("field", field)
        .with("value", bound(value))
        .with("min", bound(min))
        .with("max", bound(max)))
}

/// Formats a limit for an error message: millions are written in full.
fn bound(value: f64) -> String {
    if value.fract() == 0.0 && (1e6..1e9).contains(&value) { count(value as u64) } else { short(value) }
}

/// The TypeScript declaration of a choice; `parameters` has the types of each entry's parameters.
#[cfg(test)]
pub(crate) fn declaration(spec: &Spec, parameters: &[&[String]]) -> String {
    let entries = spec.entries.iter().zip(parameters).map(|(entry, types)| {
        if !spec.tagged {
            return entry.written.map_or_else(|| format!("\"{}\"", entry.name), |flag| flag.to_string());
        }
        let fields = entry.parameters.iter().zip(*types);
        let fields: String = fields.map(|(field, kind)| format!(", {}: {kind}", field.name)).collect();
        format!("{{ kind: \"{}\"{fields} }}", entry.name)
    });
    entries.collect::<Vec<String>>().join(" | ")
}

/// Turns the table of a choice into its enum and its [`Spec`].
///
/// ```text
/// choice! {
///     /// What the choice is.
///     #[derive(Clone, Debug, PartialEq)]
///     pub enum Optimizer = "optimizer" at "optimizer", tagged, needs Needs {
///         /// The formula and its source.
///         Momentum = "momentum", kernel MOMENTUM = 1, needs FIRST_MOMENT, {
///             /// What the parameter does.
///             momentum: f64 = 0.9, in 0.0..=0.9999;
///         };
///     }
/// }
/// ```
///
/// `at` is the path in a configuration; `tagged` or `named` is the form in JSON. `kernel` defines a constant
/// in the module `kind` and in the shaders; `needs` states what the entry requires from the rest of the
/// crate. A parameter without a default must be given; `in` is its range and `unit` its unit. `written` is
/// the JSON of an entry that is not written by its name.
macro_rules! choice {
    (
        $(#[$meta:meta])*
        pub enum $Choice:ident = $choice:literal at $path:literal, $form:ident $(, needs $Needs:ty)? {
            $(
                $(#[$doc:meta])*
                $Entry:ident = $name:literal
                $(, written $written:literal)?
                $(, kernel $KERNEL:ident = $number:literal)?
                $(, needs $needs:expr)?
                $(, {
                    $(
                        $(#[$parameter_doc:meta])*
                        $parameter:ident: $Type:ty $(= $default:expr)? $(, in $range:expr)? $(, unit $unit:literal)?;
                    )*
                })?
                ;
            )+
        }
    ) => {
        $(#[$meta])*
        pub enum $Choice {
            $(
                $(#[$doc])*
                $Entry $({ $( $(#[$parameter_doc])* $parameter: $Type ),* })?,
            )+
        }

        impl $crate::choices::table::Choice for $Choice {
            const SPEC: &'static $crate::choices::table::Spec = &$crate::choices::table::Spec {
                name: $choice,
                path: $path,
                tagged: $crate::choices::table::choice!(@is_tagged $form),
                entries: &[$(
                    $crate::choices::table::Entry {
                        name: $name,
                        written: $crate::choices::table::choice!(@option $($written)?),
                        kernel: $crate::choices::table::choice!(@option $((stringify!($KERNEL), $number))?),
                        parameters: &[$($(
                            $crate::choices::table::ParameterSpec {
                                name: stringify!($parameter),
                                kind: <$Type as $crate::choices::table::Parameter>::KIND,
                                range: $crate::choices::table::choice!(
                                    @option $($crate::choices::table::ends(&($range)))?
                                ),
                                unit: $crate::choices::table::choice!(@option $($unit)?),
                            }
                        ),*)?],
                    }
                ),+],
            };

            fn named(name: &str) -> Option<Self> {
                Some(match name {
                    $( $name => Self::$Entry {
                        $($( $parameter: $crate::choices::table::choice!(@value $Type $(, $default)?) ),*)?
                    }, )+
                    _ => return None,
                })
            }

            fn name(&self) -> &'static str {
                match self {
                    $( Self::$Entry { .. } => $name, )+
                }
            }

            fn settings(&self) -> Vec<$crate::choices::table::Setting> {
                match self {
                    $( Self::$Entry { $($($parameter),*)? } => {
                        vec![$($( $crate::choices::table::Parameter::setting($parameter) ),*)?]
                    } )+
                }
            }

            fn take(&mut self, fields: &mut $crate::fields::Fields) -> std::result::Result<(), String> {
                match self {
                    $( Self::$Entry { $($($parameter),*)? } => {
                        $($( $crate::choices::table::take(
                            fields,
                            stringify!($parameter),
                            $parameter,
                            $crate::choices::table::choice!(@is_required $($default)?),
                        )?; )*)?
                    } )+
                }
                // Named choices have none.
                let _ = fields;
                Ok(())
            }
        }

        #[cfg(test)]
        impl ts_rs::TS for $Choice {
            type WithoutGenerics = Self;
            type OptionInnerType = Self;

            fn name(_: &ts_rs::Config) -> String {
                stringify!($Choice).to_owned()
            }

            fn inline(_types: &ts_rs::Config) -> String {
                let parameters: &[&[String]] = &[$( &[$($( <$Type as ts_rs::TS>::name(_types) ),*)?] ),+];
                $crate::choices::table::declaration(
                    <Self as $crate::choices::table::Choice>::SPEC,
                    parameters,
                )
            }

            fn decl(types: &ts_rs::Config) -> String {
                format!("type {} = {};", stringify!($Choice), <Self as ts_rs::TS>::inline(types))
            }
        }

        impl Default for $Choice {
            fn default() -> Self {
                let entries = <Self as $crate::choices::table::Choice>::SPEC.entries;
                let first = <Self as $crate::choices::table::Choice>::named(entries[0].name);
                first.unwrap_or_else(|| unreachable!("every entry is found by its name"))
            }
        }

        $crate::choices::table::choice!(@serde $form $Choice);
        $crate::choices::table::choice!(@kind $($([$Entry $KERNEL $number])?)+);
        $crate::choices::table::choice!(@needs $Choice [$($Needs)?] $([$Entry $($needs)?])+);
    };

    (@is_tagged tagged) => { true };
    (@is_tagged named) => { false };

    (@option) => { None };
    (@option $value:expr) => { Some($value) };

    (@is_required) => { true };
    (@is_required $default:expr) => { false };

    (@value $Type:ty) => { <$Type>::default() };
    (@value $Type:ty, $default:expr) => { $default };

    (@kind) => {};
    (@kind $([$Entry:ident $KERNEL:ident $number:literal])+) => {
        /// The constants by which kernels refer to the entries.
        pub mod kind {
            $(
                #[doc = concat!("The kernels' number of `", stringify!($Entry), "`.")]
                pub const $KERNEL: u32 = $number;
            )+
        }
    };

    (@needs $Choice:ident [] $($rest:tt)+) => {};
    (@needs $Choice:ident [$Needs:ty] $([$Entry:ident $needs:expr])+) => {
        impl $Choice {
            /// What the entry requires from the rest of the crate.
            pub const fn needs(&self) -> $Needs {
                match self {
                    $( Self::$Entry { .. } => $needs, )+
                }
            }
        }
    };

    (@serde tagged $Choice:ident) => {
        impl serde::Serialize for $Choice {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
                $crate::choices::table::write_tagged(self, serializer)
            }
        }

        impl $crate::fields::FromFields for $Choice {
            fn from_fields(fields: &mut $crate::fields::Fields) -> std::result::Result<Self, String> {
                $crate::choices::table::from_fields(fields)
            }
        }
        $crate::fields::read_fields!(@deserialize $Choice);
    };
    (@serde named $Choice:ident) => {
        impl serde::Serialize for $Choice {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
                $crate::choices::table::write_named(self, serializer)
            }
        }

        impl<'de> serde::Deserialize<'de> for $Choice {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
                $crate::choices::table::read_named(deserializer)
            }
        }

        impl $crate::choices::table::Parameter for $Choice {
            const KIND: $crate::choices::table::Kind =
                $crate::choices::table::Kind::Entry(<Self as $crate::choices::table::Choice>::SPEC);

            fn read(value: &serde_json::Value) -> std::result::Result<Self, Option<String>> {
                $crate::choices::table::from_name(value).map_err(Some)
            }

            fn setting(&self) -> $crate::choices::table::Setting {
                $crate::choices::table::Setting::Name($crate::choices::table::Choice::name(self))
            }
        }
    };
}

pub(crate) use choice;
