// Written by `DOWNHILL_WRITE_TYPES=1 cargo test --lib web_types`; do not edit.

/** A message to the user: a code and the parameters of its wording. */
export type Message = { code: string, params: Record<string, string>, text: string };

export type Optimizer = { kind: "sgd" }
  | { kind: "momentum", momentum: number }
  | { kind: "nesterov", momentum: number }
  | { kind: "ada_grad", epsilon: number }
  | { kind: "rms_prop", alpha: number, epsilon: number }
  | { kind: "adam", beta1: number, beta2: number, epsilon: number }
  | { kind: "adam_w", beta1: number, beta2: number, epsilon: number, weight_decay: number }
  | { kind: "lion", beta1: number, beta2: number, weight_decay: number };

export type Schedule = { kind: "constant" }
  | { kind: "time_decay", decay_rate: number, decay_steps: number }
  | { kind: "step", step_size: number, gamma: number }
  | { kind: "exponential", gamma: number }
  | { kind: "polynomial", total_steps: number, power: number }
  | { kind: "cosine", period: number, minimum_rate: number, restarts: boolean, period_factor: number }
  | { kind: "one_cycle", total_steps: number, rising_fraction: number, div_factor: number, final_div_factor: number }
  | { kind: "reduce_on_plateau", factor: number, patience: number, threshold: number, cooldown: number, minimum_rate: number }
  | { kind: "bold_driver", increase: number, decrease: number };

/** A linear rise of the rate in front of any schedule, whose own steps count from the rise's end (PyTorch's
 * `SequentialLR([LinearLR(start_factor, 1, steps), schedule], [steps])`). */
export type Warmup = {
  /** How many steps the rise takes; 0 for none. */
  steps: number,
  /** Fraction of the rate at step 0. */
  start_factor: number,
};

export type Loss = { kind: "squared" }
  | { kind: "absolute" }
  | { kind: "huber", delta: number }
  | { kind: "log_cosh" }
  | { kind: "quantile", tau: number }
  | { kind: "logistic" }
  | { kind: "softmax" }
  | { kind: "poisson" }
  | { kind: "squared_hinge" };

/** The penalty that is added to the mean loss: `a (q |w|_1 + (1 - q) / 2 |w|_2^2)`, where `w` are the weights
 * of the scaled features, `a` is `strength` and `q` is `l1_ratio` (the elastic net of Zou and Hastie 2005:
 * ridge at `q = 0`, lasso at `q = 1`). The bias is never penalized. For the squared loss, which has no
 * factor 1/2 here, `a` is twice the `alpha` of scikit-learn's `ElasticNet`. */
export type Penalty = {
  /** The strength `a` of the penalty; 0 means no penalty. */
  strength: number,
  /** The L1 ratio `q` of the penalty, from 0 (ridge) to 1 (lasso). */
  l1_ratio: number,
};

/** What is applied to the outputs of a model to get its predictions. */
export type Response = "linear" | "sigmoid" | "softmax" | "exponential";

export type InitialWeights = "zero" | "uniform" | "normal" | "glorot_uniform";

export type Scaling = false | true | "min_max";

export type Method = "batch" | "mini_batch" | "stochastic" | "decaying_rate";

export type Split = "random" | "last" | "stratified" | "group";

export type Source = { kind: "linspace", start: number, stop: number, n_samples: number, slope: number, intercept: number, noise: number, seed: number }
  | { kind: "shipped", table: ShippedTable }
  | { kind: "table", name: string, fingerprint: string };

export type ShippedTable = "old_faithful" | "galton_heights" | "mtcars" | "challenger" | "coal_disasters" | "diabetes" | "west_roxbury" | "longley" | "iris" | "breast_cancer";

export type Missing = "drop" | "mean" | "median";

export type BackendChoice = "auto" | "gpu" | "cpu" | "statistics";

