use super::axis::{Axis, Mapping, Tick};
use super::layout::{
    AXIS_ROWS, LABEL_GAP, Rect, Size, TITLE_ROW, label_column, right_margin, spaced_ticks, text_width,
};
use super::pen::{Drawn, Pen};
use super::range::StableRange;
use super::series::Series;
use super::theme::Theme;
use super::{Density, Stale};
use plotters::style::text_anchor::{HPos, VPos};
use plotters_backend::DrawingBackend;
use serde::Serialize;

/// Above this, residuals are a grey mass and are not drawn.
const MOST_RESIDUALS: usize = 2000;
/// How far the pointer may be from a point that it reads, CSS pixels.
const REACH: f64 = 12.0;
/// Opacity steps of a density: enough to look continuous, few enough to draw in few fills.
const N_SHADES: usize = 24;

/// What the fit chart shows on demand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FitOptions {
    /// Thin lines from points to the fit; at most 2,000 points have them.
    pub show_residuals: bool,
    /// The exact solution as a ghost.
    pub show_exact: bool,
}

/// What is under the pointer (`FitReading` in TypeScript).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct FitReading {
    /// Data coordinate under the pointer.
    pub x: f64,
    /// The current fit there.
    pub predicted: Option<f64>,
    /// The exact solution there.
    pub exact: Option<f64>,
    /// Index of the nearest point within 12 CSS pixels.
    pub point: Option<u32>,
    /// That point's x.
    pub point_x: Option<f64>,
    /// That point's y.
    pub point_y: Option<f64>,
}

/// Points, the curve that is being fitted to them and the curve that it is heading for.
#[derive(Clone, Debug)]
pub struct FitChart {
    points: Series,
    density: Option<Density>,
    exact: Series,
    fit: Series,
    labels: (String, String),
    theme: Theme,
    options: FitOptions,
    size: Size,
    /// Left, right, bottom, top of all data.
    home: [f64; 4],
    view: [f64; 4],
    cursor: Option<f64>,
    stale: Stale,
}

impl Default for FitChart {
    fn default() -> Self {
        let home = [-1.0, 1.0, -1.0, 1.0];
        Self {
            points: Series::default(),
            density: None,
            exact: Series::default(),
            fit: Series::default(),
            labels: ("x".to_owned(), "y".to_owned()),
            theme: Theme::default(),
            options: FitOptions { show_residuals: false, show_exact: true },
            size: Size::default(),
            home,
            view: home,
            cursor: None,
            stale: Stale::BOTH,
        }
    }
}

impl FitChart {
    /// Sets the size on the page and what it is on the backend.
    pub fn resize(&mut self, size: Size) {
        if self.size != size {
            self.size = size;
            self.stale = Stale::BOTH;
        }
    }

    /// Sets colours and font.
    pub fn set_theme(&mut self, theme: Theme) {
        self.theme = theme;
        self.stale = Stale::BOTH;
    }

    /// Names the axes.
    pub fn set_labels(&mut self, x: &str, y: &str) {
        self.labels = (x.to_owned(), y.to_owned());
        self.stale.base = true;
    }

    /// Replaces the points, forgets density and curves. Ranges are those of all rows, whether among the points or
    /// not. The zoom stays where the new ranges are about the old ones: a point was added, not a table loaded.
    pub fn set_dataset(
        &mut self,
        points_x: Vec<f32>,
        points_y: Vec<f32>,
        x_range: [f64; 2],
        y_range: [f64; 2],
    ) {
        self.points = Series::new(points_x, points_y);
        self.density = None;
        self.exact = Series::default();
        self.fit = Series::default();
        let (x0, x1) = padded(x_range, 0.03);
        let (y0, y1) = StableRange::default().update(Mapping::Linear, y_range[0], y_range[1]);
        // A scatter needs no zero: only the padding of the range is wanted, not the whole of it.
        let (y0, y1) = if y_range[1] > y_range[0] { padded(y_range, 0.06) } else { (y0, y1) };
        let home = [x0, x1, y0, y1];
        if !self.is_zoomed() || !is_similar(self.home, home) {
            self.view = home;
        }
        self.home = home;
        self.stale = Stale::BOTH;
    }

