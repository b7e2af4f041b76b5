// @ts-check
// Style sheets that come with a part of the page which a first visit does not show.

/** @type {Map<string, Promise<void>>} */
const styles = new Map();

/**
 * @param {string} name of a style sheet of `www/styles/` that comes with a part of the page
 * @returns {Promise<void>} until it holds; without it the part is plain, but there
 */
export function addStyle(name) {
  const added = styles.get(name);
  if (added) return added;
  const style = document.createElement('link');
  style.rel = 'stylesheet';
  style.href = new URL(`../styles/${name}`, import.meta.url).href;
  const holds = new Promise((/** @type {(_: void) => void} */ done) => {
    for (const event of ['load', 'error']) style.addEventListener(event, () => done());
  });
  styles.set(name, holds);
  document.head.append(style);
  return holds;
}
