// @ts-check
// The choice of a language.
import { setLanguage, translate } from '../words/index.js';
import { part } from './dom.js';

/** @param {import('../store.js').Page} page */
export function startLanguage({ root, store, preferences }) {
  const select = /** @type {HTMLSelectElement} */ (part(root, 'language'));
  select.value = store.state.language;
  select.addEventListener('change', async () => {
    const language = select.value;
    preferences.set('language', language);
    await setLanguage(language);
    translate(root);
    store.set({ language });
  });
}
