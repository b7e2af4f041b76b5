//! From x to features, and from rows to what kernels read.

use serde::{Deserialize, Deserializer, Serialize};

use super::{BLOCK_ROWS, Dataset, MAX_VALUE, blocks};
use crate::message::{Code, Message, Result, bytes, count, short};
use crate::tagged::Fields;

/// The features of the model: powers of x, standardized or not.
///
/// With `z = (x - x_center) / x_scale`, feature k (from 1) is `(z^k - center[k]) / scale[k]`. Scaling x before raising
/// it keeps the powers of, say, a year apart from each other. All of it is f64. A model without bias must stay 0 at
/// x = 0, so its features are scaled by their root mean square and not centred.
#[derive(Clone, Debug, PartialEq, Serialize)]
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

impl<'de> Deserialize<'de> for FeatureMap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let mut from = Fields::read(deserializer)?;
        let map = Self {
            degree: from.need("degree")?,
            x_center: from.need("x_center")?,
            x_scale: from.need("x_scale")?,
            center: from.need("center")?,
            scale: from.need("scale")?,
        };
        from.finish(map)
    }
}

impl FeatureMap {
    /// Plain powers.
    pub fn plain(degree: u32) -> Self {
        let n = degree as usize;
        Self { degree, x_center: 0.0, x_scale: 1.0, center: vec![0.0; n], scale: vec![1.0; n] }
    }

