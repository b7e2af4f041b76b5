// @ts-check
// A picture of series with its caption, legend and words: what the pointer, the keyboard, the theme and a new size do to it.
import { PlotChart } from '../wasm/engine/downhill.js';
import { controlChart, fitToArea } from './chart-area.js';
import { framed, make, put } from './dom.js';
import { offerSaving } from './pictures/menu.js';
import { addStyle } from './styles.js';
import { chartTheme } from './theme.js';

/** @typedef {import('../wasm/engine/downhill.js').Plot} Plot */
/** @typedef {import('../wasm/engine/downhill.js').PlotReading} PlotReading */

/**
 * What a picture shows and what is said of it.
 * @typedef {object} Picture
 * @property {string} title
 * @property {Plot} plot
 * @property {{ mark: 'line' | 'dashed' | 'dots' | 'area', colour: string, words: string }[]} [legend] colours as in the plot
 * @property {string} [hint] what to look for, in sight
 * @property {string} text what is found, for whoever does not see it
 * @property {(reading: PlotReading) => string} read
 * @property {(reading: PlotReading) => void} [choose] what a click or Enter does
 */

let ids = 0;

/**
 * Colours of lines that are told apart by their names, safe for colour-blind eyes on light and on dark; then the same, dashed.
 */
const COLOURS = {
  light: ['#0b62b8', '#b85c00', '#1c7a3e', '#7a3fb5', '#a8326e', '#00727a', '#6b5a00', '#565e68'],
  dark: ['#5eaef9', '#f0a04b', '#63cf8b', '#c39bf2', '#f08fbd', '#4fc9d3', '#d9c34a', '#a3acb7'],
};

/** Lines that can be told apart. */
export const MOST_LINES = 2 * COLOURS.light.length;

/**
 * What the line of each place looks like.
 * @param {boolean} dark
 * @returns {(place: number) => { colour: string, kind: 'line' | 'dashed' }}
 */
export function lineLook(dark) {
  const colours = COLOURS[dark ? 'dark' : 'light'];
  return (place) => ({ colour: colours[place % colours.length], kind: place < colours.length ? 'line' : 'dashed' });
}

/** Series as the chart takes them. @param {ArrayLike<number | null>} values */
export const column = (values) => Float32Array.from(values, (value) => value ?? NaN);

/** A figure whose canvas shows a plot. */
export class PlotFigure {
  #chart;
  /** @type {Picture | undefined} */
  #picture;
  #title = make('h3');
  #legend = make('ul', 'legend of-plot');
  #reading = make('span', 'reading figure');
  #hint = make('p', 'hint');
  #text = make('p', 'hidden');
  #area = make('div', 'canvas');
  #ask = framed(() => this.#chart.draw());
  /** What the keyboard reads. @type {PlotReading | undefined} */
  #read;

  /**
   * @param {import('../store.js').Page} page
   * @param {string} name of its file, and a class
   */
  constructor(page, name) {
    addStyle('plots.css');
    ids += 1;
    this.#text.id = `plot-text-${ids}`;
    this.#hint.id = `plot-hint-${ids}`;
    const [base, top] = [document.createElement('canvas'), document.createElement('canvas')];
    this.#area.append(base, top);
    this.#area.tabIndex = 0;
    this.#area.setAttribute('role', 'img');
    this.#area.setAttribute('aria-describedby', `${this.#text.id} ${this.#hint.id}`);
    const caption = make('figcaption');
    caption.append(this.#title, this.#legend, this.#reading);
    this.element = make('figure', `chart plot ${name}`);
    this.element.append(caption, this.#area, this.#hint, this.#text);
    this.#chart = new PlotChart(base, top);
    this.#chart.set_theme(chartTheme(page.root));
    offerSaving(page, this.#area, this.#chart, name);
    this.#control();
    page.store.subscribe(['theme'], () => {
      this.#chart.set_theme(chartTheme(page.root));
      this.#ask();
    });
  }

  /** @param {Picture} picture */
  show(picture) {
    this.#picture = picture;
    const { title, plot, legend = [], hint = '', text } = picture;
    put(this.#title, title);
    if (this.#area.getAttribute('aria-label') !== title) this.#area.setAttribute('aria-label', title);
    put(this.#hint, hint);
    this.#text.textContent = text;
    this.#legend.replaceChildren(...legend.map(({ mark, colour, words }) => {
      const item = make('li', mark, words);
      item.style.setProperty('--mark', colour.startsWith('#') ? colour : `var(--${colour})`);
      return item;
    }));
    this.#chart.set(plot);
    this.#ask();
  }

  /** @param {PlotReading | undefined} reading */
  #show(reading) {
    this.#reading.textContent = reading && this.#picture ? this.#picture.read(reading) : '';
    this.#chart.set_cursor(reading?.series, reading?.index);
    this.#ask();
  }

  #control() {
    const area = this.#area;
    fitToArea(area, this.#chart, this.#ask);
    controlChart(area, this.#chart, {
      ask: this.#ask,
      leave: () => this.#show(undefined),
      hover: ({ x, y }) => {
        this.#reading.setAttribute('aria-live', 'off');
        this.#show(this.#chart.reading(x, y));
      },
      press: ({ x, y }) => {
        const reading = this.#chart.reading(x, y);
        if (reading) this.#picture?.choose?.(reading);
      },
      key: (event) => this.#key(event),
      // The panel scrolls, unless it is this picture that is being looked into.
      wheels: (event) => event.ctrlKey || area.matches(':focus'),
    });
  }

  /** @param {KeyboardEvent} event */
  #key({ key, shiftKey }) {
    const pairs = { ArrowLeft: -1, ArrowRight: 1 }[key];
    const series = { ArrowUp: 1, ArrowDown: -1 }[key];
    if (pairs !== undefined || series !== undefined) {
      this.#read = this.#chart.move_cursor((pairs ?? 0) * (shiftKey ? 10 : 1), series ?? 0);
      this.#reading.setAttribute('aria-live', 'polite');
      this.#show(this.#read);
    } else if (key === 'Enter' && this.#read && this.#picture?.choose) this.#picture.choose(this.#read);
    else return false;
    return true;
  }
}
