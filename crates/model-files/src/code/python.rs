//! Writes Python with NumPy: inputs are numbers or arrays, which are broadcast.

use downhill::message::Result;
use downhill::model::Response;

use super::{Language, Program, Syntax, cannot_hold, example, indented, quoted};
use crate::format::{FormatSpec, Group};

pub(crate) const SPEC: FormatSpec = FormatSpec {
    name: "python",
    group: Group::Code,
    file_name: "downhill_step_{step}.py",
    recognizes: |content| super::recognizes(content, Language::Python),
    write: |run| super::write(run, Language::Python, body),
    read: Some(|bytes| super::read(bytes, Language::Python)),
    holds: super::holds,
    how_to_load: |model, file_name| ("python", how_to_load(&Program::new(model), file_name)),
};

fn text(text: &str) -> String {
    quoted(text, |letter| format!("\\U{:08x}", letter as u32))
}

const SYNTAX: Syntax = Syntax {
    assign: |name, value| format!("{name} = {value}"),
    is_level: |name, level| format!("({name} == {}).astype(float)", text(level)),
};

const WORD: &str = r#"
def _word(name, value, levels):
    value = np.asarray(value, dtype=object)
    for word in set(value.ravel().tolist()):
        if word not in levels:
            raise ValueError(f"{name}: {word!r} is not one of {levels}")
    return value

"#;

fn body(program: &Program<'_>) -> Result<String> {
    // NumPy strips zero characters at the end of a string.
    let words = program.model.inputs.iter().flat_map(|input| &input.levels);
    if words.into_iter().any(|word| word.contains('\0')) {
        return Err(cannot_hold(Language::Python, "text with a zero byte"));
    }
    let mut code = String::from("import numpy as np\n\n");
    let model = program.model;
    if model.activation == Response::Softmax {
        let classes: Vec<String> = model.target_levels.iter().map(|level| text(level)).collect();
        code += &format!("CLASSES = [{}]\n\n", classes.join(", "));
    }
    if program.model.has_levels() {
        code += WORD;
    }
    code += &format!("\ndef predict({}):\n", program.names.join(", "));
    let mut lines = Vec::new();
    for (input, name) in program.inputs() {
        lines.push(if input.levels.is_empty() {
            format!("{name} = np.asarray({name}, dtype=float)")
        } else {
            let levels: Vec<String> = input.levels.iter().map(|level| text(level)).collect();
            format!("{name} = _word(\"{name}\", {name}, [{}])", levels.join(", "))
        });
    }
    let (statements, scores) = program.statements(&SYNTAX);
    lines.extend(statements);
    let score = scores.first().map_or("0.0", String::as_str);
    match model.activation {
        Response::Linear => lines.push(format!("return {score}")),
        Response::Exponential => lines.push(format!("return np.exp({score})")),
        Response::Sigmoid => {
            // If e^-z overflows to infinity, its reciprocal is 0, which is the correct limit.
            lines.push("with np.errstate(over=\"ignore\"):".into());
            lines.push(format!("    return 1.0 / (1.0 + np.exp(-{score}))"));
        }
        Response::Softmax => {
            let scores_ = program.local("_scores");
            lines.push(format!("{scores_} = np.stack(np.broadcast_arrays({}), axis=-1)", scores.join(", ")));
            lines.push(format!("{scores_} = np.exp({scores_} - {scores_}.max(axis=-1, keepdims=True))"));
            lines.push(format!("return {scores_} / {scores_}.sum(axis=-1, keepdims=True)"));
        }
    }
    Ok(code + &indented(&lines.join("\n"), 1) + "\n\n")
}

fn how_to_load(program: &Program<'_>, file_name: &str) -> String {
    let stem = file_name.strip_suffix(".py").unwrap_or(file_name);
    let named = |(index, (input, name)): (usize, (&downhill::dataset::Input, &str))| {
        let value = input.levels.last().map_or_else(|| example(program.model, index), |level| text(level));
        format!("{name}={value}")
    };
    let arguments: Vec<String> = program.inputs().enumerate().map(named).collect();
    let plain = stem.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
        && !stem.starts_with(|letter: char| letter.is_ascii_digit());
    let import = if plain && !stem.is_empty() {
        format!("from {stem} import predict\n")
    } else {
        format!("import runpy\n\npredict = runpy.run_path({})[\"predict\"]\n", text(file_name))
    };
    format!("{import}\nprint(predict({}))  # or arrays of them\n", arguments.join(", "))
}
