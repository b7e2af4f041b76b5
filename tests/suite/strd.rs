//! NIST's Statistical Reference Datasets: linear least squares to the certified digits.

use downhill::analysis::inference::Inference;
use downhill::choices::Scaling;
use downhill::config::ValidationConfig;
use downhill::dataset::{Dataset, FeatureMap, Input, InputMap, Roles};
use serde_json::Value;

use crate::support::{numbers, reference};

/// Number of digits that agree, `-log10(|found - expected| / |expected|)`: the log relative error
/// of NIST and of McCullough (1998), or of the difference if the certified value is 0; 15 if there
/// is no difference.
fn lre(found: f64, expected: f64) -> f64 {
    let scale = if expected == 0.0 { 1.0 } else { expected.abs() };
    if found == expected { 15.0 } else { (-((found - expected).abs() / scale).log10()).min(15.0) }
}

fn infer(set: &Value, scaling: Scaling) -> Inference {
    let mut columns: Vec<Vec<f64>> = set["x"].as_array().unwrap().iter().map(numbers).collect();
    let n_inputs = columns.len();
    columns.push(numbers(&set["y"]));
    let inputs = (0..n_inputs).map(|j| Input::number(&format!("x{j}"))).collect();
    let data = Dataset::of_table(columns, inputs, "y");
    let degree = set["degree"].as_u64().unwrap() as u32;
    let bias = set["bias"].as_bool().unwrap();
    let map =
        FeatureMap::new(vec![InputMap::number(degree); n_inputs], Vec::new()).scaled(&data, bias, scaling);
    Inference::of(&data, &Roles::new(&ValidationConfig::default(), data.n_samples()), &map, bias)
}

/// Required digits of estimates, of their standard deviations, and of residual standard deviation,
/// R^2 and F.
fn digits(set: &Value, scaling: Scaling) -> [f64; 5] {
    let found = infer(set, scaling);
    let bias = usize::from(set["bias"].as_bool().unwrap());
    // The constant comes first in the certified values.
    let certified = |key: &str| {
        let mut values = numbers(&set[key]);
        values.rotate_left(bias);
        values
    };
    let least = |pairs: Vec<(f64, f64)>| pairs.iter().map(|(a, b)| lre(*a, *b)).fold(15.0, f64::min);
    let estimates = found.coefficients.iter().map(|c| c.estimate).zip(certified("estimates")).collect();
    let errors = found.coefficients.iter().map(|c| c.standard_error.unwrap());
    let errors = errors.zip(certified("standard_deviations")).collect();
    let number = |key: &str| set[key].as_f64().unwrap();
    [
        least(estimates),
        least(errors),
        lre(found.residual_deviation.unwrap(), number("residual_standard_deviation")),
        lre(found.r2.unwrap(), number("r2")),
        // Without residuals it is undefined.
        set["f"].as_f64().map_or(15.0, |f| lre(found.f.unwrap()[0], f)),
    ]
}

#[test]
fn every_set_is_as_certified() {
    // Fifteen decimal digits are certified. `reachable` says how many remain after rounding the
    // data to f64, and none of those may be lost. statsmodels 0.15.0 (OLS(y, X).fit(method="qr") of
    // plain powers) reaches 8.0 for Filip, 12.8 for Pontius and 5.8 for Wampler5.
    let reference = reference("strd");
    for set in reference["sets"].as_array().unwrap() {
        let name = set["name"].as_str().unwrap();
        let reachable = set["reachable"].as_f64().unwrap();
        // Filip's powers on [0, 1] have condition number 1e8, which affects R itself.
        for (scaling, least) in [(Scaling::Standardize, 13.5), (Scaling::MinMax, 10.0)] {
            let found = digits(set, scaling);
            assert!(
                found[0] > reachable - 0.2,
                "{name}: {:.2} of {reachable} digits of the estimates",
                found[0]
            );
            for (what, found) in ["standard errors", "residual deviation", "R^2", "F"].iter().zip(&found[1..])
            {
                assert!(*found > least, "{name}: {found:.2} digits of {what}");
            }
        }
    }
}
