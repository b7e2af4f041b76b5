//! Python code and comments that explain how to compute features for formats that contain only
//! weights.

use downhill::dataset::Term;
use downhill::model::Response;

use crate::format::{Held, Part};
use downhill::foreign::Model;

/// How an archive of arrays contains a part of a model. A program that loads the file must compute the features.
pub(crate) fn held_by_arrays(_: &Model, part: Part) -> Option<Held> {
    match part {
        Part::Weights => Some(Held::Inside),
        Part::Scaling => Some(Held::Folded),
        Part::Terms | Part::Levels => Some(Held::Outside),
        Part::Columns | Part::Training | Part::Provenance => Some(Held::Note),
        Part::History => None,
    }
}

/// Returns Python lines that build `X`, with one row per case and one column per feature, for an
/// example row.
pub(crate) fn numpy_rows(model: &Model) -> String {
    let example = |index: usize| example(model.map.inputs[index].center, model.map.inputs[index].scale);
    if model.is_plain() {
        let order: Vec<String> = model.inputs.iter().map(|input| comment(&input.name)).collect();
        let row: Vec<String> = (0..model.inputs.len()).map(example).collect();
        return format!("X = [[{}]]  # {}\n", row.join(", "), order.join(", "));
    }
    let mut lines = String::new();
    for (index, input) in model.inputs.iter().enumerate() {
        let value = match input.levels.last() {
            Some(level) => python_text(level),
            None => example(index),
        };
        lines += &format!("v{} = {value}  # {}\n", index + 1, comment(&input.name));
    }
    let mut made: Vec<String> = Vec::with_capacity(model.weights.len());
    for term in model.map.terms() {
        made.push(match term {
            Term::Power { input, power: 1 } => format!("v{}", input + 1),
            Term::Power { input, power } => format!("v{}**{power}", input + 1),
            Term::Level { input, level } => {
                let word = model.inputs[input].levels.get(level).map_or("", String::as_str);
                format!("(v{} == {})", input + 1, python_text(word))
            }
            Term::Product { of: [a, b] } => format!("{} * {}", made[a], made[b]),
        });
    }
    lines + &format!("X = [[{}]]\n", made.join(", "))
}

/// Returns an example value of an input, with few digits, in the range of the data.
pub(crate) fn example(center: f64, scale: f64) -> String {
    if center == 0.0 {
        return "0.5".to_owned();
    }
    // The number of decimals follows from the scale.
    let places = (1.0 - scale.abs().log10().floor()).clamp(0.0, 12.0) as usize;
    format!("{center:.places$}")
}

/// Returns a line that prints predictions. The patterns are for the three activations, with `{}` for the
/// outputs.
pub(crate) fn after(outputs: &str, activation: Response, [sigmoid, softmax, exp]: [&str; 3]) -> String {
    let pattern = match activation {
        Response::Linear => "{}",
        Response::Sigmoid => sigmoid,
        Response::Softmax => softmax,
        Response::Exponential => exp,
    };
    format!("print({})\n", pattern.replace("{}", outputs))
}

/// Writes a Python string literal.
pub(crate) fn python_text(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            ' '..='~' => quoted.push(letter),
            _ if letter.is_alphanumeric() => quoted.push(letter),
            _ => quoted += &format!("\\U{:08x}", letter as u32),
        }
    }
    quoted.push('"');
    quoted
}

/// Escapes a text for a line comment: nothing in it may end the line, change the text direction or
/// be invisible.
pub(crate) fn comment(text: &str) -> String {
    let shown = |letter: char| match letter {
        ' '..='~' => String::from(letter),
        _ if letter.is_alphanumeric() || "°²³µ±·×÷€£¥–—".contains(letter) => {
            String::from(letter)
        }
        _ => format!("<{:04x}>", letter as u32),
    };
    let text: String = text.chars().take(200).map(shown).collect();
    // A C compiler joins a line that ends with a backslash (or its trigraph `??/`) with the next
    // one, even if blanks follow.
    if text.trim_end().ends_with(['\\', '/']) { text + "." } else { text }
}
