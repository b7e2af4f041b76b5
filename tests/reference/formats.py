"""Writes the same few rows in every format that is read, by the tools that people write them with, into crates/tables/tests/files,
and beside them expected.json: what those tools read back.

pip install numpy==2.4.6 pandas==3.1.1 pyarrow==26.0.1 openpyxl==3.1.5 odfpy==1.4.1
"""

import datetime
import decimal
import json
import pathlib
import zipfile

import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "crates" / "tables" / "tests" / "files"
EXPECTED = {}
N_ROWS = 40


def cell(value):
    """A value as the tests compare it: a number, a word, a date as {"days": ...}, or nothing."""
    if value is None or value is pd.NaT or (isinstance(value, (float, np.floating)) and np.isnan(value)):
        return None
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, np.datetime64):
        return None if np.isnat(value) else {"days": float((value - np.datetime64(0, "D")) / np.timedelta64(1, "ns")) / 86_400e9}
    if isinstance(value, datetime.datetime):
        # A time stamp with a zone is an instant, counted in UTC.
        value = value.replace(tzinfo=datetime.timezone.utc) if value.tzinfo is None else value
        epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
        return {"days": (value - epoch).total_seconds() / 86_400}
    if isinstance(value, datetime.date):
        return {"days": float((value - datetime.date(1970, 1, 1)).days)}
    if isinstance(value, (bytes, np.bytes_)):
        return value.decode() or None
    if isinstance(value, str):
        return str(value) or None
    return float(value)


def expect(name, columns):
    """What a file holds; where another holds the same, that one's name."""
    cells = {column: [cell(value) for value in values] for column, values in columns.items()}
    EXPECTED[name] = next((other for other, held in EXPECTED.items() if held == cells), cells)


def arrays():
    rng = np.random.default_rng(4)
    numbers = rng.normal(size=(N_ROWS, 3))
    simple = {
        "float64": numbers[:, 0],
        "float32_big_endian": numbers[:, 0].astype(">f4"),
        "float16": numbers[:, 0].astype("<f2"),
        "int8": np.arange(-20, 20, dtype="i1"),
        "int16_big_endian": np.arange(-20, 20).astype(">i2") * 1000,
        "int64": np.arange(-20, 20, dtype="i8") * 10**12,
        "uint8": np.arange(200, 240, dtype="u1"),
        "uint32": np.arange(4_000_000_000, 4_000_000_040, dtype="u4"),
        "uint64_big_endian": np.arange(40, dtype=">u8") * 2**40,
        "bool": np.arange(N_ROWS) % 3 == 0,
        "words": np.array(["köln", "bonn", "", "a 'quoted' one"] * 10),
        "words_big_endian": np.array(["köln", "bonn", "", "x"] * 10).astype(">U5"),
        "bytes": np.array([b"few", b"many", b"", b"more"] * 10),
        "dates": np.array(["2024-02-29", "NaT", "1969-12-31", "2100-01-01"] * 10, dtype="M8[D]"),
        "stamps": np.array(["2024-02-29T12:00", "NaT", "1969-12-31T06", "2100-01-01"] * 10, dtype="M8[ms]"),
    }
    for name, values in simple.items():
        np.save(FOLDER / f"{name}.npy", values)
        back = np.load(FOLDER / f"{name}.npy")
        expect(f"{name}.npy", {"column 1": back})
    for name, order in [("rows", "C"), ("columns", "F")]:
        values = np.array(numbers, order=order)
        np.save(FOLDER / f"{name}.npy", values)
        assert np.load(FOLDER / f"{name}.npy").flags["F_CONTIGUOUS"] == (order == "F")
        expect(f"{name}.npy", {f"column {j + 1}": values[:, j] for j in range(3)})
        np.savez_compressed(FOLDER / f"{name}.npz", X=values, y=numbers @ [1, 2, 3])
        # Named in this order: y, then X.
        np.savez(FOLDER / f"{name}_stored.npz", y=numbers @ [1, 2, 3], X=values, n=np.float64(3))
        for file in (f"{name}.npz", f"{name}_stored.npz"):
            back = np.load(FOLDER / file)
            expect(file, {**{f"X_{j}": back["X"][:, j] for j in range(3)}, "y": back["y"]})
    record = np.dtype([("size", "<f4"), ("count", ">i4"), ("kind", "S4"), ("größe", "<f8")], align=True)
    values = np.array([(i / 2, -i, b"ab" if i % 2 else b"c", i * 1e10) for i in range(N_ROWS)], dtype=record)
    # A name outside Latin-1 needs the third version of the format.
    third = np.array([(i / 2, i) for i in range(N_ROWS)], dtype=[("高", "<f8"), ("宽", "<i8")])
    for name, values in [("fields", values), ("fields_version_3", third)]:
        np.save(FOLDER / f"{name}.npy", values)
        back = np.load(FOLDER / f"{name}.npy")
        expect(f"{name}.npy", {field: back[field] for field in back.dtype.names})
    with open(FOLDER / "version_2.npy", "wb") as file:
        np.lib.format.write_array(file, numbers[:, 1], version=(2, 0))
    expect("version_2.npy", {"column 1": np.load(FOLDER / "version_2.npy")})

    # Files that are refused.
    np.save(FOLDER / "refused_complex.npy", numbers[:, 0] + 1j)
    np.save(FOLDER / "refused_objects.npy", np.array([{"a": 1}, None]), allow_pickle=True)
    np.save(FOLDER / "refused_dimensions.npy", np.zeros((2, 3, 4)))
    np.savez(FOLDER / "refused_lengths.npz", a=np.arange(3), b=np.arange(4))
    with zipfile.ZipFile(FOLDER / "refused_none.npz", "w") as archive:
        archive.writestr("readme.npy.txt", "no array")


