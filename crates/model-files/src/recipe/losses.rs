//! What each loss is in other tools. To add one, add an arm to each function here; the formats need not know it.

use downhill::choices::Loss;
use serde_json::{Value, json};

use super::Script;
use crate::keras::{self, Dialect};

impl Script<'_> {
    /// The loss of each row, in NumPy: what is printed in the end, whatever the tool minimized.
    pub(super) fn losses(&self) -> String {
        let text = "\n\ndef losses(z, y):\n    \"\"\"The loss of each row, where `z` holds the model's outputs, [row, output].\"\"\"\n";
        let Numpy { first, value } = numpy(self.config.loss);
        format!("{text}{first}    return {value}\n")
    }
}

/// The loss of each row in NumPy.
pub(crate) struct Numpy {
    /// What makes `r`, or the one output `z`, of the outputs.
    pub(crate) first: &'static str,
    pub(crate) value: String,
}

pub(crate) fn numpy(loss: Loss) -> Numpy {
    let residual = "    r = z[:, 0] - y\n";
    let output = "    z = z[:, 0]\n";
    let (first, value) = match loss {
        Loss::Softmax => (
            "    largest = z.max(axis=1)\n",
            "np.log(np.exp(z - largest[:, None]).sum(axis=1)) + largest - z[np.arange(len(y)), y.astype(int)]"
                .to_owned(),
        ),
        Loss::Squared => (residual, "r**2".to_owned()),
        Loss::Absolute => (residual, "np.abs(r)".to_owned()),
        Loss::Huber { delta } => (
            residual,
            format!("np.where(np.abs(r) <= {delta:?}, r**2 / 2, {delta:?} * (np.abs(r) - {delta:?} / 2))"),
        ),
        Loss::LogCosh => {
            (residual, "np.abs(r) + np.log1p(np.exp(-2 * np.abs(r))) - np.log(2)".to_owned())
        }
        Loss::Quantile { tau } => (residual, format!("np.maximum(-{tau:?} * r, (1 - {tau:?}) * r)")),
        Loss::Logistic => (output, "np.logaddexp(0, z) - y * z".to_owned()),
        Loss::Poisson => (output, "np.exp(z) - y * z".to_owned()),
        Loss::SquaredHinge => (output, "np.maximum(1 - (2 * y - 1) * z, 0) ** 2".to_owned()),
    };
    Numpy { first, value }
}

/// The slope of each row in NumPy, for a loss of one output.
pub(crate) fn numpy_slope(loss: Loss) -> String {
    match loss {
        Loss::Squared => "2 * r".to_owned(),
        Loss::Absolute => "np.sign(r)".to_owned(),
        Loss::Huber { delta } => format!("np.clip(r, -{delta:?}, {delta:?})"),
        Loss::Quantile { tau } => format!("np.where(r > 0, 1 - {tau:?}, np.where(r < 0, -{tau:?}, 0.0))"),
        Loss::LogCosh => "np.tanh(r)".to_owned(),
        Loss::Logistic => "1 / (1 + np.exp(-z)) - y".to_owned(),
        Loss::Poisson => "np.exp(z) - y".to_owned(),
        Loss::Softmax => "None".to_owned(),
        Loss::SquaredHinge => "-2 * (2 * y - 1) * np.maximum(1 - (2 * y - 1) * z, 0)".to_owned(),
    }
}

/// A loss in Keras.
pub(crate) struct Keras {
    /// The layer's activation.
    pub(crate) activation: &'static str,
    /// The targets, made of `y`.
    pub(crate) targets: &'static str,
    /// A loss of our own where Keras has none.
    pub(crate) own: String,
    /// What `compile` is given.
    pub(crate) loss: String,
}

