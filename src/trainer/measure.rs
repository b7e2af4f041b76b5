//! Measures the current weights (loss, gradient norm, validation loss) and decides whether the run ends.

use super::{Exact, Status, Trainer, parallel};
use crate::backend::kernel::{self, EVALUATE, SHUFFLED, StepParams, VALIDATE, slot};
use crate::choices::Loss;
use crate::message::{Code, Message, Result, short};
use crate::monitor::{self, Observation};
use crate::runs::Role;

/// The epoch number whose row order selects the sample of rows that the loss is measured on.
const SAMPLE_EPOCH: u32 = u32::MAX;

/// Loss and gradient norm of the current weights.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// The mean training loss, penalty included.
    pub loss: f64,
    /// Euclidean norm of the loss's gradient with respect to the parameters of the scaled features.
    pub gradient_norm: f64,
    /// The number of training rows that both were measured on.
    pub rows: u32,
}

/// The coefficient path: the same model trained with a series of penalty strengths.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "PathSnapshot"))]
pub struct Path {
    /// The penalty strengths, in descending order.
    #[cfg_attr(test, ts(type = "Float32Array"))]
    pub strengths: Vec<f32>,
    /// Coefficients for the scaled features, indexed `[strength][feature][output]`.
    #[cfg_attr(test, ts(type = "Float32Array"))]
    pub coefficients: Vec<f32>,
    /// Mean training loss for each strength, without the penalty.
    #[cfg_attr(test, ts(type = "Float32Array"))]
    pub loss: Vec<f32>,
    /// Mean validation loss for each strength, without the penalty; empty without validation rows.
    #[cfg_attr(test, ts(type = "Float32Array"))]
    pub validation: Vec<f32>,
}

/// The latest measurements of a run.
#[derive(Debug)]
pub(super) struct Measurements {
    pub(super) measured: Measured,
    /// The part of `measured.loss` that is the penalty.
    pub(super) penalty: f64,
    /// The validation loss of the weights that `measured` describes, penalty included.
    pub(super) validation_loss: f64,
    /// The training loss at step 0; a loss far above it counts as divergence.
    pub(super) first_loss: f64,
    /// Cross-validation: for each fold, the loss of its rows under the model that was trained without them.
    fold_losses: Vec<f32>,
    /// For each strength of the coefficient path, `[training loss, validation loss]` without the penalty.
    path_losses: Vec<[f32; 2]>,
    /// The largest gradient norm among the parallel runs.
    other_gradient_norm: f64,
    /// Number of rows that the next measurement uses: a sample if all rows would take too long.
    n_rows: u32,
}

impl Measurements {
    /// Measurements of a run that has not been measured yet; the first one will use `n_rows` rows.
    pub(super) fn new(n_rows: u32) -> Self {
        Self {
            measured: Measured { loss: f64::NAN, gradient_norm: f64::NAN, rows: n_rows },
            penalty: 0.0,
            validation_loss: f64::NAN,
            first_loss: f64::NAN,
            fold_losses: Vec::new(),
            path_losses: Vec::new(),
            other_gradient_norm: 0.0,
            n_rows,
        }
    }
}

/// The parameters of a call that measures a fixed sample of `rows` of the `n_samples` rows.
pub(super) fn evaluation(rows: u32, n_samples: u32) -> StepParams {
    StepParams {
        epoch: SAMPLE_EPOCH,
        batch_len: rows,
        flags: EVALUATE | if rows < n_samples { SHUFFLED } else { 0 },
        n_tiles: kernel::tiles(rows),
        ..StepParams::default()
    }
}

impl Trainer {
    /// The latest measurement of loss and gradient norm.
    pub fn measured(&self) -> Measured {
        self.measurements.measured
    }

    /// For each fold of a cross-validation, the mean loss of its rows in the run that leaves it out, as last measured.
    pub fn fold_losses(&self) -> &[f32] {
        &self.measurements.fold_losses
    }

