use super::axis::Axis;
use super::layout::{Rect, Size};
use super::loss_picture::{Picture, View};
use super::pen::Drawn;
use super::range::StableRange;
use super::theme::Theme;
use super::viewport::Span;
use super::{Mapping, Stale};
use crate::history::{Column, History, HistoryDelta, smooth};
use plotters_backend::DrawingBackend;
use serde::Serialize;

/// If an evaluated loss lies within this distance of the pointer, in CSS pixels, it is selected even if a
/// step without one is nearer.
const LOSS_REACH: f64 = 8.0;
/// Maximum distance in CSS pixels between the pointer and the mark that it selects.
const MARK_REACH: f64 = 6.0;

/// Options of the loss chart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LossOptions {
    /// Whether the axis of steps is logarithmic, `log10(step + 1)`.
    pub log_x: bool,
    /// Whether the axis of losses is logarithmic.
    pub log_y: bool,
    /// Factor of the moving average of the batch loss, from 0 (no smoothing) to 0.999.
    pub smoothing: f64,
    /// Whether to draw the batch loss, as a band from its least to its greatest value, with its mean.
    pub show_batch: bool,
}

impl Default for LossOptions {
    fn default() -> Self {
        Self { log_x: false, log_y: true, smoothing: 0.0, show_batch: true }
    }
}

/// The values at the pointer or keyboard cursor of the loss chart (`LossReading` in TypeScript).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LossReading {
    /// The first step of the pixel column at the cursor.
    pub step: f64,
    /// The last step of the pixel column at the cursor.
    pub step_end: f64,
    /// The last evaluated loss in the column.
    pub loss: Option<f64>,
    /// The mean batch loss in the column, smoothed if the chart smooths it.
    pub batch_loss: Option<f64>,
    /// The last learning rate in the column.
    pub rate: Option<f64>,
    /// The last validation loss in the column.
    pub validation: Option<f64>,
    /// The x position of the cursor on the canvas, in CSS pixels.
    pub x: f64,
    /// The y position of the column's loss (or else of its batch loss), in CSS pixels.
    pub y: f64,
    /// Index of the nearest mark, if it is close enough to the pointer.
    pub mark: Option<u32>,
}

/// The loss chart: losses over steps, with the learning rate in a strip below.
#[derive(Clone, Debug, Default)]
pub struct LossChart {
    history: History,
    means: Vec<f32>,
    step: u64,
    marks: Vec<u64>,
    reference: Option<f64>,
    diverged: Option<u64>,
    options: LossOptions,
    labels: [String; 3],
    theme: Theme,
    size: Size,
    /// The visible range of steps in mapped coordinates; `None` shows the whole run as it grows.
    zoom: Option<Span>,
    y_range: StableRange,
    rate_range: StableRange,
    cursor: Option<f64>,
    picture: Option<Picture>,
    stale: Option<Stale>,
}

impl LossChart {
    /// Sets the size of the chart and the scale of its backend.
    pub fn resize(&mut self, size: Size) {
        if self.size != size {
            self.size = size;
            self.touch();
        }
    }

    /// Sets the colours and font of the chart.
    pub fn set_theme(&mut self, theme: Theme) {
        self.theme = theme;
        self.touch();
    }

    /// Sets the titles of the axes: steps, losses and learning rate.
    pub fn set_labels(&mut self, step: &str, loss: &str, rate: &str) {
        self.labels = [step, loss, rate].map(str::to_owned);
        self.touch();
    }

    /// Adds the part of the history that changed since the last delta; the run has made `step` updates.
    pub fn apply(&mut self, delta: &HistoryDelta, step: u64) {
        self.history.apply(delta);
        self.step = step;
        self.smooth();
    }

    /// Clears history, marks, reference, divergence, zoom and cursor, for another run.
    pub fn clear(&mut self) {
        self.history.clear();
        self.step = 0;
        self.marks.clear();
        self.reference = None;
        self.diverged = None;
        self.zoom = None;
        self.cursor = None;
        self.y_range.reset();
        self.rate_range.reset();
        self.smooth();
    }

    /// Sets the marks: the steps at which the configuration was changed during the run, in ascending order.
    pub fn set_marks(&mut self, steps: Vec<u64>) {
        if self.marks != steps {
            self.marks = steps;
            self.touch();
        }
    }

    /// Sets the lowest loss that the model can reach, drawn as a reference line; `None` draws none.
    pub fn set_reference(&mut self, loss: Option<f64>) {
        let loss = loss.filter(|loss| loss.is_finite());
        if self.reference != loss {
            self.reference = loss;
            self.touch();
        }
    }

