"""Splits, cross-validation, coefficient paths and generalized linear models by scikit-learn; writes runs.json.

Which rows go where is for each generator to say; how many of each class and group do is not. Models are of features
standardized over all rows that are handed in, so that a strength here means `alpha` there: of Ridge the sum of the weights
times half of it, of the elastic net half of it, of the logistic regression one by the sum times it, of Poisson's itself.
"""

import warnings

import document
import numpy as np
from sklearn.linear_model import LogisticRegression, PoissonRegressor, Ridge, enet_path
from sklearn.model_selection import (
    GroupKFold,
    GroupShuffleSplit,
    KFold,
    StratifiedKFold,
    cross_val_score,
    train_test_split,
)

warnings.simplefilter("ignore")


def keys(counts):
    """So many of each, mixed, the first of each in rising order."""
    left, rows = list(counts), []
    while sum(left):
        for key, n in enumerate(left):
            if n:
                rows.append(key)
                left[key] -= 1
    return np.array(rows)


def counted(of, n):
    return np.bincount(of, minlength=n).tolist()


def stratified(counts, n_validation, n_test):
    of = keys(counts)
    found = set()
    for seed in range(20):
        out = n_validation + n_test
        training, rest = train_test_split(of, test_size=out, stratify=of, random_state=seed)
        if n_test == 0:
            validation, test = rest, rest[:0]
        else:
            validation, test = train_test_split(rest, test_size=n_test, stratify=rest, random_state=seed)
        found.add(tuple(tuple(counted(part, len(counts))) for part in (training, validation, test)))
    # If remainders are equal, scikit-learn takes any of them.
    assert len(found) == 1, (counts, found)
    [parts] = found
    return {"of": of.tolist(), "counts": parts}


def by_groups(sizes, fraction):
    of = keys(sizes)
    split = GroupShuffleSplit(1, test_size=fraction, random_state=0)
    [(training, validation)] = split.split(of, groups=of)
    n_groups = [len(set(of[rows])) for rows in (training, validation)]
    return {"of": of.tolist(), "fraction": fraction, "n_groups": n_groups}


def parts(splitter, of, n_folds, **given):
    rows = [held for _, held in splitter.split(of, **given)]
    return {"of": of.tolist(), "n_folds": n_folds, "counts": [counted(of[held], of.max() + 1) for held in rows]}


SPLITS = {
    "stratified": [
        {"fraction": 0.25, "test_fraction": 0.0, **stratified([50, 30, 21], 26, 0)},
        {"fraction": 0.3, "test_fraction": 0.0, **stratified([90, 7], 30, 0)},
        {"fraction": 0.2, "test_fraction": 0.1, **stratified([50, 33, 18], 21, 11)},
        {"fraction": 0.15, "test_fraction": 0.25, **stratified([212, 357], 86, 143)},
    ],
    "group": [by_groups(sizes, f) for sizes, f in [([5, 1, 9, 3, 3, 2, 7], 0.3), ([4] * 10, 0.25), ([1] * 40, 0.11)]],
    "k_fold": [
        {"n": n, "n_folds": k, "sizes": [len(held) for _, held in KFold(k).split(np.zeros(n))]}
        for n, k in [(10, 3), (442, 5), (7, 7), (101, 20)]
    ],
    "stratified_k_fold": [
        parts(StratifiedKFold(k), keys(counts), k, y=keys(counts))
        for counts, k in [([50, 30, 21], 5), ([7, 1, 13], 3), ([212, 357], 10)]
    ],
    "group_k_fold": [
        parts(GroupKFold(k), keys(sizes), k, groups=keys(sizes))
        for sizes, k in [([5, 1, 9, 3, 3, 2, 7], 3), ([10, 1, 1, 1], 3), ([3, 8, 5, 2, 11, 4, 6], 5)]
    ],
}


def read(table, n_rows=None, features=None, target=None):
    """Standardized features and the target of a shipped table."""
    [(entry, rows)] = [(entry, rows) for entry, rows in document.tables() if entry["id"] == table]
    names = entry["features"] if features is None else [entry["features"][j] for j in features]
    X = np.array([[float(row[name]) for name in names] for row in rows[:n_rows]])
    cells = [row[entry["target"]] for row in rows[:n_rows]]
    levels = sorted(set(cells))
    y = np.array([float(levels.index(cell)) if target == "level" else float(cell) for cell in cells])
    return (X - X.mean(axis=0)) / X.std(axis=0), y


