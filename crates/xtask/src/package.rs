//! Builds the npm package in `pkg/`: the engine's wasm, its glue, and the script that wraps them.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::{dist, shell, site};

/// The files of `crates/npm/` that are copied unchanged.
const TEMPLATES: &[&str] = &["index.js", "index.d.ts", "README.md"];

/// The folder that `pkg` fills.
pub(crate) fn folder() -> PathBuf {
    shell::root().join("pkg")
}

/// Builds the package.
pub(crate) fn package() -> Result<()> {
    site::ENGINE.build()?;
    let www = site::folder().join("www");
    let glue = www.join(site::ENGINE.glue());
    let wasm = dist::optimized(&www.join(site::ENGINE.path()))?;
    shell::step("package", || {
        let (root, target) = (shell::root(), folder());
        let templates = root.join("crates/npm");
        let mut sources: Vec<(PathBuf, &str)> =
            TEMPLATES.iter().map(|name| (templates.join(name), *name)).collect();
        sources.push((wasm, "downhill_bg.wasm"));
        sources.extend(["downhill.js", "downhill.d.ts"].map(|name| (glue.with_file_name(name), name)));
        sources.extend(["LICENSE-MIT", "LICENSE-APACHE"].map(|name| (root.join(name), name)));

        if target.exists() {
            fs::remove_dir_all(&target)?;
        }
        fs::create_dir_all(&target)?;
        for (source, name) in sources {
            fs::copy(&source, target.join(name))
                .with_context(|| format!("{} cannot be copied", source.display()))?;
        }
        let description = fs::read_to_string(templates.join("package.json"))?;
        let mut description: Value = serde_json::from_str(&description).context("crates/npm/package.json")?;
        description["version"] = Value::String(version()?);
        let mut text = serde_json::to_string_pretty(&description)?;
        text.push('\n');
        fs::write(target.join("package.json"), text)?;
        Ok(())
    })
}

/// The crate's own version.
fn version() -> Result<String> {
    let package = shell::package()?;
    Ok(package["version"].as_str().context("Cargo.toml names no version")?.to_owned())
}
