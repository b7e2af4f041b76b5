//! A table as it is read: columns that grow a chunk at a time.

use std::cell::RefCell;
use std::hash::Hasher as _;
use std::ops::Range;
use std::rc::Rc;

use downhill::config::ColumnsConfig;
use downhill::message::{Code, Message, Result, bytes, count};
use downhill::rng::philox4x32;
use rustc_hash::FxHashMap;
use serde::Serialize;
use twox_hash::XxHash3_64;

use crate::block::{Shared, Storage, block_rows};
use crate::column::{Column, Kind};
use crate::dialect::{Decoder, Dialect, Encoding};
use crate::splitter::{Records, Span, Splitter};

/// Rows whose text is kept to be shown.
const SHOWN_ROWS: usize = 20;
/// Rows with too many cells that are told of one by one.
const SHOWN_LONG_ROWS: usize = 3;
/// Parts of a histogram.
const N_BINS: usize = 24;
/// Levels that are shown of a category.
const SHOWN_LEVELS: usize = 12;
/// Rows of a table at most.
pub const MAX_ROWS: u32 = 1_000_000_000;
/// Columns at most.
pub(crate) const MAX_COLUMNS: usize = 10_000;
/// Bytes of cells that are kept in memory where there is storage for the rest.
pub const HEAP_BYTES: usize = 256 << 20;
/// Bytes of cells that are kept in memory where there is none. What reads and trains needs as much again, and the page is
/// to do with 1 GiB.
pub const HEAP_BYTES_ALONE: usize = 512 << 20;
/// Bytes of text that are looked at together.
const CHUNK_BYTES: usize = 1 << 20;

/// A table in the making, and made.
#[derive(Debug)]
pub struct Table {
    /// How it is written; `None` where it was no text.
    pub dialect: Option<Dialect>,
    decoder: Decoder,
    splitter: Splitter,
    content: Content,
}

/// What the records have become.
#[derive(Debug)]
struct Content {
    dialect: Dialect,
    columns: Vec<Column>,
    n_rows: u32,
    has_header: bool,
    started: bool,
    long: LongRows,
    n_short: u32,
    shown: Vec<Vec<String>>,
    /// Cells and lines of the records of a batch that are taken, where that is not all of them as they are.
    spans: Vec<Span>,
    lines: Vec<u64>,
    /// Bytes of cells that are kept in memory before the rest is stored.
    heap_bytes: usize,
    /// Blocks of rows that are kept in memory, and those that are stored.
    n_kept: usize,
    n_stored: u64,
    storage: Option<Shared>,
    /// Whether there is no storage to be had.
    alone: bool,
    sample: Option<Sample>,
    /// Rows read, whether they are in the sample or not.
    n_read: u64,
    /// Of every block, in order.
    hash: Hash,
}

/// Rows with more cells than there are columns.
#[derive(Clone, Debug, Default)]
pub struct LongRows {
    /// How many there are.
    pub n_rows: u32,
    /// Line and cells of the first ones.
    pub first: Vec<(u64, usize)>,
    /// All of them: they are rare, or they are all.
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

/// Which rows of a table are read: each with the same probability, whatever the others are.
#[derive(Clone, Copy, Debug)]
struct Sample {
    /// Of 2^32.
    share: f64,
    seed: u32,
}

impl Sample {
    /// Whether a row of the file is in it, by its number among all rows.
    fn holds(self, row: u64) -> bool {
        let random =
            philox4x32([row as u32, (row >> 32) as u32, 0, 0], [self.seed, u32::from_be_bytes(*b"rows")]);
        f64::from(random[0]) < self.share
    }
}

/// XXH3, 64 bits.
#[derive(Clone, Default)]
struct Hash(XxHash3_64);

impl std::fmt::Debug for Hash {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Hash({:016x})", self.0.finish())
    }
}

/// What a person sees of a table before choosing.
#[derive(Clone, Debug, Serialize)]
pub struct Preview {
    /// How it is written; `None` where it was no text.
    pub dialect: Option<Dialect>,
    /// Rows.
    pub n_rows: u32,
    /// Rows of the file; more where these are a sample of them.
    pub n_read: u64,
    /// Bytes of memory that it takes.
    pub bytes: usize,
    /// Its columns.
    pub columns: Vec<ColumnPreview>,
    /// The text of the first rows.
    pub rows: Vec<Vec<String>>,
    /// Rows with more cells than columns, and with fewer.
    pub n_long: u32,
    /// Rows with fewer.
    pub n_short: u32,
    /// Cells that are not what their column holds: the first of each column.
    pub bad_cells: Vec<Message>,
    /// How many there are in all.
    pub n_bad: u32,
    /// What is chosen where nothing else is.
    pub choice: ColumnsConfig,
}

