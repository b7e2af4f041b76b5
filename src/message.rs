//! What a person is told: a stable code with parameters.
//!
//! The English wording of every code stands here, once; other languages word the same codes in the page's tables.
//! An error, a reason for a fallback and a mark on the loss curve are all messages.

use std::collections::BTreeMap;
use std::fmt;

use serde::ser::{Serialize, SerializeStruct as _, Serializer};

/// A result whose error can be shown to a person as it is.
pub type Result<T> = std::result::Result<T, Message>;

/// A code, its parameters, and the English wording made of both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Names the wording in a language table.
    pub code: Code,
    /// What the wording's `{name}` places are filled with.
    pub params: BTreeMap<String, String>,
}

impl Message {
    /// A message without parameters.
    pub fn new(code: Code) -> Self {
        Self { code, params: BTreeMap::new() }
    }

    /// The same message with one more parameter.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.params.insert(name.to_owned(), value.to_string());
        self
    }
}

impl From<Code> for Message {
    fn from(code: Code) -> Self {
        Self::new(code)
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.code.template();
        while let Some(open) = rest.find('{') {
            let Some(close) = rest[open..].find('}') else { break };
            f.write_str(&rest[..open])?;
            let name = &rest[open + 1..open + close];
            match self.params.get(name) {
                Some(value) => f.write_str(value)?,
                None => write!(f, "{{{name}}}")?,
            }
            rest = &rest[open + close + 1..];
        }
        f.write_str(rest)
    }
}

impl std::error::Error for Message {}

impl Serialize for Message {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Message", 3)?;
        fields.serialize_field("code", &self.code)?;
        fields.serialize_field("params", &self.params)?;
        fields.serialize_field("text", &self.to_string())?;
        fields.end()
    }
}

macro_rules! codes {
    ($($variant:ident = $code:literal: $template:literal,)*) => {
        /// Every message that Downhill can give, by a stable name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code {
            $(#[doc = $template] $variant,)*
        }

        impl Code {
            /// Every code, in the order of this table.
            pub const ALL: &'static [Code] = &[$(Code::$variant,)*];

            /// The name under which language tables word it.
            pub fn name(self) -> &'static str {
                match self { $(Code::$variant => $code,)* }
            }

            /// The English wording, with `{name}` where a parameter goes.
            pub fn template(self) -> &'static str {
                match self { $(Code::$variant => $template,)* }
            }
        }
    };
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

