// Requests of a session about models of other tools and about exported weights.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openPage, setUp } from './harness.js';

const { browser, server } = await setUp();

/** y = 2 x + 1, as a file of another tool would give it. */
const LINE = {
  inputs: [{ name: 'dose', levels: [] }],
  target: 'effect',
  target_levels: [],
  map: { degree: 1, x_center: 0, x_scale: 1, center: [0], scale: [1] },
  weights: [[2]],
  bias: [1],
  activation: 'linear',
};

/** In the page: a session of its own, which has trained a little. */
async function begin() {
  // The page's own modules, whatever their names in the site.
  const main = /** @type {HTMLScriptElement} */ (document.querySelector('script[type="module"]')).src;
  const { Client } = await import(new URL('client.js', main).href);
  const pkg = await import(new URL('wasm/engine/downhill.js', main).href);
  const module = await WebAssembly.compileStreaming(fetch(new URL('wasm/engine/downhill_bg.wasm', main)));
  /** @type {any[]} */
  const snapshots = [];
  const nothing = () => {};
  const client = new Client(module, (/** @type {any} */ snapshot) => snapshots.push(snapshot), nothing, nothing, nothing);
  const config = { ...pkg.default_config(), backend: 'cpu' };
  await client.ask({ kind: 'show', shown: { weights: true, path: false } });
  await client.ask({ kind: 'configure', config });
  for (let i = 0; i < 5; i += 1) await client.ask({ kind: 'step' });
  /** The first snapshot of a run at a step. @param {number} run @param {number} step */
  const snapshot = async (run, step) => {
    for (;;) {
      const found = snapshots.find((each) => each.run === run && each.step === step);
      if (found) return found;
      await new Promise((done) => setTimeout(done, 10));
    }
  };
  Object.assign(globalThis, { client, config, snapshot });
}

/** @param {(page: import('playwright-core').Page) => Promise<void>} work */
async function inSession(work) {
  const { page, close } = await openPage(browser, { server });
  await page.evaluate(begin);
  await work(page);
  await close();
}

test('a model is compared without a change, from the wasm of a first visit', () => inSession(async (page) => {
  const { compared, before, after } = await page.evaluate(async (/** @type {any} */ model) => {
    const { client } = /** @type {any} */ (globalThis);
    const steps = async () => JSON.parse((await client.ask({ kind: 'export' })).text).steps;
    const before = await steps();
    const compared = await client.ask({ kind: 'compare', model });
    return { compared, before, after: await steps() };
  }, LINE);
  assert.deepEqual([before, after], [5, 5]);
  assert.equal(compared.kind, 'compared');
  assert.deepEqual(compared.notices.map((/** @type {any} */ notice) => notice.code), ['notice_by_order']);
  const [training] = compared.parts;
  assert.deepEqual([training.part, training.n_samples], ['training', 100]);
  assert.deepEqual(training.scores.map((/** @type {any} */ score) => score.name), ['loss', 'mse', 'rmse', 'mae', 'r2']);
  // The rows are 2 x + 1 plus noise with deviation 0.1.
  const [loss] = training.scores;
  assert.ok(loss.model > 0.005 && loss.model < 0.02, `${loss.model}`);
  assert.ok(loss.current > loss.model);
  assert.deepEqual(compared.coefficients.map((/** @type {any} */ row) => [row.term, row.model]), [['x', 2], [null, 1]]);
}));

test('a model is adopted as a run at step 0, and refused where the rows do not fit', () => inSession(async (page) => {
  const { configured, snapshot, refused, steps } = await page.evaluate(async (/** @type {any} */ model) => {
    const { client, snapshot } = /** @type {any} */ (globalThis);
    const two = {
      ...model,
      inputs: [...model.inputs, { name: 'age', levels: [] }],
      map: {
        inputs: [model.map, model.map].map(() => ({ degree: 1, n_levels: 0, center: 0, scale: 1 })),
        interactions: [],
        center: [0, 0],
        scale: [1, 1],
      },
      weights: [[2], [1]],
    };
    const refused = await client.ask({ kind: 'adopt', model: two }).catch((/** @type {any} */ error) => ({
      code: error.code,
      params: error.params,
    }));
    const { steps } = JSON.parse((await client.ask({ kind: 'export' })).text);
    const configured = await client.ask({ kind: 'adopt', model });
    const { weights, ...shown } = await snapshot(configured.run, 0);
    return { configured, refused, steps, snapshot: { ...shown, weights: [...weights] } };
  }, LINE);
  assert.deepEqual(refused, { code: 'model_inputs', params: { found: 'dose, age', expected: 'x' } });
  assert.equal(steps, 5, 'what is refused leaves the run');
  assert.equal(configured.restarted, true);
  assert.ok(configured.notices.some((/** @type {any} */ notice) => notice.code === 'notice_by_order'));
  assert.deepEqual(snapshot.weights.map((/** @type {number} */ w) => Math.round(w * 1e6) / 1e6), [2, 1]);
  assert.equal(snapshot.status.kind, 'paused');
}));

test('a run comes back with its history, and the best weights leave', () => inSession(async (page) => {
  const { file, again, snapshot } = await page.evaluate(async () => {
    const { client, snapshot } = /** @type {any} */ (globalThis);
    const { text } = await client.ask({ kind: 'export', which: 'best', saved: 'today' });
    const configured = await client.ask({ kind: 'import', bytes: new TextEncoder().encode(text) });
    const { history, ...rest } = await snapshot(configured.run, 5);
    const again = JSON.parse((await client.ask({ kind: 'export' })).text);
    return {
      file: JSON.parse(text),
      again,
      snapshot: { ...rest, history: { loss: [...history.loss], batch: [...history.batch_loss_mean] } },
    };
  });
  assert.deepEqual([file.saved, file.steps, file.data.n_samples], ['today', 5, 100]);
  assert.deepEqual(Object.keys(file.metrics), ['training']);
  assert.ok(Math.abs(file.metrics.training.mse - file.loss) < 1e-6);
  assert.deepEqual(file.history.step, [0, 1, 2, 3, 4, 5]);
  assert.equal(file.history.learning_rate[0], 0.03);
  // Six falling losses, and one batch loss per update.
  assert.deepEqual(
    snapshot.history.loss.map((/** @type {number} */ loss) => Number(loss.toPrecision(6))),
    file.history.loss.map((/** @type {number} */ loss) => Number(loss.toPrecision(6))),
  );
  assert.equal(snapshot.history.batch.length, 6);
  assert.deepEqual(again.history, file.history);
  assert.deepEqual(again.layers, file.layers);
}));