    /// Moves the points; the view stays.
    pub fn set_points(&mut self, points_x: Vec<f32>, points_y: Vec<f32>) {
        self.points = Series::new(points_x, points_y);
        self.stale = Stale::BOTH;
    }

    /// Shows counts on a grid instead of points.
    pub fn set_density(&mut self, density: Option<Density>) {
        self.density = density.filter(|density| {
            let n_cells = u64::from(density.columns) * u64::from(density.rows);
            n_cells > 0
                && n_cells == density.counts.len() as u64
                && density.x[1] > density.x[0]
                && density.y[1] > density.y[0]
        });
        self.stale.base = true;
    }

    /// The exact solution, by increasing x.
    pub fn set_exact(&mut self, curve_x: Vec<f32>, curve_y: Vec<f32>) {
        self.exact = Series::new(curve_x, curve_y);
        self.stale.top = true;
    }

    /// The current fit, by increasing x.
    pub fn set_fit(&mut self, curve_x: Vec<f32>, curve_y: Vec<f32>) {
        self.fit = Series::new(curve_x, curve_y);
        self.stale.top = true;
    }

    /// What to show on demand.
    pub fn set_options(&mut self, options: FitOptions) {
        self.stale.top |= self.options != options;
        self.options = options;
    }

    /// Puts the cursor at a data coordinate, or takes it away.
    pub fn set_cursor(&mut self, x: Option<f64>) {
        let x = x.filter(|x| x.is_finite());
        self.stale.top |= self.cursor != x;
        self.cursor = x;
    }

    /// Which layers are to be drawn again.
    #[must_use]
    pub fn stale(&self) -> Stale {
        self.stale
    }

    /// Says that both layers show the present state.
    pub fn mark_drawn(&mut self) {
        self.stale = Stale::NEITHER;
    }

    /// Left, right, bottom and top of what is shown.
    #[must_use]
    pub fn view(&self) -> [f64; 4] {
        self.view
    }

    /// Whether the view is not that of all data.
    #[must_use]
    pub fn is_zoomed(&self) -> bool {
        self.view != self.home
    }

    /// Shows all data again.
    pub fn reset_zoom(&mut self) {
        self.show(self.home);
    }

    /// Magnifies by `factor` about a place on the page, which keeps its data coordinates.
    pub fn zoom(&mut self, x_css: f64, y_css: f64, factor: f64) {
        let Some((x, y)) = self.data_at(x_css, y_css).filter(|_| factor.is_finite() && factor > 0.0) else {
            return;
        };
        let [x0, x1, y0, y1] = self.view;
        self.show([
            x + (x0 - x) / factor,
            x + (x1 - x) / factor,
            y + (y0 - y) / factor,
            y + (y1 - y) / factor,
        ]);
    }

    /// Moves the picture by CSS pixels.
    pub fn pan(&mut self, dx_css: f64, dy_css: f64) {
        let picture = self.picture();
        let css = self.size.scale.css;
        let [x0, x1, y0, y1] = self.view;
        let dx = dx_css * css / picture.plot.width() * (x1 - x0);
        let dy = dy_css * css / picture.plot.height() * (y1 - y0);
        self.show([x0 - dx, x1 - dx, y0 + dy, y1 + dy]);
    }

    /// Data coordinates at a place on the page; `None` before the chart has a size.
    #[must_use]
    pub fn data_at(&self, x_css: f64, y_css: f64) -> Option<(f64, f64)> {
        let picture = self.picture();
        if picture.plot.is_void(self.size.scale) {
            return None;
        }
        let css = self.size.scale.css;
        let place = (picture.x.value(x_css * css), picture.y.value(y_css * css));
        (place.0.is_finite() && place.1.is_finite()).then_some(place)
    }

