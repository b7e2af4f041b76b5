//! Metrics of predictions, compared with scikit-learn.

use downhill::analysis::{Block, Rows};
use downhill::choices::Loss;
use downhill::metrics::{
    Classification, ClassificationMetrics, Regression, RegressionMetrics, Roc, d2_pinball,
};
use serde_json::Value;

use crate::support::{assert_close, numbers, reference};

/// Rows in blocks of uneven size, as streams deliver them.
const BLOCK: usize = 7;

/// Weighted or not, with scikit-learn's result for each.
fn both(reference: &Value) -> [(Vec<f64>, &Value); 2] {
    let weights = numbers(&reference["weights"]);
    let even = vec![1.0; weights.len()];
    [(weights, &reference["weighted"]), (even, &reference["even"])]
}

fn check(found: f64, expected: &Value, what: &str) {
    let expected = expected.as_f64().unwrap();
    assert_close(found, expected, 1e-12 * expected.abs().max(1.0), what);
}

#[test]
fn numbers_are_scored_as_scikit_learn_does() {
    let reference = reference("scores");
    let [y, prediction] = ["y", "prediction"].map(|key| numbers(&reference[key]));
    let [counts, rates] = ["counts", "rates"].map(|key| numbers(&reference[key]));
    for (weights, expected) in both(&reference) {
        let expected = &expected["regression"];
        let scores = |predictions: &[f64], targets: &[f64]| {
            let mut sums = Regression::default();
            for ((m, y), s) in predictions.chunks(BLOCK).zip(targets.chunks(BLOCK)).zip(weights.chunks(BLOCK))
            {
                sums.feed(m, y, s);
            }
            sums.metrics(3)
        };
        let found = scores(&prediction, &y);
        check(found.mean_squared_error, &expected["mean_squared_error"], "MSE");
        check(found.root_mean_squared_error, &expected["root_mean_squared_error"], "RMSE");
        check(found.mean_absolute_error, &expected["mean_absolute_error"], "MAE");
        check(found.r2.unwrap(), &expected["r2"], "R2");
        // scikit-learn does not compute it; derived from its R^2 with 60 rows and 3 features.
        let adjusted = 1.0 - (1.0 - expected["r2"].as_f64().unwrap()) * 59.0 / 56.0;
        assert_close(found.adjusted_r2.unwrap(), adjusted, 1e-12, "adjusted R2");
        for (tau, expected) in [0.1, 0.5, 0.8].iter().zip(expected["d2_pinball"].as_array().unwrap()) {
            check(d2_pinball(&prediction, &y, &weights, *tau).unwrap(), expected, "D2 of the pinball loss");
        }
        let found = scores(&rates, &counts);
        check(found.mean_poisson_deviance.unwrap(), &expected["mean_poisson_deviance"], "deviance");
        check(found.d2_poisson.unwrap(), &expected["d2_poisson"], "D2 of the deviance");
    }
}

#[test]
fn what_cannot_be_told_of_numbers_is_none() {
    let mut sums = Regression::default();
    sums.feed(&[1.0, 2.0, -1.0], &[3.0, 3.0, 3.0], &[1.0; 3]);
    let found = sums.metrics(2);
    assert_eq!((found.r2, found.adjusted_r2, found.mean_poisson_deviance), (None, None, None));
    assert_eq!(d2_pinball(&[1.0, 2.0], &[3.0, 3.0], &[1.0, 1.0], 0.5), None);
}

fn classified(probabilities: &[f64], targets: &[f64], weights: &[f64], n: usize) -> ClassificationMetrics {
    let width = probabilities.len() / targets.len();
    let mut counts = Classification::new(n, 5);
    let blocks = probabilities.chunks(BLOCK * width).zip(targets.chunks(BLOCK)).zip(weights.chunks(BLOCK));
    for ((p, y), s) in blocks {
        counts.feed(p, y, s);
    }
    counts.metrics()
}

#[test]
fn classes_are_scored_as_scikit_learn_does() {
    let reference = reference("scores");
    let probability = numbers(&reference["probability"]);
    let shares: Vec<f64> = reference["shares"].as_array().unwrap().iter().flat_map(numbers).collect();
    for (weights, expected) in both(&reference) {
        for (key, p, n) in [("binary", &probability, 2), ("classes", &shares, 4)] {
            let found = classified(p, &numbers(&reference[key]), &weights, n);
            let expected = &expected[key];
            check(found.log_loss, &expected["log_loss"], "log loss");
            check(found.accuracy, &expected["accuracy"], "accuracy");
            check(found.brier, &expected["brier"], "Brier score");
            for (found, expected) in found.confusion.iter().zip(expected["confusion"].as_array().unwrap()) {
                for (found, expected) in found.iter().zip(numbers(expected)) {
                    assert_close(*found, expected, 1e-12, "confusion");
                }
            }
            for (k, class) in found.classes.iter().enumerate() {
                for (found, what) in
                    [(class.precision, "precision"), (class.recall, "recall"), (class.f1, "f1")]
                {
                    match expected[what][k].as_f64() {
                        Some(expected) => assert_close(found.unwrap(), expected, 1e-12, what),
                        None => assert_eq!(found, None, "{what} of class {k}"),
                    }
                }
            }
        }
    }
}

