//! The columns of a table, filled from the records of its text.

use std::hash::Hasher as _;
use std::ops::Range;

use downhill::message::{Code, Message, Result, bytes, count};
use downhill::rng::philox4x32;
use rustc_hash::FxHashMap;
use twox_hash::XxHash3_64;

use super::{HEAP_BYTES, MAX_COLUMNS, MAX_ROWS, SHOWN_CHARACTERS, SHOWN_ROWS};
use crate::block::{Shared, block_rows};
use crate::column::Column;
use crate::dialect::Dialect;
use crate::splitter::{Records, Span};

/// Maximum number of rows with too many cells that are reported individually.
const SHOWN_LONG_ROWS: usize = 3;

/// The content of a table: its columns and what is known about its rows.
#[derive(Debug)]
pub(super) struct Content {
    pub(super) dialect: Dialect,
    pub(super) columns: Vec<Column>,
    pub(super) n_rows: u32,
    pub(super) has_header: bool,
    pub(super) started: bool,
    pub(super) long: LongRows,
    pub(super) n_short: u32,
    pub(super) shown: Vec<Vec<String>>,
    /// The cells of a batch's records after they were rearranged; the next field has their lines.
    pub(super) spans: Vec<Span>,
    pub(super) lines: Vec<u64>,
    /// The maximum number of bytes of cells in memory; further blocks are stored.
    pub(super) heap_bytes: usize,
    /// The number of full blocks in memory; the next field is the number in storage.
    pub(super) n_kept: usize,
    pub(super) n_stored: u64,
    pub(super) storage: Option<Shared>,
    /// Whether there is no storage for blocks beyond the memory limit.
    pub(super) alone: bool,
    pub(super) sample: Option<Sample>,
    /// The number of rows of the file read so far, including those that the sample skips.
    pub(super) n_read: u64,
    /// The hash of all full blocks, in order.
    pub(super) hash: Hash,
}

/// Rows with more cells than there are columns.
#[derive(Clone, Debug, Default)]
pub struct LongRows {
    /// The number of these rows.
    pub n_rows: u32,
    /// Line and number of cells of the first of these rows.
    pub first: Vec<(u64, usize)>,
    /// The indices of these rows, as ranges. Ranges are compact, because either few or all rows are too long.
    pub ranges: Vec<Range<u32>>,
}

impl LongRows {
    fn push(&mut self, row: u32, line: u64, n_cells: usize) {
        self.n_rows += 1;
        if self.first.len() < SHOWN_LONG_ROWS {
            self.first.push((line, n_cells));
        }
        match self.ranges.last_mut() {
            Some(range) if range.end == row => range.end += 1,
            _ => self.ranges.push(row..row + 1),
        }
    }
}

/// Which rows of a file are read: each with the same probability, independently of the others.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    /// The probability that a row is read, times 2^32.
    threshold: f64,
    seed: u32,
}

impl Sample {
    pub(super) fn new(fraction: f64, seed: u32) -> Self {
        Self { threshold: fraction * 2_f64.powi(32), seed }
    }

    /// Whether the sample includes the row with this index in the file.
    pub(super) fn contains(self, row: u64) -> bool {
        let random =
            philox4x32([row as u32, (row >> 32) as u32, 0, 0], [self.seed, u32::from_be_bytes(*b"rows")]);
        f64::from(random[0]) < self.threshold
    }
}

/// A running 64-bit XXH3 hash.
#[derive(Clone, Default)]
pub(super) struct Hash(pub(super) XxHash3_64);

impl std::fmt::Debug for Hash {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Hash({:016x})", self.0.finish())
    }
}