    /// What is at a place on the page; `None` outside the plot.
    #[must_use]
    pub fn reading(&self, x_css: f64, y_css: f64) -> Option<FitReading> {
        let picture = self.picture();
        let css = self.size.scale.css;
        let (px, py) = (x_css * css, y_css * css);
        if picture.plot.is_void(self.size.scale) || !picture.plot.contains(px, py) {
            return None;
        }
        let distance = |i: usize| {
            let (x, y) = self.points.at(i);
            (picture.x.position(x) - px).hypot(picture.y.position(y) - py)
        };
        let nearest = (0..self.points.len())
            .map(|i| (distance(i), i))
            .filter(|(distance, _)| *distance <= REACH * css)
            .min_by(|a, b| a.0.total_cmp(&b.0));
        let x = picture.x.value(px);
        Some(FitReading {
            x,
            predicted: self.fit.value_at(x),
            exact: self.exact.value_at(x),
            point: nearest.map(|(_, i)| i as u32),
            point_x: nearest.map(|(_, i)| self.points.at(i).0),
            point_y: nearest.map(|(_, i)| self.points.at(i).1),
        })
    }

    /// The axes as they are drawn now: x, then y.
    #[must_use]
    pub fn axes(&self) -> (Axis, Axis) {
        let picture = self.picture();
        (picture.x, picture.y)
    }

    /// Where the data are drawn, in backend units.
    #[must_use]
    pub fn plot(&self) -> Rect {
        self.picture().plot
    }

    /// Draws grid, labels and points.
    ///
    /// # Errors
    /// What the backend reports.
    pub fn draw_base<DB: DrawingBackend>(&self, backend: &mut DB) -> Drawn<DB> {
        let picture = self.picture();
        if picture.plot.is_void(self.size.scale) {
            return Ok(());
        }
        let mut pen = Pen::new(backend, self.size.scale, &self.theme);
        self.draw_axes(&mut pen, &picture)?;
        match &self.density {
            Some(density) => self.draw_density(&mut pen, &picture, density),
            None => self.draw_points(&mut pen, &picture),
        }
    }

    /// Draws the curves, the residuals and the cursor.
    ///
    /// # Errors
    /// What the backend reports.
    pub fn draw_top<DB: DrawingBackend>(&self, backend: &mut DB) -> Drawn<DB> {
        let Picture { plot, x: x_axis, y: y_axis, .. } = self.picture();
        if plot.is_void(self.size.scale) {
            return Ok(());
        }
        let mut pen = Pen::new(backend, self.size.scale, &self.theme);
        let place = |(x, y): (f64, f64)| (x_axis.position(x), y_axis.position(y));
        if self.options.show_residuals && self.points.len() <= MOST_RESIDUALS {
            let colour = self.theme.points.faded(0.35);
            for point in self.points.iter() {
                if let Some(predicted) = self.fit.value_at(point.0) {
                    pen.polyline([place(point), place((point.0, predicted))], &plot, colour, 1.0)?;
                }
            }
        }
        // A halo keeps the curves apart from thousands of points beneath them; few points it would only cut.
        let is_crowded = self.density.is_some() || self.points.len() > 1000;
        let halo = self.theme.background.faded(if is_crowded { 0.7 } else { 0.0 });
        if self.options.show_exact {
            pen.polyline(self.exact.iter().map(place), &plot, halo, 4.0)?;
            pen.dashed(self.exact.iter().map(place), &plot, self.theme.exact, 2.0, (7.0, 5.0))?;
        }
        pen.polyline(self.fit.iter().map(place), &plot, halo, 5.0)?;
        pen.polyline(self.fit.iter().map(place), &plot, self.theme.fit, 2.5)?;
        let Some(cursor) = self.cursor.map(|x| x_axis.position(x)) else { return Ok(()) };
        if cursor < plot.left || cursor > plot.right {
            return Ok(());
        }
        pen.rule_down(cursor, plot.top, plot.bottom, self.theme.muted.faded(0.6), 1.0)?;
        let x = x_axis.value(cursor);
        let marks = [
            (self.exact.value_at(x).filter(|_| self.options.show_exact), self.theme.exact, 3.0),
            (self.fit.value_at(x), self.theme.fit, 4.5),
        ];
        for (value, colour, radius) in marks {
            let y = value.map_or(f64::NAN, |value| y_axis.position(value));
            if plot.contains(cursor, y) {
                pen.marker((cursor, y), radius, colour)?;
            }
        }
        Ok(())
    }

