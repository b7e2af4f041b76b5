"""What the Python peers share: the rows, one thread, and answering the benchmark line by line.

A peer reads one JSON object a line and answers with one. `prepare` makes the rows, outside what is timed; `run` takes
so many steps from weights of zero and says how long they took and what the last loss was. A peer that has more to do
than its steps takes the time itself.
"""

import importlib.metadata
import json
import os
import platform
import sys
import time


def one_thread():
    """Before NumPy is imported: its BLAS looks once."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS"):
        os.environ[name] = "1"


def rows(n, d):
    """Features, row by row, and targets: the twin of `problem` in `src/web/bench.rs`, number for number."""
    import numpy as np

    def uniform(counter):
        x = counter.astype(np.uint32)
        x ^= x >> np.uint32(16)
        x *= np.uint32(0x7FEB352D)
        x ^= x >> np.uint32(15)
        x *= np.uint32(0x846CA68B)
        x ^= x >> np.uint32(16)
        return ((x >> np.uint32(8)) * (1 / 8388608) - 1).astype(np.float32)

    features = np.empty(n * d, np.float32)
    block = 1 << 20
    for start in range(0, n * d, block):
        end = min(start + block, n * d)
        features[start:end] = uniform(np.arange(start, end))
    features = features.reshape(n, d)
    weights = np.array([((5 * j) % 7 - 2) / d**0.5 for j in range(d)], np.float32)
    noise = uniform(np.arange(n) ^ 0x80000000)
    targets = (np.float32(0.5) + features @ weights + np.float32(0.1) * noise).astype(np.float32)
    return features, targets


def serve(packages, prepare, run):
    """Answers until the pipe ends. `run(request, n_steps)` gives the last loss, or that and its own seconds."""
    names = {package: importlib.metadata.version(package) for package in packages}
    version = ", ".join(f"{name} {number}" for name, number in names.items())
    answer({"version": f"{version} (Python {platform.python_version()})"})
    prepared = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            start = time.perf_counter()
            if request["type"] == "prepare":
                prepared = request
                prepare(request)
                answer({"answer": {"seconds": time.perf_counter() - start}})
            else:
                steps = request["steps"]
                every = request.get("restart_every", steps)
                result = float("nan")
                for done in range(0, steps, every):
                    result = run({**prepared, **request}, min(every, steps - done))
                seconds = time.perf_counter() - start
                loss, seconds = result if isinstance(result, tuple) else (result, seconds)
                answer({"answer": {"seconds": seconds, "steps": steps, "loss": float(loss)}})
        except Exception as error:  # What went wrong is a row of the table.
            answer({"error": f"{type(error).__name__}: {error}"})


def answer(said):
    print(json.dumps(said), flush=True)
