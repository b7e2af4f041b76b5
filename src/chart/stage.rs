use super::Stale;
use super::axis::{Axis, Mapping, Tick};
use super::layout::{AXIS_ROWS, Rect, Size, TITLE_ROW, label_column, right_margin, spaced_ticks};
use super::pen::{Drawn, Pen};
use super::theme::Theme;
use super::viewport::{Span, Viewport};
use plotters_backend::DrawingBackend;

/// The common part of charts with two axes: size, colors, axes, panning, zooming, and stale layers.
#[derive(Clone, Debug)]
pub struct Stage {
    pub(super) size: Size,
    pub(super) theme: Theme,
    /// Titles of the x and y axes.
    pub(super) titles: [String; 2],
    /// Mappings of the x and y axes.
    pub(super) mappings: [Mapping; 2],
    pub(super) viewport: Viewport,
    pub(super) stale: Stale,
    /// Minimum distance between ticks of the y axis, in CSS pixels.
    tick_gap: f64,
}

/// The position of a chart's plot and axes on the canvas.
pub(super) struct Frame {
    pub(super) plot: Rect,
    pub(super) x: Axis,
    pub(super) y: Axis,
    x_ticks: Vec<Tick>,
    y_ticks: Vec<Tick>,
}

impl Frame {
    /// The position of a pair `(x, y)` of data, in backend units.
    pub(super) fn place(&self, (x, y): (f64, f64)) -> (f64, f64) {
        (self.x.position(x), self.y.position(y))
    }
}

impl Stage {
    /// Creates a stage with linear axes and no size yet.
    pub(super) fn new(viewport: Viewport, tick_gap: f64) -> Self {
        Self {
            size: Size::default(),
            theme: Theme::default(),
            titles: ["x", "y"].map(str::to_owned),
            mappings: [Mapping::Linear; 2],
            viewport,
            stale: Stale::BOTH,
            tick_gap,
        }
    }

    /// Sets the size of the chart and the scale of its backend.
    pub fn resize(&mut self, size: Size) {
        if self.size != size {
            self.size = size;
            self.stale = Stale::BOTH;
        }
    }

    /// Sets the colours and font of the chart.
    pub fn set_theme(&mut self, theme: Theme) {
        self.theme = theme;
        self.stale = Stale::BOTH;
    }

    /// Returns the layers that must be redrawn.
    #[must_use]
    pub fn stale(&self) -> Stale {
        self.stale
    }

    /// Declares that both layers have been drawn in the current state.
    pub fn mark_drawn(&mut self) {
        self.stale = Stale::NEITHER;
    }

    /// Returns the left, right, bottom and top ends of the visible range, in mapped coordinates.
    #[must_use]
    pub fn view(&self) -> [f64; 4] {
        let [x, y] = self.viewport.view();
        [x.low, x.high, y.low, y.high]
    }

    /// Whether the visible range differs from that of all data.
    #[must_use]
    pub fn is_zoomed(&self) -> bool {
        self.viewport.is_zoomed()
    }

    /// Resets pan and zoom so that all data are visible.
    pub fn reset_zoom(&mut self) {
        let changed = self.viewport.reset();
        self.redraw_if(changed);
    }

    /// Zooms by `factor` about a position in CSS pixels; the data coordinates there stay fixed.
    pub fn zoom(&mut self, x_css: f64, y_css: f64, factor: f64) {
        let frame = self.frame();
        if !frame.plot.is_void(self.size.scale) {
            let css = self.size.scale.css;
            let changed =
                self.viewport.zoom([frame.x.mapped(x_css * css), frame.y.mapped(y_css * css)], factor);
            self.redraw_if(changed);
        }
    }

    /// Pans by a distance in CSS pixels.
    pub fn pan(&mut self, dx_css: f64, dy_css: f64) {
        let plot = self.plot();
        let css = self.size.scale.css;
        let changed = self.viewport.pan([-dx_css * css / plot.width(), dy_css * css / plot.height()]);
        self.redraw_if(changed);
    }

    /// Data coordinates at a position in CSS pixels; `None` if the chart has no size yet.
    #[must_use]
    pub fn data_at(&self, x_css: f64, y_css: f64) -> Option<(f64, f64)> {
        let frame = self.frame();
        let css = self.size.scale.css;
        let (x, y) = (frame.x.value(x_css * css), frame.y.value(y_css * css));
        (!frame.plot.is_void(self.size.scale) && x.is_finite() && y.is_finite()).then_some((x, y))
    }

    /// Returns the current x and y axes.
    #[must_use]
    pub fn axes(&self) -> (Axis, Axis) {
        let frame = self.frame();
        (frame.x, frame.y)
    }

    /// Returns the plot area, in backend units.
    #[must_use]
    pub fn plot(&self) -> Rect {
        self.frame().plot
    }

    /// Returns the frame, and a position converted from CSS pixels to backend units; `None` if the position
    /// is outside the plot.
    pub(super) fn inside(&self, x_css: f64, y_css: f64) -> Option<(Frame, (f64, f64))> {
        let frame = self.frame();
        let css = self.size.scale.css;
        let (x, y) = (x_css * css, y_css * css);
        (!frame.plot.is_void(self.size.scale) && frame.plot.contains(x, y)).then_some((frame, (x, y)))
    }

    /// Returns the frame; `None` if the chart is too small to draw.
    pub(super) fn visible_frame(&self) -> Option<Frame> {
        Some(self.frame()).filter(|frame| !frame.plot.is_void(self.size.scale))
    }

    /// Draws grid, labels and titles.
    pub(super) fn draw_axes<DB: DrawingBackend>(&self, pen: &mut Pen<DB>, frame: &Frame) -> Drawn<DB> {
        let Frame { plot, x, y, x_ticks, y_ticks } = frame;
        pen.vertical_axis(plot, y, y_ticks)?;
        pen.horizontal_axis(&[plot], x, x_ticks, self.size)?;
        pen.title_above(&self.titles[1], plot, TITLE_ROW - 4.0)?;
        pen.title_below(&self.titles[0], plot)
    }

    fn redraw_if(&mut self, changed: bool) {
        if changed {
            self.stale = Stale::BOTH;
        }
    }

    fn frame(&self) -> Frame {
        let Size { width, height, scale } = self.size;
        let axis = |i: usize, Span { low, high }: Span, start: f64, end: f64| Axis {
            mapping: self.mappings[i],
            low,
            high,
            start,
            end,
        };
        let (top, bottom) = (TITLE_ROW * scale.css, (height - AXIS_ROWS) * scale.css);
        let [x_span, y_span] = self.viewport.view();
        let y = axis(1, y_span, bottom, top);
        let y_ticks = y.ticks(self.tick_gap * scale.css);
        let left = label_column(width, &y_ticks) * scale.css;
        let right = (width - right_margin(width)) * scale.css;
        let x = axis(0, x_span, left, right);
        let x_ticks = spaced_ticks(scale.css, |gap| x.ticks(gap));
        Frame { plot: Rect { left, top, right, bottom }, x, y, x_ticks, y_ticks }
    }
}
