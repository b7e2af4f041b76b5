//! Changes to the configuration during a run, and the marks that record them.

use super::{Status, Trainer, parallel};
use crate::backend::kernel::{Reaction, slot};
use crate::choices::Choice as _;
use crate::config::{RunConfig, RunPlan};
use crate::message::{Code, Message, short};
use crate::runs::{self, Role};

impl Trainer {
    /// Whether the configuration `next` needs a new run: it has other data, another model or another seed.
    pub fn restarts(&self, next: &RunConfig) -> bool {
        let now = self.plan.config();
        now.data != next.data
            || now.model != next.model
            || now.loss != next.loss
            || now.penalty_path != next.penalty_path
            || now.validation != next.validation
            || now.seed != next.seed
    }

    /// Adopts all settings of `next` that may change during a run, and records a mark for each change. Call
    /// it only if [`Trainer::restarts`] returns false.
    pub fn change(&mut self, next: RunPlan) {
        let before = self.plan.config().clone();
        self.plan = next;
        let after = self.plan.config().clone();
        self.state.keep(runs::slots(&self.plan));
        let step = self.step();
        let other_optimizer = before.optimizer.name() != after.optimizer.name();
        let other_schedule = before.schedule.name() != after.schedule.name();
        if before.penalty != after.penalty {
            self.change_penalty(before.penalty.l1_ratio != after.penalty.l1_ratio);
        }
        if other_optimizer {
            // The moments of one optimizer mean nothing to another.
            self.planner.optimizer_start = step;
            for run in 0..self.state.n_runs() {
                self.state.slot_mut(run, slot::FIRST_MOMENT).fill(0.0);
                self.state.slot_mut(run, slot::SECOND_MOMENT).fill(0.0);
            }
        }
        if other_schedule || before.warmup != after.warmup {
            self.planner.schedule_start = step;
            self.restart_reactions(false);
        }
        if before.learning_rate != after.learning_rate && before.schedule.reacts() {
            // The next update takes the rate that was set by hand.
            self.restart_reactions(false);
        }
        if step > 0 {
            for message in changes(&before, &after) {
                self.log.mark(step, message);
            }
        }
        if before.stop != after.stop && matches!(self.status, Status::Finished(_)) {
            self.resume();
        }
    }

    /// Adapts the run to the plan's new penalty. It changes every loss, so losses seen so far do not predict
    /// later ones.
    fn change_penalty(&mut self, other_ratio: bool) {
        if other_ratio {
            // The strength from which on all weights are 0 depends on it.
            self.runs = parallel::runs(&self.plan, &self.task);
        }
        self.runs[0].penalty = self.plan.config().penalty;
        let penalty = self.runs[0].penalty;
        self.runs.iter_mut().filter(|run| run.role == Role::Fold).for_each(|run| run.penalty = penalty);
        self.state.settings = runs::settings(&self.runs, &self.plan, &self.task.problem);
        let config = self.plan.config();
        self.task.head_for(config.loss, config.penalty);
        self.monitor.forgive();
        // Divergence is measured by the first loss: under a strong penalty, by the loss of the weights as they are.
        let loss = self.measured().loss - self.measurements.penalty + self.penalty();
        self.measurements.first_loss = self.measurements.first_loss.max(loss);
        self.best = None;
        if let Some(validation) = &mut self.validation {
            validation.restart_patience(self.planner.place.epoch);
        }
        self.restart_reactions(true);
        if matches!(self.status, Status::Finished(_)) {
            self.resume();
        }
    }

    fn restart_reactions(&mut self, keeps_rate: bool) {
        for run in 0..self.state.n_runs() {
            let (kept, fresh) = (self.state.reactions[run], Reaction::default());
            // The current epoch keeps its sums.
            self.state.reactions[run] = Reaction {
                epoch_loss: kept.epoch_loss,
                epoch_loss_tail: kept.epoch_loss_tail,
                epoch_rows: kept.epoch_rows,
                n_tail: kept.n_tail,
                halt: kept.halt,
                last_epoch_loss: kept.last_epoch_loss,
                evaluated_loss: kept.evaluated_loss,
                evaluated_gradient_norm: kept.evaluated_gradient_norm,
                rate_scale: if keeps_rate { kept.rate_scale } else { fresh.rate_scale },
                ..fresh
            };
            let weights = self.state.parameters(run).to_vec();
            for slot in [slot::EPOCH_START, slot::ANCHOR] {
                self.state
                    .slot_mut(run, slot)
                    .iter_mut()
                    .zip(&weights)
                    .for_each(|(copy, weight)| *copy = *weight);
            }
        }
    }
}

/// One message for each setting that differs between the two configurations.
fn changes(before: &RunConfig, after: &RunConfig) -> Vec<Message> {
    let momentum = |config: &RunConfig| config.optimizer.momentum().map(short);
    let both = |of: fn(&RunConfig) -> String| [of(before), of(after)];
    let optimizers = both(|config| config.optimizer.name().to_owned());
    let settings = [
        (Code::MarkLearningRate, both(|config| short(config.learning_rate))),
        (Code::MarkMethod, both(|config| config.method.name().to_owned())),
        (Code::MarkBatchSize, both(|config| config.batch_size.to_string())),
        (Code::MarkShuffle, both(|config| config.shuffle.to_string())),
        (Code::MarkPenalty, both(|config| short(config.penalty.strength))),
        (
            Code::MarkMomentum,
            match (momentum(before), momentum(after)) {
                (Some(from), Some(to)) if optimizers[0] == optimizers[1] => [from, to],
                _ => Default::default(),
            },
        ),
        (Code::MarkOptimizer, optimizers),
        (Code::MarkSchedule, both(|config| config.schedule.name().to_owned())),
    ];
    let changed = settings.into_iter().filter(|(_, [from, to])| from != to);
    changed.map(|(code, [from, to])| Message::new(code).with("from", from).with("to", to)).collect()
}
