// @ts-check
// A picture of series with its caption, legend and words: what the pointer, the keyboard, the theme and a new size do to it.
import { chartTheme } from './theme.js';
import { make } from './dom.js';
import { PlotChart } from '../wasm/engine/downhill.js';
import { addStyle } from './styles.js';
import { onChange } from './changes.js';
import { offerSaving } from './pictures.js';

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

/** A press that moves further than this is a drag. */
const CLICK_PX = 4;

let ids = 0;

/** Colours of lines that are told apart by their names, safe for colour-blind eyes on light and on dark; then the same, dashed. */
const COLOURS = {
  light: ['#0b62b8', '#b85c00', '#1c7a3e', '#7a3fb5', '#a8326e', '#00727a', '#6b5a00', '#565e68'],
  dark: ['#5eaef9', '#f0a04b', '#63cf8b', '#c39bf2', '#f08fbd', '#4fc9d3', '#d9c34a', '#a3acb7'],
};

/** Lines that can be told apart. */
export const MOST_LINES = 2 * COLOURS.light.length;

/**
 * What the line of each place looks like, on the page as it is now.
 * @returns {(place: number) => { colour: string, kind: 'line' | 'dashed' }}
 */
export function lineLook() {
  const { theme } = document.documentElement.dataset;
  const isDark = theme === 'dark' || (theme !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
  const colours = COLOURS[isDark ? 'dark' : 'light'];
  return (place) => ({ colour: colours[place % colours.length], kind: place < colours.length ? 'line' : 'dashed' });
}

/** Series as the chart takes them. @param {ArrayLike<number | null>} values */
export const column = (values) => Float32Array.from(values, (value) => value ?? NaN);

/** A figure whose canvas shows a plot. */
export class PlotFigure {
  /** @type {PlotChart} */
  #chart;
  /** @type {Picture | undefined} */
  #picture;
  #asked = false;
  #title = make('h3');
  #legend = make('ul', 'legend of-plot');
  #reading = make('span', 'reading figure');
  #hint = make('p', 'hint');
  #text = make('p', 'hidden');
  #area = make('div', 'canvas');

  /** @param {string} name of its file, and a class */
  constructor(name) {
    addStyle('plots.css');
    ids += 1;
    this.#text.id = `plot-text-${ids}`;
    this.#hint.id = `plot-hint-${ids}`;
    const [base, top] = [document.createElement('canvas'), document.createElement('canvas')];
    this.#area.append(base, top);
    this.#area.tabIndex = 0;
    this.#area.setAttribute('role', 'img');
    this.#area.setAttribute('aria-describedby', `${this.#text.id} ${this.#hint.id}`);
    const caption = document.createElement('figcaption');
    caption.append(this.#title, this.#legend, this.#reading);
    this.element = make('figure', `chart plot ${name}`);
    this.element.append(caption, this.#area, this.#hint, this.#text);
    this.#chart = new PlotChart(base, top);
    this.#chart.set_theme(chartTheme());
    offerSaving(this.#area, this.#chart, name);
    this.#pointer();
    this.#keys();
    new ResizeObserver(() => {
      const { width, height } = this.#area.getBoundingClientRect();
      if (width > 0 && height > 0) this.#chart.resize(width, height, devicePixelRatio);
      this.#ask();
    }).observe(this.#area);
    onChange(() => {
      this.#chart.set_theme(chartTheme());
      this.#ask();
    });
  }

  /** @param {Picture} picture */
  show(picture) {
    this.#picture = picture;
    const { title, plot, legend = [], hint = '', text } = picture;
    if (this.#title.textContent !== title) this.#title.textContent = title;
    if (this.#area.getAttribute('aria-label') !== title) this.#area.setAttribute('aria-label', title);
    if (this.#hint.textContent !== hint) this.#hint.textContent = hint;
    this.#text.textContent = text;
    this.#legend.replaceChildren(...legend.map(({ mark, colour, words }) => {
      const item = make('li', mark, words);
      item.style.setProperty('--mark', colour.startsWith('#') ? colour : `var(--${colour})`);
      return item;
    }));
    this.#chart.set(plot);
    this.#ask();
  }

  #ask() {
    if (this.#asked) return;
    this.#asked = true;
    requestAnimationFrame(() => {
      this.#asked = false;
      this.#chart.draw();
    });
  }

  /** @param {PlotReading | undefined} reading */
  #read(reading) {
    this.#reading.textContent = reading && this.#picture ? this.#picture.read(reading) : '';
    this.#chart.set_cursor(reading?.series, reading?.index);
    this.#ask();
  }

  #pointer() {
    const area = this.#area;
    /** @type {Map<number, { x: number, y: number }>} */
    const pressed = new Map();
    let moved = 0;
    const place = (/** @type {MouseEvent} */ event) => {
      const { left, top } = area.getBoundingClientRect();
      return { x: event.clientX - left, y: event.clientY - top };
    };
    area.addEventListener('pointerdown', (event) => {
      pressed.set(event.pointerId, place(event));
      moved = pressed.size > 1 ? CLICK_PX + 1 : 0;
      area.setPointerCapture(event.pointerId);
    });
    area.addEventListener('pointermove', (event) => {
      const now = place(event);
      const before = pressed.get(event.pointerId);
      if (before) {
        moved += Math.hypot(now.x - before.x, now.y - before.y);
        const other = [...pressed].find(([id]) => id !== event.pointerId)?.[1];
        if (other) {
          const apart = (/** @type {{ x: number, y: number }} */ at) => Math.hypot(at.x - other.x, at.y - other.y);
          this.#chart.zoom((now.x + other.x) / 2, (now.y + other.y) / 2, apart(now) / Math.max(apart(before), 1));
        } else if (moved > CLICK_PX && this.#chart.is_zoomed()) {
          this.#chart.pan(now.x - before.x, now.y - before.y);
        }
        pressed.set(event.pointerId, now);
      }
      this.#reading.setAttribute('aria-live', 'off');
      this.#read(this.#chart.reading(now.x, now.y));
    });
    area.addEventListener('pointerup', (event) => {
      const { x, y } = place(event);
      const reading = pressed.delete(event.pointerId) && moved <= CLICK_PX ? this.#chart.reading(x, y) : undefined;
      if (reading) this.#picture?.choose?.(reading);
    });
    area.addEventListener('pointercancel', (event) => pressed.delete(event.pointerId));
    area.addEventListener('pointerleave', () => {
      if (document.activeElement !== area) this.#read(undefined);
    });
    area.addEventListener('wheel', (event) => {
      // The panel scrolls, unless it is this picture that is being looked into.
      if (!event.ctrlKey && document.activeElement !== area) return;
      event.preventDefault();
      const { x, y } = place(event);
      this.#chart.zoom(x, y, Math.exp(-event.deltaY / 400));
      this.#ask();
    }, { passive: false });
    area.addEventListener('dblclick', () => {
      this.#chart.reset_zoom();
      this.#ask();
    });
    area.addEventListener('blur', () => this.#read(undefined));
  }

  #keys() {
    const area = this.#area;
    /** @type {PlotReading | undefined} */
    let reading;
    area.addEventListener('keydown', (event) => {
      const [x, y] = [area.clientWidth / 2, area.clientHeight / 2];
      const pairs = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      const series = { ArrowUp: 1, ArrowDown: -1 }[event.key];
      if (pairs !== undefined || series !== undefined) {
        reading = this.#chart.move_cursor((pairs ?? 0) * (event.shiftKey ? 10 : 1), series ?? 0);
        this.#reading.setAttribute('aria-live', 'polite');
        this.#read(reading);
      } else if (event.key === '+' || event.key === '=') this.#chart.zoom(x, y, 1.25);
      else if (event.key === '-') this.#chart.zoom(x, y, 0.8);
      else if (event.key === '0') this.#chart.reset_zoom();
      else if (event.key === 'Enter' && reading && this.#picture?.choose) this.#picture.choose(reading);
      else return;
      event.preventDefault();
      this.#ask();
    });
  }
}
