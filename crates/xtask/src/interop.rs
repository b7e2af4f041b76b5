//! Checks that other tools can read the files that Downhill writes: local Pythons with pinned
//! versions, the scripts of `tests/interop/`, and a table with the result for each file. The layout
//! is in `tests/interop/README.md`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::{install, offline, shell, site};

/// The maximum error of a prediction, as a fraction of `|b| + sum |w x|`.
const ALLOWED: f64 = 1e-6;

/// Formats that no script has to read: only Downhill reads the first, and browser tests read the
/// last.
const READ_ELSEWHERE: &[&str] = &["run_file", "page"];

/// Formats that `cargo xtask test` also leaves to [`interop`], because only large tools read them.
const READ_BY_LARGE: &[&str] = &["pmml", "recipe_keras", "recipe_pytorch", "recipe_sklearn", "recipe_spark"];

/// A Python virtual environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Venv {
    /// Small packages that `cargo xtask test` can afford.
    Light,
    /// Keras 3.
    Keras3,
    /// Keras 2, which needs an older Python.
    Keras2,
    /// PyTorch.
    Torch,
    /// scikit-learn, a PMML reader, and Spark.
    Tools,
}

/// A script of `tests/interop/` (without its extension) and the environments that run it; none if
/// Node runs it.
struct Script {
    name: &'static str,
    venvs: &'static [Venv],
}

const SCRIPTS: &[Script] = &[
    Script { name: "arrays", venvs: &[Venv::Light, Venv::Torch] },
    Script { name: "code", venvs: &[Venv::Light] },
    Script { name: "onnx_check", venvs: &[Venv::Light] },
    Script { name: "tfjs", venvs: &[] },
    Script { name: "onnxruntime_web", venvs: &[] },
    Script { name: "pmml", venvs: &[Venv::Tools] },
    Script { name: "keras", venvs: &[Venv::Light, Venv::Keras3, Venv::Keras2] },
    Script { name: "recipes", venvs: &[Venv::Tools, Venv::Keras3, Venv::Torch] },
];

/// The result of one file.
struct Verdict {
    sample: String,
    /// The error of its predictions, or why it was not loaded.
    difference: std::result::Result<f64, String>,
    allowed: f64,
    /// Whether the tool is not installed, so that nothing was tested.
    missing: bool,
}

/// The results of each format, consumer and version.
type Table = BTreeMap<(String, String, String), Vec<Verdict>>;

