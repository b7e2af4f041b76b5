"""Objective and gradient of every loss and penalty by JAX's autograd in float64, and steps with a penalty; writes losses.json.

Rows count by weights, one fold of them is left out, and the loss is of one output or of three classes. The L1 part is in
the objectives alone: its gradient is left to the proximal steps, which NumPy takes as their definitions stand.
"""

import document
import jax
import jax.numpy as jnp
import numpy as np

jax.config.update("jax_enable_x64", True)

N, D, CLASSES, FOLD = 24, 3, 3, 1
random = np.random.default_rng(4)


def exact(values):
    """The nearest numbers that are exact in float32."""
    return np.asarray(values, np.float32).astype(np.float64)


X = exact(random.normal(size=(N, D)))
S = exact(random.uniform(0.2, 1.8, size=N))
FOLDS = np.arange(N) * 7 % 3
Y = {
    "number": exact(random.normal(size=N) * 2),
    "binary": exact(random.integers(0, 2, size=N)),
    "class": exact(random.integers(0, CLASSES, size=N)),
    "count": exact(random.poisson(2.0, size=N)),
}


def huber(r, delta):
    return jnp.where(jnp.abs(r) <= delta, r**2 / 2, delta * (jnp.abs(r) - delta / 2))


def quantile(z, y, tau):
    return jnp.where(y > z, tau * (y - z), (tau - 1) * (y - z))


LOSSES = [
    ({"kind": "squared"}, "number", lambda z, y: (z - y) ** 2),
    ({"kind": "absolute"}, "number", lambda z, y: jnp.abs(z - y)),
    ({"kind": "huber", "delta": 1.5}, "number", lambda z, y: huber(z - y, 1.5)),
    ({"kind": "log_cosh"}, "number", lambda z, y: jnp.logaddexp(z - y, y - z) - jnp.log(2.0)),
    ({"kind": "quantile", "tau": 0.8}, "number", lambda z, y: quantile(z, y, 0.8)),
    ({"kind": "logistic"}, "binary", lambda z, y: jax.nn.softplus(z) - y * z),
    ({"kind": "softmax"}, "class", None),
    ({"kind": "poisson"}, "count", lambda z, y: jnp.exp(z) - y * z),
    ({"kind": "squared_hinge"}, "binary", lambda z, y: jnp.maximum(1 - (2 * y - 1) * z, 0) ** 2),
]
OPTIMIZERS = [
    {"kind": "sgd"},
    {"kind": "momentum", "momentum": 0.8},
    {"kind": "nesterov", "momentum": 0.8},
    {"kind": "ada_grad", "epsilon": 1e-10},
    {"kind": "rms_prop", "alpha": 0.9, "epsilon": 1e-8},
    {"kind": "adam", "beta1": 0.9, "beta2": 0.99, "epsilon": 1e-8},
    {"kind": "adam_w", "beta1": 0.9, "beta2": 0.99, "epsilon": 1e-8, "weight_decay": 0.1},
    {"kind": "lion", "beta1": 0.9, "beta2": 0.99, "weight_decay": 0.1},
]


def objective(pointwise, y, shares, scale, l2):
    """Of the weights (D, K) and biases (K,), without the L1 part."""

    def smooth(weights, bias):
        z = X @ weights + bias
        if pointwise is None:
            classes = y.astype(int)
            losses = jax.nn.logsumexp(z, axis=1) - jnp.take_along_axis(z, classes[:, None], axis=1)[:, 0]
        else:
            losses = pointwise(z[:, 0], y)
        return scale * jnp.sum(shares * losses) + l2 / 2 * jnp.sum(weights**2)

    return smooth


