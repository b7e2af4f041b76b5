//! Runs other programs quietly: one line per step, and the full output only if it fails.

use std::ffi::OsStr;
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use std::{env, fs};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// The interval at which a long step reports that it is still running, if there is no terminal.
const REPORT_EVERY: Duration = Duration::from_secs(30);

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// The folder of cargo's build output.
pub(crate) fn target_dir() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |path| root().join(path))
}

/// Returns a command that runs in the root of the repository.
pub(crate) fn program(name: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(name);
    command.current_dir(root());
    command
}

/// Returns a cargo command without the environment variables of the cargo that runs this, which
/// would cause rebuilds.
pub(crate) fn cargo() -> Command {
    let mut command = program("cargo");
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") || text == "CARGO" {
            command.env_remove(&name);
        }
    }
    command
}

/// Returns cargo's metadata of the crate `downhill`: its version and features.
pub(crate) fn package() -> Result<Value> {
    let output = cargo().args(["metadata", "--no-deps", "--format-version", "1"]).output()?;
    let metadata: Value = serde_json::from_slice(&output.stdout).context("cargo metadata gave no JSON")?;
    let packages = metadata["packages"].as_array().context("cargo metadata lists no packages")?;
    packages
        .iter()
        .find(|package| package["name"] == "downhill")
        .cloned()
        .context("there is no crate downhill")
}

/// The path of a program on `PATH`.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?).map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// Runs a program and shows its output.
pub(crate) fn show(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("{} cannot be started", name_of(command)))?;
    if !status.success() {
        bail!("{} failed ({status})", name_of(command));
    }
    Ok(())
}

/// Runs a step of xtask itself and prints its title and duration.
pub(crate) fn step<T>(title: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let start = Instant::now();
    let result = work();
    let verdict = if result.is_ok() { "" } else { "  FAILED" };
    println!("{title:<40} {:>7.1} s{verdict}", start.elapsed().as_secs_f64());
    result
}

/// The output and exit status of a program.
pub(crate) struct Said {
    /// Standard output and error, interleaved.
    pub(crate) text: String,
    /// The exit status.
    pub(crate) status: ExitStatus,
}

/// Runs a program with a progress display; prints its title and duration, and its output only if it
/// fails.
pub(crate) fn quiet(title: &str, command: &mut Command) -> Result<String> {
    let start = Instant::now();
    let said = listen(title, command)?;
    let seconds = start.elapsed().as_secs_f64();
    if said.status.success() {
        println!("{title:<40} {seconds:>7.1} s");
        return Ok(said.text);
    }
    println!("{title:<40} {seconds:>7.1} s  FAILED");
    println!("{}", said.text.trim_end());
    bail!("{title} failed ({})", said.status);
}

/// Runs a program and collects its output, with a regular sign of life.
pub(crate) fn listen(title: &str, command: &mut Command) -> Result<Said> {
    let (mut reader, writer) = io::pipe()?;
    command.stdin(std::process::Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
    let name = name_of(command);
    let mut child = command.spawn().with_context(|| format!("{name} cannot be started"))?;
    // The command keeps the writing ends of the pipe open, so reading would never end.
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());

    let heard = Arc::new(Mutex::new(Vec::new()));
    let ear = thread::spawn({
        let heard = Arc::clone(&heard);
        move || {
            let mut block = [0; 8192];
            while let Ok(length) = reader.read(&mut block) {
                if length == 0 {
                    break;
                }
                lock(&heard).extend_from_slice(&block[..length]);
            }
        }
    });

    let terminal = io::stdout().is_terminal();
    let start = Instant::now();
    let mut reported = start;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        thread::sleep(Duration::from_millis(if start.elapsed().as_secs() < 1 { 10 } else { 100 }));
        if terminal {
            print!("\r\x1b[K{title}  {} s  {}", start.elapsed().as_secs(), last_line(&lock(&heard)));
            io::stdout().flush()?;
        } else if reported.elapsed() >= REPORT_EVERY {
            reported = Instant::now();
            println!("  {title}: {} s, {}", start.elapsed().as_secs(), last_line(&lock(&heard)));
        }
    };
    if terminal {
        print!("\r\x1b[K");
    }
    // A grandchild that is still running keeps the pipe open: do not wait for it.
    let patience = Instant::now();
    while !ear.is_finished() && patience.elapsed() < Duration::from_secs(2) {
        thread::sleep(Duration::from_millis(5));
    }
    let text = String::from_utf8_lossy(&lock(&heard)).into_owned();
    Ok(Said { text, status })
}

/// Writes a file only if its content differs, so that unchanged files keep their modification time.
pub(crate) fn write_if_changed(path: &Path, content: &[u8]) -> Result<bool> {
    if fs::read(path).is_ok_and(|old| old == content) {
        return Ok(false);
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, content).with_context(|| format!("{} cannot be written", path.display()))?;
    Ok(true)
}

/// Returns every file below a folder, as sorted relative paths with `/` separators.
pub(crate) fn files_below(folder: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        let entries = fs::read_dir(&next).with_context(|| format!("{} cannot be read", next.display()))?;
        for entry in entries {
            let path = entry?.path();
            let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
            if hidden {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(relative) = path.strip_prefix(folder) {
                let parts: Vec<_> = relative.iter().map(|part| part.to_string_lossy()).collect();
                found.push(parts.join("/"));
            }
        }
    }
    found.sort();
    Ok(found)
}

fn lock(heard: &Mutex<Vec<u8>>) -> std::sync::MutexGuard<'_, Vec<u8>> {
    heard.lock().unwrap_or_else(PoisonError::into_inner)
}

fn last_line(text: &[u8]) -> String {
    let tail = String::from_utf8_lossy(&text[text.len().saturating_sub(400)..]).into_owned();
    let line = tail.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("").trim();
    line.chars().take(60).collect()
}

fn name_of(command: &Command) -> String {
    command.get_program().to_string_lossy().into_owned()
}
