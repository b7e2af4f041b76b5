// @ts-check
// Actual against predicted classes.
import { make } from '../../parts/dom.js';
import { offerSaving } from '../../parts/pictures/menu.js';
import { chartTheme } from '../../parts/theme.js';
import { count, figure } from '../../words/index.js';
import { said } from '../../words/table.js';

/** @typedef {import('../../wasm/engine/downhill.js').Diagnosed} Diagnosed */

/** Actual against predicted classes, as a table: its numbers are its picture. */
export class Confusion {
  element = make('figure', 'chart plot confusion');
  #title = make('h3');
  #table = document.createElement('table');
  #scroll = make('div', 'scroll');
  #hint = make('p', 'hint');

  /** @param {import('../../store.js').Page} page */
  constructor(page) {
    const caption = make('figcaption');
    caption.append(this.#title);
    const scroll = this.#scroll;
    scroll.tabIndex = 0;
    scroll.setAttribute('role', 'region');
    scroll.append(this.#table);
    this.element.append(caption, scroll, this.#hint);
    offerSaving(page, scroll, (context) => this.#paint(context, scroll), 'confusion');
  }

  /**
   * The table as it stands.
   * @param {CanvasRenderingContext2D} context
   * @param {HTMLElement} scroll
   */
  #paint(context, scroll) {
    const theme = chartTheme(scroll);
    const from = scroll.getBoundingClientRect();
    context.textAlign = 'end';
    context.textBaseline = 'middle';
    for (const cell of this.#table.querySelectorAll('th, td')) {
      const { left, right, top, width, height } = cell.getBoundingClientRect();
      const { fontWeight, fontSize, paddingRight } = getComputedStyle(cell);
      const [x, y] = [left - from.left + scroll.scrollLeft, top - from.top + scroll.scrollTop];
      const colour = { right: theme.fit, wrong: theme.validation }[cell.className];
      if (colour) {
        const share = 0.45 * Number(/** @type {HTMLElement} */ (cell).style.getPropertyValue('--share'));
        const [red, green, blue] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
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
