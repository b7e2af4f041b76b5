"""Least squares of every table of www/data as the page first shows it, by statsmodels; writes shipped.json.

The page learns the last column of numbers from all others, categories as 0 and 1 for every level but the first.
Longley's numbers are those that NIST certifies, to which statsmodels' are held.
"""

import document
import numpy as np
import statsmodels.api as sm

# NIST StRD, Longley: coefficients and their standard deviations, the constant last.
LONGLEY = [
    [15.0618722713733, 84.9149257747669],
    [-0.358191792925910e-01, 0.334910077722432e-01],
    [-2.02022980381683, 0.488399681651699],
    [-1.03322686717359, 0.214274163161675],
    [-0.511041056535807e-01, 0.226073200069370],
    [1829.15146461355, 455.478499142212],
    [-3482258.63459582, 890420.383607373],
]
LONGLEY_R2 = 0.995479004577296

# glm(distress ~ temperature, binomial) in R, to its printed digits, which shows that the flights
# are those in the literature.
CHALLENGER = (15.0429, -0.2322)


def numbers(rows, name):
    try:
        return [float(row[name]) for row in rows]
    except ValueError:
        return None


def case(table, rows):
    names = [*table["features"], table["target"]]
    target = [name for name in names if numbers(rows, name)][-1]
    terms, columns = [], []
    for name in names:
        values = numbers(rows, name)
        if name == target:
            y = np.array(values)
        elif values:
            terms.append(name)
            columns.append(values)
        else:
            _, *levels = sorted({row[name] for row in rows})
            terms += [f"{name} = {level}" for level in levels]
            columns += [[float(row[name] == level) for row in rows] for level in levels]
    x = np.column_stack([*columns, np.ones(len(rows))])
    # Computed about the means, so that large years and dollars do not cancel digits.
    middle = np.append(x[:, :-1].mean(axis=0), 0.0)
    fitted = sm.OLS(y, x - middle).fit()
    back = np.eye(len(middle))
    back[-1] -= middle
    covariance = back @ fitted.cov_params() @ back.T
    found = np.column_stack([back @ fitted.params, np.sqrt(np.diag(covariance))]).tolist()
    loss, r2 = float(fitted.ssr) / len(rows), float(fitted.rsquared)
    if table["id"] == "longley":
        assert np.allclose(found, LONGLEY, rtol=1e-9) and abs(r2 - LONGLEY_R2) < 1e-12, found
        found, r2 = LONGLEY, LONGLEY_R2
    if table["id"] == "challenger":
        logit = sm.Logit(y, sm.add_constant(x[:, 0])).fit(disp=False)
        assert np.allclose(logit.params, CHALLENGER, atol=5.1e-5, rtol=0), logit.params
    return {
        "id": table["id"],
        "n_samples": len(rows),
        "target": target,
        "terms": [*terms, "bias"],
        "coefficients": found,
        "loss": loss,
        "r2": r2,
    }


CASES = [case(table, rows) for table, rows in document.tables()]
document.write(__file__, ["numpy", "statsmodels"], {"cases": CASES})
