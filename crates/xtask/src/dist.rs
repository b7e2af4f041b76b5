//! Builds the release site in `dist/`, for any static host and any sub-path.
//!
//! Everything but the page and the service worker lies below `assets-<hash of all files>/`, so that
//! it can be cached forever. Modules find each other by relative paths, so none of them has to be
//! rewritten.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::{fs, thread};

use anyhow::{Context, Result, bail};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::offline::{self, Files};
use crate::{shell, site};

/// The maximum size of a first visit, compressed with brotli.
const BUDGET_BYTES: usize = 450_000;

/// The file types worth compressing.
const TEXTUAL: &[&str] =
    &["css", "csv", "html", "ico", "js", "json", "map", "svg", "tsv", "txt", "wasm", "webmanifest"];

/// The options of `wasm-opt`. LLVM has already made the kernels fast, so this only reduces size.
/// More passes, repeated until nothing changes, took ten times as long and gained 0.3% of the first
/// load.
const WASM_OPTIMIZATION: &[&str] = &["-Os"];

/// The wasm features that the wasm uses and every supported browser has: rustc's defaults for this
/// target, and simd128.
const WASM_FEATURES: &[&str] = &[
    "--enable-bulk-memory",
    "--enable-bulk-memory-opt",
    "--enable-call-indirect-overlong",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
    "--enable-simd",
];

/// The uncompressed and compressed size of a file.
struct Weighed {
    name: String,
    raw: usize,
    gzip: usize,
    brotli: usize,
}

/// The folder that `dist` fills.
pub(crate) fn folder() -> PathBuf {
    shell::root().join("dist")
}

/// Builds the release site and prints what a first visit loads. Fails if that exceeds the budget.
pub(crate) fn dist() -> Result<()> {
    let weighed = build()?;
    print_table(&weighed);
    let total: usize = weighed.iter().map(|file| file.brotli).sum();
    if total > BUDGET_BYTES {
        bail!("the first load takes {total} bytes, {} over the budget", total - BUDGET_BYTES);
    }
    Ok(())
}

fn build() -> Result<Vec<Weighed>> {
    site::build()?;
    let optimized = build_and_optimize()?;
    let (site, dist) = (site::folder(), folder());

    let mut contents = Vec::new();
    for name in shell::files_below(&site.join("www"))?.into_iter().filter(|name| !name.ends_with(".d.ts")) {
        let path = optimized
            .iter()
            .find(|(wasm, _)| *wasm == name)
            .map_or_else(|| site.join("www").join(&name), |(_, path)| path.clone());
        contents.push((name, fs::read(path)?));
    }
    minify(&mut contents)?;
    let parts = contents.iter().flat_map(|(name, content)| [name.as_bytes(), content.as_slice()]);
    let assets = format!("assets-{}", offline::short_hash(parts));

    if dist.exists() {
        fs::remove_dir_all(&dist)?;
    }
    for (name, content) in &contents {
        shell::write_if_changed(&dist.join(&assets).join(name), content)?;
    }
    let page = rewrite(&fs::read_to_string(site.join("index.html"))?, &assets)?;
    fs::write(dist.join("index.html"), &page)?;
    let files = Files::below(&dist, &assets)?;
    fs::write(dist.join("index.html"), with_preloads(&page, &files)?)?;
    offline::for_release(&dist, &files, &assets)?;
    shell::step("brotli, gzip", || compress(&dist, &files))
}

/// Builds every wasm, and optimizes each while the next one is built. Returns their names below
/// `www/` and the files to publish.
fn build_and_optimize() -> Result<Vec<(String, PathBuf)>> {
    thread::scope(|scope| {
        let mut running = Vec::new();
        for wasm in site::ALL {
            wasm.build()?;
            running.push(scope.spawn(move || {
                let path = optimized(&site::folder().join("www").join(wasm.path()))?;
                brotli(&fs::read(&path)?)?;
                Ok((wasm.path(), path))
            }));
        }
        running.into_iter().map(joined).collect()
    })
}

