//! Which rows are held out.

use super::table::choice;

choice! {
    /// Which rows are held out.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Split = "split" at "validation.split", named {
        /// Any, by the seed.
        Random = "random";
        /// The last ones: the future, where rows are in the order of time, or of the column that says so.
        Last = "last";
        /// Any, by the seed, as many of each class as there are of it in all.
        Stratified = "stratified";
        /// Whole groups, by the seed.
        Group = "group";
    }
}
