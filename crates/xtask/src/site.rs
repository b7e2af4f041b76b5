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

/// A wasm of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wasm {
    /// The crate that it is built from.
    package: &'static str,
    /// Its folder below `www/wasm/`.
    folder: &'static str,
    /// Whether a damaged file may stop it for good, so that the page begins with a new instance.
    is_reset: bool,
}

/// What a first visit loads: engine, charts and session.
pub(crate) const ENGINE: Wasm = Wasm { package: "downhill", folder: "engine", is_reset: false };
/// Reads tables as text, JSON and NumPy arrays: loaded with the first table.
pub(crate) const TABLES: Wasm = Wasm { package: "downhill-tables", folder: "tables", is_reset: false };
/// Reads Parquet files, workbooks and archives: loaded with the first such file.
pub(crate) const PARQUET_AND_WORKBOOKS: Wasm =
    Wasm { package: "downhill-parquet-and-workbooks", folder: "parquet-and-workbooks", is_reset: true };
/// Writes and reads models of other tools: loaded when a model is exported or imported.
pub(crate) const MODEL_FILES: Wasm =
    Wasm { package: "downhill-model-files", folder: "model-files", is_reset: true };
/// The benchmark's wasm: the engine without a page.
pub(crate) const BENCH_ENGINE: Wasm =
    Wasm { package: "downhill-bench-engine", folder: "bench-engine", is_reset: false };

/// Every wasm of the page.
pub(crate) const ALL: [Wasm; 4] = [ENGINE, TABLES, PARQUET_AND_WORKBOOKS, MODEL_FILES];

impl Wasm {
    /// What its files are called, up to their endings.
    pub(crate) fn name(self) -> String {
        self.package.replace('-', "_")
    }

    /// Where the module is, relative to `www/`.
    pub(crate) fn path(self) -> String {
        format!("wasm/{}/{}_bg.wasm", self.folder, self.name())
    }

    /// Where the glue is, relative to `www/`.
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
        // The crate type is given here because the engine is a plain library to everything else in the workspace.
        cargo.args(["rustc", "--release", "--lib", "--crate-type", "cdylib", "--package", self.package]);
        cargo.args(["--target", "wasm32-unknown-unknown"]);
        shell::quiet(&format!("wasm of {}", self.package), &mut cargo)?;
        let name = self.name();
        let wasm = shell::target_dir().join(format!("wasm32-unknown-unknown/release/{name}.wasm"));
        bind(&wasm, &name, self.is_reset, folder)
    }
}

/// Makes the glue of a wasm that was built, and puts both into a folder under a name.
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

/// Builds what is stale of all that a first visit loads.
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

/// Makes `to` hold what `from` holds, apart from the glue and from the service worker, which belongs at the root.
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