pub(crate) fn keras(loss: Loss) -> Keras {
    let (activation, targets) = match loss {
        Loss::Poisson => (", activation=\"exponential\"", "y[:, None]"),
        Loss::Softmax => ("", "y.astype(\"int32\")"),
        _ => ("", "y[:, None]"),
    };
    let mut own = String::new();
    let name = match loss {
        Loss::Squared => "keras.losses.MeanSquaredError()",
        Loss::Absolute => "keras.losses.MeanAbsoluteError()",
        Loss::Huber { delta } => &format!("keras.losses.Huber(delta={delta:?})"),
        Loss::LogCosh => "keras.losses.LogCosh()",
        Loss::Quantile { tau } => {
            own = format!(
                "\n\ndef quantile(y, z):\n    r = y - z\n    return keras.ops.mean(keras.ops.maximum({tau:?} * r, ({tau:?} - 1) * r), axis=-1)\n"
            );
            "quantile"
        }
        Loss::Logistic => "keras.losses.BinaryCrossentropy(from_logits=True)",
        Loss::Softmax => "keras.losses.SparseCategoricalCrossentropy(from_logits=True)",
        Loss::Poisson => "keras.losses.Poisson()",
        // It takes classes 0 and 1 as -1 and 1.
        Loss::SquaredHinge => "keras.losses.SquaredHinge()",
    };
    Keras { activation, targets, own, loss: name.to_owned() }
}

/// A loss in the files of Keras and TensorFlow.js; `None` where the tool lacks it.
pub(crate) fn keras_file(loss: &Loss, dialect: Dialect) -> Option<Value> {
    Some(match loss {
        // Keras 3 does not accept "mse" in a Keras 2 file.
        Loss::Squared => json!("mean_squared_error"),
        Loss::Absolute => json!("mean_absolute_error"),
        Loss::Huber { delta } if dialect != Dialect::Tfjs => keras::object(
            "keras.losses",
            "Huber",
            json!({ "name": "huber", "reduction": "sum_over_batch_size", "delta": delta }),
            Dialect::Keras3,
        ),
        Loss::LogCosh => json!(if dialect == Dialect::Tfjs { "logcosh" } else { "log_cosh" }),
        Loss::Logistic => json!("binary_crossentropy"),
        Loss::Softmax => json!("sparse_categorical_crossentropy"),
        Loss::Poisson => json!("poisson"),
        // TensorFlow.js would need classes -1 and 1.
        Loss::SquaredHinge if dialect != Dialect::Tfjs => json!("squared_hinge"),
        Loss::Huber { .. } | Loss::Quantile { .. } | Loss::SquaredHinge => return None,
    })
}

/// The loss of each row in PyTorch, of the outputs `z` and the targets `y`.
pub(crate) fn pytorch(loss: Loss) -> String {
    match loss {
        Loss::Squared => "functional.mse_loss(z[:, 0], y, reduction=\"none\")".to_owned(),
        Loss::Absolute => "functional.l1_loss(z[:, 0], y, reduction=\"none\")".to_owned(),
        Loss::Huber { delta } => {
            format!("functional.huber_loss(z[:, 0], y, delta={delta:?}, reduction=\"none\")")
        }
        // The logarithm of cosh, which may not overflow.
        Loss::LogCosh => "(z[:, 0] - y) + functional.softplus(-2 * (z[:, 0] - y)) - math.log(2)".to_owned(),
        Loss::Quantile { tau } => {
            format!("torch.maximum({tau:?} * (y - z[:, 0]), ({tau:?} - 1) * (y - z[:, 0]))")
        }
        Loss::Logistic => {
            "functional.binary_cross_entropy_with_logits(z[:, 0], y, reduction=\"none\")".to_owned()
        }
        Loss::Softmax => "functional.cross_entropy(z, y.long(), reduction=\"none\")".to_owned(),
        Loss::Poisson => {
            "functional.poisson_nll_loss(z[:, 0], y, log_input=True, reduction=\"none\")".to_owned()
        }
        Loss::SquaredHinge => "functional.relu(1 - (2 * y - 1) * z[:, 0]).square()".to_owned(),
    }
}

