// @ts-check
// Files in and out: tables, weights, what is dropped or pasted. Kinds are told by content, not by name.
import { dismiss } from '../store.js';
import { wording } from '../words/index.js';
import { part } from './dom.js';

/** @typedef {import('../store.js').Page} Page */
/** @typedef {import('../store.js').RunConfig} RunConfig */
/** @typedef {import('../store.js').Problem} Problem */
/** @typedef {'file-error' | 'table-error'} Where a problem is shown: below the buttons for files, or in the dialog for tables */

/** A problem with something that can be done all the same. */
export class OfferingProblem extends Error {
  /**
   * @param {Problem} problem
   * @param {(place: HTMLElement, complain: (problem: Problem) => void) => void} offer puts it next to what is said of the problem
   */
  constructor({ message, code, params }, offer) {
    super(message);
    this.code = code;
    this.params = params;
    this.offer = offer;
  }
}

/**
 * Shows a problem with a file; without one, nothing is wrong any longer.
 * @param {Page} page
 * @param {Where} where
 * @param {Problem} [problem]
 */
function complain(page, where, problem) {
  const place = part(page.root, where);
  // Whoever cancelled knows it.
  place.hidden = !problem || problem.code === 'cancelled';
  place.textContent = problem ? wording(problem) : '';
  if (problem instanceof OfferingProblem) problem.offer(place, (again) => complain(page, where, again));
}

/**
 * Does something with a file, and shows what is wrong with it.
 * @param {Page} page
 * @param {Where} where
 * @param {() => Promise<unknown>} work
 */
async function attempt(page, where, work) {
  try {
    await work();
    complain(page, where);
  } catch (problem) {
    complain(page, where, /** @type {any} */ (problem));
  }
}

/**
 * The work on each page's files, one after another: an earlier file that ends later must not hide the problem of a later
 * one, or replace its run.
 * @type {WeakMap<Page, Promise<void>>}
 */
const turns = new WeakMap();

/**
 * Does something with a file once the work on those before it has ended.
 * @param {Page} page
 * @param {Where} where
 * @param {() => Promise<unknown>} work
 */
function inTurn(page, where, work) {
  const earlier = turns.get(page) ?? Promise.resolve();
  turns.set(page, earlier.then(() => attempt(page, where, work)));
}

/**
 * Takes a run that a file has become. It answers every complaint about one before it.
 * @param {Page} page
 * @param {import('../store.js').Configured} answer
 */
export function takeFromFile(page, answer) {
  complain(page, 'file-error');
  complain(page, 'table-error');
  dismiss(page.store, 'refused');
  page.runner.take(answer);
}

/**
 * The same configuration on a table, its columns as the table has them.
 * @param {RunConfig} config
 * @param {string} name
 * @param {string} fingerprint
 * @returns {RunConfig}
 */
export function withTable(config, name, fingerprint) {
  /** @type {RunConfig['data']['columns']} */
  const columns = {
    target: '', features: [], kinds: [], missing: 'drop', skip_bad_cells: false, weight: '', group: '', order: '',
  };
  /** @type {RunConfig['data']} */
  const data = { source: { kind: 'table', name, fingerprint }, added: [], removed: [], columns };
  return { ...config, data, model: { ...config.model, degrees: [], interactions: [] } };
}

/**
 * Opens a table. Two columns are taken as they are; of more, a person chooses.
 * @param {Page} page
 * @param {string} name
 * @param {Blob} blob
 * @param {boolean} [sample] whether a sample will do where the table finds no place
 */
