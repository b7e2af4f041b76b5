//! A table as it is read: columns that grow a chunk at a time.

use downhill::config::ColumnsConfig;
use downhill::message::{Code, Message, Result, bytes, count};
use serde::Serialize;

use crate::column::{Column, Kind};
use crate::dialect::{Decoder, Dialect, Encoding, Record, Splitter, TooLong};

/// Rows whose text is kept to be shown.
const SHOWN_ROWS: usize = 20;
/// Parts of a histogram.
const N_BINS: usize = 24;
/// Levels that are shown of a category.
const SHOWN_LEVELS: usize = 12;
/// What a table may take at most: a wasm of 32 bits has 4 GB.
const MAX_TABLE_BYTES: usize = 2_500_000_000;
/// Rows between two looks at how much it takes.
const ROWS_BETWEEN: u32 = 4096;

/// A table in the making, and made.
#[derive(Debug)]
pub struct Table {
    /// How it is written; `None` where it was no text.
    pub dialect: Option<Dialect>,
    decoder: Decoder,
    splitter: Splitter,
    decoded: Vec<u8>,
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
    /// Rows with more cells than there are columns: row, line, cells.
    long_rows: Vec<(u32, u64, usize)>,
    n_short: u32,
    shown: Vec<Vec<String>>,
}

/// What a person sees of a table before choosing.
#[derive(Clone, Debug, Serialize)]
pub struct Preview {
    /// How it is written; `None` where it was no text.
    pub dialect: Option<Dialect>,
    /// Rows.
    pub n_rows: u32,
    /// Bytes that it takes.
    pub bytes: usize,
    /// Its columns.
    pub columns: Vec<ColumnPreview>,
    /// The text of the first rows.
    pub rows: Vec<Vec<String>>,
    /// Rows with more cells than columns, and with fewer.
    pub n_long: usize,
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

impl From<TooLong> for Message {
    fn from(too_long: TooLong) -> Self {
        Self::new(Code::RowTooLong).with("row", too_long.line)
    }
}

impl Table {
    /// Written in this way, and nothing of it read yet.
    pub fn new(dialect: Dialect) -> Self {
        Self {
            decoder: Decoder::new(dialect.encoding),
            splitter: Splitter::new(dialect.separator_byte()),
            decoded: Vec::new(),
            content: Content {
                dialect: dialect.clone(),
                columns: Vec::new(),
                n_rows: 0,
                has_header: dialect.header,
                started: false,
                long_rows: Vec::new(),
                n_short: 0,
                shown: Vec::new(),
            },
            dialect: Some(dialect),
        }
    }

    /// Of columns whose cells come from elsewhere than from text: they are pushed to [`Table::columns_mut`], any number
    /// of rows at a time, and then counted by [`Table::push_rows`].
    ///
    /// # Errors
    /// [`Code::TooManyColumns`].
    pub fn of_columns(names: &[String]) -> Result<Self> {
        let plain = Dialect { encoding: Encoding::Utf8, separator: ',', decimal_comma: false, header: true };
        let mut table = Self { dialect: None, ..Self::new(plain) };
        table.content.name_columns(names)?;
        Ok(table)
    }

    /// The columns, to push cells to: as many to each before rows are counted.
    pub fn columns_mut(&mut self) -> &mut [Column] {
        &mut self.content.columns
    }

