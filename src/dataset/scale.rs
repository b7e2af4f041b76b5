//! From x to features, and from rows to what kernels read.

use std::mem::take;

use serde::ser::{SerializeMap as _, Serializer};
use serde::{Deserialize, Deserializer, Serialize};

use super::{BLOCK_ROWS, Dataset, MAX_VALUE, Stored, blocks};
use crate::choices::Scaling;
use crate::config::MAX_DEGREE;
use crate::fields::Fields;
use crate::message::{Code, Message, Result, bytes, count, short};
use crate::rng::IN_MEMORY_BLOCK_ROWS;

/// From a row's inputs to the features of the model: powers, levels of categories, products; scaled or not.
///
/// A number x becomes `z = (x - center) / scale` and its powers up to a degree; a category one feature for each of its
/// levels but the first, 1 where the row has that level and 0 elsewhere. An interaction of two inputs is the products of
/// the first power or the levels of the one with those of the other. Each of these, `t`, is the feature
/// `(t - center[k]) / scale[k]`. Scaling x before raising it keeps the powers of, say, a year apart from each other. All
/// of it is f64. A model without bias must stay 0 where every input is, so it is scaled and not centred.
#[derive(Clone, Debug, PartialEq)]
pub struct FeatureMap {
    /// In the order of a row.
    pub inputs: Vec<InputMap>,
    /// Pairs of inputs, each of two different ones.
    pub interactions: Vec<[u32; 2]>,
    /// Subtracted from each feature.
    pub center: Vec<f64>,
    /// Divides each feature.
    pub scale: Vec<f64>,
}

/// What becomes of one input.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct InputMap {
    /// Highest power; 1 for a category.
    pub degree: u32,
    /// Levels of a category; 0 for a number.
    pub n_levels: u32,
    /// Subtracted from a number; 0 where nothing is scaled.
    pub center: f64,
    /// Divides it; 1 where nothing is scaled.
    pub scale: f64,
}

impl InputMap {
    /// A number as it is, up to a power.
    pub fn number(degree: u32) -> Self {
        Self { degree, n_levels: 0, center: 0.0, scale: 1.0 }
    }

    /// A category.
    pub fn category(n_levels: u32) -> Self {
        Self { degree: 1, n_levels, center: 0.0, scale: 1.0 }
    }

    /// Features of this input alone.
    pub fn n_features(&self) -> usize {
        if self.n_levels > 0 { self.n_levels as usize - 1 } else { self.degree as usize }
    }

    /// How many of them take part in interactions: powers beyond the first do not.
    fn n_factors(&self) -> usize {
        if self.n_levels > 0 { self.n_levels as usize - 1 } else { 1 }
    }
}

/// What one feature is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Term {
    /// A power of an input.
    Power {
        /// Which input.
        input: usize,
        /// From 1.
        power: u32,
    },
    /// A level of a category.
    Level {
        /// Which input.
        input: usize,
        /// From 1: the first level is the one that the others are compared to.
        level: usize,
    },
    /// The product of two features, each a first power or a level.
    Product {
        /// Features, by index.
        of: [usize; 2],
    },
}

impl Serialize for FeatureMap {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_map(None)?;
        if let (true, [input]) = (self.is_powers(), &self.inputs[..]) {
            // The shape that files had before there were several inputs.
            fields.serialize_entry("degree", &input.degree)?;
            fields.serialize_entry("x_center", &input.center)?;
            fields.serialize_entry("x_scale", &input.scale)?;
        } else {
            fields.serialize_entry("inputs", &self.inputs)?;
            fields.serialize_entry("interactions", &self.interactions)?;
        }
        fields.serialize_entry("center", &self.center)?;
        fields.serialize_entry("scale", &self.scale)?;
        fields.end()
    }
}

impl<'de> Deserialize<'de> for FeatureMap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let mut from = Fields::read(deserializer)?;
        let (center, scale) = (from.need("center")?, from.need("scale")?);
        let degree: Option<u32> = from.may("degree")?;
        let map = if let Some(degree) = degree {
            let input = InputMap {
                degree,
                n_levels: 0,
                center: from.need("x_center")?,
                scale: from.need("x_scale")?,
            };
            Self { inputs: vec![input], interactions: Vec::new(), center, scale }
        } else {
            Self { inputs: from.need("inputs")?, interactions: from.need("interactions")?, center, scale }
        };
        from.finish(map)
    }
}

