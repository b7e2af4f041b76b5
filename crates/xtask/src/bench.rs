//! Compares the speed of Downhill and its peers in one run: builds the wasm of the bare engine,
//! bundles the browser peers, installs the Python peers, and starts `benches/run.js`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{dist, install, shell, site};

/// The document with the figures of a complete run.
const DOCUMENT: &str = "docs/performance.md";

/// The modules that the Python peers import, with their packages.
const PYTHON_PACKAGES: &[(&str, &str)] = &[
    ("numpy", "numpy"),
    ("sklearn", "scikit-learn"),
    ("torch", "torch"),
    ("keras", "keras"),
    ("tensorflow", "tensorflow"),
];
/// The modules of the peers that read tables.
const PYTHON_READERS: &[(&str, &str)] = &[("pandas", "pandas"), ("polars", "polars")];
/// The modules of the peers that predict.
const PYTHON_PREDICTORS: &[(&str, &str)] = &[("numpy", "numpy"), ("pandas", "pandas")];

/// Runs the benchmark. `native` means `cargo bench`; `only` lists works, whose figures are printed
/// but not saved.
pub(crate) fn bench(words: &[String], only: Option<&str>) -> Result<()> {
    match words.first().map(String::as_str) {
        Some("native") => return shell::show(shell::cargo().arg("bench").args(&words[1..])),
        Some("read") => return read(words.get(1).map_or("100", String::as_str)),
        Some("predict") => return predict(words.get(1).map_or("1000000", String::as_str)),
        Some("page") => return page(),
        Some(other) => {
            bail!(
                "there is no benchmark \"{other}\"; there are \"native\", \"page\", \"read\", \"predict\", and the whole without a name"
            )
        }
        None => {}
    }
    install::npm_packages()?;
    install::system_packages()?;
    // The page is built first, because both builds write their wasm to the same place.
    if only.is_none_or(|only| only.split(',').any(|name| name.trim() == "page")) {
        dist::dist()?;
    }
    build()?;
    python_packages(only)?;

    let mut node = node("benches/run.js");
    match only {
        Some(only) => node.args(["--only", only]),
        None => node.args(["--write", DOCUMENT]),
    };
    shell::show(&mut node)
}

/// Returns a Node command with a script that drives the browser.
pub(crate) fn node(script: &str) -> Command {
    let mut node = shell::program("node");
    if let Some(chromium) = install::chromium() {
        node.env("CHROMIUM", chromium);
    }
    node.arg(script);
    node
}

/// Measures how fast the published page loads and responds.
fn page() -> Result<()> {
    install::npm_packages()?;
    install::system_packages()?;
    dist::dist()?;
    shell::show(&mut node("benches/page-speed.js"))
}

/// Measures reading a table of this many megabytes, with the page's modules in Node and with
/// Python.
fn read(megabytes: &str) -> Result<()> {
    install::wasm_target()?;
    site::TABLES.build()?;
    for name in shell::files_below(&shell::root().join("www/worker"))? {
        let path = format!("www/worker/{name}");
        shell::write_if_changed(&site::folder().join(&path), &fs::read(shell::root().join(&path))?)?;
    }
    install_python(PYTHON_READERS)?;
    shell::show(shell::program("node").args(["benches/read.js", "--megabytes", megabytes]))
}

/// Measures predicting a table of this many rows, with the page's wasm in Node and with Python.
fn predict(rows: &str) -> Result<()> {
    install::wasm_target()?;
    site::MODEL_FILES.build()?;
    install_python(PYTHON_PREDICTORS)?;
    shell::show(shell::program("node").args(["benches/predict.js", "--rows", rows]))
}

/// The folder of the benchmark's page.
pub(crate) fn folder() -> PathBuf {
    shell::root().join("target/bench-site")
}

