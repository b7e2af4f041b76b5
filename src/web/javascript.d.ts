// Types that Rust has in other crates, or not at all. Those of the engine are in types.d.ts.

/** What the page asks of its worker: of the session, or of the table that the worker keeps. Every request is answered, or refused with a `Message`. */
export type Request =
  | SessionRequest
  /**
   * Reads and previews a table of the user's; without `blob`, the previous one again, as `dialect` says. With `sample`, a
   * table that does not fit (`storage_refused`, `storage_full`) becomes a sample of its rows.
   */
  | { kind: "open_table"; name: string; blob?: Blob; dialect?: Dialect | { sheet: string }; sample?: boolean }
  /** What can be inferred about the optimum of a run on a table. */
  | { kind: "infer"; config: RunConfig }
  /** How weights (as in a snapshot) do on a part of the rows of a table; an effect holds the other inputs at values. */
  | { kind: "diagnose"; config: RunConfig; weights: number[]; part: Part; effect?: { input: number; at: (number | null)[] }; exact: boolean };

export type Answer = SessionAnswer | Inferred | Diagnosed | Opened;

export type Configured = Extract<SessionAnswer, { kind: "configured" }>;
export type Predicted = Extract<SessionAnswer, { kind: "predicted" }>;
export type Explained = Extract<SessionAnswer, { kind: "explained" }>;
export type Exported = Extract<SessionAnswer, { kind: "exported" }>;
export type Compared = Extract<SessionAnswer, { kind: "compared" }>;
export type Density = Extract<SessionAnswer, { kind: "density" }>;

/** What the worker posts without being asked. */
export type Event = Snapshot | Progress;

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
  inputs: Input[];
  target: string;
  /** What the target's numbers stand for, where it is a category. */
  target_levels: string[];
  /** What rows hold behind the target, in order. */
  extras: Extra[];
  fingerprint: string;
  /** Rows of the table, and of its file, which are more where it is a sample; rows left out, and cells filled. */
  counts: { n_taken: number; n_read: number; n_dropped: number; n_bad: number; n_filled: number };
  /** Fills whole rows from `first` on: the inputs, the target, the extras. Throws an `Error` with `code` and `params`. */
  read(first: number, rows: Float64Array): void;
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

/** The table of a choice: its entries in the order in which they are offered, the default first. */
export interface ChoiceSpec {
  name: string;
  /** Its path in a configuration. */
  path: string;
  /** Whether a configuration has an object with a `kind`, or else only the name. */
  tagged: boolean;
  entries: {
    name: string;
    /** How a configuration writes it, if not by its name. */
    written?: boolean;
    parameters: ParameterSpec[];
  }[];
}

/** A parameter of an entry. */
export interface ParameterSpec {
  name: string;
  /** `number`, `count`, `flag`, `text`, or the name of the choice whose entries it takes. */
  kind: string;
  range: [number, number] | null;
  /** What a number counts. */
  unit: string | null;
}
