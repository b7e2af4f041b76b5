use super::axis::Tick;

/// The sizes of a CSS pixel and of a device pixel, in the coordinates of a drawing backend.
///
/// Plotters' coordinates and stroke widths are integers. A canvas whose unit is a fraction of a
/// device pixel gives curves sub-pixel positions; straight strokes still align to whole device
/// pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// Backend units in one CSS pixel.
    pub css: f64,
    /// Backend units in one device pixel.
    pub device: f64,
}

impl Scale {
    /// The scale of a backend whose unit is one device pixel.
    #[must_use]
    pub fn pixels(device_pixel_ratio: f64) -> Self {
        Self::fractions(device_pixel_ratio, 1.0)
    }

    /// The scale of a backend with `per_pixel` units per device pixel.
    #[must_use]
    pub fn fractions(device_pixel_ratio: f64, per_pixel: f64) -> Self {
        let ratio = if device_pixel_ratio.is_finite() { device_pixel_ratio.clamp(0.25, 16.0) } else { 1.0 };
        Self { css: ratio * per_pixel, device: per_pixel }
    }

    /// The stroke width in backend units that is about `css` CSS pixels but a whole number of device pixels,
    /// at least one.
    #[must_use]
    pub fn whole_stroke(self, css: f64) -> f64 {
        (css * self.css / self.device).round().max(1.0) * self.device
    }

    /// Returns the center of a stroke of `width` units near `position` whose edges lie between
    /// device pixels.
    #[must_use]
    pub fn snap(self, position: f64, width: f64) -> f64 {
        ((position - width / 2.0) / self.device).round() * self.device + width / 2.0
    }

    /// The nearest boundary between device pixels, in backend units.
    #[must_use]
    pub fn edge(self, position: f64) -> f64 {
        (position / self.device).round() * self.device
    }
}

/// The size of a chart in CSS pixels, with the scale of its backend.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Size {
    /// Width of the chart in CSS pixels.
    pub width: f64,
    /// Height of the chart in CSS pixels.
    pub height: f64,
    /// The sizes of pixels in backend units.
    pub scale: Scale,
}

impl Default for Size {
    fn default() -> Self {
        Self { width: 0.0, height: 0.0, scale: Scale::pixels(1.0) }
    }
}

/// A rectangle in backend units; y grows downwards.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rect {
    /// Left edge of the rectangle.
    pub left: f64,
    /// Top edge of the rectangle.
    pub top: f64,
    /// Right edge of the rectangle.
    pub right: f64,
    /// Bottom edge of the rectangle.
    pub bottom: f64,
}

impl Rect {
    /// Whether a position lies inside the rectangle or on its edge.
    #[must_use]
    pub fn contains(&self, x: f64, y: f64) -> bool {
        x >= self.left && x <= self.right && y >= self.top && y <= self.bottom
    }

    /// Width of the rectangle in backend units.
    #[must_use]
    pub fn width(&self) -> f64 {
        self.right - self.left
    }

    /// Height in backend units.
    #[must_use]
    pub fn height(&self) -> f64 {
        self.bottom - self.top
    }

    /// Whether the rectangle is too small to draw in, as in a collapsed panel.
    pub(super) fn is_void(&self, scale: Scale) -> bool {
        self.width() < 24.0 * scale.css || self.height() < 12.0 * scale.css
    }
}

/// Font size of axis labels, in CSS pixels.
pub(super) const TEXT: f64 = 12.0;
/// Distance between tick labels and the plot, in CSS pixels.
pub(super) const LABEL_GAP: f64 = 8.0;
/// Height of the row above a plot for its title, in CSS pixels.
pub(super) const TITLE_ROW: f64 = 24.0;
/// Height below a plot for tick labels and the axis title, in CSS pixels.
pub(super) const AXIS_ROWS: f64 = 40.0;

/// Width of the column of tick labels, CSS pixels.
///
/// The width of the label column: a fixed width for six digits that grows in steps if needed, so
/// that the plot does not jump when a label gains a digit, and stacked charts line up.
pub(super) fn label_column(width: f64, ticks: &[Tick]) -> f64 {
    let usual = if width < 480.0 { 48.0 } else { 56.0 };
    let widest = ticks.iter().map(|tick| text_width(&tick.label)).fold(0.0, f64::max) + LABEL_GAP + 2.0;
    if widest <= usual { usual } else { usual + ((widest - usual) / 16.0).ceil() * 16.0 }
}

/// Returns the ticks of a horizontal axis, as close together as their labels allow. `ticks` is called with
/// the minimum gap in backend units.
pub(super) fn spaced_ticks(css: f64, ticks: impl Fn(f64) -> Vec<Tick>) -> Vec<Tick> {
    const USUAL: f64 = 64.0;
    let close = ticks(USUAL * css);
    let widest = close.iter().map(|tick| text_width(&tick.label)).fold(0.0, f64::max);
    // With fewer ticks, no label gets longer.
    if widest + 14.0 <= USUAL { close } else { ticks((widest + 20.0) * css) }
}

/// The margin to the right of a plot, in CSS pixels; `width` is that of the chart.
pub(super) fn right_margin(width: f64) -> f64 {
    if width < 480.0 { 12.0 } else { 16.0 }
}

/// An upper bound of the width of a label in CSS pixels, in the widest of the usual system fonts.
///
/// The layout uses this bound instead of a measurement, so that it is the same on every backend.
pub(super) fn text_width(label: &str) -> f64 {
    let ems: f64 = label
        .chars()
        .map(|c| match c {
            '.' | ',' | ' ' | '-' => 0.37,
            '\u{2212}' | 'M' | 'm' | 'w' | 'W' => 0.9,
            c if c.is_ascii() => 0.64,
            _ => 1.0,
        })
        .sum();
    ems * TEXT
}
