// @ts-check
// The effect of one input, the others held: the choice of it, and its picture.
import { labelFor, make, makeSelect } from '../../parts/dom.js';
import { MOST_LINES, column, lineLook } from '../../parts/plot-figure.js';
import { figure } from '../../words/index.js';
import { said } from '../../words/table.js';
import { ends, greatest } from './series.js';

/** @typedef {import('../../wasm/engine/downhill.js').Diagnosed} Diagnosed */
/** @typedef {import('../../parts/plot-figure.js').Picture} Picture */
/** @typedef {{ target: string, inputs: import('../../wasm/engine/downhill.js').InputInfo[] }} Names */

/** Which input an effect is of, and what the others are held at. */
export class EffectChoice {
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
    const label = labelFor(this.#input, said('effect_input'), 'hidden');
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

  /** @type {(HTMLInputElement | HTMLSelectElement)[]} */
  #controls = [];

  #render() {
    this.#others.replaceChildren();
    this.#controls = this.names.inputs.map(({ name, levels }, i) => {
      const control = levels.length ? makeSelect(levels.map((level, k) => [String(k), level])) : numberBox();
      control.id = `effect-at-${i}`;
      control.addEventListener('change', () => {
        const value = Number(control.value);
        this.#at[i] = control.value !== '' && Number.isFinite(value) ? value : null;
        this.changed();
      });
      const row = make('div', 'field inline');
      row.append(labelFor(control, name, 'head'), control);
      if (i !== Number(this.#input.value)) this.#others.append(row);
      return control;
    });
  }

  /** What the others were held at, where nobody chose. @param {NonNullable<Diagnosed['effect']>} effect */
  show({ at }) {
    this.#controls.forEach((control, i) => {
      if (!control.matches(':focus')) control.value = String(Number(at[i].toPrecision(6)));
    });
  }
}

function numberBox() {
  const box = document.createElement('input');
  box.type = 'number';
  box.step = 'any';
  return box;
}

/**
 * @param {NonNullable<Diagnosed['effect']>} effect
 * @param {Diagnosed} diagnosed
 * @param {Names} names
 * @param {boolean} dark
 * @returns {Picture}
 */
export function effectOf(effect, diagnosed, names, dark) {
  return effect.classes?.length ? classesOf(effect, diagnosed, names, dark) : meanOf(effect, diagnosed, names);
}

/**
 * What the axis of an input says: of a category, which number stands for which level.
 * @param {Names['inputs'][number]} input
 */
function axisOf({ name, levels }) {
  return levels.length ? said('axis_levels', { name, levels: levels.map((level, i) => `${i} ${level}`).join(', ') }) : name;
}

/**
 * The probability of each class.
 * @param {NonNullable<Diagnosed['effect']>} effect
 * @param {Diagnosed} diagnosed
 * @param {Names} names
 * @param {boolean} dark
 * @returns {Picture}
 */
function classesOf({ input, grid, classes = [] }, { confusion }, { inputs }, dark) {
  const { name, levels } = inputs[input];
  const word = (/** @type {number} */ value) => levels[value] ?? figure(value);
  const label = (/** @type {number} */ k) => confusion?.labels[k] ?? String(k);
  const look = lineLook(dark);
  const most = (/** @type {number} */ i) => label(greatest(classes.map((probabilities) => probabilities[i]), (value) => value));
  const last = grid.length - 1;
  return {
    title: said('picture_effect'),
    plot: {
      x: { title: axisOf(inputs[input]) },
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
 * The mean, the probability of the second of two classes, or the class.
 * @param {NonNullable<Diagnosed['effect']>} found
 * @param {Diagnosed} diagnosed
 * @param {Names} names
 * @returns {Picture}
 */
function meanOf(found, { histogram, exact }, { inputs, target }) {
  const { input, grid, effect, x } = found;
  const { name, levels } = inputs[input];
  const isCategory = levels.length > 0;
  const word = (/** @type {number} */ value) => levels[value] ?? figure(value);
  // There is a histogram of the probabilities of two classes.
  const shown = histogram ? said('axis_probability') : target;
  const series = seriesOf(found, exact, isCategory);
  const own = series.length - 1;
  const [from, to] = ends(effect);
  const at = (/** @type {number} */ value) => word(grid[effect.indexOf(value)]);
  const line = { target: shown, name };
  /** @type {NonNullable<Picture['legend']>} */
  const legend = [{ mark: isCategory ? 'dots' : 'line', colour: 'fit', words: said('legend_effect') }];
  if (exact?.band) legend.push({ mark: isCategory ? 'line' : 'area', colour: 'exact', words: said('legend_band') });
  if (x.length) legend.push({ mark: 'dots', colour: 'points', words: said('legend_partial') });
  return {
    title: said('picture_effect'),
    plot: { x: { title: axisOf(inputs[input]) }, y: { title: shown }, series },
    legend,
    hint: said('hint_effect'),
    text: isCategory
      ? said('text_effect_levels', { ...line, low: figure(from), at_low: at(from), high: figure(to), at_high: at(to) })
      : said('text_effect', {
        ...line, from: figure(effect[0]), to: figure(effect[grid.length - 1]), low: figure(grid[0]), high: figure(grid[grid.length - 1]),
      }),
    read: (reading) => {
      const words = reading.series === own ? 'read_effect' : 'read_partial';
      return said(words, { name, x: word(reading.x), target: shown, y: figure(reading.y) });
    },
  };
}

/**
 * Rows, what the exact fit makes of them, and last the effect itself.
 * @param {NonNullable<Diagnosed['effect']>} effect
 * @param {Diagnosed['exact']} exact
 * @param {boolean} isCategory
 */
function seriesOf({ grid, effect, x, partial }, exact, isCategory) {
  const { effect: least = [], band } = exact ?? {};
  /** @type {import('../../wasm/engine/downhill.js').PlotSeries[]} */
  const series = [{ kind: 'points', colour: 'points', x: column(x), y: column(partial) }];
  if (band && isCategory) {
    grid.forEach((level, i) => {
      const y = column([band[0][i], band[1][i]]);
      series.push({ kind: 'line', colour: 'exact', x: column([level, level]), y, read: false });
    });
  } else if (band) series.push({ kind: 'band', colour: 'exact', x: column(grid), y: column(band[1]), low: column(band[0]) });
  if (least.length && !isCategory) series.push({ kind: 'dashed', colour: 'exact', x: column(grid), y: column(least), read: false });
  series.push({ kind: isCategory ? 'points' : 'line', colour: 'fit', x: column(grid), y: column(effect), width: 2.5 });
  return series;
}
