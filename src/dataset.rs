//! Rows to train on: inputs and one target, in their original units.
//!
//! A dataset can be read any number of times, a block at a time: a generator computes its rows again from a formula, a
//! table has them in memory or parses them again. Ten million rows are never held in f64, and no reader keeps a second
//! copy.

use std::cell::{OnceCell, RefCell};
use std::ops::Range;
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use crate::choices::source::MAX_SAMPLES;
use crate::choices::{Choice as _, Source};
use crate::config::DataConfig;
use crate::fields::read_fields;
use crate::message::{Code, Message, Result, count, short};

mod feature_map;
mod generate;
mod problem;
mod scaler;
mod split;
mod stored;
mod summary;
mod table;
mod units;

pub use feature_map::{FeatureMap, InputMap, Term};
pub use problem::Problem;
pub use scaler::Scaler;
pub use split::{Role, Roles};
pub use stored::Stored;
pub use summary::Summary;
pub use table::Table;

use generate::Linspace;
pub(crate) use summary::{Grid, Squaring, Summing};

/// The largest magnitude of a value. Its square, summed over [`MAX_SAMPLES`] rows, is 1e37 and still fits
/// into an f32.
pub const MAX_VALUE: f64 = 1e15;

/// Number of rows that are read at a time: small enough that they and their features stay in the nearest cache.
pub const BLOCK_ROWS: usize = 512;

/// The rows of a run in f64, generated or read, in a fixed order.
#[derive(Clone, Debug)]
pub struct Dataset {
    rows: Rows,
    /// Indices of the source's rows that are left out, in ascending order without repetition.
    removed: Vec<u32>,
    /// Rows `[x, y]` that the user added after those of the source; only if there is one input.
    added: Vec<[f64; 2]>,
    /// The input columns of the model, in the order of a row; at least one.
    pub inputs: Vec<Input>,
    /// Name of the target column.
    pub target: String,
    /// Names of the target's classes, which rows refer to by index. Empty if the target is a number.
    pub target_levels: Vec<String>,
    /// The kinds of the columns that follow the target in a row.
    pub extras: Vec<Extra>,
    summary: OnceCell<Summary>,
    /// The error of the last failed reading, whose rows were filled with zeros.
    failure: RefCell<Option<Message>>,
}

/// An input column of the model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Input {
    /// Name of the column.
    pub name: String,
    /// Names of a category's levels, which rows refer to by index. Empty if the column is numeric.
    pub levels: Vec<String>,
}

read_fields!(Input { name, levels });

impl Input {
    /// A numeric column with this name.
    pub fn number(name: &str) -> Self {
        Self { name: name.to_owned(), levels: Vec::new() }
    }
}

/// A column that is not an input of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Extra {
    /// The sample weight of each row.
    Weight,
    /// The group of each row: rows with the same number stay together in a split.
    Group,
    /// A number or date that determines the order of the rows.
    Order,
}

/// A table whose rows are stored outside this crate and can be read any number of times.
pub trait RowSource: std::fmt::Debug {
    /// Number of rows in the table.
    fn n_rows(&self) -> usize;

    /// Fills `rows` with rows from `first` on, row-major: each row has its inputs, its target and
    /// its [`Dataset::extras`].
    ///
    /// # Errors
    /// The table is missing or has changed.
    fn read(&self, first: usize, rows: &mut [f64]) -> Result<()>;
}

/// Where the rows of a dataset come from.
#[derive(Clone, Debug)]
enum Rows {
    /// Rows that are computed at every reading.
    Linspace(Linspace),
    /// Columns in memory (inputs, target, extras), shared between datasets of the same table.
    Columns(Rc<Vec<Vec<f64>>>),
    /// Rows that are stored outside this crate.
    Source(Rc<dyn RowSource>),
}

