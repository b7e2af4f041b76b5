//! Partial effects: how the prediction changes with one input while the others stay fixed.

use serde::Serialize;

use super::fit::Fit;
use super::rows::{Inputs, Portion};

/// The partial effect of every input.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Effects {
    /// The values at which the other inputs are fixed, one per input: a number, or the index of a level.
    pub at: Vec<f64>,
    /// The effect of each input, in the order of a row.
    pub inputs: Vec<PartialEffect>,
}

/// The prediction as a function of one input, while the others stay fixed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PartialEffect {
    /// Values of the input: from its lowest to its highest in the rows, or the levels of a category.
    pub grid: Vec<f64>,
    /// The prediction at each value of `grid`, indexed `[output][grid value]`: the mean, the probability of
    /// class 1, or the rate; for softmax, one probability per class.
    pub effects: Vec<Vec<f64>>,
    /// Lower and upper ends of the 95% interval of the prediction at each value of `grid`; `None` if
    /// coefficients have no standard errors.
    pub band: Option<[Vec<f64>; 2]>,
    /// Partial residuals as `[x, y]`: a row's value of the input, and the effect at that value plus the row's
    /// residual. Empty if the loss has a link function.
    pub points: Vec<[f64; 2]>,
}

/// The range and usual value of each input in the rows.
struct Spread {
    n: usize,
    low: Vec<f64>,
    high: Vec<f64>,
    /// For each input the mean of a number, or the most frequent level of a category.
    usual: Vec<f64>,
}

impl Fit<'_> {
    /// Computes the effect of every input at `n_grid` values, with the partial residuals of up to `n_points`
    /// rows. `at` fixes the other inputs; by default, at the mean or the most frequent level.
    pub fn effects(&self, at: Option<&[f64]>, n_grid: usize, n_points: usize) -> Effects {
        let spread = Spread::of(&self.rows);
        let at = at.map_or(spread.usual.clone(), <[f64]>::to_vec);
        let map = self.rows.map();
        let mut inputs: Vec<PartialEffect> = map
            .inputs
            .iter()
            .enumerate()
            .map(|(input, of)| {
                let [low, high] = [spread.low[input], spread.high[input]];
                let steps = n_grid.saturating_sub(1).max(1) as f64;
                let grid: Vec<f64> = match of.n_levels {
                    0 => (0..n_grid).map(|k| low + (high - low) * k as f64 / steps).collect(),
                    n_levels => (0..n_levels).map(f64::from).collect(),
                };
                self.along(input, grid, &at)
            })
            .collect();
        if !self.loss.bends() {
            self.add_points(&mut inputs, &at, spread.n, n_points.min(spread.n));
        }
        Effects { at, inputs }
    }

    fn along(&self, input: usize, grid: Vec<f64>, at: &[f64]) -> PartialEffect {
        let mut x = at.to_vec();
        let mut features = vec![0.0; self.rows.map().n_features()];
        let mut effects = vec![Vec::with_capacity(grid.len()); self.linear.n_outputs as usize];
        let mut band = self.covariance.as_ref().map(|_| [Vec::new(), Vec::new()]);
        for value in &grid {
            x[input] = *value;
            self.rows.map().features(&x, &mut features);
            for (effect, response) in effects.iter_mut().zip(self.responses(&features)) {
                effect.push(response);
            }
            if let (Some(covariance), Some([low, high])) = (&self.covariance, &mut band) {
                let columns: Vec<f64> = covariance.factor.narrow(&features).collect();
                let error = (covariance.variance * covariance.factor.quadratic(&columns)).sqrt();
                let (z, reach) = (self.output(&features, 0), covariance.reach * error);
                // Intervals are computed on the scale of the link, where errors are symmetric, so
                // that both ends stay in range.
                low.push(self.response(z - reach));
                high.push(self.response(z + reach));
            }
        }
        PartialEffect { grid, effects, band, points: Vec::new() }
    }

    /// Adds the partial residuals of an even sample of at most `n_points` of the `n` rows to each effect.
    fn add_points(&self, inputs: &mut [PartialEffect], at: &[f64], n: usize, n_points: usize) {
        let map = self.rows.map();
        let n_inputs = map.n_inputs();
        let mut features = vec![0.0; map.n_features()];
        let (mut order, mut taken) = (0, 0);
        let mut moved = at.to_vec();
        self.rows.for_each_input(&mut |Inputs { x, targets, .. }| {
            for (x, y) in x.chunks_exact(n_inputs).zip(targets) {
                if taken < n_points && order * n_points >= taken * n {
                    taken += 1;
                    map.features(x, &mut features);
                    let residual = y - self.output(&features, 0);
                    for (input, effect) in inputs.iter_mut().enumerate() {
                        moved[input] = x[input];
                        map.features(&moved, &mut features);
                        effect.points.push([x[input], self.output(&features, 0) + residual]);
                        moved[input] = at[input];
                    }
                }
                order += 1;
            }
        });
    }

    /// The prediction for a row of features, one number per output.
    fn responses(&self, features: &[f64]) -> Vec<f64> {
        let mut outputs: Vec<f64> =
            (0..self.linear.n_outputs as usize).map(|k| self.output(features, k)).collect();
        self.loss.respond(&mut outputs);
        outputs
    }
}

impl Spread {
    fn of(rows: &Portion<'_>) -> Self {
        let inputs = &rows.map().inputs;
        let n_inputs = inputs.len();
        let (mut low, mut high) = (vec![f64::INFINITY; n_inputs], vec![f64::NEG_INFINITY; n_inputs]);
        let (mut sums, mut weight, mut n) = (vec![0.0; n_inputs], 0.0, 0);
        let mut levels: Vec<Vec<f64>> =
            inputs.iter().map(|input| vec![0.0; input.n_levels as usize]).collect();
        rows.for_each_input(&mut |Inputs { x, weights, .. }| {
            n += weights.len();
            for (row, s) in x.chunks_exact(n_inputs).zip(weights) {
                weight += s;
                for (j, x) in row.iter().enumerate() {
                    low[j] = low[j].min(*x);
                    high[j] = high[j].max(*x);
                    sums[j] += s * x;
                    if let Some(level) = levels[j].get_mut(*x as usize) {
                        *level += s;
                    }
                }
            }
        });
        let usual = |(sum, levels): (&f64, &Vec<f64>)| {
            let most = levels.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            levels.iter().position(|level| *level == most).map_or(sum / weight, |level| level as f64)
        };
        let usual = sums.iter().zip(&levels).map(usual).collect();
        Self { n, low, high, usual }
    }
}
