//! Predicts a text table piece by piece. The output is the same table with the predictions in additional
//! columns.
//!
//! The page uses `Predictor` in the worker of model files (`web.rs`):
//!
//! - `new Predictor(text)`: `text` is a run file, or the `model` that `read` found, as JSON.
//! - `describe()` returns `PredictorDescription` as JSON.
//! - `push(chunk: Uint8Array): Uint8Array` takes the next bytes of a table (CSV, TSV or semicolons, with or without a header)
//!   and returns the next bytes of the output, which may be empty. The first 64 kB are collected before the dialect is
//!   detected. `finish(): Uint8Array` returns the last bytes.
//! - `counts()` returns `PredictorCounts` as JSON, at any time.
//! - `rows(json)` predicts typed values, `string[][]` as JSON, and returns `PredictorRows` as JSON.
//!
//! Errors are thrown as an `Error` with `code` and `params`: `predict_column` (names the column and the remedy),
//! `predict_width`, `not_a_table`, `row_too_long`. A row that cannot be predicted is not an error: it is written without a
//! prediction, and counted.

use std::collections::HashMap;

use downhill::dataset::Input;
use downhill::message::{Code, Message, Result};
use downhill::model::Response;
use downhill_tables::cell::{self, Cell, Numbers};
use downhill_tables::dialect::{Decoder, Dialect, Encoding, HEAD_BYTES};
use downhill_tables::splitter::{Records, Span, Splitter};
use serde_json::Value;

use crate::forward::Forward;
use crate::run::Run;
use downhill::foreign::Model;

mod csv;
mod report;

pub use report::{Counts, Described, Row, Rows};

use csv::{SHOWN_LETTERS, shown_cells, write_cell, write_number, write_row};

/// Maximum number of rows in the preview.
const SHOWN_ROWS: usize = 20;
/// Maximum number of unpredictable rows that are reported individually.
const SHOWN_PROBLEMS: usize = 20;
/// Maximum number of levels that a message lists.
const SHOWN_LEVELS: usize = 8;
/// Maximum number of bytes of text that are processed at once.
const CHUNK_BYTES: usize = 1 << 18;

/// Predicts the rows of a table with a model.
#[derive(Debug)]
pub struct Predictor {
    inputs: Vec<Input>,
    target: String,
    /// Names of the classes, if the model predicts classes.
    classes: Vec<String>,
    /// Whether the output is a score whose sign decides between two classes (above 0 for the second), not a
    /// probability.
    is_score: bool,
    forward: Forward,
    /// For each category, the index of each level by its name; the next field has the levels' values if their
    /// names are numbers.
    levels: Vec<HashMap<Box<[u8]>, usize>>,
    level_numbers: Vec<Vec<Option<f64>>>,
    /// The first bytes of the table, from which the dialect is detected.
    head: Vec<u8>,
    reading: Option<Reading>,
    counts: Counts,
}

/// The state of reading a table.
#[derive(Debug)]
struct Reading {
    dialect: Dialect,
    decoder: Decoder,
    splitter: Splitter,
    /// Which columns have the inputs; known after the first record.
    layout: Option<Layout>,
    /// The separator between cells of the output.
    separator: u8,
    /// Number of columns with predictions.
    n_outputs: usize,
    /// Values of the current rows, indexed `[input][row]`; the predictions follow in the next field.
    columns: Vec<Vec<f64>>,
    said: Vec<Vec<f64>>,
    bad: Vec<bool>,
}

/// Which columns of a table have the model's inputs.
#[derive(Clone, Debug, PartialEq)]
struct Layout {
    /// Names of all columns of the table.
    names: Vec<String>,
    /// For each input, the index of its column.
    places: Vec<usize>,
    /// Whether the first record of the table is a header.
    has_names: bool,
}

impl Predictor {
    /// Creates a predictor that uses a model.
    pub fn new(model: &Model) -> Self {
        Self::of(model, false)
    }

    fn of(model: &Model, is_score: bool) -> Self {
        let classes = match (model.activation, model.n_outputs()) {
            (Response::Sigmoid, 1) => 2,
            (Response::Linear, 1) if is_score => 2,
            (Response::Softmax, n) => n,
            _ => 0,
        };
        let name =
            |class: usize| model.target_levels.get(class).cloned().unwrap_or_else(|| class.to_string());
        let as_number = |level: &String| cell::number(level.as_bytes(), POINTS);
        let level_numbers = |input: &Input| input.levels.iter().map(as_number).collect();
        let place = |(place, level): (usize, &String)| (level.as_bytes().into(), place);
        let places = |input: &Input| input.levels.iter().enumerate().map(place).collect();
        Self {
            inputs: model.inputs.clone(),
            target: model.target.clone(),
            classes: (0..classes).map(name).collect(),
            is_score,
            forward: Forward::new(model),
            levels: model.inputs.iter().map(places).collect(),
            level_numbers: model.inputs.iter().map(level_numbers).collect(),
            head: Vec::new(),
            reading: None,
            counts: Counts::default(),
        }
    }

