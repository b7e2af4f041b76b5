//! How a text table is written: encoding, separator, decimal sign, header. Found out from its beginning, and changeable.

use serde::{Deserialize, Serialize};

use crate::cell::{self, Cell, Numbers};
use crate::splitter::{Records, Splitter, Unsplittable};

/// Bytes of a table's beginning that are looked at.
pub const HEAD_BYTES: usize = 1 << 16;
/// Records of it that are compared.
const HEAD_RECORDS: usize = 200;

/// How a text table is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dialect {
    /// How bytes stand for letters.
    pub encoding: Encoding,
    /// Between cells: one ASCII character; a space stands for any run of them.
    pub separator: char,
    /// Whether numbers have a decimal comma (and points or spaces between thousands).
    pub decimal_comma: bool,
    /// Whether the first record names the columns.
    pub header: bool,
}

/// How bytes stand for letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// UTF-8, and its part ASCII.
    Utf8,
    /// UTF-16, low byte first.
    Utf16le,
    /// UTF-16, high byte first.
    Utf16be,
    /// Windows-1252, which every sequence of bytes is a text in: taken where it is nothing else.
    Windows1252,
}

impl Dialect {
    /// How the table is written that begins with `head`. `whole` says that nothing follows.
    pub fn detect(head: &[u8], whole: bool) -> Self {
        let head = &head[..head.len().min(HEAD_BYTES)];
        let encoding = Encoding::detect(head);
        let mut decoder = Decoder::new(encoding);
        let mut text = Vec::new();
        decoder.decode(head, &mut text);
        // Tab and semicolon first: commas may be decimal, and spaces are in any text.
        let candidates = [b'\t', b';', b'|', b',', b' '].map(|separator| {
            let records = records(&text, separator, whole);
            (score(&records), separator, records)
        });
        let mut best = &candidates[3];
        for candidate in &candidates {
            if candidate.0 > best.0
                || (candidate.0 == best.0 && best.0 > 0.0 && order(candidate.1) < order(best.1))
            {
                best = candidate;
            }
        }
        let (_, separator, records) = best;
        let separator = if best.0 > 0.0 { *separator } else { b',' };
        let decimal_comma = separator != b',' && has_decimal_commas(records);
        let numbers = Numbers { decimal_comma, separator };
        Self {
            encoding,
            separator: char::from(separator),
            decimal_comma,
            header: has_header(records, numbers),
        }
    }

    /// The separator as a byte; a comma where it is none that can be.
    pub fn separator_byte(&self) -> u8 {
        u8::try_from(self.separator).ok().filter(u8::is_ascii).unwrap_or(b',')
    }

    /// How its numbers are written.
    pub fn numbers(&self) -> Numbers {
        Numbers { decimal_comma: self.decimal_comma, separator: self.separator_byte() }
    }
}

fn order(separator: u8) -> usize {
    [b'\t', b';', b'|', b',', b' '].iter().position(|other| *other == separator).unwrap_or(0)
}

/// The first records, split by one separator. The last is left out unless it is known to be whole.
fn records(text: &[u8], separator: u8, whole: bool) -> Vec<Vec<Vec<u8>>> {
    let mut splitter = Splitter::new(separator);
    let mut found: Vec<Vec<Vec<u8>>> = Vec::new();
    let mut take = |records: &Records<'_>| {
        let n_wanted = records.len().min(HEAD_RECORDS - found.len());
        let cells = |i| records.record(i).iter().map(|cell| cell.of(records.text).to_vec()).collect();
        found.extend((0..n_wanted).map(cells));
        Ok::<(), Unsplittable>(())
    };
    splitter.text().extend_from_slice(text);
    // A record that is too large to be looked at is none that can be compared.
    let _ = splitter.split(whole, &mut take);
    found
}

/// Share of the records that have as many cells as most have, where those are several.
fn score(records: &[Vec<Vec<u8>>]) -> f64 {
    let mut counts: Vec<(usize, usize)> = Vec::new();
    for n_cells in records.iter().map(Vec::len) {
        match counts.iter_mut().find(|(cells, _)| *cells == n_cells) {
            Some((_, n)) => *n += 1,
            None => counts.push((n_cells, 1)),
        }
    }
    let Some((n_cells, n)) = counts.into_iter().max_by_key(|(_, n)| *n) else { return 0.0 };
    if n_cells < 2 { 0.0 } else { n as f64 / records.len() as f64 }
}

/// More cells are numbers with a decimal comma than with a point.
fn has_decimal_commas(records: &[Vec<Vec<u8>>]) -> bool {
    let cells = || records.iter().flatten();
    let count = |decimal_comma: bool| {
        let sign = if decimal_comma { b',' } else { b'.' };
        let numbers = Numbers { decimal_comma, separator: b';' };
        cells().filter(|cell| cell.contains(&sign) && cell::number(cell, numbers).is_some()).count()
    };
    count(true) > count(false)
}

