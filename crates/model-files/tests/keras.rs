//! Tests of Keras and TensorFlow.js files: round trips, files that these tools wrote, and malicious
//! files.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::io::{Cursor, Read, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use downhill::foreign::Model;
use downhill::message::Code;
use downhill::rng::{Rng, Stream};
use downhill_model_files::formats::{self, Found, named};
use downhill_model_files::run::Run;
use serde_json::{Value, json};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

const SAMPLES: [&str; 7] = ["story", "unbiased", "powers", "mixed", "ten", "yes", "classes"];
const FORMATS: [&str; 3] = ["keras_h5", "keras", "tfjs"];

fn sample(name: &str) -> Run {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("samples/{name}.json"));
    Run::read(&fs::read(path).unwrap()).unwrap()
}

fn fixture(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/keras").join(name)).unwrap()
}

/// Returns every sample in every format that can express it.
fn written() -> Vec<(String, &'static str, Run, Vec<u8>)> {
    let mut files = Vec::new();
    for name in SAMPLES {
        let run = sample(name);
        for format in FORMATS {
            match named(format).unwrap().write(&run) {
                Ok(bytes) => files.push((format!("{name} as {format:?}"), format, run.clone(), bytes)),
                // TensorFlow.js has no exponential activation.
                Err(error) => assert_eq!((name, error.code), ("powers", Code::ModelCannotHold)),
            }
        }
    }
    assert_eq!(files.len(), SAMPLES.len() * FORMATS.len() - 1);
    files
}

/// Returns the files of an archive.
fn unpacked(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).unwrap();
    let file = |place| {
        let mut file = archive.by_index(place).unwrap();
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).unwrap();
        (file.name().unwrap().to_string(), bytes)
    };
    let n = ZipArchive::new(Cursor::new(bytes)).unwrap().len();
    (0..n).map(file).collect()
}

fn packed(files: &[(String, Vec<u8>)], method: CompressionMethod) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        archive.start_file(name.as_str(), SimpleFileOptions::default().compression_method(method)).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// Returns an archive in which the JSON of one file is changed.
fn with_json(bytes: &[u8], name: &str, change: impl Fn(&mut Value)) -> Vec<u8> {
    let mut files = unpacked(bytes);
    for (own, bytes) in &mut files {
        if own == name {
            let mut json = serde_json::from_slice(bytes).unwrap();
            change(&mut json);
            *bytes = json.to_string().into_bytes();
        }
    }
    packed(&files, CompressionMethod::Deflated)
}

fn n_features(run: &Run) -> usize {
    run.file.layers[0].kernel.len()
}

fn outputs(model: &Model, row: &[f64]) -> Vec<f64> {
    model.predict(row, &mut vec![0.0; model.map.n_features()])
}

#[test]
fn what_is_written_is_read_again_with_its_run() {
    for (name, format, run, bytes) in written() {
        assert_eq!(formats::recognize(&bytes), named(format), "{name}");
        let found = formats::read(&bytes).unwrap();
        assert_eq!(found.run.as_deref(), Some(&run.text[..]), "{name}");
        let (own, read) = (run.model(), &found.model);
        let names = |model: &Model| (model.inputs.clone(), model.target.clone(), model.target_levels.clone());
        assert_eq!(names(&own), names(read), "{name}");
        assert_eq!(own.activation, read.activation, "{name}");
        assert_eq!(own.term_names(), read.term_names(), "{name}");
        let n = own.inputs.len();
        for row in run.file.check_predictions.iter().map(|row| &row[..n]) {
            for (a, b) in outputs(&own, row).iter().zip(outputs(read, row)) {
                // TensorFlow.js stores the scaling in f32, Keras in f64.
                let allowed = if format == "tfjs" { 1e-5 } else { 1e-12 };
                assert!((a - b).abs() <= allowed * a.abs().max(1.0), "{name}: {a} and {b}");
            }
        }
    }
}

