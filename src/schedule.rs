//! Learning-rate schedules: the rate as a pure function of the step.
//!
//! [`Schedule::ReduceOnPlateau`] and [`Schedule::BoldDriver`] follow the run instead: as functions of the step they
//! are constant, and [`crate::monitor`] keeps the scale that they have reached beside the weights.

use serde::{Deserialize, Deserializer, Serialize};

use crate::tagged::Tagged;

/// How the learning rate changes as a run goes on. `t` is the step, counted from the end of the warm-up; `r` the rate
/// that was set.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Schedule {
    /// `r`.
    Constant,
    /// `r / (1 + decay_rate t / decay_steps)` (Robbins and Monro 1951; Keras' `InverseTimeDecay`).
    TimeDecay {
        /// How much the denominator grows in `decay_steps` steps.
        decay_rate: f64,
        /// Steps.
        decay_steps: f64,
    },
    /// `r gamma^floor(t / step_size)` (PyTorch's `StepLR`).
    Step {
        /// Steps between two drops.
        step_size: u64,
        /// What a drop multiplies the rate by.
        gamma: f64,
    },
    /// `r gamma^t` (PyTorch's `ExponentialLR`, stepped with every update).
    Exponential {
        /// What every step multiplies the rate by.
        gamma: f64,
    },
    /// `r (1 - min(t, total_steps) / total_steps)^power` (PyTorch's `PolynomialLR`).
    Polynomial {
        /// The step at which the rate reaches zero.
        total_steps: u64,
        /// The exponent; 1 is a straight line.
        power: f64,
    },
    /// `m + (r - m) (1 + cos(pi t / period)) / 2`, `m` being `minimum_rate` (Loshchilov and Hutter 2017, SGDR). With
    /// restarts it starts anew after each period, which grows by `period_factor`; without, it stays at `m`.
    Cosine {
        /// Steps of the first period.
        period: u64,
        /// What each restart multiplies the period by.
        period_factor: u64,
        /// Whether to start anew.
        restarts: bool,
        /// The rate at the end of a period.
        minimum_rate: f64,
    },
    /// Multiplies the rate by `factor` when the epoch's loss has not fallen by the share `threshold` for more than
    /// `patience` epochs (PyTorch's `ReduceLROnPlateau`, mode `min`, `rel`).
    ReduceOnPlateau {
        /// What a reduction multiplies the rate by.
        factor: f64,
        /// Epochs without improvement that are let pass.
        patience: u32,
        /// Relative fall that counts as improvement.
        threshold: f64,
        /// Epochs after a reduction in which nothing is counted.
        cooldown: u32,
        /// No reduction goes below it.
        minimum_rate: f64,
    },
    /// After each epoch: the rate grows by `increase` if the loss fell; otherwise it shrinks by `decrease` and the
    /// weights go back to where the last good epoch began (Battiti 1989, "bold driver").
    BoldDriver {
        /// Multiplies the rate after a good epoch.
        increase: f64,
        /// Multiplies the rate after a bad epoch.
        decrease: f64,
    },
}

impl<'de> Deserialize<'de> for Schedule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut from = Tagged::read(deserializer)?;
        let schedule = match from.kind().as_str() {
            "constant" => Some(Self::Constant),
            "time_decay" => Some(Self::TimeDecay {
                decay_rate: from.or("decay_rate", 1.0),
                decay_steps: from.or("decay_steps", 1000.0),
            }),
            "step" => {
                Some(Self::Step { step_size: from.or("step_size", 1000), gamma: from.or("gamma", 0.5) })
            }
            "exponential" => Some(Self::Exponential { gamma: from.or("gamma", 0.999) }),
            "polynomial" => Some(Self::Polynomial {
                total_steps: from.or("total_steps", 2000),
                power: from.or("power", 1.0),
            }),
            "cosine" => Some(Self::Cosine {
                period: from.or("period", 2000),
                period_factor: from.or("period_factor", 1),
                restarts: from.or("restarts", false),
                minimum_rate: from.or("minimum_rate", 0.0),
            }),
            "reduce_on_plateau" => Some(Self::ReduceOnPlateau {
                factor: from.or("factor", 0.1),
                patience: from.or("patience", 10),
                threshold: from.or("threshold", 1e-4),
                cooldown: from.or("cooldown", 0),
                minimum_rate: from.or("minimum_rate", 0.0),
            }),
            "bold_driver" => Some(Self::BoldDriver {
                increase: from.or("increase", 1.05),
                decrease: from.or("decrease", 0.5),
            }),
            _ => None,
        };
        from.finish(schedule)
    }
}

impl Schedule {
    /// The rate of the update from `step` to `step + 1`, before what the run itself scales it by.
    pub fn learning_rate(&self, base_rate: f64, step: u64) -> f64 {
        let t = step as f64;
        match *self {
            Self::Constant | Self::ReduceOnPlateau { .. } | Self::BoldDriver { .. } => base_rate,
            Self::TimeDecay { decay_rate, decay_steps } => base_rate / (1.0 + decay_rate * t / decay_steps),
            Self::Step { step_size, gamma } => base_rate * libm::pow(gamma, (step / step_size) as f64),
            Self::Exponential { gamma } => base_rate * libm::pow(gamma, t),
            Self::Polynomial { total_steps, power } => {
                let left = total_steps.saturating_sub(step) as f64 / total_steps as f64;
                base_rate * libm::pow(left, power)
            }
            Self::Cosine { period, period_factor, restarts, minimum_rate } => {
                let place = if restarts {
                    place_in_period(step, period, period_factor)
                } else {
                    (t / period as f64).min(1.0)
                };
                let fall = (1.0 + libm::cos(std::f64::consts::PI * place)) / 2.0;
                minimum_rate + (base_rate - minimum_rate) * fall
            }
        }
    }

    /// Whether the rate also follows what the run does.
    pub fn reacts(&self) -> bool {
        matches!(self, Self::ReduceOnPlateau { .. } | Self::BoldDriver { .. })
    }

    /// Whether the rate is the same at every step.
    pub fn is_constant(&self) -> bool {
        matches!(self, Self::Constant) || self.reacts()
    }
}

/// A linear rise of the rate in front of any schedule, whose own steps count from the rise's end (PyTorch's
/// `SequentialLR([LinearLR(start_factor, 1, steps), schedule], [steps])`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Warmup {
    /// How many steps the rise takes; 0 for none.
    pub steps: u64,
    /// Share of the rate at step 0.
    pub start_factor: f64,
}

impl Default for Warmup {
    fn default() -> Self {
        Self { steps: 0, start_factor: 0.1 }
    }
}

impl Warmup {
    /// The rate of the update from `step` to `step + 1`.
    pub fn learning_rate(&self, schedule: &Schedule, base_rate: f64, step: u64) -> f64 {
        if step < self.steps {
            let share = step as f64 / self.steps as f64;
            base_rate * (self.start_factor + (1.0 - self.start_factor) * share)
        } else {
            schedule.learning_rate(base_rate, step - self.steps)
        }
    }
}

/// Share of the period that `step` lies in, periods growing by `factor`.
fn place_in_period(step: u64, period: u64, factor: u64) -> f64 {
    if factor <= 1 {
        return (step % period) as f64 / period as f64;
    }
    let (mut start, mut length) = (0_u64, period);
    while step - start >= length {
        start += length;
        length = length.saturating_mul(factor);
    }
    (step - start) as f64 / length as f64
}
