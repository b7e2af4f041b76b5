"""scikit-learn's stochastic descent in f32: one epoch in shuffled order, a sample a step."""

import work

work.one_thread()

from sklearn.linear_model import SGDRegressor  # noqa: E402

DATA = {}


def prepare(request):
    DATA["x"], DATA["y"] = work.rows(request["n"], request["d"])


def run(request, n_steps):
    epochs = round(n_steps / request["n"])
    assert epochs >= 1, "scikit-learn takes whole epochs"
    model = SGDRegressor(
        penalty=None,
        learning_rate="constant",
        # Its loss is half the squared error.
        eta0=2 * request["rate"],
        tol=None,
        max_iter=epochs,
        random_state=1,
    )
    model.fit(DATA["x"], DATA["y"])
    assert model.coef_.dtype == "float32" or epochs == 0, model.coef_.dtype
    rest = DATA["x"][-1000:] @ model.coef_ + model.intercept_ - DATA["y"][-1000:]
    return float((rest**2).mean())


work.serve(["scikit-learn", "numpy"], prepare, run)
