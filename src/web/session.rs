//! The worker's session: it owns data, engine and trainer, answers requests, and trains for a short time at
//! every tick.

use std::rc::Rc;

use js_sys::Function;
use wasm_bindgen::prelude::*;

use super::engines::Engines;
use crate::dataset::Problem;
use crate::message::{Code, Message, Result};
use crate::protocol::Shown;
use crate::trainer::{Status, Trainer};

mod describe;
mod outside;
mod pace;
mod predict;
mod requests;
mod snapshot;
mod start;

use describe::Sample;
use pace::Pace;

/// The only session of a worker. `handle` and `tick` must not overlap: await one before calling the other.
#[wasm_bindgen]
pub struct Session {
    page: Page,
    engines: Engines,
    run: Option<Run>,
    /// Number of runs started so far.
    n_runs: u32,
    /// The rows of the previous run. Since wasm never returns memory, they are kept until the next rows need
    /// their space: a small allocation within it would leave a hole that is slightly too small.
    reserved: Option<Rc<Problem>>,
    training: bool,
    pace: Pace,
    /// The optional parts of a snapshot that the page displays.
    shown: Shown,
    /// Whether anything changed since the last snapshot.
    changed: bool,
    /// Whether the run is paused and the loss over all its rows is being read from storage.
    measures_stored: bool,
}

/// The JavaScript functions by which a session reaches the page.
struct Page {
    post: Function,
    open_rows: Function,
    breathe: Function,
}

/// The current run, with the description of its data for the page.
struct Run {
    /// The number of the run, from 1.
    id: u32,
    trainer: Trainer,
    notices: Vec<Message>,
    sample: Sample,
}

#[wasm_bindgen]
impl Session {
    /// Creates a session without a run. `post` receives events and the buffers to transfer with them.
    /// `open_rows` returns the rows of a table, the user's or a shipped one, with the chosen columns, or
    /// nothing if the table is missing. `breathe` receives the progress of long work, lets the worker receive
    /// messages, and returns whether to go on; this is how a request can be cancelled before it ends. `spawn`
    /// starts the helper worker, which runs a [`super::pair::Partner`].
    #[wasm_bindgen(constructor)]
    pub fn new(
        #[wasm_bindgen(unchecked_param_type = "(event: Event, transfer: Transferable[]) => void")]
        post: Function,
        #[wasm_bindgen(
            unchecked_param_type = "(source: Source, columns: Columns) => Promise<TableRows | undefined>"
        )]
        open_rows: Function,
        #[wasm_bindgen(unchecked_param_type = "(progress: Progress) => Promise<boolean>")] breathe: Function,
        #[wasm_bindgen(unchecked_param_type = "() => Worker")] spawn: Function,
    ) -> Self {
        Self {
            page: Page { post, open_rows, breathe },
            engines: Engines::default().with_second(spawn),
            run: None,
            n_runs: 0,
            reserved: None,
            training: false,
            pace: Pace::new(),
            shown: Shown::default(),
            changed: false,
            measures_stored: false,
        }
    }

    /// Answers a request. If it fails, throws an `Error` with `code` and `params`, and the session is
    /// unchanged for the user.
    #[wasm_bindgen(unchecked_return_type = "Answer")]
    pub async fn handle(
        &mut self,
        #[wasm_bindgen(unchecked_param_type = "Request")] request: JsValue,
    ) -> Result<JsValue> {
        let request = requests::decode(request)?;
        requests::encode(&self.answer(request).await?)
    }

    /// Trains for about 12 ms if there is anything to do, and posts a snapshot if one is due. Returns the
    /// number of milliseconds until the next tick; -1 if none is needed before the next request.
    pub async fn tick(&mut self) -> Result<f64> {
        let Some(Run { trainer, .. }) = &mut self.run else { return Ok(-1.0) };
        if !self.training {
            if self.measures_stored && self.pace.measure_stored(trainer).await? {
                self.measures_stored = false;
                self.changed = true;
            }
            if self.changed {
                self.show()?;
            }
            return Ok(self.wait_ms(None));
        }
        let speed = trainer.plan().config().steps_per_second;
        let wait_ms = self.pace.advance(trainer, speed).await?;
        let ended = *trainer.status() != Status::Ready;
        if ended || self.changed || self.pace.snapshot_due(trainer.in_use().gpu) {
            self.measures_stored = ended && trainer.reads_ahead();
            self.pace.measure(trainer, ended).await?;
            // The measurement itself may end the run, and then every row is measured.
            let ended_now = !ended && *trainer.status() != Status::Ready;
            if ended_now {
                self.pace.measure(trainer, true).await?;
            }
            self.training = !(ended || ended_now);
            self.show()?;
        }
        Ok(self.wait_ms(Some(wait_ms)))
    }
}

impl Session {
    /// Milliseconds until the next tick: `training` if the run is being trained.
    fn wait_ms(&self, training: Option<f64>) -> f64 {
        match training {
            Some(wait_ms) if self.training => wait_ms,
            _ if self.measures_stored => 0.0,
            _ => -1.0,
        }
    }

    fn run(&self) -> Result<&Run> {
        self.run.as_ref().ok_or_else(no_run)
    }

    fn trainer_mut(&mut self) -> Result<&mut Trainer> {
        self.run.as_mut().map(|run| &mut run.trainer).ok_or_else(no_run)
    }

    /// Starts or continues training.
    fn train(&mut self) -> Result<()> {
        self.trainer_mut()?.resume();
        self.training = true;
        self.changed = true;
        self.pace.start();
        Ok(())
    }

    /// Pauses and measures the current weights.
    async fn pause(&mut self) -> Result<()> {
        self.training = false;
        self.changed = true;
        if let Some(Run { trainer, .. }) = &mut self.run {
            self.measures_stored = trainer.reads_ahead();
            self.pace.measure(trainer, true).await?;
        }
        Ok(())
    }

    /// Takes some steps at once, then pauses; `n_steps` computes their number.
    async fn step(&mut self, n_steps: impl Fn(&Trainer) -> u64) -> Result<()> {
        self.training = false;
        self.changed = true;
        let trainer = self.trainer_mut()?;
        if *trainer.status() != Status::Ready {
            trainer.resume();
        }
        let n = n_steps(trainer);
        trainer.advance_unmeasured(n).await?;
        self.pause().await
    }

    /// Returns to the initial weights and pauses.
    async fn reset(&mut self) -> Result<()> {
        self.training = false;
        self.trainer_mut()?.reset().await?;
        self.pace.forget();
        self.changed = true;
        Ok(())
    }
}

fn no_run() -> Message {
    Message::new(Code::Internal).with("detail", "there is no run yet")
}
