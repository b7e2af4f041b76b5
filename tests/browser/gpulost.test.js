// The GPU is lost while training: training continues, says so, and loses no step that was shown.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { eventually, exactWeights, exportWeights } from './hands.js';
import { launch, openPage, startServer } from './harness.js';
import { person } from './person.js';

/** @type {import('./harness.js').Server} */
let server;
before(async () => {
  server = await startServer();
});
after(() => server.close());

/**
 * A page on the GPU in its own browser, and a function that takes the GPU away. It works once,
 * because the GPU often does not come back after a second loss.
 * @param {string} hash
 */
async function onGpu(hash) {
  const browser = await launch({ webgpu: true });
  const opened = await openPage(browser, { server, hash: `#backend=gpu${hash}` });
  const hands = person(opened.page);
  await hands.output('Backend in use').filter({ hasText: /^GPU · chosen by you/ }).waitFor();
  const crash = async () => {
    const session = await browser.newBrowserCDPSession();
    await session.send('Browser.crashGpuProcess');
  };
  const close = async () => {
    await opened.close();
    await browser.close();
  };
  return { ...opened, ...hands, crash, close, inUse: hands.output('Backend in use') };
}

const gone = /^CPU · the GPU was lost at step (\d+) \(.+\); training continues here from that step$/;

for (const speed of ['null', '60']) {
  test(`trains on, on the CPU, at ${speed === 'null' ? 'full speed' : `${speed} steps a second`}`, async () => {
    const run = await onGpu(`&method=mini_batch&learning_rate=0.1&stop.converged=false&steps_per_second=${speed}`);
    const { page, crash, close, until, number, inUse, weights } = run;
    await until('Step count', (step) => step > 20);
    // Records every displayed value from now on, frame by frame.
    await page.evaluate(() => {
      /** @type {number[]} */
      const steps = [];
      Object.assign(globalThis, { steps });
      const look = () => {
        steps.push(Number(document.querySelector('output[aria-label="Step count"]')?.textContent?.replaceAll(',', '')));
        requestAnimationFrame(look);
      };
      look();
    });
    await crash();
    const before = await number('Step count');
    await inUse.filter({ hasText: gone }).waitFor();
    const [, lost] = gone.exec((await inUse.innerText()).replace(/\s+/g, ' ')) ?? [];
    assert.ok(Number(lost) >= before, `lost at ${lost}, ${before} were shown`);
    const after = await until('Step count', (step) => step > Number(lost) + 20);
    assert.ok(after > before);
    await run.pause.waitFor();
    await until('Step count', (step) => step > after);
    const steps = await page.evaluate(() => /** @type {any} */ (globalThis).steps);
    assert.ok(steps.length > 5);
    for (let i = 1; i < steps.length; i += 1) assert.ok(steps[i] >= steps[i - 1], `${steps[i]} after ${steps[i - 1]}`);
    // The descent is unchanged: 0.01 above the lowest loss, w is within sqrt(0.01 * 297 / 101) =
    // 0.17.
    await until('Loss', (loss) => loss < 0.02);
    const exact = await exactWeights(page);
    for (const [i, weight] of (await weights()).entries()) assert.ok(Math.abs(weight - exact[i]) < 0.2, `${weight}`);
    await close();
  });
}

test('takes the very steps that it would have taken', async () => {
  const hash = '&method=stochastic&optimizer.kind=adam&optimizer.beta1=0.9&optimizer.beta2=0.999'
    + '&optimizer.epsilon=1e-8&stop.steps=600';
  const run = await onGpu(`${hash}&steps_per_second=200`);
  await run.until('Step count', (step) => step > 50);
  await run.crash();
  await run.inUse.filter({ hasText: gone }).waitFor();
  await run.page.getByText('Reached your limit of 600 steps.', { exact: true }).waitFor();
  const { file } = await exportWeights(run.page);
  await run.close();

  const browser = await launch();
  const { page, close } = await openPage(browser, { server, hash: `#backend=cpu${hash}&steps_per_second=null` });
  await page.getByText('Reached your limit of 600 steps.', { exact: true }).waitFor();
  const { file: whole } = await exportWeights(page);
  await close();
  await browser.close();
  // The engines' bound also holds across the loss: 1e-4 of the weights' norm.
  const vector = (/** @type {any} */ { layers }) => [layers[0].kernel[0][0], layers[0].bias[0]];
  const [[w, b], [w0, b0]] = [vector(file), vector(whole)];
  const apart = Math.hypot(w - w0, b - b0) / Math.hypot(w0, b0);
  console.log(`600 steps with a loss of the GPU in between: ${apart} of the weights' norm apart`);
  assert.ok(apart <= 1e-4, `${apart}`);
  assert.equal(file.steps, whole.steps);
  assert.deepEqual(file.training_state.place, whole.training_state.place);
});

test('takes the GPU again where it is asked to', async () => {
  const { page, crash, close, until, number, inUse, select } = await onGpu('&stop.converged=false');
  await until('Step count', (step) => step > 20);
  await crash();
  await inUse.filter({ hasText: gone }).waitFor();
  await until('Step count', (step) => step > 100);
  const step = await number('Step count');
  await select('Backend').selectOption('CPU');
  await inUse.filter({ hasText: /^CPU · chosen by you$/ }).waitFor();
  await select('Backend').selectOption('GPU');
  await inUse.filter({ hasText: /^GPU · chosen by you$/ }).waitFor();
  await until('Step count', (now) => now > step + 20);
  assert.equal(await page.getByRole('alert').filter({ hasText: /./ }).count(), 0);
  await close();
});

test('tells of it at the next press where it held', async () => {
  const { page, crash, close, until, stop, number, inUse, button } = await onGpu('');
  await until('Step count', (step) => step > 20);
  await stop();
  const [step, loss] = [await number('Step count'), await number('Loss')];
  await crash();
  await button('Step').click();
  await until('Step count', (now) => now === step + 1);
  await eventually(() => inUse.innerText(), (words) => gone.test(words.replace(/\s+/g, ' ')), 'backend');
  assert.ok(await number('Loss') < loss);
  assert.equal(await page.getByRole('alert').filter({ hasText: /./ }).count(), 0);
  await close();
});
