//! scikit-learn: its solvers go straight to the optimum that descent nears; stochastic descent where there is no solver.

use downhill::choices::Loss;
use downhill::message::Result;

use super::{FEATURES, MAIN, ORIGINAL, Script, TABLE, Tool};
use crate::format::{FormatSpec, Group};
use crate::run::Run;

pub(crate) const SPEC: FormatSpec = FormatSpec {
    name: "recipe_sklearn",
    group: Group::Recipes,
    file_name: "downhill-step-{step}-sklearn.py",
    recognizes: |content| super::recognizes(content, &TOOL),
    write,
    read: Some(|bytes| super::read(bytes, &TOOL)),
    holds: super::holds,
    how_to_load: |_, file_name| super::how_to_load(&TOOL, file_name),
};

const TOOL: Tool = Tool {
    name: "scikit-learn",
    file: "recipe_sklearn.py",
    install: "pip install \"scikit-learn>=1.8\" pandas",
};

fn write(run: &Run) -> Result<Vec<u8>> {
    let mut script = Script::new(run);
    script.note_chance();
    let (import, train) = train(&mut script);
    let imports =
        format!("import csv\nimport math\nimport sys\n\nimport numpy as np\nimport pandas as pd\n{import}\n");
    let text = [
        script.head(&TOOL, &imports),
        script.columns(),
        script.generated(),
        TABLE.to_owned(),
        script.fill(),
        script.split(),
        FEATURES.to_owned(),
        script.losses(),
        train,
        ORIGINAL.to_owned(),
        MAIN.to_owned(),
        script.carried(),
    ];
    Ok(text.concat().into_bytes())
}

/// What is imported, and the function that fits.
fn train(script: &mut Script<'_>) -> (String, String) {
    let (l1, l2) = script.penalty();
    let (strength, ratio) = (script.config.penalty.strength, script.config.penalty.l1_ratio);
    let bias = if script.has_bias() { "True" } else { "False" };
    let solver = "It computes the optimum that the run approaches, so optimizer, learning rate and number of updates do not matter.";
    let (module, class, arguments) = match script.config.loss {
        Loss::Squared => {
            script.note(solver);
            if l1 > 0.0 {
                // It halves the mean of squares.
                let arguments = format!(
                    "alpha={:?}, l1_ratio={ratio:?}, fit_intercept={bias}, tol=1e-10, max_iter=100_000",
                    strength / 2.0
                );
                ("linear_model", "ElasticNet", arguments)
            } else if l2 > 0.0 {
                // It takes the sum of squares, not their mean.
                ("linear_model", "Ridge", format!("alpha={l2:?} / 2 * len(y), fit_intercept={bias}"))
            } else {
                ("linear_model", "LinearRegression", format!("fit_intercept={bias}"))
            }
        }
        Loss::Logistic | Loss::Softmax => {
            script.note(solver);
            let penalty = match (l1 > 0.0, l2 > 0.0) {
                (false, false) => "C=np.inf".to_owned(),
                (false, true) => format!("C=1 / ({l2:?} * len(y))"),
                (true, _) => format!("C=1 / ({strength:?} * len(y)), l1_ratio={ratio:?}, solver=\"saga\""),
            };
            (
                "linear_model",
                "LogisticRegression",
                format!("{penalty}, fit_intercept={bias}, tol=1e-8, max_iter=100_000"),
            )
        }
        Loss::Poisson => {
            script.note(solver);
            if l1 > 0.0 {
                script.note(
                    "PoissonRegressor has no L1 penalty, so the whole strength goes to the L2 penalty.",
                );
            }
            (
                "linear_model",
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
                "linear_model",
                "QuantileRegressor",
                format!("quantile={tau:?}, alpha={halved:?}, fit_intercept={bias}, solver=\"highs\""),
            )
        }
        Loss::Huber { delta } => {
            script.note("No scikit-learn solver has a Huber loss with a fixed scale, so stochastic descent minimizes it here.");
            ("linear_model", "SGDRegressor", stochastic(delta, strength, ratio, bias))
        }
        Loss::LogCosh => {
            script.note(
                "scikit-learn has no log-cosh loss, so the closest one is used: Huber with a delta of 1.",
            );
            ("linear_model", "SGDRegressor", stochastic(1.0, strength, ratio, bias))
        }
    };
    let (targets, result) = match script.config.loss {
        Loss::Softmax => ("y.astype(int)", CLASSES),
        Loss::Logistic => {
            ("y.astype(int)", "    return model.coef_.T, np.broadcast_to(model.intercept_, N_OUTPUTS)\n")
        }
        _ => ("y", "    return model.coef_.reshape(-1, 1), np.broadcast_to(model.intercept_, N_OUTPUTS)\n"),
    };
    let import = format!("from sklearn.{module} import {class}");
    // Solvers that take no weights are not met here.
    let train = format!(
        "\n\ndef train(training, validation):\n    \"\"\"Weights of the scaled features, [feature, output], and biases.\"\"\"\n    \
         X, y, weight = training\n    model = {class}({arguments})\n    model.fit(X, {targets}, sample_weight=weight)\n{result}"
    );
    (import, train)
}

/// Of two classes there is one column, the difference of both; a class that no row has has none.
const CLASSES: &str = "    weights, bias = np.zeros((len(TERMS), N_OUTPUTS)), np.zeros(N_OUTPUTS)
    coefficients, intercepts = model.coef_, np.broadcast_to(model.intercept_, len(model.coef_))
    if len(model.classes_) == 2:
        coefficients, intercepts = np.array([-1, 1])[:, None] / 2 * coefficients, np.array([-1, 1]) / 2 * intercepts
    for index, own, constant in zip(model.classes_, coefficients, intercepts):
        weights[:, index], bias[index] = own, constant
    return weights, bias
";

fn stochastic(delta: f64, strength: f64, ratio: f64, bias: &str) -> String {
    let penalty = if strength > 0.0 {
        format!("penalty=\"elasticnet\", alpha={strength:?}, l1_ratio={ratio:?}")
    } else {
        "penalty=None".to_owned()
    };
    format!(
        "\n        loss=\"huber\", epsilon={delta:?}, {penalty}, fit_intercept={bias}, random_state=SEED,\n        \
         learning_rate=\"adaptive\", eta0=0.01, max_iter=10_000, tol=1e-6, n_iter_no_change=10,\n    "
    )
}
