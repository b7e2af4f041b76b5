//! Metrics of regression and classification, as scikit-learn defines them, with sample weights.
//!
//! Sums are updated block by block. An ROC curve needs the scores of all rows.

use crate::order::argsort;
use serde::Serialize;

mod named;

pub use named::NamedMetrics;

/// The smallest probability whose logarithm is taken, as in scikit-learn's `log_loss`.
const LEAST_PROBABILITY: f64 = f64::EPSILON;

/// The most points of a ROC curve.
const MAX_POINTS: usize = 1000;

/// Sums over predictions of a number.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Regression {
    n_samples: u64,
    weight: f64,
    square: f64,
    absolute: f64,
    mean: f64,
    /// `sum s (y - mean)^2`.
    spread: f64,
    /// `sum s y ln y`.
    entropy: f64,
    /// `sum s (m - y - y ln m)`: half the Poisson deviance minus the entropy; NaN if it is
    /// undefined.
    deviance: f64,
}

/// The metrics of predicted numbers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct RegressionMetrics {
    /// Rows.
    pub n_samples: u64,
    /// Mean of `(y - prediction)^2`.
    pub mean_squared_error: f64,
    /// The root of the mean squared error.
    pub root_mean_squared_error: f64,
    /// Mean of `|y - prediction|`.
    pub mean_absolute_error: f64,
    /// `1 - sum (y - prediction)^2 / sum (y - mean)^2`; `None` for a constant target.
    pub r2: Option<f64>,
    /// `1 - (1 - R^2) (n - 1) / (n - p - 1)` with `p` features; `None` if no degree of freedom
    /// remains.
    pub adjusted_r2: Option<f64>,
    /// The mean of `2 (y ln(y / m) - y + m)` with prediction `m`; `None` unless all `m > 0` and `y
    /// >= 0`.
    pub mean_poisson_deviance: Option<f64>,
    /// Share of the Poisson deviance of the mean that is explained: `d2_tweedie_score(power=1)`.
    pub d2_poisson: Option<f64>,
}

impl Regression {
    /// Adds rows.
    pub fn feed(&mut self, predictions: &[f64], targets: &[f64], weights: &[f64]) {
        for ((m, y), s) in predictions.iter().zip(targets).zip(weights) {
            self.n_samples += 1;
            if *s <= 0.0 {
                continue;
            }
            self.weight += s;
            self.square += s * (y - m) * (y - m);
            self.absolute += s * (y - m).abs();
            // West (1979): one pass, and nothing cancels.
            let apart = y - self.mean;
            self.mean += s / self.weight * apart;
            self.spread += s * apart * (y - self.mean);
            self.entropy += s * if *y > 0.0 { y * libm::log(*y) } else { 0.0 };
            self.deviance += if *y >= 0.0 && *m > 0.0 { s * (m - y - y * libm::log(*m)) } else { f64::NAN };
        }
    }

    /// All metrics of a model of `n_features` features.
    pub fn metrics(&self, n_features: usize) -> RegressionMetrics {
        let mean_squared_error = self.square / self.weight;
        let r2 = (self.spread > 0.0).then(|| 1.0 - self.square / self.spread);
        let n = self.n_samples as f64;
        let left = n - n_features as f64 - 1.0;
        let deviance = 2.0 * (self.entropy + self.deviance);
        // The deviance of the mean: `sum s (m - y)` is 0.
        let null_deviance = 2.0 * (self.entropy - self.weight * self.mean * libm::log(self.mean));
        let has_deviance = deviance.is_finite();
        RegressionMetrics {
            n_samples: self.n_samples,
            mean_squared_error,
            root_mean_squared_error: mean_squared_error.sqrt(),
            mean_absolute_error: self.absolute / self.weight,
            r2,
            adjusted_r2: r2.filter(|_| left > 0.0).map(|r2| 1.0 - (1.0 - r2) * (n - 1.0) / left),
            mean_poisson_deviance: has_deviance.then(|| deviance / self.weight),
            d2_poisson: (has_deviance && null_deviance > 0.0).then(|| 1.0 - deviance / null_deviance),
        }
    }
}

