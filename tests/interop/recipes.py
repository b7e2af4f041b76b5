"""Runs recipes in their tools and compares what they come to with what Downhill came to.

The table of the recipe's own configuration is trained by Downhill in `cargo run -p downhill-model-files --example recipes`; what is
compared are the outputs of both models at the same rows, as a share of how far they range: a scale that no collinear column and no
distant year can hide behind. Tools that make the same updates are compared with the run after as many, to 1e-4; solvers with the
run much later. Where chance has a part (other rows held out, another order) only the neighbourhood is asked for.
"""

import contextlib
import csv
import importlib.util
import io
import json
import os
import runpy
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import harness

# Format, import, and whether it makes the run's own updates.
TOOLS = [
    ("recipe_keras", "keras", True),
    ("recipe_pytorch", "torch", True),
    ("recipe_sklearn", "sklearn", False),
    ("recipe_spark", "pyspark", False),
]
CONSUMERS = {"keras": "Keras", "torch": "PyTorch", "sklearn": "scikit-learn", "pyspark": "PySpark"}
# MLlib lacks these losses, so its script makes the run's own updates with all rows.
DESCENT_ON_SPARK = {"absolute", "huber", "log_cosh", "quantile", "squared_hinge", "squared_hinge_ridge"}
# The tool's closest equivalent rather than the same; the script's header says so.
NEAREST = {
    ("recipe_sklearn", "log_cosh"): 0.05,
    ("recipe_sklearn", "huber"): 0.02,
    # Spark holds out rows at random.
    ("recipe_spark", "last"): 0.3,
    # It uses the slope of the L1 penalty where the run takes a separate step, so after few updates
    # of an adaptive rule the two differ a lot.
    ("recipe_keras", "elastic"): 0.02,
    ("recipe_keras", "sparse_nesterov"): 0.02,
    ("recipe_keras", "sparse_adagrad"): 0.2,
    ("recipe_keras", "sparse_rmsprop"): 0.2,
    ("recipe_keras", "sparse_adam"): 0.2,
    ("recipe_keras", "sparse_lion"): 0.2,
}


def main():
    folder = harness.arguments()
    # Spark's workers must use this Python, not the first on PATH.
    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    settings = {"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false", "spark.sql.shuffle.partitions": "2"}
    settings = "".join(f"--conf {name}={value} " for name, value in settings.items())
    os.environ["PYSPARK_SUBMIT_ARGS"] = f"{settings}--master local[2] pyspark-shell"
    recipes = folder.parent / "recipes"
    wanted = list(sys.argv[2:]) or sorted(path.name for path in recipes.iterdir())
    for format, module, updates in TOOLS:
        if importlib.util.find_spec(module) is None:
            harness.missing(format, CONSUMERS[module], f"no module {module}")
            continue
        if module == "pyspark" and not has_java():
            harness.missing(format, CONSUMERS[module], "Spark needs Java 17 or newer: none starts (set JAVA_HOME, or install openjdk-17-jre-headless)")
            continue
        for name in wanted:
            run(recipes / name, format, CONSUMERS[module], importlib.import_module(module).__version__, updates)


def has_java():
    home = os.environ.get("JAVA_HOME")
    java = Path(home) / "bin/java" if home else shutil.which("java")
    return java is not None and subprocess.run([java, "-version"], capture_output=True).returncode == 0


def run(recipe, format, consumer, version, updates):
    expected = json.loads((recipe / "expected.json").read_text())
    name = recipe.name
    updates = updates or (format == "recipe_spark" and name in DESCENT_ON_SPARK)
    if updates and expected["by_chance"] is False:
        of, allowed = expected["trained"], 1e-4
    elif expected["optimum"] is None:
        # For solvers, the path of descent does not matter.
        return
    else:
        of, allowed = expected["optimum"], 0.3 if expected["by_chance"] else 2e-3
    allowed = max(allowed, NEAREST.get((format, name), 0))
    said = {"format": format, "consumer": consumer, "version": version, "sample": name, "allowed": allowed}
    printed = io.StringIO()
    home = os.getcwd()
    try:
        with tempfile.TemporaryDirectory() as place:
            os.chdir(place)
            sys.argv = [str(recipe / f"{format}.py"), str(recipe / "table.csv")]
            with contextlib.redirect_stdout(printed):
                runpy.run_path(sys.argv[0], run_name="__main__")
            got = outputs(of, "coefficients.csv")
            said |= {"loaded": True, "difference": difference(of, got)}
            keep(recipe / format, got)
    except (Exception, SystemExit) as error:
        said |= {"loaded": False, "why": f"{type(error).__name__}: {error}"[:500] + printed.getvalue()[-300:]}
    finally:
        os.chdir(home)
    print(json.dumps(said), flush=True)


def keep(folder, got):
    """What came of the recipe, for Downhill to read: see crates/model-files/examples/read_back.rs."""
    folder.mkdir(exist_ok=True)
    for name in ("coefficients.csv", "weights.npz"):
        shutil.copyfile(name, folder / name)
    (folder / "linear.json").write_text(json.dumps(got))


def outputs(of, path):
    """What the coefficients say of the rows, [row][output]."""
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    columns = []
    for output in of["classes"] if of["activation"] == "softmax" else [of["target"]]:
        estimates = {row["term"]: float(row["estimate"]) for row in rows if row["output"] == output}
        constant = estimates.get("(intercept)", 0.0)
        weights = [estimates[term] for term in of["terms"]]
        columns.append([constant + sum(w * t for w, t in zip(weights, values)) for values in of["values"]])
    return [list(row) for row in zip(*columns)]


def difference(of, got):
    """How far outputs are off, as a share of how far those expected range."""
    got, wanted = centred(got), centred(of["linear"])
    every = [x for row in wanted for x in row]
    return max(abs(x - y) for a, b in zip(got, wanted) for x, y in zip(a, b)) / (max(every) - min(every))


def centred(rows):
    """Of several outputs only their differences mean something."""
    return [[x - (sum(row) / len(row) if len(row) > 1 else 0.0) for x in row] for row in rows]


if __name__ == "__main__":
    main()
