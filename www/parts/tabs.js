// @ts-check
// The bar of tabs: the fit, and after it the tabs of `tabs/index.js` that apply. Their names and modules come with the first of them.
import { tabs } from '../tabs/index.js';
import { make, makeButton, part } from './dom.js';

/** @typedef {import('../store.js').Page} Page */
/** @typedef {{ id: string, button: HTMLElement, panel: HTMLElement }} Shown */
/** @typedef {import('../tabs/index.js').Tab & Shown & { started: boolean }} Made */

/** @param {Page} page */
export function startTabs(page) {
  const { root, store } = page;
  const tools = [...root.querySelectorAll('.tabs > .tools')];
  /** @type {Shown} */
  const fit = { id: 'fit', button: part(root, 'tab-fit'), panel: part(root, 'fit-view') };
  /** @type {Made[]} */
  let made = [];
  /** @type {Promise<void> | undefined} */
  let making;

  const build = async () => {
    const { said } = await import('../words/table.js');
    made = tabs.map((row) => ({ ...row, ...buildTab(row.id), started: false }));
    fit.button.after(...made.map(({ button }) => button));
    fit.panel.after(...made.map(({ panel }) => panel));
    const word = () => made.forEach(({ id, button }) => (button.textContent = said(id)));
    store.subscribe(['language'], word);
    word();
    for (const tab of [fit, ...made]) listen(tab, () => [fit, ...made], (id) => store.set({ tab: id }));
  };
  const apply = () => {
    const { state } = store;
    if (!making) {
      if (tabs.some(({ when }) => when(state))) making = build().then(apply);
      return;
    }
    for (const tab of made) {
      tab.button.hidden = !tab.when(state);
      if (tab.button.hidden && store.state.tab === tab.id) store.set({ tab: 'fit' });
      if (tab.button.hidden || tab.started) continue;
      tab.started = true;
      void tab.load().then(({ start }) => start(page, tab.panel));
    }
  };
  store.subscribe(['dataset', 'run', 'path', 'folds'], apply);
  store.subscribe(['tab'], ({ tab }) => {
    for (const { id, button, panel } of [fit, ...made]) {
      button.setAttribute('aria-selected', String(id === tab));
      button.tabIndex = id === tab ? 0 : -1;
      panel.hidden = id !== tab;
    }
    for (const each of tools) /** @type {HTMLElement} */ (each).hidden = tab !== 'fit';
  });
}

/** @param {string} id */
function buildTab(id) {
  const button = makeButton('tab', '');
  button.id = `tab-${id}`;
  button.hidden = true;
  const panel = make('div', id);
  panel.id = `${id}-view`;
  panel.hidden = true;
  const attributes = { role: 'tab', 'aria-selected': 'false', 'aria-controls': panel.id, tabindex: '-1' };
  for (const [key, value] of Object.entries(attributes)) button.setAttribute(key, value);
  panel.setAttribute('role', 'tabpanel');
  panel.setAttribute('aria-labelledby', button.id);
  return { button, panel };
}

/**
 * @param {Shown} tab
 * @param {() => Shown[]} all
 * @param {(id: string) => void} select
 */
function listen({ id, button }, all, select) {
  button.addEventListener('click', () => select(id));
  button.addEventListener('keydown', (event) => {
    const move = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (move === undefined) return;
    event.preventDefault();
    const seen = all().filter((other) => !other.button.hidden);
    const at = seen.findIndex((other) => other.id === id);
    const next = seen[(at + move + seen.length) % seen.length];
    select(next.id);
    next.button.focus();
  });
}
