//! The page for development, in `target/site/`: the sources as they are, the wasm and its glue beside them.
//!
//! ```text
//! target/site/index.html
//! target/site/sw.js            www/sw.js with the list of files filled in
//! target/site/www/...          www/ as it is
//! target/site/www/pkg/         downhill.js, downhill.d.ts, downhill_bg.wasm: what a first visit loads
//! target/site/www/general/     the same of everything else, which takes over when it is first needed
//! target/site/www/readers/     the same of the readers' wasm
//! target/site/www/formats/     the same of the wasm of the other formats, once it has been asked for
//! target/site/www/exchange/    the same of the wasm that writes and reads models, likewise
//! ```

use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use anyhow::{Context, Result};
use wasm_bindgen_cli_support::Bindgen;

use crate::{install, offline, shell};

/// The folder that `build` fills.
pub(crate) fn folder() -> PathBuf {
    shell::root().join("target/site")
}

/// Where the wasm and its glue are.
pub(crate) fn glue() -> PathBuf {
    folder().join("www/pkg")
}

/// Builds what is stale.
pub(crate) fn build() -> Result<()> {
    wasm()?;
    readers()?;
    general()?;
    shell::step("page", || {
        let root = shell::root();
        mirror(&root.join("www"), &folder().join("www"))?;
        let page = fs::read(root.join("index.html")).context("index.html cannot be read")?;
        shell::write_if_changed(&folder().join("index.html"), &page)?;
        offline::for_development(&folder())
    })
}

/// Builds the wasm that a first visit loads and its glue, and nothing of the page.
pub(crate) fn wasm() -> Result<()> {
    wasm_into("page", &glue())
}

/// Builds the wasm that takes over where a run needs more than a first visit does.
pub(crate) fn general() -> Result<()> {
    wasm_into("general", &folder().join("www/general"))
}

/// Builds the wasm that reads tables, which the page loads when one comes.
pub(crate) fn readers() -> Result<()> {
    cargo("wasm of the readers", "downhill-readers")?;
    bind("downhill_readers", "downhill_readers", &folder().join("www/readers"))
}

/// Builds the wasm that reads Parquet files and workbooks. No development needs it before such a file comes.
pub(crate) fn formats() -> Result<()> {
    install::wasm_target()?;
    cargo("wasm of the other formats", "downhill-formats")?;
    bind("downhill_formats", "downhill_formats", &folder().join("www/formats"))
}

/// Builds the wasm that writes and reads models of other tools. No development needs it before one leaves or comes.
pub(crate) fn exchange() -> Result<()> {
    install::wasm_target()?;
    cargo("wasm of the exchange", "downhill-exchange")?;
    bind("downhill_exchange", "downhill_exchange", &folder().join("www/exchange"))
}

/// Builds a wasm of `wasm/` and its glue, into a folder.
pub(crate) fn wasm_into(name: &str, folder: &Path) -> Result<()> {
    install::wasm_target()?;
    cargo(&format!("wasm of wasm/{name}"), &format!("downhill-{name}"))?;
    bind(&format!("downhill_{name}"), "downhill", folder)
}

fn cargo(title: &str, package: &str) -> Result<()> {
    let mut cargo = shell::cargo();
    cargo.args(["build", "--release", "--lib", "--package", package, "--target", "wasm32-unknown-unknown"]);
    shell::quiet(title, &mut cargo).map(drop)
}

/// Makes the glue of a wasm that was built, and puts both into a folder under a name.
fn bind(built: &str, name: &str, folder: &Path) -> Result<()> {
    let wasm = shell::target_dir().join(format!("wasm32-unknown-unknown/release/{built}.wasm"));
    let stamp = folder.join(".stamp");
    let now = stamp_of(&wasm)?;
    if fs::read_to_string(&stamp).is_ok_and(|then| then == now)
        && folder.join(format!("{name}_bg.wasm")).is_file()
    {
        return Ok(());
    }
    shell::step("wasm-bindgen", || {
        Bindgen::new()
            .input_path(&wasm)
            .out_name(name)
            .web(true)?
            .typescript(true)
            .omit_default_module_path(false)
            .remove_name_section(true)
            .remove_producers_section(true)
            // A file may be damaged in a way that stops a reader: the page begins with a new one.
            .reset_state_function(["downhill_exchange", "downhill_formats"].contains(&name))
            .generate(folder)?;
        fs::write(&stamp, now)?;
        Ok(())
    })
}

/// Makes `to` hold what `from` holds, apart from the glue and from the service worker, which belongs at the root.
fn mirror(from: &Path, to: &Path) -> Result<()> {
    let ours = |name: &str| {
        ["exchange/", "formats/", "general/", "pkg/", "readers/"]
            .iter()
            .any(|folder| name.starts_with(folder))
    };
    let names: Vec<String> =
        shell::files_below(from)?.into_iter().filter(|name| name != "sw.js" && !ours(name)).collect();
    for name in &names {
        let content = fs::read(from.join(name))?;
        shell::write_if_changed(&to.join(name), &content)?;
    }
    for name in shell::files_below(to)? {
        if !ours(&name) && !names.contains(&name) {
            fs::remove_file(to.join(name))?;
        }
    }
    Ok(())
}

fn stamp_of(wasm: &Path) -> Result<String> {
    let facts = fs::metadata(wasm).with_context(|| format!("{} was not built", wasm.display()))?;
    let age = facts.modified()?.duration_since(UNIX_EPOCH)?;
    Ok(format!("{} bytes at {} ns, wasm-bindgen 3", facts.len(), age.as_nanos()))
}
