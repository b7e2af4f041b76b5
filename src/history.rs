//! The history of a run from its first step to its last, in bounded memory.
//!
//! Step `t` counts the updates that are done: the batch loss at `t` is that of the weights before update `t`,
//! and the evaluated loss at `t` is that of the same weights over the training set.
use serde::Serialize;

mod curve;

pub use curve::Curve;

/// Every step below this number has its own bucket. From here on, each octave of steps is divided into
/// [`BUCKETS_PER_OCTAVE`] buckets.
const N_SINGLE: u64 = 2048;
/// Buckets per octave: half of [`N_SINGLE`], so that bucket widths go 1, 2, 4, ... without a jump.
const BUCKETS_PER_OCTAVE: u64 = 1024;
/// Number of octaves `[2048 * 2^k, 4096 * 2^k)` that cover all `u64` steps.
const N_OCTAVES: u64 = 53;

/// Index of the bucket that `step` falls into. It depends on the step alone, so buckets are never merged. A
/// plot a thousand pixels wide has full resolution on a linear as well as on a logarithmic axis.
#[must_use]
pub fn bucket_of(step: u64) -> usize {
    if step < N_SINGLE {
        return step as usize;
    }
    let octave = u64::from(step.ilog2()) - u64::from(N_SINGLE.ilog2());
    let within = (step - (N_SINGLE << octave)) >> (octave + 1);
    (N_SINGLE + octave * BUCKETS_PER_OCTAVE + within) as usize
}

/// First step of bucket `index`; `u64::MAX` past the last bucket.
#[must_use]
pub fn bucket_start(index: usize) -> u64 {
    let index = index as u64;
    if index < N_SINGLE {
        return index;
    }
    let octave = (index - N_SINGLE) / BUCKETS_PER_OCTAVE;
    if octave >= N_OCTAVES {
        return u64::MAX;
    }
    (N_SINGLE << octave) + (((index - N_SINGLE) % BUCKETS_PER_OCTAVE) << (octave + 1))
}

/// One past the last step of bucket `index`.
#[must_use]
pub fn bucket_end(index: usize) -> u64 {
    bucket_start(index + 1)
}

/// An update of a history: replaces all buckets from `first` on. This is how the worker's history reaches the
/// page.
///
/// The six arrays have one length; `NaN` means "missing".
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct HistoryDelta {
    /// Index of the bucket that the first element of each array belongs to.
    pub first: u32,
    /// Least batch loss in each bucket.
    #[cfg_attr(test, ts(type = "Float32Array"))]
    pub batch_loss_min: Vec<f32>,
    /// Greatest batch loss in each bucket.
    #[cfg_attr(test, ts(type = "Float32Array"))]
    pub batch_loss_max: Vec<f32>,
    /// Mean batch loss in each bucket.
    #[cfg_attr(test, ts(type = "Float32Array"))]
    pub batch_loss_mean: Vec<f32>,
    /// The last loss in each bucket that was evaluated over the training rows.
    #[cfg_attr(test, ts(type = "Float32Array"))]
    pub loss: Vec<f32>,
    /// The last learning rate in each bucket.
    #[cfg_attr(test, ts(type = "Float32Array"))]
    pub rate: Vec<f32>,
    /// The last validation loss in each bucket.
    #[cfg_attr(test, ts(type = "Float32Array"))]
    pub validation: Vec<f32>,
}

/// The history of a run: at most 56,320 buckets, whatever its length.
#[derive(Clone, Debug, Default)]
pub struct History {
    batch_loss_min: Vec<f32>,
    batch_loss_max: Vec<f32>,
    // Late in a long run a bucket has millions of terms, whose mean needs an f64 sum.
    batch_loss_sum: Vec<f64>,
    batch_loss_count: Vec<u64>,
    loss: Vec<f32>,
    rate: Vec<f32>,
    validation: Vec<f32>,
    n_steps: u64,
    // The first bucket that changed since the last delta.
    changed: usize,
}

