// @ts-check
// Groups of the form follow the width: all open next to the pictures, closed below them on a phone. Both panels can be hidden.
import { part } from './dom.js';

/** @param {import('../store.js').Page} page */
export function startPanels({ root, media: { phone } }) {
  const groups = /** @type {NodeListOf<HTMLDetailsElement>} */ (part(root, 'form').querySelectorAll('details.group'));
  const apply = () => {
    for (const details of groups) {
      const { part: name } = details.dataset;
      details.open = name === 'group-rate' || (!phone.matches && name !== 'group-stop');
    }
  };
  phone.addEventListener('change', apply);
  apply();
  for (const [name, hides] of [['hide-form', 'no-form'], ['hide-side', 'no-side']]) {
    const button = part(root, name);
    button.addEventListener('click', () => {
      const hidden = root.classList.toggle(hides);
      button.setAttribute('aria-expanded', String(!hidden));
    });
  }
}
