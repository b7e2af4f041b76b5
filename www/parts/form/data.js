// @ts-check
// The data of a run: presets, sources, points that are added by hand, and the memory that the rows take.
import * as downhill from '../../wasm/engine/downhill.js';
import { count, text, wording } from '../../words/index.js';
import { presets } from '../../presets.js';
import { labelFor, make, makeButton, makeSelect } from '../dom.js';
import { chooseColumnsAgain, openTableDialog } from '../files.js';
import { accept, numberIn, refuse } from './entry.js';
import { restartMark } from './row.js';

/** @typedef {import('../../wasm/engine/downhill.js').RunConfig} RunConfig */
/** @typedef {import('./index.js').Editing} Editing */

const sources = [
  'linspace', 'old_faithful', 'galton_heights', 'mtcars', 'challenger', 'coal_disasters', 'diabetes', 'west_roxbury', 'longley',
  'iris', 'breast_cancer',
];

/**
 * Presets, sources and the buttons for tables.
 * @param {HTMLElement} body
 * @param {Editing} editing
 */
export function buildSources(body, editing) {
  const row = make('div', 'grid two');
  const options = Object.keys(presets).map((id) => [id, text(`preset_${id}`)]);
  const preset = headed(row, 'preset', makeSelect([['', text('preset_none')], ...options]));
  preset.parentElement?.classList.add('wide');
  preset.addEventListener('change', () => {
    if (preset.value in presets) void editing.preset(preset.value);
  });
  const source = headed(row, 'source', makeSelect(sources.map((id) => [id, text(`source_${id}`)])));
  const own = new Option(text('source_table'), 'table');
  own.disabled = true;
  source.append(own);
  source.addEventListener('change', () => void editing.replace(downhill.choose_source(editing.config, source.value)));
  const load = makeButton('', text('load'), () => openTableDialog(editing.page));
  load.id = 'load';
  const columns = makeButton('', text('columns'), () => void chooseColumnsAgain(editing.page));
  columns.id = 'columns';
  const [next, below] = [make('div', 'field bottom'), make('div', 'field wide')];
  next.append(load);
  below.append(columns);
  row.append(next, below);
  body.append(row);
  editing.onRender(({ data }) => {
    const { source: now } = data;
    source.value = now.kind === 'shipped' ? now.table : now.kind;
    below.hidden = now.kind === 'linspace' || (now.kind === 'table' && data.columns.features.length === 0);
    own.hidden = now.kind !== 'table';
    if (now.kind === 'table') own.textContent = now.name;
  });
}

/**
 * A select box below its label, which says that it restarts the run.
 * @param {HTMLElement} row
 * @param {string} id
 * @param {HTMLSelectElement} select
 */
function headed(row, id, select) {
  select.id = id;
  const { mark, note } = restartMark(id);
  select.setAttribute('aria-describedby', note.id);
  const head = make('div', 'head');
  head.append(labelFor(select, text(id)), mark, note);
  const field = make('div', 'field');
  field.append(head, select);
  row.append(field);
  return select;
}

/**
 * What of the data is folded away, and below it the memory that the rows take.
 * @param {HTMLElement} body
 * @param {HTMLElement} folded fields of the generated line
 * @param {Editing} editing
 * @returns {(config: RunConfig) => void} says what memory a configuration's rows take, before it is taken
 */
export function buildPoints(body, folded, editing) {
  const more = make('details', 'more');
  more.append(make('summary', '', text('edit_points')), folded, ...pointFields(editing), make('p', 'hint', text('edit_hint')));
  const memory = make('p', 'hint');
  memory.id = 'memory';
  const foot = make('div', 'foot');
  foot.append(more, memory);
  body.append(foot);
  editing.onRender((config) => {
    // A point has one x.
    more.hidden = config.data.columns.features.length > 1;
  });
  return (config) => {
    const { data: { source, added, removed }, model: { degree } } = config;
    const { n_samples: rows = 0, n_features: features = 1 } = editing.page.store.state.dataset ?? {};
    const n = source.kind === 'linspace' ? source.n_samples + added.length - removed.length : rows;
    const several = source.kind !== 'linspace' && features > 1;
    // Rows of several inputs are read where they are kept.
    const size = downhill.memory_of(n, several ? features : degree, source.kind !== 'linspace' && !several);
    // What is being written may not be a number yet.
    memory.textContent = n > 0 && degree > 0 ? text('memory', { n: count(n), size }) : '';
  };
}

/** Boxes in which a point is written. @param {Editing} editing */
function pointFields(editing) {
  const points = make('div', 'grid');
  const boxes = ['point_x', 'point_y'].map((key) => {
    const field = make('div', 'field');
    const input = document.createElement('input');
    input.type = 'number';
    input.step = 'any';
    input.id = `add-${key}`;
    field.append(labelFor(input, text(key)), input);
    points.append(field);
    return input;
  });
  const error = make('p', 'error');
  error.hidden = true;
  const add = makeButton('', text('add_point'), async () => {
    for (const box of boxes) accept(box, error);
    const [x, y] = boxes.map((box) => numberIn(box, error));
    if (x === undefined || y === undefined || x === null || y === null) return;
    try {
      editing.page.runner.take(await editing.page.client.ask({ kind: 'add_point', x, y }));
    } catch (problem) {
      refuse(boxes[0], error, wording(/** @type {any} */ (problem)));
    }
  });
  const last = make('div', 'field bottom');
  last.append(add);
  points.append(last);
  return [points, error];
}
