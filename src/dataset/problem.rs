//! The rows of one role in the form that kernels read.

use std::mem::take;

use super::{BLOCK_ROWS, Dataset, FeatureMap, MAX_VALUE, Stored};
use crate::message::{Code, Message, Result, bytes, count, short};
use crate::rng::IN_MEMORY_BLOCK_ROWS;

/// The rows of one role (training, validation or test) as kernels read them: features and targets in f32.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// Number of rows.
    pub n_samples: u32,
    /// Number of features per row.
    pub n_features: u32,
    /// Features of all rows, row-major, `n_samples * n_features`; empty if they are [`Problem::stored`].
    pub features: Vec<f32>,
    /// The target of each row: a number, or the index of its class.
    pub targets: Vec<f32>,
    /// The sample weight of each row, with mean 1; empty if all rows weigh the same.
    pub weights: Vec<f32>,
    /// The fold of a cross-validation that each row belongs to; empty without cross-validation.
    pub folds: Vec<u8>,
    /// Number of rows per block: an epoch shuffles the blocks, and the rows within each block.
    pub block_rows: u32,
    /// Storage from which the features are read, one block at a time; `None` if they are in memory.
    pub stored: Option<Box<Stored>>,
}

/// An empty problem, in memory.
impl Default for Problem {
    fn default() -> Self {
        Self {
            n_samples: 0,
            n_features: 1,
            features: Vec::new(),
            targets: Vec::new(),
            weights: Vec::new(),
            folds: Vec::new(),
            block_rows: IN_MEMORY_BLOCK_ROWS,
            stored: None,
        }
    }
}

impl Problem {
    /// Maps all rows of a dataset in f64 and stores them in f32.
    ///
    /// # Errors
    /// Those of [`Problem::reserve`] and [`Problem::put`].
    pub fn build(dataset: &Dataset, map: &FeatureMap) -> Result<Self> {
        let d = map.n_features();
        let mut problem = Self::reserve(dataset.n_samples(), d as u32)?;
        let mut features = vec![0.0; BLOCK_ROWS * d];
        let mut first = 0;
        let mut refused = None;
        dataset.for_each_block(|x, y| {
            let features = &mut features[..y.len() * d];
            map.rows(x, features);
            problem.hold_targets(y);
            refused = refused.take().or(problem.put(first, features, y).err());
            first += y.len();
        });
        refused.map_or(Ok(problem), Err)
    }

    /// Allocates memory for exactly `n_samples` rows, which are filled in later.
    ///
    /// # Errors
    /// [`Code::OutOfMemory`] where the memory is not available.
    pub fn reserve(n_samples: u32, n_features: u32) -> Result<Self> {
        let n = n_samples as usize;
        let (mut features, mut targets) = (Vec::new(), Vec::new());
        let room = features
            .try_reserve_exact(n.saturating_mul(n_features as usize))
            .and(targets.try_reserve_exact(n));
        room.map_err(|_| out_of_memory(n_samples, n_features))?;
        Ok(Self { n_samples, n_features, features, targets, ..Self::default() })
    }

    /// Allocates memory for the targets of rows whose features stay in storage.
    ///
    /// # Errors
    /// [`Code::OutOfMemory`] if there is not enough memory.
    pub(crate) fn of_stored(stored: Stored) -> Result<Self> {
        let n_features = stored.sample().n_features;
        let (n_samples, block_rows) = (stored.n_samples(), stored.block_rows());
        let mut problem = Self { n_samples, n_features, block_rows, ..Self::default() };
        let room = problem.targets.try_reserve_exact(n_samples as usize);
        room.map_err(|_| out_of_memory(n_samples, 0))?;
        problem.keep(stored);
        Ok(problem)
    }

    fn keep(&mut self, stored: Stored) {
        self.stored = Some(Box::new(stored));
    }

    /// Storage from which the features are read; `None` if they are in memory.
    #[inline(always)]
    pub fn stored(&self) -> Option<&Stored> {
        self.stored.as_deref()
    }

    /// Mutable access to [`Problem::stored`] while the problem is being built.
    pub(crate) fn stored_mut(&mut self) -> Option<&mut Stored> {
        self.stored.as_deref_mut()
    }

    /// The problem with only the rows that are in memory: all of them, or a sample if features are
    /// [`Problem::stored`].
    pub fn in_memory(&self) -> &Self {
        self.stored().map_or(self, |stored| stored.sample())
    }