    /// Sets the step at which the run diverged; `None` if it has not.
    pub fn set_diverged(&mut self, step: Option<u64>) {
        if self.diverged != step {
            self.diverged = step;
            self.touch();
        }
    }

    /// Sets axes, smoothing and optional parts of the chart.
    pub fn set_options(&mut self, options: LossOptions) {
        if self.options == options {
            return;
        }
        if self.options.log_x != options.log_x {
            self.zoom = None;
        }
        self.options = options;
        self.smooth();
    }

    /// Returns the layers that must be redrawn.
    #[must_use]
    pub fn stale(&self) -> Stale {
        self.stale.unwrap_or(Stale::BOTH)
    }

    /// Declares that both layers have been drawn in the current state.
    pub fn mark_drawn(&mut self) {
        self.stale = Some(Stale::NEITHER);
    }

    /// Returns the values at a position on the chart in CSS pixels; `None` outside the plots or where nothing
    /// was recorded.
    pub fn reading(&mut self, x_css: f64, y_css: f64) -> Option<LossReading> {
        let css = self.size.scale.css;
        let picture = self.picture();
        let (x, y) = (x_css * css, y_css * css);
        if !picture.plot.contains(x, y) && !picture.strip.contains(x, y) {
            return None;
        }
        self.read_near(x_css)
    }

    /// Moves the cursor line to this x on the chart, in CSS pixels; `None` removes it.
    pub fn set_cursor(&mut self, x_css: Option<f64>) {
        let x_css = x_css.filter(|x| x.is_finite());
        if self.cursor != x_css {
            self.cursor = x_css;
            self.touch_top();
        }
    }

    /// Moves the cursor by this many non-empty pixel columns, beginning at the last one, and returns the
    /// values there.
    pub fn move_cursor(&mut self, columns: i32) -> Option<LossReading> {
        let css = self.size.scale.css;
        let cursor = self.cursor.map(|x| x * css);
        let picture = self.picture();
        let visible: Vec<f64> = picture.visible_columns().map(|column| picture.x_of(column)).collect();
        let last = visible.len().checked_sub(1)?;
        let at = match cursor {
            Some(cursor) => {
                let nearest = visible
                    .iter()
                    .enumerate()
                    .min_by(|a, b| (a.1 - cursor).abs().total_cmp(&(b.1 - cursor).abs()));
                nearest.map_or(last, |(i, _)| i).saturating_add_signed(columns as isize).min(last)
            }
            None => last,
        };
        let column = *picture.visible_columns().nth(at)?;
        self.set_cursor(Some(visible[at] / css));
        Some(self.reading_of(&column))
    }

    /// Zooms the axis of steps by `factor`, keeping the step at `x_css` fixed.
    pub fn zoom(&mut self, x_css: f64, _y_css: f64, factor: f64) {
        let x = x_css * self.size.scale.css;
        let at = self.picture().x.mapped(x);
        if factor.is_finite() && factor > 0.0 && at.is_finite() {
            self.show(self.shown().magnified(at, factor));
        }
    }

    /// Pans the axis of steps by `dx_css` CSS pixels; the axis of losses adapts to the visible part.
    pub fn pan(&mut self, dx_css: f64, _dy_css: f64) {
        let css = self.size.scale.css;
        let width = self.picture().plot.width();
        let (shown, full) = (self.shown(), self.full());
        // Stops at the ends of the run instead of squeezing the view.
        let shift = -dx_css * css / width * shown.length();
        let shift = shift.clamp(full.low - shown.low, (full.high - shown.high).max(0.0));
        if self.zoom.is_some() {
            self.show(shown.shifted(shift));
        }
    }

    /// Shows the whole run again, and continues to do so as it grows.
    pub fn reset_zoom(&mut self) {
        if self.zoom.take().is_some() {
            self.touch();
        }
    }

    /// Whether less than the whole run is shown.
    #[must_use]
    pub fn is_zoomed(&self) -> bool {
        self.zoom.is_some()
    }

    /// Returns the current axes of steps, losses and rates.
    pub fn axes(&mut self) -> [Axis; 3] {
        let picture = self.picture();
        [picture.x, picture.y, picture.rate]
    }

    /// Returns the plot areas of losses and rates, in backend units.
    pub fn plots(&mut self) -> (Rect, Rect) {
        let picture = self.picture();
        (picture.plot, picture.strip)
    }

    /// Draws everything except the cursor.
    ///
    /// # Errors
    /// The errors of the backend.
    pub fn draw_base<DB: DrawingBackend>(&mut self, backend: &mut DB) -> Drawn<DB> {
        self.picture();
        let Some(picture) = &self.picture else { return Ok(()) };
        picture.draw_base(backend, &self.view())
    }

