//! Reads NumPy's `.npy` format (versions 1 to 3): the header, and the values as columns.
//!
//! Source: numpy.lib.format, "NPY format"; type strings as in the array interface protocol, version
//! 3.

use std::io::Read;
use std::rc::Rc;

use downhill::message::{Code, Message, Result};

use crate::batch::Cells;
use crate::source::{Cursor, Source};

/// The first bytes of every `.npy` file.
pub const MAGIC: &[u8] = b"\x93NUMPY";
/// The maximum size of a header in bytes; NumPy itself refuses longer ones.
const MAX_HEADER_BYTES: usize = 1 << 20;

/// The maximum size of a row in bytes.
const MAX_ROW_BYTES: usize = 1 << 27;

/// The header of an array.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    /// The fields of a value: one field without a name, or several named fields.
    pub fields: Vec<Field>,
    /// The size in bytes of a value with all its fields.
    pub value_bytes: usize,
    /// Whether values are stored column by column instead of row by row.
    pub fortran_order: bool,
    /// The sizes of the dimensions; the first is the number of rows.
    pub shape: Vec<u64>,
}

/// One field of a value.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// The name of the field; empty if it is the only one.
    pub name: String,
    /// The type of the field.
    pub kind: Kind,
    big_endian: bool,
    offset: usize,
    bytes: usize,
}

/// The type of a field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Signed integer.
    Signed,
    /// Unsigned integer.
    Unsigned,
    /// IEEE 754 floating-point number.
    Float,
    /// One byte, 0 or 1.
    Boolean,
    /// A byte string padded with zeros.
    Bytes,
    /// A string of four-byte characters padded with zeros.
    Unicode,
    /// A time since 1970 in units of this many days; the smallest integer is a missing value.
    Time(f64),
}

impl Header {
    /// Reads a header and returns it with the number of bytes that it takes. `name` is the name of the array
    /// in error messages.
    ///
    /// # Errors
    /// [`Code::FileDamaged`], [`Code::ArrayKind`].
    pub fn read(from: &mut impl Read, name: &str) -> Result<(Self, u64)> {
        let mut start = [0; 8];
        from.read_exact(&mut start).map_err(|error| damaged(&error))?;
        if !start.starts_with(MAGIC) {
            return Err(damaged(&"it does not start like a NumPy array"));
        }
        let n_bytes = if start[6] == 1 { 2 } else { 4 };
        let mut length = [0; 4];
        from.read_exact(&mut length[..n_bytes]).map_err(|error| damaged(&error))?;
        let n_header = u32::from_le_bytes(length) as usize;
        if n_header > MAX_HEADER_BYTES || !(1..=3).contains(&start[6]) {
            return Err(damaged(&"its header is missing"));
        }
        let mut text = vec![0; n_header];
        from.read_exact(&mut text).map_err(|error| damaged(&error))?;
        // Versions 1 and 2 use Latin-1; version 3 uses UTF-8.
        let text = if start[6] < 3 {
            text.into_iter().map(char::from).collect()
        } else {
            String::from_utf8_lossy(&text).into_owned()
        };
        let header = Self::parse(&text, name)?;
        Ok((header, (8 + n_bytes + n_header) as u64))
    }

