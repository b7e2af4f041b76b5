// @ts-check
// The coefficients of a run on a table, as a tab beside the fit: least squares with how sure it is of each, and beside it
// what descent has reached. Loaded with the first table.
import { count, figure } from '../words/index.js';
import { said } from '../words/table.js';
import { make } from '../parts/dom.js';
import { addStyle } from '../parts/styles.js';
import { addTab } from './tabs.js';

/** @typedef {import('../wasm/engine/downhill.js').Inferred} Inferred */
/** @typedef {import('../wasm/engine/downhill.js').Configured} Configured */
/** @typedef {import('../wasm/engine/downhill.js').Snapshot} Snapshot */

/** Rows times squared features that are worked on unasked. */
const UNASKED = 3e8;

const HEADS = ['term', 'estimate', 'scaled', 'descent', 'distance', 'error', 't', 'p', 'interval', 'vif'];
/** Where no errors can be told. */
const PLAIN_HEADS = ['term', 'estimate', 'scaled', 'descent', 'apart'];

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

  /** @param {import('../client.js').Client} client */
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
    if (run !== this.#run || !inferred.inferred) return;
    this.#inferred = inferred;
    this.#build(inferred);
    this.#draw();
  }

  /** Coefficients of all outputs, one after the other, as weights are. */
  get #coefficients() {
    const { inferred } = this.#inferred ?? {};
    return inferred ? inferred.coefficients.flat() : [];
  }

  /** @param {NonNullable<Inferred['inferred']>} inferred */
  #summary(inferred) {
    if (inferred.kind === 'optimum') {
      const { objective, unique } = inferred.optimum;
      const words = said('infer_optimum', { objective: figure(objective), reason: said(`infer_${inferred.reason}`) });
      return unique || inferred.reason === 'infinite' ? words : `${words} ${said('infer_not_unique')}`;
    }
    const rows = { n: count(inferred.n_samples), df: count(inferred.degrees_of_freedom), condition: figure(inferred.condition) };
    if (inferred.kind === 'likelihood') {
      return said('infer_likelihood', {
        ...rows, log: figure(inferred.log_likelihood), deviance: figure(inferred.deviance), null: figure(inferred.null_deviance),
        r2: figure(inferred.pseudo_r2), ratio: figure(inferred.likelihood_ratio?.[0]), p: figure(inferred.likelihood_ratio?.[1]),
      });
    }
    return said('infer_summary', {
      ...rows, deviation: figure(inferred.residual_deviation), r2: figure(inferred.r2), adjusted: figure(inferred.adjusted_r2),
      f: figure(inferred.f?.[0]), fp: figure(inferred.f?.[1]),
    });
  }

  /** @param {Inferred} answer */
  #build({ terms = [], inferred }) {
    if (!inferred) return;
    const summary = make('p', 'summary', this.#summary(inferred));
    const sure = inferred.kind !== 'optimum';
    const table = document.createElement('table');
    const head = table.createTHead().insertRow();
    for (const name of sure ? HEADS : PLAIN_HEADS) {
      const cell = document.createElement('th');
      cell.scope = 'col';
      cell.textContent = name === 't' && inferred.kind === 'likelihood' ? 'z' : said(`head_${name}`);
      head.append(cell);
    }
    const body = table.createTBody();
    const classes = this.#run?.dataset?.classes ?? [];
    const outputs = inferred.kind === 'optimum' ? inferred.coefficients : [inferred.coefficients];
    this.#cells = outputs.flatMap((coefficients, output) => coefficients.map((coefficient, i) => {
      const row = body.insertRow();
      const name = document.createElement('th');
      name.scope = 'row';
      const term = terms[i] ?? said('coefficient_bias');
      name.textContent = outputs.length > 1 ? `${classes[output] ?? output}: ${term}` : term;
      row.append(name);
      const { estimate, scaled, standard_error, t, p, interval, inflation, dropped } = coefficient;
      for (const value of [estimate, scaled]) row.insertCell().textContent = dropped ? '–' : figure(value);
      const [descent, distance] = [row.insertCell(), row.insertCell()];
      descent.className = 'descent';
      distance.className = 'descent';
      if (!sure) return { descent, distance };
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
    }));
    const scroll = make('div', 'scroll');
    scroll.tabIndex = 0;
    scroll.setAttribute('role', 'region');
    scroll.setAttribute('aria-label', said('coefficients'));
    scroll.append(table);
    const save = make('button', '', said('save_csv'));
    save.setAttribute('type', 'button');
    save.addEventListener('click', () => this.#save());
    this.#panel.replaceChildren(summary, scroll, make('p', 'muted', said(sure ? `infer_assumes_${inferred.kind}` : 'infer_assumes_optimum')), save);
  }

  #draw() {
    if (!this.#snapshot) return;
    const coefficients = this.#coefficients;
    this.#snapshot.weights?.forEach((weight, i) => {
      const [cells, coefficient] = [this.#cells[i], coefficients[i]];
      if (!cells || !coefficient) return;
      const { estimate, standard_error: error } = coefficient;
      cells.descent.textContent = figure(weight);
      if (error) cells.distance.textContent = figure((weight - estimate) / error);
      else cells.distance.textContent = error === null && this.#inferred?.inferred?.kind === 'optimum' ? figure(weight - estimate) : '–';
    });
  }

  #save() {
    const { terms = [], inferred } = this.#inferred ?? {};
    if (!inferred) return;
    const quoted = (/** @type {string} */ words) => `"${words.replaceAll('"', '""')}"`;
    const classes = this.#run?.dataset?.classes ?? [];
    const perOutput = inferred.kind === 'optimum' ? inferred.coefficients[0].length : inferred.coefficients.length;
    const several = this.#coefficients.length > perOutput;
    const lines = this.#coefficients.map((coefficient, i) => [
      quoted(`${several ? `${classes[Math.floor(i / perOutput)]}: ` : ''}${terms[i % perOutput] ?? 'bias'}`),
      coefficient.estimate, coefficient.standard_error ?? '', coefficient.t ?? '', coefficient.p ?? '',
      ...(coefficient.interval ?? ['', '']), coefficient.inflation ?? '', this.#snapshot?.weights?.[i] ?? '', coefficient.scaled,
    ].join(','));
    const content = ['term,estimate,standard_error,t,p,low_95,high_95,vif,descent,standardized', ...lines].join('\n');
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([`${content}\n`], { type: 'text/csv' }));
    link.download = 'downhill-coefficients.csv';
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }
}
