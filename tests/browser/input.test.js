// Bad input is answered by a message with place and remedy, next to its cause. The run stays
// unchanged, and the message disappears when the input is corrected.
import assert from 'node:assert/strict';
import { mkdtemp, open as openFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { chooseTable, dropFile, eventually, exportWeights, importWeights, openTables, pasteTable, rows, upload } from './hands.js';
import { openPage, setUp } from './harness.js';
import { person } from './person.js';

/** @typedef {import('playwright-core').Page} Page */
/** @typedef {import('playwright-core').Locator} Locator */

const { browser, server } = await setUp();

/** A run that is paused after 40 steps of five rows. */
async function stopped() {
  const hash = '#backend=cpu&batch_size=5&method=mini_batch';
  const opened = await openPage(browser, { server, hash, reducedMotion: true });
  await person(opened.page).ready();
  for (const step of [20, 40]) {
    await person(opened.page).button('Epoch').click();
    await person(opened.page).until('Step count', (now) => now === step);
  }
  return opened;
}

/**
 * Everything that a refusal must not change.
 * @param {Page} page
 */
async function state(page) {
  const { number, weights, select } = person(page);
  return {
    step: await number('Step count'),
    epoch: await number('Epoch count'),
    loss: await number('Loss'),
    weights: await weights(),
    rows: await rows(page),
    source: await select('Source').inputValue(),
    address: page.url(),
  };
}

/**
 * Checks that the run is unchanged and can still be trained: one more step moves it.
 * @param {Page} page
 * @param {Awaited<ReturnType<typeof state>>} before
 */
async function intact(page, before) {
  assert.deepEqual(await state(page), before);
  await person(page).button('Step').click();
  await person(page).until('Step count', (step) => step === before.step + 1);
  assert.notDeepEqual(await person(page).weights(), before.weights);
}

/**
 * The visible alert.
 * @param {Page} page
 */
const alert = (page) => page.getByRole('alert').filter({ hasText: /./ });

const png = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');
const pdf = Buffer.from('%PDF-1.7\n%\xE2\xE3\xCF\xD3\n1 0 obj\n<< /Type /Catalog >>\nendobj\n', 'latin1');

/** @type {[string, string | Buffer, RegExp][]} */
const tables = [
  [
    'a word in a cell',
    'dose,effect\n1,2\n2,many\n3,4\n',
    /Row 3, column "effect": "many" is not a number\. Correct the cell or remove the row/,
  ],
  ['one row', 'x,y\n1,2\n', /only one row, but a line needs at least two/],
  ['a constant x', 'a,b\n5,2\n5,3\n5,4\n', /Every value of "a" is 5, but a line needs at least two different x values/],
  ['an empty file', '', /The table has no rows\. Give at least two rows of two numbers/],
  ['a header alone', 'x,y\n', /The table has no rows/],
  ['nothing that is whole', 'x,y\n1,\n,3\n4,NA\n,5\n', /Each of the 4 rows has a missing or unreadable cell/],
  ['infinity', '1,2\n-inf,3\n3,4\n', /Row 2, column "x": "-inf" is not a finite number/],
  ['1e30', '1,2\n2,1e30\n3,4\n', /Row 2, column "y": "1e30" is above 1e15.*Use a larger unit/],
  ['a number beyond f64', '1,2\n2,1e999\n3,4\n', /Row 2, column "y": "1e999" is not a finite number/],
  [
    'decimal commas in quotes',
    'x,y\n"1,5","2,5"\n"2,5","3,5"\n1,2\n3,4\n',
    /Row 2, column "x": "1,5" is not a number\. Write a decimal point, or separate the columns with semicolons/,
  ],
  ['decimal commas', 'x,y\n1,5,2,5\n3,4\n', /Row 2 has 4 cells, but the table has 2 columns/],
  ['a picture', png, /This file is not a text table. Save it as CSV./],
  ['a PDF', pdf, /Choose at least one feature besides the target|no numeric column/],
];

test('tables that cannot be trained on are refused in the dialog, by place and mend', async () => {
  const { page, close } = await stopped();
  const before = await state(page);
  for (const [what, content, message] of tables) {
    await chooseTable(page, upload('table.csv', content));
    await alert(page).filter({ hasText: message }).waitFor({ timeout: 15_000 }).catch(async () => {
      assert.fail(`${what}: ${await alert(page).allInnerTexts()} is not ${message}`);
    });
    const dialog = page.getByRole('dialog', { name: 'Load a table' });
    assert.equal(await dialog.getByRole('alert').filter({ hasText: message }).count(), 1, `${what}: not in the dialog`);
    assert.equal(await alert(page).count(), 1, what);
  }
  // Pasted text is answered in the same place, and a new attempt removes the old answer.
  await pasteTable(page, '1;2\n2;zwei\n3;4');
  await alert(page).filter({ hasText: /Row 2, column "y": "zwei"/ }).waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
  await intact(page, before);
  await openTables(page);
  assert.equal(await alert(page).count(), 0, 'an old refusal is still there');
  await pasteTable(page, '1;2\n2;3\n3;4');
  await eventually(() => rows(page), (n) => n === 3, 'rows');
  assert.equal(await page.getByRole('dialog').count(), 0);
  await close();
});

test('what is dropped is refused on the page, while training goes on', async () => {
  const { page, close } = await openPage(browser, { server, hash: '#backend=cpu&stop.converged=false' });
  await person(page).pause.waitFor();
  for (const [name, content, message] of /** @type {[string, string | Buffer, RegExp][]} */ ([
    ['picture.png', png, /not a text table/],
    ['table.csv', 'x,y\n1,2\n2,two\n', /Row 3, column "y": "two" is not a number/],
    // An object is a row of a table; one that starts with a format is a weights file.
    ['package.json', '{ "name": "other", "format": "npm" }', /Column "name" has fewer than two different values.*Leave it out/],
    ['other.json', '{ "format": "npm", "name": "other" }', /not a Downhill weights file \(its "format" is "npm"\)/],
  ])) {
    await dropFile(page, name, content);
    await alert(page).filter({ hasText: message }).waitFor();
    const step = await person(page).number('Step count');
    await person(page).until('Step count', (now) => now > step + 10);
    await person(page).pause.waitFor();
  }
  // The problem was fixed in another way, so the message disappears.
  await pasteTable(page, '1,2\n2,3\n3,4\n');
  await eventually(() => rows(page), (n) => n === 3, 'rows');
  assert.equal(await alert(page).count(), 0, 'the refusal stays after a good table');
  await close();
});

test('a file of 200 MB that is no table is refused at its first bytes', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'downhill-'));
  const path = join(folder, 'huge.csv');
  const file = await openFile(path, 'w');
  await file.truncate(200_000_000);
  await file.close();
  const { page, close } = await stopped();
  const before = await state(page);
  const heap = () => page.evaluate(() => /** @type {any} */ (performance).memory.usedJSHeapSize / 1e6);
  const heapBefore = await heap();
  await chooseTable(page, path);
  const chosen = Date.now();
  await alert(page).filter({ hasText: 'This file is not a text table. Save it as CSV.' }).waitFor();
  // A second on a quiet machine.
  assert.ok(Date.now() - chosen < 3000, `refused after ${Date.now() - chosen} ms`);
  assert.ok((await heap()) - heapBefore < 50, 'it was read');
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
  const [chooser] = await Promise.all([page.waitForEvent('filechooser'), person(page).button('Import weights').click()]);
  await chooser.setFiles(path);
  await alert(page).filter({ hasText: 'The file is 200 MB' }).waitFor();
  await intact(page, before);
  await close();
  await rm(folder, { recursive: true });
});

