//! Tests of networks with hidden ReLU layers in the plain reference, and of the CPU engine that
//! uses it.

use downhill::backend::State;
use downhill::backend::gpu::Options;
use downhill::backend::kernel::{FULL, RunSettings, StepParams};
use downhill::choices::{InitialWeights, Loss, Penalty};
use downhill::dataset::Problem;
use downhill::model::gradient::Objective;
use downhill::model::{Activation, Layer, Layout, initial_parameters};
use serde_json::Value;

use crate::losses::{LOSSES, engine, params, problem};
use crate::support::{On, Rows, assert_close, block_on, distance, numbers, reference};

/// The relative rounding error of 400 steps in f64.
const SUMMED: f64 = 1e-9;
/// The error of 400 steps relative to the weights' norm, if parameters and slopes are f32.
const SINGLE: f64 = 1e-4;

fn relu(width: u32, bias: bool) -> Layer {
    Layer { width, activation: Activation::Relu, bias }
}

/// A case of tests/reference/network.json: its rows, layout and objective.
fn case(reference: &Value, case: &Value) -> (Rows, Objective) {
    let x: Vec<f64> = reference["x"].as_array().unwrap().iter().flat_map(numbers).collect();
    let targets = numbers(&reference["targets"][case["targets"].as_str().unwrap()]);
    let loss = match case["loss"].as_str().unwrap() {
        "squared" => Loss::Squared,
        "logistic" => Loss::Logistic,
        _ => Loss::Softmax,
    };
    let widths = numbers(&case["widths"]);
    let biases: Vec<bool> = serde_json::from_value(case["biases"].clone()).unwrap();
    let mut layers: Vec<Layer> =
        widths.iter().zip(&biases).map(|(width, bias)| relu(*width as u32, *bias)).collect();
    let outputs = layers.pop().unwrap();
    let problem = Problem {
        n_samples: targets.len() as u32,
        n_features: 2,
        features: x.iter().map(|x| *x as f32).collect(),
        targets: targets.iter().map(|y| *y as f32).collect(),
        ..Problem::default()
    };
    let layout = Layout::network(2, layers, outputs.width, outputs.bias);
    (Rows { layout, ..Rows::new(problem, 1, true) }, Objective { loss, ..Objective::default() })
}

#[test]
fn hidden_layers_train_to_the_losses_of_numpy() {
    // tests/reference/network.json: matrix products in NumPy 2.4.6, float64.
    let reference = reference("network");
    let shown = numbers(&reference["steps"]);
    for expected in reference["cases"].as_array().unwrap() {
        let (rows, objective) = case(&reference, expected);
        let mut parameters = numbers(&expected["initial"]);
        assert_eq!(parameters.len(), rows.n_parameters() as usize);
        let rate = expected["learning_rate"].as_f64().unwrap();
        let mut losses = Vec::new();
        for step in 0..=*shown.last().unwrap() as usize {
            let (loss, gradient) =
                objective.loss_and_gradient(&rows, &rows.layout, &parameters, 0..rows.n_samples);
            if step == 0 {
                for (found, expected) in gradient.iter().zip(numbers(&expected["gradient"])) {
                    assert_close(*found, expected, 1e-13, "slope");
                }
            }
            if shown.contains(&(step as f64)) {
                losses.push(loss);
            }
            if step < *shown.last().unwrap() as usize {
                parameters.iter_mut().zip(&gradient).for_each(|(w, slope)| *w -= rate * slope);
            }
        }
        for (found, expected) in losses.iter().zip(numbers(&expected["losses"])) {
            assert_close(*found, expected, SUMMED * expected, "loss");
        }
        for (found, expected) in parameters.iter().zip(numbers(&expected["parameters"])) {
            assert_close(*found, expected, SUMMED, "parameter");
        }
        // A line cannot fit these targets, because they are curved.
        assert!(losses.last().unwrap() < &(0.25 * losses[0]), "{losses:?}");
    }
}

