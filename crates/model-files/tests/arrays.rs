//! Tests of safetensors, NumPy archives and coefficient tables: round trips, and files of other
//! tools.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use downhill::message::Code;
use downhill::model::Response;
use downhill_model_files::formats;
use support::{SAMPLES, difference, fixture, rows, sample, spec};

const FORMATS: [&str; 3] = ["safetensors", "npz", "coefficients"];

#[test]
fn what_is_written_is_read_again_with_the_same_predictions() {
    for name in SAMPLES {
        let run = sample(name);
        let model = run.model();
        for format in FORMATS {
            let bytes = spec(format).write(&run).unwrap();
            assert_eq!(formats::recognize(&bytes), Some(spec(format)), "{name}");
            assert_eq!(bytes, spec(format).write(&run).unwrap(), "{name}: the same bytes each time");
            let found = formats::read(&bytes).unwrap();
            // Folded coefficients are f64; those of powers far from 0 lose some digits by
            // cancellation.
            let off = difference(&model, &found.model, &rows(&run, 50));
            assert!(off < 1e-14, "{name} in {format:?}: {off}");
            if !model.is_scaled() {
                assert_eq!(found.model.weights, model.weights, "{name}: f32 is held to the bit");
                assert_eq!(found.model.bias, model.bias, "{name}");
            }
            assert_eq!(found.model.activation, model.activation, "{name}");
            assert_eq!(found.model.inputs, model.inputs, "{name}");
            assert_eq!(found.model.term_names(), model.term_names(), "{name}");
            if format != "coefficients" {
                assert_eq!(found.run, Some(run.text.clone()), "{name} in {format:?}");
                assert_eq!(found.model.target, model.target);
                assert_eq!(found.model.target_levels, model.target_levels);
            }
        }
    }
}

#[test]
fn a_run_is_not_believed_beside_other_weights() {
    let run = sample("story");
    for format in ["safetensors", "npz"] {
        let mut bytes = spec(format).write(&run).unwrap();
        let weight = 1.977_416_f32.to_le_bytes();
        let at = bytes.windows(4).position(|window| window == weight).unwrap();
        bytes[at + 3] ^= 0x80;
        match formats::read(&bytes) {
            Ok(found) => {
                assert_eq!(found.run, None, "{format:?}");
                assert_eq!(found.model.weights, [[-1.977_416_038_513_183_6]]);
            }
            // ZIP archives have checksums.
            Err(message) => assert_eq!((message.code, format), (Code::ModelDamaged, "npz")),
        }
    }
}

/// Checks files of `tests/fixtures/arrays`, which `make.py` there wrote. They contain `y = 2 a - 3
/// b + 0.5` or, for classes, `[feature][output]` `[[1, 2, 3], [4, 5, 6]]` and `[0.25, 0.5, 0.75]`.
fn check_lines(files: &[&str], activation: Response) {
    for name in files {
        let found = formats::read(&fixture(&format!("arrays/{name}")))
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let (weights, bias) = (found.model.weights, found.model.bias);
        match activation {
            Response::Softmax => {
                assert_eq!(weights, [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], "{name}");
                assert_eq!(bias, Some(vec![0.25, 0.5, 0.75]), "{name}");
            }
            _ => {
                assert_eq!(weights, [[2.0], [-3.0]], "{name}");
                assert_eq!(bias, (!name.contains("no_bias")).then(|| vec![0.5]), "{name}");
            }
        }
        assert_eq!(found.model.activation, activation, "{name}");
    }
}

#[test]
fn files_of_safetensors_itself_are_read() {
    check_lines(
        &[
            "f32.safetensors",
            "f64.safetensors",
            "f16.safetensors",
            "bf16.safetensors",
            "sequential.safetensors",
            "named.safetensors",
            "fc.safetensors",
            "keras.safetensors",
            "no_bias.safetensors",
        ],
        Response::Linear,
    );
    check_lines(&["classes.safetensors"], Response::Softmax);
}

#[test]
fn files_of_numpy_itself_are_read() {
    check_lines(
        &[
            "f32.npz",
            "f64.npz",
            "f16.npz",
            "big_endian.npz",
            "fortran.npz",
            "packed.npz",
            "sklearn.npz",
            "sklearn_2d.npz",
            "torch.npz",
            "w_b.npz",
            "keras.npz",
            "no_bias.npz",
            "integers.npz",
        ],
        Response::Linear,
    );
    check_lines(&["classes.npz", "classes_fortran.npz", "classes_torch.npz"], Response::Softmax);
    let names = formats::read(&fixture("arrays/sklearn.npz")).unwrap().model.inputs;
    assert_eq!([&names[0].name[..], &names[1].name], ["a", "b"], "feature_names_in_");
}

#[test]
fn an_archive_of_a_table_is_no_model() {
    assert_eq!(formats::recognize(&fixture("arrays/table.npz")), None);
}

#[test]
fn tables_of_coefficients_of_others_are_read() {
    let of = |text: &str| formats::read(text.as_bytes()).map(|found| found.model);
    let model = of("term,estimate,std.error\n(Intercept),0.5,1\na,2,1\nb,-3,1\n").unwrap();
    assert_eq!((model.weights, model.bias), (vec![vec![2.0], vec![-3.0]], Some(vec![0.5])));
    // Terms in any order, including powers and products.
    let model = of("term,estimate\na * b,4\na^2,3\nb,2\na,1\n").unwrap();
    assert_eq!(model.term_names(), ["b", "a", "a^2", "a * b"].map(String::from)[..].to_vec().as_slice());
}

#[test]
fn what_is_more_than_a_layer_is_refused_with_what_it_holds() {
    let code = |name: &str| formats::read(&fixture(&format!("arrays/{name}"))).unwrap_err();
    for name in ["deep.safetensors", "deep.npz"] {
        let message = code(name);
        assert_eq!(message.code, Code::ModelTooDeep, "{name}");
        assert!(message.to_string().contains("0.weight"), "{message}");
    }
    assert_eq!(code("norm.safetensors").code, Code::ModelShape);
    assert_eq!(code("integers.safetensors").code, Code::ModelUnsupported);
    assert_eq!(code("nan.safetensors").code, Code::ModelNotFinite);
    assert_eq!(code("nan.npz").code, Code::ModelNotFinite);
    assert_eq!(code("wide.npz").code, Code::ModelTooLarge);
    assert_eq!(code("three.npz").code, Code::ModelShape);
}

#[test]
fn a_history_is_a_table_with_gaps_where_nothing_was_measured() {
    let text = std::fs::read(support::root().join("samples/story.json")).unwrap();
    let mut file: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let written = |file: &serde_json::Value| {
        let run = downhill_model_files::run::Run::read(file.to_string().as_bytes()).unwrap();
        String::from_utf8(spec("history").write(&run).unwrap()).unwrap()
    };
    let header = "step,loss,batch_loss,learning_rate,validation_loss\n";
    assert_eq!(written(&file), format!("{header}1000,0.008702403865754604,,,\n"), "before files had any");
    file["history"] = serde_json::json!({
        "step": [0, 1], "loss": [2.0, 1.5], "batch_loss": [null, 1.75], "learning_rate": [0.1, 1e-7], "validation_loss": [],
    });
    let table = written(&file);
    assert_eq!(table, format!("{header}0,2.0,,0.1,\n1,1.5,1.75,1e-7,\n"));
    assert_eq!(formats::recognize(table.as_bytes()), None, "it is no model");
}
