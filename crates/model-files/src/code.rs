//! Exports a model as source code: a function `predict` that takes a row in the user's units, in
//! f64.
//!
//! The code scales and combines inputs in the same order as the model, so that no digit is lost; categories
//! are given by the names of their levels. The last line is a comment with the run file and a checksum
//! (CRC-32) of the lines before it. If somebody changes the code, the run in the comment is ignored.

use downhill::choices::Loss;
use downhill::dataset::{Input, Term};
use downhill::message::{Code, Message, Result};
use downhill::model::Response;
use flate2::Crc;

use crate::features::comment;
use crate::format::{Content, Held, Part, Plain};
use crate::provenance;
use crate::run::Run;
use downhill::foreign::Model;

pub(crate) mod c;

mod identifiers;

pub(crate) mod javascript;

pub(crate) mod python;

pub(crate) mod rust;

pub(crate) mod sql;

/// The maximum number of terms in one statement, because compilers and interpreters recurse once per term.
const TERMS_A_STATEMENT: usize = 50;
/// The beginning of the last line, which contains the run file, after the comment sign.
const MARK: &str = "downhill-run ";
/// The beginning of the first line, after the comment sign.
const FIRST: &str = "Downhill: predicts ";

/// A target language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Language {
    Python,
    Javascript,
    Rust,
    C,
    Sql,
}

impl Language {
    /// The name of the language, as the first comment of a written file and messages give it.
    fn name(self) -> &'static str {
        match self {
            Self::Python => "Python and NumPy",
            Self::Javascript => "JavaScript",
            Self::Rust => "Rust",
            Self::C => "C",
            Self::Sql => "SQL",
        }
    }

    /// The characters that start a comment.
    fn comment(self) -> &'static str {
        match self {
            Self::Python => "# ",
            Self::Javascript | Self::Rust | Self::C => "// ",
            Self::Sql => "-- ",
        }
    }
}

/// Writes the code of a run; `body` writes everything after the comment at the top.
fn write(run: &Run, language: Language, body: fn(&Program<'_>) -> Result<String>) -> Result<Vec<u8>> {
    let model = run.model();
    let program = Program::new(&model);
    let body = body(&program)?;
    let mut text = header(run, &model, &program, language);
    text += &body;
    let note = in_comment(&run.text);
    let line = format!("{}{MARK}{:08x} {note}\n", language.comment(), checksum(&text, &note));
    Ok((text + &line).into_bytes())
}

fn header(run: &Run, model: &Model, program: &Program<'_>, language: Language) -> String {
    let inputs: Vec<&str> = model.inputs.iter().map(|input| &input.name[..]).collect();
    // A list of very many column names would not be readable.
    let listed = if inputs.len() > 5 { format!("{} inputs", inputs.len()) } else { inputs.join(", ") };
    let mut lines =
        vec![format!("{FIRST}{} from {} ({})", comment(&model.target), comment(&listed), language.name())];
    lines.push(String::new());
    lines.push(comment(&meaning(run.file.config.loss, model)));
    for (input, name) in model.inputs.iter().zip(&program.names) {
        let levels = match input.levels.len() {
            0 => "a number".to_owned(),
            n if n > 20 => format!("one of {n} words"),
            _ => format!(
                "one of {}",
                input.levels.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ")
            ),
        };
        let name = if language == Language::Sql { String::new() } else { format!("{name}: ") };
        lines.push(comment(&format!("  {name}\"{}\", {levels}", input.name)));
    }
    lines.push(String::new());
    lines.extend(provenance::lines(run).into_iter().map(|(what, said)| comment(&format!("{what}: {said}"))));
    lines.push("The last line contains the whole run, so that Downhill can read it back.".into());
    let comment = language.comment();
    lines.into_iter().map(|line| format!("{comment}{line}").trim_end().to_owned() + "\n").collect::<String>()
        + "\n"
}

/// Describes the return value of the function.
fn meaning(loss: Loss, model: &Model) -> String {
    let target = &model.target;
    match model.activation {
        Response::Linear if loss.decides() => {
            let class = model.target_levels.get(1).map_or("1", String::as_str);
            format!("Returns a score for these inputs; above 0, {target} is predicted to be \"{class}\":")
        }
        Response::Linear => format!("Returns {target} for these inputs:"),
        Response::Sigmoid => match model.target_levels.get(1) {
            Some(level) => format!("Returns the probability that {target} is \"{level}\" for these inputs:"),
            None => format!("Returns the probability of {target} for these inputs:"),
        },
        Response::Exponential => format!("Returns the expected count of {target} for these inputs:"),
        Response::Softmax => {
            let classes: Vec<String> =
                model.target_levels.iter().map(|level| format!("\"{level}\"")).collect();
            format!(
                "Returns the probabilities of {target}, in the order {}, for these inputs:",
                classes.join(", ")
            )
        }
    }
}

/// The CRC-32 checksum of the code and of the run file in its last line.
pub(crate) fn checksum(text: &str, note: &str) -> u32 {
    let mut crc = Crc::new();
    // An editor may have changed the line endings.
    crc.update(text.replace("\r\n", "\n").as_bytes());
    crc.update(note.as_bytes());
    crc.sum()
}

/// Escapes JSON so that it cannot end a comment of any language or HTML page, or change the text
/// direction. All escaped characters occur only inside strings, where an escape means the same.
pub(crate) fn in_comment(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for letter in json.chars() {
        match letter {
            '/' => escaped.push_str("\\/"),
            '<' | '>' | '?' => escaped.push_str(&format!("\\u{:04x}", letter as u32)),
            ' '..='~' => escaped.push(letter),
            _ => {
                for half in letter.encode_utf16(&mut [0; 2]) {
                    escaped.push_str(&format!("\\u{half:04x}"));
                }
            }
        }
    }
    escaped
}

/// Whether a text is code that Downhill wrote in this language.
fn recognizes(content: &Content<'_>, language: Language) -> bool {
    let Ok(line) = std::str::from_utf8(content.first_line()) else { return false };
    let rest = line.strip_prefix(language.comment()).and_then(|line| line.strip_prefix(FIRST));
    rest.is_some_and(|rest| rest.trim_end().ends_with(&format!("({})", language.name())))
}

fn read(bytes: &[u8], language: Language) -> Result<Plain> {
    let edited = || {
        let detail = "it was edited after Downhill wrote it; to bring back edited weights, use a run file, safetensors or NumPy";
        Message::new(Code::ModelDamaged).with("format", language.name()).with("detail", detail)
    };
    let text = std::str::from_utf8(bytes)
        .map_err(|_| edited())?
        .trim_start_matches('\u{FEFF}')
        .replace("\r\n", "\n");
    let mark = format!("\n{}{MARK}", language.comment());
    let (before, note) = text.rsplit_once(&mark).ok_or_else(edited)?;
    let (sum, note) = note.trim_end().split_once(' ').ok_or_else(edited)?;
    if sum != format!("{:08x}", checksum(&format!("{before}\n"), note)) {
        return Err(edited());
    }
    Run::read(note.as_bytes()).map(Plain::of_run)
}

/// A model as a sequence of statements, independent of the language.
struct Program<'a> {
    model: &'a Model,
    /// The variable name of each input, valid in every language.
    names: Vec<String>,
    terms: Vec<Term>,
    /// The prefix of local variables, which distinguishes them from inputs.
    local: String,
}

