//! What a layer applies to its outputs.

use super::table::choice;

choice! {
    /// What a layer applies to its outputs.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Activation = "activation" at "model.layers.activation", named {
        /// `z` itself.
        Identity = "identity";
        /// `max(z, 0)`.
        Relu = "relu";
    }
}
