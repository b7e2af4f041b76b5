//! One column: its cells, each stored as one f64, and summary statistics.

use downhill::dataset::MAX_VALUE;
use downhill::message::Result;
use rustc_hash::FxHashMap;

use crate::block::{Blocks, Cells};
use crate::cell::{self, Cell, DateOrder, Numbers};
use crate::number;
use crate::splitter::Span;

/// The maximum number of distinct words in a category column.
pub const MAX_LEVELS: usize = 1_000;
/// In a column of up to this many cells, half of them may differ from the column's kind.
const FEW: u32 = 20;
/// The maximum number of bad cells that are kept for error messages.
const KEPT_CELLS: usize = 20;

/// The kind of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The cells are numbers.
    Number,
    /// The cells are words of which many are equal.
    Category,
    /// The cells are dates, in days since 1970-01-01.
    Date,
    /// The cells are words that are nearly all different, so that a model cannot learn from them.
    Text,
    /// All cells are missing.
    Empty,
}

impl Kind {
    /// Returns the kind with this name.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "number" => Some(Self::Number),
            "category" => Some(Self::Category),
            "date" => Some(Self::Date),
            _ => None,
        }
    }
}

/// A cell that does not fit the kind of its column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadCell {
    /// The line of the cell's row in the file, as an editor shows it.
    pub line: u64,
    /// The text of the cell.
    pub text: String,
}

/// A column of a table.
#[derive(Debug)]
pub struct Column {
    /// The name of the column.
    pub name: String,
    cells: Blocks,
    /// The order of day and month in dates that end with the year; `None` if such dates are treated as words.
    date_order: Option<DateOrder>,
    words: FxHashMap<Box<[u8]>, u32>,
    /// The distinct words of the column, by their code.
    levels: Vec<String>,
    /// The number of missing cells.
    pub n_missing: u32,
    /// The number of dates.
    pub n_dates: u32,
    /// The number of words.
    pub n_text: u32,
    /// Running totals of the column's numbers and dates.
    totals: Totals,
    /// The first cells of the column that are neither number nor date.
    pub bad: Vec<BadCell>,
}

/// Running totals of a column's numbers and dates.
#[derive(Clone, Copy, Debug)]
struct Totals {
    n: u32,
    min: f64,
    max: f64,
    /// The first number. Sums are of differences from it, which avoids cancellation.
    shift: f64,
    sum: f64,
    square: f64,
}

impl Totals {
    #[inline(always)]
    fn count(&mut self, value: f64) {
        if self.n == 0 {
            self.shift = value;
        }
        self.n += 1;
        // `f64::min` takes several instructions because it handles NaN.
        self.min = if value < self.min { value } else { self.min };
        self.max = if value > self.max { value } else { self.max };
        let apart = value - self.shift;
        self.sum += apart;
        self.square += apart * apart;
    }
}

/// Encodes a cell as one f64: a number or a date is itself, a word is a NaN with the word's code
/// plus one as its payload, and a missing cell is a NaN with payload 0.
mod boxed {
    const QUIET: u64 = 0x7FF8_0000_0000_0000;

    /// The encoding of a missing cell.
    pub(super) fn missing() -> f64 {
        f64::from_bits(QUIET)
    }

    /// The encoding of the word with this code; codes begin at 0.
    pub(super) fn word(code: u32) -> f64 {
        f64::from_bits(QUIET | (u64::from(code) + 1))
    }

    /// The code of an encoded word; `None` for missing cells and numbers.
    pub(super) fn code(value: f64) -> Option<u32> {
        if !value.is_nan() {
            return None;
        }
        ((value.to_bits() & 0xFFFF_FFFF) as u32).checked_sub(1)
    }
}

/// The code of all distinct words after the first [`MAX_LEVELS`].
const OTHER: u32 = u32::MAX - 1;

