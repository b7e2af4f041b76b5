//! Tables that do not fit into memory: what is stored elsewhere says the same as what is kept.
#![allow(clippy::unwrap_used, missing_docs)]

use std::cell::RefCell;
use std::fmt::Write as _;
use std::rc::Rc;

use downhill::choices::Missing;
use downhill::config::ColumnsConfig;
use downhill::message::{Code, Message, Result};
use downhill_tables::batch::{Batch, Filling, Reader, Step, read_all};
use downhill_tables::block::Storage;
use downhill_tables::dialect::Dialect;
use downhill_tables::selection::Selection;
use downhill_tables::table::Table;

/// Bytes that are seen to be written in order, from the beginning or once more from there, and read as they were written.
#[derive(Clone, Debug, Default)]
struct Memory {
    bytes: Rc<RefCell<Vec<u8>>>,
    room: Option<usize>,
}

impl Storage for Memory {
    fn write(&mut self, at: u64, bytes: &[u8]) -> Result<()> {
        let mut kept = self.bytes.borrow_mut();
        if at == 0 {
            kept.clear();
        }
        assert_eq!(at, kept.len() as u64);
        if self.room.is_some_and(|room| kept.len() + bytes.len() > room) {
            return Err(Message::new(Code::StorageFull).with("detail", "no room"));
        }
        kept.extend_from_slice(bytes);
        Ok(())
    }

    fn read(&mut self, at: u64, bytes: &mut [u8]) -> Result<()> {
        let at = at as usize;
        let kept = self.bytes.borrow();
        let found = kept.get(at..at + bytes.len()).ok_or_else(|| Message::new(Code::StorageFailed))?;
        bytes.copy_from_slice(found);
        Ok(())
    }
}

/// Rows of `n_columns` cells: numbers, a category, and one cell in 97 that says nothing.
fn csv(n_rows: usize, n_columns: usize) -> String {
    let mut text = (0..n_columns).map(|j| format!("c{j}")).collect::<Vec<_>>().join(",") + "\n";
    for i in 0..n_rows {
        for j in 0..n_columns {
            let sign = if j == 0 { "" } else { "," };
            match (j, (i + 13 * j) % 97) {
                (..10, 0) => text.push_str(sign),
                (1, _) => write!(text, "{sign}{}", ["red", "green", "blue"][i * i % 3]).unwrap(),
                _ => write!(text, "{sign}{}", ((i * 7919 + j * 104_729) % 100_003) as f64 / 8.0).unwrap(),
            }
        }
        text.push('\n');
    }
    text
}

fn read(text: &str, prepare: impl FnOnce(&mut Table)) -> Result<Table> {
    let mut table = Table::new(Dialect::detect(text.as_bytes(), true));
    prepare(&mut table);
    table.push(text.as_bytes())?;
    table.finish()?;
    Ok(table)
}

/// Tables of many rows and of many columns, whose blocks have few rows.
#[test]
fn what_is_stored_says_the_same_as_what_is_kept() {
    for (n_rows, n_columns) in [(135_000, 3), (4_500, 300)] {
        let text = csv(n_rows, n_columns);
        let storage = Memory::default();
        let mut kept = read(&text, |_| {}).unwrap();
        let mut stored = read(&text, |table| {
            table.store(storage.clone());
            table.keep_in_memory(0);
        })
        .unwrap();
        // All but a last block that is not full.
        let n_stored = storage.bytes.borrow().len() / 8 / n_columns;
        assert!(n_stored > n_rows / 2 && n_stored < n_rows, "{n_stored}");
        assert_eq!(stored.fingerprint(), kept.fingerprint());
        let [mut one, mut other] = [&stored, &kept].map(|table| table.preview().unwrap());
        (one.bytes, other.bytes) = (0, 0);
        assert_eq!(format!("{one:?}"), format!("{other:?}"));
        for missing in [Missing::Drop, Missing::Mean, Missing::Median] {
            let choice = ColumnsConfig { missing, ..ColumnsConfig::default() };
            let [one, other] = [&stored, &kept].map(|table| Selection::new(table, &choice).unwrap());
            assert_eq!(
                (one.n_rows(), one.n_dropped, one.n_filled),
                (other.n_rows(), other.n_dropped, other.n_filled)
            );
            let width = one.width();
            let [mut found, mut expected] = [(); 2].map(|()| vec![0.0; one.n_rows() * width]);
            one.read(&stored, 0, &mut found).unwrap();
            other.read(&kept, 0, &mut expected).unwrap();
            assert!(found == expected);
            // Any rows, in any order.
            for first in (0..one.n_rows() - 5).rev().step_by(one.n_rows() / 50) {
                let mut rows = vec![0.0; 5 * width];
                one.read(&stored, first, &mut rows).unwrap();
                assert!(rows == expected[first * width..][..5 * width], "row {first}");
            }
        }
    }
}

