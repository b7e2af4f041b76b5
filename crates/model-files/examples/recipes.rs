//! Writes recipes for many configurations, with their expected results, for
//! `tests/interop/recipes.py`.
//!
//! Usage: `cargo run -p downhill-model-files --example recipes -- FOLDER`. Each configuration
//! becomes a folder `FOLDER/<name>/` with `table.csv`, one script per tool, and `expected.json`:
//! `trained` is the run after as many updates as the scripts make, and `optimum` is the same run
//! much later (absent if only the path matters), both as in `tests/interop/README.md`.

use std::path::PathBuf;
use std::{env, fs};

use downhill::choices::{
    InitialWeights, Loss, Missing, Optimizer, Penalty, Scaling, Schedule, ShippedTable, Source, Split,
};
use downhill::config::RunConfig;
use downhill_model_files::format::Group;
use downhill_model_files::formats::FORMATS;
use downhill_model_files::run::Run;
use serde_json::json;

use expect::expectation;
use train::{Result, path, table, trained};

#[path = "shared/expect.rs"]
mod expect;
#[path = "shared/train.rs"]
mod train;

/// A configuration, the number of updates that its scripts make, and the number that gets near its
/// optimum.
struct Recipe {
    name: &'static str,
    config: RunConfig,
    text: Option<String>,
    steps: u64,
    long: Option<u64>,
    /// Whether the result depends on the random number generator: the validation rows, the row
    /// order or the initial weights differ.
    by_chance: bool,
}

fn main() -> Result<()> {
    let folder = PathBuf::from(env::args_os().nth(1).ok_or("which folder?")?);
    for recipe in recipes() {
        let Recipe { name, config, text, steps, long, by_chance } = recipe;
        let folder = folder.join(name);
        fs::create_dir_all(&folder)?;
        let text = match (&text, &config.data.source) {
            (Some(text), _) => text.clone().into_bytes(),
            (None, Source::Shipped { table }) => fs::read(path(*table))?,
            (None, _) => line(&config).into_bytes(),
        };
        fs::write(folder.join("table.csv"), &text)?;
        let run = Run::read(trained(&config, Some(&text), steps)?.as_bytes())?;
        for format in FORMATS.iter().filter(|format| format.group == Group::Recipes) {
            fs::write(folder.join(format!("{}.py", format.name)), format.write(&run)?)?;
        }
        let optimum = match long {
            Some(steps) => Some(expectation(&Run::read(trained(&config, Some(&text), steps)?.as_bytes())?)),
            None => None,
        };
        let expected = json!({ "trained": expectation(&run), "optimum": optimum, "by_chance": by_chance });
        fs::write(folder.join("expected.json"), serde_json::to_string(&expected)?)?;
    }
    Ok(())
}

/// Writes the generated line as a table.
fn line(config: &RunConfig) -> String {
    let Ok(dataset) = downhill::dataset::Dataset::build(&config.data, None) else { return String::new() };
    let (x, y) = dataset.columns();
    let rows = x.iter().zip(&y).map(|(x, y)| format!("{x:?},{y:?}\n"));
    format!("{},{}\n", dataset.inputs[0].name, dataset.target) + &rows.collect::<String>()
}

/// A configuration with a few columns of a table and all rows in every update.
fn three() -> RunConfig {
    let mut config = table(ShippedTable::Diabetes);
    config.data.columns.features = ["bmi", "blood pressure", "age"].map(String::from).to_vec();
    config.data.columns.target = "progression".into();
    config
}