impl Column {
    /// Creates an empty column with blocks of `block_rows` rows.
    pub(crate) fn new(name: String, block_rows: usize) -> Self {
        let (min, max) = (f64::INFINITY, f64::NEG_INFINITY);
        Self {
            name,
            cells: Blocks::new(block_rows),
            date_order: None,
            words: FxHashMap::default(),
            levels: Vec::new(),
            n_missing: 0,
            n_dates: 0,
            n_text: 0,
            totals: Totals { n: 0, min, max, shift: 0.0, sum: 0.0, square: 0.0 },
            bad: Vec::new(),
        }
    }

    /// Sets the order of day and month in dates that end with the year.
    pub(crate) fn with_date_order(self, date_order: Option<DateOrder>) -> Self {
        Self { date_order, ..self }
    }

    /// Appends the cells of this column: every `stride`-th of `spans`. `lines` has the line of each cell's
    /// record.
    pub(crate) fn push_cells(
        &mut self,
        text: &[u8],
        (spans, stride): (&[Span], usize),
        numbers: Numbers,
        lines: &[u64],
    ) {
        let decimal = numbers.decimal();
        let mut totals = self.totals;
        // Reserves space once; `push` would check the capacity at every cell.
        let mut open = std::mem::take(self.cells.open());
        let n_open = open.len();
        open.resize(n_open + lines.len(), 0.0);
        for ((kept, span), line) in open[n_open..].iter_mut().zip(spans.iter().step_by(stride)).zip(lines) {
            *kept = match number::read(text, span.start as usize, span.end as usize, decimal) {
                Some(value) if value.abs() <= MAX_VALUE => {
                    totals.count(value);
                    value
                }
                _ => {
                    self.totals = totals;
                    let value = self.read(span.of(text), numbers, *line);
                    totals = self.totals;
                    value
                }
            };
        }
        *self.cells.open() = open;
        self.totals = totals;
    }

    /// Parses a cell without surrounding spaces and encodes it.
    fn read(&mut self, text: &[u8], numbers: Numbers, line: u64) -> f64 {
        let read = match (cell::read(text, numbers), self.date_order) {
            (Cell::Text, Some(order)) => cell::date_in_order(text, order).map_or(Cell::Text, Cell::Date),
            (read, _) => read,
        };
        match read {
            Cell::Number(value) if value.abs() <= MAX_VALUE => {
                self.totals.count(value);
                value
            }
            Cell::Date(days) => {
                self.n_dates += 1;
                self.totals.count(days);
                days
            }
            Cell::Missing => {
                self.n_missing += 1;
                boxed::missing()
            }
            Cell::Number(_) | Cell::Text => self.word(text, line),
        }
    }

    /// Appends a number. NaN is a missing cell, and a value beyond [`MAX_VALUE`] is a bad cell. `line` is the
    /// line of its row, for error messages.
    #[inline]
    pub fn push_number(&mut self, value: f64, line: u64) {
        if value.is_nan() {
            self.push_missing();
        } else if value.abs() <= MAX_VALUE {
            self.push_ordered(value);
        } else {
            self.push_word(format!("{value:e}").as_bytes(), line);
        }
    }

    /// Appends a date in days since 1970-01-01.
    pub fn push_date(&mut self, days: f64) {
        self.n_dates += 1;
        self.push_ordered(days);
    }

    /// Appends a word (UTF-8), even if it looks like a number.
    pub fn push_word(&mut self, text: &[u8], line: u64) {
        let value = self.word(text, line);
        self.cells.open().push(value);
    }

    /// Appends a missing cell.
    pub fn push_missing(&mut self) {
        self.n_missing += 1;
        self.cells.open().push(boxed::missing());
    }

    #[inline]
    fn push_ordered(&mut self, value: f64) {
        self.totals.count(value);
        self.cells.open().push(value);
    }