    fn draw_axes<DB: DrawingBackend>(&self, pen: &mut Pen<DB>, picture: &Picture) -> Drawn<DB> {
        let Picture { plot, x, y, x_ticks, y_ticks } = picture;
        let css = self.size.scale.css;
        let theme = &self.theme;
        for tick in y_ticks {
            let at = y.position(tick.value);
            pen.rule_across(at, plot.left, plot.right, theme.grid, 1.0)?;
            pen.text(
                &tick.label,
                (plot.left - LABEL_GAP * css, at),
                (HPos::Right, VPos::Center),
                theme.muted,
            )?;
        }
        let row = plot.bottom + 6.0 * css;
        for tick in x_ticks {
            let at = x.position(tick.value);
            pen.rule_down(at, plot.top, plot.bottom, theme.grid, 1.0)?;
            // Near the right edge a centred label would leave the canvas.
            let half = text_width(&tick.label) / 2.0 * css;
            let at = at.min(self.size.width * css - half);
            pen.text(&tick.label, (at, row), (HPos::Center, VPos::Top), theme.muted)?;
        }
        pen.rule_across(plot.bottom, plot.left, plot.right, theme.muted.faded(0.5), 1.0)?;
        let title = pen.fitted(&self.labels.1, plot.width());
        pen.text(&title, (plot.left, 4.0 * css), (HPos::Left, VPos::Top), theme.muted)?;
        let title = pen.fitted(&self.labels.0, plot.width());
        pen.text(&title, (plot.right, row + 17.0 * css), (HPos::Right, VPos::Top), theme.muted)
    }

    fn draw_points<DB: DrawingBackend>(&self, pen: &mut Pen<DB>, picture: &Picture) -> Drawn<DB> {
        let radius = point_radius(self.points.len());
        let colour = self.theme.points.faded(0.45);
        // A canvas fills many discs as one shape, in which overlaps do not darken. Neighbours in the data lie
        // side by side in the picture: taken in strides, they fall into different fills.
        let stride = self.points.len().div_ceil(64).max(1);
        for start in 0..stride {
            for i in (start..self.points.len()).step_by(stride) {
                let (x, y) = self.points.at(i);
                let place = (picture.x.position(x), picture.y.position(y));
                if picture.plot.contains(place.0, place.1) {
                    pen.disc(place, radius, colour)?;
                }
            }
        }
        Ok(())
    }

