// @ts-check
// Products of two features, which are features too.
import { make, makeButton, makeSelect } from '../../parts/dom.js';
import { said } from '../../words/table.js';

/** @typedef {import('./draft.js').Draft} Draft */

/** @param {Draft} draft */
export function products(draft) {
  const place = make('div', 'products');
  const render = () => {
    const { features, interactions } = draft.state;
    const chips = interactions.map(([a, b], i) => {
      const chip = makeButton('chip-button', `${a} × ${b} ✕`, () => {
        draft.set({ interactions: draft.state.interactions.filter((_, j) => i !== j) });
      });
      chip.setAttribute('aria-label', said('columns_remove', { name: `${a} × ${b}` }));
      return chip;
    });
    place.replaceChildren(make('span', 'label', said('columns_interactions')), ...chips);
    if (features.length >= 2) place.append(...adding(draft));
  };
  draft.subscribe(['features', 'interactions'], render);
  render();
  return place;
}

/** Two select boxes and a button that adds their product. @param {Draft} draft */
function adding(draft) {
  const { features } = draft.state;
  const [one, other] = ['columns_first', 'columns_second'].map((words, at) => {
    const control = makeSelect(features.map((name) => [name, name]), features[at]);
    control.setAttribute('aria-label', said(words));
    return control;
  });
  const add = makeButton('', said('columns_add'), () => {
    const [a, b] = [one.value, other.value];
    const { interactions } = draft.state;
    if (a === b || interactions.some((pair) => pair.includes(a) && pair.includes(b))) return;
    draft.set({ interactions: [...interactions, [a, b]] });
  });
  return [one, make('span', '', '×'), other, add];
}
