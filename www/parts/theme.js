// @ts-check
// Light and dark: after the system, or as chosen. Charts take their colours from the same list.
import { remember, remembered, text } from '../words/index.js';

const choices = ['auto', 'light', 'dark'];

/** @param {HTMLElement} button */
export function startTheme(button, /** @type {() => void} */ changed) {
  let choice = remembered('theme') ?? 'auto';
  if (!choices.includes(choice)) choice = 'auto';
  const apply = () => {
    document.documentElement.dataset.theme = choice;
    button.setAttribute('aria-label', text(`theme_${choice}`));
    button.title = text(`theme_${choice}`);
  };
  button.addEventListener('click', () => {
    choice = choices[(choices.indexOf(choice) + 1) % choices.length];
    remember('theme', choice);
    apply();
    changed();
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', changed);
  apply();
  return apply;
}

/**
 * The charts' colours, from the page's custom properties.
 * @returns {import('../wasm/engine/downhill.js').ChartTheme}
 */
export function chartTheme() {
  const style = getComputedStyle(document.documentElement);
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
    font: style.getPropertyValue('--font').trim(),
  };
}
