// Files: exporting and importing weights, and loading tables in every possible way.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  chooseTable, description, dropFile, eventually, exactWeights, exportWeights, importWeights, openTables, pasteTable, reads, rows, upload,
} from './hands.js';
import { openPage, root, setUp } from './harness.js';
import { figure, person } from './person.js';

const { browser, server } = await setUp();

/** A run that needs everything that a file must keep: moments, a place within an epoch, a schedule. */
const adam = 'method=mini_batch&batch_size=7&optimizer.kind=adam&optimizer.beta1=0.9&optimizer.beta2=0.999'
  + '&optimizer.epsilon=1e-8&learning_rate=0.05&schedule.kind=exponential&schedule.gamma=0.999&seed=3'
  + '&stop.converged=false&steps_per_second=null&backend=cpu';

/**
 * @param {string} hash
 * @param {Parameters<typeof openPage>[1]} [options]
 */
async function open(hash, options = { server }) {
  const opened = await openPage(browser, { ...options, hash: `#${hash}` });
  await person(opened.page).ready();
  return opened;
}

/**
 * Waits until the run has ended by itself at this step.
 * @param {import('playwright-core').Page} page
 * @param {number} step
 */
async function finished(page, step) {
  await page.getByText(`Reached your limit of ${step} steps.`, { exact: true }).waitFor();
  assert.equal(await person(page).number('Step count'), step);
}

/** @param {import('playwright-core').Page} page */
async function shown(page) {
  const { number, weights } = person(page);
  return { step: await number('Step count'), epoch: await number('Epoch count'), loss: await number('Loss'), weights: await weights() };
}

test('exports the whole run as a documented file', async () => {
  const { page, close } = await open(`${adam}&model.degree=2&stop.steps=120`);
  await finished(page, 120);
  const { name, file } = await exportWeights(page);
  assert.equal(name, 'downhill-weights-step-120.json');
  assert.equal(file.format, 'downhill-weights');
  assert.equal(file.version, 1);
  assert.match(file.downhill, /^\d+\.\d+\.\d+/);
  assert.deepEqual(file.columns, { feature: 'x', target: 'y' });
  assert.equal(file.layers.length, 1);
  const [{ kernel, bias, activation }] = file.layers;
  assert.deepEqual(kernel.map((/** @type {number[]} */ row) => row.length), [1, 1], 'kernel is [in, out], here [2, 1]');
  assert.equal(bias.length, 1);
  assert.equal(activation, 'linear');
  assert.equal(file.feature_map.degree, 2);
  assert.equal(file.feature_map.center.length, 2);
  assert.equal(file.feature_map.scale.length, 2);
  assert.equal(file.steps, 120);
  // 100 rows in batches of 7 are 15 steps per epoch.
  assert.equal(file.epochs, 120 / 15);
  assert.equal(file.config.seed, 3);
  assert.equal(file.config.batch_size, 7);
  assert.equal(file.config.optimizer.kind, 'adam');
  assert.equal(file.config.data.source.n_samples, 100);
  reads(await person(page).number('Loss'), file.loss, 'Loss');
  for (const [i, weight] of (await person(page).weights()).entries()) {
    reads(weight, [...file.original_units.weights, file.original_units.bias][i], `weight ${i}`);
  }
  await close();
});

test('a file that is imported after a reload goes on as if nothing had been', async () => {
  const whole = await open(`${adam}&stop.steps=400`);
  await finished(whole.page, 400);
  const expected = await exportWeights(whole.page);
  await whole.close();

  // 137 is not a multiple of the 15 steps per epoch, so the file must record the place within it.
  const first = await open(`${adam}&stop.steps=137`);
  await finished(first.page, 137);
  const before = await shown(first.page);
  const saved = await exportWeights(first.page);
  await first.close();

  const { page, close } = await open('steps_per_second=1', { server, reducedMotion: true });
  await importWeights(page, saved.text);
  await person(page).until('Step count', (step) => step === 137);
  assert.deepEqual(await shown(page), before);
  assert.equal(await person(page).select('Optimizer').inputValue(), 'adam');
  assert.equal(await person(page).box('Batch size').inputValue(), '7');
  await page.getByText('Validation and stopping').click();
  await person(page).type('Stop after steps', 400);
  await person(page).train.click();
  await finished(page, 400);
  const { file } = await exportWeights(page);
  assert.deepEqual(file.layers, expected.file.layers);
  assert.deepEqual(file.training_state, expected.file.training_state);
  assert.equal(file.loss, expected.file.loss);
  await close();
});

