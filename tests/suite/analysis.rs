//! The exact solution, compared with fifty-digit results and certified values.

use downhill::analysis::LeastSquares;
use downhill::dataset::{Dataset, FeatureMap};

use crate::support::{assert_close, numbers, reference};

fn dataset(x: Vec<f64>, y: Vec<f64>) -> Dataset {
    Dataset::of_columns(x, y, "x", "y")
}

#[test]
fn coefficients_are_those_of_fifty_digits() {
    // tests/reference/least_squares.json: mpmath with 50 digits; Wampler1 and Wampler2 are NIST StRD, certified.
    let reference = reference("least_squares");
    let cases = reference["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 17);
    for case in cases {
        let name = case["name"].as_str().unwrap();
        let data = dataset(numbers(&case["x"]), numbers(&case["y"]));
        let degree = case["degree"].as_u64().unwrap() as u32;
        let map = FeatureMap::standardized(degree, &data, true);
        let found = LeastSquares::solve(&data, &map, true);
        assert!(found.unique, "{name}");
        let mut expected = numbers(&case["coefficients"]);
        expected.rotate_left(1);
        // Raw powers of heights around 68 cancel, so their coefficients keep fewer digits than the
        // fit itself.
        let digits = if name.contains("Wampler") || degree < 3 { 1e-9 } else { 1e-6 };
        for (found, expected) in found.original.iter().zip(&expected) {
            assert_close(*found, *expected, digits * expected.abs(), name);
        }
        assert_close(found.loss, case["loss"].as_f64().unwrap(), 1e-10 * data.target_variance(), name);
        assert_close(found.r2.unwrap(), case["r2"].as_f64().unwrap(), 1e-10, name);
    }
}

#[test]
fn the_spectrum_is_that_of_fifty_digits() {
    let reference = reference("least_squares");
    for case in reference["spectrum"].as_array().unwrap() {
        let x = numbers(&case["x"]);
        let data = dataset(x.clone(), x);
        let map = if case["standardized"].as_bool().unwrap() {
            FeatureMap::standardized(1, &data, true)
        } else {
            FeatureMap::plain(1)
        };
        let found = LeastSquares::solve(&data, &map, true);
        let largest = case["largest_eigenvalue"].as_f64().unwrap();
        let condition = case["condition"].as_f64().unwrap();
        assert_close(found.largest_eigenvalue, largest, 1e-10 * largest, "largest eigenvalue");
        assert_close(found.condition, condition, 1e-8 * condition, "condition");
        assert_close(found.stable_rate(), 2.0 / largest, 1e-10 / largest, "stable rate");
    }
}

#[test]
fn a_line_through_zero_is_sum_xy_over_sum_xx() {
    let (x, y) = (vec![1.0, 2.0, 3.0, 7.0], vec![1.0, 3.0, 2.0, 9.0]);
    let expected = (1.0 + 6.0 + 6.0 + 63.0) / (1.0 + 4.0 + 9.0 + 49.0);
    let data = dataset(x, y);
    for map in [FeatureMap::plain(1), FeatureMap::standardized(1, &data, false)] {
        let found = LeastSquares::solve(&data, &map, false);
        assert_close(found.original[0], expected, 1e-14, "w");
    }
}

#[test]
fn too_many_powers_for_the_points_are_not_unique_and_still_fit() {
    let (x, y) = (vec![0.0, 1.0, 2.0, 1.0], vec![1.0, 3.0, 9.0, 3.0]);
    let data = dataset(x, y);
    let map = FeatureMap::standardized(5, &data, true);
    let found = LeastSquares::solve(&data, &map, true);
    assert!(!found.unique);
    assert!(found.condition.is_infinite());
    assert!(found.loss < 1e-18, "{}", found.loss);
}

#[test]
fn blocks_of_rows_do_not_show() {
    // Exactly 1 + 2 x over more rows than a block: an error at a block boundary would leave a
    // residual.
    let x: Vec<f64> = (0..5000).map(|i| f64::from(i) / 64.0).collect();
    let y = x.iter().map(|x| 1.0 + 2.0 * x).collect();
    let found = LeastSquares::solve(&dataset(x, y), &FeatureMap::plain(1), true);
    assert_close(found.original[0], 2.0, 1e-13, "w");
    assert_close(found.original[1], 1.0, 1e-11, "b");
    assert!(found.loss < 1e-24);
}