    /// The coefficient path as last measured; `None` if the plan has none.
    pub fn path(&self) -> Option<Path> {
        let runs = || parallel::with_role(&self.runs, Role::PathStrength);
        runs().next()?;
        let weights = |run: usize| self.weights_of(run).map(|w| w as f32);
        let losses = &self.measurements.path_losses;
        Some(Path {
            strengths: runs().map(|(_, run)| run.penalty.strength as f32).collect(),
            coefficients: runs().flat_map(|(run, _)| weights(run)).collect(),
            loss: losses.iter().map(|[loss, _]| *loss).collect(),
            validation: match self.validation {
                Some(_) => losses.iter().map(|[_, validation]| *validation).collect(),
                None => Vec::new(),
            },
        })
    }

    /// The penalty of the current weights.
    pub fn penalty(&self) -> f64 {
        let penalty = self.plan.config().penalty;
        if penalty.strength == 0.0 { 0.0 } else { penalty.of(self.weights_of(0)) }
    }

    /// The weights of run number `run` for the scaled features, without the biases.
    fn weights_of(&self, run: usize) -> impl Iterator<Item = f64> + '_ {
        self.task.layout.weights(self.state.parameters(run)).map(|w| f64::from(*w))
    }

    /// R², the fraction of the target's variance that the current weights explain; `None` if the target is
    /// constant, the loss is not the squared one, or rows are weighted.
    pub fn r2(&self) -> Option<f64> {
        let variance = self.task.dataset.target_variance();
        let squared = self.plan.config().loss == Loss::Squared && self.task.problem.weights.is_empty();
        let loss = self.measured().loss - self.measurements.penalty;
        (squared && variance > 0.0).then(|| 1.0 - loss / variance)
    }

    /// Relative distance of the weights `w` to the optimum `w*`: `||w - w*|| / ||w*||` in the units of x and
    /// y. `None` unless `w*` is unique and not 0.
    pub fn distance(&self) -> Option<f64> {
        let solution = &self.task.exact.as_ref().filter(|exact| exact.solution.unique)?.solution;
        let (exact, own) = (&solution.original, self.original_parameters()?);
        let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
        let length = norm(&mut exact.iter().copied());
        let apart = norm(&mut own.iter().zip(exact).map(|(w, e)| w - e));
        if length > 0.0 { Some(apart / length) } else { None }
    }

    /// The learning rate above which plain batch descent diverges: `2 / curvature`. It is exact for the
    /// squared loss; for other losses with bounded curvature, the bound is used. For the Poisson loss, whose
    /// curvature is unbounded, it is the rate above which descent does not approach the optimum. `NaN` if the
    /// loss has kinks or the optimum is unknown.
    pub fn stable_rate(&self) -> f64 {
        2.0 / self.curvatures()[0]
    }

    /// The curvature of the objective: `[over all rows, over the steepest row alone]`.
    pub(super) fn curvatures(&self) -> [f64; 2] {
        let Some(Exact { solution, steepest_row, curvature, .. }) = &self.task.exact else {
            return [f64::NAN; 2];
        };
        let config = self.plan.config();
        let l2 = config.penalty.strength * (1.0 - config.penalty.l1_ratio);
        let of_loss = match config.loss.needs().curvature {
            // The largest eigenvalue is that of the squared loss, whose second derivative is 2.
            Some(curvature) => curvature / 2.0 * solution.largest_eigenvalue,
            None => curvature.map_or(f64::NAN, |curvature| curvature - l2),
        };
        [of_loss + l2, of_loss / solution.largest_eigenvalue * steepest_row + l2]
    }

    /// Sets the number of training rows that the loss is measured on from now on. If it is less than all
    /// rows, a fixed sample is used, which is limited to the rows in memory.
    pub fn set_evaluation_rows(&mut self, rows: u32) {
        let problem = &self.task.problem;
        let rows = if rows < problem.n_samples { rows.min(problem.in_memory().n_samples) } else { rows };
        self.measurements.n_rows = rows.clamp(1, problem.n_samples);
    }

    /// Number of training rows that the loss is measured on.
    pub fn evaluation_rows(&self) -> u32 {
        self.measurements.n_rows
    }

    /// Whether the latest measurement used every training row.
    pub(super) fn measured_all(&self) -> bool {
        self.measured().rows == self.task.problem.n_samples
    }

    /// Measures loss and gradient of the current weights. If every row was measured, the result may end the
    /// run.
    ///
    /// # Errors
    /// As [`Trainer::advance`].
    pub async fn measure(&mut self) -> Result<()> {
        self.evaluate().await;
        if self.judge() {
            // The measured weights were undone: measure those that are shown instead.
            self.evaluate().await;
        }
        Ok(())
    }

    async fn evaluate(&mut self) {
        let rows = self.measurements.n_rows;
        let call = evaluation(rows, self.task.problem.n_samples);
        self.call(&[call]).await;
        let reaction = self.state.reactions[0];
        self.measurements.measured = Measured {
            loss: f64::from(reaction.evaluated_loss),
            gradient_norm: f64::from(reaction.evaluated_gradient_norm),
            rows,
        };
        self.measurements.penalty = self.penalty();
        self.note_best_training();
        let step = self.step();
        self.log.history.record_loss(step, reaction.evaluated_loss);
        self.measure_validation();
        if self.state.n_runs() > 1 {
            self.evaluate_other_runs(call).await;
        }
    }

    /// Measures the losses of the parallel runs on the rows that `call` selects.
    async fn evaluate_other_runs(&mut self, call: StepParams) {
        let live = self.state.reactions[1..].iter().filter(|reaction| reaction.halt == 0);
        self.measurements.other_gradient_norm =
            live.map(|reaction| f64::from(reaction.evaluated_gradient_norm)).fold(0.0, f64::max);
        let losses: Vec<f32> = parallel::with_role(&self.runs, Role::PathStrength)
            .map(|(run, spec)| {
                let added = spec.penalty.of(self.weights_of(run));
                (f64::from(self.state.reactions[run].evaluated_loss) - added) as f32
            })
            .collect();
        let validation = self.path_validation_losses();
        self.measurements.path_losses =
            losses.into_iter().zip(validation).map(|(loss, validation)| [loss, validation]).collect();
        let folds: Vec<usize> = parallel::with_role(&self.runs, Role::Fold).map(|(run, _)| run).collect();
        if !folds.is_empty() {
            self.call(&[StepParams { flags: call.flags | VALIDATE, ..call }]).await;
            let loss = |run: usize| self.state.reactions[run].evaluated_loss;
            self.measurements.fold_losses = folds.into_iter().map(loss).collect();
        }
    }

    /// Ends the run if the latest measurement meets a stop condition or shows divergence. Returns whether it
    /// undid the last update.
    fn judge(&mut self) -> bool {
        if self.status != Status::Ready {
            return false;
        }
        let Measured { loss, gradient_norm, .. } = self.measured();
        let step = self.step();
        let limit =
            monitor::divergence_limit(self.measurements.first_loss, self.task.dataset.target_variance());
        if step > 0 && (!loss.is_finite() || loss > f64::from(limit)) {
            self.undo_update();
            self.status = self.diverged(Message::new(Code::DivergedLoss).with("step", step));
            return true;
        }
        // A sample has an optimum of its own, so only a measurement of every row ends the run.
        if !self.measured_all() {
            return false;
        }
        let seen = Observation {
            step,
            epoch: self.planner.place.epoch,
            loss,
            gradient_norm: gradient_norm.max(self.measurements.other_gradient_norm),
            learning_rate: self.learning_rate(),
            full_batch: self.full_batch(),
        };
        let reached = |target: Option<f64>, value: f64| target.filter(|target| step > 0 && value <= *target);
        let stop = &self.plan.config().stop;
        let reason = if let Some(target) = reached(stop.loss, seen.loss) {
            Some(Message::new(Code::ReachedLoss).with("target", short(target)))
        } else if let Some(target) = reached(stop.gradient_norm, seen.gradient_norm) {
            Some(Message::new(Code::ReachedGradientNorm).with("target", short(target)))
        } else if stop.converged {
            self.monitor.observe(&seen)
        } else {
            None
        };
        if let Some(reason) = reason {
            self.status = Status::Finished(reason);
        }
        false
    }

    /// Undoes the last update.
    fn undo_update(&mut self) {
        let previous = self.state.slot(0, slot::PREVIOUS).to_vec();
        self.state.slot_mut(0, slot::WEIGHT).copy_from_slice(&previous);
        self.state.steps[0] -= 1;
        self.step_back();
    }
}
