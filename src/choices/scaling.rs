//! How features are scaled.

use super::table::choice;

choice! {
    /// How numbers are brought to a like size inside the model.
    ///
    /// Addresses and run files have the first two as `false` and `true`, from when there were no others.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Scaling = "scaling" at "model.standardize", named {
        /// They are not.
        None = "none", written false;
        /// To mean 0 and (population) standard deviation 1 where the model has a bias, to root mean square 1 where it has
        /// none.
        Standardize = "standardize", written true;
        /// To 0 at the least and 1 at the greatest where the model has a bias, to at most 1 in magnitude where it has none.
        MinMax = "min_max";
    }
}
