"""A line learnt from a hundred noisy points by NumPy in float64 and by Keras in float32; writes story.json.

Each case is 400 updates: 100 epochs of batches of 32, 32, 32 and 4 rows, in order or in the order given. The losses are
those of the batch before its update. Without a bias the second of [w, b] is 0 throughout.
"""

import os

os.environ.setdefault("KERAS_BACKEND", "torch")

import document
import keras
import numpy as np

RATE, BATCH, EPOCHS = 0.01, 32, 100
RANDOM = np.random.default_rng(100)
X = np.linspace(-1.0, 1.0, 100)
Y = 2.0 * X + 1.0 + 0.1 * RANDOM.standard_normal(100)
ORDERS = [RANDOM.permutation(100).tolist() for _ in range(5)]


def batches(orders):
    for epoch in range(EPOCHS):
        order = np.arange(100) if orders is None else np.array(orders[epoch % len(orders)])
        for start in range(0, 100, BATCH):
            yield order[start : start + BATCH]


def by_numpy(initial, bias, orders):
    w, b = initial
    losses = []
    for rows in batches(orders):
        x = X[rows]
        residual = w * x + b - Y[rows]
        losses.append(float(np.mean(residual**2)))
        w -= RATE * 2.0 * float(np.mean(residual * x))
        if bias:
            b -= RATE * 2.0 * float(np.mean(residual))
    return losses, [w, b]


def by_keras(initial, bias, orders):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=bias)])
    weights = [np.array([[initial[0]]], np.float32), np.array([initial[1]], np.float32)]
    model.set_weights(weights if bias else weights[:1])
    model.compile(optimizer=keras.optimizers.SGD(RATE), loss="mean_squared_error")
    x, y = X.astype(np.float32).reshape(-1, 1), Y.astype(np.float32).reshape(-1, 1)
    losses = []
    for rows in batches(orders):
        # Otherwise train_on_batch returns the mean over every batch so far.
        model.reset_metrics()
        losses.append(float(model.train_on_batch(x[rows], y[rows])))
    return losses, [float(part.item()) for part in model.get_weights()] + [0.0] * (not bias)


def case(bias, orders):
    initial = [-0.5, 0.25 if bias else 0.0]
    losses, final = by_numpy(initial, bias, orders)
    keras_losses, keras_final = by_keras(initial, bias, orders)
    apart = max(abs(k / n - 1) for k, n in zip(keras_losses, losses))
    assert len(losses) == 400 and apart < 1e-4, apart
    assert np.allclose(keras_final, final, rtol=1e-5, atol=0), (keras_final, final)
    return {
        "bias": bias,
        "initial": initial,
        "orders": orders,
        "losses": losses,
        "keras_losses": keras_losses,
        "final": final,
        "keras_final": keras_final,
        "largest_relative_difference": apart,
    }


CASES = [case(bias, orders) for orders in (None, ORDERS) for bias in (True, False)]
document.write(
    __file__,
    ["numpy", "keras", "torch"],
    {
        "x": X.tolist(),
        "y": Y.tolist(),
        "learning_rate": RATE,
        "batch_size": BATCH,
        "epochs": EPOCHS,
        "cases": CASES,
    },
)
