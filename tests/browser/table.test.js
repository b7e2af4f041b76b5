// The user's own table: columns are detected and chosen, many features are trained, one row is
// explained.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseTable, dropFile, exportWeights, importWeights, openTables, upload } from './hands.js';
import { openPage, setUp } from './harness.js';
import { figure, person } from './person.js';

/** @typedef {import('playwright-core').Page} Page */

const { browser, server } = await setUp({ webgpu: true });

// price = 20 + 2.5 size + 8 rooms + 40 (Bonn) - 25 (Ulm), without noise: the coefficients that
// training must find.
const cities = ['Aachen', 'Bonn', 'Ulm'];
const table = ['size;rooms;city;note;price'];
for (let i = 0; i < 120; i += 1) {
  const [size, rooms, city] = [30 + ((i * 37) % 100) + 0.5, 1 + ((i * 7) % 5), i % 3];
  const price = 20 + 2.5 * size + 8 * rooms + [0, 40, -25][city];
  table.push([String(size).replace('.', ','), rooms, cities[city], `flat ${i}`, String(price).replace('.', ',')].join(';'));
}
const flats = `${table.join('\r\n')}\r\n`;
const expected = { size: 2.5, rooms: 8, 'city = Bonn': 40, 'city = Ulm': -25, bias: 20 };

/** @param {string} [hash] */
async function open(hash = '#steps_per_second=null&stop.converged=false') {
  const opened = await openPage(browser, { server, hash, reducedMotion: true });
  await person(opened.page).ready();
  return { ...opened, ...person(opened.page), choice: opened.page.getByRole('dialog', { name: /^Columns of / }) };
}

/**
 * The displayed weights by name.
 * @param {Page} page
 */
async function named(page) {
  const rows = await person(page).output('Weights').locator('.row:not(.head)').all();
  const entries = await Promise.all(rows.map(async (row) => [
    await row.locator('.name').innerText(), figure(await row.locator('.now').innerText()), figure(await row.locator('.exact').innerText()),
  ]));
  return new Map(entries.map(([name, now, exact]) => [/** @type {string} */ (name), { now: Number(now), exact: Number(exact) }]));
}

for (const engine of /** @type {const} */ (['CPU', 'GPU'])) {
  test(`a table with words and decimal commas is trained to the numbers it was made with, on the ${engine}`, async () => {
    const { page, close, choice, train, type, until, select, output } = await open(
      `#steps_per_second=null&stop.converged=false&backend=${engine.toLowerCase()}`,
    );
    await chooseTable(page, upload('flats.csv', flats));
    await choice.waitFor();
    assert.equal(await choice.getByRole('combobox', { name: 'Separator' }).inputValue(), ';');
    assert.equal(await choice.getByRole('combobox', { name: 'Decimal mark' }).inputValue(), ',');
    assert.equal(await choice.getByRole('combobox', { name: 'Target' }).inputValue(), 'price');
    assert.equal(await choice.getByRole('combobox', { name: 'Kind of city' }).inputValue(), 'category');
    // Nearly every note is unique: the column is listed but not used as a feature.
    assert.equal(await choice.getByRole('checkbox', { name: 'note' }).isChecked(), false);
    await choice.getByRole('button', { name: 'Use this table' }).click();
    await choice.waitFor({ state: 'hidden' });
    assert.equal(await select('Scaling').inputValue(), 'standardize');
    await output('Backend in use').filter({ hasText: engine }).waitFor();
    await type('Learning rate', 0.2);
    await train.click();
    await until('Loss', (loss) => loss < 1e-4, 60_000);
    await person(page).stop();
    const found = await named(page);
    assert.deepEqual([...found.keys()], Object.keys(expected));
    for (const [name, value] of Object.entries(expected)) {
      const { now, exact } = found.get(name) ?? { now: NaN, exact: NaN };
      assert.ok(Math.abs(exact - value) < 1e-3 * Math.abs(value), `exact ${name}: ${exact}`);
      assert.ok(Math.abs(now - value) < 0.02 * Math.abs(value), `${name}: ${now}`);
    }

    // One row: its prediction and the contributions.
    await page.getByRole('textbox', { name: 'size', exact: true }).fill('100');
    await page.getByRole('textbox', { name: 'rooms', exact: true }).fill('3');
    await select('city').selectOption('Ulm');
    await until('Predictions', (price) => Math.abs(price - (20 + 250 + 24 - 25)) < 1);
    const shares = (await page.locator('.predict-row .share').allInnerTexts()).map(figure);
    const baseline = figure(/^Starting at (.+), these/.exec(await page.locator('#predict-baseline').innerText())?.[1] ?? '');
    const sum = shares.reduce((sum, share) => sum + share, baseline);
    assert.ok(Math.abs(sum - 269) < 1.5, `${baseline} and ${shares} add up to ${sum}`);
    await page.getByRole('textbox', { name: 'size', exact: true }).fill('big');
    await page.getByText(/"big" is not a number/).waitFor();
    await close();
  });
}