#[test]
fn a_curve_of_positives_is_that_of_scikit_learn() {
    let reference = reference("scores");
    let [scores, targets] = ["probability", "binary"].map(|key| numbers(&reference[key]));
    for (weights, expected) in both(&reference) {
        let found = Roc::new(&scores, &targets, &weights).unwrap();
        check(found.area, &expected["roc"]["area"], "area");
        let expected = expected["roc"]["points"].as_array().unwrap();
        assert_eq!(found.points.len(), expected.len());
        for (found, expected) in found.points.iter().zip(expected) {
            for (found, expected) in found.iter().zip(numbers(expected)) {
                assert_close(*found, expected, 1e-12, "a point");
            }
        }
    }
    assert_eq!(Roc::new(&[0.1, 0.9], &[1.0, 1.0], &[1.0, 1.0]), None);
    // A curve with many corners is drawn through some of them, including its ends, but measured by
    // all.
    let n = 10_000;
    let scores: Vec<f64> = (0..n).map(f64::from).collect();
    let targets: Vec<f64> = (0..n).map(|i| f64::from(i % 2)).collect();
    let found = Roc::new(&scores, &targets, &vec![1.0; scores.len()]).unwrap();
    assert_eq!((found.points.len(), found.points[0], found.points[999]), (1000, [0.0, 0.0], [1.0, 1.0]));
    // Each positive scores above the negatives below it: half of all pairs, plus half a row.
    assert_close(found.area, 0.5 + 0.5 / 5000.0, 1e-12, "area");
}

#[test]
fn probabilities_are_held_against_what_came() {
    // calibration_curve(n_bins=5, strategy="uniform"): tenths lie on the edges of its bins.
    let reference = reference("scores");
    let [scores, targets] = ["probability", "binary"].map(|key| numbers(&reference[key]));
    let found = classified(&scores, &targets, &vec![1.0; targets.len()], 2).calibration;
    let expected = &reference["even"]["calibration"];
    let (observed, predicted) = (numbers(&expected["observed"]), numbers(&expected["predicted"]));
    assert_eq!(found.len(), observed.len());
    for ((bin, observed), predicted) in found.iter().zip(observed).zip(predicted) {
        assert_close(bin.observed, observed, 1e-12, "share that came");
        assert_close(bin.predicted, predicted, 1e-12, "mean probability");
    }
    assert_eq!(found.iter().map(|bin| bin.weight).sum::<f64>(), 60.0);
}

/// Rows with one feature.
struct Line<'a> {
    features: &'a [f64],
    targets: &'a [f64],
    weights: &'a [f64],
}

impl Rows for Line<'_> {
    fn n_features(&self) -> usize {
        1
    }

    fn for_each_block(&self, each: &mut dyn FnMut(Block<'_>)) {
        let blocks =
            self.features.chunks(BLOCK).zip(self.targets.chunks(BLOCK)).zip(self.weights.chunks(BLOCK));
        for ((features, targets), weights) in blocks {
            each(Block { features, targets, weights });
        }
    }
}

/// Metrics of a model's predictions on some rows, by the kind of target.
#[derive(Debug, PartialEq)]
enum Metrics {
    /// A number.
    Regression {
        /// All metrics.
        metrics: RegressionMetrics,
        /// For the absolute and the quantile loss: the fraction of the best constant's pinball loss
        /// that is explained.
        d2_pinball: Option<f64>,
    },
    /// A class.
    Classification {
        /// All metrics.
        metrics: ClassificationMetrics,
        /// The ROC curve of the second of two classes, or of each of three or more classes against
        /// the others. `None` if all rows are in one class.
        rocs: Vec<Option<Roc>>,
    },
}