/** The complete configuration of a run. Two runs with the same configuration have the same loss curve. */
export type RunConfig = {
  /** The data to train on. */
  data: DataConfig,
  /** The model: its features and initial weights. */
  model: ModelConfig,
  /** The loss, whose mean over the training rows is minimized. */
  loss: Loss,
  /** The penalty that is added to the mean loss. */
  penalty: Penalty,
  /** Number of penalty strengths of a coefficient path, each trained by a parallel run; 0 for no path. */
  penalty_path: number,
  /** How many rows each update uses. */
  method: Method,
  /** Number of rows of each update, for `Method::MiniBatch`. */
  batch_size: number,
  /** Whether each epoch shuffles the rows. */
  shuffle: boolean,
  /** The optimizer, which determines the rule of each update. */
  optimizer: Optimizer,
  /** The base learning rate, to which the schedule applies. */
  learning_rate: number,
  /** How the learning rate changes during the run. */
  schedule: Schedule,
  /** A gradual increase of the learning rate before the schedule. */
  warmup: Warmup,
  /** Seed of the initial weights and of the row order. */
  seed: number,
  /** Which rows are used for validation and test. */
  validation: ValidationConfig,
  /** When the run stops by itself. */
  stop: Stop,
  /** The engine on which the kernels run. */
  backend: BackendChoice,
  /** Updates per second; `None` means as fast as possible. */
  steps_per_second: number | null,
};

/** The source of the rows, and the edits made by hand. */
export type DataConfig = {
  /** The source of the rows. */
  source: Source,
  /** Points added by hand, `[x, y]`, after the source's rows. */
  added: Array<[number, number]>,
  /** Indices of the source's rows that were removed by hand, in ascending order. */
  removed: Array<number>,
  /** Which columns of a table are used, and how. */
  columns: Columns,
};

/** Which columns of a table are used, and how they are read. By default the last column that can be a target is the
 * target, and those before it are the features. */
export type Columns = {
  /** Name of the target column; empty for the default. */
  target: string,
  /** Names of the input columns; empty for the default. */
  features: Array<string>,
  /** Columns whose detected kind is overridden: `[name, kind]`, where the kind is `number`, `category` or
   * `date`. */
  kinds: Array<[string, string]>,
  /** How missing values are handled: `drop`, `mean` or `median`. */
  missing: Missing,
  /** Whether rows with unreadable cells are left out; otherwise such a cell is an error. */
  skip_bad_cells: boolean,
  /** Name of the column of sample weights; empty for none. */
  weight: string,
  /** Name of the column of groups, whose rows a split keeps together; empty for none. */
  group: string,
  /** Name of the column that orders the rows, for a split by time; empty for the order of the table. */
  order: string,
};

/** The model `y = w1 f1(x) + ... + wd fd(x) (+ b)`, where `f1` to `fd` are the features. */
export type ModelConfig = {
  /** Highest power of each numeric input. */
  degree: number,
  /** Whether the model has a bias `b`. */
  bias: boolean,
  /** Highest power of individual inputs, as `[name, power]`, where it differs from `degree`. */
  degrees: Array<[string, number]>,
  /** Pairs of input names whose products are additional features. */
  interactions: Array<[string, string]>,
  /** How inputs are scaled inside the model; `None` standardizes tables and leaves generated data unscaled. */
  standardize: Scaling | null,
  /** How the weights are initialized. */
  initial_weights: InitialWeights,
};

/** Rows that are held out of training, to measure the model on data that it has not seen. */
export type ValidationConfig = {
  /** Fraction of all rows that are validation rows; 0 for none. */
  fraction: number,
  /** Fraction of all rows that are test rows, used for the final measurement only. */
  test_fraction: number,
  /** Number of folds of a cross-validation, each held out by a parallel run; 0 for none. */
  folds: number,
  /** How validation and test rows are selected. */
  split: Split,
  /** Seed of a random split. */
  seed: number,
};

