"""Losses and gradients of the mean squared error by PyTorch's autograd in float64; writes gradient.json.

Every x, y, weight and bias is exact in float32.
"""

import document
import torch


def case(rows, features, bias, generator):
    def normal(*shape):
        return torch.randn(shape, generator=generator, dtype=torch.float32).double()

    x, weights, y = normal(rows, features), normal(features), normal(rows)
    weights.requires_grad_()
    parameters = [weights]
    prediction = x @ weights
    if bias:
        parameters.append(normal().requires_grad_())
        prediction = prediction + parameters[1]
    loss = torch.nn.functional.mse_loss(prediction, y)
    gradient = torch.cat([part.reshape(-1) for part in torch.autograd.grad(loss, parameters)])
    return {
        "x": x.tolist(),
        "y": y.tolist(),
        "weights": weights.tolist(),
        "bias": parameters[1].item() if bias else None,
        "loss": loss.item(),
        "gradient": gradient.tolist(),
    }


GENERATOR = torch.Generator().manual_seed(31)
SHAPES = [(7, 1), (33, 3), (257, 5)]
CASES = [case(*shape, bias, GENERATOR) for shape in SHAPES for bias in (True, False)]
document.write(__file__, ["torch"], {"cases": CASES})
