//! A chart of arbitrary series, used for diagnostics, coefficient paths and folds.

use super::Stale;
use super::axis::Mapping;
use super::layout::{Rect, text_width};
use super::pen::{Drawn, Pen};
use super::stage::{Frame, Stage};
use super::theme::Colour;
use super::viewport::{Span, Viewport};
use crate::order::argsort;
use plotters::style::text_anchor::{HPos, VPos};
use plotters_backend::DrawingBackend;
use serde::Serialize;

/// The maximum distance in CSS pixels from the pointer to a point that it reads.
const REACH: f64 = 12.0;
/// The maximum number of points that are drawn almost opaque.
const MOST_OPAQUE: usize = 60;
/// Lengths of dash and gap of a dashed line, in CSS pixels.
const DASH: (f64, f64) = (7.0, 5.0);
/// The gap between bars, as a fraction of their spacing.
const BAR_GAP: f64 = 0.06;

/// The title, mapping and range of one axis of a plot.
#[derive(Clone, Debug, PartialEq)]
pub struct PlotAxis {
    /// The name of the quantity on the axis, with its unit.
    pub title: String,
    /// Linear or logarithmic; values without a logarithm are not drawn.
    pub mapping: Mapping,
    /// The visible range; `None` shows all data with some padding.
    pub range: Option<[f64; 2]>,
}

impl Default for PlotAxis {
    fn default() -> Self {
        Self { title: String::new(), mapping: Mapping::Linear, range: None }
    }
}

/// How a series is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlotKind {
    /// A disc for each pair `(x, y)`.
    Points,
    /// A curve through the pairs `(x, y)` in their order.
    Line,
    /// A dashed curve through the pairs `(x, y)` in their order.
    Dashed,
    /// The area between `low` and `y`.
    Band,
    /// Stairs: each y continues until the next x.
    Steps,
    /// A bar from `low` (or from 0) to `y` for each pair, as wide as its neighbours allow.
    Bars,
    /// Dashed straight lines across the whole plot: vertical where y is NaN, horizontal where x is NaN.
    Rules,
}

impl PlotKind {
    /// The kind with this lower-case name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "points" => Self::Points,
            "line" => Self::Line,
            "dashed" => Self::Dashed,
            "band" => Self::Band,
            "steps" => Self::Steps,
            "bars" => Self::Bars,
            "rules" => Self::Rules,
            _ => return None,
        })
    }
}

/// One series of a plot. Columns that are longer than the shortest one are cut.
#[derive(Clone, Debug, PartialEq)]
pub struct PlotSeries {
    /// How the series is drawn.
    pub kind: PlotKind,
    /// The name of a colour of the theme (see [`super::Theme::named`]), or a CSS colour.
    pub colour: String,
    /// Positions along the horizontal axis.
    pub x: Vec<f32>,
    /// Positions along the vertical axis.
    pub y: Vec<f32>,
    /// For a band or bars, the y position of the lower edge.
    pub low: Option<Vec<f32>>,
    /// The text at the end of a line; may be empty.
    pub label: String,
    /// Whether the pointer and the keyboard cursor can select its pairs.
    pub is_read: bool,
    /// Whether the axes extend to show all data of the series.
    pub is_fitted: bool,
    /// Width of the series' strokes, in CSS pixels.
    pub width: f64,
}

impl PlotSeries {
    /// A series that can be selected, that the axes extend to, and whose strokes are 2 CSS pixels wide.
    #[must_use]
    pub fn new(kind: PlotKind, colour: &str, x: Vec<f32>, y: Vec<f32>) -> Self {
        Self {
            kind,
            colour: colour.to_owned(),
            x,
            y,
            low: None,
            label: String::new(),
            is_read: kind != PlotKind::Band && kind != PlotKind::Rules,
            is_fitted: kind != PlotKind::Rules,
            width: 2.0,
        }
    }

    fn len(&self) -> usize {
        let n = self.x.len().min(self.y.len());
        self.low.as_ref().map_or(n, |low| n.min(low.len()))
    }

