//! Golden run files: later code continues them to the same bits on the CPU.
//!
//! The files of `tests/reference/golden` were recorded at commit b0a2442, before configuration,
//! trainer and session were rewritten. Do not record them again without a reason, which belongs in
//! the commit message. To do so, or to add a case, run `DOWNHILL_RECORD_GOLDEN=1 cargo test --test
//! suite golden`.
//!
//! The logistic, softmax, Poisson and log-cosh losses may give other bits on another platform,
//! because their CPU kernels call `f32::exp` and `f32::ln`, which the C library computes. The files
//! contain the results of glibc 2.36 on x86-64.

use std::collections::BTreeMap;
use std::fmt::{Debug, Write as _};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::OnceLock;

use downhill::backend::kernel::slot;
use downhill::backend::{self, State};
use downhill::choices::Choice as _;
use downhill::config::{RunConfig, from_query, json, to_query};
use downhill::dataset::{Dataset, Extra, FeatureMap, Input, RowSource, Table};
use downhill::message::{Message, Result};
use downhill::run_file;
use downhill::trainer::{Preparation, Status, Trainer};
use serde_json::{Map, Value};

use crate::pair::{FOREVER, partner};
use crate::parity::AFTER_1000_STEPS;
use crate::support::{On, block_on, distance, presets, trainer_of, trainer_with};

// From here to the cases: the part of the crate's API that this file uses.

fn parse_address(address: &str) -> RunConfig {
    let (config, problems) = from_query(address, json);
    assert!(problems.is_empty(), "{address}: {problems:?}");
    config
}

fn parse_config(config: &Value) -> RunConfig {
    serde_json::from_value(config.clone()).unwrap()
}

/// The rows of `table.csv`, in storage.
#[derive(Debug)]
struct Storage {
    width: usize,
    rows: Vec<f64>,
}

impl RowSource for Storage {
    fn n_rows(&self) -> usize {
        self.rows.len() / self.width
    }

    fn read(&self, first: usize, rows: &mut [f64]) -> Result<()> {
        rows.copy_from_slice(&self.rows[first * self.width..][..rows.len()]);
        Ok(())
    }
}

fn dataset(config: &RunConfig, is_stored: bool) -> Dataset {
    let chosen = &config.data.columns;
    if chosen.target.is_empty() {
        return Dataset::build(&config.data, None).unwrap();
    }
    let extras =
        [(Extra::Weight, &chosen.weight), (Extra::Group, &chosen.group), (Extra::Order, &chosen.order)];
    let extras: Vec<_> = extras.into_iter().filter(|(_, name)| !name.is_empty()).collect();
    let table = columns();
    let inputs: Vec<Input> = (chosen.features.iter())
        .map(|name| Input { name: name.clone(), levels: table[name].1.clone() })
        .collect();
    let names = chosen.features.iter().chain([&chosen.target]).chain(extras.iter().map(|(_, name)| *name));
    let kept: Vec<Vec<f64>> = names.map(|name| table[name].0.clone()).collect();
    let dataset = if is_stored {
        let rows = (0..kept[0].len()).flat_map(|row| kept.iter().map(move |column| column[row])).collect();
        Dataset::of_source(Rc::new(Storage { width: kept.len(), rows }), inputs, &chosen.target)
    } else {
        Dataset::of_table(kept, inputs, &chosen.target)
    };
    let dataset = dataset
        .with_target_levels(table[&chosen.target].1.clone())
        .with_extras(extras.iter().map(|(extra, _)| *extra).collect());
    // This checks the fingerprint in the address too.
    Dataset::build(&config.data, Some(&Table::new(dataset))).unwrap()
}

