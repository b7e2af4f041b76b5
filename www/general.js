// @ts-check
// The second wasm on the page's thread: the charts of what a first visit does not show. Loaded once.

/** @type {Promise<typeof import('./general/downhill.js')> | undefined} */
let loading;

/** The module, instantiated. */
export function general() {
  loading ??= (async () => {
    const module = await import('./general/downhill.js');
    await module.default({ module_or_path: new URL('./general/downhill_bg.wasm', import.meta.url) });
    return module;
  })();
  // Where the network failed, the next picture asks again.
  loading.catch(() => {
    loading = undefined;
  });
  return loading;
}

/** @type {Map<string, Promise<void>>} */
const styles = new Map();

/**
 * @param {string} name of a style sheet of `www/` that comes with a part of the page
 * @returns {Promise<void>} until it holds; without it the part is plain, but there
 */
export function addStyle(name) {
  const added = styles.get(name);
  if (added) return added;
  const style = document.createElement('link');
  style.rel = 'stylesheet';
  style.href = new URL(`./${name}`, import.meta.url).href;
  const holds = new Promise((/** @type {(_: void) => void} */ done) => {
    for (const event of ['load', 'error']) style.addEventListener(event, () => done());
  });
  styles.set(name, holds);
  document.head.append(style);
  return holds;
}
