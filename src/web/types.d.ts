/** What a person reads: a stable code, its parameters, and the English wording. */
export interface Message {
  code: string;
  params: Record<string, string>;
  text: string;
}

/** Where the rows come from. `table` is a file of the user's: only its name and fingerprint are in the configuration. */
export type Source =
  | { kind: "linspace"; start: number; stop: number; n_samples: number; slope: number; intercept: number; noise: number; seed: number }
  | { kind: "shipped"; table: ShippedTable }
  | { kind: "table"; name: string; fingerprint: string };

/** A table of `www/data`. */
export type ShippedTable =
  | "old_faithful" | "galton_heights" | "mtcars" | "challenger" | "coal_disasters" | "diabetes" | "west_roxbury" | "longley"
  | "iris" | "breast_cancer";

/** Which columns of a table are used; nothing chosen leaves it to the table. */
export interface Columns {
  target: string;
  features: string[];
  /** Columns read otherwise than they look: name, and "number", "category" or "date". */
  kinds: [string, string][];
  missing: "drop" | "mean" | "median";
  skip_bad_cells: boolean;
  /** Columns beside target and features; empty for none. */
  weight: string;
  group: string;
  order: string;
}

/** How a text table is written. */
export interface Dialect {
  encoding: "utf8" | "utf16le" | "utf16be" | "windows1252";
  separator: string;
  decimal_comma: boolean;
  header: boolean;
  /** In which order dates are whose year is the last; nothing where no date tells, and then they are words. */
  date_order: "day_first" | "month_first" | null;
  /** Whether the row of names leaves out that of the first column. */
  row_names: boolean;
  /** Lines before the first record that say nothing of it. */
  skip: number;
}

/** What a table holds, before columns are chosen. */
export interface Opened {
  kind: "opened";
  name: string;
  fingerprint: string;
  /** Sheets of a workbook, and the one that was read. */
  sheets: string[];
  sheet: string;
  preview: {
    /** Nothing where it is no text. */
    dialect: Dialect | null;
    n_rows: number;
    /** Rows of the file; more than `n_rows` where those are a sample of them. */
    n_read: number;
    /** Bytes of memory. */
    bytes: number;
    columns: ColumnPreview[];
    /** Text of the first rows. */
    rows: string[][];
    n_long: number;
    n_short: number;
    /** The first cells of each column that are not what it holds. */
    bad_cells: Message[];
    n_bad: number;
    /** What is chosen where nothing else is. */
    choice: Columns;
  };
}

/** A coefficient in the units of its column, and that of the scaled feature; null where it cannot be told. */
export interface Coefficient {
  estimate: number;
  scaled: number;
  standard_error: number | null;
  /** Student's t; Wald's z of a likelihood. */
  t: number | null;
  p: number | null;
  interval: [number, number] | null;
  inflation: number | null;
  dropped: boolean;
}

/** What descent is heading for on a table, and how sure it is of each coefficient; nothing where the run is on no table. */
export interface Inferred {
  kind: "inferred";
  terms?: string[];
  inferred?:
    | {
      kind: "least_squares";
      coefficients: Coefficient[];
      n_samples: number;
      degrees_of_freedom: number;
      residual_deviation: number | null;
      r2: number | null;
      adjusted_r2: number | null;
      f: [number, number] | null;
      condition: number;
    }
    | {
      kind: "likelihood";
      coefficients: Coefficient[];
      n_samples: number;
      degrees_of_freedom: number;
      log_likelihood: number;
      null_log_likelihood: number;
      deviance: number;
      null_deviance: number;
      pseudo_r2: number | null;
      /** And the probability of as much by chance. */
      likelihood_ratio: [number, number] | null;
      condition: number;
    }
    | {
      kind: "optimum";
      /** Why there are no errors. */
      reason: "penalized" | "robust" | "many_classes" | "infinite";
      /** Of each output. */
      coefficients: Coefficient[][];
      optimum: { objective: number; unique: boolean; finite: boolean };
    };
}

