//! Generated rows, tables of text, features.

use downhill::config::{DataConfig, RunConfig, Source};
use downhill::dataset::{Dataset, FeatureMap, Problem, parse_table};
use downhill::message::{Code, Message};

fn linspace(n_samples: u32, noise: f64) -> Dataset {
    let source =
        Source::Linspace { start: -1.0, stop: 1.0, n_samples, slope: 2.0, intercept: 1.0, noise, seed: 1 };
    Dataset::build(&DataConfig { source, ..DataConfig::default() }, None).unwrap()
}

#[test]
fn linspace_includes_both_ends_at_even_steps() {
    // numpy.linspace(-1, 1, 5)
    assert_eq!(linspace(5, 0.0).x, [-1.0, -0.5, 0.0, 0.5, 1.0]);
    let data = linspace(1_000_000, 0.0);
    assert_eq!((data.x[0], data.x[999_999]), (-1.0, 1.0));
    assert!(data.x.is_sorted());
    for (x, y) in data.x.iter().zip(&data.y) {
        assert_eq!(*y, 2.0 * x + 1.0);
    }
}

#[test]
fn noise_has_the_deviation_that_was_asked_for() {
    let data = linspace(100_000, 0.1);
    let residuals: Vec<f64> = data.x.iter().zip(&data.y).map(|(x, y)| y - 2.0 * x - 1.0).collect();
    let deviation = (residuals.iter().map(|r| r * r).sum::<f64>() / 1e5).sqrt();
    // Standard error of a deviation: sigma / sqrt(2 n); five of them allowed.
    assert!((deviation - 0.1).abs() < 5.0 * 0.1 / (2e5_f64).sqrt(), "{deviation}");
}

#[test]
fn points_are_added_and_removed_by_hand() {
    let mut data = DataConfig { removed: vec![0, 99], added: vec![[5.0, 6.0]], ..DataConfig::default() };
    let dataset = Dataset::build(&data, None).unwrap();
    assert_eq!(dataset.n_samples(), 99);
    assert_eq!((dataset.x[98], dataset.y[98]), (5.0, 6.0));
    assert!(dataset.x[0] > -1.0);
    data.removed = vec![100];
    assert_eq!(Dataset::build(&data, None).unwrap_err().code, Code::RemovedOutOfRange);
}

#[test]
fn tables_are_read_with_any_separator_header_or_none() {
    for text in [
        "x,y\n1,2\n3,4.5\n",
        "1,2\n3,4.5",
        "\u{feff}weight;height\r\n1;2\r\n3;4,5\r\n",
        "a\tb\n1\t2\n\n3\t4.5\n",
        "1 2\n3  4.5\n",
        "  x , y \n 1 , 2 \n 3 , 4.5 \n",
        "\"x\",\"y\"\n\"1\",\"2\"\n3,4.5\n",
        "1e0,2E0\n3,+4.5",
    ] {
        let table = parse_table(text.as_bytes()).unwrap_or_else(|error| panic!("{text:?}: {error}"));
        assert_eq!(table.dataset.x, [1.0, 3.0], "{text:?}");
        assert_eq!(table.dataset.y, [2.0, 4.5], "{text:?}");
    }
    let table = parse_table(b"temp (C);sales\n1;2\n2;3").unwrap();
    assert_eq!((table.dataset.feature.as_str(), table.dataset.target.as_str()), ("temp (C)", "sales"));
}

fn refused(text: &[u8]) -> Message {
    parse_table(text).unwrap_err()
}