    /// Powers standardized over the rows' x: to mean 0 and (population) standard deviation 1 where the model has a
    /// bias, to root mean square 1 where it has none.
    pub fn standardized(degree: u32, dataset: &Dataset, bias: bool) -> Self {
        let n_samples = dataset.n_samples() as usize;
        let mut standardizer = Standardizer::new(degree, n_samples, bias);
        let mut x = [0.0; BLOCK_ROWS];
        while !standardizer.is_done() {
            for block in blocks(n_samples) {
                let x = &mut x[..block.len()];
                dataset.read_x(block.start, x);
                standardizer.add(x);
            }
            standardizer.end_reading();
        }
        standardizer.map
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

    /// The same of many x, row-major.
    pub fn rows(&self, x: &[f64], out: &mut [f64]) {
        for (x, row) in x.iter().zip(out.chunks_exact_mut(self.degree as usize)) {
            self.features(*x, row);
        }
    }

    /// The x whose first feature this is.
    #[inline]
    pub fn x_of(&self, first_feature: f64) -> f64 {
        self.x_center + self.x_scale * (self.center[0] + self.scale[0] * first_feature)
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

/// Makes [`FeatureMap::standardized`] from readings of every x, block by block: of x itself its mean, then its squares
/// about it; of the powers the same, once x has its scale.
#[derive(Clone, Debug)]
pub struct Standardizer {
    /// As far as it is known.
    map: FeatureMap,
    bias: bool,
    n: f64,
    reading: Reading,
    /// Of the powers that this reading is about.
    sums: Vec<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Reading {
    Mean,
    Square,
    PowerMeans,
    PowerSquares,
    Done,
}

impl Standardizer {
    /// For `n_samples` rows.
    pub fn new(degree: u32, n_samples: usize, bias: bool) -> Self {
        let reading = if bias { Reading::Mean } else { Reading::Square };
        let sums = vec![0.0; degree as usize];
        Self { map: FeatureMap::plain(degree), bias, n: n_samples as f64, reading, sums }
    }

    /// How often every x has to be read.
    pub fn n_readings(degree: u32, bias: bool) -> u32 {
        (1 + u32::from(degree > 1)) * (1 + u32::from(bias))
    }

    /// Whether the map is whole.
    pub fn is_done(&self) -> bool {
        self.reading == Reading::Done
    }

    /// The map, once it is.
    pub fn map(self) -> FeatureMap {
        self.map
    }

    /// The next rows of a reading.
    pub fn add(&mut self, x: &[f64]) {
        let map = &self.map;
        let z = |x: &f64| (x - map.x_center) / map.x_scale;
        // Row after row into each sum, as one long sum would have it.
        match self.reading {
            Reading::Mean => self.sums[0] = x.iter().fold(self.sums[0], |sum, x| sum + x),
            Reading::Square => {
                let center = map.x_center;
                self.sums[0] = x.iter().fold(self.sums[0], |sum, x| sum + (x - center) * (x - center));
            }
            Reading::PowerMeans => {
                for x in x {
                    let z = z(x);
                    for (power, sum) in (2..).zip(&mut self.sums[1..]) {
                        *sum += z.powi(power);
                    }
                }
            }
            Reading::PowerSquares => {
                for x in x {
                    let z = z(x);
                    for ((power, sum), center) in (2..).zip(&mut self.sums[1..]).zip(&map.center[1..]) {
                        let apart = z.powi(power) - center;
                        *sum += apart * apart;
                    }
                }
            }
            Reading::Done => {}
        }
    }

    /// Every x has been read once more.
    pub fn end_reading(&mut self) {
        let n = self.n;
        // A power that does not vary (x of -1 and 1, squared) carries nothing; unit scale keeps it finite.
        let varies = |square: f64| {
            let scale = (square / n).sqrt();
            (scale > 0.0 && scale.is_finite()).then_some(scale)
        };
        let has_powers = self.map.degree > 1;
        self.reading = match self.reading {
            Reading::Mean => {
                self.map.x_center = self.sums[0] / n;
                Reading::Square
            }
            Reading::Square => {
                self.map.x_scale = varies(self.sums[0]).unwrap_or(1.0);
                match (has_powers, self.bias) {
                    (false, _) => Reading::Done,
                    (true, true) => Reading::PowerMeans,
                    (true, false) => Reading::PowerSquares,
                }
            }
            Reading::PowerMeans => {
                for (center, sum) in self.map.center.iter_mut().zip(&self.sums).skip(1) {
                    *center = sum / n;
                }
                Reading::PowerSquares
            }
            Reading::PowerSquares => {
                for (scale, sum) in self.map.scale.iter_mut().zip(&self.sums).skip(1) {
                    *scale = varies(*sum).unwrap_or(1.0);
                }
                Reading::Done
            }
            Reading::Done => Reading::Done,
        };
        self.sums.fill(0.0);
    }
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
    /// Those of [`Problem::reserve`] and [`Problem::put`].
    pub fn build(dataset: &Dataset, map: &FeatureMap, bias: bool) -> Result<Self> {
        let mut problem = Self::reserve(dataset.n_samples(), map.degree, bias)?;
        let mut features = vec![0.0; BLOCK_ROWS * map.degree as usize];
        let mut first = 0;
        let mut refused = None;
        dataset.for_each_block(|x, y| {
            let features = &mut features[..x.len() * map.degree as usize];
            map.rows(x, features);
            problem.hold(y);
            refused = refused.take().or(problem.put(first, features, y).err());
            first += x.len();
        });
        refused.map_or(Ok(problem), Err)
    }

    /// Room for every row, to the byte, and no row yet.
    ///
    /// # Errors
    /// [`Code::OutOfMemory`] where there is no such room.
    pub fn reserve(n_samples: u32, n_features: u32, bias: bool) -> Result<Self> {
        let n = n_samples as usize;
        let (mut features, mut targets) = (Vec::new(), Vec::new());
        let room = features
            .try_reserve_exact(n.saturating_mul(n_features as usize))
            .and(targets.try_reserve_exact(n));
        room.map_err(|_| out_of_memory(n_samples, n_features))?;
        Ok(Self { n_samples, n_features, bias, features, targets })
    }

    /// Adds rows of which only the targets are known, and keeps those in f64: their two halves lie where the first
    /// feature and the target in f32 will. Whatever is needed of all targets before a row can be finished is found
    /// without making the rows twice or holding more of them.
    pub fn hold(&mut self, y: &[f64]) {
        let (first, degree) = (self.targets.len(), self.n_features as usize);
        self.targets.resize(first + y.len(), 0.0);
        self.features.resize((first + y.len()) * degree, 0.0);
        // As integers: a half may look like any f32, one that is not a number too.
        let high: &mut [u32] = bytemuck::cast_slice_mut(&mut self.features[first * degree..]);
        let low: &mut [u32] = bytemuck::cast_slice_mut(&mut self.targets[first..]);
        for ((high, low), y) in high.iter_mut().step_by(degree).zip(low).zip(y) {
            let bits = y.to_bits();
            (*high, *low) = ((bits >> 32) as u32, bits as u32);
        }
    }

    /// The targets that [`Problem::hold`] was given, from row `first` on.
    pub fn held(&self, first: usize, y: &mut [f64]) {
        let degree = self.n_features as usize;
        let high: &[u32] = bytemuck::cast_slice(&self.features[first * degree..]);
        let low: &[u32] = bytemuck::cast_slice(&self.targets[first..]);
        for ((high, low), y) in high.iter().step_by(degree).zip(low).zip(y) {
            *y = f64::from_bits((u64::from(*high) << 32) | u64::from(*low));
        }
    }

    /// Finishes rows that were held, from row `first` on. `features` are row-major.
    ///
    /// # Errors
    /// [`Code::PowerTooLarge`] naming the degree where a power leaves the range in which f32 can square and sum.
    pub fn put(&mut self, first: usize, features: &[f64], y: &[f64]) -> Result<()> {
        let degree = self.n_features as usize;
        let mut largest = 0.0_f64;
        for (out, value) in self.features[first * degree..].iter_mut().zip(features) {
            largest = largest.max(value.abs());
            *out = *value as f32;
        }
        for (out, y) in self.targets[first..].iter_mut().zip(y) {
            *out = *y as f32;
        }
        if largest > MAX_VALUE {
            return Err(Message::new(Code::PowerTooLarge)
                .with("degree", degree)
                .with("value", short(largest)));
        }
        Ok(())
    }

    /// Weights, and the bias if there is one.
    pub fn n_parameters(&self) -> u32 {
        self.n_features + u32::from(self.bias)
    }

    /// Bytes that `n_samples` rows take: features and target, four each.
    pub fn bytes(n_samples: u32, n_features: u32) -> u64 {
        u64::from(n_samples).saturating_mul(4 * (u64::from(n_features) + 1))
    }
}

/// Names the place: rows and features are what a person can take less of.
fn out_of_memory(n_samples: u32, n_features: u32) -> Message {
    Message::new(Code::OutOfMemory)
        .with("n_samples", count(n_samples.into()))
        .with("n_features", n_features)
        .with("size", bytes(Problem::bytes(n_samples, n_features)))
}
