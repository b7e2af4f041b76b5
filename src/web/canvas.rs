//! A plotters backend on an HTML canvas, for pages with a strict content security policy.
//!
//! It wraps plotters-canvas, which draws text, pixels, lines and outlines, and does three things itself:
//!
//! - **Text is measured with `measureText`.** Plotters asks a `<span>` with a `style` attribute, which
//!   `style-src 'self'` forbids.
//! - **Shapes of one style are one path.** plotters-canvas fills and strokes each shape by itself and writes
//!   its colour as a new CSS string every time: 20,000 points are 20,000 fills.
//! - **Units are sixteenths of a device pixel.** Plotters' coordinates and strokes are whole numbers: a curve
//!   on whole pixels is a staircase, and 2.5 pixels is no stroke at all.
use crate::chart::Scale;
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
};
use plotters_canvas::CanvasBackend;
use std::f64::consts::TAU;
use wasm_bindgen::JsCast;
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement};

/// Number of drawing units per device pixel.
const PER_PIXEL: u32 = 16;
/// Maximum number of discs in one fill: overlaps within a fill do not darken, and long paths fill slowly.
const MOST_DISCS: usize = 64;

/// A canvas that a chart draws on, as a plotters backend.
pub(crate) struct Canvas {
    inner: CanvasBackend,
    element: HtmlCanvasElement,
    context: CanvasRenderingContext2d,
    pending: Option<Pending>,
    n_discs: usize,
}

type Error = <CanvasBackend as DrawingBackend>::ErrorType;
type Drawn = Result<(), DrawingErrorKind<Error>>;

/// The style of the path that is being collected.
#[derive(Clone, Copy, PartialEq)]
struct Pending {
    rgb: (u8, u8, u8),
    alpha: f64,
    /// Width of the stroke; `None` if the path is filled.
    stroke_width: Option<u32>,
}

impl Canvas {
    /// Wraps a canvas element; `None` if it has no 2D context.
    pub(crate) fn new(element: HtmlCanvasElement) -> Option<Self> {
        let context = element.get_context("2d").ok()??.dyn_into().ok()?;
        let inner = CanvasBackend::with_canvas_object(element.clone())?;
        Some(Self { inner, element, context, pending: None, n_discs: 0 })
    }

    /// The scale of a chart on this canvas.
    pub(crate) fn scale(device_pixel_ratio: f64) -> Scale {
        Scale::fractions(device_pixel_ratio, f64::from(PER_PIXEL))
    }

    /// Sets the canvas's resolution to the screen's device pixels, and its CSS size to exactly these pixels.
    pub(crate) fn resize(&self, width_css: f64, height_css: f64, device_pixel_ratio: f64) {
        let pixels = |css: f64| (css * device_pixel_ratio).floor().clamp(1.0, 16_384.0);
        let (width, height) = (pixels(width_css), pixels(height_css));
        // Setting a size clears the canvas, even the size that it has.
        if (f64::from(self.element.width()), f64::from(self.element.height())) != (width, height) {
            self.element.set_width(width as u32);
            self.element.set_height(height as u32);
        }
        for (name, pixels) in [("width", width), ("height", height)] {
            let length = format!("{}px", pixels / device_pixel_ratio);
            // If the browser refuses the size, the page's own is right to within a pixel.
            self.element.style().set_property(name, &length).ok();
        }
    }

    /// The colour as the canvas normalizes it, which resolves names, colour spaces and newer notations.
    pub(crate) fn normalized(&self, colour: &str) -> String {
        self.context.set_fill_style_str("#000");
        self.context.set_fill_style_str(colour.trim());
        self.context.fill_style().as_string().unwrap_or_default()
    }

    /// Clears the canvas and lets `draw` draw on it.
    pub(crate) fn redraw(&mut self, draw: impl FnOnce(&mut Self) -> Drawn) -> Drawn {
        let unit = 1.0 / f64::from(PER_PIXEL);
        let (width, height) = self.get_size();
        // Fails on numbers that are not finite only.
        self.context.set_transform(unit, 0.0, 0.0, unit, 0.0, 0.0).ok();
        self.context.clear_rect(0.0, 0.0, f64::from(width), f64::from(height));
        self.context.set_line_join("round");
        self.context.set_line_cap("butt");
        let drawn = draw(self);
        self.flush();
        drawn
    }

