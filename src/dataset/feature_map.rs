//! The feature map: computes the features of a model from the inputs of a row.

use serde::Serialize;
use serde::ser::{SerializeMap as _, Serializer};

use super::{BLOCK_ROWS, Dataset, Scaler, blocks};
use crate::choices::Scaling;
use crate::config::MAX_DEGREE;
use crate::fields::{Fields, FromFields, read_fields};

/// The map from a row's inputs to the features of the model: powers, levels of categories and products, scaled or not.
///
/// A number x becomes `z = (x - center) / scale` and its powers up to a degree. A category becomes one feature for each
/// level except the first: 1 where the row has that level, 0 elsewhere. An interaction of two inputs is the products of
/// the first power or the levels of one input with those of the other. Each of these, `t`, becomes the feature
/// `(t - center[k]) / scale[k]`. Scaling x before raising it keeps the powers of, say, a year distinguishable. All of
/// this is f64. A model without bias must predict 0 where every input is 0, so its features are scaled and not centred.
#[derive(Clone, Debug, PartialEq)]
pub struct FeatureMap {
    /// The map of each input, in the order of a row.
    pub inputs: Vec<InputMap>,
    /// Pairs of different inputs, by index, whose products are features.
    pub interactions: Vec<[u32; 2]>,
    /// For each feature, the number that is subtracted from its term.
    pub center: Vec<f64>,
    /// For each feature, the number that its centred term is divided by.
    pub scale: Vec<f64>,
}

/// How one input is mapped to features.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct InputMap {
    /// Highest power of a numeric input; 1 for a category.
    pub degree: u32,
    /// Number of levels of a category; 0 for a numeric input.
    pub n_levels: u32,
    /// The number that is subtracted from a numeric input; 0 without scaling.
    pub center: f64,
    /// The number that a centred numeric input is divided by; 1 without scaling.
    pub scale: f64,
}

impl InputMap {
    /// An unscaled numeric input with its powers up to `degree`.
    pub fn number(degree: u32) -> Self {
        Self { degree, n_levels: 0, center: 0.0, scale: 1.0 }
    }

    /// A category with this many levels.
    pub fn category(n_levels: u32) -> Self {
        Self { degree: 1, n_levels, center: 0.0, scale: 1.0 }
    }

    /// Number of features that are made from this input alone, without interactions.
    pub fn n_features(&self) -> usize {
        if self.n_levels > 0 { self.n_levels as usize - 1 } else { self.degree as usize }
    }

    /// Number of this input's features that take part in interactions: the first power, or the levels.
    fn n_factors(&self) -> usize {
        if self.n_levels > 0 { self.n_levels as usize - 1 } else { 1 }
    }
}

/// What a single feature is computed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Term {
    /// The feature is a power of an input.
    Power {
        /// Index of the input.
        input: usize,
        /// The exponent, at least 1.
        power: u32,
    },
    /// The feature is 1 if a category has a certain level, else 0.
    Level {
        /// Index of the input.
        input: usize,
        /// Index of the level, from 1, since level 0 is the reference level without a feature.
        level: usize,
    },
    /// The feature is the product of two others, each of which is a first power or a level.
    Product {
        /// Indices of the two features that are multiplied.
        of: [usize; 2],
    },
}

