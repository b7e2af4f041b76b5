//! How features are scaled.

use super::table::choice;

choice! {
    /// How features are scaled inside the model.
    ///
    /// In links and run files the first two entries are `false` and `true`, from when there were no others.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Scaling = "scaling" at "model.standardize", named {
        /// Features are not scaled.
        None = "none", written false;
        /// Features are scaled to mean 0 and (population) standard deviation 1; in a model without a bias, to
        /// root mean square 1.
        Standardize = "standardize", written true;
        /// Features are scaled to the range from 0 to 1; in a model without a bias, to a magnitude of at most
        /// 1.
        MinMax = "min_max";
    }
}
