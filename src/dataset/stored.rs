//! Rows that do not fit in memory: their features are made anew from what they are read from, a block at a time.

use std::rc::Rc;

use super::{BLOCK_ROWS, Dataset, FeatureMap, Problem, Role, Roles};
use crate::message::Result;
use crate::rng::mix;

/// Rows of a block at most.
const MAX_BLOCK_ROWS: u32 = 1 << 16;
/// Rows of a block at least.
const MIN_BLOCK_ROWS: u32 = 1 << 6;
/// Rows of the sample at least.
const MIN_SAMPLE_ROWS: u32 = 1 << 10;
/// Of the bytes that rows may take in memory, a block of them takes one part in so many, and the sample another; where
/// they have more than the fewest rows.
const SHARE: u64 = 32;

/// Where the features of a [`Problem`] are, and a sample of its rows.
///
/// Block `k` holds the problem's rows from `k * block_rows` on. Targets, weights and parts of a cross-validation are small
/// beside features, and stay in the problem.
#[derive(Clone, Debug)]
pub struct Stored {
    dataset: Rc<Dataset>,
    map: FeatureMap,
    roles: Rc<Roles>,
    /// What its rows are for.
    role: Role,
    n_samples: u32,
    block_rows: u32,
    /// The row of the dataset that each block begins with.
    starts: Vec<u32>,
    /// The rows of the sample, rising: one from each of as many stretches of the same length, at a random place in it.
    sampled: Vec<u32>,
    /// How many of them are there.
    n_taken: usize,
    sample: Rc<Problem>,
}

/// Two are the same where they are read from the same rows in the same way.
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
    /// The rows of a dataset that are for `role`, of which `max_bytes` may be in memory. Nothing is read yet.
    ///
    /// # Errors
    /// [`Code::OutOfMemory`](crate::message::Code::OutOfMemory), where not even the sample has room.
    pub(crate) fn new(
        dataset: &Rc<Dataset>,
        map: &FeatureMap,
        (roles, role): (&Rc<Roles>, Role),
        bias: bool,
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
            sample: Rc::new(Problem::reserve(n, n_features, bias)?),
        })
    }

    /// Rows of the problem.
    pub(crate) fn n_samples(&self) -> u32 {
        self.n_samples
    }

    /// Rows of a block, a power of two; the last may have fewer.
    pub(crate) fn block_rows(&self) -> u32 {
        self.block_rows
    }

    /// The dataset that blocks are read from.
    pub fn dataset(&self) -> &Dataset {
        &self.dataset
    }

    /// Bytes that the rows take where they are read from, in f64.
    pub fn bytes(&self) -> u64 {
        8 * u64::from(self.n_samples) * (self.dataset.n_inputs() as u64 + 1)
    }

    /// A sample of the rows, evenly over all of them: a problem in memory.
    pub fn sample(&self) -> &Rc<Problem> {
        &self.sample
    }

    /// Reads the features of a block, row-major, in the place of what `features` holds. Where the dataset cannot be read,
    /// they mean nothing, and [`Dataset::readable`] says why.
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

    /// Makes features by this map from now on, and gives the sample what is known of its rows.
    pub(crate) fn begin(&mut self, map: &FeatureMap, n_outputs: u32, weights: &[f32], folds: &[u8]) {
        self.map = map.clone();
        let sample = Rc::make_mut(&mut self.sample);
        sample.n_outputs = n_outputs;
        let rows = || self.sampled.iter().map(|row| *row as usize);
        sample.weights = rows().filter_map(|row| weights.get(row).copied()).collect();
        sample.folds = rows().filter_map(|row| folds.get(row).copied()).collect();
    }

    /// Takes what belongs to the sample of rows that follow each other. They come in their order, from `first` on;
    /// `features` are row-major.
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
