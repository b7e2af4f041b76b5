//! `cargo xtask fuzz`: runs each target for some seconds, in a process of its own that may crash.
//!
//! Panics are caught and reported. Failures that cannot be caught (out of memory, stack overflow, a
//! reader that hangs) end the process; the next process continues after the input that caused them.
//! Such inputs are kept in `target/fuzz-inputs/`.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use anyhow::{Context, Result, bail};
use downhill_fuzz::target::Target;
use downhill_fuzz::{corpus, mutation};
use lexopt::prelude::*;

/// The memory limit of a process, which is that of the wasm.
const MEMORY_KB: u64 = 4_000_000;
/// The time limit for one input.
const INPUT_SECONDS: u64 = 20;
/// The exit code of a process that met an input beyond this limit.
const TOO_SLOW: i32 = 3;

const HELP: &str = "\
Usage: cargo xtask fuzz [target]

  text, objects, array, archive, parquet, workbook, weights, link, or a format of models (onnx, npz, ...);
                 all of them unless one is named
  --seconds N    for each, 60 unless told
  --seed S       which inputs, 0 unless told
  --from I       begin with this input
  --write PATH   write the input that --from names, and read nothing";

/// The command line options.
struct Options {
    targets: Vec<Target>,
    seconds: f64,
    seed: u32,
    from: u64,
    write: Option<PathBuf>,
    /// The file in which this process records its current input, because it may crash.
    progress: Option<PathBuf>,
}

/// The results of a target.
#[derive(Default)]
struct Outcome {
    n_inputs: u64,
    n_readable: u64,
    slowest_ms: u64,
    /// The distinct failures, with the number of occurrences and the first input.
    failures: BTreeMap<String, (u64, u64)>,
}

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<ExitCode> {
    let Some(options) = options()? else {
        println!("{HELP}");
        return Ok(ExitCode::SUCCESS);
    };
    if let (Some(path), [target]) = (&options.write, options.targets.as_slice()) {
        fs::write(path, mutation::input(*target, &corpus::of(*target)?, options.seed, options.from))?;
        return Ok(ExitCode::SUCCESS);
    }
    if let (Some(progress), [target]) = (&options.progress, options.targets.as_slice()) {
        return read_inputs(*target, &options, progress).map(|()| ExitCode::SUCCESS);
    }
    let mut n_failures = 0;
    println!("{:<10} {:>12} {:>10} {:>12} {:>10}", "target", "inputs", "readable", "slowest", "failures");
    for target in &options.targets {
        let outcome = watch(*target, &options)?;
        println!(
            "{:<10} {:>12} {:>9.0}% {:>9} ms {:>10}",
            target.name().to_owned(),
            outcome.n_inputs,
            100.0 * outcome.n_readable as f64 / outcome.n_inputs.max(1) as f64,
            outcome.slowest_ms,
            outcome.failures.values().map(|(n, _)| n).sum::<u64>(),
        );
        for (what, (n, first)) in &outcome.failures {
            n_failures += n;
            let kept = keep(*target, &options, *first)?;
            println!(
                "  {n} times: {what}\n    the first, --seed {} --from {first}: {}",
                options.seed,
                kept.display()
            );
        }
    }
    Ok(if n_failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn options() -> Result<Option<Options>> {
    let mut options =
        Options { targets: Vec::new(), seconds: 60.0, seed: 0, from: 0, write: None, progress: None };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("seconds") => options.seconds = parser.value()?.parse()?,
            Long("seed") => options.seed = parser.value()?.parse()?,
            Long("from") => options.from = parser.value()?.parse()?,
            Long("write") => options.write = Some(parser.value()?.into()),
            Long("progress") => options.progress = Some(parser.value()?.into()),
            Short('h') | Long("help") => return Ok(None),
            Value(name) => {
                let name = name.string()?;
                let target = Target::named(&name);
                options
                    .targets
                    .push(target.with_context(|| format!("there is no target \"{name}\"\n\n{HELP}"))?);
            }
            other => return Err(other.unexpected().into()),
        }
    }
    if options.targets.is_empty() {
        options.targets = Target::all();
    }
    Ok(Some(options))
}

/// Returns the folder for inputs that caused a failure.
fn folder() -> Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("no folder")?;
    let folder = root.join("target/fuzz-inputs");
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

fn keep(target: Target, options: &Options, iteration: u64) -> Result<PathBuf> {
    let path = folder()?.join(format!("{}-{}-{iteration}", target.name(), options.seed));
    fs::write(&path, mutation::input(target, &corpus::of(target)?, options.seed, iteration))?;
    Ok(path)
}

