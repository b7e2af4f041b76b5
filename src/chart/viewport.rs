/// A range of one axis, in mapped coordinates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Span {
    pub(super) low: f64,
    pub(super) high: f64,
}

impl Span {
    pub(super) fn new(low: f64, high: f64) -> Self {
        Self { low, high }
    }

    pub(super) fn length(self) -> f64 {
        self.high - self.low
    }

    /// The range zoomed by `factor`, with the coordinate `at` fixed on the screen.
    pub(super) fn magnified(self, at: f64, factor: f64) -> Self {
        Self::new(at + (self.low - at) / factor, at + (self.high - at) / factor)
    }

    /// The range moved by a distance.
    pub(super) fn shifted(self, by: f64) -> Self {
        Self::new(self.low + by, self.high + by)
    }

    /// The length of the overlap of two ranges, as a fraction of the length that both cover together.
    fn overlap(self, other: Self) -> f64 {
        let shared = self.high.min(other.high) - self.low.max(other.low);
        shared / (self.high.max(other.high) - self.low.min(other.low))
    }
}

/// The visible part of a chart in mapped coordinates. It can be panned and zoomed away from its
/// home, which shows all data.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Viewport {
    home: [Span; 2],
    view: [Span; 2],
    /// The maximum width of the view, as a multiple of its home's width.
    widest: f64,
}

impl Viewport {
    pub(super) fn new(home: [Span; 2], widest: f64) -> Self {
        Self { home, view: home, widest }
    }

    /// Returns the visible ranges of x and y.
    pub(super) fn view(&self) -> [Span; 2] {
        self.view
    }

    pub(super) fn home(&self) -> [Span; 2] {
        self.home
    }

    pub(super) fn is_zoomed(&self) -> bool {
        self.view != self.home
    }

    /// Changes the home to the range of all data. The view follows, unless it is zoomed and `keep_zoom` is
    /// true.
    pub(super) fn set_home(&mut self, home: [Span; 2], keep_zoom: bool) {
        if !self.is_zoomed() || !keep_zoom {
            self.view = home;
        }
        self.home = home;
    }

    /// Whether two homes overlap enough to be considered the same data.
    pub(super) fn is_similar(a: [Span; 2], b: [Span; 2]) -> bool {
        (0..2).all(|i| a[i].overlap(b[i]) > 0.7)
    }

    /// Zooms by `factor` about a position in mapped coordinates, which stays fixed. Returns whether the view
    /// changed.
    pub(super) fn zoom(&mut self, at: [f64; 2], factor: f64) -> bool {
        factor.is_finite() && factor > 0.0 && self.show([0, 1].map(|i| self.view[i].magnified(at[i], factor)))
    }

    /// Moves the view by fractions of its width and its height. Returns whether it changed.
    pub(super) fn pan(&mut self, fractions: [f64; 2]) -> bool {
        self.show([0, 1].map(|i| self.view[i].shifted(fractions[i] * self.view[i].length())))
    }

    /// Returns the view to its home, where all data are visible. Returns whether the view changed.
    pub(super) fn reset(&mut self) -> bool {
        self.show(self.home)
    }

    fn show(&mut self, view: [Span; 2]) -> bool {
        let can_show = |view: Span, home: Span| {
            // Data are f32: below this the picture would show their rounding.
            let shortest = (home.length() * 1e-5).max(view.low.abs().max(view.high.abs()) * 1e-6);
            view.low.is_finite()
                && view.high.is_finite()
                && view.length() >= shortest
                && view.length() <= home.length() * self.widest
        };
        let changes = self.view != view && (0..2).all(|i| can_show(view[i], self.home[i]));
        if changes {
            self.view = view;
        }
        changes
    }
}
