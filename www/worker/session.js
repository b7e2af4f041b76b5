// @ts-check
/// <reference lib="webworker" />
// The worker: one session, whose requests and ticks take turns and never overlap. What may take long breathes in between,
// and can be cancelled then. Or that worker's own second one, which goes over half of the rows.
import { initSync, Partner, Session } from '../wasm/engine/downhill.js';

const scope = /** @type {DedicatedWorkerGlobalScope} */ (/** @type {unknown} */ (globalThis));

/** @param {string} id of a shipped table */
async function fetchTable(id) {
  const response = await fetch(new URL(`../data/${id.replace('_', '-')}.csv`, import.meta.url));
  if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
  return response.text();
}

/**
 * Rows of a table that is kept here, beside the session.
 * @param {import('../wasm/engine/downhill.js').Source} source
 * @param {import('../wasm/engine/downhill.js').Columns} columns
 * @returns {Promise<import('../wasm/engine/downhill.js').TableRows | undefined>}
 */
async function openRows(source, columns) {
  const { rowsOf } = await import('./tables.js');
  return rowsOf(source, columns, fetchTable);
}

/** @type {WebAssembly.Module} */
let module;
const spawn = () => {
  const second = new Worker(import.meta.url, { type: 'module' });
  second.postMessage({ type: 'partner', module });
  return second;
};
const post = (/** @type {unknown} */ event, /** @type {Transferable[]} */ transfer) => scope.postMessage({ event }, transfer);

/** @type {Session | undefined} */
let session;
/** @type {{ id: number, request: any }[]} */
const inbox = [];
let running = false;

// A message to oneself yields to the events that wait, without the clamp that timers have.
const channel = new MessageChannel();
channel.port1.onmessage = () => void turn();

/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

/** @param {number} milliseconds */
function wake(milliseconds) {
  clearTimeout(timer);
  timer = undefined;
  if (milliseconds < 1) channel.port2.postMessage(null);
  else timer = setTimeout(() => void turn(), milliseconds);
}

// The request that is being handled, and the last one that is not to be.
let current = 0;
let cancelled = 0;

/** @type {(() => void) | undefined} */
let breathed;
const breath = new MessageChannel();
breath.port1.onmessage = () => breathed?.();

/**
 * Shows how far a request is and takes the messages that have come. Whether to go on with it.
 * @param {import('../wasm/engine/downhill.js').Progress} event
 */
async function breathe(event) {
  scope.postMessage({ id: current, event });
  await new Promise((done) => {
    breathed = () => done(undefined);
    breath.port2.postMessage(null);
  });
  return current !== cancelled;
}

async function turn() {
  if (running || !session) return;
  running = true;
  clearTimeout(timer);
  timer = undefined;
  let wait = -1;
  try {
    for (let next = inbox.shift(); next; next = inbox.shift()) {
      const { id, request } = next;
      current = id;
      try {
        const answer = ['open_table', 'infer', 'diagnose'].includes(request.kind)
          ? await import('./tables.js').then((tables) => tables.handle(request, breathe))
          : await session.handle(request);
        scope.postMessage({ id, answer });
      } catch (error) {
        const { message, code, params } = /** @type {any} */ (error);
        if (error instanceof WebAssembly.RuntimeError) throw error;
        scope.postMessage({ id, error: { message, code, params } });
      }
    }
    wait = await session.tick();
  } catch (error) {
    scope.postMessage({ crash: String(/** @type {any} */ (error)?.message ?? error) });
    session = undefined;
  }
  running = false;
  if (inbox.length > 0) wake(0);
  else if (wait >= 0) wake(wait);
}

/** @type {Partner | undefined} */
let partner;

scope.addEventListener('message', ({ data }) => {
  if (partner) {
    scope.postMessage(partner.hear(data));
    return;
  }
  if (data.type === 'partner') {
    initSync({ module: data.module });
    partner = new Partner();
    return;
  }
  if (data.type === 'init') {
    initSync({ module: data.module });
    module = data.module;
    session = new Session(post, openRows, breathe, spawn);
  } else if ('cancel' in data) {
    cancelled = data.cancel;
    return;
  } else {
    inbox.push(data);
  }
  wake(0);
});
