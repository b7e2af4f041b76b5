// Tables that do not fit in memory continue in a private file that is removed with them, or become
// a sample.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { chooseTable } from './hands.js';
import { openPage, setUp } from './harness.js';
import { person } from './person.js';

const { browser, server } = await setUp();

/**
 * In the page: a session, and a table with this many rows of 100 digits, where cell j of row i is
 * (i + j) modulo 10.
 * @param {number} n_rows
 */
async function begin(n_rows) {
  // The page's own modules, whatever their names in the site.
  const main = /** @type {HTMLScriptElement} */ (document.querySelector('script[type="module"]')).src;
  const { Client } = await import(new URL('client.js', main).href);
  const pkg = await import(new URL('wasm/engine/downhill.js', main).href);
  const module = await WebAssembly.compileStreaming(fetch(new URL('wasm/engine/downhill_bg.wasm', main)));
  const nothing = () => {};
  const client = new Client(module, nothing, nothing, nothing, nothing);
  const names = Array.from({ length: 100 }, (_, j) => `c${j}`).join(',');
  const ten = Array.from({ length: 10 }, (_, i) => `${Array.from({ length: 100 }, (_, j) => (i + j) % 10).join(',')}\n`).join('');
  const blob = new Blob([`${names}\n`, ...Array(n_rows / 10).fill(ten)]);
  // The same table as NumPy saves it: numpy/lib/format.py, version 1.0.
  const header = `{'descr': '|u1', 'fortran_order': False, 'shape': (${n_rows}, 100), }`.padEnd(117) + '\n';
  const digits = new Uint8Array(1000).map((_, k) => (Math.floor(k / 100) + k) % 10);
  const array = new Blob([new Uint8Array([0x93]), 'NUMPY', new Uint8Array([1, 0, 118, 0]), header, ...Array(n_rows / 10).fill(digits)]);
  const files = async () => {
    const root = await navigator.storage.getDirectory();
    const folder = await root.getDirectoryHandle('tables', { create: true });
    const found = [];
    for await (const name of /** @type {any} */ (folder).keys()) found.push(name);
    return found;
  };
  Object.assign(globalThis, { client, blob, array, files, plain: pkg.default_config() });
}

/**
 * A page without access to storage.
 * @param {import('playwright-core').Route} route
 */
const refuse = (route) => route.fulfill({
  contentType: 'text/javascript',
  body: 'export const openFile = async () => undefined;',
});

/**
 * What {@link begin} has left in the page.
 * @typedef {{ client: any, blob: Blob, array: Blob, files: () => Promise<string[]>, plain: any }} Left
 */

test('A table that outgrows memory is stored, trained on, and removed with the next one', async () => {
  const { page, close } = await openPage(browser, { server });
  // 320 MB of cells, of which 256 MB are kept in memory.
  await page.evaluate(begin, 400_000);
  const stored = await page.evaluate(async () => {
    const { client, blob, files, plain } = /** @type {Left} */ (/** @type {unknown} */ (globalThis));
    const { preview, fingerprint } = await client.ask({ kind: 'open_table', name: 'digits', blob });
    const config = structuredClone(plain);
    config.data = {
      ...config.data,
      source: { kind: 'table', name: 'digits', fingerprint },
      columns: { ...config.data.columns, target: 'c99', features: ['c0'] },
    };
    const run = await client.ask({ kind: 'configure', config });
    return { preview, n_samples: run.dataset.n_samples, files: await files() };
  });
  assert.equal(stored.preview.n_rows, 400_000);
  assert.equal(stored.n_samples, 400_000);
  assert.deepEqual(stored.preview.columns.map((/** @type {any} */ column) => column.summary[1]), Array(100).fill(4.5));
  assert.ok(stored.preview.bytes < 300e6, `${stored.preview.bytes} bytes of memory`);
  assert.equal(stored.files.length, 1);
  const left = await page.evaluate(async () => {
    const { client, files, plain } = /** @type {Left} */ (/** @type {unknown} */ (globalThis));
    await client.ask({ kind: 'configure', config: plain });
    const { fingerprint } = await client.ask({ kind: 'open_table', name: 'small', blob: new Blob(['a,b\n1,2\n3,4\n5,7\n']) });
    const config = structuredClone(plain);
    config.data.source = { kind: 'table', name: 'small', fingerprint };
    await client.ask({ kind: 'configure', config });
    return files();
  });
  assert.deepEqual(left, []);
  await close();
});