impl History {
    /// An empty history.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of buckets so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.loss.len()
    }

    /// Whether nothing was recorded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.loss.is_empty()
    }

    /// One past the last step that has a batch loss. After [`apply`](Self::apply), an upper bound of it.
    #[must_use]
    pub fn n_steps(&self) -> u64 {
        self.n_steps
    }

    /// Records consecutive steps from `first_step` on, each with its batch loss and the learning rate of its
    /// update.
    ///
    /// Losses that are not finite leave a gap. `rates` holds as many numbers as `batch_losses`; a shorter
    /// one leaves the rest of the steps without a rate.
    pub fn record_steps(&mut self, first_step: u64, batch_losses: &[f32], rates: &[f32]) {
        self.record(first_step, batch_losses, |last| rates.get(last).copied().unwrap_or(f32::NAN));
    }

    /// Does the same as [`record_steps`](Self::record_steps), with a function for the rate of the
    /// `i`th step.
    pub fn record_steps_with(
        &mut self,
        first_step: u64,
        batch_losses: &[f32],
        rate_of: impl Fn(usize) -> f32,
    ) {
        self.record(first_step, batch_losses, rate_of);
    }

    /// Does the same as [`record_steps`](Self::record_steps), with the same learning rate for every step.
    pub fn record_steps_at_rate(&mut self, first_step: u64, batch_losses: &[f32], rate: f32) {
        self.record(first_step, batch_losses, |_| rate);
    }

    /// Records the loss of the weights at `step` over the whole training set (or over a sample of it).
    pub fn record_loss(&mut self, step: u64, loss: f32) {
        let index = bucket_of(step);
        self.touch(index);
        self.loss[index] = if loss.is_finite() { loss } else { f32::NAN };
    }

    /// Records the loss of the weights at `step` over the validation rows.
    pub fn record_validation(&mut self, step: u64, loss: f32) {
        let index = bucket_of(step);
        self.touch(index);
        self.validation[index] = if loss.is_finite() { loss } else { f32::NAN };
    }

    /// All buckets that changed since the last call.
    pub fn delta(&mut self) -> HistoryDelta {
        let first = self.changed.min(self.len());
        self.changed = self.len();
        self.since(first)
    }

    /// Returns the whole history, for a page that has nothing yet. Does not affect the next
    /// [`delta`](Self::delta).
    #[must_use]
    pub fn whole(&self) -> HistoryDelta {
        self.since(0)
    }

    /// Cuts this history off at `delta.first` and appends the delta.
    ///
    /// Arrays of unequal length are cut to the shortest. A delta contains means, not counts, so a
    /// bucket that came this way counts as one step if recording continues in it.
    pub fn apply(&mut self, delta: &HistoryDelta) {
        let first = delta.first as usize;
        let n_new = [
            &delta.batch_loss_min,
            &delta.batch_loss_max,
            &delta.batch_loss_mean,
            &delta.rate,
            &delta.validation,
        ]
        .iter()
        .fold(delta.loss.len(), |n, array| n.min(array.len()));
        if first.saturating_add(n_new) > bucket_of(u64::MAX) + 1 {
            return;
        }
        self.resize(first);
        self.batch_loss_min.extend_from_slice(&delta.batch_loss_min[..n_new]);
        self.batch_loss_max.extend_from_slice(&delta.batch_loss_max[..n_new]);
        let means = &delta.batch_loss_mean[..n_new];
        self.batch_loss_sum
            .extend(means.iter().map(|&mean| if mean.is_nan() { 0.0 } else { f64::from(mean) }));
        self.batch_loss_count.extend(means.iter().map(|mean| u64::from(!mean.is_nan())));
        self.loss.extend_from_slice(&delta.loss[..n_new]);
        self.rate.extend_from_slice(&delta.rate[..n_new]);
        self.validation.extend_from_slice(&delta.validation[..n_new]);
        self.n_steps = bucket_start(self.len());
        self.changed = self.changed.min(first);
    }

    /// Clears the history; the next delta reports that.
    pub fn clear(&mut self) {
        self.resize(0);
        self.n_steps = 0;
        self.changed = 0;
    }

    /// Returns to the weights of `step`: drops the batch losses from `step` on and the losses after
    /// it.
    ///
    /// A bucket that contains steps on both sides of `step` cannot be split and stays.
    pub fn truncate_after(&mut self, step: u64) {
        let index = bucket_of(step);
        if index >= self.len() {
            return;
        }
        self.resize(index + 1);
        if bucket_start(index) == step {
            self.batch_loss_min[index] = f32::NAN;
            self.batch_loss_max[index] = f32::NAN;
            self.batch_loss_sum[index] = 0.0;
            self.batch_loss_count[index] = 0;
            self.rate[index] = f32::NAN;
        }
        self.n_steps = self.n_steps.min(step);
        self.changed = self.changed.min(index);
    }

    /// Mean batch loss of every bucket.
    #[must_use]
    pub fn batch_loss_mean(&self) -> Vec<f32> {
        (0..self.len()).map(|index| self.mean(index)).collect()
    }

    /// Folds the history into the pixel columns of a plot, each with its least and greatest value.
    ///
    /// Column `i` takes the buckets that begin in `[step_at(i), step_at(i + 1))`; `step_at` is the
    /// inverse of the axis and must not decrease. Empty columns are left out. Beyond either end the
    /// next bucket and the next one with an evaluated loss are kept, so that lines extend to the
    /// edge of the plot. `means` is [`batch_loss_mean`](Self::batch_loss_mean), smoothed or not.
    #[must_use]
    pub fn decimate(&self, means: &[f32], n_columns: usize, step_at: impl Fn(usize) -> f64) -> Vec<Column> {
        // Casts from float saturate, so a hostile edge is the first or the last step.
        let bucket_at = |column: usize| {
            let step = step_at(column).ceil() as u64;
            let index = bucket_of(step);
            (if bucket_start(index) < step { index + 1 } else { index }).min(self.len())
        };
        let mut columns = Vec::with_capacity(n_columns.min(self.len()) + 2);
        let mut first = bucket_at(0);
        let evaluated = |index: &usize| !self.loss[*index].is_nan();
        if first > 0 {
            let before = (0..first).rev().find(evaluated).filter(|&index| index < first - 1);
            columns.extend(before.map(|index| self.column(means, index, index + 1)));
            columns.push(self.column(means, first - 1, first));
        }
        for column in 0..n_columns {
            let end = bucket_at(column + 1).max(first);
            if end > first {
                columns.push(self.column(means, first, end));
            }
            first = end;
        }
        if first < self.len() {
            columns.push(self.column(means, first, first + 1));
            let after = (first..self.len()).find(evaluated).filter(|&index| index > first);
            columns.extend(after.map(|index| self.column(means, index, index + 1)));
        }
        columns
    }

    fn column(&self, means: &[f32], first: usize, end: usize) -> Column {
        let mut column = Column {
            first_step: bucket_start(first),
            last_step: bucket_end(end - 1) - 1,
            batch_loss_min: f32::NAN,
            batch_loss_max: f32::NAN,
            batch_loss_mean: f32::NAN,
            loss_min: f32::NAN,
            loss_max: f32::NAN,
            loss: f32::NAN,
            rate: f32::NAN,
            validation: f32::NAN,
        };
        let mut sum = 0.0;
        let mut n_means = 0_u32;
        for index in first..end {
            // `f32::min` and `max` pass over a NaN on either side.
            column.batch_loss_min = column.batch_loss_min.min(self.batch_loss_min[index]);
            column.batch_loss_max = column.batch_loss_max.max(self.batch_loss_max[index]);
            let mean = means.get(index).copied().unwrap_or(f32::NAN);
            if !mean.is_nan() {
                sum += f64::from(mean);
                n_means += 1;
            }
            let loss = self.loss[index];
            if !loss.is_nan() {
                column.loss = loss;
                column.loss_min = column.loss_min.min(loss);
                column.loss_max = column.loss_max.max(loss);
            }
            let rate = self.rate[index];
            if !rate.is_nan() {
                column.rate = rate;
            }
            let validation = self.validation[index];
            if !validation.is_nan() {
                column.validation = validation;
            }
        }
        if n_means > 0 {
            column.batch_loss_mean = (sum / f64::from(n_means)) as f32;
        }
        column
    }

    fn record(&mut self, first_step: u64, batch_losses: &[f32], rate_of: impl Fn(usize) -> f32) {
        if batch_losses.is_empty() {
            return;
        }
        let n_losses = batch_losses.len();
        let last_step = first_step.saturating_add(n_losses as u64 - 1);
        let mut index = bucket_of(first_step);
        self.touch(index);
        self.resize(self.len().max(bucket_of(last_step) + 1));
        let mut done = 0;
        while done < n_losses && index < self.len() {
            let room = bucket_end(index) - (first_step + done as u64);
            let end = n_losses.min(done.saturating_add(usize::try_from(room).unwrap_or(usize::MAX)));
            self.merge(index, &fold(&batch_losses[done..end]));
            let rate = rate_of(end - 1);
            if rate.is_finite() {
                self.rate[index] = rate;
            }
            done = end;
            index += 1;
        }
        self.n_steps = self.n_steps.max(last_step.saturating_add(1));
    }

    fn merge(&mut self, index: usize, fold: &Fold) {
        if fold.count == 0 {
            return;
        }
        self.batch_loss_min[index] = self.batch_loss_min[index].min(fold.min);
        self.batch_loss_max[index] = self.batch_loss_max[index].max(fold.max);
        self.batch_loss_sum[index] += fold.sum;
        self.batch_loss_count[index] += fold.count;
    }

    fn mean(&self, index: usize) -> f32 {
        // An empty bucket gives 0 / 0, which is NaN.
        (self.batch_loss_sum[index] / self.batch_loss_count[index] as f64) as f32
    }

    fn since(&self, first: usize) -> HistoryDelta {
        HistoryDelta {
            first: first as u32,
            batch_loss_min: self.batch_loss_min[first..].to_vec(),
            batch_loss_max: self.batch_loss_max[first..].to_vec(),
            batch_loss_mean: (first..self.len()).map(|index| self.mean(index)).collect(),
            loss: self.loss[first..].to_vec(),
            rate: self.rate[first..].to_vec(),
            validation: self.validation[first..].to_vec(),
        }
    }

    fn touch(&mut self, index: usize) {
        self.changed = self.changed.min(index).min(self.len());
        if index >= self.len() {
            self.resize(index + 1);
        }
    }

    fn resize(&mut self, n_buckets: usize) {
        self.batch_loss_min.resize(n_buckets, f32::NAN);
        self.batch_loss_max.resize(n_buckets, f32::NAN);
        self.batch_loss_sum.resize(n_buckets, 0.0);
        self.batch_loss_count.resize(n_buckets, 0);
        self.loss.resize(n_buckets, f32::NAN);
        self.rate.resize(n_buckets, f32::NAN);
        self.validation.resize(n_buckets, f32::NAN);
    }
}

