// @ts-check
// The one store of a page: what is known of the run, the data and the configuration. Parts subscribe to it; each change
// makes a new state, and nothing that a state holds is changed.

/** @typedef {import('./wasm/engine/downhill.js').RunConfig} RunConfig */
/** @typedef {import('./wasm/engine/downhill.js').Configured} Configured */
/** @typedef {import('./wasm/engine/downhill.js').DatasetInfo} DatasetInfo */
/** @typedef {import('./wasm/engine/downhill.js').Snapshot} Snapshot */
/** @typedef {import('./client.js').Client} Client */
/** @typedef {import('./runner.js').Runner} Runner */
/** @typedef {{ message?: string, text?: string, code?: string, params?: Record<string, string> }} Problem */
/** @typedef {{ kind: 'refused' | 'crashed' | 'notice' | 'link' | 'preset', words: () => string }} Notice */

/**
 * @typedef {object} State
 * @property {RunConfig} config the configuration that the form shows
 * @property {Configured | undefined} run the run, as the session has last confirmed it
 * @property {DatasetInfo | undefined} dataset the rows of the run; another object means other rows
 * @property {DatasetInfo['exact'] | undefined} exact what descent is heading for
 * @property {Snapshot | undefined} snapshot the latest one
 * @property {Snapshot['path'] | undefined} path the latest coefficient path over these rows
 * @property {readonly { step: number, losses: Float32Array }[]} folds validation losses of every fold over these rows
 * @property {RunConfig | undefined} awaited the configuration of a link, until its table is opened
 * @property {readonly string[]} inputs what is typed into the panel of predictions, one value for each of several inputs
 * @property {string} tab the tab that is shown
 * @property {string | undefined} drawn the status of the run that is on screen
 * @property {boolean} ready whether the page shows how the run stands, and does what it was asked for
 * @property {boolean} busy whether an answer takes long
 * @property {{ event: import('./wasm/engine/downhill.js').Progress, cancel: () => void } | undefined} progress of long work
 * @property {Problem | undefined} refusal why the configuration of the form was refused
 * @property {readonly Notice[]} notices
 * @property {string} announcement what a screen reader hears
 * @property {string} language
 * @property {{ choice: string, dark: boolean }} theme the chosen theme, and whether it is dark
 */

/**
 * What every part of a page is given. Parts look below their root alone; what belongs to the browser comes from outside.
 * @typedef {object} Page
 * @property {HTMLElement} root
 * @property {Store<State>} store
 * @property {Client} client asks the session
 * @property {Runner} runner changes the run
 * @property {import('./address.js').Address} address
 * @property {import('./preferences.js').Preferences} preferences
 * @property {import('./media.js').Media} media
 */

/** What a page knows before it has a run. @param {Pick<State, 'config' | 'language' | 'theme'>} known @returns {State} */
export const initialState = (known) => ({
  ...known,
  run: undefined,
  dataset: undefined,
  exact: undefined,
  snapshot: undefined,
  path: undefined,
  folds: [],
  awaited: undefined,
  inputs: [],
  tab: 'fit',
  drawn: undefined,
  ready: false,
  busy: false,
  progress: undefined,
  refusal: undefined,
  notices: [],
  announcement: '',
});

/**
 * A state that changes in one place.
 * @template {object} S
 */
export class Store {
  /** @type {Readonly<S>} */
  #state;
  /** @type {Set<{ keys: (keyof S)[], listener: (state: S, before: S) => void }>} */
  #subscriptions = new Set();

  /** @param {S} state */
  constructor(state) {
    this.#state = Object.freeze(state);
  }

  get state() {
    return this.#state;
  }

  /**
   * Changes some of the state and calls back whoever subscribed to it, in the order of the subscriptions.
   * @param {Partial<S>} change
   */
  set(change) {
    const before = this.#state;
    const changed = /** @type {(keyof S)[]} */ (Object.keys(change)).filter((key) => change[key] !== before[key]);
    if (changed.length === 0) return;
    this.#state = Object.freeze({ ...before, ...change });
    for (const { keys, listener } of [...this.#subscriptions]) {
      if (keys.some((key) => changed.includes(key))) listener(this.#state, before);
    }
  }

  /**
   * Calls back after each change of any of these.
   * @param {(keyof S)[]} keys
   * @param {(state: S, before: S) => void} listener
   */
  subscribe(keys, listener) {
    this.#subscriptions.add({ keys, listener });
  }
}

/** Whether the latest snapshot is of the current run. @param {State} state */
export const isCurrent = ({ run, snapshot }) => snapshot !== undefined && snapshot.run === run?.run;

/**
 * Adds a notice. A link's problems and a refusal take the place of those before them.
 * @param {Store<State>} store
 * @param {Notice['kind']} kind
 * @param {() => string} words in the language of the day
 */
export function notify(store, kind, words) {
  if (kind === 'refused' || kind === 'link') dismiss(store, kind);
  store.set({ notices: [...store.state.notices, { kind, words }] });
}

/**
 * Takes away every notice of a kind.
 * @param {Store<State>} store
 * @param {Notice['kind']} kind
 */
export function dismiss(store, kind) {
  const { notices } = store.state;
  if (notices.some((notice) => notice.kind === kind)) store.set({ notices: notices.filter((notice) => notice.kind !== kind) });
}
