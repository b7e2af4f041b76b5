"""Keras loads what Downhill writes for it: `.h5` in Keras 2 and 3, `.keras` in Keras 3.

    python interop/keras.py FOLDER

The Keras that the interpreter has is the one that is asked. A model also has to go on: it is fitted once where it was
compiled, and what was frozen may not move.
"""

import os
import sys
from pathlib import Path

import harness

# This script bears the name of the package that it imports.
sys.path[:] = [folder for folder in sys.path if Path(folder or ".").resolve() != Path(__file__).resolve().parent]
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def inputs(tf, np, model, of):
    """What the model takes of the rows: one array, or, beside words, one column a layer of inputs."""
    if len(model.inputs) == 1 and not any(x["levels"] for x in of["inputs"]):
        return np.array(of["rows"], "float32")
    columns = {}
    for tensor, x, place in zip(model.inputs, of["inputs"], range(len(of["inputs"]))):
        kind = "string" if x["levels"] else "float32"
        columns[tensor.name] = tf.constant([[row[place]] for row in of["rows"]], dtype=kind)
    return columns


def linear_part(keras, model):
    """The same model without what its last layer makes of the outputs."""
    last = model.layers[-1]
    config = last.get_config()
    config["activation"] = "linear"
    config["name"] = "before_the_activation"
    plain = keras.layers.Dense.from_config(config)
    outputs = plain(last.input)
    plain.set_weights(last.get_weights())
    return keras.Model(model.inputs, outputs)


def predict(keras, tf, np, path, of):
    model = keras.models.load_model(path)
    x = inputs(tf, np, model, of)
    linear = linear_part(keras, model).predict(x, verbose=0)
    if getattr(model, "optimizer", None) is not None:
        go_on(np, model, x, of)
    return {"linear": linear.tolist()}


def go_on(np, model, x, of):
    """One step of training changes what was learned, and nothing else."""
    frozen = [w for layer in model.layers[:-1] for w in layer.get_weights()]
    learned = model.layers[-1].get_weights()
    outputs = np.array(of["outputs"])
    y = outputs.argmax(axis=1) if of["activation"] == "softmax" else (outputs[:, 0] > 0.5) if of["activation"] == "sigmoid" else outputs[:, 0] + 1.0
    model.fit(x, y.astype("float32"), epochs=1, verbose=0)
    now = [w for layer in model.layers[:-1] for w in layer.get_weights()]
    if not all(np.array_equal(a, b) for a, b in zip(frozen, now)):
        raise ValueError("training moved a layer that was frozen")
    if all(np.array_equal(a, b) for a, b in zip(learned, model.layers[-1].get_weights())):
        raise ValueError("training moved nothing")


def main():
    folder = harness.arguments()
    try:
        import keras
        import numpy as np
        import tensorflow as tf
    except ImportError as error:
        for format in ("keras_h5", "keras"):
            harness.missing(format, "Keras", str(error))
        return
    is_3 = keras.__version__.startswith("3")
    for format in ("keras_h5", "keras") if is_3 else ("keras_h5",):
        for sample, path, of in harness.files(folder, format):
            harness.check(
                format, "Keras 3" if is_3 else "Keras 2", keras.__version__, sample, of,
                lambda: predict(keras, tf, np, path, of),
            )


if __name__ == "__main__":
    main()
