//! Writes rows of predictions as CSV.

use downhill_tables::cell::Numbers;
use downhill_tables::splitter::{Records, Span, Splitter, Unsplittable};

/// Maximum number of characters of a cell that a message quotes.
pub(super) const SHOWN_LETTERS: usize = 80;

pub(super) fn write_row<'a>(cells: impl Iterator<Item = &'a [u8]>, separator: u8, out: &mut Vec<u8>) {
    for (i, cell) in cells.enumerate() {
        if i > 0 {
            out.push(separator);
        }
        write_cell(cell, separator, out);
    }
    out.push(b'\n');
}

/// Writes a cell, in quotes if necessary.
#[inline]
pub(super) fn write_cell(cell: &[u8], separator: u8, out: &mut Vec<u8>) {
    let special = |byte: &u8| *byte == separator || matches!(byte, b'"' | b'\n' | b'\r');
    // Reads every byte, so that the loop can be vectorized.
    if !cell.iter().fold(false, |found, byte| found | special(byte)) {
        out.extend_from_slice(cell);
        return;
    }
    out.push(b'"');
    for byte in cell {
        if *byte == b'"' {
            out.push(b'"');
        }
        out.push(*byte);
    }
    out.push(b'"');
}

/// Writes a number with as few digits as are needed to read it back exactly.
pub(super) fn write_number(
    value: f64,
    buffer: &mut zmij::Buffer,
    numbers: Numbers,
    separator: u8,
    out: &mut Vec<u8>,
) {
    if !value.is_finite() {
        // A predicted rate may overflow.
        return out.extend_from_slice(if value.is_nan() {
            b"nan"
        } else if value > 0.0 {
            b"inf"
        } else {
            b"-inf"
        });
    }
    let text = buffer.format_finite(value);
    let text = text.strip_suffix(".0").unwrap_or(text).as_bytes();
    if !numbers.decimal_comma {
        return out.extend_from_slice(text);
    }
    let comma: Vec<u8> = text.iter().map(|byte| if *byte == b'.' { b',' } else { *byte }).collect();
    write_cell(&comma, separator, out);
}

/// Splits a line of the output into cells for the preview.
pub(super) fn shown_cells(line: &[u8], separator: u8) -> Vec<String> {
    let mut splitter = Splitter::new(separator, 0);
    splitter.text().extend_from_slice(line);
    let mut cells = Vec::new();
    let mut take = |records: &Records<'_>| {
        let shown = |cell: &Span| {
            String::from_utf8_lossy(cell.of(records.text)).chars().take(SHOWN_LETTERS).collect()
        };
        cells.extend(records.record(0).iter().map(shown));
        Ok::<(), Unsplittable>(())
    };
    // This cannot fail, because the line was split before.
    let _ = splitter.split(true, &mut take);
    cells
}
