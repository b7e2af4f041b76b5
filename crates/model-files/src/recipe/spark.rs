//! The recipe for PySpark: computes features by columns, and uses MLlib's estimators if it has the loss, else
//! the run's own descent with gradients summed over the cluster.

use downhill::choices::{Loss, Method, Missing, Optimizer, Schedule, Source, Split};
use downhill::message::Result;

use super::{ORIGINAL, Script, Tool, losses, optimizers};
use crate::format::{FormatSpec, Group};
use crate::run::Run;

pub(crate) const SPEC: FormatSpec = FormatSpec {
    name: "recipe_spark",
    group: Group::Recipes,
    file_name: "downhill-step-{step}-spark.py",
    recognizes: |content| super::recognizes(content, &TOOL),
    write,
    read: Some(|bytes| super::read(bytes, &TOOL)),
    holds: super::holds,
    how_to_load: |_, file_name| super::how_to_load(&TOOL, file_name),
};

const TOOL: Tool = Tool {
    name: "PySpark",
    file: "recipe_spark.py",
    install: "pip install pyspark numpy  # and Java 17 or newer",
};

const READ: &str = include_str!("spark_read.py");
const MAIN: &str = include_str!("spark_main.py");
const DESCENT: &str = include_str!("spark_descent.py");

fn write(run: &Run) -> Result<Vec<u8>> {
    let mut script = Script::new(run);
    let validation = &script.config.validation;
    if validation.fraction > 0.0 || validation.test_fraction > 0.0 {
        script
            .note("About as many rows are held out, but different ones: Spark draws each row independently.");
        if matches!(validation.split, Split::Stratified | Split::Group | Split::Last) {
            script.note("Rows are held out at random, regardless of class, group or order.");
        }
    }
    let (imports, train) = match script.config.loss {
        Loss::Squared | Loss::Logistic | Loss::Softmax | Loss::Poisson => estimator(&mut script),
        _ => descent(&mut script),
    };
    let imports = format!(
        "import csv\nimport math\nimport sys\n\nimport numpy as np\nfrom pyspark.ml.feature import VectorAssembler\n{imports}\
         from pyspark.sql import SparkSession\nfrom pyspark.sql import functions as F\n"
    );
    let text = [
        script.head(&TOOL, &imports),
        script.columns(),
        generated(&script),
        READ.to_owned(),
        fill(&mut script),
        split(&script),
        train,
        ORIGINAL.to_owned(),
        MAIN.to_owned(),
        script.carried(),
    ];
    Ok(text.concat().into_bytes())
}

/// Writes code that makes rows as text, as a table has them.
fn generated(script: &Script<'_>) -> String {
    let Source::Linspace { start, stop, n_samples, slope, intercept, noise, seed } =
        script.config.data.source
    else {
        return "\n\ndef generated():\n    sys.exit(__doc__)\n".to_owned();
    };
    format!(
        "\n\ndef generated():\n    x = np.linspace({start:?}, {stop:?}, {n_samples})\n    noise = np.random.default_rng({seed}).standard_normal({n_samples})\n    \
         y = {slope:?} * x + {intercept:?} + {noise:?} * noise\n    return [(repr(float(a)), repr(float(b))) for a, b in zip(x, y)], [INPUTS[0][0], TARGET]\n"
    )
}

fn fill(script: &mut Script<'_>) -> String {
    let statistic = match script.config.data.columns.missing {
        Missing::Drop => return "\n\ndef fill(rows):\n    return rows\n".to_owned(),
        Missing::Mean => "F.mean",
        Missing::Median => "F.median",
    };
    format!(
        "\n\ndef fill(rows):\n    \"\"\"Fills missing numbers with their column's value and missing categories with the most frequent level.\"\"\"\n    \
         usual = [({statistic} if levels is None else F.mode)(f\"x{{j}}\").alias(f\"x{{j}}\") for j, (_, _, _, levels) in enumerate(INPUTS)]\n    \
         return rows.fillna(rows.agg(*usual).first().asDict())\n"
    )
}

