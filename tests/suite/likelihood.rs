//! Inference for logistic and Poisson regression, influence of rows, and effects of inputs,
//! compared with statsmodels.

use downhill::analysis::Portion;
use downhill::analysis::diagnostics::Influence;
use downhill::analysis::distributions::{chi_square_above, normal_quantile, normal_two_sided};
use downhill::analysis::fit::{Fit, Inferred, Reason};
use downhill::analysis::likelihood::Likelihood;
use downhill::choices::{Loss, Penalty, Scaling};
use downhill::config::ValidationConfig;
use downhill::dataset::{Dataset, Extra, FeatureMap, Input, InputMap, Role, Roles};
use downhill::model::Linear;
use serde_json::Value;

use crate::support::{assert_close, numbers, reference};

/// An input without levels.
const NUMBER: &[&str] = &[];

/// A dataset with everything that a fit borrows.
struct Case {
    data: Dataset,
    roles: Roles,
    map: FeatureMap,
}

/// The fit of a model with a bias.
fn fitted(rows: Portion<'_>, n_outputs: u32, loss: Loss, penalty: Penalty) -> Fit<'_> {
    let linear = Linear { n_features: rows.map().n_features() as u32, n_outputs, bias: true };
    Fit::new(rows, linear, loss, penalty)
}

impl Case {
    fn new(columns: Vec<Vec<f64>>, levels: &[&[&str]]) -> Self {
        let inputs: Vec<Input> = levels
            .iter()
            .enumerate()
            .map(|(j, levels)| Input {
                levels: levels.iter().map(|level| (*level).to_owned()).collect(),
                ..Input::number(&format!("x{j}"))
            })
            .collect();
        let maps = levels.iter().map(|levels| match levels.len() {
            0 => InputMap::number(1),
            n => InputMap::category(n as u32),
        });
        let map = FeatureMap::new(maps.collect(), Vec::new());
        let data = Dataset::of_table(columns, inputs, "y");
        let map = map.scaled(&data, true, Scaling::Standardize);
        let roles = Roles::new(&ValidationConfig::default(), data.n_samples());
        Self { data, roles, map }
    }

    /// Four columns of numbers and one of the targets of tests/reference/likelihood.json.
    fn of(reference: &Value, target: &str) -> Self {
        let mut columns: Vec<Vec<f64>> =
            reference["columns"].as_array().unwrap().iter().map(numbers).collect();
        columns.push(numbers(&reference["targets"][target]));
        Self::new(columns, &[NUMBER; 4])
    }

    fn rows(&self) -> Portion<'_> {
        Portion::new(&self.data, &self.roles, Role::Training, &self.map)
    }

    fn fit(&self, loss: Loss) -> Fit<'_> {
        fitted(self.rows(), 1, loss, Penalty::default())
    }
}

fn check(found: f64, expected: &Value, what: &str) {
    let expected = expected.as_f64().unwrap();
    assert_close(found, expected, 1e-8 * expected.abs().max(1e-12), what);
}

fn likelihood<'a>(fit: &'a Fit<'_>) -> &'a Likelihood {
    match fit.inferred() {
        Inferred::Likelihood(likelihood) => likelihood,
        other => panic!("{other:?}"),
    }
}

const LIKELIHOODS: [(&str, Loss); 2] = [("half", Loss::Logistic), ("count", Loss::Poisson)];

#[test]
fn likelihoods_are_those_of_statsmodels() {
    let reference = reference("likelihood");
    let weights = numbers(&reference["weights"]);
    for (name, loss) in LIKELIHOODS {
        let case = Case::of(&reference, name);
        let mut columns: Vec<Vec<f64>> =
            reference["columns"].as_array().unwrap().iter().map(numbers).collect();
        columns.extend([numbers(&reference["targets"][name]), weights.clone()]);
        let mut weighted = Case::new(columns, &[NUMBER; 4]);
        weighted.data = weighted.data.with_extras(vec![Extra::Weight]);
        for (key, case) in [(name.to_owned(), &case), (format!("{name}_weighted"), &weighted)] {
            let expected = &reference[&key];
            let fit = case.fit(loss);
            let found = likelihood(&fit);
            for (k, coefficient) in found.coefficients.iter().enumerate() {
                check(coefficient.estimate, &expected["params"][k], "estimate");
                check(coefficient.standard_error.unwrap(), &expected["bse"][k], "standard error");
                check(coefficient.t.unwrap(), &expected["z"][k], "z");
                check(coefficient.p.unwrap(), &expected["p"][k], "p");
                for (end, found) in coefficient.interval.unwrap().into_iter().enumerate() {
                    check(found, &expected["interval"][k][end], "an end of the interval");
                }
            }
            check(found.log_likelihood, &expected["llf"], "log-likelihood");
            check(found.null_log_likelihood, &expected["llnull"], "that of a constant");
            check(found.deviance, &expected["deviance"], "deviance");
            check(found.null_deviance, &expected["null_deviance"], "that of a constant");
            check(found.pseudo_r2.unwrap(), &expected["pseudo_r2"], "McFadden's R2");
            for (k, found) in found.likelihood_ratio.unwrap().into_iter().enumerate() {
                check(found, &expected["likelihood_ratio"][k], "likelihood ratio");
            }
            assert_eq!((found.n_samples, found.degrees_of_freedom), (120, 115));
        }
    }
}

