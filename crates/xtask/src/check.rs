//! Static checks of the sources.

use anyhow::{Context, Result, bail};

use crate::{install, shell, site};

/// Runs all checks and fails if any of them failed.
pub(crate) fn check() -> Result<()> {
    install::wasm_target()?;
    let mut failed = Vec::new();
    let mut note = |title: &str, result: Result<()>| {
        if let Err(error) = result {
            // The output of a failed step has already been shown.
            if !error.to_string().starts_with(title) {
                println!("{error:#}");
            }
            failed.push(title.to_owned());
        }
    };

    let steps: [(&str, &[&str]); 3] = [
        ("fmt (the files named need cargo fmt)", &["fmt", "--all", "--", "--check", "-l"]),
        ("clippy", &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]),
        (
            "clippy wasm32",
            &[
                "clippy",
                "--package",
                "downhill",
                "--package",
                "downhill-bench-engine",
                "--lib",
                "--target",
                "wasm32-unknown-unknown",
                "--",
                "-D",
                "warnings",
            ],
        ),
    ];
    for (title, arguments) in steps {
        note(title, shell::quiet(title, shell::cargo().args(arguments)).map(drop));
    }
    for features in feature_sets()? {
        for (on, target) in [("", None), (" wasm32", Some("wasm32-unknown-unknown"))] {
            let which =
                if features.is_empty() { "no features".to_owned() } else { format!("only {features}") };
            let title = format!("clippy{on} {which}");
            let mut cargo = shell::cargo();
            cargo.args(["clippy", "--package", "downhill", "--lib", "--no-default-features", "--features"]);
            cargo.arg(&features).args(target.map(|target| format!("--target={target}")));
            note(&title, shell::quiet(&title, cargo.args(["--", "-D", "warnings"])).map(drop));
        }
    }
    let mut doc = shell::cargo();
    doc.env("RUSTDOCFLAGS", "-D warnings").args(["doc", "--workspace", "--no-deps"]);
    note("doc", shell::quiet("doc", &mut doc).map(drop));
    note("types", types());

    if !failed.is_empty() {
        bail!("{} failed: {}", if failed.len() == 1 { "a check" } else { "checks" }, failed.join(", "));
    }
    Ok(())
}

/// Returns the empty feature set, and one set per feature.
fn feature_sets() -> Result<Vec<String>> {
    let package = shell::package()?;
    let features = package["features"].as_object().context("cargo metadata lists no features")?;
    let named = features.keys().filter(|name| *name != "default").cloned();
    Ok(std::iter::once(String::new()).chain(named).collect())
}

/// Type-checks the JavaScript against wasm-bindgen's declarations.
fn types() -> Result<()> {
    if shell::find("node").is_none() {
        println!("types: not checked, since there is no Node.js here");
        return Ok(());
    }
    install::npm_packages()?;
    for wasm in site::ALL {
        wasm.build()?;
    }
    let projects = [
        ("types of the page", "tsconfig.json", "www"),
        ("types of the workers", "crates/xtask/tsconfig/worker.json", "www"),
        ("types of the tests", "crates/xtask/tsconfig/tests.json", "tests"),
        ("types of the benchmark", "crates/xtask/tsconfig/bench.json", "benches"),
        ("types of its workers", "crates/xtask/tsconfig/bench-workers.json", "benches"),
    ];
    let mut failed = Vec::new();
    for (title, project, folder) in projects {
        let names = shell::files_below(&shell::root().join(folder)).unwrap_or_default();
        if !names.iter().any(|name| name.ends_with(".js") || name.ends_with(".mjs")) {
            continue;
        }
        let mut tsc = shell::program("node");
        tsc.args(["node_modules/typescript/bin/tsc", "--project", project, "--pretty", "false"]);
        if shell::quiet(title, &mut tsc).is_err() {
            failed.push(title);
        }
    }
    if !failed.is_empty() {
        bail!("types failed: {}", failed.join(", "));
    }
    Ok(())
}
