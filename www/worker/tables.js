// @ts-check
/// <reference lib="webworker" />
// In the worker: the user's tables, kept by a module of their own that is loaded when the first one comes.
import init, { Table } from '../wasm/tables/downhill_tables.js';
import { CHUNK_BYTES, bytesOf, chunksOf } from './blob.js';
import { formatOf, readFormat } from './formats.js';
import { removeLeftFiles } from './leftovers.js';
import { openFile } from './storage.js';

/** @typedef {import('../wasm/engine/downhill.js').Source} Source */
/** @typedef {import('../wasm/engine/downhill.js').Columns} Columns */
/** @typedef {import('../wasm/engine/downhill.js').Progress} Progress */

/** Which rows are in a sample: the same every time, so that a run can be made of it again. */
const SEED = 0;
/** What is breathed after. */
const BREATH_MS = 12;

/** @type {Promise<unknown> | undefined} */
let loaded;
/**
 * @typedef {object} Kept a table in memory
 * @property {string} name
 * @property {Blob} blob
 * @property {Table} table
 * @property {string} fingerprint
 * @property {import('./storage.js').File} [file] holds what does not fit into memory
 * @property {string[]} sheets of a workbook
 * @property {string} sheet the one that was read
 */
/** The table that is shown, and that which the run was made of. @type {Kept | undefined} */
let opened;
/** @type {typeof opened} */
let used;
/** @type {Map<string, Kept>} */
const shipped = new Map();

const load = () => (loaded ??= Promise.all([
  init({ module_or_path: new URL('../wasm/tables/downhill_tables_bg.wasm', import.meta.url) }),
  removeLeftFiles(),
]));

/** Why a table was not read, where a sample of its rows can be. */
const TOO_LARGE = ['storage_refused', 'storage_full'];

/**
 * @param {string} name
 * @param {Blob} blob
 * @param {{ sheet?: string } | object | undefined} dialect
 * @param {boolean | undefined} sample whether a table that finds no place may become a sample of its rows
 * @param {(event: Progress) => Promise<boolean>} breathe
 * @returns {Promise<Kept>}
 */
async function read(name, blob, dialect, sample, breathe) {
  await load();
  try {
    return await readShare(name, blob, dialect, undefined, breathe);
  } catch (error) {
    const { code, share } = /** @type {{ code?: string, share?: number }} */ (error);
    if (!sample || !TOO_LARGE.includes(code ?? '')) throw error;
    return readShare(name, blob, dialect, share, breathe);
  }
}

/**
 * What is done for a table in the making: before its first rows, and whenever it has grown. `fraction` is how much of its
 * file is in it; what has been cancelled throws.
 * @typedef {{
 *   begins: (table: Table | import('../wasm/tables/downhill_tables.js').TableFiller) => void,
 *   grew: (table: Table | import('../wasm/tables/downhill_tables.js').TableFiller, fraction: number) => Promise<void>,
 * }} Growing
 */

/**
 * @param {string} name
 * @param {Blob} blob
 * @param {object | undefined} dialect
 * @param {number | undefined} share of the rows, where it is not all of them
 * @param {(event: Progress) => Promise<boolean>} breathe
 * @returns {Promise<Kept>}
 */
async function readShare(name, blob, dialect, share, breathe) {
  /** @type {Kept['file']} */
  let file;
  let since = performance.now();
  /** @type {Growing} */
  const growing = {
    begins(table) {
      if (share !== undefined) table.sample(share, SEED);
    },
    async grew(table, fraction) {
      if (table.wants_storage()) {
        file = await openFile();
        if (file) table.store(file.write, file.read);
        else table.do_without_storage();
      }
      if (performance.now() - since < BREATH_MS) return;
      await tell(table.n_rows(), fraction, breathe);
      since = performance.now();
    },
  };
  try {
    // How a table is written is found out from this much of it.
    const head = await bytesOf(blob, 0, CHUNK_BYTES);
    const format = formatOf(head);
    const sheet = dialect && 'sheet' in dialect ? String(dialect.sheet) : undefined;
    const found = format === 'text' ? await readText(head, blob, dialect, growing) : await readFormat(format, blob, sheet, growing);
    return { name, blob, file, fingerprint: found.table.fingerprint(), ...found };
  } catch (error) {
    await file?.remove();
    throw error;
  }
}

/**
 * @param {Uint8Array} head
 * @param {Blob} blob
 * @param {object | undefined} dialect
 * @param {Growing} growing
 * @returns {Promise<{ table: Table, sheets: string[], sheet: string }>} what it throws has a `share`, as in {@link readFormat}
 */
