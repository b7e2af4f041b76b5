//! Standard errors and related results, compared with certified values and statsmodels.

use downhill::analysis::distributions::{fisher_above, student_quantile, student_two_sided};
use downhill::analysis::inference::Inference;
use downhill::choices::Scaling;
use downhill::config::ValidationConfig;
use downhill::dataset::{Dataset, Extra, FeatureMap, Input, InputMap, Roles};

use crate::support::{assert_close, numbers, reference};

fn infer(columns: Vec<Vec<f64>>, degree: u32, scaling: Scaling, bias: bool) -> Inference {
    let n_inputs = columns.len() - 1;
    let inputs = (0..n_inputs).map(|j| Input::number(&format!("x{j}"))).collect();
    let data = Dataset::of_table(columns, inputs, "y");
    let plain = FeatureMap::new(vec![InputMap::number(degree); n_inputs], Vec::new());
    let map = plain.scaled(&data, bias, scaling);
    let roles = Roles::new(&ValidationConfig::default(), data.n_samples());
    Inference::of(&data, &roles, &map, bias)
}

/// Number of digits that agree, `-log10(|found - expected| / |expected|)`: the log relative error
/// of NIST and of McCullough (1998); 15 if there is no difference.
fn lre(found: f64, expected: f64) -> f64 {
    if found == expected { 15.0 } else { (-((found - expected) / expected).abs().log10()).min(15.0) }
}

fn longley() -> Vec<Vec<f64>> {
    // NIST StRD, Longley (1967): GNP deflator, GNP, unemployed, armed forces, population, year; employed.
    let rows: [[f64; 7]; 16] = [
        [83.0, 234289.0, 2356.0, 1590.0, 107608.0, 1947.0, 60323.0],
        [88.5, 259426.0, 2325.0, 1456.0, 108632.0, 1948.0, 61122.0],
        [88.2, 258054.0, 3682.0, 1616.0, 109773.0, 1949.0, 60171.0],
        [89.5, 284599.0, 3351.0, 1650.0, 110929.0, 1950.0, 61187.0],
        [96.2, 328975.0, 2099.0, 3099.0, 112075.0, 1951.0, 63221.0],
        [98.1, 346999.0, 1932.0, 3594.0, 113270.0, 1952.0, 63639.0],
        [99.0, 365385.0, 1870.0, 3547.0, 115094.0, 1953.0, 64989.0],
        [100.0, 363112.0, 3578.0, 3350.0, 116219.0, 1954.0, 63761.0],
        [101.2, 397469.0, 2904.0, 3048.0, 117388.0, 1955.0, 66019.0],
        [104.6, 419180.0, 2822.0, 2857.0, 118734.0, 1956.0, 67857.0],
        [108.4, 442769.0, 2936.0, 2798.0, 120445.0, 1957.0, 68169.0],
        [110.8, 444546.0, 4681.0, 2637.0, 121950.0, 1958.0, 66513.0],
        [112.6, 482704.0, 3813.0, 2552.0, 123366.0, 1959.0, 68655.0],
        [114.2, 502601.0, 3931.0, 2514.0, 125368.0, 1960.0, 69564.0],
        [115.7, 518173.0, 4806.0, 2572.0, 127852.0, 1961.0, 69331.0],
        [116.9, 554894.0, 4007.0, 2827.0, 130081.0, 1962.0, 70551.0],
    ];
    (0..7).map(|j| rows.iter().map(|row| row[j]).collect()).collect()
}

/// Certified by NIST: coefficients with their standard deviations, with slopes first and the
/// constant last.
const LONGLEY: [[f64; 2]; 7] = [
    [15.061_872_271_373_3, 84.914_925_774_766_9],
    [-0.035_819_179_292_591_0, 0.033_491_007_772_243_2],
    [-2.020_229_803_816_83, 0.488_399_681_651_699],
    [-1.033_226_867_173_59, 0.214_274_163_161_675],
    [-0.051_104_105_653_580_7, 0.226_073_200_069_370],
    [1_829.151_464_613_55, 455.478_499_142_212],
    [-3_482_258.634_595_82, 890_420.383_607_373],
];

#[test]
fn longley_is_as_certified() {
    let found = infer(longley(), 1, Scaling::Standardize, true);
    for (coefficient, [estimate, deviation]) in found.coefficients.iter().zip(LONGLEY) {
        // numpy 2.4.6's lstsq reaches 11.8 to 13.7 digits of the estimates, statsmodels 0.15.0 12.1 to 13.7.
        assert!(lre(coefficient.estimate, estimate) > 12.0, "{coefficient:?} beside {estimate}");
        assert!(
            lre(coefficient.standard_error.unwrap(), deviation) > 12.0,
            "{coefficient:?} beside {deviation}"
        );
    }
    assert!(lre(found.residual_deviation.unwrap(), 304.854_073_561_965) > 13.0);
    assert!(lre(found.r2.unwrap(), 0.995_479_004_577_296) > 14.0);
    assert!(lre(found.f.unwrap()[0], 330.285_339_234_588) > 12.0);
    assert_eq!((found.n_samples, found.degrees_of_freedom), (16, 9));
}

