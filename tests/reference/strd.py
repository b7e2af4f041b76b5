"""The linear regressions of NIST's Statistical Reference Datasets (StRD, public domain), with their certified values;
writes strd.json.

Data and certified values are those of the sets themselves (https://www.itl.nist.gov/div898/strd/lls/lls.shtml): Norris
as scipy ships it, Longley as statsmodels does, the others by their numbers below. mpmath solves each of them with 120
digits from the decimals as they are written, and every certified value has to be met to its last digit but one: a
number copied wrongly ends this program. What stands in the file are the certified values.

`reachable` is how many digits of the certified estimates are left when the data are first rounded to float64, as
whoever computes in it has to do.
"""

import pathlib

import document
import scipy.stats
import statsmodels.datasets.longley
from mpmath import mp, mpf

mp.dps = 120


def norris():
    """Rows of x and y, from the file of NIST's that scipy tests with."""
    folder = pathlib.Path(scipy.stats.__file__).parent / "tests" / "data" / "nist_linregress"
    rows = [line.split() for line in (folder / "Norris.dat").read_text().splitlines()[60:] if line.strip()]
    return [[x] for _, x in rows], [y for y, _ in rows]


def longley():
    """Deflator, product, unemployed, armed forces, population and year; employed."""
    path = pathlib.Path(statsmodels.datasets.longley.__file__).parent / "longley.csv"
    rows = [line.split(",") for line in path.read_text().split("\n")[1:] if line]
    return [row[2:] for row in rows], [row[1] for row in rows]


FILIP = """
0.8116 -6.860120914 0.9072 -4.324130045 0.9052 -4.358625055 0.9039 -4.358426747 0.8053 -6.955852379
0.8377 -6.661145254 0.8667 -6.355462942 0.8809 -6.118102026 0.7975 -7.115148017 0.8162 -6.815308569
0.8515 -6.519993057 0.8766 -6.204119983 0.8885 -5.853871964 0.8859 -6.109523091 0.8959 -5.79832982
0.8913 -5.482672118 0.8959 -5.171791386 0.8971 -4.851705903 0.9021 -4.517126416 0.909 -4.143573228
0.9139 -3.709075441 0.9199 -3.499489089 0.8692 -6.300769497 0.8872 -5.953504836 0.89 -5.642065153
0.891 -5.031376979 0.8977 -4.680685696 0.9035 -4.329846955 0.9078 -3.928486195 0.7675 -8.56735134
0.7705 -8.363211311 0.7713 -8.107682739 0.7736 -7.823908741 0.7775 -7.522878745 0.7841 -7.218819279
0.7971 -6.920818754 0.8329 -6.628932138 0.8641 -6.323946875 0.8804 -5.991399828 0.7668 -8.781464495
0.7633 -8.663140179 0.7678 -8.473531488 0.7697 -8.247337057 0.77 -7.971428747 0.7749 -7.676129393
0.7796 -7.352812702 0.7897 -7.072065318 0.8131 -6.774174009 0.8498 -6.478861916 0.8741 -6.159517513
0.8061 -6.835647144 0.846 -6.53165267 0.8751 -6.224098421 0.8856 -5.910094889 0.8919 -5.598599459
0.8934 -5.290645224 0.894 -4.974284616 0.8957 -4.64454848 0.9047 -4.290560426 0.9129 -3.885055584
0.9209 -3.408378962 0.9219 -3.13200249 0.7739 -8.726767166 0.7681 -8.66695597 0.7665 -8.511026475
0.7703 -8.165388579 0.7702 -7.886056648 0.7761 -7.588043762 0.7809 -7.283412422 0.7961 -6.995678626
0.8253 -6.691862621 0.8602 -6.392544977 0.8809 -6.067374056 0.8301 -6.684029655 0.8664 -6.378719832
0.8834 -6.065855188 0.8898 -5.752272167 0.8964 -5.132414673 0.8963 -4.811352704 0.9074 -4.098269308
0.9119 -3.66174277 0.9228 -3.2644011
""".split()
PONTIUS_Y = """
.11019 .21956 .32949 .43899 .54803 .65694 .76562 .87487 .98292 1.09146 1.20001 1.30822 1.41599 1.52399 1.63194 1.73947
1.84646 1.95392 2.06128 2.16844 .11052 .22018 .32939 .43886 .54798 .65739 .76596 .87474 .98300 1.09150 1.20004 1.30818
1.41613 1.52408 1.63159 1.73965 1.84696 1.95445 2.06177 2.16829
""".split()
# Wampler3 to 5 are Wampler1 and 1, 100 and 10,000 times this.
WAMPLER_DELTA = [759, -2048, 2048, -2048, 2523, -2048, 2048, -2048, 1838, -2048, 2048]
WAMPLER_DELTA += WAMPLER_DELTA[9::-1]


