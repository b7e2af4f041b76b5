//! How much training a tick does, and when the page is shown it.

use crate::message::Result;
use crate::trainer::{Status, Trainer};
use crate::web::now_ms;

/// How long a tick works on the CPU: requests wait no longer than this.
const CPU_TICK_MS: f64 = 12.0;
/// How long on the GPU, where every call reads back: at most 15 a second.
const GPU_TICK_MS: f64 = 67.0;
/// Shortest time between two snapshots.
const CPU_SNAPSHOT_MS: f64 = 16.0;
/// Longest time between two snapshots.
const MAX_SNAPSHOT_MS: f64 = 100.0;
/// Share of the time that measuring the shown loss may take; beyond, a sample is measured.
const MEASURING_SHARE: f64 = 0.05;
/// And that of the time that every row may be measured in, where a sample is shown.
const WHOLE_SHARE: f64 = 0.02;
/// Rows of a sample at least.
const MIN_SAMPLE_ROWS: f64 = 10_000.0;
/// Clocks in browsers are coarse: shorter stretches tell nothing of a speed.
const LEGIBLE_MS: f64 = 2.0;
/// What a call and a step cost beside their rows, in rows; and rows a second on a slow machine.
const CALL_ROWS: f64 = 256.0;
const STEP_ROWS: f64 = 64.0;
const ROWS_PER_SECOND: f64 = 2e8;
/// Stretch over which steps a second are counted.
const SPEED_WINDOW_MS: f64 = 500.0;

