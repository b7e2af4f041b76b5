//! Writes the run files of `exchange/samples/`: what tests, fuzzer and other tools are given to read.
//!
//! `cargo run -p downhill-exchange --example samples`. Trained natively on the CPU, from tables that the page ships.

use std::path::Path;
use std::rc::Rc;
use std::{error, fs};

use downhill::backend::{self, InUse};
use downhill::config::{Method, RunConfig, ShippedTable, Source, choose_method, choose_optimizer};
use downhill::dataset::{Dataset, Scaling, Table};
use downhill::export;
use downhill::loss::{Loss, Penalty};
use downhill::message::Code;
use downhill::trainer::{Task, Trainer};
use downhill_readers::selection::Selection;
use downhill_readers::table::Table as Text;

type Result<T> = std::result::Result<T, Box<dyn error::Error>>;

fn main() -> Result<()> {
    let story = RunConfig::default();

    // Powers, far from 0.
    let mut powers = table(ShippedTable::CoalDisasters);
    powers.model.degree = 3;
    powers.model.standardize = Some(Scaling::Standardize);
    powers.loss = Loss::Poisson;
    powers.learning_rate = 0.1;

    // Numbers, powers, a category, products of numbers and with a category.
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
        fs::write(path, trained(&config)? + "\n")?;
    }
    Ok(())
}

fn table(table: ShippedTable) -> RunConfig {
    let mut config = RunConfig::default();
    config.data.source = Source::Shipped { table };
    config
}

fn trained(config: &RunConfig) -> Result<String> {
    let plan = config.check()?;
    let kept = match config.data.source {
        Source::Shipped { table } => Some(read(config, table)?),
        _ => None,
    };
    let dataset = Dataset::build(&config.data, kept.as_ref())?;
    let task = Task::new(&plan, Rc::new(dataset))?;
    let engine = backend::cpu(Rc::clone(&task.problem));
    let in_use = InUse::new(&engine, Code::CpuForced.into());
    let mut trainer = pollster::block_on(Trainer::new(plan, task, engine, in_use))?;
    pollster::block_on(trainer.advance(1_000))?;
    Ok(export::write(&trainer)?)
}

/// A table of the page's, with the columns that are asked for.
fn read(config: &RunConfig, table: ShippedTable) -> Result<Table> {
    let name = format!("../www/data/{}.csv", table.id().replace('_', "-"));
    let text = Text::read(&fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(name))?)?;
    let columns = &config.data.columns;
    let chosen = if columns.target.is_empty() { &text.choice() } else { columns };
    let selection = Selection::new(&text, chosen)?;
    let width = selection.inputs.len() + 1;
    let mut rows = vec![0.0; selection.n_rows() * width];
    selection.read(&text, 0, &mut rows)?;
    let columns = (0..width).map(|j| rows.iter().skip(j).step_by(width).copied().collect()).collect();
    let mut dataset = Dataset::of_table(columns, selection.inputs.clone(), &selection.target);
    dataset.target_levels.clone_from(&selection.target_levels);
    Ok(Table::new(dataset))
}
