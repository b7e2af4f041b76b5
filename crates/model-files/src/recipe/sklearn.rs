//! The recipe for scikit-learn: its solvers compute the optimum directly; stochastic descent is used if there
//! is no solver.

use downhill::choices::Loss;
use downhill::message::Result;

use super::{FEATURES, MAIN, ORIGINAL, Script, TABLE, Tool, losses};
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

/// Returns the imports, and the function that fits the model.
fn train(script: &mut Script<'_>) -> (String, String) {
    let (class, arguments) = losses::sklearn(script);
    let (targets, result) = match script.config.loss {
        Loss::Softmax => ("y.astype(int)", CLASSES),
        Loss::Logistic => {
            ("y.astype(int)", "    return model.coef_.T, np.broadcast_to(model.intercept_, N_OUTPUTS)\n")
        }
        _ => ("y", "    return model.coef_.reshape(-1, 1), np.broadcast_to(model.intercept_, N_OUTPUTS)\n"),
    };
    let import = format!("from sklearn.linear_model import {class}");
    // Solvers that take no weights are not met here.
    let train = format!(
        "\n\ndef train(training, validation):\n    \"\"\"Weights of the scaled features, [feature, output], and biases.\"\"\"\n    \
         X, y, weight = training\n    model = {class}({arguments})\n    model.fit(X, {targets}, sample_weight=weight)\n{result}"
    );
    (import, train)
}

/// Code that copies the coefficients of classes. With two classes there is one column, the difference of
/// both; a class without rows has no column.
const CLASSES: &str = "    weights, bias = np.zeros((len(TERMS), N_OUTPUTS)), np.zeros(N_OUTPUTS)
    coefficients, intercepts = model.coef_, np.broadcast_to(model.intercept_, len(model.coef_))
    if len(model.classes_) == 2:
        coefficients, intercepts = np.array([-1, 1])[:, None] / 2 * coefficients, np.array([-1, 1]) / 2 * intercepts
    for index, own, constant in zip(model.classes_, coefficients, intercepts):
        weights[:, index], bias[index] = own, constant
    return weights, bias
";
