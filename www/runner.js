// @ts-check
// Changes the run: sends configurations to the session, the newest last, and puts what it answers into the store.
import * as downhill from './wasm/engine/downhill.js';
import { hasField, read } from './parts/form/fields.js';
import { dismiss, notify } from './store.js';
import { text, wording } from './words/index.js';

/** @typedef {import('./store.js').RunConfig} RunConfig */
/** @typedef {import('./store.js').Configured} Configured */
/** @typedef {import('./store.js').State} State */

export class Runner {
  #store;
  #client;
  #address;
  #restarting = downhill.restarting_fields();
  /** What is to be sent next. @type {RunConfig | undefined} */
  #wanted;
  /** @type {{ config: RunConfig, abort: AbortController } | undefined} */
  #sent;
  /** @type {Promise<void> | undefined} */
  #sending;

  /**
   * @param {import('./store.js').Store<State>} store
   * @param {import('./client.js').Client} client
   * @param {import('./address.js').Address} address
   */
  constructor(store, client, address) {
    this.#store = store;
    this.#client = client;
    this.#address = address;
    address.onChange((hash) => {
      const { config, problems } = downhill.config_from_query(hash);
      this.#linkProblems(problems);
      void this.configure(config);
    });
  }

  /** Shows a configuration that a person has made, and makes the run one of it. @param {RunConfig} config */
  edit(config) {
    this.#store.set({ config });
    return this.configure(config);
  }

  /** Until the newest configuration is the run's, or was refused. @param {RunConfig} config */
  configure(config) {
    this.#wanted = config;
    // Rows that nobody waits for any longer are not made to their end.
    if (this.#sent && this.#restarts(this.#sent.config, config)) this.#sent.abort.abort();
    this.#sending ??= this.#send();
    return this.#sending;
  }

  /** Forgets what is to be sent next. */
  forget() {
    this.#wanted = undefined;
  }

  /**
   * Whether a configuration needs a new run after another.
   * @param {RunConfig} one
   * @param {RunConfig} other
   */
  #restarts(one, other) {
    return this.#restarting.some((path) => JSON.stringify(read(one, path)) !== JSON.stringify(read(other, path)));
  }

  async #send() {
    while (this.#wanted) {
      const sent = { config: this.#wanted, abort: new AbortController() };
      this.#sent = sent;
      this.#wanted = undefined;
      try {
        this.take(await this.#client.ask({ kind: 'configure', config: sent.config }, sent.abort.signal));
        dismiss(this.#store, 'refused');
      } catch (problem) {
        this.#refused(/** @type {any} */ (problem), true);
      }
    }
    this.#sent = undefined;
    this.#sending = undefined;
  }

  /**
   * Asks for something that changes the rows of the run, and says what comes of it.
   * @param {Extract<import('./client.js').Request, { kind: 'add_point' | 'remove_point' }>} request
   */
  async change(request) {
    try {
      this.take(await this.#client.ask(request));
      dismiss(this.#store, 'refused');
    } catch (problem) {
      this.#refused(/** @type {any} */ (problem), false);
    }
  }

  /**
   * Asks for something that the run does.
   * @param {'train' | 'pause' | 'step' | 'epoch' | 'reset'} kind
   */
  async do(kind) {
    try {
      await this.#client.ask({ kind });
    } catch (problem) {
      notify(this.#store, 'refused', () => wording(/** @type {any} */ (problem)));
    }
  }

  /** Starts over at another learning rate. @param {number} rate */
  async restartAt(rate) {
    await this.configure({ ...this.#store.state.config, learning_rate: rate });
    await this.#client.ask({ kind: 'reset' });
    await this.#client.ask({ kind: 'train' });
  }

  /** Takes a run that the session has confirmed. @param {Configured} answer */
  take(answer) {
    /** @type {Partial<State>} */
    const change = { run: answer };
    if (answer.config.data.source.kind === 'table') change.awaited = undefined;
    if (answer.dataset) Object.assign(change, { dataset: answer.dataset, exact: answer.dataset.exact, path: undefined, folds: [] });
    if (answer.exact) change.exact = answer.exact;
    // What a person has changed since is newer than this answer.
    if (!this.#wanted) change.config = answer.config;
    this.#store.set(change);
    this.#address.write(answer.query);
    dismiss(this.#store, 'notice');
    for (const message of answer.notices) notify(this.#store, 'notice', () => wording(message));
  }

  /**
   * @param {import('./store.js').Problem} problem
   * @param {boolean} inForm whether the configuration of the form was refused
   */
  #refused(problem, inForm) {
    const { run } = this.#store.state;
    if (problem.code === 'cancelled') {
      if (this.#wanted || !run) return;
      // The form and the address say again what the run is.
      this.#store.set({ config: run.config, announcement: text('status_cancelled') });
      this.#address.write(run.query);
      return;
    }
    if (inForm) this.#store.set({ refusal: problem });
    if (!inForm || !hasField(problem.params?.field)) notify(this.#store, 'refused', () => wording(problem));
  }

  /**
   * Begins the first run. Returns whether it is the one that the address asks for.
   * @param {{ config: RunConfig, problems: import('./wasm/engine/downhill.js').Message[] }} linked
   */
  async begin({ config, problems }) {
    const begin = async (/** @type {RunConfig} */ config) => this.take(await this.#client.ask({ kind: 'configure', config }));
    this.#linkProblems(problems);
    try {
      await begin(config);
      return true;
    } catch (problem) {
      this.#refused(/** @type {any} */ (problem), false);
      if (config.data.source.kind === 'table') this.#store.set({ awaited: config });
      const plain = downhill.default_config();
      // Most often a table is missing: the rest of the link holds for when it is opened.
      await begin({ ...config, data: plain.data }).catch(() => begin(plain));
      return false;
    }
  }

  /** @param {import('./wasm/engine/downhill.js').Message[]} problems */
  #linkProblems(problems) {
    dismiss(this.#store, 'link');
    if (problems.length === 0) return;
    notify(this.#store, 'link', () => text('link_problems', { problems: problems.map(wording).join(text('separator')) }));
  }
}
