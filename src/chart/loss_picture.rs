use super::axis::{Axis, Mapping, Tick};
use super::layout::{AXIS_ROWS, Rect, Size, TITLE_ROW, label_column, right_margin, spaced_ticks, text_width};
use super::loss::{LossOptions, LossReading};
use super::pen::{Drawn, Pen};
use super::range::StableRange;
use super::theme::Theme;
use super::viewport::Span;
use crate::history::{Column, History};
use plotters::style::text_anchor::{HPos, VPos};
use plotters_backend::DrawingBackend;

/// The fraction of the height that is used for losses; the rest shows the learning rate.
const LOSS_SHARE: f64 = 0.75;

/// Everything that the loss chart shows apart from its history.
pub(super) struct View<'a> {
    pub(super) size: Size,
    pub(super) theme: &'a Theme,
    pub(super) labels: &'a [String; 3],
    pub(super) options: LossOptions,
    pub(super) marks: &'a [u64],
    pub(super) reference: Option<f64>,
    pub(super) diverged: Option<u64>,
}

/// The history laid out in pixel columns: computed once per change, then drawn and read many times.
#[derive(Clone, Debug)]
pub(super) struct Picture {
    pub(super) plot: Rect,
    pub(super) strip: Rect,
    pub(super) x: Axis,
    pub(super) y: Axis,
    pub(super) rate: Axis,
    y_ticks: Vec<Tick>,
    rate_ticks: Vec<Tick>,
    columns: Vec<Column>,
    step: u64,
}

impl Picture {
    pub(super) fn new(
        view: &View,
        history: &History,
        means: &[f32],
        shown: Span,
        step: u64,
        (y_range, rate_range): (&mut StableRange, &mut StableRange),
    ) -> Self {
        let Size { width, height, scale } = view.size;
        let right = (width - right_margin(width)) * scale.css;
        let room = (height - 2.0 * TITLE_ROW - AXIS_ROWS).max(0.0);
        let vertical = |top: f64, height: f64| (top * scale.css, (top + height) * scale.css);
        let (plot_top, plot_bottom) = vertical(TITLE_ROW, room * LOSS_SHARE);
        let (strip_top, strip_bottom) =
            vertical(2.0 * TITLE_ROW + room * LOSS_SHARE, room * (1.0 - LOSS_SHARE));

        let x_mapping = if view.options.log_x { Mapping::LogStep } else { Mapping::Linear };
        let x_axis = |left: f64| Axis {
            mapping: x_mapping,
            low: shown.low,
            high: shown.high,
            start: left,
            end: right,
        };
        let decimate = |x: &Axis| {
            let n_columns = ((x.end - x.start) / scale.device).clamp(0.0, 8192.0) as usize;
            history.decimate(means, n_columns, |column| x.value(x.start + column as f64 * scale.device))
        };
        // The loss axis determines the width of its labels, the width determines the columns, and
        // the columns determine the axis. So this starts with the usual width and repeats once if
        // that is too narrow.
        let mut left = label_column(width, &[]) * scale.css;
        loop {
            let x = x_axis(left);
            let columns = decimate(&x);
            let inside = || columns.iter().filter(|column| within(column, &x, step));
            let y_mapping = if view.options.log_y { Mapping::Log } else { Mapping::Linear };
            let (least, most) = loss_range(inside(), view, y_mapping);
            let (y_low, y_high) = y_range.update(y_mapping, least, most);
            let y = Axis { mapping: y_mapping, low: y_low, high: y_high, start: plot_bottom, end: plot_top };
            let (mapping, least, most) = rates_range(inside());
            let (rate_low, rate_high) = rate_range.update(mapping, least, most);
            let rate = Axis { mapping, low: rate_low, high: rate_high, start: strip_bottom, end: strip_top };
            let y_ticks = y.ticks(34.0 * scale.css);
            let rate_ticks = rate.ticks(17.0 * scale.css);
            let needed = label_column(width, &y_ticks).max(label_column(width, &rate_ticks)) * scale.css;
            if needed <= left || needed >= right {
                let plot = Rect { left, top: plot_top, right, bottom: plot_bottom };
                let strip = Rect { left, top: strip_top, right, bottom: strip_bottom };
                return Self { plot, strip, x, y, rate, y_ticks, rate_ticks, columns, step };
            }
            left = needed;
        }
    }

