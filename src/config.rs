//! What a run is made of: [`RunConfig`], which the form, the URL and the weights file all hold, checked once into a
//! [`RunPlan`] that nothing behind it doubts.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::dataset::Scaling;
use crate::loss::{Loss, Penalty};
use crate::message::{Code, Message, Result, count, short};
use crate::optimizer::Optimizer;
use crate::schedule::{Schedule, Warmup};
use crate::tagged::{Fields, Tagged};

mod choices;
mod query;

pub use choices::{
    choose_loss, choose_method, choose_optimizer, choose_schedule, choose_source, neighbouring_rate,
    position_from_rate, position_from_speed, rate_from_position, schedule_curve, speed_from_position,
};
pub use query::{ReadJson, from_query, json, to_query};

/// The most rows that a dataset may have.
pub const MAX_SAMPLES: u32 = 10_000_000;
/// The highest power of x among the features.
pub const MAX_DEGREE: u32 = 12;
/// The most features that a model may have.
pub const MAX_FEATURES: usize = 1_000;
/// The most parts of a cross-validation.
pub const MAX_FOLDS: u32 = 20;
/// The most strengths of a coefficient path.
pub const MAX_STRENGTHS: u32 = 100;
/// The most points added or removed by hand.
pub const MAX_EDITS: usize = 2_000;

/// A whole run: data, model, method, rate. Two equal configurations give the same curve.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RunConfig {
    /// The rows.
    pub data: DataConfig,
    /// What is fitted to them.
    pub model: ModelConfig,
    /// What is minimized.
    pub loss: Loss,
    /// What is added to it for large weights.
    pub penalty: Penalty,
    /// Strengths of a coefficient path, each of which is trained by a run beside the shown one; 0 for none.
    pub penalty_path: u32,
    /// How many rows an update sees.
    pub method: Method,
    /// Rows an update sees, of [`Method::MiniBatch`].
    pub batch_size: u32,
    /// Whether each epoch visits the rows in a fresh order.
    pub shuffle: bool,
    /// The update rule.
    pub optimizer: Optimizer,
    /// The rate that the schedule starts from.
    pub learning_rate: f64,
    /// How the rate changes.
    pub schedule: Schedule,
    /// A rise in front of the schedule.
    pub warmup: Warmup,
    /// Decides initial weights and the order of rows.
    pub seed: u32,
    /// Rows that are not trained on.
    pub validation: ValidationConfig,
    /// When the run ends by itself.
    pub stop: Stop,
    /// Where the kernels run.
    pub backend: BackendChoice,
    /// Updates a second; `None` is as fast as it goes.
    pub steps_per_second: Option<f64>,
}

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

/// Where the rows come from, and what was changed by hand since.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct DataConfig {
    /// The rows to begin with.
    pub source: Source,
    /// Points put in by hand, `[x, y]`, after the source's rows.
    pub added: Vec<[f64; 2]>,
    /// Rows of the source taken out by hand, in rising order.
    pub removed: Vec<u32>,
    /// Which columns of a table are used.
    pub columns: ColumnsConfig,
}

impl<'de> Deserialize<'de> for DataConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let mut from = Fields::read(deserializer)?;
        let usual = Self::default();
        let read = Self {
            source: from.may("source")?.unwrap_or(usual.source),
            added: from.may("added")?.unwrap_or(usual.added),
            removed: from.may("removed")?.unwrap_or(usual.removed),
            columns: from.may("columns")?.unwrap_or(usual.columns),
        };
        from.finish(read)
    }
}

/// Which columns of a table are learned from, and how they are read. Nothing chosen leaves it to the table: the last
/// column that can be one is the target, those before it are features.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ColumnsConfig {
    /// The target's name; empty for the table's own choice.
    pub target: String,
    /// Names of the inputs; none for the table's own choice.
    pub features: Vec<String>,
    /// Columns that are read otherwise than they look: name, and `number`, `category` or `date`.
    pub kinds: Vec<[String; 2]>,
    /// What becomes of rows in which something is missing: `drop`, `mean` or `median`.
    pub missing: Missing,
    /// Whether rows with cells that cannot be read are left out; else such a cell is refused.
    pub skip_bad_cells: bool,
    /// Column of sample weights; empty for none.
    pub weight: String,
    /// Column whose rows of one value stay together in a split; empty for none.
    pub group: String,
    /// Column that rows are in the order of, for a split by time; empty for the order of the table.
    pub order: String,
}

