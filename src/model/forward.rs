//! The outputs of any model in f64, written for readability. Engines are tested against this reference.

use super::Layout;
use crate::choices::Activation;

impl Activation {
    /// Applies the activation to `sum`, the weighted sum of a layer's inputs.
    pub fn value(self, sum: f64) -> f64 {
        match self {
            Self::Identity => sum,
            Self::Relu => sum.max(0.0),
        }
    }

    /// The derivative of [`Activation::value`] by its argument, computed from the value; 0 at the kink of
    /// ReLU.
    pub fn slope(self, value: f64) -> f64 {
        match self {
            Self::Identity => 1.0,
            Self::Relu => f64::from(u8::from(value > 0.0)),
        }
    }
}

impl Layout {
    /// The values of all layers for one row of features, indexed `[layer][output]`. With `a_0` the features,
    /// `z_l = W_l' a_(l-1) + b_l` and `a_l = activation_l(z_l)`. The last layer's values are the outputs of
    /// the model.
    pub fn forward(&self, parameters: &[f64], features: &[f64]) -> Vec<Vec<f64>> {
        let mut values: Vec<Vec<f64>> = Vec::new();
        for place in self.places() {
            let inputs = values.last().map_or(features, Vec::as_slice);
            let (weights, bias) = (&parameters[place.weights], &parameters[place.bias]);
            let width = place.layer.width as usize;
            let mut outputs = vec![0.0; width];
            for (k, output) in outputs.iter_mut().enumerate() {
                let mut sum = bias.get(k).copied().unwrap_or(0.0);
                for (j, input) in inputs.iter().enumerate() {
                    sum += input * weights[j * width + k];
                }
                *output = place.layer.activation.value(sum);
            }
            values.push(outputs);
        }
        values
    }

    /// Writes the model's outputs for one row of features into `outputs`. They equal the last layer of
    /// [`Layout::forward`] up to rounding; a linear model allocates nothing.
    pub fn outputs(&self, parameters: &[f64], features: &[f64], outputs: &mut Vec<f64>) {
        outputs.clear();
        let Some(linear) = self.as_linear() else {
            outputs.extend(self.forward(parameters, features).pop().unwrap_or_default());
            return;
        };
        outputs.extend((0..linear.n_outputs as usize).map(|k| linear.output(parameters, features, k)));
    }

    /// Adds the gradient of one row's loss, multiplied by `share`, to `gradient`. This is backpropagation
    /// from `slopes`, the derivatives of the loss by the model's outputs; `values` are those of
    /// [`Layout::forward`].
    ///
    /// With `d_l = dL/dz_l`: `dL/dW_l = a_(l-1) d_l'`, `dL/db_l = d_l`, `d_(l-1) = activation'(a_(l-1)) W_l
    /// d_l`.
    pub fn backward(
        &self,
        parameters: &[f64],
        features: &[f64],
        values: &[Vec<f64>],
        (slopes, share): (&[f64], f64),
        gradient: &mut [f64],
    ) {
        let places: Vec<_> = self.places().collect();
        let mut slopes = slopes.to_vec();
        for (l, place) in places.iter().enumerate().rev() {
            let inputs = if l == 0 { features } else { &values[l - 1] };
            let width = place.layer.width as usize;
            for (k, slope) in slopes.iter().enumerate() {
                for (j, input) in inputs.iter().enumerate() {
                    gradient[place.weights.start + j * width + k] += share * slope * input;
                }
                if !place.bias.is_empty() {
                    gradient[place.bias.start + k] += share * slope;
                }
            }
            if l > 0 {
                let weights = &parameters[place.weights.clone()];
                let activation = places[l - 1].layer.activation;
                let of_input = |(j, value): (usize, &f64)| {
                    let row = &weights[j * width..][..width];
                    activation.slope(*value)
                        * row.iter().zip(&slopes).map(|(w, slope)| w * slope).sum::<f64>()
                };
                slopes = inputs.iter().enumerate().map(of_input).collect();
            }
        }
    }
}
