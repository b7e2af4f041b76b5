//! Tests of ONNX: round trips, and files of other tools, which must predict as these tools do.
#![allow(clippy::unwrap_used, missing_docs)]

use downhill::dataset::Input;
use downhill::foreign::Model;
use downhill::message::Code;
use downhill::rng::philox4x32;
use downhill_model_files::formats::{self, named};
use downhill_model_files::run::Run;
use serde_json::Value;

const SAMPLES: [&str; 7] = ["story", "unbiased", "powers", "mixed", "ten", "yes", "classes"];

fn path(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn sample(name: &str) -> Run {
    Run::read(&std::fs::read(path(&format!("samples/{name}.json"))).unwrap()).unwrap()
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(path(&format!("tests/fixtures/onnx/{name}"))).unwrap()
}

fn predict(model: &Model, row: &[Value]) -> Vec<f64> {
    let value = |(input, cell): (&Input, &Value)| match cell {
        Value::String(word) => input.levels.iter().position(|level| level == word).unwrap() as f64,
        number => number.as_f64().unwrap(),
    };
    let x: Vec<f64> = model.inputs.iter().zip(row).map(value).collect();
    model.predict(&x, &mut vec![0.0; model.map.n_features()])
}

#[test]
fn every_run_comes_back_to_the_bit() {
    for name in SAMPLES {
        let run = sample(name);
        let found = formats::read(&named("onnx").unwrap().write(&run).unwrap()).unwrap();
        assert_eq!(found.format, "onnx");
        assert_eq!(found.run.as_deref(), Some(run.text.as_str()), "{name}");
    }
}

#[test]
fn the_graph_alone_predicts_what_the_run_does() {
    for name in SAMPLES {
        let run = sample(name);
        let found = formats::read(&named("onnx").unwrap().write(&run).unwrap()).unwrap();
        let (expected, own) = (run.model(), found.model);
        assert_eq!(own.inputs.len(), expected.inputs.len(), "{name}");
        for (own, expected) in own.inputs.iter().zip(&expected.inputs) {
            assert_eq!(own.name, expected.name, "{name}");
            assert_eq!(own.levels, expected.levels, "{name}");
        }
        assert_eq!(own.activation, expected.activation, "{name}");
        // Compares coefficients: constants of the graph are f32 and are multiplied with each other.
        let (a, b) = (own.folded(), expected.folded());
        let largest = b.weights.iter().flatten().fold(0.0_f64, |largest, w| largest.max(w.abs()));
        for ((term, a), b) in
            own.term_names().iter().zip(a.weights.iter().flatten()).zip(b.weights.iter().flatten())
        {
            assert!((a - b).abs() <= 1e-5 * b.abs() + 1e-7 * largest, "{name}, {term}: {a} is not {b}");
        }
    }
}

#[test]
fn changed_weights_are_read_and_the_note_beside_them_is_not_believed() {
    let run = sample("story");
    let mut bytes = named("onnx").unwrap().write(&run).unwrap();
    let weight = (run.model().weights[0][0] as f32).to_le_bytes();
    let place = bytes.windows(4).position(|window| window == weight).unwrap();
    bytes[place..place + 4].copy_from_slice(&5.0_f32.to_le_bytes());
    let found = formats::read(&bytes).unwrap();
    assert_eq!(found.run, None);
    assert_eq!(found.model.weights[0][0], 5.0);
}

/// Reads every file of a list and compares its predictions with those of the tool that wrote it.
fn compare(list: &str, at_least: usize) {
    let expected: Value = serde_json::from_slice(&fixture(list)).unwrap();
    let cases = expected["cases"].as_array().unwrap();
    assert!(cases.len() >= at_least);
    let mut wrong = Vec::new();
    for case in cases {
        let name = case["file"].as_str().unwrap();
        let found = match formats::read(&fixture(name)) {
            Ok(found) => found,
            Err(refused) => {
                wrong.push(format!("{name}: {refused}"));
                continue;
            }
        };
        assert_eq!(found.format, "onnx");
        for (row, outputs) in case["rows"].as_array().unwrap().iter().zip(case["outputs"].as_array().unwrap())
        {
            let predicted = predict(&found.model, row.as_array().unwrap());
            let outputs: Vec<f64> = outputs.as_array().unwrap().iter().map(|y| y.as_f64().unwrap()).collect();
            assert_eq!(predicted.len(), outputs.len(), "{name}");
            for (a, b) in predicted.iter().zip(outputs) {
                if (a - b).abs() > 1e-5 * b.abs().max(1.0) {
                    wrong.push(format!("{name}: {a} is not {b}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn files_of_scikit_learns_converter_predict_as_it_does() {
    // expected.json comes from scikit-learn 1.9.1 through skl2onnx 1.20.0; see make.py there.
    compare("expected.json", 18);
}

#[test]
fn files_of_pytorch_predict_as_it_does() {
    // expected_torch.json comes from PyTorch 2.15.0 with both of its exporters (onnxscript 0.7.2);
    // see make_torch.py there.
    compare("expected_torch.json", 18);
}

#[test]
fn what_is_no_linear_model_of_pytorch_is_refused() {
    let expected: Value = serde_json::from_slice(&fixture("expected_torch.json")).unwrap();
    for name in expected["refused"].as_array().unwrap() {
        let name = name.as_str().unwrap();
        let refused = formats::read(&fixture(name)).expect_err(name);
        println!("{name}: {refused}");
        let deep = name.contains("deep") || name.contains("conv");
        let code = if deep { Code::ModelTooDeep } else { Code::ModelUnsupported };
        assert_eq!(refused.code, code, "{name}: {refused}");
    }
}

#[test]
fn a_network_is_refused_with_what_it_contains() {
    let refused = formats::read(&fixture("deep.onnx")).unwrap_err();
    assert_eq!(refused.code, Code::ModelTooDeep);
    assert_eq!(refused.params["found"], "Gemm (4 x 3), Relu, Gemm (1 x 4)");
}

#[test]
fn a_file_cut_at_any_byte_is_refused_or_read() {
    for name in ["sklearn_columns.onnx", "gemm_trans_b.onnx", "matmul_double.onnx"] {
        let whole = fixture(name);
        let model = formats::read(&whole).unwrap().model;
        for end in 0..whole.len() {
            // A file may end between two fields of the outermost message; the missing fields are
            // then metadata.
            if let Ok(found) = formats::read(&whole[..end]) {
                assert_eq!(found.model, model, "{name} cut after {end} bytes");
            }
        }
    }
}

#[test]
fn a_file_of_a_million_parts_is_refused_before_they_are_made() {
    // Field 7, the graph, with a million empty constants (field 5).
    let tensors = [0x2A, 0x00].repeat(1_000_000);
    let mut bytes = vec![0x08, 7, 0x3A];
    let mut length = tensors.len();
    while length > 0x7F {
        bytes.push((length & 0x7F) as u8 | 0x80);
        length >>= 7;
    }
    bytes.push(length as u8);
    bytes.extend(tensors);
    assert_eq!(formats::read(&bytes).unwrap_err().code, Code::ModelTooLarge);
    // A length of 2^63.
    let endless = [&[0x08, 7, 0x3A][..], &[0xFF; 8], &[0x7F]].concat();
    assert_eq!(formats::read(&endless).unwrap_err().code, Code::ModelDamaged);
}

#[test]
fn our_own_file_cut_at_any_byte_is_refused_or_read() {
    for name in ["story", "mixed"] {
        let whole = named("onnx").unwrap().write(&sample(name)).unwrap();
        let model = formats::read(&whole).unwrap().model;
        for end in 0..whole.len() {
            if let Ok(found) = formats::read(&whole[..end]) {
                // Without the metadata, columns have the graph's names, so only coefficients are compared.
                let (own, expected) = (found.model.folded(), model.folded());
                assert_eq!(own.weights, expected.weights, "{name} cut after {end} bytes");
            }
        }
    }
}

#[test]
fn files_that_were_changed_anywhere_do_no_harm() {
    let names =
        ["sklearn_two_categories", "sklearn_polynomial", "sklearn_named", "torch_powers", "torch_norm"];
    let mut corpus: Vec<Vec<u8>> = names.iter().map(|name| fixture(&format!("{name}.onnx"))).collect();
    corpus.extend(
        ["story", "mixed", "classes"].map(|name| named("onnx").unwrap().write(&sample(name)).unwrap()),
    );
    let begun = std::time::Instant::now();
    let mut n_read = 0;
    for iteration in 0..20_000 {
        let mut drawn = 0;
        let mut below = |n: usize| {
            drawn += 1;
            philox4x32([iteration, drawn, 0, 0], [5, 77])[0] as usize % n.max(1)
        };
        let mut bytes = corpus[below(corpus.len())].clone();
        // The metadata are only compared as text; the graph before them is what the reader
        // evaluates.
        let within = bytes.len().min(2000);
        for _ in 0..=below(3) {
            let at = below(within.min(bytes.len()));
            match below(5) {
                0 => bytes[at] ^= 1 << below(8),
                1 => bytes[at] = below(256) as u8,
                2 => bytes[at] = [0x00, 0x01, 0x7F, 0x80, 0xFF][below(5)],
                3 => drop(bytes.drain(at..(at + below(16)).min(bytes.len()))),
                _ => {
                    let some = bytes[at..(at + below(32)).min(bytes.len())].to_vec();
                    drop(bytes.splice(at..at, some));
                }
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
    println!("{n_read} of 20,000 are read, {:?}", begun.elapsed());
    assert!(n_read > 100, "mutations that leave nothing to read find nothing");
}

#[test]
fn no_table_is_taken_for_a_model() {
    let mut n_files = 0;
    let mut folders = vec![path("../tables/tests"), path("../parquet-and-workbooks/tests"), path("../tests")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            assert_ne!(
                formats::recognize(&std::fs::read(&path).unwrap()),
                named("onnx"),
                "{}",
                path.display()
            );
            n_files += 1;
        }
    }
    assert!(n_files > 50, "{n_files}");
    for bytes in [&b""[..], b"\x08", b"\x08\x07", b"x,y\n1,2\n", b"\x08,\n", b"\x08\x07,1\n"] {
        assert_eq!(formats::recognize(bytes), None, "{bytes:?}");
    }
}
