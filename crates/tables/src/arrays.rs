//! Reads NumPy arrays as tables: one array (`.npy`), or several that another wasm has unpacked from
//! an archive.
//!
//! A one-dimensional array becomes one table column, a two-dimensional array one table column for each of its
//! columns, and the fields of a structured array become columns with their names.

use std::rc::Rc;

use downhill::message::{Code, Message, Result};

use crate::batch::{BATCH_VALUES, Batch, Reader, Step};
use crate::npy::{Columns, Header};
use crate::source::{Cursor, Source};

/// Reads parallel arrays row by row.
pub struct Arrays {
    arrays: Vec<Columns>,
    n_rows: u64,
    row: u64,
    begun: bool,
}

impl Arrays {
    /// Creates a reader of one array.
    ///
    /// # Errors
    /// [`Code::FileDamaged`], [`Code::ArrayKind`], [`Code::ArrayShape`], [`Code::TooManyColumns`].
    pub fn of_array(source: Rc<dyn Source>) -> Result<Self> {
        let (header, start) = Header::read(&mut Cursor::new(Rc::clone(&source), 0), "")?;
        Self::of_columns(vec![(String::new(), Columns::new(header, source, start, "")?)])
    }

    /// Creates a reader of several arrays as parallel columns; each comes with its name.
    ///
    /// # Errors
    /// [`Code::ArrayLengths`], or [`Code::ArrayMissing`] if the list is empty.
    pub fn of_columns(arrays: Vec<(String, Columns)>) -> Result<Self> {
        let Some((first, columns)) = arrays.first() else { return Err(Code::ArrayMissing.into()) };
        let n_rows = columns.n_rows;
        if let Some((name, other)) = arrays.iter().find(|(_, other)| other.n_rows != n_rows) {
            return Err(Message::new(Code::ArrayLengths)
                .with("name", name)
                .with("found", other.n_rows)
                .with("other", first)
                .with("expected", n_rows));
        }
        let arrays = arrays.into_iter().map(|(_, columns)| columns).collect();
        Ok(Self { arrays, n_rows, row: 0, begun: false })
    }
}

impl Reader for Arrays {
    fn next(&mut self) -> Result<Step> {
        let names = || self.arrays.iter().flat_map(|columns| &columns.names);
        let n_columns = names().count();
        if !self.begun {
            self.begun = true;
            return Ok(Step::Columns(names().cloned().collect()));
        }
        let n_most = (BATCH_VALUES / n_columns.max(1)).max(1) as u64;
        let n_next = n_most.min(self.n_rows - self.row);
        if n_next == 0 || n_columns == 0 {
            return Ok(Step::End);
        }
        let mut batch = Batch::new(n_columns);
        for row in self.row..self.row + n_next {
            let mut first = 0;
            for array in &mut self.arrays {
                let end = first + array.names.len();
                array.push_row(&mut batch.columns[first..end])?;
                first = end;
            }
            batch.lines.push(row + 1);
        }
        self.row += n_next;
        Ok(Step::Rows(batch))
    }

    fn fraction(&self) -> f64 {
        self.row as f64 / self.n_rows.max(1) as f64
    }
}
