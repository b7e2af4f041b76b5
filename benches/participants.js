// @ts-check
// The participants: workers of the benchmark's page, Python programs, and the published page.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { openPage, root } from '../tests/browser/harness.js';

/** @typedef {import('playwright-core').Browser} Browser */
/** @typedef {import('playwright-core').Page} Page */
/** @typedef {import('./work.js').Work} Work */
/** @typedef {import('./work.js').Peer} Peer */
/** @typedef {import('../tests/browser/harness.js').Server} Server */
/** @typedef {{ seconds: number, steps: number, loss: number }} Ran */
/**
 * Where participants work: the benchmark's page, a server of Downhill's own page, and the folder of the engine's build
 * below the benchmark's page.
 * @typedef {{ page: Page, browser: Browser, site: Server | undefined, folder?: string }} Surroundings
 */

/**
 * A participant, which handles one request at a time.
 * @typedef {{
 *   prepare(order?: Uint32Array): Promise<string>,
 *   run(steps: number, form: string): Promise<Ran>,
 *   order(): Promise<Uint32Array | undefined>,
 *   roofs(ms: number): Promise<{ read: number, multiply_adds: number } | undefined>,
 *   memory(): Promise<{ heap: number, data: number } | undefined>,
 *   close(): Promise<void>,
 * }} Participant
 */

/** How long to wait for an answer before giving up. */
const PATIENCE_MS = 180_000;
/** How long the page is observed, and how long before that its code may warm up. */
const PAGE_MS = 2000;
const PAGE_START_MS = 2000;
/** The file that passes the order of rows to Python. */
const ORDER_FILE = join(root, 'target/bench-site/order.u32');

/**
 * @param {Peer} peer
 * @param {Work} work
 * @param {Surroundings} surroundings
 * @returns {Promise<Participant>}
 */
export async function open(peer, work, { page, browser, site, folder = '' }) {
  if (peer.kind === 'page') return publishedPage(work, browser, site);
  if (peer.kind === 'python') return pythonProgram(peer, work);
  return pageWorker(peer, work, page, folder);
}

/**
 * @param {Peer} peer
 * @param {Work} work
 * @param {Page} page
 * @param {string} folder
 * @returns {Promise<Participant>}
 */
async function pageWorker(peer, work, page, folder) {
  const script = folder + (peer.kind === 'engine' ? 'downhill.js' : 'tfjs.js');
  const id = await page.evaluate((script) => /** @type {any} */ (globalThis).bench.open(script), script);
  const ask = async (/** @type {object} */ request) => {
    const said = /** @type {any} */ (await within(page.evaluate(
      ([id, request]) => /** @type {any} */ (globalThis).bench.ask(id, request),
      /** @type {[number, object]} */ ([id, request]),
    )));
    if (said.error !== undefined) throw new Error(said.error);
    return said.answer;
  };
  const ours = peer.kind === 'engine';
  return {
    async prepare() {
      const { n, d, batch, shuffle, rate } = work;
      const request = { type: 'prepare', n, d, batch, shuffle, rate, engine: peer.engine, backend: peer.engine };
      return (await ask(request)).version;
    },
    run: (steps, form) => ask({ type: 'run', steps, form, restart_every: work.restart_every }),
    // Bytes are sent as text: a million separate numbers would take longer than training on them.
    order: async () => (ours ? new Uint32Array(await ask({ type: 'order', epoch: 0 })) : undefined),
    roofs: async (ms) => (ours && peer.engine !== 'gpu' ? ask({ type: 'roofs', ms }) : undefined),
    memory: async () => (ours ? ask({ type: 'memory' }) : undefined),
    close: () => page.evaluate((id) => /** @type {any} */ (globalThis).bench.close(id), id),
  };
}

/**
 * The first Python that has a program's packages: the local one, then those named by
 * `DOWNHILL_PYTHON`.
 * @param {string[]} needs
 */
export function pythonWith(needs) {
  const local = ['bin/python', 'Scripts/python.exe'].map((path) => join(root, '.venv', path));
  const named = (process.env.DOWNHILL_PYTHON ?? '').split(delimiter).filter((path) => path !== '');
  const names = JSON.stringify(needs);
  const check = `import importlib.util as u, sys; sys.exit(any(u.find_spec(name) is None for name in ${names}))`;
  return [...local, ...named].find((path) => existsSync(path) && spawnSync(path, ['-c', check]).status === 0);
}

