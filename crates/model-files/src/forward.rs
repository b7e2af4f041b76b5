//! Fast prediction of many rows at once, column by column, without allocations per row.

use downhill::dataset::{FeatureMap, Term};
use downhill::model::Response;

use downhill::foreign::Model;

/// The number of rows in a block. A block of every column and the intermediate results fit into the
/// first-level cache.
const BLOCK_ROWS: usize = 1 << 10;

/// A model as a sum of contributions from single inputs and from pairs of inputs.
///
/// Numbers are scaled, raised and multiplied in f64 as in the model. The centers of features are
/// folded into the constant: `w (t - c) / s = (w / s) t - w c / s`.
#[derive(Clone, Debug)]
pub struct Forward {
    n_outputs: usize,
    constants: Vec<f64>,
    parts: Vec<Part>,
    /// The center and scale of each input whose scaled values are needed.
    scales: Vec<Option<(f64, f64)>>,
    activation: Response,
}

/// The contribution of one or two inputs; weights are indexed by output first.
#[derive(Clone, Debug)]
enum Part {
    /// Numeric inputs that occur only as first powers. `of` has the index and the center `c` of each input
    /// `x`; `weights[output][input]` are `w / s` in `w / s (x - c)`.
    Firsts { of: Vec<(usize, f64)>, weights: Vec<Vec<f64>> },
    /// Powers of the scaled input `z`, `w_1 z + w_2 z^2 + ...`: `weights[output]` has the weights from the
    /// highest power to the lowest.
    Powers { input: usize, weights: Vec<Vec<f64>> },
    /// A category: `weights[output][level]`, which are 0 for the first level.
    Levels { input: usize, weights: Vec<Vec<f64>> },
    /// A product of two scaled numeric inputs, `w z_a z_b`: `weights[output]`.
    Numbers { of: [usize; 2], weights: Vec<f64> },
    /// A product of a category and a numeric input: `weights[output][level]` is the slope in `number` for
    /// each level.
    Slopes { category: usize, number: usize, weights: Vec<Vec<f64>> },
    /// A product of two categories: `weights[output]` has a weight for each pair of levels, row-major, where
    /// the second category has `n` levels.
    Pairs { of: [usize; 2], n: usize, weights: Vec<Vec<f64>> },
}

/// Buffers for one block of rows, reused between blocks.
#[derive(Clone, Debug, Default)]
struct Scratch {
    /// The scaled values of the block's rows, indexed `[input][row]`.
    z: Vec<Vec<f64>>,
    outputs: Vec<Vec<f64>>,
}

impl Forward {
    /// Prepares a model, whose fields must be consistent, for prediction.
    pub fn new(model: &Model) -> Self {
        let (map, n_outputs) = (&model.map, model.n_outputs());
        let terms = map.terms();
        // Returns `w / s` of a feature and an output.
        let slope = |k: usize, output: usize| model.weights[k][output] / map.scale[k];
        let constants = (0..n_outputs).map(|output| {
            let shift: f64 = (0..terms.len()).map(|k| slope(k, output) * map.center[k]).sum();
            model.bias.as_ref().map_or(0.0, |bias| bias[output]) - shift
        });
        let each = |of: &dyn Fn(usize) -> Vec<f64>| (0..n_outputs).map(of).collect::<Vec<Vec<f64>>>();
        let in_pairs = |input: usize| map.interactions.iter().flatten().any(|of| *of as usize == input);
        let mut parts = Vec::new();
        let mut firsts = Vec::new();
        let mut alone: Vec<(usize, usize)> = Vec::new();
        let mut first = 0;
        for (input, own) in map.inputs.iter().enumerate() {
            firsts.push(first);
            let n = own.n_features();
            if own.n_levels == 0 && n == 1 && !in_pairs(input) {
                alone.push((input, first));
                first += n;
                continue;
            }
            parts.push(if own.n_levels > 0 {
                let weights = each(&|output| {
                    std::iter::once(0.0).chain((first..first + n).map(|k| slope(k, output))).collect()
                });
                Part::Levels { input, weights }
            } else {
                let weights = each(&|output| (first..first + n).rev().map(|k| slope(k, output)).collect());
                Part::Powers { input, weights }
            });
            first += n;
        }
        if !alone.is_empty() {
            let of = alone.iter().map(|(input, _)| (*input, map.inputs[*input].center)).collect();
            let weights = each(&|output| {
                alone.iter().map(|(input, k)| slope(*k, output) / map.inputs[*input].scale).collect()
            });
            parts.insert(0, Part::Firsts { of, weights });
        }
        let is_scaled = |input: usize| !alone.iter().any(|(own, _)| *own == input);
        let scales = (0..map.inputs.len()).map(|input| {
            let own = &map.inputs[input];
            is_scaled(input).then_some((own.center, own.scale))
        });
        let pairs = Pairs { map, terms: &terms, firsts: &firsts, n_outputs, slope: &slope };
        parts.extend(map.interactions.iter().map(|pair| pairs.part(*pair)));
        Self {
            n_outputs,
            constants: constants.collect(),
            parts,
            scales: scales.collect(),
            activation: model.activation,
        }
    }