test('predicts what the exported weights predict', async () => {
  const { page, close } = await open('stop.steps=60&steps_per_second=null&backend=cpu');
  await finished(page, 60);
  const { file } = await exportWeights(page);
  const [{ kernel: [[w]], bias: [b] }] = file.layers;
  const predictions = person(page).output('Predictions');
  const predicted = async () => (await predictions.innerText()).split(', ').map(figure);
  await page.getByRole('textbox', { name: 'x values to predict', exact: true }).fill('0.5, -0.5');
  // The generator is not standardized, so the layer sees x itself.
  assert.deepEqual([file.feature_map.x_center, file.feature_map.x_scale], [0, 1]);
  const [left, right] = await eventually(predicted, ({ length }) => length === 2);
  reads(left, w * 0.5 + b, 'at 0.5');
  reads(right, w * -0.5 + b, 'at -0.5');
  const many = [-3, 0, 0.25, 1e3, 12345.678];
  await page.getByRole('textbox', { name: 'x values to predict', exact: true }).fill(many.join('  '));
  const values = await eventually(predicted, ({ length }) => length === many.length);
  many.forEach((x, i) => reads(values[i], w * x + b, `at ${x}`));
  await close();
});

/**
 * y = 3x - 1 without noise: four rows whose least squares are known.
 * @param {string} separator
 * @param {string} [header]
 */
const line = (separator, header = '') => header + [[0, -1], [1, 2], [2, 5], [4, 11]].map((row) => `${row.join(separator)}\n`).join('');

test('takes a table by choice, by paste and by drop, whatever separates its columns', async () => {
  const { page, close } = await open('', { server, reducedMotion: true });
  const { output, select } = person(page);
  const arrived = async (/** @type {string} */ name, /** @type {number} */ n) => {
    await eventually(() => rows(page), (found) => found === n, `rows of ${name}`);
    await eventually(() => select('Source').locator('option:checked').innerText(), (text) => text === name, 'source');
    assert.deepEqual(await exactWeights(page), [3, -1]);
    assert.equal(await page.getByRole('dialog').count(), 0);
    assert.equal(await output('Step count').innerText(), '0');
  };
  await chooseTable(page, upload('comma.csv', line(',', 'dose,effect\n')));
  await arrived('comma.csv', 4);
  await pasteTable(page, line('\t'));
  await arrived('pasted', 4);
  await dropFile(page, 'semicolon.csv', line(';', 'a;b\n'));
  await arrived('semicolon.csv', 4);
  await dropFile(page, 'tab.tsv', line('\t', 'a\tb\n'));
  await arrived('tab.tsv', 4);
  await chooseTable(page, upload('comma-bare.csv', `${line(',')}5,14\n`));
  await arrived('comma-bare.csv', 5);
  // Semicolons separate cells and commas are decimal marks, as in much of Europe.
  await chooseTable(page, upload('semicolon-bare.csv', '0,5;0,5\r\n1,5;3,5\r\n2,5;6,5\r\n'));
  await arrived('semicolon-bare.csv', 3);
  await person(page).train.click();
  await page.getByText(/^Converged:/).waitFor();
  (await person(page).weights()).forEach((weight, i) => assert.ok(Math.abs(weight - [3, -1][i]) < 1e-3, `weight ${weight}`));
  await close();
});

test('names of the columns are told from their numbers and shown', async () => {
  const { page, close } = await open('', { server, reducedMotion: true });
  await pasteTable(page, line(',', 'dose,effect\n'));
  await page.getByText(/Fit of effect by dose: 4 rows/).waitFor({ state: 'attached' });
  const { file } = await exportWeights(page);
  assert.deepEqual(file.columns, { feature: 'dose', target: 'effect' });
  await close();
});

// R 4.x: coef(lm(waiting ~ eruptions, faithful)), coef(lm(child ~ parent, HistData::Galton)), coef(lm(mpg ~ wt, mtcars)).
const published = [
  { source: 'Old Faithful', n: 272, slope: 10.7296, intercept: 33.4744 },
  { source: 'Galton’s heights', n: 928, slope: 0.6463, intercept: 23.9415 },
  { source: 'Motor Trend cars', n: 32, slope: -5.3445, intercept: 37.2851 },
];
for (const { source, n, slope, intercept } of published) {
  test(`trains on ${source} to the published coefficients`, async () => {
    const { page, close } = await open('steps_per_second=null&backend=cpu', { server, reducedMotion: true });
    await person(page).select('Source').selectOption({ label: source });
    await eventually(() => rows(page), (found) => found === n, 'rows');
    const exact = await exactWeights(page);
    reads(exact[0], slope, 'exact slope');
    reads(exact[1], intercept, 'exact intercept');
    await person(page).type('Learning rate', 0.1);
    await person(page).train.click();
    await page.getByText(/^Converged:/).waitFor();
    const [w, b] = await person(page).weights();
    // Standardized f32 features keep five digits of the larger terms.
    assert.ok(Math.abs(w - slope) < 2e-3, `slope ${w}, published ${slope}`);
    assert.ok(Math.abs(b - intercept) < 2e-2, `intercept ${b}, published ${intercept}`);
    await close();
  });
}

