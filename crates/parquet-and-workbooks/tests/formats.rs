//! Tests with Parquet files of pyarrow and pandas, and workbooks of openpyxl and odfpy.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "../../tables/tests/expected/mod.rs"]
mod expected;

use std::rc::Rc;

use downhill::message::Code;
use downhill_parquet_and_workbooks::archive;
use downhill_parquet_and_workbooks::parquet::Parquet;
use downhill_parquet_and_workbooks::workbook::Workbook;
use downhill_tables::batch::{Reader, Step, read_all};
use downhill_tables::format::Format;
use expected::{bytes, check, files, source};

#[test]
fn parquet_files_are_what_pyarrow_reads() {
    for name in files(".parquet") {
        assert_eq!(Format::of(&bytes(&name)), Format::Parquet, "{name}");
        check(&read_all(&mut Parquet::new(bytes(&name)).unwrap()).unwrap(), &name);
    }
}

#[test]
fn archives_are_what_numpy_reads() {
    for name in files(".npz") {
        assert_eq!(Format::of(&bytes(&name)), Format::Archive, "{name}");
        let table = read_all(&mut archive::open(source(&name)).unwrap()).unwrap();
        check(&table, &name);
        // The target comes last, wherever it was in the archive.
        assert_eq!(table.columns().last().unwrap().name, "y", "{name}");
        let whole = bytes(&name);
        for length in (0..whole.len()).step_by(7) {
            let cut = archive::open(Rc::new(whole[..length].to_vec()));
            assert_eq!(cut.err().unwrap().code, Code::FileDamaged, "{name}, {length} bytes");
        }
    }
    for (name, code) in
        [("refused_lengths.npz", Code::ArrayLengths), ("refused_none.npz", Code::ArrayMissing)]
    {
        assert_eq!(archive::open(source(name)).err().unwrap().code, code, "{name}");
    }
}

#[test]
fn lists_are_no_cells() {
    let error = Parquet::new(bytes("refused_lists.parquet")).err().unwrap();
    assert_eq!(error.code, Code::ColumnNested);
    assert_eq!(error.params["column"], "list");
}

#[test]
fn row_groups_come_one_after_another() {
    let mut reader = Parquet::new(bytes("zstd_2.parquet")).unwrap();
    let mut n_rows = Vec::new();
    let mut before = 0.0;
    loop {
        match reader.next().unwrap() {
            Step::Rows(batch) => n_rows.push(batch.n_rows()),
            Step::End => break,
            _ => {}
        }
        assert!(reader.fraction() >= before && reader.fraction() <= 1.0);
        before = reader.fraction();
    }
    assert_eq!(n_rows, [17, 17, 6]);
}

#[test]
fn a_parquet_file_that_ends_early_is_damaged() {
    let whole = bytes("gzip_1.parquet");
    for length in (0..whole.len()).step_by(97) {
        let error = Parquet::new(whole[..length].to_vec()).err().unwrap();
        assert_eq!(error.code, Code::FileDamaged, "{length}: {error}");
    }
}

#[test]
fn workbooks_are_what_openpyxl_and_odfpy_read() {
    for name in files(".xlsx").into_iter().chain(files(".ods")) {
        assert_eq!(Format::of(&bytes(&name)), Format::Workbook, "{name}");
        let mut workbook = Workbook::new(source(&name), None).unwrap();
        assert_eq!(workbook.sheet(), "rows", "{name}");
        check(&read_all(&mut workbook).unwrap(), &name);
    }
}

#[test]
fn a_sheet_is_chosen_by_name_and_a_table_may_stand_anywhere_on_it() {
    let mut workbook = Workbook::new(source("workbook.xlsx"), Some("elsewhere")).unwrap();
    assert_eq!(workbook.sheets(), ["rows", "elsewhere"]);
    // Only the last row uses the third column.
    check(&read_all(&mut workbook).unwrap(), "workbook.xlsx#elsewhere");
    let error = Workbook::new(source("workbook.xlsx"), Some("nowhere")).err().unwrap();
    assert_eq!(error.code, Code::SheetMissing);
}

#[test]
fn an_element_that_does_not_end_is_not_waited_for() {
    use std::io::{Cursor, Write};
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    writer.start_file("mimetype", stored).unwrap();
    writer.write_all(b"application/vnd.oasis.opendocument.spreadsheet").unwrap();
    writer.start_file("content.xml", stored).unwrap();
    writer
        .write_all(b"<office:body><office:spreadsheet><table:table table:name=\"a\"><table:table-row>")
        .unwrap();
    let open = Workbook::new(Rc::new(writer.finish().unwrap().into_inner()), None);
    assert_eq!(open.err().unwrap().code, Code::FileDamaged);
}

#[test]
fn a_workbook_that_ends_early_is_damaged() {
    for name in ["workbook.xlsx", "workbook.ods"] {
        let whole = bytes(name);
        for length in (0..whole.len()).step_by(97) {
            let error = Workbook::new(Rc::new(whole[..length].to_vec()), None).err().unwrap();
            assert_eq!(error.code, Code::FileDamaged, "{name}, {length}: {error}");
        }
    }
}