test('the target, the kinds, degrees and interactions are a person’s to choose, and chosen anew later', async () => {
  const { page, close, choice, button } = await open();
  await dropFile(page, 'flats.csv', flats);
  await choice.waitFor();
  await choice.getByRole('checkbox', { name: 'city' }).uncheck();
  await choice.getByRole('combobox', { name: 'Kind of rooms' }).selectOption('category');
  await choice.getByRole('spinbutton', { name: 'Degree of size' }).fill('2');
  await choice.getByRole('button', { name: 'Add interaction' }).click();
  await choice.getByRole('button', { name: 'Remove size × rooms' }).waitFor();
  await choice.getByRole('button', { name: 'Use this table' }).click();
  await choice.waitFor({ state: 'hidden' });
  const terms = [...(await named(page)).keys()];
  assert.deepEqual(terms, [
    'size', 'size^2', 'rooms = 2', 'rooms = 3', 'rooms = 4', 'rooms = 5',
    'size * rooms = 2', 'size * rooms = 3', 'size * rooms = 4', 'size * rooms = 5', 'bias',
  ]);
  await button('Choose columns').click();
  await choice.waitFor();
  assert.equal(await choice.getByRole('spinbutton', { name: 'Degree of size' }).inputValue(), '2');
  await choice.getByRole('combobox', { name: 'Target' }).selectOption('size');
  assert.ok(await choice.getByRole('checkbox', { name: 'price' }).isChecked(), 'what was the target can be learned from');
  await choice.getByRole('button', { name: 'Use this table' }).click();
  await choice.waitFor({ state: 'hidden' });
  assert.ok((await named(page)).has('price'));
  await close();
});

test('cells that cannot be read are named, and skipped only where that is chosen', async () => {
  const { page, close, choice } = await open();
  const spoilt = flats.replace(/(\r\n[^;]*;)3;Aachen/, '$1three;Aachen').replace(';Ulm;flat 50', ';;flat 50');
  await chooseTable(page, upload('flats.csv', spoilt));
  await choice.waitFor();
  const place = spoilt.slice(0, spoilt.indexOf('three')).split('\r\n').length;
  const complaint = new RegExp(`Row ${place}, column "rooms": "three" is not a number`);
  await choice.getByText(complaint).first().waitFor();
  await choice.getByRole('button', { name: 'Use this table' }).click();
  await choice.getByRole('alert').filter({ hasText: complaint }).waitFor();
  await choice.getByRole('checkbox', { name: 'Skip unreadable cells (1)' }).check();
  await choice.getByRole('button', { name: 'Use this table' }).click();
  await choice.waitFor({ state: 'hidden' });
  const notices = page.getByRole('region', { name: 'Notices' });
  await notices.getByText(/: 1 has missing values, 1 has unreadable cells/).waitFor();
  await page.getByRole('button', { name: 'Choose columns' }).click();
  await choice.getByRole('combobox', { name: 'Missing values' }).selectOption('mean');
  await choice.getByRole('button', { name: 'Use this table' }).click();
  await choice.waitFor({ state: 'hidden' });
  await notices.getByText(/: 0 have missing values, 1 has unreadable cells/).waitFor();
  await close();
});

test('a table is read otherwise where that is wanted', async () => {
  const { page, close, choice } = await open();
  const dialog = await openTables(page);
  await dialog.getByRole('textbox').fill('a|b|c\n1|2|3\n4|5|6\n7|8|1\n');
  await dialog.getByRole('button', { name: 'Use this table', exact: true }).click();
  await choice.waitFor();
  assert.equal(await choice.getByRole('combobox', { name: 'Separator' }).inputValue(), '|');
  await choice.getByText('3 rows, 3 columns').waitFor();
  await choice.getByRole('checkbox', { name: 'First row is a header' }).uncheck();
  await choice.getByText('4 rows, 3 columns').waitFor();
  await choice.getByRole('checkbox', { name: 'column 1' }).waitFor();
  await choice.getByRole('button', { name: 'Cancel' }).click();
  await close();
});