/// A run at its initial weights; `map` is that of a run file.
fn begin(engine: &str, config: &RunConfig, map: Option<FeatureMap>) -> Trainer {
    let is_stored = engine == "stored";
    let max_bytes = if is_stored { MAX_STORED_BYTES } else { u64::MAX };
    let plan = config.check().unwrap();
    let rows = Rc::new(dataset(config, is_stored));
    let task = Preparation::within(&plan, rows, map, max_bytes).unwrap().run().unwrap();
    assert_eq!(task.problem.stored().is_some(), is_stored);
    assert_eq!(task.problem.has_blocks(), is_stored, "one block shows nothing");
    let (problem, layout) = (Rc::clone(&task.problem), task.layout.clone());
    match engine {
        "cpu" | "stored" => trainer_of(On::Cpu, config, task),
        "gpu" => trainer_of(On::Gpu, config, task),
        "statistics" => trainer_with(backend::cpu_by_statistics(problem, &layout), config, task),
        "pair" => {
            let (link, _) = partner(FOREVER);
            trainer_with(block_on(backend::pair(problem, &layout, link)).unwrap(), config, task)
        }
        _ => panic!("there is no engine {engine}"),
    }
}

fn advance(run: &mut Trainer, n_steps: u64) {
    for _ in 0..n_steps / CALL_STEPS {
        block_on(run.advance(CALL_STEPS)).unwrap();
    }
}

fn change(run: &mut Trainer, config: &RunConfig) {
    run.change(config.check().unwrap());
}

/// The run file as it is recorded here, without the history.
fn write_run_file(run: &Trainer) -> Value {
    let mut file: Value = serde_json::from_str(&run_file::write(run).unwrap()).unwrap();
    file.as_object_mut().unwrap().remove("history");
    file
}

fn config_of_run_file(file: &Value) -> RunConfig {
    run_file::read(file.to_string().as_bytes()).unwrap().plan.config().clone()
}

fn continue_run_file(engine: &str, file: &Value) -> Trainer {
    let imported = run_file::read(file.to_string().as_bytes()).unwrap();
    let mut run = begin(engine, imported.plan.config(), Some(imported.map));
    block_on(run.restore(imported.checkpoint)).unwrap();
    run
}

/// The complete state of a run and everything it shows, with the fewest digits that read back as
/// the same bits.
fn record(run: &Trainer) -> Record {
    let checkpoint = run.checkpoint();
    let name = |message: &Message| message.code.name();
    let status = match run.status() {
        Status::Ready => "ready".to_owned(),
        Status::Finished(reason) => format!("finished {}", name(reason)),
        Status::Diverged { reason, suggested_rate } => {
            format!("diverged {} {suggested_rate:?}", name(reason))
        }
    };
    let measured = run.measured();
    let mut record = Record::from([
        ("step".to_owned(), run.step().to_string()),
        ("epoch".to_owned(), run.place().epoch.to_string()),
        ("position".to_owned(), run.place().position.to_string()),
        ("status".to_owned(), status),
        ("loss".to_owned(), digits([measured.loss])),
        ("gradient norm".to_owned(), digits([measured.gradient_norm])),
        ("loss rows".to_owned(), measured.rows.to_string()),
        ("batch loss".to_owned(), digits(run.batch_loss())),
        ("learning rate".to_owned(), digits([run.learning_rate()])),
        ("optimizer start".to_owned(), checkpoint.optimizer_start.to_string()),
        ("schedule start".to_owned(), checkpoint.schedule_start.to_string()),
        ("first loss".to_owned(), digits([checkpoint.first_loss])),
        ("validation loss".to_owned(), digits(run.validation_loss())),
        ("fold losses".to_owned(), digits(run.fold_losses())),
    ]);
    if let Some(best) = run.best_seen() {
        record.insert("best step".to_owned(), best.step.to_string());
        record.insert("best epoch".to_owned(), best.place.epoch.to_string());
        record.insert("best loss".to_owned(), digits([best.loss]));
        record.insert("best weights".to_owned(), digits(&best.parameters));
    }
    if let Some(path) = run.path() {
        record.insert("path strengths".to_owned(), digits(path.strengths));
        record.insert("path losses".to_owned(), digits(path.loss));
        record.insert("path validation losses".to_owned(), digits(path.validation));
    }
    for index in 0..checkpoint.state.n_runs() {
        record.extend(record_state(&checkpoint.state, index));
    }
    record
}

