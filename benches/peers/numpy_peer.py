"""NumPy on one thread: the gradient by hand, every intermediate in a buffer of its own that is used again."""

import work

work.one_thread()

import numpy as np  # noqa: E402

DATA = {}
RANDOM = np.random.default_rng(1)


def prepare(request):
    n, d = request["n"], request["d"]
    x, y = work.rows(n, d)
    DATA.update(x=x, y=y, column=x[:, 0].copy() if d == 1 else None)
    DATA["ones"] = np.hstack([x, np.ones((n, 1), np.float32)]) if request["batch"] == 0 else None


def run(request, n_steps):
    if request["batch"] > 0:
        return batches(request, n_steps)
    return FORMS[request["form"]](request["rate"], n_steps)


def apart(rate, n_steps):
    """The bias apart from the weights."""
    x, y = DATA["x"], DATA["y"]
    n, d = x.shape
    w, g, b = np.zeros(d, np.float32), np.empty(d, np.float32), np.float32(0)
    r, ones = np.empty(n, np.float32), np.ones(n, np.float32)
    scale = np.float32(2 * rate / n)
    loss = 0.0
    for _ in range(n_steps):
        np.dot(x, w, out=r)
        np.add(r, b, out=r)
        np.subtract(r, y, out=r)
        loss = np.dot(r, r) / n
        np.dot(r, x, out=g)
        b = b - scale * np.dot(r, ones)
        np.multiply(g, scale, out=g)
        np.subtract(w, g, out=w)
    return loss


def ones(rate, n_steps):
    """The bias as the weight of a column of ones."""
    x, y = DATA["ones"], DATA["y"]
    n, d = x.shape
    w, g, r = np.zeros(d, np.float32), np.empty(d, np.float32), np.empty(n, np.float32)
    scale = np.float32(2 * rate / n)
    loss = 0.0
    for _ in range(n_steps):
        np.dot(x, w, out=r)
        np.subtract(r, y, out=r)
        loss = np.dot(r, r) / n
        np.dot(r, x, out=g)
        np.multiply(g, scale, out=g)
        np.subtract(w, g, out=w)
    return loss


def column(rate, n_steps):
    """One feature: products of vectors alone."""
    x, y = DATA["column"], DATA["y"]
    n = len(x)
    r, column_of_ones = np.empty(n, np.float32), np.ones(n, np.float32)
    w, b, scale = np.float32(0), np.float32(0), np.float32(2 * rate / n)
    loss = 0.0
    for _ in range(n_steps):
        np.multiply(x, w, out=r)
        np.add(r, b, out=r)
        np.subtract(r, y, out=r)
        loss = np.dot(r, r) / n
        w = w - scale * np.dot(r, x)
        b = b - scale * np.dot(r, column_of_ones)
    return loss


def batches(request, n_steps):
    """Rows in a new order every epoch, batch after batch."""
    x, y = DATA["x"], DATA["y"]
    n, d = x.shape
    batch = request["batch"]
    w, b, g = np.zeros(d, np.float32), np.float32(0), np.empty(d, np.float32)
    scale = np.float32(2 * request["rate"])
    xs, ys = np.empty_like(x), np.empty_like(y)
    buffer, column_of_ones = np.empty(batch, np.float32), np.ones(batch, np.float32)
    done, loss = 0, 0.0
    while done < n_steps:
        order = RANDOM.permutation(n)
        np.take(x, order, axis=0, out=xs)
        np.take(y, order, out=ys)
        for start in range(0, n, batch):
            if done == n_steps:
                break
            xb, yb = xs[start : start + batch], ys[start : start + batch]
            m = len(yb)
            r = buffer[:m]
            np.dot(xb, w, out=r)
            np.add(r, b, out=r)
            np.subtract(r, yb, out=r)
            loss = np.dot(r, r) / m
            np.dot(r, xb, out=g)
            b = b - scale / m * np.dot(r, column_of_ones[:m])
            np.multiply(g, scale / m, out=g)
            np.subtract(w, g, out=w)
            done += 1
    return loss


FORMS = {"apart": apart, "ones": ones, "column": column}
work.serve(["numpy"], prepare, run)
