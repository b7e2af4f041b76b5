//! Features of several inputs: powers, levels, products, and their weights in the inputs' own
//! units.

use std::rc::Rc;

use downhill::choices::{BackendChoice, Scaling};
use downhill::config::{ModelConfig, RunConfig, Stop};
use downhill::dataset::{Dataset, FeatureMap, Input, InputMap};
use downhill::message::{Code, Message, Result};
use downhill::model;
use downhill::rng::{Rng, Stream};
use downhill::trainer::Explanation;
use downhill::trainer::Task;

use crate::support::{EVERYWHERE, assert_close, block_on, exact, trainer_of};

/// Width and height in their own units and a colour with three levels; the target is computed from
/// them without noise.
fn boxes(n: usize) -> Dataset {
    let mut rng = Rng::new(7, Stream::Noise);
    let mut columns = vec![Vec::new(), Vec::new(), Vec::new(), Vec::new()];
    for i in 0..n {
        let (width, height, colour) = (rng.uniform(200.0, 300.0), rng.uniform(-1.0, 1.0), (i % 3) as f64);
        let colours = [0.0, 4.0, -7.0][i % 3];
        let price =
            3.0 + 0.1 * width + 2.0 * height - 0.5 * height * height + colours + 0.02 * width * height;
        for (column, value) in columns.iter_mut().zip([width, height, colour, price]) {
            column.push(value);
        }
    }
    Dataset::of_table(columns, inputs(), "price")
}

fn inputs() -> Vec<Input> {
    let levels = ["blue", "green", "red"].map(str::to_owned).to_vec();
    vec![Input::number("width"), Input::number("height"), Input { name: "colour".to_owned(), levels }]
}

fn model() -> ModelConfig {
    ModelConfig {
        degrees: vec![("height".to_owned(), 2)],
        interactions: vec![["width".to_owned(), "height".to_owned()]],
        ..ModelConfig::default()
    }
}

#[test]
fn a_row_becomes_powers_levels_and_products() {
    let map = model::feature_map(&model(), &inputs()).unwrap();
    let names = ["width", "height", "height^2", "colour = green", "colour = red", "width * height"];
    assert_eq!(model::term_names(&map, &inputs()), names);
    let mut features = [0.0; 6];
    map.features(&[250.0, -0.5, 2.0], &mut features);
    assert_eq!(features, [250.0, -0.5, 0.25, 0.0, 1.0, -125.0]);
    map.features(&[250.0, -0.5, 0.0], &mut features);
    assert_eq!(features[3..5], [0.0, 0.0]);
}

#[test]
fn a_category_takes_part_in_interactions_level_by_level() {
    let by_colour = ModelConfig {
        interactions: vec![["colour".to_owned(), "width".to_owned()]],
        ..ModelConfig::default()
    };
    let map = model::feature_map(&by_colour, &inputs()).unwrap();
    let names = model::term_names(&map, &inputs());
    assert_eq!(names[4..], ["colour = green * width", "colour = red * width"]);
    let mut features = [0.0; 6];
    map.features(&[250.0, -0.5, 1.0], &mut features);
    assert_eq!(features, [250.0, -0.5, 1.0, 0.0, 250.0, 0.0]);
}

/// Definition of `to_original`: unscaled features with the original weights predict the same as
/// scaled features with the scaled weights.
#[test]
fn weights_in_the_inputs_units_predict_the_same() {
    let data = boxes(50);
    let mut rng = Rng::new(3, Stream::InitialWeights);
    for scaling in [Scaling::None, Scaling::Standardize, Scaling::MinMax] {
        for bias in [true, false] {
            let mut config = model();
            config.interactions.push(["colour".to_owned(), "height".to_owned()]);
            let plain = model::feature_map(&config, &inputs()).unwrap();
            let n = plain.n_features();
            let map = plain.clone().scaled(&data, bias, scaling);
            let parameters: Vec<f64> = (0..n + usize::from(bias)).map(|_| rng.uniform(-2.0, 2.0)).collect();
            let original = model::to_original(&map, &parameters);
            // Without a bias nothing is centred, except products that do not exist here.
            if !bias {
                assert!(map.center.iter().all(|center| *center == 0.0));
                assert!(map.inputs.iter().all(|input| input.center == 0.0));
            }
            let mut features = vec![0.0; n];
            for row in [[250.0, 0.3, 0.0], [210.0, -0.9, 1.0], [299.0, 0.0, 2.0]] {
                map.features(&row, &mut features);
                let scaled = model::output(&parameters, &features);
                plain.features(&row, &mut features);
                let by_original = model::output(&original, &features);
                assert_close(by_original, scaled, 1e-9 * (1.0 + scaled.abs()), "a prediction");
            }
        }
    }
}

