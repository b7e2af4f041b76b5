//! Update rules compared with PyTorch and Keras.

use downhill::choices::optimizer::{Optimizer, Parameter, optimize};

use crate::support::{numbers, reference};

#[test]
fn every_rule_takes_the_steps_of_other_tools() {
    // tests/reference/optimizers.json: torch.optim and keras.optimizers.Lion in f64, with default and other parameters.
    let reference = reference("optimizers");
    let gradients: Vec<Vec<f64>> = reference["gradients"].as_array().unwrap().iter().map(numbers).collect();
    let initial = numbers(&reference["initial"]);
    let cases = reference["cases"].as_array().unwrap();
    let mut kinds = std::collections::BTreeSet::new();
    for case in cases {
        let optimizer: Optimizer = serde_json::from_value(case["optimizer"].clone()).unwrap();
        kinds.insert(case["optimizer"]["kind"].as_str().unwrap().to_owned());
        let rate = case["learning_rate"].as_f64().unwrap() as f32;
        let rule = optimizer.rule();
        let mut parameters: Vec<Parameter> = initial
            .iter()
            .map(|w| Parameter { weight: *w as f32, first_moment: 0.0, second_moment: 0.0 })
            .collect();
        for (step, expected) in case["weights"].as_array().unwrap().iter().enumerate() {
            let (c1, c2) = optimizer.corrections(step as u64 + 1);
            for ((p, gradient), expected) in
                parameters.iter_mut().zip(&gradients[step]).zip(numbers(expected))
            {
                *p = optimize(&rule, *p, *gradient as f32, rate, c1 as f32, c2 as f32);
                // Twenty steps in f32 against f64, with numbers up to a few hundred.
                let apart = (f64::from(p.weight) - expected).abs();
                assert!(apart <= 2e-5 * (1.0 + expected.abs()), "{optimizer:?}, step {step}: {apart:e}");
            }
        }
    }
    let all = ["ada_grad", "adam", "adam_w", "lion", "momentum", "nesterov", "rms_prop", "sgd"];
    assert!(kinds.iter().eq(all.iter()), "{kinds:?}");
    assert_eq!(cases.len(), 16);
}

#[test]
fn defaults_are_those_of_other_tools() {
    // torch 2: Adagrad(eps=1e-10), RMSprop(alpha=0.99, eps=1e-8), Adam(betas=(0.9, 0.999), eps=1e-8),
    // AdamW(weight_decay=1e-2).
    let default =
        |kind: &str| -> Optimizer { serde_json::from_value(serde_json::json!({ "kind": kind })).unwrap() };
    assert_eq!(default("ada_grad"), Optimizer::AdaGrad { epsilon: 1e-10 });
    assert_eq!(default("rms_prop"), Optimizer::RmsProp { alpha: 0.99, epsilon: 1e-8 });
    assert_eq!(default("adam"), Optimizer::Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 });
    let adam_w = Optimizer::AdamW { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.01 };
    assert_eq!(default("adam_w"), adam_w);
    // Chen et al. 2023 and the authors' code: b1=0.9, b2=0.99, weight_decay=0.0; Keras 3 has the same.
    assert_eq!(default("lion"), Optimizer::Lion { beta1: 0.9, beta2: 0.99, weight_decay: 0.0 });
}

#[test]
fn lion_stays_where_nothing_pulls() {
    // By the formula, with sign(0) = 0.
    let rule = Optimizer::Lion { beta1: 0.9, beta2: 0.99, weight_decay: 0.0 }.rule();
    for weight in [0.0, -1.5] {
        let still = Parameter { weight, first_moment: 0.0, second_moment: 0.0 };
        assert_eq!(optimize(&rule, still, 0.0, 0.1, 1.0, 1.0), still);
        assert_eq!(optimize(&rule, still, -0.0, 0.1, 1.0, 1.0), still);
    }
}
