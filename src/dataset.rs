//! Rows to learn from: inputs and one target, in the units they came in.
//!
//! Rows are a source that can be read again, a block at a time: a generator makes them anew from its formula, a table
//! has them or parses them again. Ten million rows are never held in f64, and nothing that reads them keeps a second
//! copy.

use std::cell::{OnceCell, RefCell};
use std::ops::Range;
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use crate::choices::source::MAX_SAMPLES;
use crate::choices::{Choice as _, Source};
use crate::config::DataConfig;
use crate::message::{Code, Message, Result, count, short};

mod generate;
mod scale;
mod split;
mod stored;
mod table;
mod units;

pub use scale::{FeatureMap, InputMap, Problem, Scaler, Term};
pub use split::{Role, Roles};
pub use stored::Stored;
pub use table::Table;

use generate::Linspace;

/// The largest magnitude of a value: its square, summed over [`MAX_SAMPLES`] rows, is 1e37 and still fits in f32.
pub const MAX_VALUE: f64 = 1e15;

/// Rows that are read at a time: they and what is made of them stay in the nearest cache.
pub const BLOCK_ROWS: usize = 512;

/// Rows in f64, as generated or read, in a fixed order.
#[derive(Clone, Debug)]
pub struct Dataset {
    rows: Rows,
    /// Rows of the source that are left out, rising, each once.
    removed: Vec<u32>,
    /// Rows after the source's; only where there is one input.
    added: Vec<[f64; 2]>,
    /// What a row gives the model, in the order in which rows hold it; one at least.
    pub inputs: Vec<Input>,
    /// What the target is called.
    pub target: String,
    /// What its numbers stand for, where it is a class: rows hold an index into these. Empty where it is a number.
    pub target_levels: Vec<String>,
    /// What rows hold after the target.
    pub extras: Vec<Extra>,
    summary: OnceCell<Summary>,
    /// Why a reading failed, where one did: its rows were zeros.
    failure: RefCell<Option<Message>>,
}

/// One column that the model sees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// What it is called.
    pub name: String,
    /// What its numbers stand for, where it is a category: rows hold an index into these. Empty where it is a number.
    pub levels: Vec<String>,
}

impl Input {
    /// A column of numbers.
    pub fn number(name: &str) -> Self {
        Self { name: name.to_owned(), levels: Vec::new() }
    }
}

/// A column that the model does not see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Extra {
    /// How much a row counts.
    Weight,
    /// Rows of one number stay together in a split.
    Group,
    /// A number or a date that rows are in the order of.
    Order,
}

/// A table that somebody else keeps: its rows can be read as often as is needed.
pub trait RowSource: std::fmt::Debug {
    /// Rows.
    fn n_rows(&self) -> usize;

    /// Reads as many rows as `rows` holds, from `first` on: row-major, the inputs of a row, then its target, then what
    /// [`Dataset::extras`] names.
    ///
    /// # Errors
    /// Where the table is gone or has changed.
    fn read(&self, first: usize, rows: &mut [f64]) -> Result<()>;
}

/// Where rows are read from.
#[derive(Clone, Debug)]
enum Rows {
    /// Made anew at every reading.
    Linspace(Linspace),
    /// Kept; shared by whatever is made of one table. The target is the last.
    Columns(Rc<Vec<Vec<f64>>>),
    /// Kept by somebody else.
    Source(Rc<dyn RowSource>),
}

/// What every row together says.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// Least and greatest value of each input.
    pub x_ranges: Vec<[f64; 2]>,
    /// Least and greatest y.
    pub y_range: [f64; 2],
    /// Variance of the target (with 1/n).
    pub target_variance: f64,
}

impl Dataset {
    /// Rows of a table of one input.
    pub fn of_columns(x: Vec<f64>, y: Vec<f64>, feature: &str, target: &str) -> Self {
        Self::of_table(vec![x, y], vec![Input::number(feature)], target)
    }

