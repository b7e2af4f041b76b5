//! One column: every cell as one f64, and what all of them say together.

use std::collections::HashMap;

use downhill::dataset::MAX_VALUE;

use crate::cell::{self, Cell, Numbers};

/// Values of a block: columns grow without being moved.
const BLOCK: usize = 1 << 16;
/// The most different words that a column of categories may have.
pub const MAX_LEVELS: usize = 1_000;
/// Cells of which half may be of another kind.
const FEW: u32 = 20;
/// Cells that are kept to be shown where a column turns out to be of another kind.
const KEPT_CELLS: usize = 20;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Numbers.
    Number,
    /// A few words, again and again.
    Category,
    /// Days since 1970-01-01.
    Date,
    /// Words, nearly every one different: nothing to learn from.
    Text,
    /// Nothing at all.
    Empty,
}

impl Kind {
    /// By its name.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "number" => Some(Self::Number),
            "category" => Some(Self::Category),
            "date" => Some(Self::Date),
            _ => None,
        }
    }
}

/// A cell that does not fit its column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadCell {
    /// Line of its row, as an editor shows it.
    pub line: u64,
    /// What it says.
    pub text: String,
}

/// A column of a table.
#[derive(Clone, Debug)]
pub struct Column {
    /// What it is called.
    pub name: String,
    blocks: Vec<Vec<f64>>,
    words: HashMap<Box<[u8]>, u32>,
    /// The words by their number.
    levels: Vec<String>,
    /// Cells that say nothing.
    pub n_missing: u32,
    /// Cells that are numbers.
    pub n_numbers: u32,
    /// Cells that are dates.
    pub n_dates: u32,
    /// Cells that are neither.
    pub n_text: u32,
    /// Least number or date.
    pub min: f64,
    /// Greatest number or date.
    pub max: f64,
    /// The first number: sums are taken about it, so that they do not cancel.
    shift: f64,
    sum: f64,
    square: f64,
    /// The first cells that are neither number nor date.
    pub bad: Vec<BadCell>,
}

/// A cell in one f64: a number or a date is itself; a word is a NaN that holds which one, and nothing one that holds 0.
mod boxed {
    const QUIET: u64 = 0x7FF8_0000_0000_0000;

    /// Nothing.
    pub(super) fn missing() -> f64 {
        f64::from_bits(QUIET)
    }

    /// Word `code`, from 0.
    pub(super) fn word(code: u32) -> f64 {
        f64::from_bits(QUIET | (u64::from(code) + 1))
    }

    /// Which word it is; `None` for nothing, and for numbers.
    pub(super) fn code(value: f64) -> Option<u32> {
        if !value.is_nan() {
            return None;
        }
        ((value.to_bits() & 0xFFFF_FFFF) as u32).checked_sub(1)
    }
}

/// Stands for every word beyond [`MAX_LEVELS`].
const OTHER: u32 = u32::MAX - 1;

impl Column {
    /// Of no cell yet.
    pub fn new(name: String) -> Self {
        Self {
            name,
            blocks: Vec::new(),
            words: HashMap::new(),
            levels: Vec::new(),
            n_missing: 0,
            n_numbers: 0,
            n_dates: 0,
            n_text: 0,
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
            shift: 0.0,
            sum: 0.0,
            square: 0.0,
            bad: Vec::new(),
        }
    }

    /// The next cell.
    #[inline]
    pub fn push(&mut self, text: &[u8], numbers: Numbers, line: u64) {
        match cell::read(text, numbers) {
            Cell::Number(value) if value.abs() <= MAX_VALUE => {
                self.n_numbers += 1;
                self.count(value);
                self.keep(value);
            }
            Cell::Date(days) => self.push_date(days),
            Cell::Missing => self.push_missing(),
            Cell::Number(_) | Cell::Text => self.push_word(text, line),
        }
    }

