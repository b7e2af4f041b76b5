//! The configuration of a run: [`RunConfig`], which the page's form, links and run files contain, and
//! [`RunPlan`], which is a configuration after all checks.

use serde::Serialize;

use crate::choices::source::MAX_SAMPLES;
use crate::choices::table::within;
use crate::choices::{
    BackendChoice, Choice as _, InitialWeights, Loss, Method, Missing, Optimizer, Penalty, Scaling, Schedule,
    Source, Split, Targets, Warmup,
};
use crate::fields::read_fields;
use crate::message::{Code, Message, Result, short};

mod choices;
mod query;

pub use choices::{
    choose_loss, choose_method, choose_optimizer, choose_schedule, choose_source, loss_for_target,
    neighbouring_rate, position_from_rate, position_from_speed, rate_from_position, schedule_curve,
    speed_from_position,
};
pub use query::{ReadJson, from_query, json, to_query};

/// The maximum power of an input among the features.
pub const MAX_DEGREE: u32 = 12;
/// The maximum number of features of a model.
pub const MAX_FEATURES: usize = 1_000;
/// The maximum number of folds of a cross-validation.
pub const MAX_FOLDS: u32 = 20;
/// The maximum number of penalty strengths of a coefficient path.
pub const MAX_STRENGTHS: u32 = 100;
/// The maximum number of points added or removed by hand.
pub const MAX_EDITS: usize = 2_000;

/// The complete configuration of a run. Two runs with the same configuration have the same loss curve.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct RunConfig {
    /// The data to train on.
    pub data: DataConfig,
    /// The model: its features and initial weights.
    pub model: ModelConfig,
    /// The loss, whose mean over the training rows is minimized.
    pub loss: Loss,
    /// The penalty that is added to the mean loss.
    pub penalty: Penalty,
    /// Number of penalty strengths of a coefficient path, each trained by a parallel run; 0 for no path.
    pub penalty_path: u32,
    /// How many rows each update uses.
    pub method: Method,
    /// Number of rows of each update, for [`Method::MiniBatch`].
    pub batch_size: u32,
    /// Whether each epoch shuffles the rows.
    pub shuffle: bool,
    /// The optimizer, which determines the rule of each update.
    pub optimizer: Optimizer,
    /// The base learning rate, to which the schedule applies.
    pub learning_rate: f64,
    /// How the learning rate changes during the run.
    pub schedule: Schedule,
    /// A gradual increase of the learning rate before the schedule.
    pub warmup: Warmup,
    /// Seed of the initial weights and of the row order.
    pub seed: u32,
    /// Which rows are used for validation and test.
    pub validation: ValidationConfig,
    /// When the run stops by itself.
    pub stop: Stop,
    /// The engine on which the kernels run.
    pub backend: BackendChoice,
    /// Updates per second; `None` means as fast as possible.
    pub steps_per_second: Option<f64>,
}

read_fields!(default RunConfig {
    data, model, loss, penalty, penalty_path, method, batch_size, shuffle, optimizer, learning_rate, schedule, warmup,
    seed, validation, stop, backend, steps_per_second,
});

impl Default for RunConfig {
    fn default() -> Self {
        Self {
            data: DataConfig::default(),
            model: ModelConfig::default(),
            loss: Loss::default(),
            penalty: Penalty::default(),
            penalty_path: 0,
            method: Method::Batch,
            batch_size: 32,
            shuffle: true,
            optimizer: Optimizer::Sgd,
            learning_rate: 0.03,
            schedule: Schedule::Constant,
            warmup: Warmup::default(),
            seed: 1,
            validation: ValidationConfig::default(),
            stop: Stop::default(),
            backend: BackendChoice::Auto,
            steps_per_second: Some(60.0),
        }
    }
}

/// The source of the rows, and the edits made by hand.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct DataConfig {
    /// The source of the rows.
    pub source: Source,
    /// Points added by hand, `[x, y]`, after the source's rows.
    pub added: Vec<[f64; 2]>,
    /// Indices of the source's rows that were removed by hand, in ascending order.
    pub removed: Vec<u32>,
    /// Which columns of a table are used, and how.
    pub columns: ColumnsConfig,
}

read_fields!(default DataConfig { source, added, removed, columns });

