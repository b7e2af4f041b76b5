//! Diagnostics of a model's predictions. Comments name the call of scikit-learn or statsmodels that
//! computed the expected numbers from predictions of the same formulas.

use downhill::analysis::diagnostics::{Diagnostics, EffectOf, Query, Task};
use downhill::config::RunConfig;
use downhill::dataset::{Dataset, Extra, Input, Role};

const X: [f64; 12] = [-2.0, -1.5, -1.0, -0.5, 0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0];

/// `z = 0.8 x + 1.2 [k = b] - 0.7 [k = c] - 0.3`, where k repeats a, b, c.
const WEIGHTS: [f64; 4] = [0.8, 1.2, -0.7, -0.3];

fn output(i: usize) -> f64 {
    0.8 * X[i] + [0.0, 1.2, -0.7][i % 3] - 0.3
}

fn dataset(targets: &[f64]) -> Dataset {
    let levels = ["a", "b", "c"].map(str::to_owned).to_vec();
    let inputs = vec![Input::number("x"), Input { name: "k".to_owned(), levels }];
    let level = (0..12).map(|i| f64::from(i % 3)).collect();
    Dataset::of_table(vec![X.to_vec(), level, targets.to_vec()], inputs, "y")
}

fn query(config: &str, weights: &[f64]) -> Query {
    let config: RunConfig = serde_json::from_str(config).unwrap();
    Query { config, weights: weights.to_vec(), part: Role::Training, effect: None, exact: false }
}

fn score(found: &Diagnostics, name: &str) -> f64 {
    found.scores.iter().find(|(of, _)| *of == name).unwrap().1.unwrap()
}

fn check(found: &Diagnostics, expected: &[(&str, f64)]) {
    for (name, value) in expected {
        let score = score(found, name);
        assert!((score - value).abs() < 1e-12, "{name}: {score} is not {value}");
    }
}

#[test]
fn a_number_is_shown_with_its_residual_and_its_effect() {
    let y: Vec<f64> = (0..12).map(|i| output(i) + if i == 4 { 1.5 } else { 0.0 }).collect();
    let asked =
        Query { effect: Some(EffectOf { input: 1, at: vec![Some(2.0), None] }), ..query("{}", &WEIGHTS) };
    let found = Diagnostics::of(&dataset(&y), &asked).unwrap();
    assert_eq!(
        (found.task, found.n_samples, &found.parts[..]),
        (Task::Regression, 12, &[Role::Training][..])
    );
    let rows = found.rows.as_ref().unwrap();
    assert_eq!(rows.row, (1..=12).collect::<Vec<_>>());
    for (i, (fitted, residual)) in rows.fitted.iter().zip(&rows.residual).enumerate() {
        assert!((fitted - output(i)).abs() < 1e-12, "{fitted}");
        assert!((residual - if i == 4 { 1.5 } else { 0.0 }).abs() < 1e-12, "{residual}");
    }
    check(&found, &[("mae", 0.125), ("rmse", 0.1875_f64.sqrt())]);
    // At x = 2 the levels differ by their coefficients, and a row deviates from its level by its
    // residual.
    let effect = found.effect.as_ref().unwrap();
    assert_eq!((effect.grid.as_slice(), effect.at[0]), (&[0.0, 1.0, 2.0][..], 2.0));
    for (effect, expected) in effect.effect.iter().zip([1.3, 2.5, 0.6]) {
        assert!((effect - expected).abs() < 1e-12, "{effect}");
    }
    assert_eq!(effect.x[4], 1.0);
    assert!((effect.partial[4] - 4.0).abs() < 1e-12, "{}", effect.partial[4]);
}

#[test]
fn an_effect_is_taken_from_least_to_greatest_with_the_others_at_their_middle() {
    let y: Vec<f64> = (0..12).map(output).collect();
    let found = Diagnostics::of(&dataset(&y), &query("{}", &WEIGHTS)).unwrap();
    let effect = found.effect.unwrap();
    // All levels are equally frequent, so the first one is shown.
    assert_eq!(effect.at[1], 0.0);
    assert!((effect.at[0] - X.iter().sum::<f64>() / 12.0).abs() < 1e-12);
    let ends = [0, effect.grid.len() - 1];
    assert_eq!(ends.map(|i| effect.grid[i]), [-2.0, 3.0]);
    assert!((effect.effect[ends[1]] - effect.effect[ends[0]] - 0.8 * 5.0).abs() < 1e-12);
}

