// Shared by the browser tests: a static server, a browser with or without WebGPU, a monitored page.
//
//   const { browser, server } = await setUp({ webgpu: true });  // the server is as any static host
//   const { page, close } = await openPage(browser, { server, hash: '#...', width: 390, height: 844 });
//   ...
//   await close();                                             // fails if the page logged an error
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { delimiter, extname, join, resolve, sep } from 'node:path';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

/** @typedef {import('playwright-core').Browser} Browser */
/** @typedef {import('playwright-core').BrowserContextOptions} BrowserContextOptions */
/** @typedef {import('playwright-core').BrowserContext} BrowserContext */
/** @typedef {import('playwright-core').Page} Page */
/** @typedef {{ url: string, close: () => Promise<void>, requests: string[] }} Server */
/** @typedef {{ megabits: number, latency_ms: number }} Line a rate in each second, and the time to the server and back */

/** The root of the repository. */
export const root = fileURLToPath(new URL('../../', import.meta.url));

/** The folder that is served: the release site, or the one that DOWNHILL_SITE names, such as target/site. */
export const site = process.env.DOWNHILL_SITE ?? 'dist';

/** @type {Record<string, string>} */
const mimeTypes = {
  '.css': 'text/css',
  '.csv': 'text/csv',
  '.html': 'text/html',
  '.ico': 'image/x-icon',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain',
  '.wasm': 'application/wasm',
  '.webmanifest': 'application/manifest+json',
};

/** The bytes that a slow line sends at once. */
const CHUNK_BYTES = 4096;

/**
 * Sends responses over one slow line that all connections share. A new connection costs an
 * additional round trip.
 * @param {Line} line
 */
function slowLine({ megabits, latency_ms }) {
  const connected = new WeakSet();
  const until = (/** @type {number} */ time) => new Promise((done) => setTimeout(done, time - performance.now()));
  // The time at which everything before has been sent.
  let free = 0;
  return {
    /** @param {import('node:net').Socket} socket */
    async arrive(socket) {
      const ways = connected.has(socket) ? 1 : 2;
      connected.add(socket);
      await until(performance.now() + ways * latency_ms);
    },
    /** @param {import('node:http').ServerResponse} response @param {Buffer} body */
    async send(response, body) {
      for (let start = 0; start < body.length; start += CHUNK_BYTES) {
        const chunk = body.subarray(start, start + CHUNK_BYTES);
        free = Math.max(free, performance.now()) + chunk.length / (125 * megabits);
        await until(free);
        response.write(chunk);
      }
    },
  };
}

/**
 * Serves a folder as a plain static host would: without policy headers, with the `.br` or `.gz`
 * copy if the browser accepts it. `prefix` serves the site below a path, `port` reuses the port of
 * another server, `line` makes it slow.
 * @param {{ folder?: string, prefix?: string, port?: number, headers?: Record<string, string>, line?: Line }} [options]
 * @returns {Promise<Server>}
 */
