"""Networks with hidden ReLU layers, trained by plain gradient descent in float64; writes network.json.

Forward and backward passes are matrix products over all rows, written without Downhill's code. Every x, y and initial
parameter is exact in float32. Parameters are flat: the layers in order, each its weights `[in, out]`, then its biases.
"""

import document
import numpy as np

random = np.random.default_rng(31)
N_ROWS = 60
N_STEPS = 400
SHOWN = [0, 1, 10, 100, N_STEPS]


def single(values):
    return values.astype(np.float32).astype(np.float64)


x = single(random.uniform(-1, 1, (N_ROWS, 2)))
bend = np.abs(x[:, 0]) - 0.8 * np.maximum(x[:, 1], 0)
targets = {
    "number": single(3 * bend + 0.05 * random.normal(size=N_ROWS)),
    "binary": (bend > 0.2).astype(np.float64),
    "classes": np.digitize(bend, [0.0, 0.4]).astype(np.float64),
}


def loss_and_slopes(kind, z, y):
    """The mean loss, and its derivatives by the outputs."""
    n = len(y)
    if kind == "squared":
        r = z[:, 0] - y
        return np.mean(r**2), (2 * r / n)[:, None]
    if kind == "logistic":
        return np.mean(np.logaddexp(0, z[:, 0]) - y * z[:, 0]), ((1 / (1 + np.exp(-z[:, 0])) - y) / n)[:, None]
    shifted = np.exp(z - z.max(1, keepdims=True))
    p = shifted / shifted.sum(1, keepdims=True)
    rows = np.arange(n), y.astype(int)
    loss = -np.mean(np.log(p[rows]))
    p[rows] -= 1
    return loss, p / n


def pass_over_rows(kind, layers, y):
    """The loss and the gradient of every layer's weights and biases."""
    inputs, values = [], x
    for i, (w, b) in enumerate(layers):
        inputs.append(values)
        values = values @ w + (0 if b is None else b)
        if i + 1 < len(layers):
            values = np.maximum(values, 0)
    loss, d = loss_and_slopes(kind, values, y)
    gradient = []
    for (w, b), a in reversed(list(zip(layers, inputs))):
        gradient.insert(0, (a.T @ d, None if b is None else d.sum(0)))
        d = (d @ w.T) * (a > 0)
    return loss, gradient


def flat(layers):
    return np.concatenate([part.reshape(-1) for layer in layers for part in layer if part is not None]).tolist()


def case(kind, target, widths, biases, rate):
    sizes = [2, *widths]
    layers = [
        (single(random.normal(size=(a, b)) / np.sqrt(a)), single(0.1 * random.normal(size=b)) if has else None)
        for a, b, has in zip(sizes, sizes[1:], biases)
    ]
    start = flat(layers)
    first = flat(pass_over_rows(kind, layers, targets[target])[1])
    losses = []
    for step in range(N_STEPS + 1):
        loss, gradient = pass_over_rows(kind, layers, targets[target])
        if step in SHOWN:
            losses.append(float(loss))
        if step < N_STEPS:
            layers = [
                (w - rate * dw, None if b is None else b - rate * db)
                for (w, b), (dw, db) in zip(layers, gradient)
            ]
    return {
        "loss": kind, "targets": target, "widths": widths, "biases": biases, "learning_rate": rate,
        "initial": start, "gradient": first, "losses": losses, "parameters": flat(layers),
    }


document.write(__file__, ["numpy"], {
    "x": x.tolist(),
    "targets": {name: values.tolist() for name, values in targets.items()},
    "steps": SHOWN,
    "cases": [
        case("squared", "number", [8, 1], [True, True], 0.1),
        case("squared", "number", [6, 5, 1], [False, True, True], 0.05),
        case("logistic", "binary", [8, 1], [True, False], 0.5),
        case("softmax", "classes", [7, 3], [True, True], 0.5),
    ],
})
