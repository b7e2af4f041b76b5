"""Metrics of predictions by scikit-learn; writes scores.json.

The predictions are made up: a few rows of numbers with ties, of counts, of two classes and of four. `weights` counts the
rows; what stands under `even` was asked for without them.
"""

import document
import numpy as np
from sklearn import metrics
from sklearn.calibration import calibration_curve

random = np.random.default_rng(4)
N = 60
weights = np.round(random.uniform(0.2, 3.0, N), 3)
y = np.round(random.normal(20.0, 5.0, N), 3)
prediction = np.round(y + random.normal(0.0, 2.0, N), 3)
counts = random.poisson(3.0, N).astype(float)
rates = np.round(counts * 0.6 + random.uniform(0.2, 2.0, N), 3)
# Tenths, so that scores tie and lie on the edges of bins.
binary = (random.uniform(size=N) < 0.4).astype(float)
probability = np.clip(np.round(0.35 + 0.3 * binary + random.normal(0.0, 0.25, N), 1), 0.0, 1.0)
classes = random.integers(0, 4, N).astype(float)
logits = random.normal(0.0, 1.0, (N, 4)) + 1.2 * np.eye(4)[classes.astype(int)]
# No row predicts the last class, so its precision would divide by zero.
logits[:, 3] -= 20.0
shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


def regression(s):
    r2 = metrics.r2_score(y, prediction, sample_weight=s)
    return {
        "mean_squared_error": metrics.mean_squared_error(y, prediction, sample_weight=s),
        "root_mean_squared_error": metrics.root_mean_squared_error(y, prediction, sample_weight=s),
        "mean_absolute_error": metrics.mean_absolute_error(y, prediction, sample_weight=s),
        "r2": r2,
        "d2_pinball": [
            metrics.d2_pinball_score(y, prediction, sample_weight=s, alpha=tau) for tau in (0.1, 0.5, 0.8)
        ],
        "mean_poisson_deviance": metrics.mean_poisson_deviance(counts, rates, sample_weight=s),
        "d2_poisson": metrics.d2_tweedie_score(counts, rates, sample_weight=s, power=1),
    }


def classification(t, p, s):
    """Of the probabilities of all classes."""
    labels = list(range(p.shape[1]))
    predicted = p.argmax(axis=1)
    precision, recall, f1, support = metrics.precision_recall_fscore_support(
        t, predicted, labels=labels, sample_weight=s, zero_division=np.nan
    )
    number = lambda values: [None if np.isnan(v) else float(v) for v in values]
    two = len(labels) == 2
    return {
        "log_loss": metrics.log_loss(t, p, labels=labels, sample_weight=s),
        "accuracy": metrics.accuracy_score(t, predicted, sample_weight=s),
        "brier": metrics.brier_score_loss(t, p[:, 1] if two else p, labels=labels, sample_weight=s),
        "confusion": metrics.confusion_matrix(t, predicted, labels=labels, sample_weight=s).astype(float).tolist(),
        "precision": number(precision),
        "recall": number(recall),
        "f1": number(f1),
    }


def roc(s):
    false, true, _ = metrics.roc_curve(binary, probability, sample_weight=s)
    return {
        "area": metrics.roc_auc_score(binary, probability, sample_weight=s),
        "points": np.column_stack([false, true]).tolist(),
    }


both = np.column_stack([1 - probability, probability])
observed, predicted = calibration_curve(binary, probability, n_bins=5, strategy="uniform")
document.write(__file__, ["scikit-learn", "numpy"], {
    "weights": weights.tolist(),
    "y": y.tolist(),
    "prediction": prediction.tolist(),
    "counts": counts.tolist(),
    "rates": rates.tolist(),
    "binary": binary.tolist(),
    "probability": probability.tolist(),
    "classes": classes.tolist(),
    "shares": shares.tolist(),
    "weighted": {
        "regression": regression(weights),
        "binary": classification(binary, both, weights),
        "classes": classification(classes, shares, weights),
        "roc": roc(weights),
        # A score with the same order of rows: the softmax of (m, 0, -m, 0) grows with m, the
        # logarithm of the class's share.
        "first_against_others": metrics.roc_auc_score(classes == 0, np.log(shares[:, 0]), sample_weight=weights),
    },
    "even": {
        "regression": regression(None),
        "binary": classification(binary, both, None),
        "classes": classification(classes, shares, None),
        "roc": roc(None),
        "calibration": {"observed": observed.tolist(), "predicted": predicted.tolist()},
    },
})
