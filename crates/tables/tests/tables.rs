//! Tables as people have them. Expected numbers are those that the text says; where a rule decides, it is named.
#![allow(clippy::unwrap_used, missing_docs)]

use downhill::choices::Missing;
use downhill::config::ColumnsConfig;
use downhill::dataset::Extra;
use downhill::message::Code;
use downhill_tables::cell::{self, Cell, Numbers};
use downhill_tables::column::Kind;
use downhill_tables::dialect::{Dialect, Encoding};
use downhill_tables::selection::Selection;
use downhill_tables::table::Table;
use proptest::prelude::*;

fn read(text: &str) -> Table {
    Table::read(text.as_bytes()).unwrap()
}

fn names(table: &Table) -> Vec<&str> {
    table.columns().iter().map(|column| column.name.as_str()).collect()
}

fn kinds(table: &Table) -> Vec<Kind> {
    table.columns().iter().map(downhill_tables::column::Column::kind).collect()
}

fn rows(table: &Table, choice: &ColumnsConfig) -> Vec<Vec<f64>> {
    let selection = Selection::new(table, choice).unwrap();
    let width = selection.width();
    let mut rows = vec![0.0; selection.n_rows() * width];
    selection.read(table, 0, &mut rows).unwrap();
    rows.chunks(width).map(<[f64]>::to_vec).collect()
}

fn column(table: &Table, index: usize) -> Vec<Option<f64>> {
    (0..table.n_rows() as usize).map(|row| table.columns()[index].value(row).unwrap()).collect()
}

#[test]
fn separators_signs_and_headers_are_found_out() {
    // (text, separator, decimal comma, header, first row)
    let cases: &[(&str, char, bool, bool, [f64; 2])] = &[
        ("a,b\n1,2\n3,4\n", ',', false, true, [1.0, 2.0]),
        ("1,2\n3,4\n", ',', false, false, [1.0, 2.0]),
        ("a;b\n1,5;2,25\n3,5;4\n", ';', true, true, [1.5, 2.25]),
        ("a;b\n1.234,5;2\n2.000,25;4\n", ';', true, true, [1234.5, 2.0]),
        ("a;b\n1,234.5;2\n2,000.25;4\n", ';', false, true, [1234.5, 2.0]),
        ("a\tb\n1.5\t2\n3\t4\n", '\t', false, true, [1.5, 2.0]),
        ("a|b\n1|2\n3|4\n", '|', false, true, [1.0, 2.0]),
        ("a b\n 1   2\n3 4\n", ' ', false, true, [1.0, 2.0]),
        ("a,b\r\n1,2\r\n3,4\r\n", ',', false, true, [1.0, 2.0]),
        ("a,b\r1,2\r3,4\r", ',', false, true, [1.0, 2.0]),
        ("\"a, first\",\"b\"\n\"1\",\"2\"\n3,4", ',', false, true, [1.0, 2.0]),
        ("a,b\n\"1,000\",2\n\"2,500\",4\n", ',', false, true, [1000.0, 2.0]),
        ("a,b\n1e3,-2.5E-1\n3,4\n", ',', false, true, [1000.0, -0.25]),
        ("a,b\n50%,2\n3%,4\n", ',', false, true, [0.5, 2.0]),
    ];
    for (text, separator, decimal_comma, header, first) in cases {
        let table = read(text);
        let found = table.dialect.as_ref().unwrap();
        assert_eq!(
            (found.separator, found.decimal_comma, found.header),
            (*separator, *decimal_comma, *header),
            "{text:?}"
        );
        assert_eq!([0, 1].map(|j| table.columns()[j].value(0).unwrap().unwrap()), *first, "{text:?}");
    }
}

