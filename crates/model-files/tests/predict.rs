//! Tests that predictions of tables equal those of the model row by row, for every dialect and
//! chunk size.
#![allow(clippy::unwrap_used, missing_docs)]

use std::fs;
use std::path::Path;

use downhill::foreign::Model;
use downhill::message::Code;
use downhill::rng::{Rng, Stream};
use downhill_model_files::forward::Forward;
use downhill_model_files::predict::Predictor;
use downhill_model_files::run::Run;
use serde_json::Value;

const SAMPLES: [&str; 7] = ["story", "unbiased", "powers", "mixed", "ten", "yes", "classes"];

fn text(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("samples/{name}.json"))).unwrap()
}

fn model(name: &str) -> Model {
    Run::read(text(name).as_bytes()).unwrap().model()
}

fn said(model: &Model, x: &[f64]) -> Vec<f64> {
    model.predict(x, &mut vec![0.0; model.map.n_features()])
}

/// Predicts a table in chunks of this many bytes.
fn predicted(name: &str, table: &[u8], chunk: usize) -> (String, Value) {
    let mut predictor = Predictor::read(&text(name)).unwrap();
    let mut out = Vec::new();
    for chunk in table.chunks(chunk) {
        out.extend(predictor.push(chunk).unwrap());
    }
    out.extend(predictor.finish().unwrap());
    (String::from_utf8(out).unwrap(), serde_json::to_value(predictor.counts()).unwrap())
}

fn refused(name: &str, table: &[u8]) -> downhill::message::Message {
    let mut predictor = Predictor::read(&text(name)).unwrap();
    predictor.push(table).and_then(|_| predictor.finish()).unwrap_err()
}

/// Returns the numbers of a column of a plain table.
fn column(table: &str, name: &str) -> Vec<f64> {
    let mut lines = table.lines().map(|line| line.split(','));
    let place = lines.next().unwrap().position(|other| other == name).unwrap();
    lines.map(|mut cells| cells.nth(place).unwrap().parse().unwrap()).collect()
}

#[test]
fn columns_say_what_rows_say() {
    let mut rng = Rng::new(11, Stream::Noise);
    for name in SAMPLES {
        let run = Run::read(text(name).as_bytes()).unwrap();
        let model = run.model();
        let n_inputs = model.inputs.len();
        // More than two blocks, the last of which is not full.
        let n_rows = 2_500;
        let mut columns = vec![Vec::new(); n_inputs];
        for row in 0..n_rows {
            for (column, (input, map)) in columns.iter_mut().zip(model.inputs.iter().zip(&model.map.inputs)) {
                column.push(match input.levels.len() {
                    0 => map.center + map.scale * rng.normal(),
                    n_levels => (row % n_levels) as f64,
                });
            }
        }
        let views: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
        let mut found = vec![Vec::new(); model.n_outputs()];
        Forward::new(&model).predict(&views, &mut found);
        for row in 0..n_rows {
            let x: Vec<f64> = columns.iter().map(|column| column[row]).collect();
            for (k, expected) in said(&model, &x).into_iter().enumerate() {
                let apart = (found[k][row] - expected).abs();
                assert!(
                    apart <= 1e-11 * expected.abs().max(1.0),
                    "{name}, row {row}: {apart:e} from {expected}"
                );
            }
        }
        // The rows that the run file contains must be predicted as well.
        let predictor = Predictor::new(&model);
        for check in &run.file.check_predictions {
            let (x, expected) = check.split_at(n_inputs);
            let found = predictor.columns(x);
            let found = match found.len() {
                1 => found[0],
                n => (0..n).fold(0, |best, k| if found[k] > found[best] { k } else { best }) as f64,
            };
            assert!((found - expected[0]).abs() <= 1e-11 * expected[0].abs().max(1.0), "{name}: {found}");
        }
    }
}

#[test]
fn a_score_gives_the_class_by_its_sign() {
    // The score 2.693 - 6.419 (t - 53) / 28 is 0 at 64.75 degrees.
    let mut file: Value = serde_json::from_str(&text("yes")).unwrap();
    file["config"]["loss"] = serde_json::json!({ "kind": "squared_hinge" });
    file["layers"][0]["activation"] = "linear".into();
    let mut predictor = Predictor::read(&file.to_string()).unwrap();
    let mut out = predictor.push(b"temperature (F)\n64\n65\n").unwrap();
    out.extend(predictor.finish().unwrap());
    let table = String::from_utf8(out).unwrap();
    assert_eq!(table.lines().next(), Some("temperature (F),distress predicted,score of 1"));
    assert_eq!(column(&table, "distress predicted"), [1.0, 0.0]);
    let scores = column(&table, "score of 1");
    for (found, temperature) in scores.iter().zip([64.0, 65.0]) {
        let expected = 2.693_454_265_594_482_4 - 6.418_939_590_454_102 * (temperature - 53.0) / 28.0;
        assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
    }
}

