// The service worker: the page works without the server, workers get a policy, and there is one
// cache at a time.
import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { launch, openPage, root, site, startServer } from './harness.js';

/** @type {import('playwright-core').Browser} */
let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

/**
 * Waits until everything is cached, and returns the service worker's answer.
 * @param {import('playwright-core').Page} page
 * @returns {Promise<{ version: string, ready: boolean, cached: number, total: number }>}
 */
function offlineReady(page) {
  return page.evaluate(async () => {
    const registration = await navigator.serviceWorker.ready;
    return new Promise((done) => {
      navigator.serviceWorker.addEventListener('message', ({ data }) => {
        if ((data.type === 'status' && data.ready) || data.type === 'offline-ready') {
          clearInterval(asking);
          done(data);
        }
      });
      navigator.serviceWorker.startMessages();
      const asking = setInterval(() => registration.active?.postMessage({ type: 'status' }), 200);
    });
  });
}

test('serves the page, its worker and its data with the server gone, below any path', async () => {
  const server = await startServer({ prefix: '/some/where/' });
  const first = await openPage(browser, { server });
  const status = await offlineReady(first.page);
  assert.equal(status.cached, status.total);
  await server.close();

  const second = await openPage(browser, { server, context: first.context, search: '?from=a-link' });
  assert.equal(await second.page.title(), await first.page.title());
  await second.page.waitForFunction(() => document.readyState === 'complete');
  if (second.page.workers().length === 0) {
    await second.page.waitForEvent('worker');
  }
  assert.deepEqual(second.problems, []);
  const paths = await second.page.evaluate(async () => {
    const names = await caches.keys();
    const urls = await Promise.all(names.map(async (name) => (await (await caches.open(name)).keys()).map(({ url }) => url)));
    return urls.flat();
  });
  for (const url of paths) {
    const ok = await second.page.evaluate(async (url) => (await fetch(url)).ok, url);
    assert.ok(ok, `${url} is not there offline`);
  }
  await second.close();
  await first.close();
});

test('keeps the requests of the worker on the site', async () => {
  const server = await startServer();
  const { page, context, close } = await openPage(browser, { server, allow: [/another origin|ERR_|policy/] });
  await offlineReady(page);
  /** @type {string[]} */
  const left = [];
  context.on('request', (request) => {
    if (!request.url().startsWith(server.url)) {
      left.push(request.url());
    }
  });
  // A host at another address of this machine that must not hear of the visit.
  const other = await startServer({ headers: { 'Access-Control-Allow-Origin': '*' } });
  const reach = async () => {
    const worker = page.workers()[0] ?? (await page.waitForEvent('worker'));
    return worker.evaluate((url) => fetch(url).then(() => 'reached', () => 'refused'), other.url);
  };
  assert.equal(await reach(), 'reached', 'a first visit to a host without headers: nothing can be enforced yet');
  left.length = 0;
  other.requests.length = 0;
  await page.reload();
  assert.equal(await reach(), 'refused');
  assert.deepEqual(other.requests, []);
  await close();
  await other.close();
  await server.close();
});

test('keeps the old version for as long as a page shows it, then none of it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'downhill-'));
  await cp(resolve(root, site), folder, { recursive: true });
  const server = await startServer({ folder });
  const old = await openPage(browser, { server });
  const { version } = await offlineReady(old.page);

  for (const end of ['.br', '.gz']) {
    await rm(join(folder, `sw.js${end}`), { force: true });
  }
  const source = await readFile(join(folder, 'sw.js'), 'utf8');
  await writeFile(join(folder, 'sw.js'), source.replace(version, 'next'));
  const cacheNames = () => old.context.pages()[0].evaluate(() => caches.keys());
  await old.page.evaluate(async () => {
    const registration = await navigator.serviceWorker.ready;
    await registration.update();
    const next = registration.installing ?? registration.waiting;
    while (next && next.state === 'installing') {
      await new Promise((done) => next.addEventListener('statechange', done, { once: true }));
    }
  });
  assert.equal((await cacheNames()).length, 2);

  // When the last page of the old version closes, the next version takes over.
  await old.page.goto('about:blank');
  await old.page.goto(server.url);
  const status = await offlineReady(old.page);
  assert.equal(status.version, 'next');
  assert.equal((await cacheNames()).length, 1);
  await old.close();
  await server.close();
  await rm(folder, { recursive: true });
});
