// @ts-check
// The method: a select box that looks like a row of segments.
import { text } from '../../words/index.js';
import { helpButton } from '../help.js';
import { make, makeSelect } from '../dom.js';
import { choose, optionsOf } from './choices.js';

/**
 * @param {HTMLElement} body
 * @param {import('./index.js').Editing} editing
 */
export function buildMethod(body, editing) {
  const methods = optionsOf('method');
  const select = makeSelect(methods);
  select.setAttribute('aria-label', text('field_method'));
  const shown = make('div', 'shown');
  shown.setAttribute('aria-hidden', 'true');
  const shownMethods = methods.map(([method, words]) => {
    const segment = make('span', '', words);
    segment.addEventListener('click', () => {
      select.value = method;
      select.dispatchEvent(new Event('change'));
      select.focus();
    });
    return segment;
  });
  shown.append(...shownMethods);
  const error = make('p', 'error');
  error.hidden = true;
  select.addEventListener('change', () => {
    editing.take(choose.method(editing.config, /** @type {any} */ (select.value)), select, error);
  });
  const segments = make('div', 'segments');
  segments.append(select, shown);
  body.append(helpButton(() => `method_${editing.config.method}`, text('field_method')), segments, error);
  editing.onRender(({ method }) => {
    select.value = method;
    shownMethods.forEach((segment, i) => segment.classList.toggle('on', methods[i][0] === method));
  });
}
