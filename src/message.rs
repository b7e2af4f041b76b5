//! Messages to the user: a stable code with parameters.
//!
//! The English wording of every code is defined here; the page's language tables have the same codes in other
//! languages. Errors, reasons for a fallback and marks on the loss curve are all messages.

use std::collections::BTreeMap;
use std::fmt;

use serde::ser::{Serialize, SerializeStruct as _, Serializer};

/// A result whose error can be shown to the user as it is.
pub type Result<T> = std::result::Result<T, Message>;

/// A message to the user: a code and the parameters of its wording.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    test,
    derive(ts_rs::TS),
    ts(type = "{ code: string, params: Record<string, string>, text: string }")
)]
pub struct Message {
    /// The code, by which language tables look up the wording.
    pub code: Code,
    /// The values that replace `{name}` in the wording. `{name:row|rows}` becomes the first form if the value
    /// is 1, else the second.
    pub params: BTreeMap<String, String>,
}

impl Message {
    /// A message without parameters.
    pub fn new(code: Code) -> Self {
        Self { code, params: BTreeMap::new() }
    }

    /// Returns this message with an additional parameter.
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
            let place = &rest[open + 1..open + close];
            let (name, forms) = place.split_once(':').unwrap_or((place, ""));
            match (self.params.get(name), forms.split_once('|')) {
                (Some(count), Some((one, other))) => f.write_str(if count == "1" { one } else { other })?,
                (Some(value), None) => f.write_str(value)?,
                (None, _) => write!(f, "{{{place}}}")?,
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
        /// The codes of all messages, each with a stable name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code {
            $(#[doc = $template] $variant,)*
        }

        impl Code {
            /// All codes, in the order of this table.
            pub const ALL: &'static [Code] = &[$(Code::$variant,)*];

            /// The stable name of the code, by which language tables look up the wording.
            pub fn name(self) -> &'static str {
                match self { $(Code::$variant => $code,)* }
            }

            /// The English wording, in which `{name}` stands for a parameter.
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
    CellNotANumber = "cell_not_a_number": "Row {row}, column \"{column}\": \"{text}\" is not a number. Correct the cell or remove the row.",
    CellDecimalComma = "cell_decimal_comma": "Row {row}, column \"{column}\": \"{text}\" is not a number. Write a decimal point, or separate the columns with semicolons.",
    CellNotFinite = "cell_not_finite": "Row {row}, column \"{column}\": \"{text}\" is not a finite number. Correct the cell or remove the row.",
    CellTooLarge = "cell_too_large": "Row {row}, column \"{column}\": \"{text}\" is above 1e15, the largest number that 32-bit training can square and sum. Use a larger unit.",
    ColumnLengths = "column_lengths": "x has {x} {x:value|values} but y has {y}. Give one y for every x.",
    TableEmpty = "table_empty": "The table has no rows. Give at least two rows of two numbers.",
    TooFewRows = "too_few_rows": "There is only one row, but a line needs at least two.",
    TooManyRows = "too_many_rows": "The table has more than {limit} rows. Use a sample of up to that many.",
    ConstantFeature = "constant_feature": "Every value of \"{column}\" is {value}, but a line needs at least two different x values.",
    PowerTooLarge = "power_too_large": "x to the power {degree} reaches {value}, above the 1e15 that 32-bit training can square and sum. Set Scaling to Standardize or lower the degree.",
    FileTooLarge = "file_too_large": "The file is {megabytes} MB, above the limit of {limit} MB. Use a sample of its rows.",
    TableMissing = "table_missing": "This run needs the table \"{name}\", which stays with its owner. Load that file to continue.",
    TableDiffers = "table_differs": "The loaded table is not the one this run was trained on (fingerprint {found}, expected {expected}). Load the original \"{name}\".",
    TableUnavailable = "table_unavailable": "The table \"{name}\" could not be loaded from this site ({detail}). Go online once and try again.",
    RemovedOutOfRange = "removed_out_of_range": "Row {index} cannot be removed, because the data has only {n_samples} {n_samples:row|rows}.",
    TooManyEdits = "too_many_edits": "Up to {limit} points can be added or removed by hand. Load a table instead.",
    OutOfMemory = "out_of_memory": "{n_samples} {n_samples:row|rows} with {n_features} {n_features:feature needs|features need} {size}, more memory than this browser has left. Lower the count or the degree, or close other pages.",
    NoSuchColumn = "no_such_column": "There is no feature \"{column}\". Choose the features of an interaction from those in the model.",
    InteractionOfOne = "interaction_of_one": "\"{column}\" cannot interact with itself. Choose two different features, or raise the degree.",
    TooManyFeatures = "too_many_features": "The model would have more than {limit} features. Choose fewer columns, levels or interactions.",
    RowWidth = "row_width": "Row {row} has {found} {found:cell|cells}, but the table has {expected} {expected:column|columns}. Quote the cells that contain the separator, or skip unreadable rows.",
    RowTooLong = "row_too_long": "The row that starts on line {row} does not end within 16 MB. Close its quotes, or choose another separator.",
    TableTooLarge = "table_too_large": "{n_samples} {n_samples:row|rows} of {n_columns} {n_columns:column|columns} already fill the available memory ({size}). Use a sample of the rows, or leave out columns.",
    StorageRefused = "storage_refused": "{n_samples} {n_samples:row|rows} of {n_columns} {n_columns:column|columns} already take {size} of memory, and this browser gives the page no storage for the rest (private windows often do not). Load a sample of the rows.",
    StorageFull = "storage_full": "The browser's storage has no room for the table ({detail}). Free some space, or load a sample of the rows.",
    StorageFailed = "storage_failed": "The table could not be read from the browser's storage ({detail}). Load it again.",
    TooManyColumns = "too_many_columns": "The first row has {found} {found:cell|cells}, above the limit of {limit} columns. Choose another separator, or leave out columns.",
    NotATable = "not_a_table": "This file is not a text table. Save it as CSV.",
    NoTarget = "no_target": "The table has no numeric column to predict. Choose another separator, or add such a column.",
    NoFeatures = "no_features": "Choose at least one feature besides the target.",
    TargetAmongFeatures = "target_among_features": "\"{column}\" is both the target and a feature. Choose another target, or remove it from the features.",
    ColumnKind = "column_kind": "Column \"{column}\" cannot be read as a {kind}. Choose another kind, or leave the column out.",
    TooFewLevels = "too_few_levels": "Column \"{column}\" has fewer than two different values, so it cannot be a category. Leave it out.",
    TooManyLevels = "too_many_levels": "Column \"{column}\" has more than a thousand different values, too many for a category. Leave it out.",
    TargetNotBinary = "target_not_binary": "This loss needs a target with two classes, but \"{column}\" also contains \"{found}\". Choose softmax for more classes, or another target.",
    TargetNotClasses = "target_not_classes": "Softmax needs a target with up to a hundred classes, but \"{column}\" contains \"{found}\". Read the column as a category, or choose another loss.",
    TargetNotCounts = "target_not_counts": "Poisson regression needs counts of 0 or more, but \"{column}\" contains {found}. Choose another loss.",
    TargetIsClass = "target_is_class": "\"{column}\" has {n_levels} {n_levels:class|classes}, which a single number cannot represent. Choose the softmax loss.",
    WeightNegative = "weight_negative": "The sample weight of row {row} is {value}. Weights must be finite numbers of 0 or more.",
    NoWholeRows = "no_whole_rows": "Each of the {n_samples} {n_samples:row|rows} has a missing or unreadable cell. Fill in missing values, or leave out columns.",
    // Tables of other formats than text.
    FileDamaged = "file_damaged": "The {format} file is damaged or incomplete ({detail}). Save or download it again.",
    ObjectUnreadable = "object_unreadable": "Line {row} does not contain a readable JSON object ({detail}). Write one object per row.",
    ArrayKind = "array_kind": "The array \"{name}\" contains {kind}, which are neither numbers nor text. Save it as float64.",
    ArrayShape = "array_shape": "The array \"{name}\" has {found} {found:dimension|dimensions}. Save it with one dimension, or with two (rows and columns).",
    ArrayLengths = "array_lengths": "The array \"{name}\" has {found} {found:row|rows} but \"{other}\" has {expected}. Save arrays of equal length together.",
    ArrayMissing = "array_missing": "The archive contains no array with one or two dimensions. Save one with numpy.savez.",
    ColumnNested = "column_nested": "Column \"{column}\" contains lists or maps. Save one value per row, or leave the column out.",
    ColumnCompression = "column_compression": "Column \"{column}\" is compressed with {codec}. Save it with snappy, zstd, gzip, brotli, lz4 or no compression.",
    SheetMissing = "sheet_missing": "The workbook has no sheet \"{name}\". Choose another sheet.",
    WorkbookKind = "workbook_kind": "This workbook has a password or an older format. Save it as .xlsx without a password.",
    // What takes a while.
    ReadingTable = "reading_table": "Reading the table: {n_samples} {n_samples:row|rows}",
    Scaling = "scaling": "Scaling features",
    MakingRows = "making_rows": "Generating {n_samples} {n_samples:row|rows}",
    Solving = "solving": "Computing the exact solution",
    Cancelled = "cancelled": "Cancelled. The previous run is unchanged.",
    // Configuration.
    FieldOutOfRange = "field_out_of_range": "{field} is {value}. Enter a number from {min} to {max}.",
    FieldNotPositive = "field_not_positive": "{field} is {value}. Enter a number above 0.",
    PatienceAlone = "patience_alone": "Early stopping needs validation rows. Hold out some rows for validation, or leave the patience empty.",
    StratifyNeedsClasses = "stratify_needs_classes": "Rows cannot be split by class, because \"{column}\" has nearly as many values as rows. Choose another split, or read the target as a category.",
    SplitNeedsGroup = "split_needs_group": "A split by group needs a column that says which rows belong together. Choose one in the table's dialog, or choose another split.",
    TooFewGroups = "too_few_groups": "The data has only {n_groups} {n_groups:group|groups}, too few for this split. Hold out fewer rows, or choose another split.",
    RangeEmpty = "range_empty": "The range of x runs from {start} to {stop}. Give two different ends.",
    ConfigUnreadable = "config_unreadable": "The settings could not be read ({detail}).",
    QueryUnreadable = "query_unreadable": "\"{part}\" ({detail})",
    // Files.
    WeightsNotJson = "weights_not_json": "This is not a weights file ({detail}). Choose a JSON file saved by Export weights.",
    WeightsTruncated = "weights_truncated": "The weights file breaks off at line {line}. Save or download it again.",
    WeightsOtherKind = "weights_other_kind": "This JSON file is not a Downhill weights file (its \"format\" is {found}). Choose a file saved by Export weights.",
    WeightsVersion = "weights_version": "The weights file has format version {found}, but this page reads version {expected}. Open it with the page that wrote it.",
    WeightsShape = "weights_shape": "The weights file has {found} {found:parameter|parameters}, but its model needs {expected}. It was altered or cut short; export it again.",
    WeightsPlace = "weights_place": "The weights file says it stopped at row {position} of an epoch, but an epoch has only {n_samples} {n_samples:row|rows}. It was altered; export it again.",
    WeightsNotFinite = "weights_not_finite": "The weights file contains a weight that is not a finite number. Export again before the run diverges.",
    // Models of other tools.
    ModelUnknown = "model_unknown": "Downhill found no model it can read in this file. Choose a Keras, ONNX, safetensors, NumPy, TensorFlow.js or PMML file, a table of coefficients, or a file saved by Downhill.",
    ModelDamaged = "model_damaged": "The {format} file is damaged or incomplete ({detail}). Save or download it again.",
    ModelTooLarge = "model_too_large": "The {format} file is too large to be a linear model ({detail}). Downhill reads up to {limit}.",
    ModelTooDeep = "model_too_deep": "The file contains more than a linear model: {found}. Downhill trains a single layer, so choose a model with one layer.",
    ModelUnsupported = "model_unsupported": "The {format} file contains {found}, which Downhill's linear models do not support. Save the model without it.",
    ModelShape = "model_shape": "\"{name}\" has the shape {found}, but {expected} was expected. Save the model again.",
    ModelNotFinite = "model_not_finite": "\"{name}\" contains a weight that is not a finite number. Save the model before its training diverges.",
    ModelCannotHold = "model_cannot_hold": "{format} cannot store {part}. Choose another format.",
    ModelInputs = "model_inputs": "The model takes {found}, but this data has {expected}. Load the model's own table, then import the model again.",
    // Prediction.
    PredictColumn = "predict_column": "The table has no column \"{column}\", which the model needs. Its columns are {found}. Add the missing column or rename one.",
    PredictWidth = "predict_width": "The table has {found} {found:column|columns} without names, but the model needs {expected}. Give one column per input, or add a header row.",
    PredictMissing = "predict_missing": "Row {row}, column \"{column}\": empty cell. Fill it in or remove the row.",
    PredictLevel = "predict_level": "Row {row}, column \"{column}\": \"{text}\" was not in the training data. Known: {levels}.",
    InputNotANumber = "input_not_a_number": "\"{text}\" is not a number. Separate several x values with spaces or commas.",
    NoSuchLevel = "no_such_level": "\"{text}\" is not a level of \"{column}\". Choose one that occurs in the table.",
    NothingToPredict = "nothing_to_predict": "Type an x value, or several separated by spaces or commas.",
    // Backends.
    GpuMeasured = "gpu_measured": "about {times}x faster here than the CPU",
    CpuMeasured = "cpu_measured": "about {times}x faster here than the GPU",
    ByStatistics = "by_statistics": "full batches use sufficient statistics ({statistics} steps/s; {passes} when reading every row)",
    ByPasses = "by_passes": "full batches read every row ({passes} steps/s; {statistics} with sufficient statistics)",
    ByPair = "by_pair": "full batches read every row in two workers ({two} steps/s; {one} in one worker)",
    ByOne = "by_one": "full batches read every row in one worker ({one} steps/s; {two} in two workers)",
    PairFailed = "pair_failed": "full batches run in one worker, because a second one could not start ({detail})",
    PairLost = "pair_lost": "the second worker stopped at step {step} ({detail}); training continues in one",
    StatisticsForced = "statistics_forced": "full batches use sufficient statistics; smaller batches read their rows",
    StatisticsNeedSquares = "statistics_need_squares": "every batch reads its rows, because sufficient statistics need the squared loss, a single run and no sample weights",
    RowsStored = "rows_stored": "the rows do not fit in memory, so {size} are read from storage, block by block, on the CPU",
    GpuForced = "gpu_forced": "chosen by you",
    CpuForced = "cpu_forced": "chosen by you",
    GpuMissing = "gpu_missing": "this browser does not support WebGPU",
    GpuNoAdapter = "gpu_no_adapter": "this browser found no WebGPU adapter",
    GpuNoDevice = "gpu_no_device": "the WebGPU adapter provided no device: {detail}",
    GpuTooSmall = "gpu_too_small": "the data needs {bytes} bytes per buffer, but this GPU allows {limit}",
    GpuKernel = "gpu_kernel": "WebGPU rejected a compute shader: {detail}",
    GpuLost = "gpu_lost": "the GPU was lost at step {step} ({detail}); training continues here from that step",
    GpuNotBuilt = "gpu_not_built": "this build has no GPU backend",
    // Ends of a run.
    DivergedNotFinite = "diverged_not_finite": "The weights overflowed after step {step}. Kept the last usable ones.",
    DivergedLoss = "diverged_loss": "The loss grew a million-fold by step {step}. Kept the weights from the step before.",
    ReachedSteps = "reached_steps": "Reached your limit of {limit} {limit:step|steps}.",
    ReachedEpochs = "reached_epochs": "Reached your limit of {limit} {limit:epoch|epochs}.",
    ReachedLoss = "reached_loss": "The loss reached your target of {target}.",
    ReachedGradientNorm = "reached_gradient_norm": "The gradient norm reached your target of {target}.",
    Converged = "converged": "Converged: more steps would change almost nothing.",
    StoppedEarly = "stopped_early": "No improvement in validation loss for {patience} {patience:epoch|epochs}. Restored the best weights (step {step}).",
    Hovering = "hovering": "The loss has not fallen for {epochs} {epochs:epoch|epochs}. It is bouncing around the minimum. Try a decaying rate.",
    Stalled = "stalled": "The loss fell by less than 0.01% in {epochs} {epochs:epoch|epochs}. Try a larger rate, momentum or standardized features.",
    RateIsZero = "rate_is_zero": "The schedule has reduced the learning rate to zero.",
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
    NoticeNotUnique = "notice_not_unique": "The features are collinear, so many different weights reach the lowest possible loss. The exact solution shown is one of them.",
    NoticeNotFinite = "notice_not_finite": "The classes separate perfectly, so the weights grow forever. Add a penalty (try 0.001).",
    NoticeZeroCounts = "notice_zero_counts": "In some group of rows every count is 0, so the weights grow forever. Add a penalty (try 0.001).",
    NoticeNoOptimum = "notice_no_optimum": "There are too many rows and features to compute the exact solution while training. Watch the gradient norm instead.",
    NoticeRowsLeftOut = "notice_rows_left_out": "Using {used} of {total} {total:row|rows}: {dropped} {dropped:has|have} missing values, {bad} {bad:has|have} unreadable cells.",
    NoticeCellsFilled = "notice_cells_filled": "Filled in {filled} missing {filled:cell|cells}.",
    NoticeSample = "notice_sample": "The table is a sample: {n_taken} of {n_read} {n_read:row|rows}.",
    NoticeByOrder = "notice_by_order": "The model's inputs ({found}) have other names than the data's columns, so they were matched in order: {expected}.",
    NoticeStoryFloor = "notice_story_floor": "Without a bias the line must pass through (0, 0), so the loss cannot fall below {loss}.",
    // The module.
    Busy = "busy": "advance is still running. Await it before calling {method}.",
    Internal = "internal": "Unexpected error: {detail}. Your settings are in the address; reload to continue.",
}

/// Formats a number within a message: four significant digits, without trailing zeros.
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

/// Formats an integer with grouped thousands.
pub fn count(value: u64) -> String {
    if value < 1000 { value.to_string() } else { format!("{},{:03}", count(value / 1000), value % 1000) }
}

/// Formats a number of bytes in kB, MB or GB (powers of 1000).
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
        assert!(message.to_string().starts_with("The range of x runs from 3 to 3."));
    }

    #[test]
    fn counts_one_in_the_singular() {
        for (limit, expected) in [(1, "1 step."), (0, "0 steps."), (2, "2 steps."), (21, "21 steps.")] {
            let message = Message::new(Code::ReachedSteps).with("limit", limit);
            assert_eq!(message.to_string(), format!("Reached your limit of {expected}"));
        }
        let message = Message::new(Code::NoticeRowsLeftOut);
        let message = message.with("used", 1).with("total", 3).with("dropped", 1).with("bad", "1,000");
        let expected = "Using 1 of 3 rows: 1 has missing values, 1,000 have unreadable cells.";
        assert_eq!(message.to_string(), expected);
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
