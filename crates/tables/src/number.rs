//! Parses plain numbers exactly and fast, because most cells are plain numbers.

/// The powers of ten that f64 represents exactly.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
];
/// The powers of ten that shift up to eight digits.
const SHIFTS: [u64; 9] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];
/// The maximum number of digits for which any number fits into a u64.
const MAX_DIGITS: u32 = 19;

/// Parses `text[start..end]` as a finite number: a minus sign, digits, a decimal sign, digits, and
/// an exponent. All but one digit are optional. Returns `None` for anything else, including text
/// with surrounding blanks.
///
/// The result is the nearest f64, as from `str::parse`. If f64 represents both the digits and the
/// power of ten exactly, it is their product or quotient (Clinger 1990, "How to read floating point
/// numbers accurately"); otherwise it is looked up (Lemire 2021, "Number parsing at a gigabyte per
/// second").
#[inline(always)]
pub(crate) fn read(text: &[u8], start: usize, end: usize, decimal: u8) -> Option<f64> {
    short(text, start, end, decimal).or_else(|| long(text.get(start..end)?, decimal))
}

/// Parses a number with up to eight digits on each side of the decimal sign, eight digits at a
/// time.
#[inline(always)]
fn short(text: &[u8], start: usize, end: usize, decimal: u8) -> Option<f64> {
    let negative = *text.get(start)? == b'-';
    let start = start + usize::from(negative);
    let length = end.checked_sub(start)?;
    let word = word(text, start)?;
    let n_whole = n_digits(word).min(length);
    let mut mantissa = digits(word, n_whole);
    let mut n_after = 0;
    if n_whole < length {
        if text[start + n_whole] != decimal {
            return None;
        }
        n_after = length - n_whole - 1;
        if n_after > 8 || length == 1 {
            return None;
        }
        let word = self::word(text, end - n_after)?;
        if n_digits(word) < n_after {
            return None;
        }
        mantissa = mantissa * SHIFTS[n_after] + digits(word, n_after);
        if mantissa > 1 << 53 {
            return None;
        }
    } else if length == 0 {
        return None;
    }
    // The conversion from signed integers is a single instruction.
    let value = mantissa as i64 as f64 / POWERS[n_after];
    Some(if negative { -value } else { value })
}

/// Loads eight bytes from offset `at`, the first one into the lowest bits; `None` at the end of the text.
#[inline(always)]
fn word(text: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*text.get(at..)?.first_chunk::<8>()?))
}

/// The number of leading bytes of the word that are digits.
#[inline(always)]
fn n_digits(word: u64) -> usize {
    let apart = word ^ 0x3030_3030_3030_3030;
    // Sets the highest bit of each byte above 9. The carry may change only later bytes, which are
    // not looked at.
    let above = (apart.wrapping_add(0x7676_7676_7676_7676) | apart) & 0x8080_8080_8080_8080;
    above.trailing_zeros() as usize / 8
}

/// Converts the first `n` of eight digits to a number by combining neighbors three times (Lemire
/// 2018, "Quickly parsing eight digits").
#[inline(always)]
fn digits(word: u64, n: usize) -> u64 {
    if n == 0 {
        return 0;
    }
    // Pads with leading zeros.
    let ones = (word ^ 0x3030_3030_3030_3030) << (64 - 8 * n);
    let tens = ones.wrapping_mul(10).wrapping_add(ones >> 8);
    let even = (tens & 0x0000_00FF_0000_00FF).wrapping_mul(100 + (1_000_000 << 32));
    let odd = ((tens >> 16) & 0x0000_00FF_0000_00FF).wrapping_mul(1 + (10_000 << 32));
    even.wrapping_add(odd) >> 32
}

/// Parses a number of any length.
fn long(cell: &[u8], decimal: u8) -> Option<f64> {
    let (negative, unsigned) = match cell {
        [b'-', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let (mut mantissa, mut n_mantissa, mut exponent) = (0_u64, 0, 0_i32);
    let (mut n_read, mut after_sign) = (0, false);
    let mut place = unsigned.len();
    for (i, byte) in unsigned.iter().enumerate() {
        match byte {
            b'0'..=b'9' => {
                n_read += 1;
                n_mantissa += u32::from(n_mantissa > 0 || *byte != b'0');
                if n_mantissa <= MAX_DIGITS {
                    mantissa = 10 * mantissa + u64::from(byte - b'0');
                }
                exponent -= i32::from(after_sign);
            }
            _ if *byte == decimal && !after_sign => after_sign = true,
            b'e' | b'E' if n_read > 0 => {
                place = i;
                break;
            }
            _ => return None,
        }
    }
    if n_read == 0 {
        return None;
    }
    if let [_, power @ ..] = &unsigned[place..] {
        let (sign, power) = match power {
            [b'-', rest @ ..] => (-1, rest),
            [b'+', rest @ ..] => (1, rest),
            rest => (1, rest),
        };
        if power.is_empty() || power.len() > 6 || !power.iter().all(u8::is_ascii_digit) {
            return None;
        }
        exponent += sign * power.iter().fold(0, |sum, byte| 10 * sum + i32::from(byte - b'0'));
    }
    let apart = exponent.unsigned_abs() as usize;
    if n_mantissa <= MAX_DIGITS && mantissa <= 1 << 53 && apart < POWERS.len() {
        let value = mantissa as f64;
        let value = if exponent < 0 { value / POWERS[apart] } else { value * POWERS[apart] };
        return Some(if negative { -value } else { value });
    }
    let value: f64 = match decimal {
        b'.' => fast_float2::parse(cell).ok()?,
        _ => {
            let point = |byte: &u8| if *byte == decimal { b'.' } else { *byte };
            fast_float2::parse(cell.iter().map(point).collect::<Vec<u8>>()).ok()?
        }
    };
    value.is_finite().then_some(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        /// The parser must use every byte of the number and ignore the cells around it; its results must
        /// equal those of the standard library.
        #[test]
        fn numbers_are_read_to_the_bit_between_others(
            before in "[0-9.,;e-]{0,9}",
            text in "9[0-9]{7}\\.[0-9]{8}|-?([0-9]{1,9}|[0-9]{8,20}|0{0,3})(\\.[0-9]{0,9}|\\.[0-9]{8,20})?([eE][+-]?[0-9]{1,2}|[a-z:/ -])?",
            behind in "[0-9.,;e-]{0,9}",
        ) {
            let all = format!("{before}{text}{behind}");
            let end = before.len() + text.len();
            let expected = text.parse::<f64>().ok().map(f64::to_bits);
            let found = super::read(all.as_bytes(), before.len(), end, b'.').map(f64::to_bits);
            prop_assert_eq!(found, expected);
            let comma = all.replace('.', ",");
            let found = super::read(comma.as_bytes(), before.len(), end, b',').map(f64::to_bits);
            prop_assert_eq!(found, expected);
        }
    }
}