    fn parse(text: &str, name: &str) -> Result<Self> {
        let none = || damaged(&"its header cannot be read");
        let mut parser = Parser { rest: text };
        let Some(Literal::Pairs(pairs)) = parser.literal(0) else { return Err(none()) };
        let find = |key: &str| {
            let pair = pairs.iter().find(|(found, _)| matches!(found, Literal::Text(text) if text == key));
            pair.map(|(_, value)| value).ok_or_else(none)
        };
        let mut fields = Vec::new();
        let mut value_bytes = 0;
        match find("descr")? {
            Literal::Text(kind) => push_field(&mut fields, &mut value_bytes, "", kind, name)?,
            Literal::List(list) => {
                for field in list {
                    let Literal::List(parts) = field else { return Err(none()) };
                    match parts.as_slice() {
                        [Literal::Text(field), Literal::Text(kind)] => {
                            push_field(&mut fields, &mut value_bytes, field, kind, name)?;
                        }
                        // The field has a title and a name.
                        [Literal::List(names), Literal::Text(kind)] => {
                            let Some(Literal::Text(field)) = names.last() else { return Err(none()) };
                            push_field(&mut fields, &mut value_bytes, field, kind, name)?;
                        }
                        [Literal::Text(field), ..] => {
                            return Err(of_kind(name, &format!("arrays in the field \"{field}\"")));
                        }
                        _ => return Err(none()),
                    }
                }
            }
            _ => return Err(none()),
        }
        let fortran_order = matches!(find("fortran_order")?, Literal::Flag(true));
        let Literal::List(sizes) = find("shape")? else { return Err(none()) };
        let shape = sizes.iter().map(|size| match size {
            Literal::Whole(size) => Some(*size),
            _ => None,
        });
        let shape = shape.collect::<Option<Vec<u64>>>().ok_or_else(none)?;
        if fields.is_empty() || value_bytes > MAX_ROW_BYTES {
            return Err(of_kind(name, &format!("values of {value_bytes} bytes")));
        }
        Ok(Self { fields, value_bytes, fortran_order, shape })
    }

    /// The size of all values in bytes; `None` if the number overflows.
    pub fn n_bytes(&self) -> Option<u64> {
        self.shape.iter().try_fold(self.value_bytes as u64, |bytes, n| bytes.checked_mul(*n))
    }

    /// Decodes the values of a numeric array, with the last dimension varying fastest; `None` if the array is
    /// not numeric.
    pub fn numbers(&self, bytes: &[u8]) -> Option<Vec<f64>> {
        let field = self.only_field()?;
        let number: fn(&Field, &[u8]) -> f64 = match field.kind {
            Kind::Float => Field::float,
            Kind::Unsigned => |field, bytes| field.whole(bytes) as f64,
            Kind::Signed => |field, bytes| field.signed(bytes) as f64,
            _ => return None,
        };
        let values: Vec<f64> =
            bytes.chunks_exact(self.value_bytes).map(|value| number(field, value)).collect();
        match self.shape[..] {
            [n_rows, n_values] if self.fortran_order => {
                let (n_rows, n_values) = (n_rows as usize, n_values as usize);
                if n_rows.checked_mul(n_values) != Some(values.len()) {
                    return None;
                }
                let places = (0..n_rows).flat_map(|row| (0..n_values).map(move |value| value * n_rows + row));
                places.map(|place| values.get(place).copied()).collect()
            }
            // Fortran order with more than two dimensions is not supported.
            [_, _, _, ..] if self.fortran_order => None,
            _ => Some(values),
        }
    }

    /// Decodes the values of a string array; `None` if the array has other values.
    pub fn words(&self, bytes: &[u8]) -> Option<Vec<String>> {
        let field = self.only_field().filter(|field| matches!(field.kind, Kind::Bytes | Kind::Unicode))?;
        Some(bytes.chunks_exact(self.value_bytes).map(|value| field.word(value)).collect())
    }

    fn only_field(&self) -> Option<&Field> {
        match &self.fields[..] {
            [field] if field.offset == 0 && field.bytes == self.value_bytes => Some(field),
            _ => None,
        }
    }
}

