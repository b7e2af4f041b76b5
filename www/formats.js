// @ts-check
/// <reference lib="webworker" />
// In the worker: files that are no text. JSON and single arrays are read by the readers' module; archives, Parquet and workbooks by one of
// their own, loaded when the first of them comes, which gives its rows to a table in the other.
import { Table, TableFiller } from './readers/downhill_readers.js';

/** What formats are called to a person. @type {Record<string, string>} */
const FORMATS = { archive: 'NumPy', parquet: 'Parquet', workbook: 'Excel / OpenDocument' };
/** What is breathed after. */
const BREATH_MS = 12;

/** @type {Promise<typeof import('./formats/downhill_formats.js')> | undefined} */
let loaded;

/** The module of the other formats. */
const load = () => (loaded ??= import('./formats/downhill_formats.js').then(async (formats) => {
  await formats.default({ module_or_path: new URL('./formats/downhill_formats_bg.wasm', import.meta.url) });
  return formats;
}).catch((error) => {
  loaded = undefined;
  throw error;
}));

/**
 * What a file is, by its beginning; `text` where it is one.
 * @param {Uint8Array} head
 */
export const formatOf = (head) => TableFiller.format_of(head);

/**
 * Reads a file of another format than text.
 * @param {string} format as {@link formatOf} names it
 * @param {Blob} blob
 * @param {string | undefined} sheet of a workbook; the first unless told
 * @param {(n_samples: number, fraction: number) => Promise<void>} breathe ends the reading by throwing
 * @returns {Promise<{ table: Table, sheets: string[], sheet: string }>}
 */
export async function readFormat(format, blob, sheet, breathe) {
  const files = new FileReaderSync();
  const read = (/** @type {number} */ start, /** @type {number} */ end) => new Uint8Array(files.readAsArrayBuffer(blob.slice(start, end)));
  const filler = new TableFiller(format, read, blob.size);
  let since = performance.now();
  const pause = async (/** @type {number} */ fraction) => {
    if (performance.now() - since < BREATH_MS) return;
    await breathe(filler.n_rows(), fraction);
    since = performance.now();
  };
  try {
    if (['objects', 'array'].includes(format)) {
      while (filler.step()) await pause(filler.fraction());
      return { table: filler.finish(), sheets: [], sheet: '' };
    }
    const formats = await load();
    try {
      const reader = new formats.FormatReader(format, read, blob.size, sheet);
      for (let step = reader.next(); step; step = reader.next()) {
        filler.take(step);
        await pause(reader.fraction());
      }
      return { table: filler.finish(), sheets: reader.sheets(), sheet: reader.sheet() };
    } catch (error) {
      if (!(error instanceof WebAssembly.RuntimeError)) throw error;
      const params = { format: FORMATS[format] ?? format, detail: error.message };
      throw Object.assign(new Error(`the ${params.format} file is damaged (${params.detail}); save or download it again`), { code: 'file_damaged', params });
    } finally {
      // Whatever it came to: its memory is given back, and a damaged file leaves nothing behind.
      formats.__wbg_reset_state();
    }
  } finally {
    filler.free();
  }
}