/// A column before anything is made of it.
#[derive(Clone, Debug, Serialize)]
pub struct ColumnPreview {
    /// What it is called.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
    /// Cells that say nothing.
    pub n_missing: u32,
    /// Cells that are not what it holds.
    pub n_bad: u32,
    /// Least, mean, greatest and standard deviation of numbers and dates.
    pub summary: Option<[f64; 4]>,
    /// How many lie in each equal part of their range.
    pub histogram: Vec<u32>,
    /// The first levels of a category, or of a number that could be one, and how often each stands.
    pub levels: Vec<(String, u32)>,
    /// How many levels there are; 0 where they are too many.
    pub n_levels: usize,
}

impl Table {
    /// Written in this way, and nothing of it read yet.
    pub fn new(dialect: Dialect) -> Self {
        Self {
            decoder: Decoder::new(dialect.encoding),
            splitter: Splitter::new(dialect.separator_byte(), dialect.skip),
            content: Content::new(dialect.clone()),
            dialect: Some(dialect),
        }
    }

    /// Of cells that come from elsewhere than from text, in columns that [`Table::begin`] names.
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

    /// Begins with these columns, or anew: rows so far are forgotten, and the place for those that follow is as it was.
    /// Cells are pushed to [`Table::columns_mut`], any number of rows at a time, and then counted by [`Table::push_rows`].
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

    /// The columns, to push cells to: as many to each before rows are counted.
    pub fn columns_mut(&mut self) -> &mut [Column] {
        &mut self.content.columns
    }

    /// Whether the row is wanted that comes `n` rows after those that were read: always, but where [`Table::sample`] says
    /// otherwise.
    pub fn wants_row(&self, n: u64) -> bool {
        self.content.sample.is_none_or(|sample| sample.holds(self.content.n_read + n))
    }

    /// Of `n_read` rows more, the `n` that are wanted have been pushed to every column.
    ///
    /// # Errors
    /// [`Code::TooManyRows`], [`Code::StorageRefused`], [`Code::TableTooLarge`] of a sample, and those of
    /// [`Storage::write`].
    pub fn push_rows(&mut self, n: u32, n_read: u64) -> Result<()> {
        let content = &mut self.content;
        content.n_rows = content.n_rows.saturating_add(n);
        content.n_read += n_read;
        debug_assert!(content.columns.iter().all(|column| column.len() == content.n_rows as usize));
        content.cut()
    }

    /// Whether the table has outgrown memory and waits for [`Table::store`]: until then it goes on growing.
    pub fn wants_storage(&self) -> bool {
        !self.content.alone
            && self.content.storage.is_none()
            && self.content.kept_bytes() > self.content.heap_bytes
    }

    /// Gives the table a place for what does not fit into memory.
    pub fn store(&mut self, storage: impl Storage + 'static) {
        self.content.storage = Some(Rc::new(RefCell::new(storage)));
    }

    /// Says that there is no storage: what does not fit into [`HEAP_BYTES_ALONE`] is refused.
    pub fn do_without_storage(&mut self) {
        self.content.alone = true;
        self.content.heap_bytes = HEAP_BYTES_ALONE;
    }

    /// Reads no more than a sample of the rows, where nothing is read yet: each with this probability, by `seed`.
    pub fn sample(&mut self, share: f64, seed: u32) {
        self.content.sample = Some(Sample { share: share * 2_f64.powi(32), seed });
        self.do_without_storage();
    }

    /// The share of a file's rows that fits into memory, where so much of the file is in it now. A tenth is spared, since
    /// rows differ in length.
    pub fn share_that_fits(&self, n_read: f64, n_bytes: f64) -> f64 {
        let Content { columns, n_rows, alone, heap_bytes, .. } = &self.content;
        let taken = (size_of::<f64>() * columns.len()) as f64 * f64::from((*n_rows).max(1));
        let room = if *alone { *heap_bytes } else { HEAP_BYTES_ALONE };
        (0.9 * room as f64 / taken * (n_read / n_bytes)).min(1.0)
    }

    /// Says that no more than that many bytes of blocks are kept in memory, instead of [`HEAP_BYTES`] or, without storage,
    /// [`HEAP_BYTES_ALONE`].
    pub fn keep_in_memory(&mut self, bytes: usize) {
        self.content.heap_bytes = bytes;
    }

