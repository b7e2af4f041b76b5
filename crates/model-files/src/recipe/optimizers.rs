//! How each optimizer is written in other tools. To add an optimizer, add an arm to [`written`]; no other
//! code here depends on the list.

use downhill::choices::Optimizer;
use serde_json::{Value, json};

/// An optimizer in the code and files of other tools; `rate` is the base learning rate in them.
pub(crate) struct Written {
    /// Keras: the code of the optimizer that `compile` is given. Keras adds its epsilon below the root or to
    /// another root; squared, it has the same effect there as here.
    pub(crate) keras: String,
    /// Keras files: class and configuration of the optimizer, without name and learning rate.
    pub(crate) keras_file: (&'static str, Value),
    /// TensorFlow.js files: class and configuration of the optimizer as in `tf.train`; `None` if it lacks the
    /// optimizer.
    pub(crate) tfjs_file: Option<(&'static str, Value)>,
    /// PyTorch: the code that creates the optimizer of `model`.
    pub(crate) pytorch: String,
    /// PyTorch: the definition of an optimizer class that PyTorch lacks; otherwise empty.
    pub(crate) pytorch_class: &'static str,
    /// NumPy: the code that updates the weights `weights` and the moments `m` and `v` by the gradient `g`
    /// with learning rate `rate` in update number `t`.
    pub(crate) numpy: String,
}

pub(crate) fn written(optimizer: &Optimizer, rate: f64) -> Written {
    match *optimizer {
        Optimizer::Sgd => Written {
            keras: format!("keras.optimizers.SGD({rate:?})"),
            keras_file: ("SGD", json!({ "momentum": 0.0, "nesterov": false })),
            tfjs_file: Some(("SGD", json!({ "learningRate": rate }))),
            pytorch: torch_sgd(rate, 0.0, false),
            pytorch_class: "",
            numpy: "    return weights - rate * g, m, v\n".to_owned(),
        },
        Optimizer::Momentum { momentum } => Written {
            keras: format!("keras.optimizers.SGD({rate:?}, momentum={momentum:?})"),
            keras_file: ("SGD", json!({ "momentum": momentum, "nesterov": false })),
            tfjs_file: Some((
                "Momentum",
                json!({ "learningRate": rate, "momentum": momentum, "useNesterov": false }),
            )),
            pytorch: torch_sgd(rate, momentum, false),
            pytorch_class: "",
            numpy: format!("    m = {momentum:?} * m + g\n    return weights - rate * m, m, v\n"),
        },
        Optimizer::Nesterov { momentum } => Written {
            keras: format!("keras.optimizers.SGD({rate:?}, momentum={momentum:?}, nesterov=True)"),
            keras_file: ("SGD", json!({ "momentum": momentum, "nesterov": true })),
            tfjs_file: Some((
                "Momentum",
                json!({ "learningRate": rate, "momentum": momentum, "useNesterov": true }),
            )),
            pytorch: torch_sgd(rate, momentum, true),
            pytorch_class: "",
            numpy: format!(
                "    m = {momentum:?} * m + g\n    return weights - rate * (g + {momentum:?} * m), m, v\n"
            ),
        },
        Optimizer::AdaGrad { epsilon } => ada_grad(rate, epsilon),
        Optimizer::RmsProp { alpha, epsilon } => rms_prop(rate, alpha, epsilon),
        Optimizer::Adam { beta1, beta2, epsilon } => Written {
            keras: format!(
                "keras.optimizers.Adam({rate:?}, beta_1={beta1:?}, beta_2={beta2:?}, epsilon={epsilon:?})"
            ),
            keras_file: (
                "Adam",
                json!({ "beta_1": beta1, "beta_2": beta2, "epsilon": epsilon, "amsgrad": false }),
            ),
            tfjs_file: Some(tfjs_adam(rate, beta1, beta2, epsilon)),
            pytorch: format!(
                "torch.optim.Adam(model.parameters(), lr={rate:?}, betas=({beta1:?}, {beta2:?}), eps={epsilon:?})"
            ),
            pytorch_class: "",
            numpy: adam(beta1, beta2, epsilon, 0.0),
        },
        Optimizer::AdamW { beta1, beta2, epsilon, weight_decay } => Written {
            keras: format!(
                "keras.optimizers.AdamW(\n        {rate:?}, weight_decay={weight_decay:?}, beta_1={beta1:?}, beta_2={beta2:?}, epsilon={epsilon:?},\n    )"
            ),
            keras_file: (
                "AdamW",
                json!({ "beta_1": beta1, "beta_2": beta2, "epsilon": epsilon, "weight_decay": weight_decay }),
            ),
            // The closest that it has.
            tfjs_file: Some(tfjs_adam(rate, beta1, beta2, epsilon)),
            pytorch: format!(
                "torch.optim.AdamW(\n        model.parameters(), lr={rate:?}, betas=({beta1:?}, {beta2:?}), eps={epsilon:?}, weight_decay={weight_decay:?},\n    )"
            ),
            pytorch_class: "",
            numpy: adam(beta1, beta2, epsilon, weight_decay),
        },
        Optimizer::Lion { beta1, beta2, weight_decay } => lion(rate, [beta1, beta2], weight_decay),
    }
}

fn ada_grad(rate: f64, epsilon: f64) -> Written {
    Written {
        keras: format!(
            "keras.optimizers.Adagrad({rate:?}, initial_accumulator_value=0.0, epsilon={epsilon:?} ** 2)"
        ),
        keras_file: ("Adagrad", json!({ "initial_accumulator_value": 0.0, "epsilon": epsilon })),
        tfjs_file: Some(("Adagrad", json!({ "learningRate": rate, "initialAccumulatorValue": 0.0 }))),
        pytorch: format!("torch.optim.Adagrad(model.parameters(), lr={rate:?}, eps={epsilon:?})"),
        pytorch_class: "",
        numpy: format!(
            "    v = v + g**2\n    return weights - rate * g / (np.sqrt(v) + {epsilon:?}), m, v\n"
        ),
    }
}

fn rms_prop(rate: f64, alpha: f64, epsilon: f64) -> Written {
    Written {
        keras: format!("keras.optimizers.RMSprop({rate:?}, rho={alpha:?}, epsilon={epsilon:?} ** 2)"),
        keras_file: (
            "RMSprop",
            json!({ "rho": alpha, "momentum": 0.0, "epsilon": epsilon, "centered": false }),
        ),
        tfjs_file: Some((
            "RMSProp",
            json!({ "learningRate": rate, "decay": alpha, "momentum": 0.0, "epsilon": epsilon, "centered": false }),
        )),
        pytorch: format!(
            "torch.optim.RMSprop(model.parameters(), lr={rate:?}, alpha={alpha:?}, eps={epsilon:?})"
        ),
        pytorch_class: "",
        numpy: format!(
            "    v = {alpha:?} * v + (1 - {alpha:?}) * g**2\n    return weights - rate * g / (np.sqrt(v) + {epsilon:?}), m, v\n"
        ),
    }
}

fn lion(rate: f64, [beta1, beta2]: [f64; 2], weight_decay: f64) -> Written {
    // Keras takes every `b1` above 0.
    let above_0 = beta1.max(1e-30);
    Written {
        keras: format!(
            "keras.optimizers.Lion({rate:?}, beta_1={above_0:?}, beta_2={beta2:?}, weight_decay={weight_decay:?})"
        ),
        keras_file: ("Lion", json!({ "beta_1": above_0, "beta_2": beta2, "weight_decay": weight_decay })),
        tfjs_file: None,
        pytorch: format!(
            "Lion(model.parameters(), lr={rate:?}, betas=({beta1:?}, {beta2:?}), weight_decay={weight_decay:?})"
        ),
        pytorch_class: LION,
        numpy: format!(
            "    c, m = {beta1:?} * m + (1 - {beta1:?}) * g, {beta2:?} * m + (1 - {beta2:?}) * g\n    \
             return weights - rate * (np.sign(c) + {weight_decay:?} * weights), m, v\n"
        ),
    }
}

const LION: &str = r#"

class Lion(torch.optim.Optimizer):
    """Moves each parameter by the sign of a mean of its gradients (Chen et al. 2023)."""

    def __init__(self, parameters, **defaults):
        super().__init__(parameters, defaults)

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for parameter in group["params"]:
                state = self.state[parameter]
                mean = state.setdefault("exp_avg", torch.zeros_like(parameter))
                state["direction"] = mean.lerp(parameter.grad, 1 - group["betas"][0])
                mean.lerp_(parameter.grad, 1 - group["betas"][1])
                parameter -= group["lr"] * (state["direction"].sign() + group["weight_decay"] * parameter)
"#;

fn torch_sgd(rate: f64, momentum: f64, nesterov: bool) -> String {
    let mut text = format!("torch.optim.SGD(model.parameters(), lr={rate:?}");
    // PyTorch looks ahead only where something moves.
    if momentum > 0.0 {
        text += &format!(", momentum={momentum:?}");
        text += if nesterov { ", nesterov=True" } else { "" };
    }
    text + ")"
}

fn tfjs_adam(rate: f64, beta1: f64, beta2: f64, epsilon: f64) -> (&'static str, Value) {
    ("Adam", json!({ "learningRate": rate, "beta1": beta1, "beta2": beta2, "epsilon": epsilon }))
}

fn adam(beta1: f64, beta2: f64, epsilon: f64, weight_decay: f64) -> String {
    let decay = if weight_decay > 0.0 {
        format!("    weights = weights - rate * {weight_decay:?} * weights\n")
    } else {
        String::new()
    };
    format!(
        "    m, v = {beta1:?} * m + (1 - {beta1:?}) * g, {beta2:?} * v + (1 - {beta2:?}) * g**2\n{decay}    \
         step = m / (1 - {beta1:?} ** t) / (np.sqrt(v / (1 - {beta2:?} ** t)) + {epsilon:?})\n    return weights - rate * step, m, v\n"
    )
}

/// PyTorch: the code of the proximal step for an L1 penalty, as each optimizer of a run takes it: see
/// `optimize_sparsely` in `src/choices/optimizer.rs`.
pub(crate) fn sparsely(optimizer: &Optimizer, l1: f64) -> String {
    let (scale, rest) = match *optimizer {
        Optimizer::Momentum { momentum } if momentum > 0.0 => (
            "1.0".to_owned(),
            "        optimizer.state[weight][\"momentum_buffer\"] = (before - shrunk) / group[\"lr\"]\n",
        ),
        Optimizer::Nesterov { momentum } if momentum > 0.0 => {
            return format!(
                "\n\ndef shrink(model, optimizer, before):\n    \"\"\"Moves the weights before the look-ahead towards 0 by the rate times the L1 penalty, stopping at 0.\"\"\"\n    \
                 (group,) = optimizer.param_groups\n    weight = model.weight\n    rate = group[\"lr\"]\n    with torch.no_grad():\n        \
                 velocity = (optimizer.state[weight][\"momentum_buffer\"] - weight.grad) / {momentum:?}\n        \
                 reached = before - rate * weight.grad\n        reached = reached.sign() * (reached.abs() - rate * {l1:?}).clamp(min=0)\n        \
                 velocity = (before + rate * {momentum:?} * velocity - reached) / rate\n        \
                 optimizer.state[weight][\"momentum_buffer\"] = velocity\n        weight.copy_(reached - rate * {momentum:?} * velocity)\n"
            );
        }
        Optimizer::Lion { .. } => {
            return format!(
                "\n\ndef shrink(model, optimizer, before):\n    \"\"\"Takes the step again with the L1 penalty in its direction, stopping at 0.\"\"\"\n    \
                 (group,) = optimizer.param_groups\n    slope = optimizer.state[model.weight][\"direction\"]\n    with torch.no_grad():\n        \
                 at_0 = slope.sign() * (slope.abs() - {l1:?}).clamp(min=0)\n        \
                 slope = torch.where(before == 0, at_0, slope + {l1:?} * before.sign())\n        \
                 after = before - group[\"lr\"] * (slope.sign() + group[\"weight_decay\"] * before)\n        \
                 model.weight.copy_(torch.where(after * before < 0, torch.zeros_like(after), after))\n"
            );
        }
        Optimizer::AdaGrad { epsilon } => {
            (format!("1 / (optimizer.state[weight][\"sum\"].sqrt() + {epsilon:?})"), "")
        }
        Optimizer::RmsProp { epsilon, .. } => {
            (format!("1 / (optimizer.state[weight][\"square_avg\"].sqrt() + {epsilon:?})"), "")
        }
        Optimizer::Adam { beta2, epsilon, .. } | Optimizer::AdamW { beta2, epsilon, .. } => (
            format!(
                "1 / ((optimizer.state[weight][\"exp_avg_sq\"] / (1 - {beta2:?} ** optimizer.state[weight][\"step\"])).sqrt() + {epsilon:?})"
            ),
            "",
        ),
        _ => ("1.0".to_owned(), ""),
    };
    format!(
        "\n\ndef shrink(model, optimizer, before):\n    \"\"\"Moves weights towards 0 by their own rate times the L1 penalty, stopping at 0.\"\"\"\n    \
         (group,) = optimizer.param_groups\n    weight = model.weight\n    with torch.no_grad():\n        \
         threshold = group[\"lr\"] * {l1:?} * {scale}\n        \
         shrunk = weight.sign() * (weight.abs() - threshold).clamp(min=0)\n{rest}        weight.copy_(shrunk)\n"
    )
}