    /// Creates a predictor from the text of a run file, or from a [`Model`] as JSON.
    ///
    /// # Errors
    /// Those of [`Run::read`], and of [`Model::read`].
    pub fn read(text: &str) -> Result<Self> {
        let value: Value = serde_json::from_str(text)
            .map_err(|error| Message::new(Code::WeightsNotJson).with("detail", error))?;
        if value.get("format").is_some() {
            let run = Run::read(text.as_bytes())?;
            return Ok(Self::of(&run.model(), run.file.config.loss.decides()));
        }
        Ok(Self::new(&Model::read(value)?))
    }

    /// Describes the model's inputs and outputs.
    pub fn describe(&self) -> Described<'_> {
        Described { inputs: &self.inputs, target: &self.target, outputs: self.output_names() }
    }

    /// Returns the progress through the table.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Adds the next bytes of a table. Returns the next bytes of the output: the same cells followed by the
    /// predictions, in UTF-8, with the separator of the input.
    ///
    /// # Errors
    /// [`Code::PredictColumn`], [`Code::PredictWidth`], [`Code::NotATable`], [`Code::RowTooLong`].
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<u8>> {
        let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 2);
        if self.reading.is_some() {
            self.split(bytes, &mut out)?;
            return Ok(out);
        }
        self.head.extend_from_slice(bytes);
        if self.head.len() > HEAD_BYTES {
            self.begin(false, &mut out)?;
        }
        Ok(out)
    }

    /// Ends the table and returns the last bytes of the output.
    ///
    /// # Errors
    /// As [`Predictor::push`], and [`Code::TableEmpty`].
    pub fn finish(&mut self) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        if self.reading.is_none() {
            self.begin(true, &mut out)?;
        }
        if let Some(mut reading) = self.reading.take() {
            reading.decoder.finish(reading.splitter.text());
            self.records(&mut reading, true, &mut out)?;
        }
        if self.counts.n_rows == 0 { Err(Code::TableEmpty.into()) } else { Ok(out) }
    }

    /// Predicts rows that the user typed.
    pub fn rows(&self, rows: &[Vec<String>]) -> Rows {
        let row = |(i, row): (usize, &Vec<String>)| match self.typed(i as u64 + 1, row) {
            Ok(values) => Row { values: Some(values), problem: None },
            Err(problem) => Row { values: None, problem: Some(problem) },
        };
        Rows { outputs: self.output_names(), rows: rows.iter().enumerate().map(row).collect() }
    }

    /// Predicts columns of numbers (a category as the index of its level). `x` has all rows of the first
    /// input, then of the second, and so on; the result has all rows of the first output, then of the second,
    /// and so on.
    pub fn columns(&self, x: &[f64]) -> Vec<f64> {
        let n_rows = x.len() / self.inputs.len();
        let columns: Vec<&[f64]> = x.chunks_exact(n_rows.max(1)).take(self.inputs.len()).collect();
        let mut said = vec![Vec::new(); self.forward.n_outputs()];
        self.forward.predict(&columns, &mut said);
        said.concat()
    }

    fn typed(&self, row: u64, cells: &[String]) -> Result<Vec<Value>> {
        let mut x = Vec::with_capacity(self.inputs.len());
        if cells.len() != self.inputs.len() {
            return Err(downhill_tables::table::too_wide(row, cells.len(), self.inputs.len()));
        }
        for (input, cell) in cells.iter().enumerate() {
            let cell = cell.trim().as_bytes();
            x.push(
                self.value(input, cell, POINTS, None)
                    .map_err(|wrong| self.problem(wrong, input, row, cell))?,
            );
        }
        let columns: Vec<&[f64]> = x.chunks_exact(1).collect();
        let mut said = vec![Vec::new(); self.forward.n_outputs()];
        self.forward.predict(&columns, &mut said);
        let numbers = said.iter().map(|output| Value::from(output[0]));
        Ok(match self.class(&said, 0) {
            Some(class) => std::iter::once(self.classes[class].as_str().into()).chain(numbers).collect(),
            None => numbers.collect(),
        })
    }

    /// The index of the class predicted for a row; `None` if the model predicts no classes. `said` is indexed
    /// `[output][row]`.
    fn class(&self, said: &[Vec<f64>], row: usize) -> Option<usize> {
        match (&self.classes[..], said) {
            ([], _) => None,
            (_, [second]) => Some(usize::from(second[row] > if self.is_score { 0.0 } else { 0.5 })),
            (_, all) => {
                // Among equals, the first.
                let best =
                    |best: usize, class: usize| if all[class][row] > all[best][row] { class } else { best };
                Some((1..all.len()).fold(0, best))
            }
        }
    }

    fn output_names(&self) -> Vec<String> {
        let predicted = std::iter::once(format!("{} predicted", self.target));
        let what = if self.is_score { "score" } else { "probability" };
        let said = |class: &String| format!("{what} of {class}");
        let classes = match self.forward.n_outputs() {
            // The first of two classes has the remaining probability.
            1 => self.classes.get(1..).unwrap_or_default(),
            _ => &self.classes,
        };
        let names: Vec<String> = predicted.chain(classes.iter().map(said)).collect();
        if !self.classes.is_empty() || self.forward.n_outputs() == 1 {
            return names;
        }
        (1..=self.forward.n_outputs()).map(|output| format!("{} predicted {output}", self.target)).collect()
    }

    /// Detects the dialect from the bytes read so far; `whole` states whether these are the whole table.
    fn begin(&mut self, whole: bool, out: &mut Vec<u8>) -> Result<()> {
        let head = std::mem::take(&mut self.head);
        let dialect = Dialect::detect(&head, whole);
        self.reading = Some(Reading {
            decoder: Decoder::new(dialect.encoding),
            splitter: Splitter::new(dialect.separator_byte(), dialect.skip),
            layout: None,
            // A run of blanks would be read as one separator.
            separator: if dialect.separator == ' ' { b',' } else { dialect.separator_byte() },
            n_outputs: self.output_names().len(),
            columns: vec![Vec::new(); self.inputs.len()],
            said: vec![Vec::new(); self.forward.n_outputs()],
            bad: Vec::new(),
            dialect,
        });
        if self.reading.as_ref().is_some_and(|reading| reading.dialect.encoding == Encoding::Utf8) {
            // Some programs detect UTF-8 by the byte order mark, so it is kept.
            out.extend_from_slice(if head.starts_with(MARK) { MARK } else { &[] });
        }
        self.split(&head, out)
    }

    fn split(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<()> {
        let Some(mut reading) = self.reading.take() else { return Ok(()) };
        for chunk in bytes.chunks(CHUNK_BYTES) {
            reading.decoder.decode(chunk, reading.splitter.text());
            self.records(&mut reading, false, out)?;
        }
        self.reading = Some(reading);
        Ok(())
    }

    fn records(&mut self, reading: &mut Reading, whole: bool, out: &mut Vec<u8>) -> Result<()> {
        let mut splitter = std::mem::replace(&mut reading.splitter, Splitter::new(b',', 0));
        let split = splitter.split(whole, &mut |records| self.take(reading, records, out));
        reading.splitter = splitter;
        split
    }

    /// Predicts records and writes them, followed by their predictions.
    fn take(&mut self, reading: &mut Reading, records: &Records<'_>, out: &mut Vec<u8>) -> Result<()> {
        if records.is_empty() {
            return Ok(());
        }
        let mut first = 0;
        if reading.layout.is_none() {
            let layout = self.layout(&reading.dialect, records)?;
            first = usize::from(layout.has_names);
            self.counts.columns =
                Some(layout.places.iter().map(|place| layout.names[*place].clone()).collect());
            let names = layout.names.iter().cloned().chain(self.output_names()).collect::<Vec<String>>();
            write_row(names.iter().map(String::as_bytes), reading.separator, out);
            self.counts.preview.push(names);
            reading.layout = Some(layout);
        }
        let Reading { dialect, layout: Some(layout), separator, n_outputs, columns, said, bad, .. } = reading
        else {
            return Ok(());
        };
        let n_rows = records.len() - first;
        bad.clear();
        bad.resize(n_rows, false);
        self.parse(dialect, layout, (records, first), columns, bad);
        let views: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
        self.forward.predict(&views, said);
        let numbers = dialect.numbers();
        let n_columns = layout.names.len();
        let n_outputs = *n_outputs;
        let mut digits = zmij::Buffer::new();
        for (row, is_bad) in bad.iter().enumerate() {
            let begin = out.len();
            let cells = records.record(first + row);
            let touch = |pair: &[Span]| pair[0].end + 1 == pair[1].start;
            match cells {
                // The cells lie side by side in the text, with the right separator and without quotes.
                [start, .., end]
                    if cells.len() == n_columns
                        && *separator == dialect.separator_byte()
                        && cells.windows(2).all(touch) =>
                {
                    out.extend_from_slice(&records.text[start.start as usize..end.end as usize]);
                }
                _ => {
                    for place in 0..n_columns {
                        if place > 0 {
                            out.push(*separator);
                        }
                        if let Some(cell) = cells.get(place) {
                            write_cell(cell.of(records.text), *separator, out);
                        }
                    }
                }
            }
            if *is_bad {
                out.extend(std::iter::repeat_n(*separator, n_outputs));
            } else {
                if let Some(class) = self.class(said, row) {
                    out.push(*separator);
                    write_cell(self.classes[class].as_bytes(), *separator, out);
                }
                for output in said.iter() {
                    out.push(*separator);
                    write_number(output[row], &mut digits, numbers, *separator, out);
                }
            }
            if self.counts.preview.len() <= SHOWN_ROWS {
                let line = &out[begin..];
                self.counts.preview.push(shown_cells(line, *separator));
            }
            out.push(b'\n');
        }
        let n_bad = bad.iter().filter(|bad| **bad).count() as u64;
        self.counts.n_rows += n_rows as u64;
        self.counts.n_bad += n_bad;
        self.counts.n_predicted += n_rows as u64 - n_bad;
        Ok(())
    }

    /// Parses the cells of the inputs from record `first` on into `columns`, one per input, and marks rows
    /// with unusable cells in `bad`.
    fn parse(
        &mut self,
        dialect: &Dialect,
        layout: &Layout,
        (records, first): (&Records<'_>, usize),
        columns: &mut [Vec<f64>],
        bad: &mut [bool],
    ) {
        let numbers = dialect.numbers();
        let mut found: Vec<(usize, Option<(usize, Wrong)>)> = Vec::new();
        let room = SHOWN_PROBLEMS - self.counts.problems.len();
        let n_columns = layout.names.len();
        let n_beyond = |row: usize| {
            let beyond = records.record(first + row).get(n_columns..).unwrap_or_default();
            beyond.iter().filter(|cell| !cell.of(records.text).is_empty()).count()
        };
        for (row, is_bad) in bad.iter_mut().enumerate() {
            if n_beyond(row) > 0 {
                *is_bad = true;
                found.push((row, None));
            }
        }
        // If each record has a cell for every column, the cells form a matrix.
        let before = first.checked_sub(1).map_or(0, |header| records.ends[header] as usize);
        let mut ends = (before..).step_by(n_columns).skip(1);
        let is_even = records.ends[first..].iter().all(|end| ends.next() == Some(*end as usize));
        let cell_at = |row: usize, place: usize| match is_even {
            true => records.cells.get(before + row * n_columns + place).copied(),
            false => records.record(first + row).get(place).copied(),
        };
        for (input, (column, place)) in columns.iter_mut().zip(&layout.places).enumerate() {
            column.clear();
            column.resize(bad.len(), 0.0);
            let is_number = self.inputs[input].levels.is_empty();
            for (row, (value, is_bad)) in column.iter_mut().zip(bad.iter_mut()).enumerate() {
                let span = cell_at(row, *place);
                if let Some(read) =
                    span.filter(|_| is_number).and_then(|span| cell::plain(records.text, span, numbers))
                {
                    *value = read;
                    continue;
                }
                let text = span.map_or(&[][..], |span: Span| span.of(records.text));
                match self.value(input, text, numbers, dialect.date_order) {
                    Ok(read) => *value = read,
                    Err(wrong) => {
                        // Only one problem per row is reported.
                        if !*is_bad && room > 0 {
                            found.push((row, Some((input, wrong))));
                        }
                        *is_bad = true;
                    }
                }
            }
        }
        found.sort_by_key(|(row, _)| *row);
        let told = found.into_iter().take(room).map(|(row, wrong)| {
            let (cells, line) = (records.record(first + row), records.lines[first + row]);
            match wrong {
                None => downhill_tables::table::too_wide(line, n_columns + n_beyond(row), n_columns),
                Some((input, wrong)) => {
                    let text = cells.get(layout.places[input]).map_or(&[][..], |span| span.of(records.text));
                    self.problem(wrong, input, line, text)
                }
            }
        });
        let told: Vec<Message> = told.collect();
        self.counts.problems.extend(told);
    }

    /// Parses a cell as a value of an input: a number, or the index of a level.
    fn value(
        &self,
        input: usize,
        text: &[u8],
        numbers: Numbers,
        date_order: Option<cell::DateOrder>,
    ) -> std::result::Result<f64, Wrong> {
        let levels = &self.levels[input];
        if levels.is_empty() {
            return match (cell::read(text, numbers), date_order) {
                (Cell::Number(value) | Cell::Date(value), _) => Ok(value),
                (Cell::Missing, _) => Err(Wrong::Missing),
                (Cell::Text, order) => {
                    order.and_then(|order| cell::date_in_order(text, order)).ok_or(Wrong::Number)
                }
            };
        }
        if let Some(level) = levels.get(text) {
            return Ok(*level as f64);
        }
        // Levels that are numbers may be written differently: 4 and 4.0.
        let as_number = cell::number(text, numbers);
        let same = |known: &Option<f64>| known.is_some() && *known == as_number;
        match self.level_numbers[input].iter().position(same) {
            Some(level) => Ok(level as f64),
            None if cell::is_missing(text) => Err(Wrong::Missing),
            None => Err(Wrong::Level),
        }
    }

    fn problem(&self, wrong: Wrong, input: usize, row: u64, text: &[u8]) -> Message {
        let text: String = String::from_utf8_lossy(text).chars().take(SHOWN_LETTERS).collect();
        let code = match wrong {
            Wrong::Missing => Code::PredictMissing,
            Wrong::Level => Code::PredictLevel,
            Wrong::Number if cell::number(text.replace(',', ".").as_bytes(), POINTS).is_some() => {
                Code::CellDecimalComma
            }
            Wrong::Number => Code::CellNotANumber,
        };
        let input = &self.inputs[input];
        let message = Message::new(code).with("row", row).with("column", &input.name);
        match wrong {
            Wrong::Missing => message,
            Wrong::Number => message.with("text", text),
            Wrong::Level => message.with("text", text).with("levels", listed(&input.levels)),
        }
    }

    /// Finds the columns of the inputs: by the names in the first record, or by position if there are as many
    /// columns as inputs.
    fn layout(&mut self, dialect: &Dialect, records: &Records<'_>) -> Result<Layout> {
        let word = |span: &Span| String::from_utf8_lossy(span.of(records.text)).into_owned();
        let unnamed = dialect.row_names.then(String::new);
        let given: Vec<String> = unnamed.into_iter().chain(records.record(0).iter().map(word)).collect();
        let place = |name: &String| {
            let exact = given.iter().position(|other| other == name);
            exact.or_else(|| given.iter().position(|other| other.to_lowercase() == name.to_lowercase()))
        };
        let found: Vec<Option<usize>> = self.inputs.iter().map(|input| place(&input.name)).collect();
        if let Some(places) = found.iter().copied().collect::<Option<Vec<usize>>>() {
            return Ok(Layout { names: given, places, has_names: true });
        }
        let as_many = given.len() == self.inputs.len();
        // A first record that can be predicted is a row, not a header.
        let is_row = |(input, text): (usize, &String)| {
            self.value(input, text.as_bytes(), dialect.numbers(), dialect.date_order).is_ok()
        };
        let has_names = dialect.header && !(as_many && given.iter().enumerate().all(is_row));
        if has_names && !(as_many && found.iter().all(Option::is_none)) {
            let missing = self.inputs.iter().zip(&found).find(|(_, found)| found.is_none());
            let column = missing.map_or("", |(input, _)| input.name.as_str());
            return Err(Message::new(Code::PredictColumn)
                .with("column", column)
                .with("found", listed(&given)));
        }
        if !as_many {
            return Err(Message::new(Code::PredictWidth)
                .with("found", given.len())
                .with("expected", listed(&names(&self.inputs))));
        }
        let own = names(&self.inputs);
        let by_place: Vec<String> = (1..=given.len()).map(|place| format!("column {place}")).collect();
        let expected = listed(if has_names { &given } else { &by_place });
        self.counts
            .notices
            .push(Message::new(Code::NoticeByOrder).with("found", listed(&own)).with("expected", expected));
        let names = if has_names { given } else { own };
        Ok(Layout { names, places: (0..self.inputs.len()).collect(), has_names })
    }
}

/// The reason why a cell cannot be used as an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    Missing,
    Number,
    Level,
}

/// The byte order mark of UTF-8.
const MARK: &[u8] = b"\xEF\xBB\xBF";

/// How numbers in typed rows are written.
const POINTS: Numbers = Numbers { decimal_comma: false, separator: b',' };

fn names(inputs: &[Input]) -> Vec<String> {
    inputs.iter().map(|input| input.name.clone()).collect()
}

fn listed(words: &[String]) -> String {
    let more = if words.len() > SHOWN_LEVELS { ", ..." } else { "" };
    format!("{}{more}", words[..words.len().min(SHOWN_LEVELS)].join(", "))
}