/// The history buckets that fall into one pixel column of a plot, combined. A value that none of them has is
/// `NaN`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Column {
    /// First step of the column's first bucket.
    pub first_step: u64,
    /// Last step of the column's last bucket.
    pub last_step: u64,
    /// Least batch loss in the column.
    pub batch_loss_min: f32,
    /// Greatest batch loss in the column.
    pub batch_loss_max: f32,
    /// Mean of the mean batch losses of the column's buckets.
    pub batch_loss_mean: f32,
    /// Least evaluated loss in the column.
    pub loss_min: f32,
    /// Greatest evaluated loss in the column.
    pub loss_max: f32,
    /// Last evaluated loss in the column.
    pub loss: f32,
    /// Last learning rate in the column.
    pub rate: f32,
    /// Last validation loss in the column.
    pub validation: f32,
}

/// Exponential moving average with the bias correction of Adam (Kingma & Ba 2015, section 3). With factor
/// `f`, the average `m` of the first `t` values follows `m <- f m + (1 - f) value`; the result is `m / (1 -
/// f^t)`.
///
/// `factor` is clamped to 0..=0.999, where 0 changes nothing. A `NaN` stays a gap and does not
/// affect its neighbors.
#[must_use]
pub fn smooth(values: &[f32], factor: f32) -> Vec<f32> {
    let factor = if factor.is_finite() { f64::from(factor.clamp(0.0, 0.999)) } else { 0.0 };
    let (mut moment, mut power) = (0.0, 1.0);
    values
        .iter()
        .map(|&value| {
            if !value.is_finite() {
                return f32::NAN;
            }
            moment = factor * moment + (1.0 - factor) * f64::from(value);
            power *= factor;
            (moment / (1.0 - power)) as f32
        })
        .collect()
}

