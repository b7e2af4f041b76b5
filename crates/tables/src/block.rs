//! Storage of a column's cells in blocks of rows: in memory up to a budget, then in a private file of the
//! page.

use std::cell::{Ref, RefCell};
use std::ops::Deref;
use std::rc::Rc;

use downhill::message::Result;

/// The maximum number of rows in a block. With large blocks, a pass over a few columns needs only few, long
/// reads.
const MAX_BLOCK_ROWS: usize = 1 << 16;
/// The maximum size in bytes of a block of all columns, unless it would have fewer than the minimum number of
/// rows.
const BLOCK_BYTES: usize = 1 << 23;
/// The minimum number of rows in a block.
const MIN_BLOCK_ROWS: usize = 1 << 6;

/// The number of rows in a block of a table with this number of columns: a power of two.
pub(crate) fn block_rows(n_columns: usize) -> usize {
    let fit = BLOCK_BYTES / (size_of::<f64>() * n_columns.max(1));
    (1 << fit.max(1).ilog2()).clamp(MIN_BLOCK_ROWS, MAX_BLOCK_ROWS)
}

/// A file that is written once and can then be read at any position.
pub trait Storage: std::fmt::Debug {
    /// Writes bytes at an offset from the beginning of the file.
    ///
    /// # Errors
    /// [`Code::StorageFull`](downhill::message::Code::StorageFull) if there is no space left.
    fn write(&mut self, at: u64, bytes: &[u8]) -> Result<()>;

    /// Fills `bytes` from an offset.
    ///
    /// # Errors
    /// [`Code::StorageFailed`](downhill::message::Code::StorageFailed) if the file no longer
    /// exists.
    fn read(&mut self, at: u64, bytes: &mut [u8]) -> Result<()>;
}

/// The storage file, which all columns of a table share.
pub(crate) type Shared = Rc<RefCell<dyn Storage>>;

/// A full block of one column's cells.
#[derive(Debug)]
enum Block {
    Kept(Vec<f64>),
    /// The offset of the block in storage.
    Stored(u64),
}

/// The cells of one column, in blocks.
#[derive(Debug)]
pub(crate) struct Blocks {
    n_rows: usize,
    full: Vec<Block>,
    /// The cells after the last full block. There may be more than one block of them until they are cut.
    open: Vec<f64>,
    storage: Option<Shared>,
    /// The stored block that was read last: its index and its cells.
    read: RefCell<(usize, Vec<f64>)>,
}

/// The cells of a block, in memory or read from storage.
#[derive(Debug)]
pub(crate) enum Cells<'a> {
    Kept(&'a [f64]),
    Read(Ref<'a, Vec<f64>>),
}

impl Deref for Cells<'_> {
    type Target = [f64];

    #[inline]
    fn deref(&self) -> &[f64] {
        match self {
            Self::Kept(cells) => cells,
            Self::Read(cells) => cells,
        }
    }
}

impl Blocks {
    /// Creates an empty sequence of blocks of `n_rows` rows each.
    pub(crate) fn new(n_rows: usize) -> Self {
        Self {
            n_rows,
            full: Vec::new(),
            open: Vec::new(),
            storage: None,
            read: RefCell::new((usize::MAX, Vec::new())),
        }
    }

    /// The number of rows in a block.
    pub(crate) fn block_rows(&self) -> usize {
        self.n_rows
    }

    /// The cells that are not yet in a full block; new cells are appended here.
    #[inline(always)]
    pub(crate) fn open(&mut self) -> &mut Vec<f64> {
        &mut self.open
    }

    /// The number of cells.
    pub(crate) fn len(&self) -> usize {
        self.full.len() * self.n_rows + self.open.len()
    }

    /// The number of blocks; the last one may not be full.
    pub(crate) fn n_blocks(&self) -> usize {
        self.full.len() + usize::from(!self.open.is_empty())
    }

    /// The number of bytes of memory in use.
    pub(crate) fn bytes(&self) -> usize {
        let kept = self.full.iter().filter(|block| matches!(block, Block::Kept(_))).count();
        size_of::<f64>() * (kept * self.n_rows + self.open.capacity() + self.read.borrow().1.capacity())
    }

    /// Makes a full block in memory from the first open cells.
    pub(crate) fn cut(&mut self) {
        // The rest is expected to grow to a block plus at most a batch of cells. Reserving that
        // much now avoids doubling, which would take twice the memory.
        let n_next = self.open.len() - self.n_rows;
        let mut next = Vec::with_capacity(n_next.max(self.n_rows + self.n_rows / 8));
        next.extend_from_slice(&self.open[self.n_rows..]);
        self.open.truncate(self.n_rows);
        self.open.shrink_to_fit();
        self.full.push(Block::Kept(std::mem::replace(&mut self.open, next)));
    }

    /// Makes a stored block from the first open cells: appends them to `block`, which the caller writes to
    /// `storage` so that this column's part begins at offset `at`.
    pub(crate) fn cut_into(&mut self, block: &mut Vec<f64>, at: u64, storage: &Shared) {
        block.extend(self.open.drain(..self.n_rows));
        self.storage.get_or_insert_with(|| Rc::clone(storage));
        self.full.push(Block::Stored(at));
    }

    /// Returns the cells of one block, from memory or from storage.
    ///
    /// # Errors
    /// Those of [`Storage::read`].
    pub(crate) fn block(&self, index: usize) -> Result<Cells<'_>> {
        let at = match self.full.get(index) {
            None => return Ok(Cells::Kept(&self.open)),
            Some(Block::Kept(cells)) => return Ok(Cells::Kept(cells)),
            Some(Block::Stored(at)) => *at,
        };
        if self.read.borrow().0 != index {
            let (read, cells) = &mut *self.read.borrow_mut();
            *read = usize::MAX;
            cells.resize(self.n_rows, 0.0);
            if let Some(storage) = &self.storage {
                storage.borrow_mut().read(at, bytemuck::cast_slice_mut(cells))?;
            }
            *read = index;
        }
        Ok(Cells::Read(Ref::map(self.read.borrow(), |(_, cells)| cells)))
    }
}
