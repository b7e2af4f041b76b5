// The address holds all settings, including the seed: opened elsewhere, it gives the same run.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dropFile, eventually, exportWeights, rows } from './hands.js';
import { openPage, setUp } from './harness.js';
import { person } from './person.js';

/** @typedef {import('playwright-core').Page} Page */

const { browser, server } = await setUp({ webgpu: true });

/** @param {Page} page */
async function shown(page) {
  const { number, weights } = person(page);
  return {
    step: await number('Step count'),
    epoch: await number('Epoch count'),
    loss: await number('Loss'),
    weights: await weights(),
  };
}

/**
 * Waits until the address contains this.
 * @param {Page} page
 * @param {string} part
 */
async function address(page, part) {
  await page.waitForURL((url) => url.hash.includes(part));
  return new URL(page.url()).hash;
}

for (const engine of /** @type {const} */ (['CPU', 'GPU'])) {
  test(`gives the same loss at the same step in another browser, on the ${engine}`, async () => {
    const first = await openPage(browser, { server, reducedMotion: true });
    const { ready, select, type, checkbox, slider, train, output } = person(first.page);
    await ready();
    await select('Backend').selectOption(engine);
    await select('Method').selectOption('Mini-batch');
    await type('Batch size', 9);
    await type('Degree', 3);
    await type('Seed', 77);
    await type('Noise seed', 5);
    await type('Noise', 0.25);
    await select('Initial weights').selectOption('Normal');
    await select('Scaling').selectOption('Standardize');
    await select('Optimizer').selectOption('Nesterov');
    await type('Momentum coefficient', 0.8);
    await select('Schedule').selectOption('Exponential');
    await type('Gamma', 0.999);
    await type('Learning rate', 0.02);
    await first.page.getByText('Validation and stopping').click();
    await type('Warm-up steps', 10);
    await type('Stop after steps', 250);
    await checkbox('Pause when converged').uncheck();
    await slider('Speed').press('End');
    await output('Backend in use').filter({ hasText: new RegExp(`^${engine} · chosen by you`) }).waitFor();
    const hash = await address(first.page, 'steps_per_second=null');
    const { file: begin } = await exportWeights(first.page);
    assert.equal(begin.steps, 0);
    await train.click();
    await first.page.getByText('Reached your limit of 250 steps.', { exact: true }).waitFor();
    const end = await shown(first.page);
    assert.ok(end.loss < begin.loss, `${begin.loss} to ${end.loss}`);
    const { file } = await exportWeights(first.page);
    assert.equal(new URL(first.page.url()).hash, hash);
    await first.close();

    // There it trains by itself, to the same step.
    const second = await openPage(browser, { server, hash });
    await second.page.getByText('Reached your limit of 250 steps.', { exact: true }).waitFor();
    assert.deepEqual(await shown(second.page), end);
    const there = person(second.page);
    for (const [name, value] of /** @type {const} */ ([
      ['Batch size', '9'], ['Degree', '3'], ['Seed', '77'], ['Noise seed', '5'], ['Noise', '0.25'],
      ['Momentum coefficient', '0.8'], ['Gamma', '0.999'], ['Learning rate', '0.02'],
    ])) assert.equal(await there.box(name).inputValue(), value, name);
    assert.equal(await there.select('Initial weights').inputValue(), 'normal');
    const again = await exportWeights(second.page);
    // Except for the time of saving and the steps at which the loss of all rows was measured.
    /** @param {any} of */
    const alike = ({ saved, history: { batch_loss: losses, learning_rate: rates }, ...rest }) => {
      assert.ok(Date.parse(saved) > 0, saved);
      return { ...rest, losses, rates };
    };
    assert.deepEqual(alike(again.file), alike(file));
    await there.button('Reset').click();
    await there.until('Step count', (step) => step === 0);
    assert.deepEqual(alike((await exportWeights(second.page)).file), alike(begin));
    await second.close();
  });
}

