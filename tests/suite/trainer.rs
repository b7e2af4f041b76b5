//! Runs: epochs, changes while training, ends. Every test runs on every backend.

use downhill::choices::{Method, Schedule};
use downhill::config::{RunConfig, Stop, choose_method, choose_optimizer, choose_schedule};
use downhill::message::Code;
use downhill::monitor::{Monitor, Observation};
use downhill::trainer::{Status, Trainer};

use crate::support::{EVERYWHERE, assert_close, block_on, distance, exact, task_of, trainer, trainer_of};

fn endless() -> RunConfig {
    RunConfig { stop: Stop { converged: false, ..Stop::default() }, ..RunConfig::default() }
}

fn advance(trainer: &mut Trainer, n_steps: u64) {
    block_on(trainer.advance(n_steps)).unwrap();
}

#[test]
fn batch_descent_reaches_the_least_squares_solution() {
    for on in EVERYWHERE {
        let mut trainer = trainer(on, &RunConfig { learning_rate: 0.3, ..endless() });
        advance(&mut trainer, 500);
        assert!(trainer.distance().unwrap() < 1e-6, "{:?}", trainer.distance());
        assert_close(trainer.measured().loss, exact(trainer.task()).loss, 1e-8, "loss");
        // w x + b at 0.5 and -0.5 is near 2 x + 1: the noise of 100 rows moves it by about 0.01.
        assert_close(trainer.predict(0.5), 2.0, 0.05, "prediction at 0.5");
        assert_close(trainer.predict(-0.5), 0.0, 0.05, "prediction at -0.5");
    }
}

#[test]
fn an_epoch_is_as_many_steps_as_batches_and_the_last_may_be_short() {
    for on in EVERYWHERE {
        let mut trainer = trainer(on, &choose_method(&endless(), Method::MiniBatch));
        assert_eq!(trainer.steps_to_epoch_end(), 4);
        advance(&mut trainer, 3);
        assert_eq!((trainer.place().epoch, trainer.place().position), (0, 96));
        assert_eq!(trainer.steps_to_epoch_end(), 1);
        advance(&mut trainer, 1);
        assert_eq!((trainer.place().epoch, trainer.place().position), (1, 0));
    }
}

#[test]
fn the_short_batch_is_averaged_over_its_own_rows() {
    for on in EVERYWHERE {
        // Three rows in order, two per batch: the second update sees only the third row.
        let config = RunConfig { batch_size: 2, shuffle: false, learning_rate: 0.1, ..endless() };
        let config = choose_method(&config, Method::MiniBatch);
        let task = task_of(&config, vec![0.0, 1.0, 2.0], vec![0.0, 0.0, 10.0]);
        let mut trainer = trainer_of(on, &config, task);
        advance(&mut trainer, 1);
        assert_eq!(trainer.parameters(), [0.0, 0.0]);
        advance(&mut trainer, 1);
        // By hand: residual -10, gradient (2 * -10 * 2, 2 * -10) = (-40, -20), times -0.1.
        assert_close(f64::from(trainer.parameters()[0]), 4.0, 1e-6, "w");
        assert_close(f64::from(trainer.parameters()[1]), 2.0, 1e-6, "b");
    }
}

#[test]
fn reset_returns_to_the_same_weights_and_the_same_run() {
    for on in EVERYWHERE {
        let mut config = choose_method(&endless(), Method::Stochastic);
        config.model.initial_weights = downhill::choices::InitialWeights::GlorotUniform;
        let mut trainer = trainer(on, &config);
        let initial = trainer.parameters().to_vec();
        assert_ne!(initial[0], 0.0);
        advance(&mut trainer, 250);
        let first = trainer.parameters().to_vec();
        block_on(trainer.reset()).unwrap();
        assert_eq!(trainer.parameters(), initial);
        assert_eq!(trainer.step(), 0);
        advance(&mut trainer, 250);
        assert_eq!(trainer.parameters(), first);
    }
}

#[test]
fn a_rate_changed_in_mid_run_takes_effect_at_the_next_step_and_is_marked() {
    for on in EVERYWHERE {
        let mut changed = trainer(on, &endless());
        advance(&mut changed, 100);
        let next = RunConfig { learning_rate: 0.2, ..endless() };
        assert!(!changed.restarts(&next));
        changed.change(next.check().unwrap());
        assert_close(changed.learning_rate(), 0.2, 1e-9, "rate");
        assert_eq!(changed.step(), 100);
        let before = changed.parameters().to_vec();
        advance(&mut changed, 1);
        // One plain step by the formula w - r g, with the gradient at those weights.
        let at: Vec<f64> = before.iter().map(|w| f64::from(*w)).collect();
        let (_, gradient) = downhill::model::gradient::loss_and_gradient(
            &changed.task().problem,
            &changed.task().layout,
            &at,
            0..100,
        );
        for ((after, before), slope) in changed.parameters().iter().zip(&at).zip(&gradient) {
            assert_close(f64::from(*after), before - 0.2 * slope, 1e-6, "weight");
        }
        let [mark] = changed.marks() else { panic!("one mark") };
        assert_eq!((mark.step, mark.message.code), (100, Code::MarkLearningRate));
        assert_eq!(
            (mark.message.params["from"].as_str(), mark.message.params["to"].as_str()),
            ("0.03", "0.2")
        );
    }
}

