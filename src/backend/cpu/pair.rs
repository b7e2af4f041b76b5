//! Two workers share the rows of one problem. Each sums over its half of them, and the worker that owns the
//! run adds the helper's sums. The workers share no memory: weights are sent in one message and sums return
//! in another, so sharing pays only if a step takes longer than two messages.

use std::fmt;
use std::rc::Rc;

use futures_channel::oneshot;

use super::{CpuEngine, fused};
use crate::backend::State;
use crate::backend::kernel::{EVALUATE, RunParams, SHUFFLED, StepParams};
use crate::dataset::Problem;
use crate::model::Layout;

/// Number of f32 values per message while rows are sent to the helper: at 4 MB, little memory is used twice.
const BLOCK_NUMBERS: usize = 1 << 20;

/// A request to the helper worker, which answers every request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Ask<'a> {
    /// Reserve memory for the helper's rows; see [`Half::new`].
    Room {
        /// Number of rows that the helper will receive.
        n_rows: u32,
        /// Number of features per row.
        n_features: u32,
        /// Number of parameters: weights, and the bias if there is one.
        n_parameters: u32,
    },
    /// Append rows to the helper's half; see [`Half::more`].
    Rows {
        /// Features of the appended rows, row-major.
        features: &'a [f32],
        /// Targets of the appended rows.
        targets: &'a [f32],
    },
    /// Sum gradient and loss over the helper's rows; see [`Half::sums`].
    Sums {
        /// The parameters of the run to evaluate.
        parameters: &'a [f32],
    },
}

/// The helper's answer: sums (empty if none were requested), or why the helper is lost.
pub type Heard = Result<Vec<f64>, String>;

/// The channel to the helper worker, independent of how it runs. A cancelled receiver means that the helper
/// is lost.
pub struct Link(Box<Asking>);