/// Adds the field that a type string such as `<f8` describes, at the current `offset` in a value.
fn push_field(
    fields: &mut Vec<Field>,
    offset: &mut usize,
    field: &str,
    text: &str,
    array: &str,
) -> Result<()> {
    let unknown = || of_kind(array, text);
    let mut letters = text.chars();
    let first = letters.next().ok_or_else(unknown)?;
    let (order, kind) = match first {
        '<' | '>' | '|' | '=' => (first, letters.next().ok_or_else(unknown)?),
        _ => ('|', first),
    };
    let rest = letters.as_str();
    let (size, unit) = rest.split_at(rest.find('[').unwrap_or(rest.len()));
    let size: usize = size.parse().map_err(|_| unknown())?;
    if *offset > MAX_ROW_BYTES {
        return Err(of_kind(array, "values of too many bytes"));
    }
    let (kind, bytes) = match (kind, size) {
        ('f', 2 | 4 | 8) => (Kind::Float, size),
        ('i', 1 | 2 | 4 | 8) => (Kind::Signed, size),
        ('u', 1 | 2 | 4 | 8) => (Kind::Unsigned, size),
        ('b', 1) => (Kind::Boolean, 1),
        ('M', 8) => (Kind::Time(days_of_unit(unit).ok_or_else(unknown)?), 8),
        // Padding between fields is a type without values.
        ('V', size) if field.is_empty() && !fields.is_empty() && size < MAX_HEADER_BYTES => {
            *offset += size;
            return Ok(());
        }
        ('S', 1..MAX_HEADER_BYTES) => (Kind::Bytes, size),
        ('U', 1..MAX_HEADER_BYTES) => (Kind::Unicode, 4 * size),
        _ => return Err(unknown()),
    };
    fields.push(Field { name: field.to_owned(), kind, big_endian: order == '>', offset: *offset, bytes });
    *offset += bytes;
    Ok(())
}

/// The length in days of a time unit such as `[ns]` or `[25s]`.
fn days_of_unit(unit: &str) -> Option<f64> {
    let unit = unit.strip_prefix('[')?.strip_suffix(']')?;
    let letter = unit.find(|letter: char| !letter.is_ascii_digit())?;
    let n = if letter == 0 { 1.0 } else { unit[..letter].parse::<f64>().ok()? };
    let days = match &unit[letter..] {
        "W" => 7.0,
        "D" => 1.0,
        "h" => 1.0 / 24.0,
        "m" => 1.0 / 1_440.0,
        "s" => 1.0 / 86_400.0,
        "ms" => 1.0 / 86_400e3,
        "us" => 1.0 / 86_400e6,
        "ns" => 1.0 / 86_400e9,
        _ => return None,
    };
    Some(n * days)
}

impl Field {
    /// Appends this field of an encoded value to the cells of its column.
    fn push(&self, value: &[u8], cells: &mut Cells) {
        let bytes = &value[self.offset..self.offset + self.bytes];
        match self.kind {
            Kind::Float => cells.push_number(self.float(bytes)),
            Kind::Unsigned => cells.push_number(self.whole(bytes) as f64),
            Kind::Signed => cells.push_number(self.signed(bytes) as f64),
            Kind::Boolean => cells.push_word(if bytes[0] == 0 { "false" } else { "true" }),
            Kind::Time(days) => match self.signed(bytes) {
                i64::MIN => cells.push_missing(),
                time => cells.push_date(time as f64 * days),
            },
            Kind::Bytes | Kind::Unicode => push_word(&self.word(bytes), cells),
        }
    }

