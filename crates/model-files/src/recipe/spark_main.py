

def mean_loss(rows, weights, bias):
    """The weighted mean loss of the rows, and their number."""

    def sums(part):
        part = list(part)
        if part:
            X = np.array([row.features.toArray() for row in part])
            y, weight = np.array([row.y for row in part]), np.array([row.weight for row in part])
            yield np.array([weight @ loss_and_slopes(X @ weights + bias, y)[0], weight.sum(), len(part)])

    loss, weight, n = rows.rdd.mapPartitions(sums).reduce(lambda a, b: a + b)
    return loss / weight, int(n)


def main():
    spark = SparkSession.builder.appName("Downhill").getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    rows = features(read(spark, sys.argv[1] if len(sys.argv) > 1 else None)).cache()
    parts = split(rows)
    weights, bias = train(parts["training"])
    for name, part in parts.items():
        loss, n = mean_loss(part, weights, bias)
        print(f"loss, {name}: {loss:.9g} over {n} rows")
    save(*original(weights, bias))
    spark.stop()


if __name__ == "__main__":
    main()