impl Dataset {
    /// A dataset of rows in memory with one input, named `feature`.
    pub fn of_columns(x: Vec<f64>, y: Vec<f64>, feature: &str, target: &str) -> Self {
        Self::of_table(vec![x, y], vec![Input::number(feature)], target)
    }

    /// A dataset of rows in memory: `columns` has a column for each input, then the target.
    pub fn of_table(columns: Vec<Vec<f64>>, inputs: Vec<Input>, target: &str) -> Self {
        debug_assert!(columns.len() > inputs.len());
        debug_assert!(columns.iter().all(|column| column.len() == columns[0].len()));
        Self::of(Rows::Columns(Rc::new(columns)), inputs, target)
    }

    /// Sets the names of the target's classes; an empty list means that the target is a number.
    #[must_use]
    pub fn with_target_levels(mut self, levels: Vec<String>) -> Self {
        self.target_levels = levels;
        self
    }

    /// Sets the kinds of the columns that follow the target.
    #[must_use]
    pub fn with_extras(mut self, extras: Vec<Extra>) -> Self {
        self.extras = extras;
        self
    }

    /// A dataset whose rows are stored outside this crate.
    pub fn of_source(source: Rc<dyn RowSource>, inputs: Vec<Input>, target: &str) -> Self {
        Self::of(Rows::Source(source), inputs, target)
    }

    fn of(rows: Rows, inputs: Vec<Input>, target: &str) -> Self {
        Self {
            rows,
            removed: Vec::new(),
            added: Vec::new(),
            inputs,
            target: target.to_owned(),
            target_levels: Vec::new(),
            extras: Vec::new(),
            summary: OnceCell::new(),
            failure: RefCell::new(None),
        }
    }

    /// Builds the dataset that `data` describes. `table` is the shipped or the user's table, if the source is
    /// a table.
    ///
    /// # Errors
    /// [`Code::TableMissing`], [`Code::TableDiffers`] where the table is not the described one;
    /// [`Code::RemovedOutOfRange`]; and those of [`Dataset::check`].
    pub fn build(data: &DataConfig, table: Option<&Table>) -> Result<Self> {
        let mut dataset = match (&data.source, table) {
            (&Source::Linspace { start, stop, n_samples, slope, intercept, noise, seed }, _) => {
                let line = Linspace { start, stop, n_samples, slope, intercept, noise, seed };
                Self::of(Rows::Linspace(line), vec![Input::number("x")], "y")
            }
            (Source::Table { name, fingerprint }, Some(table)) => {
                if table.fingerprint() != fingerprint {
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
                    .with("name", table.name())
                    .with("detail", "it was not fetched"));
            }
        };
        dataset.summary = OnceCell::new();
        dataset.remove(&data.removed)?;
        // A point that the user has added has one x.
        if dataset.inputs.len() == 1 {
            dataset.added.clone_from(&data.added);
        }
        dataset.check()?;
        Ok(dataset)
    }

    /// Number of rows, without removed and with added ones.
    pub fn n_samples(&self) -> u32 {
        (self.n_kept() + self.added.len()) as u32
    }

    /// Whether the rows are generated from a formula at every reading.
    pub fn is_generated(&self) -> bool {
        matches!(self.rows, Rows::Linspace(_))
    }

    /// Bytes of memory that the rows take in f64.
    pub fn bytes(&self) -> u64 {
        let kept = match &self.rows {
            Rows::Linspace(_) => 0,
            Rows::Columns(columns) => 8 * columns.len() * columns[0].len(),
            Rows::Source(_) => 0,
        };
        (kept + 16 * self.added.len() + 4 * self.removed.len()) as u64
    }

    /// Number of inputs per row.
    pub fn n_inputs(&self) -> usize {
        self.inputs.len()
    }

