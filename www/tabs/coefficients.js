// @ts-check
// The coefficients of a run on a table: least squares with how sure it is of each, and next to it what descent has reached.
import { makeButton, make } from '../parts/dom.js';
import { download } from '../parts/saving.js';
import { addStyle } from '../parts/styles.js';
import { isCurrent } from '../store.js';
import { count, figure } from '../words/index.js';
import { said } from '../words/table.js';

/** @typedef {import('../wasm/engine/downhill.js').Inferred} Inferred */
/** @typedef {import('../wasm/engine/downhill.js').Coefficient} Coefficient */
/** @typedef {import('../store.js').Page} Page */

/** Rows times squared features that are worked on unasked. */
const UNASKED = 3e8;

const HEADS = ['term', 'estimate', 'scaled', 'descent', 'distance', 'error', 't', 'p', 'interval', 'vif'];
/** Where no errors can be told. */
const PLAIN_HEADS = ['term', 'estimate', 'scaled', 'descent', 'apart'];

/**
 * @param {Page} page
 * @param {HTMLElement} panel
 */
export function start(page, panel) {
  addStyle('table.css');
  new Coefficients(page, panel);
}

class Coefficients {
  #page;
  #panel;
  /** @type {Inferred | undefined} */
  #inferred;
  /** @type {{ descent: HTMLElement, distance: HTMLElement }[]} */
  #cells = [];

  /**
   * @param {Page} page
   * @param {HTMLElement} panel
   */
  constructor(page, panel) {
    this.#page = page;
    this.#panel = panel;
    page.store.subscribe(['dataset', 'exact'], () => {
      this.#inferred = undefined;
      this.#fill();
    });
    page.store.subscribe(['tab'], () => this.#fill());
    page.store.subscribe(['tab', 'snapshot'], () => this.#draw());
    this.#fill();
  }

  get #isShown() {
    return this.#page.store.state.tab === 'coefficients';
  }

  #fill() {
    const { dataset } = this.#page.store.state;
    if (!this.#isShown || !dataset || this.#inferred) return;
    const { n_samples: n, n_features: p } = dataset;
    if (n * p * p <= UNASKED) {
      void this.#infer();
      return;
    }
    const ask = makeButton('', said('infer'), () => void this.#infer());
    this.#panel.replaceChildren(make('p', 'muted', said('infer_large', { n: count(n), p: count(p) })), ask);
  }

  async #infer() {
    const { store, client } = this.#page;
    const { run, dataset, exact } = store.state;
    if (!run) return;
    this.#panel.replaceChildren(make('p', 'muted', said('inferring')));
    /** @type {Inferred} */
    const inferred = await client.ask({ kind: 'infer', config: run.config });
    if (store.state.dataset !== dataset || store.state.exact !== exact || !inferred.inferred) return;
    this.#inferred = inferred;
    this.#build(inferred);
    this.#draw();
  }

  /** Coefficients of all outputs, one after the other, as weights are. */
  get #coefficients() {
    const { inferred } = this.#inferred ?? {};
    return inferred ? inferred.coefficients.flat() : [];
  }