/**
 * The description of a control.
 * @param {Locator} control
 */
const described = (control) => control.evaluate((node) => {
  const ids = (node.getAttribute('aria-describedby') ?? '').split(' ').filter((id) => id);
  const places = ids.map((id) => document.getElementById(id)).filter((place) => place && !place.hidden);
  return places.map((place) => place?.textContent).join(' ');
});

/**
 * Types something wrong, reads the answer, then types something right.
 * @param {Page} page
 * @param {string} name
 * @param {string} typed
 * @param {RegExp} message
 * @param {string | number} mend
 */
async function refusesEntry(page, name, typed, message, mend) {
  const box = person(page).box(name);
  await box.fill('');
  await box.pressSequentially(typed);
  await box.press('Tab');
  assert.match(await described(box), message, `${name}: ${typed}`);
  assert.equal(await box.getAttribute('aria-invalid'), 'true', `${name}: ${typed}`);
  const words = await page.getByText(message).boundingBox();
  const place = await box.boundingBox();
  assert.ok(words && place && words.y >= place.y && words.y - place.y < 80, `${name}: the message is not beside it`);
  await box.fill(String(mend));
  await box.press('Tab');
  assert.equal(await box.getAttribute('aria-invalid'), null, `${name}: ${mend} is still refused`);
  assert.doesNotMatch(await described(box), message, name);
}