#[test]
fn method_and_batch_size_change_without_losing_the_epoch() {
    for on in EVERYWHERE {
        let mut trainer = trainer(on, &choose_method(&endless(), Method::MiniBatch));
        advance(&mut trainer, 1);
        trainer.change(choose_method(&endless(), Method::Batch).check().unwrap());
        // The remaining 68 rows of this epoch come first, then whole batches.
        advance(&mut trainer, 1);
        assert_eq!((trainer.place().epoch, trainer.place().position), (1, 0));
        advance(&mut trainer, 1);
        assert_eq!((trainer.place().epoch, trainer.place().position), (2, 0));
        assert_eq!(trainer.marks()[0].message.code, Code::MarkMethod);
    }
}

#[test]
fn data_model_and_seed_begin_a_new_run() {
    let trainer = trainer(crate::support::On::Cpu, &endless());
    for change in [
        (|c: &mut RunConfig| c.seed = 2) as fn(&mut RunConfig),
        |c| c.model.degree = 2,
        |c| c.model.bias = false,
        |c| c.data.added.push([0.0, 0.0]),
    ] {
        let mut next = endless();
        change(&mut next);
        assert!(trainer.restarts(&next));
    }
}

#[test]
fn divergence_keeps_finite_weights_says_why_and_offers_a_rate_that_does_not() {
    for on in EVERYWHERE {
        for method in [Method::Batch, Method::MiniBatch, Method::Stochastic] {
            for optimizer in ["sgd", "momentum", "nesterov"] {
                let config = choose_optimizer(&choose_method(&endless(), method), optimizer).unwrap();
                let mut run = trainer(on, &RunConfig { learning_rate: 10.0, ..config.clone() });
                advance(&mut run, 20_000);
                let Status::Diverged { reason, suggested_rate } = run.status().clone() else {
                    panic!("{method:?} {optimizer}: {:?}", run.status())
                };
                assert!(matches!(reason.code, Code::DivergedLoss | Code::DivergedNotFinite), "{reason}");
                assert!(run.parameters().iter().all(|w| w.is_finite()));
                let limit = 1e6 * run.task().dataset.target_variance().max(3.0);
                assert!(
                    run.measured().loss.is_finite() && run.measured().loss <= limit,
                    "{}",
                    run.measured().loss
                );
                assert!(suggested_rate > 1e-3, "{suggested_rate} is needlessly small");
                let mut safe = trainer(on, &RunConfig { learning_rate: suggested_rate, ..config });
                advance(&mut safe, 5_000);
                assert_eq!(*safe.status(), Status::Ready, "{method:?} {optimizer} at {suggested_rate}");
                assert!(safe.measured().loss < 0.1);
            }
        }
    }
}

#[test]
fn every_epoch_visits_every_row_once_in_a_fresh_order() {
    // At this rate the weights stay near 0, so each batch loss is y^2 of its row and identifies it.
    let still = RunConfig { learning_rate: 1e-12, ..choose_method(&endless(), Method::Stochastic) };
    let in_order: Vec<usize> = (0..100).collect();
    for on in EVERYWHERE {
        for shuffle in [true, false] {
            let mut run = trainer(on, &RunConfig { shuffle, ..still.clone() });
            let squares: Vec<f32> = run.task().problem.targets.iter().map(|y| y * y).collect();
            let row = |loss: &f32| {
                let apart = |row: &usize| (squares[*row] - loss).abs();
                (0..100).min_by(|a, b| apart(a).total_cmp(&apart(b))).unwrap()
            };
            run.keep_losses();
            advance(&mut run, 300);
            let rows: Vec<usize> = run.take_losses().iter().map(row).collect();
            let epochs: Vec<&[usize]> = rows.chunks(100).collect();
            for epoch in &epochs {
                let mut visited = epoch.to_vec();
                visited.sort_unstable();
                assert_eq!(visited, in_order, "{on:?}");
                assert_eq!(*epoch == in_order, !shuffle, "{on:?}");
            }
            assert_eq!(epochs[0] == epochs[1] || epochs[1] == epochs[2], !shuffle, "{on:?}");
        }
    }
}