/// A model of plain numbers survives bit for bit, even without the note.
#[test]
fn weights_of_plain_numbers_keep_every_bit() {
    for (name, format, run, bytes) in written() {
        let scaled = ["ten as", "yes as", "classes as"].iter().any(|scaled| name.starts_with(scaled));
        let plain = ["story as", "unbiased as"].iter().any(|plain| name.starts_with(plain));
        if !plain && (!scaled || format == "tfjs") {
            continue;
        }
        let (own, found) = (run.model(), formats::read(&bytes).unwrap());
        assert_eq!(own.weights, found.model.weights, "{name}");
        assert_eq!(own.bias, found.model.bias, "{name}");
        assert_eq!(own.map, found.model.map, "{name}");
    }
}

/// If the model was trained further elsewhere and the note is outdated, the weights count.
#[test]
fn a_note_that_says_something_else_is_not_believed() {
    for (name, format, run, bytes) in written() {
        let mut file: Value = serde_json::from_str(&run.text).unwrap();
        let weight = &mut file["layers"][0]["kernel"][1 % n_features(&run)][0];
        *weight = Value::from(-weight.as_f64().unwrap());
        let other = Run::read(file.to_string().as_bytes()).unwrap();
        let changed = match format {
            "keras_h5" => {
                let (a, b) = (run.text.as_bytes(), other.text.as_bytes());
                let place = bytes.windows(a.len()).position(|own| own == a).unwrap();
                let mut changed = bytes.clone();
                // A missing sign can be replaced by a blank, but there is no room for an additional
                // one.
                if b.len() > a.len() {
                    continue;
                }
                changed[place..place + a.len()].fill(b' ');
                changed[place..place + b.len()].copy_from_slice(b);
                changed
            }
            "keras" => {
                with_json(&bytes, "metadata.json", |json| json["downhill"] = Value::from(&other.text[..]))
            }
            _ => with_json(&bytes, "model.json", |json| {
                json["userDefinedMetadata"]["downhill"] = Value::from(&other.text[..]);
            }),
        };
        let found = formats::read(&changed).unwrap();
        assert_eq!(found.run, None, "{name}");
        assert_eq!(
            found.model,
            formats::read(&bytes).unwrap().model,
            "{name}: names are taken, weights are not"
        );
    }
}

#[test]
fn reads_what_keras_and_tensorflow_js_wrote() {
    let expected: Value = serde_json::from_slice(&fixture("expected.json")).unwrap();
    let mut n_read = 0;
    for (name, expected) in expected.as_object().unwrap() {
        let found = formats::read(&fixture(name));
        if name.contains("deep") || name.contains("convolved") {
            let error = found.unwrap_err();
            assert_eq!(error.code, Code::ModelTooDeep, "{name}");
            let layers = match &name[..] {
                "tfjs_deep.zip" => "Dense(16, tanh), Dense(1, linear)",
                _ if name.contains("deep") => "Dense(16, relu), Dense(1, linear)",
                _ => "Conv1D, Flatten, Dense(1, linear)",
            };
            assert_eq!(error.params["found"], layers, "{name}");
            continue;
        }
        let Found { producer, model, run, .. } = found.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(run, None);
        let producer = producer.unwrap();
        match expected["keras"].as_str() {
            Some(version) => assert_eq!(producer, format!("Keras {version}")),
            None => assert!(producer.ends_with("v4.22.0"), "{producer}"),
        }
        let rows = expected["rows"].as_array().unwrap();
        for (row, wanted) in rows.iter().zip(expected["outputs"].as_array().unwrap()) {
            let number = |(place, value): (usize, &Value)| match value.as_str() {
                Some(word) => {
                    model.inputs[place].levels.iter().position(|level| level == word).unwrap() as f64
                }
                None => value.as_f64().unwrap(),
            };
            let row: Vec<f64> = row.as_array().unwrap().iter().enumerate().map(number).collect();
            let found = outputs(&model, &row);
            assert_eq!(found.len(), wanted.as_array().unwrap().len(), "{name}");
            for (found, wanted) in found.iter().zip(wanted.as_array().unwrap()) {
                let wanted = wanted.as_f64().unwrap();
                assert!(
                    (found - wanted).abs() <= 2e-6 * wanted.abs().max(1.0),
                    "{name}: {found} and {wanted}"
                );
            }
        }
        n_read += 1;
    }
    assert_eq!(n_read, 19);
}