    /// Whether the rows consist of more than one block.
    #[inline(always)]
    pub fn has_blocks(&self) -> bool {
        self.n_samples > self.block_rows
    }

    /// Appends rows of which only the targets are known yet, and keeps these in f64: each is split over the
    /// memory where the row's first feature and target in f32 will be written. What depends on all targets is
    /// thus known before any row is finished, without reading the rows twice or using more memory.
    ///
    /// If features are [`Problem::stored`], this memory does not exist: targets are kept in f32 and read
    /// again later.
    pub fn hold_targets(&mut self, y: &[f64]) {
        if self.stored().is_some() {
            self.targets.extend(y.iter().map(|y| *y as f32));
            return;
        }
        let (first, degree) = (self.targets.len(), self.n_features as usize);
        self.targets.resize(first + y.len(), 0.0);
        self.features.resize((first + y.len()) * degree, 0.0);
        // As integers, because a half can be any bit pattern, a NaN too.
        let high: &mut [u32] = bytemuck::cast_slice_mut(&mut self.features[first * degree..]);
        let low: &mut [u32] = bytemuck::cast_slice_mut(&mut self.targets[first..]);
        for ((high, low), y) in high.iter_mut().step_by(degree).zip(low).zip(y) {
            let bits = y.to_bits();
            (*high, *low) = ((bits >> 32) as u32, bits as u32);
        }
    }

    /// Fills `y` with the targets that [`Problem::hold_targets`] kept, from row `first` on.
    pub fn held_targets(&self, first: usize, y: &mut [f64]) {
        let degree = self.n_features as usize;
        let high: &[u32] = bytemuck::cast_slice(&self.features[first * degree..]);
        let low: &[u32] = bytemuck::cast_slice(&self.targets[first..]);
        for ((high, low), y) in high.iter().step_by(degree).zip(low).zip(y) {
            *y = f64::from_bits((u64::from(*high) << 32) | u64::from(*low));
        }
    }

    /// Completes rows whose targets [`Problem::hold_targets`] kept, from row `first` on. `features` are
    /// row-major. If features are [`Problem::stored`], only the rows of the sample are kept.
    ///
    /// # Errors
    /// [`Code::PowerTooLarge`] with the degree, if a power is too large for f32 to square and sum.
    pub fn put(&mut self, first: usize, features: &[f64], y: &[f64]) -> Result<()> {
        let degree = self.n_features as usize;
        let mut largest = 0.0_f64;
        if let Some(stored) = self.stored_mut() {
            stored.take(first, features, y);
            largest = features.iter().fold(largest, |largest, value| largest.max(value.abs()));
        } else {
            for (out, value) in self.features[first * degree..].iter_mut().zip(features) {
                largest = largest.max(value.abs());
                *out = *value as f32;
            }
        }
        for (out, y) in self.targets[first..].iter_mut().zip(y) {
            *out = *y as f32;
        }
        if largest > MAX_VALUE {
            return Err(Message::new(Code::PowerTooLarge)
                .with("degree", degree)
                .with("value", short(largest)));
        }
        Ok(())
    }

    /// If features are stored, passes the feature map, sample weights and folds to the stored sample. Call it
    /// when every target, weight and fold is known.
    pub(crate) fn begin_stored(&mut self, map: &FeatureMap) {
        if self.stored().is_none() {
            return;
        }
        let (weights, folds) = (take(&mut self.weights), take(&mut self.folds));
        if let Some(stored) = self.stored_mut() {
            stored.begin(map, &weights, &folds);
        }
        (self.weights, self.folds) = (weights, folds);
    }

    /// Bytes of memory for `n_samples` rows: four for each feature and each target.
    pub fn bytes(n_samples: u32, n_features: u32) -> u64 {
        u64::from(n_samples).saturating_mul(4 * (u64::from(n_features) + 1))
    }

    /// Bytes of memory of this problem's features and targets, including those of the sample.
    pub fn own_bytes(&self) -> u64 {
        let sample = self.stored().map_or(0, |stored| stored.sample().own_bytes());
        4 * (self.features.len() + self.targets.len()) as u64 + sample
    }
}

/// The out-of-memory error, which states the number of rows and of features, since a user can reduce these.
fn out_of_memory(n_samples: u32, n_features: u32) -> Message {
    Message::new(Code::OutOfMemory)
        .with("n_samples", count(n_samples.into()))
        .with("n_features", n_features)
        .with("size", bytes(Problem::bytes(n_samples, n_features)))
}
