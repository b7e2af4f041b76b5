//! Generated rows, tables of text, features.

use std::rc::Rc;

use downhill::analysis::LeastSquares;
use downhill::choices::{Scaling, Source};
use downhill::config::{DataConfig, RunConfig};
use downhill::dataset::{Dataset, FeatureMap, Problem};
use downhill::message::Code;
use downhill::rng::{Rng, Stream};
use downhill::trainer::{Preparation, Task};

use crate::support::{assert_close, exact, task};

fn linspace(n_samples: u32, noise: f64) -> Dataset {
    let source =
        Source::Linspace { start: -1.0, stop: 1.0, n_samples, slope: 2.0, intercept: 1.0, noise, seed: 1 };
    Dataset::build(&DataConfig { source, ..DataConfig::default() }, None).unwrap()
}

fn table(x: Vec<f64>, y: Vec<f64>) -> Dataset {
    Dataset::of_columns(x, y, "x", "y")
}

#[test]
fn linspace_includes_both_ends_at_even_steps() {
    // numpy.linspace(-1, 1, 5)
    assert_eq!(linspace(5, 0.0).columns().0, [-1.0, -0.5, 0.0, 0.5, 1.0]);
    let (x, y) = linspace(1_000_000, 0.0).columns();
    assert_eq!((x[0], x[999_999]), (-1.0, 1.0));
    assert!(x.is_sorted());
    for (x, y) in x.iter().zip(&y) {
        assert_eq!(*y, 2.0 * x + 1.0);
    }
}

#[test]
fn noise_has_the_deviation_that_was_asked_for() {
    let (x, y) = linspace(100_000, 0.1).columns();
    let residuals: Vec<f64> = x.iter().zip(&y).map(|(x, y)| y - 2.0 * x - 1.0).collect();
    let deviation = (residuals.iter().map(|r| r * r).sum::<f64>() / 1e5).sqrt();
    // Standard error of a deviation: sigma / sqrt(2 n), with five of them allowed.
    assert!((deviation - 0.1).abs() < 5.0 * 0.1 / (2e5_f64).sqrt(), "{deviation}");
}

#[test]
fn points_are_added_and_removed_by_hand() {
    let mut data = DataConfig { removed: vec![0, 99], added: vec![[5.0, 6.0]], ..DataConfig::default() };
    let dataset = Dataset::build(&data, None).unwrap();
    assert_eq!(dataset.n_samples(), 99);
    let (x, y) = dataset.columns();
    assert_eq!((x[98], y[98]), (5.0, 6.0));
    assert!(x[0] > -1.0);
    data.removed = vec![100];
    assert_eq!(Dataset::build(&data, None).unwrap_err().code, Code::RemovedOutOfRange);
}

#[test]
fn what_no_line_can_be_fitted_to_is_refused() {
    let refused = |x: &[f64], y: &[f64]| table(x.to_vec(), y.to_vec()).check().unwrap_err();
    assert_eq!(refused(&[], &[]).code, Code::TableEmpty);
    assert_eq!(refused(&[1.0], &[2.0]).code, Code::TooFewRows);
    let constant = refused(&[3.0; 3], &[2.0, 4.0, 5.0]);
    assert_eq!(constant.code, Code::ConstantFeature);
    assert!(constant.to_string().contains("Every value of \"x\" is 3"), "{constant}");
}

