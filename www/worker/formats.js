// @ts-check
/// <reference lib="webworker" />
// In the worker: files that are no text. JSON and single arrays are read by the readers' module; archives, Parquet and workbooks by one of
// their own, loaded when the first of them comes, which gives its rows to a table in the other.
import { Table, TableFiller } from '../wasm/tables/downhill_tables.js';

/** What formats are called to a person. @type {Record<string, string>} */
const FORMATS = { archive: 'NumPy', parquet: 'Parquet', workbook: 'Excel / OpenDocument' };

/** @type {Promise<typeof import('../wasm/parquet-and-workbooks/downhill_parquet_and_workbooks.js')> | undefined} */
let loaded;

/** The module of the other formats. */
const load = () => (loaded ??= import('../wasm/parquet-and-workbooks/downhill_parquet_and_workbooks.js').then(async (formats) => {
  const path = new URL('../wasm/parquet-and-workbooks/downhill_parquet_and_workbooks_bg.wasm', import.meta.url);
  await formats.default({ module_or_path: path });
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
 * @param {import('./tables.js').Growing} growing
 * @returns {Promise<{ table: Table, sheets: string[], sheet: string }>} what it throws has, as `share`, how much of the rows
 * would have fitted into memory
 */
export async function readFormat(format, blob, sheet, { begins, grew }) {
  const files = new FileReaderSync();
  const read = (/** @type {number} */ start, /** @type {number} */ end) => new Uint8Array(files.readAsArrayBuffer(blob.slice(start, end)));
  const filler = new TableFiller(format, read, blob.size);
  // Of the other module's reader; this one knows its own.
  let fraction = 0;
  try {
    begins(filler);
    if (['objects', 'array'].includes(format)) {
      while (filler.step()) await grew(filler, filler.fraction());
      return { table: filled(filler), sheets: [], sheet: '' };
    }
    const formats = await load();
    try {
      const reader = new formats.FormatReader(format, read, blob.size, sheet);
      for (let step = reader.next(); step; step = reader.next()) {
        fraction = reader.fraction();
        filler.take(step);
        await grew(filler, fraction);
      }
      return { sheets: reader.sheets(), sheet: reader.sheet(), table: filled(filler) };
    } catch (error) {
      if (!(error instanceof WebAssembly.RuntimeError)) throw error;
      const params = { format: FORMATS[format] ?? format, detail: error.message };
      const words = `the ${params.format} file is damaged (${params.detail}); save or download it again`;
      throw Object.assign(new Error(words), { code: 'file_damaged', params });
    } finally {
      // Whatever it came to: its memory is given back, and a damaged file leaves nothing behind.
      formats.__wbg_reset_state();
    }
  } catch (error) {
    // What has broken down is not to be asked for anything.
    if (error instanceof WebAssembly.RuntimeError) throw error;
    const share = filler.share_that_fits(fraction || filler.fraction());
    filler.free();
    throw Object.assign(/** @type {Error} */ (error), { share });
  }
}

/** @param {TableFiller} filler that is not needed any longer */
function filled(filler) {
  const table = filler.finish();
  filler.free();
  return table;
}