/// Which columns of a table are used, and how they are read. By default the last column that can be a target is the
/// target, and those before it are the features.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "Columns"))]
pub struct ColumnsConfig {
    /// Name of the target column; empty for the default.
    pub target: String,
    /// Names of the input columns; empty for the default.
    pub features: Vec<String>,
    /// Columns whose detected kind is overridden: `[name, kind]`, where the kind is `number`, `category` or
    /// `date`.
    pub kinds: Vec<[String; 2]>,
    /// How missing values are handled: `drop`, `mean` or `median`.
    pub missing: Missing,
    /// Whether rows with unreadable cells are left out; otherwise such a cell is an error.
    pub skip_bad_cells: bool,
    /// Name of the column of sample weights; empty for none.
    pub weight: String,
    /// Name of the column of groups, whose rows a split keeps together; empty for none.
    pub group: String,
    /// Name of the column that orders the rows, for a split by time; empty for the order of the table.
    pub order: String,
}

read_fields!(default ColumnsConfig { target, features, kinds, missing, skip_bad_cells, weight, group, order });

/// The model `y = w1 f1(x) + ... + wd fd(x) (+ b)`, where `f1` to `fd` are the features.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct ModelConfig {
    /// Highest power of each numeric input.
    pub degree: u32,
    /// Whether the model has a bias `b`.
    pub bias: bool,
    /// Highest power of individual inputs, as `[name, power]`, where it differs from `degree`.
    pub degrees: Vec<(String, u32)>,
    /// Pairs of input names whose products are additional features.
    pub interactions: Vec<[String; 2]>,
    /// How inputs are scaled inside the model; `None` standardizes tables and leaves generated data unscaled.
    pub standardize: Option<Scaling>,
    /// How the weights are initialized.
    pub initial_weights: InitialWeights,
}

read_fields!(default ModelConfig { degree, bias, degrees, interactions, standardize, initial_weights });

impl Default for ModelConfig {
    fn default() -> Self {
        Self {
            degree: 1,
            bias: true,
            degrees: Vec::new(),
            interactions: Vec::new(),
            standardize: None,
            initial_weights: InitialWeights::Zero,
        }
    }
}

/// Rows that are held out of training, to measure the model on data that it has not seen.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct ValidationConfig {
    /// Fraction of all rows that are validation rows; 0 for none.
    pub fraction: f64,
    /// Fraction of all rows that are test rows, used for the final measurement only.
    pub test_fraction: f64,
    /// Number of folds of a cross-validation, each held out by a parallel run; 0 for none.
    pub folds: u32,
    /// How validation and test rows are selected.
    pub split: Split,
    /// Seed of a random split.
    pub seed: u32,
}

read_fields!(default ValidationConfig { fraction, test_fraction, folds, split, seed });

impl Default for ValidationConfig {
    fn default() -> Self {
        Self { fraction: 0.0, test_fraction: 0.0, folds: 0, split: Split::Random, seed: 1 }
    }
}

/// The conditions under which a run stops by itself.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Stop {
    /// Stop at this step.
    pub steps: Option<u64>,
    /// Stop after this many epochs.
    pub epochs: Option<u64>,
    /// Stop when the loss falls to this value.
    pub loss: Option<f64>,
    /// Stop when the gradient norm falls to this value.
    pub gradient_norm: Option<f64>,
    /// Stop when the validation loss has not fallen for this many epochs; the weights with the lowest are
    /// restored.
    pub patience: Option<u64>,
    /// Stop when updates no longer change the weights, or when the loss has not fallen for a long time.
    pub converged: bool,
}

read_fields!(default Stop { steps, epochs, loss, gradient_norm, patience, converged });

impl Default for Stop {
    fn default() -> Self {
        Self { steps: None, epochs: None, loss: None, gradient_norm: None, patience: None, converged: true }
    }
}

/// Paths of the fields whose change starts a new run. All others take effect during a run.
pub const RESTARTING_FIELDS: &[&str] = &[
    "data",
    "model.degree",
    "model.degrees",
    "model.interactions",
    "model.bias",
    "model.standardize",
    "model.initial_weights",
    "loss",
    "penalty_path",
    "validation",
    "seed",
];

/// A configuration whose fields have all been checked, so that code can rely on it.
#[derive(Clone, Debug, PartialEq)]
pub struct RunPlan {
    config: RunConfig,
}

impl RunPlan {
    /// The configuration that was checked.
    pub fn config(&self) -> &RunConfig {
        &self.config
    }

    /// Number of rows that each update uses, out of `n_samples` training rows.
    pub fn batch_rows(&self, n_samples: u32) -> u32 {
        match self.config.method {
            Method::Batch => n_samples,
            Method::MiniBatch => self.config.batch_size.min(n_samples),
            Method::Stochastic | Method::DecayingRate => 1,
        }
    }