/// Powers up to the third, levels, products of numbers and of levels; scaled or not, centred or
/// not.
#[test]
fn coefficients_in_the_inputs_units_come_from_the_weights_and_go_back() {
    let mut rng = Rng::new(3, Stream::InitialWeights);
    let config = ModelConfig {
        degrees: vec![("height".to_owned(), 3), ("width".to_owned(), 2)],
        interactions: vec![
            ["width".to_owned(), "height".to_owned()],
            ["colour".to_owned(), "width".to_owned()],
        ],
        ..ModelConfig::default()
    };
    let plain = model::feature_map(&config, &inputs()).unwrap();
    let data = boxes(300);
    for (scaling, bias) in [Scaling::None, Scaling::Standardize, Scaling::MinMax]
        .into_iter()
        .flat_map(|scaling| [(scaling, true), (scaling, false)])
    {
        let map = plain.clone().scaled(&data, bias, scaling);
        let weights: Vec<f64> = (0..map.n_features()).map(|_| rng.normal()).collect();
        let own_bias = bias.then(|| rng.normal());
        let (original, constant) = map.to_original(&weights, own_bias);
        let (back, back_bias) = map.from_original(&original, constant);
        let what = format!("{scaling:?}, bias {bias}");
        for (found, expected) in back.iter().zip(&weights) {
            assert_close(*found, *expected, 1e-12 * expected.abs().max(1.0), &what);
        }
        assert_close(back_bias, own_bias.unwrap_or(0.0), 1e-12, &what);
        // Their predictions, computed in either unit, agree.
        let row = [231.5, -0.625, 2.0];
        let said = |map: &FeatureMap, weights: &[f64], bias: f64| {
            let mut features = vec![0.0; map.n_features()];
            map.features(&row, &mut features);
            bias + features.iter().zip(weights).map(|(f, w)| f * w).sum::<f64>()
        };
        let (scaled, raw) =
            (said(&map, &weights, own_bias.unwrap_or(0.0)), said(&plain, &original, constant));
        assert_close(raw, scaled, 1e-9 * scaled.abs().max(1.0), &what);
    }
}

#[test]
fn scaled_features_have_the_moments_that_they_promise() {
    let data = boxes(300);
    let plain = model::feature_map(&model(), &inputs()).unwrap();
    for (bias, scaling) in
        [(true, Scaling::Standardize), (false, Scaling::Standardize), (true, Scaling::MinMax)]
    {
        let map = plain.clone().scaled(&data, bias, scaling);
        let n = map.n_features();
        let (x, y) = data.columns();
        let mut features = vec![0.0; y.len() * n];
        map.rows(&x, &mut features);
        for k in 0..n {
            let column: Vec<f64> = features.iter().skip(k).step_by(n).copied().collect();
            let mean = column.iter().sum::<f64>() / column.len() as f64;
            let square = column.iter().map(|v| v * v).sum::<f64>() / column.len() as f64;
            match scaling {
                Scaling::MinMax => {
                    let least = column.iter().copied().fold(f64::INFINITY, f64::min);
                    let greatest = column.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                    assert!(least >= -1e-12 && greatest <= 1.0 + 1e-12, "{least}..{greatest}");
                    if k < 2 {
                        assert_close(least, 0.0, 1e-12, "the least");
                        assert_close(greatest, 1.0, 1e-12, "the greatest");
                    }
                }
                _ => {
                    if bias {
                        assert_close(mean, 0.0, 1e-9, "a mean");
                    }
                    assert_close(square, 1.0, 1e-9, "a mean square");
                }
            }
        }
    }
}

/// The target is an exact function of the features, so least squares and descent on every engine
/// must recover its coefficients.
#[test]
fn descent_finds_the_coefficients_that_a_table_was_made_with() {
    let expected = [0.1, 2.0, -0.5, 4.0, -7.0, 0.02, 3.0];
    for backend in EVERYWHERE {
        let config = RunConfig {
            model: ModelConfig { standardize: Some(Scaling::Standardize), ..model() },
            learning_rate: 0.2,
            stop: Stop { steps: Some(4000), converged: false, ..Stop::default() },
            backend: BackendChoice::Cpu,
            ..RunConfig::default()
        };
        let plan = config.check().unwrap();
        let task = Task::new(&plan, Rc::new(boxes(300))).unwrap();
        for (found, expected) in exact(&task).original.iter().zip(expected) {
            assert_close(*found, expected, 1e-7 * (1.0 + expected.abs()), "a coefficient of least squares");
        }
        let mut trainer = trainer_of(backend, &config, task);
        block_on(trainer.advance(4000)).unwrap();
        for (found, expected) in trainer.original_parameters().unwrap().iter().zip(expected) {
            assert_close(*found, expected, 2e-3 * (1.0 + expected.abs()), "a coefficient of descent");
        }
        let row = [250.0, 0.5, 1.0];
        let Explanation { sum: output, baseline, contributions: shares, .. } =
            trainer.explain_row(&row).unwrap();
        assert_close(output, 3.0 + 25.0 + 1.0 - 0.125 + 4.0 + 2.5, 0.05, "a prediction");
        assert_close(baseline + shares.iter().sum::<f64>(), output, 1e-12 * output, "the sum of its parts");
    }
}

