// @ts-check
// The dialog in which a table's columns are chosen: what each holds, what is learned, from what, and what becomes of what
// is missing. Loaded when the first table of more than two columns comes.
import { make, makeButton } from '../../parts/dom.js';
import { takeFromFile, withTable } from '../../parts/files.js';
import { addStyle } from '../../parts/styles.js';
import { format_bytes, loss_for_target } from '../../wasm/engine/downhill.js';
import { count, text, wording } from '../../words/index.js';
import { said } from '../../words/table.js';
import { errorLine, grid, open, sheet, sheetForm } from '../sheet.js';
import { columnList } from './columns.js';
import { draftOf, kindOf, select, setFeatures, setTarget, tick } from './draft.js';
import { products } from './products.js';
import { writing } from './writing.js';

/** @typedef {import('../../store.js').Page} Page */
/** @typedef {import('../../store.js').Problem} Problem */
/** @typedef {import('./draft.js').Opened} Opened */
/** @typedef {import('./draft.js').Draft} Draft */

/** The table that each page has opened last. @type {WeakMap<HTMLElement, Opened>} */
const lastOf = new WeakMap();

/**
 * Opens the dialog on a table that was just read.
 * @param {Page} page
 * @param {Opened} opened
 */
export function chooseColumns(page, opened) {
  lastOf.set(page.root, opened);
  return show(page, opened);
}

/** The same on the run's table: one that ships with the page, or that which was opened last. @param {Page} page */
export async function chooseAgain(page) {
  const { source } = page.store.state.config.data;
  const last = lastOf.get(page.root);
  if (source.kind === 'shipped') {
    const response = await fetch(new URL(`../../data/${source.table.replaceAll('_', '-')}.csv`, import.meta.url));
    if (!response.ok) return;
    const blob = await response.blob();
    await show(page, await page.client.ask({ kind: 'open_table', name: source.table, blob }), source.table);
  } else if (last) await show(page, last);
}

/**
 * Below what is said of a table that finds no place: a button that reads a sample of its rows.
 * @param {HTMLElement} place
 * @param {() => Promise<void>} read
 * @param {(problem: Problem) => void} complain
 */
export function offerSample(place, read, complain) {
  addStyle('table.css');
  const button = makeButton('sample', said('columns_sample'), async () => {
    button.setAttribute('aria-busy', 'true');
    await read().catch(complain);
    button.removeAttribute('aria-busy');
  });
  place.append(button);
}

/**
 * @param {Page} page
 * @param {Opened} opened
 * @param {string} [shipped] the table of the page's own that this is
 */
async function show(page, opened, shipped) {
  const place = await sheet(page.root, 'table', 'table');
  const { preview, name } = opened;
  const draft = draftOf(page.store.state.config, opened, shipped !== undefined);
  const { form, title } = sheetForm(said('columns_title', { name }));
  const isSample = preview.n_read > preview.n_rows;
  const facts = make('p', 'muted', said(isSample ? 'columns_sampled' : 'columns_facts', {
    n: count(preview.n_rows), read: count(preview.n_read), columns: count(preview.columns.length), size: format_bytes(preview.bytes),
  }));
  const error = errorLine();
  const complain = (/** @type {Problem} */ problem) => {
    error.hidden = false;
    error.textContent = wording(problem);
    error.scrollIntoView({ block: 'nearest' });
  };
  /** @param {object} change @param {boolean} [sample] */
  const reread = async (change, sample = isSample) => {
    try {
      const dialect = /** @type {any} */ ({ ...preview.dialect, ...change });
      const again = await page.client.ask({ kind: 'open_table', name, dialect, sample });
      await (shipped === undefined ? chooseColumns(page, again) : show(page, again, shipped));
    } catch (problem) {
      const { code } = /** @type {Problem} */ (problem);
      complain(/** @type {any} */ (problem));
      if (code?.startsWith('storage_')) offerSample(error, () => reread(change, true), complain);
    }
  };
  const take = async () => {
    try {
      if (draft.state.features.length === 0) throw { code: 'no_features', params: {} };
      const config = configOf(page, opened, draft, shipped !== undefined);
      takeFromFile(page, await page.client.ask({ kind: 'configure', config }));
      place.close();
    } catch (problem) {
      complain(/** @type {any} */ (problem));
    }
  };
  const target = targetOf(preview, draft);
  form.append(
    facts, writing(opened, (change) => reread(change)), target.row, columnList(preview, draft), products(draft), roles(preview, draft),
    gaps(preview, draft), firstRows(preview), error, buttons(take),
  );
  open(place, form, title);
  target.control.focus();
}

