//! Calls that are put in before the calls before them have answered.

use std::collections::VecDeque;

use super::kernel::{RunParams, StepParams};
use super::{Backend, DeviceLost, State};

/// Calls in flight on a GPU: one that works, one that waits, one whose answer is on its way.
const DEPTH: usize = 3;

/// What [`Backend::advance`] does, call after call, without the device waiting for the host in between.
///
/// A call goes on from where the one before it ended, whatever that was: where a run halts, the steps put in behind it
/// do nothing, and `taken` of their answers says so. The CPU works on a call when its answer is asked for.
#[derive(Debug, Default)]
pub struct Pipeline {
    calls: VecDeque<(RunParams, Vec<StepParams>)>,
    /// The last call's, for the next to be written into.
    spare: Vec<StepParams>,
}

impl Pipeline {
    /// Calls whose answers were not collected.
    pub fn n_in_flight(&self) -> usize {
        self.calls.len()
    }

    /// Whether another call should be put in before an answer is waited for.
    pub fn has_room(&self, backend: &Backend) -> bool {
        self.calls.len() < if backend.is_gpu() { DEPTH } else { 1 }
    }

    /// Puts in a call of at most [`super::MAX_STEPS_PER_CALL`] steps. The first one begins at `state`, and those behind
    /// it where the one before them will have ended.
    ///
    /// # Errors
    /// [`DeviceLost`], with nothing left in flight.
    pub async fn enqueue(
        &mut self,
        backend: &mut Backend,
        state: &State,
        params: &RunParams,
        steps: &[StepParams],
    ) -> Result<(), DeviceLost> {
        match backend {
            Backend::Cpu(_) | Backend::Pair(_) => _ = state,
            #[cfg(feature = "gpu")]
            Backend::Gpu(engine) => {
                if self.calls.is_empty() {
                    engine.begin(state);
                }
                if let Err(lost) = engine.enqueue(params, steps).await {
                    self.calls.clear();
                    return Err(lost);
                }
            }
        }
        let mut copy = std::mem::take(&mut self.spare);
        copy.clear();
        copy.extend_from_slice(steps);
        self.calls.push_back((*params, copy));
        Ok(())
    }

    /// Waits for the oldest call's answer: `state` and `trace` are then as [`Backend::advance`] leaves them. Returns
    /// its steps; `None` where nothing is in flight.
    ///
    /// # Errors
    /// [`DeviceLost`], with `state` and `trace` as they were, and nothing left in flight.
    pub async fn collect(
        &mut self,
        backend: &mut Backend,
        state: &mut State,
        trace: &mut Vec<[f32; 2]>,
    ) -> Result<Option<&[StepParams]>, DeviceLost> {
        let Some((params, steps)) = self.calls.pop_front() else { return Ok(None) };
        let answered = match backend {
            Backend::Cpu(_) | Backend::Pair(_) => backend.advance(state, &params, &steps, trace).await,
            #[cfg(feature = "gpu")]
            Backend::Gpu(engine) => {
                let answered = engine.collect(state, trace).await;
                if answered.is_ok() {
                    state.end_call();
                }
                answered
            }
        };
        if answered.is_err() {
            self.calls.clear();
        }
        answered?;
        self.spare = steps;
        Ok(Some(&self.spare))
    }
}
