use super::axis::{Axis, Tick};
use super::layout::{LABEL_GAP, Rect, Scale, Size, TEXT, text_width};
use super::theme::{Colour, Theme};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontDesc, FontFamily, FontStyle, ShapeStyle, TextStyle};
use plotters_backend::{BackendCoord, DrawingBackend, DrawingErrorKind};

/// The result of drawing on a backend.
pub type Drawn<DB> = Result<(), DrawingErrorKind<<DB as DrawingBackend>::ErrorType>>;

/// Draws shapes on a backend; lengths are in CSS pixels, positions in backend units.
///
/// Plotters cannot clip, so shapes are cut here at the edges of the plot.
pub(super) struct Pen<'a, DB: DrawingBackend> {
    backend: &'a mut DB,
    scale: Scale,
    theme: &'a Theme,
    path: Vec<BackendCoord>,
}

impl<'a, DB: DrawingBackend> Pen<'a, DB> {
    pub(super) fn new(backend: &'a mut DB, scale: Scale, theme: &'a Theme) -> Self {
        Self { backend, scale, theme, path: Vec::new() }
    }

    /// Draws a horizontal line whose edges are aligned to device pixels, so that it is crisp.
    pub(super) fn rule_across(
        &mut self,
        y: f64,
        left: f64,
        right: f64,
        colour: Colour,
        css: f64,
    ) -> Drawn<DB> {
        let width = self.scale.whole_stroke(css);
        let y = self.scale.snap(y, width);
        self.stroke(&[(left, y), (right, y)], colour, width)
    }

    /// Draws a vertical line, aligned to device pixels as [`rule_across`](Self::rule_across) does.
    pub(super) fn rule_down(&mut self, x: f64, top: f64, bottom: f64, colour: Colour, css: f64) -> Drawn<DB> {
        let width = self.scale.whole_stroke(css);
        let x = self.scale.snap(x, width);
        self.stroke(&[(x, top), (x, bottom)], colour, width)
    }

    /// Draws a dashed vertical line, aligned to device pixels; `dash` has the lengths of dash and gap.
    pub(super) fn dashes_down(
        &mut self,
        x: f64,
        plot: &Rect,
        colour: Colour,
        css: f64,
        dash: (f64, f64),
    ) -> Drawn<DB> {
        let width = self.scale.whole_stroke(css);
        let x = self.scale.snap(x, width);
        let line = [(x, plot.top), (x, plot.bottom)];
        self.dashes(&line, width, colour, dash)
    }

    /// Draws a straight line between two positions.
    pub(super) fn segment(
        &mut self,
        from: (f64, f64),
        to: (f64, f64),
        colour: Colour,
        css: f64,
    ) -> Drawn<DB> {
        self.stroke(&[from, to], colour, css * self.scale.css)
    }

    /// Draws a curve, cut at the edges of `clip`; a point with an infinite or NaN coordinate interrupts it.
    pub(super) fn polyline(
        &mut self,
        points: impl IntoIterator<Item = (f64, f64)>,
        clip: &Rect,
        colour: Colour,
        css: f64,
    ) -> Drawn<DB> {
        let width = css * self.scale.css;
        clipped_runs(points, clip, |run| self.stroke(run, colour, width))
    }

    /// Draws a dashed curve, cut as in [`polyline`](Self::polyline); `dash` has the lengths of dash and gap.
    pub(super) fn dashed(
        &mut self,
        points: impl IntoIterator<Item = (f64, f64)>,
        clip: &Rect,
        colour: Colour,
        css: f64,
        dash: (f64, f64),
    ) -> Drawn<DB> {
        let width = css * self.scale.css;
        clipped_runs(points, clip, |run| self.dashes(run, width, colour, dash))
    }

    /// Fills a polygon with this outline.
    pub(super) fn polygon(&mut self, outline: &[(f64, f64)], colour: Colour) -> Drawn<DB> {
        if outline.len() < 3 {
            return Ok(());
        }
        let style = ShapeStyle { color: colour.0, filled: true, stroke_width: 0 };
        self.path.clear();
        self.path.extend(outline.iter().map(|&place| coordinate(place)));
        self.backend.fill_polygon(self.path.iter().copied(), &style)
    }

    /// Fills a rectangle whose edges are rounded to device pixels, so that neighbours neither overlap nor
    /// leave a gap.
    pub(super) fn cell(&mut self, cell: &Rect, colour: Colour) -> Drawn<DB> {
        let style = ShapeStyle { color: colour.0, filled: true, stroke_width: 0 };
        let edge = |position: f64| self.scale.edge(position);
        let upper_left = coordinate((edge(cell.left), edge(cell.top)));
        let bottom_right = coordinate((edge(cell.right), edge(cell.bottom)));
        self.backend.draw_rect(upper_left, bottom_right, &style, true)
    }

