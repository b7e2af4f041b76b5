//! Parses a cell as a number, a date, a word, or a missing value.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::number;
use crate::splitter::Span;

/// How a file writes numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numbers {
    /// Whether the decimal sign is a comma, so that `1.234,5` means 1234.5.
    pub decimal_comma: bool,
    /// The separator between cells. If it is a comma, commas do not group thousands.
    pub separator: u8,
}

/// The parsed content of a cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell {
    /// A finite number.
    Number(f64),
    /// A date in days since 1970-01-01; the time is the fraction of a day.
    Date(f64),
    /// An empty cell or a word that stands for a missing value.
    Missing,
    /// Any other text.
    Text,
}

/// Words for a missing value, in any case.
const MISSING: &[&str] = &["na", "n/a", "#n/a", "nan", "null", "none", "-", "?", "."];

impl Numbers {
    /// The decimal sign, as an ASCII byte.
    pub(crate) fn decimal(self) -> u8 {
        if self.decimal_comma { b',' } else { b'.' }
    }
}

/// Parses a cell that has no surrounding spaces.
pub fn read(cell: &[u8], numbers: Numbers) -> Cell {
    if let Some(value) = number::read(cell, 0, cell.len(), numbers.decimal()) {
        return Cell::Number(value);
    }
    if is_missing(cell) {
        return Cell::Missing;
    }
    // Fast path: the first letter rules out most words, and a sign that no number contains detects
    // most dates.
    match cell {
        [first, ..] if first.is_ascii_alphabetic() => return Cell::Text,
        [_, _, _, _, b'-' | b'/', ..] => {
            if let Some(days) = date(cell) {
                return Cell::Date(days);
            }
        }
        _ => {}
    }
    if let Some(value) = number(cell, numbers) {
        return Cell::Number(value);
    }
    date(cell).map_or(Cell::Text, Cell::Date)
}

/// Parses a plainly written number within `text`; returns `None` if [`read`] has to decide. It reads several
/// digits at a time and may look at bytes beyond the end of the cell.
#[inline]
pub fn plain(text: &[u8], cell: Span, numbers: Numbers) -> Option<f64> {
    number::read(text, cell.start as usize, cell.end as usize, numbers.decimal())
}

/// Whether a cell is a missing value.
pub fn is_missing(cell: &[u8]) -> bool {
    cell.is_empty() || MISSING.iter().any(|word| cell.eq_ignore_ascii_case(word.as_bytes()))
}

/// Currency signs that may precede or follow a number.
const CURRENCIES: [char; 8] =
    ['$', '\u{20AC}', '\u{A3}', '\u{A5}', '\u{20B9}', '\u{20A9}', '\u{20BD}', '\u{20BA}'];

/// Parses a finite number with a decimal sign, and optionally with grouped thousands, a percent or
/// currency sign, and an exponent.
pub fn number(cell: &[u8], numbers: Numbers) -> Option<f64> {
    // `str::trim` also removes non-ASCII blanks.
    let text = std::str::from_utf8(cell).ok()?.trim();
    let text = text.strip_prefix('+').unwrap_or(text);
    let mut text = text.replace('\u{2212}', "-");
    if text.contains(CURRENCIES) {
        let (sign, amount) = text.strip_prefix('-').map_or(("", text.as_str()), |amount| ("-", amount));
        let before = amount.strip_prefix(CURRENCIES);
        text = format!("{sign}{}", before.or_else(|| amount.strip_suffix(CURRENCIES))?.trim());
    }
    // Only text that starts like a number is one: "inf" and "infinity" are words here.
    let unsigned = text.strip_prefix('-').unwrap_or(&text);
    if !unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.' || first == ',') {
        return None;
    }
    let (text, divisor) = match text.strip_suffix('%') {
        Some(share) => (share.trim_end(), 100.0),
        None => (text.as_str(), 1.0),
    };
    let decimal = if numbers.decimal_comma { ',' } else { '.' };
    let (whole, rest) = match text.find([decimal, 'e', 'E']) {
        Some(place) => text.split_at(place),
        None => (text, ""),
    };
    let mut joined = String::with_capacity(text.len());
    joined.push_str(&without_thousands(whole, numbers)?);
    joined.push_str(&rest.replacen(decimal, ".", 1));
    let value = joined.parse::<f64>().ok()? / divisor;
    value.is_finite().then_some(value)
}

/// Removes thousands separators, which must be all the same and group digits by three.
fn without_thousands(whole: &str, numbers: Numbers) -> Option<String> {
    let signs: &[char] = if numbers.decimal_comma {
        &['.', ' ', '\'', '\u{A0}', '\u{202F}']
    } else {
        &[',', ' ', '\'', '\u{A0}', '\u{202F}']
    };
    let Some(sign) = whole.chars().find(|letter| signs.contains(letter)) else {
        return Some(whole.to_owned());
    };
    let mut groups = whole.split(sign);
    let first = groups.next()?.trim_start_matches('-');
    let is_digits = |group: &str| group.bytes().all(|byte| byte.is_ascii_digit());
    let in_threes = (1..=3).contains(&first.len()) && is_digits(first);
    let rest_in_threes = groups.all(|group| group.len() == 3 && is_digits(group));
    (in_threes && rest_in_threes).then(|| whole.replace(sign, ""))
}