# Rows 0 to 149 of six columns that are not collinear; the target divided by its deviation of about
# 77.
FEATURES = [0, 1, 2, 3, 8, 9]
X, y = read("diabetes", 150, FEATURES)
y = y / 77.0
N_FOLDS = 5
n_training = len(y) * (N_FOLDS - 1) // N_FOLDS
STRENGTH = 0.2
ridge = Ridge(alpha=n_training * STRENGTH / 2, solver="svd")
folds = {
    "n_folds": N_FOLDS,
    "strength": STRENGTH,
    "features": FEATURES,
    "n_rows": 150,
    "divisor": 77.0,
    "call": "cross_val_score(Ridge(alpha=n_training strength / 2), X, y, cv=KFold(5), scoring='neg_mean_squared_error')",
    "losses": (-cross_val_score(ridge, X, y, cv=KFold(N_FOLDS), scoring="neg_mean_squared_error")).tolist(),
}
# Every consecutive fifth of these rows has both classes.
L, t = read("breast_cancer", 150, [0, 1, 4, 8])
logistic = LogisticRegression(C=1 / (n_training * STRENGTH), solver="newton-cholesky", tol=1e-12, max_iter=100_000)
logistic_folds = {
    "n_folds": N_FOLDS,
    "strength": STRENGTH,
    "features": [0, 1, 4, 8],
    "n_rows": 150,
    "divisor": 1.0,
    "call": "cross_val_score(LogisticRegression(C=1 / (n_training strength)), X, y, cv=KFold(5), scoring='neg_log_loss')",
    "losses": (-cross_val_score(logistic, L, t, cv=KFold(N_FOLDS), scoring="neg_log_loss")).tolist(),
}

N_STRENGTHS, LEARNING_RATE = 6, 0.1
PATHS = []
for l1_ratio in (1.0, 0.5, 0.0):
    slope = np.abs(2 * X.T @ (y - y.mean()) / len(y)).max()
    greatest = slope / max(l1_ratio, 0.01)
    if l1_ratio < 1:
        greatest = min(greatest, 0.5 / (LEARNING_RATE * (1 - l1_ratio)))
    strengths = greatest * 1e-4 ** (np.arange(N_STRENGTHS) / (N_STRENGTHS - 1))
    if l1_ratio > 0:
        call = "enet_path(X, y - mean, l1_ratio, alphas=strengths / 2, tol=1e-14)"
        _, coefficients, _ = enet_path(
            X, y - y.mean(), l1_ratio=l1_ratio, alphas=strengths / 2, tol=1e-14, max_iter=1_000_000
        )
        coefficients = coefficients.T
    else:
        call = "Ridge(alpha=n strength / 2)"
        coefficients = np.array([Ridge(alpha=len(y) * a / 2, solver="svd").fit(X, y).coef_ for a in strengths])
    PATHS.append({
        "l1_ratio": l1_ratio,
        "call": call,
        "strengths": strengths.tolist(),
        "coefficients": coefficients.tolist(),
        "losses": [float(np.mean((X @ w + y.mean() - y) ** 2)) for w in coefficients],
    })


def likelihood(kind, z, t):
    if kind == "logistic":
        return np.logaddexp(0, z) - t * z
    if kind == "poisson":
        return np.exp(z) - t * z
    return np.logaddexp.reduce(z, axis=1) - z[np.arange(len(t)), t.astype(int)]


MODELS = []
EXACT = {"tol": 1e-12, "max_iter": 1_000_000}
for table, kind, strength in [
    ("challenger", "logistic", 0.0),
    ("breast_cancer", "logistic", 0.01),
    ("iris", "softmax", 0.01),
    ("coal_disasters", "poisson", 0.0),
]:
    X, t = read(table, target="level" if kind == "softmax" else None)
    for weighted in (False, True):
        s = 1.0 + np.arange(len(t)) % 3 if weighted else np.ones(len(t))
        if kind == "poisson":
            call, model = "PoissonRegressor(alpha=strength)", PoissonRegressor(alpha=strength, **EXACT)
        else:
            call = "LogisticRegression(C=1 / (sum(weights) strength))"
            C = 1 / (s.sum() * strength) if strength else np.inf
            model = LogisticRegression(C=C, solver="newton-cholesky", **EXACT)
        model.fit(X, t, sample_weight=s)
        w, b = np.atleast_2d(model.coef_), np.atleast_1d(model.intercept_)
        z = X @ w.T + b
        z = z if kind == "softmax" else z[:, 0]
        objective = np.average(likelihood(kind, z, t), weights=s) + strength / 2 * (w**2).sum()
        predicted = model.predict(X) if kind == "poisson" else model.predict_proba(X)
        MODELS.append({
            "table": table,
            "loss": {"kind": kind},
            "strength": strength,
            "weighted": weighted,
            "call": call,
            "coefficients": w.tolist(),
            "biases": b.tolist(),
            "objective": float(objective),
            "first": np.atleast_1d(predicted[0]).tolist(),
        })

document.write(__file__, ["numpy", "scikit-learn"], {
    "splits": SPLITS,
    "folds": {"squared": folds, "logistic": logistic_folds},
    "paths": PATHS,
    "models": MODELS,
})