#[test]
fn what_follows_from_standard_errors_is_as_statsmodels_has_it() {
    // statsmodels 0.15.0: OLS(y, add_constant(X)).fit() of Longley: pvalues, conf_int(), rsquared_adj, f_pvalue;
    // variance_inflation_factor.
    let found = infer(longley(), 1, Scaling::Standardize, true);
    let p = [
        0.8631408328075295,
        0.3126810610919829,
        0.0025350917341039635,
        0.0009443667641606137,
        0.8262117957633826,
        0.00303680334161951,
        0.003560403663713317,
    ];
    let intervals = [
        [-177.02903529836865, 207.15277984150114],
        [-0.11158110241396031, 0.039942743828662766],
        [-3.1250666419741124, -0.915392965660895],
        [-1.5179487001724197, -0.548505034174959],
        [-0.5625172145072257, 0.46030900319991885],
        [798.7875152795066, 2859.5154139498],
        [-5496529.4832769325, -1467987.7859190113],
    ];
    let inflation = [
        135.53243828000367,
        1788.5134827182983,
        33.61889060504998,
        3.5889301934455404,
        399.15102231263205,
        758.9805974069244,
    ];
    for (k, coefficient) in found.coefficients.iter().enumerate() {
        assert_close(coefficient.p.unwrap(), p[k], 1e-9 * p[k], "p");
        for (found, expected) in coefficient.interval.unwrap().iter().zip(intervals[k]) {
            assert_close(*found, expected, 1e-9 * expected.abs(), "an end of the interval");
        }
        match inflation.get(k) {
            Some(expected) => assert_close(coefficient.inflation.unwrap(), *expected, 1e-6 * expected, "VIF"),
            None => assert_eq!(coefficient.inflation, None),
        }
    }
    assert_close(found.adjusted_r2.unwrap(), 0.9924650076288254, 1e-13, "adjusted R2");
    assert_close(found.f.unwrap()[1], 4.984030528726613e-10, 1e-18, "p of F");
}

#[test]
fn polynomials_and_lines_keep_the_digits_of_the_best() {
    // tests/reference/least_squares.json: Wampler1 and Wampler2 are certified by NIST, the others
    // have fifty digits.
    let reference = reference("least_squares");
    for case in reference["cases"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let columns = vec![numbers(&case["x"]), numbers(&case["y"])];
        let found = infer(columns, case["degree"].as_u64().unwrap() as u32, Scaling::Standardize, true);
        let mut expected = numbers(&case["coefficients"]);
        expected.rotate_left(1);
        for (found, expected) in found.coefficients.iter().zip(&expected) {
            let digits = lre(found.estimate, *expected);
            assert!(digits > 12.5, "{name}: {digits} digits of {expected}");
        }
    }
}

#[test]
fn how_features_are_scaled_changes_nothing_that_is_inferred() {
    let standardized = infer(longley(), 1, Scaling::Standardize, true);
    let min_max = infer(longley(), 1, Scaling::MinMax, true);
    for (a, b) in standardized.coefficients.iter().zip(&min_max.coefficients) {
        assert!(lre(a.estimate, b.estimate) > 9.0, "{a:?} {b:?}");
        assert!(lre(a.standard_error.unwrap(), b.standard_error.unwrap()) > 9.0);
    }
}

#[test]
fn columns_that_repeat_others_are_left_out_by_name() {
    let x: Vec<f64> = (0..40).map(|i| f64::from(i * i % 17)).collect();
    let z: Vec<f64> = (0..40).map(|i| f64::from(i % 5)).collect();
    let both: Vec<f64> = x.iter().zip(&z).map(|(x, z)| 2.0 * x - z + 3.0).collect();
    let y: Vec<f64> = (0..40).map(|i| f64::from(i % 11) + x[i as usize]).collect();
    let alone = infer(vec![x.clone(), z.clone(), y.clone()], 1, Scaling::Standardize, true);
    let with = infer(vec![x, z, both, vec![4.0; 40], y], 1, Scaling::Standardize, true);
    let dropped: Vec<bool> = with.coefficients.iter().map(|c| c.dropped).collect();
    assert_eq!(dropped, [false, false, true, true, false]);
    for (k, other) in [(0, 0), (1, 1), (4, 2)] {
        let (found, expected) = (&with.coefficients[k], &alone.coefficients[other]);
        assert!(lre(found.estimate, expected.estimate) > 11.0, "{found:?} {expected:?}");
        let errors = [found, expected].map(|c| c.standard_error.unwrap());
        assert!(lre(errors[0], errors[1]) > 11.0, "{errors:?}");
    }
    assert_eq!(with.degrees_of_freedom, 37);
    assert_eq!((with.coefficients[2].estimate, with.coefficients[2].standard_error), (0.0, None));
}

