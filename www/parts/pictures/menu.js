// @ts-check
// The menu next to a picture that saves it.
import { said } from '../../words/table.js';
import { make, makeButton, makeSvg } from '../dom.js';
import { download } from '../saving.js';
import { addStyle } from '../styles.js';
import { png, svg } from './formats.js';

/** @typedef {import('./formats.js').Chart} Chart */
/** @typedef {import('./formats.js').Painting} Painting */

/**
 * Puts a menu next to a picture that saves it.
 * @param {import('../../store.js').Page} page
 * @param {HTMLElement} area the element around the chart's two canvases, labelled and described
 * @param {Chart | Painting} chart
 * @param {string} name of the file, without its end
 */
export function offerSaving({ store }, area, chart, name) {
  const styled = addStyle('plots.css');
  const button = makeButton('icon', '', () => open(menu.hidden === true));
  button.setAttribute('aria-haspopup', 'menu');
  button.setAttribute('aria-expanded', 'false');
  button.append(icon());
  const menu = make('div', 'save-menu');
  menu.setAttribute('role', 'menu');
  menu.hidden = true;
  const items = ['PNG', 'SVG'].map((format) => {
    const item = makeButton('', format, async () => {
      open(false);
      button.focus();
      await save(format, area, chart, name);
    });
    item.setAttribute('role', 'menuitem');
    item.tabIndex = -1;
    return item;
  });
  menu.append(...items);
  const open = (/** @type {boolean} */ shown) => {
    menu.hidden = !shown;
    button.setAttribute('aria-expanded', String(shown));
    if (shown) items[0].focus();
  };
  const holder = make('div', 'save');
  holder.append(button, menu);
  listenToKeys(holder, menu, items, () => {
    open(false);
    button.focus();
  });
  holder.addEventListener('focusout', ({ relatedTarget }) => {
    if (!holder.contains(/** @type {Node | null} */ (relatedTarget))) open(false);
  });
  const word = () => {
    const label = said('save_picture', { name: area.getAttribute('aria-label') ?? '' });
    button.setAttribute('aria-label', label);
    button.title = said('save_picture_short');
    menu.setAttribute('aria-label', label);
  };
  word();
  store.subscribe(['language'], word);
  new MutationObserver(word).observe(area, { attributeFilter: ['aria-label'] });
  // Not before it has its place, or it would push the picture away for a moment.
  void styled.then(() => area.before(holder));
}

/**
 * @param {HTMLElement} holder
 * @param {HTMLElement} menu
 * @param {HTMLElement[]} items
 * @param {() => void} close
 */
function listenToKeys(holder, menu, items, close) {
  holder.addEventListener('keydown', (event) => {
    if (menu.hidden) return;
    const move = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (event.key === 'Escape') close();
    else if (move !== undefined) {
      const at = items.findIndex((item) => item.matches(':focus'));
      items[(at + move + items.length) % items.length].focus();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });
}

function icon() {
  const path = makeSvg('path', { class: 'line', d: 'M8 2.5v7.5M5 7.5 8 10.5l3-3M3 13.5h10' });
  return makeSvg('svg', { viewBox: '0 0 16 16', 'aria-hidden': 'true', focusable: 'false' }, path);
}

/**
 * @param {string} format
 * @param {HTMLElement} area
 * @param {Chart | Painting} chart
 * @param {string} name
 */
async function save(format, area, chart, name) {
  const blob = format === 'PNG' ? await png(area, chart) : new Blob([svg(area, chart)], { type: 'image/svg+xml' });
  if (blob) download(`downhill-${name}.${format.toLowerCase()}`, blob);
}
