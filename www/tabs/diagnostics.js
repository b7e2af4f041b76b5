// @ts-check
// What a fit looks like row by row, as a tab beside it: pictures that say whether the model is to be trusted, each with what
// to look for. Numbers come from the worker, for the weights as they stand.
import { count, figure, wording } from '../words/index.js';
import { said } from '../words/table.js';
import { make } from '../parts/dom.js';
import { Asking } from '../parts/asking.js';
import { addStyle } from '../parts/styles.js';
import { onChange } from '../parts/changes.js';
import { offerSaving } from '../parts/pictures.js';
import { MOST_LINES, PlotFigure, column, lineLook } from '../parts/plots.js';
import { addTab } from './tabs.js';
import { chartTheme } from '../parts/theme.js';

/** @typedef {import('../wasm/engine/downhill.js').Diagnosed} Diagnosed */
/** @typedef {import('../wasm/engine/downhill.js').Part} Part */
/** @typedef {import('../wasm/engine/downhill.js').Configured} Configured */
/** @typedef {import('../wasm/engine/downhill.js').Snapshot} Snapshot */
/** @typedef {import('../parts/plots.js').Picture} Picture */
/** @typedef {NonNullable<Diagnosed['rows']>} Rows */
/** @typedef {NonNullable<Diagnosed['exact']>} Exact */
/** @typedef {{ target: string, inputs: import('../wasm/engine/downhill.js').InputInfo[] }} Names */

/** Rows times squared features that are fitted exactly. */
const EXACT = 1e9;

/** The tab and what it shows. */
export class Diagnostics {
  #view;
  #head = make('div', 'diagnostics-head');
  #scores = make('dl', 'scores');
  #grid = make('div', 'grid-of-plots');
  #part = document.createElement('select');
  #picture = document.createElement('select');
  /** @type {Map<string, { element: HTMLElement, show: (picture: any) => void }>} */
  #figures = new Map();
  /** @type {EffectChoice | undefined} */
  #effect;
  #asking;
  /** @type {Diagnosed | undefined} */
  #diagnosed;
  /** The exact fit moves with its effect alone. @type {{ key: string, found: Diagnosed['exact'] } | undefined} */
  #exact;
  /** @param {import('../client.js').Client} client */
  constructor(client) {
    addStyle('table.css');
    addStyle('plots.css');
    this.#view = addTab('diagnostics', () => this.#asking.soon());
    this.#asking = new Asking(
      client,
      (work) => this.#wanted(work),
      async ({ exact, effect }, diagnosed) => {
        if (exact) this.#exact = { key: JSON.stringify(effect), found: diagnosed.exact };
        this.#diagnosed = { ...diagnosed, exact: this.#exact?.found };
        await this.#draw(this.#diagnosed);
      },
      (problem) => this.#grid.replaceChildren(make('p', 'error', wording(problem))),
    );
    const field = (/** @type {string} */ name, /** @type {HTMLSelectElement} */ control) => {
      control.id = `diagnostics-${name}`;
      const row = make('div', `field inline ${name}`);
      const label = make('label', 'head', said(`diagnostics_${name}`));
      label.setAttribute('for', control.id);
      row.append(label, control);
      return row;
    };
    this.#head.append(field('part', this.#part), field('picture', this.#picture), this.#scores);
    this.#part.addEventListener('change', () => this.#asking.again());
    this.#picture.addEventListener('change', () => this.#choose());
    this.#view.panel.append(this.#head, this.#grid);
    onChange(() => {
      this.#view.tab.textContent = said('diagnostics');
      for (const name of ['part', 'picture']) {
        const label = this.#head.querySelector(`.${name} label`);
        if (label) label.textContent = said(`diagnostics_${name}`);
      }
      if (this.#diagnosed) void this.#draw(this.#diagnosed);
    });
  }

  /**
   * A run began.
   * @param {Configured} run
   */
  begin(run) {
    this.#asking.begin(run);
    this.#diagnosed = undefined;
    this.#exact = undefined;
    this.#effect = run.dataset ? new EffectChoice(run.dataset, () => this.#asking.again()) : undefined;
    this.#scores.replaceChildren();
    this.#grid.replaceChildren(make('p', 'muted', said('inferring')));
    this.#view.tab.textContent = said('diagnostics');
    this.#view.hide(run.config.data.source.kind === 'linspace');
  }

