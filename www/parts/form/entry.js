// @ts-check
// What a person enters: read, judged, and refused where it was entered.
import * as downhill from '../../wasm/engine/downhill.js';
import { text } from '../../words/index.js';
import { write } from './fields.js';

/** @typedef {import('../../wasm/engine/downhill.js').RunConfig} RunConfig */
/** @typedef {HTMLInputElement | HTMLSelectElement} Control */

/**
 * Marks what is being written, which an answer to something earlier must not take back.
 * @param {HTMLElement} control
 */
export function keepWhileWriting(control) {
  control.addEventListener('input', () => {
    control.dataset.writing = '';
  });
  for (const end of ['change', 'blur']) control.addEventListener(end, () => delete control.dataset.writing);
}

/**
 * Whether a control holds what a person is writing, or has written and was refused.
 * @param {HTMLElement} control
 */
export const isHeld = (control) => control.getAttribute('aria-invalid') === 'true' || 'writing' in control.dataset;

/**
 * What a number box says; undefined where it says nothing sound, which is then shown below it.
 * @param {Control} control
 * @param {HTMLElement} error
 * @param {{ whole?: boolean, optional?: boolean }} [field]
 */
export function numberIn(control, error, { whole = false, optional = false } = {}) {
  const input = /** @type {HTMLInputElement} */ (control);
  const typed = input.value.trim();
  if (typed === '' && optional && !input.validity.badInput) return null;
  const value = Number(typed);
  if (typed === '' || Number.isNaN(value)) {
    // A number box does not give what it cannot read.
    refuse(control, error, typed === '' ? text('no_number') : text('not_a_number', { text: typed }));
    return undefined;
  }
  if (whole && !Number.isInteger(value)) {
    refuse(control, error, text('not_whole', { text: typed }));
    return undefined;
  }
  return value;
}

/**
 * What is wrong with a number in its place, if anything. Rust reads whole numbers as integers: one that none of them
 * can hold is judged by the nearest that can be held.
 * @param {RunConfig} config
 * @param {string} path
 * @param {number | null} value
 * @returns {{ code?: string, params?: Record<string, string> } | undefined}
 */
export function judge(config, path, value) {
  const nearest = [value, ...((value ?? 0) < 0 ? [0] : [2 ** 53 - 1, 2 ** 32 - 1])];
  for (const held of nearest) {
    try {
      const problem = downhill.check_config(write(config, path, held));
      if (held === value) return problem;
      const params = { min: '0', max: String(held), ...problem?.params, field: path, value: String(value) };
      return { code: 'field_out_of_range', params };
    } catch {
      // Too large, or below zero: the next one is judged.
    }
  }
  return undefined;
}

/**
 * Shows why an entry is refused.
 * @param {HTMLElement} control
 * @param {HTMLElement} error
 * @param {string} message
 */
export function refuse(control, error, message) {
  control.setAttribute('aria-invalid', 'true');
  error.textContent = message;
  error.hidden = false;
}

/**
 * Takes a refusal away.
 * @param {HTMLElement} control
 * @param {HTMLElement} error
 */
export function accept(control, error) {
  control.removeAttribute('aria-invalid');
  error.hidden = true;
}
