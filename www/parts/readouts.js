// @ts-check
// Numbers next to the pictures: each snapshot whole, so that what stands together belongs together.
import { format_bytes } from '../wasm/engine/downhill.js';
import { count, figure, text, wording } from '../words/index.js';
import { framed, make, partsOf, put } from './dom.js';
import { helpButton } from './help.js';
import { startRunState } from './run-state.js';

/** @typedef {import('../store.js').Page} Page */
/** @typedef {import('../store.js').State} State */
/** @typedef {import('../store.js').Snapshot} Snapshot */

/** Read-outs in their order, each with the term that explains it. @type {[string, string?][]} */
const names = [
  ['validation_loss', 'validation'], ['best'], ['r2', 'r2'], ['validation_r2'], ['gradient_norm', 'gradient_norm'], ['learning_rate'],
  ['batch_loss', 'loss'], ['exact_loss', 'exact'], ['distance', 'distance'], ['steps_per_second'],
];
/** Read-outs that are absent where they say nothing. */
const optional = ['validation_loss', 'best', 'validation_r2', 'r2'];

/** @param {Page} page */
export function startReadouts(page) {
  const { root, store } = page;
  const places = partsOf(
    root, 'step-count', 'epoch-count', 'counters', 'loss', 'loss-kind', 'loss-note', 'memory-note', 'backend-kind', 'backend-why',
    'backend-reason', 'backend-chip', 'readouts',
  );
  /** @type {Map<string, HTMLElement>} */
  const values = new Map();
  const build = () => {
    places.readouts.replaceChildren(...names.map(([name, help]) => {
      const value = make('dd', 'figure', '–');
      const term = make('dt', '', text(`read_${name}`));
      if (help) term.append(helpButton(help, text(`read_${name}`)));
      const row = make('div');
      row.append(term, value);
      values.set(name, value);
      return row;
    }));
  };
  const draw = framed(() => {
    const { state } = store;
    const { snapshot } = state;
    if (!snapshot) return;
    for (const [name, words] of Object.entries(valuesOf(snapshot, state.exact))) {
      const place = values.get(name);
      put(place, words);
      const line = place?.parentElement;
      if (line && optional.includes(name)) line.hidden = words === '–';
    }
    drawCounters(places, snapshot);
    if (state.dataset) {
      const [used, data] = [snapshot.memory_bytes, state.dataset.bytes].map(format_bytes);
      put(places['memory-note'], text('memory_note', { used, data }));
    }
    drawBackend(places, snapshot);
  });
  store.subscribe(['language'], build);
  store.subscribe(['snapshot', 'language'], draw);
  build();
  startRunState(page);
}

/**
 * @param {Snapshot} snapshot
 * @param {State['exact']} exact
 * @returns {Record<string, string>}
 */
function valuesOf(snapshot, exact) {
  const { best, distance, steps_per_second: speed } = snapshot;
  return {
    validation_loss: figure(snapshot.validation_loss),
    best: best ? text('read_best_at', { loss: figure(best[0]), step: count(best[1]) }) : '–',
    validation_r2: figure(snapshot.validation_r2),
    r2: figure(snapshot.r2),
    gradient_norm: figure(snapshot.gradient_norm),
    learning_rate: figure(snapshot.learning_rate, true),
    batch_loss: figure(snapshot.batch_loss),
    exact_loss: figure(exact?.loss),
    distance: distance === null && exact?.weights[0] !== null ? text('not_unique') : figure(distance),
    steps_per_second: speed > 0 ? count(speed) : '–',
  };
}

/**
 * @param {Record<string, HTMLElement>} places
 * @param {Snapshot} snapshot
 */
function drawCounters(places, { step, epoch, loss, loss_is_sample: sampled, loss_rows: rows }) {
  put(places['step-count'], count(step));
  put(places['epoch-count'], count(epoch));
  // Nine digits are reached within seconds, and twelve within hours.
  places.counters.classList.toggle('long', step >= 1e8);
  put(places.loss, figure(loss));
  put(places['loss-kind'], sampled ? text('loss_sample') : '');
  put(places['loss-note'], sampled ? text('loss_sample_note', { rows: count(rows) }) : '');
}

/**
 * @param {Record<string, HTMLElement>} places
 * @param {Snapshot} snapshot
 */
function drawBackend(places, { backend }) {
  const [kind, reason] = [backend.kind === 'gpu' ? 'GPU' : 'CPU', wording(backend.reason)];
  put(places['backend-kind'], kind);
  put(places['backend-why'], ` · ${reason}`);
  const parts = { kind, name: backend.name, reason };
  const { how } = backend;
  const whole = how ? text('backend_reason_how', { ...parts, how: wording(how) }) : text('backend_reason', parts);
  put(places['backend-reason'], whole);
  const chip = places['backend-chip'];
  if (chip.title !== whole) chip.title = whole;
  chip.classList.toggle('fallback', backend.fallback);
  chip.dataset.kind = backend.kind;
}
