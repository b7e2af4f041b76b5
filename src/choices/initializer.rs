//! How the weights are initialized.

use super::table::choice;

choice! {
    /// How weights are initialized; the bias starts at 0, as in Keras.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum InitialWeights = "initializer" at "model.initial_weights", named {
        /// All weights are 0.
        Zero = "zero";
        /// Uniform on [-0.05, 0.05) (Keras' `RandomUniform`).
        Uniform = "uniform";
        /// Normal with standard deviation 0.05 (Keras' `RandomNormal`).
        Normal = "normal";
        /// Uniform on +-sqrt(6 / (fan in + fan out)) (Glorot and Bengio 2010).
        GlorotUniform = "glorot_uniform";
    }
}
