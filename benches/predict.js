// @ts-check
// Compares the speed of predicting a table with the page's own wasm, with NumPy (the forward pass)
// and with pandas (text file in, text file out), alternating in one run. `cargo xtask bench
// predict` builds what this needs first.
//
//   node benches/predict.js [--rows 1000000]
//
// Uses one processor each, because NumPy multiplies a matrix by a vector on one, and pandas reads
// and writes on one.
import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, readSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';

const root = join(import.meta.dirname, '..');
const N_COLUMNS = 10;
const ROUNDS = 3;
/** The required speed in rows per second. */
const ASKED = 1e6;
const CHUNK_BYTES = 1 << 20;

const { values: options } = parseArgs({ options: { rows: { type: 'string', default: '1000000' } } });
const nRows = Number(options.rows);
const folder = join(root, 'target/bench-predict');
mkdirSync(folder, { recursive: true });
const path = join(folder, `${nRows}.csv`);
const out = join(folder, 'predicted.csv');

// xorshift32 (Marsaglia 2003).
let state = 2_463_534_242;
const next = () => {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return state / 2 ** 31;
};
const columns = new Float64Array(N_COLUMNS * nRows);
// With six decimals, as in the table.
for (let i = 0; i < columns.length; i += 1) columns[i] = Number((next() * 10 ** (Math.floor(i / nRows) % 3)).toFixed(6));
writeFileSync(join(folder, 'columns.f64'), columns);
const file = openSync(path, 'w');
writeSync(file, `${Array.from({ length: N_COLUMNS }, (_, j) => `c${j}`).join(',')}\n`);
for (let first = 0; first < nRows; first += 10_000) {
  const rows = [];
  for (let i = first; i < Math.min(first + 10_000, nRows); i += 1) {
    rows.push(Array.from({ length: N_COLUMNS }, (_, j) => columns[j * nRows + i].toFixed(6)).join(','));
  }
  writeSync(file, `${rows.join('\n')}\n`);
}
closeSync(file);

// Scaled like the model of a run; the peers get the same model in the table's units.
const centers = Array.from({ length: N_COLUMNS }, (_, j) => 0.25 * j);
const scales = Array.from({ length: N_COLUMNS }, (_, j) => 1 + 0.5 * j);
const scaled = Array.from({ length: N_COLUMNS }, (_, j) => 0.75 - 0.125 * j);
const weights = scaled.map((weight, j) => weight / scales[j]);
const bias = weights.reduce((sum, weight, j) => sum - weight * centers[j], 0.5);
const ones = Array.from({ length: N_COLUMNS }, () => 1);
const model = {
  inputs: ones.map((_, j) => ({ name: `c${j}`, levels: [] })),
  target: 'y',
  target_levels: [],
  map: {
    inputs: ones.map((_, j) => ({ degree: 1, n_levels: 0, center: centers[j], scale: scales[j] })),
    interactions: [],
    center: ones.map(() => 0),
    scale: ones,
  },
  weights: scaled.map((weight) => [weight]),
  bias: [0.5],
  activation: 'linear',
};

const site = join(root, 'target/site/www/wasm/model-files');
const { default: init, Predictor } = await import(join(site, 'downhill_model_files.js'));
await init({ module_or_path: readFileSync(join(site, 'downhill_model_files_bg.wasm')) });

/** @param {ArrayLike<number>} values */
const sum = (values) => {
  let total = 0;
  for (let i = 0; i < values.length; i += 1) total += values[i];
  return total;
};

/** The forward pass, including copies into and out of the wasm's memory. */
function forward() {
  const predictor = new Predictor(JSON.stringify(model));
  let seconds = Infinity;
  let total = 0;
  for (let i = 0; i < 5; i += 1) {
    const start = performance.now();
    const y = predictor.columns(columns);
    seconds = Math.min(seconds, (performance.now() - start) / 1000);
    total = sum(y);
  }
  predictor.free();
  return { seconds, version: '', sum: total };
}

