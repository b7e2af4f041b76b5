//! The layers of a model, and the position of each parameter in the flat vector that kernels and files use.

use std::ops::Range;

use crate::choices::Activation;

/// A layer: each output is a weighted sum of the layer's inputs plus a bias, to which an activation is
/// applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Number of outputs.
    pub width: u32,
    /// The activation function that is applied to each output.
    pub activation: Activation,
    /// Whether each output of the layer has a bias.
    pub bias: bool,
}

/// The layers of a model and its number of features. A linear model has a single layer.
///
/// The flat parameter vector contains the layers in order: the layer's weight matrix, with the weight of
/// input `j` and output `k` at `j * width + k`, then its biases, one per output. The activation of the last
/// layer is the identity: its outputs are interpreted by the response of the loss
/// ([`crate::choices::Loss::respond`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    n_features: u32,
    layers: Vec<Layer>,
}

/// A layer with the positions of its parameters in the flat vector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The layer.
    pub layer: Layer,
    /// Number of inputs of the layer: features, or outputs of the layer before.
    pub n_inputs: usize,
    /// Positions of the weight matrix in the flat vector.
    pub weights: Range<usize>,
    /// Positions of the biases in the flat vector; empty if the layer has none.
    pub bias: Range<usize>,
}

impl Layout {
    /// The layout of a linear model.
    pub fn linear(n_features: u32, n_outputs: u32, bias: bool) -> Self {
        Self::network(n_features, Vec::new(), n_outputs, bias)
    }

    /// The layout of a model with these hidden layers. `bias` states whether its outputs have a bias.
    pub fn network(n_features: u32, hidden: Vec<Layer>, n_outputs: u32, bias: bool) -> Self {
        let mut layers = hidden;
        layers.push(Layer { width: n_outputs, activation: Activation::Identity, bias });
        Self { n_features, layers }
    }

    /// Number of features per row.
    pub fn n_features(&self) -> u32 {
        self.n_features
    }

    /// Number of outputs of the model: one, or one for each class.
    pub fn n_outputs(&self) -> u32 {
        self.layers.last().map_or(0, |layer| layer.width)
    }

    /// Number of weights and biases.
    pub fn n_parameters(&self) -> u32 {
        self.places().last().map_or(0, |place| place.bias.end as u32)
    }

    /// Every layer with the positions of its parameters, in order.
    pub fn places(&self) -> impl Iterator<Item = Place> + '_ {
        let (mut n_inputs, mut start) = (self.n_features as usize, 0);
        self.layers.iter().map(move |layer| {
            let width = layer.width as usize;
            let weights = start..start + n_inputs * width;
            let bias = weights.end..weights.end + if layer.bias { width } else { 0 };
            let place = Place { layer: *layer, n_inputs, weights, bias: bias.clone() };
            (n_inputs, start) = (width, bias.end);
            place
        })
    }

    /// Selects the weights from a flat vector, without the biases, since penalties apply to weights only.
    pub fn weights<'a, T>(&self, parameters: &'a [T]) -> impl Iterator<Item = &'a T> {
        self.places().flat_map(|place| &parameters[place.weights])
    }

    /// This layout as that of a linear model; `None` if there are hidden layers.
    pub fn as_linear(&self) -> Option<Linear> {
        match self.layers[..] {
            [Layer { width, bias, .. }] => {
                Some(Linear { n_features: self.n_features, n_outputs: width, bias })
            }
            _ => None,
        }
    }
}

/// The layout of a linear model. Code that needs a convex model of one layer takes this type
/// ([`Layout::as_linear`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Linear {
    /// Number of features per row.
    pub n_features: u32,
    /// Number of outputs: one, or one for each class.
    pub n_outputs: u32,
    /// Whether each output has a bias.
    pub bias: bool,
}

impl Linear {
    /// This layout in the general form, with one layer.
    pub fn layout(self) -> Layout {
        Layout::linear(self.n_features, self.n_outputs, self.bias)
    }

    /// Number of weights, biases excluded.
    pub fn n_weights(self) -> usize {
        self.n_features as usize * self.n_outputs as usize
    }

    /// Number of weights and biases.
    pub fn n_parameters(self) -> u32 {
        (self.n_features + u32::from(self.bias)) * self.n_outputs
    }

    /// Splits parameters into weights, indexed `[feature][output]`, and biases, which may be empty.
    pub fn split<T>(self, parameters: &[T]) -> (&[T], &[T]) {
        parameters.split_at(self.n_weights())
    }

    /// Does the same as [`Linear::split`] with mutable slices.
    pub fn split_mut<T>(self, parameters: &mut [T]) -> (&mut [T], &mut [T]) {
        parameters.split_at_mut(self.n_weights())
    }

    /// Splits parameters into chunks with one number per output: a chunk for each feature, then one of the
    /// biases if there are any.
    pub fn by_feature<T>(self, parameters: &[T]) -> std::slice::ChunksExact<'_, T> {
        parameters.chunks_exact(self.n_outputs as usize)
    }

    /// Does the same as [`Linear::by_feature`] with mutable chunks.
    pub fn by_feature_mut<T>(self, parameters: &mut [T]) -> std::slice::ChunksExactMut<'_, T> {
        parameters.chunks_exact_mut(self.n_outputs as usize)
    }

    /// The value of output number `output` for one row: `x w + b`.
    pub fn output(self, parameters: &[f64], features: &[f64], output: usize) -> f64 {
        let ones = self.bias.then_some(&1.0);
        let weights = parameters.iter().skip(output).step_by(self.n_outputs as usize);
        features.iter().chain(ones).zip(weights).map(|(x, w)| x * w).sum()
    }

    /// Splits a list that has the parameters of the first output, then of the second, and so on, as in page
    /// and files.
    pub fn each_output<T>(self, listed: &[T]) -> std::slice::ChunksExact<'_, T> {
        listed.chunks_exact((self.n_parameters() / self.n_outputs).max(1) as usize)
    }

    /// The parameters of each output as those of a model of its own: its weights, then its bias if it has
    /// one.
    pub fn by_output<T: Copy>(self, parameters: &[T]) -> Vec<Vec<T>> {
        let n = self.n_outputs as usize;
        (0..n).map(|output| parameters.iter().skip(output).step_by(n).copied().collect()).collect()
    }
}
