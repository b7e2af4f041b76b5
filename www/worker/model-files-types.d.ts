// What passes between the page and the worker of model files.
import type { ForeignModel, Message } from '../wasm/engine/downhill.js';

/** `run` and `text` are run files; `text` may be a model as JSON, too. */
export type ModelFilesRequest =
  /** A run in a format, with what is said of it: `Prepared`. */
  | { kind: 'prepare'; run: string; format: string }
  /** What a file is; nothing where it is no model. */
  | { kind: 'format'; bytes: Uint8Array }
  /** A model: `Seen`. */
  | { kind: 'read'; bytes: Uint8Array }
  /** What a table must have for a model to predict it: `Takes`. */
  | { kind: 'takes'; text: string }
  /** The table with predictions beside it: `Predicted`, and on the way `PredictProgress`. */
  | { kind: 'predict'; text: string; blob: Blob };

/** What a file holds, and how. */
export interface Description {
  file_name: string;
  /** Part and how it is held. */
  holds: [string, string][];
  /** Lines that load it, and what they are written in. */
  how_to_load: string;
  language: string;
  size: number;
}

export interface Prepared {
  description: Description;
  bytes: Uint8Array<ArrayBuffer>;
}

/** What a person sees of a model that was read. */
export interface Seen {
  format: string;
  producer: string | null;
  /** The run file that it carries, where that says the same. */
  run: string | null;
  model: ForeignModel;
  terms: string[];
  /** `[term][output]`, in the units of the data. */
  coefficients: number[][];
  /** One an output; null where there is none. */
  constants: number[] | null;
}

export interface Takes {
  inputs: { name: string; levels: string[] }[];
  target: string;
  outputs: string[];
}

export interface Counts {
  n_rows: number;
  n_predicted: number;
  n_bad: number;
  problems: Message[];
  notices: Message[];
  columns: string[] | null;
  preview: string[][];
}

export interface Predicted {
  counts: Counts;
  blob: Blob;
}

export interface PredictProgress {
  fraction: number;
  n_rows: number;
}