/** Which of a run's rows. */
export type Part = "training" | "validation" | "test";

/** How weights do on one part of the rows of a table, as numbers to draw; nothing where the run is on no table. */
export interface Diagnosed {
  kind: "diagnosed";
  part?: Part;
  /** The parts that have rows. */
  parts?: Part[];
  task?: "regression" | "binary" | "classes" | "counts";
  /** Rows of the part. */
  n_samples?: number;
  /** Names of scores (`score_*` in the words of the page) and what they are; null where one is not defined. */
  scores?: [string, number | null][];
  /** Rows, or an even sample of them and the one that is missed by most. Of counts, residuals are deviance residuals. */
  rows?: {
    /** Places in the table, from 1. */
    row: number[];
    actual: number[];
    fitted: number[];
    residual: number[];
  } | null;
  /** Prediction along one input, the others held; of a category, a value a level. */
  effect?: {
    input: number;
    /** What every input is held at: a number, or the index of a level. */
    at: number[];
    grid: number[];
    /** Of several classes the probability of the first. */
    effect: number[];
    /** Of several classes, the probabilities of each. */
    classes?: number[][];
    /** Rows: the input, and the effect there with the row's own residual. */
    x: number[];
    partial: number[];
  } | null;
  /** What the exact least of the loss makes of the rows that are trained on, where it was asked for. */
  exact?: {
    rows: {
      n_coefficients: number;
      /** Places in the table, from 0. */
      rows: number[];
      standardized: (number | null)[];
      leverages: (number | null)[];
      cooks_distances: (number | null)[];
      /** Of a standard normal, at the rank of each standardized residual. */
      normal_quantiles: number[];
    };
    /** Curves along which Cook's distance is the same. */
    contours: { distance: number; leverage: number[]; standardized: number[] }[];
    /** At the places of the effect's grid. */
    effect: number[];
    band: [number[], number[]] | null;
  } | null;
  roc?: { false_positive: number[]; true_positive: number[]; auc: number } | null;
  calibration?: { predicted: number[]; observed: number[]; count: number[] } | null;
  /** Rows by actual class, then by predicted class. */
  confusion?: { labels: string[]; counts: number[][] } | null;
  /** Rows by actual class in bins of the predicted probability of the second class. */
  histogram?: { edges: number[]; labels: string[]; counts: number[][] } | null;
}

export interface ColumnPreview {
  name: string;
  kind: "number" | "category" | "date" | "text" | "empty";
  n_missing: number;
  n_bad: number;
  /** Least, mean, greatest, standard deviation. */
  summary: [number, number, number, number] | null;
  histogram: number[];
  levels: [string, number][];
  /** 0 where they are too many. */
  n_levels: number;
}

/** Rows of a table that the worker keeps beside the trainer. */
export interface TableRows {
  n_rows: number;
  inputs: { name: string; levels: string[] }[];
  target: string;
  /** What the target's numbers stand for, where it is a category. */
  target_levels: string[];
  /** What rows hold behind the target, in order. */
  extras: ("weight" | "group" | "order")[];
  fingerprint: string;
  /** Rows of the table, and of its file, which are more where it is a sample; rows left out, and cells filled. */
  counts: { n_taken: number; n_read: number; n_dropped: number; n_bad: number; n_filled: number };
  /** Fills whole rows from `first` on: the inputs, the target, the extras. Throws an `Error` with `code` and `params`. */
  read(first: number, rows: Float64Array): void;
}

/** One entry per closed set of choices; parameters live inside the choice they belong to. */
export type Optimizer =
  | { kind: "sgd" }
  | { kind: "momentum"; momentum: number }
  | { kind: "nesterov"; momentum: number }
  | { kind: "ada_grad"; epsilon: number }
  | { kind: "rms_prop"; alpha: number; epsilon: number }
  | { kind: "adam"; beta1: number; beta2: number; epsilon: number }
  | { kind: "adam_w"; beta1: number; beta2: number; epsilon: number; weight_decay: number };

