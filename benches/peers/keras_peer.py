"""The story's script in Keras, as its reader would write it: 100 epochs of batches of 32, reshuffled.

python keras_peer.py tensorflow|torch
"""

import importlib.metadata
import os
import sys
import time

os.environ["KERAS_BACKEND"] = sys.argv[1]
# Messages at the start are not needed here.
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import work  # noqa: E402

import keras  # noqa: E402

DATA = {}
# TensorFlow has several package names.
PACKAGE = importlib.metadata.packages_distributions()[sys.argv[1]][0]


def prepare(request):
    DATA["x"], DATA["y"] = work.rows(request["n"], request["d"])


def run(request, n_steps):
    steps_per_epoch = -(-request["n"] // request["batch"])
    model = keras.Sequential([keras.Input((request["d"],)), keras.layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.SGD(request["rate"]), loss="mean_squared_error")
    epochs = round(n_steps / steps_per_epoch)
    # Building the model is not timed, in its favour.
    start = time.perf_counter()
    history = model.fit(DATA["x"], DATA["y"], epochs=epochs, batch_size=request["batch"], verbose=0)
    return history.history["loss"][-1], time.perf_counter() - start


work.serve(["keras", PACKAGE], prepare, run)
