//! Tables that do not fit into memory: what is stored elsewhere says the same as what is kept.
#![allow(clippy::unwrap_used, missing_docs)]

use std::cell::RefCell;
use std::fmt::Write as _;
use std::rc::Rc;

use downhill::config::{ColumnsConfig, Missing};
use downhill::message::{Code, Message, Result};
use downhill_readers::block::Storage;
use downhill_readers::dialect::Dialect;
use downhill_readers::selection::Selection;
use downhill_readers::table::Table;

/// Bytes that are seen to be written in order and read as they were written.
#[derive(Clone, Debug, Default)]
struct Memory {
    bytes: Rc<RefCell<Vec<u8>>>,
    room: Option<usize>,
}

impl Storage for Memory {
    fn write(&mut self, at: u64, bytes: &[u8]) -> Result<()> {
        let mut kept = self.bytes.borrow_mut();
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
