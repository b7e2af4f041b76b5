//! The dialect of a text table: encoding, separator, decimal sign and header. It is detected from
//! the beginning of the file, and users can change it.

use serde::{Deserialize, Serialize};

use crate::cell::{self, Cell, DateOrder, Numbers};
use crate::splitter::{Records, Splitter, Unsplittable};

/// The number of bytes at the beginning of a file from which the dialect is detected.
pub const HEAD_BYTES: usize = 1 << 16;
/// The number of records that are compared to detect the dialect.
const HEAD_RECORDS: usize = 200;

/// The dialect of a text table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dialect {
    /// The character encoding.
    pub encoding: Encoding,
    /// The separator between cells: one ASCII character. A space stands for any run of spaces.
    pub separator: char,
    /// Whether numbers have a decimal comma (and points or spaces between thousands).
    pub decimal_comma: bool,
    /// Whether the first record names the columns.
    pub header: bool,
    /// The order of day and month in dates that end with the year; `None` if no date determines it, in which
    /// case such dates are treated as words.
    #[serde(default)]
    pub date_order: Option<DateOrder>,
    /// Whether the header omits the name of the first column, as R does when it writes row names.
    #[serde(default)]
    pub row_names: bool,
    /// The number of lines before the first record: comments, or Excel's `sep=` line.
    #[serde(default)]
    pub skip: u32,
}

/// A character encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// UTF-8, which includes ASCII.
    Utf8,
    /// Little-endian UTF-16.
    Utf16le,
    /// Big-endian UTF-16.
    Utf16be,
    /// Windows-1252, the fallback, because every byte sequence is valid in it.
    Windows1252,
}

impl Dialect {
    /// Detects the dialect of a table that begins with `head`. `whole` states whether `head` is the whole
    /// file.
    pub fn detect(head: &[u8], whole: bool) -> Self {
        let head = &head[..head.len().min(HEAD_BYTES)];
        let encoding = Encoding::detect(head);
        let mut decoder = Decoder::new(encoding);
        let mut text = Vec::new();
        decoder.decode(head, &mut text);
        let (told, n_lines) = told_separator(&text).map_or((None, 0), |separator| (Some(separator), 1));
        // A header may begin with a comment sign; it then has as many cells as the rows below it.
        let mut n_comments = n_lines;
        let mut rest = text_after(&text, n_lines);
        while rest.trim_ascii_start().starts_with(b"#") {
            rest = text_after(rest, 1);
            n_comments += 1;
        }
        let n_named = n_comments.saturating_sub(1).max(n_lines);
        let named = Self::of_text(text_after(&text, n_named), encoding, told, whole);
        let first_two: Vec<usize> = records(text_after(&text, n_named), named.separator_byte(), whole)
            .iter()
            .take(2)
            .map(Vec::len)
            .collect();
        let is_named = matches!(first_two[..], [first, second] if first == second && first > 1);
        match is_named || n_named == n_comments {
            true => Self { skip: n_named, ..named },
            false => Self {
                skip: n_comments,
                ..Self::of_text(text_after(&text, n_comments), encoding, told, whole)
            },
        }
    }