struct Fold {
    min: f32,
    max: f32,
    sum: f64,
    count: u64,
}

/// Least value, greatest value, sum and count of the finite losses. Branch-free over eight lanes, so that it
/// vectorizes: there are millions of losses.
fn fold(losses: &[f32]) -> Fold {
    const LANES: usize = 8;
    let mut min = [f32::INFINITY; LANES];
    let mut max = [f32::NEG_INFINITY; LANES];
    let mut sum = [0.0_f64; LANES];
    let mut count = [0_u32; LANES];
    let (chunks, rest) = losses.as_chunks::<LANES>();
    let mut take = |lane: usize, loss: f32| {
        let finite = loss.abs() < f32::INFINITY;
        let low = if finite { loss } else { f32::INFINITY };
        let high = if finite { loss } else { f32::NEG_INFINITY };
        min[lane] = if low < min[lane] { low } else { min[lane] };
        max[lane] = if high > max[lane] { high } else { max[lane] };
        sum[lane] += f64::from(if finite { loss } else { 0.0 });
        count[lane] += u32::from(finite);
    };
    for chunk in chunks {
        for (lane, &loss) in chunk.iter().enumerate() {
            take(lane, loss);
        }
    }
    for (lane, &loss) in rest.iter().enumerate() {
        take(lane, loss);
    }
    Fold {
        min: min.into_iter().fold(f32::INFINITY, f32::min),
        max: max.into_iter().fold(f32::NEG_INFINITY, f32::max),
        sum: sum.into_iter().sum(),
        count: count.into_iter().map(u64::from).sum(),
    }
}