    /// The number of outputs: one, or one for each class.
    pub fn n_outputs(&self) -> usize {
        self.n_outputs
    }

    /// Predicts rows that are given as columns of equal length (a category as the index of its level). Writes
    /// one column per output, after the activation, into `said`. An unknown level counts as the first one.
    pub fn predict(&self, columns: &[&[f64]], said: &mut [Vec<f64>]) {
        let n_rows = columns.first().map_or(0, |column| column.len());
        for column in said.iter_mut() {
            column.clear();
            column.resize(n_rows, 0.0);
        }
        let mut scratch = Scratch {
            z: vec![vec![0.0; BLOCK_ROWS.min(n_rows)]; columns.len()],
            outputs: vec![vec![0.0; BLOCK_ROWS.min(n_rows)]; self.n_outputs],
        };
        for first in (0..n_rows).step_by(BLOCK_ROWS) {
            let end = (first + BLOCK_ROWS).min(n_rows);
            let block: Vec<&[f64]> = columns.iter().map(|column| &column[first..end]).collect();
            self.block(&block, &mut scratch);
            for (column, outputs) in said.iter_mut().zip(&scratch.outputs) {
                column[first..end].copy_from_slice(&outputs[..end - first]);
            }
        }
    }

    fn block(&self, columns: &[&[f64]], scratch: &mut Scratch) {
        let n = columns[0].len();
        let Scratch { z, outputs } = scratch;
        for ((z, x), scaled) in z.iter_mut().zip(columns).zip(&self.scales) {
            let Some((center, scale)) = scaled else { continue };
            let z = &mut z[..n];
            if *center == 0.0 && *scale == 1.0 {
                z.copy_from_slice(x);
            } else {
                z.iter_mut().zip(*x).for_each(|(z, x)| *z = (x - center) / scale);
            }
        }
        for (output, constant) in self.constants.iter().enumerate() {
            let out = &mut outputs[output][..n];
            out.fill(*constant);
            for part in &self.parts {
                part.add(output, columns, z, out);
            }
        }
        self.activate(n, outputs);
    }

    /// Applies the activation in place to the outputs of `n` rows.
    fn activate(&self, n: usize, outputs: &mut [Vec<f64>]) {
        if self.activation != Response::Softmax {
            // These activations act on each number separately, so that a column can be processed
            // like a row.
            outputs.iter_mut().for_each(|column| self.activation.respond(&mut column[..n]));
            return;
        }
        let mut row = vec![0.0; self.n_outputs];
        for i in 0..n {
            row.iter_mut().zip(&*outputs).for_each(|(z, column)| *z = column[i]);
            self.activation.respond(&mut row);
            row.iter().zip(&mut *outputs).for_each(|(p, column)| column[i] = *p);
        }
    }
}

/// The data from which contributions of pairs of inputs are built.
struct Pairs<'a> {
    map: &'a FeatureMap,
    terms: &'a [Term],
    /// For each input, the index of its first feature.
    firsts: &'a [usize],
    n_outputs: usize,
    /// Returns, for a feature and an output, the weight divided by the feature's scale.
    slope: &'a dyn Fn(usize, usize) -> f64,
}