    /// The next cell, where it comes as a number: NaN says nothing, and what is beyond [`MAX_VALUE`] is a cell that does
    /// not fit. `line` names its row to a person.
    pub fn push_number(&mut self, value: f64, line: u64) {
        if value.is_nan() {
            self.push_missing();
        } else if value.abs() <= MAX_VALUE {
            self.n_numbers += 1;
            self.count(value);
            self.keep(value);
        } else {
            self.push_word(format!("{value:e}").as_bytes(), line);
        }
    }

    /// The next cell, where it comes as a date: days since 1970-01-01.
    pub fn push_date(&mut self, days: f64) {
        self.n_dates += 1;
        self.count(days);
        self.keep(days);
    }

    /// The next cell, where it is a word (UTF-8), whatever it looks like.
    pub fn push_word(&mut self, text: &[u8], line: u64) {
        let value = self.word(text, line);
        self.keep(value);
    }

    /// The next cell, where it says nothing.
    pub fn push_missing(&mut self) {
        self.n_missing += 1;
        self.keep(boxed::missing());
    }

    #[inline]
    fn keep(&mut self, value: f64) {
        match self.blocks.last_mut() {
            Some(block) if block.len() < BLOCK => block.push(value),
            _ => {
                // Only what follows a full block is known to become one.
                let capacity = if self.blocks.is_empty() { 64 } else { BLOCK };
                let mut block = Vec::with_capacity(capacity);
                block.push(value);
                self.blocks.push(block);
            }
        }
    }

