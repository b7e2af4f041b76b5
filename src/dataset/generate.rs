//! The generated data of the page's introduction: a line with noise.

use std::ops::Range;

use crate::rng::{Rng, Stream};

/// Rows `y = slope x + intercept + noise e` with `e` standard normal and x evenly spaced from `start` to
/// `stop`, both included (NumPy's `linspace`). Row i uses the i-th number of the noise stream, so any range
/// of rows can be computed independently.
#[derive(Clone, Debug)]
pub(super) struct Linspace {
    pub(super) start: f64,
    pub(super) stop: f64,
    pub(super) n_samples: u32,
    pub(super) slope: f64,
    pub(super) intercept: f64,
    pub(super) noise: f64,
    pub(super) seed: u32,
}

impl Linspace {
    /// Fills `x` with the inputs of the rows in this range.
    pub(super) fn x(&self, rows: Range<usize>, x: &mut [f64]) {
        let n = self.n_samples as usize;
        let step = (self.stop - self.start) / (n.max(2) - 1) as f64;
        for (i, x) in rows.clone().zip(x.iter_mut()) {
            *x = self.start + step * i as f64;
        }
        // The last x is `stop` itself, whatever the rounding of the steps.
        if rows.end == n
            && let Some(last) = x.last_mut()
        {
            *last = self.stop;
        }
    }

    /// Fills `y` with the targets of these rows, given their inputs `x`.
    pub(super) fn y(&self, rows: Range<usize>, x: &[f64], y: &mut [f64]) {
        let mut rng = Rng::from_place(self.seed, Stream::Noise, rows.start as u64);
        for (x, y) in x.iter().zip(y) {
            *y = self.slope * x + self.intercept + self.noise * rng.normal();
        }
    }
}