    /// That many rows more have been pushed to every column.
    ///
    /// # Errors
    /// [`Code::TableTooLarge`].
    pub fn push_rows(&mut self, n: u32) -> Result<()> {
        let content = &mut self.content;
        content.n_rows += n;
        debug_assert!(content.columns.iter().all(|column| column.len() == content.n_rows as usize));
        content.check_size()
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
    /// [`Code::RowTooLong`], [`Code::TableTooLarge`], [`Code::TooManyColumns`], [`Code::NotATable`].
    pub fn push(&mut self, chunk: &[u8]) -> Result<()> {
        let Self { decoder, splitter, decoded, content, .. } = self;
        decoded.clear();
        decoder.decode(chunk, decoded);
        // No text has such a letter, and every other kind of file does.
        if decoded.contains(&0) {
            return Err(Code::NotATable.into());
        }
        splitter.push(decoded, &mut |record| content.take(record))
    }

    /// There are no more.
    ///
    /// # Errors
    /// As [`Table::push`], and [`Code::TableEmpty`].
    pub fn finish(&mut self) -> Result<()> {
        let Self { decoder, splitter, decoded, content, .. } = self;
        decoded.clear();
        decoder.finish(decoded);
        splitter.push(decoded, &mut |record| content.take(record))?;
        splitter.finish(&mut |record| content.take(record))?;
        if content.n_rows == 0 {
            return Err(Code::TableEmpty.into());
        }
        Ok(())
    }

    /// Rows so far.
    pub fn n_rows(&self) -> u32 {
        self.content.n_rows
    }

    /// Columns.
    pub fn columns(&self) -> &[Column] {
        &self.content.columns
    }

    /// Rows with more cells than there are columns: row, line, cells.
    pub fn long_rows(&self) -> &[(u32, u64, usize)] {
        &self.content.long_rows
    }

    /// A hash of every cell that tells this table from another (FNV-1a, 64 bits), in hexadecimal: column by column, each
    /// number as its eight bytes.
    pub fn fingerprint(&self) -> String {
        let mut hash = 0xCBF2_9CE4_8422_2325_u64;
        for column in self.columns() {
            for byte in column.raw_blocks().flatten().flat_map(|value| value.to_le_bytes()) {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
            }
        }
        format!("{hash:016x}")
    }

    /// What is chosen where nothing else is: the last column of numbers is the target, every other that can be one is a
    /// feature.
    pub fn choice(&self) -> ColumnsConfig {
        let usable = |column: &&Column| !matches!(column.kind(), Kind::Text | Kind::Empty);
        let target = self.columns().iter().rfind(|column| column.kind() == Kind::Number);
        let target = target.or_else(|| self.columns().iter().rfind(usable));
        let target = target.map(|column| column.name.clone()).unwrap_or_default();
        let varies = |column: &&Column| column.kind() == Kind::Category || column.max > column.min;
        let others: Vec<&Column> =
            self.columns().iter().filter(|column| column.name != target).filter(usable).collect();
        // Where none varies, what is wrong with them is still to be said.
        let any = others.iter().any(varies);
        let features =
            others.iter().filter(|column| !any || varies(column)).map(|column| column.name.clone()).collect();
        ColumnsConfig { target, features, ..ColumnsConfig::default() }
    }

    /// What a person sees before choosing.
    pub fn preview(&self) -> Preview {
        let content = &self.content;
        let columns: Vec<ColumnPreview> = content.columns.iter().map(preview_of).collect();
        let mut bad_cells = Vec::new();
        for column in &content.columns {
            if column.n_bad(column.kind()) > 0 {
                bad_cells.extend(column.bad.iter().take(3).map(|bad| complaint(column, bad.line, &bad.text)));
            }
        }
        let widths = content.long_rows.iter().take(3).map(|(_, line, n)| too_wide(*line, *n, columns.len()));
        bad_cells.extend(widths);
        // Rows that never were text are shown as they would be written.
        let rows = if self.dialect.is_some() { content.shown.clone() } else { self.written_rows() };
        Preview {
            dialect: self.dialect.clone(),
            n_rows: content.n_rows,
            bytes: content.columns.iter().map(Column::bytes).sum(),
            n_bad: columns.iter().map(|column| column.n_bad).sum(),
            columns,
            rows,
            n_long: content.long_rows.len(),
            n_short: content.n_short,
            bad_cells,
            choice: self.choice(),
        }
    }

    fn written_rows(&self) -> Vec<Vec<String>> {
        let n_shown = (self.n_rows() as usize).min(SHOWN_ROWS);
        let row = |row| self.columns().iter().map(move |column| column.text(row).chars().take(60).collect());
        (0..n_shown).map(|i| row(i).collect()).collect()
    }
}

fn preview_of(column: &Column) -> ColumnPreview {
    let kind = column.kind();
    let ordered = matches!(kind, Kind::Number | Kind::Date);
    let levels = if matches!(kind, Kind::Category | Kind::Number) { column.levels() } else { None };
    let n_levels = levels.as_ref().map_or(0, |levels| levels.names.len());
    let shown = levels
        .filter(|_| kind == Kind::Category)
        .map(|levels| levels.names.into_iter().zip(levels.counts).take(SHOWN_LEVELS).collect::<Vec<_>>());
    ColumnPreview {
        name: column.name.clone(),
        kind,
        n_missing: column.n_missing,
        n_bad: column.n_bad(kind),
        summary: ordered.then(|| [column.min, column.mean(), column.max, column.standard_deviation()]),
        histogram: if ordered { column.histogram(N_BINS) } else { Vec::new() },
        levels: shown.unwrap_or_default(),
        n_levels,
    }
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
    fn take(&mut self, record: &Record<'_>) -> Result<()> {
        if !self.started {
            self.start(record)?;
            if self.has_header {
                return Ok(());
            }
        }
        let row = self.n_rows;
        if row.is_multiple_of(ROWS_BETWEEN) {
            self.check_size()?;
        }
        let numbers = self.dialect.numbers();
        let mut cells = record.cells();
        let mut n_cells = 0;
        for column in &mut self.columns {
            match cells.next() {
                Some(cell) => {
                    n_cells += 1;
                    column.push(cell, numbers, record.line);
                }
                None => column.push(b"", numbers, record.line),
            }
        }
        self.n_short += u32::from(n_cells < self.columns.len());
        let n_more = cells.filter(|cell| !cell.is_empty()).count();
        if n_more > 0 {
            self.long_rows.push((row, record.line, n_cells + n_more));
        }
        if self.shown.len() < SHOWN_ROWS {
            let text = |cell: &[u8]| String::from_utf8_lossy(cell).chars().take(60).collect();
            self.shown.push(record.cells().take(self.columns.len()).map(text).collect());
        }
        self.n_rows += 1;
        Ok(())
    }

    fn check_size(&self) -> Result<()> {
        let taken: usize = self.columns.iter().map(Column::bytes).sum();
        if taken <= MAX_TABLE_BYTES {
            return Ok(());
        }
        Err(Message::new(Code::TableTooLarge)
            .with("n_samples", count(self.n_rows.into()))
            .with("n_columns", self.columns.len())
            .with("size", bytes(MAX_TABLE_BYTES as u64)))
    }

    /// Names the columns by the first record, where it does.
    fn start(&mut self, record: &Record<'_>) -> Result<()> {
        let given: Vec<String> = match self.has_header {
            true => record.cells().map(|cell| String::from_utf8_lossy(cell).into_owned()).collect(),
            false => record.cells().map(|_| String::new()).collect(),
        };
        self.name_columns(&given)
    }

    /// Names the columns: each by what it was given, made unique, or by its place.
    fn name_columns(&mut self, given: &[String]) -> Result<()> {
        const MAX_COLUMNS: usize = 10_000;
        self.started = true;
        if given.len() > MAX_COLUMNS {
            return Err(Message::new(Code::TooManyColumns)
                .with("found", given.len())
                .with("limit", MAX_COLUMNS));
        }
        let mut names: Vec<String> = Vec::with_capacity(given.len());
        for (j, given_name) in given.iter().enumerate() {
            let name = match (given_name.is_empty(), self.has_header, given.len()) {
                (false, ..) => given_name.clone(),
                (true, false, 2) => ["x", "y"][j].to_owned(),
                (true, ..) => format!("column {}", j + 1),
            };
            let mut unique = name.clone();
            let mut n = 1;
            while names.contains(&unique) {
                n += 1;
                unique = format!("{name} ({n})");
            }
            names.push(unique);
        }
        self.columns = names.into_iter().map(Column::new).collect();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_may_come_from_elsewhere() -> Result<()> {
        let names = ["n", "day", "", "n"].map(str::to_owned);
        let mut table = Table::of_columns(&names)?;
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
            table.push_rows(10)?;
        }
        let preview = table.preview();
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