test('rates that are no rates are refused beside the box', async () => {
  const { page, close } = await stopped();
  const before = await state(page);
  for (const [typed, message] of /** @type {[string, RegExp][]} */ ([
    ['0', /Learning rate is 0\. Enter a number above 0/],
    ['-0.1', /Learning rate is -0.1\. Enter a number above 0/],
    // Number boxes do not accept letters, and the rest is not a number.
    ['rate', /Write it like 0.03 or 3e-2/],
    ['', /Write it like 0.03 or 3e-2/],
    ['1e', /Write it like 0.03 or 3e-2/],
    ['1e9', /Learning rate is 1e9\. Enter a number from 1e-12 to 1,000,000/],
  ])) {
    await refusesEntry(page, 'Learning rate', typed, message, 0.03);
  }
  await intact(page, before);
  await close();
});

test('counts, sizes and stops out of range are refused beside the box', async () => {
  const { page, close } = await stopped();
  const before = await state(page);
  await page.getByText('Validation and stopping').click();
  for (const [name, typed, message, mend] of /** @type {[string, string, RegExp, string][]} */ ([
    ['Count', '0', /Count is 0\. Enter a number from 2 to 10,000,000/, '100'],
    ['Count', '1', /Count is 1\. Enter a number from 2 to 10,000,000/, '100'],
    ['Count', '20000000', /Count is 20,000,000\. Enter a number from 2 to 10,000,000/, '100'],
    ['Count', '-5', /Count is -5\. Enter a number from 2 to 10,000,000/, '100'],
    ['Count', '2.5', /2.5” is not a whole number/, '100'],
    ['Count', '1e20', /Count is 1(e20|0{20})\. Enter a number from 2 to 10,000,000/, '100'],
    ['Seed', '-1', /Seed is -1\. Enter a number from 0 to/, '1'],
    ['Noise', '-1', /Noise is -1\. Enter a number from 0 to 1,000,000/, '0.1'],
    ['Batch size', '0', /Batch size is 0\. Enter a number from 1 to 10,000,000/, '5'],
    ['Batch size', '-3', /Batch size is -3\. Enter a number from 1 to 10,000,000/, '5'],
    ['Degree', '13', /Degree is 13\. Enter a number from 1 to 12/, '1'],
    ['Stop after steps', '-1', /Stop after steps is -1\. Enter a number from 1 to 9e15/, ''],
  ])) {
    await refusesEntry(page, name, typed, message, mend);
  }
  await intact(page, before);
  await close();
});

