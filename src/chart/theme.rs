use crate::number;
use plotters::style::RGBAColor;
use plotters_backend::BackendColor;

/// Colors and font as named by the page (`ChartTheme` in TypeScript): any `#rgb`, `#rrggbb`,
/// `#rrggbbaa`, `rgb()` or `rgba()`.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "the names say it; `Theme` documents what each is used for")]
pub struct ThemeColours {
    pub background: String,
    pub ink: String,
    pub muted: String,
    pub grid: String,
    pub fit: String,
    pub exact: String,
    pub batch: String,
    pub rate: String,
    pub mark: String,
    pub diverged: String,
    pub points: String,
    pub validation: String,
    pub font: String,
}

impl ThemeColours {
    /// Builds the colours and font from a lookup by name.
    pub fn of(named: impl Fn(&str) -> String) -> Self {
        Self {
            background: named("background"),
            ink: named("ink"),
            muted: named("muted"),
            grid: named("grid"),
            fit: named("fit"),
            exact: named("exact"),
            batch: named("batch"),
            rate: named("rate"),
            mark: named("mark"),
            diverged: named("diverged"),
            points: named("points"),
            validation: named("validation"),
            font: named("font"),
        }
    }
}

/// A colour with an opacity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Colour(pub RGBAColor);

impl Colour {
    /// An opaque colour.
    #[must_use]
    pub const fn rgb(red: u8, green: u8, blue: u8) -> Self {
        Self(RGBAColor(red, green, blue, 1.0))
    }

    /// Parses `#rgb`, `#rrggbb`, `#rrggbbaa`, `rgb(1, 2, 3)`, `rgb(1 2 3 / 45%)` or `rgba(1, 2, 3,
    /// 0.5)`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Some(hex) = text.strip_prefix('#') {
            return Self::parse_hex(hex);
        }
        let inside = text.strip_prefix("rgba").or_else(|| text.strip_prefix("rgb"))?.trim();
        let inside = inside.strip_prefix('(')?.strip_suffix(')')?;
        let parts: Vec<&str> = inside
            .split(|c: char| c == ',' || c == '/' || c.is_whitespace())
            .filter(|part| !part.is_empty())
            .collect();
        if !(3..=4).contains(&parts.len()) {
            return None;
        }
        let channel =
            |part: &str| number_or_percent(part, 255.0).map(|value| value.round().clamp(0.0, 255.0) as u8);
        let alpha = parts.get(3).map_or(Some(1.0), |part| number_or_percent(part, 1.0))?;
        Some(Self(RGBAColor(
            channel(parts[0])?,
            channel(parts[1])?,
            channel(parts[2])?,
            alpha.clamp(0.0, 1.0),
        )))
    }

    /// Returns the same color at `alpha` times its opacity.
    #[must_use]
    pub fn faded(self, alpha: f64) -> Self {
        let RGBAColor(red, green, blue, opacity) = self.0;
        Self(RGBAColor(red, green, blue, opacity * alpha))
    }

    pub(super) fn backend(self) -> BackendColor {
        let RGBAColor(red, green, blue, alpha) = self.0;
        BackendColor { rgb: (red, green, blue), alpha }
    }

    fn parse_hex(hex: &str) -> Option<Self> {
        if !hex.is_ascii() {
            return None;
        }
        let digit = |at: usize| u8::from_str_radix(hex.get(at..=at)?, 16).ok().map(|value| value * 17);
        let pair = |at: usize| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok();
        match hex.len() {
            3 => Some(Self::rgb(digit(0)?, digit(1)?, digit(2)?)),
            6 => Some(Self::rgb(pair(0)?, pair(2)?, pair(4)?)),
            8 => Some(Self(RGBAColor(pair(0)?, pair(2)?, pair(4)?, f64::from(pair(6)?) / 255.0))),
            _ => None,
        }
    }
}

/// The colors and font of the charts.
#[derive(Clone, Debug, PartialEq)]
pub struct Theme {
    /// Background of the chart, and rings around markers.
    pub background: Colour,
    /// Colour of the numbers of marks.
    pub ink: Colour,
    /// Labels of ticks and titles of axes.
    pub muted: Colour,
    /// Colour of grid lines.
    pub grid: Colour,
    /// The current fit and the evaluated loss.
    pub fit: Colour,
    /// Colour of the exact solution.
    pub exact: Colour,
    /// Colour of the batch loss.
    pub batch: Colour,
    /// Colour of the learning rate.
    pub rate: Colour,
    /// Marks of changes that were made during the run.
    pub mark: Colour,
    /// The step at which the run diverged.
    pub diverged: Colour,
    /// Colour of the dataset's points.
    pub points: Colour,
    /// Colour of the validation loss.
    pub validation: Colour,
    /// The font family, as a CSS list.
    pub font: String,
}

impl Default for Theme {
    fn default() -> Self {
        Self {
            background: Colour::rgb(0xfc, 0xfc, 0xfd),
            ink: Colour::rgb(0x1b, 0x1f, 0x27),
            muted: Colour::rgb(0x5d, 0x65, 0x73),
            grid: Colour::rgb(0xe6, 0xe8, 0xed),
            fit: Colour::rgb(0x0b, 0x62, 0xd6),
            exact: Colour::rgb(0x7a, 0x81, 0x8d),
            batch: Colour::rgb(0x5b, 0x9b, 0xe8),
            rate: Colour::rgb(0x7b, 0x3f, 0xc4),
            mark: Colour::rgb(0x5d, 0x65, 0x73),
            diverged: Colour::rgb(0xc6, 0x28, 0x28),
            points: Colour::rgb(0x1b, 0x1f, 0x27),
            validation: Colour::rgb(0xb8, 0x5c, 0x00),
            font: "system-ui, sans-serif".to_owned(),
        }
    }
}

impl Theme {
    /// The colour that the page refers to by this name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<Colour> {
        Some(match name {
            "background" => self.background,
            "ink" => self.ink,
            "muted" => self.muted,
            "grid" => self.grid,
            "fit" => self.fit,
            "exact" => self.exact,
            "batch" => self.batch,
            "rate" => self.rate,
            "mark" => self.mark,
            "diverged" => self.diverged,
            "points" => self.points,
            "validation" => self.validation,
            _ => return None,
        })
    }

    /// Parses the page's colours; where parsing fails, the default theme's colour is used.
    #[must_use]
    pub fn from_colours(colours: &ThemeColours) -> Self {
        let usual = Self::default();
        let read = |text: &str, usual: Colour| Colour::parse(text).unwrap_or(usual);
        Self {
            background: read(&colours.background, usual.background),
            ink: read(&colours.ink, usual.ink),
            muted: read(&colours.muted, usual.muted),
            grid: read(&colours.grid, usual.grid),
            fit: read(&colours.fit, usual.fit),
            exact: read(&colours.exact, usual.exact),
            batch: read(&colours.batch, usual.batch),
            rate: read(&colours.rate, usual.rate),
            mark: read(&colours.mark, usual.mark),
            diverged: read(&colours.diverged, usual.diverged),
            points: read(&colours.points, usual.points),
            validation: read(&colours.validation, usual.validation),
            font: if colours.font.trim().is_empty() { usual.font } else { colours.font.trim().to_owned() },
        }
    }
}

fn number_or_percent(text: &str, whole: f64) -> Option<f64> {
    match text.strip_suffix('%') {
        Some(percent) => number::parse(percent).map(|percent| percent / 100.0 * whole),
        None => number::parse(text),
    }
}