test('holds points that were added and removed', async () => {
  const first = await openPage(browser, { server, reducedMotion: true });
  const { ready, box, button } = person(first.page);
  await ready();
  const chart = first.page.getByRole('img', { name: 'Fit chart', exact: true });
  const area = await chart.boundingBox();
  assert.ok(area);
  // An empty place, far above the left end of the line y = 2 x + 1.
  await first.page.mouse.click(area.x + area.width * 0.3, area.y + area.height * 0.2);
  await eventually(() => rows(first.page), (n) => n === 101, 'rows');
  await first.page.getByText('More settings', { exact: true }).click();
  await box('Point x').fill('-2');
  await box('Point y').fill('4.5');
  await button('Add point').click();
  await eventually(() => rows(first.page), (n) => n === 102, 'rows');
  await chart.focus();
  // To the right of both added points, so that a row of the data is removed.
  for (let i = 0; i < 5; i += 1) await chart.press('Shift+ArrowRight');
  await chart.press('Delete');
  await eventually(() => rows(first.page), (n) => n === 101, 'rows');
  await button('Epoch').click();
  await person(first.page).until('Step count', (step) => step === 1);
  const before = await shown(first.page);
  const hash = await address(first.page, 'data.removed');
  await first.close();

  const second = await openPage(browser, { server, hash, reducedMotion: true });
  await person(second.page).ready();
  await eventually(() => rows(second.page), (n) => n === 101, 'rows');
  await person(second.page).button('Epoch').click();
  await person(second.page).until('Step count', (step) => step === 1);
  assert.deepEqual(await shown(second.page), before);
  await second.close();
});

test('stays bare for the default, and follows a link that is followed', async () => {
  const { page, close } = await openPage(browser, { server });
  const { ready, until, box } = person(page);
  await ready();
  await until('Step count', (step) => step > 3);
  assert.equal(new URL(page.url()).hash, '');
  await page.evaluate(() => {
    location.hash = 'model.degree=2&learning_rate=0.05';
  });
  await eventually(() => box('Degree').inputValue(), (degree) => degree === '2');
  assert.equal(await box('Learning rate').inputValue(), '0.05');
  assert.equal((await person(page).weights()).length, 3);
  await close();
});

test('is followed when it changes under an open page, and back', async () => {
  const { page, close } = await openPage(browser, { server, hash: '#seed=4&backend=cpu' });
  const { ready, box, select, until, weights } = person(page);
  await ready();
  await until('Step count', (step) => step > 5);
  await page.goto(`${server.url}#seed=5&model.degree=4&learning_rate=0.2&backend=cpu&stop.steps=30`);
  await page.getByText('Reached your limit of 30 steps.', { exact: true }).waitFor();
  assert.equal(await box('Seed').inputValue(), '5');
  assert.equal(await box('Degree').inputValue(), '4');
  assert.equal(await box('Learning rate').inputValue(), '0.2');
  assert.equal((await weights()).length, 5);

  // A broken link: valid settings are used, the rest is named; a good link removes the notice.
  await page.goto(`${server.url}#seed=6&optimizer.kind=magic&backend=cpu`);
  const notice = page.getByText('Some settings in this link were ignored');
  await notice.filter({ hasText: 'optimizer.kind=magic' }).waitFor();
  await eventually(() => box('Seed').inputValue(), (seed) => seed === '6', 'seed');
  assert.equal(await select('Optimizer').inputValue(), 'sgd');
  assert.equal((await weights()).length, 2);
  await page.goBack();
  await eventually(() => box('Degree').inputValue(), (degree) => degree === '4', 'degree');
  await notice.waitFor({ state: 'detached' });
  assert.equal(await box('Seed').inputValue(), '5');
  await close();
});

test('takes what it can of a broken link, and says what it cannot', async () => {
  const broken = '#learning_rate=0.2&model.degree=two&nonsense=1&batch_size=%zz';
  const { page, close } = await openPage(browser, { server, hash: broken });
  const { ready, box, until } = person(page);
  await ready();
  const notice = page.getByText(/Some settings in this link were ignored/);
  await notice.waitFor();
  const words = await notice.innerText();
  for (const part of ['model.degree=two', 'nonsense', 'batch_size=%zz']) assert.ok(words.includes(part), words);
  assert.equal(await box('Learning rate').inputValue(), '0.2');
  assert.equal(await box('Degree').inputValue(), '1');
  await until('Step count', (step) => step > 3);
  await page.getByRole('button', { name: 'Dismiss' }).first().click();
  await notice.waitFor({ state: 'hidden' });
  await close();
});

