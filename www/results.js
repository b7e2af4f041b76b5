// @ts-check
// The tabs that come with a table, and a slice in the place of the fit: each is told of a run and of its snapshots, and works when it is looked at.
import { Coefficients } from './coefficients.js';
import { Diagnostics } from './diagnostics.js';
import { Folds, Path } from './path.js';
import { Slice } from './slice.js';

/** @typedef {import('./pkg/downhill.js').Configured} Configured */
/** @typedef {import('./pkg/downhill.js').Snapshot} Snapshot */

export class Results {
  #tabs;
  #path;
  #folds = new Folds();
  #run = 0;

  /**
   * @param {import('./client.js').Client} client
   * @param {(strength: number) => void} choose takes a strength of the penalty
   */
  constructor(client, choose) {
    this.#tabs = [new Coefficients(client), new Diagnostics(client), new Slice(client)];
    this.#path = new Path(choose);
  }

  /**
   * A run began.
   * @param {Configured} run
   */
  begin(run) {
    for (const tab of this.#tabs) tab.begin(run);
    if (!run.dataset) return;
    this.#path.begin(run.dataset, run.config.penalty.strength);
    // Another penalty is no other run.
    if (run.run !== this.#run) this.#folds.begin();
    this.#run = run.run;
  }

  /** @param {Snapshot} snapshot */
  show(snapshot) {
    for (const tab of this.#tabs) tab.show(snapshot);
    if (snapshot.path) this.#path.show(snapshot.path);
    if (snapshot.folds.length) this.#folds.show({ losses: snapshot.folds }, snapshot.step);
  }
}
