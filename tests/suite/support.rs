//! Shared by the other files: runs on every backend, and reference files.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::rc::Rc;
use std::sync::OnceLock;

use downhill::analysis::LeastSquares;
use downhill::backend::gpu::{Gpu, GpuEngine, Options};
use downhill::backend::{self, Backend, InUse};
use downhill::config::{RunConfig, from_query, json};
use downhill::dataset::{Dataset, Problem};
use downhill::message::Code;
use downhill::model::Layout;
use downhill::trainer::{Task, Trainer, n_runs};
use serde_json::Value;

pub(crate) use pollster::block_on;

/// The engine on which a test runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum On {
    Cpu,
    Gpu,
}

pub(crate) const EVERYWHERE: [On; 2] = [On::Cpu, On::Gpu];

/// A machine without a GPU has lavapipe (Debian: mesa-vulkan-drivers), so a missing adapter is a
/// failure, not a skip.
pub(crate) fn gpu() -> Gpu {
    static SHARED: OnceLock<Gpu> = OnceLock::new();
    SHARED.get_or_init(fresh_gpu).clone()
}

/// A separate device for a test that destroys it.
pub(crate) fn fresh_gpu() -> Gpu {
    block_on(Gpu::open()).expect("a Vulkan adapter; install mesa-vulkan-drivers where there is no GPU")
}

/// Rows and a linear model over them.
#[derive(Clone, Debug)]
pub(crate) struct Rows {
    pub(crate) problem: Rc<Problem>,
    pub(crate) layout: Layout,
}

impl Rows {
    pub(crate) fn new(problem: Problem, n_outputs: u32, bias: bool) -> Self {
        let layout = Layout::linear(problem.n_features, n_outputs, bias);
        Self { problem: Rc::new(problem), layout }
    }

    pub(crate) fn n_parameters(&self) -> u32 {
        self.layout.n_parameters()
    }

    pub(crate) fn cpu(&self) -> Backend {
        backend::cpu(Rc::clone(&self.problem), &self.layout)
    }

    pub(crate) fn by_statistics(&self) -> Backend {
        backend::cpu_by_statistics(Rc::clone(&self.problem), &self.layout)
    }

    pub(crate) fn gpu(&self, options: Options) -> Backend {
        Backend::Gpu(Box::new(block_on(GpuEngine::new(gpu(), &self.problem, &self.layout, options)).unwrap()))
    }
}

impl Deref for Rows {
    type Target = Problem;

    fn deref(&self) -> &Problem {
        &self.problem
    }
}

impl DerefMut for Rows {
    fn deref_mut(&mut self) -> &mut Problem {
        Rc::make_mut(&mut self.problem)
    }
}

pub(crate) fn engine_on(gpu: Gpu, task: &Task) -> Backend {
    let engine = GpuEngine::new(gpu, &task.problem, &task.layout, Options::default());
    Backend::Gpu(Box::new(block_on(engine).unwrap()))
}

/// The exact solution of a linear model.
pub(crate) fn exact(task: &Task) -> &LeastSquares {
    &task.exact.as_ref().expect("a linear model").solution
}

/// The GPU with its rows in two buffers: tiles and updates instead of one descending workgroup.
pub(crate) fn split_engine(task: &Task) -> Backend {
    let max_binding_bytes = (task.problem.features.len() * 4).div_ceil(2) as u64 + 64;
    let options = Options { max_binding_bytes, ..Options::default() };
    Backend::Gpu(Box::new(block_on(GpuEngine::new(gpu(), &task.problem, &task.layout, options)).unwrap()))
}

pub(crate) fn backend_on(on: On, task: &Task) -> Backend {
    match on {
        On::Cpu => backend::cpu(Rc::clone(&task.problem), &task.layout),
        On::Gpu => engine_on(gpu(), task),
    }
}