cases = []
for loss, kind, pointwise in LOSSES:
    outputs = CLASSES if pointwise is None else 1
    weights = exact(random.normal(size=(D, outputs)) * 0.5)
    bias = exact(random.normal(size=outputs) * 0.5)
    for fold in (None, FOLD):
        shares = S if fold is None else S * (FOLDS != FOLD)
        # Divided by the number of rows if all count, otherwise by the remaining weights.
        scale = 1 / N if fold is None else 1 / shares.sum()
        for strength, l1_ratio in ((0.0, 0.0), (0.3, 0.0), (0.2, 1.0), (0.4, 0.25)):
            l1, l2 = strength * l1_ratio, strength * (1 - l1_ratio)
            smooth = objective(pointwise, Y[kind], shares, scale, l2)
            value, (by_weights, by_bias) = jax.value_and_grad(smooth, argnums=(0, 1))(weights, bias)
            gradient = np.concatenate([(by_weights + l1 * np.sign(weights)).ravel(), by_bias])
            cases.append({
                "loss": loss, "targets": kind, "fold": fold, "strength": strength, "l1_ratio": l1_ratio,
                "parameters": np.concatenate([weights.ravel(), bias]).tolist(),
                "objective": float(value + l1 * np.abs(weights).sum()), "gradient": gradient.tolist(),
            })


def shrink(u, threshold):
    return np.sign(u) * np.maximum(np.abs(u) - threshold, 0.0)


def penalized_steps(optimizer, rate, strength, l1_ratio, steps):
    """Parameters after each step on the squared loss of every row, alike; the last parameter is the bias."""
    l1, l2 = strength * l1_ratio, strength * (1 - l1_ratio)
    smooth = objective(LOSSES[0][2], Y["number"], np.ones(N), 1 / N, l2)
    slope = jax.grad(smooth, argnums=(0, 1))
    w = exact([0.5, -0.02, 0.3, 0.1])
    m, v = np.zeros(4), np.zeros(4)
    kind = optimizer["kind"]
    shares = np.array([l1, l1, l1, 0.0])
    b, b1, b2 = optimizer.get("momentum"), optimizer.get("beta1"), optimizer.get("beta2")
    history = []
    for t in range(1, steps + 1):
        by_weights, by_bias = slope(w[:3, None], w[3:])
        g = np.concatenate([np.ravel(by_weights), by_bias])
        if kind == "momentum":
            after = shrink(w - rate * (b * m + g), rate * shares)
            m, w = (w - after) / rate, after
        elif kind == "nesterov":
            x = shrink(w - rate * g, rate * shares)
            m = (w + rate * b * m - x) / rate
            w = x - rate * b * m
        elif kind == "lion":
            # The sign of the smallest subgradient that the mean and the penalty have together; no weight passes 0.
            c, m = b1 * m + (1 - b1) * g, b2 * m + (1 - b2) * g
            least = np.where(w == 0, shrink(c, shares), c + shares * np.sign(w))
            after = w - rate * (np.sign(least) + optimizer["weight_decay"] * w)
            w = np.where((shares > 0) & (after * w < 0), 0.0, after)
        else:
            moved, pace = g, rate * np.ones(4)
            if kind == "ada_grad":
                v = v + g**2
                pace = rate / (np.sqrt(v) + optimizer["epsilon"])
            elif kind == "rms_prop":
                v = optimizer["alpha"] * v + (1 - optimizer["alpha"]) * g**2
                pace = rate / (np.sqrt(v) + optimizer["epsilon"])
            elif kind != "sgd":
                m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
                moved = m / (1 - b1**t)
                pace = rate / (np.sqrt(v / (1 - b2**t)) + optimizer["epsilon"])
            decayed = w * (1 - rate * optimizer.get("weight_decay", 0.0))
            w = shrink(decayed - pace * moved, pace * shares)
        history.append(w.tolist())
    return history


steps = []
for optimizer in OPTIMIZERS:
    for strength, l1_ratio in ((0.5, 0.0), (1.2, 1.0), (1.0, 0.5)):
        rate = 0.05
        history = penalized_steps(optimizer, rate, strength, l1_ratio, 25)
        steps.append({
            "optimizer": optimizer, "learning_rate": rate, "strength": strength, "l1_ratio": l1_ratio,
            "parameters": history,
        })
assert any(w == 0.0 for case in steps for row in case["parameters"] for w in row)

document.write(__file__, ["jax", "numpy"], {
    "x": X.tolist(), "weights": S.tolist(), "folds": FOLDS.tolist(),
    "targets": {kind: y.tolist() for kind, y in Y.items()},
    "cases": cases, "initial": exact([0.5, -0.02, 0.3, 0.1]).tolist(), "steps": steps,
})
