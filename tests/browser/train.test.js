// The main task, on the GPU and on the CPU: train, watch, stop, step, reset.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, openPage, startServer } from './harness.js';
import { exactWeights, exportWeights } from './hands.js';
import { person } from './person.js';
import { LIMITS, LINE, firstStep } from './visit.js';

/** @type {import('./harness.js').Server} */
let server;
before(async () => {
  server = await startServer();
});
after(() => server.close());

/** Both engines, each forced, in a browser that has them. */
const engines = /** @type {const} */ (['CPU', 'GPU']);

/** @type {import('playwright-core').Browser} */
let browser;
before(async () => {
  browser = await launch({ webgpu: true });
});
after(() => browser.close());

for (const [what, line, limit_ms] of /** @type {const} */ ([
  ['as fast as this machine serves it', undefined, LIMITS.first_step_ms],
  ['over a slow line', LINE, LIMITS.slow_first_step_ms],
])) {
  test(`a first visit shows a trained step soon, ${what}`, async () => {
    const server = await startServer({ line });
    const ms = await firstStep(browser, server);
    console.log(`first step ${Math.round(ms)} ms after the visit began`);
    assert.ok(ms < 3 * limit_ms, `${ms} ms`);
    await server.close();
  });
}

test('asks for all of the first load at once, and for its wasm once', async () => {
  const server = await startServer();
  const { page, close } = await openPage(browser, { server, contextOptions: { serviceWorkers: 'block' } });
  await person(page).ready();
  const wasm = server.requests.filter((path) => path.endsWith('.wasm'));
  assert.equal(wasm.length, 1, String(wasm));
  const links = page.locator('link[rel=modulepreload], link[rel=preload]');
  const preloaded = await links.evaluateAll((found) => found.map((link) => link.getAttribute('href')));
  const worker = await (await fetch(new URL('sw.js', server.url))).text();
  /** @type {string[]} */
  const first = JSON.parse(/"first":(\[[^\]]*\])/.exec(worker)?.[1] ?? '[]');
  assert.ok(first.length > 10, worker.slice(0, 1000));
  assert.deepEqual(preloaded.sort(), first.filter((name) => /\.(js|wasm)$/.test(name)).sort());
  await close();
  await server.close();
});

test('trains by itself on a first visit', async () => {
  const { page, close } = await openPage(browser, { server });
  const { until, output, pause } = person(page);
  await until('Step count', (step) => step > 0);
  assert.ok(await pause.isVisible());
  assert.match(await output('Backend in use').innerText(), /^(GPU|CPU)\s*· about [\d.,]+x faster here than the (GPU|CPU)/);
  // Sixty steps per second at first: the run is not over in one frame.
  const loss = await until('Loss', (loss) => loss < 2);
  const step = await person(page).number('Step count');
  assert.ok(step < 3 * 300, `${step} steps already, loss ${loss}`);
  await close();
});

test('waits for whoever wants less motion', async () => {
  const { page, close } = await openPage(browser, { server, reducedMotion: true });
  const { ready, train, number } = person(page);
  await ready();
  assert.ok(await train.isVisible());
  assert.equal(await number('Step count'), 0);
  await train.click();
  await person(page).until('Step count', (step) => step > 5);
  await close();
});

