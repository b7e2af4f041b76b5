//! The penalty that is added to the loss for large weights.

use serde::Serialize;

use super::table::within;
use crate::fields::read_fields;
use crate::message::Result;

/// The penalty that is added to the mean loss: `a (q |w|_1 + (1 - q) / 2 |w|_2^2)`, where `w` are the weights
/// of the scaled features, `a` is `strength` and `q` is `l1_ratio` (the elastic net of Zou and Hastie 2005:
/// ridge at `q = 0`, lasso at `q = 1`). The bias is never penalized. For the squared loss, which has no
/// factor 1/2 here, `a` is twice the `alpha` of scikit-learn's `ElasticNet`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Penalty {
    /// The strength `a` of the penalty; 0 means no penalty.
    pub strength: f64,
    /// The L1 ratio `q` of the penalty, from 0 (ridge) to 1 (lasso).
    pub l1_ratio: f64,
}

read_fields!(default Penalty { strength, l1_ratio });

impl Penalty {
    /// Checks every field against its range.
    ///
    /// # Errors
    /// [`crate::message::Code::FieldOutOfRange`].
    pub fn check(&self) -> Result<()> {
        within("penalty.strength", self.strength, 0.0, 1e6)?;
        within("penalty.l1_ratio", self.l1_ratio, 0.0, 1.0)
    }

    /// The value of the penalty for these weights, which must not include the bias.
    pub fn of(&self, weights: impl IntoIterator<Item = f64>) -> f64 {
        let (mut absolute, mut square) = (0.0, 0.0);
        for weight in weights {
            absolute += weight.abs();
            square += weight * weight;
        }
        self.strength * (self.l1_ratio * absolute + (1.0 - self.l1_ratio) / 2.0 * square)
    }
}