/** The conditions under which a run stops by itself. */
export type Stop = {
  /** Stop at this step. */
  steps: number | null,
  /** Stop after this many epochs. */
  epochs: number | null,
  /** Stop when the loss falls to this value. */
  loss: number | null,
  /** Stop when the gradient norm falls to this value. */
  gradient_norm: number | null,
  /** Stop when the validation loss has not fallen for this many epochs; the weights with the lowest are
   * restored. */
  patience: number | null,
  /** Stop when updates no longer change the weights, or when the loss has not fallen for a long time. */
  converged: boolean,
};

/** A request from the page to the worker. */
export type SessionRequest = { "kind": "configure",
  /** The complete new configuration. */
  config: RunConfig, }
  | { "kind": "train" }
  | { "kind": "pause" }
  | { "kind": "step" }
  | { "kind": "epoch" }
  | { "kind": "reset" }
  | { "kind": "show",
  /** The parts that the page displays. */
  shown: Shown, }
  | { "kind": "add_point",
  /** x coordinate of the point, in the units of the data. */
  x: number,
  /** y coordinate (target) of the point, in the units of the data. */
  y: number, }
  | { "kind": "remove_point",
  /** Index of the row to remove, among the current rows. */
  index: number, }
  | { "kind": "predict",
  /** The x values to predict at, as text: numbers separated by spaces or commas. */
  inputs: string, }
  | { "kind": "predict_row",
  /** One value for each input of the model: a number, or the name of a category's level. */
  values: Array<string>, }
  | { "kind": "export",
  /** Which weights; by default the current ones. */
  which?: Which,
  /** The date and time of saving, formatted by the page, since the engine has no clock. */
  saved?: string, }
  | { "kind": "import",
  /** The bytes of the run file; the page passes them as a typed array. */
  bytes: Uint8Array, }
  | { "kind": "adopt",
  /** The foreign model as JSON, as the wasm of model files has read it. */
  model: ForeignModel, }
  | { "kind": "compare",
  /** The foreign model as JSON, as the wasm of model files has read it. */
  model: ForeignModel, }
  | { "kind": "density",
  /** Left and right edge of the grid. */
  x: [number, number],
  /** Lower and upper edge of the grid. */
  y: [number, number],
  /** Number of grid cells from left to right. */
  columns: number,
  /** Number of grid cells from bottom to top. */
  rows: number,
};

/** The long parts of a snapshot, each of which is included only while the page displays it. */
export type Shown = {
  /** Whether snapshots include the weights. */
  weights: boolean,
  /** Whether snapshots include the coefficient path. */
  path: boolean,
};

/** Which weights of a run are saved. */
export type Which = "current" | "best";

/** An answer of the worker to a request. */
export type SessionAnswer = { "kind": "configured" } & RunDescription | { "kind": "predicted",
  /** The x values that were predicted at. */
  inputs: Array<number>,
  /** The prediction at each of `inputs`. */
  outputs: Array<number>, }
  | { "kind": "explained",
  /** The output before its link function: of the most probable class, if there are several. */
  output: number,
  /** The output of a row whose features are all at their means. */
  baseline: number,
  /** How much each input adds to `baseline`, in the order of the inputs. The part of a product of two
   * inputs is split evenly between them. */
  contributions: Array<number>,
  /** The response: the predicted number, one probability for each class (only that of the second class
   * if there are two), or the class index if the loss has no probabilities. */
  response: Array<number>, }
  | { "kind": "exported",
  /** A suggested name for the run file. */
  file_name: string,
  /** The content of the run file. */
  text: string, }
  | { "kind": "compared" } & Comparison | { "kind": "density",
  /** Number of grid cells from left to right. */
  columns: number,
  /** Number of grid cells from bottom to top. */
  rows: number,
  /** Left and right edge of the grid. */
  x: [number, number],
  /** Lower and upper edge of the grid. */
  y: [number, number],
  /** Rows in each cell, row-major from the bottom. */
  counts: Uint32Array, }
  | { "kind": "done" };