    /// Draws the dynamic layer: the cursor.
    ///
    /// # Errors
    /// The errors of the backend.
    pub fn draw_top<DB: DrawingBackend>(&mut self, backend: &mut DB) -> Drawn<DB> {
        let Some(reading) = self.cursor.and_then(|x| self.read_near(x)) else { return Ok(()) };
        let Some(picture) = &self.picture else { return Ok(()) };
        picture.draw_cursor(backend, &self.view(), &reading)
    }

    fn view(&self) -> View<'_> {
        View {
            size: self.size,
            theme: &self.theme,
            labels: &self.labels,
            options: self.options,
            marks: &self.marks,
            reference: self.reference,
            diverged: self.diverged,
        }
    }

    fn picture(&mut self) -> &Picture {
        let shown = self.shown();
        let step = self.step;
        // Taken out and put back, so that the borrow ends before the view is built.
        let picture = match self.picture.take() {
            Some(picture) => picture,
            None => {
                let (mut y_range, mut rate_range) = (self.y_range, self.rate_range);
                let ranges = (&mut y_range, &mut rate_range);
                let picture = Picture::new(&self.view(), &self.history, &self.means, shown, step, ranges);
                (self.y_range, self.rate_range) = (y_range, rate_range);
                picture
            }
        };
        self.picture.insert(picture)
    }

    fn read_near(&mut self, x_css: f64) -> Option<LossReading> {
        let css = self.size.scale.css;
        let picture = self.picture();
        let distance = |column: &Column| (picture.x_of(column) - x_css * css).abs();
        let nearest = |with_loss: bool| {
            picture
                .visible_columns()
                .filter(|column| !with_loss || !column.loss.is_nan())
                .map(|column| (distance(column), *column))
                .min_by(|a, b| a.0.total_cmp(&b.0))
        };
        let column = match nearest(true) {
            Some((distance, column)) if distance <= LOSS_REACH * css => column,
            _ => nearest(false)?.1,
        };
        Some(self.reading_of(&column))
    }

    fn reading_of(&mut self, column: &Column) -> LossReading {
        let css = self.size.scale.css;
        let step = self.step;
        let marks = self.marks.clone();
        let picture = self.picture();
        let place = picture.x_of(column);
        let mark = marks
            .iter()
            .enumerate()
            .map(|(i, step)| (i as u32, (picture.x_of_step(*step) - place).abs()))
            .filter(|(_, apart)| *apart <= MARK_REACH * css)
            .min_by(|a, b| a.1.total_cmp(&b.1))
            .map(|(i, _)| i);
        let some = |value: f32| value.is_finite().then(|| f64::from(value));
        let (loss, batch_loss) = (some(column.loss), some(column.batch_loss_mean));
        let y = loss.or(batch_loss).map_or(f64::NAN, |value| picture.y.position(value));
        let y = if y.is_finite() { y.clamp(picture.plot.top, picture.plot.bottom) } else { picture.plot.top };
        LossReading {
            step: column.first_step as f64,
            step_end: column.last_step.min(step.max(column.first_step)) as f64,
            loss,
            batch_loss,
            rate: some(column.rate),
            validation: some(column.validation),
            x: place / css,
            y: y / css,
            mark,
        }
    }

    fn mapping(&self) -> Mapping {
        if self.options.log_x { Mapping::LogStep } else { Mapping::Linear }
    }

    /// The range of steps of the whole run, but at least ten steps, so that the axis does not rescale at each
    /// of the first steps.
    fn full(&self) -> Span {
        Span::new(0.0, self.mapping().forward(self.step.max(10) as f64))
    }

    fn shown(&self) -> Span {
        self.zoom.unwrap_or_else(|| self.full())
    }

    fn show(&mut self, wanted: Span) {
        let full = self.full();
        let span = Span::new(wanted.low.max(full.low), wanted.high.min(full.high));
        let n_steps = self.mapping().inverse(span.high) - self.mapping().inverse(span.low);
        if span.low <= full.low && span.high >= full.high {
            self.reset_zoom();
        } else if span.low.is_finite() && span.high.is_finite() && n_steps >= 4.0 {
            self.zoom = Some(span);
            self.touch();
        }
    }

    fn smooth(&mut self) {
        let means = self.history.batch_loss_mean();
        let factor = self.options.smoothing as f32;
        self.means = if factor > 0.0 { smooth(&means, factor) } else { means };
        self.touch();
    }

    fn touch(&mut self) {
        self.picture = None;
        self.stale = Some(Stale::BOTH);
    }

    fn touch_top(&mut self) {
        self.stale = Some(Stale { top: true, ..self.stale() });
    }
}
