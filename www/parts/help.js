// @ts-check
// Explanations of terms: a small question mark, and the dialog that it opens.
import { language, text } from '../words/index.js';
import { makeButton, part } from './dom.js';

/** @typedef {{ title: string, text: string, formula: string, link: string }} Explanation */

/** @type {Record<string, () => Promise<{ default: Record<string, Explanation> }>>} */
const languages = { en: () => import('../words/help/en.js'), zh: () => import('../words/help/zh.js') };

/** What asks the page around it to explain a term. */
const EXPLAIN = 'explain';

/**
 * A small question mark that explains a term. The explanations come when the first one is asked for.
 * @param {string | (() => string)} term or what it is by then
 * @param {string} label
 */
export function helpButton(term, label) {
  const button = makeButton('help', '?', (event) => {
    // In a fold's heading the click would fold it.
    event.preventDefault();
    button.dispatchEvent(new CustomEvent(EXPLAIN, { bubbles: true, detail: typeof term === 'string' ? term : term() }));
  });
  button.setAttribute('aria-label', text('help_on', { term: label }));
  return button;
}

/** Opens the explanation of a term that a button of the page asks for. @param {import('../store.js').Page} page */
export function startHelp({ root }) {
  root.addEventListener(EXPLAIN, async (event) => {
    const term = /** @type {CustomEvent<string>} */ (event).detail;
    const { title, text: words, formula, link } = (await languages[language]()).default[term];
    part(root, 'help-title').textContent = title;
    part(root, 'help-text').textContent = words;
    part(root, 'help-formula').textContent = formula;
    /** @type {HTMLAnchorElement} */ (part(root, 'help-link')).href = link;
    /** @type {HTMLDialogElement} */ (part(root, 'help-dialog')).showModal();
  });
}
