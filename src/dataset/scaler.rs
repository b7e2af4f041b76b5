//! Computes the scales of features from the rows.

use super::feature_map::is_scale;
use super::{FeatureMap, Term};
use crate::choices::Scaling;

/// Computes the scales of a [`FeatureMap`] in several readings of all rows, block by block: first the scales
/// of the inputs, then those of the terms made from scaled inputs. Means are computed in an earlier reading
/// than the squares about them.
#[derive(Clone, Debug)]
pub struct Scaler {
    /// The feature map with the scales that are known so far.
    map: FeatureMap,
    bias: bool,
    n: f64,
    reading: Reading,
    /// Sums of the current reading, one per input or per feature.
    sums: Vec<f64>,
    ranges: Vec<[f64; 2]>,
    /// Scratch memory for the terms of one row.
    raw: Vec<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Reading {
    Range,
    Mean,
    Square,
    RawMean,
    RawSquare,
    Done,
}

impl Scaler {
    /// Creates a scaler for `n_samples` rows.
    pub fn new(map: FeatureMap, n_samples: usize, bias: bool, scaling: Scaling) -> Self {
        let (n_inputs, n_features) = (map.n_inputs(), map.n_features());
        let reading = match scaling {
            Scaling::None => Reading::Done,
            Scaling::MinMax => Reading::Range,
            Scaling::Standardize if bias => Reading::Mean,
            Scaling::Standardize => Reading::Square,
        };
        Self {
            bias,
            n: n_samples as f64,
            reading,
            sums: vec![0.0; n_inputs.max(n_features)],
            ranges: vec![[f64::INFINITY, f64::NEG_INFINITY]; n_inputs],
            raw: vec![0.0; n_features],
            map,
        }
    }

    /// The number of times that all rows must be read.
    pub fn n_readings(&self) -> u32 {
        let raw = u32::from(self.has_more());
        match self.reading {
            Reading::Done => 0,
            Reading::Range => 1,
            _ => (1 + raw) * (1 + u32::from(self.bias)),
        }
    }

    /// Whether all scales are known.
    pub fn is_done(&self) -> bool {
        self.reading == Reading::Done
    }

    /// The feature map; it has all scales if [`Scaler::is_done`].
    pub fn map(self) -> FeatureMap {
        self.map
    }

    /// Adds the next rows (row-major inputs) of the current reading.
    pub fn add(&mut self, x: &[f64]) {
        let Self { map, sums, ranges, raw, .. } = self;
        let n_inputs = map.n_inputs();
        // Each sum takes the rows in order, so that it does not depend on the size of blocks.
        match self.reading {
            Reading::Range => {
                for row in x.chunks_exact(n_inputs) {
                    for (range, x) in ranges.iter_mut().zip(row) {
                        *range = [range[0].min(*x), range[1].max(*x)];
                    }
                }
            }
            Reading::Mean if n_inputs == 1 => sums[0] = x.iter().fold(sums[0], |sum, x| sum + x),
            Reading::Mean => {
                for row in x.chunks_exact(n_inputs) {
                    for (sum, x) in sums.iter_mut().zip(row) {
                        *sum += x;
                    }
                }
            }
            Reading::Square if n_inputs == 1 => {
                let center = map.inputs[0].center;
                sums[0] = x.iter().fold(sums[0], |sum, x| sum + (x - center) * (x - center));
            }
            Reading::Square => {
                for row in x.chunks_exact(n_inputs) {
                    for ((sum, x), input) in sums.iter_mut().zip(row).zip(&map.inputs) {
                        *sum += (x - input.center) * (x - input.center);
                    }
                }
            }
            Reading::RawMean => {
                for row in x.chunks_exact(n_inputs) {
                    map.raw(row, raw);
                    for (sum, value) in sums.iter_mut().zip(&*raw) {
                        *sum += value;
                    }
                }
            }
            Reading::RawSquare => {
                for row in x.chunks_exact(n_inputs) {
                    map.raw(row, raw);
                    for ((sum, value), center) in sums.iter_mut().zip(&*raw).zip(&map.center) {
                        *sum += (value - center) * (value - center);
                    }
                }
            }
            Reading::Done => {}
        }
    }

    /// Ends the current reading, after all rows were added.
    pub fn end_reading(&mut self) {
        let (n, bias) = (self.n, self.bias);
        // A term that does not vary (the square of x = -1 and 1) has no scale; 1 keeps it finite.
        let varies = |square: f64| {
            let scale = (square / n).sqrt();
            if is_scale(scale) { scale } else { 1.0 }
        };
        let has_more = self.has_more();
        let terms = self.map.terms();
        // A first power is scaled by its input already.
        let simple = |k: usize| matches!(terms[k], Term::Power { power: 1, .. });
        let Self { map, sums, ranges, .. } = self;
        self.reading = match self.reading {
            Reading::Range => {
                for (input, [low, high]) in map.inputs.iter_mut().zip(ranges) {
                    if input.n_levels == 0 {
                        let span = if bias { *high - *low } else { low.abs().max(high.abs()) };
                        input.center = if bias { *low } else { 0.0 };
                        input.scale = if is_scale(span) { span } else { 1.0 };
                    }
                }
                Reading::Done
            }
            Reading::Mean => {
                for (input, sum) in map.inputs.iter_mut().zip(&*sums).filter(|(input, _)| input.n_levels == 0)
                {
                    input.center = sum / n;
                }
                Reading::Square
            }
            Reading::Square => {
                for (input, sum) in map.inputs.iter_mut().zip(&*sums).filter(|(input, _)| input.n_levels == 0)
                {
                    input.scale = varies(*sum);
                }
                match (has_more, bias) {
                    (false, _) => Reading::Done,
                    (true, true) => Reading::RawMean,
                    (true, false) => Reading::RawSquare,
                }
            }
            Reading::RawMean => {
                for (k, (center, sum)) in map.center.iter_mut().zip(&*sums).enumerate() {
                    if !simple(k) {
                        *center = sum / n;
                    }
                }
                Reading::RawSquare
            }
            Reading::RawSquare => {
                for (k, (scale, sum)) in map.scale.iter_mut().zip(&*sums).enumerate() {
                    if !simple(k) {
                        *scale = varies(*sum);
                    }
                }
                Reading::Done
            }
            Reading::Done => Reading::Done,
        };
        self.sums.fill(0.0);
    }

    /// Whether any feature is something other than the first power of an input.
    fn has_more(&self) -> bool {
        self.map.n_features() > self.map.n_inputs() || self.map.inputs.iter().any(|input| input.n_levels > 0)
    }
}