#[test]
fn a_scaled_year_stays_scaled() {
    let model = formats::read(&fixture("k3_mixed.keras")).unwrap().model;
    let names: Vec<&str> = model.inputs.iter().map(|input| &input.name[..]).collect();
    assert_eq!(names, ["size", "built", "colour"]);
    assert_eq!((model.map.inputs[1].center, model.map.inputs[1].scale), (1937.0, 25.0));
    assert_eq!(model.inputs[2].levels, ["red", "green", "blue"]);
}

#[test]
fn odd_files_are_read_or_refused_in_a_moment() {
    for name in ["odd_big_endian.h5", "odd_float64.h5", "odd_circle.h5"] {
        let started = Instant::now();
        let (odd, plain) = (formats::read(&fixture(name)), formats::read(&fixture("k2_dense.h5")).unwrap());
        println!("{name}: {:?} {:?}", odd.as_ref().map(|_| ()), started.elapsed());
        // A long cycle is either cut short or exceeds a limit.
        if name != "odd_circle.h5" || odd.is_ok() {
            assert_eq!(odd.unwrap().model, plain.model, "{name}");
        }
        assert!(started.elapsed() < Duration::from_secs(5), "{name}: {:?}", started.elapsed());
    }
    let refused = [
        ("odd_huge.h5", Code::ModelTooLarge),
        ("odd_nan.h5", Code::ModelNotFinite),
        ("odd_other.h5", Code::ModelDamaged),
        ("odd_references.h5", Code::ModelDamaged),
    ];
    for (name, code) in refused {
        let started = Instant::now();
        let error = formats::read(&fixture(name)).unwrap_err();
        println!("{name}: {error} {:?}", started.elapsed());
        assert_eq!(error.code, code, "{name}");
        assert!(started.elapsed() < Duration::from_secs(5), "{name}: {:?}", started.elapsed());
    }
}

#[test]
fn what_an_archive_claims_is_not_believed() {
    let tfjs = named("tfjs").unwrap().write(&sample("story")).unwrap();
    let code = |bytes: &[u8]| formats::read(bytes).unwrap_err().code;
    let weights = |change: &dyn Fn(&mut Value)| {
        with_json(&tfjs, "model.json", |json| change(&mut json["weightsManifest"][0]["weights"]))
    };
    let of_shape = |shape: Value| code(&weights(&|all| all[0]["shape"] = shape.clone()));
    assert_eq!(of_shape(json!([1_u64 << 63, 1])), Code::ModelDamaged);
    assert_eq!(of_shape(json!([1_u64 << 32, 1_u64 << 32])), Code::ModelDamaged);
    assert_eq!(of_shape(json!([-1, 1])), Code::ModelDamaged);
    assert_eq!(of_shape(json!([2, 2])), Code::ModelDamaged);
    assert_eq!(of_shape(json!([1, 1, 1])), Code::ModelShape);
    assert_eq!(code(&weights(&|all| all[0]["dtype"] = Value::from("int32"))), Code::ModelUnsupported);
    assert_eq!(code(&weights(&|all| *all = Value::from(vec![json!({}); 20_000]))), Code::ModelUnsupported);
    let empty = json!({ "name": "a", "shape": [0], "dtype": "float32" });
    let many = Value::from(vec![empty; 1_000_000]);
    assert_eq!(code(&weights(&|all| *all = many.clone())), Code::ModelTooLarge);
    // A ZIP bomb: 200 MB of zeros pack into 200 kB.
    let mut files = unpacked(&tfjs);
    files[1].1 = vec![0; 200 << 20];
    assert_eq!(code(&packed(&files, CompressionMethod::Deflated)), Code::ModelTooLarge);
    // NaN weights.
    files[1].1 = f32::NAN.to_le_bytes().repeat(2);
    assert_eq!(code(&packed(&files, CompressionMethod::Stored)), Code::ModelNotFinite);
    // An archive without its weights.
    assert_eq!(code(&packed(&files[..1], CompressionMethod::Stored)), Code::ModelDamaged);
    let json = &files[0].1;
    assert_eq!((formats::recognize(json), code(json)), (named("tfjs"), Code::ModelDamaged));
}

