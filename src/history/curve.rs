//! A history as a run file stores it: reduced to a bounded number of points.

use serde::Serialize;

use crate::fields::read_fields;

use super::{History, bucket_of, bucket_start};

/// Points of a run's history in ascending order of their steps, as one array for each column; all arrays have
/// the same length. A missing value is `NaN`, which JSON writes as null.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Curve {
    /// Updates done at each point.
    pub step: Vec<u64>,
    /// Training loss of the weights at each point, over all training rows or a sample.
    pub loss: Vec<f64>,
    /// Mean batch loss of the updates since the previous point.
    pub batch_loss: Vec<f64>,
    /// Learning rate of the last update before each point.
    pub learning_rate: Vec<f64>,
    /// Validation loss of the weights at each point.
    pub validation_loss: Vec<f64>,
}

read_fields!(Curve {
    step,
    loss: numbers,
    batch_loss: numbers,
    learning_rate: numbers,
    validation_loss: numbers,
});

impl Curve {
    /// Number of points.
    pub fn len(&self) -> usize {
        self.step.len()
    }

    /// Whether there are no points.
    pub fn is_empty(&self) -> bool {
        self.step.is_empty()
    }
}

impl History {
    /// The history up to `last_step`, reduced to at most `max_points` points that are spread evenly over its
    /// buckets. The first and the last bucket are included; if there are few enough buckets, all are.
    #[must_use]
    pub fn curve(&self, max_points: usize, last_step: u64) -> Curve {
        let n = self.len().min(bucket_of(last_step) + 1);
        let last = n.saturating_sub(1);
        let width = last.div_ceil(max_points.saturating_sub(1).max(1)).max(1);
        let mut curve = Curve::default();
        let mut end = 0;
        while end < n {
            let first = end;
            // The first bucket is a group of its own.
            end = if first == 0 { 1 } else { (first + width).min(n) };
            let group = first..end;
            let known = |values: &[f32]| group.clone().rev().find(|index| !values[*index].is_nan());
            let value =
                |values: &[f32], at: Option<usize>| at.map_or(f64::NAN, |index| digits(values[index]));
            let evaluated = known(&self.loss);
            let at = evaluated.filter(|_| end < n).unwrap_or(end - 1);
            let (sum, count) = group.clone().fold((0.0, 0), |(sum, count), index| {
                (sum + self.batch_loss_sum[index], count + self.batch_loss_count[index])
            });
            let loss = value(&self.loss, evaluated);
            let validation_loss = value(&self.validation, known(&self.validation));
            if loss.is_nan() && validation_loss.is_nan() && count == 0 {
                continue;
            }
            // The step of the last bucket is known.
            curve.step.push(if at == bucket_of(last_step) { last_step } else { bucket_start(at) });
            curve.loss.push(loss);
            curve.batch_loss.push(digits((sum / count as f64) as f32));
            curve.learning_rate.push(value(&self.rate, known(&self.rate)));
            curve.validation_loss.push(validation_loss);
        }
        curve
    }

    /// Replaces the history by the points of `curve` up to `last_step`, the step from which a run continues.
    /// Steps that do not ascend are skipped, and longer columns are cut to the shortest.
    pub fn retrace(&mut self, curve: &Curve, last_step: u64) {
        self.clear();
        let at = |values: &[f64], point: usize| values.get(point).map_or(f32::NAN, |value| *value as f32);
        let mut next = 0;
        for (point, step) in curve.step.iter().enumerate() {
            let index = bucket_of(*step);
            if index < next || *step > last_step {
                continue;
            }
            // The mean is that of every update since the point before.
            let (batch_loss, rate) = (at(&curve.batch_loss, point), at(&curve.learning_rate, point));
            if batch_loss.is_finite() {
                for bucket in (next..=index).map(bucket_start).filter(|start| *start < last_step) {
                    self.record_steps_at_rate(bucket, &[batch_loss], rate);
                }
            }
            let (loss, validation) = (at(&curve.loss, point), at(&curve.validation_loss, point));
            if !loss.is_nan() {
                self.record_loss(*step, loss);
            }
            if !validation.is_nan() {
                self.record_validation(*step, validation);
            }
            next = index + 1;
        }
    }
}

/// The f64 with the fewest decimals that rounds to this f32: 0.1 and not 0.10000000149011612.
fn digits(value: f32) -> f64 {
    let wide = f64::from(value);
    // As far as f64 holds powers of ten: their quotient is what the decimals are read as.
    let mut power = 1.0;
    while power < 1e23 {
        let decimal = libm::round(wide * power) / power;
        if decimal as f32 == value {
            return decimal;
        }
        power *= 10.0;
    }
    wide
}

#[cfg(test)]
mod tests {
    use super::digits;

    #[test]
    fn decimals_are_those_that_a_person_would_write() {
        for value in
            [0.1_f32, 0.03, 1.0, -2.5, 123.456, 16_777_216.0, 1e-10, 1.234_567_8e-9, 0.333_333_34, 0.0]
        {
            // Of std's printer and reader.
            assert_eq!(Ok(digits(value)), value.to_string().parse::<f64>(), "{value}");
        }
        for value in [1e-30_f32, f32::MAX, f32::MIN_POSITIVE] {
            assert_eq!(digits(value) as f32, value);
        }
        assert!(digits(f32::NAN).is_nan());
    }
}