#[test]
fn encodings_are_found_out() {
    let text = "größe,preis\n1.5,2\n3,4\n";
    let le: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let be: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    // Every letter of this text is below 256.
    let latin: Vec<u8> = text.chars().map(|letter| letter as u8).collect();
    let with = |mark: &[u8], rest: &[u8]| [mark, rest].concat();
    let cases = [
        (text.as_bytes().to_vec(), Encoding::Utf8),
        (with(b"\xEF\xBB\xBF", text.as_bytes()), Encoding::Utf8),
        (le.clone(), Encoding::Utf16le),
        (with(b"\xFF\xFE", &le), Encoding::Utf16le),
        (be.clone(), Encoding::Utf16be),
        (with(b"\xFE\xFF", &be), Encoding::Utf16be),
        (latin, Encoding::Windows1252),
    ];
    for (bytes, encoding) in cases {
        let table = Table::read(&bytes).unwrap();
        assert_eq!(table.dialect.as_ref().unwrap().encoding, encoding);
        assert_eq!(names(&table), ["größe", "preis"]);
        assert_eq!(column(&table, 0), [Some(1.5), Some(3.0)]);
    }
}

/// Wherever a file is cut into chunks, the table is the same.
#[test]
fn chunks_may_end_anywhere() {
    let texts: [Vec<u8>; 3] = [
        "name,\"say \"\"hi\"\"\",n\r\n\"two\r\nlines\",x,1\r\n\r\nzwölf,,2.5\r\n".as_bytes().to_vec(),
        "\u{FEFF}a;b\n1,5;x\n2,5;y\n".encode_utf16().flat_map(u16::to_le_bytes).collect(),
        b"a,b\n1,caf\xE9\n2,b\n".to_vec(),
    ];
    for text in texts {
        let dialect = Dialect::detect(&text, true);
        let mut whole = Table::read(&text).unwrap();
        for cut in 0..=text.len() {
            for second in [cut, (cut + 1).min(text.len())] {
                let mut table = Table::new(dialect.clone());
                for part in [&text[..cut], &text[cut..second], &text[second..]] {
                    table.push(part).unwrap();
                }
                table.finish().unwrap();
                assert_eq!(table.fingerprint(), whole.fingerprint(), "cut at {cut}, {second}");
                assert_eq!(names(&table), names(&whole));
                assert_eq!(table.preview().unwrap().rows, whole.preview().unwrap().rows);
            }
        }
    }
}

#[test]
fn what_columns_hold_is_found_out() {
    let mut text = "n,colour,day,name,nothing,coded\n".to_owned();
    for i in 0..40 {
        let colour = ["red", "green", "blue"][i % 3];
        text += &format!("{i},{colour},2024-01-{:02},person {i},,{}\n", 1 + i % 28, i % 2);
    }
    let table = read(&text);
    let expected = [Kind::Number, Kind::Category, Kind::Date, Kind::Text, Kind::Empty, Kind::Number];
    assert_eq!(kinds(&table), expected);
    let preview = table.preview().unwrap();
    assert_eq!(
        preview.columns[1].levels,
        [("blue", 13), ("green", 13), ("red", 14)].map(|(l, n)| (l.to_owned(), n))
    );
    // Python 3.13: statistics.pstdev(range(40)) is 11.543396380615196.
    let [min, mean, max, deviation] = preview.columns[0].summary.unwrap();
    assert_eq!([min, mean, max], [0.0, 19.5, 39.0]);
    assert!((deviation - 11.543_396_380_615_196).abs() < 1e-12);
    assert_eq!(preview.columns[0].histogram.iter().sum::<u32>(), 40);
    assert_eq!(preview.columns[4].n_missing, 40);
    // Python 3.13: (date(2024, 1, 1) - date(1970, 1, 1)).days is 19723.
    assert_eq!(table.columns()[2].value(0).unwrap(), Some(19_723.0));
    assert_eq!(preview.choice.target, "coded");
    assert_eq!(preview.choice.features, ["n", "colour", "day"]);
}

#[test]
fn dates_are_days() {
    // Python 3.13: (date(y, m, d) - date(1970, 1, 1)).days.
    let cases = [
        ("1970-01-01", Some(0.0)),
        ("2000-02-29", Some(11_016.0)),
        ("1900-03-01", Some(-25_508.0)),
        ("2024/12/31", Some(20_088.0)),
        ("31.12.2024", Some(20_088.0)),
        ("2024-12-31T12:00", Some(20_088.5)),
        ("2024-12-31 06:00:00", Some(20_088.25)),
        ("2023-02-29", None),
        ("2024-13-01", None),
        ("12/31/2024", None),
        ("2024-12-31 25:00", None),
        ("1.234.567", None),
    ];
    for (text, expected) in cases {
        assert_eq!(cell::date(text.as_bytes()), expected, "{text}");
    }
}