export type Schedule =
  | { kind: "constant" }
  | { kind: "time_decay"; decay_rate: number; decay_steps: number }
  | { kind: "step"; step_size: number; gamma: number }
  | { kind: "exponential"; gamma: number }
  | { kind: "polynomial"; total_steps: number; power: number }
  | { kind: "cosine"; period: number; period_factor: number; restarts: boolean; minimum_rate: number }
  | { kind: "reduce_on_plateau"; factor: number; patience: number; threshold: number; cooldown: number; minimum_rate: number }
  | { kind: "bold_driver"; increase: number; decrease: number };

/** What is minimized, over a row. */
export type Loss =
  | { kind: "squared" | "absolute" | "log_cosh" | "logistic" | "softmax" | "poisson" }
  | { kind: "huber"; delta: number }
  | { kind: "quantile"; tau: number };

export type Scaling = boolean | "min_max";

export type Method = "batch" | "mini_batch" | "stochastic" | "decaying_rate";

/** The whole run. The URL and the weights file hold this same structure. */
export interface RunConfig {
  data: { source: Source; added: [number, number][]; removed: number[]; columns: Columns };
  model: {
    degree: number;
    bias: boolean;
    /** Of inputs that have one of their own, by name. */
    degrees: [string, number][];
    /** Pairs of inputs, by name, whose products are features too. */
    interactions: [string, string][];
    /** How numbers are scaled: standardized (true), not at all (false); null: on for tables, off for the generator. */
    standardize: Scaling | null;
    initial_weights: "zero" | "uniform" | "normal" | "glorot_uniform";
  };
  loss: Loss;
  /** Elastic net: strength (l1_ratio |w| + (1 - l1_ratio) / 2 w^2) of the scaled features' weights, never of the bias. */
  penalty: { strength: number; l1_ratio: number };
  /** Strengths of a coefficient path that is trained beside the run. */
  penalty_path: number;
  method: Method;
  batch_size: number;
  shuffle: boolean;
  optimizer: Optimizer;
  learning_rate: number;
  schedule: Schedule;
  warmup: { steps: number; start_factor: number };
  seed: number;
  /** Rows that are held out of training. */
  validation: { fraction: number; test_fraction: number; folds: number; split: "random" | "last" | "stratified" | "group"; seed: number };
  stop: { steps: number | null; epochs: number | null; loss: number | null; gradient_norm: number | null; patience: number | null; converged: boolean };
  backend: "auto" | "gpu" | "cpu" | "statistics";
  /** Updates a second; null is as fast as it goes. */
  steps_per_second: number | null;
}

/** Requests, page to worker. Every one is answered (or refused with a Message); snapshots come on their own. */
export type Request =
  /** Makes this the configuration. What may change in mid-run changes in mid-run; what cannot starts a new run. */
  | { kind: "configure"; config: RunConfig }
  | { kind: "train" }
  | { kind: "pause" }
  /** One update. */
  | { kind: "step" }
  /** One pass over the training rows. */
  | { kind: "epoch" }
  /** Back to the initial weights; paused. */
  | { kind: "reset" }
  /** Includes in every snapshot from now on what the page displays of the parts that are long. */
  | { kind: "show"; shown: { weights: boolean; path: boolean } }
  | { kind: "add_point"; x: number; y: number }
  /** Removes the row at this index of the current `points`. */
  | { kind: "remove_point"; index: number }
  /**
   * A table of the user's is read and previewed; without `blob` the one before, read as `dialect` says. With `sample`, a
   * table that finds no place (`storage_refused`, `storage_full`) becomes a sample of its rows.
   */
  | { kind: "open_table"; name: string; blob?: Blob; dialect?: Dialect | { sheet: string }; sample?: boolean }
  /** What can be inferred of the least squares of a run on a table. */
  | { kind: "infer"; config: RunConfig }
  /** How weights (as in a snapshot) do on a part of the rows of a table; an effect holds inputs at values. */
  | { kind: "diagnose"; config: RunConfig; weights: number[]; part: Part; effect?: { input: number; at: (number | null)[] }; exact: boolean }
  | { kind: "predict"; inputs: string }
  /** One row, a number or a level for each input. */
  | { kind: "predict_row"; values: string[] }
  /**
   * The weights as a run file: those on screen, or the best that were seen (of the least validation loss where rows are
   * held out, else of the least loss that was measured over every row). `saved` says when, in the page's words.
   */
  | { kind: "export"; which?: "current" | "best"; saved?: string }
  /** A run file; the run goes on where it stood, and the first snapshot brings its history. */
  | { kind: "import"; bytes: Uint8Array }
  /**
   * A model of another tool, as the exchange wasm's `read` gives it, begins a new run on the rows that there are: its terms,
   * bias and coefficients, at step 0; the loss stays where it means the same outputs. Answered by `configured`, refused
   * with `model_inputs` where the rows do not have what the model takes. Columns are matched by name, else, with the
   * notice `notice_by_order`, by count and order.
   */
  | { kind: "adopt"; model: ForeignModel }
  /** How such a model does on the rows that there are, beside the weights as they are; the run goes on. */
  | { kind: "compare"; model: ForeignModel }
  /** Row counts on a grid over this rectangle, for a density picture of more points than can be drawn. */
  | { kind: "density"; x: [number, number]; y: [number, number]; columns: number; rows: number };

