//! NumPy's files as tables: one array (`.npy`), or several that are archived together (`.npz`).
//!
//! An array of one dimension is a column, one of two dimensions a column for each of its own, fields are columns by their
//! name. In an archive all have as many rows; single numbers are left out, and `y` comes last, where targets stand.

use std::io::Read;
use std::rc::Rc;

use downhill::message::{Code, Message, Result};
use flate2::read::DeflateDecoder;
use zip::{CompressionMethod, ZipArchive};

use crate::batch::{BATCH_VALUES, Batch, Reader, Step};
use crate::npy::{Columns, Header, damaged};
use crate::source::{Cursor, Source};

/// Names of arrays that are learned.
const TARGETS: &[&str] = &["y", "target", "targets", "label", "labels"];
/// Bytes of an array that has to be unpacked as a whole, since its columns follow each other.
const MAX_UNPACKED_BYTES: u64 = 1 << 30;

/// Reads arrays row by row.
pub struct Arrays {
    arrays: Vec<Columns>,
    n_rows: u64,
    row: u64,
    begun: bool,
}

impl Arrays {
    /// Of one array.
    ///
    /// # Errors
    /// [`Code::FileDamaged`], [`Code::ArrayKind`], [`Code::ArrayShape`], [`Code::TooManyColumns`].
    pub fn of_array(source: Rc<dyn Source>) -> Result<Self> {
        let (header, start) = Header::read(&mut Cursor::new(Rc::clone(&source), 0), "")?;
        Self::of_columns(vec![(String::new(), Columns::new(header, source, start, "")?)])
    }

    /// Of an archive.
    ///
    /// # Errors
    /// As [`Arrays::of_array`], and [`Code::ArrayLengths`], [`Code::ArrayMissing`].
    pub fn of_archive(source: Rc<dyn Source>) -> Result<Self> {
        let mut archive =
            ZipArchive::new(Cursor::new(Rc::clone(&source), 0)).map_err(|error| damaged(&error))?;
        let mut arrays = Vec::new();
        for index in 0..archive.len() {
            let entry = archive.by_index_raw(index).map_err(|error| damaged(&error))?;
            let name = entry.name().map_err(|error| damaged(&error))?;
            let Some(name) = name.strip_suffix(".npy").map(str::to_owned) else { continue };
            let packed = Packed {
                source: Rc::clone(&source),
                start: entry.data_start().ok_or_else(|| damaged(&"an array has no beginning"))?,
                bytes: entry.compressed_size(),
                unpacked_bytes: entry.size(),
                method: entry.compression(),
            };
            let (header, start) = Header::read(&mut packed.open()?, &name)?;
            if header.shape.is_empty() {
                continue;
            }
            arrays.push((name.clone(), packed.columns(header, start, &name)?));
        }
        // A stable sort: the rest stays in the order of the file.
        arrays.sort_by_key(|(name, _)| TARGETS.contains(&name.to_ascii_lowercase().as_str()));
        Self::of_columns(arrays)
    }

    fn of_columns(arrays: Vec<(String, Columns)>) -> Result<Self> {
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

/// One file of an archive.
struct Packed {
    source: Rc<dyn Source>,
    start: u64,
    bytes: u64,
    unpacked_bytes: u64,
    method: CompressionMethod,
}

impl Packed {
    fn open(&self) -> Result<Box<dyn Read>> {
        let packed = Cursor::new(Rc::clone(&self.source), self.start).take(self.bytes);
        match self.method {
            CompressionMethod::Stored => Ok(Box::new(packed)),
            CompressionMethod::Deflated => Ok(Box::new(DeflateDecoder::new(packed))),
            other => Err(damaged(&format_args!("an array is packed by {other}"))),
        }
    }

    /// The columns of the array that it holds, whose values begin at byte `start`.
    fn columns(&self, header: Header, start: u64, name: &str) -> Result<Columns> {
        if self.method == CompressionMethod::Stored {
            return Columns::new(header, Rc::clone(&self.source), self.start + start, name);
        }
        let needed = header.n_bytes().and_then(|bytes| bytes.checked_add(start));
        if needed.is_none_or(|needed| needed > self.unpacked_bytes) {
            return Err(damaged(&"an array is shorter than its header says"));
        }
        let mut unpacked = self.open()?;
        std::io::copy(&mut unpacked.by_ref().take(start), &mut std::io::sink())
            .map_err(|error| damaged(&error))?;
        if !header.fortran_order || header.shape.len() != 2 {
            return Columns::of_rows(header, unpacked, name);
        }
        // Its columns follow each other, and what is packed cannot be read in several places.
        let n_bytes = header.n_bytes().filter(|bytes| *bytes <= MAX_UNPACKED_BYTES);
        let n_bytes = n_bytes.ok_or_else(|| damaged(&"an array in column order is too large to unpack"))?;
        let mut values = Vec::new();
        unpacked.take(n_bytes).read_to_end(&mut values).map_err(|error| damaged(&error))?;
        Columns::new(header, Rc::new(values), 0, name)
    }
}
