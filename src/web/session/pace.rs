//! Decides how much training a tick does, and when the page receives a snapshot.

use crate::message::Result;
use crate::trainer::{Status, Trainer};
use crate::web::now_ms;

/// Milliseconds that a tick works on the CPU: requests wait no longer than this.
const CPU_TICK_MS: f64 = 12.0;
/// Milliseconds that a tick works on the GPU. Every call reads back there, so there are at most 15 ticks per
/// second.
const GPU_TICK_MS: f64 = 67.0;
/// Minimum time between two snapshots on the CPU, in milliseconds.
const CPU_SNAPSHOT_MS: f64 = 16.0;
/// Maximum time between two snapshots, in milliseconds.
const MAX_SNAPSHOT_MS: f64 = 100.0;
/// Fraction of the time that may be spent on measuring the displayed loss; if all rows would take more, a
/// sample is measured.
const MEASURING_SHARE: f64 = 0.05;
/// Fraction of the time that may be spent on occasionally measuring all rows while a sample is displayed.
const WHOLE_SHARE: f64 = 0.02;
/// The minimum number of rows in the sample on which the loss is measured.
const MIN_SAMPLE_ROWS: f64 = 10_000.0;
/// Intervals shorter than this, in milliseconds, are not used to measure speed: clocks in browsers are
/// coarse.
const LEGIBLE_MS: f64 = 2.0;
/// The fixed cost of a call, as a number of rows. The next constants are the fixed cost of a step, and the
/// rows per second of a slow machine.
const CALL_ROWS: f64 = 256.0;
const STEP_ROWS: f64 = 64.0;
const ROWS_PER_SECOND: f64 = 2e8;
/// Milliseconds over which steps per second are measured.
const SPEED_WINDOW_MS: f64 = 500.0;

/// The pace of a run: how many steps are due, how fast they are, and when the page is updated.
#[derive(Debug)]
pub(super) struct Pace {
    /// The time from which due steps are counted, in milliseconds.
    since_ms: f64,
    /// Steps made since `since_ms`.
    done: f64,
    /// Steps per millisecond of work, measured recently.
    per_ms: f64,
    /// Milliseconds for measuring all rows, measured recently.
    measure_ms: Option<f64>,
    last_snapshot_ms: f64,
    /// The time at which all rows were last measured, in milliseconds.
    last_whole_ms: f64,
    /// Time (ms) and step at which the current window for steps per second began.
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

    /// Counts due steps from the current time on.
    pub(super) fn start(&mut self) {
        self.since_ms = now_ms();
        self.done = 0.0;
        self.window = (self.since_ms, u64::MAX);
        self.steps_per_second = 0.0;
    }

    /// Forgets the measured speed, since the engine has changed.
    pub(super) fn forget(&mut self) {
        let last_snapshot_ms = self.last_snapshot_ms;
        *self = Self { last_snapshot_ms, ..Self::new() };
    }

    /// Makes the steps that are due, as many as fit into a tick. `speed` is in updates per second, `None` for
    /// as fast as possible. Returns the milliseconds until the next step is due.
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
            // Late steps are dropped. Otherwise a slow engine could not be slowed down.
            if speed * (now - self.since_ms) / 1000.0 - self.done > speed * 0.1 {
                self.since_ms = now;
                self.done = 0.0;
            }
        }
        Ok(self.wait_ms(speed, now))
    }

    /// For the time of one tick, reads rows from storage for a pass over all of them; with `validation`, also
    /// the validation rows. Returns whether all have been read.
    fn read_ahead(&self, trainer: &mut Trainer, validation: bool) -> bool {
        let start = now_ms();
        while trainer.read_ahead(validation) < 1.0 {
            if now_ms() - start >= CPU_TICK_MS {
                return false;
            }
        }
        true
    }

    /// For the time of one tick, measures the weights on all rows in storage. Returns whether that is
    /// complete.
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

    /// Whether a snapshot is due, on the GPU or on the CPU.
    pub(super) fn snapshot_due(&self, gpu: bool) -> bool {
        let least = if gpu { GPU_TICK_MS } else { CPU_SNAPSHOT_MS };
        let wanted = self.measure_ms.map_or(least, |cost| cost / MEASURING_SHARE);
        now_ms() - self.last_snapshot_ms >= wanted.clamp(least, MAX_SNAPSHOT_MS.max(least)) - 1.0
    }

    /// Measures the weights: on all rows if `all` is true or if that is cheap, else on a sample. If rows are
    /// in storage, "all" means the sample in memory; [`Pace::measure_stored`] measures the others.
    pub(super) async fn measure(&mut self, trainer: &mut Trainer, all: bool) -> Result<()> {
        let n_samples = trainer.task().problem.in_memory().n_samples;
        let budget_ms = MEASURING_SHARE * MAX_SNAPSHOT_MS;
        let rows = match self.measure_ms {
            Some(cost) if cost > budget_ms && !all => (f64::from(n_samples) * budget_ms / cost)
                .max(MIN_SAMPLE_ROWS)
                .min(f64::from(n_samples)) as u32,
            _ => n_samples,
        };
        // A sample cannot end the run, so every row is measured now and then.
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
        // The sample is kept as long as its size is within a factor of two.
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

    /// Updates per second over the last half second, at step `step`.
    pub(super) fn steps_per_second(&self, step: u64) -> f64 {
        if self.steps_per_second > 0.0 || self.window.1 == u64::MAX {
            return self.steps_per_second;
        }
        // Until the first window is full, its beginning counts.
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

/// Number of steps between two points of the loss curve within a tick, so that a fast run has a curve rather
/// than two points. It is chosen so that measuring takes only its fraction of the time. If every step uses
/// all rows, the batch losses already form the curve, and measuring only serves to detect the run's end.
/// Infinite on a GPU, where measuring would have to wait for the device.
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
