"""Code that Downhill writes, run by its own interpreters and compilers: Python with NumPy, JavaScript (Node), Rust, C, and SQL
(SQLite and DuckDB). See README.md for what is printed."""

import json
import re
import runpy
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from harness import arguments, check, files, missing


def run(command, **more):
    done = subprocess.run(command, capture_output=True, text=True, **more)
    if done.returncode:
        raise RuntimeError(done.stderr or done.stdout)
    return done.stdout


def numbers(text):
    """Lines of numbers."""
    return {"outputs": [[float(x) for x in line.split()] for line in text.splitlines()]}


def python(path, of):
    """All rows at once, as arrays."""
    columns = [list(column) for column in zip(*of["rows"])]
    given = runpy.run_path(str(path))["predict"](*columns)
    return {"outputs": np.asarray(given).reshape(len(of["rows"]), -1).tolist()}


NODE = """
import { readFileSync } from "node:fs";
const { predict } = await import(process.argv[1]);
const names = /\\{ (.*?) \\}/.exec(predict.toString())[1].split(", ");
for (const row of JSON.parse(readFileSync(0, "utf8"))) {
  console.log([predict(Object.fromEntries(names.map((name, j) => [name, row[j]])))].flat().join(" "));
}
"""


def javascript(path, of):
    return numbers(run(["node", "--input-type=module", "-e", NODE, path.resolve().as_uri()], input=json.dumps(of["rows"])))


def rust(path, of):
    text = lambda x: json.dumps(x, ensure_ascii=False) if isinstance(x, str) else repr(float(x))
    words = any(x["levels"] for x in of["inputs"])
    calls = []
    for row in of["rows"]:
        call = f"model::predict({', '.join(map(text, row))})" + (".unwrap()" if words else "")
        form = '.map(|p| format!("{p:?}")).join(" ")' if of["activation"] == "softmax" else ""
        calls.append(f'println!("{{}}", {call}{form});')
    main = f"#[path = {json.dumps(str(path.resolve()))}]\nmod model;\nfn main() {{ {' '.join(calls)} }}\n"
    return compiled(main, "main.rs", ["rustc", "--edition=2021", "-Adead_code", "-Dwarnings", "main.rs", "-o", "main"])


def c(path, of):
    text = lambda x: json.dumps(x) if isinstance(x, str) else repr(float(x))
    lines = []
    for row in of["rows"]:
        given = ", ".join(map(text, row))
        if of["activation"] == "softmax":
            n = len(of["classes"])
            lines.append(f'{{ double p[{n}]; predict({given}, p); for (int k = 0; k < {n}; k++) printf("%.17g ", p[k]); puts(""); }}')
        else:
            lines.append(f'printf("%.17g\\n", predict({given}));')
    main = f"#include <stdio.h>\n#include {json.dumps(str(path.resolve()))}\nint main(void) {{ {' '.join(lines)} }}\n"
    return compiled(main, "main.c", ["cc", "-std=c99", "-pedantic", "-Wall", "-Werror", "main.c", "-o", "main", "-lm"])


def compiled(main, name, command):
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / name).write_text(main)
        run(command, cwd=folder)
        return numbers(run([str(Path(folder) / "main")]))


def sql(connection, path, of):
    quoted = ", ".join('"' + x["name"].replace('"', '""') + '" ' + ("VARCHAR" if x["levels"] else "DOUBLE") for x in of["inputs"])
    connection.execute(f'CREATE TABLE data ({quoted}, "its row" INTEGER)')
    marks = ", ".join("?" * (len(of["inputs"]) + 1))
    for k, row in enumerate(of["rows"]):
        connection.execute(f"INSERT INTO data VALUES ({marks})", [*row, k])
    found = connection.execute(path.read_text()).fetchall()
    place, n_outputs = len(of["inputs"]), len(of["outputs"][0])
    return {"outputs": [row[-n_outputs:] for row in sorted(found, key=lambda row: row[place])]}


def main():
    folder = arguments()
    version = lambda command, found: re.search(found, run(command)).group(1)
    languages = [
        ("python", "numpy", lambda: f"{np.__version__}, Python {sys.version.split()[0]}", python),
        ("javascript", "node", lambda: version(["node", "--version"], r"v(\S+)"), javascript),
        ("rust", "rustc", lambda: version(["rustc", "--version"], r"rustc (\S+)"), rust),
        ("c", "cc", lambda: version(["cc", "-dumpfullversion"], r"(\S+)"), c),
        ("sql", "sqlite", lambda: sqlite3.sqlite_version, lambda path, of: sql(sqlite3.connect(":memory:"), path, of)),
    ]
    try:
        import duckdb
    except ImportError as error:
        missing("sql", "duckdb", str(error))
    else:
        languages.append(("sql", "duckdb", lambda: duckdb.__version__, lambda path, of: sql(duckdb.connect(":memory:"), path, of)))
    for format, consumer, version_of, predict in languages:
        if consumer in ("node", "rustc", "cc") and not shutil.which(consumer):
            missing(format, consumer, f"{consumer} is not installed")
            continue
        for sample, path, of in files(folder, format):
            check(format, consumer, version_of(), sample, of, lambda: predict(path, of))


main()
