// Written by `DOWNHILL_WRITE_TYPES=1 cargo test --lib web_types`; do not edit.

/** A code, its parameters, and the English wording made of both. */
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
  | { kind: "poisson" };

/** What is added to the mean loss: `a (q |w|_1 + (1 - q) / 2 |w|_2^2)` of the weights of the scaled features, `a` being
 * `strength` and `q` `l1_ratio` (the elastic net of Zou and Hastie 2005: ridge where `q` is 0, the lasso where it is 1).
 * The bias is never penalized. For the squared loss, which has no half here, `a` is twice scikit-learn's `alpha` of
 * `ElasticNet`. */
export type Penalty = {
  /** `a`; 0 is none. */
  strength: number,
  /** `q`, from 0 to 1. */
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

/** A whole run: data, model, method, rate. Two equal configurations give the same curve. */
export type RunConfig = {
  /** The data. */
  data: DataConfig,
  /** The model. */
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
  /** The update rule. */
  optimizer: Optimizer,
  /** The rate that the schedule starts from. */
  learning_rate: number,
  /** How the rate changes. */
  schedule: Schedule,
  /** A warm-up before the schedule. */
  warmup: Warmup,
  /** Seed of the initial weights and of the row order. */
  seed: number,
  /** Validation and test rows. */
  validation: ValidationConfig,
  /** When the run stops by itself. */
  stop: Stop,
  /** Where the kernels run. */
  backend: BackendChoice,
  /** Updates per second; `None` means as fast as possible. */
  steps_per_second: number | null,
};

/** The source of the rows, and the changes made by hand. */
export type DataConfig = {
  /** The source of the rows. */
  source: Source,
  /** Points added by hand, `[x, y]`, after the source's rows. */
  added: Array<[number, number]>,
  /** Indices of the source's rows that were removed by hand, ascending. */
  removed: Array<number>,
  /** Which columns of a table are used. */
  columns: Columns,
};

/** Which columns of a table are used, and how they are read. By default the last column that can be a target is the
 * target, and those before it are the features. */
export type Columns = {
  /** Name of the target; empty for the default. */
  target: string,
  /** Names of the inputs; empty for the default. */
  features: Array<string>,
  /** Columns whose detected kind is overridden: name, and `number`, `category` or `date`. */
  kinds: Array<[string, string]>,
  /** How missing values are handled: `drop`, `mean` or `median`. */
  missing: Missing,
  /** Whether rows with unreadable cells are left out; otherwise such a cell is an error. */
  skip_bad_cells: boolean,
  /** Column of sample weights; empty for none. */
  weight: string,
  /** Column of groups, which a split keeps together; empty for none. */
  group: string,
  /** Column that orders the rows, for a split by time; empty for the order of the table. */
  order: string,
};

/** The model `y = w1 f1(x) + ... + wd fd(x) (+ b)`. */
export type ModelConfig = {
  /** Highest power of x. */
  degree: number,
  /** Whether the model has a bias `b`. */
  bias: boolean,
  /** Highest power of single inputs, by name, where it differs from `degree`. */
  degrees: Array<[string, number]>,
  /** Pairs of inputs, by name, whose products are features too. */
  interactions: Array<[string, string]>,
  /** How inputs are scaled inside the model; `None` standardizes tables and leaves generated data unscaled. */
  standardize: Scaling | null,
  /** The initial weights. */
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
  /** How these rows are chosen. */
  split: Split,
  /** Seed of a random split. */
  seed: number,
};

/** When a run stops by itself. */
export type Stop = {
  /** At this step. */
  steps: number | null,
  /** After this many epochs. */
  epochs: number | null,
  /** At a loss this low. */
  loss: number | null,
  /** At a gradient norm this low. */
  gradient_norm: number | null,
  /** When the validation loss has not fallen for this many epochs; the weights with the least are restored. */
  patience: number | null,
  /** When updates no longer change the weights, or the loss has stopped falling for a long time. */
  converged: boolean,
};

/** What the page asks. */
export type SessionRequest = { "kind": "configure",
  /** All of it. */
  config: RunConfig, }
  | { "kind": "train" }
  | { "kind": "pause" }
  | { "kind": "step" }
  | { "kind": "epoch" }
  | { "kind": "reset" }
  | { "kind": "show",
  /** What that is. */
  shown: Shown, }
  | { "kind": "add_point",
  /** In the units of the data. */
  x: number,
  /** In the units of the data. */
  y: number, }
  | { "kind": "remove_point",
  /** Index into the rows as they are now. */
  index: number, }
  | { "kind": "predict",
  /** Numbers separated by spaces or commas. */
  inputs: string, }
  | { "kind": "predict_row",
  /** A number or a level for each input. */
  values: Array<string>, }
  | { "kind": "export",
  /** Which weights; by default the current ones. */
  which?: Which,
  /** When, in the page's words: nothing below it has a clock. */
  saved?: string, }
  | { "kind": "import",
  /** Its content, which crosses as a typed array. */
  bytes: Uint8Array, }
  | { "kind": "adopt",
  /** What the wasm of model files has read. */
  model: ForeignModel, }
  | { "kind": "compare",
  /** What the wasm of model files has read. */
  model: ForeignModel, }
  | { "kind": "density",
  /** Left and right edge. */
  x: [number, number],
  /** Lower and upper edge. */
  y: [number, number],
  /** Number of cells horizontally. */
  columns: number,
  /** Number of cells vertically. */
  rows: number,
};

/** What the page displays besides the essentials: the parts of a snapshot that are long. */
export type Shown = {
  /** The weights. */
  weights: boolean,
  /** The coefficient path. */
  path: boolean,
};

/** Which weights of a run are saved. */
export type Which = "current" | "best";

/** What the worker answers. */
export type SessionAnswer = { "kind": "configured" } & RunDescription | { "kind": "predicted",
  /** The x. */
  inputs: Array<number>,
  /** The prediction at each. */
  outputs: Array<number>, }
  | { "kind": "explained",
  /** The output before its link function: of the most probable class, if there are several. */
  output: number,
  /** The output of a row whose features are all at their means. */
  baseline: number,
  /** How much each input's features add to that; products of two inputs are split between both. */
  contributions: Array<number>,
  /** The response: a number, a probability for each class (of two, for the second), or the class if the loss has no
   * probabilities. */
  response: Array<number>, }
  | { "kind": "exported",
  /** A name to save it under. */
  file_name: string,
  /** A run file. */
  text: string, }
  | { "kind": "compared" } & Comparison | { "kind": "density",
  /** Number of cells horizontally. */
  columns: number,
  /** Number of cells vertically. */
  rows: number,
  /** Left and right edge. */
  x: [number, number],
  /** Lower and upper edge. */
  y: [number, number],
  /** Rows in each cell, row-major from the bottom. */
  counts: Uint32Array, }
  | { "kind": "done" };

/** The configuration as it is now. */
export type RunDescription = {
  /** The number of the run, which counts from 1. */
  run: number,
  /** All of it. */
  config: RunConfig,
  /** The part of its link after `#`; empty for the default. */
  query: string,
  /** Whether a new run began. */
  restarted: boolean,
  /** The data, if a new run began. */
  dataset: DatasetInfo | null,
  /** The optimum, if only that has changed. */
  exact: Exact | null,
  /** What the user should know about data and model. */
  notices: Array<Message>,
};

/** The data of a run, and what is known about it without training. */
export type DatasetInfo = {
  /** All rows. */
  n_samples: number,
  /** Validation rows. */
  n_validation: number,
  /** Test rows. */
  n_test: number,
  /** Features, after the feature map. */
  n_features: number,
  /** Parameters, the biases included. */
  n_parameters: number,
  /** The inputs of the model. */
  inputs: Array<InputInfo>,
  /** Name of the target. */
  target: string,
  /** Names of its classes; empty if it is learned as a number. */
  classes: Array<string>,
  /** Whether predictions are probabilities of the classes. */
  has_probabilities: boolean,
  /** The term that each weight belongs to, without the bias. */
  terms: Array<string>,
  /** How numbers are scaled inside the model. */
  scaling: Scaling,
  /** Bytes of memory that the rows take, in every form in which they are kept. */
  bytes: number,
  /** The x of every row, if they are few enough to draw; empty if there are several inputs. */
  points_x: Float32Array,
  /** The y of every row, if they are few enough to draw; if there are several inputs, of the rows whose predictions
   * come with each snapshot. */
  points_y: Float32Array,
  /** Least and greatest x; of the target, if there are several inputs. */
  x_range: [number, number],
  /** Least and greatest y. */
  y_range: [number, number],
  /** The optimum, for a model of one layer. */
  exact?: Exact,
};

/** An input for which the user gives a value to predict. */
export type InputInfo = {
  /** The column. */
  name: string,
  /** Levels of a category; empty for a number. */
  levels: Array<string>,
  /** Least and greatest value; indices of a category. */
  range: [number, number],
  /** A value to begin with: in the middle of a number's range, the first level of a category. */
  start: string,
};

/** The optimum of the objective, which descent approaches. */
export type Exact = {
  /** In the units of x and y: the weights, then the bias if there is one, of each output; null if unknown or infinite. */
  weights: (number | null)[],
  /** Whether no other weights are as good. */
  unique: boolean,
  /** Least loss. */
  loss: number,
  /** Fraction of the variance explained. */
  r2: number | null,
  /** Plain batch descent diverges above this rate. */
  stable_rate: number,
  /** Condition number of the Hessian; null if infinite. */
  condition: number | null,
  /** The x of the optimal curve. */
  curve_x: Float32Array,
  /** The prediction there. */
  curve_y: Float32Array,
};

/** One instant of a run; all of it belongs together. */
export type Snapshot = {
  /** Always `snapshot`. */
  kind: "snapshot",
  /** The number of the run. */
  run: number,
  /** How it stands. */
  status: Status,
  /** Updates done. */
  step: number,
  /** Epochs done. */
  epoch: number,
  /** Loss of these weights, over the training rows or `loss_rows` of them. */
  loss: number,
  /** The number of rows that it was measured on. */
  loss_rows: number,
  /** Whether `loss` was measured on a sample of the training rows. */
  loss_is_sample: boolean,
  /** Loss of the last update's batch, before that update. */
  batch_loss: number | null,
  /** Fraction of the variance explained. */
  r2: number | null,
  /** Validation loss of these weights. */
  validation_loss: number | null,
  /** Fraction of the variance of the validation targets explained. */
  validation_r2: number | null,
  /** The least validation loss, and the step of its weights. */
  best: [number, number] | null,
  /** Gradient norm of these weights. */
  gradient_norm: number,
  /** The rate of the next update. */
  learning_rate: number,
  /** In the units of x and y, as `Exact::weights`; null unless they are `Shown`. */
  weights: Float64Array | null,
  /** `||w - w*|| / ||w*||` in the units of x and y; null if the optimum `w*` is not unique. */
  distance: number | null,
  /** Updates per second, over the last half second. */
  steps_per_second: number,
  /** The engine. */
  backend: BackendInUse,
  /** Bytes of the browser's memory that the worker's module has taken. */
  memory_bytes: number,
  /** The x of the fitted curve. */
  curve_x: Float32Array,
  /** The prediction there. */
  curve_y: Float32Array,
  /** If there are several inputs: predictions for the rows of `points_y`; for classes, the probability of the true one. */
  predicted: Float32Array,
  /** The part of the loss that is the penalty. */
  penalty: number,
  /** For each fold of a cross-validation, its loss in the run that leaves it out. */
  folds: Float32Array,
  /** The models of the coefficient path; null without one, or unless it is `Shown`. */
  path: PathSnapshot | null,
  /** The history since the last snapshot. */
  history: HistoryDelta,
  /** Changes made during the run. */
  marks: Array<Mark>,
};

/** How far long work is, while a request waits for it. */
export type Progress = {
  /** Always `progress`. */
  kind: "progress",
  /** What is being done. */
  message: Message,
  /** The fraction of it that is done, from 0 to 1. */
  fraction: number,
};

/** How a run stands. */
export type Status = { "kind": "paused" }
  | { "kind": "training" }
  | { "kind": "finished",
  /** Which. */
  reason: Message, }
  | { "kind": "diverged",
  /** Why. */
  reason: Message,
  /** A learning rate that would not have diverged. */
  suggested_rate: number,
};

/** The engine in use. */
export type BackendInUse = {
  /** `gpu` or `cpu`. */
  kind: "gpu" | "cpu",
  /** Name of the adapter, or the instruction set. */
  name: string,
  /** Why this one: forced, measured, or a fallback. */
  reason: Message,
  /** How a full batch is computed, if there is a choice. */
  how: Message | null,
  /** Whether it stands in for another. */
  fallback: boolean,
};

/** Replaces everything from bucket `first` on: how a worker's history reaches the page.
 *
 * The six arrays have one length; `NaN` means "missing". */
export type HistoryDelta = {
  /** The first bucket of these arrays. */
  first: number,
  /** Least batch loss of each bucket. */
  batch_loss_min: Float32Array,
  /** Greatest batch loss of each bucket. */
  batch_loss_max: Float32Array,
  /** Mean batch loss of each bucket. */
  batch_loss_mean: Float32Array,
  /** The last evaluated loss of each bucket. */
  loss: Float32Array,
  /** The last learning rate of each bucket. */
  rate: Float32Array,
  /** The last validation loss of each bucket. */
  validation: Float32Array,
};

/** The same model under many strengths of the penalty. */
export type PathSnapshot = {
  /** Penalty strengths in descending order. */
  strengths: Float32Array,
  /** `[strength][feature][output]`, for the scaled features. */
  coefficients: Float32Array,
  /** Mean training loss at each strength, without the penalty. */
  loss: Float32Array,
  /** Mean validation loss at each strength, without the penalty; empty without validation rows. */
  validation: Float32Array,
};

/** A change made during a run: when, and what. */
export type Mark = {
  /** Updates done before it. */
  step: number,
  /** What changed, with `from` and `to`. */
  message: Message,
};

/** A model of another tool: linear over features of raw inputs. `downhill-model-files` reads it from a file. */
export type ForeignModel = {
  /** The inputs, in the order of a row. */
  inputs: Array<Input>,
  /** Name of the target. */
  target: string,
  /** Names of the classes; empty if they are unknown or the target is a number. */
  target_levels: Array<string>,
  /** The map from a row to the features, scaling included. */
  map: unknown,
  /** Weights of the scaled features, `[feature][output]`. */
  weights: Array<Array<number>>,
  /** One for each output; `None` if the model has no bias. */
  bias: Array<number> | null,
  /** The function that is applied to the outputs. */
  activation: Response,
};

/** A model of another tool and the weights of a run, on the same rows. */
export type Comparison = {
  /** Scores on each role that has rows. */
  parts: Array<ComparedPart>,
  /** The coefficients of each output, the bias last; empty where the run's model is not linear. */
  coefficients: Array<ComparedCoefficient>,
  /** How columns were matched, if not by name. */
  notices: Array<Message>,
};

/** Scores of both models on the rows of one role. */
export type ComparedPart = {
  /** `training`, `validation` or `test`. */
  part: "training" | "validation" | "test",
  /** Number of rows. */
  n_samples: number,
  /** The scores; the loss comes first. */
  scores: Array<ComparedScore>,
};

/** One score of both models; `None` where it is undefined. */
export type ComparedScore = {
  /** `loss`, or the key of the page's text without `score_`. */
  name: string,
  /** The value of the run. */
  current: number | null,
  /** The value of the model. */
  model: number | null,
};

/** One coefficient of both models in the units of the data; `None` where a model has no such term. */
export type ComparedCoefficient = {
  /** The class; `None` where there is only one output. */
  output: string | null,
  /** The term; `None` for the bias. */
  term: string | null,
  /** The value of the run. */
  current: number | null,
  /** The value of the model. */
  model: number | null,
};

/** A run file: the model, what made it, and what is needed to continue training. */
export type RunFile = {
  /** `FORMAT`. */
  format: string,
  /** `VERSION`. */
  version: number,
  /** The version of Downhill that wrote it. */
  downhill: string,
  /** When it was saved, as whoever saved it words that. */
  saved: string | null,
  /** Names of the inputs and the target. */
  columns: RunFileColumns,
  /** The model: kernels `[in, out]` and biases. Its inputs are the features that `feature_map` makes. */
  layers: Array<LayerWeights>,
  /** From x to the inputs of the first layer. */
  feature_map: unknown,
  /** The same model as coefficients of x, x^2, ..., in the units of x and y. */
  original_units: OriginalUnits,
  /** The loss of these weights, penalty included. */
  loss: number,
  /** The number of rows that the loss was measured on. */
  loss_rows: number,
  /** Updates done. */
  steps: number,
  /** Epochs done. */
  epochs: number,
  /** The whole configuration, seed included. */
  config: RunConfig,
  /** The engine at the time of writing, and why that one, with the speeds if they were measured. */
  backend: string | null,
  /** Inputs (the index of a category's level) and the prediction for them, so that a reader can check itself. */
  check_predictions: Array<Array<number>>,
  /** What training needs to continue to the bit. */
  training_state: TrainingState,
  /** Metrics of these weights on the `training`, `validation` and `test` rows, as far as there are any. Older files
   * have neither these nor the fields below. */
  metrics: { [key in string]: { [key in string]: number | null } } | null,
  /** Facts about the data. */
  data: DataFacts | null,
  /** The history of the run. */
  history: Curve | null,
};

/** `Columns` as files write them: a single number is a `feature`, as before there were several inputs. */
export type RunFileColumns = { feature?: string | null, inputs?: Array<Input> | null, target: string, target_levels?: Array<string> | null,
};

/** One column that the model sees. */
export type Input = {
  /** Its name. */
  name: string,
  /** The names of a category's levels: rows hold an index into these. Empty where the column is a number. */
  levels: Array<string>,
};

/** A column that the model does not see. */
export type Extra = "weight" | "group" | "order";

/** The parameters of one layer. They are f32, written as the f64 of the same value, so that a reader that parses the
 * digits as f64 predicts the same. */
export type LayerWeights = {
  /** `[in, out]`: a row for each input. */
  kernel: Array<Array<number>>,
  /** One for each output; absent where the layer has none. */
  bias: Array<number> | null,
  /** What the outputs mean; files call it an activation. */
  activation: Response,
};

/** Coefficients in the units of x and y. */
export type OriginalUnits = {
  /** The coefficients of x, x^2, ...; for several outputs those of each, one after the other. */
  weights: Array<number>,
  /** The constant; absent if the model has no bias or several outputs. */
  bias: number | null,
  /** The constants of several outputs. */
  biases: Array<number> | null,
};

/** What a checkpoint holds besides weights and steps. Vectors that a run does not need are empty; older files have all. */
export type TrainingState = { place: Place, optimizer_start: number, schedule_start: number, first_loss: number, first_moments: Array<number>, second_moments: Array<number>, previous: Array<number>, epoch_start: Array<number>, anchor: Array<number>, rate_scale: number, best_loss: number, anchor_loss: number, epoch_loss: number, epoch_loss_tail: number, epoch_rows: number, n_tail: number, n_bad: number, cooldown_left: number, last_epoch_loss: number,
};

/** How far a run is in its epochs. */
export type Place = {
  /** Epochs done. */
  epoch: number,
  /** Rows of the current epoch done. */
  position: number,
};

/** Facts about the data of a run. */
export type DataFacts = {
  /** All rows. */
  n_samples: number,
  /** Validation rows. */
  n_validation: number,
  /** Test rows. */
  n_test: number,
  /** A hash of the table, if the user loaded one. */
  fingerprint: string | null,
};

/** Points of a run's history in ascending order of their steps, one array for each column; all have one length. `NaN`,
 * which JSON writes as null, means "missing". */
export type Curve = {
  /** Updates done. */
  step: Array<number>,
  /** Training loss of the weights, over all rows or a sample. */
  loss: Array<number>,
  /** Mean batch loss of the updates since the previous point. */
  batch_loss: Array<number>,
  /** Learning rate of the last of them. */
  learning_rate: Array<number>,
  /** Validation loss of the weights. */
  validation_loss: Array<number>,
};