/** The configuration after a request, and what the request changed. */
export type RunDescription = {
  /** The number of the run, which counts from 1. */
  run: number,
  /** The complete configuration in effect. */
  config: RunConfig,
  /** The part after `#` of a link to this configuration; empty for the default configuration. */
  query: string,
  /** Whether the request started a new run. */
  restarted: boolean,
  /** The data of the new run; null if no new run began. */
  dataset: DatasetInfo | null,
  /** The new optimum, if it changed without a new run, as it does with the penalty. */
  exact: Exact | null,
  /** Messages about data and model that the user should know. */
  notices: Array<Message>,
};

/** The data of a run, and what is known about it without training. */
export type DatasetInfo = {
  /** Total number of rows of the data. */
  n_samples: number,
  /** Number of validation rows. */
  n_validation: number,
  /** Number of test rows. */
  n_test: number,
  /** Number of features, as the feature map makes them from the inputs. */
  n_features: number,
  /** Number of parameters, biases included. */
  n_parameters: number,
  /** The inputs of the model. */
  inputs: Array<InputInfo>,
  /** Name of the target column. */
  target: string,
  /** Names of the target's classes; empty if the target is a number. */
  classes: Array<string>,
  /** Whether the model predicts class probabilities. */
  has_probabilities: boolean,
  /** Name of the term (such as `x^2`) that each weight multiplies; the bias is left out. */
  terms: Array<string>,
  /** How numbers are scaled inside the model. */
  scaling: Scaling,
  /** Bytes of memory that the rows take, in every form in which they are kept. */
  bytes: number,
  /** x of every row; empty if there are too many rows to draw or several inputs. */
  points_x: Float32Array,
  /** y of every row; empty if there are too many rows to draw. With several inputs, only of the rows whose
   * predictions each snapshot contains. */
  points_y: Float32Array,
  /** Least and greatest x; with several inputs, of the target instead. */
  x_range: [number, number],
  /** Least and greatest y (target). */
  y_range: [number, number],
  /** The optimum, for a model of one layer. */
  exact?: Exact,
};

/** An input for which the user gives a value to predict. */
export type InputInfo = {
  /** Name of the input's column. */
  name: string,
  /** Names of a category's levels; empty for a numeric input. */
  levels: Array<string>,
  /** Least and greatest value of the input; for a category, of its level indices. */
  range: [number, number],
  /** The initial value of the input field: the middle of a number's range, or the first level of a
   * category. */
  start: string,
};

/** The optimum of the objective, which descent approaches. */
export type Exact = {
  /** Weights in the units of x and y: for each output its weights, then its bias if there is one. Null if
   * unknown or infinite. */
  weights: (number | null)[],
  /** Whether the optimum is unique: no other weights reach the same loss. */
  unique: boolean,
  /** The loss at the optimum. */
  loss: number,
  /** R² at the optimum: the fraction of the target's variance that it explains. */
  r2: number | null,
  /** The learning rate above which plain batch descent diverges. */
  stable_rate: number,
  /** Condition number of the Hessian; null if infinite. */
  condition: number | null,
  /** x values at which the curve of the optimal model is drawn. */
  curve_x: Float32Array,
  /** Prediction of the optimal model at each of `curve_x`. */
  curve_y: Float32Array,
};