#[test]
fn missing_cells_drop_their_row_or_are_filled_and_counted() {
    let table = read("a,c,y\n1,u,1\n,v,2\n3,u,3\n8,,4\nNA,u,5\n4,u,\n");
    let choose = |missing| ColumnsConfig { missing, ..ColumnsConfig::default() };
    assert_eq!(rows(&table, &choose(Missing::Drop)), [[1.0, 0.0, 1.0], [3.0, 0.0, 3.0]]);
    let dropped = Selection::new(&table, &choose(Missing::Drop)).unwrap();
    assert_eq!((dropped.n_dropped, dropped.n_filled), (4, 0));
    // The mean of 1, 3, 8, 4 is 4, their median 3.5; "u" stands four times. No target, no row.
    let expected = |fill: f64| {
        vec![
            vec![1.0, 0.0, 1.0],
            vec![fill, 1.0, 2.0],
            vec![3.0, 0.0, 3.0],
            vec![8.0, 0.0, 4.0],
            vec![fill, 0.0, 5.0],
        ]
    };
    assert_eq!(rows(&table, &choose(Missing::Mean)), expected(4.0));
    assert_eq!(rows(&table, &choose(Missing::Median)), expected(3.5));
    let filled = Selection::new(&table, &choose(Missing::Mean)).unwrap();
    assert_eq!((filled.n_dropped, filled.n_filled), (1, 3));
}

#[test]
fn a_bad_cell_is_named_or_skipped() {
    let mut text = "a,y\n".to_owned();
    for i in 0..60 {
        text += &format!("{},{i}\n", if i == 30 { "oops".to_owned() } else { i.to_string() });
    }
    let table = read(&text);
    let error = Selection::new(&table, &ColumnsConfig::default()).unwrap_err();
    assert_eq!(error.code, Code::CellNotANumber);
    let place = ["row", "column", "text"].map(|name| error.params[name].as_str());
    assert_eq!(place, ["32", "a", "oops"]);
    let skip = ColumnsConfig { skip_bad_cells: true, ..ColumnsConfig::default() };
    let selection = Selection::new(&table, &skip).unwrap();
    assert_eq!((selection.n_rows(), selection.n_bad), (59, 1));
    assert_eq!(table.preview().unwrap().n_bad, 1);
    for (cell, code) in
        [("inf", Code::CellNotFinite), ("1e300", Code::CellTooLarge), ("\"1,5\"", Code::CellDecimalComma)]
    {
        let table = read(&text.replace("oops", cell));
        assert_eq!(Selection::new(&table, &ColumnsConfig::default()).unwrap_err().code, code, "{cell}");
    }
}

#[test]
fn lines_are_those_of_an_editor() {
    // A quoted cell spans lines 3 and 4; line 5 is blank; the row of the bad cell begins in line 7 and ends in 8.
    let mut text = "a,b,y\n1,u,1\n2,\"two\nlines\",2\n\n3,u,3\noops,\"u\nv\",4\n".to_owned();
    for i in 0..60 {
        text += &format!("{i},u,{i}\n");
    }
    for text in [text.clone(), text.replace('\n', "\r\n")] {
        let error = Selection::new(&read(&text), &ColumnsConfig::default()).unwrap_err();
        assert_eq!((error.code, error.params["row"].as_str()), (Code::CellNotANumber, "7"));
    }
}

#[test]
fn rows_of_other_lengths_are_told_of() {
    let table = read("a,b,y\n1,2,3\n4,5,6,7\n8,9\n1,2,3\n2,1,3\n");
    let error = Selection::new(&table, &ColumnsConfig::default()).unwrap_err();
    assert_eq!(error.code, Code::RowWidth);
    assert_eq!((error.params["row"].as_str(), error.params["found"].as_str()), ("3", "4"));
    let skip = ColumnsConfig { skip_bad_cells: true, ..ColumnsConfig::default() };
    let selection = Selection::new(&table, &skip).unwrap();
    // The long one is skipped, the short one has no target.
    assert_eq!((selection.n_rows(), selection.n_bad, selection.n_dropped), (3, 1, 1));
    assert_eq!((table.preview().unwrap().n_long, table.preview().unwrap().n_short), (1, 1));
}