    /// The pixel columns that lie within the plot.
    pub(super) fn visible_columns(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(|column| within(column, &self.x, self.step))
    }

    /// The x position of a step, in backend units.
    pub(super) fn x_of_step(&self, step: u64) -> f64 {
        self.x.position(step as f64)
    }

    pub(super) fn x_of(&self, column: &Column) -> f64 {
        self.x.position(middle(column, self.step))
    }

    pub(super) fn draw_base<DB: DrawingBackend>(&self, backend: &mut DB, view: &View) -> Drawn<DB> {
        let mut pen = Pen::new(backend, view.size.scale, view.theme);
        if self.plot.is_void(view.size.scale) {
            return Ok(());
        }
        self.draw_axes(&mut pen, view)?;
        self.draw_mark_lines(&mut pen, view)?;
        if view.options.show_batch {
            self.draw_band(&mut pen, view)?;
            let means =
                self.columns.iter().map(|column| (self.x_of(column), self.y_of(column.batch_loss_mean)));
            pen.polyline(means, &self.plot, view.theme.batch.faded(0.75), 1.0)?;
        }
        if let Some(reference) = view.reference {
            let y = self.y.position(reference);
            let line = [(self.plot.left, y), (self.plot.right, y)];
            pen.dashed(line, &self.plot, view.theme.exact, 1.5, (7.0, 5.0))?;
        }
        self.draw_validation(&mut pen, view)?;
        // A column with many evaluations shows its lowest and highest; one without evaluations does
        // not interrupt the line.
        let losses = self.columns.iter().filter(|column| !column.loss.is_nan()).flat_map(|column| {
            let x = self.x_of(column);
            let ends = [column.loss_max, column.loss_min, column.loss];
            let n = if column.loss_min < column.loss_max { 0 } else { 2 };
            ends.into_iter().skip(n).map(move |loss| (x, self.y_of(loss)))
        });
        pen.polyline(losses, &self.plot, view.theme.fit, 2.25)?;
        self.draw_rate(&mut pen, view)?;
        self.draw_diverged(&mut pen, view)?;
        self.draw_mark_numbers(&mut pen, view)
    }

    pub(super) fn draw_cursor<DB: DrawingBackend>(
        &self,
        backend: &mut DB,
        view: &View,
        reading: &LossReading,
    ) -> Drawn<DB> {
        let mut pen = Pen::new(backend, view.size.scale, view.theme);
        if self.plot.is_void(view.size.scale) {
            return Ok(());
        }
        let x = reading.x * view.size.scale.css;
        let colour = view.theme.muted.faded(0.6);
        pen.rule_down(x, self.plot.top, self.plot.bottom, colour, 1.0)?;
        let mut marker = |rect: &Rect, y: f64, radius: f64, colour| {
            if rect.contains(x, y) { pen.marker((x, y), radius, colour) } else { Ok(()) }
        };
        let position = |axis: &Axis, value: Option<f64>| value.map_or(f64::NAN, |value| axis.position(value));
        if view.options.show_batch {
            marker(&self.plot, position(&self.y, reading.batch_loss), 3.0, view.theme.batch)?;
        }
        marker(&self.plot, position(&self.y, reading.validation), 3.5, view.theme.validation)?;
        marker(&self.plot, position(&self.y, reading.loss), 4.5, view.theme.fit)?;
        if !self.strip.is_void(view.size.scale) {
            pen.rule_down(x, self.strip.top, self.strip.bottom, colour, 1.0)?;
            let y = position(&self.rate, reading.rate);
            if self.strip.contains(x, y) {
                pen.marker((x, y), 3.5, view.theme.rate)?;
            }
        }
        Ok(())
    }

