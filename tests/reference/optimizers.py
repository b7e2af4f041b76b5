"""Twenty steps of each optimizer in float64 on gradients given beforehand; writes optimizers.json.

PyTorch takes them, and Keras those of Lion, which PyTorch lacks.
"""

import os

os.environ.setdefault("KERAS_BACKEND", "torch")

import document
import keras
import torch

torch.set_default_dtype(torch.float64)
keras.config.set_floatx("float64")

INITIAL = [0.5, -1.5, 2.0]
generator = torch.Generator().manual_seed(20)
gradients = torch.randn((20, 3), generator=generator)
gradients[4] = 0.0
gradients[7] *= 1e3
gradients[12, 1] = -250.0
gradients[15] *= 1e-6
# Exact in float32 too, so that programs of either precision start from the same numbers.
GRADIENTS = gradients.float().double().tolist()


def torch_optimizer(optimizer, rate, weights):
    options = dict(optimizer)
    kind = options.pop("kind")
    if kind in ("sgd", "momentum", "nesterov"):
        return torch.optim.SGD([weights], lr=rate, nesterov=kind == "nesterov", **options)
    options = {{"epsilon": "eps"}.get(name, name): value for name, value in options.items()}
    if kind == "ada_grad":
        return torch.optim.Adagrad([weights], lr=rate, **options)
    if kind == "rms_prop":
        return torch.optim.RMSprop([weights], lr=rate, **options)
    options["betas"] = (options.pop("beta1"), options.pop("beta2"))
    adam = {"adam": torch.optim.Adam, "adam_w": torch.optim.AdamW}[kind]
    return adam([weights], lr=rate, **options)


def lion(rate, beta1, beta2, weight_decay):
    weights = keras.Variable(INITIAL, dtype="float64")
    steps = keras.optimizers.Lion(rate, beta_1=beta1, beta_2=beta2, weight_decay=weight_decay)
    history = []
    for gradient in GRADIENTS:
        steps.apply([keras.ops.convert_to_tensor(gradient, "float64")], [weights])
        history.append(keras.ops.convert_to_numpy(weights).tolist())
    return history


def run(optimizer, rate):
    if optimizer["kind"] == "lion":
        options = {name: value for name, value in optimizer.items() if name != "kind"}
        return {"optimizer": optimizer, "learning_rate": rate, "weights": lion(rate, **options)}
    weights = torch.tensor(INITIAL, requires_grad=True)
    steps = torch_optimizer(optimizer, rate, weights)
    history = []
    for gradient in GRADIENTS:
        weights.grad = torch.tensor(gradient)
        steps.step()
        history.append(weights.tolist())
    return {"optimizer": optimizer, "learning_rate": rate, "weights": history}


DEFAULTS = [
    {"kind": "sgd"},
    {"kind": "momentum", "momentum": 0.9},
    {"kind": "nesterov", "momentum": 0.9},
    {"kind": "ada_grad", "epsilon": 1e-10},
    {"kind": "rms_prop", "alpha": 0.99, "epsilon": 1e-8},
    {"kind": "adam", "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8},
    {"kind": "adam_w", "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "weight_decay": 0.01},
    {"kind": "lion", "beta1": 0.9, "beta2": 0.99, "weight_decay": 0.0},
]
OTHERS = [
    {"kind": "sgd"},
    {"kind": "momentum", "momentum": 0.5},
    {"kind": "nesterov", "momentum": 0.5},
    {"kind": "ada_grad", "epsilon": 1e-3},
    {"kind": "rms_prop", "alpha": 0.9, "epsilon": 1e-3},
    {"kind": "adam", "beta1": 0.8, "beta2": 0.95, "epsilon": 1e-3},
    {"kind": "adam_w", "beta1": 0.8, "beta2": 0.95, "epsilon": 1e-3, "weight_decay": 0.1},
    {"kind": "lion", "beta1": 0.8, "beta2": 0.95, "weight_decay": 0.1},
]

cases = [run(optimizer, 0.05) for optimizer in DEFAULTS] + [run(optimizer, 0.2) for optimizer in OTHERS]
document.write(__file__, ["torch", "keras"], {"initial": INITIAL, "gradients": GRADIENTS, "cases": cases})