    /// Returns the same plan with batches of `batch_rows` out of `n_samples` rows.
    pub(crate) fn with_batch_rows(&self, batch_rows: u32, n_samples: u32) -> Self {
        let mut config = self.config.clone();
        if self.batch_rows(n_samples) != batch_rows {
            config.method = if batch_rows == n_samples { Method::Batch } else { Method::MiniBatch };
            config.batch_size = batch_rows;
        }
        Self { config }
    }

    /// The scheduled learning rate of the update from `step` to `step + 1`, before any scaling by the run
    /// itself.
    pub fn learning_rate(&self, step: u64) -> f64 {
        self.config.warmup.learning_rate(&self.config.schedule, self.config.learning_rate, step)
    }

    /// How features are scaled inside the model.
    pub fn scaling(&self) -> Scaling {
        Self::scaling_of(&self.config)
    }

    /// How features are scaled inside the model of a configuration.
    pub fn scaling_of(config: &RunConfig) -> Scaling {
        let generated = matches!(config.data.source, Source::Linspace { .. });
        let usual = if generated { Scaling::None } else { Scaling::Standardize };
        config.model.standardize.unwrap_or(usual)
    }
}

impl RunConfig {
    /// Checks every field against its range. The error names the path of the first field that is out of its
    /// range.
    ///
    /// # Errors
    /// [`Code::FieldOutOfRange`], [`Code::FieldNotPositive`], [`Code::RangeEmpty`], [`Code::TooManyEdits`].
    pub fn check(&self) -> Result<RunPlan> {
        self.data.check()?;
        let degrees = self.model.degrees.iter().map(|(_, degree)| ("model.degrees", *degree));
        for (field, degree) in degrees.chain([("model.degree", self.model.degree)]) {
            within(field, f64::from(degree), 1.0, f64::from(MAX_DEGREE))?;
        }
        if let Some([column, _]) = self.model.interactions.iter().find(|[a, b]| a == b) {
            return Err(Message::new(Code::InteractionOfOne).with("column", column));
        }
        within("batch_size", f64::from(self.batch_size), 1.0, f64::from(MAX_SAMPLES))?;
        positive("learning_rate", self.learning_rate)?;
        within("learning_rate", self.learning_rate, 1e-12, 1e6)?;
        self.optimizer.check_ranges()?;
        self.schedule.check_ranges()?;
        self.warmup.check()?;
        let stop = &self.stop;
        self.loss.check_ranges()?;
        self.penalty.check()?;
        within("penalty_path", f64::from(self.penalty_path), 0.0, f64::from(MAX_STRENGTHS))?;
        within("validation.fraction", self.validation.fraction, 0.0, 0.9)?;
        within("validation.test_fraction", self.validation.test_fraction, 0.0, 0.9)?;
        within("validation.folds", f64::from(self.validation.folds), 0.0, f64::from(MAX_FOLDS))?;
        if stop.patience.is_some() && self.validation.fraction == 0.0 {
            return Err(Message::new(Code::PatienceAlone).with("field", "stop.patience"));
        }
        let counts =
            [("stop.steps", stop.steps), ("stop.epochs", stop.epochs), ("stop.patience", stop.patience)];
        for (field, value) in counts {
            if let Some(value) = value {
                within(field, value as f64, 1.0, 9e15)?;
            }
        }
        // Only counts have a loss that may be negative.
        let least = if self.loss.needs().targets == Targets::Counts { -1e30 } else { 0.0 };
        let ends = [("stop.loss", stop.loss, least), ("stop.gradient_norm", stop.gradient_norm, 0.0)];
        for (field, value, least) in ends {
            if let Some(value) = value {
                within(field, value, least, 1e30)?;
            }
        }
        if let Some(speed) = self.steps_per_second {
            within("steps_per_second", speed, 0.1, 1e9)?;
        }
        Ok(RunPlan { config: self.clone() })
    }
}

impl DataConfig {
    fn check(&self) -> Result<()> {
        self.source.check_ranges()?;
        if let Source::Linspace { start, stop, .. } = self.source
            && start == stop
        {
            return Err(Message::new(Code::RangeEmpty).with("start", start).with("stop", stop));
        }
        if self.added.len().max(self.removed.len()) > MAX_EDITS {
            return Err(Message::new(Code::TooManyEdits).with("limit", MAX_EDITS));
        }
        for value in self.added.iter().flatten() {
            within("data.added", *value, -1e15, 1e15)?;
        }
        Ok(())
    }
}

fn positive(field: &str, value: f64) -> Result<()> {
    if value > 0.0 {
        return Ok(());
    }
    Err(Message::new(Code::FieldNotPositive).with("field", field).with("value", short(value)))
}
