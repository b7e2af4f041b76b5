//! Truncated, modified and malicious files must yield a message quickly and never a panic.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::io::{Cursor, Write as _};
use std::time::{Duration, Instant};

use downhill::message::Code;
use downhill::rng::philox4x32;
use downhill_model_files::formats;
use support::{hostile, run_of, sample, spec};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// The formats tested here; the others have their own tests.
const FORMATS: [&str; 10] = [
    "safetensors",
    "npz",
    "coefficients",
    "python",
    "javascript",
    "rust",
    "c",
    "sql",
    // All recipes share one reader.
    "recipe_keras",
    "page",
];
/// The number of mutations per format.
const N_MUTATIONS: u32 = 20_000;
/// The time limit for a file of any size: about a second in the page, and three times the eight
/// seconds that this unoptimized build needs at most.
const SOON: Duration = Duration::from_secs(24);

/// Reads a file that may be invalid; returns whether it was valid.
fn read(bytes: &[u8]) -> bool {
    let begun = Instant::now();
    let read = formats::read(bytes);
    assert!(begun.elapsed() < SOON, "a file took {:?}", begun.elapsed());
    read.is_ok_and(|found| {
        let weights = found.model.weights.iter().flatten().chain(found.model.bias.iter().flatten());
        assert!(weights.copied().all(f64::is_finite) && found.model.map.fits());
        true
    })
}

#[test]
fn files_that_end_anywhere_are_refused() {
    for format in FORMATS {
        let bytes = spec(format).write(&sample("story")).unwrap();
        assert!(read(&bytes));
        for n in 0..bytes.len() {
            // A table may end after any row, and the last line feed of a text does not matter.
            let may = format == "coefficients" || bytes[n..].trim_ascii().is_empty();
            assert!(!read(&bytes[..n]) || may, "{format:?} is read with {n} bytes of {}", bytes.len());
        }
    }
}

#[test]
fn files_that_were_changed_anywhere_do_no_harm() {
    const NUMBERS: [u64; 8] = [0, 1, 0x7F, 0xFFFF, 0x7FFF_FFFF, 0xFFFF_FFFF, 1 << 63, u64::MAX];
    for (stream, format) in (0_u32..).zip(FORMATS) {
        let valid = spec(format).write(&sample("story")).unwrap();
        let mut n_read = 0;
        for iteration in 0..N_MUTATIONS {
            let mut drawn = 0;
            let mut below = |n: usize| {
                drawn += 1;
                philox4x32([iteration, drawn, 0, 0], [5, stream])[0] as usize % n.max(1)
            };
            let mut bytes = valid.clone();
            for _ in 0..=below(3) {
                let at = below(bytes.len());
                match below(6) {
                    0 => bytes[at] ^= 1 << below(8),
                    1 => bytes[at] = below(256) as u8,
                    2 => {
                        let number = NUMBERS[below(NUMBERS.len())].to_le_bytes();
                        let n = [1, 2, 4, 8][below(4)].min(bytes.len() - at);
                        bytes[at..at + n].copy_from_slice(&number[..n]);
                    }
                    3 => drop(bytes.drain(at..(at + below(64)).min(valid.len().min(bytes.len())).max(at))),
                    4 => {
                        let some = bytes[at..(at + below(64)).min(bytes.len())].to_vec();
                        let to = below(bytes.len());
                        drop(bytes.splice(to..to, some));
                    }
                    _ => {
                        let word = [&b"NaN"[..], b"1e999", b"\"", b"{", b"\n", b"-1", b","][below(7)];
                        drop(bytes.splice(at..at, word.iter().copied()));
                    }
                }
                if bytes.is_empty() {
                    break;
                }
            }
            n_read += u32::from(read(&bytes));
        }
        println!("{format:?}: {n_read} of {N_MUTATIONS} are read");
    }
}

fn code(bytes: &[u8]) -> Code {
    let begun = Instant::now();
    let message = formats::read(bytes).unwrap_err();
    assert!(begun.elapsed() < SOON, "{message} after {:?}", begun.elapsed());
    message.code
}

fn safetensors(header: &str, n_values: usize) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(header.as_bytes());
    bytes.resize(bytes.len() + n_values, 0);
    bytes
}

