//! Tests of PMML: round trips, files of other tools, which must predict as these tools do, and
//! malicious files.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::time::{Duration, Instant};

use downhill::dataset::Input;
use downhill::foreign::Model;
use downhill::message::{Code, Message};
use downhill::model::Response;
use downhill::rng::philox4x32;
use downhill_model_files::formats;
use serde_json::{Value, json};
use support::{SAMPLES, difference, hostile, rows, run_of, sample, spec};

/// The time limit: about a second in the page, but this build is not optimized, and other tests run
/// in parallel.
const SOON: Duration = Duration::from_secs(40);

fn fixture(name: &str) -> Vec<u8> {
    support::fixture(&format!("pmml/{name}"))
}

fn model(bytes: &[u8]) -> Model {
    let found = formats::read(bytes).unwrap_or_else(|refused| panic!("{refused}"));
    assert_eq!(found.format, "pmml");
    found.model
}

fn refused(bytes: &[u8]) -> Message {
    let begun = Instant::now();
    let refused = formats::read(bytes).unwrap_err();
    assert!(begun.elapsed() < SOON, "{refused} after {:?}", begun.elapsed());
    refused
}

fn predict(model: &Model, columns: &[&str], row: &[Value]) -> Vec<f64> {
    let value = |input: &Input| {
        let place = columns.iter().position(|column| *column == input.name).unwrap();
        match &row[place] {
            Value::String(word) => input.levels.iter().position(|level| level == word).unwrap() as f64,
            number => number.as_f64().unwrap(),
        }
    };
    let x: Vec<f64> = model.inputs.iter().map(value).collect();
    model.predict(&x, &mut vec![0.0; model.map.n_features()])
}

fn close(a: f64, b: f64) {
    assert!((a - b).abs() <= 1e-9 * b.abs().max(1.0), "{a} is not {b}");
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|y| y.as_f64().unwrap()).collect()
}

#[test]
fn every_run_comes_back_to_the_bit() {
    for name in SAMPLES {
        let run = sample(name);
        let found = formats::read(&spec("pmml").write(&run).unwrap()).unwrap();
        assert_eq!(found.format, "pmml");
        assert_eq!(found.run.as_deref(), Some(run.text.as_str()), "{name}");
        assert_eq!(found.producer.as_deref(), Some("Downhill 0.1.0"));
    }
}

#[test]
fn the_tables_alone_predict_what_the_run_does() {
    for name in SAMPLES {
        let run = sample(name);
        let (own, expected) = (model(&spec("pmml").write(&run).unwrap()), run.model());
        assert_eq!(own.inputs, expected.inputs, "{name}");
        assert_eq!((&own.target, own.activation), (&expected.target, expected.activation), "{name}");
        assert_eq!(own.target_levels, expected.target_levels, "{name}");
        assert_eq!(own.bias.is_some(), expected.bias.is_some(), "{name}");
        let off = difference(&expected, &own, &rows(&run, 50));
        assert!(off < 1e-13, "{name} is off by {off}");
    }
    // Without scaling, the weights are the unchanged f32 of the run.
    let (own, expected) = (model(&spec("pmml").write(&sample("story")).unwrap()), sample("story").model());
    assert_eq!((own.weights, own.bias), (expected.weights, expected.bias));
}

#[test]
fn sklearn_pmml_model_predicts_the_same_of_our_files() {
    let expected: Value = serde_json::from_slice(&fixture("expected.json")).unwrap();
    for (name, of) in expected["sklearn_pmml_model"].as_object().unwrap() {
        let own = model(&spec("pmml").write(&sample(name)).unwrap());
        let columns: Vec<&str> = own.inputs.iter().map(|input| input.name.as_str()).collect();
        for (row, outputs) in of["rows"].as_array().unwrap().iter().zip(of["outputs"].as_array().unwrap()) {
            let predicted = predict(&own, &columns, row.as_array().unwrap());
            assert_eq!(predicted.len(), numbers(outputs).len());
            predicted.iter().zip(numbers(outputs)).for_each(|(a, b)| close(*a, b));
        }
    }
}