/**
 * Least squares of the other tables: statsmodels 0.15.0, OLS(y, X).fit(); those of Longley are
 * certified by NIST.
 * @type {{ cases: { id: string, n_samples: number, target: string, terms: string[], coefficients: [number, number][], loss: number }[] }}
 */
const { cases: shipped } = JSON.parse(await readFile(join(root, 'tests/reference/shipped.json'), 'utf8'));
const named = {
  challenger: 'Challenger’s O-rings', coal_disasters: 'Coal mine disasters', diabetes: 'Diabetes', west_roxbury: 'West Roxbury homes',
  longley: 'Longley’s economy', iris: 'Iris flowers', breast_cancer: 'Breast tumours',
};
for (const [id, source] of Object.entries(named)) {
  test(`${source} has the least squares of other software, and descent comes down to it`, async () => {
    const expected = shipped.find((table) => table.id === id);
    assert.ok(expected);
    const { page, close } = await open('steps_per_second=null&backend=cpu&stop.converged=false', { server, reducedMotion: true });
    await person(page).select('Source').selectOption({ label: source });
    await eventually(() => rows(page), (found) => found === expected.n_samples, 'rows');
    // Classes and counts select a suitable loss; a target that is not a number, another one.
    const learns = async () => {
      const words = await description(page, 'Fit chart');
      return [`${expected.target} by `, `actual ${expected.target}, from `].some((found) => words.includes(found));
    };
    if (!(await learns())) {
      await person(page).button('Choose columns').click();
      const choice = page.getByRole('dialog', { name: /^Columns of / });
      await choice.getByRole('combobox', { name: 'Target' }).selectOption(expected.target);
      await choice.getByRole('button', { name: 'Use this table' }).click();
      await choice.waitFor({ state: 'hidden' });
    }
    await person(page).select('Loss').selectOption('Squared');
    await eventually(
      () => exactWeights(page),
      (exact) => exact.length === expected.terms.length && Math.abs(exact[0] / expected.coefficients[0][0] - 1) < 1e-3,
      'least squares',
    );
    assert.ok(await learns());
    const exact = await exactWeights(page);
    assert.equal(exact.length, expected.terms.length);
    expected.terms.forEach((term, i) => reads(exact[i], expected.coefficients[i][0], term));
    await person(page).type('Learning rate', 0.1);
    await person(page).train.click();
    // Within a thousandth of the lowest loss, shown with four digits.
    await person(page).until('Loss', (loss) => loss < 1.0015 * expected.loss, 60_000);
    await close();
  });
}

test('a run on an own table asks for that table before it goes on', async () => {
  const first = await open('steps_per_second=null&backend=cpu&stop.steps=25', { server, reducedMotion: true });
  const own = `${line(',')}7.1234567,20.5\n`;
  await dropFile(first.page, 'mine.csv', own);
  await eventually(() => rows(first.page), (found) => found === 5, 'rows');
  await person(first.page).train.click();
  await finished(first.page, 25);
  const before = await shown(first.page);
  const { text } = await exportWeights(first.page);
  await first.close();
  // The file contains not the table but its name and fingerprint.
  assert.ok(text.includes('mine.csv'));
  assert.ok(!text.includes('20.5'));

  const { page, close } = await open('', { server, reducedMotion: true });
  await importWeights(page, text);
  await page.getByRole('alert').filter({ hasText: 'table "mine.csv"' }).waitFor();
  assert.equal(await rows(page), 100);
  await dropFile(page, 'mine.csv', line(','));
  await eventually(() => rows(page), (found) => found === 4, 'rows');
  await importWeights(page, text);
  await page.getByRole('alert').filter({ hasText: 'is not the one this run was trained on' }).waitFor();
  await dropFile(page, 'mine.csv', own);
  await eventually(() => rows(page), (found) => found === 5, 'rows');
  await importWeights(page, text);
  await person(page).until('Step count', (step) => step === 25);
  assert.deepEqual(await shown(page), before);
  assert.equal(await page.getByRole('alert').filter({ hasText: /./ }).count(), 0);
  await close();
});

test('a table that is cancelled changes nothing', async () => {
  const { page, close } = await open('', { server, reducedMotion: true });
  const dialog = await openTables(page);
  await dialog.getByRole('textbox').fill(line(','));
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await dialog.waitFor({ state: 'hidden' });
  assert.equal(await rows(page), 100);
  await close();
});