/// The fraction of the best constant's pinball loss that is explained, at a quantile
/// (`d2_pinball_score`; at 0.5 it is `d2_absolute_error_score`). The constant is the weighted
/// quantile of the targets; other optimal constants have the same loss. `None` for a constant
/// target.
pub fn d2_pinball(predictions: &[f64], targets: &[f64], weights: &[f64], tau: f64) -> Option<f64> {
    let order = argsort(targets);
    let last = order.last()?;
    let wanted = tau * weights.iter().sum::<f64>();
    let mut sum = 0.0;
    let found = order.iter().find(|row| {
        sum += weights[**row as usize];
        sum >= wanted
    });
    let constant = targets[*found.unwrap_or(last) as usize];
    let pinball = |y: f64, m: f64| (tau * (y - m)).max((tau - 1.0) * (y - m));
    let (mut own, mut null) = (0.0, 0.0);
    for ((m, y), s) in predictions.iter().zip(targets).zip(weights) {
        own += s * pinball(*y, *m);
        null += s * pinball(*y, constant);
    }
    (null > 0.0).then(|| 1.0 - own / null)
}

/// Counts and sums over predictions of a class.
#[derive(Clone, Debug, PartialEq)]
pub struct Classification {
    n_classes: usize,
    n_samples: u64,
    weight: f64,
    /// Row-major: a row a true class, a column a predicted one.
    confusion: Vec<f64>,
    log_loss: f64,
    brier: f64,
    bins: Vec<Bin>,
}

/// The rows whose predicted probability lies in one part of `[0, 1]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Bin {
    /// Weight of the rows.
    pub weight: f64,
    /// Their mean probability.
    pub predicted: f64,
    /// Share of them that is of the second class.
    pub observed: f64,
}

/// The metrics of predicted classes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassificationMetrics {
    /// Rows.
    pub n_samples: u64,
    /// Mean of `-ln p` of the true class.
    pub log_loss: f64,
    /// Share of rows whose most probable class is the true one.
    pub accuracy: f64,
    /// The mean squared distance of probabilities from outcomes: for two classes that of the
    /// second, for more the sum over classes.
    pub brier: f64,
    /// Weight of rows: a row a true class, a column a predicted one.
    pub confusion: Vec<Vec<f64>>,
    /// The metrics of each class.
    pub classes: Vec<ClassMetrics>,
    /// The non-empty bins of equal width in `[0, 1]`, only for two classes.
    pub calibration: Vec<Bin>,
}

/// The metrics of one class against the others. `None` for a division by zero.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ClassMetrics {
    /// Share of the rows predicted to be of the class that are.
    pub precision: Option<f64>,
    /// Share of the rows of the class that were predicted to be.
    pub recall: Option<f64>,
    /// Harmonic mean of the two.
    pub f1: Option<f64>,
    /// Weight of the rows of the class.
    pub support: f64,
}

impl Classification {
    /// Starts with `n_classes`, and `n_bins` for the calibration curve.
    pub fn new(n_classes: usize, n_bins: usize) -> Self {
        Self {
            n_classes,
            n_samples: 0,
            weight: 0.0,
            confusion: vec![0.0; n_classes * n_classes],
            log_loss: 0.0,
            brier: 0.0,
            bins: vec![Bin::default(); n_bins],
        }
    }

    /// Adds rows. `probabilities` are row-major with one per class; for two classes only that of
    /// the second.
    pub fn feed(&mut self, probabilities: &[f64], targets: &[f64], weights: &[f64]) {
        let width = if self.n_classes == 2 { 1 } else { self.n_classes };
        for ((p, y), s) in probabilities.chunks_exact(width).zip(targets).zip(weights) {
            let class = *y as usize;
            self.n_samples += 1;
            self.weight += s;
            let predicted = if width == 1 { usize::from(p[0] > 0.5) } else { most_probable(p) };
            self.confusion[class * self.n_classes + predicted] += s;
            let own = if width > 1 {
                p[class]
            } else if class == 1 {
                p[0]
            } else {
                1.0 - p[0]
            };
            self.log_loss -= s * libm::log(own.clamp(LEAST_PROBABILITY, 1.0 - LEAST_PROBABILITY));
            if width == 1 {
                self.brier += s * (1.0 - own) * (1.0 - own);
                self.bin(p[0], *y, *s);
            } else {
                let apart = |(k, p): (usize, &f64)| (p - f64::from(k == class)).powi(2);
                self.brier += s * p.iter().enumerate().map(apart).sum::<f64>();
            }
        }
    }

