// @ts-check
// The dialog in which a table's columns are chosen: what each holds, what is learned, from what, and what becomes of what
// is missing. Loaded when the first table of more than two columns comes.
import { count, figure, text, wording } from '../words/index.js';
import { said } from '../words/table.js';
import { make } from '../parts/dom.js';
import { format_bytes } from '../wasm/engine/downhill.js';
import { withTable } from '../parts/files.js';

/** @typedef {import('../wasm/engine/downhill.js').Opened} Opened */
/** @typedef {import('../wasm/engine/downhill.js').Columns} Columns */
/** @typedef {import('../wasm/engine/downhill.js').ColumnPreview} ColumnPreview */
/** @typedef {import('../wasm/engine/downhill.js').RunConfig} RunConfig */
/** @typedef {import('../client.js').Client} Client */

const KINDS = /** @type {const} */ (['number', 'category', 'date']);
const SEPARATORS = [',', ';', '\t', '|', ' '];
/** A date that says by its order alone which is the day. */
const DATE = /^\d{1,2}([/-])\d{1,2}\1\d{4}\b/;

/** @type {Opened | undefined} */
let last;

/** @type {HTMLDialogElement | undefined} */
let dialog;

/**
 * Opens the dialog on a table that was just read.
 * @param {Opened} opened
 * @param {Client} client
 * @param {() => RunConfig} current
 * @param {(answer: any) => void} taken
 */
export function chooseColumns(opened, client, current, taken) {
  last = opened;
  show(opened, client, current, taken);
}

/**
 * The same on the run's table: one that ships with the page, or that which was opened last. Whether there was one.
 * @param {Client} client
 * @param {() => RunConfig} current
 * @param {(answer: any) => void} taken
 */
export async function chooseAgain(client, current, taken) {
  const { source } = current().data;
  if (source.kind === 'shipped') {
    const response = await fetch(new URL(`../data/${source.table.replaceAll('_', '-')}.csv`, import.meta.url));
    if (!response.ok) return false;
    show(await client.ask({ kind: 'open_table', name: source.table, blob: await response.blob() }), client, current, taken, source.table);
    return true;
  }
  if (last) show(last, client, current, taken);
  return last !== undefined;
}

/**
 * Beside what is said of a table that finds no place: a button that reads a sample of its rows.
 * @param {HTMLElement} place
 * @param {() => Promise<void>} read
 * @param {(problem: any) => void} complain
 */
export function offerSample(place, read, complain) {
  shell();
  const button = make('button', 'sample', said('columns_sample'));
  button.setAttribute('type', 'button');
  button.addEventListener('click', async () => {
    button.setAttribute('aria-busy', 'true');
    await read().catch(complain);
    button.removeAttribute('aria-busy');
  });
  place.append(button);
}

/** The dialog, made when it is first needed, with the style of all that is made here. */
function shell() {
  if (dialog) return dialog;
  const style = document.createElement('link');
  style.rel = 'stylesheet';
  style.href = new URL('../styles/table.css', import.meta.url).href;
  document.head.append(style);
  dialog = document.createElement('dialog');
  dialog.className = 'table-dialog';
  dialog.setAttribute('aria-labelledby', 'columns-title');
  document.body.append(dialog);
  return dialog;
}

/**
 * @param {Opened} opened
 * @param {Client} client
 * @param {() => RunConfig} current
 * @param {(answer: any) => void} taken
 * @param {string} [shipped] the table of the page's own that this is
 */
