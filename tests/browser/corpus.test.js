// The wasm that reads tables, with its vectors of sixteen bytes, must pass the checks of the plain
// code in `crates/tables/tests/corpus.rs`.
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { before, test } from 'node:test';
import { root, site } from './harness.js';

const folder = resolve(root, site);
const corpus = join(root, 'crates/tables/tests/corpus');

/** @type {any} */
let Table;
before(async () => {
  const assets = (await readdir(folder)).find((name) => name.startsWith('assets-')) ?? 'www';
  const readers = join(folder, assets, 'wasm/tables');
  const glue = await import(join(readers, 'downhill_tables.js'));
  await glue.default({ module_or_path: await readFile(join(readers, 'downhill_tables_bg.wasm')) });
  ({ Table } = glue);
});

/** @param {Uint8Array} bytes @param {number} [length] of the parts that they come in */
function read(bytes, length = bytes.length) {
  const table = new Table(bytes, true, undefined);
  try {
    for (let start = 0; start < bytes.length; start += length) table.push(bytes.subarray(start, start + length));
    table.finish();
    // Memory use depends on how the table grew.
    return { ...table.preview(), bytes: 0 };
  } finally {
    table.free();
  }
}

test('Nasty tables say what a person reads in them', async () => {
  /** @type {Record<string, any>} */
  const expected = JSON.parse(await readFile(join(corpus, 'expected.json'), 'utf8'));
  const names = (await readdir(corpus)).filter((name) => name !== 'expected.json');
  assert.deepEqual(names.sort(), Object.keys(expected).sort());
  for (const name of names) {
    const bytes = await readFile(join(corpus, name));
    const { code, columns, n_columns, ...facts } = expected[name];
    if (code) {
      assert.throws(() => read(bytes), { code }, name);
      continue;
    }
    const preview = read(bytes);
    assert.equal(preview.columns.length, n_columns, name);
    for (const [fact, value] of Object.entries(facts)) assert.deepEqual(preview[fact], value, `${name}: ${fact}`);
    for (const [j, { cells, ...column }] of columns.entries()) {
      for (const [fact, value] of Object.entries(column)) assert.equal(preview.columns[j][fact], value, `${name}: ${fact}`);
      const numbers = cells.filter((/** @type {unknown} */ cell) => typeof cell === 'number');
      if (preview.columns[j].summary && cells.length === preview.n_rows) {
        assert.equal(preview.columns[j].summary[0], Math.min(...numbers), name);
        assert.equal(preview.columns[j].summary[2], Math.max(...numbers), name);
      }
    }
  }
});

test('Marks are found wherever they lie, and chunks end anywhere', () => {
  // Words of every length around that of a vector, quoted or not, with separators and quotes
  // inside.
  let text = 'i,word,n\n';
  let sum = 0;
  const words = new Set();
  for (let i = 0; i < 3000; i += 1) {
    const word = `${'abcdefghijklmnopqrstuvwxyz'.repeat(3).slice(0, i % 71)}${['', '"', ',', '\n', 'ü'][i % 5]}w`;
    const quoted = i % 5 === 4 && i % 2 === 0 ? word : `"${word.replaceAll('"', '""')}"`;
    words.add(word.trim());
    sum += i / 8;
    text += `${i},${quoted},${i / 8}${i % 7 === 0 ? '\r\n' : '\n'}`;
  }
  const bytes = new TextEncoder().encode(text);
  const whole = read(bytes);
  assert.equal(whole.n_rows, 3000);
  assert.deepEqual(whole.columns[0].summary.slice(0, 3), [0, 1499.5, 2999]);
  assert.equal(whole.columns[2].summary[1], sum / 3000);
  assert.equal(whole.columns[1].n_levels, words.size);
  for (const length of [1, 15, 16, 63, 64, 65, 1000]) assert.deepEqual(read(bytes, length), whole, `parts of ${length}`);
});
