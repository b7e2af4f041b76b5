//! Makes the run file of a run.

use super::{
    Columns, FORMAT, MAX_HISTORY_POINTS, OriginalUnits, RunFile, Saving, TrainingState, VERSION, Which, facts,
};
use crate::backend::kernel::slot;
use crate::model::{self, Linear};
use crate::trainer::{Checkpoint, Trainer};

impl RunFile {
    /// The run file of this run, with the weights that `saving` selects.
    pub fn of(trainer: &Trainer, saving: &Saving) -> Self {
        let (task, config) = (trainer.task(), trainer.plan().config());
        let checkpoint = match saving.which {
            Which::Current => trainer.checkpoint(),
            Which::Best => trainer.best_checkpoint(),
        };
        let steps = checkpoint.state.steps[0];
        let parameters = checkpoint.state.parameters(0);
        let (metrics, mean_loss) = facts::metrics(trainer, parameters);
        let (loss, loss_rows) = if parameters == trainer.parameters() {
            (trainer.measured().loss, trainer.measured().rows)
        } else {
            (mean_loss + facts::penalty(trainer, parameters), task.problem.in_memory().n_samples)
        };
        let wide: Vec<f64> = parameters.iter().map(|w| f64::from(*w)).collect();
        // A file holds linear models only.
        let linear = task.layout.as_linear();
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            downhill: env!("CARGO_PKG_VERSION").to_owned(),
            saved: saving.saved.clone(),
            columns: Columns {
                inputs: task.dataset.inputs.clone(),
                target: task.dataset.target.clone(),
                target_levels: task.dataset.target_levels.clone(),
            },
            layers: linear.map_or_else(Vec::new, |linear| model::layers(parameters, linear, &config.loss)),
            feature_map: task.map.clone(),
            original_units: original_units(&task.original(&wide).unwrap_or_default(), linear),
            loss,
            loss_rows,
            steps,
            epochs: checkpoint.place.epoch,
            config: config.clone(),
            backend: Some(trainer.in_use().to_string()),
            check_predictions: check_predictions(trainer, &wide),
            training_state: training_state(&checkpoint),
            metrics: Some(metrics),
            data: Some(facts::data(trainer)),
            history: Some(trainer.history().curve(MAX_HISTORY_POINTS, steps)),
        }
    }
}

/// The coefficients in the units of x and y, output by output, with the constants apart.
fn original_units(parameters: &[f64], linear: Option<Linear>) -> OriginalUnits {
    let (mut weights, mut biases) = (Vec::new(), Vec::new());
    let outputs = linear.into_iter().flat_map(|linear| {
        linear.each_output(parameters).map(move |output| output.split_at(linear.n_features as usize))
    });
    for (own, bias) in outputs {
        weights.extend_from_slice(own);
        biases.extend_from_slice(bias);
    }
    let (bias, biases) = match biases[..] {
        [] => (None, None),
        [bias] => (Some(bias), None),
        _ => (None, Some(biases)),
    };
    OriginalUnits { weights, bias, biases }
}

fn training_state(checkpoint: &Checkpoint) -> TrainingState {
    let reaction = checkpoint.state.reactions[0];
    let slot_of = |slot: usize| checkpoint.state.slot(0, slot).to_vec();
    TrainingState {
        place: checkpoint.place,
        optimizer_start: checkpoint.optimizer_start,
        schedule_start: checkpoint.schedule_start,
        first_loss: checkpoint.first_loss,
        first_moments: slot_of(slot::FIRST_MOMENT),
        second_moments: slot_of(slot::SECOND_MOMENT),
        previous: slot_of(slot::PREVIOUS),
        epoch_start: slot_of(slot::EPOCH_START),
        anchor: slot_of(slot::ANCHOR),
        rate_scale: reaction.rate_scale,
        best_loss: reaction.best_loss,
        anchor_loss: reaction.anchor_loss,
        epoch_loss: reaction.epoch_loss,
        epoch_loss_tail: reaction.epoch_loss_tail,
        epoch_rows: reaction.epoch_rows,
        n_tail: reaction.n_tail,
        n_bad: reaction.n_bad,
        cooldown_left: reaction.cooldown_left,
        last_epoch_loss: reaction.last_epoch_loss,
    }
}

/// Sample rows and their predictions (see [`RunFile::check_predictions`]): every input at its least, its
/// middle and its greatest value, categories at their first levels.
fn check_predictions(trainer: &Trainer, parameters: &[f64]) -> Vec<Vec<f64>> {
    let ranges = &trainer.task().dataset.summary().x_ranges;
    [0.0, 0.5, 1.0]
        .map(|place| {
            let input = |([low, high], n_levels): (&[f64; 2], u32)| match (place, n_levels) {
                // Not `low + place * (high - low)`, which misses the ends by a rounding.
                (_, 1..) => place * 2.0 % f64::from(n_levels),
                (0.0, _) => *low,
                (0.5, _) => (low + high) / 2.0,
                _ => *high,
            };
            let levels = trainer.task().map.inputs.iter().map(|input| input.n_levels);
            let mut row: Vec<f64> = ranges.iter().zip(levels).map(input).collect();
            row.push(trainer.predict_row_by(parameters, &row));
            row
        })
        .to_vec()
}