/** The state of a run at one instant; all fields belong to the same step unless stated otherwise. */
export type Snapshot = {
  /** Always `snapshot`; tells the page which kind of message this is. */
  kind: "snapshot",
  /** The number of the run, which counts from 1. */
  run: number,
  /** Whether the run is paused, training, finished or diverged. */
  status: Status,
  /** Updates done so far. */
  step: number,
  /** Epochs done so far. */
  epoch: number,
  /** Loss of the current weights, measured on `loss_rows` training rows. */
  loss: number,
  /** The number of training rows that `loss` was measured on. */
  loss_rows: number,
  /** Whether `loss` was measured on only a sample of the training rows. */
  loss_is_sample: boolean,
  /** Loss of the last update's batch, before that update. */
  batch_loss: number | null,
  /** R² of the current weights on the training rows: the fraction of the target's variance that they
   * explain. */
  r2: number | null,
  /** Validation loss of the current weights. */
  validation_loss: number | null,
  /** R² of the current weights on the validation rows. */
  validation_r2: number | null,
  /** The least validation loss so far, and the step at which it was reached. */
  best: [number, number] | null,
  /** Euclidean norm of the gradient at the current weights. */
  gradient_norm: number,
  /** The learning rate of the next update. */
  learning_rate: number,
  /** The current weights, in the order and units of `Exact::weights`; null unless `Shown::weights`. */
  weights: Float64Array | null,
  /** Relative distance to the optimum `w*`: `||w - w*|| / ||w*||` in the units of x and y; null if `w*` is
   * not unique. */
  distance: number | null,
  /** Updates per second, over the last half second. */
  steps_per_second: number,
  /** The engine that computes the run. */
  backend: BackendInUse,
  /** Bytes of memory that the worker's wasm module has allocated. */
  memory_bytes: number,
  /** x values at which the curve of the current model is drawn. */
  curve_x: Float32Array,
  /** Prediction of the current model at each of `curve_x`. */
  curve_y: Float32Array,
  /** With several inputs: predictions for the rows of `points_y`; with classes, the predicted probability
   * of the true class. */
  predicted: Float32Array,
  /** The part of `loss` that is the penalty. */
  penalty: number,
  /** Cross-validation: for each fold, the loss of its rows under the model that was trained without them. */
  folds: Float32Array,
  /** The coefficient path; null if the run has none, or unless `Shown::path`. */
  path: PathSnapshot | null,
  /** The part of the history that changed since the last snapshot. */
  history: HistoryDelta,
  /** Changes that the user made to the configuration during the run. */
  marks: Array<Mark>,
};

/** The progress of long work that a request waits for. */
export type Progress = {
  /** Always `progress`; tells the page which kind of message this is. */
  kind: "progress",
  /** A description of the work for the user. */
  message: Message,
  /** The fraction of the work that is done, from 0 to 1. */
  fraction: number,
};

/** Whether a run is paused, training, finished or diverged. */
export type Status = { "kind": "paused" }
  | { "kind": "training" }
  | { "kind": "finished",
  /** The stop condition that was met. */
  reason: Message, }
  | { "kind": "diverged",
  /** Why the run counts as diverged. */
  reason: Message,
  /** A learning rate at which the run would not have diverged. */
  suggested_rate: number,
};

/** The engine that computes the run, as it is described to the user. */
export type BackendInUse = {
  /** Which engine it is: `gpu` or `cpu`. */
  kind: "gpu" | "cpu",
  /** Name of the GPU adapter, or of the CPU's instruction set. */
  name: string,
  /** Why this engine is used: the user chose it, it was the fastest, or another one failed. */
  reason: Message,
  /** How a full batch is computed (by one worker or two), if there is a choice. */
  how: Message | null,
  /** Whether this engine replaces one that was wanted but failed or is missing. */
  fallback: boolean,
};

/** An update of a history: replaces all buckets from `first` on. This is how the worker's history reaches the
 * page.
 *
 * The six arrays have one length; `NaN` means "missing". */
export type HistoryDelta = {
  /** Index of the bucket that the first element of each array belongs to. */
  first: number,
  /** Least batch loss in each bucket. */
  batch_loss_min: Float32Array,
  /** Greatest batch loss in each bucket. */
  batch_loss_max: Float32Array,
  /** Mean batch loss in each bucket. */
  batch_loss_mean: Float32Array,
  /** The last loss in each bucket that was evaluated over the training rows. */
  loss: Float32Array,
  /** The last learning rate in each bucket. */
  rate: Float32Array,
  /** The last validation loss in each bucket. */
  validation: Float32Array,
};