    /// Decodes a string and removes its padding.
    fn word(&self, bytes: &[u8]) -> String {
        if self.kind == Kind::Bytes {
            let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            return String::from_utf8_lossy(&bytes[..end]).into_owned();
        }
        let letters = bytes.as_chunks::<4>().0.iter().map(|letter| self.whole(letter) as u32);
        let letters = letters.map(|code| char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
        letters.collect::<String>().trim_end_matches('\0').to_owned()
    }

    /// Decodes a floating-point number.
    fn float(&self, bytes: &[u8]) -> f64 {
        match self.bytes {
            2 => half(self.whole(bytes) as u16),
            4 => f32::from_bits(self.whole(bytes) as u32).into(),
            _ => f64::from_bits(self.whole(bytes)),
        }
    }

    /// Decodes an unsigned integer.
    fn whole(&self, bytes: &[u8]) -> u64 {
        let join = |whole: u64, byte: &u8| (whole << 8) | u64::from(*byte);
        if self.big_endian { bytes.iter().fold(0, join) } else { bytes.iter().rev().fold(0, join) }
    }

    /// Decodes a signed integer.
    fn signed(&self, bytes: &[u8]) -> i64 {
        let unused = 64 - 8 * bytes.len() as u32;
        (self.whole(bytes) << unused).cast_signed() >> unused
    }
}

/// Converts a 16-bit float (IEEE 754 binary16) to f64.
pub fn half(bits: u16) -> f64 {
    half::f16::from_bits(bits).to_f64()
}

fn push_word(word: &str, cells: &mut Cells) {
    if word.is_empty() { cells.push_missing() } else { cells.push_word(word) }
}

/// The values of an array as columns, which are read row by row.
pub struct Columns {
    header: Header,
    /// The name of each column.
    pub names: Vec<String>,
    /// The number of rows.
    pub n_rows: u64,
    /// The files to read from: one stream of whole rows, or one stream per column.
    streams: Vec<Box<dyn Read>>,
    /// The number of bytes of a row in each stream.
    row_bytes: usize,
    row: Vec<u8>,
}

impl Columns {
    /// Opens an array whose values begin at byte `start` of a file. `name` is the prefix of its column names,
    /// and its name in error messages.
    ///
    /// # Errors
    /// [`Code::ArrayShape`], [`Code::FileDamaged`].
    pub fn new(header: Header, source: Rc<dyn Source>, start: u64, name: &str) -> Result<Self> {
        let needed = header.n_bytes().and_then(|bytes| bytes.checked_add(start));
        if needed.is_none_or(|needed| needed > source.size()) {
            return Err(damaged(&"it is shorter than its header says"));
        }
        let n_values = header.shape.get(1).copied().unwrap_or(1);
        let contiguous = header.fortran_order && n_values > 1;
        let streams: Vec<Box<dyn Read>> = if contiguous && within_limit(n_values) {
            let column_bytes = header.shape[0] * header.value_bytes as u64;
            let capacity = (BUFFERED_BYTES / n_values as usize).max(1 << 9);
            let stream =
                |column| Cursor::with_capacity(Rc::clone(&source), start + column * column_bytes, capacity);
            (0..n_values).map(|column| Box::new(stream(column)) as Box<dyn Read>).collect()
        } else {
            vec![Box::new(Cursor::new(source, start))]
        };
        Self::of_streams(header, streams, name)
    }

    /// Opens an array whose values are stored row by row.
    ///
    /// # Errors
    /// [`Code::ArrayShape`], [`Code::TooManyColumns`].
    pub fn of_rows(header: Header, rows: Box<dyn Read>, name: &str) -> Result<Self> {
        Self::of_streams(header, vec![rows], name)
    }

    fn of_streams(header: Header, streams: Vec<Box<dyn Read>>, name: &str) -> Result<Self> {
        let (n_rows, n_values) = match header.shape.as_slice() {
            [n_rows] => (*n_rows, 1),
            [n_rows, n_values] => (*n_rows, *n_values),
            other => {
                let shape = Message::new(Code::ArrayShape).with("name", shown(name));
                return Err(shape.with("found", other.len()));
            }
        };
        let n_columns = n_values.saturating_mul(header.fields.len() as u64);
        if !within_limit(n_columns) {
            return Err(Message::new(Code::TooManyColumns)
                .with("found", n_columns)
                .with("limit", crate::table::MAX_COLUMNS));
        }
        let mut names = Vec::new();
        for value in 0..n_values {
            for field in &header.fields {
                // The table numbers the columns of an array that is alone in its file.
                let numbered = header.shape.len() == 2 && !(name.is_empty() && field.name.is_empty());
                let place = if numbered { value.to_string() } else { String::new() };
                let parts = [name, &field.name, &place];
                names.push(parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("_"));
            }
        }
        let n_together = if streams.len() > 1 { 1 } else { n_values as usize };
        let row_bytes = header.value_bytes.saturating_mul(n_together);
        if row_bytes > MAX_ROW_BYTES {
            return Err(damaged(&"one row has more than 128 MB"));
        }
        Ok(Self { header, names, n_rows, streams, row_bytes, row: Vec::new() })
    }

