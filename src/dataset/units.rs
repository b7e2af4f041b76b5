//! Converts coefficients of scaled features to coefficients in the units of the inputs, and back.

use super::{FeatureMap, Term};

impl FeatureMap {
    /// Converts weights of the features (then the bias, if any) to coefficients of the same terms
    /// in the units of the inputs (then the constant), which a model of unscaled features would
    /// have.
    ///
    /// The constant is returned even if the model has no bias; it is 0 then, because nothing is
    /// centered.
    pub fn to_original(&self, weights: &[f64], bias: Option<f64>) -> (Vec<f64>, f64) {
        let mut constant = bias.unwrap_or(0.0);
        let mut original = vec![0.0; self.n_features()];
        let terms = self.terms();
        let unit_of = |feature: usize| self.unit_of(&terms, feature);
        for (k, term) in terms.iter().enumerate() {
            constant -= weights[k] * self.center[k] / self.scale[k];
            let coefficient = weights[k] / self.scale[k];
            match *term {
                Term::Power { input, power } => {
                    // z = (x - c) / s, expanded by the binomial theorem. The powers of an input are
                    // consecutive.
                    let first = k + 1 - power as usize;
                    let map = &self.inputs[input];
                    let unit = coefficient / map.scale.powi(power as i32);
                    let mut binomial = 1.0;
                    for j in (0..=power).rev() {
                        let part = unit * binomial * (-map.center).powi((power - j) as i32);
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
                    let unit = coefficient / (a_unit * b_unit);
                    original[k] += unit;
                    original[a] -= unit * b_shift;
                    original[b] -= unit * a_shift;
                    constant += unit * a_shift * b_shift;
                }
            }
        }
        (original, constant)
    }

    /// Converts coefficients in the units of the inputs, and the constant, to weights of the
    /// features and the bias: the inverse of [`FeatureMap::to_original`]. A model without a bias
    /// can express them only if the returned bias is 0, as it is if `constant` is 0 and nothing is
    /// centered.
    pub fn from_original(&self, original: &[f64], constant: f64) -> (Vec<f64>, f64) {
        let mut bias = constant;
        let mut weights = vec![0.0; self.n_features()];
        let terms = self.terms();
        let unit_of = |feature: usize| self.unit_of(&terms, feature);
        // First by the terms of `z`, `x = c + s z`.
        for (k, term) in terms.iter().enumerate() {
            let coefficient = original[k];
            match *term {
                Term::Power { input, power } => {
                    let first = k + 1 - power as usize;
                    let map = &self.inputs[input];
                    let mut binomial = 1.0;
                    for j in (0..=power).rev() {
                        let part = coefficient
                            * binomial
                            * map.scale.powi(j as i32)
                            * map.center.powi((power - j) as i32);
                        if j == 0 {
                            bias += part;
                        } else {
                            weights[first + j as usize - 1] += part;
                        }
                        binomial = binomial * f64::from(j) / f64::from(power - j + 1);
                    }
                }
                Term::Level { .. } => weights[k] += coefficient,
                Term::Product { of: [a, b] } => {
                    let ((a_shift, a_unit), (b_shift, b_unit)) = (unit_of(a), unit_of(b));
                    weights[k] += coefficient * a_unit * b_unit;
                    weights[a] += coefficient * a_unit * b_shift;
                    weights[b] += coefficient * b_unit * a_shift;
                    bias += coefficient * a_shift * b_shift;
                }
            }
        }
        // Then by the features, `t = center + scale f`.
        for ((weight, center), scale) in weights.iter_mut().zip(&self.center).zip(&self.scale) {
            bias += *weight * center;
            *weight *= scale;
        }
        (weights, bias)
    }

    /// How a feature that is a first power or a level is scaled: as `(t - shift) / unit`. Returns shift and
    /// unit, which are 0 and 1 for a level.
    fn unit_of(&self, terms: &[Term], feature: usize) -> (f64, f64) {
        match terms[feature] {
            Term::Power { input, .. } => (self.inputs[input].center, self.inputs[input].scale),
            _ => (0.0, 1.0),
        }
    }
}
