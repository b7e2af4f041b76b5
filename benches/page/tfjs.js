// @ts-check
// TensorFlow.js in a worker, on the same rows and the same work: squared error, a bias, plain
// descent from zero, and a loss at every step that is computed but not read back. Its fastest form
// counts.
import '@tensorflow/tfjs-core/dist/register_all_gradients.js';
import * as tf from '@tensorflow/tfjs-core';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import '@tensorflow/tfjs-backend-webgpu';
import { makeRows } from './data.js';
import { serve, timed } from './serve.js';

/** @typedef {{ w: tf.Tensor2D, b: tf.Tensor, loss: tf.Tensor }} Run */
/** @typedef {{ x: tf.Tensor2D, ones: tf.Tensor2D, y: tf.Tensor2D }} Rows */
/** @typedef {{ n: number, d: number, batch: number, rate: number, backend: string }} Work */

/** @type {{ work: Work, features: Float32Array, targets: Float32Array, rows: Rows | undefined } | undefined} */
let prepared;

/**
 * One step of a hand-written gradient, in each form that might be the fastest.
 * @type {Record<string, (rows: Rows, run: Run, rate: number) => Run>}
 */
const gradientSteps = {
  // With a separate bias.
  matmul({ x, y }, { w, b }, rate) {
    const residual = tf.sub(tf.add(tf.matMul(x, w), b), y);
    const scale = (2 * rate) / x.shape[0];
    const slope = tf.matMul(x, /** @type {tf.Tensor2D} */ (residual), true, false);
    return {
      w: tf.sub(w, tf.mul(slope, scale)),
      b: tf.sub(b, tf.mul(tf.sum(residual), scale)),
      loss: tf.mean(tf.square(residual)),
    };
  },
  // The bias as the weight of a column of ones: fewer operations, more memory.
  ones({ ones, y }, { w, b }, rate) {
    const residual = /** @type {tf.Tensor2D} */ (tf.sub(tf.matMul(ones, w), y));
    const slope = tf.matMul(ones, residual, true, false);
    const n = ones.shape[0];
    return { w: tf.sub(w, tf.mul(slope, (2 * rate) / n)), b, loss: tf.matMul(residual, residual, true, false) };
  },
  // One feature needs no matrix product.
  elementwise({ x, y }, { w, b }, rate) {
    const residual = tf.sub(tf.add(tf.mul(x, w), b), y);
    const scale = (2 * rate) / x.shape[0];
    return {
      w: tf.sub(w, tf.mul(tf.sum(tf.mul(residual, x)), scale)),
      b: tf.sub(b, tf.mul(tf.sum(residual), scale)),
      loss: tf.mean(tf.square(residual)),
    };
  },
};

/** @param {Run} run */
const dispose = (run) => [...new Set(Object.values(run))].forEach((tensor) => tensor.dispose());

/**
 * @param {number} steps
 * @param {string} form
 */
async function byHand(steps, form) {
  const { work } = current();
  const rows = everyRow();
  const step = gradientSteps[form];
  let run = zeros(form === 'ones' ? work.d + 1 : work.d);
  for (let i = 0; i < steps; i++) {
    const before = run;
    run = /** @type {Run} */ (tf.tidy(() => step(rows, before, work.rate)));
    before.w.dispose();
    before.loss.dispose();
    if (before.b !== run.b) before.b.dispose();
  }
  // Reading the last loss waits for all the work.
  const loss = (await run.loss.data())[0] / (form === 'ones' ? work.n : 1);
  await run.w.data();
  dispose(run);
  return loss;
}

/**
 * With automatic differentiation and the optimizer, in shuffled batches if there are any.
 * @param {number} steps
 */
async function byOptimizer(steps) {
  const { work, features, targets } = current();
  const { n, d, batch, rate } = work;
  const w = tf.variable(tf.zeros([d, 1]));
  const b = tf.variable(tf.scalar(0));
  const optimizer = tf.train.sgd(rate);
  /** @type {tf.Scalar | null} */
  let loss = null;
  /**
   * @param {tf.Tensor} x
   * @param {tf.Tensor} y
   */
  const update = (x, y) => {
    loss?.dispose();
    const ofBatch = () => /** @type {tf.Scalar} */ (
      tf.mean(tf.square(tf.sub(tf.add(tf.matMul(/** @type {tf.Tensor2D} */ (x), /** @type {any} */ (w)), b), y))));
    loss = optimizer.minimize(ofBatch, true);
  };
  if (batch === 0) {
    const { x, y } = everyRow();
    for (let i = 0; i < steps; i++) update(x, y);
  } else {
    const order = Uint32Array.from({ length: n }, (_, i) => i);
    const shuffledX = new Float32Array(n * d);
    const shuffledY = new Float32Array(n);
    for (let done = 0; done < steps;) {
      shuffle(order);
      order.forEach((from, to) => {
        for (let j = 0; j < d; j++) shuffledX[to * d + j] = features[from * d + j];
        shuffledY[to] = targets[from];
      });
      for (let start = 0; start < n && done < steps; start += batch, done++) {
        const end = Math.min(start + batch, n);
        const x = tf.tensor2d(shuffledX.slice(start * d, end * d), [end - start, d]);
        const y = tf.tensor2d(shuffledY.slice(start, end), [end - start, 1]);
        update(x, y);
        tf.dispose([x, y]);
      }
    }
  }
  const last = /** @type {tf.Scalar | null} */ (loss);
  const value = last ? (await last.data())[0] : NaN;
  await w.data();
  tf.dispose([w, b, ...(last ? [last] : [])]);
  return value;
}

/**
 * @param {number} d
 * @returns {Run}
 */
const zeros = (d) => ({ w: tf.zeros([d, 1]), b: tf.scalar(0), loss: tf.scalar(0) });

/**
 * Fisher-Yates shuffle.
 * @param {Uint32Array} order
 */
function shuffle(order) {
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    const kept = order[i];
    order[i] = order[j];
    order[j] = kept;
  }
}

function current() {
  if (!prepared) throw new Error('nothing was prepared');
  return prepared;
}

/** Every row at once, where the work is of that kind. */
function everyRow() {
  const { rows } = current();
  if (!rows) throw new Error('the rows were prepared for batches');
  return rows;
}

serve({
  /** @param {Work} work */
  async prepare(work) {
    const { n, d, batch, backend } = work;
    const folder = new URL('./', import.meta.url).href;
    setWasmPaths(folder);
    if (!await tf.setBackend(backend)) throw new Error(`tfjs has no backend ${backend} here`);
    await tf.ready();
    const { seconds, result } = await timed(async () => {
      const { features, targets } = makeRows(n, d);
      if (batch > 0) return { work, features, targets, rows: undefined };
      const x = tf.tensor2d(features, [n, d]);
      const ones = /** @type {tf.Tensor2D} */ (tf.concat([x, tf.ones([n, 1])], 1));
      return { work, features, targets, rows: { x, ones, y: tf.tensor2d(targets, [n, 1]) } };
    });
    prepared = result;
    return { seconds, version: `tfjs ${tf.version_core} ${tf.getBackend()}` };
  },
  /** @param {{ steps: number, form: string, restart_every?: number }} request */
  async run({ steps, form, restart_every: every = steps }) {
    const { seconds, result } = await timed(async () => {
      let loss = NaN;
      for (let done = 0; done < steps; done += every) {
        const n = Math.min(every, steps - done);
        loss = form === 'optimizer' ? await byOptimizer(n) : await byHand(n, form);
      }
      return loss;
    });
    return { seconds, steps, loss: result };
  },
});