export async function loadTable(page, name, blob, sample) {
  const { root, store, client } = page;
  /** @type {import('../wasm/engine/downhill.js').Opened} */
  const opened = await client.ask({ kind: 'open_table', name, blob, sample }).catch((problem) => {
    if (!problem.code?.startsWith('storage_')) throw problem;
    throw new OfferingProblem(problem, async (place, complain) => {
      const { offerSample } = await import('../dialogs/table/index.js');
      offerSample(place, () => loadTable(page, name, blob, true), complain);
    });
  });
  const { preview: { columns }, fingerprint } = opened;
  const dialog = /** @type {HTMLDialogElement} */ (part(root, 'data-dialog'));
  const { awaited, config } = store.state;
  // The table that a link was made on: all of the link holds.
  const isAwaited = awaited?.data.source.kind === 'table' && awaited.data.source.fingerprint === fingerprint;
  if (isAwaited || columns.length === 1 || columns.length === 2) {
    const wanted = isAwaited ? awaited : withTable(config, name, fingerprint);
    takeFromFile(page, await client.ask({ kind: 'configure', config: wanted }));
    dialog.close();
    return;
  }
  complain(page, 'file-error');
  complain(page, 'table-error');
  const { chooseColumns } = await import('../dialogs/table/index.js');
  dialog.close();
  chooseColumns(page, opened);
}

/** Opens the dialog in which a table is chosen or pasted. @param {Page} page */
export function openTableDialog(page) {
  complain(page, 'table-error');
  /** @type {HTMLDialogElement} */ (part(page.root, 'data-dialog')).showModal();
}

/** Lets a person choose the columns of the run's table again. @param {Page} page */
export async function chooseColumnsAgain(page) {
  const { chooseAgain } = await import('../dialogs/table/index.js');
  await chooseAgain(page);
}

/** @param {Page} page */
export function startFiles(page) {
  const { root } = page;
  const press = (/** @type {string} */ name, /** @type {Where} */ where, /** @type {() => Promise<unknown>} */ work) => {
    part(root, name).addEventListener('click', () => void attempt(page, where, work));
  };
  press('export', 'file-error', async () => (await import('../dialogs/export.js')).openExport(page));
  press('predict-table', 'file-error', async () => (await import('../dialogs/predictions.js')).predictRun(page));
  const paste = /** @type {HTMLTextAreaElement} */ (part(root, 'paste'));
  press('use-paste', 'table-error', async () => {
    await loadTable(page, 'pasted', new Blob([paste.value]));
    paste.value = '';
  });
  chooses(page, 'import', 'weights-file', 'file-error', async (file) => (await import('../dialogs/import.js')).importFile(page, file));
  chooses(page, 'choose-file', 'table-file', 'table-error', (file) => loadTable(page, file.name, file));
  startDrop(page);
  // A table that was copied from a spreadsheet, pasted onto the page itself.
  root.addEventListener('paste', (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    const content = event.clipboardData?.getData('text/plain').trim();
    if (!content || target.closest('input, textarea, select, dialog')) return;
    event.preventDefault();
    inTurn(page, 'file-error', () => loadTable(page, 'pasted', new Blob([content])));
  });
}

/**
 * A button that lets a person choose a file.
 * @param {Page} page
 * @param {string} button
 * @param {string} input
 * @param {Where} where
 * @param {(file: File) => Promise<unknown>} take
 */
function chooses(page, button, input, where, take) {
  const chooser = /** @type {HTMLInputElement} */ (part(page.root, input));
  part(page.root, button).addEventListener('click', () => chooser.click());
  chooser.addEventListener('change', () => {
    const file = chooser.files?.[0];
    chooser.value = '';
    if (file) inTurn(page, where, () => take(file));
  });
}

/** Takes what is dropped anywhere on the page. @param {Page} page */
function startDrop(page) {
  const { root } = page;
  const drop = part(root, 'drop');
  let inside = 0;
  const holdsFile = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes('Files') ?? false;
  root.addEventListener('dragenter', (event) => {
    if (!holdsFile(event)) return;
    inside += 1;
    drop.hidden = false;
  });
  root.addEventListener('dragleave', (event) => {
    if (!holdsFile(event)) return;
    inside -= 1;
    drop.hidden = inside <= 0;
  });
  root.addEventListener('dragover', (event) => {
    if (holdsFile(event)) event.preventDefault();
  });
  root.addEventListener('drop', (event) => {
    if (!holdsFile(event)) return;
    inside = 0;
    drop.hidden = true;
    // A dialog that is open has taken it.
    if (event.defaultPrevented) return;
    event.preventDefault();
    const file = event.dataTransfer?.files[0];
    if (file) inTurn(page, 'file-error', async () => (await import('../dialogs/import.js')).arrived(page, file));
  });
}
