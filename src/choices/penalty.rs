//! What is added to the loss for large weights.

use serde::Serialize;

use super::table::within;
use crate::fields::read_fields;
use crate::message::Result;

/// What is added to the mean loss: `a (q |w|_1 + (1 - q) / 2 |w|_2^2)` of the weights of the scaled features, `a` being
/// `strength` and `q` `l1_ratio` (the elastic net of Zou and Hastie 2005: ridge where `q` is 0, the lasso where it is 1).
/// The bias is never penalized. For the squared loss, which has no half here, `a` is twice scikit-learn's `alpha` of
/// `ElasticNet`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Penalty {
    /// `a`; 0 is none.
    pub strength: f64,
    /// `q`, from 0 to 1.
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

    /// Of these weights, the bias left out.
    pub fn of(&self, weights: impl IntoIterator<Item = f64>) -> f64 {
        let (mut absolute, mut square) = (0.0, 0.0);
        for weight in weights {
            absolute += weight.abs();
            square += weight * weight;
        }
        self.strength * (self.l1_ratio * absolute + (1.0 - self.l1_ratio) / 2.0 * square)
    }
}