#[test]
fn columns_that_repeat_others_are_left_out_of_a_likelihood() {
    let reference = reference("likelihood");
    let mut columns: Vec<Vec<f64>> = reference["columns"].as_array().unwrap().iter().map(numbers).collect();
    let both = columns[0].iter().zip(&columns[2]).map(|(a, b)| a - 3.0 * b).collect();
    columns.push(both);
    columns.push(numbers(&reference["targets"]["half"]));
    let case = Case::new(columns, &[NUMBER; 5]);
    let fit = case.fit(Loss::Logistic);
    let found = &likelihood(&fit).coefficients;
    let dropped: Vec<bool> = found.iter().map(|c| c.dropped).collect();
    assert_eq!(dropped, [false, false, false, false, true, false]);
    check(found[2].standard_error.unwrap(), &reference["half"]["bse"][2], "standard error");
}

fn check_rows(found: &Influence, expected: &Value, what: &str) {
    let columns = [
        (&found.fitted, "fitted"),
        (&found.residuals, "residual"),
        (&found.leverages, "leverage"),
        (&found.cooks_distances, "cooks_distance"),
        (&found.standardized, "standardized"),
        (&found.studentized, "studentized"),
        (&found.normal_quantiles, "normal_quantile"),
    ];
    for (column, name) in columns {
        let expected = numbers(&expected[name]);
        for (row, found) in found.rows.iter().zip(column) {
            let expected = expected[*row as usize];
            assert_close(
                *found,
                expected,
                1e-8 * expected.abs().max(1e-2),
                &format!("{what}: {name} of {row}"),
            );
        }
    }
}

#[test]
fn what_rows_do_to_a_fit_is_as_statsmodels_has_it() {
    let reference = reference("likelihood");
    for (name, loss) in [("number", Loss::Squared)].into_iter().chain(LIKELIHOODS) {
        let found = Case::of(&reference, name).fit(loss).influence(1000);
        assert_eq!(found.rows, (0..120).collect::<Vec<u32>>());
        assert_eq!((found.n_samples, found.n_coefficients), (120, 5));
        check_rows(&found, &reference[name]["rows"], name);
    }
}

#[test]
fn a_sample_of_rows_is_even_and_has_those_that_stand_out() {
    let reference = reference("likelihood");
    let found = Case::of(&reference, "number").fit(Loss::Squared).influence(60);
    assert!(found.rows.len() <= 60 && found.rows.len() >= 30, "{}", found.rows.len());
    assert!(found.rows.is_sorted());
    let expected = &reference["number"]["rows"];
    // Ranks are among all rows.
    check_rows(&found, expected, "a sample");
    for key in ["standardized", "leverage", "cooks_distance", "fitted"] {
        let values: Vec<f64> = numbers(&expected[key]).iter().map(|v| v.abs()).collect();
        let most = (0..120).max_by(|a, b| values[*a].total_cmp(&values[*b])).unwrap();
        assert!(found.rows.contains(&(most as u32)), "row {most}, the largest {key}");
    }
    for quarter in 0..4 {
        let n = found.rows.iter().filter(|row| *row / 30 == quarter).count();
        assert!(n >= 6, "{n} rows of quarter {quarter}");
    }
}

#[test]
fn a_row_that_is_met_whatever_it_says_has_no_influence_to_be_told() {
    // The only row with its level.
    let columns = vec![vec![0.0, 0.0, 0.0, 0.0, 1.0], vec![1.0, 2.0, 4.0, 3.0, 9.0]];
    let case = Case::new(columns, &[&["a", "b"]]);
    let found = case.fit(Loss::Squared).influence(10);
    assert_close(found.leverages[4], 1.0, 1e-12, "leverage");
    assert!(found.cooks_distances[4].is_nan() && found.standardized[4].is_nan());
    assert_close(found.leverages[0], 0.25, 1e-12, "leverage");
}

