//! Dependencies point one way only, files and functions are short, and committed files contain no path of a machine.

use std::path::{Path, PathBuf};

fn files(under: &str, extension: &str) -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut open = vec![root.join(under)];
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((path.strip_prefix(root).unwrap().to_owned(), text));
            }
        }
    }
    assert!(!found.is_empty(), "no .{extension} under {under}");
    found
}

/// Code without its comments.
fn code(text: &str) -> String {
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn only_in(name: &str, allowed: &[&str]) {
    for (path, text) in files("src", "rs") {
        let path = path.to_str().unwrap().to_owned();
        if !allowed.iter().any(|allowed| path.starts_with(allowed)) {
            assert!(!code(&text).contains(name), "{path} names {name}");
        }
    }
}

#[test]
fn platforms_are_named_where_they_belong() {
    only_in("wgpu", &["src/backend/gpu"]);
    only_in("plotters", &["src/chart", "src/web"]);
    for name in ["web_sys", "js_sys", "wasm_bindgen", "serde_wasm_bindgen"] {
        only_in(name, &["src/web"]);
    }
    // No clock, entropy or files anywhere in the crate below `web`.
    for name in ["std::time", "std::fs", "std::env", "std::net", "std::thread", "getrandom"] {
        only_in(name, &["src/web"]);
    }
}

#[test]
fn modules_use_only_what_stands_above_them() {
    let lib = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    let order: Vec<&str> =
        lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    assert!(order.len() > 10, "{order:?}");
    // Charts draw plain series, without knowing the engines.
    let forbidden_in_chart = ["backend", "trainer", "run_file", "protocol", "config", "dataset"];
    for (path, text) in files("src", "rs") {
        let path = path.to_str().unwrap();
        let module = path.trim_start_matches("src/").split(['/', '.']).next().unwrap();
        let text = code(&text);
        let Some(place) = order.iter().position(|name| *name == module) else { continue };
        for below in &order[place + 1..] {
            // Data knows its own configuration, and a configuration the rules it names; the rest
            // points down.
            let excused = matches!((module, *below), ("dataset" | "model", "config"));
            assert!(
                excused || !text.contains(&format!("crate::{below}::")),
                "{path} uses {below}, which stands below it"
            );
        }
        if module == "chart" {
            for name in forbidden_in_chart {
                assert!(!text.contains(&format!("crate::{name}")), "{path} uses {name}");
            }
        }
    }
}

#[test]
fn files_and_functions_are_short() {
    for (path, text) in ["src", "crates", "tests", "benches"].iter().flat_map(|under| files(under, "rs")) {
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines.len() <= 600, "{path:?} has {} lines", lines.len());
        let is_product = path.iter().any(|part| part == "src");
        for (first, line) in lines.iter().enumerate() {
            let is_function =
                line.contains("fn ") && line.contains('(') && !line.trim_start().starts_with("//");
            let indent = &line[..line.len() - line.trim_start().len()];
            // A declaration, or a function of one line.
            if !is_product || !is_function || line.ends_with(';') || line.ends_with('}') {
                continue;
            }
            let end = lines[first..].iter().position(|line| line.strip_prefix(indent) == Some("}"));
            let n = end.map_or(1, |end| end + 1);
            assert!(n <= 80, "{path:?}, line {}: a function of {n} lines", first + 1);
        }
    }
}

/// Only `model` and the kernels know where a weight lies among the parameters: anything else asks
/// [`downhill::model::Layout`] or [`downhill::model::Linear`].
#[test]
fn weights_are_found_by_the_model() {
    let outputs = |text: &str| {
        let text: String = text.split_whitespace().collect();
        ["chunks_exact(", "chunks_exact_mut(", "step_by(", "split_at(", "split_at_mut("].iter().any(|call| {
            text.split(call).skip(1).any(|rest| {
                let argument = rest.split(')').next().unwrap();
                argument.contains("n_outputs") || argument.contains("n_weights")
            })
        }) || text.contains("n_features*n_outputs")
            || text.contains("n_outputs*n_features")
    };
    assert!(outputs("weights.chunks_exact(self.n_outputs as usize)"));
    for (path, text) in files("src", "rs") {
        let path = path.to_str().unwrap();
        if !path.starts_with("src/model") && !path.starts_with("src/backend") {
            assert!(!outputs(&code(&text)), "{path} computes where a weight lies");
        }
    }
}

#[test]
fn nothing_names_a_machine() {
    for (under, extension) in [
        ("src", "rs"),
        ("shaders", "wgsl"),
        ("crates", "rs"),
        ("www", "js"),
        ("tests", "js"),
        ("tests", "py"),
        ("benches", "js"),
        ("benches", "py"),
        ("docs", "md"),
    ] {
        for (path, text) in files(under, extension) {
            for trace in ["/work/", "/root/", "/home/"] {
                assert!(!text.contains(trace) || path.ends_with("tidy.rs"), "{path:?} holds {trace}");
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let lock = std::fs::read_to_string(root.join("package-lock.json")).unwrap();
    assert!(!lock.contains("\"resolved\""), "package-lock.json names where packages came from");
}
