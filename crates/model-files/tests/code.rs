//! Runs the exported code with its compilers and interpreters and compares it to the model, for the
//! samples and for models with hostile column names.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use downhill::message::Code;
use downhill_model_files::formats;
use downhill_model_files::run::Run;
use serde_json::{Value, json};
use support::{SAMPLES, hostile, rows, sample, spec};

const LANGUAGES: [&str; 5] = ["python", "javascript", "rust", "c", "sql"];
/// The relative tolerance of a prediction: the operations and their order are the same, except for
/// e^z and sums of it.
const TOLERANCE: f64 = 1e-12;

fn text(format: &str, run: &Run) -> String {
    String::from_utf8(spec(format).write(run).unwrap()).unwrap()
}

/// Returns every run whose code is tested.
fn runs() -> Vec<(String, Run)> {
    let samples = SAMPLES.iter().map(|name| ((*name).to_owned(), sample(name)));
    samples.chain(hostile()).collect()
}

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn output(command: &mut Command, input: &str) -> String {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // If the child stops reading, its output says why.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    String::from_utf8(output.stdout).unwrap()
}

fn is_here(program: &str, arguments: &[&str]) -> bool {
    let found = Command::new(program).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status();
    let found = found.is_ok_and(|status| status.success());
    if !found {
        println!("{program} {} is not here", arguments.join(" "));
    }
    found
}

/// Returns the rows of a run with categories as words.
fn words(run: &Run, rows: &[Vec<f64>]) -> Vec<Vec<Value>> {
    let inputs = &run.file.columns.inputs;
    let word = |(x, input): (&f64, &downhill::dataset::Input)| match input.levels.get(*x as usize) {
        Some(level) => json!(level),
        None => json!(x),
    };
    rows.iter().map(|row| row.iter().zip(inputs).map(word).collect()).collect()
}

fn check(name: &str, run: &Run, rows: &[Vec<f64>], got: &[Vec<f64>]) {
    let model = run.model();
    let mut features = vec![0.0; model.map.n_features()];
    assert_eq!(got.len(), rows.len(), "{name}");
    for (row, got) in rows.iter().zip(got) {
        let expected = model.predict(row, &mut features);
        assert_eq!(got.len(), expected.len(), "{name}");
        for (got, expected) in got.iter().zip(expected) {
            let allowed = TOLERANCE * expected.abs();
            assert!((got - expected).abs() <= allowed, "{name}: {got} where {expected} is expected");
        }
    }
}

/// Checks lines `name value value ...` against the rows of each run.
fn check_lines(lines: &str, runs: &[(String, Run)]) {
    for (name, run) in runs {
        let own = lines.lines().filter_map(|line| line.strip_prefix(name.as_str())?.strip_prefix(' '));
        let got: Vec<Vec<f64>> =
            own.map(|line| line.split(' ').map(|value| value.parse().unwrap()).collect()).collect();
        check(name, run, &rows(run, 20), &got);
    }
}

#[test]
fn rust() {
    let folder = folder("rust");
    let (mut modules, mut calls) = (String::new(), String::new());
    let runs = runs();
    for (name, run) in &runs {
        let file = format!("{name}.rs");
        fs::write(folder.join(&file), text("rust", run)).unwrap();
        writeln!(modules, "#[path = \"{file}\"] mod {name};").unwrap();
        let model = run.model();
        let result = if model.inputs.iter().any(|input| !input.levels.is_empty()) { ".unwrap()" } else { "" };
        for row in words(run, &rows(run, 20)) {
            let arguments: Vec<String> = row
                .iter()
                .map(|value| match value {
                    Value::String(word) => format!("{word:?}"),
                    number => format!("{:?}", number.as_f64().unwrap()),
                })
                .collect();
            let call = format!("{name}::predict({}){result}", arguments.join(", "));
            let call = if model.n_outputs() > 1 {
                format!("{call}.map(|p| format!(\"{{p:?}}\")).join(\" \")")
            } else {
                call
            };
            writeln!(calls, "println!(\"{name} {{:}}\", {call});").unwrap();
        }
        if !result.is_empty() {
            let wrong: Vec<&str> = model
                .inputs
                .iter()
                .map(|input| if input.levels.is_empty() { "0.0" } else { "\"?!\"" })
                .collect();
            writeln!(calls, "assert!({name}::predict({}).is_err());", wrong.join(", ")).unwrap();
        }
    }
    fs::write(folder.join("main.rs"), format!("{modules}fn main() {{\n{calls}}}\n")).unwrap();
    let rustc = env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    // The only warning that is allowed is about the unused classes.
    output(
        Command::new(rustc).current_dir(&folder).args([
            "--edition=2024",
            "-Dwarnings",
            "-Adead_code",
            "main.rs",
        ]),
        "",
    );
    check_lines(&output(&mut Command::new(folder.join("main")), ""), &runs);
}

