use super::format;

/// The function from data to the mapped coordinate, which is proportional to length along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mapping {
    /// Linear: the mapped coordinate is the value.
    Linear,
    /// Logarithmic: the mapped coordinate is `log10 value`; values that are not positive are not drawn.
    Log,
    /// Logarithmic for steps: the mapped coordinate is `log10 (value + 1)`, so that step 0 is visible.
    LogStep,
}

impl Mapping {
    /// The mapped coordinate of a value; `NaN` if it has none.
    #[must_use]
    pub fn forward(self, value: f64) -> f64 {
        match self {
            Self::Linear => value,
            Self::Log if value > 0.0 => value.log10(),
            Self::Log => f64::NAN,
            Self::LogStep => (value.max(0.0) + 1.0).log10(),
        }
    }

    /// The value at a mapped coordinate: the inverse of [`Mapping::forward`].
    #[must_use]
    pub fn inverse(self, mapped: f64) -> f64 {
        match self {
            Self::Linear => mapped,
            Self::Log => 10_f64.powf(mapped),
            Self::LogStep => 10_f64.powf(mapped) - 1.0,
        }
    }
}

/// An axis: a range of a mapped coordinate, and the range of the backend coordinate where it is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Axis {
    /// The mapping from data to lengths.
    pub mapping: Mapping,
    /// Mapped coordinate at the beginning of the axis.
    pub low: f64,
    /// Mapped coordinate at the end of the axis.
    pub high: f64,
    /// Backend coordinate of `low`.
    pub start: f64,
    /// Backend coordinate of `high`; less than `start` on a vertical axis.
    pub end: f64,
}

/// A tick of an axis: a position with a grid line and usually a label.
#[derive(Clone, Debug, PartialEq)]
pub struct Tick {
    /// The value (in data units) at the tick.
    pub value: f64,
    /// The formatted value; empty for a grid line without a label.
    pub label: String,
}

impl Axis {
    /// Returns the backend coordinate of a value; `NaN` if it has none.
    #[must_use]
    pub fn position(&self, value: f64) -> f64 {
        self.place(self.mapping.forward(value))
    }

    /// The value at a backend coordinate.
    #[must_use]
    pub fn value(&self, position: f64) -> f64 {
        self.mapping.inverse(self.mapped(position))
    }

    /// The mapped coordinate at a backend coordinate.
    #[must_use]
    pub fn mapped(&self, position: f64) -> f64 {
        self.low + (position - self.start) / (self.end - self.start) * (self.high - self.low)
    }

    fn place(&self, mapped: f64) -> f64 {
        self.start + (mapped - self.low) / (self.high - self.low) * (self.end - self.start)
    }

    /// Returns ticks at round values, at least `gap` backend units apart.
    #[must_use]
    pub fn ticks(&self, gap: f64) -> Vec<Tick> {
        self.ticks_with(gap, format::tick, 0.0)
    }

    /// Returns ticks at whole steps; large ones are labelled `12k` or `1.5M`.
    #[must_use]
    pub fn step_ticks(&self, gap: f64) -> Vec<Tick> {
        self.ticks_with(gap, format::step_tick, 1.0)
    }

    fn ticks_with(&self, gap: f64, label: fn(f64, f64, f64) -> String, least_step: f64) -> Vec<Tick> {
        let room = ((self.end - self.start).abs() / gap.max(1.0)).clamp(1.0, 200.0);
        let ratio = self.high - self.low;
        if !ratio.is_finite() || ratio <= 0.0 {
            return Vec::new();
        }
        match self.mapping {
            Mapping::Linear => linear_ticks(self.low, self.high, room, label, least_step),
            Mapping::Log if ratio >= 1.0 => decades(self.low, self.high, room),
            Mapping::LogStep if ratio >= 1.0 => self.step_decades(gap, label),
            // Within a decade a logarithmic axis is nearly linear: round values, unevenly spaced.
            Mapping::Log | Mapping::LogStep => {
                let (low, high) = (self.mapping.inverse(self.low), self.mapping.inverse(self.high));
                self.thin(linear_ticks(low, high, room * 1.5, label, least_step), gap)
            }
        }
    }

