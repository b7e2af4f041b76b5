//! Writes a JavaScript module that exports a function with one object parameter.

use downhill::model::Response;

use super::{Language, Program, Syntax, example, indented, quoted};
use crate::format::{FormatSpec, Group};

pub(crate) const SPEC: FormatSpec = FormatSpec {
    name: "javascript",
    group: Group::Code,
    file_name: "downhill_step_{step}.mjs",
    recognizes: |content| super::recognizes(content, Language::Javascript),
    write: |run| super::write(run, Language::Javascript, |program| Ok(body(program))),
    read: Some(|bytes| super::read(bytes, Language::Javascript)),
    holds: super::holds,
    how_to_load: |model, file_name| ("javascript", how_to_load(&Program::new(model), file_name)),
};

fn text(text: &str) -> String {
    quoted(text, |letter| format!("\\u{{{:x}}}", letter as u32))
}

const SYNTAX: Syntax = Syntax {
    assign: |name, value| format!("const {name} = {value};"),
    is_level: |name, level| format!("{name} === {} ? 1 : 0", text(level)),
};

fn body(program: &Program<'_>) -> String {
    let model = program.model;
    let mut code = String::new();
    if model.activation == Response::Softmax {
        let classes: Vec<String> = model.target_levels.iter().map(|level| text(level)).collect();
        code += &format!("export const classes = [{}];\n\n", classes.join(", "));
    }
    code += &format!("export function predict({{ {} }}) {{\n", program.names.join(", "));
    let mut lines = Vec::new();
    for (input, name) in program.inputs() {
        if input.levels.is_empty() {
            lines.push(format!(
                "if (typeof {name} !== \"number\") throw new TypeError(\"{name} is not a number\");"
            ));
        } else {
            let levels: Vec<String> = input.levels.iter().map(|level| text(level)).collect();
            lines.push(format!("if (![{}].includes({name})) {{", levels.join(", ")));
            lines.push(format!(
                "throw new RangeError(`{name}: ${{JSON.stringify({name})}} is not one of its levels`);"
            ));
            lines.push("}".into());
        }
    }
    let (statements, scores) = program.statements(&SYNTAX);
    lines.extend(statements);
    let score = scores.first().map_or("0", String::as_str);
    let last = match model.activation {
        Response::Linear => format!("return {score};"),
        Response::Exponential => format!("return Math.exp({score});"),
        Response::Sigmoid => format!("return 1 / (1 + Math.exp(-{score}));"),
        Response::Softmax => {
            let [all, largest, sum, z] =
                ["_scores", "_largest", "_sum", "_z"].map(|what| program.local(what));
            lines.push(format!("const {all} = [{}];", scores.join(", ")));
            lines.push(format!("const {largest} = Math.max(...{all});"));
            let powers = program.local("_powers");
            lines.push(format!("const {powers} = {all}.map(({z}) => Math.exp({z} - {largest}));"));
            lines.push(format!("const {sum} = {powers}.reduce((sum, {z}) => sum + {z}, 0);"));
            format!("return {powers}.map(({z}) => {z} / {sum});")
        }
    };
    lines.push(last);
    code + &indented(&lines.join("\n"), 1) + "}\n\n"
}

fn how_to_load(program: &Program<'_>, file_name: &str) -> String {
    let named = |(index, (input, name)): (usize, (&downhill::dataset::Input, &str))| {
        let value = input.levels.last().map_or_else(|| example(program.model, index), |level| text(level));
        format!("{name}: {value}")
    };
    let arguments: Vec<String> = program.inputs().enumerate().map(named).collect();
    let path = text(&format!("./{file_name}"));
    format!("import {{ predict }} from {path};\n\nconsole.log(predict({{ {} }}));\n", arguments.join(", "))
}
