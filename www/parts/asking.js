// @ts-check
// Asks the worker how weights do, again and again while they move, but no more often than it can well answer.

/** @typedef {import('../wasm/engine/downhill.js').Diagnosed} Diagnosed */
/** @typedef {import('../wasm/engine/downhill.js').Configured} Configured */
/** @typedef {import('../wasm/engine/downhill.js').Snapshot} Snapshot */
/** @typedef {Extract<import('../wasm/engine/downhill.js').Request, { kind: 'diagnose' }>} Question */

/** While the weights move, they are looked at again after this, or after as many times what it took. */
const AGAIN_MS = 700;
const AGAIN_TIMES = 8;
/** Rows times squared features that are worked on again and again while a run trains. */
const LIVE = 3e7;

/** One question at a time, about the newest weights of a run. */
export class Asking {
  /** @type {Configured | undefined} */
  run;
  /** @type {Snapshot | undefined} */
  snapshot;
  /** What was asked last, and when the next may be. @type {{ key: string, next: number } | undefined} */
  #asked;
  #asking = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {import('../client.js').Client} client
   * @param {(work: number) => Pick<Question, 'part' | 'effect' | 'exact'> | undefined} wanted what is to be known now; `work` is
   *   rows times squared features
   * @param {(question: Question, diagnosed: Diagnosed) => Promise<void>} answered
   * @param {(problem: any) => void} refused
   */
  constructor(client, wanted, answered, refused) {
    this.client = client;
    this.wanted = wanted;
    this.answered = answered;
    this.refused = refused;
  }

  /** @param {Configured} run that began */
  begin(run) {
    this.run = run;
    this.snapshot = undefined;
    this.#asked = undefined;
  }

  /** @param {Snapshot} snapshot */
  show(snapshot) {
    this.snapshot = snapshot;
    this.soon();
  }

  /**
   * The run goes on under another configuration.
   * @param {import('../wasm/engine/downhill.js').RunConfig} config
   */
  change(config) {
    if (this.run) this.run = { ...this.run, config };
    this.again();
  }

  /** A person asks: at once. */
  again() {
    this.#asked = undefined;
    this.soon();
  }

  /** Asks for the weights of now, if something is wanted of them that is not known. */
  soon() {
    const { run, snapshot } = this;
    if (!run?.dataset || !snapshot?.weights || this.#asking) return;
    const work = run.dataset.n_samples * run.dataset.n_features ** 2;
    const wanted = this.wanted(work);
    if (!wanted) return;
    const { part, effect } = wanted;
    const weights = [...snapshot.weights];
    const key = JSON.stringify([run.run, snapshot.step, weights, part, effect]);
    if (this.#asked?.key === key) return;
    const moves = snapshot.status.kind === 'training' && this.#asked;
    if (moves && work > LIVE) return;
    const wait = (this.#asked?.next ?? 0) - performance.now();
    if (moves && wait > 0) {
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined;
        this.soon();
      }, wait);
      return;
    }
    void this.#ask(run, { kind: 'diagnose', config: run.config, weights, ...wanted }, key);
  }

  /**
   * @param {Configured} run
   * @param {Question} question
   * @param {string} key
   */
  async #ask(run, question, key) {
    this.#asking = true;
    const begun = performance.now();
    try {
      const diagnosed = /** @type {Diagnosed} */ (await this.client.ask(question));
      if (run === this.run && diagnosed.task) await this.answered(question, diagnosed);
    } catch (problem) {
      if (run === this.run) this.refused(problem);
    }
    const now = performance.now();
    this.#asked = { key, next: now + Math.max(AGAIN_MS, AGAIN_TIMES * (now - begun)) };
    this.#asking = false;
    this.soon();
  }
}