/// The page's presets, by name.
pub(crate) fn presets() -> BTreeMap<String, RunConfig> {
    let script = include_str!("../../www/presets.js");
    let entries =
        script.lines().filter_map(|line| line.strip_prefix("  ")?.strip_suffix("',")?.split_once(": '"));
    let read = |link: &str| {
        let (config, problems) = from_query(link, json);
        assert!(problems.is_empty(), "{link}: {problems:?}");
        config
    };
    entries.map(|(name, link)| (name.to_owned(), read(link))).collect()
}

pub(crate) fn task(config: &RunConfig) -> Task {
    let dataset = Dataset::build(&config.data, None).unwrap();
    Task::new(&config.check().unwrap(), Rc::new(dataset)).unwrap()
}

/// The same with the test's own rows.
pub(crate) fn task_of(config: &RunConfig, x: Vec<f64>, y: Vec<f64>) -> Task {
    let dataset = Dataset::of_columns(x, y, "x", "y");
    Task::new(&config.check().unwrap(), Rc::new(dataset)).unwrap()
}

pub(crate) fn trainer(on: On, config: &RunConfig) -> Trainer {
    trainer_of(on, config, task(config))
}

pub(crate) fn trainer_of(on: On, config: &RunConfig, task: Task) -> Trainer {
    let backend = match on {
        On::Cpu => backend_on(on, &task),
        On::Gpu => {
            // Room for parallel runs.
            let n_runs = n_runs(&config.check().unwrap(), &task);
            let options = Options { n_runs, loss: config.loss.kind(), ..Options::default() };
            Backend::Gpu(Box::new(
                block_on(GpuEngine::new(gpu(), &task.problem, &task.layout, options)).unwrap(),
            ))
        }
    };
    trainer_with(backend, config, task)
}

pub(crate) fn trainer_with(backend: Backend, config: &RunConfig, task: Task) -> Trainer {
    let in_use = InUse::new(&backend, Code::CpuForced.into());
    block_on(Trainer::new(config.check().unwrap(), task, backend, in_use)).unwrap()
}

/// A file of `tests/reference`, which names the program and version that made it.
pub(crate) fn reference(name: &str) -> Value {
    let path = format!("{}/tests/reference/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

pub(crate) fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

pub(crate) fn assert_close(found: f64, expected: f64, tolerance: f64, what: &str) {
    let apart = (found - expected).abs();
    assert!(apart <= tolerance, "{what}: {found} is {apart:e} from {expected}, allowed {tolerance:e}");
}

pub(crate) fn distance(a: &[f32], b: &[f32]) -> f64 {
    let square = |v: f64| v * v;
    let apart: f64 = a.iter().zip(b).map(|(a, b)| square(f64::from(*a) - f64::from(*b))).sum();
    let length: f64 = b.iter().map(|b| square(f64::from(*b))).sum();
    (apart / length).sqrt()
}

/// Columns of a table of `www/data` with the target last; a target of words is numbered by the
/// alphabetical order of its classes.
pub(crate) fn shipped(table: &str) -> (Vec<Vec<f64>>, Vec<String>) {
    let path = format!("{}/www/data/{}.csv", env!("CARGO_MANIFEST_DIR"), table.replace('_', "-"));
    let text = std::fs::read_to_string(path).unwrap();
    let rows: Vec<Vec<&str>> = text.lines().skip(1).map(|line| line.split(',').collect()).collect();
    let mut levels: Vec<String> = Vec::new();
    if rows.iter().any(|row| row[row.len() - 1].parse::<f64>().is_err()) {
        levels = rows.iter().map(|row| row[row.len() - 1].to_owned()).collect();
        levels.sort();
        levels.dedup();
    }
    let number = |cell: &str| {
        let level = levels.iter().position(|level| level == cell);
        level.map_or_else(|| cell.parse().unwrap(), |level| level as f64)
    };
    let columns = (0..rows[0].len()).map(|j| rows.iter().map(|row| number(row[j])).collect()).collect();
    (columns, levels)
}
