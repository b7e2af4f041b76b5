// Controls act at once while training and mark the curve; those that must restart say so
// beforehand.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openPage, setUp } from './harness.js';
import { description, eventually, exportWeights } from './hands.js';
import { person } from './person.js';

const { browser, server } = await setUp({ webgpu: true });

/**
 * A page that trains without end.
 * @param {string} [more]
 */
async function training(more = '') {
  const opened = await openPage(browser, { server, hash: `#stop.converged=false${more}` });
  const hands = person(opened.page);
  await hands.ready();
  await hands.until('Step count', (step) => step > 5);
  return { ...opened, ...hands };
}

/**
 * Checks that the loss chart names a change as its last one.
 * @param {import('playwright-core').Page} page
 * @param {RegExp} words
 */
async function marked(page, words) {
  await eventually(() => description(page, 'Loss chart'), (text) => words.test(text), String(words));
}

test('moves the learning rate while it trains: by slider, by key, by number', async () => {
  const { page, close, slider, box, type, until, number, stop, output } = await training('&steps_per_second=200');
  const track = await slider('Learning rate').boundingBox();
  assert.ok(track);
  const before = await number('Step count');
  // Halfway from 1e-5 to 10 is 0.01.
  await page.mouse.move(track.x + track.width * 0.58, track.y + track.height / 2);
  await page.mouse.down();
  await page.mouse.move(track.x + track.width / 2, track.y + track.height / 2, { steps: 5 });
  await page.mouse.up();
  const dragged = Number(await box('Learning rate').inputValue());
  assert.ok(dragged > 0.009 && dragged < 0.011, `${dragged}`);
  await page.locator('#readouts').getByRole('definition').nth(2).filter({ hasText: new RegExp(`^${dragged}$`) }).waitFor();
  // Keys go along 1, 2, 3, 5, 10.
  await slider('Learning rate').press('ArrowRight');
  const up = Number(await box('Learning rate').inputValue());
  assert.equal(up, dragged < 0.01 ? 0.01 : 0.02);
  await slider('Learning rate').press('ArrowLeft');
  assert.ok(Number(await box('Learning rate').inputValue()) <= 0.01);
  await type('Learning rate', 0.1);
  // log10(0.1) is 4/6 of the way.
  assert.ok(Math.abs(Number(await slider('Learning rate').inputValue()) - 4 / 6) < 2e-3);
  assert.equal(await slider('Learning rate').getAttribute('aria-valuetext'), '0.1');
  await until('Step count', (step) => step > before + 20);
  await stop();
  assert.ok(await output('Loss').isVisible());
  await marked(page, /Last change, at step [\d,]+: learning rate .* to 0\.1\.$/);
  // The mark is on the curve, where the cursor finds it.
  const chart = page.getByRole('img', { name: 'Loss chart' });
  await chart.focus();
  const reading = page.locator('#loss-reading');
  for (let i = 0; i < 700 && !/ · learning rate .* to 0\.1/.test(await reading.innerText()); i += 1) {
    await chart.press('ArrowLeft');
  }
  assert.match(await reading.innerText(), / · learning rate .* to 0\.1/);
  await close();
});

test('changes method, batch size, optimizer, momentum and schedule in mid-run', async () => {
  const { page, close, select, type, box, until, number, stop } = await training();
  let last = await number('Step count');
  const goesOn = async (/** @type {string} */ what) => {
    last = await until('Step count', (step) => step > last + 3);
    assert.ok(await number('Loss') < 10, `${what}: the loss is ${await number('Loss')}`);
  };
  for (const method of ['Mini-batch', 'Stochastic', 'Decaying rate', 'Batch', 'Mini-batch']) {
    await select('Method').selectOption(method);
    await goesOn(method);
  }
  await type('Batch size', 7);
  await goesOn('batch size');
  await marked(page, /batch size 32 to 7/);
  for (const optimizer of ['Momentum', 'Nesterov', 'AdaGrad', 'RMSProp', 'Adam', 'AdamW', 'Lion', 'SGD', 'Momentum']) {
    await select('Optimizer').selectOption(optimizer);
    await goesOn(optimizer);
  }
  await type('Momentum coefficient', 0.5);
  await goesOn('momentum');
  await marked(page, /momentum 0\.9 to 0\.5/);
  const schedules = [
    'Time decay', 'Step', 'Exponential', 'Polynomial', 'Cosine', 'One cycle', 'Reduce on plateau', 'Bold driver', 'Constant', 'Step',
  ];
  for (const schedule of schedules) {
    await select('Schedule').selectOption(schedule);
    await goesOn(schedule);
  }
  await type('Step size', 5);
  await type('Gamma', 0.5);
  await goesOn('parameters of a schedule');
  await stop();
  // Nothing restarted, and the file shows the final settings.
  const { file } = await exportWeights(page);
  assert.equal(file.steps, await number('Step count'));
  assert.equal(file.config.method, 'mini_batch');
  assert.equal(file.config.batch_size, 7);
  assert.deepEqual(file.config.optimizer, { kind: 'momentum', momentum: 0.5 });
  assert.deepEqual(file.config.schedule, { kind: 'step', step_size: 5, gamma: 0.5 });
  assert.equal(await box('Gamma').inputValue(), '0.5');
  await marked(page, /schedule Constant to Step/);
  await close();
});

