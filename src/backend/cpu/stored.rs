//! Rows in storage: only a sample of them is kept in memory, and a pass over all rows reads one block at a
//! time.

use std::rc::Rc;

use super::CpuEngine;
use crate::backend::State;
use crate::backend::kernel::{EVALUATE, RunParams, SHUFFLED, StepParams, VALIDATE};
use crate::dataset;
use crate::model::Layout;

/// Additional state of an engine whose rows are in storage.
#[derive(Debug)]
pub(super) struct Stored {
    /// The engine for the sample of rows in memory.
    sample: CpuEngine,
    /// Number of rows that were summed ahead of a step that uses all rows.
    n_ahead: u32,
    /// The parameters for which the `n_ahead` rows were summed.
    parameters: Vec<f32>,
}

impl Stored {
    pub(super) fn new(stored: &dataset::Stored, layout: &Layout) -> Self {
        let sample = CpuEngine::new(Rc::clone(stored.sample()), layout);
        Self { sample, n_ahead: 0, parameters: Vec::new() }
    }
}

impl CpuEngine {
    /// Sums one more block of rows ahead of a step that uses all of them, so that a pass over rows in storage
    /// can be spread over several calls. The sums are valid for a single run until its parameters change or a
    /// step is made. Returns the number of rows summed so far, which is all of them if they are in memory.
    pub fn read_ahead(&mut self, state: &State, params: &RunParams) -> u32 {
        let (parameters, n_samples) = (state.parameters(0), self.problem.n_samples);
        let Some(stored) = &mut self.stored else { return n_samples };
        if stored.n_ahead == 0 || stored.parameters != parameters {
            (stored.n_ahead, stored.parameters) = (0, parameters.to_vec());
            self.sums.fill(0.0);
        }
        let batch_start = stored.n_ahead;
        let batch_len = self.problem.block_rows.min(n_samples - batch_start);
        stored.n_ahead += batch_len;
        if batch_len > 0 {
            let step = StepParams { batch_start, batch_len, flags: EVALUATE, ..StepParams::default() };
            if self.is_general(params) {
                self.add_general(params, &state.settings_of(0), &step, parameters);
            } else {
                self.add(params, &step, parameters);
            }
        }
        batch_start + batch_len
    }

    pub(super) fn advance_stored(
        &mut self,
        state: &mut State,
        params: &RunParams,
        steps: &[StepParams],
        trace: &mut Vec<[f32; 2]>,
    ) {
        let n_samples = self.problem.n_samples;
        let Some(stored) = &mut self.stored else { return };
        if let [step] = steps
            && step.flags & EVALUATE != 0
            && step.flags & SHUFFLED != 0
        {
            // Any rows will do, and these are in memory.
            let sample = &mut stored.sample;
            let n_samples = sample.problem.n_samples;
            let flags = if step.batch_len < n_samples { step.flags } else { step.flags & !SHUFFLED };
            let step = StepParams { batch_len: step.batch_len.min(n_samples), flags, ..*step };
            let params = RunParams { n_samples, block_rows: sample.problem.block_rows, ..*params };
            return sample.advance(state, &params, &[step], trace);
        }
        let whole =
            |step: &StepParams| step.batch_len == n_samples && step.flags & (SHUFFLED | VALIDATE) == 0;
        self.summed = stored.n_ahead == n_samples
            && matches!(steps, [step] if whole(step))
            && state.n_runs() == 1
            && stored.parameters == state.parameters(0);
        stored.n_ahead = 0;
        self.advance_here(state, params, steps, trace);
        self.summed = false;
    }
}
