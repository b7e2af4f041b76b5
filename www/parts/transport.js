// @ts-check
// Train, step, epoch, reset: their buttons, and the keys of the page.
import { showKeys } from '../dialogs/keys.js';
import { part } from './dom.js';

/** @param {import('../store.js').Page} page */
export function startTransport({ root, store, runner }) {
  const actions = {
    train: () => void runner.do(store.state.snapshot?.status.kind === 'training' ? 'pause' : 'train'),
    step: () => void runner.do('step'),
    epoch: () => void runner.do('epoch'),
    reset: () => void runner.do('reset'),
  };
  for (const [name, action] of Object.entries(actions)) part(root, name).addEventListener('click', action);
  const help = () => showKeys(root);
  part(root, 'keys-button').addEventListener('click', help);
  /** @type {Record<string, () => void>} */
  const keys = { ' ': actions.train, '.': actions.step, e: actions.epoch, r: actions.reset, '?': help };
  root.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || root.querySelector('dialog[open]')) return;
    const target = /** @type {HTMLElement} */ (event.target);
    const typing = target.matches('textarea, select, input:not([type=range]):not([type=checkbox])');
    const pressing = event.key === ' ' && target.closest('button, summary, a, input[type=checkbox]');
    const action = keys[event.key];
    if (!action || typing || pressing) return;
    event.preventDefault();
    // A key that is held steps on and on, but does not train and pause by turns.
    if (event.repeat && action === actions.train) return;
    action();
  });
}
