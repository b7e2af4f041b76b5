//! Writes SQL: one query over a table `data`, for SQLite (3.35 or later, with math functions) and
//! DuckDB.
//!
//! Rows without a prediction become NULL. Every column is qualified with its table, because SQLite
//! treats an unknown quoted name as a string.

use std::collections::HashSet;

use downhill::dataset::{Input, Term};
use downhill::foreign::Model;
use downhill::message::Result;
use downhill::model::Response;

use super::{Language, Program, TERMS_A_STATEMENT, addends, cannot_hold, divided, minus};
use crate::format::{FormatSpec, Group};

pub(crate) const SPEC: FormatSpec = FormatSpec {
    name: "sql",
    group: Group::Code,
    file_name: "downhill_step_{step}.sql",
    recognizes: |content| super::recognizes(content, Language::Sql),
    write: |run| super::write(run, Language::Sql, body),
    read: Some(|bytes| super::read(bytes, Language::Sql)),
    holds: super::holds,
    how_to_load: |_, file_name| ("sh", how_to_load(file_name)),
};

/// Writes a floating-point literal. DuckDB takes `0.5` to be an exact decimal with that many
/// digits.
fn number(value: f64) -> String {
    format!("{value:e}")
}

fn name(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn body(program: &Program<'_>) -> Result<String> {
    let model = program.model;
    let columns = columns(model)?;
    let features = features(program);
    let score = |output: usize| score(model, &features, output);
    let condition = condition(model);
    let case = |value: &str| format!("CASE WHEN {condition} THEN {value} END");
    let one =
        |value: &str, column: &str| format!("SELECT data.*, {} AS \"{column}\"\nFROM data;", case(value));
    let select = match model.activation {
        Response::Linear => one(&score(0), "prediction"),
        Response::Sigmoid => one(&format!("1e0 / (1e0 + exp(-({})))", score(0)), "probability"),
        Response::Exponential => one(&format!("exp({})", score(0)), "rate"),
        Response::Softmax => {
            let scores = (0..program.n_outputs()).map(|k| case(&score(k))).collect();
            softmax(model, &columns, scores)
        }
    };
    Ok(select + "\n\n")
}

/// Returns the names of the inputs' columns in lower case; fails if SQL cannot distinguish them.
fn columns(model: &Model) -> Result<HashSet<String>> {
    let mut columns = HashSet::new();
    for input in &model.inputs {
        if input.name.is_empty() || input.name.contains('\0') {
            return Err(cannot_hold(Language::Sql, "a column whose name is empty or contains a zero byte"));
        }
        if !columns.insert(input.name.to_lowercase()) {
            return Err(cannot_hold(
                Language::Sql,
                "columns whose names differ only in upper and lower case",
            ));
        }
    }
    let mut words = model.inputs.iter().flat_map(|input| &input.levels).chain(&model.target_levels);
    match words.any(|word| word.contains('\0')) {
        true => Err(cannot_hold(Language::Sql, "text with a zero byte")),
        false => Ok(columns),
    }
}

fn column(model: &Model, input: usize) -> String {
    format!("data.{}", name(&model.inputs[input].name))
}

/// Writes an expression for each feature.
fn features(program: &Program<'_>) -> Vec<String> {
    let model = program.model;
    let mut values: Vec<String> = Vec::with_capacity(program.terms.len());
    for (k, term) in program.terms.iter().enumerate() {
        values.push(match *term {
            Term::Power { input, power: 1 } => {
                let map = &model.map.inputs[input];
                let own = format!("CAST({} AS DOUBLE)", column(model, input));
                divided(&minus(&own, map.center, number), map.scale, number)
            }
            Term::Power { power, .. } => {
                let first = &values[k + 1 - power as usize];
                format!("({})", vec![first.as_str(); power as usize].join(" * "))
            }
            Term::Level { input, level } => {
                let level = text(&model.inputs[input].levels[level]);
                format!("CASE WHEN {} = {level} THEN 1e0 ELSE 0e0 END", column(model, input))
            }
            Term::Product { of: [a, b] } => format!("({} * {})", values[a], values[b]),
        });
    }
    values.iter().enumerate().map(|(k, value)| program.feature(k, value, number)).collect()
}

/// Writes the score of an output: the weighted sum of the features.
fn score(model: &Model, features: &[String], output: usize) -> String {
    let part = |(chunk, features): (usize, &[String])| {
        let bias = model.bias.as_ref().filter(|_| chunk == 0).map(|bias| number(bias[output]));
        let weights = model.weights.iter().skip(chunk * TERMS_A_STATEMENT).map(|row| row[output]);
        bracketed(&addends(bias, features, weights, number), "")
    };
    let parts: Vec<String> = features.chunks(TERMS_A_STATEMENT).enumerate().map(part).collect();
    if parts.len() == 1 { parts.concat() } else { format!("({})", parts.join(" + ")) }
}

/// Writes the condition that is true for rows that can be predicted.
fn condition(model: &Model) -> String {
    // A number equals itself cast to a number; otherwise SQLite would take any word to be 0.
    let readable = |(input, own): (usize, &Input)| match &own.levels[..] {
        [] => format!("{0} = CAST({0} AS DOUBLE)", column(model, input)),
        levels => {
            let levels: Vec<String> = levels.iter().map(|level| text(level)).collect();
            format!("{} IN ({})", column(model, input), levels.join(", "))
        }
    };
    let readable: Vec<String> = model.inputs.iter().enumerate().map(readable).collect();
    // Conditions are grouped in brackets, because a query nests one level deeper for each.
    let readable = readable.chunks(TERMS_A_STATEMENT).map(|some| bracketed(some, "AND "));
    readable.collect::<Vec<String>>().join(" AND ")
}

/// Writes a query that selects the scores first, then the probability of each class.
fn softmax(model: &Model, columns: &HashSet<String>, scores: Vec<String>) -> String {
    let n = scores.len();
    let mut prefix = String::from("score_");
    while columns.iter().any(|name| name.starts_with(&prefix)) {
        prefix.push('_');
    }
    let scores: Vec<String> = scores
        .into_iter()
        .enumerate()
        .map(|(k, score)| format!("{score} AS \"{prefix}{}\"", k + 1))
        .collect();
    // 1 / sum_j e^(z_j - z_k): overflow to infinity gives 0, which is close enough.
    let probability = |k: usize| {
        let powers: Vec<String> =
            (0..n).map(|j| format!("exp(\"{prefix}{}\" - \"{prefix}{}\")", j + 1, k + 1)).collect();
        let powers: Vec<String> =
            powers.chunks(TERMS_A_STATEMENT).map(|some| format!("({})", some.join(" + "))).collect();
        let class = model.target_levels.get(k).map_or("", String::as_str);
        format!("1e0 / ({}) AS {}", powers.join(" + "), name(&format!("probability of {class}")))
    };
    let probabilities: Vec<String> = (0..n).map(probability).collect();
    format!(
        "SELECT scored.*,\n{}\nFROM (SELECT data.*,\n{}\nFROM data) AS scored;",
        probabilities.join(",\n"),
        scores.join(",\n")
    )
}

/// Puts lines in brackets, with `between` as separator. Nothing else is indented, because names and words may
/// contain line breaks.
fn bracketed(lines: &[String], between: &str) -> String {
    if let [line] = lines {
        return line.clone();
    }
    format!("(\n    {}\n)", lines.join(&format!("\n    {between}")))
}

fn how_to_load(file_name: &str) -> String {
    let name = format!("'{}'", file_name.replace('\'', "'\\''"));
    format!(
        "# a table called data: of a database, or of a CSV\nsqlite3 -cmd '.mode csv' -cmd '.import table.csv data' :memory: \
         '.headers on' < {name}\nduckdb -cmd \"CREATE TABLE data AS FROM 'table.csv'\" < {name}\n"
    )
}