#[test]
fn a_median_is_exact_of_any_number_of_values() {
    for n_rows in [100_000, 100_001] {
        let text = csv(n_rows, 3);
        let table = read(&text, |_| {}).unwrap();
        let mut values: Vec<f64> =
            text.lines().skip(1).filter_map(|line| line.split(',').nth(2)?.parse().ok()).collect();
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        let even = values.len().is_multiple_of(2);
        assert_eq!(even, n_rows == 100_001);
        let expected = if even { (values[middle - 1] + values[middle]) / 2.0 } else { values[middle] };
        assert_eq!(table.columns()[2].median().unwrap(), expected);
    }
    // More values that are all the same than are put in order.
    let same =
        read(&("x,y\n".to_owned() + &"-2.5,1\n".repeat(100_001) + &"3,1\n".repeat(7)), |_| {}).unwrap();
    assert_eq!(same.columns()[0].median().unwrap(), -2.5);
}

#[test]
fn a_table_waits_for_storage_and_is_refused_without() {
    let text = csv(100_000, 3);
    let grown = read(&text, |table| table.keep_in_memory(1 << 20)).unwrap();
    assert!(grown.wants_storage());
    assert!(!read(&text, |_| {}).unwrap().wants_storage());
    let without = |table: &mut Table| {
        table.do_without_storage();
        table.keep_in_memory(1 << 20);
    };
    assert_eq!(read(&text, without).unwrap_err().code, Code::StorageRefused);
    let full = |table: &mut Table| {
        table.store(Memory { room: Some(1 << 20), ..Memory::default() });
        table.keep_in_memory(0);
    };
    assert_eq!(read(&text, full).unwrap_err().code, Code::StorageFull);
}

#[test]
fn a_sample_is_of_a_share_of_the_rows_and_the_same_for_a_seed() {
    let n_rows = 20_000;
    let text = "i,y\n".to_owned() + &(0..n_rows).map(|i| format!("{i},{}\n", i % 7)).collect::<String>();
    let sample = |share, seed| read(&text, |table| table.sample(share, seed)).unwrap();
    let rows = |table: &Table| -> Vec<f64> {
        (0..table.n_rows() as usize).map(|row| table.columns()[0].value(row).unwrap().unwrap()).collect()
    };
    let found = rows(&sample(0.25, 1));
    // Binomial: 5000 rows, of deviation 61.
    assert!((4_700..5_300).contains(&found.len()), "{}", found.len());
    assert!(found.is_sorted());
    // The mean of 0..20000 is 9999.5; that of 5000 of them has a deviation of 71.
    let mean = found.iter().sum::<f64>() / found.len() as f64;
    assert!((mean - 9_999.5).abs() < 350.0, "{mean}");
    assert_eq!(rows(&sample(0.25, 1)), found);
    assert_ne!(rows(&sample(0.25, 2)), found);
    assert_eq!(rows(&sample(1.0, 1)).len(), n_rows);
    let preview = sample(0.25, 1).preview().unwrap();
    assert_eq!((preview.n_rows as usize, preview.n_read), (found.len(), n_rows as u64));
    let [min, ..] = preview.columns[0].summary.unwrap();
    assert_eq!((min, preview.rows[0][0].parse()), (found[0], Ok(found[0])));
}

/// A share that was found out from the beginning of a file fits, and is no smaller than it needs to be.
#[test]
fn the_share_of_a_sample_fits() {
    let text = csv(200_000, 3);
    let room = 2 << 20;
    let without = |table: &mut Table| {
        table.do_without_storage();
        table.keep_in_memory(room);
    };
    let mut first = Table::new(Dialect::detect(text.as_bytes(), true));
    without(&mut first);
    let mut n_read = 0;
    let refused = text.as_bytes().chunks(1 << 12).find_map(|chunk| {
        n_read += chunk.len();
        first.push(chunk).err()
    });
    assert_eq!(refused.unwrap().code, Code::StorageRefused);
    let share = first.share_that_fits(n_read as f64, text.len() as f64);
    let sample = read(&text, |table| {
        table.sample(share, 1);
        table.keep_in_memory(room);
    })
    .unwrap();
    let taken = 24 * sample.n_rows() as usize;
    assert!(taken < room && taken > room / 2, "{taken}");
}