#[test]
fn columns_are_chosen_and_read_as_what_they_are_wanted_to_be() {
    let mut text = "cyl,mpg,am,id\n".to_owned();
    for i in 0..30 {
        text += &format!("{},{},{},car {i}\n", [4, 6, 8][i % 3], 30 - i, ["yes", "no"][i % 2]);
    }
    let table = read(&text);
    let choose = |target: &str, features: &[&str], kinds: &[[&str; 2]]| ColumnsConfig {
        target: target.to_owned(),
        features: features.iter().map(|name| (*name).to_owned()).collect(),
        kinds: kinds.iter().map(|pair| pair.map(str::to_owned)).collect(),
        ..ColumnsConfig::default()
    };
    let by_cylinders = choose("mpg", &["cyl"], &[["cyl", "category"]]);
    let selection = Selection::new(&table, &by_cylinders).unwrap();
    assert_eq!(selection.inputs[0].levels, ["4", "6", "8"]);
    assert_eq!(rows(&table, &by_cylinders)[..3], [[0.0, 30.0], [1.0, 29.0], [2.0, 28.0]]);
    // A target of two levels is 0 and 1.
    assert_eq!(rows(&table, &choose("am", &["mpg"], &[]))[..2], [[30.0, 1.0], [29.0, 0.0]]);
    let refused = |config: &ColumnsConfig| Selection::new(&table, config).unwrap_err().code;
    assert_eq!(refused(&choose("mpg", &["id"], &[])), Code::ColumnKind);
    assert_eq!(refused(&choose("mpg", &["none"], &[])), Code::NoSuchColumn);
    assert_eq!(refused(&choose("mpg", &["mpg"], &[])), Code::TargetAmongFeatures);
    assert_eq!(refused(&choose("am", &["id"], &[["id", "number"]])), Code::ColumnKind);
    // A target of more levels is a class.
    let classes = choose("cyl", &["mpg"], &[["cyl", "category"]]);
    assert_eq!(Selection::new(&table, &classes).unwrap().target_levels, ["4", "6", "8"]);
    assert_eq!(rows(&table, &classes)[..3], [[30.0, 0.0], [29.0, 1.0], [28.0, 2.0]]);
}

/// Behind the target rows hold what they are weighed and split by, which is never made up.
#[test]
fn rows_hold_what_they_are_weighed_and_split_by() {
    let mut text = "x,y,w,who,day\n".to_owned();
    for i in 0..30 {
        let weight = if i == 4 { String::new() } else { format!("0.{}", i % 10) };
        text += &format!("{i},{},{weight},person {i},2024-01-{:02}\n", 2 * i, 30 - i);
    }
    let table = read(&text);
    let choice = |weight: &str, group: &str, order: &str| ColumnsConfig {
        target: "y".to_owned(),
        features: vec!["x".to_owned()],
        missing: Missing::Mean,
        weight: weight.to_owned(),
        group: group.to_owned(),
        order: order.to_owned(),
        ..ColumnsConfig::default()
    };
    let all = choice("w", "who", "day");
    let selection = Selection::new(&table, &all).unwrap();
    assert_eq!(selection.extras, [Extra::Weight, Extra::Group, Extra::Order]);
    assert_eq!((selection.n_rows(), selection.n_dropped, selection.width()), (29, 1, 5));
    // Persons in the order of letters: 0, 1, 10, ... 19, 2, 20; 2024-01-30 is day 19752 (Python 3.13).
    assert_eq!(rows(&table, &all)[2], [2.0, 4.0, 0.2, 12.0, 19_750.0]);
    let order = Selection::new(&table, &choice("", "", "x")).unwrap();
    assert_eq!((order.n_rows(), order.extras), (30, vec![Extra::Order]));
    let refused = |config: &ColumnsConfig| Selection::new(&table, config).unwrap_err().code;
    assert_eq!(refused(&choice("who", "", "")), Code::ColumnKind);
    assert_eq!(refused(&choice("", "", "who")), Code::ColumnKind);
    assert_eq!(refused(&choice("", "nobody", "")), Code::NoSuchColumn);
}