test('weights of several inputs are saved with their columns, and go on from there', async () => {
  const { page, close, choice, train, until, stop, number } = await open();
  await chooseTable(page, upload('flats.csv', flats));
  await choice.getByRole('button', { name: 'Use this table' }).click();
  await choice.waitFor({ state: 'hidden' });
  await train.click();
  await until('Step count', (step) => step > 100);
  await stop();
  const step = await number('Step count');
  const { file, text } = await exportWeights(page);
  assert.deepEqual(file.columns.inputs.map((/** @type {any} */ { name }) => name), ['size', 'rooms', 'city']);
  assert.deepEqual(file.columns.inputs[2].levels, cities);
  // The file checks itself: its layers and its feature map give its check predictions.
  const { feature_map: map, layers: [layer] } = file;
  for (const check of file.check_predictions) {
    const inputs = check.slice(0, -1);
    const raw = inputs.flatMap((/** @type {number} */ x, /** @type {number} */ i) => {
      const { n_levels, center, scale } = map.inputs[i];
      if (n_levels) return Array.from({ length: n_levels - 1 }, (_, level) => Number(x === level + 1));
      return [(x - center) / scale];
    });
    const features = raw.map((/** @type {number} */ value, /** @type {number} */ k) => (value - map.center[k]) / map.scale[k]);
    const predicted = features.reduce(
      (/** @type {number} */ sum, /** @type {number} */ feature, /** @type {number} */ k) => sum + feature * layer.kernel[k][0],
      layer.bias[0],
    );
    assert.ok(Math.abs(predicted - check.at(-1)) < 1e-9 * Math.abs(predicted), `${predicted} is not ${check.at(-1)}`);
  }
  await person(page).button('Reset').click();
  await until('Step count', (now) => now === 0);
  await importWeights(page, text);
  await until('Step count', (now) => now === step);
  // Without its table the file cannot continue, and says which table it needs.
  const other = await open();
  await importWeights(other.page, text);
  await other.page.getByRole('alert').filter({ hasText: /needs the table "flats.csv".*Load that file/ }).waitFor();
  await other.close();
  await close();
});

// NIST StRD, Longley (1967), with the certified coefficients and their standard deviations.
const longley = `deflator,gnp,unemployed,armed,population,year,employed
83.0,234289,2356,1590,107608,1947,60323
88.5,259426,2325,1456,108632,1948,61122
88.2,258054,3682,1616,109773,1949,60171
89.5,284599,3351,1650,110929,1950,61187
96.2,328975,2099,3099,112075,1951,63221
98.1,346999,1932,3594,113270,1952,63639
99.0,365385,1870,3547,115094,1953,64989
100.0,363112,3578,3350,116219,1954,63761
101.2,397469,2904,3048,117388,1955,66019
104.6,419180,2822,2857,118734,1956,67857
108.4,442769,2936,2798,120445,1957,68169
110.8,444546,4681,2637,121950,1958,66513
112.6,482704,3813,2552,123366,1959,68655
114.2,502601,3931,2514,125368,1960,69564
115.7,518173,4806,2572,127852,1961,69331
116.9,554894,4007,2827,130081,1962,70551
`;
const certified = {
  deflator: [15.0618722713733, 84.9149257747669],
  gnp: [-0.035819179292591, 0.0334910077722432],
  unemployed: [-2.02022980381683, 0.488399681651699],
  armed: [-1.03322686717359, 0.214274163161675],
  population: [-0.0511041056535807, 0.22607320006937],
  year: [1829.15146461355, 455.478499142212],
  bias: [-3482258.63459582, 890420.383607373],
};

