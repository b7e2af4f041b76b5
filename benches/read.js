// @ts-check
// Compares the speed of reading a table with the page's own modules, with pandas and with polars,
// alternating in one run. `cargo xtask bench read` builds what this needs first.
//
//   node benches/read.js [--megabytes 100]
//
// The page's time includes everything: bytes of the file, cells, column kinds, preview,
// fingerprint.
import { spawn } from 'node:child_process';
import {
  closeSync, existsSync, mkdirSync, mkdtempSync, openAsBlob, openSync, readFileSync, readSync, renameSync, rmSync, statSync, writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';

const root = join(import.meta.dirname, '..');
const N_COLUMNS = 10;
const ROUNDS = 3;
/** The required speed, as a fraction of that of the faster peer. */
const ASKED = 1 / 3;

const { values: options } = parseArgs({ options: { megabytes: { type: 'string', default: '100' } } });
const size = Number(options.megabytes) * 1e6;
const path = join(root, 'target/bench-read', `${options.megabytes}.csv`);
if (!existsSync(path)) write(path, size);
const { size: n_bytes } = statSync(path);

/** Columns of numbers with six decimals, as measurements have them. @param {string} path @param {number} size */
function write(path, size) {
  mkdirSync(join(path, '..'), { recursive: true });
  const file = openSync(`${path}.part`, 'w');
  let written = writeSync(file, `${Array.from({ length: N_COLUMNS }, (_, j) => `c${j}`).join(',')}\n`);
  // xorshift32 (Marsaglia 2003).
  let state = 2_463_534_242;
  const next = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state / 2 ** 31;
  };
  while (written < size) {
    const rows = Array.from(
      { length: 10_000 },
      () => Array.from({ length: N_COLUMNS }, (_, j) => (next() * 10 ** (j % 3)).toFixed(6)).join(','),
    );
    written += writeSync(file, `${rows.join('\n')}\n`);
  }
  closeSync(file);
  renameSync(`${path}.part`, path);
}

/** Starts a Python that has the peers. */
function python() {
  const named = (process.env.DOWNHILL_PYTHON ?? '').split(delimiter).filter(Boolean);
  const program = [...named, join(root, '.venv/bin/python'), 'python3'].find((name) => name === 'python3' || existsSync(name)) ?? 'python3';
  const child = spawn(program, [join(root, 'benches/peers/read_peer.py')], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    /** @param {string} reader */
    async read(reader) {
      child.stdin.write(`${JSON.stringify({ reader, path })}\n`);
      return JSON.parse((await lines.next()).value);
    },
    end: () => child.stdin.end(),
  };
}

/** Replaces the browser's private file system, which Node lacks; data that do not fit into memory are really written. */
function ownFiles() {
  const place = mkdtempSync(join(tmpdir(), 'downhill-'));
  /** @param {string} name */
  const getFileHandle = async (name) => ({
    async createSyncAccessHandle() {
      const file = openSync(join(place, name), 'w+');
      return {
        write: (/** @type {Uint8Array} */ bytes, { at = 0 }) => writeSync(file, bytes, 0, bytes.length, at),
        read: (/** @type {Uint8Array} */ bytes, { at = 0 }) => readSync(file, bytes, 0, bytes.length, at),
        close: () => closeSync(file),
      };
    },
  });
  const folder = { getFileHandle, keys: () => [], removeEntry: async (/** @type {string} */ name) => rmSync(join(place, name)) };
  const storage = { getDirectory: async () => ({ getDirectoryHandle: async () => folder }) };
  // Nothing else runs here.
  const locks = { request: (/** @type {string} */ _name, /** @type {() => Promise<unknown>} */ work) => work() };
  Object.defineProperty(globalThis, 'navigator', { value: { storage, locks }, configurable: true });
  process.on('exit', () => rmSync(place, { recursive: true }));
}

ownFiles();
const site = join(root, 'target/site/www');
const { default: init } = await import(join(site, 'wasm/tables/downhill_tables.js'));
await init({ module_or_path: readFileSync(join(site, 'wasm/tables/downhill_tables_bg.wasm')) });
const { handle } = await import(join(site, 'worker/tables.js'));

async function page() {
  const blob = await openAsBlob(path);
  const [start, before] = [performance.now(), process.cpuUsage()];
  const { preview } = await handle({ kind: 'open_table', name: 'table', blob }, async () => true);
  const { user, system } = process.cpuUsage(before);
  const seconds = (performance.now() - start) / 1000;
  return { seconds, processor: (user + system) / 1e6, version: '', n_rows: preview.n_rows, mean: preview.columns[0].summary[1] };
}

const peers = python();
/** @type {Record<string, { seconds: number, processor: number, version: string, n_rows: number, mean: number, failure?: string }[]>} */
const measured = { Downhill: [], pandas: [], polars: [] };
for (let round = 0; round < ROUNDS; round += 1) {
  for (const [name, rounds] of Object.entries(measured)) rounds.push(name === 'Downhill' ? await page() : await peers.read(name));
}
peers.end();

const [ours] = measured.Downhill;
/** @type {Record<string, number>} */
const speeds = {};
console.log(
  `${(n_bytes / 1e6).toFixed(0)} MB, ${ours.n_rows.toLocaleString('en')} rows of ${N_COLUMNS} numbers, median of ${ROUNDS} rounds in turn`,
);
for (const [name, rounds] of Object.entries(measured)) {
  const [{ version, failure, n_rows, mean }] = rounds;
  if (failure) {
    console.log(`${name.padEnd(16)} ${failure}`);
    continue;
  }
  if (n_rows !== ours.n_rows || Math.abs(mean - ours.mean) > 1e-9) throw new Error(
    `${name} read another table: ${n_rows} rows, mean ${mean}`,
  );
  const median = (/** @type {'seconds' | 'processor'} */ of) => rounds.map((round) => round[of]).sort((a, b) => a - b)[ROUNDS >> 1];
  speeds[name] = n_bytes / 1e6 / median('seconds');
  const busy = n_bytes / 1e6 / median('processor');
  const [own, together] = [speeds[name], busy].map((speed) => speed.toFixed(0).padStart(6));
  console.log(`${`${name} ${version}`.padEnd(16)} ${own} MB/s, ${together} MB a second of all processors together`);
}
const share = speeds.Downhill / Math.max(speeds.pandas ?? 0, speeds.polars ?? 0);
console.log(`resident ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB at most, Node and all`);
console.log(`${share.toFixed(2)} of the faster peer's; ${ASKED.toFixed(2)} are asked: ${share >= ASKED ? 'met' : 'missed'}`);
