"""safetensors (NumPy's and PyTorch's readers), NumPy's archives, and tables of coefficients and of histories (pandas). See
README.md for what is printed.

What these formats leave to the reader, powers, levels and products, is made here from the names of the terms."""

import importlib.util
import json

import numpy as np

from harness import arguments, check, files, missing


def value(term, of, row):
    """What a term is in a row: x, x^2, colour = red, width * height."""
    given = {x["name"]: at for x, at in zip(of["inputs"], row)}
    if term in given:
        return float(given[term])
    if " * " in term:
        a, b = term.split(" * ")
        return value(a, of, row) * value(b, of, row)
    if " = " in term:
        name, level = term.split(" = ")
        return float(given[name] == level)
    name, power = term.rsplit("^", 1)
    return given[name] ** int(power)


def rows(of, terms):
    return np.array([[value(term, of, row) for term in terms] for row in of["rows"]])


def npz(path, of):
    with np.load(path, allow_pickle=False) as model:
        features = [str(name) for name in model["features"]]
        assert features == of["terms"], features
        assert json.loads(model["downhill.run"].tobytes())["format"] == "downhill-weights"
        linear = rows(of, features) @ model["dense.kernel"]
        return {"linear": linear + model["dense.bias"] if "dense.bias" in model else linear}


def safetensors_numpy(path, of):
    from safetensors import safe_open

    with safe_open(path, framework="np") as file:
        features = json.loads(file.metadata()["features"])
        assert features == of["terms"], features
        linear = rows(of, features) @ file.get_tensor("weight").T
        return {"linear": linear + file.get_tensor("bias") if "bias" in file.keys() else linear}


def safetensors_torch(path, of, dtype):
    import torch
    from safetensors.torch import load_file

    tensors = load_file(path)
    n_outputs, n_features = tensors["weight"].shape
    model = torch.nn.Linear(n_features, n_outputs, bias="bias" in tensors, dtype=dtype)
    model.load_state_dict(tensors, strict=True)
    with torch.no_grad():
        return {"linear": model(torch.tensor(rows(of, of["terms"]), dtype=dtype)).tolist()}


def coefficients(path, of):
    import pandas as pd

    table = pd.read_csv(path, keep_default_na=False)
    assert list(table.columns) == ["term", "estimate", "output", "link"], table.columns
    outputs = of["classes"] if of["activation"] == "softmax" else [of["target"]]
    linear = []
    for output in outputs:
        own = table[table["output"] == output].set_index("term")["estimate"]
        constant = own.get("(intercept)", 0.0)
        linear.append(rows(of, of["terms"]) @ own[of["terms"]].to_numpy() + constant)
    return {"linear": np.array(linear).T}


def history(folder):
    """Each history beside the run file that it is of; of one that has none, its one point."""
    try:
        import pandas as pd
    except ImportError as error:
        return missing("history", "pandas", str(error))
    for sample, path, _ in files(folder, "history"):
        said = {"format": "history", "consumer": "pandas", "version": pd.__version__, "sample": sample}
        table = pd.read_csv(path)
        run = json.loads((folder / "run_file" / f"{sample}.json").read_text())
        wanted = run.get("history") or {"step": [run["steps"]], "loss": [run["loss"]]}
        same = all(list(table[name]) == values for name, values in wanted.items() if values and None not in values)
        print(json.dumps(said | ({"loaded": True, "difference": 0.0} if same else {"loaded": False, "why": "it says something else"})))


def main():
    folder = arguments()
    consumers = [
        ("npz", "numpy", "numpy", npz),
        ("safetensors", "safetensors.numpy", "safetensors", safetensors_numpy),
        ("coefficients", "pandas", "pandas", coefficients),
    ]
    if importlib.util.find_spec("torch"):
        import torch

        consumers = [
            ("safetensors", "torch.nn.Linear, float32", "torch", lambda path, of: safetensors_torch(path, of, torch.float32)),
            ("safetensors", "torch.nn.Linear, float64", "torch", lambda path, of: safetensors_torch(path, of, torch.float64)),
        ]
    else:
        history(folder)
    for format, consumer, package, predict in consumers:
        try:
            version = importlib.import_module(package).__version__
        except ImportError as error:
            missing(format, consumer, str(error))
            continue
        for sample, path, of in files(folder, format):
            check(format, consumer, version, sample, of, lambda: predict(path, of))


main()