    fn draw_density<DB: DrawingBackend>(
        &self,
        pen: &mut Pen<DB>,
        picture: &Picture,
        density: &Density,
    ) -> Drawn<DB> {
        let most = density.counts.iter().copied().max().unwrap_or(0).max(1);
        let shade = |count: u32| {
            let share = f64::from(count).ln_1p() / f64::from(most).ln_1p();
            (share * N_SHADES as f64).ceil() as usize
        };
        let mut cells_of = vec![Vec::new(); N_SHADES + 1];
        for (i, &count) in density.counts.iter().enumerate() {
            cells_of[shade(count).min(N_SHADES)].push(i as u32);
        }
        let edge = |range: [f64; 2], at: u32, n: u32| {
            range[0] + (range[1] - range[0]) * f64::from(at) / f64::from(n)
        };
        let plot = &picture.plot;
        // Shade by shade, so that a canvas draws all cells of one colour at once.
        for (level, cells) in cells_of.iter().enumerate().skip(1) {
            let colour = self.theme.points.faded(0.04 + 0.56 * level as f64 / N_SHADES as f64);
            for &cell in cells {
                let (column, row) = (cell % density.columns, cell / density.columns);
                let cell = Rect {
                    left: picture.x.position(edge(density.x, column, density.columns)).max(plot.left),
                    right: picture.x.position(edge(density.x, column + 1, density.columns)).min(plot.right),
                    top: picture.y.position(edge(density.y, row + 1, density.rows)).max(plot.top),
                    bottom: picture.y.position(edge(density.y, row, density.rows)).min(plot.bottom),
                };
                if cell.left < cell.right && cell.top < cell.bottom {
                    pen.cell(&cell, colour)?;
                }
            }
        }
        Ok(())
    }

    fn picture(&self) -> Picture {
        let Size { width, height, scale } = self.size;
        let (top, bottom) = (TITLE_ROW * scale.css, (height - AXIS_ROWS) * scale.css);
        let [x0, x1, y0, y1] = self.view;
        let y = Axis { mapping: Mapping::Linear, low: y0, high: y1, start: bottom, end: top };
        let y_ticks = y.ticks(40.0 * scale.css);
        let left = label_column(width, &y_ticks) * scale.css;
        let right = (width - right_margin(width)) * scale.css;
        let x = Axis { mapping: Mapping::Linear, low: x0, high: x1, start: left, end: right };
        Picture {
            plot: Rect { left, top, right, bottom },
            x,
            y,
            x_ticks: spaced_ticks(scale.css, |gap| x.ticks(gap)),
            y_ticks,
        }
    }

    fn show(&mut self, view: [f64; 4]) {
        let [x0, x1, y0, y1] = view;
        let limits = |low: f64, high: f64, home_low: f64, home_high: f64| {
            let (span, home) = (high - low, home_high - home_low);
            // Points are f32: below this the picture would show their rounding.
            let least = (home * 1e-5).max(low.abs().max(high.abs()) * 1e-6);
            low.is_finite() && high.is_finite() && span >= least && span <= home * 1000.0
        };
        if limits(x0, x1, self.home[0], self.home[1]) && limits(y0, y1, self.home[2], self.home[3]) {
            self.view = view;
            self.stale = Stale::BOTH;
        }
    }
}

/// What the size and the view make of the canvas.
struct Picture {
    plot: Rect,
    x: Axis,
    y: Axis,
    x_ticks: Vec<Tick>,
    y_ticks: Vec<Tick>,
}

/// Whether two views share most of what either shows.
fn is_similar(a: [f64; 4], b: [f64; 4]) -> bool {
    let share =
        |i: usize| (a[i + 1].min(b[i + 1]) - a[i].max(b[i])) / (a[i + 1].max(b[i + 1]) - a[i].min(b[i]));
    share(0) > 0.7 && share(2) > 0.7
}

/// From 3.5 CSS pixels for a hundred points to 1.2 for 20,000, evenly in the logarithm.
fn point_radius(n: usize) -> f64 {
    let share = ((n.max(1) as f64).log10() - 2.0) / (20_000_f64.log10() - 2.0);
    3.5 + (1.2 - 3.5) * share.clamp(0.0, 1.0)
}

fn padded([low, high]: [f64; 2], share: f64) -> (f64, f64) {
    if !low.is_finite() || !high.is_finite() || high < low {
        return (-1.0, 1.0);
    }
    if high == low {
        let half = if low == 0.0 { 1.0 } else { low.abs() * 0.5 };
        return (low - half, high + half);
    }
    let pad = (high - low) * share;
    (low - pad, high + pad)
}
