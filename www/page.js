// @ts-check
// One page of Downhill below a root element: its store, its session, its parts, and its first run.
import * as downhill from './wasm/engine/downhill.js';
import { Client } from './client.js';
import { part } from './parts/dom.js';
import { startFiles } from './parts/files.js';
import { startForm } from './parts/form/index.js';
import { startHelp } from './parts/help.js';
import { startLanguage } from './parts/language.js';
import { startNotices } from './parts/notices.js';
import { startPanels } from './parts/panels.js';
import { startPredict } from './parts/predict.js';
import { startProgress } from './parts/progress.js';
import { startReadouts } from './parts/readouts.js';
import { startSpeed } from './parts/speed.js';
import { startStatus } from './parts/status.js';
import { startTabs } from './parts/tabs.js';
import { startTheme } from './parts/theme.js';
import { startTransport } from './parts/transport.js';
import { startViews } from './parts/views/index.js';
import { startWeights } from './parts/weights.js';
import { Runner } from './runner.js';
import { notify } from './store.js';
import { text } from './words/index.js';

/** @typedef {import('./store.js').Page} Page */
/** @typedef {import('./store.js').Store<import('./store.js').State>} Store */

/** The parts, in the order in which they hear of what changes. */
const parts = [
  startStatus, startNotices, startHelp, startProgress, startViews, startReadouts, startWeights, startPredict, startForm, startFiles,
  startTransport, startSpeed, startPanels, startTheme, startLanguage, startTabs,
];

/** Buttons that wait for the first run. */
const waiting = ['train', 'step', 'epoch', 'reset', 'export', 'import', 'predict-table'];

/**
 * Starts a page and its first run.
 * @param {WebAssembly.Module} module the engine's
 * @param {Omit<Page, 'client' | 'runner'>} outside what it is given
 * @param {ReturnType<typeof downhill.config_from_query>} linked what its address asks for
 */
export async function startPage(module, outside, linked) {
  const { root, store, media } = outside;
  const client = startClient(module, store);
  const runner = new Runner(store, client, outside.address);
  const page = { ...outside, client, runner };
  for (const start of parts) start(page);
  // What is long is sent only while it is displayed.
  const show = () => void client.ask({ kind: 'show', shown: { weights: true, path: store.state.tab === 'path' } });
  store.subscribe(['tab'], show);
  show();

  const trains = (await runner.begin(linked)) && !media.still.matches;
  root.classList.add('is-filled');
  for (const name of waiting) /** @type {HTMLButtonElement} */ (part(root, name)).disabled = false;
  if (trains) await client.ask({ kind: 'train' });
  // Ready is what shows how the run stands, and what was asked of it.
  const ready = () => {
    const { drawn } = store.state;
    if (drawn && !(trains && drawn === 'paused')) store.set({ ready: true });
    else requestAnimationFrame(ready);
  };
  ready();
}

/**
 * The session, whose snapshots go into the store.
 * @param {WebAssembly.Module} module
 * @param {Store} store
 */
function startClient(module, store) {
  return new Client(
    module,
    (snapshot) => {
      const { path, folds, step } = snapshot;
      store.set({
        snapshot,
        ...(path && { path }),
        ...(folds.length > 0 && { folds: remember(store.state.folds, step, folds) }),
      });
    },
    (error) => notify(store, 'crashed', () => text('crashed', { detail: error.message })),
    (busy) => store.set({ busy }),
    (progress) => store.set({ progress }),
  );
}

/** Snapshots of the folds that are kept: every other one goes where there are more. */
const MOST_STEPS = 400;

/**
 * The losses of the folds by step, with those of another one; a step before the last begins again.
 * @param {import('./store.js').State['folds']} known
 * @param {number} step
 * @param {Float32Array} losses
 */
function remember(known, step, losses) {
  const last = known.at(-1)?.step ?? -1;
  const all = [...(step < last ? [] : step === last ? known.slice(0, -1) : known), { step, losses }];
  return all.length > MOST_STEPS ? all.filter((_, i) => i % 2 === 0 || i === all.length - 1) : all;
}