#[test]
fn two_classes_are_scored_as_scikit_learn_scores_them() {
    let y = [0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0];
    let names = ["no", "yes"].map(str::to_owned);
    let dataset = dataset(&y).with_target_levels(names.to_vec());
    let found = Diagnostics::of(&dataset, &query(r#"{"loss":{"kind":"logistic"}}"#, &WEIGHTS)).unwrap();
    // scikit-learn 1.9.1: log_loss, accuracy_score, roc_auc_score, precision_score, recall_score, f1_score and
    // brier_score_loss.
    check(
        &found,
        &[
            ("log_loss", 0.540_622_533_471_143_3),
            ("accuracy", 0.666_666_666_666_666_6),
            ("auc", 0.771_428_571_428_571_4),
            ("precision", 0.714_285_714_285_714_3),
            ("recall", 0.714_285_714_285_714_3),
            ("f1", 0.714_285_714_285_714_3),
            ("brier", 0.190_473_130_633_270_98),
        ],
    );
    let confusion = found.confusion.unwrap();
    assert_eq!((confusion.labels, confusion.counts), (names.to_vec(), vec![vec![3.0, 2.0], vec![2.0, 5.0]]));
    // sklearn.calibration.calibration_curve(y, p, n_bins=10).
    let calibration = found.calibration.unwrap();
    let observed = [0.0, 1.0, 0.0, 0.5, 0.5, 1.0, 1.0];
    let predicted =
        [0.135_979_77, 0.320_918_87, 0.425_557_48, 0.537_406_59, 0.748_392_24, 0.823_859_31, 0.947_846_44];
    assert_eq!(calibration.observed, observed);
    for (found, expected) in calibration.predicted.iter().zip(predicted) {
        assert!((found - expected).abs() < 1e-8, "{found}");
    }
    // roc_curve(y, p): its corners.
    let roc = found.roc.unwrap();
    assert_eq!(roc.false_positive, [0.0, 0.0, 0.4, 0.4, 0.6, 0.6, 1.0]);
    let sevenths = [0.0, 4.0, 4.0, 5.0, 5.0, 7.0, 7.0];
    for (found, n) in roc.true_positive.iter().zip(sevenths) {
        assert!((found - n / 7.0).abs() < 1e-12, "{found}");
    }
    let histogram = found.histogram.unwrap();
    let sums: Vec<u32> = histogram.counts.iter().map(|counts| counts.iter().sum()).collect();
    assert_eq!(sums, [5, 7]);
    // 0.13010847 and 0.14185106 are of the first class and in one bin.
    assert_eq!((histogram.counts[0][2], histogram.edges[2]), (2, 0.1));
}

#[test]
fn without_probabilities_two_classes_are_scored_by_their_sign() {
    let y = [0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0];
    let query = |loss: &str| query(&format!(r#"{{"loss":{{"kind":"{loss}"}}}}"#), &WEIGHTS);
    let found = Diagnostics::of(&dataset(&y), &query("squared_hinge")).unwrap();
    // scikit-learn 1.9.1: accuracy_score(y, z > 0), roc_auc_score(y, z) and so on: the same as those of
    // probabilities, which are above 0.5 where z is above 0 and rise with it.
    check(
        &found,
        &[
            ("accuracy", 0.666_666_666_666_666_6),
            ("auc", 0.771_428_571_428_571_4),
            ("precision", 0.714_285_714_285_714_3),
            ("recall", 0.714_285_714_285_714_3),
            ("f1", 0.714_285_714_285_714_3),
        ],
    );
    assert_eq!(found.scores.len(), 5, "{:?}", found.scores);
    assert!(found.calibration.is_none() && found.histogram.is_none());
    let probable = Diagnostics::of(&dataset(&y), &query("logistic")).unwrap();
    assert_eq!((found.confusion, found.roc), (probable.confusion, probable.roc));
    // Its effect steps from one class to the other.
    let effect = found.effect.unwrap();
    assert!(effect.effect.contains(&0.0) && effect.effect.contains(&1.0));
    assert!(effect.effect.iter().all(|class| [0.0, 1.0].contains(class)) && effect.partial.is_empty());
}

#[test]
fn a_row_counts_in_scores_by_its_weight() {
    let y = [0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0];
    let weights = [1.0, 2.0, 0.5, 3.0, 1.0, 1.0, 2.0, 1.0, 4.0, 1.0, 1.0, 0.25];
    let levels = ["a", "b", "c"].map(str::to_owned).to_vec();
    let inputs = vec![Input::number("x"), Input { name: "k".to_owned(), levels }];
    let level = (0..12).map(|i| f64::from(i % 3)).collect();
    let columns = vec![X.to_vec(), level, y.to_vec(), weights.to_vec()];
    let dataset = Dataset::of_table(columns, inputs, "y").with_extras(vec![Extra::Weight]);
    let found = Diagnostics::of(&dataset, &query(r#"{"loss":{"kind":"logistic"}}"#, &WEIGHTS)).unwrap();
    // scikit-learn 1.9.1: log_loss, accuracy_score, roc_auc_score, f1_score and confusion_matrix, with sample_weight.
    check(
        &found,
        &[
            ("log_loss", 0.678_603_332_361_106),
            ("accuracy", 0.492_957_746_478_873_25),
            ("auc", 0.516_693_163_751_987_3),
            ("f1", 0.538_461_538_461_538_4),
        ],
    );
    assert_eq!(found.confusion.unwrap().counts, [[3.5, 5.0], [4.0, 5.25]]);
}

#[test]
fn the_exact_fit_tells_what_each_row_does_to_it() {
    let y = [0.0, 1.0, 0.0, 1.0, 2.0, 1.0, 1.0, 3.0, 2.0, 5.0, 6.0, 8.0];
    // This holds for any weights.
    let effect = Some(EffectOf { input: 0, at: vec![None, Some(0.0)] });
    let asked = Query { exact: true, effect, ..query("{}", &[0.0; 4]) };
    let exact = Diagnostics::of(&dataset(&y), &asked).unwrap().exact.unwrap();
    let rows = &exact.rows;
    // statsmodels 0.15.0: OLS(y, X).fit().get_influence(), hat_matrix_diag, resid_studentized_internal and
    // cooks_distance of the last two rows.
    for (found, expected) in [
        (&rows.leverages, [0.405_057_540_884_312_1, 0.414_900_060_569_351_6]),
        (&rows.standardized, [0.098_538_876_934_336_91, 2.299_572_139_452_763]),
        (&rows.cooks_distances, [0.001_652_711_247_487_274_9, 0.937_448_741_411_732_7]),
    ] {
        for (found, expected) in found[10..].iter().zip(expected) {
            assert!((found - expected).abs() < 1e-11, "{found} is not {expected}");
        }
    }
    // get_prediction([[3, 0, 0, 1]]).summary_frame(): mean, mean_ci_lower, mean_ci_upper at the greatest x.
    let [low, high] = exact.band.as_ref().unwrap();
    for (found, expected) in [&exact.effect, low, high].into_iter().zip([
        6.103_725_015_142_333_5,
        3.814_104_510_233_289,
        8.393_345_520_051_378,
    ]) {
        assert!((found[60] - expected).abs() < 1e-9, "{} is not {expected}", found[60]);
    }
    // A curve of equal distance has that distance everywhere: r^2 h / (p (1 - h)).
    assert_eq!(exact.contours.len(), 4);
    for contour in &exact.contours {
        for (h, r) in contour.leverage.iter().zip(&contour.standardized) {
            assert!((r * r * h / (4.0 * (1.0 - h)) - contour.distance).abs() < 1e-12);
        }
    }
    assert_eq!(
        exact.contours.iter().map(|contour| contour.distance).collect::<Vec<_>>(),
        [0.5, 0.5, 1.0, 1.0]
    );
}

#[test]
fn counts_have_the_deviance_residuals_of_statsmodels() {
    let y = [0.0, 1.0, 0.0, 1.0, 2.0, 1.0, 1.0, 3.0, 2.0, 5.0, 6.0, 8.0];
    let found = Diagnostics::of(&dataset(&y), &query(r#"{"loss":{"kind":"poisson"}}"#, &WEIGHTS)).unwrap();
    // scikit-learn 1.9.1: mean_poisson_deviance, d2_tweedie_score(power=1).
    check(&found, &[("deviance", 1.493_678_413_047_191), ("d2", 0.360_445_174_416_282_3)]);
    // statsmodels 0.15.0: families.Poisson().resid_dev(y, mu).
    let expected = [
        -0.546_934_400_495_406_9,
        0.285_720_915_166_243_54,
        -0.574_976_326_854_569_8,
        0.627_033_179_012_737,
        -0.302_976_805_306_413_74,
        0.706_157_155_479_177_3,
        -0.101_694_818_704_274_71,
        -1.157_397_302_339_632_2,
        0.644_510_852_166_292_6,
        0.658_006_428_220_493_7,
        -3.324_064_435_239_302_3,
        1.726_691_808_217_876_2,
    ];
    for (found, expected) in found.rows.unwrap().residual.iter().zip(expected) {
        assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
    }
}

#[test]
fn several_classes_have_an_output_each() {
    let classes = [2.0, 2.0, 1.0, 1.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 2.0, 0.0];
    let dataset = Dataset::of_table(vec![X.to_vec(), classes.to_vec()], vec![Input::number("x")], "y");
    // For each class the weight of x, then the biases.
    let weights = [0.5, 0.1, -0.2, 0.3, -0.4, -0.2];
    let found = Diagnostics::of(&dataset, &query(r#"{"loss":{"kind":"softmax"}}"#, &weights)).unwrap();
    // scikit-learn 1.9.1: log_loss, accuracy_score, confusion_matrix.
    check(&found, &[("log_loss", 0.889_712_801_094_779_6), ("accuracy", 0.583_333_333_333_333_4)]);
    let confusion = found.confusion.unwrap();
    assert_eq!(confusion.labels, ["0", "1", "2"]);
    let effect = found.effect.unwrap();
    // The softmax at x = 3: e^z of each class divided by their sum.
    let z = [1.6_f64, -0.3, -1.4].map(f64::exp);
    for (classes, z) in effect.classes.iter().zip(z) {
        assert!(
            (classes.last().unwrap() - z / (1.6_f64.exp() + (-0.3_f64).exp() + (-1.4_f64).exp())).abs()
                < 1e-12
        );
    }
    assert_eq!(confusion.counts, [[4.0, 1.0, 0.0], [1.0, 3.0, 0.0], [1.0, 2.0, 0.0]]);
}

#[test]
fn rows_held_out_are_a_part_of_their_own_and_many_rows_are_thinned() {
    let n = 10_001;
    let x: Vec<f64> = (0..n).map(f64::from).collect();
    // One row has a large error that must be found, wherever the sample's strides fall.
    let y: Vec<f64> = (0..n).map(|i| f64::from(2 * i) + if i == 5_000 { 9.0 } else { 0.0 }).collect();
    let dataset = Dataset::of_table(vec![x, y], vec![Input::number("x")], "y");
    let config = r#"{"validation":{"fraction":0.25,"split":"last"}}"#;
    let trained = Diagnostics::of(&dataset, &query(config, &[2.0, 0.0])).unwrap();
    assert_eq!(trained.parts, [Role::Training, Role::Validation]);
    // A quarter of 10,001 rows, rounded up, is held out.
    assert_eq!(trained.n_samples, 7_500);
    let rows = trained.rows.unwrap();
    assert!(
        (3_700..=4_001).contains(&rows.row.len()) && rows.row.contains(&5_001),
        "{} rows",
        rows.row.len()
    );
    let held = Query { part: Role::Validation, ..query(config, &[2.0, 0.0]) };
    let held = Diagnostics::of(&dataset, &held).unwrap();
    assert_eq!((held.n_samples, held.rows.unwrap().row[0]), (2_501, 7_501));
    // There are no test rows, so the training rows are used instead.
    let test = Query { part: Role::Test, ..query(config, &[2.0, 0.0]) };
    assert_eq!(Diagnostics::of(&dataset, &test).unwrap().part, Role::Training);
}
