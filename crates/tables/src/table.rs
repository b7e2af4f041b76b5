//! A table while it is read: columns that grow a chunk at a time.

use std::cell::RefCell;
use std::hash::Hasher as _;
use std::rc::Rc;

use downhill::message::{Code, Result};

use crate::block::Storage;
use crate::column::Column;
use crate::dialect::{Decoder, Dialect, Encoding};
use crate::splitter::Splitter;

mod content;
mod preview;

pub use content::LongRows;
use content::{Content, Hash, Sample};
pub use preview::{ColumnPreview, Preview, complaint, too_wide};

/// Number of rows whose text is kept for the preview.
const SHOWN_ROWS: usize = 20;
/// Maximum number of characters of a cell in the preview.
const SHOWN_CHARACTERS: usize = 60;
/// Maximum number of rows in a table.
pub const MAX_ROWS: u32 = 1_000_000_000;
/// Maximum number of columns in a table.
pub(crate) const MAX_COLUMNS: usize = 10_000;
/// Maximum number of bytes of cells in memory if there is storage for the rest.
pub const HEAP_BYTES: usize = 256 << 20;
/// Maximum number of bytes of cells in memory if there is no storage. Reading and training need as much
/// again, and the page should need no more than 1 GiB.
pub const HEAP_BYTES_ALONE: usize = 512 << 20;
/// Number of bytes of text that are split at a time.
const CHUNK_BYTES: usize = 1 << 20;

/// A table, during and after reading.
#[derive(Debug)]
pub struct Table {
    /// The dialect of the file; `None` if the file is not text.
    pub dialect: Option<Dialect>,
    decoder: Decoder,
    splitter: Splitter,
    content: Content,
}

impl Table {
    /// Creates an empty table for text in this dialect.
    pub fn new(dialect: Dialect) -> Self {
        Self {
            decoder: Decoder::new(dialect.encoding),
            splitter: Splitter::new(dialect.separator_byte(), dialect.skip),
            content: Content::new(dialect.clone()),
            dialect: Some(dialect),
        }
    }

    /// Creates an empty table for cells that do not come from text. [`Table::begin`] names its columns.
    pub fn without_text() -> Self {
        let plain = Dialect {
            encoding: Encoding::Utf8,
            separator: ',',
            decimal_comma: false,
            header: true,
            date_order: None,
            row_names: false,
            skip: 0,
        };
        Self { dialect: None, ..Self::new(plain) }
    }

    /// Starts, or restarts, with columns of these names. Earlier rows are discarded; storage and sampling are
    /// kept. Append cells to [`Table::columns_mut`], any number of rows at a time, then count them with
    /// [`Table::push_rows`].
    ///
    /// # Errors
    /// [`Code::TooManyColumns`].
    pub fn begin(&mut self, names: &[String]) -> Result<()> {
        let Content { heap_bytes, alone, sample, .. } = self.content;
        let storage = self.content.storage.take();
        let content = Content::new(self.content.dialect.clone());
        self.content = Content { heap_bytes, storage, alone, sample, ..content };
        self.content.name_columns(names)
    }

    /// The columns, for appending cells. All columns must have the same number of cells before rows are
    /// counted.
    pub fn columns_mut(&mut self) -> &mut [Column] {
        &mut self.content.columns
    }

    /// Whether row number `n` after those read so far should be appended. All rows are, unless
    /// [`Table::sample`] was called.
    pub fn wants_row(&self, n: u64) -> bool {
        self.content.sample.is_none_or(|sample| sample.contains(self.content.n_read + n))
    }

    /// Counts rows that were appended: of the next `n_read` rows of the file, `n` were appended to every
    /// column.
    ///
    /// # Errors
    /// [`Code::TooManyRows`], [`Code::StorageRefused`], [`Code::TableTooLarge`] for a sample, and
    /// those of [`Storage::write`].
    pub fn push_rows(&mut self, n: u32, n_read: u64) -> Result<()> {
        let content = &mut self.content;
        content.n_rows = content.n_rows.saturating_add(n);
        content.n_read += n_read;
        debug_assert!(content.columns.iter().all(|column| column.len() == content.n_rows as usize));
        content.cut()
    }

    /// Whether the table has become too large for memory and needs [`Table::store`]. Until then it keeps
    /// growing.
    pub fn wants_storage(&self) -> bool {
        !self.content.alone
            && self.content.storage.is_none()
            && self.content.kept_bytes() > self.content.heap_bytes
    }

    /// Gives the table storage for blocks that do not fit into memory.
    pub fn store(&mut self, storage: impl Storage + 'static) {
        self.content.storage = Some(Rc::new(RefCell::new(storage)));
    }

    /// Tells the table that there is no storage: data beyond [`HEAP_BYTES_ALONE`] then cause an error.
    pub fn do_without_storage(&mut self) {
        self.content.alone = true;
        self.content.heap_bytes = HEAP_BYTES_ALONE;
    }

    /// Reads only a sample of the rows: each with probability `fraction`, drawn with `seed`. Call
    /// it before the first row.
    pub fn sample(&mut self, fraction: f64, seed: u32) {
        self.content.sample = Some(Sample::new(fraction, seed));
        self.do_without_storage();
    }

