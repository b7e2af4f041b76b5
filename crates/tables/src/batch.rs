//! Batches of typed rows, a few thousand at a time, from readers of formats other than text.

use downhill::message::Result;

use crate::cell::{self, Cell, Numbers};
use crate::table::Table;

/// The number of values in a batch. Readers return control to the event loop between batches.
pub const BATCH_VALUES: usize = 1 << 16;

/// The largest distance of a date from 1970-01-01 in days, which is that of ECMAScript's time
/// values.
const MAX_DAYS: f64 = 1e8;

/// How numbers are parsed that a file of a typed format stores as text.
const PLAIN: Numbers = Numbers { decimal_comma: false, separator: b';' };

/// A batch of whole rows, stored column by column.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// The cells of each column; all columns have the same number of cells.
    pub columns: Vec<Cells>,
    /// The line or sheet row of each row, counted from 1.
    pub lines: Vec<u64>,
}

/// The cells of one column in a batch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cells {
    /// Numbers, and dates as days since 1970-01-01. Missing cells and words are NaN.
    pub values: Vec<f64>,
    /// The mark of each cell: [`NUMBER`], [`DATE`], or [`FIRST_WORD`] plus the index of its word.
    /// Empty if all cells are numbers.
    pub marks: Vec<u32>,
    /// The distinct words of the column, by their index.
    pub words: Vec<String>,
    places: std::collections::HashMap<String, u32>,
}

/// The mark of a cell that is a number or missing.
pub const NUMBER: u32 = 0;
/// The mark of a cell that is a date.
pub const DATE: u32 = 1;
/// The mark of a cell that is the word with index 0.
pub const FIRST_WORD: u32 = 2;

impl Batch {
    /// Creates an empty batch with this number of columns.
    pub fn new(n_columns: usize) -> Self {
        Self { columns: vec![Cells::default(); n_columns], lines: Vec::new() }
    }

    /// The number of rows.
    pub fn n_rows(&self) -> usize {
        self.lines.len()
    }

    /// Appends to the table those rows that it wants. The table must have the same columns as this batch.
    ///
    /// # Errors
    /// Those of [`Table::push_rows`].
    pub fn give(&self, table: &mut Table) -> Result<()> {
        let wanted: Vec<usize> = (0..self.n_rows()).filter(|row| table.wants_row(*row as u64)).collect();
        for (cells, column) in self.columns.iter().zip(table.columns_mut()) {
            for (i, line) in wanted.iter().map(|row| (*row, self.lines[*row])) {
                let value = cells.values.get(i).copied().unwrap_or(f64::NAN);
                match cells.marks.get(i).copied().unwrap_or(NUMBER) {
                    NUMBER => column.push_number(value, line),
                    DATE => column.push_date(value),
                    mark => match cells.words.get((mark - FIRST_WORD) as usize) {
                        Some(word) => column.push_word(word.as_bytes(), line),
                        None => column.push_missing(),
                    },
                }
            }
        }
        table.push_rows(wanted.len() as u32, self.n_rows() as u64)
    }
}

impl Cells {
    /// Creates cells from parts that another wasm module has read.
    pub fn from_parts(values: Vec<f64>, marks: Vec<u32>, words: Vec<String>) -> Self {
        Self { values, marks, words, places: std::collections::HashMap::new() }
    }

    /// The number of cells.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there are no cells.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Appends a number; NaN is a missing cell.
    pub fn push_number(&mut self, value: f64) {
        self.values.push(value);
        if !self.marks.is_empty() {
            self.marks.push(NUMBER);
        }
    }

    /// Appends a missing cell.
    pub fn push_missing(&mut self) {
        self.push_number(f64::NAN);
    }

    /// Appends a date in days since 1970-01-01. A date outside the supported range becomes a word.
    pub fn push_date(&mut self, days: f64) {
        if days.abs() <= MAX_DAYS {
            self.push_marked(days, DATE);
        } else {
            self.push_word(&format!("day {days}"));
        }
    }

    /// Appends a word, even if it looks like a number.
    pub fn push_word(&mut self, word: &str) {
        let code = match self.places.get(word) {
            Some(code) => *code,
            None => {
                let code = self.words.len() as u32;
                self.places.insert(word.to_owned(), code);
                self.words.push(word.to_owned());
                code
            }
        };
        self.push_marked(f64::NAN, FIRST_WORD + code);
    }

    /// Appends a cell from text, which is parsed as a number or a date if possible, for formats that have no
    /// other way to store them.
    pub fn push_text(&mut self, text: &str) {
        match cell::read(text.trim_ascii().as_bytes(), PLAIN) {
            Cell::Number(value) => self.push_number(value),
            Cell::Date(days) => self.push_date(days),
            Cell::Missing => self.push_missing(),
            Cell::Text => self.push_word(text.trim_ascii()),
        }
    }

    /// Resizes to `n` cells: truncates, or appends missing cells.
    pub fn resize(&mut self, n: usize) {
        self.values.resize(n, f64::NAN);
        if !self.marks.is_empty() {
            self.marks.resize(n, NUMBER);
        }
    }

    fn push_marked(&mut self, value: f64, mark: u32) {
        // All cells before the first mark are numbers.
        self.marks.resize(self.values.len(), NUMBER);
        self.values.push(value);
        self.marks.push(mark);
    }
}

/// Reads a file batch by batch.
pub trait Reader {
    /// Reads the next part of the file.
    ///
    /// # Errors
    /// A message that says what is wrong with the file, where, and how to fix it.
    fn next(&mut self) -> Result<Step>;

    /// The fraction of the file that has been read, from 0 to 1.
    fn fraction(&self) -> f64;
}

/// What a [`Reader`] has read in one step.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// The names of the columns. If rows with other columns came before, the reader starts over from the
    /// first row.
    Columns(Vec<String>),
    /// The next rows.
    Rows(Batch),
    /// No rows yet; gives the caller a chance to return to the event loop.
    Working,
    /// The end of the file.
    End,
}

/// Builds a table from the steps of a [`Reader`].
#[derive(Debug)]
pub struct Filling {
    /// The table so far. Its storage and sampling can be set here and survive a change of columns.
    pub table: Table,
}

impl Default for Filling {
    fn default() -> Self {
        Self { table: Table::without_text() }
    }
}

impl Filling {
    /// Applies a step of the reader and returns whether it was the last one.
    ///
    /// # Errors
    /// Those of [`Table::begin`] and [`Table::push_rows`].
    pub fn take(&mut self, step: &Step) -> Result<bool> {
        match step {
            Step::Columns(names) => self.table.begin(names)?,
            Step::Rows(batch) => batch.give(&mut self.table)?,
            Step::Working => {}
            Step::End => return Ok(true),
        }
        Ok(false)
    }

    /// Returns the finished table.
    ///
    /// # Errors
    /// [`downhill::message::Code::TableEmpty`].
    pub fn finish(self) -> Result<Table> {
        let Self { table } = self;
        if table.n_rows() == 0 || table.columns().is_empty() {
            return Err(downhill::message::Code::TableEmpty.into());
        }
        Ok(table)
    }
}

/// Reads a whole file.
///
/// # Errors
/// Those of the reader and of [`Filling`].
pub fn read_all(reader: &mut dyn Reader) -> Result<Table> {
    let mut filling = Filling::default();
    while !filling.take(&reader.next()?)? {}
    filling.finish()
}