#[test]
fn names_are_made_unique_and_given_where_there_are_none() {
    assert_eq!(names(&read("a,a,b\n1,2,3\n4,5,6\n")), ["a", "a (2)", "b"]);
    assert_eq!(names(&read("1,2,3\n4,5,6\n")), ["column 1", "column 2", "column 3"]);
    assert_eq!(names(&read("1,2\n4,5\n")), ["x", "y"]);
    assert_eq!(names(&read(",a,b\n1,2,3\n4,5,6\n")), ["column 1", "a", "b"]);
    assert_eq!(names(&read("a (2),a,a,a\n1,2,3,4\n4,5,6,7\n")), ["a (2)", "a", "a (3)", "a (4)"]);
}

#[test]
fn as_many_columns_as_there_may_be_can_have_one_name() {
    const N_COLUMNS: usize = 10_000;
    let row = |i: usize| (0..N_COLUMNS).map(|j| (i * (j + 3) % 7).to_string()).collect::<Vec<_>>().join(",");
    let head = vec!["same"; N_COLUMNS].join(",");
    let table = read(&format!("{head}\n{}\n", (0..9).map(row).collect::<Vec<_>>().join("\n")));
    let expected = (2..=N_COLUMNS).map(|n| format!("same ({n})"));
    assert!(names(&table).into_iter().eq(std::iter::once("same".to_owned()).chain(expected)));
    let choice = table.choice();
    let selection = Selection::new(&table, &choice).unwrap();
    assert!(selection.inputs.iter().map(|input| &input.name).eq(&choice.features));
    let mut rows = vec![0.0; 2 * selection.width()];
    selection.read(&table, 3, &mut rows).unwrap();
    // Columns that are the same in all rows are left out: every seventh, from the fifth on.
    let found = (0..N_COLUMNS - 1).filter(|j| (j + 3) % 7 != 0).map(|j| (3 * (j + 3) % 7) as f64);
    assert!(rows[..selection.width() - 1].iter().copied().eq(found));
}

