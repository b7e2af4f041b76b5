//! Decides how much work is submitted to the GPU at once.

use super::MAX_STEPS_PER_CALL;

/// Target duration of a submit in milliseconds: long enough to make its overhead small, short enough that no
/// system aborts it.
const SUBMIT_MS: f64 = 14.0;
/// Intervals shorter than this, in milliseconds, are not used as measurements: clocks in browsers are coarse.
const LEGIBLE_MS: f64 = 2.0;
/// Assumed milliseconds per step on a slow adapter, used until a step is measured; the next constant is that
/// per float of a batch.
const STEP_MS: f64 = 0.02;
const FLOAT_MS: f64 = 2e-6;

/// Decides how many steps are submitted at once, from the measured speed.
#[derive(Debug)]
pub(super) struct SubmitPace {
    now_ms: Option<fn() -> f64>,
    /// Milliseconds per step, smoothed over recent calls, and the number of floats that such a step reads.
    measured: Option<(f64, f64)>,
    /// Time at which the last answer arrived; the device started on the next call no earlier than that.
    last_end: f64,
    pub(super) steps: usize,
}

impl SubmitPace {
    pub(super) fn new(now_ms: Option<fn() -> f64>) -> Self {
        Self { now_ms, measured: None, last_end: 0.0, steps: 1 }
    }

    pub(super) fn now(&self) -> Option<f64> {
        self.now_ms.map(|now| now())
    }

    /// The number of steps to submit at once, if each reads this many floats.
    pub(super) fn begin(&mut self, floats: f64) -> usize {
        let step_ms = match self.measured {
            // Smaller batches count as equally expensive until measured.
            Some((step_ms, seen)) => step_ms * (floats / seen).max(1.0),
            None => STEP_MS + FLOAT_MS * floats,
        };
        self.steps = (SUBMIT_MS / step_ms).clamp(1.0, MAX_STEPS_PER_CALL as f64) as usize;
        self.steps
    }

    /// Updates the measured speed from a call of `n_steps` steps that was submitted at time `since`.
    pub(super) fn end(&mut self, n_steps: usize, floats: f64, since: f64) {
        let Some(now) = self.now() else { return };
        let elapsed = now - since.max(self.last_end);
        self.last_end = now;
        let known = self.measured.filter(|(_, seen)| *seen == floats).map(|(step_ms, _)| step_ms);
        let step_ms = elapsed.max(0.0) / n_steps as f64;
        let step_ms = match known {
            // Too short to conclude more than an upper bound of the time per step.
            Some(known) if elapsed < LEGIBLE_MS => known.min(LEGIBLE_MS / n_steps as f64),
            Some(known) => known + 0.5 * (step_ms - known),
            None => elapsed.max(LEGIBLE_MS) / n_steps as f64,
        };
        self.measured = Some((step_ms, floats));
    }
}