test('coefficients stand with their errors, as certified, and with what descent has reached', async () => {
  const { page, close, choice, button, until, number } = await open('#stop.converged=false');
  const tab = page.getByRole('tab', { name: 'Coefficients' });
  assert.equal(await tab.count(), 0, 'made-up rows have no such tab');
  await chooseTable(page, upload('longley.csv', longley));
  await choice.getByRole('button', { name: 'Use this table' }).click();
  await choice.waitFor({ state: 'hidden' });
  await tab.click();
  const view = page.getByRole('tabpanel', { name: 'Coefficients' });
  const summary = /16 rows, 9 degrees of freedom\. Residual standard deviation 304\.9, R² 0\.9955, adjusted R² 0\.9925, F 330\.3/;
  await view.getByText(summary).waitFor();
  const rows = await view.getByRole('row').all();
  const cells = async (/** @type {import('playwright-core').Locator} */ row) => (await row.getByRole('cell').allInnerTexts()).map(figure);
  for (const [i, [name, [estimate, error]]] of Object.entries(certified).entries()) {
    const row = rows[i + 1];
    assert.equal(await row.getByRole('rowheader').innerText(), name);
    const [shown, , , , shownError, t] = await cells(row);
    assert.ok(Math.abs(shown / estimate - 1) < 1e-3, `${name}: ${shown}`);
    assert.ok(Math.abs(shownError / error - 1) < 1e-3, `error of ${name}: ${shownError}`);
    assert.ok(Math.abs(t / (estimate / error) - 1) < 1e-3, `t of ${name}: ${t}`);
  }
  // The trained values are zero at first, then change.
  assert.equal((await cells(rows[1]))[2], 0);
  const step = await number('Step count');
  await button('Epoch').click();
  await until('Step count', (now) => now > step);
  await view.getByRole('cell', { name: '0.000', exact: true }).first().waitFor({ state: 'detached' });
  const [download] = await Promise.all([page.waitForEvent('download'), view.getByRole('button', { name: 'Save as CSV' }).click()]);
  assert.equal(download.suggestedFilename(), 'downhill-coefficients.csv');
  // With the keyboard to the fit tab and back.
  await tab.focus();
  await page.keyboard.press('ArrowLeft');
  assert.ok(await page.getByRole('img', { name: 'Fit chart' }).isVisible());
  assert.equal(await view.isVisible(), false);
  await close();
});

test('rows are held out, and the run ends where they gain no longer', async () => {
  const { page, close, train, type, until, output } = await open(
    '#data.source.n_samples=24&data.source.noise=1&data.source.seed=4&model.degree=12&model.standardize=true'
    + '&optimizer.kind=momentum&learning_rate=0.1&stop.converged=false&steps_per_second=null');
  await page.getByText('Validation and stopping').click();
  await type('Validation fraction', 0.3);
  await type('Early-stop patience (epochs)', 150);
  await page.getByText('validation loss', { exact: true }).first().waitFor();
  await train.click();
  const finished = page.getByText(/^No improvement in validation loss for 150 epochs\. Restored the best weights \(step \d+\)/);
  await finished.waitFor();
  const best = Number(/step (\d+)/.exec(await finished.innerText())?.[1]);
  const step = await until('Step count', (now) => now > best);
  assert.ok(step - best >= 150 && step - best < 160, `${step} after ${best}`);
  const read = async (/** @type {string} */ name) => {
    const row = page.locator('#readouts > div').filter({ hasText: new RegExp(`^${name}`) });
    return row.locator('dd').innerText();
  };
  assert.equal(await read('best so far'), `${await read('validation loss')} (step ${best})`);
  assert.ok(figure(await read('validation loss')) > figure(await output('Loss').innerText()), 'what was not seen is harder');
  // Early stopping alone has no validation rows.
  await type('Validation fraction', 0);
  await page.getByText(/Early stopping needs validation rows/).waitFor();
  await close();
});

test('dates are read in the order that a person says, where no date tells it', async () => {
  const { page, close, choice } = await open();
  // No day is above twelve: 3/4 may be in March or in April.
  const days = Array.from({ length: 24 }, (_, i) => `3/${1 + (i % 12)}/2024,${i},${i * i}`);
  await chooseTable(page, upload('days.csv', `day,x,y\n${days.join('\n')}\n`));
  await choice.waitFor();
  const order = choice.getByRole('combobox', { name: 'Dates' });
  assert.equal(await order.inputValue(), '');
  await choice.getByText('12: 3/1/2024, 3/10/2024').waitFor();
  await order.selectOption('day_first');
  await choice.getByText('2024-01-03 … 2024-12-03').waitFor();
  assert.equal(await choice.getByRole('combobox', { name: 'Kind of day' }).inputValue(), 'date');
  await order.selectOption('month_first');
  await choice.getByText('2024-03-01 … 2024-03-12').waitFor();
  await choice.getByRole('button', { name: 'Cancel' }).click();
  await chooseTable(page, upload('flats.csv', flats));
  await choice.getByText('120 rows').waitFor();
  assert.equal(await order.count(), 0, 'there are no dates');
  await close();
});