type Asking = dyn FnMut(Ask<'_>) -> oneshot::Receiver<Heard>;

impl Link {
    /// Makes a channel from `ask`, which must send a request immediately, without waiting for the answer.
    pub fn new(ask: impl FnMut(Ask<'_>) -> oneshot::Receiver<Heard> + 'static) -> Self {
        Self(Box::new(ask))
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Link")
    }
}

/// The helper worker's part of the problem: its half of the rows.
#[derive(Debug)]
pub struct Half {
    n_features: usize,
    features: Vec<f32>,
    targets: Vec<f32>,
    partial: Vec<f32>,
    sums: Vec<f64>,
}

impl Half {
    /// Reserves memory for this many rows.
    ///
    /// # Errors
    /// A description of the error if there is not enough memory.
    pub fn new(n_rows: u32, n_features: u32, n_parameters: u32) -> Result<Self, String> {
        let (n_rows, n_features) = (n_rows as usize, n_features as usize);
        let (mut features, mut targets) = (Vec::new(), Vec::new());
        features
            .try_reserve_exact(n_rows * n_features)
            .and_then(|()| targets.try_reserve_exact(n_rows))
            .map_err(|error| error.to_string())?;
        let sums = vec![0.0; n_parameters as usize + 1];
        Ok(Self { n_features, features, targets, partial: vec![0.0; n_features], sums })
    }

    /// Appends `n_rows` rows, and returns the slices that features and targets must be written to.
    pub fn more(&mut self, n_rows: usize) -> (&mut [f32], &mut [f32]) {
        let start = self.targets.len();
        self.features.resize((start + n_rows) * self.n_features, 0.0);
        self.targets.resize(start + n_rows, 0.0);
        (&mut self.features[start * self.n_features..], &mut self.targets[start..])
    }

    /// Sums over the helper's rows: half of the gradient for each parameter, then the loss.
    pub fn sums(&mut self, parameters: &[f32]) -> &[f64] {
        self.sums.fill(0.0);
        let Self { n_features, features, targets, partial, sums } = self;
        pass(features, targets, *n_features, parameters, partial, sums);
        sums
    }
}

/// The CPU engine of a run that shares full passes over the rows with a helper worker. It keeps all rows,
/// because it computes batches and samples alone.
#[derive(Debug)]
pub struct PairEngine {
    alone: CpuEngine,
    link: Option<Link>,
    /// Why the helper worker was lost; `None` while it works.
    lost: Option<String>,
    /// Number of rows that this worker sums in a full pass: the first ones.
    n_own: usize,
    /// Trace of one step, `[batch loss, rate]` for each run.
    traced: Vec<[f32; 2]>,
}

impl PairEngine {
    /// Creates the engine and sends half of the rows to the helper worker, one block at a time.
    ///
    /// # Errors
    /// A description of why the helper worker cannot be used.
    pub async fn new(problem: Rc<Problem>, layout: &Layout, mut link: Link) -> Result<Self, String> {
        let (n_samples, n_features) = (problem.n_samples, problem.n_features);
        let n_rows = n_samples / 2;
        let n_parameters = layout.n_parameters();
        hear(link.0(Ask::Room { n_rows, n_features, n_parameters })).await?;
        let (n_own, d) = ((n_samples - n_rows) as usize, n_features as usize);
        let block_rows = (BLOCK_NUMBERS / d).max(1);
        let features = problem.features[n_own * d..].chunks(block_rows * d);
        for (features, targets) in features.zip(problem.targets[n_own..].chunks(block_rows)) {
            hear(link.0(Ask::Rows { features, targets })).await?;
        }
        Ok(Self {
            alone: CpuEngine::new(problem, layout),
            link: Some(link),
            lost: None,
            n_own,
            traced: Vec::new(),
        })
    }

    /// Why the helper worker was lost, if it was. The run is not affected: this worker repeats the step that
    /// was interrupted.
    pub fn lost(&self) -> Option<&str> {
        self.lost.as_deref()
    }

    /// See [`crate::backend::Backend::advance`].
    pub async fn advance(
        &mut self,
        state: &mut State,
        params: &RunParams,
        steps: &[StepParams],
        trace: &mut Vec<[f32; 2]>,
    ) {
        let n_samples = self.alone.problem.n_samples;
        let whole = |step: &StepParams| step.flags & SHUFFLED == 0 && step.batch_len == n_samples;
        let general = self.alone.is_general(params);
        if general || state.n_runs() > 1 || n_samples == 1 || !steps.iter().all(whole) {
            self.alone.advance(state, params, steps, trace);
            return;
        }
        trace.clear();
        for step in steps {
            if state.reactions[0].halt == 0 || step.flags & EVALUATE != 0 {
                self.sums(state.parameters(0)).await;
                self.alone.summed = true;
            }
            self.alone.advance(state, params, &[*step], &mut self.traced);
            self.alone.summed = false;
            trace.extend(&self.traced);
        }
    }

    /// Computes the sums over all rows with the helper, and stores them for the engine's next step.
    async fn sums(&mut self, parameters: &[f32]) {
        let answer = self.link.as_mut().map(|link| link.0(Ask::Sums { parameters }));
        let CpuEngine { problem, sums, partial, .. } = &mut self.alone;
        let d = problem.n_features as usize;
        let (own, other) = problem.features.split_at(self.n_own * d);
        let (own_targets, other_targets) = problem.targets.split_at(self.n_own);
        sums.fill(0.0);
        pass(own, own_targets, d, parameters, partial, sums);
        let heard = match answer {
            Some(answer) => hear(answer).await,
            None => Err(String::new()),
        };
        match heard {
            Ok(theirs) if theirs.len() == sums.len() => {
                for (sum, theirs) in sums.iter_mut().zip(theirs) {
                    *sum += theirs;
                }
            }
            heard => {
                pass(other, other_targets, d, parameters, partial, sums);
                if self.link.take().is_some() {
                    self.lost =
                        Some(heard.err().unwrap_or_else(|| "it gave an unexpected answer".to_owned()));
                }
            }
        }
    }
}

/// Calls [`fused::accumulate`] without inlining it: long passes do not notice the call, and the kernels are a
/// large part of the wasm.
#[inline(never)]
fn pass(
    features: &[f32],
    targets: &[f32],
    n_features: usize,
    parameters: &[f32],
    partial: &mut [f32],
    sums: &mut [f64],
) {
    fused::accumulate(features, targets, n_features, parameters, partial, sums);
}

async fn hear(answer: oneshot::Receiver<Heard>) -> Heard {
    answer.await.unwrap_or_else(|_| Err("it ended".to_owned()))
}
