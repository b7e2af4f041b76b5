

def read(spark, path):
    """Inputs x0, x1, ... (categories as level indices), y and weight of the complete rows."""
    if path:
        table = spark.read.csv(path, header=True, multiLine=True, escape='"')
    else:
        table = spark.createDataFrame(*generated())
    names = [name.strip() for name in table.columns]
    absent = [name for name in COLUMNS if name not in names]
    if absent:
        sys.exit(f"{path} has no column {absent}; it has {names}")
    # Columns are renamed by position, because their names may mean something to SQL.
    table = table.toDF(*[f"c{j}" for j in range(len(names))])
    columns = [cells(names.index(name), levels).alias(f"x{j}") for j, (name, _, _, levels) in enumerate(INPUTS)]
    columns.append(cells(names.index(TARGET), CLASSES).alias("y"))
    columns.append((F.lit(1.0) if WEIGHT is None else cells(names.index(WEIGHT), None)).alias("weight"))
    return fill(table.select(columns)).dropna()


def cells(j, levels):
    """A column as numbers, null for missing cells: numbers, dates as days since 1970-01-01, words by their level."""
    text = F.trim(F.col(f"c{j}"))
    if levels is None:
        return F.coalesce(F.expr(f"try_cast(trim(c{j}) as double)"), F.expr(f"unix_date(try_cast(trim(c{j}) as date))"))
    level = F.lit(None).cast("double")
    for index, word in enumerate(levels):
        level = F.when(text == F.lit(word), float(index)).otherwise(level)
    return level


def features(rows):
    """The model's features as one vector: scaled numbers, their powers, one column per level except the first, products."""
    columns = []
    for _, kind, a, b in TERMS:
        x = F.col(f"x{a}")
        if kind == "power":
            _, center, scale, _ = INPUTS[a]
            columns.append(F.pow((x - center) / scale, F.lit(float(b))) if b > 1 else (x - center) / scale)
        elif kind == "level":
            columns.append(F.when(x == float(b), 1.0).otherwise(0.0))
        else:
            columns.append(columns[a] * columns[b])
    names = [f"t{k}" for k in range(len(columns))]
    scaled = [((t - CENTERS[k]) / SCALES[k]).alias(names[k]) for k, t in enumerate(columns)]
    return VectorAssembler(inputCols=names, outputCol="features").transform(rows.select("y", "weight", *scaled))
