//! The page for development, in `target/site/`: the sources as they are, the wasm and its glue beside them.
//!
//! ```text
//! target/site/index.html
//! target/site/sw.js            www/sw.js with the list of files filled in
//! target/site/www/...          www/ as it is
//! target/site/www/wasm/        a folder for each wasm: module, glue and declarations
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

/// A wasm module of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wasm {
    /// The crate that it is built from.
    package: &'static str,
    /// Its folder below `www/wasm/`.
    folder: &'static str,
    /// Whether a damaged file may leave it unusable, so that the page starts a new instance.
    is_reset: bool,
}

/// The engine, charts and session, which a first visit loads.
pub(crate) const ENGINE: Wasm = Wasm { package: "downhill", folder: "engine", is_reset: false };
/// The reader of text, JSON and NumPy tables, loaded with the first table.
pub(crate) const TABLES: Wasm = Wasm { package: "downhill-tables", folder: "tables", is_reset: false };
/// The reader of Parquet files, workbooks and archives, loaded with the first such file.
pub(crate) const PARQUET_AND_WORKBOOKS: Wasm =
    Wasm { package: "downhill-parquet-and-workbooks", folder: "parquet-and-workbooks", is_reset: true };
/// The writer and reader of other tools' models, loaded when a model is exported or imported.
pub(crate) const MODEL_FILES: Wasm =
    Wasm { package: "downhill-model-files", folder: "model-files", is_reset: true };
/// The benchmark's wasm: the engine without a page.
pub(crate) const BENCH_ENGINE: Wasm =
    Wasm { package: "downhill-bench-engine", folder: "bench-engine", is_reset: false };

/// Every wasm of the page.
pub(crate) const ALL: [Wasm; 4] = [ENGINE, TABLES, PARQUET_AND_WORKBOOKS, MODEL_FILES];

impl Wasm {
    /// The name of its files without extensions.
    pub(crate) fn name(self) -> String {
        self.package.replace('-', "_")
    }

    /// The path of the module, relative to `www/`.
    pub(crate) fn path(self) -> String {
        format!("wasm/{}/{}_bg.wasm", self.folder, self.name())
    }

    /// The path of the glue, relative to `www/`.
    pub(crate) fn glue(self) -> String {
        format!("wasm/{}/{}.js", self.folder, self.name())
    }

    /// Builds module and glue into the site.
    pub(crate) fn build(self) -> Result<()> {
        self.build_into(&folder().join("www/wasm").join(self.folder))
    }

    /// Builds module and glue into a folder.
    pub(crate) fn build_into(self, folder: &Path) -> Result<()> {
        install::wasm_target()?;
        let mut cargo = shell::cargo();
        // The crate type is given here because the engine is a plain library for the rest of the
        // workspace.
        cargo.args(["rustc", "--release", "--lib", "--crate-type", "cdylib", "--package", self.package]);
        cargo.args(["--target", "wasm32-unknown-unknown"]);
        shell::quiet(&format!("wasm of {}", self.package), &mut cargo)?;
        let name = self.name();
        let wasm = shell::target_dir().join(format!("wasm32-unknown-unknown/release/{name}.wasm"));
        bind(&wasm, &name, self.is_reset, folder)
    }
}

/// Generates the glue of a built wasm, and puts both into a folder under a name.
pub(crate) fn bind(wasm: &Path, name: &str, is_reset: bool, folder: &Path) -> Result<()> {
    let stamp = folder.join(".stamp");
    let now = stamp_of(wasm)?;
    if fs::read_to_string(&stamp).is_ok_and(|then| then == now)
        && folder.join(format!("{name}_bg.wasm")).is_file()
    {
        return Ok(());
    }
    shell::step("wasm-bindgen", || {
        Bindgen::new()
            .input_path(wasm)
            .out_name(name)
            .web(true)?
            .typescript(true)
            .omit_default_module_path(false)
            .remove_name_section(true)
            .remove_producers_section(true)
            .reset_state_function(is_reset)
            .generate(folder)?;
        fs::write(&stamp, now)?;
        Ok(())
    })
}

/// Rebuilds what is stale of the files that a first visit loads.
pub(crate) fn build() -> Result<()> {
    ENGINE.build()?;
    shell::step("page", || {
        let root = shell::root();
        mirror(&root.join("www"), &folder().join("www"))?;
        let page = fs::read(root.join("index.html")).context("index.html cannot be read")?;
        shell::write_if_changed(&folder().join("index.html"), &page)?;
        offline::for_development(&folder())
    })
}

/// Mirrors `from` to `to`, except for the glue and the service worker, which belongs at the root.
fn mirror(from: &Path, to: &Path) -> Result<()> {
    let ours = |name: &str| name.starts_with("wasm/");
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
