// @ts-check
// How the run stands: the Train button, what a screen reader hears of it, and what can be done where it has ended.
import { count, figure, text, wording } from '../words/index.js';
import { framed, make, makeButton, part, partsOf, put } from './dom.js';
import { helpButton } from './help.js';

/** @typedef {import('../store.js').Page} Page */
/** @typedef {import('../store.js').Snapshot} Snapshot */

/** A summary for screen readers comes no more often than this while training. */
const SUMMARY_MS = 5000;

/** @param {Page} page */
export function startRunState(page) {
  const { root, store } = page;
  const { train, finished } = partsOf(root, 'train', 'finished');
  const label = train.querySelector('span');
  let [told, toldAt] = ['', 0];

  const draw = framed(() => {
    const { snapshot } = store.state;
    if (!snapshot) return;
    const { status, step, loss } = snapshot;
    const training = status.kind === 'training';
    put(label, text(training ? 'pause' : 'train'));
    train.classList.toggle('running', training);
    const at = { step: count(step), loss: figure(loss) };
    const key = `${status.kind} ${'reason' in status ? status.reason.code : ''} ${training ? '' : step}`;
    const now = performance.now();
    if (key !== told) {
      [told, toldAt] = [key, now];
      const reason = 'reason' in status ? wording(status.reason) : '';
      store.set({ announcement: text(`status_${status.kind}`, { ...at, reason }) });
      drawDiverged(page, snapshot);
      finished.hidden = status.kind !== 'finished';
      finished.textContent = status.kind === 'finished' ? text('finished', { reason }) : '';
    } else if (training && now - toldAt > SUMMARY_MS) {
      toldAt = now;
      store.set({ announcement: text('status_summary', at) });
    }
    store.set({ drawn: status.kind });
  });
  store.subscribe(['language'], () => {
    told = '';
  });
  store.subscribe(['snapshot', 'language'], draw);
}

/**
 * @param {Page} page
 * @param {Snapshot} snapshot
 */
function drawDiverged({ root, runner }, { status }) {
  const band = part(root, 'diverged');
  band.hidden = status.kind !== 'diverged';
  band.replaceChildren();
  if (status.kind !== 'diverged') return;
  const rate = status.suggested_rate;
  const restart = makeButton('', text('diverged_mend', { rate: String(rate) }), () => {
    // The button goes with what it mends: the keyboard is not left without a place.
    part(root, 'train').focus();
    void runner.restartAt(rate);
  });
  const words = make('p');
  words.append(make('strong', '', text('diverged_title')), text('diverged_reason', { reason: wording(status.reason) }));
  words.append(helpButton('divergence', text('diverged_title')));
  band.append(words, restart);
}