    /// Fills `x` (row-major) with the inputs of the rows from `first` on.
    pub fn read_x(&self, first: usize, x: &mut [f64]) {
        let n_inputs = self.n_inputs();
        self.stretches(first, x.len() / n_inputs, |place, stretch| {
            let x = &mut x[place.start * n_inputs..place.end * n_inputs];
            match (stretch, &self.rows) {
                (Stretch::Source(rows), Rows::Linspace(line)) => line.x(rows, x),
                (Stretch::Source(rows), Rows::Columns(columns)) => {
                    for (j, column) in columns[..n_inputs].iter().enumerate() {
                        for (x, value) in x[j..].iter_mut().step_by(n_inputs).zip(&column[rows.clone()]) {
                            *x = *value;
                        }
                    }
                }
                (Stretch::Source(rows), Rows::Source(source)) => {
                    self.read_source(source.as_ref(), rows, x, &mut []);
                }
                (Stretch::Added(rows), _) => {
                    for (x, added) in x.iter_mut().zip(&self.added[rows]) {
                        *x = added[0];
                    }
                }
            }
        });
    }

    /// Fills `x` (row-major) and `y` with the inputs and targets of rows from `first` on.
    pub fn read(&self, first: usize, x: &mut [f64], y: &mut [f64]) {
        if let Rows::Source(source) = &self.rows {
            let n_inputs = self.n_inputs();
            self.stretches(first, y.len(), |place, stretch| {
                if let Stretch::Source(rows) = stretch {
                    let x = &mut x[place.start * n_inputs..place.end * n_inputs];
                    self.read_source(source.as_ref(), rows, x, &mut y[place]);
                } else if let Stretch::Added(rows) = stretch {
                    for ((x, y), added) in
                        x[place.clone()].iter_mut().zip(&mut y[place]).zip(&self.added[rows])
                    {
                        [*x, *y] = *added;
                    }
                }
            });
            return;
        }
        self.read_x(first, x);
        self.stretches(first, y.len(), |place, stretch| match (stretch, &self.rows) {
            (Stretch::Source(rows), Rows::Linspace(line)) => line.y(rows, &x[place.clone()], &mut y[place]),
            (Stretch::Source(rows), Rows::Columns(columns)) => {
                y[place].copy_from_slice(&columns[self.n_inputs()][rows]);
            }
            (Stretch::Source(_), Rows::Source(_)) => {}
            (Stretch::Added(rows), _) => {
                for (y, added) in y[place].iter_mut().zip(&self.added[rows]) {
                    *y = added[1];
                }
            }
        });
    }

    /// Number of columns in a row of the source: inputs, target and extras.
    fn width(&self) -> usize {
        self.n_inputs() + 1 + self.extras.len()
    }

    fn read_source(&self, source: &dyn RowSource, rows: Range<usize>, x: &mut [f64], y: &mut [f64]) {
        let n_inputs = self.n_inputs();
        let read = self.rows_of_source(source, rows);
        for ((i, row), x) in read.chunks_exact(self.width()).enumerate().zip(x.chunks_exact_mut(n_inputs)) {
            x.copy_from_slice(&row[..n_inputs]);
            if let Some(y) = y.get_mut(i) {
                *y = row[n_inputs];
            }
        }
    }

    fn rows_of_source(&self, source: &dyn RowSource, rows: Range<usize>) -> Vec<f64> {
        let mut read = vec![0.0; rows.len() * self.width()];
        if let Err(message) = source.read(rows.start, &mut read) {
            self.failure.borrow_mut().get_or_insert(message);
            read.fill(0.0);
        }
        read
    }