impl<'de> Deserialize<'de> for InputMap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let mut from = Fields::read(deserializer)?;
        let input = Self {
            degree: from.need("degree")?,
            n_levels: from.need("n_levels")?,
            center: from.need("center")?,
            scale: from.need("scale")?,
        };
        from.finish(input)
    }
}

impl FeatureMap {
    /// Plain powers of one number.
    pub fn plain(degree: u32) -> Self {
        Self::new(vec![InputMap::number(degree)], Vec::new())
    }

    /// Features that are not scaled.
    pub fn new(inputs: Vec<InputMap>, interactions: Vec<[u32; 2]>) -> Self {
        let mut map = Self { inputs, interactions, center: Vec::new(), scale: Vec::new() };
        let n = map.terms().len();
        (map.center, map.scale) = (vec![0.0; n], vec![1.0; n]);
        map
    }

    /// Powers of the one input of `dataset`, standardized over its rows.
    pub fn standardized(degree: u32, dataset: &Dataset, bias: bool) -> Self {
        Self::scaled(Self::plain(degree), dataset, bias, Scaling::Standardize)
    }

    /// The same features, scaled over the rows.
    pub fn scaled(self, dataset: &Dataset, bias: bool, scaling: Scaling) -> Self {
        let (n_samples, n_inputs) = (dataset.n_samples() as usize, dataset.n_inputs());
        let mut scaler = Scaler::new(self, n_samples, bias, scaling);
        let mut x = vec![0.0; n_inputs * BLOCK_ROWS];
        while !scaler.is_done() {
            for block in blocks(n_samples) {
                let x = &mut x[..n_inputs * block.len()];
                dataset.read_x(block.start, x);
                scaler.add(x);
            }
            scaler.end_reading();
        }
        scaler.map
    }

    /// Numbers that a row gives.
    pub fn n_inputs(&self) -> usize {
        self.inputs.len()
    }

    /// Features that become of them.
    pub fn n_features(&self) -> usize {
        self.center.len()
    }

    /// What each feature is made of.
    pub fn terms(&self) -> Vec<Term> {
        let mut terms = Vec::with_capacity(self.n_features());
        let mut firsts = Vec::with_capacity(self.n_inputs());
        for (input, map) in self.inputs.iter().enumerate() {
            firsts.push(terms.len());
            if map.n_levels > 0 {
                terms.extend((1..map.n_levels as usize).map(|level| Term::Level { input, level }));
            } else {
                terms.extend((1..=map.degree).map(|power| Term::Power { input, power }));
            }
        }
        for pair in &self.interactions {
            let [a, b] = pair.map(|input| {
                let input = input as usize;
                firsts[input]..firsts[input] + self.inputs[input].n_factors()
            });
            terms.extend(a.flat_map(|a| b.clone().map(move |b| Term::Product { of: [a, b] })));
        }
        terms
    }

    /// Whether its parts fit each other.
    pub fn fits(&self) -> bool {
        let n_inputs = self.inputs.len() as u32;
        // Before anything is made of them: a file may say what it likes.
        let counted = self.inputs.iter().all(|input| input.degree <= MAX_DEGREE)
            && Self::count(&self.inputs, &self.interactions) == Some(self.center.len());
        let inputs = self.inputs.iter().all(|input| input.degree >= 1 && input.n_levels != 1);
        let pairs = self.interactions.iter().all(|[a, b]| a != b && *a < n_inputs && *b < n_inputs);
        inputs && pairs && counted && n_inputs > 0 && self.center.len() == self.scale.len()
    }

    /// Whether every number can be worked with.
    pub fn is_finite(&self) -> bool {
        let centers = self.inputs.iter().map(|input| input.center).chain(self.center.iter().copied());
        let mut scales = self.inputs.iter().map(|input| input.scale).chain(self.scale.iter().copied());
        centers.sum::<f64>().is_finite() && scales.all(is_scale)
    }

