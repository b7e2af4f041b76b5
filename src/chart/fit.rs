use super::axis::Mapping;
use super::layout::Rect;
use super::pen::{Drawn, Pen};
use super::range::StableRange;
use super::series::Series;
use super::stage::{Frame, Stage};
use super::viewport::{Span, Viewport};
use super::{Density, Stale};
use plotters_backend::DrawingBackend;
use serde::Serialize;

/// Maximum number of points for which residuals are drawn; more would be a grey area.
const MOST_RESIDUALS: usize = 2000;
/// The maximum distance in CSS pixels from the pointer to a point that it reads.
const REACH: f64 = 12.0;
/// Number of opacity levels of a density: enough to look continuous, few enough to draw in few fills.
const N_SHADES: usize = 24;

/// Options of the fit chart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FitOptions {
    /// Whether to draw residuals as thin lines from the points to the fit, for at most 2,000 points.
    pub show_residuals: bool,
    /// Whether to draw the curve of the exact solution.
    pub show_exact: bool,
}

/// The values at the pointer's position in the fit chart (`FitReading` in TypeScript).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct FitReading {
    /// The x coordinate at the pointer, in units of the data.
    pub x: f64,
    /// The prediction of the current fit at `x`.
    pub predicted: Option<f64>,
    /// The prediction of the exact solution at `x`.
    pub exact: Option<f64>,
    /// Index of the nearest point within 12 CSS pixels of the pointer.
    pub point: Option<u32>,
    /// The x of the nearest point.
    pub point_x: Option<f64>,
    /// The y of the nearest point.
    pub point_y: Option<f64>,
}

/// The chart of points, the curve that is being fitted to them and the exact solution.
#[derive(Clone, Debug)]
pub struct FitChart {
    /// Size, axes and visible range of the chart.
    pub stage: Stage,
    points: Series,
    density: Option<Density>,
    exact: Series,
    fit: Series,
    options: FitOptions,
    cursor: Option<f64>,
}

impl Default for FitChart {
    fn default() -> Self {
        Self {
            stage: Stage::new(Viewport::new([Span::new(-1.0, 1.0); 2], 1000.0), 40.0),
            points: Series::default(),
            density: None,
            exact: Series::default(),
            fit: Series::default(),
            options: FitOptions { show_residuals: false, show_exact: true },
            cursor: None,
        }
    }
}

impl FitChart {
    /// Sets the titles of the x and y axes.
    pub fn set_labels(&mut self, x: &str, y: &str) {
        self.stage.titles = [x, y].map(str::to_owned);
        self.stage.stale.base = true;
    }