/** The coefficient path: the same model trained with a series of penalty strengths. */
export type PathSnapshot = {
  /** The penalty strengths, in descending order. */
  strengths: Float32Array,
  /** Coefficients for the scaled features, indexed `[strength][feature][output]`. */
  coefficients: Float32Array,
  /** Mean training loss for each strength, without the penalty. */
  loss: Float32Array,
  /** Mean validation loss for each strength, without the penalty; empty without validation rows. */
  validation: Float32Array,
};

/** A change of the configuration during a run. */
export type Mark = {
  /** Updates done before the change. */
  step: number,
  /** The setting that changed, with its old (`from`) and new (`to`) value. */
  message: Message,
};

/** A model that another tool trained, linear over features of raw inputs. `downhill-model-files` reads it
 * from a file. */
export type ForeignModel = {
  /** The model's inputs, in the order of a row. */
  inputs: Array<Input>,
  /** Name of the target. */
  target: string,
  /** Names of the target's classes; empty if they are unknown or the target is a number. */
  target_levels: Array<string>,
  /** The map from a row of inputs to features, scaling included. */
  map: unknown,
  /** Weights of the scaled features, indexed `[feature][output]`. */
  weights: Array<Array<number>>,
  /** The bias of each output; `None` if the model has no bias. */
  bias: Array<number> | null,
  /** The function that is applied to the outputs. */
  activation: Response,
};

/** Scores and coefficients of a foreign model and of a run, on the same rows. */
export type Comparison = {
  /** Scores on the rows of each role that has rows. */
  parts: Array<ComparedPart>,
  /** The coefficients, output by output, with the bias last; empty if the run's model is not linear. */
  coefficients: Array<ComparedCoefficient>,
  /** Messages about how columns were matched, if not by name. */
  notices: Array<Message>,
};

/** Scores of both models on the rows of one role. */
export type ComparedPart = {
  /** The role of the rows: `training`, `validation` or `test`. */
  part: "training" | "validation" | "test",
  /** Number of rows with this role. */
  n_samples: number,
  /** The scores of both models; the loss comes first. */
  scores: Array<ComparedScore>,
};

/** One score of both models; a value is `None` if it is undefined. */
export type ComparedScore = {
  /** Name of the score: `loss`, or the key of the page's label without the prefix `score_`. */
  name: string,
  /** The score of the run's current weights. */
  current: number | null,
  /** The score of the foreign model. */
  model: number | null,
};

/** One coefficient of both models in the units of the data; a value is `None` if that model has no such term. */
export type ComparedCoefficient = {
  /** Name of the class that the output is for; `None` if there is only one output. */
  output: string | null,
  /** Name of the term; `None` for the bias. */
  term: string | null,
  /** The coefficient of the run's current weights. */
  current: number | null,
  /** The coefficient of the foreign model. */
  model: number | null,
};

/** A run file: the model, its configuration, and the state that is needed to continue training. */
export type RunFile = {
  /** The file's format name, always `FORMAT`. */
  format: string,
  /** The file's format version, always `VERSION`. */
  version: number,
  /** The version of Downhill that wrote the file. */
  downhill: string,
  /** The date and time of saving, as text that the caller formatted. */
  saved: string | null,
  /** Names of the inputs and the target. */
  columns: RunFileColumns,
  /** The layers of the model, with kernels `[in][out]` and biases. The first layer takes the features that
   * `feature_map` makes. */
  layers: Array<LayerWeights>,
  /** The map from x to the inputs of the first layer. */
  feature_map: unknown,
  /** The same model as coefficients of x, x^2, ..., in the units of x and y. */
  original_units: OriginalUnits,
  /** The training loss of these weights, penalty included. */
  loss: number,
  /** The number of training rows that `loss` was measured on. */
  loss_rows: number,
  /** Updates done when the file was written. */
  steps: number,
  /** Epochs done when the file was written. */
  epochs: number,
  /** The whole configuration, seed included. */
  config: RunConfig,
  /** The engine at the time of writing and why it was used, with the measured speeds if there are any. */
  backend: string | null,
  /** Sample rows with their prediction, so that a reader of the file can check itself. Each row has the
   * inputs (a category as its level's index), then the prediction. */
  check_predictions: Array<Array<number>>,
  /** The state that training needs to continue with bit-identical results. */
  training_state: TrainingState,
  /** Metrics of these weights by group of rows: `training`, `validation` and `test`, if there are such
   * rows. Files of older versions lack this field and those below. */
  metrics: { [key in string]: { [key in string]: number | null } } | null,
  /** Size and fingerprint of the data. */
  data: DataFacts | null,
  /** The history of the run up to these weights. */
  history: Curve | null,
};

