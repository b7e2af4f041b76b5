//! Runs everything that CI runs, one line per step, and prints the test totals at the end.

use std::process::{Command, ExitCode};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use anyhow::{Result, bail};

use crate::{check, dist, install, interop, package, shell};

/// The Node options for test files.
const NODE_TEST: &[&str] =
    &["--test", "--test-reporter=spec", "--test-concurrency=1", "--test-timeout=600000"];

/// The number of test files that run at once. Most of them wait for the browser, which leaves one
/// core idle.
const AT_ONCE: usize = 2;

/// Files that measure time or need every core. They run one at a time, after the others.
const ALONE: &[&str] = &["lighthouse", "pair", "promise", "rows", "storage", "train"];

/// The stages, in order.
const STAGES: &[&str] = &["check", "native", "interop", "site", "pkg", "browser"];

/// The number of tests that passed and failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    passed: usize,
    failed: usize,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

/// Runs all stages, or one, and prints the totals. A step that is not a test counts only if it
/// fails.
pub(crate) fn test(stage: Option<&str>, filter: Option<&str>) -> Result<ExitCode> {
    if let Some(name) = stage
        && !STAGES.contains(&name)
    {
        bail!("there is no stage \"{name}\"; there are {}", STAGES.join(", "));
    }
    let start = Instant::now();
    let mut sum = Tally::default();
    for name in STAGES.iter().filter(|name| stage.is_none_or(|wanted| wanted == **name)) {
        println!("-- {name}");
        let mut tally = Tally::default();
        if let Err(error) = run(name, stage.is_some(), filter, &mut tally) {
            println!("{name}: {error:#}");
            tally.failed = tally.failed.max(1);
        }
        sum.add(tally);
    }
    println!("-- {:.0} s in all", start.elapsed().as_secs_f64());
    println!("{} passed, {} failed", sum.passed, sum.failed);
    Ok(if sum.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn run(stage: &str, alone: bool, filter: Option<&str>, tally: &mut Tally) -> Result<()> {
    match stage {
        "check" => {
            install::npm_packages()?;
            check::check()
        }
        "native" => {
            install::system_packages()?;
            let mut cargo = shell::cargo();
            cargo.args(["test", "--workspace", "--no-fail-fast"]).args(filter);
            // With this Python, exported code is also tested with NumPy and DuckDB; without it, the
            // tests report that they are missing.
            if let Ok(python) = interop::light_python() {
                cargo.env("DOWNHILL_PYTHON", python);
            }
            run_tests("cargo test", &mut cargo, tally)
        }
        "interop" => {
            let start = Instant::now();
            let (passed, failed) = interop::light()?;
            tally.add(Tally { passed, failed });
            let seconds = start.elapsed().as_secs_f64();
            println!("{:<40} {seconds:>7.1} s  {passed} passed, {failed} failed", "other tools");
            if failed > 0 {
                bail!("other tools read otherwise");
            }
            Ok(())
        }
        "site" => {
            install::npm_packages()?;
            dist::dist()
        }
        "pkg" => {
            install::npm_packages()?;
            package::package()?;
            node_tests("tests/pkg", filter, tally)
        }
        _ => {
            install::npm_packages()?;
            install::system_packages()?;
            if alone {
                dist::dist()?;
            }
            node_tests("tests/browser", filter, tally)
        }
    }
}

/// Runs each file `*.test.js` of a folder separately, so that its duration is shown.
fn node_tests(folder: &str, filter: Option<&str>, tally: &mut Tally) -> Result<()> {
    let names = shell::files_below(&shell::root().join(folder)).unwrap_or_default();
    let wanted = |name: &String| {
        (name.ends_with(".test.js") || name.ends_with(".test.mjs"))
            && filter.is_none_or(|filter| name.contains(filter))
    };
    let names: Vec<_> = names.into_iter().filter(wanted).collect();
    if names.is_empty() {
        println!("{folder} holds no such test");
    }
    let is_alone = |name: &String| ALONE.iter().any(|alone| name.starts_with(alone));
    let (alone, others): (Vec<_>, Vec<_>) = names.into_iter().partition(is_alone);
    let failed = Mutex::new(Vec::new());
    let sum = Mutex::new(tally);
    for (names, at_once) in [(others, AT_ONCE), (alone, 1)] {
        let waiting = Mutex::new(names.into_iter());
        let next = || lock(&waiting).next();
        thread::scope(|scope| {
            for _ in 0..at_once {
                scope.spawn(|| {
                    while let Some(name) = next() {
                        let path = format!("{folder}/{name}");
                        let mut of_file = Tally::default();
                        if node_test(&path, &mut of_file).is_err() {
                            lock(&failed).push(path);
                        }
                        lock(&sum).add(of_file);
                    }
                });
            }
        });
    }
    let failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    Ok(())
}

/// Runs one test file.
fn node_test(path: &str, tally: &mut Tally) -> Result<()> {
    let mut node = shell::program("node");
    if let Some(chromium) = install::chromium() {
        node.env("CHROMIUM", chromium);
    }
    node.args(NODE_TEST).arg(path);
    run_tests(path, &mut node, tally)
}

fn lock<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs a test runner, adds its totals, and shows its output only if something failed.
fn run_tests(title: &str, command: &mut Command, tally: &mut Tally) -> Result<()> {
    let start = Instant::now();
    let said = shell::listen(title, command)?;
    let mut counted = count(&said.text);
    if !said.status.success() {
        counted.failed = counted.failed.max(1);
    }
    tally.add(counted);
    let seconds = start.elapsed().as_secs_f64();
    println!("{title:<40} {seconds:>7.1} s  {} passed, {} failed", counted.passed, counted.failed);
    if counted.failed > 0 {
        println!("{}", said.text.trim_end());
        bail!("{title} failed");
    }
    Ok(())
}

/// Reads the closing lines of cargo test (`test result: ok. 3 passed; 0 failed; ...`) and of node (`ℹ pass 3`).
fn count(text: &str) -> Tally {
    let mut tally = Tally::default();
    for line in text.lines() {
        let line = line.trim();
        if let Some(rest) = line.strip_prefix("test result:") {
            tally.passed += number_before(rest, " passed");
            tally.failed += number_before(rest, " failed");
        } else if let Some(rest) = line.strip_prefix("ℹ ") {
            let mut words = rest.split_whitespace();
            let number = |word: Option<&str>| word.and_then(|word| word.parse::<usize>().ok()).unwrap_or(0);
            match words.next() {
                Some("pass") => tally.passed += number(words.next()),
                Some("fail" | "cancelled") => tally.failed += number(words.next()),
                _ => {}
            }
        }
    }
    tally
}

fn number_before(text: &str, word: &str) -> usize {
    let Some(end) = text.find(word) else { return 0 };
    let digits = text[..end].rsplit(|letter: char| !letter.is_ascii_digit()).next().unwrap_or("");
    digits.parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds_up_what_the_runners_say() {
        let text = "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured\n\
            test result: FAILED. 12 passed; 2 failed; 0 ignored\nℹ tests 6\nℹ pass 4\nℹ fail 1\nℹ cancelled 1\n";
        assert_eq!(count(text), Tally { passed: 19, failed: 4 });
    }
}
