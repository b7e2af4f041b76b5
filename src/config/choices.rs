//! What choosing one of a closed set brings with it, and the scales of sliders.

use super::{Method, RunConfig, ShippedTable, Source};
use crate::loss::Loss;
use crate::message::{Code, Message, Result};
use crate::optimizer::Optimizer;
use crate::schedule::Schedule;

/// The same configuration with another method. [`Method::DecayingRate`] brings its schedule, and takes it away again.
pub fn choose_method(config: &RunConfig, method: Method) -> RunConfig {
    let mut config = RunConfig { method, ..config.clone() };
    match (method, &config.schedule) {
        (Method::DecayingRate, Schedule::TimeDecay { .. }) => {}
        (Method::DecayingRate, _) => {
            config.schedule = Schedule::TimeDecay { decay_rate: 1.0, decay_steps: 1000.0 };
        }
        (_, Schedule::TimeDecay { .. }) => config.schedule = Schedule::Constant,
        _ => {}
    }
    config
}

/// The same configuration with another optimizer at its default parameters; momentum is kept between the two that
/// have one.
///
/// # Errors
/// [`Code::ConfigUnreadable`] for a name that is no optimizer's.
pub fn choose_optimizer(config: &RunConfig, kind: &str) -> Result<RunConfig> {
    let mut optimizer: Optimizer = of_kind(kind)?;
    if let (Some(kept), Optimizer::Momentum { momentum } | Optimizer::Nesterov { momentum }) =
        (config.optimizer.momentum(), &mut optimizer)
    {
        *momentum = kept;
    }
    Ok(RunConfig { optimizer, ..config.clone() })
}

/// The same configuration with another loss at its default parameters.
///
/// # Errors
/// [`Code::ConfigUnreadable`] for a name that is no loss's.
pub fn choose_loss(config: &RunConfig, kind: &str) -> Result<RunConfig> {
    Ok(RunConfig { loss: of_kind(kind)?, ..config.clone() })
}

/// The same configuration with another schedule at its default parameters. A decaying rate whose schedule no longer
/// decays with time is plain stochastic descent.
///
/// # Errors
/// [`Code::ConfigUnreadable`] for a name that is no schedule's.
pub fn choose_schedule(config: &RunConfig, kind: &str) -> Result<RunConfig> {
    let schedule: Schedule = of_kind(kind)?;
    let method = match (config.method, &schedule) {
        (Method::DecayingRate, Schedule::TimeDecay { .. }) => Method::DecayingRate,
        (Method::DecayingRate, _) => Method::Stochastic,
        (method, _) => method,
    };
    Ok(RunConfig { schedule, method, ..config.clone() })
}

/// The same configuration on other rows, without what was edited by hand: `linspace`, or a shipped table's name.
///
/// # Errors
/// [`Code::ConfigUnreadable`] for a name that is neither.
pub fn choose_source(config: &RunConfig, id: &str) -> Result<RunConfig> {
    let source = if id == "linspace" {
        Source::default()
    } else {
        Source::Shipped { table: ShippedTable::named(id).map_err(unreadable)? }
    };
    let mut data = super::DataConfig { source, ..Default::default() };
    // What a table is known for: classes and counts have a loss of their own.
    let loss = match data.source {
        Source::Shipped { table: ShippedTable::Iris } => {
            data.columns.target = "species".to_owned();
            Loss::Softmax
        }
        Source::Shipped { table: ShippedTable::Challenger | ShippedTable::BreastCancer } => Loss::Logistic,
        Source::Shipped { table: ShippedTable::CoalDisasters } => Loss::Poisson,
        _ if config.loss.bends() => Loss::Squared,
        _ => config.loss,
    };
    Ok(RunConfig { data, loss, ..config.clone() })
}

