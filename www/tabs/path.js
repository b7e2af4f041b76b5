// @ts-check
// Coefficients by the strength of the penalty, drawn while all strengths are trained at once, and the validation loss beneath;
// and how the parts of a cross-validation do over time.
import { count, figure } from '../words/index.js';
import { said } from '../words/table.js';
import { make } from '../parts/dom.js';
import { addStyle } from '../parts/styles.js';
import { onChange } from '../parts/changes.js';
import { MOST_LINES, PlotFigure, column, lineLook } from '../parts/plots.js';
import { addTab } from './tabs.js';

/** @typedef {import('../wasm/engine/downhill.js').DatasetInfo} DatasetInfo */
/** @typedef {import('../wasm/engine/downhill.js').PlotSeries} PlotSeries */

/**
 * What is trained for many strengths at once.
 * @typedef {object} StrengthPath
 * @property {Float32Array} strengths
 * @property {Float32Array} coefficients of the scaled features: `[strength][term]`, or with the bias as the last term
 * @property {Float32Array} loss on the rows that are trained on
 * @property {Float32Array} validation on those held out; empty where there are none
 */

/** The tab of the path. */
export class Path {
  #view;
  #choose;
  #best = make('button');
  /** @type {[PlotFigure, PlotFigure] | undefined} */
  #figures;
  /** @type {DatasetInfo | undefined} */
  #dataset;
  #chosen = 0;
  /** @type {StrengthPath | undefined} */
  #path;
  #drawing = false;