test('refuses a link whose numbers make no run, and shows the default', async () => {
  const { page, close } = await openPage(browser, { server, hash: '#learning_rate=-1&model.degree=99' });
  const { ready, box, number } = person(page);
  await ready();
  await page.locator('#notices').getByText(/Enter a number/).first().waitFor();
  assert.equal(await box('Degree').inputValue(), '1');
  assert.equal(await box('Learning rate').inputValue(), '0.03');
  assert.ok(await number('Loss') > 0);
  await close();
});

test('asks for a table that never left its owner, and keeps the rest', async () => {
  const table = 'dose,effect\n0,-1\n1,2.5\n2,5\n4,10.5\n';
  const settings = '#learning_rate=0.07&method=stochastic&seed=12&backend=cpu&stop.steps=40';
  const first = await openPage(browser, { server, hash: settings, reducedMotion: true });
  await person(first.page).ready();
  await dropFile(first.page, 'doses.csv', table);
  await eventually(() => rows(first.page), (n) => n === 4, 'rows');
  await person(first.page).train.click();
  await first.page.getByText('Reached your limit of 40 steps.', { exact: true }).waitFor();
  const end = await shown(first.page);
  const hash = await address(first.page, 'doses.csv');
  assert.ok(!hash.includes('10.5'), 'the table is in the link');
  await first.close();

  const { page, close } = await openPage(browser, { server, hash });
  const { ready, number, box, train, select } = person(page);
  await ready();
  await page.getByRole('alert').filter({ hasText: /needs the table "doses.csv".*Load that file to continue/ }).waitFor();
  // Default data that nobody requested does not start training.
  await train.waitFor();
  assert.equal(await rows(page), 100);
  assert.equal(await number('Step count'), 0);
  assert.equal(await box('Learning rate').inputValue(), '0.07');
  assert.equal(await box('Seed').inputValue(), '12');
  assert.equal(await select('Method').inputValue(), 'stochastic');
  await dropFile(page, 'doses.csv', table);
  await eventually(() => rows(page), (n) => n === 4, 'rows');
  assert.equal(await page.getByRole('alert').filter({ hasText: /./ }).count(), 0, 'it still asks for the table');
  await train.click();
  await page.getByText('Reached your limit of 40 steps.', { exact: true }).waitFor();
  assert.deepEqual(await shown(page), end);
  await close();
});

test('keeps loss, columns and split of a table of many columns for when it comes', async () => {
  const lines = Array.from({ length: 40 }, (_, i) => `${i % 8},${i / 4},${(7 * i) % 11},${(i * i) % 3 === 1 ? 1 : 0}`);
  const table = `site,dose,age,ill\n${lines.join('\n')}\n`;
  const first = await openPage(browser, { server, hash: '#learning_rate=0.07&backend=cpu', reducedMotion: true });
  await person(first.page).ready();
  await dropFile(first.page, 'sites.csv', table);
  const columns = first.page.getByRole('dialog', { name: 'Columns of sites.csv' });
  await columns.getByLabel('Groups (kept together when splitting)').selectOption('site');
  await columns.getByRole('button', { name: 'Use this table' }).click();
  await eventually(() => rows(first.page), (n) => n === 40, 'rows');
  await person(first.page).select('Loss').selectOption('logistic');
  await first.page.getByText('Validation and stopping').click();
  await person(first.page).type('Validation fraction', 0.25);
  await person(first.page).select('Split').selectOption('group');
  const hash = await address(first.page, 'split=group');
  await first.close();

  const { page, close } = await openPage(browser, { server, hash });
  const { ready, select, box } = person(page);
  await ready();
  await page.getByRole('alert').filter({ hasText: /needs the table "sites.csv"/ }).waitFor();
  await dropFile(page, 'sites.csv', table);
  await eventually(() => rows(page), (n) => n === 40, 'rows');
  assert.equal(await select('Loss').inputValue(), 'logistic');
  await page.getByText('Validation and stopping').click();
  assert.equal(await select('Split').inputValue(), 'group');
  assert.equal(await box('Validation fraction').inputValue(), '0.25');
  assert.equal(await box('Learning rate').inputValue(), '0.07');
  assert.equal(await address(page, 'split=group'), hash);
  await close();
});
