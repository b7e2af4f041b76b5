"""What the Python scripts of this folder share: which files there are, what they have to predict, how far off they are.

A script calls `check` for each file, which prints one line of JSON. See README.md for the layout and the measure.
"""

import json
import sys
from pathlib import Path

# Scripts in this folder have the names of the packages they test, and of Python's own modules. From
# here on, `import keras` or `import code` must find those.
sys.path[:] = [place for place in sys.path if Path(place or ".").resolve() != Path(__file__).resolve().parent]


def arguments():
    """The folder that the script is called with."""
    if len(sys.argv) < 2:
        sys.exit(f"usage: {sys.argv[0]} FOLDER")
    return Path(sys.argv[1])


def expected(folder):
    """Sample by sample, what it has to predict."""
    return json.loads((Path(folder) / "expected.json").read_text())


def files(folder, format):
    """(sample, path, expected) of every file of a format."""
    of = expected(folder)
    for path in sorted((Path(folder) / format).glob("*")):
        if path.stem in of:
            yield path.stem, path, of[path.stem]


def as_dict(of):
    """The rows as columns: {name: [values]}."""
    return {x["name"]: [row[j] for row in of["rows"]] for j, x in enumerate(of["inputs"])}


def as_indices(of):
    """The rows as numbers: a category as the index of its level."""
    levels = [x["levels"] for x in of["inputs"]]
    return [[at.index(x) if at else x for x, at in zip(row, levels)] for row in of["rows"]]


def difference(of, linear=None, outputs=None):
    """The largest |prediction - expected| over the bound: of what comes before the activation where that is given, else of the
    outputs, with the bound taken through the activation's slope, and a rounding of the output itself allowed."""
    worst = 0.0
    got = linear if linear is not None else outputs
    if len(got) != len(of["rows"]):
        raise ValueError(f"{len(got)} predictions of {len(of['rows'])} rows")
    for i, row in enumerate(got):
        row = [float(x) for x in (row if hasattr(row, "__len__") else [row])]
        bound = of["bound"][i]
        wanted = of["linear"][i] if linear is not None else of["outputs"][i]
        if linear is None:
            bound = through(of["activation"], wanted, bound)
        if len(row) != len(wanted):
            raise ValueError(f"{len(row)} outputs where there are {len(wanted)}")
        for x, y, b in zip(row, wanted, bound):
            off = abs(x - y)
            # NaN counts as the largest error; JSON has no infinity.
            worst = max(worst, off / b if b > 0 else off) if off == off else 1e300
    return worst


def through(activation, outputs, bound):
    """How far the outputs move where what comes before the activation moves by the bound."""
    if activation == "linear":
        return bound
    if activation == "sigmoid":
        return [p * (1 - p) * b + p for p, b in zip(outputs, bound)]
    if activation == "exponential":
        return [p * b + p for p, b in zip(outputs, bound)]
    of_all = sum(p * b for p, b in zip(outputs, bound))
    return [p * (b + of_all - 2 * p * b) + p for p, b in zip(outputs, bound)]


def check(format, consumer, version, sample, of, predict):
    """Prints what became of a file. `predict` loads it and returns {"linear": ...} or {"outputs": ...}, rows of numbers, one an output;
    what it raises is printed as why it could not be loaded."""
    said = {"format": format, "consumer": consumer, "version": version, "sample": sample}
    try:
        said |= {"loaded": True, "difference": difference(of, **predict())}
    except Exception as error:  # whatever it is, it is what is reported
        said |= {"loaded": False, "why": f"{type(error).__name__}: {error}"[:500]}
    print(json.dumps(said), flush=True)


def missing(format, consumer, why):
    """Prints that a consumer is not here."""
    said = {"format": format, "consumer": consumer, "version": "", "sample": "", "loaded": False, "missing": True}
    print(json.dumps(said | {"why": why}), flush=True)