function show(opened, client, current, taken, shipped) {
  const place = shell();
  const { preview, name, fingerprint } = opened;
  const config = current();
  const { source, columns: now } = config.data;
  const same = shipped !== undefined || (source.kind === 'table' && source.fingerprint === fingerprint);
  const choice = structuredClone(same && now.target ? now : preview.choice);
  if (same && now.features.length === 0) choice.features = [...preview.choice.features];
  /** @type {Map<string, number>} */
  const degrees = new Map(same ? config.model.degrees : []);
  /** @type {[string, string][]} */
  const interactions = same ? structuredClone(config.model.interactions) : [];

  const form = make('form', 'sheet');
  form.setAttribute('method', 'dialog');
  const title = make('h2', '', said('columns_title', { name }));
  title.id = 'columns-title';
  const sampled = preview.n_read > preview.n_rows;
  const facts = make('p', 'muted', said(sampled ? 'columns_sampled' : 'columns_facts', {
    n: count(preview.n_rows), read: count(preview.n_read), columns: count(preview.columns.length), size: format_bytes(preview.bytes),
  }));
  const error = make('p', 'error');
  error.setAttribute('role', 'alert');
  error.hidden = true;

  const complain = (/** @type {any} */ problem) => {
    error.hidden = false;
    error.textContent = wording(problem);
    error.scrollIntoView({ block: 'nearest' });
  };

  // --- How the text is written.
  const writing = make('fieldset', 'writing');
  writing.append(make('legend', 'hidden', said('columns_writing')));
  const reread = async (/** @type {object} */ change, sample = sampled) => {
    try {
      const again = await client.ask({ kind: 'open_table', name, dialect: /** @type {any} */ ({ ...preview.dialect, ...change }), sample });
      if (shipped) show(again, client, current, taken, shipped);
      else chooseColumns(again, client, current, taken);
    } catch (problem) {
      complain(problem);
      const { code } = /** @type {{ code?: string }} */ (problem);
      if (code?.startsWith('storage_')) offerSample(error, () => reread(change, true), complain);
    }
  };
  const { dialect } = preview;
  if (dialect) {
    const separator = select(said('columns_separator'), SEPARATORS.map((sign) => [sign, said(`separator_${SEPARATORS.indexOf(sign)}`)]), dialect.separator);
    separator.control.addEventListener('change', () => void reread({ separator: separator.control.value }));
    const decimal = select(said('columns_decimal'), [['.', '1.5'], [',', '1,5']], dialect.decimal_comma ? ',' : '.');
    decimal.control.addEventListener('change', () => void reread({ decimal_comma: decimal.control.value === ',' }));
    const encoding = select(said('columns_encoding'), [['utf8', 'UTF-8'], ['utf16le', 'UTF-16 LE'], ['utf16be', 'UTF-16 BE'], ['windows1252', 'Windows-1252']], dialect.encoding);
    encoding.control.addEventListener('change', () => void reread({ encoding: encoding.control.value }));
    const header = check(said('columns_header'), dialect.header);
    header.control.addEventListener('change', () => void reread({ header: header.control.checked }));
    writing.append(separator.row, decimal.row, encoding.row, header.row);
    if (preview.rows.flat().some((cell) => DATE.test(cell))) {
      const orders = ['day_first', 'month_first', ''].map((order) => [order, said(`dates_${order || 'words'}`)]);
      const dates = select(said('columns_dates'), orders, dialect.date_order ?? '');
      dates.control.addEventListener('change', () => void reread({ date_order: dates.control.value || null }));
      writing.append(dates.row);
    }
  } else if (opened.sheets.length > 1) {
    const sheet = select(said('columns_sheet'), opened.sheets.map((name) => [name, name]), opened.sheet);
    sheet.control.addEventListener('change', () => void reread({ sheet: sheet.control.value }));
    writing.append(sheet.row);
  } else {
    writing.hidden = true;
  }

  // --- What is learned, and from what.
  const kindOf = (/** @type {ColumnPreview} */ column) => choice.kinds.find(([of]) => of === column.name)?.[1] ?? column.kind;
  const usable = preview.columns.filter(({ kind }) => kind !== 'empty');
  const target = select(said('columns_target'), usable.map((column) => [column.name, column.name]), choice.target);
  target.row.classList.add('target');
  const list = make('div', 'columns-list');
  list.setAttribute('role', 'group');
  list.setAttribute('aria-label', said('columns_features'));
  list.tabIndex = 0;

  const render = () => {
    list.replaceChildren();
    const head = make('div', 'column head');
    for (const key of ['feature', 'kind', 'degree', 'values', 'missing']) head.append(make('span', key, said(`columns_${key}`)));
    list.append(head);
    for (const column of preview.columns) {
      const isTarget = column.name === target.control.value;
      const row = make('div', `column${isTarget ? ' is-target' : ''}`);
      const use = document.createElement('input');
      use.type = 'checkbox';
      use.checked = !isTarget && choice.features.includes(column.name);
      use.disabled = isTarget || column.kind === 'empty';
      use.addEventListener('change', () => {
        const chosen = new Set(choice.features);
        if (use.checked) chosen.add(column.name);
        else chosen.delete(column.name);
        // In the order of the table, whatever the order of the clicks.
        choice.features = preview.columns.map(({ name }) => name).filter((name) => chosen.has(name));
        renderInteractions();
      });
      const label = make('label', 'feature');
      const word = make('span', 'name', column.name);
      word.title = column.name;
      label.append(use, word);
      if (isTarget) label.append(make('span', 'badge', said('columns_is_target')));
      const kind = document.createElement('select');
      kind.setAttribute('aria-label', said('columns_kind_of', { name: column.name }));
      const known = KINDS.includes(/** @type {any} */ (column.kind));
      if (!known) kind.append(new Option(said(`kind_${column.kind}`), column.kind));
      for (const choice of KINDS) kind.append(new Option(said(`kind_${choice}`), choice));
      kind.value = kindOf(column);
      kind.disabled = column.kind === 'empty';
      kind.addEventListener('change', () => {
        choice.kinds = choice.kinds.filter(([of]) => of !== column.name);
        if (kind.value !== column.kind) choice.kinds.push([column.name, kind.value]);
        render();
      });
      const degree = document.createElement('input');
      degree.type = 'number';
      degree.min = '1';
      degree.max = '12';
      degree.value = String(degrees.get(column.name) ?? 1);
      degree.setAttribute('aria-label', said('columns_degree_of', { name: column.name }));
      degree.hidden = isTarget || kind.value === 'category' || !KINDS.includes(/** @type {any} */ (kind.value));
      degree.addEventListener('change', () => {
        const value = Math.round(degree.valueAsNumber);
        if (value >= 2 && value <= 12) degrees.set(column.name, value);
        else degrees.delete(column.name);
        degree.value = String(degrees.get(column.name) ?? 1);
      });
      const power = make('span', 'degree');
      power.append(degree);
      const missing = make('span', 'missing figure', column.n_missing ? count(column.n_missing) : '–');
      if (column.n_bad) missing.append(make('span', 'bad', said('columns_bad', { n: count(column.n_bad) })));
      row.append(label, kind, power, values(column), missing);
      list.append(row);
    }
  };
  target.control.addEventListener('change', () => {
    const before = choice.target;
    choice.target = target.control.value;
    choice.features = choice.features.filter((name) => name !== choice.target);
    const freed = preview.columns.find(({ name }) => name === before);
    if (freed && freed.kind !== 'text') {
      choice.features = preview.columns.map(({ name }) => name).filter((name) => name === before || choice.features.includes(name));
    }
    render();
    renderInteractions();
  });

  const all = make('button', 'quiet', said('columns_all'));
  all.setAttribute('type', 'button');
  all.addEventListener('click', () => {
    const can = preview.columns.filter(({ name, kind }) => name !== target.control.value && kind !== 'text' && kind !== 'empty');
    choice.features = choice.features.length === can.length ? [] : can.map(({ name }) => name);
    render();
    renderInteractions();
  });

  // --- Products.
  const products = make('div', 'products');
  const renderInteractions = () => {
    products.replaceChildren();
    const names = choice.features;
    for (let i = interactions.length - 1; i >= 0; i -= 1) {
      if (!interactions[i].every((name) => names.includes(name))) interactions.splice(i, 1);
    }
    products.append(make('span', 'label', said('columns_interactions')));
    interactions.forEach(([a, b], i) => {
      const chip = make('button', 'chip-button', `${a} × ${b} ✕`);
      chip.setAttribute('type', 'button');
      chip.setAttribute('aria-label', said('columns_remove', { name: `${a} × ${b}` }));
      chip.addEventListener('click', () => {
        interactions.splice(i, 1);
        renderInteractions();
      });
      products.append(chip);
    });
    if (names.length < 2) return;
    const [one, other] = [0, 1].map((at) => {
      const control = document.createElement('select');
      control.setAttribute('aria-label', said(at === 0 ? 'columns_first' : 'columns_second'));
      for (const name of names) control.append(new Option(name, name));
      control.value = names[at];
      return control;
    });
    const add = make('button', '', said('columns_add'));
    add.setAttribute('type', 'button');
    add.addEventListener('click', () => {
      const [a, b] = [one.value, other.value];
      if (a === b || interactions.some((pair) => pair.includes(a) && pair.includes(b))) return;
      interactions.push([a, b]);
      renderInteractions();
    });
    products.append(one, make('span', '', '×'), other, add);
  };

  // --- What is missing or cannot be read.
  const gaps = make('div', 'gaps');
  const fill = select(said('columns_fill'), [['drop', said('fill_drop')], ['mean', said('fill_mean')], ['median', said('fill_median')]], choice.missing);
  fill.control.addEventListener('change', () => {
    choice.missing = /** @type {Columns['missing']} */ (fill.control.value);
  });
  gaps.append(fill.row);
  if (preview.n_bad + preview.n_long > 0) {
    const skip = check(said('columns_skip', { n: count(preview.n_bad + preview.n_long) }), choice.skip_bad_cells);
    skip.control.addEventListener('change', () => {
      choice.skip_bad_cells = skip.control.checked;
    });
    const shown = make('ul', 'bad-cells');
    for (const message of preview.bad_cells) shown.append(make('li', '', wording(message)));
    gaps.append(skip.row, shown);
  }

  // --- The first rows.
  const more = document.createElement('details');
  more.append(make('summary', '', said('columns_rows')), firstRows(preview));

  // --- What rows have besides: it is not learned from.
  const besides = make('div', 'besides');
  const none = /** @type {[string, string]} */ (['', said('columns_no_column')]);
  for (const role of /** @type {const} */ (['weight', 'group', 'order'])) {
    const fit = usable.filter((column) => role === 'group' || kindOf(column) === 'number' || (role === 'order' && kindOf(column) === 'date'));
    const chosen = select(said(`columns_${role}`), [none, ...fit.map((column) => [column.name, column.name])], choice[role]);
    chosen.control.addEventListener('change', () => {
      choice[role] = chosen.control.value;
      choice.features = choice.features.filter((feature) => feature !== choice[role]);
      render();
      renderInteractions();
    });
    besides.append(chosen.row);
  }

  const end = make('div', 'buttons end');
  const cancel = make('button', '', text('cancel'));
  cancel.setAttribute('value', 'cancel');
  const take = make('button', 'primary', text('use_table'));
  take.setAttribute('type', 'button');
  take.addEventListener('click', async () => {
    const next = shipped ? structuredClone(current()) : withTable(current(), name, fingerprint);
    const features = choice.features;
    const learned = preview.columns.find((column) => column.name === target.control.value);
    if (learned) next.loss = lossFor(next.loss, kindOf(learned) === 'category' ? learned.n_levels : 0);
    next.data.columns = { ...choice, target: target.control.value };
    next.model.degrees = [...degrees].filter(([of]) => features.includes(of));
    next.model.interactions = interactions;
    take.setAttribute('aria-busy', 'true');
    try {
      if (features.length === 0) throw { code: 'no_features', params: {} };
      taken(await client.ask({ kind: 'configure', config: next }));
      place.close();
    } catch (problem) {
      complain(problem);
    }
    take.removeAttribute('aria-busy');
  });
  end.append(cancel, take);

  const pick = make('div', 'pick');
  pick.append(target.row, all);
  form.append(title, facts, writing, pick, list, products, besides, gaps, more, error, end);
  render();
  renderInteractions();
  place.replaceChildren(form);
  if (!place.open) place.showModal();
  target.control.focus();
}