/// Runs processes that read inputs until the time is up.
fn watch(target: Target, options: &Options) -> Result<Outcome> {
    let progress = folder()?.join(format!(".{}-{}", target.name(), std::process::id()));
    let begun = Instant::now();
    let mut outcome = Outcome::default();
    let mut from = options.from;
    loop {
        let left = options.seconds - begun.elapsed().as_secs_f64();
        if left <= 0.0 {
            break;
        }
        fs::write(&progress, from.to_le_bytes())?;
        let arguments = [
            target.name().to_owned(),
            format!("--seed={}", options.seed),
            format!("--from={from}"),
            format!("--seconds={left}"),
            format!("--progress={}", progress.display()),
        ];
        let output = limited(&env::current_exe()?).args(arguments).output()?;
        let mut at = [0; 8];
        File::open(&progress)?.read_exact(&mut at)?;
        let at = u64::from_le_bytes(at);
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            take(line, &mut outcome);
        }
        outcome.n_inputs += at + 1 - from;
        if output.status.success() {
            break;
        }
        if at == from && outcome.n_inputs == 1 && output.status.code() == Some(1) {
            bail!("{}", String::from_utf8_lossy(&output.stderr));
        }
        let what = match output.status.code() {
            Some(TOO_SLOW) => format!("more than {INPUT_SECONDS} s"),
            _ => {
                let error = String::from_utf8_lossy(&output.stderr);
                format!("{}: {}", output.status, error.lines().last().unwrap_or("no word"))
            }
        };
        outcome.failures.entry(what).or_insert((0, at)).0 += 1;
        from = at + 1;
    }
    fs::remove_file(&progress)?;
    Ok(outcome)
}

/// Returns a command with a memory limit, if the system supports it.
fn limited(program: &Path) -> Command {
    if cfg!(unix) {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("ulimit -v {MEMORY_KB}; exec \"$0\" \"$@\"")]).arg(program);
        return command;
    }
    Command::new(program)
}

/// Parses one line of a process's output.
fn take(line: &str, outcome: &mut Outcome) {
    let mut words = line.splitn(3, ' ');
    let (kind, number) = (words.next(), words.next().and_then(|word| word.parse::<u64>().ok()));
    match (kind, number) {
        (Some("panic"), Some(iteration)) => {
            let what = words.next().unwrap_or_default().to_owned();
            outcome.failures.entry(what).or_insert((0, iteration)).0 += 1;
        }
        (Some("readable"), Some(n)) => outcome.n_readable += n,
        (Some("slowest"), Some(milliseconds)) => outcome.slowest_ms = outcome.slowest_ms.max(milliseconds),
        _ => {}
    }
}

/// Reads inputs until the time is up and reports panics. `progress` always contains the number of
/// the current input.
fn read_inputs(target: Target, options: &Options, progress: &Path) -> Result<()> {
    static SAID: Mutex<String> = Mutex::new(String::new());
    static SINCE_MS: AtomicU64 = AtomicU64::new(0);
    let begun = Instant::now();
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(|place| place.to_string()).unwrap_or_default();
        // The folder of cargo's registry differs between machines.
        let place = place.rsplit_once("/src/index.crates.io-").map_or(place.as_str(), |(_, place)| place);
        let word = panic.payload_as_str().unwrap_or("no word").lines().next().unwrap_or_default();
        if let Ok(mut said) = SAID.lock() {
            *said = format!("{place}: {word}");
        }
    }));
    thread::spawn(move || {
        loop {
            thread::sleep(Duration::from_millis(500));
            let since = Duration::from_millis(SINCE_MS.load(Ordering::Relaxed));
            if begun.elapsed().saturating_sub(since) > Duration::from_secs(INPUT_SECONDS) {
                std::process::exit(TOO_SLOW);
            }
        }
    });
    let corpus = corpus::of(target)?;
    let mut file = File::options().write(true).open(progress)?;
    let mut tell = |iteration: u64| -> Result<()> {
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&iteration.to_le_bytes())?;
        Ok(())
    };
    let (mut n_readable, mut slowest_ms) = (0_u64, 0);
    for iteration in options.from.. {
        let since = begun.elapsed();
        if since.as_secs_f64() >= options.seconds {
            break;
        }
        SINCE_MS.store(since.as_millis() as u64, Ordering::Relaxed);
        tell(iteration)?;
        let input = mutation::input(target, &corpus, options.seed, iteration);
        match panic::catch_unwind(AssertUnwindSafe(|| target.run(&input))) {
            Ok(readable) => n_readable += u64::from(readable),
            Err(_) => {
                // Reported at once, because the next input may end the process.
                println!("panic {iteration} {}", SAID.lock().map(|said| said.clone()).unwrap_or_default());
            }
        }
        slowest_ms = slowest_ms.max((begun.elapsed() - since).as_millis());
    }
    println!("readable {n_readable}\nslowest {slowest_ms}");
    Ok(())
}