    fn word(&mut self, text: &[u8], line: u64) -> f64 {
        self.n_text += 1;
        if self.bad.len() < KEPT_CELLS {
            self.bad.push(BadCell { line, text: String::from_utf8_lossy(text).chars().take(80).collect() });
        }
        if let Some(code) = self.words.get(text) {
            return boxed::word(*code);
        }
        if self.levels.len() >= MAX_LEVELS {
            return boxed::word(OTHER);
        }
        let code = self.levels.len() as u32;
        self.words.insert(text.into(), code);
        self.levels.push(String::from_utf8_lossy(text).into_owned());
        boxed::word(code)
    }

    /// The number of bytes of memory that the cells take.
    pub fn bytes(&self) -> usize {
        self.cells.bytes()
    }

    /// The column's blocks of cells, which the table cuts and hashes.
    pub(crate) fn blocks(&mut self) -> &mut Blocks {
        &mut self.cells
    }

    /// The distinct words of the column, by their code.
    pub(crate) fn words(&self) -> &[String] {
        &self.levels
    }

    /// The number of cells that are numbers.
    pub fn n_numbers(&self) -> u32 {
        self.totals.n - self.n_dates
    }

    /// The smallest number or date; infinite if there is none.
    pub fn min(&self) -> f64 {
        self.totals.min
    }

    /// The largest number or date; negative infinity if there is none.
    pub fn max(&self) -> f64 {
        self.totals.max
    }

    /// The mean of numbers and dates.
    pub fn mean(&self) -> f64 {
        self.totals.shift + self.totals.sum / f64::from(self.totals.n)
    }

    /// The population standard deviation of numbers and dates.
    pub fn standard_deviation(&self) -> f64 {
        let Totals { n, sum, square, .. } = self.totals;
        let n = f64::from(n);
        ((square - sum * sum / n) / n).max(0.0).sqrt()
    }

    /// The kind that most cells have. Up to one bad cell in twenty is tolerated; in a column of few
    /// cells, up to a half.
    pub fn kind(&self) -> Kind {
        let n_present = self.totals.n + self.n_text;
        if n_present == 0 {
            return Kind::Empty;
        }
        let tolerated = if n_present <= FEW { n_present / 2 } else { n_present / 20 };
        if self.n_dates > 0 && self.n_text + self.n_numbers() <= tolerated {
            return Kind::Date;
        }
        if self.n_numbers() > 0 && self.n_text + self.n_dates <= tolerated {
            return Kind::Number;
        }
        // Names, keys and remarks: nearly every word occurs once.
        let n_levels = self.levels.len() as u32;
        let once = n_present > 10 && 2 * n_levels > n_present;
        if n_levels as usize >= MAX_LEVELS || once || self.n_dates > 0 { Kind::Text } else { Kind::Category }
    }

    /// The number of cells that would not fit if the column were of this kind.
    pub fn n_bad(&self, kind: Kind) -> u32 {
        match kind {
            Kind::Number => self.n_text + self.n_dates,
            Kind::Date => self.n_text + self.n_numbers(),
            _ => 0,
        }
    }

    /// The number of cells.
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    /// Whether there are no cells.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of rows in a block; cells of one block are read together.
    pub fn block_rows(&self) -> usize {
        self.cells.block_rows()
    }

