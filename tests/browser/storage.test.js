// Tables that do not fit into memory: they go on in a file of the page's own, which goes with them, or become a sample.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, openPage, startServer } from './harness.js';

/** @type {import('playwright-core').Browser} */
let browser;
/** @type {import('./harness.js').Server} */
let server;
before(async () => {
  [browser, server] = await Promise.all([launch(), startServer()]);
});
after(async () => {
  await browser.close();
  await server.close();
});

/**
 * In the page: a session of its own, and a table of so many rows of 100 digits, cell j of row i being (i + j) modulo 10.
 * @param {number} n_rows
 */
async function begin(n_rows) {
  // The page's own modules, wherever the site keeps them.
  const main = /** @type {HTMLScriptElement} */ (document.querySelector('script[type="module"]')).src;
  const { Client } = await import(new URL('client.js', main).href);
  const pkg = await import(new URL('pkg/downhill.js', main).href);
  const module = await WebAssembly.compileStreaming(fetch(new URL('pkg/downhill_bg.wasm', main)));
  const nothing = () => {};
  const client = new Client(module, nothing, nothing, nothing, nothing);
  const names = Array.from({ length: 100 }, (_, j) => `c${j}`).join(',');
  const ten = Array.from({ length: 10 }, (_, i) => `${Array.from({ length: 100 }, (_, j) => (i + j) % 10).join(',')}\n`).join('');
  const blob = new Blob([`${names}\n`, ...Array(n_rows / 10).fill(ten)]);
  const files = async () => {
    const root = await navigator.storage.getDirectory();
    const folder = await root.getDirectoryHandle('tables', { create: true });
    const found = [];
    for await (const name of /** @type {any} */ (folder).keys()) found.push(name);
    return found;
  };
  Object.assign(globalThis, { client, blob, files, plain: pkg.default_config() });
}

/** What {@link begin} has left in the page. @typedef {{ client: any, blob: Blob, files: () => Promise<string[]>, plain: any }} Left */

test('A table that outgrows memory is stored, trained on, and removed with the next one', async () => {
  const { page, close } = await openPage(browser, { server });
  // 280 MB of cells, of which 256 MB are kept in memory.
  await page.evaluate(begin, 350_000);
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
  assert.equal(stored.preview.n_rows, 350_000);
  assert.equal(stored.n_samples, 350_000);
  assert.deepEqual(stored.preview.columns.map((/** @type {any} */ column) => column.summary[1]), Array(100).fill(4.5));
  assert.ok(stored.preview.bytes < 290e6, `${stored.preview.bytes} bytes of memory`);
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

test('Where storage is refused a table is refused, and read as a sample where that is asked for', async () => {
  const context = await browser.newContext({ serviceWorkers: 'block' });
  await context.route('**/storage.js', (route) => route.fulfill({
    contentType: 'text/javascript',
    body: 'export const openFile = async () => undefined; export const removeLeftFiles = async () => {};',
  }));
  const { page, close } = await openPage(browser, { server, context });
  // 560 MB of cells, of which 512 MB are kept.
  await page.evaluate(begin, 700_000);
  const { code, sample } = await page.evaluate(async () => {
    const { client, blob } = /** @type {Left} */ (/** @type {unknown} */ (globalThis));
    const refused = await client.ask({ kind: 'open_table', name: 'digits', blob }).catch((/** @type {any} */ error) => error);
    return { code: refused.code, sample: await client.ask({ kind: 'open_table', name: 'digits', blob, sample: true }) };
  });
  assert.equal(code, 'storage_refused');
  const { n_rows, n_read } = sample.preview;
  assert.equal(n_read, 700_000);
  assert.ok(n_rows > 550_000 && n_rows < 640_000, `${n_rows} rows`);
  await close();
});
