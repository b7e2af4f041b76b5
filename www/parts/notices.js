// @ts-check
// Notices below the header, each until a person or what it is about takes it away.
import { text } from '../words/index.js';
import { make, makeButton, part } from './dom.js';

/** @typedef {import('../store.js').Notice} Notice */

/** @param {import('../store.js').Page} page */
export function startNotices({ root, store }) {
  const place = part(root, 'notices');
  /** @type {Map<Notice, { element: HTMLElement, content: HTMLElement }>} */
  const shown = new Map();

  const show = (/** @type {Notice} */ notice) => {
    const { kind, words } = notice;
    const close = makeButton('icon', '×', () => store.set({ notices: store.state.notices.filter((other) => other !== notice) }));
    close.setAttribute('aria-label', text('dismiss'));
    const content = make('p', '', words());
    if (kind === 'refused' || kind === 'crashed') content.setAttribute('role', 'alert');
    const element = make('div', `notice ${kind}`);
    element.dataset.kind = kind;
    element.append(content, close);
    place.append(element);
    shown.set(notice, { element, content });
  };

  store.subscribe(['notices'], ({ notices }) => {
    for (const [notice, { element }] of shown) {
      if (notices.includes(notice)) continue;
      element.remove();
      shown.delete(notice);
    }
    for (const notice of notices) if (!shown.has(notice)) show(notice);
  });
  store.subscribe(['language'], () => {
    for (const [{ words }, { content }] of shown) content.textContent = words();
  });
}