#[test]
fn what_is_no_table_is_refused() {
    let refused = |bytes: &[u8]| Table::read(bytes).unwrap_err().code;
    assert_eq!(refused(b""), Code::TableEmpty);
    assert_eq!(refused(b"a,b\n"), Code::TableEmpty);
    assert_eq!(refused(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\0"), Code::NotATable);
    let mut endless = b"a,b\n\"".to_vec();
    endless.resize(20_000_000, b'x');
    assert_eq!(refused(&endless), Code::RowTooLong);
}

/// Two columns that are wanted as numbers, whatever they look like.
#[test]
fn a_pair_of_numbers_is_asked_for_and_what_is_none_is_named() {
    let refused = |text: &[u8]| {
        let table = Table::read(text).unwrap();
        let kinds = names(&table).iter().map(|name| [(*name).to_owned(), "number".to_owned()]).collect();
        Selection::new(&table, &ColumnsConfig { kinds, ..ColumnsConfig::default() }).unwrap_err()
    };
    let cases: [(&[u8], Code, &str); 9] = [
        (b"x,y\n1,2\n3,abc\n", Code::CellNotANumber, "Row 3, column \"y\": \"abc\""),
        (b"x;y\n1;2\n3;4.5.6\n", Code::CellNotANumber, "Row 3, column \"y\": \"4.5.6\""),
        (b"x,y\n1,2\n3,inf\n", Code::CellNotFinite, "Row 3, column \"y\": \"inf\""),
        (b"x,y\n1,1e30\n2,3\n", Code::CellTooLarge, "Row 2, column \"y\": \"1e30\""),
        (b"x,y\n1,\"12,5\"\n2,3\n", Code::CellDecimalComma, "Row 2, column \"y\": \"12,5\""),
        (b"x,y\n1,2,3\n2,3\n", Code::RowWidth, "Row 2 has 3 cells"),
        (b"x,y\n1\n2\n", Code::NoFeatures, "at least one feature"),
        (b"x,y\n1,2\n", Code::TooFewRows, "at least two"),
        (b"x,y\n1,2\n3,4\xff\n", Code::CellNotANumber, "Row 3"),
    ];
    for (text, code, part) in cases {
        let message = refused(text);
        assert_eq!(message.code, code, "{message}");
        assert!(message.to_string().contains(part), "{message}");
    }
}

/// Python 3.13's `float` reads the same; here std is the oracle, which is exact too.
#[test]
fn numbers_are_exact() {
    let numbers = Numbers { decimal_comma: false, separator: b',' };
    for text in [
        "0.1",
        "-0.3",
        "123456789012345",
        "0.000000000000001",
        "9007199254740993",
        "1.7976931348623157",
        "3.",
    ] {
        let Cell::Number(value) = cell::read(text.as_bytes(), numbers) else { panic!("{text}") };
        assert_eq!(value.to_bits(), text.parse::<f64>().unwrap().to_bits(), "{text}");
    }
    for text in ["1,23", "1,2345", "12,34,567", "1_000", "0x10", "inf", "--1", "1.2.3", "e5", "infinity"] {
        assert_eq!(cell::read(text.as_bytes(), numbers), Cell::Text, "{text}");
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read(values in prop::collection::vec((-1e9..1e9f64, "[a-z \",;\n]{0,12}"), 2..60)) {
        let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
        let mut text = "number,word\n".to_owned();
        for (value, word) in &values {
            text += &format!("{value},{}\n", quoted(word));
        }
        let dialect = Dialect { encoding: Encoding::Utf8, separator: ',', decimal_comma: false, header: true, date_order: None, row_names: false, skip: 0 };
        let mut table = Table::new(dialect);
        table.push(text.as_bytes()).unwrap();
        table.finish().unwrap();
        prop_assert_eq!(table.n_rows() as usize, values.len());
        for (row, (value, _)) in values.iter().enumerate() {
            prop_assert_eq!(table.columns()[0].value(row).unwrap(), Some(*value));
        }
    }

    #[test]
    fn plain_numbers_are_what_std_reads(text in "-?[0-9]{1,12}(\\.[0-9]{0,8})?") {
        let numbers = Numbers { decimal_comma: false, separator: b';' };
        let expected = text.parse::<f64>().unwrap();
        prop_assert_eq!(cell::read(text.as_bytes(), numbers), Cell::Number(expected));
    }
}

/// Whatever bytes come, nothing panics and no memory is asked for that they do not justify.
#[test]
fn mutated_tables_are_read_or_refused() {
    let seeds: [&[u8]; 4] = [
        b"a,b,c\n1,2,3\n4,x,6\n\"q\"\"\",8,9\n",
        b"a;b\n1,5;2\n3,5;x\n",
        b"\xFF\xFEa\0,\0b\0\n\x001\0,\x002\0\n\0",
        b"d,v\n2024-01-01,1\n2024-01-02,NA\n",
    ];
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = move || {
        // xorshift64 (Marsaglia 2003).
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for case in 0..5_000 {
        let mut bytes = seeds[case % seeds.len()].to_vec();
        for _ in 0..1 + next() % 6 {
            let place = (next() as usize) % bytes.len().max(1);
            match next() % 4 {
                0 => bytes.truncate(place),
                1 => bytes.insert(place.min(bytes.len()), (next() % 256) as u8),
                2 => bytes.extend_from_within(..place.min(bytes.len())),
                _ => {
                    if let Some(byte) = bytes.get_mut(place) {
                        *byte = b",;\"\n\r\0\t-.eE1 \xFF"[(next() % 14) as usize];
                    }
                }
            }
        }
        let Ok(table) = Table::read(&bytes) else { continue };
        let preview = table.preview().unwrap();
        assert_eq!(preview.n_rows, table.n_rows());
        if let Ok(selection) = Selection::new(&table, &preview.choice) {
            let mut rows = vec![0.0; selection.n_rows() * selection.width()];
            selection.read(&table, 0, &mut rows).unwrap();
            assert!(rows.iter().all(|value| value.is_finite()), "{:?}", String::from_utf8_lossy(&bytes));
        }
    }
}