    /// Replaces the points; drops density and curves. The ranges are those of all rows, including
    /// rows that are not among the points. The zoom is kept if the new ranges are similar to the
    /// old ones, as after adding a point.
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
        // A scatter plot does not need to include zero, so its range is padded. A single value gets
        // the range that losses would have.
        let (y_low, y_high) = StableRange::default().update(Mapping::Linear, y_range[0], y_range[1]);
        let y = if y_range[1] > y_range[0] { padded(y_range, 0.06) } else { Span::new(y_low, y_high) };
        let home = [padded(x_range, 0.03), y];
        let is_similar = Viewport::is_similar(self.stage.viewport.home(), home);
        self.stage.viewport.set_home(home, is_similar);
        self.stage.stale = Stale::BOTH;
    }

    /// Replaces the points without changing the visible range.
    pub fn set_points(&mut self, points_x: Vec<f32>, points_y: Vec<f32>) {
        self.points = Series::new(points_x, points_y);
        self.stage.stale = Stale::BOTH;
    }

    /// Shows row counts on a grid instead of points; `None` shows the points again.
    pub fn set_density(&mut self, density: Option<Density>) {
        self.density = density.filter(|density| {
            let n_cells = u64::from(density.columns) * u64::from(density.rows);
            n_cells > 0
                && n_cells == density.counts.len() as u64
                && density.x[1] > density.x[0]
                && density.y[1] > density.y[0]
        });
        self.stage.stale.base = true;
    }

    /// Sets the curve of the exact solution; `curve_x` must be ascending.
    pub fn set_exact(&mut self, curve_x: Vec<f32>, curve_y: Vec<f32>) {
        self.exact = Series::new(curve_x, curve_y);
        self.stage.stale.top = true;
    }

    /// Sets the curve of the current fit; `curve_y` has its value at each of `curve_x`, which must be
    /// ascending.
    pub fn set_fit(&mut self, curve_x: Vec<f32>, curve_y: Vec<f32>) {
        self.fit = Series::new(curve_x, curve_y);
        self.stage.stale.top = true;
    }

    /// Sets which optional parts of the chart are drawn.
    pub fn set_options(&mut self, options: FitOptions) {
        self.stage.stale.top |= self.options != options;
        self.options = options;
    }

    /// Moves the cursor line to this x in units of the data; `None` removes it.
    pub fn set_cursor(&mut self, x: Option<f64>) {
        let x = x.filter(|x| x.is_finite());
        self.stage.stale.top |= self.cursor != x;
        self.cursor = x;
    }

    /// Returns the values at a position on the chart in CSS pixels; `None` outside the plot.
    #[must_use]
    pub fn reading(&self, x_css: f64, y_css: f64) -> Option<FitReading> {
        let (frame, (px, py)) = self.stage.inside(x_css, y_css)?;
        let distance = |i: usize| {
            let (x, y) = frame.place(self.points.at(i));
            (x - px).hypot(y - py)
        };
        let nearest = (0..self.points.len())
            .map(|i| (distance(i), i))
            .filter(|(distance, _)| *distance <= REACH * self.stage.size.scale.css)
            .min_by(|a, b| a.0.total_cmp(&b.0));
        let x = frame.x.value(px);
        Some(FitReading {
            x,
            predicted: self.fit.value_at(x),
            exact: self.exact.value_at(x),
            point: nearest.map(|(_, i)| i as u32),
            point_x: nearest.map(|(_, i)| self.points.at(i).0),
            point_y: nearest.map(|(_, i)| self.points.at(i).1),
        })
    }

    /// Draws the static layer: grid, labels and points.
    ///
    /// # Errors
    /// The errors of the backend.
    pub fn draw_base<DB: DrawingBackend>(&self, backend: &mut DB) -> Drawn<DB> {
        let Some(frame) = self.stage.visible_frame() else { return Ok(()) };
        let mut pen = Pen::new(backend, self.stage.size.scale, &self.stage.theme);
        self.stage.draw_axes(&mut pen, &frame)?;
        match &self.density {
            Some(density) => self.draw_density(&mut pen, &frame, density),
            None => self.draw_points(&mut pen, &frame),
        }
    }

    /// Draws the dynamic layer: curves, residuals and cursor.
    ///
    /// # Errors
    /// The errors of the backend.
    pub fn draw_top<DB: DrawingBackend>(&self, backend: &mut DB) -> Drawn<DB> {
        let Some(frame) = self.stage.visible_frame() else { return Ok(()) };
        let (theme, plot) = (&self.stage.theme, frame.plot);
        let mut pen = Pen::new(backend, self.stage.size.scale, theme);
        let place = |pair: (f64, f64)| frame.place(pair);
        if self.options.show_residuals && self.points.len() <= MOST_RESIDUALS {
            let colour = theme.points.faded(0.35);
            for point in self.points.iter() {
                if let Some(predicted) = self.fit.value_at(point.0) {
                    pen.polyline([place(point), place((point.0, predicted))], &plot, colour, 1.0)?;
                }
            }
        }
        // A halo separates the curves from thousands of points beneath them; few points would only
        // be cut by it.
        let is_crowded = self.density.is_some() || self.points.len() > 1000;
        let halo = theme.background.faded(if is_crowded { 0.7 } else { 0.0 });
        if self.options.show_exact {
            pen.polyline(self.exact.iter().map(place), &plot, halo, 4.0)?;
            pen.dashed(self.exact.iter().map(place), &plot, theme.exact, 2.0, (7.0, 5.0))?;
        }
        pen.polyline(self.fit.iter().map(place), &plot, halo, 5.0)?;
        pen.polyline(self.fit.iter().map(place), &plot, theme.fit, 2.5)?;
        let Some(cursor) = self.cursor.map(|x| frame.x.position(x)) else { return Ok(()) };
        if cursor < plot.left || cursor > plot.right {
            return Ok(());
        }
        pen.rule_down(cursor, plot.top, plot.bottom, theme.muted.faded(0.6), 1.0)?;
        let x = frame.x.value(cursor);
        let marks = [
            (self.exact.value_at(x).filter(|_| self.options.show_exact), theme.exact, 3.0),
            (self.fit.value_at(x), theme.fit, 4.5),
        ];
        for (value, colour, radius) in marks {
            let y = value.map_or(f64::NAN, |value| frame.y.position(value));
            if plot.contains(cursor, y) {
                pen.marker((cursor, y), radius, colour)?;
            }
        }
        Ok(())
    }

    fn draw_points<DB: DrawingBackend>(&self, pen: &mut Pen<DB>, frame: &Frame) -> Drawn<DB> {
        let radius = point_radius(self.points.len());
        let colour = self.stage.theme.points.faded(0.45);
        // A canvas fills many discs as one shape, in which overlaps do not darken. Neighbors in the
        // data are neighbors in the picture, so points are taken in strides to put them into
        // different fills.
        let stride = self.points.len().div_ceil(64).max(1);
        for start in 0..stride {
            for i in (start..self.points.len()).step_by(stride) {
                let place = frame.place(self.points.at(i));
                if frame.plot.contains(place.0, place.1) {
                    pen.disc(place, radius, colour)?;
                }
            }
        }
        Ok(())
    }

    fn draw_density<DB: DrawingBackend>(
        &self,
        pen: &mut Pen<DB>,
        frame: &Frame,
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
        let plot = &frame.plot;
        // Shade by shade, so that a canvas draws all cells of one colour at once.
        for (level, cells) in cells_of.iter().enumerate().skip(1) {
            let colour = self.stage.theme.points.faded(0.04 + 0.56 * level as f64 / N_SHADES as f64);
            for &cell in cells {
                let (column, row) = (cell % density.columns, cell / density.columns);
                let cell = Rect {
                    left: frame.x.position(edge(density.x, column, density.columns)).max(plot.left),
                    right: frame.x.position(edge(density.x, column + 1, density.columns)).min(plot.right),
                    top: frame.y.position(edge(density.y, row + 1, density.rows)).max(plot.top),
                    bottom: frame.y.position(edge(density.y, row, density.rows)).min(plot.bottom),
                };
                if cell.left < cell.right && cell.top < cell.bottom {
                    pen.cell(&cell, colour)?;
                }
            }
        }
        Ok(())
    }
}

/// Radius in CSS pixels of a point if there are `n` points: from 3.5 for a hundred points to 1.2 for 20,000,
/// linear in the logarithm of `n`.
fn point_radius(n: usize) -> f64 {
    let share = ((n.max(1) as f64).log10() - 2.0) / (20_000_f64.log10() - 2.0);
    3.5 + (1.2 - 3.5) * share.clamp(0.0, 1.0)
}

/// A range extended at both ends by a fraction of its length.
fn padded([low, high]: [f64; 2], fraction: f64) -> Span {
    if !low.is_finite() || !high.is_finite() || high < low {
        return Span::new(-1.0, 1.0);
    }
    let room = match high - low {
        0.0 if low == 0.0 => 1.0,
        0.0 => low.abs() * 0.5,
        length => length * fraction,
    };
    Span::new(low - room, high + room)
}
