//! Writes the run files of `crates/model-files/samples/`, which tests, the fuzzer and other tools
//! read.
//!
//! Usage: `cargo run -p downhill-model-files --example samples`. The runs are trained natively on
//! the CPU, from tables that ship with the page.

use std::fs;
use std::path::Path;

use downhill::choices::{Loss, Method, Penalty, Scaling, ShippedTable};
use downhill::config::{RunConfig, choose_method, choose_optimizer};

use train::{Result, table, trained};

#[path = "shared/train.rs"]
mod train;

fn main() -> Result<()> {
    let story = RunConfig::default();

    // Powers of a number far from 0.
    let mut powers = table(ShippedTable::CoalDisasters);
    powers.model.degree = 3;
    powers.model.standardize = Some(Scaling::Standardize);
    powers.loss = Loss::Poisson;
    powers.learning_rate = 0.1;

    // Numbers, powers, a category, and products of numbers with each other and with a category.
    let mut mixed =
        choose_optimizer(&choose_method(&table(ShippedTable::WestRoxbury), Method::MiniBatch), "adam")?;
    mixed.data.columns.features =
        ["lot (sq ft)", "living area (sq ft)", "built", "remodelled"].map(String::from).to_vec();
    mixed.data.columns.target = "value ($1000)".into();
    mixed.model.degrees = vec![("built".into(), 2)];
    mixed.model.interactions = vec![
        ["lot (sq ft)".into(), "living area (sq ft)".into()],
        ["living area (sq ft)".into(), "remodelled".into()],
    ];
    mixed.learning_rate = 0.5;

    let mut ten = table(ShippedTable::Diabetes);
    ten.penalty = Penalty { strength: 1.0, l1_ratio: 1.0 };
    ten.learning_rate = 0.2;

    let mut yes = table(ShippedTable::Challenger);
    yes.loss = Loss::Logistic;
    yes.model.standardize = Some(Scaling::MinMax);
    yes.learning_rate = 1.0;

    let mut classes = table(ShippedTable::Iris);
    classes.data.columns.features =
        ["sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"]
            .map(String::from)
            .to_vec();
    classes.data.columns.target = "species".into();
    classes.loss = Loss::Softmax;
    classes.learning_rate = 0.5;

    let mut unbiased = story.clone();
    unbiased.model.bias = false;

    let samples = [
        ("story", story),
        ("unbiased", unbiased),
        ("powers", powers),
        ("mixed", mixed),
        ("ten", ten),
        ("yes", yes),
        ("classes", classes),
    ];
    for (name, config) in samples {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("samples/{name}.json"));
        fs::write(path, trained(&config, None, 1_000)? + "\n")?;
    }
    Ok(())
}
