//! Scripts that train the same model on the same columns in another tool, for users who outgrow one machine.
//! As far as the tool supports them, a script has the same features, scaling, loss, penalty, optimizer,
//! learning rate and number of updates; it states where it differs. It writes the coefficients as a table
//! that Downhill reads ([`crate::coefficients`]).
//!
//! Features are scaled by the constants of the run, not by those of the script's own rows, so that penalty,
//! rate and weights have the same meaning. Static parts are Python files in this folder; parts that depend on
//! the run are composed here.

use downhill::choices::{Method, Missing, Source, Split};
use downhill::config::RunConfig;
use downhill::dataset::Term;
use downhill::message::{Code, Message, Result};
use downhill::model::Response;

use crate::format::{Content, Held, Part, Plain};
use crate::run::Run;
use crate::tensors::Layout;
use downhill::foreign::Model;

pub(crate) mod keras;
pub(crate) mod losses;
pub(crate) mod optimizers;
pub(crate) mod pytorch;
mod schedules;
pub(crate) mod sklearn;
pub(crate) mod spark;

const TABLE: &str = include_str!("recipe/table.py");
const FEATURES: &str = include_str!("recipe/features.py");
const ORIGINAL: &str = include_str!("recipe/original.py");
const MAIN: &str = include_str!("recipe/main.py");

/// The prefix of the line with the run file that a script includes.
const CARRIED: &str = "# downhill-run: ";
/// A phrase in the first line of every script, by which scripts are recognized.
const MARK: &str = "trains what Downhill trained";
/// Number of updates of a script if the run has not begun.
const USUAL_STEPS: u64 = 1_000;

/// A tool that a script is written for.
pub(crate) struct Tool {
    /// The name of the tool, for the user.
    name: &'static str,
    /// The file name of the script.
    file: &'static str,
    /// The command that installs the tool.
    install: &'static str,
}

/// A script under construction, with a list of its differences from the run.
struct Script<'a> {
    run: &'a Run,
    model: Model,
    config: &'a RunConfig,
    notes: Vec<String>,
}

impl<'a> Script<'a> {
    fn new(run: &'a Run) -> Self {
        let config = &run.file.config;
        let mut script = Self { run, model: run.model(), config, notes: Vec::new() };
        let data = &config.data;
        if !data.added.is_empty() || !data.removed.is_empty() {
            script.note("The table does not include points added or removed by hand: save the rows shown and pass that file.");
        }
        if matches!(data.source, Source::Linspace { .. }) {
            script
                .note("Without a table, the script generates the line itself, with noise from another random generator.");
        }
        script
    }

    fn note(&mut self, text: &str) {
        self.notes.push(text.to_owned());
    }

    /// Notes that splits and shuffles come from the tool's own random number generator.
    fn note_chance(&mut self) {
        let validation = &self.config.validation;
        if (validation.fraction > 0.0 || validation.test_fraction > 0.0) && validation.split != Split::Last {
            self.note("As many rows are held out, but different ones: another random generator draws them.");
        }
        if self.config.shuffle && self.config.method != Method::Batch {
            self.note("Rows come in a different order: another random generator shuffles them.");
        }
        if self.config.model.initial_weights != downhill::choices::InitialWeights::Zero {
            self.note(
                "Initial weights differ: another random generator draws them from the same distribution.",
            );
        }
    }

    /// Number of updates that the script makes.
    fn steps(&self) -> u64 {
        match (self.run.file.steps, self.config.stop.steps) {
            (0, Some(steps)) => steps,
            (0, None) => USUAL_STEPS,
            (steps, _) => steps,
        }
    }

    fn n_outputs(&self) -> usize {
        self.model.n_outputs()
    }

    fn has_bias(&self) -> bool {
        self.model.bias.is_some()
    }

