// @ts-check
// Asks the worker how weights do, again and again while they move, but no more often than it can well answer.
import { isCurrent } from '../store.js';

/** @typedef {import('../wasm/engine/downhill.js').Diagnosed} Diagnosed */
/** @typedef {import('../store.js').State} State */
/** @typedef {Extract<import('../wasm/engine/downhill.js').Request, { kind: 'diagnose' }>} Question */

/** While the weights move, they are looked at again after this, or after as many times what it took. */
const AGAIN_MS = 700;
const AGAIN_TIMES = 8;
/** Rows times squared features that are worked on again and again while a run trains. */
const LIVE = 3e7;

/** One question at a time, about the newest weights of a run. */
export class Asking {
  #page;
  #wanted;
  #answered;
  #refused;
  /** What was asked last, and when the next may be. @type {{ key: string, next: number } | undefined} */
  #asked;
  #asking = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {import('../store.js').Page} page
   * @param {(work: number) => Pick<Question, 'part' | 'effect' | 'exact'> | undefined} wanted what is to be known now; `work` is
   *   rows times squared features
   * @param {(question: Question, diagnosed: Diagnosed) => void} answered
   * @param {(problem: any) => void} refused
   */
  constructor(page, wanted, answered, refused) {
    this.#page = page;
    this.#wanted = wanted;
    this.#answered = answered;
    this.#refused = refused;
    page.store.subscribe(['snapshot'], () => this.soon());
    // Other rows, or another optimum of the same: what was asked says nothing of them.
    page.store.subscribe(['dataset', 'exact'], () => this.again());
  }

  /** A person asks: at once. */
  again() {
    this.#asked = undefined;
    this.soon();
  }

  /** Asks for the weights of now, if something is wanted of them that is not known. */
  soon() {
    const { state } = this.#page.store;
    const { run, dataset, snapshot } = state;
    if (!run || !dataset || !snapshot?.weights || !isCurrent(state) || this.#asking) return;
    const work = dataset.n_samples * dataset.n_features ** 2;
    const wanted = this.#wanted(work);
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
    void this.#ask(state, { kind: 'diagnose', config: run.config, weights, ...wanted }, key);
  }

  /**
   * @param {State} then
   * @param {Question} question
   * @param {string} key
   */
  async #ask(then, question, key) {
    const { store, client } = this.#page;
    const isOver = () => store.state.dataset !== then.dataset || store.state.exact !== then.exact;
    this.#asking = true;
    const begun = performance.now();
    try {
      const diagnosed = /** @type {Diagnosed} */ (await client.ask(question));
      if (!isOver() && diagnosed.task) this.#answered(question, diagnosed);
    } catch (problem) {
      if (!isOver()) this.#refused(problem);
    }
    const now = performance.now();
    this.#asked = isOver() ? undefined : { key, next: now + Math.max(AGAIN_MS, AGAIN_TIMES * (now - begun)) };
    this.#asking = false;
    this.soon();
  }
}
