//! Trains a configuration natively, on the CPU, from tables that ship with the page. The examples
//! share this module.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::{error, fs};

use downhill::backend::{self, InUse};
use downhill::choices::{Choice as _, ShippedTable, Source};
use downhill::config::RunConfig;
use downhill::dataset::{Dataset, Table};
use downhill::message::Code;
use downhill::run_file;
use downhill::trainer::{Task, Trainer};
use downhill_tables::selection::Selection;
use downhill_tables::table::Table as Text;

pub(crate) type Result<T> = std::result::Result<T, Box<dyn error::Error>>;

/// Returns a configuration for a table that ships with the page.
pub(crate) fn table(table: ShippedTable) -> RunConfig {
    let mut config = RunConfig::default();
    config.data.source = Source::Shipped { table };
    config
}

/// Returns the path of such a table.
pub(crate) fn path(table: ShippedTable) -> PathBuf {
    let name = format!("../../www/data/{}.csv", table.name().replace('_', "-"));
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Trains for `steps` updates and returns the run file. `text` is the table, if the source is one.
pub(crate) fn trained(config: &RunConfig, text: Option<&[u8]>, steps: u64) -> Result<String> {
    let mut config = config.clone();
    let kept = match &config.data.source {
        Source::Shipped { table } => Some(read(&config, &fs::read(path(*table))?)?),
        _ => text.map(|text| read(&config, text)).transpose()?,
    };
    if let (Source::Table { fingerprint, .. }, Some(kept)) = (&mut config.data.source, &kept) {
        kept.fingerprint().clone_into(fingerprint);
    }
    let plan = config.check()?;
    let dataset = Dataset::build(&config.data, kept.as_ref())?;
    let task = Task::new(&plan, Rc::new(dataset))?;
    let engine = backend::cpu(Rc::clone(&task.problem), &task.layout);
    let in_use = InUse::new(&engine, Code::CpuForced.into());
    let mut trainer = pollster::block_on(Trainer::new(plan, task, engine, in_use))?;
    pollster::block_on(trainer.advance(steps))?;
    Ok(run_file::write(&trainer)?)
}

/// Reads a table and selects the columns of a configuration.
fn read(config: &RunConfig, text: &[u8]) -> Result<Table> {
    let text = Text::read(text)?;
    let columns = &config.data.columns;
    let chosen = if columns.target.is_empty() { &text.choice() } else { columns };
    let selection = Selection::new(&text, chosen)?;
    let width = selection.inputs.len() + 1 + selection.extras.len();
    let mut rows = vec![0.0; selection.n_rows() * width];
    selection.read(&text, 0, &mut rows)?;
    let columns = (0..width).map(|j| rows.iter().skip(j).step_by(width).copied().collect()).collect();
    let mut dataset = Dataset::of_table(columns, selection.inputs.clone(), &selection.target);
    dataset.target_levels.clone_from(&selection.target_levels);
    Ok(Table::new(dataset.with_extras(selection.extras.clone())))
}