#[test]
fn bad_tables_are_refused_with_place_and_mend() {
    let cases: [(&[u8], Code, &str); 16] = [
        (b"x,y\n1,2\n3,abc\n", Code::CellNotANumber, "row 3, column \"y\": \"abc\""),
        (b"x;y\n1;2\n3;4.5.6\n", Code::CellNotANumber, "row 3, column \"y\": \"4.5.6\""),
        (b"x,y\n1,2\n,4\n", Code::CellMissing, "row 3, column \"x\""),
        (b"x,y\n1,NA\n", Code::CellMissing, "row 2, column \"y\""),
        (b"x,y\n1,inf\n", Code::CellNotFinite, "row 2, column \"y\": \"inf\""),
        (b"x,y\n1,NaN\n2,3\n", Code::CellNotFinite, "row 2, column \"y\": \"NaN\""),
        (b"x,y\n1,1e30\n2,3\n", Code::CellTooLarge, "row 2, column \"y\": 1e30"),
        (b"x,y\n1,\"12,5\"\n", Code::CellDecimalComma, "row 2, column \"y\": \"12,5\""),
        (b"x,y\n1,2,3\n", Code::RowLength, "row 2 has 3 columns"),
        (b"x,y\n1\n", Code::RowLength, "row 2 has 1 columns"),
        (b"", Code::TableEmpty, "two rows"),
        (b"x,y\n", Code::TableEmpty, "two rows"),
        (b"x,y\n1,2\n", Code::TooFewRows, "at least two"),
        (b"x,y\n3,2\n3,4\n3,5\n", Code::ConstantFeature, "every value of \"x\" is 3"),
        (b"PK\x03\x04\x00\x00rubbish", Code::NotText, "byte 5"),
        (b"x,y\n1,2\xff\n", Code::NotText, "byte 8"),
    ];
    for (text, code, part) in cases {
        let message = refused(text);
        assert_eq!(message.code, code, "{message}");
        assert!(message.to_string().contains(part), "{message}");
    }
    assert_eq!(refused(&vec![b'1'; 200_000_000]).code, Code::FileTooLarge);
    let many = "1,2\n3,4\n".repeat(500_001);
    assert_eq!(refused(many.as_bytes()).code, Code::TooManyRows);
}

#[test]
fn standardized_features_have_mean_zero_and_deviation_one() {
    let x: Vec<f64> = (0..500).map(|i| 60.0 + 0.03 * f64::from(i)).collect();
    let map = FeatureMap::standardized(4, &x, true);
    let mut sums = [[0.0; 2]; 4];
    let mut row = [0.0; 4];
    for x in &x {
        map.features(*x, &mut row);
        for (sum, value) in sums.iter_mut().zip(row) {
            sum[0] += value / 500.0;
            sum[1] += value * value / 500.0;
        }
    }
    for [mean, square] in sums {
        assert!(mean.abs() < 1e-12 && (square - 1.0).abs() < 1e-12, "{mean} {square}");
    }
}

#[test]
fn original_units_say_the_same_as_scaled_ones() {
    let x: Vec<f64> = (0..50).map(|i| 1990.0 + f64::from(i)).collect();
    for (degree, bias) in [(1, true), (1, false), (2, true), (3, true), (3, false)] {
        let map = FeatureMap::standardized(degree, &x, bias);
        let parameters: Vec<f64> = (0..degree + u32::from(bias)).map(|j| 1.5 - f64::from(j)).collect();
        let original = downhill::model::to_original(&map, &parameters);
        assert_eq!(original.len(), parameters.len());
        for x in [1995.0, 2010.5, 2039.0] {
            let by_scaled = downhill::model::predict(&map, &parameters, x);
            let powers: f64 = (0..degree as usize).map(|k| original[k] * x.powi(k as i32 + 1)).sum();
            let by_original = powers + if bias { original[degree as usize] } else { 0.0 };
            // The powers of a year are large and cancel: a relative 1e-13 of their sum of magnitudes remains.
            let magnitude: f64 =
                (0..degree as usize).map(|k| (original[k] * x.powi(k as i32 + 1)).abs()).sum();
            assert!(
                (by_scaled - by_original).abs() <= 1e-13 * magnitude + 1e-12,
                "{by_scaled} {by_original}"
            );
        }
    }
}

#[test]
fn powers_that_overflow_are_refused() {
    let mut config = RunConfig::default();
    config.model.degree = 12;
    let dataset = Dataset { x: vec![0.0, 1e3], y: vec![0.0, 1.0], feature: "x".into(), target: "y".into() };
    let error = Problem::build(&dataset, &FeatureMap::plain(12), true).unwrap_err();
    assert_eq!(error.code, Code::PowerTooLarge);
    Problem::build(&dataset, &FeatureMap::standardized(12, &dataset.x, true), true).unwrap();
}

#[test]
fn density_counts_every_row_once() {
    let data = linspace(30_000, 0.1);
    let (x, y) = data.ranges();
    let counts = data.density(x, y, 40, 30);
    assert_eq!(counts.iter().sum::<u32>(), 30_000);
    // The line rises: bottom left and top right are full, the other corners empty.
    assert!(counts[0] > 0 && counts[30 * 40 - 1] > 0);
    assert_eq!((counts[39], counts[29 * 40]), (0, 0));
}
