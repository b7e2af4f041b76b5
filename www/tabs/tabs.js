// @ts-check
// Tabs beside the fit, for what comes later than the first visit.
import { make } from '../parts/dom.js';

/** @typedef {{ tab: HTMLElement, panel: HTMLElement, shown?: () => void }} Tab */

/** @param {string} id */
const element = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** @type {Tab[]} */
const tabs = [];

/** @param {Tab} added */
function listen(added) {
  tabs.push(added);
  const { tab } = added;
  tab.addEventListener('click', () => select(tab));
  tab.addEventListener('keydown', (event) => {
    const move = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (move === undefined) return;
    event.preventDefault();
    const seen = tabs.filter((other) => !other.tab.hidden);
    const at = seen.findIndex((other) => other.tab === tab);
    const next = seen[(at + move + seen.length) % seen.length].tab;
    select(next);
    next.focus();
  });
}

/** @param {HTMLElement} tab */
function select(tab) {
  for (const other of tabs) {
    const mine = other.tab === tab;
    other.tab.setAttribute('aria-selected', String(mine));
    other.tab.tabIndex = mine ? 0 : -1;
    other.panel.hidden = !mine;
  }
  const isFit = tab === tabs[0].tab;
  for (const tools of document.querySelectorAll('.tabs > .tools')) /** @type {HTMLElement} */ (tools).hidden = !isFit;
  tabs.find((other) => other.tab === tab)?.shown?.();
}

/**
 * Adds a tab after those that are there, and its panel.
 * @param {string} name of its ids and its class
 * @param {() => void} shown when it is chosen
 */
export function addTab(name, shown) {
  if (tabs.length === 0) listen({ tab: element('tab-fit'), panel: element('fit-view') });
  const before = tabs[tabs.length - 1];
  const tab = make('button', 'tab');
  tab.id = `tab-${name}`;
  for (const [key, value] of [['type', 'button'], ['role', 'tab'], ['aria-selected', 'false'], ['aria-controls', `${name}-view`], ['tabindex', '-1']]) {
    tab.setAttribute(key, value);
  }
  before.tab.after(tab);
  const panel = make('div', name);
  panel.id = `${name}-view`;
  panel.setAttribute('role', 'tabpanel');
  panel.setAttribute('aria-labelledby', tab.id);
  panel.hidden = true;
  before.panel.after(panel);
  listen({ tab, panel, shown });
  return {
    tab,
    panel,
    get isShown() {
      return !panel.hidden;
    },
    /** Takes the tab away, or brings it back; who stands on it goes to the fit. @param {boolean} hidden */
    hide(hidden) {
      tab.hidden = hidden;
      if (hidden && !panel.hidden) select(tabs[0].tab);
    },
  };
}
