//! The charts as classes.
