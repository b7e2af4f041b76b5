//! ZIP archives that contain a model's files.

use std::io::{Cursor, Read, Write};

use downhill::message::{Code, Message, Result};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

/// The maximum number of files in an archive; a model needs three.
const MAX_FILES: usize = 1_000;
/// The maximum total number of unpacked bytes.
const MAX_BYTES: u64 = 64 << 20;

/// An archive with a limit on the bytes it unpacks.
pub(crate) struct Archive<'a> {
    files: ZipArchive<Cursor<&'a [u8]>>,
    format: &'static str,
    /// The remaining number of bytes that may be unpacked.
    left: u64,
}

/// Returns the names of an archive's files; `None` if it is not an archive or has too many files.
pub(crate) fn names(bytes: &[u8]) -> Option<Vec<String>> {
    if !bytes.starts_with(b"PK") {
        return None;
    }
    let files = ZipArchive::new(Cursor::new(bytes)).ok()?;
    if files.len() > MAX_FILES {
        return None;
    }
    files.file_names().map(|name| Some(name.ok()?.to_string())).collect()
}

/// Packs files into an archive, compressed with deflate.
pub(crate) fn packed(files: &[(&str, &[u8])]) -> Result<Vec<u8>> {
    let internal = |error: &dyn std::fmt::Display| Message::new(Code::Internal).with("detail", error);
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    // The date is the earliest that ZIP can express, because this crate has no clock.
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::default());
    for (name, bytes) in files {
        archive.start_file(*name, options).map_err(|error| internal(&error))?;
        archive.write_all(bytes).map_err(|error| internal(&error))?;
    }
    Ok(archive.finish().map_err(|error| internal(&error))?.into_inner())
}

/// The error for a file that does not follow its format.
pub(crate) fn damaged(format: &str, detail: impl std::fmt::Display) -> Message {
    Message::new(Code::ModelDamaged).with("format", format).with("detail", detail)
}

impl<'a> Archive<'a> {
    /// Opens an archive; `format` is its name in error messages.
    pub(crate) fn open(bytes: &'a [u8], format: &'static str) -> Result<Self> {
        let files = ZipArchive::new(Cursor::new(bytes)).map_err(|error| damaged(format, error))?;
        if files.len() > MAX_FILES {
            return Err(Message::new(Code::ModelTooLarge)
                .with("format", format)
                .with("detail", format!("{} files", files.len()))
                .with("limit", format!("{MAX_FILES} files")));
        }
        Ok(Self { files, format, left: MAX_BYTES })
    }

    /// Returns the folder of the file with this name, ending in a slash; empty if the file is at
    /// the root.
    pub(crate) fn folder_of(&self, name: &str) -> String {
        let found = self.files.file_names().find_map(|own| {
            let own = own.ok()?.to_string();
            own.strip_suffix(name)
                .filter(|folder| folder.is_empty() || folder.ends_with('/'))
                .map(str::to_owned)
        });
        found.unwrap_or_default()
    }

    /// Returns the content of a file; `None` if the archive has no such file.
    pub(crate) fn get(&mut self, name: &str) -> Result<Option<Vec<u8>>> {
        let Some(place) = self.files.index_for_name(name) else { return Ok(None) };
        let file = self.files.by_index(place).map_err(|error| damaged(self.format, error))?;
        let mut bytes = Vec::new();
        // The size in the archive's directory may be wrong, so the bytes are counted as they come.
        file.take(self.left + 1).read_to_end(&mut bytes).map_err(|error| damaged(self.format, error))?;
        match self.left.checked_sub(bytes.len() as u64) {
            Some(left) => self.left = left,
            None => {
                return Err(Message::new(Code::ModelTooLarge)
                    .with("format", self.format)
                    .with("detail", format!("{name} unpacks to more"))
                    .with("limit", format!("{} MB", MAX_BYTES >> 20)));
            }
        }
        Ok(Some(bytes))
    }

    /// Returns the content of a file, or an error if the archive lacks it.
    pub(crate) fn need(&mut self, name: &str) -> Result<Vec<u8>> {
        let found = self.get(name)?;
        found.ok_or_else(|| damaged(self.format, format_args!("it contains no {name}")))
    }
}
