//! Numbers as text.

/// Reads a decimal number such as `-1.5`, `.5` or `3e-2`; `None` for anything else, infinity and NaN included.
///
/// This is the reader that JSON needs anyway: that of the standard library would add 12 KB of tables to the first load.
#[must_use]
pub fn parse(text: &str) -> Option<f64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = digits.split_once(['e', 'E']).unwrap_or((digits, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_decimal = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !is_decimal(whole) || !is_decimal(fraction) {
        return None;
    }
    // JSON wants digits on both sides of the point, and no leading zeros.
    let whole = whole.trim_start_matches('0');
    let zero = if whole.is_empty() { "0" } else { "" };
    serde_json::from_str(&format!("{sign}{zero}{whole}.{fraction}0e{exponent}")).ok()
}

/// Rounds to `decimals + 1` significant digits, to the number that these digits read as: 0.03 and not
/// 0.030000000000000002.
#[must_use]
pub fn rounded(value: f64, decimals: usize) -> f64 {
    parse(&format!("{value:.decimals$e}")).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::{parse, rounded};

    #[test]
    fn numbers_are_read_as_by_the_standard_library() {
        for text in [
            "0",
            "-0",
            "1",
            "+1",
            "007",
            "1.",
            ".5",
            "-.5",
            "1.5e3",
            "1E-3",
            "2.5e+7",
            "0.1",
            "123456789.123456789",
            "1e-400",
            "5e-324",
            "1.7976931348623157e308",
            "9007199254740993",
            "0.30000000000000004",
        ] {
            let expected: f64 = text.parse().expect("a number");
            assert_eq!(parse(text).map(f64::to_bits), Some(expected.to_bits()), "{text}");
        }
        for text in
            ["", ".", "-", "e5", "1e", "1e+", "1.2.3", "0x10", "1_000", " 1", "1 ", "--1", "+-1", "1e5.0"]
        {
            assert!(text.parse::<f64>().is_err() && parse(text).is_none(), "{text}");
        }
        for text in ["inf", "NaN", "1e400", "infinity"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn rounding_gives_what_the_digits_read_as() {
        assert_eq!(rounded(0.030_000_000_000_000_002, 3), 0.03);
        assert_eq!(rounded(123_456.0, 3), 123_500.0);
        assert!(rounded(f64::NAN, 3).is_nan());
    }
}
