// @ts-check
// What the dialogs of the exchange are made of.
import { said } from '../words/exchange.js';
import { helpButton } from '../parts/help.js';
import { addStyle } from '../parts/styles.js';
import { make } from '../parts/dom.js';

/** @type {Map<string, HTMLDialogElement>} */
const dialogs = new Map();

/**
 * A dialog that is made when it is first needed, with the style of all of them.
 * @param {string} name
 */
export async function sheet(name) {
  await addStyle('exchange.css');
  const made = dialogs.get(name);
  if (made) return made;
  const dialog = document.createElement('dialog');
  dialog.className = `exchange-dialog ${name}-dialog`;
  // What was in it is not kept: a table may be, and words of another language.
  dialog.addEventListener('close', () => {
    if (!dialog.open) dialog.replaceChildren();
  });
  dialogs.set(name, dialog);
  document.body.append(dialog);
  return dialog;
}

/**
 * Shows a dialog with this in it.
 * @param {HTMLDialogElement} dialog
 * @param {HTMLElement} form
 * @param {HTMLElement} title
 */
export function open(dialog, form, title) {
  title.id = `${dialog.className.split(' ')[1]}-title`;
  dialog.setAttribute('aria-labelledby', title.id);
  dialog.replaceChildren(form);
  if (!dialog.open) dialog.showModal();
}

const HELD = ['inside', 'folded', 'note', 'outside'];

/**
 * What a file holds of a model, by how it does; everything where nothing is told apart.
 * @param {[string, string][]} holds
 */
export function held(holds) {
  const list = make('dl', 'held');
  /** @param {string} how @param {string} words */
  const row = (how, words) => {
    const line = make('div', `how-${how}`);
    const term = make('dt', '', said(`holds_${how}`));
    if (how === 'folded') term.append(helpButton('folded', said('holds_folded')));
    line.append(term, make('dd', '', words));
    list.append(line);
  };
  if (holds.length === 0) row('inside', said('holds_everything'));
  for (const how of HELD) {
    const parts = holds.filter(([, found]) => found === how).map(([part]) => said(`holds_${part}`));
    if (parts.length) row(how, parts.join(said('comma')));
  }
  return list;
}

/** @param {() => string} content */
export function copyButton(content) {
  const button = make('button', 'copy', said('copy'));
  button.setAttribute('type', 'button');
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  button.setAttribute('aria-live', 'polite');
  button.addEventListener('click', async () => {
    let told = 'copied';
    try {
      await navigator.clipboard.writeText(content());
    } catch {
      // A page without a secure origin has no clipboard.
      told = 'not_copied';
    }
    button.textContent = said(told);
    clearTimeout(timer);
    timer = setTimeout(() => {
      button.textContent = said('copy');
    }, 2000);
  });
  return button;
}

/**
 * A table with a row of heads, in a place of its own that scrolls.
 * @param {string} label
 * @param {(string | HTMLElement)[]} heads
 * @param {(string | HTMLElement)[][]} rows the first cell heads its row
 * @param {boolean} [plain] whether the first cell is one like the others
 */
export function grid(label, heads, rows, plain = false) {
  const scroll = make('div', 'scroll');
  scroll.tabIndex = 0;
  scroll.setAttribute('role', 'region');
  scroll.setAttribute('aria-label', label);
  const table = document.createElement('table');
  const head = table.createTHead().insertRow();
  for (const words of heads) {
    const cell = document.createElement('th');
    cell.scope = 'col';
    cell.append(words);
    head.append(cell);
  }
  const body = table.createTBody();
  for (const row of rows) {
    const line = body.insertRow();
    row.forEach((words, j) => {
      const cell = document.createElement(j === 0 && !plain ? 'th' : 'td');
      if (cell.tagName === 'TH') /** @type {HTMLTableCellElement} */ (cell).scope = 'row';
      cell.append(words);
      line.append(cell);
    });
  }
  scroll.append(table);
  return scroll;
}
