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
    """Each table of www/data: its entry in the index, and its rows, as text by the name of the column."""
    folder = ROOT / "www" / "data"
    for table in json.loads((folder / "index.json").read_text()):
        with open(folder / table["file"], newline="") as file:
            yield table, list(csv.DictReader(file))


def curves():
    """Name, features and targets, as text, of each table of www/data that has one feature."""
    for table, rows in tables():
        if len(table["features"]) == 1:
            [feature] = table["features"]
            yield table["id"], [row[feature] for row in rows], [row[table["target"]] for row in rows]
