//! Tables that are no text: JSON and NumPy's files, as pandas, Python and NumPy write them.
#![allow(clippy::unwrap_used, missing_docs)]

mod expected;

use std::io;
use std::rc::Rc;

use downhill::message::{Code, Message};
use downhill_tables::arrays::Arrays;
use downhill_tables::batch::{Batch, Cells, Filling, Reader, Step, read_all};
use downhill_tables::format::Format;
use downhill_tables::objects::Objects;
use downhill_tables::source::{Cursor, Source};
use downhill_tables::table::Table;
use expected::{bytes, check, files, source};

fn read_objects(text: &str) -> Result<Table, Message> {
    read_all(&mut Objects::new(text.as_bytes().to_vec()))
}

fn values(table: &Table, name: &str) -> Vec<Option<f64>> {
    let column = table.columns().iter().find(|column| column.name == name).unwrap();
    (0..table.n_rows() as usize).map(|row| column.value(row).unwrap()).collect()
}

#[test]
fn arrays_are_what_numpy_reads() {
    for name in files(".npy") {
        assert_eq!(Format::of(&bytes(&name)), Format::Array, "{name}");
        check(&read_all(&mut Arrays::of_array(source(&name)).unwrap()).unwrap(), &name);
    }
}

#[test]
fn arrays_that_are_no_table_say_why() {
    let cases = [
        ("refused_complex.npy", Code::ArrayKind, "<c16"),
        ("refused_objects.npy", Code::ArrayKind, "|O"),
        ("refused_dimensions.npy", Code::ArrayShape, "3"),
    ];
    for (name, code, said) in cases {
        let error = Arrays::of_array(source(name)).err().unwrap();
        assert_eq!(error.code, code, "{name}: {error}");
        assert!(error.to_string().contains(said), "{name}: {error}");
    }
}

#[test]
fn an_array_that_ends_early_is_damaged() {
    for name in ["rows.npy", "columns.npy", "words.npy"] {
        let whole = bytes(name);
        for length in (0..whole.len()).step_by(7) {
            let read = Arrays::of_array(Rc::new(whole[..length].to_vec()))
                .and_then(|mut arrays| read_all(&mut arrays));
            assert_eq!(read.unwrap_err().code, Code::FileDamaged, "{name}, {length} bytes");
        }
    }
}

#[test]
fn objects_are_what_python_reads() {
    for name in files(".jsonl").into_iter().chain(files(".json")) {
        assert_eq!(Format::of(&bytes(&name)), Format::Objects, "{name}");
        let table = read_all(&mut Objects::new(source(&name))).unwrap();
        check(&table, &name);
    }
    let table = read_all(&mut Objects::new(source("nested.json"))).unwrap();
    let names: Vec<&str> = table.columns().iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["a", "in.b", "in.deep", "list", "late"], "in order of appearance");
}

#[test]
fn keys_that_come_late_have_columns_from_the_first_row_on() {
    // More than the first megabyte, in which keys are gathered.
    let n_rows = 60_000;
    let mut text: String = (0..n_rows).map(|i| format!("{{\"x\": {i}, \"y\": {}}}\n", 2 * i)).collect();
    assert!(text.len() > 1 << 20);
    text.push_str("{\"late\": 1, \"x\": -1}\n{\"later\": 2}\n");
    let table = read_objects(&text).unwrap();
    assert_eq!(table.n_rows(), n_rows + 2);
    assert_eq!(
        table.columns().iter().map(|column| &column.name).collect::<Vec<_>>(),
        ["x", "y", "late", "later"]
    );
    let xs = values(&table, "x");
    assert_eq!(xs[..n_rows as usize], (0..n_rows).map(|i| Some(i.into())).collect::<Vec<_>>());
    assert_eq!(xs[n_rows as usize..], [Some(-1.0), None]);
    assert_eq!(table.columns()[2].n_missing, n_rows + 1);
    assert_eq!(values(&table, "later")[n_rows as usize..], [None, Some(2.0)]);
}

