//! Detects the format of a file by its content, because file names are unreliable.

use crate::npy;

/// The format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A text table, with one row per line.
    Text,
    /// JSON objects, one for each row.
    Objects,
    /// One NumPy array (`.npy`).
    Array,
    /// An archive of NumPy arrays (`.npz`).
    Archive,
    /// Apache Parquet.
    Parquet,
    /// A workbook of Excel or OpenDocument.
    Workbook,
    /// An Excel workbook from before 2007, or an encrypted one.
    OldWorkbook,
}

impl Format {
    /// Detects the format of a file that begins with `head`.
    pub fn of(head: &[u8]) -> Self {
        match head {
            [b'P', b'A', b'R', b'1', ..] => Self::Parquet,
            [b'P', b'K', 3, 4, ..] if holds_array(head) => Self::Archive,
            [b'P', b'K', 3, 4, ..] => Self::Workbook,
            [0xD0, 0xCF, 0x11, 0xE0, ..] => Self::OldWorkbook,
            _ if head.starts_with(npy::MAGIC) => Self::Array,
            _ if begins_with_object(head) => Self::Objects,
            _ => Self::Text,
        }
    }

    /// The name of the format as JavaScript code uses it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Objects => "objects",
            Self::Array => "array",
            Self::Archive => "archive",
            Self::Parquet => "parquet",
            Self::Workbook => "workbook",
            Self::OldWorkbook => "old_workbook",
        }
    }
}

/// Whether the first file of a ZIP archive is a NumPy array. Its name follows a header of 30 bytes.
fn holds_array(head: &[u8]) -> bool {
    let Some([low, high]) = head.get(26..28) else { return false };
    let end = 30 + usize::from(u16::from_le_bytes([*low, *high]));
    head.get(30..end).is_some_and(|name| name.ends_with(b".npy"))
}

/// Whether the text begins with a JSON object that has a key, or with a JSON list of such objects. (`[a],[b]`
/// is a text table with unusual names.)
fn begins_with_object(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head).trim_ascii_start();
    let inside = head.strip_prefix(b"[").unwrap_or(head).trim_ascii_start();
    let Some(object) = inside.strip_prefix(b"{") else { return false };
    matches!(object.trim_ascii_start().first(), Some(b'"' | b'}'))
}
