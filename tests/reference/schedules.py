"""Learning rates of the schedulers of PyTorch, and of Keras for the decay over time; writes schedules.json."""

import os
import warnings

os.environ.setdefault("KERAS_BACKEND", "torch")

import document
import keras
import torch
from torch.optim import lr_scheduler

warnings.filterwarnings("ignore", message="Detected call of `lr_scheduler.step")
BASE = 0.1
NO_WARMUP = {"steps": 0, "start_factor": 0.1}
WARMUP = {"steps": 40, "start_factor": 0.1}


def optimizer():
    return torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=BASE)


def rates(make, last):
    """The rate of each of the steps 0..=last."""
    sgd = optimizer()
    scheduler = make(sgd)
    found = []
    for _ in range(last + 1):
        found.append(float(sgd.param_groups[0]["lr"]))
        sgd.step()
        scheduler.step()
    return found


def case(schedule, make, last=400, warmup=NO_WARMUP):
    return {"schedule": schedule, "warmup": warmup, "rates": rates(make, last)}


def linear(sgd):
    return lr_scheduler.LinearLR(sgd, start_factor=WARMUP["start_factor"], total_iters=WARMUP["steps"])


def exponential_after_warmup(sgd):
    parts = [linear(sgd), lr_scheduler.ExponentialLR(sgd, gamma=0.99)]
    return lr_scheduler.SequentialLR(sgd, parts, milestones=[WARMUP["steps"]])


def time_decay(decay_rate, decay_steps):
    """Keras computes it in float32; its formula in float64 is kept, once the two agree."""
    schedule = keras.optimizers.schedules.InverseTimeDecay(BASE, decay_steps=decay_steps, decay_rate=decay_rate)
    exact = [BASE / (1 + decay_rate * step / decay_steps) for step in range(401)]
    for step, rate in enumerate(exact):
        assert abs(float(schedule(step)) / rate - 1) < 5e-7, step
    return exact


def warm_restarts(period, factor, minimum):
    return lambda sgd: lr_scheduler.CosineAnnealingWarmRestarts(sgd, period, T_mult=factor, eta_min=minimum)


def one_cycle(total_steps, rising_fraction, div_factor, final_div_factor):
    def make(sgd):
        return lr_scheduler.OneCycleLR(
            sgd,
            max_lr=BASE,
            total_steps=total_steps,
            pct_start=rising_fraction,
            anneal_strategy="cos",
            cycle_momentum=False,
            div_factor=div_factor,
            final_div_factor=final_div_factor,
        )

    schedule = {
        "kind": "one_cycle",
        "total_steps": total_steps,
        "rising_fraction": rising_fraction,
        "div_factor": div_factor,
        "final_div_factor": final_div_factor,
    }
    # PyTorch refuses a step beyond the last.
    return case(schedule, make, last=total_steps - 1)


def cosine(period, factor, restarts, minimum):
    return {
        "kind": "cosine",
        "period": period,
        "period_factor": factor,
        "restarts": restarts,
        "minimum_rate": minimum,
    }


CASES = [
    case({"kind": "step", "step_size": 30, "gamma": 0.1}, lambda sgd: lr_scheduler.StepLR(sgd, 30, gamma=0.1)),
    case({"kind": "exponential", "gamma": 0.99}, lambda sgd: lr_scheduler.ExponentialLR(sgd, gamma=0.99)),
    case(
        {"kind": "polynomial", "total_steps": 300, "power": 2.0},
        lambda sgd: lr_scheduler.PolynomialLR(sgd, total_iters=300, power=2.0),
    ),
    case(
        cosine(200, 1, False, 0.001),
        lambda sgd: lr_scheduler.CosineAnnealingLR(sgd, T_max=200, eta_min=0.001),
        last=200,
    ),
    case(cosine(50, 2, True, 0.001), warm_restarts(50, 2, 0.001)),
    case(cosine(50, 1, True, 0.0), warm_restarts(50, 1, 0.0)),
    {
        "schedule": {"kind": "time_decay", "decay_rate": 0.5, "decay_steps": 50.0},
        "warmup": NO_WARMUP,
        "rates": time_decay(0.5, 50.0),
    },
    case({"kind": "constant"}, linear, warmup=WARMUP),
    case({"kind": "exponential", "gamma": 0.99}, exponential_after_warmup, warmup=WARMUP),
    one_cycle(301, 0.3, 25.0, 1e4),
    one_cycle(250, 0.45, 10.0, 100.0),
]


def plateau_losses():
    """Thirty that fall, twenty-five that stay, twenty-five of noise."""
    noise = torch.rand(25, dtype=torch.float64, generator=torch.Generator().manual_seed(5)).tolist()
    falling = [2.0 * 0.9**step for step in range(30)]
    return falling + [falling[-1]] * 25 + [falling[-1] * (0.7 + 0.6 * n) for n in noise]


def plateau(factor, patience, threshold, cooldown, minimum_rate):
    sgd = optimizer()
    scheduler = lr_scheduler.ReduceLROnPlateau(
        sgd,
        mode="min",
        factor=factor,
        patience=patience,
        threshold=threshold,
        threshold_mode="rel",
        cooldown=cooldown,
        min_lr=minimum_rate,
        eps=0,
    )
    found = []
    losses = plateau_losses()
    for loss in losses:
        scheduler.step(loss)
        found.append(float(sgd.param_groups[0]["lr"]))
    parameters = {
        "factor": factor,
        "patience": patience,
        "threshold": threshold,
        "cooldown": cooldown,
        "minimum_rate": minimum_rate,
    }
    return {"parameters": parameters, "losses": losses, "rates": found}


PLATEAU = [plateau(0.1, 3, 1e-4, 2, 1e-6), plateau(0.1, 10, 1e-4, 0, 0.0)]
document.write(__file__, ["torch", "keras"], {"base_rate": BASE, "cases": CASES, "plateau": PLATEAU})