/// Builds the benchmark's page without the peers: its scripts, and the engine as in a release.
pub(crate) fn build_page() -> Result<()> {
    let glue = folder().join("pkg");
    site::BENCH_ENGINE.build_into(&glue)?;
    serve_engine(&shell::root(), &glue, &site::BENCH_ENGINE.name(), &folder())?;
    for name in ["index.html", "page.js"] {
        let content = fs::read(shell::root().join("benches/page").join(name))?;
        shell::write_if_changed(&folder().join(name), &content)?;
    }
    Ok(())
}

/// Optimizes an engine that already has its glue, and copies it to a folder with the scripts that
/// run it, which come from the same sources.
pub(crate) fn serve_engine(sources: &Path, glue: &Path, name: &str, folder: &Path) -> Result<()> {
    let served = folder.join("engine");
    let wasm = format!("{name}_bg.wasm");
    shell::write_if_changed(&served.join(&wasm), &fs::read(dist::optimized(&glue.join(&wasm))?)?)?;
    let script = format!("{name}.js");
    shell::write_if_changed(&served.join(&script), &fs::read(glue.join(&script))?)?;
    for name in ["serve.js", "downhill.js", "partner.js"] {
        let content = fs::read(sources.join("benches/page").join(name))?;
        shell::write_if_changed(&folder.join(name), &content)?;
    }
    Ok(())
}

/// Builds the benchmark's page; TensorFlow.js is one bundle next to its wasm.
fn build() -> Result<()> {
    build_page()?;
    let root = shell::root();
    let binaries = root.join("node_modules/@tensorflow/tfjs-backend-wasm/wasm-out");
    for name in
        ["tfjs-backend-wasm.wasm", "tfjs-backend-wasm-simd.wasm", "tfjs-backend-wasm-threaded-simd.wasm"]
    {
        let content =
            fs::read(binaries.join(name)).with_context(|| format!("{name} did not come with npm ci"))?;
        shell::write_if_changed(&folder().join(name), &content)?;
    }
    let mut esbuild = shell::program(root.join("node_modules/.bin/esbuild"));
    esbuild.args(["benches/page/tfjs.js", "--bundle", "--format=esm", "--minify", "--log-level=warning"]);
    esbuild.arg(format!("--outfile={}", folder().join("tfjs.js").display()));
    shell::quiet("esbuild", &mut esbuild).map(drop)
}

/// Makes sure that a Python has the peers' packages: the one that `DOWNHILL_PYTHON` names, or the
/// local one. Peers that cannot be installed are not measured, and the report says so.
fn python_packages(only: Option<&str>) -> Result<()> {
    let needed = |name: &str| only.is_none_or(|only| only.split(',').any(|wanted| wanted.trim() == name));
    if !["W1", "W1k", "W2", "W3", "W4", "W5"].into_iter().any(needed) {
        return Ok(());
    }
    install_python(PYTHON_PACKAGES)
}

fn install_python(packages: &[(&str, &str)]) -> Result<()> {
    let root = shell::root();
    let local = [root.join(".venv/bin/python"), root.join(".venv/Scripts/python.exe")];
    let local = || local.iter().find(|path| path.is_file());
    let named: Vec<PathBuf> =
        std::env::var_os("DOWNHILL_PYTHON").iter().flat_map(std::env::split_paths).collect();
    for (module, package) in packages {
        let has = |python: &PathBuf| {
            let look = format!("import importlib.util as u, sys; sys.exit(u.find_spec({module:?}) is None)");
            let found = shell::program(python).args(["-c", &look]).output();
            found.is_ok_and(|output| output.status.success())
        };
        if named.iter().chain(local()).any(has) {
            continue;
        }
        let installed = (|| {
            if local().is_none() {
                let python = ["python3", "python"].into_iter().find_map(shell::find).context("no Python")?;
                shell::quiet("python -m venv .venv", shell::program(python).args(["-m", "venv", ".venv"]))?;
            }
            let mut pip = shell::program(local().context("the venv holds no Python")?);
            pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", package]);
            shell::quiet(&format!("pip install {package}"), &mut pip)
        })();
        if let Err(error) = installed {
            println!("{package} is not here, so it is not measured: {error:#}");
        }
    }
    Ok(())
}
