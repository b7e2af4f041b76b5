"""Least objectives of every loss and penalty by scikit-learn, statsmodels and CVXPY; writes optima.json.

The rows are scikit-learn's diabetes data as they were measured, standardized here as a model of ours would. The target
is divided by its deviation; counts are the target by twenty, classes its halves and thirds. Each objective is evaluated
at what the named call found, in the form that ours has: the weighted mean of the loss plus
`strength (l1_ratio |w|_1 + (1 - l1_ratio) / 2 |w|_2^2)`. scikit-learn's own constants differ; how they map stands in the calls.
CVXPY (Clarabel) solves every convex problem a second time, and both have to agree to 1e-9.
"""

import warnings

import cvxpy as cp
import document
import numpy as np
import statsmodels.api as sm
from scipy.special import logsumexp
from sklearn.datasets import load_diabetes
from sklearn.linear_model import (
    ElasticNet,
    Lasso,
    LinearRegression,
    LogisticRegression,
    PoissonRegressor,
    QuantileRegressor,
    Ridge,
)
from sklearn.svm import LinearSVC

warnings.simplefilter("ignore")

raw, target = load_diabetes(return_X_y=True, scaled=False)
X = (raw - raw.mean(axis=0)) / raw.std(axis=0)
y = target / 77.0
N, D = X.shape
ONES = np.ones(N)
WEIGHTS = 1.0 + np.arange(N) % 3
TARGETS = {
    "number": y,
    "count": np.floor(target / 20.0),
    "half": (target > 140.0).astype(float),
    "third": (target > 100.0).astype(float) + (target > 180.0),
}


def value(loss, z, t):
    """Of each row."""
    kind = loss["kind"]
    if kind == "softmax":
        return logsumexp(z, axis=1) - z[np.arange(N), t.astype(int)]
    r = z - t
    if kind == "squared":
        return r**2
    if kind == "absolute":
        return np.abs(r)
    if kind == "huber":
        d = loss["delta"]
        return np.where(np.abs(r) <= d, r**2 / 2, d * (np.abs(r) - d / 2))
    if kind == "log_cosh":
        return np.logaddexp(r, -r) - np.log(2)
    if kind == "quantile":
        return np.maximum(-loss["tau"] * r, (1 - loss["tau"]) * r)
    if kind == "logistic":
        return np.logaddexp(0, z) - t * z
    if kind == "squared_hinge":
        return np.maximum(1 - (2 * t - 1) * z, 0) ** 2
    return np.exp(z) - t * z


def objective(loss, strength, l1_ratio, s, t, w, b):
    z = X @ w + b
    penalty = strength * (l1_ratio * np.abs(w).sum() + (1 - l1_ratio) / 2 * (w**2).sum())
    return float(np.average(value(loss, z, t), weights=s) + penalty)


def curvature(loss, strength, l1_ratio, s, t, w, b, bias):
    """Largest eigenvalue of the Hessian by numpy, the square penalty's share in it; None where there are kinks."""
    z = X @ w + b
    kind = loss["kind"]
    if kind in ("absolute", "quantile"):
        return None
    A = np.column_stack([X, ONES]) if bias else X
    square = np.diag([strength * (1 - l1_ratio)] * D + [0.0] * bias)
    if kind == "softmax":
        p = np.exp(z - logsumexp(z, axis=1, keepdims=True))
        hessian = sum(
            weight * np.kron(np.outer(row, row), np.diag(q) - np.outer(q, q)) for weight, row, q in zip(s, A, p)
        )
        return float(np.linalg.eigvalsh(hessian / s.sum() + np.kron(square, np.eye(p.shape[1])))[-1])
    second = {
        "squared": lambda: 2 * ONES,
        "huber": lambda: (np.abs(z - t) <= loss.get("delta")).astype(float),
        "log_cosh": lambda: 1 - np.tanh(z - t) ** 2,
        "logistic": lambda: np.exp(-np.logaddexp(0, z) - np.logaddexp(0, -z)),
        "poisson": lambda: np.exp(z),
        "squared_hinge": lambda: 2.0 * ((2 * t - 1) * z < 1),
    }[kind]()
    return float(np.linalg.eigvalsh(A.T @ (A * (s * second)[:, None]) / s.sum() + square)[-1])


