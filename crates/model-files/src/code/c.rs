//! Writes C99 that needs only the standard library.

use downhill::message::Result;
use downhill::model::Response;

use super::{Language, Program, Syntax, cannot_hold, example, indented};
use crate::format::{FormatSpec, Group};

pub(crate) const SPEC: FormatSpec = FormatSpec {
    name: "c",
    group: Group::Code,
    file_name: "downhill_step_{step}.c",
    recognizes: |content| super::recognizes(content, Language::C),
    write: |run| super::write(run, Language::C, body),
    read: Some(|bytes| super::read(bytes, Language::C)),
    holds: super::holds,
    how_to_load: |model, file_name| ("c", how_to_load(&Program::new(model), file_name)),
};

/// Writes a string literal. Bytes beyond ASCII are octal escapes, which end after three digits and
/// do not depend on the source encoding. `?` is escaped because two of them start a trigraph in old
/// C.
fn text(text: &str) -> String {
    let mut quoted = String::from("\"");
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' | b'?' => quoted.extend(['\\', char::from(byte)]),
            b' '..=b'~' => quoted.push(char::from(byte)),
            _ => quoted += &format!("\\{byte:03o}"),
        }
    }
    quoted.push('"');
    quoted
}

const SYNTAX: Syntax = Syntax {
    assign: |name, value| format!("const double {name} = {value};"),
    is_level: |name, level| format!("strcmp({name}, {}) == 0 ? 1.0 : 0.0", text(level)),
};

fn body(program: &Program<'_>) -> Result<String> {
    let model = program.model;
    let words = || model.inputs.iter().flat_map(|input| &input.levels).chain(&model.target_levels);
    if words().any(|word| word.contains('\0')) {
        return Err(cannot_hold(Language::C, "text with a zero byte"));
    }
    let n_outputs = program.n_outputs();
    let softmax = model.activation == Response::Softmax;
    let mut code = String::from("#include <errno.h>\n#include <math.h>\n#include <string.h>\n\n");
    if softmax {
        let classes: Vec<String> = model.target_levels.iter().map(|level| text(level)).collect();
        code += &format!("const char *const classes[{}] = {{{}}};\n\n", classes.len(), classes.join(", "));
    }
    let kind = |levels: &[String]| if levels.is_empty() { "double " } else { "const char *" };
    let mut parameters: Vec<String> =
        program.inputs().map(|(input, name)| format!("{}{name}", kind(&input.levels))).collect();
    if softmax {
        parameters.push(format!("double probability[{n_outputs}]"));
    }
    if program.model.has_levels() {
        code += "// A word that is not a level of its column gives NAN and sets errno to EDOM, as the functions of math.h do.\n";
    }
    code += &format!("{} predict({}) {{\n", if softmax { "void" } else { "double" }, parameters.join(", "));
    let mut lines = Vec::new();
    for (input, name) in program.inputs().filter(|(input, _)| !input.levels.is_empty()) {
        let other: Vec<String> =
            input.levels.iter().map(|level| format!("strcmp({name}, {}) != 0", text(level))).collect();
        lines.push(format!("if ({}) {{", other.join(" && ")));
        lines.push("errno = EDOM;".into());
        if softmax {
            let k = program.local("_k");
            lines.push(format!("for (int {k} = 0; {k} < {n_outputs}; {k}++) probability[{k}] = NAN;"));
            lines.push("return;".into());
        } else {
            lines.push("return NAN;".into());
        }
        lines.push("}".into());
    }
    let (statements, scores) = program.statements(&SYNTAX);
    lines.extend(statements);
    let score = scores.first().map_or("0.0", String::as_str);
    match model.activation {
        Response::Linear => lines.push(format!("return {score};")),
        Response::Exponential => lines.push(format!("return exp({score});")),
        Response::Sigmoid => lines.push(format!("return 1.0 / (1.0 + exp(-{score}));")),
        Response::Softmax => {
            let [all, largest, sum, k] =
                ["_scores", "_largest", "_sum", "_k"].map(|what| program.local(what));
            let each = format!("for (int {k} = 0; {k} < {n_outputs}; {k}++)");
            lines.push(format!("const double {all}[{n_outputs}] = {{{}}};", scores.join(", ")));
            lines.push(format!("double {largest} = {all}[0], {sum} = 0.0;"));
            lines.push(format!("{each} {largest} = fmax({largest}, {all}[{k}]);"));
            lines.push(format!("{each} {sum} += probability[{k}] = exp({all}[{k}] - {largest});"));
            lines.push(format!("{each} probability[{k}] /= {sum};"));
        }
    }
    Ok(code + &indented(&lines.join("\n"), 1) + "}\n\n")
}

fn how_to_load(program: &Program<'_>, file_name: &str) -> String {
    let value = |(index, (input, _)): (usize, (&downhill::dataset::Input, &str))| match input.levels.last() {
        Some(level) => text(level),
        None => example(program.model, index),
    };
    let mut arguments: Vec<String> = program.inputs().enumerate().map(value).collect();
    let include = format!("#include <stdio.h>\n#include {}\n\nint main(void) {{\n", text(file_name));
    if program.model.activation != Response::Softmax {
        return format!("{include}    printf(\"%.17g\\n\", predict({}));\n}}\n", arguments.join(", "));
    }
    arguments.push("p".into());
    let n = program.n_outputs();
    format!(
        "{include}    double p[{n}];\n    predict({});\n    for (int k = 0; k < {n}; k++) printf(\"%s %.17g\\n\", classes[k], \
         p[k]);\n}}\n",
        arguments.join(", ")
    )
}
