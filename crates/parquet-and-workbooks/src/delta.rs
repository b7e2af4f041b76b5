//! Decodes numbers that are stored as differences, and byte strings whose lengths are, as in
//! Parquet's data pages of version 2.
//!
//! Source: Apache Parquet, "Encodings": DELTA_BINARY_PACKED, DELTA_LENGTH_BYTE_ARRAY, DELTA_BYTE_ARRAY.

/// The maximum number of values in a page.
const MAX_VALUES: usize = 1 << 26;

/// The byte strings of a page.
pub(crate) struct Words<'a> {
    /// The number of bytes that each string shares with the previous one.
    prefixes: Vec<usize>,
    lengths: Vec<usize>,
    bytes: &'a [u8],
    next: usize,
    word: Vec<u8>,
}

/// Decodes strings that are stored in full (DELTA_LENGTH_BYTE_ARRAY).
pub(crate) fn with_lengths(mut bytes: &[u8]) -> Option<Words<'_>> {
    let lengths = lengths(&mut bytes)?;
    Words::new(vec![0; lengths.len()], lengths, bytes)
}

/// Decodes strings that omit the prefix they share with the previous one (DELTA_BYTE_ARRAY).
pub(crate) fn with_prefixes(mut bytes: &[u8]) -> Option<Words<'_>> {
    let prefixes = lengths(&mut bytes)?;
    let lengths = lengths(&mut bytes)?;
    Words::new(prefixes, lengths, bytes)
}

impl<'a> Words<'a> {
    /// Returns `None` if lengths and bytes are inconsistent.
    fn new(prefixes: Vec<usize>, lengths: Vec<usize>, bytes: &'a [u8]) -> Option<Self> {
        let mut before = 0;
        let mut n_bytes = 0_usize;
        for (prefix, length) in prefixes.iter().zip(&lengths) {
            n_bytes = n_bytes.checked_add(*length)?;
            if *prefix > before || n_bytes > bytes.len() {
                return None;
            }
            before = prefix + length;
        }
        let same = prefixes.len() == lengths.len();
        same.then_some(Self { prefixes, lengths, bytes, next: 0, word: Vec::new() })
    }

    /// Returns the next string.
    pub(crate) fn next(&mut self) -> Option<&[u8]> {
        let (prefix, length) = (*self.prefixes.get(self.next)?, *self.lengths.get(self.next)?);
        let (own, rest) = self.bytes.split_at_checked(length)?;
        self.word.truncate(prefix);
        self.word.extend_from_slice(own);
        (self.bytes, self.next) = (rest, self.next + 1);
        Some(&self.word)
    }
}

/// Decodes lengths and advances `bytes` past them.
fn lengths(bytes: &mut &[u8]) -> Option<Vec<usize>> {
    packed(bytes)?.into_iter().map(|length| usize::try_from(length).ok()).collect()
}

/// Decodes integers that are stored as differences, in blocks whose parts use as many bits as their
/// largest value needs.
pub(crate) fn packed(bytes: &mut &[u8]) -> Option<Vec<i64>> {
    let n_block = usize::try_from(number(bytes)?).ok()?;
    let n_parts = usize::try_from(number(bytes)?).ok()?;
    let n_values = usize::try_from(number(bytes)?).ok().filter(|n| *n <= MAX_VALUES)?;
    let mut value = signed(bytes)?;
    let n_part = n_block.checked_div(n_parts)?;
    if n_part == 0 || !n_part.is_multiple_of(8) || n_part > MAX_VALUES || n_parts > bytes.len() {
        return (n_values == 0).then(Vec::new);
    }
    let mut values = Vec::new();
    if n_values > 0 {
        values.push(value);
    }
    while values.len() < n_values {
        let least = signed(bytes)?;
        let (widths, rest) = bytes.split_at_checked(n_parts)?;
        *bytes = rest;
        for width in widths {
            if values.len() >= n_values {
                break;
            }
            let width = usize::from(*width);
            if width > 64 {
                return None;
            }
            let (part, rest) = bytes.split_at_checked(n_part / 8 * width)?;
            *bytes = rest;
            for i in 0..n_part.min(n_values - values.len()) {
                let difference = least.wrapping_add(bits(part, i * width, width).cast_signed());
                value = value.wrapping_add(difference);
                values.push(value);
            }
        }
    }
    Some(values)
}

/// Returns `width` bits from bit `start` on, lowest first.
fn bits(bytes: &[u8], start: usize, width: usize) -> u64 {
    let bit = |place: usize| u64::from(bytes[place / 8] >> (place % 8) & 1);
    (0..width).fold(0, |value, i| value | bit(start + i) << i)
}

/// Decodes an unsigned number in groups of seven bits (ULEB128).
fn number(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7F) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// Decodes a signed number, with the sign in the lowest bit (zigzag).
fn signed(bytes: &mut &[u8]) -> Option<i64> {
    let value = number(bytes)?;
    Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
}
