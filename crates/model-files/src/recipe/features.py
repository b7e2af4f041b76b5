

def features(x):
    """The model's features: scaled numbers, their powers, one column per level except the first, products."""
    columns = []
    for _, kind, a, b in TERMS:
        if kind == "power":
            _, center, scale, _ = INPUTS[a]
            columns.append(((x[:, a] - center) / scale) ** b)
        elif kind == "level":
            columns.append((x[:, a] == b).astype(float))
        else:
            columns.append(columns[a] * columns[b])
    return (np.column_stack(columns) - CENTERS) / SCALES