    fn draw_axes<DB: DrawingBackend>(&self, pen: &mut Pen<DB>, view: &View) -> Drawn<DB> {
        let css = view.size.scale.css;
        let has_strip = !self.strip.is_void(view.size.scale);
        let plots = if has_strip { &[&self.plot, &self.strip][..] } else { &[&self.plot][..] };
        let [step, loss, rate] = view.labels;
        pen.vertical_axis(&self.plot, &self.y, &self.y_ticks)?;
        if has_strip {
            pen.vertical_axis(&self.strip, &self.rate, &self.rate_ticks)?;
        }
        let step_ticks = spaced_ticks(css, |gap| self.x.step_ticks(gap));
        pen.horizontal_axis(plots, &self.x, &step_ticks, view.size)?;
        // Above the plots, and clear of the tick labels, the lowest and highest of which stick out.
        pen.title_above(loss, &self.plot, TITLE_ROW - 4.0)?;
        if has_strip {
            pen.title_above(rate, &self.strip, TITLE_ROW - 5.0)?;
        }
        pen.title_below(step, plots[plots.len() - 1])
    }

    fn draw_band<DB: DrawingBackend>(&self, pen: &mut Pen<DB>, view: &View) -> Drawn<DB> {
        let colour = view.theme.batch.faded(0.28);
        let inside = |value: f32| {
            // Values without a logarithm are drawn below the plot.
            let y = self.y_of(value);
            if y.is_nan() { self.plot.bottom } else { y.clamp(self.plot.top, self.plot.bottom) }
        };
        let mut outline = Vec::new();
        for run in self.columns.split(|column| column.batch_loss_min.is_nan()) {
            let x = |column: &Column| self.x_of(column).clamp(self.plot.left, self.plot.right);
            outline.clear();
            outline.extend(run.iter().map(|column| (x(column), inside(column.batch_loss_max))));
            outline.extend(run.iter().rev().map(|column| (x(column), inside(column.batch_loss_min))));
            pen.polygon(&outline, colour)?;
        }
        Ok(())
    }

    /// Draws the validation loss and its gap above the training loss: the larger the gap, the more
    /// the model overfits.
    fn draw_validation<DB: DrawingBackend>(&self, pen: &mut Pen<DB>, view: &View) -> Drawn<DB> {
        let seen = || self.columns.iter().filter(|column| !column.validation.is_nan());
        let inside = |value: f32| {
            let y = self.y_of(value);
            if y.is_nan() { self.plot.bottom } else { y.clamp(self.plot.top, self.plot.bottom) }
        };
        let x = |column: &Column| self.x_of(column).clamp(self.plot.left, self.plot.right);
        let (mut above, mut below, mut trained) = (Vec::new(), Vec::new(), f32::NAN);
        for column in self.columns.iter() {
            if !column.loss.is_nan() {
                trained = column.loss;
            }
            if !column.validation.is_nan() && !trained.is_nan() {
                above.push((x(column), inside(column.validation.max(trained))));
                below.push((x(column), inside(trained)));
            }
        }
        below.reverse();
        above.append(&mut below);
        pen.polygon(&above, view.theme.validation.faded(0.12))?;
        let line = seen().map(|column| (self.x_of(column), self.y_of(column.validation)));
        pen.dashed(line, &self.plot, view.theme.validation, 2.0, (6.0, 3.0))
    }

    fn draw_rate<DB: DrawingBackend>(&self, pen: &mut Pen<DB>, view: &View) -> Drawn<DB> {
        if self.strip.is_void(view.size.scale) {
            return Ok(());
        }
        // The rate of a step holds until the next one: stairs, not slopes.
        let mut stairs: Vec<(f64, f64)> = Vec::with_capacity(2 * self.columns.len());
        for column in self.columns.iter().filter(|column| !column.rate.is_nan()) {
            let (x, y) = (self.x_of(column), self.rate.position(f64::from(column.rate)));
            if let Some(&(_, before)) = stairs.last() {
                stairs.push((x, before));
            }
            stairs.push((x, y));
        }
        if let Some(&(x, y)) = stairs.last() {
            stairs.push((self.x.position(self.step as f64).max(x), y));
        }
        let clamped = |&(x, y): &(f64, f64)| {
            let y = if y.is_nan() { self.strip.bottom } else { y.clamp(self.strip.top, self.strip.bottom) };
            (x.clamp(self.strip.left, self.strip.right), y)
        };
        let mut area: Vec<(f64, f64)> = stairs.iter().map(clamped).collect();
        if let (Some(&first), Some(&last)) = (area.first(), area.last()) {
            area.extend([(last.0, self.strip.bottom), (first.0, self.strip.bottom)]);
        }
        pen.polygon(&area, view.theme.rate.faded(0.1))?;
        pen.polyline(stairs, &self.strip, view.theme.rate, 1.75)
    }