    /// All of a table at once.
    ///
    /// # Errors
    /// Those of [`Table::push`] and [`Table::finish`].
    pub fn read(bytes: &[u8]) -> Result<Self> {
        let mut table = Self::new(Dialect::detect(bytes, bytes.len() <= crate::dialect::HEAD_BYTES));
        table.push(bytes)?;
        table.finish()?;
        Ok(table)
    }

    /// The next bytes.
    ///
    /// # Errors
    /// [`Code::RowTooLong`], [`Code::TooManyColumns`], [`Code::TooManyRows`], [`Code::NotATable`],
    /// [`Code::StorageRefused`], [`Code::TableTooLarge`] of a sample, and those of [`Storage::write`].
    pub fn push(&mut self, bytes: &[u8]) -> Result<()> {
        for chunk in bytes.chunks(CHUNK_BYTES) {
            self.decoder.decode(chunk, self.splitter.text());
            self.splitter.split(false, &mut |records| self.content.take(records))?;
        }
        Ok(())
    }

    /// There are no more.
    ///
    /// # Errors
    /// As [`Table::push`], and [`Code::TableEmpty`].
    pub fn finish(&mut self) -> Result<()> {
        self.decoder.finish(self.splitter.text());
        self.splitter.split(true, &mut |records| self.content.take(records))?;
        if self.content.n_rows == 0 {
            return Err(Code::TableEmpty.into());
        }
        Ok(())
    }

    /// Rows so far.
    pub fn n_rows(&self) -> u32 {
        self.content.n_rows
    }

    /// Rows read so far; more where those are a sample of them.
    pub fn n_read(&self) -> u64 {
        self.content.n_read
    }

    /// Columns.
    pub fn columns(&self) -> &[Column] {
        &self.content.columns
    }

    /// Rows with more cells than there are columns.
    pub fn long_rows(&self) -> &LongRows {
        &self.content.long
    }

    /// A hash of every cell that tells this table from another (XXH3, 64 bits), in hexadecimal: of each number's and each
    /// date's eight bytes, of which word each other cell is, and of the words.
    pub fn fingerprint(&mut self) -> String {
        let Hash(mut hasher) = self.content.hash.clone();
        for column in &mut self.content.columns {
            hasher.write(bytemuck::cast_slice(column.blocks().open()));
        }
        for column in &self.content.columns {
            for word in column.words() {
                hasher.write(word.as_bytes());
                // No word of UTF-8 has this byte.
                hasher.write(&[0xFF]);
            }
            hasher.write(&[0xFE]);
        }
        format!("{:016x}", hasher.finish())
    }

    /// What is chosen where nothing else is: the last column of numbers is the target, every other that can be one is a
    /// feature.
    pub fn choice(&self) -> ColumnsConfig {
        let usable = |column: &&Column| !matches!(column.kind(), Kind::Text | Kind::Empty);
        let target = self.columns().iter().rfind(|column| column.kind() == Kind::Number);
        let target = target.or_else(|| self.columns().iter().rfind(usable));
        let target = target.map(|column| column.name.clone()).unwrap_or_default();
        let features = self.features_beside(&target, &ColumnsConfig::default());
        ColumnsConfig { target, features, ..ColumnsConfig::default() }
    }

    /// Every column that a target can be learned from: those that vary, but for those that `choice` has another use for.
    pub fn features_beside(&self, target: &str, choice: &ColumnsConfig) -> Vec<String> {
        let used = [target, &choice.weight, &choice.group, &choice.order];
        let usable = |column: &&Column| !matches!(column.kind(), Kind::Text | Kind::Empty);
        let varies = |column: &&Column| column.kind() == Kind::Category || column.max() > column.min();
        let free = |column: &&Column| !used.contains(&column.name.as_str());
        let others: Vec<&Column> = self.columns().iter().filter(free).filter(usable).collect();
        // Where none varies, what is wrong with them is still to be said.
        let any = others.iter().any(varies);
        others.iter().filter(|column| !any || varies(column)).map(|column| column.name.clone()).collect()
    }

