/// Pairs `(x, y)` stored as two columns; a longer column is cut.
#[derive(Clone, Debug, Default)]
pub(super) struct Series {
    x: Vec<f32>,
    y: Vec<f32>,
}

impl Series {
    pub(super) fn new(mut x: Vec<f32>, mut y: Vec<f32>) -> Self {
        let n = x.len().min(y.len());
        x.truncate(n);
        y.truncate(n);
        Self { x, y }
    }

    pub(super) fn len(&self) -> usize {
        self.x.len()
    }

    pub(super) fn at(&self, i: usize) -> (f64, f64) {
        (f64::from(self.x[i]), f64::from(self.y[i]))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (f64, f64)> {
        (0..self.len()).map(|i| self.at(i))
    }

    /// The y at `x` by linear interpolation between pairs with ascending x; `None` outside their range.
    pub(super) fn value_at(&self, x: f64) -> Option<f64> {
        let after = self.x.partition_point(|&at| f64::from(at) < x);
        if after == self.len() || (after == 0 && f64::from(self.x[0]) > x) {
            return None;
        }
        let (x1, y1) = self.at(after);
        let (x0, y0) = self.at(after.saturating_sub(1));
        let value = if x1 > x0 { y0 + (y1 - y0) * (x - x0) / (x1 - x0) } else { y1 };
        value.is_finite().then_some(value)
    }
}