    fn at(&self, i: usize) -> (f64, f64) {
        (f64::from(self.x[i]), f64::from(self.y[i]))
    }

    fn low_at(&self, i: usize) -> f64 {
        self.low.as_ref().map_or(0.0, |low| f64::from(low[i]))
    }

    fn iter(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        (0..self.len()).map(|i| self.at(i))
    }
}

/// The pair at the pointer or keyboard cursor of a plot (`PlotReading` in TypeScript).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PlotReading {
    /// Index of the series in the plot.
    pub series: u32,
    /// Index of the pair in its series.
    pub index: u32,
    /// The x of the pair, in units of the data.
    pub x: f64,
    /// The y of the pair, in units of the data.
    pub y: f64,
}

/// A chart of series over two axes, with a cursor.
#[derive(Clone, Debug)]
pub struct PlotChart {
    /// Size, axes and visible range of the chart.
    pub stage: Stage,
    series: Vec<PlotSeries>,
    /// For each series, the indices of its selectable pairs by ascending x.
    orders: Vec<Vec<u32>>,
    /// The selected pair: index of the series, and index of the pair in it.
    cursor: Option<(usize, usize)>,
}

impl Default for PlotChart {
    fn default() -> Self {
        let stage = Stage::new(Viewport::new([Span::new(0.0, 1.0); 2], 100.0), 34.0);
        Self { stage, series: Vec::new(), orders: Vec::new(), cursor: None }
    }
}

impl PlotChart {
    /// Replaces axes and series. The zoom is kept if the range of all data is unchanged.
    pub fn set(&mut self, x: PlotAxis, y: PlotAxis, series: Vec<PlotSeries>) {
        let of_x = |series: &PlotSeries, i: usize| [f64::from(series.x[i]); 2];
        let of_y = |series: &PlotSeries, i: usize| {
            let y = f64::from(series.y[i]);
            let has_edge = matches!(series.kind, PlotKind::Band | PlotKind::Bars);
            [y, if has_edge { series.low_at(i) } else { y }]
        };
        let home = [shown(&x, &series, of_x), shown(&y, &series, of_y)];
        let is_same = self.stage.viewport.home() == home && self.stage.mappings[0] == x.mapping;
        self.stage.viewport.set_home(home, is_same);
        self.stage.mappings = [x.mapping, y.mapping];
        self.stage.titles = [x.title, y.title];
        self.orders = series.iter().map(order).collect();
        self.series = series;
        self.cursor = self.cursor.filter(|&(series, i)| self.can_read(series, i));
        self.stage.stale = Stale::BOTH;
    }

    /// Returns the pair nearest to a position in CSS pixels: a point within 12 CSS pixels, or else the pair
    /// of a curve, stairs or bars that is nearest along x (among equals, nearest along y). `None` outside the
    /// plot.
    #[must_use]
    pub fn reading(&self, x_css: f64, y_css: f64) -> Option<PlotReading> {
        let (frame, (px, py)) = self.stage.inside(x_css, y_css)?;
        let css = self.stage.size.scale.css;
        let mut near: Option<(f64, usize, usize)> = None;
        let mut along: Option<(f64, f64, usize, usize)> = None;
        for (s, series) in self.series.iter().enumerate().filter(|(_, series)| series.is_read) {
            let pairs = series.iter().map(|pair| frame.place(pair)).enumerate();
            let pairs = pairs.filter(|(_, (x, y))| x.is_finite() && y.is_finite());
            if series.kind == PlotKind::Points {
                let places = pairs.map(|(i, (x, y))| ((x - px).hypot(y - py), s, i));
                let least = places.min_by(|a, b| a.0.total_cmp(&b.0)).filter(|found| found.0 <= REACH * css);
                near = [near, least].into_iter().flatten().min_by(|a, b| a.0.total_cmp(&b.0));
            } else {
                let places = pairs.map(|(i, (x, y))| ((x - px).abs(), (y - py).abs(), s, i));
                let least = places.min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
                // Curves on one grid are equally far along x, so the distance along y decides.
                let order = |a: &(f64, f64, usize, usize), b: &(f64, f64, usize, usize)| {
                    let apart = (a.0 - b.0).abs() > css;
                    if apart { a.0.total_cmp(&b.0) } else { a.1.total_cmp(&b.1) }
                };
                along = [along, least].into_iter().flatten().min_by(order);
            }
        }
        let (series, i) = near.map(|(_, s, i)| (s, i)).or(along.map(|(_, _, s, i)| (s, i)))?;
        Some(self.reading_of(series, i))
    }

