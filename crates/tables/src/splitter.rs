//! Splits text into records and cells, a chunk at a time, and copies only quoted cells.

use downhill::message::{Code, Message};

/// The maximum size of a record in bytes; longer text is not a table.
const MAX_RECORD_BYTES: usize = 1 << 24;
/// The number of cells that are passed on at once. Together with their text they fit into the second-level
/// cache.
const BATCH_CELLS: usize = 1 << 13;

/// The position of a cell in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The offset of the cell's first byte.
    pub start: u32,
    /// The offset after the cell's last byte.
    pub end: u32,
}

impl Span {
    /// The span of an empty cell.
    pub(crate) const EMPTY: Self = Self { start: 0, end: 0 };

    fn new(start: usize, end: usize) -> Self {
        Self { start: start as u32, end: end as u32 }
    }

    /// Returns the bytes of the cell without surrounding spaces.
    #[inline]
    pub fn of<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        text[self.start as usize..self.end as usize].trim_ascii()
    }
}

/// Consecutive records of a table whose cells are not yet parsed.
#[derive(Debug)]
pub struct Records<'a> {
    /// The text that spans refer to.
    pub text: &'a [u8],
    /// The cells of all records, in order.
    pub cells: &'a [Span],
    /// For each record, the index in `cells` after its last cell.
    pub ends: &'a [u32],
    /// The line in which each record begins, counted from 1, as an editor shows it.
    pub lines: &'a [u64],
}

impl<'a> Records<'a> {
    /// Returns the cells of one record.
    pub fn record(&self, index: usize) -> &'a [Span] {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before] as usize);
        &self.cells[start..self.ends[index] as usize]
    }

    /// The number of records.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are no records.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }
}

/// The reason why a text cannot be split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsplittable {
    /// The record at this line is too long.
    TooLong(u64),
    /// The text contains a zero byte, as binary files nearly always do and text never does.
    Zero,
}

impl From<Unsplittable> for Message {
    fn from(why: Unsplittable) -> Self {
        match why {
            Unsplittable::TooLong(line) => Self::new(Code::RowTooLong).with("row", line),
            Unsplittable::Zero => Code::NotATable.into(),
        }
    }
}

/// A function that receives records; if it returns an error, the splitter stops.
pub type Take<'a, E> = dyn FnMut(&Records<'_>) -> Result<(), E> + 'a;

/// Splits text into records.
///
/// A quote is special only at the beginning of a cell. Inside a quoted cell, two quotes stand for one, and
/// text after the closing quote belongs to the cell. LF, CR and CRLF end a record. A record of blanks only is
/// skipped.
#[derive(Debug)]
pub struct Splitter {
    separator: u8,
    /// The text that is not yet split.
    text: Vec<u8>,
    /// The unescaped text of quoted cells, which is appended to `text` before the records are passed on.
    aside: Vec<u8>,
    cells: Vec<Span>,
    ends: Vec<u32>,
    lines: Vec<u64>,
    /// The number of lines that are still to be skipped before the first record.
    n_skipped: u32,
    /// The number of line ends so far.
    passed: u64,
    /// Whether the last byte was a CR, so that an LF after it does not end another line.
    after_return: bool,
}

impl Splitter {
    /// Creates a splitter that skips the first `n_skipped` lines. A space as separator stands for any run of
    /// spaces.
    pub fn new(separator: u8, n_skipped: u32) -> Self {
        Self {
            separator,
            n_skipped,
            text: Vec::new(),
            aside: Vec::new(),
            cells: Vec::new(),
            ends: Vec::new(),
            lines: Vec::new(),
            passed: 0,
            after_return: false,
        }
    }

    /// The text that is not yet split; append new text here.
    pub fn text(&mut self) -> &mut Vec<u8> {
        &mut self.text
    }