test('points that are no points are refused beside their boxes', async () => {
  const { page, close } = await stopped();
  const before = await state(page);
  await page.getByText('More settings', { exact: true }).click();
  const x = person(page).box('Point x');
  const y = person(page).box('Point y');
  await y.fill('1');
  await person(page).button('Add point').click();
  await page.getByText(/Write it like 0.03 or 3e-2/).waitFor();
  await x.fill('1e30');
  await person(page).button('Add point').click();
  await page.getByText(/Point is 1e30\. Enter a number from -1e15 to 1e15/).waitFor();
  assert.equal(await x.getAttribute('aria-invalid'), 'true');
  await intact(page, before);
  await x.fill('2');
  await person(page).button('Add point').click();
  await eventually(() => rows(page), (n) => n === 101, 'rows');
  assert.equal(await page.getByText(/Point is 1e30|Write it like/).isVisible(), false);
  assert.equal(await x.getAttribute('aria-invalid'), null);
  await close();
});

test('x that is no number is refused beside Predict', async () => {
  const { page, close } = await stopped();
  const before = await state(page);
  const box = page.getByRole('textbox', { name: 'x values to predict', exact: true });
  for (const [typed, message] of /** @type {[string, RegExp][]} */ ([
    ['0.5, half', /"half" is not a number\. Separate several x values with spaces or commas/],
    ['', /Type an x value, or several separated by spaces or commas/],
    ['inf', /"inf" is not a number/],
  ])) {
    await box.fill(typed);
    await eventually(() => described(box), (words) => message.test(words), `answer to ${typed}`);
    assert.equal(await person(page).output('Predictions').innerText(), '');
  }
  await box.fill('2');
  await eventually(() => described(box), (words) => words.trim() === '', 'the message leaves');
  assert.match(await person(page).output('Predictions').innerText(), /^\d/);
  await intact(page, before);
  await close();
});

test('of a broken link, what is sound is kept and the rest is named', async () => {
  const hash = '#learning_rate=fast&model.degree=99&batch_size=16&method=mini_batch&nonsense&seed=%ZZ&data.source.n_samples=0&backend=cpu';
  const { page, close } = await openPage(browser, { server, hash });
  await person(page).pause.waitFor();
  const notice = page.getByRole('region', { name: 'Notices' });
  const words = await notice.innerText();
  for (const part of ['learning_rate=fast', 'model.degree=99', 'nonsense', 'seed=%ZZ', 'data.source.n_samples=0']) {
    assert.ok(words.includes(part), `${part} is not named: ${words}`);
  }
  assert.ok(!words.includes('batch_size=16'));
  assert.equal(await person(page).box('Batch size').inputValue(), '16');
  assert.equal(await person(page).box('Learning rate').inputValue(), '0.03');
  assert.equal(await person(page).box('Degree').inputValue(), '1');
  assert.equal(await rows(page), 100);
  await person(page).until('Step count', (step) => step > 10);
  await notice.getByRole('button', { name: 'Dismiss' }).first().click();
  assert.equal(await page.getByText('nonsense').count(), 0);
  await close();

  for (const broken of ['#%', '#=', '#&&&', '#data.source=3', '#data.source.kind=magic', '#[object Object]']) {
    const opened = await openPage(browser, { server, hash: broken });
    await person(opened.page).until('Step count', (step) => step > 2);
    assert.equal(await rows(opened.page), 100, broken);
    await opened.close();
  }
});

