//! The lowest value of every objective, compared with scikit-learn, statsmodels and CVXPY.

use downhill::analysis::optimum::{self, Optimum};
use downhill::analysis::{Block, LeastSquares, Rows};
use downhill::choices::{Loss, Penalty, Scaling};
use downhill::dataset::{Dataset, FeatureMap, Input, InputMap};
use downhill::model::Linear;
use proptest::prelude::*;
use serde_json::Value;

use crate::support::{assert_close, numbers, reference};

/// Relative difference of two objectives on which solvers of double precision agree.
const OBJECTIVE_TOLERANCE: f64 = 1e-9;

/// Rows in memory, in blocks of uneven size.
struct Kept {
    n_features: usize,
    features: Vec<f64>,
    targets: Vec<f64>,
    weights: Vec<f64>,
}

impl Kept {
    fn new(features: Vec<f64>, targets: Vec<f64>) -> Self {
        let weights = vec![1.0; targets.len()];
        Self { n_features: features.len() / targets.len(), features, targets, weights }
    }
}

impl Rows for Kept {
    fn n_features(&self) -> usize {
        self.n_features
    }

    fn for_each_block(&self, each: &mut dyn FnMut(Block<'_>)) {
        let features = self.features.chunks(101 * self.n_features);
        for ((features, targets), weights) in
            features.zip(self.targets.chunks(101)).zip(self.weights.chunks(101))
        {
            each(Block { features, targets, weights });
        }
    }
}

/// The rows of tests/reference/optima.json, standardized.
fn diabetes(reference: &Value, target: &str, weighted: bool) -> Kept {
    let columns: Vec<Vec<f64>> = reference["columns"].as_array().unwrap().iter().map(numbers).collect();
    let n = columns[0].len();
    let mut features = vec![0.0; n * columns.len()];
    for (j, column) in columns.iter().enumerate() {
        let mean = column.iter().sum::<f64>() / n as f64;
        let deviation = (column.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n as f64).sqrt();
        for (i, x) in column.iter().enumerate() {
            features[i * columns.len() + j] = (x - mean) / deviation;
        }
    }
    let mut rows = Kept::new(features, numbers(&reference["targets"][target]));
    if weighted {
        rows.weights = numbers(&reference["weights"]);
    }
    rows
}

fn solve(rows: &dyn Rows, n_outputs: u32, bias: bool, loss: Loss, penalty: Penalty) -> Optimum {
    optimum::solve(rows, Linear { n_features: rows.n_features() as u32, n_outputs, bias }, loss, penalty)
}

fn solved(reference: &Value, case: &Value) -> Optimum {
    let loss: Loss = serde_json::from_value(case["loss"].clone()).unwrap();
    let penalty: Penalty = serde_json::from_value(case["penalty"].clone()).unwrap();
    let rows = diabetes(reference, case["target"].as_str().unwrap(), case["weighted"].as_bool().unwrap());
    let n_outputs = if loss == Loss::Softmax { 3 } else { 1 };
    solve(&rows, n_outputs, case["bias"].as_bool().unwrap(), loss, penalty)
}

#[test]
fn objectives_are_as_low_as_those_of_others() {
    let reference = reference("optima");
    for case in reference["cases"].as_array().unwrap() {
        let found = solved(&reference, case);
        let expected = case["objective"].as_f64().unwrap();
        let what = format!("{} {} {}", case["loss"], case["penalty"], case["call"]);
        assert_close(found.objective, expected, OBJECTIVE_TOLERANCE * expected.abs(), &what);
        assert!(found.gap <= OBJECTIVE_TOLERANCE * expected.abs(), "{what}: a gap of {:e}", found.gap);
        assert!(found.unique && found.finite, "{what}: {found:?}");
        // Only this would reveal a wrong curvature or a wrong dual.
        assert!(found.iterations < 20, "{what}: {} steps", found.iterations);
        match case["curvature"].as_f64() {
            Some(expected) => assert_close(found.curvature.unwrap(), expected, 1e-6 * expected, &what),
            None => assert_eq!(found.curvature, None, "{what}"),
        }
        // Softmax without a penalty is unchanged if all classes gain the same amount; scikit-learn
        // has the same mean as we do.
        for (found, expected) in found.parameters.iter().zip(numbers(&case["parameters"])) {
            assert_close(*found, expected, 3e-5, &what);
            let is_zero = expected.abs() < 1e-9;
            assert!(!is_zero || *found == 0.0, "{what}: {found:e} is not the 0 that others find");
        }
    }
}

#[test]
fn no_hessian_is_steeper_than_its_bound() {
    let reference = reference("optima");
    let mut columns: Vec<Vec<f64>> = reference["columns"].as_array().unwrap().iter().map(numbers).collect();
    columns.push(numbers(&reference["targets"]["number"]));
    let inputs = (0..10).map(|j| Input::number(&format!("x{j}"))).collect();
    let data = Dataset::of_table(columns, inputs, "y");
    let map = FeatureMap::new(vec![InputMap::number(1); 10], Vec::new());
    let map = map.scaled(&data, true, Scaling::Standardize);
    let least_squares = LeastSquares::solve(&data, &map, true);
    for case in reference["cases"].as_array().unwrap() {
        let loss: Loss = serde_json::from_value(case["loss"].clone()).unwrap();
        let penalty: Penalty = serde_json::from_value(case["penalty"].clone()).unwrap();
        let square = penalty.strength * (1.0 - penalty.l1_ratio);
        if let (Some(bound), false) = (least_squares.curvature(loss), case["weighted"].as_bool().unwrap()) {
            let found = case["curvature"].as_f64().unwrap();
            let ratio = found / (bound + square);
            // Never above the bound, and close to it except for Huber, whose rows have either the
            // largest curvature or none.
            let least = match loss {
                Loss::Squared => 1.0 - 1e-9,
                Loss::Huber { .. } => 0.04,
                _ => 0.4,
            };
            assert!((least..1.0 + 1e-9).contains(&ratio), "{loss:?}: {ratio}");
        }
    }
    for loss in [Loss::Absolute, Loss::Quantile { tau: 0.5 }, Loss::Poisson] {
        assert_eq!(least_squares.curvature(loss), None);
    }
}

#[test]
fn targets_far_larger_than_the_loss_is_wide_are_reached() {
    let reference = reference("optima");
    for loss in [Loss::LogCosh, Loss::Huber { delta: 1.0 }] {
        let mut rows = diabetes(&reference, "number", false);
        rows.targets.iter_mut().for_each(|y| *y *= 1e4);
        let found = solve(&rows, 1, true, loss, Penalty::default());
        assert!(found.gap < 1e-10 * found.objective && found.finite, "{found:?}");
        // For such large residuals each loss equals the absolute loss minus ln 2 or half per row.
        let absolute = solve(&rows, 1, true, Loss::Absolute, Penalty::default());
        let less = absolute.objective - found.objective;
        assert!((0.49..0.70).contains(&less), "{less}");
    }
}

#[test]
fn large_counts_are_reached_from_nothing() {
    // A single column of ones: the optimum is the logarithm of the mean, 1000.
    let rows = Kept::new(vec![1.0; 4], vec![900.0, 1100.0, 1050.0, 950.0]);
    let found = solve(&rows, 1, false, Loss::Poisson, Penalty::default());
    assert_close(found.parameters[0], 1000.0_f64.ln(), 1e-12, "the logarithm of the mean");
    assert!(found.finite && found.unique);
}

#[test]
fn columns_that_repeat_others_are_told() {
    let x = [0.3, -1.2, 0.8, 1.9, -0.4, 0.1, -1.0, 0.6];
    let y = [1.0, 0.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0];
    let twice: Vec<f64> = x.iter().flat_map(|x| [*x, 2.0 * x]).collect();
    let losses = [
        Loss::Squared,
        Loss::Logistic,
        Loss::Poisson,
        Loss::LogCosh,
        Loss::Absolute,
        Loss::Huber { delta: 0.1 },
        Loss::SquaredHinge,
    ];
    for loss in losses {
        let alone = solve(&Kept::new(x.to_vec(), y.to_vec()), 1, true, loss, Penalty::default());
        let rows = Kept::new(twice.clone(), y.to_vec());
        let both = solve(&rows, 1, true, loss, Penalty::default());
        assert_close(both.objective, alone.objective, 1e-9 * alone.objective.abs(), "the objective");
        assert!(!both.unique && both.finite, "{loss:?}: {both:?}");
        let ridge = solve(&rows, 1, true, loss, Penalty { strength: 0.1, l1_ratio: 0.0 });
        assert!(ridge.unique && ridge.finite, "{loss:?}: {ridge:?}");
        // The larger column needs less weight, so the lasso uses only that one.
        let lasso = solve(&rows, 1, true, loss, Penalty { strength: 0.02, l1_ratio: 1.0 });
        assert!(
            lasso.parameters[0] == 0.0 && lasso.parameters[1] > 0.0 && lasso.unique,
            "{loss:?}: {lasso:?}"
        );
    }
}

#[test]
fn a_median_between_two_values_is_not_the_only_one() {
    // Two rows at each x, so that any line between them is equally good.
    let rows = Kept::new(vec![0.0, 0.0, 1.0, 1.0], vec![1.0, 2.0, 3.0, 5.0]);
    let found = solve(&rows, 1, true, Loss::Absolute, Penalty::default());
    assert_close(found.objective, 0.75, 1e-9, "the objective");
    assert!(!found.unique, "{found:?}");
    // With a third row between them, the optimum is unique.
    let rows = Kept::new(vec![0.0, 0.0, 0.0, 1.0, 1.0, 1.0], vec![1.0, 2.0, 1.5, 3.0, 5.0, 3.5]);
    let found = solve(&rows, 1, true, Loss::Absolute, Penalty::default());
    assert!(found.unique, "{found:?}");
    assert_close(found.parameters[0], 2.0, 1e-8, "the slope");
    assert_close(found.parameters[1], 1.5, 1e-8, "the bias");
}

#[test]
fn optima_at_infinity_are_told() {
    let x = vec![-2.0, -1.0, -0.5, 0.5, 1.0, 2.0];
    // Completely separable, separable except for a tie, and not separable.
    let cases: [(&[f64], bool); 2] =
        [(&[0.0, 0.0, 0.0, 1.0, 1.0, 1.0], false), (&[0.0, 1.0, 0.0, 1.0, 0.0, 1.0], true)];
    let ridge = Penalty { strength: 1e-3, l1_ratio: 0.0 };
    for (y, finite) in cases {
        for (loss, n_outputs) in [(Loss::Logistic, 1), (Loss::Softmax, 2)] {
            let rows = Kept::new(x.clone(), y.to_vec());
            let found = solve(&rows, n_outputs, true, loss, Penalty::default());
            assert_eq!((found.finite, found.unique), (finite, finite), "{loss:?} {y:?}: {found:?}");
            assert!(solve(&rows, n_outputs, true, loss, ridge).finite);
        }
    }
    // Where every row has a margin of 1, the squared hinge is 0, and more of the same changes nothing.
    let rows = Kept::new(x, cases[0].0.to_vec());
    let found = solve(&rows, 1, true, Loss::SquaredHinge, Penalty::default());
    assert!(found.finite && !found.unique && found.objective < 1e-20, "{found:?}");
    assert!(solve(&rows, 1, true, Loss::SquaredHinge, ridge).unique);
    let tied = Kept::new(vec![-1.0, 0.0, 0.0, 1.0], vec![0.0, 0.0, 1.0, 1.0]);
    let found = solve(&tied, 1, true, Loss::Logistic, Penalty::default());
    assert!(!found.finite, "{found:?}");
    // The tie costs half of ln 2.
    assert_close(found.objective, 0.5 * std::f64::consts::LN_2, 1e-12, "the objective");
    // No counts at all on one side.
    let counts = Kept::new(vec![0.0, 0.0, 1.0, 1.0], vec![0.0, 0.0, 3.0, 5.0]);
    assert!(!solve(&counts, 1, true, Loss::Poisson, Penalty::default()).finite);
    assert!(solve(&counts, 1, true, Loss::Poisson, ridge).finite);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    /// A few rows of small integers include ties, constant columns and repeated columns.
    #[test]
    fn nothing_near_an_optimum_is_lower(
        rows in prop::collection::vec((prop::array::uniform3(-2..3_i32), 0..4_i32, 0..3_i32), 2..20),
        moves in prop::collection::vec(prop::array::uniform4(-1.0..1.0_f64), 8),
        bias: bool,
    ) {
        prop_assume!(rows.iter().any(|(_, _, weight)| *weight > 0));
        let features: Vec<f64> = rows.iter().flat_map(|(x, ..)| x.map(f64::from)).collect();
        let counts: Vec<f64> = rows.iter().map(|(_, y, _)| f64::from(*y)).collect();
        let halves = counts.iter().map(|y| f64::from(*y > 1.0)).collect();
        let weights = rows.iter().map(|(.., weight)| f64::from(*weight)).collect();
        let kept = Kept { n_features: 3, features, targets: counts, weights };
        let halved = Kept { targets: halves, features: kept.features.clone(), weights: kept.weights.clone(), ..kept };
        for loss in [
            Loss::Squared,
            Loss::Absolute,
            Loss::Huber { delta: 0.4 },
            Loss::LogCosh,
            Loss::Quantile { tau: 0.8 },
            Loss::Logistic,
            Loss::Poisson,
            Loss::SquaredHinge,
        ] {
            for (strength, l1_ratio) in [(0.0, 0.0), (0.3, 0.0), (0.3, 1.0), (0.1, 0.5)] {
                let penalty = Penalty { strength, l1_ratio };
                let rows = if loss.classifies() { &halved } else { &kept };
                let found = solve(rows, 1, bias, loss, penalty);
                let at = |parameters: &[f64]| objective(rows, loss, penalty, parameters);
                let scale = found.objective.abs().max(1e-3);
                let own = at(&found.parameters);
                prop_assert!((own - found.objective).abs() <= 1e-9 * scale, "{own} {loss:?} {penalty:?}: {found:?}");
                // If a few rows can be met in many ways, rounding makes the proof less exact than
                // the result.
                prop_assert!(found.gap <= 1e-4 * scale, "{loss:?} {penalty:?}: {found:?}");
                for step in &moves {
                    for length in [1e-3, 1.0] {
                        let moved: Vec<f64> =
                            found.parameters.iter().zip(step).map(|(w, d)| w + length * d).collect();
                        prop_assert!(at(&moved) >= found.objective - 1e-8 * scale, "{loss:?} {penalty:?}: {found:?}");
                    }
                }
            }
        }
    }
}

/// The objective by its formula, for one output.
fn objective(rows: &Kept, loss: Loss, penalty: Penalty, parameters: &[f64]) -> f64 {
    let (weights, bias) = parameters.split_at(rows.n_features);
    let (mut sum, mut total) = (0.0, 0.0);
    let rows = rows.features.chunks(rows.n_features).zip(&rows.targets).zip(&rows.weights);
    // A row with weight 0 may have any loss, including infinity.
    for ((x, y), s) in rows.filter(|(_, s)| **s > 0.0) {
        let z = x.iter().zip(weights).map(|(x, w)| x * w).sum::<f64>() + bias.first().unwrap_or(&0.0);
        let r = z - y;
        let value = match loss {
            Loss::Squared => r * r,
            Loss::Absolute => r.abs(),
            Loss::Huber { delta } if r.abs() <= delta => 0.5 * r * r,
            Loss::Huber { delta } => delta * (r.abs() - 0.5 * delta),
            Loss::LogCosh => r.cosh().ln(),
            Loss::Quantile { tau } => (tau * -r).max((tau - 1.0) * -r),
            // Avoids the overflow of e^z.
            Loss::Logistic => z.max(0.0) + (-z.abs()).exp().ln_1p() - y * z,
            Loss::Softmax => 0.0,
            Loss::Poisson => z.exp() - y * z,
            Loss::SquaredHinge => (1.0 - (2.0 * y - 1.0) * z).max(0.0).powi(2),
        };
        sum += s * value;
        total += s;
    }
    sum / total + penalty.of(weights.iter().copied())
}