def by_cvxpy(loss, strength, l1_ratio, s, t, bias=True):
    """The same problem for Clarabel."""
    kind = loss["kind"]
    k = 3 if kind == "softmax" else 1
    w, b = cp.Variable((D, k)), cp.Variable((1, k))
    z = X @ w + (np.ones((N, 1)) @ b if bias else 0)
    flat = z[:, 0]
    r = flat - t
    rows = {
        "squared": lambda: cp.square(r),
        "absolute": lambda: cp.abs(r),
        "huber": lambda: cp.huber(r, loss["delta"]) / 2,
        "log_cosh": lambda: cp.logistic(2 * r) - r - np.log(2),
        "quantile": lambda: cp.maximum(-loss["tau"] * r, (1 - loss["tau"]) * r),
        "logistic": lambda: cp.logistic(flat) - cp.multiply(t, flat),
        "softmax": lambda: cp.log_sum_exp(z, axis=1) - cp.sum(cp.multiply(np.eye(k)[t.astype(int) % k], z), axis=1),
        "poisson": lambda: cp.exp(flat) - cp.multiply(t, flat),
        "squared_hinge": lambda: cp.square(cp.pos(1 - cp.multiply(2 * t - 1, flat))),
    }[kind]()
    penalty = strength * (l1_ratio * cp.sum(cp.abs(w)) + (1 - l1_ratio) / 2 * cp.sum_squares(w))
    problem = cp.Problem(cp.Minimize(s @ rows / s.sum() + penalty))
    problem.solve(cp.CLARABEL, tol_gap_abs=1e-11, tol_gap_rel=1e-11, tol_feas=1e-11)
    found = w.value, (b.value if bias else np.zeros((1, k)))
    return (found[0][:, 0], found[1][0, 0]) if k == 1 else found


CASES = []


def case(loss, target, call, found, strength=0.0, l1_ratio=0.0, weighted=False, bias=True):
    s, t = WEIGHTS if weighted else ONES, TARGETS[target]
    cvxpy = by_cvxpy(loss, strength, l1_ratio, s, t, bias)
    second = objective(loss, strength, l1_ratio, s, t, *cvxpy)
    if found is None:
        call, found = "cvxpy.Problem(Minimize(...)).solve(CLARABEL, tol_*=1e-11)", cvxpy
    w, b = found
    first = objective(loss, strength, l1_ratio, s, t, w, b)
    apart = abs(first / second - 1)
    print(f"{loss['kind']:10} {strength:6} {l1_ratio:4} {first:.12g} {apart:.1e}  {call}")
    assert apart < 1e-9, (loss, call, first, second)
    parameters = np.concatenate([np.ravel(w), np.ravel(b) if bias else []])
    CASES.append({
        "loss": loss,
        "penalty": {"strength": strength, "l1_ratio": l1_ratio},
        "target": target,
        "weighted": weighted,
        "bias": bias,
        "call": call,
        "objective": first,
        "curvature": curvature(loss, strength, l1_ratio, s, t, w, b, bias),
        "parameters": parameters.tolist(),
    })


def fitted(model, target, weighted=False):
    """Weights [in][out] and biases."""
    model.fit(X, TARGETS[target], sample_weight=WEIGHTS if weighted else None)
    w = np.atleast_2d(model.coef_).T
    return (w[:, 0], np.ravel(model.intercept_)[0]) if w.shape[1] == 1 else (w, np.atleast_2d(model.intercept_))


S = {False: float(N), True: float(WEIGHTS.sum())}
SQUARED, ABSOLUTE, LOGISTIC = {"kind": "squared"}, {"kind": "absolute"}, {"kind": "logistic"}
SOFTMAX, POISSON, LOG_COSH = {"kind": "softmax"}, {"kind": "poisson"}, {"kind": "log_cosh"}
SQUARED_HINGE = {"kind": "squared_hinge"}

for weighted in (False, True):
    case(SQUARED, "number", "sklearn LinearRegression()", fitted(LinearRegression(), "number", weighted), weighted=weighted)
    case(SQUARED, "number", "sklearn Ridge(alpha=sum(weights) strength / 2, solver='svd')",
         fitted(Ridge(alpha=S[weighted] * 0.25 / 2, solver="svd"), "number", weighted), 0.25, weighted=weighted)
    case(SQUARED, "number", "sklearn Lasso(alpha=strength / 2, tol=1e-14)",
         fitted(Lasso(alpha=0.1, tol=1e-14, max_iter=1_000_000), "number", weighted), 0.2, 1.0, weighted)
case(SQUARED, "number", "sklearn ElasticNet(alpha=strength / 2, l1_ratio=l1_ratio, tol=1e-14)",
     fitted(ElasticNet(alpha=0.05, l1_ratio=0.5, tol=1e-14, max_iter=1_000_000), "number"), 0.1, 0.5)
case(SQUARED, "number", "sklearn LinearRegression(fit_intercept=False)",
     fitted(LinearRegression(fit_intercept=False), "number"), bias=False)

robust = sm.RLM(y, sm.add_constant(X), M=sm.robust.norms.HuberT(1.345))
fit = robust.fit(update_scale=False, tol=1e-14, maxiter=1000)
HUBER = {"kind": "huber", "delta": 1.345 * float(fit.scale)}
case(HUBER, "number", "statsmodels RLM(HuberT(1.345)).fit(update_scale=False), delta = 1.345 scale",
     (fit.params[1:], fit.params[0]))
case({"kind": "huber", "delta": 0.01}, "number", "", None)
case({"kind": "huber", "delta": 0.3}, "number", "", None, 0.1, 0.0, True)
case({"kind": "huber", "delta": 0.3}, "number", "", None, 0.05, 1.0)
case(LOG_COSH, "number", "", None)
case(LOG_COSH, "number", "", None, 0.1, 0.0, True)
case(LOG_COSH, "number", "", None, 0.1, 0.5)

