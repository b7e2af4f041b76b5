

def block(part):
    """A partition as arrays."""
    part = list(part)
    if part:
        X = np.array([row.features.toArray() for row in part])
        yield np.hstack([X, np.ones((len(part), 1))]), np.array([row.y for row in part]), np.array([row.weight for row in part])


def gradient(blocks, weights):
    """The mean loss and its gradient, the bias last."""

    def sums(of):
        X, y, weight = of
        losses, slopes = loss_and_slopes((X @ weights)[:, None], y)
        return np.concatenate([[weight.sum(), weight @ losses], (weight * slopes) @ X])

    total = blocks.map(sums).treeReduce(lambda a, b: a + b)
    return total[1] / total[0], total[2:] / total[0]
