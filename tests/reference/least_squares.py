"""Least squares of polynomials and spectra of Hessians with 50 digits by mpmath; writes least_squares.json.

The numbers of the tables and of NIST's StRD problems Wampler1 and Wampler2 are taken as the decimals they are written
as. The spectrum is that of (2/n) A^T A, the Hessian of the mean squared error, where A = [x, 1].
"""

import document
from mpmath import mp, mpf

mp.dps = 50

# Correct digits of R's lm for a line through each table.
KNOWN_LINES = {
    "old_faithful": ("33.4744", "10.7296"),
    "galton_heights": ("23.9415", "0.6463"),
    "mtcars": ("37.2851", "-5.3445"),
}


def fit(x, y, degree):
    """Coefficients from the constant up, mean squared error and r2, by the normal equations."""
    n = len(x)
    powers = [mp.fsum(value**k for value in x) for k in range(2 * degree + 1)]
    products = [mp.fsum(b * a**k for a, b in zip(x, y)) for k in range(degree + 1)]
    matrix = mp.matrix([[powers[i + j] for j in range(degree + 1)] for i in range(degree + 1)])
    found = list(mp.lu_solve(matrix, mp.matrix(products)))
    residual = [b - mp.polyval(found[::-1], a) for a, b in zip(x, y)]
    mean = mp.fsum(y) / n
    squares = mp.fsum(r * r for r in residual)
    return found, squares / n, 1 - squares / mp.fsum((b - mean) ** 2 for b in y)


def case(name, x, y, degree):
    x, y = [mpf(value) for value in x], [mpf(value) for value in y]
    found, loss, r2 = fit(x, y, degree)
    if degree == 1 and name in KNOWN_LINES:
        assert all(abs(f - mpf(k)) <= mpf("5.1e-5") for f, k in zip(found, KNOWN_LINES[name])), name
    if name.startswith("wampler"):
        step = mpf(1) if name == "wampler1" else mpf(1) / 10
        assert all(abs(f / step**k - 1) < mpf("1e-25") for k, f in enumerate(found)), name
        # The fit is exact, so the remaining loss is mpmath's rounding.
        assert loss < mpf("1e-60"), loss
        found, loss, r2 = [step**k for k in range(degree + 1)], mpf(0), mpf(1)
    return {
        "name": name,
        "x": [float(value) for value in x],
        "y": [float(value) for value in y],
        "degree": degree,
        "coefficients": [float(value) for value in found],
        "loss": float(loss),
        "r2": float(r2),
    }


def spectrum(name, x, standardized):
    x = [mpf(value) for value in x]
    n = len(x)
    given = [float(value) for value in x]
    if standardized:
        mean = mp.fsum(x) / n
        deviation = mp.sqrt(mp.fsum((value - mean) ** 2 for value in x) / n)
        x = [(value - mean) / deviation for value in x]
    a, b = 2 * mp.fsum(value * value for value in x) / n, 2 * mp.fsum(x) / n
    middle, half = (a + 2) / 2, mp.sqrt(((a - 2) / 2) ** 2 + b * b)
    return {
        "name": name,
        "x": given,
        "standardized": standardized,
        "largest_eigenvalue": float(middle + half),
        "condition": float((middle + half) / (middle - half)),
    }


TABLES = list(document.curves())
WAMPLER_X = list(range(21))
WAMPLER = [
    ("wampler1", WAMPLER_X, [sum(mpf(x) ** k for k in range(6)) for x in WAMPLER_X]),
    ("wampler2", WAMPLER_X, [sum(mpf(x) ** k / mpf(10) ** k for k in range(6)) for x in WAMPLER_X]),
]
CASES = [case(*table, degree) for table in TABLES for degree in (1, 2, 3)]
CASES += [case(*problem, 5) for problem in WAMPLER]
SPECTRUM = [
    spectrum(name, x, standardized) for name, x, *_ in TABLES for standardized in (False, True)
]
document.write(__file__, ["mpmath"], {"cases": CASES, "spectrum": SPECTRUM})