def frame():
    index = np.arange(N_ROWS)
    rng = np.random.default_rng(5)
    columns = {
        "float": [None if i % 7 == 0 else float(v) for i, v in zip(index, rng.normal(size=N_ROWS))],
        "integer": [int(i) ** 5 for i in index],
        "gap": [None if i % 5 == 0 else int(i) for i in index],
        "flag": [None if i % 11 == 0 else bool(i % 2) for i in index],
        "word": [None if i % 9 == 0 else ["köln", "bonn", "aachen"][i % 3] for i in index],
        "day": [None if i % 8 == 0 else datetime.date(2024, 2, 1) + datetime.timedelta(days=int(i)) for i in index],
    }
    return columns


def objects():
    columns = frame()
    names = list(columns)
    rows = [dict(zip(names, row)) for row in zip(*columns.values())]
    for row in rows:
        row["day"] = row["day"] and row["day"].isoformat()
    pd.DataFrame(rows).astype({"gap": "Int64", "flag": "boolean"}).to_json(FOLDER / "frame.jsonl", orient="records", lines=True, force_ascii=False, double_precision=15)
    # pandas rounds to 15 decimals, so Python's own reader gives the expected values.
    back = [json.loads(line) for line in (FOLDER / "frame.jsonl").read_text().splitlines()]
    day = lambda text: text and datetime.date.fromisoformat(text)
    expect("frame.jsonl", {name: [day(row[name]) if name == "day" else row[name] for row in back] for name in names})
    # One list over many lines, with keys that come late or never, and with nested objects.
    nested = [{"a": i, "in": {"b": i / 4, "deep": {"c": [i]}}, "list": [1, "two"]} for i in range(10)]
    nested[4]["late"] = 1e-300
    del nested[5]["a"]
    (FOLDER / "nested.json").write_text(json.dumps(nested, indent=1))
    expect("nested.json", {
        "a": [row.get("a") for row in nested],
        "in.b": [row["in"]["b"] for row in nested],
        "in.deep": [json.dumps(row["in"]["deep"], separators=(",", ":")) for row in nested],
        "list": ['[1,"two"]'] * 10,
        "late": [row.get("late") for row in nested],
    })