async function readText(head, blob, dialect, { begins, grew }) {
  const table = new Table(head, head.length === blob.size, dialect && JSON.stringify(dialect));
  begins(table);
  let read = 0;
  try {
    for await (const { bytes, end } of chunksOf(blob)) {
      const before = read;
      read = end;
      table.push(bytes);
      await grew(table, before / blob.size);
    }
    table.finish();
    return { table, sheets: [], sheet: '' };
  } catch (error) {
    // What has broken down is not to be asked for anything.
    if (error instanceof WebAssembly.RuntimeError) throw error;
    const share = table.share_that_fits(Math.max(read, Math.min(CHUNK_BYTES, blob.size)), blob.size);
    table.free();
    throw Object.assign(/** @type {Error} */ (error), { share });
  }
}

/**
 * Says how far a table is read; throws where it is not to be read on.
 * @param {number} n_samples
 * @param {number} fraction
 * @param {(event: Progress) => Promise<boolean>} breathe
 */
async function tell(n_samples, fraction, breathe) {
  const message = { code: 'reading_table', params: { n_samples: n_samples.toLocaleString('en') }, text: '' };
  if (await breathe({ kind: 'progress', message, fraction })) return;
  throw Object.assign(new Error('cancelled'), { code: 'cancelled', params: {} });
}

/** Lets a table go that nobody needs any longer. @param {typeof opened} table */
function drop(table) {
  if (!table || table === opened || table === used) return;
  table.table.free();
  void table.file?.remove();
}

/**
 * What is asked of the tables and not of the session.
 * @param {Extract<import('../wasm/engine/downhill.js').Request, { kind: 'open_table' | 'infer' | 'diagnose' }>} request
 * @param {(event: Progress) => Promise<boolean>} breathe
 */
export function handle(request, breathe) {
  if (request.kind === 'open_table') return open(request, breathe);
  return request.kind === 'infer' ? infer(request) : diagnose(request);
}

/**
 * Reads a table and says what it holds. The one before it is kept until a run is made of this one.
 * @param {{ name: string, blob?: Blob, dialect?: object, sample?: boolean }} request without `blob`, the same table read
 * otherwise; `sample` as in {@link read}
 * @param {(event: Progress) => Promise<boolean>} breathe
 */
async function open({ name, blob, dialect, sample }, breathe) {
  const content = blob ?? opened?.blob;
  if (!content) throw new Error('there is no table to read');
  const before = opened;
  const table = await read(blob ? name : opened?.name ?? name, content, dialect, sample, breathe);
  opened = table;
  drop(before);
  const { sheets, sheet, fingerprint } = table;
  return { kind: 'opened', name: table.name, fingerprint, sheets, sheet, preview: table.table.preview() };
}

/**
 * What can be inferred of a linear model of a run's table; nothing where its rows are made by a formula.
 * @param {{ config: import('../wasm/engine/downhill.js').RunConfig }} request
 */
function infer({ config }) {
  const table = selected(config);
  return { kind: 'inferred', ...table?.infer(JSON.stringify(config)) };
}

/**
 * How weights do on a part of the rows of a run's table; nothing where its rows are made by a formula.
 * @param {Extract<import('../wasm/engine/downhill.js').Request, { kind: 'diagnose' }>} request
 */
function diagnose({ config, weights, part, effect, exact }) {
  const table = selected(config);
  return { kind: 'diagnosed', ...table?.diagnose(JSON.stringify({ config, weights, part, effect, exact })) };
}

/**
 * The table that a configuration is on, its columns chosen.
 * @param {import('../wasm/engine/downhill.js').RunConfig} config
 */
function selected({ data: { source, columns } }) {
  const kept = source.kind === 'shipped' ? shipped.get(source.table) : used;
  if (source.kind === 'linspace' || !kept) return undefined;
  kept.table.select(JSON.stringify(columns));
  return kept.table;
}

/**
 * Rows of the table that a run is to be made of; `undefined` where it is not kept here.
 * @param {Source} source
 * @param {Columns} columns
 * @param {(id: string) => Promise<string>} fetchTable
 */
export async function rowsOf(source, columns, fetchTable) {
  let found;
  if (source.kind === 'table') {
    found = [opened, used].find((table) => table?.fingerprint === source.fingerprint);
    if (!found && opened) {
      // Another than the one that is wanted: its fingerprint says so.
      const counts = { n_taken: 0, n_read: 0, n_dropped: 0, n_bad: 0, n_filled: 0 };
      return { n_rows: 0, inputs: [], target: '', target_levels: [], extras: [], fingerprint: opened.fingerprint, counts, read: () => {} };
    }
  } else if (source.kind === 'shipped') {
    found = shipped.get(source.table);
    if (!found) {
      const text = await fetchTable(source.table);
      found = await read(source.table, new Blob([text]), undefined, false, async () => true);
      shipped.set(source.table, found);
    }
  }
  if (!found) return undefined;
  const { table, fingerprint } = found;
  const { n_rows, inputs, target, target_levels, extras, ...counts } = table.select(JSON.stringify(columns));
  if (source.kind === 'table') {
    const before = used;
    used = found;
    drop(before);
  }
  return {
    n_rows, inputs, target, target_levels, extras, fingerprint, counts,
    read: (/** @type {number} */ first, /** @type {Float64Array} */ rows) => table.read(first, rows),
  };
}