    /// Writes the head of the script: its purpose, its differences from the run, and its imports.
    fn head(&self, tool: &Tool, imports: &str) -> String {
        let usage = match self.config.data.source {
            Source::Linspace { .. } => format!("python {} [TABLE.csv]", tool.file),
            _ => format!("python {} TABLE.csv", tool.file),
        };
        let mut head =
            format!("\"\"\"{}: {MARK}, version {}.\n\n", tool.name, words(&self.run.file.downhill));
        head += &format!("    {}\n    {usage}\n\n", tool.install);
        head += "Prints the loss and the coefficients in the units of the table, and writes coefficients.csv and weights.npz,\n";
        head += "which Downhill reads.";
        if !self.notes.is_empty() {
            head += "\n\nDifferences from the run:\n";
            for note in &self.notes {
                head += &format!("- {note}\n");
            }
            head += "\"\"\"\n\n";
        } else {
            head += "\n\"\"\"\n\n";
        }
        head + imports
    }

    /// Writes Python literals that describe the columns and the features made from them.
    fn columns(&self) -> String {
        let Model { inputs, map, target, target_levels, .. } = &self.model;
        let data = &self.config.data.columns;
        let mut text = String::from(
            "\n# Column, value to subtract, value to divide by, levels of a category.\nINPUTS = [\n",
        );
        for (input, own) in inputs.iter().zip(&map.inputs) {
            let levels = if input.levels.is_empty() { "None".to_owned() } else { list(&input.levels) };
            text +=
                &format!("    ({}, {:?}, {:?}, {levels}),\n", literal(&input.name), own.center, own.scale);
        }
        text += "]\n# Name of a term; then the power of an input, the level of an input, or the product of two terms, by index.\nTERMS = [\n";
        for (term, name) in map.terms().iter().zip(self.model.term_names()) {
            let (kind, a, b) = match *term {
                Term::Power { input, power } => ("power", input, power as usize),
                Term::Level { input, level } => ("level", input, level),
                Term::Product { of: [a, b] } => ("product", a, b),
            };
            text += &format!("    ({}, \"{kind}\", {a}, {b}),\n", literal(&name));
        }
        text += "]\n# Values to subtract from the scaled terms and to divide them by.\n";
        text += &format!("CENTERS = {:?}\nSCALES = {:?}\n", map.center, map.scale);
        text += &format!("TARGET = {}\n", literal(target));
        let classes = if target_levels.is_empty() { None } else { Some(list(target_levels)) };
        text += &format!("CLASSES = {}\n", classes.as_deref().unwrap_or("None"));
        let weight = Some(&data.weight).filter(|name| !name.is_empty()).map(|name| literal(name));
        text += &format!("WEIGHT = {}\n", weight.as_deref().unwrap_or("None"));
        let mut names: Vec<&String> = inputs.iter().map(|input| &input.name).chain([target]).collect();
        let splits = self.config.validation.fraction > 0.0 || self.config.validation.test_fraction > 0.0;
        let extras = [
            (true, &data.weight),
            (splits && self.config.validation.split == Split::Group, &data.group),
            (splits && self.config.validation.split == Split::Last, &data.order),
        ];
        names.extend(
            extras.into_iter().filter(|(used, name)| *used && !name.is_empty()).map(|(_, name)| name),
        );
        text += &format!("COLUMNS = {}\n", list(names));
        let bias = if self.has_bias() { "True" } else { "False" };
        let link = match self.model.activation {
            Response::Linear => "identity",
            Response::Sigmoid => "logit",
            Response::Exponential => "log",
            Response::Softmax => "softmax",
        };
        let made = format!("a recipe of Downhill {}", words(&self.run.file.downhill));
        let layout = Layout::of(&self.model, made).text();
        text += &format!("# The same description, stored with the weights.\nLAYOUT = {}\n", literal(&layout));
        text + &format!(
            "BIAS = {bias}\nLINK = \"{link}\"\nN_OUTPUTS = {}\nSEED = {}\n",
            self.n_outputs(),
            self.config.seed
        )
    }