impl Pairs<'_> {
    fn part(&self, pair: [u32; 2]) -> Part {
        let [a, b] = pair.map(|input| input as usize);
        let levels_of = |input: usize| self.map.inputs[input].n_levels as usize;
        let slopes = |number: usize, category: usize| {
            let of_level = |level: usize, output: usize| {
                // The product lists its inputs in the order of the pair.
                let (of_number, of_category) = (Some(self.firsts[number]), self.level(category, level));
                let [fa, fb] = if number == a { [of_number, of_category] } else { [of_category, of_number] };
                self.slope_of(fa, fb, output)
            };
            let weights =
                self.each(&|output| (0..levels_of(category)).map(|level| of_level(level, output)).collect());
            Part::Slopes { category, number, weights }
        };
        match (levels_of(a), levels_of(b)) {
            (0, 0) => {
                let [fa, fb] = [a, b].map(|input| Some(self.firsts[input]));
                let weights = (0..self.n_outputs).map(|output| self.slope_of(fa, fb, output)).collect();
                Part::Numbers { of: [a, b], weights }
            }
            (0, _) => slopes(a, b),
            (_, 0) => slopes(b, a),
            (n_a, n_b) => {
                let of = |of_a: usize, of_b: usize, output: usize| {
                    self.slope_of(self.level(a, of_a), self.level(b, of_b), output)
                };
                let weights = self.each(&|output| {
                    (0..n_a).flat_map(|of_a| (0..n_b).map(move |of_b| of(of_a, of_b, output))).collect()
                });
                Part::Pairs { of: [a, b], n: n_b, weights }
            }
        }
    }

    fn each(&self, of: &dyn Fn(usize) -> Vec<f64>) -> Vec<Vec<f64>> {
        (0..self.n_outputs).map(of).collect()
    }

    /// Returns the index of a level's feature; the first level has none.
    fn level(&self, input: usize, level: usize) -> Option<usize> {
        level.checked_sub(1).map(|place| self.firsts[input] + place)
    }

    /// Returns the slope of the product of two features for an output; 0 if one is missing.
    fn slope_of(&self, a: Option<usize>, b: Option<usize>, output: usize) -> f64 {
        let product = |(a, b): (usize, usize)| {
            self.terms.iter().position(|term| matches!(*term, Term::Product { of } if of == [a, b]))
        };
        a.zip(b).and_then(product).map_or(0.0, |k| (self.slope)(k, output))
    }
}

impl Part {
    fn add(&self, output: usize, x: &[&[f64]], z: &[Vec<f64>], out: &mut [f64]) {
        match self {
            Self::Firsts { of, weights } => {
                // Four inputs at a time, so that the sums are loaded and stored a quarter as often.
                let (fours, rest) = of.as_chunks::<4>();
                let (weights, weights_of_rest) = weights[output].as_chunks::<4>();
                for (four, w) in fours.iter().zip(weights) {
                    let c = four.map(|(_, center)| center);
                    let [a, b, d, e] = four.map(|(input, _)| &x[input][..out.len()]);
                    for (i, out) in out.iter_mut().enumerate() {
                        let left = w[0] * (a[i] - c[0]) + w[1] * (b[i] - c[1]);
                        *out += left + (w[2] * (d[i] - c[2]) + w[3] * (e[i] - c[3]));
                    }
                }
                for ((input, center), weight) in rest.iter().zip(weights_of_rest) {
                    out.iter_mut().zip(x[*input]).for_each(|(out, x)| *out += weight * (x - center));
                }
            }
            Self::Powers { input, weights } => match &weights[output][..] {
                [w2, w1] => out.iter_mut().zip(&z[*input]).for_each(|(out, z)| *out += (w2 * z + w1) * z),
                [w3, w2, w1] => {
                    out.iter_mut().zip(&z[*input]).for_each(|(out, z)| *out += ((w3 * z + w2) * z + w1) * z);
                }
                // Horner's method.
                weights => out.iter_mut().zip(&z[*input]).for_each(|(out, z)| {
                    *out += weights.iter().fold(0.0, |sum, weight| (sum + weight) * z);
                }),
            },
            Self::Levels { input, weights } => {
                let weights = &weights[output];
                out.iter_mut().zip(&z[*input]).for_each(|(out, level)| *out += at(weights, *level));
            }
            Self::Numbers { of: [a, b], weights } => {
                let weight = weights[output];
                let pairs = z[*a].iter().zip(&z[*b]);
                out.iter_mut().zip(pairs).for_each(|(out, (a, b))| *out += weight * (a * b));
            }
            Self::Slopes { category, number, weights } => {
                let weights = &weights[output];
                let pairs = z[*category].iter().zip(&z[*number]);
                out.iter_mut().zip(pairs).for_each(|(out, (level, z))| *out += at(weights, *level) * z);
            }
            Self::Pairs { of: [a, b], n, weights } => {
                let weights = &weights[output];
                let pairs = z[*a].iter().zip(&z[*b]);
                out.iter_mut().zip(pairs).for_each(|(out, (a, b))| *out += at(weights, a * *n as f64 + b));
            }
        }
    }
}

/// Returns the weight of a level, or 0 if it is out of range. Casts from float saturate, so any float is
/// either an index or out of range.
fn at(weights: &[f64], level: f64) -> f64 {
    weights.get(level as usize).copied().unwrap_or(0.0)
}