/// The syntax of a language for constructs that all languages share.
struct Syntax {
    /// Writes a statement that declares a variable: arguments are its name and its value.
    assign: fn(&str, &str) -> String,
    /// Writes an expression that is 1 if an input has a level, else 0: arguments are the input's name and the
    /// level.
    is_level: fn(&str, &str) -> String,
}

impl<'a> Program<'a> {
    fn new(model: &'a Model) -> Self {
        let names = identifiers::of(&model.inputs);
        let taken = |local: &str| names.iter().any(|name| name.starts_with(local));
        // Not `f`: `f64` would be the name of a Rust type.
        let free = ["t", "z", "q", "w"].into_iter().find(|local| !taken(local));
        let mut local = free.unwrap_or("t_").to_owned();
        while taken(&local) {
            local.push('_');
        }
        Self { model, names, terms: model.map.terms(), local }
    }

    fn n_outputs(&self) -> usize {
        self.model.n_outputs()
    }

    /// Returns the name of the local variable for `what`.
    fn local(&self, what: &str) -> String {
        format!("{}{what}", self.local)
    }

    /// Iterates over the inputs with their variable names.
    fn inputs(&self) -> impl Iterator<Item = (&'a Input, &str)> {
        self.model.inputs.iter().zip(self.names.iter().map(String::as_str))
    }

    /// Writes the scaled value of a numeric input.
    fn scaled(&self, input: usize, name: &str) -> String {
        let map = &self.model.map.inputs[input];
        divided(&minus(name, map.center, decimal), map.scale, decimal)
    }

