//! Tests of recipes as files: the run they carry can be read back, and no column name escapes its
//! quotes.
//!
//! `cargo xtask interop recipes` tests that the scripts train the same model, where the tools are
//! installed.

use std::fs;
use std::path::Path;

use downhill_model_files::formats;
use downhill_model_files::run::Run;
use support::spec;

mod support;

const RECIPES: [&str; 4] = ["recipe_keras", "recipe_pytorch", "recipe_sklearn", "recipe_spark"];

fn sample(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("samples/{name}.json"));
    fs::read_to_string(path).expect("a sample")
}

fn run(text: &str) -> Run {
    Run::read(text.as_bytes()).expect("a run file")
}

fn script(format: &str, run: &Run) -> String {
    String::from_utf8(spec(format).write(run).expect("a recipe")).expect("text")
}

#[test]
fn carries_the_run() {
    for name in ["story", "unbiased", "powers", "mixed", "ten", "yes", "classes"] {
        let run = run(&sample(name));
        for format in RECIPES {
            let found = formats::read(script(format, &run).as_bytes()).expect("a recipe");
            assert_eq!(found.format, format);
            assert_eq!(found.model, run.model(), "{name}");
            assert_eq!(found.run.as_deref(), Some(&run.text[..]), "{name}");
        }
    }
}

#[test]
fn keeps_names_within_their_quotes() {
    let plain = sample("mixed");
    let hostile = "\\\"\\\"\\\"\\nimport os\\r# \\u2028 \u{202e}\u{1f600}\\\\";
    let changed = plain.replace("remodelled", hostile).replace("\"never\"", &format!("\"{hostile}\""));
    let (before, after) = (run(&plain), run(&changed));
    assert!(after.file.columns.inputs[3].name.starts_with("\"\"\"\nimport os\r"));
    for format in RECIPES {
        let (before, after) = (script(format, &before), script(format, &after));
        // A name must add neither a line nor a non-ASCII character.
        assert!(after.is_ascii());
        assert_eq!(before.lines().count(), after.lines().count());
        assert_eq!(before.matches("\n\"\"\"\n").count(), after.matches("\n\"\"\"\n").count());
        assert!(!after.lines().any(|line| line.trim_start().starts_with("import os")));
        let found = formats::read(after.as_bytes()).expect("a recipe");
        assert_eq!(found.model.inputs[3].name, "\"\"\"\nimport os\r# \u{2028} \u{202e}\u{1f600}\\");
    }
}

#[test]
fn says_what_is_wrong_with_a_script_that_was_cut_or_changed() {
    let whole = script("recipe_keras", &run(&sample("unbiased")));
    let bytes = whole.trim_end().as_bytes();
    // Changes before the run do not matter to Downhill.
    let carried = whole.rfind("# downhill-run: ").expect("a run") - 40;
    for end in (0..carried).step_by(97).chain(carried..bytes.len()) {
        assert!(formats::read(&bytes[..end]).is_err(), "cut at {end}");
    }
    assert!(formats::read(bytes).is_ok());
    assert!(formats::read(whole.replace("\"version\":1", "\"version\":7").as_bytes()).is_err());
    // Any other Python script is not a model.
    assert_eq!(formats::recognize(b"\"\"\"Keras: a tutorial\"\"\"\nimport keras\n"), None);
}

#[test]
fn says_what_it_does_otherwise() {
    let of = |format, name: &str| script(format, &run(&sample(name)));
    assert!(!of("recipe_pytorch", "powers").contains("Differences from the run"));
    assert!(of("recipe_pytorch", "mixed").contains("Rows come in a different order"));
    assert!(of("recipe_spark", "powers").contains("MLlib has its own solvers"));
    assert!(of("recipe_sklearn", "story").contains("It computes the optimum"));
    assert!(of("recipe_keras", "story").contains("noise from another random generator"));
}
