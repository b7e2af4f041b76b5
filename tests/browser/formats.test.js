// Tables that are not text are detected by their first bytes and read by modules that load on first
// use.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { chooseTable, dropFile } from './hands.js';
import { openPage, root, setUp, startServer } from './harness.js';
import { person } from './person.js';

const { browser, server } = await setUp();

/** @param {string} name */
const file = (name) => readFile(`${root}/crates/tables/tests/files/${name}`);

/**
 * A file whose name does not show its type.
 * @param {string} name
 */
const nameless = async (name) => ({ name: 'download', mimeType: 'application/octet-stream', buffer: await file(name) });

async function open() {
  const opened = await openPage(browser, { server, reducedMotion: true });
  await person(opened.page).ready();
  return { ...opened, ...person(opened.page), choice: opened.page.getByRole('dialog', { name: /^Columns of / }) };
}

/** @param {import('playwright-core').Locator} choice */
const columns = (choice) => choice.locator('.column:not(.head) .feature .name').allInnerTexts();

test('Parquet, NumPy and JSON open as tables do, whatever they are called', async () => {
  const { page, close, choice, output } = await open();
  const asked = () => server.requests.filter((path) => path.includes('/parquet-and-workbooks/')).length;
  const cases = [
    { name: 'frame.jsonl', first: ['float', 'integer', 'gap', 'flag', 'word', 'day'] },
    { name: 'fields_version_3.npy', first: undefined },
    { name: 'rows.npz', first: ['X_0', 'X_1', 'X_2', 'y'] },
    { name: 'zstd_2.parquet', first: ['float', 'float32', 'float16', 'int8', 'uint16'] },
    { name: 'brotli_1.parquet', first: ['float', 'float32', 'float16', 'int8', 'uint16'] },
  ];
  for (const { name, first } of cases) {
    assert.equal(asked() > 0, /parquet$/.test(name), `${name}: the other formats are loaded with the first of them`);
    await chooseTable(page, await nameless(name));
    if (!first) {
      // Two columns are used without a dialog.
      await page.getByRole('dialog', { name: 'Load a table' }).waitFor({ state: 'hidden' });
      await output('Weights').waitFor();
      continue;
    }
    await choice.waitFor();
    assert.deepEqual((await columns(choice)).slice(0, first.length), first, name);
    assert.equal(await choice.getByRole('combobox', { name: 'Separator' }).count(), 0, name);
    if (name === 'frame.jsonl') {
      // Written by pandas: 40 rows, dates with gaps.
      assert.match(await choice.innerText(), /40 rows, 6 columns/);
      assert.equal(await choice.getByRole('combobox', { name: 'Kind of day' }).inputValue(), 'date');
      assert.equal(await choice.getByRole('combobox', { name: 'Kind of word' }).inputValue(), 'category');
    }
    if (name === 'rows.npz') {
      // The target is a sum of the features without noise, so least squares gives 1, 2 and 3.
      assert.equal(await choice.getByRole('combobox', { name: 'Target' }).inputValue(), 'y');
      await choice.getByRole('button', { name: 'Use this table' }).click();
      await choice.waitFor({ state: 'hidden' });
      await page.waitForFunction(() => document.querySelectorAll('.row:not(.head) .exact').length === 4);
      const exact = await output('Weights').locator('.row:not(.head) .exact').allInnerTexts();
      assert.deepEqual(exact.slice(0, 3).map(Number), [1, 2, 3]);
      continue;
    }
    await choice.getByRole('button', { name: 'Cancel' }).click();
    await choice.waitFor({ state: 'hidden' });
  }
  await close();
});

test('a workbook opens with its first sheet, and another is a choice', async () => {
  const { page, close, choice } = await open();
  await dropFile(page, 'book', await file('workbook.xlsx'));
  await choice.waitFor();
  assert.deepEqual(await columns(choice), ['float', 'integer', 'gap', 'flag', 'word', 'day']);
  const sheet = choice.getByRole('combobox', { name: 'Sheet' });
  assert.equal(await sheet.inputValue(), 'rows');
  await sheet.selectOption('elsewhere');
  await choice.getByText('2 rows, 3 columns').waitFor();
  assert.deepEqual(await columns(choice), ['p', 'q', 'column 3']);
  await choice.getByRole('button', { name: 'Cancel' }).click();
  await dropFile(page, 'book', await file('workbook.ods'));
  await choice.getByText('40 rows, 4 columns').waitFor();
  assert.equal(await choice.getByRole('combobox', { name: 'Sheet' }).count(), 0, 'there is one sheet');
  await close();
});

test('a file that is damaged says so, and the next one is read', async () => {
  const { page, close, choice } = await open();
  const whole = await file('snappy_1.parquet');
  const alert = page.getByRole('dialog', { name: 'Load a table' }).getByRole('alert');
  await chooseTable(page, { name: 'cut.parquet', mimeType: '', buffer: whole.subarray(0, 9000) });
  await alert.getByText('The Parquet file is damaged or incomplete').waitFor();
  await chooseTable(page, await nameless('refused_lists.parquet'));
  await alert.getByText('"list" contains lists or maps').waitFor();
  await chooseTable(page, { name: 'old.xls', mimeType: '', buffer: Buffer.from([0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1]) });
  await alert.getByText('save it as .xlsx').waitFor();
  await chooseTable(page, { name: 'a.jsonl', mimeType: '', buffer: Buffer.from('{"x":1}\n{"x":}\n') });
  await alert.getByText('Line 2 does not contain a readable JSON object').waitFor();
  await chooseTable(page, await nameless('snappy_1.parquet'));
  await choice.waitFor();
  await close();
});

test('what was read once is read with the server gone', async () => {
  const own = await startServer();
  const first = await openPage(browser, { server: own, reducedMotion: true });
  await person(first.page).ready();
  // The service worker must be in control when the module is requested.
  await first.page.evaluate(async () => {
    await navigator.serviceWorker.ready;
    while (!navigator.serviceWorker.controller) await new Promise((done) => setTimeout(done, 20));
  });
  await first.page.reload();
  await person(first.page).ready();
  const choice = first.page.getByRole('dialog', { name: /^Columns of / });
  await chooseTable(first.page, await nameless('gzip_2.parquet'));
  await choice.waitFor();
  const asked = () => own.requests.filter((path) => path.includes('/parquet-and-workbooks/')).length;
  assert.ok(asked() > 0);
  await first.page.reload();
  await person(first.page).ready();
  const before = asked();
  await own.close();
  await chooseTable(first.page, await nameless('gzip_2.parquet'));
  await choice.waitFor();
  assert.equal(asked(), before);
  await first.close();
});
