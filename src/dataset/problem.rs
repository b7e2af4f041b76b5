//! The rows in the form that kernels read.

use std::mem::take;

use super::{BLOCK_ROWS, Dataset, FeatureMap, MAX_VALUE, Stored};
use crate::message::{Code, Message, Result, bytes, count, short};
use crate::rng::IN_MEMORY_BLOCK_ROWS;

/// The rows that kernels read: features and targets in f32.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// Number of rows.
    pub n_samples: u32,
    /// Number of features of a row.
    pub n_features: u32,
    /// Row-major, `n_samples * n_features`; empty where they are [`Problem::stored`].
    pub features: Vec<f32>,
    /// One number for each row: the value, or the index of the class.
    pub targets: Vec<f32>,
    /// The sample weight of each row, 1 on average; empty where all rows count the same.
    pub weights: Vec<f32>,
    /// The fold of a cross-validation that each row belongs to; empty without cross-validation.
    pub folds: Vec<u8>,
    /// Number of rows of a block: blocks are shuffled, and the rows within each block.
    pub block_rows: u32,
    /// Where features that are not in memory are read from, a block at a time.
    pub stored: Option<Box<Stored>>,
}

/// No rows, in memory.
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
    /// Maps every row in f64 and keeps it in f32.
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

    /// Reserves memory for exactly `n_samples` rows, none of which is known yet.
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

    /// Reserves memory for the targets of rows whose features stay in storage.
    ///
    /// # Errors
    /// [`Code::OutOfMemory`] where the memory is not available.
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

    /// Where features that are not in memory are read from.
    #[inline(always)]
    pub fn stored(&self) -> Option<&Stored> {
        self.stored.as_deref()
    }

    /// [`Problem::stored`] while the problem is being built.
    pub(crate) fn stored_mut(&mut self) -> Option<&mut Stored> {
        self.stored.as_deref_mut()
    }

    /// The rows that are in memory: all of them, or a sample where features are [`Problem::stored`].
    pub fn in_memory(&self) -> &Self {
        self.stored().map_or(self, |stored| stored.sample())
    }

    /// Whether there is more than one block of rows.
    #[inline(always)]
    pub fn has_blocks(&self) -> bool {
        self.n_samples > self.block_rows
    }

    /// Adds rows of which only the targets are known, and keeps these in f64: their two halves lie where the first
    /// feature and the target in f32 will be written. What depends on every target is then known before any row is
    /// finished, without reading the rows twice or using more memory.
    ///
    /// Where features are [`Problem::stored`] there is no such place: the targets are kept in f32 and read again later.
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

    /// Reads the targets that [`Problem::hold_targets`] kept, from row `first` on.
    pub fn held_targets(&self, first: usize, y: &mut [f64]) {
        let degree = self.n_features as usize;
        let high: &[u32] = bytemuck::cast_slice(&self.features[first * degree..]);
        let low: &[u32] = bytemuck::cast_slice(&self.targets[first..]);
        for ((high, low), y) in high.iter().step_by(degree).zip(low).zip(y) {
            *y = f64::from_bits((u64::from(*high) << 32) | u64::from(*low));
        }
    }

    /// Finishes rows whose targets are held, from row `first` on. `features` are row-major. Where features are
    /// [`Problem::stored`], the sample takes its rows.
    ///
    /// # Errors
    /// [`Code::PowerTooLarge`] with the degree, where a power leaves the range in which f32 can square and sum.
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

    /// Hands the map and the sample weights and folds of its rows to the sample, where features are stored. Called once
    /// every target, weight and fold is known.
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

    /// Bytes that `n_samples` rows take: four for each feature and target.
    pub fn bytes(n_samples: u32, n_features: u32) -> u64 {
        u64::from(n_samples).saturating_mul(4 * (u64::from(n_features) + 1))
    }

    /// Bytes of memory that features and targets take, those of the sample included.
    pub fn own_bytes(&self) -> u64 {
        let sample = self.stored().map_or(0, |stored| stored.sample().own_bytes());
        4 * (self.features.len() + self.targets.len()) as u64 + sample
    }
}

/// Names the number of rows and of features, which a user can reduce.
fn out_of_memory(n_samples: u32, n_features: u32) -> Message {
    Message::new(Code::OutOfMemory)
        .with("n_samples", count(n_samples.into()))
        .with("n_features", n_features)
        .with("size", bytes(Problem::bytes(n_samples, n_features)))
}
