//! What may change in mid-run, and how the run shows it.

use serde::Serialize;

use super::{Beside, Status, Trainer};
use crate::backend::kernel::{Reaction, slot};
use crate::config::{RunConfig, RunPlan};
use crate::message::{Code, Message, short};

/// Steps within which turning the same knob again moves its mark instead of adding one.
const SAME_KNOB_STEPS: u64 = 30;

/// A change made in mid-run: where, and what.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Mark {
    /// Updates done before it.
    pub step: u64,
    /// What changed, with `from` and `to`.
    pub message: Message,
}

impl Trainer {
    /// Whether a run under `next` is another run than this one: other data, other model, other seed.
    pub fn restarts(&self, next: &RunConfig) -> bool {
        let now = self.plan.config();
        now.data != next.data
            || now.model != next.model
            || now.loss != next.loss
            || now.penalty_path != next.penalty_path
            || now.validation != next.validation
            || now.seed != next.seed
    }

    /// Takes over everything of `next` that may change in mid-run, marking it. Call only where
    /// [`Trainer::restarts`] says no.
    pub fn change(&mut self, next: RunPlan) {
        let before = self.plan.config().clone();
        let after = next.config().clone();
        let step = self.step();
        let mut changes = Vec::new();
        let mut note = |code: Code, from: String, to: String| {
            if from != to {
                changes.push(Message::new(code).with("from", from).with("to", to));
            }
        };
        note(Code::MarkLearningRate, short(before.learning_rate), short(after.learning_rate));
        note(Code::MarkMethod, before.method.id().to_owned(), after.method.id().to_owned());
        note(Code::MarkBatchSize, before.batch_size.to_string(), after.batch_size.to_string());
        note(Code::MarkShuffle, before.shuffle.to_string(), after.shuffle.to_string());
        note(Code::MarkPenalty, short(before.penalty.strength), short(after.penalty.strength));
        let (kind_before, kind_after) = (kind(&before.optimizer), kind(&after.optimizer));
        if kind_before == kind_after
            && let (Some(from), Some(to)) = (before.optimizer.momentum(), after.optimizer.momentum())
        {
            note(Code::MarkMomentum, short(from), short(to));
        }
        note(Code::MarkOptimizer, kind_before.clone(), kind_after.clone());
        let schedules = (kind(&before.schedule), kind(&after.schedule));
        note(Code::MarkSchedule, schedules.0.clone(), schedules.1.clone());

        self.plan = next;
        if before.penalty != after.penalty {
            self.aim_elsewhere(before.penalty.l1_ratio != after.penalty.l1_ratio);
        }
        if kind_before != kind_after {
            // Moments of one rule mean nothing to another.
            self.optimizer_start = step;
            for run in 0..self.state.n_runs() {
                self.state.slot_mut(run, slot::FIRST_MOMENT).fill(0.0);
                self.state.slot_mut(run, slot::SECOND_MOMENT).fill(0.0);
            }
        }
        if schedules.0 != schedules.1 || before.warmup != after.warmup {
            self.schedule_start = step;
            self.restart_reactions(false);
        }
        if before.learning_rate != after.learning_rate && before.schedule.reacts() {
            // What was set by hand is what the next update takes.
            self.restart_reactions(false);
        }
        if step > 0 {
            for message in changes {
                self.mark(message);
            }
        }
        if before.stop != after.stop && matches!(self.status, Status::Finished(_)) {
            self.resume();
        }
    }

    pub(super) fn mark(&mut self, message: Message) {
        let step = self.step();
        if let Some(last) = self.marks.last_mut()
            && last.message.code == message.code
            && step - last.step <= SAME_KNOB_STEPS
        {
            if let Some(to) = message.params.get("to") {
                last.message.params.insert("to".to_owned(), to.clone());
            }
            last.step = step;
            return;
        }
        self.marks.push(Mark { step, message });
    }

    /// Under another penalty every loss is another: what was seen of the run so far says nothing of how it goes on.
    fn aim_elsewhere(&mut self, other_ratio: bool) {
        if other_ratio {
            // The strength from which on all weights are 0 depends on it.
            self.beside = Beside::of(&self.plan, &self.task.problem);
        }
        self.state.settings = self.beside.settings(&self.plan, &self.task.problem);
        let config = self.plan.config();
        self.task.head_for(config.loss, config.penalty);
        self.monitor.forgive();
        // What diverges is told by where it began: under a strong penalty that is where it stands.
        let stands = self.measured.loss - self.measured_penalty + self.penalty();
        self.first_loss = self.first_loss.max(stands);
        self.least = None;
        if let Some(held) = &mut self.held {
            held.forget_best(self.place.epoch);
        }
        self.restart_reactions(true);
        if matches!(self.status, Status::Finished(_)) {
            self.resume();
        }
    }

    fn restart_reactions(&mut self, keeps_rate: bool) {
        for run in 0..self.state.n_runs() {
            let (kept, fresh) = (self.state.reactions[run], Reaction::default());
            // The epoch that is under way keeps what it has summed.
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
            for copy in [slot::EPOCH_START, slot::ANCHOR] {
                self.state.slot_mut(run, copy).copy_from_slice(&weights);
            }
        }
    }
}

/// The name of a choice, as configurations write it.
fn kind<T: Serialize>(choice: &T) -> String {
    let value = serde_json::to_value(choice).unwrap_or_default();
    value.get("kind").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
}
