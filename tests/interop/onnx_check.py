"""ONNX: the checker of onnx, then onnxruntime. `python tests/interop/onnx_check.py FOLDER`."""

import sys

import harness

try:
    import numpy as np
    import onnx
    import onnxruntime as ort
except ImportError as error:
    harness.missing("onnx", "onnxruntime", str(error))
    sys.exit()


def feed(session, of):
    """Rows as the session's inputs want them: all numbers at once, or a column each."""
    inputs = session.get_inputs()
    if len(inputs) == 1 and not of["inputs"][0]["levels"]:
        return {inputs[0].name: np.array(of["rows"], dtype=np.float32)}
    columns = list(zip(*of["rows"]))
    kinds = {"tensor(string)": object, "tensor(float)": np.float32}
    return {
        own.name: np.array(column, dtype=kinds[own.type]).reshape(-1, 1)
        for own, column in zip(inputs, columns)
    }


def predict(path, of):
    onnx.checker.check_model(onnx.load(path), full_check=True)
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    return {"outputs": session.run(None, feed(session, of))[0]}


for sample, path, of in harness.files(harness.arguments(), "onnx"):
    version = f"{ort.__version__} (onnx {onnx.__version__})"
    harness.check("onnx", "onnxruntime", version, sample, of, lambda: predict(str(path), of))
