// @ts-check
// The worker of model files, as an async function. It starts when it is first needed. A file that breaks it, or keeps it
// busy for too long, costs that worker and nothing else.
import { said } from '../words/model-files.js';

/** @typedef {import('../worker/model-files-types.js').ModelFilesRequest} ModelFilesRequest */
/** @typedef {import('../worker/model-files-types.js').PredictProgress} PredictProgress */

/** A worker that has said nothing for so long while something was asked of it is ended. */
const SILENCE_MS = 15_000;

/**
 * @typedef {{ resolve: (answer: any) => void, reject: (error: Error) => void, progress?: (progress: PredictProgress) => void }} Waiting
 * @typedef {{
 *   worker: Worker, ready: boolean, timer: ReturnType<typeof setTimeout> | undefined, pending: Map<number, Waiting>,
 * }} Running
 */
/** @type {Running | undefined} */
let running;
let last = 0;

/** @param {Running} of @param {Error} error what those are told who wait for it */
function end(of, error) {
  clearTimeout(of.timer);
  of.worker.terminate();
  if (running === of) running = undefined;
  for (const { reject } of of.pending.values()) reject(error);
  of.pending.clear();
}

/** Begins anew to wait for a word. @param {Running} of */
function listen(of) {
  clearTimeout(of.timer);
  // Loading takes as long as the network does.
  if (!of.ready || of.pending.size === 0) return;
  of.timer = setTimeout(() => end(of, new Error(said('model_files_silent', { seconds: SILENCE_MS / 1000 }))), SILENCE_MS);
}

function start() {
  /** @type {Running} */
  const started = {
    worker: new Worker(new URL('../worker/model-files.js', import.meta.url), { type: 'module' }),
    ready: false,
    timer: undefined,
    pending: new Map(),
  };
  started.worker.addEventListener('error', (event) => {
    event.preventDefault();
    end(started, new Error(said('model_files_missing', { detail: event.message || 'worker' })));
  });
  started.worker.addEventListener('message', ({ data: { id, ready, missing, answer, error, crash, progress } }) => {
    if (missing !== undefined) {
      end(started, new Error(said('model_files_missing', { detail: missing })));
      return;
    }
    if (ready) started.ready = true;
    const asked = started.pending.get(id);
    if (progress) asked?.progress?.(progress);
    if (asked && crash !== undefined) {
      asked.reject(new Error(said('model_files_broken', { detail: crash })));
      started.pending.delete(id);
      // What has broken down is not to be asked for anything.
      end(started, new Error(said('model_files_missing', { detail: crash })));
      return;
    }
    if (asked && !ready && !progress) {
      started.pending.delete(id);
      if (error) asked.reject(Object.assign(new Error(error.message), { code: error.code, params: error.params }));
      else asked.resolve(answer);
    }
    listen(started);
  });
  return started;
}

/**
 * Asks the worker of model files.
 * @param {ModelFilesRequest} request
 * @param {{ signal?: AbortSignal, progress?: (progress: PredictProgress) => void }} [options]
 * @returns {Promise<any>}
 */
export function askModelFiles(request, { signal, progress } = {}) {
  const asked = running ??= start();
  last += 1;
  const id = last;
  return new Promise((resolve, reject) => {
    asked.pending.set(id, { resolve, reject, progress });
    asked.worker.postMessage({ id, request });
    // Whatever it is at, it is let go at once.
    signal?.addEventListener('abort', () => {
      if (asked.pending.has(id)) end(asked, Object.assign(new Error('cancelled'), { code: 'cancelled', params: {} }));
    });
    listen(asked);
  });
}