/// Runs all consumers, or those that are named, and prints the table.
pub(crate) fn interop(names: &[String]) -> Result<ExitCode> {
    for name in names {
        if !SCRIPTS.iter().any(|script| script.name == name) {
            let known: Vec<_> = SCRIPTS.iter().map(|script| script.name).collect();
            bail!("there is no script \"{name}\"; there are {}", known.join(", "));
        }
    }
    if names.is_empty() || names.iter().any(|name| name == "recipes") {
        recipes()?;
    }
    let wanted = |script: &Script| names.is_empty() || names.iter().any(|name| name == script.name);
    let exported = export()?;
    let saved = save()?;
    let mut table = Table::new();
    let mut trouble = Vec::new();
    for script in SCRIPTS.iter().filter(|script| wanted(script)) {
        for folder in of_script(script, &exported, &saved) {
            if let Err(error) = run(script, |_| true, folder, &mut table) {
                trouble.push(format!("{}: {error:#}", script.name));
            }
        }
    }
    let recipes_ran = SCRIPTS.iter().any(|script| script.name == "recipes" && wanted(script));
    if recipes_ran
        && let Err(error) = hear("what recipes came to, read", &mut example("read_back"), &mut table)
    {
        trouble.push(format!("{error:#}"));
    }
    if names.is_empty() {
        trouble.extend(unread(&exported, &table, &[])?);
    }
    let failed = print(&table, &exported, &trouble)?;
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs the cheap consumers and prints their table. Returns the number of good and bad lines.
pub(crate) fn light() -> Result<(usize, usize)> {
    let exported = export()?;
    let saved = save()?;
    let mut table = Table::new();
    let mut trouble = Vec::new();
    let cheap = |venv: Venv| venv == Venv::Light;
    for script in SCRIPTS.iter().filter(|script| script.venvs.iter().all(|venv| *venv != Venv::Tools)) {
        for folder in of_script(script, &exported, &saved) {
            if let Err(error) = run(script, cheap, folder, &mut table) {
                trouble.push(format!("{}: {error:#}", script.name));
            }
        }
    }
    trouble.extend(unread(&exported, &table, READ_BY_LARGE)?);
    let failed = print(&table, &exported, &trouble)?;
    Ok(((table.len() + trouble.len()).saturating_sub(failed), failed))
}

/// Writes every sample in every format; returns the folder.
fn export() -> Result<PathBuf> {
    let folder = shell::target_dir().join("interop/exported");
    // Removes files of an earlier version of Downhill.
    if folder.is_dir() {
        fs::remove_dir_all(&folder)?;
    }
    let mut cargo = shell::cargo();
    cargo
        .args(["run", "--quiet", "--package", "downhill-model-files", "--example", "exported", "--"])
        .arg(&folder);
    shell::quiet("every sample in every format", &mut cargo)?;
    Ok(folder)
}

/// Trains in a browser and saves all formats from the page; returns the folder.
fn save() -> Result<PathBuf> {
    install::npm_packages()?;
    install::system_packages()?;
    site::build()?;
    site::TABLES.build()?;
    site::MODEL_FILES.build()?;
    let folder = shell::target_dir().join("interop/saved");
    if folder.is_dir() {
        fs::remove_dir_all(&folder)?;
    }
    let mut node = shell::program("node");
    if let Some(chromium) = install::chromium() {
        node.env("CHROMIUM", chromium);
    }
    node.arg("tests/interop/browser.mjs").arg(&folder);
    shell::quiet("every format, saved in a browser", &mut node)?;
    Ok(folder)
}

/// Returns the folders for a script. Recipes train, which needs more than the two rows that the
/// browser predicts.
fn of_script<'a>(script: &Script, exported: &'a Path, saved: &'a Path) -> Vec<&'a Path> {
    if script.name == "recipes" { vec![exported] } else { vec![exported, saved] }
}

/// Writes recipes for many configurations, with the results of Downhill.
fn recipes() -> Result<()> {
    let folder = shell::target_dir().join("interop/recipes");
    if folder.is_dir() {
        fs::remove_dir_all(folder)?;
    }
    shell::quiet("recipes of many configurations", &mut example("recipes")).map(drop)
}

/// Returns the command of a `downhill-model-files` example, run in the folder of recipes.
fn example(name: &str) -> Command {
    let mut cargo = shell::cargo();
    cargo.args(["run", "--quiet", "--package", "downhill-model-files", "--example", name, "--"]);
    cargo.arg(shell::target_dir().join("interop/recipes"));
    cargo
}

/// Runs a script in each of its environments and adds its results to the table.
fn run(script: &Script, wanted: impl Fn(Venv) -> bool, exported: &Path, table: &mut Table) -> Result<()> {
    let mut troubles = Vec::new();
    let ending = if script.venvs.is_empty() { "mjs" } else { "py" };
    let file = format!("tests/interop/{}.{ending}", script.name);
    if !shell::root().join(&file).is_file() {
        bail!("{file} does not exist");
    }
    if script.venvs.is_empty() {
        install::npm_packages()?;
        listen(&file, &mut shell::program("node"), exported, table)?;
    }
    for venv in script.venvs.iter().filter(|venv| wanted(**venv)) {
        let ran = python(*venv).and_then(|python| {
            let mut python = shell::program(python);
            // Keeps caches out of the source tree, and silences TensorFlow's messages about missing
            // devices.
            python.env("PYTHONPYCACHEPREFIX", shell::target_dir().join("interop/pycache"));
            python.envs([
                ("TF_CPP_MIN_LOG_LEVEL", "3"),
                ("CUDA_VISIBLE_DEVICES", ""),
                ("PYTHONWARNINGS", "ignore"),
            ]);
            listen(&file, &mut python, exported, table)
        });
        if let Err(error) = ran {
            troubles.push(format!("with {}: {error:#}", venv.name()));
        }
    }
    if !troubles.is_empty() {
        bail!("{}", troubles.join("; "));
    }
    Ok(())
}

fn listen(file: &str, command: &mut Command, exported: &Path, table: &mut Table) -> Result<()> {
    command.arg(file).arg(exported);
    hear(file, command, table)
}

/// Runs a command that prints JSON lines and adds them to the table.
fn hear(title: &str, command: &mut Command, table: &mut Table) -> Result<()> {
    let text = shell::quiet(title, command)?;
    let mut n_files = 0;
    for line in text.lines() {
        // A progress bar may precede the JSON on the same line.
        let Some(start) = line.find("{\"format\"") else { continue };
        let said: Value = serde_json::from_str(&line[start..]).with_context(|| format!("no JSON: {line}"))?;
        n_files += 1;
        let text = |name: &str| said[name].as_str().unwrap_or_default().to_owned();
        let difference = match said["loaded"].as_bool() {
            Some(true) => said["difference"].as_f64().ok_or_else(|| "no difference is given".to_owned()),
            _ => Err(text("why")),
        };
        let verdict = Verdict {
            sample: text("sample"),
            difference,
            allowed: said["allowed"].as_f64().unwrap_or(ALLOWED),
            missing: said["missing"].as_bool().unwrap_or(false),
        };
        table.entry((text("format"), text("consumer"), text("version"))).or_default().push(verdict);
    }
    if n_files == 0 {
        bail!("{title} read no file");
    }
    Ok(())
}

/// Returns the formats of which no tool has read a file, except those that are read elsewhere.
fn unread(exported: &Path, table: &Table, elsewhere: &[&str]) -> Result<Vec<String>> {
    let mut unread = Vec::new();
    for entry in fs::read_dir(exported)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let read = |((format, ..), files): (&(String, String, String), &Vec<Verdict>)| {
            *format == name && files.iter().any(|file| file.difference.is_ok())
        };
        let exempt = READ_ELSEWHERE.contains(&name.as_str()) || elsewhere.contains(&name.as_str());
        if entry.path().is_dir() && !exempt && !table.iter().any(read) {
            unread.push(format!("{name}: no tool has read it"));
        }
    }
    unread.sort();
    Ok(unread)
}