for tau in (0.1, 0.5, 0.9):
    loss = {"kind": "quantile", "tau": tau}
    call = "sklearn QuantileRegressor(quantile=tau, alpha=strength, solver='highs')"
    case(loss, "number", call, fitted(QuantileRegressor(quantile=tau, alpha=0.0), "number"))
    case(loss, "number", call, fitted(QuantileRegressor(quantile=tau, alpha=0.02), "number"), 0.02, 1.0)
case({"kind": "quantile", "tau": 0.9}, "number", "sklearn QuantileRegressor(quantile=tau, alpha=0).fit(sample_weight)",
     fitted(QuantileRegressor(quantile=0.9, alpha=0.0), "number", True), weighted=True)
case({"kind": "quantile", "tau": 0.3}, "number", "", None, 0.1, 0.0)
case({"kind": "quantile", "tau": 0.3}, "number", "", None, 0.1, 0.5, True)
case(ABSOLUTE, "number", "sklearn QuantileRegressor(quantile=0.5, alpha=0), a loss of half as much",
     fitted(QuantileRegressor(quantile=0.5, alpha=0.0), "number"))
case(ABSOLUTE, "number", "sklearn QuantileRegressor(quantile=0.5, alpha=strength / 2), a loss of half as much",
     fitted(QuantileRegressor(quantile=0.5, alpha=0.05), "number"), 0.1, 1.0)
case(ABSOLUTE, "number", "", None, 0.2, 0.0)

exact = {"tol": 1e-12, "max_iter": 1_000_000}
for weighted in (False, True):
    case(LOGISTIC, "half", "sklearn LogisticRegression(C=inf, solver='newton-cholesky', tol=1e-12)",
         fitted(LogisticRegression(C=np.inf, solver="newton-cholesky", **exact), "half", weighted), weighted=weighted)
    case(LOGISTIC, "half", "sklearn LogisticRegression(C=1 / (sum(weights) strength), solver='newton-cholesky', tol=1e-12)",
         fitted(LogisticRegression(C=1 / (S[weighted] * 0.1), solver="newton-cholesky", **exact), "half", weighted), 0.1,
         weighted=weighted)
case(LOGISTIC, "half", "sklearn LogisticRegression(C=1 / (sum(weights) strength), l1_ratio=1, solver='saga', tol=1e-12)",
     fitted(LogisticRegression(C=1 / (N * 0.05), l1_ratio=1.0, solver="saga", **exact), "half"), 0.05, 1.0)
case(LOGISTIC, "half", "sklearn LogisticRegression(C=1 / (sum(weights) strength), l1_ratio=0.5, solver='saga', tol=1e-12)",
     fitted(LogisticRegression(C=1 / (N * 0.05), l1_ratio=0.5, solver="saga", **exact), "half"), 0.05, 0.5)
case(SOFTMAX, "third", "sklearn LogisticRegression(C=inf, solver='newton-cg', tol=1e-12)",
     fitted(LogisticRegression(C=np.inf, solver="newton-cg", **exact), "third"))
case(SOFTMAX, "third", "sklearn LogisticRegression(C=1 / (sum(weights) strength), solver='newton-cg', tol=1e-12)",
     fitted(LogisticRegression(C=1 / (S[True] * 0.1), solver="newton-cg", **exact), "third", True), 0.1, weighted=True)
case(SOFTMAX, "third", "sklearn LogisticRegression(C=1 / (sum(weights) strength), l1_ratio=1, solver='saga', tol=1e-12)",
     fitted(LogisticRegression(C=1 / (N * 0.03), l1_ratio=1.0, solver="saga", **exact), "third"), 0.03, 1.0)
for weighted in (False, True):
    case(POISSON, "count", "sklearn PoissonRegressor(alpha=strength, solver='newton-cholesky', tol=1e-12)",
         fitted(PoissonRegressor(alpha=0.0, solver="newton-cholesky", **exact), "count", weighted), weighted=weighted)
    case(POISSON, "count", "sklearn PoissonRegressor(alpha=strength, solver='newton-cholesky', tol=1e-12)",
         fitted(PoissonRegressor(alpha=0.5, solver="newton-cholesky", **exact), "count", weighted), 0.5, weighted=weighted)
case(POISSON, "count", "", None, 0.3, 1.0)
for weighted in (False, True):
    case(SQUARED_HINGE, "half", "", None, weighted=weighted)
case(SQUARED_HINGE, "half", "", None, 0.1, 0.0, True)
case(SQUARED_HINGE, "half", "", None, 0.1, 1.0)
case(SQUARED_HINGE, "half", "sklearn LinearSVC(C=1 / (N strength), tol=1e-12, fit_intercept=False), half the sum of squares",
     fitted(LinearSVC(C=1 / (N * 0.2), tol=1e-12, max_iter=1_000_000, fit_intercept=False), "half"), 0.2, bias=False)

document.write(__file__, ["scikit-learn", "statsmodels", "cvxpy", "clarabel", "numpy"], {
    "columns": raw.T.tolist(),
    "weights": WEIGHTS.tolist(),
    "targets": {name: t.tolist() for name, t in TARGETS.items()},
    "cases": CASES,
})