for (const engine of engines) {
  test(`finds the line that least squares finds, on the ${engine}`, async () => {
    const { page, close } = await openPage(browser, { server });
    const { stop, type, select, slider, button, train, until, weights, output, number } = person(page);
    await stop();
    await button('Reset').click();
    await select('Backend').selectOption(engine);
    await output('Backend in use').filter({ hasText: new RegExp(`^${engine} · chosen by you`) }).waitFor();
    const first = await number('Loss');
    await type('Learning rate', 0.3);
    await slider('Speed').press('End');
    await train.click();
    // It ends by itself and says so.
    await page.getByText(/^Converged:/).first().waitFor({ timeout: 60_000 });
    await train.waitFor();
    const loss = await number('Loss');
    assert.ok(loss < first / 100, `${first} to ${loss}`);
    const exact = await exactWeights(page);
    for (const [i, weight] of (await weights()).entries()) {
      // Four digits are shown.
      assert.ok(Math.abs(weight - exact[i]) <= 1e-3 * Math.abs(exact[i]), `${weight} beside ${exact[i]}`);
    }
    // y = 2 x + 1 with 0.1 noise on 100 rows: slope within 4 * 0.1 / sqrt(sum x^2) = 0.07, intercept within 0.04.
    assert.ok(Math.abs(exact[0] - 2) < 0.07 && Math.abs(exact[1] - 1) < 0.04, `${exact}`);
    await until('Epoch count', (epoch) => epoch > 10);
    await close();
  });

  test(`takes one step, one epoch, and starts over, on the ${engine}`, async () => {
    const { page, close } = await openPage(browser, { server, hash: `#method=mini_batch&backend=${engine.toLowerCase()}` });
    const { stop, button, until, number } = person(page);
    await stop();
    await button('Reset').click();
    await until('Step count', (step) => step === 0);
    const [loss, epoch] = [await number('Loss'), await number('Epoch count')];
    assert.equal(epoch, 0);
    await button('Step').click();
    await until('Step count', (step) => step === 1);
    assert.notEqual(await number('Loss'), loss);
    // 100 rows in batches of 32 are four steps; one has been taken.
    await button('Epoch').click();
    await until('Epoch count', (epoch) => epoch === 1);
    assert.equal(await number('Step count'), 4);
    await button('Epoch').click();
    await until('Epoch count', (epoch) => epoch === 2);
    assert.equal(await number('Step count'), 8);
    const later = await number('Loss');
    await button('Reset').click();
    await until('Step count', (step) => step === 0);
    assert.equal(await number('Loss'), loss);
    // The same path again.
    await button('Epoch').click();
    await button('Epoch').click();
    await until('Step count', (step) => step === 8);
    assert.equal(await number('Loss'), later);
    await close();
  });

  test(`tells the story as it is written, on the ${engine}`, async () => {
    const { page, close } = await openPage(browser, { server, hash: `#backend=${engine.toLowerCase()}` });
    const { ready, select, until, number, slider } = person(page);
    await ready();
    await slider('Speed').press('End');
    await select('Preset').selectOption('Line of a Keras script, no bias');
    await page.getByText('Reached your limit of 100 epochs').first().waitFor();
    assert.equal(await number('Step count'), 400);
    // Through (0, 0) only: y = 2 x + 1 misses the 1 in every row, so the mean square is 1, give or
    // take the noise.
    assert.ok(await number('Loss') > 0.95);
    await page.getByText(/the line must pass through \(0, 0\), so the loss cannot fall below/i).waitFor();
    await select('Preset').selectOption('Line of a Keras script, with bias');
    await until('Loss', (loss) => loss < 0.1);
    await until('Step count', (step) => step === 400);
    await close();
  });
}

test('gives the same run on both engines', async () => {
  /** @type {number[][]} */
  const found = [];
  for (const engine of engines) {
    const hash = `#method=stochastic&stop.steps=1000&steps_per_second=null&backend=${engine.toLowerCase()}`;
    const { page, close } = await openPage(browser, { server, hash });
    await person(page).until('Step count', (step) => step === 1000, 60_000);
    await person(page).train.waitFor();
    const { file } = await exportWeights(page);
    found.push([file.layers[0].kernel[0][0], file.layers[0].bias[0]]);
    await close();
  }
  const [cpu, gpu] = found;
  const norm = Math.hypot(...cpu);
  const apart = Math.hypot(cpu[0] - gpu[0], cpu[1] - gpu[1]);
  console.log(`weights after 1,000 stochastic steps: ${apart / norm} of their norm apart`);
  assert.ok(apart <= 1e-4 * norm, `${apart / norm}`);
});

test('goes as fast as it is told, and stops where it is told', async () => {
  const { page, close } = await openPage(browser, { server, hash: '#stop.converged=false&backend=cpu' });
  const { stop, slider, train, pause, until, number, button } = person(page);
  await stop();
  await button('Reset').click();
  await slider('Speed').press('Home');
  await train.click();
  await until('Step count', (step) => step >= 2);
  assert.ok(await number('Step count') < 10, 'one step a second');
  await slider('Speed').press('End');
  await until('Step count', (step) => step > 100_000);
  await pause.click();
  await train.waitFor();
  const step = await number('Step count');
  await button('Step').click();
  await until('Step count', (now) => now === step + 1);
  await button('Reset').click();

  const fold = page.getByText('Validation and stopping');
  await fold.click();
  await person(page).type('Stop after steps', 123);
  await train.click();
  await page.getByText('Reached your limit of 123 steps').first().waitFor();
  assert.equal(await number('Step count'), 123);
  await person(page).type('Stop after steps', '');
  await person(page).type('Target loss', 0.02);
  await button('Reset').click();
  await train.click();
  await page.getByText('The loss reached your target of 0.02').first().waitFor();
  const loss = await number('Loss');
  assert.ok(loss <= 0.02 && loss > 0.015, `${loss}`);
  await close();
});

test('trains on the CPU where there is no GPU, and says why', async () => {
  const plain = await launch();
  const { page, close } = await openPage(plain, { server });
  const { ready, select, output, until, number } = person(page);
  await ready();
    await output('Backend in use').filter({ hasText: /^CPU · .*no WebGPU/ }).waitFor();
  const step = await number('Step count');
  await select('Backend').selectOption('GPU');
  await until('Step count', (now) => now > step);
  assert.match(await output('Backend in use').innerText(), /^CPU\s*· .*no WebGPU/);
  await close();
  await plain.close();
});
