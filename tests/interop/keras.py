"""Keras loads what Downhill writes for it: `.h5` in Keras 2 and 3, `.keras` in Keras 3.

    python tests/interop/keras.py FOLDER

The Keras that the interpreter has is the one that is asked. A model also has to go on: it is fitted once where it was
compiled, and what was frozen may not move. Where there is no Keras, h5py reads the same files, and the layers are
calculated by NumPy.
"""

import io
import json
import os
import sys
import zipfile
from pathlib import Path

import harness

# This script has the name of the package that it imports.
sys.path[:] = [folder for folder in sys.path if Path(folder or ".").resolve() != Path(__file__).resolve().parent]
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

FORMATS = ("keras_h5", "keras")


def inputs(tf, np, model, of):
    """What the model takes of the rows: one array, or, beside words, one column a layer of inputs."""
    if not any(x["levels"] for x in of["inputs"]):
        return np.array(of["rows"], "float32")
    columns = {}
    for place, (tensor, x) in enumerate(zip(model.inputs, of["inputs"])):
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


def go_on(np, model, x, of):
    """One step of training changes what was learned, and nothing else."""
    frozen = [w for layer in model.layers[:-1] for w in layer.get_weights()]
    learned = model.layers[-1].get_weights()
    outputs = np.array(of["outputs"])
    if of["activation"] == "softmax":
        y = outputs.argmax(axis=1)
    elif of["activation"] == "sigmoid":
        y = outputs[:, 0] > 0.5
    else:
        y = outputs[:, 0] + 1.0
    model.fit(x, y.astype("float32"), epochs=1, verbose=0)
    now = [w for layer in model.layers[:-1] for w in layer.get_weights()]
    if not all(np.array_equal(a, b) for a, b in zip(frozen, now)):
        raise ValueError("training moved a layer that was frozen")
    if all(np.array_equal(a, b) for a, b in zip(learned, model.layers[-1].get_weights())):
        raise ValueError("training moved nothing")


def predict(keras, tf, np, path, of):
    model = keras.models.load_model(path)
    x = inputs(tf, np, model, of)
    linear = linear_part(keras, model).predict(x, verbose=0)
    if getattr(model, "optimizer", None) is not None:
        go_on(np, model, x, of)
    return {"linear": linear.tolist()}


def with_keras(folder, keras, tf, np):
    is_3 = keras.__version__.startswith("3")
    for format in FORMATS if is_3 else FORMATS[:1]:
        for sample, path, of in harness.files(folder, format):
            name = "Keras 3" if is_3 else "Keras 2"
            harness.check(format, name, keras.__version__, sample, of, lambda: predict(keras, tf, np, path, of))


def layers_of(h5py, path):
    """The model's configuration, and a function from a layer's name to its arrays."""
    if path.suffix == ".h5":
        file = h5py.File(path, "r")
        groups = file["model_weights"]
        if [name for name in groups.attrs["layer_names"]] != [
            layer["config"]["name"] for layer in json.loads(file.attrs["model_config"])["config"]["layers"]
        ]:
            raise ValueError("layer_names are not those of the configuration")
        of = lambda name: [groups[name][path][...] for path in groups[name].attrs.get("weight_names", [])]
        return json.loads(file.attrs["model_config"]), of
    archive = zipfile.ZipFile(path)
    file = h5py.File(io.BytesIO(archive.read("model.weights.h5")), "r")
    config = json.loads(archive.read("config.json"))
    dense = [layer["config"]["name"] for layer in config["config"]["layers"] if layer["class_name"] == "Dense"]
    group = lambda name: file["layers"]["dense" + (f"_{dense.index(name)}" if dense.index(name) else "")]["vars"]
    return config, lambda name: [group(name)[str(k)][...] for k in range(len(group(name)))] if name in dense else []


def feeding(layer):
    """Names of the layers that feed one."""
    if isinstance(layer, list):
        if layer and isinstance(layer[0], str):
            return [layer[0]]
        return [name for part in layer for name in feeding(part)]
    if isinstance(layer, dict):
        history = layer.get("config", {}).get("keras_history")
        return [history[0]] if history else [name for part in layer.values() for name in feeding(part)]
    return []


def calculated(np, h5py, path, of):
    """What the layers make of the rows, in float32."""
    config, weights = layers_of(h5py, path)
    columns = list(zip(*of["rows"]))
    values, before = {}, None
    is_chain = config["class_name"] == "Sequential"
    for layer in config["config"]["layers"]:
        name, own = layer["config"]["name"], layer["config"]
        x = [values[from_] for from_ in ([before] if is_chain and before else feeding(layer.get("inbound_nodes", [])))]
        if layer["class_name"] == "InputLayer":
            width = (own.get("batch_shape") or own["batch_input_shape"])[1]
            taken, columns = columns[:width], columns[width:]
            values[name] = np.array(taken).T if own["dtype"] == "string" else np.array(taken, "float32").T
        elif layer["class_name"] == "Normalization":
            mean, variance = np.array(own["mean"], "float32"), np.array(own["variance"], "float32")
            values[name] = (x[0] - mean) / np.maximum(np.sqrt(variance), np.float32(1e-7))
        elif layer["class_name"] == "StringLookup":
            values[name] = (x[0] == np.array([own["vocabulary"]])).astype("float32")
        elif layer["class_name"] == "Concatenate":
            values[name] = np.concatenate(x, axis=1)
        elif layer["class_name"] == "Multiply":
            values[name] = np.prod(x, axis=0, dtype="float32")
        elif layer["class_name"] == "Dense":
            kernel, *bias = weights(name)
            if len(bias) != own["use_bias"] or kernel.dtype != np.float32:
                raise ValueError(f"{name} has arrays that its configuration does not have")
            values[name] = x[0] @ kernel + (bias[0] if bias else np.float32(0))
        else:
            raise ValueError(f"a layer of the class {layer['class_name']}")
        before = name
    return {"linear": values[before].tolist()}


def with_h5py(folder, h5py, np):
    for format in FORMATS:
        for sample, path, of in harness.files(folder, format):
            harness.check(format, "h5py", h5py.__version__, sample, of, lambda: calculated(np, h5py, path, of))


def main():
    folder = harness.arguments()
    try:
        import numpy as np
    except ImportError as error:
        for format in FORMATS:
            harness.missing(format, "Keras", str(error))
        return
    try:
        import keras
        import tensorflow as tf
    except ImportError as error:
        try:
            import h5py
        except ImportError:
            for format in FORMATS:
                harness.missing(format, "Keras", str(error))
            return
        with_h5py(folder, h5py, np)
        return
    with_keras(folder, keras, tf, np)


if __name__ == "__main__":
    main()