    /// How many features become of inputs and their interactions, if those can be found and they can be counted at all.
    pub fn count(inputs: &[InputMap], interactions: &[[u32; 2]]) -> Option<usize> {
        let alone = inputs.iter().try_fold(0_usize, |n, input| n.checked_add(input.n_features()))?;
        interactions.iter().try_fold(alone, |n, [a, b]| {
            let [a, b] = [inputs.get(*a as usize)?, inputs.get(*b as usize)?];
            n.checked_add(a.n_factors().checked_mul(b.n_factors())?)
        })
    }

    /// Whether the features are the powers of one number.
    pub fn is_powers(&self) -> bool {
        matches!(&self.inputs[..], [input] if input.n_levels == 0)
    }

    /// The features of one row, [`FeatureMap::n_features`] long, into `out`.
    pub fn features(&self, x: &[f64], out: &mut [f64]) {
        self.raw(x, out);
        for ((out, center), scale) in out.iter_mut().zip(&self.center).zip(&self.scale) {
            *out = (*out - center) / scale;
        }
    }

    /// The same of many rows, row-major.
    pub fn rows(&self, x: &[f64], out: &mut [f64]) {
        let (n_inputs, n_features) = (self.n_inputs(), self.n_features());
        for (x, row) in x.chunks_exact(n_inputs).zip(out.chunks_exact_mut(n_features)) {
            self.features(x, row);
        }
    }

    /// What becomes features once it is scaled.
    #[inline]
    fn raw(&self, x: &[f64], out: &mut [f64]) {
        let mut at = 0;
        for (map, x) in self.inputs.iter().zip(x) {
            let own = &mut out[at..at + map.n_features()];
            at += own.len();
            if map.n_levels > 0 {
                for (level, out) in (1..).zip(own) {
                    *out = if *x == f64::from(level) { 1.0 } else { 0.0 };
                }
            } else {
                let z = (x - map.center) / map.scale;
                let mut power = 1.0;
                for out in own {
                    power *= z;
                    *out = power;
                }
            }
        }
        if self.interactions.is_empty() {
            return;
        }
        for [a, b] in &self.interactions {
            let [a, b] = [*a, *b].map(|input| {
                let start: usize = self.inputs[..input as usize].iter().map(InputMap::n_features).sum();
                start..start + self.inputs[input as usize].n_factors()
            });
            for a in a {
                for b in b.clone() {
                    out[at] = out[a] * out[b];
                    at += 1;
                }
            }
        }
    }

    /// The x whose first feature this is, where that is a power.
    #[inline]
    pub fn x_of(&self, first_feature: f64) -> f64 {
        let input = &self.inputs[0];
        input.center + input.scale * (self.center[0] + self.scale[0] * first_feature)
    }
}

fn is_scale(scale: f64) -> bool {
    scale > 0.0 && scale.is_finite()
}

/// Makes [`FeatureMap::scaled`] from readings of every row, block by block: of the inputs themselves first, then of what
/// is made of them, once they have their scale. Means are taken before squares about them.
#[derive(Clone, Debug)]
pub struct Scaler {
    /// As far as it is known.
    map: FeatureMap,
    bias: bool,
    n: f64,
    reading: Reading,
    /// Of what this reading is about: inputs, or features.
    sums: Vec<f64>,
    ranges: Vec<[f64; 2]>,
    /// Of one row.
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
    /// For `n_samples` rows.
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

    /// How often every row has to be read.
    pub fn n_readings(&self) -> u32 {
        let raw = u32::from(self.has_more());
        match self.reading {
            Reading::Done => 0,
            Reading::Range => 1,
            _ => (1 + raw) * (1 + u32::from(self.bias)),
        }
    }

    /// Whether the map is whole.
    pub fn is_done(&self) -> bool {
        self.reading == Reading::Done
    }

    /// The map, once it is.
    pub fn map(self) -> FeatureMap {
        self.map
    }

