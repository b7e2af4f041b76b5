// @ts-check
// A field's row: its label, its control and the place of its refusal.
import { text } from '../../words/index.js';
import { helpButton } from '../help.js';
import { labelFor, make, makeSelect } from '../dom.js';
import { optionsOf } from './choices.js';
import { keepWhileWriting } from './entry.js';

/** @typedef {import('./fields.js').Field} Field */
/** @typedef {import('./entry.js').Control} Control */
/** @typedef {{ row: HTMLElement, control: Control, error: HTMLElement }} Row */

/**
 * The sign of what restarts a run, and the same in words.
 * @param {string} id of the control
 */
export function restartMark(id) {
  const mark = make('span', 'restart', '↻');
  mark.title = text('restarts');
  mark.setAttribute('aria-hidden', 'true');
  const note = make('span', 'hidden', text('restarts'));
  note.id = `${id}-restarts`;
  return { mark, note };
}

/**
 * @param {Field} field
 * @param {{ restarts: boolean, described: string[], config: () => import('./fields.js').RunConfig }} about whether it restarts the
 *   run, what else describes it, and the configuration by then
 * @returns {Row}
 */
export function buildRow(field, { restarts, described, config }) {
  const id = `field-${field.path.replaceAll('.', '-')}`;
  const words = text(`field_${field.path}`);
  const control = buildControl(field);
  control.id = id;
  const error = make('p', 'error');
  error.id = `${id}-error`;
  error.hidden = true;
  const head = make('div', 'head');
  head.append(labelFor(control, words));
  const describing = [error.id, ...described];
  if (restarts) {
    const { mark, note } = restartMark(id);
    describing.unshift(note.id);
    head.append(mark, note);
  }
  control.setAttribute('aria-describedby', describing.join(' '));
  const { help } = field;
  if (help) head.append(helpButton(typeof help === 'string' ? help : () => help(config()), words));
  const row = make('div', classOf(field));
  if (field.kind === 'check') row.append(control, head, error);
  else row.append(head, control, error);
  return { row, control, error };
}

/** @param {Field} field */
function classOf({ kind, wide, inline }) {
  if (kind === 'check') return 'field check';
  if (wide) return 'field wide';
  return inline ? 'field inline' : 'field';
}

/**
 * @param {Field} field
 * @returns {Control}
 */
function buildControl({ kind, choice = '', whole, optional }) {
  if (kind === 'select') return makeSelect(optionsOf(choice));
  const control = document.createElement('input');
  control.type = kind === 'check' ? 'checkbox' : 'number';
  if (kind === 'number') {
    control.step = whole ? '1' : 'any';
    control.inputMode = whole ? 'numeric' : 'decimal';
    if (optional) control.placeholder = text('none');
    keepWhileWriting(control);
  }
  return control;
}
