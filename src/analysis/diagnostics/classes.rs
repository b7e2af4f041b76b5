//! Diagnostics of predicted classes: the ROC curve, calibration, confusion matrix, and histogram of
//! probabilities.

use serde::Serialize;

use super::{Diagnostics, MOST_ROWS, Task};
use crate::dataset::Dataset;
use crate::metrics::{Classification, Roc};

/// Number of equal parts of `[0, 1]` into which a calibration curve groups probabilities.
const N_BINS: usize = 10;
/// Number of bars in a histogram of probabilities.
const N_BARS: usize = 20;

/// An ROC curve: the false and true positive rates as the threshold falls, as two columns of equal length.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Curve {
    /// False positive rate at each point (horizontal axis).
    pub false_positive: Vec<f64>,
    /// True positive rate at each point (vertical axis).
    pub true_positive: Vec<f64>,
    /// Area under the ROC curve.
    pub auc: f64,
}

/// A calibration curve: the observed frequency of the second class against its predicted probability, by bins
/// of probability.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Calibration {
    /// Mean predicted probability in each bin.
    pub predicted: Vec<f64>,
    /// Fraction of each bin's rows that belong to the second class.
    pub observed: Vec<f64>,
    /// Total weight of each bin's rows.
    pub count: Vec<f64>,
}

/// A confusion matrix: the number of rows by actual and by predicted class.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Confusion {
    /// Names of the classes, in the order of the matrix.
    pub labels: Vec<String>,
    /// Weights of the rows, indexed `[actual class][predicted class]`.
    pub counts: Vec<Vec<f64>>,
}

/// A histogram of the predicted probability of the second of two classes, for each actual class.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Histogram {
    /// Limits of the bars, in ascending order; one more than there are bars.
    pub edges: Vec<f64>,
    /// Names of the two actual classes.
    pub labels: Vec<String>,
    /// Number of rows, indexed `[actual class][bar]`.
    pub counts: Vec<Vec<u32>>,
}

/// Collects predictions of classes: sums over all rows, and the score of every row if there are two classes.
pub(super) struct Scored {
    counts: Classification,
    /// Whether the loss predicts classes without probabilities.
    decides: bool,
    /// With two classes, for each row: the probability of the second class or, without probabilities, its
    /// output.
    scores: Vec<f64>,
    targets: Vec<f64>,
    weights: Vec<f64>,
}

impl Scored {
    pub(super) fn new(n_classes: usize, decides: bool) -> Self {
        Self {
            counts: Classification::new(n_classes, N_BINS),
            decides,
            scores: Vec::new(),
            targets: Vec::new(),
            weights: Vec::new(),
        }
    }

    pub(super) fn feed(&mut self, outputs: &[f64], predicted: &[f64], actual: f64, weight: f64) {
        self.counts.feed(predicted, &[actual], &[weight]);
        if let [score] = if self.decides { outputs } else { predicted } {
            self.scores.push(*score);
            self.targets.push(actual);
            self.weights.push(weight);
        }
    }

    pub(super) fn into_diagnostics(
        self,
        mut found: Diagnostics,
        dataset: &Dataset,
        n_classes: usize,
    ) -> Diagnostics {
        let metrics = self.counts.metrics();
        let named = |k: usize| dataset.target_levels.get(k).cloned().unwrap_or_else(|| k.to_string());
        let labels: Vec<String> = (0..n_classes).map(named).collect();
        if !self.decides {
            found.scores.push(("log_loss", Some(metrics.log_loss)));
        }
        found.scores.push(("accuracy", Some(metrics.accuracy)));
        if found.task == Task::Binary {
            let roc = Roc::new(&self.scores, &self.targets, &self.weights);
            let second = metrics.classes[1];
            found.scores.extend([
                ("auc", roc.as_ref().map(|roc| roc.area)),
                ("precision", second.precision),
                ("recall", second.recall),
                ("f1", second.f1),
            ]);
            found.roc = roc.map(Curve::of);
        }
        if found.task == Task::Binary && !self.decides {
            let bins = &metrics.calibration;
            found.calibration = Some(Calibration {
                predicted: bins.iter().map(|bin| bin.predicted).collect(),
                observed: bins.iter().map(|bin| bin.observed).collect(),
                count: bins.iter().map(|bin| bin.weight).collect(),
            });
            found.histogram = Some(self.histogram(labels.clone()));
        }
        if !self.decides {
            found.scores.push(("brier", Some(metrics.brier)));
        }
        found.confusion = Some(Confusion { labels, counts: metrics.confusion });
        found
    }

    fn histogram(&self, labels: Vec<String>) -> Histogram {
        let mut counts = vec![vec![0; N_BARS]; 2];
        for (p, y) in self.scores.iter().zip(&self.targets) {
            counts[usize::from(*y > 0.5)][((p * N_BARS as f64) as usize).min(N_BARS - 1)] += 1;
        }
        let edges = (0..=N_BARS).map(|i| i as f64 / N_BARS as f64).collect();
        Histogram { edges, labels, counts }
    }
}

impl Curve {
    fn of(Roc { points, area }: Roc) -> Self {
        let stride = points.len().div_ceil(MOST_ROWS).max(1);
        let last = points.len() - 1;
        let kept = (0..points.len()).filter(|i| i % stride == 0 || *i == last).map(|i| points[i]);
        let (false_positive, true_positive) = kept.map(|[x, y]| (x, y)).unzip();
        Self { false_positive, true_positive, auc: area }
    }
}
