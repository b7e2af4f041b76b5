//! Functions behind the form: what a choice changes elsewhere in a configuration, and the scales of sliders.

use super::RunConfig;
use crate::choices::loss::Targets;
use crate::choices::table::from_name;
use crate::choices::{Choice, Loss, Method, Optimizer, Schedule, ShippedTable, Source};
use crate::message::{Code, Message, Result};
use crate::number;

/// Returns the configuration with another method. [`Method::DecayingRate`] adds its schedule, and
/// leaving it removes that schedule.
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

/// Returns the configuration with another optimizer at its default parameters; momentum is kept
/// between the two optimizers that have one.
///
/// # Errors
/// [`Code::ConfigUnreadable`] if no optimizer has this name.
pub fn choose_optimizer(config: &RunConfig, kind: &str) -> Result<RunConfig> {
    let mut optimizer: Optimizer = of_kind(kind)?;
    if let (Some(kept), Optimizer::Momentum { momentum } | Optimizer::Nesterov { momentum }) =
        (config.optimizer.momentum(), &mut optimizer)
    {
        *momentum = kept;
    }
    Ok(RunConfig { optimizer, ..config.clone() })
}

/// Returns the configuration with another loss at its default parameters.
///
/// # Errors
/// [`Code::ConfigUnreadable`] if no loss has this name.
pub fn choose_loss(config: &RunConfig, kind: &str) -> Result<RunConfig> {
    Ok(RunConfig { loss: of_kind(kind)?, ..config.clone() })
}

/// Returns `current` if the loss suits a target with `n_classes` classes (0 for a number), else a loss that
/// does.
pub fn loss_for_target(current: Loss, n_classes: u32) -> Loss {
    match n_classes {
        0 | 1 if current.needs().targets == Targets::Classes => Loss::Squared,
        2 if !current.classifies() => Loss::Logistic,
        0..=2 => current,
        _ => Loss::Softmax,
    }
}

/// Returns the configuration with another schedule at its default parameters. A decaying rate whose
/// schedule no longer decays becomes plain stochastic descent.
///
/// # Errors
/// [`Code::ConfigUnreadable`] if no schedule has this name.
pub fn choose_schedule(config: &RunConfig, kind: &str) -> Result<RunConfig> {
    let schedule: Schedule = of_kind(kind)?;
    let method = match (config.method, &schedule) {
        (Method::DecayingRate, Schedule::TimeDecay { .. }) => Method::DecayingRate,
        (Method::DecayingRate, _) => Method::Stochastic,
        (method, _) => method,
    };
    Ok(RunConfig { schedule, method, ..config.clone() })
}

/// Returns the configuration for other rows, without manual edits: `linspace`, or the name of a
/// shipped table.
///
/// # Errors
/// [`Code::ConfigUnreadable`] for any other name.
pub fn choose_source(config: &RunConfig, id: &str) -> Result<RunConfig> {
    let source = if id == "linspace" {
        Source::default()
    } else {
        Source::Shipped { table: from_name(&id.into()).map_err(unreadable)? }
    };
    let mut data = super::DataConfig { source, ..Default::default() };
    // The loss follows from the table: classes and counts need their own.
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

/// Learning rates of the schedule at `n_points` steps, spread over a number of steps that shows its shape.
pub fn schedule_curve(config: &RunConfig, n_points: usize) -> Vec<f64> {
    let span = config.schedule.typical_steps() + config.warmup.steps as f64;
    (0..n_points)
        .map(|i| {
            let step = (span * i as f64 / n_points.max(2) as f64) as u64;
            config.warmup.learning_rate(&config.schedule, config.learning_rate, step)
        })
        .collect()
}

/// The learning rate at a position from 0 to 1 of the logarithmic slider from 1e-5 to 10, rounded to three
/// digits.
pub fn rate_from_position(position: f64) -> f64 {
    let rate = libm::pow(10.0, -5.0 + 6.0 * position.clamp(0.0, 1.0));
    let unit = libm::pow(10.0, libm::floor(libm::log10(rate)) - 2.0);
    let rounded = libm::round(rate / unit) * unit;
    number::rounded(rounded, 3)
}

/// The position from 0 to 1 of a learning rate on the slider of [`rate_from_position`].
pub fn position_from_rate(rate: f64) -> f64 {
    if rate > 0.0 { ((libm::log10(rate) + 5.0) / 6.0).clamp(0.0, 1.0) } else { 0.0 }
}

/// The next learning rate above (`up`) or below `rate` in the series 1, 2, 3, 5, 10 of every decade, within
/// the slider's range.
pub fn neighbouring_rate(rate: f64, up: bool) -> f64 {
    let mut ladder = (-5..=1).flat_map(|decade| {
        [1, 2, 3, 5].map(|digit| number::parse(&format!("{digit}e{decade}")).unwrap_or(1.0)).into_iter()
    });
    let above = |rung: &f64| *rung > rate * (1.0 + 1e-9);
    let below = |rung: &f64| *rung < rate * (1.0 - 1e-9);
    let found = if up { ladder.find(above) } else { ladder.rfind(below) };
    found.unwrap_or(rate).clamp(1e-5, 10.0)
}

/// The highest speed of the slider, in updates per second, below "as fast as possible".
const FASTEST_PACED: f64 = 1e6;

/// Updates per second at a position from 0 to 1 of a logarithmic slider from one to a million. In the last
/// twentieth it is `None`, as fast as possible.
pub fn speed_from_position(position: f64) -> Option<f64> {
    if position > 0.95 {
        return None;
    }
    let speed = libm::pow(FASTEST_PACED, position.max(0.0) / 0.95);
    let unit = libm::pow(10.0, (libm::floor(libm::log10(speed)) - 1.0).max(0.0));
    Some(libm::round(speed / unit) * unit)
}

/// The position from 0 to 1 of a speed on the slider of [`speed_from_position`].
pub fn position_from_speed(speed: Option<f64>) -> f64 {
    match speed {
        None => 1.0,
        Some(speed) => 0.95 * (libm::log10(speed.max(1.0)) / libm::log10(FASTEST_PACED)).min(1.0),
    }
}

/// The entry with this name, with its parameters at their defaults.
fn of_kind<T: Choice>(kind: &str) -> Result<T> {
    T::named(kind).ok_or_else(|| unreadable(format!("there is no {} \"{kind}\"", T::SPEC.name)))
}

fn unreadable(error: impl std::fmt::Display) -> Message {
    Message::new(Code::ConfigUnreadable).with("detail", error)
}