/// Returns the result of a thread.
fn joined<T>(thread: thread::ScopedJoinHandle<'_, Result<T>>) -> Result<T> {
    thread.join().map_err(|_| anyhow::anyhow!("a thread panicked"))?
}

/// Changes the page's own addresses (`"www/main.js"`, `'./www/styles/page.css'`) to the versioned
/// folder.
fn rewrite(page: &str, assets: &str) -> Result<String> {
    let mut text = page.to_owned();
    for quote in ['"', '\''] {
        text = text.replace(&format!("{quote}./www/"), &format!("{quote}www/"));
        text = text.replace(&format!("{quote}www/"), &format!("{quote}{assets}/"));
    }
    if text.contains("www/") {
        bail!("index.html names www/ in a way that cannot be rewritten; write it as \"www/...\" in quotes");
    }
    Ok(text)
}

/// Adds preload links for all modules and wasm files of the first load, so that the browser fetches
/// them at once instead of one after the other. A preload uses the same request mode as `fetch`, so
/// that nothing is fetched twice.
fn with_preloads(page: &str, files: &Files) -> Result<String> {
    let links = files.first.iter().filter_map(|name| match name.rsplit_once('.')?.1 {
        "js" => Some(format!("  <link rel=\"modulepreload\" href=\"{name}\">\n")),
        "wasm" => Some(format!(
            "  <link rel=\"preload\" href=\"{name}\" as=\"fetch\" type=\"application/wasm\" crossorigin>\n"
        )),
        _ => None,
    });
    let script = page.find("  <script type=\"module\"").context("index.html has no module")?;
    let head = &page[..script];
    let links: String = links.filter(|link| !head.contains(link)).collect();
    Ok(format!("{head}{links}{}", &page[script..]))
}

/// Runs `wasm-opt` if it is installed. The result is cached by the hash of the source.
pub(crate) fn optimized(source: &Path) -> Result<PathBuf> {
    let local = shell::root().join("node_modules/.bin/wasm-opt");
    let Some(tool) = shell::find("wasm-opt").or_else(|| local.is_file().then_some(local)) else {
        println!("wasm-opt was not found (npm ci brings it): the wasm stays larger than it could be");
        return Ok(source.to_owned());
    };
    let content = fs::read(source)?;
    let flags = WASM_OPTIMIZATION.concat() + &WASM_FEATURES.concat();
    let hash = offline::short_hash([content.as_slice(), flags.as_bytes(), tool.to_string_lossy().as_bytes()]);
    let kept = shell::root().join(format!("target/xtask/{hash}.wasm"));
    if kept.is_file() {
        return Ok(kept);
    }
    fs::create_dir_all(kept.parent().context("no folder")?)?;
    let part = kept.with_extension("part");
    let mut command = shell::program(tool);
    command.args(WASM_OPTIMIZATION).args(WASM_FEATURES).arg(source).arg("-o").arg(&part);
    let name = source.file_stem().unwrap_or_default().to_string_lossy();
    shell::quiet(&format!("wasm-opt of {name}"), &mut command)?;
    fs::rename(part, &kept)?;
    Ok(kept)
}

/// Minifies scripts and styles if esbuild is installed. Each module stays a file with its name.
fn minify(contents: &mut [(String, Vec<u8>)]) -> Result<()> {
    let local = shell::root().join("node_modules/.bin/esbuild");
    let Some(tool) = shell::find("esbuild").or_else(|| local.is_file().then_some(local)) else {
        println!("esbuild was not found (npm ci brings it): scripts stay larger than they could be");
        return Ok(());
    };
    let folder = shell::root().join("target/xtask/minified");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    let is_text = |name: &str| name.ends_with(".js") || name.ends_with(".css");
    let source = site::folder().join("www");
    let mut command = shell::program(tool);
    command.args(["--minify", "--charset=utf8", "--target=es2022", "--log-level=warning"]);
    command.arg(format!("--outbase={}", source.display())).arg(format!("--outdir={}", folder.display()));
    command.args(contents.iter().filter(|(name, _)| is_text(name)).map(|(name, _)| source.join(name)));
    shell::quiet("esbuild", &mut command)?;
    for (name, content) in contents.iter_mut().filter(|(name, _)| is_text(name)) {
        *content = fs::read(folder.join(name))?;
    }
    Ok(())
}