    /// Fills a disc with a radius of `css` CSS pixels.
    pub(super) fn disc(&mut self, centre: (f64, f64), css: f64, colour: Colour) -> Drawn<DB> {
        let style = ShapeStyle { color: colour.0, filled: true, stroke_width: 0 };
        let radius = (css * self.scale.css).round().max(1.0) as u32;
        self.backend.draw_circle(coordinate(centre), radius, &style, true)
    }

    /// Draws a disc with a ring in the background color, which stands out on lines and points.
    pub(super) fn marker(&mut self, centre: (f64, f64), css: f64, colour: Colour) -> Drawn<DB> {
        let background = self.theme.background;
        self.disc(centre, css + 2.0, background)?;
        self.disc(centre, css, colour)
    }

    /// Draws text in the size of axis labels; `anchor` states which point of the text is at `place`.
    pub(super) fn text(
        &mut self,
        text: &str,
        place: (f64, f64),
        anchor: (HPos, VPos),
        colour: Colour,
    ) -> Drawn<DB> {
        if text.is_empty() {
            return Ok(());
        }
        let style = text_style(self.theme, self.scale, anchor, colour);
        self.backend.draw_text(text, &style, coordinate(place))
    }

    /// Shortens `text` with an ellipsis to at most `room` backend units.
    pub(super) fn fitted(&self, text: &str, room: f64) -> String {
        let style = text_style(self.theme, self.scale, (HPos::Left, VPos::Top), self.theme.muted);
        let fits = |text: &str| match self.backend.estimate_text_size(text, &style) {
            Ok((width, _)) => f64::from(width) <= room,
            Err(_) => true,
        };
        if fits(text) {
            return text.to_owned();
        }
        let mut kept: Vec<char> = text.chars().collect();
        while kept.pop().is_some() {
            let shortened: String = kept.iter().collect::<String>().trim_end().to_owned() + "…";
            if kept.is_empty() || fits(&shortened) {
                return shortened;
            }
        }
        String::new()
    }

    /// Draws the ticks of a vertical axis: grid lines across the plot, labels to its left.
    pub(super) fn vertical_axis(&mut self, plot: &Rect, axis: &Axis, ticks: &[Tick]) -> Drawn<DB> {
        let right = plot.left - LABEL_GAP * self.scale.css;
        for tick in ticks {
            let at = axis.position(tick.value);
            self.rule_across(at, plot.left, plot.right, self.grid(tick), 1.0)?;
            self.text(&tick.label, (right, at), (HPos::Right, VPos::Center), self.theme.muted)?;
        }
        Ok(())
    }

    /// Draws the ticks of a horizontal axis: grid lines through stacked plots, labels below the
    /// last plot, and a line at the bottom of each.
    pub(super) fn horizontal_axis(
        &mut self,
        plots: &[&Rect],
        axis: &Axis,
        ticks: &[Tick],
        size: Size,
    ) -> Drawn<DB> {
        let css = self.scale.css;
        let row = plots.last().map_or(0.0, |plot| plot.bottom + 6.0 * css);
        for tick in ticks {
            let at = axis.position(tick.value);
            for plot in plots {
                self.rule_down(at, plot.top, plot.bottom, self.grid(tick), 1.0)?;
            }
            // Near the right edge a centred label would leave the canvas.
            let half = text_width(&tick.label) / 2.0 * css;
            let at = at.min(size.width * css - half);
            self.text(&tick.label, (at, row), (HPos::Center, VPos::Top), self.theme.muted)?;
        }
        for plot in plots {
            self.rule_across(plot.bottom, plot.left, plot.right, self.theme.muted.faded(0.5), 1.0)?;
        }
        Ok(())
    }

    /// Draws the title of a vertical axis at the top left of its plot, `up` CSS pixels above it.
    pub(super) fn title_above(&mut self, title: &str, plot: &Rect, up: f64) -> Drawn<DB> {
        let place = (plot.left, plot.top - up * self.scale.css);
        self.text(&self.fitted(title, plot.width()), place, (HPos::Left, VPos::Top), self.theme.muted)
    }

    /// Draws the title of a horizontal axis at the right, below its tick labels.
    pub(super) fn title_below(&mut self, title: &str, plot: &Rect) -> Drawn<DB> {
        let place = (plot.right, plot.bottom + 23.0 * self.scale.css);
        self.text(&self.fitted(title, plot.width()), place, (HPos::Right, VPos::Top), self.theme.muted)
    }

