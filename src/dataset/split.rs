//! The split of rows into training, validation and test rows. It is a pure function of row index, fractions
//! and seed; some kinds of split also use the target, the group or the time of a row.
//!
//! The number of rows of each class or group is that of scikit-learn (`train_test_split`, `KFold`, `StratifiedKFold`,
//! `GroupShuffleSplit`, `GroupKFold`); the choice of rows comes from this project's own generator.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::{BLOCK_ROWS, Dataset, Extra, blocks};
use crate::choices::Split;
use crate::config::ValidationConfig;
use crate::message::{Code, Message, Result};
use crate::order::argsort;
use crate::rng::{IN_MEMORY_BLOCK_ROWS, Permutation};

/// The epoch number whose row order selects held-out rows; the next constant is that for folds. Training
/// never reaches these epochs.
const SPLIT_EPOCH: u32 = u32::MAX - 1;
const FOLD_EPOCH: u32 = u32::MAX - 2;
/// Maximum number of classes of a stratified split.
const MAX_CLASSES: usize = 1000;

/// What a row is used for: training, validation or test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The model is trained on the row.
    Training,
    /// The row is used to measure the run while it trains.
    Validation,
    /// The row is used for the final measurement only.
    Test,
}

/// The role and, for training rows, the fold of each row of a dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roles {
    n_samples: u32,
    n_validation: u32,
    n_test: u32,
    /// Two bits per row, `[validation, test]` in words of 64 rows, if held-out rows are scattered. `None` if
    /// the rows are in the order training, validation, test.
    scattered: Option<Vec<[u64; 2]>>,
    /// The fold of each training row, in the order of the rows; empty without cross-validation.
    folds: Vec<u8>,
}

impl Roles {
    /// Splits `n_samples` rows at random or by their order alone. As in scikit-learn's `train_test_split`,
    /// the number of held-out rows is rounded up, but at least two rows remain for training.
    pub fn new(validation: &ValidationConfig, n_samples: u32) -> Self {
        let mut roles = Self::counted(validation, n_samples);
        if roles.n_held_out() > 0 && validation.split == Split::Random {
            let order = roles.shuffled(validation);
            roles.scatter((0..roles.n_held_out()).map(|position| order.row(position)));
        }
        roles.fold(validation, None);
        roles
    }

    /// Splits the rows of a dataset.
    ///
    /// # Errors
    /// [`Code::StratifyNeedsClasses`] if nearly every row has a distinct target value,
    /// [`Code::SplitNeedsGroup`] if no column has groups, [`Code::TooFewGroups`].
    pub fn of(validation: &ValidationConfig, dataset: &Dataset) -> Result<Self> {
        let n_samples = dataset.n_samples();
        let splits = validation.fraction > 0.0 || validation.test_fraction > 0.0 || validation.folds > 0;
        let by_order = validation.split == Split::Last && dataset.extras.contains(&Extra::Order);
        let by_key = by_order || matches!(validation.split, Split::Stratified | Split::Group);
        if !splits || !by_key {
            return Ok(Self::new(validation, n_samples));
        }
        let keys = keys(validation.split, dataset)?;
        dataset.readable()?;
        let mut roles = Self::counted(validation, n_samples);
        match validation.split {
            Split::Stratified => roles.stratify(validation, &dataset.target, &numbered(&keys))?,
            Split::Group => roles.group(validation, &numbered(&keys))?,
            Split::Random | Split::Last => {
                let order = argsort(&keys);
                let first = roles.n_training() as usize;
                roles.scatter(order[first..].iter().copied());
                let place = roles.training_places();
                let ordered = order[..first].iter().map(|row| place[*row as usize]);
                roles.folds = in_parts(ordered, first, validation.folds);
            }
        }
        Ok(roles)
    }

    /// Holds out the same fraction of the rows of every class.
    fn stratify(&mut self, validation: &ValidationConfig, target: &str, classes: &Numbered) -> Result<()> {
        if classes.n > MAX_CLASSES || 2 * classes.n > self.n_samples as usize {
            return Err(refused(Code::StratifyNeedsClasses).with("column", target));
        }
        let shuffled = self.shuffled(validation);
        let kept = approximate(&classes.counts, self.n_training());
        let rest: Vec<u32> = classes.counts.iter().zip(&kept).map(|(n, kept)| n - kept).collect();
        let mut validated = approximate(&rest, self.n_validation);
        let mut tested: Vec<u32> = rest.iter().zip(&validated).map(|(n, out)| n - out).collect();
        let (mut out, mut last) = (Vec::new(), Vec::new());
        for position in 0..self.n_samples {
            let row = shuffled.row(position);
            let class = classes.of[row as usize] as usize;
            if validated[class] > 0 {
                validated[class] -= 1;
                out.push(row);
            } else if tested[class] > 0 {
                tested[class] -= 1;
                last.push(row);
            }
        }
        self.scatter(out.into_iter().chain(last));
        self.fold(validation, Some(classes));
        Ok(())
    }