#[test]
fn central_differences_find_the_gradient_of_every_loss() {
    let penalty = Penalty { strength: 0.1, l1_ratio: 0.3 };
    for loss in LOSSES {
        let n_outputs = if loss == Loss::Softmax { 3 } else { 1 };
        let rows = problem(&loss, (40, 3), true, true, true);
        let layout = Layout::network(3, vec![relu(5, true), relu(4, false)], n_outputs, true);
        let at: Vec<f64> =
            (0..layout.n_parameters()).map(|j| 0.6 * (1.3 * f64::from(j) + 0.4).sin()).collect();
        let objective = Objective { loss, penalty, fold: Some(1) };
        let value = |at: &[f64]| objective.loss_and_gradient(&rows, &layout, at, 0..rows.n_samples).0;
        let (_, gradient) = objective.loss_and_gradient(&rows, &layout, &at, 0..rows.n_samples);
        let n_flat = gradient.iter().filter(|slope| **slope == 0.0).count();
        assert!(n_flat < at.len() / 4, "{loss:?}: {n_flat} of {} slopes say nothing", at.len());
        for (j, slope) in gradient.iter().enumerate() {
            let h = 1e-6;
            let mut shifted = [at.clone(), at.clone()];
            (shifted[0][j], shifted[1][j]) = (at[j] + h, at[j] - h);
            let found = (value(&shifted[0]) - value(&shifted[1])) / (2.0 * h);
            // No kink lies within h of these points. Rounding is 1e-16 of the loss divided by h,
            // and curvature is below 1e-10.
            assert_close(found, *slope, 1e-8 * (1.0 + slope.abs()), &format!("{loss:?}, parameter {j}"));
        }
    }
}

/// The CPU engine has no kernels for hidden layers yet, so it uses the reference.
#[test]
fn the_cpu_engine_trains_hidden_layers() {
    let reference = reference("network");
    for expected in reference["cases"].as_array().unwrap() {
        let (rows, objective) = case(&reference, expected);
        let initial: Vec<f32> = numbers(&expected["initial"]).iter().map(|w| *w as f32).collect();
        let step = StepParams {
            learning_rate: expected["learning_rate"].as_f64().unwrap() as f32,
            correction1: 1.0,
            correction2: 1.0,
            batch_len: rows.n_samples,
            flags: FULL,
            n_tiles: 1,
            ..StepParams::default()
        };
        let mut state = State::new(&initial);
        let mut trace = Vec::new();
        let params = params(&rows, &objective.loss);
        let mut backend = engine(On::Cpu, &rows, Options::default());
        block_on(backend.advance(&mut state, &params, &[step; 400], &mut trace)).unwrap();
        let exact: Vec<f32> = numbers(&expected["parameters"]).iter().map(|w| *w as f32).collect();
        let apart = distance(state.parameters(0), &exact);
        assert!(apart <= SINGLE, "{apart:e}");
        // A penalty shrinks the weights of every layer, but no bias.
        let settings = RunSettings::of(&rows, &Penalty { strength: 1.0, l1_ratio: 1.0 }, None);
        let mut state = State::with_settings(&initial, vec![settings]);
        block_on(backend.advance(&mut state, &params, &[step; 400], &mut trace)).unwrap();
        let zero: Vec<f32> = rows.layout.weights(state.parameters(0)).copied().collect();
        assert!(zero.iter().all(|weight| *weight == 0.0), "{zero:?}");
        let n_weights = zero.len();
        let n_others = state.parameters(0).iter().filter(|parameter| **parameter != 0.0).count();
        assert!(n_others > 0 && n_others <= initial.len() - n_weights, "{n_others}");
    }
}

#[test]
fn a_layout_knows_where_parameters_lie() {
    let layout = Layout::network(2, vec![relu(3, false), relu(4, true)], 2, true);
    let places: Vec<_> = layout.places().map(|place| (place.n_inputs, place.weights, place.bias)).collect();
    assert_eq!(places, [(2, 0..6, 6..6), (3, 6..18, 18..22), (4, 22..30, 30..32)]);
    assert_eq!((layout.n_parameters(), layout.n_outputs(), layout.n_features()), (32, 2, 2));
    assert_eq!(layout.as_linear(), None);
    let numbered: Vec<u32> = (0..32).collect();
    let weights: Vec<u32> = layout.weights(&numbered).copied().collect();
    assert_eq!(weights, (0..18).chain(22..30).collect::<Vec<u32>>());

    let linear = Layout::linear(2, 3, true).as_linear().unwrap();
    assert_eq!(
        (linear.n_weights(), linear.n_parameters(), linear.layout()),
        (6, 9, Layout::linear(2, 3, true))
    );
    let flat = [1, 2, 3, 4, 5, 6, 7, 8, 9];
    assert_eq!(linear.split(&flat), (&flat[..6], &flat[6..]));
    assert_eq!(linear.by_output(&flat), [[1, 4, 7], [2, 5, 8], [3, 6, 9]]);

    // Glorot's bound is computed for each layer; biases start at 0.
    let found = initial_parameters(InitialWeights::GlorotUniform, &layout, 3);
    for place in layout.places() {
        let bound = (6.0 / (place.n_inputs as f32 + place.layer.width as f32)).sqrt();
        let most = found[place.weights].iter().fold(0.0_f32, |most, w| most.max(w.abs()));
        assert!(most > 0.4 * bound && most <= bound, "{most} of {bound}");
        assert!(found[place.bias].iter().all(|b| *b == 0.0));
    }
}