#[test]
fn safetensors_of_lies() {
    let one = |text: &str| code(&safetensors(text, 8));
    // Huge lengths, shapes whose product overflows, and offsets that overlap or go backwards.
    assert_eq!(code(&[0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0, b'{', b'}']), Code::ModelDamaged);
    for header in [
        r#"{"weight":{"dtype":"F32","shape":[9223372036854775808,2],"data_offsets":[0,8]}}"#,
        r#"{"weight":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}}"#,
        r#"{"weight":{"dtype":"F32","shape":[2],"data_offsets":[0,9223372036854775807]}}"#,
        r#"{"weight":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#,
        r#"{"weight":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"bias":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#,
        r#"{"weight":{"dtype":"F99","shape":[2],"data_offsets":[0,8]}}"#,
        r#"{"weight":7}"#,
    ] {
        assert_eq!(one(header), Code::ModelDamaged, "{header}");
    }
    assert_eq!(one(r#"{"__metadata__":{"a":"b"}}"#), Code::ModelDamaged, "values of nothing");
    assert_eq!(code(&safetensors(r#"{"__metadata__":{"a":"b"}}"#, 0)), Code::ModelUnsupported);
    // A million tensors.
    let tensors: Vec<String> = (0..1_000_000)
        .map(|k| format!("\"{k}.weight\":{{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}}"))
        .collect();
    assert_eq!(code(&safetensors(&format!("{{{}}}", tensors.join(",")), 0)), Code::ModelTooLarge);
    // The maximum number of tensors in a header.
    let some = format!("{{{}}}", tensors[..50_000].join(","));
    assert_eq!(code(&safetensors(&some, 0)), Code::ModelTooDeep);
}

/// Returns an archive of arrays that consist of a header and this many zeros.
fn archive(files: &[(&str, &str, usize)]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for (name, header, n_zeros) in files {
        archive.start_file(format!("{name}.npy"), options).unwrap();
        archive.write_all(b"\x93NUMPY\x01\x00").unwrap();
        archive.write_all(&(header.len() as u16).to_le_bytes()).unwrap();
        archive.write_all(header.as_bytes()).unwrap();
        for _ in 0..n_zeros.div_ceil(1 << 20) {
            archive.write_all(&vec![0; (*n_zeros).min(1 << 20)]).unwrap();
        }
    }
    archive.finish().unwrap().into_inner()
}

#[test]
fn archives_that_burst() {
    let header = |shape: &str| format!("{{'descr': '<f8', 'fortran_order': True, 'shape': {shape}, }}");
    // 256 MB of zeros in 256 KB: only as many bytes are unpacked as the header declares.
    let bomb = archive(&[("kernel", &header("(1, 1)"), 256 << 20)]);
    assert!(bomb.len() < 1 << 20);
    assert!(read(&bomb));
    let bomb = archive(&[
        ("kernel", &header("(1, 1)"), 8),
        ("downhill.run", "{'descr': '|u1', 'fortran_order': False, 'shape': (268435456,), }", 256 << 20),
    ]);
    assert_eq!(code(&bomb), Code::ModelTooLarge);
    for shape in [
        "(9223372036854775808, 2)",
        "(4294967296, 4294967296)",
        "(0, 9223372036854775808)",
        "(9223372036854775808, 0)",
        "(1000000, 1000000)",
    ] {
        let code = code(&archive(&[("kernel", &header(shape), 16)]));
        assert!(
            [Code::ModelTooLarge, Code::ModelShape, Code::ModelDamaged].contains(&code),
            "{shape}: {code:?}"
        );
    }
    let many: Vec<(String, String)> = (0..5_000).map(|k| (format!("{k}.weight"), header("(1, 1)"))).collect();
    let many: Vec<(&str, &str, usize)> =
        many.iter().map(|(name, header)| (&name[..], &header[..], 8)).collect();
    assert_eq!(code(&archive(&many)), Code::ModelTooLarge);
    assert_eq!(code(&archive(&many[..500])), Code::ModelTooDeep);
}

#[test]
fn tables_of_lies() {
    let table = |rows: &str| format!("term,estimate\n{rows}");
    assert_eq!(code(table("x,1,5\nx,2\n").as_bytes()), Code::ModelUnsupported);
    assert_eq!(code(table("x,\n").as_bytes()), Code::ModelDamaged);
    assert_eq!(code(table("x,inf\n").as_bytes()), Code::ModelNotFinite);
    assert_eq!(code(table("(intercept),1\n").as_bytes()), Code::ModelUnsupported);
    assert_eq!(code(table("x,1\nx * x,1\n").as_bytes()), Code::ModelUnsupported);
    assert_eq!(code(table("x,1\nx^2,1\ny,1\ny * x^2,1\n").as_bytes()), Code::ModelUnsupported);
    assert_eq!(code(table("c = a,1\n").as_bytes()), Code::ModelUnsupported);
    assert_eq!(code(table("").as_bytes()), Code::ModelUnsupported);
    // A million rows, and names that consist only of separators.
    let rows: String = (0..1_000_000).map(|k| format!("x{k},1\n")).collect();
    let begun = Instant::now();
    assert_eq!(formats::read(table(&rows).as_bytes()).unwrap_err().code, Code::ModelTooLarge);
    println!("a million rows: {:?}", begun.elapsed());
    let long = " * ".repeat(100_000);
    assert!(read(table(&format!("{long},1\n")).as_bytes()));
}

#[test]
fn hostile_names_come_back_or_are_refused() {
    for (name, run) in hostile() {
        for format in ["safetensors", "npz", "coefficients"] {
            let Ok(bytes) = spec(format).write(&run) else {
                assert_eq!(format, "coefficients", "{name}");
                continue;
            };
            let found = formats::read(&bytes).unwrap_or_else(|error| panic!("{name} in {format:?}: {error}"));
            assert_eq!(found.model.inputs, run.model().inputs, "{name} in {format:?}");
        }
    }
    // These do not determine which term is which.
    for inputs in [
        &[("x", &[][..]), ("x^2", &[])][..],
        &[("(intercept)", &[])],
        &[("a", &[]), ("b", &[]), ("a * b", &[])],
        &[("c = d", &["a", "b"][..])],
    ] {
        let refused = spec("coefficients").write(&run_of(inputs, &[], "y", "linear")).unwrap_err();
        assert_eq!(refused.code, Code::ModelCannotHold, "{inputs:?}");
    }
}
