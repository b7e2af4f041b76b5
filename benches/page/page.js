// @ts-check
// The page of the benchmark, which starts workers and forwards requests. As in Downhill, workers do
// all the work.

/** @type {Map<number, { worker: Worker, pending: ((said: any) => void) | undefined }>} */
const workers = new Map();
let last = 0;

Object.assign(globalThis, {
  bench: {
    /**
     * Starts a fresh worker.
     * @param {string} script
     */
    open(script) {
      const id = ++last;
      const worker = new Worker(new URL(script, location.href), { type: 'module' });
      const entry = { worker, pending: /** @type {((said: any) => void) | undefined} */ (undefined) };
      const answer = (/** @type {any} */ said) => {
        const { pending } = entry;
        entry.pending = undefined;
        pending?.(said);
      };
      worker.onmessage = ({ data }) => answer(data);
      worker.onerror = (event) => answer({ error: event.message || 'the worker failed' });
      workers.set(id, entry);
      return id;
    },
    /**
     * Sends one request to a worker; resolves to `{ answer }` or `{ error }`.
     * @param {number} id
     * @param {unknown} request
     */
    ask(id, request) {
      const entry = workers.get(id);
      if (!entry) return { error: 'there is no such worker' };
      return new Promise((done) => {
        entry.pending = done;
        entry.worker.postMessage(request);
      });
    },
    /** @param {number} id */
    close(id) {
      workers.get(id)?.worker.terminate();
      workers.delete(id);
    },
  },
});
