//! Rows for a model out of a table: a target, features, and what becomes of what is missing.

use downhill::config::{ColumnsConfig, MAX_SAMPLES, Missing};
use downhill::dataset::Input;
use downhill::message::{Code, Message, Result, count};

use crate::column::{Column, Kind, Levels};
use crate::table::{Table, complaint, too_wide};

/// Which rows and columns a model sees.
#[derive(Clone, Debug)]
pub struct Selection {
    /// The features, then the target.
    columns: Vec<Chosen>,
    /// Rows of the table that are kept; `None` for all of them.
    rows: Option<Vec<u32>>,
    n_rows: usize,
    /// What a row gives the model.
    pub inputs: Vec<Input>,
    /// What the target is called.
    pub target: String,
    /// Rows left out, since something in them is missing.
    pub n_dropped: usize,
    /// Rows left out, since something in them cannot be read.
    pub n_bad: usize,
    /// Cells filled with a mean, a median or the most frequent level.
    pub n_filled: usize,
}

#[derive(Clone, Debug)]
struct Chosen {
    index: usize,
    /// Of a category.
    levels: Option<Levels>,
    /// What stands for a cell that says nothing.
    fill: Option<f64>,
}

impl Chosen {
    #[inline]
    fn value(&self, column: &Column, row: usize) -> Option<f64> {
        let value = match &self.levels {
            Some(levels) => column.level(levels, row).map(f64::from),
            None => column.value(row),
        };
        value.or(self.fill)
    }
}

impl Selection {
    /// Chooses. What `choice` leaves empty is the table's own choice.
    ///
    /// # Errors
    /// [`Code::NoSuchColumn`], [`Code::NoTarget`], [`Code::NoFeatures`], [`Code::TargetAmongFeatures`],
    /// [`Code::ColumnKind`], [`Code::TooManyLevels`]; the first cell that cannot be read and the first row with too many
    /// cells, unless they are to be skipped; [`Code::TooFewRows`], [`Code::TooManyRows`] of what is left.
    pub fn new(table: &Table, choice: &ColumnsConfig) -> Result<Self> {
        let own = table.choice();
        let target = if choice.target.is_empty() { own.target } else { choice.target.clone() };
        let features = match choice.features.is_empty() {
            true => own.features.into_iter().filter(|name| *name != target).collect(),
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
        let mut columns = Vec::with_capacity(features.len() + 1);
        let mut inputs = Vec::with_capacity(features.len());
        for name in features.iter().chain([&target]) {
            let index = table.columns().iter().position(|column| column.name == *name);
            let index = index.ok_or_else(|| Message::new(Code::NoSuchColumn).with("column", name))?;
            let column = &table.columns()[index];
            let wanted = choice.kinds.iter().find(|[column, _]| column == name);
            let kind = match wanted {
                Some([_, kind]) => Kind::named(kind).ok_or_else(|| unfit(column, kind))?,
                None => column.kind(),
            };
            let is_target = inputs.len() == features.len();
            let chosen = choose(column, index, kind, choice, is_target)?;
            if !is_target {
                let levels = chosen.levels.as_ref().map(|levels| levels.names.clone()).unwrap_or_default();
                inputs.push(Input { name: name.clone(), levels });
            }
            columns.push(chosen);
        }
        let selection = Self {
            columns,
            rows: None,
            n_rows: table.n_rows() as usize,
            inputs,
            target,
            n_dropped: 0,
            n_bad: 0,
            n_filled: 0,
        };
        selection.keep(table, choice)
    }

    /// Finds the rows that are kept.
    fn keep(mut self, table: &Table, choice: &ColumnsConfig) -> Result<Self> {
        let wide = table.long_rows();
        if let (Some((_, line, found)), false) = (wide.first(), choice.skip_bad_cells) {
            return Err(too_wide(*line, *found, table.columns().len()));
        }
        let mut wide = wide.iter().map(|(row, ..)| *row).peekable();
        let mut kept = Vec::new();
        for row in 0..table.n_rows() {
            let is_wide = wide.next_if_eq(&row).is_some();
            let (mut bad, mut missing) = (is_wide, false);
            for chosen in &self.columns {
                let column = &table.columns()[chosen.index];
                let at = row as usize;
                let absent = column.is_missing(at);
                if absent && chosen.fill.is_some() {
                    self.n_filled += 1;
                } else if absent {
                    missing = true;
                } else if chosen.levels.is_none() && column.value(at).is_none() {
                    bad = true;
                }
            }
            match (bad, missing) {
                (true, _) => self.n_bad += 1,
                (_, true) => self.n_dropped += 1,
                _ => kept.push(row),
            }
        }
        if kept.len() < 2 {
            let code = if kept.is_empty() { Code::NoWholeRows } else { Code::TooFewRows };
            return Err(Message::new(code).with("n_samples", count(table.n_rows().into())));
        }
        if kept.len() > MAX_SAMPLES as usize {
            return Err(Message::new(Code::TooManyRows).with("limit", count(MAX_SAMPLES.into())));
        }
        self.n_rows = kept.len();
        if self.n_rows < table.n_rows() as usize {
            self.rows = Some(kept);
        }
        Ok(self)
    }

    /// Rows that are kept.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// Names of the target's classes, in the order of their numbers; none where it is a number itself.
    pub fn target_levels(&self) -> &[String] {
        let levels = self.columns.last().and_then(|target| target.levels.as_ref());
        levels.map_or(&[], |levels| levels.names.as_slice())
    }

    /// Reads as many rows as `rows` holds, from `first` on: row-major, the features, then the target.
    pub fn read(&self, table: &Table, first: usize, rows: &mut [f64]) {
        for (i, row) in rows.chunks_exact_mut(self.columns.len()).enumerate() {
            let at = self.rows.as_ref().map_or(first + i, |kept| kept[first + i] as usize);
            for (value, chosen) in row.iter_mut().zip(&self.columns) {
                *value = chosen.value(&table.columns()[chosen.index], at).unwrap_or(f64::NAN);
            }
        }
    }
}

fn unfit(column: &Column, kind: &str) -> Message {
    Message::new(Code::ColumnKind).with("column", &column.name).with("kind", kind)
}

fn choose(
    column: &Column,
    index: usize,
    kind: Kind,
    choice: &ColumnsConfig,
    is_target: bool,
) -> Result<Chosen> {
    let levels = match kind {
        Kind::Number | Kind::Date => {
            let n = if kind == Kind::Number { column.n_numbers } else { column.n_dates };
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
            let levels = column.levels().filter(|levels| levels.names.len() > 1);
            let levels =
                levels.ok_or_else(|| Message::new(Code::TooManyLevels).with("column", &column.name))?;
            if is_target && levels.names.len() > 2 {
                return Err(unfit(column, "number"));
            }
            Some(levels)
        }
        Kind::Text | Kind::Empty => return Err(unfit(column, "number")),
    };
    let fill = match (choice.missing, &levels) {
        _ if is_target || column.n_missing == 0 => None,
        (Missing::Drop, _) => None,
        (_, Some(levels)) => Some(f64::from(levels.most_frequent())),
        (Missing::Mean, None) => Some(column.mean()),
        (Missing::Median, None) => Some(column.median()),
    };
    Ok(Chosen { index, levels, fill })
}