/// Rates that a schedule gives over a stretch long enough to show its shape, `n_points` of them.
pub fn schedule_curve(config: &RunConfig, n_points: usize) -> Vec<f64> {
    let after = match config.schedule {
        Schedule::Constant | Schedule::ReduceOnPlateau { .. } | Schedule::BoldDriver { .. } => 1000.0,
        Schedule::TimeDecay { decay_steps, .. } => 4.0 * decay_steps,
        Schedule::Step { step_size, .. } => 4.0 * step_size as f64,
        Schedule::Exponential { gamma } => (4.0 / (1.0 - gamma).max(1e-6)).min(1e7),
        Schedule::Polynomial { total_steps, .. } => 1.1 * total_steps as f64,
        Schedule::Cosine { period, restarts, period_factor, .. } => {
            period as f64 * if restarts { 1.0 + 2.0 * period_factor as f64 } else { 1.1 }
        }
    };
    let span = after + config.warmup.steps as f64;
    (0..n_points)
        .map(|i| {
            let step = (span * i as f64 / n_points.max(2) as f64) as u64;
            config.warmup.learning_rate(&config.schedule, config.learning_rate, step)
        })
        .collect()
}

/// The rate at position 0..1 of the logarithmic slider from 1e-5 to 10, at three digits.
pub fn rate_from_position(position: f64) -> f64 {
    let rate = libm::pow(10.0, -5.0 + 6.0 * position.clamp(0.0, 1.0));
    let unit = libm::pow(10.0, libm::floor(libm::log10(rate)) - 2.0);
    let rounded = libm::round(rate / unit) * unit;
    // Through text, so that 0.03 is 0.03 and not 0.030000000000000002.
    format!("{rounded:.3e}").parse().unwrap_or(rounded)
}

/// Where a rate stands on that slider.
pub fn position_from_rate(rate: f64) -> f64 {
    if rate > 0.0 { ((libm::log10(rate) + 5.0) / 6.0).clamp(0.0, 1.0) } else { 0.0 }
}

/// The next rate above (`up`) or below on the ladder 1, 2, 3, 5, 10 of every decade, within the slider's range.
pub fn neighbouring_rate(rate: f64, up: bool) -> f64 {
    let mut ladder = (-5..=1).flat_map(|decade| {
        [1, 2, 3, 5].map(|digit| format!("{digit}e{decade}").parse::<f64>().unwrap_or(1.0)).into_iter()
    });
    let above = |rung: &f64| *rung > rate * (1.0 + 1e-9);
    let below = |rung: &f64| *rung < rate * (1.0 - 1e-9);
    let found = if up { ladder.find(above) } else { ladder.rfind(below) };
    found.unwrap_or(rate).clamp(1e-5, 10.0)
}

/// The top of the speed slider below "as fast as it goes", updates a second.
const FASTEST_PACED: f64 = 1e6;

/// Updates a second at position 0..1 of the logarithmic slider from one to a million; the last twentieth is as fast as it
/// goes.
pub fn speed_from_position(position: f64) -> Option<f64> {
    if position > 0.95 {
        return None;
    }
    let speed = libm::pow(FASTEST_PACED, position.max(0.0) / 0.95);
    let unit = libm::pow(10.0, (libm::floor(libm::log10(speed)) - 1.0).max(0.0));
    Some(libm::round(speed / unit) * unit)
}

/// Where a speed stands on that slider.
pub fn position_from_speed(speed: Option<f64>) -> f64 {
    match speed {
        None => 1.0,
        Some(speed) => 0.95 * (libm::log10(speed.max(1.0)) / libm::log10(FASTEST_PACED)).min(1.0),
    }
}

/// One of a closed set by its name, its parameters at their defaults.
fn of_kind<T: serde::de::DeserializeOwned>(kind: &str) -> Result<T> {
    serde_json::from_value(serde_json::json!({ "kind": kind })).map_err(unreadable)
}

fn unreadable(error: impl std::fmt::Display) -> Message {
    Message::new(Code::ConfigUnreadable).with("detail", error)
}