#[test]
fn graphs_that_lead_nowhere_are_refused() {
    let mixed = named("tfjs").unwrap().write(&sample("mixed")).unwrap();
    let changed = |change: &dyn Fn(&mut Value)| {
        with_json(&mixed, "model.json", |json| change(&mut json["modelTopology"]["model_config"]["config"]))
    };
    fn feed(config: &mut Value, name: &str, from: &[&str]) {
        let layers = config["layers"].as_array().unwrap();
        let place = layers.iter().position(|layer| layer["name"] == name).unwrap();
        let from: Vec<Value> = from.iter().map(|from| json!([from, 0, 0, {}])).collect();
        config["layers"][place]["inbound_nodes"] = json!([from]);
    }
    let fed =
        |name: &str, from: &[&str]| formats::read(&changed(&|config| feed(config, name, from))).unwrap_err();
    assert_eq!(fed("scaled", &["features"]).code, Code::ModelDamaged);
    assert_eq!(fed("scaled", &["scaled"]).code, Code::ModelDamaged);
    assert_eq!(fed("scaled", &["nobody"]).code, Code::ModelDamaged);
    assert_eq!(fed("scaled", &[]).code, Code::ModelUnsupported);
    // Neither distances to levels nor the index of a level may enter computations.
    assert_eq!(fed("row", &["distances_to_levels", "distances_to_levels"]).code, Code::ModelShape);
    let error = fed("row", &["inputs", "levels"]);
    assert!([Code::ModelShape, Code::ModelNotFinite].contains(&error.code), "{error}");
    // Columns that are doubled a hundred times.
    let grown = changed(&|config| {
        let mut before = "row".to_owned();
        for k in 0..100 {
            let name = format!("grown_{k}");
            let layer = json!({ "name": name, "class_name": "Concatenate", "config": { "name": name } });
            config["layers"].as_array_mut().unwrap().push(layer);
            feed(config, &name, &[&before, &before]);
            before = name;
        }
        feed(config, "dense", &[&before]);
    });
    let started = Instant::now();
    assert_eq!(formats::read(&grown).unwrap_err().code, Code::ModelTooLarge);
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}

#[test]
fn a_file_that_ends_anywhere_is_refused() {
    let files = [
        named("keras_h5").unwrap().write(&sample("story")).unwrap(),
        fixture("k3_dense.h5"),
        named("keras").unwrap().write(&sample("story")).unwrap(),
        named("tfjs").unwrap().write(&sample("mixed")).unwrap(),
        packed(&unpacked(&fixture("k3_dense.keras")), CompressionMethod::Deflated),
        fixture("tfjs_powers.zip"),
    ];
    for bytes in &files {
        for end in 0..bytes.len() {
            let error = formats::read(&bytes[..end]).map(drop).unwrap_err();
            let known = [Code::ModelDamaged, Code::ModelUnknown, Code::ModelShape];
            assert!(known.contains(&error.code), "{end} of {}: {error}", bytes.len());
        }
    }
}