    /// Returns the encoded cells of a block. Drop the result before requesting another block of this column.
    ///
    /// # Errors
    /// Those of [`Storage::read`](crate::block::Storage::read).
    pub(crate) fn block(&self, index: usize) -> Result<Cells<'_>> {
        self.cells.block(index)
    }

    fn raw(&self, row: usize) -> Result<f64> {
        let n_rows = self.block_rows();
        Ok(self.block(row / n_rows)?[row % n_rows])
    }

    /// Returns the cell in a row as a number or a date; `None` if it is neither.
    ///
    /// # Errors
    /// Those of [`Storage::read`](crate::block::Storage::read).
    pub fn value(&self, row: usize) -> Result<Option<f64>> {
        Ok(value(self.raw(row)?))
    }

    /// Whether the cell in a row is missing.
    ///
    /// # Errors
    /// Those of [`Storage::read`](crate::block::Storage::read).
    pub fn is_missing(&self, row: usize) -> Result<bool> {
        Ok(is_missing(self.raw(row)?))
    }

    /// Returns the index of the level of the cell in a row; `None` if the cell is missing.
    ///
    /// # Errors
    /// Those of [`Storage::read`](crate::block::Storage::read).
    pub fn level(&self, levels: &Levels, row: usize) -> Result<Option<u32>> {
        Ok(levels.of(self.raw(row)?))
    }

    /// Calls `take` with every encoded cell of the column, in row order.
    fn each(&self, mut take: impl FnMut(f64)) -> Result<()> {
        for index in 0..self.cells.n_blocks() {
            self.block(index)?.iter().for_each(|cell| take(*cell));
        }
        Ok(())
    }

    /// Returns the cell in a row as text for display.
    pub(crate) fn text(&self, row: usize) -> Result<String> {
        let value = self.raw(row)?;
        Ok(match boxed::code(value) {
            Some(code) => self.levels.get(code as usize).cloned().unwrap_or_else(|| "\u{2026}".to_owned()),
            None if value.is_nan() => String::new(),
            None if self.kind() == Kind::Date => cell::written_date(value),
            None => format!("{value}"),
        })
    }

    /// Returns the levels of a category with their counts: numbers in ascending order, then words
    /// in alphabetical order. `None` if there are more than [`MAX_LEVELS`].
    ///
    /// # Errors
    /// Those of [`Storage::read`](crate::block::Storage::read).
    pub fn levels(&self) -> Result<Option<Levels>> {
        let mut of_words = vec![0_u32; self.levels.len()];
        let mut of_numbers: FxHashMap<u64, u32> = FxHashMap::default();
        for index in 0..self.cells.n_blocks() {
            for cell in self.block(index)?.iter() {
                match boxed::code(*cell) {
                    Some(OTHER) => return Ok(None),
                    Some(code) => of_words[code as usize] += 1,
                    // -0 and 0 are one number.
                    None if !cell.is_nan() => *of_numbers.entry((cell + 0.0).to_bits()).or_default() += 1,
                    None => {}
                }
                if of_numbers.len() + of_words.len() > MAX_LEVELS {
                    return Ok(None);
                }
            }
        }
        let mut numbers: Vec<(f64, u32)> =
            of_numbers.into_iter().map(|(bits, n)| (f64::from_bits(bits), n)).collect();
        numbers.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut words: Vec<u32> = (0..self.levels.len() as u32).collect();
        words.sort_by(|a, b| self.levels[*a as usize].cmp(&self.levels[*b as usize]));
        let mut place = vec![0; words.len()];
        for (i, code) in words.iter().enumerate() {
            place[*code as usize] = (numbers.len() + i) as u32;
        }
        let names = numbers.iter().map(|(value, _)| format!("{value}"));
        let names = names.chain(words.iter().map(|code| self.levels[*code as usize].clone())).collect();
        let counts = numbers.iter().map(|(_, n)| *n);
        let counts = counts.chain(words.iter().map(|code| of_words[*code as usize])).collect();
        Ok(Some(Levels {
            names,
            counts,
            numbers: numbers.into_iter().map(|(value, _)| value).collect(),
            place,
        }))
    }

    /// The median of numbers and dates; NaN if there are none.
    ///
    /// # Errors
    /// Those of [`Storage::read`](crate::block::Storage::read).
    pub fn median(&self) -> Result<f64> {
        let n = u64::from(self.totals.n);
        if n == 0 {
            return Ok(f64::NAN);
        }
        let upper = self.nth(n / 2)?;
        Ok(if n.is_multiple_of(2) { (self.nth(n / 2 - 1)? + upper) / 2.0 } else { upper })
    }

    /// Returns the `nth` smallest number or date, from 0. Each pass over the cells finds sixteen more bits of
    /// it, until the values with these bits are few enough to sort.
    fn nth(&self, mut nth: u64) -> Result<f64> {
        const BITS: u32 = 16;
        const FEW_VALUES: u64 = 1 << 16;
        // Maps to bits that sort like the numbers: all bits of negative numbers are flipped, and
        // only the sign bit of others.
        let key = |value: f64| {
            let bits = value.to_bits();
            bits ^ (((bits as i64 >> 63) as u64) | 1 << 63)
        };
        let (mut n, mut prefix, mut n_bits) = (u64::from(self.totals.n), 0_u64, 0);
        let shares = |cell: f64, prefix: u64, n_bits: u32| {
            !cell.is_nan() && (n_bits == 0 || key(cell) >> (64 - n_bits) == prefix)
        };
        while n > FEW_VALUES && n_bits < 64 {
            let mut counts = vec![0_u64; 1 << BITS];
            self.each(|cell| {
                if shares(cell, prefix, n_bits) {
                    counts[(key(cell) >> (64 - BITS - n_bits)) as usize % (1 << BITS)] += 1;
                }
            })?;
            let mut next = 0;
            while nth >= counts[next] {
                nth -= counts[next];
                next += 1;
            }
            n = counts[next];
            prefix = prefix << BITS | next as u64;
            n_bits += BITS;
        }
        let mut few = Vec::new();
        self.each(|cell| {
            // Once all bits are known, the values that share them are equal.
            if few.len() as u64 <= FEW_VALUES && shares(cell, prefix, n_bits) {
                few.push(cell);
            }
        })?;
        let nth = nth.min(few.len() as u64 - 1) as usize;
        Ok(*few.select_nth_unstable_by(nth, f64::total_cmp).1)
    }

    /// Counts the numbers and dates in each of `n_bins` equal parts of their range.
    ///
    /// # Errors
    /// Those of [`Storage::read`](crate::block::Storage::read).
    pub fn histogram(&self, n_bins: usize) -> Result<Vec<u32>> {
        let mut bins = vec![0; n_bins];
        let (min, max) = (self.min(), self.max());
        let per_unit = n_bins as f64 / (max - min).max(f64::MIN_POSITIVE);
        self.each(|cell| {
            if !cell.is_nan() {
                let bin = ((cell - min) * per_unit) as usize;
                bins[bin.min(n_bins - 1)] += 1;
            }
        })?;
        Ok(bins)
    }
}