#[test]
fn what_cannot_be_made_is_refused_by_name() {
    let refused = |config: &ModelConfig| model::feature_map(config, &inputs()).unwrap_err().code;
    let of = |pair: [&str; 2]| ModelConfig {
        interactions: vec![pair.map(str::to_owned)],
        ..ModelConfig::default()
    };
    assert_eq!(refused(&of(["width", "depth"])), Code::NoSuchColumn);
    let mut many = inputs();
    many[2].levels = (0..1200).map(|level| level.to_string()).collect();
    let error = model::feature_map(&ModelConfig::default(), &many).unwrap_err();
    assert_eq!(error.code, Code::TooManyFeatures);
    let config = RunConfig { model: of(["width", "width"]), ..RunConfig::default() };
    assert_eq!(config.check().unwrap_err().code, Code::InteractionOfOne);
}

#[test]
fn a_map_of_several_inputs_survives_json_and_one_of_powers_keeps_its_old_shape() {
    let map = model::feature_map(&model(), &inputs()).unwrap().scaled(&boxes(30), true, Scaling::Standardize);
    let text = serde_json::to_string(&map).unwrap();
    assert_eq!(serde_json::from_str::<FeatureMap>(&text).unwrap(), map);
    let powers = serde_json::to_value(FeatureMap::plain(2)).unwrap();
    let old = serde_json::json!({
        "degree": 2, "x_center": 0.0, "x_scale": 1.0, "center": [0.0, 0.0], "scale": [1.0, 1.0],
    });
    assert_eq!(powers, old);
    assert_eq!(serde_json::from_value::<FeatureMap>(old).unwrap(), FeatureMap::plain(2));
    // The sizes in a hostile file are checked before anything is allocated.
    let vast = FeatureMap {
        inputs: vec![InputMap::category(u32::MAX), InputMap::category(u32::MAX)],
        interactions: vec![[0, 1]],
        center: vec![0.0; 3],
        scale: vec![1.0; 3],
    };
    assert!(!vast.fits());
}

/// A table that is stored elsewhere and may disappear.
#[derive(Debug)]
struct Elsewhere(Vec<[f64; 3]>, bool);

impl downhill::dataset::RowSource for Elsewhere {
    fn n_rows(&self) -> usize {
        self.0.len()
    }

    fn read(&self, first: usize, rows: &mut [f64]) -> Result<()> {
        if self.1 {
            return Err(Message::new(Code::TableUnavailable)
                .with("name", "t")
                .with("detail", "it has changed"));
        }
        for (row, kept) in rows.chunks_exact_mut(3).zip(&self.0[first..]) {
            row.copy_from_slice(kept);
        }
        Ok(())
    }
}

#[test]
fn rows_that_are_kept_elsewhere_are_read_from_there() {
    let rows: Vec<[f64; 3]> =
        (0..1500).map(|i| [f64::from(i), f64::from(i % 7), f64::from(2 * i + i % 7)]).collect();
    let inputs = || vec![Input::number("a"), Input::number("b")];
    let plan = RunConfig::default().check().unwrap();
    let of = |gone: bool| Dataset::of_source(Rc::new(Elsewhere(rows.clone(), gone)), inputs(), "t");
    let kept =
        Dataset::of_table((0..3).map(|j| rows.iter().map(|row| row[j]).collect()).collect(), inputs(), "t");
    let [elsewhere, here] = [of(false), kept].map(|data| Task::new(&plan, Rc::new(data)).unwrap());
    assert_eq!(elsewhere.problem, here.problem);
    assert_eq!(exact(&elsewhere), exact(&here));
    assert_eq!(elsewhere.dataset.summary(), here.dataset.summary());
    let lost = Task::new(&plan, Rc::new(of(true))).unwrap_err();
    assert_eq!(lost.code, Code::TableUnavailable);
}
