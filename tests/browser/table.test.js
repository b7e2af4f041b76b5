// A table of the user's own: columns found out and chosen, many features trained on, one row explained.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { chooseTable, dropFile, exportWeights, importWeights, openTables, upload } from './hands.js';
import { launch, openPage, startServer } from './harness.js';
import { figure, person } from './person.js';

/** @typedef {import('playwright-core').Page} Page */

/** @type {import('playwright-core').Browser} */
let browser;
/** @type {import('./harness.js').Server} */
let server;
before(async () => {
  [browser, server] = await Promise.all([launch({ webgpu: true }), startServer()]);
});
after(async () => {
  await browser.close();
  await server.close();
});

// price = 20 + 2.5 size + 8 rooms + 40 (Bonn) - 25 (Ulm), without noise: the numbers that training must find.
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
 * The weights shown, by name.
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
    const { page, close, choice, train, type, until, select, output } = await open(`#steps_per_second=null&stop.converged=false&backend=${engine.toLowerCase()}`);
    await chooseTable(page, upload('flats.csv', flats));
    await choice.waitFor();
    assert.equal(await choice.getByRole('combobox', { name: 'Separator' }).inputValue(), ';');
    assert.equal(await choice.getByRole('combobox', { name: 'Decimals' }).inputValue(), ',');
    assert.equal(await choice.getByRole('combobox', { name: 'Target' }).inputValue(), 'price');
    assert.equal(await choice.getByRole('combobox', { name: 'Kind of city' }).inputValue(), 'category');
    // Nearly every note stands once: it is there, and not among the features.
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

    // One row: what it comes to, and from what.
    await page.getByRole('textbox', { name: 'size', exact: true }).fill('100');
    await page.getByRole('textbox', { name: 'rooms', exact: true }).fill('3');
    await select('city').selectOption('Ulm');
    await until('Predictions', (price) => Math.abs(price - (20 + 250 + 24 - 25)) < 1);
    const shares = (await page.locator('.predict-row .share').allInnerTexts()).map(figure);
    const baseline = figure(/baseline is ([^;]+);/.exec(await page.locator('#predict-baseline').innerText())?.[1] ?? '');
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
  const complaint = new RegExp(`row ${place}, column "rooms": "three" is not a number`);
  await choice.getByText(complaint).first().waitFor();
  await choice.getByRole('button', { name: 'Use this table' }).click();
  await choice.getByRole('alert').filter({ hasText: complaint }).waitFor();
  await choice.getByRole('checkbox', { name: 'Skip the 1 that cannot be read' }).check();
  await choice.getByRole('button', { name: 'Use this table' }).click();
  await choice.waitFor({ state: 'hidden' });
  const notices = page.getByRole('region', { name: 'Notices' });
  await notices.getByText(/1 were left out since something in them is missing and 1 since something cannot be read; 0 missing/).waitFor();
  await page.getByRole('button', { name: 'Choose columns' }).click();
  await choice.getByRole('combobox', { name: 'Missing values' }).selectOption('mean');
  await choice.getByRole('button', { name: 'Use this table' }).click();
  await choice.waitFor({ state: 'hidden' });
  await notices.getByText(/0 were left out since something in them is missing and 1 since something cannot be read; 1 missing/).waitFor();
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
  await choice.getByRole('checkbox', { name: 'First row names the columns' }).uncheck();
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
  // The file checks itself: its layers through its feature map say what it says they do.
  const { feature_map: map, layers: [layer] } = file;
  for (const check of file.check_predictions) {
    const inputs = check.slice(0, -1);
    const raw = inputs.flatMap((/** @type {number} */ x, /** @type {number} */ i) => {
      const { n_levels, center, scale } = map.inputs[i];
      if (n_levels) return Array.from({ length: n_levels - 1 }, (_, level) => Number(x === level + 1));
      return [(x - center) / scale];
    });
    const features = raw.map((/** @type {number} */ value, /** @type {number} */ k) => (value - map.center[k]) / map.scale[k]);
    const predicted = features.reduce((/** @type {number} */ sum, /** @type {number} */ feature, /** @type {number} */ k) => sum + feature * layer.kernel[k][0], layer.bias[0]);
    assert.ok(Math.abs(predicted - check.at(-1)) < 1e-9 * Math.abs(predicted), `${predicted} is not ${check.at(-1)}`);
  }
  await person(page).button('Reset').click();
  await until('Step count', (now) => now === 0);
  await importWeights(page, text);
  await until('Step count', (now) => now === step);
  // Without its table the file cannot go on, and says which one it needs.
  const other = await open();
  await importWeights(other.page, text);
  await other.page.getByRole('alert').filter({ hasText: /made on the table "flats.csv".*load that file/ }).waitFor();
  await other.close();
  await close();
});