/// Slots of a state: their names in the records, and in run files.
const SLOTS: [(&str, usize, &str); 5] = [
    ("first moments", slot::FIRST_MOMENT, "first_moments"),
    ("second moments", slot::SECOND_MOMENT, "second_moments"),
    ("previous", slot::PREVIOUS, "previous"),
    ("epoch start", slot::EPOCH_START, "epoch_start"),
    ("anchor", slot::ANCHOR, "anchor"),
];

/// Whether the optimizer and the schedule of a run need a slot.
fn needs(run: &Trainer, slot: usize) -> bool {
    let config = run.plan().config();
    let (optimizer, is_bold) = (config.optimizer.needs(), config.schedule.name() == "bold_driver");
    match slot {
        slot::FIRST_MOMENT => optimizer.first_moment,
        slot::SECOND_MOMENT => optimizer.second_moment,
        slot::EPOCH_START | slot::ANCHOR => is_bold,
        _ => true,
    }
}

/// The state of one of the parallel runs; the first is the one that is shown.
fn record_state(state: &State, index: usize) -> Record {
    let mut record = Record::from([(format!("run {index} weights"), digits(state.parameters(index)))]);
    // The weights of folds and penalty paths show enough of them.
    for (name, slot, _) in SLOTS.iter().filter(|(_, slot, _)| index == 0 && !state.slot(0, *slot).is_empty())
    {
        record.insert(format!("run {index} {name}"), digits(state.slot(index, *slot)));
    }
    let reaction = &state.reactions[index];
    let losses = [reaction.best_loss, reaction.anchor_loss, reaction.epoch_loss, reaction.epoch_loss_tail];
    let counts = [reaction.epoch_rows, reaction.n_tail, reaction.n_bad, reaction.cooldown_left];
    record.extend([
        (format!("run {index} steps"), state.steps[index].to_string()),
        (format!("run {index} halt"), reaction.halt.to_string()),
        (format!("run {index} rate scale"), digits([reaction.rate_scale])),
        (format!("run {index} best, anchor and epoch losses"), digits(losses)),
        (format!("run {index} last epoch loss"), digits([reaction.last_epoch_loss])),
        (format!("run {index} epoch rows, tail, bad epochs, cooldown"), digits(counts)),
    ]);
    record
}

// The cases.

type Record = BTreeMap<String, String>;

/// Steps of one call, after each of which the run is measured.
const CALL_STEPS: u64 = 10;
/// Maximum bytes of a table in memory: each table here is larger, so its rows stay in storage.
const MAX_STORED_BYTES: u64 = 1 << 11;

struct Case {
    name: String,
    engine: String,
    /// Steps to the run file, and from there to the end.
    n_steps: u64,
    address: String,
    /// The configuration's address from halfway to the run file on, if it changes there.
    address_after: Option<String>,
}

impl Case {
    fn of_line(line: &str) -> Self {
        let words: Vec<&str> = line.split(' ').collect();
        let n_steps: u64 = words[2].parse().unwrap();
        assert_eq!(n_steps % (2 * CALL_STEPS), 0, "{line}");
        Self {
            name: words[0].to_owned(),
            engine: words[1].to_owned(),
            n_steps,
            address: words[3].to_owned(),
            address_after: words.get(4).map(|address| (*address).to_owned()),
        }
    }

    fn is_on_gpu(&self) -> bool {
        self.engine == "gpu"
    }

    fn last_address(&self) -> &str {
        self.address_after.as_ref().unwrap_or(&self.address)
    }

    /// The run from its initial weights to the run file.
    fn run(&self) -> Trainer {
        let mut run = begin(&self.engine, &parse_address(&self.address), None);
        advance(&mut run, self.n_steps / 2);
        if let Some(address) = &self.address_after {
            change(&mut run, &parse_address(address));
        }
        advance(&mut run, self.n_steps / 2);
        run
    }