/** The answer to `configure`, `reset`, `add_point`, `remove_point`, `load_table`, `import` and `adopt`. */
export interface Configured {
  kind: "configured";
  run: number;
  config: RunConfig;
  /** The configuration as the part of the URL after `#`; empty for the default. */
  query: string;
  /** Whether a new run began (false: the run went on). */
  restarted: boolean;
  /** Present when a new run began on other data. */
  dataset: DatasetInfo | null;
  /** What descent is heading for, where only that has changed. */
  exact: Exact | null;
  notices: Message[];
}

export interface DatasetInfo {
  n_samples: number;
  /** Rows of them that are held out and looked at, and those that are kept for the end. */
  n_validation: number;
  n_test: number;
  /** Features after the feature map; parameters including the bias. */
  n_features: number;
  n_parameters: number;
  inputs: InputInfo[];
  target: string;
  /** Names of the classes; empty where the target is learned as a number. */
  classes: string[];
  /** What each weight belongs to, the bias left out. */
  terms: string[];
  scaling: Scaling;
  /** Bytes that the rows take in the worker, in every shape that they are kept in. */
  bytes: number;
  /**
   * Every row, in data order, when n_samples <= 20000; otherwise empty: ask for `density`. With several inputs there are
   * no x, and y are those of the rows whose predictions come with each snapshot.
   */
  points_x: Float32Array;
  points_y: Float32Array;
  x_range: [number, number];
  y_range: [number, number];
  exact: Exact;
}

export interface InputInfo {
  name: string;
  /** Of a category; empty for a number. */
  levels: string[];
  range: [number, number];
  /** A value to begin with. */
  start: string;
}

/** The least-squares solution in f64: what descent is heading for. */
export interface Exact {
  /** Original units: w1..wd, then the bias if there is one, of each output; null where they are not known, or not finite. */
  weights: (number | null)[];
  /** False when the columns are collinear: the loss is the least, the weights are one choice of many. */
  unique: boolean;
  loss: number;
  r2: number | null;
  /** 2 / (largest eigenvalue of the Hessian): plain batch descent diverges above it. */
  stable_rate: number;
  /** Of the Hessian; null where it is infinite. */
  condition: number | null;
  curve_x: Float32Array;
  curve_y: Float32Array;
}