    #[inline]
    fn count(&mut self, value: f64) {
        if self.n_numbers + self.n_dates == 1 {
            self.shift = value;
        }
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        let apart = value - self.shift;
        self.sum += apart;
        self.square += apart * apart;
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

    /// Bytes that its cells take.
    pub fn bytes(&self) -> usize {
        self.blocks.iter().map(|block| 8 * block.capacity()).sum()
    }

    /// Mean of its numbers or dates.
    pub fn mean(&self) -> f64 {
        self.shift + self.sum / f64::from(self.n_numbers + self.n_dates)
    }

    /// (Population) standard deviation of them.
    pub fn standard_deviation(&self) -> f64 {
        let n = f64::from(self.n_numbers + self.n_dates);
        ((self.square - self.sum * self.sum / n) / n).max(0.0).sqrt()
    }

    /// What the column holds, as far as can be told: a word in twenty numbers is a cell to be mended, more are words; of a
    /// few cells, half may be.
    pub fn kind(&self) -> Kind {
        let n_present = self.n_numbers + self.n_dates + self.n_text;
        if n_present == 0 {
            return Kind::Empty;
        }
        let tolerated = if n_present <= FEW { n_present / 2 } else { n_present / 20 };
        if self.n_dates > 0 && self.n_text + self.n_numbers <= tolerated {
            return Kind::Date;
        }
        if self.n_numbers > 0 && self.n_text + self.n_dates <= tolerated {
            return Kind::Number;
        }
        // Names, keys, remarks: nearly every one stands once.
        let n_levels = self.levels.len() as u32;
        let once = n_present > 10 && 2 * n_levels > n_present;
        if n_levels as usize >= MAX_LEVELS || once || self.n_dates > 0 { Kind::Text } else { Kind::Category }
    }

    /// Cells that are no such thing.
    pub fn n_bad(&self, kind: Kind) -> u32 {
        match kind {
            Kind::Number => self.n_text + self.n_dates,
            Kind::Date => self.n_text + self.n_numbers,
            _ => 0,
        }
    }

    /// Cells.
    pub fn len(&self) -> usize {
        self.blocks.iter().map(Vec::len).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    #[inline]
    fn raw(&self, row: usize) -> f64 {
        self.blocks[row / BLOCK][row % BLOCK]
    }

    /// A cell as a number or a date; `None` where it is neither.
    #[inline]
    pub fn value(&self, row: usize) -> Option<f64> {
        let value = self.raw(row);
        (!value.is_nan()).then_some(value)
    }

    /// Whether a cell says nothing.
    pub fn is_missing(&self, row: usize) -> bool {
        let value = self.raw(row);
        value.is_nan() && boxed::code(value).is_none()
    }

    /// Every cell as it is kept, a block at a time, for a fingerprint.
    pub fn raw_blocks(&self) -> impl Iterator<Item = &[f64]> {
        self.blocks.iter().map(Vec::as_slice)
    }

    /// Numbers or dates in the order of rows.
    pub fn values(&self) -> impl Iterator<Item = f64> + '_ {
        self.blocks.iter().flatten().copied().filter(|value| !value.is_nan())
    }

    /// The words that rows are told apart by, numbers among them, in order: numbers by size, then words by letter. With
    /// each, how often it stands. `None` where they are more than [`MAX_LEVELS`].
    pub fn levels(&self) -> Option<Levels> {
        let mut of_words = vec![0_u32; self.levels.len()];
        let mut of_numbers: HashMap<u64, u32> = HashMap::new();
        for value in self.blocks.iter().flatten() {
            match boxed::code(*value) {
                Some(OTHER) => return None,
                Some(code) => of_words[code as usize] += 1,
                // -0 and 0 are one number.
                None if !value.is_nan() => *of_numbers.entry((value + 0.0).to_bits()).or_default() += 1,
                None => {}
            }
            if of_numbers.len() + of_words.len() > MAX_LEVELS {
                return None;
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
        Some(Levels { names, counts, numbers: numbers.into_iter().map(|(value, _)| value).collect(), place })
    }

    /// A cell as a person would write it.
    pub(crate) fn text(&self, row: usize) -> String {
        let value = self.raw(row);
        match boxed::code(value) {
            Some(code) => self.levels.get(code as usize).cloned().unwrap_or_else(|| "\u{2026}".to_owned()),
            None if value.is_nan() => String::new(),
            None if self.kind() == Kind::Date => cell::written_date(value),
            None => format!("{value}"),
        }
    }

    /// Which of its levels a cell is; `None` where it says nothing.
    pub fn level(&self, levels: &Levels, row: usize) -> Option<u32> {
        let value = self.raw(row);
        match boxed::code(value) {
            Some(code) => levels.place.get(code as usize).copied(),
            None if value.is_nan() => None,
            None => levels
                .numbers
                .binary_search_by(|other| other.total_cmp(&(value + 0.0)))
                .ok()
                .map(|i| i as u32),
        }
    }

    /// The middle one of its numbers or dates; the mean of the two in the middle of an even number of them.
    pub fn median(&self) -> f64 {
        let mut values: Vec<f64> = self.values().collect();
        if values.is_empty() {
            return f64::NAN;
        }
        let middle = values.len() / 2;
        let even = values.len().is_multiple_of(2);
        let (below, upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
        let upper = *upper;
        if even { (below.iter().copied().fold(f64::NEG_INFINITY, f64::max) + upper) / 2.0 } else { upper }
    }

    /// How many of its numbers or dates lie in each of `n_bins` equal parts of their range.
    pub fn histogram(&self, n_bins: usize) -> Vec<u32> {
        let mut bins = vec![0; n_bins];
        let per_unit = n_bins as f64 / (self.max - self.min).max(f64::MIN_POSITIVE);
        for value in self.values() {
            let bin = ((value - self.min) * per_unit) as usize;
            bins[bin.min(n_bins - 1)] += 1;
        }
        bins
    }
}

/// What a category's rows are told apart by.
#[derive(Clone, Debug, PartialEq)]
pub struct Levels {
    /// In order.
    pub names: Vec<String>,
    /// How often each stands.
    pub counts: Vec<u32>,
    numbers: Vec<f64>,
    /// Of each word, by its number.
    place: Vec<u32>,
}

impl Levels {
    /// The one that stands most often; the first of several.
    pub fn most_frequent(&self) -> u32 {
        let most = self.counts.iter().max().copied().unwrap_or(0);
        self.counts.iter().position(|n| *n == most).unwrap_or(0) as u32
    }
}
