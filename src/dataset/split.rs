//! Which rows are trained on and which are held out: a pure function of the row's place, the share and the seed.

use crate::config::{Split, ValidationConfig};
use crate::rng::{IN_MEMORY_BLOCK_ROWS, Permutation};

/// The epoch whose order picks the rows that are held out: one that no training comes to.
const SPLIT_EPOCH: u32 = u32::MAX - 1;

/// Roles of the rows of a dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roles {
    n_samples: u32,
    n_validation: u32,
    /// A bit a row, where those held out stand anywhere.
    scattered: Option<Vec<u64>>,
}

impl Roles {
    /// Of `n_samples` rows. As many as scikit-learn's `train_test_split` holds out: the share of all, rounded up; but
    /// two rows at least are left to train on.
    pub fn new(validation: &ValidationConfig, n_samples: u32) -> Self {
        let wanted = (validation.fraction * f64::from(n_samples)).ceil() as u32;
        let n_validation = wanted.min(n_samples.saturating_sub(2));
        let scattered = (n_validation > 0 && validation.split == Split::Random).then(|| {
            let order = Permutation::new(n_samples, IN_MEMORY_BLOCK_ROWS, validation.seed, SPLIT_EPOCH);
            let mut bits = vec![0_u64; (n_samples as usize).div_ceil(64)];
            for position in 0..n_validation {
                let row = order.row(position) as usize;
                bits[row / 64] |= 1 << (row % 64);
            }
            bits
        });
        Self { n_samples, n_validation, scattered }
    }

    /// Rows that are trained on.
    pub fn n_training(&self) -> u32 {
        self.n_samples - self.n_validation
    }

    /// Rows that are held out.
    pub fn n_validation(&self) -> u32 {
        self.n_validation
    }

    /// Whether a row is held out.
    #[inline]
    pub fn is_validation(&self, row: usize) -> bool {
        match &self.scattered {
            Some(bits) => bits[row / 64] >> (row % 64) & 1 == 1,
            None => row >= self.n_training() as usize,
        }
    }
}