  /**
   * The run goes on under another configuration: of another penalty the exact fit is another one.
   * @param {import('../wasm/engine/downhill.js').RunConfig} config
   */
  change(config) {
    this.#exact = undefined;
    this.#asking.change(config);
  }

  /** @param {Snapshot} snapshot */
  show(snapshot) {
    this.#asking.show(snapshot);
  }

  /** @param {number} work */
  #wanted(work) {
    if (!this.#view.isShown) return undefined;
    const effect = this.#effect?.value;
    const part = /** @type {Part} */ (this.#part.value || 'training');
    return { part, effect, exact: work <= EXACT && this.#exact?.key !== JSON.stringify(effect) };
  }

  /** @param {Diagnosed} diagnosed */
  async #draw(diagnosed) {
    const dataset = this.#asking.run?.dataset;
    if (!dataset) return;
    const { part = 'training', parts = [], scores = [] } = diagnosed;
    fillSelect(this.#part, parts.map((part) => [part, said(`part_${part}`)]), part);
    /** @type {HTMLElement} */ (this.#part.parentElement).hidden = parts.length < 2;
    this.#scores.replaceChildren(...scores.flatMap(([name, value]) => {
      const pair = make('div');
      pair.append(make('dt', '', said(`score_${name}`)), make('dd', 'figure', figure(value)));
      return [pair];
    }));
    const pictures = picturesOf(diagnosed, dataset);
    const shown = [...pictures.keys()];
    fillSelect(this.#picture, shown.map((name) => [name, said(`picture_${name}`)]), shown.includes(this.#picture.value) ? this.#picture.value : shown[0]);
    const figures = shown.map((name) => this.#figure(name));
    if (dataset !== this.#asking.run?.dataset) return;
    [...pictures.values()].forEach((picture, i) => figures[i].show(picture));
    const effect = figures[shown.indexOf('effect')]?.element;
    if (effect && diagnosed.effect && this.#effect) {
      if (!effect.contains(this.#effect.element)) {
        effect.querySelector('.effect-choice')?.remove();
        effect.querySelector('figcaption')?.after(this.#effect.element);
      }
      this.#effect.show(diagnosed.effect);
    }
    const elements = figures.map(({ element }) => element);
    if (elements.some((element, i) => this.#grid.children[i] !== element) || this.#grid.children.length !== elements.length) {
      this.#grid.replaceChildren(...elements);
    }
    this.#choose();
  }

  /** On a phone one picture stands at a time. */
  #choose() {
    for (const element of this.#grid.children) element.classList.toggle('chosen', element.classList.contains(this.#picture.value));
  }

  /** Figures are made once, and show one run after the other. @param {string} name */
  #figure(name) {
    const made = this.#figures.get(name) ?? (name === 'confusion' ? new Confusion() : new PlotFigure(name));
    this.#figures.set(name, made);
    return made;
  }
}

/**
 * @param {HTMLSelectElement} control
 * @param {[string, string][]} options
 * @param {string} value
 */
function fillSelect(control, options, value) {
  const now = [...control.options].map((option) => `${option.value} ${option.text}`).join('\n');
  if (now !== options.map((option) => option.join(' ')).join('\n')) {
    control.replaceChildren(...options.map(([of, words]) => new Option(words, of)));
  }
  control.value = value;
}

/** Which input an effect is of, and what the others are held at. */
class EffectChoice {
  element = make('div', 'effect-choice');
  #input = document.createElement('select');
  #others = make('div', 'others');
  /** @type {(number | null)[]} */
  #at;

  /**
   * @param {Names} names
   * @param {() => void} changed
   */
  constructor(names, changed) {
    this.names = names;
    this.changed = changed;
    this.#at = names.inputs.map(() => null);
    this.#input.id = 'effect-input';
    const label = make('label', 'hidden', said('effect_input'));
    label.setAttribute('for', this.#input.id);
    this.#input.append(...names.inputs.map(({ name }, i) => new Option(name, String(i))));
    this.#input.addEventListener('change', () => {
      this.#render();
      changed();
    });
    const more = make('details', 'more');
    more.append(make('summary', '', said('effect_others')), this.#others);
    this.element.append(label, this.#input);
    if (names.inputs.length > 1) this.element.append(more);
    this.#render();
  }

  /** As the worker is asked for it. */
  get value() {
    return { input: Number(this.#input.value), at: this.#at };
  }

  /** @type {HTMLElement[]} */
  #controls = [];

  #render() {
    this.#others.replaceChildren();
    this.#controls = this.names.inputs.map(({ name, levels }, i) => {
      const control = levels.length ? document.createElement('select') : document.createElement('input');
      control.id = `effect-at-${i}`;
      if (control instanceof HTMLInputElement) {
        control.type = 'number';
        control.step = 'any';
      } else control.append(...levels.map((level, k) => new Option(level, String(k))));
      control.addEventListener('change', () => {
        const value = Number(control.value);
        this.#at[i] = control.value !== '' && Number.isFinite(value) ? value : null;
        this.changed();
      });
      const row = make('div', 'field inline');
      const label = make('label', 'head', name);
      label.setAttribute('for', control.id);
      row.append(label, control);
      if (i !== Number(this.#input.value)) this.#others.append(row);
      return control;
    });
  }

  /** What the others were held at, where nobody chose. @param {NonNullable<Diagnosed['effect']>} effect */
  show({ at }) {
    this.#controls.forEach((control, i) => {
      if (control !== document.activeElement) /** @type {HTMLInputElement} */ (control).value = String(Number(at[i].toPrecision(6)));
    });
  }
}

/** Actual against predicted classes, as a table: its numbers are its picture. */
class Confusion {
  element = make('figure', 'chart plot confusion');
  #title = make('h3');
  #table = document.createElement('table');
  #scroll = make('div', 'scroll');
  #hint = make('p', 'hint');

  constructor() {
    const caption = document.createElement('figcaption');
    caption.append(this.#title);
    const scroll = this.#scroll;
    scroll.tabIndex = 0;
    scroll.setAttribute('role', 'region');
    scroll.append(this.#table);
    this.element.append(caption, scroll, this.#hint);
    offerSaving(scroll, (context) => this.#paint(context, scroll), 'confusion');
  }

  /**
   * The table as it stands.
   * @param {CanvasRenderingContext2D} context
   * @param {HTMLElement} scroll
   */
  #paint(context, scroll) {
    const theme = chartTheme();
    const from = scroll.getBoundingClientRect();
    context.textAlign = 'end';
    context.textBaseline = 'middle';
    for (const cell of this.#table.querySelectorAll('th, td')) {
      const { left, right, top, width, height } = cell.getBoundingClientRect();
      const { fontWeight, fontSize, paddingRight } = getComputedStyle(cell);
      const [x, y] = [left - from.left + scroll.scrollLeft, top - from.top + scroll.scrollTop];
      if (cell.className === 'right' || cell.className === 'wrong') {
        const share = 0.45 * Number(/** @type {HTMLElement} */ (cell).style.getPropertyValue('--share'));
        const [red, green, blue] = [1, 3, 5].map((at) => parseInt(theme[cell.className === 'right' ? 'fit' : 'validation'].slice(at, at + 2), 16));
        context.fillStyle = `rgba(${red},${green},${blue},${share})`;
        context.fillRect(x, y, width, height);
      }
      context.font = `${fontWeight} ${fontSize} ${theme.font}`;
      context.fillStyle = cell.tagName === 'TH' ? theme.muted : theme.ink;
      context.fillText(cell.textContent ?? '', right - from.left + scroll.scrollLeft - parseFloat(paddingRight), y + height / 2);
    }
  }

  /** @param {NonNullable<Diagnosed['confusion']>} confusion */
  show({ labels, counts }) {
    const title = said('picture_confusion');
    if (this.#title.textContent !== title) this.#scroll.setAttribute('aria-label', title);
    this.#title.textContent = title;
    this.#hint.textContent = said('hint_confusion');
    this.#table.replaceChildren();
    const head = this.#table.createTHead().insertRow();
    const corner = head.insertCell();
    corner.className = 'muted';
    corner.textContent = said('confusion_corner');
    const header = (/** @type {HTMLTableRowElement} */ row, /** @type {string} */ words, /** @type {string} */ scope) => {
      const cell = document.createElement('th');
      cell.scope = scope;
      cell.textContent = words;
      row.append(cell);
    };
    for (const label of labels) header(head, label, 'col');
    header(head, said('confusion_recall'), 'col');
    const body = this.#table.createTBody();
    counts.forEach((line, i) => {
      const row = body.insertRow();
      header(row, labels[i], 'row');
      const all = line.reduce((sum, n) => sum + n, 0);
      line.forEach((n, j) => {
        const cell = row.insertCell();
        cell.textContent = count(n);
        cell.className = i === j ? 'right' : 'wrong';
        cell.style.setProperty('--share', String(all ? n / all : 0));
      });
      row.insertCell().textContent = all ? percent(line[i] / all) : '–';
    });
    const foot = body.insertRow();
    header(foot, said('confusion_precision'), 'row');
    labels.forEach((_, j) => {
      const all = counts.reduce((sum, line) => sum + line[j], 0);
      foot.insertCell().textContent = all ? percent(counts[j][j] / all) : '–';
    });
    foot.insertCell();
  }
}

/** @param {number} share */
const percent = (share) => `${figure(100 * share, true)}%`;

/**
 * What there is to be seen, in its order.
 * @param {Diagnosed} diagnosed
 * @param {Names} names
 */
function picturesOf(diagnosed, names) {
  const { rows, exact, roc, calibration, confusion, histogram, effect, task } = diagnosed;
  /** @type {Map<string, any>} */
  const pictures = new Map();
  if (rows && (task === 'regression' || task === 'counts')) {
    pictures.set('actual', actual(rows, diagnosed, names));
    pictures.set('residuals', residuals(rows, task, names));
    if (exact?.rows.standardized.some((value) => value !== null) && diagnosed.part === 'training') {
      if (task === 'regression') pictures.set('quantiles', quantiles(exact.rows));
      pictures.set('leverage', leverage(exact));
    }
  }
  if (roc) pictures.set('roc', rocOf(roc));
  if (calibration) pictures.set('calibration', calibrationOf(calibration));
  if (confusion) pictures.set('confusion', confusion);
  if (histogram) pictures.set('histogram', histogramOf(histogram));
  if (effect) pictures.set('effect', effectOf(effect, diagnosed, names));
  return pictures;
}

/**
 * Index of the greatest of some numbers; those that are none do not count.
 * @param {readonly (number | null)[]} values
 * @param {(value: number) => number} [measure]
 */
function greatest(values, measure = Math.abs) {
  let found = 0;
  let most = -Infinity;
  values.forEach((value, i) => {
    if (value !== null && measure(value) > most) [found, most] = [i, measure(value)];
  });
  return found;
}

/** @param {readonly number[]} values @returns {[number, number]} */
const ends = (values) => values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]);

/** Across the plot at zero. */
const zero = () => ({ kind: /** @type {const} */ ('rules'), colour: 'exact', x: column([NaN]), y: column([0]), width: 1.5 });

/**
 * @param {[number, number]} range
 * @returns {import('../wasm/engine/downhill.js').PlotSeries}
 */
const diagonal = (range) => ({ kind: 'dashed', colour: 'exact', x: column(range), y: column(range), read: false, fitted: false, width: 1.5 });

/**
 * @param {Rows} rows
 * @param {Diagnosed} diagnosed
 * @param {Names} names
 * @returns {Picture}
 */
function actual({ row, actual, fitted, residual }, { scores = [] }, { target }) {
  const [low, high] = ends([...actual, ...fitted]);
  const pad = (high - low || 1) * 0.04;
  const worst = greatest(residual);
  const score = (/** @type {string} */ name) => figure(scores.find(([of]) => of === name)?.[1]);
  return {
    title: said('picture_actual'),
    plot: {
      x: { title: said('axis_fitted', { target }), range: [low - pad, high + pad] },
      y: { title: said('axis_observed', { target }), range: [low - pad, high + pad] },
      series: [diagonal([low - pad, high + pad]), { kind: 'points', colour: 'points', x: column(fitted), y: column(actual) }],
    },
    legend: [{ mark: 'dots', colour: 'points', words: said('legend_row') }, { mark: 'dashed', colour: 'exact', words: said('legend_same') }],
    hint: said('hint_actual'),
    text: said('text_actual', { r2: score('r2'), rmse: score('rmse'), row: count(row[worst]), actual: figure(actual[worst]), fitted: figure(fitted[worst]) }),
    read: ({ index }) => said('read_actual', { row: count(row[index]), fitted: figure(fitted[index]), actual: figure(actual[index]) }),
  };
}

/**
 * @param {Rows} rows
 * @param {'regression' | 'counts'} task
 * @param {Names} names
 * @returns {Picture}
 */
function residuals({ row, fitted, residual }, task, { target }) {
  const worst = greatest(residual);
  const [low, high] = ends(residual);
  return {
    title: said(task === 'counts' ? 'picture_deviance' : 'picture_residuals'),
    plot: {
      x: { title: said('axis_fitted', { target }) },
      y: { title: said(task === 'counts' ? 'axis_deviance' : 'axis_residual') },
      series: [zero(), { kind: 'points', colour: 'points', x: column(fitted), y: column(residual) }],
    },
    legend: [{ mark: 'dots', colour: 'points', words: said('legend_row') }],
    hint: said('hint_residuals'),
    text: said('text_residuals', { low: figure(low), high: figure(high), row: count(row[worst]), residual: figure(residual[worst]), fitted: figure(fitted[worst]) }),
    read: ({ index }) => said('read_residual', { row: count(row[index]), fitted: figure(fitted[index]), residual: figure(residual[index]) }),
  };
}

/**
 * @param {Exact['rows']} rows
 * @returns {Picture}
 */
function quantiles({ rows, normal_quantiles: expected, standardized }) {
  const range = ends(expected);
  const [low, high] = ends(standardized.filter((value) => value !== null));
  const worst = greatest(standardized);
  const facts = (/** @type {number} */ i) => ({ row: count(rows[i] + 1), expected: figure(expected[i]), standardized: figure(standardized[i]) });
  return {
    title: said('picture_quantiles'),
    plot: {
      x: { title: said('axis_quantile') },
      y: { title: said('axis_standardized') },
      series: [diagonal(range), { kind: 'points', colour: 'points', x: column(expected), y: column(standardized) }],
    },
    legend: [{ mark: 'dots', colour: 'points', words: said('legend_exact_row') }, { mark: 'dashed', colour: 'exact', words: said('legend_normal') }],
    hint: said('hint_quantiles'),
    text: said('text_quantiles', { low: figure(low), high: figure(high), ...facts(worst) }),
    read: ({ index }) => said('read_quantile', facts(index)),
  };
}

/**
 * @param {Exact} exact
 * @returns {Picture}
 */
function leverage({ rows: { rows, leverages, standardized, cooks_distances: cook }, contours }) {
  const worst = greatest(cook);
  const facts = (/** @type {number} */ i) => ({ row: count(rows[i] + 1), leverage: figure(leverages[i]), standardized: figure(standardized[i]), cook: figure(cook[i]) });
  return {
    title: said('picture_leverage'),
    plot: {
      x: { title: said('axis_leverage') },
      y: { title: said('axis_standardized') },
      series: [
        zero(),
        ...contours.map(({ distance, leverage, standardized }) => ({
          kind: /** @type {const} */ ('dashed'), colour: 'diverged', x: column(leverage), y: column(standardized), read: false, fitted: false, width: 1.25,
          label: standardized[0] > 0 ? said('cook_at', { distance: figure(distance, true) }) : '',
        })),
        { kind: 'points', colour: 'points', x: column(leverages), y: column(standardized) },
      ],
    },
    legend: [{ mark: 'dots', colour: 'points', words: said('legend_exact_row') }, { mark: 'dashed', colour: 'diverged', words: said('legend_cook') }],
    hint: said('hint_leverage'),
    text: said('text_leverage', facts(worst)),
    read: ({ index }) => said('read_leverage', facts(index)),
  };
}

/**
 * @param {NonNullable<Diagnosed['effect']>} effect
 * @param {Diagnosed} diagnosed
 * @param {Names} names
 * @returns {Picture}
 */
export function effectOf(effect, diagnosed, names) {
  return effect.classes?.length ? classesOf(effect, diagnosed, names) : meanOf(effect, diagnosed, names);
}

/**
 * The probability of each class.
 * @param {NonNullable<Diagnosed['effect']>} effect
 * @param {Diagnosed} diagnosed
 * @param {Names} names
 * @returns {Picture}
 */
function classesOf({ input, grid, classes = [] }, { confusion }, { inputs }) {
  const { name, levels } = inputs[input];
  const word = (/** @type {number} */ value) => levels[value] ?? figure(value);
  const label = (/** @type {number} */ k) => confusion?.labels[k] ?? String(k);
  const look = lineLook();
  const most = (/** @type {number} */ i) => label(greatest(classes.map((probabilities) => probabilities[i]), (value) => value));
  const last = grid.length - 1;
  return {
    title: said('picture_effect'),
    plot: {
      x: { title: levels.length ? said('axis_levels', { name, levels: levels.map((level, i) => `${i} ${level}`).join(', ') }) : name },
      y: { title: said('axis_probability'), range: [0, 1] },
      series: classes.map((probabilities, k) => ({ ...look(k), x: column(grid), y: column(probabilities) })),
    },
    legend: classes.slice(0, MOST_LINES).map((_, k) => ({ mark: look(k).kind, colour: look(k).colour, words: label(k) })),
    hint: said('hint_classes'),
    text: said('text_classes', { name, low: word(grid[0]), high: word(grid[last]), from: most(0), to: most(last) }),
    read: ({ series, x, y }) => said('read_effect', { name, x: word(x), target: label(series), y: figure(y) }),
  };
}

/**
 * @param {NonNullable<Diagnosed['effect']>} effect
 * @param {Diagnosed} diagnosed
 * @param {Names} names
 * @returns {Picture}
 */
function meanOf({ input, grid, effect, x, partial }, { task, exact }, { inputs, target }) {
  const { name, levels } = inputs[input];
  const word = (/** @type {number} */ value) => levels[value] ?? figure(value);
  const shown = task === 'binary' ? said('axis_probability') : target;
  const last = grid.length - 1;
  /** @type {import('../wasm/engine/downhill.js').PlotSeries[]} */
  const series = [{ kind: 'points', colour: 'points', x: column(x), y: column(partial) }];
  const { effect: least = [], band } = exact ?? {};
  if (band && !levels.length) series.push({ kind: 'band', colour: 'exact', x: column(grid), y: column(band[1]), low: column(band[0]) });
  if (band && levels.length) {
    grid.forEach((level, i) => series.push({ kind: 'line', colour: 'exact', x: column([level, level]), y: column([band[0][i], band[1][i]]), read: false }));
  }
  if (least.length && !levels.length) series.push({ kind: 'dashed', colour: 'exact', x: column(grid), y: column(least), read: false });
  series.push({ kind: levels.length ? 'points' : 'line', colour: 'fit', x: column(grid), y: column(effect), width: 2.5 });
  const own = series.length - 1;
  const [from, to] = ends(effect);
  return {
    title: said('picture_effect'),
    plot: {
      x: { title: levels.length ? said('axis_levels', { name, levels: levels.map((level, i) => `${i} ${level}`).join(', ') }) : name },
      y: { title: shown },
      series,
    },
    legend: [
      { mark: levels.length ? 'dots' : 'line', colour: 'fit', words: said('legend_effect') },
      ...(band ? [{ mark: levels.length ? /** @type {const} */ ('line') : /** @type {const} */ ('area'), colour: 'exact', words: said('legend_band') }] : []),
      ...(x.length ? [{ mark: /** @type {const} */ ('dots'), colour: 'points', words: said('legend_partial') }] : []),
    ],
    hint: said('hint_effect'),
    text: levels.length
      ? said('text_effect_levels', { target: shown, name, low: figure(from), at_low: word(grid[effect.indexOf(from)]), high: figure(to), at_high: word(grid[effect.indexOf(to)]) })
      : said('text_effect', { target: shown, name, from: figure(effect[0]), to: figure(effect[last]), low: figure(grid[0]), high: figure(grid[last]) }),
    read: (reading) => said(reading.series === own ? 'read_effect' : 'read_partial', { name, x: word(reading.x), target: shown, y: figure(reading.y) }),
  };
}

/**
 * @param {NonNullable<Diagnosed['roc']>} roc
 * @returns {Picture}
 */
function rocOf({ false_positive, true_positive, auc }) {
  return {
    title: said('picture_roc'),
    plot: {
      x: { title: said('axis_false_positive'), range: [0, 1] },
      y: { title: said('axis_true_positive'), range: [0, 1] },
      series: [diagonal([0, 1]), { kind: 'line', colour: 'fit', x: column(false_positive), y: column(true_positive), width: 2.5 }],
    },
    legend: [{ mark: 'line', colour: 'fit', words: said('legend_roc', { auc: figure(auc) }) }, { mark: 'dashed', colour: 'exact', words: said('legend_chance') }],
    hint: said('hint_roc'),
    text: said('text_roc', { auc: figure(auc) }),
    read: ({ x, y }) => said('read_roc', { x: figure(x), y: figure(y) }),
  };
}

/**
 * @param {NonNullable<Diagnosed['calibration']>} calibration
 * @returns {Picture}
 */
function calibrationOf({ predicted, observed, count: counts }) {
  const worst = greatest(predicted.map((value, i) => value - observed[i]));
  const facts = (/** @type {number} */ i) => ({ predicted: figure(predicted[i]), observed: figure(observed[i]), n: count(counts[i]) });
  return {
    title: said('picture_calibration'),
    plot: {
      x: { title: said('axis_predicted_share'), range: [0, 1] },
      y: { title: said('axis_observed_share'), range: [0, 1] },
      series: [
        diagonal([0, 1]),
        { kind: 'line', colour: 'fit', x: column(predicted), y: column(observed), read: false },
        { kind: 'points', colour: 'fit', x: column(predicted), y: column(observed) },
      ],
    },
    legend: [{ mark: 'line', colour: 'fit', words: said('legend_bins') }, { mark: 'dashed', colour: 'exact', words: said('legend_calibrated') }],
    hint: said('hint_calibration'),
    text: said('text_calibration', facts(worst)),
    read: ({ index }) => said('read_calibration', facts(index)),
  };
}

/**
 * @param {NonNullable<Diagnosed['histogram']>} histogram
 * @returns {Picture}
 */
function histogramOf({ edges, labels, counts }) {
  const centres = edges.slice(1).map((edge, i) => (edge + edges[i]) / 2);
  const peak = (/** @type {number} */ k) => figure(centres[greatest(counts[k])], true);
  return {
    title: said('picture_histogram'),
    plot: {
      x: { title: said('axis_probability'), range: [0, 1] },
      y: { title: said('axis_rows') },
      series: [
        { kind: 'bars', colour: 'validation', x: column(centres), y: column(counts[0]) },
        // Stairs over bars: told apart without their colours.
        { kind: 'steps', colour: 'fit', x: column(edges), y: column([...counts[1], counts[1][counts[1].length - 1]]), width: 2.5, read: false },
        { kind: 'points', colour: 'fit', x: column(centres), y: column(counts[1]), fitted: false },
      ],
    },
    legend: [{ mark: 'area', colour: 'validation', words: labels[0] }, { mark: 'line', colour: 'fit', words: labels[1] }],
    hint: said('hint_histogram'),
    text: said('text_histogram', { a: labels[0], at_a: peak(0), b: labels[1], at_b: peak(1) }),
    read: ({ series, x, y }) => said('read_histogram', { label: labels[series === 0 ? 0 : 1], x: figure(x, true), n: count(y) }),
  };
}