const HOUSES: &str = "\
\"street, number\",remodelled,built,living area (sq ft),lot (sq ft),note
\"1, Main\",never,1900,1200.5,6000,plain
2 Oak,recent,2001,2500,9000,\"has \"\"quotes\"\"\"
3 Elm,old,1950,1800,7e3,
";

#[test]
fn columns_are_found_by_name_and_all_others_stay() {
    let model = model("mixed");
    let expected: Vec<f64> =
        [[6000.0, 1200.5, 1900.0, 0.0], [9000.0, 2500.0, 2001.0, 2.0], [7000.0, 1800.0, 1950.0, 1.0]]
            .iter()
            .map(|x| said(&model, x)[0])
            .collect();
    let (whole, counts) = predicted("mixed", HOUSES.as_bytes(), usize::MAX);
    for (line, before) in whole.lines().skip(1).zip(HOUSES.lines().skip(1)) {
        assert_eq!(line.rsplit_once(',').unwrap().0, before);
    }
    assert!(whole.starts_with(
        "\"street, number\",remodelled,built,living area (sq ft),lot (sq ft),note,value ($1000) predicted\n"
    ));
    let found: Vec<f64> =
        whole.lines().skip(1).map(|line| line.rsplit_once(',').unwrap().1.parse().unwrap()).collect();
    for (found, expected) in found.iter().zip(&expected) {
        assert!((found - expected).abs() <= 1e-11 * expected.abs(), "{found} is not {expected}");
    }
    assert_eq!(
        (&counts["n_rows"], &counts["n_predicted"], &counts["n_bad"]),
        (&3.into(), &3.into(), &0.into())
    );
    let columns = ["lot (sq ft)", "living area (sq ft)", "built", "remodelled"];
    assert_eq!(counts["columns"], serde_json::json!(columns));
    assert_eq!(counts["preview"][0][6], "value ($1000) predicted");
    assert_eq!(counts["preview"][2][5], "has \"quotes\"");
    // The chunk size must not matter.
    for chunk in [1, 2, 7, 64] {
        assert_eq!(predicted("mixed", HOUSES.as_bytes(), chunk).0, whole, "by {chunk}");
    }
}

#[test]
fn tables_are_read_as_they_are_written() {
    let model = model("story");
    let [a, b] = [0.5, -0.25].map(|x| said(&model, &[x])[0]);
    let comma = |value: f64| value.to_string().replace('.', ",");
    let cases = [
        ("x\n0.5\n-0.25\n", format!("x,y predicted\n0.5,{a}\n-0.25,{b}\n")),
        ("x\r\n0.5\r\n-0.25", format!("x,y predicted\n0.5,{a}\n-0.25,{b}\n")),
        // Pasted cells without a header.
        ("0.5\n-0.25\n", format!("x,y predicted\n0.5,{a}\n-0.25,{b}\n")),
        ("0.5", format!("x,y predicted\n0.5,{a}\n")),
        ("id\tX\n1\t0.5\n2\t-0.25\n", format!("id\tX\ty predicted\n1\t0.5\t{a}\n2\t-0.25\t{b}\n")),
        ("id;x\n1;0,5\n2;-0,25\n", format!("id;x;y predicted\n1;0,5;{}\n2;-0,25;{}\n", comma(a), comma(b))),
        ("# made by hand\nid|x\n1|0.5\n2|-0.25\n", format!("id|x|y predicted\n1|0.5|{a}\n2|-0.25|{b}\n")),
        ("\u{FEFF}x,y\n0.5,1\n-0.25,0\n", format!("\u{FEFF}x,y,y predicted\n0.5,1,{a}\n-0.25,0,{b}\n")),
    ];
    for (table, expected) in cases {
        for chunk in [1, 3, usize::MAX] {
            let (found, counts) = predicted("story", table.as_bytes(), chunk);
            assert_eq!(found, expected, "{table:?} by {chunk}");
            assert_eq!(counts["n_bad"], 0);
        }
    }
    let utf16: Vec<u8> = "\u{FEFF}x\n0.5\n-0.25\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(predicted("story", &utf16, 5).0, format!("x,y predicted\n0.5,{a}\n-0.25,{b}\n"));
    // A column with another name is taken by position, with a notice.
    let (found, counts) = predicted("story", b"dose\n0.5\n", usize::MAX);
    assert_eq!(found, format!("dose,y predicted\n0.5,{a}\n"));
    assert_eq!(counts["notices"][0]["code"], "notice_by_order");
    assert_eq!(counts["notices"][0]["params"]["expected"], "dose");
}

