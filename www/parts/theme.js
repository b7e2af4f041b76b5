// @ts-check
// Light and dark: after the system, or as chosen. Charts take their colours from the same list.
import { text } from '../words/index.js';
import { part } from './dom.js';

const choices = ['auto', 'light', 'dark'];

/** The theme that was chosen before. @param {import('../preferences.js').Preferences} preferences */
export function preferredTheme(preferences) {
  const chosen = preferences.get('theme') ?? 'auto';
  return choices.includes(chosen) ? chosen : 'auto';
}

/**
 * A choice, and whether it is dark.
 * @param {string} choice
 * @param {import('../media.js').Media} media
 */
export const themeOf = (choice, media) => ({ choice, dark: choice === 'dark' || (choice === 'auto' && media.dark.matches) });

/** @param {import('../store.js').Page} page */
export function startTheme({ root, store, preferences, media }) {
  const button = part(root, 'theme-button');
  const show = () => {
    const words = text(`theme_${store.state.theme.choice}`);
    button.setAttribute('aria-label', words);
    button.title = words;
  };
  button.addEventListener('click', () => {
    const choice = choices[(choices.indexOf(store.state.theme.choice) + 1) % choices.length];
    preferences.set('theme', choice);
    store.set({ theme: themeOf(choice, media) });
  });
  media.dark.addEventListener('change', () => store.set({ theme: themeOf(store.state.theme.choice, media) }));
  store.subscribe(['theme', 'language'], show);
  show();
}

/**
 * The colours of charts, from the custom properties of the page.
 * @param {Element} root
 * @returns {import('../wasm/engine/downhill.js').ChartTheme}
 */
export function chartTheme(root) {
  const style = getComputedStyle(root);
  const colour = (/** @type {string} */ name) => style.getPropertyValue(`--${name}`).trim();
  return {
    background: colour('surface'),
    ink: colour('ink'),
    muted: colour('muted'),
    grid: colour('grid'),
    fit: colour('fit'),
    exact: colour('exact'),
    batch: colour('batch'),
    rate: colour('rate'),
    mark: colour('mark'),
    diverged: colour('diverged'),
    points: colour('points'),
    validation: colour('validation'),
    font: colour('font'),
  };
}