    /// Returns the statements that compute the scores (the outputs before the activation), and the names of
    /// the scores' variables.
    fn statements(&self, syntax: &Syntax) -> (Vec<String>, Vec<String>) {
        let mut statements = Vec::new();
        let mut values: Vec<String> = Vec::with_capacity(self.terms.len());
        for (k, term) in self.terms.iter().enumerate() {
            let value = match *term {
                Term::Power { input, power: 1 } => self.scaled(input, &self.names[input]),
                // As in the model, each power is the previous power times the number.
                Term::Power { power, .. } => {
                    format!("{} * {}", values[k - 1], values[k + 1 - power as usize])
                }
                Term::Level { input, level } => {
                    (syntax.is_level)(&self.names[input], &self.model.inputs[input].levels[level])
                }
                Term::Product { of: [a, b] } => format!("{} * {}", values[a], values[b]),
            };
            if matches!(*term, Term::Power { input, power: 1 } if value == self.names[input]) {
                values.push(value);
                continue;
            }
            let name = self.local(&(k + 1).to_string());
            statements.push((syntax.assign)(&name, bare(&value)));
            values.push(name);
        }
        let features: Vec<String> =
            values.iter().enumerate().map(|(k, value)| self.feature(k, value, decimal)).collect();
        let mut scores = Vec::new();
        for output in 0..self.n_outputs() {
            let mut so_far: Option<String> = self.model.bias.as_ref().map(|bias| decimal(bias[output]));
            let n_chunks = features.len().div_ceil(TERMS_A_STATEMENT);
            for (chunk, features) in features.chunks(TERMS_A_STATEMENT).enumerate() {
                let weights =
                    self.model.weights.iter().skip(chunk * TERMS_A_STATEMENT).map(|row| row[output]);
                let sum = sum(addends(so_far.take(), features, weights, decimal));
                let part = if chunk + 1 == n_chunks { String::new() } else { format!("_{}", chunk + 1) };
                let which = if self.n_outputs() == 1 { String::new() } else { (output + 1).to_string() };
                let name = self.local(&format!("_score{which}{part}"));
                statements.push((syntax.assign)(&name, &sum));
                so_far = Some(name);
            }
            scores.extend(so_far);
        }
        (statements, scores)
    }

    /// Writes the scaled feature number `k`, given the expression `value` of its term.
    fn feature(&self, k: usize, value: &str, number: fn(f64) -> String) -> String {
        let map = &self.model.map;
        divided(&minus(value, map.center[k], number), map.scale[k], number)
    }
}

/// Writes the summands `a`, `+ w f`, ..., one per line, where `a` is `first`, `w` a weight and `f` a feature.
fn addends(
    first: Option<String>,
    features: &[String],
    weights: impl Iterator<Item = f64>,
    number: fn(f64) -> String,
) -> Vec<String> {
    let mut lines: Vec<String> = first.into_iter().collect();
    for (feature, weight) in features.iter().zip(weights) {
        let sign = match (lines.is_empty(), weight < 0.0) {
            (true, true) => "-",
            (true, false) => "",
            (false, true) => "- ",
            (false, false) => "+ ",
        };
        lines.push(format!("{sign}{} * {feature}", number(weight.abs())));
    }
    lines
}

/// Joins summands to a sum.
fn sum(mut addends: Vec<String>) -> String {
    if addends.len() == 1 { addends.remove(0) } else { format!("(\n{}\n)", addends.join("\n")) }
}

/// Removes brackets that enclose a whole expression.
fn bare(value: &str) -> &str {
    let Some(within) = value.strip_prefix('(').and_then(|value| value.strip_suffix(')')) else {
        return value;
    };
    let mut depth = 0_i32;
    for letter in within.chars() {
        depth += match letter {
            '(' => 1,
            ')' => -1,
            _ => 0,
        };
        if depth < 0 {
            return value;
        }
    }
    within
}

/// Indents bracketed lines by four spaces per level.
fn indented(text: &str, mut depth: usize) -> String {
    let mut lines = String::new();
    for line in text.lines() {
        if line.starts_with([')', '}', ']']) {
            depth = depth.saturating_sub(1);
        }
        if !line.is_empty() {
            lines.push_str(&"    ".repeat(depth));
        }
        lines.push_str(line);
        lines.push('\n');
        if line.ends_with(['(', '{', '[']) {
            depth += 1;
        }
    }
    lines
}

fn minus(value: &str, center: f64, number: fn(f64) -> String) -> String {
    match center {
        0.0 => value.to_owned(),
        below if below < 0.0 => format!("({value} + {})", number(-below)),
        _ => format!("({value} - {})", number(center)),
    }
}

fn divided(value: &str, scale: f64, number: fn(f64) -> String) -> String {
    if scale.to_bits() == 1.0_f64.to_bits() {
        value.to_owned()
    } else {
        format!("({value} / {})", number(scale))
    }
}

/// Writes a number with as many digits as are needed to identify it, always as a floating-point literal.
fn decimal(value: f64) -> String {
    format!("{value:?}")
}

/// Writes a text in quotes; `escape` writes a character that must not occur in quotes as it is.
fn quoted(text: &str, escape: fn(char) -> String) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            ' '..='~' => quoted.push(letter),
            _ if letter.is_alphanumeric() => quoted.push(letter),
            _ => quoted.push_str(&escape(letter)),
        }
    }
    quoted.push('"');
    quoted
}

/// Returns the example value of an input that the comments use.
fn example(model: &Model, index: usize) -> String {
    let map = &model.map.inputs[index];
    crate::features::example(map.center, map.scale)
}

fn cannot_hold(language: Language, part: &str) -> Message {
    Message::new(Code::ModelCannotHold).with("format", language.name()).with("part", part)
}

/// How code contains a part of the model: everything for predictions is in the code, the training state in a
/// note.
pub(crate) fn holds(_: &Model, part: Part) -> Option<Held> {
    match part {
        Part::Training => Some(Held::Note),
        Part::History => None,
        _ => Some(Held::Inside),
    }
}
