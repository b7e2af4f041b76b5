//! Rows of a file whose cells are no text, some thousands at a time: what every reader but that of text gives.

use downhill::message::Result;

use crate::cell::{self, Cell, Numbers};
use crate::table::Table;

/// Values of a batch: what is read between two breaths.
pub const BATCH_VALUES: usize = 1 << 16;

/// Days from 1970-01-01, before it or after, that a date may be: those of ECMAScript's time values.
const MAX_DAYS: f64 = 1e8;

/// How numbers are written where a cell is text all the same.
const PLAIN: Numbers = Numbers { decimal_comma: false, separator: b';' };

/// Whole rows, column by column.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// As many cells in each column.
    pub columns: Vec<Cells>,
    /// The line, or the row of a sheet, that each row stands in, counted from 1.
    pub lines: Vec<u64>,
}

/// Cells of one column.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cells {
    /// Numbers, and dates as days since 1970-01-01. NaN where a cell says nothing, or a word.
    pub values: Vec<f64>,
    /// What each cell is: [`NUMBER`], [`DATE`], or [`FIRST_WORD`] and which of the words. None where all are numbers.
    pub marks: Vec<u32>,
    /// Every word once.
    pub words: Vec<String>,
    places: std::collections::HashMap<String, u32>,
}

/// Mark of a number, and of nothing.
pub const NUMBER: u32 = 0;
/// Mark of a date.
pub const DATE: u32 = 1;
/// Mark of the first word.
pub const FIRST_WORD: u32 = 2;

impl Batch {
    /// Of no row yet, and so many columns.
    pub fn new(n_columns: usize) -> Self {
        Self { columns: vec![Cells::default(); n_columns], lines: Vec::new() }
    }

    /// Rows.
    pub fn n_rows(&self) -> usize {
        self.lines.len()
    }

    /// Hands the rows that a table wants to it: it has these columns.
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
    /// Of what another wasm has read.
    pub fn from_parts(values: Vec<f64>, marks: Vec<u32>, words: Vec<String>) -> Self {
        Self { values, marks, words, places: std::collections::HashMap::new() }
    }

    /// Cells.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The next cell: a number; NaN says nothing.
    pub fn push_number(&mut self, value: f64) {
        self.values.push(value);
        if !self.marks.is_empty() {
            self.marks.push(NUMBER);
        }
    }

    /// The next cell, where it says nothing.
    pub fn push_missing(&mut self) {
        self.push_number(f64::NAN);
    }

    /// The next cell: a date, in days since 1970-01-01. One so far away that no calendar shows it is a word.
    pub fn push_date(&mut self, days: f64) {
        if days.abs() <= MAX_DAYS {
            self.push_marked(days, DATE);
        } else {
            self.push_word(&format!("day {days}"));
        }
    }

    /// The next cell: a word, whatever it looks like.
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

    /// The next cell: text in which numbers and dates may be written, in a format that has no other way to write them.
    pub fn push_text(&mut self, text: &str) {
        match cell::read(text.trim_ascii().as_bytes(), PLAIN) {
            Cell::Number(value) => self.push_number(value),
            Cell::Date(days) => self.push_date(days),
            Cell::Missing => self.push_missing(),
            Cell::Text => self.push_word(text.trim_ascii()),
        }
    }

    /// Makes them `n`: leaves out what is more, and adds cells that say nothing.
    pub fn resize(&mut self, n: usize) {
        self.values.resize(n, f64::NAN);
        if !self.marks.is_empty() {
            self.marks.resize(n, NUMBER);
        }
    }

    fn push_marked(&mut self, value: f64, mark: u32) {
        // Numbers before the first that is none have no marks yet.
        self.marks.resize(self.values.len(), NUMBER);
        self.values.push(value);
        self.marks.push(mark);
    }
}

/// What reads a file batch by batch.
pub trait Reader {
    /// What comes next.
    ///
    /// # Errors
    /// What is wrong with the file, where, and what mends it.
    fn next(&mut self) -> Result<Step>;

    /// How much of the file has been passed, from 0 to 1.
    fn fraction(&self) -> f64;
}

/// What a [`Reader`] comes to.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// The names of the columns. Rows that came before, of other columns, come again.
    Columns(Vec<String>),
    /// The next rows.
    Rows(Batch),
    /// Nothing yet: a time to breathe.
    Working,
    /// There are no more rows.
    End,
}

/// A table in the making out of what a [`Reader`] gives.
#[derive(Debug)]
pub struct Filling {
    /// The table so far. Where it grows to, and which rows it takes, is said here, whatever columns are found.
    pub table: Table,
}

impl Default for Filling {
    fn default() -> Self {
        Self { table: Table::without_text() }
    }
}

impl Filling {
    /// Takes the next step; whether it was the last.
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

    /// The table.
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

/// All of a file at once.
///
/// # Errors
/// Those of the reader and of [`Filling`].
pub fn read_all(reader: &mut dyn Reader) -> Result<Table> {
    let mut filling = Filling::default();
    while !filling.take(&reader.next()?)? {}
    filling.finish()
}