    /// The next rows of a reading, row-major.
    pub fn add(&mut self, x: &[f64]) {
        let Self { map, sums, ranges, raw, .. } = self;
        let n_inputs = map.n_inputs();
        // Row after row into each sum, as one long sum would have it.
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

    /// Every row has been read once more.
    pub fn end_reading(&mut self) {
        let (n, bias) = (self.n, self.bias);
        // What does not vary (x of -1 and 1, squared) carries nothing; unit scale keeps it finite.
        let varies = |square: f64| {
            let scale = (square / n).sqrt();
            if is_scale(scale) { scale } else { 1.0 }
        };
        let has_more = self.has_more();
        let terms = self.map.terms();
        // A first power has its scale from its input.
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

    /// Whether there are features that are no first power.
    fn has_more(&self) -> bool {
        self.map.n_features() > self.map.n_inputs() || self.map.inputs.iter().any(|input| input.n_levels > 0)
    }
}

/// What kernels read: features and targets in f32.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// Rows.
    pub n_samples: u32,
    /// Features a row.
    pub n_features: u32,
    /// Outputs of the model: one, or one a class.
    pub n_outputs: u32,
    /// Whether a bias follows the weights.
    pub bias: bool,
    /// Row-major, `n_samples * n_features`; empty where they are [`Problem::stored`].
    pub features: Vec<f32>,
    /// `n_samples`; of classes their indices.
    pub targets: Vec<f32>,
    /// How much each row counts, 1 in the mean; empty where all count the same.
    pub weights: Vec<f32>,
    /// The part of a cross-validation that each row belongs to; empty where there is none.
    pub folds: Vec<u8>,
    /// Rows of a block: blocks are shuffled among each other, and the rows within each.
    pub block_rows: u32,
    /// Where features are read from, a block at a time, that are not in memory.
    pub stored: Option<Box<Stored>>,
}

/// No row, in memory.
impl Default for Problem {
    fn default() -> Self {
        Self {
            n_samples: 0,
            n_features: 1,
            n_outputs: 1,
            bias: true,
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
    pub fn build(dataset: &Dataset, map: &FeatureMap, bias: bool) -> Result<Self> {
        let d = map.n_features();
        let mut problem = Self::reserve(dataset.n_samples(), d as u32, bias)?;
        let mut features = vec![0.0; BLOCK_ROWS * d];
        let mut first = 0;
        let mut refused = None;
        dataset.for_each_block(|x, y| {
            let features = &mut features[..y.len() * d];
            map.rows(x, features);
            problem.hold(y);
            refused = refused.take().or(problem.put(first, features, y).err());
            first += y.len();
        });
        refused.map_or(Ok(problem), Err)
    }

    /// Room for every row, to the byte, and no row yet.
    ///
    /// # Errors
    /// [`Code::OutOfMemory`] where there is no such room.
    pub fn reserve(n_samples: u32, n_features: u32, bias: bool) -> Result<Self> {
        let n = n_samples as usize;
        let (mut features, mut targets) = (Vec::new(), Vec::new());
        let room = features
            .try_reserve_exact(n.saturating_mul(n_features as usize))
            .and(targets.try_reserve_exact(n));
        room.map_err(|_| out_of_memory(n_samples, n_features))?;
        Ok(Self { n_samples, n_features, bias, features, targets, ..Self::default() })
    }

    /// Room for the targets of rows whose features stay where they are.
    ///
    /// # Errors
    /// [`Code::OutOfMemory`] where there is no such room.
    pub(crate) fn of_stored(stored: Stored) -> Result<Self> {
        let Self { n_features, bias, .. } = **stored.sample();
        let (n_samples, block_rows) = (stored.n_samples(), stored.block_rows());
        let mut problem = Self { n_samples, n_features, bias, block_rows, ..Self::default() };
        let room = problem.targets.try_reserve_exact(n_samples as usize);
        room.map_err(|_| out_of_memory(n_samples, 0))?;
        problem.keep(stored);
        Ok(problem)
    }

    fn keep(&mut self, stored: Stored) {
        self.stored = Some(Box::new(stored));
    }

    /// Where features are read from that are not in memory.
    #[inline(always)]
    pub fn stored(&self) -> Option<&Stored> {
        self.stored.as_deref()
    }

    /// The same, in the making.
    pub(crate) fn stored_mut(&mut self) -> Option<&mut Stored> {
        self.stored.as_deref_mut()
    }

    /// The rows that are in memory: all of them, or a sample where features are [`Problem::stored`].
    pub fn in_memory(&self) -> &Self {
        self.stored().map_or(self, |stored| stored.sample())
    }

    /// Whether the rows are more than a block.
    #[inline(always)]
    pub fn has_blocks(&self) -> bool {
        self.n_samples > self.block_rows
    }

    /// Adds rows of which only the targets are known, and keeps those in f64: their two halves lie where the first
    /// feature and the target in f32 will. Whatever is needed of all targets before a row can be finished is found
    /// without making the rows twice or holding more of them.
    ///
    /// Where features are [`Problem::stored`] there is no place for that: the targets are kept in f32, and read again.
    pub fn hold(&mut self, y: &[f64]) {
        if self.stored().is_some() {
            self.targets.extend(y.iter().map(|y| *y as f32));
            return;
        }
        let (first, degree) = (self.targets.len(), self.n_features as usize);
        self.targets.resize(first + y.len(), 0.0);
        self.features.resize((first + y.len()) * degree, 0.0);
        // As integers: a half may look like any f32, one that is not a number too.
        let high: &mut [u32] = bytemuck::cast_slice_mut(&mut self.features[first * degree..]);
        let low: &mut [u32] = bytemuck::cast_slice_mut(&mut self.targets[first..]);
        for ((high, low), y) in high.iter_mut().step_by(degree).zip(low).zip(y) {
            let bits = y.to_bits();
            (*high, *low) = ((bits >> 32) as u32, bits as u32);
        }
    }

    /// The targets that [`Problem::hold`] was given, from row `first` on.
    pub fn held(&self, first: usize, y: &mut [f64]) {
        let degree = self.n_features as usize;
        let high: &[u32] = bytemuck::cast_slice(&self.features[first * degree..]);
        let low: &[u32] = bytemuck::cast_slice(&self.targets[first..]);
        for ((high, low), y) in high.iter().step_by(degree).zip(low).zip(y) {
            *y = f64::from_bits((u64::from(*high) << 32) | u64::from(*low));
        }
    }

    /// Finishes rows that were held, from row `first` on. `features` are row-major. Of those that are stored, the sample
    /// takes what belongs to it.
    ///
    /// # Errors
    /// [`Code::PowerTooLarge`] naming the degree where a power leaves the range in which f32 can square and sum.
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

    /// Every target, weight and part is known: where features are stored, the sample takes its own of these, and the map
    /// that its features will be made by.
    pub(crate) fn begin_stored(&mut self, map: &FeatureMap) {
        if self.stored().is_none() {
            return;
        }
        let (n_outputs, weights, folds) = (self.n_outputs, take(&mut self.weights), take(&mut self.folds));
        if let Some(stored) = self.stored_mut() {
            stored.begin(map, n_outputs, &weights, &folds);
        }
        (self.weights, self.folds) = (weights, folds);
    }

    /// A row of weights a feature, one for each output, and a row of biases if there are any.
    pub fn n_parameters(&self) -> u32 {
        (self.n_features + u32::from(self.bias)) * self.n_outputs
    }

    /// Bytes that `n_samples` rows take: features and target, four each.
    pub fn bytes(n_samples: u32, n_features: u32) -> u64 {
        u64::from(n_samples).saturating_mul(4 * (u64::from(n_features) + 1))
    }

    /// Bytes of memory that features and targets take, and those of the sample where features are stored.
    pub fn own_bytes(&self) -> u64 {
        let sample = self.stored().map_or(0, |stored| stored.sample().own_bytes());
        4 * (self.features.len() + self.targets.len()) as u64 + sample
    }
}

/// Names the place: rows and features are what a person can take less of.
fn out_of_memory(n_samples: u32, n_features: u32) -> Message {
    Message::new(Code::OutOfMemory)
        .with("n_samples", count(n_samples.into()))
        .with("n_features", n_features)
        .with("size", bytes(Problem::bytes(n_samples, n_features)))
}
