// @ts-check
// Dialogs: the list of keys, and the explanation of a term.
import { language, text } from './i18n.js';
import { help } from './help.js';

/** @param {string} id */
export const dialog = (id) => /** @type {HTMLDialogElement} */ (document.getElementById(id));

/** @param {string} id */
const element = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/**
 * A small question mark that explains a term.
 * @param {string} term
 */
export function helpButton(term) {
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'help';
  button.textContent = '?';
  const words = entry(term);
  button.setAttribute('aria-label', text('help_on', { term: words.title }));
  button.addEventListener('click', (event) => {
    // In a fold's heading the click would fold it.
    event.preventDefault();
    const now = entry(term);
    element('help-title').textContent = now.title;
    element('help-text').textContent = now.text;
    element('help-formula').textContent = now.formula;
    /** @type {HTMLAnchorElement} */ (element('help-link')).href = now.link;
    dialog('help-dialog').showModal();
  });
  return button;
}

/** @param {string} term */
function entry(term) {
  const known = /** @type {Record<string, Record<string, { title: string, text: string, formula: string, link: string }>>} */ (help)[term];
  return known?.[language] ?? known?.en ?? { title: term, text: '', formula: '', link: '' };
}

/** Shows every key. */
export function showKeys() {
  const list = element('keys');
  list.replaceChildren();
  const keys = [
    ['Space', 'key_space'], ['.', 'key_step'], ['e', 'key_epoch'], ['r', 'key_reset'], ['?', 'key_list'],
    ['← →', 'key_arrows'], ['+ − 0', 'key_zoom'], ['Delete', 'key_delete'],
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