test('a weights file that is cut short is refused wherever it ends', async () => {
  const { page, close } = await stopped();
  const before = await state(page);
  const { text } = await exportWeights(page);
  const lengths = [1, 2, 20, 100, Math.floor(text.length / 3), Math.floor(text.length / 2), text.length - 30, text.trimEnd().length - 1];
  for (const length of lengths) {
    const cut = text.slice(0, length);
    const line = cut.split('\n').length;
    await importWeights(page, cut);
    // A file cut right after a line end may be reported for either line.
    await alert(page).filter({ hasText: new RegExp(`weights file breaks off at line (${line}|${line - 1})\\. Save or download it again`) })
      .waitFor({ timeout: 15_000 }).catch(async () => assert.fail(`${length} of ${text.length}: ${await alert(page).allInnerTexts()}`));
  }
  await importWeights(page, '');
  await alert(page).filter({ hasText: /^Downhill found no model it can read in this file\. Choose a Keras, ONNX, / }).waitFor();
  await intact(page, before);
  await importWeights(page, text);
  await person(page).until('Step count', (step) => step === 40);
  await eventually(() => alert(page).count(), (n) => n === 0, 'the refusal leaves');
  await close();
});

test('a weights file that was altered or is of another kind is refused with the reason', async () => {
  const { page, close } = await stopped();
  const before = await state(page);
  const { text, file } = await exportWeights(page);
  /** @param {(copy: any) => void} change */
  const altered = (change) => {
    const copy = structuredClone(file);
    change(copy);
    return JSON.stringify(copy, null, 2);
  };
  const w = String(file.layers[0].kernel[0][0]);
  assert.ok(text.includes(w));
  /** @type {[string, string | Buffer, RegExp][]} */
  const files = [
    ['NaN', text.replace(w, 'NaN'), /not a weights file \(expected value at line \d+ column \d+.*Choose a JSON file/],
    ['a number beyond f64', text.replace(w, '1e999'), /not a weights file \(number out of range at line \d+/],
    ['a number beyond f32', text.replace(w, '1e200'), /not a finite number/],
    ['null', altered((copy) => { copy.layers[0].kernel[0][0] = null; }), /not a weights file \(.*null/],
    [
      'another row in the kernel',
      altered((copy) => copy.layers[0].kernel.push([1])),
      /has 3 parameters, but its model needs 2\. It was altered or cut short/,
    ],
    ['no bias', altered((copy) => { copy.layers[0].bias = null; }), /has 1 parameter, but its model needs 2/],
    ['two layers', altered((copy) => copy.layers.push(copy.layers[0])), /has 4 parameters, but its model needs 2/],
    ['another degree', altered((copy) => { copy.config.model.degree = 3; }), /but its model needs 4/],
    ['moments cut', altered((copy) => copy.training_state.previous.pop()), /has 1 parameter, but its model needs 2/],
    ['another version', altered((copy) => { copy.version = 2; }), /format version 2, but this page reads version 1/],
    ['no version', altered((copy) => { delete copy.version; }), /format version missing, but this page reads version 1/],
    ['no count', altered((copy) => { copy.config.data.source.n_samples = 0; }), /Count is 0\. Enter a number from 2 to 10,000,000/],
    ['a field missing', altered((copy) => { delete copy.feature_map; }), /not a weights file \(missing field `feature_map`/],
    ['another JSON', '{"hello": "world"}', /not a Downhill weights file \(its "format" is missing\)/],
    ['a list', '[1, 2]', /found no model it can read in this file\. Choose a Keras, ONNX, /],
    ['another JSON again', '{"hello": 1}', /not a Downhill weights file/],
    ['a table', 'x,y\n1,2\n', /found no model it can read in this file\. Choose a Keras, ONNX, /],
    ['a version below all', altered((copy) => { copy.version = 0; }), /format version 0, but this page reads version 1/],
    ['a picture', png, /found no model it can read in this file\. Choose a Keras, ONNX, /],
    ['no version again', altered((copy) => { delete copy.version; }), /format version missing, but this page reads version 1/],
    ['a PDF', pdf, /found no model it can read in this file\. Choose a Keras, ONNX, /],
  ];
  for (const [what, content, message] of files) {
    await importWeights(page, content);
    await alert(page).filter({ hasText: message }).waitFor({ timeout: 15_000 }).catch(async () => {
      assert.fail(`${what}: ${await alert(page).allInnerTexts()} is not ${message}`);
    });
  }
  await intact(page, before);
  await close();
});