    /// Detects the dialect of text without leading lines. `told` is the separator that the file declares, if
    /// it declares one; otherwise the best one is chosen.
    fn of_text(text: &[u8], encoding: Encoding, told: Option<u8>, whole: bool) -> Self {
        // Tab and semicolon come first, because commas may be decimal signs, and any text contains
        // spaces.
        let candidates = [b'\t', b';', b'|', b',', b' '].map(|separator| {
            let records = records(text, separator, whole);
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
        let separator = told.unwrap_or(if best.0 > 0.0 { best.1 } else { b',' });
        let records = &records(text, separator, whole);
        let decimal_comma = separator != b',' && has_decimal_commas(records);
        let header = has_header(records, Numbers { decimal_comma, separator });
        Self {
            encoding,
            separator: char::from(separator),
            decimal_comma,
            header,
            date_order: date_order(records),
            row_names: header && leaves_out_a_name(records),
            skip: 0,
        }
    }

    /// The separator as a byte; a comma if it is not a possible separator.
    pub fn separator_byte(&self) -> u8 {
        u8::try_from(self.separator).ok().filter(u8::is_ascii).unwrap_or(b',')
    }

    /// How numbers are written in this dialect.
    pub fn numbers(&self) -> Numbers {
        Numbers { decimal_comma: self.decimal_comma, separator: self.separator_byte() }
    }
}

fn order(separator: u8) -> usize {
    [b'\t', b';', b'|', b',', b' '].iter().position(|other| *other == separator).unwrap_or(0)
}

/// Splits the first records by a separator. The last record is omitted if it may be incomplete.
fn records(text: &[u8], separator: u8, whole: bool) -> Vec<Vec<Vec<u8>>> {
    let mut splitter = Splitter::new(separator, 0);
    let mut found: Vec<Vec<Vec<u8>>> = Vec::new();
    let mut take = |records: &Records<'_>| {
        let n_wanted = records.len().min(HEAD_RECORDS - found.len());
        let cells = |i| records.record(i).iter().map(|cell| cell.of(records.text).to_vec()).collect();
        found.extend((0..n_wanted).map(cells));
        Ok::<(), Unsplittable>(())
    };
    splitter.text().extend_from_slice(text);
    // Records that are too long are not compared.
    let _ = splitter.split(whole, &mut take);
    found
}

/// The fraction of records that have the most common number of cells, if that is more than one.
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

/// Returns the separator that a first line such as `sep=;` declares, which Excel reads and writes; `None` if
/// there is no such line.
fn told_separator(text: &[u8]) -> Option<u8> {
    let line = text.split(is_line_end).next()?.trim_ascii_end();
    match line {
        [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', separator] if separator.is_ascii() => Some(*separator),
        // The tab itself was trimmed away.
        b"sep=" => Some(b'\t'),
        _ => None,
    }
}

fn is_line_end(byte: &u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

/// Returns the text after the first `n_lines` lines.
pub(crate) fn text_after(text: &[u8], n_lines: u32) -> &[u8] {
    let mut rest = text;
    for _ in 0..n_lines {
        let Some(end) = rest.iter().position(is_line_end) else { return &[] };
        let pair = rest[end..].starts_with(b"\r\n");
        rest = &rest[end + 1 + usize::from(pair)..];
    }
    rest
}

/// Whether more cells are numbers with a decimal comma than with a point. On a tie, whether more
/// contain a comma than a point.
fn has_decimal_commas(records: &[Vec<Vec<u8>>]) -> bool {
    let cells = || records.iter().flatten().filter(|cell| cell.contains(&b',') || cell.contains(&b'.'));
    let count = |decimal_comma: bool| {
        let numbers = Numbers { decimal_comma, separator: b';' };
        let sign = numbers.decimal();
        let read = cells().filter(|cell| cell::number(cell, numbers).is_some());
        (read.clone().count(), read.filter(|cell| cell.contains(&sign)).count())
    };
    count(true) > count(false)
}

/// Whether the first record is a header: none of its cells is a number, a date or missing, and the cells
/// below either contain numbers or never repeat a name. Cells may be empty if the others are above numbers.
fn has_header(records: &[Vec<Vec<u8>>], numbers: Numbers) -> bool {
    let Some((first, rest)) = records.split_first() else { return false };
    let is_word = |cell: &Vec<u8>| matches!(cell::read(cell, numbers), Cell::Text);
    let words = |record: &[Vec<u8>]| record.iter().all(is_word);
    if !words(first) {
        let named = first.iter().all(|cell| cell.is_empty() || is_word(cell));
        let above_numbers = |(j, name): (usize, &Vec<u8>)| {
            let mut below =
                rest.iter().filter_map(|record| record.get(j)).filter(|cell| !cell::is_missing(cell));
            let any = below.clone().next().is_some();
            !name.is_empty() && any && !below.any(is_word)
        };
        return first.len() > 1 && named && first.iter().enumerate().any(above_numbers);
    }
    let has_values = rest.iter().any(|record| !words(record));
    let repeats = first
        .iter()
        .enumerate()
        .any(|(j, name)| rest.iter().any(|record| record.get(j).is_some_and(|cell| cell == name)));
    has_values || !repeats
}

/// Returns the order of day and month that all unambiguous dates have in common, if there is one.
fn date_order(records: &[Vec<Vec<u8>>]) -> Option<DateOrder> {
    let mut told = records.iter().flatten().filter_map(|cell| cell::only_order(cell));
    let first = told.next()?;
    told.all(|order| order == first).then_some(first)
}

/// Whether there are several rows and each has one cell more than the header, as when R omits a name.
fn leaves_out_a_name(records: &[Vec<Vec<u8>>]) -> bool {
    let Some((first, rest)) = records.split_first() else { return false };
    let longer = |record: &Vec<Vec<u8>>| record.len() == first.len() + 1;
    rest.len() > 1
        && rest.iter().all(longer)
        && rest.iter().flat_map(|record| record.last()).any(|cell| !cell.is_empty())
}

impl Encoding {
    fn detect(head: &[u8]) -> Self {
        match head {
            [0xEF, 0xBB, 0xBF, ..] => return Self::Utf8,
            [0xFF, 0xFE, ..] => return Self::Utf16le,
            [0xFE, 0xFF, ..] => return Self::Utf16be,
            _ => {}
        }
        // Digits and separators are ASCII, so in UTF-16 every other byte is zero.
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
            // The head ends in the middle of a character.
            Err(error) if error.error_len().is_none() => Self::Utf8,
            Err(_) => Self::Windows1252,
        }
    }
}

/// Decodes bytes of any encoding to UTF-8, a chunk at a time.
#[derive(Clone, Debug)]
pub struct Decoder {
    encoding: Encoding,
    at_start: bool,
    /// The bytes of an incomplete character at the end of the last chunk.
    left: Vec<u8>,
}

impl Decoder {
    /// Creates a decoder for the beginning of a file.
    pub fn new(encoding: Encoding) -> Self {
        Self { encoding, at_start: true, left: Vec::new() }
    }

    /// Appends the decoded text of the next chunk to `out`. UTF-8 is copied unchanged even if it is invalid;
    /// such cells are reported as unreadable.
    pub fn decode(&mut self, chunk: &[u8], out: &mut Vec<u8>) {
        let mut joined = Vec::new();
        let mut chunk = chunk;
        if self.encoding != Encoding::Windows1252 && (self.at_start || !self.left.is_empty()) {
            joined = std::mem::take(&mut self.left);
            joined.extend_from_slice(chunk);
            chunk = &joined;
        }
        if self.at_start && chunk.len() < 3 && self.encoding != Encoding::Windows1252 {
            // The byte order mark may still be incomplete.
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

    /// Decodes the bytes that remain after the last chunk.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        let left = std::mem::take(&mut self.left);
        if self.at_start {
            // The text is shorter than any byte order mark.
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
        // A high surrogate waits for the low one.
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

/// The Windows-1252 character of a byte, as in the WHATWG Encoding Standard.
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