impl<'de> Deserialize<'de> for ColumnsConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let mut from = Fields::read(deserializer)?;
        let read = Self {
            target: from.may("target")?.unwrap_or_default(),
            features: from.may("features")?.unwrap_or_default(),
            kinds: from.may("kinds")?.unwrap_or_default(),
            missing: from.may("missing")?.unwrap_or_default(),
            skip_bad_cells: from.may("skip_bad_cells")?.unwrap_or_default(),
            weight: from.may("weight")?.unwrap_or_default(),
            group: from.may("group")?.unwrap_or_default(),
            order: from.may("order")?.unwrap_or_default(),
        };
        from.finish(read)
    }
}

/// What becomes of rows in which an input is missing. Without a target a row is always left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// They are left out.
    #[default]
    Drop,
    /// The column's mean takes its place (a category's most frequent level).
    Mean,
    /// The column's median takes its place (a category's most frequent level).
    Median,
}

/// Rows to begin with.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Source {
    /// `y = slope x + intercept + noise e`, `e` standard normal, x evenly from `start` to `stop`, both included.
    Linspace {
        /// First x.
        start: f64,
        /// Last x.
        stop: f64,
        /// Rows.
        n_samples: u32,
        /// y per x.
        slope: f64,
        /// y at x = 0.
        intercept: f64,
        /// Standard deviation of the noise.
        noise: f64,
        /// Seed of the noise.
        seed: u32,
    },
    /// A table that ships with the page.
    Shipped {
        /// Which.
        table: ShippedTable,
    },
    /// A table of the user's, which never leaves the browser: only what tells it again is kept here.
    Table {
        /// Its file's name.
        name: String,
        /// A hash of its rows.
        fingerprint: String,
    },
}

impl<'de> Deserialize<'de> for Source {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let mut from = Tagged::read(deserializer)?;
        let source = match from.kind().as_str() {
            "linspace" => Some(Self::Linspace {
                start: from.or("start", -1.0),
                stop: from.or("stop", 1.0),
                n_samples: from.or("n_samples", 100),
                slope: from.or("slope", 2.0),
                intercept: from.or("intercept", 1.0),
                noise: from.or("noise", 0.1),
                seed: from.or("seed", 1),
            }),
            "shipped" => {
                let id: String = from.need("table")?;
                Some(Self::Shipped { table: ShippedTable::named(&id).map_err(D::Error::custom)? })
            }
            "table" => Some(Self::Table { name: from.need("name")?, fingerprint: from.need("fingerprint")? }),
            _ => None,
        };
        from.finish(source)
    }
}

impl Default for Source {
    fn default() -> Self {
        Self::Linspace {
            start: -1.0,
            stop: 1.0,
            n_samples: 100,
            slope: 2.0,
            intercept: 1.0,
            noise: 0.1,
            seed: 1,
        }
    }
}

/// Tables in `www/data`, whose sources and licences stand beside them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShippedTable {
    /// Eruptions of the Old Faithful geyser.
    OldFaithful,
    /// Heights of parents and their grown children.
    GaltonHeights,
    /// Weight and consumption of 32 cars.
    Mtcars,
    /// Temperature and distress of O-rings in 23 flights of the space shuttle: yes or no.
    Challenger,
    /// Disasters in British coal mines, year by year: counts.
    CoalDisasters,
    /// Ten measurements of 442 patients, and how their diabetes went on.
    Diabetes,
    /// What 5,801 homes are and what they are worth: numbers and a category.
    WestRoxbury,
    /// The economy of 16 years, whose columns rise together.
    Longley,
    /// Flowers of three species.
    Iris,
    /// Ten measurements of 569 tumours: malignant or not.
    BreastCancer,
}

impl ShippedTable {
    /// Every one.
    pub const ALL: [Self; 10] = [
        Self::OldFaithful,
        Self::GaltonHeights,
        Self::Mtcars,
        Self::Challenger,
        Self::CoalDisasters,
        Self::Diabetes,
        Self::WestRoxbury,
        Self::Longley,
        Self::Iris,
        Self::BreastCancer,
    ];

    /// The one of this name.
    ///
    /// # Errors
    /// What is wrong with a name that is none's.
    pub fn named(id: &str) -> std::result::Result<Self, String> {
        let found = Self::ALL.into_iter().find(|table| table.id() == id);
        found.ok_or_else(|| format!("there is no table \"{id}\""))
    }

