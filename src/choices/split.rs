//! Which rows are held out.

use super::table::choice;

choice! {
    /// Which rows are held out.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Split = "split" at "validation.split", named {
        /// Random rows.
        Random = "random";
        /// The last rows, in the order of the table or of the chosen column: the future, if that is time.
        Last = "last";
        /// Random rows, with each class in proportion.
        Stratified = "stratified";
        /// Random whole groups.
        Group = "group";
    }
}