/** Text file in, text file out, a megabyte at a time. */
function table() {
  const start = performance.now();
  const predictor = new Predictor(JSON.stringify(model));
  const [from, to] = [openSync(path, 'r'), openSync(out, 'w')];
  const chunk = new Uint8Array(CHUNK_BYTES);
  for (;;) {
    const n = readSync(from, chunk);
    if (!n) break;
    writeSync(to, predictor.push(chunk.subarray(0, n)));
  }
  writeSync(to, predictor.finish());
  closeSync(from);
  closeSync(to);
  const seconds = (performance.now() - start) / 1000;
  const counts = JSON.parse(predictor.counts());
  predictor.free();
  if (counts.n_predicted !== nRows) throw new Error(`${counts.n_predicted} of ${nRows} rows were predicted`);
  const lines = readFileSync(out, 'utf8').trimEnd().split('\n').slice(1);
  return { seconds, version: '', sum: sum(lines.map((line) => Number(line.slice(line.lastIndexOf(',') + 1)))) };
}

/** Starts a Python that has the peers. */
function python() {
  const named = (process.env.DOWNHILL_PYTHON ?? '').split(delimiter).filter(Boolean);
  const program = [...named, join(root, '.venv/bin/python'), 'python3'].find((name) => name === 'python3' || existsSync(name)) ?? 'python3';
  const one = { OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1', MKL_NUM_THREADS: '1' };
  const child = spawn(program, [join(root, 'benches/peers/predict_peer.py')], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...one },
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    /** @param {object} request */
    async ask(request) {
      child.stdin.write(`${JSON.stringify({ ...request, weights, bias })}\n`);
      const { value } = await lines.next();
      return value ? JSON.parse(value) : { failure: 'not installed' };
    },
    end: () => child.stdin.end(),
  };
}

const peer = python();
const columnsPath = join(folder, 'columns.f64');
/** @type {[string, Record<string, () => any>][]} */
const works = [
  ['forward pass from columns', {
    Downhill: forward,
    'NumPy, columns': () => peer.ask({ work: 'forward', columns: columnsPath, n_columns: N_COLUMNS, rows: false }),
    'NumPy, rows': () => peer.ask({ work: 'forward', columns: columnsPath, n_columns: N_COLUMNS, rows: true }),
  }],
  ['text in, text out', {
    Downhill: table,
    pandas: () => peer.ask({ work: 'table', path, out: join(folder, 'pandas.csv') }),
  }],
];
console.log(`${nRows.toLocaleString('en')} rows of ${N_COLUMNS} numbers, median of ${ROUNDS} rounds in turn`);
for (const [title, participants] of works) {
  /** @type {Record<string, any[]>} */
  const rounds = Object.fromEntries(Object.keys(participants).map((name) => [name, []]));
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [name, work] of Object.entries(participants)) rounds[name].push(await work());
  }
  console.log(title);
  const median = (/** @type {any[]} */ all) => all.map(({ seconds }) => seconds).sort((a, b) => a - b)[ROUNDS >> 1];
  const ours = median(rounds.Downhill);
  for (const [name, all] of Object.entries(rounds)) {
    const [{ failure, version, sum: total }] = all;
    if (failure) {
      console.log(`  ${name.padEnd(24)} ${failure}`);
      continue;
    }
    const expected = rounds.Downhill[0].sum;
    if (Math.abs(total - expected) > 1e-9 * nRows) throw new Error(`${name} predicted something else: ${total}, not ${expected}`);
    const speed = nRows / median(all);
    const ratio = name === 'Downhill' ? '' : `, Downhill is ${(median(all) / ours).toFixed(2)} times as fast`;
    console.log(`  ${`${name} ${version}`.padEnd(24)} ${(speed / 1e6).toFixed(2).padStart(8)} million rows/s${ratio}`);
  }
  const speed = nRows / ours;
  console.log(`  ${(ASKED / 1e6).toFixed(0)} million rows a second are asked: ${speed >= ASKED ? 'met' : 'missed'}`);
}
peer.end();
rmSync(out, { force: true });