/// Prints the table, then the problems; returns the number of problems.
fn print(table: &Table, exported: &Path, trouble: &[String]) -> Result<usize> {
    // A tool that is missing from one Python but runs in another is not missing.
    let present = |format: &str, consumer: &str| {
        table.iter().any(|((of, by, _), files)| {
            of == format && by == consumer && files.iter().any(|file| !file.missing)
        })
    };
    let width = |of: fn(&(String, String, String)) -> &String| {
        table.keys().map(|key| of(key).chars().count()).max().unwrap_or(0).max(8)
    };
    let (first, second, third) = (width(|key| &key.0), width(|key| &key.1), width(|key| &key.2));
    println!();
    println!(
        "{:<first$}  {:<second$}  {:<third$}  loaded  largest  at most",
        "format", "consumer", "version"
    );
    let mut wrong = Vec::new();
    let mut n_failed = trouble.len();
    for ((format, consumer, version), files) in table {
        if files.iter().all(|file| file.missing) {
            if !present(format, consumer) {
                n_failed += 1;
                let why = files.iter().find_map(|file| file.difference.as_ref().err());
                println!(
                    "{format:<first$}  {consumer:<second$}  {:<third$}  {}",
                    "missing",
                    why.map_or("", String::as_str)
                );
            }
            continue;
        }
        let loaded: Vec<f64> =
            files.iter().filter_map(|file| file.difference.as_ref().ok()).copied().collect();
        let largest = loaded.iter().copied().fold(0.0, f64::max);
        let allowed = files.iter().map(|file| file.allowed).fold(0.0, f64::max);
        let before = wrong.len();
        for file in files {
            match &file.difference {
                Err(why) => wrong.push(format!("{format}, {consumer} {version}, {}: {why}", file.sample)),
                Ok(difference) if *difference > file.allowed => wrong.push(format!(
                    "{format}, {consumer} {version}, {}: off by {difference:.1e}, where {:.1e} is allowed",
                    file.sample, file.allowed
                )),
                Ok(_) => {}
            }
        }
        n_failed += usize::from(wrong.len() > before);
        let of = format!("{}/{}", loaded.len(), files.len());
        let verdict = if wrong.len() > before { "  FAILED" } else { "" };
        println!(
            "{format:<first$}  {consumer:<second$}  {version:<third$}  {of:>6}  {largest:>7.1e}  {allowed:>7.0e}{verdict}"
        );
    }
    let refused: Value = serde_json::from_slice(&fs::read(exported.join("refused.json"))?)?;
    for refused in refused.as_array().into_iter().flatten() {
        let text = |name: &str| refused[name].as_str().unwrap_or_default().to_owned();
        println!("{} is not written of {}: {}", text("format"), text("sample"), text("why"));
    }
    for line in wrong.iter().chain(trouble) {
        println!("FAILED {line}");
    }
    Ok(n_failed)
}