    /// The name in configurations, and of the file, whose words are joined by hyphens.
    pub fn id(self) -> &'static str {
        match self {
            Self::OldFaithful => "old_faithful",
            Self::GaltonHeights => "galton_heights",
            Self::Mtcars => "mtcars",
            Self::Challenger => "challenger",
            Self::CoalDisasters => "coal_disasters",
            Self::Diabetes => "diabetes",
            Self::WestRoxbury => "west_roxbury",
            Self::Longley => "longley",
            Self::Iris => "iris",
            Self::BreastCancer => "breast_cancer",
        }
    }
}

impl Serialize for ShippedTable {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id())
    }
}

/// The model `y = w1 f1(x) + ... + wd fd(x) (+ b)`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelConfig {
    /// Highest power of x.
    pub degree: u32,
    /// Whether there is a `b`.
    pub bias: bool,
    /// Highest powers of inputs that have one of their own, by the input's name.
    pub degrees: Vec<(String, u32)>,
    /// Pairs of inputs, by name, whose products are features too.
    pub interactions: Vec<[String; 2]>,
    /// How numbers are scaled inside the model; `None`: standardized for tables, not at all for the generator.
    pub standardize: Option<Scaling>,
    /// How weights start.
    pub initial_weights: InitialWeights,
}

impl<'de> Deserialize<'de> for ModelConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let mut from = Fields::read(deserializer)?;
        let usual = Self::default();
        let read = Self {
            degree: from.may("degree")?.unwrap_or(usual.degree),
            bias: from.may("bias")?.unwrap_or(usual.bias),
            degrees: from.may("degrees")?.unwrap_or(usual.degrees),
            interactions: from.may("interactions")?.unwrap_or(usual.interactions),
            standardize: from.may("standardize")?.or(usual.standardize),
            initial_weights: from.may("initial_weights")?.unwrap_or(usual.initial_weights),
        };
        from.finish(read)
    }
}

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

/// How weights start; the bias starts at 0 (Keras' and PyTorch's Glorot layers do the same).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InitialWeights {
    /// All 0.
    Zero,
    /// Uniform on [-0.05, 0.05) (Keras' `RandomUniform`).
    Uniform,
    /// Normal with standard deviation 0.05 (Keras' `RandomNormal`).
    Normal,
    /// Uniform on +-sqrt(6 / (fan in + fan out)) (Glorot and Bengio 2010).
    GlorotUniform,
}

/// How many rows an update sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// All of them.
    Batch,
    /// `batch_size` of them.
    MiniBatch,
    /// One.
    Stochastic,
    /// One, at a rate that decays: chosen together with [`Schedule::TimeDecay`].
    DecayingRate,
}

impl Method {
    /// The name in configurations.
    pub fn id(self) -> &'static str {
        match self {
            Self::Batch => "batch",
            Self::MiniBatch => "mini_batch",
            Self::Stochastic => "stochastic",
            Self::DecayingRate => "decaying_rate",
        }
    }
}

/// Rows that are held out of training, to see how the model does on what it has not seen.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ValidationConfig {
    /// Share of all rows; 0 holds out none.
    pub fraction: f64,
    /// Share of all rows that are kept for the very end: neither trained on nor looked at.
    pub test_fraction: f64,
    /// Parts of a cross-validation, each of which is held out by one of as many runs beside the shown one; 0 for none.
    pub folds: u32,
    /// Which ones.
    pub split: Split,
    /// Decides a random split.
    pub seed: u32,
}

impl<'de> Deserialize<'de> for ValidationConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let mut from = Fields::read(deserializer)?;
        let usual = Self::default();
        let read = Self {
            fraction: from.may("fraction")?.unwrap_or(usual.fraction),
            test_fraction: from.may("test_fraction")?.unwrap_or(usual.test_fraction),
            folds: from.may("folds")?.unwrap_or(usual.folds),
            split: from.may("split")?.unwrap_or(usual.split),
            seed: from.may("seed")?.unwrap_or(usual.seed),
        };
        from.finish(read)
    }
}

impl Default for ValidationConfig {
    fn default() -> Self {
        Self { fraction: 0.0, test_fraction: 0.0, folds: 0, split: Split::Random, seed: 1 }
    }
}

/// Which rows are held out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    /// Any, by the seed.
    Random,
    /// The last ones: the future, where rows are in the order of time, or of the column that says so.
    Last,
    /// Any, by the seed, as many of each class as there are of it in all.
    Stratified,
    /// Whole groups, by the seed.
    Group,
}