    fn record(&self) -> String {
        let mut run = self.run();
        let (file, at_file) = (write_run_file(&run), record(&run));
        advance(&mut run, self.n_steps);
        let mut continued = continue_run_file(&self.engine, &file);
        advance(&mut continued, self.n_steps);
        layout(&serde_json::json!({
            "address": to_query(&parse_address(self.last_address())),
            "run_file": file,
            "at_file": at_file,
            "continued": record(&continued),
            "uninterrupted": record(&run),
        }))
    }

    fn recorded(&self) -> Value {
        read_json(&self.name)
    }

    /// The differences between a run and its record, one per line.
    fn differences(&self, run: &Trainer, recorded: &Value, part: &str) -> Vec<String> {
        let found = record(run);
        let mut expected: Record = serde_json::from_value(recorded[part].clone()).unwrap();
        // States then had every slot, whatever the run needed.
        expected.retain(|key, _| {
            let name = key.trim_start_matches("run 0 ");
            SLOTS.iter().all(|(slot, place, _)| *slot != name || needs(run, *place))
        });
        let differs = |key: &str, expected: &str| {
            let found = found.get(key).map_or("missing", String::as_str);
            if self.is_on_gpu() { !agrees(key, found, expected) } else { found != expected }
        };
        (expected.iter())
            .filter(|(key, expected)| differs(key, expected))
            .map(|(key, expected)| {
                let found = found.get(key).map_or("missing", String::as_str);
                format!("{}, {part}, {key}:\n  expected {expected}\n  found    {found}", self.name)
            })
            .collect()
    }
}

/// Whether a GPU agrees with the recorded one; drivers may round differently.
fn agrees(key: &str, found: &str, expected: &str) -> bool {
    let exact = ["step", "epoch", "position", "loss rows"];
    if exact.contains(&key) || key.ends_with("steps") || key.ends_with("halt") {
        return found == expected;
    }
    if key == "status" {
        // The suggested rate may be rounded differently.
        return found.split(' ').take(2).eq(expected.split(' ').take(2));
    }
    if key != "loss" && key != "validation loss" && key != "fold losses" && !key.ends_with("weights") {
        return true;
    }
    let [found, expected] = [found, expected]
        .map(|text| text.split_whitespace().map(|word| word.parse().unwrap()).collect::<Vec<f32>>());
    found.len() == expected.len() && (found == expected || distance(&found, &expected) <= AFTER_1000_STEPS)
}

fn path_of(file: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "reference", "golden", file].iter().collect()
}

fn read_text(file: &str) -> String {
    std::fs::read_to_string(path_of(file)).unwrap()
}

fn read_json(name: &str) -> Value {
    serde_json::from_str(&read_text(&format!("{name}.json"))).unwrap()
}

/// The cases of `cases.txt`, recorded first if the environment asks for it.
fn cases() -> &'static [Case] {
    static CASES: OnceLock<Vec<Case>> = OnceLock::new();
    CASES.get_or_init(|| {
        let text = read_text("cases.txt");
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let cases: Vec<Case> = lines.map(Case::of_line).collect();
        if std::env::var_os("DOWNHILL_RECORD_GOLDEN").is_some() {
            for case in &cases {
                std::fs::write(path_of(&format!("{}.json", case.name)), case.record()).unwrap();
            }
            let configs: Map<String, Value> = presets()
                .values()
                .map(|config| (to_query(config), serde_json::to_value(config).unwrap()))
                .collect();
            std::fs::write(path_of("addresses.json"), layout(&configs.into())).unwrap();
        }
        cases
    })
}

/// JSON with one line per entry of the upper two levels.
fn layout(value: &Value) -> String {
    fn entries(value: &Value, depth: usize) -> String {
        match value {
            Value::Object(fields) if depth < 2 && !fields.is_empty() => {
                let entry = |(key, field): (&String, &Value)| {
                    format!(
                        "{}{}: {}",
                        " ".repeat(depth + 1),
                        Value::from(key.as_str()),
                        entries(field, depth + 1)
                    )
                };
                let inner: Vec<String> = fields.iter().map(entry).collect();
                format!("{{\n{}\n{}}}", inner.join(",\n"), " ".repeat(depth))
            }
            _ => value.to_string(),
        }
    }
    entries(value, 0) + "\n"
}