    /// The colour of a tick's grid line, which is fainter if the tick has no label.
    fn grid(&self, tick: &Tick) -> Colour {
        if tick.label.is_empty() { self.theme.grid.faded(0.55) } else { self.theme.grid }
    }

    fn stroke(&mut self, points: &[(f64, f64)], colour: Colour, width: f64) -> Drawn<DB> {
        if points.len() < 2 {
            return Ok(());
        }
        let style =
            ShapeStyle { color: colour.0, filled: false, stroke_width: width.round().max(1.0) as u32 };
        self.path.clear();
        self.path.extend(points.iter().map(|&place| coordinate(place)));
        self.backend.draw_path(self.path.iter().copied(), &style)
    }

    fn dashes(&mut self, points: &[(f64, f64)], width: f64, colour: Colour, dash: (f64, f64)) -> Drawn<DB> {
        let lengths = [dash.0 * self.scale.css, dash.1 * self.scale.css];
        let (mut on, mut left) = (true, lengths[0]);
        let mut piece = Vec::new();
        piece.extend(points.first());
        for pair in points.windows(2) {
            let (mut from, to) = (pair[0], pair[1]);
            let mut length = (to.0 - from.0).hypot(to.1 - from.1);
            while length > left {
                let t = left / length;
                let at = (from.0 + t * (to.0 - from.0), from.1 + t * (to.1 - from.1));
                if on {
                    piece.push(at);
                    self.stroke(&piece, colour, width)?;
                }
                piece.clear();
                piece.push(at);
                on = !on;
                length -= left;
                left = lengths[usize::from(!on)].max(1.0);
                from = at;
            }
            left -= length;
            piece.push(to);
        }
        if on { self.stroke(&piece, colour, width) } else { Ok(()) }
    }
}

fn text_style<'a>(
    theme: &'a Theme,
    scale: Scale,
    (h_pos, v_pos): (HPos, VPos),
    colour: Colour,
) -> TextStyle<'a> {
    let font = FontDesc::new(FontFamily::Name(&theme.font), TEXT * scale.css, FontStyle::Normal);
    TextStyle { font, color: colour.backend(), pos: Pos { h_pos, v_pos } }
}

fn coordinate((x, y): (f64, f64)) -> BackendCoord {
    (x.round() as i32, y.round() as i32)
}

/// Calls `draw` with the points of each part of the curve that lies within `clip`.
fn clipped_runs<E>(
    points: impl IntoIterator<Item = (f64, f64)>,
    clip: &Rect,
    mut draw: impl FnMut(&[(f64, f64)]) -> Result<(), E>,
) -> Result<(), E> {
    let mut run: Vec<(f64, f64)> = Vec::new();
    let mut last: Option<(f64, f64)> = None;
    for (x, y) in points {
        // Coordinates of the order of 1e300 would overflow in the intersection.
        let point = (x.is_finite() && y.is_finite()).then(|| (x.clamp(-1e12, 1e12), y.clamp(-1e12, 1e12)));
        if let (Some(from), Some(to)) = (last, point) {
            match clip_segment(from, to, clip) {
                Some((start, end)) => {
                    if run.last() != Some(&start) {
                        if run.len() > 1 {
                            draw(&run)?;
                        }
                        run.clear();
                        run.push(start);
                    }
                    run.push(end);
                }
                None => {
                    if run.len() > 1 {
                        draw(&run)?;
                    }
                    run.clear();
                }
            }
        } else {
            if run.len() > 1 {
                draw(&run)?;
            }
            run.clear();
        }
        last = point;
    }
    if run.len() > 1 { draw(&run) } else { Ok(()) }
}

/// The two ends of the part of a segment that lies within a rectangle (Liang and Barsky 1984).
fn clip_segment(from: (f64, f64), to: (f64, f64), clip: &Rect) -> Option<((f64, f64), (f64, f64))> {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let (mut enter, mut leave) = (0.0_f64, 1.0_f64);
    for (direction, distance) in [
        (-dx, from.0 - clip.left),
        (dx, clip.right - from.0),
        (-dy, from.1 - clip.top),
        (dy, clip.bottom - from.1),
    ] {
        if direction == 0.0 {
            if distance < 0.0 {
                return None;
            }
        } else if direction < 0.0 {
            enter = enter.max(distance / direction);
        } else {
            leave = leave.min(distance / direction);
        }
    }
    if enter > leave {
        return None;
    }
    // Uncut ends are returned unchanged, so that the next segment is recognized as a continuation.
    let at = |t: f64| (from.0 + t * dx, from.1 + t * dy);
    Some((if enter > 0.0 { at(enter) } else { from }, if leave < 1.0 { at(leave) } else { to }))
}