/// Changes a few bytes of a valid file but leaves most of it intact, so that a reader gets far
/// before it meets a fault.
fn mutated(bytes: &[u8], rng: &mut Rng) -> Vec<u8> {
    const NUMBERS: [u64; 12] = [
        0,
        1,
        0x7F,
        0xFF,
        0xFFFF,
        0x7FFF_FFFF,
        0x8000_0000,
        0xFFFF_FFFF,
        1 << 40,
        i64::MAX as u64,
        1 << 63,
        u64::MAX,
    ];
    let mut bytes = bytes.to_vec();
    let mut below = |n: usize| (rng.uniform(0.0, n as f64) as usize).min(n - 1);
    for _ in 0..1 + below(4) {
        if bytes.is_empty() {
            break;
        }
        let at = below(bytes.len());
        match below(6) {
            0 => bytes[at] = below(256) as u8,
            1 => bytes[at] ^= 1 << below(8),
            2 => {
                let number = NUMBERS[below(NUMBERS.len())].to_le_bytes();
                let n = [1, 2, 4, 8][below(4)].min(bytes.len() - at);
                bytes[at..at + n].copy_from_slice(&number[..n]);
            }
            3 => {
                let (from, n) = (below(bytes.len()), 1 + below(64));
                let n = n.min(bytes.len() - at).min(bytes.len() - from);
                bytes.copy_within(from..from + n, at);
            }
            4 => {
                let n = (1 + below(16)).min(bytes.len() - at);
                bytes.drain(at..at + n);
            }
            _ => bytes[at] = b"0123456789[]{}\",:"[below(17)],
        }
    }
    bytes
}

/// Runs 20,000 mutations per format; half of those of an archive change the files inside.
fn mutations(format: &str, seeds: &[Vec<u8>]) {
    let mut rng = Rng::new(5, Stream::InitialWeights);
    let (mut slowest, mut n_read) = (Duration::ZERO, 0);
    for case in 0..20_000 {
        let seed = &seeds[case % seeds.len()];
        let bytes = if format != "keras_h5" && case % 4 < 2 {
            let mut files = unpacked(seed);
            let place = (case / 4) % files.len();
            files[place].1 = mutated(&files[place].1, &mut rng);
            packed(&files, CompressionMethod::Stored)
        } else {
            mutated(seed, &mut rng)
        };
        let started = Instant::now();
        n_read += usize::from(formats::read(&bytes).is_ok());
        slowest = slowest.max(started.elapsed());
    }
    println!("{format:?}: {n_read} of 20000 were read; the slowest took {slowest:?}");
    assert!(slowest < Duration::from_secs(5), "{slowest:?}");
}

/// Repeats the files, so that they are picked more often.
fn thrice<const N: usize>(files: [Vec<u8>; N]) -> Vec<Vec<u8>> {
    std::iter::repeat_n(files, 3).flatten().collect()
}

#[test]
fn no_change_of_an_h5_file_is_more_than_an_error() {
    let names = ["k2_dense.h5", "k3_dense.h5", "k2_adapted.h5", "k3_mixed.h5", "k2_normed.h5"];
    // Files with a note are slower: they are read, written and read again.
    let mut seeds = thrice(names.map(fixture));
    seeds.extend(["story", "mixed"].map(|name| named("keras_h5").unwrap().write(&sample(name)).unwrap()));
    mutations("keras_h5", &seeds);
}

#[test]
fn no_change_of_a_keras_file_is_more_than_an_error() {
    let names = ["k2_dense.keras", "k3_adapted.keras", "k3_mixed.keras", "k3_normed.keras"];
    // Files with a note are slower: they are read, written and read again.
    let mut seeds = thrice(names.map(fixture));
    seeds.extend(["story", "mixed"].map(|name| named("keras").unwrap().write(&sample(name)).unwrap()));
    mutations("keras", &seeds);
}

#[test]
fn no_change_of_a_tensorflow_js_file_is_more_than_an_error() {
    let mut seeds = thrice(["tfjs_dense.zip", "tfjs_normed.zip", "tfjs_powers.zip"].map(fixture));
    seeds.extend(["story", "mixed"].map(|name| named("tfjs").unwrap().write(&sample(name)).unwrap()));
    mutations("tfjs", &seeds);
}