    /// Moves the cursor to a pair, given as (index of the series, index of the pair). `None`, or a pair that
    /// cannot be selected, removes the cursor.
    pub fn set_cursor(&mut self, at: Option<(usize, usize)>) {
        let at = at.filter(|&(series, i)| self.can_read(series, i));
        self.stage.stale.top |= self.cursor != at;
        self.cursor = at;
    }

    /// Moves the cursor by `pairs` along x, and by `series` among the selectable series to the pair nearest
    /// along x. It begins in the middle of the first series. For the keyboard.
    pub fn move_cursor(&mut self, pairs: i32, series: i32) -> Option<PlotReading> {
        let read: Vec<usize> = (0..self.series.len()).filter(|&s| !self.orders[s].is_empty()).collect();
        let &first = read.first()?;
        let (mut s, i) =
            self.cursor.unwrap_or((first, self.orders[first][self.orders[first].len() / 2] as usize));
        let x = self.series[s].x[i];
        let mut rank = self.orders[s].iter().position(|&at| at as usize == i)?;
        if series != 0 {
            let at = read.iter().position(|&of| of == s)? as i64 + i64::from(series);
            s = read[at.rem_euclid(read.len() as i64) as usize];
            let apart = |&at: &u32| (self.series[s].x[at as usize] - x).abs();
            let nearest = self.orders[s].iter().enumerate();
            rank = nearest.min_by(|a, b| apart(a.1).total_cmp(&apart(b.1))).map(|(rank, _)| rank)?;
        }
        let last = self.orders[s].len() as i64 - 1;
        let rank = (rank as i64 + i64::from(pairs)).clamp(0, last);
        let i = self.orders[s][rank as usize] as usize;
        self.set_cursor(Some((s, i)));
        Some(self.reading_of(s, i))
    }

    /// Draws the static layer: grid, labels and series.
    ///
    /// # Errors
    /// The errors of the backend.
    pub fn draw_base<DB: DrawingBackend>(&self, backend: &mut DB) -> Drawn<DB> {
        let Some(frame) = self.stage.visible_frame() else { return Ok(()) };
        let mut pen = Pen::new(backend, self.stage.size.scale, &self.stage.theme);
        self.stage.draw_axes(&mut pen, &frame)?;
        for series in &self.series {
            self.draw_series(&mut pen, &frame, series)?;
        }
        // Words last, so that no line crosses them.
        for series in self.series.iter().filter(|series| !series.label.is_empty()) {
            self.draw_label(&mut pen, &frame, series)?;
        }
        Ok(())
    }

    /// Draws the dynamic layer: the cursor.
    ///
    /// # Errors
    /// The errors of the backend.
    pub fn draw_top<DB: DrawingBackend>(&self, backend: &mut DB) -> Drawn<DB> {
        let Some((frame, (series, i))) = self.stage.visible_frame().zip(self.cursor) else { return Ok(()) };
        let series = &self.series[series];
        let (x, y) = frame.place(series.at(i));
        let plot = &frame.plot;
        let mut pen = Pen::new(backend, self.stage.size.scale, &self.stage.theme);
        if x >= plot.left && x <= plot.right {
            pen.rule_down(x, plot.top, plot.bottom, self.stage.theme.muted.faded(0.6), 1.0)?;
        }
        if plot.contains(x, y) { pen.marker((x, y), 4.5, self.colour(series)) } else { Ok(()) }
    }

