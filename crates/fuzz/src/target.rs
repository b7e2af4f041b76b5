//! The targets: everything that reads outside data.

use std::rc::Rc;

use downhill::backend::{self, InUse};
use downhill::config::{RunConfig, from_query, json, to_query};
use downhill::dataset::{Dataset, Input};
use downhill::foreign::Model;
use downhill::message::{Code, Message, Result};
use downhill::model::Response;
use downhill::run_file;
use downhill::trainer::{Task, Trainer};
use downhill_model_files::format::{FormatSpec, Group};
use downhill_model_files::formats::{self, FORMATS};
use downhill_model_files::predict::Predictor;
use downhill_parquet_and_workbooks::archive;
use downhill_parquet_and_workbooks::parquet::Parquet;
use downhill_parquet_and_workbooks::workbook::Workbook;
use downhill_tables::arrays::Arrays;
use downhill_tables::batch::read_all;
use downhill_tables::format::Format as Kind;
use downhill_tables::objects::Objects;
use downhill_tables::selection::Selection;
use downhill_tables::table::Table;

/// A reader to fuzz.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Text tables: their dialect and cells.
    Text,
    /// JSON objects.
    Objects,
    /// NumPy arrays.
    Array,
    /// Archives of NumPy arrays.
    Archive,
    /// Parquet files.
    Parquet,
    /// Workbooks.
    Workbook,
    /// Weights files, and resuming a run from one.
    Weights,
    /// Links.
    Link,
    /// Models in the format of another tool.
    Model(&'static FormatSpec),
}

impl Target {
    /// Returns all targets.
    pub fn all() -> Vec<Self> {
        let files = [
            Self::Text,
            Self::Objects,
            Self::Array,
            Self::Archive,
            Self::Parquet,
            Self::Workbook,
            Self::Weights,
            Self::Link,
        ];
        // A run file is a weights file, and a history is not a model.
        let models = FORMATS.iter().filter(|format| format.group != Group::Run && format.read.is_some());
        files.into_iter().chain(models.map(Self::Model)).collect()
    }

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Objects => "objects",
            Self::Array => "array",
            Self::Archive => "archive",
            Self::Parquet => "parquet",
            Self::Workbook => "workbook",
            Self::Weights => "weights",
            Self::Link => "link",
            Self::Model(format) => format.name,
        }
    }

    /// The number of the random stream, which differs between targets.
    pub fn stream(self) -> u32 {
        Self::all().iter().position(|target| *target == self).map_or(0, |place| place as u32)
    }

    /// Whether a changed file may still be valid. Code is protected by a checksum.
    pub fn bears_changes(self) -> bool {
        let is_code = |format: &FormatSpec| {
            matches!(format.group, Group::Code | Group::Recipes) || format.name == "page"
        };
        !matches!(self, Self::Model(format) if is_code(format))
    }

    /// Returns the target with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::all().into_iter().find(|target| target.name() == name)
    }

    /// Reads an input to its end and returns whether it was valid. Fuzzing looks for panics.
    pub fn run(self, input: &[u8]) -> bool {
        // The page first detects the format of any file.
        let _ = Kind::of(input);
        match self {
            Self::Text => {
                predict(input);
                look_at(Table::read(input))
            }
            Self::Objects => look_at(read_all(&mut Objects::new(input.to_vec()))),
            Self::Array => {
                look_at(Arrays::of_array(Rc::new(input.to_vec())).and_then(|mut r| read_all(&mut r)))
            }
            Self::Archive => {
                look_at(archive::open(Rc::new(input.to_vec())).and_then(|mut r| read_all(&mut r)))
            }
            Self::Parquet => look_at(Parquet::new(input.to_vec()).and_then(|mut r| read_all(&mut r))),
            Self::Workbook => {
                look_at(Workbook::new(Rc::new(input.to_vec()), None).and_then(|mut r| read_all(&mut r)))
            }
            Self::Weights => go_on(input).is_ok(),
            Self::Model(_) => weigh(input),
            Self::Link => follow(&String::from_utf8_lossy(input)),
        }
    }
}

/// Treats a table like the page: previews it and reads the rows of the default choice, if there is
/// one.
fn look_at(table: Result<Table>) -> bool {
    let Ok(table) = table else { return false };
    let _ = table.preview();
    let _ = Selection::new(&table, &table.choice());
    true
}