    /// Writes constants that describe the course of training: number of updates, batch size and so on.
    fn course(&self) -> String {
        let batch = match self.config.method {
            Method::Batch => "None  # all rows".to_owned(),
            Method::MiniBatch => self.config.batch_size.to_string(),
            Method::Stochastic | Method::DecayingRate => "1".to_owned(),
        };
        format!("STEPS = {}\nBATCH_SIZE = {batch}\n", self.steps())
    }

    /// Writes code that generates rows, for runs on generated data.
    fn generated(&self) -> String {
        let Source::Linspace { start, stop, n_samples, slope, intercept, noise, seed } =
            self.config.data.source
        else {
            return "\n\ndef generated():\n    sys.exit(__doc__)\n".to_owned();
        };
        format!(
            "\n\ndef generated():\n    x = np.linspace({start:?}, {stop:?}, {n_samples})\n    noise = np.random.default_rng({seed}).standard_normal({n_samples})\n    \
             y = {slope:?} * x + {intercept:?} + {noise:?} * noise\n    \
             return pd.DataFrame({{INPUTS[0][0]: x, TARGET: y}}).map(repr)\n"
        )
    }

    /// Writes code that handles rows with missing inputs.
    fn fill(&self) -> String {
        let statistic = match self.config.data.columns.missing {
            Missing::Drop => return "\n\ndef fill(x):\n    return x\n".to_owned(),
            Missing::Mean => "np.nanmean(column)",
            Missing::Median => "np.nanmedian(column)",
        };
        format!(
            "\n\ndef fill(x):\n    \"\"\"Fills missing numbers with their column's value and missing categories with the most frequent level.\"\"\"\n    \
             for column, (_, _, _, levels) in zip(x.T, INPUTS):\n        known = column[~np.isnan(column)]\n        \
             usual = {statistic} if levels is None else np.bincount(known.astype(int)).argmax()\n        \
             column[np.isnan(column)] = usual\n    return x\n"
        )
    }

    /// Writes code that splits the rows into training, validation and test rows.
    fn split(&self) -> String {
        let validation = &self.config.validation;
        let text =
            "\n\ndef split(table, y):\n    \"\"\"Splits into training, validation and test rows.\"\"\"\n";
        if validation.fraction == 0.0 && validation.test_fraction == 0.0 {
            return text.to_owned() + "    return np.arange(len(y)), np.array([], int), np.array([], int)\n";
        }
        let (share, test, seed) = (validation.fraction, validation.test_fraction, validation.seed);
        let counts = |n: &str| format!("math.ceil({share:?} * {n}), math.ceil({test:?} * {n})");
        let cut = "return order[n_validation + n_test:], order[:n_validation], order[n_validation:n_validation + n_test]\n";
        let columns = &self.config.data.columns;
        let body = match validation.split {
            Split::Random => format!(
                "    order = np.random.default_rng({seed}).permutation(len(y))\n    n_validation, n_test = {}\n    {cut}",
                counts("len(y)")
            ),
            Split::Last => {
                let order = match &columns.order[..] {
                    "" => "np.arange(len(y))".to_owned(),
                    name => format!("np.argsort(cells(table[{}], None), kind=\"stable\")", literal(name)),
                };
                format!(
                    "    order = {order}\n    n_validation, n_test = {}\n    n = len(y) - n_validation - n_test\n    \
                     return order[:n], order[n:n + n_validation], order[n + n_validation:]\n",
                    counts("len(y)")
                )
            }
            Split::Stratified => format!(
                "    parts = [], [], []\n    random = np.random.default_rng({seed})\n    for value in np.unique(y):\n        \
                 order = random.permutation(np.flatnonzero(y == value))\n        n_validation = round({share:?} * len(order))\n        \
                 n_test = round({test:?} * len(order))\n        parts[0].extend(order[n_validation + n_test:])\n        \
                 parts[1].extend(order[:n_validation])\n        parts[2].extend(order[n_validation:n_validation + n_test])\n    \
                 return tuple(np.array(part, int) for part in parts)\n"
            ),
            Split::Group => format!(
                "    groups = table[{}].to_numpy()\n    order = np.random.default_rng({seed}).permutation(np.unique(groups))\n    \
                 n_validation, n_test = {}\n    parts = order[n_validation + n_test:], order[:n_validation], order[n_validation:n_validation + n_test]\n    \
                 return tuple(np.flatnonzero(np.isin(groups, part)) for part in parts)\n",
                literal(&columns.group),
                counts("len(order)")
            ),
        };
        text.to_owned() + &body
    }

