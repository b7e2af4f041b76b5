//! Inserts the list of files and the version of the build into the service worker.
//!
//! The files of a first visit are determined from the sources: what `index.html` links to, what
//! these modules import statically, and what they name in `new URL('...', import.meta.url)`.
//! Dynamic imports (`import('...')`) are not part of it; they are fetched when the page is idle, so
//! that the page works offline too.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::shell;

/// Large files that few visits need: fetched on demand, and cached from then on.
const SELDOM: &[&str] = &["wasm/model-files/", "wasm/parquet-and-workbooks/"];

/// The text of the service worker between these marks is replaced.
const BEGIN: &str = "/* site: begin */";
const END: &str = "/* site: end */";

/// The files of a site, relative to its root.
#[derive(Default)]
pub(crate) struct Files {
    /// Files that a first visit loads.
    pub(crate) first: Vec<String>,
    /// Files that may be needed later.
    pub(crate) later: Vec<String>,
    /// Files that few visits need.
    pub(crate) seldom: Vec<String>,
}

impl Files {
    /// Sorts the files in the folder of the page's own files (`www/`, `assets-.../`) into first,
    /// later and seldom.
    pub(crate) fn below(site: &Path, assets: &str) -> Result<Self> {
        let mut files = Self { first: vec!["index.html".into()], ..Self::default() };
        let reached = first_load(site, assets)?;
        for name in shell::files_below(&site.join(assets))? {
            if !is_served(&name) {
                continue;
            }
            let path = format!("{assets}/{name}");
            if SELDOM.iter().any(|prefix| name.starts_with(prefix)) {
                files.seldom.push(path);
            } else if reached.contains(&path) {
                files.first.push(path);
            } else {
                files.later.push(path);
            }
        }
        Ok(files)
    }
}

/// Returns the files below `assets` that a first visit loads, relative to the site's root.
fn first_load(site: &Path, assets: &str) -> Result<BTreeSet<String>> {
    let page = fs::read_to_string(site.join("index.html"))?;
    let linked = after(&page, &["href=", "src="]).filter(|name| name.starts_with(assets));
    let mut open: Vec<String> = linked.map(str::to_owned).collect();
    let mut reached = BTreeSet::new();
    while let Some(name) = open.pop() {
        // Text in a comment may look like an import, too.
        if !site.join(&name).is_file() {
            continue;
        }
        if name.ends_with(".js") {
            let source = fs::read_to_string(site.join(&name))?;
            let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
            let named = after(&source, &["from", "import", "new URL("]).map(|path| joined(folder, path));
            open.extend(named.filter(|next| !reached.contains(next)));
        }
        reached.insert(name);
    }
    Ok(reached)
}

/// Returns the quoted texts that directly follow one of these words, ignoring blanks.
fn after<'a>(text: &'a str, words: &[&'a str]) -> impl Iterator<Item = &'a str> {
    words.iter().flat_map(move |word| text.split(word).skip(1)).filter_map(|rest| {
        let rest = rest.trim_start();
        let quote = rest.chars().next().filter(|first| matches!(first, '"' | '\''))?;
        rest[1..].split(quote).next()
    })
}

/// Joins a relative path to a folder, both with `/` separators.
fn joined(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    parts.join("/")
}

/// Whether the page requests a file of `www/`; type declarations and notes are not served.
fn is_served(name: &str) -> bool {
    let skipped = [".d.ts", ".md", ".br", ".gz"];
    !skipped.iter().any(|end| name.ends_with(end))
}

/// Writes the service worker for development, where files change under the same name: it asks the
/// network first.
pub(crate) fn for_development(site: &Path) -> Result<()> {
    write(site, &Files::below(site, "www")?, "")
}

/// Writes the service worker for a release, where all files except the page are below `assets` and
/// never change.
pub(crate) fn for_release(site: &Path, files: &Files, assets: &str) -> Result<()> {
    write(site, files, assets)
}

/// Returns the first hexadecimal digits of a digest, enough to be unique.
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

#[cfg(test)]
mod tests {
    use super::{after, joined};

    #[test]
    fn finds_what_a_module_loads_at_once() {
        let source = "import init,*as engine from'./wasm/engine.js';import \"./a.js\"; // from b\n\
            const later = import('./later.js'); new Worker(new URL(\"./worker/session.js\",import.meta.url))";
        let named: Vec<_> = after(source, &["from", "import", "new URL("]).collect();
        assert_eq!(named, ["./wasm/engine.js", "./a.js", "./worker/session.js"]);
    }

    #[test]
    fn joins_paths_that_go_up() {
        assert_eq!(joined("www/parts", "../words/en.js"), "www/words/en.js");
        assert_eq!(joined("www", "./main.js"), "www/main.js");
    }
}