    /// The fraction of a file's rows that fits into memory, if the table now contains `n_read` of the file's
    /// `n_bytes` bytes. A tenth of the memory stays free, because rows differ in length.
    pub fn share_that_fits(&self, n_read: f64, n_bytes: f64) -> f64 {
        let Content { columns, n_rows, alone, heap_bytes, .. } = &self.content;
        let taken = (size_of::<f64>() * columns.len()) as f64 * f64::from((*n_rows).max(1));
        let room = if *alone { *heap_bytes } else { HEAP_BYTES_ALONE };
        (0.9 * room as f64 / taken * (n_read / n_bytes)).min(1.0)
    }

    /// Sets the maximum number of bytes of blocks in memory, instead of [`HEAP_BYTES`] or, without storage,
    /// [`HEAP_BYTES_ALONE`].
    pub fn keep_in_memory(&mut self, bytes: usize) {
        self.content.heap_bytes = bytes;
    }

    /// Reads a whole table from text.
    ///
    /// # Errors
    /// Those of [`Table::push`] and [`Table::finish`].
    pub fn read(bytes: &[u8]) -> Result<Self> {
        let mut table = Self::new(Dialect::detect(bytes, bytes.len() <= crate::dialect::HEAD_BYTES));
        table.push(bytes)?;
        table.finish()?;
        Ok(table)
    }

    /// Adds the next bytes of the text.
    ///
    /// # Errors
    /// [`Code::RowTooLong`], [`Code::TooManyColumns`], [`Code::TooManyRows`], [`Code::NotATable`],
    /// [`Code::StorageRefused`], [`Code::TableTooLarge`] for a sample, and those of
    /// [`Storage::write`].
    pub fn push(&mut self, bytes: &[u8]) -> Result<()> {
        for chunk in bytes.chunks(CHUNK_BYTES) {
            self.decoder.decode(chunk, self.splitter.text());
            self.splitter.split(false, &mut |records| self.content.take(records))?;
        }
        Ok(())
    }

    /// Reads the text that remains after the last bytes were added.
    ///
    /// # Errors
    /// Those of [`Table::push`], and [`Code::TableEmpty`].
    pub fn finish(&mut self) -> Result<()> {
        self.decoder.finish(self.splitter.text());
        self.splitter.split(true, &mut |records| self.content.take(records))?;
        if self.content.n_rows == 0 {
            return Err(Code::TableEmpty.into());
        }
        Ok(())
    }

    /// The number of rows in the table.
    pub fn n_rows(&self) -> u32 {
        self.content.n_rows
    }

    /// The number of rows of the file read so far, which is larger than [`Table::n_rows`] if the table is a
    /// sample.
    pub fn n_read(&self) -> u64 {
        self.content.n_read
    }

    /// The columns of the table.
    pub fn columns(&self) -> &[Column] {
        &self.content.columns
    }

    /// The rows that have more cells than there are columns.
    pub fn long_rows(&self) -> &LongRows {
        &self.content.long
    }

    /// A hash of every cell that identifies the table (XXH3, 64 bits, in hexadecimal). It covers
    /// the eight bytes of every number and date, the word index of every other cell, and the words.
    pub fn fingerprint(&mut self) -> String {
        let Hash(mut hasher) = self.content.hash.clone();
        for column in &mut self.content.columns {
            hasher.write(bytemuck::cast_slice(column.blocks().open()));
        }
        for column in &self.content.columns {
            for word in column.words() {
                hasher.write(word.as_bytes());
                // This byte never occurs in UTF-8.
                hasher.write(&[0xFF]);
            }
            hasher.write(&[0xFE]);
        }
        format!("{:016x}", hasher.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::column::Kind;

    #[test]
    fn cells_may_come_from_elsewhere() -> Result<()> {
        let names = ["n", "day", "", "n"].map(str::to_owned);
        let mut table = Table::without_text();
        table.begin(&names)?;
        for batch in 0..3 {
            let [n, day, word, other] = table.columns_mut() else { unreachable!() };
            for row in 0..10 {
                n.push_number(f64::from(10 * batch + row), 1);
                day.push_date(19_723.0 + f64::from(row));
                word.push_word(if row < 5 { b"few" } else { b"many" }, 1);
                match row {
                    0 => other.push_missing(),
                    1 => other.push_number(f64::INFINITY, 17),
                    2 => other.push_number(f64::NAN, 1),
                    _ => other.push_number(0.5, 1),
                }
            }
            table.push_rows(10, 10)?;
        }
        let preview = table.preview()?;
        assert_eq!((preview.n_rows, preview.dialect), (30, None));
        let found: Vec<(&str, Kind)> =
            preview.columns.iter().map(|column| (column.name.as_str(), column.kind)).collect();
        let expected = [
            ("n", Kind::Number),
            ("day", Kind::Date),
            ("column 3", Kind::Category),
            ("n (2)", Kind::Category),
        ];
        assert_eq!(found, expected);
        // Python 3.13: date(1970, 1, 1) + timedelta(19723) is 2024-01-01.
        assert_eq!(preview.rows[0], ["0", "2024-01-01", "few", ""]);
        assert_eq!(table.columns()[3].n_missing, 6);
        assert_eq!(table.columns()[3].bad[0].line, 17);
        Ok(())
    }

    #[test]
    fn dates_are_written_as_they_are_read() {
        for text in ["1970-01-01", "2000-02-29", "1900-03-01", "2024-12-31", "0032-01-01", "9999-12-31"] {
            assert_eq!(
                crate::cell::date(text.as_bytes()).map(crate::cell::written_date).as_deref(),
                Some(text)
            );
        }
    }
}