/** `Columns` as they are written to a file. A single numeric input is written as `feature`, as in files
 * from before there were several inputs. */
export type RunFileColumns = { feature?: string | null, inputs?: Array<Input> | null, target: string, target_levels?: Array<string> | null,
};

/** An input column of the model. */
export type Input = {
  /** Name of the column. */
  name: string,
  /** Names of a category's levels, which rows refer to by index. Empty if the column is numeric. */
  levels: Array<string>,
};

/** A column that is not an input of the model. */
export type Extra = "weight" | "group" | "order";

/** The parameters of one layer as files store them. They are f32 values written as f64, so that a reader that
 * parses them as f64 makes the same predictions. */
export type LayerWeights = {
  /** Weights of the layer, indexed `[input][output]`. */
  kernel: Array<Array<number>>,
  /** Bias of each output; absent if the layer has none. */
  bias: Array<number> | null,
  /** The response function that turns outputs into predictions; files call it an activation. */
  activation: Response,
};

/** A linear model's coefficients in the units of x and y. */
export type OriginalUnits = {
  /** The coefficients of x, x^2, ...; with several outputs, all coefficients of the first output, then of
   * the second, and so on. */
  weights: Array<number>,
  /** The constant term; absent if the model has no bias or several outputs. */
  bias: number | null,
  /** The constant term of each output, if there are several. */
  biases: Array<number> | null,
};

/** What a checkpoint contains besides weights and steps. Vectors that a run does not need are empty; files of
 * older versions contain all of them. */
export type TrainingState = { place: Place, optimizer_start: number, schedule_start: number, first_loss: number, first_moments: Array<number>, second_moments: Array<number>, previous: Array<number>, epoch_start: Array<number>, anchor: Array<number>, rate_scale: number, best_loss: number, anchor_loss: number, epoch_loss: number, epoch_loss_tail: number, epoch_rows: number, n_tail: number, n_bad: number, cooldown_left: number, last_epoch_loss: number,
};

/** The position of a run in its epochs. */
export type Place = {
  /** Number of completed epochs. */
  epoch: number,
  /** Number of rows done in the current epoch. */
  position: number,
};

/** Size and fingerprint of the data of a run. */
export type DataFacts = {
  /** Total number of rows of the data. */
  n_samples: number,
  /** Number of validation rows. */
  n_validation: number,
  /** Number of test rows. */
  n_test: number,
  /** A hash of the table, if the user loaded one. */
  fingerprint: string | null,
};

/** Points of a run's history in ascending order of their steps, as one array for each column; all arrays have
 * the same length. A missing value is `NaN`, which JSON writes as null. */
export type Curve = {
  /** Updates done at each point. */
  step: Array<number>,
  /** Training loss of the weights at each point, over all training rows or a sample. */
  loss: Array<number>,
  /** Mean batch loss of the updates since the previous point. */
  batch_loss: Array<number>,
  /** Learning rate of the last update before each point. */
  learning_rate: Array<number>,
  /** Validation loss of the weights at each point. */
  validation_loss: Array<number>,
};
