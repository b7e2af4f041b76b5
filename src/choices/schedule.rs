//! Learning-rate schedules: the rate as a pure function of the step.
//!
//! [`Schedule::ReduceOnPlateau`] and [`Schedule::BoldDriver`] follow the run instead: as functions of the step they
//! are constant, and [`crate::monitor`] keeps the scale that they have reached with the weights.

use serde::Serialize;

use super::table::{Choice as _, choice, within};
use crate::fields::read_fields;
use crate::message::Result;

choice! {
    /// How the learning rate changes as a run goes on. `t` is the step, counted from the end of the warm-up; `r` the rate
    /// that was set.
    #[derive(Clone, Debug, PartialEq)]
    pub enum Schedule = "schedule" at "schedule", tagged {
        /// `r`.
        Constant = "constant";

        /// `r / (1 + decay_rate t / decay_steps)` (Robbins and Monro 1951; Keras' `InverseTimeDecay`).
        TimeDecay = "time_decay", {
            /// How much the denominator grows in `decay_steps` steps.
            decay_rate: f64 = 1.0, in 0.0..=1e6;
            /// Steps.
            decay_steps: f64 = 1000.0, in 1.0..=1e12, unit "steps";
        };

        /// `r gamma^floor(t / step_size)` (PyTorch's `StepLR`).
        Step = "step", {
            /// Steps between two drops.
            step_size: u64 = 1000, in 1.0..=1e12, unit "steps";
            /// What a drop multiplies the rate by.
            gamma: f64 = 0.5, in 1e-6..=1.0;
        };

        /// `r gamma^t` (PyTorch's `ExponentialLR`, stepped with every update).
        Exponential = "exponential", {
            /// What every step multiplies the rate by.
            gamma: f64 = 0.999, in 0.5..=1.0;
        };

        /// `r (1 - min(t, total_steps) / total_steps)^power` (PyTorch's `PolynomialLR`).
        Polynomial = "polynomial", {
            /// The step at which the rate reaches zero.
            total_steps: u64 = 2000, in 1.0..=1e12, unit "steps";
            /// The exponent; 1 is a straight line.
            power: f64 = 1.0, in 0.0..=20.0;
        };

        /// `m + (r - m) (1 + cos(pi t / period)) / 2`, `m` being `minimum_rate` (Loshchilov and Hutter 2017, SGDR). With
        /// restarts it starts anew after each period, which grows by `period_factor`; without, it stays at `m`.
        Cosine = "cosine", {
            /// Steps of the first period.
            period: u64 = 2000, in 1.0..=1e12, unit "steps";
            /// The rate at the end of a period.
            minimum_rate: f64 = 0.0, in 0.0..=10.0;
            /// Whether to start anew.
            restarts: bool = false;
            /// What each restart multiplies the period by.
            period_factor: u64 = 1, in 1.0..=10.0;
        };

        /// Up from `r / div_factor` to `r` at step `rising_fraction total_steps - 1`, then down to
        /// `r / (div_factor final_div_factor)` at step `total_steps - 1`, where it stays, each along half a cosine (Smith and
        /// Topin 2018; PyTorch's `OneCycleLR` with `cycle_momentum=False`).
        OneCycle = "one_cycle", {
            /// Steps of the whole cycle: the length of the run.
            total_steps: u64 = 2000, in 2.0..=1e12, unit "steps";
            /// Fraction of the steps in which the rate rises.
            rising_fraction: f64 = 0.3, in 0.0..=1.0;
            /// What the rate is divided by at the first step.
            div_factor: f64 = 25.0, in 1.0..=1e6;
            /// What the first rate is divided by at the last step.
            final_div_factor: f64 = 1e4, in 1.0..=1e12;
        };

        /// Multiplies the rate by `factor` when the epoch's loss has not fallen by the fraction `threshold` for more than
        /// `patience` epochs (PyTorch's `ReduceLROnPlateau`, mode `min`, `rel`).
        ReduceOnPlateau = "reduce_on_plateau", kernel REDUCE_ON_PLATEAU = 1, {
            /// What a reduction multiplies the rate by.
            factor: f64 = 0.1, in 1e-6..=0.999;
            /// Epochs without improvement that are let pass.
            patience: u32 = 10, in 0.0..=1e6, unit "epochs";
            /// Relative fall that counts as improvement.
            threshold: f64 = 1e-4, in 0.0..=1.0;
            /// Epochs after a reduction in which nothing is counted.
            cooldown: u32 = 0, in 0.0..=1e6, unit "epochs";
            /// No reduction goes below it.
            minimum_rate: f64 = 0.0, in 0.0..=10.0;
        };

        /// After each epoch: the rate grows by `increase` if the loss fell; otherwise it shrinks by `decrease` and the
        /// weights go back to where the last good epoch began (Battiti 1989, "bold driver").
        BoldDriver = "bold_driver", kernel BOLD_DRIVER = 2, {
            /// Multiplies the rate after a good epoch.
            increase: f64 = 1.05, in 1.0..=2.0;
            /// Multiplies the rate after a bad epoch.
            decrease: f64 = 0.5, in 1e-3..=0.999;
        };
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
                half_cosine(base_rate, minimum_rate, place)
            }
            Self::OneCycle { total_steps, rising_fraction, div_factor, final_div_factor } => {
                let (top, last) = (rising_fraction * total_steps as f64 - 1.0, (total_steps - 1) as f64);
                let (t, first_rate) = (t.min(last), base_rate / div_factor);
                if t <= top && top > 0.0 {
                    half_cosine(first_rate, base_rate, t / top)
                } else {
                    half_cosine(base_rate, first_rate / final_div_factor, (t - top) / (last - top))
                }
            }
        }
    }

    /// Whether the rate also follows what the run does.
    pub fn reacts(&self) -> bool {
        self.number() != 0
    }

    /// Whether the rate is the same at every step.
    pub fn is_constant(&self) -> bool {
        matches!(self, Self::Constant) || self.reacts()
    }

    /// Steps that show the whole shape of the schedule.
    pub fn typical_steps(&self) -> f64 {
        match *self {
            Self::Constant | Self::ReduceOnPlateau { .. } | Self::BoldDriver { .. } => 1000.0,
            Self::TimeDecay { decay_steps, .. } => 4.0 * decay_steps,
            Self::Step { step_size, .. } => 4.0 * step_size as f64,
            Self::Exponential { gamma } => (4.0 / (1.0 - gamma).max(1e-6)).min(1e7),
            Self::Polynomial { total_steps, .. } | Self::OneCycle { total_steps, .. } => {
                1.1 * total_steps as f64
            }
            Self::Cosine { period, restarts, period_factor, .. } => {
                period as f64 * if restarts { 1.0 + 2.0 * period_factor as f64 } else { 1.1 }
            }
        }
    }
}

