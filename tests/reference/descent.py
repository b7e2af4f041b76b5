"""Least objectives of every loss and penalty by scikit-learn and SciPy in float64; writes descent.json.

The rows are made here, standardized, with columns that depend on each other: the condition number of their covariance is
stated. scikit-learn's own scaling of a penalty is turned into ours beside each call, and every optimum is looked at again
by this file's own objective.
"""

import document
import numpy as np
import scipy.optimize
from scipy.special import logsumexp
from sklearn.linear_model import (
    ElasticNet, Lasso, LinearRegression, LogisticRegression, PoissonRegressor, QuantileRegressor, Ridge,
)

random = np.random.default_rng(12)


def rows(n, d, condition):
    """Standardized, exact in float32, with this condition number of their covariance before they are standardized."""
    rotation, _ = np.linalg.qr(random.normal(size=(d, d)))
    spread = np.sqrt(np.geomspace(1, 1 / condition, d))
    x = random.normal(size=(n, d)) * spread @ rotation.T
    x = (x - x.mean(0)) / x.std(0)
    return x.astype(np.float32).astype(np.float64)


def objective(loss, x, y, strength, l1_ratio, weights, bias):
    z = x @ weights + bias
    r = z[:, 0] - y
    kind = loss["kind"]
    if kind == "squared":
        losses = r**2
    elif kind == "absolute":
        losses = np.abs(r)
    elif kind == "huber":
        losses = np.where(np.abs(r) <= loss["delta"], r**2 / 2, loss["delta"] * (np.abs(r) - loss["delta"] / 2))
    elif kind == "log_cosh":
        losses = np.logaddexp(r, -r) - np.log(2)
    elif kind == "quantile":
        losses = np.where(r < 0, -loss["tau"] * r, (1 - loss["tau"]) * r)
    elif kind == "logistic":
        losses = np.logaddexp(0, z[:, 0]) - y * z[:, 0]
    elif kind == "squared_hinge":
        losses = np.maximum(1 - (2 * y - 1) * z[:, 0], 0) ** 2
    elif kind == "poisson":
        losses = np.exp(z[:, 0]) - y * z[:, 0]
    else:
        losses = logsumexp(z, axis=1) - z[np.arange(len(y)), y.astype(int)]
    penalty = l1_ratio * np.abs(weights).sum() + (1 - l1_ratio) / 2 * (weights**2).sum()
    return losses.mean() + strength * penalty


def by_scipy(loss, x, y, strength, l1_ratio):
    """Smooth objectives to the last digit; `l1_ratio` has to be 0."""
    assert l1_ratio == 0.0
    d = x.shape[1]

    def value(p):
        return objective(loss, x, y, strength, l1_ratio, p[:d, None], p[d:])

    found = scipy.optimize.minimize(value, np.zeros(d + 1), method="BFGS", options={"gtol": 1e-9})
    found = scipy.optimize.minimize(value, found.x, method="BFGS", options={"gtol": 1e-10})
    return found.x[:d], found.x[d:]


def fitted(model, x, y):
    model.fit(x, y)
    return np.atleast_2d(model.coef_), np.atleast_1d(model.intercept_)


X, WIDE = rows(240, 6, 100.0), rows(150, 20, 30.0)
HARD = rows(300, 4, 1e4)
N = len(X)
plane = X @ [2.0, 0.0, -1.0, 0.5, 0.0, 0.3] + 1.0
numbers = plane + random.standard_t(3, size=N) * 0.5
sparse = WIDE @ np.r_[3.0, -2.0, 1.0, np.zeros(17)] + random.normal(size=150) * 0.5
binary = (plane + random.logistic(size=N) > 1.0).astype(float)
classes = np.argmax(X[:, :3] + random.gumbel(size=(N, 3)), axis=1).astype(float)
counts = random.poisson(np.exp(0.3 * X[:, 0] - 0.2 * X[:, 2] + 0.5)).astype(float)
hard = HARD @ [1.0, -1.0, 0.5, 2.0] + random.normal(size=300) * 0.5
separable = (plane > 1.0).astype(float)
TARGETS = {
    "numbers": (X, numbers), "sparse": (WIDE, sparse), "binary": (X, binary), "classes": (X, classes),
    "counts": (X, counts), "hard": (HARD, hard), "separable": (X, separable),
}