    /// Reads the next row and appends one cell to each column.
    ///
    /// # Errors
    /// [`Code::FileDamaged`] if the file is too short.
    pub fn push_row(&mut self, cells: &mut [Cells]) -> Result<()> {
        let mut cells = cells.iter_mut();
        self.row.resize(self.row_bytes, 0);
        for stream in &mut self.streams {
            stream.read_exact(&mut self.row).map_err(|error| damaged(&error))?;
            for value in self.row.chunks_exact(self.header.value_bytes) {
                for (field, cells) in self.header.fields.iter().zip(&mut cells) {
                    field.push(value, cells);
                }
            }
        }
        Ok(())
    }
}

/// The total size in bytes of the read buffers of an array's columns.
const BUFFERED_BYTES: usize = 1 << 26;

fn within_limit(n_columns: u64) -> bool {
    n_columns <= crate::table::MAX_COLUMNS as u64
}

/// Returns the array's name for error messages; the only array in a file has none.
fn shown(name: &str) -> &str {
    if name.is_empty() { "npy" } else { name }
}

fn of_kind(name: &str, kind: &str) -> Message {
    let kind: String = kind.chars().take(60).collect();
    Message::new(Code::ArrayKind).with("name", shown(name)).with("kind", kind)
}

/// The error for a file whose content contradicts its header.
pub fn damaged(detail: &dyn std::fmt::Display) -> Message {
    Message::new(Code::FileDamaged).with("format", "NumPy").with("detail", detail)
}

/// The subset of Python literals that occurs in headers.
#[derive(Debug, PartialEq)]
enum Literal {
    Text(String),
    Whole(u64),
    Flag(bool),
    Nothing,
    /// A list or a tuple.
    List(Vec<Literal>),
    Pairs(Vec<(Literal, Literal)>),
}

struct Parser<'a> {
    rest: &'a str,
}

impl Parser<'_> {
    fn literal(&mut self, depth: usize) -> Option<Literal> {
        const MAX_DEPTH: usize = 16;
        if depth > MAX_DEPTH {
            return None;
        }
        self.rest = self.rest.trim_start();
        let first = self.rest.chars().next()?;
        match first {
            '\'' | '"' => self.text(first).map(Literal::Text),
            '0'..='9' => {
                let end = self.rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(self.rest.len());
                let value = self.rest[..end].parse().ok()?;
                // Python 2 wrote long integers with an L.
                self.rest = self.rest[end..].trim_start_matches('L');
                Some(Literal::Whole(value))
            }
            '[' | '(' => {
                let close = if first == '[' { ']' } else { ')' };
                self.sequence(close, |parser| parser.literal(depth + 1)).map(Literal::List)
            }
            '{' => self
                .sequence('}', |parser| {
                    let key = parser.literal(depth + 1)?;
                    parser.skip(':').then_some(())?;
                    Some((key, parser.literal(depth + 1)?))
                })
                .map(Literal::Pairs),
            _ => [("True", Literal::Flag(true)), ("False", Literal::Flag(false)), ("None", Literal::Nothing)]
                .into_iter()
                .find(|(word, _)| self.rest.starts_with(word))
                .map(|(word, literal)| {
                    self.rest = &self.rest[word.len()..];
                    literal
                }),
        }
    }

    fn sequence<T>(&mut self, close: char, mut next: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        self.rest = &self.rest[1..];
        let mut found = Vec::new();
        loop {
            if self.skip(close) {
                return Some(found);
            }
            found.push(next(self)?);
            if !self.skip(',') {
                return self.skip(close).then_some(found);
            }
        }
    }

    fn text(&mut self, quote: char) -> Option<String> {
        let mut text = String::new();
        let mut letters = self.rest.char_indices().skip(1);
        while let Some((place, letter)) = letters.next() {
            if letter == quote {
                self.rest = &self.rest[place + letter.len_utf8()..];
                return Some(text);
            }
            text.push(if letter == '\\' { letters.next()?.1 } else { letter });
        }
        None
    }

    fn skip(&mut self, sign: char) -> bool {
        self.rest = self.rest.trim_start();
        match self.rest.strip_prefix(sign) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }
}