    /// Reads one of [`Dataset::extras`] for rows from `first` on; `None` if there is no such
    /// column. A row that the user has added has weight 1, belongs to no group, and comes last in
    /// the order.
    pub fn read_extra(&self, extra: Extra, first: usize, values: &mut [f64]) -> Option<()> {
        let column = self.n_inputs() + 1 + self.extras.iter().position(|other| *other == extra)?;
        self.stretches(first, values.len(), |place, stretch| {
            let values = &mut values[place];
            match (stretch, &self.rows) {
                (Stretch::Source(rows), Rows::Columns(columns)) => {
                    values.copy_from_slice(&columns[column][rows]);
                }
                (Stretch::Source(rows), Rows::Source(source)) => {
                    let read = self.rows_of_source(source.as_ref(), rows);
                    for (value, row) in values.iter_mut().zip(read.chunks_exact(self.width())) {
                        *value = row[column];
                    }
                }
                _ => values.fill(match extra {
                    Extra::Weight => 1.0,
                    Extra::Group => f64::NAN,
                    Extra::Order => f64::INFINITY,
                }),
            }
        });
        Some(())
    }

    /// Fills `y` with the targets of the rows from `first` on.
    pub fn read_y(&self, first: usize, y: &mut [f64]) {
        let mut x = vec![0.0; y.len() * self.n_inputs()];
        self.read(first, &mut x, y);
    }

    /// Returns the error of a failed reading since the last check.
    ///
    /// # Errors
    /// The error of the first reading that failed.
    pub fn readable(&self) -> Result<()> {
        self.failure.borrow_mut().take().map_or(Ok(()), Err)
    }

    /// All rows: inputs (row-major), and targets.
    pub fn columns(&self) -> (Vec<f64>, Vec<f64>) {
        let n = self.n_samples() as usize;
        let (mut x, mut y) = (vec![0.0; n * self.n_inputs()], vec![0.0; n]);
        self.read(0, &mut x, &mut y);
        (x, y)
    }

    /// Calls `each` with inputs (row-major) and targets of all rows, in blocks of [`BLOCK_ROWS`].
    pub fn for_each_block(&self, mut each: impl FnMut(&[f64], &[f64])) {
        let n_inputs = self.n_inputs();
        let (mut x, mut y) = (vec![0.0; n_inputs * BLOCK_ROWS], [0.0; BLOCK_ROWS]);
        for block in blocks(self.n_samples() as usize) {
            let (x, y) = (&mut x[..block.len() * n_inputs], &mut y[..block.len()]);
            self.read(block.start, x, y);
            each(x, y);
        }
    }

    /// Ranges and variance over all rows. Computing them takes two readings of the rows; later calls return
    /// the stored result.
    pub fn summary(&self) -> &Summary {
        self.summary.get_or_init(|| {
            let mut summing = Summing::new(self.n_inputs());
            self.for_each_block(|x, y| summing.add(x, y));
            let mut squaring = summing.mean();
            self.for_each_block(|_, y| squaring.add(y));
            squaring.summary()
        })
    }

    /// Stores a summary that was computed while the rows were read for another purpose.
    pub(crate) fn set_summary(&self, summary: Summary) {
        // A summary that is known already is the same one.
        let _ = self.summary.set(summary);
    }

    /// Minimum and maximum of the first input, then of the target.
    pub fn ranges(&self) -> ([f64; 2], [f64; 2]) {
        let summary = self.summary();
        (summary.x_ranges[0], summary.y_range)
    }

    /// Variance of the target (with 1/n).
    pub fn target_variance(&self) -> f64 {
        self.summary().target_variance
    }

    /// Counts rows on a grid of `columns` by `rows` cells over the rectangle `x` (first input) by `y`
    /// (target); row-major from the bottom.
    pub fn density(&self, x: [f64; 2], y: [f64; 2], columns: u32, rows: u32) -> Vec<u32> {
        let mut grid = Grid::new(x, y, columns, rows);
        self.for_each_block(|x, y| {
            for (x, y) in x.iter().step_by(self.n_inputs()).zip(y) {
                grid.count(*x, *y);
            }
        });
        grid.counts
    }

