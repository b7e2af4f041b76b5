// @ts-check
// The tabs that come with a table, and a slice in the place of the fit: each is told of a run and of its snapshots, and works when it is looked at.
import { Coefficients } from './coefficients.js';
import { Diagnostics } from './diagnostics.js';
import { Folds, Path } from './path.js';
import { Slice } from './slice.js';

/** @typedef {import('../wasm/engine/downhill.js').Configured} Configured */
/** @typedef {import('../wasm/engine/downhill.js').Snapshot} Snapshot */

export class Results {
  #coefficients;
  #diagnostics;
  #slice;
  #path;
  #folds;

  /**
   * @param {import('../client.js').Client} client
   * @param {(strength: number) => void} choose takes a strength of the penalty
   */
  constructor(client, choose) {
    // In the order of their tabs.
    this.#coefficients = new Coefficients(client);
    this.#diagnostics = new Diagnostics(client);
    this.#slice = new Slice(client);
    this.#path = new Path(choose);
    this.#folds = new Folds();
  }

  /**
   * A run began.
   * @param {Configured} run
   */
  begin(run) {
    for (const tab of [this.#coefficients, this.#diagnostics, this.#slice]) tab.begin(run);
    if (run.dataset) this.#path.begin(run.dataset, run.config.penalty.strength);
    this.#folds.begin();
  }

  /**
   * The run goes on under another penalty.
   * @param {Configured} run
   */
  change(run) {
    this.#coefficients.begin(run);
    this.#diagnostics.change(run.config);
    this.#slice.change(run.config);
    this.#path.mark(run.config.penalty.strength);
  }

  /** @param {Snapshot} snapshot */
  show(snapshot) {
    for (const tab of [this.#coefficients, this.#diagnostics, this.#slice]) tab.show(snapshot);
    if (snapshot.path) this.#path.show(snapshot.path);
    if (snapshot.folds.length) this.#folds.show({ losses: snapshot.folds }, snapshot.step);
  }
}
