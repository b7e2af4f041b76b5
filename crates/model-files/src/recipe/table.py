

def read(path):
    """The table, and the inputs (categories as level indices), targets and weights of its complete rows."""
    table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig") if path else generated()
    table.columns = [name.strip() for name in table.columns]
    absent = [name for name in COLUMNS if name not in table.columns]
    if absent:
        sys.exit(f"{path} has no column {absent}; it has {list(table.columns)}")
    x = np.column_stack([cells(table[name], levels) for name, _, _, levels in INPUTS])
    y = cells(table[TARGET], CLASSES)
    weight = np.ones(len(y)) if WEIGHT is None else cells(table[WEIGHT], None)
    x = fill(x)
    kept = ~(np.isnan(x).any(axis=1) | np.isnan(y) | np.isnan(weight))
    if not kept.all():
        print(f"{len(kept) - kept.sum()} of {len(kept)} rows have an empty or unreadable cell and are left out")
    return table[kept], x[kept], y[kept], weight[kept]


def cells(column, levels):
    """A column as numbers, NaN for missing cells: numbers, dates as days since 1970-01-01, words by their level."""
    text = column.str.strip()
    if levels is not None:
        return text.map({level: float(index) for index, level in enumerate(levels)}).to_numpy(float)
    numbers = pd.to_numeric(text, errors="coerce").to_numpy(float)
    if np.isnan(numbers).all() and len(numbers) > 0:
        days = pd.to_datetime(text, errors="coerce", format="ISO8601")
        numbers = ((days - pd.Timestamp(0)) / pd.Timedelta(days=1)).to_numpy(float)
    return numbers