/**
 * The run on this table, its columns as they are chosen.
 * @param {Page} page
 * @param {Opened} opened
 * @param {Draft} draft
 * @param {boolean} isShipped
 */
function configOf({ store }, { preview, name, fingerprint }, draft, isShipped) {
  const { degrees, interactions, ...columns } = draft.state;
  const config = isShipped ? store.state.config : withTable(store.state.config, name, fingerprint);
  const learned = preview.columns.find((column) => column.name === columns.target);
  const nClasses = learned && kindOf(draft, learned) === 'category' ? learned.n_levels : 0;
  return {
    ...config,
    loss: learned ? loss_for_target(config.loss, nClasses) : config.loss,
    data: { ...config.data, columns },
    model: { ...config.model, degrees: degrees.filter(([of]) => columns.features.includes(of)), interactions },
  };
}

/**
 * What is learned, and a button that takes or leaves all other columns.
 * @param {Opened['preview']} preview
 * @param {Draft} draft
 */
function targetOf({ columns }, draft) {
  const usable = columns.filter(({ kind }) => kind !== 'empty');
  const target = select(said('columns_target'), usable.map(({ name }) => [name, name]), draft.state.target);
  target.row.classList.add('target');
  target.control.addEventListener('change', () => setTarget(draft, columns, target.control.value));
  const all = makeButton('quiet', said('columns_all'), () => {
    const can = usable.filter(({ name, kind }) => name !== draft.state.target && kind !== 'text');
    setFeatures(draft, draft.state.features.length === can.length ? [] : can.map(({ name }) => name));
  });
  const row = make('div', 'pick');
  row.append(target.row, all);
  return { row, control: target.control };
}

/**
 * What becomes of cells that are missing or cannot be read.
 * @param {Opened['preview']} preview
 * @param {Draft} draft
 */
function gaps({ n_bad, n_long, bad_cells }, draft) {
  const ways = /** @type {const} */ (['drop', 'mean', 'median']);
  const fill = select(said('columns_fill'), ways.map((way) => [way, said(`fill_${way}`)]), draft.state.missing);
  fill.control.addEventListener('change', () => draft.set({ missing: /** @type {typeof ways[number]} */ (fill.control.value) }));
  const all = make('div', 'gaps');
  all.append(fill.row);
  if (n_bad + n_long > 0) {
    const skip = tick(said('columns_skip', { n: count(n_bad + n_long) }), draft.state.skip_bad_cells);
    skip.control.addEventListener('change', () => draft.set({ skip_bad_cells: skip.control.checked }));
    const shown = make('ul', 'bad-cells');
    shown.append(...bad_cells.map((message) => make('li', '', wording(message))));
    all.append(skip.row, shown);
  }
  return all;
}

/**
 * What rows have that is not learned from: a weight, a group, an order.
 * @param {Opened['preview']} preview
 * @param {Draft} draft
 */
function roles({ columns }, draft) {
  const all = make('div', 'besides');
  for (const role of /** @type {const} */ (['weight', 'group', 'order'])) {
    const fit = columns.filter((column) => {
      const kind = kindOf(draft, column);
      return column.kind !== 'empty' && (role === 'group' || kind === 'number' || (role === 'order' && kind === 'date'));
    });
    const options = [['', said('columns_no_column')], ...fit.map(({ name }) => [name, name])];
    const chosen = select(said(`columns_${role}`), options, draft.state[role]);
    chosen.control.addEventListener('change', () => {
      draft.set({ [role]: chosen.control.value });
      setFeatures(draft, draft.state.features.filter((feature) => feature !== chosen.control.value));
    });
    all.append(chosen.row);
  }
  return all;
}

/** @param {Opened['preview']} preview */
function firstRows({ columns, rows }) {
  const cells = rows.map((row) => columns.map((_, j) => row[j] ?? ''));
  const table = grid(said('columns_rows'), columns.map(({ name }) => name), cells, true);
  table.className = 'first-rows';
  const more = make('details');
  more.append(make('summary', '', said('columns_rows')), table);
  return more;
}

/** @param {() => Promise<void>} take */
function buttons(take) {
  const cancel = make('button', '', text('cancel'));
  cancel.setAttribute('value', 'cancel');
  const use = makeButton('primary', text('use_table'), async () => {
    use.setAttribute('aria-busy', 'true');
    await take();
    use.removeAttribute('aria-busy');
  });
  const end = make('div', 'buttons end');
  end.append(cancel, use);
  return end;
}