#[test]
fn an_update_that_is_not_finite_is_never_written() {
    // Slopes of 2 x y = 2e30 are finite in f32, and a loss of 1e30 is no divergence; their squares
    // are infinite.
    let mut config = choose_optimizer(&endless(), "adam").unwrap();
    config.model.standardize = Some(downhill::choices::Scaling::None);
    config.model.bias = false;
    let (x, y) = (vec![1e15, -1e15], vec![1e15, -1e15]);
    for on in EVERYWHERE {
        let mut run = trainer_of(on, &config, task_of(&config, x.clone(), y.clone()));
        advance(&mut run, 3);
        assert!(
            matches!(run.status(), Status::Diverged { reason, .. } if reason.code == Code::DivergedNotFinite),
            "{on:?}: {:?}",
            run.status()
        );
        assert_eq!((run.step(), run.parameters()), (0, [0.0].as_slice()), "{on:?}");
    }
}

#[test]
fn the_loss_shown_is_the_loss_of_the_weights_shown() {
    for on in EVERYWHERE {
        for rate in [0.03, 10.0] {
            let mut run = trainer(
                on,
                &RunConfig { learning_rate: rate, ..choose_method(&endless(), Method::MiniBatch) },
            );
            for _ in 0..5 {
                advance(&mut run, 7);
                let at: Vec<f64> = run.parameters().iter().map(|w| f64::from(*w)).collect();
                let (loss, gradient) = downhill::model::gradient::loss_and_gradient(
                    &run.task().problem,
                    &run.task().layout,
                    &at,
                    0..100,
                );
                let norm = gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
                assert_close(run.measured().loss, loss, 1e-5 * loss, "loss");
                assert_close(run.measured().gradient_norm, norm, 1e-5 * norm + 1e-6, "gradient norm");
            }
        }
    }
}

#[test]
fn runs_stop_where_they_are_told_to() {
    let with = |stop: Stop| RunConfig { stop: Stop { converged: false, ..stop }, ..endless() };
    for on in EVERYWHERE {
        let end = |config: &RunConfig| {
            let mut run = trainer(on, config);
            for _ in 0..10 {
                advance(&mut run, 300);
            }
            let Status::Finished(reason) = run.status().clone() else { panic!("{:?}", run.status()) };
            (reason.code, run)
        };
        let (code, run) = end(&with(Stop { steps: Some(123), ..Stop::default() }));
        assert_eq!((code, run.step()), (Code::ReachedSteps, 123));
        let epochs = choose_method(&with(Stop { epochs: Some(5), ..Stop::default() }), Method::MiniBatch);
        let (code, run) = end(&epochs);
        assert_eq!((code, run.step(), run.place().epoch), (Code::ReachedEpochs, 20, 5));
        let (code, run) = end(&with(Stop { loss: Some(0.5), ..Stop::default() }));
        assert_eq!(code, Code::ReachedLoss);
        // Not one step too many: these weights meet the target, and those of the step before do
        // not.
        assert!(run.measured().loss <= 0.5 && run.batch_loss().unwrap() > 0.5);
        let (code, run) = end(&with(Stop { gradient_norm: Some(0.1), ..Stop::default() }));
        assert_eq!(code, Code::ReachedGradientNorm);
        assert!(run.measured().gradient_norm <= 0.1 + 1e-6);
    }
}

#[test]
fn a_converged_run_says_so_and_a_hovering_one_too() {
    for on in EVERYWHERE {
        let mut run = trainer(on, &RunConfig { learning_rate: 0.3, ..RunConfig::default() });
        for _ in 0..100 {
            advance(&mut run, 20);
        }
        assert!(matches!(run.status(), Status::Finished(reason) if reason.code == Code::Converged));
        assert!(run.step() < 500);
        let config =
            choose_method(&RunConfig { learning_rate: 0.3, ..RunConfig::default() }, Method::MiniBatch);
        let mut run = trainer(on, &config);
        for _ in 0..1000 {
            advance(&mut run, 20);
        }
        assert!(
            matches!(run.status(), Status::Finished(reason) if reason.code == Code::Hovering),
            "{:?}",
            run.status()
        );
    }
}

#[test]
fn without_noise_a_loss_that_stays_has_stalled_and_hovers_on_nothing() {
    for (full_batch, expected) in [(true, Code::Stalled), (false, Code::Hovering)] {
        let mut monitor = Monitor::default();
        let end = (0..1000).find_map(|i| {
            monitor.observe(&Observation {
                step: 20 * i,
                epoch: 20 * i,
                loss: 1.0,
                gradient_norm: 1.0,
                learning_rate: 0.1,
                full_batch,
            })
        });
        assert_eq!(end.map(|message| message.code), Some(expected));
    }
}

