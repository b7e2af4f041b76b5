// @ts-check
// What dialogs are made of that are made when they are first needed.
import { make } from '../parts/dom.js';
import { addStyle } from '../parts/styles.js';

/**
 * A dialog of the page, with its style.
 * @param {HTMLElement} root
 * @param {string} name
 * @param {string} [look] its class and its style sheet
 */
export async function sheet(root, name, look = 'model-files') {
  await addStyle(`${look}.css`);
  const made = /** @type {HTMLDialogElement | null} */ (root.querySelector(`dialog[data-part="${name}-dialog"]`));
  if (made) return made;
  const dialog = document.createElement('dialog');
  dialog.className = `${look}-dialog`;
  if (look !== name) dialog.classList.add(`${name}-dialog`);
  dialog.dataset.part = `${name}-dialog`;
  // What was in it is not kept: a table may be, and words of another language.
  dialog.addEventListener('close', () => {
    if (!dialog.open) dialog.replaceChildren();
  });
  root.append(dialog);
  return dialog;
}

/**
 * The form of a dialog, which its buttons close.
 * @param {string} words its title
 */
export function sheetForm(words) {
  const form = make('form', 'sheet');
  form.setAttribute('method', 'dialog');
  const title = make('h2', '', words);
  form.append(title);
  return { form, title };
}

/** Where a dialog says what is wrong. */
export function errorLine() {
  const error = make('p', 'error');
  error.setAttribute('role', 'alert');
  error.hidden = true;
  return error;
}

/**
 * Shows a dialog with this in it.
 * @param {HTMLDialogElement} dialog
 * @param {HTMLElement} form
 * @param {HTMLElement} title
 */
export function open(dialog, form, title) {
  title.id = `${dialog.dataset.part}-title`;
  dialog.setAttribute('aria-labelledby', title.id);
  dialog.replaceChildren(form);
  if (!dialog.open) dialog.showModal();
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