  /** @param {(strength: number) => void} choose is called with the strength that a person takes */
  constructor(choose) {
    this.#choose = choose;
    addStyle('table.css');
    addStyle('plots.css');
    this.#view = addTab('path', () => void this.#draw());
    this.#best.setAttribute('type', 'button');
    this.#view.hide(true);
    onChange(() => {
      this.#view.tab.textContent = said('path');
      if (this.#view.isShown) void this.#draw();
    });
  }

  /**
   * A run began.
   * @param {DatasetInfo} dataset
   * @param {number} strength that it is trained at
   */
  begin(dataset, strength) {
    this.#dataset = dataset;
    this.#chosen = strength;
    this.#path = undefined;
    this.#view.tab.textContent = said('path');
    this.#view.hide(true);
  }

  /**
   * As far as it is trained.
   * @param {StrengthPath} path
   * @param {number} [chosen] the strength of the run that is shown
   */
  show(path, chosen = this.#chosen) {
    this.#path = path;
    this.#chosen = chosen;
    this.#view.hide(path.strengths.length < 2);
    if (this.#view.isShown) void this.#draw();
  }

  /**
   * The run goes on at another strength.
   * @param {number} strength
   */
  mark(strength) {
    this.#chosen = strength;
    if (this.#view.isShown) void this.#draw();
  }

  async #draw() {
    // One drawing at a time: what came meanwhile is drawn next.
    if (this.#drawing || !this.#path) return;
    this.#drawing = true;
    this.#figures ??= [new PlotFigure('path-coefficients'), new PlotFigure('path-loss')];
    const [coefficients, loss] = this.#figures;
    if (!coefficients.element.isConnected) {
      const row = make('div', 'diagnostics-head');
      row.append(this.#best);
      this.#view.panel.append(row, coefficients.element, loss.element);
      this.#best.addEventListener('click', () => {
        const best = this.#path && leastOf(this.#path);
        if (best !== undefined) this.#choose(this.#path?.strengths[best] ?? 0);
      });
    }
    for (let drawn, at; drawn !== this.#path || at !== this.#chosen;) {
      [drawn, at] = [this.#path, this.#chosen];
      coefficients.show(this.#coefficients(drawn));
      loss.show(this.#loss(drawn));
      const best = leastOf(drawn);
      this.#best.hidden = best === undefined;
      if (best !== undefined) this.#best.textContent = said('path_take_best', { strength: figure(drawn.strengths[best], true) });
    }
    this.#drawing = false;
  }

  /** The chosen strength, where it has a place on a logarithmic axis. @returns {PlotSeries[]} */
  #mark() {
    return this.#chosen > 0 ? [{ kind: 'rules', colour: 'rate', x: column([this.#chosen]), y: column([NaN]), width: 2 }] : [];
  }

  /** @param {StrengthPath} path */
  #range({ strengths }) {
    const [low, high] = [Math.min(...strengths), Math.max(...strengths)];
    return /** @type {[number, number]} */ ([low / 1.15, high * 1.15]);
  }

  /**
   * @param {StrengthPath} path
   * @returns {import('../parts/plots.js').Picture}
   */
  #coefficients(path) {
    const { strengths, coefficients } = path;
    const terms = this.#dataset?.terms ?? [];
    const width = coefficients.length / strengths.length;
    const of = (/** @type {number} */ term) => strengths.map((_, s) => coefficients[s * width + term]);
    // The largest anywhere on the path have colours; the others are there, and are read.
    const size = terms.map((_, term) => Math.max(...of(term).map(Math.abs)));
    const rank = terms.map((_, term) => term).sort((a, b) => size[b] - size[a]);
    const coloured = rank.slice(0, MOST_LINES);
    const look = lineLook();
    const lines = rank.map((term, place) => (place < coloured.length
      ? { ...look(place), x: strengths, y: of(term), width: 2 }
      : { kind: /** @type {const} */ ('line'), colour: 'grid', x: strengths, y: of(term), width: 1 }));
    const zero = { kind: /** @type {const} */ ('rules'), colour: 'exact', x: column([NaN]), y: column([0]), width: 1 };
    const marks = [zero, ...this.#mark()];
    const nearest = nearestTo(strengths, this.#chosen);
    const kept = terms.filter((_, term) => coefficients[nearest * width + term] !== 0).length;
    const others = terms.length - coloured.length;
    return {
      title: said('path_coefficients'),
      plot: {
        x: { title: said('path_strength'), log: true, range: this.#range(path) },
        y: { title: said('path_coefficient') },
        series: [...marks, ...lines],
      },
      legend: [
        ...coloured.map((term, place) => ({ mark: look(place).kind, colour: look(place).colour, words: terms[term] })),
        ...(others > 0 ? [{ mark: /** @type {const} */ ('line'), colour: 'grid', words: said('path_others', { n: count(others) }) }] : []),
        ...(this.#chosen > 0 ? [{ mark: /** @type {const} */ ('dashed'), colour: 'rate', words: said('path_chosen', { strength: figure(this.#chosen, true) }) }] : []),
      ],
      hint: said('path_hint'),
      text: said('path_text', { strength: figure(strengths[nearest], true), kept: count(kept), terms: count(terms.length) }),
      read: ({ series, x, y }) => said('path_read', { term: terms[rank[series - marks.length]] ?? '', strength: figure(x), value: figure(y === 0 ? 0 : y) }),
      choose: ({ index }) => this.#choose(strengths[index]),
    };
  }

  /**
   * @param {StrengthPath} path
   * @returns {import('../parts/plots.js').Picture}
   */
  #loss(path) {
    const { strengths, loss, validation } = path;
    const best = leastOf(path);
    /** @type {PlotSeries[]} */
    const series = [{ kind: 'line', colour: 'fit', x: strengths, y: loss }];
    if (validation.length) series.push({ kind: 'dashed', colour: 'validation', x: strengths, y: validation });
    if (best !== undefined) series.push({ kind: 'points', colour: 'validation', x: column([strengths[best]]), y: column([validation[best]]), read: false });
    return {
      title: said('path_loss'),
      plot: {
        x: { title: said('path_strength'), log: true, range: this.#range(path) },
        y: { title: said('path_loss_axis'), log: isWide(loss, validation) },
        series: [...series, ...this.#mark()],
      },
      legend: [
        { mark: 'line', colour: 'fit', words: said('path_training') },
        ...(validation.length ? [{ mark: /** @type {const} */ ('dashed'), colour: 'validation', words: said('path_validation') }] : []),
      ],
      hint: said(validation.length ? 'path_loss_hint' : 'path_loss_none'),
      text: best === undefined ? said('path_loss_none') : said('path_loss_text', { strength: figure(strengths[best], true), loss: figure(validation[best]) }),
      read: ({ series, x, y }) => said(series === 0 ? 'path_read_training' : 'path_read_validation', { strength: figure(x), loss: figure(y) }),
      choose: ({ index }) => this.#choose(strengths[index]),
    };
  }
}

/**
 * Whether losses lie too far apart for a linear axis; some may be no numbers.
 * @param {ArrayLike<number>[]} columns
 */
function isWide(...columns) {
  const values = columns.flatMap((column) => Array.from(column)).filter(Number.isFinite);
  const [low, high] = [Math.min, Math.max].map((end) => values.reduce((a, b) => end(a, b), values[0]));
  return low > 0 && high > 20 * low;
}

/** Where the validation loss is least. @param {StrengthPath} path */
function leastOf({ validation }) {
  if (!validation.length) return undefined;
  const least = validation.reduce((found, loss, i) => (loss < validation[found] || Number.isNaN(validation[found]) ? i : found), 0);
  return Number.isNaN(validation[least]) ? undefined : least;
}

/**
 * @param {Float32Array} strengths
 * @param {number} strength
 */
const nearestTo = (strengths, strength) => strengths.reduce((found, each, i) => (Math.abs(each - strength) < Math.abs(strengths[found] - strength) ? i : found), 0);

/** Snapshots that the folds' picture remembers: every other one goes where there are more. */
const MOST_STEPS = 400;

/** How the parts of a cross-validation do over time. */
export class Folds {
  #view;
  /** @type {PlotFigure | undefined} */
  #figure;
  /** @type {{ step: number, losses: Float32Array }[]} */
  #history = [];

  constructor() {
    addStyle('table.css');
    addStyle('plots.css');
    this.#view = addTab('folds', () => this.#draw());
    this.#view.hide(true);
    onChange(() => {
      this.#view.tab.textContent = said('folds');
      if (this.#view.isShown) this.#draw();
    });
  }

  /** A run began. */
  begin() {
    this.#history = [];
    this.#view.tab.textContent = said('folds');
    this.#view.hide(true);
  }

  /**
   * Validation losses of all folds at a step; a step before the last begins again.
   * @param {{ losses: Float32Array }} folds
   * @param {number} step
   */
  show({ losses }, step) {
    const last = this.#history.at(-1);
    if (last && step < last.step) this.#history = [];
    if (last?.step === step) this.#history.pop();
    this.#history.push({ step, losses });
    if (this.#history.length > MOST_STEPS) this.#history = this.#history.filter((_, i) => i % 2 === 0 || i === this.#history.length - 1);
    this.#view.hide(losses.length < 2);
    if (this.#view.isShown) this.#draw();
  }

  #draw() {
    this.#figure ??= new PlotFigure('folds');
    const figure = this.#figure;
    if (!figure.element.isConnected) this.#view.panel.append(figure.element);
    if (this.#history.length) figure.show(this.#picture());
  }

  /** @returns {import('../parts/plots.js').Picture} */
  #picture() {
    const history = this.#history;
    const steps = column(history.map(({ step }) => step));
    const means = history.map(({ losses }) => losses.reduce((sum, loss) => sum + loss, 0) / losses.length);
    const now = history[history.length - 1];
    const [low, high] = [Math.min, Math.max].map((end) => column(history.map(({ losses }) => end(...losses))));
    const each = [...now.losses.keys()].map((fold) => ({
      kind: /** @type {const} */ ('line'), colour: 'exact', x: steps, y: column(history.map(({ losses }) => losses[fold] ?? NaN)), width: 1,
    }));
    return {
      title: said('folds_title'),
      plot: {
        x: { title: said('folds_step'), range: [0, Math.max(now.step, 1)] },
        y: { title: said('path_loss_axis'), log: isWide(low, high) },
        series: [
          { kind: 'band', colour: 'validation', x: steps, y: high, low },
          ...each,
          { kind: 'line', colour: 'validation', x: steps, y: column(means), width: 2.5 },
        ],
      },
      legend: [
        { mark: 'line', colour: 'validation', words: said('folds_mean') },
        { mark: 'line', colour: 'exact', words: said('folds_each') },
        { mark: 'area', colour: 'validation', words: said('folds_band') },
      ],
      hint: said('folds_hint'),
      text: said('folds_text', {
        n: count(now.losses.length), mean: figure(means[means.length - 1]), low: figure(low[low.length - 1]), high: figure(high[high.length - 1]), step: count(now.step),
      }),
      read: ({ series, x, y }) => (series <= each.length
        ? said('folds_read', { fold: count(series), step: count(x), loss: figure(y) })
        : said('folds_read_mean', { step: count(x), loss: figure(y) })),
    };
  }
}