impl Serialize for FeatureMap {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_map(None)?;
        if let (true, [input]) = (self.is_powers(), &self.inputs[..]) {
            // The shape of files from before models had several inputs.
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

impl FromFields for FeatureMap {
    fn from_fields(fields: &mut Fields) -> Result<Self, String> {
        let (center, scale) = (fields.need("center")?, fields.need("scale")?);
        let degree: Option<u32> = fields.need("degree")?;
        let (inputs, interactions) = match degree {
            Some(degree) => {
                let (center, scale) = (fields.need("x_center")?, fields.need("x_scale")?);
                (vec![InputMap { degree, n_levels: 0, center, scale }], Vec::new())
            }
            None => (fields.need("inputs")?, fields.need("interactions")?),
        };
        fields.finish()?;
        Ok(Self { inputs, interactions, center, scale })
    }
}

read_fields!(@deserialize FeatureMap);

read_fields!(InputMap { degree, n_levels, center, scale });

impl FeatureMap {
    /// The map of a single numeric input to its unscaled powers up to `degree`.
    pub fn plain(degree: u32) -> Self {
        Self::new(vec![InputMap::number(degree)], Vec::new())
    }

    /// A map to unscaled features.
    pub fn new(inputs: Vec<InputMap>, interactions: Vec<[u32; 2]>) -> Self {
        let mut map = Self { inputs, interactions, center: Vec::new(), scale: Vec::new() };
        let n = map.terms().len();
        (map.center, map.scale) = (vec![0.0; n], vec![1.0; n]);
        map
    }

    /// The map of the only input of `dataset` to its powers up to `degree`, standardized over its rows.
    pub fn standardized(degree: u32, dataset: &Dataset, bias: bool) -> Self {
        Self::scaled(Self::plain(degree), dataset, bias, Scaling::Standardize)
    }

    /// Returns the same map with scales computed from the rows of `dataset`.
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
        scaler.map()
    }

    /// Number of inputs per row.
    pub fn n_inputs(&self) -> usize {
        self.inputs.len()
    }

    /// Number of features per row.
    pub fn n_features(&self) -> usize {
        self.center.len()
    }

    /// What each feature is computed from, in the order of the features.
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

    /// Whether the lengths and indices of the map's fields are consistent.
    pub fn fits(&self) -> bool {
        let n_inputs = self.inputs.len() as u32;
        // Checked first, because a file can claim any size.
        let counted = self.inputs.iter().all(|input| input.degree <= MAX_DEGREE)
            && Self::count(&self.inputs, &self.interactions) == Some(self.center.len());
        let inputs = self.inputs.iter().all(|input| input.degree >= 1 && input.n_levels != 1);
        let pairs = self.interactions.iter().all(|[a, b]| a != b && *a < n_inputs && *b < n_inputs);
        inputs && pairs && counted && n_inputs > 0 && self.center.len() == self.scale.len()
    }

    /// Whether every center is finite and every scale finite and positive.
    pub fn is_finite(&self) -> bool {
        let centers = self.inputs.iter().map(|input| input.center).chain(self.center.iter().copied());
        let mut scales = self.inputs.iter().map(|input| input.scale).chain(self.scale.iter().copied());
        centers.sum::<f64>().is_finite() && scales.all(is_scale)
    }

    /// Number of features of these inputs and interactions; `None` where an index is out of range or the count overflows.
    pub fn count(inputs: &[InputMap], interactions: &[[u32; 2]]) -> Option<usize> {
        let alone = inputs.iter().try_fold(0_usize, |n, input| n.checked_add(input.n_features()))?;
        interactions.iter().try_fold(alone, |n, [a, b]| {
            let [a, b] = [inputs.get(*a as usize)?, inputs.get(*b as usize)?];
            n.checked_add(a.n_factors().checked_mul(b.n_factors())?)
        })
    }

    /// Whether the features are the powers of a single numeric input.
    pub fn is_powers(&self) -> bool {
        matches!(&self.inputs[..], [input] if input.n_levels == 0)
    }

    /// Writes the features of one row into `out`, which is [`FeatureMap::n_features`] long.
    pub fn features(&self, x: &[f64], out: &mut [f64]) {
        self.raw(x, out);
        for ((out, center), scale) in out.iter_mut().zip(&self.center).zip(&self.scale) {
            *out = (*out - center) / scale;
        }
    }

    /// Writes the features of many rows into `out`; both slices are row-major.
    pub fn rows(&self, x: &[f64], out: &mut [f64]) {
        let (n_inputs, n_features) = (self.n_inputs(), self.n_features());
        for (x, row) in x.chunks_exact(n_inputs).zip(out.chunks_exact_mut(n_features)) {
            self.features(x, row);
        }
    }

    /// Writes the terms of one row into `out`, before they are centred and scaled.
    #[inline]
    pub(super) fn raw(&self, x: &[f64], out: &mut [f64]) {
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

    /// The x whose first feature has this value, if that feature is a power.
    #[inline]
    pub fn x_of(&self, first_feature: f64) -> f64 {
        let input = &self.inputs[0];
        input.center + input.scale * (self.center[0] + self.scale[0] * first_feature)
    }
}

/// Whether `scale` is a valid divisor: finite and positive.
pub(super) fn is_scale(scale: f64) -> bool {
    scale > 0.0 && scale.is_finite()
}