  /** @param {Inferred} answer */
  #build({ terms = [], inferred }) {
    if (!inferred) return;
    const sure = inferred.kind !== 'optimum';
    const table = document.createElement('table');
    const head = table.createTHead().insertRow();
    for (const name of sure ? HEADS : PLAIN_HEADS) {
      head.append(heading('col', name === 't' && inferred.kind === 'likelihood' ? 'z' : said(`head_${name}`)));
    }
    const body = table.createTBody();
    const classes = this.#page.store.state.dataset?.classes ?? [];
    const outputs = inferred.kind === 'optimum' ? inferred.coefficients : [inferred.coefficients];
    this.#cells = outputs.flatMap((coefficients, output) => coefficients.map((coefficient, i) => {
      const term = terms[i] ?? said('coefficient_bias');
      const row = body.insertRow();
      row.append(heading('row', outputs.length > 1 ? `${classes[output] ?? output}: ${term}` : term));
      return fillRow(row, coefficient, sure);
    }));
    const scroll = make('div', 'scroll');
    scroll.tabIndex = 0;
    scroll.setAttribute('role', 'region');
    scroll.setAttribute('aria-label', said('coefficients'));
    scroll.append(table);
    this.#panel.replaceChildren(
      make('p', 'summary', summaryOf(inferred)),
      scroll,
      make('p', 'muted', said(sure ? `infer_assumes_${inferred.kind}` : 'infer_assumes_optimum')),
      makeButton('', said('save_csv'), () => this.#save()),
    );
  }

  #draw() {
    const { state } = this.#page.store;
    if (!this.#isShown || !isCurrent(state)) return;
    const coefficients = this.#coefficients;
    state.snapshot?.weights?.forEach((weight, i) => {
      const [cells, coefficient] = [this.#cells[i], coefficients[i]];
      if (!cells || !coefficient) return;
      const { estimate, standard_error: error } = coefficient;
      cells.descent.textContent = figure(weight);
      const isOptimum = this.#inferred?.inferred?.kind === 'optimum';
      if (error) cells.distance.textContent = figure((weight - estimate) / error);
      else cells.distance.textContent = error === null && isOptimum ? figure(weight - estimate) : '–';
    });
  }

  #save() {
    const { terms = [], inferred } = this.#inferred ?? {};
    if (!inferred) return;
    const { dataset, snapshot } = this.#page.store.state;
    const quoted = (/** @type {string} */ words) => `"${words.replaceAll('"', '""')}"`;
    const perOutput = inferred.kind === 'optimum' ? inferred.coefficients[0].length : inferred.coefficients.length;
    const several = this.#coefficients.length > perOutput;
    const lines = this.#coefficients.map((coefficient, i) => [
      quoted(`${several ? `${dataset?.classes[Math.floor(i / perOutput)]}: ` : ''}${terms[i % perOutput] ?? 'bias'}`),
      coefficient.estimate, coefficient.standard_error ?? '', coefficient.t ?? '', coefficient.p ?? '',
      ...(coefficient.interval ?? ['', '']), coefficient.inflation ?? '', snapshot?.weights?.[i] ?? '', coefficient.scaled,
    ].join(','));
    const content = ['term,estimate,standard_error,t,p,low_95,high_95,vif,descent,standardized', ...lines].join('\n');
    download('downhill-coefficients.csv', new Blob([`${content}\n`], { type: 'text/csv' }));
  }
}

/**
 * @param {'row' | 'col'} scope
 * @param {string} words
 */
function heading(scope, words) {
  const cell = document.createElement('th');
  cell.scope = scope;
  cell.textContent = words;
  return cell;
}

/**
 * What is known of a coefficient; returns where descent's own is put, and how far it is.
 * @param {HTMLTableRowElement} row
 * @param {Coefficient} coefficient
 * @param {boolean} sure whether errors are known
 */
function fillRow(row, { estimate, scaled, standard_error, t, p, interval, inflation, dropped }, sure) {
  for (const value of [estimate, scaled]) row.insertCell().textContent = dropped ? '–' : figure(value);
  const [descent, distance] = [row.insertCell(), row.insertCell()];
  descent.className = 'descent';
  distance.className = 'descent';
  if (sure && dropped) {
    const why = row.insertCell();
    why.colSpan = 5;
    why.className = 'muted';
    why.textContent = said('dropped');
  } else if (sure) {
    const ends = interval ? said('interval', { low: figure(interval[0]), high: figure(interval[1]) }) : '–';
    for (const words of [figure(standard_error), figure(t), figure(p), ends, figure(inflation)]) row.insertCell().textContent = words;
  }
  return { descent, distance };
}

/** @param {NonNullable<Inferred['inferred']>} inferred */
function summaryOf(inferred) {
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