/** What one instant of a run is: everything in it belongs together. */
export interface Snapshot {
  kind: "snapshot";
  run: number;
  status: Status;
  step: number;
  epoch: number;
  /** Loss of exactly these weights, over the whole training set or over `loss_rows` of it. */
  loss: number;
  loss_rows: number;
  loss_is_sample: boolean;
  /** The last update's own batch; null before the first. */
  batch_loss: number | null;
  r2: number | null;
  /** Of these weights over the rows held out; null where there are none. */
  validation_loss: number | null;
  validation_r2: number | null;
  /** The least validation loss, and the step of the weights that have it. */
  best: [number, number] | null;
  gradient_norm: number;
  /** The rate that the next update will take. */
  learning_rate: number;
  /** Original units: w1..wd, then the bias if there is one; of several outputs those of each, one after the other. */
  weights: Float64Array | null;
  /** ||w - w_exact|| / ||w_exact||, original units; null where the exact solution is not unique. */
  distance: number | null;
  steps_per_second: number;
  backend: BackendInUse;
  /** What the worker's module holds of the browser's memory. */
  memory_bytes: number;
  /** Fitted curve: prediction at curve_x. */
  curve_x: Float32Array;
  curve_y: Float32Array;
  /** With several inputs: what the weights say of the rows that `points_y` are of; of several classes, the probability of the right one. */
  predicted: Float32Array;
  /** What the penalty adds to `loss`. */
  penalty: number;
  /** Of each part of a cross-validation, its loss under the run that leaves it out; empty where there is none. */
  folds: Float32Array;
  /** The models of the coefficient path; null without one, or where it is not shown. */
  path: PathSnapshot | null;
  history: HistoryDelta;
  marks: Mark[];
}

/** What a model has come to under many strengths of the penalty. */
export interface PathSnapshot {
  /** From the greatest to the least. */
  strengths: Float32Array;
  /** `[strength][feature][output]`, of the scaled features. */
  coefficients: Float32Array;
  /** Mean loss without the penalty, over the training rows and over those held out (NaN where there are none). */
  loss: Float32Array;
  validation: Float32Array;
}

export interface BackendInUse {
  kind: "gpu" | "cpu";
  /** Adapter name, or the CPU engine. */
  name: string;
  /** Why this one: forced, measured (with the figures), or a fallback. */
  reason: Message;
  /** How a full batch is computed, where there is a choice. */
  how: Message | null;
  fallback: boolean;
}

export type Status =
  | { kind: "paused" }
  | { kind: "training" }
  /** A stop condition was met, or the run converged. */
  | { kind: "finished"; reason: Message }
  | { kind: "diverged"; reason: Message; suggested_rate: number };

/** Replaces everything from bucket `first` on. Feed it to `LossChart.apply` unread. */
export interface HistoryDelta {
  first: number;
  batch_loss_min: Float32Array;
  batch_loss_max: Float32Array;
  batch_loss_mean: Float32Array;
  loss: Float32Array;
  rate: Float32Array;
  validation: Float32Array;
}

/** A change that was made in mid-run: drawn on the loss curve where it happened. */
export interface Mark {
  step: number;
  /** Message codes `mark_*` with `from` and `to`. */
  message: Message;
}

export interface Predicted {
  kind: "predicted";
  inputs: number[];
  outputs: number[];
}

/** A prediction and what adds up to it. */
export interface Explained {
  kind: "explained";
  output: number;
  /** What the model says where every feature is at its mean. */
  baseline: number;
  /** What each input adds to it. */
  contributions: number[];
  /** What the outputs mean: a number, or a probability for each class (of two, of the second). */
  response: number[];
}

export interface Exported {
  kind: "exported";
  file_name: string;
  /** A run file: JSON, which also says the step and the loss of the weights in it. */
  text: string;
}

/** A model that another tool has trained; see the exchange wasm, which makes it, for what is in it. */
export interface ForeignModel {
  inputs: { name: string; levels: string[] }[];
  target: string;
  /** Names of its classes; empty where they are not known, or the target is a number. */
  target_levels: string[];
  map: unknown;
  /** `[feature][output]`, of the scaled features. */
  weights: number[][];
  bias: number[] | null;
  activation: "linear" | "sigmoid" | "softmax" | "exponential";
}