    /// Returns an error if no line can be fitted to the rows.
    ///
    /// # Errors
    /// [`Code::TableEmpty`], [`Code::TooFewRows`], [`Code::TooManyRows`], [`Code::ConstantFeature`].
    pub fn check(&self) -> Result<()> {
        let n_samples = self.n_samples();
        match n_samples {
            0 => return Err(Code::TableEmpty.into()),
            1 => return Err(Code::TooFewRows.into()),
            // Tables have a limit of their own.
            n if n > MAX_SAMPLES && self.is_generated() => {
                return Err(Message::new(Code::TooManyRows).with("limit", count(MAX_SAMPLES.into())));
            }
            _ => {}
        }
        // Rarely more than one block: the first value that differs ends the search.
        let n_inputs = self.n_inputs();
        let mut first = vec![0.0; n_inputs];
        self.read_x(0, &mut first);
        let mut x = vec![0.0; n_inputs * BLOCK_ROWS];
        let constant = blocks(n_samples as usize).all(|block| {
            let x = &mut x[..block.len() * n_inputs];
            self.read_x(block.start, x);
            x.chunks_exact(n_inputs).all(|row| row == first)
        });
        self.readable()?;
        if constant {
            return Err(Message::new(Code::ConstantFeature)
                .with("column", &self.inputs[0].name)
                .with("value", short(first[0])));
        }
        Ok(())
    }

    /// Number of rows in the source, before any are removed or added.
    fn n_of_source(&self) -> usize {
        match &self.rows {
            Rows::Linspace(line) => line.n_samples as usize,
            Rows::Columns(columns) => columns[0].len(),
            Rows::Source(source) => source.n_rows(),
        }
    }

    fn n_kept(&self) -> usize {
        self.n_of_source() - self.removed.len()
    }

    fn remove(&mut self, rows: &[u32]) -> Result<()> {
        let n_samples = self.n_of_source();
        if let Some(index) = rows.iter().find(|&&index| index as usize >= n_samples) {
            return Err(Message::new(Code::RemovedOutOfRange)
                .with("index", index)
                .with("n_samples", n_samples));
        }
        for row in rows {
            // They are in order, unless the link was written by hand.
            if let Err(place) = self.removed.binary_search(row) {
                self.removed.insert(place, *row);
            }
        }
        Ok(())
    }

    /// Splits the `n_rows` rows from `first` on into contiguous stretches. Calls `each` with the range of
    /// each stretch among the requested rows, and where it is read from.
    fn stretches(&self, first: usize, n_rows: usize, mut each: impl FnMut(Range<usize>, Stretch)) {
        let n_kept = self.n_kept();
        let end = first + n_rows;
        let mut row = first;
        // Removed row `i` lies before kept row `first` where its index, less `i`, is not larger.
        let mut gone = partition(self.removed.len(), |i| self.removed[i] as usize - i <= first);
        while row < end.min(n_kept) {
            let start = row + gone;
            let until = self.removed.get(gone).map_or(usize::MAX, |removed| *removed as usize);
            let n = (end.min(n_kept) - row).min(until - start);
            if n > 0 {
                each(row - first..row - first + n, Stretch::Source(start..start + n));
            } else {
                gone += 1;
            }
            row += n;
        }
        if row < end {
            each(row - first..n_rows, Stretch::Added(row - n_kept..end - n_kept));
        }
    }
}

/// Where a contiguous stretch of rows is read from: the source, or the rows that the user added.
enum Stretch {
    Source(Range<usize>),
    Added(Range<usize>),
}

/// The ranges of rows, [`BLOCK_ROWS`] each, in which `n_rows` rows are read.
pub fn blocks(n_rows: usize) -> impl Iterator<Item = Range<usize>> {
    (0..n_rows).step_by(BLOCK_ROWS).map(move |start| start..(start + BLOCK_ROWS).min(n_rows))
}

/// The first index below `n` for which `is` returns false, else `n`. `is` must be true before that index and
/// false from there on.
fn partition(n: usize, is: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, n);
    while low < high {
        let middle = (low + high) / 2;
        if is(middle) { low = middle + 1 } else { high = middle }
    }
    low
}