#[test]
fn rows_held_out_are_not_inferred_from() {
    let columns = longley();
    let inputs: Vec<Input> = (0..6).map(|j| Input::number(&format!("x{j}"))).collect();
    let data = Dataset::of_table(columns.clone(), inputs, "y");
    let validation = ValidationConfig {
        fraction: 0.25,
        split: downhill::choices::Split::Last,
        seed: 1,
        ..ValidationConfig::default()
    };
    let roles = Roles::new(&validation, 16);
    let map =
        FeatureMap::new(vec![InputMap::number(1); 6], Vec::new()).scaled(&data, true, Scaling::Standardize);
    let found = Inference::of(&data, &roles, &map, true);
    let first: Vec<Vec<f64>> = columns.iter().map(|column| column[..12].to_vec()).collect();
    let expected = infer(first, 1, Scaling::Standardize, true);
    assert_eq!(found.n_samples, 12);
    for (a, b) in found.coefficients.iter().zip(&expected.coefficients) {
        assert!(lre(a.estimate, b.estimate) > 9.0, "{a:?} {b:?}");
    }
}

#[test]
fn distributions_are_as_scipy_has_them() {
    // scipy 1.17.1: 2 * t.sf(t, df), t.ppf(0.975, df), f.sf(f, d1, d2).
    for (t, df, expected) in [
        (2.0, 10.0, 0.07338803477074037),
        (0.5, 1.0, 0.7048327646991335),
        (10.0, 3.0, 0.0021283990584141503),
        (1.96, 1e6, 0.04999606758526985),
    ] {
        // Logarithms of gamma at half a million leave nine digits in their difference.
        assert_close(student_two_sided(t, df), expected, 1e-9 * expected, "two-sided t");
    }
    for (df, expected) in [(1.0, 12.706204736174694), (9.0, 2.262157162798205), (1000.0, 1.9623390808264083)]
    {
        assert_close(student_quantile(0.975, df), expected, 1e-9 * expected, "t quantile");
        assert_close(student_quantile(0.025, df), -expected, 1e-9 * expected, "t quantile");
    }
    assert_close(fisher_above(3.0, 2.0, 20.0), 0.07253815028640571, 1e-12, "F");
}

#[test]
fn weighted_rows_count_as_those_of_statsmodels_do() {
    // statsmodels 0.15.0: WLS(y, X, weights=w).fit(method="qr") of Longley with the constant last: params, bse,
    // rsquared, sqrt(scale), fvalue, rsquared_adj; estimates and errors, of which it has eight digits, by mpmath
    // 1.4.1 with sixty.
    let weights = [1.0, 2.0, 1.0, 0.5, 3.0, 1.0, 2.0, 1.0, 4.0, 1.0, 1.0, 0.25, 1.0, 2.0, 1.0, 1.0];
    let mut columns = longley();
    columns.push(weights.to_vec());
    let inputs: Vec<Input> = (0..6).map(|j| Input::number(&format!("x{j}"))).collect();
    let data = Dataset::of_table(columns, inputs, "y").with_extras(vec![Extra::Weight]);
    let map =
        FeatureMap::new(vec![InputMap::number(1); 6], Vec::new()).scaled(&data, true, Scaling::Standardize);
    let found = Inference::of(&data, &Roles::new(&ValidationConfig::default(), 16), &map, true);
    let expected = [
        [-11.513680382900917, 67.1951947226646],
        [-0.011850225874775093, 0.02494379805648212],
        [-1.637080909267187, 0.3660475856320832],
        [-0.9333215371987096, 0.17810437812706284],
        [-0.18512083972683838, 0.16906930422472827],
        [1524.6136775491068, 349.41981621301636],
        [-2879361.158762702, 681598.835680928],
    ];
    for (coefficient, [estimate, error]) in found.coefficients.iter().zip(expected) {
        assert_close(coefficient.estimate, estimate, 1e-11 * estimate.abs(), "estimate");
        assert_close(coefficient.standard_error.unwrap(), error, 1e-11 * error, "standard error");
    }
    assert_close(found.r2.unwrap(), 0.9961703048843675, 1e-12, "R2");
    assert_close(found.residual_deviation.unwrap(), 306.90426566221345, 1e-9, "residual deviation");
    assert_close(found.f.unwrap()[0], 390.1760877065999, 1e-8, "F");
    assert_close(found.adjusted_r2.unwrap(), 0.9936171748072792, 1e-12, "adjusted R2");
}

#[test]
fn columns_that_make_up_the_ones_are_left_out_and_the_constant_stays() {
    // Two columns, where one is 1 exactly if the other is 0.
    let x = vec![1.0, 0.0, 0.0, 1.0, 0.0, 1.0];
    let other: Vec<f64> = x.iter().map(|x| 1.0 - x).collect();
    let y = vec![3.0, 1.0, 1.5, 4.0, 2.0, 3.5];
    for scaling in [Scaling::None, Scaling::Standardize] {
        let found = infer(vec![x.clone(), other.clone(), y.clone()], 1, scaling, true);
        let dropped: Vec<bool> = found.coefficients.iter().map(|c| c.dropped).collect();
        assert_eq!(dropped, [false, true, false], "{found:?}");
        // Means of 1.5 and 3.5.
        assert_close(found.coefficients[0].estimate, 2.0, 1e-14, "the difference of means");
        assert_close(found.coefficients[2].estimate, 1.5, 1e-14, "the mean of those of 0");
        assert_eq!(found.degrees_of_freedom, 4);
    }
}
