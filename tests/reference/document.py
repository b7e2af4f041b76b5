"""What the programs of this folder share: how a document is written, and the rows of the shipped tables."""

import csv
import importlib.metadata
import json
import pathlib
import platform

ROOT = pathlib.Path(__file__).resolve().parents[2]


def write(program, packages, document):
    """Writes `program`'s document beside it, with the versions of Python and of the packages used."""
    versions = {"python": platform.python_version()}
    versions.update((package, importlib.metadata.version(package)) for package in packages)
    text = json.dumps({"versions": versions, **document}, separators=(",", ":"), allow_nan=False) + "\n"
    assert len(text) < 600_000, len(text)
    path = pathlib.Path(program).with_suffix(".json")
    path.write_text(text)
    print(f"{path.name}: {len(text)} bytes")


def tables():
    """Name, features and targets, as text, of each table of www/data."""
    folder = ROOT / "www" / "data"
    for table in json.loads((folder / "index.json").read_text()):
        with open(folder / table["file"], newline="") as file:
            rows = list(csv.DictReader(file))
        yield table["id"], [row[table["feature"]] for row in rows], [row[table["target"]] for row in rows]
