//! Where a column's cells are kept: blocks of rows, in memory, or beyond a budget in a file of the page's own.

use std::cell::{Ref, RefCell};
use std::ops::Deref;
use std::rc::Rc;

use downhill::message::Result;

/// Rows of a block at most: a pass over chosen columns of a file then takes few and long reads.
const MAX_BLOCK_ROWS: usize = 1 << 16;
/// Bytes of a block of all columns at most, where it has more than the fewest rows.
const BLOCK_BYTES: usize = 1 << 23;
/// Rows of a block at least.
const MIN_BLOCK_ROWS: usize = 1 << 6;

/// Rows of a block in a table of that many columns: a power of two.
pub(crate) fn block_rows(n_columns: usize) -> usize {
    let fit = BLOCK_BYTES / (size_of::<f64>() * n_columns.max(1));
    (1 << fit.max(1).ilog2()).clamp(MIN_BLOCK_ROWS, MAX_BLOCK_ROWS)
}

/// A file that bytes are written to once and read again from, at any place.
pub trait Storage: std::fmt::Debug {
    /// Writes at that place, counted in bytes from the beginning.
    ///
    /// # Errors
    /// [`Code::StorageFull`](downhill::message::Code::StorageFull), where there is no room left.
    fn write(&mut self, at: u64, bytes: &[u8]) -> Result<()>;

    /// Reads as many bytes as there is room for.
    ///
    /// # Errors
    /// [`Code::StorageFailed`](downhill::message::Code::StorageFailed), where the file is gone.
    fn read(&mut self, at: u64, bytes: &mut [u8]) -> Result<()>;
}

/// Storage that a table's columns share.
pub(crate) type Shared = Rc<RefCell<dyn Storage>>;

/// A full block.
#[derive(Debug)]
enum Block {
    Kept(Vec<f64>),
    /// In storage, at that place.
    Stored(u64),
}

/// The cells of one column.
#[derive(Debug)]
pub(crate) struct Blocks {
    n_rows: usize,
    full: Vec<Block>,
    /// What follows the full blocks. It may be longer than a block until it is cut.
    open: Vec<f64>,
    storage: Option<Shared>,
    /// The stored block that was last read.
    read: RefCell<(usize, Vec<f64>)>,
}

/// The cells of a block.
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
    /// Of so many rows each; none yet.
    pub(crate) fn new(n_rows: usize) -> Self {
        Self {
            n_rows,
            full: Vec::new(),
            open: Vec::new(),
            storage: None,
            read: RefCell::new((usize::MAX, Vec::new())),
        }
    }

    /// Rows of a block.
    pub(crate) fn block_rows(&self) -> usize {
        self.n_rows
    }

    /// What is not yet in a full block, for more to be put behind it.
    #[inline(always)]
    pub(crate) fn open(&mut self) -> &mut Vec<f64> {
        &mut self.open
    }

    /// Cells.
    pub(crate) fn len(&self) -> usize {
        self.full.len() * self.n_rows + self.open.len()
    }

    /// Blocks, the last of which may not be full.
    pub(crate) fn n_blocks(&self) -> usize {
        self.full.len() + usize::from(!self.open.is_empty())
    }

    /// Bytes of memory.
    pub(crate) fn bytes(&self) -> usize {
        let kept = self.full.iter().filter(|block| matches!(block, Block::Kept(_))).count();
        size_of::<f64>() * (kept * self.n_rows + self.open.capacity() + self.read.borrow().1.capacity())
    }

    /// Keeps what is open up to a block in memory, as the next full block.
    pub(crate) fn cut(&mut self) {
        // What follows a full block is expected to become one, and to grow beyond it by no more than a batch of cells:
        // growing by halves would take twice the room.
        let n_next = self.open.len() - self.n_rows;
        let mut next = Vec::with_capacity(n_next.max(self.n_rows + self.n_rows / 8));
        next.extend_from_slice(&self.open[self.n_rows..]);
        self.open.truncate(self.n_rows);
        self.open.shrink_to_fit();
        self.full.push(Block::Kept(std::mem::replace(&mut self.open, next)));
    }

    /// Puts the same behind `block`, to be written to storage so that this column's part of it begins at `at`.
    pub(crate) fn cut_into(&mut self, block: &mut Vec<f64>, at: u64, storage: &Shared) {
        block.extend(self.open.drain(..self.n_rows));
        self.storage.get_or_insert_with(|| Rc::clone(storage));
        self.full.push(Block::Stored(at));
    }

    /// The cells of one block, from memory or from storage.
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
