// @ts-check
// What a fit looks like row by row: pictures that say whether the model is to be trusted, each with what to look for. Numbers
// come from the worker, for the weights as they stand.
import { labelFor, make } from '../../parts/dom.js';
import { PlotFigure } from '../../parts/plot-figure.js';
import { addStyle } from '../../parts/styles.js';
import { figure, wording } from '../../words/index.js';
import { said } from '../../words/table.js';
import { Asking } from '../asking.js';
import { Confusion } from './confusion.js';
import { EffectChoice } from './effect.js';
import { picturesOf } from './pictures.js';

/** @typedef {import('../../wasm/engine/downhill.js').Diagnosed} Diagnosed */
/** @typedef {import('../../wasm/engine/downhill.js').Part} Part */
/** @typedef {import('../../store.js').Page} Page */

/** Rows times squared features that are fitted exactly. */
const EXACT = 1e9;

/**
 * @param {Page} page
 * @param {HTMLElement} panel
 */
export function start(page, panel) {
  addStyle('table.css');
  addStyle('plots.css');
  new Diagnostics(page, panel);
}

class Diagnostics {
  #page;
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

  /**
   * @param {Page} page
   * @param {HTMLElement} panel
   */
  constructor(page, panel) {
    this.#page = page;
    this.#head.append(field('part', this.#part), field('picture', this.#picture), this.#scores);
    this.#part.addEventListener('change', () => this.#asking.again());
    this.#picture.addEventListener('change', () => this.#choose());
    panel.append(this.#head, this.#grid);
    page.store.subscribe(['dataset', 'exact'], ({ dataset }, before) => {
      // Of another penalty the exact fit is another one.
      this.#exact = undefined;
      if (dataset !== before.dataset) this.#begin();
    });
    page.store.subscribe(['tab'], () => this.#asking.soon());
    page.store.subscribe(['language', 'theme'], () => {
      for (const name of ['part', 'picture']) {
        const label = this.#head.querySelector(`.${name} label`);
        if (label) label.textContent = said(`diagnostics_${name}`);
      }
      if (this.#diagnosed) this.#draw(this.#diagnosed);
    });
    this.#begin();
    this.#asking = new Asking(
      page,
      (work) => this.#wanted(work),
      ({ exact, effect }, diagnosed) => {
        if (exact) this.#exact = { key: JSON.stringify(effect), found: diagnosed.exact };
        this.#diagnosed = { ...diagnosed, exact: this.#exact?.found };
        this.#draw(this.#diagnosed);
      },
      (problem) => this.#grid.replaceChildren(make('p', 'error', wording(problem))),
    );
    this.#asking.soon();
  }

  /** Other rows. */
  #begin() {
    const { dataset } = this.#page.store.state;
    this.#diagnosed = undefined;
    this.#exact = undefined;
    this.#effect = dataset ? new EffectChoice(dataset, () => this.#asking.again()) : undefined;
    this.#scores.replaceChildren();
    this.#grid.replaceChildren(make('p', 'muted', said('inferring')));
  }

  /** @param {number} work */
  #wanted(work) {
    if (this.#page.store.state.tab !== 'diagnostics') return undefined;
    const effect = this.#effect?.value;
    const part = /** @type {Part} */ (this.#part.value || 'training');
    return { part, effect, exact: work <= EXACT && this.#exact?.key !== JSON.stringify(effect) };
  }

  /** @param {Diagnosed} diagnosed */
  #draw(diagnosed) {
    const { dataset, theme } = this.#page.store.state;
    if (!dataset) return;
    this.#drawHead(diagnosed);
    const pictures = picturesOf(diagnosed, dataset, theme.dark);
    const shown = [...pictures.keys()];
    const chosen = shown.includes(this.#picture.value) ? this.#picture.value : shown[0];
    fillSelect(this.#picture, shown.map((name) => [name, said(`picture_${name}`)]), chosen);
    const figures = shown.map((name) => this.#figure(name));
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

  /** @param {Diagnosed} diagnosed */
  #drawHead({ part = 'training', parts = [], scores = [] }) {
    fillSelect(this.#part, parts.map((part) => [part, said(`part_${part}`)]), part);
    /** @type {HTMLElement} */ (this.#part.parentElement).hidden = parts.length < 2;
    this.#scores.replaceChildren(...scores.map(([name, value]) => {
      const pair = make('div');
      pair.append(make('dt', '', said(`score_${name}`)), make('dd', 'figure', figure(value)));
      return pair;
    }));
  }

  /** On a phone one picture stands at a time. */
  #choose() {
    for (const element of this.#grid.children) element.classList.toggle('chosen', element.classList.contains(this.#picture.value));
  }

  /** Figures are made once, and show one run after the other. @param {string} name */
  #figure(name) {
    const made = this.#figures.get(name) ?? (name === 'confusion' ? new Confusion(this.#page) : new PlotFigure(this.#page, name));
    this.#figures.set(name, made);
    return made;
  }
}

/**
 * @param {string} name
 * @param {HTMLSelectElement} control
 */
function field(name, control) {
  control.id = `diagnostics-${name}`;
  const row = make('div', `field inline ${name}`);
  row.append(labelFor(control, said(`diagnostics_${name}`), 'head'), control);
  return row;
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
