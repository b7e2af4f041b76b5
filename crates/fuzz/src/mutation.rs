//! Mutates valid inputs but leaves most of an input intact, so that a reader gets far before it
//! meets a fault.

use std::io::{Cursor, Read, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use crate::random::Random;
use crate::target::Target;

/// The maximum bytes of an input.
const MAX_BYTES: usize = 1 << 18;

/// Numbers that make lengths, counts and offsets wrong.
const NUMBERS: &[u64] = &[
    0,
    1,
    2,
    3,
    7,
    8,
    0x7F,
    0x80,
    0xFF,
    0x100,
    0x7FFF,
    0x8000,
    0xFFFF,
    0x1_0000,
    0x7FFF_FFFF,
    0x8000_0000,
    0xFFFF_FFFF,
    0x1_0000_0000,
    0x7FFF_FFFF_FFFF_FFFF,
    0x8000_0000_0000_0000,
    0xFFFF_FFFF_FFFF_FFFF,
];

/// Words that make text wrong.
const WORDS: &[&str] = &[
    "0",
    "-1",
    "1e308",
    "1e-308",
    "-1e999",
    "NaN",
    "inf",
    "null",
    "true",
    "\"",
    "'",
    ",",
    ";",
    "\t",
    "\n",
    "\r",
    "\r\n",
    "{",
    "}",
    "[",
    "]",
    ":",
    "\\",
    "\\u0000",
    "\\ud800",
    "\u{FEFF}",
    "\u{A0}",
    "\u{2212}",
    "😀",
    "=",
    "&",
    "#",
    "%",
    "%41",
    "%ff",
    ".",
    "..",
    "..=",
    "kind",
    "99999999999999999999",
    "0.1",
    "4294967296",
    "18446744073709551615",
    "9007199254740993",
    "2024-02-30",
    "0000-00-00",
    "''",
    "(,)",
    "('<f8', (2,))",
    "True",
    "<f2",
    "|V9",
    ">U1",
    "|S0",
    "<M8[ns]",
    "<m8[99999999D]",
];

/// Returns a mutated input of a target's corpus.
pub fn input(target: Target, corpus: &[(String, Vec<u8>)], seed: u32, iteration: u64) -> Vec<u8> {
    let mut random = Random::new(seed, target.stream(), iteration);
    let (_, valid) = random.pick(corpus);
    let mut input = valid.clone();
    let n_changes = 1 + random.below(4);
    for _ in 0..n_changes {
        input = match target {
            // The files in an archive can be changed only before they are packed.
            Target::Archive | Target::Workbook if !random.one_in(4) => repacked(&input, &mut random),
            Target::Model(format) if ["npz", "keras", "tfjs"].contains(&format.name) && !random.one_in(4) => {
                repacked(&input, &mut random)
            }
            Target::Parquet if random.one_in(2) => in_footer(input, &mut random),
            Target::Array if random.one_in(2) => in_header(input, &mut random),
            Target::Text | Target::Objects | Target::Weights | Target::Link if !random.one_in(4) => {
                text(input, &mut random)
            }
            Target::Model(format) if ["pmml", "coefficients"].contains(&format.name) && !random.one_in(4) => {
                text(input, &mut random)
            }
            _ => bytes(input, corpus, &mut random),
        };
        input.truncate(MAX_BYTES);
    }
    input
}

/// Returns a random range of up to `most` bytes.
fn range(length: usize, most: usize, random: &mut Random) -> std::ops::Range<usize> {
    let start = random.below(length + 1);
    let n = random.below(most.min(length - start) + 1);
    start..start + n
}

/// Mutates bytes of an unknown format.
fn bytes(mut input: Vec<u8>, corpus: &[(String, Vec<u8>)], random: &mut Random) -> Vec<u8> {
    match random.below(8) {
        0 | 1 => {
            let place = random.below(input.len());
            if let Some(byte) = input.get_mut(place) {
                *byte ^= 1 << random.below(8);
            }
        }
        2 => {
            let place = random.below(input.len());
            if let Some(byte) = input.get_mut(place) {
                *byte = random.word() as u8;
            }
        }
        3 | 4 => number(&mut input, random),
        5 => {
            let gone = range(input.len(), 64, random);
            input.drain(gone);
        }
        6 => {
            let copied = input[range(input.len(), 64, random)].to_vec();
            let place = random.below(input.len() + 1);
            input.splice(place..place, copied);
        }
        _ => {
            let (_, other) = random.pick(corpus);
            let there = range(input.len(), 256, random);
            let piece = other[range(other.len(), 256, random)].to_vec();
            input.splice(there, piece);
        }
    }
    if random.one_in(32) {
        input.truncate(random.below(input.len() + 1));
    }
    input
}

/// Overwrites a number, with the width of a length or an offset, by one that is likely to be wrong.
fn number(input: &mut [u8], random: &mut Random) {
    let width = *random.pick(&[1, 2, 4, 8]);
    let value = *random.pick(NUMBERS);
    let place = random.below(input.len());
    if let Some(there) = input.get_mut(place..place + width) {
        if random.one_in(4) {
            there.copy_from_slice(&value.to_be_bytes()[8 - width..]);
        } else {
            there.copy_from_slice(&value.to_le_bytes()[..width]);
        }
    }
}

/// Mutates text: replaces words and moves lines.
fn text(mut input: Vec<u8>, random: &mut Random) -> Vec<u8> {
    match random.below(6) {
        0 => {
            let place = random.below(input.len() + 1);
            let word = random.pick(WORDS).bytes();
            input.splice(place..place, word);
        }
        1 | 2 => {
            // Picks a whole run of digits or letters.
            let from = random.below(input.len() + 1);
            let is_in_word = |byte: &u8| byte.is_ascii_alphanumeric() || b".-+_".contains(byte);
            let start = (from..input.len()).find(|place| is_in_word(&input[*place])).unwrap_or(input.len());
            let length = input[start..].iter().take_while(|byte| is_in_word(byte)).count();
            let word = random.pick(WORDS).bytes();
            input.splice(start..start + length, word);
        }
        3 => {
            let there = range(input.len(), 16, random);
            input.drain(there);
        }
        4 => {
            let copied = input[range(input.len(), 200, random)].to_vec();
            let place = random.below(input.len() + 1);
            let times = if random.one_in(20) { 200 } else { 1 };
            input.splice(place..place, copied.repeat(times));
        }
        _ => {
            let place = random.below(input.len());
            if let Some(byte) = input.get_mut(place) {
                *byte = *random.pick(b"\"',;:\t\n\r {}[]\\%&=#-+.eE0129\x00\x80\xFF");
            }
        }
    }
    input
}

/// Mutates the text header of an array and updates its length.
fn in_header(input: Vec<u8>, random: &mut Random) -> Vec<u8> {
    let n_bytes = if input.get(6) == Some(&1) { 2 } else { 4 };
    let Some(length) = input.get(8..8 + n_bytes) else { return input };
    let length = length.iter().rev().fold(0, |length, byte| length << 8 | usize::from(*byte));
    let start = 8 + n_bytes;
    let Some(header) = input.get(start..start + length) else { return input };
    let changed = text(header.to_vec(), random);
    let mut output = input[..8].to_vec();
    output.extend_from_slice(&changed.len().to_le_bytes()[..n_bytes]);
    output.extend_from_slice(&changed);
    output.extend_from_slice(&input[start + length..]);
    output
}

/// Mutates the footer of a Parquet file or the header of a page, which all its offsets depend on.
fn in_footer(mut input: Vec<u8>, random: &mut Random) -> Vec<u8> {
    let n = input.len();
    let Some(length) = n.checked_sub(8).and_then(|end| input.get(end..end + 4)) else { return input };
    let length = length.iter().rev().fold(0, |length, byte| length << 8 | usize::from(*byte));
    let Some(start) = (n - 8).checked_sub(length) else { return input };
    let footer = &mut input[start..n - 8];
    match random.below(3) {
        0 => number(footer, random),
        _ => {
            let place = random.below(footer.len());
            if let Some(byte) = footer.get_mut(place) {
                *byte = if random.one_in(2) { *byte ^ (1 << random.below(8)) } else { random.word() as u8 };
            }
        }
    }
    input
}

/// Unpacks an archive, mutates one of its files, and packs it again.
fn repacked(input: &[u8], random: &mut Random) -> Vec<u8> {
    changed_archive(input, random).unwrap_or_else(|| input.to_vec())
}

fn changed_archive(input: &[u8], random: &mut Random) -> Option<Vec<u8>> {
    let mut archive = ZipArchive::new(Cursor::new(input)).ok()?;
    let n = archive.len();
    let changed = random.below(n);
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for index in 0..n {
        let mut entry = archive.by_index(index).ok()?;
        let name = entry.name().ok()?.into_owned();
        let mut content = Vec::new();
        entry.by_ref().take(MAX_BYTES as u64).read_to_end(&mut content).ok()?;
        if index == changed {
            let is_binary = [".h5", ".bin"].iter().any(|end| name.ends_with(end));
            content = match name.ends_with(".npy") {
                true if random.one_in(2) => in_header(content, random),
                false if !is_binary => text(content, random),
                _ => bytes(content, &[(String::new(), input.to_vec())], random),
            };
            if random.one_in(16) {
                continue;
            }
        }
        let method = if random.one_in(8) { CompressionMethod::Stored } else { CompressionMethod::Deflated };
        writer.start_file(name, SimpleFileOptions::default().compression_method(method)).ok()?;
        writer.write_all(&content).ok()?;
    }
    Some(writer.finish().ok()?.into_inner())
}
