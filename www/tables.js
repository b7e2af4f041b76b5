// @ts-check
/// <reference lib="webworker" />
// In the worker: the user's tables, kept by a module of their own that is loaded when the first one comes.
import init, { Table } from './readers/downhill_readers.js';
import { formatOf, readFormat } from './formats.js';

/** @typedef {import('./pkg/downhill.js').Source} Source */
/** @typedef {import('./pkg/downhill.js').Columns} Columns */
/** @typedef {import('./pkg/downhill.js').Progress} Progress */

/** Bytes that are read between two breaths, and that the way of writing is found out from. */
const CHUNK_BYTES = 1 << 20;
/** What is breathed after. */
const BREATH_MS = 12;

/** @type {Promise<unknown> | undefined} */
let loaded;
/**
 * The table that is shown, and that which the run was made of.
 * @type {{ name: string, blob: Blob, table: Table, fingerprint: string, sheets: string[], sheet: string } | undefined}
 */
let opened;
/** @type {typeof opened} */
let used;
/** @type {Map<string, NonNullable<typeof opened>>} */
const shipped = new Map();

const load = () => (loaded ??= init({ module_or_path: new URL('./readers/downhill_readers_bg.wasm', import.meta.url) }));

/**
 * @param {string} name
 * @param {Blob} blob
 * @param {{ sheet?: string } | object | undefined} dialect
 * @param {(event: Progress) => Promise<boolean>} breathe
 */
async function read(name, blob, dialect, breathe) {
  await load();
  const chunk = async (/** @type {number} */ start) => new Uint8Array(await blob.slice(start, start + CHUNK_BYTES).arrayBuffer());
  const head = await chunk(0);
  const format = formatOf(head);
  if (format !== 'text') {
    const sheet = dialect && 'sheet' in dialect ? dialect.sheet : undefined;
    const read = await readFormat(format, blob, sheet, (n_samples, fraction) => tell(n_samples, fraction, breathe));
    return { name, blob, fingerprint: read.table.fingerprint(), ...read };
  }
  const table = new Table(head, head.length === blob.size, dialect && JSON.stringify(dialect));
  let since = performance.now();
  for (let start = 0; start < blob.size; start += CHUNK_BYTES) {
    table.push(start === 0 ? head : await chunk(start));
    if (performance.now() - since < BREATH_MS) continue;
    try {
      await tell(table.n_rows(), start / blob.size, breathe);
    } catch (error) {
      table.free();
      throw error;
    }
    since = performance.now();
  }
  table.finish();
  return { name, blob, table, fingerprint: table.fingerprint(), sheets: [], sheet: '' };
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
  if (table && table !== opened && table !== used) table.table.free();
}

/**
 * Reads a table and says what it holds. The one before it is kept until a run is made of this one.
 * @param {{ name: string, blob?: Blob, dialect?: object }} request without `blob`, the same table read otherwise
 * @param {(event: Progress) => Promise<boolean>} breathe
 */
export async function open({ name, blob, dialect }, breathe) {
  const content = blob ?? opened?.blob;
  if (!content) throw new Error('there is no table to read');
  const before = opened;
  const table = await read(blob ? name : opened?.name ?? name, content, dialect, breathe);
  opened = table;
  drop(before);
  const { sheets, sheet, fingerprint } = table;
  return { kind: 'opened', name: table.name, fingerprint, sheets, sheet, preview: table.table.preview() };
}

/**
 * What can be inferred of a linear model of a run's table; nothing where its rows are made by a formula.
 * @param {{ config: import('./pkg/downhill.js').RunConfig }} request
 */
export function infer({ config }) {
  const { source, columns } = config.data;
  const kept = source.kind === 'shipped' ? shipped.get(source.table) : used;
  if (source.kind === 'linspace' || !kept) return { kind: 'inferred' };
  kept.table.select(JSON.stringify(columns));
  return { kind: 'inferred', ...kept.table.infer(JSON.stringify(config)) };
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
      const counts = { n_dropped: 0, n_bad: 0, n_filled: 0 };
      return { n_rows: 0, inputs: [], target: '', fingerprint: opened.fingerprint, counts, read: () => {} };
    }
  } else if (source.kind === 'shipped') {
    found = shipped.get(source.table);
    if (!found) {
      const text = await fetchTable(source.table);
      found = await read(source.table, new Blob([text]), undefined, async () => true);
      shipped.set(source.table, found);
    }
  }
  if (!found) return undefined;
  const { table, fingerprint } = found;
  const { n_rows, inputs, target, ...counts } = table.select(JSON.stringify(columns));
  if (source.kind === 'table') {
    const before = used;
    used = found;
    drop(before);
  }
  return {
    n_rows, inputs, target, fingerprint, counts,
    read: (/** @type {number} */ first, /** @type {Float64Array} */ rows) => table.read(first, rows),
  };
}