/// Treats a weights file like the session: checks it, creates its rows, and resumes the run.
fn go_on(input: &[u8]) -> Result<()> {
    const MAX_ROWS: u32 = 10_000;
    let imported = run_file::read(input)?;
    let config = imported.plan.config();
    let dataset = Dataset::build(&config.data, None)?;
    if dataset.n_samples() > MAX_ROWS {
        return Ok(());
    }
    let task = Task::new(&imported.plan, Rc::new(dataset))?;
    let engine = backend::cpu(Rc::clone(&task.problem), &task.layout);
    let in_use = InUse::new(&engine, Code::CpuForced.into());
    let mut trainer = pollster::block_on(Trainer::new(config.check()?, task, engine, in_use))?;
    pollster::block_on(trainer.restore(imported.checkpoint))?;
    trainer.retrace(&imported.history);
    pollster::block_on(trainer.advance(3))?;
    run_file::write(&trainer).map(drop)
}

/// Predicts a table in chunks of two sizes, which must give the same result.
fn predict(input: &[u8]) {
    let inputs = ["x", "ort"].map(|name| Input {
        name: name.to_owned(),
        levels: if name == "x" { Vec::new() } else { vec!["K\u{F6}ln".to_owned(), "2".to_owned()] },
    });
    let one_or_two = |n: usize| {
        let inputs = inputs[..n].to_vec();
        let weights = (vec![vec![0.5]; n], Some(vec![-1.0]));
        Model::of_folded((inputs, "y".to_owned()), &[1, 1], Vec::new(), weights, Response::Linear)
    };
    for n in [1, 2] {
        let by = |chunk: usize| {
            let mut predictor = Predictor::new(&one_or_two(n));
            let mut out = Vec::new();
            for chunk in input.chunks(chunk) {
                out.extend(predictor.push(chunk)?);
            }
            out.extend(predictor.finish()?);
            Ok::<_, Message>((out, predictor.counts().clone()))
        };
        assert_eq!(by(usize::MAX), by(61), "chunks of another size are another table");
    }
}

/// Treats a model like the page: reads it, predicts a row of zeros, and continues training it on
/// matching rows.
fn weigh(input: &[u8]) -> bool {
    let Ok(found) = formats::read(input) else { return false };
    let model = &found.model;
    assert!(model.map.fits(), "a model that was read does not fit together");
    let numbers = model.weights.iter().flatten().chain(model.bias.iter().flatten());
    assert!(numbers.copied().all(f64::is_finite), "a weight that was read is no number");
    let outputs = model.predict(&vec![0.0; model.inputs.len()], &mut vec![0.0; model.map.n_features()]);
    assert_eq!(outputs.len(), model.n_outputs());
    let _ = adopt(model);
    true
}

/// Adopts a model like the session does with its rows; here there are two rows with the model's
/// columns.
fn adopt(model: &Model) -> Result<()> {
    const MAX_INPUTS: usize = 100;
    if model.inputs.len() > MAX_INPUTS {
        return Ok(());
    }
    let foreign = Model::read(serde_json::to_value(model).unwrap_or_default())?;
    let columns = vec![vec![0.0, 1.0]; model.inputs.len() + 1];
    let dataset = Dataset::of_table(columns, model.inputs.clone(), "y");
    let matching = foreign.matched(&dataset.inputs)?;
    let mut config = RunConfig::default();
    config.model = foreign.config(&dataset.inputs, &matching, &config.model);
    config.loss = foreign.loss(config.loss);
    let task = Task::new(&config.check()?, Rc::new(dataset))?;
    let outputs = (task.layout.n_outputs() as usize, &[][..]);
    let own = (&task.dataset.inputs[..], &matching);
    foreign.parameters((&task.map, config.model.bias), own, outputs).map(drop)
}

/// Treats a link like the page: reads it, checks it, and writes it again, which must not change its
/// meaning.
fn follow(link: &str) -> bool {
    let (config, problems) = from_query(link, json);
    if config.check().is_ok() {
        let (again, problems): (RunConfig, _) = from_query(&to_query(&config), json);
        assert!(problems.is_empty(), "a link that was written cannot be read: {problems:?}");
        assert_eq!(again, config, "a link that was written means another run");
    }
    problems.is_empty()
}
