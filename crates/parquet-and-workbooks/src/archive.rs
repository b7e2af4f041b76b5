//! Archives of NumPy arrays (`.npz`).
//!
//! All arrays must have the same number of rows. Scalars are skipped, and `y` is moved to the end,
//! where targets are expected.

use std::io::Read;
use std::rc::Rc;

use downhill::message::Result;
use downhill_tables::arrays::Arrays;
use downhill_tables::npy::{Columns, Header, damaged};
use downhill_tables::source::{Cursor, Source};
use flate2::read::DeflateDecoder;
use zip::{CompressionMethod, ZipArchive};

/// Array names that suggest a target.
const TARGETS: &[&str] = &["y", "target", "targets", "label", "labels"];
/// The maximum bytes of an array that must be unpacked as a whole, because it is stored column by
/// column.
const MAX_UNPACKED_BYTES: u64 = 1 << 30;

/// Opens the arrays of an archive.
///
/// # Errors
/// Those of [`Arrays::of_array`] and [`Arrays::of_columns`].
pub fn open(source: Rc<dyn Source>) -> Result<Arrays> {
    let mut archive = ZipArchive::new(Cursor::new(Rc::clone(&source), 0)).map_err(|error| damaged(&error))?;
    let mut arrays = Vec::new();
    for index in 0..archive.len() {
        let entry = archive.by_index_raw(index).map_err(|error| damaged(&error))?;
        let name = entry.name().map_err(|error| damaged(&error))?;
        let Some(name) = name.strip_suffix(".npy").map(str::to_owned) else { continue };
        let packed = Packed {
            source: Rc::clone(&source),
            start: entry.data_start().ok_or_else(|| damaged(&"an array has no start"))?,
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
    // The sort is stable, so the others stay in the order of the file.
    arrays.sort_by_key(|(name, _)| TARGETS.contains(&name.to_ascii_lowercase().as_str()));
    Arrays::of_columns(arrays)
}

/// A compressed file in an archive.
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
            other => Err(damaged(&format_args!("an array is compressed with {other}"))),
        }
    }

    /// Returns the columns of its array, whose values begin at byte `start`.
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
        // Values are stored column by column, and compressed data cannot be read at several
        // positions at once.
        let n_bytes = header.n_bytes().filter(|bytes| *bytes <= MAX_UNPACKED_BYTES);
        let n_bytes = n_bytes.ok_or_else(|| damaged(&"an array in column order is too large to unpack"))?;
        let mut values = Vec::new();
        unpacked.take(n_bytes).read_to_end(&mut values).map_err(|error| damaged(&error))?;
        Columns::new(header, Rc::new(values), 0, name)
    }
}