    /// Passes complete records to `take`. `whole` states that no more text follows, so that the last record
    /// is complete as well.
    ///
    /// # Errors
    /// [`Unsplittable`], or the error of `take`.
    pub fn split<E: From<Unsplittable>>(&mut self, whole: bool, take: &mut Take<'_, E>) -> Result<(), E> {
        while self.n_skipped > 0 {
            // A comment line that is longer than the longest record is an error as well.
            let Some(end) = self.text.iter().position(|byte| matches!(byte, b'\n' | b'\r')) else { break };
            let is_return = self.text[end] == b'\r';
            if is_return && end + 1 == self.text.len() && !whole {
                break;
            }
            let pair = self.text[end..].starts_with(b"\r\n");
            self.text.drain(..end + 1 + usize::from(pair));
            self.passed += 1;
            self.n_skipped -= 1;
        }
        if self.n_skipped > 0 {
            return self.check_length();
        }
        let n_text = self.text.len();
        let mut marks = Marks::new(self.separator);
        // The beginning of the current record and cell, and the line ends inside its cells.
        let mut begin = 0;
        if n_text > 0 && std::mem::replace(&mut self.after_return, false) && self.text[0] == b'\n' {
            marks.next(&self.text);
            begin = 1;
        }
        let mut start = begin;
        let mut n_inner = 0;
        while let Some(at) = marks.next(&self.text[..n_text]) {
            let (cell, end) = match self.text[at] {
                b'"' if at == start => match self.quoted(&mut marks, at, n_text, whole, &mut n_inner) {
                    Some(found) => found,
                    None => break,
                },
                // A quote inside an unquoted cell is an ordinary character.
                b'"' => continue,
                _ => (Span::new(start, at), at),
            };
            self.cell(cell, n_text);
            start = end + 1;
            if end < n_text && self.text[end] == self.separator {
                continue;
            }
            if end < n_text && self.text[end] == b'\r' {
                if self.text[..n_text].get(start) == Some(&b'\n') {
                    marks.next(&self.text[..n_text]);
                    start += 1;
                }
                self.after_return = start == n_text && self.text[start - 1] == b'\r';
            }
            self.end_record(begin, n_text);
            self.passed += 1 + std::mem::take(&mut n_inner);
            begin = start;
            if self.cells.len() >= BATCH_CELLS {
                self.hand_over(n_text, take)?;
            }
        }
        if whole && begin < n_text && start <= n_text {
            self.cell(Span::new(start, n_text), n_text);
            self.end_record(begin, n_text);
            begin = n_text;
        }
        // The incomplete record is split again when more text arrives.
        self.cells.truncate(self.ends.last().map_or(0, |end| *end as usize));
        if !self.ends.is_empty() {
            self.hand_over(n_text, take)?;
        }
        self.aside.clear();
        self.text.drain(..begin.min(n_text));
        if marks.zero {
            return Err(Unsplittable::Zero.into());
        }
        self.check_length()
    }

    fn check_length<E: From<Unsplittable>>(&self) -> Result<(), E> {
        match self.text.len() > MAX_RECORD_BYTES {
            true => Err(Unsplittable::TooLong(self.passed + 1).into()),
            false => Ok(()),
        }
    }

    #[inline(always)]
    fn cell(&mut self, cell: Span, n_text: usize) {
        if self.separator != b' ' || !self.is_blank(cell, n_text) {
            self.cells.push(cell);
        }
    }

    #[inline(always)]
    fn end_record(&mut self, begin: usize, n_text: usize) {
        let first = self.ends.last().map_or(0, |end| *end as usize);
        // Most cells begin with a letter or a digit, so that there is nothing to trim.
        let plain = self.text[..n_text].get(begin).is_some_and(u8::is_ascii_alphanumeric);
        if plain || !self.cells[first..].iter().all(|cell| self.is_blank(*cell, n_text)) {
            self.ends.push(self.cells.len() as u32);
            self.lines.push(self.passed + 1);
        } else {
            self.cells.truncate(first);
        }
    }

    fn is_blank(&self, cell: Span, n_text: usize) -> bool {
        let (start, end) = (cell.start as usize, cell.end as usize);
        let text = if start < n_text || self.aside.is_empty() {
            &self.text[start..end]
        } else {
            &self.aside[start - n_text..end - n_text]
        };
        text.trim_ascii().is_empty()
    }

    /// Returns the quoted cell whose opening quote is at `open`, and the offset of its end, and adds the line
    /// ends in it to `n_inner`; `None` if its end is not in the text yet.
    fn quoted(
        &mut self,
        marks: &mut Marks,
        open: usize,
        n_text: usize,
        whole: bool,
        n_inner: &mut u64,
    ) -> Option<(Span, usize)> {
        let text = &self.text[..n_text];
        let mut doubled = false;
        let close = loop {
            match marks.next(text) {
                Some(at) if text[at] == b'"' => match text.get(at + 1) {
                    Some(b'"') => {
                        marks.next(text);
                        doubled = true;
                    }
                    // If the text ends here, a doubled quote may follow; the code below then finds
                    // no end.
                    _ => break at,
                },
                Some(at) => {
                    let ends_line = text[at] == b'\r' || (text[at] == b'\n' && text[at - 1] != b'\r');
                    *n_inner += u64::from(ends_line);
                }
                None if whole => break n_text,
                None => return None,
            }
        };
        let end = loop {
            match marks.next(text) {
                Some(at) if text[at] == b'"' => {}
                Some(at) => break at,
                None if whole => break n_text,
                None => return None,
            }
        };
        if !doubled && end <= close + 1 {
            return Some((Span::new(open + 1, close), end));
        }
        let from = n_text + self.aside.len();
        let mut inside = text[open + 1..close].iter();
        while let Some(byte) = inside.next() {
            self.aside.push(*byte);
            if *byte == b'"' {
                inside.next();
            }
        }
        self.aside.extend_from_slice(text.get(close + 1..end).unwrap_or_default());
        Some((Span::new(from, n_text + self.aside.len()), end))
    }

