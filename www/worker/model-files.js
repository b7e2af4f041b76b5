// @ts-check
/// <reference lib="webworker" />
// The worker of model files: it writes and reads models of other tools and predicts tables, apart from the session. A hostile
// file can break nothing else: the page ends this worker and starts another.
import { chunksOf } from './blob.js';

const scope = /** @type {DedicatedWorkerGlobalScope} */ (/** @type {unknown} */ (globalThis));

/** Predictions that are handed to the browser at once: it may keep them on disk. */
const PART_BYTES = 1 << 25;
/** Progress is told this often at most. */
const TOLD_MS = 100;

const loading = import('../wasm/model-files/downhill_model_files.js').then(async (module) => {
  await module.default({ module_or_path: new URL('../wasm/model-files/downhill_model_files_bg.wasm', import.meta.url) });
  return module;
});
loading.then(() => scope.postMessage({ ready: true }), (error) => scope.postMessage({ missing: String(error?.message ?? error) }));

const encoder = new TextEncoder();

/**
 * @param {typeof import('../wasm/model-files/downhill_model_files.js')} modelFiles
 * @param {import('./model-files-types.js').ModelFilesRequest} request
 * @param {(progress: object) => void} tell
 */
async function handle(modelFiles, request, tell) {
  switch (request.kind) {
    case 'prepare': {
      const run = encoder.encode(request.run);
      return { description: JSON.parse(modelFiles.describe(run, request.format)), bytes: modelFiles.write(run, request.format) };
    }
    case 'format':
      return modelFiles.format_of(request.bytes);
    case 'read':
      return JSON.parse(modelFiles.read(request.bytes));
    case 'takes': {
      const predictor = new modelFiles.Predictor(request.text);
      const description = JSON.parse(predictor.describe());
      predictor.free();
      return description;
    }
    case 'predict':
      return predict(new modelFiles.Predictor(request.text), request.blob, tell);
  }
}

/**
 * @param {import('../wasm/model-files/downhill_model_files.js').Predictor} predictor
 * @param {Blob} blob
 * @param {(progress: object) => void} tell
 */
async function predict(predictor, blob, tell) {
  /** @type {Blob[]} */
  const parts = [];
  /** @type {Uint8Array<ArrayBuffer>[]} */
  let kept = [];
  let size = 0;
  const keep = (/** @type {Uint8Array} */ bytes) => {
    kept.push(/** @type {Uint8Array<ArrayBuffer>} */ (bytes));
    size += bytes.length;
    if (size < PART_BYTES) return;
    parts.push(new Blob(kept));
    [kept, size] = [[], 0];
  };
  let told = performance.now();
  for await (const { bytes, end } of chunksOf(blob)) {
    keep(predictor.push(bytes));
    if (performance.now() - told < TOLD_MS) continue;
    told = performance.now();
    tell({ fraction: end / blob.size, n_rows: JSON.parse(predictor.counts()).n_rows });
  }
  keep(predictor.finish());
  const counts = JSON.parse(predictor.counts());
  predictor.free();
  return { counts, blob: new Blob([...parts, ...kept], { type: 'text/csv' }) };
}

scope.addEventListener('message', async ({ data: { id, request } }) => {
  let modelFiles;
  try {
    modelFiles = await loading;
  } catch {
    // The page knows it already.
    return;
  }
  try {
    const answer = await handle(modelFiles, request, (progress) => scope.postMessage({ id, progress }));
    scope.postMessage({ id, answer });
  } catch (error) {
    const { message, code, params } = /** @type {any} */ (error);
    if (error instanceof WebAssembly.RuntimeError) scope.postMessage({ id, crash: message });
    else scope.postMessage({ id, error: { message, code, params } });
  }
});
