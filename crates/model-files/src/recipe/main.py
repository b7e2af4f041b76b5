

def main():
    table, x, y, weight = read(sys.argv[1] if len(sys.argv) > 1 else None)
    training, validation, test = split(table, y)
    X = features(x)
    for rows in (training, validation, test):
        # To a mean of 1, so that the loss is a mean.
        weight[rows] /= weight[rows].mean() if len(rows) else 1.0
    weights, bias = train(*((X[rows], y[rows], weight[rows]) for rows in (training, validation)))
    z = X @ weights + bias
    for name, rows in (("training", training), ("validation", validation), ("test", test)):
        if len(rows):
            print(f"loss, {name}: {(weight[rows] * losses(z[rows], y[rows])).mean():.9g} over {len(rows)} rows")
    save(*original(weights, bias))


if __name__ == "__main__":
    main()
