//! The preview of a table that the page shows before columns are chosen.

use downhill::config::ColumnsConfig;
use downhill::message::{Code, Message, Result};
use serde::Serialize;

use super::{SHOWN_CHARACTERS, SHOWN_ROWS, Table};
use crate::column::{Column, Kind};
use crate::dialect::Dialect;

/// Number of bars in a histogram.
const N_BINS: usize = 24;
/// Maximum number of a category's levels that are shown.
const SHOWN_LEVELS: usize = 12;
/// Maximum number of bad cells that are shown per column.
const SHOWN_BAD_CELLS: usize = 3;

/// The preview of a table, which the page shows before columns are chosen.
#[derive(Clone, Debug, Serialize)]
pub struct Preview {
    /// The dialect of the file; `None` if the file is not text.
    pub dialect: Option<Dialect>,
    /// The number of rows in the table.
    pub n_rows: u32,
    /// The number of rows in the file, which is larger if the table is a sample.
    pub n_read: u64,
    /// The number of bytes of memory that the table takes.
    pub bytes: usize,
    /// A preview of each column.
    pub columns: Vec<ColumnPreview>,
    /// The text of the first rows, indexed `[row][column]`.
    pub rows: Vec<Vec<String>>,
    /// The number of rows with more cells than columns.
    pub n_long: u32,
    /// The number of rows with fewer cells than columns.
    pub n_short: u32,
    /// Messages about the first bad cells of each column, which do not fit its kind.
    pub bad_cells: Vec<Message>,
    /// The total number of bad cells.
    pub n_bad: u32,
    /// The default choice of columns.
    pub choice: ColumnsConfig,
}

/// The preview of one column.
#[derive(Clone, Debug, Serialize)]
pub struct ColumnPreview {
    /// The name of the column.
    pub name: String,
    /// The kind of its cells.
    pub kind: Kind,
    /// The number of missing cells.
    pub n_missing: u32,
    /// The number of cells that do not fit `kind`.
    pub n_bad: u32,
    /// Minimum, mean, maximum and standard deviation of numbers and dates.
    pub summary: Option<[f64; 4]>,
    /// The number of cells in each of 24 equal parts of the range of numbers and dates.
    pub histogram: Vec<u32>,
    /// The first levels of a category, with their counts.
    pub levels: Vec<(String, u32)>,
    /// The number of levels, also for numbers that could be a category; 0 if there are too many.
    pub n_levels: usize,
}

impl Table {
    /// The default choice of columns: the last numeric column is the target, every other usable column is a
    /// feature.
    pub fn choice(&self) -> ColumnsConfig {
        let usable = |column: &&Column| !matches!(column.kind(), Kind::Text | Kind::Empty);
        let target = self.columns().iter().rfind(|column| column.kind() == Kind::Number);
        let target = target.or_else(|| self.columns().iter().rfind(usable));
        let target = target.map(|column| column.name.clone()).unwrap_or_default();
        let features = self.features_beside(&target, &ColumnsConfig::default());
        ColumnsConfig { target, features, ..ColumnsConfig::default() }
    }

    /// The names of columns that can predict the target: those that vary and have no other role in `choice`.
    pub fn features_beside(&self, target: &str, choice: &ColumnsConfig) -> Vec<String> {
        let used = [target, &choice.weight, &choice.group, &choice.order];
        let usable = |column: &&Column| !matches!(column.kind(), Kind::Text | Kind::Empty);
        let varies = |column: &&Column| column.kind() == Kind::Category || column.max() > column.min();
        let free = |column: &&Column| !used.contains(&column.name.as_str());
        let others: Vec<&Column> = self.columns().iter().filter(free).filter(usable).collect();
        // If none varies, all are kept, so that the error can name them.
        let any = others.iter().any(varies);
        others.iter().filter(|column| !any || varies(column)).map(|column| column.name.clone()).collect()
    }

    /// Creates the preview of the table.
    ///
    /// # Errors
    /// Those of [`crate::block::Storage::read`].
    pub fn preview(&self) -> Result<Preview> {
        let content = &self.content;
        let columns = content.columns.iter().map(preview_of).collect::<Result<Vec<ColumnPreview>>>()?;
        let mut bad_cells = Vec::new();
        for column in &content.columns {
            if column.n_bad(column.kind()) > 0 {
                bad_cells.extend(
                    column.bad.iter().take(SHOWN_BAD_CELLS).map(|bad| complaint(column, bad.line, &bad.text)),
                );
            }
        }
        let widths = content.long.first.iter().map(|(line, n)| too_wide(*line, *n, columns.len()));
        bad_cells.extend(widths);
        // Rows that did not come from text are shown as they would be written in text.
        let rows = if self.dialect.is_some() { content.shown.clone() } else { self.written_rows()? };
        Ok(Preview {
            dialect: self.dialect.clone(),
            n_rows: content.n_rows,
            n_read: content.n_read,
            bytes: content.columns.iter().map(Column::bytes).sum(),
            n_bad: columns.iter().map(|column| column.n_bad).sum(),
            columns,
            rows,
            n_long: content.long.n_rows,
            n_short: content.n_short,
            bad_cells,
            choice: self.choice(),
        })
    }

    fn written_rows(&self) -> Result<Vec<Vec<String>>> {
        let n_shown = (self.n_rows() as usize).min(SHOWN_ROWS);
        let cell = |column: &Column, row| Ok(column.text(row)?.chars().take(SHOWN_CHARACTERS).collect());
        (0..n_shown).map(|row| self.columns().iter().map(|column| cell(column, row)).collect()).collect()
    }
}

fn preview_of(column: &Column) -> Result<ColumnPreview> {
    let kind = column.kind();
    let ordered = matches!(kind, Kind::Number | Kind::Date);
    let levels = if matches!(kind, Kind::Category | Kind::Number) { column.levels()? } else { None };
    let n_levels = levels.as_ref().map_or(0, |levels| levels.names.len());
    let shown = levels
        .filter(|_| kind == Kind::Category)
        .map(|levels| levels.names.into_iter().zip(levels.counts).take(SHOWN_LEVELS).collect::<Vec<_>>());
    Ok(ColumnPreview {
        name: column.name.clone(),
        kind,
        n_missing: column.n_missing,
        n_bad: column.n_bad(kind),
        summary: ordered.then(|| [column.min(), column.mean(), column.max(), column.standard_deviation()]),
        histogram: if ordered { column.histogram(N_BINS)? } else { Vec::new() },
        levels: shown.unwrap_or_default(),
        n_levels,
    })
}

/// The error for a bad cell of a numeric column, which states the remedy.
pub fn complaint(column: &Column, line: u64, text: &str) -> Message {
    let code = match text.trim().parse::<f64>() {
        Ok(value) if !value.is_finite() => Code::CellNotFinite,
        Ok(_) => Code::CellTooLarge,
        Err(_) if text.replace(',', ".").parse::<f64>().is_ok() => Code::CellDecimalComma,
        Err(_) => Code::CellNotANumber,
    };
    Message::new(code).with("row", line).with("column", &column.name).with("text", text)
}

/// The error for a row that has too many cells.
pub fn too_wide(line: u64, found: usize, expected: usize) -> Message {
    Message::new(Code::RowWidth).with("row", line).with("found", found).with("expected", expected)
}