/**
 * The loss that a target can be learned by: the one that there is, where it can.
 * @param {RunConfig['loss']} loss
 * @param {number} nClasses 0 of a number
 * @returns {RunConfig['loss']}
 */
function lossFor(loss, nClasses) {
  const classifies = loss.kind === 'logistic' || loss.kind === 'softmax';
  if (nClasses > 2) return { kind: 'softmax' };
  if (nClasses === 2) return classifies ? loss : { kind: 'logistic' };
  return loss.kind === 'softmax' ? { kind: 'squared' } : loss;
}

/** What a column holds, in words and in a picture. @param {ColumnPreview} column */
function values(column) {
  const place = make('span', 'values');
  const { summary, histogram } = column;
  if (summary) {
    const date = (/** @type {number} */ days) => new Date(days * 86_400_000).toISOString().slice(0, 10);
    const shown = column.kind === 'date' ? [date(summary[0]), date(summary[2])] : [figure(summary[0]), figure(summary[2])];
    place.append(bars(histogram), make('span', 'figure', said('columns_range', { from: shown[0], to: shown[1], mean: column.kind === 'date' ? '' : `μ ${figure(summary[1])}` })));
  } else if (column.levels.length) {
    const names = column.levels.map(([name]) => name).join(', ');
    const words = make('span', 'levels', said('columns_levels', { n: count(column.n_levels), names }));
    words.title = names;
    place.append(bars(column.levels.map(([, n]) => n)), words);
  } else {
    place.append(make('span', 'muted', said(column.kind === 'empty' ? 'columns_nothing' : 'columns_words')));
  }
  return place;
}