    /// Holds out whole groups of rows.
    fn group(&mut self, validation: &ValidationConfig, groups: &Numbered) -> Result<()> {
        let share = |fraction: f64| (fraction * groups.n as f64).ceil() as u32;
        let (n_out, n_last) = (share(validation.fraction), share(validation.test_fraction));
        // A run that leaves one fold out needs another to train on.
        let n_needed = if validation.folds > 1 { 2 } else { 1 };
        if groups.n < 2 || (n_out + n_last) as usize + n_needed > groups.n {
            return Err(refused(Code::TooFewGroups).with("n_groups", groups.n));
        }
        let n_groups = groups.n as u32;
        let order = Permutation::new(n_groups, IN_MEMORY_BLOCK_ROWS, validation.seed, SPLIT_EPOCH);
        let mut place = vec![0; groups.n];
        for position in 0..n_groups {
            place[order.row(position) as usize] = position;
        }
        let of = |row: &u32| place[groups.of[*row as usize] as usize];
        let out: Vec<u32> = (0..self.n_samples).filter(|row| of(row) < n_out).collect();
        let last: Vec<u32> =
            (0..self.n_samples).filter(|row| (n_out..n_out + n_last).contains(&of(row))).collect();
        (self.n_validation, self.n_test) = (out.len() as u32, last.len() as u32);
        self.scatter(out.into_iter().chain(last));
        self.fold(validation, Some(groups));
        Ok(())
    }

    fn counted(validation: &ValidationConfig, n_samples: u32) -> Self {
        let share = |fraction: f64| (fraction * f64::from(n_samples)).ceil() as u32;
        let most = n_samples.saturating_sub(2);
        let n_validation = share(validation.fraction).min(most);
        let n_test = share(validation.test_fraction).min(most - n_validation);
        Self { n_samples, n_validation, n_test, scattered: None, folds: Vec::new() }
    }

    /// A random order of all rows, for selecting those to hold out.
    fn shuffled(&self, validation: &ValidationConfig) -> Permutation {
        Permutation::new(self.n_samples, IN_MEMORY_BLOCK_ROWS, validation.seed, SPLIT_EPOCH)
    }

    /// Marks these rows as held out: first the validation rows, then the test rows.
    fn scatter(&mut self, rows: impl Iterator<Item = u32>) {
        let mut bits = vec![[0_u64; 2]; (self.n_samples as usize).div_ceil(64)];
        for (i, row) in rows.enumerate() {
            let which = usize::from(i >= self.n_validation as usize);
            bits[row as usize / 64][which] |= 1 << (row % 64);
        }
        self.scattered = Some(bits);
    }

    /// For each row of the dataset, its index among the training rows.
    fn training_places(&self) -> Vec<u32> {
        let mut n = 0;
        let place = |row: u32| {
            let own = n;
            n += u32::from(self.role(row as usize) == Role::Training);
            own
        };
        (0..self.n_samples).map(place).collect()
    }

    /// Assigns training rows to folds. `numbers` has the class or group of every row, if the split uses them.
    fn fold(&mut self, validation: &ValidationConfig, numbers: Option<&Numbered>) {
        let n_folds = validation.folds.min(self.n_training());
        if n_folds < 2 {
            return;
        }
        let n = self.n_training() as usize;
        let order = Permutation::new(n as u32, IN_MEMORY_BLOCK_ROWS, validation.seed, FOLD_EPOCH);
        let shuffled = (0..n as u32).map(|position| order.row(position));
        let Some(numbers) = numbers else {
            self.folds = match validation.split {
                Split::Last => in_parts(0..n as u32, n, n_folds),
                _ => in_parts(shuffled, n, n_folds),
            };
            return;
        };
        let training = (0..self.n_samples as usize).filter(|row| self.role(*row) == Role::Training);
        let of: Vec<u32> = training.map(|row| numbers.of[row]).collect();
        let mut folds = vec![0_u8; n];
        if validation.split == Split::Group {
            // Largest group first, each to the fold with the fewest rows so far.
            let mut sizes = vec![0_u32; numbers.n];
            of.iter().for_each(|group| sizes[*group as usize] += 1);
            let falling: Vec<f64> = sizes.iter().map(|size| -f64::from(*size)).collect();
            let (mut filled, mut part) = (vec![0_u32; n_folds as usize], vec![0_u8; numbers.n]);
            for group in argsort(&falling).into_iter().map(|group| group as usize) {
                let lightest = (0..filled.len()).min_by_key(|fold| filled[*fold]).unwrap_or(0);
                part[group] = lightest as u8;
                filled[lightest] += sizes[group];
            }
            for (fold, group) in folds.iter_mut().zip(&of) {
                *fold = part[*group as usize];
            }
        } else {
            // With rows sorted by class, every `n_folds`-th row counts towards the same fold.
            let classes: Vec<f64> = of.iter().map(|class| f64::from(*class)).collect();
            let mut left = vec![vec![0_u32; n_folds as usize]; numbers.n];
            for (i, row) in argsort(&classes).into_iter().enumerate() {
                left[of[row as usize] as usize][i % n_folds as usize] += 1;
            }
            for row in shuffled {
                let left = &mut left[of[row as usize] as usize];
                let part = left.iter().position(|n| *n > 0).unwrap_or(0);
                left[part] -= 1;
                folds[row as usize] = part as u8;
            }
        }
        self.folds = folds;
    }

