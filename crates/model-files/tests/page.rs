//! Tests of the exported page: its predictions, its content security policy, and hostile names.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::io::Write as _;
use std::process::{Command, Stdio};

use downhill::message::Code;
use downhill_model_files::formats;
use downhill_model_files::run::Run;
use serde_json::{Value, json};
use support::{SAMPLES, hostile, rows, sample, spec};

fn runs() -> Vec<(String, Run)> {
    SAMPLES.iter().map(|name| ((*name).to_owned(), sample(name))).chain(hostile()).collect()
}

fn page(run: &Run) -> String {
    String::from_utf8(spec("page").write(run).unwrap()).unwrap()
}

fn between<'a>(text: &'a str, open: &str, close: &str) -> &'a str {
    text.split_once(open).unwrap().1.split_once(close).unwrap().0
}

/// Runs the predicting part of the script without a page.
const NODE: &str = r#"
import { readFileSync } from "node:fs";
const { script, pages } = JSON.parse(readFileSync(0, "utf8"));
const own = script.slice(script.indexOf("  function features("), script.indexOf("  function digits("));
const said = pages.map(({ model, rows }) => {
  const predict = new Function("model", `const { inputs, activation } = model; ${own} return predict;`)(model);
  return rows.map((row) => predict(row));
});
console.log(JSON.stringify(said));
"#;

#[test]
fn its_script_predicts_as_the_model_does() {
    if Command::new("node").arg("--version").stdout(Stdio::null()).status().is_err() {
        println!("node is not here");
        return;
    }
    let runs = runs();
    let script = page(&runs[0].1);
    let script = between(&script, "<script>", "</script>");
    let given: Vec<Value> = runs
        .iter()
        .map(|(_, run)| {
            let page = page(run);
            let model: Value = serde_json::from_str(between(
                &page,
                "<script type=\"application/json\" id=\"model\">",
                "</script>",
            ))
            .unwrap();
            json!({ "model": model, "rows": rows(run, 20) })
        })
        .collect();
    let mut node = Command::new("node");
    node.args(["--input-type=module", "-e", NODE]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut node = node.spawn().unwrap();
    let input = json!({ "script": script, "pages": given }).to_string();
    node.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = node.wait_with_output().unwrap();
    assert!(output.status.success());
    let said: Vec<Vec<Vec<f64>>> = serde_json::from_slice(&output.stdout).unwrap();
    for ((name, run), said) in runs.iter().zip(said) {
        let model = run.model();
        let mut features = vec![0.0; model.map.n_features()];
        for (row, said) in rows(run, 20).iter().zip(said) {
            for (said, expected) in said.iter().zip(model.predict(row, &mut features)) {
                assert!(
                    (said - expected).abs() <= 1e-12 * expected.abs(),
                    "{name}: {said} where {expected} is expected"
                );
            }
        }
    }
}

#[test]
fn names_are_nothing_but_text_in_it() {
    for (name, run) in runs() {
        let page = page(&run);
        assert_eq!(page.matches("<script").count(), 2, "{name}");
        assert_eq!(page.matches("</script>").count(), 2, "{name}");
        assert_eq!(page.matches("<!--").count(), 1, "{name}");
        assert_eq!(page.matches("-->").count(), 1, "{name}");
        assert!(
            page.ends_with(" -->\n") && page.contains("default-src 'none'; script-src 'sha256-"),
            "{name}"
        );
        let script = between(&page, "<script>", "</script>").replace("http://www.w3.org/2000/svg", "");
        assert!(!["http:", "https:", "fetch", "import", "XMLHttp"].iter().any(|word| script.contains(word)));
    }
}

#[test]
fn it_is_recognized_and_gives_its_run_back_unless_it_was_changed() {
    for (name, run) in runs() {
        let bytes = spec("page").write(&run).unwrap();
        assert_eq!(formats::recognize(&bytes), Some(spec("page")), "{name}");
        let found = formats::read(&bytes).unwrap();
        assert_eq!((found.run, found.model), (Some(run.text.clone()), run.model()), "{name}");
    }
    let page = page(&sample("story"));
    for changed in [
        page.replacen("1.977", "1.978", 1),
        page.replace("Inputs", "Input"),
        page[..page.len() - 5].to_owned(),
    ] {
        assert_eq!(formats::read(changed.as_bytes()).unwrap_err().code, Code::ModelDamaged);
    }
}