def parquet():
    columns = frame()
    table = pa.table({
        "float": pa.array(columns["float"], pa.float64()),
        "float32": pa.array(columns["float"], pa.float32()),
        "float16": pa.array(np.arange(N_ROWS, dtype=np.float16) / np.float16(4), pa.float16()),
        "int8": pa.array([v and v - 20 for v in columns["gap"]], pa.int8()),
        "uint16": pa.array(columns["gap"], pa.uint16()),
        "uint32": pa.array([v and 4_000_000_000 + v for v in columns["gap"]], pa.uint32()),
        "integer": pa.array(columns["integer"], pa.int64()),
        "uint64": pa.array([2**40 * i for i in range(N_ROWS)], pa.uint64()),
        "flag": pa.array(columns["flag"]),
        "word": pa.array(columns["word"]),
        "dictionary": pa.array(columns["word"]).dictionary_encode(),
        "day": pa.array(columns["day"], pa.date32()),
        "milliseconds": pa.array([day and datetime.datetime(day.year, day.month, day.day, 6) for day in columns["day"]], pa.timestamp("ms")),
        "nanoseconds": pa.array([day and datetime.datetime(day.year, day.month, day.day, 18) for day in columns["day"]], pa.timestamp("ns")),
        "zone": pa.array([day and datetime.datetime(day.year, day.month, day.day, 12) for day in columns["day"]], pa.timestamp("us", tz="UTC")),
        "decimal": pa.array([decimal.Decimal(i * 25 - 300).scaleb(-2) for i in range(N_ROWS)], pa.decimal128(9, 2)),
        "decimal_long": pa.array([decimal.Decimal(i * 25 - 300).scaleb(-2) for i in range(N_ROWS)], pa.decimal128(30, 2)),
        "nothing": pa.array([None] * N_ROWS, pa.float64()),
        "inside": pa.array([None if i == 3 else {"a": i, "b": None if i == 4 else "x"} for i in range(N_ROWS)], pa.struct([("a", pa.int32()), ("b", pa.string())])),
    })
    flat = {name: table.column(name).to_pylist() for name in table.column_names if name not in ("inside", "nanoseconds")}
    flat["nanoseconds"] = [value and value.to_pydatetime() for value in table.column("nanoseconds").to_pylist()]
    flat = {name: flat[name] for name in table.column_names if name != "inside"}
    inside = table.column("inside").to_pylist()
    flat["inside.a"] = [value and value["a"] for value in inside]
    flat["inside.b"] = [value and value["b"] for value in inside]
    for codec in ["none", "snappy", "gzip", "zstd", "brotli", "lz4"]:
        for version in ["1.0", "2.0"]:
            name = f"{codec}_{version[0]}.parquet"
            pq.write_table(table, FOLDER / name, compression=codec, data_page_version=version, row_group_size=17)
            assert pq.read_table(FOLDER / name).equals(table), name
            expect(name, flat)
    numbers = table.select(["float", "float32", "integer", "word", "flag"])
    encodings = {"float": "BYTE_STREAM_SPLIT", "float32": "BYTE_STREAM_SPLIT", "integer": "DELTA_BINARY_PACKED", "word": "DELTA_BYTE_ARRAY", "flag": "RLE"}
    pq.write_table(numbers, FOLDER / "encodings.parquet", use_dictionary=False, column_encoding=encodings, data_page_version="2.0")
    assert pq.read_table(FOLDER / "encodings.parquet").equals(numbers)
    expect("encodings.parquet", {name: flat[name] for name in numbers.column_names})
    words = pa.table({"word": table["word"], "long": pa.array([f"{'ab' * (i % 70)}{i}" for i in range(N_ROWS)])})
    for encoding in ["DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY"]:
        for version in ["1.0", "2.0"]:
            name = f"{encoding.lower()}_{version[0]}.parquet"
            pq.write_table(words, FOLDER / name, use_dictionary=False, column_encoding=encoding, data_page_version=version)
            assert pq.read_table(FOLDER / name).equals(words), name
            expect(name, {column: words[column].to_pylist() for column in words.column_names})
    # The second version does not compress pages that gain nothing; these gain.
    for codec in ["gzip", "zstd", "brotli"]:
        pq.write_table(words, FOLDER / f"words_{codec}.parquet", use_dictionary=False, compression=codec, data_page_version="2.0")
        expect(f"words_{codec}.parquet", {column: words[column].to_pylist() for column in words.column_names})
    # As pandas writes it, including its index.
    pandas = pd.DataFrame({"x": np.arange(5) / 3, "y": ["a", "b", "a", None, "b"]}, index=pd.Index([10, 12, 11, 15, 14], name="key"))
    pandas.to_parquet(FOLDER / "pandas.parquet")
    back = pd.read_parquet(FOLDER / "pandas.parquet").reset_index()
    expect("pandas.parquet", {name: back[name] for name in ["x", "y", "key"]})
    pq.write_table(pa.table({"x": [1, 2], "list": [[1, 2], [3]]}), FOLDER / "refused_lists.parquet")


def workbooks():
    columns = frame()
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "rows"
    sheet.append(list(columns))
    for row in zip(*columns.values()):
        sheet.append(list(row))
    other = book.create_sheet("elsewhere")
    # Not in the corner, with an empty line, and with text that looks like a number.
    for (row, column), value in {(3, 2): "p", (3, 3): "q", (4, 2): 1, (4, 3): "2.5", (6, 2): 3, (6, 3): "7"}.items():
        other.cell(row=row, column=column, value=value)
    stamp = other.cell(row=6, column=4, value=datetime.datetime(2024, 2, 29, 12))
    stamp.number_format = "yyyy-mm-dd hh:mm"
    book.save(FOLDER / "workbook.xlsx")
    back = openpyxl.load_workbook(FOLDER / "workbook.xlsx", data_only=True)["rows"]
    rows = list(back.iter_rows(values_only=True))
    expect("workbook.xlsx", {name: [row[j] for row in rows[1:]] for j, name in enumerate(rows[0])})
    expect("workbook.xlsx#elsewhere", {"p": [1, 3], "q": [2.5, 7], "column 3": [None, datetime.datetime(2024, 2, 29, 12)]})
    table = pd.DataFrame({"float": columns["float"], "integer": columns["integer"], "word": columns["word"], "day": pd.to_datetime(pd.Series(columns["day"]))})
    with pd.ExcelWriter(FOLDER / "workbook.ods", engine="odf") as writer:
        table.to_excel(writer, sheet_name="rows", index=False)
    back = pd.read_excel(FOLDER / "workbook.ods", engine="odf")
    expect("workbook.ods", {
        "float": back["float"], "integer": back["integer"], "word": [None if pd.isna(v) else v for v in back["word"]],
        "day": [None if pd.isna(v) else v.to_pydatetime() for v in back["day"]],
    })


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    for write in (arrays, objects, parquet, workbooks):
        write()
    versions = {module.__name__: module.__version__ for module in (np, pd, pa, openpyxl)}
    document = {"versions": versions, "files": EXPECTED}
    (FOLDER / "expected.json").write_text(json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n")
    print(len(EXPECTED), "files,", sum(file.stat().st_size for file in FOLDER.iterdir()), "bytes")


main()