#[test]
fn c() {
    if !is_here("cc", &["--version"]) {
        return;
    }
    let folder = folder("c");
    let (mut modules, mut calls) = (String::from("#include <stdio.h>\n"), String::new());
    // A C string cannot contain a zero byte.
    let runs: Vec<(String, Run)> = runs().into_iter().filter(|(name, _)| name != "of_zeros").collect();
    for (name, run) in &runs {
        let file = format!("{name}.c");
        fs::write(folder.join(&file), text("c", run)).unwrap();
        writeln!(
            modules,
            "#define predict predict_{name}\n#define classes classes_{name}\n#include \"{file}\""
        )
        .unwrap();
        writeln!(modules, "#undef predict\n#undef classes").unwrap();
        let n_outputs = run.model().n_outputs();
        for row in words(run, &rows(run, 20)) {
            let arguments: Vec<String> = row
                .iter()
                .map(|value| match value {
                    Value::String(word) => {
                        let bytes: String = word.bytes().map(|byte| format!("\\{byte:03o}")).collect();
                        format!("\"{bytes}\"")
                    }
                    number => format!("{:?}", number.as_f64().unwrap()),
                })
                .collect();
            let arguments = arguments.join(", ");
            if n_outputs > 1 {
                write!(
                    calls,
                    "{{ double p[{n_outputs}]; predict_{name}({arguments}, p); printf(\"{name}\"); "
                )
                .unwrap();
                writeln!(
                    calls,
                    "for (int k = 0; k < {n_outputs}; k++) printf(\" %.17g\", p[k]); puts(\"\"); }}"
                )
                .unwrap();
            } else {
                writeln!(calls, "printf(\"{name} %.17g\\n\", predict_{name}({arguments}));").unwrap();
            }
        }
        if name == "mixed" {
            writeln!(
                calls,
                "errno = 0; if (!isnan(predict_mixed(0, 0, 0, \"?!\")) || errno != EDOM) return 1;"
            )
            .unwrap();
        }
    }
    fs::write(folder.join("main.c"), format!("{modules}int main(void) {{\n{calls}return 0;\n}}\n")).unwrap();
    let mut cc = Command::new("cc");
    cc.current_dir(&folder).args([
        "-std=c99",
        "-pedantic",
        "-Wall",
        "-Wextra",
        "-Werror",
        "main.c",
        "-o",
        "main",
        "-lm",
    ]);
    output(&mut cc, "");
    check_lines(&output(&mut Command::new(folder.join("main")), ""), &runs);
}

const NODE: &str = r#"
import { readFileSync } from "node:fs";
for (const { name, rows, wrong } of JSON.parse(readFileSync(0, "utf8"))) {
  const { predict } = await import(`./${name}.mjs`);
  const names = /\{ (.*?) \}/.exec(predict.toString())[1].split(", ");
  const call = (row) => predict(Object.fromEntries(names.map((name, j) => [name, row[j]])));
  for (const row of rows) console.log(name, ...[call(row)].flat());
  for (const row of wrong) {
    try { call(row); } catch { continue; }
    throw new Error(`${name} takes ${row}`);
  }
}
"#;

#[test]
fn javascript() {
    if !is_here("node", &["--version"]) {
        return;
    }
    let folder = folder("javascript");
    let runs = runs();
    let mut given = Vec::new();
    for (name, run) in &runs {
        fs::write(folder.join(format!("{name}.mjs")), text("javascript", run)).unwrap();
        let n = run.file.columns.inputs.len();
        given.push(json!({ "name": name, "rows": words(run, &rows(run, 20)), "wrong": [vec!["?!"; n], Vec::<f64>::new()] }));
    }
    fs::write(folder.join("main.mjs"), NODE).unwrap();
    let lines = output(Command::new("node").current_dir(&folder).arg("main.mjs"), &json!(given).to_string());
    check_lines(&lines, &runs);
}

const PYTHON: &str = r#"
import importlib, json, sys
import numpy as np
for of in json.load(sys.stdin):
    name, rows = of["name"], of["rows"]
    predict = importlib.import_module(name).predict
    columns = [list(column) for column in zip(*rows)]
    at_once = np.asarray(predict(*columns)).reshape(len(rows), -1)
    for row, of_array in zip(rows, at_once):
        one = np.asarray(predict(*row)).reshape(-1)
        assert np.allclose(one, of_array, rtol=1e-13, atol=0), (name, one, of_array)
        print(name, *[repr(float(value)) for value in one])
    try:
        predict(*["?!"] * len(columns))
        raise SystemExit(f"{name} takes anything")
    except ValueError:
        pass
"#;

/// Returns a Python that has a package; `DOWNHILL_PYTHON` chooses it.
fn python(package: &str) -> Option<String> {
    let python = env::var("DOWNHILL_PYTHON").unwrap_or_else(|_| "python3".into());
    is_here(&python, &["-c", &format!("import {package}")]).then_some(python)
}