impl Metrics {
    /// Computes metrics for a model with `parameters` of the scaled features: a row of weights per
    /// feature, one for each of `n_outputs`, then the biases, if any. `None` if there are no rows.
    fn of(rows: &dyn Rows, parameters: &[f64], n_outputs: usize, loss: Loss) -> Option<Self> {
        let n_features = rows.n_features();
        let (mut z, mut response) = (vec![0.0; n_outputs], vec![0.0; n_outputs]);
        let n_classes = n_outputs.max(2);
        let (mut numbers, mut classes) = (Regression::default(), Classification::new(n_classes, 10));
        // Metrics by rank need all rows at once.
        let ranks = loss.classifies() || matches!(loss, Loss::Absolute | Loss::Quantile { .. });
        let (mut all, mut targets, mut weights) = (Vec::new(), Vec::new(), Vec::new());
        let mut said = Vec::new();
        let mut n_samples = 0;
        rows.for_each_block(&mut |block| {
            said.clear();
            for row in 0..block.targets.len() {
                let features = &block.features[row * n_features..(row + 1) * n_features];
                outputs(parameters, features, &mut z);
                response.copy_from_slice(&z);
                loss.respond(&mut response);
                // With two classes, the second probability is enough.
                said.extend_from_slice(if n_outputs == 2 { &response[1..] } else { &response });
            }
            n_samples += block.targets.len();
            if loss.classifies() {
                classes.feed(&said, block.targets, block.weights);
            } else {
                numbers.feed(&said, block.targets, block.weights);
            }
            if ranks {
                all.extend_from_slice(&said);
                targets.extend_from_slice(block.targets);
                weights.extend_from_slice(block.weights);
            }
        });
        if n_samples == 0 {
            return None;
        }
        if loss.classifies() {
            let width = if n_classes == 2 { 1 } else { n_classes };
            let roc = |k: usize| {
                let own: Vec<f64> = all.iter().skip(k).step_by(width).copied().collect();
                let class = if width == 1 { 1.0 } else { k as f64 };
                let is: Vec<f64> = targets.iter().map(|y| f64::from(*y == class)).collect();
                Roc::new(&own, &is, &weights)
            };
            return Some(Self::Classification {
                metrics: classes.metrics(),
                rocs: (0..width).map(roc).collect(),
            });
        }
        let d2_pinball = match loss {
            Loss::Absolute => d2_pinball(&all, &targets, &weights, 0.5),
            Loss::Quantile { tau } => d2_pinball(&all, &targets, &weights, tau),
            _ => None,
        };
        Some(Self::Regression { metrics: numbers.metrics(n_features), d2_pinball })
    }
}

/// Computes `x w + b` of each output.
fn outputs(parameters: &[f64], features: &[f64], outputs: &mut [f64]) {
    outputs.fill(0.0);
    // Biases are the weights of an additional feature 1.
    let columns = features.iter().chain(std::iter::once(&1.0));
    for (x, weights) in columns.zip(parameters.chunks_exact(outputs.len())) {
        for (output, w) in outputs.iter_mut().zip(weights) {
            *output += x * w;
        }
    }
}

#[test]
fn a_model_is_scored_by_what_it_says() {
    let reference = reference("scores");
    let weights = numbers(&reference["weights"]);
    let expected = &reference["weighted"];
    let scores = |feature: &[f64], target: &str, parameters: &[f64], n_outputs, loss| {
        let targets = numbers(&reference[target]);
        let rows = Line { features: feature, targets: &targets, weights: &weights };
        Metrics::of(&rows, parameters, n_outputs, loss).unwrap()
    };
    // A feature equal to half of (prediction - 1).
    let feature: Vec<f64> = numbers(&reference["prediction"]).iter().map(|m| (m - 1.0) / 2.0).collect();
    let Metrics::Regression { metrics: found, d2_pinball } =
        scores(&feature, "y", &[2.0, 1.0], 1, Loss::Quantile { tau: 0.1 })
    else {
        panic!("a number was asked for")
    };
    check(found.r2.unwrap(), &expected["regression"]["r2"], "R2");
    check(d2_pinball.unwrap(), &expected["regression"]["d2_pinball"][0], "D2");
    // Logits of its probabilities; 0 and 1 become almost certain.
    let logit = |p: &f64| (p.max(1e-16) / (1.0 - p).max(1e-16)).ln();
    let feature: Vec<f64> = numbers(&reference["probability"]).iter().map(logit).collect();
    for (parameters, n_outputs, loss) in
        [(&[1.0][..], 1, Loss::Logistic), (&[-0.5, 0.5, 0.0, 0.0], 2, Loss::Softmax)]
    {
        let Metrics::Classification { metrics: found, rocs } =
            scores(&feature, "binary", parameters, n_outputs, loss)
        else {
            panic!("a class was asked for")
        };
        check(found.accuracy, &expected["binary"]["accuracy"], "accuracy");
        check(found.brier, &expected["binary"]["brier"], "Brier score");
        check(rocs[0].as_ref().unwrap().area, &expected["roc"]["area"], "area");
    }
    // One class against the others, by a model of the feature alone.
    let targets = numbers(&reference["classes"]);
    let feature: Vec<f64> =
        reference["shares"].as_array().unwrap().iter().map(|row| row[0].as_f64().unwrap().ln()).collect();
    let rows = Line { features: &feature, targets: &targets, weights: &weights };
    let parameters = [1.0, 0.0, -1.0, 0.0];
    let Some(Metrics::Classification { rocs, .. }) = Metrics::of(&rows, &parameters, 4, Loss::Softmax) else {
        panic!("a class was asked for")
    };
    check(rocs[0].as_ref().unwrap().area, &expected["first_against_others"], "area of the first class");
    assert_eq!(rocs.len(), 4);
    // The logarithms of its rates.
    let feature: Vec<f64> = numbers(&reference["rates"]).iter().map(|rate| rate.ln()).collect();
    let Metrics::Regression { metrics: found, .. } = scores(&feature, "counts", &[1.0], 1, Loss::Poisson)
    else {
        panic!("a number was asked for")
    };
    check(found.d2_poisson.unwrap(), &expected["regression"]["d2_poisson"], "D2 of the deviance");
    let none = Line { features: &[], targets: &[], weights: &[] };
    assert_eq!(Metrics::of(&none, &[1.0], 1, Loss::Squared), None);
}
