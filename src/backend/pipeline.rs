//! A queue of calls that are submitted before earlier calls have answered.

use std::collections::VecDeque;

use super::kernel::{RunParams, StepParams};
use super::{Backend, DeviceLost, State};

/// Maximum number of calls in flight on a GPU: one that runs, one that waits, one whose answer is on its way.
const DEPTH: usize = 3;

/// Does what [`Backend::advance`] does for consecutive calls, but lets the device start on the next call
/// before the host has read the last answer.
///
/// Each call continues where the one before it ended. If a run halts, the steps queued behind it do
/// nothing, and `taken` in their answers says so. The CPU works on a call when its answer is
/// requested.
#[derive(Debug, Default)]
pub struct Pipeline {
    calls: VecDeque<(RunParams, Vec<StepParams>)>,
    /// The planned steps of the last call; its memory is reused by the next call.
    spare: Vec<StepParams>,
}

impl Pipeline {
    /// Number of submitted calls whose answers have not been collected.
    pub fn n_in_flight(&self) -> usize {
        self.calls.len()
    }

    /// Whether another call should be submitted before waiting for an answer.
    pub fn has_room(&self, backend: &Backend) -> bool {
        self.calls.len() < if backend.is_gpu() { DEPTH } else { 1 }
    }

    /// Submits a call of up to [`super::MAX_STEPS_PER_CALL`] steps. The first call starts from `state`; later
    /// calls start where the previous call ends.
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

    /// Waits for the oldest call's answer and leaves `state` and `trace` as [`Backend::advance`]
    /// does. Returns its steps, or `None` if nothing is in flight.
    ///
    /// # Errors
    /// [`DeviceLost`], with `state` and `trace` unchanged and nothing left in flight.
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
