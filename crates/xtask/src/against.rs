//! Compares the speed of the working tree with another commit: builds engine and page of both and
//! starts `benches/against.js`, which alternates between them in one browser.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::{bench, install, shell, site};

/// The folders of the benchmark's engine over time, newest first.
const ENGINES: &[&str] = &["crates/bench-engine", "wasm/bench"];

/// Compares with a commit; `only` lists the works to measure.
pub(crate) fn against(revision: &str, only: Option<&str>) -> Result<()> {
    install::npm_packages()?;
    install::system_packages()?;
    install::wasm_target()?;
    let tree = checkout(revision)?;
    let folder = bench::folder().join("old");
    build_engine(&tree, &folder)?;
    if only.is_none_or(|only| only.split(',').any(|name| ["page", "P1", "P2"].contains(&name.trim()))) {
        let mut xtask = in_tree(&tree);
        shell::quiet("the page of that commit", xtask.args(["xtask", "build"]))?;
        copy(&tree.join("target/site"), &folder.join("site"))?;
        site::build()?;
    }
    bench::build_page()?;

    shell::show(bench::node("benches/against.js").args(only.map(|only| format!("--only={only}"))))
}

/// Checks a commit out into a separate folder. It lies outside the repository, because cargo would
/// otherwise add the compiler flags of the repository's configuration to those of the commit.
fn checkout(revision: &str) -> Result<PathBuf> {
    let mut parse = shell::program("git");
    let parsed =
        parse.args(["rev-parse", "--verify", "--quiet", &format!("{revision}^{{commit}}")]).output()?;
    if !parsed.status.success() {
        bail!("git knows no commit \"{revision}\"");
    }
    let commit = String::from_utf8_lossy(&parsed.stdout).trim().to_owned();
    let tree = std::env::temp_dir().join("downhill-against").join(&commit);
    if tree.join("Cargo.toml").is_file() {
        return Ok(tree);
    }
    fs::create_dir_all(&tree)?;
    let mut archive =
        shell::program("git").args(["archive", "--format=tar", &commit]).stdout(Stdio::piped()).spawn()?;
    let stdout = archive.stdout.take().context("git archive has no output")?;
    let unpacked = shell::program("tar").arg("-x").arg("-C").arg(&tree).stdin(stdout).status();
    let archived = archive.wait()?;
    if !archived.success() || !unpacked.context("tar cannot be started")?.success() {
        fs::remove_dir_all(&tree)?;
        bail!("the files of {commit} cannot be unpacked");
    }
    Ok(tree)
}

/// Builds the bare engine of a commit, with the scripts that run it.
fn build_engine(tree: &Path, folder: &Path) -> Result<()> {
    let manifest = ENGINES.iter().map(|path| tree.join(path).join("Cargo.toml")).find(|path| path.is_file());
    let manifest = manifest.context("that commit has no engine of the benchmark")?;
    let package = named(&fs::read_to_string(manifest)?, "name = \"", "\"")?;
    let script = fs::read_to_string(tree.join("benches/page/downhill.js"))?;
    let glue_name = named(&script, "'./engine/", ".js'")?;

    let mut cargo = in_tree(tree);
    cargo.args(["rustc", "--release", "--lib", "--crate-type", "cdylib", "--package", &package]);
    cargo.args(["--target", "wasm32-unknown-unknown"]);
    shell::quiet("the engine of that commit", &mut cargo)?;
    let built = format!("target/wasm32-unknown-unknown/release/{}.wasm", package.replace('-', "_"));
    let glue = folder.join("pkg");
    site::bind(&tree.join(built), &glue_name, false, &glue)?;
    bench::serve_engine(tree, &glue, &glue_name, folder)
}

/// Returns a cargo command in the folder of a commit.
fn in_tree(tree: &Path) -> Command {
    let mut cargo = shell::cargo();
    cargo.current_dir(tree).env("CARGO_TARGET_DIR", tree.join("target"));
    cargo
}

/// Returns the text between `before` and `after`.
fn named(text: &str, before: &str, after: &str) -> Result<String> {
    let rest = text.split_once(before).with_context(|| format!("nothing follows {before}"))?.1;
    Ok(rest.split_once(after).with_context(|| format!("nothing precedes {after}"))?.0.to_owned())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    for name in shell::files_below(from)? {
        shell::write_if_changed(&to.join(&name), &fs::read(from.join(&name))?)?;
    }
    Ok(())
}
