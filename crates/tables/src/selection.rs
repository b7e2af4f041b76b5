//! Selects rows for a model from a table: determines target and features, and handles missing values.

use downhill::choices::Missing;
use downhill::config::ColumnsConfig;
pub use downhill::dataset::Extra;
use downhill::dataset::Input;
use downhill::message::{Code, Message, Result, count};
use rustc_hash::FxHashMap;

use crate::column::{self, Column, Kind, Levels};
use crate::table::{Table, complaint, too_wide};

/// The number of rows that are processed at once.
const ROWS_READ: usize = 4096;

/// The columns and rows of a table that a model uses.
#[derive(Clone, Debug)]
pub struct Selection {
    /// The selected columns: features, target, then extras.
    columns: Vec<Chosen>,
    /// The rows of the table that are kept; `None` if all are.
    kept: Option<Kept>,
    n_rows: usize,
    /// The features as inputs of a model, with names and levels.
    pub inputs: Vec<Input>,
    /// The name of the target.
    pub target: String,
    /// The class names of a category target, which rows refer to by index. Empty if the target is a number.
    pub target_levels: Vec<String>,
    /// The columns that follow the target in a row, in order.
    pub extras: Vec<Extra>,
    /// The number of rows left out because of a missing value.
    pub n_dropped: usize,
    /// The number of rows left out because of an unreadable cell.
    pub n_bad: usize,
    /// The number of cells filled with a mean, a median or the most frequent level.
    pub n_filled: usize,
}

#[derive(Clone, Debug)]
struct Chosen {
    index: usize,
    /// The levels, if the column is a category.
    levels: Option<Levels>,
    /// The value that replaces missing cells; `None` if rows with missing cells are left out.
    fill: Option<f64>,
}

impl Chosen {
    #[inline(always)]
    fn value(&self, cell: f64) -> Option<f64> {
        let value = match &self.levels {
            Some(levels) => levels.of(cell).map(f64::from),
            None => column::value(cell),
        };
        value.or(self.fill)
    }
}

/// A subset of rows as a bit set.
#[derive(Clone, Debug, Default)]
struct Kept {
    bits: Vec<u64>,
    /// The number of kept rows before each group of 64 words (4096 rows).
    before: Vec<u32>,
    n_rows: usize,
    n_kept: u32,
}

impl Kept {
    fn push(&mut self, keeps: bool) {
        if self.n_rows.is_multiple_of(64) {
            if self.bits.len().is_multiple_of(64) {
                self.before.push(self.n_kept);
            }
            self.bits.push(0);
        }
        self.bits[self.n_rows / 64] |= u64::from(keeps) << (self.n_rows % 64);
        self.n_rows += 1;
        self.n_kept += u32::from(keeps);
    }

    /// Iterates over the indices of the kept rows, from the `first`-th kept row on.
    fn from(&self, first: usize) -> impl Iterator<Item = usize> {
        let group = self.before.partition_point(|before| *before as usize <= first).saturating_sub(1);
        let n_skipped = first - self.before.get(group).map_or(0, |before| *before as usize);
        let words = self.bits.iter().enumerate().skip(64 * group);
        let rows = words.flat_map(|(place, word)| {
            let rest = |bits: &u64| Some(bits & bits.wrapping_sub(1)).filter(|rest| *rest != 0);
            let first = Some(*word).filter(|word| *word != 0);
            std::iter::successors(first, rest).map(move |bits| 64 * place + bits.trailing_zeros() as usize)
        });
        rows.skip(n_skipped)
    }
}

