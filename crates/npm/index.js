// @ts-check
// Downhill as a module: the same trainer that the page runs, in a browser worker or in Node (on the CPU).
import load, { Trainer } from './downhill.js';

/** @type {Promise<void> | undefined} */
let loading;

/**
 * Loads the wasm, once. `Trainer.create` does it by itself; call it to load early, or to say where the wasm is.
 * @param {import('./downhill.js').InitInput | Promise<import('./downhill.js').InitInput>} [source] where the wasm is, if not beside this file
 * @returns {Promise<void>}
 */
export function init(source) {
  loading ??= start(source).catch((error) => {
    loading = undefined;
    throw error;
  });
  return loading;
}

/** @param {import('./downhill.js').InitInput | Promise<import('./downhill.js').InitInput>} [source] */
async function start(source) {
  await load({ module_or_path: source ?? fromDisk() });
}

/** In Node the wasm is read from the disk, since `fetch` there knows no file: addresses. Elsewhere undefined: fetched. */
function fromDisk() {
  // Not an import, because bundlers for browsers would fail to resolve it.
  const fs = globalThis.process?.getBuiltinModule?.('node:fs');
  return fs?.readFileSync(new URL('./downhill_bg.wasm', import.meta.url));
}

const create = Trainer.create;
/** @type {typeof Trainer.create} */
Trainer.create = async (...given) => {
  await init();
  return create.apply(Trainer, given);
};

export { Trainer };