fn recipes() -> Vec<Recipe> {
    let mut recipes = Vec::new();
    let mut add = |name, config: RunConfig, steps, long| {
        recipes.push(Recipe { name, config, text: None, steps, long, by_chance: false });
    };
    add("line", RunConfig::default(), 300, Some(3_000));

    let optimizers = [
        ("momentum", Optimizer::Momentum { momentum: 0.9 }, 0.01),
        ("nesterov", Optimizer::Nesterov { momentum: 0.8 }, 0.01),
        ("adagrad", Optimizer::AdaGrad { epsilon: 1e-10 }, 5.0),
        ("rmsprop", Optimizer::RmsProp { alpha: 0.95, epsilon: 1e-8 }, 0.5),
        ("adam", Optimizer::Adam { beta1: 0.9, beta2: 0.99, epsilon: 1e-8 }, 1.0),
        ("adamw", Optimizer::AdamW { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.05 }, 1.0),
        ("lion", Optimizer::Lion { beta1: 0.9, beta2: 0.95, weight_decay: 0.05 }, 1.0),
    ];
    for (name, optimizer, rate) in optimizers {
        let config = RunConfig { optimizer, learning_rate: rate, ..three() };
        // Few enough updates that the methods have not yet reached their common optimum.
        add(name, config, 20, None);
    }

    let schedules = [
        ("time_decay", Schedule::TimeDecay { decay_rate: 1.0, decay_steps: 20.0 }),
        ("step", Schedule::Step { step_size: 15, gamma: 0.5 }),
        ("exponential", Schedule::Exponential { gamma: 0.97 }),
        ("polynomial", Schedule::Polynomial { total_steps: 50, power: 2.0 }),
        ("cosine", Schedule::Cosine { period: 50, period_factor: 1, restarts: false, minimum_rate: 0.001 }),
        ("restarts", Schedule::Cosine { period: 10, period_factor: 2, restarts: true, minimum_rate: 0.0 }),
        (
            "one_cycle",
            Schedule::OneCycle {
                total_steps: 50,
                rising_fraction: 0.3,
                div_factor: 25.0,
                final_div_factor: 100.0,
            },
        ),
        (
            "plateau",
            Schedule::ReduceOnPlateau {
                factor: 0.5,
                patience: 2,
                threshold: 0.02,
                cooldown: 3,
                minimum_rate: 0.002,
            },
        ),
        ("bold", Schedule::BoldDriver { increase: 1.3, decrease: 0.5 }),
    ];
    for (name, schedule) in schedules {
        let mut config = RunConfig { schedule, learning_rate: 0.05, ..three() };
        if name == "bold" {
            config.learning_rate = 0.3;
        }
        if name == "cosine" {
            (config.warmup.steps, config.warmup.start_factor) = (10, 0.1);
        }
        // Bold driver takes three steps back. Near the optimum, rounding errors in the loss would
        // decide its steps.
        let steps = if name == "bold" { 15 } else { 60 };
        add(name, config, steps, None);
    }

    let losses = [
        ("absolute", Loss::Absolute, 2.0),
        ("huber", Loss::Huber { delta: 20.0 }, 0.3),
        ("log_cosh", Loss::LogCosh, 3.0),
        ("quantile", Loss::Quantile { tau: 0.8 }, 2.0),
    ];
    for (name, loss, rate) in losses {
        add(name, RunConfig { loss, learning_rate: rate, ..three() }, 80, Some(20_000));
    }
    let penalty = |strength, l1_ratio| Penalty { strength, l1_ratio };
    add("ridge", RunConfig { penalty: penalty(2.0, 0.0), learning_rate: 0.1, ..three() }, 80, Some(2_000));
    add("lasso", RunConfig { penalty: penalty(10.0, 1.0), learning_rate: 0.1, ..three() }, 80, Some(3_000));
    let mut elastic = RunConfig { penalty: penalty(5.0, 0.5), learning_rate: 0.01, ..three() };
    elastic.optimizer = Optimizer::Momentum { momentum: 0.8 };
    add("elastic", elastic.clone(), 80, Some(3_000));
    let sparse = [
        ("sparse_nesterov", Optimizer::Nesterov { momentum: 0.8 }, 0.01),
        ("sparse_adagrad", Optimizer::AdaGrad { epsilon: 1e-10 }, 5.0),
        ("sparse_rmsprop", Optimizer::RmsProp { alpha: 0.95, epsilon: 1e-8 }, 0.5),
        ("sparse_adam", Optimizer::Adam { beta1: 0.9, beta2: 0.99, epsilon: 1e-8 }, 1.0),
        ("sparse_lion", Optimizer::Lion { beta1: 0.9, beta2: 0.95, weight_decay: 0.05 }, 1.0),
    ];
    for (name, optimizer, learning_rate) in sparse {
        add(name, RunConfig { optimizer, learning_rate, penalty: penalty(20.0, 1.0), ..three() }, 30, None);
    }

    let mut logistic = table(ShippedTable::BreastCancer);
    logistic.data.columns.features = ["texture", "smoothness"].map(String::from).to_vec();
    logistic.data.columns.target = "malignant".into();
    (logistic.loss, logistic.learning_rate) = (Loss::Logistic, 1.0);
    add("logistic", logistic.clone(), 80, Some(3_000));
    logistic.penalty = penalty(0.05, 0.0);
    add("logistic_ridge", logistic.clone(), 80, Some(3_000));
    logistic.penalty = penalty(0.05, 0.5);
    add("logistic_elastic", logistic.clone(), 80, Some(3_000));

    let mut hinge = logistic.clone();
    (hinge.loss, hinge.learning_rate, hinge.penalty) = (Loss::SquaredHinge, 0.1, penalty(0.0, 0.0));
    add("squared_hinge", hinge.clone(), 80, Some(5_000));
    add("squared_hinge_ridge", RunConfig { penalty: penalty(0.05, 0.0), ..hinge }, 80, Some(3_000));

    let mut softmax = table(ShippedTable::Iris);
    softmax.data.columns.features = ["sepal length (cm)", "sepal width (cm)"].map(String::from).to_vec();
    softmax.data.columns.target = "species".into();
    (softmax.loss, softmax.learning_rate, softmax.penalty) = (Loss::Softmax, 0.5, penalty(0.02, 0.0));
    add("softmax", softmax, 80, Some(5_000));

    let mut poisson = table(ShippedTable::CoalDisasters);
    poisson.model.degree = 3;
    (poisson.loss, poisson.learning_rate) = (Loss::Poisson, 0.1);
    add("poisson", poisson.clone(), 100, Some(10_000));
    poisson.penalty = penalty(0.1, 0.0);
    add("poisson_ridge", poisson, 100, Some(10_000));

    let mut mixed = table(ShippedTable::WestRoxbury);
    mixed.data.columns.features =
        ["lot (sq ft)", "living area (sq ft)", "remodelled"].map(String::from).to_vec();
    mixed.data.columns.target = "value ($1000)".into();
    mixed.model.degrees = vec![("lot (sq ft)".into(), 2)];
    mixed.model.interactions = vec![
        ["lot (sq ft)".into(), "living area (sq ft)".into()],
        ["living area (sq ft)".into(), "remodelled".into()],
    ];
    (mixed.model.standardize, mixed.learning_rate) = (Some(Scaling::Standardize), 0.1);
    // A part of the rows is enough.
    mixed.data.source = Source::Table { name: "homes.csv".into(), fingerprint: String::new() };
    let homes = fs::read_to_string(path(ShippedTable::WestRoxbury)).unwrap_or_default();
    let homes: String = homes.lines().take(301).flat_map(|line| [line, "\n"]).collect();
    let of_homes = |name, config| Recipe {
        name,
        config,
        text: Some(homes.clone()),
        steps: 60,
        long: Some(5_000),
        by_chance: false,
    };
    let mut weighted = mixed.clone();
    weighted.data.columns.weight = "rooms".into();

    let mut last = three();
    (last.validation.fraction, last.validation.test_fraction) = (0.2, 0.1);
    (last.validation.split, last.learning_rate) = (Split::Last, 0.1);
    add("last", last.clone(), 80, Some(2_000));
    recipes.extend([of_homes("mixed", mixed), of_homes("weighted", weighted)]);

    last.validation.split = Split::Random;
    let chance = |name, config: RunConfig, text, steps, long| Recipe {
        name,
        config,
        text,
        steps,
        long: Some(long),
        by_chance: true,
    };
    let mut random = last.clone();
    random.stop.patience = Some(1_000);
    recipes.push(chance("random", random.clone(), None, 200, 2_000));
    let mut stratified = logistic.clone();
    stratified.validation = last.validation;
    stratified.validation.split = Split::Stratified;
    recipes.push(chance("stratified", stratified, None, 200, 2_000));
    last.validation.split = Split::Group;
    last.data.columns.group = "blood pressure".into();
    recipes.push(chance("group", last, None, 200, 2_000));
    let mut small = three();
    (small.method, small.batch_size) = (downhill::choices::Method::MiniBatch, 32);
    (small.model.initial_weights, small.learning_rate) = (InitialWeights::GlorotUniform, 0.001);
    recipes.push(chance("mini_batch", small, None, 14 * 100 + 5, 14 * 100));

    // Names with a special meaning in SQL, Python and spreadsheets; a category, dates, empty cells.
    let hostile = ["`a.b` \"q\" '; --", "\\n{0}%s \u{1f600}", "select"];
    let mut text = format!("\"{}\",{},{},when,y\n", hostile[0].replace('"', "\"\""), hostile[1], hostile[2]);
    for i in 0..60_u32 {
        let (a, b) = (f64::from(i * 7 % 13), f64::from(i * 5 % 11));
        let word = ["\"x, y\"", "\"\"\"q\"\"\"", "it's \\ é"][(i * i % 3) as usize];
        let y = 1.0 + 2.0 * a - b + f64::from(i * i % 3) + f64::from(i * 3 % 7) / 10.0;
        let a = if i % 10 == 9 { String::new() } else { a.to_string() };
        text += &format!("{a},{b},{word},2024-{:02}-{:02},{y}\n", i % 12 + 1, i % 28 + 1);
    }
    let mut odd = RunConfig { learning_rate: 0.1, ..RunConfig::default() };
    odd.data.source = Source::Table { name: "odd.csv".into(), fingerprint: String::new() };
    odd.data.columns.features = hostile.map(String::from).to_vec();
    odd.data.columns.features.push("when".into());
    odd.data.columns.target = "y".into();
    odd.data.columns.missing = Missing::Mean;
    recipes.push(Recipe {
        name: "odd",
        config: odd,
        text: Some(text),
        steps: 100,
        long: Some(5_000),
        by_chance: false,
    });
    recipes
}
