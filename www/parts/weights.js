// @ts-check
// The weights, each next to that of the exact solution.
import { figure, text } from '../words/index.js';
import { framed, make, part, put } from './dom.js';

/** @typedef {import('../store.js').State} State */
/** @typedef {import('../store.js').DatasetInfo} DatasetInfo */

/** @param {import('../store.js').Page} page */
export function startWeights({ root, store }) {
  const output = part(root, 'weights');
  /** Where each weight stands. @type {HTMLElement[]} */
  let places = [];

  const draw = framed(() => {
    store.state.snapshot?.weights?.forEach((weight, i) => put(places[i], figure(weight)));
  });
  const build = () => {
    const { dataset, exact, run } = store.state;
    if (!dataset || !exact || !run) return;
    places = buildRows(output, dataset, exact, run.config.model.bias);
    const { scaling } = dataset;
    put(part(root, 'standardized-note'), scaling ? text(scaling === true ? 'in_standardized' : 'in_min_max') : '');
  };
  store.subscribe(['dataset', 'exact', 'language'], build);
  store.subscribe(['snapshot', 'language'], draw);
}

/**
 * A row for each weight; returns where the weights are put.
 * @param {HTMLElement} output
 * @param {DatasetInfo} dataset
 * @param {import('../wasm/engine/downhill.js').Exact} exact
 * @param {boolean} bias
 */
function buildRows(output, dataset, exact, bias) {
  const head = make('div', 'row head');
  head.append(make('span'), make('span', '', text('now')), make('span', '', text('exact')));
  output.replaceChildren(head);
  const perOutput = dataset.terms.length + (bias ? 1 : 0);
  const n = exact.weights.length;
  const several = n > perOutput;
  const named = several || dataset.inputs.length > 1;
  output.classList.toggle('named', named);
  return exact.weights.map((best, i) => {
    const term = i % perOutput;
    const isBias = term === dataset.terms.length;
    if (several && term === 0) {
      const of = make('div', 'row head class');
      of.append(make('span', 'name', dataset.classes[i / perOutput]));
      output.append(of);
    }
    const now = make('span', 'figure now', '–');
    const shown = best === null || exact.unique ? figure(best) : text('not_unique');
    const row = make('div', 'row');
    row.append(
      named ? nameOf(isBias ? text('bias') : dataset.terms[term]) : symbolOf(isBias, n > 2 ? i + 1 : 0),
      now,
      make('span', 'figure exact', shown),
    );
    output.append(row);
    return now;
  });
}

/** @param {string} words */
function nameOf(words) {
  const name = make('span', 'name', words);
  name.title = words;
  return name;
}

/**
 * @param {boolean} isBias
 * @param {number} index below the symbol; none where it is 0
 */
function symbolOf(isBias, index) {
  const symbol = make('span', 'symbol', isBias ? 'b' : 'w');
  if (!isBias && index) symbol.append(make('sub', '', String(index)));
  return symbol;
}
