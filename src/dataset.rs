//! Rows to learn from: one feature, one target, in the units they came in.

use crate::config::{DataConfig, MAX_SAMPLES, Source};
use crate::message::{Code, Message, Result, short};

mod csv;
mod generate;
mod scale;

pub use csv::{Table, parse_table};
pub use scale::{FeatureMap, Problem};

/// The largest magnitude of a value: its square, summed over [`MAX_SAMPLES`] rows, still fits in f32.
pub const MAX_VALUE: f64 = 1e15;

/// Rows in f64, as generated or read, in a fixed order.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// The feature, `n_samples` long.
    pub x: Vec<f64>,
    /// The target, `n_samples` long.
    pub y: Vec<f64>,
    /// What the feature is called.
    pub feature: String,
    /// What the target is called.
    pub target: String,
}

impl Dataset {
    /// The rows that `data` describes. `table` are those of a shipped or a user's table, where the source is one.
    ///
    /// # Errors
    /// [`Code::TableMissing`], [`Code::TableDiffers`] where the table is not the one that is described;
    /// [`Code::RemovedOutOfRange`]; and what [`Dataset::check`] finds.
    pub fn build(data: &DataConfig, table: Option<&Table>) -> Result<Self> {
        let mut dataset = match (&data.source, table) {
            (Source::Linspace { .. }, _) => generate::linspace(&data.source),
            (Source::Table { name, fingerprint }, Some(table)) => {
                if table.fingerprint() != *fingerprint {
                    return Err(Message::new(Code::TableDiffers)
                        .with("name", name)
                        .with("expected", fingerprint)
                        .with("found", table.fingerprint()));
                }
                table.dataset.clone()
            }
            (Source::Shipped { .. }, Some(table)) => table.dataset.clone(),
            (Source::Table { name, .. }, None) => {
                return Err(Message::new(Code::TableMissing).with("name", name));
            }
            (Source::Shipped { table }, None) => {
                return Err(Message::new(Code::TableUnavailable)
                    .with("name", table.id())
                    .with("detail", "it was not fetched"));
            }
        };
        dataset.remove(&data.removed)?;
        for [x, y] in &data.added {
            dataset.x.push(*x);
            dataset.y.push(*y);
        }
        dataset.check()?;
        Ok(dataset)
    }

    /// Rows.
    pub fn n_samples(&self) -> u32 {
        self.x.len() as u32
    }

    /// Least and greatest x, then of y.
    pub fn ranges(&self) -> ([f64; 2], [f64; 2]) {
        (range(&self.x), range(&self.y))
    }

    /// Variance of the target (with 1/n).
    pub fn target_variance(&self) -> f64 {
        let n = self.y.len() as f64;
        let mean = self.y.iter().sum::<f64>() / n;
        self.y.iter().map(|y| (y - mean) * (y - mean)).sum::<f64>() / n
    }

    /// Row counts on a grid over a rectangle, row-major from the bottom.
    pub fn density(&self, x: [f64; 2], y: [f64; 2], columns: u32, rows: u32) -> Vec<u32> {
        let mut counts = vec![0_u32; (columns * rows) as usize];
        let scale =
            |range: [f64; 2], cells: u32| f64::from(cells) / (range[1] - range[0]).max(f64::MIN_POSITIVE);
        let (by_x, by_y) = (scale(x, columns), scale(y, rows));
        for (px, py) in self.x.iter().zip(&self.y) {
            let (column, row) = ((px - x[0]) * by_x, (py - y[0]) * by_y);
            // The far edges belong to the last cells.
            let inside = |place: f64, cells: u32| place >= 0.0 && place <= f64::from(cells);
            if inside(column, columns) && inside(row, rows) {
                let column = (column as u32).min(columns - 1);
                let row = (row as u32).min(rows - 1);
                counts[(row * columns + column) as usize] += 1;
            }
        }
        counts
    }

    /// Refuses what no line can be fitted to.
    ///
    /// # Errors
    /// [`Code::TableEmpty`], [`Code::TooFewRows`], [`Code::TooManyRows`], [`Code::ConstantFeature`].
    pub fn check(&self) -> Result<()> {
        match self.x.len() {
            0 => return Err(Code::TableEmpty.into()),
            1 => return Err(Code::TooFewRows.into()),
            n if n > MAX_SAMPLES as usize => {
                return Err(Message::new(Code::TooManyRows).with("limit", MAX_SAMPLES));
            }
            _ => {}
        }
        let [low, high] = range(&self.x);
        if low == high {
            return Err(Message::new(Code::ConstantFeature)
                .with("column", &self.feature)
                .with("value", short(low)));
        }
        Ok(())
    }

    fn remove(&mut self, rows: &[u32]) -> Result<()> {
        let n_samples = self.x.len();
        if let Some(index) = rows.iter().find(|&&index| index as usize >= n_samples) {
            return Err(Message::new(Code::RemovedOutOfRange)
                .with("index", index)
                .with("n_samples", n_samples));
        }
        let mut gone = vec![false; n_samples];
        for &index in rows {
            gone[index as usize] = true;
        }
        let mut keep = gone.iter().map(|gone| !gone);
        self.x.retain(|_| keep.next().unwrap_or(true));
        let mut keep = gone.iter().map(|gone| !gone);
        self.y.retain(|_| keep.next().unwrap_or(true));
        Ok(())
    }
}

fn range(values: &[f64]) -> [f64; 2] {
    values.iter().fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], &v| [low.min(v), high.max(v)])
}