impl Selection {
    /// Selects columns and rows. Empty fields of `choice` take the table's default.
    ///
    /// # Errors
    /// [`Code::NoSuchColumn`], [`Code::NoTarget`], [`Code::NoFeatures`],
    /// [`Code::TargetAmongFeatures`], [`Code::ColumnKind`], [`Code::TooFewLevels`],
    /// [`Code::TooManyLevels`]; the first unreadable cell and the first row with too many cells,
    /// unless these are to be skipped; [`Code::NoWholeRows`] and [`Code::TooFewRows`] if too few
    /// rows remain; and those of [`Storage::read`](crate::block::Storage::read).
    pub fn new(table: &Table, choice: &ColumnsConfig) -> Result<Self> {
        let own = table.choice();
        let target = if choice.target.is_empty() { own.target } else { choice.target.clone() };
        let features = match choice.features.is_empty() {
            // If the chosen target is not the default one, the default target becomes a feature.
            true => table.features_beside(&target, choice),
            false => choice.features.clone(),
        };
        if target.is_empty() {
            return Err(Code::NoTarget.into());
        }
        if features.is_empty() {
            return Err(Code::NoFeatures.into());
        }
        if features.contains(&target) {
            return Err(Message::new(Code::TargetAmongFeatures).with("column", target));
        }
        // A map, because a table may name thousands of columns.
        let places: FxHashMap<&str, usize> =
            table.columns().iter().enumerate().map(|(index, column)| (column.name.as_str(), index)).collect();
        let find = |name: &str| {
            let index = places.get(name).copied();
            index.ok_or_else(|| Message::new(Code::NoSuchColumn).with("column", name))
        };
        let kinds: FxHashMap<&str, &str> =
            choice.kinds.iter().rev().map(|[name, kind]| (name.as_str(), kind.as_str())).collect();
        let kind_of = |column: &Column| match kinds.get(column.name.as_str()) {
            Some(kind) => Kind::named(kind).ok_or_else(|| unfit(column, kind)),
            None => Ok(column.kind()),
        };
        let mut columns = Vec::with_capacity(features.len() + 1);
        let mut inputs = Vec::with_capacity(features.len());
        for name in &features {
            let index = find(name)?;
            let column = &table.columns()[index];
            let chosen = choose(column, index, kind_of(column)?, choice)?;
            inputs.push(Input { name: name.clone(), levels: level_names(&chosen) });
            columns.push(chosen);
        }
        let whole = |name: &str, kind: &dyn Fn(Kind) -> Kind| {
            let index = find(name)?;
            let column = &table.columns()[index];
            let chosen = choose(column, index, kind(kind_of(column)?), choice)?;
            // Targets, sample weights and groups are never filled.
            Ok::<Chosen, Message>(Chosen { fill: None, ..chosen })
        };
        let chosen_target = whole(&target, &|kind| kind)?;
        let target_levels = level_names(&chosen_target);
        columns.push(chosen_target);
        let mut extras = Vec::new();
        for (extra, name) in wanted_extras(choice) {
            if name.is_empty() {
                continue;
            }
            columns.push(whole(name, &|kind| match (extra, kind) {
                (Extra::Weight, _) => Kind::Number,
                (Extra::Order, Kind::Date) => Kind::Date,
                (Extra::Order, _) => Kind::Number,
                // A group with few members may be one of many, so text may be a category here.
                (Extra::Group, Kind::Text) => Kind::Category,
                (Extra::Group, kind) => kind,
            })?);
            extras.push(extra);
        }
        let selection = Self {
            columns,
            kept: None,
            n_rows: table.n_rows() as usize,
            inputs,
            target,
            target_levels,
            extras,
            n_dropped: 0,
            n_bad: 0,
            n_filled: 0,
        };
        selection.keep(table, choice)
    }

    /// Determines which rows are kept.
    fn keep(mut self, table: &Table, choice: &ColumnsConfig) -> Result<Self> {
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        enum Row {
            Whole,
            Missing,
            Bad,
        }
        let long = table.long_rows();
        if let (Some((line, found)), false) = (long.first.first(), choice.skip_bad_cells) {
            return Err(too_wide(*line, *found, table.columns().len()));
        }
        let mut long = long.ranges.iter().cloned().flatten().map(|row| row as usize).peekable();
        let n_rows = table.n_rows() as usize;
        let block_rows = table.columns().first().map_or(1, Column::block_rows);
        let mut kept = Kept::default();
        for (index, first) in (0..n_rows).step_by(block_rows).enumerate() {
            let mut rows = vec![Row::Whole; block_rows.min(n_rows - first)];
            while let Some(row) = long.next_if(|row| *row < first + rows.len()) {
                rows[row - first] = Row::Bad;
            }
            for chosen in &self.columns {
                for (row, cell) in rows.iter_mut().zip(table.columns()[chosen.index].block(index)?.iter()) {
                    if !cell.is_nan() {
                        continue;
                    }
                    let found = match (column::is_missing(*cell), chosen.fill, &chosen.levels) {
                        (true, Some(_), _) => {
                            self.n_filled += 1;
                            Row::Whole
                        }
                        (true, None, _) => Row::Missing,
                        (false, _, None) => Row::Bad,
                        (false, ..) => Row::Whole,
                    };
                    *row = found.max(*row);
                }
            }
            for row in rows {
                match row {
                    Row::Bad => self.n_bad += 1,
                    Row::Missing => self.n_dropped += 1,
                    Row::Whole => {}
                }
                kept.push(row == Row::Whole);
            }
        }
        if kept.n_kept < 2 {
            let code = if kept.n_kept == 0 { Code::NoWholeRows } else { Code::TooFewRows };
            return Err(Message::new(code).with("n_samples", count(table.n_rows().into())));
        }
        self.n_rows = kept.n_kept as usize;
        if self.n_rows < n_rows {
            self.kept = Some(kept);
        }
        Ok(self)
    }

