// @ts-check
// The coefficients of a run on a table, as a tab beside the fit: least squares with how sure it is of each, and beside it
// what descent has reached. Loaded with the first table.
import { count, figure } from './i18n.js';
import { said } from './i18n/table.js';
import { make } from './form.js';
import { addStyle } from './general.js';
import { addTab } from './tabs.js';

/** @typedef {import('./pkg/downhill.js').Inferred} Inferred */
/** @typedef {import('./pkg/downhill.js').Configured} Configured */
/** @typedef {import('./pkg/downhill.js').Snapshot} Snapshot */

/** Rows times squared features that are worked on unasked. */
const UNASKED = 3e8;

const HEADS = ['term', 'estimate', 'descent', 'distance', 'error', 't', 'p', 'interval', 'vif'];

/** The tab and what it shows. */
export class Coefficients {
  #view;
  #panel;
  /** @type {Configured | undefined} */
  #run;
  /** @type {Inferred | undefined} */
  #inferred;
  /** @type {Snapshot | undefined} */
  #snapshot;
  /** @type {{ descent: HTMLElement, distance: HTMLElement }[]} */
  #cells = [];

  /** @param {import('./client.js').Client} client */
  constructor(client) {
    this.client = client;
    addStyle('table.css');
    this.#view = addTab('coefficients', () => void this.#fill());
    this.#panel = this.#view.panel;
  }

  /**
   * A run began.
   * @param {Configured} run
   */
  begin(run) {
    this.#run = run;
    this.#inferred = undefined;
    const { source } = run.config.data;
    this.#view.tab.textContent = said('coefficients');
    this.#view.hide(source.kind === 'linspace');
    if (this.#view.isShown) void this.#fill();
  }

  /** @param {Snapshot} snapshot */
  show(snapshot) {
    this.#snapshot = snapshot;
    if (this.#view.isShown) this.#draw();
  }

  async #fill() {
    const run = this.#run;
    if (!run?.dataset || this.#inferred) return;
    const { n_samples: n, n_features: p } = run.dataset;
    if (n * p * p > UNASKED) {
      const ask = make('button', '', said('infer'));
      ask.setAttribute('type', 'button');
      ask.addEventListener('click', () => void this.#infer(run));
      this.#panel.replaceChildren(make('p', 'muted', said('infer_large', { n: count(n), p: count(p) })), ask);
      return;
    }
    await this.#infer(run);
  }

  /** @param {Configured} run */
  async #infer(run) {
    this.#panel.replaceChildren(make('p', 'muted', said('inferring')));
    /** @type {Inferred} */
    const inferred = await this.client.ask({ kind: 'infer', config: run.config });
    if (run !== this.#run || !inferred.inference) return;
    this.#inferred = inferred;
    this.#build(inferred);
    this.#draw();
  }

  /** @param {Inferred} inferred */
  #build({ terms = [], inference }) {
    if (!inference) return;
    const summary = make('p', 'summary', said('infer_summary', {
      n: count(inference.n_samples), df: count(inference.degrees_of_freedom), deviation: figure(inference.residual_deviation),
      r2: figure(inference.r2), adjusted: figure(inference.adjusted_r2), f: figure(inference.f?.[0]), fp: figure(inference.f?.[1]),
      condition: figure(inference.condition),
    }));
    const table = document.createElement('table');
    const head = table.createTHead().insertRow();
    for (const name of HEADS) {
      const cell = document.createElement('th');
      cell.scope = 'col';
      cell.textContent = said(`head_${name}`);
      head.append(cell);
    }
    const body = table.createTBody();
    this.#cells = inference.coefficients.map((coefficient, i) => {
      const row = body.insertRow();
      const name = document.createElement('th');
      name.scope = 'row';
      name.textContent = terms[i] ?? said('coefficient_bias');
      row.append(name);
      const { estimate, standard_error, t, p, interval, inflation, dropped } = coefficient;
      row.insertCell().textContent = dropped ? '–' : figure(estimate);
      const [descent, distance] = [row.insertCell(), row.insertCell()];
      descent.className = 'descent';
      distance.className = 'descent';
      if (dropped) {
        const why = row.insertCell();
        why.colSpan = 5;
        why.className = 'muted';
        why.textContent = said('dropped');
      } else {
        const ends = interval && said('interval', { low: figure(interval[0]), high: figure(interval[1]) });
        for (const words of [figure(standard_error), figure(t), figure(p), ends ?? '–', figure(inflation)]) {
          row.insertCell().textContent = words;
        }
      }
      return { descent, distance };
    });
    const scroll = make('div', 'scroll');
    scroll.tabIndex = 0;
    scroll.setAttribute('role', 'region');
    scroll.setAttribute('aria-label', said('coefficients'));
    scroll.append(table);
    const save = make('button', '', said('save_csv'));
    save.setAttribute('type', 'button');
    save.addEventListener('click', () => this.#save());
    this.#panel.replaceChildren(summary, scroll, make('p', 'muted', said('infer_assumes')), save);
  }

  #draw() {
    const { inference } = this.#inferred ?? {};
    if (!inference || !this.#snapshot) return;
    this.#snapshot.weights.forEach((weight, i) => {
      const [cells, coefficient] = [this.#cells[i], inference.coefficients[i]];
      if (!cells || !coefficient) return;
      const { estimate, standard_error: error } = coefficient;
      cells.descent.textContent = figure(weight);
      cells.distance.textContent = error ? figure((weight - estimate) / error) : '–';
    });
  }

  #save() {
    const { terms = [], inference } = this.#inferred ?? {};
    if (!inference) return;
    const quoted = (/** @type {string} */ words) => `"${words.replaceAll('"', '""')}"`;
    const lines = inference.coefficients.map((coefficient, i) => [
      quoted(terms[i] ?? 'bias'), coefficient.estimate, coefficient.standard_error ?? '', coefficient.t ?? '', coefficient.p ?? '',
      ...(coefficient.interval ?? ['', '']), coefficient.inflation ?? '', this.#snapshot?.weights[i] ?? '',
    ].join(','));
    const content = ['term,estimate,standard_error,t,p,low_95,high_95,vif,descent', ...lines].join('\n');
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([`${content}\n`], { type: 'text/csv' }));
    link.download = 'downhill-coefficients.csv';
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }
}
