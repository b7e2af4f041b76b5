//! From x to features, and from rows to what kernels read.

use serde::{Deserialize, Serialize};

use super::{Dataset, MAX_VALUE};
use crate::message::{Code, Message, Result, short};

/// The features of the model: powers of x, standardized or not.
///
/// With `z = (x - x_center) / x_scale`, feature k (from 1) is `(z^k - center[k]) / scale[k]`. Scaling x before raising
/// it keeps the powers of, say, a year apart from each other. All of it is f64. A model without bias must stay 0 at
/// x = 0, so its features are scaled by their root mean square and not centred.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeatureMap {
    /// Highest power.
    pub degree: u32,
    /// Subtracted from x; 0 where nothing is standardized.
    pub x_center: f64,
    /// Divides x; 1 where nothing is standardized.
    pub x_scale: f64,
    /// Subtracted from each power, `degree` long.
    pub center: Vec<f64>,
    /// Divides each power, `degree` long.
    pub scale: Vec<f64>,
}

impl FeatureMap {
    /// Plain powers.
    pub fn plain(degree: u32) -> Self {
        let n = degree as usize;
        Self { degree, x_center: 0.0, x_scale: 1.0, center: vec![0.0; n], scale: vec![1.0; n] }
    }

    /// Powers standardized over `x`: to mean 0 and (population) standard deviation 1 where the model has a bias, to
    /// root mean square 1 where it has none.
    pub fn standardized(degree: u32, x: &[f64], bias: bool) -> Self {
        let (x_center, x_scale) = center_and_scale(x.iter().copied(), x.len(), bias);
        let mut map = Self { x_center, x_scale, ..Self::plain(degree) };
        for k in 1..degree as usize {
            let power = (k + 1) as i32;
            let values = x.iter().map(|x| ((x - x_center) / x_scale).powi(power));
            (map.center[k], map.scale[k]) = center_and_scale(values, x.len(), bias);
        }
        map
    }

    /// The features of one x, `degree` long, into `out`.
    pub fn features(&self, x: f64, out: &mut [f64]) {
        let z = (x - self.x_center) / self.x_scale;
        let mut power = 1.0;
        for ((out, center), scale) in out.iter_mut().zip(&self.center).zip(&self.scale) {
            power *= z;
            *out = (power - center) / scale;
        }
    }

    /// Weights of the features (then the bias, if any) as coefficients of x, x^2, ... (then the constant).
    ///
    /// The constant is returned even where the model has no bias; it is 0 then, since nothing is centred.
    pub fn to_original(&self, weights: &[f64], bias: Option<f64>) -> (Vec<f64>, f64) {
        let degree = self.degree as usize;
        let mut constant = bias.unwrap_or(0.0);
        // Coefficients of z^k first.
        let by_z: Vec<f64> = (0..degree)
            .map(|k| {
                constant -= weights[k] * self.center[k] / self.scale[k];
                weights[k] / self.scale[k]
            })
            .collect();
        // Then z = (x - c) / s, by the binomial theorem.
        let mut by_x = vec![0.0; degree + 1];
        by_x[0] = constant;
        for (k, coefficient) in by_z.iter().enumerate() {
            let power = k + 1;
            let unit = coefficient / self.x_scale.powi(power as i32);
            let mut binomial = 1.0;
            for j in (0..=power).rev() {
                by_x[j] += unit * binomial * (-self.x_center).powi((power - j) as i32);
                binomial = binomial * j as f64 / (power - j + 1) as f64;
            }
        }
        let constant = by_x.remove(0);
        (by_x, constant)
    }
}

fn center_and_scale(values: impl Iterator<Item = f64> + Clone, n: usize, bias: bool) -> (f64, f64) {
    let n = n as f64;
    let center = if bias { values.clone().sum::<f64>() / n } else { 0.0 };
    let square = values.map(|v| (v - center) * (v - center)).sum::<f64>() / n;
    let scale = square.sqrt();
    // A power that does not vary (x of -1 and 1, squared) carries nothing; unit scale keeps it finite.
    if scale > 0.0 && scale.is_finite() { (center, scale) } else { (center, 1.0) }
}

/// What kernels read: features and targets in f32.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// Rows.
    pub n_samples: u32,
    /// Features a row.
    pub n_features: u32,
    /// Whether a bias follows the weights.
    pub bias: bool,
    /// Row-major, `n_samples * n_features`.
    pub features: Vec<f32>,
    /// `n_samples`.
    pub targets: Vec<f32>,
}

impl Problem {
    /// Maps every row in f64 and keeps it in f32.
    ///
    /// # Errors
    /// [`Code::FieldOutOfRange`] naming the degree where a power leaves the range in which f32 can square and sum.
    pub fn build(dataset: &Dataset, map: &FeatureMap, bias: bool) -> Result<Self> {
        let degree = map.degree as usize;
        let mut features = vec![0.0_f32; dataset.x.len() * degree];
        let mut row = vec![0.0; degree];
        let mut largest = 0.0_f64;
        for (x, out) in dataset.x.iter().zip(features.chunks_exact_mut(degree)) {
            map.features(*x, &mut row);
            for (out, value) in out.iter_mut().zip(&row) {
                largest = largest.max(value.abs());
                *out = *value as f32;
            }
        }
        if largest > MAX_VALUE {
            return Err(Message::new(Code::PowerTooLarge)
                .with("degree", degree)
                .with("value", short(largest)));
        }
        let targets = dataset.y.iter().map(|y| *y as f32).collect();
        Ok(Self { n_samples: dataset.n_samples(), n_features: map.degree, bias, features, targets })
    }

    /// Weights, and the bias if there is one.
    pub fn n_parameters(&self) -> u32 {
        self.n_features + u32::from(self.bias)
    }
}
