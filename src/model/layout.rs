//! The shape of a model, and where each parameter lies in the flat vector that kernels and files use.

use std::ops::Range;

use crate::choices::Activation;

/// A layer: each of its outputs is a weighted sum of the layer's inputs, plus a bias, through an activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Number of outputs.
    pub width: u32,
    /// The function that is applied to each output.
    pub activation: Activation,
    /// Whether each output has a bias.
    pub bias: bool,
}

/// A list of layers over a number of features. A linear model is the list of one.
///
/// The flat vector holds the layers in order: first a layer's weight matrix, with the weight of input `j` and output
/// `k` at `j * width + k`, then its biases, one for each output. The activation of the last layer is the identity:
/// what its outputs mean is the response of the loss ([`crate::choices::Loss::respond`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    n_features: u32,
    layers: Vec<Layer>,
}

/// A layer and where its parameters lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The layer.
    pub layer: Layer,
    /// Number of inputs: features, or outputs of the layer before.
    pub n_inputs: usize,
    /// The weight matrix.
    pub weights: Range<usize>,
    /// The biases; empty where the layer has none.
    pub bias: Range<usize>,
}

impl Layout {
    /// A linear model.
    pub fn linear(n_features: u32, n_outputs: u32, bias: bool) -> Self {
        Self::network(n_features, Vec::new(), n_outputs, bias)
    }

    /// A model with these hidden layers before its outputs. `bias` is that of the outputs.
    pub fn network(n_features: u32, hidden: Vec<Layer>, n_outputs: u32, bias: bool) -> Self {
        let mut layers = hidden;
        layers.push(Layer { width: n_outputs, activation: Activation::Identity, bias });
        Self { n_features, layers }
    }

    /// Number of features of a row.
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

    /// Every layer with the place of its parameters, in order.
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

    /// The weights among `parameters`, which penalties apply to: all but the biases.
    pub fn weights<'a, T>(&self, parameters: &'a [T]) -> impl Iterator<Item = &'a T> {
        self.places().flat_map(|place| &parameters[place.weights])
    }

    /// The model as a convex one of one layer; `None` for a network.
    pub fn as_linear(&self) -> Option<Linear> {
        match self.layers[..] {
            [Layer { width, bias, .. }] => {
                Some(Linear { n_features: self.n_features, n_outputs: width, bias })
            }
            _ => None,
        }
    }
}

/// A linear model: what needs a convex model of one layer asks for this type ([`Layout::as_linear`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Linear {
    /// Number of features of a row.
    pub n_features: u32,
    /// Number of outputs: one, or one for each class.
    pub n_outputs: u32,
    /// Whether each output has a bias.
    pub bias: bool,
}

impl Linear {
    /// The layout of the model.
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

    /// The parameters as weights, with those of a feature side by side, and biases, which may be empty.
    pub fn split<T>(self, parameters: &[T]) -> (&[T], &[T]) {
        parameters.split_at(self.n_weights())
    }

    /// As [`Linear::split`], to be changed.
    pub fn split_mut<T>(self, parameters: &mut [T]) -> (&mut [T], &mut [T]) {
        parameters.split_at_mut(self.n_weights())
    }

    /// The parameters that all outputs have of each feature, then the biases if there are any: each slice holds one
    /// for each output.
    pub fn by_feature<T>(self, parameters: &[T]) -> std::slice::ChunksExact<'_, T> {
        parameters.chunks_exact(self.n_outputs as usize)
    }

    /// As [`Linear::by_feature`], to be changed.
    pub fn by_feature_mut<T>(self, parameters: &mut [T]) -> std::slice::ChunksExactMut<'_, T> {
        parameters.chunks_exact_mut(self.n_outputs as usize)
    }

    /// One output of a row: `x w + b`.
    pub fn output(self, parameters: &[f64], features: &[f64], output: usize) -> f64 {
        let ones = self.bias.then_some(&1.0);
        let weights = parameters.iter().skip(output).step_by(self.n_outputs as usize);
        features.iter().chain(ones).zip(weights).map(|(x, w)| x * w).sum()
    }

    /// Cuts parameters that are listed output by output, as the page and files show them.
    pub fn each_output<T>(self, listed: &[T]) -> std::slice::ChunksExact<'_, T> {
        listed.chunks_exact((self.n_parameters() / self.n_outputs).max(1) as usize)
    }

    /// The parameters of each output, in the order of a model of its own: its weights, then its bias if it has one.
    pub fn by_output<T: Copy>(self, parameters: &[T]) -> Vec<Vec<T>> {
        let n = self.n_outputs as usize;
        (0..n).map(|output| parameters.iter().skip(output).step_by(n).copied().collect()).collect()
    }
}
