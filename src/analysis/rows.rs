//! The rows of a fit, which can be read any number of times.

use super::double::Double;
use crate::dataset::{BLOCK_ROWS, Dataset, Extra, FeatureMap, Role, Roles, Term, blocks};

/// A block of up to [`BLOCK_ROWS`] rows.
#[derive(Clone, Copy, Debug)]
pub struct Block<'a> {
    /// Scaled features of the block's rows, row-major.
    pub features: &'a [f64],
    /// The target of each row.
    pub targets: &'a [f64],
    /// The weight of each row, never negative.
    pub weights: &'a [f64],
}

/// A block of rows before the feature map: row-major inputs, and the index of each row in the dataset.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Inputs<'a> {
    pub(crate) places: &'a [usize],
    pub(crate) x: &'a [f64],
    pub(crate) targets: &'a [f64],
    pub(crate) weights: &'a [f64],
}

/// Rows that can be read several times, always the same and in the same order.
pub trait Rows {
    /// Number of features per row.
    fn n_features(&self) -> usize;

    /// Calls `each` with all rows, one block at a time.
    fn for_each_block(&self, each: &mut dyn FnMut(Block<'_>));
}

/// The rows of a dataset that have one role, with the features of a model's map. Row weights are the
/// dataset's, if it has any.
#[derive(Clone, Copy, Debug)]
pub struct Portion<'a> {
    dataset: &'a Dataset,
    roles: &'a Roles,
    role: Role,
    map: &'a FeatureMap,
}

impl<'a> Portion<'a> {
    /// Selects the rows of a dataset that have this role.
    pub fn new(dataset: &'a Dataset, roles: &'a Roles, role: Role, map: &'a FeatureMap) -> Self {
        Self { dataset, roles, role, map }
    }

    /// The map from inputs to features.
    pub fn map(&self) -> &'a FeatureMap {
        self.map
    }

    /// Calls `each` with the inputs of all selected rows, one block at a time.
    pub(crate) fn for_each_input(&self, each: &mut dyn FnMut(Inputs<'_>)) {
        let n_inputs = self.map.n_inputs();
        let (mut x, mut y) = (vec![0.0; n_inputs * BLOCK_ROWS], vec![0.0; BLOCK_ROWS]);
        let mut places = Vec::with_capacity(BLOCK_ROWS);
        // The weights if no column holds weights.
        let mut weights = vec![1.0; BLOCK_ROWS];
        for block in blocks(self.dataset.n_samples() as usize) {
            self.dataset.read(block.start, &mut x[..n_inputs * block.len()], &mut y[..block.len()]);
            let weighted =
                self.dataset.read_extra(Extra::Weight, block.start, &mut weights[..block.len()]).is_some();
            places.clear();
            for row in 0..block.len() {
                let place = block.start + row;
                if self.roles.role(place) == self.role {
                    let n = places.len();
                    x.copy_within(row * n_inputs..(row + 1) * n_inputs, n * n_inputs);
                    y[n] = y[row];
                    if weighted {
                        weights[n] = weights[row];
                    }
                    places.push(place);
                }
            }
            let n = places.len();
            each(Inputs { places: &places, x: &x[..n * n_inputs], targets: &y[..n], weights: &weights[..n] });
        }
    }
}

impl Rows for Portion<'_> {
    fn n_features(&self) -> usize {
        self.map.n_features()
    }

    fn for_each_block(&self, each: &mut dyn FnMut(Block<'_>)) {
        let n_features = self.map.n_features();
        let mut features = vec![0.0; n_features * BLOCK_ROWS];
        self.for_each_input(&mut |Inputs { x, targets, weights, .. }| {
            let features = &mut features[..n_features * targets.len()];
            self.map.rows(x, features);
            each(Block { features, targets, weights });
        });
    }
}

/// A feature map computed with twice the digits of f64. Rounding errors in the features would change the last
/// digits of coefficients when powers or columns are nearly alike.
#[derive(Clone, Debug)]
pub(crate) struct ExactMap<'a> {
    map: &'a FeatureMap,
    terms: Vec<Term>,
    /// `1 / scale` of each input; the next field has that of each feature. Multiplying is four times as fast
    /// as dividing.
    per_input: Vec<Double>,
    per_feature: Vec<Double>,
}

impl<'a> ExactMap<'a> {
    pub(crate) fn new(map: &'a FeatureMap) -> Self {
        let inverse = |scale: f64| Double::from(1.0) / Double::from(scale);
        Self {
            map,
            terms: map.terms(),
            per_input: map.inputs.iter().map(|input| inverse(input.scale)).collect(),
            per_feature: map.scale.iter().map(|scale| inverse(*scale)).collect(),
        }
    }

    /// Computes the features of one row, as [`FeatureMap::features`] does.
    pub(crate) fn features(&self, x: &[f64], out: &mut [Double]) {
        for (k, term) in self.terms.iter().enumerate() {
            out[k] = match *term {
                Term::Power { input, power: 1 } => {
                    Double::sum(x[input], -self.map.inputs[input].center) * self.per_input[input]
                }
                // The powers of one input are consecutive.
                Term::Power { power, .. } => out[k - 1] * out[k + 1 - power as usize],
                Term::Level { input, level } => Double::from(f64::from(x[input] == level as f64)),
                Term::Product { of: [a, b] } => out[a] * out[b],
            };
        }
        for (k, out) in out.iter_mut().enumerate() {
            // A first power already has the scale of its input.
            let (center, scale) = (self.map.center[k], self.map.scale[k]);
            if center != 0.0 || scale != 1.0 {
                *out = (*out - Double::from(center)) * self.per_feature[k];
            }
        }
    }

    /// Converts parameters of the scaled features to the units of inputs and target, with the bias
    /// last if there is one, as [`FeatureMap::to_original`] does.
    pub(crate) fn to_original(&self, parameters: &[Double]) -> Vec<Double> {
        let n_features = self.terms.len();
        let mut original = vec![Double::default(); n_features];
        let mut constant = parameters.get(n_features).copied().unwrap_or_default();
        let unit_of = |feature: usize| match self.terms[feature] {
            Term::Power { input, .. } => (self.map.inputs[input].center, self.map.inputs[input].scale),
            _ => (0.0, 1.0),
        };
        for (k, term) in self.terms.iter().enumerate() {
            let coefficient = parameters[k] * self.per_feature[k];
            constant = constant - coefficient * Double::from(self.map.center[k]);
            match *term {
                Term::Power { input, power } => {
                    // z = (x - c) / s, by the binomial theorem.
                    let first = k + 1 - power as usize;
                    let map = &self.map.inputs[input];
                    let unit = coefficient / Double::from(map.scale).power(power);
                    let mut binomial = 1.0;
                    for j in (0..=power).rev() {
                        let part = unit * Double::from(binomial) * Double::from(-map.center).power(power - j);
                        if j == 0 {
                            constant += part;
                        } else {
                            original[first + j as usize - 1] += part;
                        }
                        binomial = binomial * f64::from(j) / f64::from(power - j + 1);
                    }
                }
                Term::Level { .. } => original[k] += coefficient,
                Term::Product { of: [a, b] } => {
                    let ((a_shift, a_unit), (b_shift, b_unit)) = (unit_of(a), unit_of(b));
                    let unit = coefficient / Double::product(a_unit, b_unit);
                    original[k] += unit;
                    original[a] += unit * Double::from(-b_shift);
                    original[b] += unit * Double::from(-a_shift);
                    constant += unit * Double::product(a_shift, b_shift);
                }
            }
        }
        original.extend((parameters.len() > n_features).then_some(constant));
        original
    }
}