/** A model of another tool (`model`) beside the weights as they are (`current`), on the same rows. */
export interface Compared {
  kind: "compared";
  /** The parts that have rows. */
  parts: {
    part: Part;
    n_samples: number;
    /**
     * First `loss` (the run's own, without a penalty), then scores by the names that are worded as `score_*`: of a number
     * `mse`, `rmse`, `mae`, `r2` (of counts `deviance` and `d2` too), of classes `log_loss`, `accuracy`. Null where one is not
     * defined, or the model's outputs mean something that it cannot be taken of.
     */
    scores: { name: string; current: number | null; model: number | null }[];
  }[];
  /** In the units of the data; null where a model has no such term. The bias is the last of each output. */
  coefficients: {
    /** Which class; null where there is but one output. */
    output: string | null;
    /** Null of the bias. */
    term: string | null;
    current: number | null;
    model: number | null;
  }[];
  /** How columns were matched, where that was not by name. */
  notices: Message[];
}

export interface Density {
  kind: "density";
  columns: number;
  rows: number;
  x: [number, number];
  y: [number, number];
  /** Row-major from the bottom row; counts. */
  counts: Uint32Array;
}

export interface Done {
  kind: "done";
}

export type Answer = Inferred | Diagnosed | Opened | Configured | Predicted | Explained | Exported | Compared | Density | Done;

/** How far long work is, while a request waits for it: what is being done, and the share of all of it, 0 to 1. */
export interface Progress {
  kind: "progress";
  message: Message;
  fraction: number;
}

/** What the worker says on its own, beside answers. */
export type Event = Snapshot | Progress;

/** Colours and sizes that the page reads from CSS custom properties; any CSS colour `#rrggbb` or `rgb()/rgba()`. */
export interface ChartTheme {
  background: string;
  ink: string;
  muted: string;
  grid: string;
  fit: string;
  exact: string;
  batch: string;
  rate: string;
  mark: string;
  diverged: string;
  points: string;
  validation: string;
  font: string;
}

/** What is under the pointer, or at the keyboard's cursor, of the loss chart. */
export interface LossReading {
  /** First and last step of the stretch that this pixel column stands for. */
  step: number;
  step_end: number;
  loss: number | null;
  batch_loss: number | null;
  rate: number | null;
  validation: number | null;
  /** Canvas position in CSS pixels. */
  x: number;
  y: number;
  /** Index of the nearest mark within reach; null without one. */
  mark: number | null;
}

/** What is under the pointer of the fit chart. */
export interface FitReading {
  x: number;
  /** The fitted curve there; null before the first snapshot. */
  predicted: number | null;
  exact: number | null;
  /** Nearest point within 12 CSS pixels: index into points, or null. */
  point: number | null;
  point_x: number | null;
  point_y: number | null;
}

/** What a `PlotChart` shows. */
export interface Plot {
  x: PlotAxis;
  y: PlotAxis;
  /** In the order in which they are drawn. */
  series: PlotSeries[];
}

export interface PlotAxis {
  title?: string;
  /** Logarithmic; what is not positive is not drawn. */
  log?: boolean;
  /** What is shown; without it all data, with some room around them. */
  range?: [number, number];
}

export interface PlotSeries {
  /** Rules go through the whole plot: down where y is NaN, across where x is. */
  kind: "points" | "line" | "dashed" | "band" | "steps" | "bars" | "rules";
  /** A name of `ChartTheme`, or a CSS colour. */
  colour: string;
  x: Float32Array;
  y: Float32Array;
  /** The other edge of a band or of bars. */
  low?: Float32Array;
  /** Stands at the end of a line. */
  label?: string;
  /** Whether pointer and keyboard read it: not so for bands and rules, unless it is said. */
  read?: boolean;
  /** Whether it widens the axes: not so for rules, unless it is said. */
  fitted?: boolean;
  /** Of its strokes, CSS pixels. */
  width?: number;
}

/** What is under the pointer, or at the keyboard's cursor, of a plot. */
export interface PlotReading {
  series: number;
  index: number;
  x: number;
  y: number;
}
