// @ts-check
// Tells what came after the page was tied together that its theme or language is another one now.

/** @type {Set<() => void>} */
const heard = new Set();

/**
 * Calls back, in the next frame, whenever the theme or the language has changed.
 * @param {() => void} changed
 */
export function onChange(changed) {
  if (heard.size === 0) {
    // The page sets both on its root, and turns its own words before this is heard.
    const tell = () => requestAnimationFrame(() => heard.forEach((each) => each()));
    new MutationObserver(tell).observe(document.documentElement, { attributeFilter: ['data-theme', 'lang'] });
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', tell);
  }
  heard.add(changed);
}