/**
 * @param {Peer} peer
 * @param {Work} work
 * @returns {Promise<Participant>}
 */
async function pythonProgram(peer, work) {
  const python = pythonWith(peer.needs ?? []);
  /** @type {import('node:child_process').ChildProcessWithoutNullStreams | undefined} */
  let child;
  let complaints = '';
  /** @type {AsyncIterableIterator<string> | undefined} */
  let lines;
  const hear = async () => {
    const { value, done } = await within(/** @type {AsyncIterableIterator<string>} */ (lines).next());
    if (done) throw new Error(`${peer.program} ended: ${complaints.trim().split('\n').at(-1)}`);
    const said = JSON.parse(value);
    if (said.error !== undefined) throw new Error(said.error);
    return said;
  };
  const ask = async (/** @type {object} */ request) => {
    child?.stdin.write(`${JSON.stringify(request)}\n`);
    return (await hear()).answer;
  };
  return {
    async prepare(order) {
      if (!python) throw new Error(`no Python here has ${(peer.needs ?? []).join(', ')}`);
      const program = join(root, 'benches/peers', peer.program ?? '');
      child = spawn(python, [program, ...(peer.arguments ?? [])]);
      child.on('error', () => child?.kill());
      // Some print a lot at their start; only the end of the output explains why one stopped.
      child.stderr.on('data', (text) => {
        complaints = (complaints + text).slice(-4000);
      });
      lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
      const { version } = await hear();
      if (order) writeFileSync(ORDER_FILE, order);
      await ask({ type: 'prepare', ...work, order: order && ORDER_FILE });
      return version;
    },
    run: (steps, form) => ask({ type: 'run', steps, form, restart_every: work.restart_every }),
    order: async () => undefined,
    roofs: async () => undefined,
    memory: async () => undefined,
    async close() {
      child?.kill();
    },
  };
}

/**
 * The published page, reopened every round, which trains at full rate and shows its progress.
 * @param {Work} work
 * @param {Browser} browser
 * @param {Server | undefined} site
 * @returns {Promise<Participant>}
 */
async function publishedPage(work, browser, site) {
  const hash = `#backend=cpu&method=batch&steps_per_second=null&stop.converged=false&learning_rate=${work.rate}`
    + `&data.source.n_samples=${work.n}`;
  return {
    async prepare() {
      if (!site || work.d !== 1 || work.batch !== 0) throw new Error('the page has no such work');
      return 'dist/';
    },
    async run() {
      const { page, close } = await openPage(browser, { server: /** @type {Server} */ (site), hash });
      await page.locator('body.is-ready').waitFor({ timeout: PATIENCE_MS });
      await page.waitForTimeout(PAGE_START_MS);
      // In the page's own frames, so that the clock is read when the number is shown.
      const shown = () => page.evaluate(() => new Promise((done) => requestAnimationFrame((time) => {
        const text = document.getElementById('step-count')?.textContent ?? '';
        done({ time, step: Number(text.replaceAll(/\D/g, '')) });
      })));
      const first = /** @type {{ time: number, step: number }} */ (await shown());
      await page.waitForTimeout(PAGE_MS);
      const last = /** @type {{ time: number, step: number }} */ (await shown());
      await close();
      return { seconds: (last.time - first.time) / 1000, steps: last.step - first.step, loss: NaN };
    },
    order: async () => undefined,
    roofs: async () => undefined,
    memory: async () => undefined,
    close: async () => {},
  };
}

/**
 * @template T
 * @param {Promise<T>} answer
 * @returns {Promise<T>}
 */
async function within(answer) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const late = new Promise((_, fail) => {
    timer = setTimeout(() => fail(new Error(`no answer in ${PATIENCE_MS / 1000} s`)), PATIENCE_MS);
  });
  try {
    return await /** @type {Promise<T>} */ (Promise.race([answer, late]));
  } finally {
    clearTimeout(timer);
  }
}