#[test]
fn effects_and_their_bands_are_those_of_statsmodels() {
    let reference = reference("likelihood");
    for (name, loss) in [("number", Loss::Squared)].into_iter().chain(LIKELIHOODS) {
        let found = Case::of(&reference, name).fit(loss).effects(None, 5, 1000);
        let (found, expected) = (&found.inputs[2], &reference[name]["along"]);
        let [low, high] = found.band.as_ref().unwrap();
        for k in 0..5 {
            check(found.grid[k], &expected["grid"][k], "place");
            check(found.effects[0][k], &expected["effect"][k], "effect");
            check(low[k], &expected["low"][k], "lower end");
            check(high[k], &expected["high"][k], "upper end");
        }
        if name == "number" {
            assert_eq!(found.points.len(), 120);
            for (point, expected) in found.points.iter().zip(numbers(&reference[name]["partial_residuals"])) {
                assert_close(point[1], expected, 1e-8 * expected.abs(), "partial residual");
            }
        } else {
            assert!(found.points.is_empty());
        }
    }
}

#[test]
fn effects_of_categories_are_taken_at_the_most_frequent_level() {
    let columns = vec![
        vec![0.0, 1.0, 2.0, 1.0, 1.0, 0.0],
        vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
        vec![1.5, 4.0, 7.0, 6.5, 8.0, 6.0],
    ];
    let case = Case::new(columns, &[&["a", "b", "c"], NUMBER]);
    let found = case.fit(Loss::Squared).effects(None, 3, 4);
    assert_eq!(found.at, [1.0, 3.5]);
    assert_eq!(found.inputs[0].grid, [0.0, 1.0, 2.0]);
    assert_eq!(found.inputs[1].points.len(), 4);
    // At the same place both give the same prediction.
    assert_close(found.inputs[0].effects[0][1], found.inputs[1].effects[0][1], 1e-12, "effect");
    let elsewhere = case.fit(Loss::Squared).effects(Some(&[0.0, 1.0]), 3, 0);
    assert!(elsewhere.inputs[1].effects[0][0] < found.inputs[1].effects[0][0]);
}

#[test]
fn why_there_are_no_errors_is_said() {
    let reference = reference("likelihood");
    let ridge = Penalty { strength: 0.1, l1_ratio: 0.0 };
    let cases = [
        ("number", Loss::Squared, ridge, Reason::Penalized),
        ("number", Loss::Absolute, Penalty::default(), Reason::Robust),
        ("half", Loss::Softmax, Penalty::default(), Reason::ManyClasses),
    ];
    for (name, loss, penalty, reason) in cases {
        let case = Case::of(&reference, name);
        let n_outputs = if loss == Loss::Softmax { 2 } else { 1 };
        let fit = fitted(case.rows(), n_outputs, loss, penalty);
        let Inferred::Optimum(found) = fit.inferred() else { panic!("{:?}", fit.inferred()) };
        assert_eq!(found.reason, reason);
        assert!(found.coefficients.iter().flatten().all(|c| c.standard_error.is_none()));
        assert!(fit.effects(None, 3, 3).inputs[0].band.is_none());
        if loss == Loss::Softmax {
            // Softmax with two classes is the logistic model, split evenly.
            for (k, expected) in numbers(&reference["half"]["params"]).iter().enumerate() {
                let [a, b] = [0, 1].map(|class| found.coefficients[class][k].estimate);
                assert_close(b - a, *expected, 1e-7 * expected.abs(), "a difference of classes");
            }
            assert!(fit.influence(10).rows.is_empty());
        }
    }
    // Two classes that a line separates.
    let case = Case::new(vec![vec![1.0, 2.0, 3.0, 4.0], vec![0.0, 0.0, 1.0, 1.0]], &[NUMBER]);
    let fit = case.fit(Loss::Logistic);
    let Inferred::Optimum(found) = fit.inferred() else { panic!("{:?}", fit.inferred()) };
    assert_eq!(found.reason, Reason::Infinite);
}

#[test]
fn tails_are_those_of_scipy() {
    // scipy 1.17.1: 2 * norm.sf(z), norm.ppf(q), chi2.sf(x, df).
    for (z, expected) in
        [(0.5, 0.6170750774519738), (1.96, 0.04999579029644087), (8.0, 1.244192114854348e-15)]
    {
        assert_close(normal_two_sided(z), expected, 1e-13 * expected, "two-sided z");
    }
    for (share, expected) in [
        (0.975, 1.959963984540054),
        (0.5, 0.0),
        (0.3, -0.5244005127080409),
        (1e-10, -6.361340902404056),
        (0.02425, -1.972961051311885),
    ] {
        assert_close(normal_quantile(share), expected, 1e-13 * expected.abs().max(1.0), "z quantile");
    }
    for (x, df, expected) in [
        (3.84, 1.0, 0.05004352124870519),
        (0.1, 4.0, 0.9987908957257497),
        (50.0, 10.0, 2.669083424904495e-07),
        (700.0, 600.0, 0.0028957725318222776),
    ] {
        assert_close(chi_square_above(x, df), expected, 1e-10 * expected, "chi-square");
    }
}