/// The estimator of scikit-learn and what it is given, noting what it does otherwise.
pub(super) fn sklearn(script: &mut Script<'_>) -> (&'static str, String) {
    let (l1, l2) = script.penalty();
    let (strength, ratio) = (script.config.penalty.strength, script.config.penalty.l1_ratio);
    let bias = if script.has_bias() { "True" } else { "False" };
    let solver = "It computes the optimum that the run approaches, so optimizer, learning rate and number of updates do not matter.";
    match script.config.loss {
        Loss::Squared => {
            script.note(solver);
            if l1 > 0.0 {
                // It halves the mean of squares.
                let arguments = format!(
                    "alpha={:?}, l1_ratio={ratio:?}, fit_intercept={bias}, tol=1e-10, max_iter=100_000",
                    strength / 2.0
                );
                ("ElasticNet", arguments)
            } else if l2 > 0.0 {
                // It takes the sum of squares, not their mean.
                ("Ridge", format!("alpha={l2:?} / 2 * len(y), fit_intercept={bias}"))
            } else {
                ("LinearRegression", format!("fit_intercept={bias}"))
            }
        }
        Loss::Logistic | Loss::Softmax => {
            script.note(solver);
            let penalty = match (l1 > 0.0, l2 > 0.0) {
                (false, false) => "C=np.inf".to_owned(),
                (false, true) => format!("C=1 / ({l2:?} * len(y))"),
                (true, _) => format!("C=1 / ({strength:?} * len(y)), l1_ratio={ratio:?}, solver=\"saga\""),
            };
            ("LogisticRegression", format!("{penalty}, fit_intercept={bias}, tol=1e-8, max_iter=100_000"))
        }
        Loss::Poisson => {
            script.note(solver);
            if l1 > 0.0 {
                script.note(
                    "PoissonRegressor has no L1 penalty, so the whole strength goes to the L2 penalty.",
                );
            }
            (
                "PoissonRegressor",
                format!("alpha={strength:?}, fit_intercept={bias}, tol=1e-8, max_iter=100_000"),
            )
        }
        Loss::Absolute | Loss::Quantile { .. } => {
            script.note(solver);
            if l2 > 0.0 {
                script.note(
                    "QuantileRegressor has no L2 penalty, so the whole strength goes to the L1 penalty.",
                );
            }
            // The absolute error is twice the loss of the median.
            let (tau, halved) = match script.config.loss {
                Loss::Quantile { tau } => (tau, strength),
                _ => (0.5, strength / 2.0),
            };
            (
                "QuantileRegressor",
                format!("quantile={tau:?}, alpha={halved:?}, fit_intercept={bias}, solver=\"highs\""),
            )
        }
        Loss::Huber { delta } => {
            script.note("No scikit-learn solver has a Huber loss with a fixed scale, so stochastic descent minimizes it here.");
            let loss = format!("loss=\"huber\", epsilon={delta:?}");
            ("SGDRegressor", stochastic(&loss, strength, ratio, bias))
        }
        Loss::SquaredHinge => {
            script.note("scikit-learn's solver for this loss also penalizes the intercept, so stochastic descent minimizes it here.");
            ("SGDClassifier", stochastic("loss=\"squared_hinge\"", strength, ratio, bias))
        }
        Loss::LogCosh => {
            script.note(
                "scikit-learn has no log-cosh loss, so the closest one is used: Huber with a delta of 1.",
            );
            ("SGDRegressor", stochastic("loss=\"huber\", epsilon=1.0", strength, ratio, bias))
        }
    }
}

/// Arguments of stochastic descent on a `loss`.
fn stochastic(loss: &str, strength: f64, ratio: f64, bias: &str) -> String {
    let penalty = if strength > 0.0 {
        format!("penalty=\"elasticnet\", alpha={strength:?}, l1_ratio={ratio:?}")
    } else {
        "penalty=None".to_owned()
    };
    format!(
        "\n        {loss}, {penalty}, fit_intercept={bias}, random_state=SEED,\n        \
         learning_rate=\"adaptive\", eta0=0.01, max_iter=10_000, tol=1e-6, n_iter_no_change=10,\n    "
    )
}
