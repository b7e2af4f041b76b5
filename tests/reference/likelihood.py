"""Generalized linear models, the influence of rows and intervals of predictions by statsmodels; writes likelihood.json.

The rows are the first 120 of scikit-learn's diabetes data as they were measured: age, sex, body mass index and blood
pressure. The target, counts and halves of it are fitted in the units of the columns. `weights` are frequencies.
"""

import document
import numpy as np
import statsmodels.api as sm
from scipy import stats
from sklearn.datasets import load_diabetes

raw, target = load_diabetes(return_X_y=True, scaled=False)
COLUMNS, target = raw[:120, :4], target[:120]
X = sm.add_constant(COLUMNS, prepend=False)
WEIGHTS = 1.0 + np.arange(120) % 3
TARGETS = {
    "number": target,
    "half": (target > np.median(target)).astype(float),
    "count": np.floor(target / 20.0),
}
FAMILIES = {"half": sm.families.Binomial(), "count": sm.families.Poisson()}


def quantiles(values):
    """Of the normal distribution, where values of these ranks would lie."""
    ranks = np.argsort(np.argsort(values, kind="stable"), kind="stable")
    return stats.norm.ppf((ranks + 0.5) / len(values)).tolist()


def along(predict):
    """The third input at five places, the others at their means: predict gives mean and ends."""
    grid = np.linspace(COLUMNS[:, 2].min(), COLUMNS[:, 2].max(), 5)
    rows = np.tile(COLUMNS.mean(axis=0), (5, 1))
    rows[:, 2] = grid
    frame = predict(sm.add_constant(rows, prepend=False, has_constant="add"))
    return {"grid": grid.tolist(), "effect": frame["mean"].tolist(), "low": frame["mean_ci_lower"].tolist(),
            "high": frame["mean_ci_upper"].tolist()}


def model(name, weights):
    fit = sm.GLM(TARGETS[name], X, family=FAMILIES[name], freq_weights=weights).fit(tol=1e-14, maxiter=200)
    ratio = 2 * (fit.llf - fit.llnull)
    return fit, {
        "params": fit.params.tolist(),
        "bse": fit.bse.tolist(),
        "z": fit.tvalues.tolist(),
        "p": fit.pvalues.tolist(),
        "interval": fit.conf_int().tolist(),
        "llf": fit.llf,
        "llnull": fit.llnull,
        "deviance": fit.deviance,
        "null_deviance": fit.null_deviance,
        "pseudo_r2": 1 - fit.llf / fit.llnull,
        "likelihood_ratio": [ratio, stats.chi2.sf(ratio, 4)],
    }


def influence(name):
    fit, answer = model(name, None)
    of = fit.get_influence()
    h, pearson, deviance = of.hat_matrix_diag, fit.resid_pearson, fit.resid_deviance
    answer["rows"] = {
        "fitted": fit.fittedvalues.tolist(),
        "residual": deviance.tolist(),
        "leverage": h.tolist(),
        "cooks_distance": of.cooks_distance[0].tolist(),
        "standardized": (deviance / np.sqrt(1 - h)).tolist(),
        # Williams (1987), eq. 4: as R's rstudent.glm.
        "studentized": (np.sign(deviance) * np.sqrt(deviance**2 + h * pearson**2 / (1 - h))).tolist(),
        "normal_quantile": quantiles(deviance / np.sqrt(1 - h)),
    }
    answer["along"] = along(lambda rows: fit.get_prediction(rows).summary_frame())
    return answer


def least_squares():
    fit = sm.OLS(TARGETS["number"], X).fit()
    of = fit.get_influence()
    return {
        "rows": {
            "fitted": fit.fittedvalues.tolist(),
            "residual": fit.resid.tolist(),
            "leverage": of.hat_matrix_diag.tolist(),
            "cooks_distance": of.cooks_distance[0].tolist(),
            "standardized": of.resid_studentized_internal.tolist(),
            "studentized": of.resid_studentized_external.tolist(),
            "normal_quantile": quantiles(of.resid_studentized_internal),
        },
        "along": along(lambda rows: fit.get_prediction(rows).summary_frame()),
        # Component plus residual of one input, with the others at their means.
        "partial_residuals": (
            fit.resid + fit.predict(np.insert(COLUMNS.mean(axis=0), 4, 1.0))
            + fit.params[2] * (COLUMNS[:, 2] - COLUMNS[:, 2].mean())
        ).tolist(),
    }


logit = sm.Logit(TARGETS["half"], X).fit(disp=False, tol=1e-14)
assert np.allclose(logit.bse, influence("half")["bse"], rtol=1e-6)
assert np.isclose(logit.prsquared, influence("half")["pseudo_r2"], rtol=1e-12)
document.write(__file__, ["statsmodels", "scipy", "scikit-learn", "numpy"], {
    "columns": COLUMNS.T.tolist(),
    "weights": WEIGHTS.tolist(),
    "targets": {name: t.tolist() for name, t in TARGETS.items()},
    "number": least_squares(),
    "half": influence("half"),
    "count": influence("count"),
    "half_weighted": model("half", WEIGHTS)[1],
    "count_weighted": model("count", WEIGHTS)[1],
})