#[test]
fn a_row_that_cannot_be_predicted_is_told_of_and_stays() {
    let table = "\
lot (sq ft),living area (sq ft),built,remodelled
6000,1200,1900,never
,1200,1900,never
6000,many,1900,never
6000,1200,1900,yesterday
6000,1200,1900
6000,1200,1900,never,again
6000,1200,NA,old
6000,1200,1900,old,
";
    let (out, counts) = predicted("mixed", table.as_bytes(), 13);
    assert_eq!(
        (&counts["n_rows"], &counts["n_predicted"], &counts["n_bad"]),
        (&8.into(), &2.into(), &6.into())
    );
    let told = |i: usize| {
        let problem = &counts["problems"][i];
        let param = |name: &str| problem["params"][name].as_str().unwrap_or_default().to_owned();
        (problem["code"].as_str().unwrap().to_owned(), param("row"), param("column"), param("text"))
    };
    let expected = [
        ("predict_missing", "3", "lot (sq ft)", ""),
        ("cell_not_a_number", "4", "living area (sq ft)", "many"),
        ("predict_level", "5", "remodelled", "yesterday"),
        ("predict_missing", "6", "remodelled", ""),
        ("row_width", "7", "", ""),
        ("predict_missing", "8", "built", ""),
    ];
    for (i, (code, row, column, text)) in expected.into_iter().enumerate() {
        assert_eq!(told(i), (code.to_owned(), row.to_owned(), column.to_owned(), text.to_owned()));
    }
    assert_eq!(counts["problems"][2]["params"]["levels"], "never, old, recent");
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines[2], ",1200,1900,never,");
    assert_eq!(lines[5], "6000,1200,1900,,");
    assert!(lines[8].starts_with("6000,1200,1900,old,") && lines[8].len() > 20);
    // All bad rows are counted, even if not all are reported.
    let many = format!("x\n{}", "?\n".repeat(5_000));
    let (_, counts) = predicted("story", many.as_bytes(), 999);
    assert_eq!((&counts["n_bad"], counts["problems"].as_array().unwrap().len()), (&5_000.into(), 20));
}

#[test]
fn a_table_without_the_columns_is_refused_by_name() {
    let missing = refused("mixed", b"lot (sq ft),built,remodelled\n1,2,never\n");
    assert_eq!((missing.code, &*missing.params["column"]), (Code::PredictColumn, "living area (sq ft)"));
    assert_eq!(missing.params["found"], "lot (sq ft), built, remodelled");
    assert!(missing.to_string().contains("Add the missing column or rename one"));
    let narrow = refused("mixed", b"1,2,3\n4,5,6\n");
    assert_eq!((narrow.code, &*narrow.params["found"]), (Code::PredictWidth, "3"));
    assert_eq!(refused("story", b"").code, Code::TableEmpty);
    assert_eq!(refused("story", b"x\n").code, Code::TableEmpty);
    assert_eq!(refused("story", b"x\n\0\0\0\0\n").code, Code::NotATable);
    assert_eq!(Predictor::read("{\"a\": 1}").unwrap_err().code, Code::Internal);
    assert_eq!(Predictor::read("{").unwrap_err().code, Code::WeightsNotJson);
}

#[test]
fn classes_are_words_with_their_probabilities() {
    let model = model("classes");
    let names: Vec<&str> = model.inputs.iter().map(|input| input.name.as_str()).collect();
    let x = [5.1, 3.5, 1.4, 0.2];
    let table = format!("{}\n5.1,3.5,1.4,0.2\n", names.join(","));
    let (out, _) = predicted("classes", table.as_bytes(), usize::MAX);
    let probabilities = said(&model, &x);
    let best = (0..3).max_by(|a, b| probabilities[*a].total_cmp(&probabilities[*b])).unwrap();
    for (class, expected) in model.target_levels.iter().zip(&probabilities) {
        let found = out.lines().nth(1).unwrap().split(',').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(found[4], model.target_levels[best]);
        let heading = format!("probability of {class}");
        let place = out.lines().next().unwrap().split(',').position(|name| name == heading).unwrap();
        let found: f64 = found[place].parse().unwrap();
        assert!((found - expected).abs() <= 1e-12, "{found} is not {expected}");
    }
    // With two classes, the probability is that of the second class.
    let model = self::model("yes");
    let row: Vec<f64> = model.map.inputs.iter().map(|input| input.center + 0.5 * input.scale).collect();
    let names: Vec<&str> = model.inputs.iter().map(|input| input.name.as_str()).collect();
    let cells: Vec<String> = row.iter().map(f64::to_string).collect();
    let table = format!("{}\n{}\n", names.join(","), cells.join(","));
    let (out, _) = predicted("yes", table.as_bytes(), usize::MAX);
    let class = |k: usize| model.target_levels.get(k).cloned().unwrap_or_else(|| k.to_string());
    let p = said(&model, &row)[0];
    assert_eq!(column(&out, &format!("probability of {}", class(1))).len(), 1);
    assert!((column(&out, &format!("probability of {}", class(1)))[0] - p).abs() <= 1e-12);
    assert!(out.lines().nth(1).unwrap().contains(&format!(",{},", class(usize::from(p > 0.5)))));
    // Typed rows must give the same result.
    let rows = serde_json::to_value(Predictor::new(&model).rows(&[cells])).unwrap();
    assert_eq!(rows["outputs"].as_array().unwrap().len(), 2);
    assert_eq!(rows["rows"][0]["values"][0], class(usize::from(p > 0.5)));
    assert!((rows["rows"][0]["values"][1].as_f64().unwrap() - p).abs() <= 1e-12);
}