#[test]
fn standardized_features_have_mean_zero_and_deviation_one() {
    let x: Vec<f64> = (0..500).map(|i| 60.0 + 0.03 * f64::from(i)).collect();
    let map = FeatureMap::standardized(4, &table(x.clone(), x.clone()), true);
    let mut sums = [[0.0; 2]; 4];
    let mut row = [0.0; 4];
    for x in &x {
        map.features(&[*x], &mut row);
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
    let data = table(x.clone(), x);
    for (degree, bias) in [(1, true), (1, false), (2, true), (3, true), (3, false)] {
        let map = FeatureMap::standardized(degree, &data, bias);
        let parameters: Vec<f64> = (0..degree + u32::from(bias)).map(|j| 1.5 - f64::from(j)).collect();
        let original = downhill::model::to_original(&map, &parameters);
        assert_eq!(original.len(), parameters.len());
        for x in [1995.0_f64, 2010.5, 2039.0] {
            let mut features = vec![0.0; degree as usize];
            map.features(&[x], &mut features);
            let by_scaled = downhill::model::output(&parameters, &features);
            let powers: f64 = (0..degree as usize).map(|k| original[k] * x.powi(k as i32 + 1)).sum();
            let by_original = powers + if bias { original[degree as usize] } else { 0.0 };
            // The powers of a year are large and cancel: a relative error of 1e-13 of the sum of
            // their magnitudes remains.
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
    let dataset = table(vec![0.0, 1e3], vec![0.0, 1.0]);
    let error = Problem::build(&dataset, &FeatureMap::plain(12)).unwrap_err();
    assert_eq!(error.code, Code::PowerTooLarge);
    Problem::build(&dataset, &FeatureMap::standardized(12, &dataset, true)).unwrap();
}

#[test]
fn density_counts_every_row_once() {
    let data = linspace(30_000, 0.1);
    let (x, y) = data.ranges();
    let counts = data.density(x, y, 40, 30);
    assert_eq!(counts.iter().sum::<u32>(), 30_000);
    // The line rises: bottom left and top right are full, the other corners are empty.
    assert!(counts[0] > 0 && counts[30 * 40 - 1] > 0);
    assert_eq!((counts[39], counts[29 * 40]), (0, 0));
}

/// Every row as one loop would generate it: NumPy's linspace and one normal number per row, in
/// order.
fn rows_in_one_go(data: &DataConfig) -> (Vec<f64>, Vec<f64>) {
    let Source::Linspace { start, stop, n_samples, slope, intercept, noise, seed } = data.source else {
        panic!("a generator")
    };
    let mut rng = Rng::new(seed, Stream::Noise);
    let step = (stop - start) / f64::from(n_samples - 1);
    let (mut x, mut y) = (Vec::new(), Vec::new());
    for i in 0..n_samples {
        let at = if i + 1 == n_samples { stop } else { start + step * f64::from(i) };
        let target = slope * at + intercept + noise * rng.normal();
        if !data.removed.contains(&i) {
            x.push(at);
            y.push(target);
        }
    }
    x.extend(data.added.iter().map(|[x, _]| x));
    y.extend(data.added.iter().map(|[_, y]| y));
    (x, y)
}

/// Sizes around block boundaries, unedited and edited: at the ends, next to each other, across a
/// boundary.
fn awkward() -> Vec<DataConfig> {
    let mut found = Vec::new();
    for n_samples in [2, 3, 7, 255, 511, 512, 513, 1023, 1025, 4099] {
        let source = Source::Linspace {
            start: -0.7,
            stop: 1.3,
            n_samples,
            slope: 2.0,
            intercept: 1.0,
            noise: 0.1,
            seed: n_samples,
        };
        found.push(DataConfig { source: source.clone(), ..DataConfig::default() });
        if n_samples > 7 {
            let last = n_samples - 1;
            let removed = vec![0, 1, 4, n_samples / 2, last - 1, last];
            found.push(DataConfig { source: source.clone(), removed, ..Default::default() });
            let added = (0..600).map(|i| [f64::from(i) / 300.0, -1.0]).collect();
            found.push(DataConfig { source, removed: vec![2], added, ..Default::default() });
        }
    }
    found
}

#[test]
fn any_block_of_generated_rows_is_that_of_the_whole() {
    for data in awkward() {
        let (x, y) = rows_in_one_go(&data);
        let dataset = Dataset::build(&data, None).unwrap();
        let n = dataset.n_samples() as usize;
        assert_eq!((n, dataset.columns()), (x.len(), (x.clone(), y.clone())));
        for first in (0..n).step_by(1 + n / 50) {
            for n_rows in [1, 2, 3, 500, 512, 513, n] {
                let block = first..n.min(first + n_rows);
                let (mut found_x, mut found_y) = (vec![0.0; block.len()], vec![0.0; block.len()]);
                dataset.read(first, &mut found_x, &mut found_y);
                assert_eq!((&found_x[..], &found_y[..]), (&x[block.clone()], &y[block]), "{first} {n_rows}");
            }
        }
    }
}

#[test]
fn blocks_far_into_the_stream_still_agree() {
    // Counters beyond 16 bits, read at random places.
    let data = linspace(1_000_000, 0.5);
    let (x, y) = rows_in_one_go(&DataConfig {
        source: Source::Linspace {
            start: -1.0,
            stop: 1.0,
            n_samples: 1_000_000,
            slope: 2.0,
            intercept: 1.0,
            noise: 0.5,
            seed: 1,
        },
        ..DataConfig::default()
    });
    for first in [0, 65_535, 65_536, 131_071, 777_777, 999_000] {
        let (mut found_x, mut found_y) = ([0.0; 1000], [0.0; 1000]);
        data.read(first, &mut found_x, &mut found_y);
        assert_eq!((&found_x[..], &found_y[..]), (&x[first..first + 1000], &y[first..first + 1000]));
    }
}

/// Mean (or 0), and root mean square about it (or 1), over all values at once.
fn center_and_scale(values: &[f64], bias: bool) -> (f64, f64) {
    let n = values.len() as f64;
    let center = if bias { values.iter().sum::<f64>() / n } else { 0.0 };
    let scale = (values.iter().map(|v| (v - center) * (v - center)).sum::<f64>() / n).sqrt();
    (center, if scale > 0.0 && scale.is_finite() { scale } else { 1.0 })
}

/// Block-by-block preparation gives the same bits as loops over whole columns.
#[test]
fn what_is_streamed_is_what_whole_columns_give() {
    for data in awkward() {
        for (degree, bias, standardize) in [
            (1, true, false),
            (1, false, true),
            (1, true, true),
            (3, true, true),
            (5, false, true),
            (12, true, true),
        ] {
            let (x, y) = rows_in_one_go(&data);
            let mut config = RunConfig { data: data.clone(), ..RunConfig::default() };
            (config.model.degree, config.model.bias) = (degree, bias);
            config.model.standardize = Some(if standardize { Scaling::Standardize } else { Scaling::None });
            let made = task(&config);

            let mut map = FeatureMap::plain(degree);
            if standardize {
                (map.inputs[0].center, map.inputs[0].scale) = center_and_scale(&x, bias);
                let z: Vec<f64> =
                    x.iter().map(|x| (x - map.inputs[0].center) / map.inputs[0].scale).collect();
                for k in 1..degree as usize {
                    // Powers as the features compute them: one multiplication after the other.
                    let power = |z: &f64| (0..=k).fold(1.0, |power, _| power * z);
                    let powers: Vec<f64> = z.iter().map(power).collect();
                    (map.center[k], map.scale[k]) = center_and_scale(&powers, bias);
                }
            }
            assert_eq!(made.map, map);
            let mut features = vec![0.0; degree as usize];
            let mut steepest = 0.0_f64;
            for (i, x) in x.iter().enumerate() {
                map.features(&[*x], &mut features);
                let row = &made.problem.features[i * degree as usize..][..degree as usize];
                let mut square = 0.0;
                for (found, expected) in row.iter().zip(&features) {
                    assert_eq!(found.to_bits(), (*expected as f32).to_bits());
                    square += f64::from(*found) * f64::from(*found);
                }
                steepest = steepest.max(square);
                assert_eq!(made.problem.targets[i].to_bits(), (y[i] as f32).to_bits());
            }
            assert_eq!(made.problem.targets.len(), y.len());
            assert_eq!(
                made.exact.as_ref().unwrap().steepest_row,
                2.0 * (steepest + f64::from(u8::from(bias)))
            );
            let (mean, deviation) = center_and_scale(&y, true);
            let variance = y.iter().map(|y| (y - mean) * (y - mean)).sum::<f64>() / y.len() as f64;
            assert_close(deviation * deviation, variance, 1e-12 * variance, "the variance of this test");
            assert_eq!(made.dataset.target_variance(), variance);
            let range = |values: &[f64]| {
                let least = values.iter().copied().fold(f64::INFINITY, f64::min);
                [least, values.iter().copied().fold(f64::NEG_INFINITY, f64::max)]
            };
            assert_eq!(made.dataset.ranges(), (range(&x), range(&y)));

            // The same rows as a table: nothing is generated, and each part is read separately.
            let table = Dataset::of_columns(x, y, "x", "y");
            assert_eq!(*exact(&made), LeastSquares::solve(&table, &map, bias));
            assert_eq!(*made.problem, Problem::build(&table, &map).unwrap());
            assert_eq!(
                made.exact.as_ref().unwrap().loss_with_bias,
                LeastSquares::solve(&table, &map, true).loss
            );
            assert_eq!(*made.dataset.summary(), *table.summary());
        }
    }
}

#[test]
fn density_by_features_is_that_of_the_rows_but_for_rounding() {
    let mut config = RunConfig::default();
    config.data.source = Source::Linspace {
        start: -1.0,
        stop: 1.0,
        n_samples: 30_000,
        slope: 2.0,
        intercept: 1.0,
        noise: 0.1,
        seed: 1,
    };
    for (degree, standardize) in [(1, false), (1, true), (4, true)] {
        config.model.degree = degree;
        config.model.standardize = Some(if standardize { Scaling::Standardize } else { Scaling::None });
        let made = task(&config);
        let (x, y) = ([-1.1, 1.1], [-2.0, 4.0]);
        let (found, expected) = (made.density(x, y, 40, 30), made.dataset.density(x, y, 40, 30));
        assert_eq!(found.iter().sum::<u32>(), 30_000);
        let apart: u32 = found.iter().zip(&expected).map(|(a, b)| a.abs_diff(*b)).sum();
        assert!(apart <= 30, "{apart} rows counted elsewhere");
    }
}

#[test]
fn a_preparation_tells_how_far_it_is_and_may_be_left() {
    let mut config = RunConfig::default();
    config.data.source = Source::Linspace {
        start: 0.0,
        stop: 1.0,
        n_samples: 5_000,
        slope: 1.0,
        intercept: 0.0,
        noise: 0.1,
        seed: 1,
    };
    (config.model.degree, config.model.standardize) = (3, Some(Scaling::Standardize));
    let plan = config.check().unwrap();
    let dataset = Rc::new(Dataset::build(&config.data, None).unwrap());
    let mut preparation = Preparation::new(&plan, Rc::clone(&dataset), None).unwrap();
    let mut seen = vec![preparation.progress()];
    while !preparation.is_done() {
        preparation.advance().unwrap();
        seen.push(preparation.progress());
    }
    // Ten blocks per pass: four passes for the scale, one that builds, one that solves.
    assert_eq!(seen.len(), 61);
    assert!(seen.iter().map(|(_, fraction)| *fraction).is_sorted());
    assert_eq!((seen[0].1, seen[60].1), (0.0, 1.0));
    let mut codes: Vec<Code> = seen.iter().map(|(message, _)| message.code).collect();
    codes.dedup();
    assert_eq!(codes, [Code::Scaling, Code::MakingRows, Code::Solving]);
    assert_eq!(seen[45].0.to_string(), "Generating 5,000 rows");
    assert_eq!(*preparation.run().unwrap().problem, *task(&config).problem);
    // A cancelled preparation does not change the rows.
    let mut left = Preparation::new(&plan, Rc::clone(&dataset), None).unwrap();
    left.advance().unwrap();
    drop(left);
    assert_eq!(Task::new(&plan, dataset).unwrap().exact, task(&config).exact);
}

#[test]
fn rows_take_eight_bytes_and_four_more_a_power() {
    // 10,000,000 rows: 80 MB of a line, 520 MB of twelve powers.
    assert_eq!(Problem::bytes(10_000_000, 1), 80_000_000);
    assert_eq!(Problem::bytes(10_000_000, 12), 520_000_000);
    let made = task(&RunConfig::default());
    assert_eq!((made.problem.features.capacity(), made.problem.targets.capacity()), (100, 100));
    assert_eq!(made.bytes(), 800);
}

#[test]
fn what_there_is_no_room_for_is_refused() {
    // More than any address space has, so the allocator refuses without trying.
    let error = Problem::reserve(u32::MAX, u32::MAX).unwrap_err();
    assert_eq!(error.code, Code::OutOfMemory);
    assert!(error.to_string().contains("Lower the count or the degree"), "{error}");
}