#[test]
fn numpy() {
    let Some(python) = python("numpy") else { return };
    let folder = folder("python");
    // NumPy strips zero characters at the end of a string.
    let runs: Vec<(String, Run)> = runs().into_iter().filter(|(name, _)| name != "of_zeros").collect();
    let mut given = Vec::new();
    for (name, run) in &runs {
        fs::write(folder.join(format!("{name}.py")), text("python", run)).unwrap();
        given.push(json!({ "name": name, "rows": words(run, &rows(run, 20)) }));
    }
    fs::write(folder.join("main.py"), PYTHON).unwrap();
    let mut command = Command::new(python);
    command.current_dir(&folder).args(["-W", "error", "main.py"]);
    check_lines(&output(&mut command, &json!(given).to_string()), &runs);
}

const SQL: &str = r#"
import json, sys
kind, given = sys.argv[1], json.load(sys.stdin)
for of in given:
    name, rows, columns = of["name"], of["rows"], of["columns"]
    if kind == "sqlite3":
        import sqlite3
        connection = sqlite3.connect(":memory:")
    else:
        import duckdb
        connection = duckdb.connect(":memory:")
    quoted = ", ".join('"' + column.replace('"', '""') + '" ' + ("VARCHAR" if type(x) is str else "DOUBLE") for column, x in zip(columns, rows[0]))
    connection.execute(f'CREATE TABLE data ({quoted}, "downhill row" INTEGER)')
    marks = ", ".join("?" * (len(columns) + 1))
    for k, row in enumerate(rows):
        connection.execute(f"INSERT INTO data VALUES ({marks})", [*row, k])
    for x in of["missing"]:
        connection.execute(f"INSERT INTO data VALUES ({marks})", [*x, -1])
    found = connection.execute(of["query"]).fetchall()
    assert len(found) == len(rows) + len(of["missing"]), (name, len(found))
    for row in sorted(found, key=lambda row: row[len(columns)]):
        got = row[-of["n_outputs"]:]
        if row[len(columns)] < 0:
            assert all(x is None for x in got), (name, row)
        else:
            print(name, *[repr(x) for x in got])
    # A table whose numbers are words, which SQLite would take to be 0.
    if kind == "sqlite3":
        connection.execute("DROP TABLE data")
        connection.execute("CREATE TABLE data (" + ", ".join('"' + column.replace('"', '""') + '"' for column in columns) + ")")
        connection.execute("INSERT INTO data VALUES (" + ", ".join("?" * len(columns)) + ")", ["?!"] * len(columns))
        assert connection.execute(of["query"]).fetchall()[0][-1] is None, name
"#;

fn sql(kind: &str) {
    let Some(python) = python(kind) else { return };
    let mut given = Vec::new();
    let runs: Vec<(String, Run)> =
        runs().into_iter().filter(|(_, run)| spec("sql").write(run).is_ok()).collect();
    assert!(runs.len() > SAMPLES.len() + 1);
    for (name, run) in &runs {
        let inputs = &run.file.columns.inputs;
        let rows = words(run, &rows(run, 20));
        let missing: Vec<Vec<Value>> = (0..inputs.len())
            .flat_map(|j| {
                let mut row = rows[0].clone();
                row[j] = Value::Null;
                let mut unknown = (!inputs[j].levels.is_empty()).then(|| row.clone());
                if let Some(unknown) = &mut unknown {
                    unknown[j] = json!("?!");
                }
                std::iter::once(row).chain(unknown)
            })
            .collect();
        given.push(json!({
            "name": name,
            "columns": inputs.iter().map(|input| &input.name).collect::<Vec<_>>(),
            "rows": rows,
            "missing": missing,
            "n_outputs": run.model().n_outputs(),
            "query": text("sql", run),
        }));
    }
    let mut command = Command::new(python);
    command.args(["-c", SQL, kind]);
    check_lines(&output(&mut command, &json!(given).to_string()), &runs);
}

#[test]
fn sqlite() {
    sql("sqlite3");
}

#[test]
fn duckdb() {
    sql("duckdb");
}

#[test]
fn code_is_recognized_and_gives_its_run_back() {
    for (name, run) in runs() {
        for format in LANGUAGES {
            let Ok(bytes) = spec(format).write(&run) else { continue };
            assert_eq!(formats::recognize(&bytes), Some(spec(format)), "{name}");
            let found = formats::read(&bytes).unwrap();
            assert_eq!((found.format, found.run.as_deref()), (format, Some(&run.text[..])), "{name}");
            assert_eq!(found.model, run.model(), "{name}");
            // An editor may change line endings.
            let windows = String::from_utf8(bytes).unwrap().replace('\n', "\r\n");
            assert_eq!(formats::read(windows.as_bytes()).unwrap().run, Some(run.text.clone()), "{name}");
        }
    }
}

#[test]
fn code_that_was_changed_is_not_believed() {
    for format in LANGUAGES {
        let text = text(format, &sample("story"));
        for changed in [
            text.replacen("1.977", "1.978", 1),
            text.replace("downhill-run", "downhill-ran"),
            text[..text.len() - 10].to_owned(),
            text.replace("\"seed\":1", "\"seed\":2"),
        ] {
            assert_ne!(changed, text);
            assert_eq!(formats::read(changed.as_bytes()).unwrap_err().code, Code::ModelDamaged, "{format:?}");
        }
    }
}