    fn draw_mark_lines<DB: DrawingBackend>(&self, pen: &mut Pen<DB>, view: &View) -> Drawn<DB> {
        let mut last_line = f64::NEG_INFINITY;
        for (_, x) in self.visible_marks(view) {
            // Hundreds of marks (a dragged slider) would hatch the plot.
            if (x - last_line).abs() >= 3.0 * view.size.scale.css {
                pen.dashes_down(x, &self.plot, view.theme.mark, 1.0, (2.0, 3.0))?;
                // Most changes are of the rate: the eye follows the line down to it.
                if !self.strip.is_void(view.size.scale) {
                    pen.dashes_down(x, &self.strip, view.theme.mark, 1.0, (2.0, 3.0))?;
                }
                last_line = x;
            }
        }
        Ok(())
    }

    /// Draws the numbers of the marks. Marks that are too close for separate numbers share one, such as
    /// `3–7`.
    fn draw_mark_numbers<DB: DrawingBackend>(&self, pen: &mut Pen<DB>, view: &View) -> Drawn<DB> {
        let css = view.size.scale.css;
        let label = |first: usize, last: usize| match last - first {
            0 => format!("{}", first + 1),
            _ => format!("{}–{}", first + 1, last + 1),
        };
        let width = |label: &str| (text_width(label) + 8.0).max(16.0) * css;
        let mut groups: Vec<(usize, usize, f64)> = Vec::new();
        for (i, x) in self.visible_marks(view) {
            match groups.last_mut() {
                Some((first, last, first_x)) if x - *first_x < width(&label(*first, *last)) + 4.0 * css => {
                    *last = i
                }
                _ => groups.push((i, i, x)),
            }
        }
        // A group grows to both sides. If it overlaps the previous group it moves away from it, and
        // if that pushes it over the edge the two groups merge.
        let mut flags: Vec<(usize, usize, f64)> = Vec::new();
        for (mut first, last, mut x) in groups {
            loop {
                let before =
                    flags.last().map_or(f64::NEG_INFINITY, |&(a, b, left)| left + width(&label(a, b)));
                let width = width(&label(first, last));
                let most = (self.plot.right - width).max(self.plot.left);
                let left = (x - width / 2.0).clamp(self.plot.left, most).max(before + 2.0 * css);
                match flags.pop_if(|_| left > most) {
                    Some((a, _, left)) => (first, x) = (a, left + 8.0 * css),
                    None => {
                        flags.push((first, last, left));
                        break;
                    }
                }
            }
        }
        for (first, last, left) in flags {
            let label = label(first, last);
            let width = width(&label);
            let taken = left + width;
            let flag = Rect { left, right: taken, top: self.plot.top, bottom: self.plot.top + 16.0 * css };
            pen.cell(&flag, view.theme.background)?;
            pen.cell(&flag, view.theme.mark.faded(0.16))?;
            let place = (left + width / 2.0, self.plot.top + 8.0 * css);
            pen.text(&label, place, (HPos::Center, VPos::Center), view.theme.ink)?;
        }
        Ok(())
    }

    /// Index and x position of each mark within the plot.
    fn visible_marks(&self, view: &View) -> impl Iterator<Item = (usize, f64)> {
        let places = view.marks.iter().map(|&step| self.x_of_step(step)).enumerate();
        places.filter(|&(_, x)| x >= self.plot.left && x <= self.plot.right)
    }

