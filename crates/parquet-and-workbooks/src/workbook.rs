//! Reads workbooks: `.xlsx` of Excel row by row, and `.ods` of OpenDocument, which is unpacked as a
//! whole.
//!
//! A table may be anywhere on its sheet, below one or two title lines. Its columns are those that
//! any row uses; if a later row uses more, reading starts over. Blank rows are skipped, and rows
//! keep the numbers of the sheet.

use std::collections::VecDeque;
use std::fmt;
use std::io::BufReader;
use std::rc::Rc;

use calamine::{CellErrorType, Data, Ods, Range, Reader as _, Xlsx, XlsxCellReader, XlsxError};
use downhill::message::{Code, Message, Result};
use downhill_tables::batch::{BATCH_VALUES, Batch, Cells, Reader, Step};
use downhill_tables::cell::{self, Numbers};
use downhill_tables::source::{Cursor, Source};
use quick_xml::events::Event;
use self_cell::{MutBorrow, self_cell};
use zip::ZipArchive;

/// The number of rows in which the beginning of a table is searched.
const HEAD_ROWS: usize = 20;
/// The maximum number of columns of a table; a sheet has 16,384.
const MAX_COLUMNS: usize = 10_000;
/// The name of the first file in an OpenDocument archive, which follows a header of 30 bytes.
const FIRST_OF_OPEN_DOCUMENT: &[u8] = b"mimetype";

/// Reads one sheet of a workbook.
pub struct Workbook {
    source: Rc<dyn Source>,
    rows: Rows,
    sheets: Vec<String>,
    sheet: String,
    /// The first rows, in which the beginning of the table was searched.
    head: VecDeque<Row>,
    /// The header of the table.
    header: Option<Row>,
    /// The range of used columns.
    used: (usize, usize),
    /// The sheet row in which the table begins.
    first_line: u64,
    line: u64,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    Beginning,
    Reading,
    /// Determines the used columns of all remaining rows.
    Searching,
}

/// The non-blank cells of a row.
#[derive(Debug)]
struct Row {
    /// The row number in the sheet, counted from 1.
    line: u64,
    cells: Vec<(usize, Data)>,
}

impl Workbook {
    /// Opens the sheet with this name, or the first one.
    ///
    /// # Errors
    /// [`Code::FileDamaged`], [`Code::WorkbookKind`], [`Code::SheetMissing`].
    pub fn new(source: Rc<dyn Source>, sheet: Option<&str>) -> Result<Self> {
        let (rows, sheets, sheet) = Rows::open(&source, sheet)?;
        Ok(Self {
            source,
            rows,
            sheets,
            sheet,
            head: VecDeque::new(),
            header: None,
            used: (usize::MAX, 0),
            first_line: 1,
            line: 0,
            phase: Phase::Beginning,
        })
    }

    /// The names of the sheets, in order.
    pub fn sheets(&self) -> &[String] {
        &self.sheets
    }

    /// The name of the sheet that is read.
    pub fn sheet(&self) -> &str {
        &self.sheet
    }

    fn n_columns(&self) -> usize {
        self.used.1.saturating_sub(self.used.0)
    }

    /// Returns the next row of the table, skipping rows before it.
    fn next_row(&mut self) -> Result<Option<Row>> {
        if let Some(row) = self.head.pop_front() {
            return Ok(Some(row));
        }
        while let Some(row) = self.rows.next()? {
            self.line = row.line;
            if row.line >= self.first_line {
                return Ok(Some(row));
            }
        }
        Ok(None)
    }

    /// Widens the range of used columns to include a row; returns whether it changed.
    fn widen(&mut self, row: &Row) -> bool {
        let before = self.used;
        for (column, _) in &row.cells {
            self.used = (self.used.0.min(*column), self.used.1.max(column + 1));
        }
        self.used != before
    }

    /// Determines where the table begins.
    fn look_at_head(&mut self) -> Result<()> {
        while self.head.len() < HEAD_ROWS
            && let Some(row) = self.rows.next()?
        {
            self.head.push_back(row);
        }
        let n_most = self.head.iter().map(|row| row.cells.len()).max().unwrap_or(0);
        // A line above the table, such as a title or a date, is a single cell.
        while n_most > 1 && self.head.front().is_some_and(|row| row.cells.len() == 1) {
            self.head.pop_front();
        }
        if self.head.len() > 1 && self.head.front().is_some_and(Row::is_header) {
            self.header = self.head.pop_front();
        }
        self.first_line = self.head.front().map_or(1, |row| row.line);
        let rows: Vec<Row> = self.header.take().into_iter().chain(self.head.drain(..)).collect();
        for row in &rows {
            self.widen(row);
        }
        let mut rows = VecDeque::from(rows);
        self.header = rows.pop_front_if(|row| row.line < self.first_line);
        self.head = rows;
        Ok(())
    }

