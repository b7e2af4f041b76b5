//! Two columns of text into rows.

use super::{Dataset, MAX_VALUE};
use crate::config::MAX_SAMPLES;
use crate::message::{Code, Message, Result, bytes as size, count};

/// Bytes of a table that are read at most: 10,000,000 rows of two short numbers just fit.
const MAX_BYTES: usize = 100_000_000;

/// A table as it was read.
#[derive(Clone, Debug)]
pub struct Table {
    /// Its rows.
    pub dataset: Dataset,
    /// Whether the first row named the columns.
    pub has_header: bool,
    /// What tells it from another: of what its rows were read from, where somebody else keeps them.
    fingerprint: String,
}

impl Table {
    /// A table that somebody else keeps, under a hash of its own.
    pub fn kept_elsewhere(dataset: Dataset, fingerprint: String) -> Self {
        Self { dataset, has_header: true, fingerprint }
    }

    /// A table that is kept here.
    pub fn new(dataset: Dataset, has_header: bool) -> Self {
        let fingerprint = fingerprint(&dataset);
        Self { dataset, has_header, fingerprint }
    }

    /// A hash of the rows that tells this table from another, in hexadecimal.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }
}

/// FNV-1a, 64 bits, of every x and then of every y.
fn fingerprint(dataset: &Dataset) -> String {
    let mut hash = 0xCBF2_9CE4_8422_2325_u64;
    let mut add = |values: &[f64]| {
        for byte in values.iter().flat_map(|value| value.to_le_bytes()) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
        }
    };
    dataset.for_each_block(|x, _| add(x));
    dataset.for_each_block(|_, y| add(y));
    format!("{hash:016x}")
}

/// Reads a table of two columns, x and y, separated by comma, semicolon, tab or (in pasted columns) spaces. The first
/// row is a header where neither of its cells is a number. Numbers have a decimal point; with semicolons or tabs
/// between the columns, a decimal comma too.
///
/// # Errors
/// Names the row (counted from 1, header and blank lines included, as an editor shows it), the column and the text.
pub fn parse_table(bytes: &[u8]) -> Result<Table> {
    if bytes.len() > MAX_BYTES {
        return Err(Message::new(Code::FileTooLarge)
            .with("megabytes", bytes.len() / 1_000_000)
            .with("limit", MAX_BYTES / 1_000_000));
    }
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let text = match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => text,
        Ok(text) => return Err(Message::new(Code::NotText).with("byte", text.find('\0').unwrap_or(0) + 1)),
        Err(error) => return Err(Message::new(Code::NotText).with("byte", error.valid_up_to() + 1)),
    };
    let separator = separator_of(text);
    let mut reader = ::csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(separator)
        .trim(::csv::Trim::All)
        .from_reader(text.as_bytes());
    let mut names = ["x".to_owned(), "y".to_owned()];
    let mut has_header = false;
    let n_lines = text.lines().filter(|line| !line.trim().is_empty()).count();
    // One of them may be the header.
    if n_lines > MAX_SAMPLES as usize + 1 {
        return Err(Message::new(Code::TooManyRows).with("limit", count(MAX_SAMPLES.into())));
    }
    // Room for a row a line, at once: columns that grow would be held twice while they are moved.
    let (mut x, mut y) = (Vec::new(), Vec::new());
    for column in [&mut x, &mut y] {
        column.try_reserve_exact(n_lines).map_err(|_| {
            Message::new(Code::OutOfMemory)
                .with("n_samples", count(n_lines as u64))
                .with("n_features", 1)
                .with("size", size(16 * n_lines as u64))
        })?;
    }
    let mut record = ::csv::StringRecord::new();
    let mut first = true;
    while reader.read_record(&mut record).unwrap_or(false) {
        let row = record.position().map_or(0, ::csv::Position::line);
        let cells: Vec<&str> = if separator == b' ' {
            record.iter().filter(|cell| !cell.is_empty()).collect()
        } else {
            record.iter().collect()
        };
        if cells.iter().all(|cell| cell.is_empty()) {
            continue;
        }
        if cells.len() != 2 {
            return Err(Message::new(Code::RowLength).with("row", row).with("found", cells.len()));
        }
        let header = first && cells.iter().all(|cell| number(cell, separator).is_none() && !is_missing(cell));
        first = false;
        if header {
            names = [cells[0].to_owned(), cells[1].to_owned()];
            has_header = true;
            continue;
        }
        x.push(cell(cells[0], separator, row, &names[0])?);
        y.push(cell(cells[1], separator, row, &names[1])?);
    }
    let [feature, target] = names;
    let dataset = Dataset::of_columns(x, y, &feature, &target);
    dataset.check()?;
    Ok(Table::new(dataset, has_header))
}

/// The separator that the first line with anything in it uses.
fn separator_of(text: &str) -> u8 {
    let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or("").trim();
    [b'\t', b';', b',', b' '].into_iter().find(|&byte| line.contains(char::from(byte))).unwrap_or(b',')
}

fn is_missing(text: &str) -> bool {
    text.is_empty()
        || ["na", "n/a", "null", "none", "-", "?"].iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// The number in a cell, infinities and NaN included.
fn number(text: &str, separator: u8) -> Option<f64> {
    if let Ok(value) = text.parse::<f64>() {
        return Some(value);
    }
    // Between other separators a single comma can only be the decimal one.
    if separator != b',' && text.matches(',').count() == 1 && !text.contains('.') {
        return text.replace(',', ".").parse().ok();
    }
    None
}

fn cell(text: &str, separator: u8, row: u64, column: &str) -> Result<f64> {
    let place = |code: Code| Message::new(code).with("row", row).with("column", column).with("text", text);
    if is_missing(text) {
        return Err(place(Code::CellMissing));
    }
    match number(text, separator) {
        Some(value) if !value.is_finite() => Err(place(Code::CellNotFinite)),
        Some(value) if value.abs() > MAX_VALUE => Err(place(Code::CellTooLarge)),
        Some(value) => Ok(value),
        None if text.replace(',', ".").parse::<f64>().is_ok() => Err(place(Code::CellDecimalComma)),
        None => Err(place(Code::CellNotANumber)),
    }
}