/// The pace of a run.
#[derive(Debug)]
pub(super) struct Pace {
    /// When the steps that are owed began to be counted.
    since_ms: f64,
    /// Steps made since.
    done: f64,
    /// Steps a millisecond of work, lately.
    per_ms: f64,
    /// Milliseconds that measuring every row takes, lately.
    measure_ms: Option<f64>,
    last_snapshot_ms: f64,
    /// When every row was last measured.
    last_whole_ms: f64,
    /// Where the window for steps a second begins: time and step.
    window: (f64, u64),
    steps_per_second: f64,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self {
            since_ms: now_ms(),
            done: 0.0,
            per_ms: 0.1,
            measure_ms: None,
            last_snapshot_ms: 0.0,
            last_whole_ms: 0.0,
            window: (now_ms(), 0),
            steps_per_second: 0.0,
        }
    }

    /// Counts what is owed from now on.
    pub(super) fn start(&mut self) {
        self.since_ms = now_ms();
        self.done = 0.0;
        self.window = (self.since_ms, u64::MAX);
        self.steps_per_second = 0.0;
    }

    /// The engine changed: what was learnt of its speed means nothing.
    pub(super) fn forget(&mut self) {
        let last_snapshot_ms = self.last_snapshot_ms;
        *self = Self { last_snapshot_ms, ..Self::new() };
    }

    /// Makes the steps that are owed, as far as a tick goes. Returns the milliseconds until the next is.
    pub(super) async fn advance(&mut self, trainer: &mut Trainer, speed: Option<f64>) -> Result<f64> {
        let start = now_ms();
        let budget_ms = if trainer.in_use().gpu { GPU_TICK_MS } else { CPU_TICK_MS };
        let owed = match speed {
            None => f64::INFINITY,
            Some(speed) => (speed * (start - self.since_ms) / 1000.0 - self.done).floor(),
        };
        if owed < 1.0 {
            return Ok(self.wait_ms(speed, start));
        }
        if trainer.full_batch() && trainer.reads_ahead() {
            // A step takes many ticks.
            if self.read_ahead(trainer, false) {
                trainer.advance_unmeasured(1).await?;
                self.done += 1.0;
            }
            return Ok(self.wait_ms(speed, now_ms()));
        }
        let probe_steps = probe_steps(trainer, speed);
        let first = trainer.step();
        let (mut made, mut unprobed) = (0.0, 0.0);
        loop {
            let elapsed_ms = now_ms() - start;
            let taken = trainer.step().saturating_sub(first) as f64;
            let per_ms = if elapsed_ms >= LEGIBLE_MS { taken / elapsed_ms } else { self.per_ms };
            let n = ((budget_ms - elapsed_ms) * per_ms).min(owed - made).min(probe_steps - unprobed);
            let n = n.max(1.0).floor();
            trainer.advance_unmeasured(n as u64).await?;
            made += n;
            unprobed += n;
            if unprobed >= probe_steps && *trainer.status() == Status::Ready {
                trainer.measure().await?;
                unprobed = 0.0;
            }
            let over = now_ms() - start >= 0.8 * budget_ms;
            if over || made >= owed || *trainer.status() != Status::Ready {
                break;
            }
        }
        let elapsed_ms = now_ms() - start;
        if elapsed_ms >= LEGIBLE_MS {
            let taken = trainer.step().saturating_sub(first) as f64;
            self.per_ms += 0.5 * (taken / elapsed_ms - self.per_ms);
            self.per_ms = self.per_ms.clamp(1e-4, 1e6);
        }
        self.done += made;
        let now = now_ms();
        if let Some(speed) = speed {
            // What could not be made in time is let go, or a slow engine would never be able to be slowed down.
            if speed * (now - self.since_ms) / 1000.0 - self.done > speed * 0.1 {
                self.since_ms = now;
                self.done = 0.0;
            }
        }
        Ok(self.wait_ms(speed, now))
    }

    /// Reads rows from storage for a pass over all of them, for as long as a tick works; `held_out` for those held out as
    /// well. Whether all are read.
    fn read_ahead(&self, trainer: &mut Trainer, held_out: bool) -> bool {
        let start = now_ms();
        while trainer.read_ahead(held_out) < 1.0 {
            if now_ms() - start >= CPU_TICK_MS {
                return false;
            }
        }
        true
    }

    /// Measures the weights over every row where these are in storage, as far as a tick goes. Whether that is done.
    pub(super) async fn measure_stored(&self, trainer: &mut Trainer) -> Result<bool> {
        if !self.read_ahead(trainer, true) {
            return Ok(false);
        }
        let sample = trainer.evaluation_rows();
        trainer.set_evaluation_rows(u32::MAX);
        trainer.measure().await?;
        trainer.set_evaluation_rows(sample);
        Ok(true)
    }

    /// Whether the page should be shown where the run is.
    pub(super) fn snapshot_due(&self, gpu: bool) -> bool {
        let least = if gpu { GPU_TICK_MS } else { CPU_SNAPSHOT_MS };
        let wanted = self.measure_ms.map_or(least, |cost| cost / MEASURING_SHARE);
        now_ms() - self.last_snapshot_ms >= wanted.clamp(least, MAX_SNAPSHOT_MS.max(least)) - 1.0
    }

    /// Measures the weights, over all rows if they are `wanted_all` or cost little, over a sample otherwise. Where rows are in
    /// storage all are those of the sample in memory, and [`Pace::measure_stored`] is for the others.
    pub(super) async fn measure(&mut self, trainer: &mut Trainer, wanted_all: bool) -> Result<()> {
        let n_samples = trainer.task().problem.in_memory().n_samples;
        let budget_ms = MEASURING_SHARE * MAX_SNAPSHOT_MS;
        let rows = match self.measure_ms {
            Some(cost) if cost > budget_ms && !wanted_all => {
                (f64::from(n_samples) * budget_ms / cost).max(MIN_SAMPLE_ROWS).min(f64::from(n_samples))
                    as u32
            }
            _ => n_samples,
        };
        // What a sample cannot tell, every row is asked for now and then.
        let whole_due =
            self.measure_ms.is_some_and(|cost| now_ms() - self.last_whole_ms > cost / WHOLE_SHARE);
        if rows == n_samples || whole_due {
            self.last_whole_ms = now_ms();
        }
        if rows < n_samples && whole_due {
            let sample = trainer.evaluation_rows();
            trainer.set_evaluation_rows(n_samples);
            trainer.measure().await?;
            if *trainer.status() != Status::Ready {
                self.last_snapshot_ms = now_ms();
                return Ok(());
            }
            trainer.set_evaluation_rows(sample);
        }
        // A sample stays the same one as long as its size fits within a factor of two.
        let current = trainer.evaluation_rows();
        let keep = rows < n_samples && current < n_samples && rows / 2 < current && current / 2 < rows;
        trainer.set_evaluation_rows(if keep { current } else { rows });
        let start = now_ms();
        trainer.measure().await?;
        let elapsed_ms = now_ms() - start;
        let measured = f64::from(trainer.measured().rows);
        let whole_ms = elapsed_ms * f64::from(n_samples) / measured;
        self.measure_ms = Some(self.measure_ms.map_or(whole_ms, |cost| cost + 0.2 * (whole_ms - cost)));
        let now = now_ms();
        self.last_snapshot_ms = now;
        let (window_start, window_step) = self.window;
        if window_step == u64::MAX {
            self.window = (now, trainer.step());
        } else if now - window_start >= SPEED_WINDOW_MS {
            let steps = trainer.step().saturating_sub(window_step) as f64;
            self.steps_per_second = 1000.0 * steps / (now - window_start);
            self.window = (now, trainer.step());
        }
        Ok(())
    }

    /// Updates a second, of late.
    pub(super) fn steps_per_second(&self, step: u64) -> f64 {
        if self.steps_per_second > 0.0 || self.window.1 == u64::MAX {
            return self.steps_per_second;
        }
        // Before the first window is full, what there is of it.
        let elapsed_ms = now_ms() - self.window.0;
        if elapsed_ms > 50.0 { 1000.0 * step.saturating_sub(self.window.1) as f64 / elapsed_ms } else { 0.0 }
    }

    fn wait_ms(&self, speed: Option<f64>, now: f64) -> f64 {
        match speed {
            None => 0.0,
            Some(speed) => (self.since_ms + 1000.0 * (self.done + 1.0) / speed - now).max(0.0),
        }
    }
}

/// Steps between two points of the loss curve within a tick, so that a fast run has a curve and not two ends: as many
/// as keep measuring within its share of the time. Where every step sees every row, the curve is whole already, and
/// only the run's end is looked for, now and then. A GPU would have to be waited for.
fn probe_steps(trainer: &Trainer, speed: Option<f64>) -> f64 {
    if trainer.in_use().gpu {
        return f64::INFINITY;
    }
    let measured_rows = CALL_ROWS + f64::from(trainer.measured().rows);
    let n_samples = trainer.task().problem.n_samples;
    let step_rows = STEP_ROWS + f64::from(trainer.plan().batch_rows(n_samples));
    let share = if trainer.full_batch() { MEASURING_SHARE / 16.0 } else { MEASURING_SHARE };
    let busy = measured_rows / step_rows / share;
    let idle = speed.map_or(f64::INFINITY, |speed| speed * measured_rows / ROWS_PER_SECOND / share);
    busy.min(idle).max(1.0).ceil()
}