    fn columns(&mut self) -> Result<Step> {
        if self.n_columns() > MAX_COLUMNS {
            return Err(Message::new(Code::TooManyColumns)
                .with("found", self.n_columns())
                .with("limit", MAX_COLUMNS));
        }
        self.phase = Phase::Reading;
        let mut names = vec![String::new(); self.n_columns()];
        for (column, data) in self.header.iter().flat_map(|row| &row.cells) {
            names[column - self.used.0] = data.to_string().trim().to_owned();
        }
        Ok(Step::Columns(names))
    }
}

impl Reader for Workbook {
    fn next(&mut self) -> Result<Step> {
        if self.phase == Phase::Beginning {
            self.look_at_head()?;
            return self.columns();
        }
        let n_columns = self.n_columns();
        let n_most = (BATCH_VALUES / n_columns.max(1)).max(1);
        let mut batch = Batch::new(n_columns);
        for _ in 0..n_most {
            let Some(row) = self.next_row()? else {
                if self.phase == Phase::Searching {
                    (self.rows, ..) = Rows::open(&self.source, Some(&self.sheet))?;
                    return self.columns();
                }
                break;
            };
            if self.widen(&row) {
                self.phase = Phase::Searching;
            }
            if self.phase == Phase::Searching {
                continue;
            }
            batch.lines.push(row.line);
            for (column, data) in &row.cells {
                if let Some(cells) = batch.columns.get_mut(column - self.used.0) {
                    // If a file contains a cell twice, the last one counts.
                    cells.resize(batch.lines.len() - 1);
                    push(data, cells);
                }
            }
            for cells in &mut batch.columns {
                cells.resize(batch.lines.len());
            }
        }
        Ok(match (self.phase, batch.n_rows()) {
            (Phase::Searching, _) => Step::Working,
            (_, 0) => Step::End,
            _ => Step::Rows(batch),
        })
    }

    fn fraction(&self) -> f64 {
        self.line as f64 / self.rows.n_lines().max(self.line).max(1) as f64
    }
}

impl Row {
    /// Whether every cell is a word that could name a column.
    fn is_header(&self) -> bool {
        const PLAIN: Numbers = Numbers { decimal_comma: false, separator: b';' };
        let is_word = |text: &String| cell::read(text.trim().as_bytes(), PLAIN) == cell::Cell::Text;
        self.cells.iter().all(|(_, data)| matches!(data, Data::String(text) if is_word(text)))
    }
}

fn push(data: &Data, cells: &mut Cells) {
    match data {
        Data::Int(value) => cells.push_number(*value as f64),
        Data::Float(value) => cells.push_number(*value),
        Data::String(text) => cells.push_text(text),
        Data::Bool(value) => cells.push_word(if *value { "true" } else { "false" }),
        Data::DateTime(stamp) if stamp.is_datetime() => {
            let (year, month, day, hours, minutes, seconds, milliseconds) = stamp.to_ymd_hms_milli();
            let day = cell::date(format!("{year:04}-{month:02}-{day:02}").as_bytes());
            let seconds = 3600 * u32::from(hours) + 60 * u32::from(minutes) + u32::from(seconds);
            let of_day = (f64::from(seconds) + f64::from(milliseconds) / 1e3) / 86_400.0;
            match day {
                Some(day) => cells.push_date(day + of_day),
                None => cells.push_number(stamp.as_f64()),
            }
        }
        Data::DateTime(duration) => cells.push_number(duration.as_f64()),
        Data::DateTimeIso(text) | Data::DurationIso(text) => cells.push_text(text),
        Data::Error(CellErrorType::NA) | Data::Empty => cells.push_missing(),
        error => cells.push_word(&error.to_string()),
    }
}

/// Iterates over the rows of a sheet.
enum Rows {
    Excel {
        sheet: Box<OpenSheet>,
        /// The first cell of the next row.
        next: Option<(u32, usize, Data)>,
        has_ended: bool,
        n_lines: u64,
    },
    OpenDocument {
        range: Range<Data>,
        row: usize,
    },
}

type File = Cursor<Rc<dyn Source>>;

/// The reader of a sheet's cells.
type SheetCells<'a> = XlsxCellReader<'a, File>;

self_cell! {
    /// A workbook with a reader of one of its sheets.
    struct OpenSheet {
        owner: MutBorrow<Xlsx<File>>,
        #[not_covariant]
        dependent: SheetCells,
    }
}

