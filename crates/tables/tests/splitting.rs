//! Text into cells, and cells into numbers, beside what others make of them: csv-core, and std's parser.
#![allow(clippy::unwrap_used, missing_docs)]

use downhill_tables::cell::{self, Cell, Numbers};
use downhill_tables::splitter::{Records, Splitter, Unsplittable};
use proptest::prelude::*;

type Split = Vec<(u64, Vec<Vec<u8>>)>;

/// Records of a text that comes in parts of such lengths, again and again.
fn split(text: &[u8], separator: u8, lengths: &[usize]) -> Split {
    let mut splitter = Splitter::new(separator, 0);
    let mut found = Vec::new();
    let mut take = |records: &Records<'_>| {
        for i in 0..records.len() {
            let cells = records.record(i).iter().map(|cell| cell.of(records.text).to_vec()).collect();
            found.push((records.lines[i], cells));
        }
        Ok::<(), Unsplittable>(())
    };
    let mut rest = text;
    for length in lengths.iter().cycle() {
        let (part, others) = rest.split_at((*length).min(rest.len()));
        splitter.text().extend_from_slice(part);
        splitter.split(others.is_empty(), &mut take).unwrap();
        rest = others;
        if rest.is_empty() {
            break;
        }
    }
    found
}

/// The same by csv-core, a record at a time, so that lines can be counted in what it has read.
fn expected(text: &[u8], separator: u8) -> Split {
    let mut reader = csv_core::ReaderBuilder::new().delimiter(separator).build();
    let (mut rest, mut found) = (text, Vec::new());
    loop {
        let (mut output, mut ends) = ([0; 1 << 12], [0; 1 << 10]);
        let (mut n_output, mut n_ends) = (0, 0);
        loop {
            let (result, n_in, n_out, n) =
                reader.read_record(rest, &mut output[n_output..], &mut ends[n_ends..]);
            (n_output, n_ends) = (n_output + n_out, n_ends + n);
            rest = &rest[n_in..];
            match result {
                csv_core::ReadRecordResult::Record => break,
                csv_core::ReadRecordResult::End => return found,
                csv_core::ReadRecordResult::InputEmpty => {}
                full => panic!("{full:?}"),
            }
        }
        let starts = [0].into_iter().chain(ends);
        let cells = starts.zip(&ends[..n_ends]).map(|(start, end)| output[start..*end].trim_ascii().to_vec());
        let cells: Vec<Vec<u8>> = cells.filter(|cell| separator != b' ' || !cell.is_empty()).collect();
        if cells.iter().any(|cell| !cell.is_empty()) {
            found.push((0, cells));
        }
    }
}

fn cells(split: Split) -> Vec<Vec<Vec<u8>>> {
    split.into_iter().map(|(_, cells)| cells).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn records_are_those_of_csv_core(
        text in "([a1 ]{0,3}|[,;\t\" ]|\r\n|\n|\r|\"[a,\n]{0,2}\"|\"\"|[a-z0-9]{60,70}){0,40}",
        separator in prop::sample::select(b",;\t ".as_slice()),
        lengths in prop::collection::vec(1..90_usize, 1..4),
    ) {
        let whole = split(text.as_bytes(), separator, &[text.len().max(1)]);
        prop_assert_eq!(&split(text.as_bytes(), separator, &lengths), &whole);
        prop_assert_eq!(cells(whole), cells(expected(text.as_bytes(), separator)));
    }

    /// A record stands in the line that its first letter is in, as std's lines are counted.
    #[test]
    fn lines_are_counted(
        rows in prop::collection::vec(("[a-z]{1,4}", 0..3_usize, any::<bool>()), 1..30),
        end in prop::sample::select(vec!["\n", "\r\n"]),
    ) {
        let mut text = String::new();
        for (i, (word, n_blank, tall)) in rows.iter().enumerate() {
            text += &end.repeat(*n_blank);
            text += &format!("#{i}{word}{}{end}", if *tall { format!(",\"x{end}{end}y\"") } else { String::new() });
        }
        for (i, (line, _)) in split(text.as_bytes(), b',', &[7]).iter().enumerate() {
            let expected = text.lines().position(|found| found.starts_with(&format!("#{i}{}", rows[i].0)));
            prop_assert_eq!(Some(*line as usize), expected.map(|place| place + 1));
        }
    }

    #[test]
    fn numbers_are_read_to_the_bit(
        text in "-?([0-9]{1,9}|[0-9]{10,25}|0{0,3})(\\.[0-9]{0,9}|\\.[0-9]{10,25})?([eE][+-]?[0-9]{1,3})?",
    ) {
        let numbers = |decimal_comma| Numbers { decimal_comma, separator: b';' };
        let expected = match text.parse::<f64>() {
            Ok(value) if value.is_finite() => Cell::Number(value),
            _ => return Ok(()),
        };
        prop_assert_eq!(bits(cell::read(text.as_bytes(), numbers(false))), bits(expected));
        // So they are with a decimal comma.
        let with_comma = text.replace('.', ",");
        prop_assert_eq!(bits(cell::read(with_comma.as_bytes(), numbers(true))), bits(expected));
    }

    /// The shortest text of any number, and the one of seventeen digits.
    #[test]
    fn what_is_printed_is_read_to_the_bit(value in prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL) {
        let numbers = Numbers { decimal_comma: false, separator: b',' };
        for text in [format!("{value}"), format!("{value:e}"), format!("{value:.17e}")] {
            prop_assert_eq!(bits(cell::read(text.as_bytes(), numbers)), bits(Cell::Number(value)), "{}", text);
        }
    }
}

fn bits(cell: Cell) -> Option<u64> {
    match cell {
        Cell::Number(value) => Some(value.to_bits()),
        _ => None,
    }
}

#[test]
fn what_is_no_number_is_none() {
    let numbers = Numbers { decimal_comma: false, separator: b',' };
    for text in [
        "1e",
        "1e+",
        "e1",
        "1e1e1",
        "1.2e3.4",
        "1..2",
        "-",
        "--1",
        "1-",
        "1e1234567",
        "0x1",
        "1 2",
        "1:2",
        "1/2",
    ] {
        assert!(!matches!(cell::read(text.as_bytes(), numbers), Cell::Number(_)), "{text}");
    }
}
