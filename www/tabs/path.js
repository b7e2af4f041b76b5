// @ts-check
// Coefficients by the strength of the penalty, drawn while all strengths are trained at once, and the validation loss beneath.
import { make, makeButton } from '../parts/dom.js';
import { MOST_LINES, PlotFigure, column, lineLook } from '../parts/plot-figure.js';
import { addStyle } from '../parts/styles.js';
import { count, figure } from '../words/index.js';
import { said } from '../words/table.js';
import { isWide } from './scale.js';

/** @typedef {import('../store.js').Page} Page */
/** @typedef {import('../parts/plot-figure.js').Picture} Picture */
/** @typedef {import('../wasm/engine/downhill.js').PlotSeries} PlotSeries */
/** @typedef {NonNullable<import('../store.js').State['path']>} Path */
/**
 * @typedef {object} Shown
 * @property {Path} path
 * @property {string[]} terms
 * @property {number} chosen the strength of the run
 * @property {boolean} dark
 * @property {(strength: number) => void} choose
 */

/**
 * @param {Page} page
 * @param {HTMLElement} panel
 */
export function start(page, panel) {
  addStyle('table.css');
  const { store, runner } = page;
  const [coefficients, loss] = [new PlotFigure(page, 'path-coefficients'), new PlotFigure(page, 'path-loss')];
  const choose = (/** @type {number} */ strength) => {
    const { config } = store.state;
    void runner.edit({ ...config, penalty: { ...config.penalty, strength } });
  };
  const best = makeButton('', '', () => {
    const { path } = store.state;
    const at = path ? leastOf(path) : undefined;
    if (path && at !== undefined) choose(path.strengths[at]);
  });
  const row = make('div', 'diagnostics-head');
  row.append(best);
  panel.append(row, coefficients.element, loss.element);
  const draw = () => {
    const { tab, path, dataset, run, theme } = store.state;
    if (tab !== 'path' || !path || !dataset || !run) return;
    /** @type {Shown} */
    const shown = { path, terms: dataset.terms, chosen: run.config.penalty.strength, dark: theme.dark, choose };
    coefficients.show(coefficientsOf(shown));
    loss.show(lossOf(shown));
    const at = leastOf(path);
    best.hidden = at === undefined;
    if (at !== undefined) best.textContent = said('path_take_best', { strength: figure(path.strengths[at], true) });
  };
  store.subscribe(['tab', 'path', 'exact', 'theme', 'language'], draw);
  draw();
}

/** The chosen strength, where it has a place on a logarithmic axis. @param {number} chosen @returns {PlotSeries[]} */
function markOf(chosen) {
  return chosen > 0 ? [{ kind: 'rules', colour: 'rate', x: column([chosen]), y: column([NaN]), width: 2 }] : [];
}

/** The axis of strengths. @param {Path} path */
function axisOf({ strengths }) {
  const [low, high] = [Math.min(...strengths), Math.max(...strengths)];
  return { title: said('path_strength'), log: true, range: /** @type {[number, number]} */ ([low / 1.15, high * 1.15]) };
}

/**
 * @param {Shown} shown
 * @returns {Picture}
 */
function coefficientsOf({ path, terms, chosen, dark, choose }) {
  const { strengths, coefficients } = path;
  const width = coefficients.length / strengths.length;
  const of = (/** @type {number} */ term) => strengths.map((_, s) => coefficients[s * width + term]);
  // The largest anywhere on the path have colours; the others are there, and are read.
  const size = terms.map((_, term) => Math.max(...of(term).map(Math.abs)));
  const rank = terms.map((_, term) => term).sort((a, b) => size[b] - size[a]);
  const coloured = rank.slice(0, MOST_LINES);
  const look = lineLook(dark);
  const lines = rank.map((term, place) => (place < coloured.length
    ? { ...look(place), x: strengths, y: of(term), width: 2 }
    : { kind: /** @type {const} */ ('line'), colour: 'grid', x: strengths, y: of(term), width: 1 }));
  const zero = { kind: /** @type {const} */ ('rules'), colour: 'exact', x: column([NaN]), y: column([0]), width: 1 };
  const marks = [zero, ...markOf(chosen)];
  const nearest = nearestTo(strengths, chosen);
  const kept = terms.filter((_, term) => coefficients[nearest * width + term] !== 0).length;
  const others = terms.length - coloured.length;
  const strength = (/** @type {number} */ value) => figure(value, true);
  /** @type {NonNullable<Picture['legend']>} */
  const legend = coloured.map((term, place) => ({ mark: look(place).kind, colour: look(place).colour, words: terms[term] }));
  if (others > 0) legend.push({ mark: 'line', colour: 'grid', words: said('path_others', { n: count(others) }) });
  if (chosen > 0) legend.push({ mark: 'dashed', colour: 'rate', words: said('path_chosen', { strength: strength(chosen) }) });
  return {
    title: said('path_coefficients'),
    plot: { x: axisOf(path), y: { title: said('path_coefficient') }, series: [...marks, ...lines] },
    legend,
    hint: said('path_hint'),
    text: said('path_text', { strength: strength(strengths[nearest]), kept: count(kept), terms: count(terms.length) }),
    read: ({ series, x, y }) => {
      const term = terms[rank[series - marks.length]] ?? '';
      return said('path_read', { term, strength: figure(x), value: figure(y === 0 ? 0 : y) });
    },
    choose: ({ index }) => choose(strengths[index]),
  };
}

/**
 * @param {Shown} shown
 * @returns {Picture}
 */
function lossOf({ path, chosen, choose }) {
  const { strengths, loss, validation } = path;
  const best = leastOf(path);
  /** @type {NonNullable<Picture['legend']>} */
  const legend = [{ mark: 'line', colour: 'fit', words: said('path_training') }];
  if (validation.length) legend.push({ mark: 'dashed', colour: 'validation', words: said('path_validation') });
  /** @type {PlotSeries[]} */
  const series = [{ kind: 'line', colour: 'fit', x: strengths, y: loss }];
  if (validation.length) series.push({ kind: 'dashed', colour: 'validation', x: strengths, y: validation });
  if (best !== undefined) {
    series.push({ kind: 'points', colour: 'validation', x: column([strengths[best]]), y: column([validation[best]]), read: false });
  }
  return {
    title: said('path_loss'),
    plot: {
      x: axisOf(path),
      y: { title: said('path_loss_axis'), log: isWide(loss, validation) },
      series: [...series, ...markOf(chosen)],
    },
    legend,
    hint: said(validation.length ? 'path_loss_hint' : 'path_loss_none'),
    text: best === undefined
      ? said('path_loss_none')
      : said('path_loss_text', { strength: figure(strengths[best], true), loss: figure(validation[best]) }),
    read: ({ series, x, y }) => {
      const words = series === 0 ? 'path_read_training' : 'path_read_validation';
      return said(words, { strength: figure(x), loss: figure(y) });
    },
    choose: ({ index }) => choose(strengths[index]),
  };
}

/** Where the validation loss is least. @param {Path} path */
function leastOf({ validation }) {
  if (!validation.length) return undefined;
  const least = validation.reduce((found, loss, i) => (loss < validation[found] || Number.isNaN(validation[found]) ? i : found), 0);
  return Number.isNaN(validation[least]) ? undefined : least;
}

/**
 * The place of the strength that is nearest to another.
 * @param {Float32Array} strengths
 * @param {number} strength
 */
function nearestTo(strengths, strength) {
  const apart = (/** @type {number} */ each) => Math.abs(each - strength);
  return strengths.reduce((found, each, i) => (apart(each) < apart(strengths[found]) ? i : found), 0);
}