/// A linear rise of the rate in front of any schedule, whose own steps count from the rise's end (PyTorch's
/// `SequentialLR([LinearLR(start_factor, 1, steps), schedule], [steps])`).
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Warmup {
    /// How many steps the rise takes; 0 for none.
    pub steps: u64,
    /// Fraction of the rate at step 0.
    pub start_factor: f64,
}

read_fields!(default Warmup { steps, start_factor });

impl Default for Warmup {
    fn default() -> Self {
        Self { steps: 0, start_factor: 0.1 }
    }
}

impl Warmup {
    /// Checks every field against its range.
    ///
    /// # Errors
    /// [`crate::message::Code::FieldOutOfRange`].
    pub fn check(&self) -> Result<()> {
        within("warmup.steps", self.steps as f64, 0.0, 1e12)?;
        within("warmup.start_factor", self.start_factor, 0.0, 1.0)
    }

    /// The learning rate of the update from `step` to `step + 1`.
    pub fn learning_rate(&self, schedule: &Schedule, base_rate: f64, step: u64) -> f64 {
        if step < self.steps {
            let share = step as f64 / self.steps as f64;
            base_rate * (self.start_factor + (1.0 - self.start_factor) * share)
        } else {
            schedule.learning_rate(base_rate, step - self.steps)
        }
    }
}

/// From `start` to `end` along half a cosine, `place` being the fraction of the way.
fn half_cosine(start: f64, end: f64, place: f64) -> f64 {
    let fall = (1.0 + libm::cos(std::f64::consts::PI * place)) / 2.0;
    end + (start - end) * fall
}

/// Fraction of its period that has passed at `step`, periods growing by `factor`.
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