def wampler(step, times):
    """y of 21 rows: a polynomial of coefficients `step^k`, and `times` the pattern."""
    return [sum((mpf(step) * x) ** k for k in range(6)) + times * d for x, d in enumerate(WAMPLER_DELTA)]


COUNTED = [[str(x)] for x in range(21)]
TENTH = mpf(1) / 10
# Name, rows of x, y, degree, bias; estimates (the constant first), their standard deviations; residual standard deviation, R^2, F.
SETS = [
    ("norris", *norris(), 1, True,
     "-0.262323073774029 1.00211681802045",
     "0.232818234301152 0.429796848199937E-03",
     "0.884796396144373 0.999993745883712 5436385.54079785"),
    ("pontius", [[str(150_000 * (i % 20 + 1))] for i in range(40)], PONTIUS_Y, 2, True,
     "0.673565789473684E-03 0.732059160401003E-06 -0.316081871345029E-14",
     "0.107938612033077E-03 0.157817399981659E-09 0.486652849992036E-16",
     "0.205177424076185E-03 0.999999900178537 185330865.995752"),
    ("no_intercept_1", [[str(60 + i)] for i in range(11)], [str(130 + i) for i in range(11)], 1, False,
     "2.07438016528926", "0.165289256198347E-01", "3.56753034006338 0.999365492298663 15750.2500000000"),
    ("no_intercept_2", [["4"], ["5"], ["6"]], ["3", "4", "4"], 1, False,
     "0.727272727272727", "0.420827318078432E-01", "0.369274472937998 0.993348115299335 298.6666666666667"),
    ("filip", [[x] for x in FILIP[1::2]], FILIP[::2], 10, True,
     "-1467.48961422980 -2772.17959193342 -2316.37108160893 -1127.97394098372 -354.478233703349 -75.1242017393757 "
     "-10.8753180355343 -1.06221498588947 -0.670191154593408E-01 -0.246781078275479E-02 -0.402962525080404E-04",
     "298.084530995537 559.779865474950 466.477572127796 227.204274477751 71.6478660875927 15.2897178747400 "
     "2.23691159816033 0.221624321934227 0.142363763154724E-01 0.535617408889821E-03 0.896632837373868E-05",
     "0.334801051324544E-02 0.996727416185620 2162.43954511489"),
    ("longley", *longley(), 1, True,
     "-3482258.63459582 15.0618722713733 -0.358191792925910E-01 -2.02022980381683 -1.03322686717359 "
     "-0.511041056535807E-01 1829.15146461355",
     "890420.383607373 84.9149257747669 0.334910077722432E-01 0.488399681651699 0.214274163161675 0.226073200069370 "
     "455.478499142212",
     "304.854073561965 0.995479004577296 330.285339234588"),
    ("wampler1", COUNTED, wampler(1, 0), 5, True, "1 1 1 1 1 1", "0 0 0 0 0 0", "0 1 inf"),
    ("wampler2", COUNTED, wampler(TENTH, 0), 5, True, "1 0.1 0.01 0.001 0.0001 0.00001", "0 0 0 0 0 0", "0 1 inf"),
    ("wampler3", COUNTED, wampler(1, 1), 5, True, "1 1 1 1 1 1",
     "2152.32624678170 2363.55173469681 779.343524331583 101.475507550350 5.64566512170752 0.112324854679312",
     "2360.14502379268 0.999995559025820 675524.458240122"),
    ("wampler4", COUNTED, wampler(1, 100), 5, True, "1 1 1 1 1 1",
     "215232.624678170 236355.173469681 77934.3524331583 10147.5507550350 564.566512170752 11.2324854679312",
     "236014.502379268 0.957478440825662 67.5524458240122"),
    ("wampler5", COUNTED, wampler(1, 10_000), 5, True, "1 1 1 1 1 1",
     "21523262.4678170 23635517.3469681 7793435.24331583 1014755.07550350 56456.6512170752 1123.24854679312",
     "23601450.2379268 0.224668921574940E-02 6.75524458240122E-03"),
]


