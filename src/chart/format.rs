use crate::number;

/// The typographic minus sign, which is as wide as a plus, so that columns of numbers stay aligned.
const MINUS: char = '\u{2212}';

/// Formats a number as on the page: four significant digits, grouped thousands, and an exponent only outside
/// 1e-4..1e6.
#[must_use]
pub fn number(value: f64) -> String {
    if value.is_nan() {
        return "–".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "∞".to_owned() } else { format!("{MINUS}∞") };
    }
    if value == 0.0 {
        return "0".to_owned();
    }
    // Judged by what will be read: 999,999.7 has seven digits once it is rounded, and 0.99999 is 1.
    let rounded = number::rounded(value, 3);
    if value.abs().round() >= 1e6 || rounded.abs() < 1e-4 {
        return minus(&format!("{value:.3e}"));
    }
    let magnitude = rounded.abs().log10().floor() as i32;
    thousands(value, (3 - magnitude).clamp(0, 7) as usize)
}

/// Formats a number with `decimals` decimal places and grouped thousands.
#[must_use]
pub fn thousands(value: f64, decimals: usize) -> String {
    let plain = format!("{:.decimals$}", value.abs());
    let (whole, fraction) = plain.split_once('.').map_or((plain.as_str(), None), |(w, f)| (w, Some(f)));
    let mut text = String::with_capacity(plain.len() + plain.len() / 3 + 3);
    let is_zero = plain.bytes().all(|byte| byte == b'0' || byte == b'.');
    if value < 0.0 && !is_zero {
        text.push(MINUS);
    }
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    if let Some(fraction) = fraction {
        text.push('.');
        text.push_str(fraction);
    }
    text
}

/// Formats the label of a tick, with as many decimals as a spacing of `step` needs; `largest` is
/// the largest value of the axis.
pub(super) fn tick(value: f64, step: f64, largest: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    if !(1e-4..1e6).contains(&largest) {
        let digits = (largest.log10().floor() - step.log10().floor()).clamp(0.0, 15.0) as usize;
        return minus(&trim_exponent(&format!("{value:.digits$e}")));
    }
    thousands(value, decimals_of(step))
}

/// Formats the label of a tick on an axis of steps, such as `12,480`, `12k` or `1.5M`. `step` is the spacing
/// of ticks, `largest` the largest value.
pub(super) fn step_tick(value: f64, step: f64, largest: f64) -> String {
    // Ticks that are close together need all digits: 1,000,010 and not 1.00001M.
    let (unit, suffix) = [(1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e4, "k")]
        .into_iter()
        .find(|&(from, _)| largest >= from && step >= from / 100.0)
        .map_or((1.0, ""), |(from, suffix)| (if suffix == "k" { 1e3 } else { from }, suffix));
    if value == 0.0 {
        return "0".to_owned();
    }
    thousands(value / unit, decimals_of(step / unit)) + suffix
}

/// Formats the label of a tick on a logarithmic axis: a power of ten, or a small multiple of one.
pub(super) fn log_tick(value: f64) -> String {
    let magnitude = (value.log10() + 1e-9).floor();
    if !(-4.0..6.0).contains(&magnitude) {
        return minus(&format!("{value:.0e}"));
    }
    thousands(value, (-magnitude).max(0.0) as usize)
}

fn decimals_of(step: f64) -> usize {
    (-(step.log10() + 1e-9).floor()).clamp(0.0, 15.0) as usize
}

/// Removes trailing zeros before an exponent: `1.500e6` becomes `1.5e6`.
fn trim_exponent(text: &str) -> String {
    match text.split_once('e') {
        Some((mantissa, exponent)) if mantissa.contains('.') => {
            format!("{}e{exponent}", mantissa.trim_end_matches('0').trim_end_matches('.'))
        }
        _ => text.to_owned(),
    }
}

fn minus(text: &str) -> String {
    text.replace('-', &MINUS.to_string())
}
