// @ts-check
/// <reference lib="webworker" />
// A worker that answers requests in turn, shared by the two workers of the benchmark.

const scope = /** @type {DedicatedWorkerGlobalScope} */ (/** @type {unknown} */ (globalThis));

/** @param {Record<string, (request: any) => unknown>} answers what it can be asked, by the request's `type` */
export function serve(answers) {
  scope.addEventListener('message', async ({ data }) => {
    try {
      scope.postMessage({ answer: await answers[data.type](data) });
    } catch (error) {
      scope.postMessage({ error: String(/** @type {any} */ (error)?.message ?? error) });
    }
  });
}

/**
 * Seconds that a function takes.
 * @template T
 * @param {() => Promise<T>} work
 * @returns {Promise<{ seconds: number, result: T }>}
 */
export async function timed(work) {
  const start = performance.now();
  const result = await work();
  return { seconds: (performance.now() - start) / 1000, result };
}