impl Content {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self {
            columns: Vec::new(),
            n_rows: 0,
            has_header: dialect.header,
            dialect,
            started: false,
            long: LongRows::default(),
            n_short: 0,
            shown: Vec::new(),
            spans: Vec::new(),
            lines: Vec::new(),
            heap_bytes: HEAP_BYTES,
            n_kept: 0,
            n_stored: 0,
            storage: None,
            alone: false,
            sample: None,
            n_read: 0,
            hash: Hash::default(),
        }
    }

    pub(super) fn take(&mut self, records: &Records<'_>) -> Result<()> {
        let mut first = 0;
        if !self.started {
            let cells = records.record(0);
            let name = |cell: &Span| match self.has_header {
                true => String::from_utf8_lossy(cell.of(records.text)).into_owned(),
                false => String::new(),
            };
            let unnamed = self.dialect.row_names.then(String::new);
            let names: Vec<String> = unnamed.into_iter().chain(cells.iter().map(name)).collect();
            self.name_columns(&names)?;
            first = usize::from(self.has_header);
        }
        // If every record is kept and has one cell per column, the cells already form a matrix.
        let stride = self.columns.len();
        let before = first.checked_sub(1).map_or(0, |header| records.ends[header] as usize);
        let mut ends = (before..).step_by(stride).skip(1);
        let even = records.ends[first..].iter().all(|end| ends.next() == Some(*end as usize));
        let (mut spans, mut lines) = (std::mem::take(&mut self.spans), std::mem::take(&mut self.lines));
        let as_they_are = even && self.sample.is_none();
        if !as_they_are {
            self.fit(records, first, &mut spans, &mut lines);
        }
        self.n_read += (records.len() - first) as u64;
        let (matrix, at) = match as_they_are {
            true => (&records.cells[before..], &records.lines[first..]),
            false => (spans.as_slice(), lines.as_slice()),
        };
        let n_shown = SHOWN_ROWS - self.shown.len();
        for row in matrix.chunks(stride).take(n_shown) {
            let text = |cell: &Span| {
                String::from_utf8_lossy(cell.of(records.text)).chars().take(SHOWN_CHARACTERS).collect()
            };
            self.shown.push(row.iter().map(text).collect());
        }
        if !at.is_empty() {
            let numbers = self.dialect.numbers();
            for (j, column) in self.columns.iter_mut().enumerate() {
                column.push_cells(records.text, (&matrix[j..], stride), numbers, at);
            }
        }
        self.n_rows = self.n_rows.saturating_add(at.len() as u32);
        (self.spans, self.lines) = (spans, lines);
        self.cut()
    }

    /// Arranges the records of the sample as a matrix: missing cells are empty, and cells beyond the last
    /// column are dropped and reported. `first` is the index of the first row.
    fn fit(&mut self, records: &Records<'_>, first: usize, spans: &mut Vec<Span>, lines: &mut Vec<u64>) {
        let n_columns = self.columns.len();
        spans.clear();
        lines.clear();
        for i in first..records.len() {
            let read = self.n_read + (i - first) as u64;
            if self.sample.is_some_and(|sample| !sample.contains(read)) {
                continue;
            }
            let cells = records.record(i);
            let n_fit = cells.len().min(n_columns);
            spans.extend_from_slice(&cells[..n_fit]);
            spans.resize(spans.len() + n_columns - n_fit, Span::EMPTY);
            self.n_short += u32::from(n_fit < n_columns);
            let n_more = cells[n_fit..].iter().filter(|cell| !cell.of(records.text).is_empty()).count();
            if n_more > 0 {
                let row = self.n_rows + lines.len() as u32;
                self.long.push(row, records.lines[i], n_fit + n_more);
            }
            lines.push(records.lines[i]);
        }
    }

    /// The size in bytes of one block of all columns.
    fn block_bytes(&self) -> usize {
        size_of::<f64>() * self.columns.len() * self.columns.first().map_or(0, Column::block_rows)
    }

    /// The number of bytes of blocks in memory.
    pub(super) fn kept_bytes(&self) -> usize {
        self.n_kept * self.block_bytes()
    }

    /// Moves full blocks out of the columns: into memory up to the limit, then into storage, where the
    /// columns of a block are consecutive.
    pub(super) fn cut(&mut self) -> Result<()> {
        if self.n_rows > MAX_ROWS {
            return Err(Message::new(Code::TooManyRows).with("limit", count(MAX_ROWS.into())));
        }
        if self.alone && self.kept_bytes() > self.heap_bytes {
            let code = if self.sample.is_some() { Code::TableTooLarge } else { Code::StorageRefused };
            return Err(Message::new(code)
                .with("n_samples", count(self.n_rows.into()))
                .with("n_columns", self.columns.len())
                .with("size", bytes(self.heap_bytes as u64)));
        }
        let n_rows = self.columns.first().map_or(usize::MAX, Column::block_rows);
        while self.columns.first_mut().is_some_and(|column| column.blocks().open().len() >= n_rows) {
            for column in &mut self.columns {
                self.hash.0.write(bytemuck::cast_slice(&column.blocks().open()[..n_rows]));
            }
            let block_bytes = self.block_bytes();
            let fits = self.kept_bytes() + block_bytes <= self.heap_bytes;
            match self.storage.clone().filter(|_| !fits) {
                None => {
                    self.n_kept += 1;
                    self.columns.iter_mut().for_each(|column| column.blocks().cut());
                }
                Some(storage) => {
                    let at = self.n_stored * block_bytes as u64;
                    let mut block = Vec::with_capacity(n_rows * self.columns.len());
                    for column in &mut self.columns {
                        let place = at + (size_of::<f64>() * block.len()) as u64;
                        column.blocks().cut_into(&mut block, place, &storage);
                    }
                    storage.borrow_mut().write(at, bytemuck::cast_slice(&block))?;
                    self.n_stored += 1;
                }
            }
        }
        Ok(())
    }

    /// Names the columns by their given names, made unique, or by their numbers.
    pub(super) fn name_columns(&mut self, given: &[String]) -> Result<()> {
        self.started = true;
        if given.len() > MAX_COLUMNS {
            return Err(Message::new(Code::TooManyColumns)
                .with("found", given.len())
                .with("limit", MAX_COLUMNS));
        }
        let mut names: Vec<String> = Vec::with_capacity(given.len());
        let mut taken = FxHashMap::default();
        for (j, given_name) in given.iter().enumerate() {
            let name = match (given_name.is_empty(), self.has_header, given.len()) {
                (false, ..) => given_name.clone(),
                (true, false, 2) => ["x", "y"][j].to_owned(),
                (true, ..) => format!("column {}", j + 1),
            };
            let mut unique = name.clone();
            while taken.contains_key(&unique) {
                let n = taken.entry(name.clone()).or_insert(1);
                *n += 1;
                unique = format!("{name} ({n})");
            }
            taken.insert(unique.clone(), 1_u32);
            names.push(unique);
        }
        let n_rows = block_rows(names.len());
        self.columns = names
            .into_iter()
            .map(|name| Column::new(name, n_rows).with_date_order(self.dialect.date_order))
            .collect();
        Ok(())
    }
}