test('every optimizer under every method brings the loss down', async () => {
  const { close, select, type, until, slider, number, button, train, page } = await training('&backend=cpu');
  await slider('Speed').press('End');
  for (const optimizer of ['SGD', 'Momentum', 'Nesterov', 'AdaGrad', 'RMSProp', 'Adam', 'AdamW', 'Lion']) {
    for (const method of ['Batch', 'Mini-batch', 'Stochastic', 'Decaying rate']) {
      await select('Optimizer').selectOption(optimizer);
      await select('Method').selectOption(method);
      await type('Learning rate', optimizer === 'AdaGrad' ? 0.3 : 0.01);
      await button('Reset').click();
      await until('Step count', (step) => step === 0);
      await train.click();
      await until('Loss', (loss) => loss < 0.05);
      assert.equal(await page.getByText('Diverged').isVisible(), false, `${optimizer}, ${method}`);
      assert.ok(await number('Loss') > 0);
    }
  }
  await close();
});

test('the schedule shapes the rate that is shown', async () => {
  const { close, select, type, page, stop, button, until } = await training('&steps_per_second=200');
  await stop();
  await button('Reset').click();
  await type('Learning rate', 0.2);
  await select('Schedule').selectOption('Step');
  await type('Step size', 4);
  await type('Gamma', 0.5);
  await button('Reset').click();
  await until('Step count', (step) => step === 0);
  const rate = page.locator('#readouts').getByRole('definition').nth(2);
  // lr(t) = 0.2 * 0.5^floor(t / 4), as in PyTorch's StepLR; the page shows the rate of the next
  // step.
  for (let step = 1; step <= 9; step += 1) {
    await button('Step').click();
    await until('Step count', (now) => now === step);
    assert.equal(Number(await rate.innerText()), 0.2 * 0.5 ** Math.floor(step / 4));
  }
  await close();
});

test('says beforehand what begins a new run, and does it', async () => {
  const { page, close, box, checkbox, type, until, number, select, stop } = await training();
  const restarting = ['Degree', 'Seed', 'Count', 'Noise', 'Noise seed'].map((name) => box(name));
  for (const control of [...restarting, select('Initial weights'), select('Source'), checkbox('Bias'), select('Scaling')]) {
    const words = await control.evaluate((element) => (element.getAttribute('aria-describedby') ?? '').split(' ')
      .map((id) => document.getElementById(id)?.textContent).join(' '));
    assert.match(words, /starts a new run/);
  }
  for (const control of [box('Learning rate'), box('Batch size'), select('Optimizer'), select('Schedule'), select('Method')]) {
    const words = await control.evaluate((element) => (element.getAttribute('aria-describedby') ?? '').split(' ')
      .map((id) => document.getElementById(id)?.textContent).join(' '));
    assert.doesNotMatch(words, /starts a new run/);
  }
  await stop();
  for (const [name, value] of /** @type {const} */ ([['Degree', 3], ['Seed', 9], ['Count', 50]])) {
    await person(page).train.click();
    await person(page).pause.waitFor();
    await until('Step count', (step) => step > 3);
    await stop();
    const step = await number('Step count');
    await type(name, value);
    await until('Step count', (now) => now < step, 10_000);
  }
  assert.equal((await person(page).weights()).length, 4);
  await close();
});