/// When a run ends by itself.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stop {
    /// At this step.
    pub steps: Option<u64>,
    /// After this many epochs.
    pub epochs: Option<u64>,
    /// At a loss this low.
    pub loss: Option<f64>,
    /// At a gradient norm this low.
    pub gradient_norm: Option<f64>,
    /// When the validation loss has not fallen for this many epochs; the weights with the least come back.
    pub patience: Option<u64>,
    /// When updates no longer change the weights, or the loss has long stopped falling.
    pub converged: bool,
}

impl<'de> Deserialize<'de> for Stop {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let mut from = Fields::read(deserializer)?;
        let usual = Self::default();
        let read = Self {
            steps: from.may("steps")?.or(usual.steps),
            epochs: from.may("epochs")?.or(usual.epochs),
            loss: from.may("loss")?.or(usual.loss),
            gradient_norm: from.may("gradient_norm")?.or(usual.gradient_norm),
            patience: from.may("patience")?.or(usual.patience),
            converged: from.may("converged")?.unwrap_or(usual.converged),
        };
        from.finish(read)
    }
}

impl Default for Stop {
    fn default() -> Self {
        Self { steps: None, epochs: None, loss: None, gradient_norm: None, patience: None, converged: true }
    }
}

/// Where the kernels run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BackendChoice {
    /// On whichever is measured to be fastest.
    Auto,
    /// On the GPU, or on the CPU with the reason where there is none.
    Gpu,
    /// On the CPU, every batch by a pass over its rows.
    Cpu,
    /// On the CPU, full batches by sufficient statistics.
    Statistics,
}

impl BackendChoice {
    /// The name in configurations.
    pub fn id(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Gpu => "gpu",
            Self::Cpu => "cpu",
            Self::Statistics => "statistics",
        }
    }
}

/// Fields, by path, whose change begins a new run; every other one takes effect in mid-run.
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

/// A configuration that has been checked: nothing behind this point doubts it.
#[derive(Clone, Debug, PartialEq)]
pub struct RunPlan {
    config: RunConfig,
}

impl RunPlan {
    /// What was checked.
    pub fn config(&self) -> &RunConfig {
        &self.config
    }

    /// Rows an update sees of `n_samples`.
    pub fn batch_rows(&self, n_samples: u32) -> u32 {
        match self.config.method {
            Method::Batch => n_samples,
            Method::MiniBatch => self.config.batch_size.min(n_samples),
            Method::Stochastic | Method::DecayingRate => 1,
        }
    }

    /// The rate of the update from `step` to `step + 1`, before what the run itself scales it by.
    pub fn learning_rate(&self, step: u64) -> f64 {
        self.config.warmup.learning_rate(&self.config.schedule, self.config.learning_rate, step)
    }

    /// How numbers are scaled inside the model.
    pub fn scaling(&self) -> Scaling {
        Self::scaling_of(&self.config)
    }

    /// How numbers are scaled inside the model of a configuration.
    pub fn scaling_of(config: &RunConfig) -> Scaling {
        let generated = matches!(config.data.source, Source::Linspace { .. });
        let usual = if generated { Scaling::None } else { Scaling::Standardize };
        config.model.standardize.unwrap_or(usual)
    }
}

impl RunConfig {
    /// Checks every field against its range; the first that is out of it is named by its path.
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
        check_optimizer(&self.optimizer)?;
        check_schedule(&self.schedule)?;
        within("warmup.steps", self.warmup.steps as f64, 0.0, 1e12)?;
        within("warmup.start_factor", self.warmup.start_factor, 0.0, 1.0)?;
        let stop = &self.stop;
        self.check_objective()?;
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
        let least = if self.loss == Loss::Poisson { -1e30 } else { 0.0 };
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

    fn check_objective(&self) -> Result<()> {
        match self.loss {
            Loss::Huber { delta } => within("loss.delta", delta, 1e-6, 1e6)?,
            Loss::Quantile { tau } => within("loss.tau", tau, 0.001, 0.999)?,
            _ => {}
        }
        within("penalty.strength", self.penalty.strength, 0.0, 1e6)?;
        within("penalty.l1_ratio", self.penalty.l1_ratio, 0.0, 1.0)?;
        within("penalty_path", f64::from(self.penalty_path), 0.0, f64::from(MAX_STRENGTHS))
    }
}