fn split(script: &Script<'_>) -> String {
    let validation = &script.config.validation;
    let (share, test) = (validation.fraction, validation.test_fraction);
    let text = "\n\ndef split(rows):\n    \"\"\"Splits into training, validation and test rows.\"\"\"\n";
    if share == 0.0 && test == 0.0 {
        return text.to_owned() + "    return {\"training\": rows}\n";
    }
    let mut shares = vec![("training", 1.0 - share - test)];
    shares.extend([("validation", share), ("test", test)].into_iter().filter(|(_, share)| *share > 0.0));
    let names: Vec<String> = shares.iter().map(|(name, _)| format!("\"{name}\"")).collect();
    let shares: Vec<String> = shares.iter().map(|(_, share)| format!("{share:?}")).collect();
    format!(
        "{text}    return dict(zip([{}], rows.randomSplit([{}], seed={})))\n",
        names.join(", "),
        shares.join(", "),
        validation.seed
    )
}

/// Returns the imports, and the function that fits the model with an estimator of MLlib.
fn estimator(script: &mut Script<'_>) -> (String, String) {
    let (l1, l2) = script.penalty();
    let (strength, ratio) = (script.config.penalty.strength, script.config.penalty.l1_ratio);
    let bias = if script.has_bias() { "True" } else { "False" };
    script.note(
        "MLlib has its own solvers, which compute the optimum that the run approaches, so optimizer, learning rate and number of updates do not matter.",
    );
    let common =
        format!("labelCol=\"y\", weightCol=\"weight\", fitIntercept={bias}, maxIter=1000, tol=1e-10");
    let one = "    return model.coefficients.toArray()[:, None], np.array([model.intercept])\n";
    let usual = format!("regParam={strength:?}, elasticNetParam={ratio:?}, standardization=False");
    let (module, class, fixed, before, penalty, result) = match script.config.loss {
        Loss::Logistic => ("classification", "LogisticRegression", "family=\"binomial\", ", "", usual, one),
        Loss::Softmax => {
            ("classification", "LogisticRegression", "family=\"multinomial\", ", "", usual, CLASSES)
        }
        Loss::Poisson => {
            if l1 > 0.0 {
                script.note(
                    "GeneralizedLinearRegression has no L1 penalty, so the whole strength goes to the L2 penalty.",
                );
            }
            let l2 = if l1 > 0.0 { strength } else { l2 };
            let penalty = format!("regParam={l2:?} / mean");
            let family = "family=\"poisson\", link=\"log\", ";
            ("regression", "GeneralizedLinearRegression", family, MEAN, penalty, one)
        }
        _ => {
            // It halves the mean of squares.
            let (l1, l2) = (l1 / 2.0, l2 / 2.0);
            let sum = format!("{l1:?} + {l2:?} * spread");
            let penalty = format!("regParam={sum}, elasticNetParam={l1:?} / ({sum}), standardization=False");
            ("regression", "LinearRegression", "", SPREAD, penalty, one)
        }
    };
    let (before, penalty) = if strength > 0.0 { (before, penalty) } else { ("", "regParam=0.0".to_owned()) };
    let arguments = format!("{fixed}{penalty}");
    let train = format!(
        "\n\ndef train(rows):\n    \"\"\"Weights of the scaled features, [feature, output], and biases.\"\"\"\n{before}    \
         model = {class}(\n        {arguments},\n        {common},\n    ).fit(rows)\n{result}\n{}",
        losses(script)
    );
    (format!("from pyspark.ml.{module} import {class}\n"), train)
}

/// Code for the standard deviation of the target, the unit in which MLlib's linear regression measures the L2
/// penalty.
const SPREAD: &str = "    w, y = F.col(\"weight\"), F.col(\"y\")
    mean = rows.agg(F.sum(w * y) / F.sum(w)).first()[0]
    spread = math.sqrt(rows.agg(F.sum(w * (y - mean) ** 2) / F.sum(w)).first()[0])
";

/// Code for the weighted mean of the target, for generalized linear regression: MLlib weights its least
/// squares by each row's mean and averages over these weights.
const MEAN: &str =
    "    mean = rows.agg(F.sum(F.col(\"weight\") * F.col(\"y\")) / F.sum(\"weight\")).first()[0]
";