/// No cell of the first record is a number or a date, and none is missing, while what is below it has numbers, or the
/// cells below a name never repeat it.
fn has_header(records: &[Vec<Vec<u8>>], numbers: Numbers) -> bool {
    let Some((first, rest)) = records.split_first() else { return false };
    let words =
        |record: &[Vec<u8>]| record.iter().all(|cell| matches!(cell::read(cell, numbers), Cell::Text));
    if !words(first) {
        // A row of names may leave the first one out, as tables with row numbers do.
        let named = first.iter().skip(1).all(|cell| matches!(cell::read(cell, numbers), Cell::Text));
        return first.len() > 1 && first[0].is_empty() && named && rest.iter().any(|record| !words(record));
    }
    let has_values = rest.iter().any(|record| !words(record));
    let repeats = first
        .iter()
        .enumerate()
        .any(|(j, name)| rest.iter().any(|record| record.get(j).is_some_and(|cell| cell == name)));
    has_values || !repeats
}

impl Encoding {
    fn detect(head: &[u8]) -> Self {
        match head {
            [0xEF, 0xBB, 0xBF, ..] => return Self::Utf8,
            [0xFF, 0xFE, ..] => return Self::Utf16le,
            [0xFE, 0xFF, ..] => return Self::Utf16be,
            _ => {}
        }
        // A table's digits and separators are ASCII: in UTF-16 every other byte of them is zero.
        let zeros = |offset: usize| head.iter().skip(offset).step_by(2).filter(|byte| **byte == 0).count();
        let (even, odd) = (zeros(0), zeros(1));
        if head.len() >= 4 && odd > head.len() / 4 && odd > 4 * even {
            return Self::Utf16le;
        }
        if head.len() >= 4 && even > head.len() / 4 && even > 4 * odd {
            return Self::Utf16be;
        }
        match std::str::from_utf8(head) {
            Ok(_) => Self::Utf8,
            // Cut in the middle of a letter.
            Err(error) if error.error_len().is_none() => Self::Utf8,
            Err(_) => Self::Windows1252,
        }
    }
}

/// Bytes of any encoding into UTF-8, a chunk at a time.
#[derive(Clone, Debug)]
pub struct Decoder {
    encoding: Encoding,
    at_start: bool,
    /// Of a unit, or a pair of them, that the last chunk ended in.
    left: Vec<u8>,
}

impl Decoder {
    /// For a table from its first byte on.
    pub fn new(encoding: Encoding) -> Self {
        Self { encoding, at_start: true, left: Vec::new() }
    }

    /// Appends what the next chunk says. UTF-8 stays as it is, bytes that are none included; they show up as cells that
    /// cannot be read.
    pub fn decode(&mut self, chunk: &[u8], out: &mut Vec<u8>) {
        let mut joined = Vec::new();
        let mut chunk = chunk;
        if self.encoding != Encoding::Windows1252 && (self.at_start || !self.left.is_empty()) {
            joined = std::mem::take(&mut self.left);
            joined.extend_from_slice(chunk);
            chunk = &joined;
        }
        if self.at_start && chunk.len() < 3 && self.encoding != Encoding::Windows1252 {
            // A mark at the beginning may still come whole.
            self.left = chunk.to_vec();
            return;
        }
        let mark: &[u8] = match self.encoding {
            Encoding::Utf8 => b"\xEF\xBB\xBF",
            Encoding::Utf16le => b"\xFF\xFE",
            Encoding::Utf16be => b"\xFE\xFF",
            Encoding::Windows1252 => b"",
        };
        if std::mem::replace(&mut self.at_start, false) {
            chunk = chunk.strip_prefix(mark).unwrap_or(chunk);
        }
        match self.encoding {
            Encoding::Utf8 => out.extend_from_slice(chunk),
            Encoding::Utf16le | Encoding::Utf16be => self.decode_utf16(chunk, out),
            Encoding::Windows1252 => {
                for byte in chunk {
                    push(letter(*byte), out);
                }
            }
        }
        drop(joined);
    }

    /// What a last chunk left.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        let left = std::mem::take(&mut self.left);
        if self.at_start {
            // Shorter than any mark.
            self.at_start = false;
            self.decode(&left, out);
        } else if !left.is_empty() {
            push(char::REPLACEMENT_CHARACTER, out);
        }
    }

    fn decode_utf16(&mut self, chunk: &[u8], out: &mut Vec<u8>) {
        let (pairs, rest) = chunk.as_chunks::<2>();
        let unit = |pair: &[u8; 2]| match self.encoding {
            Encoding::Utf16be => u16::from_be_bytes(*pair),
            _ => u16::from_le_bytes(*pair),
        };
        let mut units: Vec<u16> = pairs.iter().map(unit).collect();
        // The first half of a letter waits for the second.
        let half = units.last().is_some_and(|unit| (0xD800..0xDC00).contains(unit));
        let kept = if half { 2 + rest.len() } else { rest.len() };
        self.left = chunk[chunk.len() - kept..].to_vec();
        if half {
            units.pop();
        }
        for letter in char::decode_utf16(units) {
            push(letter.unwrap_or(char::REPLACEMENT_CHARACTER), out);
        }
    }
}

fn push(letter: char, out: &mut Vec<u8>) {
    out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
}

/// Windows-1252, as the WHATWG's encoding standard has it.
fn letter(byte: u8) -> char {
    const HIGH: [u16; 32] = [
        0x20AC, 0x81, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152,
        0x8D, 0x017D, 0x8F, 0x90, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122,
        0x0161, 0x203A, 0x0153, 0x9D, 0x017E, 0x0178,
    ];
    match byte {
        0x80..=0x9F => {
            char::from_u32(HIGH[usize::from(byte) - 0x80].into()).unwrap_or(char::REPLACEMENT_CHARACTER)
        }
        _ => char::from(byte),
    }
}
