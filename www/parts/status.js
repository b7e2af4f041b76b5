// @ts-check
// What a screen reader hears, and whether the page is busy.
import { text } from '../words/index.js';
import { part } from './dom.js';

/** @param {import('../store.js').Page} page */
export function startStatus({ root, store }) {
  const [main, status] = [part(root, 'main'), part(root, 'status')];
  store.subscribe(['announcement'], ({ announcement }) => {
    status.textContent = announcement;
  });
  store.subscribe(['busy'], ({ busy }) => {
    root.classList.toggle('is-busy', busy);
    main.setAttribute('aria-busy', String(busy));
    store.set({ announcement: busy ? text('working') : '' });
  });
  store.subscribe(['ready'], ({ ready }) => root.classList.toggle('is-ready', ready));
}
