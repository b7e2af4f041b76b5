use super::axis::{Mapping, nice_step};

/// A range for an axis that follows its data without jittering.
///
/// The ends lie on round values with a padding of 5%. An end moves out at once when data pass it,
/// but moves in only when a fifth of the axis would otherwise be empty.
#[derive(Clone, Copy, Debug, Default)]
pub struct StableRange {
    current: Option<(Mapping, f64, f64)>,
}

impl StableRange {
    /// Forgets the last range: after a zoom, or for another run.
    pub fn reset(&mut self) {
        self.current = None;
    }

    /// Returns the range to show for data from `low` to `high`, in mapped coordinates. Both may be
    /// any numbers, including NaN.
    pub fn update(&mut self, mapping: Mapping, low: f64, high: f64) -> (f64, f64) {
        let (low, high) = target(mapping, low, high);
        let range = match self.current {
            Some((before, shown_low, shown_high)) if before == mapping => {
                let slack = 0.2 * (high - low);
                let low = if low < shown_low || low - shown_low > slack { low } else { shown_low };
                let high = if high > shown_high || shown_high - high > slack { high } else { shown_high };
                (low, high)
            }
            _ => (low, high),
        };
        self.current = Some((mapping, range.0, range.1));
        range
    }
}

fn target(mapping: Mapping, low: f64, high: f64) -> (f64, f64) {
    let mut ends = (mapping.forward(low), mapping.forward(high));
    // A log axis of data that reach zero starts at the smallest positive value, which the caller passes.
    if !ends.0.is_finite() && ends.1.is_finite() {
        ends.0 = ends.1;
    }
    let (low, high) = ends;
    if !low.is_finite() || !high.is_finite() || high < low {
        return if mapping == Mapping::Linear { (0.0, 1.0) } else { (-1.0, 0.0) };
    }
    let starts_at_zero = mapping == Mapping::Linear && low >= 0.0 && low <= 0.4 * high;
    let mut span = high - low;
    // Equal values, or values that f32 data cannot distinguish, get half a decade or half the value
    // on either side.
    let least = if mapping == Mapping::Linear { high.abs().max(low.abs()) * 1e-5 } else { 0.02 };
    let (mut low, mut high) = (low, high);
    if span <= least {
        let half = match mapping {
            Mapping::Linear if high == 0.0 => 1.0,
            Mapping::Linear => 0.5 * high.abs(),
            Mapping::Log | Mapping::LogStep => 0.5,
        };
        (low, high) = (low - half, high + half);
        span = high - low;
    }
    let unit = match mapping {
        Mapping::Linear => nice_step(span / 20.0),
        _ if span > 4.0 => 0.5,
        Mapping::Log | Mapping::LogStep => 0.1,
    };
    let padded_low = if starts_at_zero { 0.0 } else { low - 0.05 * span };
    let padded_high = high + 0.05 * span;
    let snapped = ((padded_low / unit).floor() * unit, (padded_high / unit).ceil() * unit);
    if snapped.0.is_finite() && snapped.1.is_finite() && snapped.1 > snapped.0 {
        snapped
    } else {
        (low, high)
    }
}
