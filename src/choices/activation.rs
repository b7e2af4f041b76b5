//! The activation function of a layer.

use super::table::choice;

choice! {
    /// The function that a layer applies to each of its outputs.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Activation = "activation" at "model.layers.activation", named {
        /// Identity: the output is unchanged.
        Identity = "identity";
        /// Rectified linear unit: `max(z, 0)` of the output `z`.
        Relu = "relu";
    }
}