/// A file of two columns, in which a third one is found when most rows are read, so that they come again.
struct Steps {
    row: usize,
    n_columns: usize,
}

impl Steps {
    const N_ROWS: usize = 200_000;

    fn new() -> Self {
        Self { row: 0, n_columns: 0 }
    }
}

impl Reader for Steps {
    fn next(&mut self) -> Result<Step> {
        let late = self.n_columns == 2 && self.row == 150_000;
        if late || self.n_columns == 0 {
            (self.row, self.n_columns) = (0, if late { 3 } else { 2 });
            return Ok(Step::Columns((0..self.n_columns).map(|j| format!("c{j}")).collect()));
        }
        let rows = self.row..(self.row + 10_000).min(Self::N_ROWS);
        if rows.is_empty() {
            return Ok(Step::End);
        }
        self.row = rows.end;
        let mut batch = Batch::new(self.n_columns);
        for i in rows {
            batch.columns[0].push_number((i * 7919 % 100_003) as f64 / 8.0);
            batch.columns[1].push_word(["red", "green", "blue"][i * i % 3]);
            if let Some(late) = batch.columns.get_mut(2) {
                late.push_number(i as f64);
            }
            batch.lines.push(i as u64 + 1);
        }
        Ok(Step::Rows(batch))
    }

    fn fraction(&self) -> f64 {
        self.row as f64 / Self::N_ROWS as f64
    }
}

/// Takes every step; `outgrown` is asked for a place, as the worker is. How much was read where that ended.
fn fill(filling: &mut Filling, outgrown: &mut dyn FnMut(&mut Table)) -> (Result<()>, f64) {
    let mut reader = Steps::new();
    let mut read = || {
        while !filling.take(&reader.next()?)? {
            if filling.table.wants_storage() {
                outgrown(&mut filling.table);
            }
        }
        Ok(())
    };
    let ended = read();
    (ended, reader.fraction())
}

#[test]
fn a_table_of_no_text_is_stored_as_one_of_text_is() {
    let mut kept = read_all(&mut Steps::new()).unwrap();
    let storage = Memory::default();
    let mut filling = Filling::default();
    filling.table.keep_in_memory(1 << 16);
    let mut n_asked = 0;
    let (ended, _) = fill(&mut filling, &mut |table| {
        n_asked += 1;
        table.store(storage.clone());
    });
    ended.unwrap();
    let mut stored = filling.finish().unwrap();
    // Once, though the columns were found anew behind it, and what was written before is written over.
    assert_eq!(n_asked, 1);
    assert_eq!(stored.columns().len(), 3);
    // Three blocks of 65,536 rows, of which none fits into memory.
    assert_eq!(storage.bytes.borrow().len(), 3 * 65_536 * 3 * size_of::<f64>());
    assert_eq!(stored.fingerprint(), kept.fingerprint());
    let [mut one, mut other] = [&stored, &kept].map(|table| table.preview().unwrap());
    assert!(one.bytes < other.bytes, "{} of {}", one.bytes, other.bytes);
    (one.bytes, other.bytes) = (0, 0);
    assert_eq!(format!("{one:?}"), format!("{other:?}"));
}

#[test]
fn a_table_of_no_text_is_refused_or_a_sample_as_one_of_text_is() {
    let room = 1 << 21;
    let mut filling = Filling::default();
    filling.table.keep_in_memory(room);
    let (ended, read) = fill(&mut filling, &mut |table| {
        table.do_without_storage();
        table.keep_in_memory(room);
    });
    assert_eq!(ended.unwrap_err().code, Code::StorageRefused);
    let share = filling.table.share_that_fits(read, 1.0);
    let mut sampled = Filling::default();
    sampled.table.sample(share, 1);
    sampled.table.keep_in_memory(room);
    fill(&mut sampled, &mut |_| unreachable!()).0.unwrap();
    let sample = sampled.finish().unwrap();
    let taken = 24 * sample.n_rows() as usize;
    assert!(taken < room && taken > room / 2, "{taken}");
    let preview = sample.preview().unwrap();
    assert_eq!((preview.n_rows, preview.n_read), (sample.n_rows(), 200_000));
    let mut full = Filling::default();
    full.table.keep_in_memory(0);
    let (ended, _) = fill(&mut full, &mut |table| {
        table.store(Memory { room: Some(1 << 20), ..Memory::default() });
    });
    assert_eq!(ended.unwrap_err().code, Code::StorageFull);
}