impl Rows {
    /// Opens a sheet; also returns the names of all sheets and of the opened one.
    fn open(source: &Rc<dyn Source>, sheet: Option<&str>) -> Result<(Self, Vec<String>, String)> {
        let file = Cursor::new(Rc::clone(source), 0);
        let mut first = vec![0; FIRST_OF_OPEN_DOCUMENT.len()];
        let is_open_document = source.read_at(30, &mut first).is_ok() && first == FIRST_OF_OPEN_DOCUMENT;
        if is_open_document {
            check_elements(Cursor::new(Rc::clone(source), 0))?;
            let mut book = Ods::new(file).map_err(|error| damaged(&error))?;
            let sheets = book.sheet_names();
            let sheet = choose(&sheets, sheet)?;
            let range = book.worksheet_range(&sheet).map_err(|error| damaged(&error))?;
            return Ok((Self::OpenDocument { range, row: 0 }, sheets, sheet));
        }
        let book = Xlsx::new(file).map_err(|error| match error {
            XlsxError::Password => Code::WorkbookKind.into(),
            error => damaged(&error),
        })?;
        let sheets = book.sheet_names();
        let sheet = choose(&sheets, sheet)?;
        let open = OpenSheet::try_new(MutBorrow::new(book), |book| {
            book.borrow_mut().worksheet_cells_reader(&sheet).map_err(|error| damaged(&error))
        });
        let open = open?;
        let n_lines = open.with_dependent(|_, cells| u64::from(cells.dimensions().end.0) + 1);
        let mut rows = Self::Excel { sheet: Box::new(open), next: None, has_ended: false, n_lines };
        rows.fetch()?;
        Ok((rows, sheets, sheet))
    }

    /// The number of rows that the file declares.
    fn n_lines(&self) -> u64 {
        match self {
            Self::Excel { n_lines, .. } => *n_lines,
            Self::OpenDocument { range, .. } => range.end().map_or(0, |(row, _)| u64::from(row) + 1),
        }
    }

    fn next(&mut self) -> Result<Option<Row>> {
        match self {
            Self::OpenDocument { range, row } => {
                let (first_row, first_column) = range.start().unwrap_or_default();
                while let Some(cells) = range.rows().nth(*row) {
                    *row += 1;
                    let cells = cells.iter().enumerate().filter(|(_, data)| !is_blank(data));
                    let cells: Vec<(usize, Data)> =
                        cells.map(|(j, data)| (first_column as usize + j, data.clone())).collect();
                    if !cells.is_empty() {
                        return Ok(Some(Row { line: u64::from(first_row) + *row as u64, cells }));
                    }
                }
                Ok(None)
            }
            Self::Excel { .. } => self.next_of_excel(),
        }
    }

    fn next_of_excel(&mut self) -> Result<Option<Row>> {
        let Some((row, column, data)) = self.fetch()? else { return Ok(None) };
        let mut cells = vec![(column, data)];
        while let Self::Excel { next: Some((of_next, ..)), .. } = self
            && *of_next == row
            && let Some((_, column, data)) = self.fetch()?
        {
            cells.push((column, data));
        }
        Ok(Some(Row { line: u64::from(row) + 1, cells }))
    }

    /// Fetches the next cell and returns the one that was fetched before.
    fn fetch(&mut self) -> Result<Option<(u32, usize, Data)>> {
        let Self::Excel { sheet, next, has_ended, .. } = self else { return Ok(None) };
        if *has_ended {
            return Ok(next.take());
        }
        let fetched = sheet.with_dependent_mut(|_, cells| {
            loop {
                match cells.next_cell() {
                    Ok(Some(cell)) => {
                        let (row, column) = cell.get_position();
                        let data = Data::from(cell.get_value().clone());
                        if !is_blank(&data) {
                            return Ok(Some((row, column as usize, data)));
                        }
                    }
                    Ok(None) => return Ok(None),
                    Err(error) => return Err(damaged(&error)),
                }
            }
        })?;
        *has_ended = fetched.is_none();
        Ok(std::mem::replace(next, fetched))
    }
}

/// Fails if an element of an OpenDocument file is not closed, because the crate would loop forever.
fn check_elements(file: File) -> Result<()> {
    let mut archive = ZipArchive::new(file).map_err(|error| damaged(&error))?;
    for index in 0..archive.len() {
        let entry = archive.by_index(index).map_err(|error| damaged(&error))?;
        if !entry.name().is_ok_and(|name| name.ends_with(".xml")) {
            continue;
        }
        let mut reader = quick_xml::Reader::from_reader(BufReader::new(entry));
        let (mut depth, mut buffer) = (0_usize, Vec::new());
        loop {
            buffer.clear();
            match reader.read_event_into(&mut buffer).map_err(|error| damaged(&error))? {
                Event::Start(_) => depth += 1,
                Event::End(_) => depth = depth.saturating_sub(1),
                Event::Eof if depth == 0 => break,
                Event::Eof => return Err(damaged(&"it ends in the middle of an element")),
                _ => {}
            }
        }
    }
    Ok(())
}

fn is_blank(data: &Data) -> bool {
    match data {
        Data::Empty => true,
        Data::String(text) => text.trim().is_empty(),
        _ => false,
    }
}

fn choose(sheets: &[String], sheet: Option<&str>) -> Result<String> {
    let found = match sheet {
        Some(name) => sheets.iter().find(|sheet| *sheet == name),
        None => sheets.first(),
    };
    found.cloned().ok_or_else(|| Message::new(Code::SheetMissing).with("name", sheet.unwrap_or("1")))
}

fn damaged(detail: &dyn fmt::Display) -> Message {
    Message::new(Code::FileDamaged).with("format", "Excel / OpenDocument").with("detail", detail)
}