impl DataConfig {
    fn check(&self) -> Result<()> {
        if let Source::Linspace { start, stop, n_samples, slope, intercept, noise, .. } = self.source {
            within("data.source.start", start, -1e6, 1e6)?;
            within("data.source.stop", stop, -1e6, 1e6)?;
            if start == stop {
                return Err(Message::new(Code::RangeEmpty).with("start", start).with("stop", stop));
            }
            within("data.source.n_samples", f64::from(n_samples), 2.0, f64::from(MAX_SAMPLES))?;
            within("data.source.slope", slope, -1e6, 1e6)?;
            within("data.source.intercept", intercept, -1e6, 1e6)?;
            within("data.source.noise", noise, 0.0, 1e6)?;
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

fn check_optimizer(optimizer: &Optimizer) -> Result<()> {
    match *optimizer {
        Optimizer::Sgd => Ok(()),
        Optimizer::Momentum { momentum } | Optimizer::Nesterov { momentum } => {
            within("optimizer.momentum", momentum, 0.0, 0.9999)
        }
        Optimizer::AdaGrad { epsilon } => within("optimizer.epsilon", epsilon, 1e-15, 1.0),
        Optimizer::RmsProp { alpha, epsilon } => {
            within("optimizer.alpha", alpha, 0.0, 0.999_999)?;
            within("optimizer.epsilon", epsilon, 1e-15, 1.0)
        }
        Optimizer::Adam { beta1, beta2, epsilon } | Optimizer::AdamW { beta1, beta2, epsilon, .. } => {
            within("optimizer.beta1", beta1, 0.0, 0.9999)?;
            within("optimizer.beta2", beta2, 0.0, 0.999_999)?;
            if let Optimizer::AdamW { weight_decay, .. } = *optimizer {
                within("optimizer.weight_decay", weight_decay, 0.0, 10.0)?;
            }
            within("optimizer.epsilon", epsilon, 1e-15, 1.0)
        }
    }
}

fn check_schedule(schedule: &Schedule) -> Result<()> {
    let steps = |field: &str, value: u64| within(field, value as f64, 1.0, 1e12);
    match *schedule {
        Schedule::Constant => Ok(()),
        Schedule::TimeDecay { decay_rate, decay_steps } => {
            within("schedule.decay_rate", decay_rate, 0.0, 1e6)?;
            within("schedule.decay_steps", decay_steps, 1.0, 1e12)
        }
        Schedule::Step { step_size, gamma } => {
            steps("schedule.step_size", step_size)?;
            within("schedule.gamma", gamma, 1e-6, 1.0)
        }
        Schedule::Exponential { gamma } => within("schedule.gamma", gamma, 0.5, 1.0),
        Schedule::Polynomial { total_steps, power } => {
            steps("schedule.total_steps", total_steps)?;
            within("schedule.power", power, 0.0, 20.0)
        }
        Schedule::Cosine { period, period_factor, minimum_rate, .. } => {
            steps("schedule.period", period)?;
            within("schedule.period_factor", period_factor as f64, 1.0, 10.0)?;
            within("schedule.minimum_rate", minimum_rate, 0.0, 10.0)
        }
        Schedule::ReduceOnPlateau { factor, patience, threshold, cooldown, minimum_rate } => {
            within("schedule.factor", factor, 1e-6, 0.999)?;
            within("schedule.patience", f64::from(patience), 0.0, 1e6)?;
            within("schedule.threshold", threshold, 0.0, 1.0)?;
            within("schedule.cooldown", f64::from(cooldown), 0.0, 1e6)?;
            within("schedule.minimum_rate", minimum_rate, 0.0, 10.0)
        }
        Schedule::BoldDriver { increase, decrease } => {
            within("schedule.increase", increase, 1.0, 2.0)?;
            within("schedule.decrease", decrease, 1e-3, 0.999)
        }
    }
}

fn positive(field: &str, value: f64) -> Result<()> {
    if value > 0.0 {
        return Ok(());
    }
    Err(Message::new(Code::FieldNotPositive).with("field", field).with("value", short(value)))
}

fn within(field: &str, value: f64, min: f64, max: f64) -> Result<()> {
    // A NaN compares false with everything, so it is refused here too.
    if (min..=max).contains(&value) {
        return Ok(());
    }
    Err(Message::new(Code::FieldOutOfRange)
        .with("field", field)
        .with("value", bound(value))
        .with("min", bound(min))
        .with("max", bound(max)))
}

/// A number as a person would write it into the box: millions in full.
fn bound(value: f64) -> String {
    if value.fract() == 0.0 && (1e6..1e9).contains(&value) { count(value as u64) } else { short(value) }
}