#[test]
fn files_of_other_tools_predict_as_they_do() {
    // expected.json comes from scikit-learn 1.8.0 through sklearn2pmml 0.133.1 and nyoka 5.5.0; see
    // make.py there.
    let expected: Value = serde_json::from_slice(&fixture("expected.json")).unwrap();
    let cases = expected["cases"].as_array().unwrap();
    assert!(cases.len() >= 6);
    for case in cases {
        let name = case["file"].as_str().unwrap();
        let own = model(&fixture(name));
        let columns: Vec<&str> =
            case["columns"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
        for (row, outputs) in case["rows"].as_array().unwrap().iter().zip(case["outputs"].as_array().unwrap())
        {
            let predicted = predict(&own, &columns, row.as_array().unwrap());
            assert_eq!(predicted.len(), numbers(outputs).len(), "{name}");
            predicted.iter().zip(numbers(outputs)).for_each(|(a, b)| close(*a, b));
        }
    }
    let answer = model(&fixture("jpmml_logistic.pmml"));
    assert_eq!(
        (answer.target.as_str(), &answer.target_levels[..]),
        ("answer", &["no".into(), "yes".into()][..])
    );
    assert_eq!(model(&fixture("jpmml_softmax.pmml")).target_levels.len(), 3);
}

#[test]
fn examples_of_the_specification_predict_by_their_formulas() {
    let claims = model(&fixture("claims_linear.pmml"));
    for (age, salary, location, of_location) in [(30.0, 2e4, "carpark", 41.1), (55.0, 9e4, "street", 325.03)]
    {
        let found = predict(
            &claims,
            &["age", "salary", "car_location"],
            &[json!(age), json!(salary), json!(location)],
        );
        close(found[0], 132.37 + 7.1 * age + 0.01 * salary + of_location);
    }
    assert_eq!(claims.target, "number_of_claims");
    let powers = model(&fixture("claims_powers.pmml"));
    for (salary, location, of_location) in [(2e4_f64, "carpark", 93.78), (9e4, "street", 288.75)] {
        let found = predict(&powers, &["salary", "car_location"], &[json!(salary), json!(location)]);
        let cubic = -0.08 * salary + 9.54e-7 * salary.powi(2) - 2.67e-12 * salary.powi(3);
        close(found[0], 3216.38 + cubic + of_location);
    }
    let terms = model(&fixture("claims_terms.pmml"));
    assert_eq!(terms.activation, Response::Exponential);
    for (age, work, sex, minority) in [(30.0, 2.0, "male", "true"), (41.0, -1.5, "female", "false")] {
        let row = [json!(age), json!(work), json!(sex), json!(minority)];
        let (male, female) = (f64::from(sex == "male"), f64::from(sex == "female"));
        let z: f64 = 2.1 - 0.1 * age * work - 20.525 * male
            + 0.75 * f64::from(minority == "true")
            + 0.5 * (1.0 + (age - 20.0) / 10.0)
            + 0.25 * female * work;
        close(predict(&terms, &["age", "work", "sex", "minority"], &row)[0], z.exp());
    }
}

#[test]
fn other_models_are_refused_by_name() {
    let refused_of = |name: &str| {
        let refused = refused(&fixture(name));
        assert_eq!(refused.code, Code::ModelTooDeep, "{name}");
        refused.params["found"].clone()
    };
    assert_eq!(refused_of("refused_tree.pmml"), "TreeModel");
    assert_eq!(refused_of("refused_network.pmml"), "NeuralNetwork of NeuralLayer (3 times)");
    let forest = "<PMML><MiningModel><Segmentation><Segment><TreeModel/></Segment><Segment><RegressionModel/></Segment></Segmentation></MiningModel></PMML>";
    assert_eq!(refused(forest.as_bytes()).params["found"], "MiningModel of RegressionModel, TreeModel");
}

#[test]
fn changed_weights_are_read_and_the_note_beside_them_is_not_believed() {
    let text = String::from_utf8(spec("pmml").write(&sample("story")).unwrap()).unwrap();
    let found =
        formats::read(text.replace("coefficient=\"1.9774160385131836\"", "coefficient=\"5\"").as_bytes());
    let found = found.unwrap();
    assert_eq!((found.run, found.model.weights[0][0]), (None, 5.0));
}

#[test]
fn high_powers_of_numbers_far_from_zero_keep_their_digits() {
    // The mean is a hundred standard deviations, raised to the sixth power: folded coefficients
    // would be about 1e12.
    let text = String::from_utf8(spec("pmml").write(&sample("powers")).unwrap()).unwrap();
    assert!(text.contains("<NumericPredictor name=\"scaled(year)\" exponent=\"3\""));
    assert!(text.contains("<Constant dataType=\"double\">1906.5</Constant>"));
}

#[test]
fn hostile_names_come_back_or_are_refused() {
    for (name, run) in hostile() {
        let target = run.model().target;
        let names = run.model().inputs.iter().any(|input| {
            input.name == target
                || [&input.name].into_iter().chain(&input.levels).any(|name| name.contains(['\0', '\u{7}']))
        });
        let written = spec("pmml").write(&run);
        if names {
            assert_eq!(written.unwrap_err().code, Code::ModelCannotHold, "{name}");
            continue;
        }
        let found = formats::read(&written.unwrap()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(found.model.inputs, run.model().inputs, "{name}");
        assert_eq!(found.model.target_levels, run.model().target_levels, "{name}");
        assert!(found.run.is_some(), "{name}");
        assert!(difference(&run.model(), &found.model, &rows(&run, 10)) < 1e-13, "{name}");
    }
    for inputs in [&[("y", &[][..])][..], &[("a", &[]), ("a", &[])], &[("\u{FFFE}", &[])]] {
        let refused = spec("pmml").write(&run_of(inputs, &[], "y", "linear")).unwrap_err();
        assert_eq!(refused.code, Code::ModelCannotHold, "{inputs:?}");
    }
    let names = &[("a\nb\t\"'<&>]]>\r", &["é\u{85}\u{2028}", " ", "\r\n", "😀"][..]), ("x", &[])];
    let run = run_of(names, &["b", "a", "\n"], "<y>", "softmax");
    let found = formats::read(&spec("pmml").write(&run).unwrap()).unwrap();
    assert_eq!(
        (found.model.inputs, found.model.target_levels),
        (run.model().inputs, run.model().target_levels)
    );
}

#[test]
fn a_file_cut_at_any_byte_is_refused() {
    let own = ["story", "mixed"].map(|name| spec("pmml").write(&sample(name)).unwrap());
    let others = ["jpmml_softmax.pmml", "claims_powers.pmml", "claims_terms.pmml", "refused_network.pmml"];
    for whole in own.into_iter().chain(others.map(fixture)) {
        for end in 0..whole.trim_ascii_end().len() {
            assert!(formats::read(&whole[..end]).is_err(), "cut after {end} of {} bytes", whole.len());
        }
    }
}

#[test]
fn files_that_were_changed_anywhere_do_no_harm() {
    const WORDS: [&str; 16] = [
        "NaN",
        "1e999",
        "\"",
        "<",
        ">",
        "/",
        "&x;",
        "&#0;",
        "-1",
        "<!--",
        "<![CDATA[",
        "]]>",
        "Predictor",
        "0",
        "\u{FFFD}",
        "exponent=\"12\" ",
    ];
    let corpus: Vec<Vec<u8>> = ["story", "powers", "mixed", "yes"]
        .map(|name| {
            // The carried run is most of the file, and other tests cover its reader.
            let text = String::from_utf8(spec("pmml").write(&sample(name)).unwrap()).unwrap();
            let (before, after) = (text.find("<Extension").unwrap(), text.find("<Application").unwrap());
            [&text[..before], &text[after..]].concat().into_bytes()
        })
        .into_iter()
        .chain(["jpmml_softmax.pmml", "claims_terms.pmml", "claims_powers.pmml"].map(fixture))
        .collect();
    let mut n_read = 0;
    for iteration in 0..20_000_u32 {
        let mut drawn = 0;
        let mut below = |n: usize| {
            drawn += 1;
            philox4x32([iteration, drawn, 0, 0], [5, 77])[0] as usize % n.max(1)
        };
        let mut bytes = corpus[below(corpus.len())].clone();
        for _ in 0..=below(3) {
            let at = below(bytes.len());
            let end = (at + below(80)).min(bytes.len());
            match below(5) {
                0 => bytes[at] ^= 1 << below(8),
                1 => drop(bytes.drain(at..end)),
                2 => {
                    let some = bytes[at..end].to_vec();
                    let to = below(bytes.len());
                    drop(bytes.splice(to..to, some));
                }
                3 => {
                    // Replaces a word or a number by another.
                    let other = &corpus[below(corpus.len())];
                    let from = below(other.len());
                    drop(
                        bytes.splice(
                            at..end,
                            other[from..(from + below(80)).min(other.len())].iter().copied(),
                        ),
                    );
                }
                _ => drop(bytes.splice(at..at, WORDS[below(WORDS.len())].bytes())),
            }
            if bytes.is_empty() {
                break;
            }
        }
        if let Ok(found) = formats::read(&bytes) {
            let weights = found.model.weights.iter().flatten().chain(found.model.bias.iter().flatten());
            assert!(weights.copied().all(f64::is_finite) && found.model.map.fits());
            n_read += 1;
        }
    }
    println!("{n_read} of 20000 are read");
    assert!(n_read > 1000, "{n_read}");
}

/// Returns a document with these fields in addition to `x` and `y`, derived fields, and predictors.
fn document(fields: &str, derived: &str, table: &str) -> String {
    format!(
        "<PMML><DataDictionary><DataField name=\"x\" optype=\"continuous\" dataType=\"double\"/>{fields}</DataDictionary>\
         <RegressionModel functionName=\"regression\"><MiningSchema><MiningField name=\"x\"/><MiningField name=\"c\"/></MiningSchema>\
         <LocalTransformations>{derived}</LocalTransformations>\
         <RegressionTable intercept=\"1\">{table}</RegressionTable></RegressionModel></PMML>"
    )
}

#[test]
fn documents_of_lies() {
    let code =
        |fields: &str, derived: &str, table: &str| refused(document(fields, derived, table).as_bytes()).code;
    let of_table = |table: &str| code("", "", table);
    let x = |rest: &str| format!("<NumericPredictor name=\"x\" {rest}/>");
    assert_eq!(model(document("", "", &x("coefficient=\"2\"")).as_bytes()).weights, [[2.0]]);
    assert_eq!(of_table(&x("coefficient=\"NaN\"")), Code::ModelNotFinite);
    assert_eq!(of_table(&x("coefficient=\"1e999\"")), Code::ModelNotFinite);
    assert_eq!(of_table(&x("coefficient=\"1,5\"")), Code::ModelDamaged);
    assert_eq!(of_table(&x("")), Code::ModelDamaged);
    assert_eq!(of_table(&x("coefficient=\"1\" exponent=\"13\"")), Code::ModelUnsupported);
    assert_eq!(of_table(&x("coefficient=\"1\" exponent=\"4294967297\"")), Code::ModelUnsupported);
    assert_eq!(of_table(&x("coefficient=\"1\" exponent=\"-1\"")), Code::ModelUnsupported);
    assert_eq!(of_table(&x("coefficient=\"1\" exponent=\"NaN\"")), Code::ModelUnsupported);
    assert_eq!(of_table("<NumericPredictor name=\"z\" coefficient=\"1\"/>"), Code::ModelDamaged);
    assert_eq!(of_table("<PredictorTerm coefficient=\"1\"/>"), Code::ModelUnsupported);
    assert_eq!(of_table("<SomePredictor coefficient=\"1\"/>"), Code::ModelUnsupported);
    let c = "<DataField name=\"c\" optype=\"categorical\" dataType=\"string\"><Value value=\"a\"/><Value value=\"b\"/></DataField>";
    let level =
        |value: &str| format!("<CategoricalPredictor name=\"c\" value=\"{value}\" coefficient=\"1\"/>");
    assert_eq!(code(c, "", &level("z")), Code::ModelDamaged);
    assert_eq!(code(c, "", "<NumericPredictor name=\"c\" coefficient=\"1\"/>"), Code::ModelUnsupported);
    assert_eq!(
        code("<DataField name=\"c\" optype=\"categorical\" dataType=\"string\"/>", "", ""),
        Code::ModelUnsupported
    );
    assert_eq!(model(document(c, "", &level("b")).as_bytes()).weights, [[0.0], [1.0]]);
    // The same field twice.
    assert_eq!(
        code(c, "<DerivedField name=\"c\"><FieldRef field=\"x\"/></DerivedField>", ""),
        Code::ModelDamaged
    );
    // Derived fields that depend on themselves, on nothing, divide by zero, or have the name of an
    // input.
    let d = |of: &str| {
        code(
            "",
            &format!("<DerivedField name=\"d\">{of}</DerivedField>"),
            "<NumericPredictor name=\"d\" coefficient=\"1\"/>",
        )
    };
    assert_eq!(d("<FieldRef field=\"d\"/>"), Code::ModelDamaged);
    assert_eq!(
        d("<Apply function=\"+\"><FieldRef field=\"x\"/><FieldRef field=\"d\"/></Apply>"),
        Code::ModelDamaged
    );
    assert_eq!(d(""), Code::ModelDamaged);
    assert_eq!(
        d("<Apply function=\"/\"><FieldRef field=\"x\"/><Constant>0</Constant></Apply>"),
        Code::ModelUnsupported
    );
    assert_eq!(
        d("<Apply function=\"/\"><Constant>1</Constant><FieldRef field=\"x\"/></Apply>"),
        Code::ModelUnsupported
    );
    assert_eq!(
        d("<Apply function=\"pow\"><FieldRef field=\"x\"/><Constant>1e9</Constant></Apply>"),
        Code::ModelUnsupported
    );
    assert_eq!(d("<Apply function=\"ln\"><FieldRef field=\"x\"/></Apply>"), Code::ModelUnsupported);
    assert_eq!(d("<Constant>&#x110000;</Constant>"), Code::ModelDamaged);
    assert_eq!(d("<Constant>inf</Constant>"), Code::ModelNotFinite);
    let overflow = "<Apply function=\"*\"><Constant>1e300</Constant><Constant>1e300</Constant></Apply>";
    assert_eq!(
        d(&format!("<Apply function=\"*\"><FieldRef field=\"x\"/>{overflow}</Apply>")),
        Code::ModelNotFinite
    );
    assert_eq!(refused(b"<PMML/>").code, Code::ModelDamaged);
    assert_eq!(refused(b"<PMML><DataDictionary/><RegressionModel/></PMML>").code, Code::ModelDamaged);
    assert_eq!(refused(b"<?xml?><!-- <PMML> --><html></html>").code, Code::ModelUnknown);
    assert_eq!(refused(b"<PMML>\xFF</PMML>").code, Code::ModelDamaged);
}

#[test]
fn documents_made_to_swell_are_refused_soon() {
    let x = "<NumericPredictor name=\"x\" coefficient=\"1\"/>";
    // Nested entities ("billion laughs").
    let mut bomb = String::from("<?xml version=\"1.0\"?><!DOCTYPE PMML [<!ENTITY e0 \"1\">");
    for k in 1..64 {
        bomb += &format!("<!ENTITY e{k} \"&e{0};&e{0};\">", k - 1);
    }
    bomb += "]>";
    let table = "<NumericPredictor name=\"x\" coefficient=\"&e63;\"/>";
    assert_eq!(refused((bomb + &document("", "", table)).as_bytes()).code, Code::ModelDamaged);
    // A million elements of each kind.
    let many = |of: &dyn Fn(usize) -> String| (0..1_000_000).map(of).collect::<String>();
    let predictors = document("", "", &many(&|_| x.to_owned()));
    let begun = Instant::now();
    assert_eq!(refused(predictors.as_bytes()).code, Code::ModelTooLarge);
    println!("a million predictors: {:?}", begun.elapsed());
    let fields = document(&many(&|k| format!("<DataField name=\"{k}\"/>")), "", x);
    assert_eq!(refused(fields.as_bytes()).code, Code::ModelTooLarge);
    let deep = document("", "", &"<PredictorTerm>".repeat(1_000_000));
    assert_eq!(refused(deep.as_bytes()).code, Code::ModelTooLarge);
    let nested = format!("<PMML><MiningModel>{}", "<Segment>".repeat(1_000_000));
    assert_eq!(refused(nested.as_bytes()).code, Code::ModelDamaged);
    let attributes = document("", "", &format!("<NumericPredictor {}/>", many(&|k| format!("a{k}=\"\" "))));
    assert_eq!(refused(attributes.as_bytes()).code, Code::ModelDamaged);
    let text = document("", "", &format!("{x}{}", "a".repeat(1_000_000)));
    assert_eq!(refused(text.as_bytes()).code, Code::ModelTooLarge);
    // Within the limits, but repeated: a long sum, and fields that double each other.
    let values = |n: usize| (0..n).map(|k| format!("<Value value=\"{k}\"/>")).collect::<String>();
    let c = |n| {
        format!("<DataField name=\"c\" optype=\"categorical\" dataType=\"string\">{}</DataField>", values(n))
    };
    assert_eq!(refused(document(&c(300_000), "", x).as_bytes()).code, Code::ModelTooLarge);
    assert_eq!(refused(document(&c(1_500), "", x).as_bytes()).code, Code::ModelTooLarge);
    let levels: String = (0..900).map(|k| format!("<NormDiscrete field=\"c\" value=\"{k}\"/>")).collect();
    let sum = format!("<DerivedField name=\"sum\"><Apply function=\"sum\">{levels}</Apply></DerivedField>");
    let aliases: String = (0..50_000)
        .map(|k| format!("<DerivedField name=\"{k}\"><FieldRef field=\"sum\"/></DerivedField>"))
        .collect();
    let asked: String =
        (0..50_000).map(|k| format!("<NumericPredictor name=\"{k}\" coefficient=\"1\"/>")).collect();
    let begun = Instant::now();
    assert_eq!(refused(document(&c(900), &(sum + &aliases), &asked).as_bytes()).code, Code::ModelTooLarge);
    println!("a sum that is asked for again and again: {:?}", begun.elapsed());
    let doubled: String = (1..10)
        .map(|k| format!("<DerivedField name=\"d{k}\"><Apply function=\"*\"><FieldRef field=\"d{0}\"/><FieldRef field=\"d{0}\"/></Apply></DerivedField>", k - 1))
        .collect();
    let doubled = format!("<DerivedField name=\"d0\"><FieldRef field=\"x\"/></DerivedField>{doubled}");
    let asked = "<NumericPredictor name=\"d9\" coefficient=\"1\"/>";
    assert_eq!(refused(document("", &doubled, asked).as_bytes()).code, Code::ModelUnsupported);
    let chain: String = (1..1000)
        .map(|k| format!("<DerivedField name=\"d{k}\"><FieldRef field=\"d{}\"/></DerivedField>", k - 1))
        .collect();
    let asked = "<NumericPredictor name=\"d999\" coefficient=\"1\"/>";
    assert_eq!(refused(document("", &chain, asked).as_bytes()).code, Code::ModelTooLarge);
    // Whitespace between a great many elements, and declarations that never end.
    assert!(formats::read(&[b"<?xml".to_vec(), b" ".repeat(1 << 22)].concat()).is_err());
    assert!(formats::read("<!-- -->".repeat(1 << 18).as_bytes()).is_err());
}