#[test]
fn the_bold_driver_finds_a_fast_rate_and_survives_too_fast_a_one() {
    for on in EVERYWHERE {
        let config = choose_schedule(&RunConfig { learning_rate: 0.01, ..endless() }, "bold_driver").unwrap();
        let mut run = trainer(on, &config);
        let mut best = run.measured().loss;
        let mut restored = 0;
        for _ in 0..300 {
            advance(&mut run, 1);
            if run.learning_rate() > 1.0 {
                restored += 1;
            }
            best = best.min(run.measured().loss);
        }
        // The rate grows past the stable limit of 1, is reduced, and the run still ends at the
        // lowest loss.
        assert!(restored > 0, "the rate never grew to {}", run.learning_rate());
        assert_close(best, exact(run.task()).loss, 1e-6, "loss");
    }
}

#[test]
fn decayed_stochastic_descent_settles_where_a_constant_rate_hovers() {
    for on in EVERYWHERE {
        let stochastic = RunConfig { learning_rate: 0.1, ..choose_method(&endless(), Method::Stochastic) };
        let decaying = RunConfig { learning_rate: 0.1, ..choose_method(&endless(), Method::DecayingRate) };
        assert!(matches!(decaying.schedule, Schedule::TimeDecay { .. }));
        let [hovering, settled] = [stochastic, decaying].map(|config| {
            let mut run = trainer(on, &config);
            advance(&mut run, 20_000);
            run.measured().loss - exact(run.task()).loss
        });
        assert!(settled < 0.2 * hovering, "{settled:e} against {hovering:e}");
    }
}

#[test]
fn a_checkpoint_goes_on_to_the_bit() {
    for on in EVERYWHERE {
        let config = choose_optimizer(&choose_method(&endless(), Method::MiniBatch), "adam").unwrap();
        let mut whole = trainer(on, &config);
        advance(&mut whole, 77);
        let mut half = trainer(on, &config);
        advance(&mut half, 30);
        let mut other = trainer(on, &config);
        block_on(other.restore(half.checkpoint())).unwrap();
        advance(&mut other, 47);
        assert_eq!(other.parameters(), whole.parameters());
        assert_eq!(other.place(), whole.place());
    }
}

#[test]
fn polynomials_are_fitted_and_reported_in_original_units() {
    for on in EVERYWHERE {
        let mut config =
            choose_optimizer(&RunConfig { learning_rate: 0.05, ..endless() }, "nesterov").unwrap();
        config.model.degree = 2;
        config.model.standardize = Some(downhill::choices::Scaling::Standardize);
        let x: Vec<f64> = (0..60).map(|i| 100.0 + f64::from(i)).collect();
        let y = x.iter().map(|x| 3.0 - 0.5 * x + 0.01 * x * x).collect();
        let mut run = trainer_of(on, &config, task_of(&config, x, y));
        advance(&mut run, 3000);
        let weights = run.original_parameters().unwrap();
        for (found, expected) in weights.iter().zip([-0.5, 0.01, 3.0]) {
            assert_close(*found, expected, 1e-2 * expected.abs(), "coefficient");
        }
    }
}

#[test]
fn initial_weights_follow_their_seed() {
    let mut config = endless();
    config.model.initial_weights = downhill::choices::InitialWeights::Normal;
    config.model.degree = 8;
    let weights = |seed: u32| {
        trainer(crate::support::On::Cpu, &RunConfig { seed, ..config.clone() }).parameters().to_vec()
    };
    assert_eq!(weights(3), weights(3));
    assert!(distance(&weights(3), &weights(4)) > 0.1);
}

/// `FALL` of a loss below 0 also points downwards: a run that bounces around there is reported.
#[test]
fn a_run_hovers_below_zero_as_it_does_above() {
    for loss in [5.0, -5.0] {
        let mut monitor = Monitor::default();
        let mut told = None;
        for step in 0..400_u64 {
            let (step, epoch) = (step * 20, step * 20);
            // Up and down by half of what counts as a fall.
            let noise = if step % 40 == 0 { 1e-4 } else { -1e-4 };
            let seen = Observation {
                step,
                epoch,
                loss: loss + noise,
                gradient_norm: 1.0,
                learning_rate: 0.1,
                full_batch: false,
            };
            told = told.or(monitor.observe(&seen).map(|message| (message.code, step)));
        }
        assert_eq!(told, Some((Code::Hovering, 2980)), "at {loss}");
    }
}
