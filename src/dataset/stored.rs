//! Rows that do not fit into memory: their features are computed from the dataset again, one block at a time.

use std::rc::Rc;

use super::{BLOCK_ROWS, Dataset, FeatureMap, Problem, Role, Roles};
use crate::message::Result;
use crate::rng::mix;

/// Maximum number of rows per block.
const MAX_BLOCK_ROWS: u32 = 1 << 16;
/// Minimum number of rows per block, unless there are fewer rows in total.
const MIN_BLOCK_ROWS: u32 = 1 << 6;
/// Minimum number of rows in the sample, unless there are fewer rows in total.
const MIN_SAMPLE_ROWS: u32 = 1 << 10;
/// A block and the sample each take at most this part (1/32) of the bytes that rows may take in memory,
/// unless they have their minimum number of rows.
const SHARE: u64 = 32;

/// Where the features of a [`Problem`] are read from, and a sample of its rows.
///
/// Block `k` holds the problem's rows from `k * block_rows` on. Targets, sample weights and folds are much smaller than
/// features and stay in the problem.
#[derive(Clone, Debug)]
pub struct Stored {
    dataset: Rc<Dataset>,
    map: FeatureMap,
    roles: Rc<Roles>,
    /// The role (training, validation or test) of the problem's rows.
    role: Role,
    n_samples: u32,
    block_rows: u32,
    /// For each block, the dataset index of its first row.
    starts: Vec<u32>,
    /// Indices of the sampled rows, in ascending order: one at a random position in each of many stretches of
    /// equal length.
    sampled: Vec<u32>,
    /// Number of sampled rows whose features are already in the sample.
    n_taken: usize,
    sample: Rc<Problem>,
}

/// Two storages are equal if they read the same rows in the same way.
impl PartialEq for Stored {
    fn eq(&self, other: &Self) -> bool {
        let how = |stored: &Self| (stored.role, stored.n_samples, stored.block_rows);
        Rc::ptr_eq(&self.dataset, &other.dataset)
            && how(self) == how(other)
            && self.map == other.map
            && self.roles == other.roles
    }
}

impl Stored {
    /// Storage for the rows of a dataset with this role, of which `max_bytes` may be in memory. Nothing is
    /// read yet.
    ///
    /// # Errors
    /// [`Code::OutOfMemory`](crate::message::Code::OutOfMemory) if there is no memory for the sample.
    pub(crate) fn new(
        dataset: &Rc<Dataset>,
        map: &FeatureMap,
        (roles, role): (&Rc<Roles>, Role),
        max_bytes: u64,
    ) -> Result<Self> {
        let n_features = map.n_features() as u32;
        let fit = (max_bytes / SHARE / (4 * u64::from(n_features))).min(u64::from(u32::MAX)) as u32;
        let block_rows = (1 << fit.max(1).ilog2()).clamp(MIN_BLOCK_ROWS, MAX_BLOCK_ROWS);
        let mut starts = Vec::new();
        let mut n_samples = 0;
        for row in 0..dataset.n_samples() {
            if roles.role(row as usize) == role {
                if n_samples % block_rows == 0 {
                    starts.push(row);
                }
                n_samples += 1;
            }
        }
        let n = n_samples.min(fit.max(MIN_SAMPLE_ROWS));
        let place = |i: u32| (u64::from(i) * u64::from(n_samples) / u64::from(n.max(1))) as u32;
        let sampled = (0..n).map(|i| place(i) + mix(i) % (place(i + 1) - place(i))).collect();
        Ok(Self {
            dataset: Rc::clone(dataset),
            map: map.clone(),
            roles: Rc::clone(roles),
            role,
            n_samples,
            block_rows,
            starts,
            sampled,
            n_taken: 0,
            sample: Rc::new(Problem::reserve(n, n_features)?),
        })
    }

    /// Number of rows of the problem.
    pub(crate) fn n_samples(&self) -> u32 {
        self.n_samples
    }

    /// Number of rows per block, a power of two; the last block may have fewer.
    pub(crate) fn block_rows(&self) -> u32 {
        self.block_rows
    }

    /// The dataset that blocks are read from.
    pub fn dataset(&self) -> &Dataset {
        &self.dataset
    }

    /// Bytes that the rows take in f64 in storage.
    pub fn bytes(&self) -> u64 {
        8 * u64::from(self.n_samples) * (self.dataset.n_inputs() as u64 + 1)
    }

    /// A problem in memory that consists of an even sample of the rows.
    pub fn sample(&self) -> &Rc<Problem> {
        &self.sample
    }

    /// Replaces the content of `features` by the features of a block, row-major. If the dataset cannot be
    /// read they are meaningless, and [`Dataset::readable`] returns the reason.
    pub fn read(&self, block: u32, features: &mut Vec<f32>) {
        let (n_inputs, d) = (self.map.n_inputs(), self.map.n_features());
        let n_rows = self.block_rows.min(self.n_samples - block * self.block_rows) as usize;
        let (mut x, mut made) = (vec![0.0; BLOCK_ROWS * n_inputs], vec![0.0; BLOCK_ROWS * d]);
        features.clear();
        features.reserve_exact(n_rows * d);
        let n_all = self.dataset.n_samples() as usize;
        let mut first = self.starts[block as usize] as usize;
        while features.len() < n_rows * d {
            let n_read = BLOCK_ROWS.min(n_all - first);
            self.dataset.read_x(first, &mut x[..n_read * n_inputs]);
            let mut n_own = 0;
            for row in 0..n_read {
                if self.roles.role(first + row) == self.role {
                    x.copy_within(row * n_inputs..(row + 1) * n_inputs, n_own * n_inputs);
                    n_own += 1;
                }
            }
            let n_own = n_own.min(n_rows - features.len() / d);
            self.map.rows(&x[..n_own * n_inputs], &mut made[..n_own * d]);
            features.extend(made[..n_own * d].iter().map(|value| *value as f32));
            first += n_read;
        }
    }

    /// Sets the feature map for all later readings, and the sample weights and folds of the sample's rows.
    pub(crate) fn begin(&mut self, map: &FeatureMap, weights: &[f32], folds: &[u8]) {
        self.map = map.clone();
        let sample = Rc::make_mut(&mut self.sample);
        let rows = || self.sampled.iter().map(|row| *row as usize);
        sample.weights = rows().filter_map(|row| weights.get(row).copied()).collect();
        sample.folds = rows().filter_map(|row| folds.get(row).copied()).collect();
    }

    /// Copies the sampled rows among those from `first` on into the sample. Call it in row order; `features`
    /// are row-major.
    pub(crate) fn take(&mut self, first: usize, features: &[f64], y: &[f64]) {
        let d = self.map.n_features();
        let sample = Rc::make_mut(&mut self.sample);
        while let Some(row) = self.sampled.get(self.n_taken).map(|row| *row as usize - first)
            && let Some(y) = y.get(row)
        {
            sample.features.extend(features[row * d..][..d].iter().map(|value| *value as f32));
            sample.targets.push(*y as f32);
            self.n_taken += 1;
        }
    }
}