#[test]
fn objects_may_follow_each_other_in_any_way() {
    let cases = [
        "{\"x\":1,\"y\":2}\n{\"x\":3,\"y\":4}",
        "\u{FEFF}{\"x\":1,\"y\":2}\r\n\r\n{\"x\":3,\"y\":4}\r\n",
        "[{\"x\":1,\"y\":2},\n{\"x\":3,\"y\":4}]",
        "[\n {\n  \"x\": 1,\n  \"y\": 2\n }, {\"y\": 4, \"x\": 3}\n]\n",
        "{\"x\":0,\"x\":1,\"y\":2}{\"x\":3,\"y\":4}",
        "{\"x\":\"1\",\"y\":2e0}\n{\"x\":3.0,\"y\":\"4\"}",
    ];
    for text in cases {
        assert_eq!(Format::of(text.as_bytes()), Format::Objects, "{text:?}");
        let table = read_objects(text).unwrap();
        assert_eq!(values(&table, "x"), [Some(1.0), Some(3.0)], "{text:?}");
        assert_eq!(values(&table, "y"), [Some(2.0), Some(4.0)], "{text:?}");
    }
    // Braces and quotes within strings.
    let table = read_objects(r#"{"a":"}{\"[","x":1} {"a":"\\","x":2}"#).unwrap();
    assert_eq!(values(&table, "x"), [Some(1.0), Some(2.0)]);
}

#[test]
fn numbers_of_objects_are_exact() {
    // The shortest digits of f64 numbers, and halfway cases that a quick parser gets wrong.
    for text in ["0.1", "9007199254740993", "123456.789012345e-10", "5e-324", "999999999999999.9", "-0.3e1"] {
        let table = read_objects(&format!("{{\"x\":{text}}}")).unwrap();
        assert_eq!(
            values(&table, "x")[0],
            text.parse().ok().filter(|value: &f64| value.abs() <= 1e15),
            "{text}"
        );
    }
}

#[test]
fn an_object_that_cannot_be_read_is_named_by_its_line() {
    let cases = [
        ("{\"x\":1}\n{\"x\":}\n{\"x\":3}\n", 2),
        ("{\"x\":1}\n\n\nx,y\n1,2\n", 4),
        ("[{\"x\":1},\n2]", 2),
        ("{\"x\":1}\n{\"x\":2\n", 2),
        ("{\"x\":1}\n{\"x\":NaN}\n", 2),
        ("{\"x\":1e999}", 1),
    ];
    for (text, line) in cases {
        let error = read_objects(text).unwrap_err();
        assert_eq!(error.code, Code::ObjectUnreadable, "{text:?}: {error}");
        assert_eq!(error.params["row"], line.to_string(), "{text:?}: {error}");
        assert!(!error.params["detail"].contains("line"), "{error}");
    }
    for text in ["", "{}", "[]", "{}\n{}\n"] {
        assert_eq!(read_objects(text).unwrap_err().code, Code::TableEmpty, "{text:?}");
    }
}

#[test]
fn a_date_that_no_calendar_shows_is_a_word() {
    let dates = [1.0, 1e8, -1e8, 1.1e8, f64::MAX, f64::INFINITY];
    let mut cells = Cells::default();
    dates.iter().for_each(|days| cells.push_date(*days));
    let mut filling = Filling::default();
    filling.take(&Step::Columns(vec!["day".to_owned()])).unwrap();
    filling.take(&Step::Rows(Batch { columns: vec![cells], lines: (1..=6).collect() })).unwrap();
    let table = filling.finish().unwrap();
    assert_eq!((table.columns()[0].n_dates, table.columns()[0].n_text), (3, 3));
}

/// A source that is refused at some place, as a file that has changed since it was chosen.
struct Refused;

impl Source for Refused {
    fn size(&self) -> u64 {
        1000
    }

    fn read_at(&self, _: u64, _: &mut [u8]) -> io::Result<()> {
        Err(io::Error::other("changed"))
    }
}

#[test]
fn a_file_that_cannot_be_read_is_an_error() {
    let error = read_objects_of(Refused).unwrap_err();
    assert!(error.to_string().contains("changed"), "{error}");
    assert_eq!(Arrays::of_array(Rc::new(Refused)).err().unwrap().code, Code::FileDamaged);
}

fn read_objects_of(source: impl Source) -> Result<Table, Message> {
    read_all(&mut Objects::new(source))
}

#[test]
fn what_a_file_is_shows_in_its_first_bytes() {
    let cases: &[(&[u8], Format)] = &[
        (b"PAR1\x15\x04", Format::Parquet),
        (b"PK\x03\x04", Format::Workbook),
        (b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", Format::OldWorkbook),
        (b"x,y\n1,2\n", Format::Text),
        (b"[a],[b]\n1,2\n", Format::Text),
        (b"{a};{b}\n1;2\n", Format::Text),
        (b"  [ { \"a\"", Format::Objects),
        (b"", Format::Text),
    ];
    for (head, format) in cases {
        assert_eq!(Format::of(head), *format, "{head:?}");
    }
    for end in [".parquet", ".xlsx", ".ods"] {
        let expected = if end == ".parquet" { Format::Parquet } else { Format::Workbook };
        assert!(files(end).iter().all(|name| Format::of(&bytes(name)) == expected), "{end}");
    }
}

#[test]
fn batches_are_small_and_progress_is_told() {
    let text: String = (0..200_000).map(|i| format!("{{\"x\":{i}}}\n")).collect();
    let mut reader = Objects::new(text.into_bytes());
    let (mut n_rows, mut n_batches, mut before) = (0, 0, 0.0);
    loop {
        match reader.next().unwrap() {
            Step::Rows(batch) => {
                assert!(batch.n_rows() <= 1 << 16);
                n_rows += batch.n_rows();
                n_batches += 1;
                assert!(reader.fraction() >= before && reader.fraction() <= 1.0);
                before = reader.fraction();
            }
            Step::End => break,
            _ => {}
        }
    }
    assert_eq!(n_rows, 200_000);
    assert!(n_batches >= 4, "{n_batches}");
}

#[test]
fn a_cursor_reads_as_a_file_would() {
    use std::io::{Read, Seek, SeekFrom};
    let bytes: Vec<u8> = (0..=255).cycle().take(5000).collect();
    let mut cursor = Cursor::with_capacity(bytes.clone(), 0, 100);
    let mut plain = io::Cursor::new(bytes);
    for (i, seek) in [
        SeekFrom::Start(10),
        SeekFrom::Current(95),
        SeekFrom::Current(-150),
        SeekFrom::End(-70),
        SeekFrom::End(9),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(cursor.seek(seek).unwrap(), plain.seek(seek).unwrap(), "{i}");
        let (mut found, mut expected) = (vec![0; 80], vec![0; 80]);
        let n = |read: &mut dyn Read, out: &mut Vec<u8>| {
            let mut whole = Vec::new();
            read.take(80).read_to_end(&mut whole).unwrap();
            *out = whole;
        };
        n(&mut cursor, &mut found);
        n(&mut plain, &mut expected);
        assert_eq!(found, expected, "{i}");
    }
    assert!(cursor.seek(SeekFrom::End(-6000)).is_err());
}