TIGHT = {"tol": 1e-10, "max_iter": 1_000_000}
PROBLEMS = [
    ({"kind": "squared"}, "numbers", 0.0, 0.0, lambda a, q: LinearRegression()),
    ({"kind": "squared"}, "hard", 0.0, 0.0, lambda a, q: LinearRegression()),
    # The sum of squares plus alpha times the squared weights: a mean has n times less of both, and
    # our penalty has a factor of one half.
    ({"kind": "squared"}, "numbers", 0.5, 0.0, lambda a, q: Ridge(alpha=a / 2 * N, tol=1e-12)),
    # Half the mean of squares, so alpha is half of ours.
    ({"kind": "squared"}, "sparse", 0.4, 1.0, lambda a, q: Lasso(alpha=a / 2, **TIGHT)),
    ({"kind": "squared"}, "sparse", 0.6, 0.5, lambda a, q: ElasticNet(alpha=a / 2, l1_ratio=q, **TIGHT)),
    ({"kind": "absolute"}, "numbers", 0.0, 0.0, lambda a, q: QuantileRegressor(quantile=0.5, alpha=0.0)),
    ({"kind": "quantile", "tau": 0.8}, "numbers", 0.0, 0.0, lambda a, q: QuantileRegressor(quantile=0.8, alpha=0.0)),
    ({"kind": "quantile", "tau": 0.3}, "numbers", 0.1, 1.0, lambda a, q: QuantileRegressor(quantile=0.3, alpha=a)),
    ({"kind": "huber", "delta": 0.7}, "numbers", 0.0, 0.0, None),
    ({"kind": "log_cosh"}, "numbers", 0.2, 0.0, None),
    ({"kind": "logistic"}, "binary", 0.0, 0.0,
     lambda a, q: LogisticRegression(C=np.inf, tol=1e-10, max_iter=10_000)),
    # A sum of losses times C, where C follows from the mean and the strength.
    ({"kind": "logistic"}, "separable", 0.05, 0.0,
     lambda a, q: LogisticRegression(C=1 / (a * N), tol=1e-10, max_iter=10_000)),
    ({"kind": "logistic"}, "binary", 0.05, 1.0,
     lambda a, q: LogisticRegression(C=1 / (a * N), l1_ratio=1.0, solver="saga", tol=1e-10, max_iter=100_000)),
    ({"kind": "softmax"}, "classes", 0.02, 0.0,
     lambda a, q: LogisticRegression(C=1 / (a * N), tol=1e-10, max_iter=10_000)),
    ({"kind": "poisson"}, "counts", 0.0, 0.0, lambda a, q: PoissonRegressor(alpha=0.0, tol=1e-10, max_iter=10_000)),
    ({"kind": "poisson"}, "counts", 0.3, 0.0, lambda a, q: PoissonRegressor(alpha=a, tol=1e-10, max_iter=10_000)),
    ({"kind": "squared_hinge"}, "binary", 0.0, 0.0, None),
    ({"kind": "squared_hinge"}, "separable", 0.05, 0.0, None),
]

cases = []
for loss, name, strength, l1_ratio, model in PROBLEMS:
    x, y = TARGETS[name]
    y = y.astype(np.float32).astype(np.float64)
    if model is None:
        coefficients, bias = by_scipy(loss, x, y, strength, l1_ratio)
        by = "scipy.optimize.minimize"
    else:
        made = model(strength, l1_ratio)
        coefficients, bias = fitted(made, x, y)
        by = type(made).__name__
    weights = np.atleast_2d(coefficients).T
    least = objective(loss, x, y, strength, l1_ratio, weights, bias)
    for _ in range(200):
        # Nothing nearby is lower.
        near = weights + random.normal(size=weights.shape) * 1e-3
        assert objective(loss, x, y, strength, l1_ratio, near, bias) > least - 1e-9
    cases.append({
        "loss": loss, "rows": name, "strength": strength, "l1_ratio": l1_ratio, "by": by,
        "objective": least, "weights": weights.ravel().tolist(), "bias": bias.tolist(),
    })



def short(values):
    """As few digits as bring the same float32 back."""
    return [short(value) if isinstance(value, np.ndarray) else float(str(value)) for value in values.astype(np.float32)]


FEATURES = {"plain": X, "wide": WIDE, "hard": HARD}
conditions = {name: np.linalg.cond(np.c_[x, np.ones(len(x))]) ** 2 for name, x in FEATURES.items()}
assert 5e3 < conditions["hard"] < 1e4
document.write(__file__, ["numpy", "scipy", "scikit-learn"], {
    "features": {name: short(x) for name, x in FEATURES.items()}, "conditions": conditions,
    "rows": {
        name: {"features": next(key for key, own in FEATURES.items() if own is x), "y": short(y)}
        for name, (x, y) in TARGETS.items()
    },
    "cases": cases,
})