/** @param {number[]} counts */
function bars(counts) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('class', 'bars');
  svg.setAttribute('viewBox', `0 0 ${Math.max(counts.length, 1) * 3} 18`);
  svg.setAttribute('preserveAspectRatio', 'none');
  svg.setAttribute('aria-hidden', 'true');
  const most = Math.max(...counts, 1);
  const path = counts.map((n, i) => (n > 0 ? `M${3 * i} 18v${-Math.max((18 * n) / most, 1)}h2.4V18z` : '')).join('');
  const shape = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  shape.setAttribute('d', path);
  svg.append(shape);
  return svg;
}

/** @param {Opened['preview']} preview */
function firstRows({ columns, rows }) {
  const scroll = make('div', 'first-rows');
  scroll.tabIndex = 0;
  scroll.setAttribute('role', 'region');
  scroll.setAttribute('aria-label', said('columns_rows'));
  const table = document.createElement('table');
  const head = table.createTHead().insertRow();
  for (const { name } of columns) {
    const cell = document.createElement('th');
    cell.scope = 'col';
    cell.textContent = name;
    head.append(cell);
  }
  const body = table.createTBody();
  for (const row of rows) {
    const line = body.insertRow();
    for (let j = 0; j < columns.length; j += 1) line.insertCell().textContent = row[j] ?? '';
  }
  scroll.append(table);
  return scroll;
}

let ids = 0;

/**
 * @param {string} words
 * @param {string[][]} options value and words
 * @param {string} value
 */
function select(words, options, value) {
  ids += 1;
  const control = document.createElement('select');
  control.id = `columns-${ids}`;
  for (const [of, shown] of options) control.append(new Option(shown, of));
  control.value = value;
  const row = make('div', 'field');
  const label = make('label', '', words);
  label.setAttribute('for', control.id);
  row.append(label, control);
  return { row, control };
}

/**
 * @param {string} words
 * @param {boolean} checked
 */
function check(words, checked) {
  const control = document.createElement('input');
  control.type = 'checkbox';
  control.checked = checked;
  const row = make('label', 'tick');
  row.append(control, make('span', '', words));
  return { row, control };
}
