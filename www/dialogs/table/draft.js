// @ts-check
// What is being chosen of a table, and the controls that it is chosen with.
import { labelFor, make, makeSelect } from '../../parts/dom.js';
import { Store } from '../../store.js';

/** @typedef {import('../../wasm/engine/downhill.js').Opened} Opened */
/** @typedef {import('../../wasm/engine/downhill.js').Columns} Columns */
/** @typedef {import('../../wasm/engine/downhill.js').ColumnPreview} ColumnPreview */
/** @typedef {import('../../store.js').RunConfig} RunConfig */
/** @typedef {Store<Columns & Pick<RunConfig['model'], 'degrees' | 'interactions'>>} Draft */

/**
 * What is chosen at first: what the run has chosen, where it is on this table.
 * @param {RunConfig} config
 * @param {Opened} opened
 * @param {boolean} isShipped whether the table is one of the page's own
 * @returns {Draft}
 */
export function draftOf({ data: { source, columns }, model }, { preview, fingerprint }, isShipped) {
  const same = isShipped || (source.kind === 'table' && source.fingerprint === fingerprint);
  const choice = same && columns.target ? columns : preview.choice;
  const features = same && columns.features.length === 0 ? preview.choice.features : choice.features;
  const { degrees, interactions } = same ? model : { degrees: [], interactions: [] };
  return new Store({ ...choice, features, degrees, interactions });
}

/**
 * What a column is read as.
 * @param {Draft} draft
 * @param {ColumnPreview} column
 */
export const kindOf = (draft, { name, kind }) => draft.state.kinds.find(([of]) => of === name)?.[1] ?? kind;

/**
 * Chooses what is learned from. A product goes with its features.
 * @param {Draft} draft
 * @param {string[]} features
 */
export function setFeatures(draft, features) {
  const interactions = draft.state.interactions.filter((pair) => pair.every((name) => features.includes(name)));
  draft.set({ features, interactions });
}

/**
 * Chooses what is learned. What was learned before becomes a feature.
 * @param {Draft} draft
 * @param {ColumnPreview[]} columns
 * @param {string} target
 */
export function setTarget(draft, columns, target) {
  const { target: before, features } = draft.state;
  if (target === before) return;
  const freed = columns.find(({ name }) => name === before);
  const kept = features.filter((name) => name !== target);
  const chosen = freed && freed.kind !== 'text' ? inOrder(columns, new Set([...kept, before])) : kept;
  draft.set({ target });
  setFeatures(draft, chosen);
}

/**
 * Names in the order of the table, whatever the order of the clicks.
 * @param {ColumnPreview[]} columns
 * @param {Set<string>} chosen
 */
export const inOrder = (columns, chosen) => columns.map(({ name }) => name).filter((name) => chosen.has(name));

let ids = 0;

/**
 * A select box below its label.
 * @param {string} words
 * @param {string[][]} options value and words
 * @param {string} value
 */
export function select(words, options, value) {
  ids += 1;
  const control = makeSelect(options, value);
  control.id = `columns-${ids}`;
  const row = make('div', 'field');
  row.append(labelFor(control, words), control);
  return { row, control };
}

/**
 * A check box in front of its label.
 * @param {string} words
 * @param {boolean} checked
 */
export function tick(words, checked) {
  const control = document.createElement('input');
  control.type = 'checkbox';
  control.checked = checked;
  const row = make('label', 'tick');
  row.append(control, make('span', '', words));
  return { row, control };
}
