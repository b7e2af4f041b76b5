// @ts-check
// Dialogs: the list of keys.
import { text } from '../words/index.js';

/** @param {string} id */
export const dialog = (id) => /** @type {HTMLDialogElement} */ (document.getElementById(id));

/** @param {string} id */
const element = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** Shows every key. */
export function showKeys() {
  const list = element('keys');
  list.replaceChildren();
  const keys = [
    ['Space', 'key_space'], ['.', 'key_step'], ['e', 'key_epoch'], ['r', 'key_reset'], ['?', 'key_list'],
    ['← →', 'key_arrows'], ['+ − 0', 'key_zoom'], ['Delete', 'key_delete'], ['Esc', 'key_cancel'],
  ];
  for (const [key, words] of keys) {
    const term = document.createElement('dt');
    const name = document.createElement('kbd');
    name.textContent = key;
    term.append(name);
    const what = document.createElement('dd');
    what.textContent = text(words);
    list.append(term, what);
  }
  dialog('keys-dialog').showModal();
}