    fn draw_diverged<DB: DrawingBackend>(&self, pen: &mut Pen<DB>, view: &View) -> Drawn<DB> {
        let Some(step) = view.diverged else { return Ok(()) };
        let x = self.x.position(step as f64);
        if x < self.plot.left || x > self.plot.right {
            return Ok(());
        }
        let colour = view.theme.diverged;
        pen.rule_down(x, self.plot.top, self.plot.bottom, colour, 1.5)?;
        // A cross, so that the red does not have to say it alone.
        let arm = 5.0 * view.size.scale.css;
        let y = self.plot.bottom - 2.0 * arm;
        let x = x.clamp(self.plot.left + arm, self.plot.right - arm);
        pen.marker((x, y), 8.0, view.theme.background)?;
        pen.segment((x - arm, y - arm), (x + arm, y + arm), colour, 2.5)?;
        pen.segment((x - arm, y + arm), (x + arm, y - arm), colour, 2.5)
    }

    fn y_of(&self, value: f32) -> f64 {
        self.y.position(f64::from(value))
    }
}

/// The step at which a column is drawn: its middle, up to the current step `step`.
fn middle(column: &Column, step: u64) -> f64 {
    // The last bucket of a running history extends past what was recorded.
    let last = column.last_step.min(step.max(column.first_step));
    (column.first_step as f64 + last as f64) / 2.0
}

fn within(column: &Column, x: &Axis, step: u64) -> bool {
    let position = x.position(middle(column, step));
    // Half a unit of play: the last step lies on the edge itself, give or take rounding.
    position >= x.start - 0.5 && position <= x.end + 0.5
}

/// Least and greatest loss that the loss axis must show.
///
/// The range includes all evaluated losses. Batch losses are noisy with long tails (a single sample may be
/// fitted exactly, with a loss of 1e-12), so the outermost few percent of them may lie outside.
fn loss_range<'a>(columns: impl Iterator<Item = &'a Column>, view: &View, mapping: Mapping) -> (f64, f64) {
    let usable = |value: &f32| value.is_finite() && (mapping == Mapping::Linear || *value > 0.0);
    let (mut losses, mut means, mut least, mut most) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for column in columns {
        let shown = [column.loss_min, column.loss_max, column.validation];
        losses.extend(shown.iter().copied().filter(usable));
        if view.options.show_batch {
            means.extend(Some(column.batch_loss_mean).filter(usable));
            least.extend(Some(column.batch_loss_min).filter(usable));
            most.extend(Some(column.batch_loss_max).filter(usable));
        }
    }
    let mut range = (f64::INFINITY, f64::NEG_INFINITY);
    let mut include = |value: Option<f32>| {
        if let Some(value) = value.map(f64::from) {
            range = (range.0.min(value), range.1.max(value));
        }
    };
    include(losses.iter().copied().reduce(f32::min));
    include(losses.iter().copied().reduce(f32::max));
    include(quantile(&mut means, 0.03));
    include(quantile(&mut means, 1.0));
    include(quantile(&mut most, 0.97));
    let band = quantile(&mut least, 0.1).map(f64::from);
    let (mut low, high) = range;
    let near = if mapping == Mapping::Linear { f64::NEG_INFINITY } else { low * 0.2 };
    if let Some(band) = band {
        low = low.min(band.max(near));
    }
    // The least possible loss belongs in the picture unless it lies decades below everything else.
    if let Some(reference) = view.reference.filter(|&reference| reference >= near && reference <= high) {
        low = low.min(reference);
    }
    if low <= high { (low, high) } else { (f64::NAN, f64::NAN) }
}

fn rates_range<'a>(columns: impl Iterator<Item = &'a Column>) -> (Mapping, f64, f64) {
    let mut range = (f64::INFINITY, f64::NEG_INFINITY);
    for rate in columns.map(|column| f64::from(column.rate)).filter(|rate| rate.is_finite()) {
        range = (range.0.min(rate), range.1.max(rate));
    }
    let (low, high) = range;
    if low > 0.0 && high > 10.0 * low {
        (Mapping::Log, low, high)
    } else {
        (Mapping::Linear, low.min(0.0), high)
    }
}

fn quantile(values: &mut [f32], share: f64) -> Option<f32> {
    let last = values.len().checked_sub(1)?;
    let at = (last as f64 * share).round() as usize;
    Some(*values.select_nth_unstable_by(at, f32::total_cmp).1)
}