codes! {
    // Tables and generated data.
    CellNotANumber = "cell_not_a_number": "row {row}, column \"{column}\": \"{text}\" is not a number; correct the cell or remove the row",
    CellDecimalComma = "cell_decimal_comma": "row {row}, column \"{column}\": \"{text}\" is not a number; write a decimal point, or separate the columns by semicolons",
    CellNotFinite = "cell_not_finite": "row {row}, column \"{column}\": \"{text}\" is not a finite number; correct the cell or remove the row",
    CellTooLarge = "cell_too_large": "row {row}, column \"{column}\": \"{text}\" is beyond 1e15, the largest that 32-bit training can square and sum; use a larger unit",
    ColumnLengths = "column_lengths": "x has {x} values and y has {y}; give one y for every x",
    TableEmpty = "table_empty": "the table has no rows; give at least two rows of two numbers",
    TooFewRows = "too_few_rows": "there is only one row; a line needs at least two",
    TooManyRows = "too_many_rows": "the table has more than {limit} rows; take a sample of at most that many",
    ConstantFeature = "constant_feature": "every value of \"{column}\" is {value}; a line needs at least two different x values",
    PowerTooLarge = "power_too_large": "x to the power {degree} reaches {value}, beyond the 1e15 that 32-bit training can square and sum; turn Standardize on or lower the degree",
    FileTooLarge = "file_too_large": "the file has {megabytes} MB and at most {limit} MB are read; take a sample of its rows",
    TableMissing = "table_missing": "this run was made on the table \"{name}\", which never left its owner's device; load that file to go on",
    TableDiffers = "table_differs": "the loaded table is not the one that this run was made on (fingerprint {found}, expected {expected}); load \"{name}\" as it was",
    TableUnavailable = "table_unavailable": "the table \"{name}\" could not be read from this site ({detail}); go online once and try again",
    RemovedOutOfRange = "removed_out_of_range": "there is no row {index} to remove; the data has {n_samples} rows",
    TooManyEdits = "too_many_edits": "at most {limit} points can be added or removed by hand; load a table instead",
    OutOfMemory = "out_of_memory": "{n_samples} rows of {n_features} features take {size}, more memory than this browser has left for them; lower the count or the degree, or close other pages",
    NoSuchColumn = "no_such_column": "there is no feature \"{column}\"; choose the features of an interaction among those of the model",
    InteractionOfOne = "interaction_of_one": "an interaction of \"{column}\" with itself; choose two different features, or raise the degree",
    TooManyFeatures = "too_many_features": "the model would have more than {limit} features; choose fewer columns, levels or interactions",
    RowWidth = "row_width": "row {row} has {found} cells where the table has {expected} columns; quote cells that hold the separator, or skip rows that cannot be read",
    RowTooLong = "row_too_long": "the row that begins in line {row} does not end within 16 MB; close its quotes, or choose another separator",
    TableTooLarge = "table_too_large": "{n_samples} rows of {n_columns} columns already take {size}, all that there is; take a sample of the rows, or leave columns out",
    StorageRefused = "storage_refused": "{n_samples} rows of {n_columns} columns already take {size} of memory, and this browser gives the page no storage for the others, as in a private window; load a sample of the rows",
    StorageFull = "storage_full": "the browser's storage has no room for the table ({detail}); free some, or load a sample of the rows",
    StorageFailed = "storage_failed": "the table could not be read from the browser's storage ({detail}); load it again",
    TooManyColumns = "too_many_columns": "the first row has {found} cells and at most {limit} columns are read; choose another separator, or leave columns out",
    NotATable = "not_a_table": "this is no text table; save it as CSV",
    NoTarget = "no_target": "the table has no column of numbers to learn; choose another separator, or add one",
    NoFeatures = "no_features": "choose at least one feature beside the target",
    TargetAmongFeatures = "target_among_features": "\"{column}\" is the target and a feature; choose another target, or leave it out of the features",
    ColumnKind = "column_kind": "the column \"{column}\" cannot be read as {kind}; choose another kind, or leave it out",
    TooManyLevels = "too_many_levels": "the column \"{column}\" has fewer than two or more than a thousand levels; leave it out",
    TargetNotBinary = "target_not_binary": "logistic regression needs a target of two classes, and \"{column}\" has \"{found}\" beside them; choose softmax for more classes, or another target",
    TargetNotClasses = "target_not_classes": "softmax needs a target of at most a hundred classes, and \"{column}\" has \"{found}\"; read it as a category, or choose another loss",
    TargetNotCounts = "target_not_counts": "Poisson regression needs counts of 0 or more, and \"{column}\" has {found}; choose another loss",
    TargetIsClass = "target_is_class": "\"{column}\" has {n_levels} classes, which no single number stands for; choose the softmax loss",
    WeightNegative = "weight_negative": "the sample weight of row {row} is {value}; weights are finite numbers of 0 or more",
    NoWholeRows = "no_whole_rows": "in each of the {n_samples} rows something is missing or cannot be read; fill what is missing, or leave columns out",
    // Tables of other formats than text.
    FileDamaged = "file_damaged": "the {format} file is damaged or cut ({detail}); save or download it again",
    ObjectUnreadable = "object_unreadable": "in line {row} no JSON object can be read ({detail}); write one object for each row",
    ArrayKind = "array_kind": "the array \"{name}\" holds {kind}, which are neither numbers nor words; save it as float64",
    ArrayShape = "array_shape": "the array \"{name}\" has {found} dimensions; save rows and columns, one dimension or two",
    ArrayLengths = "array_lengths": "the array \"{name}\" has {found} rows where \"{other}\" has {expected}; save arrays of one length together",
    ArrayMissing = "array_missing": "the archive holds no array of one dimension or two; save one with numpy.savez",
    ColumnNested = "column_nested": "the column \"{column}\" holds lists or maps; save one value for each row, or leave it out",
    ColumnCompression = "column_compression": "the column \"{column}\" is compressed by {codec}; save it with snappy, zstd, gzip, brotli, lz4 or none",
    SheetMissing = "sheet_missing": "the workbook has no sheet \"{name}\"; choose another",
    WorkbookKind = "workbook_kind": "this is a workbook of an older kind, or one with a password; save it as .xlsx without one",
    // What takes a while.
    ReadingTable = "reading_table": "Reading the table: {n_samples} rows",
    Scaling = "scaling": "Scaling features",
    MakingRows = "making_rows": "Making {n_samples} rows",
    Solving = "solving": "Solving for the exact line",
    Cancelled = "cancelled": "cancelled; the run is the one that it was",
    // Configuration.
    FieldOutOfRange = "field_out_of_range": "{field} is {value}; give a number from {min} to {max}",
    FieldNotPositive = "field_not_positive": "{field} is {value}; give a number above 0",
    PatienceAlone = "patience_alone": "patience needs rows to validate on; set the validation share above 0, or leave patience empty",
    StratifyNeedsClasses = "stratify_needs_classes": "rows cannot be split by the classes of \"{column}\", which has nearly as many values as rows; choose another split, or read the target as a category",
    SplitNeedsGroup = "split_needs_group": "a split by groups needs a column that says which rows belong together; choose one in the table's dialog, or another split",
    TooFewGroups = "too_few_groups": "there are {n_groups} groups, too few to hold out so many of them; lower the shares, or choose another split",
    RangeEmpty = "range_empty": "the range of x runs from {start} to {stop}; give two different ends",
    ConfigUnreadable = "config_unreadable": "the configuration cannot be read: {detail}",
    QueryUnreadable = "query_unreadable": "the link's part \"{part}\" was left out: {detail}",
    // Files.
    WeightsNotJson = "weights_not_json": "this is not a weights file: {detail}; choose a JSON file that Export weights has saved",
    WeightsTruncated = "weights_truncated": "the weights file ends in the middle (line {line}); save or download it again",
    WeightsOtherKind = "weights_other_kind": "this JSON file is not a Downhill weights file (its \"format\" is {found}); choose one that Export weights has saved",
    WeightsVersion = "weights_version": "the weights file has format version {found} and this page reads {expected}; use the page that wrote it",
    WeightsShape = "weights_shape": "the weights file holds {found} parameters where its model has {expected}; it was altered or cut, export it again",
    WeightsPlace = "weights_place": "the weights file stands at row {position} of an epoch of {n_samples} rows; it was altered, export it again",
    WeightsNotFinite = "weights_not_finite": "the weights file holds a weight that is not a finite number; export again before the run diverges",
    // Models of other tools.
    ModelUnknown = "model_unknown": "this file holds no model that Downhill reads; choose a Keras, ONNX, safetensors, NumPy, TensorFlow.js or PMML file, a table of coefficients, or one that Downhill has saved",
    ModelDamaged = "model_damaged": "the {format} file is damaged or cut ({detail}); save or download it again",
    ModelTooLarge = "model_too_large": "the {format} file is too large to be a linear model ({detail}); Downhill reads at most {limit}",
    ModelTooDeep = "model_too_deep": "the file holds more than a linear model: {found}; Downhill trains one layer, so choose a model of one",
    ModelUnsupported = "model_unsupported": "the {format} file holds {found}, which a linear model of Downhill does not have; save the model without it",
    ModelShape = "model_shape": "\"{name}\" has the shape {found} where {expected} is expected; save the model again",
    ModelNotFinite = "model_not_finite": "\"{name}\" holds a weight that is not a finite number; save the model before its training diverges",
    ModelCannotHold = "model_cannot_hold": "{format} has no way to say {part}; choose another format",
    ModelInputs = "model_inputs": "the model takes {found} and these data give {expected}; load its table, then bring it in again",
    // Prediction.
    PredictColumn = "predict_column": "the table has no column \"{column}\", which the model takes; it has {found}: add the column, or name it so",
    PredictWidth = "predict_width": "the table has {found} columns without names and the model takes {expected}; give one column for each input, or a row of names",
    PredictMissing = "predict_missing": "row {row}, column \"{column}\": nothing stands there; fill the cell in, or leave the row out",
    PredictLevel = "predict_level": "row {row}, column \"{column}\": the model knows no level \"{text}\"; it knows {levels}",
    InputNotANumber = "input_not_a_number": "\"{text}\" is not a number; separate several x by spaces or commas",
    NoSuchLevel = "no_such_level": "\"{text}\" is no level of \"{column}\"; choose one of those in the table",
    NothingToPredict = "nothing_to_predict": "type one x, or several separated by spaces or commas",
    // Backends.
    GpuMeasured = "gpu_measured": "measured faster here: {gpu} steps a second, {cpu} on the CPU",
    CpuMeasured = "cpu_measured": "measured faster here: {cpu} steps a second, {gpu} on the GPU",
    ByStatistics = "by_statistics": "full batches by sufficient statistics ({statistics} steps a second; {passes} by passes over the rows)",
    ByPasses = "by_passes": "full batches by passes over the rows ({passes} steps a second; {statistics} by sufficient statistics)",
    ByPair = "by_pair": "full batches by passes over the rows in two workers ({two} steps a second; {one} in one)",
    ByOne = "by_one": "full batches by passes over the rows in one worker ({one} steps a second; {two} in two)",
    PairFailed = "pair_failed": "full batches in one worker; a second could not be had ({detail})",
    PairLost = "pair_lost": "the second worker was lost at step {step} ({detail}); training goes on here in one",
    StatisticsForced = "statistics_forced": "full batches by sufficient statistics, smaller ones by passes over their rows",
    StatisticsNeedSquares = "statistics_need_squares": "by passes over the rows: sufficient statistics are those of the squared loss of one run, without sample weights",
    RowsStored = "rows_stored": "the rows do not fit in memory: {size} of them are read from storage, block by block, on the CPU",
    GpuForced = "gpu_forced": "chosen by you",
    CpuForced = "cpu_forced": "chosen by you",
    GpuMissing = "gpu_missing": "this browser offers no WebGPU",
    GpuNoAdapter = "gpu_no_adapter": "this browser found no WebGPU adapter",
    GpuNoDevice = "gpu_no_device": "the WebGPU adapter gave no device: {detail}",
    GpuTooSmall = "gpu_too_small": "the data takes {bytes} bytes a buffer and this GPU binds at most {limit}",
    GpuKernel = "gpu_kernel": "a WebGPU kernel was refused: {detail}",
    GpuLost = "gpu_lost": "the GPU was lost at step {step} ({detail}); training goes on here from that step",
    GpuNotBuilt = "gpu_not_built": "this build has no GPU backend",
    // Ends of a run.
    DivergedNotFinite = "diverged_not_finite": "the update after step {step} would make the weights infinite; the last finite weights were kept",
    DivergedLoss = "diverged_loss": "the loss passed a million times its start at step {step}; the weights before it were kept",
    ReachedSteps = "reached_steps": "step {step} was to be the last",
    ReachedEpochs = "reached_epochs": "epoch {epoch} was to be the last",
    ReachedLoss = "reached_loss": "the loss is at or below {target}",
    ReachedGradientNorm = "reached_gradient_norm": "the gradient norm is at or below {target}",
    Converged = "converged": "converged; further updates would hardly change the weights",
    StoppedEarly = "stopped_early": "the validation loss has not fallen for {patience} epochs; these are the weights of step {step}, where it was least",
    Hovering = "hovering": "the loss has not fallen for {epochs} epochs: it hovers around the least; a decaying rate would settle it",
    Stalled = "stalled": "the loss has fallen by less than 0.01% in {epochs} epochs; a larger rate, momentum or standardized features may bring it further",
    RateIsZero = "rate_is_zero": "the schedule has brought the learning rate to zero",
    // Marks of what was changed while training.
    MarkLearningRate = "mark_learning_rate": "learning rate {from} to {to}",
    MarkMethod = "mark_method": "method {from} to {to}",
    MarkBatchSize = "mark_batch_size": "batch size {from} to {to}",
    MarkShuffle = "mark_shuffle": "shuffle {from} to {to}",
    MarkOptimizer = "mark_optimizer": "optimizer {from} to {to}",
    MarkMomentum = "mark_momentum": "momentum {from} to {to}",
    MarkSchedule = "mark_schedule": "schedule {from} to {to}",
    MarkPenalty = "mark_penalty": "penalty {from} to {to}",
    MarkBackend = "mark_backend": "backend {from} to {to}",
    // What the page tells beside its answers.
    NoticeNotUnique = "notice_not_unique": "the features are collinear: many weights give the least loss, and the exact line is one of them",
    NoticeNotFinite = "notice_not_finite": "these rows can be told apart without an error, so that weights grow without end and there is no best model; add a penalty",
    NoticeNoOptimum = "notice_no_optimum": "rows and features are too many for the exact answer to be found beside the run; descent is watched by its gradient alone",
    NoticeRowsLeftOut = "notice_rows_left_out": "of the table's rows, {dropped} were left out since something in them is missing and {bad} since something cannot be read; {filled} missing cells were filled",
    NoticeSample = "notice_sample": "the table is a sample: {n_taken} of {n_read} rows",
    NoticeByOrder = "notice_by_order": "the names of the model's inputs ({found}) are not those of the data: they were taken for {expected}, in this order",
    NoticeStoryFloor = "notice_story_floor": "without a bias the line must pass through (0, 0): the loss cannot fall below {loss}",
    // The module.
    Busy = "busy": "advance is still running; await it before calling {method}",
    Internal = "internal": "something went wrong inside Downhill: {detail}; reload the page and report it",
}