def solve(x, y, degree, bias):
    """Estimates, their standard deviations, and the residual one, R^2 and F, all exact but for 120 digits."""
    rows = [([mpf(1)] if bias else []) + [value**k for value in row for k in range(1, degree + 1)] for row in x]
    matrix, target = mp.matrix(rows), mp.matrix(y)
    inverse = (matrix.T * matrix) ** -1
    found = inverse * (matrix.T * target)
    residual = target - matrix * found
    n, p = len(y), len(rows[0])
    squares = mp.fsum(r * r for r in residual)
    mean = mp.fsum(y) / n if bias else mpf(0)
    total = mp.fsum((value - mean) ** 2 for value in y)
    variance = squares / (n - p)
    explained = (total - squares) / (p - bias)
    deviations = [mp.sqrt(variance * inverse[k, k]) for k in range(p)]
    f = explained / variance if variance > mpf("1e-60") else mp.inf
    return list(found), deviations, [mp.sqrt(variance), 1 - squares / total, f]


def check(name, found, certified):
    """Fifteen digits are certified; sixteen of a few."""
    for a, b in zip(found, certified, strict=True):
        if b == mp.inf:
            assert a == mp.inf, name
        else:
            assert abs(a - b) <= mpf("1e-14") * abs(b) or (b == 0 and abs(a) < mpf("1e-30")), (name, a, b)


def case(name, x, y, degree, bias, estimates, deviations, summary):
    certified = [[mpf(value) for value in text.split()] for text in (estimates, deviations, summary)]
    exact_x, exact_y = [[mpf(value) for value in row] for row in x], [mpf(value) for value in y]
    for found, values in zip(solve(exact_x, exact_y, degree, bias), certified):
        check(name, found, values)
    rounded_x = [[float(value) for value in row] for row in exact_x]
    rounded_y = [float(value) for value in exact_y]
    rounded = solve([[mpf(v) for v in row] for row in rounded_x], [mpf(v) for v in rounded_y], degree, bias)
    apart = max(abs(a / b - 1) for a, b in zip(rounded[0], certified[0]))
    number = lambda value: None if value == mp.inf else float(value)
    return {
        "name": name,
        "x": [list(column) for column in zip(*rounded_x)],
        "y": rounded_y,
        "degree": degree,
        "bias": bias,
        "estimates": [number(value) for value in certified[0]],
        "standard_deviations": [number(value) for value in certified[1]],
        "residual_standard_deviation": number(certified[2][0]),
        "r2": number(certified[2][1]),
        "f": number(certified[2][2]),
        "reachable": round(min(15.0, float(-mp.log10(apart))) if apart else 15.0, 2),
    }


document.write(__file__, ["scipy", "statsmodels", "mpmath"], {"sets": [case(*problem) for problem in SETS]})
