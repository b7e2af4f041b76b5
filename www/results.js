// @ts-check
// The tabs that come with a table, and a slice in the place of the fit: each is told of a run and of its snapshots, and works when it is looked at.
import { Coefficients } from './coefficients.js';
import { Diagnostics } from './diagnostics.js';
import { Slice } from './slice.js';

/** @typedef {import('./pkg/downhill.js').Configured} Configured */
/** @typedef {import('./pkg/downhill.js').Snapshot} Snapshot */

export class Results {
  #tabs;

  /** @param {import('./client.js').Client} client */
  constructor(client) {
    this.#tabs = [new Coefficients(client), new Diagnostics(client), new Slice(client)];
  }

  /**
   * A run began.
   * @param {Configured} run
   */
  begin(run) {
    for (const tab of this.#tabs) tab.begin(run);
  }

  /** @param {Snapshot} snapshot */
  show(snapshot) {
    for (const tab of this.#tabs) tab.show(snapshot);
  }
}
