// @ts-check
// The list of keys.
import { make, part } from '../parts/dom.js';
import { text } from '../words/index.js';

const keys = [
  ['Space', 'key_space'], ['.', 'key_step'], ['e', 'key_epoch'], ['r', 'key_reset'], ['?', 'key_list'],
  ['← →', 'key_arrows'], ['+ − 0', 'key_zoom'], ['Delete', 'key_delete'], ['Esc', 'key_cancel'],
];

/** Shows every key. @param {HTMLElement} root */
export function showKeys(root) {
  part(root, 'keys').replaceChildren(...keys.flatMap(([key, words]) => {
    const term = make('dt');
    term.append(make('kbd', '', key));
    return [term, make('dd', '', text(words))];
  }));
  /** @type {HTMLDialogElement} */ (part(root, 'keys-dialog')).showModal();
}
