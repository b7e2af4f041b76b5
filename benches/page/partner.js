// @ts-check
/// <reference lib="webworker" />
// The second worker of the bare engine, as `www/worker/session.js` is on the page.

const scope = /** @type {DedicatedWorkerGlobalScope} */ (/** @type {unknown} */ (globalThis));
/** Where the glue is; by a variable, for the type checker has no such module. */
const glue = './engine/downhill_bench_engine.js';
/** @type {Promise<{ hear(asked: unknown): Float64Array }> | undefined} */
let partner;

scope.onmessage = async ({ data }) => {
  if (partner) {
    scope.postMessage((await partner).hear(data));
    return;
  }
  partner = import(glue).then((module) => {
    module.initSync({ module: data });
    return new module.Partner();
  });
};
