//! Reads HDF5 files with models: groups, text attributes and numeric arrays.
//!
//! The HDF5 crate follows every reference in a file, so a small file can cause a lot of work, for
//! example by four thousand references to the same megabyte. [`Budget`] counts the bytes that are
//! read and stops at a limit.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use downhill::message::{Code, Message, Result};
use hdf5_pure::{AttrValue, DType, Dataset, File, FormatError, Group, Layout, Source};

use crate::archive::damaged;

/// The first bytes of every HDF5 file.
pub(crate) const SIGNATURE: &[u8] = b"\x89HDF\r\n\x1a\n";

/// The maximum size of a file in bytes.
const MAX_BYTES: usize = 64 << 20;
/// The maximum number of values in an array.
const MAX_NUMBERS: u64 = 8 << 20;

/// A numeric array.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tensor {
    /// The path of the array in the file.
    pub(crate) name: String,
    /// The sizes of the dimensions.
    pub(crate) shape: Vec<usize>,
    /// The values, row-major.
    pub(crate) values: Vec<f32>,
}

/// An open HDF5 file.
pub(crate) struct Hdf5 {
    root: Group,
    format: &'static str,
}

/// The attributes of a group, by name.
pub(crate) struct Attributes(HashMap<String, AttrValue>);

impl Hdf5 {
    /// Opens a file; `format` is its name in error messages.
    pub(crate) fn open(bytes: &[u8], format: &'static str) -> Result<Self> {
        if bytes.len() > MAX_BYTES {
            return Err(Message::new(Code::ModelTooLarge)
                .with("format", format)
                .with("detail", format!("{} MB", bytes.len() >> 20))
                .with("limit", format!("{} MB", MAX_BYTES >> 20)));
        }
        let file = File::from_source(Budget::new(bytes.to_vec())).map_err(|error| damaged(format, error))?;
        // Like the library behind Keras, this refuses truncated files, whatever could still be read
        // from them.
        let end = file.superblock().eof_address;
        if end > bytes.len() as u64 {
            return Err(damaged(format, format_args!("{} of {end} bytes", bytes.len())));
        }
        Ok(Self { root: file.root(), format })
    }

    /// Returns the attributes of the file's root.
    pub(crate) fn attributes(&self) -> Result<Attributes> {
        Ok(Attributes(self.root.attrs().map_err(|error| damaged(self.format, error))?))
    }

    /// Returns the attributes of a group; `None` if there is no such group.
    pub(crate) fn attributes_of(&self, path: &str) -> Result<Option<Attributes>> {
        let Ok(group) = self.root.group(path) else { return Ok(None) };
        Ok(Some(Attributes(group.attrs().map_err(|error| damaged(self.format, error))?)))
    }

    /// Returns a numeric array; `None` if there is none.
    pub(crate) fn tensor(&self, path: &str) -> Result<Option<Tensor>> {
        let Ok(dataset) = self.root.dataset(path) else { return Ok(None) };
        self.read(&dataset, path).map(Some)
    }

    fn read(&self, dataset: &Dataset, path: &str) -> Result<Tensor> {
        let wrong = |error| damaged(self.format, error);
        let shape = dataset.shape().map_err(wrong)?;
        let n = shape.iter().try_fold(1_u64, |n, size| n.checked_mul(*size)).filter(|n| *n <= MAX_NUMBERS);
        let (Some(_), true) = (n, shape.len() <= 8) else {
            return Err(Message::new(Code::ModelTooLarge)
                .with("format", self.format)
                .with("detail", format!("{path} has the shape {shape:?}"))
                .with("limit", format!("{MAX_NUMBERS} numbers")));
        };
        let unsupported = |found: String| {
            Message::new(Code::ModelUnsupported).with("format", self.format).with("found", found)
        };
        match dataset.layout().map_err(wrong)? {
            Layout::Compact { .. } | Layout::Contiguous { address: Some(_), .. } => {}
            // Keras does not chunk or compress arrays.
            _ => return Err(unsupported(format!("{path} in pieces"))),
        }
        let values = match dataset.dtype().map_err(wrong)? {
            DType::F32 => dataset.read_f32().map_err(wrong)?,
            DType::F64 => dataset.read_f64().map_err(wrong)?.into_iter().map(|value| value as f32).collect(),
            // Normalization layers count their rows in an integer, which is not needed here.
            DType::I64 | DType::I32 => {
                return Ok(Tensor { name: path.to_owned(), shape: Vec::new(), values: vec![0.0] });
            }
            other => return Err(unsupported(format!("{path} of the type {other:?}"))),
        };
        let shape = shape.iter().map(|size| *size as usize).collect();
        Ok(Tensor { name: path.to_owned(), shape, values })
    }
}

impl Attributes {
    /// Returns a text attribute.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    /// Returns a list of texts. Keras splits lists that are too long for one attribute into several
    /// with numbered names.
    pub(crate) fn texts(&self, name: &str) -> Vec<String> {
        let own = |name: &str| self.0.get(name).and_then(AttrValue::as_strings).map(<[String]>::to_vec);
        own(name).unwrap_or_else(|| (0..).map_while(|k| own(&format!("{name}{k}"))).flatten().collect())
    }
}

/// A file in memory, with a limit on how much is read from it.
struct Budget {
    bytes: Vec<u8>,
    left: AtomicU64,
}

impl Budget {
    /// Sets the limit to several times the size of the file, because headers are read repeatedly.
    fn new(bytes: Vec<u8>) -> Self {
        let left = AtomicU64::new(8 * bytes.len() as u64 + (8 << 20));
        Self { bytes, left }
    }
}

impl Source for Budget {
    fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> std::result::Result<(), FormatError> {
        let spent = |left: u64| left.checked_sub(buffer.len() as u64 + 16);
        let allowed = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, spent).is_ok();
        let start = usize::try_from(offset).ok();
        let found = start.and_then(|start| self.bytes.get(start..start.checked_add(buffer.len())?));
        match found.filter(|_| allowed) {
            Some(found) => {
                buffer.copy_from_slice(found);
                Ok(())
            }
            None => Err(FormatError::UnexpectedEof { expected: buffer.len(), available: 0 }),
        }
    }
}

/// The error for a file that could not be written.
pub(crate) fn internal(error: impl std::fmt::Display) -> Message {
    Message::new(Code::Internal).with("detail", error)
}