    /// The number of kept rows.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// The number of values in a row: one for each feature, target and extra.
    pub fn width(&self) -> usize {
        self.columns.len()
    }

    /// Fills `rows` (row-major) with the kept rows from the `first`-th on: features, target, then extras.
    ///
    /// # Errors
    /// Those of [`Storage::read`](crate::block::Storage::read).
    pub fn read(&self, table: &Table, first: usize, rows: &mut [f64]) -> Result<()> {
        let width = self.width();
        let mut at = Vec::with_capacity(ROWS_READ.min(rows.len() / width));
        for (i, rows) in rows.chunks_mut(ROWS_READ * width).enumerate() {
            let (first, n) = (first + i * ROWS_READ, rows.len() / width);
            at.clear();
            match &self.kept {
                None => at.extend(first..first + n),
                Some(kept) => at.extend(kept.from(first).take(n)),
            }
            for (j, chosen) in self.columns.iter().enumerate() {
                let column = &table.columns()[chosen.index];
                let n_rows = column.block_rows();
                let mut done = 0;
                for places in at.chunk_by(|a, b| a / n_rows == b / n_rows) {
                    let cells = column.block(places[0] / n_rows)?;
                    let values = rows[done * width..].iter_mut().skip(j).step_by(width);
                    for (value, place) in values.zip(places) {
                        *value = chosen.value(cells[place % n_rows]).unwrap_or(f64::NAN);
                    }
                    done += places.len();
                }
            }
        }
        Ok(())
    }
}

fn level_names(chosen: &Chosen) -> Vec<String> {
    chosen.levels.as_ref().map(|levels| levels.names.clone()).unwrap_or_default()
}

fn unfit(column: &Column, kind: &str) -> Message {
    Message::new(Code::ColumnKind).with("column", &column.name).with("kind", kind)
}

/// Selects a column as one of this kind, and determines the value that replaces its missing cells.
fn choose(column: &Column, index: usize, kind: Kind, choice: &ColumnsConfig) -> Result<Chosen> {
    let levels = match kind {
        Kind::Number | Kind::Date => {
            let n = if kind == Kind::Number { column.n_numbers() } else { column.n_dates };
            if n == 0 {
                return Err(unfit(column, if kind == Kind::Number { "number" } else { "date" }));
            }
            if let (false, true, Some(bad)) =
                (choice.skip_bad_cells, column.n_bad(kind) > 0, column.bad.first())
            {
                return Err(complaint(column, bad.line, &bad.text));
            }
            None
        }
        Kind::Category => {
            let refused = |code| Message::new(code).with("column", &column.name);
            let levels = column.levels()?.ok_or_else(|| refused(Code::TooManyLevels))?;
            if levels.names.len() < 2 {
                return Err(refused(Code::TooFewLevels));
            }
            Some(levels)
        }
        Kind::Text | Kind::Empty => return Err(unfit(column, "number")),
    };
    let fill = match (choice.missing, &levels) {
        _ if column.n_missing == 0 => None,
        (Missing::Drop, _) => None,
        (_, Some(levels)) => Some(f64::from(levels.most_frequent())),
        (Missing::Mean, None) => Some(column.mean()),
        (Missing::Median, None) => Some(column.median()?),
    };
    Ok(Chosen { index, levels, fill })
}

/// The extra columns that `choice` names, in the order in which rows contain them.
fn wanted_extras(choice: &ColumnsConfig) -> [(Extra, &str); 3] {
    [(Extra::Weight, &choice.weight), (Extra::Group, &choice.group), (Extra::Order, &choice.order)]
}