    /// Writes the run file as a comment that Downhill can read.
    fn carried(&self) -> String {
        let mut text = format!("\n\n# The run, which Downhill reads from this script:\n{CARRIED}");
        for letter in self.run.text.chars() {
            match letter {
                // Only within strings, where JSON has escapes for them: nothing here turns the direction of a line.
                '\u{7f}'.. => {
                    for half in letter.encode_utf16(&mut [0; 2]) {
                        text += &format!("\\u{half:04x}");
                    }
                }
                _ => text.push(letter),
            }
        }
        text + "\n"
    }

    /// Strength of the L1 penalty, and of the L2 penalty (the factor of half the sum of squares).
    fn penalty(&self) -> (f64, f64) {
        let penalty = self.config.penalty;
        (penalty.strength * penalty.l1_ratio, penalty.strength * (1.0 - penalty.l1_ratio))
    }
}

/// Writes a Python string literal in plain ASCII.
pub(crate) fn literal(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            ' '..='~' => quoted.push(letter),
            _ if (letter as u32) < 0x1_0000 => quoted += &format!("\\u{:04x}", letter as u32),
            _ => quoted += &format!("\\U{:08x}", letter as u32),
        }
    }
    quoted.push('"');
    quoted
}

fn list<'a>(texts: impl IntoIterator<Item = &'a String>) -> String {
    let texts: Vec<String> = texts.into_iter().map(|text| literal(text)).collect();
    format!("[{}]", texts.join(", "))
}

/// Escapes a text for a docstring.
fn words(text: &str) -> String {
    text.chars().filter(|letter| letter.is_ascii_alphanumeric() || ".-+".contains(*letter)).collect()
}

/// Whether a text is a script for this tool, according to its first line.
fn recognizes(content: &Content<'_>, tool: &Tool) -> bool {
    content.first_line().starts_with(format!("\"\"\"{}: {MARK}", tool.name).as_bytes())
}

/// Reads the run file that a script includes, since a script contains no other weights.
fn read(bytes: &[u8], tool: &Tool) -> Result<Plain> {
    let wrong = |found: &str| {
        Message::new(Code::ModelUnsupported)
            .with("format", format!("A recipe for {}", tool.name))
            .with("found", found)
    };
    let text = std::str::from_utf8(bytes).map_err(|_| wrong("a script that is not text"))?;
    let carried = text.lines().rev().find_map(|line| line.strip_prefix(CARRIED));
    let carried = carried.ok_or_else(|| wrong("a script without its run"))?;
    Run::read(carried.as_bytes()).map(Plain::of_run)
}

fn holds(_: &Model, part: Part) -> Option<Held> {
    match part {
        Part::Weights | Part::Provenance => Some(Held::Note),
        Part::Scaling | Part::Terms | Part::Levels | Part::Columns | Part::Training => Some(Held::Inside),
        Part::History => None,
    }
}

fn how_to_load(tool: &Tool, file_name: &str) -> (&'static str, String) {
    // A name that the shell passes on as it is.
    let name = format!("'{}'", file_name.replace('\'', "'\\''"));
    ("sh", format!("{}\npython {name} table.csv\n", tool.install))
}