impl Venv {
    fn name(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Keras3 => "keras3",
            Self::Keras2 => "keras2",
            Self::Torch => "torch",
            Self::Tools => "tools",
        }
    }

    fn requirements(self) -> String {
        match self {
            Self::Light => "tests/interop/requirements.txt".to_owned(),
            other => format!("tests/interop/requirements-{}.txt", other.name()),
        }
    }

    /// The names of Python versions that the packages have wheels for.
    fn pythons(self) -> &'static [&'static str] {
        match self {
            Self::Keras2 => &["python3.11", "python3.10", "python3.9", "python3", "python"],
            _ => &["python3", "python"],
        }
    }
}

/// Returns the Python with the cheap tools.
pub(crate) fn light_python() -> Result<PathBuf> {
    python(Venv::Light)
}

/// Returns the Python of an environment; creates it if it does not exist or if its packages have
/// changed.
fn python(venv: Venv) -> Result<PathBuf> {
    let folder = shell::target_dir().join("interop").join(venv.name());
    let python = folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    let wanted = fs::read(shell::root().join(venv.requirements()))
        .with_context(|| format!("{} cannot be read", venv.requirements()))?;
    let wanted = offline::short_hash([wanted.as_slice()]);
    let stamp = folder.join("xtask-stamp");
    if fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) && python.is_file() {
        return Ok(python);
    }
    if folder.is_dir() {
        fs::remove_dir_all(&folder)?;
    }
    let own = install::python(venv.pythons())?;
    let title = format!("python -m venv {}", venv.name());
    shell::quiet(&title, shell::program(own).args(["-m", "venv"]).arg(&folder))?;
    let mut pip = shell::program(&python);
    pip.args([
        "-m",
        "pip",
        "install",
        "--disable-pip-version-check",
        "--no-compile",
        "--progress-bar",
        "off",
    ]);
    if venv == Venv::Torch {
        pip.arg("--no-deps");
    }
    pip.args(["--requirement", &venv.requirements()]);
    shell::quiet(&format!("pip install, {}", venv.name()), &mut pip)?;
    fs::write(stamp, wanted)?;
    Ok(python)
}