    /// What a person sees before choosing.
    ///
    /// # Errors
    /// Those of [`Storage::read`].
    pub fn preview(&self) -> Result<Preview> {
        let content = &self.content;
        let columns = content.columns.iter().map(preview_of).collect::<Result<Vec<ColumnPreview>>>()?;
        let mut bad_cells = Vec::new();
        for column in &content.columns {
            if column.n_bad(column.kind()) > 0 {
                bad_cells.extend(column.bad.iter().take(3).map(|bad| complaint(column, bad.line, &bad.text)));
            }
        }
        let widths = content.long.first.iter().map(|(line, n)| too_wide(*line, *n, columns.len()));
        bad_cells.extend(widths);
        // Rows that never were text are shown as they would be written.
        let rows = if self.dialect.is_some() { content.shown.clone() } else { self.written_rows()? };
        Ok(Preview {
            dialect: self.dialect.clone(),
            n_rows: content.n_rows,
            n_read: content.n_read,
            bytes: content.columns.iter().map(Column::bytes).sum(),
            n_bad: columns.iter().map(|column| column.n_bad).sum(),
            columns,
            rows,
            n_long: content.long.n_rows,
            n_short: content.n_short,
            bad_cells,
            choice: self.choice(),
        })
    }

    fn written_rows(&self) -> Result<Vec<Vec<String>>> {
        let n_shown = (self.n_rows() as usize).min(SHOWN_ROWS);
        let cell = |column: &Column, row| Ok(column.text(row)?.chars().take(60).collect());
        (0..n_shown).map(|row| self.columns().iter().map(|column| cell(column, row)).collect()).collect()
    }
}

fn preview_of(column: &Column) -> Result<ColumnPreview> {
    let kind = column.kind();
    let ordered = matches!(kind, Kind::Number | Kind::Date);
    let levels = if matches!(kind, Kind::Category | Kind::Number) { column.levels()? } else { None };
    let n_levels = levels.as_ref().map_or(0, |levels| levels.names.len());
    let shown = levels
        .filter(|_| kind == Kind::Category)
        .map(|levels| levels.names.into_iter().zip(levels.counts).take(SHOWN_LEVELS).collect::<Vec<_>>());
    Ok(ColumnPreview {
        name: column.name.clone(),
        kind,
        n_missing: column.n_missing,
        n_bad: column.n_bad(kind),
        summary: ordered.then(|| [column.min(), column.mean(), column.max(), column.standard_deviation()]),
        histogram: if ordered { column.histogram(N_BINS)? } else { Vec::new() },
        levels: shown.unwrap_or_default(),
        n_levels,
    })
}

/// What is wrong with a cell of a column of numbers, and what mends it.
pub fn complaint(column: &Column, line: u64, text: &str) -> Message {
    let code = match text.trim().parse::<f64>() {
        Ok(value) if !value.is_finite() => Code::CellNotFinite,
        Ok(_) => Code::CellTooLarge,
        Err(_) if text.replace(',', ".").parse::<f64>().is_ok() => Code::CellDecimalComma,
        Err(_) => Code::CellNotANumber,
    };
    Message::new(code).with("row", line).with("column", &column.name).with("text", text)
}

/// A row that has more cells than the others.
pub fn too_wide(line: u64, found: usize, expected: usize) -> Message {
    Message::new(Code::RowWidth).with("row", line).with("found", found).with("expected", expected)
}

impl Content {
    fn new(dialect: Dialect) -> Self {
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

    fn take(&mut self, records: &Records<'_>) -> Result<()> {
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
        // Where every record is taken, and has as many cells as there are columns, they lie as a matrix already.
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
            let text =
                |cell: &Span| String::from_utf8_lossy(cell.of(records.text)).chars().take(60).collect();
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

    /// Makes a matrix of the records that are in the sample: what is missing in one is empty, what is too much is left out
    /// and told of.
    fn fit(&mut self, records: &Records<'_>, first: usize, spans: &mut Vec<Span>, lines: &mut Vec<u64>) {
        let n_columns = self.columns.len();
        spans.clear();
        lines.clear();
        for i in first..records.len() {
            let read = self.n_read + (i - first) as u64;
            if self.sample.is_some_and(|sample| !sample.holds(read)) {
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

    /// Bytes of a block of all columns.
    fn block_bytes(&self) -> usize {
        size_of::<f64>() * self.columns.len() * self.columns.first().map_or(0, Column::block_rows)
    }

    /// Bytes of blocks that are kept in memory.
    fn kept_bytes(&self) -> usize {
        self.n_kept * self.block_bytes()
    }

    /// Full blocks go where they are kept: in memory up to a budget, then into storage, a block's columns one after
    /// another.
    fn cut(&mut self) -> Result<()> {
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

    /// Names the columns: each by what it was given, made unique, or by its place.
    fn name_columns(&mut self, given: &[String]) -> Result<()> {
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

#[cfg(test)]
mod tests {
    use super::*;

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