    /// Rows of a table: a column an input, then the target.
    pub fn of_table(columns: Vec<Vec<f64>>, inputs: Vec<Input>, target: &str) -> Self {
        debug_assert!(columns.len() > inputs.len());
        debug_assert!(columns.iter().all(|column| column.len() == columns[0].len()));
        Self::of(Rows::Columns(Rc::new(columns)), inputs, target)
    }

    /// The same whose target is a class, of these names; none where it is a number.
    #[must_use]
    pub fn with_target_levels(mut self, levels: Vec<String>) -> Self {
        self.target_levels = levels;
        self
    }

    /// The same whose rows hold so much more after the target.
    #[must_use]
    pub fn with_extras(mut self, extras: Vec<Extra>) -> Self {
        self.extras = extras;
        self
    }

    /// Rows that somebody else keeps.
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

    /// The rows that `data` describes. `table` are those of a shipped or a user's table, where the source is one.
    ///
    /// # Errors
    /// [`Code::TableMissing`], [`Code::TableDiffers`] where the table is not the one that is described;
    /// [`Code::RemovedOutOfRange`]; and what [`Dataset::check`] finds.
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
        // A point has one x.
        if dataset.inputs.len() == 1 {
            dataset.added.clone_from(&data.added);
        }
        dataset.check()?;
        Ok(dataset)
    }

    /// Rows.
    pub fn n_samples(&self) -> u32 {
        (self.n_kept() + self.added.len()) as u32
    }

    /// Whether reading the rows costs making them.
    pub fn is_generated(&self) -> bool {
        matches!(self.rows, Rows::Linspace(_))
    }

    /// Bytes of memory that the rows take beside what is made of them.
    pub fn bytes(&self) -> u64 {
        let kept = match &self.rows {
            Rows::Linspace(_) => 0,
            Rows::Columns(columns) => 8 * columns.len() * columns[0].len(),
            Rows::Source(_) => 0,
        };
        (kept + 16 * self.added.len() + 4 * self.removed.len()) as u64
    }

    /// Numbers that a row gives the model.
    pub fn n_inputs(&self) -> usize {
        self.inputs.len()
    }

    /// Reads the inputs of the rows from `first` on, row-major.
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

    /// Reads the rows from `first` on, as many as `y` holds; `x` is row-major.
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

    /// Numbers of a row of a source.
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

    /// Reads one of [`Dataset::extras`] of the rows from `first` on; `None` where there is no such column. A row that was
    /// put in by hand counts once, belongs to no group, and is the last.
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

    /// Reads the targets of the rows from `first` on.
    pub fn read_y(&self, first: usize, y: &mut [f64]) {
        let mut x = vec![0.0; y.len() * self.n_inputs()];
        self.read(first, &mut x, y);
    }

    /// Why rows could not be read, where that has happened since it was last asked.
    ///
    /// # Errors
    /// That very message.
    pub fn readable(&self) -> Result<()> {
        self.failure.borrow_mut().take().map_or(Ok(()), Err)
    }

    /// Every row at once: inputs row-major, and targets: for few rows, or for somebody else.
    pub fn columns(&self) -> (Vec<f64>, Vec<f64>) {
        let n = self.n_samples() as usize;
        let (mut x, mut y) = (vec![0.0; n * self.n_inputs()], vec![0.0; n]);
        self.read(0, &mut x, &mut y);
        (x, y)
    }

    /// Every row, in blocks of [`BLOCK_ROWS`].
    pub fn for_each_block(&self, mut each: impl FnMut(&[f64], &[f64])) {
        let n_inputs = self.n_inputs();
        let (mut x, mut y) = (vec![0.0; n_inputs * BLOCK_ROWS], [0.0; BLOCK_ROWS]);
        for block in blocks(self.n_samples() as usize) {
            let (x, y) = (&mut x[..block.len() * n_inputs], &mut y[..block.len()]);
            self.read(block.start, x, y);
            each(x, y);
        }
    }

    /// What every row together says. It takes two readings unless it is known already.
    pub fn summary(&self) -> &Summary {
        self.summary.get_or_init(|| {
            let mut summing = Summing::new(self.n_inputs());
            self.for_each_block(|x, y| summing.add(x, y));
            let mut squaring = summing.mean();
            self.for_each_block(|_, y| squaring.add(y));
            squaring.summary()
        })
    }

    /// Takes over what was found out while the rows were read for something else.
    pub(crate) fn set_summary(&self, summary: Summary) {
        // Whoever was first has found the same.
        let _ = self.summary.set(summary);
    }

    /// Least and greatest value of the first input, then of the target.
    pub fn ranges(&self) -> ([f64; 2], [f64; 2]) {
        let summary = self.summary();
        (summary.x_ranges[0], summary.y_range)
    }

    /// Variance of the target (with 1/n).
    pub fn target_variance(&self) -> f64 {
        self.summary().target_variance
    }

    /// Row counts on a grid over a rectangle of first input and target, row-major from the bottom.
    pub fn density(&self, x: [f64; 2], y: [f64; 2], columns: u32, rows: u32) -> Vec<u32> {
        let mut grid = Grid::new(x, y, columns, rows);
        self.for_each_block(|x, y| {
            for (x, y) in x.iter().step_by(self.n_inputs()).zip(y) {
                grid.count(*x, *y);
            }
        });
        grid.counts
    }

    /// Refuses what no line can be fitted to.
    ///
    /// # Errors
    /// [`Code::TableEmpty`], [`Code::TooFewRows`], [`Code::TooManyRows`], [`Code::ConstantFeature`].
    pub fn check(&self) -> Result<()> {
        let n_samples = self.n_samples();
        match n_samples {
            0 => return Err(Code::TableEmpty.into()),
            1 => return Err(Code::TooFewRows.into()),
            // A table says itself how many it has room for.
            n if n > MAX_SAMPLES && self.is_generated() => {
                return Err(Message::new(Code::TooManyRows).with("limit", count(MAX_SAMPLES.into())));
            }
            _ => {}
        }
        // Seldom more than one block: the first other value of any input ends it.
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

    /// Rows of the source.
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
            // They come in order, but for a link that somebody has written.
            if let Err(place) = self.removed.binary_search(row) {
                self.removed.insert(place, *row);
            }
        }
        Ok(())
    }

    /// The rows from `first` on, as stretches that lie side by side: the place of each among those asked for, and where
    /// it is found.
    fn stretches(&self, first: usize, n_rows: usize, mut each: impl FnMut(Range<usize>, Stretch)) {
        let n_kept = self.n_kept();
        let end = first + n_rows;
        let mut row = first;
        // The rows removed before a row that is left are those whose index, less the ones before them, is no larger.
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

/// Rows side by side.
enum Stretch {
    Source(Range<usize>),
    Added(Range<usize>),
}

/// The blocks that `n_rows` are read in.
pub fn blocks(n_rows: usize) -> impl Iterator<Item = Range<usize>> {
    (0..n_rows).step_by(BLOCK_ROWS).map(move |start| start..(start + BLOCK_ROWS).min(n_rows))
}

/// The first of `n` places for which `is` does not hold, where it holds up to some place and not from there on.
fn partition(n: usize, is: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, n);
    while low < high {
        let middle = (low + high) / 2;
        if is(middle) { low = middle + 1 } else { high = middle }
    }
    low
}

/// First reading of a summary: ranges, and the sum whose mean the second needs.
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

    /// `x` is row-major.
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

/// Second reading of a summary: squares about the mean, which do not cancel as those about zero would.
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

/// Counts of points in the cells of a rectangle.
pub(crate) struct Grid {
    columns: u32,
    rows: u32,
    start: [f64; 2],
    per_unit: [f64; 2],
    /// Row-major from the bottom.
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
        // The far edges belong to the last cells.
        let inside = |place: f64, cells: u32| place >= 0.0 && place <= f64::from(cells);
        if inside(column, self.columns) && inside(row, self.rows) {
            let column = (column as u32).min(self.columns - 1);
            let row = (row as u32).min(self.rows - 1);
            self.counts[(row * self.columns + column) as usize] += 1;
        }
    }
}
