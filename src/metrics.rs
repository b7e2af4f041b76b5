//! Metrics of regression and classification, as scikit-learn defines them, with sample weights.
//!
//! Rows are added block by block to sums. Only ROC curves need the scores of all rows at once.

use crate::order::argsort;
use serde::Serialize;

mod named;

pub use named::NamedMetrics;

/// Lower limit of a probability before its logarithm is taken, as in scikit-learn's `log_loss`.
const LEAST_PROBABILITY: f64 = f64::EPSILON;

/// The maximum number of points of an ROC curve.
const MAX_POINTS: usize = 1000;

/// Sums over rows for the metrics of predicted numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Regression {
    n_samples: u64,
    weight: f64,
    square: f64,
    absolute: f64,
    mean: f64,
    /// Weighted squares of the target about its mean, `sum s (y - mean)^2` with row weights `s`.
    spread: f64,
    /// `sum s y ln y`, over targets `y` with row weights `s`.
    entropy: f64,
    /// `sum s (m - y - y ln m)` for prediction `m` and target `y`: half of the Poisson deviance minus
    /// `entropy`; NaN if it is undefined.
    deviance: f64,
}

/// Metrics of predicted numbers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct RegressionMetrics {
    /// Number of rows.
    pub n_samples: u64,
    /// Mean squared error, the mean of `(y - prediction)^2`.
    pub mean_squared_error: f64,
    /// Root mean squared error, the square root of the mean squared error.
    pub root_mean_squared_error: f64,
    /// Mean absolute error, the mean of `|y - prediction|`.
    pub mean_absolute_error: f64,
    /// R², `1 - sum (y - prediction)^2 / sum (y - mean)^2`; `None` for a constant target.
    pub r2: Option<f64>,
    /// R² adjusted for the number `p` of features, `1 - (1 - R^2) (n - 1) / (n - p - 1)`; `None` if no
    /// degrees of freedom remain.
    pub adjusted_r2: Option<f64>,
    /// Mean Poisson deviance, the mean of `2 (y ln(y / m) - y + m)` with prediction `m`; `None` unless all `m
    /// > 0` and `y >= 0`.
    pub mean_poisson_deviance: Option<f64>,
    /// Fraction of the Poisson deviance that is explained, compared with predicting the mean (scikit-learn's
    /// `d2_tweedie_score(power=1)`).
    pub d2_poisson: Option<f64>,
}

impl Regression {
    /// Adds rows with their predictions, targets and weights.
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

    /// Computes the metrics of a model with `n_features` features.
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

/// Fraction of the pinball loss at quantile `tau` that the predictions explain, compared with the best
/// constant (scikit-learn's `d2_pinball_score`; at 0.5 it is `d2_absolute_error_score`). The constant is the
/// weighted quantile of the targets; other optimal constants have the same loss. `None` for a constant
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

/// Counts and sums over rows for the metrics of predicted classes.
#[derive(Clone, Debug, PartialEq)]
pub struct Classification {
    n_classes: usize,
    n_samples: u64,
    weight: f64,
    /// Weights of rows by class, indexed `[true class][predicted class]`, row-major.
    confusion: Vec<f64>,
    log_loss: f64,
    brier: f64,
    bins: Vec<Bin>,
}

/// A bin of a calibration curve: the rows whose predicted probability lies in one part of `[0, 1]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Bin {
    /// Total weight of the bin's rows.
    pub weight: f64,
    /// Mean predicted probability of the bin's rows.
    pub predicted: f64,
    /// Fraction of the bin's rows that belong to the second class.
    pub observed: f64,
}

/// Metrics of predicted classes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassificationMetrics {
    /// Number of rows.
    pub n_samples: u64,
    /// Log loss: the mean of `-ln p`, where `p` is the predicted probability of the true class.
    pub log_loss: f64,
    /// Fraction of rows whose most probable class is the true one.
    pub accuracy: f64,
    /// Brier score, the mean squared difference between probabilities and outcomes: for two classes, of the
    /// second class; for more, summed over the classes.
    pub brier: f64,
    /// Confusion matrix: weights of rows, indexed `[true class][predicted class]`.
    pub confusion: Vec<Vec<f64>>,
    /// Precision, recall and so on of each class.
    pub classes: Vec<ClassMetrics>,
    /// Calibration curve: the non-empty bins of equal width in `[0, 1]`; only for two classes.
    pub calibration: Vec<Bin>,
}

/// The metrics of one class against all others. A value is `None` if it would be a division by zero.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ClassMetrics {
    /// Fraction of the rows predicted to belong to the class that do belong to it.
    pub precision: Option<f64>,
    /// Fraction of the rows of the class that are predicted to belong to it.
    pub recall: Option<f64>,
    /// Harmonic mean of precision and recall.
    pub f1: Option<f64>,
    /// Total weight of the rows of the class.
    pub support: f64,
}

impl Classification {
    /// Creates empty sums for `n_classes` classes and `n_bins` bins of the calibration curve.
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

    /// Adds rows. `probabilities` are row-major, with one probability per class, or for two classes only that
    /// of the second.
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

    /// Computes all metrics.
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

/// An ROC curve: false and true positive rates for every threshold of the score, in descending order of the
/// threshold.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Roc {
    /// Points `[false positive rate, true positive rate]` from (0, 0) to (1, 1): the fractions of negatives
    /// and of positives that score at least the threshold. There are at most a thousand points; points on the
    /// line between their neighbors are left out.
    pub points: Vec<[f64; 2]>,
    /// The area under the curve through all points: the probability that a positive scores higher than a
    /// negative, where ties count half.
    pub area: f64,
}

impl Roc {
    /// Computes the curve for rows that are positive (the target is 1) or negative, with scores on any scale.
    /// `None` if all rows are of one kind.
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

/// The points of a curve, without those on a straight line between their neighbours.
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

/// Index of the largest probability; the first among equals.
fn most_probable(probabilities: &[f64]) -> usize {
    let mut best = 0;
    for (k, p) in probabilities.iter().enumerate() {
        if *p > probabilities[best] {
            best = k;
        }
    }
    best
}