/// Writes `.br` and `.gz` variants of every file that benefits; returns the sizes of the files of a
/// first visit.
fn compress(dist: &Path, files: &Files) -> Result<Vec<Weighed>> {
    let own = "sw.js".to_owned();
    let first: Vec<&String> = files.first.iter().chain([&own]).collect();
    let all: Vec<&String> = first.iter().copied().chain(&files.later).chain(&files.seldom).collect();
    let n_threads = thread::available_parallelism().map_or(1, usize::from);
    let mut weighed: Vec<(usize, Weighed)> = thread::scope(|scope| {
        let work = |offset: usize| {
            let all = &all;
            move || {
                let mine = all.iter().enumerate().skip(offset).step_by(n_threads);
                mine.map(|(index, name)| Ok((index, weigh(dist, name)?))).collect::<Result<Vec<_>>>()
            }
        };
        let threads: Vec<_> = (0..n_threads).map(|offset| scope.spawn(work(offset))).collect();
        threads.into_iter().map(joined).collect::<Result<Vec<_>>>()
    })?
    .into_iter()
    .flatten()
    .collect();
    weighed.sort_by_key(|(index, _)| *index);
    Ok(weighed.into_iter().take(first.len()).map(|(_, file)| file).collect())
}

fn weigh(dist: &Path, name: &str) -> Result<Weighed> {
    let path = dist.join(name);
    let content = fs::read(&path)?;
    let raw = content.len();
    let textual = name.rsplit_once('.').is_some_and(|(_, end)| TEXTUAL.contains(&end));
    if !textual {
        return Ok(Weighed { name: name.to_owned(), raw, gzip: raw, brotli: raw });
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&content)?;
    let gzip = encoder.finish()?;
    let brotli = brotli(&content)?;
    fs::write(format!("{}.gz", path.display()), &gzip)?;
    fs::write(format!("{}.br", path.display()), &brotli)?;
    Ok(Weighed { name: name.to_owned(), raw, gzip: gzip.len(), brotli: brotli.len() })
}

/// Compresses bytes with brotli; the result is cached by the hash of the source.
fn brotli(content: &[u8]) -> Result<Vec<u8>> {
    let kept = shell::root().join(format!("target/xtask/{}.br", offline::short_hash([content])));
    if let Ok(compressed) = fs::read(&kept) {
        return Ok(compressed);
    }
    let mut compressed = Vec::new();
    let parameters = brotli::enc::BrotliEncoderParams { quality: 11, lgwin: 22, ..Default::default() };
    brotli::BrotliCompress(&mut &*content, &mut compressed, &parameters)?;
    fs::create_dir_all(kept.parent().context("no folder")?)?;
    let part = kept.with_extension("br-part");
    fs::write(&part, &compressed)?;
    fs::rename(part, kept)?;
    Ok(compressed)
}

fn print_table(weighed: &[Weighed]) {
    println!("\n{:<44} {:>9} {:>9} {:>9}", "first load, bytes", "raw", "gzip", "brotli");
    let line = |name: &str, raw, gzip, brotli| println!("{name:<44} {raw:>9} {gzip:>9} {brotli:>9}");
    let mut sums = [0; 3];
    for file in weighed {
        line(&file.name, file.raw, file.gzip, file.brotli);
        sums = [sums[0] + file.raw, sums[1] + file.gzip, sums[2] + file.brotli];
    }
    line("total", sums[0], sums[1], sums[2]);
    println!(
        "{:.0}% of the {} KB that a first load may take\n",
        100.0 * sums[2] as f64 / BUDGET_BYTES as f64,
        BUDGET_BYTES / 1000
    );
}