/// Code that copies the coefficients of classes; there are as many as the rows have classes.
const CLASSES: &str = "    weights, bias = np.zeros((len(TERMS), N_OUTPUTS)), np.zeros(N_OUTPUTS)
    n_classes = model.numClasses
    weights[:, :n_classes], bias[:n_classes] = model.coefficientMatrix.toArray().T, model.interceptVector.toArray()
    return weights, bias
";

/// Writes the mean loss of the rows as an expression over columns.
fn losses(script: &Script<'_>) -> String {
    let formula = match script.config.loss {
        Loss::Squared => "(z - y) ** 2",
        Loss::Logistic => "np.logaddexp(0, z) - y * z",
        Loss::Poisson => "np.exp(z) - y * z",
        _ => {
            return "\ndef loss_and_slopes(z, y):\n    \"\"\"The loss of each row, where `z` holds the model's outputs, [row, output].\"\"\"\n    \
                    largest = z.max(axis=1)\n    return np.log(np.exp(z - largest[:, None]).sum(axis=1)) + largest - z[np.arange(len(y)), y.astype(int)], None\n"
                .to_owned();
        }
    };
    format!(
        "\ndef loss_and_slopes(z, y):\n    \"\"\"The loss of each row, where `z` holds the model's outputs, [row, output].\"\"\"\n    z = z[:, 0]\n    return {formula}, None\n"
    )
}

/// Returns the imports, and the function that fits the model by the run's own descent, since MLlib lacks the
/// loss.
fn descent(script: &mut Script<'_>) -> (String, String) {
    let config = script.config;
    script.note("MLlib has no such loss, so this script repeats the run's descent with gradients summed over the cluster.");
    if config.method != Method::Batch {
        script.note(
            "Each update uses all rows, because a pass over a cluster costs the same for any batch size.",
        );
    }
    let (l1, l2) = script.penalty();
    if l1 > 0.0 && config.optimizer != Optimizer::Sgd {
        script.note(
            "The L1 penalty enters through its slope, so weights end near 0 where the run has exactly 0.",
        );
    }
    if matches!(config.schedule, Schedule::BoldDriver { .. }) {
        script.note("The bold driver changes only the learning rate and does not restore earlier weights.");
    }
    let losses::Numpy { first, value } = losses::numpy(config.loss);
    let slope = losses::numpy_slope(config.loss);
    let rule = optimizers::written(&config.optimizer, config.learning_rate).numpy;
    let (slope_l1, shrink) = if config.optimizer == Optimizer::Sgd && l1 > 0.0 {
        (
            0.0,
            format!(
                "        weights[:-1] = np.sign(weights[:-1]) * np.maximum(np.abs(weights[:-1]) - rate(step) * scale * {l1:?}, 0)\n"
            ),
        )
    } else {
        (l1, String::new())
    };
    let bias = if script.has_bias() { "" } else { "        g[-1] = 0.0\n" };
    let scale = if script.reacts() { "reaction.scale" } else { "1.0" };
    let (begin, react) = if script.reacts() {
        ("    reaction = Reaction()\n", "        reaction.after(loss)\n")
    } else {
        ("", "")
    };
    let train = format!(
        "\n\ndef loss_and_slopes(z, y):\n    \"\"\"The loss of each row and its slope, where `z` holds the model's outputs, [row, output].\"\"\"\n{first}    return {value}, {slope}\n{DESCENT}\n\n\
         def update(weights, g, m, v, rate, t):\n    \"\"\"Weights and moments after the update number `t`.\"\"\"\n{rule}\n\n\
         def train(rows):\n    \"\"\"Weights of the scaled features, [feature, output], and biases.\"\"\"\n    blocks = rows.rdd.mapPartitions(block).cache()\n    \
         weights, m, v = np.zeros((3, len(TERMS) + 1))\n{begin}    for step in range(STEPS):\n        loss, g = gradient(blocks, weights)\n        \
         scale = {scale}\n        g[:-1] += {l2:?} * weights[:-1] + {slope_l1:?} * np.sign(weights[:-1])\n{bias}        \
         weights, m, v = update(weights, g, m, v, rate(step) * scale, step + 1)\n{shrink}{react}    return weights[:-1, None], weights[-1:]\n"
    );
    (String::new(), format!("\n\n{}", script.course().trim_end()) + &script.rate() + &train)
}