test('A table that is no text is stored as well, while the page that has it open is there', async () => {
  const { page, context, close } = await openPage(browser, { server });
  await page.evaluate(begin, 400_000);
  const stored = await page.evaluate(async () => {
    const { client, array, files } = /** @type {Left} */ (/** @type {unknown} */ (globalThis));
    const { preview, fingerprint } = await client.ask({ kind: 'open_table', name: 'digits', blob: array });
    const held = await files();
    const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle('tables');
    await folder.getFileHandle('left', { create: true });
    return { preview, fingerprint, held };
  });
  assert.equal(stored.preview.dialect, null);
  assert.equal(stored.preview.n_rows, 400_000);
  assert.deepEqual(stored.preview.columns.map((/** @type {any} */ column) => column.summary[1]), Array(100).fill(4.5));
  assert.ok(stored.preview.bytes < 300e6, `${stored.preview.bytes} bytes of memory`);
  assert.equal(stored.held.length, 1);
  // Files that no page has open are removed as soon as another page starts; open ones stay.
  const other = await openPage(browser, { server, context });
  await page.evaluate(async () => {
    const { files } = /** @type {Left} */ (/** @type {unknown} */ (globalThis));
    for (let wait = 0; wait < 20_000 && (await files()).includes('left'); wait += 20) await new Promise((done) => setTimeout(done, 20));
  });
  await other.close();
  const { n_samples, files } = await page.evaluate(async ({ preview, fingerprint }) => {
    const { client, files, plain } = /** @type {Left} */ (/** @type {unknown} */ (globalThis));
    const config = structuredClone(plain);
    config.data = {
      ...config.data,
      source: { kind: 'table', name: 'digits', fingerprint },
      columns: { ...config.data.columns, target: preview.columns[99].name, features: [preview.columns[0].name] },
    };
    const run = await client.ask({ kind: 'configure', config });
    return { n_samples: run.dataset.n_samples, files: await files() };
  }, stored);
  assert.equal(n_samples, 400_000);
  assert.deepEqual(files, stored.held);
  await close();
});

test('A table that storage has no room for leaves nothing there', async () => {
  const context = await browser.newContext({ serviceWorkers: 'block' });
  // A file like any other, except that not a byte can be written.
  await context.route('**/storage.js', (route) => route.fulfill({
    contentType: 'text/javascript',
    body: `import { folder } from './leftovers.js';
      export async function openFile() {
        const place = await folder();
        const handle = await (await place.getFileHandle('full', { create: true })).createSyncAccessHandle();
        return {
          write() { throw new Error('QuotaExceededError'); },
          read() {},
          async remove() { handle.close(); await place.removeEntry('full'); },
        };
      }`,
  }));
  const { page, close } = await openPage(browser, { server, context });
  await page.evaluate(begin, 400_000);
  const { codes, left } = await page.evaluate(async () => {
    const { client, blob, array, files } = /** @type {Left} */ (/** @type {unknown} */ (globalThis));
    const codes = [];
    for (const table of [blob, array]) {
      codes.push(await client.ask({ kind: 'open_table', name: 'digits', blob: table }).catch((/** @type {any} */ error) => error.code));
    }
    return { codes, left: await files() };
  });
  assert.deepEqual(codes, ['storage_full', 'storage_full']);
  assert.deepEqual(left, []);
  await close();
});

test('Where storage is refused a table is refused, and read as a sample where that is asked for', async () => {
  const context = await browser.newContext({ serviceWorkers: 'block' });
  await context.route('**/storage.js', refuse);
  const { page, close } = await openPage(browser, { server, context });
  // 560 MB of cells, of which 512 MB are kept.
  await page.evaluate(begin, 700_000);
  for (const of of /** @type {const} */ (['blob', 'array'])) {
    const { code, sample } = await page.evaluate(async (of) => {
      const { client, [of]: blob } = /** @type {Left} */ (/** @type {unknown} */ (globalThis));
      const refused = await client.ask({ kind: 'open_table', name: 'digits', blob }).catch((/** @type {any} */ error) => error);
      return { code: refused.code, sample: await client.ask({ kind: 'open_table', name: 'digits', blob, sample: true }) };
    }, of);
    assert.equal(code, 'storage_refused', of);
    const { n_rows, n_read } = sample.preview;
    assert.equal(n_read, 700_000, of);
    assert.ok(n_rows > 550_000 && n_rows < 640_000, `${n_rows} rows of ${of}`);
  }
  await close();
});

test('A person is offered a sample where the table finds no place, and is told that it is one', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'downhill-'));
  const path = join(folder, 'digits.npy');
  const header = `{'descr': '|u1', 'fortran_order': False, 'shape': (700000, 100), }`.padEnd(117) + '\n';
  const digits = Buffer.alloc(70_000_000, Buffer.from(Array.from({ length: 1000 }, (_, k) => (Math.floor(k / 100) + k) % 10)));
  await writeFile(
    path,
    Buffer.concat([Buffer.from([0x93]), Buffer.from('NUMPY'), Buffer.from([1, 0, 118, 0]), Buffer.from(header), digits]),
  );
  const context = await browser.newContext({ serviceWorkers: 'block', locale: 'en-US', viewport: { width: 1280, height: 800 } });
  await context.route('**/storage.js', refuse);
  const { page, close } = await openPage(browser, { server, context });
  await person(page).ready();
  await chooseTable(page, path);
  const alert = page.getByRole('dialog', { name: 'Load a table' }).getByRole('alert');
  await alert.getByText('this browser gives the page no storage').waitFor({ timeout: 120_000 });
  await alert.getByRole('button', { name: 'Read a sample of the rows' }).click();
  const choice = page.getByRole('dialog', { name: /^Columns of / });
  await choice.getByText(/^A sample of [56]\d\d,\d{3} of 700,000 rows, 100 columns/).waitFor({ timeout: 120_000 });
  await choice.getByRole('button', { name: 'All or none' }).click();
  await choice.getByRole('checkbox').first().check();
  await choice.getByRole('button', { name: 'Use this table' }).click();
  await page.getByText(/The table is a sample: [56]\d\d,\d{3} of 700,000 rows/).waitFor({ timeout: 120_000 });
  await close();
  await context.close();
  await rm(folder, { recursive: true });
});
