// @ts-check
// The list of columns: which are learned from, what each is read as, and what it holds.
import { make, makeSelect, makeSvg } from '../../parts/dom.js';
import { count, figure } from '../../words/index.js';
import { said } from '../../words/table.js';
import { inOrder, kindOf, setFeatures } from './draft.js';

/** @typedef {import('./draft.js').Draft} Draft */
/** @typedef {import('./draft.js').Opened} Opened */
/** @typedef {import('./draft.js').ColumnPreview} ColumnPreview */

/** What a column can be read as. @type {readonly string[]} */
const KINDS = ['number', 'category', 'date'];
const MOST_DEGREES = 12;

/**
 * @param {Opened['preview']} preview
 * @param {Draft} draft
 */
export function columnList({ columns }, draft) {
  const list = make('div', 'columns-list');
  list.setAttribute('role', 'group');
  list.setAttribute('aria-label', said('columns_features'));
  list.tabIndex = 0;
  /** @type {{ name: string, use: HTMLInputElement }[]} */
  let boxes = [];
  const render = () => {
    const head = make('div', 'column head');
    head.append(...['feature', 'kind', 'degree', 'values', 'missing'].map((key) => make('span', key, said(`columns_${key}`))));
    const rows = columns.map((column) => columnRow(column, columns, draft));
    boxes = rows.map(({ use }, i) => ({ name: columns[i].name, use }));
    list.replaceChildren(head, ...rows.map(({ row }) => row));
  };
  draft.subscribe(['target', 'kinds'], render);
  draft.subscribe(['features'], ({ features, target }) => {
    for (const { name, use } of boxes) use.checked = name !== target && features.includes(name);
  });
  render();
  return list;
}

/**
 * @param {ColumnPreview} column
 * @param {ColumnPreview[]} columns
 * @param {Draft} draft
 */
function columnRow(column, columns, draft) {
  const { name, kind, n_missing, n_bad } = column;
  const isTarget = name === draft.state.target;
  const use = document.createElement('input');
  use.type = 'checkbox';
  use.checked = !isTarget && draft.state.features.includes(name);
  use.disabled = isTarget || kind === 'empty';
  use.addEventListener('change', () => {
    const chosen = new Set(draft.state.features);
    if (use.checked) chosen.add(name);
    else chosen.delete(name);
    setFeatures(draft, inOrder(columns, chosen));
  });
  const word = make('span', 'name', name);
  word.title = name;
  const label = make('label', 'feature');
  label.append(use, word);
  if (isTarget) label.append(make('span', 'badge', said('columns_is_target')));
  const missing = make('span', 'missing figure', n_missing ? count(n_missing) : '–');
  if (n_bad) missing.append(make('span', 'bad', said('columns_bad', { n: count(n_bad) })));
  const row = make('div', `column${isTarget ? ' is-target' : ''}`);
  row.append(label, kindOfColumn(column, draft), degreeOf(column, draft), values(column), missing);
  return { row, use };
}

/**
 * @param {ColumnPreview} column
 * @param {Draft} draft
 */
function kindOfColumn(column, draft) {
  const { name, kind } = column;
  const kinds = KINDS.includes(kind) ? KINDS : [kind, ...KINDS];
  const control = makeSelect(kinds.map((each) => [each, said(`kind_${each}`)]), kindOf(draft, column));
  control.setAttribute('aria-label', said('columns_kind_of', { name }));
  control.disabled = kind === 'empty';
  control.addEventListener('change', () => {
    const others = draft.state.kinds.filter(([of]) => of !== name);
    draft.set({ kinds: control.value === kind ? others : [...others, [name, control.value]] });
  });
  return control;
}

/**
 * @param {ColumnPreview} column
 * @param {Draft} draft
 */
function degreeOf(column, draft) {
  const { name } = column;
  const kind = kindOf(draft, column);
  const now = () => draft.state.degrees.find(([of]) => of === name)?.[1] ?? 1;
  const control = document.createElement('input');
  Object.assign(control, { type: 'number', min: '1', max: String(MOST_DEGREES), value: String(now()) });
  control.setAttribute('aria-label', said('columns_degree_of', { name }));
  control.hidden = name === draft.state.target || kind === 'category' || !KINDS.includes(kind);
  control.addEventListener('change', () => {
    const value = Math.round(control.valueAsNumber);
    const others = draft.state.degrees.filter(([of]) => of !== name);
    draft.set({ degrees: value >= 2 && value <= MOST_DEGREES ? [...others, [name, value]] : others });
    control.value = String(now());
  });
  const power = make('span', 'degree');
  power.append(control);
  return power;
}

/** What a column holds, in words and in a picture. @param {ColumnPreview} column */
function values({ kind, summary, histogram, levels, n_levels }) {
  const place = make('span', 'values');
  if (summary) {
    const [low, mean, high] = summary;
    const isDate = kind === 'date';
    const date = (/** @type {number} */ days) => new Date(days * 86_400_000).toISOString().slice(0, 10);
    const ends = isDate
      ? { from: date(low), to: date(high), mean: '' }
      : { from: figure(low), to: figure(high), mean: `μ ${figure(mean)}` };
    place.append(bars(histogram), make('span', 'figure', said('columns_range', ends)));
  } else if (levels.length) {
    const names = levels.map(([name]) => name).join(', ');
    const words = make('span', 'levels', said('columns_levels', { n: count(n_levels), names }));
    words.title = names;
    place.append(bars(levels.map(([, n]) => n)), words);
  } else {
    place.append(make('span', 'muted', said(kind === 'empty' ? 'columns_nothing' : 'columns_words')));
  }
  return place;
}

/** @param {number[]} counts */
function bars(counts) {
  const most = Math.max(...counts, 1);
  const path = counts.map((n, i) => (n > 0 ? `M${3 * i} 18v${-Math.max((18 * n) / most, 1)}h2.4V18z` : '')).join('');
  const look = { class: 'bars', viewBox: `0 0 ${Math.max(counts.length, 1) * 3} 18`, preserveAspectRatio: 'none', 'aria-hidden': 'true' };
  return makeSvg('svg', look, makeSvg('path', { d: path }));
}
