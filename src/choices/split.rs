//! How validation and test rows are selected.

use super::table::choice;

choice! {
    /// How validation and test rows are selected.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Split = "split" at "validation.split", named {
        /// Random rows are held out.
        Random = "random";
        /// The last rows are held out, in the order of the table or of a chosen column: the future, if that
        /// column is a time.
        Last = "last";
        /// Random rows are held out, the same fraction of each class.
        Stratified = "stratified";
        /// Random groups of rows are held out as a whole.
        Group = "group";
    }
}
