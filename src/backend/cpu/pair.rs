//! Two workers share the rows of one problem: each processes half of them, and the worker that owns
//! the run adds the other's sums. They share no memory: weights go one way as a message and sums
//! come back as another, so a step must take longer than those two messages.

use std::fmt;
use std::rc::Rc;

use futures_channel::oneshot;

use super::{CpuEngine, fused};
use crate::backend::State;
use crate::backend::kernel::{EVALUATE, RunParams, SHUFFLED, StepParams};
use crate::dataset::Problem;
use crate::model::Layout;

/// Numbers per block of rows in transfer: at 4 MB, little is held twice.
const BLOCK_NUMBERS: usize = 1 << 20;

/// A request to the second worker, which answers each one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Ask<'a> {
    /// Reserve memory for its rows; see [`Half::new`].
    Room {
        /// Number of rows.
        n_rows: u32,
        /// Features per row.
        n_features: u32,
        /// Weights, and the bias if there is one.
        n_parameters: u32,
    },
    /// Append these rows; see [`Half::more`].
    Rows {
        /// Row-major features.
        features: &'a [f32],
        /// One target per row.
        targets: &'a [f32],
    },
    /// Sum over its rows; see [`Half::sums`].
    Sums {
        /// Parameters of the run.
        parameters: &'a [f32],
    },
}

/// The answer: sums (empty if none were requested), or why the worker is gone.
pub type Heard = Result<Vec<f64>, String>;

/// The channel to the second worker, wherever it runs. A cancelled receiver means that the worker
/// is gone.
pub struct Link(Box<Asking>);

type Asking = dyn FnMut(Ask<'_>) -> oneshot::Receiver<Heard>;

impl Link {
    /// `ask` sends immediately, without waiting.
    pub fn new(ask: impl FnMut(Ask<'_>) -> oneshot::Receiver<Heard> + 'static) -> Self {
        Self(Box::new(ask))
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Link")
    }
}

/// The second worker's side: its rows.
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
    /// An error if memory is insufficient.
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

    /// Where to write features and targets of `n_rows` more rows.
    pub fn more(&mut self, n_rows: usize) -> (&mut [f32], &mut [f32]) {
        let start = self.targets.len();
        self.features.resize((start + n_rows) * self.n_features, 0.0);
        self.targets.resize(start + n_rows, 0.0);
        (&mut self.features[start * self.n_features..], &mut self.targets[start..])
    }

    /// Sums of half the gradient, then of the loss, over the rows.
    pub fn sums(&mut self, parameters: &[f32]) -> &[f64] {
        self.sums.fill(0.0);
        let Self { n_features, features, targets, partial, sums } = self;
        pass(features, targets, *n_features, parameters, partial, sums);
        sums
    }
}

/// The CPU engine of one run that shares full passes with a second worker. It keeps all rows,
/// because it processes batches and samples alone.
#[derive(Debug)]
pub struct PairEngine {
    alone: CpuEngine,
    link: Option<Link>,
    /// Why the second worker was lost.
    lost: Option<String>,
    /// Number of rows that stay here: the first ones.
    n_own: usize,
    /// Sums of one step.
    traced: Vec<[f32; 2]>,
}

impl PairEngine {
    /// Sends half of the rows to the second worker, one block at a time.
    ///
    /// # Errors
    /// Why there is no second worker.
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

    /// Why the second worker was lost, if it was. The run is not affected: this worker repeats the
    /// step that was under way.
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

    /// Stores the sums over all rows for the engine's next step.
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

/// Shares one copy of [`fused::accumulate`]: long passes do not notice the call, and the kernels
/// are a large part of the wasm.
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
