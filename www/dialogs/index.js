// @ts-check
// Dialogs: the list of keys, and the explanation of a term.
import { language, text } from '../words/index.js';

/** @param {string} id */
export const dialog = (id) => /** @type {HTMLDialogElement} */ (document.getElementById(id));

/** @param {string} id */
const element = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** @typedef {{ title: string, text: string, formula: string, link: string }} Explanation */

/**
 * A small question mark that explains a term. The explanations come when the first one is asked for.
 * @param {string | (() => string)} term or what it is by then
 * @param {string} label
 */
export function helpButton(term, label) {
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'help';
  button.textContent = '?';
  button.setAttribute('aria-label', text('help_on', { term: label }));
  button.addEventListener('click', async (event) => {
    // In a fold's heading the click would fold it.
    event.preventDefault();
    const { help } = await import('../words/help.js');
    const known = /** @type {Record<string, Record<string, Explanation>>} */ (help);
    const entry = known[typeof term === 'string' ? term : term()];
    const { title, text: words, formula, link } = entry[language] ?? entry.en;
    element('help-title').textContent = title;
    element('help-text').textContent = words;
    element('help-formula').textContent = formula;
    /** @type {HTMLAnchorElement} */ (element('help-link')).href = link;
    dialog('help-dialog').showModal();
  });
  return button;
}

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