/// The value of an encoded number or date; `None` for other cells.
#[inline(always)]
pub(crate) fn value(cell: f64) -> Option<f64> {
    (!cell.is_nan()).then_some(cell)
}

/// Whether an encoded cell is missing.
#[inline(always)]
pub(crate) fn is_missing(cell: f64) -> bool {
    cell.is_nan() && boxed::code(cell).is_none()
}

/// The levels of a category column.
#[derive(Clone, Debug, PartialEq)]
pub struct Levels {
    /// The names of the levels: numbers in ascending order, then words in alphabetical order.
    pub names: Vec<String>,
    /// The number of cells of each level, in the order of `names`.
    pub counts: Vec<u32>,
    numbers: Vec<f64>,
    /// For each word by its code, the index of its level.
    place: Vec<u32>,
}

impl Levels {
    /// Returns the index of an encoded cell's level; `None` if the cell is missing.
    #[inline]
    pub(crate) fn of(&self, cell: f64) -> Option<u32> {
        match boxed::code(cell) {
            Some(code) => self.place.get(code as usize).copied(),
            None if cell.is_nan() => None,
            None => {
                let found = self.numbers.binary_search_by(|other| other.total_cmp(&(cell + 0.0)));
                found.ok().map(|i| i as u32)
            }
        }
    }

    /// The index of the most frequent level; among equals, the first one.
    pub fn most_frequent(&self) -> u32 {
        let most = self.counts.iter().max().copied().unwrap_or(0);
        self.counts.iter().position(|n| *n == most).unwrap_or(0) as u32
    }
}
