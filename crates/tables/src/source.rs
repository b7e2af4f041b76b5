//! Random access to the bytes of a file, for formats that start at the end or store columns far
//! apart.

use std::io::{self, Read, Seek, SeekFrom};

/// A file that can be read at any offset.
pub trait Source {
    /// The size of the file in bytes.
    fn size(&self) -> u64;

    /// Fills `out` with the bytes from offset `start` of the file.
    ///
    /// # Errors
    /// Errors of the platform, and [`io::ErrorKind::UnexpectedEof`] if the file is too short.
    fn read_at(&self, start: u64, out: &mut [u8]) -> io::Result<()>;
}

impl<S: Source + ?Sized> Source for std::rc::Rc<S> {
    fn size(&self) -> u64 {
        (**self).size()
    }

    fn read_at(&self, start: u64, out: &mut [u8]) -> io::Result<()> {
        (**self).read_at(start, out)
    }
}

impl<S: Source + ?Sized> Source for std::sync::Arc<S> {
    fn size(&self) -> u64 {
        (**self).size()
    }

    fn read_at(&self, start: u64, out: &mut [u8]) -> io::Result<()> {
        (**self).read_at(start, out)
    }
}

impl Source for Vec<u8> {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn read_at(&self, start: u64, out: &mut [u8]) -> io::Result<()> {
        let found = usize::try_from(start).ok().and_then(|start| self.get(start..)?.get(..out.len()));
        out.copy_from_slice(found.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

/// The number of bytes that a [`Cursor`] reads at once.
const BUFFER_BYTES: usize = 1 << 16;

/// A reading position in a file, with a buffer of the bytes after it.
#[derive(Debug)]
pub struct Cursor<S> {
    source: S,
    position: u64,
    buffer: Vec<u8>,
    /// The offset in the file at which the buffer begins.
    start: u64,
    capacity: usize,
}

impl<S: Source> Cursor<S> {
    /// Creates a cursor at byte `position` of a file.
    pub fn new(source: S, position: u64) -> Self {
        Self::with_capacity(source, position, BUFFER_BYTES)
    }

    /// Creates a cursor at byte `position` that reads at most `capacity` bytes at once. Use a small
    /// capacity for many cursors.
    pub fn with_capacity(source: S, position: u64, capacity: usize) -> Self {
        Self { source, position, buffer: Vec::new(), start: position, capacity: capacity.max(1) }
    }
}

impl<S: Source> Read for Cursor<S> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let left = self.source.size().saturating_sub(self.position);
        if left == 0 || out.is_empty() {
            return Ok(0);
        }
        let buffered = |cursor: &Self| {
            let offset = usize::try_from(cursor.position.checked_sub(cursor.start)?).ok()?;
            (offset < cursor.buffer.len()).then_some(offset)
        };
        let offset = match buffered(self) {
            Some(offset) => offset,
            None => {
                let length = (self.capacity as u64).min(left) as usize;
                self.buffer.resize(length, 0);
                self.start = self.position;
                if let Err(error) = self.source.read_at(self.position, &mut self.buffer) {
                    self.buffer.clear();
                    return Err(error);
                }
                0
            }
        };
        let n = out.len().min(self.buffer.len() - offset);
        out[..n].copy_from_slice(&self.buffer[offset..offset + n]);
        self.position += n as u64;
        Ok(n)
    }
}

impl<S: Source> Seek for Cursor<S> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(offset) => self.source.size().checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}