export async function startServer({ folder = site, prefix = '/', port = 0, headers = {}, line } = {}) {
  const slow = line && slowLine(line);
  const base = resolve(root, folder);
  assert.ok(existsSync(join(base, 'index.html')), `${folder}/ holds no page: run cargo xtask dist (or build) first`);
  /** @type {string[]} */
  const requests = [];
  const server = createServer(async (request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://host').pathname);
    requests.push(path);
    await slow?.arrive(request.socket);
    const relative = path.startsWith(prefix) ? path.slice(prefix.length) : undefined;
    const file = relative === undefined ? undefined : resolve(base, relative === '' ? 'index.html' : relative);
    const facts = file && (file + sep).startsWith(base + sep) ? await stat(file).catch(() => undefined) : undefined;
    if (!file || !facts?.isFile()) {
      response.writeHead(404, { 'Content-Type': 'text/plain' }).end('not found');
      return;
    }
    const takes = String(request.headers['accept-encoding'] ?? '');
    const encoding = [['br', '.br'], ['gzip', '.gz']].find(([name, end]) => takes.includes(name) && existsSync(file + end));
    const tag = `"${facts.size}-${facts.mtimeMs}"`;
    if (request.headers['if-none-match'] === tag) {
      response.writeHead(304, { ETag: tag, 'Cache-Control': 'no-cache', ...headers }).end();
      return;
    }
    const body = await readFile(encoding ? file + encoding[1] : file);
    response.writeHead(200, {
      'Content-Type': mimeTypes[extname(file)] ?? 'application/octet-stream',
      'Content-Length': body.length,
      'Cache-Control': 'no-cache',
      ETag: tag,
      ...(encoding ? { 'Content-Encoding': encoding[0], Vary: 'Accept-Encoding' } : {}),
      ...headers,
    });
    if (slow && request.method !== 'HEAD') {
      await slow.send(response, body);
      response.end();
    } else {
      response.end(request.method === 'HEAD' ? undefined : body);
    }
  });
  await new Promise((done, fail) => {
    server.once('error', fail);
    server.listen(port, '127.0.0.1', () => done(undefined));
  });
  const address = server.address();
  assert.ok(address && typeof address === 'object');
  return {
    url: `http://127.0.0.1:${address.port}${prefix}`,
    requests,
    close: async () => {
      const closed = new Promise((done) => server.close(done));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** The Chromium of this machine. */
export function chromiumPath() {
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
  const folders = (process.env.PATH ?? '').split(delimiter);
  const found = process.env.CHROMIUM
    ?? names.flatMap((name) => folders.map((folder) => join(folder, name))).find((path) => existsSync(path));
  assert.ok(found, 'no Chromium: install it (apt-get install chromium), or name it in CHROMIUM');
  return found;
}

/** @type {WeakMap<Browser, BrowserContextOptions>} */
const contextDefaults = new WeakMap();

/**
 * Starts Chromium. With `webgpu` it has a software adapter, in workers too; without, none. Other
 * options apply to every page's context.
 * @param {{ webgpu?: boolean, args?: string[] } & BrowserContextOptions} [options]
 */
export async function launch({ webgpu = false, args = [], ...contextOptions } = {}) {
  const browser = await chromium.launch({
    executablePath: chromiumPath(),
    headless: true,
    args: [
      '--no-sandbox', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync',
      ...(webgpu ? ['--enable-unsafe-webgpu'] : []),
      ...args,
    ],
  });
  contextDefaults.set(browser, contextOptions);
  return browser;
}

/**
 * A browser and a server for the tests of a file, closed after the last of them.
 * @param {Parameters<typeof launch>[0]} [options]
 */
export async function setUp(options) {
  const [browser, server] = await Promise.all([launch(options), startServer()]);
  after(async () => {
    await browser.close();
    await server.close();
  });
  return { browser, server };
}

/**
 * Opens the page in its own context: a first visit, unless a context is given. `allow` lists
 * expected complaints.
 * @param {Browser} browser
 * @param {{
 *   server: Server, path?: string, search?: string, hash?: string, context?: BrowserContext,
 *   width?: number, height?: number, colorScheme?: 'light' | 'dark', locale?: string, deviceScaleFactor?: number,
 *   reducedMotion?: boolean, allow?: RegExp[], contextOptions?: BrowserContextOptions, picker?: boolean,
 * }} options `picker` leaves the browser its dialog for saving, which nobody can see in a test: without it a file is a download
 */
export async function openPage(browser, options) {
  const {
    server, path = '', search = '', hash = '', width = 1280, height = 800, colorScheme = 'light', locale = 'en-US',
    deviceScaleFactor = 1, reducedMotion = false, allow = [], contextOptions = {}, picker = false,
  } = options;
  const context = options.context ?? await browser.newContext({
    viewport: { width, height },
    colorScheme,
    locale,
    deviceScaleFactor,
    reducedMotion: reducedMotion ? 'reduce' : 'no-preference',
    ...contextDefaults.get(browser),
    ...contextOptions,
  });
  const page = await context.newPage();
  if (!picker) await page.addInitScript(() => Reflect.deleteProperty(globalThis, 'showSaveFilePicker'));
  const problems = await watch(page, server.url);
  await page.goto(server.url + path + search + hash);

  const complaints = () => problems.filter((problem) => !allow.some((pattern) => pattern.test(problem)));
  const close = async () => {
    const found = complaints();
    await (options.context ? page.close() : context.close());
    assert.deepEqual(found, [], 'the page had complaints');
  };
  return { page, context, problems, complaints, close };
}

/**
 * Starts the bar of tabs again in the same root but with a store of its own, which the test fills:
 * `globalThis.made`. `answer` answers the tabs' requests to the session; penalty strengths that the
 * tabs choose are added to `made.chosen`.
 * @param {Page} page
 * @param {unknown} [answer]
 */
export async function startTabsAlone(page, answer) {
  await page.evaluate(async (answer) => {
    // The page's own modules, whatever their names in the site.
    const main = /** @type {HTMLScriptElement} */ (document.querySelector('script[type="module"]')).src;
    const [{ Store, initialState }, { startTabs }, { default_config }] = await Promise.all(
      ['store.js', 'parts/tabs.js', 'wasm/engine/downhill.js'].map((name) => import(new URL(name, main).href)),
    );
    /** @type {number[]} */
    const chosen = [];
    const config = default_config();
    const store = new Store(initialState({ config, language: 'en', theme: { choice: 'auto', dark: false } }));
    const runner = { edit: (/** @type {any} */ { penalty }) => chosen.push(penalty.strength) };
    startTabs({ root: document.body, store, runner, client: { ask: async () => answer } });
    Object.assign(globalThis, { made: { store, chosen, config } });
  }, answer);
}

/**
 * Collects console errors, uncaught errors (also of workers), policy violations, and requests to
 * other hosts.
 * @param {Page} page
 * @param {string} siteUrl
 */
async function watch(page, siteUrl) {
  /** @type {string[]} */
  const problems = [];
  // This also hears workers.
  page.on('console', (message) => {
    if (message.type() === 'error') {
      problems.push(`console: ${message.text()} (${message.location().url})`);
    }
  });
  page.on('pageerror', (error) => problems.push(`uncaught: ${error.stack ?? error.message}`));
  page.on('crash', () => problems.push('crash: the page is gone'));
  const origin = new URL(siteUrl).origin;
  page.context().on('request', (request) => {
    const url = request.url();
    if (!url.startsWith('blob:') && !url.startsWith('data:') && new URL(url).origin !== origin) {
      problems.push(`request to another origin: ${url}`);
    }
  });
  page.context().on('requestfailed', (request) => {
    const reason = request.failure()?.errorText ?? '';
    if (/csp|BLOCKED/i.test(reason)) {
      problems.push(`blocked request: ${request.url()} (${reason})`);
    }
  });
  await page.addInitScript(() => {
    addEventListener('securitypolicyviolation', (event) => {
      console.error(`policy violation: ${event.violatedDirective} by ${event.blockedURI}`);
    });
  });
  return problems;
}