    fn bin(&mut self, p: f64, y: f64, s: f64) {
        let n = self.bins.len();
        // Each part holds its upper end.
        let place = ((p * n as f64).ceil() as usize).clamp(1, n.max(1)) - 1;
        if let Some(bin) = self.bins.get_mut(place) {
            bin.weight += s;
            bin.predicted += s * p;
            bin.observed += s * y;
        }
    }

    /// All metrics.
    pub fn metrics(&self) -> ClassificationMetrics {
        let n = self.n_classes;
        let at = |actual: usize, predicted: usize| self.confusion[actual * n + predicted];
        let share = |part: f64, whole: f64| (whole > 0.0).then(|| part / whole);
        let class = |k: usize| {
            let hits = at(k, k);
            let support: f64 = (0..n).map(|l| at(k, l)).sum();
            let predicted: f64 = (0..n).map(|l| at(l, k)).sum();
            ClassMetrics {
                precision: share(hits, predicted),
                recall: share(hits, support),
                f1: share(2.0 * hits, support + predicted),
                support,
            }
        };
        let mean = |bin: &Bin| Bin {
            weight: bin.weight,
            predicted: bin.predicted / bin.weight,
            observed: bin.observed / bin.weight,
        };
        ClassificationMetrics {
            n_samples: self.n_samples,
            log_loss: self.log_loss / self.weight,
            accuracy: (0..n).map(|k| at(k, k)).sum::<f64>() / self.weight,
            brier: self.brier / self.weight,
            confusion: self.confusion.chunks_exact(n).map(<[f64]>::to_vec).collect(),
            classes: (0..n).map(class).collect(),
            calibration: self.bins.iter().filter(|bin| bin.weight > 0.0).map(mean).collect(),
        }
    }
}

/// True and false positive rates for every threshold of the score, in descending order.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Roc {
    /// From (0, 0) to (1, 1): the fractions of negatives and of positives that score at least the
    /// threshold. There are at most a thousand points; points on the line between their neighbors
    /// are left out.
    pub points: Vec<[f64; 2]>,
    /// The area under the curve of all points: the probability that a positive scores higher than a
    /// negative, where ties count half.
    pub area: f64,
}

impl Roc {
    /// Computes the curve of rows that are positive (the target is 1) or not (0), with scores on
    /// any scale. `None` if all rows are of one kind.
    pub fn new(scores: &[f64], targets: &[f64], weights: &[f64]) -> Option<Self> {
        let falling: Vec<f64> = scores.iter().map(|score| -score).collect();
        let order = argsort(&falling);
        let (mut negative, mut positive) = (0.0, 0.0);
        let mut counts = vec![[0.0, 0.0]];
        for tied in order.chunk_by(|a, b| scores[*a as usize] == scores[*b as usize]) {
            for row in tied.iter().map(|row| *row as usize) {
                positive += weights[row] * targets[row];
                negative += weights[row] * (1.0 - targets[row]);
            }
            counts.push([negative, positive]);
        }
        if negative <= 0.0 || positive <= 0.0 {
            return None;
        }
        let area = counts.windows(2).map(|pair| {
            let ([x0, y0], [x1, y1]) = (pair[0], pair[1]);
            (x1 - x0) * (y0 + y1) / 2.0
        });
        let area = area.sum::<f64>() / (negative * positive);
        let corners: Vec<[f64; 2]> = corners(&counts).map(|[x, y]| [x / negative, y / positive]).collect();
        let n_points = corners.len().min(MAX_POINTS);
        let points =
            (0..n_points).map(|k| corners[k * (corners.len() - 1) / (n_points - 1).max(1)]).collect();
        Some(Self { points, area })
    }
}

/// The points without those on a straight line between their neighbours.
fn corners(points: &[[f64; 2]]) -> impl Iterator<Item = [f64; 2]> + '_ {
    (0..points.len())
        .filter(|i| {
            if *i == 0 || *i + 1 == points.len() {
                return true;
            }
            let [[x0, y0], [x1, y1], [x2, y2]] = [points[i - 1], points[*i], points[i + 1]];
            (x1 - x0) * (y2 - y1) != (x2 - x1) * (y1 - y0)
        })
        .map(|i| points[i])
}

/// The first of the largest.
fn most_probable(probabilities: &[f64]) -> usize {
    let mut best = 0;
    for (k, p) in probabilities.iter().enumerate() {
        if *p > probabilities[best] {
            best = k;
        }
    }
    best
}