fn digits<T: Debug>(values: impl IntoIterator<Item = T>) -> String {
    let mut text = String::new();
    for value in values {
        let separator = if text.is_empty() { "" } else { " " };
        write!(text, "{separator}{value:?}").unwrap();
    }
    text
}

/// Columns of `table.csv` by name, with their levels if the cells are words.
fn columns() -> BTreeMap<String, (Vec<f64>, Vec<String>)> {
    let text = read_text("table.csv");
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<&str>>());
    let names = lines.next().unwrap();
    let rows: Vec<Vec<&str>> = lines.collect();
    let column = |j: usize| {
        let cells: Vec<&str> = rows.iter().map(|row| row[j]).collect();
        let mut levels: Vec<String> = Vec::new();
        if cells[0].parse::<f64>().is_err() {
            levels = cells.iter().map(|cell| (*cell).to_owned()).collect();
            levels.sort();
            levels.dedup();
        }
        let number = |cell: &&str| {
            let level = levels.iter().position(|level| level == cell);
            level.map_or_else(|| cell.parse().unwrap(), |level| level as f64)
        };
        (cells.iter().map(number).collect(), levels)
    };
    names.iter().enumerate().map(|(j, name)| ((*name).to_owned(), column(j))).collect()
}

fn assert_none(differences: &[String]) {
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
}

/// Entries of a recorded run file that one written today lacks; `path` is the place in the file.
fn missing_parts(recorded: &Value, written: &Value, path: &str) -> Vec<String> {
    match (recorded, written) {
        (Value::Object(recorded), Value::Object(written)) => (recorded.iter())
            .flat_map(|(key, field)| {
                missing_parts(field, written.get(key).unwrap_or(&Value::Null), &format!("{path}.{key}"))
            })
            .collect(),
        _ if recorded == written => Vec::new(),
        _ => vec![format!("{path}:\n  expected {recorded}\n  found    {written}")],
    }
}

#[test]
fn a_golden_run_file_continues_to_the_same_bits() {
    let differences: Vec<String> = (cases().iter())
        .flat_map(|case| {
            let recorded = case.recorded();
            let mut run = continue_run_file(&case.engine, &recorded["run_file"]);
            advance(&mut run, case.n_steps);
            case.differences(&run, &recorded, "continued")
        })
        .collect();
    assert_none(&differences);
}

#[test]
fn a_golden_configuration_trains_to_the_same_bits() {
    let differences: Vec<String> = (cases().iter())
        .flat_map(|case| {
            let recorded = case.recorded();
            let mut run = case.run();
            let mut differences = case.differences(&run, &recorded, "at_file");
            if !case.is_on_gpu() {
                let mut expected = recorded["run_file"].clone();
                for volatile in ["backend", "downhill", "saved"] {
                    expected.as_object_mut().unwrap().remove(volatile);
                }
                for (_, _, field) in SLOTS.iter().filter(|(_, place, _)| !needs(&run, *place)) {
                    expected["training_state"][field] = Value::Array(Vec::new());
                }
                differences.extend(missing_parts(&expected, &write_run_file(&run), &case.name));
            }
            advance(&mut run, case.n_steps);
            differences.extend(case.differences(&run, &recorded, "uninterrupted"));
            differences
        })
        .collect();
    assert_none(&differences);
}

#[test]
fn a_golden_address_names_the_same_configuration() {
    for case in cases() {
        let recorded = case.recorded();
        let expected = config_of_run_file(&recorded["run_file"]);
        assert_eq!(parse_address(case.last_address()), expected, "{}", case.name);
        assert_eq!(parse_address(recorded["address"].as_str().unwrap()), expected, "{}", case.name);
    }
    for (address, config) in read_json("addresses").as_object().unwrap() {
        assert_eq!(parse_address(address), parse_config(config), "{address}");
    }
}
