"""Predicts by a linear model: a line of JSON on standard input asks for it, a line on standard output answers.

    {"work": "forward", "columns": "columns.f64", "n_columns": 10, "weights": [...], "bias": 0.5}
    {"work": "table", "path": "table.csv", "out": "predicted.csv", "weights": [...], "bias": 0.5}

`columns.f64` holds one column after the other, little-endian; the table has exactly the model's columns.
"""

import json
import sys
import time

import numpy

try:
    import pandas
except ImportError:
    pandas = None


def forward(request):
    x = numpy.fromfile(request["columns"], "<f8").reshape(request["n_columns"], -1)
    if request["rows"]:
        # As in a table of rows.
        x = numpy.ascontiguousarray(x.T)
    else:
        x = x.T
    weights, bias = numpy.array(request["weights"]), request["bias"]
    best = None
    for _ in range(5):
        start = time.perf_counter()
        y = x @ weights + bias
        seconds = time.perf_counter() - start
        best = seconds if best is None else min(best, seconds)
    return {"seconds": best, "version": numpy.__version__, "sum": float(y.sum())}


def table(request):
    if pandas is None:
        return {"failure": "not installed"}
    start = time.perf_counter()
    frame = pandas.read_csv(request["path"])
    frame["y predicted"] = frame.to_numpy() @ numpy.array(request["weights"]) + request["bias"]
    frame.to_csv(request["out"], index=False)
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "version": pandas.__version__, "sum": float(frame["y predicted"].sum())}


for line in sys.stdin:
    request = json.loads(line)
    print(json.dumps({"forward": forward, "table": table}[request["work"]](request)), flush=True)