    /// Number of training rows.
    pub fn n_training(&self) -> u32 {
        self.n_samples - self.n_held_out()
    }

    /// Number of validation rows.
    pub fn n_validation(&self) -> u32 {
        self.n_validation
    }

    /// Number of test rows.
    pub fn n_test(&self) -> u32 {
        self.n_test
    }

    /// Number of validation and test rows together.
    pub fn n_held_out(&self) -> u32 {
        self.n_validation + self.n_test
    }

    /// The role of the row with this index.
    #[inline]
    pub fn role(&self, row: usize) -> Role {
        let [validation, test] = match &self.scattered {
            Some(bits) => bits[row / 64].map(|bits| bits >> (row % 64) & 1 == 1),
            None => {
                let first = self.n_training() as usize;
                let last = first + self.n_validation as usize;
                [row >= first && row < last, row >= last]
            }
        };
        if validation {
            Role::Validation
        } else if test {
            Role::Test
        } else {
            Role::Training
        }
    }

    /// The fold of each training row, in the order of the rows; empty without cross-validation.
    pub fn folds(&self) -> &[u8] {
        &self.folds
    }
}

/// The value that the split uses for each row: its class, group or time.
fn keys(split: Split, dataset: &Dataset) -> Result<Vec<f64>> {
    let n_samples = dataset.n_samples() as usize;
    let mut keys = vec![0.0; n_samples];
    let extra = match split {
        Split::Group => Extra::Group,
        Split::Last => Extra::Order,
        Split::Random | Split::Stratified => {
            for block in blocks(n_samples) {
                dataset.read_y(block.start, &mut keys[block]);
            }
            return Ok(keys);
        }
    };
    for first in (0..n_samples).step_by(BLOCK_ROWS) {
        let end = (first + BLOCK_ROWS).min(n_samples);
        let read = dataset.read_extra(extra, first, &mut keys[first..end]);
        read.ok_or_else(|| refused(Code::SplitNeedsGroup))?;
    }
    Ok(keys)
}

/// An error that the page shows next to the choice of the split.
fn refused(code: Code) -> Message {
    Message::new(code).with("field", "validation.split")
}

/// The distinct keys of rows, numbered in the order of their first appearance.
struct Numbered {
    /// For each row, the number of its key among the distinct keys.
    of: Vec<u32>,
    /// For each key number, how many rows have it.
    counts: Vec<u32>,
    n: usize,
}

fn numbered(keys: &[f64]) -> Numbered {
    let mut known: HashMap<u64, u32> = HashMap::new();
    let mut counts = Vec::new();
    let number = |key: &f64| {
        let fresh = counts.len() as u32;
        // A row without a key is a group of its own; -0 and 0 are one number.
        let number = match key.is_nan() {
            true => fresh,
            false => *known.entry((key + 0.0).to_bits()).or_insert(fresh),
        };
        if number == fresh {
            counts.push(0);
        }
        counts[number as usize] += 1;
        number
    };
    let of = keys.iter().map(number).collect();
    Numbered { of, n: counts.len(), counts }
}

/// The number of rows of each class to take so that their total is `n`, in proportion to `counts`. What
/// remains after rounding down goes to the classes with the largest remainders, the first among equals.
fn approximate(counts: &[u32], n: u32) -> Vec<u32> {
    let total: u32 = counts.iter().sum();
    if total == 0 {
        return vec![0; counts.len()];
    }
    let exact = |count: &u32| f64::from(*count) * f64::from(n) / f64::from(total);
    let mut taken: Vec<u32> = counts.iter().map(|count| exact(count).floor() as u32).collect();
    let falling: Vec<f64> = counts.iter().map(|count| -exact(count).fract()).collect();
    let left = n - taken.iter().sum::<u32>();
    for class in argsort(&falling).into_iter().take(left as usize) {
        taken[class as usize] += 1;
    }
    taken
}

/// Assigns `n` indices, in this order, to contiguous folds, and returns the fold of each index. The first
/// folds have one more if `n_folds` does not divide `n`.
fn in_parts(ordered: impl Iterator<Item = u32>, n: usize, n_folds: u32) -> Vec<u8> {
    if n_folds < 2 {
        return Vec::new();
    }
    let mut folds = vec![0; n];
    let (each, more) = (n / n_folds as usize, n % n_folds as usize);
    for (i, place) in ordered.enumerate() {
        let larger = more * (each + 1);
        let fold = if i < larger { i / (each + 1) } else { more + (i - larger) / each };
        folds[place as usize] = fold as u8;
    }
    folds
}
