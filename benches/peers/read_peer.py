"""Reads a CSV into columns: a line of JSON on standard input asks for it, a line on standard output answers.

    {"reader": "pandas", "path": "table.csv"}
"""

import json
import sys
import time

READERS = {}

try:
    import pandas

    READERS["pandas"] = (pandas.read_csv, pandas.__version__)
except ImportError:
    pass
try:
    import polars

    READERS["polars"] = (polars.read_csv, polars.__version__)
except ImportError:
    pass

for line in sys.stdin:
    request = json.loads(line)
    if request["reader"] not in READERS:
        print(json.dumps({"failure": "not installed"}), flush=True)
        continue
    read, version = READERS[request["reader"]]
    start, before = time.perf_counter(), time.process_time()
    frame = read(request["path"])
    seconds, processor = time.perf_counter() - start, time.process_time() - before
    facts = {"version": version, "n_rows": len(frame), "mean": float(frame["c0"].mean())}
    answer = {"seconds": seconds, "processor": processor, **facts}
    del frame
    print(json.dumps(answer), flush=True)
