// @ts-check
// The worker, made to look like an async function: requests have ids, answers find their promises, errors cross as
// errors, and what a past run still says is dropped.

/** @typedef {import('./wasm/engine/downhill.js').Request} Request */
/** @typedef {import('./wasm/engine/downhill.js').Answer} Answer */
/** @typedef {import('./wasm/engine/downhill.js').Event} SessionEvent */
/** @typedef {import('./wasm/engine/downhill.js').Snapshot} Snapshot */
/** @typedef {import('./wasm/engine/downhill.js').Configured} Configured */
/** @typedef {import('./wasm/engine/downhill.js').Progress} Progress */
/** @typedef {Error & { code?: string, params?: Record<string, string> }} SessionError */

/** An answer that takes longer is waited for in sight. */
const BUSY_MS = 250;
/** What is this far by then ends too soon for its progress to be read. */
const NEARLY = 0.6;

/** The session in its worker. */
export class Client {
  #worker;
  #next = 1;
  #run = 0;
  /** @type {Map<number, { resolve: (answer: any) => void, reject: (error: Error) => void }>} */
  #pending = new Map();
  /** @type {Set<number>} */
  #late = new Set();
  #onBusy;
  #onProgress;

  /**
   * @param {WebAssembly.Module} module
   * @param {(snapshot: Snapshot) => void} onSnapshot
   * @param {(error: Error) => void} onCrash
   * @param {(busy: boolean) => void} onBusy
   * @param {(progress: { event: Progress, cancel: () => void } | undefined) => void} onProgress of the request that the
   *   worker is at, while that is worth showing
   */
  constructor(module, onSnapshot, onCrash, onBusy, onProgress) {
    this.#onBusy = onBusy;
    this.#onProgress = onProgress;
    this.#worker = new Worker(new URL('./worker/session.js', import.meta.url), { type: 'module' });
    this.#worker.postMessage({ type: 'init', module });
    this.#worker.addEventListener('error', (event) => {
      event.preventDefault();
      const error = new Error(event.message || 'the worker could not start');
      for (const { reject } of this.#pending.values()) reject(error);
      this.#pending.clear();
      onCrash(error);
    });
    this.#worker.addEventListener('message', ({ data }) => {
      if (data.event) {
        /** @type {SessionEvent} */
        const event = data.event;
        if (event.kind === 'snapshot' && event.run === this.#run) onSnapshot(event);
        if (event.kind === 'progress') this.#progress(data.id, event);
        return;
      }
      if (data.crash) {
        onCrash(new Error(data.crash));
        return;
      }
      const pending = this.#pending.get(data.id);
      this.#pending.delete(data.id);
      if (!pending) return;
      if (data.error) {
        const { message, code, params } = data.error;
        pending.reject(Object.assign(new Error(message), { code, params }));
        return;
      }
      if (data.answer.kind === 'configured') this.#run = data.answer.run;
      pending.resolve(data.answer);
    });
  }

  /** The request whose progress is shown. */
  #shown = 0;

  /**
   * @param {number} id
   * @param {Progress} event
   */
  #progress(id, event) {
    if (!this.#late.has(id) || (this.#shown !== id && event.fraction > NEARLY)) return;
    this.#shown = id;
    this.#onProgress({ event, cancel: () => this.#cancel(id) });
  }

  /** @param {number} id */
  #cancel(id) {
    this.#worker.postMessage({ cancel: id });
  }

  /**
   * @param {Request} request
   * @param {AbortSignal} [signal] cancels it, if it takes long enough for that
   * @returns {Promise<any>}
   */
  ask(request, signal) {
    const id = this.#next;
    this.#next += 1;
    const answer = new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.#worker.postMessage({ id, request });
    });
    signal?.addEventListener('abort', () => this.#cancel(id));
    const timer = setTimeout(() => {
      this.#late.add(id);
      this.#onBusy(true);
    }, BUSY_MS);
    const done = () => {
      clearTimeout(timer);
      if (this.#shown === id) this.#onProgress(undefined);
      if (this.#late.delete(id)) this.#onBusy(this.#late.size > 0);
    };
    answer.then(done, done);
    return answer;
  }
}
