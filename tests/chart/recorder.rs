//! A drawing backend that records what it is asked to draw.
use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
};
use std::convert::Infallible;

pub(crate) type Rgb = (u8, u8, u8);

#[derive(Debug, Clone)]
pub(crate) struct Path {
    pub(crate) points: Vec<BackendCoord>,
    pub(crate) rgb: Rgb,
    pub(crate) width: u32,
}

#[derive(Debug, Clone)]
pub(crate) struct Shape {
    pub(crate) points: Vec<BackendCoord>,
    pub(crate) rgb: Rgb,
    pub(crate) alpha: f64,
}

#[derive(Debug, Clone)]
pub(crate) struct Disc {
    pub(crate) centre: BackendCoord,
    pub(crate) radius: u32,
    pub(crate) rgb: Rgb,
}

/// A label with the bounding box of its glyphs.
#[derive(Debug, Clone)]
pub(crate) struct Label {
    pub(crate) text: String,
    pub(crate) left: f64,
    pub(crate) top: f64,
    pub(crate) right: f64,
    pub(crate) bottom: f64,
}

#[derive(Debug, Default)]
pub(crate) struct Recorder {
    pub(crate) size: (u32, u32),
    pub(crate) paths: Vec<Path>,
    pub(crate) polygons: Vec<Shape>,
    pub(crate) rects: Vec<Shape>,
    pub(crate) discs: Vec<Disc>,
    pub(crate) labels: Vec<Label>,
}

impl Recorder {
    pub(crate) fn new(width: f64, height: f64, units: f64) -> Self {
        Self { size: ((width * units) as u32, (height * units) as u32), ..Self::default() }
    }

    /// Returns the paths of one color.
    pub(crate) fn paths_of(&self, rgb: Rgb) -> Vec<&Path> {
        self.paths.iter().filter(|path| path.rgb == rgb).collect()
    }

    /// Iterates over all coordinates of all shapes.
    pub(crate) fn coordinates(&self) -> impl Iterator<Item = BackendCoord> {
        let shapes = self.polygons.iter().chain(&self.rects).flat_map(|shape| &shape.points);
        let paths = self.paths.iter().flat_map(|path| &path.points);
        shapes.chain(paths).copied().chain(self.discs.iter().map(|disc| disc.centre))
    }
}

/// Advance widths of DejaVu Sans, the widest of the usual system fonts, in ems (from its `hmtx` table).
fn advance(c: char) -> f64 {
    match c {
        '.' | ',' | ' ' => 0.32,
        '-' => 0.361,
        '\u{2212}' => 0.838,
        '\u{2013}' => 0.5,
        'm' => 0.974,
        'M' => 0.863,
        'w' => 0.818,
        'i' | 'l' => 0.278,
        c if c.is_ascii() => 0.636,
        _ => 1.0,
    }
}

impl DrawingBackend for Recorder {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Result<(), DrawingErrorKind<Infallible>> {
        Ok(())
    }

    fn present(&mut self) -> Result<(), DrawingErrorKind<Infallible>> {
        Ok(())
    }

    fn draw_pixel(&mut self, _: BackendCoord, _: BackendColor) -> Result<(), DrawingErrorKind<Infallible>> {
        panic!("the charts draw shapes, not pixels");
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Result<(), DrawingErrorKind<Infallible>> {
        let points = path.into_iter().collect();
        self.paths.push(Path { points, rgb: style.color().rgb, width: style.stroke_width() });
        Ok(())
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        upper_left: BackendCoord,
        bottom_right: BackendCoord,
        style: &S,
        _fill: bool,
    ) -> Result<(), DrawingErrorKind<Infallible>> {
        let BackendColor { rgb, alpha } = style.color();
        self.rects.push(Shape { points: vec![upper_left, bottom_right], rgb, alpha });
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        outline: I,
        style: &S,
    ) -> Result<(), DrawingErrorKind<Infallible>> {
        let BackendColor { rgb, alpha } = style.color();
        self.polygons.push(Shape { points: outline.into_iter().collect(), rgb, alpha });
        Ok(())
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        centre: BackendCoord,
        radius: u32,
        style: &S,
        _fill: bool,
    ) -> Result<(), DrawingErrorKind<Infallible>> {
        self.discs.push(Disc { centre, radius, rgb: style.color().rgb });
        Ok(())
    }

    fn draw_text<S: BackendTextStyle>(
        &mut self,
        text: &str,
        style: &S,
        (x, y): BackendCoord,
    ) -> Result<(), DrawingErrorKind<Infallible>> {
        let width = text.chars().map(advance).sum::<f64>() * style.size();
        let height = style.size();
        let left = match style.anchor().h_pos {
            HPos::Left => f64::from(x),
            HPos::Center => f64::from(x) - width / 2.0,
            HPos::Right => f64::from(x) - width,
        };
        let top = match style.anchor().v_pos {
            VPos::Top => f64::from(y),
            VPos::Center => f64::from(y) - height / 2.0,
            VPos::Bottom => f64::from(y) - height,
        };
        let label = Label { text: text.to_owned(), left, top, right: left + width, bottom: top + height };
        self.labels.push(label);
        Ok(())
    }

    fn estimate_text_size<S: BackendTextStyle>(
        &self,
        text: &str,
        style: &S,
    ) -> Result<(u32, u32), DrawingErrorKind<Infallible>> {
        let width = text.chars().map(advance).sum::<f64>() * style.size();
        Ok((width.ceil() as u32, style.size().ceil() as u32))
    }
}
