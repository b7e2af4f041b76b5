//! Writes Rust that needs no crates.

use downhill::model::Response;

use super::{Language, Program, Syntax, bare, example, indented, quoted};
use crate::format::{FormatSpec, Group};

pub(crate) const SPEC: FormatSpec = FormatSpec {
    name: "rust",
    group: Group::Code,
    file_name: "downhill_step_{step}.rs",
    recognizes: |content| super::recognizes(content, Language::Rust),
    write: |run| super::write(run, Language::Rust, |program| Ok(body(program))),
    read: Some(|bytes| super::read(bytes, Language::Rust)),
    holds: super::holds,
    how_to_load: |model, file_name| ("rust", how_to_load(&Program::new(model), file_name)),
};

fn text(text: &str) -> String {
    quoted(text, |letter| format!("\\u{{{:x}}}", letter as u32))
}

const SYNTAX: Syntax = Syntax {
    assign: |name, value| format!("let {name} = {};", bare(value).trim().replace('\n', "\n    ")),
    is_level: |name, level| format!("if {name} == {} {{ 1.0_f64 }} else {{ 0.0 }}", text(level)),
};

fn body(program: &Program<'_>) -> String {
    let model = program.model;
    let mut code = String::new();
    let n_outputs = program.n_outputs();
    let mut gives = "f64".to_owned();
    if model.activation == Response::Softmax {
        let classes: Vec<String> = model.target_levels.iter().map(|level| text(level)).collect();
        code += "/// The classes, in the order of their probabilities.\n";
        code += &format!("pub const CLASSES: [&str; {}] = [{}];\n\n", classes.len(), classes.join(", "));
        gives = format!("[f64; {n_outputs}]");
    }
    let (open, close) = if program.model.has_levels() { ("Ok(", ")") } else { ("", "") };
    if program.model.has_levels() {
        code += "/// # Errors\n/// Returned if a word is not a level of its column.\n";
        gives = format!("Result<{gives}, String>");
    }
    let kind = |levels: &[String]| if levels.is_empty() { "f64" } else { "&str" };
    let parameters: Vec<String> =
        program.inputs().map(|(input, name)| format!("{name}: {}", kind(&input.levels))).collect();
    code += "#[allow(clippy::excessive_precision, clippy::too_many_arguments, clippy::unreadable_literal)]\n";
    code += &format!("pub fn predict({}) -> {gives} {{\n", parameters.join(", "));
    let mut lines = Vec::new();
    for (input, name) in program.inputs().filter(|(input, _)| !input.levels.is_empty()) {
        let levels: Vec<String> = input.levels.iter().map(|level| text(level)).collect();
        lines.push(format!("if ![{}].contains(&{name}) {{", levels.join(", ")));
        lines.push(format!("return Err(format!(\"{name}: {{{name}:?}} is not one of its levels\"));"));
        lines.push("}".into());
    }
    let (statements, scores) = program.statements(&SYNTAX);
    lines.extend(statements);
    let score = scores.first().map_or("0.0", String::as_str);
    let last = match model.activation {
        Response::Linear => format!("{open}{score}{close}"),
        Response::Exponential => format!("{open}{score}.exp(){close}"),
        Response::Sigmoid => format!("{open}1.0 / (1.0 + (-{score}).exp()){close}"),
        Response::Softmax => {
            let [all, largest, sum, z] =
                ["_scores", "_largest", "_sum", "_z"].map(|what| program.local(what));
            lines.push(format!("let {all} = [{}];", scores.join(", ")));
            lines.push(format!("let {largest} = {all}.iter().copied().fold(f64::NEG_INFINITY, f64::max);"));
            lines.push(format!("let {all} = {all}.map(|{z}| ({z} - {largest}).exp());"));
            lines.push(format!("let {sum}: f64 = {all}.iter().sum();"));
            format!("{open}{all}.map(|{z}| {z} / {sum}){close}")
        }
    };
    lines.push(last);
    code + &indented(&lines.join("\n"), 1) + "}\n\n"
}

fn how_to_load(program: &Program<'_>, file_name: &str) -> String {
    let value = |(index, (input, _)): (usize, (&downhill::dataset::Input, &str))| match input.levels.last() {
        Some(level) => text(level),
        None => format!("{}_f64", example(program.model, index)),
    };
    let arguments: Vec<String> = program.inputs().enumerate().map(value).collect();
    let path = text(file_name);
    format!(
        "#[path = {path}]\nmod model;\n\nfn main() {{\n    println!(\"{{:?}}\", model::predict({}));\n}}\n",
        arguments.join(", ")
    )
}
