// @ts-check
// The address of the page: what it asks for, and what the run is.

/**
 * @typedef {object} Address
 * @property {() => string} read the part after `#`
 * @property {(query: string) => void} write puts the configuration of the run there; empty for the default
 * @property {(listener: (hash: string) => void) => void} onChange calls back when a person goes to another one
 */

/** Browsers refuse to have the address changed a hundred times in half a minute. */
const WRITE_MS = 400;

/** The address of this document. @returns {Address} */
export function documentAddress() {
  let newest = '';
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  return {
    read: () => location.hash,
    write(query) {
      newest = query;
      timer ??= setTimeout(() => {
        timer = undefined;
        history.replaceState(null, '', newest ? `#${newest}` : location.pathname + location.search);
      }, WRITE_MS);
    },
    onChange(listener) {
      // By now the address itself may say again what the run is.
      addEventListener('hashchange', ({ newURL }) => listener(new URL(newURL).hash));
    },
  };
}