    fn hand_over<E>(&mut self, n_text: usize, take: &mut Take<'_, E>) -> Result<(), E> {
        self.text.append(&mut self.aside);
        let records = Records { text: &self.text, cells: &self.cells, ends: &self.ends, lines: &self.lines };
        let outcome = take(&records);
        self.text.truncate(n_text);
        self.cells.clear();
        self.ends.clear();
        self.lines.clear();
        outcome
    }
}

/// The number of bytes that are scanned at once.
const LANES: usize = 64;

/// Iterates over the positions of separators, quotes and line ends in a text.
#[derive(Clone, Copy, Debug)]
struct Marks {
    separator: u8,
    /// One bit for each of the next [`LANES`] bytes from `base` on: whether a position remains to be
    /// returned.
    bits: u64,
    base: usize,
    next: usize,
    /// Whether a zero byte has been found.
    zero: bool,
}

impl Marks {
    fn new(separator: u8) -> Self {
        Self { separator, bits: 0, base: 0, next: 0, zero: false }
    }

    /// Returns the next position in `text`, which must be the same at every call.
    #[inline(always)]
    fn next(&mut self, text: &[u8]) -> Option<usize> {
        while self.bits == 0 {
            let rest = text.get(self.next..).filter(|rest| !rest.is_empty())?;
            let (bits, zero) = match rest.first_chunk::<LANES>() {
                Some(block) => marked(block, self.separator),
                None => {
                    // Padded with a byte that is no mark.
                    let mut block = [b'_'; LANES];
                    block[..rest.len()].copy_from_slice(rest);
                    marked(&block, self.separator)
                }
            };
            (self.bits, self.base) = (bits, self.next);
            self.zero |= zero;
            self.next += LANES;
        }
        let at = self.base + self.bits.trailing_zeros() as usize;
        self.bits &= self.bits - 1;
        Some(at)
    }
}

/// Returns a bit for each byte that is a separator, quote or line end, and whether any byte is zero.
#[cfg(target_arch = "wasm32")]
#[inline(always)]
fn marked(block: &[u8; LANES], separator: u8) -> (u64, bool) {
    use core::arch::wasm32::{
        i8x16_bitmask, u8x16_all_true, u8x16_eq, u8x16_min, u8x16_splat, u64x2, v128_or,
    };
    let (separators, quotes) = (u8x16_splat(separator), u8x16_splat(b'"'));
    let (feeds, returns) = (u8x16_splat(b'\n'), u8x16_splat(b'\r'));
    let mut bits = 0;
    let mut least = u8x16_splat(u8::MAX);
    let (halves, _) = block.as_chunks::<8>();
    let (pairs, _) = halves.as_chunks::<2>();
    for (i, [low, high]) in pairs.iter().enumerate() {
        let bytes = u64x2(u64::from_le_bytes(*low), u64::from_le_bytes(*high));
        let ends = v128_or(u8x16_eq(bytes, feeds), u8x16_eq(bytes, returns));
        let inside = v128_or(u8x16_eq(bytes, separators), u8x16_eq(bytes, quotes));
        bits |= u64::from(i8x16_bitmask(v128_or(ends, inside))) << (16 * i);
        least = u8x16_min(least, bytes);
    }
    (bits, !u8x16_all_true(least))
}

/// The version without SIMD, which also runs in the tests.
#[cfg(not(target_arch = "wasm32"))]
#[inline(always)]
fn marked(block: &[u8; LANES], separator: u8) -> (u64, bool) {
    let mut bits = 0;
    let mut zero = false;
    for (i, byte) in block.iter().enumerate() {
        let is_mark = *byte == separator || matches!(byte, b'"' | b'\n' | b'\r');
        bits |= u64::from(is_mark) << i;
        zero |= *byte == 0;
    }
    (bits, zero)
}