    fn draw_series<DB: DrawingBackend>(
        &self,
        pen: &mut Pen<DB>,
        frame: &Frame,
        series: &PlotSeries,
    ) -> Drawn<DB> {
        let colour = self.colour(series);
        let plot = &frame.plot;
        let places = series.iter().map(|pair| frame.place(pair));
        match series.kind {
            PlotKind::Points => {
                let radius = point_radius(series.len());
                // Few points are nearly opaque; many are translucent, so that overlaps are visible.
                let faded = colour.faded(if series.len() <= MOST_OPAQUE { 0.9 } else { 0.5 });
                for place in places.filter(|&(x, y)| plot.contains(x, y)) {
                    pen.disc(place, radius, faded)?;
                }
                Ok(())
            }
            PlotKind::Line => pen.polyline(places, plot, colour, series.width),
            PlotKind::Dashed => pen.dashed(places, plot, colour, series.width, DASH),
            PlotKind::Steps => pen.polyline(stairs(places), plot, colour, series.width),
            PlotKind::Band => draw_band(pen, frame, series, colour.faded(0.22)),
            PlotKind::Bars => draw_bars(pen, frame, series, colour.faded(0.55)),
            PlotKind::Rules => {
                for (x, y) in places {
                    let ends = match (x.is_finite(), y.is_finite()) {
                        (true, false) => [(x, plot.top), (x, plot.bottom)],
                        (false, true) => [(plot.left, y), (plot.right, y)],
                        _ => continue,
                    };
                    pen.dashed(ends, plot, colour, series.width, DASH)?;
                }
                Ok(())
            }
        }
    }

    /// Draws the label of a series above the last of its pairs within the plot.
    fn draw_label<DB: DrawingBackend>(
        &self,
        pen: &mut Pen<DB>,
        frame: &Frame,
        series: &PlotSeries,
    ) -> Drawn<DB> {
        let css = self.stage.size.scale.css;
        let plot = &frame.plot;
        let seen = |&(x, y): &(f64, f64)| plot.contains(x, y);
        let places: Vec<_> = series.iter().map(|pair| frame.place(pair)).collect();
        let Some(&(x, y)) = places.iter().rev().find(|place| seen(place)) else { return Ok(()) };
        let width = text_width(&series.label) * css;
        let left = (x - width - 4.0 * css).max(plot.left);
        let top = (y - 16.0 * css).max(plot.top);
        pen.text(&series.label, (left, top), (HPos::Left, VPos::Top), self.colour(series))
    }

    fn colour(&self, series: &PlotSeries) -> Colour {
        let named = self.stage.theme.named(&series.colour);
        named.or_else(|| Colour::parse(&series.colour)).unwrap_or(self.stage.theme.ink)
    }

    fn can_read(&self, series: usize, i: usize) -> bool {
        self.orders.get(series).is_some_and(|order| order.iter().any(|&at| at as usize == i))
    }

    fn reading_of(&self, series: usize, i: usize) -> PlotReading {
        let (x, y) = self.series[series].at(i);
        PlotReading { series: series as u32, index: i as u32, x, y }
    }
}

fn draw_band<DB: DrawingBackend>(
    pen: &mut Pen<DB>,
    frame: &Frame,
    series: &PlotSeries,
    colour: Colour,
) -> Drawn<DB> {
    let plot = &frame.plot;
    let inside = |(x, y): (f64, f64)| {
        // Values without a logarithm are drawn below the plot.
        let y = if y.is_nan() { plot.bottom } else { y.clamp(plot.top, plot.bottom) };
        (x.clamp(plot.left, plot.right), y)
    };
    let usable = |&i: &usize| {
        let (x, y) = series.at(i);
        frame.x.position(x).is_finite() && !y.is_nan() && !series.low_at(i).is_nan()
    };
    let rows: Vec<usize> = (0..series.len()).filter(usable).collect();
    let above = rows.iter().map(|&i| inside(frame.place(series.at(i))));
    let below = rows.iter().rev().map(|&i| inside(frame.place((series.at(i).0, series.low_at(i)))));
    let outline: Vec<_> = above.chain(below).collect();
    pen.polygon(&outline, colour)
}