    fn step_decades(&self, gap: f64, label: fn(f64, f64, f64) -> String) -> Vec<Tick> {
        let mut ticks = Vec::new();
        if self.low <= 0.0 {
            ticks.push(Tick { value: 0.0, label: "0".to_owned() });
        }
        let high = self.mapping.inverse(self.high);
        // Powers of ten have short labels and may be closer together.
        let gap = 0.55 * gap;
        let per_decade = (self.end - self.start).abs() / (self.high - self.low);
        let multiples: &[f64] = if per_decade > 4.0 * gap { &[1.0, 2.0, 5.0] } else { &[1.0] };
        let stride = (gap / per_decade).ceil().clamp(1.0, 20.0) as usize;
        for exponent in (0..20).step_by(stride) {
            for multiple in multiples {
                let value = multiple * 10_f64.powi(exponent);
                if value <= high * (1.0 + 1e-12) && self.mapping.forward(value) >= self.low {
                    // Next to `10k`, the label is `1k` and not `1,000`.
                    let largest = if value >= 1e3 { value.max(1e4) } else { value };
                    ticks.push(Tick { value, label: label(value, value, largest) });
                }
            }
        }
        self.thin(ticks, gap)
    }

    /// Keeps the ticks that are at least `gap` backend units from the last tick kept.
    fn thin(&self, ticks: Vec<Tick>, gap: f64) -> Vec<Tick> {
        let mut last = f64::NEG_INFINITY;
        ticks
            .into_iter()
            .filter(|tick| {
                let position = self.position(tick.value);
                let keep = position.is_finite() && (position - last).abs() >= gap;
                if keep {
                    last = position;
                }
                keep
            })
            .collect()
    }
}

/// The smallest number of the form 1, 2 or 5 times a power of ten that is at least `step`.
pub(super) fn nice_step(step: f64) -> f64 {
    let power = 10_f64.powf(step.log10().floor());
    let times = step / power;
    let nice = [1.0, 2.0, 5.0].into_iter().find(|&nice| times <= nice * (1.0 + 1e-9)).unwrap_or(10.0);
    nice * power
}

fn linear_ticks(
    low: f64,
    high: f64,
    room: f64,
    label: fn(f64, f64, f64) -> String,
    least_step: f64,
) -> Vec<Tick> {
    let step = nice_step((high - low) / room).max(least_step);
    let (first, last) = ((low / step - 1e-9).ceil(), (high / step + 1e-9).floor());
    // Ticks that f64 cannot distinguish would be in the same place.
    if !step.is_finite() || step <= 0.0 || !(last - first).is_finite() || first.abs().max(last.abs()) > 1e13 {
        return Vec::new();
    }
    let largest = low.abs().max(high.abs());
    (0..=(last - first).clamp(0.0, 400.0) as u32)
        .map(|i| first + f64::from(i))
        .filter(|&multiple| multiple <= last)
        .map(|multiple| multiple * step)
        .map(|value| Tick { value, label: label(value, step, largest) })
        .collect()
}

fn decades(low: f64, high: f64, room: f64) -> Vec<Tick> {
    let (first, last) = ((low - 1e-9).ceil(), (high + 1e-9).floor());
    let span = high - low;
    let per_label = [1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0];
    let stride = per_label.into_iter().find(|stride| span / stride <= room).unwrap_or(500.0);
    let multiples: &[f64] = if span * 3.0 <= room {
        &[1.0, 2.0, 5.0]
    } else if span * 2.0 <= room {
        &[1.0, 3.0]
    } else {
        &[1.0]
    };
    let mut ticks = Vec::new();
    let mut exponent = first - 1.0;
    while exponent <= last {
        for multiple in multiples {
            let value = multiple * 10_f64.powf(exponent);
            let mapped = value.log10();
            if mapped < low - 1e-9 || mapped > high + 1e-9 || !value.is_finite() || value == 0.0 {
                continue;
            }
            let labelled = (exponent / stride).fract() == 0.0;
            if labelled || span <= 2.0 * room {
                ticks.push(Tick {
                    value,
                    label: if labelled { format::log_tick(value) } else { String::new() },
                });
            }
        }
        exponent += 1.0;
    }
    ticks
}
