//! Fills the list of files and the version of the build into the service worker.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::shell;

/// What a first visit does not need: fetched when the page is idle, so that it works offline too.
const LATER: &[&str] = &[
    "asking.js",
    "changes.js",
    "coefficients.js",
    "data/",
    "diagnostics.js",
    "exchange-parts.js",
    "exchange-worker.js",
    "exchange.css",
    "exchange.js",
    "export.js",
    "formats.js",
    "help.js",
    "i18n/exchange.js",
    "i18n/table.js",
    "i18n/zh.js",
    "import.js",
    "leftovers.js",
    "path.js",
    "pictures.js",
    "plots.css",
    "plots.js",
    "predictions.js",
    "wasm/tables/",
    "results.js",
    "saving.js",
    "slice.js",
    "table.css",
    "storage.js",
    "table.js",
    "tables.js",
    "tabs.js",
];

/// What few visits need, and is large: fetched when it is needed, and kept from then on.
const SELDOM: &[&str] = &["wasm/model-files/", "wasm/parquet-and-workbooks/"];

/// Text of the service worker between these is replaced.
const BEGIN: &str = "/* site: begin */";
const END: &str = "/* site: end */";

/// Which files a site has, relative to its root.
#[derive(Default)]
pub(crate) struct Files {
    /// What a first visit loads.
    pub(crate) first: Vec<String>,
    /// What it may need later.
    pub(crate) later: Vec<String>,
    /// What few visits need.
    pub(crate) seldom: Vec<String>,
}

impl Files {
    /// Sorts the files of the folder with the page's own files (`www/`, `assets-.../`) into first and later.
    pub(crate) fn below(site: &Path, assets: &str) -> Result<Self> {
        let mut files = Self { first: vec!["index.html".into()], ..Self::default() };
        for name in shell::files_below(&site.join(assets))? {
            if !is_served(&name) {
                continue;
            }
            let path = format!("{assets}/{name}");
            if SELDOM.iter().any(|prefix| name.starts_with(prefix)) {
                files.seldom.push(path);
            } else if LATER.iter().any(|prefix| name.starts_with(prefix)) {
                files.later.push(path);
            } else {
                files.first.push(path);
            }
        }
        Ok(files)
    }
}

/// Whether the page asks for a file of `www/`; declarations and notes are for people and tools.
fn is_served(name: &str) -> bool {
    let skipped = [".d.ts", ".md", ".br", ".gz"];
    !skipped.iter().any(|end| name.ends_with(end))
}

/// Writes the service worker of a site whose files may change under one name: it asks the network first.
pub(crate) fn for_development(site: &Path) -> Result<()> {
    write(site, &Files::below(site, "www")?, "")
}

/// Writes the service worker of a site all of whose files but the page are below `assets`, and never change there.
pub(crate) fn for_release(site: &Path, files: &Files, assets: &str) -> Result<()> {
    write(site, files, assets)
}

/// The first hexadecimal digits of a digest: long enough to be one of a kind.
pub(crate) fn short_hash<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part);
    }
    digest.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

fn write(site: &Path, files: &Files, immutable: &str) -> Result<()> {
    let source = shell::root().join("www/sw.js");
    let template = fs::read_to_string(&source).context("www/sw.js cannot be read")?;
    let begin = template.find(BEGIN).context("www/sw.js has no place for the list of files")?;
    let end = template.find(END).context("www/sw.js has no end to the list of files")?;

    let mut parts = vec![template.clone().into_bytes()];
    for name in files.first.iter().chain(&files.later) {
        parts.push(name.clone().into_bytes());
        parts.push(fs::read(site.join(name))?);
    }
    let version = short_hash(parts.iter().map(Vec::as_slice));
    let list =
        json!({ "version": version, "immutable": immutable, "first": files.first, "later": files.later });
    let text = format!("{}{list}{}", &template[..begin], &template[end + END.len()..]);
    shell::write_if_changed(&site.join("sw.js"), text.as_bytes())?;
    Ok(())
}
