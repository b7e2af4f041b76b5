// @ts-check
// The tabs after the fit, in their order. A new tab is a row here, a module with `start`, and its words.

/** @typedef {import('../store.js').Page} Page */
/** @typedef {import('../store.js').State} State */
/**
 * @typedef {object} Tab
 * @property {string} id of its button and its panel, and the key of its name in `words/table.js`
 * @property {(state: State) => boolean} when whether it applies; where it does not, it is absent
 * @property {() => Promise<{ start: (page: Page, panel: HTMLElement) => void }>} load its module, when it first applies
 */

const isOnTable = (/** @type {State} */ { dataset, run }) => dataset !== undefined && run?.config.data.source.kind !== 'linspace';

/** @type {Tab[]} */
export const tabs = [
  { id: 'coefficients', when: isOnTable, load: () => import('./coefficients.js') },
  { id: 'diagnostics', when: isOnTable, load: () => import('./diagnostics/index.js') },
  { id: 'path', when: ({ run }) => (run?.config.penalty_path ?? 0) > 1, load: () => import('./path.js') },
  { id: 'folds', when: ({ folds }) => (folds.at(-1)?.losses.length ?? 0) > 1, load: () => import('./folds.js') },
];
