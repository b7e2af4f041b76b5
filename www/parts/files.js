// @ts-check
// Files in and out: tables, weights, what is dropped or pasted. Kinds are told by content, not by name.
import { wording } from '../words/index.js';
import { dialog } from '../dialogs/index.js';

/** @param {string} id */
const element = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/**
 * The same configuration on a table, its columns as the table has them.
 * @param {import('../wasm/engine/downhill.js').RunConfig} config
 * @param {string} name
 * @param {string} fingerprint
 * @returns {import('../wasm/engine/downhill.js').RunConfig}
 */
export function withTable(config, name, fingerprint) {
  const columns = { target: '', features: [], kinds: [], missing: /** @type {const} */ ('drop'), skip_bad_cells: false, weight: '', group: '', order: '' };
  const data = { source: /** @type {const} */ ({ kind: 'table', name, fingerprint }), added: [], removed: [], columns };
  return { ...config, data, model: { ...config.model, degrees: [], interactions: [] } };
}

/**
 * @param {import('../client.js').Client} client
 * @param {(configured: any) => void} configured
 * @param {() => import('../wasm/engine/downhill.js').RunConfig} current the configuration that the form shows
 * @param {() => import('../wasm/engine/downhill.js').RunConfig | undefined} awaited that of a link whose table was not here
 */
export function startFiles(client, configured, current, awaited) {
  const tableFile = /** @type {HTMLInputElement} */ (element('table-file'));
  const weightsFile = /** @type {HTMLInputElement} */ (element('weights-file'));
  const paste = /** @type {HTMLTextAreaElement} */ (element('paste'));

  /**
   * @param {string} id
   * @param {any} [problem]
   */
  const complain = (id, problem) => {
    const place = element(id);
    // Whoever cancelled knows it.
    place.hidden = !problem || problem.code === 'cancelled';
    place.textContent = problem ? wording(problem) : '';
    if (problem?.sample) void import('../dialogs/table.js').then(({ offerSample }) => offerSample(place, problem.sample, (again) => complain(id, again)));
    // What can be done all the same.
    problem?.offer?.(place);
  };

  /**
   * Two columns are taken as they are; of more, a person chooses.
   * @param {string} name
   * @param {Blob} blob
   * @param {boolean} [sample] whether one will do where the table finds no place
   */
  const loadTable = async (name, blob, sample) => {
    /** @type {import('../wasm/engine/downhill.js').Opened} */
    const opened = await client.ask({ kind: 'open_table', name, blob, sample }).catch((problem) => {
      if (problem.code?.startsWith('storage_')) problem.sample = () => loadTable(name, blob, true);
      throw problem;
    });
    const { preview, fingerprint } = opened;
    const linked = awaited();
    // The table that a link was made on: all of the link holds.
    const found = linked?.data.source.kind === 'table' && linked.data.source.fingerprint === fingerprint ? linked : undefined;
    if (found || preview.columns.length === 2 || preview.columns.length === 1) {
      taken(await client.ask({ kind: 'configure', config: found ?? withTable(current(), name, fingerprint) }));
      dialog('data-dialog').close();
      return;
    }
    complain('file-error');
    complain('table-error');
    const { chooseColumns } = await import('../dialogs/table.js');
    dialog('data-dialog').close();
    chooseColumns(opened, client, current, taken);
  };
  /**
   * A file that was taken answers every complaint about one before it.
   * @param {any} answer
   */
  const taken = (answer) => {
    complain('file-error');
    complain('table-error');
    configured(answer);
  };

  /**
   * What a button of the results opens. Its part of the page is loaded now.
   * @param {string} id
   * @param {() => Promise<unknown>} open
   */
  const opens = (id, open) => element(id).addEventListener('click', async () => {
    try {
      await open();
      complain('file-error');
    } catch (problem) {
      complain('file-error', problem);
    }
  });
  opens('export', async () => (await import('../dialogs/export.js')).openExport(client));
  opens('predict-table', async () => (await import('../dialogs/predictions.js')).predictRun(client));
  const page = { client, loadTable, taken };

  element('import').addEventListener('click', () => weightsFile.click());
  weightsFile.addEventListener('change', async () => {
    const file = weightsFile.files?.[0];
    weightsFile.value = '';
    if (!file) return;
    try {
      await (await import('../dialogs/import.js')).importFile(file, page);
      complain('file-error');
    } catch (problem) {
      complain('file-error', problem);
    }
  });

  element('choose-file').addEventListener('click', () => tableFile.click());
  tableFile.addEventListener('change', async () => {
    const file = tableFile.files?.[0];
    tableFile.value = '';
    if (!file) return;
    try {
      await loadTable(file.name, file);
    } catch (problem) {
      complain('table-error', problem);
    }
  });
  element('use-paste').addEventListener('click', async () => {
    try {
      await loadTable('pasted', new Blob([paste.value]));
      paste.value = '';
    } catch (problem) {
      complain('table-error', problem);
    }
  });

  let inside = 0;
  const drop = element('drop');
  const holdsFile = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes('Files') ?? false;
  addEventListener('dragenter', (event) => {
    if (!holdsFile(event)) return;
    inside += 1;
    drop.hidden = false;
  });
  addEventListener('dragleave', (event) => {
    if (!holdsFile(event)) return;
    inside -= 1;
    drop.hidden = inside <= 0;
  });
  addEventListener('dragover', (event) => {
    if (holdsFile(event)) event.preventDefault();
  });
  addEventListener('drop', async (event) => {
    if (!holdsFile(event)) return;
    inside = 0;
    drop.hidden = true;
    // A dialog that is open has taken it.
    if (event.defaultPrevented) return;
    event.preventDefault();
    const file = event.dataTransfer?.files[0];
    if (!file) return;
    try {
      await (await import('../dialogs/import.js')).arrived(file, page);
      complain('file-error');
    } catch (problem) {
      complain('file-error', problem);
    }
  });

  // A table that was copied from a spreadsheet, pasted onto the page itself.
  addEventListener('paste', async (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    const content = event.clipboardData?.getData('text/plain').trim();
    if (!content || target.closest('input, textarea, select, dialog')) return;
    event.preventDefault();
    try {
      await loadTable('pasted', new Blob([content]));
    } catch (problem) {
      complain('file-error', problem);
    }
  });

  return {
    /** The columns of the table that was opened last, to be chosen anew; nothing where none was. */
    async columns() {
      const { chooseAgain } = await import('../dialogs/table.js');
      return chooseAgain(client, current, taken);
    },
    openTable() {
      complain('table-error');
      dialog('data-dialog').showModal();
    },
  };
}