    /// Starts a path of this style, after drawing the collected path if that has another style. Returns false
    /// if nothing needs to be drawn.
    fn begin<S: BackendStyle>(&mut self, style: &S, stroke: bool) -> bool {
        let BackendColor { rgb, alpha } = style.color();
        if alpha == 0.0 {
            return false;
        }
        let wanted = Some(Pending { rgb, alpha, stroke_width: stroke.then(|| style.stroke_width()) });
        if self.pending != wanted {
            self.flush();
            self.pending = wanted;
            self.context.begin_path();
        }
        true
    }

    fn flush(&mut self) {
        let Some(Pending { rgb: (red, green, blue), alpha, stroke_width }) = self.pending.take() else {
            return;
        };
        self.n_discs = 0;
        let colour = format!("rgba({red},{green},{blue},{alpha})");
        if let Some(width) = stroke_width {
            self.context.set_stroke_style_str(&colour);
            self.context.set_line_width(f64::from(width));
            self.context.stroke();
        } else {
            self.context.set_fill_style_str(&colour);
            self.context.fill();
        }
    }

    fn trace(&self, path: impl IntoIterator<Item = BackendCoord>) {
        let mut path = path.into_iter();
        if let Some((x, y)) = path.next() {
            self.context.move_to(f64::from(x), f64::from(y));
        }
        for (x, y) in path {
            self.context.line_to(f64::from(x), f64::from(y));
        }
    }
}

impl DrawingBackend for Canvas {
    type ErrorType = Error;

    fn get_size(&self) -> (u32, u32) {
        (self.element.width() * PER_PIXEL, self.element.height() * PER_PIXEL)
    }

    fn ensure_prepared(&mut self) -> Drawn {
        self.inner.ensure_prepared()
    }

    fn present(&mut self) -> Drawn {
        self.flush();
        self.inner.present()
    }

    fn draw_pixel(&mut self, point: BackendCoord, colour: BackendColor) -> Drawn {
        self.flush();
        self.inner.draw_pixel(point, colour)
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Drawn {
        self.draw_path([from, to], style)
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        upper_left: BackendCoord,
        bottom_right: BackendCoord,
        style: &S,
        fill: bool,
    ) -> Drawn {
        if !fill {
            self.flush();
            return self.inner.draw_rect(upper_left, bottom_right, style, fill);
        }
        if self.begin(style, false) {
            let (left, top) = (f64::from(upper_left.0), f64::from(upper_left.1));
            self.context.rect(left, top, f64::from(bottom_right.0) - left, f64::from(bottom_right.1) - top);
        }
        Ok(())
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Drawn {
        if self.begin(style, true) {
            self.trace(path);
        }
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Drawn {
        if self.begin(style, false) {
            self.trace(path);
            self.context.close_path();
        }
        Ok(())
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        (x, y): BackendCoord,
        radius: u32,
        style: &S,
        fill: bool,
    ) -> Drawn {
        if self.n_discs >= MOST_DISCS {
            self.flush();
        }
        if self.begin(style, !fill) {
            let (x, y, radius) = (f64::from(x), f64::from(y), f64::from(radius));
            self.context.move_to(x + radius, y);
            // Fails on a negative radius only.
            self.context.arc(x, y, radius, 0.0, TAU).ok();
            self.n_discs += 1;
        }
        Ok(())
    }

    fn draw_text<S: BackendTextStyle>(&mut self, text: &str, style: &S, place: BackendCoord) -> Drawn {
        self.flush();
        self.inner.draw_text(text, style, place)
    }

    fn estimate_text_size<S: BackendTextStyle>(
        &self,
        text: &str,
        style: &S,
    ) -> Result<(u32, u32), DrawingErrorKind<Error>> {
        let font = format!("{} {}px {}", style.style().as_str(), style.size(), style.family().as_str());
        self.context.set_font(&font);
        let width = self.context.measure_text(text).map_or(0.0, |metrics| metrics.width());
        Ok((width.ceil() as u32, style.size().ceil() as u32))
    }

    fn blit_bitmap(&mut self, place: BackendCoord, size: (u32, u32), source: &[u8]) -> Drawn {
        self.flush();
        self.inner.blit_bitmap(place, size, source)
    }
}