fn draw_bars<DB: DrawingBackend>(
    pen: &mut Pen<DB>,
    frame: &Frame,
    series: &PlotSeries,
    colour: Colour,
) -> Drawn<DB> {
    let plot = &frame.plot;
    let centres: Vec<f64> = series.iter().map(|(x, _)| frame.x.position(x)).collect();
    let apart = |pair: &[f64]| (pair[1] - pair[0]).abs();
    let width = centres.windows(2).map(apart).filter(|width| *width > 0.0).fold(f64::INFINITY, f64::min);
    let width = if width.is_finite() { width } else { plot.width() / 4.0 };
    for (i, &centre) in centres.iter().enumerate() {
        let (x, y) = series.at(i);
        let ends = [y, series.low_at(i)].map(|y| {
            let place = frame.place((x, y)).1;
            if place.is_nan() { plot.bottom } else { place.clamp(plot.top, plot.bottom) }
        });
        let half = width * (1.0 - BAR_GAP) / 2.0;
        let bar = Rect {
            left: (centre - half).max(plot.left),
            right: (centre + half).min(plot.right),
            top: ends[0].min(ends[1]),
            bottom: ends[0].max(ends[1]),
        };
        if bar.left < bar.right && bar.top < bar.bottom {
            pen.cell(&bar, colour)?;
        }
    }
    Ok(())
}

/// Inserts a corner before each position except the first, so that each y continues until the next x.
fn stairs(places: impl Iterator<Item = (f64, f64)>) -> impl Iterator<Item = (f64, f64)> {
    let mut before = None;
    places.flat_map(move |(x, y)| {
        let corner = before.replace(y).map(|before| (x, before));
        corner.into_iter().chain([(x, y)])
    })
}

/// Indices of the pairs that can be selected, by ascending x.
fn order(series: &PlotSeries) -> Vec<u32> {
    let is_finite = |i: &u32| {
        let (x, y) = series.at(*i as usize);
        x.is_finite() && y.is_finite()
    };
    let n = if series.is_read { series.len() as u32 } else { 0 };
    let x: Vec<f64> = series.x[..n as usize].iter().map(|x| f64::from(*x)).collect();
    argsort(&x).into_iter().filter(is_finite).collect()
}

/// The range that an axis shows, in mapped coordinates.
fn shown(axis: &PlotAxis, series: &[PlotSeries], ends: impl Fn(&PlotSeries, usize) -> [f64; 2]) -> Span {
    let mapped = |value: f64| axis.mapping.forward(value);
    let wanted = axis.range.map(|range| range.map(mapped));
    if let Some([low, high]) = wanted.filter(|[low, high]| low.is_finite() && high.is_finite() && high > low)
    {
        return Span::new(low, high);
    }
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for series in series.iter().filter(|series| series.is_fitted) {
        for value in (0..series.len()).flat_map(|i| ends(series, i)).map(mapped) {
            if value.is_finite() {
                (low, high) = (low.min(value), high.max(value));
            }
        }
    }
    if low > high {
        return Span::new(0.0, 1.0);
    }
    let half = match (high - low, axis.mapping) {
        (span, _) if span > (low.abs().max(high.abs()) * 1e-5).max(f64::MIN_POSITIVE) => span * 0.05,
        // All one value: half of it, or half a decade, to either side.
        (_, Mapping::Linear) if low != 0.0 => low.abs() * 0.5,
        _ => 0.5,
    };
    Span::new(low - half, high + half)
}

/// Radius in CSS pixels of a point if there are `n` points: from 3 for a hundred points to 1.5 for 5,000,
/// linear in the logarithm of `n`, because these plots are small.
fn point_radius(n: usize) -> f64 {
    let share = ((n.max(1) as f64).log10() - 2.0) / (5_000_f64.log10() - 2.0);
    3.0 + (1.5 - 3.0) * share.clamp(0.0, 1.0)
}