/// Four significant digits, without a tail of zeros: for numbers inside a wording.
pub fn short(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return format!("{value}");
    }
    let magnitude = value.abs();
    if !(1e-4..1e6).contains(&magnitude) {
        let text = format!("{value:.3e}");
        return match text.split_once('e') {
            Some((mantissa, exponent)) if mantissa.contains('.') => {
                format!("{}e{exponent}", mantissa.trim_end_matches('0').trim_end_matches('.'))
            }
            _ => text,
        };
    }
    let decimals = (3 - libm::floor(libm::log10(magnitude)) as i32).max(0) as usize;
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A whole number, its thousands separated.
pub fn count(value: u64) -> String {
    if value < 1000 { value.to_string() } else { format!("{},{:03}", count(value / 1000), value % 1000) }
}

/// An amount of memory, in units of a thousand.
pub fn bytes(value: u64) -> String {
    let mut scaled = value as f64;
    let mut unit = "B";
    for larger in ["kB", "MB", "GB"] {
        if scaled >= 1000.0 {
            (scaled, unit) = (scaled / 1000.0, larger);
        }
    }
    format!("{} {unit}", short(scaled))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_the_places_of_its_wording() {
        let message = Message::new(Code::RangeEmpty).with("start", 3).with("stop", 3);
        assert!(message.to_string().starts_with("the range of x runs from 3 to 3;"));
    }

    #[test]
    fn shortens_to_four_digits() {
        let cases = [
            (0.0, "0"),
            (2.0, "2"),
            (0.03, "0.03"),
            (1.23456, "1.235"),
            (123456.7, "123457"),
            (1e7, "1e7"),
            (-0.00001234, "-1.234e-5"),
        ];
        for (value, expected) in cases {
            assert_eq!(short(value), expected);
        }
    }

    #[test]
    fn separates_thousands_and_scales_bytes() {
        for (value, expected) in [(0, "0"), (999, "999"), (1000, "1,000"), (10_000_000, "10,000,000")] {
            assert_eq!(count(value), expected);
        }
        for (value, expected) in [
            (800, "800 B"),
            (999, "999 B"),
            (1000, "1 kB"),
            (2_880, "2.88 kB"),
            (80_000_000, "80 MB"),
            (99_960_000, "99.96 MB"),
            (520_000_000, "520 MB"),
            (4_294_967_296, "4.295 GB"),
        ] {
            assert_eq!(bytes(value), expected);
        }
    }
}
