//! Summaries of all rows: ranges, the target's variance, and counts on a grid.

/// Ranges of all columns and variance of the target, over all rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// Minimum and maximum of each input.
    pub x_ranges: Vec<[f64; 2]>,
    /// Minimum and maximum of the target.
    pub y_range: [f64; 2],
    /// Variance of the target (with 1/n).
    pub target_variance: f64,
}

/// Collects the first reading of a summary: ranges, and the sum of targets for the mean that the second
/// reading uses.
#[derive(Clone, Debug)]
pub(crate) struct Summing {
    x_ranges: Vec<[f64; 2]>,
    y_range: [f64; 2],
    sum: f64,
    n: f64,
}

impl Summing {
    pub(crate) fn new(n_inputs: usize) -> Self {
        let empty = [f64::INFINITY, f64::NEG_INFINITY];
        Self { x_ranges: vec![empty; n_inputs], y_range: empty, sum: 0.0, n: 0.0 }
    }

    /// Adds the next rows; `x` is row-major.
    pub(crate) fn add(&mut self, x: &[f64], y: &[f64]) {
        let widen = |[low, high]: [f64; 2], v: &f64| [low.min(*v), high.max(*v)];
        if let [range] = &mut self.x_ranges[..] {
            *range = x.iter().fold(*range, widen);
        } else {
            for row in x.chunks_exact(self.x_ranges.len()) {
                for (range, x) in self.x_ranges.iter_mut().zip(row) {
                    *range = widen(*range, x);
                }
            }
        }
        self.y_range = y.iter().fold(self.y_range, widen);
        self.sum = y.iter().fold(self.sum, |sum, y| sum + y);
        self.n += y.len() as f64;
    }

    pub(crate) fn mean(&self) -> Squaring {
        Squaring { first: self.clone(), mean: self.sum / self.n, square: 0.0 }
    }
}

/// Collects the second reading of a summary: squares about the mean, which are more accurate than squares
/// about zero.
#[derive(Clone, Debug)]
pub(crate) struct Squaring {
    first: Summing,
    mean: f64,
    square: f64,
}

impl Squaring {
    pub(crate) fn add(&mut self, y: &[f64]) {
        self.square = y.iter().fold(self.square, |square, y| square + (y - self.mean) * (y - self.mean));
    }

    pub(crate) fn summary(&self) -> Summary {
        let Summing { x_ranges, y_range, n, .. } = &self.first;
        Summary { x_ranges: x_ranges.clone(), y_range: *y_range, target_variance: self.square / n }
    }
}

/// Counts points in the cells of a grid over a rectangle.
pub(crate) struct Grid {
    columns: u32,
    rows: u32,
    start: [f64; 2],
    per_unit: [f64; 2],
    /// Number of points in each cell, row-major from the bottom.
    pub(crate) counts: Vec<u32>,
}

impl Grid {
    pub(crate) fn new(x: [f64; 2], y: [f64; 2], columns: u32, rows: u32) -> Self {
        let scale =
            |range: [f64; 2], cells: u32| f64::from(cells) / (range[1] - range[0]).max(f64::MIN_POSITIVE);
        Self {
            columns,
            rows,
            start: [x[0], y[0]],
            per_unit: [scale(x, columns), scale(y, rows)],
            counts: vec![0; (columns * rows) as usize],
        }
    }

    #[inline]
    pub(crate) fn count(&mut self, x: f64, y: f64) {
        let column = (x - self.start[0]) * self.per_unit[0];
        let row = (y - self.start[1]) * self.per_unit[1];
        // The upper edges belong to the last cells.
        let inside = |place: f64, cells: u32| place >= 0.0 && place <= f64::from(cells);
        if inside(column, self.columns) && inside(row, self.rows) {
            let column = (column as u32).min(self.columns - 1);
            let row = (row as u32).min(self.rows - 1);
            self.counts[(row * self.columns + column) as usize] += 1;
        }
    }
}