/// Parses `2024-01-31`, `2024/1/31`, `31.1.2024`, or the first of these with a time, as days since
/// 1970-01-01. Dates with slashes that end with the year are ambiguous and left to [`date_in_order`].
pub fn date(cell: &[u8]) -> Option<f64> {
    if !(8..=32).contains(&cell.len()) || !cell[0].is_ascii_digit() {
        return None;
    }
    // The most common form.
    if let [years @ .., b'-', m1, m2, b'-', d1, d2] = cell
        && years.len() == 4
        && years.iter().chain([m1, m2, d1, d2]).all(u8::is_ascii_digit)
    {
        let number =
            |digits: &[u8]| digits.iter().fold(0, |number, digit| 10 * number + u32::from(digit - b'0'));
        let year = number(years);
        return if year > 31 { days_of(year, number(&[*m1, *m2]), number(&[*d1, *d2])) } else { None };
    }
    let text = std::str::from_utf8(cell).ok()?;
    let (day, time) = match text.find(['T', ' ']) {
        Some(place) => (&text[..place], Some(&text[place + 1..])),
        None => (text, None),
    };
    let parts = |sign: char| -> Option<[u32; 3]> {
        let mut parts = day.split(sign).map(|part| {
            let digits = part.len() <= 4 && part.bytes().all(|byte| byte.is_ascii_digit());
            part.parse::<u32>().ok().filter(|_| digits)
        });
        let found = [parts.next()??, parts.next()??, parts.next()??];
        parts.next().is_none().then_some(found)
    };
    let [year, month, day_of_month] =
        parts('-').or_else(|| parts('/')).filter(|[year, ..]| *year > 31).or_else(|| {
            parts('.').map(|[day, month, year]| [year, month, day]).filter(|[year, ..]| *year > 31)
        })?;
    let days = days_of(year, month, day_of_month)?;
    Some(days + time.map_or(Some(0.0), part_of_day)?)
}

/// The order of day and month in a date that ends with the year and has slashes or hyphens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DateOrder {
    /// The day comes first: `31/1/2024`.
    DayFirst,
    /// The month comes first: `1/31/2024`.
    MonthFirst,
}

/// Splits a date with slashes or hyphens that ends with the year into its three numbers and its time.
fn parts_before_year(cell: &[u8]) -> Option<([u32; 3], f64)> {
    if !(8..=32).contains(&cell.len()) || !cell[0].is_ascii_digit() {
        return None;
    }
    let text = std::str::from_utf8(cell).ok()?;
    let (day, time) = match text.find(['T', ' ']) {
        Some(place) => (&text[..place], part_of_day(&text[place + 1..])?),
        None => (text, 0.0),
    };
    let mut parts = day.split(if day.contains('/') { '/' } else { '-' });
    let mut next = |lengths: RangeInclusive<usize>| {
        let part = parts.next()?;
        let digits = lengths.contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        part.parse::<u32>().ok().filter(|_| digits)
    };
    let found = [next(1..=2)?, next(1..=2)?, next(4..=4)?];
    parts.next().is_none().then_some((found, time))
}

/// Parses `1/31/2024` or `31/1/2024`, with an optional time, as days since 1970-01-01.
pub fn date_in_order(cell: &[u8], order: DateOrder) -> Option<f64> {
    let ([first, second, year], time) = parts_before_year(cell)?;
    let (month, day) = match order {
        DateOrder::DayFirst => (second, first),
        DateOrder::MonthFirst => (first, second),
    };
    Some(days_of(year, month, day)? + time)
}

/// Returns the only order in which a date is valid; `None` if both orders are valid, or if the cell is no
/// such date.
pub fn only_order(cell: &[u8]) -> Option<DateOrder> {
    let orders = [DateOrder::DayFirst, DateOrder::MonthFirst];
    let mut possible = orders.into_iter().filter(|order| date_in_order(cell, *order).is_some());
    possible.next().filter(|_| possible.next().is_none())
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar (Hinnant 2013, "chrono-compatible
/// low-level date algorithms").
fn days_of(year: u32, month: u32, day: u32) -> Option<f64> {
    let leap = (year.is_multiple_of(4) && !year.is_multiple_of(100)) || year.is_multiple_of(400);
    let in_month = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=in_month).contains(&day) || year > 9999 {
        return None;
    }
    // Years begin in March here, so that the leap day is their last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year.checked_sub(1)?, month + 9) };
    let (era, of_era) = (i64::from(year / 400), i64::from(year % 400));
    let of_year = i64::from((153 * month + 2) / 5 + day - 1);
    let day_of_era = 365 * of_era + of_era / 4 - of_era / 100 + of_year;
    Some((era * 146_097 + day_of_era - 719_468) as f64)
}

/// Formats a day as `2024-01-31` without its time (the inverse of [`days_of`], Hinnant 2013).
pub(crate) fn written_date(days: f64) -> String {
    let days = days.floor() as i64 + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, after) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    format!("{:04}-{month:02}-{day:02}", year_of_era + era * 400 + after)
}

/// Parses `12:30`, `12:30:15` or `12:30:15.5`, with an optional `Z`, as a fraction of a day.
fn part_of_day(time: &str) -> Option<f64> {
    let time = time.trim().trim_end_matches('Z');
    let mut parts = time.split(':');
    let mut next =
        |limit: f64| parts.next()?.parse::<f64>().ok().filter(|value| (0.0..limit).contains(value));
    let (hours, minutes) = (next(24.0)?, next(60.0)?);
    let seconds = match time.matches(':').count() {
        1 => 0.0,
        2 => next(61.0)?,
        _ => return None,
    };
    Some((hours * 3600.0 + minutes * 60.0 + seconds) / 86_400.0)
}