#[test]
fn typed_values_are_predicted_or_told_of_one_by_one() {
    let model = model("mixed");
    let words = |row: [&str; 4]| row.map(str::to_owned).to_vec();
    let rows = Predictor::new(&model).rows(&[
        words(["6000", " 1200 ", "1900", "old"]),
        words(["6000", "1200", "1900", "new"]),
        words(["6000", "1,5", "1900", "old"]),
        words(["6000", "", "1900", "old"]),
        vec!["1".to_owned()],
    ]);
    let rows = serde_json::to_value(rows).unwrap();
    let expected = said(&model, &[6000.0, 1200.0, 1900.0, 1.0])[0];
    assert!((rows["rows"][0]["values"][0].as_f64().unwrap() - expected).abs() <= 1e-11 * expected);
    let code = |row: usize| rows["rows"][row]["problem"]["code"].as_str().unwrap().to_owned();
    assert_eq!(
        [1, 2, 3, 4].map(code),
        ["predict_level", "cell_decimal_comma", "predict_missing", "row_width"]
    );
    assert_eq!(rows["rows"][2]["problem"]["params"]["row"], "3");
}

/// The page holds a model from another tool's file in this form.
#[test]
fn a_model_without_a_run_predicts_as_well() {
    let model = model("mixed");
    let json = serde_json::to_string(&model).unwrap();
    let mut predictor = Predictor::read(&json).unwrap();
    let mut out = predictor.push(HOUSES.as_bytes()).unwrap();
    out.extend(predictor.finish().unwrap());
    assert_eq!(String::from_utf8(out).unwrap(), predicted("mixed", HOUSES.as_bytes(), usize::MAX).0);
}

/// Any input gives a table or a message, and the chunk size does not change the result.
#[test]
fn mutated_tables_are_predicted_or_refused() {
    let mut rng = Rng::new(5, Stream::Noise);
    let mut pick = |n: usize| (rng.uniform(0.0, 1.0) * n as f64) as usize;
    for _ in 0..5_000 {
        let mut table = HOUSES.as_bytes().to_vec();
        for _ in 0..=pick(6) {
            table.resize(table.len().max(1), b'1');
            let at = pick(table.len());
            match pick(4) {
                0 => table[at] = pick(256) as u8,
                1 => drop(table.remove(at)),
                2 => table.insert(at, *b"\",\n\r;\t0-".get(pick(8)).unwrap()),
                _ => table.truncate(at.max(1)),
            }
        }
        let by = |chunk: usize| {
            let mut predictor = Predictor::new(&model_of_houses());
            let mut out = Vec::new();
            for chunk in table.chunks(chunk) {
                out.extend(predictor.push(chunk)?);
            }
            out.extend(predictor.finish()?);
            downhill::message::Result::Ok((out, predictor.counts().clone()))
        };
        assert_eq!(by(usize::MAX), by(5), "{:?}", String::from_utf8_lossy(&table));
    }
}

fn model_of_houses() -> Model {
    thread_local!(static MODEL: Model = model("mixed"));
    MODEL.with(Clone::clone)
}

/// Every line of a pasted column of words is a row, even if the first could be a header.
#[test]
fn pasted_words_are_rows() {
    let levels = ["red", "green", "blue"].map(str::to_owned).to_vec();
    let colour = downhill::dataset::Input { name: "colour".to_owned(), levels };
    let model = Model::of_folded(
        (vec![colour], "price".to_owned()),
        &[1],
        Vec::new(),
        (vec![vec![2.0], vec![4.0]], Some(vec![1.0])),
        downhill::model::Response::Linear,
    );
    let mut predictor = Predictor::new(&model);
    let mut out = predictor.push(b"green\nred\nblue\n").unwrap();
    out.extend(predictor.finish().unwrap());
    assert_eq!(String::from_utf8(out).unwrap(), "colour,price predicted\ngreen,3\nred,1\nblue,5\n");
    assert_eq!(predictor.counts().notices[0].params["expected"], "column 1");
}
