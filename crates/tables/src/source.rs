//! Bytes of a file at any place of it: what is not text begins at its end, or has its columns far apart.

use std::io::{self, Read, Seek, SeekFrom};

/// A file that is read anywhere, as often as is wanted.
pub trait Source {
    /// Bytes of the file.
    fn size(&self) -> u64;

    /// Fills `out` with what stands from byte `start` on.
    ///
    /// # Errors
    /// What the platform says, and [`io::ErrorKind::UnexpectedEof`] where the file ends before.
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

/// Bytes that a [`Cursor`] fetches at once.
const BUFFER_BYTES: usize = 1 << 16;

/// A place in a file, and a buffer of what follows.
#[derive(Debug)]
pub struct Cursor<S> {
    source: S,
    position: u64,
    buffer: Vec<u8>,
    /// Where the buffer begins.
    start: u64,
    capacity: usize,
}

impl<S: Source> Cursor<S> {
    /// At byte `position`.
    pub fn new(source: S, position: u64) -> Self {
        Self::with_capacity(source, position, BUFFER_BYTES)
    }

    /// At byte `position`, fetching at most so many bytes at once: less where there are many of them.
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
