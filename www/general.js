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

/** @param {string} name of a style sheet of `www/` that comes with a part of the page */
export function addStyle(name) {
  const href = new URL(`./${name}`, import.meta.url).href;
  if (document.querySelector(`link[href="${href}"]`)) return;
  const style = document.createElement('link');
  style.rel = 'stylesheet';
  style.href = href;
  document.head.append(style);
}
