//! The charts of the page, drawn on any plotters
//! [`DrawingBackend`](plotters_backend::DrawingBackend).
//!
//! Charts draw plain series and do not know a training backend, a trainer or a browser. Lengths are
//! given in CSS pixels and multiplied by a [`Scale`]. Each chart has two layers: a static one
//! (grid, labels, points, past curves) and a dynamic one above it (what changes with every
//! snapshot, and the cursor), so that a moving pointer never redraws the axes.
mod axis;
mod fit;
mod format;
mod layout;
mod loss;
mod loss_picture;
mod pen;
mod plot;
mod range;
mod series;
mod stage;
mod theme;
mod viewport;

pub use axis::{Axis, Mapping, Tick};
pub use fit::{FitChart, FitOptions, FitReading};
pub use format::{number, thousands};
pub use layout::{Rect, Scale, Size};
pub use loss::{LossChart, LossOptions, LossReading};
pub use pen::Drawn;
pub use plot::{PlotAxis, PlotChart, PlotKind, PlotReading, PlotSeries};
pub use range::StableRange;
pub use stage::Stage;
pub use theme::{Colour, Theme, ThemeColours};

/// Row counts on a grid, drawn instead of points if there are too many to distinguish.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Density {
    /// Number of grid cells along x.
    pub columns: u32,
    /// Number of grid cells along y.
    pub rows: u32,
    /// Left and right edge of the grid.
    pub x: [f64; 2],
    /// Bottom and top edge of the grid.
    pub y: [f64; 2],
    /// Number of rows in each cell, row-major from the bottom row.
    pub counts: Vec<u32>,
}

/// Which layers of a chart are out of date and must be redrawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stale {
    /// Whether the static layer is out of date.
    pub base: bool,
    /// Whether the dynamic layer, which lies above the static one, is out of date.
    pub top: bool,
}

impl Stale {
    /// Both layers are out of date.
    pub const BOTH: Self = Self { base: true, top: true };
    /// Neither layer is out of date.
    pub const NEITHER: Self = Self { base: false, top: false };
}
